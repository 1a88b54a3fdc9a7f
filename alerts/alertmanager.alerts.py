"""Alerts on Alertmanager, one or two of them: whether what fires reaches anybody.

What it cannot say of itself, because nobody would hear it, is said by the Watchdog's silence.
"""

from functools import partial

from obskit.ascode.alerts import alert

_ticket = partial(alert, severity="ticket", kind="cause", cause="telemetry_blind", level="warn")

RULES = (
    # Covers: AlertmanagerClusterFailedToSendAlerts
    alert(
        "AlertmanagerNotificationsLost",
        "alertmanager_notification_lost_ratio",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} of the notifications by {integration} reach nobody",
        description=(
            "Every Alertmanager that tries gives up. You read this by another way: until it is repaired, look at the"
            " alerts on Alertmanager's own page."
        ),
        over="15m",
        hold="5m",
        hold_reason="a lost notification is tried anew each group_interval (5 m): the second loss is no accident",
    ),
    # Covers: AlertmanagerFailedToSendAlerts, AlertmanagerClusterFailedToSendAlerts
    _ticket(
        "AlertmanagerNotificationsFailing",
        "alertmanager_notification_failed_ratio",
        summary="{instance} gives up {value} of its notifications by {integration}",
        description="Some alerts come late or only from its peer. Its log has the receiver's answer.",
        over="15m",
        hold="20m",
        hold_reason="a receiver's own restart fails one or two flushes, five minutes apart; then it is more than that",
    ),
    # Covers: AlertmanagerFailedReload
    _ticket(
        "AlertmanagerConfigRefused",
        "alertmanager_config_ok",
        summary="{instance} refused its configuration",
        description=(
            "The old routes go on until it restarts, and on Fargate that may be any time: then it does not start."
            " Run amtool check-config."
        ),
        hold="10m",
        hold_reason="who pushed it gets ten minutes to push the correction; the old configuration works meanwhile",
    ),
    # Covers: AlertmanagerMembersInconsistent, AlertmanagerClusterFailedPeers
    _ticket(
        "AlertmanagerPeersMissing",
        "alertmanager_members_ratio",
        summary="An Alertmanager of {job} sees {value} of its cluster",
        description="They share neither silences nor what was sent: everything arrives twice. Look at port 9094.",
        hold="15m",
        hold_reason="a rolling deployment counts old and new ones together for some minutes",
    ),
    # Covers: AlertmanagerConfigInconsistent
    _ticket(
        "AlertmanagerConfigsDiffer",
        "alertmanager_configs",
        summary="The Alertmanagers of {job} have {value} different configurations",
        description="The same alert goes to different people, by chance. Deploy the same configuration to all.",
        hold="20m",
        hold_reason="a deployment replaces one after the other: each takes some minutes to start and to be found",
    ),
)
# Left out: AlertmanagerClusterCrashlooping: a task that restarts has a new address; ECS counts its restarts.
