"""What ECS said of a service lately: asked while it is there, in order, each thing once, kept as a file.

ECS forgets a stopped task after an hour and tells no more than a hundred service events, so a release
that fails takes them down. The file is read by ``obskit triage --events``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from obskit.deploy.aws import Aws, absent
from obskit.deploy.errors import AwsError
from obskit.deploy.resource import Stack
from obskit.files import write_text
from obskit.model import Event
from obskit.redact import redact
from obskit.sources.ecs_events import (
    dedupe,
    event_from_eventbridge,
    event_from_service_message,
    event_from_task,
    events_from_deployment,
    moment,
)

_DESCRIBED: Final = 100  # DescribeTasks takes no more
_MAX_RECEIVES: Final = 50
#: A queue whose messages stay visible gives the same ones again; so often without news is all.
_STALE_RECEIVES: Final = 5
Row = Mapping[str, Any]


def events_group(stack: Stack) -> str:
    """Return the log group that EventBridge writes ECS events to."""
    return f"/aws/events/{stack.name}"


@dataclass(slots=True)
class Evidence:
    """Rows as AWS gave them, about one service or a whole cluster, since a time.

    Attributes:
        service: "" for all of the cluster.
        since: Of what was before nothing is kept.
        gaps: What could not be asked, and why.
    """

    service: str
    since: datetime
    gaps: list[str] = field(default_factory=list)
    _bridge: dict[tuple[str, ...], Row] = field(default_factory=dict)
    _tasks: dict[str, Row] = field(default_factory=dict)
    _messages: dict[str, Row] = field(default_factory=dict)
    _deployments: dict[tuple[str, str, str], Row] = field(default_factory=dict)

    def ask_api(self, aws: Aws, stack: Stack) -> None:
        """Take in stopped tasks, service events and deployments as the ECS API tells them now."""
        try:
            names = [self.service] if self.service else _service_names(aws, stack)
            for start in range(0, len(names), 10):  # DescribeServices takes no more
                answer = aws.call("ecs", "describe_services", cluster=stack.name, services=names[start : start + 10])
                for row in answer.get("services", ()):
                    self.take_service(row)
            asked = {"serviceName": self.service} if self.service else {}
            arns = list(
                aws.pages("ecs", "list_tasks", "taskArns", cluster=stack.name, desiredStatus="STOPPED", **asked)
            )
            for start in range(0, len(arns), _DESCRIBED):
                batch = arns[start : start + _DESCRIBED]
                self.take_tasks(aws.call("ecs", "describe_tasks", cluster=stack.name, tasks=batch).get("tasks", ()))
        except AwsError as error:
            self.gaps.append(str(error))

    def ask_log_group(self, aws: Aws, stack: Stack) -> None:
        """Take in what EventBridge wrote to the stack's log group."""
        began = int(self.since.timestamp() * 1000)
        try:
            for row in aws.pages(
                "logs", "filter_log_events", "events", logGroupName=events_group(stack), startTime=began
            ):
                self.take_carried(str(row.get("message", "")))
        except AwsError as error:
            words = "the stack's log group for ECS events is not there" if absent(error) else str(error)
            self.gaps.append(words)

    def ask_queue(self, aws: Aws, queue_url: str) -> None:
        """Take in what lies in the queue; nothing is deleted, nothing hidden from its real reader."""
        seen, stale = set[str](), 0
        try:
            for _ in range(_MAX_RECEIVES):
                answer = aws.call(
                    "sqs", "receive_message", idempotent=True, QueueUrl=queue_url, MaxNumberOfMessages=10,
                    VisibilityTimeout=0, WaitTimeSeconds=0,
                )  # fmt: skip
                shown = {m["MessageId"]: m.get("Body", "") for m in answer.get("Messages", ())}
                stale = 0 if shown.keys() - seen else stale + 1
                seen |= shown.keys()
                for body in shown.values():
                    self.take_carried(body)
                if stale >= _STALE_RECEIVES:
                    return
        except AwsError as error:
            self.gaps.append(str(error))

    def take_carried(self, text: str) -> None:
        """Take in one EventBridge event; what is none, or of another service, is left out."""
        try:
            row = json.loads(text)
        except ValueError:
            return
        event = event_from_eventbridge(row) if isinstance(row, dict) else None
        if event is None or not self._wanted(event):
            return
        detail = row.get("detail") or {}
        key = ("task", str(detail.get("taskArn")), str(detail.get("version"))) if detail.get("taskArn") else (
            "other", str(row.get("id")), str(row.get("time")))  # fmt: skip
        self._bridge.setdefault(key, row)

    def take_tasks(self, rows: Iterable[Row]) -> None:
        """Take in stopped tasks as DescribeTasks gives them."""
        for row in rows:
            event = event_from_task(row)
            if event is not None and event.kind == "task_stopped" and self._wanted(event):
                self._tasks[str(row.get("taskArn"))] = row

    def take_service(self, row: Row) -> None:
        """Take in messages and deployments of a service as DescribeServices gives it."""
        name = str(row.get("serviceName", ""))
        for message in row.get("events", ()):
            at = moment(message.get("createdAt"))
            if at and at >= self.since:
                self._messages[str(message.get("id"))] = {**message, "service": name}
        for deployment in row.get("deployments", ()):
            key = (name, str(deployment.get("id")), str(deployment.get("rolloutState")))
            at = moment(deployment.get("updatedAt") or deployment.get("createdAt"))
            if at and at >= self.since:
                self._deployments[key] = deployment

    @property
    def events(self) -> tuple[Event, ...]:
        """Each thing once, ascending by time, whatever was delivered twice or out of order."""
        return dedupe(self._all())

    @property
    def stops(self) -> tuple[Event, ...]:
        """The tasks that stopped."""
        return tuple(event for event in self.events if event.kind == "task_stopped")

    def _all(self) -> Iterator[Event]:
        for row in self._bridge.values():
            yield from _some(event_from_eventbridge(row))
        for row in self._tasks.values():
            yield from _some(event_from_task(row))
        for row in self._messages.values():
            yield from _some(event_from_service_message(row, service=str(row["service"])))
        for (service, _, _), row in self._deployments.items():
            yield from (e for e in events_from_deployment(row, service=service) if e.time >= self.since)

    def archive(self, path: Path) -> int:
        """Write all rows, redacted, one JSON object a line, by time; return how many.

        Raises:
            UsageError: It cannot be written.
        """
        rows = [*self._bridge.values(), *self._tasks.values(), *self._messages.values()]
        by_time = sorted(rows, key=lambda row: (str(_time(row) or ""), json.dumps(row, default=_plain, sort_keys=True)))
        lines = [redact(json.dumps(row, default=_plain, ensure_ascii=False)) for row in by_time]
        write_text(path, "".join(f"{line}\n" for line in lines))
        return len(lines)

    def _wanted(self, event: Event) -> bool:
        return event.time >= self.since and self.service in ("", event.service)


def _some(event: Event | None) -> tuple[Event, ...]:
    return (event,) if event else ()


def _time(row: Row) -> datetime | None:
    keys = ("time", "stoppedAt", "stoppingAt", "createdAt")
    return next((at for key in keys if (at := moment(row.get(key)))), None)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _service_names(aws: Aws, stack: Stack) -> list[str]:
    arns = aws.pages("ecs", "list_services", "serviceArns", cluster=stack.name)
    return sorted(str(arn).rsplit("/", 1)[-1] for arn in arns)
