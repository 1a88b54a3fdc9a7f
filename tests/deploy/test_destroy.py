"""Destroying leaves nothing, or what holds data and what that stands on, and touches nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obskit.deploy.spec import Database, Entry
from tests.support.deployed import ZONE, Deployed, account, deployed, everything_spec, lean_spec, problems, steps_of
from tests.support.interruptions import MODES, destroying
from tests.support.inventory import inventory
from tests.support.stack import example_spec

#: Some of what nobody else has.
DATA = {"bucket.loki", "database.main", "metrics_workspace.main", "repository.demo-app", "secret.database"}
BELOW_THE_DATABASE = {
    "db_parameter_group.main",
    "db_subnet_group.main",
    "security_group.database",
    "subnet.private-1",
    "subnet.private-2",
    "vpc.main",
}


def running(stack: Deployed) -> dict[str, tuple[int, int]]:
    """Return how many tasks of each service run, and how many shall."""
    arns = stack.by_hand("ecs", "list_services", cluster=stack.spec.name, maxResults=100)["serviceArns"]
    rows = stack.by_hand("ecs", "describe_services", cluster=stack.spec.name, services=arns[:10])["services"]
    return {row["serviceName"]: (row["runningCount"], row["desiredCount"]) for row in rows}


def test_nothing_is_left_in_any_service() -> None:
    """Neither by obskit's own look nor by asking every service for all that it has."""
    with account(everything_spec()) as stack:
        before = inventory(stack.aws.client)
        stack.applied()
        assert len(inventory(stack.aws.client)) > len(before) + len(stack.observed())

        steps, came = stack.destroy()

        assert problems(came) == []
        assert {step.action for step in steps.steps} == {"delete"}
        assert (steps.kept, stack.observed()) == ((), ())
        assert inventory(stack.aws.client) == before


def test_a_stack_beside_it_stays_as_it_is() -> None:
    """Same account, same region, and a name that begins with the other's: nothing of it is touched."""
    with deployed(lean_spec()) as stack:
        network = replace(stack.spec.network, cidr="10.50.0.0/16")
        beside = stack.beside(replace(lean_spec(), name="shop-two", domain=f"two.{ZONE}", network=network))
        before = inventory(stack.aws.client)
        beside.applied()
        assert steps_of(stack.planned()) == []
        ours = inventory(stack.aws.client) - before

        stack.destroy()

        assert steps_of(beside.planned()) == []
        assert running(beside) == {"demo-app": (1, 1), "loki": (1, 1)}
        assert ours <= inventory(stack.aws.client)
        assert stack.observed() == ()


def test_data_stays_with_what_it_stands_on_and_is_gone_on_with() -> None:
    """Without delete_data; then applying creates the rest around it, and nothing of it anew."""
    with deployed(lean_spec()) as stack:
        database, password = stack.id("database.main", "resource_id"), _password(stack)
        data = {one.address for one in stack.observed() if one.keeps_data}
        steps, came = stack.destroy(delete_data=False)
        left = stack.observed()

        reasons = {kept.observed.address: kept.reason for kept in steps.kept}
        assert problems(came) == []
        assert data >= DATA
        assert reasons.keys() == data | BELOW_THE_DATABASE
        assert {address for address, reason in reasons.items() if reason == "it holds data"} == data
        assert reasons["db_subnet_group.main"] == "database.main needs it"
        assert reasons["vpc.main"] == "security_group.database needs it"
        assert {one.address for one in left} == reasons.keys()
        assert steps_of(stack.planned(delete_data=False)) != []

        again = stack.applied()

        assert {step.action for step in again.steps} == {"create"}
        assert steps_of(stack.planned()) == []
        assert (stack.id("database.main", "resource_id"), _password(stack)) == (database, password)


def _password(stack: Deployed) -> str:
    return str(stack.by_hand("secretsmanager", "get_secret_value", SecretId="shop/database")["SecretString"])


def test_what_was_kept_goes_when_it_is_asked_for_later() -> None:
    """The second time with delete_data: nothing is left then."""
    with account(lean_spec()) as stack:
        before = inventory(stack.aws.client)
        stack.applied()
        stack.destroy(delete_data=False)
        steps, came = stack.destroy(delete_data=False)
        assert (steps.steps, came.done) == ((), [])

        assert problems(stack.destroy()[1]) == []
        assert inventory(stack.aws.client) == before


def test_what_is_protected_stays_with_what_it_stands_on_until_it_is_not() -> None:
    """The rest is gone by then; with the protection taken off by an apply, all goes."""
    spec = lean_spec(database=Database(), entry=Entry(protected=True))
    with account(spec) as stack:
        before = inventory(stack.aws.client)
        stack.applied()
        came = stack.destroy()[1]
        failed = {work.step.address: str(error) for work, error in came.failed}

        assert failed.keys() == {"database.main", "load_balancer.main"}
        assert all("protected from deletion" in error for error in failed.values())
        assert {"vpc.main", "db_subnet_group.main", "secret.database"} <= {w.step.address for w in came.skipped}

        bare = stack.beside(lean_spec())
        bare.applied()
        assert problems(bare.destroy()[1]) == []
        assert inventory(stack.aws.client) == before


def test_a_stack_that_is_not_there_has_no_steps() -> None:
    """And nothing is called that could change anything."""
    with account(example_spec()) as stack:
        steps, came = stack.destroy()

        assert (steps.steps, steps.kept, came.done) == ((), (), [])


#: Positions of calls among some 320, a few in each mode; the bench tries all of them.
SAMPLE = [(mode, position) for number, mode in enumerate(MODES) for position in range(43 * number + 20, 320, 190)]


@pytest.mark.parametrize(("mode", "position"), SAMPLE)
def test_a_destroy_that_broke_off_is_finished_by_the_next(mode: str, position: int) -> None:
    """Wherever it was: nothing is left then."""
    tried = destroying(lean_spec(), mode, position)

    assert tried.call
    assert tried.wrong == ""
    assert bool(tried.first) == mode.startswith("kill")
