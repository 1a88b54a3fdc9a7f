"""Live sources by the library: a real Prometheus, the Loki stand-in, and servers that misbehave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import obskit
from obskit.errors import ObskitError, SettingsError, SourceError, UsageError
from obskit.model import Series
from tests.standins.faulty import FaultyServer, ok, status
from tests.standins.loki import LokiStandIn
from tests.standins.loki_server import START, WINDOW, Server, some
from tests.support.servers import Labels, PrometheusServer, Samples, free_port

_BEGIN, _END = WINDOW.start, WINDOW.end


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is configured on the machine is no test's business."""
    for name in os.environ:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _series(name: str, rate: float, **labels: str) -> tuple[Labels, Samples]:
    """Return a counter that is scraped every 15 seconds, from before the baseline on."""
    times = range((START - 1800) * 1000, (START + 600) * 1000 + 1, 15_000)
    return {"__name__": name, **labels}, [(at, rate * (at - times[0]) / 1000) for at in times]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Yield a real Prometheus that holds a service in two tasks, its caller, and a database."""
    requests = "http_requests_total"
    with PrometheusServer() as server:
        server.write(
            [
                _series(requests, 10, service="shop-api", task_id="t1", status="200", route="/x"),
                _series(requests, 30, service="shop-api", task_id="t2", status="200", route="/x"),
                _series(requests, 5, service="orders", task_id="o1", status="200", route="/y"),
                _series("pg_up", 0, instance="pg", job="postgres"),
                _series("odd", 1, hostile='<b>"\\ $x$'),
            ]
        )
        yield server


@pytest.fixture(scope="module")
def loki() -> Iterator[LokiStandIn]:
    """Yield the stand-in, with lines of two services."""
    with LokiStandIn() as standin:
        server = Server(standin.url, "prod")
        server.push({"service": "shop-api", "task_id": "t1", "level": "INFO"}, some(120, "served"))
        server.push({"service": "shop-api", "task_id": "t2"}, some(40, "ERROR: database timeout", start=300))
        server.push({"service": "orders"}, [(10.0, "mail from jane@example.com")])
        yield standin


@pytest.fixture
def sources(prometheus: PrometheusServer, loki: LokiStandIn) -> obskit.Sources:
    """Return both, connected."""
    return obskit.connect(prometheus.url, loki.url)


def _names(series: tuple[Series, ...]) -> set[tuple[str, str]]:
    return {(one.service, one.task) for one in series}


# -------------------------------------------------------------------------------- an incident


def test_an_incident_is_what_triage_would_see(sources: obskit.Sources) -> None:
    """Metrics and lines of the window and its baseline; what is not configured is a gap."""
    incident = sources.incident("shop-api", start=_BEGIN, end=_END)
    seen = {one.signal for one in incident.metrics.series}

    assert {"http_requests", "log_lines", "log_errors"} <= seen
    assert len(incident.logs) == 161
    assert incident.metrics.to_frame().index[0] - incident.window.baseline().start <= timedelta(seconds=15)
    assert [gap.source for gap in incident.gaps] == ["ecs"]
    assert incident.diagnosis.service == "shop-api"


def test_a_service_that_nobody_knows_is_named_with_its_neighbours(sources: obskit.Sources) -> None:
    """As on the command line."""
    with pytest.raises(UsageError, match="no source knows a service 'shop-apo'") as unknown:
        sources.incident("shop-apo", start=_BEGIN, end=_END)
    assert "shop-api" in str(unknown.value)


def test_a_source_that_is_down_is_a_gap_and_all_of_them_are_an_error(prometheus: PrometheusServer) -> None:
    """Half of the telemetry is an incident; none of it is not."""
    nobody = f"http://127.0.0.1:{free_port()}"
    half = obskit.connect(prometheus.url, nobody, deadline=5.0).incident("shop-api", start=_BEGIN, end=_END)

    assert "loki" in {gap.source for gap in half.gaps}
    with pytest.raises(SourceError, match="nothing could be seen"):
        obskit.connect(nobody, "", deadline=5.0).incident("shop-api", start=_BEGIN, end=_END)


# ----------------------------------------------------------------------------------- a signal


def test_a_signal_comes_in_its_unit_a_column_a_task(sources: obskit.Sources) -> None:
    """The same query as triage sends; only the service's own columns."""
    found = sources.signal("http_requests", "shop-api", start=_BEGIN, end=_END)

    assert _names(found.series) == {("shop-api", "t1"), ("shop-api", "t2")}
    assert {one.unit for one in found.series} == {"per_second"}
    np.testing.assert_allclose(np.nanmedian(found.values, axis=0), [10, 30])
    assert found.to_frame().attrs["units"] == dict.fromkeys(found.to_frame().columns, "per_second")


