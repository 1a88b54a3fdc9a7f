"""One file a cause, each with a ``CAUSE``; `all_causes` finds them.

A cause takes `Evidence` and returns a `Judgement` or None. It does no I/O, keeps no state, and
argues in words that an engineer on call can check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from obskit.discover import modules_in
from obskit.incident.evidence import Evidence
from obskit.model import Judgement, NextQuery, Step

Pillars = tuple[Literal["metrics", "logs", "events"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A hypothesis about what is wrong.

    Attributes:
        id: The file's, the runbook's and the scenario's name.
        title: What a report calls it.
        needs: It can be judged when at least one of these pillars was seen.
        told_by: Ids of the signals whose change speaks for it by itself. Where metrics alone were seen and none of
            these has a sample, nobody looked for it; empty where metrics tell of it only beside another pillar.
        judge: Weighs the evidence; None when nothing speaks for it.
        brings_about: Ids of causes that it makes look true; it takes their weight when it began
            no later than they did.
        next_steps: What to do now and how to confirm; placeholders (`obskit.incident.placeholders`) are filled in.
        first_steps: What to do before that where the judgement gives a reason, by that reason.
        test: The cheapest query that tells it from others; its placeholders are filled in too.
    """

    id: str
    title: str
    needs: Pillars
    judge: Callable[[Evidence], Judgement | None]
    told_by: tuple[str, ...] = ()
    brings_about: tuple[str, ...] = ()
    next_steps: tuple[Step, ...] = ()
    first_steps: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    test: NextQuery | None = None

    def steps(self, reason: str) -> tuple[Step, ...]:
        """Return what to do, those first that a judgement's reason asks for."""
        return (*self.first_steps.get(reason, ()), *self.next_steps)


@cache
def all_causes() -> tuple[Cause, ...]:
    """Return every cause, by id."""
    return tuple(module.CAUSE for module in modules_in(__name__))
