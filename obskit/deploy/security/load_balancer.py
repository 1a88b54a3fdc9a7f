"""The way in: TLS, what the load balancer lets through, and what it writes down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from obskit.deploy.resource import Resource
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, Moot, at, entries, holds

_OURS = "this is a defect of obskit: report it"
_TODO_POLICY = "set entry.policy to ELBSecurityPolicy-TLS13-1-2-2021-06 or a newer one"
#: Policies whose oldest protocol is TLS 1.2; those named Ext still take ciphers without forward secrecy.
_TLS_1_2 = re.compile(r"^ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)")
_STRONG = re.compile(r"^ELBSecurityPolicy-TLS13-1-[23](?!.*-Ext)")


def _redirects(resource: Resource) -> bool:
    actions = list(entries(resource.fields, "DefaultActions").values())
    return bool(actions) and all(
        at(action, "Type") == "redirect" and at(action, "RedirectConfig", "Protocol") == "HTTPS" for action in actions
    )


def _encrypted(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    fine = resource.fields.get("Protocol") == "HTTPS" or _redirects(resource)
    yield Good() if fine else Bad("it serves plain HTTP", _OURS)


def _redirected(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    if resource.fields.get("Protocol") != "HTTP":
        yield Moot("it takes no plain HTTP")
    else:
        yield Good() if _redirects(resource) else Bad("plain HTTP is not sent on to HTTPS", _OURS)


def _policy(pattern: re.Pattern[str], why: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        if resource.fields.get("Protocol") != "HTTPS":
            yield Moot("it takes no TLS")
            return
        policy = str(resource.fields.get("SslPolicy") or "AWS's default policy")
        yield Good() if pattern.search(policy) else Bad(f"{policy} {why}", _TODO_POLICY)

    return judge


def _desync(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    mode = at(resource.fields, "Attributes", "routing.http.desync_mitigation_mode") or "defensive"
    fine = mode in ("defensive", "strictest")
    yield Good() if fine else Bad(f"requests that servers may read differently pass: {mode}", _OURS)


def _zones(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    fine = len(entries(resource.fields, "Subnets")) > 1
    yield Good() if fine else Bad("it stands in one zone", "set network.zones to 2 or more")


def _web_acl(resource: Resource, everything: Everything) -> Iterator[Answer]:
    if any(one.kind == "web_acl_association" for one in everything.values()):
        yield Good()
    elif resource.fields.get("Scheme") == "internal":
        yield Moot("it cannot be reached from the internet")
    else:
        yield Bad("no web application firewall stands before it", "associate a web ACL with it")


def _probed(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    fine = resource.fields.get("HealthCheckEnabled") is not False and bool(resource.fields.get("HealthCheckPath"))
    yield Good() if fine else Bad("its targets are not asked for their health", "set the application's health_path")


def _inner(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    plain = resource.fields.get("Protocol") == "HTTP"
    yield Bad("requests go on to its targets without TLS", "let the targets serve HTTPS") if plain else Good()


_BALANCER = ("load_balancer",)
CHECKS = (
    Check(ids=("CKV_AWS_2",), title="listeners take HTTPS or send there", kinds=("listener",), judge=_encrypted),
    Check(ids=("CKV2_AWS_20", "ELB.1"), title="HTTP is sent on to HTTPS", kinds=("listener",), judge=_redirected),
    Check(
        ids=("CKV_AWS_103",),
        title="listeners take TLS 1.2 or newer",
        kinds=("listener",),
        judge=_policy(_TLS_1_2, "takes older protocols than TLS 1.2"),
    ),
    Check(
        ids=("CKV2_AWS_74", "ELB.17"),
        title="listeners take strong ciphers only",
        kinds=("listener",),
        judge=_policy(_STRONG, "takes ciphers that are not recommended"),
    ),
    Check(
        ids=("CKV_AWS_376",),
        title="listeners of classic load balancers take TLS",
        kinds=("classic_load_balancer",),
        judge=_encrypted,
    ),
    Check(
        ids=("CKV_AWS_131", "ELB.4"),
        title="invalid headers are dropped",
        kinds=_BALANCER,
        judge=holds(
            ("Attributes", "routing.http.drop_invalid_header_fields.enabled"), "true", "invalid headers pass", _OURS
        ),
    ),
    Check(
        ids=("CKV_AWS_91", "ELB.5"),
        title="access is logged",
        kinds=_BALANCER,
        judge=holds(
            ("Attributes", "access_logs.s3.enabled"), "true", "no access log is written", "set entry.access_logs = true"
        ),
    ),
    Check(
        ids=("CKV_AWS_150", "ELB.6"),
        title="deletion is refused",
        kinds=_BALANCER,
        judge=holds(
            ("Attributes", "deletion_protection.enabled"),
            "true",
            "one call deletes it",
            "set entry.protected = true",
        ),
    ),
    Check(ids=("CKV_AWS_328", "ELB.12"), title="ambiguous requests are refused", kinds=_BALANCER, judge=_desync),
    Check(ids=("ELB.13",), title="it stands in several zones", kinds=_BALANCER, judge=_zones),
    Check(ids=("CKV2_AWS_28", "ELB.16"), title="a web ACL is before it", kinds=_BALANCER, judge=_web_acl),
    Check(ids=("CKV2_AWS_76",), title="its web ACL knows Log4j's holes", kinds=_BALANCER, judge=_web_acl),
    Check(ids=("CKV_AWS_261",), title="targets have health checks", kinds=("target_group",), judge=_probed),
    Check(ids=("CKV_AWS_378",), title="targets are reached by TLS", kinds=("target_group",), judge=_inner),
)
