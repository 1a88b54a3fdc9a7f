"""Alerts on Grafana: whether people see anything, and whether its own alerting works.

obskit's alerts are evaluated by Prometheus and Loki, so that Grafana's troubles are tickets; but
where it has rules of its own, an alert that it cannot deliver is one that nobody else knows of.
"""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "GrafanaDown",
        "grafana_answering",
        severity="ticket",
        kind="symptom",
        summary="{value} instances of {job} answer",
        description=(
            "No dashboards, and alert rules that live in Grafana rest; those of Prometheus and Loki go on."
            " Look first at why the last task stopped, then at its database."
        ),
        hold="5m",
        hold_reason="a replaced Fargate task answers within three minutes, migrations included",
    ),
    alert(
        # Covers: GrafanaRequestsFailing
        "GrafanaRequestsFailing",
        "grafana_request_error_ratio",
        level=0.1,
        reason=(
            "health checks and scrapes succeed and are most of a quiet Grafana's requests:"
            " half of all, as the mixin has it of one handler, is never reached"
        ),
        severity="ticket",
        kind="symptom",
        summary="{value} of the requests to {instance} are answered 5xx",
        description=(
            "People see panels with errors or no page at all. If one data source fails look at that,"
            " if all pages fail at Grafana's database."
        ),
        hold="10m",
        hold_reason="a data source that restarts is back by then",
    ),
    alert(
        "GrafanaRequestsSlow",
        "grafana_request_latency_p99",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="p99 of the requests to {instance} is {value} or more",
        description=(
            "Dashboards take long to fill. Mostly it is the data sources' own time:"
            " look at the query time of Prometheus and Loki before you look at Grafana."
        ),
        hold="30m",
        hold_reason="one person who opens a dashboard over ninety days is done by then",
    ),
    alert(
        "GrafanaDataSourceFailing",
        "grafana_query_error_ratio",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="{value} of the queries through {plugin_id} fail",
        description=(
            "Panels of these data sources stay empty, and Grafana's alert rules on them fail."
            " Refused connections count, which the data source's own answers cannot show."
        ),
        hold="15m",
        hold_reason="a data source that restarts is back by then, and whoever tries a query out has finished it",
    ),
    alert(
        "GrafanaAlertsFailing",
        "grafana_alert_failure_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} of the alert evaluations of {instance} fail",
        description=(
            "These rules of Grafana do not watch what they should. Each rule's state shows its error:"
            " one rule is a wrong query, all rules of one data source are the data source."
        ),
        hold="15m",
        hold_reason="Grafana tries each evaluation again, and a data source that restarts is back by then",
    ),
    alert(
        "GrafanaAlertsLate",
        "grafana_alert_evaluations_missed",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{instance} misses alert evaluations, {value}",
        description=(
            "Rules of Grafana are evaluated less often than they say, so that alerts come late."
            " Find the rule whose query is slower than its interval."
        ),
        over="15m",
        hold="20m",
        hold_reason="longer than the range: a single pause, at a start or a database's failover, is no slow rule",
    ),
    alert(
        "GrafanaNotificationsFailing",
        "grafana_notification_failures",
        level="warn",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="notifications of Grafana through {integration} fail, {value}",
        description=(
            "An alert of Grafana fired and nobody was told. Read the firing alerts in Grafana now, in place of those"
            " whom it could not reach; then test the contact point."
        ),
        over="10m",
        hold="15m",
        hold_reason=(
            "a failed notification is tried again after the group's interval of five minutes: a range of ten sees the"
            " next one, and lasting longer than it means that the next failed too"
        ),
    ),
    alert(
        "GrafanaDatabasePoolExhausted",
        "grafana_database_wait",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} requests of {instance} wait for a database connection",
        description=(
            "Logins, saves and alert evaluations of Grafana queue for its own database, while queries to data sources"
            " need it too. Look whether the pool is small or the database slow."
        ),
        hold="10m",
        hold_reason="a burst of logins or provisioning at a start is over by then",
    ),
)

# Not alerted on: grafana_datasource_error_ratio (GrafanaDataSourceFailing counts the same and refused connections too),
# grafana_alert_scheduler_behind (GrafanaAlertsLate is what follows of it), grafana_requests_in_flight and
# grafana_database_connections (no level is bad by itself), grafana_memory_bytes (its limit is the task's),
# grafana_up of one task while others answer (the alert on targets that are down says so for every job).
