"""What the world reaches: host names, paths, certificate, who may come in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from obskit.deploy.spec_check import _host
from obskit.deploy.spec_check._problem import Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Application, StackSpec

#: What a path condition of a load balancer takes.
_PATH = re.compile(r"/[A-Za-z0-9_.$/~\"'@:+&*?-]{0,127}")
#: The path that takes everything; without a host it is the default.
EVERYTHING: Final = "/*"
#: ACM's common name.
_LONGEST_DOMAIN: Final = 64
_ZONE_ID = re.compile(r"Z[A-Z0-9]{5,31}")
_CERTIFICATE = re.compile(r"arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[0-9a-f-]{36}")
_POLICY = re.compile(r"ELBSecurityPolicy-[A-Za-z0-9-]+")
#: All others let TLS 1.0 or 1.1 in.
_MODERN = re.compile(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-.*")


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield what the load balancer would refuse, and requests that would go astray."""
    yield from _domain(spec)
    yield from _grafana(spec)
    for application in spec.applications:
        yield from _route(spec, application)
    yield from _together(spec)
    yield from _certificate(spec, place)
    yield from _visitors(spec)
    if not spec.entry.protected:
        yield warning("entry.protected", False, "lets one call delete the load balancer", "true")


def _domain(spec: StackSpec) -> Iterator[Problem]:
    if wrong := _host.wrong(spec.domain):
        yield error("domain", spec.domain, wrong, _host.FORM)
    elif not spec.entry.certificate and len(spec.domain) > _LONGEST_DOMAIN:
        yield error("domain", spec.domain, "is too long for a certificate", f"at most {_LONGEST_DOMAIN} letters")
    zone = spec.entry.hosted_zone
    if not zone or _ZONE_ID.fullmatch(zone):
        return
    if _host.wrong(zone):
        yield error("entry.hosted_zone", zone, "is no zone", "its name, or its id as in Z0123456789ABC")
    elif not _host.lies_in(spec.domain, zone):
        yield error("entry.hosted_zone", zone, f"does not hold {spec.domain}", "the zone that the domain lies in")
    elif not _host.lies_in(spec.grafana_host, zone):
        yield error("entry.grafana", spec.grafana_host, f"does not lie in the zone {zone}", f"a name below {zone}")


def _grafana(spec: StackSpec) -> Iterator[Problem]:
    if spec.grafana_host == spec.domain:
        allowed = f'another host name; "" is grafana.{spec.domain}'
        yield error("entry.grafana", spec.grafana_host, "is the domain itself", allowed)
    elif spec.entry.grafana and (wrong := _host.wrong(spec.entry.grafana)):
        yield error("entry.grafana", spec.entry.grafana, wrong, _host.FORM)


def _route(spec: StackSpec, application: Application) -> Iterator[Problem]:
    key, host, path = path_of("applications", application.name), application.host, application.path
    if path and not _PATH.fullmatch(path):
        allowed = 'a pattern that begins with "/", at most 128 letters: "/payments/*"; "/*" for everything'
        yield error(f"{key}.path", path, "is no path of a load balancer", allowed)
    elif path == "/":
        yield error(f"{key}.path", path, "is the front page alone", f'"{EVERYTHING}" for everything')
    elif path.count("*") + path.count("?") > 5:
        yield error(f"{key}.path", path, "has more wildcards than a load balancer takes", "five")
    if not host:
        return
    if host in (spec.domain, spec.grafana_host):
        whose = "the stack's domain" if host == spec.domain else "Grafana's"
        yield error(f"{key}.host", host, f"is {whose}", "another name; leave it out for the stack's domain")
    elif wrong := _host.wrong(host):
        yield error(f"{key}.host", host, wrong, _host.FORM)
    elif not path:
        yield error(f"{key}.host", host, "reaches nobody without a path", f'path = "{EVERYTHING}" beside it')


def _together(spec: StackSpec) -> Iterator[Problem]:
    public = [a for a in spec.applications if a.path]
    seen: dict[tuple[str, str], str] = {}
    for application in public:
        route = (application.host, application.path)
        if route in seen:
            what = f"is already the path of {seen[route]}"
            yield error(
                path_of("applications", application.name, "path"), application.path, what, "each path of a host once"
            )
        seen.setdefault(route, application.name)
    if spec.applications and ("", EVERYTHING) not in seen:
        allowed = f'path = "{EVERYTHING}" for one application, without a host'
        yield error("applications", None, "leave requests that no path takes to nobody", allowed)


def _certificate(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    certificate, policy = spec.entry.certificate, spec.entry.policy
    region = place.region if place is not None else spec.region
    if certificate:
        found = _CERTIFICATE.fullmatch(certificate)
        if not found:
            yield error("entry.certificate", certificate, "is no certificate's ARN", "arn:aws:acm:REGION:ACCOUNT:…")
        elif region and found[1] != region:
            what = "lies in another region than the load balancer"
            yield error("entry.certificate", certificate, what, f"one in {region}")
    if not _POLICY.fullmatch(policy):
        yield error("entry.policy", policy, "is no TLS policy", "ELBSecurityPolicy-TLS13-1-2-2021-06")
    elif not _MODERN.fullmatch(policy):
        yield warning("entry.policy", policy, "lets TLS 1.0 or 1.1 in", "ELBSecurityPolicy-TLS13-1-2-2021-06")


def _visitors(spec: StackSpec) -> Iterator[Problem]:
    if not spec.entry.allow:
        yield error("entry.allow", None, "lets nobody in", '["0.0.0.0/0"] for everybody')
    seen: set[str] = set()
    for cidr in spec.entry.allow:
        if wrong := _visitor(cidr):
            yield error("entry.allow", cidr, *wrong)
        elif cidr in seen:
            yield error("entry.allow", cidr, "is there twice", "each once")
        seen.add(cidr)


def _visitor(cidr: str) -> tuple[str, str] | None:
    """Return what is wrong with a network and what could be written; None when nothing is."""
    form = "IPv4 networks, as in 203.0.113.0/24"
    if "/" not in cidr:
        return "has no length", f"{form}; /32 for one address"
    try:
        ipaddress.IPv4Network(cidr)
    except ValueError:
        try:
            return "is no network", f"did you mean {ipaddress.IPv4Network(cidr, strict=False)}?"
        except ValueError:
            return "is no network", form
    return None
