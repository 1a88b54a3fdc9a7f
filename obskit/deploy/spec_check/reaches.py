"""Where applications may connect to outside of the stack."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from obskit.deploy.spec_check._problem import Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

_DESTINATION = re.compile(r"(tcp|udp):([1-9][0-9]{0,4}):([0-9.]+/[0-9]{1,2})")
_FORM = "protocol:port:network, as in tcp:587:203.0.113.0/24"
_MOST_PORT = 65535


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield destinations that a security group could not hold, and ones that no packet could get to."""
    del place
    for application in spec.applications:
        key = path_of("applications", application.name, "reaches")
        for destination in application.reaches:
            yield from _destination(key, destination, spec)
        if len(set(application.reaches)) < len(application.reaches):
            yield error(key, None, "name one twice", "each once")


def _destination(key: str, destination: str, spec: StackSpec) -> Iterator[Problem]:
    found = _DESTINATION.fullmatch(destination)
    if not found or int(found[2]) > _MOST_PORT:
        yield error(key, destination, "is no destination", _FORM)
        return
    try:
        network = ipaddress.IPv4Network(found[3])
    except ValueError:
        yield error(key, destination, "has no network", _FORM)
        return
    if spec.network.nat == "none" and not _within(network, spec.network.cidr):
        yield error(key, destination, "lies where no packet gets without a NAT gateway", 'network.nat = "one"')
    elif not network.prefixlen:
        yield warning(key, destination, "lets it reach that port of everybody", "the networks that it needs")


def _within(network: ipaddress.IPv4Network, cidr: str) -> bool:
    try:
        return network.subnet_of(ipaddress.IPv4Network(cidr))
    except ValueError:
        return True  # told elsewhere
