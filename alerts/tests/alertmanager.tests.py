"""Tests of the alerts on Alertmanager."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

TICKET = {"severity": "ticket"}


def _sent(
    failed: float, *, instance: str = "a:9093", per_second: float = 1.0, integration: str = "webhook"
) -> dict[str, str]:
    """Return the notifications of one Alertmanager of which a share failed."""
    labels = f'instance="{instance}",integration="{integration}"'
    return {
        f"alertmanager_notifications_total{{{labels}}}": counting(per_second),
        f"alertmanager_notifications_failed_total{{{labels}}}": counting(failed * per_second),
    }


def _each_five_minutes(failed: int) -> dict[str, str]:
    """Return one notification each five minutes, of which the first so many failed."""
    labels = 'instance="a:9093",integration="pagerduty"'
    total = " ".join(f"{n}x19" for n in range(1, 40))
    lost = " ".join(f"{min(n, failed)}x19" for n in range(1, 40))
    return {
        f"alertmanager_notifications_total{{{labels}}}": total,
        f"alertmanager_notifications_failed_total{{{labels}}}": lost,
    }


def _cluster(seen: float, scraped: int = 10) -> dict[str, str]:
    """Return a cluster of which each member sees a share."""
    names = [f'job="alertmanager",instance="{n}:9093"' for n in range(scraped)]
    info = {f"alertmanager_build_info{{{name}}}": steady(1) for name in names}
    return info | {f"alertmanager_cluster_members{{{name}}}": steady(seen * scraped) for name in names}


def _configs(different: float) -> dict[str, str]:
    """Return so many Alertmanagers, each with a configuration of its own."""
    return {
        f'alertmanager_config_hash{{job="alertmanager",instance="{n}:9093"}}': steady(1000 + n)
        for n in range(int(different))
    }


TESTS = (
    around(
        "AlertmanagerNotificationsLost",
        _sent,
        labels={"severity": "page", "integration": "webhook", "cause": "telemetry_blind"},
        far=1,
    ),
    quiet(
        "AlertmanagerNotificationsLost",
        _sent(1) | _sent(0, instance="b:9093", per_second=0.1),
        at="1h",
        why="where one fails its peer sends in its place: nothing is lost",
    ),
    fires(
        "AlertmanagerNotificationsLost",
        _sent(1) | _sent(0, instance="b:9093", per_second=0),
        at="1h",
        why="a peer that sends nothing delivers nothing",
    ),
    fires(
        "AlertmanagerNotificationsLost",
        _each_five_minutes(39),
        at="45m",
        labels={"integration": "pagerduty"},
        why="one notification in five minutes, all lost: a rate over five minutes would see it now and then",
    ),
    around(
        "AlertmanagerNotificationsFailing",
        _sent,
        labels=TICKET | {"instance": "a:9093", "integration": "webhook"},
        far=0.9,
    ),
    quiet(
        "AlertmanagerNotificationsFailing",
        _each_five_minutes(2),
        at="24m",
        why="one that failed and was sent five minutes later is a receiver's restart",
    ),
    quiet("AlertmanagerNotificationsFailing", _sent(0, per_second=0), at="2h", why="who sends nothing fails nothing"),
    around(
        "AlertmanagerConfigRefused",
        lambda loaded: {'alertmanager_config_last_reload_successful{instance="a:9093"}': steady(loaded)},
        labels=TICKET | {"instance": "a:9093"},
        bad=0,
        good=0.4,
    ),
    around("AlertmanagerPeersMissing", _cluster, labels=TICKET | {"job": "alertmanager"}, bad=0.85, good=0.95),
    fires("AlertmanagerPeersMissing", _cluster(0.5, scraped=2), at="30m", why="each of two sees only itself"),
    quiet(
        "AlertmanagerPeersMissing",
        {'alertmanager_build_info{job="alertmanager",instance="a:9093"}': steady(1)},
        at="1h",
        why="a single one without clustering has no members to miss",
    ),
    quiet("AlertmanagerPeersMissing", _cluster(1, scraped=1), at="1h", why="a single one sees itself"),
    around("AlertmanagerConfigsDiffer", _configs, labels=TICKET | {"job": "alertmanager"}, bad=2, good=1, far=3),
)
