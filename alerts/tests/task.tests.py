"""Tests of the alerts on whether tasks are there and stay there."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady
from obskit.ascode.alerts.cases import INTERVAL_SECONDS, SAMPLES

Series = dict[str, str]

TICKET = {"service": "shop", "severity": "ticket"}
PAGE = {"service": "shop", "severity": "page"}
QUARTER = 15 * 60 // INTERVAL_SECONDS


def up(*tasks: str) -> Series:
    """Return the scrapes of tasks that are told as values, one each: ``1x100``."""
    return {f'up{{service="shop",task_id="{n}",job="app"}}': values for n, values in enumerate(tasks)}


def tasks_up(count: float) -> Series:
    """Return a service of which so many tasks answer, and one does not."""
    return up(steady(count), steady(0))


def one_of_three(share: float) -> Series:
    """Return three tasks, of which one answers its scrape to a share."""
    return up(steady(1), steady(1), steady(share))


def started(*minutes: tuple[float, float], until: float = 480) -> Series:
    """Return tasks by ``(minute of the start, minute of the end)``, each with an id of its own."""
    series = {}
    for number, (begin, end) in enumerate(minutes):
        first, count = int(begin * 60 / INTERVAL_SECONDS), int((end - begin) * 60 / INTERVAL_SECONDS)
        gap = f"_x{first} " if first else ""
        head = f'process_start_time_seconds{{service="shop",task_id="t{number}"}}'
        series[head] = f"{gap}{begin * 60}x{count} stale" if end < until else f"{gap}{begin * 60}x{SAMPLES}"
    return series


def restarting(count: float) -> Series:
    """Return one task whose process starts anew so often in 15 minutes, in place."""
    every = int(QUARTER / count)
    values = [f"{number * every * INTERVAL_SECONDS}x{every - 1}" for number in range(SAMPLES // every)]
    return {'process_start_time_seconds{service="shop",task_id="a"}': " ".join(values)}


def loop(every: float, minutes: float = 480) -> Series:
    """Return tasks that each live for so many minutes, one after the other, beside nothing."""
    return started(*((n * every, n * every + every - 0.5) for n in range(int(minutes / every))))


def collecting(share: float) -> Series:
    """Return a JVM that collects for a share of its time."""
    return {'jvm_gc_pause_seconds_sum{service="shop",task_id="a",cause="G1 Evacuation Pause"}': counting(share)}


def heap(share: float, gc: float = 0.3) -> Series:
    """Return a JVM's heap, used to a share, and its collections."""
    labels = '{service="shop",task_id="a",area="heap",id="G1 Old Gen"}'
    return {
        f"jvm_memory_used_bytes{labels}": steady(share * 1000),
        f"jvm_memory_max_bytes{labels}": steady(1000),
        **collecting(gc),
    }


def lag(seconds: float) -> Series:
    """Return a Node process whose event loop lags."""
    return {'nodejs_eventloop_lag_p99_seconds{service="shop",task_id="a"}': steady(seconds)}


TESTS = (
    around("ServiceDown", tasks_up, labels=PAGE),
    fires(
        "ServiceDown", up("1x80 stale", "1x80 stale"), at="30m", labels=PAGE, why="discovery forgot tasks that are gone"
    ),
    fires("ServiceDown", up(steady(0)), at="5m", why="four minutes are enough"),
    quiet("ServiceDown", up("1x80 stale", steady(1)), at="30m", why="one of two is left"),
    quiet("ServiceDown", up("1x80 0x12 1x400"), at="23m", why="the only task was replaced within three minutes"),
    quiet("ServiceDown", up("1x80 stale"), at="7h", why="taken down in the morning: six hours are enough"),
    quiet(
        "ServiceDown",
        {**up(steady(0)), 'ecs_service_desired_tasks{service="shop"}': steady(0)},
        at="30m",
        why="it was scaled to zero on purpose",
    ),
    fires(
        "ServiceDown",
        {**up(steady(0)), 'ecs_service_desired_tasks{service="shop"}': steady(2)},
        at="30m",
        why="it shall run",
    ),
    around("TaskUnreachable", one_of_three, labels=TICKET),
    quiet("TaskUnreachable", up(steady(0), steady(0)), at="40m", why="none answers: ServiceDown pages"),
    quiet(
        "TaskUnreachable",
        up(steady(1), "1x80 0x8 stale"),
        at="40m",
        why="a task that ended failed its last scrapes until discovery noticed",
    ),
    around("TaskCrashLooping", restarting, labels=PAGE, bad=4.5, good=2, far=15),
    quiet("TaskCrashLooping", restarting(15), at="3m30s", why="the third start is a minute and a half ago"),
    fires("TaskCrashLooping", loop(3), at="60m", labels=PAGE, why="every start is another task, as ECS does it"),
    quiet("TaskCrashLooping", restarting(2), at="60m", why="two starts in 15 minutes are a ticket"),
    quiet(
        "TaskCrashLooping",
        started(*((0, 61 + n) for n in range(10)), *((60 + n, 480) for n in range(10))),
        at="72m",
        why="a deployment of ten tasks is ten starts",
    ),
    quiet(
        "TaskCrashLooping",
        started((0, 480), (0, 480), *((60, 66) for _ in range(8))),
        at="70m",
        why="eight tasks were scaled out and in again: each started once",
    ),
    quiet("TaskCrashLooping", started((0, 60), (60.5, 480)), at="70m", why="one task was replaced"),
    around("TaskRestarting", restarting, labels=TICKET, bad=2.5, good=1, far=15),
    quiet(
        "TaskRestarting",
        started(*((0, 61 + n) for n in range(10)), *((60 + n, 480) for n in range(10))),
        at="72m",
        why="a deployment of ten tasks is ten starts",
    ),
    fires(
        "TaskRestarting",
        {**loop(5), 'process_start_time_seconds{service="shop",task_id="old"}': steady(0)},
        at="60m",
        why="one of two tasks does not stay up; ECS gives each of its successors another id",
    ),
    quiet("TaskRestarting", started((0, 60), (60.5, 480)), at="70m", why="one task was replaced"),
    around("RuntimeGcHigh", collecting, labels=TICKET, far=1.0),
    around("RuntimeHeapExhausted", heap, labels=PAGE, far=1.0),
    quiet("RuntimeHeapExhausted", heap(0.99, gc=0.02), at="20m", why="a heap may fill up between two collections"),
    quiet(
        "RuntimeHeapExhausted",
        {
            **heap(0.99),
            'jvm_memory_max_bytes{service="shop",task_id="a",area="heap",id="G1 Old Gen"}': steady(-1),
        },
        at="20m",
        why="a pool without a maximum says -1",
    ),
    around("EventLoopBlocked", lag, labels=TICKET),
)
