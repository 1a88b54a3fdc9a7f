"""The watchers' own signals: Prometheus, Loki, Alloy, Grafana and certificates.

What Debian's Prometheus can tell of itself is asked of one that watches itself. The others
cannot be had: their queries are run over series with the names and labels that they expose.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser
import pytest

from obskit.ascode.panels import labels_of
from obskit.catalogue import _speak, _written, all_signals
from obskit.model import Signal, Variant
from obskit.settings import LabelNames
from tests.support.servers import POLL_SECONDS, Labels, PrometheusServer, Samples, free_port

TOPICS = ("prometheus", "loki", "alloy", "grafana", "certificates")
SIGNALS = tuple(s for s in all_signals().values() if s.topic in TOPICS)
OF_PROMETHEUS = tuple(s for s in SIGNALS if s.topic == "prometheus")
OF_OTHERS = tuple(s for s in SIGNALS if s.topic != "prometheus")
VARIANTS = tuple((signal, variant) for signal in SIGNALS for variant in signal.variants)
#: What Debian's 2.42 does not have yet; each has a variant of older names beside it.
NEWER = {
    "prometheus_tsdb_wal_storage_size_bytes",
    "prometheus_tsdb_head_chunks_storage_size_bytes",
    "prometheus_remote_storage_queue_highest_timestamp_seconds",
}
#: How long a server may take until it has scraped itself, evaluated, notified and forwarded.
PATIENCE_SECONDS = 30.0

Answer = list[dict[str, Any]]


def _named(value: object) -> str:
    return str(getattr(value, "id", getattr(value, "name", value)))


def _filled(signal: Signal, scope: str) -> str:
    return _written.written(signal, _written.Filling(labels=LabelNames(), services='service="shop"', scope=scope))


def _metrics(query: str) -> list[str]:
    """Return the metric of each selector in a query: a name right before a brace."""
    return re.findall(r"([A-Za-z_:][A-Za-z0-9_:]*)\{", query)


def _index(variant: Variant, **labels: str) -> _speak.SeriesIndex:
    return {metric: [{"__name__": metric, **labels}] for metric in variant.needs}


# ------------------------------------------------------------------------------ the texts


@pytest.mark.parametrize("scope", ["", 'cluster="prod"'])
@pytest.mark.parametrize("signal", SIGNALS, ids=_named)
def test_every_signal_is_written_as_a_query_that_parses(signal: Signal, scope: str) -> None:
    """A dashboard gets one text of all variants, which says whose lines it draws."""
    query = _filled(signal, scope)

    promql_parser.parse(query)
    assert "$" not in query
    assert labels_of(query, "PromQL")


@pytest.mark.parametrize(("signal", "variant"), VARIANTS, ids=_named)
def test_every_variant_is_asked_when_its_metrics_are_there(signal: Signal, variant: Variant) -> None:
    """Triage fills the same text in, inside a cluster and where there is none."""
    for labels, cluster in ((dict[str, str](), ""), ({"cluster": "prod"}, "prod")):
        series = _index(variant, **labels)
        (question,) = _speak.ask_about_shared([signal], series, cluster=cluster, rate="1m")

        promql_parser.parse(question.query)
        assert question.variant is variant
        assert "$" not in question.query


@pytest.mark.parametrize(("signal", "variant"), VARIANTS, ids=_named)
def test_no_selector_looks_beyond_the_cluster(signal: Signal, variant: Variant) -> None:
    """One selector without the scope would count a neighbour's servers."""
    (question,) = _speak.ask_about_shared([signal], _index(variant, cluster="prod"), cluster="prod", rate="1m")

    assert question.query.count('cluster="prod"') == question.query.count("{") == len(_metrics(question.query))


@pytest.mark.parametrize(("signal", "variant"), VARIANTS, ids=_named)
def test_a_variant_needs_only_what_its_query_reads(signal: Signal, variant: Variant) -> None:
    """A need that the query does not read would keep a server from being asked."""
    read = {re.sub(r"_bucket$", "_count", metric) for metric in _metrics(variant.query)}

    assert set(variant.needs) <= read


