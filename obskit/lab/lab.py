"""A lab in the hands of a program: ``with Lab(LabSettings()) as lab: …``.

The lab itself runs in processes of its own; this is its handle. `Lab.attached` takes one that already runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from obskit.errors import ObskitError, SourceError
from obskit.lab import control, programs, state
from obskit.lab.settings import PAYMENT, SHOP, LabSettings
from obskit.lab.wire import HOST

if TYPE_CHECKING:
    from obskit.lab.database import Login
    from obskit.lab.fault import Fault
    from obskit.model import Telemetry, Window

_LOOK_SECONDS: Final = 0.05
#: Beyond what the supervisor gives each of its parts, since they wait for each other.
_START_SECONDS: Final = 120.0
#: A little more than the keeper gives the supervisor.
_STOP_SECONDS: Final = 30.0


class Lab:
    """A lab that is started with the context and gone after it.

    Args:
        settings: What it is like.
        folder: Where it lives; one that is not there yet, or empty.
        detached: It outlives us, until it is told to end.

    Attributes:
        folder: Its folder.
    """

    def __init__(
        self, settings: LabSettings | None = None, *, folder: Path | None = None, detached: bool = False
    ) -> None:
        self.folder = (folder or state.default_folder()).absolute()
        self._settings = settings or LabSettings()
        self._detached = detached
        self._keeper: subprocess.Popen[bytes] | None = None
        self._state: state.State | None = None

    @classmethod
    def attached(cls, folder: Path | None = None) -> Lab:
        """Return a lab that runs already.

        Raises:
            UsageError: There is none in the folder.
            SourceError: It is not ready, or what is left of it cannot be read.
        """
        lab = cls(folder=folder)
        found = state.read(lab.folder)
        if found.stage != "ready" or not state.is_running(found.supervisor):
            raise SourceError(
                f"the lab in {lab.folder} is {found.stage}", where={"said": found.why}, hint="obskit lab down"
            )
        lab._state, lab._settings = found, found.settings
        return lab

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down()

    def start(self) -> None:
        """Start it and wait until it is ready: every task healthy, every server answering.

        Raises:
            UsageError: Programs or packages are missing, or the folder is taken.
            SourceError: Something did not come up; with its last words.
        """
        programs.find()
        programs.check_packages()
        programs.postgres_user()
        state.claim(self.folder)
        (self.folder / "control").mkdir(mode=0o700)
        state.State(settings=self._settings, began=time.time()).write(self.folder)
        with (self.folder / state.LOG).open("ab") as log:
            self._keeper = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "obskit.lab.keeper", str(self.folder), *self._manner],
                stdin=subprocess.DEVNULL if self._detached else subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        try:
            self._state = self._until_ready(self._keeper)
        except BaseException:
            self.down()
            raise

    @property
    def _manner(self) -> list[str]:
        return [] if self._detached else ["--attached"]

    def _until_ready(self, keeper: subprocess.Popen[bytes]) -> state.State:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            found = state.read(self.folder) if (self.folder / state.FILE).exists() else state.State(stage="failed")
            if found.stage == "ready":
                return found
            if found.stage == "failed" or keeper.poll() is not None:
                break
            time.sleep(_LOOK_SECONDS)
        raise SourceError(
            "the lab did not come up",
            where={"said": found.why or self._log()},
            hint="start it again with fewer tasks, or when the machine has less to do",
        )

    def _log(self) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / state.LOG).read_text(errors="replace")[-600:].strip()
        return ""

    def down(self) -> None:
        """End it, and wait until nothing of it is left.

        Raises:
            SourceError: Something is left.
        """
        pid = self._keeper.pid if self._keeper else self.state.keeper
        for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5.0)):
            if self._keeper is None and not state.is_running(pid):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if self._is_over(pid, seconds):
                break
        if self._keeper and self._keeper.stdin:
            self._keeper.stdin.close()
        if self.folder.exists():
            # Only where the keeper was killed: the supervisor stops by itself then.
            if not self._is_over(self._state.supervisor if self._state else 0, _STOP_SECONDS):
                raise SourceError("the lab does not end", where={"folder": str(self.folder)})
            state.clear(self.folder)

    def _is_over(self, pid: int, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ended = self._keeper.poll() is not None if self._keeper and self._keeper.pid == pid else False
            if ended or not state.is_running(pid):
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def wait(self) -> None:
        """Wait until it has ended, by itself or because somebody ended it."""
        if self._keeper:
            self._keeper.wait()

    @property
    def state(self) -> state.State:
        """What its state file says."""
        if self._state is None:
            self._state = state.read(self.folder)
        return self._state

    @property
    def settings(self) -> LabSettings:
        """What it is like."""
        return self._settings

    @property
    def urls(self) -> dict[str, str]:
        """Where everything answers, by name: ``prometheus``, ``demo-app`` (its balancer) and so on."""
        ports = {name: port for name, port in self.state.ports.items() if name != "postgres"}
        return {name: f"http{'s' * name.endswith('-tls')}://{HOST}:{port}" for name, port in ports.items()}

    @property
    def database(self) -> Login:
        """How to log in to its PostgreSQL."""
        from obskit.lab.database import Login

        secret = json.loads((self.folder / state.SECRET).read_bytes())
        return Login(port=self.state.ports["postgres"], **secret)

    def status(self) -> dict[str, Any]:
        """Return what runs, in what health, and what is broken."""
        found: dict[str, Any] = self._ask("status")
        return found

    def inject(self, fault: Fault, strength: float | None = None) -> str:
        """Start a fault, and return the task to blame or "".

        Args:
            fault: From `obskit.lab.fault.all_faults`.
            strength: In its unit; the usual one where it is None.
        """
        strong = fault.usual if strength is None else strength
        self._ask("note", fault=fault.id, strength=strong)
        try:
            return fault.start(self, strong)
        except BaseException:
            with contextlib.suppress(ObskitError):
                self.heal(fault)
            raise

    def heal(self, fault: Fault) -> None:
        """Stop a fault."""
        fault.stop(self)
        self._ask("note", fault=fault.id)

    def break_it(
        self, service: str, fault: str, strength: float | None = None, *, target: str = "", tasks: str = "all"
    ) -> list[str]:
        """Switch one of the application's own faults on, and return the ids of the tasks that have it.

        Args:
            service: `SHOP` or `PAYMENT`.
            fault: As the application calls it (``GET /faults``).
            strength: In its unit; its usual one where it is None.
            target: An address or folder, for those that need one.
            tasks: ``all`` and those to come, ``one``, or a task's id.
        """
        found: list[str] = self._ask(
            "break", service=service, fault=fault, strength=strength, target=target, tasks=tasks
        )
        return found

    def mend(self, service: str, fault: str) -> None:
        """Switch one of the application's own faults off."""
        self._ask("mend", service=service, fault=fault)

    def release(
        self,
        service: str = SHOP,
        *,
        environment: Mapping[str, str] | None = None,
        command: tuple[str, ...] = (),
        memory: int = 0,
        tag: str = "",
    ) -> str:
        """Begin to roll out a revision, and return the deployment's id.

        Args:
            service: `SHOP` or `PAYMENT`.
            environment: Over that of the lab.
            command: Instead of the application.
            memory: MiB of each task; 0 for the lab's.
            tag: Of the image, and the application's version.
        """
        found: str = self._ask(
            "release",
            service=service,
            environment=dict(environment or {}),
            command=list(command),
            memory=memory,
            tag=tag,
        )
        return found

    def scale(self, desired: int, service: str = SHOP) -> None:
        """Want so many tasks."""
        self._ask("scale", service=service, desired=desired)

    def stop_task(self, task: str, service: str = SHOP, reason: str = "") -> None:
        """Stop a task as somebody's StopTask does."""
        self._ask("stop", service=service, task=task, reason=reason)

    def load(self, factor: float) -> None:
        """Multiply the users; 1 is as usual, 0 sends nobody."""
        self._ask("load", factor=factor)

    def ship_logs(self, *, on: bool) -> None:
        """Stop or resume the collection of log lines; those that are written meanwhile are lost."""
        self._ask("shipping", on=on)

    def run_database(self, *, on: bool) -> None:
        """Stop PostgreSQL at once, or start it again."""
        self._ask("database", on=on)

    def run_jobs(self, count: int) -> None:
        """Have so many batch jobs run on the same machine, beside the services; see `obskit.lab.batch`."""
        self._ask("jobs", count=count)

    def certify(self, days: float) -> None:
        """Give the payment service a certificate that is valid for so many days more; it has ended where negative.

        Raises:
            UsageError: The lab was started without `LabSettings.tls`.
        """
        self._ask("certify", days=days)

    def telemetry(self, window: Window, service: str = SHOP) -> Telemetry:
        """Return what its Prometheus, its lines and its events tell of a window; see `obskit.lab.telemetry`."""
        from obskit.lab.telemetry import telemetry

        return telemetry(self, window, service)

    def _ask(self, name: str, **more: Any) -> Any:
        return control.ask(self.folder / state.SOCKET, name, **more)


__all__ = ["PAYMENT", "SHOP", "Lab", "LabSettings"]
