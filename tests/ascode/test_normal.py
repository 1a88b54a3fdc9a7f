"""What grafanalib writes, made into what Grafana would write."""

import json
from typing import Any

from grafanalib import core
from grafanalib._gen import DashboardEncoder
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.normal import SCHEMA_VERSION, normalised


def _plain(dashboard: core.Dashboard) -> dict[str, Any]:
    model: dict[str, Any] = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))
    return model


def _panel(panel: core.Panel) -> dict[str, Any]:
    found: dict[str, Any] = normalised(_plain(core.Dashboard(title="x", panels=[panel])))["panels"][0]
    return found


def _nulls(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in _nulls(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for number, inner in enumerate(value) for found in _nulls(inner, f"{path}[{number}]")]
    return [path] if value is None else []


def test_the_only_null_is_the_open_first_threshold() -> None:
    """A null elsewhere says "not set", and Grafana's own JSON leaves it out."""
    panel = core.TimeSeries(title="a", targets=[core.Target(expr="up", refId="A")])

    assert _nulls(_panel(panel)) == [".fieldConfig.defaults.thresholds.steps[0].value"]


def test_a_threshold_of_the_text_null_becomes_open() -> None:
    """Grafanalib writes "null" in quotes for the first threshold, and keys of old panels beside it."""
    panel = core.TimeSeries(title="a", thresholds=[core.Threshold("green", 0, 0.0), core.Threshold("red", 1, 5.0)])

    steps = _panel(panel)["fieldConfig"]["defaults"]["thresholds"]["steps"]

    assert steps == [{"color": "green", "value": None}, {"color": "red", "value": 5.0}]


def test_a_stat_without_thresholds_gets_a_list_of_them() -> None:
    """Grafanalib writes an empty text where a list belongs."""
    thresholds = _panel(core.Stat(title="a"))["fieldConfig"]["defaults"]["thresholds"]

    assert thresholds["steps"] == [{"color": "green", "value": None}]


def test_what_dashboards_no_longer_have_is_gone() -> None:
    """Rows, styles and inputs went with Grafana 5; targets and spans of panels too."""
    model = normalised(_plain(core.Dashboard(title="x", panels=[core.Text(title="t", content="c")])))

    assert not {"rows", "style", "__inputs", "hideControls", "sharedCrosshair", "gnetId"} & set(model)
    assert not {"span", "editable", "error", "targets", "fieldConfig"} & set(model["panels"][0])
    assert model["schemaVersion"] == SCHEMA_VERSION


def test_panels_of_a_collapsed_row_are_normalised_too() -> None:
    """They lie inside the row."""
    row = core.RowPanel(title="r", collapsed=True, panels=[core.TimeSeries(title="a")])

    assert _nulls(_panel(row)) == [".panels[0].fieldConfig.defaults.thresholds.steps[0].value"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["title", "uid", "links", "rows", "style", "refresh", "other"]), JSON))
def test_normalising_twice_changes_nothing_more(extra: dict[str, Any]) -> None:
    """What is normal stays as it is."""
    once = normalised({"title": "t", "panels": [], **extra})

    assert normalised(once) == once
