"""What a stack is made of: wanted resources, what AWS says of them, and the contract of a kind.

A file in `obskit.deploy.resources` is one kind. It says what a spec wants of it, reads what AWS has,
and creates, changes and deletes one. Everything else (comparing, ordering, waiting, retrying,
reporting) is done once, in `plan` and `apply`, from what is declared here.

AWS is the state: a resource is the stack's own because it bears the stack's tags (or, where AWS
knows no tags, because it hangs on one that does or has the stack's exact name).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.spec import StackSpec

#: JSON with references: what a field may hold. ``None`` is the same as not there.
Value: TypeAlias = "bool | int | float | str | Ref | Join | Unknown | Mapping[str, Value] | tuple[Value, ...] | None"
Fields: TypeAlias = Mapping[str, Value]
Attributes: TypeAlias = Mapping[str, str]

#: Partitions of AWS, and how the names of their hosts end. Source: botocore's ``partitions.json``, ``dnsSuffix``.
SUFFIXES: Final[Mapping[str, str]] = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}

#: Tags that make a resource ours and say what it is for.
STACK_TAG: Final = "obskit:stack"
RESOURCE_TAG: Final = "obskit:resource"
SERVICE_TAG: Final = "service"
OWNER_TAG: Final = "owner"
#: Under which commit a resource was last created or changed. Written, never compared: it would make
#: every plan of a new commit touch everything.
COMMIT_TAG: Final = "commit"


@dataclass(frozen=True, slots=True)
class Ref:
    """An attribute of another resource of the stack, known once that exists.

    Args:
        address: ``kind.name``.
        attribute: Which of its `Attributes`.
    """

    address: str
    attribute: str = "id"

    def __str__(self) -> str:
        return f"${{{self.address}.{self.attribute}}}"


@dataclass(frozen=True, slots=True)
class Join:
    """A text with references in it.

    Args:
        parts: Plain text and references, put together without a separator.
    """

    parts: tuple[str | Ref, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is only known when something else exists; equal to nothing that AWS has.

    Args:
        words: How it is shown: ``${vpc.main.id}``.
    """

    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stack stands.

    Attributes:
        account: Twelve digits.
        region: ``eu-west-1``.
        partition: One of `SUFFIXES`.
        zones: Names of the availability zones that this account can use, sorted.
    """

    account: str
    region: str
    partition: str = "aws"
    zones: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """Of host names, and of what is named after them: ``amazonaws.com``, ``amazonaws.com.cn``."""
        return SUFFIXES[self.partition]

    def arn(self, service: str, rest: str, *, region: str | None = None, account: str | None = None) -> str:
        """Return an ARN in this place; "" for a region or account that the service leaves out."""
        region = self.region if region is None else region
        account = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{region}:{account}:{rest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One wanted resource.

    Attributes:
        kind: Stem of its file in `obskit.deploy.resources`.
        name: Unique among its kind in the stack: ``private-1``, ``demo-app``.
        fields: What is wanted of it, under the names of AWS's API. What has keys (containers, rules,
            tags) is a mapping by key, what has no order is sorted: then a difference is a path.
        after: Addresses of resources that have to exist before, beyond those that fields refer to.
        left_to_others: Paths of fields that somebody else owns once the resource exists (the image
            to CI): they are used to create it and never compared.
        service: Whose it is, for the tag; "" when it is everybody's.
        tags: Filled in by the framework.
        payload: What `Kind.create` and `Kind.change` write and nobody compares or shows, because a field
            holds its digest: path -> text of configuration files.
    """

    kind: str
    name: str
    fields: Fields
    after: tuple[str, ...] = ()
    left_to_others: tuple[str, ...] = ()
    service: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """``kind.name``."""
        return f"{self.kind}.{self.name}"

    @property
    def needs(self) -> frozenset[str]:
        """Addresses of resources that have to exist before it."""
        return frozenset({*self.after, *(ref.address for ref in references(self.fields))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One resource as AWS has it.

    Attributes:
        kind, name: As in `Resource`; the name comes from `RESOURCE_TAG` where there are tags.
        fields: In the shape of `Resource.fields`, with AWS's defaults and orders taken out, and ids
            where the wanted one has references.
        attributes: What `Ref` can name: ``id``, ``arn``, ….
        tags: None where the kind bears none, or where they are its parent's.
        keeps_data: Deleting it loses data that nobody else has.
    """

    kind: str
    name: str
    fields: Fields
    attributes: Attributes
    tags: Mapping[str, str] | None = None
    keeps_data: bool = False

    @property
    def address(self) -> str:
        """``kind.name``."""
        return f"{self.kind}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Which stack, and where: all that is needed to find what it has.

    Attributes:
        name: Unique in its account and region.
        place: Where it stands.
    """

    name: str
    place: Place

    def full(self, name: str) -> str:
        """Return the name that something of this stack bears in AWS: ``shop-demo-app``."""
        return f"{self.name}-{name}"


class Kind(ABC):
    """One kind of resource: how it is wanted, read, created, changed and deleted.

    A module of `obskit.deploy.resources` has one instance as ``KIND``. Methods hold no state: they may
    run in several threads at once, for different resources.

    Attributes:
        name: The module's stem.
        needs: Kinds that must exist before one of these can; deleting goes the other way.
        replace_on: Paths of fields that AWS cannot change: then the resource is replaced.
        create_first: A replacement is created before the old one goes. Only where two can stand beside
            each other; else the old one is deleted first.
        goes_freely: One can be deleted while others still refer to it (a route to a NAT gateway becomes a
            black hole). Else those that refer to one that is replaced, deleted first, are replaced with it.
        renewed: Attributes that a change gives new values to: the ARN of a task definition, which is
            another one for every revision.
        patience_seconds: How long creating, changing or deleting one may take in AWS.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    replace_on: ClassVar[tuple[str, ...]] = ()
    create_first: ClassVar[bool] = False
    goes_freely: ClassVar[bool] = False
    renewed: ClassVar[tuple[str, ...]] = ()
    patience_seconds: ClassVar[float] = 600.0

    @abstractmethod
    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield what a spec wants of this kind. Pure: no call, no clock, no environment."""

    @abstractmethod
    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all that the stack has of this kind, wanted or not.

        By as few calls as the kind allows: list and describe many, never one call a resource where
        AWS answers for many. What is already being deleted is left out.
        """

    @abstractmethod
    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one and return its attributes. All references are resolved; tags are given at birth.

        It may find that an earlier, interrupted run has made parts of it: then it goes on from there.
        """

    def foreseen(self, resource: Resource) -> Attributes:  # noqa: ARG002
        """Return those attributes that follow from what is wanted, before it is created or changed. Pure.

        A plan then names nothing that refers to them and stays as it is.
        """
        return {}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Bring one to what is wanted and return its attributes, which may be new (a revision).

        Args:
            aws, stack: Where.
            resource: What is wanted, references resolved.
            before: What AWS has.
            paths: Which fields differ; `touched` tells whether a part does.
        """
        raise NotImplementedError(f"{self.name} has no field that can be changed: {sorted(paths)}")

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags onto one that exists. Called only where `Observed.tags` is not None."""
        raise NotImplementedError(f"{self.name} bears no tags")

    @abstractmethod
    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one; that it is already gone is no error."""

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:  # noqa: ARG002
        """Return why one that was just created or changed cannot be used yet; "" when it can.

        Raises:
            DeployError: It has failed and waiting longer does not help.
        """
        return ""

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:  # noqa: ARG002
        """Return why one that was just deleted is still there; "" when it is gone."""
        return ""


def references(value: Value) -> Iterator[Ref]:
    """Yield all references in a value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Join):
        yield from (part for part in value.parts if isinstance(part, Ref))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from references(inner)


def unknowns(value: Value) -> Iterator[Unknown]:
    """Yield all that is not known yet in a value."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from unknowns(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from unknowns(inner)


def resolve(value: Value, known: Mapping[str, Attributes]) -> Value:
    """Put attributes in the place of references; what is not known becomes `Unknown`.

    Args:
        value: With references.
        known: Address -> attributes.
    """
    if isinstance(value, Ref):
        found = known.get(value.address, {}).get(value.attribute)
        return Unknown(str(value)) if found is None else found
    if isinstance(value, Join):
        parts = [resolve(part, known) for part in value.parts]
        return Unknown(str(value)) if any(isinstance(p, Unknown) for p in parts) else "".join(map(str, parts))
    if isinstance(value, Mapping):
        return {key: resolve(inner, known) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(resolve(inner, known) for inner in value)
    return value


def resolved(resource: Resource, known: Mapping[str, Attributes]) -> Resource:
    """Return the resource with attributes in the place of references."""
    return replace(resource, fields={key: resolve(value, known) for key, value in resource.fields.items()})


def touched(paths: Iterable[str], *heads: str) -> bool:
    """Tell whether one of the paths is, or lies below, one of the heads."""
    return any(path == head or path.startswith(f"{head}.") for path in paths for head in heads)
