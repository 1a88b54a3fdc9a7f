"""Log lines: which services say something new, and what chance, sampling and grouping make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.wording import News, wording
from obskit.incident.templates import Records, read_records
from obskit.model import Logs, nanoseconds
from tests.support.blame import AT, CALM_LINES, NOTICED, POINTS, Line, logs_of, part, scene, services


def stationary(service: str, texts: Sequence[str], *, lines: int, seed: int) -> list[Line]:
    """Return error lines at random times: nothing changes."""
    random = np.random.default_rng(seed)
    minutes = np.sort(random.uniform(0, POINTS, lines)).tolist()
    return [
        (m, service, "error", texts[i]) for m, i in zip(minutes, random.integers(0, len(texts), lines), strict=True)
    ]


WORDS = [f"{a}{b}{c}" for a in "bdfgklmprst" for b in "aeiou" for c in "bdfgklmnprst"]


def test_a_new_error_text_points_at_its_service() -> None:
    """What was never logged before counts, what was logged all along does not."""
    old = tuple((minute, "a", "error", "cannot read the old cache") for minute in range(POINTS))
    new = tuple((minute, "b", "error", "no contacts found") for minute in range(AT, POINTS))
    given_ = scene(("a", "cpu", 0.0), ("b", "cpu", 0.0))
    found = rank_suspects(replace(given_, logs=logs_of(*CALM_LINES, *old, *new)))

    assert services(found)[0] == "b"
    assert "no contacts found" in found.suspects[0].series
    assert found.suspects[0].parts["logs"] > 2 * found.suspects[1].parts.get("logs", 0.0)


def test_lines_of_the_incident_alone_say_nothing_new() -> None:
    """Without lines before there is nothing to compare with."""
    late = tuple((POINTS - 1, "b", "error", "no contacts found") for _ in range(5))
    found = rank_suspects(replace(scene(("a", "cpu", 30.0)), logs=logs_of(*late)))

    assert services(found)[0] == "a"
    assert all("logs" not in s.parts for s in found.suspects)


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


def new_lines(*weights: float, calm: float = 1.0) -> Logs:
    """Return calm lines, and one new error of "b" after the onset for each weight: how many lines it stands for."""
    logs = logs_of(*CALM_LINES, *((AT + 1.5, "b", "error", "no contacts found") for _ in weights))
    stand_for = np.full(len(logs), calm)
    stand_for[np.array(logs.table["level"].to_pylist()) == "error"] = weights
    table = logs.table.set_column(logs.table.schema.get_field_index("weight"), "weight", pa.array(stand_for))
    return Logs(table=table)


def news_of(logs: Logs | Records, service: str = "b") -> News:
    """Return what a service says."""
    return wording(logs, noticed_ns=nanoseconds(NOTICED)).news[service]


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1e4))
def test_lines_that_all_stand_for_as_many_are_as_many_witnesses(weight: float) -> None:
    """One line in a hundred was kept: that is no more evidence than the lines that are there, and no less."""
    sampled = new_lines(weight, weight, weight, calm=weight)

    assert news_of(sampled).evidence == pytest.approx(news_of(new_lines(1, 1, 1)).evidence, rel=1e-6)


def test_lines_of_unlike_weights_count_as_kish_says() -> None:
    """(4 + 1 + 1)^2 / (4^2 + 1 + 1) = 2: these three are two witnesses, as two that stand for three lines each."""
    assert news_of(new_lines(4, 1, 1)).evidence == pytest.approx(news_of(new_lines(3, 3)).evidence, rel=1e-9)
    assert news_of(new_lines(4, 1, 1)).evidence < news_of(new_lines(2, 2, 2)).evidence


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1.0, 100.0), min_size=1, max_size=6))
def test_weighed_lines_are_never_more_witnesses_than_lines_nor_fewer_than_one(weights: list[float]) -> None:
    """However lopsided the weights are, as long as they stand for as many lines."""
    total, count = sum(weights), len(weights)
    one, these, even = (news_of(new_lines(*w)).evidence for w in ([total], weights, [total / count] * count))

    assert one - 1e-6 <= these <= even + 1e-6


def test_lines_that_are_grouped_already_say_the_same() -> None:
    """What triage has mined is not mined again."""
    logs = new_lines(1, 1, 1)
    given_ = replace(scene(("a", "cpu", 9.0), ("b", "cpu", 0.0)), logs=logs)
    grouped = replace(given_, logs=read_records(logs.table))

    assert wording(read_records(logs.table), noticed_ns=nanoseconds(NOTICED)) == wording(
        logs, noticed_ns=nanoseconds(NOTICED)
    )
    assert rank_suspects(grouped).suspects == rank_suspects(given_).suspects


def test_news_come_with_their_rates_and_their_first_line() -> None:
    """Lines a minute until the moment that tells most and since, and when it began."""
    news = news_of(logs_of(*CALM_LINES, *((minute, "b", "error", "no contacts") for minute in range(AT, POINTS))))

    assert (news.template, news.level, news.before) == ("no contacts", "error", 0.0)
    assert news.after == pytest.approx(1.0, rel=0.2)
    assert news.first_ns == nanoseconds(NOTICED)
