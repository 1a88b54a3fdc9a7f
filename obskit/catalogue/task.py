"""Whether a service's tasks can be scraped, and how its runtime feels."""

from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="task_up",
        topic="task",
        title="scrapes that succeed",
        unit="ratio",
        bad="down",
        combine="mean",
        floor=0.3,
        variants=(Variant(name="Prometheus", query="min by ($service, $task) (up{$svc})", needs=("up",)),),
    ),
    Signal(
        id="task_start_time",
        topic="task",
        title="newest start of a process",
        unit="seconds",
        bad="both",
        combine="max",
        floor=1e12,
        variants=(
            Variant(
                name="process",
                query="max by ($service, $task) (process_start_time_seconds{$svc})",
                needs=("process_start_time_seconds",),
            ),
        ),
    ),
    Signal(
        id="runtime_gc_ratio",
        topic="task",
        title="share of time spent in garbage collection",
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.1, reason="a tenth of all time is the point at which tuning guides call GC a problem"),
        variants=(
            Variant(
                name="Node prom-client",
                query="sum by ($service, $task) (rate(nodejs_gc_duration_seconds_sum{$svc}[$rate]))",
                needs=("nodejs_gc_duration_seconds_sum",),
            ),
            Variant(
                name="Micrometer",
                query="sum by ($service, $task) (rate(jvm_gc_pause_seconds_sum{$svc}[$rate]))",
                needs=("jvm_gc_pause_seconds_sum",),
            ),
            Variant(
                name="Prometheus JVM client",
                query="sum by ($service, $task) (rate(jvm_gc_collection_seconds_sum{$svc}[$rate]))",
                needs=("jvm_gc_collection_seconds_sum",),
            ),
        ),
    ),
    Signal(
        id="runtime_loop_lag",
        topic="task",
        title="event loop lag, p99",
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.2, reason="every request waits at least this long before its handler runs"),
        variants=(
            Variant(
                name="Node prom-client",
                query="max by ($service, $task) (nodejs_eventloop_lag_p99_seconds{$svc})",
                needs=("nodejs_eventloop_lag_p99_seconds",),
            ),
            Variant(
                name="Node prom-client, mean",
                query="max by ($service, $task) (nodejs_eventloop_lag_seconds{$svc})",
                needs=("nodejs_eventloop_lag_seconds",),
            ),
        ),
    ),
    Signal(
        id="runtime_heap_bytes",
        topic="task",
        title="managed heap in use",
        unit="bytes",
        bad="up",
        combine="max",
        floor=20 * 2**20,
        variants=(
            Variant(
                name="Node prom-client",
                query="max by ($service, $task) (nodejs_heap_size_used_bytes{$svc})",
                needs=("nodejs_heap_size_used_bytes",),
            ),
            Variant(
                name="Micrometer",
                query='sum by ($service, $task) (jvm_memory_used_bytes{area="heap",$svc})',
                needs=("jvm_memory_used_bytes",),
            ),
            Variant(
                name="Go client",
                query="max by ($service, $task) (go_memstats_heap_inuse_bytes{$svc})",
                needs=("go_memstats_heap_inuse_bytes",),
            ),
        ),
    ),
    Signal(
        id="runtime_heap_ratio",
        topic="task",
        title="managed heap in use of its maximum",
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.9, reason="the collector runs back to back from here on"),
        variants=(
            Variant(
                name="Micrometer",
                query=(
                    'sum by ($service, $task) (jvm_memory_used_bytes{area="heap",$svc})'
                    ' / sum by ($service, $task) (jvm_memory_max_bytes{area="heap",$svc} > 0)'
                ),
                needs=("jvm_memory_used_bytes", "jvm_memory_max_bytes"),
            ),
        ),
    ),
    Signal(
        id="runtime_threads",
        topic="task",
        title="threads or goroutines",
        unit="count",
        bad="up",
        combine="max",
        floor=20,
        variants=(
            Variant(
                name="Micrometer",
                query="max by ($service, $task) (jvm_threads_live_threads{$svc})",
                needs=("jvm_threads_live_threads",),
            ),
            Variant(
                name="Go client",
                query="max by ($service, $task) (go_goroutines{$svc})",
                needs=("go_goroutines",),
            ),
        ),
    ),
)
