"""What people do to data, and to what watches."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.support.deployed import Deployed
from tests.support.drift import Drift, Hand, calls, of, opened
from tests.support.stack import ACCOUNT, REGION

_BUCKET: Final = f"shop-loki-{ACCOUNT}-{REGION}"
_CONFIG: Final = f"shop-config-{ACCOUNT}-{REGION}"
_LOGS: Final = "/obskit/shop/loki"


def _put_bucket_policy(stack: Deployed, text: str) -> object:
    return stack.by_hand("s3", "put_bucket_policy", Bucket=_BUCKET, Policy=text)


def _object(key: str, body: bytes | None) -> Hand:
    """Return what writes an object beside a service's configuration, or deletes it."""

    def hand(stack: Deployed) -> object:
        path = f"{stack.id('configuration.loki', 'prefix')}/{key}"
        if body is None:
            return stack.by_hand("s3", "delete_object", Bucket=_CONFIG, Key=path)
        return stack.by_hand("s3", "put_object", Bucket=_CONFIG, Key=path, Body=body)

    return hand


def _database(**asked: Any) -> Hand:
    return calls("rds", "modify_db_instance", DBInstanceIdentifier="shop-main", ApplyImmediately=True, **asked)


DATA: Final = (
    Drift(
        "one more subnet",
        "db_subnet_group.main",
        lambda stack: stack.by_hand(
            "rds",
            "modify_db_subnet_group",
            DBSubnetGroupName="shop-main",
            SubnetIds=[stack.id(f"subnet.{name}") for name in ("private-1", "private-2", "public-1")],
        ),
        ("Subnets.public-1",),
    ),
    Drift(
        "plain connections allowed, statements logged",
        "db_parameter_group.main",
        calls(
            "rds",
            "modify_db_parameter_group",
            DBParameterGroupName="shop-main-postgres16",
            Parameters=[
                {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"},
                {"ParameterName": "log_statement", "ParameterValue": "all", "ApplyMethod": "immediate"},
            ],
        ),
        ("Parameters.log_statement", "Parameters.rds.force_ssl"),
    ),
    Drift("no backups", "database.main", _database(BackupRetentionPeriod=0), ("BackupRetentionPeriod",)),
    Drift("protected", "database.main", _database(DeletionProtection=True), ("DeletionProtection",)),
    Drift(
        "its owner renamed",
        "database.main",
        calls(
            "rds",
            "add_tags_to_resource",
            ResourceName=of("database.main", "arn"),
            Tags=[{"Key": "owner", "Value": "me"}],
        ),
        ("tags.owner",),
    ),
    Drift(
        "opened to everybody",
        "bucket.loki",
        opened(
            lambda s: str(s.by_hand("s3", "get_bucket_policy", Bucket=_BUCKET)["Policy"]),
            _put_bucket_policy,
        ),
        ("Policy.More",),
    ),
    Drift(
        "plain HTTP allowed",
        "bucket.loki",
        calls("s3", "delete_bucket_policy", Bucket=_BUCKET),
        ("Policy",),
    ),
    Drift(
        "public access no longer blocked",
        "bucket.config",
        calls("s3", "delete_public_access_block", Bucket=_CONFIG),
        ("PublicAccessBlockConfiguration",),
    ),
    Drift(
        "chunks kept for ever",
        "bucket.loki",
        calls("s3", "delete_bucket_lifecycle", Bucket=_BUCKET),
        ("LifecycleRules",),
    ),
    Drift(
        "versions no longer kept",
        "bucket.config",
        calls("s3", "put_bucket_versioning", Bucket=_CONFIG, VersioningConfiguration={"Status": "Suspended"}),
        ("Versioning",),
    ),
    Drift(
        "its tags deleted",
        "bucket.logs",
        calls("s3", "delete_bucket_tagging", Bucket=f"shop-logs-{ACCOUNT}-{REGION}"),
        ("tags.obskit:resource", "tags.obskit:stack", "tags.owner", "tags.service"),
    ),
    Drift("a file deleted", "configuration.loki", _object("loki.yml", None), ("Files.loki.yml",)),
    Drift("a file rewritten", "configuration.loki", _object("loki.yml", b"auth_enabled: true"), ("Files.loki.yml",)),
    Drift("a file added", "configuration.loki", _object("more.yaml", b"x"), ("Files.more.yaml",)),
)


QUEUE: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/shop-events"
_REDRIVE: Final = json.dumps(
    {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:shop-events-dead", "maxReceiveCount": 3}
)

TELEMETRY: Final = (
    Drift(
        "lines kept for a day",
        "log_group.loki",
        calls("logs", "put_retention_policy", logGroupName=_LOGS, retentionInDays=1),
        ("retentionInDays",),
    ),
    Drift(
        "deleted",
        "log_group.payments",
        calls("logs", "delete_log_group", logGroupName="/obskit/shop/payments"),
        (),
        "create",
    ),
    Drift(
        "its owner renamed",
        "log_group.events",
        calls("logs", "tag_log_group", logGroupName="/aws/events/shop", tags={"owner": "me"}),
        ("tags.owner",),
    ),
    Drift(
        "deleted", "log_policy.events", calls("logs", "delete_resource_policy", policyName="shop-events"), (), "create"
    ),
    Drift(
        "opened to everybody",
        "log_policy.events",
        opened(
            lambda s: str(s.by_hand("logs", "describe_resource_policies")["resourcePolicies"][0]["policyDocument"]),
            lambda s, text: s.by_hand("logs", "put_resource_policy", policyName="shop-events", policyDocument=text),
        ),
        ("policyDocument.Statement.More",),
    ),
    Drift(
        "messages moved after three receives",
        "queue.events",
        calls("sqs", "set_queue_attributes", QueueUrl=QUEUE, Attributes={"RedrivePolicy": _REDRIVE}),
        ("RedrivePolicy",),
    ),
    Drift(
        "messages kept for an hour",
        "queue.events-dead",
        calls("sqs", "set_queue_attributes", QueueUrl=f"{QUEUE}-dead", Attributes={"MessageRetentionPeriod": "3600"}),
        ("MessageRetentionPeriod",),
    ),
    Drift(
        "opened to everybody",
        "queue.events",
        opened(
            lambda s: str(
                s.by_hand("sqs", "get_queue_attributes", QueueUrl=QUEUE, AttributeNames=["Policy"])["Attributes"][
                    "Policy"
                ]
            ),
            lambda s, text: s.by_hand("sqs", "set_queue_attributes", QueueUrl=QUEUE, Attributes={"Policy": text}),
        ),
        ("Policy.Statement.More",),
    ),
    Drift("switched off", "event_rule.ecs", calls("events", "disable_rule", Name="shop-ecs"), ("State",)),
    Drift(
        "a target added",
        "event_rule.ecs",
        calls(
            "events",
            "put_targets",
            Rule="shop-ecs",
            Targets=[{"Id": "more", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:shop-events-dead"}],
        ),
        ("Targets.more",),
    ),
    Drift(
        "a target removed",
        "event_rule.ecs",
        calls("events", "remove_targets", Rule="shop-ecs", Ids=["queue"]),
        ("Targets.queue",),
    ),
    Drift(
        "renamed",
        "metrics_workspace.main",
        lambda stack: stack.by_hand(
            "amp", "update_workspace_alias", workspaceId=stack.id("metrics_workspace.main"), alias="mine"
        ),
        ("alias",),
    ),
)
