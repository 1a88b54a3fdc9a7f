"""Items that behave in a way that recordings do not: they hang, break, and kill their worker."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from obskit.errors import BundleError
from obskit.fleet.item import Seen
from obskit.model import Service, Telemetry
from tests.support.scenario import SERVICE, WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """Something of which nothing was seen: the engine is done with it at once."""

    name: str

    def seen(self, scratch: Path | None) -> Seen | None:
        """Return an empty telemetry."""
        return Seen(service=Service(name=SERVICE), window=WINDOW, telemetry=Telemetry())


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(Quick):
    """Something that fails with an error of each kind."""

    how: str

    def seen(self, scratch: Path | None) -> Seen | None:
        """Fail."""
        match self.how:
            case "bundle":
                raise BundleError("it is damaged", where={"said": "cut off"}, hint="copy it again")
            case "bug":
                raise ZeroDivisionError("nobody thought of this")
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaky(Quick):
    """Something whose connection breaks the first times; *count* is a file that remembers how often it was tried."""

    count: Path
    breaks: int

    def seen(self, scratch: Path | None) -> Seen | None:
        """Break, or be there."""
        with self.count.open("ab") as file:
            file.write(b".")
        if self.count.stat().st_size <= self.breaks:
            raise ConnectionResetError("reset by peer")
        return Quick.seen(self, scratch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(Quick):
    """Something that never ends, and cannot be ended from within Python."""

    def seen(self, scratch: Path | None) -> Seen | None:
        """Wait for ever."""
        threading.Event().wait()
        return None


#: What `Held` waits for, where it runs in the test's own process.
RELEASE = threading.Event()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Quick):
    """Something that lasts until the test says so."""

    def seen(self, scratch: Path | None) -> Seen | None:
        """Wait."""
        RELEASE.wait()
        return Quick.seen(self, scratch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadly(Quick):
    """Something that kills its worker, the first *times*; *count* is a file that remembers how often."""

    count: Path
    times: int

    def seen(self, scratch: Path | None) -> Seen | None:
        """Leave a file behind and kill the process, or be there."""
        with self.count.open("ab") as file:
            file.write(b".")
        if self.count.stat().st_size <= self.times:
            if scratch is not None:
                (scratch / f"left-by-{os.getpid()}").write_bytes(b"half a recording")
            os.kill(os.getpid(), signal.SIGKILL)
        return Quick.seen(self, scratch)
