"""What means the same is the same, whatever Grafana wrote into it; what does not is not."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.ascode.canonical import canonical, fingerprint
from obskit.ascode.compare import differences
from obskit.ascode.defaults import ANNOTATION, BY_TYPE, DASHBOARD, LINK, PANEL, TARGET, THRESHOLDS, VARIABLE
from obskit.ascode.definition import Model

#: A seed instead of hypothesis's own dice: one drawn number decides the whole dashboard.
DICE = st.builds(random.Random, st.integers(min_value=0, max_value=2**32))
SOURCE = {"type": "prometheus", "uid": "${prometheus_datasource}"}


def board() -> Model:
    """Return a dashboard with one of everything that our definitions write."""
    return {
        "uid": "obskit-incident",
        "title": "Incident",
        "tags": ["obskit", "triage"],
        "schemaVersion": 42,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "links": [{"title": "Runbooks", "type": "link", "url": "https://runbooks.example/", "targetBlank": True}],
        "annotations": {
            "list": [
                {"name": "Deployments", "datasource": {"type": "loki", "uid": "${loki_datasource}"}, "expr": "{a=`b`}"}
            ]
        },
        "templating": {
            "list": [
                {"name": "prometheus_datasource", "type": "datasource", "query": "prometheus"},
                {"name": "loki_datasource", "type": "datasource", "query": "loki"},
                {
                    "name": "service",
                    "type": "query",
                    "datasource": SOURCE,
                    "query": "label_values(up, job)",
                    "refresh": 2,
                    "includeAll": True,
                    "allValue": ".+",
                },
                {"name": "span", "type": "interval", "query": "5m,1h", "current": {"text": "5m", "value": "5m"}},
            ]
        },
        "panels": [
            {"id": 1, "type": "row", "title": "Users", "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0}},
            {
                "id": 11,
                "type": "timeseries",
                "title": "Latency p95",
                "description": "Seconds that one request in twenty exceeds.",
                "datasource": SOURCE,
                "gridPos": {"h": 8, "w": 12, "x": 0, "y": 1},
                "fieldConfig": {
                    "defaults": {
                        "unit": "s",
                        "custom": {"fillOpacity": 10, "thresholdsStyle": {"mode": "dashed"}},
                        "thresholds": {
                            "mode": "absolute",
                            "steps": [{"color": "green", "value": None}, {"color": "orange", "value": 0.5}],
                        },
                    },
                    "overrides": [
                        {
                            "matcher": {"id": "byName", "options": "worst"},
                            "properties": [{"id": "custom.lineWidth", "value": 2}],
                        }
                    ],
                },
                "options": {"tooltip": {"mode": "multi", "sort": "desc"}},
                "targets": [
                    {"refId": "A", "expr": "histogram_quantile(0.95, x)", "legendFormat": "{{service}}"},
                    {"refId": "B", "expr": "vector(1)", "instant": True},
                ],
            },
            {
                "id": 12,
                "type": "stat",
                "title": "Error ratio",
                "datasource": SOURCE,
                "gridPos": {"h": 4, "w": 4, "x": 12, "y": 1},
                "fieldConfig": {"defaults": {"unit": "percentunit", "noValue": "no data"}},
                "options": {"colorMode": "background"},
                "targets": [{"refId": "A", "expr": "errors / requests"}],
            },
            {
                "id": 2,
                "type": "row",
                "title": "Logs",
                "collapsed": True,
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": 9},
                "panels": [
                    {
                        "id": 21,
                        "type": "logs",
                        "title": "Errors",
                        "datasource": {"type": "loki", "uid": "${loki_datasource}"},
                        "gridPos": {"h": 10, "w": 24, "x": 0, "y": 10},
                        "options": {"showTime": True},
                        "targets": [{"refId": "A", "expr": "{service=~`$service`} |= `error`", "maxLines": 200}],
                    }
                ],
            },
        ],
    }


def panels_of(model: Model) -> Iterator[Model]:
    """Yield all panels, those inside rows too."""
    for panel in model["panels"]:
        yield panel
        yield from panel.get("panels", ())


def dicts_of(value: Any) -> Iterator[Model]:
    """Yield every object of the model."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from dicts_of(inner)
    if isinstance(value, dict):
        yield value


