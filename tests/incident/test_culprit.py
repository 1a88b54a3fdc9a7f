"""Who is to blame: what the first cause names, and where no cause fits, whom the statistics suspect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from obskit.incident import investigate
from obskit.incident.blame.explain import explain
from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.culprit import callees, culprit, in_order, noticed_within
from obskit.model import Claim, Culprit, Finding, Hypothesis, Judgement, Series, Service, Suspect, Window
from tests.support.blame import MIXED, NOTICED, STEP, scene
from tests.support.scenario import SERVICE, WINDOW, Scenario


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


SHOP = Series(signal="client_requests", unit="per_second", service="shop")


def suspects() -> tuple[Suspect, ...]:
    """Return whom the statistics suspect in a matrix of four services."""
    given = scene(*MIXED)
    return explain(given, rank_suspects(given))


def test_what_the_first_cause_names_stays_the_culprit() -> None:
    """Statistics speak only where no cause does."""
    judged = Judgement(cause="slow_queries", service="database", task="")
    cause = Hypothesis(cause="slow_queries", title="", probability=0.9, judgement=judged)
    found = suspects()

    assert culprit([cause], [finding("cpu", "cart", 9.0)], service="web", suspects=found).service == "database"


def named(service: str, *cited: str, task: str = "", late: timedelta = timedelta(0)) -> Hypothesis:
    """Return a cause that names whom to blame, with claims that cite queries."""
    claims = tuple(Claim(words="", weight=3, query=f"query of {signal}") for signal in cited)
    judged = Judgement(cause="c", claims_for=claims, service=service, task=task, onset=NOTICED + late)
    return Hypothesis(cause="c", title="", probability=0.9, judgement=judged)


def test_the_series_beside_the_culprit_is_its_own() -> None:
    """What the caller felt is cited, and is no series of whom it calls."""
    felt, own = finding("latency", "web", 99.0), finding("cpu", "pay", 9.0)

    assert culprit([named("pay", "latency")], [felt, own], service="web").series == "cpu{pay}"
    assert culprit([named("pay", "latency")], [felt], service="web") == Culprit(service="pay")


def test_the_series_that_the_cause_cites_comes_before_a_larger_one() -> None:
    """The reader finds it among the evidence."""
    found = [finding("load", "pay", 99.0), finding("cpu", "pay", 9.0)]

    assert culprit([named("pay", "cpu")], found, service="web").series == "cpu{pay}"


def test_a_task_is_not_blamed_with_its_siblings_series() -> None:
    """Its own first, then that of all of them together."""
    whole = finding("cpu", "pay", 50.0)
    sibling, mine = (replace(whole, task=task, score=99.0) for task in ("t1", "t2"))

    assert culprit([named("pay", task="t2")], [sibling, whole, mine], service="web").series == "cpu{pay, t2}"
    assert culprit([named("pay", task="t2")], [sibling, whole], service="web").series == "cpu{pay}"
    assert not culprit([named("pay", task="t2")], [sibling], service="web").series


def test_what_changed_before_the_cause_began_is_not_its_doing() -> None:
    """Unless the cause cites it: its doing it is then."""
    early = finding("cpu", "pay", 9.0)
    late = timedelta(minutes=2)

    assert not culprit([named("pay", late=late)], [early], service="web", resolution=STEP).series
    assert culprit([named("pay", "cpu", late=late)], [early], service="web", resolution=STEP).series == "cpu{pay}"
    assert culprit([named("pay", late=STEP)], [early], service="web", resolution=STEP).series == "cpu{pay}"


def test_a_series_without_a_service_is_of_whom_is_investigated() -> None:
    """A recording of one service need not name it in each series."""
    found = [finding("cpu", "", 9.0)]

    assert culprit([named("web")], found, service="web").series == "cpu{}"
    assert not culprit([named("pay")], found, service="web").series


def test_without_a_cause_the_first_suspect_is_the_culprit() -> None:
    """Its own series is named, even where the detector found another's larger."""
    found = suspects()
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


def test_only_the_label_that_names_the_callee_tells_of_a_call() -> None:
    """A status or a method of a call is nobody who is called."""
    peers = replace(SHOP, labels=(("http_method", "GET"), ("server_address", "pay"), ("status", "500")))

    assert callees([peers, replace(SHOP, signal="cpu")], ("peer", "server_address")) == [("shop", "pay")]


@pytest.mark.parametrize("minutes", [-600, -25, 0, 10, 600])
def test_the_onset_of_a_window_lies_within_it(minutes: int) -> None:
    """What churned in the baseline is not when the incident was noticed."""
    window = Window(start=NOTICED - 5 * STEP, end=NOTICED + 5 * STEP)
    told = noticed_within(window, NOTICED + timedelta(minutes=minutes))

    assert window.start <= told <= window.end
    assert noticed_within(window, None) == window.start


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


def test_triage_reads_the_direction_of_unknown_signals_from_their_kind() -> None:
    """Latency outside the catalogue that falls is no fault, however far it falls."""
    case = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    case = case.becomes("http_requests", 25, after_seconds=60)
    shop = next(s for s in case.columns if s.signal == "http_latency_p95")
    for kind in ("latency", "error_ratio", "queue"):
        case.columns[replace(shop, signal=f"vendor_{kind}", service="vendor", query="")] = case.columns[shop] ** -2
    diagnosis = case.diagnosis()

    assert diagnosis.verdict == "no_clear_cause"
    assert diagnosis.culprit.service == "shop"


def test_triage_groups_lines_once() -> None:
    """What was made of the logs is what the ranking compares: grouping is the dearest part of it."""
    case = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    walked = investigate.walk(case.telemetry, service=Service(name=SERVICE), window=WINDOW)
    asked = investigate._scene(walked)

    assert asked is not None
    assert asked.logs is walked.log_report.records is not None


def test_without_metrics_lines_alone_make_a_suspect() -> None:
    """A source that is down leaves what the others say."""
    case = Scenario().errors().logs("ERROR ledger of basket 17 does not balance by 3 cents", every=1)

    diagnosis = case.without("metrics").diagnosis()

    assert diagnosis.verdict == "no_clear_cause"
    assert [suspect.service for suspect in diagnosis.suspects] == [SERVICE]
    assert diagnosis.suspects[0].contributions[0].part == "logs"
