"""Deployments: whose new tasks behave worse than its old ones, and what is no change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from obskit.incident.blame.ranking import rank_suspects
from obskit.model import Event, Series
from tests.support.blame import (
    AT,
    NOTICED,
    POINTS,
    STEP,
    Matrix,
    matrix_of,
    part,
    rollout,
    scene,
    scene_of,
    series_of,
    services,
    tasks_of,
)

METRICS = ("cpu", "memory", "latency", "strange", "threads")


def fleet(count: int, *, new: int, seed: int) -> tuple[Matrix, tuple[Series, ...]]:
    """Return services of eight tasks that differ from each other; the last *new* of each begin at `AT`."""
    random = np.random.default_rng(seed)
    series = [
        Series(signal=metric, unit="count", service=f"s{n}", task=f"s{n}-{task}")
        for n in range(count)
        for metric in METRICS
        for task in range(8)
    ]
    values = random.normal(10, 2, len(series)) + random.normal(0, 0.2, (POINTS, len(series)))
    values[:AT, [i for i, s in enumerate(series) if int(s.task[-1]) >= 8 - new]] = np.nan
    return values, tuple(series)


def test_a_new_task_that_is_worse_than_its_elders_gives_its_change_away() -> None:
    """Of two changes, the one whose new task fails is to blame, although the other is younger."""
    values, series = tasks_of(a=100.0, b=60.0)
    events = (*rollout("b", AT - 2, "b-3"), *rollout("a", AT, "a-3"))
    found = rank_suspects(replace(scene_of(values, series), events=events))

    assert services(found)[0] == "b"
    assert found.suspects[0].task == "b-3"


def test_a_new_task_that_answers_nothing_gives_its_change_away() -> None:
    """It started, its elders answer, it does not."""
    values, series = tasks_of(a=100.0, b=float("nan"))
    events = (*rollout("b", AT - 2, "b-3"), *rollout("a", AT - 2, "a-3"))

    assert services(rank_suspects(replace(scene_of(values, series), events=events)))[0] == "b"


def test_a_change_after_the_incident_is_no_cause_of_it() -> None:
    """Nor is one from before the window more than any other service."""
    later, earlier = rollout("a", AT + 8), rollout("b", -600)
    found = rank_suspects(replace(scene(("a", "cpu", 0.0), ("b", "cpu", 0.0)), events=(*later, *earlier)))

    assert all("change" not in s.parts for s in found.suspects)


@pytest.mark.parametrize("seed", range(5))
def test_new_tasks_are_judged_by_how_old_ones_differ(seed: int) -> None:
    """Tasks of one service differ; a new one that differs as much is not worse, however many there are."""
    values, series = fleet(6, new=4, seed=seed)
    events = [e for n in range(6) for e in rollout(f"s{n}", AT - 1, *(f"s{n}-{task}" for task in range(4, 8)))]
    found = rank_suspects(replace(scene_of(values, series), events=events))

    assert max(part(found, f"s{n}", "change") for n in range(6)) < 5.0


def test_a_change_counts_no_more_than_what_its_service_shows() -> None:
    """A new task may be odd: as long as the service does as before, who is broken is to blame."""
    values, series = tasks_of(calm=60.0)
    own = [("calm", "success", 0.0), ("calm", "latency", 0.0), ("broken", "latency", 30.0)]
    whole = matrix_of(own)
    whole[:, 0] = 100.0
    given = scene_of(np.column_stack([values, whole]), (*series, *series_of(own)))
    found = rank_suspects(replace(given, events=rollout("calm", AT - 1, "calm-3")))

    assert services(found)[0] == "broken"


def test_a_change_after_the_onset_follows_from_it() -> None:
    """A rollback five minutes into an incident is no cause, although the alert came later still."""
    given = scene(("a", "cpu", 30.0), ("b", "cpu", 0.0))
    found = rank_suspects(replace(given, noticed=NOTICED + 7 * STEP, events=rollout("b", AT + 5)))

    assert found.onset == NOTICED
    assert part(found, "b", "change") == 0


def test_a_task_that_starts_without_a_deployment_is_no_change() -> None:
    """A scheduler replaces what fails, and adds what load asks for."""
    started = Event(time=NOTICED - STEP, kind="task_running", service="b", task="b-1")
    found = rank_suspects(replace(scene(("a", "cpu", 9.0), ("b", "cpu", 0.0)), events=(started,)))

    assert part(found, "b", "change") == 0


def test_a_new_task_that_fails_where_old_ones_never_did_is_seen() -> None:
    """All errors were zero: there is no noise to divide by, and no need of any."""
    values, series = tasks_of(a=0.0, b=0.3)
    values[:, [0, 1, 2, 4, 5, 6]] = 0.0
    series = tuple(replace(s, signal="error_ratio") for s in series)
    events = (*rollout("a", AT - 2, "a-3"), *rollout("b", AT - 2, "b-3"))
    found = rank_suspects(replace(scene_of(values, series), events=events))

    assert services(found)[0] == "b"
    assert found.suspects[0].task == "b-3"
