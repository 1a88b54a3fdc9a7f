"""What changed, when and by how much: the whole matrix at once.

A finding has to pass twice: its change is large (robust deviations, and the signal's floor) and
its place is no accident (a cut's p-value, corrected for autocorrelation, for the number of
places and, by Benjamini-Hochberg, for the number of columns).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from obskit.incident.columns import Columns
from obskit.incident.levels import CUT_LOG_P, FLOOR_SHARE, GATE, LEAST
from obskit.incident.shapes import MOST_SCORE, Shapes, shapes_of
from obskit.incident.stats import (
    LONE_VOTE,
    Floats,
    Ints,
    Mask,
    Split,
    best_split,
    counted,
    discoveries,
    first_true,
    gathering,
    last_true,
    log_p,
    longest_step,
    median,
    winsorised,
)
from obskit.incident.units import humanize
from obskit.model import Finding, FloatMatrix, Metrics, Series, Signal, TimeArray, Unit, Window, nanoseconds, utc

#: Share of false findings that is put up with, over all columns.
FALSE_RATE = 0.01
#: Fewest samples of a column that is judged by its statistics.
FEWEST_POINTS = 10
#: So many signals that change within so many points of each other, each with so small a p-value,
#: make each other certain.
TOGETHER_SIGNALS, SAME_MOMENT, TOGETHER_P = 3, 2, 0.1
#: So many tasks that climb from one moment on make each other certain.
TOGETHER_TASKS = 3
#: Most findings that are told, the strongest; a person reads twenty.
MOST_FINDINGS = 300
#: Columns that are worked on at once: their points fit the processor's cache.
BLOCK = 512
#: What returned never makes an incident alone.
MOST_SPIKE_VOTE = 0.9 * LONE_VOTE
#: The score of "high": it did not change.
HIGH_SCORE = 1.0
#: A gap at the end is as telling as it is longer than any gap before; up to this.
MOST_LOST_SCORE = 20.0
#: Fewest points that are missing at the end of a column that stopped.
LEAST_GAP = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detection:
    """What the metrics say; arrays have one entry a column of the matrix.

    Attributes:
        findings: Significant changes, ascending by onset, at most `MOST_FINDINGS`.
        onset: When the incident began (UTC), None when nothing significant happened.
        before, after, peak: Levels in the calm stretch and in the troubled one, and the worst
            point; of an unchanged column: its medians before and since the onset (the window's
            start without one), and its worst point since. NaN where there was no sample.
        split: Index of the change, -1 where there is none.
        score: Effect size in robust deviations, 0 where there is none.
        kind: ``shift``, ``spike``, ``ramp``, ``lost``, ``appeared``, ``high`` or "".
    """

    findings: tuple[Finding, ...]
    onset: datetime | None
    before: Floats
    after: Floats
    peak: Floats
    split: Ints
    score: Floats
    kind: npt.NDArray[np.str_]


def detect(metrics: Metrics, *, window: Window, signals: Mapping[str, Signal]) -> Detection:
    """Find what changed in each column, and when the incident began.

    Args:
        metrics: Baseline and window at one step. A short column (a replaced task) is judged
            by the samples that it has.
        window: The analysed window; what ended before it is not told.
        signals: The catalogue: bad directions, floors, warning levels, titles. A signal that
            is not in it may be bad in both directions.

    Returns:
        Findings and levels; nothing at all for a matrix without points.
    """
    values = np.array(metrics.values.T, np.float64, order="C", copy=True)
    values[~np.isfinite(values)] = np.nan
    columns = Columns.of(metrics.series, signals)
    if not values.size:
        nothing = Shapes.empty(len(values))
        return _detection(nothing, np.zeros(len(values)), nothing.at, None, ())
    times = metrics.times
    start = int(np.searchsorted(times, np.datetime64(nanoseconds(window.start), "ns")))
    shapes = _significant(_all_shapes(values, columns, start), values, columns, start)
    lost, ends = _lost(values, columns)
    _appeared(shapes, values, columns)
    onset = _incident_onset(shapes, lost, ends, columns, times)
    _fill_unchanged(shapes, values, columns, start if onset is None else onset)
    findings = _findings(shapes, lost, ends, metrics, columns)
    return _detection(shapes, lost, ends, None if onset is None else _moment(times, onset), findings)


def _detection(
    shapes: Shapes, lost: Floats, ends: Ints, onset: datetime | None, findings: tuple[Finding, ...]
) -> Detection:
    """Put the arrays together; a column that changed and then stopped keeps its change."""
    gone = (lost > 0) & np.isin(shapes.kind, ("", "high"))
    split = np.where(gone, ends, np.where(shapes.kind == "high", -1, shapes.at))
    return Detection(
        findings=findings,
        onset=onset,
        before=shapes.before,
        after=shapes.after,
        peak=shapes.peak,
        split=split,
        score=np.where(gone, lost, shapes.score),
        kind=np.where(gone, "lost", shapes.kind),
    )


def _all_shapes(values: FloatMatrix, columns: Columns, start: int) -> Shapes:
    """Return each column's shape; most columns are calm and are told so by a cheap first look."""
    found = Shapes.empty(len(values))
    for first in range(0, len(values), BLOCK):
        block = values[first : first + BLOCK]
        scores, farthest = winsorised(block)
        split = best_split(scores, np.isfinite(block), LEAST)
        rows = _suspects(block, split, farthest)
        if len(rows):
            at = rows + first
            best = Split(split.at[rows], split.share[rows])
            found.put(at, shapes_of(block[rows], scores[rows], best, columns.rules.take(at), start))
    return found


