"""The VPC: addresses, zones, ways out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from obskit.deploy.resources._network import LARGEST, SMALLEST
from obskit.deploy.spec_check._problem import Problem, error, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Network, StackSpec

#: RFC 1918, and RFC 6598, which AWS takes as well.
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
#: Taken within a task: by the bridge of Docker, and by what answers for metadata and credentials.
_TAKEN = {
    ipaddress.IPv4Network("172.17.0.0/16"): "Docker's own bridge",
    ipaddress.IPv4Network("169.254.0.0/16"): "the addresses of AWS's metadata",
}
#: AWS keeps that many of each subnet.
_KEPT: Final = 5
#: A subnet is a sixteenth of the VPC.
_CUT: Final = 4
#: No region has more.
_MOST_ZONES: Final = 6
_FORM = f"a private network of /{LARGEST} to /{SMALLEST}, as in 10.40.0.0/16"


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield networks that AWS would not make, and ones that nothing could leave or fit in."""
    network = spec.network
    most = len(place.zones) if place is not None and place.zones else _MOST_ZONES
    zones_fit = 2 <= network.zones <= most
    if not zones_fit:
        why = "the load balancer and the database stand in two"
        yield error("network.zones", network.zones, "is no number of zones to use here", f"2 to {most}; {why}")
    yield from _ways_out(network)
    try:
        cidr = ipaddress.IPv4Network(network.cidr)
    except ValueError:
        yield error("network.cidr", network.cidr, "is no network", _hint(network.cidr))
        return
    found = tuple(_cidr(cidr))
    yield from found
    if not found and zones_fit:
        yield from _room(spec, cidr)


def _hint(text: str) -> str:
    """Return what was probably meant: an address within a network is a common slip."""
    try:
        return f"did you mean {ipaddress.IPv4Network(text, strict=False)}?"
    except ValueError:
        return _FORM


def _ways_out(network: Network) -> Iterator[Problem]:
    if network.nat == "none" and not network.endpoints:
        allowed = '"one" or "zone", or endpoints = true'
        yield error("network.nat", network.nat, "lets no task fetch its image", allowed)
    if network.nat == "one":
        what = "makes every task's way out depend on one zone"
        yield warning("network.nat", network.nat, what, '"zone" for one in each, at the price of each')


def _cidr(cidr: ipaddress.IPv4Network) -> Iterator[Problem]:
    if not LARGEST <= cidr.prefixlen <= SMALLEST:
        yield error("network.cidr", str(cidr), "is too large or too small", _FORM)
        return
    taken = [whose for network, whose in _TAKEN.items() if cidr.overlaps(network)]
    if taken:
        yield error("network.cidr", str(cidr), f"overlaps {taken[0]}", _FORM)
    elif not any(cidr.subnet_of(network) for network in _PRIVATE):
        yield error("network.cidr", str(cidr), "is not private", _FORM)


def _room(spec: StackSpec, cidr: ipaddress.IPv4Network) -> Iterator[Problem]:
    """Yield a warning where a deployment at full size would run out of addresses."""
    subnet = 2 ** (32 - cidr.prefixlen - _CUT) - _KEPT
    # A deployment doubles the tasks, each has an address; the database has two with its standby.
    wanted = 2 * sum(size.maximum for size in (*spec.applications, *spec.watchers)) + 2
    if wanted > subnet * spec.network.zones:
        what = f"has {subnet * spec.network.zones} addresses for tasks; a deployment at the maximum takes {wanted}"
        yield warning("network.cidr", str(cidr), what, "a larger network")
