"""What an account may have: AWS's default quotas, against what the stack would take of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from obskit.deploy.spec_check._problem import Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.services import FargateService
    from obskit.deploy.spec import StackSpec

#: Of a load balancer, besides its default.
_LISTENER_RULES: Final = 100
#: Of each direction of a security group.
_GROUP_RULES: Final = 60
#: To AWS, to registries, to where alerts go.
_OTHER_RULES: Final = 3
#: Host names of a certificate; raised on request.
_CERTIFICATE_NAMES: Final = 10
#: Managed policies of a role; raised on request up to 20.
_POLICIES: Final = 10
#: vCPUs on demand of a new account; raised on request, and by use.
_NEW_ACCOUNT_CPUS: Final = 6
#: Letters of a role's own policies together; cannot be raised.
_ROLE_POLICY: Final = 10_240


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield quotas that the spec alone is seen to break."""
    del place
    # Each network once for port 80 and once for 443.
    if len(spec.entry.allow) * 2 > _GROUP_RULES:
        what = "are more networks than a security group has rules for"
        yield error("entry.allow", None, what, f"{_GROUP_RULES // 2}, each takes two rules")
    rules = sum(bool(a.path) for a in spec.applications)  # the default is no rule, Grafana's is
    if rules > _LISTENER_RULES:
        yield error("applications", None, "have more paths than a load balancer has rules", str(_LISTENER_RULES))
    hosts = {spec.domain, spec.grafana_host, *(a.host for a in spec.applications if a.host)}
    if not spec.entry.certificate and len(hosts) > _CERTIFICATE_NAMES:
        what = f"have {len(hosts)} host names, more than a certificate has by default"
        yield warning("applications", None, what, f"{_CERTIFICATE_NAMES}, or a raised quota")
    for application in spec.applications:
        if len(application.policies) > _POLICIES:
            key = path_of("applications", application.name, "policies")
            yield error(key, None, "are more than a role takes", str(_POLICIES))
    cpus = sum(size.maximum * size.cpu for size in (*spec.applications, *spec.watchers)) / 1024
    if cpus > _NEW_ACCOUNT_CPUS:
        what = f"take {cpus:g} vCPUs at their maximum, more than Fargate gives a new account"
        yield warning("applications", None, what, f"{_NEW_ACCOUNT_CPUS}, or a raised quota")


def check_services(services: Sequence[FargateService], spec: StackSpec, place: Place) -> Iterator[Problem]:
    """Yield quotas that what is made of the spec breaks."""
    from obskit.deploy.resources.security_group_rules import connections

    applications = {a.name for a in spec.applications}
    keys = {s.name: path_of("applications", s.name) if s.name in applications else s.name for s in services}
    found = connections(spec, place)
    elsewhere = {service.name: service.reaches for service in services}
    ways = {"in": Counter(one.target for one in found), "out": Counter(one.source for one in found)}
    for way, counted in ways.items():
        for group, rules in sorted(counted.items()):
            others = _OTHER_RULES + (len(elsewhere.get(group, ())) if way == "out" else 0)
            if rules > _GROUP_RULES - others:
                what = f"has {rules} connections {way}, and its security group takes {_GROUP_RULES} rules a direction"
                yield error(keys.get(group, "applications"), None, what, "fewer applications, or fewer calls")
    yield from _role_sizes(services, spec, place)


def _role_sizes(services: Sequence[FargateService], spec: StackSpec, place: Place) -> Iterator[Problem]:
    """Yield roles whose own policy is longer than IAM takes; those that grow with the stack are these two."""
    from obskit.deploy.resources import _iam, _role_policies

    for role, document in (("execution", _role_policies.execution), ("ci", _role_policies.ci)):
        size = len(_iam.written(document(spec, place, services)))
        if size > _ROLE_POLICY:
            what = f"make the policy of the role {role} {size} letters long, and IAM takes {_ROLE_POLICY}"
            yield error("applications", None, what, "fewer secrets with several keys each: name:json_key")
