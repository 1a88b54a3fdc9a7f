"""What users suffered, as lines of Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta

from obskit.escape import clean
from obskit.incident.impact import Impact, Reading, Where
from obskit.incident.levels import GATE, LEVEL_SHARE
from obskit.incident.losses import Loss, Objective
from obskit.incident.report import phrases as say
from obskit.incident.report.markdown import Queries, escape
from obskit.incident.units import humanize, percent
from obskit.model import Diagnosis

#: From this share on a level is a change of its own where its signal names no smallest change that matters.
_GREW = GATE * LEVEL_SHARE
_LATENCIES = ("http_latency_p95", "http_latency_mean")
#: Of so many failed requests more than at the share before, a share that grew is told: one more is chance.
_SOME_MORE = 2.0
#: The host of an address: after its scheme, before its port, path or query.
_HOST = re.compile(r"(?:[\w+.-]+://)?([^:/?#]+)")
#: What is left of a service; none is an outage, whoever counts.
_ALIVE = ("ecs_running_tasks", "alb_healthy_hosts")
_COUNTED_BY: dict[Where, str] = {"service": "the service", "balancer": "its load balancer"}
_SHARED = (
    f"- **Counted by {_COUNTED_BY['balancer']}:** AWS counts its own 5XX for all services behind it; those of others "
    "are among them"
)
#: Source: Elastic Load Balancing, User Guide for Application Load Balancers, "CloudWatch metrics": sent in intervals of
#: 60 seconds; ``HTTPCode_ELB_5XX_Count`` holds no answer that a target generated.
_WHY_TWO = (
    "Why the two may differ: a load balancer is counted by the minute, with the requests that no task answered; the "
    "service counts those that do not come through the balancer too, and a task that dies takes its last ones along."
)
_TAKEN = "Of two counts the summary takes the one with more failures."
_EXPLAINED = (
    "Expected requests: the rate before, times the time. Error budget: share that failed / share that may fail x time "
    "/ period, as if traffic were always so."
)


def impact_lines(diagnosis: Diagnosis, impact: Impact, objective: Objective, queries: Queries) -> Iterator[str]:
    """Yield the section on impact without its heading: levels before and during, requests that failed, error budget.

    Args:
        diagnosis: Whose impact is told.
        impact: What was counted.
        objective: What the error budget is counted against.
        queries: Where what was sent for each number is put.
    """
    yield _stretches(diagnosis, impact)
    measured = [reading for reading in impact.readings if reading.measured > 0]
    if measured:
        yield ""
        yield "| What | Before | During | Lowest | Highest | Measured | Query |"
        yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        yield from (_row(reading, diagnosis, queries) for reading in measured)
    counted = [(where, loss) for where, loss in impact.lost.items() if loss is not None and loss.requests > 0]
    if counted:
        yield ""
        promise = f"{escape(objective.percent)} % over {objective.period.days} days"
        heads = (
            "Counted by",
            "Requests",
            "Expected requests",
            "Failed",
            "Share failed",
            "Share of the window's requests",
        )
        yield f"| {' | '.join(heads)} | Error budget spent ({promise}) |"
        yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        yield from (_counted(where, loss, impact, objective) for where, loss in counted)
        yield ""
        yield _EXPLAINED
        if _differ(impact):
            yield ""
            yield f"{_TAKEN} {_WHY_TWO}" if impact.troubled else _WHY_TWO
    unmeasured = [f"{_COUNTED_BY[where]}'s count" for where in impact.lost if where not in dict(counted)]
    unmeasured += [_title(reading, diagnosis) for reading in impact.readings if reading not in measured]
    lines = [*(_unknown(where, loss) for where, loss in counted if not loss.complete)]
    lines += [_SHARED] if impact.shared and "balancer" in dict(counted) else []
    lines += [f"- **Not measured:** {', '.join(unmeasured)}"] if unmeasured else []
    if lines:
        yield ""
        yield from lines


def told(diagnosis: Diagnosis, impact: Impact) -> str:
    """Return in a few sentences how many requests failed or never came, and how slow they were; "" where unknown.

    Of two counts that with more failures: the balancer sees what never reached a task, the service what went past it.
    """
    if not impact.troubled:
        return ""
    slow = _told_slow(diagnosis, impact) or _told_unfelt(diagnosis, impact)
    sentences = (_told_failed(impact), *_told_gone(diagnosis, impact), _told_fewer(impact), slow)
    return " ".join(filter(None, sentences))


def unfelt(impact: Impact) -> str:
    """Return why no change is told that users felt: none was large and certain enough, or nobody measured."""
    if not impact.unfelt:
        return "what users feel was not measured by the service"
    return "as the service itself measures it, no change that users feel was large and certain enough to count"


def _differ(impact: Impact) -> bool:
    """Say whether two counts were made, and a reader sees two numbers of failures."""
    counted = [loss for loss in impact.lost.values() if loss is not None and loss.known > 0]
    return len({amount(loss.failed) for loss in counted}) > 1


def _told_failed(impact: Impact) -> str:
    counted = [(loss.failed, where, loss) for where, loss in impact.lost.items() if loss is not None and loss.known > 0]
    if not counted:
        return ""
    _, where, loss = max(counted, key=lambda one: one[0])
    if loss.failed > 0:
        least = "" if loss.complete else "at least "
        words = f"{least}{amount(loss.failed)} of {amount(loss.known)} requests failed ({_share(loss)})"
    else:
        words = f"none of the {amount(loss.known)} requests {'' if loss.complete else 'that were measured '}failed"
    others = ", whose own 5XX are of all services behind it" if where == "balancer" and impact.shared else ""
    if where == "service" and loss.failed == 0 and len(counted) == 1:  # a task that is dead counts nothing
        others = "; requests that found no task are not among them"
    if where == "service":
        others += _told_unanswered(impact, loss)
    return f"{words[:1].upper()}{words[1:]}, as {_COUNTED_BY[where]} counts{others}."


def _told_unanswered(impact: Impact, own: Loss) -> str:
    """Return that the balancer counted more requests than the service answered; "" where it always did, or is silent.

    A request that hangs is nobody's failure yet. Who counts others' requests too, or health checks, did so before.
    """
    balanced, usual, least = impact.lost["balancer"], impact.usual, own.requests * (1 + _GREW)
    if balanced is None or not own.complete or not balanced.requests > least:
        return ""
    if not balanced.requests * usual["service"] > least * usual["balancer"]:
        return ""
    more = f"{_COUNTED_BY['balancer']} counted {amount(balanced.requests)}"
    return f"; {more}: what the service did not answer is not among the {amount(own.known)}"


def _told_gone(diagnosis: Diagnosis, impact: Impact) -> Iterator[str]:
    """Yield what others say of a service that may be too dead to count: its targets, its tasks, those that call it."""
    gone = [r for r in impact.readings if r.signal in _ALIVE and r.lowest == 0 < r.before]
    if gone:
        levels = (f"{_title(r, diagnosis)} 0 (before {humanize(r.before, r.unit)})" for r in gone)
        yield f"At the worst: {', '.join(levels)}."
    failing = [
        f"{escape(clean(f.service))}, {escape(clean(f.words))}"
        for f in diagnosis.timeline
        if f.subject == "client_error_ratio" and f.service != diagnosis.service and not f.task
        if len(f.labels) == 1 and _is_called(diagnosis.service, f.labels[0][1])  # of several none is known to be it
        if f.after > f.before and (f.until is None or f.until > impact.stretch.start)
    ]
    if failing:
        yield f"Seen from its callers: {'; '.join(failing)}."


def _is_called(service: str, address: str) -> bool:
    """Say whether an address is a service's: its host is called so, with or without the domain that it lies in."""
    found = _HOST.match(address)
    host = found[1] if found else ""
    return service in (host, host.partition(".")[0])


