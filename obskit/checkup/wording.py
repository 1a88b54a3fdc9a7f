"""How a round's numbers, times and states read: the same words for the table and the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from obskit.checkup.words import Report, Round, Row
from obskit.incident.units import humanize
from obskit.model import Unit

#: From here on seconds are read as minutes, hours or days.
_LONG_SECONDS = 120.0
#: A beginning is known to five minutes: the step in which the day is looked at.
_RESOLUTION = timedelta(minutes=5)
#: Numbers that stand in the line of a healthy system.
MOST_TOLD = 4
NONE = "-"


def number(value: float | None, unit: Unit | Literal[""]) -> str:
    """Return a value with its unit: ``98.2 %``, ``12 d 4 h``; ``-`` for None."""
    if value is None:
        return NONE
    if unit == "seconds" and abs(value) >= _LONG_SECONDS:
        return f"{'-' if value < 0 else ''}{span(abs(value))}"
    return humanize(value, unit)


def span(seconds: float) -> str:
    """Return ``45 s``, ``12 min``, ``3 h 05 min`` or ``2 d 4 h``."""
    minutes = round(seconds) // 60
    if minutes < 1:
        return f"{round(seconds)} s"
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def now_of(row: Row) -> str:
    """Return what is now: the number, the words, or both."""
    if row.value is None:
        return row.words or NONE
    return f"{number(row.value, row.unit)} {row.words}".strip()


def threshold_of(row: Row) -> str:
    """Return ``from 95 %`` or ``up to 7 d 0 h``; ``-`` without a threshold."""
    if row.threshold is None:
        return NONE
    return f"{'up to' if row.below else 'from'} {number(row.threshold, row.unit)}"


def since_of(row: Row, at: datetime) -> str:
    """Return ``03:12Z (4 h 10 min)``, ``over 24 h``, or ``-`` where it is not known."""
    if row.since is None:
        return NONE
    if row.longer:
        return "over 24 h"
    begun = row.since.astimezone(UTC)
    length = max(at - begun, timedelta(0))
    if length < _RESOLUTION:
        return "under 5 min"
    form = "%H:%MZ" if length < timedelta(hours=24) else "%m-%d %H:%MZ"
    return f"{begun.strftime(form)} ({span(length.total_seconds())})"


def entity_of(row: Row) -> str:
    """Return the entity, and how many more are as it is."""
    return f"{row.entity} + {row.more} more".strip() if row.more else row.entity


def told(report: Report) -> str:
    """Return the numbers that say why a system is green: ``node CPU busy 12 %, …``."""
    rows = [row for row in report.well if row.signal in report.system.tell]
    rows += [row for row in report.well if not row.signal]
    rows = rows or [row for row in report.well if row.threshold is not None]
    words = [f"{row.what} {now_of(row)}" for row in rows[:MOST_TOLD]]
    return ", ".join(words)


def headline(found: Round) -> str:
    """Return one sentence: how many systems are what."""
    wrong = [report.system.name for report in found.reports if report.state in ("bad", "look")]
    unseen = len(found.of("not seen"))
    seen = len(found.reports) - unseen
    if wrong:
        said = f"{len(wrong)} of {len(found.reports)} systems are not well: {', '.join(wrong)}"
    elif unseen == len(found.reports):
        said = "nothing was seen"
    else:
        said = f"all {seen} systems that were seen are well" if unseen else f"all {seen} systems are well"
    return f"{said}; {unseen} not seen" if unseen and seen else said
