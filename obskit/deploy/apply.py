"""Does what a plan says: what does not wait for each other at the same time, each thing once.

There is no state to lose. Whatever stops it, the next plan starts from what AWS then has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final, Literal

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.graph import Work, works
from obskit.deploy.plan import Plan, Step, differences
from obskit.deploy.resource import Attributes, Kind, Observed, Resource, Stack, resolved, unknowns
from obskit.errors import ObskitError, UsageError

#: Calls that change an account are throttled at a few a second and service; more workers would only wait.
WORKERS: Final = 8
#: How often something is created anew after an answer that left open whether it was.
_CREATIONS: Final = 3

State = Literal["begins", "waits", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that happened while a plan was applied.

    Attributes:
        work: With what.
        state: What became of it.
        words: Why it waits, or why it failed.
        seconds: Since the work began.
    """

    work: Work
    state: State
    words: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Applied:
    """What came of a plan.

    Attributes:
        done: Works that are done, in the order in which they were.
        failed: Works that failed, and why.
        skipped: Works that waited for one that failed.
        attributes: Of all resources that are there now, by address.
    """

    done: list[Work] = field(default_factory=list)
    failed: list[tuple[Work, DeployError]] = field(default_factory=list)
    skipped: list[Work] = field(default_factory=list)
    attributes: dict[str, Attributes] = field(default_factory=dict)


def apply(
    plan: Plan,
    aws: Aws,
    stack: Stack,
    kinds: Mapping[str, Kind],
    *,
    tell: Callable[[Told], None] = lambda _: None,
    lose_data: frozenset[str] = frozenset(),
    workers: int = WORKERS,
) -> Applied:
    """Do what a plan says.

    Args:
        plan: From `plan.plan` for what AWS has now.
        aws, stack: Where.
        kinds: By name, in the order of their needs.
        tell: Is told of each beginning, wait and end, from any thread.
        lose_data: Addresses whose data may go with a replacement.
        workers: How much is done at once; 1 does one after the other, in the calling thread.

    Returns:
        What was done and what failed. What does not depend on a failure is done all the same.

    Raises:
        UsageError: A replacement would lose data that may not be lost; nothing was done.
    """
    risky = [s for s in plan.steps if s.action == "replace" and s.loses_data and s.address not in lose_data]
    if risky:
        changed = ", ".join(f"{s.address} ({', '.join(c.path for c in s.changes)})" for s in risky)
        hint = "take the change back, or name each: --lose-data ADDRESS"
        raise UsageError("replacing would lose data; nothing was done", where={"replaced": changed}, hint=hint)
    run = _Run(plan, aws, stack, kinds, tell)
    todo = works(plan, kinds)
    if workers == 1:
        for work in todo:
            run.take(work)
    else:
        _at_once(run, todo, workers)
    return run.applied


def _at_once(run: _Run, todo: tuple[Work, ...], workers: int) -> None:
    """Take works as soon as all that they wait for is over."""
    left, over = {work.number: work for work in todo}, set[int]()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="obskit-apply")
    running: dict[Future[None], Work] = {}
    try:
        while left or running:
            for work in [w for w in left.values() if w.after <= over]:
                del left[work.number]
                running[pool.submit(run.take, work)] = work
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                over.add(running.pop(future).number)
                future.result()
    except BaseException:
        run.stop()
        raise
    finally:
        # Ctrl-C: calls that have begun are finished, waits are not, and nothing more begins.
        pool.shutdown(wait=True, cancel_futures=True)


