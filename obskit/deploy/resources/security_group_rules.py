"""What security groups let through: what talks to what, and nothing else.

Every connection is said once, as `Connection`, and opens the way out of one group and the way into the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final, cast
from urllib.parse import urlsplit

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources import _rds, security_group
from obskit.deploy.resources._ec2 import heard
from obskit.deploy.resources._rules import (
    DESCRIBED,
    DIRECTIONS,
    PERMISSIONS,
    Direction,
    flat_rules,
    key,
    keyed,
    reconcile,
    rule,
)
from obskit.deploy.services import FargateService, services
from obskit.deploy.spec import StackSpec
from obskit.errors import UsageError

#: PostgreSQL's port, which RDS keeps.
_HTTPS: Final = 443
_HTTP: Final = 80
_EVERYWHERE: Final = "0.0.0.0/0"
_SCRAPER: Final = "prometheus"


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """One group may reach another.

    Attributes:
        source, target: Names of groups.
        port: Of the target.
    """

    source: str
    target: str
    port: int


def connections(spec: StackSpec, place: Place) -> tuple[Connection, ...]:
    """Return all that groups of the stack may reach of each other, sorted, each once."""
    return _all_connections(spec, services(spec, place))


def _all_connections(spec: StackSpec, found: tuple[FargateService, ...]) -> tuple[Connection, ...]:
    names = {service.name for service in found}
    return tuple(sorted({one for service in found for one in _connections(spec, service, names)}))


def _connections(spec: StackSpec, service: FargateService, names: set[str]) -> Iterator[Connection]:
    if service.public:
        yield Connection("alb", service.name, service.port)
    for caller, ports in service.callers:
        if caller in names:
            yield from (Connection(caller, service.name, port) for port in ports)
    if _SCRAPER in names:
        yield from (Connection(_SCRAPER, service.name, port) for port, _ in service.metrics)
    if service.database and spec.database:
        yield Connection(service.name, "database", _rds.PORT)
    if spec.network.endpoints:
        yield Connection(service.name, "endpoints", _HTTPS)


class SecurityGroupRulesKind(Kind):
    """The rules of one group, both ways, by key. A group without any has none of this kind."""

    name = "security_group_rules"
    needs = ("security_group", "vpc_endpoint")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the rules of each group that has any."""
        found = services(spec, place)
        rules: dict[str, dict[Direction, dict[str, Fields]]] = defaultdict(lambda: {"ingress": {}, "egress": {}})

        def let(group: str, direction: Direction, peer: str, flat: Fields) -> None:
            rules[group][direction][key(flat, direction, peer)] = flat

        for one in _all_connections(spec, found):
            words = f"{one.source} to {one.target}"
            source, target = Ref(f"security_group.{one.source}"), Ref(f"security_group.{one.target}")
            let(one.target, "ingress", one.source, rule(one.port, "GroupId", source, words))
            let(one.source, "egress", one.target, rule(one.port, "GroupId", target, words))
        for cidr in _networks(spec.entry.allow):
            for port in (_HTTPS, _HTTP):
                let("alb", "ingress", cidr, rule(port, _cidr(cidr), cidr, "users to alb"))
        for service in found:
            for peer, flat in _outward(spec, service):
                let(service.name, "egress", peer, flat)
        own = {service.name for service in found}
        for group, ways in rules.items():
            fields: Fields = {
                "GroupId": Ref(f"security_group.{group}"),
                **{direction.capitalize(): ways[direction] for direction in DIRECTIONS},
            }
            yield Resource(kind=self.name, name=group, fields=fields, service=group if group in own else "")

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the rules of each of the stack's groups that has any."""
        rows = [(name, row) for name, _, row in security_group.KIND.rows(aws, stack)]
        names = {str(row["GroupId"]): name for name, row in rows} | _prefix_lists(aws, (row for _, row in rows))
        for name, row in rows:
            ways = {direction.capitalize(): keyed(row, direction, names) for direction in DIRECTIONS}
            identity = str(row["GroupId"])
            if any(ways.values()):
                fields: Fields = {"GroupId": identity, **ways}
                yield Observed(kind=self.name, name=name, fields=fields, attributes={"id": identity})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Bring the rules of a group to the wanted ones."""
        identity = str(resource.fields["GroupId"])
        group = heard(aws, "describe_security_groups", GroupIds=[identity])["SecurityGroups"][0]
        reconcile(aws, group, {direction: _flats(resource, direction) for direction in DIRECTIONS})
        return {"id": identity}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Bring the rules of a group to the wanted ones."""
        return self.create(aws, stack, resource)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Close a group both ways."""
        group = security_group.KIND.row(aws, before.attributes["id"])
        if group:
            reconcile(aws, group)


def _outward(spec: StackSpec, service: FargateService) -> Iterator[tuple[str, Fields]]:
    """Yield what a service may reach outside the stack. The VPC's resolver is beyond security groups."""
    outside = _EVERYWHERE
    if spec.network.nat == "none":
        # What is not there by an interface endpoint is S3, whose gateway endpoint keeps its public addresses.
        outside = spec.network.cidr
        peer = "PrefixListId"
        yield "s3", rule(_HTTPS, peer, Ref("vpc_endpoint.s3", "prefix_list"), DESCRIBED[peer])
    else:
        yield outside, rule(_HTTPS, "CidrIp", outside, f"{service.name} to AWS and registries")
    for destination in service.reaches:
        protocol, number, network = destination.split(":")
        yield network, rule(int(number), "CidrIp", network, f"{service.name} to elsewhere", protocol)
    port = _alert_port(spec)
    if service.name == _SCRAPER and port not in (None, _HTTPS):
        yield outside, rule(int(port or 0), "CidrIp", outside, "alerts to obskit")


def _alert_port(spec: StackSpec) -> int | None:
    """Return the port on which obskit takes alerts; None when it is sent none."""
    url = urlsplit(spec.telemetry.obskit_url)
    return url.port or {"http": _HTTP, "https": _HTTPS}.get(url.scheme)


def _networks(cidrs: Iterable[str]) -> tuple[str, ...]:
    """Return CIDRs as EC2 writes them: without host bits, sorted, each once.

    Raises:
        UsageError: One is no network.
    """
    try:
        return tuple(sorted({str(ip_network(cidr, strict=False)) for cidr in cidrs}))
    except ValueError as error:
        hint = 'write networks: entry.allow = ["203.0.113.0/24"]'
        raise UsageError(
            "entry.allow has something that is no network", where={"said": str(error)}, hint=hint
        ) from error


def _cidr(network: str) -> str:
    return "CidrIpv6" if ":" in network else "CidrIp"


def _flats(resource: Resource, direction: Direction) -> tuple[Mapping[str, Any], ...]:
    rules = cast("Mapping[str, Mapping[str, Any]]", resource.fields[direction.capitalize()])
    return tuple(rules.values())


def _prefix_lists(aws: Aws, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return id -> service of AWS's prefix lists that rules name: ``s3``."""
    flats = (flat for row in rows for direction in DIRECTIONS for flat in flat_rules(row.get(PERMISSIONS[direction])))
    used = sorted({str(flat["PrefixListId"]) for flat in flats if flat.get("PrefixListId")})
    if not used:
        return {}
    asked = [{"Name": "prefix-list-id", "Values": used}]
    found = aws.pages("ec2", "describe_prefix_lists", "PrefixLists", Filters=asked)
    return {str(row["PrefixListId"]): str(row["PrefixListName"]).rsplit(".", 1)[-1] for row in found}


KIND = SecurityGroupRulesKind()
