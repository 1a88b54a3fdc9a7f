"""Where a preview's data comes from: a live Prometheus, a Loki, a recording, and what goes wrong with each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from obskit.ascode.choose import interval_of, seconds_of
from obskit.ascode.definition import Model
from obskit.ascode.preview import PreviewAsk, PreviewData, collect, render
from obskit.ascode.preview.data import PanelData
from obskit.errors import UsageError
from obskit.model import utc
from obskit.settings import Connection, LabelNames
from obskit.sources.bundle import read_bundle
from tests.ascode.preview.examples import LOKI, START, WINDOW, definition, panel, variable
from tests.standins.faulty import FaultyServer, hang, refuse, status
from tests.standins.loki import LokiStandIn
from tests.support.servers import PrometheusServer

RECORDED = Path(__file__).parents[2] / "scenarios" / "db_pool_exhausted_a" / "incident.obskit"
#: A service whose name would end any literal and any regular expression.
STRANGE = 'a"b\\c.d|e}'


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Return a real server that holds an hour of two services and a gauge."""
    start = round(START.timestamp() * 1000)
    times = range(start, start + 3_600_000 + 1, 15_000)
    with PrometheusServer() as server:
        server.write(
            [
                ({"__name__": "requests_total", "service": "shop"}, [(t, (t - start) / 500) for t in times]),
                ({"__name__": "requests_total", "service": STRANGE}, [(t, (t - start) / 250) for t in times]),
                ({"__name__": "up", "service": "shop", "task_id": "t1"}, [(t, 1.0) for t in times]),
                ({"__name__": "up", "service": STRANGE, "task_id": "t2"}, [(t, 0.0) for t in times]),
            ]
        )
        yield server


def live(url: str, **more: Any) -> PreviewAsk:
    """Return an ask to a Prometheus about the example's hour."""
    connection = Connection(url=url, timeout_seconds=10)
    return PreviewAsk(window=WINDOW, prometheus=connection, deadline=time.monotonic() + 20, **more)


def only(data: PreviewData) -> PanelData:
    """Return the only panel."""
    (found,) = data.panels
    return found


SERVICE = variable("service", query="label_values(up, service)", includeAll=True, multi=True, allValue=".+")
RATE = 'sum by (service) (rate(requests_total{service=~"$service"}[$__rate_interval]))'


def test_a_real_prometheus_fills_a_panel(prometheus: PrometheusServer) -> None:
    """Variables and ranges are filled in, columns are named by the legend, in the order of labels."""
    dashboard = definition(
        panel("timeseries", "Requests", RATE, target={"legendFormat": "of {{service}}"}), variables=(SERVICE,)
    )
    shown = only(collect(dashboard, live(prometheus.url)))

    assert shown.state == "data"
    assert shown.frames[0].names == (f"of {STRANGE}", "of shop")
    assert "[60s]" in shown.sent[0].text
    last = shown.frames[0].values[-1]
    assert last.round(6).tolist() == [4.0, 2.0]
    assert len(shown.frames[0].times) == 241


@pytest.mark.parametrize("operator", ["=~", "="])
@pytest.mark.parametrize("service", ["shop", STRANGE])
def test_a_chosen_service_is_found_whatever_its_name(prometheus: PrometheusServer, operator: str, service: str) -> None:
    """A name full of quotes and syntax selects itself, and nothing else."""
    dashboard = definition(panel("timeseries", "Up", f'up{{service{operator}"$service"}}'), variables=(SERVICE,))
    shown = only(collect(dashboard, live(prometheus.url, variables=(("service", service),))))

    assert [labels["service"] for frame in shown.frames for labels in frame.labels] == [service]


def test_without_a_choice_grafana_takes_the_first_value(prometheus: PrometheusServer) -> None:
    """A variable without current value and without "all" asks Prometheus what there is; a chain is followed."""
    task = variable("task", query='label_values(up{service="$first"}, task_id)', regex="/(t.)/")
    first = variable("first", query={"query": "label_values(up, service)"})
    dashboard = definition(panel("stat", "Up", 'up{task_id="$task"}'), variables=(first, task))
    data = collect(dashboard, live(prometheus.url))

    assert {name: str(value) for name, value in data.values.items()} == {"first": STRANGE, "task": "t2"}
    assert only(data).state == "data"


