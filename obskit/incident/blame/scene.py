"""What a ranking is asked and what it answers: `Scene`, `Alert`, `Account`, `Ranking`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, get_args

import numpy as np
import numpy.typing as npt

from obskit.incident.templates import Records
from obskit.model import Event, Logs, Metrics, Part

if TYPE_CHECKING:
    from obskit.incident.blame.rollouts import Rollout
    from obskit.incident.blame.waits import Wait
    from obskit.incident.blame.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: The parts of a suspect's account: its own resources; latency (its callers' view of it included), errors and
#: other series of its own; requests that it withholds from those it calls; how long requests wait for it
#: between two lines; its log lines; its changes and new tasks; where the alert leads along the calls. What a
#: callee explains of latency, errors and lines is not counted.
PARTS: Final[tuple[Part, ...]] = get_args(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What somebody was alerted to.

    Attributes:
        service: Whose symptom it was.
        metric: The metric's name, "" when it was not said.
        kind: The metric's kind as the catalogue reads it.
    """

    service: str
    metric: str = ""
    kind: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What is known of an incident; all but the matrix may be empty.

    Attributes:
        metrics: Columns of services, and of single tasks where there are any. A column with a label whose value
            is another service is about the two of them. Times ascend.
        kinds: What each column is about, as the catalogue reads it.
        noticed: When the incident was noticed (aware UTC), good to minutes.
        bad: Which direction of each column hurts: 1 up, -1 down, 0 either; empty: as its kind has it.
        calls: (caller, callee) pairs.
        forwarding: Services that pass requests on and answer none: load balancers, proxies.
        events: Deployments and started tasks.
        logs: Lines of the incident and of calm times, or what `read_records` has made of them.
        lines: The same lines as they were written: those that tell their request show how long it waited.
        alert: What was alerted to.
    """

    metrics: Metrics
    kinds: Sequence[str]
    noticed: datetime
    bad: Sequence[int] = ()
    calls: Sequence[tuple[str, str]] = ()
    forwarding: Sequence[str] = ()
    events: Sequence[Event] = ()
    logs: Logs | Records = field(default_factory=Logs.empty)
    lines: Logs = field(default_factory=Logs.empty)
    alert: Alert | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One service, and what speaks for its being to blame, in figures (`obskit.model.Suspect` says it in words).

    Attributes:
        service: Its name.
        score: The sum of its parts.
        parts: What each kind of evidence contributes (see `PARTS`), in nats; only those that do.
        series: Names of its most telling series and log templates, the first most.
        task: The new task that behaves worse than its elders, or "".
    """

    service: str
    score: float
    parts: Mapping[Part, float]
    series: tuple[str, ...]
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """Who is to blame.

    Attributes:
        suspects: Accounts of all services, most suspect first; equal ones by name.
        columns: Positions of all columns of the matrix, most telling first: by their own evidence, and a
            little by that of their service.
        scores: Shape (N,), each column's own evidence in nats, weighed by what hurts.
        moved: Shape (N,), each column's move in robust deviations; below 0 where it fell.
        cuts: Shape (N,), index of the first point since which each column shows most.
        onset: When the incident began (UTC), as the statistics have it.
        news: What the lines of each service say.
        waits: How requests wait for each service.
        changes: What each service's deployment speaks for.
        weights: What each part was weighed by.
    """

    suspects: tuple[Account, ...]
    columns: Ints
    scores: Floats
    moved: Floats
    cuts: Ints
    onset: datetime
    news: Wording
    waits: Mapping[str, Wait]
    changes: Mapping[str, Rollout]
    weights: Mapping[str, float] | Mapping[Part, float]
