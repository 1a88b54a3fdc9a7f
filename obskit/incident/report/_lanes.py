"""The timeline of the three pillars on one time axis, as places in percent."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.drawing import share
from obskit.incident.report import phrases as say
from obskit.model import PILLARS, Diagnosis, Finding, Pillar, Window

_ROWS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the timeline: a pillar's heading, or a finding with its bar.

    Attributes:
        finding: None for the heading.
        down: Middle of the row, in percent of the height.
        start, length: Of the bar, in percent of the width; a length of 0 is a moment.
    """

    pillar: Pillar
    down: float
    finding: Finding | None = None
    start: float = 0.0
    length: float = 0.0


def rows(diagnosis: Diagnosis, window: Window) -> list[Row]:
    """Return the most telling findings under their pillars, each by onset.

    Args:
        diagnosis: Whose timeline is laid out.
        window: The stretch that the time axis covers.
    """
    shown = say.telling(say.told_once(diagnosis.timeline), _ROWS)
    plan: list[tuple[Pillar, Finding | None]] = []
    for pillar in PILLARS:
        found = [finding for finding in shown if finding.pillar == pillar]
        plan += [(pillar, finding) for finding in (None, *found)] if found else []
    return [
        _row(pillar, finding, round(100 * (position + 0.5) / len(plan), 3), window)
        for position, (pillar, finding) in enumerate(plan)
    ]


def _row(pillar: Pillar, finding: Finding | None, down: float, window: Window) -> Row:
    if finding is None:
        return Row(pillar=pillar, down=down)
    start = share(finding.onset, window)
    momentary = pillar == "events" and (finding.until is None or finding.until <= finding.onset)
    end = start if momentary else share(finding.until or window.end, window)
    return Row(pillar=pillar, down=down, finding=finding, start=start, length=round(max(0.0, end - start), 3))