@pytest.mark.parametrize("signal", SIGNALS, ids=_named)
def test_every_signal_says_what_it_means_and_what_matters(signal: Signal) -> None:
    """Whoever is woken by it reads what to do; what is smaller than its floor wakes nobody."""
    assert signal.id.startswith(f"{signal.topic}_")
    assert signal.scope == "shared"
    assert signal.entity == signal.topic
    assert signal.meaning.endswith(".")
    assert signal.floor > 0


@pytest.mark.parametrize("signal", [s for s in SIGNALS if s.warn and s.crit], ids=_named)
def test_critical_lies_beyond_warning(signal: Signal) -> None:
    """The two levels are passed in the order in which things get worse."""
    assert signal.warn
    assert signal.crit
    warn, crit = signal.warn.value, signal.crit.value
    assert crit > warn if signal.bad == "up" else crit < warn


# ---------------------------------------------------------------------------- the servers


def _asked(url: str, query: str) -> Answer:
    """Return a query's answer now; a refused one raises."""
    body = urllib.parse.urlencode({"query": query}).encode()
    with urllib.request.urlopen(f"{url}/api/v1/query", body, timeout=10) as reply:
        found: Answer = json.load(reply)["data"]["result"]
    return found


def _series(url: str) -> list[Labels]:
    with urllib.request.urlopen(f"{url}/api/v1/series?match[]={{__name__=~%22.%2B%22}}", timeout=10) as reply:
        found: list[Labels] = json.load(reply)["data"]
    return found


def _value(answer: Answer, **labels: str) -> float:
    (value,) = [float(row["value"][1]) for row in answer if labels.items() <= row["metric"].items()]
    return value


