"""Tests of the alerts on Grafana."""

from collections.abc import Mapping

from obskit.ascode.alerts import around, counting, fires, quiet, steady

_FAILED = 'grafana_alerting_notifications_failed_total{instance="a:3000",integration="webhook"}'
_NOTIFIED = 'grafana_alerting_notifications_total{instance="a:3000",integration="webhook"}'
_MISSED = 'grafana_alerting_schedule_rule_evaluations_missed_total{instance="a:3000",name="rule"}'
_EVALUATED = 'grafana_alerting_rule_evaluations_total{instance="a:3000",org="1"}'
_EVALUATION_FAILED = 'grafana_alerting_rule_evaluation_failures_total{instance="a:3000",org="1"}'
_REQUESTS = 'grafana_http_request_duration_seconds_count{instance="a:3000",handler="%s",status_code="%s"}'
_WAITED = 'grafana_database_conn_wait_duration_seconds{instance="a:3000"}'


def _requests(failing: float) -> Mapping[str, str]:
    """Return ten requests a second of which a share is answered 500."""
    head = 'grafana_http_request_duration_seconds_count{instance="a:3000",handler="%s",status_code="%s"}'
    return {
        head % ("/api/ds/query", 500): counting(10 * failing),
        head % ("/metrics", 200): counting(10 - 10 * failing),
    }


def _slow(seconds: float, handler: str = "/api/ds/query") -> Mapping[str, str]:
    """Return requests whose p99 is so long: all in one bucket, within which it is 99 % of the way."""
    head = f'grafana_http_request_duration_seconds_bucket{{instance="a:3000",handler="{handler}",le="%s"}}'
    return {head % repr(seconds / 0.99): counting(10), head % "+Inf": counting(10)}


def _queries(failing: float, plugin: str = "prometheus") -> Mapping[str, str]:
    head = f'grafana_plugin_request_total{{instance="a:3000",plugin_id="{plugin}",endpoint="queryData",status="%s"}}'
    return {head % "error": counting(10 * failing), head % "ok": counting(10 * (1 - failing))}


TESTS = (
    around(
        "GrafanaDown",
        lambda v: {'up{job="grafana",instance="a:3000"}': steady(v)},
        labels={"job": "grafana", "severity": "ticket"},
    ),
    fires(
        "GrafanaDown",
        {'up{job="grafana",instance="a:3000"}': "1x240 stale"},
        at="70m",
        why="of a task that discovery forgot there is no series that says 0",
    ),
    quiet(
        "GrafanaDown",
        {'up{job="grafana",instance="a:3000"}': "1x240 0x12 1x480"},
        at="64m",
        why="a replaced task is back within three minutes",
    ),
    around("GrafanaRequestsFailing", _requests, far=0.9, labels={"instance": "a:3000", "severity": "ticket"}),
    fires(
        "GrafanaRequestsFailing",
        {_REQUESTS % ("/d", 502): counting(0.05), _REQUESTS % ("/api/health", 200): counting(0.1)},
        at="30m",
        why="every page fails at night, while health checks are two thirds of all requests",
    ),
    around("GrafanaRequestsSlow", _slow, labels={"instance": "a:3000", "severity": "ticket"}),
    quiet("GrafanaRequestsSlow", _slow(600, "/api/live/ws"), at="2h", why="live connections stay open by design"),
    around("GrafanaDataSourceFailing", _queries, far=0.9, labels={"plugin_id": "prometheus", "severity": "ticket"}),
    fires(
        "GrafanaDataSourceFailing",
        {**_queries(1, "loki"), **_queries(0)},
        at="30m",
        why="the log source is gone, the metrics' one answers",
        labels={"plugin_id": "loki"},
    ),
    quiet(
        "GrafanaDataSourceFailing",
        {'grafana_plugin_request_total{plugin_id="loki",endpoint="queryData",status="error"}': steady(40)},
        at="1h",
        why="nobody asks, so nothing fails",
    ),
    around(
        "GrafanaAlertsFailing",
        lambda v: {_EVALUATION_FAILED: counting(v), _EVALUATED: counting(1)},
        labels={"instance": "a:3000", "severity": "ticket"},
    ),
    quiet("GrafanaAlertsFailing", {_EVALUATED: counting(1)}, at="1h", why="the counter of failures is not there yet"),
    around(
        "GrafanaAlertsLate",
        lambda v: {_MISSED: counting(v), _EVALUATED: counting(1)},
        labels={"instance": "a:3000", "severity": "ticket"},
    ),
    quiet(
        "GrafanaAlertsLate",
        {_MISSED: "0x40 30x1800", _EVALUATED: counting(1)},
        at="24m",
        why="one pause made thirty rules late, once",
    ),
    around(
        "GrafanaNotificationsFailing",
        lambda v: {_FAILED: counting(v), _NOTIFIED: counting(0.1)},
        labels={"integration": "webhook", "severity": "page"},
    ),
    fires(
        "GrafanaNotificationsFailing",
        {_FAILED: "_x20 " + " ".join(f"{failures}x19" for failures in range(1, 40)), _NOTIFIED: counting(0.1)},
        at="45m",
        why="one failure every five minutes, on a counter that begins with the first",
    ),
    quiet(
        "GrafanaNotificationsFailing",
        {_FAILED: "0x40 3x1800", _NOTIFIED: counting(0.1)},
        at="19m",
        why="three groups met one short outage, and the next try succeeded",
    ),
    around(
        "GrafanaDatabasePoolExhausted",
        lambda v: {_WAITED: counting(v)},
        labels={"instance": "a:3000", "severity": "ticket"},
    ),
    quiet("GrafanaDatabasePoolExhausted", {_WAITED: "900x40 0x1800"}, at="15m", why="a restart sets the counter to 0"),
)
