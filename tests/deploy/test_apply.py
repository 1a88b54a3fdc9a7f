"""A plan is done whole, in order, once; and whatever stops it, the next one finishes."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.deploy.apply import Applied, Told, apply
from obskit.deploy.aws import Aws
from obskit.deploy.observe import observe
from obskit.deploy.plan import Plan, plan, plan_destroy
from obskit.deploy.resource import Ref, Resource
from obskit.errors import UsageError
from tests.support.cloud import STACK, Cloud, KilledError, kinds_of
from tests.support.stack import Clock

GROUND = Resource(kind="ground", name="main", fields={"Size": 3, "Fixed": "a"}, tags={"owner": "me"})
HOUSES = tuple(
    Resource(kind="house", name=f"h{n}", fields={"Ground": Ref("ground.main"), "Doors": n}, tags={"owner": "me"})
    for n in range(3)
)
SIGNS = tuple(
    Resource(kind="sign", name=f"s{n}", fields={"House": Ref(f"house.h{n}"), "Words": "a"}, tags={"owner": "me"})
    for n in range(3)
)
WANTED = (GROUND, *HOUSES, *SIGNS)


def aws_without_network() -> Aws:
    """Return an Aws that nobody calls."""
    clock = Clock()
    return Aws(session=None, sleep=clock.sleep, monotonic=clock.monotonic)


def planned(cloud: Cloud, wanted: tuple[Resource, ...]) -> Plan:
    """Return the plan for what the cloud holds."""
    kinds = kinds_of(cloud)
    return plan(wanted, observe(aws_without_network(), STACK, kinds, workers=1), kinds)


def applied(cloud: Cloud, wanted: tuple[Resource, ...] = WANTED, *, workers: int = 1) -> Applied:
    """Plan and apply."""
    return apply(planned(cloud, wanted), aws_without_network(), STACK, kinds_of(cloud), workers=workers)


@pytest.mark.parametrize("workers", [1, 8])
def test_a_second_run_changes_nothing(workers: int) -> None:
    """What was applied is what is planned for."""
    cloud = Cloud()
    first = applied(cloud, workers=workers)

    assert (len(first.done), first.failed, planned(cloud, WANTED).steps) == (7, [], ())


@pytest.mark.parametrize("workers", [1, 8])
def test_a_replacement_goes_through_with_its_users(workers: int) -> None:
    """New ground: houses are built anew, signs turned, the old ones gone; nothing is deleted while in use."""
    cloud = Cloud()
    applied(cloud)
    moved = (replace(GROUND, fields={"Size": 3, "Fixed": "b"}), *HOUSES, *SIGNS)
    second = applied(cloud, moved, workers=workers)

    assert second.failed == []
    assert planned(cloud, moved).steps == ()
    assert len(cloud.things) == 7


def test_destroy_leaves_nothing() -> None:
    """Users go first, so nothing refuses."""
    cloud = Cloud()
    applied(cloud)
    kinds = kinds_of(cloud)
    steps = plan_destroy(observe(aws_without_network(), STACK, kinds), kinds)
    done = apply(steps, aws_without_network(), STACK, kinds)

    assert (done.failed, cloud.things) == ([], {})


@pytest.mark.parametrize("how", ["before", "lost", "kill", "kill_after"])
@pytest.mark.parametrize("position", range(1, 8))
def test_whatever_stops_a_creation_the_next_run_finishes(how: str, position: int) -> None:
    """An error, a lost answer, a killed process at every call: nothing is missing and nothing is there twice."""
    cloud = Cloud(fail_at=position, how=how)
    try:
        applied(cloud)
    except KilledError:
        assert how.startswith("kill")
    cloud.fail_at = 0
    again = applied(cloud)

    assert again.failed == []
    assert planned(cloud, WANTED).steps == ()
    assert sorted(one.address for one in cloud.things.values()) == sorted(r.address for r in WANTED)


@pytest.mark.parametrize("how", ["kill", "kill_after"])
@pytest.mark.parametrize("position", range(1, 15))
def test_whatever_stops_a_replacement_the_next_run_finishes(how: str, position: int) -> None:
    """Also between the new one's birth and the old one's end."""
    cloud = Cloud()
    applied(cloud)
    moved = (replace(GROUND, fields={"Size": 3, "Fixed": "b"}), *HOUSES, *SIGNS)
    cloud.calls.clear()
    cloud.fail_at, cloud.how = position, how
    with contextlib.suppress(KilledError):
        applied(cloud, moved)
    cloud.fail_at = 0
    applied(cloud, moved)

    assert planned(cloud, moved).steps == ()
    assert len(cloud.things) == 7


def test_a_lost_answer_makes_nothing_twice_in_the_same_run() -> None:
    """It is looked for before it is created again."""
    cloud = Cloud(fail_at=1, how="lost")
    first = applied(cloud)

    assert (first.failed, len(cloud.things), cloud.calls.count("create ground.main")) == ([], 7, 1)


def test_losing_data_by_a_replacement_needs_a_word() -> None:
    """Nothing is done when it is not given."""
    cloud = Cloud()
    data = replace(HOUSES[0], name="data")
    applied(cloud, (GROUND, data))
    calls = len(cloud.calls)
    moved = (GROUND, replace(data, fields={**data.fields, "Fixed": "x"}))

    with pytest.raises(UsageError, match="would lose data; nothing was done"):
        applied(cloud, moved)
    assert len(cloud.calls) == calls


@pytest.mark.parametrize("trouble", [KeyError("Vpc"), UsageError("storage cannot shrink", hint="take it back")])
def test_one_that_fails_fails_alone_whatever_it_is(trouble: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in one kind must not stop the others, nor hide what was done."""
    cloud = Cloud()
    kinds = kinds_of(cloud)

    def fail(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(kinds["sign"], "create", fail)
    done = apply(planned(cloud, WANTED), aws_without_network(), STACK, kinds, workers=1)

    assert len(done.done) == 4
    assert [work.step.kind for work, _ in done.failed] == ["sign"] * 3
    assert str(trouble).strip("'").splitlines()[0] in str(done.failed[0][1])


def test_only_tags_that_differ_are_written() -> None:
    """A field that is right is not sent again."""
    cloud = Cloud()
    applied(cloud)
    cloud.calls.clear()
    applied(cloud, (replace(GROUND, tags={"owner": "you"}), *HOUSES, *SIGNS))

    assert cloud.calls == ["retag ground.main"]


def test_every_work_is_told_of_from_begin_to_end() -> None:
    """Progress is made of these."""
    cloud = Cloud()
    heard: list[Told] = []
    apply(planned(cloud, WANTED), aws_without_network(), STACK, kinds_of(cloud), tell=heard.append, workers=1)

    assert [t.state for t in heard] == ["begins", "done"] * 7


@given(
    before=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 2)), max_size=5),
    after=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 2)), max_size=5),
    fixed=st.tuples(st.sampled_from("ab"), st.sampled_from("ab")),
    position=st.integers(0, 20),
    how=st.sampled_from(["before", "lost", "kill", "kill_after"]),
)
def test_from_any_stack_to_any_other_through_any_interruption(
    before: list[tuple[str, str, int]],
    after: list[tuple[str, str, int]],
    fixed: tuple[str, str],
    position: int,
    how: str,
) -> None:
    """Two runs at most bring the cloud to what is wanted, whatever was there and whatever happened."""
    cloud = Cloud()
    applied(cloud, _town(before, fixed[0]))
    cloud.calls.clear()
    cloud.fail_at, cloud.how = position, how
    wanted = _town(after, fixed[1])
    with contextlib.suppress(KilledError):
        applied(cloud, wanted)
    cloud.fail_at = 0
    applied(cloud, wanted)

    assert planned(cloud, wanted).steps == ()


def _town(rows: list[tuple[str, str, int]], fixed: str) -> tuple[Resource, ...]:
    houses = {
        name: Resource(kind="house", name=name, fields={"Ground": Ref("ground.main"), "Fixed": kind, "Doors": doors})
        for name, kind, doors in rows
    }
    signs = [Resource(kind="sign", name=name, fields={"House": Ref(f"house.{name}")}) for name in houses]
    return (replace(GROUND, fields={"Fixed": fixed}), *houses.values(), *signs)