class WatchesItself(PrometheusServer):
    """A Prometheus that scrapes itself and a target that is gone, evaluates, notifies and forwards.

    It notifies an Alertmanager that is gone, and forwards to itself: one renamed series, so
    that what arrives is not forwarded again.
    """

    def command(self) -> list[str]:
        """Write its configuration and rules, and return the arguments."""
        gone = f"127.0.0.1:{free_port()}"
        own = f"127.0.0.1:{self.port}"
        rules = [{"alert": "Always", "expr": "vector(1)"}, {"record": "job:up:sum", "expr": "sum by (job) (up)"}]
        renamed = {"source_labels": ["__name__"], "target_label": "__name__", "replacement": "forwarded"}
        config = {
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [gone]}]}]},
            "scrape_configs": [
                {"job_name": "prometheus", "static_configs": [{"targets": [own]}]},
                {"job_name": "gone", "static_configs": [{"targets": [gone]}]},
            ],
            "remote_write": [
                {
                    "url": f"http://{own}/api/v1/write",
                    "queue_config": {"batch_send_deadline": "100ms"},
                    "write_relabel_configs": [
                        {"source_labels": ["__name__"], "regex": "scrape_samples_scraped", "action": "keep"},
                        renamed,
                    ],
                }
            ],
        }
        arguments = super().command()
        (self.folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "own", "rules": rules}]}), "utf-8")
        (self.folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")  # JSON is YAML
        return arguments

    def until(self, done: Callable[[], bool]) -> None:
        """Ask again and again until it is done, or patience ends."""
        assert self._process is not None
        end = time.monotonic() + PATIENCE_SECONDS
        while not done() and time.monotonic() < end:
            try:
                self._process.wait(POLL_SECONDS)
                pytest.fail("Prometheus ended: " + (self.folder / "log").read_text(errors="replace")[-2000:])
            except subprocess.TimeoutExpired:
                continue


@pytest.fixture(scope="module")
def itself() -> Iterator[WatchesItself]:
    """Return a Prometheus that has done all that it can tell of."""
    told_last = (
        "sum(rate(prometheus_notifications_sent_total[1m])) + sum(rate(prometheus_remote_storage_samples_total[1m]))"
        " + sum(prometheus_remote_storage_queue_highest_sent_timestamp_seconds > 0)"
        " + sum(rate(prometheus_rule_evaluation_failures_total[1m]))"
    )
    with WatchesItself() as server:
        server.until(lambda: bool(_asked(server.url, told_last)))
        yield server


def test_prometheus_answers_every_signal_about_itself(itself: WatchesItself) -> None:
    """As triage asks: by the index of what is there; and no error among the answers."""
    index = _speak.index(_series(itself.url))

    questions = _speak.ask_about_shared(OF_PROMETHEUS, index, cluster="", rate="1m")

    assert [s.id for s in OF_PROMETHEUS] == [q.signal.id for q in questions]
    assert [q.signal.id for q in questions if not _asked(itself.url, q.query)] == []


def test_prometheus_answers_what_dashboards_ask_about_itself(itself: WatchesItself) -> None:
    """All variants joined are one valid query, and newer names do not hide what older ones tell."""
    answers = {signal.id: _asked(itself.url, _filled(signal, "")) for signal in OF_PROMETHEUS}

    assert [signal for signal, answer in answers.items() if not answer] == []
    assert _value(answers["prometheus_targets_down"], job="gone") == 1
    assert _value(answers["prometheus_targets_down"], job="prometheus") == 0
    assert _value(answers["prometheus_targets_up_ratio"], job="gone") == 0
    assert _value(answers["prometheus_targets"], job="prometheus") == 1
    assert _value(answers["prometheus_config_ok"]) == 1
    assert _value(answers["prometheus_remote_write_failed_ratio"]) == 0
    assert 0 <= _value(answers["prometheus_remote_write_lag"]) < PATIENCE_SECONDS
    assert _value(answers["prometheus_memory_bytes"]) > 1e6


def test_every_metric_of_prometheus_exists_in_a_real_one(itself: WatchesItself) -> None:
    """A name that nothing emits looks like calm; only what is newer than Debian's may be missing."""
    known = {labels["__name__"] for labels in _series(itself.url)}
    read = {metric for signal in OF_PROMETHEUS for v in signal.variants for metric in _metrics(v.query)}

    assert read - known == NEWER


#: A label of each kind that the others' queries read, as a calm server has it.
_CALM: Labels = {
    "instance": "i",
    "route": "loki_api_v1_push",
    "reason": "line_too_long",
    "tenant": "fake",
    "host": "loki:3100",
    "component_id": "prometheus.remote_write.default",
    "health_type": "healthy",
    "status_code": "204",
    "handler": "/api/ds/query",
    "datasource": "Prometheus",
    "code": "200",
    "plugin_id": "loki",
    "endpoint": "queryData",
    "status": "ok",
    "integration": "webhook",
    "dimension_CertificateArn": "arn",
    "subject_CN": "example.org",
}
#: What is only there, or only grows, when something is wrong.
_TROUBLE = (
    "alloy_component_evaluation_slow_seconds",
    "grafana_alerting_rule_evaluation_failures_total",
    "grafana_alerting_schedule_rule_evaluations_missed_total",
    "grafana_alerting_notifications_failed_total",
    "prometheus_remote_storage_samples_failed_total",
)
_MINUTES = 5


def _over_time(slope: float, end: int, start: float = 1.0) -> Samples:
    """Return a point each 15 s of five minutes, growing by *slope* a second."""
    return [(end - back * 1000, start + slope * (_MINUTES * 60 - back)) for back in range(_MINUTES * 60, -1, -15)]


def _calm(end: int) -> Iterator[tuple[Labels, Samples]]:
    """Yield a series for each metric that a signal of the others reads."""
    seen = set()
    for signal in OF_OTHERS:
        for metric in (m for v in signal.variants for m in _metrics(v.query)):
            key = (metric, signal.topic if metric in ("up", "process_resident_memory_bytes") else "")
            if key in seen or metric in _TROUBLE:
                continue
            seen.add(key)
            labels = {"__name__": metric, "job": signal.topic, **_CALM}
            for le in ("1", "+Inf") if metric.endswith("_bucket") else ("",):
                yield ({**labels, "le": le} if le else labels), _over_time(1, end)


@pytest.fixture(scope="module")
def others() -> Iterator[PrometheusServer]:
    """Return a Prometheus that watches a calm Loki, Alloy and Grafana, and ones in trouble (``bad``)."""
    end = int(time.time() * 1000)
    with PrometheusServer() as server:
        server.write(_calm(end))
        for name, label, good, bad, telling in (
            ("loki_request_duration_seconds_count", "status_code", "200", "503", "route"),
            ("loki_write_request_duration_seconds_count", "status_code", "204", "-1", "host"),
            ("grafana_http_request_duration_seconds_count", "status_code", "200", "502", "instance"),
            ("grafana_datasource_request_total", "code", "200", "403", "datasource"),
            ("grafana_plugin_request_total", "status", "ok", "error", "plugin_id"),
        ):
            own = {**_CALM, "__name__": name, telling: "bad"}
            server.write([({**own, label: good}, _over_time(3, end)), ({**own, label: bad}, _over_time(1, end))])
            server.write([({**own, label: good, telling: "idle"}, _over_time(0, end))])
        ready = {**_CALM, "__name__": "loki_request_duration_seconds_count", "route": "ready", "status_code": "503"}
        queue = "prometheus_remote_storage_queue_highest"
        late = {**_CALM, "__name__": f"{queue}_timestamp_seconds", "component_id": "bad"}
        sent = {**late, "__name__": f"{queue}_sent_timestamp_seconds"}
        server.write(
            [(ready, _over_time(1, end)), (late, _over_time(1, end, 1e9)), (sent, _over_time(1, end, 1e9 - 90))]
        )
        yield server


@pytest.mark.parametrize("signal", OF_OTHERS, ids=_named)
def test_a_calm_server_answers_with_a_number(others: PrometheusServer, signal: Signal) -> None:
    """Nothing wrong is told as 0: a panel without data, or an alert without a series, tells nothing."""
    if signal.topic == "certificates":
        (variant,) = signal.variants[:1]
        answer = _asked(others.url, variant.query.replace("$scope", "").replace("$rate", "1m"))
    else:
        answer = _asked(others.url, _filled(signal, ""))

    assert answer
    if signal.unit == "ratio" and signal.bad == "up":
        calm = [row for row in answer if not {"bad", "idle"} & set(row["metric"].values())]
        assert {"0"} == {row["value"][1] for row in calm}


@pytest.mark.parametrize(
    "signal",
    [
        "loki_request_error_ratio",
        "alloy_write_error_ratio",
        "grafana_request_error_ratio",
        "grafana_datasource_error_ratio",
        "grafana_query_error_ratio",
    ],
)
def test_a_share_counts_what_failed_of_all_and_nothing_of_nothing(others: PrometheusServer, signal: str) -> None:
    """One of four failed; where nothing was asked nothing failed."""
    answer = _asked(others.url, _filled(all_signals()[signal], ""))

    shares = {next(iter(row["metric"].values())): float(row["value"][1]) for row in answer}
    assert shares.pop("bad") == pytest.approx(0.25)
    assert set(shares.values()) == {0}
    assert "idle" in shares
    assert "ready" not in shares


def test_remote_write_lag_is_told_apart_by_component(others: PrometheusServer) -> None:
    """Alloy's queue that is 90 s behind says so; Prometheus' own signal does not count it."""
    alloy = _asked(others.url, _filled(all_signals()["alloy_remote_write_lag"], ""))
    own = _asked(others.url, _filled(all_signals()["prometheus_remote_write_lag"], ""))

    assert _value(alloy, component_id="bad") == pytest.approx(90)
    assert own == []


@pytest.mark.parametrize("variant", all_signals()["certificates_expiry"].variants, ids=_named)
def test_time_until_expiry_is_in_seconds_whoever_tells_it(others: PrometheusServer, variant: Variant) -> None:
    """Ten days are 864,000 s, told as a time by probes and files and in days by CloudWatch."""
    ten_days = 864_000
    now = int(time.time())
    told = {"aws_certificatemanager_days_to_expiry_minimum": 10.0}
    labels = {"__name__": variant.needs[0], "instance": "ten", "certificate_arn": "ten", "subject_CN": "ten"}
    others.write([(labels, [(now * 1000, told.get(variant.needs[0], float(now + ten_days)))])])

    answer = _asked(others.url, variant.query.replace("$scope", ""))

    (left,) = [float(row["value"][1]) for row in answer if "ten" in row["metric"].values()]
    assert left == pytest.approx(ten_days, abs=60)
