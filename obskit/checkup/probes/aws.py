"""What AWS says now: services, deployments and stopped tasks of ECS, targets of balancers, certificates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from obskit.checkup.ask import Access
from obskit.checkup.rows import MOST_ROWS, word
from obskit.checkup.words import Row, State
from obskit.incident.stop_reasons import TITLES, WANTED, classify, service_class
from obskit.sources.aws_client import Aws, AwsFailure
from obskit.sources.ecs_events import event_from_service_message, event_from_task, moment

_Row = Mapping[str, Any]
#: DescribeServices and DescribeTasks take no more at once.
_SERVICES, _TASKS = 10, 100
_MOST_STOPPED = 500
#: What a service or task said longer ago is history; ECS keeps stopped tasks about as long.
RECENT = timedelta(hours=1)
#: A rolling deployment of a few tasks takes minutes; the scheduler tries on for ever without a circuit breaker.
STUCK = timedelta(minutes=30)
#: Service messages that tell of nothing wrong.
_CALM = ("steady_state", "scaling", "az_rebalance")
_DAY = 86_400.0
_LOOK_DAYS, _BAD_DAYS = 21, 7


def services(access: Access) -> tuple[Row, ...]:
    """Return a row for each service that lacks tasks, or whose deployment failed or is stuck, or that complains."""
    aws, found, wrong = _aws(access), list[_Row](), list[Row]()
    for row in _services(aws, access):
        found.append(row)
        wrong += _of_service(row, access.at)
    running, wanted = (sum(int(row.get(key, 0)) for row in found) for key in ("runningCount", "desiredCount"))
    fine = Row(
        state="ok",
        what="tasks running",
        value=float(running),
        unit="count",
        words=f"of {wanted} in {_count(len(found), 'service')}",
    )
    return _few(wrong) or ((fine,) if found else ())


def _of_service(row: _Row, now: datetime) -> Iterator[Row]:
    name = word(row.get("serviceName"))
    running, wanted = int(row.get("runningCount", 0)), int(row.get("desiredCount", 0))
    if running < wanted:
        state: State = "bad" if running == 0 else "look"
        words = f"of {wanted} wanted, {int(row.get('pendingCount', 0))} pending"
        yield Row(state=state, what="tasks running", entity=name, value=float(running), unit="count", words=words)
    for deployment in row.get("deployments", ()):
        began, rollout = moment(deployment.get("createdAt")), deployment.get("rolloutState")
        if rollout == "FAILED":
            said = word(deployment.get("rolloutStateReason"), 160)
            yield Row(state="bad", what="deployment failed", entity=name, words=said, since=began)
        elif rollout == "IN_PROGRESS" and began and now - began > STUCK:
            said = word(deployment.get("rolloutStateReason"), 160) or "still in progress"
            yield Row(state="look", what="deployment does not end", entity=name, words=said, since=began)
    newest: dict[str, Row] = {}
    for message in row.get("events", ()):
        event = event_from_service_message(message, service=name)
        said_of = service_class("", event.message) if event else None
        if event and said_of and said_of.kind not in _CALM and timedelta(0) <= now - event.time <= RECENT:
            known = newest.get(said_of.words)
            first = min(known.since, event.time) if known and known.since else event.time
            newest[said_of.words] = Row(state="look", what="ECS says", entity=name, words=said_of.words, since=first)
    yield from (newest[words] for words in sorted(newest))


def stopped_tasks(access: Access) -> tuple[Row, ...]:
    """Return a row for each service and reason for which tasks stopped unasked in the last hour, or one of none."""
    aws = _aws(access)
    cluster, ecs = _cluster(access), aws.client("ecs", access.deadline)
    arns = list(aws.pages(ecs, "list_tasks", "taskArns", access.deadline, cluster=cluster, desiredStatus="STOPPED"))
    counted: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], datetime] = {}
    for batch in _batches(arns[:_MOST_STOPPED], _TASKS):
        told = aws.call(ecs, "describe_tasks", access.deadline, cluster=cluster, tasks=batch).get("tasks", ())
        for event in filter(None, map(event_from_task, told)):
            label = classify(event)
            recent = timedelta(0) <= access.at - event.time <= RECENT
            if event.kind != "task_stopped" or label in WANTED or not recent:
                continue
            key = (word(event.service) or word(event.detail("group")), label)
            counted[key] += 1
            first[key] = min(first.get(key, event.time), event.time)
    rows = [
        Row(
            state="bad" if number >= 3 else "look",
            what="tasks stopped",
            entity=service,
            value=float(number),
            unit="count",
            words=f"{TITLES[label]}, in the last hour",
            since=first[service, label],
        )
        for (service, label), number in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
    return _few(rows) or (Row(state="ok", what="tasks stopped unasked, last hour", value=0.0, unit="count"),)


def targets(access: Access) -> tuple[Row, ...]:
    """Return a row for each target of the services' target groups that is not healthy, or one that counts them."""
    aws, rows, healthy = _aws(access), list[Row](), 0
    for service in _services(aws, access):
        for arn in [b["targetGroupArn"] for b in service.get("loadBalancers", ()) if b.get("targetGroupArn")]:
            client = aws.client("elbv2", access.deadline)
            answer = aws.call(client, "describe_target_health", access.deadline, TargetGroupArn=arn)
            for told in answer.get("TargetHealthDescriptions", ()):
                health = told.get("TargetHealth", {})
                state = str(health.get("State", ""))
                healthy += state == "healthy"
                if state in ("unhealthy", "unavailable"):
                    group = word(arn.partition("targetgroup/")[2].partition("/")[0])
                    entity = f"{word(service.get('serviceName'))} {word(told.get('Target', {}).get('Id'))} {group}"
                    said = ": ".join(word(health.get(key)) for key in ("Reason", "Description") if health.get(key))
                    rows.append(
                        Row(state="look", what=f"target is {state}", entity=entity.strip(), words=word(said, 160))
                    )
    rows.sort(key=lambda row: row.entity)
    fine = Row(state="ok", what="healthy targets", value=float(healthy), unit="count")
    return _few(rows) or ((fine,) if healthy else ())


