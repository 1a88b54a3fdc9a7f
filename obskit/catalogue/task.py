"""Whether a service's tasks can be scraped, how often they start, and how their runtime feels."""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant


def _starts(metric: str, *, name: str) -> Variant:
    """Return how often a start time moved in 15 minutes, plus one for a task that is new since then.

    The busiest process of a task stands for it, so that sidecars do not count one start twice.
    A task that ended meanwhile still counts.
    """
    seen = f"last_over_time({metric}{{$svc}}[15m])"
    return Variant(
        name=name,
        query=(
            f"max by ($service, $task) (changes({metric}{{$svc}}[15m]))"
            f" + (group by ($service, $task) ((time() - {seen} < 900) unless {metric}{{$svc}} offset 15m)"
            f" or 0 * max by ($service, $task) ({seen}))"
        ),
        needs=(metric,),
    )


def _starts_each(metric: str, *, name: str) -> Variant:
    """Return how often each of a service's tasks started in 15 minutes, on average.

    ECS gives what it starts anew another id, so a loop is many tasks that started once. Divided by
    the most tasks that ran at one time, a deployment or scaling out makes one at most.
    """
    most = f"max_over_time(count by ($service) (group by ($service, $task) ({metric}{{$svc}}))[15m:1m])"
    return Variant(name=name, query=f"sum by ($service) ({_starts(metric, name=name).query}) / {most}", needs=(metric,))


def _busy(metric: str, *, name: str, rest: str = "_sum") -> Variant:
    """Return the share of time that a duration's sum takes."""
    return Variant(
        name=name,
        query=f"sum by ($service, $task) (rate({metric}{rest}{{$svc}}[$rate]))",
        needs=(f"{metric}{rest}",),
    )


def _level(metric: str, *, name: str) -> Variant:
    return Variant(name=name, query=f"max by ($service, $task) ({metric}{{$svc}})", needs=(metric,))


