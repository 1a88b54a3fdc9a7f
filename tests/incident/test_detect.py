"""Rules of the detector: what is planted is found where it is, and a calm matrix stays calm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident.detect import MOST_FINDINGS, Detection, detect, words
from obskit.model import Finding, FloatMatrix, Metrics, Series, Signal, Threshold, Window

END = datetime(2026, 1, 31, 3, 12, tzinfo=UTC)
STEP = timedelta(seconds=15)
POINTS = 240
#: The planted onset: inside the window, which is the second half.
ONSET = 180
Maker = Callable[[np.random.Generator, int, int], FloatMatrix]


def signal(name: str = "latency", **more: Any) -> Signal:
    """Return a signal that hurts when it rises, in seconds, without a floor, unless said otherwise."""
    made: dict[str, Any] = {"topic": "t", "title": "p95 latency", "unit": "seconds", "bad": "up", "variants": ()}
    return Signal(id=name, **(made | more))


def series(name: str = "latency", *, task: str = "", service: str = "shop", **more: Any) -> Series:
    """Return a column's description."""
    return Series(signal=name, unit=more.pop("unit", "seconds"), service=service, task=task, **more)


def metrics(columns: FloatMatrix, rows: tuple[Series, ...]) -> Metrics:
    """Return a matrix whose last point is `END`."""
    first = np.datetime64(END.replace(tzinfo=None), "ns") - (len(columns) - 1) * np.timedelta64(STEP)
    times = first + np.arange(len(columns)) * np.timedelta64(STEP)
    return Metrics(times=times.astype("datetime64[ns]"), values=columns, series=rows)


