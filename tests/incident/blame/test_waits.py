"""Where requests wait: the lines of one request tell which way became slow, and whose doing it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident.blame.explain import explain
from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.waits import Wait, waits
from obskit.model import Logs, nanoseconds
from tests.support.blame import AT, BEGIN, NOTICED, POINTS, STEP, scene, services

CALLS = (("web", "cart"), ("web", "pay"), ("cart", "stock"))
#: Who speaks after whom in a request, and how long after, milliseconds.
TOUR = (("web", 0), ("cart", 10), ("stock", 10), ("cart", 10), ("web", 10), ("pay", 10), ("web", 10))
Way = tuple[str, str]
Slower = Mapping[Way, int]
"""Milliseconds more since `AT`, by who spoke and who speaks."""


def lines_of(
    slower: Slower,
    *,
    tour: Sequence[tuple[str, int]] = TOUR,
    each: int = 1,
    told: Callable[[int], str] = "trace_id={:08x}".format,
    clocks: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Logs:
    """Return the lines of a request a minute.

    Args:
        slower: Which ways become slow.
        tour: What a request does.
        each: Only each so many-th request since `AT` is slow.
        told: How a line tells its request.
        clocks: Milliseconds that clocks are ahead.
        seed: Of a millisecond or two that every wait may differ.
    """
    random = np.random.default_rng(seed)
    rows: list[tuple[int, str, str]] = []
    for number in range(POINTS):
        at, spoke = nanoseconds(BEGIN + number * STEP), ""
        for name, wait in tour:
            slow = slower.get((spoke, name), 0) if number >= AT and number % each == 0 else 0
            at, spoke = at + int(random.integers(0, 2) + wait + slow) * 1_000_000, name
            rows.append((at + (clocks or {}).get(name, 0) * 1_000_000, name, f"did its share {told(number + 4096)}"))
    return Logs.of(
        [r[0] for r in rows], [r[1] for r in rows], [""] * len(rows), ["info"] * len(rows), [r[2] for r in rows]
    )


def blamed(logs: Logs, calls: Sequence[Way] = CALLS) -> list[str]:
    """Return whose doing the slow ways are, most first."""
    found = waits(logs, calls, noticed_ns=nanoseconds(NOTICED))
    return sorted(found, key=lambda name: -found[name].evidence)


@pytest.mark.parametrize("slower", [("web", "cart"), ("cart", "web"), ("stock", "cart"), ("pay", "web")])
def test_one_slow_way_is_the_doing_of_who_is_called(slower: Way) -> None:
    """There or back: a caller waits for its callee, and nothing else tells the two apart."""
    assert blamed(lines_of({slower: 300})) == [slower[0] if (slower[1], slower[0]) in CALLS else slower[1]]


def test_slow_ways_are_the_doing_of_whom_all_lead_to() -> None:
    """The one that is slow after each of its callees is slow itself: nobody else is on all of these ways."""
    assert blamed(lines_of({("cart", "web"): 300, ("pay", "web"): 300}))[0] == "web"
    assert blamed(lines_of({("web", "cart"): 300, ("stock", "cart"): 300}))[0] == "cart"


def test_who_says_nothing_between_two_that_it_calls_is_on_the_way() -> None:
    """Neither calls the other, so the request went through the one that calls both."""
    tour = (("cart", 0), ("pay", 10), ("mail", 10), ("pay", 10))
    calls = (*CALLS, ("web", "mail"))
    slower = {("cart", "pay"): 300, ("pay", "mail"): 300, ("mail", "pay"): 300}

    assert blamed(lines_of(slower, tour=tour), calls)[0] == "web"
    assert "web" not in blamed(lines_of(slower, tour=tour), (*calls, ("cart", "pay"), ("mail", "pay")))


def test_the_ranking_blames_whom_requests_wait_for() -> None:
    """Where no series moved, lines of an ordinary level that come late are enough."""
    still = scene(*((name, "cpu", 0.0) for name in ("cart", "pay", "stock", "web")))
    found = rank_suspects(replace(still, calls=CALLS, lines=lines_of({("cart", "stock"): 300, ("stock", "cart"): 300})))

    assert services(found)[0] == "stock"
    assert found.suspects[0].parts["waits"] > 2.0


@pytest.mark.parametrize(
    "told",
    [
        "trace_id={:08x}".format,
        "[traceId: {:08x}]".format,
        "x-request-id={:08x}".format,
        '{{"message": "x", "request_id": "{:08x}"}}'.format,
        '{{\\"correlationId\\":\\"{:08x}\\"}}'.format,
        "X-Amzn-Trace-Id: Root=1-67891233-{:024x};Sampled=1".format,
        "RequestId: 8f50{:04x}-6f6f-4d3c-9a6e-2f1c3b7d9e10".format,
    ],
)
def test_an_id_is_read_as_logs_commonly_write_it(told: Callable[[int], str]) -> None:
    """As a field of JSON, quoted or not, as key and value, as AWS writes it."""
    assert blamed(lines_of({("web", "cart"): 300}, told=told)) == ["cart"]


@pytest.mark.parametrize(
    "told", ["", "trace_id=", "trace_id=null", "trace_id=00000000000000000000000000000000", "span_id=1234abcd"]
)
def test_without_an_id_there_is_no_request(told: str) -> None:
    """Zeros stand for no trace; a span is not a request."""
    assert blamed(lines_of({("web", "cart"): 300}, told=lambda _: told)) == []


def test_requests_without_an_id_do_not_hide_the_others() -> None:
    """Where most are not traced and share the id of zeros, those that are traced tell all the same."""
    traced = lines_of({("web", "cart"): 300}, told=lambda n: f"trace_id={n if n % 5 < 2 else 0:08x}")

    assert blamed(traced) == ["cart"]


def test_a_way_that_became_quicker_is_nobodys_fault() -> None:
    """Direction counts."""
    tour = tuple((name, wait + 300 * (name == "pay")) for name, wait in TOUR)

    assert blamed(lines_of({("web", "pay"): -290}, tour=tour)) == []


def test_what_hardly_lengthens_a_request_is_no_trouble() -> None:
    """Two milliseconds more of sixty, however sure, are not what anybody was alerted to."""
    assert blamed(lines_of({("web", "cart"): 2})) == []


def test_one_slow_request_is_chance() -> None:
    """A single wait is no share."""
    assert blamed(lines_of({("web", "cart"): 30_000}, each=POINTS - 3)) == []


def test_lines_that_stand_for_others_tell_nothing_of_waits() -> None:
    """Of a sample it is not known who spoke in between."""
    table = lines_of({("web", "cart"): 300}).table
    sampled = table.set_column(table.schema.get_field_index("weight"), "weight", [[10.0] * len(table)])

    assert blamed(Logs(table=sampled)) == []


@settings(max_examples=20, deadline=None)
@given(st.fixed_dictionaries({name: st.integers(0, 7) for name in ("web", "cart", "stock", "pay")}))
def test_clocks_that_differ_do_not_matter(ahead: dict[str, int]) -> None:
    """A host that is some milliseconds ahead is so before and since."""
    assert blamed(lines_of({("web", "cart"): 300}, clocks=ahead)) == ["cart"]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_lines_does_not_matter(seed: int) -> None:
    """Whoever answers first, also of lines of one millisecond."""
    table = lines_of({("web", "cart"): 300}, tour=[(name, 0) for name, _ in TOUR], seed=seed).table
    order = np.random.default_rng(seed).permutation(len(table))
    at = nanoseconds(NOTICED)
    mixed = table.take(order)
    other = Logs.of(*(mixed[name].to_pylist() for name in ("time_ns", "service", "task", "level", "line")))

    assert waits(other, CALLS, noticed_ns=at) == waits(Logs(table=table), CALLS, noticed_ns=at)


def most(found: Mapping[str, Wait]) -> float:
    """Return the largest evidence, 0 where there is none."""
    return max((wait.evidence for wait in found.values()), default=0.0)


def calm_lines(seed: int) -> Logs:
    """Return the lines of requests whose waits differ widely and as ever."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, str, str]] = []
    for number in range(POINTS * 3):
        at = nanoseconds(BEGIN) + number * 20_000_000_000
        for name, _ in TOUR:
            at += int(random.exponential(20)) * 1_000_000
            rows.append((at, name, f"trace_id={number:08x}"))
    blank = [""] * len(rows)
    return Logs.of([r[0] for r in rows], [r[1] for r in rows], blank, blank, [r[2] for r in rows])