SIGNALS = (
    Signal(
        id="task_up",
        topic="task",
        title="scrapes that succeed",
        meaning=(
            "Whether Prometheus reaches each task. 0 is a task that is gone, hangs, or that a security group hides:"
            " compare with the running tasks of ECS and with the balancer's view before restarting anything."
        ),
        unit="ratio",
        bad="down",
        combine="mean",
        floor=0.3,
        crit=Threshold(value=0.5, reason="of a task it is 0 or 1; of a service, half cannot be seen any more"),
        variants=(Variant(name="Prometheus", query="min by ($service, $task) (up{$svc})", needs=("up",)),),
    ),
    Signal(
        id="task_start_time",
        topic="task",
        title="newest start of a process",
        meaning=(
            "When each task's newest process began, in seconds since 1970. What begins with an incident is worth"
            " comparing with it: a start just before is a deployment or a crash."
        ),
        unit="seconds",
        bad="both",
        combine="max",
        floor=1e12,
        variants=(
            _level("process_start_time_seconds", name="process"),
            _level("container_start_time_seconds", name="cAdvisor"),
        ),
    ),
    Signal(
        id="runtime_gc_ratio",
        topic="task",
        title="share of time spent in garbage collection",
        meaning=(
            "How much of its time the runtime spends cleaning up. It rises when the heap is too small for what is held:"
            " look at the heap; more memory helps at once, the leak or the large request is the cause."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.1, reason="a tenth of all time is the point at which tuning guides call GC a problem"),
        crit=Threshold(value=0.5, reason="the program runs half of the time: every request takes twice as long"),
        variants=(
            _busy("nodejs_gc_duration_seconds", name="Node prom-client"),
            _busy("jvm_gc_pause_seconds", name="Micrometer"),
            _busy("jvm_gc_collection_seconds", name="Prometheus JVM client"),
            _busy("jvm_gc_duration_seconds", name="OpenTelemetry"),
            _busy("v8js_gc_duration_seconds", name="OpenTelemetry, Node"),
            # of Go's concurrent collector only the pauses are told
            _busy("go_gc_duration_seconds", name="Go client"),
        ),
    ),
    Signal(
        id="runtime_loop_lag",
        topic="task",
        title="event loop lag, p99",
        meaning=(
            "How long the event loop is blocked, so that everything else waits. Look for work on the loop:"
            " parsing of large bodies, synchronous calls, regular expressions that explode; CPU at one core confirms it."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.2, reason="every request waits at least this long before its handler runs"),
        crit=Threshold(value=1.0, reason="no request is answered within Nielsen's second, nor are health checks"),
        variants=(
            _level("nodejs_eventloop_lag_p99_seconds", name="Node prom-client"),
            _level("nodejs_eventloop_lag_seconds", name="Node prom-client, mean"),
            _level("nodejs_eventloop_delay_p99_seconds", name="OpenTelemetry"),
            _level("python_event_loop_lag_seconds", name="the demo application"),
        ),
    ),
    Signal(
        id="runtime_heap_bytes",
        topic="task",
        title="managed heap in use",
        meaning=(
            "What the runtime's own heap holds. Climbing from collection to collection it is a leak in the program;"
            " flat while the task's memory climbs, the leak is outside: buffers, threads, native libraries."
        ),
        unit="bytes",
        bad="up",
        combine="max",
        floor=20 * 2**20,
        variants=(
            _level("nodejs_heap_size_used_bytes", name="Node prom-client"),
            # OpenTelemetry gives this metric the same name and calls the label jvm_memory_type
            Variant(
                name="Micrometer",
                query='sum by ($service, $task) (jvm_memory_used_bytes{area=~"heap|",jvm_memory_type=~"heap|",$svc})',
                needs=("jvm_memory_used_bytes",),
            ),
            _level("go_memstats_heap_inuse_bytes", name="Go client"),
            Variant(
                name="Prometheus JVM client",
                query='sum by ($service, $task) (jvm_memory_bytes_used{area="heap",$svc})',
                needs=("jvm_memory_bytes_used",),
            ),
            Variant(
                name="OpenTelemetry",
                query='sum by ($service, $task) (jvm_memory_used_bytes{jvm_memory_type="heap",$svc})',
                needs=("jvm_memory_used_bytes",),
            ),
            Variant(
                name="OpenTelemetry, Node",
                query="sum by ($service, $task) (v8js_memory_heap_used_bytes{$svc})",
                needs=("v8js_memory_heap_used_bytes",),
            ),
            Variant(
                name="OpenTelemetry, Go",
                query='sum by ($service, $task) (go_memory_used_bytes{go_memory_type!="stack",$svc})',
                needs=("go_memory_used_bytes",),
            ),
        ),
    ),
    Signal(
        id="runtime_heap_ratio",
        topic="task",
        title="managed heap in use of its maximum",
        meaning=(
            "How near the runtime is to OutOfMemoryError. Restart the task to win time and take a heap dump first where"
            " one can; then look for what is held, or raise the maximum and the task's memory together."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.9, reason="the collector runs back to back from here on"),
        crit=Threshold(value=0.97, reason="the next large allocation throws OutOfMemoryError"),
        variants=(
            Variant(
                name="Micrometer",
                query=(
                    'sum by ($service, $task) (jvm_memory_used_bytes{area="heap",$svc})'
                    ' / sum by ($service, $task) (jvm_memory_max_bytes{area="heap",$svc} > 0)'
                ),
                needs=("jvm_memory_used_bytes", "jvm_memory_max_bytes"),
            ),
            Variant(
                name="Prometheus JVM client",
                query=(
                    'sum by ($service, $task) (jvm_memory_bytes_used{area="heap",$svc})'
                    ' / sum by ($service, $task) (jvm_memory_bytes_max{area="heap",$svc} > 0)'
                ),
                needs=("jvm_memory_bytes_used", "jvm_memory_bytes_max"),
            ),
            Variant(
                name="OpenTelemetry",
                query=(
                    'sum by ($service, $task) (jvm_memory_used_bytes{jvm_memory_type="heap",$svc})'
                    ' / sum by ($service, $task) (jvm_memory_limit_bytes{jvm_memory_type="heap",$svc} > 0)'
                ),
                needs=("jvm_memory_used_bytes", "jvm_memory_limit_bytes"),
            ),
        ),
    ),
    Signal(
        id="runtime_threads",
        topic="task",
        title="threads or goroutines",
        meaning=(
            "How many threads or goroutines exist. They pile up when each waits for something that does not come:"
            " look at the dependency or lock that they wait for (a thread dump, /debug/pprof/goroutine)."
        ),
        unit="count",
        bad="up",
        combine="max",
        floor=20,
        variants=(
            _level("jvm_threads_live_threads", name="Micrometer"),
            _level("go_goroutines", name="Go client"),
            _level("jvm_threads_current", name="Prometheus JVM client"),
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (jvm_thread_count{$svc})",
                needs=("jvm_thread_count",),
            ),
            _level("go_goroutine_count", name="OpenTelemetry, Go"),
            _level("process_thread_count", name="OpenTelemetry, process"),
            _level("process_threads", name="the demo application"),
        ),
    ),
    Signal(
        id="task_restarts",
        topic="task",
        title="starts in 15 minutes",
        meaning=(
            "How often each task, or its process, started in the last 15 minutes; a deployment and scaling out start"
            " each task once. More is a crash loop: read why ECS stopped the tasks (exit code, reason) and their last lines."
        ),
        unit="count",
        bad="up",
        weighed=False,
        warn=Threshold(value=2, reason="a deployment starts a task once; a second start within 15 minutes was a crash"),
        crit=Threshold(value=4, reason="a start every four minutes: the task does not stay up"),
        variants=(
            _starts("process_start_time_seconds", name="process"),
            _starts("container_start_time_seconds", name="cAdvisor"),
        ),
    ),
    Signal(
        id="task_uptime",
        topic="task",
        title="age of the newest process",
        meaning=(
            "How long ago each task's newest process began. Small values beside an incident point at a deployment or a"
            " crash; a saw-tooth is a crash loop."
        ),
        unit="seconds",
        bad="down",
        combine="min",
        weighed=False,
        variants=(
            Variant(
                name="process",
                query="min by ($service, $task) (time() - process_start_time_seconds{$svc})",
                needs=("process_start_time_seconds",),
            ),
            Variant(
                name="cAdvisor",
                query="min by ($service, $task) (time() - container_start_time_seconds{$svc})",
                needs=("container_start_time_seconds",),
            ),
        ),
    ),
    Signal(
        id="runtime_gc_runs",
        topic="task",
        title="garbage collections",
        meaning=(
            "How often the runtime collects garbage. More collections for the same traffic mean more garbage a request"
            " or a heap that is nearly full: look at the share of time that they take, and at the heap."
        ),
        unit="per_second",
        bad="up",
        weighed=False,
        variants=(
            _busy("python_gc_collections", name="Python client", rest="_total"),
            _busy("nodejs_gc_duration_seconds", name="Node prom-client", rest="_count"),
            _busy("go_gc_duration_seconds", name="Go client", rest="_count"),
            _busy("jvm_gc_pause_seconds", name="Micrometer", rest="_count"),
            _busy("jvm_gc_collection_seconds", name="Prometheus JVM client", rest="_count"),
            _busy("jvm_gc_duration_seconds", name="OpenTelemetry", rest="_count"),
            _busy("v8js_gc_duration_seconds", name="OpenTelemetry, Node", rest="_count"),
        ),
    ),
    Signal(
        id="runtime_loop_busy_ratio",
        topic="task",
        title="event loop busy",
        meaning=(
            "How much of its time the event loop works instead of waiting. Near 1 the one thread is full, whatever the"
            " task's CPU limit is: more tasks help, more CPU does not."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.15,
        warn=Threshold(value=0.8, reason="queueing: at four fifths busy a request waits four times its own work"),
        crit=Threshold(value=0.95, reason="queueing: at 19 of 20 busy a request waits nineteen times its own work"),
        variants=(_level("nodejs_eventloop_utilization_ratio", name="OpenTelemetry"),),
    ),
    Signal(
        id="service_tasks_up",
        topic="task",
        title="tasks that answer their scrape",
        meaning=(
            "How many tasks of a service Prometheus reaches. 0 means that none is left, also where discovery has already"
            " forgotten them: compare with ECS's running tasks; where these run, the way to them is closed."
        ),
        unit="count",
        bad="down",
        weighed=False,
        crit=Threshold(value=0.5, reason="it is a whole number: no task answers"),
        variants=(
            Variant(
                name="Prometheus",
                # A task counts as long as one of its targets answers: the exporter beside it may fail alone.
                query=(
                    "sum by ($service) (max by ($service, $task) (up{$svc}))"
                    " or 0 * group by ($service) (last_over_time(up{$svc}[6h]))"
                ),
                needs=("up",),
            ),
        ),
    ),
    Signal(
        id="service_starts",
        topic="task",
        title="starts of each task in 15 minutes",
        meaning=(
            "How often a service's tasks started in 15 minutes, by how many there are: a deployment makes one, whatever"
            " their number. More is a loop: read why ECS stopped them (exit code, reason) and their last lines."
        ),
        unit="count",
        bad="up",
        combine="max",
        weighed=False,
        warn=Threshold(
            value=1.5, reason="a deployment makes one: half of the tasks started twice, or few of them often"
        ),
        crit=Threshold(value=3, reason="each task starts every five minutes: it does not stay up"),
        variants=(
            _starts_each("process_start_time_seconds", name="process"),
            _starts_each("container_start_time_seconds", name="cAdvisor"),
        ),
    ),
)