def _told_fewer(impact: Impact) -> str:
    own = impact.lost["service"]
    usual = _usual("service", own, impact) if own is not None else float("nan")
    if own is None or not impact.fewer or not usual > own.requests:
        return ""
    return f"The service answered {amount(own.requests)} requests; at the rate before, {amount(usual)} were expected."


def _told_slow(diagnosis: Diagnosis, impact: Impact) -> str:
    slow = next((r for r in impact.readings if r.signal in _LATENCIES and r.signal in impact.felt), None)
    if slow is None or not slow.highest > slow.before:  # it may have fallen silent, which is no slowness
        return ""
    before, during, worst = (humanize(level, slow.unit) for level in (slow.before, slow.during, slow.highest))
    return f"It became slower: {_title(slow, diagnosis)} from {before} to {during} in the median, {worst} at the worst."


def _told_unfelt(diagnosis: Diagnosis, impact: Impact) -> str:
    """Return what grew worse for users where no change of it counts: what is too small is not nothing."""
    fell = (r for r in impact.readings if r.signal == "http_requests" and not impact.fewer)
    moved = [r for r in fell if r.during < r.before * (1 - _GREW)]
    moved += [r for r in impact.unfelt if r.during > r.before * (1 + _GREW) and not _is_chance(r, impact)]
    if impact.felt or not moved:
        return ""
    levels = (
        f"{_title(r, diagnosis)} {humanize(r.before, r.unit)} before, {humanize(r.during, r.unit)} during it"
        for r in moved
    )
    return f"Too little, or too uncertain, to count as a change: {'; '.join(levels)}."


