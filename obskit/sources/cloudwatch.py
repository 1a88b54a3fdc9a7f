"""CloudWatch as a source: the load balancer's, ECS's and RDS's own metrics, one point a minute.

For stacks without a CloudWatch exporter in Prometheus. Series take the signals' ids, in base
units: counts of a period become ``per_second``, percent become ``ratio``. CloudWatch publishes
no point where nothing was counted: that stays NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from obskit.model import DATABASE, Gap, Labels, Metrics, Series, Telemetry, TimeArray, Unit, nanoseconds, utc
from obskit.sources import Ask
from obskit.sources.aws_client import Aws, AwsFailure

_SOURCE: Final = "cloudwatch"
PERIOD_SECONDS: Final = 60  # what ALB, ECS and RDS publish at
_BATCH: Final = 500  # GetMetricData takes no more
_MAX_PAGES: Final = 100
_PERCENT: Final = 0.01
_A_SECOND: Final = 1 / PERIOD_SECONDS
_CORES: Final = 1 / 1024  # a core is 1024 CPU units
_MEBIBYTE: Final = 2.0**20  # what Container Insights calls a Megabyte: a task of 512 MiB shows as 512
_BALANCER: Final = "load balancer"  # the entity of the topic alb_balancer


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One metric of CloudWatch and the signal that it answers.

    Attributes:
        of: Whose dimensions it has: ``target_group``, ``load_balancer``, ``service`` or ``database``.
        scale: What makes the unit of CloudWatch's values.
        entity: Whom it is about, where that is not the service.
    """

    signal: str
    unit: Unit
    of: str
    namespace: str
    metric: str
    stat: str
    scale: float = 1.0
    entity: str = ""


