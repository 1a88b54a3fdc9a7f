"""Deployments in events: what ECS says of them, and what the revisions of tasks give away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from obskit.model import Event, Finding, Window

_SUBJECTS: Final = {
    "SERVICE_DEPLOYMENT_IN_PROGRESS": "started",
    "SERVICE_DEPLOYMENT_COMPLETED": "completed",
    "SERVICE_DEPLOYMENT_FAILED": "failed",
}
_MESSAGES: Final = (
    ("deployment completed", "completed"),
    ("deployment failed", "failed"),
    ("rolling back to deployment", "rolled_back"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """What all events together tell of one task.

    Attributes:
        service, revision, deployment: Whose it is; revision as ``family:7``.
        born: When it was created, as far as that was told.
        started: When it ran, or None.
        ended: True when its stop was seen.
    """

    service: str
    revision: str
    deployment: str
    born: datetime
    started: datetime | None
    ended: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    """One statement that a deployment began or ended."""

    subject: str
    at: datetime
    service: str
    deployment: str
    message: str


def deployments(events: Sequence[Event], tasks: Sequence[Task], *, window: Window) -> list[Finding]:
    """Return what deployments did in the window, each step once.

    Args:
        events: All, ascending by time; those before the window tell what ran before.
        tasks: All that the events tell of.
        window: The analysed window.

    A new revision among the tasks is a deployment even where nobody announced it; tasks that
    the scheduler replaced by others of the same revision are none.
    """
    marks: dict[tuple[str, str, str], _Mark] = {}
    for event in events:
        mark = _mark(event)
        if mark:
            marks.setdefault((mark.subject, mark.service, mark.deployment), mark)
    _forget_starts_of_rollbacks(marks)
    revisions = {t.deployment: t.revision for t in tasks if t.deployment and t.revision}
    revisions.update({e.deployment: e.revision for e in events if e.kind == "deployment" and e.revision})
    for mark in _unannounced(tasks, marks, revisions):
        marks[mark.subject, mark.service, mark.deployment] = mark
    return [_finding(mark, tasks, revisions, marks) for mark in marks.values() if window.start <= mark.at <= window.end]


def _mark(event: Event) -> _Mark | None:
    subject = ""
    if event.kind in ("deployment", "service_action"):
        subject = _SUBJECTS.get(event.code, "")
        if subject == "started" and "rolling back" in event.message:
            subject = "rolled_back"
    elif event.kind == "service_message":
        subject = next((s for text, s in _MESSAGES if text in event.message), "")
    if not subject:
        return None
    return _Mark(subject, event.time, event.service, event.deployment, event.message)


def _forget_starts_of_rollbacks(marks: dict[tuple[str, str, str], _Mark]) -> None:
    """Drop a start that is the same moment as the rollback to it, told a second time."""
    for mark in [m for m in marks.values() if m.subject == "rolled_back"]:
        started = marks.get(("started", mark.service, mark.deployment))
        if started and started.at >= mark.at:
            del marks["started", mark.service, mark.deployment]


def _unannounced(
    tasks: Sequence[Task], marks: Mapping[tuple[str, str, str], _Mark], revisions: Mapping[str, str]
) -> list[_Mark]:
    """Return starts that only the tasks' revisions tell: the first task of a revision that is new."""
    announced = {(m.service, revisions.get(m.deployment, "")) for m in marks.values() if m.subject != "completed"}
    known = {(m.service, m.deployment) for m in marks.values() if m.subject in ("started", "rolled_back", "failed")}
    seen: dict[str, set[str]] = {}
    found = []
    for task in sorted((t for t in tasks if t.service and t.revision), key=lambda t: t.born):
        before = seen.setdefault(task.service, set())
        is_new = bool(before) and task.revision not in before
        before.add(task.revision)
        if is_new and (task.service, task.revision) not in announced and (task.service, task.deployment) not in known:
            found.append(_Mark("started", task.born, task.service, task.deployment, ""))
    return found


def _finding(
    mark: _Mark,
    tasks: Sequence[Task],
    revisions: Mapping[str, str],
    marks: Mapping[tuple[str, str, str], _Mark],
) -> Finding:
    revision = revisions.get(mark.deployment, "")
    own = [t for t in tasks if t.service == mark.service and t.revision]
    if mark.subject == "rolled_back":
        target, failed = revision, _failed_before(mark, marks)
        bad = revisions.get(failed, "") or _before(own, mark.at, target)
        words = f"the deployment of {bad or mark.service} was rolled back{_to(target)}"
    else:
        old = _before([t for t in own if t.deployment != mark.deployment], mark.at, revision)
        words = _WORDS[mark.subject].format(service=mark.service, change=_change(old, revision, own, mark))
    return Finding(
        kind="deployment",
        pillar="events",
        subject=mark.subject,
        service=mark.service,
        onset=mark.at,
        until=mark.at,
        words=words,
        count=1,
        score=1.0,
        example=mark.message,
    )


_WORDS: Final = {
    "started": "a deployment of {service} started{change}",
    "completed": "a deployment of {service} completed{change}",
    "failed": "a deployment of {service} failed{change}",
}


def _failed_before(rollback: _Mark, marks: Mapping[tuple[str, str, str], _Mark]) -> str:
    failed = [
        m
        for m in marks.values()
        if m.subject == "failed" and m.service == rollback.service and m.deployment != rollback.deployment
    ]
    return max(failed, key=lambda m: m.at).deployment if failed else ""


def _before(tasks: Sequence[Task], at: datetime, revision: str) -> str:
    """Return the revision of the youngest task born before, other than *revision*; "" when none is known."""
    older = [t for t in tasks if t.born <= at and t.revision != revision]
    return max(older, key=lambda t: t.born).revision if older else ""


def _change(old: str, new: str, tasks: Sequence[Task], mark: _Mark) -> str:
    if not new:
        return ""
    same = any(t.revision == new and t.deployment != mark.deployment and t.born < mark.at for t in tasks)
    if mark.subject == "started" and same and not old:
        return f": {new} again, no new revision"
    return f": from {old} to {new}" if old else f": {new}"


def _to(revision: str) -> str:
    return f" to {revision}" if revision else ""
