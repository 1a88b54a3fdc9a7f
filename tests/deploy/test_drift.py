"""Whatever is done to a stack by hand is one step of the next plan, at its path, and gone after the next apply."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from obskit.deploy.resource import Kind
from obskit.deploy.resources import kinds
from tests.support.deployed import Deployed, deployed, problems, steps_of
from tests.support.drift import Drift, Hand
from tests.support.drifts import EVERY, WIDER


@pytest.fixture(scope="module")
def stack() -> Iterator[Deployed]:
    """Yield a stack of every kind, applied; every test leaves it as it was."""
    with deployed() as one:
        yield one


def _rounds() -> list[list[Drift]]:
    """Return all drifts, of each resource one a round: a look at the whole stack takes longer than any of them."""
    of: dict[str, list[Drift]] = {}
    for drift in EVERY:
        of.setdefault(drift.address, []).append(drift)
    return [[own[number] for own in of.values() if number < len(own)] for number in range(max(map(len, of.values())))]


@pytest.mark.parametrize("together", _rounds(), ids=lambda together: f"{len(together)} resources")
def test_what_is_done_by_hand_is_one_step_at_its_path_and_is_mended(stack: Deployed, together: list[Drift]) -> None:
    """The plan names those resources and those paths alone, and after it there is nothing to be done."""
    for drift in together:
        drift.hand(stack)
    steps = stack.planned()
    wrong = problems(stack.apply(steps))

    assert sorted(steps_of(steps)) == sorted((drift.action, drift.address, drift.paths) for drift in together)
    assert wrong == []
    assert steps_of(stack.planned()) == []


@pytest.mark.parametrize(("hand", "steps"), [one[1:] for one in WIDER], ids=[one[0] for one in WIDER])
def test_what_others_hang_on_draws_them_along(stack: Deployed, hand: Hand, steps: tuple[tuple[str, str], ...]) -> None:
    """Those that refer to something new are changed with it, and nothing else is."""
    hand(stack)
    planned = stack.applied()

    assert tuple((step.action, step.address) for step in planned.steps) == steps
    assert steps_of(stack.planned()) == []


def _can_be_mended(kind: Kind) -> bool:
    return type(kind).change is not Kind.change or type(kind).retag is not Kind.retag


@pytest.mark.parametrize("name", kinds())
def test_every_kind_is_tried(name: str) -> None:
    """A kind whose drift nobody has looked at is not done."""
    tried = {drift.address.partition(".")[0] for drift in EVERY}

    # What waits for a certificate to be issued makes nothing that could drift.
    assert name in tried or name == "certificate_validation" or not _can_be_mended(kinds()[name])
