"""CloudWatch as a source: one matrix on a grid of a minute, in base units, and gaps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import boto3
import numpy as np
import pytest
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from obskit.catalogue import all_signals
from obskit.model import Service, Telemetry, Window
from obskit.sources import Ask
from obskit.sources.cloudwatch import WANTED, CloudWatchSource
from tests.standins.aws import ACCOUNT, REGION, load_incident, percentiles
from tests.standins.remembered import mocked_aws

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BALANCER, GROUP = "app/obs/0123456789abcdef", "targetgroup/demo-app/fedcba9876543210"
OF = {
    "target_group": {"TargetGroup": GROUP, "LoadBalancer": BALANCER},
    "load_balancer": {"LoadBalancer": BALANCER},
    "service": {"ClusterName": "obs", "ServiceName": "demo-app"},
    "database": {"DBInstanceIdentifier": "orders"},
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test an AWS of its own."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mocked_aws(), percentiles():
        yield


def publish(metric: str, namespace: str, of: str, values: list[float]) -> None:
    """Publish one value a minute, from the window's start on."""
    dimensions = [{"Name": name, "Value": value} for name, value in OF[of].items()]
    rows = [
        {"MetricName": metric, "Dimensions": dimensions, "Timestamp": START + timedelta(minutes=n), "Value": value}
        for n, value in enumerate(values)
    ]
    client: Any = boto3.client("cloudwatch", region_name=REGION)
    client.put_metric_data(Namespace=namespace, MetricData=rows)


def ask(*, cluster: str = "obs", seconds: float = 30.0) -> Ask:
    """Return an ask for ten minutes from noon."""
    window = Window(start=START + timedelta(seconds=20), end=START + timedelta(minutes=10))
    return Ask(service=Service(name="demo-app", cluster=cluster), window=window, deadline=time.monotonic() + seconds)


def answer(**facts: Any) -> Telemetry:
    """Return the answer of a source that was told its balancer."""
    return CloudWatchSource(region=REGION, load_balancer=BALANCER, target_group=GROUP, **facts).answer(ask())


def column(telemetry: Telemetry, signal: str) -> list[float]:
    """Return the values of the only column of a signal."""
    (at,) = (i for i, s in enumerate(telemetry.metrics.series) if s.signal == signal)
    return [float(v) for v in telemetry.metrics.values[:, at]]


def test_every_metric_has_its_signal_unit_and_query() -> None:
    """A reader can tell what was asked; units are base units."""
    for wanted in WANTED:
        publish(wanted.metric, wanted.namespace, wanted.of, [60.0])
    telemetry = answer(database="orders")
    series = {s.signal: s for s in telemetry.metrics.series}

    assert {name: s.unit for name, s in series.items()} == {w.signal: w.unit for w in WANTED}
    assert {s.service for s in series.values()} == {"demo-app", "load balancer", "database"}
    assert series["container_cpu_ratio"].query == (
        "AWS/ECS CPUUtilization Average 60s {ClusterName=obs, ServiceName=demo-app}"
    )
    assert series["alb_requests"].labels == (("target_group", "demo-app"),)
    assert telemetry.gaps == ()


def test_every_metric_answers_a_signal_of_the_catalogue_in_its_unit_and_about_its_entity() -> None:
    """CloudWatch and Prometheus speak of the same things in the same words."""
    signals = all_signals()

    assert len({wanted.signal for wanted in WANTED}) == len(WANTED)
    assert {w.signal: w.unit for w in WANTED} == {w.signal: signals[w.signal].unit for w in WANTED}
    assert {w.signal: w.entity for w in WANTED} == {w.signal: signals[w.signal].entity for w in WANTED}


def test_a_database_that_was_not_named_is_not_asked_about() -> None:
    """An account has many databases; which one is the service's, nobody can guess."""
    publish("CPUUtilization", "AWS/RDS", "database", [50.0])

    assert answer().metrics.series == ()
    assert column(answer(database="orders"), "rds_cpu_ratio")[0] == 0.5


def test_units_of_container_insights_become_cores_and_bytes() -> None:
    """512 CPU units are half a core, and its Megabytes are MiB."""
    publish("CpuReserved", "ECS/ContainerInsights", "service", [512.0])
    publish("MemoryUtilized", "ECS/ContainerInsights", "service", [256.0])
    publish("RestartCount", "ECS/ContainerInsights", "service", [3.0])
    telemetry = answer()

    assert column(telemetry, "ecs_cpu_reserved_cores")[0] == 0.5
    assert column(telemetry, "ecs_memory_used_bytes")[0] == 256 * 2**20
    assert column(telemetry, "ecs_container_restarts")[0] == pytest.approx(0.05)