def test_a_signal_that_is_shared_needs_no_service(sources: obskit.Sources) -> None:
    """A database belongs to nobody."""
    found = sources.signal("pg_up", start=_BEGIN, end=_END)

    assert _names(found.series) == {("database", "")}
    assert np.nanmax(found.values) == 0


def test_a_signal_of_logs_is_counted_by_loki(sources: obskit.Sources) -> None:
    """Lines a second; no line travels."""
    found = sources.signal("log_errors", "shop-api", start=_BEGIN, end=_END)

    assert _names(found.series) == {("shop-api", "")}
    assert np.nansum(found.values) * 10 == pytest.approx(40)


def test_a_signal_without_an_answer_has_no_column(sources: obskit.Sources) -> None:
    """No data is not zero, and no error either: the service does not speak of it."""
    assert sources.signal("runtime_heap_ratio", "shop-api", start=_BEGIN, end=_END).series == ()


@pytest.mark.parametrize("name", ["log_error_ratio", "log_fatals", "ecs_task_stops"])
def test_a_signal_that_obskit_never_asks_of_loki_is_refused(sources: obskit.Sources, name: str) -> None:
    """That nobody asked is not that nothing matched: the query is told, for whoever wants to send it."""
    with pytest.raises(UsageError, match=f"obskit does not ask Loki for {name}") as refused:
        sources.signal(name, "shop-api", start=_BEGIN, end=_END)
    assert refused.value.where["its query"] == obskit.signals()[name].variants[0].query
    assert "sources.logql" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "service", "words"),
    [
        ("http_latency_p59", "shop-api", "no signal 'http_latency_p59'"),
        ("http_requests", "", "is about one service"),
        ("http_requests", "nobody", "no series of a service named 'nobody'"),
        ("log_lines", "nobody", "no lines of a service named 'nobody'"),
    ],
)
def test_a_signal_that_cannot_be_meant_is_refused(sources: obskit.Sources, name: str, service: str, words: str) -> None:
    """Misspelt, without its service, or of nobody."""
    with pytest.raises(UsageError, match=words):
        sources.signal(name, service, start=_BEGIN, end=_END)


# ---------------------------------------------------------------------------------- any query


def test_any_promql_is_a_matrix_with_the_unit_that_was_said(sources: obskit.Sources) -> None:
    """Named by its labels, at multiples of the step."""
    query = "sum by (service, task_id) (rate(http_requests_total[1m]))"
    found = sources.promql(query, start=_BEGIN, end=_END, step="30s", unit="per_second")

    assert _names(found.series) == {("shop-api", "t1"), ("shop-api", "t2"), ("orders", "o1")}
    assert {(one.signal, one.unit, one.query) for one in found.series} == {(query, "per_second", query)}
    assert found.times[0] == np.datetime64(_BEGIN.replace(tzinfo=None), "ns")
    assert len(found.times) == 21
    assert {str(step) for step in np.diff(found.times)} == {"30000000000 nanoseconds"}


def test_a_series_is_named_by_its_metric_and_keeps_its_labels(sources: obskit.Sources) -> None:
    """Whatever they hold."""
    (one,) = sources.promql("odd", start=_BEGIN, end=_END).series

    assert (one.signal, one.labels) == ("odd", (("hostile", '<b>"\\ $x$'),))


