"""A small cloud of three kinds, for tests of planning and applying: it refuses what AWS would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from obskit.deploy.resource import Attributes, Kind, Observed, Place, Resource, Stack
from obskit.deploy.spec import StackSpec

STACK = Stack(name="shop", place=Place(account="123456789012", region="eu-west-1"))


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class Cloud:
    """What exists, and which call fails.

    Attributes:
        things: Id -> what it is.
        fail_at: Position of the writing call that fails; 0 for none.
        how: ``before`` it took effect (refused), ``lost`` (took effect, answer lost), ``kill``, ``kill_after``.
        calls: Writing calls so far.
    """

    things: dict[str, Observed] = field(default_factory=dict)
    fail_at: int = 0
    how: str = "before"
    calls: list[str] = field(default_factory=list)
    made: int = 0

    def call(self, name: str, effect: Any) -> None:
        """Count one writing call and let it take effect, or not."""
        self.calls.append(name)
        hit = len(self.calls) == self.fail_at
        if hit and self.how == "before":
            raise AwsError(name, "InternalError", "not done", status=500, ambiguous=True)
        if hit and self.how == "kill":
            raise KilledError(name)
        effect()
        if hit and self.how == "lost":
            raise AwsError(name, "InternalError", "answer lost", status=500, ambiguous=True)
        if hit and self.how == "kill_after":
            raise KilledError(name)

    def users(self, identity: str) -> list[str]:
        """Return the ids of things that refer to a thing."""
        return [key for key, one in self.things.items() if key != identity and identity in str(one.fields)]


class FakeKind(Kind):
    """A kind of the cloud: fields are kept as they are given; what is in use cannot be deleted."""

    cloud: Cloud
    spec_resources: tuple[Resource, ...] = ()

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Nothing: tests give resources themselves."""
        return ()

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Return what there is of this kind."""
        return [one for one in self.cloud.things.values() if one.kind == self.name]

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Make one with a new id."""
        self.cloud.made += 1
        attributes = {"id": f"{self.name}-id-{self.cloud.made}"}
        one = Observed(
            kind=self.name,
            name=resource.name,
            fields=resource.fields,
            attributes=attributes,
            tags=dict(resource.tags),
            keeps_data="data" in resource.name,
        )
        self.cloud.call(f"create {resource.address}", lambda: self.cloud.things.__setitem__(attributes["id"], one))
        return attributes

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Take over the wanted fields."""
        self._put(f"change {resource.address}", before, fields=resource.fields)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Take over the tags."""
        self._put(f"retag {before.address}", before, tags=dict(tags))

    def _put(self, name: str, before: Observed, **new: Any) -> None:
        from dataclasses import replace

        key = before.attributes["id"]
        self.cloud.call(name, lambda: self.cloud.things.__setitem__(key, replace(self.cloud.things[key], **new)))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one that nothing refers to."""
        key = before.attributes["id"]
        if users := self.cloud.users(key):
            raise AwsError("delete", "DependencyViolation", f"{key} is used by {users}", status=400)
        self.cloud.call(f"delete {before.address}", lambda: self.cloud.things.pop(key, None))


class Ground(FakeKind):
    """Needs nothing; cannot stand twice."""

    name: ClassVar[str] = "ground"
    replace_on: ClassVar[tuple[str, ...]] = ("Fixed",)


class House(FakeKind):
    """Stands on ground; a new one may stand beside the old one."""

    name: ClassVar[str] = "house"
    needs: ClassVar[tuple[str, ...]] = ("ground",)
    replace_on: ClassVar[tuple[str, ...]] = ("Ground", "Fixed")
    create_first: ClassVar[bool] = True


class Sign(FakeKind):
    """Points at a house, and can be turned to another."""

    name: ClassVar[str] = "sign"
    needs: ClassVar[tuple[str, ...]] = ("house",)


def kinds_of(cloud: Cloud) -> dict[str, Kind]:
    """Return the cloud's kinds in the order of their needs."""
    return {kind.name: kind for kind in (Ground(cloud), House(cloud), Sign(cloud))}
