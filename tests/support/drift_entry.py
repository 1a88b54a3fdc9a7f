"""What people do to the way in, and to names within."""

from __future__ import annotations

from typing import Any, Final

from tests.support.deployed import ZONE, Deployed
from tests.support.drift import Drift, Hand, calls, of


def _alias(name: str, action: str = "UPSERT", **changes: Any) -> Hand:
    def hand(stack: Deployed) -> object:
        balancer = stack.find("load_balancer.main").attributes
        target = {"DNSName": balancer["dns_name"], "HostedZoneId": balancer["zone_id"], "EvaluateTargetHealth": False}
        record = {"Name": name, "Type": "A", "AliasTarget": target | changes}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        zone = stack.id("dns_record.shop.example.com", "zone")
        return stack.by_hand("route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)

    return hand


def _attribute(address: str, owner: str, key: str, value: str) -> Hand:
    asked = {f"{owner.title().replace('_', '')}Arn": of(address, "arn")}
    return calls("elbv2", f"modify_{owner}_attributes", Attributes=[{"Key": key, "Value": value}], **asked)


_ELSEWHERE: Final = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]

ENTRY: Final = (
    Drift(
        "its owner renamed",
        "certificate.main",
        calls(
            "acm",
            "add_tags_to_certificate",
            CertificateArn=of("certificate.main", "arn"),
            Tags=[{"Key": "owner", "Value": "me"}],
        ),
        ("tags.owner",),
    ),
    Drift(
        "it asks for the targets' health",
        f"dns_record.pay.{ZONE}",
        _alias(f"pay.{ZONE}", EvaluateTargetHealth=True),
        ("AliasTarget.EvaluateTargetHealth",),
    ),
    Drift("deleted", "dns_record.grafana.shop.example.com", _alias("grafana.shop.example.com", "DELETE"), (), "create"),
    Drift(
        "invalid headers let through",
        "load_balancer.main",
        _attribute("load_balancer.main", "load_balancer", "routing.http.drop_invalid_header_fields.enabled", "false"),
        ("Attributes.routing.http.drop_invalid_header_fields.enabled",),
    ),
    Drift(
        "another health check",
        "target_group.demo-app",
        calls(
            "elbv2",
            "modify_target_group",
            TargetGroupArn=of("target_group.demo-app", "arn"),
            HealthCheckPath="/ping",
            HealthCheckIntervalSeconds=60,
        ),
        ("HealthCheckIntervalSeconds", "HealthCheckPath"),
    ),
    Drift(
        "stickiness switched on",
        "target_group.payments",
        _attribute("target_group.payments", "target_group", "stickiness.enabled", "true"),
        ("Attributes.stickiness.enabled",),
    ),
    Drift(
        "old TLS allowed",
        "listener.https",
        calls(
            "elbv2",
            "modify_listener",
            ListenerArn=of("listener.https", "arn"),
            SslPolicy="ELBSecurityPolicy-2016-08",
        ),
        ("SslPolicy",),
    ),
    Drift(
        "a maintenance page",
        "listener.http",
        calls("elbv2", "modify_listener", ListenerArn=of("listener.http", "arn"), DefaultActions=_ELSEWHERE),
        (
            "DefaultActions.1.FixedResponseConfig",
            "DefaultActions.1.RedirectConfig",
            "DefaultActions.1.Type",
        ),
    ),
    Drift(
        "a rule added",
        "listener_rule.443-7",
        calls(
            "elbv2",
            "create_rule",
            ListenerArn=of("listener.https", "arn"),
            Priority=7,
            Conditions=[{"Field": "path-pattern", "Values": ["/debug"]}],
            Actions=_ELSEWHERE,
        ),
        action="delete",
    ),
    Drift(
        "deleted",
        "listener_rule.payments",
        calls("elbv2", "delete_rule", RuleArn=of("listener_rule.payments", "arn")),
        action="create",
    ),
    Drift(
        "another host",
        "listener_rule.grafana",
        calls(
            "elbv2",
            "modify_rule",
            RuleArn=of("listener_rule.grafana", "arn"),
            Conditions=[{"Field": "host-header", "Values": ["graphs.example.com"]}],
        ),
        ("Conditions.host-header",),
    ),
    Drift(
        "its owner renamed",
        "namespace.main",
        calls(
            "servicediscovery",
            "tag_resource",
            ResourceARN=of("namespace.main", "arn"),
            Tags=[{"Key": "owner", "Value": "me"}],
        ),
        ("tags.owner",),
    ),
    Drift(
        "answers kept for longer",
        "discovery_service.loki",
        calls(
            "servicediscovery",
            "update_service",
            Id=of("discovery_service.loki"),
            Service={"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 300}]}},
        ),
        ("DnsConfig.DnsRecords.A",),
    ),
)
