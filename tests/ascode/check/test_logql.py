"""LogQL that Loki would refuse is found, and the place of the mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.check import Case
from obskit.ascode.check.logql import first_errors, problems
from obskit.ascode.definition import Definition, Model, Problem
from tests.support.node import grafana_tools

LOKI = {"type": "loki", "uid": "${loki_datasource}"}


def _dashboard(**model: Any) -> Definition:
    return Definition(name="x", path=Path("x.dashboard.py"), source='dashboard = board("x")\n', model=model)


def _panel(*queries: str) -> Model:
    targets = [{"expr": query, "refId": chr(65 + n), "datasource": LOKI} for n, query in enumerate(queries)]
    return {"type": "logs", "title": "Errors", "targets": targets}


def _found(*definitions: Definition) -> list[Problem]:
    grafana_tools()
    return list(problems(Case(definitions=definitions)))


@pytest.mark.parametrize(
    "query",
    [
        '{service=~"$service"} |~ "(?i)$search" | json | line_format "{{.message}}"',
        'sum by (service) (count_over_time({service=~".+"} |= "error" or "fatal" [$__auto]))',
        'quantile_over_time(0.9, {a="b"} | logfmt | unwrap duration(took) | __error__="" [$__range]) by (a)',
        '{a="b"} |> "<_> failed <_>" | drop x, y',
        'approx_topk(5, sum by (a) (rate({a="b"}[5m])))',
        '{a="b"} # all of it',
        'sum(rate({a="b"}[5m])) > $limit',
    ],
)
def test_a_query_with_grafanas_variables_is_fine(query: str) -> None:
    """Variables are no mistakes, and the grammar is that of a current Loki."""
    assert not _found(_dashboard(panels=[_panel(query)]))


@pytest.mark.parametrize(
    ("query", "at", "said"),
    [
        ('{app="$service" |= "x"', "|=", "does not go on with"),
        ('{app="é😀"} |= error', "error", "does not go on with 'error'"),
        ('rate({app="x"}[$__auto]) foo', "foo", "does not go on with 'foo'"),
        ('sum(rate({app="x"}[5m])', None, "the end of the query is missing"),
        ('{app="x"} | nonsense', None, "the end of the query is missing"),
        ("{}", "}", "does not go on with"),
    ],
)
def test_a_mistake_is_found_at_its_column(query: str, at: str | None, said: str) -> None:
    """Counted as a person counts: a character beyond the first plane is one."""
    (problem,) = _found(_dashboard(panels=[_panel(query)]))

    assert said in problem.message
    assert (len(query) if at is None else query.index(at)) + 1 == problem.column
    assert (query, "Errors") == (problem.query, problem.panel)


def test_every_query_of_every_dashboard_is_read() -> None:
    """All go to one process of node, and each answer comes back to its own query."""
    first = _dashboard(panels=[_panel('{a="b"}', '{a="b"')])
    notes = {"list": [{"name": "crashes", "datasource": LOKI, "target": {"expr": '{a="b"} |='}}]}
    found = _found(first, _dashboard(panels=[_panel("{a=")], annotations=notes))

    assert [problem.query for problem in found] == ['{a="b"', "{a=", '{a="b"} |=']


def test_what_is_asked_of_prometheus_is_not_read_as_logql() -> None:
    """Another check reads it."""
    panel = {"title": "Up", "targets": [{"expr": "up ==", "datasource": {"type": "prometheus"}}]}

    assert not list(problems(Case(definitions=(_dashboard(panels=[panel]),))))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('label_values({a="b"}, service)', 0),
        ("label_values(service)", 0),
        ("label_names()", 0),
        ("label_values({a=b}, service)", 1),
    ],
)
def test_of_a_variables_query_the_selector_is_read(query: str, count: int) -> None:
    """Grafana's functions of query variables are not LogQL; what stands in them is."""
    variable = {"name": "service", "type": "query", "datasource": LOKI, "query": query}
    found = _found(_dashboard(templating={"list": [variable]}))

    assert count == len(found)
    assert all(problem.query[problem.column - 1 :].startswith("b}") for problem in found)


def test_nothing_to_read_starts_no_process(tmp_path: Path) -> None:
    """Dashboards without Loki need no node."""
    assert first_errors([], tmp_path / "nothing here") == []
