"""Every panel that shows numbers has a unit.

What it looks for: a panel of numbers without a unit, neither for all its fields nor in an
override. Panels with value mappings show words, and so do stats of a text field: they need none.
(Whether Grafana knows the unit is the check `panel-unit-known`.)

Why: 0.25 is a quarter of a second, a quarter of a CPU, or 25 %. Who has to guess guesses wrong
once, and once is enough.

How to mend it: build the panel from a signal, which brings its unit; or set one. A bare number
has the unit ``none`` or ``short``.

This is the rule panel-units-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._panels import asks, draws_numbers
from obskit.ascode.check._shape import listed, mapping
from obskit.ascode.definition import Model, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel of numbers without a unit."""
    for definition in case.definitions:
        for panel in definition.panels:
            if asks(panel) and draws_numbers(panel) and not _units(panel) and not _shows_words(panel):
                yield definition.problem("the panel has no unit", panel=panel, hint="set one; none for a bare number")


def _units(panel: Model) -> list[object]:
    options = mapping(panel, "options")
    # A heatmap has the unit of its axis and that of its cells in its options.
    axes = [options.get(part) for part in ("yAxis", "cellValues")]
    found = [_defaults(panel).get("unit"), *_overridden(panel, "unit")]
    return [unit for unit in (*found, *(a.get("unit") for a in axes if isinstance(a, dict))) if unit]


def _shows_words(panel: Model) -> bool:
    reduced = mapping(panel, "options", "reduceOptions")
    mapped = _defaults(panel).get("mappings") or any(_overridden(panel, "mappings"))
    return bool(mapped) or (panel.get("type") == "stat" and bool(reduced.get("fields")))


def _defaults(panel: Model) -> Model:
    return mapping(panel, "fieldConfig", "defaults")


def _overridden(panel: Model, key: str) -> Iterator[object]:
    for override in listed(mapping(panel, "fieldConfig").get("overrides")):
        for changed in listed(override.get("properties")):
            if changed.get("id") == key:
                yield changed.get("value")
