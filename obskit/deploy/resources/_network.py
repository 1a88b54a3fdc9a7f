"""How a VPC is cut into subnets: a public and a private half, eight places for zones in each.

Places are never shifted: a stack that grows from two zones to three keeps the subnets that it has.
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import Final, Literal

from obskit.deploy.resource import Place
from obskit.deploy.spec import StackSpec
from obskit.errors import UsageError

#: AWS has no region of more than six zones that an account sees.
PLACES: Final = 8
#: A VPC is /16 to /28; a load balancer wants /27 or larger in each zone, and a subnet is a 16th of the VPC.
LARGEST: Final = 16
SMALLEST: Final = 23

Side = Literal["public", "private"]
SIDES: Final[tuple[Side, ...]] = ("public", "private")


def zones(spec: StackSpec, place: Place) -> tuple[str, ...]:
    """Return the availability zones that the stack uses.

    Raises:
        UsageError: It wants more than there are.
    """
    wanted = spec.network.zones
    if not 1 <= wanted <= min(len(place.zones), PLACES):
        where = {"zones": ", ".join(place.zones) or "none", "region": place.region}
        raise UsageError(f"network.zones is {wanted}, of {len(place.zones)}", where=where, hint="lower network.zones")
    return place.zones[:wanted]


def blocks(spec: StackSpec, side: Side) -> tuple[str, ...]:
    """Return the CIDRs of one side's subnets, one for each of the eight places.

    Raises:
        UsageError: The VPC's CIDR is no network, or of a size that AWS or the subnets do not allow.
    """
    cidr = spec.network.cidr
    hint = f'choose a network of /{LARGEST} to /{SMALLEST}, as "10.40.0.0/16"'
    try:
        whole = ip_network(cidr)
    except ValueError as error:
        raise UsageError(f"network.cidr is no network: {cidr}", where={"said": str(error)}, hint=hint) from error
    if not isinstance(whole, IPv4Network) or not LARGEST <= whole.prefixlen <= SMALLEST:
        raise UsageError(f"network.cidr cannot be cut into subnets: {cidr}", hint=hint)
    half = tuple(whole.subnets(prefixlen_diff=1))[SIDES.index(side)]
    return tuple(str(block) for block in half.subnets(new_prefix=whole.prefixlen + 4))


def subnet_names(spec: StackSpec, place: Place, side: Side) -> tuple[str, ...]:
    """Return the names of one side's subnets, one a zone: ``public-1``, ``public-2``."""
    return tuple(f"{side}-{number}" for number, _ in enumerate(zones(spec, place), 1))


def nat_names(spec: StackSpec, place: Place) -> tuple[str, ...]:
    """Return the names of the NAT gateways; the first stands in the first zone."""
    count = {"none": 0, "one": 1, "zone": len(zones(spec, place))}[spec.network.nat]
    return tuple(f"nat-{number}" for number in range(1, count + 1))