def test_counts_become_rates_and_percent_becomes_a_ratio() -> None:
    """60 requests in a minute are one a second; 50 % is 0.5; seconds and hosts stay."""
    publish("RequestCount", "AWS/ApplicationELB", "target_group", [60.0, 120.0])
    publish("CPUUtilization", "AWS/ECS", "service", [50.0])
    publish("TargetResponseTime", "AWS/ApplicationELB", "target_group", [0.25])
    publish("UnHealthyHostCount", "AWS/ApplicationELB", "target_group", [2.0])
    telemetry = answer()

    assert column(telemetry, "alb_requests")[:2] == [1.0, 2.0]
    assert column(telemetry, "container_cpu_ratio")[0] == 0.5
    assert column(telemetry, "alb_target_latency")[0] == 0.25
    assert column(telemetry, "alb_unhealthy_hosts")[0] == 2.0


def test_the_grid_has_whole_minutes_and_nan_where_nothing_was_published() -> None:
    """No point is no sample, never zero."""
    publish("RequestCount", "AWS/ApplicationELB", "target_group", [60.0, 60.0])
    metrics = answer().metrics
    minutes = np.arange(11).astype("timedelta64[m]") + np.datetime64("2026-03-01T12:00", "ns")

    assert (metrics.times == minutes).all()
    assert np.isfinite(metrics.values).sum() == 2
    assert metrics.values.shape == (11, 1)


def test_metrics_that_do_not_exist_are_no_columns() -> None:
    """Container Insights is often off; that is no failure."""
    telemetry = answer()

    assert telemetry.metrics.series == ()
    assert telemetry.gaps == ()


def balanced() -> dict[str, Any]:
    """Make a VPC, a balancer and a target group, and return the target group."""
    ec2: Any = boto3.client("ec2", region_name=REGION)
    elb: Any = boto3.client("elbv2", region_name=REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = [(f"{REGION}a", "10.0.0.0/24"), (f"{REGION}b", "10.0.1.0/24")]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for zone, cidr in zones
    ]
    balancer = elb.create_load_balancer(Name="obs", Subnets=subnets)["LoadBalancers"][0]
    group: dict[str, Any] = elb.create_target_group(Name="demo-app", Protocol="HTTP", Port=80, VpcId=vpc)[
        "TargetGroups"
    ][0]
    action = {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[action])
    OF["target_group"] = {
        "TargetGroup": group["TargetGroupArn"].rpartition(":")[2],
        "LoadBalancer": balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
    }
    return group


@pytest.fixture
def dimensions() -> Iterator[None]:
    """Put the dimensions back that a test changes."""
    kept = dict(OF)
    yield
    OF.update(kept)


@pytest.mark.usefixtures("dimensions")
def test_balancer_and_target_group_are_found_by_the_ecs_service() -> None:
    """Nobody has to look up ids that ECS knows."""
    group = balanced()
    incident = load_incident([], [], services=["demo-app"])
    incident.services["demo-app"]["loadBalancers"][0]["targetGroupArn"] = group["TargetGroupArn"]
    publish("RequestCount", "AWS/ApplicationELB", "target_group", [60.0])
    with incident.mended():
        source = CloudWatchSource(region=REGION, cluster=incident.cluster)
        telemetry = source.answer(ask(cluster=""))

    assert source.name == "cloudwatch"
    assert column(telemetry, "alb_requests")[0] == 1.0


@pytest.mark.usefixtures("dimensions")
def test_the_balancer_is_found_by_the_target_group() -> None:
    """A target group alone is enough, by name or by ARN."""
    group = balanced()
    publish("RequestCount", "AWS/ApplicationELB", "target_group", [60.0])
    for name in (group["TargetGroupArn"], "demo-app"):
        telemetry = CloudWatchSource(region=REGION, target_group=name).answer(ask())

        assert column(telemetry, "alb_requests")[0] == 1.0


def test_arns_are_taken_as_well_as_dimensions() -> None:
    """People copy what the console shows."""
    publish("RequestCount", "AWS/ApplicationELB", "target_group", [60.0])
    prefix = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
    source = CloudWatchSource(
        region=REGION, load_balancer=f"{prefix}:loadbalancer/{BALANCER}", target_group=f"{prefix}:{GROUP}"
    )

    assert column(source.answer(ask()), "alb_requests")[0] == 1.0


