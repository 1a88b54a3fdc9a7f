"""Rounds against a real Prometheus: green when well, exactly the broken systems red, and what is not seen."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from obskit.catalogue import all_signals
from obskit.checkup.round import all_systems, make, systems_named
from obskit.checkup.words import Report, Round, Row
from obskit.errors import UsageError
from obskit.settings import AwsSettings, Connection, Settings
from tests.checkup import stack
from tests.standins.aws import CLUSTER, REGION, Incident
from tests.standins.grafana_server import Call, GrafanaServer, Refused
from tests.standins.loki import LokiStandIn
from tests.support.servers import PrometheusServer, free_port

END = int(time.time())
#: When the disk that fills up stands alone.
FILLING = END - 20 * stack.DAY


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Yield a Prometheus that knows the stack's week."""
    with PrometheusServer() as server:
        server.write(stack.filling(FILLING))  # first: the label index of that time knows only what came in order
        server.write(stack.series(END))
        yield server


def at(seconds: float) -> datetime:
    """Return a moment from epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def made(settings: Settings, *only: str, now: float = END, everything: bool = False, seconds: float = 15) -> Round:
    """Return the round over some systems, all without names."""
    systems = systems_named(only)
    return make(settings, systems, deadline_seconds=seconds, now=at(now), everything=everything)


def asking(server: PrometheusServer) -> Settings:
    """Return settings with this Prometheus alone."""
    return Settings(prometheus=Connection(url=server.url))


def states(found: Round) -> dict[str, str]:
    """Return each system's state."""
    return {report.system.name: report.state for report in found.reports}


def report_of(found: Round, name: str) -> Report:
    """Return one system's report."""
    return next(report for report in found.reports if report.system.name == name)


def row_of(found: Round, signal: str) -> Row:
    """Return the first row of a signal."""
    return next(row for report in found.reports for row in (*report.wrong, *report.well) if row.signal == signal)


def test_a_mistyped_system_is_told_the_nearest() -> None:
    """And what there is, where none is near."""
    with pytest.raises(UsageError, match="there is no system 'Promtheus'") as refused:
        systems_named(["Promtheus"])

    assert refused.value.hint == "did you mean prometheus?"


def test_every_topic_of_the_catalogue_belongs_to_one_system() -> None:
    """A new topic is looked at by somebody, and by nobody twice."""
    looked_at = [topic for system in all_systems() for topic in system.topics]

    assert sorted(looked_at) == sorted({signal.topic for signal in all_signals().values()})


@pytest.mark.parametrize("system", all_systems(), ids=lambda system: system.name)
def test_what_a_system_tells_and_draws_is_among_its_signals(system: object) -> None:
    """A misspelled id would silently tell nothing."""
    named = next(s for s in all_systems() if s is system)
    topics = {signal.id for signal in all_signals().values() if signal.topic in named.topics}

    assert topics.issuperset((*named.tell, *named.leave, *(fill.signal for fill in named.fills)))


def test_a_healthy_stack_is_green_with_the_number_that_says_why(prometheus: PrometheusServer) -> None:
    """Nothing is red before anything broke; what nothing tells of is not green either."""
    found = made(asking(prometheus), now=END - stack.WELL)

    told = {"alb", "alerts", "alloy", "application", "database", "ecs", "grafana", "loki", "node"}
    told |= {"objectives", "prometheus"}
    assert states(found) == {**dict.fromkeys(told, "ok"), **dict.fromkeys(stack.UNTOLD, "not seen")}
    disk = row_of(found, "node_disk_used_ratio")
    assert (disk.state, disk.threshold) == ("ok", 0.95)
    assert disk.value == pytest.approx(0.42)


def test_exactly_the_broken_systems_are_red(prometheus: PrometheusServer) -> None:
    """Four break: these four, and no other; worst first."""
    found = made(asking(prometheus))

    assert tuple(sorted(n for n, s in states(found).items() if s in ("bad", "look"))) == stack.BROKEN
    assert [report.state for report in found.reports][:4] == ["bad", "bad", "look", "look"]
    assert found.answered


