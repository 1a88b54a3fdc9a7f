"""What Grafana would have to repair is found by Grafana's own types, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.ascode.check import Case, structure
from obskit.ascode.check._grafana_types import has_schema
from obskit.ascode.check.structure import deviations, problems
from obskit.ascode.definition import Definition, Model
from tests.support.node import grafana_tools

LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
OPTIONS = {"legend": LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}}


@pytest.fixture(scope="module", autouse=True)
def folder() -> Path:
    """Grafana's types; no test here says anything without them."""
    return grafana_tools()


def _panel(**more: Any) -> Model:
    place = {"x": 0, "y": 0, "w": 8, "h": 8}
    return {"type": "timeseries", "title": "Errors", "id": 1, "gridPos": place, "options": OPTIONS, **more}


def _dashboard(*panels: Any, **more: Any) -> Model:
    return {"title": "Service", "uid": "service", "schemaVersion": 42, "panels": list(panels), **more}


def _custom(**custom: Any) -> Model:
    return _panel(fieldConfig={"defaults": {"custom": custom}, "overrides": []})


def _mapped(mapping: object) -> Model:
    return _panel(fieldConfig={"defaults": {"mappings": [mapping]}, "overrides": []})


def _override(name: str, value: Any, **more: Any) -> Model:
    override = {"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": name, "value": value}]}
    return _panel(fieldConfig={"defaults": {}, "overrides": [override]}, **more)


_STEPS = [{"color": "green", "value": None}, {"color": "red", "value": 0.05}]
GOOD = {
    "a panel with field settings": _dashboard(
        _panel(
            datasource={"type": "prometheus", "uid": "${prometheus_datasource}"},
            targets=[{"expr": "up", "refId": "A", "legendFormat": "{{job}}"}],
            links=[{"title": "Runbook", "url": "https://runbooks.example/x.md", "targetBlank": True}],
            fieldConfig={
                "defaults": {
                    "unit": "percentunit",
                    "min": 0,
                    "custom": {"drawStyle": "line", "lineWidth": 1.5, "thresholdsStyle": {"mode": "dashed"}},
                    "thresholds": {"mode": "absolute", "steps": _STEPS},
                    "mappings": [{"type": "value", "options": {"1": {"text": "up"}}}],
                },
                "overrides": [],
            },
        )
    ),
    "an override of one setting": _dashboard(_override("custom.lineWidth", 2)),
    "an override of a setting that all panels have": _dashboard(_override("color", {"mode": "fixed"})),
    "an override of a part of a setting": _dashboard(_override("custom.hideFrom.viz", True)),
    "an override of a part that depends on a choice": _dashboard(
        _override("custom.cellOptions.type", "sparkline", type="table", options={"showHeader": True, "frameIndex": 0})
    ),
    "a row with a panel inside": _dashboard(
        {"type": "row", "title": "More", "id": 2, "collapsed": True, "panels": [_panel()]}
    ),
    "a kind of panel that has no types": _dashboard(_panel(type="geomap", options={"anything": 1})),
    "a library panel": _dashboard({**_panel(type="theirs"), "libraryPanel": {"name": "a", "uid": "b"}}),
    "an annotation from Prometheus": _dashboard(
        annotations={
            "list": [
                {
                    "name": "deployments",
                    "enable": True,
                    "iconColor": "blue",
                    "datasource": {"type": "prometheus", "uid": "x"},
                    "expr": "changes(x[5m]) > 0",
                    "titleFormat": "{{service}}",
                }
            ]
        }
    ),
    "variables as Grafana stores them": _dashboard(
        templating={
            "list": [
                {"name": "service", "type": "query", "query": {"query": "x", "refId": "A"}, "definition": "x"},
                {"name": "step", "type": "interval", "query": "1m", "auto": True, "auto_count": 30, "auto_min": "10s"},
            ]
        }
    ),
}


@pytest.mark.parametrize("model", GOOD.values(), ids=GOOD)
def test_what_grafana_writes_itself_has_no_deviation(model: Model) -> None:
    """A false alarm teaches people to ignore the gate."""
    assert deviations(model) == []


