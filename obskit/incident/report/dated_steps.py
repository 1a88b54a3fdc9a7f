"""Next steps that ask about a report's own window, whenever somebody reads it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from obskit.model import Diagnosis, Step, Window, stamp

#: What is quoted is another's language.
_QUOTED = r"""'[^']*'|"(?:\\.|[^"\\])*\""""
#: How the tools that steps call say "until now", and the same as moments (UTC).
#: Sources: ``obskit triage --help``; Grafana Loki, "LogCLI"; AWS CLI reference, ``rds describe-events``,
#: ``elasticache describe-events`` (minutes).
_UNTIL_NOW = (
    ("obskit ", re.compile(rf"{_QUOTED}|(--since \S+)"), "--from {begin} --to {end}"),
    ("logcli ", re.compile(rf"{_QUOTED}|(--since \S+)"), "--from {begin} --to {end}"),
    ("aws ", re.compile(rf"{_QUOTED}|(--duration \d+)"), "--start-time {begin} --end-time {end}"),
)


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
    hypotheses = (
        replace(h, next_steps=tuple(_dated(step, window) for step in h.next_steps)) for h in diagnosis.hypotheses
    )
    return replace(diagnosis, hypotheses=tuple(hypotheses))


def _dated(step: Step, window: Window) -> Step:
    told = next(((option, instead) for tool, option, instead in _UNTIL_NOW if step.command.startswith(tool)), None)
    if told is None:
        return step
    option, instead = told
    then = instead.format(begin=stamp(window.start), end=stamp(window.end))
    return replace(step, command=option.sub(lambda found: then if found[1] else found[0], step.command))
