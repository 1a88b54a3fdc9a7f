"""From an alert to its expression, labels and texts: derived, and right for this environment."""

from __future__ import annotations

from pathlib import Path

import promql_parser
import pytest

from obskit.ascode.alerts import Condition, alert
from obskit.ascode.alerts.expression import Writer, panel_of
from obskit.ascode.alerts.rule import Rule
from obskit.ascode.load import load
from obskit.errors import UsageError
from obskit.settings import Connection, DashboardSettings, LabelNames, Settings

DASHBOARDS = Path(__file__).resolve().parents[3] / "dashboards"


def rule(signal: str = "db_pool_waiting", level: float = 4, **more: object) -> Rule:
    """Return an alert on a signal."""
    said = {"summary": "{value} of {service}", "description": "It is bad.", **more}
    return alert(
        "PoolWaiting",
        signal,
        level=level,
        reason="a number of this test",
        severity="ticket",
        kind="cause",
        hold="10m",
        hold_reason="of this test",
        **said,  # type: ignore[arg-type]
    )


def writer(labels: LabelNames | None = None, dashboards: DashboardSettings | None = None) -> Writer:
    """Return a writer of an environment that has its own names."""
    return Writer(settings=Settings(labels=labels or LabelNames(), dashboards=dashboards or DashboardSettings()))


def test_a_level_is_that_of_the_worst_of_each_service() -> None:
    """One number a service, whatever tasks there are, compared as the signal is bad."""
    expr = writer().expr(rule())

    assert expr.startswith("max by (service) (\n")
    assert expr.endswith("\n) >= 4")
    assert 'service!=""' in expr
    promql_parser.parse(expr)


def test_what_is_bad_when_it_is_low_is_compared_so() -> None:
    """The least of each, at most the level."""
    expr = writer().expr(rule("task_up", 0, summary="{service}"))

    assert expr.startswith("min by (")
    assert expr.endswith(") <= 0")


def test_labels_are_those_of_the_environment() -> None:
    """In the expression, in what tells alerts apart, and in the texts."""
    own = writer(LabelNames(service="ecs_service", log_service="app"))

    assert own.by(rule()) == ("ecs_service",)
    assert 'ecs_service!=""' in own.expr(rule())
    assert own.annotations(rule())["summary"].endswith("{{ $labels.ecs_service }}")
    assert own.by(rule("log_errors")) == ("app",)
    assert '{app=~".+"}' in own.expr(rule("log_errors"))


def test_only_what_services_speak_is_asked() -> None:
    """A short query where the instrumentation is configured; all variants where it is not."""
    names = {variant.name for variant in rule().catalogued.variants}
    one = min(names)

    short = writer(dashboards=DashboardSettings(instrumentation=(one,))).expr(rule())

    assert "\nor\n" in writer().expr(rule())
    assert "\nor\n" not in short


def test_conditions_hold_for_the_same_service() -> None:
    """Joined by what tells the alerts apart, each with its own worst value."""
    busy = Condition(signal="http_requests", op=">=", value=0.5, reason="somebody has to ask for it")
    expr = writer().expr(rule(where=(busy,)))

    assert ") >= 4\nand on (service) " in expr
    assert expr.endswith("\n) >= 0.5")
    promql_parser.parse(expr)


def test_what_will_be_is_a_straight_line_through_the_last_hour() -> None:
    """In four hours, by points a minute apart; a condition is about now."""
    busy = Condition(signal="http_requests", op=">=", value=0.5, reason="somebody has to ask for it")
    expr = writer().expr(rule("db_pool_used_ratio", 1, ahead="4h", where=(busy,)))

    assert expr.count("predict_linear((") == 1
    assert ")[1h:1m], 14400)" in expr
    promql_parser.parse(expr)


_PLAIN = '{{ if lt $value 1000.0 }}{{ printf "%.3g" $value }}{{ else }}{{ $value | humanize }}{{ end }}'


@pytest.mark.parametrize(
    ("signal", "template"),
    [
        ("db_query_seconds", "{{ $value | humanizeDuration }}"),
        ("http_error_ratio", "{{ $value | humanizePercentage }}"),
        ("container_memory_bytes", "{{ $value | humanize1024 }}B"),
        (
            "http_requests",
            f"{_PLAIN}/s",
        ),
        (
            "db_pool_waiting",
            _PLAIN,
        ),
    ],
)
def test_a_value_is_written_with_its_unit(signal: str, template: str) -> None:
    """As the server's own templates do it."""
    assert writer().annotations(rule(signal))["summary"] == f"{template} of {{{{ $labels.service }}}}"


def test_a_label_that_the_alert_does_not_carry_is_refused() -> None:
    """With those that it has."""
    with pytest.raises(UsageError, match="no label 'queue'") as raised:
        writer().annotations(rule(summary="{value} in {queue}"))

    assert raised.value.hint == "there are value, service"


def test_links_are_derived() -> None:
    """Runbook by the alert's name, panel by its signal, the service chosen; the address is the configured one."""
    dashboards, _ = load(DASHBOARDS)
    settings = Settings(
        grafana=Connection(url="https://grafana.example"),
        dashboards=DashboardSettings(runbook_url="https://runbooks.example"),
    )
    links = Writer(settings=settings, dashboards=dashboards).annotations(rule())
    found = panel_of("db_pool_waiting", dashboards)

    assert found is not None
    definition, panel = found
    assert links["runbook_url"] == "https://runbooks.example/alerts/PoolWaiting.md"
    assert links["dashboard_url"] == (
        f"https://grafana.example/d/{definition.uid}?viewPanel={panel}&var-service={{{{ $labels.service | urlquery }}}}"
    )
    assert (links["__dashboardUid__"], links["__panelId__"]) == (definition.uid, str(panel))


def test_without_a_panel_there_is_no_link() -> None:
    """And the runbook is named by its path where no address is configured."""
    links = writer().annotations(rule())

    assert set(links) == {"summary", "description", "runbook_url"}
    assert links["runbook_url"] == "runbooks/alerts/PoolWaiting.md"


def test_a_panel_that_the_signal_leads_is_preferred() -> None:
    """Over one that it joins; a graph over a number."""
    dashboards, _ = load(DASHBOARDS)
    found = panel_of("http_error_ratio", dashboards)

    assert found is not None
    definition, panel_id = found
    panel = next(panel for panel in definition.panels if panel["id"] == panel_id)
    assert panel["type"] != "stat"
