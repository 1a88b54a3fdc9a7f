"""The service scheduler in virtual time: deployments, rolling updates, the circuit breaker, replacements.

AWS (API model; developer guide "Rolling update", "Deployment circuit breaker", "Service throttle logic", "Service
event messages"): UpdateService with another revision makes a PRIMARY deployment beside the ACTIVE one; tasks are
started and stopped within minimum and maximum percent; a deployment is COMPLETED when its tasks are healthy and
those of others are gone; tasks that end are replaced. `failedTasks` counts tasks that never reached RUNNING or
failed health checks, in a row: a healthy task sets it to 0, unless ``resetOnHealthyTask`` is false. At the threshold
(desired count x 50 %, rounded up, no less than 3, no more than 200, or `thresholdConfiguration`) the deployment is
FAILED and, with rollback, the last COMPLETED deployment is PRIMARY again. Without the breaker it is tried for ever, at
growing intervals of up to 15 minutes. moto makes one deployment for ever, starts nothing, and says nothing.

Simulation: everything happens at once that AWS would do within seconds; texts of events follow public examples
(the wording of AWS's own is not documented in full); AWS's periodic repeats of "steady state" are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tests.standins.aws import Row
from tests.standins.fargate_tasks import Task, new_task
from tests.standins.fargate_world import World

#: What UpdateService deploys anew (API model: "This parameter triggers a new service deployment").
DEPLOYED: Final = (
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
)
_IMPAIRED_AFTER: Final = 4
_LONGEST_BACK_OFF: Final = 900.0


@dataclass(eq=False)
class Deployment:
    """One deployment of a service.

    Attributes:
        id: ``ecs-svc/…``.
        settings: What it deploys: `DEPLOYED` of the service, and how it launches.
        status: ``PRIMARY``, ``ACTIVE``, ``INACTIVE``.
        state, reason: ``rolloutState`` and its reason.
        failures: Failed tasks in a row.
        worst: The most that were.
        in_vain: Tasks in a row that did not reach RUNNING; slows the next start.
        completed: It has been COMPLETED once: it can be rolled back to.
        rolled_back: It was rolled back from.
    """

    id: str
    settings: Row
    created: datetime
    updated: datetime
    status: str = "PRIMARY"
    state: str = "IN_PROGRESS"
    reason: str = ""
    failures: int = 0
    worst: int = 0
    in_vain: int = 0
    not_before: float = 0.0
    completed: bool = False
    rolled_back: str = ""
    finished: datetime | None = None


@dataclass(eq=False)
class Service:
    """One service.

    Attributes:
        row: As DescribeServices gives it, without what is counted.
        deployments: The PRIMARY one first; those without tasks are left out, as AWS does.
        history: All deployments, oldest first.
        events: Newest first.
        tags: As ECS lists them.
    """

    world: World
    cluster_name: str
    row: Row
    tags: list[Row]
    deployments: list[Deployment] = field(default_factory=list)
    history: list[Deployment] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    steady: bool = False
    _due: bool = False

    # moto's tagging, ListTagsForResource and autoscaling read these names
    @property
    def name(self) -> str:
        """Its name."""
        return str(self.row["serviceName"])

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.row["serviceArn"])

    @property
    def physical_resource_id(self) -> str:
        """Its ARN, for moto."""
        return self.arn

    @property
    def status(self) -> str:
        """``ACTIVE``, ``DRAINING``, ``INACTIVE``."""
        return str(self.row["status"])

    @property
    def tasks(self) -> list[Task]:
        """Those that have not ended, oldest first."""
        return [t for t in self.world.tasks.values() if t.service is self and not t.stopped]

    def say(self, message: str) -> None:
        """Add to the service's events; AWS keeps a hundred."""
        now = self.world.timeline.moment()
        row = {"id": self.world.identity(), "createdAt": now, "message": f"(service {self.name}) {message}"}
        self.events[:] = [row, *self.events][:100]

    def announce(self, name: str, kind: str = "INFO", **more: Any) -> None:
        """Send an ``ECS Service Action``."""
        detail = {"eventType": kind, "eventName": name, "clusterArn": self.row["clusterArn"]}
        detail |= {"createdAt": self.world.timeline.moment(), **more}
        self.world.bus.send("ECS Service Action", self.arn, detail)

    def deploy(self) -> None:
        """Begin a new deployment of what the row says."""
        now = self.world.timeline.moment()
        identity = f"ecs-svc/{next(self.world.serial) * 7919 + 1000000000000000000}"
        settings = {key: self.row.get(key) for key in (*DEPLOYED, "launchType", "capacityProviderStrategy")}
        deployment = Deployment(identity, settings, now, now)
        for other in self.deployments:
            other.status = "ACTIVE"
            if other.state == "IN_PROGRESS":
                other.finished = now
        self.deployments.insert(0, deployment)
        self.history.append(deployment)
        self._turns(deployment, "IN_PROGRESS", f"ECS deployment {identity} in progress.")
        self.steady = False
        self.reconcile_soon()

    def _turns(self, deployment: Deployment, state: str, reason: str) -> None:
        now = self.world.timeline.moment()
        deployment.state, deployment.reason, deployment.updated = state, reason, now
        if state != "IN_PROGRESS":
            deployment.finished = now
        detail = {
            "eventType": "ERROR" if state == "FAILED" else "INFO",
            "eventName": f"SERVICE_DEPLOYMENT_{state}",
            "deploymentId": deployment.id,
            "updatedAt": now,
            "reason": reason,
        }
        self.world.bus.send("ECS Deployment State Change", self.arn, detail)

    def reconcile_soon(self) -> None:
        """Look once more, in this moment, at what is to be started and stopped."""
        if not self._due:
            self._due = True
            self.world.timeline.at(0.0, self._reconcile)

    def _reconcile(self) -> None:
        self._due = False
        if self.status != "ACTIVE":
            self._wind_up()
            return
        self._start()
        self._stop()
        self._retire()
        self._complete()

    def _wind_up(self) -> None:
        self._stop_tasks([t for t in self.tasks if t.wanted], "Service was deleted")
        if not self.tasks and self.status == "DRAINING":
            self.row["status"] = "INACTIVE"
            self.deployments.clear()

    def _limits(self) -> tuple[int, int]:
        desired, settings = self.row["desiredCount"], self.row["deploymentConfiguration"]
        least = math.ceil(desired * settings["minimumHealthyPercent"] / 100)
        return least, math.floor(desired * settings["maximumPercent"] / 100)

    def _start(self) -> None:
        primary = self.deployments[0]
        if primary.state == "FAILED":
            return
        living = self.tasks
        own = [t for t in living if t.deployment is primary and t.wanted]
        missing = self.row["desiredCount"] - len(own)
        if missing <= 0:
            return
        now = self.world.timeline.now
        if now < primary.not_before:
            return
        room = self._limits()[1] - len(living)
        count = min(missing, room)
        if count <= 0:
            if room <= 0 and self._limits()[0] >= len(living) == len([t for t in living if t.healthy]):
                self._say_once(
                    "was unable to stop or start tasks during a deployment because of the service deployment "
                    "configuration."
                )
            return
        started = [self._launch(primary) for _ in range(count)]
        self.steady = False
        self.say(f"has started {count} tasks: {_list(started)}.")

    def _say_once(self, message: str) -> None:
        if not self.events or not self.events[0]["message"].endswith(message):
            self.say(message)

    def _launch(self, deployment: Deployment) -> Task:
        settings = deployment.settings
        definition = self.world.ecs.describe_task_definition(settings["taskDefinition"])
        network = settings["networkConfiguration"]["awsvpcConfiguration"]
        task = new_task(
            self.world,
            self.cluster_name,
            definition,
            network,
            group=f"service:{self.name}",
            started_by=deployment.id,
            launch=self._provider(settings),
        )
        task.service, task.deployment = self, deployment
        task.row["enableExecuteCommand"] = self.row["enableExecuteCommand"]
        propagated = {"SERVICE": self.tags, "TASK_DEFINITION": definition.tags}.get(self.row["propagateTags"], [])
        task.tags = list(propagated or ())
        if self.row["enableECSManagedTags"]:
            task.tags.append({"key": "aws:ecs:clusterName", "value": self.cluster_name})
            task.tags.append({"key": "aws:ecs:serviceName", "value": self.name})
        task.begin()
        return task

    def _provider(self, settings: Row) -> Row:
        strategy = settings.get("capacityProviderStrategy") or []
        if not strategy:
            return {"launchType": settings.get("launchType") or "FARGATE"}
        counts = {row["capacityProvider"]: 0 for row in strategy}
        for task in self.tasks:
            if task.wanted and (name := task.row.get("capacityProviderName")) in counts:
                counts[name] += 1
        for row in strategy:
            if counts[row["capacityProvider"]] < row.get("base", 0):
                return {"launchType": "FARGATE", "capacityProviderName": row["capacityProvider"]}
        weighed = [row for row in strategy if row.get("weight", 0)] or strategy
        # the one that is furthest below its share
        chosen = min(
            weighed, key=lambda r: (counts[r["capacityProvider"]] - r.get("base", 0) + 1) / max(r.get("weight", 0), 1)
        )
        return {"launchType": "FARGATE", "capacityProviderName": chosen["capacityProvider"]}

    def _stop(self) -> None:
        primary, desired = self.deployments[0], self.row["desiredCount"]
        wanted = [t for t in self.tasks if t.wanted]
        own = [t for t in wanted if t.deployment is primary]
        old = [t for t in wanted if t.deployment is not primary]
        surplus = own[desired:] if len(own) > desired else []
        healthy = sum(t.healthy for t in wanted if t not in surplus)
        spare = max(healthy - self._limits()[0], 0)
        if primary.state == "FAILED":
            old = []
        failed_ones = [t for t in old if not t.healthy]
        leaving = surplus + failed_ones + [t for t in old if t.healthy][:spare]
        if leaving:
            self._stop_tasks(leaving, f"Scaling activity initiated by (deployment {primary.id})")

    def _stop_tasks(self, tasks: list[Task], reason: str) -> None:
        if not tasks:
            return
        self.steady = False
        draining: dict[str, int] = {}
        running = [t for t in tasks if t.row["lastStatus"] == "RUNNING"]
        for task in tasks:
            if task.reach.targets and task.deployment is not None:
                draining[task.deployment.id] = draining.get(task.deployment.id, 0) + 1
            task.stop("ServiceSchedulerInitiated", reason)
        if running:
            self.say(f"has stopped {len(running)} running tasks: {_list(running)}.")
        for identity, count in draining.items():
            # this one has the deployment within the parentheses
            self.say(f"has begun draining connections on {count} tasks.")
            self.events[0]["message"] = (
                f"(service {self.name}, taskSet {identity}) has begun draining connections on {count} tasks."
            )
            for group in sorted({row["targetGroupArn"] for row in self.row["loadBalancers"]}):
                self.say(f"deregistered {count} targets in (target-group {group})")

    def lost(self, task: Task) -> None:
        """Count a task that has begun to end."""
        self.steady = False
        deployment = task.deployment
        scheduled = task.row["stopCode"] in ("UserInitiated", "ServiceSchedulerInitiated")
        unhealthy = "health checks" in task.row["stoppedReason"]
        if deployment is None or (scheduled and not unhealthy):
            return
        if not task.ran:
            deployment.in_vain += 1
            self._back_off(deployment)
        if (unhealthy or not task.ran) and deployment.state == "IN_PROGRESS":
            deployment.failures += 1
            deployment.worst = max(deployment.worst, deployment.failures)
            self._break(deployment)

    def _back_off(self, deployment: Deployment) -> None:
        beyond = deployment.in_vain - _IMPAIRED_AFTER * max(self.row["desiredCount"], 1)
        if beyond < 0:
            return
        pause = min(30.0 * 2 ** min(beyond, 10), _LONGEST_BACK_OFF)
        deployment.not_before = self.world.timeline.now + pause
        self.world.timeline.at(pause, self.reconcile_soon)
        self._say_once("is unable to consistently start tasks successfully.")
        self.announce("SERVICE_TASK_START_IMPAIRED", "WARN")

    def gained(self, task: Task) -> None:
        """Count a task that has become healthy."""
        deployment = task.deployment
        if deployment is not None:
            deployment.in_vain, deployment.not_before = 0, 0.0
            if self.breaker.get("resetOnHealthyTask", True):
                deployment.failures = 0
        for group in sorted({row["targetGroupArn"] for row in self.row["loadBalancers"]}):
            self.say(f"registered 1 targets in (target-group {group})")

    @property
    def breaker(self) -> Row:
        """The circuit breaker as it is configured."""
        return dict(self.row["deploymentConfiguration"].get("deploymentCircuitBreaker") or {})

    def threshold(self) -> int:
        """Return how many failed tasks fail a deployment."""
        given = self.breaker.get("thresholdConfiguration") or {}
        value: int = given.get("value", 50)
        if given.get("type") == "COUNT":
            return value
        share = math.ceil(int(self.row["desiredCount"]) * value / 100)
        return max(share, 1) if given.get("type") == "UNBOUNDED_PERCENT" else min(max(share, 3), 200)

    def _break(self, deployment: Deployment) -> None:
        if not self.breaker.get("enable") or deployment.failures < self.threshold():
            return
        if deployment is not self.deployments[0]:
            return
        self._turns(deployment, "FAILED", "ECS deployment circuit breaker: tasks failed to start.")
        self.say(f"(deployment {deployment.id}) deployment failed: tasks failed to start.")
        last = next((d for d in reversed(self.history) if d.completed and d is not deployment), None)
        if not self.breaker.get("rollback") or last is None:
            return
        deployment.rolled_back = f"ECS deployment circuit breaker: rolling back to deploymentId {last.id}."
        self.deployments = [last, *(d for d in self.deployments if d is not last)]
        for other in self.deployments[1:]:
            other.status = "ACTIVE"
        last.status = "PRIMARY"
        self.row |= last.settings
        self.say(f"rolling back to deployment {last.id}.")
        self._turns(last, "IN_PROGRESS", deployment.rolled_back)
        self.reconcile_soon()

    def _retire(self) -> None:
        holding = {t.deployment for t in self.tasks}
        for deployment in self.deployments[1:]:
            if deployment not in holding:
                deployment.status = "INACTIVE"
                self.deployments.remove(deployment)

    def _complete(self) -> None:
        primary = self.deployments[0]
        wanted = [t for t in self.tasks if t.wanted]
        if len(self.deployments) > 1 or not all(t.healthy for t in wanted):
            return
        if len(wanted) != self.row["desiredCount"] or self.steady or primary.state == "FAILED":
            return
        if primary.state == "IN_PROGRESS":
            primary.completed = True
            self._turns(primary, "COMPLETED", f"ECS deployment {primary.id} completed.")
            self.say(f"(deployment {primary.id}) deployment completed.")
        self.steady = True
        self.say("has reached a steady state.")
        self.announce("SERVICE_STEADY_STATE")


def _list(tasks: list[Task]) -> str:
    return " ".join(f"(task {task.identity})" for task in tasks)
