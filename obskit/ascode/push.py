"""Carries a plan of dashboards out, and says what was done and what was not.

Nothing is remembered between runs: interrupted anywhere, a second run reads again what is there
and does the rest.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from obskit.ascode.definition import Model
from obskit.ascode.grafana import ROOT, ConflictError, Grafana, GrafanaError
from obskit.ascode.ours import marked, message_of
from obskit.ascode.plan import THREADS, Action, Plan, folder_uid, our_folder, plan
from obskit.errors import ObskitError, UsageError
from obskit.escape import clean

__all__ = ["Action", "Outcome", "Plan", "Result", "marked", "plan", "push"]

_GOES_LAST = "nothing is deleted until all else succeeded"


@dataclass(frozen=True, kw_only=True)
class Result:
    """An action that was not carried out, and why.

    Attributes:
        again: The same command, run again, may do it: Grafana was away or busy, or somebody saved
            meanwhile. Not so a right that is missing, or a title that is taken.
    """

    action: Action
    reason: str
    again: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a push did.

    Attributes:
        done: Creations, updates and deletions that Grafana confirmed.
        failed: What it did not confirm.
        not_done: What was not begun, or not ended, any more; what the plan refused stands in the plan.
    """

    done: tuple[Action, ...]
    failed: tuple[Result, ...]
    not_done: tuple[Result, ...]

    @property
    def again(self) -> bool:
        """Whether the same command, run again, may do all the rest as it is."""
        return all(result.again for result in (*self.failed, *self.not_done))


def push(plan: Plan, grafana: Grafana, *, commit: str, progress: Callable[[Action], None] | None = None) -> Outcome:
    """Carry a plan out: folder by folder, and deletions last, when all else succeeded.

    A failure leaves the others alone; after one that would meet every request (401, 403, no
    answer) nothing new is begun. Nothing is raised for it: the outcome says what was done and
    what was not, and running it again does the rest.

    Up to Grafana 11.5 a folder holds each title once. Where a dashboard of this plan bears a
    title that another one gets (its uid was changed, or two swap theirs), it is renamed out of the
    way first, so that nothing is lost while the other is made.

    Args:
        plan: Made on the same Grafana; what was changed since then is not overwritten.
        commit: Recorded in each version's message; "" when it is not known.
        progress: Told of each action as it is done, in this thread.
    """
    run = _Run(plan, grafana, commit, progress or (lambda _: None))
    saves = plan.of_kind("create", "update")
    for folder in sorted({action.folder for action in saves}):
        run.save(folder, [action for action in saves if action.folder == folder])
    run.delete(plan.of_kind("delete"))
    return run.outcome()