def fill(owner: Model, usual: Model, dice: random.Random) -> None:
    """Write some of the defaults into an object, where it says nothing itself."""
    for key, value in usual.items():
        if isinstance(value, dict) and isinstance(owner.get(key, {}), dict) and dice.random() < 0.8:
            if key in owner and key in ("time", "color", "hideFrom"):
                continue
            nested = owner.setdefault(key, {})
            fill(nested, value, dice) if key not in ("time", "color", "hideFrom") else nested.update(value)
        elif key not in owner and dice.random() < 0.8:
            owner[key] = copy.deepcopy(value)


def noisy(model: Model, dice: random.Random) -> Model:
    """Return the model as a Grafana may hold it after somebody looked at it and pressed save."""
    found = copy.deepcopy(model)
    fill(found, DASHBOARD, dice)
    found |= {"id": dice.randrange(999), "version": dice.randrange(99), "iteration": 1, "schemaVersion": 36}
    found |= {"gnetId": None, "__inputs": [], "__requires": [{"type": "grafana"}]}
    found["annotations"]["list"].insert(0, {"builtIn": 1, "name": "Annotations & Alerts", "enable": True, "hide": True})
    for note in found["annotations"]["list"]:
        fill(note, ANNOTATION, dice)
    for link in found["links"]:
        fill(link, LINK, dice)
    for variable in found["templating"]["list"]:
        fill(variable, VARIABLE, dice)
        if variable["type"] in ("query", "datasource"):
            variable |= {"current": {"text": "All", "value": "$__all"}, "options": [{"text": "a", "value": "a"}]}
        if variable["type"] == "query":
            variable |= {"definition": "label_values(up, job)", "query": {"query": variable["query"], "refId": "S"}}
        else:
            variable["options"] = [{"selected": True, "text": "5m", "value": "5m"}]
            variable.setdefault("current", {})["selected"] = dice.random() < 0.5
    for panel in panels_of(found):
        _fill_panel(panel, dice)
    dice.shuffle(found["panels"])
    dice.shuffle(found["tags"])
    for owner in list(dicts_of(found)):
        nothing: tuple[Any, ...] = (None, [], {})
        owner |= {f"zz{dice.randrange(9)}": empty for empty in nothing if dice.random() < 0.3}
    return found


def _fill_panel(panel: Model, dice: random.Random) -> None:
    fill(panel, PANEL, dice)
    panel["pluginVersion"] = f"{dice.randrange(9, 14)}.0.0"
    if panel["type"] == "row":
        return
    field, options = BY_TYPE[panel["type"]]
    config = panel.setdefault("fieldConfig", {}).setdefault("defaults", {})
    fill(config, {**field, **({} if "thresholds" in config else {"thresholds": THRESHOLDS})}, dice)
    fill(panel.setdefault("options", {}), options, dice)
    for target in panel["targets"]:
        fill(target, TARGET, dice)
        target |= {"editorMode": dice.choice(["code", "builder"]), "datasource": copy.deepcopy(panel["datasource"])}
        if not target.get("instant"):
            target |= {"range": True, "instant": False}
    if dice.random() < 0.5 and panel["datasource"]["uid"].startswith("$"):
        panel["datasource"] = {"uid": panel["datasource"]["uid"]}  # the variable says the type
    for step in config.get("thresholds", {}).get("steps", ())[:1]:
        step["value"] = dice.choice([None, 0, "null"])


@given(DICE)
def test_noise_changes_nothing(dice: random.Random) -> None:
    """Whatever Grafana fills in, numbers, reorders or keeps of a visit, the dashboard is the same."""
    model, found = board(), noisy(board(), dice)

    assert canonical(model) == canonical(found)
    assert differences(model, found) == ()


@given(DICE)
def test_it_is_done_after_once(dice: random.Random) -> None:
    """What is canonical stays as it is."""
    once = canonical(noisy(board(), dice))

    assert canonical(once) == once


