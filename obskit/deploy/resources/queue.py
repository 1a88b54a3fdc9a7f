"""Where ECS's events wait to be read, and where those go that EventBridge could not deliver.

The queue of events has no redrive policy: reading one again and again must not move it away. What cannot
be delivered is the rule's affair, so the second queue belongs to its targets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Resource, Stack, Value
from obskit.deploy.resources import _iam
from obskit.deploy.resources._names import queue_name, rule_arn
from obskit.deploy.resources._tags import name_of
from obskit.deploy.spec import StackSpec

#: All that a stack can have; so they are asked for by name. Listing lags behind by a minute.
_NAMES: Final = ("events", "events-dead")
_RETENTION_SECONDS: Final = 14 * 24 * 3600  # the most that SQS keeps
_VISIBILITY_SECONDS: Final = 30
#: Attribute -> what SQS takes where it is not given; both mean the same.
_NUMBERS: Final = {
    "DelaySeconds": 0,
    "KmsDataKeyReusePeriodSeconds": 300,
    "MessageRetentionPeriod": 345600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "VisibilityTimeout": 30,
}
_DOCUMENTS: Final = ("RedriveAllowPolicy", "RedrivePolicy")
_TAKEN: Final = ("QueueAlreadyExists", "QueueNameExists", "AWS.SimpleQueueService.QueueNameExists")


class QueueKind(Kind):
    """A queue of SQS with the policy that says who may send to it."""

    name = "queue"

    def wanted(self, spec: StackSpec, place: Place) -> Iterator[Resource]:
        """Yield the queue of events and the one of its dead letters."""
        for name in _NAMES:
            fields: dict[str, Value] = {
                "MessageRetentionPeriod": _RETENTION_SECONDS,
                "Policy": _policy(spec.name, place, name),
                "SqsManagedSseEnabled": True,
                "VisibilityTimeout": _VISIBILITY_SECONDS,
            }
            yield Resource(kind=self.name, name=name, fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the stack's queues."""
        for name in _NAMES:
            url = _url(aws, stack, name)
            tags = _tags(aws, url)
            if tags is None or name_of(self.name, tags, stack) != name:
                continue
            given = _given(aws, url)
            if given is not None:
                yield Observed(
                    kind=self.name,
                    name=name,
                    fields=_observed(given),
                    attributes=_attributes(stack, name, url),
                    tags=tags,
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create a queue, or go on with the stack's own; SQS gives a name back a minute after its deletion.

        Raises:
            DeployError: There is a queue of that name which is not this stack's.
        """
        name = queue_name(stack.name, resource.name)
        url, given = _url(aws, stack, resource.name), _attributes_of(resource.fields)
        tags = _tags(aws, url)
        if tags is not None:
            self._check(stack, name, tags)
        try:
            made = aws.call(
                "sqs",
                "create_queue",
                idempotent=True,
                settle=True,
                QueueName=name,
                Attributes=given,
                tags=dict(resource.tags),
            )
            url = str(made["QueueUrl"])
        except AwsError as error:
            if error.code not in _TAKEN or not url:
                raise
            aws.call("sqs", "set_queue_attributes", idempotent=True, QueueUrl=url, Attributes=given)
        return _attributes(stack, resource.name, url)

    def _check(self, stack: Stack, name: str, tags: Mapping[str, str]) -> None:
        if name_of(self.name, tags, stack) is None:
            raise DeployError(
                f"the queue {name} exists and is not this stack's",
                where={"queue": stack.place.arn("sqs", name), "stack": stack.name},
                hint="delete it, or give the stack another name",
            )

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write all that is wanted; what else differs goes back to SQS's default."""
        url = before.attributes["url"]
        heads = {path.partition(".")[0] for path in paths}
        if "KmsMasterKeyId" in heads:
            # SQS has one sort of encryption a queue: first the one goes, then the other comes.
            aws.call("sqs", "set_queue_attributes", idempotent=True, QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
        defaults = {name: str(value) for name, value in _NUMBERS.items()} | dict.fromkeys(_DOCUMENTS, "")
        reset = {name: value for name, value in defaults.items() if name in heads}
        given = reset | _attributes_of(resource.fields)
        aws.call("sqs", "set_queue_attributes", idempotent=True, QueueUrl=url, Attributes=given)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        aws.call("sqs", "tag_queue", idempotent=True, QueueUrl=before.attributes["url"], Tags=dict(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete a queue with its messages."""
        url = before.attributes["url"]
        quiet(lambda: aws.call("sqs", "delete_queue", idempotent=True, QueueUrl=url))


def _policy(stack: str, place: Place, name: str) -> dict[str, Value]:
    """Return who may send: EventBridge for the stack's rule alone, and nobody without TLS."""
    arn = place.arn("sqs", queue_name(stack, name))
    return _iam.policy(
        [
            _iam.allow(
                "Events",
                ["sqs:SendMessage"],
                arn,
                Principal={"Service": "events.amazonaws.com"},
                Condition={"ArnEquals": {"aws:SourceArn": rule_arn(stack, place)}},
            ),
            {
                "Sid": "DenyWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    )


def _observed(given: Mapping[str, str]) -> dict[str, Value]:
    """Return the fields of what SQS says, all of it text."""
    found: dict[str, Value] = {
        "FifoQueue": True if given.get("FifoQueue") == "true" else None,
        "KmsMasterKeyId": given.get("KmsMasterKeyId") or None,
        "Policy": _iam.read(given["Policy"]) if given.get("Policy") else None,
        "SqsManagedSseEnabled": given.get("SqsManagedSseEnabled") == "true",
    }
    for name, default in _NUMBERS.items():
        number = int(given.get(name) or default)
        always = name in ("MessageRetentionPeriod", "VisibilityTimeout")
        found[name] = number if always or number != default else None
    for name in _DOCUMENTS:
        if given.get(name):
            found[name] = {key: str(value) for key, value in json.loads(given[name]).items()}
    return found


def _attributes_of(fields: Fields) -> dict[str, str]:
    """Return resolved fields as SQS takes them."""
    policy = fields.get("Policy")
    return {
        "MessageRetentionPeriod": str(fields["MessageRetentionPeriod"]),
        "Policy": _iam.written(policy),
        "SqsManagedSseEnabled": str(fields["SqsManagedSseEnabled"]).lower(),
        "VisibilityTimeout": str(fields["VisibilityTimeout"]),
    }


def _url(aws: Aws, stack: Stack, name: str) -> str:
    answer = quiet(lambda: aws.call("sqs", "get_queue_url", QueueName=queue_name(stack.name, name)))
    return str(answer["QueueUrl"]) if answer else ""


def _tags(aws: Aws, url: str) -> dict[str, str] | None:
    """Return a queue's tags; None where there is none, or it has just been deleted."""
    answer = quiet(lambda: aws.call("sqs", "list_queue_tags", QueueUrl=url)) if url else None
    return None if answer is None else dict(answer.get("Tags") or {})


def _given(aws: Aws, url: str) -> dict[str, str] | None:
    answer = quiet(lambda: aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]))
    return None if answer is None else dict(answer.get("Attributes") or {})


def _attributes(stack: Stack, name: str, url: str) -> Attributes:
    full = queue_name(stack.name, name)
    return {"arn": stack.place.arn("sqs", full), "name": full, "url": url}


KIND = QueueKind()