def window(points: int = POINTS) -> Window:
    """Return the window that the second half of so many points covers."""
    return Window(start=END - STEP * (points - points // 2 - 1), end=END, step=STEP)


def run(column: FloatMatrix, known: Signal | None = None, *, task: str = "") -> Detection:
    """Detect in one signal's columns, each of another entity (or task)."""
    known = known or signal()
    column = column.reshape(len(column), -1)
    rows = tuple(
        series(known.id, unit=known.unit, service="shop" if task else f"s{i}", task=task and f"{task}{i}")
        for i in range(column.shape[1])
    )
    return detect(metrics(column, rows), window=window(len(column)), signals={known.id: known})


def noise(seed: int = 1, points: int = POINTS, columns: int = 1) -> FloatMatrix:
    """Return white noise around 100 with a deviation of 1; z = 8 is 40 % then with a level share of 5 %."""
    return np.random.default_rng(seed).normal(100, 1, size=(points, columns))


def only(detection: Detection) -> Finding:
    """Return the only finding."""
    assert [f.words for f in detection.findings] == [detection.findings[0].words]
    return detection.findings[0]


def row_of(moment: datetime, points: int = POINTS) -> int:
    """Return the index of a time."""
    return points - 1 - round((END - moment) / STEP)


@pytest.mark.parametrize("seed", range(8))
def test_a_shift_is_found_within_two_points(seed: int) -> None:
    """A lasting change of eight deviations: kind, onset, levels and score are the planted ones."""
    column = noise(seed) - 99  # level 1, deviation 1
    column[ONSET:] += 8
    found = only(run(column))

    assert found.kind == "shift"
    assert abs(row_of(found.onset) - ONSET) <= 2
    assert found.until is None
    assert found.before == pytest.approx(1, abs=0.4)
    assert found.after == pytest.approx(9, abs=0.5)
    assert found.peak == pytest.approx(column[ONSET:].max())
    assert 5.5 <= found.score <= 11


@pytest.mark.parametrize("calm", [24, 40])
def test_a_young_service_with_few_calm_points_is_judged(calm: int) -> None:
    """Nothing before the window, two minutes of calm at five seconds a step: enough for a clear change."""
    column = np.full((171, 1), np.nan)
    column[120:] = np.random.default_rng(3).normal(0.2, 0.02, size=(51, 1))
    column[120 + calm :] += 2
    found = only(run(column))

    assert found.kind == "shift"
    assert abs(row_of(found.onset, 171) - 120 - calm) <= 2


def test_a_fall_is_found_where_low_is_bad_and_is_an_improvement_elsewhere() -> None:
    """The same fall makes an incident only where it hurts; both are told."""
    column = noise(4)
    column[ONSET:] -= 60
    hurts, helps = run(column, signal(bad="down")), run(column, signal(bad="up"))

    assert only(hurts).kind == only(helps).kind == "shift"
    assert hurts.onset is not None
    assert helps.onset is None
    assert only(helps).peak < only(helps).before


def test_a_shift_that_returned_has_an_end() -> None:
    """A long stretch inside the window is a shift that is over; a short one is a spike."""
    long, short = noise(5, points=400), noise(6, points=400)
    long[220:340] += 60
    short[300:310] += 60
    shift, spike = only(run(long)), only(run(short))

    assert (shift.kind, spike.kind) == ("shift", "spike")
    assert shift.until is not None
    assert spike.until is not None
    assert abs(row_of(shift.until, 400) - 340) <= 2
    assert abs(row_of(spike.onset, 400) - 300) <= 2
    assert abs(row_of(spike.until, 400) - 310) <= 2


def test_one_huge_point_is_a_spike_and_no_incident() -> None:
    """A counter reset gives one absurd sample: it is told, but moves neither level nor onset."""
    column = noise(7)
    column[200] = 1e9
    detection = run(column)
    found = only(detection)

    assert found.kind == "spike"
    assert row_of(found.onset) == 200
    assert found.until is not None
    assert row_of(found.until) == 201
    assert detection.onset is None


def test_a_huge_point_does_not_hide_a_shift() -> None:
    """Winsorised scores: an absurd sample in the calm part leaves the shift where it is."""
    column = noise(8)
    column[50] = 1e12
    column[ONSET:] += 60
    found = only(run(column))

    assert found.kind == "shift"
    assert abs(row_of(found.onset) - ONSET) <= 2


def test_a_leak_that_begins_inside_the_window_is_a_ramp() -> None:
    """A steady climb from the calm level to the end is told as such, from where it left the calm."""
    column = noise(9)
    column[ONSET:, 0] += np.arange(POINTS - ONSET) * 2.0
    found = only(run(column, signal(unit="bytes")))

    assert found.kind == "ramp"
    assert 0 <= row_of(found.onset) - ONSET <= 5
    assert found.after > 180


@pytest.mark.parametrize("tasks", [1, 3])
def test_a_climb_that_three_tasks_share_is_certain_though_no_other_signal_tells(tasks: int) -> None:
    """A slow leak of a young service: memory climbs in every task and nothing else changes; one task may wander."""
    random, calm, points = np.random.default_rng(5), 30, 76
    column = random.normal(100, 0.4, size=(points, 3))
    column[calm:, :tasks] += 3 * np.arange(1, points - calm + 1)[:, None]
    names = tuple(series("memory", unit="bytes", task=f"t{i}") for i in range(3))
    young = Window(start=END - STEP * (points - 1), end=END, step=STEP)
    found = detect(metrics(column, names), window=young, signals={"memory": signal("memory", unit="bytes")}).findings

    assert [f.kind for f in found] == (["ramp"] * 3 if tasks == 3 else [])
    assert all(abs(row_of(f.onset, points) - calm) <= 3 for f in found)


def test_a_ramp_begins_no_lower_than_its_lowest_sample() -> None:
    """A task that fills its memory when it starts did not hold less than nothing before."""
    column = np.full(POINTS, np.nan)
    column[200:] = 1 + 100 * np.linspace(0, 1, POINTS - 200) ** 2
    found = run(column, signal("memory", unit="bytes"), task="t").findings

    assert [f.kind for f in found] == ["ramp"]
    assert found[0].before >= np.nanmin(column)


def test_a_ramp_that_begins_with_other_changes_is_certain_though_its_calm_was_short() -> None:
    """Requests pile up behind workers that hang: after a minute of calm only the company makes it certain."""
    random, calm, points = np.random.default_rng(3), 30, 76
    pile = random.integers(1, 6, points).astype(np.float64)
    pile[calm:] += 20 * np.ceil(np.arange(1, points - calm + 1) / 4)
    others = random.normal(1, 0.2, size=(points, 3))
    others[calm:] += 4
    names = ("pile", "busy", "waiting", "open")
    signals = {name: signal(name, unit="count", floor=1) for name in names}
    matrix = metrics(np.column_stack([pile, others]), tuple(series(name, unit="count") for name in names))
    young = Window(start=END - STEP * (points - 1), end=END, step=STEP)
    found = {f.subject: f for f in detect(matrix, window=young, signals=signals).findings}

    assert found["pile"].kind == "ramp"
    assert abs(row_of(found["pile"].onset, points) - calm) <= 2


def test_a_task_that_climbs_from_its_start_is_a_ramp_without_a_calm_part() -> None:
    """A saw-tooth of tasks: each column is one tooth, born and gone inside the data."""
    column = np.full((POINTS, 2), np.nan)
    column[130:175, 0] = 50 + np.arange(45) * 3.0
    column[178:230, 1] = 50 + np.arange(52) * 3.0
    detection = run(column, signal("memory", unit="bytes", floor=20), task="t")

    assert [f.kind for f in detection.findings] == ["ramp", "ramp"]
    assert [row_of(f.onset) for f in detection.findings] == [130, 178]
    assert [f.task for f in detection.findings] == ["t0", "t1"]


def test_a_slow_burn_is_an_incident_from_its_warning_level_on() -> None:
    """What already climbed at the first sample is told, and begins an incident only when it is bad by now."""
    climb = np.linspace(0.3, 0.8, POINTS)[:, None]
    warned = {"unit": "ratio", "floor": 0.1, "warn": Threshold(value=0.7, reason="nearly full")}
    burning, full = run(climb - 0.2, signal("disk", **warned)), run(climb, signal("disk", **warned))

    assert only(burning).kind == only(full).kind == "ramp"
    assert burning.onset is None
    assert full.onset == only(full).onset


def test_a_climb_below_the_floor_or_a_rate_that_climbs_is_none() -> None:
    """A slow drift is no leak, and rates follow the day."""
    climb = 100 + np.arange(POINTS, dtype=float)[:, None]

    assert not run(climb / 100, signal(unit="bytes", floor=20)).findings
    assert not run(climb, signal(unit="per_second")).findings


def test_a_rise_of_a_constant_column_is_found() -> None:
    """A gauge that stood at zero has no noise: its floor is the measure."""
    column = np.zeros((POINTS, 1))
    column[ONSET:] = 1.0
    found = only(run(column, signal("waiting", unit="count", floor=1)))

    assert row_of(found.onset) == ONSET
    assert found.score == pytest.approx(5)


def test_a_change_below_the_floor_is_not_told() -> None:
    """However certain: half of the smallest change that matters is none."""
    column = noise(10) / 1000
    column[ONSET:] += 0.05

    assert run(column, signal(floor=0.04)).findings
    assert not run(column, signal(floor=0.1)).findings


def test_a_change_of_less_than_a_fifth_is_told_of_ratios_only() -> None:
    """Ten percent more seconds are no news; ten points more of a ratio are."""
    column = noise(11) / 1000 + 0.5  # 0.6 with a deviation of 0.001
    column[ONSET:] += 0.06

    assert not run(column, signal(unit="seconds")).findings
    assert run(column, signal(unit="ratio", floor=0.05)).findings


def test_trouble_that_ended_before_the_window_is_not_told() -> None:
    """The end of an earlier incident, inside the baseline, is not this incident."""
    column = noise(12)
    column[:60] += 70
    excursion = noise(13)
    excursion[30:70] += 70

    assert not run(column).findings
    assert not run(excursion).findings


def test_trouble_in_the_baseline_does_not_spoil_the_reference() -> None:
    """An earlier incident, calm, and this one: calm is what lies between, and onset is the second."""
    column = noise(14)
    column[:40] += 70
    column[ONSET:] += 70
    found = only(run(column))

    assert abs(row_of(found.onset) - ONSET) <= 2
    assert found.before == pytest.approx(100, abs=1)


def test_trouble_that_began_before_the_window_keeps_its_onset() -> None:
    """It is told with the time at which it began."""
    column = noise(15)
    column[80:] += 70
    detection = run(column)

    assert abs(row_of(only(detection).onset) - 80) <= 2
    assert detection.onset == only(detection).onset


def test_a_gap_in_the_samples_is_bridged() -> None:
    """Every third sample missing, and a hole at the onset: the shift begins at the next sample."""
    column = noise(16)
    column[::3] = np.nan
    column[175:185] = np.nan
    column[185:] += 70
    found = only(run(column))

    assert row_of(found.onset) in (185, 186, 187)


def test_a_sparse_column_is_judged_by_its_samples() -> None:
    """No sample within a minute before the onset: the step between its neighbours is abrupt all the same."""
    column = noise(30)
    column[ONSET:] += 70
    column[170:ONSET] = np.nan
    column[np.arange(POINTS) % 4 != 0] = np.nan
    found = only(run(column))

    assert (found.kind, row_of(found.onset)) == ("shift", ONSET)


def test_a_service_level_column_that_stops_is_lost() -> None:
    """Its onset is the first missing sample; a task's end is no loss while the signal lives on."""
    column = noise(17, columns=2)
    column[200:, 0] = np.nan
    rows = (series(task=""), series(task="a"))
    detection = detect(metrics(column, rows), window=window(), signals={"latency": signal()})
    other = detect(metrics(column[:, ::-1], rows), window=window(), signals={"latency": signal()})

    assert only(detection).kind == "lost"
    assert row_of(only(detection).onset) == 200
    assert detection.kind.tolist() == ["lost", ""]
    assert detection.split.tolist() == [200, -1]
    assert detection.onset == only(detection).onset
    assert not other.findings


def test_the_only_column_of_its_signal_is_lost_although_it_is_a_tasks() -> None:
    """One task, one column: where it ends, the signal ends."""
    column = noise(18)
    column[210:] = np.nan

    assert only(run(column, task="t")).kind == "lost"


def test_sparse_samples_that_stop_are_not_lost() -> None:
    """A column with holes as long as the one at its end has not stopped."""
    column = noise(19)
    column[np.arange(POINTS) % 20 > 2] = np.nan

    assert not run(column).findings


def test_an_error_series_that_is_born_with_errors_appeared() -> None:
    """Nothing before and something after, of a service that was watched before: before stays NaN."""
    column = noise(20, columns=2)
    column[:ONSET, 1] = np.nan
    column[ONSET:, 1] = 0.3
    known = {"latency": signal(), "errors": signal("errors", unit="ratio", floor=0.01)}
    rows = (series(), series("errors", unit="ratio"))
    found = only(detect(metrics(column, rows), window=window(), signals=known))

    assert found.kind == "appeared"
    assert row_of(found.onset) == ONSET
    assert np.isnan(found.before)
    assert found.after == pytest.approx(0.3)
    assert found.score > 8


@pytest.mark.parametrize("change", [{"floor": 0.5}, {"bad": "both"}, {"unit": "seconds"}])
def test_a_birth_below_the_floor_or_of_another_kind_is_none(change: dict[str, Any]) -> None:
    """Few errors, a signal that is not bad when it rises, a duration: no appearance."""
    column = noise(20, columns=2)
    column[:ONSET, 1] = np.nan
    column[ONSET:, 1] = 0.3
    more: dict[str, Any] = {"unit": "ratio", "floor": 0.01}
    errors = signal("errors", **(more | change))
    rows = (series(), series("errors", unit=errors.unit))
    detection = detect(metrics(column, rows), window=window(), signals={"latency": signal(), "errors": errors})

    assert not detection.findings


def test_a_service_that_starts_to_be_watched_did_not_appear() -> None:
    """All its columns begin at once: that is a scrape that began, not errors that were born."""
    column = noise(21, columns=2) / 100
    column[:ONSET] = np.nan
    known = {n: signal(n, unit="ratio", floor=0.01) for n in ("a", "b")}
    rows = tuple(series(n, unit="ratio") for n in known)

    assert not detect(metrics(column, rows), window=window(), signals=known).findings


def test_what_was_bad_all_the_time_is_told_apart() -> None:
    """A saturated resource did not change: kind "high", the lowest score, no onset."""
    column = np.full((POINTS, 1), 0.97) + noise(22) / 1e5
    detection = run(column, signal("cpu", unit="ratio", warn=Threshold(value=0.9, reason="full")))
    found = only(detection)

    assert (found.kind, found.score) == ("high", 1.0)
    assert detection.onset is None
    assert "all the time" in found.words


def test_low_levels_are_high_alerts_where_low_is_bad() -> None:
    """The warning level is a lower limit then."""
    known = signal("hits", unit="ratio", bad="down", warn=Threshold(value=0.5, reason="cold"))

    assert only(run(np.full((POINTS, 1), 0.2), known)).kind == "high"
    assert not run(np.full((POINTS, 1), 0.8), known).findings


def test_the_incident_begins_where_service_level_signals_begin_together() -> None:
    """Ten signals begin at 180; one began at 130 and one at 230: the incident begins at 180."""
    column = noise(23, columns=12)
    starts = [130, *[ONSET] * 10, 230]
    for i, start in enumerate(starts):
        column[start:, i] += 60
    names = [f"s{i}" for i in range(12)]
    rows = tuple(series(n) for n in names)
    detection = detect(metrics(column, rows), window=window(), signals={n: signal(n) for n in names})

    assert detection.onset is not None
    assert abs(row_of(detection.onset) - ONSET) <= 2
    assert len(detection.findings) == 12


def test_unchanged_columns_have_their_levels_too() -> None:
    """The page draws them: medians before and since the onset, and the worst point since."""
    column = noise(24, columns=2)
    column[ONSET:, 0] += 70
    rows = (series("a"), series("b"))
    detection = detect(metrics(column, rows), window=window(), signals={"a": signal("a"), "b": signal("b")})

    assert detection.kind.tolist() == ["shift", ""]
    assert detection.before[1] == pytest.approx(100, abs=0.5)
    assert detection.after[1] == pytest.approx(100, abs=0.5)
    assert detection.peak[1] == pytest.approx(column[ONSET:, 1].max(), abs=1)
    assert detection.score[1] == 0
    assert detection.split[1] == -1


def test_no_more_findings_than_a_person_can_use() -> None:
    """Of many changed columns the strongest are told; the arrays know all."""
    column = noise(25, columns=MOST_FINDINGS + 20)
    column[ONSET:] += np.linspace(50, 90, column.shape[1])
    detection = run(column)

    assert len(detection.findings) == MOST_FINDINGS
    assert (detection.kind == "shift").sum() == MOST_FINDINGS + 20
    assert min(f.score for f in detection.findings) >= np.sort(detection.score)[20] - 1e-9
    assert list(detection.findings) == sorted(detection.findings, key=lambda f: f.onset)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (5, 0), (1, 1), (2, 2)])
