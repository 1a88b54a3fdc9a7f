"""What is swept, and what is told of it: small values that travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from obskit.errors import ObskitError, one_line
from obskit.model import Diagnosis, Service, Telemetry, Window

#: A reason fits on two lines of a terminal.
MAX_REASON = 240
#: Longer names are no names; a row stays small whatever a recording claims.
MAX_NAME = 300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What there is to be investigated.

    Attributes:
        service: Whom the investigation is about.
        window: When; the telemetry also holds the window's baseline.
        telemetry: What was seen.
    """

    service: Service
    window: Window
    telemetry: Telemetry


class Item(Protocol):
    """One recording, or one service and window. It travels to a worker, so it must be small and can be pickled."""

    @property
    def name(self) -> str:
        """What its row is called; no two of a sweep have the same."""
        ...

    def seen(self, scratch: Path | None) -> Seen | None:
        """Return what is to be investigated; None where that is not wanted.

        Args:
            scratch: A folder for files that are removed again; None for the machine's own.

        Raises:
            ObskitError: It cannot be had, and a second try would not help.
            OSError: It cannot be had now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one item.

    Attributes:
        name: The item's.
        service: Of the investigation; "" where it is not known.
        window: When; None where it is not known.
        verdict: The engine's; "" when it failed.
        cause: Id of the likeliest cause; "" when there is none.
        probability: Of that cause, 0 to 1; None without one.
        culprit, task: Whom the engine blames; a task of "" means all of the service's.
        onset: When the incident began; None when the window is calm.
        seconds: Fetching, reading and thinking, on the worker.
        error: Why it failed, on one line and without a secret; "" when it did not.
        late: Its time was over, and what it was doing may still go on.
    """

    name: str
    service: str = ""
    window: Window | None = None
    verdict: Literal["cause_found", "possible", "no_clear_cause", "calm", ""] = ""
    cause: str = ""
    probability: float | None = None
    culprit: str = ""
    task: str = ""
    onset: datetime | None = None
    seconds: float = 0.0
    error: str = ""
    late: bool = False


def row_of(name: str, diagnosis: Diagnosis, *, seconds: float) -> Row:
    """Return what is told of a diagnosis.

    Args:
        name: The item's.
        diagnosis: What the engine said.
        seconds: How long that took.
    """
    from obskit.escape import cut

    first = diagnosis.hypotheses[0] if diagnosis.hypotheses else None
    return Row(
        name=name,
        service=cut(diagnosis.service, MAX_NAME),
        window=diagnosis.window,
        verdict=diagnosis.verdict,
        cause=first.cause if first else "",
        probability=first.probability if first else None,
        culprit=cut(diagnosis.culprit.service, MAX_NAME),
        task=cut(diagnosis.culprit.task, MAX_NAME),
        onset=diagnosis.onset,
        seconds=seconds,
    )


def failed(name: str, why: str, *, seconds: float = 0.0, late: bool = False) -> Row:
    """Return the row of what failed.

    Args:
        name: The item's.
        why: From `reason`.
        seconds: Until it failed.
        late: Its time was over.
    """
    return Row(name=name, seconds=seconds, error=why, late=late)


def reason(error: BaseException, *, hide: str = "") -> str:
    """Return why something failed on one line, without what steers a terminal and without a secret.

    Args:
        error: Of obskit, of the system, or of a library.
        hide: An address that the error may quote; what stands before its query and behind its password is kept.
    """
    from obskit.escape import clean, cut
    from obskit.redact import redact

    if isinstance(error, ObskitError):
        text = one_line(error)
    elif isinstance(error, OSError) and error.strerror:
        text = error.strerror
    else:  # of a library: its type tells more than its words
        said = str(error)
        text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if hide:
        text = text.replace(hide, shown(hide))
    return cut(clean(redact(text)), MAX_REASON)


def shown(address: str) -> str:
    """Return a path or URL as it may be printed: without user, password and, of a URL, its query.

    Args:
        address: What was typed.
    """
    import re

    from obskit.escape import clean, cut
    from obskit.redact import redact

    if "://" in address:
        address = re.sub(r"://[^/@]*@", "://", address)
        if re.match(r"https?://", address):  # elsewhere a question mark is a wildcard
            address = re.split(r"[?#]", address, maxsplit=1)[0]
    return cut(clean(redact(address)), MAX_NAME)
