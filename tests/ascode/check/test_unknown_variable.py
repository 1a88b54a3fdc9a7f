"""A variable that nobody defines is found wherever it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.check import Case
from obskit.ascode.check.unknown_variable import problems
from obskit.ascode.definition import Definition, Model, Problem

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}
VARIABLES = [{"name": "service", "type": "query"}, {"name": "prometheus_datasource", "type": "datasource"}]


def _found(*panels: Model, variables: list[Model] | None = None, **model: Any) -> list[Problem]:
    whole = {"panels": list(panels), "templating": {"list": VARIABLES + (variables or [])}, **model}
    one = Definition(name="x", path=Path("x.dashboard.py"), source="", model=whole)
    return list(problems(Case(definitions=(one,))))


def _panel(expr: str = "up", **more: Any) -> Model:
    return {
        "type": "timeseries",
        "title": "Errors",
        "datasource": PROMETHEUS,
        "targets": [{"expr": expr, "refId": "A", "datasource": PROMETHEUS}],
        **more,
    }


def test_what_is_defined_or_grafanas_own_is_fine() -> None:
    """In every place where a text may name a variable."""
    panel = _panel(
        'rate(x{service=~"$service"}[$__rate_interval])',
        title="Errors of $service",
        interval="$__rate_interval",
        repeat="service",
    )

    assert not _found(panel, variables=[{"name": "task", "type": "query", "datasource": PROMETHEUS}])


def test_in_a_query_the_column_is_that_of_its_first_mention() -> None:
    """And the nearest name that is defined is offered."""
    (problem,) = _found(_panel('x{a="$servce", b="$servce"}'))

    assert problem.message == "the query names $servce, which is not defined"
    assert (problem.column, problem.hint) == (6, "did you mean $service?")


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        (_panel(title="Errors of $app"), "the title names $app"),
        (_panel(repeat="app"), "it repeats by 'app'"),
        (_panel(interval="$step"), "the minimum step names $step"),
        (_panel(datasource={"type": "prometheus", "uid": "$datasource"}), "the data source names $datasource"),
        (_panel(targets=[{"expr": "up", "legendFormat": "{{a}} $app"}]), "the legend names $app"),
    ],
)
def test_outside_queries_it_is_found_too(panel: Model, message: str) -> None:
    """An unknown data source or repeat breaks a panel as much as a query does."""
    (problem,) = _found(panel)

    assert problem.message.startswith(message)
    assert problem.hint


def test_a_variable_and_an_annotation_may_name_variables_too() -> None:
    """Chained variables are common, and break in the same way."""
    task = {
        "name": "task",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "$ds"},
        "query": 'label_values(up{service="$svc"}, task)',
    }
    notes = {"list": [{"name": "deploys", "datasource": PROMETHEUS, "expr": 'x{a="$svc"}'}]}
    found = _found(variables=[task], annotations=notes)

    assert [problem.message for problem in found] == [
        "the query names $svc, which is not defined",
        "the query names $svc, which is not defined",
        "the data source of variable 'task' names $ds, which is not defined",
    ]
    assert [problem.panel for problem in found[:2]] == ["deploys", "task"]
