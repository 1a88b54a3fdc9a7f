"""Grafana's HTTP API, as far as dashboards as code need it.

One `Grafana` is one server as one identity. Whatever goes wrong is a `GrafanaError`, whose
``status`` and hint say what to do. A write is never sent twice on its own: where its answer was
lost, the error says so, and reading again shows whether it was made.

Titles, messages and models are returned as the server has them: who prints them cleans them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from obskit.ascode.definition import Model
from obskit.ascode.grafana_api import (
    ConflictError,
    GrafanaApi,
    GrafanaError,
    deadline_in,
    number_of,
    rows_of,
    text_of,
)
from obskit.errors import UsageError
from obskit.settings import Connection

__all__ = ["ConflictError", "Folder", "Found", "Grafana", "GrafanaError", "Stored", "Version"]

#: Rows that one page of a search or of the folders holds; Grafana gives 5000 at most.
PAGE_ROWS = 1000
#: Levels of a dashboard's JSON; those of real ones are some 15.
MOST_LEVELS = 100
#: A search that is longer does not end.
MOST_PAGES = 1000
#: Grafana refuses a longer message of a version, counted in bytes.
MOST_MESSAGE_BYTES = 500
#: How Grafana lists a dashboard's first version, whatever message it was saved with (seen in 11.x).
INITIAL_SAVE = "Initial save"
#: Grafana's uid for the place of what is in no folder.
ROOT = "general"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A dashboard in a search; ``folder_uid`` is "" at the root."""

    uid: str
    title: str
    folder_uid: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A dashboard as Grafana holds it.

    Attributes:
        folder_uid: "" at the root.
        version: Of the newest save; grows with each.
        model: The JSON as Grafana returns it, ``id`` and ``version`` included.
        provisioned: It comes from a file; saving it through the API is refused.
    """

    uid: str
    title: str
    folder_uid: str
    version: int
    model: Model
    provisioned: bool


@dataclass(frozen=True, kw_only=True)
class Version:
    """One save of a dashboard.

    Attributes:
        message: "" when none was given, as people seldom do.
        created_by: A login; "Anonymous" of somebody who is gone, or of a service account in some versions.
        created: RFC 3339, as Grafana words it.
    """

    number: int
    message: str
    created_by: str
    created: str


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder."""

    uid: str
    title: str


