"""Tests of the alerts on Prometheus' own chain."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

SELF = 'job="prometheus",instance="p:9090"'
TICKET = {"severity": "ticket", "cause": "telemetry_blind"}
PAGE = {"severity": "page", "cause": "telemetry_blind"}
HOUR = 240


def _refresh(per_second: float) -> dict[str, str]:
    return {
        f'prometheus_sd_refresh_failures_total{{{SELF},mechanism="dns"}}': counting(per_second),
        f"prometheus_sd_file_read_errors_total{{{SELF}}}": counting(0),
    }


def _refused(values: str) -> dict[str, str]:
    return {
        f'prometheus_target_sync_failed_total{{{SELF},scrape_job="shop"}}': values,
        f"prometheus_target_scrape_pool_exceeded_target_limit_total{{{SELF}}}": counting(0),
    }


def _errors(share: float) -> dict[str, str]:
    """Return what two Alertmanagers were sent: one takes all, the other fails a share."""
    good, bad = 'alertmanager="http://a:9093/api/v2/alerts"', 'alertmanager="http://b:9093/api/v2/alerts"'
    return {
        f"prometheus_notifications_sent_total{{{SELF},{good}}}": counting(1),
        f"prometheus_notifications_sent_total{{{SELF},{bad}}}": counting(1),
        f"prometheus_notifications_errors_total{{{SELF},{good}}}": counting(0),
        f"prometheus_notifications_errors_total{{{SELF},{bad}}}": counting(share),
    }


def _gone(targets: float) -> dict[str, str]:
    """Return a job that loses all its targets at its second scrape; beside it one that stays."""
    gone = {f'up{{job="shop",instance="{n}:8080"}}': "1 stale" for n in range(int(targets))}
    return gone | {f"up{{{SELF}}}": steady(1)}


TESTS = (
    # ------------------------------------------------------------------ dead man's switch
    fires("Watchdog", {f"up{{{SELF}}}": steady(1)}, at="15s", labels={"severity": "ticket"}, why="it always fires"),
    fires("Watchdog", {f"up{{{SELF}}}": steady(1)}, at="7h", why="it always fires"),
    fires(
        "Watchdog",
        {f"up{{{SELF}}}": steady(1), 'up{job="shop",instance="a:8080"}': steady(0)},
        at="10m",
        why="one target that answers is enough: others have alerts of their own",
    ),
    quiet("Watchdog", {f"up{{{SELF}}}": steady(0)}, at="10m", why="a Prometheus that sees nothing is no watchdog"),
    quiet("Watchdog", {f"up{{{SELF}}}": "1x40"}, at="16m", why="nothing is stored any more: the disk is full"),
    quiet("Watchdog", {}, at="10m", why="no targets"),
    around(
        "PrometheusConfigRefused",
        lambda loaded: {f"prometheus_config_last_reload_successful{{{SELF}}}": steady(loaded)},
        labels=TICKET | {"instance": "p:9090"},
        bad=0,
        good=0.4,
    ),
    # --------------------------------------------------------------------------- discovery
    around("PrometheusJobVanished", _gone, labels=TICKET | {"job": "shop"}, bad=1, good=0, far=3),
    quiet(
        "PrometheusJobVanished",
        {
            'up{job="shop",instance="old:8080"}': f"1x{HOUR} stale",
            'up{job="shop",instance="new:8080"}': f"_x{HOUR + 20} 1x{HOUR}",
        },
        at="1h30m",
        why="a deployment that stops before it starts: no target for five minutes",
    ),
    quiet(
        "PrometheusJobVanished",
        {'up{job="shop",instance="a:8080"}': steady(0)},
        at="1h",
        why="a target that is down is there: PrometheusTargetDown says so",
    ),
    around("PrometheusDiscoveryFailing", _refresh, labels=TICKET | {"mechanism": "dns"}),
    fires(
        "PrometheusDiscoveryFailing",
        {f"prometheus_sd_file_read_errors_total{{{SELF}}}": "0x20 " + " ".join(f"{n}x19" for n in range(1, 40))},
        at="45m",
        labels={"mechanism": "file"},
        why="a broken file is read each five minutes: a rate over five minutes sees it now and then",
    ),
    quiet(
        "PrometheusDiscoveryFailing",
        {f'prometheus_sd_refresh_failures_total{{{SELF},mechanism="dns"}}': "0x40 1x400"},
        at="24m",
        why="one answer that failed and was asked again",
    ),
    around("PrometheusTargetsRefused", lambda rate: _refused(counting(rate)), labels=TICKET | {"instance": "p:9090"}),
    fires(
        "PrometheusTargetsRefused",
        _refused("0x240 1x480"),
        at="1h30m",
        why="counted once, when the targets changed; they are missing ever since",
    ),
    # ---------------------------------------------------------------------------- delivery
    around(
        "PrometheusNoAlertmanager",
        lambda known: {f"prometheus_notifications_alertmanagers_discovered{{{SELF}}}": steady(known)},
        labels=PAGE | {"instance": "p:9090"},
        bad=0,
        good=0.4,
    ),
    around(
        "PrometheusAlertsDropped",
        lambda rate: {f"prometheus_notifications_dropped_total{{{SELF}}}": counting(rate)},
        labels=PAGE,
    ),
    quiet(
        "PrometheusAlertsDropped",
        {f"prometheus_notifications_dropped_total{{{SELF}}}": "0x20 0+5x12 60x200"},
        at="11m",
        why="an Alertmanager that starts anew within three minutes",
    ),
    fires(
        "PrometheusAlertsDropped",
        {f"prometheus_notifications_dropped_total{{{SELF}}}": " ".join(f"{n}x3" for n in range(1, 60))},
        at="15m",
        why="one alert, sent each minute in vain",
    ),
    around("PrometheusNotificationsFailing", _errors, labels=TICKET, far=0.9),
    fires(
        "PrometheusNotificationsFailing",
        {
            f'prometheus_notifications_sent_total{{{SELF},alertmanager="b"}}': counting(64 / 60),
            f'prometheus_notifications_errors_total{{{SELF},alertmanager="b"}}': counting(1 / 60),
        },
        at="30m",
        labels={"alertmanager": "b"},
        why="a batch of 64 that fails counts as one error: all lost are 1.6 %",
    ),
    quiet(
        "PrometheusNotificationsFailing",
        {f'prometheus_notifications_sent_total{{{SELF},alertmanager="b"}}': counting(0)},
        at="1h",
        why="nothing was sent, nothing failed",
    ),
)
