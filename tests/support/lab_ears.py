"""Somebody who answers where a lab would, and writes down what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from obskit.lab import control, state
from obskit.lab.database import Login
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP, LabSettings

Asked = list[tuple[str, dict[str, Any]]]


@contextlib.contextmanager
def listening_lab(
    folder: Path, *, programs: Mapping[str, int] | None = None, login: Login | None = None
) -> Iterator[tuple[Lab, Asked]]:
    """Yield a lab's handle, and what it has asked for on the lab's real socket.

    Args:
        folder: One with a short name that exists.
        programs: Process ids, as the lab's state says them.
        login: To its database, where it has one.
    """
    asked: Asked = []

    async def obey(name: str, more: Mapping[str, Any]) -> Any:
        asked.append((name, dict(more)))
        if name == "status":
            return {"services": {SHOP: {"tasks": [{"id": f"task-{number}"} for number in range(3)]}}}
        return ["task-1"] if name == "break" else None

    (folder / "control").mkdir()
    ports = {"postgres": login.port} if login else {}
    state.State(settings=LabSettings(), programs=dict(programs or {}), ports=ports).write(folder)
    if login:
        secret = {"admin_password": login.admin_password, "password": login.password}
        (folder / state.SECRET).write_text(json.dumps(secret))
    loop, over, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with await control.serve(folder / state.SOCKET, obey):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield Lab(folder=folder), asked
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
