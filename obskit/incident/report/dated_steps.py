"""Next steps that ask about a report's own window, whenever somebody reads it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from obskit.model import Diagnosis, Step, Window, stamp

#: What is quoted is another's language.
_QUOTED = r"""'[^']*'|"(?:\\.|[^"\\])*\""""
#: How the tools that steps call say "until now", and the same as moments (UTC).
#: Sources: ``obskit triage --help``; Grafana Loki, "LogCLI".
_UNTIL_NOW = (
    ("obskit ", re.compile(rf"{_QUOTED}|(--since \S+)"), "--from {begin} --to {end}"),
    ("logcli ", re.compile(rf"{_QUOTED}|(--since \S+)"), "--from {begin} --to {end}"),
)
#: The same of what AWS tells of its databases and caches. Source: AWS CLI reference, ``rds describe-events`` and
#: ``elasticache describe-events``: minutes before now, of the last 14 days.
_EVENTS = re.compile(rf"{_QUOTED}|--duration (\d+)")
_KEPT = "AWS keeps its events for 14 days"
#: Events are told minutes after they happened: an end of the window is no end of what is told of it.
_TOLD_LATE = timedelta(minutes=15)


def dated(diagnosis: Diagnosis, *, now: datetime | None) -> Diagnosis:
    """Return the diagnosis with steps that name its window, as the link to its dashboard does.

    Args:
        diagnosis: Whose steps look at the last half hour or hour.
        now: When live sources were asked: of a window that ends then, the last half hour is still the right one. None
            for a recording: what is said of it does not depend on a clock.
    """
    window = diagnosis.window
    if now is not None and window.end >= now:
        return diagnosis
    onset = diagnosis.onset or window.start
    hypotheses = (
        replace(h, next_steps=tuple(_dated(step, window, onset) for step in h.next_steps)) for h in diagnosis.hypotheses
    )
    return replace(diagnosis, hypotheses=tuple(hypotheses))


def _dated(step: Step, window: Window, onset: datetime) -> Step:
    if step.command.startswith("aws "):
        return _events(step, window, onset)
    told = next(((option, instead) for tool, option, instead in _UNTIL_NOW if step.command.startswith(tool)), None)
    if told is None:
        return step
    option, instead = told
    then = instead.format(begin=stamp(window.start), end=stamp(window.end))
    return replace(step, command=option.sub(lambda found: then if found[1] else found[0], step.command))


def _events(step: Step, window: Window, onset: datetime) -> Step:
    """Return a step that asks AWS what happened: the window, and as long before the onset as the step looks back.

    What broke a database was before anybody felt it.
    """

    def moments(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        begin = min(window.start, onset - timedelta(minutes=int(found[1])))
        return f"--start-time {stamp(begin)} --end-time {stamp(window.end + _TOLD_LATE)}"

    command = _EVENTS.sub(moments, step.command)
    return step if command == step.command else Step(words=f"{step.words} ({_KEPT})", command=command)
