"""What a push of dashboards would do: create, change, delete, and what it refuses.

Every save of ours leaves its mark in the version's message: ``obskit COMMIT DIGEST``. The newest
version that bears it is what we left behind; whatever came after was somebody's edit in the UI,
and a push that would undo one is refused unless told. The tag (`DashboardSettings.mark`) finds
what left the repository; the message proves that it was ours, because a copy made with "Save as"
keeps the tag. Two repositories that push to one Grafana need two marks.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from obskit.ascode.canonical import digest
from obskit.ascode.compare import Change, differences, touch
from obskit.ascode.definition import Definition, Model
from obskit.ascode.grafana import Folder, Found, Grafana, Stored, Version
from obskit.errors import UsageError
from obskit.escape import clean, cut
from obskit.settings import DashboardSettings

T = TypeVar("T")
R = TypeVar("R")
Kind = Literal["create", "update", "unchanged", "delete", "refused"]

#: Requests under way at once: a small Grafana (one CPU, SQLite) serves that many without queueing.
THREADS = 8
#: Deletions of one push that need no second thought; a stale checkout would ask for more.
PRUNE_LIMIT = 5
#: Versions that are asked for; Grafana itself keeps 20 by default.
MOST_VERSIONS = 50

_OURS = re.compile(r"obskit \S+ [0-9a-f]{12}")
#: What Grafana calls the folder that all others are in; none can be created of that name.
_ROOT = ("", "general")
_TELL = "--overwrite-edits does it all the same"


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a push does with one dashboard.

    Attributes:
        folder: Title of the folder where it goes, or of a deletion where it is; "" at the root.
        changes: From what Grafana holds to what the definition says.
        edits: What was changed in the UI since we last pushed it.
        edited_by: Who did that, as Grafana names them; newest first.
        moved_from: Title of the folder where it is now, where that is another.
        why: Of what is refused: the reason, and what to do.
        foreign: It only looks like ours: refused, and no difference from the repository.
        model: What is saved; None where nothing is.
        version: That this was planned on; None of what is created.
    """

    kind: Kind
    uid: str
    title: str
    folder: str
    changes: tuple[Change, ...] = ()
    edits: tuple[Change, ...] = ()
    edited_by: tuple[str, ...] = ()
    moved_from: str | None = None
    why: str = ""
    foreign: bool = False
    model: Model | None = field(default=None, repr=False)
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a push would do: the definitions' dashboards by uid, then what left the repository."""

    actions: tuple[Action, ...]

    @property
    def differs(self) -> bool:
        """Whether Grafana is anything but what the repository says."""
        return any(action.kind != "unchanged" and not action.foreign for action in self.actions)

    def of_kind(self, *kinds: Kind) -> tuple[Action, ...]:
        """Return the actions of some kinds, in order."""
        return tuple(action for action in self.actions if action.kind in kinds)


def marked(model: Model, mark: str) -> Model:
    """Return the model as it is pushed: with the tag that says that it is ours."""
    return {**model, "tags": sorted({*map(str, model.get("tags") or ()), mark})}


def message_of(model: Model, commit: str) -> str:
    """Return the message of a version of ours: where it comes from, and what it holds."""
    return f"obskit {commit if re.fullmatch(r'[!-~]{1,80}', commit) else 'unknown'} {digest(model)}"


def is_ours(version: Version) -> bool:
    """Tell whether a push of ours made the version."""
    return _OURS.fullmatch(version.message) is not None


def plan(
    definitions: Sequence[Definition],
    grafana: Grafana,
    settings: DashboardSettings,
    *,
    prune: bool,
    prune_limit: int = PRUNE_LIMIT,
    overwrite_edits: bool = False,
) -> Plan:
    """Read what Grafana holds and return what a push would do; changes nothing.

    Args:
        definitions: All dashboards of the repository; with *prune*, one left out is one to delete.
        prune: Delete what bears our mark and is defined no more.
        prune_limit: Beyond so many deletions none is made.
        overwrite_edits: Undo what was edited in the UI, and take over what is not ours.

    Raises:
        SourceError: Something could not be read; without it there is no plan.
        UsageError: A definition has no uid, or two have the same.
    """
    times = Counter(definition.uid for definition in definitions)
    for definition in definitions:
        if not definition.uid or times[definition.uid] > 1:
            what = "two dashboards have the same uid" if definition.uid else "a dashboard has no uid"
            where = {"uid": definition.uid, "in": definition.file}
            raise UsageError(what, where=where, hint="run: obskit dashboards check")
    view = _View(grafana, settings, overwrite_edits)
    actions = _at_once(view.wanted, sorted(definitions, key=lambda d: d.uid))
    if prune:
        own = {definition.uid for definition in definitions}
        left = sorted((f for f in grafana.search(tag=settings.mark) if f.uid not in own), key=lambda f: f.uid)
        actions += _limited(_at_once(view.left, left), prune_limit, any_defined=bool(definitions))
    return Plan(actions=tuple(actions))