@pytest.mark.parametrize(
    ("signal", "value", "state", "began"),
    [
        ("db_pool_used_ratio", 1.0, "bad", stack.POOL),
        ("alb_unhealthy_hosts", 1.0, "look", stack.TARGET),
        ("node_disk_used_ratio", 0.98, "bad", stack.DISK),
        ("loki_lines_discarded", 2.0, "look", stack.DISCARDS),
    ],
)
def test_a_red_row_says_since_when_and_what_it_was(
    prometheus: PrometheusServer, signal: str, value: float, state: str, began: int
) -> None:
    """The beginning is right to the step, and yesterday and last week at this hour it was well."""
    row = row_of(made(asking(prometheus)), signal)

    assert row.state == state
    assert row.value == pytest.approx(value, rel=0.01)
    assert row.since is not None
    assert abs(row.since - at(END - began)) <= timedelta(minutes=5)
    assert not row.longer
    well = {"db_pool_used_ratio": 0.4, "node_disk_used_ratio": 0.42}.get(signal, 0.0)
    assert [row.yesterday, row.last_week] == pytest.approx([well, well])


def test_without_a_past_the_comparison_is_empty(prometheus: PrometheusServer) -> None:
    """No data of last week is no zero."""
    row = row_of(made(asking(prometheus), "node", now=END - 7 * stack.DAY), "node_disk_used_ratio")

    assert row.value == pytest.approx(0.42)
    assert (row.yesterday, row.last_week) == (None, None)


def test_labels_of_a_stranger_are_cleaned_and_keep_no_secret(prometheus: PrometheusServer) -> None:
    """Neither escape sequences nor a password reach a row."""
    entities = [row.entity for row in report_of(made(asking(prometheus), "node"), "node").wrong]

    assert len(entities) == 2
    assert not any("\x1b" in entity or "hunter2" in entity for entity in entities)


def test_a_disk_that_grows_is_red_before_it_is_full(prometheus: PrometheusServer) -> None:
    """At 0.84 after a day of a hundredth an hour sixteen hours are left."""
    (row,) = report_of(made(asking(prometheus), "node", now=FILLING), "node").wrong

    assert (row.state, row.what, row.entity) == ("bad", "disk is full in", "node:9100 mountpoint=/var")
    assert row.value == pytest.approx(16 * stack.HOUR, rel=0.01)


def test_where_nothing_tells_nothing_is_green(prometheus: PrometheusServer) -> None:
    """A Prometheus without data of that time leaves every system but the list of alerts unseen."""
    found = made(asking(prometheus), now=END - 100 * stack.DAY)

    assert set(states(found).values()) == {"not seen", "ok"}
    assert [report.system.name for report in found.of("ok")] == ["alerts"]


def test_a_source_that_is_gone_is_one_gap_and_no_health() -> None:
    """All questions of one source for one reason are one entry; nobody having answered is said."""
    found = made(Settings(prometheus=Connection(url=f"http://127.0.0.1:{free_port()}")), seconds=3)

    assert set(states(found).values()) == {"not seen"}
    assert not found.answered
    assert [(u.source, "could not be reached" in u.reason or "not configured" in u.reason) for u in found.unseen] == [
        ("Prometheus", True),
        ("Loki", True),
        ("Grafana", True),
        ("AWS", True),
    ]


