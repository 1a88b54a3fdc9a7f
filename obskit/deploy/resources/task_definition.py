"""Task definitions: what a task is made of. Each change is a new revision of its family.

The revision that counts is the one that the service runs; where no service runs any, it is the newest
that bears the stack's tags. Deleting takes the whole family.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from obskit.deploy.aws import quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.plan import with_others
from obskit.deploy.resource import STACK_TAG, Attributes, Kind, Observed, Resource
from obskit.deploy.resources import _ecs, _services, _tags
from obskit.deploy.services import services

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

#: How many DeleteTaskDefinitions takes at once.
_BATCH: Final = 10
#: Looked at for the newest of a family; ECS sorts them.
_NEWEST: Final = 10


class TaskDefinitionKind(Kind):
    """Task definitions of the stack's services, one family each."""

    name = "task_definition"
    needs: ClassVar[tuple[str, ...]] = (
        "role",
        "log_group",
        "repository",
        "secret",
        "database",
        "bucket",
        "configuration",
        "metrics_workspace",
    )
    renewed: ClassVar[tuple[str, ...]] = ("arn", "revision")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for each service; where CI owns the image, it is only written once."""
        for service in services(spec, place):
            yield Resource(
                kind=self.name,
                name=service.name,
                fields=_ecs.definition(service, spec, place),
                left_to_others=(f"containers.{service.program.name}.image",) if service.image_owner == "ci" else (),
                service=service.name,
            )

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the revision that each service runs, then the newest of each family that nobody runs."""
        seen: set[str] = set()
        for service in _services.ours(aws, stack):
            name = str(_services.name_of(service, stack))
            described = _describe(aws, str(service.get("taskDefinition", "")))
            if described is not None:
                seen |= {stack.full(name), str(described["family"])}
                yield _observed(name, described)
        asked = {"familyPrefix": f"{stack.name}-", "status": "ACTIVE"}
        for family in aws.pages("ecs", "list_task_definition_families", "families", **asked):
            described = None if family in seen else _newest(aws, str(family))
            owned = described and _tags.name_of(self.name, described["tags"], stack)
            if described and owned:
                yield _observed(owned, described)

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Register the first revision.

        Raises:
            DeployError: The family is somebody else's.
        """
        family = str(resource.fields["family"])
        newest = _newest(aws, family)
        owner = newest and newest["tags"].get(STACK_TAG, "")
        if newest is not None and owner != stack.name:
            where = {"task definition": _arn(newest), "stack": owner or "none"}
            hint = "give the stack another name, or deregister that family's revisions"
            raise DeployError(f"task definition {family} exists and is not this stack's", where=where, hint=hint)
        return _registered(aws, resource, newest)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Register another revision, or take the newest one where an earlier run has registered it.

        What others own is taken from what the service runs now: between plan and apply there may have been a release.

        Raises:
            DeployError: Somebody else is deploying the service.
        """
        resource = _as_left(aws, stack, resource, before)
        return _registered(aws, resource, _newest(aws, str(resource.fields["family"])))

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Tag the revision that counts."""
        _services.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Deregister all revisions of the family, then have AWS forget them."""
        family = before.attributes["family"]
        active = list(_revisions(aws, family, "ACTIVE"))
        for arn in active:
            _call(aws, "deregister_task_definition", taskDefinition=arn)
        # Those that a task still runs on are deleted by AWS when it ends.
        inactive = sorted({*active, *_revisions(aws, family, "INACTIVE")})
        for start in range(0, len(inactive), _BATCH):
            _call(aws, "delete_task_definitions", taskDefinitions=inactive[start : start + _BATCH])

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return how many revisions can still be used."""
        left = len(list(_revisions(aws, before.attributes["family"], "ACTIVE")))
        return f"{left} revisions are still active" if left else ""


def _registered(aws: Aws, resource: Resource, newest: Mapping[str, Any] | None) -> Attributes:
    """Register a revision, unless the newest one is as wanted: an earlier run did not come further."""
    if newest is not None and _ecs.fields(newest) == resource.fields:
        return _attributes(newest)
    asked = {**_ecs.request(resource.fields), "tags": _tags.as_list(resource.tags, "key", "value")}
    # settle: AWS may not yet have heard of a role that was made a moment ago.
    return _attributes(aws.call("ecs", "register_task_definition", settle=True, **asked)["taskDefinition"])


def _as_left(aws: Aws, stack: Stack, resource: Resource, before: Observed) -> Resource:
    """Return what is wanted, with what others own as the service has it in this moment."""
    rows = _services.described(aws, stack.name, resource.name)
    row = next((row for row in rows if row.get("status") == "ACTIVE" and _services.name_of(row, stack)), None)
    if row is None:
        return resource
    _services.require_free(aws, row, before.attributes["arn"])
    revision = str(row.get("taskDefinition", ""))
    described = None if revision == before.attributes["arn"] else _describe(aws, revision)
    return with_others(resource, _observed(resource.name, described)) if described else resource


def _call(aws: Aws, method: str, **asked: Any) -> None:
    quiet(lambda: aws.call("ecs", method, idempotent=True, **asked))


def _revisions(aws: Aws, family: str, status: str) -> Iterator[str]:
    asked = {"familyPrefix": family, "status": status}
    yield from _own(family, aws.pages("ecs", "list_task_definitions", "taskDefinitionArns", **asked))


def _own(family: str, arns: Iterable[str]) -> Iterator[str]:
    """Yield those of a family, and not of one whose name only begins alike."""
    return (arn for arn in arns if arn.rpartition(":")[0].rpartition("/")[2] == family)


def _newest(aws: Aws, family: str) -> dict[str, Any] | None:
    """Return the newest active revision as AWS describes it, with its tags; None when there is none."""
    asked: dict[str, Any] = {"familyPrefix": family, "status": "ACTIVE", "sort": "DESC", "maxResults": _NEWEST}
    answer = aws.call("ecs", "list_task_definitions", **asked)
    found = list(_own(family, answer.get("taskDefinitionArns") or ()))
    return _describe(aws, max(found, key=lambda arn: int(arn.rpartition(":")[2]))) if found else None


def _describe(aws: Aws, arn: str) -> dict[str, Any] | None:
    """Return a revision with its tags as name -> value; None when AWS knows it no more."""
    if not arn:
        return None
    answer = quiet(lambda: aws.call("ecs", "describe_task_definition", taskDefinition=arn, include=["TAGS"]))
    return answer and {**answer["taskDefinition"], "tags": _tags.as_dict(answer.get("tags"), "key", "value")}


def _observed(name: str, described: Mapping[str, Any]) -> Observed:
    return Observed(
        kind=TaskDefinitionKind.name,
        name=name,
        fields=_ecs.fields(described),
        attributes=_attributes(described),
        tags=described["tags"],
    )


def _arn(described: Mapping[str, Any]) -> str:
    return str(described["taskDefinitionArn"])


def _attributes(described: Mapping[str, Any]) -> Attributes:
    return {"arn": _arn(described), "family": str(described["family"]), "revision": str(described["revision"])}


KIND = TaskDefinitionKind()
