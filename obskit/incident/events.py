"""ECS and deployment events to findings: stops by class, loops, deployments, checks, placement."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from obskit.incident.deployments import Task, deployments
from obskit.incident.stop_reasons import LOOPING, SIGKILL, TITLES, check_reason, classify, service_class, start_error
from obskit.model import Event, Finding, Window, stamp

#: So many abnormal stops within so long are a loop: ECS backs off to 15 minutes at most.
_LOOP_STOPS: Final = 3
_LOOP_SPAN: Final = timedelta(minutes=15)
#: A task that ends before this never served for long; twice is no accident.
_SHORT_LIFE: Final = timedelta(minutes=3)
_SHORT_LIVES: Final = 2
#: Of a neighbour only trouble is told.
_QUIET: Final = frozenset({"steady_state", "az_rebalance", "scaling"})
_SICK_TARGETS: Final = frozenset({"unhealthy", "unavailable"})
_REFUSED_ENI: Final = re.compile(r"AuthFailure|TagPolicyViolation|UnauthorizedOperation|AccessDenied", re.IGNORECASE)
_SINGULAR: Final = (("were", "was"), ("their", "its"), ("themselves", "itself"), ("they depend", "it depends"))


@dataclass(frozen=True, slots=True)
class _Stop:
    event: Event
    label: str
    lived: timedelta | None

    @property
    def reason(self) -> str:
        """The raw text that explains the stop."""
        reason = self.event.detail("container_reason")
        return reason if start_error(reason) or not self.event.message else self.event.message


def find_in_events(events: Sequence[Event], *, service: str, window: Window) -> tuple[Finding, ...]:
    """Return what events say about the window, ascending by onset.

    Args:
        events: Each thing once, in any order; those before the window are history: they tell
            which revision ran, and are no findings themselves. Only an alert of then is one: it fires on.
        service: Under investigation; of its neighbours only trouble is told.
        window: The analysed window.
    """
    known = sorted(events, key=lambda e: e.time)
    tasks = _tasks(known)
    inside = [e for e in known if window.start <= e.time <= window.end]
    stops = [
        _Stop(e, classify(e), _lived(e, tasks)) for e in inside if e.kind == "task_stopped" and e.service
    ]  # a task without a service is a job: it is meant to end
    findings = [
        *_stops(stops, tasks),
        *_loops(stops),
        *_refusals(stops),
        *deployments(known, tuple(tasks.values()), window=window),
        *_messages(inside, {(s.event.service, s.label) for s in stops}),
        *_targets(inside),
        *_alerts(known, window),
    ]
    told = [f for f in findings if f.service in ("", service) or f.kind not in _QUIET]
    return tuple(sorted(told, key=lambda f: (f.onset, f.kind, f.service, f.subject)))


def find_ends_of_tasks(events: Sequence[Event], *, window: Window) -> tuple[Finding, ...]:
    """Return how each single task ended, ascending by time: `find_in_events` tells of those that ended alike together.

    Args:
        events: As of `find_in_events`.
        window: Those are told that ended in it or in its baseline.
    """
    known, seen = sorted(events, key=lambda e: e.time), window.with_baseline()
    tasks = _tasks(known)
    stops = [_Stop(e, classify(e), None) for e in known if e.kind == "task_stopped" and e.task]
    return tuple(
        _finding([s.event], kind="task_stop", subject=s.label, words=_end(s, tasks), example=s.reason)
        for s in stops
        if seen.start <= s.event.time <= seen.end
    )


def _end(stop: _Stop, tasks: dict[str, Task]) -> str:
    return _verb(stop.label, 1) + _circumstances([stop], tasks)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _tasks(events: Sequence[Event]) -> dict[str, Task]:
    """Return what is known of each task, from all its events."""
    tasks: dict[str, Task] = {}
    for event in events:
        if event.kind not in ("task_running", "task_stopped"):
            continue
        stopped = event.kind == "task_stopped"
        was = tasks.get(event.task)
        started = _moment(event.detail("started_at")) or (None if stopped else event.time)
        born = _moment(event.detail("created_at")) or started or event.time
        tasks[event.task] = Task(
            service=event.service,
            revision=event.revision or (was.revision if was else ""),
            deployment=event.deployment or (was.deployment if was else ""),
            born=min(born, was.born) if was else born,
            started=(was.started if was and was.started else started),
            ended=stopped or bool(was and was.ended),
        )
    return tasks


def _lived(stop: Event, tasks: dict[str, Task]) -> timedelta | None:
    started = tasks[stop.task].started if stop.task in tasks else None
    return stop.time - started if started and started <= stop.time else None


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _verb(label: str, count: int) -> str:
    """Return what tasks did, for one or for several of them."""
    words = TITLES[label]
    if count > 1:
        return words
    for several, one in _SINGULAR:
        words = re.sub(rf"\b{several}\b", one, words)
    return words


def _span(length: float) -> str:
    seconds = max(1, round(length))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


def _finding(events: Sequence[Event], *, kind: str, subject: str, words: str, example: str, count: int = 0) -> Finding:
    """Return a finding over events of one service, ascending in time."""
    number = count or len(events)
    return Finding(
        kind=kind,
        pillar="events",
        subject=subject,
        service=events[0].service,
        task=events[0].task if len(events) == 1 else "",
        onset=events[0].time,
        until=events[-1].time,
        words=words,
        count=number,
        score=float(number),
        example=example,
    )


def _stops(stops: Sequence[_Stop], tasks: dict[str, Task]) -> list[Finding]:
    groups: dict[tuple[str, ...], list[_Stop]] = defaultdict(list)
    for stop in stops:
        event = stop.event
        groups[stop.label, event.service, event.revision, event.detail("container")].append(stop)
    found = []
    for (label, service, _, _), group in groups.items():
        ended = [s.event for s in group]
        words = f"{_plural(len(group), 'task')} of {service} {_verb(label, len(group))}{_circumstances(group, tasks)}"
        found.append(_finding(ended, kind="task_stop", subject=label, words=words, example=group[-1].reason))
    return found


def _circumstances(group: Sequence[_Stop], tasks: dict[str, Task]) -> str:
    """Return exit codes, revision, container and zone in brackets, as far as they are known."""
    first = group[0].event
    codes = Counter(code for s in group if (code := s.event.detail("exit_code")))
    facts = [f"exit code {code}" + (f" ({_times(n)})" if len(codes) > 1 else "") for code, n in codes.most_common()]
    if group[0].label == "health_check_failed" and codes[SIGKILL]:
        facts.append(f"{codes[SIGKILL]} did not stop in time" if len(group) > 1 else "did not stop in time")
    if group[0].label == "out_of_memory" and first.detail("memory"):
        facts.append(f"limit of the task {first.detail('memory')} MiB")
    if first.revision:
        facts.append(f"revision {first.revision}{_while_others_run(group[0], tasks)}")
    container = first.detail("container")
    if container and container != first.service:
        facts.append(f"container {container}")
    zones = {s.event.detail("zone") for s in group}
    if len(group) >= _LOOP_STOPS and len(zones) == 1 and "" not in zones:
        facts.append(f"all in {zones.pop()}")
    return f" ({', '.join(facts)})" if facts else ""


def _while_others_run(stop: _Stop, tasks: dict[str, Task]) -> str:
    """Return which other revisions run on, where none of the failing revision does."""
    running = {t.revision for t in tasks.values() if t.service == stop.event.service and not t.ended and t.revision}
    if stop.event.revision in running or not running:
        return ""
    return f", while tasks of {', '.join(sorted(running))} run on"


def _loops(stops: Sequence[_Stop]) -> list[Finding]:
    by_service: dict[str, list[_Stop]] = defaultdict(list)
    for stop in stops:
        if stop.label in LOOPING:
            by_service[stop.event.service].append(stop)
    found = []
    for service, ended in by_service.items():
        loop = _loop(ended)
        if not loop:
            continue
        labels = Counter(s.label for s in loop)
        lives = [s.lived.total_seconds() for s in loop if s.lived is not None]
        living = f"; they lived {_span(median(lives))} in the median" if lives else ""
        took = _span((loop[-1].event.time - loop[0].event.time).total_seconds())
        words = f"{_plural(len(loop), 'task')} of {service} stopped abnormally within {took}{living}"
        label = labels.most_common(1)[0][0]
        found.append(
            _finding([s.event for s in loop], kind="crash_loop", subject=label, words=words, example=loop[-1].reason)
        )
    return found


def _loop(stops: Sequence[_Stop]) -> list[_Stop]:
    """Return the stops that make a loop: many within the span, or tasks that hardly lived."""
    short = [s for s in stops if s.lived is not None and s.lived < _SHORT_LIFE]
    member = {id(s) for s in short} if len(short) >= _SHORT_LIVES else set()
    for first, last in zip(stops, stops[_LOOP_STOPS - 1 :], strict=False):
        if last.event.time - first.event.time <= _LOOP_SPAN:
            member |= {id(s) for s in stops if first.event.time <= s.event.time <= last.event.time}
    return [s for s in stops if id(s) in member]


def _refusals(stops: Sequence[_Stop]) -> list[Finding]:
    """Return refused network interfaces as what they are: a permission that is lacking."""
    groups: dict[str, list[_Stop]] = defaultdict(list)
    for stop in stops:
        if stop.label == "eni" and _REFUSED_ENI.search(stop.reason):
            groups[stop.event.service].append(stop)
    return [
        _finding(
            [s.event for s in group],
            kind="permissions",
            subject="eni",
            words=f"{_plural(len(group), 'task')} of {service} may not create a network interface",
            example=group[-1].reason,
        )
        for service, group in groups.items()
    ]


def _messages(events: Sequence[Event], stopped: set[tuple[str, str]]) -> list[Finding]:
    """Return service messages and actions that mean something, by kind and subject.

    ECS says the same as a message and as an action: the larger count of the two is taken.
    """
    groups: dict[tuple[str, str, str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind not in ("service_message", "service_action"):
            continue
        failed = start_error(event.message)
        said = service_class(event.code, event.message)
        if failed:
            # the same failures as stopped tasks are better told by those
            if (event.service, failed) not in stopped:
                words = f"tasks of {event.service} {TITLES[failed]}"
                groups[event.service, "task_stop", failed, words].append(event)
        elif said and said.kind == "health_check":
            words = _check_words(event, said.subject)
            groups[event.service, said.kind, said.subject, words].append(event)
        elif said:
            groups[event.service, said.kind, said.subject, f"{event.service or 'ECS'}: {said.words}"].append(event)
    return [_told(group, kind, subject, words) for (_, kind, subject, words), group in groups.items()]


def _check_words(event: Event, subject: str) -> str:
    if subject == "target_unhealthy":
        return f"health checks of the targets of {event.service} {check_reason(event.message)}"
    if subject == "container_unhealthy":
        return f"tasks of {event.service} failed their container health checks"
    return f"a target or target group of {event.service} is gone"


def _told(group: Sequence[Event], kind: str, subject: str, words: str) -> Finding:
    count = max(Counter(e.kind for e in group).values())
    times = f" ({count} times)" if count > 1 else ""
    example = next((e.message for e in reversed(group) if e.message), group[-1].code)
    return _finding(group, kind=kind, subject=subject, words=words + times, example=example, count=count)


def _targets(events: Sequence[Event]) -> list[Finding]:
    groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "target_health" and event.code in _SICK_TARGETS:
            groups[event.service, event.code].append(event)
    return [
        _finding(
            group,
            kind="target_health",
            subject=state,
            words=f"{_plural(len(group), 'target')} of {service or 'the load balancer'} {state}: {group[-1].message}",
            example=group[-1].message,
        )
        for (service, state), group in groups.items()
    ]


def _alerts(events: Sequence[Event], window: Window) -> list[Finding]:
    """Return the alerts that fire in the window, one finding a name and service: they say why somebody looks."""
    groups: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "alert" and event.time <= window.end:
            groups[event.service, event.code].append(event)
    found = []
    for (_, name), group in groups.items():
        first = group[0].time
        since = f" since {stamp(first)}" if first < window.start else ""
        times = f" ({len(group)} times)" if len(group) > 1 else ""
        said = next((e.message for e in group if e.message), "")
        words = f"the alert {name or 'without a name'} fires{since}{times}{': ' * bool(said)}{said}"
        told = _finding(group, kind="alert", subject=name, words=words, example=said)
        found.append(replace(told, onset=max(first, window.start), until=None))
    return found