def _suspects(values: FloatMatrix, split: Split, farthest: Floats) -> Ints:
    """Return the rows that deserve a closer look: a likely cut (a climb has one too) or a far point."""
    count = counted(np.isfinite(values))
    enough = count >= FEWEST_POINTS
    without_memory = log_p(split.share, count.astype(np.float64), np.zeros(len(count)), count.astype(np.float64))
    suspect = enough & ((without_memory < CUT_LOG_P) | (farthest >= GATE))
    return np.flatnonzero(suspect)


def _significant(shapes: Shapes, values: FloatMatrix, columns: Columns, start: int) -> Shapes:
    """Keep what is no accident among so many columns, and what can be meant as news."""
    valid = np.isfinite(values)
    tested = counted(valid) >= FEWEST_POINTS
    passed = np.zeros(len(values), bool)
    passed[tested] = discoveries(shapes.log_p[tested], FALSE_RATE)
    passed = (passed & shapes.alone) | (tested & _corroborated(shapes, columns))
    first = first_true(valid)
    # a task that was born inside the data calms down after its start: that is no improvement
    newborn = columns.task & (first > first.min(initial=0) + 2)
    better = (shapes.sign * columns.rules.bad < 0) & newborn
    drop = (shapes.kind != "") & (~passed | better | ((shapes.end >= 0) & (shapes.end <= start)))
    shapes.put(np.flatnonzero(drop), Shapes.empty(int(drop.sum())))
    return shapes


def _corroborated(shapes: Shapes, columns: Columns) -> Mask:
    """Say which columns, uncertain alone, changed at one moment with other signals.

    After two calm minutes of smoothed rates no column alone is certain; several together are.
    """
    # a ramp that left a calm level has a moment, too; one without has none
    timed = np.isin(shapes.kind, ("shift", "spike")) | ((shapes.kind == "ramp") & ~shapes.whole)
    likely = timed & (shapes.log_p <= np.log(TOGETHER_P))
    rows = np.flatnonzero(likely & ~columns.task) if (likely & ~columns.task).any() else np.flatnonzero(likely)
    moments, moment = np.unique(shapes.at[rows], return_inverse=True)
    _, signal = np.unique(columns.signal[rows], return_inverse=True)
    seen = np.zeros((len(moments), int(signal.max(initial=0)) + 1), bool)
    seen[moment, signal] = True
    passed = np.zeros(len(likely), bool)
    first = np.searchsorted(moments, moments - SAME_MOMENT)
    stop = np.searchsorted(moments, moments + SAME_MOMENT, side="right")
    # distinct onsets are few, however many columns there are
    company = np.array([seen[i:j].any(axis=0).sum() for i, j in zip(first, stop, strict=True)], np.int64)
    together = moments[company >= TOGETHER_SIGNALS]
    passed[likely] = (np.abs(shapes.at[likely, None] - together) <= SAME_MOMENT).any(axis=1)
    return passed | _climb_together(shapes, columns, likely & (shapes.kind == "ramp"))