BAD = [
    (_dashboard(editable="yes"), 'editable is "yes", not true or false'),
    (_dashboard(rows=[]), "rows is nothing that Grafana knows"),
    (_dashboard(graphTooltip=7), "graphTooltip is 7; Grafana knows 0, 1, 2"),
    (_dashboard(time={"from": 1, "to": "now"}), "time.from is 1, not a text"),
    (_dashboard(tags=["a", 3]), "tags[1] is 3, not a text"),
    (_dashboard("x"), "panels is not a list of objects"),
    (_dashboard(templating={"list": [{"type": "query"}]}), "templating.list[0].name is missing"),
    (
        _dashboard(templating={"list": [{"name": "a", "type": "query", "useTags": False}]}),
        "templating.list[0].useTags is nothing that Grafana knows",
    ),
    (_dashboard(_panel(span=4)), "panel 'Errors': span is nothing that Grafana knows"),
    (_dashboard(_panel(maxDataPoints=None)), "panel 'Errors': maxDataPoints is null, not a number"),
    (
        _dashboard(_panel(type="grpah")),
        "panel 'Errors': type is 'grpah', which Grafana does not bring along",
    ),
    (
        _dashboard(_panel(type="timeserie")),
        "panel 'Errors': type is 'timeserie', which Grafana does not bring along; did you mean 'timeseries'?",
    ),
    (
        _dashboard(_panel(type="singlestat")),
        "panel 'Errors': type is 'singlestat', which Grafana does not bring along; did you mean 'stat'?",
    ),
    (_dashboard(_panel(type=3)), "panel 'Errors': type is 3, not a text"),
    (_dashboard({"title": "Errors", "gridPos": _panel()["gridPos"]}), "panel 'Errors': type is missing"),
    (
        _dashboard({"type": "row", "title": "More", "id": 2, "collapsed": True, "panels": [_panel(span=4)]}),
        "panel 'Errors': span is nothing that Grafana knows",
    ),
    (_dashboard(_panel(options=[])), "panel 'Errors': options is [], not an object"),
    (
        _dashboard(_panel(options={**OPTIONS, "tooltip": {"mode": "nonsense", "sort": "desc"}})),
        'panel \'Errors\': options.tooltip.mode is "nonsense"; Grafana knows "multi", "none", "single"',
    ),
    (
        _dashboard(_panel(options={**OPTIONS, "legend": {**LEGEND, "showLegend": 1}})),
        "panel 'Errors': options.legend.showLegend is 1, not true or false",
    ),
    (
        _dashboard(
            _panel(
                type="text",
                options={"content": "x", "mode": "html"},
                fieldConfig={"defaults": {"custom": {"a": 1}}, "overrides": []},
            )
        ),
        "panel 'Errors': fieldConfig.defaults.custom is nothing that a text panel knows",
    ),
    (
        _dashboard(_custom(nonsense=1)),
        "panel 'Errors': fieldConfig.defaults.custom.nonsense is nothing that Grafana knows",
    ),
    (
        _dashboard(_custom(lineWidth="3")),
        "panel 'Errors': fieldConfig.defaults.custom.lineWidth is \"3\", not a number",
    ),
    (
        _dashboard(
            _panel(fieldConfig={"defaults": {"thresholds": {"mode": "absolute", "steps": ""}}, "overrides": []})
        ),
        "panel 'Errors': fieldConfig.defaults.thresholds.steps is \"\", not a list",
    ),
    (
        _dashboard(
            _panel(
                fieldConfig={
                    "defaults": {"thresholds": {"mode": "absolute", "steps": [{"color": "red", "value": "null"}]}},
                    "overrides": [],
                }
            )
        ),
        "panel 'Errors': fieldConfig.defaults.thresholds.steps[0].value is \"null\", not a number or null",
    ),
    (
        _dashboard(_mapped({"type": "value", "options": 5})),
        "panel 'Errors': fieldConfig.defaults.mappings[0].options is 5, not an object",
    ),
    (
        _dashboard(_mapped({"type": "range", "options": {"from": 1, "to": "x", "result": {"text": "a"}}})),
        "panel 'Errors': fieldConfig.defaults.mappings[0].options.to is \"x\", not a number or null",
    ),
    (
        _dashboard(_mapped({"type": "nonsense", "options": {}})),
        "panel 'Errors': fieldConfig.defaults.mappings[0].type is \"nonsense\","
        ' not "value" or "range" or "regex" or "special"',
    ),
    (_dashboard(_mapped(7)), "panel 'Errors': fieldConfig.defaults.mappings[0] is 7, not an object"),
    (
        _dashboard(templating={"list": [{"name": "a", "type": "query", "query": 5}]}),
        "templating.list[0].query is 5, not a text or an object",
    ),
    (
        _dashboard(_override("unit", 4)),
        "panel 'Errors': fieldConfig.overrides[0].properties[0] (unit) is 4, not a text",
    ),
    (
        _dashboard(_override("nonsense", 4)),
        "panel 'Errors': fieldConfig.overrides[0].properties[0] (nonsense) is nothing that Grafana knows",
    ),
    (
        _dashboard(_override("custom.lineWith", 4)),
        "panel 'Errors': fieldConfig.overrides[0].properties[0] (custom.lineWith) is nothing that Grafana knows",
    ),
    (
        _dashboard(_override("custom.lineWidth", "4")),
        "panel 'Errors': fieldConfig.overrides[0].properties[0] (custom.lineWidth) is \"4\", not a number",
    ),
    (
        _dashboard(
            _override("custom.cellOptions.type", "x", type="table", options={"showHeader": True, "frameIndex": 0})
        ),
        "panel 'Errors': fieldConfig.overrides[0].properties[0] (custom.cellOptions.type) is \"x\","
        ' not "auto" or "sparkline" or "gauge" or "color-background" or "color-text" or "image" or "pill"'
        ' or "data-links" or "actions" or "json-view" or "markdown" or "geo"',
    ),
    (
        _dashboard(_override("custom.x", 4, type="text", options={"content": "x", "mode": "html"})),
        "panel 'Errors': fieldConfig.overrides[0].properties[0].id is 'custom.x', which a text panel does not know",
    ),
]


