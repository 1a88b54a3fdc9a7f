"""Redis or Valkey, as redis_exporter tells it."""

from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="cache_up",
        topic="cache",
        title="cache answers its exporter",
        unit="ratio",
        bad="down",
        scope="shared",
        entity="cache",
        combine="min",
        floor=0.5,
        variants=(Variant(name="redis_exporter", query="min(redis_up{$scope})", needs=("redis_up",)),),
    ),
    Signal(
        id="cache_memory_ratio",
        topic="cache",
        title="cache memory used",
        unit="ratio",
        bad="up",
        scope="shared",
        entity="cache",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.95, reason="beyond maxmemory Redis evicts, or refuses writes with OOM"),
        variants=(
            Variant(
                name="redis_exporter",
                query="max(redis_memory_used_bytes{$scope} / (redis_memory_max_bytes{$scope} > 0))",
                needs=("redis_memory_used_bytes", "redis_memory_max_bytes"),
            ),
        ),
    ),
    Signal(
        id="cache_evictions",
        topic="cache",
        title="keys evicted",
        unit="per_second",
        bad="up",
        scope="shared",
        entity="cache",
        floor=5,
        variants=(
            Variant(
                name="redis_exporter",
                query="sum(rate(redis_evicted_keys_total{$scope}[$rate]))",
                needs=("redis_evicted_keys_total",),
            ),
        ),
    ),
    Signal(
        id="cache_hit_ratio",
        topic="cache",
        title="cache hits",
        unit="ratio",
        bad="down",
        scope="shared",
        entity="cache",
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
        ),
    ),
)