def certificates(access: Access) -> tuple[Row, ...]:
    """Return the days that ACM's certificates have left: those that end soon, or the one that ends first."""
    aws = _aws(access)
    acm = aws.client("acm", access.deadline)
    answer = aws.call(acm, "list_certificates", access.deadline, expects="CertificateSummaryList")
    rows = []
    for told in answer["CertificateSummaryList"]:
        ends = moment(told.get("NotAfter"))
        if ends is None or told.get("InUse") is False:
            continue
        left = (ends - access.at).total_seconds()
        state: State = "bad" if left <= _BAD_DAYS * _DAY else "look" if left <= _LOOK_DAYS * _DAY else "ok"
        rows.append(
            Row(
                state=state,
                what="certificate of ACM ends in",
                entity=word(told.get("DomainName")),
                value=left,
                unit="seconds",
                threshold=(_BAD_DAYS if state == "bad" else _LOOK_DAYS) * _DAY,
                below=True,
                reason="ACM renews 60 days ahead: at 21 days renewal has failed",
            )
        )
    rows.sort(key=lambda row: (row.value or 0.0, row.entity))
    return _few([row for row in rows if row.state != "ok"]) or tuple(rows[:1])


def _aws(access: Access) -> Aws:
    settings = access.settings.aws
    return Aws(region=settings.region, endpoint_url=settings.endpoint_url, profile=settings.profile)


def _cluster(access: Access) -> str:
    if not access.settings.aws.cluster:
        raise AwsFailure("", "no cluster was said: set OBSKIT_ECS_CLUSTER")
    return access.settings.aws.cluster


def _services(aws: Aws, access: Access) -> Iterator[_Row]:
    """Yield the cluster's services, by name."""
    cluster, ecs = _cluster(access), aws.client("ecs", access.deadline)
    arns = sorted(aws.pages(ecs, "list_services", "serviceArns", access.deadline, cluster=cluster))
    for batch in _batches(arns, _SERVICES):
        answer = aws.call(
            ecs, "describe_services", access.deadline, expects="services", cluster=cluster, services=batch
        )
        rows = [row for row in answer["services"] if row.get("status") != "INACTIVE"]
        yield from sorted(rows, key=lambda row: str(row.get("serviceName", "")))


def _batches(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _few(rows: list[Row]) -> tuple[Row, ...]:
    if len(rows) <= MOST_ROWS:
        return tuple(rows)
    rows = sorted(rows, key=lambda row: row.state)  # "bad" stands before "look"
    return (*rows[: MOST_ROWS - 1], replace(rows[MOST_ROWS - 1], more=len(rows) - MOST_ROWS))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