_ALB: Final = "AWS/ApplicationELB"
_ECS: Final = "AWS/ECS"
_INSIGHTS: Final = "ECS/ContainerInsights"
_RDS: Final = "AWS/RDS"
WANTED: Final = (
    _Wanted("alb_requests", "per_second", "target_group", _ALB, "RequestCount", "Sum", _A_SECOND),
    _Wanted("alb_target_5xx", "per_second", "target_group", _ALB, "HTTPCode_Target_5XX_Count", "Sum", _A_SECOND),
    _Wanted("alb_target_latency", "seconds", "target_group", _ALB, "TargetResponseTime", "p99"),
    _Wanted("alb_unhealthy_hosts", "count", "target_group", _ALB, "UnHealthyHostCount", "Maximum"),
    _Wanted("alb_healthy_hosts", "count", "target_group", _ALB, "HealthyHostCount", "Minimum"),
    _Wanted("alb_target_4xx", "per_second", "target_group", _ALB, "HTTPCode_Target_4XX_Count", "Sum", _A_SECOND),
    _Wanted("alb_target_latency_p50", "seconds", "target_group", _ALB, "TargetResponseTime", "p50"),
    _Wanted(
        "alb_connection_errors", "per_second", "target_group", _ALB, "TargetConnectionErrorCount", "Sum", _A_SECOND
    ),
    _Wanted(
        "alb_target_tls_errors", "per_second", "target_group", _ALB, "TargetTLSNegotiationErrorCount", "Sum", _A_SECOND
    ),
    _Wanted("alb_elb_5xx", "per_second", "load_balancer", _ALB, "HTTPCode_ELB_5XX_Count", "Sum", _A_SECOND),
    _Wanted("alb_rejected", "per_second", "load_balancer", _ALB, "RejectedConnectionCount", "Sum", _A_SECOND),
    _Wanted(
        "alb_balancer_4xx", "per_second", "load_balancer", _ALB, "HTTPCode_ELB_4XX_Count", "Sum", _A_SECOND, _BALANCER
    ),
    _Wanted(
        "alb_tls_errors",
        "per_second",
        "load_balancer",
        _ALB,
        "ClientTLSNegotiationErrorCount",
        "Sum",
        _A_SECOND,
        _BALANCER,
    ),
    # only Sum is useful here, says AWS; it is a number of connections all the same, not one a second
    _Wanted("alb_active_connections", "count", "load_balancer", _ALB, "ActiveConnectionCount", "Sum", 1.0, _BALANCER),
    _Wanted(
        "alb_new_connections", "per_second", "load_balancer", _ALB, "NewConnectionCount", "Sum", _A_SECOND, _BALANCER
    ),
    _Wanted("container_cpu_ratio", "ratio", "service", _ECS, "CPUUtilization", "Average", _PERCENT),
    _Wanted("container_memory_ratio", "ratio", "service", _ECS, "MemoryUtilization", "Average", _PERCENT),
    _Wanted("ecs_running_tasks", "count", "service", _INSIGHTS, "RunningTaskCount", "Average"),
    _Wanted("ecs_desired_tasks", "count", "service", _INSIGHTS, "DesiredTaskCount", "Average"),
    _Wanted("ecs_pending_tasks", "count", "service", _INSIGHTS, "PendingTaskCount", "Average"),
    _Wanted("ecs_deployments", "count", "service", _INSIGHTS, "DeploymentCount", "Average"),
    _Wanted("ecs_container_restarts", "per_second", "service", _INSIGHTS, "RestartCount", "Sum", _A_SECOND),
    _Wanted("ecs_cpu_reserved_cores", "count", "service", _INSIGHTS, "CpuReserved", "Average", _CORES),
    _Wanted("ecs_cpu_used_cores", "count", "service", _INSIGHTS, "CpuUtilized", "Average", _CORES),
    _Wanted("ecs_memory_reserved_bytes", "bytes", "service", _INSIGHTS, "MemoryReserved", "Average", _MEBIBYTE),
    _Wanted("ecs_memory_used_bytes", "bytes", "service", _INSIGHTS, "MemoryUtilized", "Average", _MEBIBYTE),
    _Wanted("rds_cpu_ratio", "ratio", "database", _RDS, "CPUUtilization", "Average", _PERCENT, DATABASE),
    _Wanted("rds_connections", "count", "database", _RDS, "DatabaseConnections", "Average", 1.0, DATABASE),
    _Wanted("rds_free_storage_bytes", "bytes", "database", _RDS, "FreeStorageSpace", "Minimum", 1.0, DATABASE),
    _Wanted("rds_free_memory_bytes", "bytes", "database", _RDS, "FreeableMemory", "Minimum", 1.0, DATABASE),
    _Wanted("rds_read_latency", "seconds", "database", _RDS, "ReadLatency", "Average", 1.0, DATABASE),
    _Wanted("rds_write_latency", "seconds", "database", _RDS, "WriteLatency", "Average", 1.0, DATABASE),
    _Wanted("rds_disk_queue", "count", "database", _RDS, "DiskQueueDepth", "Average", 1.0, DATABASE),
    _Wanted("rds_io_credits_ratio", "ratio", "database", _RDS, "EBSIOBalance%", "Minimum", _PERCENT, DATABASE),
)


@dataclass(frozen=True, slots=True)
class _Query:
    """One metric of one thing."""

    wanted: _Wanted
    dimensions: Labels
    series: Series

    def as_request(self, number: int) -> dict[str, Any]:
        """Return the form that GetMetricData takes."""
        return {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": self.wanted.namespace,
                    "MetricName": self.wanted.metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
                },
                "Period": PERIOD_SECONDS,
                "Stat": self.wanted.stat,
            },
        }


