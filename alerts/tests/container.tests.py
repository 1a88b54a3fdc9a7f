"""Tests of the alerts on what tasks use."""

from obskit.ascode.alerts import around, changing, counting, fires, quiet, steady

Series = dict[str, str]

GIB = 2**30
TICKET = {"service": "shop", "severity": "ticket"}
PAGE = {"service": "shop", "severity": "page"}
#: When the tests around a threshold look, at the latest: holding time, rate, line and some scrapes.
LEAK_SEEN, STORAGE_SEEN, RUNNING_OUT_SEEN = 7620, 7620, 4320


def cpu(share: float, task: str = "a") -> Series:
    """Return a task of half a CPU that uses a share of it."""
    labels = f'{{service="shop",task_id="{task}"}}'
    return {f"ecs_cpu_seconds_total{labels}": counting(share / 2), f"ecs_task_cpu_limit_vcpus{labels}": steady(0.5)}


def throttled(share: float, cores: float = 0.4) -> Series:
    """Return a container that stands still in a share of its periods, ten a second."""
    labels = '{service="shop",task_id="a"}'
    return {
        f"container_cpu_cfs_throttled_periods_total{labels}": counting(share * 10),
        f"container_cpu_cfs_periods_total{labels}": counting(10),
        f"container_cpu_usage_seconds_total{labels}": counting(cores),
    }


def memory(values: str, task: str = "a") -> Series:
    """Return a task of 1 GiB whose use is told in GiB, so that it is a share too."""
    labels = f'{{service="shop",task_id="{task}"}}'
    return {f"ecs_memory_bytes{labels}": values, f"ecs_memory_limit_bytes{labels}": steady(1)}


def memory_used(share: float) -> Series:
    """Return memory that stays at a share."""
    return memory(steady(share))


def climbing(now: float, seen: int, ahead: int, after: float) -> str:
    """Return a gauge that is at *now* when it is seen, and on a straight line to *after* so much later."""
    per_second = (after - now) / ahead
    return changing(now - per_second * seen, per_second)


def leaking(share: float) -> Series:
    """Return memory at 0.8 that comes to a share in four hours."""
    return memory(climbing(0.8, LEAK_SEEN, 4 * 3600, share))


def running_out(share: float) -> Series:
    """Return memory at 0.96 that comes to a share within the hour."""
    return memory(climbing(0.96, RUNNING_OUT_SEEN, 3600, share))


def descriptors(share: float) -> Series:
    """Return a process that has a share of its 1000 descriptors open."""
    labels = '{service="shop",task_id="a"}'
    return {f"process_open_fds{labels}": steady(share * 1000), f"process_max_fds{labels}": steady(1000)}


def storage(values: str) -> Series:
    """Return a task's ephemeral storage, of which 1 is all."""
    labels = '{service="shop",task_id="a"}'
    return {
        f"ecs_task_ephemeral_storage_used_bytes{labels}": values,
        f"ecs_task_ephemeral_storage_allocated_bytes{labels}": steady(1),
    }


def filling(share: float) -> Series:
    """Return storage at 0.7 that comes to a share in twelve hours."""
    return storage(climbing(0.7, STORAGE_SEEN, 12 * 3600, share))


def lost(packets: float) -> Series:
    """Return packets that a task loses a second, in two of the four ways."""
    labels = '{service="shop",task_id="a"}'
    return {
        f"ecs_network_receive_errors_total{labels}": counting(packets / 2),
        f"ecs_network_transmit_errors_total{labels}": steady(3),
        f"ecs_network_receive_dropped_total{labels}": counting(packets / 2),
        f"ecs_network_transmit_dropped_total{labels}": steady(7),
    }