def test_all_values_are_listed_where_the_dashboard_names_no_pattern(prometheus: PrometheusServer) -> None:
    """``$__all`` without ``allValue`` is every value that Prometheus knows, escaped."""
    every = variable("service", query="label_values(service)", includeAll=True, current={"value": ["$__all"]})
    data = collect(
        definition(panel("timeseries", "Up", 'up{service=~"$service"}'), variables=(every,)), live(prometheus.url)
    )

    assert data.values["service"].texts == (STRANGE, "shop")
    assert len(only(data).frames[0].names) == 2


def test_each_question_is_asked_once_and_progress_is_told() -> None:
    """Two panels with one query make one request; a hidden target makes none."""
    told: list[tuple[int, int]] = []
    with FaultyServer(status(200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}')) as server:
        hidden = panel("timeseries", "Hidden", "c", target={"hide": True})
        dashboard = definition(panel("timeseries", "One", "a", "b"), panel("timeseries", "Two", "a"), hidden)
        data = collect(dashboard, live(server.url, progress=lambda *done: told.append(done)))

        assert len(server.seen) == 2
    assert told[-1] == (2, 2)
    assert [p.state for p in data.panels] == ["empty", "empty", "plain"]


def test_a_refused_query_is_its_panels_own_and_in_the_servers_words(prometheus: PrometheusServer) -> None:
    """One panel fails with what Prometheus said; its neighbour has data."""
    dashboard = definition(panel("timeseries", "Broken", "sum(up"), panel("timeseries", "Up", "up"))
    broken, fine = collect(dashboard, live(prometheus.url)).panels

    assert (broken.state, fine.state) == ("failed", "data")
    assert "unclosed left parenthesis" in broken.why
    assert "400" in broken.why


def test_what_the_server_says_beside_an_answer_is_noted() -> None:
    """A warning does not take the data away, and does not get lost."""
    body = {
        "status": "success",
        "warnings": ["half of the store is down"],
        "data": {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[START.timestamp(), "1"]]}]},
    }
    with FaultyServer(status(200, orjson.dumps(body))) as server:
        shown = only(collect(definition(panel("timeseries", "Up", "up")), live(server.url)))

    assert shown.state == "data"
    assert shown.notes == ("A: half of the store is down",)
    assert shown.frames[0].names == ('{a="b"}',)


def test_a_server_that_hangs_or_is_gone_costs_the_deadline_and_no_more() -> None:
    """Every panel then says why it is empty, and the page still comes."""
    dashboard = definition(panel("timeseries", "Up", "up"), variables=(SERVICE,))
    with FaultyServer(hang) as server:
        ask = replace(live(server.url), deadline=time.monotonic() + 0.4)
        late = collect(dashboard, ask)
    with refuse() as address:
        gone = collect(dashboard, replace(live(address), deadline=time.monotonic() + 2))

    assert only(late).state == only(gone).state == "failed"
    assert "in time" in only(late).why or "deadline" in only(late).why
    assert "could not be reached" in only(gone).why
    assert "connection refused" in render(dashboard, gone)


@pytest.mark.parametrize(
    "body", [b"<html>login</html>", b'{"status":"success","data":{"resultType":"matrix","result":[{']
)
def test_an_answer_that_is_none_fails_its_panel(body: bytes) -> None:
    """A login page or half an answer is said, not raised."""
    with FaultyServer(status(200, body)) as server:
        shown = only(collect(definition(panel("timeseries", "Up", "up")), live(server.url)))

    assert shown.state == "failed"
    assert "cannot be read" in shown.why