def _climb_together(shapes: Shapes, columns: Columns, likely: Mask) -> Mask:
    """Say which columns climb as several tasks of their signal and service do from one moment on.

    A leak shows in one signal alone, and a climb has so long a memory that no task's is certain alone. Tasks are
    witnesses of their own.
    """
    rows = np.flatnonzero(likely & columns.task)
    points = int(shapes.at.max(initial=0)) + 2 * SAME_MOMENT + 1
    place = columns.group[rows] * points + shapes.at[rows]
    order = np.sort(place)
    company = np.searchsorted(order, place + SAME_MOMENT, side="right") - np.searchsorted(order, place - SAME_MOMENT)
    sure = np.unique(place[company >= TOGETHER_TASKS])
    if not len(sure):
        return np.zeros(len(likely), bool)
    own = columns.group * points + shapes.at
    near = np.minimum(np.searchsorted(sure, own - SAME_MOMENT), len(sure) - 1)
    climbing: Mask = likely & (np.abs(sure[near] - own) <= SAME_MOMENT)
    return climbing


def _lost(values: FloatMatrix, columns: Columns) -> tuple[Floats, Ints]:
    """Return the score of each column that stopped before the end (else 0), and where it stopped.

    A task's column may end, as tasks do; it counts only where its signal has no other column.
    """
    valid = np.isfinite(values)
    points = values.shape[1]
    last, first, count = last_true(valid), first_true(valid), counted(valid)
    gap = points - 1 - last
    regular = (count >= FEWEST_POINTS) & (count >= 0.8 * (last - first + 1))
    alone = np.bincount(columns.group)[columns.group] == 1
    score = np.zeros(len(values))
    rows = np.flatnonzero(regular & (gap >= LEAST_GAP) & (~columns.task | alone))
    longest = longest_step(valid[rows])
    told = gap[rows] >= np.maximum(LEAST_GAP, 3 * longest)
    score[rows] = np.where(told, np.minimum(GATE * gap[rows] / (longest + 3), MOST_LOST_SCORE), 0.0)
    return score, last + 1


def _appeared(shapes: Shapes, values: FloatMatrix, columns: Columns) -> None:
    """Note columns that are born with trouble: an error counter that exists from the first error on.

    Its signal must be new for a service that was watched before, and its level above the floor.
    """
    valid = np.isfinite(values)
    points = values.shape[1]
    first = first_true(valid)
    groups = np.full(columns.group.max() + 1, points)
    np.minimum.at(groups, columns.group, first)
    services = np.full(columns.service.max() + 1, points)
    np.minimum.at(services, columns.service, first)
    countable = np.array([s.unit in ("per_second", "ratio", "count") for s in columns.signals], bool)[columns.signal]
    new = (first == groups[columns.group]) & (first >= services[columns.service] + 5) & (first < points)
    rows = np.flatnonzero(new & countable & (columns.rules.bad == 1) & (counted(valid) >= 3))
    level, floor = median(values[rows]), columns.rules.floor[rows]
    told = (level >= floor) & (level > 0)
    rows, level, floor = rows[told], level[told], floor[told]
    shapes.kind[rows], shapes.at[rows], shapes.end[rows] = "appeared", first[rows], -1
    shapes.before[rows], shapes.after[rows] = np.nan, level
    shapes.peak[rows] = np.where(valid[rows], values[rows], -np.inf).max(axis=1)
    # without a floor there is no unit to measure a birth in
    scale = np.fmax(floor * FLOOR_SHARE, 1e-12)
    shapes.score[rows] = np.where(floor > 0, np.minimum(level / scale, MOST_SCORE), GATE)
    shapes.sign[rows], shapes.whole[rows] = 1, False


def _incident_onset(shapes: Shapes, lost: Floats, ends: Ints, columns: Columns, times: TimeArray) -> int | None:
    """Return the index of the earliest time at which findings in the bad direction begin together.

    Service-level columns decide where there are any. What already climbed at the first sample
    counts only once it has passed its warning level: until then it is a slow burn, or the day.
    """
    gone = (lost > 0) & (shapes.kind == "")
    at, score = np.where(gone, ends, shapes.at), np.where(gone, lost, shapes.score)
    rows = gone | ((shapes.kind != "") & (shapes.sign * columns.rules.bad >= 0))
    rows &= ~shapes.whole | ((shapes.after - columns.warn) * shapes.sign >= 0)
    for preferred in (~columns.task, ~shapes.whole):
        rows = rows & preferred if (rows & preferred).any() else rows
    if not rows.any():
        return None
    votes = np.log1p(score / GATE)
    votes = np.where(shapes.kind == "spike", np.minimum(votes, MOST_SPIKE_VOTE), votes)
    return gathering(at[rows], votes[rows], columns.group[rows], (times - times[0]) / np.timedelta64(1, "s"))


