"""Alerts on Loki: whether lines arrive, are kept, and can be searched.

A page when nothing can be written or read, or when what was written is about to be lost; a ticket for the rest.
"""

from obskit.ascode.alerts import Condition, alert

RULES = (
    alert(
        "LokiDown",
        "loki_answering",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} instances of {job} answer",
        description=(
            "Nobody can search logs, and Alloy drops for good what Loki does not take within eight minutes."
            " Look first at why the last task stopped."
        ),
        hold="5m",
        hold_reason="a replaced Fargate task answers within three minutes; Alloy retries for eight, so three are left",
    ),
    alert(
        "LokiIngestionStopped",
        "loki_ingestion_share",
        severity="page",
        kind="symptom",
        summary="{job} receives {value} of the lines it usually does",
        description=(
            "Loki runs, and next to no line reaches it: an incident now would leave no logs."
            " Look first whether Alloy's writes fail or whether Alloy has nothing to write."
        ),
        hold="10m",
        hold_reason="replacing Loki or Alloy pauses the stream for minutes; after ten it does not come back by itself",
    ),
    alert(
        # Covers: LokiRequestErrors
        "LokiRequestsFailing",
        "loki_request_error_ratio",
        severity="page",
        kind="symptom",
        summary="{value} of Loki's requests to {route} are answered 5xx",
        description=(
            "On a push route lines wait in Alloy and are lost when its retries end; on a query route searches and"
            " rules on logs fail. Loki's own log names the reason."
        ),
        hold="15m",
        hold_reason="longer than Alloy's retries (8.5 minutes): what fails that long is lost, not late",
        keep="10m",
        keep_reason="Alloy backs off up to five minutes between tries, so that errors come in waves",
        where=(
            Condition(
                signal="loki_requests",
                op=">=",
                value=0.1,
                reason="of fewer than 30 requests in five minutes a tenth is three: one person's heavy query",
            ),
        ),
    ),
    alert(
        "LokiSomeRequestsFailing",
        "loki_request_error_ratio",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="{value} of Loki's requests to {route} are answered 5xx",
        description=(
            "Retries hide it from the writers; some searches and panels fail. Look at Loki's log for the route,"
            " then at its CPU, memory and S3."
        ),
        hold="1h",
        hold_reason="shorter waves come from deployments and single heavy queries, which need no work",
        where=(
            Condition(
                signal="loki_requests",
                op=">=",
                value=0.35,
                reason="of fewer than a hundred requests in five minutes a single one is a hundredth",
            ),
        ),
    ),
    alert(
        # Covers: LokiRequestLatency
        "LokiRequestsSlow",
        "loki_request_latency_p99",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="p99 of Loki's requests to {route} is {value}",
        description=(
            "Slow pushes back up in Alloy, which gives a request up after ten seconds; slow queries make people wait."
            " Look at Loki's CPU and disk for pushes, at the queries themselves for the others."
        ),
        hold="15m",
        hold_reason="as the mixin: a flush or one long search is over by then",
        where=(
            Condition(
                signal="loki_requests",
                op=">=",
                value=0.35,
                reason="of fewer than a hundred requests in five minutes the p99 is the slowest single search",
            ),
        ),
    ),
    alert(
        # Covers: LokiRequestPanics
        "LokiPanicking",
        "loki_panics",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{instance} of Loki panicked, {value}",
        description=(
            "Loki recovered, the request that crashed got a 500. The stack in its log leads to the bug:"
            " find out which query or push brings it about, and whether a release mends it."
        ),
        over="10m",
        hold="0s",
        hold_reason="a panic is no matter of duration; the counter shows it for ten minutes",
        keep="1h",
        keep_reason="the same query panics at each refresh of its dashboard: one ticket, not ten",
    ),
    alert(
        "LokiLinesDiscarded",
        "loki_lines_discarded",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="Loki discards {value} of lines: {reason}",
        description=(
            "These lines are missing from every search; only what a rate or stream limit refuses does Alloy send again."
            " The reason names the limit: find the service that meets it."
        ),
        hold="15m",
        hold_reason="a burst at a start or a crash is over by then; a service that always logs so is not",
    ),
    alert(
        "LokiFlushesFailing",
        "loki_flush_failures",
        level="warn",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="{instance} of Loki cannot store chunks, {value} fail",
        description=(
            "All lines since then are only in this task: memory grows until it is killed, and its disk goes with it."
            " Do not restart Loki; look first at the bucket's answer in its log."
        ),
        hold="30m",
        hold_reason="a flush is tried again within minutes; what fails for half an hour is denied or unreachable",
    ),
    alert(
        "LokiWalDiskFull",
        "loki_wal_disk_full",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="disk_full",
        summary="{instance} of Loki has a full disk, {value} of writes to its WAL fail",
        description=(
            "Loki takes lines in without a write-ahead log: a crash loses what is not flushed, up to two hours."
            " Flush before anybody restarts it, then give it a larger disk."
        ),
        hold="5m",
        hold_reason="a checkpoint frees old segments at that interval (checkpoint_duration)",
    ),
    alert(
        # Covers: LokiCompactorHasNotSuccessfullyRunCompaction (both: long ago, and never since the start)
        "LokiCompactionOverdue",
        "loki_compaction_overdue",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{job} has not compacted its index for {value}",
        description=(
            "Retention deletes nothing and queries open more and more small index files."
            " Loki's log says what the compactor failed at."
        ),
        hold="10m",
        hold_reason="one more compaction_interval: the run that is under way may still succeed",
    ),
    alert(
        # Covers: LokiTooManyCompactorsRunning
        "LokiTooManyCompactors",
        "loki_compactors",
        severity="ticket",
        kind="cause",
        summary="{value} compactors of {job} run at once",
        description=(
            "Two compactors rewrite the same index tables and can delete each other's files."
            " Look which tasks they are: a deployment that hangs, or a desired count above one."
        ),
        hold="15m",
        hold_reason="old and new task overlap during a deployment, for a drained target's five minutes and a start",
    ),
    alert(
        "LokiRulesFailing",
        "loki_rule_success_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="only {value} of the rules on logs of {job} are evaluated without an error",
        description=(
            "Alerts on logs that fail are silent, whatever happens. Loki's log names rule and error:"
            " mostly a query that runs into a time-out or a limit."
        ),
        hold="15m",
        hold_reason="a restarted Loki refuses queries for some evaluations; a broken rule fails at each",
    ),
)

# Not alerted on: loki_streams and loki_bytes_received (beyond their limits LokiLinesDiscarded says which was met),
# loki_flush_queue (LokiFlushesFailing, and it moves with each flush), loki_memory_bytes (its limit is the task's),
# loki_up of one instance while others answer (the alert on targets that are down says so for every job).
