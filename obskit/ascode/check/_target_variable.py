"""What the rules for ``job`` and ``instance`` share: a variable, and a matcher in every selector."""

from __future__ import annotations

from collections.abc import Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._panels import asks_prometheus, source_of, source_variables, variable_in
from obskit.ascode.definition import Definition, Model, Problem
from obskit.ascode.promql_tree import asked, mark, selectors


def variable_problems(case: Case, name: str) -> Iterator[Problem]:
    """Yield what is wrong with the variable of that name on dashboards that ask Prometheus."""
    for definition in case.definitions:
        if not asks_prometheus(definition) or _by_service(definition):
            continue
        variable = next((v for v in definition.variables if v.get("name") == name), None)
        if variable is None:
            yield definition.problem(
                f"there is no variable {name!r}",
                hint=f'board(..., select=("job", "instance")), or a variable: label_values(up, {name}); '
                "or exclude this check where targets are told apart by another label",
            )
        else:
            yield from _of(definition, variable, name)


def _by_service(definition: Definition) -> bool:
    """Return whether the reader chooses a service, which tells targets apart whatever job scrapes them."""
    return any(v.get("name") == "service" and source_of(v)[0] == "prometheus" for v in definition.variables)


def _of(definition: Definition, variable: Model, name: str) -> Iterator[Problem]:
    line = definition.line_of(name)
    label = str(variable.get("label") or "")
    chosen = variable_in(source_of(variable)[1])
    if variable.get("type") != "query":
        yield definition.problem(
            f"the variable {name!r} is of type {variable.get('type')!r}, not a query",
            line=line,
            hint=f"ask Prometheus: label_values(up, {name})",
        )
    elif source_variables(definition).get(chosen) != "prometheus":
        yield definition.problem(
            f"the variable {name!r} does not ask the Prometheus that the dashboard chooses",
            line=line,
            hint="set its data source to the variable",
        )
    if not variable.get("multi"):
        yield definition.problem(f"the variable {name!r} takes one value only", line=line, hint="set multi")
    if variable.get("allValue") != ".+":
        yield definition.problem(
            f"all of the variable {name!r} is {variable.get('allValue')!r}", line=line, hint='set allValue to ".+"'
        )
    if label.lower() != name:
        yield definition.problem(
            f"the variable {name!r} is labelled {label!r}",
            line=line,
            severity="warning",
            hint=f"label it {name.capitalize()!r}",
        )


def matcher_problems(case: Case, name: str) -> Iterator[Problem]:
    """Yield each PromQL query of a panel with a selector that does not match the variable, one of `KEPT`."""
    for definition in case.definitions:
        if _by_service(definition):
            continue
        for query, root in asked(definition):
            if query.role != "panel":
                continue
            without = [s for s in selectors(root, query.text) if (name, "=~", mark(name)) not in s.matchers]
            if without:
                yield definition.problem(
                    f"{', '.join(dict.fromkeys(map(str, without)))} is not narrowed by {name}",
                    query=query,
                    column=without[0].column,
                    hint=f'add {name}=~"${name}" to the selector; '
                    "or exclude this check where targets are told apart by another label",
                )