class _Run:
    """One application of a plan."""

    def __init__(
        self, plan: Plan, aws: Aws, stack: Stack, kinds: Mapping[str, Kind], tell: Callable[[Told], None]
    ) -> None:
        self._aws, self._stack, self._kinds, self._tell = aws, stack, kinds, tell
        self._lock = threading.Lock()
        self._lost: set[int] = set()
        self.applied = Applied(attributes=dict(plan.known))

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._aws.stopping.set()

    def take(self, work: Work) -> None:
        """Do one work, or say why not."""
        if work.after & self._lost:
            self._end(work, "skipped", 0.0)
            return
        began = self._aws.monotonic()
        self._tell(Told(work=work, state="begins"))
        try:
            if work.what == "make":
                self._make(work, began)
            else:
                self._delete(work, began)
        except Exception as caught:  # one that fails fails alone, whatever it is
            error = _as_failure(caught)
            self.applied.failed.append((work, error))
            self._end(work, "failed", self._aws.monotonic() - began, str(error))
        else:
            self._end(work, "done", self._aws.monotonic() - began)

    def _end(self, work: Work, state: State, seconds: float, words: str = "") -> None:
        with self._lock:
            if state == "done":
                self.applied.done.append(work)
            else:
                self._lost.add(work.number)
            if state == "skipped":
                self.applied.skipped.append(work)
        self._tell(Told(work=work, state=state, words=words, seconds=seconds))

    def _make(self, work: Work, began: float) -> None:
        step, kind = work.step, self._kinds[work.step.kind]
        resource = self._resolved(step)
        if step.action == "change" and step.observed is not None:
            attributes = self._change(kind, resource, step.observed, frozenset(c.path for c in step.changes))
        else:
            attributes = self._create(kind, resource, replaced=step.observed)
        self._wait(work, began, lambda: kind.waiting(self._aws, self._stack, attributes), kind)
        with self._lock:
            self.applied.attributes[step.address] = attributes

    def _resolved(self, step: Step) -> Resource:
        if step.wanted is None:
            raise ValueError("only what is wanted is made")
        with self._lock:
            resource = resolved(step.wanted, self.applied.attributes)
        for unknown in unknowns(resource.fields):
            raise DeployError(f"{step.address} needs {unknown}, which is not known")
        return resource

    def _create(self, kind: Kind, resource: Resource, *, replaced: Observed | None) -> Attributes:
        """Create one. Where an answer is lost, look whether it is there before trying again."""
        for attempt in range(_CREATIONS):
            try:
                return kind.create(self._aws, self._stack, resource)
            except AwsError as error:
                if not error.ambiguous:
                    raise
                found = self._find(kind, resource, replaced)
                if found is not None:
                    return self._mend(kind, resource, found)
                if attempt == _CREATIONS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _find(self, kind: Kind, resource: Resource, replaced: Observed | None) -> Observed | None:
        old = replaced.attributes if replaced else None
        found = [
            one for one in kind.observe(self._aws, self._stack) if one.name == resource.name and one.attributes != old
        ]
        return found[0] if found else None

    def _mend(self, kind: Kind, resource: Resource, found: Observed) -> Attributes:
        """Finish what an interrupted creation began."""
        paths = frozenset(change.path for change in differences(resource.fields, found.fields))
        return self._change(kind, resource, found, paths)

    def _change(self, kind: Kind, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        attributes = before.attributes
        ours = frozenset(path for path in paths if not path.startswith("tags."))
        if before.tags is not None and any(before.tags.get(k) != v for k, v in resource.tags.items()):
            kind.retag(self._aws, self._stack, before, resource.tags)
        if ours:
            attributes = kind.change(self._aws, self._stack, resource, before, ours)
        return attributes

    def _delete(self, work: Work, began: float) -> None:
        step, kind = work.step, self._kinds[work.step.kind]
        before = step.observed
        if before is None:
            raise ValueError("only what is there is deleted")
        quiet(lambda: kind.delete(self._aws, self._stack, before))
        self._wait(work, began, lambda: kind.leaving(self._aws, self._stack, before), kind)

    def _wait(self, work: Work, began: float, why: Callable[[], str], kind: Kind) -> None:
        def told() -> str:
            reason = why()
            if reason:
                self._tell(Told(work=work, state="waits", words=reason, seconds=self._aws.monotonic() - began))
            return reason

        self._aws.until(told, patience_seconds=kind.patience_seconds, what=work.step.address)


def _as_failure(error: Exception) -> DeployError:
    """Return what went wrong as a failure of one work."""
    if isinstance(error, DeployError):
        return error
    if isinstance(error, ObskitError):
        found = DeployError(error.what, where=error.where, hint=error.hint)
    else:
        hint = "this is a defect of obskit: report it with this text"
        found = DeployError(f"{type(error).__name__}: {error}", hint=hint)
    found.__cause__ = error
    return found
