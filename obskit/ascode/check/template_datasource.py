"""The data source is a variable, and is called what every other dashboard calls it.

What it looks for: a dashboard that asks something and has no variable of type ``datasource``;
one that is named otherwise than ``datasource`` or ``TYPE_datasource`` (``prometheus_datasource``,
``loki_datasource``), or labelled otherwise than "Data source" or "TYPE data source". One for
each type is fine; a second of the same type is not.

Why: a dashboard with a fixed data source shows one environment only. At night, somebody looks
at the wrong one without noticing, or edits the dashboard under pressure. And a link between two
dashboards hands the choice on only when both call it the same.

How to mend it: add the variable, or rename it. `obskit.ascode.board` makes it by itself.

This is the rule template-datasource-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._panels import asks, source_variables
from obskit.ascode.definition import Definition, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield a problem for each data source variable that is missing or misnamed."""
    for definition in case.definitions:
        if any(asks(panel) for panel in definition.panels) or source_variables(definition):
            yield from _of(definition)


def _of(definition: Definition) -> Iterator[Problem]:
    found = [v for v in definition.variables if v.get("type") == "datasource"]
    if not found:
        yield definition.problem(
            "there is no variable for the data source", hint="add one of type datasource, named datasource"
        )
    seen: set[str] = set()
    for variable in found:
        kind, name, label = (str(variable.get(key) or "") for key in ("query", "name", "label"))
        line = definition.line_of(name)
        if name not in ("datasource", f"{kind}_datasource"):
            yield definition.problem(
                f"the data source variable {name!r} has a name of its own",
                line=line,
                hint=f"call it datasource or {kind}_datasource",
            )
        if label.lower() not in ("data source", f"{kind} data source"):
            yield definition.problem(
                f"the data source variable {name!r} is labelled {label!r}",
                line=line,
                severity="warning",
                hint=f'label it "Data source" or "{kind.capitalize()} data source"',
            )
        if kind in seen:
            yield definition.problem(f"{name!r} is a second variable for a data source of type {kind}", line=line)
        seen.add(kind)
