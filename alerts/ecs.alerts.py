"""Alerts on what ECS runs, what it cannot start, and what its tasks use of what they reserved."""

from obskit.ascode.alerts import Condition, alert

WHO = "{service}"

RULES = (
    alert(
        "EcsNoTaskRunning",
        "ecs_running_tasks",
        severity="page",
        kind="symptom",
        where=(
            Condition(
                signal="ecs_desired_tasks", op=">=", value=1, reason="a service that is scaled to 0 shall be off"
            ),
        ),
        summary=WHO + " has {value} tasks running, although it shall have some",
        description=(
            "Nothing of the service answers. Read why its last tasks stopped: a crash at start, an image that"
            " cannot be pulled and missing capacity look alike from here."
        ),
        total=True,
        hold="4m",
        hold_reason="the only task of a small service is replaced within three minutes; later, it does not come back",
    ),
    alert(
        "EcsHalfOfTasksMissing",
        "ecs_running_ratio",
        severity="page",
        kind="cause",
        where=(Condition(signal="ecs_running_ratio", op=">", value=0, reason="with none, EcsNoTaskRunning tells"),),
        summary=WHO + " runs {value} of the tasks that it shall have",
        description=(
            "What is left carries twice its load or more, and the next loss hurts."
            " The service's events say whether new tasks crash, are killed or are not placed."
        ),
        hold="15m",
        hold_reason="a scale-out to twice the size, or a deployment at 50 % minimum, is over in a quarter of an hour",
    ),
    alert(
        "EcsTasksMissing",
        "ecs_running_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        where=(Condition(signal="ecs_running_ratio", op=">", value=0.5, reason="below, EcsHalfOfTasksMissing tells"),),
        summary=WHO + " has run {value} of its tasks for half an hour",
        description="What runs carries the load for now. Look at the service's events for what the others wait for.",
        hold="30m",
        hold_reason="longer than a slow deployment and than ECS's longest pause between two tries (15 minutes)",
    ),
    alert(
        "EcsTasksPendingLong",
        "ecs_pending_tasks",
        level=1,
        reason="a Fargate task runs within one to three minutes; one that is about to start for ever does not",
        severity="ticket",
        kind="cause",
        summary="{value} tasks of " + WHO + " have been pending for a quarter of an hour",
        description=(
            "They hang between being placed and running: image, secrets, network interface or volume."
            " Old tasks serve on, while scaling and releases do not happen."
        ),
        hold="15m",
        hold_reason="five times a slow start; a service that scales has moments without pending tasks in between",
    ),
    alert(
        "EcsDeploymentStuck",
        "ecs_deployments",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="bad_deployment",
        summary=WHO + " has had {value} deployments under way for half an hour",
        description=(
            "The new revision does not become healthy, and the old one serves on."
            " Without a circuit breaker ECS tries for ever: see why the new tasks stop."
        ),
        hold="30m",
        hold_reason="twice the quarter of an hour of a healthy rollout; a circuit breaker has mostly decided by then",
    ),
    alert(
        "EcsContainerRestarting",
        "ecs_container_restarts",
        level="warn",
        severity="ticket",
        kind="cause",
        over="15m",
        summary="containers of " + WHO + " restart inside their tasks, {value}",
        description=(
            "A restart policy hides these crashes: the task lives on and ECS counts no stop."
            " Read the container's lines just before it began anew."
        ),
        hold="5m",
        hold_reason="over a quarter of an hour the level is three restarts; CloudWatch shows a single one for a minute",
    ),
    alert(
        "EcsCpuHigh",
        "ecs_cpu_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="cpu_saturation",
        summary=WHO + " has used {value} of its CPU for half an hour",
        description=(
            "Scaling should have added tasks long ago: it is off, at its maximum, or slower than the load."
            " Where users feel it, latency pages."
        ),
        hold="30m",
        hold_reason="target tracking sees load for three minutes and acts; half an hour is several tries",
    ),
    alert(
        "EcsMemoryNearLimit",
        "ecs_memory_ratio",
        severity="ticket",
        kind="cause",
        cause="memory_exhausted",
        summary="tasks of " + WHO + " use {value} of their memory",
        description=(
            "That is their mean: single ones are at the limit, are killed and replaced."
            " Whether it is level or climbs decides between a larger task and a leak."
        ),
        hold="15m",
        hold_reason="a burst is collected within minutes; what stays for a quarter of an hour is kept",
    ),
    alert(
        "EcsStorageFilling",
        "ecs_storage_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="the fullest task of " + WHO + " uses {value} of its own disk",
        description=(
            "When it is full every write of that task fails, and ECS does not replace it for that."
            " Find what grows: logs, uploads, temporary files."
        ),
        hold="15m",
        hold_reason="a temporary file of a large request is gone again within minutes",
    ),
    alert(
        "EcsStorageFull",
        "ecs_storage_ratio",
        severity="page",
        kind="cause",
        cause="disk_full",
        summary="a task of " + WHO + " uses {value} of its own disk",
        description=(
            "Its next writes fail, and the requests that need them. Replace that task: a new one has an empty disk."
        ),
        hold="5m",
        hold_reason="one large upload may pass through; five minutes at the edge are not one",
    ),
    # Events, counted in Loki: each is said once, so an alert on them that waited would never fire.
    alert(
        "EcsTaskCrashLoop",
        "ecs_service_crashes",
        severity="ticket",
        kind="cause",
        over="15m",
        summary="{value} tasks of {service} ended by themselves within a quarter of an hour",
        description=(
            "ECS starts tasks of {service} that exit or never begin; when too few are left, that pages by itself."
            " Exit codes and last lines say why."
        ),
        hold="0s",
        hold_reason="the quarter of an hour that is counted over is the waiting",
    ),
    alert(
        "EcsTasksFailHealthChecks",
        "ecs_health_check_kills",
        level="warn",
        severity="ticket",
        kind="cause",
        over="15m",
        summary="ECS replaced {value} tasks of {service} in a quarter of an hour for failed health checks",
        description=(
            "Tasks of {service} answer the check too late or wrongly."
            " If they were busy before it, load is the cause; if they were idle, the check is."
        ),
        hold="0s",
        hold_reason="each kill has waited for several failed checks already",
    ),
    alert(
        "EcsDeploymentFailed",
        "ecs_deployment_failures",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="bad_deployment",
        over="1h",
        summary="ECS gave up a deployment of {service} or rolled it back ({value} reports in an hour)",
        description=(
            "{service} runs its old revision, and the new one is the suspect."
            " Read why its tasks stopped before anybody releases it again."
        ),
        hold="0s",
        hold_reason="ECS gives up after many tries; the hour that is counted over keeps it to be seen",
    ),
    alert(
        "EcsCannotStartTasks",
        "ecs_start_failures",
        level="warn",
        severity="ticket",
        kind="cause",
        by=("service", "event_name"),
        over="1h",
        summary="ECS cannot place or start tasks of {service}: {event_name} ({value} in an hour)",
        description=(
            "{service} goes on with what it has and can neither grow nor heal."
            " ECS says so once and is then silent for hours: quiet is no recovery."
        ),
        hold="0s",
        hold_reason="ECS reports when it has given up for now",
    ),
    alert(
        "EcsAtScalingMaximum",
        "ecs_scaled_to_max",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="scaling_at_maximum",
        over="1h",
        summary="{service} was scaled out to its maximum ({value} reports in an hour)",
        description=(
            "More load on {service} finds no more tasks. Raise the maximum if what stands behind it can bear that,"
            " or find where the load comes from."
        ),
        hold="0s",
        hold_reason="said only when the maximum is reached; the hour that is counted over keeps it to be seen",
    ),
)
# No public mixin has alerts on ECS. Watched, but nothing to alert on: ecs_desired_tasks (a decision; its effects have
# alerts), ecs_task_stops and ecs_task_crashes (scaling and finished jobs are among them; the two signals used above
# are without), a third deployment at once (an impatient release), cores and bytes (their ratio has alerts).
