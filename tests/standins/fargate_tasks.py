"""The life of a Fargate task in virtual time.

AWS (developer guide, "Task lifecycle", "Stopped tasks error codes"; `stopCode` from the API model): PROVISIONING,
PENDING, ACTIVATING where there is a load balancer or discovery, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING,
STOPPED; each change raises ``version`` and is an EventBridge event; stopped tasks are described for an hour. moto
starts no task of a service, lists one container, moves a task each time that it is described.

Simulation: each state lasts as long as the constants here say; which container fails, and how, is said by a table
of images. A container on which another waits for COMPLETE or SUCCESS has exited with 0 before the others start.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.standins.aws import Row
from tests.standins.fargate_network import Reach, Target
from tests.standins.fargate_world import Outcome, World

if TYPE_CHECKING:
    from tests.standins.fargate_services import Deployment, Service

PROVISIONING_SECONDS: Final = 5.0
PULLING_SECONDS: Final = 10.0
ACTIVATING_SECONDS: Final = 5.0
STOPPING_SECONDS: Final = 2.0
DEPROVISIONING_SECONDS: Final = 3.0
KEPT_SECONDS: Final = 3600.0


@dataclass(eq=False)
class Task:
    """One task.

    Attributes:
        definition: moto's task definition.
        row: As DescribeTasks gives it, without tags.
        service, deployment: Whose it is; None for one of RunTask.
        reach: How it is reached.
        healthy: It runs and passes all health checks that it has.
    """

    world: World
    cluster: str
    definition: Any
    row: Row
    tags: list[Row]
    network: Row
    reach: Reach
    number: int
    service: Service | None = None
    deployment: Deployment | None = None
    healthy: bool = False
    ran: bool = False
    _unanswered: set[str] = field(default_factory=set)

    # moto's tagging API and ListTagsForResource read these
    @property
    def task_arn(self) -> str:
        """Its ARN."""
        return str(self.row["taskArn"])

    @property
    def identity(self) -> str:
        """The last part of its ARN."""
        return self.task_arn.rsplit("/", 1)[-1]

    @property
    def wanted(self) -> bool:
        """It shall go on running."""
        return bool(self.row["desiredStatus"] == "RUNNING")

    @property
    def stopped(self) -> bool:
        """It has ended."""
        return bool(self.row["lastStatus"] == "STOPPED")

    def begin(self) -> None:
        """Start."""
        self._becomes("PROVISIONING")
        self.world.timeline.at(PROVISIONING_SECONDS, self._pull)

    def stop(self, code: str, reason: str) -> None:
        """Stop because somebody wants it: drain, end the containers, give back the interface."""
        if not self.wanted:
            return
        self._ends(code, reason)
        delay = self.reach.drain()
        if self.reach.targets:
            self._becomes("DEACTIVATING")
        self.world.timeline.at(delay, self._terminate)

    def _ends(self, code: str, reason: str) -> None:
        now = self.world.timeline.moment()
        self.healthy = False
        self.row |= {"desiredStatus": "STOPPED", "stopCode": code, "stoppedReason": reason, "stoppingAt": now}
        if self.service is not None:
            self.service.lost(self)

    def _becomes(self, status: str, **changes: Any) -> None:
        now = self.world.timeline.moment()
        changed = {"lastStatus": status, "version": self.row["version"] + 1, "updatedAt": now}
        self.row |= changed | changes
        self.tell()
        if self.service is not None:
            self.service.reconcile_soon()

    def tell(self) -> None:
        """Send the event of its state."""
        detail = {key: value for key, value in self.row.items() if key != "healthStatus"}
        detail["attachments"] = [{**row, "type": "eni"} for row in self.row["attachments"]]
        self.world.bus.send("ECS Task State Change", self.task_arn, detail)

    def _pull(self) -> None:
        if not self.wanted:
            return
        now = self.world.timeline.moment()
        self.reach.attach(self.network, self.number)
        eni = self.reach.eni
        self.row["availabilityZone"] = eni.subnet.availability_zone
        attachment = self.row["attachments"][0]
        attachment["status"] = "ATTACHED"
        attachment["details"] = [
            {"name": "subnetId", "value": eni.subnet.id},
            {"name": "networkInterfaceId", "value": eni.id},
            {"name": "macAddress", "value": eni.mac_address},
            {"name": "privateIPv4Address", "value": self.reach.address},
        ]
        for container in self.row["containers"]:
            interface = {"attachmentId": attachment["id"], "privateIpv4Address": self.reach.address}
            container["networkInterfaces"] = [interface]
        self._becomes("PENDING", connectivity="CONNECTED", connectivityAt=now, pullStartedAt=now)
        for container in self.row["containers"]:
            if (outcome := self._outcome(container)).kind == "pull_fails":
                self.world.timeline.at(PULLING_SECONDS / 2, lambda: self._cannot_pull(outcome))
                return
        self.world.timeline.at(PULLING_SECONDS, self._activate)

    def _outcome(self, container: Row) -> Outcome:
        return self.world.outcome_of(container["image"])

    def _cannot_pull(self, outcome: Outcome) -> None:
        if self.wanted:
            self._ends("TaskFailedToStart", f"CannotPullContainerError: {outcome.message}")
            self._deprovision()

    def _activate(self) -> None:
        if not self.wanted:
            return
        self.row["pullStoppedAt"] = self.world.timeline.moment()
        for number, container in enumerate(self.row["containers"]):
            container["runtimeId"] = f"{self.identity}-{number:010d}"
            container["lastStatus"] = "RUNNING"
            container["imageDigest"] = f"sha256:{hashlib.sha256(container['image'].encode()).hexdigest()}"
        service = self.service
        if service is not None:
            self.reach.register(self, service.row["loadBalancers"], service.row["serviceRegistries"])
        if self.reach.targets or self.reach.instances:
            self._becomes("ACTIVATING")
        for container in self.row["containers"]:
            self._schedule_exit(container)
        self.world.timeline.at(ACTIVATING_SECONDS, self._run)

    def _schedule_exit(self, container: Row) -> None:
        outcome = self._outcome(container)
        if outcome.kind == "exits":
            self.world.timeline.at(outcome.after, lambda: self._exits(container, outcome))
        elif self._awaited(container["name"]):
            container |= {"lastStatus": "STOPPED", "exitCode": 0}

    def _awaited(self, name: str) -> str:
        for definition in self.definition.container_definitions:
            for dependency in definition.get("dependsOn") or ():
                if dependency["containerName"] == name and dependency["condition"] in ("COMPLETE", "SUCCESS"):
                    return str(dependency["condition"])
        return ""

    def _exits(self, container: Row, outcome: Outcome) -> None:
        if not self.wanted or container["lastStatus"] == "STOPPED":
            return
        container |= {"lastStatus": "STOPPED", "exitCode": outcome.code}
        if outcome.reason:
            container["reason"] = outcome.reason
        if self._awaited(container["name"]) == "SUCCESS" and outcome.code:
            self._ends("TaskFailedToStart", "Task failed to start")
        elif self._definition(container["name"]).get("essential", True):
            self._ends("EssentialContainerExited", "Essential container in task exited")
            self.row["executionStoppedAt"] = self.world.timeline.moment()
        else:
            self._becomes(self.row["lastStatus"])
            return
        self.reach.drain()
        self._terminate()

    def _definition(self, name: str) -> Row:
        return next((c for c in self.definition.container_definitions if c["name"] == name), {})

    def _run(self) -> None:
        if not self.wanted:
            return
        self.ran = True
        self._becomes("RUNNING", startedAt=self.world.timeline.moment())
        passes = all(self._outcome(c).kind != "unhealthy" for c in self.row["containers"])
        for target in self.reach.targets:
            self._unanswered.add(target.group)
            self.world.timeline.at(self.reach.check(target, passes=passes), self._answer_of(target, passes=passes))
        for container in self.row["containers"]:
            if check := self._definition(container["name"]).get("healthCheck"):
                container["healthStatus"] = self.row["healthStatus"] = "UNKNOWN"
                self._unanswered.add(container["name"])
                tries = 1 if passes else int(check.get("retries") or 3)
                delay = float(check.get("interval") or 30) * tries
                delay += 0 if passes else float(check.get("startPeriod") or 0)
                self.world.timeline.at(delay, self._answer_in(container, passes=passes))
        self._maybe_healthy()

    def _answer_of(self, target: Target, *, passes: bool) -> Any:
        def answer() -> None:
            if not self.wanted or self.service is None:
                return
            target.state = "healthy" if passes else "unhealthy"
            self._unanswered.discard(target.group) if passes else None
            self._maybe_healthy()
            if not passes:
                grace = float(self.service.row.get("healthCheckGracePeriodSeconds") or 0)
                ran = (self.world.timeline.moment() - self.row["startedAt"]).total_seconds()
                self.world.timeline.at(max(grace - ran, 0.0), lambda: self._fails_target(target))

        return answer

    def _fails_target(self, target: Target) -> None:
        if self.wanted and self.service is not None:
            why = f"(port {target.port}) is unhealthy in (target-group {target.group})"
            because = "due to (reason Health checks failed with these codes: [502])"
            self.service.say(f"(task {self.identity}) {why} {because}.")
            self.stop("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {target.group})")

    def _answer_in(self, container: Row, *, passes: bool) -> Any:
        def answer() -> None:
            if not self.wanted:
                return
            container["healthStatus"] = "HEALTHY" if passes else "UNHEALTHY"
            states = {c.get("healthStatus", "HEALTHY") for c in self.row["containers"]}
            self.row["healthStatus"] = next((s for s in ("UNHEALTHY", "UNKNOWN") if s in states), "HEALTHY")
            if passes:
                self._unanswered.discard(container["name"])
                self._maybe_healthy()
            elif self.service is not None:
                self.service.say(f"(task {self.identity}) failed container health checks.")
                self.stop("ServiceSchedulerInitiated", "Task failed container health checks")

        return answer

    def _maybe_healthy(self) -> None:
        if not self._unanswered and not self.healthy:
            self.healthy = True
            if self.service is not None:
                self.service.gained(self)
                self.service.reconcile_soon()

    def _terminate(self) -> None:
        if any(c["lastStatus"] == "RUNNING" for c in self.row["containers"]):
            self._becomes("STOPPING")
            self.world.timeline.at(STOPPING_SECONDS, self._kill)
        else:
            self._deprovision()

    def _kill(self) -> None:
        for container in self.row["containers"]:
            if container["lastStatus"] == "RUNNING":
                container |= {"lastStatus": "STOPPED", "exitCode": 143}
        self._deprovision()

    def _deprovision(self) -> None:
        self.reach.leave()
        for container in self.row["containers"]:
            container["lastStatus"] = "STOPPED"
        self._becomes("DEPROVISIONING")
        self.world.timeline.at(DEPROVISIONING_SECONDS, self._end)

    def _end(self) -> None:
        self.reach.detach()
        self.row["attachments"][0]["status"] = "DELETED"
        self._becomes("STOPPED", stoppedAt=self.world.timeline.moment())
        self.world.timeline.at(KEPT_SECONDS, self.forget)

    def forget(self) -> None:
        """Be described no more."""
        self.world.tasks.pop(self.task_arn, None)
        self.world.ecs.tasks.get(self.cluster, {}).pop(self.task_arn, None)


def new_task(
    world: World, cluster: str, definition: Any, network: Row, *, group: str, started_by: str, launch: Row
) -> Task:
    """Return a task that has not yet begun, known to DescribeTasks.

    Args:
        world: Where.
        cluster: Name.
        definition: moto's.
        network: ``awsvpcConfiguration``.
        group, started_by: As in DescribeTasks.
        launch: ``launchType`` and, by a capacity provider, ``capacityProviderName``.
    """
    number = next(world.launched)
    identity = world.identity()
    arn = world.arn("task", f"{cluster}/{identity}")
    containers = [
        {
            "containerArn": world.arn("container", f"{cluster}/{identity}/{index:08x}"),
            "taskArn": arn,
            "name": container["name"],
            "image": container["image"],
            "lastStatus": "PENDING",
            "networkInterfaces": [],
            "cpu": str(container.get("cpu", 0)),
            **{k: str(container[k]) for k in ("memory", "memoryReservation") if container.get(k)},
        }
        for index, container in enumerate(definition.container_definitions)
    ]
    row: Row = {
        "attachments": [{"id": f"{identity[:8]}-eni", "type": "ElasticNetworkInterface", "status": "PRECREATED"}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "clusterArn": world.arn("cluster", cluster),
        "containers": containers,
        "cpu": definition.cpu,
        "memory": definition.memory,
        "createdAt": world.timeline.moment(),
        "desiredStatus": "RUNNING",
        "lastStatus": "PROVISIONING",
        "enableExecuteCommand": False,
        "group": group,
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "startedBy": started_by,
        "overrides": {"containerOverrides": [{"name": c["name"]} for c in containers]},
        "taskArn": arn,
        "taskDefinitionArn": definition.arn,
        "version": 0,
        **launch,
    }
    task = Task(world, cluster, definition, row, [], network, Reach(world), number)
    world.tasks[arn] = task
    world.ecs.tasks.setdefault(cluster, {})[arn] = task  # type: ignore[assignment]
    return task
