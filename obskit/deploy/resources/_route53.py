"""Public hosted zones of Route 53 and their records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError

#: Records of one name are of no more types than that.
_ONE_NAME: Final = "20"


@dataclass(frozen=True, slots=True)
class Zone:
    """A public hosted zone.

    Attributes:
        id: Without ``/hostedzone/``.
        name: Lower-case, without the last dot.
    """

    id: str
    name: str

    def holds(self, name: str) -> bool:
        """Tell whether a host name lies in it."""
        return name == self.name or name.endswith(f".{self.name}")


def zones(aws: Aws) -> list[Zone]:
    """Return the public zones of the account."""
    return [
        Zone(row["Id"].rpartition("/")[2], readable(row["Name"]))
        for row in aws.pages("route53", "list_hosted_zones", "HostedZones")
        if not row.get("Config", {}).get("PrivateZone")
    ]


def zone_of(aws: Aws, name: str, given: str = "") -> Zone:
    """Return the zone that a record of a name belongs into.

    Args:
        aws: Where.
        name: Of the record.
        given: Name or id of a zone, which is taken if the name lies in it; "" for the closest.

    Raises:
        DeployError: The account has none, or two of the same name.
    """
    have = [zone for zone in zones(aws) if zone.holds(name)]
    asked = given.rpartition("/")[2].rstrip(".")
    chosen = [zone for zone in have if asked and (asked == zone.id or asked.lower() == zone.name)]
    longest = max((len(zone.name) for zone in have), default=0)
    fitting = chosen or [zone for zone in have if len(zone.name) == longest]
    if not fitting:
        hint = "create a public hosted zone in Route 53 and delegate the domain to it, or set entry.certificate"
        raise DeployError(f"no public hosted zone of this account holds {name}", where={"asked": given}, hint=hint)
    if len(fitting) > 1:
        where = {"zones": ", ".join(sorted(zone.id for zone in fitting)), "name": fitting[0].name}
        hint = "set entry.hosted_zone to the id of the one that the domain is delegated to"
        raise DeployError(f"several public hosted zones hold {name}", where=where, hint=hint)
    return fitting[0]


def records_of(aws: Aws, zone_id: str, name: str) -> list[Mapping[str, Any]]:
    """Return the records of one name, of whatever type."""
    answer = aws.call(
        "route53", "list_resource_record_sets", HostedZoneId=zone_id, StartRecordName=name, MaxItems=_ONE_NAME
    )
    return [row for row in answer.get("ResourceRecordSets", ()) if readable(row["Name"]) == name]


def write(aws: Aws, zone_id: str, action: str, record: Mapping[str, Any], *, idempotent: bool = False) -> None:
    """Send one change.

    Args:
        aws, zone_id: Where.
        action: ``CREATE``, ``UPSERT`` or ``DELETE``.
        record: As Route 53 has it.
        idempotent: Doing it twice does no harm.
    """
    batch = {"Comment": "obskit", "Changes": [{"Action": action, "ResourceRecordSet": record}]}
    aws.call("route53", "change_resource_record_sets", idempotent=idempotent, HostedZoneId=zone_id, ChangeBatch=batch)


def readable(name: str) -> str:
    r"""Return a name as people write it: without the last dot, lower-case, ``*`` instead of ``\052``."""
    return re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), name).rstrip(".").lower()


def target(record: Mapping[str, Any]) -> str:
    """Return where a record points, in words; the ``dualstack.`` that consoles add to an alias is left out."""
    if alias := record.get("AliasTarget"):
        return readable(alias["DNSName"]).removeprefix("dualstack.")
    return ", ".join(sorted(str(row["Value"]).rstrip(".") for row in record.get("ResourceRecords", ())))
