"""Asks for the catalogue's signals: which of them a source can answer, what they are now and were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from obskit.checkup import judge
from obskit.checkup.ask import Access, Reading, Server, each
from obskit.checkup.judge import Floats
from obskit.checkup.words import System
from obskit.model import Labels, Signal

DAY_SECONDS = 86_400.0
#: How far back it is looked since when something is wrong, and in what steps.
STRETCH_SECONDS = DAY_SECONDS
STEP_SECONDS = 300.0

Stretch = Mapping[Labels, tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One signal as it is sent.

    Attributes:
        system: Name of the system that wants to know.
        told: Whether its number stands in the line of a healthy system.
        drawn: Whether it is asked over the day even when it is well: what may become full.
    """

    system: str
    signal: Signal
    query: str
    told: bool = False
    drawn: bool = False


@dataclass(slots=True, kw_only=True)
class Answer:
    """What came of a question; written by its source's thread alone.

    Attributes:
        now: One entry a series; None where the question failed.
        failed: With what.
        stretch: The last day, where it was asked.
        yesterday, last_week: By labels, where they were asked.
    """

    question: Question
    now: tuple[Reading, ...] | None = None
    failed: Exception | None = None
    stretch: Stretch = field(default_factory=dict)
    yesterday: tuple[Reading, ...] = ()
    last_week: tuple[Reading, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether some series has reached a threshold."""
        signal = self.question.signal
        return any(judge.state_of(reading.value, signal) != "ok" for reading in self.now or ())


def questions(systems: Sequence[System], access: Access, language: str, *, everything: bool) -> list[Question]:
    """Return what one source is asked: signals that it can answer.

    Args:
        systems: Whose signals.
        access: Label names, and what metrics there are.
        language: ``PromQL`` or ``LogQL``.
        everything: Also what has no threshold and is not told.
    """
    from obskit.ascode.alerts.expression import Writer
    from obskit.ascode.alerts.rule import RANGE
    from obskit.catalogue._written import variants_of, written_variant

    filling = Writer(settings=access.settings).filling(RANGE)
    found = []
    for system in systems:
        drawn = {fill.signal for fill in system.fills}
        for signal in system.signals():
            spoken = [v for v in variants_of(signal, filling.instrumentation) if v.language == language]
            if language == "PromQL":
                spoken = [v for v in spoken if access.metrics.issuperset(v.needs)]
            told = signal.id in system.tell
            wanted = signal.warn or signal.crit or told or signal.id in drawn or everything
            if not spoken or not wanted:
                continue
            # Loki knows no "or" of different streams that helps here
            texts = [written_variant(v, filling) for v in (spoken if language == "PromQL" else spoken[:1])]
            found.append(
                Question(
                    system=system.name,
                    signal=signal,
                    query="\nor\n".join(texts),
                    told=told,
                    drawn=signal.id in drawn,
                )
            )
    return found


def ask(
    server: Server, wanted: Sequence[Question], access: Access, tell: Callable[[int], None], *, everything: bool
) -> list[Answer]:
    """Ask what each signal is now; then, of what is wrong or told, since when, and what it was.

    Args:
        server: Who is asked.
        wanted: What.
        access: The moment of the round.
        tell: Is told how many questions were answered.
        everything: Compare everything with yesterday and last week.
    """
    at = access.epoch
    found = each([partial(server.now, q.query, at) for q in wanted], tell)
    answers = [
        Answer(question=q, failed=got) if isinstance(got, Exception) else Answer(question=q, now=got)
        for q, got in zip(wanted, found, strict=True)
    ]
    later = list(_later(server, answers, at, everything=everything))
    brought = each([task for _, _, task in later], lambda done: tell(len(answers) + done))
    for (answer, name, _), got in zip(later, brought, strict=True):
        if isinstance(got, Exception):
            answer.failed = answer.failed or got
        else:
            setattr(answer, name, got)
    return answers


def _later(
    server: Server, answers: Sequence[Answer], at: float, *, everything: bool
) -> Iterable[tuple[Answer, str, Callable[[], Any]]]:
    for answer in answers:
        query, wrong = answer.question.query, answer.is_wrong
        if answer.now and (wrong or answer.question.drawn):
            yield answer, "stretch", partial(server.stretch, query, at - STRETCH_SECONDS, at, STEP_SECONDS)
        if answer.now and (wrong or answer.question.told or everything):
            yield answer, "yesterday", partial(server.now, query, at - DAY_SECONDS)
            yield answer, "last_week", partial(server.now, query, at - 7 * DAY_SECONDS)
