"""Carries a plan of dashboards out, and says what was done and what was not.

Nothing is remembered between runs: interrupted anywhere, a second run reads again what is there
and does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from obskit.ascode.grafana import ConflictError, Grafana
from obskit.ascode.plan import THREADS, Action, Plan, find_folder, folder_uid, marked, message_of, plan
from obskit.errors import ObskitError, UsageError
from obskit.escape import clean

__all__ = ["Action", "Outcome", "Plan", "Result", "marked", "plan", "push"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """An action that was not carried out, and why."""

    action: Action
    reason: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a push did.

    Attributes:
        done: Creations, updates and deletions that Grafana confirmed.
        failed: What it did not confirm.
        not_done: What was not begun any more; what the plan refused stands in the plan.
    """

    done: tuple[Action, ...]
    failed: tuple[Result, ...]
    not_done: tuple[Result, ...]


def push(plan: Plan, grafana: Grafana, *, commit: str, progress: Callable[[Action], None] | None = None) -> Outcome:
    """Carry a plan out: folder by folder, and deletions last, when all else succeeded.

    A failure leaves the others alone; after one that would meet every request (401, 403, no
    answer) nothing new is begun. Nothing is raised for it: the outcome says what was done and
    what was not, and running it again does the rest.

    Args:
        plan: Made on the same Grafana; what was changed since then is not overwritten.
        commit: Recorded in each version's message; "" when it is not known.
        progress: Told of each action as it is done, in this thread.
    """
    run = _Run(grafana, commit, progress or (lambda _: None))
    saves = plan.of_kind("create", "update")
    for folder in sorted({action.folder for action in saves}):
        run.save(folder, [action for action in saves if action.folder == folder])
    run.delete(plan.of_kind("delete"))
    return run.outcome(plan)


class _Run:
    """One push under way; only the thread that made it writes into it."""

    def __init__(self, grafana: Grafana, commit: str, progress: Callable[[Action], None]) -> None:
        self._grafana, self._commit, self._progress = grafana, commit, progress
        self._stopped = Event()
        self._done: set[str] = set()
        self._failed: dict[str, str] = {}
        self._not_done: dict[str, str] = {}

    def save(self, folder: str, actions: Sequence[Action]) -> None:
        """Create and update the dashboards of one folder, which is created where it is missing."""
        if self._stopped.is_set():
            return
        try:
            found = find_folder(self._grafana.folders(), folder)
            uid = self._grafana.create_folder(folder_uid(folder), folder).uid if found is None else found
        except ObskitError as error:
            self._heed(error)
            self._failed |= {action.uid: _reason(error) for action in actions}
            return
        self._each(actions, lambda action: self._save(action, uid))

    def _save(self, action: Action, folder: str) -> None:
        model = action.model or {}
        message = message_of(model, self._commit)
        self._grafana.save(model, folder_uid=folder, message=message, version=action.version)

    def delete(self, actions: Sequence[Action]) -> None:
        """Delete, unless anything failed before: what replaces them may not be there yet."""
        if self._failed:
            self._not_done |= {action.uid: "nothing is deleted until all else succeeded" for action in actions}
        else:
            self._each(actions, self._delete)

    def _delete(self, action: Action) -> None:
        stored = self._grafana.get(action.uid)  # a deletion, unlike a save, asks for no version
        if stored is not None and stored.version != action.version:
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
            self._failed[action.uid] = _reason(error)
            return
        if begun:
            self._done.add(action.uid)
            self._progress(action)

    def _heed(self, error: ObskitError) -> None:
        """Begin nothing more after what every other request would meet: no answer, or no right."""
        if not isinstance(error, UsageError) and getattr(error, "status", 0) in (0, 401, 403):
            self._stopped.set()

    def outcome(self, plan: Plan) -> Outcome:
        """Return what became of each action, in the plan's order."""
        begun = self._done | self._failed.keys()
        left = [a for a in plan.of_kind("create", "update", "delete") if a.uid not in begun]
        return Outcome(
            done=tuple(action for action in plan.actions if action.uid in self._done),
            failed=tuple(Result(action=a, reason=self._failed[a.uid]) for a in plan.actions if a.uid in self._failed),
            not_done=tuple(
                Result(action=a, reason=self._not_done.get(a.uid, "not begun, after what failed")) for a in left
            ),
        )


def _reason(error: ObskitError) -> str:
    """Return what a failure says, on one line."""
    if isinstance(error, ConflictError) and error.reason == "version-mismatch":
        return "it was changed meanwhile: run obskit dashboards diff again"
    return clean("; ".join(part for part in (error.what, error.where.get("said", ""), error.hint) if part))
