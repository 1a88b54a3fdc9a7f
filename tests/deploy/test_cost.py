"""What a stack costs: fixed parts from the table, a range where it scales, and what is not counted by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obskit.deploy import cost
from obskit.deploy.desired import desired
from obskit.deploy.resource import Resource
from obskit.deploy.resources import kinds
from obskit.deploy.spec import Application, Entry, Network, StackSpec, Telemetry
from tests.support.stack import PLACE, example_spec


def lines(spec: StackSpec) -> dict[str, cost.CostLine]:
    """Return the lines of a spec by address."""
    return {line.address: line for line in cost.monthly(desired(spec, PLACE, kinds()))}


def of(kind: str, name: str = "main", **fields: object) -> Resource:
    """Return a resource with just the fields that the price depends on."""
    return Resource(kind=kind, name=name, fields=fields)  # type: ignore[arg-type]


def task(**fields: object) -> Resource:
    """Return a task definition of half a vCPU and a GB."""
    return of("task_definition", "app", **{"cpu": "512", "memory": "1024", **fields})


def test_every_kind_is_priced_or_named_free() -> None:
    """A kind that nobody thought of would be missing from the sum."""
    known = {*cost.FREE, *cost.BY_USE, *cost.PRICED}

    assert kinds().keys() <= known


def test_what_has_no_price_says_so() -> None:
    """No data is not zero."""
    (line,) = cost.monthly([of("moon_base")])

    assert line.usd is None
    assert line.usd_most is None
    assert line.what == "no price in the table for moon_base"
    assert cost.total([line]) == (0.0, 0.0)


def test_tasks_are_counted_from_the_fewest_to_the_most() -> None:
    """0.5 vCPU * 0.04048 + 1 GB * 0.004445 = 0.024685 an hour; 730 hours; two to six of them."""
    service = of("service", "app", desiredCount=2)
    target = of("scaling_target", "app", MinCapacity=2, MaxCapacity=6)

    (line,) = cost.monthly([task(), service, target])

    assert line.what == "2 to 6 tasks of 0.5 vCPU and 1 GB"
    assert line.usd == pytest.approx(36.04, abs=0.01)
    assert line.usd_most == pytest.approx(108.12, abs=0.01)


def test_arm_is_a_fifth_cheaper() -> None:
    """AWS prices vCPU and memory of ARM at 80 %."""
    arm = task(runtimePlatform={"cpuArchitecture": "ARM64"})

    (line,) = cost.monthly([arm, of("service", "app", desiredCount=1)])

    assert line.usd == pytest.approx(0.8 * 18.02, abs=0.01)
    assert line.what == "1 task of 0.5 vCPU and 1 GB, ARM"


def test_only_storage_beyond_twenty_gib_is_paid_for() -> None:
    """30 GB * 0.000111 * 730 = 2.43."""
    large, plain = task(ephemeralStorage={"sizeInGiB": 50}), task(ephemeralStorage={"sizeInGiB": 20})
    service = of("service", "app", desiredCount=1)

    (more,), (less,) = cost.monthly([large, service]), cost.monthly([plain, service])

    assert more.usd is not None
    assert less.usd is not None
    assert more.usd - less.usd == pytest.approx(2.43, abs=0.01)
    assert "30 GB more storage" in more.what


def test_tasks_on_spot_cost_less_and_the_base_does_not() -> None:
    """Of six tasks two are the base; half of the other four are on Spot: 4 + 2 * 0.3 full prices."""
    strategy = {"FARGATE": {"base": 2, "weight": 50}, "FARGATE_SPOT": {"weight": 50}}
    service = of("service", "app", desiredCount=2, capacityProviderStrategy=strategy)
    target = of("scaling_target", "app", MinCapacity=2, MaxCapacity=6)

    (line,) = cost.monthly([task(), service, target])

    assert line.usd == pytest.approx(2 * 18.02, abs=0.01)
    assert line.usd_most == pytest.approx(4.6 * 18.02, abs=0.01)
    assert "50% of the tasks beyond 2 on Spot" in line.assumption


def test_a_second_zone_doubles_the_database_and_growing_storage_is_the_most() -> None:
    """0.016 * 730 + 20 * 0.115 = 13.98; with 100 GB 23.18."""
    one, two = (
        cost.monthly(
            [
                of(
                    "database",
                    DBInstanceClass="db.t4g.micro",
                    AllocatedStorage=20,
                    MaxAllocatedStorage=100,
                    MultiAZ=multi,
                )
            ]
        )[0]
        for multi in (False, True)
    )

    assert [one.usd, one.usd_most] == pytest.approx([13.98, 23.18])
    assert [two.usd, two.usd_most] == pytest.approx([27.96, 46.36])
    assert "backups" in one.by_use


def test_a_database_class_that_the_table_lacks_says_so() -> None:
    """AWS has more classes than anybody lists."""
    (line,) = cost.monthly([of("database", DBInstanceClass="db.x2g.metal", AllocatedStorage=20)])

    assert line.usd is None
    assert "db.x2g.metal" in line.what


def test_endpoints_are_paid_by_zone_and_gateways_are_free() -> None:
    """0.01 * 2 zones * 730 = 14.60."""
    interface = of("vpc_endpoint", "logs", VpcEndpointType="Interface", SubnetIds={"private-1": "a", "private-2": "b"})
    gateway = of("vpc_endpoint", "s3", VpcEndpointType="Gateway")

    (line,) = cost.monthly([interface, gateway])

    assert line.usd == pytest.approx(14.60)


def test_public_addresses_of_the_load_balancer_are_paid_for() -> None:
    """(0.0225 + 2 * 0.005) * 730 = 23.725."""
    (line,) = cost.monthly([of("load_balancer", Subnets={"a": "1", "b": "2"})])

    assert line.usd == pytest.approx(23.725)
    assert "LCU" in line.by_use


def test_a_whole_stack_has_a_price_for_everything() -> None:
    """The example of README; all of its parts are in the table."""
    spec = example_spec(
        entry=Entry(access_logs=True),
        network=Network(endpoints=True, flow_logs=True, nat="zone"),
        telemetry=Telemetry(workspace=True),
    )

    found = lines(spec)

    assert [line.address for line in found.values() if line.usd is None] == []
    least, most = cost.total(found.values())
    assert 200 < least < most < 1000
    assert found["service.demo-app"].usd_most == pytest.approx(3 * (found["service.demo-app"].usd or 0))
    assert "a GB written" in found["log_group.demo-app"].by_use


def test_a_larger_stack_costs_more() -> None:
    """More tasks, another NAT gateway: never less."""
    spec = example_spec()
    (application,) = spec.applications
    larger = replace(
        spec,
        applications=(replace(application, minimum=3), Application(name="other", cpu=256, memory=512)),
        network=Network(nat="zone"),
    )

    small, large = (cost.total(lines(one).values()) for one in (spec, larger))

    assert small[0] < large[0]
    assert small[1] < large[1]


def test_the_source_is_told() -> None:
    """Nobody shall take the table for AWS's own."""
    assert "from memory, not from AWS's price API" in cost.SOURCE
    assert cost.AS_OF in cost.SOURCE