def test_a_source_that_hangs_takes_nothing_from_the_others(prometheus: PrometheusServer) -> None:
    """Under the deadline a Loki that accepts and says nothing is a gap, and Prometheus' answers are whole."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        loki = Connection(url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        found = made(Settings(prometheus=Connection(url=prometheus.url), loki=loki), seconds=2)

    assert tuple(sorted(n for n, s in states(found).items() if s in ("bad", "look"))) == stack.BROKEN
    assert row_of(found, "db_pool_used_ratio").last_week is not None
    assert [u.reason for u in found.unseen if u.source == "Loki"] == ["Loki did not answer in time"]


def test_the_same_round_twice_is_the_same(prometheus: PrometheusServer) -> None:
    """Order and numbers do not depend on which answer came first."""
    assert made(asking(prometheus), everything=True).reports == made(asking(prometheus), everything=True).reports


@pytest.mark.parametrize(("lines", "state"), [(0, "ok"), (2, "ok"), (12, "look")])
def test_known_faults_in_the_logs_are_counted(lines: int, state: str) -> None:
    """Lines that come and tell of no fault are health; a fault that repeats itself deserves a look."""
    now = time.time()
    texts = ["GET /cart 200"] * 20 + ["getaddrinfo ENOTFOUND auth.internal"] * lines
    values = [[str(int((now - 60 - n) * 1e9)), text] for n, text in enumerate(texts)]
    with LokiStandIn() as loki:
        loki.store("").push(orjson.dumps({"streams": [{"stream": {"service": "shop"}, "values": values}]}))
        found = made(Settings(loki=Connection(url=loki.url)), "dns", now=now)

    (row,) = (*report_of(found, "dns").wrong, *report_of(found, "dns").well)
    assert (states(found), row.value) == ({"dns": state}, lines)


class _Grafana(GrafanaServer):
    """Two data sources, of which one may be broken, and perhaps an alert."""

    broken = False

    def answer(self, call: Call) -> object:
        """Answer what a round asks."""
        if call.path == "/api/datasources":
            return [{"name": "Loki", "uid": "l"}, {"name": "Prometheus", "uid": "p"}]
        if call.path.startswith("/api/datasources/uid/"):
            if self.broken and "/p/" in call.path:
                raise Refused(400, "dial tcp: no such host", status="ERROR")
            return {"status": "OK", "message": "it works"}
        labels = {"alertname": "Slow\x1b[2J", "severity": "critical", "service": "shop", "__alert_rule_uid__": "x"}
        return [{"labels": labels, "startsAt": "2026-01-31T03:12:00Z"}] if self.broken else []


@pytest.mark.parametrize("broken", [False, True])
def test_grafana_is_asked_for_its_alerts_and_data_sources(broken: bool) -> None:
    """A firing alert and a data source that fails are red, each with its words; otherwise both are green."""
    with _Grafana() as grafana:
        grafana.broken = broken
        found = made(Settings(grafana=grafana.connection()), "grafana")

    report = report_of(found, "grafana")
    assert (report.state, len(report.wrong), len(report.well)) == (("bad", 2, 0) if broken else ("ok", 0, 2))
    if broken:
        alert, source = report.wrong
        assert (alert.what, alert.entity) == ("Grafana's alert Slow", "shop")
        assert source.entity == "Prometheus"
        assert "no such host" in source.words


def _service(name: str, running: int, **more: object) -> dict[str, object]:
    arn = f"arn:aws:ecs:{REGION}:123456789012:service/{CLUSTER}/{name}"
    return {
        "serviceName": name,
        "serviceArn": arn,
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": running,
        **more,
    }


def test_ecs_is_asked_for_services_and_deployments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without its tasks and a deployment that failed are red; one that is whole is not named."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    failed = {
        "id": "ecs-svc/1", "rolloutState": "FAILED", "rolloutStateReason": "circuit breaker",
        "createdAt": END - 600, "updatedAt": END,
    }  # fmt: skip
    rows = {"auth": _service("auth", 2), "shop": _service("shop", 0, deployments=[failed])}
    settings = Settings(aws=AwsSettings(cluster=CLUSTER, region=REGION))
    with Incident(cluster=CLUSTER, services=rows, tasks={}).in_process():
        found = made(settings, "ecs")

    report = report_of(found, "ecs")
    assert [(row.what, row.entity, row.state) for row in report.wrong] == [
        ("tasks running", "shop", "bad"),
        ("deployment failed", "shop", "bad"),
    ]
    assert report.wrong[1].words == "circuit breaker"
