"""The flags that say when: ``--since``, ``--from``, ``--to``, ``--at``."""

from __future__ import annotations

from datetime import datetime, timedelta

from obskit.errors import UsageError
from obskit.model import Window
from obskit.times import DEFAULT, before, between, duration, moment

__all__ = ["duration", "moment", "window"]

#: Around a moment: what led to it matters more than what came of it.
_BEFORE, _AFTER = timedelta(minutes=30), timedelta(minutes=10)


def window(*, since: str, begin: str, end: str, at: str, now: datetime) -> Window:
    """Return the window that the flags mean.

    Raises:
        UsageError: Flags that contradict each other, an inverted, empty, future or huge window.
    """
    if at and (since or begin or end):
        raise UsageError("--at stands alone: it already says from when to when", hint="drop --since, --from and --to")
    if since and begin:
        raise UsageError("--since and --from both say where to begin", hint="drop one of them")
    if at:
        middle = moment(at, now=now)
        return between(middle - _BEFORE, middle + _AFTER, now=now)
    stop = moment(end, now=now) if end else now
    length = duration(since) if since else DEFAULT
    if not length:
        raise UsageError(f"{since.strip()} is no window", hint="say how far back: 30m, 2h, 90s")
    start = moment(begin, now=now) if begin else before(stop, length)
    return between(start, stop, now=now)
