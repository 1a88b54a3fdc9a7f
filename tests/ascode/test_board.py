"""From signals to a dashboard."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from obskit.ascode import board, group, logs, panel, query, stat, text
from obskit.ascode.board import GroupSpec
from obskit.ascode.definition import signals_of
from obskit.ascode.panels import steps_of, worst
from obskit.catalogue import all_signals
from obskit.errors import SettingsError, UsageError
from obskit.model import Signal, Threshold
from obskit.settings import DashboardSettings, LabelNames, Settings


def _model(*groups: GroupSpec, settings: Settings | None = None, **more: Any) -> dict[str, Any]:
    made = board("x", title="X", description="d", groups=groups, settings=settings or Settings(), **more)
    found: dict[str, Any] = json.loads(json.dumps(made.to_json_data()))
    return found


def _panels(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for p in model["panels"] if p["type"] != "row"]


def _signal(**more: Any) -> Signal:
    return Signal(**{"id": "x", "topic": "x", "title": "x", "unit": "ratio", "bad": "up", "variants": (), **more})


def test_inserting_a_panel_renumbers_none() -> None:
    """Alerts and bookmarks link to panels by their ids."""
    before = _panels(_model(group("g", "http_requests", "http_in_flight")))
    after = _panels(_model(group("g", stat("http_requests"), "http_requests", "http_error_ratio", "http_in_flight")))

    ids = {p["title"]: p["id"] for p in after if p["type"] == "timeseries"}
    assert [p["id"] for p in before] == [ids["Requests"], ids["Requests in progress"]]
    assert before[0]["id"] == zlib.crc32(b"timeseries|http_requests") % (2**31 - 1) + 1


def test_a_panel_asks_what_the_catalogue_says_and_names_the_signal() -> None:
    """Every variant in its order, the environment's labels, Grafana's variables."""
    found = _panels(_model(group("g", "http_in_flight")))[0]

    query = found["targets"][0]["expr"]
    assert query.startswith(
        'sum by (service, task_id) (http_requests_in_progress{service=~"$service",cluster=~"$cluster"})\nor\n'
    )
    assert query.count("\nor\n") == len(all_signals()["http_in_flight"].variants) - 1
    assert signals_of(found) == ("http_in_flight",)
    assert found["targets"][0]["legendFormat"] == "{{service}} {{task_id}}"


def test_the_environment_says_its_labels_and_what_it_speaks() -> None:
    """[labels] and [dashboards] of the settings."""
    settings = Settings(
        labels=LabelNames(service="ecs_service", task="pod"),
        dashboards=DashboardSettings(instrumentation=("HikariCP",)),
    )

    query = _panels(_model(group("g", "db_pool_waiting"), settings=settings))[0]["targets"][0]["expr"]

    assert (
        query == 'sum by (ecs_service, pod) (hikaricp_connections_pending{ecs_service=~"$service",cluster=~"$cluster"})'
    )


def test_an_instrumentation_fixes_its_own_label_names() -> None:
    """OpenTelemetry calls the status http_response_status_code whatever the environment does."""
    settings = Settings(dashboards=DashboardSettings(instrumentation=("OpenTelemetry",)))

    query = _panels(_model(group("g", "slo_error_ratio"), settings=settings))[0]["targets"][0]["expr"]

    assert 'http_response_status_code=~"5.."' in query
    assert 'http_route!~"' in query


def test_variables_are_what_the_queries_need() -> None:
    """No board asks for a service that none of its panels is about."""

    def names(model: dict[str, Any]) -> list[str]:
        return [v["name"] for v in model["templating"]["list"]]

    shared = _model(group("g", "node_cpu_ratio"), select=("job", "instance"))
    own = _model(group("g", "http_requests"), constants=(("objective", "Objective", ("0.99", "0.9")),))
    lines = _model(group("g", logs("Lines")))

    assert names(shared) == ["prometheus_datasource", "cluster", "job", "instance"]
    assert names(own) == ["prometheus_datasource", "cluster", "service", "objective"]
    assert names(lines) == ["loki_datasource", "service"]
    everything = {v["name"]: v.get("allValue") for v in own["templating"]["list"] if v.get("includeAll")}
    assert everything == {"cluster": ".*", "service": ".+"}


def test_a_stat_shows_one_number() -> None:
    """The worst of all series, or their sum where they add up."""
    found = _panels(_model(group("g", stat("http_error_ratio"), stat("http_requests"))))

    assert found[0]["targets"][0]["expr"].startswith("max(\n")
    assert found[1]["targets"][0]["expr"].startswith("sum(\n")
    assert worst(_signal(bad="down")) == "min"


def _colour(signal: Signal, value: float) -> str:
    """Return the colour that Grafana gives a value: of the highest step that it reaches."""
    reached = [step for step in steps_of(signal) if step["value"] is None or value >= step["value"]]
    return str(reached[-1]["color"])


@pytest.mark.parametrize(
    ("more", "colours"),
    [
        ({}, {0.0: "green", 9.0: "green"}),
        ({"warn": 1.0, "crit": 2.0}, {0.9: "green", 1.0: "orange", 1.9: "orange", 2.0: "red"}),
        ({"crit": 2.0}, {1.9: "green", 2.0: "red"}),
        ({"bad": "down", "warn": 3.0, "crit": 2.0}, {3.1: "green", 3.0: "orange", 2.1: "orange", 2.0: "red"}),
        ({"bad": "down", "crit": 0.0}, {1.0: "green", 0.0: "red"}),
        ({"bad": "down", "warn": 0.9, "crit": 0.0, "unit": "ratio"}, {1.0: "green", 0.9: "orange", 0.0: "red"}),
        ({"bad": "down", "warn": 3.0, "unit": "count"}, {4.0: "green", 3.0: "orange"}),
    ],
)
def test_a_value_at_the_threshold_has_the_thresholds_colour(more: dict[str, Any], colours: dict[float, str]) -> None:
    """A database that is down is not green: what triage calls bad, the panel does."""
    made = {key: Threshold(value=v, reason="r") if key in ("warn", "crit") else v for key, v in more.items()}

    assert {value: _colour(_signal(**made), value) for value in colours} == colours


@pytest.mark.parametrize("signal", [s for s in all_signals().values() if s.warn or s.crit], ids=lambda s: str(s.id))
def test_every_signal_at_its_thresholds_is_drawn_as_bad(signal: Signal) -> None:
    """And a little on the good side of them it is drawn as better."""
    expected = {"orange": signal.warn, "red": signal.crit}
    for colour, threshold in expected.items():
        if threshold is not None:
            assert _colour(signal, threshold.value) == colour


def test_a_stat_shows_the_worst_series_where_a_threshold_holds_for_each() -> None:
    """One service with no healthy target is not hidden by another one with five."""
    found = {p["title"]: p["targets"][0]["expr"] for p in _panels(_model(group("g", stat("alb_healthy_hosts"))))}

    assert found["Healthy targets"].startswith("min(\n")


def test_a_panel_in_another_unit_has_no_thresholds_of_its_signal() -> None:
    """A burn rate is no share of requests."""
    found = _panels(_model(group("g", panel("slo_error_ratio", divided_by="1 - 0.999", unit="short"))))[0]

    assert [step["value"] for step in found["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [None]


def test_a_query_of_ones_own_can_be_drawn() -> None:
    """The catalogue does not know everything."""
    promql = 'sum by (task_id) (rate(carts_total{service=~"$service"}[$__rate_interval]))'
    model = _model(group("g", query("Carts", promql, unit="cps", legend="{{task_id}}")))

    found = _panels(model)[0]
    assert (found["targets"][0]["expr"], found["fieldConfig"]["defaults"]["unit"]) == (promql, "cps")
    assert "service" in [v["name"] for v in model["templating"]["list"]]


def test_what_a_watcher_says_of_others_is_not_narrowed_to_its_own_job() -> None:
    """A job that is down would vanish from the panel that is there to show it."""
    found = _panels(_model(group("g", "prometheus_targets_down"), select=("job", "instance")))[0]

    assert "$job" not in found["targets"][0]["expr"]


def test_runbooks_are_linked_where_they_can_be_read() -> None:
    """Without an address there is no link, rather than a dead one."""
    groups = group("g", "http_requests", runbook="causes/traffic_surge", more="incident")
    with_url = Settings(dashboards=DashboardSettings(runbook_url="https://example.com/runbooks"))

    plain, linked = _panels(_model(groups))[0], _panels(_model(groups, settings=with_url))[0]

    assert [link["url"] for link in plain["links"]] == [
        "/d/obskit-incident?${__url_time_range}&${cluster:queryparam}&${service:queryparam}"
    ]
    assert linked["links"][1]["url"] == "https://example.com/runbooks/causes/traffic_surge.md"


def test_what_cannot_be_drawn_is_refused() -> None:
    """With what to do instead."""
    with pytest.raises(UsageError, match="cannot draw per_second, seconds"):
        panel("http_requests", "http_latency_p95")
    with pytest.raises(UsageError, match="there is no signal 'nothing'"):
        panel("nothing")
    with pytest.raises(UsageError, match="a panel needs a signal"):
        panel()
    with pytest.raises(UsageError, match="a panel has no 'colour'"):
        text("t", "x", colour="red")
    with pytest.raises(UsageError, match="no kind of panel 'gauge'"):
        panel("http_requests", kind="gauge")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at most 24 columns"):
        panel("http_requests", width=50)
    with pytest.raises(UsageError, match="has no panel"):
        group("Empty")
    with pytest.raises(UsageError, match="list is no panel"):
        group("g", ["http_requests"])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no time that Grafana can read"):
        _model(group("g", "http_requests"), since="3 hours")
    with pytest.raises(UsageError, match="has no group"):
        _model()


def test_an_instrumentation_that_nobody_has_is_refused() -> None:
    """A typing error must not silently choose nothing."""
    settings = Settings(dashboards=DashboardSettings(instrumentation=("HikaryCP",)))
    with pytest.raises(SettingsError, match="no instrumentation 'HikaryCP'"):
        _model(group("g", "http_requests"), settings=settings)


def test_every_dashboard_of_ours_is_built_without_a_problem() -> None:
    """And the file's name is the end of its uid, so that links to it can be written."""
    from obskit.ascode.load import load

    definitions, problems = load(Path(__file__).resolve().parents[2] / "dashboards")

    assert problems == ()
    assert [d.uid for d in definitions] == [f"obskit-{d.name}" for d in definitions]
    assert len(definitions) >= 12