class CloudWatchSource:
    """Asks CloudWatch about a service's load balancer, tasks and database.

    Args:
        region: "" for what the environment says.
        endpoint_url: Another address than AWS's.
        load_balancer: ``app/name/id`` or its ARN; found by the service's target groups when "".
        target_group: ``targetgroup/name/id`` or its ARN; found by the ECS service when "".
        cluster: Where the service is when it does not say itself.
        database: The RDS instance (``DBInstanceIdentifier``) that the service uses; not asked about when "".
    """

    def __init__(
        self,
        *,
        region: str = "",
        endpoint_url: str = "",
        profile: str = "",
        load_balancer: str = "",
        target_group: str = "",
        cluster: str = "",
        database: str = "",
    ) -> None:
        self._aws = Aws(region=region, endpoint_url=endpoint_url, profile=profile)
        self._load_balancer, self._target_group, self._cluster = load_balancer, target_group, cluster
        self._database = database

    @property
    def name(self) -> str:
        """``cloudwatch``."""
        return _SOURCE

    def answer(self, ask: Ask) -> Telemetry:
        """Return one column a metric that has points, on a grid of one minute, and gaps."""
        asked = replace(ask, service=replace(ask.service, cluster=ask.service.cluster or self._cluster))
        try:
            self._aws.credentials()
            client = self._aws.client("cloudwatch", ask.deadline)
        except AwsFailure as failure:
            return Telemetry(gaps=(_gap(failure),))
        queries, gaps = self._queries(asked)
        times = _grid(asked)
        columns: list[npt.NDArray[np.float64]] = []
        series: list[Series] = []
        for start in range(0, len(queries), _BATCH):
            batch = queries[start : start + _BATCH]
            values, said = self._batch(client, batch, times, asked)
            gaps += said
            has: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).any(axis=0))
            columns.append(values[:, has])
            series += [query.series for query, seen in zip(batch, has, strict=True) if seen]
        if not series:
            return Telemetry(gaps=tuple(gaps))
        return Telemetry(
            metrics=Metrics(times=times, values=np.hstack(columns), series=tuple(series)),
            gaps=tuple(dict.fromkeys(gaps)),
        )

    def _queries(self, ask: Ask) -> tuple[list[_Query], list[Gap]]:
        gaps: list[Gap] = []
        try:
            pairs = self._balanced(ask)
        except AwsFailure as failure:
            pairs, gaps = (), [_gap(failure)]
        queries = [q for group, balancer in pairs if group for q in _of_group(group, balancer, ask.service.name)]
        for balancer in dict.fromkeys(balancer for _, balancer in pairs if balancer):
            own = (("LoadBalancer", balancer),)
            queries += _each("load_balancer", own, ask.service.name, (("load_balancer", _short(balancer)),))
        if ask.service.cluster:
            dimensions = (("ClusterName", ask.service.cluster), ("ServiceName", ask.service.name))
            queries += _each("service", dimensions, ask.service.name, ())
        else:
            gaps.append(Gap(source=_SOURCE, query="AWS/ECS", reason="no cluster was said: set OBSKIT_ECS_CLUSTER"))
        if self._database:
            instance = (("DBInstanceIdentifier", self._database),)
            queries += _each("database", instance, ask.service.name, (("instance", self._database),))
        return queries, gaps

    def _balanced(self, ask: Ask) -> tuple[tuple[str, str], ...]:
        """Return pairs of target group and load balancer, as CloudWatch's dimensions call them."""
        if self._load_balancer:
            balancer = _dimension(self._load_balancer, "loadbalancer/")
            return ((_dimension(self._target_group, ""), balancer),)
        arns = [self._target_group] if self._target_group else self._target_groups(ask)
        if not arns:
            return ()
        client = self._aws.client("elbv2", ask.deadline)
        wanted: dict[str, Any] = (
            {"TargetGroupArns": arns} if arns[0].startswith("arn:") else {"Names": [_short(a) for a in arns]}
        )
        answer = self._aws.call(client, "describe_target_groups", ask.deadline, **wanted)
        return tuple(
            (_dimension(row["TargetGroupArn"], ""), _dimension(balancer, "loadbalancer/"))
            for row in answer.get("TargetGroups", ())
            for balancer in row.get("LoadBalancerArns", ())
        )

    def _target_groups(self, ask: Ask) -> list[str]:
        if not ask.service.cluster:
            return []
        name, cluster = ask.service.name, ask.service.cluster
        client = self._aws.client("ecs", ask.deadline)
        answer = self._aws.call(client, "describe_services", ask.deadline, cluster=cluster, services=[name])
        rows = [b for service in answer.get("services", ()) for b in service.get("loadBalancers", ())]
        return [row["targetGroupArn"] for row in rows if row.get("targetGroupArn")]

    def _batch(
        self, client: Any, queries: Sequence[_Query], times: TimeArray, ask: Ask
    ) -> tuple[npt.NDArray[np.float64], list[Gap]]:
        """Return the values of a batch, shape (T, N), and what could not be had."""
        values = np.full((len(times), len(queries)), np.nan)
        gaps: list[Gap] = []
        request: dict[str, Any] = {
            "MetricDataQueries": [query.as_request(n) for n, query in enumerate(queries)],
            "StartTime": utc(int(times[0].astype(np.int64))),
            "EndTime": utc(int(times[-1].astype(np.int64))) + timedelta(seconds=PERIOD_SECONDS),
            "ScanBy": "TimestampAscending",
        }
        for _ in range(_MAX_PAGES):
            try:
                answer = self._aws.call(client, "get_metric_data", ask.deadline, **request)
            except AwsFailure as failure:
                return values, [*gaps, _gap(failure, partial=bool(np.isfinite(values).any()))]
            for row in answer.get("MetricDataResults", ()):
                gaps += _fill(values, times, row, queries)
            if not answer.get("NextToken"):
                return values, gaps
            request["NextToken"] = answer["NextToken"]
        reason = f"more than {_MAX_PAGES} pages: the rest was left"
        return values, [*gaps, Gap(source=_SOURCE, query="cloudwatch:GetMetricData", reason=reason, partial=True)]


