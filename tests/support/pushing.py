"""Dashboards to push, and a Grafana's stand-in to push them into."""

from __future__ import annotations

from pathlib import Path

from obskit.ascode.definition import Definition, Model
from obskit.ascode.grafana import Grafana
from obskit.ascode.plan import folder_uid
from obskit.ascode.push import Action, Outcome, Plan, plan, push
from obskit.settings import DashboardSettings
from tests.standins.grafana import GrafanaStandIn

SETTINGS = DashboardSettings(folder="Operations", mark="obskit")
COMMIT = "0123abc"
FOLDER = folder_uid("Operations")
MARKED = {"tags": ["obskit"]}


def definition(number: int, **more: object) -> Definition:
    """Return one of our dashboards as a file defines it."""
    panel = {
        "id": 7,
        "type": "timeseries",
        "title": "Latency",
        "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
        "datasource": {"type": "prometheus", "uid": "${prometheus_datasource}"},
        "fieldConfig": {"defaults": {"unit": "s"}, "overrides": []},
        "targets": [{"refId": "A", "expr": f"rate(x{number}_total[5m])"}],
    }
    model = {"uid": f"board-{number:02}", "title": f"Board {number}", "schemaVersion": 42, "panels": [panel], **more}
    return Definition(name=f"board_{number}", path=Path(f"board_{number}.dashboard.py"), source="", model=model)


OURS = [definition(number) for number in range(12)]


def client(server: GrafanaStandIn, token: str | None = None) -> Grafana:
    """Return a client of the stand-in."""
    return Grafana(server.connection(token))


def planned(server: GrafanaStandIn, definitions: list[Definition], **more: object) -> Plan:
    """Return what a push would do."""
    options = {"prune": True, **more}
    return plan(definitions, client(server), SETTINGS, **options)  # type: ignore[arg-type]


def pushed(server: GrafanaStandIn, definitions: list[Definition], **more: object) -> Outcome:
    """Plan and carry out."""
    return push(planned(server, definitions, **more), client(server), commit=COMMIT)


def kinds(found: Plan) -> dict[str, int]:
    """Return how many actions of each kind a plan has."""
    return {kind: sum(a.kind == kind for a in found.actions) for kind in {a.kind for a in found.actions}}


def only(found: Plan) -> Action:
    """Return the one action that is not ``unchanged``."""
    (action,) = (action for action in found.actions if action.kind != "unchanged")
    return action


def refuse(model: Model) -> None:
    """Change a panel's query, as a person in the browser would."""
    model["panels"][0]["targets"][0]["expr"] = "edited_by_hand"
