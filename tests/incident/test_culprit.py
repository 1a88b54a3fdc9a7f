"""Who is to blame where no cause fits: services and series ranked by statistics alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.catalogue._kinds import kind_of
from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.scene import PARTS, Alert, Ranking, Scene
from obskit.incident.culprit import culprit, in_order
from obskit.model import Event, Finding, Hypothesis, Judgement, Labels, Logs, Metrics, Series, nanoseconds
from tests.support.scenario import SERVICE, Scenario

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
STEP = timedelta(seconds=60)
POINTS, AT = 40, 30
NOTICED = BEGIN + AT * STEP
Matrix = npt.NDArray[np.float64]
Column = tuple[str, str, float]
"""A service, a metric, and by how many deviations it moves at `AT`."""


def series_of(columns: Sequence[Column]) -> tuple[Series, ...]:
    """Return what the columns are."""
    return tuple(Series(signal=metric, unit="count", service=service) for service, metric, _ in columns)


def matrix_of(columns: Sequence[Column], *, seed: int = 1, level: float = 10.0) -> Matrix:
    """Return noise of one deviation around a level, and the moves."""
    values = np.random.default_rng(seed).normal(level, 1.0, (POINTS, len(columns)))
    values[AT:] += [move for _, _, move in columns]
    return values


def scene_of(values: Matrix, series: Sequence[Series]) -> Scene:
    """Return what is known when there is only a matrix."""
    times = np.datetime64(BEGIN.replace(tzinfo=None), "ns") + np.arange(len(values)) * np.timedelta64(60, "s")
    return Scene(
        metrics=Metrics(times=times.astype("datetime64[ns]"), values=values, series=tuple(series)),
        kinds=[kind_of(s.signal) for s in series],
        noticed=NOTICED,
    )


def scene(*columns: Column, seed: int = 1) -> Scene:
    """Return a matrix with these moves."""
    return scene_of(matrix_of(columns, seed=seed), series_of(columns))


def services(ranking: Ranking) -> list[str]:
    """Return the services, most suspect first."""
    return [s.service for s in ranking.suspects]


def names(found: Ranking, of: Scene) -> list[str]:
    """Return the series, most telling first."""
    return [of.metrics.series[i].name for i in found.columns]


MIXED: tuple[Column, ...] = (
    ("web", "latency", 6.0),
    ("web", "cpu", 0.0),
    ("cart", "cpu", 40.0),
    ("cart", "latency", 20.0),
    ("pay", "memory", -9.0),
    ("pay", "errors", 3.0),
    ("mail", "requests", -5.0),
    ("mail", "queue_of_unknown_things", 0.0),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-20, 40), min_size=len(MIXED), max_size=len(MIXED)))
def test_the_unit_of_a_column_does_not_matter(powers: list[int]) -> None:
    """Seconds or milliseconds, bytes or gibibytes: scaling any column leaves the order as it is."""
    one = scene(*MIXED)
    other = scene_of(one.metrics.values * 2.0 ** np.array(powers), one.metrics.series)
    first, second = rank_suspects(one), rank_suspects(other)

    assert services(second) == services(first)
    assert names(second, other) == names(first, one)


def test_milliseconds_rank_as_seconds() -> None:
    """A factor that single precision cannot hold does not matter either."""
    one = scene(*MIXED)
    other = scene_of(one.metrics.values * np.array([1e3, 0.1, 7.0, 1e-3, 3e9, 0.3, 60.0, 1e-9]), one.metrics.series)

    assert services(rank_suspects(other)) == services(rank_suspects(one))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(len(MIXED))))
def test_the_order_of_columns_does_not_matter(order: list[int]) -> None:
    """Who answers first is not more suspect."""
    one = scene(*MIXED)
    one.metrics.values[:, 5:] = 3.0  # equals are ordered by what they are
    other = scene_of(one.metrics.values[:, order], [one.metrics.series[i] for i in order])
    first, second = rank_suspects(one), rank_suspects(other)

    assert second.suspects == first.suspects
    assert names(second, other) == names(first, one)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["latency", "cpu", "memory", "errors", "requests", "strange"]),
    st.floats(5.0, 1e6),
    st.sampled_from([0.0, 1e-12, 5.0, 1e12, float("nan")]),
    st.integers(0, 50),
)
def test_what_did_not_move_is_never_above_what_did(metric: str, move: float, flat: float, seed: int) -> None:
    """Constant columns and columns without samples carry no evidence."""
    columns = (("a-flat", metric, 0.0), ("moved", metric, move), ("z-flat", metric, 0.0))
    values = matrix_of(columns, seed=seed)
    values[:, [0, 2]] = flat
    given_ = scene_of(values, series_of(columns))
    found = rank_suspects(given_)

    assert services(found)[0] == "moved"
    assert names(found, given_)[0] == f"{metric}{{moved}}"
    assert [s.score for s in found.suspects[1:]] == [0.0, 0.0]


def test_the_same_scene_gives_the_same_ranking() -> None:
    """Nothing is left to chance."""
    first, second = rank_suspects(scene(*MIXED)), rank_suspects(scene(*MIXED))

    assert first.suspects == second.suspects
    assert first.columns.tolist() == second.columns.tolist()


def test_a_matrix_alone_is_enough() -> None:
    """Without calls, lines, events and an alert the largest move leads, and it says by what."""
    found = rank_suspects(scene(*MIXED))
    first = found.suspects[0]

    assert first.service == "cart"
    assert set(first.parts) <= set(PARTS) - {"logs", "change", "path"}
    assert first.score == pytest.approx(sum(first.parts.values()))
    assert first.series[0] == "cpu{cart}"


@pytest.mark.parametrize(
    "values",
    [np.empty((0, 0)), np.empty((POINTS, 0)), np.full((1, 2), 3.0), np.full((3, 2), np.nan), np.zeros((2, 2))],
    ids=["nothing", "no columns", "one point", "no samples", "two points"],
)
def test_hardly_any_matrix_is_no_error(values: Matrix) -> None:
    """What cannot be ranked is returned without evidence."""
    columns = series_of([("a", "cpu", 0.0), ("b", "cpu", 0.0)][: values.shape[1]])
    found = rank_suspects(scene_of(values, columns))

    assert all(s.score == 0 for s in found.suspects)
    assert sorted(found.columns.tolist()) == list(range(values.shape[1]))


@pytest.mark.parametrize("late", [-120, -60, 0, 60, 300, 480])
def test_an_alert_may_come_late_or_early(late: int) -> None:
    """The onset is found near the time that is given; what moved then leads all the same."""
    given_ = replace(scene(*MIXED), noticed=NOTICED + timedelta(seconds=late))
    found = rank_suspects(given_)

    assert found.onset == NOTICED
    assert services(found)[0] == "cart"


def test_a_fall_in_latency_or_errors_is_no_fault() -> None:
    """Direction counts: what got better is not to blame."""
    found = rank_suspects(scene(("better", "latency", -9.0), ("better", "errors", -9.0), ("worse", "latency", 4.0)))

    assert services(found) == ["worse", "better"]
    assert found.suspects[1].score == 0


def test_a_small_loss_of_success_is_seen() -> None:
    """Of a ratio that was always whole, a lost hundredth is news, and so is it in percent."""
    columns = (("a", "success", 0.0), ("b", "success", 0.0), ("c", "cpu", 0.4))
    for whole in (1.0, 100.0):
        values = matrix_of(columns)
        values[:, :2] = whole
        values[AT::2, 1] = 0.97 * whole
        found = rank_suspects(scene_of(values, series_of(columns)))

        assert services(found)[0] == "b"
        assert set(found.suspects[0].parts) == {"errors"}


def test_a_counter_of_errors_is_born_with_the_first_error() -> None:
    """No sample before is no error before."""
    columns = (("a", "errors_total", 0.0), ("b", "cpu", 0.5))
    values = matrix_of(columns)
    values[:AT, 0] = np.nan

    assert services(rank_suspects(scene_of(values, series_of(columns))))[0] == "a"


def test_a_metric_that_jumps_everywhere_convinces_less() -> None:
    """A step of a hundred weighs less than one of ten where such steps are usual elsewhere in calm times."""
    columns = [*((f"s{i}", "restless", 0.0) for i in range(9)), *((f"s{i}", "steady", 0.0) for i in range(9))]
    values = matrix_of(columns)
    values[8:22, 1:9] *= 100
    values[AT:, 0] *= 100
    values[AT:, 17] *= 10
    found = rank_suspects(scene_of(values, series_of(columns)))

    assert services(found)[:2] == ["s8", "s0"]


CHAIN = (("web", "latency", 8.0), ("cart", "latency", 8.0), ("stock", "latency", 8.0), ("mail", "latency", 9.0))
CALLS = (("web", "cart"), ("cart", "stock"), ("web", "mail"))


def test_a_callee_explains_its_callers() -> None:
    """Of a chain that became slow together, the last link is to blame, with the alert or without."""
    calm = (*CHAIN[:3], ("mail", "latency", 0.0))
    for alert in (None, Alert(service="web", metric="latency", kind="latency")):
        found = rank_suspects(replace(scene(*calm), calls=CALLS, alert=alert))

        assert services(found)[0] == "stock"


def test_the_alert_leads_to_what_its_service_calls() -> None:
    """A larger move beside the alert's path is not what was alerted to."""
    given_ = replace(scene(*CHAIN), calls=CALLS[:2])
    alone = rank_suspects(given_)
    followed = rank_suspects(replace(given_, alert=Alert(service="web", kind="latency")))

    assert "path" not in alone.suspects[0].parts
    assert services(followed)[0] == "stock"
    assert followed.suspects[0].parts["path"] > followed.suspects[-1].parts.get("path", 0.0)


