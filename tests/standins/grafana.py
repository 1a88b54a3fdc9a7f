"""A Grafana of four files: what is saved through its HTTP API can be read again, with the real one's refusals.

It is a stand-in and no Grafana. No real server was there to record: it is held against the
documentation of the HTTP API, against answers that users reported, and, for orders of checks and
permissions of routes, against what Grafana's published source says. What it imitates:

- Tokens: 401 without one or with an unknown one; 403 "Permissions needed" by role. A viewer may read
  dashboards, but not their versions (``dashboards:write``); data sources need Admin. Health needs no token.
- ``POST /api/dashboards/db``: title required, uid at most 40 of ``[A-Za-z0-9_-]``, message at most 500
  bytes, folder must exist (400). An unknown uid creates version 1; a known one needs the current version
  (412 ``version-mismatch``), a plugin's needs ``overwrite`` (412 ``plugin-dashboard``), a provisioned one
  cannot be saved (400) or deleted (400). Each save, of the same JSON too, makes a version. No ``folderUid``
  moves to the root. The JSON is kept as posted, but for ``id``, ``uid`` and ``version``.
- Before 11.6 a title is unique in its folder: another uid gets 412 ``name-exists``, and with ``overwrite``
  *replaces* the one that was there, under that one's uid. Since then two may share a title.
- Versions: newest first, the last 20 are kept; a list before 11.6, ``{"continueToken", "versions"}`` since.
  Before 11.6 the list words the first version's message "Initial save"; asked for alone it has its own
  (that newer lists have its own too is assumed).
- Folders: pages; the list holds the root only; a taken uid is 412 before 10.2 and 409 since; a taken
  title is 409.
- Search: by type, tags (all), folder (``general`` is the root), words of the title; pages of at most 5000.
- Annotations; health.

What it does not: data sources, folders in folders but for where they are listed, permissions of
single folders, library panels, alerts, users, quotas, migrations of old JSON on load, a search index
that lags behind, and the ``/apis`` routes.

By hand: ``python -m tests.standins.grafana`` prints an address and a token and serves until interrupted.
"""

from __future__ import annotations

import contextlib
import copy
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.standins.grafana_frontend import as_saved_by_the_frontend
from tests.standins.grafana_kept import Annotations, Dashboard, Save, listed, page_of, slug_of
from tests.standins.grafana_server import READS, WRITES, Call, GrafanaServer, Refused

__all__ = ["READS", "WRITES", "Call", "GrafanaStandIn"]

Model = dict[str, Any]
KEPT_VERSIONS = 20
_UID = re.compile(r"[A-Za-z0-9_-]*")
_NOT_FOUND = "Dashboard not found"


