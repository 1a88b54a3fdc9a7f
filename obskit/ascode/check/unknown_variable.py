"""Every variable that is used is defined.

What it looks for: ``$name``, ``${name}`` and ``[[name]]`` in queries, titles, legends, minimum
steps, repeats and references to data sources, where neither the dashboard nor Grafana defines a
variable of that name. Groups of regular expressions (``$1``) and variables of Go templates are
no such mention.

Why: Grafana leaves an unknown name as it is. The query then asks for a service called
``$service``, finds nothing, and the panel says "No data".

How to mend it: define the variable in the dashboard, or correct its name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from obskit.ascode.check import Case
from obskit.ascode.definition import Definition, Model, Problem
from obskit.ascode.variables import unknown_references, variables_of


def problems(case: Case) -> Iterator[Problem]:
    """Yield a problem for each unknown name in each place."""
    for definition in case.definitions:
        yield from _of_queries(definition)
        for panel in definition.panels:
            yield from _of_panel(definition, panel)
        for variable in definition.variables:
            for name in _unknown(definition, _source(variable)):
                yield definition.problem(
                    f"the data source of variable {variable.get('name')!r} names ${name}, which is not defined",
                    hint=_hint(name, definition),
                )


def _of_queries(definition: Definition) -> Iterator[Problem]:
    for query in definition.queries:
        told = set()
        for found in unknown_references(query.text, definition.model):
            if found.name not in told:
                told.add(found.name)
                yield definition.problem(
                    f"the query names ${found.name}, which is not defined",
                    query=query,
                    column=found.start + 1,
                    hint=_hint(found.name, definition),
                )


def _of_panel(definition: Definition, panel: Model) -> Iterator[Problem]:
    listed = panel.get("targets")
    targets = [t for t in listed if isinstance(t, dict)] if isinstance(listed, list) else []
    places = {
        "title": [panel.get("title")],
        "data source": [_source(panel), *(_source(t) for t in targets)],
        "minimum step": [panel.get("interval"), *(t.get("interval") for t in targets)],
        "legend": [t.get("legendFormat") for t in targets],
    }
    for place, texts in places.items():
        for name in dict.fromkeys(name for text in texts for name in _unknown(definition, text)):
            yield definition.problem(
                f"the {place} names ${name}, which is not defined", panel=panel, hint=_hint(name, definition)
            )
    repeat = panel.get("repeat")
    if repeat and str(repeat) not in variables_of(definition.model):
        yield definition.problem(
            f"it repeats by {str(repeat)!r}, which is not defined", panel=panel, hint=_hint(str(repeat), definition)
        )


def _source(owner: Model) -> object:
    source = owner.get("datasource")
    return source.get("uid") if isinstance(source, dict) else source


def _unknown(definition: Definition, text: object) -> tuple[str, ...]:
    found = unknown_references(text, definition.model) if isinstance(text, str) else ()
    return tuple(dict.fromkeys(one.name for one in found))


def _hint(name: str, definition: Definition) -> str:
    known = list(variables_of(definition.model))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean ${near[0]}?" if near else "define it in the dashboard, or correct its name"
