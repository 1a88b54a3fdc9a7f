"""What ECS and its scaling did, counted from their events in Loki.

No exporter tells why tasks stopped, that a deployment failed or that a service is at its
scaling maximum; EventBridge does. These count its events where a rule sends them to a log
group and a forwarder takes that to Loki. Services are named by the event, not by the stream.
"""

from obskit.catalogue._logql import EVENTS
from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="ecs_task_stops",
        topic="ecs_events",
        title="tasks stopped, by reason",
        meaning=(
            "Tasks that ended, by ECS's stop code. ServiceSchedulerInitiated is scaling, a deployment or "
            "a failed health check; EssentialContainerExited is a crash, TaskFailedToStart an image, "
            "secret or network fault: see obskit triage."
        ),
        unit="count",
        bad="up",
        floor=1,
        variants=(
            Variant(
                name="ECS events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service, stop_code) (count_over_time({EVENTS} |= `ECS Task State Change`"
                    ' | json ecs_status="detail.lastStatus", stop_code="detail.stopCode", ecs_group="detail.group"'
                    ' | ecs_status="STOPPED" | label_format $service=`{{ trimPrefix "service:" .ecs_group }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="ecs_task_crashes",
        topic="ecs_events",
        title="tasks stopped by themselves, by reason",
        meaning=(
            "Tasks that nobody asked to stop: their container exited, or they never started. One is a "
            "restart; several are a loop: read the last lines of the task and undo the newest deployment."
        ),
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="an essential container of a service has no reason to end"),
        crit=Threshold(
            value=3, reason="three within one range of a panel or rule, five minutes by default: a crash loop"
        ),
        variants=(
            Variant(
                name="ECS events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service, stop_code) (count_over_time({EVENTS} |= `ECS Task State Change`"
                    ' | json ecs_status="detail.lastStatus", stop_code="detail.stopCode", ecs_group="detail.group"'
                    ' | ecs_status="STOPPED" | stop_code=~"EssentialContainerExited|TaskFailedToStart" | label_format $service=`{{ trimPrefix "service:" .ecs_group }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="ecs_deployment_failures",
        topic="ecs_events",
        title="deployments that failed or were rolled back",
        meaning=(
            "ECS gave a deployment up (circuit breaker or alarm), or rolls it back. The release is the "
            "suspect: read why its tasks stopped before it is tried again. Needs the circuit breaker: "
            "without it ECS tries on for ever."
        ),
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="each is a release that does not run"),
        variants=(
            Variant(
                name="ECS events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service, event_name) (count_over_time({EVENTS} |= `ECS Deployment State Change`"
                    ' | json event_name="detail.eventName", reason="detail.reason", ecs_resource="resources[0]"'
                    ' | event_name="SERVICE_DEPLOYMENT_FAILED" or reason=~".*rolling back.*" | label_format $service=`{{ regexReplaceAll ".*/" .ecs_resource "" }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="ecs_start_failures",
        topic="ecs_events",
        title="tasks that ECS could not place or start, by event",
        meaning=(
            "ECS says that it cannot place tasks (no capacity, quota, addresses) or that they keep "
            "failing to start. The service goes on with what it has: the event's reason names what is "
            "missing."
        ),
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="ECS reports each only when it gave up for now"),
        crit=Threshold(value=5, reason="it fails again and again: the service cannot grow or heal"),
        variants=(
            Variant(
                name="ECS events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service, event_name) (count_over_time({EVENTS} |= `ECS Service Action`"
                    ' | json event_name="detail.eventName", ecs_resource="resources[0]"'
                    ' | event_name=~"SERVICE_TASK_PLACEMENT_FAILURE|SERVICE_TASK_CONFIGURATION_FAILURE|SERVICE_TASK_START_IMPAIRED|ECS_OPERATION_THROTTLED" | label_format $service=`{{ regexReplaceAll ".*/" .ecs_resource "" }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="ecs_scaled_to_max",
        topic="ecs_events",
        title="scaled out to the maximum",
        meaning=(
            "Application Auto Scaling has brought the service to its maximum: more load will not be met "
            "by more tasks. Raise the maximum if the database and others can bear it, or find out where "
            "the load comes from."
        ),
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="no room is left for the next wave"),
        variants=(
            Variant(
                name="Application Auto Scaling events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service, namespace) (count_over_time({EVENTS} |= `scaledToMax`"
                    ' | json scaled_to_max="detail.scaledToMax", namespace="detail.serviceNamespace", ecs_resource="detail.resourceId"'
                    ' | namespace="ecs" | scaled_to_max="true" | label_format $service=`{{ regexReplaceAll ".*/" .ecs_resource "" }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="ecs_service_crashes",
        topic="ecs_events",
        title="tasks of services stopped by themselves",
        meaning=(
            "As the tasks stopped by themselves, without those that no service keeps: a scheduled or one-off "
            "task ends in the same words when it is done. Read the last lines of the task."
        ),
        unit="count",
        bad="up",
        floor=1,
        weighed=False,
        crit=Threshold(
            value=3, reason="three in a quarter of an hour: a task that is started again dies again within minutes"
        ),
        variants=(
            Variant(
                name="ECS events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service) (count_over_time({EVENTS} |= `ECS Task State Change`"
                    ' | json ecs_status="detail.lastStatus", stop_code="detail.stopCode", ecs_group="detail.group"'
                    ' | ecs_status="STOPPED" | ecs_group=~"service:.+" | stop_code=~"EssentialContainerExited|TaskFailedToStart" | label_format $service=`{{ trimPrefix "service:" .ecs_group }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
    Signal(
        id="ecs_health_check_kills",
        topic="ecs_events",
        title="tasks replaced for a failed health check",
        meaning=(
            "Tasks that ECS stopped because the balancer or the container's own probe called them unhealthy. "
            "Either they are too busy or broken, or the check is wrong: ask one of them as the check does."
        ),
        unit="count",
        bad="up",
        floor=1,
        weighed=False,
        warn=Threshold(value=2, reason="one task may hang by itself; the second is no chance"),
        variants=(
            Variant(
                name="ECS events in Loki",
                language="LogQL",
                query=(
                    f"sum by ($service) (count_over_time({EVENTS} |= `ECS Task State Change` |~ `(?i)failed (ELB|container) health checks`"
                    ' | json ecs_status="detail.lastStatus", stopped_reason="detail.stoppedReason", ecs_group="detail.group"'
                    ' | ecs_status="STOPPED" | ecs_group=~"service:.+" | stopped_reason=~"(?i).*failed (ELB|container) health checks.*" | label_format $service=`{{ trimPrefix "service:" .ecs_group }}` | $service=~"$names" [$rate]))'
                ),
                needs=(),
            ),
        ),
    ),
)
