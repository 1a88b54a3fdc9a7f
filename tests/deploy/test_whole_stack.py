"""Whole stacks: planned, applied, as they shall be; changed, and as they shall be again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.spec import Application, Ci, Database, Entry, Network, StackSpec, Telemetry
from tests.support.deployed import ZONE, Deployed, account, deployed, everything_spec, lean_spec, problems, steps_of
from tests.support.stack import PLACE, WATCHERS, example_spec

ONE = lean_spec().applications[0]
PAYMENTS = Application(name="payments", image="1.0.0", port=9000, calls=("demo-app",))
#: How the names of calls begin that change nothing.
READING = ("Describe", "List", "Get", "BatchGet", "Head")

SPECS = {
    "everything": everything_spec(),
    "the example": example_spec(),
    "no database": lean_spec(applications=(replace(ONE, database=False),), database=None),
    "applications that call each other": lean_spec(
        applications=(
            replace(ONE, calls=("payments",)),
            replace(PAYMENTS, host=f"pay.{ZONE}", path="/*"),
            Application(name="mailer", image="1.0.0", path="/mail/*", calls=("demo-app", "payments")),
        )
    ),
    "three zones, each with its gateway, and names for discovery": lean_spec(
        network=Network(zones=3, nat="zone"), telemetry=Telemetry(discovery="dns", insights="disabled")
    ),
    "no way out but endpoints, and no application": lean_spec(
        network=Network(nat="none", endpoints=True), ci=Ci(repository="a/b"), applications=()
    ),
    "spot, protected, replicated": lean_spec(
        applications=(replace(ONE, spot=100, memory_target=0, image_owner="spec", breaker_threshold=4),),
        database=Database(replica=True, storage_limit=0),
        entry=Entry(protected=True, allow=("192.0.2.0/24", "198.51.100.0/24")),
    ),
}


def writing(one: Deployed) -> list[str]:
    """Return the calls that were made and may have changed something."""
    return [name for name in one.aws.calls if not name.partition(":")[2].startswith(READING)]


@pytest.mark.parametrize("name", SPECS)
def test_what_was_applied_is_as_it_shall_be(name: str) -> None:
    """One plan creates all and nothing else; the next is empty, and applying that one writes nothing."""
    with account(SPECS[name]) as one:
        first = one.applied()
        one.aws.calls.clear()
        second = one.planned()
        came = one.apply(second)

        assert {step.action for step in first.steps} == {"create"}
        assert (steps_of(second), second.kept, came.done) == ([], (), [])
        assert writing(one) == []
        assert {o.address for o in second.observed} == {step.address for step in first.steps}


def test_at_once_is_as_one_after_the_other() -> None:
    """Eight workers come to the same stack."""
    with account(lean_spec()) as one:
        one.applied(workers=8)

        assert steps_of(one.planned()) == []


def test_a_certificate_that_exists_is_used() -> None:
    """Then none is made, and nothing is written into the zone to validate one."""
    with account() as one:
        given = one.aws.call("acm", "request_certificate", DomainName="*.example.com", ValidationMethod="DNS")
        spec = lean_spec(entry=Entry(certificate=given["CertificateArn"]))
        stack = one.beside(spec)
        made = stack.applied()

        assert [s.address for s in made.steps if s.kind.startswith("certificate") or "validation" in s.address] == []
        assert steps_of(stack.planned()) == []


def test_a_removed_application_goes_and_its_data_stays_and_is_told() -> None:
    """Its service, roles and rules go; its images stay, with the reason; with delete_data they go too."""
    spec = lean_spec(applications=(ONE, replace(PAYMENTS, host=f"pay.{ZONE}", path="/*")))
    with deployed(spec) as one:
        rest = replace(spec, applications=(ONE,))
        steps = one.applied(rest)
        left = one.planned(rest)

        assert {s.address for s in steps.of("delete")} >= {"service.payments", "role.payments", "target_group.payments"}
        reasons = {kept.observed.address: kept.reason for kept in left.kept}
        assert reasons == dict.fromkeys(("log_group.payments", "repository.payments"), "it holds data")
        assert steps_of(left) == []
        assert "repository.payments" not in {s.address for s in steps.steps}

        wrong = problems(one.apply(one.planned(rest, delete_data=True)))
        assert wrong == []
        assert (one.planned(rest).steps, one.planned(rest).kept) == ((), ())


def test_zones_that_aws_lists_otherwise_later_move_nothing() -> None:
    """A subnet stays in the zone it is in: another order of zones, or one more, is no reason to replace it."""
    with deployed(lean_spec()) as one:
        others = replace(PLACE, zones=tuple(reversed(PLACE.zones)))

        assert steps_of(one.planned(place=others)) == []


@pytest.fixture(scope="module")
def stack() -> Iterator[Deployed]:
    """Yield a stack, applied; every test leaves it as it was."""
    watchers = tuple(watcher for watcher in WATCHERS if watcher.name in ("grafana", "loki"))
    with deployed(lean_spec(watchers=watchers)) as one:
        yield one


def application(spec: StackSpec, **changes: Any) -> tuple[Application, ...]:
    """Return the one application, changed."""
    return (replace(spec.applications[0], **changes),)


CHANGES: dict[str, tuple[Callable[[StackSpec], StackSpec], set[str]]] = {
    "an application more, and another port": (
        lambda spec: replace(spec, applications=(*application(spec, port=9090), PAYMENTS)),
        {
            "role.payments",
            "service.payments",
            "target_group.demo-app",
            "security_group_rules.alb",
            "security_group_rules.demo-app",
            "service.demo-app",
        },
    ),
    "memory, image, scaling, days, owner": (
        lambda spec: replace(
            spec,
            applications=application(spec, memory=2048, maximum=1, image="1.1.0", image_owner="spec"),
            telemetry=replace(spec.telemetry, log_days=90),
            owner="shop-team",
        ),
        {
            "task_definition.demo-app",
            "service.demo-app",
            "scaling_target.demo-app",
            "scaling_policy.demo-app-cpu",
            "log_group.events",
            "vpc.main",
            "database.main",
            "bucket.loki",
        },
    ),
    "three zones, a gateway in each, endpoints": (
        lambda spec: replace(spec, network=Network(zones=3, nat="zone", endpoints=True)),
        {
            "subnet.private-3",
            "load_balancer.main",
            "db_subnet_group.main",
            "service.loki",
            "nat_gateway.nat-2",
            "route_table.private-2",
            "vpc_endpoint.s3",
            "security_group_rules.demo-app",
            "flow_log.main",
        },
    ),
    "domain": (
        lambda spec: replace(spec, domain=f"store.{ZONE}"),
        {"certificate.main", "certificate_validation.main", "listener.https", f"dns_record.store.{ZONE}"},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_spec_is_done_at_once_and_can_be_taken_back(stack: Deployed, name: str) -> None:
    """One apply there, one apply back, empty plans after both; data that nobody wants any more stays."""
    change, touched = CHANGES[name]
    spec = change(stack.spec)
    there = stack.applied(spec)

    assert touched <= {step.address for step in there.steps}
    assert steps_of(stack.planned(spec)) == []

    stack.applied()
    after = stack.planned()
    assert steps_of(after) == []
    assert all(kept.observed.keeps_data for kept in after.kept)