def test_calls_in_a_circle_end() -> None:
    """Services that call each other are no reason to hang or to lose the walk."""
    found = rank_suspects(
        replace(scene(*CHAIN[:3]), calls=(*CALLS, ("stock", "web")), alert=Alert(service="web", kind="latency"))
    )

    assert sum(s.parts["path"] for s in found.suspects) == pytest.approx(2.0)


def test_a_balancer_is_a_way_and_no_end() -> None:
    """Where traces end at a balancer, the service beside it that moved as well is to blame."""
    columns = (("web", "latency", 5.0), ("public-lb", "latency", 14.0), ("cart", "latency", 9.0))
    given_ = replace(
        scene(*columns), calls=(("web", "public-lb"), ("web", "cart")), alert=Alert(service="web", kind="latency")
    )

    assert services(rank_suspects(given_))[0] == "public-lb"
    assert services(rank_suspects(replace(given_, forwarding=("public-lb",))))[0] == "cart"


def test_latency_that_the_caller_measured_blames_the_callee() -> None:
    """A column about a call speaks against whom was called."""
    peer: Labels = (("server_address", "pay"),)
    series = (
        Series(signal="client_latency", unit="seconds", service="web", labels=peer),
        Series(signal="latency", unit="seconds", service="web"),
        Series(signal="latency", unit="seconds", service="pay"),
    )
    values = matrix_of([("", "", 20.0), ("", "", 5.0), ("", "", 0.0)])
    found = rank_suspects(replace(scene_of(values, series), calls=(("web", "pay"),)))

    assert services(found)[0] == "pay"


