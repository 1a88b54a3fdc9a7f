"""Tests of the alerts on Alloy."""

from collections.abc import Mapping

from obskit.ascode.alerts import around, changing, counting, fires, quiet, steady

_SENT = 'loki_write_sent_entries_total{instance="%s",host="loki:3100"}'
_DROPPED = 'loki_write_dropped_entries_total{instance="a:12345",host="loki:3100",reason="ingester_error"}'
_WRITES = 'loki_write_request_duration_seconds_count{instance="a:12345",host="loki:3100",status_code="%s"}'
_QUEUE = '{instance="a:12345",component_id="prometheus.remote_write.default"}'
_HIGHEST = f"prometheus_remote_storage_queue_highest_timestamp_seconds{_QUEUE}"
_SENT_UP_TO = f"prometheus_remote_storage_queue_highest_sent_timestamp_seconds{_QUEUE}"
_BEFORE_3_7 = f"prometheus_remote_storage_highest_timestamp_in_seconds{_QUEUE}"
_COMPONENTS = 'alloy_component_controller_running_components{instance="a:12345",health_type="%s"}'


def _writes(failing: float) -> Mapping[str, str]:
    """Return ten writes a second of which a share is answered 429."""
    return {_WRITES % 429: counting(10 * failing), _WRITES % 204: counting(10 * (1 - failing))}


def _samples(kind: str, share: float) -> Mapping[str, str]:
    """Return a hundred samples a second of which a share failed, or was retried."""
    return {
        f"prometheus_remote_storage_samples_total{_QUEUE}": counting(100),
        f"prometheus_remote_storage_samples_{kind}_total{_QUEUE}": counting(100 * share),
    }


def _otel(done: str, lost: str, data: str, share: float) -> Mapping[str, str]:
    """Return ten items a second of which a share gets through."""
    labels = '{instance="a:12345",component_id="otelcol.x.default"}'
    return {
        f"otelcol_{done}_{data}_total{labels}": counting(10 * share),
        f"otelcol_{lost}_{data}_total{labels}": counting(10 * (1 - share)),
    }


def _received(share: float, data: str = "spans") -> Mapping[str, str]:
    return _otel("receiver_accepted", "receiver_refused", data, share)


def _exported(share: float, data: str = "log_records") -> Mapping[str, str]:
    return _otel("exporter_sent", "exporter_send_failed", data, share)


