"""What the world sees of a stack: its host names and the services behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obskit.deploy.services import FargateService, Public, services

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec


def hosts(spec: StackSpec, place: Place) -> tuple[str, ...]:
    """Return all host names of a stack, lower-case, each once, the domain first."""
    named = (public.host for _, public in behind(spec, place) if public.host)
    return tuple(dict.fromkeys(host.lower() for host in (spec.domain, *named)))


def base(host: str) -> str:
    """Return the name that ACM validates a host name by: a wildcard and what it stands below share one record."""
    return host.lower().removeprefix("*.")


def behind(spec: StackSpec, place: Place) -> tuple[tuple[FargateService, Public], ...]:
    """Return the services behind the load balancer, each with how it is reached."""
    return tuple((service, service.public) for service in services(spec, place) if service.public is not None)


def default(spec: StackSpec, place: Place) -> str:
    """Return the service that takes what no rule takes; "" when there is none."""
    for service, public in behind(spec, place):
        if public.host.lower() in ("", spec.domain.lower()) and not public.path:
            return service.name
    return ""
