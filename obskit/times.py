"""Times as people type them: ``30m``, ``2026-01-31T03:00Z``, ``03:00``, epoch seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from obskit.errors import UsageError
from obskit.model import Window, stamp

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_SECONDS = re.compile(r"\d{9,10}(?:\.\d+)?", re.ASCII)
#: What a Grafana address holds as from and to.
_MILLISECONDS = re.compile(r"\d{12,13}", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?", re.ASCII)
#: Older than any Prometheus; a recording ends at 2199. With room for windows and baselines.
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)
#: How far back is looked unless somebody says.
DEFAULT = timedelta(minutes=30)
_LONGEST = timedelta(days=7)
_SHORTEST = timedelta(minutes=1)


def duration(text: str) -> timedelta:
    """Return ``1h30m`` as a timedelta.

    Raises:
        UsageError: It is no duration.
    """
    hint = "write 30m, 2h, 90s or 1h30m"
    if not _DURATION.fullmatch(text.strip()):
        raise UsageError(f"{text[:80]!r} is no duration", hint=hint)
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhdw])", text)
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    except OverflowError as error:
        raise UsageError(f"{text[:80]!r} is longer than any clock", hint=hint) from error


def moment(text: str, *, now: datetime) -> datetime:
    """Return a point in time in UTC.

    Args:
        text: ISO 8601 (UTC unless it says otherwise), ``HH:MM`` (the last one that has been),
            epoch seconds or milliseconds, ``now``, or ``-30m``.
        now: The present, aware.

    Raises:
        UsageError: It cannot be read, or lies before 2000 or after 2198.
    """
    try:
        found = _moment(text.strip(), now.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text[:80]!r} is no time that obskit can read",
            hint="write 2026-01-31T03:00Z, 03:00 (UTC), -30m, now or epoch seconds",
        ) from error
    return within_reach(found, said=repr(text[:80]))


def within_reach(moment: datetime, *, said: str) -> datetime:
    """Return a moment that windows and baselines can be laid around.

    Args:
        moment: Aware.
        said: As somebody wrote it, for the error.

    Raises:
        UsageError: It lies before 2000 or after 2198.
    """
    if not _FIRST <= moment <= _LAST:
        raise UsageError(f"{said} lies before 2000 or after 2198", hint="is its year right?")
    return moment


def _moment(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    if text.startswith("-") and _DURATION.fullmatch(text[1:]):
        return now - duration(text[1:])
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if _CLOCK.fullmatch(text):
        hour, minute, second = (*map(int, text.split(":")), 0)[:3]
        today = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
        return today if today <= now else today - timedelta(days=1)
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def between(start: datetime, stop: datetime, *, now: datetime) -> Window:
    """Return the window between two moments, as far as it has been.

    Args:
        start, stop: Aware, UTC.
        now: The present, aware.

    Raises:
        UsageError: It is inverted, lies in the future, or is shorter than a minute or longer than seven days.
    """
    where = {"from": stamp(start), "to": stamp(stop), "now": stamp(now)}
    if start == stop:
        raise UsageError("that is no window: it ends when it begins", where=where, hint="for example the last 30m")
    if start >= now:
        raise UsageError("the window lies in the future", where=where, hint="times are UTC")
    if start > stop:
        raise UsageError("the window ends before it begins", where=where, hint="swap its begin and its end")
    stop = min(stop, now)
    if stop - start < _SHORTEST:
        raise UsageError("the window is shorter than a minute", where=where, hint="widen it: a cause needs its history")
    if stop - start > _LONGEST:
        raise UsageError("the window is longer than seven days", where=where, hint="narrow it to the incident")
    return Window(start=start, end=stop)


def before(end: datetime, length: timedelta) -> datetime:
    """Return the begin of a stretch that ends then; not before 2000, but for a window that `between` takes."""
    # what is refused is told by its begin: that must not overflow
    return end - min(length, max(end - _FIRST, _LONGEST + _SHORTEST))
