"""What obskit asks Loki: selectors, filters and the grid that lines are counted on.

A bucket of a count is open at its start and closed at its end, a range of lines the other way
round; so ranges of lines are asked one nanosecond later than the buckets they belong to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import Template

import numpy as np
import numpy.typing as npt

from obskit.model import TimeArray, Window, nanoseconds

IntArray = npt.NDArray[np.int64]

#: Labels that may name the service: ours, Loki's own, the FireLens and Docker drivers', the usual scrapers'.
SERVICE_LABELS = (
    "service",
    "service_name",
    "ecs_service",
    "app",
    "job",
    "container",
    "container_name",
    "compose_service",
)
CLUSTER_LABELS = ("cluster", "ecs_cluster")
TASK_LABELS = ("task_id", "ecs_task_id", "task", "task_arn", "pod", "instance")
LEVEL_LABELS = ("level", "detected_level", "severity")

_INTERESTING = (
    "(?i)(error|warn|fatal|critical|panic|exception|traceback|timeout|timed out|refused|reset|denied|unable|cannot"
    "|could not|fail|kill|exhaust|limit|too many|no space|out of memory|unreachable|unavailable|expired|deadlock|crash)"
)
INTERESTING = f"|~ `{_INTERESTING}`"
DULL = f"!~ `{_INTERESTING}`"

#: No finer: what an investigation compares are minutes, and each point is a scan of its lines.
_STEPS = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
MAX_POINTS = 240
SECOND = 1_000_000_000
_NOT_IN_A_STRING = re.compile('["\\\\\x00-\x1f\x7f-\x9f\ufeff\ud800-\udfff]')
_REGEX_SYNTAX = re.compile(r"[\\.+*?()|\[\]{}^$]")


def logql_string(text: str) -> str:
    """Return a text as a quoted LogQL string.

    Quotes, backslashes, line breaks and other control characters are escaped. A lone surrogate,
    which no UTF-8 text can hold, becomes U+FFFD.
    """

    def escaped(match: re.Match[str]) -> str:
        character = match.group()
        if character in '"\\':
            return "\\" + character
        return "\ufffd" if "\ud800" <= character <= "\udfff" else f"\\u{ord(character):04x}"

    return f'"{_NOT_IN_A_STRING.sub(escaped, text)}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose lines are asked for: the service and its neighbours.

    Attributes:
        service_label: The label whose value is the service's name.
        cluster_label, cluster: What the scope is restricted to; "" when nothing tells clusters apart.
        extra: Further matchers as configured, without braces.
        only: Restrict the scope to these services; empty for all.
    """

    service_label: str
    cluster_label: str = ""
    cluster: str = ""
    extra: str = ""
    only: tuple[str, ...] = ()

    def selector(self, services: Sequence[str] = ()) -> str:
        """Return the stream selector of these services, or of the whole scope when none is given."""
        names = tuple(services) or self.only
        if len(names) == 1:
            who = f"={logql_string(names[0])}"
        else:
            alternatives = "|".join(_REGEX_SYNTAX.sub(r"\\\g<0>", name) for name in names)
            who = f"=~{logql_string(alternatives or '.+')}"
        where = f"{self.cluster_label}={logql_string(self.cluster)}" if self.cluster_label else ""
        return "{" + ",".join(part for part in (self.extra, where, self.service_label + who) if part) + "}"

    def narrowed(self, services: Sequence[str]) -> Scope:
        """Return the same scope with these services only."""
        return replace(self, only=tuple(services))

    def fill(self, query: str, step_seconds: int) -> str:
        """Return a query of the catalogue (lines a second, by service) with its placeholders filled."""
        return Template(query).substitute(service=self.service_label, selector=self.selector(), rate=f"{step_seconds}s")


def matchers(selector: str) -> str:
    """Return a configured selector without its braces: ``env="prod"`` of ``{env="prod"}``."""
    return selector.strip().removeprefix("{").removesuffix("}").strip(" ,")


@dataclass(frozen=True, slots=True)
class CountGrid:
    """Buckets of equal length, at multiples of it since the epoch, as Loki aligns its steps.

    Attributes:
        edges: Shape (B + 1,), nanoseconds; bucket k is ``(edges[k], edges[k + 1]]``.
        window: What was asked for; the first and the last bucket may reach beyond it.
    """

    edges: IntArray
    window: Window

    @property
    def step(self) -> int:
        """Length of a bucket, seconds."""
        return int(self.edges[1] - self.edges[0]) // SECOND

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Shape (B,): which buckets lie wholly in the window; a part of one would look like a drop."""
        start, end = nanoseconds(self.window.start), nanoseconds(self.window.end)
        return (self.edges[:-1] >= start) & (self.edges[1:] <= end)

    @property
    def times(self) -> TimeArray:
        """The ends of the buckets inside the window, datetime64[ns], UTC."""
        return self.edges[1:][self.inside].astype("datetime64[ns]")


def grid_for(window: Window) -> CountGrid:
    """Return the finest grid over a window of at least 10 s a step and about 240 steps."""
    seconds = window.duration.total_seconds()
    step = next((s for s in _STEPS if seconds / s <= MAX_POINTS), math.ceil(seconds / MAX_POINTS / 86_400) * 86_400)
    # A line at the very start belongs to the window, and to the bucket that ends there.
    first = (nanoseconds(window.start) - 1) // (step * SECOND)
    last = max(first + 1, -(-(nanoseconds(window.end) - 1) // (step * SECOND)))
    return CountGrid(np.arange(first, last + 1, dtype=np.int64) * (step * SECOND), window)