def test_an_instant_query_is_asked_at_the_windows_end(prometheus: PrometheusServer) -> None:
    """A table's target looks at one moment."""
    table = panel("table", "Now", "up", target={"instant": True})
    frame = only(collect(definition(table), live(prometheus.url))).frames[0]

    assert frame.values.shape == (1, 2)
    assert utc(int(frame.times[0].astype("datetime64[ns]").astype(np.int64))) == WINDOW.end


def test_loki_shows_its_newest_lines_and_its_counts() -> None:
    """Lines come newest first, secrets are redacted; a LogQL count draws a line."""
    window = replace(WINDOW, end=WINDOW.start + timedelta(minutes=10))
    start = round(window.start.timestamp())
    lines = [(i, f"line {i} password=hunter2{i}") for i in range(150)]
    with LokiStandIn(now=lambda: start + 700) as loki:
        stream = {"service": "shop", "level": "error"}
        values = [[str((start + at) * 10**9), text] for at, text in lines]
        loki.store("").push(orjson.dumps({"streams": [{"stream": stream, "values": values}]}))
        count = panel("timeseries", "Count", 'sum by (service) (rate({service="shop"}[$__auto]))')
        count["datasource"] = count["targets"][0]["datasource"] = LOKI
        dashboard = definition(panel("logs", "Lines", '{service=~"$service"}'), count, variables=(SERVICE,))
        ask = PreviewAsk(window=window, loki=Connection(url=loki.url), deadline=time.monotonic() + 20)
        shown, counted = collect(dashboard, ask).panels

    assert len(shown.lines) == 100
    assert shown.lines[0].text.startswith("line 149")
    assert (shown.lines[0].source, shown.lines[0].level) == ("shop", "error")
    assert not [line for line in shown.lines if "hunter2" in line.text]
    assert counted.state == "data"


def test_who_is_not_configured_is_not_asked(prometheus: PrometheusServer) -> None:
    """A panel of Loki says so; so does one of a data source that obskit does not know."""
    other: Model = panel("timeseries", "Other", "select 1")
    other["datasource"] = other["targets"][0]["datasource"] = {"type": "postgres", "uid": "p"}
    logs, sql = collect(definition(panel("logs", "Lines", "{a=~`.+`}"), other), live(prometheus.url)).panels

    assert (logs.state, logs.why) == ("not_asked", "Loki was not asked")
    assert (sql.state, sql.why) == ("not_asked", "its data source is neither Prometheus nor Loki")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (PreviewAsk(window=WINDOW), "nobody to ask"),
        (PreviewAsk(prometheus=Connection(url="http://x")), "needs a window"),
        (PreviewAsk(window=replace(WINDOW, end=WINDOW.start), prometheus=Connection(url="http://x")), "ends before"),
        (live("http://x", variables=(("servcie", "a"),)), "no variable 'servcie'"),
    ],
)
def test_what_cannot_be_asked_is_said_at_once(ask: PreviewAsk, words: str) -> None:
    """No source, no window, an empty one, an unknown variable: each with a hint."""
    with pytest.raises(UsageError, match=words) as raised:
        collect(definition(panel("timeseries", "Up", "up"), variables=(SERVICE,)), ask)
    assert raised.value.hint


def test_an_address_is_shown_without_its_secrets() -> None:
    """Name, password and query string of a base address stay out of the page."""
    with FaultyServer(status(503)) as server:
        address = server.url.replace("//", "//user:hunter2@") + "?token=hunter2"
        ask = replace(live(address), deadline=time.monotonic() + 0.3)
        dashboard = definition(panel("timeseries", "Up", "up"))

        assert "hunter2" not in render(dashboard, collect(dashboard, ask))


def described(*signals: str) -> str:
    """Return a panel's description as obskit's own dashboards write it."""
    return f"What it means.\n\nSignal{'s' * (len(signals) > 1)}: {', '.join(f'`{s}`' for s in signals)}."