class GrafanaStandIn(GrafanaServer):
    """A stateful Grafana on loopback; a context manager.

    Args:
        version: Which release it behaves like; "11.2.0" and "12.1.0" differ in what the module says.
        now: Seconds since the epoch, for the times in its answers.
    """

    def __init__(self, version: str = "11.2.0", *, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.version, self._now = version, now
        self._release = tuple(int(part) for part in version.split(".")[:2])
        self._last_id = 0
        self._dashboards: dict[str, Dashboard] = {}
        self._folders: dict[str, Model] = {}
        self._annotations = Annotations(self._next_id, now)

    # what a test says and sees

    @property
    def models(self) -> dict[str, Model]:
        """The newest JSON of every dashboard by uid; a copy."""
        with self._lock:
            return {uid: copy.deepcopy(d.model) for uid, d in sorted(self._dashboards.items())}

    @property
    def places(self) -> dict[str, str]:
        """The folder's uid of every dashboard by uid; "" at the root."""
        with self._lock:
            return {uid: d.folder_uid for uid, d in sorted(self._dashboards.items())}

    @property
    def annotations(self) -> list[Model]:
        """The annotations so far; a copy."""
        with self._lock:
            return copy.deepcopy(self._annotations.held)

    def put(
        self,
        model: Model,
        *,
        folder_uid: str = "",
        message: str = "",
        by: str = "admin",
        provisioned: bool = False,
        plugin: str = "",
    ) -> int:
        """Save a dashboard without asking anybody, its folder too where it is missing; return its version."""
        with self._lock:
            if folder_uid and folder_uid not in self._folders:
                self._new_folder(folder_uid, folder_uid)
            there = self._dashboards.get(model["uid"]) or Dashboard(self._next_id(), model["uid"])
            there.folder_uid, there.provisioned, there.plugin = folder_uid, provisioned, plugin
            return self._store(there, copy.deepcopy(model), message, by)

    def edit_in_ui(
        self,
        uid: str,
        change: Callable[[Model], object] | None = None,
        *,
        by: str = "admin",
        message: str = "",
        panel_defaults: bool = False,
    ) -> int:
        """Save a dashboard as a person does in the browser; return the new version.

        Args:
            uid: Of the dashboard.
            change: What the person changes in the JSON, in place; nothing when None.
            by: Their login.
            message: Of the version; people seldom give one.
            panel_defaults: Let the panels' editors write their defaults down, too.
        """
        with self._lock:
            there = self._dashboards[uid]
            model = as_saved_by_the_frontend(there.model, release=self.version, panel_defaults=panel_defaults)
            if change is not None:
                change(model)
            return self._store(there, model, message, by)

    def move(self, uid: str, folder_uid: str) -> None:
        """Put a dashboard into another folder, made where it is missing, as a person does: that makes no version."""
        with self._lock:
            if folder_uid not in self._folders:
                self._new_folder(folder_uid, folder_uid)
            self._dashboards[uid].folder_uid = folder_uid

    def move_folder(self, uid: str, parent: str) -> None:
        """Put a folder into another one, as a person does in the browser; it keeps its uid."""
        with self._lock:
            self._folders[uid]["parentUid"] = parent

    def preload(self, n: int, *, folder_uid: str = "", tags: Sequence[str] = ()) -> tuple[str, ...]:
        """Put *n* dashboards of four panels each, "preloaded-0001" and on; return their uids."""
        for i in range(1, n + 1):
            panels = [
                {
                    "id": k,
                    "type": "timeseries",
                    "title": f"Panel {k}",
                    "gridPos": {"x": 12 * (k % 2), "y": 8 * (k // 2), "w": 12, "h": 8},
                    "targets": [{"refId": "A", "expr": f"rate(preloaded_{i}_{k}_total[5m])"}],
                }
                for k in range(4)
            ]
            title = {"uid": f"preloaded-{i:04}", "title": f"Preloaded {i:04}", "tags": list(tags)}
            self.put({**title, "schemaVersion": 42, "panels": panels}, folder_uid=folder_uid)
        return tuple(f"preloaded-{i:04}" for i in range(1, n + 1))

    # routes

    def answer(self, call: Call) -> object:
        """Find the route of a call and return its answer."""
        match (call.method, *call.segments):
            case ("GET", "api", "health"):
                return {"commit": "stand-in", "database": "ok", "version": self.version}
            case ("GET", "api", "search"):
                return self._search(call)
            case (_, "api", "dashboards", *rest):
                return self._on_dashboards(call, rest)
            case (_, "api", "folders", *rest):
                return self._on_folders(call, rest)
            case ("GET" | "POST", "api", "annotations"):
                return self._annotations.answer(call, lambda uid: uid in self._dashboards)
        raise Refused(404, "Not found")

    def _on_dashboards(self, call: Call, rest: list[str]) -> object:
        match (call.method, *rest):
            case ("POST", "db"):
                self.allow(call, "dashboards:create", "dashboards:write")
                return self._save(call)
            case ("GET", "uid", uid):
                self.allow(call, "dashboards:read")
                return self._shown(self._found(uid))
            case ("DELETE", "uid", uid):
                self.allow(call, "dashboards:delete")
                return self._delete(self._found(uid))
            case ("GET", "uid", uid, "versions"):
                self.allow(call, "dashboards:write")
                return self._versions(self._found(uid), call)
            case ("GET", "uid", uid, "versions", number):
                self.allow(call, "dashboards:write")
                there = self._found(uid)
                for save in there.saves:
                    if str(save.number) == number:
                        return {**listed(there, save), "data": save.data}
                raise Refused(404, "Dashboard version not found")
        raise Refused(404, "Not found")

    def _on_folders(self, call: Call, rest: list[str]) -> object:
        match (call.method, *rest):
            case ("GET",):
                self.allow(call, "folders:read")
                at_root = [folder for folder in self._folders.values() if not folder.get("parentUid")]
                every = sorted(at_root, key=lambda folder: str(folder["title"]))
                return [{key: f[key] for key in ("id", "uid", "title")} for f in page_of(every, call)]
            case ("POST",):
                self.allow(call, "folders:create")
                return self._create_folder(call.body)
            case ("GET", uid) if uid in self._folders:
                self.allow(call, "folders:read")
                return self._folders[uid]
            case ("DELETE", uid) if uid in self._folders:
                self.allow(call, "folders:delete")
                self._dashboards = {k: d for k, d in self._dashboards.items() if d.folder_uid != uid}
                return {"message": "Folder deleted", "id": self._folders.pop(uid)["id"]}
        raise Refused(404, "folder not found", status="not-found")

    # dashboards

    def _save(self, call: Call) -> Model:
        body = call.body
        if not isinstance(body, dict) or not isinstance(body.get("dashboard"), dict):
            raise Refused(400, "bad request data")
        model, folder_uid = body["dashboard"], body.get("folderUid") or ""
        message, overwrite = str(body.get("message") or ""), bool(body.get("overwrite"))
        title, uid = str(model.get("title") or "").strip(), str(model.get("uid") or "").strip()
        _check_words(title, uid, message)
        if folder_uid and folder_uid not in self._folders:
            raise Refused(400, "Folder not found")
        there = self._target(uid, model, overwrite=overwrite)
        if self._release < (11, 6):
            there = self._same_title(title, folder_uid, there, overwrite=overwrite)
        if there is None:
            number = self._next_id()
            there = Dashboard(number, uid or f"generated-{number}")
        there.folder_uid = folder_uid
        version = self._store(there, {**model, "title": title}, message, f"sa-{call.role.lower()}")
        slug = slug_of(title)
        known = {"id": there.id, "uid": there.uid, "url": f"/d/{there.uid}/{slug}", "slug": slug}
        return {**known, "status": "success", "version": version, "folderUid": folder_uid}

    def _target(self, uid: str, model: Model, *, overwrite: bool) -> Dashboard | None:
        """Return the dashboard that a save would change."""
        there = self._dashboards.get(uid)
        if model.get("id"):
            there = next((d for d in self._dashboards.values() if d.id == model["id"]), None)
            if there is None:
                raise Refused(404, _NOT_FOUND, status="not-found")
            if uid not in ("", there.uid) and uid in self._dashboards:
                raise Refused(400, "A dashboard with the same uid already exists")
        if there is None:
            return None
        if there.provisioned:
            raise Refused(400, "Cannot save provisioned dashboard")
        if model.get("version", 0) != there.version and not overwrite:
            raise Refused(412, "The dashboard has been changed by someone else", status="version-mismatch")
        if there.plugin and not overwrite:
            raise Refused(412, f"The dashboard belongs to plugin {there.plugin}.", status="plugin-dashboard")
        return there

    def _same_title(self, title: str, folder_uid: str, there: Dashboard | None, *, overwrite: bool) -> Dashboard | None:
        for other in self._dashboards.values():
            if other is not there and (other.folder_uid, slug_of(other.model["title"])) == (folder_uid, slug_of(title)):
                if not overwrite:
                    words = "A dashboard with the same name in the folder already exists"
                    raise Refused(412, words, status="name-exists")
                return other
        return there

    def _store(self, there: Dashboard, model: Model, message: str, by: str) -> int:
        version = there.version + 1
        data = {**model, "id": there.id, "uid": there.uid, "version": version}
        there.saves.append(Save(version, there.version, data, message, by, self._time()))
        del there.saves[:-KEPT_VERSIONS]
        self._dashboards[there.uid] = there
        return version

    def _found(self, uid: str) -> Dashboard:
        if uid not in self._dashboards:
            raise Refused(404, _NOT_FOUND)
        return self._dashboards[uid]

    def _shown(self, there: Dashboard) -> Model:
        folder, slug, newest = self._folders.get(there.folder_uid, {}), slug_of(there.model["title"]), there.saves[-1]
        meta = {"type": "db", "canSave": True, "canEdit": True, "canAdmin": True, "canStar": True, "canDelete": True}
        times = {"created": there.saves[0].at, "createdBy": there.saves[0].by, "updated": newest.at}
        place = {"folderId": folder.get("id", 0), "folderUid": there.folder_uid, "folderUrl": folder.get("url", "")}
        more = {"updatedBy": newest.by, "version": newest.number, "slug": slug, "url": f"/d/{there.uid}/{slug}"}
        rest = {"folderTitle": folder.get("title", "General"), "provisioned": there.provisioned, "isFolder": False}
        return {"meta": {**meta, **times, **place, **more, **rest}, "dashboard": there.model}

    def _delete(self, there: Dashboard) -> Model:
        if there.provisioned:
            raise Refused(400, "provisioned dashboard cannot be deleted")
        title = there.model["title"]
        del self._dashboards[there.uid]
        return {"title": title, "message": f"Dashboard {title} deleted", "uid": there.uid}

    def _versions(self, there: Dashboard, call: Call) -> object:
        rows = [listed(there, save) for save in reversed(there.saves)][: call.whole("limit", 1000)]
        if self._release >= (11, 6):
            return {"continueToken": "", "versions": rows}
        return [{**row, "message": row["message"] if row["parentVersion"] else "Initial save"} for row in rows]

    def _search(self, call: Call) -> list[Model]:
        kind, tags, words = call.asked("type"), call.query.get("tag", []), call.asked("query").lower()
        folders = ["" if uid == "general" else uid for uid in call.query.get("folderUIDs", [])]
        hits = [self._hit(d) for d in self._dashboards.values()] if kind != "dash-folder" else []
        if kind != "dash-db":
            hits += [{**f, "type": "dash-folder", "tags": []} for f in self._folders.values()]
        fitting = [
            hit
            for hit in hits
            if set(tags) <= set(hit["tags"])
            and (not folders or hit.get("folderUid", "") in folders)
            and words in str(hit["title"]).lower()
        ]
        return page_of(sorted(fitting, key=lambda hit: (str(hit["title"]).lower(), str(hit["uid"]))), call)

    def _hit(self, there: Dashboard) -> Model:
        title = there.model["title"]
        hit = {"id": there.id, "uid": there.uid, "title": title, "uri": f"db/{slug_of(title)}", "type": "dash-db"}
        hit |= {"url": f"/d/{there.uid}/{slug_of(title)}", "tags": there.model.get("tags") or [], "isStarred": False}
        folder = self._folders.get(there.folder_uid)
        if folder:
            hit |= {"folderId": folder["id"], "folderUid": folder["uid"], "folderTitle": folder["title"]}
        return hit

    # the rest

    def _create_folder(self, body: Any) -> Model:
        if not isinstance(body, dict) or not str(body.get("title") or "").strip():
            raise Refused(400, "folder title cannot be empty")
        title, uid = str(body["title"]).strip(), str(body.get("uid") or f"folder-{self._next_id()}")
        _check_words(title, uid, "")
        if uid in self._folders or uid in self._dashboards:
            if self._release < (10, 2):
                raise Refused(412, "the folder has been changed by someone else", status="version-mismatch")
            raise Refused(409, "a folder/dashboard with the same uid already exists")
        if any(folder["title"] == title and not folder.get("parentUid") for folder in self._folders.values()):
            raise Refused(409, "a folder with the same name already exists in the current location")
        return self._new_folder(uid, title)

    def _new_folder(self, uid: str, title: str) -> Model:
        made = {"id": self._next_id(), "uid": uid, "title": title, "url": f"/dashboards/f/{uid}/{slug_of(title)}"}
        self._folders[uid] = {**made, "hasAcl": False, "canSave": True, "created": self._time(), "version": 1}
        return self._folders[uid]

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_words(title: str, uid: str, message: str) -> None:
    if not title:
        raise Refused(400, "Dashboard title cannot be empty", status="empty-name")
    if len(message.encode()) > 500:
        raise Refused(400, "message too long, max 500 characters")
    if not _UID.fullmatch(uid):
        raise Refused(400, "uid contains illegal characters")
    if len(uid) > 40:
        raise Refused(400, "uid too long, max 40 characters")


def main() -> None:
    """Serve by hand until interrupted."""
    with GrafanaStandIn() as grafana:
        print(f"OBSKIT_GRAFANA_URL={grafana.url} OBSKIT_GRAFANA_BEARER_TOKEN={grafana.token}")  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            grafana.stopping.wait()


if __name__ == "__main__":
    main()