def test_waits_that_vary_as_ever_hardly_blame_anybody() -> None:
    """The best cut of many ways is odd by chance, and what chance finds does not count."""
    at = nanoseconds(NOTICED)
    by_chance = [most(waits(calm_lines(seed), CALLS, noticed_ns=at)) for seed in range(20)]

    assert np.mean(by_chance) < 0.25 * most(waits(lines_of({("web", "cart"): 300}), CALLS, noticed_ns=at))


def test_the_way_that_became_slow_is_told_with_its_figures() -> None:
    """A person can look for the two lines, and sees from when on and by how much they lie further apart."""
    still = scene(*((name, "cpu", 0.0) for name in ("cart", "pay", "stock", "web")))
    asked = replace(still, calls=CALLS, lines=lines_of({("web", "cart"): 300}))
    suspect = explain(asked, rank_suspects(asked))[0]
    [told] = [c for c in suspect.contributions if c.part == "waits"]

    assert suspect.service == "cart"
    assert told.words == "from line to line of a request, one of web and one of cart: 11 ms -> 0.311 s"
    assert told.onset is not None
    assert abs(told.onset - NOTICED) <= STEP


def test_of_many_lines_those_around_the_alert_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at does not grow with the lines, and holds calm ones as well as troubled ones."""
    monkeypatch.setattr("obskit.incident.blame.waits._MOST_LINES", 10 * len(TOUR))

    assert blamed(lines_of({("web", "cart"): 300})) == ["cart"]
