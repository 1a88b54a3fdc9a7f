"""AWS for tests: moto, with the gaps of its ECS mended so that it answers as a recorded incident.

moto's ECS emits no service events and starts no tasks. `load_incident` takes EventBridge events
and service events, and makes DescribeServices, ListTasks, DescribeTasks and DescribeTargetHealth
answer as they would have at the incident's end. This is our simulator, not AWS.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, SupportsFloat
from unittest import mock

from moto import mock_aws
from moto.cloudwatch.models import Statistics
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, BaseResponse
from moto.ecs.exceptions import ClusterNotFoundException
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.responses import ELBV2Response
from moto.server import ThreadedMotoServer

from tests.standins.remembered import remembered, without_images

REGION = "eu-west-1"
ACCOUNT = "123456789012"
CLUSTER = "production-cluster"
Row = dict[str, Any]
_PAGE = 100


@dataclass(frozen=True)
class Incident:
    """What AWS shall answer.

    Attributes:
        cluster: The only cluster that is known.
        services, tasks: Rows as DescribeServices and DescribeTasks give them, by name and ARN.
        target_health: Rows of DescribeTargetHealth.
        failing: Error codes by operation (``ListTasks``): that call fails with it.
        calls: What was asked, in order.
    """

    cluster: str
    services: Mapping[str, Row]
    tasks: Mapping[str, Row]
    target_health: Sequence[Row] = ()
    failing: Mapping[str, str] = field(default_factory=dict)
    calls: list[tuple[str, Row]] = field(default_factory=list)

    @contextlib.contextmanager
    def in_process(self) -> Iterator[Incident]:
        """Let boto3 in this process meet the incident."""
        with without_images(), mock_aws(), self.mended(), remembered():
            yield self

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Serve the incident over HTTP; yields the ``endpoint_url``."""
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        with self.mended():
            server.start()
            try:
                host, port = server.get_host_and_port()
                yield f"http://{host}:{port}"
            finally:
                server.stop()

    @contextlib.contextmanager
    def mended(self) -> Iterator[None]:
        """Mend the moto that is already there."""
        with contextlib.ExitStack() as stack:
            for name in ("describe_services", "list_services", "list_tasks", "describe_tasks"):
                answer = getattr(self, f"_{name}")
                stack.enter_context(mock.patch.object(EC2ContainerServiceResponse, name, self._action(name, answer)))
            health = self._action("describe_target_health", self._describe_target_health)
            stack.enter_context(mock.patch.object(ELBV2Response, "describe_target_health", health))
            yield

    def _action(self, name: str, answer: Any) -> Any:
        operation = "".join(part.title() for part in name.split("_"))

        def action(response: BaseResponse) -> ActionResult:
            asked = dict(response._get_params()) if name != "describe_target_health" else {}
            self.calls.append((operation, asked))
            if operation in self.failing:
                failure = ELBClientError if isinstance(response, ELBV2Response) else JsonRESTError
                raise failure(self.failing[operation], f"{operation} fails in this test")
            if asked.get("cluster", self.cluster) != self.cluster:
                raise ClusterNotFoundException
            return ActionResult(answer(asked))

        return action

    def _describe_services(self, asked: Row) -> Row:
        names = [str(n).rsplit("/", 1)[-1] for n in asked.get("services", ())]
        missing = [
            {"arn": _arn("service", self.cluster, n), "reason": "MISSING"} for n in names if n not in self.services
        ]
        return {"services": [self.services[n] for n in names if n in self.services], "failures": missing}

    def _list_services(self, asked: Row) -> Row:
        return {"serviceArns": [row["serviceArn"] for row in self.services.values()]}

    def _list_tasks(self, asked: Row) -> Row:
        wanted = asked.get("desiredStatus", "RUNNING")
        group = f"service:{asked['serviceName']}" if asked.get("serviceName") else ""
        arns = [
            arn
            for arn, task in self.tasks.items()
            if task.get("desiredStatus", "RUNNING") == wanted and group in ("", task.get("group"))
        ]
        start = int(asked.get("nextToken") or 0)
        more = {"nextToken": str(start + _PAGE)} if start + _PAGE < len(arns) else {}
        return {"taskArns": arns[start : start + _PAGE], **more}

    def _describe_tasks(self, asked: Row) -> Row:
        arns = asked.get("tasks", ())
        assert len(arns) <= _PAGE, "AWS takes a hundred tasks at most"
        return {"tasks": [self.tasks[arn] for arn in arns if arn in self.tasks], "failures": []}

    def _describe_target_health(self, asked: Row) -> Row:
        return {"TargetHealthDescriptions": list(self.target_health)}