def test_a_matrix_without_much_in_it_gives_nothing(shape: tuple[int, int]) -> None:
    """No points, no columns, or too few: no finding, no warning, arrays of the right length."""
    rows = tuple(series(service=f"s{i}") for i in range(shape[1]))
    detection = detect(metrics(np.ones(shape), rows), window=window(), signals={})

    assert detection.findings == ()
    assert detection.onset is None
    assert len(detection.kind) == len(detection.split) == len(detection.before) == shape[1]


def test_infinite_samples_are_no_samples() -> None:
    """A division by zero in a query must not make an incident."""
    column = noise(26)
    column[200:210] = np.inf

    assert not run(column).findings


def test_a_signal_that_nobody_declared_is_judged_in_both_directions() -> None:
    """Its id is its title."""
    column = noise(27)
    column[ONSET:] -= 60
    detection = detect(metrics(column, (series("odd"),)), window=window(), signals={})

    assert only(detection).words.startswith("odd 1")


def test_the_matrix_is_not_written_into() -> None:
    """Frozen does not freeze arrays: the detector keeps to itself what it changes."""
    column = noise(28)
    column[200] = np.inf
    column.setflags(write=False)

    assert run(column).kind.shape == (1,)


# Calm matrices ------------------------------------------------------------------------------


def _white(r: np.random.Generator, points: int, columns: int) -> FloatMatrix:
    return r.normal(10, 1, size=(points, columns))


