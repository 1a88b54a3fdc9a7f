"""Alerts on what Prometheus does: scrape, evaluate, store, forward and answer.

From the targets that it finds to the Alertmanagers that it tells: prometheus_delivery.
"""

from functools import partial

from obskit.ascode.alerts import Condition, alert

_page = partial(alert, severity="page", kind="cause", cause="telemetry_blind")
_ticket = partial(alert, severity="ticket", kind="cause", cause="telemetry_blind", level="warn")

_GIB = 1024**3

RULES = (
    # ---------------------------------------------------------------------------- scrapes
    # Covers: AlertmanagerClusterDown
    _page(
        "PrometheusJobUnseen",
        "prometheus_targets_up_ratio",
        level=0,
        reason="where one target still answers, alerts on the job can fire: PrometheusTargetDown is a ticket",
        summary="{value} of the targets of {job} answer Prometheus",
        description=(
            "Alerts on {job} cannot fire, and sums over it mislead. First see by the balancer and by ECS whether it"
            " works: then it is the way from Prometheus to it."
        ),
        hold="10m",
        hold_reason="a deployment that replaces all tasks at once starts them within minutes; ten are an outage",
    ),
    _ticket(
        "PrometheusTargetDown",
        "prometheus_targets_down",
        summary="{value} targets of {job} do not answer Prometheus",
        description="What does not answer is not watched. Prometheus' page /targets has the error of the last scrape.",
        hold="15m",
        hold_reason="a task that stopped leaves service discovery within minutes; what stays down longer should run",
    ),
    # Covers: PrometheusScrapeSampleLimitHit, PrometheusScrapeBodySizeLimitHit, PrometheusLabelLimitHit
    _ticket(
        "PrometheusScrapesRefused",
        "prometheus_scrapes_over_limit",
        summary="{instance} throws {value} scrapes away because they are too large",
        description="A target's series grew beyond a limit: nothing of it is stored. Find the new label.",
        hold="15m",
        hold_reason="every scrape fails until somebody acts; a quarter of an hour spares a deployment's short doubling",
    ),
    # Covers: PrometheusDuplicateTimestamps, PrometheusOutOfOrderTimestamps
    _ticket(
        "PrometheusSamplesRejected",
        "prometheus_samples_rejected",
        summary="{instance} rejects {value} samples for their time",
        description="Two targets expose the same series, or a clock is wrong: graphs jump. Prometheus' log names one.",
        hold="15m",
        hold_reason="a replaced task may answer under the old labels for minutes; two that last collide for good",
    ),
    # ------------------------------------------------------------------------------ rules
    # Covers: PrometheusRuleFailures
    _page(
        "PrometheusRulesBroken",
        "prometheus_rule_failures",
        summary="In {rule_group} rules fail {value}, at every evaluation",
        description=(
            "An alert in it does not fire and one that fired looks solved; what it records has gaps. Its error stands"
            " on Prometheus' page /rules."
        ),
        hold="10m",
        hold_reason="a restart evaluates before its data is back; ten minutes of failures come from rule or data",
    ),
    # Covers: PrometheusRuleFailures
    _ticket(
        "PrometheusRulesFailing",
        "prometheus_rule_failures",
        summary="In {rule_group} rules fail {value}, now and then",
        description="Mostly a time-out, or series that exist twice for a moment: an alert may come late, or twice.",
        hold="15m",
        hold_reason="one failure shows for five minutes; three times as long is more than one",
    ),
    # Covers: PrometheusMissingRuleEvaluations
    _ticket(
        "PrometheusRulesLate",
        "prometheus_rule_missed",
        summary="{rule_group} misses {value} evaluations",
        description="A group takes longer than its interval, so its alerts come late. Split it, or speed its rules up.",
        hold="15m",
        hold_reason="compaction and a large query slow it for minutes; what goes on is the group itself",
    ),
    # ---------------------------------------------------------------------------- storage
    # Covers: PrometheusTSDBReloadsFailing, PrometheusTSDBCompactionsFailing
    _ticket(
        "PrometheusCompactionFailing",
        "prometheus_compaction_failures",
        summary="Compactions or block reloads of {instance} fail, {value}",
        description="Memory and disk grow. Mostly the disk is full; else a block is broken: see its log.",
        hold="30m",
        hold_reason="it is tried anew each minute: after half an hour it does not heal, and some hours are left",
    ),
    _ticket(
        "PrometheusWalFailing",
        "prometheus_wal_failures",
        summary="The write-ahead log of {instance} fails, {value}",
        description="What is not in it is lost at the next restart. Look at the disk: full, slow or broken.",
        hold="2m",
        hold_reason="one failed write is data lost already; two minutes only to see it in two evaluations",
    ),
    _ticket(
        "PrometheusStorageFilling",
        "prometheus_storage_bytes",
        level=16 * _GIB,
        reason="four fifths of the 20 GiB that a Fargate task has unless it asks for more, image included",
        summary="Prometheus' storage at {instance} holds {value}",
        description=(
            "A full disk stops it. Set storage.tsdb.retention.size, or a larger volume; with another volume, change"
            " this level with it."
        ),
        hold="1h",
        hold_reason="a compaction holds old and new blocks together for some minutes; deletion follows within the hour",
    ),
    _ticket(
        "PrometheusSeriesExploding",
        "prometheus_series_growth_ratio",
        summary="{instance} holds {value} of the series that it had a day ago",
        description="A label has got many values, and memory follows. Its page /tsdb-status lists the largest.",
        hold="30m",
        hold_reason="what a deployment leaves behind rarely adds half; an explosion goes on",
        where=(
            Condition(
                signal="prometheus_head_series",
                op=">=",
                value=100_000,
                reason="one more exporter doubles a small Prometheus, which has room for it",
            ),
        ),
    ),
    # ------------------------------------------------------------------- forward and answer
    # Covers: PrometheusRemoteWriteBehind, PrometheusRemoteWriteDesiredShards
    _ticket(
        "PrometheusRemoteWriteBehind",
        "prometheus_remote_write_lag",
        level="crit",
        summary="Remote write of {instance} to {remote_name} is {value} behind",
        description="What is two hours behind is lost. The store is slow or throttles: read its answers in the log.",
        hold="15m",
        hold_reason="after a restart it reads its log again and catches up within minutes; loss begins only after 2 h",
    ),
    # Covers: PrometheusRemoteStorageFailures
    _ticket(
        "PrometheusRemoteWriteLosing",
        "prometheus_remote_write_failed_ratio",
        level="crit",
        summary="{remote_name} refuses {value} of the samples for good",
        description="They are not sent again: what reads the remote store sees gaps. Its answer stands in the log.",
        hold="15m",
        hold_reason="samples too old after a restart are refused for minutes; limits and credentials refuse for good",
    ),
    # Covers: PrometheusHighQueryLoad
    _ticket(
        "PrometheusQueriesSaturated",
        "prometheus_queries_ratio",
        summary="{instance} runs {value} of the queries that it may",
        description="Beyond it dashboards and rules queue behind each other. Find who asks so much or so slowly.",
        hold="15m",
        hold_reason="somebody opens a large dashboard for minutes; a quarter of an hour is a program that asks",
    ),
)
# Left out: PrometheusKubernetesListWatchFailures: there is no Kubernetes here.