TESTS = (
    around(
        "AlloyDown",
        lambda v: {'up{job="alloy",instance="a:12345"}': steady(v)},
        labels={"job": "alloy", "severity": "page", "cause": "telemetry_blind"},
    ),
    fires(
        "AlloyDown",
        {'up{job="alloy",instance="a:12345"}': "1x240 stale"},
        at="70m",
        why="of a task that discovery forgot there is no series that says 0",
    ),
    quiet(
        "AlloyDown",
        {
            'up{job="alloy",instance="a:12345"}': steady(0),
            'up{job="alloy",instance="b:12345"}': steady(1),
            'up{job="alloy",instance="c:12345"}': steady(1),
        },
        at="1h",
        why="two of three go on",
    ),
    around(
        "AlloyConfigNotLoaded",
        lambda v: {'alloy_config_last_load_successful{instance="a:12345"}': steady(v)},
        labels={"instance": "a:12345", "severity": "ticket"},
    ),
    fires(
        "AlloyConfigNotLoaded",
        {
            'alloy_config_last_load_successful{instance="a:12345"}': steady(0),
            'alloy_config_last_load_successful{instance="b:12345"}': steady(1),
        },
        at="30m",
        why="one of two tasks kept the old configuration",
        labels={"instance": "a:12345"},
    ),
    around(
        "AlloyComponentsUnhealthy",
        lambda v: {_COMPONENTS % "unhealthy": steady(v), _COMPONENTS % "healthy": steady(20)},
        labels={"instance": "a:12345", "severity": "ticket"},
    ),
    fires(
        "AlloyComponentsUnhealthy",
        {_COMPONENTS % "exited": steady(1), _COMPONENTS % "healthy": steady(20)},
        at="30m",
        why="a component that ended is as bad as one that fails",
    ),
    quiet(
        "AlloyComponentsUnhealthy",
        {_COMPONENTS % "healthy": steady(20)},
        at="1h",
        why="all are healthy, and no series says 0",
    ),
    around(
        "AlloyEvaluationsSlow",
        lambda v: {'alloy_component_evaluation_slow_seconds{instance="a:12345"}': counting(v)},
        labels={"instance": "a:12345", "severity": "ticket"},
    ),
    quiet(
        "AlloyEvaluationsSlow",
        {'alloy_component_evaluation_slow_seconds{instance="a:12345"}': "0x4 70x480"},
        at="20m",
        why="one slow evaluation at the start",
    ),
    around(
        "AlloyEntriesDropped",
        lambda v: {_DROPPED: counting(v)},
        labels={"reason": "ingester_error", "severity": "ticket"},
    ),
    fires(
        "AlloyEntriesDropped",
        {_DROPPED: " ".join(f"{batch * 1000}x33" for batch in range(20))},
        at="50m",
        why="one batch after the other is dropped, each when its 8.5 minutes of retries end",
    ),
    quiet(
        "AlloyEntriesDropped",
        {_DROPPED: "0x40 1000x1800"},
        at="26m",
        why="one batch was lost while Loki restarted",
    ),
    around("AlloyWritesFailing", _writes, far=0.5, labels={"host": "loki:3100", "severity": "ticket"}),
    fires(
        "AlloyWritesFailing",
        {_WRITES % -1: " ".join(f"{tries}x21" for tries in range(60)), _WRITES % 204: steady(500)},
        at="1h",
        why="Loki is gone, and tries are more than five minutes apart: nothing else is counted",
    ),
    quiet(
        "AlloyWritesFailing",
        {_WRITES % 503: "0x40 0+150x16 2550x1800", _WRITES % 204: counting(10)},
        at="24m",
        why="four minutes of 503 while Loki is replaced",
    ),
    around(
        "AlloyForwardsNothing",
        lambda v: {_SENT % "a:12345": counting(v)},
        bad=0,
        good=0.01,
        far=0,
        labels={"instance": "a:12345", "severity": "ticket"},
    ),
    fires(
        "AlloyForwardsNothing",
        {_SENT % "a:12345": steady(900), _SENT % "b:12345": counting(50), _SENT % "c:12345": counting(50)},
        at="35m",
        why="one of three is cut off, which the sum hides",
        labels={"instance": "a:12345"},
    ),
    quiet(
        "AlloyForwardsNothing",
        {_SENT % "a:12345": "0+750x120 stale", _SENT % "b:12345": "_x115 0+750x480"},
        at="50m",
        why="a replaced task's series ends, it does not stand still",
    ),
    quiet(
        "AlloyForwardsNothing",
        {_SENT % "a:12345": " ".join(f"{line}x49" for line in range(20))},
        at="2h",
        why="a line every twelve minutes is little, not nothing",
    ),
    around(
        "AlloyRemoteWriteBehind",
        lambda v: {_HIGHEST: changing(1_000_000, 1), _SENT_UP_TO: changing(1_000_000 - v, 1)},
        labels={"component_id": "prometheus.remote_write.default", "severity": "page"},
    ),
    fires(
        "AlloyRemoteWriteBehind",
        {_BEFORE_3_7: changing(1_000_000, 1), _SENT_UP_TO: steady(1_000_000)},
        at="20m",
        why="an older Alloy has the newest sample under another name; the store is gone",
    ),
    quiet(
        "AlloyRemoteWriteBehind",
        {_HIGHEST: steady(1_000_000), _SENT_UP_TO: steady(1_000_000)},
        at="3h",
        why="nothing is scraped, so nothing is behind",
    ),
    around(
        "AlloyRemoteWriteFailing",
        lambda v: _samples("failed", v),
        labels={"component_id": "prometheus.remote_write.default", "severity": "page"},
    ),
    quiet(
        "AlloyRemoteWriteFailing",
        {**_samples("failed", 0), f"prometheus_remote_storage_samples_failed_total{_QUEUE}": "0x40 3000x480"},
        at="26m",
        why="late samples after a pause are refused once",
    ),
    around("AlloySamplesRefused", lambda v: _samples("failed", v), labels={"severity": "ticket"}),
    around(
        "AlloyRemoteWriteRetrying",
        lambda v: _samples("retried", 1 - v),
        labels={"component_id": "prometheus.remote_write.default", "severity": "ticket"},
    ),
    fires(
        "AlloyRemoteWriteRetrying",
        {**_samples("retried", 1), _HIGHEST: changing(1_000_000, 1), _SENT_UP_TO: steady(0)},
        at="30m",
        why="a wrong address since the start: nothing was ever sent, so nothing is behind",
    ),
    around("AlloyReceiverRefusing", _received, labels={"data": "spans", "severity": "ticket"}),
    fires(
        "AlloyReceiverRefusing",
        {**_received(0.5, "spans"), **_received(1, "metric_points"), **_received(1, "log_records")},
        at="30m",
        why="spans are refused, metrics and logs of the same receiver are not",
        labels={"data": "spans"},
    ),
    fires("AlloyReceiverRefusing", _received(0.5, "metric_points"), at="30m", why="metrics alone"),
    quiet("AlloyReceiverRefusing", _received(1, "log_records"), at="30m", why="all is accepted"),
    around("AlloyExporterFailing", _exported, labels={"data": "log_records", "severity": "ticket"}),
    fires("AlloyExporterFailing", _exported(0.9, "spans"), at="30m", why="spans alone", labels={"data": "spans"}),
    fires("AlloyExporterFailing", _exported(0, "metric_points"), at="30m", why="nothing at all gets through"),
)