def _arn(kind: str, cluster: str, name: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:{kind}/{cluster}/{name}"


def task_event(number: int, status: str, *, at: datetime, service: str = "demo-app") -> Row:
    """Return the EventBridge event of a task that ran for two hours and reached this state.

    Args:
        number: Tells tasks apart.
        status: ``RUNNING`` or ``STOPPED``.
        at: When it was said.
        service: Whose task it is.
    """
    arn = _arn("task", CLUSTER, f"{number:032x}")
    stop = {"stoppedAt": at.isoformat(), "stopCode": "EssentialContainerExited"}
    detail = {
        "taskArn": arn,
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}",
        "group": f"service:{service}",
        "startedBy": "ecs-svc/1",
        "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{service}:7",
        "lastStatus": status,
        "desiredStatus": status,
        "cpu": "256",
        "memory": "512",
        "createdAt": (at - timedelta(hours=2, minutes=1)).isoformat(),
        "startedAt": (at - timedelta(hours=2)).isoformat(),
        "containers": [{"name": service, "lastStatus": status, **({"exitCode": 1} if status == "STOPPED" else {})}],
        "version": 3,
        **(stop if status == "STOPPED" else {}),
    }
    return {
        "id": f"event {number}",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "time": at.isoformat(),
        "resources": [arn],
        "detail": detail,
    }


def load_incident(
    ecs_events: Sequence[Row],
    service_events: Sequence[Row],
    *,
    target_health: Sequence[Row] = (),
    failing: Mapping[str, str] | None = None,
    services: Sequence[str] = (),
) -> Incident:
    """Return AWS as the events leave it.

    Args:
        ecs_events: EventBridge events.
        service_events: Rows with ``service``, ``id``, ``createdAt``, ``message``.
        target_health: Rows of DescribeTargetHealth for any target group.
        failing: Error codes by operation.
        services: Names that exist beside those that the events tell of.
    """
    tasks: dict[str, Row] = {}
    for event in ecs_events:
        detail = event["detail"]
        if event["detail-type"] == "ECS Task State Change":
            known = tasks.get(detail["taskArn"])
            if known is None or known.get("version", 0) <= detail.get("version", 0):
                tasks[detail["taskArn"]] = detail
    cluster = next((t["clusterArn"].rsplit("/", 1)[-1] for t in tasks.values()), CLUSTER)
    names = {*services, *(str(t["group"]).removeprefix("service:") for t in tasks.values())}
    names |= {str(row["service"]) for row in service_events}
    described = {n: _service(n, cluster, tasks, ecs_events, service_events) for n in sorted(names)}
    return Incident(
        cluster=cluster, services=described, tasks=tasks, target_health=target_health, failing=failing or {}
    )


def _service(
    name: str, cluster: str, tasks: Mapping[str, Row], ecs_events: Sequence[Row], service_events: Sequence[Row]
) -> Row:
    own = [t for t in tasks.values() if t.get("group") == f"service:{name}"]
    running = [t for t in own if t["lastStatus"] == "RUNNING"]
    messages = [row for row in service_events if row["service"] == name]
    revision = max(own, key=lambda t: t.get("createdAt", ""), default={}).get("taskDefinitionArn", f"{name}:1")
    return {
        "serviceName": name,
        "serviceArn": _arn("service", cluster, name),
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{cluster}",
        "status": "ACTIVE",
        "desiredCount": max(len(running), 3),
        "runningCount": len(running),
        "pendingCount": sum(t["lastStatus"] in ("PENDING", "PROVISIONING") for t in own),
        "taskDefinition": revision,
        "loadBalancers": [{"targetGroupArn": _target_group(name), "containerName": name, "containerPort": 8080}],
        # newest first, and no more than a hundred, as AWS does
        "events": [{k: row[k] for k in ("id", "createdAt", "message")} for row in reversed(messages)][:100],
        "deployments": _deployments(name, own, ecs_events),
    }


def _target_group(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/0123456789abcdef"


def _deployments(name: str, tasks: Sequence[Row], ecs_events: Sequence[Row]) -> list[Row]:
    revisions = {t["startedBy"]: t["taskDefinitionArn"] for t in tasks}
    rows: dict[str, Row] = {}
    for event in ecs_events:
        if event["detail-type"] != "ECS Deployment State Change" or not event["resources"][0].endswith(f"/{name}"):
            continue
        detail = event["detail"]
        row = rows.setdefault(
            detail["deploymentId"], {"id": detail["deploymentId"], "status": "ACTIVE", "createdAt": event["time"]}
        )
        row |= {
            "updatedAt": event["time"],
            "rolloutState": detail["eventName"].removeprefix("SERVICE_DEPLOYMENT_"),
            "rolloutStateReason": detail.get("reason", ""),
            "taskDefinition": revisions.get(detail["deploymentId"], ""),
        }
    return list(rows.values())


@contextlib.contextmanager
def percentiles() -> Iterator[None]:
    """Let moto's CloudWatch answer percentiles, which it leaves empty and then fails to write."""
    plain = Statistics.get_statistics_for_type

    def mended(statistics: Statistics, stat: str) -> SupportsFloat | None:
        if not stat.startswith("p"):
            return plain(statistics, stat)
        values = sorted(statistics.metric_single_values_list)
        return values[min(len(values) - 1, int(len(values) * float(stat[1:]) / 100))]

    with mock.patch.object(Statistics, "get_statistics_for_type", mended):
        yield
