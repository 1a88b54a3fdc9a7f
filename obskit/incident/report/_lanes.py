"""The time axis that all drawings of a page share, and on it the timeline of the three pillars, in percent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from obskit.drawing import share
from obskit.incident.report import phrases as say
from obskit.incident.report._chart import moment
from obskit.model import PILLARS, Diagnosis, Finding, Metrics, Pillar, TimeArray, Window

_ROWS = 24
#: Less calm than this before the onset does not show what is usual.
_CALM_AT_LEAST = timedelta(minutes=10)
#: Samples that are so many of their usual distances apart have a gap between them: one missed scrape is none.
_GAP = 3


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


def axis(diagnosis: Diagnosis) -> Window:
    """Return the stretch that all drawings share: as much calm as trouble, so that the onset is amid them.

    It begins where something was recorded: with the first sample of what is drawn, or with an earlier finding.

    Args:
        diagnosis: What is drawn; without a sample the axis is that of its window and baseline.
    """
    whole, sampled = diagnosis.window.with_baseline(), _sampled(diagnosis.metrics)
    known = [finding.onset for finding in diagnosis.timeline]
    known += [] if diagnosis.onset is None else [diagnosis.onset]
    recorded = min([moment(sampled[0]), *known]) if sampled.size else whole.start
    start = max(whole.start, min(recorded, whole.end - whole.step))  # a single sample at the very end is a stretch too
    if diagnosis.onset is None:
        return replace(whole, start=start)
    calm = max(diagnosis.window.end - diagnosis.onset, _CALM_AT_LEAST)
    return replace(whole, start=max(start, min(diagnosis.onset - calm, *known)))


def calm_stretches(diagnosis: Diagnosis, window: Window) -> tuple[tuple[float, float], ...]:
    """Return from where and how wide what was calm is, in percent of the width: only where samples are.

    Args:
        diagnosis: Calm until its onset; where it has none its baseline is what was calm before.
        window: The stretch that the time axis covers.
    """
    until = np.datetime64((diagnosis.onset or diagnosis.window.start).replace(tzinfo=None), "ns")
    sampled = _sampled(diagnosis.metrics)
    sampled = sampled[sampled <= until]
    if sampled.size < 2:
        return ()
    distances = np.diff(sampled)
    longest = _GAP * np.median(distances)
    breaks = np.flatnonzero(distances > longest)
    begin, end = sampled[np.append(0, breaks + 1)], sampled[np.append(breaks, -1)]
    if until - end[-1] <= longest:
        end[-1] = until
    places = (
        (share(moment(first), window), share(moment(last), window)) for first, last in zip(begin, end, strict=True)
    )
    return tuple((left, round(right - left, 3)) for left, right in places if right > left)


def _sampled(metrics: Metrics) -> TimeArray:
    """Return the moments at which any series has a sample, ascending."""
    return metrics.times[np.isfinite(metrics.values).any(axis=1)]


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
