"""Records in the domain's hosted zone: host names to the load balancer, and the certificate's validation.

Route 53 knows no tags for records, and a record has no id. A record is the stack's own when it is a validation
record of the stack's certificate, or an alias of the stack's load balancer under a host name that the stack's
certificate has or that the stack has written down: before it points a name to its load balancer, in the tags of that.
An alias that somebody else has made, in whatever zone, is theirs and stays.

So the stack's records go before its load balancer and its certificate; one that is left when its load balancer has been
deleted by hand is not found any more by ``destroy``, only by the next ``apply``. Weighted and other records that share
a name with more are never the stack's.

A validation record that another certificate needs stays where it is and is nobody's once the stack's certificate is
gone: see `_acm.needed_by_others`, also for what cannot be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Ref, Resource
from obskit.deploy.resources import _acm, _elb, _entry, _route53
from obskit.deploy.resources.certificate import record_name, record_value

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

#: Of validation records; they hardly ever change.
_TTL_SECONDS: Final = 300
VALIDATION: Final = "validation-"
_CERTIFICATE: Final = "certificate.main"
_BALANCER: Final = "load_balancer.main"


def validations(spec: StackSpec, place: Place) -> tuple[str, ...]:
    """Return the addresses of the records after which the stack's certificate is issued; none where it is given."""
    if spec.entry.certificate:
        return ()
    return tuple(f"dns_record.{VALIDATION}{host}" for host in _bases(spec, place))


class DnsRecordKind(Kind):
    """Records of the stack, named by host name: ``shop.example.com``, ``validation-shop.example.com``.

    The zone is chosen when a record is created and not compared: ``HostedZone`` is left to others.
    """

    name = "dns_record"
    needs = ("certificate", "load_balancer")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield an alias for each host name, and a validation record for each that the certificate covers."""
        for host in () if spec.entry.certificate else _bases(spec, place):
            yield self._resource(spec, f"{VALIDATION}{host}", _validation(host))
        for host in _entry.hosts(spec, place):
            yield self._resource(spec, host, _alias(host))

    def _resource(self, spec: StackSpec, name: str, fields: Fields) -> Resource:
        fields = {**fields, "HostedZone": spec.entry.hosted_zone}
        return Resource(kind=self.name, name=name, fields=fields, left_to_others=("HostedZone",))

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the stack's aliases and validation records, in whichever zone; only their names are asked for."""
        certificates = [certificate for certificate, _ in _acm.ours(aws, stack)]
        validating = {name: base for one in certificates for base, (name, _) in _acm.records(one).items()}
        balancer = _elb.balancer(aws, stack)
        target = _elb.dns_name(balancer.row) if balancer else ""
        hosts = {*_elb.hosts(balancer), *(name for one in certificates for name in _acm.names(one))} if balancer else ()
        names = sorted({*validating, *hosts})
        for zone in _route53.zones(aws) if names else ():
            for name in filter(zone.holds, names):
                for row in _route53.records_of(aws, zone.id, name):
                    if found := _observed(zone, row, target if name in hosts else "", validating):
                        yield found

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one; what somebody else has under that name is not taken over.

        Raises:
            DeployError: There is a record of that name which points elsewhere, or no zone for it.
        """
        record = _record(resource.fields)
        zone = _route53.zone_of(aws, record["Name"], str(resource.fields.get("HostedZone") or ""))
        return self._put(aws, stack, resource, zone.id)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write it anew; under another name (a certificate of another account's key) the old one goes."""
        zone, name = before.attributes["zone"], before.attributes["name"]
        record = _record(resource.fields)
        if record["Name"] != name:
            attributes = self.create(aws, stack, resource)
            self.delete(aws, stack, before)
            return attributes
        _remember(aws, stack, record)
        if _read(record) != _read(before.fields):
            _route53.write(aws, zone, "UPSERT", record, idempotent=True)
        return _attributes(resource.fields, zone)

    def _put(self, aws: Aws, stack: Stack, resource: Resource, zone: str) -> Attributes:
        record = _record(resource.fields)
        action = "CREATE"
        for row in _route53.records_of(aws, zone, record["Name"]):
            if not stands_in_the_way(row, record):
                continue
            if "SetIdentifier" not in row and _read(row) == _read(record):
                action = ""
                break
            if not (row["Type"] == record["Type"] and left_over(row, stack)):
                raise _taken(row, record, zone)
            action = "UPSERT"
        _remember(aws, stack, record)
        if action:
            _route53.write(aws, zone, action, record)
        return _attributes(resource.fields, zone)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one, if it still points where it did and, surely, no other certificate is validated by it."""
        name, zone = before.attributes["name"], before.attributes["zone"]
        if before.name.startswith(VALIDATION) and _acm.needed_by_others(
            aws, stack, before.name.removeprefix(VALIDATION)
        ):
            return
        for row in _route53.records_of(aws, zone, name):
            if "SetIdentifier" not in row and _read(row) == _read(before.fields):
                _delete(aws, zone, row)
        balancer = _elb.balancer(aws, stack) if before.name == name else None
        if balancer:
            _elb.forget_host(aws, balancer, name)


def _observed(
    zone: _route53.Zone, row: Mapping[str, Any], balancer: str, validating: Mapping[str, str]
) -> Observed | None:
    """Return a record of one of the stack's names; None where it is not the stack's.

    Args:
        zone: It is in.
        row: As Route 53 has it.
        balancer: Host name of the stack's load balancer; "" where no alias of that name is the stack's.
        validating: Names of validation records, each with the host name it stands for.
    """
    record = _route53.readable(row["Name"])
    if "SetIdentifier" in row:
        return None
    if row["Type"] == "CNAME" and record in validating:
        name = f"{VALIDATION}{validating[record]}"
    elif balancer and "AliasTarget" in row and _route53.target(row) == balancer:
        name = record if row["Type"] == "A" else f"{row['Type']}-{record}"
    else:
        return None
    fields: Fields = {**_read(row), "HostedZone": zone.id}
    attributes = {"name": record, "zone": zone.id}
    return Observed(kind=DnsRecordKind.name, name=name, fields=fields, attributes=attributes)


def _bases(spec: StackSpec, place: Place) -> Iterable[str]:
    return dict.fromkeys(_entry.base(host) for host in _entry.hosts(spec, place))


def _validation(host: str) -> Fields:
    return {
        "Name": Ref(_CERTIFICATE, record_name(host)),
        "Type": "CNAME",
        "TTL": _TTL_SECONDS,
        "ResourceRecords": (Ref(_CERTIFICATE, record_value(host)),),
    }


def _alias(host: str) -> Fields:
    target: Fields = {
        "DNSName": Ref(_BALANCER, "dns_name"),
        "HostedZoneId": Ref(_BALANCER, "zone_id"),
        "EvaluateTargetHealth": False,
    }
    return {"Name": host, "Type": "A", "AliasTarget": target}


def _remember(aws: Aws, stack: Stack, record: Mapping[str, Any]) -> None:
    """Write down that an alias is the stack's; first, so that no interrupted run leaves one that nobody knows."""
    balancer = _elb.balancer(aws, stack) if "AliasTarget" in record else None
    if balancer and _elb.dns_name(balancer.row) == _route53.target(record):
        _elb.remember_host(aws, balancer, record["Name"])


