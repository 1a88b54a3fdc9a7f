"""What happens by chance, or because of the incident, blames nobody: churn, wide matrices, chatty services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.scene import Ranking
from obskit.incident.culprit import callees, noticed_within
from obskit.model import Event, Series, Window
from tests.incident.test_culprit import (
    AT,
    BEGIN,
    CALM_LINES,
    NOTICED,
    POINTS,
    STEP,
    Matrix,
    logs_of,
    matrix_of,
    rollout,
    scene,
    scene_of,
    series_of,
    services,
    tasks_of,
)
from tests.support.scenario import Scenario

Line = tuple[float, str, str, str]
METRICS = ("cpu", "memory", "latency", "strange", "threads")


def part(found: Ranking, service: str, name: str) -> float:
    """Return what a part of a suspect's account counts."""
    return next((s.parts.get(name, 0.0) for s in found.suspects if s.service == service), 0.0)


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


def test_a_column_that_crosses_zero_has_moved() -> None:
    """From minus ten to ten is as far as from ten to thirty, and further than a tenth."""
    columns = (("a", "offset", 0.0), ("b", "offset_of_others", 1.5))
    values = matrix_of(columns)
    values[:AT, 0] -= 20.0

    assert services(rank_suspects(scene_of(values, series_of(columns))))[0] == "a"


@pytest.mark.parametrize("factor", [1e-300, 1e-42, 1e30, 1e38, 1e300])
def test_huge_and_tiny_values_rank_as_others(factor: float) -> None:
    """What single precision cannot hold is no less evidence."""
    columns = (("a", "cpu", 20.0), ("b", "cpu", 3.0))
    values = matrix_of(columns)
    plain = rank_suspects(scene_of(values, series_of(columns)))
    values[:, 0] *= factor
    scaled = rank_suspects(scene_of(values, series_of(columns)))

    assert services(scaled) == services(plain)
    assert scaled.suspects[0].score == pytest.approx(plain.suspects[0].score, abs=0.01)


@pytest.mark.parametrize("minutes", [-600, -25, 0, 10, 600])
def test_the_onset_of_a_window_lies_within_it(minutes: int) -> None:
    """What churned in the baseline is not when the incident was noticed."""
    window = Window(start=NOTICED - 5 * STEP, end=NOTICED + 5 * STEP)
    told = noticed_within(window, NOTICED + timedelta(minutes=minutes))

    assert window.start <= told <= window.end
    assert noticed_within(window, None) == window.start


def test_churn_in_a_wide_calm_matrix_does_not_move_the_onset() -> None:
    """Two hundred services of which many began anew long before: the one that broke in the window leads."""
    columns = [(f"s{i}", metric, 0.0) for i in range(200) for metric in METRICS]
    values = matrix_of(columns, seed=3)
    values[:5, ::3] = np.nan
    values[6:, ::7] += 20.0
    values[AT:, 0] += 40.0
    window = Window(start=NOTICED - 5 * STEP, end=BEGIN + (POINTS - 1) * STEP)
    given = replace(scene_of(values, series_of(columns)), noticed=noticed_within(window, BEGIN + 6 * STEP))
    found = rank_suspects(given)

    assert services(found)[0] == "s0"
    assert found.onset >= window.start - timedelta(minutes=8)


def stationary(service: str, texts: Sequence[str], *, lines: int, seed: int) -> list[Line]:
    """Return error lines at random times: nothing changes."""
    random = np.random.default_rng(seed)
    minutes = np.sort(random.uniform(0, POINTS, lines)).tolist()
    return [
        (m, service, "error", texts[i]) for m, i in zip(minutes, random.integers(0, len(texts), lines), strict=True)
    ]


WORDS = [f"{a}{b}{c}" for a in "bdfgklmprst" for b in "aeiou" for c in "bdfgklmnprst"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("templates", [5, 300])
def test_a_chatty_service_says_nothing_new_by_chance(templates: int, seed: int) -> None:
    """The best of many templates at the best of many cuts is far off by chance; a new error text is further."""
    random = np.random.default_rng(templates)
    texts = [" ".join(random.choice(WORDS, 5)) for _ in range(templates)]
    chatty = stationary("chatty", texts, lines=10 * templates, seed=seed)
    new = [(minute, "b", "error", "no contacts found") for minute in range(AT, AT + 5)]
    given = scene(("a", "cpu", 0.0), ("chatty", "cpu", 0.0), ("b", "cpu", 0.0))
    found = rank_suspects(replace(given, logs=logs_of(*chatty, *new, *CALM_LINES)))

    assert services(found)[0] == "b"
    assert part(found, "chatty", "logs") < 0.75 * part(found, "b", "logs")


def test_callers_beyond_a_square_matrix_are_followed() -> None:
    """Forty thousand services, of which a square matrix would take gigabytes: the end of the chain is to blame."""
    count = 40_000
    names = [f"s{i:05d}" for i in range(count)]
    values = np.full((POINTS, count), 10.0)
    values[AT:, :3] += 20.0
    series = [Series(signal="latency", unit="count", service=name) for name in names]
    found = rank_suspects(replace(scene_of(values, series), calls=tuple(pairwise(names))))

    assert services(found)[0] == names[2]


def test_triage_reads_the_direction_of_unknown_signals_from_their_kind() -> None:
    """Latency outside the catalogue that falls is no fault, however far it falls."""
    case = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    case = case.becomes("http_requests", 25, after_seconds=60)
    shop = next(s for s in case.columns if s.signal == "http_latency_p95")
    for kind in ("latency", "error_ratio", "queue"):
        case.columns[replace(shop, signal=f"vendor_{kind}", service="vendor", query="")] = case.columns[shop] ** -2
    diagnosis = case.diagnosis()

    assert diagnosis.verdict == "no_clear_cause"
    assert diagnosis.culprit.service == "shop"


def test_only_the_label_that_names_the_callee_tells_of_a_call() -> None:
    """A status or a method of a call is nobody who is called."""
    peers = replace(SHOP, labels=(("http_method", "GET"), ("server_address", "pay"), ("status", "500")))

    assert callees([peers, replace(SHOP, signal="cpu")], ("peer", "server_address")) == [("shop", "pay")]


SHOP = Series(signal="client_requests", unit="per_second", service="shop")
