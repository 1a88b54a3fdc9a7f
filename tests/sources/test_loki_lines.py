"""Lines are fetched whole where they fit, else as an honest sample; none is lost or doubled by paging."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.model import Window, utc
from obskit.sources.loki_lines import fair, plan
from obskit.sources.loki_query import Scope, grid_for
from obskit.sources.loki_read import PAGE_LINES
from tests.standins.loki import LokiStandIn
from tests.standins.loki_server import SECOND, START, Server, reasons, some

REAL = os.environ.get("OBSKIT_TEST_LOKI_URL", "")


@pytest.fixture
def standin() -> Iterator[LokiStandIn]:
    """A stand-in with the defaults of a real Loki."""
    with LokiStandIn() as loki:
        yield loki


@pytest.fixture
def local(standin: LokiStandIn) -> Server:
    """The stand-in as a server to push to."""
    return Server(standin.url, "prod")


@pytest.fixture
def server(standin: LokiStandIn) -> Server:
    """A real Loki where one is given, else the stand-in."""
    return Server(REAL or standin.url, f"test-{uuid.uuid4().hex[:12]}")


@pytest.mark.parametrize("page", [7, 50])
def test_paging_neither_loses_nor_doubles_lines_that_share_an_instant(page: int) -> None:
    """Lines that share a nanosecond across the border of two pages come once each."""
    rows = [(float(i // 5), f"line {i}") for i in range(400)]
    with LokiStandIn(max_entries=page) as loki:
        server = Server(loki.url, "prod")
        server.push({"service": "shop-api", "task_id": "a"}, rows[::2])
        server.push({"service": "shop-api", "task_id": "b"}, rows[1::2])
        answer = server.ask()

    assert Counter(answer.logs.table["line"].to_pylist()) == Counter(line for _, line in rows)
    assert answer.gaps == ()


def test_more_lines_at_one_instant_than_a_page_are_said_to_be_missing() -> None:
    """Thirty lines at one nanosecond behind a limit of ten: twenty are counted as not fetched."""
    with LokiStandIn(max_entries=10) as loki:
        server = Server(loki.url, "prod")
        server.push({"service": "shop-api"}, [(5, f"line {i}") for i in range(30)] + [(7, "later")])
        answer = server.ask()

    assert len(answer.logs) == 11
    assert answer.logs.table["line"].to_pylist()[-1] == "later"
    assert "20 lines in 1 of" in reasons(answer)
    assert all(gap.partial for gap in answer.gaps)


def test_a_sample_stays_in_its_budget_and_its_weights_add_up(server: Server) -> None:
    """Above the budget lines are sampled: trouble first, quiet neighbours whole, weights as true counts."""
    server.push({"service": "shop-api"}, some(3000, "GET /products 200"))
    server.push({"service": "shop-api"}, some(40, "connection refused", start=400))
    server.push({"service": "orders"}, some(2000, "POST /orders 200"))
    server.push({"service": "shop-db"}, some(10, "checkpoint starting"))

    answer = server.ask(max_lines=900)

    table = answer.logs.to_frame()
    weights = table.groupby("service")["weight"].sum().round(3).to_dict()
    counts = table.groupby("service").size().to_dict()
    assert weights == {"shop-api": 3040, "orders": 2000, "shop-db": 10}
    assert len(table) <= 900
    assert counts["shop-api"] > 500
    assert counts["orders"] > 200
    assert counts["shop-db"] == 10
    refused = table[table["line"].str.startswith("connection refused")]
    assert (len(refused), set(refused["weight"])) == (40, {1.0})
    assert answer.facts["loki.sampled"] == "true"
    assert answer.gaps == ()


def test_a_sample_is_spread_over_the_window(local: Server) -> None:
    """No minute of the window is without sampled lines, though most lines lie in the last one."""
    local.push({"service": "shop-api"}, some(600, "quiet"))
    local.push({"service": "shop-api"}, some(5000, "error loud", start=540))

    table = local.ask(max_lines=1000).logs.to_frame()

    minute = (table["time_ns"] // SECOND - START) // 60
    assert sorted(set(minute)) == list(range(10))
    loud = table[table["line"].str.startswith("error")]
    assert round(loud["weight"].sum()) == 5000


def test_all_lines_come_when_the_budget_allows(local: Server) -> None:
    """At the budget exactly nothing is sampled."""
    local.push({"service": "shop-api"}, some(700, "ok"))

    answer = local.ask(max_lines=700)

    assert len(answer.logs) == 700
    assert answer.facts["loki.sampled"] == "false"


def test_without_a_count_of_interesting_lines_all_are_sampled_alike(standin: LokiStandIn, local: Server) -> None:
    """Where the choice of lines cannot be counted, the sample is an even one, and its weights still add up."""
    local.push({"service": "shop-api"}, some(1200, "ok"))
    standin.fault, standin.fault_if = "401", lambda _, p: "warn" in p.get("query", "") and "rate" in p["query"]

    answer = local.ask(max_lines=300)

    assert "which lines to fetch" in reasons(answer)
    assert len(answer.logs) <= 300
    assert sum(answer.logs.table["weight"].to_pylist()) == pytest.approx(1200)


@given(st.lists(st.integers(0, 10_000), max_size=40), st.integers(0, 50_000))
def test_a_fair_share_never_exceeds_the_budget(counts: list[int], budget: int) -> None:
    """Shares stay in the budget, none exceeds its count, and who is cut gets no less than anybody else."""
    shares = fair(counts, budget).tolist()

    assert sum(shares) <= max(budget, 0)
    assert all(share <= count for share, count in zip(shares, counts, strict=True))
    cut = [share for share, count in zip(shares, counts, strict=True) if share < count]
    assert all(share <= min(cut) for share in shares) if cut else shares == counts
    assert not cut or sum(shares) > budget - len(counts)


def test_a_large_sample_is_cut_into_slices_that_one_page_answers() -> None:
    """Pages of one slice come one after the other, so that a large budget has more slices, not longer ones."""
    window = Window(start=utc(START * SECOND), end=utc((START + 3600) * SECOND))
    grid = grid_for(window)
    counts = {"shop": np.full(len(grid.edges) - 1, 10_000)}

    portions = plan(Scope(service_label="service"), grid, "shop", counts, None, 450_000)

    assert max(portion.want for portion in portions) <= PAGE_LINES
    assert sum(portion.want for portion in portions) <= 450_000
