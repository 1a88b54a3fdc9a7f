"""A unit that Grafana would print as a bare word is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.ascode.check import Case
from obskit.ascode.check.panel_unit_known import problems
from obskit.ascode.definition import Definition, Model, Problem


def _found(config: object) -> list[Problem]:
    model: Model = {"panels": [{"type": "stat", "title": "Errors", "fieldConfig": config}]}
    one = Definition(name="x", path=Path("x.dashboard.py"), source="", model=model)
    return list(problems(Case(definitions=(one,))))


def _override(unit: object) -> Model:
    return {
        "matcher": {"id": "byName", "options": "a"},
        "properties": [{"id": "min", "value": 0}, {"id": "unit", "value": unit}],
    }


@pytest.mark.parametrize(
    "config",
    [
        {"defaults": {"unit": "percentunit"}, "overrides": [_override("suffix:pods")]},
        {"defaults": {"unit": ""}, "overrides": [_override(None)]},
        {"defaults": {}},
        {},
        None,
        {"defaults": [], "overrides": [3, {"properties": [None]}]},
    ],
)
def test_known_units_and_none_at_all_are_fine(config: object) -> None:
    """Whether there has to be a unit is another rule; odd shapes are the structure's."""
    assert not _found(config)


def test_an_unknown_unit_is_named_with_its_place_and_what_was_meant() -> None:
    """In the defaults and in each override."""
    found = _found({"defaults": {"unit": "rqps"}, "overrides": [_override("s"), _override("byts")]})

    assert [(problem.message, problem.hint) for problem in found] == [
        ("fieldConfig.defaults.unit is 'rqps', which Grafana does not know", "did you mean reqps?"),
        ("fieldConfig.overrides[1].properties[1].value is 'byts', which Grafana does not know", "did you mean bytes?"),
    ]
    assert {"Errors"} == {problem.panel for problem in found}


def test_a_unit_that_is_like_none_gets_a_way_out() -> None:
    """A hint is always a thing to do."""
    (problem,) = _found({"defaults": {"unit": "zzzzzz"}})

    assert "suffix:" in problem.hint


def test_a_unit_that_is_no_text_is_told() -> None:
    """A number in its place is a mistake in the definition."""
    (problem,) = _found({"defaults": {"unit": 5}})

    assert problem.message == "fieldConfig.defaults.unit is 5, which is no text"
