"""The load balancer's two listeners: plain HTTP sends everybody on to HTTPS, which serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.aws import quiet
from obskit.deploy.resource import STACK_TAG, Attributes, Fields, Kind, Observed, Ref, Resource
from obskit.deploy.resources import _elb, _entry, _tags

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

_HTTP: Final = 80
_HTTPS: Final = 443
_BY_PORT: Final = {_HTTP: "http", _HTTPS: "https"}
_TO_HTTPS: Final[Fields] = {
    "1": {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": str(_HTTPS), "StatusCode": "HTTP_301"},
    }
}


class ListenerKind(Kind):
    """The listeners ``http`` and ``https``.

    Every listener of the stack's load balancer is the stack's: one that somebody added by hand is seen as
    ``port-8443`` (or by the name that belongs to its port) and is not wanted. Certificates for more hosts
    that somebody adds to ``https`` are not looked at.
    """

    name = "listener"
    needs = ("load_balancer", "target_group", "certificate_validation")
    replace_on = ("LoadBalancerArn",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield both. The second one waits until the stack's certificate is issued."""
        balancer = Ref("load_balancer.main", "arn")
        redirect: Fields = {
            "LoadBalancerArn": balancer,
            "Port": _HTTP,
            "Protocol": "HTTP",
            "DefaultActions": _TO_HTTPS,
        }
        yield Resource(kind=self.name, name="http", fields=redirect)
        service = _entry.default(spec, place)
        serve: Fields = {
            "LoadBalancerArn": balancer,
            "Port": _HTTPS,
            "Protocol": "HTTPS",
            "SslPolicy": spec.entry.policy,
            "Certificates": (spec.entry.certificate or Ref("certificate_validation.main", "arn"),),
            "DefaultActions": _elb.forward(Ref(f"target_group.{service}", "arn")) if service else _elb.NOTHING_HERE,
        }
        yield Resource(kind=self.name, name="https", fields=serve)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all listeners of the stack's load balancer."""
        for found in _elb.listeners(aws, stack):
            row, tags = found.row, found.tags
            if tags.get(STACK_TAG, stack.name) != stack.name:
                continue
            name = _tags.name_of(self.name, tags, stack) or _BY_PORT.get(row["Port"], f"port-{row['Port']}")
            yield Observed(
                kind=self.name, name=name, fields=_read(row), attributes={"arn": row["ListenerArn"]}, tags=tags
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one."""
        balancer: Any = resource.fields["LoadBalancerArn"]
        tags = _tags.as_list(resource.tags)
        answer = aws.call("elbv2", "create_listener", LoadBalancerArn=balancer, Tags=tags, **_asked(resource))
        return {"arn": answer["Listeners"][0]["ListenerArn"]}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write it whole."""
        arn = before.attributes["arn"]
        aws.call("elbv2", "modify_listener", idempotent=True, ListenerArn=arn, **_asked(resource))
        return {"arn": arn}

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _elb.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one, with its rules."""
        arn = before.attributes["arn"]
        quiet(lambda: aws.call("elbv2", "delete_listener", idempotent=True, settle=True, ListenerArn=arn))


def _asked(resource: Resource) -> dict[str, Any]:
    asked: Any = resource.fields
    return {
        "Port": asked["Port"],
        "Protocol": asked["Protocol"],
        "SslPolicy": asked.get("SslPolicy"),
        "Certificates": [{"CertificateArn": arn} for arn in asked.get("Certificates", ())] or None,
        "DefaultActions": _elb.as_actions(asked["DefaultActions"]),
    }


def _read(row: Mapping[str, Any]) -> Fields:
    encrypted = row.get("Protocol") != "HTTP"
    return {
        "LoadBalancerArn": row["LoadBalancerArn"],
        "Port": row["Port"],
        "Protocol": row.get("Protocol"),
        "SslPolicy": row.get("SslPolicy") if encrypted else None,
        "Certificates": tuple(one["CertificateArn"] for one in row.get("Certificates") or ()) if encrypted else None,
        "DefaultActions": _elb.read_actions(row.get("DefaultActions") or ()),
    }


KIND = ListenerKind()