def _autoregressive(r: np.random.Generator, points: int, columns: int) -> FloatMatrix:
    steps = r.normal(size=(points + 50, columns))
    made = np.zeros_like(steps)
    for t in range(1, len(made)):
        made[t] = 0.8 * made[t - 1] + steps[t]
    return made[50:]


def _walk(r: np.random.Generator, points: int, columns: int) -> FloatMatrix:
    return 100 + 0.2 * np.cumsum(r.normal(size=(points, columns)), axis=0)


def _rhythm(period: float) -> Maker:
    def make(r: np.random.Generator, points: int, columns: int) -> FloatMatrix:
        phase = np.arange(points)[:, None] / points / period + r.uniform(size=(1, columns))
        return 10 + 5 * np.sin(2 * np.pi * phase) + r.normal(0, 0.5, size=(points, columns))

    return make


def _day(r: np.random.Generator, points: int, columns: int) -> FloatMatrix:
    """Return two hours of a day whose top is three times its bottom."""
    return _rhythm(12)(r, points, columns)


def _rare(rate: float) -> Maker:
    return lambda r, points, columns: r.poisson(rate, (points, columns)).astype(float)


CALM: dict[str, tuple[Maker, dict[str, Any]]] = {
    "white noise": (_white, {}),
    "AR(1), 0.8": (_autoregressive, {}),
    "small random walk": (_walk, {"floor": 20}),
    "short rhythm": (_rhythm(0.2), {}),
    "rhythm": (_rhythm(0.5), {}),
    "slow rhythm": (_rhythm(1.0), {}),
    "daily rhythm": (_day, {}),
    "Poisson 0.02": (_rare(0.02), {"unit": "count", "floor": 1}),
    "Poisson 0.1": (_rare(0.1), {"unit": "count", "floor": 1}),
    "Poisson 0.3": (_rare(0.3), {"unit": "count", "floor": 1}),
    "Poisson 1": (_rare(1), {"unit": "count", "floor": 1}),
    "Poisson 5": (_rare(5), {"unit": "count", "floor": 1}),
    "lognormal": (lambda r, t, n: np.exp(r.normal(size=(t, n))), {}),
}


