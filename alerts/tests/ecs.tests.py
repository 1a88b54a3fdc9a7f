"""Tests of the alerts on ECS."""

from collections.abc import Callable, Mapping

from obskit.ascode.alerts import around, counting, fires, quiet, steady

SHOP = {"service": "shop"}
YACE = SHOP
_INSIGHTS = "aws_ecs_containerinsights_"
_NAME = '{dimension_ServiceName="shop"}'


def tasks(running: str, desired: str, service: str = "shop") -> dict[str, str]:
    """Return what ecs_exporter says of a service."""
    return {
        f'ecs_service_running_tasks{{service="{service}"}}': running,
        f'ecs_service_desired_tasks{{service="{service}"}}': desired,
    }


def insights(used: str, reserved: str) -> Callable[[float], Mapping[str, str]]:
    """Return how a share of 1024 reserved looks in Container Insights."""
    return lambda share: {
        f"{_INSIGHTS}{used}_average{_NAME}": steady(share * 1024),
        f"{_INSIGHTS}{reserved}_average{_NAME}": steady(1024),
    }


def disk(share: float) -> dict[str, str]:
    """Return three tasks of which one has a full disk."""
    used = {"a": 0.2, "b": share, "c": 0.2}
    return {
        **{
            f'ecs_task_ephemeral_storage_used_bytes{{service="shop",task_id="{t}"}}': steady(s * 100)
            for t, s in used.items()
        },
        **{f'ecs_task_ephemeral_storage_allocated_bytes{{service="shop",task_id="{t}"}}': steady(100) for t in used},
    }


def events(count: float) -> dict[str, str]:
    """Return how many events a query on logs counts."""
    return {'obskit_value{service="shop"}': steady(count)}


def failures(count: float) -> dict[str, str]:
    """Return how many events of one name a query on logs counts."""
    return {'obskit_value{service="shop",event_name="SERVICE_TASK_PLACEMENT_FAILURE"}': steady(count)}