def _fill_unchanged(shapes: Shapes, values: FloatMatrix, columns: Columns, row: int) -> None:
    """Write the levels of unchanged columns, and call those "high" that were bad before as after."""
    rows = np.flatnonzero(shapes.kind == "")
    if not len(rows):
        return
    calm, troubled = values[rows, :row], values[rows, row:]
    low, warn = columns.rules.bad[rows] < 0, columns.warn[rows]
    shapes.before[rows], shapes.after[rows] = median(calm), median(troubled)
    seen = np.isfinite(troubled)
    worst = np.where(seen, np.where(low[:, None], -troubled, troubled), -np.inf).max(axis=1, initial=-np.inf)
    shapes.peak[rows] = np.where(seen.any(axis=1), np.where(low, -worst, worst), np.nan)

    def beyond(level: Floats) -> Mask:
        return np.where(low, level <= warn, level >= warn)  # False where either is NaN

    always = beyond(shapes.after[rows]) & (beyond(shapes.before[rows]) | np.isnan(shapes.before[rows]))
    high = rows[always & (seen.sum(axis=1) >= 3)]
    shapes.kind[high], shapes.score[high], shapes.at[high] = "high", HIGH_SCORE, first_true(np.isfinite(values[high]))


def _findings(shapes: Shapes, lost: Floats, ends: Ints, metrics: Metrics, columns: Columns) -> tuple[Finding, ...]:
    """Make values of the strongest findings, ascending by onset."""
    changed, gone = np.flatnonzero(shapes.kind != ""), np.flatnonzero(lost > 0)
    row = np.concatenate([changed, gone])
    score = np.concatenate([shapes.score[changed], lost[gone]])
    strongest = np.argsort(-score, kind="stable")[:MOST_FINDINGS]
    made = []
    for i in strongest.tolist():
        column = int(row[i])
        series, signal = metrics.series[column], columns.signals[columns.signal[column]]
        is_change = i < len(changed)
        kind = str(shapes.kind[column]) if is_change else "lost"
        at = int(shapes.at[column] if is_change else ends[column])
        end = int(shapes.end[column]) if is_change else -1
        before, after, peak = (float(a[column]) for a in (shapes.before, shapes.after, shapes.peak))
        if not is_change:
            samples = metrics.values[:at, column]
            before, after, peak = float(np.nanmedian(samples)), float("nan"), float("nan")
        made.append(
            Finding(
                kind=kind,
                pillar="metrics",
                subject=series.signal,
                service=series.service,
                task=series.task,
                onset=_moment(metrics.times, at),
                until=_moment(metrics.times, end) if end >= 0 else None,
                before=before,
                after=after,
                peak=peak,
                unit=series.unit,
                score=float(score[i]),
                words=words(
                    kind, _title(signal, series), (before, after, peak), series.unit, warn=float(columns.warn[column])
                ),
                query=series.query,
                labels=series.labels,
            )
        )
    return tuple(sorted(made, key=lambda f: (f.onset, -f.score, f.subject, f.service, f.task, f.words)))


def _moment(times: TimeArray, at: int) -> datetime:
    return utc(int(times[at].astype("datetime64[ns]").astype(np.int64)))


def _title(signal: Signal, series: Series) -> str:
    labels = ", ".join(f"{key}={value}" for key, value in series.labels)
    return f"{signal.title} ({labels})" if labels else signal.title


def words(kind: str, title: str, levels: tuple[float, float, float], unit: Unit, *, warn: float = float("nan")) -> str:
    """Return one line about a finding, without its time: ``p95 latency 0.21 s -> 4.9 s (peak 5.2 s)``.

    Args:
        kind: Of the finding.
        title: The signal's title, with what else tells the column apart.
        levels: Before, after and peak, in the unit.
        unit: The signal's.
        warn: The signal's warning level, which "high" is compared with.
    """
    before, after, peak = (humanize(level, unit) for level in levels)
    worst = f" (peak {peak})" if np.isfinite(levels[2]) and peak != after else ""
    if kind == "lost":
        return f"{title}: no samples any more (was {before})"
    if kind == "appeared":
        return f"{title} appeared at {after}{worst}"
    if kind == "high":
        return f"{title} at {after} all the time (warning level {humanize(warn, unit)})"
    if kind == "ramp":
        return f"{title} moves steadily {before} -> {after}{worst}"
    if kind == "spike":
        return f"{title} {before} -> {peak} for a short time"
    return f"{title} {before} -> {after}{worst}"
