"""Debian's programs in a lab: PostgreSQL, Prometheus, Alertmanager, Node Exporter, and batch jobs beside them."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from obskit.lab import batch, database, programs, state, watchers, wire
from obskit.lab.runner import Program
from obskit.lab.settings import LabSettings

#: A server is ready within this time.
START_SECONDS: Final = 60.0


class Servers:
    """Starts and stops them.

    Args:
        folder: The lab's.
        settings: The lab's.
        ports: Where the watchers listen, by name; there when they are started.
        login: To the database.
        changed: Called when other processes run than before.

    Attributes:
        programs: What was started, by name.
        has_database: It can be used; stays so when it is stopped.
    """

    def __init__(
        self,
        folder: Path,
        settings: LabSettings,
        ports: Mapping[str, int],
        login: database.Login,
        changed: Callable[[], None],
    ) -> None:
        self.programs: dict[str, Program] = {}
        self.has_database = False
        self._folder, self._settings, self._ports, self._login = folder, settings, ports, login
        self._changed = changed

    async def start_watchers(self, found: Mapping[str, str]) -> None:
        """Start what watches.

        Args:
            found: From `obskit.lab.programs.find`.

        Raises:
            SourceError: One did not come up.
        """
        folders = {name: self._folder / name for name in ("prometheus", "alertmanager", "node-exporter")}
        for folder in folders.values():
            folder.mkdir()
        ports = self._ports
        commands = {
            "prometheus": watchers.prometheus(folders["prometheus"], self._settings, ports),
            "alertmanager": watchers.alertmanager(folders["alertmanager"], ports),
            "node-exporter": watchers.node_exporter(ports),
        }
        binaries = {name: found[name if name == "prometheus" else f"prometheus-{name}"] for name in commands}
        for name, command in commands.items():
            self.programs[name] = Program(name, [binaries[name], *command], folders[name])
            await self.programs[name].start()
        self._changed()
        paths = {"prometheus": "/-/ready", "alertmanager": "/-/ready", "node-exporter": "/"}
        await asyncio.gather(
            *(
                self.programs[name].until(lambda p=ports[name], q=path: _answers(p, q), START_SECONDS)  # type: ignore[misc]
                for name, path in paths.items()
            )
        )

    async def start_database(self, found: Mapping[str, str]) -> None:
        """Make a database and start its server.

        Raises:
            SourceError: It did not come up.
        """
        folder, user = self._folder / "postgres", programs.postgres_user()
        folder.mkdir()
        secret = self._folder / state.SECRET
        secret.touch(mode=0o600)
        secret.write_text(json.dumps({"admin_password": self._login.admin_password, "password": self._login.password}))
        make = Program("initdb", [found["initdb"], *database.prepare(folder, self._login, user)], folder, user)
        await make.start()
        await make.finish()
        command = [found["postgres"], *database.arguments(folder, self._login, self._settings.connections)]
        self.programs["postgres"] = Program("postgres", command, folder, user)
        await self.programs["postgres"].start()
        await self.programs["postgres"].until(self._can_log_in, START_SECONDS)
        await asyncio.to_thread(database.set_up, self._login)
        self.has_database = True
        self._changed()

    async def set_database(self, *, on: bool) -> None:
        """Stop PostgreSQL at once, or start it again."""
        server = self.programs["postgres"]
        if not on:
            await server.stop(signal.SIGQUIT)  # "immediate": nobody is told
        elif not server.pid:
            await server.start()
            await server.until(self._can_log_in, START_SECONDS)
        self._changed()

    async def set_jobs(self, count: int) -> None:
        """Run so many batch jobs, more or fewer than before."""
        running = [name for name in self.programs if name.startswith(batch.NAME)]
        for name in running[count:]:
            await self.programs.pop(name).stop(signal.SIGKILL)
        folder = self._folder / "jobs"
        folder.mkdir(exist_ok=True)
        for number in range(len(running), count):
            job = self.programs[f"{batch.NAME}-{number}"] = Program(batch.NAME, batch.COMMAND, folder)
            await job.start()
        self._changed()

    async def stop(self) -> None:
        """Stop all of them at once."""
        ends = {"postgres": signal.SIGQUIT}
        await asyncio.gather(*(p.stop(ends.get(name, signal.SIGKILL)) for name, p in self.programs.items()))

    def _can_log_in(self) -> bool:
        import psycopg

        try:
            self._login.connect("postgres").close()
        except psycopg.Error:
            return False
        return True


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{wire.HOST}:{port}{path}", timeout=1):
            return True
    except OSError:  # refused, reset, or 503 until it is ready
        return False