TESTS = (
    around(
        "EcsNoTaskRunning", lambda n: tasks(steady(n), steady(2)), labels={**SHOP, "severity": "page"}, bad=0, good=1
    ),
    quiet(
        "EcsNoTaskRunning",
        tasks(steady(0), steady(0)),
        at="10m",
        why="a service that is scaled to nothing by night is off",
    ),
    quiet(
        "EcsNoTaskRunning",
        tasks("1x20 0x12 1x60", steady(1)),
        at="8m",
        why="the only task is replaced within three minutes",
    ),
    fires("EcsNoTaskRunning", tasks("2x20 0x100", steady(2)), at="9m45s", why="its last task went 4 min 30 s ago"),
    quiet(
        "EcsNoTaskRunning", {'ecs_service_desired_tasks{service="shop"}': steady(2)}, at="10m", why="no number is not 0"
    ),
    fires(
        "EcsNoTaskRunning",
        {
            f'{_INSIGHTS}running_task_count_average{{dimension_ServiceName="shop"}}': steady(0),
            f'{_INSIGHTS}desired_task_count_average{{dimension_ServiceName="shop"}}': steady(2),
            f'{_INSIGHTS}running_task_count_average{{dimension_ServiceName="other"}}': steady(5),
            f'{_INSIGHTS}desired_task_count_average{{dimension_ServiceName="other"}}': steady(5),
        },
        at="5m",
        why="one service is down while another runs, as the CloudWatch exporter tells it",
        labels=YACE,
    ),
    around(
        "EcsHalfOfTasksMissing",
        lambda share: tasks(steady(share * 20), steady(20)),
        labels={**SHOP, "severity": "page"},
    ),
    quiet(
        "EcsHalfOfTasksMissing",
        tasks("2x40 2x12 4x200", "2x40 4x212"),
        at="13m",
        why="a scale-out to twice the size needs its minutes",
    ),
    quiet("EcsHalfOfTasksMissing", tasks(steady(0), steady(4)), at="30m", why="with none running, another alert tells"),
    around(
        "EcsTasksMissing",
        lambda share: tasks(steady(share * 20), steady(20)),
        labels={**SHOP, "severity": "ticket"},
        far=0.6,
    ),
    quiet(
        "EcsTasksMissing",
        tasks("3x40 2x8 3x40 2x8 3x40 2x8 3x400", steady(3)),
        at="37m",
        why="one of three tasks is replaced now and again",
    ),
    quiet("EcsTasksMissing", tasks(steady(1), steady(3)), at="60m", why="from half on, the page tells"),
    around("EcsTasksPendingLong", lambda n: {'ecs_service_pending_tasks{service="shop"}': steady(n)}, labels=SHOP),
    quiet(
        "EcsTasksPendingLong",
        {'ecs_service_pending_tasks{service="shop"}': " ".join(["1x10 0x2 2x10 0x2"] * 4)},
        at="20m",
        why="a service that scales again and again has tasks pending, and gets them",
    ),
    around("EcsDeploymentStuck", lambda n: {f"{_INSIGHTS}deployment_count_average{_NAME}": steady(n)}, labels=YACE),
    quiet(
        "EcsDeploymentStuck",
        {f"{_INSIGHTS}deployment_count_average{_NAME}": "2x60 1x2 2x60 1x2 2x60 1x200"},
        at="45m",
        why="three releases of a quarter of an hour, one after the other",
    ),
    around(
        "EcsContainerRestarting",
        lambda rate: {'ecs_container_restarts_total{service="shop",task_id="a"}': counting(rate)},
        labels=SHOP,
    ),
    quiet(
        "EcsContainerRestarting",
        {'ecs_container_restarts_total{service="shop",task_id="a"}': "0x40 1x200"},
        at="16m",
        why="one restart of one container",
    ),
    quiet(
        "EcsContainerRestarting",
        {
            'ecs_container_restarts_total{service="shop",task_id="a"}': "7x60 _x300",
            'ecs_container_restarts_total{service="shop",task_id="b"}': "_x60 0x300",
            'ecs_container_restarts_total{service="shop",task_id="c"}': "5x60 0x300",
        },
        at="21m",
        why="a new task counts from 0 again, and so does an exporter",
    ),
    quiet(
        "EcsContainerRestarting",
        {f"{_INSIGHTS}restart_count_sum{_NAME}": "0x40 1x4 0x60 1x4 0x200"},
        at="11m15s",
        why="CloudWatch says of one restart that it was one a minute, for a minute",
    ),
    around("EcsCpuHigh", insights("cpu_utilized", "cpu_reserved"), labels=YACE),
    around("EcsMemoryNearLimit", insights("memory_utilized", "memory_reserved"), labels=YACE),
    quiet(
        "EcsMemoryNearLimit",
        {
            f"{_INSIGHTS}memory_utilized_average{_NAME}": "500x100 1000x20 500x400",
            f"{_INSIGHTS}memory_reserved_average{_NAME}": steady(1024),
        },
        at="30m",
        why="a burst that is collected after five minutes",
    ),
    around("EcsStorageFilling", disk, labels={**SHOP, "severity": "ticket"}),
    around("EcsStorageFull", disk, labels={**SHOP, "severity": "page"}),
    around("EcsTaskCrashLoop", events, labels=SHOP),
    around("EcsTasksFailHealthChecks", events, labels=SHOP),
    around("EcsDeploymentFailed", events, labels=SHOP),
    around("EcsCannotStartTasks", failures, labels={**SHOP, "event_name": "SERVICE_TASK_PLACEMENT_FAILURE"}),
    around("EcsAtScalingMaximum", events, labels=SHOP),
    *(
        fires(alert, series(100), at="1m", why="an event is said once: nothing is waited for")
        for alert, series in (
            ("EcsTaskCrashLoop", events),
            ("EcsTasksFailHealthChecks", events),
            ("EcsDeploymentFailed", events),
            ("EcsCannotStartTasks", failures),
            ("EcsAtScalingMaximum", events),
        )
    ),
)
