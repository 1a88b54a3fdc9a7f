"""What several causes ask about tasks: does one of them stand out from its siblings?"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from obskit.incident.evidence import Evidence

#: The siblings lie together: the highest of them is no further from their median than this share of the odd one's way.
_TOGETHER = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class OddOne:
    """The task that stands out.

    Attributes:
        task: Its id.
        level, siblings: Its median since the onset and that of the others, in the signal's unit.
    """

    task: str
    level: float
    siblings: float


def odd_one_out(evidence: Evidence, signal: str, *, factor: float, difference: float) -> OddOne | None:
    """Return the one task that is far above all of its siblings, or None.

    Args:
        evidence: What was found.
        signal: One that is measured for each task.
        factor: So many times the siblings' median at least.
        difference: So much above it at least, in the signal's unit.
    """
    levels = evidence.task_levels(signal)
    if len(levels) < 2:
        return None
    task, worst = max(levels.items(), key=lambda item: item[1])
    others = [value for name, value in levels.items() if name != task]
    middle, high = statistics.median(others), max(others)
    apart = worst - middle
    if worst >= factor * middle and apart >= difference and high - middle < _TOGETHER * apart:
        return OddOne(task=task, level=worst, siblings=middle)
    return None
