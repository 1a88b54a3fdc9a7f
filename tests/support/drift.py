"""One thing that people do to a stack past obskit, by plain boto3, and what a plan has to say of it.

All are written for `tests.support.deployed.everything_spec`, and collected in `tests.support.drifts`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.support.deployed import Deployed

Hand = Callable[[Deployed], object]
_OPEN: Final = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing done by hand.

    Attributes:
        what: In words.
        address: Of the one resource that the plan has to name.
        hand: Does it.
        paths: Of a change: those that the plan has to name, and no other.
        action: What the plan has to do about it.
    """

    what: str
    address: str
    hand: Hand
    paths: tuple[str, ...] = ()
    action: str = "change"


def calls(service: str, method: str, /, **asked: Any) -> Hand:
    """Return a call whose arguments are known before; a function among them is asked for the argument."""

    def hand(stack: Deployed) -> object:
        given = {name: value(stack) if callable(value) else value for name, value in asked.items()}
        return stack.by_hand(service, method, **given)

    return hand


def of(address: str, attribute: str = "id") -> Callable[[Deployed], str]:
    """Return what finds an attribute of a resource."""
    return lambda stack: stack.id(address, attribute)


def ids(address: str, attribute: str = "id") -> Callable[[Deployed], list[str]]:
    """Return what finds an attribute of a resource, alone in a list."""
    return lambda stack: [stack.id(address, attribute)]


def opened(read: Callable[[Deployed], str], write: Callable[[Deployed, str], object]) -> Hand:
    """Return what adds a statement to a policy."""

    def hand(stack: Deployed) -> object:
        policy = json.loads(read(stack))
        policy["Statement"].append({"Sid": "More", **_OPEN})
        return write(stack, json.dumps(policy))

    return hand