@pytest.mark.parametrize("name", CALM)
def test_a_calm_matrix_stays_calm(name: str) -> None:
    """At most one finding in twenty matrices of two hundred columns, each a signal of its own."""
    make, more = CALM[name]
    known = {f"s{i}": signal(f"s{i}", **more) for i in range(200)}
    rows = tuple(series(n, unit=s.unit) for n, s in known.items())
    found: list[Finding] = []
    for seed in range(20):
        column = make(np.random.default_rng(seed), POINTS, 200)
        found.extend(detect(metrics(column, rows), window=window(), signals=known).findings)

    assert len(found) <= 1, [f.words for f in found]


def test_two_calm_minutes_and_three_more_stay_calm() -> None:
    """A young service: fifty points of strongly autocorrelated noise."""
    found = [run(_autoregressive(np.random.default_rng(s), 50, 200)).findings for s in range(20)]

    assert sum(map(len, found)) <= 1


# Properties ---------------------------------------------------------------------------------


@st.composite
def matrices(draw: st.DrawFn) -> FloatMatrix:
    """Return noise with a shift, a spike or nothing planted in each column, and holes."""
    r = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = r.normal(1, 0.02, size=(80, draw(st.integers(1, 6))))
    for i in range(made.shape[1]):
        at = draw(st.integers(42, 70))
        end = draw(st.sampled_from([at + 1, at + 5, 80]))
        made[at:end, i] += draw(st.sampled_from([0.0, 2.0, 5.0]))
    made[r.random(made.shape) < draw(st.sampled_from([0.0, 0.1, 0.4]))] = np.nan
    return made


