"""The lab's one process that starts, watches and stops all others: ``python -m obskit.lab.supervisor FOLDER KEEPER``.

It listens on a socket in the lab's folder, which only its owner can reach; see `obskit.lab.control`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from obskit.errors import ObskitError, SourceError
from obskit.lab import control, database, exporter, keeper, kernel, lines, machine, programs, state, watchers, wire
from obskit.lab.ecs_service import EcsService
from obskit.lab.ecs_task import Revision, Task
from obskit.lab.ecs_words import Words
from obskit.lab.host import Host, now
from obskit.lab.load import Load, steady_clock
from obskit.lab.runner import Program
from obskit.lab.settings import PAYMENT, SHOP, LabSettings

_TICK_SECONDS: Final = 0.1
_MEASURE_SECONDS: Final = 0.5
_FLUSH_SECONDS: Final = 0.5
_START_SECONDS: Final = 60.0
_PUSH_SECONDS: Final = 3.0
#: A first revision with so many failed tasks in a row does not come up.
_HOPELESS: Final = 3
#: How long a lab that could not start waits for somebody to read why.
_FAILED_SECONDS: Final = 10.0
_DRAIN_SECONDS: Final = "1"


class Supervisor:
    """All of a lab.

    Args:
        folder: Claimed; holds the state file with the settings.

    Attributes:
        hosts: The services, by name.
        load: The users.
        collector: Of the lines.
        injected: Faults that `obskit.lab.fault` has started, by id.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = state.read(folder)
        self.settings: LabSettings = self.state.settings
        self.hosts: dict[str, Host] = {}
        self.collector = lines.Collector(folder / state.LINES)
        self.injected: dict[str, str] = {}
        self.load: Load
        self._programs: dict[str, Program] = {}
        self._chance = random.Random()  # noqa: S311 - users and ids, no secrets
        self._events = (folder / state.EVENTS).open("ab", buffering=0)
        self._ports = programs.Ports()
        self._targets: list[dict[str, Any]] | None = None
        self._servers: list[asyncio.Server] = []
        self._login = database.Login(port=self._ports.new())
        self._exporter = database.Exporter(self._login)
        self._asking = asyncio.Lock()
        self._has_database = False
        self._loops: list[asyncio.Task[None]] = []

    async def run(self, told: asyncio.Event) -> None:
        """Start everything, and go on until somebody says so.

        Args:
            told: Set when it is time to stop.
        """
        work = asyncio.create_task(self._start())
        end = asyncio.create_task(told.wait())
        await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
        try:
            if work.done():
                try:
                    await work
                except (ObskitError, OSError) as error:
                    await self._fail(error, told)
                limit = self.settings.minutes * 60 or None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(end, limit)
        finally:
            for task in (work, end):
                task.cancel()
            await self._stop()

    async def set_database(self, *, on: bool) -> None:
        """Stop PostgreSQL at once, or start it again."""
        server = self._programs["postgres"]
        if not on:
            await server.stop(signal.SIGQUIT)  # "immediate": nobody is told
        elif not server.pid:
            await server.start()
            await server.until(self._can_log_in, _START_SECONDS)
        self._write_state()

    async def _start(self) -> None:
        found = programs.find()
        ports = self.state.ports
        for name in ("prometheus", "alertmanager", "node-exporter"):
            ports[name] = self._ports.new()
        metrics = await wire.serve(self._metrics)
        self._servers.append(metrics)
        ports |= {"metrics": wire.port_of(metrics), "postgres": self._login.port}
        self._make_services()
        for name, host in self.hosts.items():
            server = await wire.serve(host.balancer.answer)
            self._servers.append(server)
            ports[name] = wire.port_of(server)
        await self._listen()
        for work in (self._measure, self._flush, self._tick):
            self._loop(work)
        await asyncio.gather(self._start_watchers(found), self._start_database(found))
        await self._until_steady()
        settings = self.settings
        self.load = Load(ports[SHOP], settings.rate, settings.day, settings.users, self._chance, steady_clock)
        self._loop(self.load.run)
        self.state.stage, self.state.ready = "ready", time.time()
        self._write_state()

    def _make_services(self) -> None:
        settings = self.settings
        for name, chosen in ((PAYMENT, settings.payment_environment), (SHOP, settings.shop_environment)):
            words = Words(name, settings.cluster, self._say, self._chance.getrandbits, public=name == SHOP)
            first = Revision(family=name, environment=chosen, cpu=settings.cpu, memory=settings.memory)
            service = EcsService(name, settings, first, words, self._ports.new, now())
            environment = self._shop_environment if name == SHOP else self._payment_environment
            self.hosts[name] = Host(service, settings, self.folder / "tasks" / name, environment, self.collector)

    def _common_environment(self, role: str) -> dict[str, str]:
        return {
            "ROLE": role,
            "HOST": wire.HOST,
            "WORKERS": "1",
            "THREADS": str(self.settings.threads),
            "DRAIN_SECONDS": _DRAIN_SECONDS,
            "SHOP_FAULTS": "allowed",
        }

    def _payment_environment(self) -> dict[str, str]:
        return self._common_environment("payment")

    def _shop_environment(self) -> dict[str, str]:
        return {
            **self._common_environment("shop"),
            **self._login.environment,
            "POOL_SIZE": str(self.settings.pool // 2),
            "POOL_OVERFLOW": str(self.settings.pool - self.settings.pool // 2),
            "PAYMENT_URL": f"http://{wire.HOST}:{self.state.ports[PAYMENT]}",
            "PAYMENT_NAME": PAYMENT,
        }

    async def _start_watchers(self, found: Mapping[str, str]) -> None:
        folders = {name: self.folder / name for name in ("prometheus", "alertmanager", "node-exporter")}
        for folder in folders.values():
            folder.mkdir()
        ports = self.state.ports
        commands = {
            "prometheus": watchers.prometheus(folders["prometheus"], self.settings, ports),
            "alertmanager": watchers.alertmanager(folders["alertmanager"], ports),
            "node-exporter": watchers.node_exporter(ports),
        }
        binaries = {name: found[name if name == "prometheus" else f"prometheus-{name}"] for name in commands}
        for name, command in commands.items():
            self._programs[name] = Program(name, [binaries[name], *command], folders[name])
            await self._programs[name].start()
        self._write_state()
        paths = {"prometheus": "/-/ready", "alertmanager": "/-/ready", "node-exporter": "/"}
        await asyncio.gather(
            *(
                self._programs[name].until(lambda p=ports[name], q=path: _answers(p, q), _START_SECONDS)  # type: ignore[misc]
                for name, path in paths.items()
            )
        )

    async def _start_database(self, found: Mapping[str, str]) -> None:
        folder, user = self.folder / "postgres", programs.postgres_user()
        folder.mkdir()
        secret = self.folder / state.SECRET
        secret.touch(mode=0o600)
        secret.write_text(json.dumps({"admin_password": self._login.admin_password, "password": self._login.password}))
        make = Program("initdb", [found["initdb"], *database.prepare(folder, self._login, user)], folder, user)
        await make.start()
        await make.finish()
        command = [found["postgres"], *database.arguments(folder, self._login, self.settings.connections)]
        self._programs["postgres"] = Program("postgres", command, folder, user)
        await self._programs["postgres"].start()
        await self._programs["postgres"].until(self._can_log_in, _START_SECONDS)
        await asyncio.to_thread(database.set_up, self._login)
        self._has_database = True
        self._write_state()

    def _can_log_in(self) -> bool:
        import psycopg

        try:
            self._login.connect("postgres").close()
        except psycopg.Error:
            return False
        return True

    async def _until_steady(self) -> None:
        end = asyncio.get_running_loop().time() + _START_SECONDS
        while not all(host.service.steady for host in self.hosts.values()):
            bad = [name for name, host in self.hosts.items() if host.service.primary.failed >= _HOPELESS]
            if bad or asyncio.get_running_loop().time() > end:
                said = "".join(f"{row['service']}: {row['line']}\n" for row in self._last_rows())
                raise SourceError(
                    f"the tasks of {', '.join(bad) or 'the lab'} do not become healthy", where={"said": said.strip()}
                )
            await asyncio.sleep(_TICK_SECONDS)

    def _last_rows(self) -> list[dict[str, Any]]:
        self.collector.flush()
        path = self.folder / state.LINES
        return [orjson.loads(row) for row in path.read_bytes().splitlines()[-3:]] if path.exists() else []

    async def _listen(self) -> None:
        path = self.folder / state.SOCKET
        server = await control.serve(path, lambda name, more: control.obey(self, name, more))
        self._servers.append(server)

    async def _tick(self) -> None:
        while True:
            for name, host in self.hosts.items():
                if name == PAYMENT or self._has_database:
                    host.tick()
            tasks = self.tasks
            wanted = watchers.targets(tasks)
            if wanted != self._targets and "prometheus" in self._programs:
                self._targets = wanted
                watchers.write_targets(self.folder / "prometheus", tasks)
            await asyncio.sleep(_TICK_SECONDS)

    @property
    def tasks(self) -> list[Task]:
        """All tasks of all services."""
        return [task for host in self.hosts.values() for task in host.service.tasks.values()]

    async def _measure(self) -> None:
        while True:
            sessions = [pid for host in self.hosts.values() for pid in host.sessions]
            used = await asyncio.to_thread(machine.usage, sessions)
            for host in self.hosts.values():
                host.measured(used)
            await asyncio.sleep(_MEASURE_SECONDS)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            rows = self.collector.flush()
            if rows and self.settings.loki:
                body = lines.push_body(rows, self.settings.cluster)
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(_push, self.settings.loki, body)

    async def _metrics(self, request: wire.Message) -> wire.Message:
        if request.target == "/postgres":
            async with self._asking:
                return _exposed(await asyncio.to_thread(self._exporter.text))
        if request.target != "/metrics":
            return wire.plain(404, "/metrics, /postgres\n")
        used = {name: usage for host in self.hosts.values() for name, usage in host.used.items()}
        services = {name: host.service for name, host in self.hosts.items()}
        found = exporter.text(services, self.settings.cluster, used)
        # The balancer before the payment service is what ECS's service discovery is: CloudWatch knows none.
        shop = self.hosts[SHOP]
        found += shop.balancer.tally.metrics(f"targetgroup/{SHOP}/0", list(shop.service.tasks.values()))
        return _exposed(found)

    def _say(self, row: Mapping[str, Any]) -> None:
        self._events.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def _write_state(self) -> None:
        self.state.programs = {name: program.pid for name, program in self._programs.items()}
        self.state.write(self.folder)

    def _loop(self, work: Any) -> None:
        self._loops.append(asyncio.create_task(_for_ever(work)))

    async def _fail(self, error: Exception, told: asyncio.Event) -> None:
        self.state.stage, self.state.why = "failed", str(error)
        self._write_state()
        sys.stderr.write(f"failed: {error}\n")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _FAILED_SECONDS)
        told.set()

    async def _stop(self) -> None:
        # The keeper may be gone, or in no position to find what we have started.
        kernel.adopt_orphans()
        self.state.stage = "stopping"
        with contextlib.suppress(OSError):
            self._write_state()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*(host.stop() for host in self.hosts.values()))
        for server in self._servers:
            server.close()
        self._exporter.close()
        ends = {"postgres": signal.SIGQUIT}
        await asyncio.gather(*(p.stop(ends.get(name, signal.SIGKILL)) for name, p in self._programs.items()))
        self._events.close()


