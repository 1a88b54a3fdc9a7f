"""The VPC: who may reach whom, from where, and what is written down of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from obskit.deploy.resource import Resource, Value, references
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, at, entries, holds

_OURS = "this is a defect of obskit: report it"
_WORLD: Final = ("0.0.0.0/0", "::/0")
#: Ports that the world may reach, by Security Hub's own default for EC2.18.
_PUBLIC_PORTS: Final = (80, 443)


def _described(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    if resource.kind == "security_group":
        yield Good() if resource.fields.get("Description") else Bad("it has no description", _OURS)
    for side in ("Ingress", "Egress"):
        for key, rule in sorted(entries(resource.fields, side).items()):
            part = f"{side}.{key}"
            yield Good(part) if at(rule, "Description") else Bad("it has no description", _OURS, part)


def _attached(resource: Resource, everything: Everything) -> Iterator[Answer]:
    users = [
        one.address
        for one in everything.values()
        if one.kind not in ("security_group", "security_group_rules")
        and any(ref.address == resource.address for ref in references(one.fields))
    ]
    yield Good() if users else Bad("nothing uses it", _OURS)


def _logged(resource: Resource, everything: Everything) -> Iterator[Answer]:
    logs = [one for one in everything.values() if one.kind == "flow_log"]
    fine = any(ref.address == resource.address for one in logs for ref in references(one.fields))
    yield Good() if fine else Bad("no flow log is written", "set network.flow_logs = true")


def _default_group(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    rules = [entries(resource.fields, "DefaultGroup", side) for side in ("Ingress", "Egress")]
    owned = at(resource.fields, "DefaultGroup") is not None
    yield Good() if owned and not any(rules) else Bad("its default security group lets something through", _OURS)


def _open(rule: Value) -> bool:
    return at(rule, "CidrIp") in _WORLD or at(rule, "CidrIpv6") in _WORLD


def _ports(rule: Value) -> tuple[int, int]:
    """Return the first and last port; all, where the rule names none."""
    first, last = at(rule, "FromPort"), at(rule, "ToPort")
    named = isinstance(first, int) and isinstance(last, int) and first >= 0
    return (int(str(first)), int(str(last))) if named else (0, 65535)


def _incoming(allowed: Callable[[int, int], bool], why: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        yield from _rules(entries(resource.fields, "Ingress"), allowed, why)

    return judge


def _rules(rules: Mapping[str, Value], allowed: Callable[[int, int], bool], why: str) -> Iterator[Answer]:
    bad = [key for key, rule in sorted(rules.items()) if _open(rule) and not allowed(*_ports(rule))]
    for key in bad:
        yield Bad(why, "narrow entry.allow", f"Ingress.{key}")
    if not bad:
        yield Good()


def _everything_out(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    rules = entries(resource.fields, "Egress")
    bad = [key for key, rule in sorted(rules.items()) if _open(rule) and at(rule, "IpProtocol") == "-1"]
    for key in bad:
        yield Bad("it lets everything out to everywhere", _OURS, f"Egress.{key}")
    if not bad:
        yield Good()


def _without(port: int) -> Callable[[int, int], bool]:
    return lambda first, last: not first <= port <= last


_RULES = ("security_group_rules",)
CHECKS = (
    Check(
        ids=("CKV_AWS_23",),
        title="security groups and their rules say what they are for",
        kinds=("security_group", "security_group_rules"),
        judge=_described,
    ),
    Check(ids=("CKV2_AWS_5",), title="security groups are used", kinds=("security_group",), judge=_attached),
    Check(ids=("CKV2_AWS_11", "EC2.6"), title="flow logs are written", kinds=("vpc",), judge=_logged),
    Check(
        ids=("CKV2_AWS_12", "EC2.2"),
        title="the default security group lets nothing through",
        kinds=("vpc",),
        judge=_default_group,
    ),
    Check(
        ids=("CKV_AWS_130", "EC2.15"),
        title="subnets hand out no public addresses",
        kinds=("subnet",),
        judge=holds(("MapPublicIpOnLaunch",), False, "what starts in it gets a public address", _OURS),
    ),
    Check(
        ids=("EC2.18", "EC2.19"),
        title="the world reaches HTTP and HTTPS only",
        kinds=_RULES,
        judge=_incoming(
            lambda first, last: first == last and first in _PUBLIC_PORTS, "the world reaches more than HTTP and HTTPS"
        ),
    ),
    Check(
        ids=("CKV_AWS_24",),
        title="the world does not reach SSH",
        kinds=_RULES,
        judge=_incoming(_without(22), "the world reaches port 22"),
    ),
    Check(
        ids=("CKV_AWS_25",),
        title="the world does not reach RDP",
        kinds=_RULES,
        judge=_incoming(_without(3389), "the world reaches port 3389"),
    ),
    Check(
        ids=("CKV_AWS_260",),
        title="the world does not reach port 80",
        kinds=_RULES,
        judge=_incoming(_without(80), "the world reaches port 80"),
    ),
    Check(ids=("CKV_AWS_382",), title="not everything is let out", kinds=_RULES, judge=_everything_out),
    Check(
        ids=("CKV2_AWS_38",),
        title="the public zone is signed (DNSSEC)",
        kinds=("hosted_zone",),
        judge=holds(("SigningStatus",), "SIGNING", "its answers can be forged", "sign the zone"),
    ),
    Check(
        ids=("CKV2_AWS_39",),
        title="queries of the public zone are logged",
        kinds=("hosted_zone",),
        judge=holds(("QueryLogging",), True, "its queries are not logged", "log the zone's queries"),
    ),
)
