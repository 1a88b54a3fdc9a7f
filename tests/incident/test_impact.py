"""What users suffered: numbers that an engineer would get by hand from the same series."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.catalogue import all_signals
from obskit.incident.combine import with_service_columns
from obskit.incident.impact import SIGNALS, Impact, Own, Reading, impact_of, recovered, symptoms
from obskit.model import Claim, Diagnosis, Finding, Labels, Metrics, Series, Unit, nanoseconds
from tests.support.diagnosis_example import ONSET, WINDOW, calm, example

STEP = 30
BEGIN = WINDOW.baseline().start
TASKS = ("4f2a9c1e7b3d48f0a6c5e2d1908b7f63", "8d01b6e5c2f94a37b8e0d4f6a1c3927e")
POINTS = round((WINDOW.end - BEGIN).total_seconds() / STEP)
#: Points up to the onset, and after it.
CALM = round((ONSET - BEGIN).total_seconds() / STEP)
UNITS: dict[str, Unit] = {"http_error_ratio": "ratio", "http_latency_p95": "seconds", "ecs_running_tasks": "count"}


def column(
    signal: str, before: float, after: float, *, task: str = "", service: str = "demo-app", labels: Labels = ()
) -> tuple[Series, np.ndarray]:
    """Return a series that steps at the onset."""
    values = np.full(POINTS, float(before))
    values[CALM:] = after
    unit, query = UNITS.get(signal, "per_second"), f"{signal}{{{service}}}"
    return Series(signal=signal, unit=unit, service=service, task=task, labels=labels, query=query), values


def metrics(*columns: tuple[Series, np.ndarray]) -> Metrics:
    """Put columns on the grid of window and baseline."""
    at = nanoseconds(BEGIN) + (np.arange(POINTS) + 1) * STEP * 1_000_000_000
    values = np.column_stack([v for _, v in columns]) if columns else np.empty((POINTS, 0))
    return Metrics(times=at.astype("datetime64[ns]"), values=values, series=tuple(s for s, _ in columns))


def reading(impact: Impact, signal: str) -> Reading:
    """Return one signal's reading."""
    return next(r for r in impact.readings if r.signal == signal)


def felt(
    subject: str, *, since: float = 0, until: float | None = None, query: str = "", kind: str = "shift"
) -> Finding:
    """Return a change that began at the onset, or some minutes later, and was over some minutes after the onset."""
    began, end = ONSET + timedelta(minutes=since), None if until is None else ONSET + timedelta(minutes=until)
    return Finding(
        kind=kind, pillar="metrics", subject=subject, service="demo-app", onset=began, until=end, words="", query=query
    )


def test_failures_are_each_tasks_own_share_of_its_own_requests() -> None:
    """A task with little traffic that fails all of it is not half of the failures."""
    impact = impact_of(
        example(),
        metrics(
            column("http_requests", 9, 9, task=TASKS[0]),
            column("http_requests", 1, 1, task=TASKS[1]),
            column("http_error_ratio", 0, 0, task=TASKS[0]),
            column("http_error_ratio", 0, 1, task=TASKS[1]),
        ),
    )
    loss, seconds = impact.lost["service"], (WINDOW.end - ONSET).total_seconds()

    assert loss is not None
    assert (loss.requests, loss.failed) == pytest.approx((10 * seconds, seconds))
    assert reading(impact, "http_error_ratio").during == pytest.approx(0.1)
    assert loss.complete


def test_other_services_requests_are_not_counted() -> None:
    """The recording holds callers and callees too."""
    own = [column("http_requests", 10, 10), column("http_error_ratio", 0, 0.5)]
    others = [column("http_requests", 99, 99, service="orders"), column("http_error_ratio", 1, 1, service="orders")]

    assert impact_of(example(), metrics(*own, *others)).lost == impact_of(example(), metrics(*own)).lost


def test_a_task_whose_share_is_not_told_fails_nothing_that_is_known() -> None:
    """Its requests count, and that their outcome is unknown is said."""
    impact = impact_of(
        example(),
        metrics(
            column("http_requests", 5, 5, task=TASKS[0]),
            column("http_requests", 5, 5, task=TASKS[1]),
            column("http_error_ratio", 0, 0.2, task=TASKS[0]),
        ),
    )
    loss = impact.lost["service"]

    assert loss is not None
    assert (loss.known / loss.requests, loss.share) == pytest.approx((0.5, 0.2))
    assert not loss.complete


