"""Which panels a rule is about, and which data source each of them asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from obskit.ascode.check._shape import listed
from obskit.ascode.definition import Definition, Model

#: Panels that ask nobody anything.
_SILENT = frozenset({"row", "text", "dashlist", "news", "alertlist", "annolist", "welcome", "gettingstarted"})
#: Panels that draw numbers on a scale or print them.
_NUMBERS = frozenset(
    {
        "barchart",
        "bargauge",
        "gauge",
        "graph",
        "heatmap",
        "histogram",
        "piechart",
        "singlestat",
        "stat",
        "table",
        "timeseries",
        "trend",
    }
)
#: Data sources of Grafana itself; there is nothing to choose.
BUILT_IN = frozenset({"grafana", "-- Grafana --", "-- Dashboard --"})
MIXED = "-- Mixed --"


def asks(panel: Model) -> bool:
    """Return whether a panel shows what a data source answers; a library panel is defined elsewhere."""
    return str(panel.get("type")) not in _SILENT and not panel.get("libraryPanel")


def draws_numbers(panel: Model) -> bool:
    """Return whether a panel shows numbers, whose unit a reader needs."""
    return str(panel.get("type")) in _NUMBERS and not panel.get("libraryPanel")


def targets(panel: Model) -> tuple[Model, ...]:
    """Return what a panel asks."""
    return listed(panel.get("targets"))


def source_of(owner: Model) -> tuple[str, str]:
    """Return type and uid of the data source of a panel, target, variable or annotation, "" where unset."""
    source = owner.get("datasource")
    if isinstance(source, dict):
        return str(source.get("type") or ""), str(source.get("uid") or "")
    return "", str(source or "")


def variable_in(uid: str) -> str:
    """Return the variable that a data source is chosen by, "" when it is fixed."""
    found = re.fullmatch(r"\$(\w+)|\$\{(\w+)\}", uid)
    return (found.group(1) or found.group(2)) if found else ""


def source_variables(definition: Definition) -> dict[str, str]:
    """Return the type of each data source variable, by name."""
    return {str(v.get("name")): str(v.get("query")) for v in definition.variables if v.get("type") == "datasource"}


def asks_prometheus(definition: Definition) -> bool:
    """Return whether some panel asks in PromQL."""
    return any(query.language == "PromQL" and query.role == "panel" for query in definition.queries)


def groups(definition: Definition) -> Iterator[tuple[str, tuple[Model, ...]]]:
    """Yield the heading and the panels of each row; "" heads what stands before the first one."""
    heading: str = ""
    open_row: list[Model] = []
    for panel in listed(definition.model.get("panels")):
        if panel.get("type") != "row":
            open_row.append(panel)
            continue
        yield heading, tuple(open_row)
        heading = str(panel.get("title") or "")
        open_row = list(listed(panel.get("panels")))
    yield heading, tuple(open_row)
