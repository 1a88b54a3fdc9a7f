"""ECS services: they keep tasks running, replace them in deployments, and put them behind the load balancer.

A deployment is waited for by its id. That a service is stable says nothing: it is stable, too, after the
circuit breaker has rolled a bad deployment back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from obskit.deploy.aws import quiet
from obskit.deploy.containers._images import is_cached
from obskit.deploy.errors import DeployError
from obskit.deploy.registry import require_pushed
from obskit.deploy.resource import STACK_TAG, Attributes, Kind, Observed, Resource, touched
from obskit.deploy.resources import _entry, _service_fields, _services, _tags, route_table, subnet, vpc_endpoint
from obskit.deploy.services import services

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.services import FargateService
    from obskit.deploy.spec import StackSpec

#: What begins a new deployment.
_DEPLOYED: Final = frozenset(
    {
        "capacityProviderStrategy",
        "loadBalancers",
        "networkConfiguration",
        "platformVersion",
        "serviceConnectConfiguration",
        "serviceRegistries",
        "taskDefinition",
    }
)


class ServiceKind(Kind):
    """The ECS services of the stack, under their plain names in the stack's own cluster."""

    name = "service"
    needs: ClassVar[tuple[str, ...]] = (
        "cluster",
        "task_definition",
        "subnet",
        "route_table",
        "vpc_endpoint",
        "security_group",
        "security_group_rules",
        "target_group",
        "listener",
        "listener_rule",
        "discovery_service",
    )
    replace_on: ClassVar[tuple[str, ...]] = ("serviceName", "cluster", "schedulingStrategy")
    renewed: ClassVar[tuple[str, ...]] = ("deployment",)
    patience_seconds: ClassVar[float] = 1800.0

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for each service; where it scales, the number of tasks is only written once."""
        for service in services(spec, place):
            scales = service.size.maximum > service.size.minimum
            yield Resource(
                kind=self.name,
                name=service.name,
                fields=_service_fields.wanted(service, spec, place),
                after=_after(service, spec, place),
                left_to_others=("desiredCount",) if scales else (),
                service=service.name,
            )

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the active services of the stack's cluster that bear its tags."""
        found = _services.ours(aws, stack)
        subnets = subnet.KIND.names(aws, stack) if found else {}
        for row in found:
            yield Observed(
                kind=self.name,
                name=str(_services.name_of(row, stack)),
                fields=_service_fields.observed(row, subnets),
                attributes=_attributes(row),
                tags=_tags.as_dict(row.get("tags"), "key", "value"),
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one, after one of the same name that is being deleted has gone.

        Raises:
            DeployError: There is one of that name that is not the stack's.
        """
        name = str(resource.fields["serviceName"])
        aws.until(lambda: _draining(aws, stack.name, name), patience_seconds=self.patience_seconds, what=name)
        row = next(iter(_services.described(aws, stack.name, name)), None)
        if row and row.get("status") == "ACTIVE":
            owner = _tags.as_dict(row.get("tags"), "key", "value").get(STACK_TAG, "")
            if owner != stack.name:
                where = {"service": str(row.get("serviceArn", "")), "stack": owner or "none"}
                raise DeployError(f"service {name} exists and is not this stack's", where=where, hint="delete it")
            return _attributes(row)
        _images_are_there(aws, stack, str(resource.fields["taskDefinition"]))
        asked = {
            "cluster": resource.fields["cluster"],
            "serviceName": name,
            "schedulingStrategy": resource.fields["schedulingStrategy"],
            "deploymentController": resource.fields["deploymentController"],
            "tags": _tags.as_list(resource.tags, "key", "value"),
            **_service_fields.asked(resource.fields, resource.fields),
        }
        return _attributes(aws.call("ecs", "create_service", settle=True, **asked)["service"])

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Send what differs, all in one call, so that it is one deployment.

        A deployment that is only on its way is waited for, and nothing sent.

        Raises:
            DeployError: Somebody else is deploying the service, or has since the plan was made.
        """
        cluster, name = stack.name, str(resource.fields["serviceName"])
        now = next(iter(_services.described(aws, cluster, name)), {})
        asked = _service_fields.asked(resource.fields, {path.split(".")[0] for path in paths})
        if asked.keys() & _DEPLOYED:
            _services.require_free(aws, now, str(before.fields["taskDefinition"]))
        if "taskDefinition" in asked:
            _services.require_taken_up(aws, now, str(before.fields["taskDefinition"]), asked["taskDefinition"])
        if "deploymentConfiguration" in asked:
            asked["deploymentConfiguration"] = _service_fields.quieted(asked["deploymentConfiguration"], before)
        if touched(paths, "deploymentController"):
            asked["deploymentController"] = resource.fields["deploymentController"]
        if "capacityProviderStrategy" in asked:
            asked["forceNewDeployment"] = True  # AWS wants it with a new strategy
        if _services.primary(now).get("rolloutState") == "FAILED":
            asked["forceNewDeployment"] = True
        if now and not asked:
            return _attributes(now)
        answer = aws.call("ecs", "update_service", idempotent=True, settle=True, cluster=cluster, service=name, **asked)
        return _attributes(answer["service"])

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Tag the service; tasks get the tags when they are started."""
        _services.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one, with its tasks."""
        asked: dict[str, Any] = {"cluster": stack.name, "service": before.attributes["name"], "force": True}
        quiet(lambda: aws.call("ecs", "delete_service", idempotent=True, **asked))

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return how many tasks of its deployment run.

        Raises:
            DeployError: The deployment failed, was rolled back, or another one has taken its place.
        """
        return _services.rollout(aws, stack.name, attributes)

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return why it still holds network interfaces and targets: AWS drains it, or tasks are stopping."""
        draining = _draining(aws, stack.name, before.attributes["name"])
        if draining:
            return draining
        # A service is INACTIVE as soon as its tasks are told to stop; their interfaces hold subnets and groups.
        group = f"service:{before.attributes['name']}"
        stopping = [
            task
            for status in ("RUNNING", "STOPPED")
            for task in _services.tasks(aws, stack.name, status, family=stack.full(before.name))
            if task.get("group", group) == group and task.get("lastStatus") != "STOPPED"
        ]
        return f"{len(stopping)} tasks are stopping" if stopping else ""


def _after(service: FargateService, spec: StackSpec, place: Place) -> tuple[str, ...]:
    """Return what its tasks need in order to start, beyond what the fields refer to."""
    # Without a route and open ports no image can be pulled.
    network = [*route_table.KIND.wanted(spec, place), *vpc_endpoint.KIND.wanted(spec, place)]
    after = [f"security_group_rules.{service.name}", *(resource.address for resource in network)]
    if service.public:
        # ECS refuses a target group that no load balancer forwards to.
        is_default = _entry.default(spec, place) == service.name
        after.append("listener.https" if is_default else f"listener_rule.{service.name}")
    if service.repository:
        after.append(f"repository.{service.name}")
    return tuple(after)


def _attributes(row: Mapping[str, Any]) -> Attributes:
    return {
        "arn": str(row["serviceArn"]),
        "name": str(row["serviceName"]),
        "deployment": str(_services.primary(row).get("id", "")),
    }


def _images_are_there(aws: Aws, stack: Stack, definition: str) -> None:
    """Make sure that a first deployment finds its images: it has no earlier one to go back to.

    Raises:
        DeployError: An image of the stack's own registry has not been pushed yet.
    """
    answer = aws.call("ecs", "describe_task_definition", taskDefinition=definition)
    for container in answer["taskDefinition"]["containerDefinitions"]:
        if not is_cached(str(container["image"])):
            require_pushed(aws, stack.place, str(container["image"]))


def _draining(aws: Aws, cluster: str, name: str) -> str:
    row = next(iter(_services.described(aws, cluster, name)), {})
    if row.get("status") != "DRAINING":
        return ""
    return f"it is draining, {int(row.get('runningCount', 0))} tasks still run"


KIND = ServiceKind()
