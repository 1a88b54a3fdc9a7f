"""What ECS says, in any of its shapes, as `Event`s: EventBridge, DescribeServices, DescribeTasks.

Pure: no network, no clock. The parsers never raise: what they cannot read is ``None``, and keys
that they do not know are ignored, as AWS adds new ones at any time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from obskit.model import Event

#: Longer texts are cut: ECS itself cuts a stoppedReason at 1024 characters.
_MAX_TEXT: Final = 4096
#: An event may sit in a log line that sits in a queue's message; deeper nesting is nobody's.
_MAX_WRAPS: Final = 3
#: Where SQS, SNS, CloudWatch Logs and Logs Insights keep the text that they carry.
_WRAPPED_IN: Final = ("Body", "body", "Message", "message", "@message")
#: States of a task on its way out, in order; any of them may be the only one that was seen.
_STOPPING: Final = ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED")
#: Epoch numbers from here on are milliseconds: as seconds they would lie beyond the year 5000.
_MILLISECONDS_FROM: Final = 100_000_000_000
_ROLLOUT: Final = {
    "IN_PROGRESS": "SERVICE_DEPLOYMENT_IN_PROGRESS",
    "COMPLETED": "SERVICE_DEPLOYMENT_COMPLETED",
    "FAILED": "SERVICE_DEPLOYMENT_FAILED",
}
_DEPLOYMENT = re.compile(r"ecs-svc/\d+")
_SERVICE = re.compile(r"\(?\bservice[ :]+[`(]*([A-Za-z0-9_-]{1,255})")
_TASK = re.compile(r"\(task [`(]*(?:arn:\S*/)?([0-9a-fA-F-]{8,64})")
#: Start errors and kills, as opposed to what the runtime says while it tidies up.
_TELLING_REASON = re.compile(r"^\s*(?!CannotStopContainer|CannotInspectContainer|TaskStoppedBeforePullBegin)\w+Error\b")
#: What the program's container is called in a task of obskit's own stacks, beside those that prepare or serve it.
_PROGRAM: Final = "app"
_COLLATERAL: Final = {"0": 5, "137": 3, "143": 1}


def moment(value: object) -> datetime | None:
    """Return an ISO text, a datetime or an epoch number (seconds or milliseconds) in UTC, else None."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
    return None


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)[:_MAX_TEXT]