def _record(fields: Fields) -> dict[str, Any]:
    """Return a record as Route 53 takes it."""
    asked: Any = fields
    record = {key: asked[key] for key in ("Name", "Type", "TTL", "AliasTarget") if key in asked}
    if "ResourceRecords" in asked:
        record["ResourceRecords"] = [{"Value": value} for value in asked["ResourceRecords"]]
    return record


def _read(row: Mapping[str, Any]) -> Fields:
    """Return a record as fields: from Route 53's answer, or from fields."""
    return dict(_read_parts(row))


def _read_parts(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "Name", _route53.readable(row["Name"])
    yield "Type", row["Type"]
    if alias := row.get("AliasTarget"):
        yield (
            "AliasTarget",
            {
                "DNSName": _route53.target(row),
                "HostedZoneId": alias["HostedZoneId"],
                "EvaluateTargetHealth": bool(alias.get("EvaluateTargetHealth")),
            },
        )
    if values := row.get("ResourceRecords"):
        texts = (value["Value"] if isinstance(value, Mapping) else value for value in values)
        yield "ResourceRecords", tuple(sorted(text.rstrip(".") for text in texts))
        yield "TTL", row.get("TTL")


def _attributes(fields: Fields, zone: str) -> Attributes:
    return {"name": str(fields["Name"]), "zone": zone}


def stands_in_the_way(row: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Tell whether two records of one name cannot both be: of one type, or a CNAME beside anything."""
    return row["Type"] == record["Type"] or "CNAME" in (row["Type"], record["Type"])


def left_over(row: Mapping[str, Any], stack: Stack) -> bool:
    """Tell whether a record points to a former load balancer of the stack.

    An account has one load balancer of a name in a region, and AWS puts a number behind the name: another
    number is one that is gone.
    """
    name = re.escape(_elb.short(stack.full("main")).lower())
    former = re.compile(rf"{name}-\d+\.{re.escape(stack.place.region)}\.elb\.")
    return "SetIdentifier" not in row and "AliasTarget" in row and bool(former.match(_route53.target(row)))


def _taken(row: Mapping[str, Any], record: Mapping[str, Any], zone: str) -> DeployError:
    where = {
        "record": f"{row['Type']} {_route53.readable(row['Name'])}",
        "points to": _route53.target(row),
        "wanted": f"{record['Type']} to {_route53.target(record)}",
        "zone": zone,
    }
    hint = "delete that record if nobody needs it, or choose another host name"
    return DeployError(f"{record['Name']} is somebody else's already", where=where, hint=hint)


def _delete(aws: Aws, zone: str, row: Mapping[str, Any]) -> None:
    try:
        _route53.write(aws, zone, "DELETE", row, idempotent=True)
    except AwsError as error:
        # A first try whose answer was lost has deleted it.
        if error.code != "InvalidChangeBatch" or "not found" not in error.message:
            raise


KIND = DnsRecordKind()
