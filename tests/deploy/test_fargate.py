"""Tests for Fargate's rules: a bad task definition is told without asking AWS."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from obskit.deploy import fargate
from obskit.deploy.fargate import Problem, problems
from obskit.deploy.resource import Join, Ref, Unknown
from tests.support.definitions import (
    BAD,
    GOOD,
    SECRET,
    Definition,
    app,
    both,
    environment,
    firelens,
    init,
    of,
    task,
    waits,
)


def turned(turn: Callable[[Definition], Any]) -> Definition:
    """Return the good definition with one thing turned."""
    definition = copy.deepcopy(GOOD)
    turn(definition)
    return definition


def test_a_good_definition_has_no_problem() -> None:
    """What AWS takes is not found fault with."""
    assert problems(GOOD) == ()


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_definition_is_told_by_the_path_of_what_is_bad(wrong: str) -> None:
    """One thing wrong is one path, with a way out."""
    turn, path = BAD[wrong]
    found = problems(turned(turn))

    assert {problem.path for problem in found} == {path}
    assert all(problem.message and problem.hint for problem in found)


@pytest.mark.parametrize(
    "turn",
    [
        task(cpu=".5 vCPU", memory="1 GB"),
        task(cpu="16384", memory="122880"),
        task(pidMode="task"),
        task(ephemeralStorage=None),
        task(executionRoleArn="shop-execution"),
        app(image="shop/app:1@sha256:" + "a" * 64, secrets=[{"name": "A", "valueFrom": "parameter/name"}]),
        app(secrets=[{"name": "A", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/a"}]),
        app(secrets=[{"name": "A", "valueFrom": SECRET}]),
        app(portMappings=[{"containerPort": 8080, "hostPort": 8080}, {"containerPort": 8080, "protocol": "udp"}]),
        app(user="app:app"),
        app(dependsOn=waits("init", "SUCCESS")),
        app(linuxParameters={"capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE"]}, "initProcessEnabled": True}),
        app(ulimits=[{"name": "memlock", "softLimit": -1, "hardLimit": -1}]),
        both(app(memory=512), init(memory=512)),
        environment("PASSWORD_FILE", "/run/password"),
        environment("GF_DATABASE_PASSWORD", "$__file{/config/password}"),
        environment("OWNER", "team@example.com"),
        environment("TOKEN_URL", "https://login.example.com/token"),
        firelens(config_file_type="file", config_file_value="/extra.conf"),
        init(healthCheck={"command": ["NONE"]}),
    ],
)
def test_what_is_allowed_is_not_found_fault_with(turn: Callable[[Definition], Any]) -> None:
    """Every rule has another side, on which it says nothing."""
    assert problems(turned(turn)) == ()


@pytest.mark.parametrize(
    ("cpu", "count"), [(256, 3), (512, 4), (1024, 7), (2048, 13), (4096, 23), (8192, 12), (16384, 12)]
)
def test_fargate_has_so_many_sizes(cpu: int, count: int) -> None:
    """The table is AWS's: so many amounts of memory go with each CPU, and the next step beyond does not."""
    sizes = fargate.SIZES[cpu]

    assert len(sizes) == count
    assert [p for mib in sizes for p in problems(turned(task(cpu=str(cpu), memory=str(mib))))] == []
    beyond = sizes[-1] + (sizes[-1] - sizes[-2])
    assert [p.path for p in problems(turned(task(cpu=str(cpu), memory=str(beyond))))] == ["memory"]


def test_a_credential_is_not_repeated_in_what_is_said_of_it() -> None:
    """A plan is printed and stored by CI: it must not hold what it warns of."""
    found = problems(turned(environment("ADMIN_PASSWORD", "hunter2")))

    assert "hunter2" not in str(found)


def test_the_execution_role_is_asked_for_by_what_needs_it() -> None:
    """A task that reads no secret, writes no log group and pulls public images needs none."""

    def only(image: str) -> Definition:
        return turned(task(executionRoleArn=None, containerDefinitions=[{"name": "app", "image": image}]))

    (problem,) = problems(only(of("app")(GOOD)["image"]))

    assert problems(only("busybox:1")) == ()
    assert problem.message == "without it ECS cannot pull private images"


@pytest.mark.parametrize("unknown", [Ref("role.execution", "arn"), Join(("a", Ref("b"))), Unknown("${a.b}")])
def test_what_is_not_known_yet_is_taken_for_right(unknown: object) -> None:
    """A plan judges definitions whose roles, secrets and images are still to be made."""
    definition = turned(
        both(
            task(executionRoleArn=unknown, taskRoleArn=unknown, family=unknown),
            app(
                image=unknown,
                secrets=[{"name": "A", "valueFrom": unknown}],
                environment=[{"name": "PASSWORD", "value": unknown}],
            ),
        )
    )

    assert problems(definition) == ()


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


@pytest.mark.parametrize("path", list(paths(GOOD)), ids=str)
def test_whatever_is_missing_is_no_bug(path: tuple[Any, ...]) -> None:
    """Optional keys may be missing anywhere: the answer is a list of problems, never an exception."""
    definition = copy.deepcopy(GOOD)
    where: Any = definition
    for key in path[:-1]:
        where = where[key]
    del where[path[-1]]

    assert all(isinstance(problem, Problem) for problem in problems(definition))
