"""Grafana itself: its pages, its data sources and its alerting.

Whether it is up is read from the scrape job, whose name has to say ``grafana``.
"""

from functools import partial

from obskit.catalogue._http import FAILING
from obskit.catalogue._watchers import ANY, MIB, answering, asked, memory, share, up
from obskit.model import Signal, Threshold

_signal = partial(Signal, topic="grafana", scope="shared", entity="grafana", bad="up", combine="max", weighed=False)
_asked = partial(asked, "Grafana")
_JOBS = "grafana"

SIGNALS = (
    up(
        "Grafana",
        "grafana",
        jobs=_JOBS,
        meaning=(
            "0 while Prometheus cannot scrape Grafana: no dashboards, and none of its alert rules is evaluated."
            " Look at why its task stopped, or at its database."
        ),
        reason="a Grafana that is down shows nothing and alerts nobody",
    ),
    answering(
        "Grafana", "grafana", jobs=_JOBS, reason="no Grafana is left: no dashboards, and its own alert rules rest"
    ),
    # ---------------------------------------------------------------------------- pages
    _signal(
        id="grafana_request_error_ratio",
        title="share of Grafana's requests answered 5xx",
        meaning=(
            "What people at their dashboards see fail. Look at the data sources first,"
            " then at Grafana's log and its database."
        ),
        unit="ratio",
        floor=0.02,
        warn=FAILING,
        crit=Threshold(
            value=0.5, reason="grafana-mixin alerts beyond half of a handler's requests (GrafanaRequestsFailing)"
        ),
        variants=_asked(
            share(
                "instance",
                'grafana_http_request_duration_seconds_count{status_code=~"5..",$scope}',
                "grafana_http_request_duration_seconds_count{$scope}",
            ),
            "grafana_http_request_duration_seconds_count",
        ),
    ),
    _signal(
        id="grafana_request_latency_p99",
        title="p99 latency of Grafana",
        meaning=(
            "How slow the slowest hundredth of all requests is, live connections left out."
            " Mostly the data sources' own time: look at Prometheus' and Loki's query time."
        ),
        unit="seconds",
        floor=1,
        warn=Threshold(value=5, reason="the last bucket of Grafana's histogram: what is slower is not told apart"),
        variants=_asked(
            "histogram_quantile(0.99, sum by (instance, le)"
            ' (rate(grafana_http_request_duration_seconds_bucket{handler!~"/api/live/.*",$scope}[$rate])))',
            "grafana_http_request_duration_seconds_count",
        ),
    ),
    _signal(
        id="grafana_requests_in_flight",
        title="requests in progress",
        meaning="Requests that Grafana works on right now. If it only grows, a data source or the database does not answer.",
        unit="count",
        combine="sum",
        floor=20,
        variants=_asked("sum by (instance) (grafana_http_request_in_flight{$scope})", "grafana_http_request_in_flight"),
    ),
    # --------------------------------------------------------------------- data sources
    _signal(
        id="grafana_datasource_error_ratio",
        title="share of data source requests refused",
        meaning=(
            "Answers 5xx, 401, 403 and 429 of a data source. 401 and 403: its credentials in Grafana are wrong;"
            " 429: a limit; 5xx: look at the source itself."
        ),
        unit="ratio",
        floor=0.02,
        warn=FAILING,
        variants=_asked(
            share(
                "datasource",
                'grafana_datasource_request_total{code=~"5..|401|403|429",$scope}',
                "grafana_datasource_request_total{$scope}",
            ),
            "grafana_datasource_request_total",
        ),
    ),
    _signal(
        id="grafana_query_error_ratio",
        title="share of queries that fail",
        meaning=(
            "Queries that a data source's plugin could not answer, refused connections and wrong queries included."
            " One broken panel is a small steady share; a jump is the source itself."
        ),
        unit="ratio",
        floor=0.05,
        warn=Threshold(value=0.1, reason="beyond a tenth it is no longer single panels with wrong queries"),
        variants=_asked(
            share(
                "plugin_id",
                'grafana_plugin_request_total{endpoint="queryData",status="error",$scope}',
                'grafana_plugin_request_total{endpoint="queryData",$scope}',
            ),
            "grafana_plugin_request_total",
        ),
    ),
    # ------------------------------------------------------------------------- alerting
    _signal(
        id="grafana_alert_failure_ratio",
        title="share of alert evaluations that fail",
        meaning=(
            "Alert rules of Grafana that could not be evaluated: they are silent, or fire as DatasourceError."
            " The rule's page shows the error; mostly it is the data source."
        ),
        unit="ratio",
        floor=0.01,
        warn=Threshold(value=0.01, reason="a rule that fails cannot warn of what it watches"),
        variants=_asked(
            share(
                "instance",
                "grafana_alerting_rule_evaluation_failures_total{$scope}",
                "grafana_alerting_rule_evaluations_total{$scope}",
            ),
            "grafana_alerting_rule_evaluations_total",
        ),
    ),
    _signal(
        id="grafana_alert_evaluations_missed",
        title="alert evaluations missed",
        meaning="Rules whose last evaluation had not ended when the next was due: alerts come late. Make the slow query lighter.",
        unit="per_second",
        floor=0.005,
        warn=Threshold(value=ANY, reason="each one is an alert that may come late"),
        variants=_asked(
            "sum by (instance) (rate(grafana_alerting_schedule_rule_evaluations_missed_total{$scope}[$rate]))"
            " or 0 * sum by (instance) (rate(grafana_alerting_rule_evaluations_total{$scope}[$rate]))",
            "grafana_alerting_rule_evaluations_total",
        ),
    ),
    _signal(
        id="grafana_alert_scheduler_behind",
        title="alert scheduler behind",
        meaning="How late Grafana's alert scheduler runs. All alerts are late by as much: its database is slow, or it lacks CPU.",
        unit="seconds",
        floor=5,
        warn=Threshold(value=10, reason="one tick of the scheduler (10 s)"),
        variants=_asked(
            "max by (instance) (grafana_alerting_scheduler_behind_seconds{$scope})",
            "grafana_alerting_scheduler_behind_seconds",
        ),
    ),
    _signal(
        id="grafana_notification_failures",
        title="notifications that fail",
        meaning="Alerts that a contact point did not take, by its kind: nobody was told. Test the contact point in Grafana.",
        unit="per_second",
        combine="sum",
        floor=ANY,
        warn=Threshold(value=ANY, reason="each one is an alert that nobody saw there"),
        variants=_asked(
            # the counter of failures exists only from the first one on
            "sum by (integration) (rate(grafana_alerting_notifications_failed_total{$scope}[$rate]))"
            " or 0 * sum by (integration) (rate(grafana_alerting_notifications_total{$scope}[$rate]))",
            "grafana_alerting_notifications_total",
        ),
    ),
    # ----------------------------------------------------------- the database, the process
    _signal(
        id="grafana_database_connections",
        title="database connections in use",
        meaning="Connections of Grafana's own pool that are busy. If it only grows, its database is slow or locked.",
        unit="count",
        floor=10,
        variants=_asked("max by (instance) (grafana_database_conn_in_use{$scope})", "grafana_database_conn_in_use"),
    ),
    _signal(
        id="grafana_database_wait",
        title="requests that wait for a database connection",
        meaning="How many requests wait, on average. Raise max_open_conn in [database], or find what makes its database slow.",
        unit="count",
        floor=0.5,
        warn=Threshold(value=1, reason="somebody waits for a connection all the time: the pool is too small"),
        variants=_asked(
            # seconds waited in a second: by Little's law the number that waits
            "max by (instance) (rate(grafana_database_conn_wait_duration_seconds{$scope}[$rate]))",
            "grafana_database_conn_wait_duration_seconds",
        ),
    ),
    memory(
        "Grafana",
        "grafana",
        meaning="Resident memory of the process, without its plugins. It follows large query results; the task's limit kills it.",
        floor=256 * MIB,
    ),
)