class _Run:
    """One push under way; only the thread that made it writes into it."""

    def __init__(self, plan: Plan, grafana: Grafana, commit: str, progress: Callable[[Action], None]) -> None:
        self._plan, self._grafana, self._commit, self._progress = plan, grafana, commit, progress
        self._stopped = Event()
        self._done: set[str] = set()
        self._failed: dict[str, Result] = {}
        self._not_done: dict[str, str] = {}
        self._blocked: dict[str, Action] = {}  # by a title that is taken
        self._aside: dict[str, int | None] = {}  # renamed out of the way: the version that this made

    def save(self, folder: str, actions: Sequence[Action]) -> None:
        """Create and update the dashboards of one folder, which is created where it is missing."""
        if self._stopped.is_set():
            return
        try:
            found = our_folder(self._grafana, folder, self._grafana.folders())
            uid = (found or self._grafana.create_folder(folder_uid(folder), folder)).uid
        except ObskitError as error:
            self._heed(error)
            self._failed |= {action.uid: _result(action, error) for action in actions}
            return
        self._each(actions, lambda action: self._save(action, uid))
        while self._blocked and not self._stopped.is_set():
            waiting = tuple(self._blocked.values())
            self._blocked.clear()
            self._each(waiting, lambda action: self._save(action, uid))
            if len(self._blocked) == len(waiting) and not self._make_way(uid):
                break
        if not self._stopped.is_set():
            self._give_up(uid)

    def _save(self, action: Action, folder: str) -> None:
        model = action.model or {}
        version = self._aside.get(action.uid, action.version)
        self._grafana.save(model, folder_uid=folder, message=self._message(model, folder), version=version)

    def _message(self, model: Model, folder: str) -> str:
        return message_of(model, mark=self._plan.mark, folder_uid=folder, commit=self._commit)

    # titles that are taken

    def _make_way(self, folder: str) -> bool:
        """Rename one dashboard that bears a title which another gets; return False when there is none."""
        for action in sorted(self._blocked.values(), key=lambda action: action.uid):
            for holder in self._holders(action):
                self._aside[holder.uid] = holder.version
                try:
                    self._step_aside(holder, folder)
                except ObskitError as error:
                    self._heed(error)
                    self._failed[holder.uid] = _result(holder, error)
                    self._blocked.pop(holder.uid, None)
                return True
        return False

    def _holders(self, action: Action) -> Iterator[Action]:
        """Yield what this plan renames or deletes, has not yet, and is called what *action* will be."""
        for other in self._plan.of_kind("update", "delete"):
            waits = other.kind == "delete" or (other.uid in self._blocked and other.moved_from is None)
            same = _told_by(other.stored_title) == _told_by(action.title)
            if waits and same and other.uid not in (action.uid, *self._aside, *self._failed):
                yield other

    def _step_aside(self, holder: Action, folder: str) -> None:
        """Rename a dashboard, by a save that says it is ours: the next run knows it, whatever becomes of this one."""
        model, place, version = holder.model, folder, holder.version
        if model is None:  # it is deleted in the end
            stored = self._grafana.get(holder.uid)
            if stored is None:
                return
            if stored.version != version:
                raise ConflictError("it was saved since", reason="version-mismatch")
            model, place = stored.model, stored.folder_uid
        model = {**model, "title": f"{holder.stored_title} ({holder.uid})"}
        message = self._message(model, folder)
        self._aside[holder.uid] = self._grafana.save(model, folder_uid=place, message=message, version=version)

    def _give_up(self, folder: str) -> None:
        """Say of what is still blocked who has its title, and what to do."""
        for action in self._blocked.values():
            self._failed[action.uid] = Result(action=action, reason=clean(self._who_has(action, folder)), again=False)
        self._blocked.clear()

    def _who_has(self, action: Action, folder: str) -> str:
        title = _told_by(action.title)
        with contextlib.suppress(ObskitError):
            there = self._grafana.search(folder_uid=folder or ROOT)
            holder = next((f for f in there if f.uid != action.uid and _told_by(f.title) == title), None)
            if holder is not None:
                has = f"the dashboard {holder.uid!r} of that folder has its title"
                known = next((other for other in self._plan.actions if other.uid == holder.uid), None)
                if known is not None:
                    return f"{has}, and is not changed: {known.why or 'see there'}"
                if self._plan.mark in holder.tags and not self._plan.pruned:
                    return f"{has} and bears our mark: when it left the repository, push with --prune, which ends this"
                return f"{has}: give one of them another title, or ours that uid"
        return "another dashboard of that folder has its title: give one of them another"

    # deletions

    def delete(self, actions: Sequence[Action]) -> None:
        """Delete, unless anything failed before: what replaces them may not be there yet."""
        if self._failed:
            self._not_done |= {action.uid: _GOES_LAST for action in actions}
        else:
            self._each(actions, self._delete)

    def _delete(self, action: Action) -> None:
        stored = self._grafana.get(action.uid)  # a deletion, unlike a save, asks for no version
        if stored is not None and stored.version != self._aside.get(action.uid, action.version):
            raise ConflictError("it was saved since", reason="version-mismatch")
        if stored is not None:
            self._grafana.delete(action.uid)

    def _each(self, actions: Sequence[Action], work: Callable[[Action], None]) -> None:
        def one(action: Action) -> bool:
            if self._stopped.is_set():
                return False
            try:
                work(action)
            except ObskitError as error:
                self._heed(error)
                raise
            return True

        with ThreadPoolExecutor(THREADS, thread_name_prefix="obskit-push") as pool:
            under_way = {pool.submit(one, action): action for action in actions}
            try:
                for future in as_completed(under_way):
                    self._note(under_way[future], future)
            except BaseException:
                self._stopped.set()
                raise

    def _note(self, action: Action, future: Future[bool]) -> None:
        try:
            begun = future.result()
        except ObskitError as error:
            if isinstance(error, ConflictError) and error.reason == "name-exists":
                self._blocked[action.uid] = action
            else:
                self._failed[action.uid] = _result(action, error)
            return
        if begun:
            self._done.add(action.uid)
            self._progress(action)

    def _heed(self, error: ObskitError) -> None:
        """Begin nothing more after what every other request would meet: no answer, or no right."""
        if not isinstance(error, UsageError) and getattr(error, "status", 0) in (0, 401, 403):
            self._stopped.set()

    def outcome(self) -> Outcome:
        """Return what became of each action, in the plan's order."""
        actions = self._plan.of_kind("create", "update", "delete")
        failed = tuple(self._failed[a.uid] for a in actions if a.uid in self._failed)
        again = all(result.again for result in failed)
        return Outcome(
            done=tuple(action for action in actions if action.uid in self._done),
            failed=failed,
            not_done=tuple(
                Result(action=a, reason=self._why_not(a), again=again)
                for a in actions
                if a.uid not in self._done and a.uid not in self._failed
            ),
        )

    def _why_not(self, action: Action) -> str:
        if self._aside.get(action.uid, action.version) != action.version:
            return clean(f"renamed to {action.stored_title} ({action.uid}) for now, and not ended, after what failed")
        return self._not_done.get(action.uid, "not begun, after what failed")


def _told_by(title: str) -> str:
    """Return what two titles share that an old Grafana, or its database, may take for the same."""
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-") or title.strip()


def _result(action: Action, error: ObskitError) -> Result:
    """Return what a failure says, on one line, and whether it may pass by itself."""
    if isinstance(error, ConflictError) and error.reason == "version-mismatch":
        return Result(action=action, reason="it was changed meanwhile: run obskit dashboards diff again")
    said = clean("; ".join(part for part in (error.what, error.where.get("said", ""), error.hint) if part))
    lasts = isinstance(error, UsageError)
    if isinstance(error, GrafanaError):
        lasts = error.status not in (0, 408, 429) and error.status < 500
    return Result(action=action, reason=said, again=not lasts)