TESTS = (
    around("ContainerCpuSaturated", cpu, labels=TICKET),
    fires(
        "ContainerCpuSaturated",
        {**cpu(0.98), **cpu(0.3, "b"), **cpu(0.3, "c")},
        at="30m",
        why="one of three tasks, which a mean would hide",
    ),
    quiet(
        "ContainerCpuSaturated",
        {'ecs_cpu_seconds_total{service="shop",task_id="a"}': counting(0.5)},
        at="30m",
        why="without a limit there is no share",
    ),
    around("ContainerCpuThrottled", throttled, labels=TICKET, far=1.0),
    quiet("ContainerCpuThrottled", throttled(0.6, cores=0.01), at="30m", why="an idle task has few periods"),
    around("ContainerMemoryHigh", memory_used, labels=TICKET),
    quiet(
        "ContainerMemoryHigh",
        {
            'ecs_memory_bytes{service="shop",task_id="a"}': steady(900 * 2**20),
            'ecs_memory_limit_bytes{service="shop",task_id="a"}': steady(2**63),
            'ecs_task_memory_limit_bytes{service="shop",task_id="a"}': steady(2 * GIB),
        },
        at="30m",
        why="a container without a limit of its own reports one of 8 EiB; the task's holds",
    ),
    around("ContainerMemoryLeaking", leaking, labels=TICKET, bad=1.04, good=0.92, far=1.2),
    quiet(
        "ContainerMemoryLeaking",
        memory(f"0+0.009375x80 {'0.75 ' * 600}"),
        at="72m",
        why="a start fills its caches in twenty minutes and then stays at 0.75",
    ),
    quiet(
        "ContainerMemoryLeaking",
        memory(climbing(0.3, LEAK_SEEN, 4 * 3600, 1.2)),
        at="127m",
        why="it is at a third yet: a cache that fills looks the same",
    ),
    quiet(
        "ContainerMemoryLeaking", memory(steady(0.98)), at="3h", why="full and not growing: ContainerMemoryHigh says so"
    ),
    around("ContainerMemoryRunningOut", running_out, labels=PAGE, bad=1.02, good=0.98, far=1.3),
    quiet(
        "ContainerMemoryRunningOut", memory(steady(0.99)), at="3h", why="a page cache keeps it at its limit, harmlessly"
    ),
    quiet(
        "ContainerMemoryRunningOut",
        memory(f"0+0.02x40 {'0.8 ' * 600}"),
        at="20m",
        why="the steep climb of a start ends at 0.8",
    ),
    quiet(
        "ContainerMemoryRunningOut", memory("0.54+0.0015x400"), at="64m", why="nine tenths are passed for four minutes"
    ),
    fires(
        "ContainerMemoryRunningOut", memory("0.54+0.0015x400"), at="66m", why="nine tenths are passed for six minutes"
    ),
    around("FileDescriptorsHigh", descriptors, labels=TICKET),
    around("FileDescriptorsExhausted", descriptors, labels=PAGE),
    fires("FileDescriptorsExhausted", descriptors(1), at="3m", why="it is a gauge: two minutes are enough"),
    around("ContainerStorageFilling", filling, labels=TICKET, bad=1.1, good=0.95, far=1.6),
    fires(
        "ContainerStorageFilling",
        storage("0.6x480 0.6+0.0015x280"),
        at="3h15m",
        why="a job began to write an hour and a quarter ago",
    ),
    quiet("ContainerStorageFilling", storage(steady(0.88)), at="4h", why="a large image takes its share for good"),
    quiet(
        "ContainerStorageFilling",
        storage(climbing(0.2, STORAGE_SEEN, 12 * 3600, 1.3)),
        at="127m",
        why="at a fifth a line through an hour says little about twelve",
    ),
    around("ContainerStorageFull", lambda share: storage(steady(share)), labels=PAGE),
    around("ContainerNetworkErrors", lost, labels=TICKET),
    quiet(
        "ContainerNetworkErrors",
        {
            f'ecs_network_{way}_total{{service="shop",task_id="a"}}': "0+600x40 0x400"
            for way in ("receive_errors", "transmit_errors", "receive_dropped", "transmit_dropped")
        },
        at="50m",
        why="the task was replaced: its counters begin anew and lose nothing",
    ),
)
