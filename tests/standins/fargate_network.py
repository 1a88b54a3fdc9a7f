"""Where a task is reachable: its interface, its load balancer targets, its Cloud Map instances.

AWS (developer guide, "Fargate task networking", "service load balancing", "service discovery"): a task has an
elastic network interface in one of its service's subnets; ECS registers its address in the service's target
groups, where health checks make it ``initial`` and then ``healthy``, and takes it out, ``draining``, before
the task is stopped; it registers an instance a task in Cloud Map. moto does none of it, and calls a target
``healthy`` at once.

Simulation: health checks pass exactly ``HealthCheckIntervalSeconds * HealthyThresholdCount`` after the task
runs (fail after ``UnhealthyThresholdCount`` of them); draining lasts as long as the group's delay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

from tests.standins.fargate_world import World

if TYPE_CHECKING:
    from tests.standins.aws import Row
    from tests.standins.fargate_tasks import Task

_WORDS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}


@dataclass
class Target:
    """One address in one target group.

    Attributes:
        group: ARN of the target group.
        state: ``initial``, ``healthy``, ``unhealthy``, ``draining``.
    """

    group: str
    address: str
    port: int
    state: str = "initial"


@dataclass
class Reach:
    """How one task is reached.

    Attributes:
        targets: Its addresses in target groups.
        instances: Ids of the Cloud Map services that know it.
        eni: moto's network interface.
    """

    world: World
    eni: Any = None
    targets: list[Target] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The task's private address; "" before it has one."""
        return str(self.eni.private_ip_address) if self.eni else ""

    def attach(self, network: Row, number: int) -> None:
        """Make the interface, in the subnets by turns."""
        subnets = network["subnets"]
        subnet = self.world.ec2.get_subnet(subnets[number % len(subnets)])
        address = subnet.get_available_subnet_ip(None)  # type: ignore[arg-type]
        groups = list(network.get("securityGroups") or ())
        self.eni = self.world.ec2.create_network_interface(subnet, address, group_ids=groups)
        self.eni.status = "in-use"
        self.eni.description = "obskit test: interface of a Fargate task"

    def detach(self) -> None:
        """Delete the interface."""
        if self.eni and self.eni.id in self.world.ec2.enis:
            self.world.ec2.delete_network_interface(self.eni.id)
            self.eni.subnet.del_subnet_ip(self.address)

    def register(self, task: Task, load_balancers: list[Row], registries: list[Row]) -> None:
        """Become known to target groups and Cloud Map; what is gone by now is passed over."""
        for row in load_balancers:
            group = self.world.elb.target_groups.get(row["targetGroupArn"])
            if group is not None:
                target = Target(row["targetGroupArn"], self.address, int(row["containerPort"]))
                group.targets[self.address] = {"Id": self.address, "Port": target.port, "obskit": target}
                self.targets.append(target)
        for row in registries:
            identity = row["registryArn"].rsplit("/", 1)[-1]
            if identity in self.world.discovery.services:
                attributes = {
                    "AWS_INSTANCE_IPV4": self.address,
                    "AVAILABILITY_ZONE": str(task.row.get("availabilityZone", "")),
                    "ECS_CLUSTER_NAME": task.cluster,
                    "ECS_SERVICE_NAME": task.row["group"].removeprefix("service:"),
                    "ECS_TASK_DEFINITION_FAMILY": task.definition.family,
                    "REGION": self.world.region,
                    "AWS_INIT_HEALTH_STATUS": "HEALTHY",
                }
                if row.get("containerPort"):
                    attributes["AWS_INSTANCE_PORT"] = str(row["containerPort"])
                self.world.discovery.register_instance(identity, task.identity, "", attributes)
                self.instances.append(identity)

    def check(self, target: Target, *, passes: bool) -> float:
        """Return after how many seconds the health checks of a target have an answer."""
        group = self.world.elb.target_groups.get(target.group)
        if group is None:
            return 0.0
        threshold = group.healthy_threshold_count if passes else group.unhealthy_threshold_count
        return float(group.health_check_interval_seconds) * float(threshold)

    def drain(self) -> float:
        """Take the task out of everything; return for how many seconds its targets drain."""
        for identity in self.instances:
            if identity in self.world.discovery.services:
                service = self.world.discovery.services[identity]
                service.instances[:] = [
                    i for i in service.instances if i.attributes.get("AWS_INSTANCE_IPV4") != self.address
                ]
        self.instances.clear()
        delays = [0.0]
        for target in self.targets:
            target.state = "draining"
            group = self.world.elb.target_groups.get(target.group)
            if group is not None:
                delays.append(float(str(group.attributes.get("deregistration_delay.timeout_seconds", 300))))
        return max(delays)

    def leave(self) -> None:
        """Be forgotten by the target groups."""
        for target in self.targets:
            group = self.world.elb.target_groups.get(target.group)
            if group is not None:
                group.targets.pop(target.address, None)
        self.targets.clear()


_moto_health = FakeTargetGroup.health_for


def health_for(group: FakeTargetGroup, target: Row, ec2_backend: Any) -> FakeHealthStatus:
    """Answer for tasks' targets what the simulation says, for others what moto does."""
    known = group.targets.get(target["Id"], {}).get("obskit")
    if known is None:
        return _moto_health(group, target, ec2_backend)
    words = _WORDS.get(known.state, (None, None))
    return FakeHealthStatus(known.address, str(known.port), str(known.port), known.state, *words)
