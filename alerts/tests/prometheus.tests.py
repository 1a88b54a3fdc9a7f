"""Tests of the alerts on what Prometheus does."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

SELF = 'job="prometheus",instance="p:9090"'
TICKET = {"severity": "ticket", "cause": "telemetry_blind"}
PAGE = {"severity": "page", "cause": "telemetry_blind"}


def _up(share: float, targets: int = 100) -> dict[str, str]:
    """Return a job of which a share of the targets is up."""
    return {f'up{{job="shop",instance="{n}:8080"}}': steady(int(n < round(share * targets))) for n in range(targets)}


def _counters(*names: str, **more: str) -> dict[str, str]:
    """Return counters of Prometheus that stand still, except those that are given."""
    still = {f"prometheus_{name}_total{{{SELF}}}": counting(0) for name in names}
    return still | {f"prometheus_{name}_total{{{SELF}}}": values for name, values in more.items()}


def _refused(per_second: float) -> dict[str, str]:
    return _counters(
        "target_scrapes_exceeded_body_size_limit",
        "target_scrape_pool_exceeded_label_limits",
        target_scrapes_exceeded_sample_limit=counting(per_second),
    )


def _rejected(per_second: float) -> dict[str, str]:
    return _counters(
        "target_scrapes_sample_out_of_order",
        "target_scrapes_sample_out_of_bounds",
        target_scrapes_sample_duplicate_timestamp=counting(per_second),
    )


def _rules(metric: str, values: str) -> dict[str, str]:
    return {f'prometheus_{metric}_total{{{SELF},rule_group="shop.rules.yml;obskit-http"}}': values}


def _storage(blocks: float) -> dict[str, str]:
    return {f"prometheus_tsdb_storage_blocks_bytes{{{SELF}}}": steady(blocks)}


def _newer_storage(blocks: float, log: float) -> dict[str, str]:
    return _storage(blocks) | {
        f"prometheus_tsdb_wal_storage_size_bytes{{{SELF}}}": steady(log),
        f"prometheus_tsdb_head_chunks_storage_size_bytes{{{SELF}}}": steady(0),
    }


def _series(yesterday: float, today: float) -> dict[str, str]:
    """Return series in memory that change after a day."""
    return {f"prometheus_tsdb_head_series{{{SELF}}}": f"{yesterday:g}x5759 {today:g}x500"}


def _behind(seconds: float) -> dict[str, str]:
    """Return a remote store that is so many seconds behind (names before 3.7)."""
    sent = f'prometheus_remote_storage_queue_highest_sent_timestamp_seconds{{{SELF},remote_name="amp"}}'
    newest = f"prometheus_remote_storage_highest_timestamp_in_seconds{{{SELF}}}"
    return {newest: f"{1e6 + seconds:.0f}+15x1920", sent: "1000000+15x1920"}


def _lost(share: float) -> dict[str, str]:
    labels = f'{SELF},remote_name="amp"'
    return {
        f"prometheus_remote_storage_samples_total{{{labels}}}": counting(1000),
        f"prometheus_remote_storage_samples_failed_total{{{labels}}}": counting(share * 1000),
    }


def _queries(share: float) -> dict[str, str]:
    return {
        f"prometheus_engine_queries{{{SELF}}}": steady(share * 20),
        f"prometheus_engine_queries_concurrent_max{{{SELF}}}": steady(20),
    }


_FAILED = "rule_evaluation_failures"

TESTS = (
    # ---------------------------------------------------------------------------- scrapes
    around("PrometheusJobUnseen", _up, labels=PAGE | {"job": "shop"}, bad=0, good=0.5, far=0),
    quiet("PrometheusJobUnseen", _up(2 / 3, targets=3), at="1h", why="while one answers it is a ticket"),
    quiet(
        "PrometheusJobUnseen",
        {f'up{{job="shop",instance="{n}:8080"}}': "1x20 0x16 1x100" for n in range(2)},
        at="9m15s",
        why="a deployment that starts all tasks anew within four minutes",
    ),
    around(
        "PrometheusTargetDown",
        lambda down: {f'up{{job="shop",instance="{n}:8080"}}': steady(0) for n in range(int(down))} | _up(1, targets=1),
        labels=TICKET | {"job": "shop"},
        bad=2,
        good=0,
        far=2,
    ),
    quiet(
        "PrometheusTargetDown",
        {'up{job="shop",instance="old:8080"}': "1x20 0x40 stale", 'up{job="shop",instance="new:8080"}': steady(1)},
        at="25m",
        why="a stopped task that service discovery takes ten minutes to forget",
    ),
    around("PrometheusScrapesRefused", _refused, labels=TICKET),
    around("PrometheusSamplesRejected", _rejected, labels=TICKET),
    # ------------------------------------------------------------------------------ rules
    around("PrometheusRulesBroken", lambda rate: _rules(_FAILED, counting(rate)), labels=PAGE),
    quiet(
        "PrometheusRulesBroken",
        _rules(_FAILED, "0+1x20 20x300"),
        at="16m",
        why="a restart that evaluates for five minutes before its data is back",
    ),
    around("PrometheusRulesFailing", lambda rate: _rules(_FAILED, counting(rate)), labels=TICKET),
    quiet("PrometheusRulesFailing", _rules(_FAILED, "0x40 1x300"), at="25m15s", why="one failure is no failing rule"),
    around("PrometheusRulesLate", lambda rate: _rules("rule_group_iterations_missed", counting(rate)), labels=TICKET),
    # ---------------------------------------------------------------------------- storage
    around(
        "PrometheusCompactionFailing",
        lambda rate: _counters("tsdb_reloads_failures", tsdb_compactions_failed=counting(rate)),
        labels=TICKET,
    ),
    fires(
        "PrometheusCompactionFailing",
        _counters("tsdb_compactions_failed", tsdb_reloads_failures=counting(1 / 60)),
        at="40m",
        why="blocks that cannot be read anew hold the disk as well",
    ),
    around(
        "PrometheusWalFailing",
        lambda rate: _counters("tsdb_wal_corruptions", tsdb_wal_writes_failed=counting(rate)),
        labels=TICKET,
    ),
    fires(
        "PrometheusWalFailing",
        _counters("tsdb_wal_corruptions", tsdb_wal_writes_failed="0x40 3x100"),
        at="12m45s",
        why="two minutes after it began, not four",
    ),
    around("PrometheusStorageFilling", _storage, labels=TICKET | {"instance": "p:9090"}),
    fires(
        "PrometheusStorageFilling",
        _newer_storage(13 * 1024**3, 4 * 1024**3),
        at="1h5m",
        why="the write-ahead log takes the same disk, where Prometheus tells of it",
    ),
    fires("PrometheusSeriesExploding", _series(1e6, 1.6e6), at="1d35m", why="half an hour after it began"),
    quiet("PrometheusSeriesExploding", _series(1e6, 1.6e6), at="1d25m", why="not half an hour yet"),
    quiet("PrometheusSeriesExploding", _series(1e6, 1.4e6), at="1d1h", why="a deployment of most services"),
    quiet("PrometheusSeriesExploding", _series(1e4, 8e4), at="1d1h", why="a small one that got more exporters"),
    quiet(
        "PrometheusSeriesExploding", {f"prometheus_tsdb_head_series{{{SELF}}}": steady(1e6)}, at="6h", why="too young"
    ),
    # ------------------------------------------------------------------- forward and answer
    around("PrometheusRemoteWriteBehind", _behind, labels=TICKET | {"remote_name": "amp"}),
    around("PrometheusRemoteWriteLosing", _lost, labels=TICKET | {"remote_name": "amp"}, far=0.9),
    around("PrometheusQueriesSaturated", _queries, labels=TICKET | {"instance": "p:9090"}, far=1),
)
