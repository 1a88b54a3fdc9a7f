"""Tests of the alerts on Loki."""

from collections.abc import Mapping

from obskit.ascode.alerts import around, changing, counting, fires, quiet, steady

_LINES = 'loki_distributor_lines_received_total{job="loki",instance="a:3100",tenant="fake"}'
_BUILT = 'loki_build_info{job="loki",instance="a:3100"}'
_RAN = 'loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{job="loki",instance="%s"}'
_BORN = 'process_start_time_seconds{job="loki",instance="%s"}'
_COMPACTOR = 'loki_boltdb_shipper_compactor_running{job="loki",instance="%s"}'
_PANICS = 'loki_panic_total{instance="a:3100"}'
_FLUSHES = 'loki_ingester_chunks_flush_failures_total{instance="%s"}'


def _requests(failing: float, per_second: float = 10, route: str = "loki_api_v1_push") -> Mapping[str, str]:
    """Return requests to a route of which a share is answered 500."""
    head = f'loki_request_duration_seconds_count{{instance="a:3100",route="{route}",status_code="%s"}}'
    return {head % 500: counting(per_second * failing), head % 204: counting(per_second * (1 - failing))}


def _slow(seconds: float, per_second: float = 10, route: str = "loki_api_v1_push") -> Mapping[str, str]:
    """Return requests whose p99 is so long: all in one bucket, within which it is 99 % of the way."""
    name, labels = "loki_request_duration_seconds", f'instance="a:3100",route="{route}",status_code="204"'
    return {
        f'{name}_bucket{{{labels},le="{seconds / 0.99!r}"}}': counting(per_second),
        f'{name}_bucket{{{labels},le="+Inf"}}': counting(per_second),
        f"{name}_count{{{labels}}}": counting(per_second),
    }


def _hour_then(per_second: float) -> str:
    """Return lines: a hundred a second for an hour, then so many."""
    return f"0+1500x240 360000+{per_second * 15:g}x480"


def _rules(succeeding: float) -> Mapping[str, str]:
    labels = '{job="loki",user="fake",rule_group="shop"}'
    return {
        f"loki_prometheus_rule_evaluations_total{labels}": counting(1),
        f"loki_prometheus_rule_evaluation_failures_total{labels}": counting(1 - succeeding),
    }


