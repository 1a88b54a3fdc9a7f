"""From answers to rows: what is wrong first, one row an entity, and the number of what is well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from obskit.checkup import judge
from obskit.checkup.ask import Reading
from obskit.checkup.signals import STEP_SECONDS, STRETCH_SECONDS, Answer
from obskit.checkup.words import ORDER, Fill, Row, State
from obskit.escape import clean, cut
from obskit.model import Labels, Signal
from obskit.redact import redact

#: Bad entities of one signal that are named; of the others it is said how many they are.
MOST_ROWS = 5
LONGEST_ENTITY = 120
#: Labels whose values say by themselves what they are.
_NAMES = ("service", "ecs_service", "service_name", "instance", "job")
#: Full within a day: nobody is there to see it come.
_SOON_SECONDS = 86_400.0


def entity_of(labels: Labels) -> str:
    """Return labels in words, the service's and instance's first, without their names: ``demo-app path=/``."""
    known = [(k, v) for name in _NAMES for k, v in labels if k == name and v]
    others = [(k, v) for k, v in labels if k not in _NAMES and v]
    words = " ".join([*(v for _, v in known), *(f"{k}={v}" for k, v in others)])
    return word(words, LONGEST_ENTITY)


def word(text: object, length: int = 80) -> str:
    """Return what a server said on one line, without secrets and what steers a terminal; "" for nothing."""
    return cut(clean(redact(str(text or ""))), length)


def rows_of(answer: Answer, at: float) -> tuple[tuple[Row, ...], Row | None]:
    """Return the rows of what is wrong, worst first, and of the worst that is not.

    Args:
        answer: Of one signal.
        at: The moment of the round, epoch seconds.

    Returns:
        At most `MOST_ROWS` wrong rows, the last of which says how many more there are; and one row
        of the others, None where all are wrong or there is no answer.
    """
    signal, readings = answer.question.signal, answer.now or ()
    order = judge.worst_first([r.value for r in readings], below=signal.bad == "down")
    states = [judge.state_of(r.value, signal) for r in readings]
    wrong = sorted((i for i in order if states[i] != "ok"), key=lambda i: ORDER[states[i]])
    rows = [_row(answer, readings[i], states[i], at) for i in wrong[:MOST_ROWS]]
    if len(wrong) > MOST_ROWS:
        rows[-1] = replace(rows[-1], more=len(wrong) - MOST_ROWS)
    well = next((i for i in order if states[i] == "ok"), None)
    return tuple(rows), None if well is None or rows else _row(answer, readings[well], "ok", at)


def _row(answer: Answer, reading: Reading, state: State, at: float) -> Row:
    signal = answer.question.signal
    threshold = judge.threshold_of(state, signal)
    begun = None
    if state != "ok" and threshold is not None:
        begun = _since(answer, reading.labels, signal, threshold.value, at)
    return Row(
        state=state,
        what=signal.title,
        entity=entity_of(reading.labels),
        signal=signal.id,
        value=reading.value,
        unit=signal.unit,
        threshold=None if threshold is None else threshold.value,
        below=signal.bad == "down",
        reason="" if threshold is None else threshold.reason,
        since=None if begun is None else datetime.fromtimestamp(begun.at, UTC),
        longer=begun is not None and begun.longer,
        yesterday=then(answer.yesterday, reading.labels, signal),
        last_week=then(answer.last_week, reading.labels, signal),
        query=answer.question.query,
    )


def _since(answer: Answer, labels: Labels, signal: Signal, level: float, at: float) -> judge.Since | None:
    if labels not in answer.stretch:
        return None
    times, values = answer.stretch[labels]
    return judge.since(times, values, level, below=signal.bad == "down", step=STEP_SECONDS, start=at - STRETCH_SECONDS)


def then(readings: Sequence[Reading], labels: Labels, signal: Signal) -> float | None:
    """Return what the same entity had then; where its task has gone, the worst of its service.

    None where there is no data of it: another entity's number would mislead.
    """
    same = [r.value for r in readings if r.labels == labels]
    if not same:
        own = {(k, v) for k, v in labels if k in _NAMES[:3]}
        same = [r.value for r in readings if own and own.issubset(r.labels)]
    if not same:
        return None
    return min(same) if signal.bad == "down" else max(same)


def fill_rows(fill: Fill, answer: Answer) -> tuple[Row, ...]:
    """Return a row for each entity that will be full at its rate, the first to be full first; at most `MOST_ROWS`."""
    found = []
    for labels, (times, values) in answer.stretch.items():
        ahead = judge.full_in(times, values)
        if math.isfinite(ahead):
            found.append((ahead, entity_of(labels), float(values[-1])))
    rows = [
        Row(
            state="bad" if ahead < _SOON_SECONDS else "look",
            what=fill.what,
            entity=entity,
            value=ahead,
            unit="seconds",
            threshold=_SOON_SECONDS,
            below=True,
            reason="full within a day: before the next round",
            words=f"now {share * 100:.3g} % full",
            query=answer.question.query,
        )
        for ahead, entity, share in sorted(found)[:MOST_ROWS]
    ]
    if len(found) > MOST_ROWS:
        rows[-1] = replace(rows[-1], more=len(found) - MOST_ROWS)
    return tuple(rows)
