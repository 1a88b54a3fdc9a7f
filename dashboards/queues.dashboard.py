"""Caches and queues: what the services lean on beside the database."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "queues",
    title="Caches and queues",
    description="Redis or Valkey, and the brokers: whether they answer, how full they are, what waits.",
    groups=(
        group(
            "Now",
            stat("cache_instance_up"),
            stat("cache_memory_ratio"),
            stat("cache_hit_ratio"),
            stat("queue_backlog"),
            stat("queue_delay"),
            stat("queue_own_consumers"),
        ),
        group(
            "Caches",
            "cache_instance_up",
            "cache_memory_ratio",
            "cache_hit_ratio",
            "cache_evictions",
            "cache_clients_ratio",
            "cache_cpu_ratio",
            runbook="causes/cache_failure",
        ),
        group(
            "Queues",
            "queue_backlog",
            "queue_growth",
            panel("queue_delay", "queue_oldest_seconds", title="How long messages wait"),
            "queue_own_consumers",
            "queue_dead_letters",
            runbook="causes/messaging_failure",
        ),
    ),
)
