"""Whatever a run dies of, and wherever: the next one finishes, and nothing is there twice.

A sample of positions; ``tests/bench/bench_interruptions.py`` tries every call in every way.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.standins.fargate import Injector
from tests.support.deployed import account, lean_spec, problems, steps_of
from tests.support.interruptions import MODES, Counts, applying, counted, reborn, uninterrupted


@cache
def whole() -> tuple[Counts, int, int]:
    """Return what an uninterrupted stack is, and how many calls it takes."""
    return uninterrupted(lean_spec())


#: Positions of calls among some 290, spread so that no two modes meet the same ones.
SAMPLE = [(mode, position) for number, mode in enumerate(MODES) for position in range(17 * number + 20, 290, 130)]


@pytest.mark.parametrize(("mode", "position"), SAMPLE)
def test_the_next_apply_comes_to_what_is_wanted_and_nothing_is_there_twice(mode: str, position: int) -> None:
    """What a fault left open is looked at, and gone on with; only a dead process needs another run."""
    counts, _, _ = whole()
    tried = applying(lean_spec(), mode, position, counts)

    assert tried.call
    assert tried.wrong == ""
    assert bool(tried.first) == mode.startswith("kill")


def test_refusals_are_told_and_the_next_apply_goes_on() -> None:
    """A permission that lacks is no fault that passes: what needs it is skipped, the rest is done."""
    with account(lean_spec()) as stack:
        process = reborn(stack)
        Injector(process.aws.session).fail("ecs:CreateService", "denied", times=2)
        came = process.apply()

        assert [work.step.address for work, _ in came.failed] == ["service.demo-app", "service.loki"]
        assert all("lacks that permission" in str(error) for _, error in came.failed)
        assert {work.step.kind for work in came.skipped} == {"scaling_target", "scaling_policy"}
        assert problems(reborn(stack).apply()) == []
        assert steps_of(stack.planned()) == []


@pytest.mark.parametrize("method", ["ec2:CreateSubnet", "ec2:CreateNatGateway", "elbv2:CreateTargetGroup"])
def test_an_answer_that_is_lost_for_good_makes_nothing_twice(method: str) -> None:
    """Three times in a row: it gives up, and the next run finds what the first tries have made."""
    with account(lean_spec()) as stack:
        process = reborn(stack)
        Injector(process.aws.session).fail(method, "lost", times=3)
        came = process.apply()
        assert came.failed
        assert problems(reborn(stack).apply()) == []

        assert steps_of(stack.planned()) == []
        assert counted(stack) == whole()[0]
