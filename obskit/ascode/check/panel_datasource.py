"""Every panel, variable and annotation asks the data source that the reader has chosen.

What it looks for: a panel that asks something, one of its targets, a query variable or an
annotation whose data source is missing, fixed, or a variable that does not exist or is of
another type. Panels of mixed sources are judged by their targets; Grafana's own sources (its
annotations, another panel's data) are fine.

Why: a panel with a fixed source shows another environment than its neighbours, under the same
heading. Staging looks healthy while production burns.

How to mend it: set the data source to ``{"type": "prometheus", "uid": "${prometheus_datasource}"}``.

This is the rule panel-datasource-rule of Grafana's dashboard-linter, for all types of panels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._panels import BUILT_IN, MIXED, asks, source_of, source_variables, targets, variable_in
from obskit.ascode.check._shape import listed, mapping
from obskit.ascode.definition import Definition, Model, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield what asks a source that cannot be chosen."""
    for definition in case.definitions:
        for panel in definition.panels:
            if asks(panel):
                yield from _of_panel(definition, panel)
        yield from _of_others(definition)


def _of_panel(definition: Definition, panel: Model) -> Iterator[Problem]:
    hint = "set its data source to the dashboard's variable"
    if source_of(panel)[1] != MIXED and (wrong := _wrong(definition, panel)):
        yield definition.problem(wrong, panel=panel, hint=hint)
    for target in targets(panel):
        # A target without a source of its own takes the panel's, except where those are mixed.
        own = target.get("datasource") or source_of(panel)[1] == MIXED
        if own and (wrong := _wrong(definition, target)):
            yield definition.problem(f"query {target.get('refId') or '?'} {wrong}", panel=panel, hint=hint)


def _of_others(definition: Definition) -> Iterator[Problem]:
    variables = [("variable", v) for v in definition.variables if v.get("type") == "query"]
    notes = [("annotation", n) for n in listed(mapping(definition.model, "annotations").get("list"))]
    for role, owner in variables + notes:
        if not owner.get("builtIn") and (wrong := _wrong(definition, owner)):
            name = str(owner.get("name") or "")
            yield definition.problem(f"the {role} {name!r} {wrong}", line=definition.line_of(name))


def _wrong(definition: Definition, owner: Model) -> str:
    """Return what is wrong with a data source, or ""."""
    kind, uid = source_of(owner)
    if uid in BUILT_IN:
        return ""
    if not uid:
        return "asks whatever data source is Grafana's default"
    name = variable_in(uid)
    variables = source_variables(definition)
    if not name:
        return f"asks the fixed data source {uid!r}"
    if name not in variables:
        return f"asks the data source {uid!r}, and there is no such variable"
    if kind and kind != variables[name]:
        return f"asks {uid!r} as {kind}, and that variable chooses among sources of type {variables[name]}"
    return ""
