"""Redis or Valkey, as redis_exporter or ElastiCache's metrics tell it.

CloudWatch sums over a period, which for ElastiCache is a minute: sums are divided by 60.
"""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

_CACHE = "cache"

SIGNALS = (
    Signal(
        id="cache_up",
        topic="cache",
        title="cache answers its exporter",
        meaning=(
            "Whether the cache answers at all. At 0 services fall back to the database or fail: look at the cache's own"
            " events (failover, maintenance, memory), then at the network and the password."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=_CACHE,
        combine="min",
        floor=0.5,
        crit=Threshold(value=0.5, reason="it is 0 or 1: one cache does not answer"),
        variants=(Variant(name="redis_exporter", query="min(redis_up{$scope})", needs=("redis_up",)),),
    ),
    Signal(
        id="cache_memory_ratio",
        topic="cache",
        title="cache memory used",
        meaning=(
            "How full the cache is. Full is normal for a cache that evicts; one that holds sessions or queues refuses"
            " writes (OOM command not allowed): enlarge it, or shorten what keys live."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_CACHE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.95, reason="beyond maxmemory Redis evicts, or refuses writes with OOM"),
        crit=Threshold(value=0.99, reason="at 1 every write evicts another key or is refused"),
        variants=(
            Variant(
                name="redis_exporter",
                query="max(redis_memory_used_bytes{$scope} / (redis_memory_max_bytes{$scope} > 0))",
                needs=("redis_memory_used_bytes", "redis_memory_max_bytes"),
            ),
            Variant(
                name="CloudWatch exporter",
                query="max(aws_elasticache_database_memory_usage_percentage_average{$scope}) / 100",
                needs=("aws_elasticache_database_memory_usage_percentage_average",),
            ),
        ),
    ),
    Signal(
        id="cache_evictions",
        topic="cache",
        title="keys evicted",
        meaning=(
            "Keys that were thrown out to make room. Some are normal; many, with a falling share of hits, send the"
            " reads to the database: enlarge the cache, or find who writes so much."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_CACHE,
        floor=5,
        variants=(
            Variant(
                name="redis_exporter",
                query="sum(rate(redis_evicted_keys_total{$scope}[$rate]))",
                needs=("redis_evicted_keys_total",),
            ),
            Variant(
                name="CloudWatch exporter",
                query="sum(aws_elasticache_evictions_sum{$scope}) / 60",
                needs=("aws_elasticache_evictions_sum",),
            ),
        ),
    ),
    Signal(
        id="cache_hit_ratio",
        topic="cache",
        title="cache hits",
        meaning=(
            "The share of reads that the cache could answer. When it falls the database takes the rest: look for a"
            " restart of the cache, evictions, or a deployment that changed the keys."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=_CACHE,
        combine="mean",
        floor=0.2,
        variants=(
            Variant(
                name="redis_exporter",
                query=(
                    "sum(rate(redis_keyspace_hits_total{$scope}[$rate]))"
                    " / (sum(rate(redis_keyspace_hits_total{$scope}[$rate]))"
                    " + sum(rate(redis_keyspace_misses_total{$scope}[$rate])))"
                ),
                needs=("redis_keyspace_hits_total", "redis_keyspace_misses_total"),
            ),
            Variant(
                name="CloudWatch exporter",
                query=(
                    "sum(aws_elasticache_cache_hits_sum{$scope})"
                    " / (sum(aws_elasticache_cache_hits_sum{$scope}) + sum(aws_elasticache_cache_misses_sum{$scope}))"
                ),
                needs=("aws_elasticache_cache_hits_sum", "aws_elasticache_cache_misses_sum"),
            ),
        ),
    ),
    Signal(
        id="cache_clients_ratio",
        topic="cache",
        title="cache connections used",
        meaning=(
            "How near the fullest cache is to its most clients. At 1 new ones are refused (max number of clients"
            " reached): look for a service that opens a connection a request."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_CACHE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.8, reason="a rolling deployment doubles a service's connections for a while"),
        crit=Threshold(value=0.95, reason="at 1 Redis closes every new connection"),
        variants=(
            Variant(
                name="redis_exporter",
                query="max by (instance) (redis_connected_clients{$scope} / (redis_config_maxclients{$scope} > 0))",
                needs=("redis_connected_clients", "redis_config_maxclients"),
            ),
            Variant(
                name="CloudWatch exporter",
                # ElastiCache allows 65,000 clients a node, and no parameter changes that.
                query=("max by (dimension_CacheClusterId) (aws_elasticache_curr_connections_average{$scope}) / 65000"),
                needs=("aws_elasticache_curr_connections_average",),
            ),
        ),
    ),
    Signal(
        id="cache_cpu_ratio",
        topic="cache",
        title="cache engine busy",
        meaning=(
            "How busy the one thread that runs commands is. Near 1 every command waits: look for slow ones"
            " (KEYS, large ranges, Lua; SLOWLOG names them) and for a hot key."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_CACHE,
        combine="max",
        floor=0.15,
        warn=Threshold(value=0.8, reason="queueing: at four fifths busy a command waits four times its own work"),
        crit=Threshold(value=0.9, reason="ElastiCache's guide sets the alarm at 90 % of the engine's one core"),
        variants=(
            Variant(
                name="redis_exporter",
                query=(
                    "max by (instance) (rate(redis_cpu_sys_main_thread_seconds_total{$scope}[$rate])"
                    " + rate(redis_cpu_user_main_thread_seconds_total{$scope}[$rate]))"
                ),
                needs=("redis_cpu_sys_main_thread_seconds_total", "redis_cpu_user_main_thread_seconds_total"),
            ),
            Variant(
                name="CloudWatch exporter",
                query=(
                    "max by (dimension_CacheClusterId) (aws_elasticache_engine_cpuutilization_average{$scope}) / 100"
                ),
                needs=("aws_elasticache_engine_cpuutilization_average",),
            ),
        ),
    ),
    Signal(
        id="cache_instance_up",
        topic="cache",
        title="each cache answers its exporter",
        meaning=(
            "Which cache answers: at 0 its exporter reaches it not. Look at its own events (failover, maintenance,"
            " memory) before network and password, and at the database that takes its reads."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=_CACHE,
        combine="min",
        weighed=False,
        crit=Threshold(value=0.5, reason="it is 0 or 1: this cache does not answer"),
        variants=(Variant(name="redis_exporter", query="min by (instance) (redis_up{$scope})", needs=("redis_up",)),),
    ),
)