KEYS = (
    *("panels", "targets", "templating", "annotations", "links", "list", "tags", "datasource", "type", "title", "id"),
    *("uid", "gridPos", "y", "x", "query", "fieldConfig", "defaults", "thresholds", "steps", "color", "value"),
    *("options", "custom", "current", "refId", "expr", "instant"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "panels",
                    "targets",
                    "templating",
                    "annotations",
                    "links",
                    "list",
                    "tags",
                    "datasource",
                    "type",
                    "title",
                    "id",
                    "uid",
                    "gridPos",
                    "y",
                    "x",
                    "query",
                    "fieldConfig",
                    "defaults",
                    "thresholds",
                    "steps",
                    "color",
                    "value",
                    "options",
                    "custom",
                    "current",
                    "refId",
                    "expr",
                    "instant",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["panels", "templating", "annotations", "links", "tags", "time"]), JSON))
def test_no_shape_that_a_server_may_send_breaks_it(model: Model) -> None:
    """A dashboard of another hand may hold anything; it is done after once, and differs not from itself."""
    once = canonical(model)

    assert canonical(once) == once
    assert differences(model, model) == ()


def at(*path: str | int) -> Callable[[Model, Any], str]:
    """Return what sets the value at a path of a dashboard."""

    def change(model: Model, value: Any) -> str:
        owner: Any = model
        for key in path[:-1]:
            owner = owner[key]
        owner[path[-1]] = value
        return ""

    return change


FIELD = ("panels", 1, "fieldConfig", "defaults")


@pytest.mark.parametrize(
    ("change", "value", "path"),
    [
        (at("title"), "Incidents", "title"),
        (at("refresh"), "1m", "refresh"),
        (at("time"), {"from": "now-2h", "to": "now"}, "time.from"),
        (at("editable"), False, "editable"),
        (at("tags"), ["obskit"], "tags"),
        (at("links", 0, "url"), "https://other.example/", "links[Runbooks].url"),
        (at("annotations", "list", 0, "expr"), "{a=`c`}", "annotations[Deployments].expr"),
        (at("annotations", "list", 0, "enable"), False, "annotations[Deployments].enable"),
        (at("templating", "list", 2, "allValue"), ".*", "templating[service].allValue"),
        (at("templating", "list", 2, "query"), "label_values(up, service)", "templating[service].query"),
        (at("templating", "list", 2, "refresh"), 1, "templating[service].refresh"),
        (at("templating", "list", 3, "current"), {"text": "1h", "value": "1h"}, "templating[span].current.text"),
        (at("panels", 1, "title"), "Latency", "panels[Latency p95].title"),
        (at("panels", 1, "gridPos", "w"), 24, "panels[Latency p95].gridPos.w"),
        (at("panels", 1, "targets", 0, "expr"), "x", "panels[Latency p95].targets[A].expr"),
        (at("panels", 1, "targets", 0, "legendFormat"), "{{task}}", "panels[Latency p95].targets[A].legendFormat"),
        (at("panels", 1, "targets", 1, "instant"), False, "panels[Latency p95].targets[B].instant"),
        (at("panels", 1, "targets", 0, "hide"), True, "panels[Latency p95].targets[A].hide"),
        (at(*FIELD, "unit"), "ms", "panels[Latency p95].fieldConfig.defaults.unit"),
        (
            at(*FIELD, "thresholds", "steps", 1, "value"),
            0.7,
            "panels[Latency p95].fieldConfig.defaults.thresholds.steps[1].value",
        ),
        (
            at(*FIELD, "thresholds", "steps", 0, "color"),
            "red",
            "panels[Latency p95].fieldConfig.defaults.thresholds.steps[0].color",
        ),
        (
            at(*FIELD, "thresholds", "mode"),
            "percentage",
            "panels[Latency p95].fieldConfig.defaults.thresholds.mode",
        ),
        (at(*FIELD, "custom", "fillOpacity"), 0, "panels[Latency p95].fieldConfig.defaults.custom.fillOpacity"),
        (
            at("panels", 1, "fieldConfig", "overrides", 0, "properties", 0, "value"),
            3,
            "panels[Latency p95].fieldConfig.overrides[0].properties[custom.lineWidth].value",
        ),
        (at("panels", 2, "options", "colorMode"), "value", "panels[Error ratio].options.colorMode"),
        (at("panels", 3, "panels", 0, "targets", 0, "expr"), "{a=`b`}", "panels[Errors].targets[A].expr"),
        (at("panels", 2, "datasource"), {"type": "prometheus", "uid": "other"}, "panels[Error ratio].datasource.uid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@settings(max_examples=15)
@given(dice=DICE)
def test_a_change_is_seen_through_all_noise(
    change: Callable[[Model, Any], str], value: Any, path: str, dice: random.Random
) -> None:
    """Each change of a query, title, threshold, unit and the like is reported, at its place and at no other."""
    new = board()
    change(new, value)
    places = {found.path for found in differences(noisy(board(), dice), noisy(new, dice))}

    assert fingerprint(new) != fingerprint(board())
    assert path in places
    assert all(place.rpartition(".")[0] == path.rpartition(".")[0] for place in places)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"datasource": "${prometheus_datasource}"}, {"datasource": SOURCE}),
        ({"datasource": "$prometheus_datasource"}, {"datasource": SOURCE}),
        ({"datasource": "-- Mixed --"}, {"datasource": {"type": "datasource", "uid": "-- Mixed --"}}),
        ({"datasource": "prom-main"}, {"datasource": {"uid": "prom-main"}}),
        ({"targets": [{"expr": "x", "queryType": "range"}]}, {"targets": [{"expr": "x"}]}),
        ({"targets": [{"expr": "x", "queryType": "instant"}]}, {"targets": [{"expr": "x", "instant": True}]}),
        ({"targets": [{"expr": "x", "instant": True, "range": False}]}, {"targets": [{"expr": "x", "instant": True}]}),
        ({"fieldConfig": {"defaults": {"min": 0.0}}}, {"fieldConfig": {"defaults": {"min": 0}}}),
    ],
)
def test_an_older_way_to_say_it_is_the_same(one: Model, other: Model) -> None:
    """Data sources by name, instant queries in older words, whole numbers as floats."""
    variables = {"list": [{"name": "prometheus_datasource", "type": "datasource", "query": "prometheus"}]}
    old, new = (
        {"templating": variables, "panels": [{"id": 1, "type": "timeseries", **panel}]} for panel in (one, other)
    )

    assert canonical(old) == canonical(new)