class Grafana:
    """One Grafana as one identity; several threads may use it at once.

    Args:
        connection: Where it is, and as whom it is asked.
        deadline_seconds: The longest that one call of a method may take, second tries and
            further pages included.

    Attributes:
        url: Its address, without a name and password that it may hold.

    Raises:
        SettingsError: No address is set, or the connection cannot be used.
    """

    def __init__(self, connection: Connection, *, deadline_seconds: float = 60.0) -> None:
        self._api, self._seconds = GrafanaApi(connection), deadline_seconds
        self.url = self._api.url

    def health(self) -> Mapping[str, str]:
        """Return ``version`` and ``database`` ("ok"); needs no token."""
        doing = "say how it is"
        answer = self._api.json(doing, "GET", "/api/health", until=self._until())
        with self._api.reading(doing):
            return {"version": str(answer.get("version", "")), "database": text_of(answer, "database")}

    # dashboards

    def search(self, *, tag: str = "", folder_uid: str = "") -> tuple[Found, ...]:
        """Return the dashboards with a tag, in a folder, with both, or all; in Grafana's order."""
        params = {"type": "dash-db", "tag": tag, "folderUIDs": folder_uid}
        rows = self._pages("search", "/api/search", {key: value for key, value in params.items() if value})
        with self._api.reading("search"):
            return tuple(
                Found(
                    uid=text_of(row, "uid"),
                    title=text_of(row, "title"),
                    folder_uid=_folder(row),
                    tags=tuple(str(tag) for tag in row.get("tags") or ()),
                )
                for row in rows
            )

    def get(self, uid: str) -> Stored | None:
        """Return a dashboard, None when there is none of that uid."""
        doing = f"return the dashboard {uid!r}"
        answer = self._api.json(doing, "GET", _dashboard(uid), until=self._until(), or_none=True)
        if answer is None:
            return None
        with self._api.reading(doing):
            model, meta = _model(answer["dashboard"]), answer.get("meta") or {}
            return Stored(
                uid=text_of(model, "uid"),
                title=text_of(model, "title"),
                folder_uid=_folder(meta),
                version=number_of(model, "version"),
                model=model,
                provisioned=bool(meta.get("provisioned")),
            )

    def versions(self, uid: str, limit: int = 50) -> tuple[Version, ...]:
        """Return the saves of a dashboard, newest first; Grafana keeps the last 20 by default.

        Raises:
            GrafanaError: Among others 403: who may not write a dashboard may not see them; 404:
                there is no such dashboard.
        """
        doing, until = f"list the versions of {uid!r}", self._until()
        path = f"{_dashboard(uid)}/versions"
        answer = self._api.json(doing, "GET", path, params={"limit": str(limit)}, until=until)
        with self._api.reading(doing):
            # A list, and since Grafana 11.6 {"continueToken": ..., "versions": [...]}.
            rows = rows_of(answer["versions"] if isinstance(answer, dict) else answer)
            found = [_version(row) for row in rows]
        found.sort(key=lambda version: -version.number)
        if found and found[-1].message == INITIAL_SAVE:
            found[-1] = replace(found[-1], message=self._message(f"{path}/{found[-1].number}", until))
        return tuple(found[:limit])

    def _message(self, path: str, until: float) -> str:
        """Return the message that a version was saved with: asked for alone, Grafana tells it."""
        with contextlib.suppress(GrafanaError):
            answer = self._api.json("return a version", "GET", path, until=until)
            if isinstance(answer, dict):
                return str(answer.get("message") or "")
        return INITIAL_SAVE

    def version(self, uid: str, number: int) -> Model:
        """Return a dashboard's JSON as it was saved with a version."""
        doing = f"return version {number} of {uid!r}"
        answer = self._api.json(doing, "GET", f"{_dashboard(uid)}/versions/{number}", until=self._until())
        with self._api.reading(doing):
            return _model(answer["data"])

    def save(self, model: Model, *, folder_uid: str, message: str, version: int | None, overwrite: bool = False) -> int:
        """Create or change a dashboard and return its new version.

        Args:
            model: With ``uid`` and ``title``; its ``id`` and ``version`` are not sent.
            folder_uid: Where it goes, "" for the root; one that is elsewhere is moved.
            message: Of the version; cut at 500 bytes, beyond which Grafana refuses it.
            version: The one that the change was made on; None when there is no such dashboard.
            overwrite: Save whatever was saved since. Grafana 11.2 and older then also replaces
                *another* dashboard of the same title in that folder, which ends in an error here;
                the newest *version* does without.

        Raises:
            ConflictError: It was saved since (``version-mismatch``), the title is taken, or it
                belongs to a plugin.
            GrafanaError: Among others 400 for a provisioned one.
            UsageError: The model is no JSON.
        """
        uid = str(model.get("uid") or "")
        doing = f"save the dashboard {uid!r}"
        sent = {key: value for key, value in model.items() if key not in ("id", "version")}
        if version is not None:
            sent["version"] = version
        note = message.encode("utf-8", "replace")[:MOST_MESSAGE_BYTES].decode("utf-8", "ignore")
        body = {"dashboard": sent, "folderUid": folder_uid, "message": note, "overwrite": overwrite}
        answer = self._api.json(doing, "POST", "/api/dashboards/db", body=body, until=self._until())
        with self._api.reading(doing):
            if uid and text_of(answer, "uid") != uid:
                raise ValueError(f"it replaced another dashboard of that title, {text_of(answer, 'uid')!r}")
            return number_of(answer, "version")

    def delete(self, uid: str) -> bool:
        """Delete a dashboard; return False when it was gone already."""
        doing = f"delete the dashboard {uid!r}"
        return self._api.json(doing, "DELETE", _dashboard(uid), until=self._until(), or_none=True) is not None

    # folders

    def folders(self) -> tuple[Folder, ...]:
        """Return the folders at the root."""
        return self._folders(self._until())

    def _folders(self, until: float) -> tuple[Folder, ...]:
        rows = self._pages("list the folders", "/api/folders", {}, until)
        with self._api.reading("list the folders"):
            return tuple(Folder(uid=text_of(row, "uid"), title=text_of(row, "title")) for row in rows)

    def folder(self, uid: str) -> Folder | None:
        """Return the folder of a uid, wherever it is; None when there is none."""
        return self._folder_of(uid, self._until())

    def _folder_of(self, uid: str, until: float) -> Folder | None:
        doing = f"return the folder {uid!r}"
        answer = self._api.json(doing, "GET", f"/api/folders/{_segment(uid)}", until=until, or_none=True)
        if answer is None:
            return None
        with self._api.reading(doing):
            return Folder(uid=text_of(answer, "uid"), title=text_of(answer, "title"))

    def create_folder(self, uid: str, title: str) -> Folder:
        """Create a folder at the root; return the one that has its uid, else at the root its title, if any does.

        So the one returned may have another title, another uid, or another place than was asked for.
        """
        doing, until = f"create the folder {title!r}", self._until()
        try:
            answer = self._api.json(doing, "POST", "/api/folders", body={"uid": uid, "title": title}, until=until)
        except GrafanaError as error:
            # A taken uid is 412 up to Grafana 10.1 and 409 since; a taken title is 409, or 400 in some.
            if error.status not in (400, 409, 412):
                raise
            # The list holds the root only; a folder that was moved into another is found by its uid.
            there = self._folder_of(uid, until) or next((f for f in self._folders(until) if f.title == title), None)
            if there is None:
                raise
            return there
        with self._api.reading(doing):
            return Folder(uid=text_of(answer, "uid"), title=text_of(answer, "title"))

    # beside dashboards

    def annotate(
        self, *, time_ms: int, time_end_ms: int | None, text: str, tags: Sequence[str], dashboard_uid: str = ""
    ) -> int:
        """Write an annotation and return its id.

        Args:
            time_ms, time_end_ms: Milliseconds since the epoch; without an end it is a moment.
            text: What happened.
            tags: By which dashboards ask for it.
            dashboard_uid: Only there; "" for every dashboard that asks for one of its tags.
        """
        body: Model = {"time": time_ms, "text": text, "tags": list(tags)}
        if time_end_ms is not None:
            body["timeEnd"] = time_end_ms
        if dashboard_uid:
            body["dashboardUID"] = dashboard_uid
        answer = self._api.json("write an annotation", "POST", "/api/annotations", body=body, until=self._until())
        with self._api.reading("write an annotation"):
            return number_of(answer, "id")

    # asking

    def _until(self) -> float:
        return deadline_in(self._seconds)

    def _pages(self, doing: str, path: str, params: Mapping[str, str], until: float | None = None) -> list[Model]:
        """Return the rows of all pages, each uid once: rows move between pages while others save."""
        until = self._until() if until is None else until
        found: dict[str, Model] = {}
        for page in range(1, MOST_PAGES + 1):
            asked = {**params, "limit": str(PAGE_ROWS), "page": str(page)}
            answer = self._api.json(doing, "GET", path, params=asked, until=until)
            with self._api.reading(doing):
                rows, known = rows_of(answer), len(found)
                found.update((text_of(row, "uid"), row) for row in rows)
            if len(rows) < PAGE_ROWS or len(found) == known:
                break
        return list(found.values())


