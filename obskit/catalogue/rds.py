"""The database instance as RDS measures it, through CloudWatch.

Both CloudWatch exporters give these metrics the same names; YACE calls the instance
``dimension_DBInstanceIdentifier``, the official one ``dbinstance_identifier``. Only percent signs in
CloudWatch's names differ: YACE writes them out, as is asked here, the official one drops them.
"""

from obskit.model import DATABASE, Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="rds_cpu_ratio",
        topic="rds",
        title="CPU of the database instance",
        meaning=(
            "Near 1 every statement is slower and queues grow. Look for the statements that take the most "
            "time, then for more traffic; a larger instance is the last resort at night."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.1,
        warn=Threshold(
            value=0.8, reason="the level that AWS's guidance for RDS alarms uses: little room is left for a burst"
        ),
        crit=Threshold(value=0.95, reason="no room left: statements queue for CPU"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="max by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_cpuutilization_average{$scope}) / 100",
                needs=("aws_rds_cpuutilization_average",),
            ),
        ),
    ),
    Signal(
        id="rds_connections",
        topic="rds",
        title="connections to the database instance",
        meaning=(
            "Sessions that the instance counts. A climb with unchanged traffic is a leak or a deployment "
            "that runs old and new tasks together; the limit depends on the instance's memory."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=5,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="max by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_database_connections_average{$scope})",
                needs=("aws_rds_database_connections_average",),
            ),
        ),
    ),
    Signal(
        id="rds_free_storage_bytes",
        topic="rds",
        title="free storage of the database instance",
        meaning=(
            "When it reaches zero the instance stops (storage-full). Find what grows: tables, temporary "
            "files, or a replication slot that keeps the log; storage can be enlarged while it runs."
        ),
        unit="bytes",
        bad="down",
        scope="shared",
        entity=DATABASE,
        combine="min",
        floor=2**30,
        warn=Threshold(value=10 * 2**30, reason="half of the smallest volume (20 GiB): hours at an ordinary growth"),
        crit=Threshold(
            value=2 * 2**30,
            reason=(
                "a tenth of the smallest volume, where storage autoscaling steps in: what is left goes within "
                "one large query"
            ),
        ),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="min by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_free_storage_space_average{$scope})",
                needs=("aws_rds_free_storage_space_average",),
            ),
        ),
    ),
    Signal(
        id="rds_free_memory_bytes",
        topic="rds",
        title="free memory of the database instance",
        meaning=(
            "When it runs low the instance swaps, then restarts. Look for many connections and for large "
            "sorts (work_mem times sessions)."
        ),
        unit="bytes",
        bad="down",
        scope="shared",
        entity=DATABASE,
        combine="min",
        floor=100 * 2**20,
        warn=Threshold(value=256 * 2**20, reason="room for a few dozen sessions more, on any instance class"),
        crit=Threshold(value=100 * 2**20, reason="the next large sort makes the instance swap"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="min by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_freeable_memory_average{$scope})",
                needs=("aws_rds_freeable_memory_average",),
            ),
        ),
    ),
    Signal(
        id="rds_read_latency",
        topic="rds",
        title="time of a disk read",
        meaning=(
            "What one read from storage takes. When it rises, the workload exceeds what volume or "
            "instance can do: look at the queue and at burst credits, and for a query that scans."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.005,
        warn=Threshold(value=0.02, reason="AWS: latencies above 20 ms are likely a cause for investigation"),
        crit=Threshold(
            value=0.1,
            reason=("a hundred times what a healthy volume takes: each block not in memory costs a tenth of a second"),
        ),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="max by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_read_latency_average{$scope})",
                needs=("aws_rds_read_latency_average",),
            ),
        ),
    ),
    Signal(
        id="rds_write_latency",
        topic="rds",
        title="time of a disk write",
        meaning=(
            "What one write to storage takes; every commit waits for it. When it rises, commits and so "
            "requests are slow: look at the queue and at burst credits."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.005,
        warn=Threshold(value=0.02, reason="AWS: latencies above 20 ms are likely a cause for investigation"),
        crit=Threshold(value=0.1, reason="every commit costs a tenth of a second"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="max by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_write_latency_average{$scope})",
                needs=("aws_rds_write_latency_average",),
            ),
        ),
    ),
    Signal(
        id="rds_disk_queue",
        topic="rds",
        title="disk requests that wait",
        meaning=(
            "Reads and writes that storage has not answered yet. A queue that stays means that the volume "
            "is at its limit of IOPS or throughput."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=2,
        warn=Threshold(value=10, reason="a few are in flight on any busy volume; ten that stay are a queue"),
        crit=Threshold(value=64, reason="far beyond what a volume serves at once: latency grows with every request"),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="max by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_disk_queue_depth_average{$scope})",
                needs=("aws_rds_disk_queue_depth_average",),
            ),
        ),
    ),
    Signal(
        id="rds_io_credits_ratio",
        topic="rds",
        title="I/O credits left, of a full bucket",
        meaning=(
            "Small instance classes go beyond their baseline of disk requests only while they have credits. At 0 they "
            "fall back to it, and reads and commits wait. Find the job that spends them, or take a larger class."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=DATABASE,
        combine="min",
        floor=0.1,
        warn=Threshold(
            value=0.2,
            reason="AWS: a full bucket lasts half an hour at the most that the class can do; a fifth is six minutes",
        ),
        variants=(
            Variant(
                name="CloudWatch exporter",
                query="min by (dimension_DBInstanceIdentifier, dbinstance_identifier) (aws_rds_ebsiobalance_percent_average{$scope}) / 100",
                needs=("aws_rds_ebsiobalance_percent_average",),
            ),
        ),
    ),
)
