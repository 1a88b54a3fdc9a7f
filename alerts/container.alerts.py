"""Alerts on what a task uses of what it was given.

Causes mostly ticket here: what they do to users, latency and errors page. A page is only what
kills tasks within the hour or refuses their connections and writes.
"""

from obskit.ascode.alerts import alert
from obskit.ascode.alerts.rule import Condition

NEARLY_FULL = 0.9

RULES = (
    # Covers: ContainerHighCpuUtilization
    alert(
        "ContainerCpuSaturated",
        "container_cpu_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="cpu_saturation",
        summary="A task of {service} uses {value} of its CPU",
        description=(
            "Requests to {service} queue for CPU as soon as load rises a little. Scale out, then find what costs it:"
            " traffic, a deployment, garbage collection or retries."
        ),
        hold="15m",
        hold_reason="scaling out takes up to five minutes, a warm-up less; after that the limit is simply too small",
    ),
    # Covers: CPUThrottlingHigh, ContainerHighThrottleRate
    alert(
        "ContainerCpuThrottled",
        "container_cpu_throttled_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="cpu_throttled",
        summary="A task of {service} stands still in {value} of its CPU periods",
        description=(
            "The slowest requests of {service} are slower than they need be, even at low average CPU. Give the task"
            " the next size, or fewer threads."
        ),
        hold="15m",
        hold_reason="start-up is throttled for minutes in any small task",
        where=(
            Condition(
                signal="container_cpu_cores",
                op=">=",
                value=0.05,
                reason="an idle task has so few periods that a single one is a large share",
            ),
        ),
    ),
    # Covers: ContainerHighMemoryUsage
    alert(
        "ContainerMemoryHigh",
        "container_memory_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="memory_exhausted",
        summary="A task of {service} uses {value} of its memory",
        description=(
            "A burst of requests or one large one is enough to have it killed (exit code 137). Give it more memory,"
            " or see whether it grows: ContainerMemoryRunningOut pages when it is nearly there."
        ),
        hold="15m",
        hold_reason="a large request or a full collection gives its memory back within minutes",
    ),
    # Covers: GoMemoryLeak
    alert(
        "ContainerMemoryLeaking",
        "container_memory_ratio",
        level="crit",
        ahead="4h",
        severity="ticket",
        kind="cause",
        cause="memory_leak",
        summary="A task of {service} will use {value} of its memory in four hours",
        description=(
            "It grows along a straight line, and tasks of one deployment reach their limit within minutes of each"
            " other. Compare with the heap and with what was deployed when the climb began."
        ),
        hold="1h",
        hold_reason="the climb of a start has left the hour that the line is laid through",
        where=(
            Condition(
                signal="container_memory_ratio",
                op=">=",
                value=0.6,
                reason="below, it is far from its limit, and a cache that fills looks the same",
            ),
            Condition(
                signal="container_memory_ratio",
                op="<",
                value=NEARLY_FULL,
                reason="from there ContainerMemoryHigh says so",
            ),
        ),
    ),
    alert(
        "ContainerMemoryRunningOut",
        "container_memory_ratio",
        level=1,
        reason="the kernel kills what asks for more than its limit",
        ahead="1h",
        severity="page",
        kind="cause",
        cause="memory_exhausted",
        summary="A task of {service} will be out of memory within the hour",
        description=(
            "It is nearly full and still grows: at this rate it would need {value} of its memory in an hour, and its"
            " siblings are as old as it. Replace the tasks one after the other before the kernel does."
        ),
        hold="5m",
        hold_reason="a short burst bends the line, but not for five minutes",
        keep="15m",
        keep_reason="a task that was killed is empty, and its successor climbs again",
        where=(
            Condition(
                signal="container_memory_ratio",
                op=">=",
                value=NEARLY_FULL,
                reason="a line through the first minutes of a task rises steeply and means nothing",
            ),
        ),
    ),
    # Covers: JvmFileDescriptorsExhaustion
    alert(
        "FileDescriptorsHigh",
        "process_fds_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="file_descriptors_exhausted",
        summary="A task of {service} has {value} of its file descriptors open",
        description=(
            "One burst of connections takes the rest. See what is open and never closed, mostly connections to"
            " something that hangs, and whether it grows with traffic or with time."
        ),
        hold="15m",
        hold_reason="connections of a burst are closed within their keep-alive, about a minute",
    ),
    alert(
        "FileDescriptorsExhausted",
        "process_fds_ratio",
        severity="page",
        kind="cause",
        cause="file_descriptors_exhausted",
        summary="A task of {service} has {value} of its file descriptors open and will refuse connections",
        description=(
            "At the limit it accepts no request and reaches no database: every error looks like another system's"
            " fault. Replace the tasks one after the other, then look for the leak."
        ),
        hold="2m",
        hold_reason="eight scrapes: more than a burst, less than the rest lasts",
    ),
    alert(
        "ContainerStorageFilling",
        "container_storage_ratio",
        level=1,
        reason="at 1 every write fails with ENOSPC",
        ahead="12h",
        severity="ticket",
        kind="cause",
        cause="disk_full",
        summary="The disk of a task of {service} is full within twelve hours",
        description=(
            "At this rate {value} of it would be used by then. Find what is written and never deleted: a log file,"
            " uploads, temporary files; a new task begins with an empty disk."
        ),
        hold="1h",
        hold_reason="the line is laid through an hour, so that a download or a start has left it",
        where=(
            Condition(
                signal="container_storage_ratio",
                op=">=",
                value=0.5,
                reason="below, a line through an hour says little about twelve",
            ),
        ),
    ),
    alert(
        "ContainerStorageFull",
        "container_storage_ratio",
        severity="page",
        kind="cause",
        cause="disk_full",
        summary="A task of {service} has {value} of its disk in use",
        description=(
            "Uploads, temporary files and local queues fail first, with No space left on device. Replace the task to"
            " win time; then stop what writes, or give it more ephemeral storage."
        ),
        hold="5m",
        hold_reason="a large temporary file that is deleted again is no trouble",
    ),
    alert(
        "ContainerNetworkErrors",
        "container_network_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="The tasks of {service} lose {value} packets",
        description=(
            "Lost packets cost connections their speed long before they fail. Errors are the platform's: replace the"
            " task; drops mean that the task does not read fast enough: look at its CPU."
        ),
        hold="30m",
        hold_reason="short losses are repaired by TCP; half an hour of them is a broken host or a starved task",
    ),
)
# Left out: ContainerKilled, ContainerAbsent: ServiceDown and TaskCrashLooping count what users lose, not what ended.
# Left out: ContainerVolumeUsage: Fargate tells no inodes; ContainerStorageFull is on bytes.
# Left out: ContainerLowCpuUtilization, ContainerLowMemoryUsage, ContainerHighLowChangeCpuUsage: nobody acts.