def _segment(uid: str) -> str:
    """Return a uid as one segment of a path.

    Raises:
        UsageError: It is empty or of dots only, which a client or proxy would resolve to another path.
    """
    if not uid.strip("."):
        raise UsageError(f"{uid!r} is no uid", hint="letters, digits, - and _, at most 40")
    return quote(uid, safe="")


def _dashboard(uid: str) -> str:
    return f"/api/dashboards/uid/{_segment(uid)}"


def _model(found: Any) -> Model:
    """Return a dashboard's JSON.

    Raises:
        TypeError: It is no object.
        ValueError: It is nested so deeply that whoever walks through it would run out of stack.
    """
    if not isinstance(found, dict):
        raise TypeError("the dashboard is no object")
    level: list[Any] = [found]
    for _ in range(MOST_LEVELS):
        below = [v.values() if isinstance(v, dict) else v for v in level]
        level = [inner for values in below for inner in values if isinstance(inner, dict | list)]
        if not level:
            return found
    raise ValueError(f"it is nested deeper than {MOST_LEVELS} levels")


def _folder(row: Model) -> str:
    uid = row.get("folderUid") or ""
    if not isinstance(uid, str):
        raise TypeError("folderUid is no text")
    return "" if uid == ROOT else uid


def _version(row: Model) -> Version:
    return Version(
        number=number_of(row, "version"),
        message=str(row.get("message") or ""),
        created_by=str(row.get("createdBy") or ""),
        created=str(row.get("created") or ""),
    )
