"""The nouns of a round: systems, rows, and what was not seen. Frozen; nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from obskit.model import Signal, Unit

if TYPE_CHECKING:
    from obskit.checkup.ask import Access

State = Literal["ok", "look", "bad", "not seen"]
SourceName = Literal["Prometheus", "Loki", "Grafana", "AWS"]
#: What is printed first: what hurts, then what may soon, then what nobody knows.
ORDER: Mapping[State, int] = {"bad": 0, "look": 1, "not seen": 2, "ok": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: one number of one entity, or what somebody said of it.

    Attributes:
        state: ``look`` from the level on that deserves one, ``bad`` from where users are hurt.
        what: A few words for a person: the signal's title.
        entity: The labels that tell it apart, cleaned and without secrets; "" where there is only one.
        signal: Id of the catalogue's signal; "" of a question that is none.
        value: Now, in the unit; None where words say it.
        unit: Of value, threshold and what it was.
        threshold: The level that the state goes by (of a healthy row the first one); None without one.
        below: Whether less is bad.
        reason: Why that level; "" without one.
        since: From when on it is beyond the threshold without a break; None where it is not, or it is not known.
        longer: It was so already when the day that was looked at began.
        yesterday, last_week: The same number 24 hours and 7 days ago; None without data.
        words: What a number does not say.
        more: How many further entities are as this one, left out.
        query: What was sent, so that a reader can send it again.
    """

    state: State
    what: str
    entity: str = ""
    signal: str = ""
    value: float | None = None
    unit: Unit | Literal[""] = ""
    threshold: float | None = None
    below: bool = False
    reason: str = ""
    since: datetime | None = None
    longer: bool = False
    yesterday: float | None = None
    last_week: float | None = None
    words: str = ""
    more: int = 0
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A share that grows: when will it be full at this rate.

    Attributes:
        signal: Id of a signal in ratios.
        what: What is full then, as a row's title.
    """

    signal: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question that is no signal.

    Attributes:
        source: Who is asked.
        title: What is asked, in a few words.
        ask: Returns rows, healthy ones among them; none where there is nothing to tell of. Raises
            `ObskitError` or `AwsFailure` where the source could not be asked.
    """

    source: SourceName
    title: str
    ask: Callable[[Access], Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system of the stack, and how it is looked at.

    Attributes:
        name: As ``--only`` takes it.
        title: For a person.
        topics: Of the catalogue; all their signals are looked at.
        leave: Ids of those that are not: they say over another window what a further one says.
        tell: Ids of the signals whose numbers stand in the line of a healthy system.
        fills: What may become full.
        probes: Further questions.
    """

    name: str
    title: str
    topics: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    fills: tuple[Fill, ...] = ()
    probes: tuple[Probe, ...] = ()

    def signals(self) -> tuple[Signal, ...]:
        """Return the catalogue's signals that are looked at, in the catalogue's order."""
        from obskit.catalogue import all_signals

        return tuple(s for s in all_signals().values() if s.topic in self.topics and s.id not in self.leave)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found of one system.

    Attributes:
        state: Of its worst row; ``not seen`` where nothing with a threshold answered.
        wrong: Rows that are ``look`` or ``bad``, worst first.
        well: The other rows, one a signal or question, in the system's order.
        silent: Titles of signals that were asked for and have no answer now.
        why: Of a system that was not seen: why not.
    """

    system: System
    state: State
    wrong: tuple[Row, ...] = ()
    well: tuple[Row, ...] = ()
    silent: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What a source could not be asked, and why: one for each source and reason.

    Attributes:
        source: Who.
        reason: In its own words where it said something; cleaned.
        systems: Names of the systems that wanted to know.
        questions: How many questions went unanswered.
    """

    source: SourceName
    reason: str
    systems: tuple[str, ...]
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round over the systems.

    Attributes:
        at: When, UTC.
        reports: One a system, worst state first, then by name.
        unseen: What could not be asked.
        asked: How many questions were sent.
        answered: Whether anybody answered at all.
        seconds: How long the round took.
    """

    at: datetime
    reports: tuple[Report, ...]
    unseen: tuple[Unseen, ...] = ()
    asked: int = 0
    answered: bool = True
    seconds: float = field(default=0.0, compare=False)

    def of(self, state: State) -> tuple[Report, ...]:
        """Return the reports with this state, in order."""
        return tuple(report for report in self.reports if report.state == state)
