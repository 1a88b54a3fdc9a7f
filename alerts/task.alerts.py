"""Alerts on whether a service's tasks are there, stay there, and get on with their work."""

from obskit.ascode.alerts import alert
from obskit.ascode.alerts.rule import Condition

_SCALED_TO_ZERO = Condition(
    signal="ecs_desired_tasks", op="<=", value=0, reason="nobody wants a task: it was scaled to zero on purpose"
)

RULES = (
    alert(
        "ServiceDown",
        "service_tasks_up",
        severity="page",
        kind="symptom",
        summary="No task of {service} answers Prometheus",
        description=(
            "Either none runs, or Prometheus reaches none: ECS's running tasks and the balancer's healthy targets tell"
            " which. It ends six hours after the last scrape; what was taken down on purpose needs a silence."
        ),
        hold="4m",
        hold_reason="a service of one task that is stopped before the next one starts is away for up to three minutes",
        total=True,
        unless=(_SCALED_TO_ZERO,),
        keep="5m",
        keep_reason="a task that starts, answers once and dies again has not brought the service back",
    ),
    alert(
        "TaskUnreachable",
        "task_up",
        severity="ticket",
        kind="cause",
        summary="A task of {service} does not answer its scrape",
        description=(
            "Others of {service} do, so users mostly do not notice, and nobody sees how this one does. It hangs, its"
            " metrics port is closed to Prometheus, or discovery keeps a task that is gone."
        ),
        hold="15m",
        hold_reason="a task that ends is scraped until discovery has noticed, at most a few minutes",
        where=(Condition(signal="service_tasks_up", op=">=", value=1, reason="where none answers, ServiceDown pages"),),
    ),
    # Covers: KubePodCrashLooping
    alert(
        "TaskCrashLooping",
        "service_starts",
        severity="page",
        kind="cause",
        summary="Each task of {service} started {value} times in 15 minutes",
        description=(
            "The tasks do not stay up, and each start costs users the requests of the one before. ECS's stopped"
            " tasks say why (exit code, reason); where a deployment began it, roll it back."
        ),
        hold="2m",
        hold_reason="starts are counted over 15 minutes, which is patience enough; this waits for further scrapes",
        keep="15m",
        keep_reason="ECS waits longer between starts the more fail, so that a loop looks over while it is not",
    ),
    # Covers: KubePodNotReady
    alert(
        "TaskRestarting",
        "service_starts",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="Each task of {service} started {value} times in 15 minutes",
        description=(
            "More than a deployment makes. Unless somebody deployed twice, tasks of {service} crash or fail their"
            " health check now and then; their stop reasons tell which."
        ),
        hold="5m",
        hold_reason="a deployment that meets a task which was just replaced is above it for a moment only",
    ),
    # Covers: JvmGcTimeTooHigh, GoGcCpuFractionHigh, JvmOldGenGcFrequency
    alert(
        "RuntimeGcHigh",
        "runtime_gc_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="runtime_pause",
        summary="A task of {service} spends {value} of its time in garbage collection",
        description=(
            "Requests stand still for as long. The heap is too small for what is held, or something makes much garbage:"
            " compare the heap with an hour ago. Concurrent collectors (ZGC) count time in which nothing stands."
        ),
        hold="15m",
        hold_reason="loading caches after a start makes much garbage, for minutes",
    ),
    # Covers: JvmMemoryFillingUp
    alert(
        "RuntimeHeapExhausted",
        "runtime_heap_ratio",
        severity="page",
        kind="cause",
        cause="runtime_heap_exhausted",
        summary="A task of {service} has {value} of its heap in use and collects without gaining",
        description=(
            "The next large allocation throws OutOfMemoryError, and a JVM that survives it is half dead. Take a class"
            " histogram, then replace the tasks; look for what is held since the last deployment."
        ),
        hold="5m",
        hold_reason="a saw-tooth is at its tip for seconds; a heap that stays there is full of what is held",
        where=(
            Condition(
                signal="runtime_gc_ratio",
                op=">=",
                value=0.1,
                reason="a heap may fill up between collections; one that is collected all the time is too small",
            ),
        ),
    ),
    alert(
        "EventLoopBlocked",
        "runtime_loop_lag",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="runtime_pause",
        summary="The event loop of a task of {service} is blocked for {value} (p99)",
        description=(
            "Every request in that moment waits, and health checks too. Look for synchronous work on the loop: parsing"
            " of large bodies, regular expressions, crypto; a CPU profile of half a minute names it."
        ),
        hold="15m",
        hold_reason="loading modules after a start blocks the loop, for less than a minute",
    ),
)
# Left out: GoGoroutineCountHigh, GoThreadCountHigh, JvmThreadCountHigh, GoHeapObjectsCountHigh, GoStackMemoryHigh:
#   no number fits two services; what they lead to (memory, descriptors, hanging requests) alerts.
# Left out: JvmThreadsDeadlocked, JvmThreadsBlocked: workers and requests that hang alert; the thread dump says why.
# Left out: JvmNon-heapMemoryFillingUp, JvmDirectBufferPoolFillingUp, GoMemoryUsageHigh: the task's memory covers it.
# Left out: GoGcDurationHigh, GoHeapIn-useGrowing, JvmObjectsPendingFinalization: RuntimeGcHigh says it.
# Left out: JvmClassLoadingAnomaly, JvmCompilationTimeSpike: a start does it; nobody acts.
