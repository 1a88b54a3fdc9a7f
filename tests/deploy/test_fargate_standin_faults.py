"""The injector: faults strike where they are told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from tests.standins.fargate import Fargate, Injector, Killed
from tests.support.stack import Clock, aws_here


def spoiled(fault: Any, method: str = "create_cluster", **asked: Any) -> tuple[str, Injector, list[str]]:
    """Return what came of a call that met a fault, the injector, and the clusters that there are then."""
    clock = Clock()
    with Fargate(clock).in_process():
        aws = aws_here(clock)
        injector = Injector(aws.session).fail(0, fault)
        try:
            aws.call("ecs", method, **asked)
            said = "done"
        except AwsError as error:
            said = f"{error.code} {'ambiguous' if error.ambiguous else 'clear'}"
        except Killed:
            said = "killed"
        injector.reset()
        return said, injector, aws.call("ecs", "list_clusters")["clusterArns"]


@pytest.mark.parametrize(
    ("fault", "said", "took_effect"),
    [
        ("throttle", "done", True),
        ("500", "InternalFailure ambiguous", False),
        ("500 after effect", "InternalFailure ambiguous", True),
        ("lost", "ConnectionClosedError ambiguous", False),
        ("lost after effect", "ConnectionClosedError ambiguous", True),
        ("denied", "AccessDeniedException clear", False),
        ("kill", "killed", False),
        ("kill after effect", "killed", True),
    ],
)
def test_faults_strike_before_or_after_the_effect(fault: Any, said: str, took_effect: bool) -> None:
    """A throttled call is tried again by `Aws`; the rest is seen by who called."""
    found = spoiled(fault, clusterName="shop")

    assert (said, took_effect) == (found[0], bool(found[2]))


@pytest.fixture
def aws() -> Iterator[Aws]:
    """Yield AWS with a session of its own: hooks stay with a session."""
    clock = Clock()
    with Fargate(clock).in_process():
        yield aws_here(clock)


def test_the_injector_counts_calls_and_strikes_at_positions_and_names(aws: Aws) -> None:
    """After a kill every further call is one more death, until `reset`."""
    injector = Injector(aws.session).fail("ecs:ListClusters", "throttle", times=2).fail(3, "kill")
    aws.call("ecs", "list_clusters")
    assert injector.calls == ["ecs:ListClusters"] * 3
    assert injector.spoiled == [(0, "ecs:ListClusters", "throttle"), (1, "ecs:ListClusters", "throttle")]
    for _ in range(2):
        with pytest.raises(Killed):
            aws.call("sts", "get_caller_identity")
    injector.reset()
    with injector.quiet():
        aws.call("sts", "get_caller_identity")
    assert injector.calls == []
