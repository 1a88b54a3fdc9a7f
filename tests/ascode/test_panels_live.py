"""Every Prometheus query of every dashboard is run against a real Prometheus and returns data.

What it is run over, and which of it is real: see `tests.support.panel_data`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from obskit.ascode.definition import SUFFIX, Definition
from obskit.ascode.load import load
from tests.support.panel_data import Drawn, counted, drawn, synthetic, watching

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
NAMES = sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))
#: (dashboard, title, refId) of queries that have no answer over all this data, and why that is right.
EXCEPTIONS: dict[tuple[str, str, str], str] = {
    ("database", "Growth of each database within a day", "A"): "compares with a day ago; the server holds an hour",
    ("alb", "Requests at the whole balancer, of what is usual", "A"): "compares with hours and a day ago",
    ("service", "Requests, of what came an hour ago", "A"): "compares with an hour ago",
    ("prometheus", "Series in memory, of what they were a day ago", "A"): "compares with a day ago",
    ("prometheus", "Targets of a job that is gone", "A"): "no job has gone within the hour",
    ("prometheus", "Configuration loaded, peers seen", "B"): "the one Alertmanager here is no cluster",
}
#: Empty or not by the machine that the tests run on.
BY_MACHINE = {("node", "Share of packets damaged", "A"): "it may have no interface but the loopback"}
#: What runs here for real, and so has to be told by real processes alone.
REAL = ("node", "prometheus", "slo")


@pytest.fixture(scope="module")
def definitions() -> tuple[Definition, ...]:
    """Return our dashboards."""
    found, problems = load(FOLDER)
    assert not problems
    return found


@pytest.fixture(scope="module")
def answers(definitions: tuple[Definition, ...]) -> tuple[Drawn, ...]:
    """Return what came of each query."""
    with watching() as server:
        return drawn(server, definitions)


@pytest.mark.parametrize("name", NAMES)
def test_every_query_returns_data(answers: tuple[Drawn, ...], name: str) -> None:
    """An empty panel is read as "all is well"; an exception that has data by now is none any more."""
    mine = [query for query in answers if query.dashboard == name]

    assert not [(query.title, query.refused) for query in mine if query.refused]
    empty = {(name, query.title, query.ref) for query in mine if not query.series}
    assert {key for key in EXCEPTIONS if key[0] == name} == empty - BY_MACHINE.keys()


def test_no_query_is_left_out(answers: tuple[Drawn, ...], definitions: tuple[Definition, ...]) -> None:
    """One that does not parse would be passed over in silence; only the logs ask no Prometheus."""
    asked = [
        (definition.name, query.title, query.ref)
        for definition in definitions
        for query in definition.queries
        if query.language == "PromQL" and query.role != "variable"
    ]

    assert asked == [(query.dashboard, query.title, query.ref) for query in answers]
    assert {query.dashboard for query in answers} == set(NAMES) - {"logs"}


def test_what_runs_here_is_told_by_real_processes(
    answers: tuple[Drawn, ...], record_property: Callable[[str, object], None]
) -> None:
    """Series that were made up stand in only for what cannot be run; the numbers are kept in JUnit's XML."""
    record_property("queries", len(answers))
    for origin, number in counted(answers).items():
        record_property(f"queries_{origin}", number)

    listed = EXCEPTIONS.keys() | BY_MACHINE.keys()
    told = [q for q in answers if q.dashboard in REAL and (q.dashboard, q.title, q.ref) not in listed]
    assert not [(q.title, q.origin) for q in told if q.origin != "real"]
    assert sum(counted(answers).values()) == len(answers)


def test_no_two_lines_of_the_table_make_the_same_series() -> None:
    """The second would overwrite the first, and what was meant would not be there."""
    made = [tuple(sorted(labels.items())) for labels, _ in synthetic(0)]

    assert len(made) == len(set(made))
    assert all("job" in dict(labels) and "instance" in dict(labels) for labels in made)