def test_without_requests_nothing_fails_though_the_share_is_no_number() -> None:
    """0 / 0 is what Prometheus says of a service that nobody calls."""
    impact = impact_of(example(), metrics(column("http_requests", 10, 0), column("http_error_ratio", 0, float("nan"))))
    loss = impact.lost["service"]

    assert loss is not None
    assert (loss.requests, loss.failed) == (0, 0)
    assert loss.complete
    assert impact.usual["service"] == 10


def test_with_no_target_left_the_balancer_fails_more_than_it_counts() -> None:
    """CloudWatch counts no request that found no target, but the 503 that it got."""
    impact = impact_of(
        example(),
        metrics(column("alb_requests", 10, 0), column("alb_target_5xx", 0, 0), column("alb_elb_5xx", 0, 8)),
    )
    loss = impact.lost["balancer"]

    assert loss is not None
    assert (loss.share, loss.failed) == pytest.approx((1, 8 * loss.seconds))


NAN = float("nan")
COUNTS = ("alb_requests", "alb_target_5xx", "alb_elb_5xx")


def test_a_minute_without_a_count_of_failures_is_one_without_failures() -> None:
    """AWS tells of 5XX only in minutes that had some; where requests are told, the rest of the count is 0."""
    lonely = column("alb_elb_5xx", NAN, NAN)
    lonely[1][3] = 0.5
    impact = impact_of(example(), metrics(column("alb_requests", 100, 100), column("alb_target_5xx", NAN, 50), lonely))
    loss, whole = impact.lost["balancer"], impact.window["balancer"]

    assert loss is not None
    assert (loss.requests, loss.failed) == pytest.approx((100 * loss.seconds, 50 * loss.seconds))
    assert loss.complete
    assert whole is not None
    assert whole.known == whole.requests


