"""Alerts on the RDS instance, as CloudWatch measures it.

YACE and CloudWatch's official exporter name the instance by different labels; one of the two is
empty, so that both are written one after the other. The official exporter gives samples the time
of CloudWatch, ten minutes ago, which no rule finds: set ``set_timestamp: false`` there.
"""

from obskit.ascode.alerts import Condition, alert

_INSTANCE = "{dimension_DBInstanceIdentifier}{dbinstance_identifier}"
#: By Little's law the queue is requests a second times their latency.
_BUSY = Condition(
    signal="rds_disk_queue",
    op=">=",
    value=1,
    reason="the latency of a few requests a minute is chance: less than one in flight hurts nobody",
)

RULES = (
    # Covers: AwsRdsHighCpuUtilization
    alert(
        "RdsCpuHigh",
        "rds_cpu_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary=f"The CPU of {_INSTANCE} is {{value}} busy",
        description=(
            "Little room is left for a burst. Find the statements that take the most time before the instance is made "
            "larger; on a t class look at its CPU credits."
        ),
        hold="1h",
        hold_reason="nightly jobs, dumps and index builds use what is there for less than an hour",
    ),
    alert(
        "RdsCpuExhausted",
        "rds_cpu_ratio",
        severity="page",
        kind="cause",
        cause="slow_queries",
        summary=f"The CPU of {_INSTANCE} is {{value}} busy: statements queue for it",
        description=(
            "Every statement of every service is slower, and pools fill. Look for the statement that runs most often "
            "or longest, then for more traffic or a release."
        ),
        hold="15m",
        hold_reason="a vacuum or a report may take all of it for minutes; a quarter of an hour is an outage",
    ),
    # Covers: AwsRdsLowFreeStorageSpace
    alert(
        "RdsStorageLow",
        "rds_free_storage_bytes",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="disk_full",
        summary=f"{_INSTANCE} has {{value}} of storage left",
        description=(
            "When it reaches zero the instance stops taking writes. Find what grows, or enlarge the volume while there "
            "is time: it is done online, and only once in about six hours."
        ),
        hold="30m",
        hold_reason="temporary files of a large query give their space back when it ends",
    ),
    alert(
        "RdsStorageFullSoon",
        "rds_free_storage_bytes",
        severity="page",
        kind="cause",
        cause="disk_full",
        summary=f"{_INSTANCE} will have {{value}} of storage left in four hours",
        description=(
            "At the pace of the last hour the volume is full before somebody comes to work. Look for a runaway query's "
            "temporary files, a replication slot that keeps the log, or a load; enlarge the volume if in doubt."
        ),
        hold="1h",
        hold_reason="the line is laid through an hour: a load of half an hour that has ended has left it by then",
        keep="10m",
        keep_reason="so that it goes on until RdsStorageAlmostFull, which waits five minutes, has taken over",
        ahead="4h",
        where=(
            Condition(
                signal="rds_free_storage_bytes",
                op=">",
                value=2 * 2**30,
                reason="below it RdsStorageAlmostFull speaks",
            ),
        ),
    ),
    alert(
        "RdsStorageAlmostFull",
        "rds_free_storage_bytes",
        severity="page",
        kind="cause",
        cause="disk_full",
        summary=f"{_INSTANCE} has only {{value}} of storage left",
        description=(
            "One large sort or an hour of log fills it, and a full instance takes no writes. Enlarge the volume now, "
            "then find what grew."
        ),
        hold="5m",
        hold_reason="five points of CloudWatch: not one statement's temporary file",
        keep="15m",
        keep_reason="temporary files come and go around the limit",
    ),
    alert(
        "RdsMemoryLow",
        "rds_free_memory_bytes",
        level="warn",
        severity="ticket",
        kind="cause",
        summary=f"{_INSTANCE} has {{value}} of memory left",
        description=(
            "The next sessions or sorts make it swap, and then a process is killed, which restarts the server. Look "
            "for many connections and a large work_mem."
        ),
        hold="30m",
        hold_reason="large sorts give their memory back when they end; half an hour is the instance's size",
    ),
    alert(
        "RdsReadsSlow",
        "rds_read_latency",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="slow_queries",
        summary=f"A disk read of {_INSTANCE} takes {{value}}",
        description=(
            "Statements that do not find their data in memory wait that long for each block. Look for burst credits "
            "that are used up, and for a query that scans."
        ),
        hold="30m",
        hold_reason="a backup or the first reads after a restart are slow for some minutes",
        where=(_BUSY,),
    ),
    alert(
        "RdsWritesSlow",
        "rds_write_latency",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="slow_queries",
        summary=f"A disk write of {_INSTANCE} takes {{value}}",
        description=(
            "Every commit waits for at least one. Look for burst credits that are used up, forced checkpoints and "
            "batch jobs that write."
        ),
        hold="30m",
        hold_reason="a backup or a bulk load slows writes for some minutes",
        where=(_BUSY,),
    ),
    alert(
        "RdsWritesStalled",
        "rds_write_latency",
        severity="page",
        kind="cause",
        cause="slow_queries",
        summary=f"A disk write of {_INSTANCE} takes {{value}}: commits stall",
        description=(
            "The volume is past its limit, and requests that write wait for it. Look at BurstBalance and at what "
            "writes; stopping a batch job is the quickest relief, more IOPS take minutes to hours."
        ),
        hold="10m",
        hold_reason="a checkpoint writes in bursts of a few minutes",
        where=(_BUSY,),
    ),
    alert(
        "RdsIoCreditsLow",
        "rds_io_credits_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary=f"{_INSTANCE} has {{value}} of its I/O credits left",
        description=(
            "Within minutes at this pace its class may do no more than its baseline of disk requests, and statements "
            "wait for the disk. Find the job that reads or writes so much; larger classes have no such bucket."
        ),
        hold="15m",
        hold_reason="three points of CloudWatch, five minutes apart: a checkpoint or a short report is over by then",
    ),
    alert(
        "RdsDiskQueue",
        "rds_disk_queue",
        level="warn",
        severity="ticket",
        kind="cause",
        summary=f"{{value}} requests wait for the disk of {_INSTANCE}",
        description=(
            "The volume nears its limit of IOPS or throughput: latency has begun to grow and will be felt with more "
            "traffic. Compare ReadIOPS and WriteIOPS with what the volume is provisioned for."
        ),
        hold="1h",
        hold_reason="backups and batch jobs queue for less than an hour",
        where=(
            Condition(
                signal="rds_write_latency",
                op=">=",
                value=0.005,
                reason="a volume of many IOPS keeps ten in flight at a millisecond each: that is no queue",
            ),
            Condition(signal="rds_write_latency", op="<", value=0.02, reason="from there on RdsWritesSlow says it"),
            Condition(signal="rds_read_latency", op="<", value=0.02, reason="from there on RdsReadsSlow says it"),
        ),
    ),
)

# Left out: a page on free memory: small classes live with less; when it hurts, the server restarts (PostgresDown).
# Left out: CloudwatchExporterScrapeError: of the exporter, not of RDS.
# Left out: CloudwatchExporterSlowScrape: as above.
# Left out: CloudwatchApiHighRequestRate: as above.
