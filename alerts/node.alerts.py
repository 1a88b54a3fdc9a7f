"""Alerts on CPU, memory, kernel tables and clock of machines that a Node Exporter watches.

EC2 hosts; on Fargate the small machine of the exporter's own task. Disks and network: node_io.
"""

from functools import partial

from obskit.ascode.alerts import Condition, alert

_page = partial(alert, severity="page", kind="cause")
_ticket = partial(alert, severity="ticket", kind="cause")

_WORKING = partial(Condition, signal="node_cpu_working_ratio")
_QUARTER = "batch jobs and deployments use more for minutes; a quarter of an hour of it is no peak"

RULES = (
    # ------------------------------------------------------------------------ CPU, memory
    # Covers: NodeCPUHighUsage, NodeSystemSaturation
    _ticket(
        "NodeCpuSaturated",
        "node_load_per_core",
        cause="node_pressure",
        level="warn",
        summary="{instance} has {value} processes for each core, and no core is free",
        description=(
            "All tasks on it get slow together. Find who takes the CPU; run it elsewhere, or give it more of it."
        ),
        hold="15m",
        hold_reason=_QUARTER,
        where=(_WORKING(op=">=", value=0.9, reason="load alone also counts who waits for a disk or a file server"),),
    ),
    # Covers: NodeSystemSaturation
    _ticket(
        "NodeProcessesStuck",
        "node_load_per_core",
        cause="node_pressure",
        level="warn",
        summary="{instance} has {value} processes for each core, most of which do not run",
        description="They wait, and not for CPU or a local disk: most often for EFS or NFS that does not answer.",
        hold="10m",
        hold_reason="a file server fails over within minutes, and the load of a minute needs some more to fall",
        where=(
            _WORKING(op="<", value=0.5, reason="with more than that they do run: NodeCpuSaturated is the better word"),
            Condition(signal="node_disk_queue", op="<", value=10, reason="else it is the disk: NodeDiskSaturated"),
        ),
    ),
    _ticket(
        "NodeCpuStolen",
        "node_steal_ratio",
        cause="node_pressure",
        level=0.1,
        reason="a tenth of the CPU is paid for and not given: a burstable type without credits, or a crowded host",
        summary="The hypervisor takes {value} of the CPU of {instance}",
        description=(
            "Work is slow through no fault of its own. Replace the node; leave burstable types if credits are used up."
        ),
        hold="30m",
        hold_reason="a neighbour's peak passes; used-up credits come back only with idle hours",
    ),
    # Covers: NodeMemoryHighUtilization
    _ticket(
        "NodeMemoryHigh",
        "node_memory_ratio",
        cause="node_pressure",
        level="warn",
        summary="{instance} uses {value} of its memory",
        description="The rest is for files in memory and the next peak. Find what grows before the kernel kills it.",
        hold="15m",
        hold_reason=_QUARTER,
    ),
    # Covers: NodeMemoryMajorPagesFaults
    _page(
        "NodeMemoryThrashing",
        "node_major_faults",
        cause="node_pressure",
        level=500,
        reason="as node-mixin; of the 3,000 IOPS of a gp3 volume a sixth goes into reading code and data back",
        summary="{instance} reads {value} pages back from disk for want of memory",
        description=(
            "Everything on it runs at the disk's speed, and health checks time out. Stop or move the largest process."
        ),
        hold="5m",
        hold_reason="a large program that starts reads its pages once, within a minute or two",
        where=(
            Condition(
                signal="node_memory_ratio",
                op=">=",
                value=0.9,
                reason="databases, Prometheus and Loki read mapped files: with memory to spare faults are their work",
            ),
        ),
    ),
    _ticket(
        "NodeOomKilled",
        "node_oom_kills",
        cause="memory_exhausted",
        summary="The kernel of {instance} killed {value} processes for memory",
        description="In a container at its limit, or on the whole node. The kernel's log names process and container.",
        hold="0s",
        hold_reason="the kill is done; nothing would confirm it later",
    ),
    # ---------------------------------------------------------------------- kernel tables
    # Covers: NodeHighNumberConntrackEntriesUsed
    _ticket(
        "NodeConntrackFilling",
        "node_conntrack_ratio",
        cause="network_unreachable",
        level="warn",
        summary="{instance} tracks {value} of the connections that it can",
        description="At 100% new connections are dropped without a word. Find who opens them; raise nf_conntrack_max.",
        hold="15m",
        hold_reason="entries of closed connections live for two minutes: those of a burst are gone in five",
    ),
    _page(
        "NodeConntrackFull",
        "node_conntrack_ratio",
        cause="network_unreachable",
        summary="{instance} tracks {value} of the connections that it can",
        description=(
            "New connections are about to be dropped: users see time-outs, no errors. Raise nf_conntrack_max now."
        ),
        hold="2m",
        hold_reason="two minutes are the life of a closed connection's entry: what stays is open, or still coming",
    ),
    # Covers: NodeFileDescriptorLimit
    _ticket(
        "NodeFileDescriptorsFilling",
        "node_fds_ratio",
        cause="file_descriptors_exhausted",
        level="warn",
        summary="{instance} has {value} of its file descriptors open",
        description="A process leaks, or the node carries too many. Count /proc/PID/fd to find it.",
        hold="15m",
        hold_reason=_QUARTER,
    ),
    # Covers: NodeFileDescriptorLimit
    _page(
        "NodeFileDescriptorsExhausted",
        "node_fds_ratio",
        cause="file_descriptors_exhausted",
        summary="{instance} has {value} of its file descriptors open",
        description=(
            "At 100% no process of the node opens a file or a connection, not even a shell. Restart the one that leaks."
        ),
        hold="5m",
        hold_reason="a limit of hundreds of thousands is not reached by a burst; what stays for five minutes is a leak",
    ),
    # ------------------------------------------------------------------ clock, the watcher
    # Covers: NodeClockSkewDetected
    _ticket(
        "NodeClockSkewed",
        "node_clock_offset",
        cause="clock_skew",
        level="warn",
        summary="The clock of {instance} is {value} off",
        description="Times in logs mislead, and from a second on tokens are refused. Look at chrony and its server.",
        hold="10m",
        hold_reason="the kernel corrects 50 ms within two minutes (0.5 ms a second): after ten nobody corrects it",
    ),
    # Covers: NodeClockNotSynchronising
    _ticket(
        "NodeClockUnsynchronised",
        "node_clock_error_bound",
        cause="clock_skew",
        level=2,
        reason="0.5 ms more each second: nothing set it for an hour, twice the slowest usual poll (2,048 s)",
        summary="Nothing has set the clock of {instance} for so long that it may be {value} off",
        description="No time server answers, or none is asked. The clock drifts from now on: look at chrony.",
        hold="10m",
        hold_reason="a node that has just started needs some minutes until its first answers",
    ),
    # Covers: NodeTextFileCollectorScrapeError
    _ticket(
        "NodeCollectorFailing",
        "node_collector_failing",
        cause="telemetry_blind",
        level="warn",
        summary="Node Exporter on {instance} cannot read {collector}",
        description="Alerts on that part of the machine cannot fire. Node Exporter's log names the error.",
        hold="15m",
        hold_reason="a text file that is just being written is whole a few scrapes later; a missing mount stays away",
    ),
)
# Left out: NodeSystemdServiceFailed: tasks run in containers, and ECS tells what it restarts.
# Left out: NodeSystemdServiceCrashlooping: tasks run in containers, and ECS tells what it restarts.