def test_true_is_not_one() -> None:
    """Python calls them equal; Grafana does not."""
    old, new = ({"panels": [{"id": 1, "options": {"x": value}}]} for value in (True, 1))

    assert [c.path for c in differences(old, new)] == ["panels[#1].options.x"]


def test_what_is_kept_on_purpose_is_kept() -> None:
    """A file in a repository keeps its schema's version."""
    assert canonical(board(), keep=("schemaVersion",))["schemaVersion"] == 42
    assert "schemaVersion" not in canonical(board())


def test_a_fingerprint_never_changes() -> None:
    """It stands in the messages of versions that are in Grafana already: another release must still know them."""
    model = {"title": "T", "tags": ["obskit"], "time": {"from": "now-1h"}, "panels": [{"id": 1, "gridPos": {"y": 2}}]}

    assert fingerprint(model) == "431973b733e3"


def test_a_fingerprint_leaves_out_only_what_a_server_writes_by_itself() -> None:
    """Numbers, what is empty, a point after a whole number; a default that somebody wrote down is content."""
    model = {"title": "T", "panels": [{"id": 1, "y": 2}]}
    stored = {
        "id": 9,
        "uid": "u",
        "version": 3,
        "title": " T ",
        "links": [],
        "panels": [{"id": 1, "y": 2.0, "x": None}],
    }

    assert fingerprint(stored) == fingerprint(model)
    assert fingerprint({**model, "editable": True}) != fingerprint(model)
    assert fingerprint({**model, "title": "U"}) != fingerprint(model)


@pytest.mark.parametrize("y", [10**400, -(10**400), float("inf"), float("nan"), True, "1", None, [1], {"a": 1}])
def test_a_position_may_be_any_json(y: object) -> None:
    """Such a panel stands somewhere, and breaks nothing."""
    model = {"panels": [{"id": n, "gridPos": {"y": y, "x": y}} for n in (2, 1)]}

    assert [panel["id"] for panel in canonical(model)["panels"]] == [1, 2]


def test_a_title_is_trimmed_as_grafana_does() -> None:
    """Otherwise a push would never end."""
    assert differences({"title": " T "}, {"title": "T"}) == ()