async def _for_ever(work: Any) -> None:
    """Run a loop; an error in it is told, and it goes on."""
    while True:
        try:
            await work()
        except Exception as error:  # a lab goes on without one turn of a loop
            sys.stderr.write(f"{getattr(work, '__name__', work)}: {error!r}\n")
            await asyncio.sleep(1.0)


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{wire.HOST}:{port}{path}", timeout=1):
            return True
    except OSError:  # refused, reset, or 503 until it is ready
        return False


def _push(loki: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{loki.rstrip('/')}/loki/api/v1/push", body, headers, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=_PUSH_SECONDS):  # noqa: S310
        pass


def _exposed(found: list[str]) -> wire.Message:
    return wire.plain(200, "\n".join(found) + "\n", kind="text/plain; version=0.0.4; charset=utf-8")


async def _supervise(folder: Path, parent: int) -> None:
    kernel.end_with_parent(parent)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    supervisor = Supervisor(folder)
    supervisor.state.keeper, supervisor.state.supervisor = parent, os.getpid()
    await supervisor.run(told)


def main(arguments: list[str]) -> None:
    """Supervise a lab until its end.

    Args:
        arguments: The folder, and the keeper's process id.
    """
    folder, parent = Path(arguments[0]), int(arguments[1])
    try:
        asyncio.run(_supervise(folder, parent))
    finally:
        keeper.end_descendants()
        if os.getppid() != parent:  # nobody else is left to do it
            state.clear(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