def test_who_no_longer_passes_requests_on_is_to_blame() -> None:
    """What it calls is asked less while it is asked as before; who is asked less itself withholds nothing."""
    columns = (("web", "requests", 0.0), ("cart", "requests", -7.0), ("mail", "requests", -7.0), ("ad", "cpu", 1.0))
    fewer = (("web", "requests", -7.0), *columns[1:])
    told = [rank_suspects(replace(scene(*c), calls=(("web", "cart"), ("web", "mail")))) for c in (columns, fewer)]
    withheld = [next(s.parts.get("withheld", 0.0) for s in found.suspects if s.service == "web") for found in told]

    assert services(told[0])[0] == "web"
    assert withheld[1] < 0.1 * withheld[0]


def logs_of(*rows: tuple[float, str, str, str]) -> Logs:
    """Build lines from (minute, service, level, text)."""
    times = [nanoseconds(BEGIN + minute * STEP) for minute, _, _, _ in rows]
    return Logs.of(times, [r[1] for r in rows], [""] * len(rows), [r[2] for r in rows], [r[3] for r in rows])


CALM_LINES = tuple((minute, name, "info", "served a request") for minute in range(POINTS) for name in ("a", "b"))


def test_a_new_error_text_points_at_its_service() -> None:
    """What was never logged before counts, what was logged all along does not."""
    old = tuple((minute, "a", "error", "cannot read the old cache") for minute in range(POINTS))
    new = tuple((minute, "b", "error", "no contacts found") for minute in range(AT, POINTS))
    given_ = scene(("a", "cpu", 0.0), ("b", "cpu", 0.0))
    found = rank_suspects(replace(given_, logs=logs_of(*CALM_LINES, *old, *new)))

    assert services(found)[0] == "b"
    assert "no contacts found" in found.suspects[0].series
    assert found.suspects[0].parts["logs"] > 2 * found.suspects[1].parts.get("logs", 0.0)


def test_lines_of_the_incident_alone_say_nothing_new() -> None:
    """Without lines before there is nothing to compare with."""
    late = tuple((POINTS - 1, "b", "error", "no contacts found") for _ in range(5))
    found = rank_suspects(replace(scene(("a", "cpu", 30.0)), logs=logs_of(*late)))

    assert services(found)[0] == "a"
    assert all("logs" not in s.parts for s in found.suspects)


def rollout(service: str, minute: int, *tasks: str) -> tuple[Event, ...]:
    """Return the events of a change."""
    at = BEGIN + minute * STEP
    return (
        Event(time=at, kind="deployment", service=service),
        *(Event(time=at, kind="task_running", service=service, task=task) for task in tasks),
    )


