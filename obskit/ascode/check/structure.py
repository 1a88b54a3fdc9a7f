"""The JSON has the shape that Grafana writes itself.

What it looks for: keys that Grafana does not know, values of the wrong type, kinds of panel that
do not exist, and keys that Grafana would fill in. It holds the dashboard, every panel, its
options, its field settings and their overrides against JSON Schemas made of Grafana's own types
(the npm package @grafana/schema at the version pinned in ``obskit/ascode/node/package.json``).

Why: Grafana accepts nearly everything and repairs it on each load: what it does not know does
nothing, a wrong type falls back to a default without a word, and the first person to press Save
sees a page of changes that nobody made.

How to mend it: the path names the place in the panel's JSON. A dead key goes; a wrong type is
put right; a missing key (a warning) gets Grafana's default. In a grafanalib panel, ``extraJson``
reaches every key.

Needs npm once, to fetch the types, and nothing afterwards.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from obskit.ascode import npm
from obskit.ascode.check import Case
from obskit.ascode.check._grafana_types import Deviation, has_schema
from obskit.ascode.check._grafana_types import deviations as deviations_from
from obskit.ascode.definition import Definition, Model, Problem

#: Kinds of panel whose types are published under another name.
_KINDS = {
    "annolist": "annotationslist",
    "dashlist": "dashboardlist",
    "nodeGraph": "nodegraph",
    "state-timeline": "statetimeline",
    "status-history": "statushistory",
}
#: All kinds that Grafana 13 brings along and has types of.
_TYPED = frozenset({"barchart", "bargauge", "candlestick", "canvas", "debug", "gauge", "heatmap", "histogram", "logs"})
_TYPED |= {"logstable", "news", "piechart", "stat", "table", "text", "timeseries", "trend", "xychart", *_KINDS}
#: Those that it has none of, or none that a schema can be made of (geomap): only what all panels share is checked.
_UNTYPED = frozenset({"alertlist", "datagrid", "flamegraph", "geomap", "gettingstarted", "live", "traces", "welcome"})
#: Kinds that are gone since Grafana 12, and what took their place.
_GONE = {
    "graph": "timeseries",
    "singlestat": "stat",
    "table-old": "table",
    "grafana-piechart-panel": "piechart",
    "grafana-worldmap-panel": "geomap",
}


def problems(case: Case) -> Iterator[Problem]:
    """Yield a problem for each deviation; a warning where Grafana fills in a default.

    Raises:
        Skipped: There is no npm to fetch the types with.
    """
    if not case.definitions:
        return
    folder = npm.tools()
    for definition in case.definitions:
        for panel, found in of_dashboard(definition.model, definition.panels, folder):
            yield definition.problem(
                str(found),
                panel=panel,
                severity="warning" if found.filled else "error",
                hint="write Grafana's default out, or it shows as a change when somebody saves" if found.filled else "",
            )


def deviations(model: Model, folder: Path | None = None) -> list[str]:
    """Return what a dashboard's JSON has that Grafana's types have not: ``panel 'Errors': options.legend …``.

    Args:
        model: The dashboard.
        folder: Where the types are; see `obskit.ascode.npm.tools`.

    Raises:
        Skipped: There is no npm to fetch the types with.
    """
    definition = Definition(name="", path=Path(), source="", model=model)
    found = of_dashboard(model, definition.panels, npm.tools(folder))
    return [f"panel {panel.get('title', '')!r}: {one}" if panel is not None else str(one) for panel, one in found]


def of_dashboard(model: Model, panels: tuple[Model, ...], folder: Path) -> Iterator[tuple[Model | None, Deviation]]:
    """Yield every deviation with the panel that it is in.

    Panels are checked one by one, by their kind: against the union of all kinds, no message
    would say what is wrong.
    """
    for found in deviations_from({**model, "panels": []}, folder, "dashboard.Dashboard"):
        yield None, found
    if not isinstance(model.get("panels", []), list) or any(not isinstance(p, dict) for p in model.get("panels", [])):
        yield None, Deviation(path="panels", said="is not a list of objects")
    for panel in panels:
        for found in _of_panel(panel, folder):
            yield panel, found


def _of_panel(panel: Model, folder: Path) -> Iterator[Deviation]:
    kind = panel.get("type")
    if kind == "row":
        yield from deviations_from({**panel, "panels": []}, folder, "dashboard.RowPanel")
        return
    yield from deviations_from(panel, folder, "dashboard.Panel")
    if not isinstance(kind, str):
        return
    if kind in _TYPED:
        yield from _of_kind(panel, _KINDS.get(kind, kind), folder)
    elif kind not in _UNTYPED and not panel.get("libraryPanel"):
        near = _GONE.get(kind) or next(iter(difflib.get_close_matches(kind, sorted(_TYPED | _UNTYPED), n=1)), "")
        meant = f"; did you mean {near!r}?" if near else ""
        yield Deviation(path="type", said=f"is {kind!r}, which Grafana does not bring along{meant}")


def _of_kind(panel: Model, kind: str, folder: Path) -> Iterator[Deviation]:
    """Check what differs from kind to kind; what all share was checked before, so odd shapes are passed over here."""
    options = panel.get("options", {})
    if isinstance(options, dict):
        yield from deviations_from(options, folder, f"{kind}.Options", "options")
    config = panel.get("fieldConfig")
    config = config if isinstance(config, dict) else {}
    defaults = config.get("defaults")
    custom = defaults.get("custom") if isinstance(defaults, dict) else None
    own = f"{kind}.FieldConfig"
    if custom and not has_schema(folder, own):
        yield Deviation(path="fieldConfig.defaults.custom", said=f"is nothing that a {kind} panel knows")
    elif custom:
        yield from deviations_from(custom, folder, own, "fieldConfig.defaults.custom")
    for number, override in enumerate(_dicts(config.get("overrides"))):
        for place, given in enumerate(_dicts(override.get("properties"))):
            path = f"fieldConfig.overrides[{number}].properties[{place}]"
            yield from _of_override(given, path, own, folder)


def _of_override(given: Model, path: str, own: str, folder: Path) -> Iterator[Deviation]:
    """Check one override's value by the setting that its id names: ``unit``, ``custom.lineWidth``."""
    name = given.get("id")
    if not isinstance(name, str) or given.get("value") is None:
        return
    inside = tuple(name.split("."))
    if inside[0] == "custom" and not has_schema(folder, own):
        yield Deviation(path=f"{path}.id", said=f"is {name!r}, which a {own.partition('.')[0]} panel does not know")
    elif inside[0] == "custom":
        yield from deviations_from(given["value"], folder, own, f"{path} ({name})", inside[1:])
    else:
        shared = ("fieldConfig", "defaults", *inside)
        yield from deviations_from(given["value"], folder, "dashboard.Panel", f"{path} ({name})", shared)


def _dicts(value: object) -> list[Model]:
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []
