"""What Grafana's frontend writes into a dashboard's JSON when a person saves it, beside what they changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Model = dict[str, Any]

#: The newest of Grafana 13; older releases write a lower one, and none lowers what it finds.
SCHEMA_VERSION = 42
_BUILT_IN: Model = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
_DEFAULTS: Model = {
    "editable": True,
    "fiscalYearStartMonth": 0,
    "graphTooltip": 0,
    "links": [],
    "preload": False,
    "tags": [],
    "timepicker": {},
    "weekStart": "",
}
_CUSTOM: Model = {"axisBorderShow": False, "axisCenteredZero": False, "barWidthFactor": 0.6, "insertNulls": False}


def as_saved_by_the_frontend(model: Model, *, release: str, panel_defaults: bool) -> Model:
    """Return a copy with what the frontend adds.

    Args:
        model: A dashboard's JSON.
        release: Written as each panel's ``pluginVersion``.
        panel_defaults: Write down defaults of the panels' options and fields, too.
    """
    model = copy.deepcopy(model)
    model["schemaVersion"] = max(int(model.get("schemaVersion") or 0), SCHEMA_VERSION)
    for key, value in _DEFAULTS.items():
        model.setdefault(key, copy.deepcopy(value))
    notes = model.setdefault("annotations", {}).setdefault("list", [])
    if not any(note.get("builtIn") for note in notes):
        notes.insert(0, copy.deepcopy(_BUILT_IN))
    for variable in model.setdefault("templating", {}).setdefault("list", []):
        variable["current"] = _chosen(variable)
        variable.setdefault("options", [])
    for panel in _panels(model.get("panels")):
        if panel.get("type") == "row":
            continue
        panel["pluginVersion"] = release
        for target in panel.get("targets") or []:
            target["editorMode"] = "code"
            if not target.get("instant"):
                target.setdefault("range", True)
        if panel_defaults:
            _write_defaults(panel)
    return model


def _chosen(variable: Model) -> Model:
    """Return the current value: what happened to be chosen in that browser."""
    if variable.get("includeAll"):
        value: Any = ["$__all"] if variable.get("multi") else "$__all"
        return {"text": ["All"] if variable.get("multi") else "All", "value": value}
    chosen = str(variable.get("query") or "") if variable.get("type") in ("textbox", "constant") else "chosen-in-ui"
    return {"text": [chosen], "value": [chosen]} if variable.get("multi") else {"text": chosen, "value": chosen}


def _panels(panels: Any) -> Iterator[Model]:
    for panel in panels or []:
        yield panel
        yield from _panels(panel.get("panels"))


def _write_defaults(panel: Model) -> None:
    fields = panel.setdefault("fieldConfig", {})
    fields.setdefault("overrides", [])
    defaults = fields.setdefault("defaults", {})
    defaults.setdefault("mappings", [])
    if panel.get("type") == "timeseries":
        custom = defaults.setdefault("custom", {})
        for key, value in _CUSTOM.items():
            custom.setdefault(key, value)
        panel.setdefault("options", {}).setdefault("tooltip", {}).setdefault("hideZeros", False)
