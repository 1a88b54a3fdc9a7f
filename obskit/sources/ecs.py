"""ECS as a source: services, tasks, deployments, target health, and the events that somebody kept.

Read-only. Each question stands for itself: one that fails becomes a `Gap` that names the API
call and the error, and the others' answers are kept.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from obskit.model import Event, Gap, Telemetry, nanoseconds
from obskit.sources import Ask
from obskit.sources.aws_client import Aws, AwsFailure
from obskit.sources.ecs_events import (
    dedupe,
    event_from_eventbridge,
    event_from_service_message,
    event_from_task,
    events_from_deployment,
)

_SOURCE: Final = "ecs"
_BATCH: Final = 100  # DescribeTasks takes no more
#: Stopped tasks are kept for about an hour; a cluster with more of them than this is sampled.
_MAX_TASKS: Final = 1000
_MAX_LOG_PAGES: Final = 50
_MAX_RECEIVES: Final = 100
#: A queue whose messages stay visible gives the same ones again; so often without news is all.
_STALE_RECEIVES: Final = 5
#: Target health is only known for now: of an older window it says nothing.
_NOW_ENOUGH: Final = timedelta(minutes=10)

Row = Mapping[str, Any]  # an answer of boto3, which has no types of its own here


@dataclass(frozen=True, slots=True)
class _Share:
    """What one question brought."""

    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


class EcsSource:
    """Asks ECS about a service and its cluster.

    Args:
        cluster: Where to look when the service does not say.
        region, profile: "" for what the environment says.
        endpoint_url: Another address than AWS's, for stand-ins and private endpoints.
        queue_url: An SQS queue that EventBridge sends ECS events to; messages are never deleted.
        log_group: A log group that EventBridge sends ECS events to.
        clock: Tells what time it is: ECS knows how things are now only.
    """

    def __init__(
        self,
        *,
        cluster: str = "",
        region: str = "",
        endpoint_url: str = "",
        profile: str = "",
        queue_url: str = "",
        log_group: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._aws = Aws(region=region, endpoint_url=endpoint_url, profile=profile)
        self._queue_url, self._log_group = queue_url, log_group

    @property
    def name(self) -> str:
        """``ecs``."""
        return _SOURCE

    def answer(self, ask: Ask) -> Telemetry:
        """Return events and facts of the service, its neighbours' stopped tasks, and gaps."""
        cluster = ask.service.cluster or self._cluster
        asked = replace(ask, service=replace(ask.service, cluster=cluster))
        try:
            self._aws.credentials()
        except AwsFailure as failure:
            return Telemetry(gaps=(_gap("AWS", failure),))
        questions: list[tuple[str, Callable[[Ask], _Share]]] = []
        if cluster:
            questions += [("describe the service", self._service), ("list tasks", self._tasks)]
        if self._queue_url:
            questions.append(("receive events from the queue", self._queue))
        if self._log_group:
            questions.append(("read events from the log group", self._logs))
        shares = self._aws.ask_all([(words, partial(question, asked)) for words, question in questions], ask.deadline)
        told = [_share(words, share) for words, share in shares]
        if not cluster:
            told.append(_Share(gaps=(Gap(source=_SOURCE, query="services and tasks", reason=_NO_CLUSTER),)))
        events = dedupe(e for share in told for e in share.events)
        return Telemetry(
            events=tuple(e for e in events if _wanted(e, ask)),
            gaps=tuple(dict.fromkeys(gap for share in told for gap in share.gaps)),
            facts={name: value for share in told for name, value in share.facts},
        )

    def _service(self, ask: Ask) -> _Share:
        name, cluster = ask.service.name, ask.service.cluster
        ecs = self._aws.client("ecs", ask.deadline)
        asked = {"cluster": cluster, "services": [name]}
        answer = self._aws.call(ecs, "describe_services", ask.deadline, expects="services", **asked)
        found = [s for s in answer["services"] if s.get("status") != "INACTIVE"]
        if not found:
            return _Share(gaps=(self._unknown(ask),), facts=(("ecs.known", "false"),))
        row: Row = found[0]
        events = [event_from_service_message(m, service=name, cluster=cluster) for m in row.get("events", ())]
        events += [
            e for d in row.get("deployments", ()) for e in events_from_deployment(d, service=name, cluster=cluster)
        ]
        health, gaps = self._targets(row, ask)
        return _Share(
            events=(*(e for e in events if e), *health), gaps=gaps, facts=(("ecs.known", "true"), *_facts(row))
        )

    def _unknown(self, ask: Ask) -> Gap:
        """Return the gap of a service that the cluster does not have, with names that are near."""
        ecs = self._aws.client("ecs", ask.deadline)
        try:
            pages = self._aws.pages(ecs, "list_services", "serviceArns", ask.deadline, cluster=ask.service.cluster)
            names = sorted(str(arn).rsplit("/", 1)[-1] for arn in pages)
        except AwsFailure as failure:
            hint = f"; its services cannot be listed ({failure})"
        else:
            near = difflib.get_close_matches(ask.service.name, names, n=3, cutoff=0.5) or names[:3]
            hint = f"; nearest: {', '.join(near)}" if near else "; it has no services"
        reason = f"cluster {ask.service.cluster} has no service {ask.service.name}{hint}"
        return Gap(source=_SOURCE, query="ecs:DescribeServices", reason=reason)

    def _targets(self, row: Row, ask: Ask) -> tuple[list[Event], tuple[Gap, ...]]:
        """Return the health of the service's targets as it is now, when now belongs to the window."""
        now = self._clock()
        if ask.window.end < now - _NOW_ENOUGH:
            return [], ()
        at, events, gaps = min(now, ask.window.end), [], []
        for arn in [b["targetGroupArn"] for b in row.get("loadBalancers", ()) if b.get("targetGroupArn")]:
            try:
                client = self._aws.client("elbv2", ask.deadline)
                answer = self._aws.call(client, "describe_target_health", ask.deadline, TargetGroupArn=arn)
            except AwsFailure as failure:
                gaps.append(_gap("target health", failure))
                continue
            rows = answer.get("TargetHealthDescriptions", ())
            events += [_target(r, arn, service=ask.service.name, cluster=ask.service.cluster, at=at) for r in rows]
        return events, tuple(gaps)

    def _tasks(self, ask: Ask) -> _Share:
        """Return the service's running and stopped tasks, and the stopped ones of its neighbours."""
        ecs = self._aws.client("ecs", ask.deadline)
        cluster, arns, gaps = ask.service.cluster, dict[str, None](), list[Gap]()
        for wanted in (
            {"serviceName": ask.service.name, "desiredStatus": "RUNNING"},
            {"serviceName": ask.service.name, "desiredStatus": "STOPPED"},
            {"desiredStatus": "STOPPED"},
        ):
            try:
                arns.update(
                    dict.fromkeys(
                        self._aws.pages(ecs, "list_tasks", "taskArns", ask.deadline, cluster=cluster, **wanted)
                    )
                )
            except AwsFailure as failure:
                gaps.append(_gap("tasks", failure))
        chosen = list(arns)[:_MAX_TASKS]
        if len(chosen) < len(arns):
            reason = f"{len(arns)} tasks: only the first {_MAX_TASKS} were asked about"
            gaps.append(Gap(source=_SOURCE, query="ecs:DescribeTasks", reason=reason, partial=True))
        rows: list[Row] = []
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            try:
                rows += self._aws.call(ecs, "describe_tasks", ask.deadline, cluster=cluster, tasks=batch).get(
                    "tasks", ()
                )
            except AwsFailure as failure:
                gaps.append(_gap("tasks", failure, partial=bool(rows)))
        events = tuple(event for row in rows if (event := event_from_task(row)))
        return _Share(events=events, gaps=tuple(gaps), facts=_size(events, ask.service.name))

    def _queue(self, ask: Ask) -> _Share:
        """Return the queue's events without deleting or hiding them from their real reader."""
        sqs = self._aws.client("sqs", ask.deadline)
        asked = {"QueueUrl": self._queue_url}
        names = ["RedrivePolicy", "ApproximateNumberOfMessages"]
        answer = self._aws.call(sqs, "get_queue_attributes", ask.deadline, AttributeNames=names, **asked)
        attributes: Row = answer.get("Attributes", {})
        if attributes.get("RedrivePolicy"):
            reason = "it has a redrive policy: receiving would count towards it and could move messages away"
            return _Share(gaps=(Gap(source=_SOURCE, query="sqs:ReceiveMessage", reason=reason),))
        bodies = self._bodies(sqs, asked, ask.deadline)
        there = int(attributes.get("ApproximateNumberOfMessages", 0))
        gaps: tuple[Gap, ...] = ()
        if there > len(bodies):
            reason = f"{len(bodies)} of about {there} messages: the others were not shown; a log group shows all"
            gaps = (Gap(source=_SOURCE, query="sqs:ReceiveMessage", reason=reason, partial=True),)
        return _Share(events=tuple(_carried(bodies.values())), gaps=gaps)

    def _bodies(self, sqs: Any, asked: dict[str, str], deadline: float) -> dict[str, str]:
        """Return the messages that the queue shows, by id; hiding none, it may show the same ones again."""
        bodies: dict[str, str] = {}
        stale = 0
        for _ in range(_MAX_RECEIVES):
            answer = self._aws.call(
                sqs,
                "receive_message",
                deadline,
                MaxNumberOfMessages=10,
                VisibilityTimeout=0,
                WaitTimeSeconds=0,
                **asked,
            )
            shown = {m["MessageId"]: m.get("Body", "") for m in answer.get("Messages", ())}
            stale = 0 if shown.keys() - bodies.keys() else stale + 1
            bodies.update(shown)
            if stale >= _STALE_RECEIVES:
                break
        return bodies

    def _logs(self, ask: Ask) -> _Share:
        """Return the log group's events of the window."""
        client = self._aws.client("logs", ask.deadline)
        asked: dict[str, Any] = {
            "logGroupName": self._log_group,
            "startTime": nanoseconds(ask.window.start) // 1_000_000,
            "endTime": nanoseconds(ask.window.end) // 1_000_000,
        }
        lines: list[str] = []
        for _ in range(_MAX_LOG_PAGES):
            answer = self._aws.call(client, "filter_log_events", ask.deadline, **asked)
            lines += [str(row.get("message", "")) for row in answer.get("events", ())]
            if not answer.get("nextToken"):
                return _Share(events=tuple(_carried(lines)))
            asked["nextToken"] = answer["nextToken"]
        reason = f"more than {_MAX_LOG_PAGES} pages of events: the rest was left"
        gap = Gap(source=_SOURCE, query="logs:FilterLogEvents", reason=reason, partial=True)
        return _Share(events=tuple(_carried(lines)), gaps=(gap,))


_NO_CLUSTER: Final = "no cluster was said: set OBSKIT_ECS_CLUSTER"


def _gap(query: str, failure: AwsFailure, *, partial: bool = False) -> Gap:
    return Gap(source=_SOURCE, query=failure.call or query, reason=failure.reason, partial=partial)


def _share(words: str, share: _Share | AwsFailure) -> _Share:
    return _Share(gaps=(_gap(words, share),)) if isinstance(share, AwsFailure) else share


def _carried(texts: Iterator[str] | Any) -> Iterator[Event]:
    for text in texts:
        event = event_from_eventbridge({"Body": text})
        if event:
            yield event


def _target(row: Row, arn: str, *, service: str, cluster: str, at: datetime) -> Event:
    target, health = row.get("Target", {}), row.get("TargetHealth", {})
    details = {
        "cluster": cluster,
        "port": str(target.get("Port", "")),
        "target": str(target.get("Id", "")),
        "target_group": arn.partition("targetgroup/")[2],
        "zone": str(target.get("AvailabilityZone", "")),
    }
    words = ": ".join(str(health[key]) for key in ("Reason", "Description") if health.get(key))
    return Event(
        time=at,
        kind="target_health",
        service=service,
        code=str(health.get("State", "")),
        message=words,
        details=tuple((name, value) for name, value in details.items() if value),
    )


def _facts(row: Row) -> tuple[tuple[str, str], ...]:
    counts = {"desired": "desiredCount", "running": "runningCount", "pending": "pendingCount"}
    facts = {f"ecs.{name}": str(row[key]) for name, key in counts.items() if isinstance(row.get(key), int)}
    revision = str(row.get("taskDefinition", "")).rsplit("/", 1)[-1]
    return (*facts.items(), *((("ecs.revision", revision),) if revision else ()))


def _size(events: tuple[Event, ...], service: str) -> tuple[tuple[str, str], ...]:
    """Return CPU and memory of the service's youngest task."""
    own = [e for e in events if e.service == service and e.detail("cpu")]
    if not own:
        return ()
    youngest = max(own, key=lambda e: (e.kind == "task_running", e.time))
    return (("ecs.task_cpu_units", youngest.detail("cpu")), ("ecs.task_memory_mib", youngest.detail("memory")))


def _wanted(event: Event, ask: Ask) -> bool:
    """Keep the window's events, and of before what tells which revision is the old one."""
    history = event.kind in ("task_running", "deployment")
    return event.time <= ask.window.end and (history or event.time >= ask.window.start)