def _gap(failure: AwsFailure, *, partial: bool = False) -> Gap:
    return Gap(source=_SOURCE, query=failure.call or "AWS", reason=failure.reason, partial=partial)


def _grid(ask: Ask) -> TimeArray:
    """Return whole minutes from the window's start to its end."""
    step = PERIOD_SECONDS * 1_000_000_000
    start, end = nanoseconds(ask.window.start) // step, nanoseconds(ask.window.end) // step
    return (np.arange(start, end + 1, dtype=np.int64) * step).astype("datetime64[ns]")


def _fill(
    values: npt.NDArray[np.float64], times: TimeArray, row: Mapping[str, Any], queries: Sequence[_Query]
) -> list[Gap]:
    """Write one result into its column; return what it says to be missing."""
    number = int(str(row.get("Id", "q0"))[1:])
    stamps: list[datetime] = row.get("Timestamps", [])
    seconds = np.array([t.replace(tzinfo=t.tzinfo or UTC).timestamp() for t in stamps], np.float64)
    first = int(times[0].astype(np.int64)) // 1_000_000_000
    at = ((seconds - first) // PERIOD_SECONDS).astype(np.int64)
    inside = (at >= 0) & (at < len(times))
    points = np.array(row.get("Values", []), np.float64) * queries[number].wanted.scale
    values[at[inside], number] = points[inside]
    if row.get("StatusCode") in ("InternalError", "Forbidden"):
        return [Gap(source=_SOURCE, query=queries[number].series.query, reason=str(row["StatusCode"]))]
    return []


def _short(name: str) -> str:
    """Return the name in ``targetgroup/name/id`` or ``app/name/id``, bare or as an ARN."""
    parts = name.rsplit(":", 1)[-1].split("/")
    return parts[-2] if len(parts) > 1 else parts[0]


def _dimension(name: str, prefix: str) -> str:
    """Return an ARN (or what is one already) in the form of a dimension."""
    return name.rsplit(":", 1)[-1].removeprefix(prefix)


def _of_group(group: str, balancer: str, service: str) -> list[_Query]:
    dimensions = (("TargetGroup", group), ("LoadBalancer", balancer))
    return _each("target_group", dimensions, service, (("target_group", _short(group)),))


def _each(of: str, dimensions: Labels, service: str, labels: Labels) -> list[_Query]:
    """Return a query for every wanted metric that has these dimensions."""
    said = ", ".join(f"{name}={value}" for name, value in dimensions)
    return [
        _Query(
            wanted,
            dimensions,
            Series(
                signal=wanted.signal,
                unit=wanted.unit,
                service=wanted.entity or service,
                labels=labels,
                query=f"{wanted.namespace} {wanted.metric} {wanted.stat} {PERIOD_SECONDS}s {{{said}}}",
            ),
        )
        for wanted in WANTED
        if wanted.of == of
    ]