RATIO = signal("ratio", unit="ratio", floor=1e-9)
FAST = settings(max_examples=40, deadline=None)


@FAST
@given(matrices(), st.integers(-10, 10), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_neither_offset_nor_scale_moves_a_split(column: FloatMatrix, offset: int, scale: float) -> None:
    """Where there is neither floor nor a share of the level, only the shape counts."""
    plain, moved, scaled = run(column, RATIO), run(column + offset, RATIO), run(column * scale, RATIO)

    assert plain.split.tolist() == moved.split.tolist() == scaled.split.tolist()
    assert plain.kind.tolist() == moved.kind.tolist() == scaled.kind.tolist()


@FAST
@given(matrices(), st.randoms(use_true_random=False))
def test_the_order_of_columns_does_not_matter(column: FloatMatrix, random: Any) -> None:
    """Each column keeps its answer, and the incident its onset."""
    order = list(range(column.shape[1]))
    random.shuffle(order)
    rows = tuple(series(service=f"s{i}") for i in range(column.shape[1]))
    known = {"latency": signal()}
    plain = detect(metrics(column, rows), window=window(80), signals=known)
    turned = detect(metrics(column[:, order], tuple(rows[i] for i in order)), window=window(80), signals=known)

    assert plain.kind[order].tolist() == turned.kind.tolist()
    assert plain.split[order].tolist() == turned.split.tolist()
    assert plain.onset == turned.onset
    assert plain.findings == turned.findings or any(np.isnan(f.before) for f in plain.findings)


@FAST
@given(matrices())
def test_a_column_without_samples_gives_nothing_and_changes_nothing(column: FloatMatrix) -> None:
    """All NaN: no kind, no level; the others are judged as before."""
    with_empty = run(np.hstack([column, np.full((len(column), 1), np.nan)]))
    plain = run(column)

    assert with_empty.kind[-1] == ""
    assert np.isnan([with_empty.before[-1], with_empty.after[-1], with_empty.peak[-1]]).all()
    assert with_empty.kind[:-1].tolist() == plain.kind.tolist()
    assert with_empty.split[:-1].tolist() == plain.split.tolist()


@FAST
@given(matrices(), st.integers(0, 2**32 - 1))
def test_a_noise_column_does_not_move_the_others(column: FloatMatrix, seed: int) -> None:
    """It can only make the test stricter: what is found stays what and where it was."""
    extra = np.random.default_rng(seed).normal(1, 0.02, size=(len(column), 1))
    plain, more = run(column), run(np.hstack([column, extra]))
    kept = more.kind[:-1] != ""

    assert more.kind[:-1][kept].tolist() == plain.kind[kept].tolist()
    assert more.split[:-1][kept].tolist() == plain.split[kept].tolist()


# Words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "levels", "said"),
    [
        ("shift", (0.212, 4.91, 5.2), "p95 latency 0.212 s -> 4.91 s (peak 5.2 s)"),
        ("shift", (0.05, 4.9, 4.9), "p95 latency 50 ms -> 4.9 s"),
        ("spike", (0.2, 3.0, 5.0), "p95 latency 0.2 s -> 5 s for a short time"),
        ("ramp", (1.0, 3.0, 3.0), "p95 latency moves steadily 1 s -> 3 s"),
        ("appeared", (float("nan"), 3.0, 4.0), "p95 latency appeared at 3 s (peak 4 s)"),
        ("lost", (0.2, float("nan"), float("nan")), "p95 latency: no samples any more (was 0.2 s)"),
        ("high", (2.0, 2.0, 2.0), "p95 latency at 2 s all the time (warning level 1 s)"),
    ],
)
def test_a_finding_says_what_changed_from_what_to_what(
    kind: str, levels: tuple[float, float, float], said: str
) -> None:
    """With units, without a time."""
    assert words(kind, "p95 latency", levels, "seconds", warn=1.0) == said


def test_what_tells_a_column_apart_is_said() -> None:
    """Two mount points of one node are two findings with different words."""
    column = noise(29)
    column[ONSET:] += 60
    row = series("disk", labels=(("mountpoint", "/data"),))
    found = only(detect(metrics(column, (row,)), window=window(), signals={"disk": signal("disk", title="disk used")}))

    assert found.words.startswith("disk used (mountpoint=/data) ")
    assert found.labels == row.labels