def _rows(value: object) -> list[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def _row(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _last(arn: str) -> str:
    """Return what stands after the last slash of an ARN: a task's id, ``family:7``, a service's name."""
    return arn.rsplit("/", 1)[-1]


def _details(**facts: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in facts.items() if value))


def _iso(value: object) -> str:
    at = moment(value)
    return at.isoformat() if at else ""


def event_from_eventbridge(body: Mapping[str, object]) -> Event | None:
    """Return an EventBridge event of ECS, bare or as JSON text inside a message or log line.

    Args:
        body: The event, or an SQS message, SNS notification or log event that carries it.

    Returns:
        None when it is no ECS event, or a task's state that tells nothing (such as PENDING).
    """
    return _unwrapped(body, 0)


def _unwrapped(body: object, depth: int) -> Event | None:
    if not isinstance(body, Mapping) or depth > _MAX_WRAPS:
        return None
    kind = body.get("detail-type")
    if not isinstance(kind, str):
        texts = (body.get(key) for key in _WRAPPED_IN)
        carried = next((t for t in texts if isinstance(t, str) and t.lstrip().startswith("{")), "")
        return _unwrapped(_json(carried), depth + 1)
    if body.get("source") not in (None, "aws.ecs"):
        return None
    if kind == "ECS Task State Change":
        return event_from_task(_row(body.get("detail")), said_at=body.get("time"), event_id=_text(body, "id"))
    if kind == "ECS Service Action":
        return _said_of_service(body, "service_action", "createdAt")
    return _said_of_service(body, "deployment", "updatedAt") if kind == "ECS Deployment State Change" else None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _service_of(body: Mapping[str, object]) -> tuple[str, str]:
    """Return service and cluster from ``service/CLUSTER/NAME`` (or the older ``service/NAME``)."""
    resources = body.get("resources")
    arn = next((r for r in resources if isinstance(r, str)), "") if isinstance(resources, list | tuple) else ""
    parts = arn.partition(":service/")[2].split("/")
    return parts[-1], parts[0] if len(parts) > 1 else ""


def _said_of_service(body: Mapping[str, object], kind: str, at: str) -> Event | None:
    """Return what EventBridge says of a service: an action or a change of a deployment.

    Args:
        body: The whole event.
        kind: The event's kind in obskit's words.
        at: The detail that holds its time.
    """
    detail = _row(body.get("detail"))
    when = moment(detail.get(at)) or moment(body.get("time"))
    code = _text(detail, "eventName")
    if when is None or not code:
        return None
    service, cluster = _service_of(body)
    return Event(
        time=when,
        kind=kind,
        service=service,
        code=code,
        message=_text(detail, "reason"),
        deployment=_text(detail, "deploymentId"),
        details=_details(
            cluster=cluster or _last(_text(detail, "clusterArn")),
            event_id=_text(body, "id"),
            severity=_text(detail, "eventType"),
        ),
    )


def event_from_service_message(row: Mapping[str, object], *, service: str = "", cluster: str = "") -> Event | None:
    """Return a row of DescribeServices' ``events``: ``id``, ``createdAt``, ``message``.

    Args:
        row: The row; ``service`` and ``cluster`` in it count where the arguments are empty.
        service, cluster: Whose row it is, when the caller knows.

    Returns:
        None without a time or a text.
    """
    at, message = moment(row.get("createdAt")), _text(row, "message")
    if at is None or not message:
        return None
    named = _SERVICE.search(message)
    task = _TASK.search(message)
    deployment = _DEPLOYMENT.search(message)
    return Event(
        time=at,
        kind="service_message",
        service=service or _text(row, "service") or (named.group(1) if named else ""),
        task=task.group(1) if task else "",
        message=message,
        deployment=deployment.group() if deployment else "",
        details=_details(cluster=cluster or _text(row, "cluster"), event_id=_text(row, "id")),
    )


def event_from_task(task: Mapping[str, object], *, said_at: object = None, event_id: str = "") -> Event | None:
    """Return a task of DescribeTasks, or the detail of a task state change.

    Args:
        task: Times may be datetimes, ISO texts or epoch numbers.
        said_at: When it was said, for tasks that carry no time of their own.
        event_id: Of the EventBridge event.

    Returns:
        ``task_running`` at its start, ``task_stopped`` at the moment the stop began; None for a
        task that is still on its way up, or without a name or time.
    """
    status, name = _text(task, "lastStatus").upper(), _last(_text(task, "taskArn"))
    stopping = status in _STOPPING
    ends = ("stoppingAt", "executionStoppedAt", "stoppedAt", "updatedAt")
    times = [moment(task.get(key)) for key in (ends if stopping else ("startedAt",))]
    at = next((time for time in times if time), None) or moment(said_at)
    if at is None or not name or not (stopping or status == "RUNNING"):
        return None
    group = _text(task, "group")
    service = group.removeprefix("service:") if group.startswith("service:") else ""
    revision, deployment = _last(_text(task, "taskDefinitionArn")), _text(task, "startedBy")
    code = _text(task, "stopCode")
    told = (
        _explaining(_rows(task.get("containers")), {service, revision.rpartition(":")[0], _PROGRAM}, code)
        if stopping
        else {}
    )
    return Event(
        time=at,
        kind="task_stopped" if stopping else "task_running",
        service=service,
        task=name,
        code=code if stopping else "",
        message=_text(task, "stoppedReason") if stopping else "",
        revision=revision,
        deployment=deployment if deployment.startswith("ecs-svc/") else "",
        details=_details(
            cluster=_last(_text(task, "clusterArn")),
            container=_text(told, "name"),
            container_reason=_text(told, "reason"),
            cpu=_text(task, "cpu"),
            created_at=_iso(task.get("createdAt")),
            event_id=event_id,
            exit_code=_text(told, "exitCode"),
            group="" if service else group,
            image=_text(told, "image") or _text(_first(task), "image"),
            last_status=status,
            memory=_text(task, "memory"),
            started_at=_iso(task.get("startedAt")),
            version=_text(task, "version"),
            zone=_text(task, "availabilityZone"),
        ),
    )


def _first(task: Mapping[str, object]) -> Mapping[str, object]:
    return next(iter(_rows(task.get("containers"))), {})


def _explaining(containers: list[Mapping[str, object]], names: set[str], code: str) -> Mapping[str, object]:
    """Return the container that explains the stop.

    Events do not say which containers are essential. So: one with a telling reason; else one
    with an exit code that no stop signal gives; else the one named like the service. Where the
    scheduler stopped the task, a sidecar's old troubles do not explain it.
    """
    asked_for = code in ("ServiceSchedulerInitiated", "UserInitiated", "SpotInterruption", "TerminationNotice")

    def weight(container: Mapping[str, object]) -> int:
        exit_code = _text(container, "exitCode")
        main = len(containers) == 1 or _text(container, "name") in names
        telling = bool(_TELLING_REASON.match(_text(container, "reason")))
        odd = _COLLATERAL.get(exit_code, 0 if not exit_code else (9 if asked_for else 50))
        return (8 if asked_for else 100) * telling + odd + (20 if asked_for else 10) * main

    return max(containers, key=weight, default={})


def events_from_deployment(row: Mapping[str, object], *, service: str, cluster: str = "") -> tuple[Event, ...]:
    """Return a row of DescribeServices' ``deployments``: its start and, if reached, its end.

    Args:
        row: ``id``, ``taskDefinition``, ``createdAt``, ``updatedAt``, ``rolloutState`` …
        service, cluster: Whose deployment it is.
    """
    state = _text(row, "rolloutState")
    began = moment(row.get("createdAt"))
    said: list[tuple[datetime | None, str, str]] = [
        # the reason belongs to the state that holds now: a rollback is only told there
        (began, _ROLLOUT["IN_PROGRESS"], _text(row, "rolloutStateReason") if state == "IN_PROGRESS" else "")
    ]
    if state in ("COMPLETED", "FAILED"):
        said.append((moment(row.get("updatedAt")), _ROLLOUT[state], _text(row, "rolloutStateReason")))
    return tuple(
        Event(
            time=at,
            kind="deployment",
            service=service,
            code=code,
            message=reason,
            revision=_last(_text(row, "taskDefinition")),
            deployment=_text(row, "id"),
            details=_details(
                cluster=cluster, failed_tasks=_text(row, "failedTasks"), rollout_status=_text(row, "status")
            ),
        )
        for at, code, reason in said
        if at is not None
    )


def dedupe(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return each thing once, ascending by time.

    Events may come twice, out of order, and from several sources. A task starts and stops once:
    its stop is told by the newest version (the one with exit code and reason), at the time when
    the stop began. A deployment reaches a state once. All else goes by id, or by time and words.
    """
    kept: dict[tuple[str, ...], Event] = {}
    for event in events:
        key = _identity(event)
        known = kept.get(key)
        kept[key] = event if known is None else _joined(known, event)
    return tuple(sorted(kept.values(), key=lambda e: (e.time, e.kind, e.service, e.task, e.code, e.message)))


def _identity(event: Event) -> tuple[str, ...]:
    if event.task and event.kind in ("task_stopped", "task_running"):
        return (event.kind, event.task)
    if event.kind == "deployment" and event.deployment:
        # a deployment that is rolled back to was once started itself
        return (event.kind, event.deployment, event.code, str("rolling back" in event.message))
    said = event.detail("event_id") or event.time.isoformat()
    return (event.kind, said, event.service, event.task, event.code, event.message)


def _joined(first: Event, second: Event) -> Event:
    older, newer = sorted((first, second), key=_freshness)
    facts = {**dict(older.details), **dict(newer.details)}
    return replace(
        newer,
        time=min(first.time, second.time),
        code=newer.code or older.code,
        message=newer.message or older.message,
        revision=newer.revision or older.revision,
        deployment=newer.deployment or older.deployment,
        details=tuple(sorted(facts.items())),
    )


def _freshness(event: Event) -> tuple[bool, int, bool, datetime]:
    version, status = event.detail("version"), event.detail("last_status")
    number = int(version) if version.isdecimal() and len(version) < 19 else -1
    return (status == "STOPPED", number, bool(event.detail("exit_code")), event.time)
