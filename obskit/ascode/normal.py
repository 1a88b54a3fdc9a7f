"""Makes of what grafanalib writes what Grafana 13 would write itself.

grafanalib 0.7.1 emits keys of panels that no longer exist, nulls that mean "not set", a
threshold whose value is the text "null", and lists where objects belong. Grafana repairs that
on every load, by some thirty migrations, and shows it as a change when somebody saves. Here
it is repaired once, at build time.
"""

from __future__ import annotations

from typing import Any

from obskit.ascode.definition import Model

#: What Grafana 13 stores; nothing below would need a migration of an earlier one.
SCHEMA_VERSION = 42

#: Keys that no panel or dashboard has had since rows and Angular panels went.
_DEAD_OF_DASHBOARD = frozenset({"__inputs", "hideControls", "rows", "sharedCrosshair", "style", "gnetId"})
_DEAD_OF_PANEL = frozenset({"cacheTimeout", "editable", "error", "height", "minSpan", "span"})
_DEAD_OF_TARGET = frozenset({"metric", "query", "step", "target"})
_DEAD_OF_VARIABLE = frozenset({"useTags", "tags", "tagsQuery", "tagValuesQuery", "auto", "auto_min", "auto_count"})
_DEAD_OF_PICKER = frozenset({"time_options", "nowDelay"})
_DEAD_OF_STEP = frozenset({"op", "yaxis", "line", "index"})
#: Panels that only show what is in their options.
_WITHOUT_DATA = frozenset({"row", "text"})
_OF_ROWS = ("type", "id", "title", "gridPos", "collapsed", "repeat")
_BASE_STEPS: tuple[Model, ...] = ({"color": "green", "value": None},)


def normalised(model: Model) -> Model:
    """Return the dashboard as Grafana 13 would store it; the argument stays as it is.

    Args:
        model: Plain data, as JSON has it: no grafanalib objects inside.
    """
    found: Model = _without_nulls({key: value for key, value in model.items() if key not in _DEAD_OF_DASHBOARD})
    found["schemaVersion"] = SCHEMA_VERSION
    found["panels"] = [_panel(panel) for panel in found.get("panels") or ()]
    if "timepicker" in found:
        found["timepicker"] = _without(found["timepicker"], _DEAD_OF_PICKER)
    if not found.get("description"):
        found.pop("description", None)
    variables = (found.get("templating") or {}).get("list") or ()
    found["templating"] = {"list": [_variable(variable) for variable in variables]}
    found.setdefault("annotations", {"list": []})
    return found


def _panel(panel: Model) -> Model:
    found: Model = _without(panel, _DEAD_OF_PANEL)
    if found.get("type") == "row":
        inside = [_panel(p) for p in found.get("panels") or ()]
        return {"panels": inside, **{key: found[key] for key in _OF_ROWS if key in found}}
    if found.get("type") in _WITHOUT_DATA:
        for key in ("targets", "fieldConfig", "datasource", "maxDataPoints"):
            found.pop(key, None)
    if "fieldConfig" in found:
        found["fieldConfig"] = _field_config(found["fieldConfig"])
    if "targets" in found:
        found["targets"] = [_target(target) for target in found["targets"]]
    for key in ("links", "transformations"):
        if not found.get(key):
            found.pop(key, None)
    return found


def _field_config(config: Model) -> Model:
    defaults = dict(config.get("defaults") or {})
    if "thresholds" in defaults:
        defaults["thresholds"] = _thresholds(defaults["thresholds"])
    custom = defaults.get("custom")
    if isinstance(custom, dict) and custom.get("stacking") == {}:
        defaults["custom"] = {**custom, "stacking": {"group": "A", "mode": "none"}}
    if isinstance(custom, dict) and (custom.get("scaleDistribution") or {}).get("type") == "linear":
        defaults["custom"] = {**defaults["custom"], "scaleDistribution": {"type": "linear"}}
    return {"defaults": defaults, "overrides": config.get("overrides") or []}


def _thresholds(thresholds: Model) -> Model:
    """Return them with the first step open below, as Grafana needs it."""
    steps = thresholds.get("steps")
    found = [_without(step, _DEAD_OF_STEP) for step in steps] if isinstance(steps, list) else []
    if not found:
        found = [dict(step) for step in _BASE_STEPS]
    found[0]["value"] = None
    return {"mode": thresholds.get("mode", "absolute"), "steps": found}


def _target(target: Model) -> Model:
    found = _without(target, _DEAD_OF_TARGET)
    for key, empty in (("intervalFactor", 1), ("interval", ""), ("hide", False), ("instant", False)):
        if found.get(key) == empty:
            del found[key]
    return found


def _variable(variable: Model) -> Model:
    found = _without(variable, frozenset() if variable.get("type") == "interval" else _DEAD_OF_VARIABLE)
    if isinstance(found.get("current"), dict):
        found["current"] = _without(found["current"], frozenset({"tags"}))
        if "value" not in found["current"]:
            del found["current"]
    if not found.get("regex"):
        found.pop("regex", None)
    if not found.get("options"):
        found.pop("options", None)
    return found


def _without(mapping: Model, dead: frozenset[str]) -> Model:
    return {key: value for key, value in mapping.items() if key not in dead}


def _without_nulls(value: Any) -> Any:
    """Drop nulls: they say "not set". The open first threshold gets its own back."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list | tuple) else value
