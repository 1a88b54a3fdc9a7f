"""What the kinds of EC2 have in common: found by tags, known by an id, tagged by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from obskit.deploy.aws import Aws, absent, quiet
from obskit.deploy.errors import AwsError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Resource, Stack
from obskit.deploy.resources._tags import as_dict, as_list, filters, name_of, specification

_PAUSE_SECONDS = 2.0


class Ec2Kind(Kind):
    """A kind of EC2.

    Attributes:
        type: As ``TagSpecifications`` calls it: ``vpc``, ``natgateway``.
        listing: The method that lists all, the list in its answer, the id in a row of it.
        filter_argument: ``Filters``, or ``Filter`` where EC2 says so.
        leaving_states: A row in one of these is as good as gone.
    """

    type: ClassVar[str]
    listing: ClassVar[tuple[str, str, str]]
    filter_argument: ClassVar[str] = "Filters"
    leaving_states: ClassVar[tuple[str, ...]] = ()

    def rows(self, aws: Aws, stack: Stack) -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
        """Yield name, tags and EC2's own words for each that the stack has, by one listing."""
        method, key, _ = self.listing
        for row in aws.pages("ec2", method, key, **{self.filter_argument: filters(stack)}):
            tags = as_dict(row.get("Tags"))
            name = name_of(self.name, tags, stack)
            if name and str(row.get("State", "")).lower() not in self.leaving_states:
                yield name, tags, row

    def names(self, aws: Aws, stack: Stack) -> dict[str, str]:
        """Return id -> name of all that the stack has."""
        return {str(row[self.listing[2]]): name for name, _, row in self.rows(aws, stack)}

    def row(self, aws: Aws, identity: str) -> dict[str, Any] | None:
        """Return EC2's own words for one; None when it has none of that id."""
        method, key, id_key = self.listing
        asked: dict[str, Any] = {f"{id_key}s": [identity]}
        answer = quiet(lambda: aws.call("ec2", method, **asked)) or {}
        return next(iter(answer.get(key) or ()), None)

    def birth(self, stack: Stack, resource: Resource) -> list[dict[str, Any]]:
        """Return ``TagSpecifications``, with the ``Name`` that EC2's console shows."""
        name = stack.name if resource.name == "main" else stack.full(resource.name)
        return specification(self.type, resource.tags, name)

    def seen(self, name: str, tags: Mapping[str, str], fields: Fields, attributes: Attributes) -> Observed:
        """Return one as observed."""
        return Observed(kind=self.name, name=name, fields=fields, attributes=attributes, tags=tags)

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags onto one that exists; those of others stay."""
        aws.call("ec2", "create_tags", idempotent=True, Resources=[before.attributes["id"]], Tags=as_list(tags))


def heard(aws: Aws, method: str, *, idempotent: bool = True, **asked: Any) -> Any:
    """Call about something made a moment ago: EC2 may not have heard of it everywhere yet.

    Args:
        aws: Where.
        method: Of EC2.
        idempotent: As in `Aws.call`.
        asked: The method's arguments.

    Raises:
        AwsError: It failed otherwise, or EC2 had not heard of it within `Aws.settle_seconds`.
    """
    began = aws.monotonic()
    while True:
        try:
            return aws.call("ec2", method, idempotent=idempotent, settle=True, **asked)
        except AwsError as error:
            if not absent(error) or aws.monotonic() - began > aws.settle_seconds:
                raise
            aws.sleep(_PAUSE_SECONDS)


def detach(aws: Aws, gateway: str, vpc: str) -> None:
    """Take an internet gateway off a VPC, once nothing in it has a public address; that it is off is no error.

    Args:
        aws: Where.
        gateway, vpc: Ids.
    """
    try:
        quiet(
            lambda: aws.call(
                "ec2", "detach_internet_gateway", idempotent=True, settle=True, InternetGatewayId=gateway, VpcId=vpc
            )
        )
    except AwsError as error:
        if error.code != "Gateway.NotAttached":
            raise


def by_name(identities: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Return name -> id; what has no name in the stack is named by its id.

    Args:
        identities: Ids, in any order.
        names: Id -> name.
    """
    found: dict[str, str] = {}
    for identity in sorted(identities or ()):
        name = names.get(identity, identity)
        found[identity if name in found else name] = identity
    return found


def unsuccessful(answer: Mapping[str, Any], call: str) -> None:
    """Raise what EC2 reports in an answer that is a success by its status.

    Raises:
        AwsError: Something could not be done; that something is not there is no error.
    """
    for row in answer.get("Unsuccessful") or ():
        error = row.get("Error") or {}
        found = AwsError(call, str(error.get("Code", "Error")), str(error.get("Message", "")))
        if not absent(found):
            raise found
