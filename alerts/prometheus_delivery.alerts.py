"""Alerts on Prometheus' own chain: configuration, discovery of targets, delivery to Alertmanager.

The Watchdog is the dead man's switch: it always fires. Alertmanager routes it, before everything
else and never inhibited or grouped with others, every few minutes to a heartbeat service outside
of this stack, which pages when it stays away. It then covers what no alert can say: Prometheus,
Alertmanager, the way between them or the way out is gone.
"""

from functools import partial

from obskit.ascode.alerts import alert

_page = partial(alert, severity="page", kind="cause", cause="telemetry_blind")
_ticket = partial(alert, severity="ticket", kind="cause", cause="telemetry_blind", level="warn")

RULES = (
    # Covers: PrometheusNotIngestingSamples
    alert(
        "Watchdog",
        "prometheus_watchdog",
        severity="ticket",
        kind="symptom",
        level=1,
        reason="one target that answers shows that Prometheus scrapes, stores and evaluates",
        summary="The chain of alerts works: {value} targets are seen",
        description=(
            "This alert always fires; nobody is to act on it. It goes to a heartbeat service outside of this stack,"
            " which pages when it stays away."
        ),
        hold="0s",
        hold_reason="it is there from the first evaluation, so that a restart is no silence",
    ),
    # Covers: PrometheusBadConfig
    _ticket(
        "PrometheusConfigRefused",
        "prometheus_config_ok",
        summary="{instance} refused its configuration",
        description=(
            "The old one goes on until it restarts, and on Fargate that may be any time: then it does not start."
            " Run promtool check config."
        ),
        hold="10m",
        hold_reason="who pushed it gets ten minutes to push the correction; the old configuration works meanwhile",
    ),
    # --------------------------------------------------------------------------- discovery
    _ticket(
        "PrometheusJobVanished",
        "prometheus_jobs_vanished",
        summary="{job} has no targets any more, and had {value} within six hours",
        description="Nothing of it is watched, and no alert on it can fire. Discovery lost it, or somebody removed it.",
        hold="15m",
        hold_reason="a service whose tasks are all replaced has none for some minutes",
    ),
    # Covers: PrometheusSDRefreshFailure
    _ticket(
        "PrometheusDiscoveryFailing",
        "prometheus_discovery_failures",
        summary="Service discovery by {mechanism} fails at {instance}, {value}",
        description="New tasks are not watched, and old ones will look down. Its log names the address or file.",
        over="15m",
        hold="20m",
        hold_reason="one failure shows for the fifteen minutes that are looked at; beyond them it is a second one",
    ),
    # Covers: PrometheusTargetSyncFailure, PrometheusTargetLimitHit
    _ticket(
        "PrometheusTargetsRefused",
        "prometheus_targets_refused",
        summary="{instance} found targets and does not take them, {value}",
        description="They are in no list, not even in that of what is down. Its log names target and reason.",
        over="1h",
        hold="0s",
        hold_reason="it is counted once, when targets change: what waits for it to last never fires",
    ),
    # ---------------------------------------------------------------------------- delivery
    # Covers: PrometheusNotConnectedToAlertmanagers
    _page(
        "PrometheusNoAlertmanager",
        "prometheus_alertmanagers",
        summary="{instance} knows {value} Alertmanagers",
        description=(
            "Alerts fire and nobody is told: you see this on a page, not by a message. The heartbeat of the Watchdog"
            " stops too. Look at the section alerting of its configuration."
        ),
        hold="5m",
        hold_reason="Alertmanager's task is replaced and found anew within minutes",
    ),
    # Covers: PrometheusErrorSendingAlertsToAnyAlertmanager, PrometheusNotificationQueueRunningFull
    _page(
        "PrometheusAlertsDropped",
        "prometheus_notifications_dropped",
        level="warn",
        summary="{instance} drops {value} alerts that no Alertmanager takes",
        description=(
            "Nobody is told what fires; that you read this means that some get through. See that Alertmanager runs"
            " and answers."
        ),
        over="2m",
        hold="5m",
        hold_reason="alerts are sent each minute; five failures in a row are no restart of Alertmanager",
    ),
    # Covers: PrometheusErrorSendingAlertsToSomeAlertmanagers
    _ticket(
        "PrometheusNotificationsFailing",
        "prometheus_notification_error_ratio",
        summary="{alertmanager} does not take {value} of what Prometheus sends",
        description="The other one carries on alone. It is down, too slow, or its address is an old one.",
        hold="15m",
        hold_reason="an Alertmanager that is replaced fails until discovery has found its new address",
    ),
)
