"""What a push of dashboards would do: create, change, delete, and what it refuses.

Every save of ours says so in its version's message (`obskit.ascode.ours`). The newest of them is
what we left behind; whatever came after was somebody's edit in the UI, and a push that would undo
one is refused unless told. What left the repository is found by the tag, and deleted when the
message says that it was pushed to our folder: so two repositories share a Grafana as long as they
have two folders, or two marks.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from obskit.ascode.compare import Change, differences, touch
from obskit.ascode.definition import Definition, Model
from obskit.ascode.grafana import Folder, Found, Grafana, GrafanaError, Stored, Version
from obskit.ascode.ours import Ours, marked, newest_of_ours
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
        stored_title: What it is called now; "" of what is created.
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
    stored_title: str = ""
    model: Model | None = field(default=None, repr=False)
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a push would do.

    Attributes:
        actions: The definitions' dashboards by uid, then what left the repository.
        mark: What ours bear.
        pruned: Whether what left the repository was looked for.
    """

    actions: tuple[Action, ...]
    mark: str = ""
    pruned: bool = False

    @property
    def differs(self) -> bool:
        """Whether Grafana is anything but what the repository says."""
        return any(action.kind != "unchanged" and not action.foreign for action in self.actions)

    def of_kind(self, *kinds: Kind) -> tuple[Action, ...]:
        """Return the actions of some kinds, in order."""
        return tuple(action for action in self.actions if action.kind in kinds)


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
        prune: Delete what a push of ours put into our folder and is defined no more.
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
        gone = [action for action in _at_once(view.left, left) if action is not None]
        actions += _limited(gone, prune_limit, any_defined=bool(definitions))
    return Plan(actions=tuple(actions), mark=settings.mark, pruned=prune)


class _View:
    """What is known of a Grafana while a plan is made."""

    def __init__(self, grafana: Grafana, settings: DashboardSettings, overwrite: bool) -> None:
        self._grafana, self._settings, self._overwrite = grafana, settings, overwrite
        folders = grafana.folders()
        goes_to = our_folder(grafana, settings.folder, folders)
        self._goes_to = None if goes_to is None else goes_to.uid
        known = folders if goes_to is None else (*folders, goes_to)
        self._titles = {folder.uid: folder.title for folder in known} | {"": ""}

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
        action = replace(action, stored_title=stored.title)
        if stored.provisioned:
            return _refused(
                action, "it is provisioned from a file of Grafana's: change it there, or give ours another uid"
            )
        versions = self._versions(stored)
        base = self._base(stored, versions)
        if base is None:
            if self._overwrite:
                return action
            return _refused(action, f"no version of it is ours: give ours another uid; {_TELL}")
        return self._guarded(action, stored, base, versions)

    def left(self, found: Found) -> Action | None:
        """Return what becomes of a dashboard that bears our mark and that the repository does not have.

        None of one that lies in another folder, unless our push put it into ours: another
        repository has the same mark, or somebody made a copy.
        """
        try:
            stored = self._grafana.get(found.uid)
            if stored is None:  # gone since it was found
                return None
            versions = self._versions(stored)
            base = self._base(stored, versions)
        except GrafanaError as error:
            if found.folder_uid == self._goes_to or error.status not in (200, 403, 404):
                raise
            return None  # what lies elsewhere and cannot be read is not ours to delete
        pushed_here = base is not None and base.folder_uid == self._goes_to
        if stored.folder_uid != self._goes_to and not pushed_here:
            return None
        folder = self._titles.get(stored.folder_uid, stored.folder_uid)
        action = Action(kind="delete", uid=found.uid, title=stored.title, folder=folder, version=stored.version)
        action = replace(action, stored_title=stored.title)
        why = ""
        if stored.provisioned:
            why = "it is provisioned from a file of Grafana's"
        elif base is None:  # whoever tells us to undo edits does not mean somebody else's copy
            why = f"it bears the tag {self._settings.mark!r}, but no version of it is ours: "
            why += "a copy, or edited until Grafana dropped ours?"
        elif not pushed_here:
            why = f"it was pushed to another folder ({base.folder_uid or 'the root'}) and moved here: whose is it?"
        if base is None or why:
            return replace(_refused(action, why), foreign=True)
        return self._guarded(action, stored, base, versions)

    def _versions(self, stored: Stored) -> tuple[Version, ...]:
        return self._grafana.versions(stored.uid, limit=MOST_VERSIONS)

    def _base(self, stored: Stored, versions: Sequence[Version]) -> Ours | None:
        return newest_of_ours(self._grafana, stored, versions, self._settings.mark)

    def _guarded(self, action: Action, stored: Stored, base: Ours, versions: Sequence[Version]) -> Action:
        """Return the action with the edits that it would undo; refused when it would undo any."""
        later = [version for version in versions if version.number > base.number]
        if not later:
            return action
        edits = differences(base.model, stored.model)
        by = tuple(dict.fromkeys(cut(clean(version.created_by), 60) for version in later if version.created_by))
        action = replace(action, edits=edits, edited_by=by)
        # What the definition has taken over in the meantime is lost to nobody.
        undone = edits if action.kind == "delete" else touch(edits, action.changes)
        if not undone or self._overwrite:
            return action
        who = f" by {', '.join(by)}" if by else ""
        take = "" if action.kind == "delete" else "take it over with obskit dashboards pull; "
        return _refused(action, f"it was edited in Grafana{who}: {take}{_TELL}")


def our_folder(grafana: Grafana, title: str, at_root: Iterable[Folder]) -> Folder | None:
    """Return the folder that has the title, else ours under another or elsewhere; None when there is none.

    Whoever renames our folder in Grafana, or moves it into another, does not mean that a second
    one should be filled.

    Args:
        grafana: Asked for what is not at the root.
        title: As configured; "" is the root.
        at_root: The folders there.

    Raises:
        GrafanaError: It could not be asked.
    """
    if title.lower() in _ROOT:
        return Folder(uid="", title="")
    by_title = next((folder for folder in at_root if folder.title == title), None)
    if by_title is not None:
        return by_title
    try:
        return grafana.folder(folder_uid(title))
    except GrafanaError as error:
        if error.status == 403:  # some releases say so of what is not there, to whoever may not see every folder
            return None
        raise


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