@pytest.mark.parametrize(("model", "expected"), BAD, ids=[expected for _, expected in BAD])
def test_a_deviation_names_its_panel_its_path_and_what_grafana_wants(model: Model, expected: str) -> None:
    """One mistake, one message; nothing else is said of an otherwise good dashboard."""
    assert [expected] == deviations(model)


def test_what_grafana_fills_in_is_a_warning_and_a_mistake_is_an_error() -> None:
    """A default that is not written out is harmless today, and noise in the next diff."""
    model = _dashboard(_panel(options={"legend": LEGEND, "tooltip": {"mode": "single"}}, span=4))
    one = Definition(name="x", path=Path("x.dashboard.py"), source='TITLE = "Errors"\n', model=model)
    found = list(problems(Case(definitions=(one,))))

    assert [(problem.severity, problem.message) for problem in found] == [
        ("error", "span is nothing that Grafana knows"),
        ("warning", "options.tooltip.sort is missing"),
    ]
    assert {("Errors", "x.dashboard.py", 1)} == {(problem.panel, problem.file, problem.line) for problem in found}


def test_what_has_no_default_is_an_error() -> None:
    """Grafana cannot guess a panel's kind."""
    one = Definition(name="x", path=Path("x"), source="", model=_dashboard({"title": "Errors"}))
    severities = {problem.message: problem.severity for problem in problems(Case(definitions=(one,)))}

    assert severities["type is missing"] == "error"


def test_nothing_to_check_asks_for_no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No dashboards, no installation."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")

    assert not list(problems(Case(definitions=())))


def test_every_kind_that_is_said_to_have_types_has_them(folder: Path) -> None:
    """A new version of the package that renames one is noticed here."""
    kinds = {structure._KINDS.get(kind, kind) for kind in structure._TYPED}

    assert not {kind for kind in kinds if not has_schema(folder, f"{kind}.Options")}
    assert not {kind for kind in structure._UNTYPED if has_schema(folder, f"{kind}.Options")}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ax", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "title",
                    "options",
                    "fieldConfig",
                    "defaults",
                    "custom",
                    "overrides",
                    "properties",
                    "id",
                    "value",
                    "panels",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(["timeseries", "row", "stat", "geomap", "x"]),
    panel=st.dictionaries(st.sampled_from(["options", "fieldConfig", "panels", "title", "gridPos", "targets"]), _JSON),
)
def test_no_shape_is_too_odd(kind: str, panel: Model) -> None:
    """Whatever stands in a model, the check tells deviations instead of failing."""
    assert all(isinstance(said, str) for said in deviations(_dashboard({"type": kind, **panel})))
