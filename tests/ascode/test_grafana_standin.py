"""What tests may rely on in the stand-in for Grafana, beyond what the client's tests use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from obskit.ascode.grafana import Grafana, GrafanaError
from tests.standins.grafana import WRITES, GrafanaStandIn

PANEL = {"id": 1, "type": "timeseries", "title": "P", "targets": [{"refId": "A", "expr": "up"}]}


@pytest.fixture
def standin() -> Iterator[GrafanaStandIn]:
    """A stand-in that behaves like Grafana 12.1."""
    with GrafanaStandIn("12.1.0") as grafana:
        yield grafana


def saved(standin: GrafanaStandIn, uid: str) -> None:
    """Save a new dashboard through the API."""
    Grafana(standin.connection()).save({"uid": uid, "title": uid}, folder_uid="", message="", version=None)


def without(model: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return a copy without some keys."""
    return {key: value for key, value in model.items() if key not in keys}


def test_an_edit_in_the_ui_is_a_version_without_message_and_with_noise(standin: GrafanaStandIn) -> None:
    """The frontend writes more than the person changed; nobody says what it was for."""
    template = {"list": [{"name": "service", "type": "query"}, {"name": "task", "type": "query", "includeAll": True}]}
    standin.put({"uid": "a", "title": "A", "schemaVersion": 39, "panels": [PANEL], "templating": template})
    version = standin.edit_in_ui("a", lambda model: model["panels"][0].update(title="Mine"))
    model = standin.models["a"]
    newest = Grafana(standin.connection()).versions("a")[0]

    assert (newest.number, newest.message, newest.created_by) == (version, "", "admin") == (2, "", "admin")
    assert (model["schemaVersion"], model["annotations"]["list"][0]["builtIn"]) == (42, 1)
    assert [v["current"]["value"] for v in model["templating"]["list"]] == ["chosen-in-ui", "$__all"]
    assert model["panels"][0]["pluginVersion"] == "12.1.0"
    assert model["panels"][0]["targets"][0]["editorMode"] == "code"
    assert model["panels"][0]["title"] == "Mine"
    assert "options" not in model["panels"][0]


def test_a_second_edit_adds_no_more_noise(standin: GrafanaStandIn) -> None:
    """What was written down once stays as it is."""
    standin.put({"uid": "a", "title": "A", "panels": [PANEL]})
    standin.edit_in_ui("a", panel_defaults=True)
    once = standin.models["a"]
    standin.edit_in_ui("a", panel_defaults=True)

    assert without(standin.models["a"], "version") == without(once, "version")
    assert once["panels"][0]["options"] == {"tooltip": {"hideZeros": False}}


def test_only_the_last_20_versions_are_kept(standin: GrafanaStandIn) -> None:
    """As Grafana does unless it is told otherwise: what was pushed long ago may be gone."""
    for i in range(25):
        standin.put({"uid": "a", "title": "A", "description": str(i)})
    versions = Grafana(standin.connection()).versions("a")

    assert [v.number for v in versions] == list(range(25, 5, -1))


@pytest.mark.parametrize("version", ["11.2.0", "12.1.0"])
def test_versions_are_a_list_and_since_11_6_an_object(version: str) -> None:
    """The old list hides the message of the first version."""
    with GrafanaStandIn(version) as standin:
        standin.put({"uid": "a", "title": "A"}, message="mine")
        url, headers = f"{standin.url}/api/dashboards/uid/a/versions", {"Authorization": f"Bearer {standin.token}"}
        answer = requests.get(url, headers=headers, timeout=10).json()

    rows = answer["versions"] if version == "12.1.0" else answer
    assert [row["message"] for row in rows] == ["mine" if version == "12.1.0" else "Initial save"]


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_it_dies_at_the_call_that_was_named(standin: GrafanaStandIn, applied: bool) -> None:
    """The k-th write is cut before or after it was made, and all later calls too while it stays down."""
    standin.die_at_call(2, applied, methods=WRITES, stays_down=True)
    saved(standin, "a")
    Grafana(standin.connection()).get("a")
    for _ in range(2):
        with pytest.raises(GrafanaError):
            saved(standin, "b")

    assert sorted(standin.models) == (["a", "b"] if applied else ["a"])
    assert [call.status for call in standin.calls] == [200, 200, 0, 0]

    standin.down = False
    saved(standin, "c")
    assert "c" in standin.models


def test_it_fails_as_often_as_told_and_only_for_the_methods_named(standin: GrafanaStandIn) -> None:
    """A failed call changes nothing."""
    standin.fail_next(2, 503, methods=("POST",))
    assert Grafana(standin.connection()).search() == ()
    for _ in range(2):
        with pytest.raises(GrafanaError):
            saved(standin, "a")

    assert standin.models == {}
    saved(standin, "a")
    assert [call.status for call in standin.writes()] == [503, 503, 200]


def test_annotations_and_places_can_be_looked_at(standin: GrafanaStandIn) -> None:
    """An annotation for a dashboard that is not there is one for all, as in Grafana."""
    standin.put({"uid": "a", "title": "A"}, folder_uid="team")
    grafana = Grafana(standin.connection())
    grafana.annotate(time_ms=5, time_end_ms=9, text="x", tags=["t"], dashboard_uid="a")
    grafana.annotate(time_ms=5, time_end_ms=None, text="y", tags=[], dashboard_uid="gone")

    assert standin.places == {"a": "team"}
    assert [(n["text"], n["time"], n["timeEnd"], n["tags"], n["dashboardUID"]) for n in standin.annotations] == [
        ("x", 5, 9, ["t"], "a"),
        ("y", 5, 5, [], ""),
    ]