class _View:
    """What is known of a Grafana while a plan is made."""

    def __init__(self, grafana: Grafana, settings: DashboardSettings, overwrite: bool) -> None:
        self._grafana, self._settings, self._overwrite = grafana, settings, overwrite
        folders = grafana.folders()
        self._titles = {folder.uid: folder.title for folder in folders} | {"": ""}
        self._goes_to = find_folder(folders, settings.folder)

    def wanted(self, definition: Definition) -> Action:
        """Return what becomes of a dashboard that the repository has."""
        model = marked(definition.model, self._settings.mark)
        action = Action(
            kind="create", uid=definition.uid, title=definition.title, folder=self._settings.folder, model=model
        )
        stored = self._grafana.get(definition.uid)
        if stored is None:
            return action
        is_there = stored.folder_uid == self._goes_to
        moved_from = None if is_there else self._titles.get(stored.folder_uid, stored.folder_uid)
        changes = differences(stored.model, model)
        if not changes and moved_from is None:
            return replace(action, kind="unchanged", model=None)
        action = replace(action, kind="update", changes=changes, moved_from=moved_from, version=stored.version)
        if stored.provisioned:
            return _refused(
                action, "it is provisioned from a file of Grafana's: change it there, or give ours another uid"
            )
        return self._guarded(action, stored)

    def left(self, found: Found) -> Action:
        """Return what becomes of a dashboard that bears our mark and that the repository does not have."""
        folder = self._titles.get(found.folder_uid, found.folder_uid)
        action = Action(kind="delete", uid=found.uid, title=found.title, folder=folder)
        stored = self._grafana.get(found.uid)
        if stored is None:  # gone since it was found
            return replace(action, kind="unchanged")
        action = replace(action, version=stored.version)
        if stored.provisioned:
            return replace(_refused(action, "it is provisioned from a file of Grafana's"), foreign=True)
        return self._guarded(action, stored)

    def _guarded(self, action: Action, stored: Stored) -> Action:
        """Return the action with the edits that it would undo; refused when it would undo any."""
        versions = self._grafana.versions(action.uid, limit=MOST_VERSIONS)
        base = next((version for version in versions if is_ours(version)), None)
        if base is None:
            if action.kind == "delete":  # whoever tells us to undo edits does not mean somebody else's copy
                why = f"it bears the tag {self._settings.mark!r}, but no version of it is ours: a copy?"
                return replace(_refused(action, why), foreign=True)
            if self._overwrite:
                return action
            return _refused(action, f"no version of it is ours: give ours another uid; {_TELL}")
        later = [version for version in versions if version.number > base.number]
        if not later:
            return action
        edits = differences(self._grafana.version(action.uid, base.number), stored.model)
        by = tuple(dict.fromkeys(cut(clean(version.created_by), 60) for version in later if version.created_by))
        action = replace(action, edits=edits, edited_by=by)
        # What the definition has taken over in the meantime is lost to nobody.
        undone = edits if action.kind == "delete" else touch(edits, action.changes)
        if not undone or self._overwrite:
            return action
        who = f" by {', '.join(by)}" if by else ""
        take = "" if action.kind == "delete" else "take it over with obskit dashboards pull; "
        return _refused(action, f"it was edited in Grafana{who}: {take}{_TELL}")


def find_folder(folders: Iterable[Folder], title: str) -> str | None:
    """Return the uid of the folder that has the title, else of ours under another; None when there is none.

    Whoever renames our folder in Grafana does not mean that it should be filled a second time.
    """
    if title.lower() in _ROOT:
        return ""
    by_title = next((folder.uid for folder in folders if folder.title == title), None)
    ours = folder_uid(title)
    return by_title or next((folder.uid for folder in folders if folder.uid == ours), None)


def folder_uid(title: str) -> str:
    """Return the uid that a folder of this title is created with: always the same, at most 40 characters."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:30]
    return slug if slug == title else f"{slug}-{hashlib.sha256(title.encode()).hexdigest()[:8]}".strip("-")


def _refused(action: Action, why: str) -> Action:
    return replace(action, kind="refused", why=why, model=None)


def _limited(actions: list[Action], limit: int, *, any_defined: bool) -> list[Action]:
    """Refuse all deletions when they are suspiciously many."""
    number = sum(action.kind == "delete" for action in actions)
    if number and not any_defined:
        why = "no dashboard is defined here at all: is this the right folder?"
    elif number > limit:
        why = f"{number} dashboards would be deleted, more than {limit}: is this checkout stale? --prune-limit {number}"
    else:
        return actions
    return [_refused(action, why) if action.kind == "delete" else action for action in actions]


def _at_once(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return what *work* makes of each, in order; the first error ends it."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="obskit-plan") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
