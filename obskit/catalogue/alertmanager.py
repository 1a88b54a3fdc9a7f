"""Alertmanager itself: whether it is there, agrees with its peers, and tells anybody."""

from functools import partial

from obskit.catalogue._watchers import asked
from obskit.model import Signal, Threshold

_signal = partial(
    Signal,
    topic="alertmanager",
    scope="shared",
    entity="alertmanager",
    unit="ratio",
    bad="up",
    combine="max",
    weighed=False,
)
_asked = partial(asked, "Alertmanager")
#: Of one integration (webhook, pagerduty, email) of one Alertmanager: what failed after all its tries; 0 where nothing did.
_FAILED = (
    "sum by (instance, integration) (rate(alertmanager_notifications_failed_total{$scope}[$rate]))"
    " / (sum by (instance, integration) (rate(alertmanager_notifications_total{$scope}[$rate])) > 0)"
)

SIGNALS = (
    _signal(
        id="alertmanager_up_ratio",
        title="share of Alertmanagers up",
        meaning=(
            "Alertmanagers that answer, of those that did within the last day and are still looked for."
            " At 0 alerts fire and nobody is told: start it; until then read Prometheus' page /alerts."
        ),
        bad="down",
        combine="min",
        floor=0.3,
        warn=Threshold(value=0.9, reason="one of up to nine is gone: what it was the reserve for may happen now"),
        crit=Threshold(value=0.5, reason="alertmanager-mixin pages when half is down (AlertmanagerClusterDown)"),
        variants=_asked(
            "avg by (job) (up{$scope} and on (job, instance) last_over_time(alertmanager_build_info{$scope}[1d]))",
            "up",
            "alertmanager_build_info",
        ),
    ),
    _signal(
        id="alertmanager_config_ok",
        title="configuration of Alertmanager loaded",
        meaning=(
            "0 when the last reload was refused: the old routes go on until a restart, which then fails."
            " Run amtool check-config; its log names the line."
        ),
        bad="down",
        combine="min",
        floor=0.5,
        warn=Threshold(value=0, reason="alertmanager-mixin pages at 0 (AlertmanagerFailedReload)"),
        variants=_asked(
            "min by (instance) (alertmanager_config_last_reload_successful{$scope})",
            "alertmanager_config_last_reload_successful",
        ),
    ),
    _signal(
        id="alertmanager_notification_failed_ratio",
        title="share of notifications that fail",
        meaning=(
            "Notifications that one Alertmanager gave up, of all it sent by an integration: expired key, changed address,"
            " no way out to the internet. Its log has the receiver's answer."
        ),
        floor=0.01,
        warn=Threshold(value=0.01, reason="alertmanager-mixin warns beyond 1 % (AlertmanagerFailedToSendAlerts)"),
        variants=_asked(
            f"{_FAILED} or 0 * sum by (instance, integration) (rate(alertmanager_notifications_total{{$scope}}[$rate]))",
            "alertmanager_notifications_total",
            "alertmanager_notifications_failed_total",
        ),
    ),
    _signal(
        id="alertmanager_notification_lost_ratio",
        title="share of notifications that no Alertmanager delivers",
        meaning=(
            "The same at the Alertmanager that does best: where one fails its peer sends in its place."
            " What is counted here reached nobody by this integration; read the alerts on Alertmanager's page."
        ),
        floor=0.01,
        crit=Threshold(value=0.5, reason="every second notification is lost, on every Alertmanager that tries"),
        variants=_asked(
            f"min by (integration) ({_FAILED})"
            " or 0 * min by (integration) (rate(alertmanager_notifications_total{$scope}[$rate]))",
            "alertmanager_notifications_total",
            "alertmanager_notifications_failed_total",
        ),
    ),
    _signal(
        id="alertmanager_members_ratio",
        title="Alertmanagers that know each other",
        meaning=(
            "Members that the loneliest Alertmanager sees, of all that are scraped. Below 1 they do not share what was"
            " sent and silenced: everything arrives twice. Look at their gossip port, 9094 by TCP and UDP."
        ),
        bad="down",
        combine="min",
        floor=0.3,
        warn=Threshold(value=0.9, reason="one of up to nine is not seen (AlertmanagerMembersInconsistent)"),
        variants=_asked(
            "min by (job) (alertmanager_cluster_members{$scope}) / count by (job) (alertmanager_build_info{$scope})",
            "alertmanager_cluster_members",
            "alertmanager_build_info",
        ),
    ),
    _signal(
        id="alertmanager_configs",
        title="different configurations among Alertmanagers",
        meaning=(
            "How many configurations the Alertmanagers of a job have. With two, the same alert goes to different"
            " people: find the one that was not deployed or did not reload."
        ),
        unit="count",
        floor=1,
        warn=Threshold(value=2, reason="alertmanager-mixin pages when they differ (AlertmanagerConfigInconsistent)"),
        variants=_asked(
            'count by (job) (count_values by (job) ("hash", alertmanager_config_hash{$scope}))',
            "alertmanager_config_hash",
        ),
    ),
)
