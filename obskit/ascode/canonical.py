"""The dashboard without noise, so that what means the same compares equal.

Grafana rewrites what it stores: it numbers, migrates, fills defaults in and keeps what was
chosen last. None of that changes what a person sees. `canonical` takes it out; what is left
differs only where the dashboard does. A key that is not known to be a default stays: noise in
a diff is a nuisance, a change that is not shown is a loss.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from obskit.ascode.defaults import (
    ANNOTATION,
    BY_TYPE,
    DASHBOARD,
    FIELD,
    LINK,
    PANEL,
    TARGET,
    THRESHOLDS,
    VARIABLE,
    WHOLE,
)
from obskit.ascode.definition import Model

#: Keys that say nothing about what a person sees.
_NOISE_OF_DASHBOARD = frozenset(
    {"id", "version", "iteration", "schemaVersion", "gnetId", "__inputs", "__requires", "__elements"}
)
_NOISE_OF_PANEL = frozenset(
    {"pluginVersion", "autoMigrateFrom", "scopedVars", "snapshotData", "repeatIteration", "repeatPanelId"}
)
_NOISE_OF_TARGET = frozenset({"editorMode", "key"})
_NOISE_OF_VARIABLE = frozenset({"definition", "useTags", "tags", "tagsQuery", "tagValuesQuery", "state", "error"})
_NOISE_OF_ASKED = frozenset({"refId", "qryType"})
#: Variables whose choice is made anew by whoever looks at the dashboard, or by the data.
_CHOSEN_ANEW = frozenset({"query", "datasource"})
#: Variables whose first value is their query.
_SAID_BY_QUERY = frozenset({"constant", "textbox"})
#: Data sources that Grafana has built in, and the type that it gives them.
_BUILT_IN = {"-- Grafana --": "grafana", "-- Mixed --": "datasource", "-- Dashboard --": "datasource"}
_REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+)\]\]|\$\{(\w+)\}")


def canonical(model: Model, *, keep: Iterable[str] = ()) -> Model:
    """Return the dashboard without noise; the argument stays as it is.

    Args:
        model: A dashboard as Grafana or a definition has it; any shape, it may come from a server.
        keep: Keys of the dashboard that are kept although they are noise.

    Returns:
        The same for all that means the same. Panels stand by their position, tags are sorted.
    """
    model = _pruned(model)
    noise = _NOISE_OF_DASHBOARD - set(keep)
    variables = _dicts(_inside(model, "templating", "list"))
    sources = {str(v.get("name")): v.get("query") for v in variables if v.get("type") == "datasource"}
    found = _without({k: v for k, v in model.items() if k not in noise}, DASHBOARD)
    if isinstance(found.get("title"), str):
        found["title"] = found["title"].strip()  # as Grafana does with each save
    if found.get("refresh") is False:  # what versions before 6 wrote for "never"
        del found["refresh"]
    found["tags"] = sorted({str(tag) for tag in found.get("tags") or ()}) if _is_list(found, "tags") else None
    found["templating"] = {"list": [_variable(v, sources) for v in variables]}
    notes = [note for note in _dicts(_inside(model, "annotations", "list")) if not _is_built_in(note)]
    found["annotations"] = {"list": [_without(_sourced(note, sources), ANNOTATION) for note in notes]}
    found["links"] = [_without(link, LINK) for link in _dicts(found.get("links"))]
    found["panels"] = _panels(found.get("panels"), sources)
    cleaned: Model = _pruned(found)
    return cleaned


def fingerprint(model: Model) -> str:
    """Return 12 hexadecimal digits of what a save sends, for telling later whether a version is that save.

    It stands in the messages of versions that are years old, so that it must never change; what
    `canonical` takes for noise does, with each release of Grafana. Left out is only what a server
    may write another way although nobody edited anything: the numbers that it gives, what is
    empty, whole numbers with a point, white space around the title.
    """
    sent = {key: value for key, value in model.items() if key not in ("id", "uid", "version", "schemaVersion")}
    if isinstance(sent.get("title"), str):
        sent["title"] = sent["title"].strip()
    return hashlib.sha256(text_of(_bare(sent)).encode()).hexdigest()[:12]


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): bare for key, inner in value.items() if not _is_empty(bare := _bare(inner))}
    if isinstance(value, list | tuple):
        return [_bare(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def text_of(value: object) -> str:
    """Return JSON on one line, keys sorted; tells ``true`` from 1, as ``==`` does not."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _panels(found: object, sources: Mapping[str, object]) -> list[Model]:
    """Grafana lays panels out by their position, whatever their order in the file."""
    return sorted((_panel(panel, sources) for panel in _dicts(found)), key=_position)


def _position(panel: Model) -> tuple[float, float, str]:
    place = panel["gridPos"] if _is_dict(panel, "gridPos") else {}
    return _number(place.get("y")), _number(place.get("x")), str(panel.get("id"))


def _number(value: object) -> float:
    """Return a number to sort by: 0 of what is none, infinity of what no float can hold."""
    try:
        found = float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:
        return math.inf
    return 0.0 if math.isnan(found) else found


