"""Rules of security groups: EC2's nested permissions as flat rules under keys that can be read.

A key is ``tcp-8080-from-alb`` on the way in and ``tcp-5432-to-database`` on the way out. A group of the
stack stands under its name, anything else under its id or CIDR.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Fields, Ref, Value

Direction = Literal["ingress", "egress"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("ingress", "egress")
_PREPOSITIONS: Final = {"ingress": "from", "egress": "to"}
#: How EC2 calls the rules of one direction.
PERMISSIONS: Final = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}
#: What a rule is about -> the list in EC2's permission that holds it.
_PEERS: Final = {
    "CidrIp": "IpRanges",
    "CidrIpv6": "Ipv6Ranges",
    "PrefixListId": "PrefixListIds",
    "GroupId": "UserIdGroupPairs",
}
_ALL_PROTOCOLS: Final = "-1"
#: A prefix list of AWS says by itself what it is: its rules bear these words, and are taken to bear them.
DESCRIBED: Final = {"PrefixListId": "to AWS by a gateway endpoint"}


def rule(port: int, peer: str, value: str | Ref, description: str, protocol: str = "tcp") -> Fields:
    """Return a rule that opens one port.

    Args:
        port: In the receiver.
        peer: ``CidrIp``, ``CidrIpv6``, ``PrefixListId`` or ``GroupId``.
        value: Of the peer.
        description: What AWS's console shows beside it.
        protocol: ``tcp`` or ``udp``.
    """
    return {"IpProtocol": protocol, "FromPort": port, "ToPort": port, peer: value, "Description": description}


def key(flat: Mapping[str, Value], direction: Direction, peer: str) -> str:
    """Return under which key a rule stands.

    Args:
        flat: The rule.
        direction: Of the traffic.
        peer: Name, id or CIDR of the other side.
    """
    protocol = flat.get("IpProtocol")
    words = "all" if protocol == _ALL_PROTOCOLS else str(protocol)
    first, last = flat.get("FromPort"), flat.get("ToPort")
    if first is not None and protocol != _ALL_PROTOCOLS:
        words += f"-{first}" if first == last else f"-{first}-{last}"
    return f"{words}-{_PREPOSITIONS[direction]}-{peer}"


def flat_rules(permissions: Iterable[Mapping[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """Yield one flat rule for each peer of each of EC2's permissions."""
    for permission in permissions or ():
        ports = {}
        if permission.get("IpProtocol") != _ALL_PROTOCOLS:
            ports = {name: permission[name] for name in ("FromPort", "ToPort") if permission.get(name) is not None}
        for peer, rows in _PEERS.items():
            for row in permission.get(rows) or ():
                told = DESCRIBED.get(peer) or row.get("Description")
                said = {"Description": told} if told else {}
                yield {"IpProtocol": permission.get("IpProtocol"), **ports, peer: row.get(peer), **said}


def keyed(group: Mapping[str, Any], direction: Direction, names: Mapping[str, str]) -> dict[str, Fields]:
    """Return the rules of one direction, as EC2 describes a group, by key.

    Args:
        group: As EC2 describes it.
        direction: Of the traffic.
        names: Id of a group or prefix list -> its name.
    """
    found: dict[str, Fields] = {}
    for flat in flat_rules(group.get(PERMISSIONS[direction])):
        identity = str(flat[_peer(flat)])
        name = key(flat, direction, names.get(identity, identity))
        found[f"{name}-{identity}" if name in found else name] = flat
    return found


def reconcile(
    aws: Aws, group: Mapping[str, Any], wanted: Mapping[Direction, Iterable[Mapping[str, Any]]] | None = None
) -> None:
    """Bring the rules of a group to the wanted ones. What is new opens before what is old closes.

    Args:
        aws: Where.
        group: As EC2 has just described it.
        wanted: Flat rules by direction, references resolved; None closes it both ways.
    """
    identity = str(group["GroupId"])
    for direction in DIRECTIONS:
        there = {_identity(flat): flat for flat in flat_rules(group.get(PERMISSIONS[direction]))}
        want = {_identity(flat): dict(flat) for flat in (wanted or {}).get(direction, ())}
        both = want.keys() & there.keys()
        words = [want[one] for one in both if want[one].get("Description") != there[one].get("Description")]
        _send(aws, f"authorize_security_group_{direction}", identity, [want[i] for i in want.keys() - there.keys()])
        _send(aws, f"update_security_group_rule_descriptions_{direction}", identity, words)
        revoke(aws, direction, identity, [there[one] for one in there.keys() - want.keys()])


def revoke(aws: Aws, direction: Direction, group_id: str, flats: Iterable[Mapping[str, Any]]) -> None:
    """Take rules away from a group, by their ids; that they are already gone is no error.

    Args:
        aws: Where.
        direction: Of the traffic.
        group_id: The group's.
        flats: Flat rules, as `flat_rules` yields them.
    """
    surplus = {_identity(flat) for flat in flats}
    if not surplus:
        return
    asked = [{"Name": "group-id", "Values": [group_id]}]
    rows = aws.pages("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=asked)
    ids = [
        str(row["SecurityGroupRuleId"])
        for row in rows
        if bool(row.get("IsEgress")) == (direction == "egress") and _identity(_flattened(row)) in surplus
    ]
    if ids:
        method = f"revoke_security_group_{direction}"
        quiet(lambda: aws.call("ec2", method, idempotent=True, GroupId=group_id, SecurityGroupRuleIds=ids))


def _flattened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of DescribeSecurityGroupRules, which has names of its own, as a flat rule."""
    peers = {
        "CidrIp": row.get("CidrIpv4"),
        "CidrIpv6": row.get("CidrIpv6"),
        "PrefixListId": row.get("PrefixListId"),
        "GroupId": (row.get("ReferencedGroupInfo") or {}).get("GroupId"),
    }
    ports = {name: row.get(name) for name in ("IpProtocol", "FromPort", "ToPort")}
    return {**ports, **{peer: value for peer, value in peers.items() if value}}


def _send(aws: Aws, method: str, group_id: str, flats: Iterable[Mapping[str, Any]]) -> None:
    permissions = [_permission(flat) for flat in sorted(flats, key=_identity)]
    if permissions:
        aws.call("ec2", method, GroupId=group_id, IpPermissions=permissions)


def _permission(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat rule as EC2 takes it."""
    peer = _peer(flat)
    row = {name: flat[name] for name in (peer, "Description") if flat.get(name)}
    ports = {name: flat[name] for name in ("FromPort", "ToPort") if name in flat}
    return {"IpProtocol": flat["IpProtocol"], **ports, _PEERS[peer]: [row]}


def _peer(flat: Mapping[str, Any]) -> str:
    return next(peer for peer in _PEERS if peer in flat)


def _identity(flat: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what makes two rules the same to EC2. Where a protocol has no ports, some answers say -1."""
    peer = _peer(flat)
    ports = ["" if flat.get(name) in (None, -1) else str(flat[name]) for name in ("FromPort", "ToPort")]
    return (str(flat["IpProtocol"]), *ports, peer, str(flat[peer]))