def test_a_step_finer_than_one_query_may_be_is_asked_in_pieces(sources: obskit.Sources) -> None:
    """More than 11,000 points come back; more than ten such queries are refused before they are sent."""
    found = sources.promql("pg_up", start=_BEGIN, end=_END, step=timedelta(milliseconds=50))

    assert len(found.times) == 12_001
    with pytest.raises(UsageError, match=r"step of 0\.001 s"):
        sources.promql("pg_up", start=_BEGIN, end=_END, step=timedelta(milliseconds=1))


def test_a_query_that_prometheus_refuses_is_told_in_its_words(sources: obskit.Sources) -> None:
    """With the query and the window."""
    with pytest.raises(SourceError, match="parse error") as refused:
        sources.promql("sum(", start=_BEGIN, end=_END)
    assert "sum(" in str(refused.value)


def test_what_prometheus_says_beside_an_answer_is_a_warning() -> None:
    """A value has no place for it, and silence would be worse."""
    body = b'{"status":"success","warnings":["half of it"],"data":{"resultType":"matrix","result":[]}}'
    with FaultyServer(ok(body)) as server, pytest.warns(UserWarning, match="half of it"):
        assert obskit.connect(server.url, "").promql("up", start=_BEGIN, end=_END).series == ()


def test_numbers_of_loki_are_a_matrix(sources: obskit.Sources) -> None:
    """A metric query; a log query is led to the other method."""
    query = 'sum by (service) (rate({cluster="prod"}[1m]))'
    found = sources.logql(query, start=_BEGIN, end=_END, step="1m")

    assert _names(found.series) == {("shop-api", ""), ("orders", "")}
    shop = next(i for i, one in enumerate(found.series) if one.service == "shop-api")
    assert np.nansum(found.values[:, shop]) * 60 == pytest.approx(160)
    with pytest.raises(UsageError, match="answers with lines") as lines:
        sources.logql('{service="shop-api"}', start=_BEGIN, end=_END)
    assert "sources.logs" in lines.value.hint


def test_lines_of_loki_come_by_time_with_their_labels_and_redacted(sources: obskit.Sources) -> None:
    """The earliest first, as many as are wanted; numbers are led to the other method."""
    found = sources.logs('{service="shop-api"}', start=_BEGIN, end=_END, limit=100)
    frame = found.to_frame()
    mail = sources.logs('{service="orders"}', start=_BEGIN, end=_END)

    assert len(found) == 100
    assert frame.index.is_monotonic_increasing
    assert set(frame["service"]) == {"shop-api"}
    assert set(frame["level"]) == {"info", ""}
    assert mail.table.column("line").to_pylist() == ["mail from [email]"]
    with pytest.raises(UsageError, match="answers with numbers") as numbers:
        sources.logs('rate({service="shop-api"}[1m])', start=_BEGIN, end=_END)
    assert "sources.logql" in numbers.value.hint
    for limit in (0, "5", float("nan")):
        with pytest.raises(UsageError, match=r"makes? no sense"):
            sources.logs('{service="shop-api"}', limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", ["promql", "logql", "logs", "signal"])
def test_a_server_that_fails_is_an_error_of_the_outside_world(call: str) -> None:
    """Never an empty answer."""
    with FaultyServer(status(500, b"boom")) as faulty:
        live = obskit.connect(faulty.url, faulty.url, deadline=3.0)
        asked = ("http_requests", "shop-api") if call == "signal" else ("up",)
        with pytest.raises(SourceError, match="boom"):
            getattr(live, call)(*asked, start=_BEGIN, end=_END)


# --------------------------------------------------------------------------------- connecting


def test_nobody_is_asked_before_something_is_wanted() -> None:
    """A first cell with an address that does not answer costs nothing."""
    assert obskit.connect(f"http://127.0.0.1:{free_port()}").deadline_seconds == 20.0


def test_settings_are_taken_unless_an_address_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login is for the configured address; another one never sees it, and none is ever shown."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", "http://prometheus:9090")
    monkeypatch.setenv("OBSKIT_PROMETHEUS_BEARER_TOKEN", "abcdefghijklmnop")
    configured = obskit.connect()
    same = obskit.connect("http://prometheus:9090/")
    other = obskit.connect("http://other:9090")

    assert configured.settings.prometheus.bearer_token == "abcdefghijklmnop"
    assert same.settings.prometheus == configured.settings.prometheus
    assert other.settings.prometheus.bearer_token == ""
    assert "abcdefghijklmnop" not in repr(configured)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, UsageError, "no source is configured"),
        ({"prometheus": "", "loki": ""}, UsageError, "no source is configured"),
        ({"prometheus": "prometheus:9090"}, SettingsError, "prometheus"),
        ({"prometheus": "http://user:secret@p:9090"}, SettingsError, "prometheus"),
        ({"prometheus": "http://p:9090", "deadline": -1.0}, UsageError, "deadline of -1 s"),
        ({"prometheus": "http://p:9090", "deadline": 900.0}, UsageError, "deadline of 900 s"),
        ({"prometheus": "http://p:9090", "deadline": 0}, UsageError, "deadline of 0 s"),
        ({"prometheus": "http://p:9090", "deadline": "5"}, UsageError, "deadline of '5'"),
        ({"prometheus": "http://p:9090", "deadline": float("nan")}, UsageError, "deadline of 'nan'"),
        ({"prometheus": 5}, UsageError, "5 is no address"),
    ],
)
def test_a_connection_that_cannot_be_is_refused_at_once(
    arguments: dict[str, object], error: type[Exception], words: str
) -> None:
    """Before the first question, without repeating a secret."""
    with pytest.raises(error, match=words) as refused:
        obskit.connect(**arguments)  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


