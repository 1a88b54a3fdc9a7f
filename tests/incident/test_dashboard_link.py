"""The report's link to its dashboard."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from obskit.ascode.load import load_file
from obskit.cli.triage_command import rendered
from obskit.incident.dashboard_link import DASHBOARD_UID, dashboard_path
from tests.support.diagnosis_example import example

INCIDENT = Path(__file__).resolve().parents[2] / "dashboards" / "incident.dashboard.py"


def test_the_link_names_a_dashboard_and_a_variable_that_exist() -> None:
    """A renamed dashboard must not leave dead links in reports."""
    definition = load_file(INCIDENT)

    assert definition.uid == DASHBOARD_UID
    assert "service" in {v["name"] for v in definition.variables}


def test_a_name_from_an_alert_stays_inside_its_parameter() -> None:
    """It may hold whatever somebody wrote into a label."""
    name = "a&from=0#<script>"
    path = dashboard_path(replace(example(), service=name))

    assert parse_qs(urlsplit(path).query)["var-service"] == [name]
    assert "<" not in path


def test_every_report_links_it_where_grafana_is_known() -> None:
    """And says nothing of it elsewhere; machines get the path in any case."""
    diagnosis = example()
    path = dashboard_path(diagnosis)
    for form in ("text", "md", "html"):
        linked = rendered(diagnosis, form, grafana="https://grafana.example.com")
        assert path.split("?")[0] in linked.replace("\n", "").replace(" ", ""), form
        assert path.split("?")[0] not in rendered(diagnosis, form), form
    assert path in rendered(diagnosis, "json")
