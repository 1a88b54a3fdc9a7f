"""What the stand-in for Grafana keeps: dashboards with their versions, annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standins.grafana_server import Call, GrafanaServer, Refused

Model = dict[str, Any]


@dataclass(slots=True)
class Save:
    """One version."""

    number: int
    parent: int
    data: Model
    message: str
    by: str
    at: str


@dataclass(slots=True)
class Dashboard:
    """A dashboard with its versions, the newest last."""

    id: int
    uid: str
    folder_uid: str = ""
    provisioned: bool = False
    plugin: str = ""
    saves: list[Save] = field(default_factory=list)

    @property
    def model(self) -> Model:
        """The newest JSON."""
        return self.saves[-1].data

    @property
    def version(self) -> int:
        """The newest version; 0 before the first."""
        return self.saves[-1].number if self.saves else 0


class Annotations:
    """Annotations in the order of their writing; one for an unknown dashboard is for all."""

    def __init__(self, next_id: Callable[[], int], now: Callable[[], float]) -> None:
        self._next_id, self._now = next_id, now
        self.held: list[Model] = []

    def answer(self, call: Call, known: Callable[[str], bool]) -> object:
        """Return the answer to a call of ``/api/annotations``; *known* tells whether a dashboard is there."""
        if call.method == "GET":
            GrafanaServer.allow(call, "annotations:read")
            return self.held
        GrafanaServer.allow(call, "annotations:create")
        body = call.body if isinstance(call.body, dict) else {}
        if not body.get("text"):
            raise Refused(400, "Failed to save annotation", error="text field should not be empty")
        start, uid = int(body.get("time") or self._now() * 1000), str(body.get("dashboardUID") or "")
        note = {"id": self._next_id(), "time": start, "timeEnd": int(body.get("timeEnd") or start)}
        place = {"dashboardUID": uid if known(uid) else ""}
        self.held.append({**note, **place, "text": body["text"], "tags": body.get("tags") or []})
        return {"message": "Annotation added", "id": note["id"]}


def listed(there: Dashboard, save: Save) -> Model:
    """Return a version as the list has it, but for the first one's message."""
    known = {"id": save.number, "dashboardId": there.id, "uid": there.uid, "parentVersion": save.parent}
    more = {"restoredFrom": 0, "version": save.number, "created": save.at, "createdBy": save.by}
    return {**known, **more, "message": save.message}


def page_of(rows: list[Model], call: Call) -> list[Model]:
    """Return the rows of the page that a call asks for."""
    limit = min(call.whole("limit", 1000), 5000)
    first = (call.whole("page", 1) - 1) * limit
    return rows[first : first + limit]


def slug_of(title: str) -> str:
    """Return a title as addresses have it."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