def test_a_unit_that_is_none_is_refused_before_anybody_is_asked() -> None:
    """Not by the plot, after the server was asked."""
    live = obskit.connect("http://127.0.0.1:9", "http://127.0.0.1:9")

    for call in (live.promql, live.logql):
        with pytest.raises(UsageError, match="no unit 'percent'"):
            call("x", unit="percent")  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="is no duration"):
            call("x", step=15)  # type: ignore[arg-type]


def test_one_file_of_events_is_one(tmp_path: Path) -> None:
    """A path is not read letter by letter."""
    live = obskit.connect("http://127.0.0.1:9", "")

    with pytest.raises(ObskitError, match=r"none\.json"):
        live.incident("shop-api", events=str(tmp_path / "none.json"))


@pytest.mark.parametrize("call", ["logql", "logs"])
def test_a_source_that_is_left_out_says_how_to_name_it(call: str) -> None:
    """Rather than failing at an empty address."""
    with pytest.raises(UsageError, match="Loki is not configured") as missing:
        getattr(obskit.connect("http://p:9090", ""), call)("{}")
    assert "OBSKIT_LOKI_URL" in missing.value.hint


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"since": "1h", "start": "-2h"}, "both say where to begin"),
        ({"start": datetime(2026, 1, 31, 3)}, "does not say in which zone"),
        ({"start": datetime(2026, 1, 31, 3, tzinfo=UTC), "end": datetime(2026, 1, 31, 2, tzinfo=UTC)}, "ends before"),
        ({"since": "soon"}, "is no duration"),
        ({"since": timedelta(days=9)}, "longer than seven days"),
        ({"start": "2999-01-01"}, "before 2000 or after 2198"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "before 2000 or after 2198"),
        ({"start": 1_700_000_000}, "is no time"),
        ({"since": 30}, "is no duration"),
        ({"since": timedelta(0)}, "has no length"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused_before_anybody_is_asked(when: dict[str, object], words: str) -> None:
    """The address leads nowhere: an answer shows that nothing was sent."""
    live = obskit.connect("http://127.0.0.1:9", "http://127.0.0.1:9")

    for call in (live.incident, live.promql, live.logql, live.logs):
        with pytest.raises(UsageError, match=words):
            call("x", **when)  # type: ignore[arg-type]
