"""What ECS said of a service lately: asked while it is there, in order, each thing once, kept as a file.

ECS forgets a stopped task after an hour and tells no more than a hundred service events, so a release
that fails takes them down. The file is read by ``obskit triage --events``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from obskit.deploy.aws import Aws, absent
from obskit.deploy.errors import AwsError
from obskit.deploy.resource import Stack
from obskit.deploy.resources._names import events_group, queue_name
from obskit.errors import one_line
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

_TASKS_AT_ONCE: Final = 100  # DescribeTasks takes no more
_SERVICES_AT_ONCE: Final = 10  # nor DescribeServices
_MAX_RECEIVES: Final = 50
#: A queue whose messages stay visible gives the same ones again; so often without news is all.
_STALE_RECEIVES: Final = 5
#: What a deployment goes through: place -> words; what has none of them is its beginning. The last one counts.
_COURSE: Final = {
    1: re.compile(r"has started"),
    3: re.compile(r"(?<!de)registered"),
    5: re.compile(r"unable to|unhealthy|deregistered|draining|has stopped"),
    6: re.compile(r"^SERVICE_DEPLOYMENT_FAILED|deployment failed"),
    7: re.compile(r"rolling back"),
    8: re.compile(r"^SERVICE_DEPLOYMENT_COMPLETED|deployment completed|steady state"),
}
_OF_TASKS: Final = {"task_running": 2, "task_stopped": 4}
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
Row = Mapping[str, Any]


@dataclass(slots=True)
class EcsHistory:
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
    _log_group_told: bool = False

    def ask_api(self, aws: Aws, stack: Stack) -> None:
        """Take in stopped tasks, service events and deployments as the ECS API tells them now."""
        try:
            names = [self.service] if self.service else _service_names(aws, stack)
            for start in range(0, len(names), _SERVICES_AT_ONCE):
                some = names[start : start + _SERVICES_AT_ONCE]
                answer = aws.call("ecs", "describe_services", cluster=stack.name, services=some)
                for row in answer.get("services", ()):
                    self.take_service(row)
                for row in answer.get("failures", ()):
                    self._miss(f"cluster {stack.name} has no service {str(row.get('arn', '')).rsplit('/', 1)[-1]}")
        except AwsError as error:
            self._miss(f"cluster {stack.name} is not there" if absent(error) else one_line(error))
            return
        self.ask_tasks(aws, stack)

    def ask_tasks(self, aws: Aws, stack: Stack) -> None:
        """Take in the tasks that stopped within the last hour: ECS forgets them then."""
        asked = {"serviceName": self.service} if self.service else {}
        try:
            arns = list(
                aws.pages("ecs", "list_tasks", "taskArns", cluster=stack.name, desiredStatus="STOPPED", **asked)
            )
            unknown = [arn for arn in arns if not self._is_final(arn)]
            for start in range(0, len(unknown), _TASKS_AT_ONCE):
                batch = unknown[start : start + _TASKS_AT_ONCE]
                self.take_tasks(aws.call("ecs", "describe_tasks", cluster=stack.name, tasks=batch).get("tasks", ()))
        except AwsError as error:
            self._miss(one_line(error))

    def _is_final(self, arn: str) -> bool:
        """Tell whether a task is known in its last state: it changes no more."""
        return self._tasks.get(arn, {}).get("lastStatus") == "STOPPED"

    def ask_log_group(self, aws: Aws, stack: Stack) -> None:
        """Take in what EventBridge wrote to the stack's log group: all of it, so ask it before the queue."""
        began = int(self.since.timestamp() * 1000)
        try:
            for row in aws.pages(
                "logs", "filter_log_events", "events", logGroupName=events_group(stack.name), startTime=began
            ):
                self.take_carried(str(row.get("message", "")))
            self._log_group_told = True
        except AwsError as error:
            self._miss(f"there is no log group {events_group(stack.name)}" if absent(error) else one_line(error))

    def ask_queue(self, aws: Aws, stack: Stack) -> None:
        """Take in what lies in the stack's queue; nothing is deleted, nothing hidden from its real reader."""
        name = queue_name(stack.name, "events")
        try:
            url = str(aws.call("sqs", "get_queue_url", QueueName=name)["QueueUrl"])
            names = ["RedrivePolicy", "ApproximateNumberOfMessages"]
            given = aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=names).get("Attributes", {})
            if given.get("RedrivePolicy"):
                self._miss(f"queue {name} has a redrive policy: to receive messages could move them away")
                return
            seen, there = self._received(aws, url), int(given.get("ApproximateNumberOfMessages", 0))
        except AwsError as error:
            self._miss(f"there is no queue {name}" if absent(error) else one_line(error))
            return
        if there > seen and not self._log_group_told:
            self._miss(f"queue {name} showed {seen} of some {there} messages, as it hides none; the log group has all")

    def _received(self, aws: Aws, url: str) -> int:
        """Receive until nothing new comes; return how many different messages there were."""
        seen, stale = set[str](), 0
        for _ in range(_MAX_RECEIVES):
            answer = aws.call(
                "sqs", "receive_message", idempotent=True, QueueUrl=url, MaxNumberOfMessages=10,
                VisibilityTimeout=0, WaitTimeSeconds=0,
            )  # fmt: skip
            shown = {str(m["MessageId"]): str(m.get("Body", "")) for m in answer.get("Messages", ())}
            stale = 0 if shown.keys() - seen else stale + 1
            seen |= shown.keys()
            for body in shown.values():
                self.take_carried(body)
            if stale >= _STALE_RECEIVES:
                break
        return len(seen)

    def _miss(self, words: str) -> None:
        if words not in self.gaps:
            self.gaps.append(words)

    def take_carried(self, text: str) -> None:
        """Take in one EventBridge event; what is none, or of another service, is left out."""
        try:
            row = json.loads(text)
        except ValueError:
            return
        event = event_from_eventbridge(row) if isinstance(row, dict) else None
        if event is None or not self._wanted(event):
            return
        task = (event.task, event.detail("version"))
        said = (event.detail("event_id") or text,)
        self._bridge.setdefault(task if all(task) else said, row)

    def take_tasks(self, rows: Iterable[Row]) -> None:
        """Take in stopped tasks as DescribeTasks gives them."""
        for row in rows:
            event = event_from_task(row)
            if event is not None and event.kind == "task_stopped" and self._wanted(event):
                self._tasks[str(row.get("taskArn"))] = row

    def take_service(self, row: Row) -> None:
        """Take in messages and deployments of a service as DescribeServices gives it."""
        name, cluster = str(row.get("serviceName", "")), str(row.get("clusterArn", "")).rsplit("/", 1)[-1]
        for message in row.get("events", ()):
            at = moment(message.get("createdAt"))
            if at and at >= self.since:
                self._messages[str(message.get("id"))] = {**message, "service": name, "cluster": cluster}
        for deployment in row.get("deployments", ()):
            key = (name, str(deployment.get("id")), str(deployment.get("rolloutState")))
            at = moment(deployment.get("updatedAt") or deployment.get("createdAt"))
            if at and at >= self.since:
                self._deployments[key] = {"serviceName": name, "clusterArn": cluster, "deployments": [deployment]}

    @property
    def events(self) -> tuple[Event, ...]:
        """Each thing once, ascending by time, whatever was delivered twice or out of order; see `in_order`."""
        return in_order(dedupe(self._all()))

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
            yield from _some(event_from_service_message(row))
        for (service, _, _), row in self._deployments.items():
            found = (events_from_deployment(d, service=service, cluster=row["clusterArn"]) for d in row["deployments"])
            yield from (event for events in found for event in events if event.time >= self.since)

    def archive(self, path: Path) -> int:
        """Write all rows, redacted, one JSON object a line, by time; return how many.

        Raises:
            UsageError: It cannot be written.
        """
        deployments = [{"services": [row]} for row in self._deployments.values()]
        rows = [*self._bridge.values(), *self._tasks.values(), *self._messages.values(), *deployments]
        lines = [json.dumps(_harmless(row), ensure_ascii=False, sort_keys=True) for row in sorted(rows, key=_time)]
        lines = list(dict.fromkeys(lines))
        write_text(path, "".join(f"{line}\n" for line in lines))
        return len(lines)

    def _wanted(self, event: Event) -> bool:
        return event.time >= self.since and self.service in ("", event.service)


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return events by time; those of one second, which is all that is shown, as one leads to the other."""
    return tuple(sorted(events, key=lambda e: (e.time.replace(microsecond=0), _place(e), e.time)))


def _place(event: Event) -> int:
    """Return where an event stands among those of its second: begun, started, stopped, failed, rolled back, done."""
    said = f"{event.code} {event.message}"
    return _OF_TASKS.get(event.kind) or max((n for n, words in _COURSE.items() if words.search(said)), default=0)


def _some(event: Event | None) -> tuple[Event, ...]:
    return (event,) if event else ()


def _time(row: Row) -> datetime:
    """Return when a row was said, for the order of the file."""
    deployments = [d for service in row.get("services", ()) for d in service["deployments"]]
    inner: Row = deployments[0] if deployments else row
    keys = ("time", "stoppedAt", "stoppingAt", "updatedAt", "createdAt")
    return next((at for key in keys if (at := moment(inner.get(key)))), _NEVER)


def _harmless(value: Any) -> Any:
    """Return what JSON can hold, without secrets: no value of a variable, and no text unread by `redact`."""
    if isinstance(value, Mapping):
        return {key: _variables(inner) if key == "environment" else _harmless(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return redact(value) if isinstance(value, str) else value


def _variables(value: Any) -> Any:
    rows = value if isinstance(value, list | tuple) else ()
    return [{"name": row.get("name", ""), "value": "[value]"} for row in rows if isinstance(row, Mapping)]


def _service_names(aws: Aws, stack: Stack) -> list[str]:
    arns = aws.pages("ecs", "list_services", "serviceArns", cluster=stack.name)
    return sorted(str(arn).rsplit("/", 1)[-1] for arn in arns)