def _panel(panel: Model, sources: Mapping[str, object]) -> Model:
    kind = str(panel.get("type"))
    found = _without(_sourced({k: v for k, v in panel.items() if k not in _NOISE_OF_PANEL}, sources), PANEL)
    field, options = BY_TYPE.get(kind, ({}, {}))
    if _is_dict(found, "options"):
        found["options"] = _without(found["options"], options)
    if _is_dict(found, "fieldConfig"):
        found["fieldConfig"] = _field_config(found["fieldConfig"], field)
    found["links"] = [_without(link, LINK) for link in _dicts(found.get("links"))]
    found["targets"] = [_target(t, found.get("datasource"), sources) for t in _dicts(found.get("targets"))]
    if kind == "row":
        found.pop("datasource", None)
        found["panels"] = _panels(found.get("panels"), sources)
    return found


def _field_config(config: Model, defaults: Model) -> Model:
    found = dict(config)
    if _is_dict(found, "defaults"):
        field = dict(found["defaults"])
        if _is_dict(field, "thresholds"):
            whole = {"mode": "absolute", **field["thresholds"]}
            field["thresholds"] = whole if "steps" in whole and not _same(whole, THRESHOLDS) else None
        found["defaults"] = _without(field, FIELD | defaults)
    return found


def _target(target: Model, of_panel: object, sources: Mapping[str, object]) -> Model:
    found = _without(_sourced({k: v for k, v in target.items() if k not in _NOISE_OF_TARGET}, sources), TARGET)
    if _same(found.get("datasource"), of_panel):
        found.pop("datasource", None)  # what a query does not say, it takes from its panel
    instant, ranged = found.pop("instant", None) is True, found.pop("range", None) is True
    if found.get("queryType") in ("range", "instant"):  # Loki's newer word, which goes before the older two
        instant, ranged = found.pop("queryType") == "instant", False
    # Neither means a range query, so that only "instant" and "both" are worth a word.
    return found | {"instant": instant or None, "range": (instant and ranged) or None}


def _variable(variable: Model, sources: Mapping[str, object]) -> Model:
    kind = str(variable.get("type"))
    found = _without(_sourced({k: v for k, v in variable.items() if k not in _NOISE_OF_VARIABLE}, sources), VARIABLE)
    asked = found.get("query")
    if asked:
        found.pop("options", None)  # Grafana makes them from the query
    if kind in _CHOSEN_ANEW:
        found.pop("current", None)
        found.pop("options", None)
    if isinstance(asked, dict):
        asked = {k: v for k, v in asked.items() if k not in _NOISE_OF_ASKED}
        found["query"] = asked["query"] if list(asked) == ["query"] and isinstance(asked["query"], str) else asked
    if kind in _SAID_BY_QUERY and _is_dict(found, "current") and _alone(found["current"].get("value")) == asked:
        del found["current"]
    if _is_dict(found, "current"):
        found["current"] = {k: _alone(v) for k, v in found["current"].items() if k not in ("selected", "tags")}
    return found


def _sourced(owner: Model, sources: Mapping[str, object]) -> Model:
    """Return the owner with its data source as ``{type, uid}``, however it was written.

    A reference to a variable takes its type from the variable, where it does not say one.
    """
    source = owner.get("datasource")
    if isinstance(source, str):
        source = {"uid": source} if source else None
    if isinstance(source, dict):
        uid, name = str(source.get("uid") or ""), ""
        if match := _REFERENCE.fullmatch(uid):
            name = next(group for group in match.groups() if group)
            uid = f"${{{name}}}"
        kind = source.get("type") or sources.get(name) or _BUILT_IN.get(uid)
        source = {**source, "type": kind, "uid": uid or None}
    return {**owner, "datasource": source} if "datasource" in owner else owner


def _alone(value: object) -> object:
    """Return what a list of one holds: a choice of one is written either way."""
    return value[0] if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list) else value


def _is_built_in(note: Model) -> bool:
    return bool(note.get("builtIn")) or note.get("name") == "Annotations & Alerts"


def _without(found: Model, defaults: Model) -> Model:
    """Take out each key whose value is the default's; of nested tables, each nested key."""
    left = {}
    for key, value in found.items():
        usual = defaults.get(key)
        if isinstance(value, dict) and isinstance(usual, dict) and key not in WHOLE:
            left[key] = _without(value, usual)
        elif key not in defaults or not _same(value, usual):
            left[key] = value
    return left


def _pruned(value: Any) -> Any:
    """Drop nulls and what is empty from objects, and make whole numbers integers.

    The first step of thresholds is open below, whether its value is missing, null or 0: it gets
    the null that Grafana's own types ask for. Elements of lists keep their places.
    """
    if isinstance(value, dict):
        found = {key: cleaned for key, inner in value.items() if not _is_empty(cleaned := _pruned(inner))}
        steps = found.get("steps")
        first: Model = steps[0] if isinstance(steps, list) and steps and isinstance(steps[0], dict) else {}
        if "color" in first and first.get("value") in (None, 0, "null"):  # grafanalib writes the word
            found["steps"] = [{**first, "value": None}, *found["steps"][1:]]
        return found
    if isinstance(value, list | tuple):
        return [_pruned(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, dict | list) and not value)


def _same(one: object, other: object) -> bool:
    """Tell whether two pruned values are the same; ``true`` is not 1."""
    if isinstance(one, dict | list):
        return text_of(one) == text_of(other)
    return type(one) is type(other) and one == other


def _inside(model: Model, *keys: str) -> object:
    found: object = model
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _dicts(found: object) -> list[Model]:
    return [inner for inner in found if isinstance(inner, dict)] if isinstance(found, list | tuple) else []


def _is_dict(model: Model, key: str) -> bool:
    return isinstance(model.get(key), dict)


def _is_list(model: Model, key: str) -> bool:
    return isinstance(model.get(key), list | tuple)
