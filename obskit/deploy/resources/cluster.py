"""The cluster: where the stack's services run, on Fargate and Fargate Spot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from obskit.deploy.aws import absent, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import STACK_TAG, Attributes, Fields, Kind, Observed, Resource, Value, touched
from obskit.deploy.resources import _services, _tags

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

_PROVIDERS: Final = ("FARGATE", "FARGATE_SPOT")
#: A task that is started by hand runs on plain Fargate.
_STRATEGY: Final[Fields] = {"FARGATE": {"base": 0, "weight": 1}}
#: Nobody runs commands in tasks: no service allows it, so there is nothing to log.
_CONFIGURATION: Final[Fields] = {"executeCommandConfiguration": {"logging": "NONE"}}
#: By these AWS says that it has not yet noticed that the last task has ended.
_OCCUPIED: Final = frozenset(
    {
        "ClusterContainsServicesException",
        "ClusterContainsTasksException",
        "ClusterContainsContainerInstancesException",
        "UpdateInProgressException",
    }
)


class ClusterKind(Kind):
    """The ECS cluster of the stack, which bears its name."""

    name = "cluster"
    #: Container Insights makes the stack's group of lines anew as long as the cluster is there.
    needs = ("log_group",)
    replace_on: ClassVar[tuple[str, ...]] = ("clusterName",)
    patience_seconds: ClassVar[float] = 900.0

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the one cluster."""
        fields: Fields = {
            "clusterName": spec.name,
            "capacityProviders": _PROVIDERS,
            "defaultCapacityProviderStrategy": _STRATEGY,
            "settings": {"containerInsights": spec.telemetry.insights},
            "configuration": _CONFIGURATION,
        }
        after = () if spec.telemetry.insights == "disabled" else ("log_group.insights",)
        yield Resource(kind=self.name, name="main", fields=fields, after=after)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the cluster of the stack's name if it bears the stack's tags."""
        described = _describe(aws, stack.name)
        if described and _is_there(described):
            tags = _tags.as_dict(described.get("tags"), "key", "value")
            if _tags.name_of(self.name, tags, stack) == "main":
                yield Observed(
                    kind=self.name, name="main", fields=_fields(described), attributes=_attributes(described), tags=tags
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create the cluster.

        Raises:
            DeployError: There is one of that name that is not the stack's.
        """
        there = _describe(aws, stack.name)
        if there and _is_there(there):
            owner = _tags.as_dict(there.get("tags"), "key", "value").get(STACK_TAG, "")
            if owner != stack.name:
                where = {"cluster": str(there.get("clusterArn", "")), "stack": owner or "none"}
                hint = "give the stack another name, or delete that cluster"
                raise DeployError(f"cluster {stack.name} exists and is not this stack's", where=where, hint=hint)
            return _attributes(there)
        answer = aws.call(
            "ecs",
            "create_cluster",
            settle=True,  # the service-linked role of ECS may be new in this account
            clusterName=resource.fields["clusterName"],
            capacityProviders=_list(resource.fields.get("capacityProviders")),
            defaultCapacityProviderStrategy=strategy_list(resource.fields.get("defaultCapacityProviderStrategy")),
            settings=_settings(resource.fields.get("settings")),
            configuration=resource.fields.get("configuration"),
            tags=_tags.as_list(resource.tags, "key", "value"),
        )
        return _attributes(answer["cluster"])

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Change settings, or which capacity providers there are."""
        fields = resource.fields
        if touched(paths, "settings", "configuration", "serviceConnectDefaults"):
            # AWS takes an empty namespace for none.
            connect = {"namespace": ""} if touched(paths, "serviceConnectDefaults") else None
            aws.call(
                "ecs",
                "update_cluster",
                idempotent=True,
                cluster=stack.name,
                settings=_settings(fields.get("settings")),
                configuration=fields.get("configuration"),
                serviceConnectDefaults=connect,
            )
        if touched(paths, "capacityProviders", "defaultCapacityProviderStrategy"):
            aws.call(
                "ecs",
                "put_cluster_capacity_providers",
                idempotent=True,
                settle=True,
                cluster=stack.name,
                capacityProviders=_list(fields.get("capacityProviders")),
                defaultCapacityProviderStrategy=strategy_list(fields.get("defaultCapacityProviderStrategy")),
            )
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags onto the cluster."""
        _services.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete the cluster as soon as AWS has noticed that nothing runs in it any more."""

        def why() -> str:
            try:
                aws.call("ecs", "delete_cluster", idempotent=True, cluster=before.attributes["arn"])
            except AwsError as error:
                if error.code in _OCCUPIED:
                    return error.message
                if not absent(error):
                    raise
            return ""

        aws.until(why, patience_seconds=self.patience_seconds, what=before.address)

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return what AWS is still doing with the cluster.

        Raises:
            DeployError: AWS could not provide it.
        """
        described = _describe(aws, attributes["name"]) or {}
        status = str(described.get("status", "MISSING"))
        if status == "FAILED":
            hint = "look at its capacity providers in AWS's console"
            raise DeployError(f"cluster {stack.name} failed", where={"cluster": attributes["arn"]}, hint=hint)
        if status == "ACTIVE":
            attached = str(described.get("attachmentsStatus", ""))
            return f"its capacity providers are {attached}" if attached == "UPDATE_IN_PROGRESS" else ""
        return f"it is {status}"

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return the status of a cluster that is not yet gone."""
        described = _describe(aws, before.attributes["name"])
        return f"it is {described.get('status')}" if described and described.get("status") != "INACTIVE" else ""


def strategy_of(rows: Iterable[Mapping[str, Any]] | None) -> Fields:
    """Return a capacity provider strategy as provider -> base and weight."""
    return {
        str(row["capacityProvider"]): {"base": int(row.get("base", 0)), "weight": int(row.get("weight", 0))}
        for row in rows or ()
    }


def strategy_list(strategy: Value) -> list[dict[str, Any]]:
    """Return a capacity provider strategy as AWS takes it."""
    if not isinstance(strategy, Mapping):
        return []
    return [{"capacityProvider": name, **row} for name, row in strategy.items() if isinstance(row, Mapping)]


def _describe(aws: Aws, name: str) -> dict[str, Any] | None:
    include = ["TAGS", "SETTINGS", "CONFIGURATIONS", "ATTACHMENTS"]
    answer = quiet(lambda: aws.call("ecs", "describe_clusters", clusters=[name], include=include)) or {}
    return next(iter(answer.get("clusters") or ()), None)


def _is_there(described: Mapping[str, Any]) -> bool:
    return described.get("status") not in ("INACTIVE", "DEPROVISIONING")


def _fields(described: Mapping[str, Any]) -> Fields:
    settings = {str(row["name"]): str(row.get("value", "")) for row in described.get("settings") or ()}
    found: dict[str, Value] = {
        "clusterName": str(described["clusterName"]),
        "capacityProviders": tuple(sorted(described.get("capacityProviders") or ())),
        "defaultCapacityProviderStrategy": strategy_of(described.get("defaultCapacityProviderStrategy")),
        "settings": {"containerInsights": "disabled", **settings},
        "configuration": described.get("configuration") or {},
    }
    namespace = (described.get("serviceConnectDefaults") or {}).get("namespace")
    return {**found, "serviceConnectDefaults": {"namespace": namespace}} if namespace else found


def _attributes(described: Mapping[str, Any]) -> Attributes:
    return {"arn": str(described["clusterArn"]), "name": str(described["clusterName"])}


def _settings(settings: Value) -> list[dict[str, Any]]:
    return [{"name": n, "value": v} for n, v in settings.items()] if isinstance(settings, Mapping) else []


def _list(value: Value) -> list[Value]:
    return list(value) if isinstance(value, tuple) else []


KIND = ClusterKind()