TESTS = (
    around(
        "LokiDown",
        lambda v: {'up{job="loki",instance="a:3100"}': steady(v)},
        labels={"job": "loki", "severity": "page"},
    ),
    fires(
        "LokiDown",
        {'up{job="loki",instance="a:3100"}': "1x240 stale"},
        at="70m",
        why="of a task that discovery forgot there is no series that says 0",
    ),
    quiet(
        "LokiDown",
        {'up{job="loki",instance="a:3100"}': "1x240 0x480", 'up{job="loki",instance="b:3100"}': "_x235 1x480"},
        at="90m",
        why="a replaced task is still on the list of targets, its successor answers",
    ),
    quiet(
        "LokiDown",
        {'up{job="loki",instance="a:3100"}': "1x240 0x15 1x480"},
        at="65m",
        why="a task that restarts is back before anything is lost",
    ),
    fires("LokiIngestionStopped", {_LINES: _hour_then(0.79), _BUILT: steady(1)}, at="4530s", why="just below a 100th"),
    quiet("LokiIngestionStopped", {_LINES: _hour_then(0.88), _BUILT: steady(1)}, at="4530s", why="just above a 100th"),
    quiet("LokiIngestionStopped", {_LINES: _hour_then(0), _BUILT: steady(1)}, at="4470s", why="not ten minutes yet"),
    fires(
        "LokiIngestionStopped",
        {_LINES: "0+1500x240 stale", 'loki_build_info{job="loki",instance="b:3100"}': "_x240 1x480"},
        at="80m",
        labels={"job": "loki", "kind": "symptom"},
        why="a restarted Loki has no counter before the first line that never comes",
    ),
    quiet(
        "LokiIngestionStopped",
        {_LINES: "0+1500x240 stale", _BUILT: "1x240 stale"},
        at="80m",
        why="Loki itself is gone, which LokiDown says",
    ),
    quiet("LokiIngestionStopped", {_LINES: "0+1500x240 0+1500x480", _BUILT: steady(1)}, at="80m", why="counter reset"),
    quiet("LokiIngestionStopped", {_LINES: _hour_then(5), _BUILT: steady(1)}, at="90m", why="a quiet night"),
    quiet(
        "LokiIngestionStopped",
        {_LINES: "0+0.75x240 180+0x480", _BUILT: steady(1)},
        at="90m",
        why="where a line comes every twenty seconds, silence proves nothing",
    ),
    around("LokiRequestsFailing", _requests, far=0.9, labels={"route": "loki_api_v1_push", "severity": "page"}),
    quiet("LokiRequestsFailing", _requests(1, per_second=0.08), at="30m", why="a few failing searches of one person"),
    fires("LokiRequestsFailing", _requests(0.5, per_second=0.12), at="30m", why="little traffic, but enough to tell"),
    quiet("LokiRequestsFailing", _requests(1, route="ready"), at="30m", why="a starting Loki is not ready on purpose"),
    fires(
        "LokiRequestsFailing",
        {
            'loki_request_duration_seconds_count{route="loki_api_v1_push",status_code="500"}': "0+150x120 18000x480",
            'loki_request_duration_seconds_count{route="loki_api_v1_push",status_code="204"}': counting(10),
        },
        at="43m",
        why="between two waves of retries it goes on firing",
    ),
    quiet(
        "LokiRequestsFailing",
        {
            'loki_request_duration_seconds_count{route="loki_api_v1_push",status_code="500"}': "0+150x120 18000x480",
            'loki_request_duration_seconds_count{route="loki_api_v1_push",status_code="204"}': counting(10),
        },
        at="48m",
        why="ten minutes after the last wave it is over",
    ),
    around("LokiSomeRequestsFailing", _requests, far=0.09, labels={"severity": "ticket"}),
    quiet("LokiSomeRequestsFailing", _requests(0.5, per_second=0.33), at="2h", why="single searches of a quiet Loki"),
    fires("LokiSomeRequestsFailing", _requests(0.05, per_second=0.37), at="2h", why="traffic enough to tell"),
    around("LokiRequestsSlow", _slow, labels={"route": "loki_api_v1_push", "severity": "ticket"}),
    quiet("LokiRequestsSlow", _slow(9, per_second=0.33), at="1h", why="one slow search is not a slow Loki"),
    fires("LokiRequestsSlow", _slow(9, per_second=0.37), at="1h", why="traffic enough to tell"),
    quiet("LokiRequestsSlow", _slow(60, route="loki_api_v1_tail"), at="1h", why="live tailing lasts by design"),
    around("LokiPanicking", lambda v: {_PANICS: counting(v)}, labels={"instance": "a:3100", "severity": "ticket"}),
    fires("LokiPanicking", {_PANICS: "0x40 1x1800"}, at="11m", why="a single panic in ten minutes"),
    fires("LokiPanicking", {_PANICS: "0x40 1x1800"}, at="75m", why="within the hour after it is the same ticket"),
    quiet("LokiPanicking", {_PANICS: "0x40 1x1800"}, at="90m", why="no panic since an hour"),
    quiet("LokiPanicking", {_PANICS: "3x40 0x1800"}, at="12m", why="a restart sets the counter to 0"),
    around(
        "LokiLinesDiscarded",
        lambda v: {'loki_discarded_samples_total{reason="line_too_long",tenant="fake"}': counting(v)},
        labels={"reason": "line_too_long", "severity": "ticket"},
    ),
    quiet(
        "LokiLinesDiscarded",
        {'loki_discarded_samples_total{reason="per_stream_rate_limit",tenant="fake"}': "0x40 5000x480"},
        at="20m",
        why="one burst of five thousand lines is over",
    ),
    quiet(
        "LokiLinesDiscarded",
        {
            'loki_discarded_samples_total{reason="line_too_long"}': counting(0.06),
            'loki_discarded_samples_total{reason="greater_than_max_sample_age"}': counting(0.06),
        },
        at="1h",
        why="two reasons are two matters, each below the level",
    ),
    around(
        "LokiFlushesFailing",
        lambda v: {_FLUSHES % "a:3100": counting(v)},
        labels={"instance": "a:3100", "severity": "page"},
    ),
    quiet(
        "LokiFlushesFailing",
        {_FLUSHES % "a:3100": "0x39 20x39 40x39 60x39 80x39 100x480"},
        at="45m",
        why="S3 throttles now and then, and the next try succeeds",
    ),
    fires(
        "LokiFlushesFailing",
        {_FLUSHES % "a:3100": counting(1), _FLUSHES % "b:3100": counting(0), _FLUSHES % "c:3100": counting(0)},
        at="40m",
        why="one of three tasks cannot write",
    ),
    around(
        "LokiWalDiskFull",
        lambda v: {'loki_ingester_wal_disk_full_failures_total{instance="a:3100"}': counting(v)},
        labels={"cause": "disk_full", "severity": "ticket"},
    ),
    quiet(
        "LokiWalDiskFull",
        {'loki_ingester_wal_disk_full_failures_total{instance="a:3100"}': "0x40 9x1800"},
        at="930s",
        why="full once, and freed by the next checkpoint",
    ),
    around(
        "LokiCompactionOverdue",
        lambda v: {_RAN % "a:3100": steady(0), _BORN % "a:3100": changing(-v, 1)},
        labels={"job": "loki", "severity": "ticket"},
    ),
    fires("LokiCompactionOverdue", {_RAN % "a:3100": steady(600)}, at="12060s", why="the last run ended after 600 s"),
    quiet("LokiCompactionOverdue", {_RAN % "a:3100": steady(600)}, at="11370s", why="the next may still succeed"),
    quiet(
        "LokiCompactionOverdue",
        {_RAN % "a:3100": "600x600 0x1300", _BORN % "a:3100": "1x600 9000x1300"},
        at="15000s",
        why="a Loki that has just restarted has its three hours",
    ),
    quiet(
        "LokiCompactionOverdue",
        {
            _RAN % "a:3100": changing(1, 1),
            _RAN % "b:3100": steady(0),
            _BORN % "a:3100": steady(1),
            _BORN % "b:3100": steady(1),
        },
        at="6h",
        why="of several instances one compacts, the others never do",
    ),
    around(
        "LokiTooManyCompactors",
        lambda v: {_COMPACTOR % "a:3100": steady(v / 2), _COMPACTOR % "b:3100": steady(v / 2)},
        labels={"job": "loki", "severity": "ticket"},
    ),
    quiet(
        "LokiTooManyCompactors",
        {_COMPACTOR % "a:3100": "1x240 stale", _COMPACTOR % "b:3100": "_x200 1x480"},
        at="66m",
        why="old and new task overlap for ten minutes",
    ),
    around("LokiRulesFailing", _rules, bad=0.985, good=0.995, labels={"job": "loki", "severity": "ticket"}),
    quiet(
        "LokiRulesFailing",
        {
            'loki_prometheus_rule_evaluations_total{job="loki"}': steady(50),
            'loki_prometheus_rule_evaluation_failures_total{job="loki"}': steady(50),
        },
        at="1h",
        why="nothing is evaluated, so nothing fails",
    ),
)
