"""Applies and destroys a stack with a fault at one call, then without, and says what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from obskit.deploy.errors import DeployError
from obskit.deploy.spec import StackSpec
from tests.standins.fargate import Injector, Killed
from tests.standins.fargate_faults import Fault
from tests.support.deployed import Deployed, account, problems, steps_of
from tests.support.inventory import inventory
from tests.support.stack import aws_here

#: How a call can go wrong, by the name on the bench's command line.
MODES: Final[dict[str, Fault]] = {
    "throttle": "throttle",
    "500": "500",
    "500-after": "500 after effect",
    "lost": "lost",
    "lost-after": "lost after effect",
    "kill": "kill",
    "kill-after": "kill after effect",
}
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one fault.

    Attributes:
        mode: Of `MODES`.
        position: Of the call that it met.
        call: ``service:Operation``; "" where the run ended before.
        first: What the spoilt run said; empty where it came to its end all the same.
        wrong: What was not as it shall be after the next run; "" where all was.
    """

    mode: str
    position: int
    call: str
    first: tuple[str, ...]
    wrong: str


def uninterrupted(spec: StackSpec) -> tuple[Counts, int, int]:
    """Return how many things of each sort a stack is, and how many calls applying and destroying it take."""
    with account(spec) as stack:
        injector = Injector(stack.aws.session)
        stack.applied()
        applying = len(injector.calls)
        counts = counted(stack)
        injector.reset()
        stack.destroy()
        return counts, applying, len(injector.calls)


def counted(stack: Deployed) -> Counts:
    """Return how many things of each sort the account holds."""
    return Counter(what for what, _ in inventory(stack.aws.client))


def applying(spec: StackSpec, mode: str, position: int, expected: Counts) -> Tried:
    """Apply a stack from nothing with a fault at one call, then once more without, if need be.

    Args:
        spec: What is wanted.
        mode: Of `MODES`.
        position: Of the call, those of planning included.
        expected: From `uninterrupted`.
    """
    with account(spec) as stack:
        call, first = _spoilt(stack, mode, position, lambda process: problems(process.apply()))
        again = reborn(stack)
        second = problems(again.apply()) if first else []
        left = [f"{action} {address} {', '.join(paths)}" for action, address, paths in steps_of(again.planned())]
        counts = counted(again)
    others = [f"{what}: {counts.get(what, 0)} for {expected.get(what, 0)}" for what in sorted({*counts, *expected})]
    odd = [text for text in others if len(set(text.rpartition(": ")[2].split(" for "))) > 1]
    return Tried(mode, position, call, tuple(first), "\n".join([*second, *left, *odd]))


def destroying(spec: StackSpec, mode: str, position: int) -> Tried:
    """Destroy a stack with a fault at one call, then once more without, if need be; arguments as in `applying`."""
    with account(spec) as stack:
        before = inventory(stack.aws.client)
        stack.applied()
        call, first = _spoilt(stack, mode, position, lambda process: problems(process.destroy()[1]))
        again = reborn(stack)
        second = problems(again.destroy()[1]) if first else []
        left = [f"{what}: {identity}" for what, identity in sorted(inventory(again.aws.client) ^ before)]
    return Tried(mode, position, call, tuple(first), "\n".join([*second, *left]))


def _spoilt(stack: Deployed, mode: str, position: int, run: Callable[[Deployed], list[str]]) -> tuple[str, list[str]]:
    """Run in a process of its own, spoil a call, and return which it was and what the run said."""
    process = reborn(stack)
    injector = Injector(process.aws.session).fail(position, MODES[mode])
    try:
        said = run(process)
    except Killed:
        said = ["killed"]
    except DeployError as error:
        said = [str(error)]
    return next((name for _, name, _ in injector.spoiled), ""), said


def reborn(stack: Deployed) -> Deployed:
    """Return the stack as another process sees it."""
    return Deployed(stack.fargate, aws_here(stack.fargate.clock), stack.spec)  # type: ignore[arg-type]
