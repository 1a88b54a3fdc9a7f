"""Real faults on demand: ``POST /faults/NAME``. Only where the service was started with ``SHOP_FAULTS=allowed``.

A wish is a file that all workers of the task see, so that it does not matter which of them was asked. Each
looks a few times a second, begins what is wished and ends what is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError

from . import faults_database, faults_machine, faults_network
from .fault import Answers, End, Fault, Scene, Wish, again

#: Nothing above debug: what is said of a fault would be its label, in the very lines that are to be judged.
_LOG: Final = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.2


class Board:
    """The wishes of a task, a file each.

    Args:
        folder: The same for all workers.
        clock: Seconds since 1970.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def put(self, wish: Wish) -> None:
        """Ask for a fault, instead of what was asked of the same name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f".{wish.name}.{os.getpid()}"
        fresh.write_text(json.dumps(asdict(wish)), encoding="utf-8")
        fresh.replace(self._folder / f"{wish.name}.json")

    def drop(self, name: str) -> None:
        """Ask for a fault no more."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def wishes(self) -> dict[str, Wish]:
        """Return what is asked for now, by name."""
        found: dict[str, Wish] = {}
        for path in self._folder.glob("*.json"):
            try:
                wish = Wish(**json.loads(path.read_text(encoding="utf-8")))
            except FileNotFoundError:  # dropped meanwhile
                continue
            if self._clock() < wish.until:
                found[wish.name] = wish
        return found

    def until(self, seconds: float) -> float:
        """Return the time when so many seconds are over."""
        return self._clock() + seconds


class Switch:
    """Begins and ends faults in one worker.

    Args:
        board: The wishes.
        faults: All there are, by name.

    Attributes:
        leads: Whether this worker does what one worker of the task does for all.
    """

    def __init__(self, board: Board, faults: dict[str, Fault]) -> None:
        self.leads = False
        self._board = board
        self._faults = faults
        self._active: dict[str, tuple[Wish, End]] = {}

    def look(self) -> None:
        """Begin what is wished, end what is not."""
        try:
            wishes = self._board.wishes()
        except OSError:  # no descriptor is left, perhaps by our own doing; what is active stays so
            return
        for name, (wish, _) in list(self._active.items()):
            if wishes.get(name) != wish:
                self._end(name)
        for name, wish in wishes.items():
            fault = self._faults[name]
            if name not in self._active and (self.leads or not fault.once):
                self._begin(fault, wish)

    def end(self) -> None:
        """End all."""
        for name in list(self._active):
            self._end(name)

    def _begin(self, fault: Fault, wish: Wish) -> None:
        _LOG.debug("fault %s begins with %g %s", fault.name, wish.strength, fault.unit)
        try:
            self._active[fault.name] = (wish, fault.begin(wish))
        except (OSError, SQLAlchemyError):
            _LOG.debug("fault %s cannot begin yet", fault.name, exc_info=True)

    def _end(self, name: str) -> None:
        _, end = self._active.pop(name)
        try:
            end()
        except (OSError, SQLAlchemyError):
            _LOG.debug("fault %s did not end well", name, exc_info=True)


class WishIn(BaseModel):
    """What is asked of a fault; see ``GET /faults`` for units."""

    strength: Annotated[float, Field(gt=0)] | None = None
    seconds: Annotated[float, Field(gt=0, le=24 * 3600)] = 60.0
    target: str = ""


def add(app: FastAPI, settings: Any) -> None:
    """Add ``/faults`` to an application."""
    scene = Scene(settings=settings, shop=app.state.shop, answers=Answers())
    kinds = (faults_machine, faults_database, faults_network)
    known = {fault.name: fault for kind in kinds for fault in kind.faults(scene)}
    board = Board(settings.folder / "faults")
    app.state.scene, app.state.switch = scene, Switch(board, known)
    app.add_middleware(faults_network.Spoiler, answers=scene.answers)
    app.include_router(_router(board, known))


def start(app: FastAPI, place: int) -> End:
    """Begin to look for wishes in this worker, and return what ends that and all faults.

    Args:
        app: With ``/faults``.
        place: The worker's number; 0 leads.
    """
    switch: Switch = app.state.switch
    app.state.scene.loop = asyncio.get_running_loop()
    app.state.scene.threads = anyio.to_thread.current_default_thread_limiter()
    switch.leads = place == 0
    _LOG.debug("SHOP_FAULTS=allowed: whoever reaches this service can break it")
    stop = again(_LOOK_SECONDS, switch.look, name="switch")

    def end() -> None:
        stop()
        switch.end()

    return end


def _router(board: Board, known: dict[str, Fault]) -> APIRouter:
    router = APIRouter(prefix="/faults", tags=["faults"])

    # These need no thread: they answer while all threads are taken.
    @router.get("")
    async def all_faults() -> dict[str, dict[str, object]]:
        """List what can be broken, and what is."""
        active = board.wishes()
        return {
            name: {
                "unit": fault.unit,
                "usual": fault.usual,
                "most": fault.most,
                "target": fault.target,
                "refusal": fault.refusal,
                "active": asdict(active[name]) if name in active else None,
            }
            for name, fault in known.items()
        }

    @router.post("/{name}", status_code=202)
    async def break_it(name: str, wish: WishIn) -> dict[str, object]:
        """Begin a fault, in all workers within a moment."""
        fault = _known(name)
        if fault.refusal:
            raise HTTPException(409, fault.refusal)
        strength = fault.usual if wish.strength is None else wish.strength
        if strength > fault.most:
            raise HTTPException(422, f"strength is {fault.most:g} at most: {fault.unit}")
        if fault.target and not wish.target:
            raise HTTPException(422, f"target is missing: {fault.target}")
        asked = Wish(name=name, strength=strength, until=board.until(wish.seconds), target=wish.target)
        board.put(asked)
        return asdict(asked)

    @router.delete("/{name}", status_code=204)
    async def mend_it(name: str) -> None:
        """End a fault."""
        board.drop(_known(name).name)

    def _known(name: str) -> Fault:
        if name not in known:
            raise HTTPException(404, f"no such fault; there are {', '.join(sorted(known))}")
        return known[name]

    return router
