"""The lab's one process that starts, watches and stops all others: ``python -m obskit.lab.supervisor FOLDER KEEPER``.

It listens on a socket in the lab's folder, which only its owner can reach; see `obskit.lab.control`.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from obskit.lab import (
    control,
    database,
    exporter,
    keeper,
    kernel,
    lines,
    machine,
    programs,
    state,
    watchers,
    wire,
)
from obskit.lab.certificates import Authority
from obskit.lab.ecs_service import EcsService
from obskit.lab.ecs_task import Revision, Task
from obskit.lab.ecs_words import Words
from obskit.lab.host import Host, now
from obskit.lab.load import Load, steady_clock
from obskit.lab.servers import START_SECONDS, Servers
from obskit.lab.settings import PAYMENT, SHOP, LabSettings

_TICK_SECONDS: Final = 0.1
_MEASURE_SECONDS: Final = 0.5
_FLUSH_SECONDS: Final = 0.5
_PUSH_SECONDS: Final = 3.0
#: A first revision with so many failed or crashed tasks in a row does not come up.
_HOPELESS: Final = 3
#: How long a lab that could not start waits for somebody to read why.
_FAILED_SECONDS: Final = 10.0
_DRAIN_SECONDS: Final = "1"
#: Where the shop's journals are when they have a file system of their own.
_DISK: Final = "disk"
#: The port where the payment service's balancer speaks TLS.
_SECURE: Final = f"{PAYMENT}-tls"


class Supervisor:
    """All of a lab.

    Args:
        folder: Claimed; holds the state file with the settings.

    Attributes:
        hosts: The services, by name.
        load: The users.
        collector: Of the lines.
        servers: Debian's programs.
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
        self._chance = random.Random()  # noqa: S311 - users and ids, no secrets
        self._events = (folder / state.EVENTS).open("ab", buffering=0)
        self._ports = programs.Ports()
        self._targets: list[dict[str, Any]] | None = None
        self._servers: list[asyncio.Server] = []
        self._login = database.Login(port=self._ports.new())
        self.servers = Servers(folder, self.settings, self.state.ports, self._login, self._write_state)
        self._exporter = database.Exporter(self._login)
        self._asking = asyncio.Lock()
        self._authority: Authority | None = None
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
                except Exception as error:  # whatever it is, whoever has started the lab is told
                    await self._fail(error, told)
                limit = self.settings.minutes * 60 or None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(end, limit)
        finally:
            for task in (work, end):
                task.cancel()
            await self._stop()

    def certify(self, days: float) -> None:
        """Give the payment service a certificate that is valid for so many days more.

        Raises:
            ValueError: Nobody here speaks TLS.
        """
        if self._authority is None:
            raise ValueError("this lab was started without tls")
        self._authority.certify(days)

    async def _start(self) -> None:
        found = programs.find()
        if self.settings.disk:
            _mount(self.folder / _DISK, self.settings.disk)
        ports = self.state.ports
        for name in ("prometheus", "alertmanager", "node-exporter"):
            ports[name] = self._ports.new()
        metrics = await wire.serve(self._metrics)
        self._servers.append(metrics)
        ports |= {"metrics": wire.port_of(metrics), "postgres": self._login.port}
        self._make_services()
        for name, host in self.hosts.items():
            server = await wire.serve(host.balancer.answer, cancel_on_disconnect=True)
            self._servers.append(server)
            ports[name] = wire.port_of(server)
        if self.settings.tls:
            self._authority = Authority(self.folder / "tls")
            balancer = self.hosts[PAYMENT].balancer
            secure = await wire.serve(balancer.answer, context=self._authority.context, cancel_on_disconnect=True)
            self._servers.append(secure)
            ports[_SECURE] = wire.port_of(secure)
        await self._listen()
        for work in (self._measure, self._flush, self._tick):
            self._loop(work)
        await asyncio.gather(self.servers.start_watchers(found), self.servers.start_database(found))
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
        url = f"http://{wire.HOST}:{self.state.ports[PAYMENT]}"
        trusted = {}
        if self._authority:
            url = f"https://{wire.HOST}:{self.state.ports[_SECURE]}"
            trusted["PAYMENT_CA"] = str(self._authority.path)
        if self.settings.disk:
            trusted["JOURNAL_DIR"] = str(self.folder / _DISK)
        return {
            **self._common_environment("shop"),
            **self._login.environment,
            "POOL_SIZE": str(self.settings.pool // 2),
            "POOL_OVERFLOW": str(self.settings.pool - self.settings.pool // 2),
            "PAYMENT_URL": url,
            "PAYMENT_NAME": PAYMENT,
            **trusted,
        }

    async def _until_steady(self) -> None:
        end = asyncio.get_running_loop().time() + START_SECONDS
        while not all(host.service.steady for host in self.hosts.values()):
            first = {name: host.service.primary for name, host in self.hosts.items()}
            bad = [name for name, one in first.items() if one.failed + one.crashed >= _HOPELESS]
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
                if name == PAYMENT or self.servers.has_database:
                    host.tick()
            tasks = self.tasks
            wanted = watchers.targets(tasks)
            if wanted != self._targets and "prometheus" in self.servers.programs:
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
        if not shop.balancer.tally.is_young:
            found += shop.balancer.tally.metrics(f"targetgroup/{SHOP}/0", list(shop.service.tasks.values()))
        return _exposed(found)

    def _say(self, row: Mapping[str, Any]) -> None:
        self._events.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def _write_state(self) -> None:
        self.state.programs = {name: program.pid for name, program in self.servers.programs.items()}
        self.state.write(self.folder)

    def _loop(self, work: Any) -> None:
        self._loops.append(asyncio.create_task(_for_ever(work)))

    async def _fail(self, error: Exception, told: asyncio.Event) -> None:
        said = str(error) if isinstance(error, ObskitError) else f"{type(error).__name__}: {error}"
        self.state.stage, self.state.why = "failed", said
        self._write_state()
        sys.stderr.write(f"failed: {said}\n")
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
        await self.servers.stop()
        self._events.close()


def _mount(folder: Path, mebibytes: int) -> None:
    folder.mkdir()
    try:
        kernel.mount_small(folder, mebibytes)
    except OSError as error:
        raise SourceError(f"a small file system cannot be mounted: {error.strerror}", hint="it needs root") from error


async def _for_ever(work: Any) -> None:
    """Run a loop; an error in it is told, and it goes on."""
    while True:
        try:
            await work()
        except Exception as error:  # a lab goes on without one turn of a loop
            sys.stderr.write(f"{getattr(work, '__name__', work)}: {error!r}\n")
            await asyncio.sleep(1.0)


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
            kernel.unmount(folder / _DISK)
            state.clear(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