def tasks_of(**failing: float) -> tuple[Matrix, tuple[Series, ...]]:
    """Return the success of three old tasks and one new one of each service; the new one's from `AT` on."""
    columns = [(name, f"{name}-{i}") for name in failing for i in range(4)]
    values = np.full((POINTS, len(columns)), 100.0)
    for place, share in enumerate(failing.values()):
        values[:AT, 4 * place + 3] = np.nan
        values[AT:, 4 * place + 3] = share
    return values, tuple(Series(signal="success", unit="count", service=s, task=t) for s, t in columns)


def test_a_new_task_that_is_worse_than_its_elders_gives_its_change_away() -> None:
    """Of two changes, the one whose new task fails is to blame, although the other is younger."""
    values, series = tasks_of(a=100.0, b=60.0)
    events = (*rollout("b", AT - 2, "b-3"), *rollout("a", AT, "a-3"))
    found = rank_suspects(replace(scene_of(values, series), events=events))

    assert services(found)[0] == "b"
    assert found.suspects[0].task == "b-3"


def test_a_new_task_that_answers_nothing_gives_its_change_away() -> None:
    """It started, its elders answer, it does not."""
    values, series = tasks_of(a=100.0, b=float("nan"))
    events = (*rollout("b", AT - 2, "b-3"), *rollout("a", AT - 2, "a-3"))

    assert services(rank_suspects(replace(scene_of(values, series), events=events)))[0] == "b"


def test_a_change_after_the_incident_is_no_cause_of_it() -> None:
    """Nor is one from before the window more than any other service."""
    later, earlier = rollout("a", AT + 8), rollout("b", -600)
    found = rank_suspects(replace(scene(("a", "cpu", 0.0), ("b", "cpu", 0.0)), events=(*later, *earlier)))

    assert all("change" not in s.parts for s in found.suspects)


def finding(signal: str, service: str, score: float) -> Finding:
    """Return a change that the detector found."""
    return Finding(
        kind="shift",
        pillar="metrics",
        subject=signal,
        service=service,
        onset=NOTICED,
        words="moved",
        score=score,
        query=f"query of {signal}",
    )


def test_what_the_first_cause_names_stays_the_culprit() -> None:
    """Statistics speak only where no cause does."""
    judged = Judgement(cause="slow_queries", service="database", task="")
    cause = Hypothesis(cause="slow_queries", title="", probability=0.9, judgement=judged)
    found = rank_suspects(scene(*MIXED)).suspects

    assert culprit([cause], [finding("cpu", "cart", 9.0)], service="web", suspects=found).service == "database"


def test_without_a_cause_the_first_suspect_is_the_culprit() -> None:
    """Its own series is named, even where the detector found another's larger."""
    found = rank_suspects(scene(*MIXED)).suspects
    abnormal = [finding("latency", "web", 99.0), finding("cpu", "cart", 9.0)]

    assert culprit([], abnormal, service="web", suspects=found).series == "cpu{cart}"
    assert culprit([], [], service="web", suspects=found).series == "cpu{cart}"
    assert culprit([], abnormal, service="web").service == "web"
    assert not culprit([], [], service="web").service


def test_findings_follow_the_ranking_of_their_series() -> None:
    """The most abnormal series is the most telling one, not the one with the largest deviation."""
    given_ = scene(*MIXED)
    told = [finding("latency", "web", 99.0), finding("elsewhere", "web", 50.0), finding("cpu", "cart", 9.0)]
    ordered = in_order(told, given_.metrics, rank_suspects(given_))

    assert [(f.subject, f.service) for f in ordered] == [("cpu", "cart"), ("latency", "web"), ("elsewhere", "web")]


def test_triage_blames_by_statistics_where_no_cause_stands_out() -> None:
    """Retries after time-outs have many causes; what is left to say is who moved, and the series say how."""
    case = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    diagnosis = case.becomes("http_requests", 25, after_seconds=60).diagnosis()
    first = diagnosis.abnormal_series[0]

    assert diagnosis.verdict == "no_clear_cause"
    assert diagnosis.culprit.service == first.service == SERVICE
    assert diagnosis.culprit.series.startswith(first.subject)
    assert first.subject in ("http_latency_p95", "http_error_ratio")


def test_triage_does_not_blame_who_calls() -> None:
    """A neighbour that calls the service suffers with it, however far it moved."""
    case = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    case.becomes("http_requests", 25, after_seconds=60).facts["relation.pay"] = "caller"
    diagnosis = case.becomes("http_latency_mean", 5.0, service="pay", before=0.02).diagnosis()

    assert (diagnosis.verdict, diagnosis.culprit.service) == ("no_clear_cause", SERVICE)