def _is_chance(reading: Reading, impact: Impact) -> bool:
    """Say whether a share of failures grew by so few of them that it says nothing."""
    own = impact.lost["service"]
    if reading.signal != "http_error_ratio" or own is None:
        return False
    return own.failed - reading.before * own.known < _SOME_MORE


def amount(number: float) -> str:
    """Return a count as a person reads it, ``12,345``: whole, though it is an integral; ``<1`` between 0 and 1."""
    if not math.isfinite(number):
        return humanize(number, "")
    return escape("<1") if 0 < number < 1 else f"{number:,.0f}"


def _stretches(diagnosis: Diagnosis, impact: Impact) -> str:
    whole = f"the whole window, {say.duration(diagnosis.window.duration)}"
    if diagnosis.verdict == "calm":
        return f"Nothing changed for the worse. During: {whole}. Before: what was recorded ahead of it."
    if not impact.troubled:
        return f"When it began is not known. During: {whole}. Before: what was recorded ahead of it."
    end = "the window's end" if impact.over is None else say.clock(impact.over)
    start = say.clock(impact.stretch.start)
    return f"During: from {start} to {end}, {lasted(impact)}. Before: what was recorded ahead of it."


def lasted(impact: Impact) -> str:
    """Return how long the stretch is that the impact is told of."""
    return say.between(impact.stretch.start, impact.stretch.end)


def _row(reading: Reading, diagnosis: Diagnosis, queries: Queries) -> str:
    levels = (reading.before, reading.during, reading.lowest, reading.highest)
    cells = (_title(reading, diagnosis), *(humanize(level, reading.unit) for level in levels))
    return f"| {' | '.join(cells)} | {escape(percent(reading.measured))} | {queries.reference(*reading.queries)} |"


def _title(reading: Reading, diagnosis: Diagnosis) -> str:
    return escape(clean(diagnosis.facts.get(f"title.{reading.signal}", "")) or say.readable(reading.signal))


def _usual(where: Where, loss: Loss, impact: Impact) -> float:
    """Return how many requests there would have been, at the rate before, while they were counted; NaN if unknown."""
    return impact.usual[where] * loss.counted


def _counted(where: Where, loss: Loss, impact: Impact, objective: Objective) -> str:
    window = impact.window[where]
    of_window = loss.failed / window.known if window is not None and window.known > 0 else float("nan")
    failed, spent = _least(loss, amount(loss.failed)), _least(loss, humanize(loss.spent(objective), "ratio"))
    cells = (
        _COUNTED_BY[where],
        amount(loss.requests),
        amount(_usual(where, loss, impact)),
        failed,
        _share(loss),
        humanize(of_window, "ratio"),
        spent,
    )
    return f"| {' | '.join(cells)} |"


def _least(loss: Loss, failed: str) -> str:
    """Return what failed, as the least that it can be where not all was measured."""
    if loss.known <= 0:
        return "not known"
    if loss.complete:
        return failed
    return f"at least {failed}" if loss.failed > 0 else "none seen"


def _share(loss: Loss) -> str:
    return humanize(loss.share, "ratio")


def _unknown(where: Where, loss: Loss) -> str:
    """Return what a count does not hold."""
    silent, rest = loss.seconds - loss.counted, loss.requests - loss.known
    parts = [f"{say.duration(timedelta(seconds=silent))} without samples"] if silent > 1.5 * loss.step else []
    parts += [f"{amount(rest)} requests whose outcome was not measured"] if rest > 0 or not parts else []
    return f"- **Not counted by {_COUNTED_BY[where]}:** {' and '.join(parts)}"