def test_a_rate_of_failures_before_is_the_mean_of_all_minutes() -> None:
    """One minute of errors in a calm hour is not the rate of that hour."""
    failed = column("alb_target_5xx", NAN, 50)
    failed[1][CALM // 2] = 10
    found = reading(impact_of(example(), metrics(column("alb_requests", 100, 100), failed)), "alb_target_5xx")

    assert found.before == pytest.approx(10 / CALM)
    assert (found.during, found.measured) == pytest.approx((50, 1))


def test_where_the_balancer_tells_nothing_nothing_is_known() -> None:
    """A hole in all of its counts is no minute without failures."""
    requests, failed = column("alb_requests", 100, 100), column("alb_target_5xx", NAN, 50)
    requests[1][-10:] = failed[1][-10:] = NAN
    impact = impact_of(example(), metrics(requests, failed))
    loss = impact.lost["balancer"]

    assert loss is not None
    assert loss.seconds - loss.measured == pytest.approx(10 * STEP)
    assert reading(impact, "alb_target_5xx").measured == pytest.approx(1 - 10 * STEP / loss.seconds)


@given(
    st.lists(st.tuples(*[st.sampled_from([NAN, 0.0, 1.0, 7.5])] * 3), min_size=1, max_size=12),
    st.sets(st.sampled_from(COUNTS)),
)
def test_the_balancers_count_is_what_a_loop_over_minutes_counts(
    minutes: list[tuple[float, float, float]], asked: set[str]
) -> None:
    """Minute by minute: no count at all is nothing known, one that is missing beside others is 0."""
    names = [name for name in COUNTS if name in asked]
    values = np.array([[row[COUNTS.index(name)] for name in names] for row in minutes])
    times = (np.arange(len(minutes)) * 60_000_000_000).astype("datetime64[ns]")
    series = tuple(Series(signal=name, unit="per_second", service="x", query=name) for name in names)
    sides = Own(Metrics(times=times, values=values.reshape(len(minutes), len(names)), series=series)).balanced()
    told = "alb_requests" in asked and len(asked) > 1
    expected: list[tuple[float, float]] = []
    for row in values.tolist() if told else ():
        minute = {name: value for name, value in zip(names, row, strict=True) if not math.isnan(value)}
        failed = sum(value for name, value in minute.items() if name != "alb_requests")
        served = "alb_requests" in minute or failed > 0
        expected.append((max(minute.get("alb_requests", 0.0), failed) if served else NAN, failed if minute else NAN))

    assert (sides is not None) == told
    if sides is not None:
        np.testing.assert_array_equal(np.hstack(sides), np.array(expected))


@pytest.mark.parametrize(
    ("labels", "errors", "shared"),
    [
        ((("load_balancer", "front"),), 8, True),
        ((("load_balancer", "front"),), 0, False),
        ((("target_group", "web"),), 8, False),
    ],
    ids=["of the balancer", "none", "of the target group"],
)
def test_5xx_of_the_whole_balancer_are_called_so(labels: Labels, errors: float, shared: bool) -> None:
    """AWS counts them for the balancer alone: another service's 503 may be among them."""
    columns = [column("alb_requests", 10, 10), column("alb_elb_5xx", 0, errors, labels=labels)]

    assert impact_of(example(), metrics(*columns)).shared is shared


def test_shares_of_tasks_are_no_share_of_the_service() -> None:
    """Requests told as a whole: whose they were is not known, unless all tasks fail the same share."""
    whole = column("http_requests", 10, 10)
    parts = [column("http_error_ratio", 0, share, task=task) for task, share in zip(TASKS, (0, 1), strict=True)]
    impact = impact_of(example(), metrics(whole, *parts))
    loss, window = impact.lost["service"], impact.window["service"]
    alike = [column("http_error_ratio", 0, 0.25, task=task) for task in TASKS]
    same = impact_of(example(), metrics(whole, *alike)).lost["service"]

    assert loss is not None
    assert window is not None
    assert same is not None
    assert (loss.known, loss.failed, loss.requests) == pytest.approx((0, 0, 10 * loss.seconds))
    assert window.known > 0
    assert same.share == pytest.approx(0.25)


def test_a_share_of_the_service_goes_with_requests_by_task() -> None:
    """The other way round it is known: their sum times the share."""
    asked = [column("http_requests", 5, 5, task=task) for task in TASKS]
    loss = impact_of(example(), metrics(*asked, column("http_error_ratio", 0, 0.5))).lost["service"]

    assert loss is not None
    assert (loss.requests, loss.failed) == pytest.approx((10 * loss.seconds, 5 * loss.seconds))


@pytest.mark.parametrize("signal", ["http_requests", "http_error_ratio", "alb_requests", "alb_elb_5xx"])
def test_one_half_of_a_count_counts_nothing(signal: str) -> None:
    """Requests without failures, or failures without requests, are no loss of 0: they are none."""
    impact = impact_of(example(), metrics(column(signal, 1, 1)))

    assert set(impact.lost.values()) == {None}


def test_rates_are_told_in_the_mean_and_latencies_in_the_median() -> None:
    """A rate times the time is the number of requests; a tail of latencies is none of the middle's."""
    requests, latency = column("http_requests", 10, 10), column("http_latency_p95", 0.1, 0.1)
    requests[1][-1], latency[1][-1] = 39, 9
    impact = impact_of(example(), metrics(requests, latency))
    points = POINTS - CALM

    assert reading(impact, "http_requests").during == pytest.approx(10 + 29 / points)
    assert (reading(impact, "http_latency_p95").during, reading(impact, "http_latency_p95").highest) == (0.1, 9)


def test_tasks_make_the_services_line_as_the_catalogue_says() -> None:
    """The series that is read is the one that timeline, page and plot draw."""
    known = all_signals()

    assert {name: (unit, how) for name, unit, how in SIGNALS} == {
        name: (known[name].unit, known[name].combine) for name, _, _ in SIGNALS
    }


@pytest.mark.parametrize("signal", ["http_requests", "http_error_ratio", "http_latency_mean"])
def test_lowest_and_highest_are_of_the_services_own_series(signal: str) -> None:
    """A dying task's last answers are not the worst that the service did, which every other face shows as its peak."""
    columns = [column(name, 0, 0, task=task) for name in ("http_requests", signal) for task in TASKS]
    for number, (_, values) in enumerate(columns):
        values[:] = np.random.default_rng(number).uniform(0, 0.1, POINTS)
    columns[-1][1][CALM : CALM + 5], columns[-1][1][CALM + 5 :] = 0.95, NAN
    recorded = metrics(*dict(columns).items())
    whole = with_service_columns(recorded, all_signals())
    [place] = [i for i, s in enumerate(whole.series) if s.signal == signal and not s.task]
    inside = whole.values[CALM:, place]
    found = reading(impact_of(example(), recorded), signal)

    assert (found.lowest, found.highest) == pytest.approx((inside.min(), inside.max()))


def test_what_users_feel_is_told_though_it_is_no_change() -> None:
    """Latency that doubles below what counts as a change is not felt, and yet it moved: its levels are at hand."""
    base = _with(felt("http_error_ratio"))
    columns = [
        column("http_latency_p95", 0.02, 0.045),
        column("http_error_ratio", 0, 0.1),
        column("http_requests", 9, 9),
    ]
    impact = impact_of(base, metrics(*columns))

    assert impact.felt == ("http_error_ratio",)
    assert [(r.signal, r.before, r.during) for r in impact.unfelt] == [("http_latency_p95", 0.02, 0.045)]
    assert impact_of(base, metrics()).unfelt == ()


def test_what_was_not_measured_says_so_for_each_signal() -> None:
    """No reading is left out, and none is zero."""
    impact = impact_of(example(), Metrics.empty())

    assert {r.measured for r in impact.readings} == {0.0}
    assert all(np.isnan([r.before, r.during, r.lowest, r.highest]).all() for r in impact.readings)


def test_a_calm_window_is_read_as_a_whole() -> None:
    """Without an onset nothing is troubled, and the numbers are the window's."""
    impact = impact_of(calm(), metrics(column("http_requests", 10, 10), column("http_error_ratio", 0, 0)))
    loss = impact.lost["service"]

    assert (impact.troubled, impact.over, impact.stretch) == (False, None, calm().window)
    assert loss is not None
    assert (loss.requests, loss.failed) == pytest.approx((10 * WINDOW.duration.total_seconds(), 0))


def _with(*findings: Finding, cited: str = "") -> Diagnosis:
    base = example()
    first = base.hypotheses[0]
    claims = (Claim(words="", weight=3, pillar="metrics", query=cited),)
    first = replace(first, judgement=replace(first.judgement, claims_for=claims))
    return replace(base, timeline=findings, abnormal_series=findings, hypotheses=(first,))


def test_it_is_over_when_the_last_symptom_is() -> None:
    """The stretch ends there, not at the window's end."""
    diagnosis = _with(felt("http_error_ratio", until=3), felt("http_latency_p95", until=5))

    assert recovered(diagnosis) == ONSET + timedelta(minutes=5)
    assert impact_of(diagnosis, Metrics.empty()).stretch.end == ONSET + timedelta(minutes=5)
    assert [f.subject for f in symptoms(diagnosis)] == ["http_error_ratio", "http_latency_p95"]


@pytest.mark.parametrize(
    "diagnosis",
    [
        _with(felt("http_error_ratio", until=3), felt("http_latency_p95")),
        _with(felt("http_error_ratio", until=3), felt("db_pool_used_ratio", query="pool"), cited="pool"),
        _with(
            felt("http_error_ratio", until=3), felt("http_requests", kind="lost"), felt("http_latency_p95", kind="lost")
        ),
        _with(felt("db_pool_used_ratio", until=3)),
    ],
    ids=["a symptom lasts", "the cause lasts", "the series are gone", "nobody felt anything"],
)
def test_no_recovery_is_told_that_was_not_seen(diagnosis: Diagnosis) -> None:
    """While a symptom or the cause itself lasts, while series are gone, or where nothing was felt, nothing is over."""
    assert recovered(diagnosis) is None
    assert impact_of(diagnosis, Metrics.empty()).stretch.end == WINDOW.end


def test_what_was_over_before_the_onset_is_not_this_incidents() -> None:
    """A blip that ended earlier is neither its symptom nor its end."""
    blip = felt("http_error_ratio", since=-11, until=-8)

    assert recovered(_with(blip)) is None
    assert impact_of(_with(blip), Metrics.empty()).felt == ()
    assert recovered(_with(blip, felt("http_latency_p95", until=5))) == ONSET + timedelta(minutes=5)
    assert recovered(_with(blip, felt("http_latency_p95"))) is None


@pytest.mark.parametrize("until", [-2000.0, -1.0, 0.0, 1.0, 5.0, None])
def test_an_end_is_never_before_the_beginning(until: float | None) -> None:
    """Whatever is told of a change, with an onset and without one; without one the window is read as a whole."""
    diagnosis = _with(felt("http_error_ratio", since=-2001, until=until))
    troubled = impact_of(diagnosis, Metrics.empty())
    unknown = impact_of(replace(diagnosis, onset=None), Metrics.empty())

    assert all(i.over is None or i.over > i.stretch.start for i in (troubled, unknown))
    assert unknown.stretch == WINDOW