def test_a_service_that_cannot_be_looked_up_is_a_gap_and_the_rest_is_kept() -> None:
    """ECS's own metrics need no balancer."""
    publish("CPUUtilization", "AWS/ECS", "service", [50.0])
    telemetry = CloudWatchSource(region=REGION).answer(ask())

    assert [g.query for g in telemetry.gaps] == ["ecs:DescribeServices"]
    assert column(telemetry, "container_cpu_ratio")[0] == 0.5


def test_no_cluster_is_a_gap_that_says_what_to_set() -> None:
    """Without it neither the service nor its balancer is known."""
    telemetry = CloudWatchSource(region=REGION).answer(ask(cluster=""))

    assert [(g.source, g.reason) for g in telemetry.gaps] == [
        ("cloudwatch", "no cluster was said: set OBSKIT_ECS_CLUSTER")
    ]


def test_a_server_that_is_down_is_a_gap() -> None:
    """Nothing listens on port 9."""
    source = CloudWatchSource(
        region=REGION, endpoint_url="http://127.0.0.1:9", load_balancer=BALANCER, target_group=GROUP
    )

    assert {g.reason.partition(":")[0] for g in source.answer(ask()).gaps} == {"EndpointConnectionError"}


def test_nothing_is_asked_after_the_deadline() -> None:
    """What could not be asked in time is said."""
    telemetry = CloudWatchSource(region=REGION, load_balancer=BALANCER).answer(ask(seconds=-1))

    assert ["deadline" in g.reason for g in telemetry.gaps] == [True]


class Pager:
    """A CloudWatch whose answers come in pages of so many minutes; it keeps what it was asked.

    Args:
        pages: How many there are before there is no more token.
    """

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.tokens: list[str] = []
        self.sizes: list[int] = []

    def get_metric_data(self, response: Any) -> ActionResult:
        """Answer 60 a minute for the first query: one point a page, a minute later on each."""
        asked = response._get_params()
        self.tokens.append(asked.get("NextToken", ""))
        self.sizes.append(len(asked["MetricDataQueries"]))
        page = int(asked.get("NextToken") or 0)
        row = {
            "Id": asked["MetricDataQueries"][0]["Id"],
            "Label": "RequestCount",
            "Timestamps": [START + timedelta(minutes=page)],
            "Values": [60.0 * (page + 1)],
            "StatusCode": "PartialData" if page + 1 < self.pages else "Complete",
        }
        more = {"NextToken": str(page + 1)} if page + 1 < self.pages else {}
        return ActionResult({"MetricDataResults": [row], **more})

    def __enter__(self) -> Pager:
        def action(response: CloudWatchResponse) -> ActionResult:
            return self.get_metric_data(response)

        self._patch = mock.patch.object(CloudWatchResponse, "get_metric_data", action)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


def test_an_answer_in_pages_is_put_together() -> None:
    """Each page is asked for with the token of the last one, until there is none."""
    with Pager(3) as pager:
        telemetry = answer()

    assert pager.tokens == ["", "1", "2"]
    assert column(telemetry, "alb_requests")[:3] == [1.0, 2.0, 3.0]
    assert telemetry.gaps == ()


def test_pages_without_end_are_left_with_a_gap() -> None:
    """A server that always has one more page holds nobody up, and what came is kept."""
    with Pager(10_000) as pager:
        telemetry = answer()

    assert len(pager.tokens) == 100
    assert [(g.query, g.partial) for g in telemetry.gaps] == [("cloudwatch:GetMetricData", True)]
    assert np.isfinite(column(telemetry, "alb_requests")).all()


@pytest.mark.usefixtures("dimensions")
def test_no_call_asks_for_more_metrics_than_aws_takes() -> None:
    """GetMetricData refuses more than 500 queries: a service behind many target groups needs two calls."""
    first = balanced()
    elb: Any = boto3.client("elbv2", region_name=REGION)
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
    arns = []
    for number in range(60):
        made = elb.create_target_group(Name=f"demo-{number}", Protocol="HTTP", Port=80, VpcId=first["VpcId"])
        arns.append(made["TargetGroups"][0]["TargetGroupArn"])
        elb.create_rule(
            ListenerArn=listener,
            Priority=number + 1,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{number}/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": arns[-1]}],
        )
    incident = load_incident([], [], services=["demo-app"])
    incident.services["demo-app"]["loadBalancers"] = [{"targetGroupArn": arn} for arn in arns]
    with incident.mended(), Pager(1) as pager:
        telemetry = CloudWatchSource(region=REGION, cluster=incident.cluster).answer(ask(cluster=""))

    of = [wanted.of for wanted in WANTED]
    assert pager.sizes[0] == 500
    assert sum(pager.sizes) == 60 * of.count("target_group") + of.count("load_balancer") + of.count("service")
    assert telemetry.gaps == ()