def test_a_recording_shows_the_columns_of_a_panels_signals() -> None:
    """Columns of the recorded service, named by labels; the window is that of the numbers."""
    recording = read_bundle(RECORDED)
    requests = panel(
        "timeseries",
        "Requests",
        "rate(x[5m])",
        description=described("http_requests"),
        target={"legendFormat": "{{svc}} {{task_id}}"},
        fieldConfig={"defaults": {"unit": "reqps"}},
    )
    logs = panel("logs", "Lines", '{service=~"$service"} |= "x"')
    other = panel("timeseries", "Other", "node_load1")
    dashboard = definition(requests, logs, other, variables=(SERVICE,))
    data = collect(dashboard, PreviewAsk(recording=recording, labels=LabelNames(service="svc")))
    shown, lines, unknown = data.panels
    columns = [i for i, s in enumerate(recording.telemetry.metrics.series) if s.signal == "http_requests"]
    own = [i for i in columns if recording.telemetry.metrics.series[i].service == "shop-api"]

    assert len(shown.frames[0].names) == len(own) < len(columns)
    assert shown.frames[0].names[0].startswith("shop-api ")
    assert np.nansum(shown.frames[0].values) == pytest.approx(np.nansum(recording.telemetry.metrics.values[:, own]))
    assert len(lines.lines) == 100
    assert lines.lines[0].time_ns >= lines.lines[-1].time_ns
    assert {line.source.split()[0] for line in lines.lines} == {"shop-api"}
    assert (unknown.state, unknown.why) == ("empty", "not in the recording")
    assert data.window.start > recording.window.with_baseline().start
    assert "not sent" in render(dashboard, data)


def test_a_recordings_stat_folds_its_columns_as_the_query_does() -> None:
    """``max(...)`` over tasks is one number, two signals are two frames; a wrong unit or a quotient is nothing."""
    recording = read_bundle(RECORDED)
    ratio = {"defaults": {"unit": "percentunit"}}
    used = panel("stat", "Pool", "max(\na\n)", description=described("db_pool_used_ratio"), fieldConfig=ratio)
    both = panel(
        "timeseries",
        "Latency",
        *("a", "b"),
        description=described("http_latency_p95", "http_latency_mean"),
        fieldConfig={"defaults": {"unit": "s"}},
    )
    unlike = panel("timeseries", "Requests", "a", description=described("http_requests"), fieldConfig=ratio)
    divided = panel("stat", "Part", "(\na\n) / (b)", description=described("db_pool_used_ratio"), fieldConfig=ratio)
    orders = panel("timeseries", "Waiting", "a", description=described("db_pool_waiting"))
    dashboard = definition(used, both, unlike, divided, orders, variables=(SERVICE,))
    found = collect(dashboard, PreviewAsk(recording=recording)).panels

    assert found[0].frames[0].values.shape[1] == 1
    assert np.nanmax(found[0].frames[0].values) == 1.0
    assert len(found[1].frames) == 2
    assert [p.state for p in found[2:]] == ["empty"] * 3
    assert found[4].why == "recorded of orders only"


@pytest.mark.parametrize(
    ("columns", "hours", "more", "seconds"),
    [
        (24, 1, {}, 15.0),  # 2.25 s a pixel, but no finer than a scrape
        (8, 24, {}, 120.0),  # 162 s a pixel
        (12, 24, {"maxDataPoints": 100}, 900.0),
        (24, 1, {"interval": "1m"}, 60.0),
        (12, 24 * 7, {}, 900.0),  # 756 s a pixel: nearer to 15 than to 10 minutes
    ],
)
def test_the_interval_is_grafanas(columns: int, hours: int, more: dict[str, Any], seconds: float) -> None:
    """Range by width, rounded to a round interval, with the panel's own least one."""
    window = replace(WINDOW, end=WINDOW.start + timedelta(hours=hours))
    model = {"gridPos": {"w": columns}, **more}

    assert interval_of(model, {}, window, scrape=15, width=1600) == seconds


def test_durations_are_read_and_nonsense_is_none() -> None:
    """``>1m`` is a least interval; what is no duration counts for nothing."""
    assert [seconds_of(t) for t in ("30s", ">1m", "500ms", "2h", "x", "", None, 5)] == [30, 60, 0.5, 7200, 0, 0, 0, 0]
