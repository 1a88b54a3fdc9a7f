"""Brings the rules that a server evaluates to what the repository says: carries a plan out.

Nothing is remembered between runs: interrupted anywhere, a second run reads again what is there
and does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from obskit.ascode.alerts.push_compare import same
from obskit.ascode.alerts.push_plan import Action, Held, Plan, PushError, Target, plan, target_for
from obskit.errors import ObskitError, SourceError
from obskit.escape import clean

__all__ = ["Action", "Outcome", "Plan", "PushError", "Result", "Target", "plan", "push", "target_for"]

_GOES_LAST = "nothing is deleted until all else succeeded"


@dataclass(frozen=True, kw_only=True)
class Result:
    """An action that was not carried out, and why.

    Attributes:
        again: The same command, run again, may do it.
    """

    action: Action
    reason: str
    again: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a push did.

    Attributes:
        done: What the target confirmed.
        failed: What it did not confirm.
        not_done: What was not begun any more; what the plan refused stands in the plan.
        told: What a person should know of how it is used.
        unused: Why what was written is not used; "" when it is.
    """

    done: tuple[Action, ...] = ()
    failed: tuple[Result, ...] = ()
    not_done: tuple[Result, ...] = ()
    told: str = ""
    unused: str = ""

    @property
    def complete(self) -> bool:
        """Whether all that was planned is done and in use."""
        return not (self.failed or self.not_done or self.unused)

    @property
    def again(self) -> bool:
        """Whether the same command, run again, may do all the rest as it is."""
        return all(result.again for result in (*self.failed, *self.not_done))


def push(plan: Plan, target: Target, *, progress: Callable[[Action], None] | None = None) -> Outcome:
    """Carry a plan out, deletions last, when all else succeeded, and have the rules used.

    A failure leaves the others alone; after one that every request would meet nothing new is begun.
    Nothing is raised for it: the outcome says what was done and what was not, and running it again
    does the rest. What is as planned already counts as done.

    Args:
        plan: Made on the same target; what was changed since then is not overwritten.
        target: From `target_for`.
        progress: Told of each action as it is done, in this thread.
    """
    actions = plan.of_kind("create", "update", "delete")
    try:
        run = _Run(target, progress or (lambda _: None))
        run.each([action for action in actions if action.kind != "delete"])
        run.delete([action for action in actions if action.kind == "delete"])
    except ObskitError as error:  # it could not even be read
        reason, again = _reason(error)
        return Outcome(not_done=tuple(Result(action=action, reason=reason, again=again) for action in actions))
    told, unused = run.finish(
        [a.name for a in plan.of_kind("create", "update", "unchanged") if a.name not in run.failed]
    )
    left = [action for action in actions if action.name not in run.done and action.name not in run.failed]
    again = all(result.again for result in run.failed.values())
    why = run.waiting or "not begun, after what failed"
    return Outcome(
        done=tuple(action for action in actions if action.name in run.done),
        failed=tuple(run.failed[action.name] for action in actions if action.name in run.failed),
        not_done=tuple(Result(action=action, reason=why, again=again) for action in left),
        told=told,
        unused=unused,
    )


class _Run:
    """One push under way; only the thread that made it writes into it."""

    def __init__(self, target: Target, progress: Callable[[Action], None]) -> None:
        self._target, self._progress = target, progress
        self._now = target.held()
        self._stopped = Event()
        self.done: set[str] = set()
        self.failed: dict[str, Result] = {}
        self.waiting = ""

    def delete(self, actions: Sequence[Action]) -> None:
        """Delete, unless anything failed before: what replaces it may not be there yet."""
        if self.failed and not self._stopped.is_set():
            self.waiting = _GOES_LAST
        else:
            self.each(actions)

    def each(self, actions: Sequence[Action]) -> None:
        """Carry actions out, so many at once as the target takes."""
        with ThreadPoolExecutor(self._target.threads, thread_name_prefix="obskit-push") as pool:
            under_way = {pool.submit(self._one, action): action for action in actions}
            try:
                for future in as_completed(under_way):
                    action = under_way[future]
                    try:
                        begun = future.result()
                    except ObskitError as error:
                        reason, again = _reason(error)
                        self.failed[action.name] = Result(action=action, reason=reason, again=again)
                        continue
                    if begun:
                        self.done.add(action.name)
                        self._progress(action)
            except BaseException:
                self._stopped.set()
                raise

    def _one(self, action: Action) -> bool:
        """Carry an action out, in a thread of the pool; return False when nothing is begun any more."""
        if self._stopped.is_set():
            return False
        now = self._now.get(action.name)
        if _is_there(action, now):
            return True
        if not _as_planned(action.held, now):
            raise PushError("it was changed meanwhile", hint="run it again")
        try:
            if action.group is None:
                self._target.delete(action.name)
            else:
                self._target.put(action.name, action.group)
        except ObskitError as error:
            if getattr(error, "stop", False):
                self._stopped.set()
            raise
        return True

    def finish(self, names: Sequence[str]) -> tuple[str, str]:
        """Have what was written used; return what to know of it, and why it is not."""
        if self._stopped.is_set():
            return "", ""
        try:
            return self._target.finish(names), ""
        except ObskitError as error:
            return "", _reason(error)[0]


def _is_there(action: Action, now: Held | None) -> bool:
    """Return whether the target is as the action would make it."""
    if action.group is None or now is None:
        return action.group is None and now is None
    return not now.foreign and not now.unsettled and same(now.groups, [action.group])


def _as_planned(planned: Held | None, now: Held | None) -> bool:
    if planned is None or now is None:
        return planned is now
    return planned.foreign == now.foreign and same(planned.groups, now.groups)


def _reason(error: ObskitError) -> tuple[str, bool]:
    """Return what a failure says, on one line, and whether the same may succeed later."""
    said = clean("; ".join(part for part in (error.what, error.where.get("said", ""), error.hint) if part))
    return said, error.again if isinstance(error, PushError) else isinstance(error, SourceError)
