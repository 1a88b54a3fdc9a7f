"""What ECS says: EventBridge's events and the service's messages, in its own words, keys and order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from obskit.lab.ecs_task import ACCOUNT, REGION, Deployment, Task, arn

Row = dict[str, Any]
Say = Callable[[Row], None]

OUT_OF_MEMORY: Final = "OutOfMemoryError: Container killed due to memory usage"
ESSENTIAL: Final = "Essential container in task exited"
TIMED_OUT: Final = "Request timed out"
#: The balancer's words where there was no answer at all.
NO_ANSWER: Final = "Health checks failed"
_SEVERITY: Final = {"SERVICE_TASK_START_IMPAIRED": "WARN", "SERVICE_DEPLOYMENT_FAILED": "ERROR"}


def wrong_code(status: int) -> str:
    """Return the balancer's words for an answer of the wrong status."""
    return f"Health checks failed with these codes: [{status}]"


def iso(moment: datetime) -> str:
    """Return ``2026-01-31T03:12:00.123Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Words:
    """Says things of one service.

    Args:
        service, cluster: Their names.
        say: Takes every event and message, in order.
        bits: Random bits for ids.
        public: Its tasks are targets of a balancer; otherwise ECS itself checks their containers.
    """

    def __init__(
        self, service: str, cluster: str, say: Say, bits: Callable[[int], int], *, public: bool = True
    ) -> None:
        self._service, self._cluster, self._public = service, cluster, public
        self._say = say
        self._bits = bits
        self.target_group = arn("elasticloadbalancing", f"targetgroup/{service}/{bits(64):016x}")

    def new_task_id(self) -> str:
        """Return an id as tasks have them."""
        return f"{self._bits(128):032x}"

    def new_deployment_id(self) -> str:
        """Return an id as deployments have them."""
        return f"ecs-svc/{self._bits(62) % 10**19:019d}"

    def message(self, now: datetime, text: str) -> None:
        """Say a service message: ``(service NAME) …``."""
        self._say(
            {
                "id": self._uuid(),
                "createdAt": iso(now),
                "service": self._service,
                "cluster": self._cluster,
                "message": f"(service {self._service}) {text}",
            }
        )

    def started(self, now: datetime, tasks: Sequence[Task]) -> None:
        """Say that tasks were started."""
        self.message(now, f"has started {len(tasks)} tasks: {self._listed(tasks)}.")

    def stopped(self, now: datetime, tasks: Sequence[Task]) -> None:
        """Say that the scheduler stopped tasks."""
        self.message(now, f"has stopped {len(tasks)} running tasks: {self._listed(tasks)}.")

    def registered(self, now: datetime) -> None:
        """Say that a task became a target."""
        if not self._public:
            return
        self.message(now, f"registered 1 targets in (target-group {self.target_group})")

    def deregistered(self, now: datetime, *, draining: bool) -> None:
        """Say that a task is no target any more."""
        if not self._public:
            return
        self.message(now, f"deregistered 1 targets in (target-group {self.target_group})")
        if draining:
            self.message(now, "has begun draining connections on 1 tasks.")

    def unhealthy(self, now: datetime, task: Task) -> None:
        """Say that a task failed its checks."""
        if not self._public:
            self.message(now, f"(task {task.id}) failed container health checks.")
            return
        where = f"is unhealthy in (target-group {self.target_group}) due to (reason {task.reason})"
        self.message(now, f"(task {task.id}) (port {task.port}) {where}")

    @property
    def failed_checks(self) -> str:
        """The reason of a task that is stopped because it failed its checks."""
        if self._public:
            return f"Task failed ELB health checks in (target-group {self.target_group})"
        return "Task failed container health checks"

    def action(self, now: datetime, name: str, **more: str) -> None:
        """Say an ECS Service Action."""
        detail = {
            "eventType": _SEVERITY.get(name, "INFO"),
            "eventName": name,
            "clusterArn": arn("ecs", f"cluster/{self._cluster}"),
            **more,
            "createdAt": iso(now),
        }
        self._event(now, "ECS Service Action", self._service_arn, detail)

    def deployment(self, now: datetime, name: str, deployment: Deployment, reason: str) -> None:
        """Say an ECS Deployment State Change."""
        detail = {
            "eventType": _SEVERITY.get(name, "INFO"),
            "eventName": name,
            "deploymentId": deployment.id,
            "updatedAt": iso(now),
            "reason": reason,
        }
        self._event(now, "ECS Deployment State Change", self._service_arn, detail)

    def task(self, now: datetime, task: Task) -> None:
        """Say how a task is now; its version rises by it."""
        task.version += 1
        times = {
            "pullStartedAt": task.pulled,
            "pullStoppedAt": task.started,
            "startedAt": task.started,
            "stoppingAt": task.stopping,
            "executionStoppedAt": task.execution_stopped,
            "stoppedAt": task.stopped,
        }
        detail: Row = {
            "attachments": [self._interface(task)],
            "availabilityZone": task.zone,
            "clusterArn": arn("ecs", f"cluster/{task.cluster}"),
            "connectivity": "CONNECTED",
            "containers": [_container(task)],
            "cpu": str(task.revision.cpu),
            "memory": str(task.revision.memory),
            "createdAt": iso(task.created),
            "desiredStatus": task.desired,
            "lastStatus": task.status,
            "group": f"service:{task.service}",
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "startedBy": task.deployment,
            "overrides": {"containerOverrides": [{"name": task.service}]},
            "taskArn": task.arn,
            "taskDefinitionArn": arn("ecs", f"task-definition/{task.revision.name}"),
            "updatedAt": iso(now),
            "version": task.version,
            **{key: iso(at) for key, at in times.items() if at is not None},
        }
        if task.stop_code:
            detail |= {"stopCode": task.stop_code, "stoppedReason": task.stopped_reason}
        self._event(now, "ECS Task State Change", task.arn, detail)

    @property
    def _service_arn(self) -> str:
        return arn("ecs", f"service/{self._cluster}/{self._service}")

    def _event(self, now: datetime, kind: str, resource: str, detail: Row) -> None:
        self._say(
            {
                "version": "0",
                "id": self._uuid(),
                "detail-type": kind,
                "source": "aws.ecs",
                "account": ACCOUNT,
                "time": iso(now),
                "region": REGION,
                "resources": [resource],
                "detail": detail,
            }
        )

    def _interface(self, task: Task) -> Row:
        details = [
            {"name": "subnetId", "value": f"subnet-0lab{task.zone[-1]}"},
            {"name": "privateIPv4Address", "value": "127.0.0.1"},
        ]
        gone = task.status in ("DEPROVISIONING", "STOPPED")
        return {"id": task.id[:8], "type": "eni", "status": "DELETED" if gone else "ATTACHED", "details": details}

    def _uuid(self) -> str:
        return str(UUID(int=self._bits(128), version=4))

    @staticmethod
    def _listed(tasks: Sequence[Task]) -> str:
        return " ".join(f"(task {task.id})" for task in tasks)


def _container(task: Task) -> Row:
    """Return the one container; it has no exit code where it never ran, as ECS does."""
    status = "STOPPED" if task.status in ("DEPROVISIONING", "STOPPED") else "RUNNING" if task.started else "PENDING"
    found: Row = {
        "containerArn": arn("ecs", f"container/{task.cluster}/{task.id}/app"),
        "lastStatus": status,
        "name": task.service,
        "image": task.revision.image,
        "runtimeId": f"{task.id}-app",
        "taskArn": task.arn,
        "networkInterfaces": [{"attachmentId": task.id[:8], "privateIpv4Address": "127.0.0.1"}],
        "cpu": str(task.revision.cpu),
        "memory": str(task.revision.memory),
    }
    if task.exit_code is not None:
        found["exitCode"] = task.exit_code
    if task.container_reason:
        found["reason"] = task.container_reason
    return found
