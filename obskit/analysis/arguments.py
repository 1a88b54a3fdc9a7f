"""What an analyst hands over, read in one way everywhere: times, durations, numbers, units, one name or several."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from numbers import Real
from typing import Any, get_args

from obskit.errors import UsageError
from obskit.model import Unit


def moment_of(time: object, *, now: datetime) -> datetime:
    """Return a point in time in UTC.

    Args:
        time: A text as `obskit.times.moment` reads it, or an aware datetime (a ``pandas.Timestamp`` is one, and keeps
            its nanoseconds).
        now: What ``now``, ``-30m`` and ``03:00`` are counted from, aware.

    Raises:
        UsageError: It is neither, does not say its zone, or lies before 2000 or after 2198.
    """
    from obskit.times import moment, within_reach

    if isinstance(time, str):
        return moment(time, now=now)
    if not isinstance(time, datetime) or time != time:  # noqa: PLR0124 (pandas' NaT is a datetime, unlike itself)
        raise UsageError(f"{str(time)[:80]} is no time", hint='give an aware datetime, or a text: "2026-01-31T03:00Z"')
    if time.tzinfo is None or time.utcoffset() is None:
        raise UsageError(
            f"{time} does not say in which zone", hint="give it tzinfo=datetime.UTC, or write it as a text"
        )
    return within_reach(time, said=str(time)).astimezone(UTC)


def duration_of(length: object) -> timedelta:
    """Return a length of time: a timedelta as it is, a text as `obskit.times.duration` reads it.

    Raises:
        UsageError: It is neither.
    """
    from obskit.times import duration

    if isinstance(length, timedelta) and length == length:  # noqa: PLR0124 (pandas' NaT is none)
        return length
    if not isinstance(length, str):
        raise UsageError(f"{str(length)[:80]} is no duration", hint="write 30m, 2h or 90s, or give a timedelta")
    return duration(length)


def number_of(value: object, what: str) -> float:
    """Return a finite number.

    Args:
        value: What was given.
        what: Its name, for the error: ``limit``.

    Raises:
        UsageError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise UsageError(f"a {what} of {str(value)[:80]!r} makes no sense", hint="give a number")
    return float(value)


def unit_of(unit: object) -> Unit:
    """Return a unit of the model.

    Raises:
        UsageError: There is none of this name; all are told.
    """
    found: Unit | None = next((one for one in get_args(Unit) if one == unit), None)
    if found is None:
        raise UsageError(f"there is no unit {str(unit)[:80]!r}", hint=f"there are {', '.join(get_args(Unit))}")
    return found


def names_of(given: Iterable[object]) -> tuple[str, ...]:
    """Return names that were handed over one by one, as lists, or both, each once.

    Raises:
        UsageError: One is no text.
    """
    names = [name for one in given for name in several(one)]
    for name in names:
        if not isinstance(name, str):
            raise UsageError(f"{str(name)[:80]!r} is no name of a signal", hint="obskit.signals() holds all")
    return tuple(dict.fromkeys(names))


def several(given: object) -> tuple[Any, ...]:
    """Return what was given as a tuple: a text, path or time alone is one, though a text could be read by letters."""
    if isinstance(given, str | os.PathLike | datetime) or not isinstance(given, Iterable):
        return (given,)
    return tuple(given)
