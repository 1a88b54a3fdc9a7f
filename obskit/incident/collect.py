"""Asks every source at once, under one deadline; what fails becomes a gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from obskit.errors import SourceError, UsageError
from obskit.model import Gap, Logs, Metrics, Telemetry

if TYPE_CHECKING:
    from obskit.sources import Ask, Source

#: How long after the deadline a source that promised to keep it is waited for, seconds.
_GRACE_SECONDS = 0.5


def collect(sources: Sequence[Source], ask: Ask, *, progress: Callable[[str], None] = lambda _: None) -> Telemetry:
    """Return what all sources answered; a source that failed, or is late, is a gap.

    Args:
        sources: Asked concurrently, each in a thread of its own.
        ask: What to ask; its deadline holds for all.
        progress: Told when a source has answered, in the caller's thread and in time.

    Raises:
        UsageError: A source says that what was asked does not exist.
        SettingsError: A source is configured in a way that cannot work.
    """
    answers: SimpleQueue[tuple[int, Telemetry | BaseException]] = SimpleQueue()

    def run(number: int, source: Source) -> None:
        try:
            answers.put((number, source.answer(ask)))
        except BaseException as error:
            answers.put((number, error))

    for number, source in enumerate(sources):
        # daemons: a source that hangs beyond its promise must not keep the process alive
        threading.Thread(target=run, args=(number, source), daemon=True, name=f"obskit-{source.name}").start()
    taken: dict[int, Telemetry | BaseException] = {}
    while len(taken) < len(sources):
        try:
            number, answer = answers.get(timeout=max(0.0, ask.deadline + _GRACE_SECONDS - time.monotonic()))
        except Empty:
            break
        taken[number] = answer
        progress(sources[number].name)
    return merge([_share(source, taken.get(number)) for number, source in enumerate(sources)])


def _share(source: Source, answer: Telemetry | BaseException | None) -> Telemetry:
    if answer is None:
        return _gap(source, "no answer before the deadline")
    if isinstance(answer, UsageError):
        raise answer
    if isinstance(answer, SourceError):
        said = answer.where.get("said", "")
        return _gap(source, f"{answer.what}: {said}" if said else answer.what)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _gap(source: Source, reason: str) -> Telemetry:
    return Telemetry(gaps=(Gap(source=source.name, query="everything", reason=reason),))


def merge(shares: Sequence[Telemetry]) -> Telemetry:
    """Put the shares of several sources together, metrics on the grid that has the most points."""
    parts = [s.metrics for s in shares if s.metrics.series and len(s.metrics.times)]
    tables = [s.logs.table for s in shares if len(s.logs)]
    facts: dict[str, str] = {}
    for share in shares:
        facts.update(share.facts)
    events = sorted(
        {e: None for s in shares for e in s.events}, key=lambda e: (e.time, e.kind, e.service, e.task, e.message)
    )
    return Telemetry(
        metrics=_on_one_grid(parts),
        logs=_one_table(tables),
        events=tuple(events),
        gaps=tuple(g for s in shares for g in s.gaps),
        facts=facts,
    )


def _one_table(tables: Sequence[object]) -> Logs:
    if not tables:
        return Logs.empty()
    if len(tables) == 1:
        return Logs(table=tables[0])
    import pyarrow as pa

    table = pa.concat_tables(tables)
    return Logs(table=table.sort_by("time_ns"))


def _on_one_grid(parts: Sequence[Metrics]) -> Metrics:
    """Hold coarser answers until their next point; never longer than one and a half of their steps."""
    if not parts:
        return Metrics.empty()
    main = max(parts, key=lambda m: (len(m.times), len(m.series)))
    blocks = [main.values]
    series = list(main.series)
    for part in parts:
        if part is main:
            continue
        step = np.median(np.diff(part.times)) if len(part.times) > 1 else np.timedelta64(60, "s")
        at = np.searchsorted(part.times, main.times, side="right") - 1
        age = main.times - part.times[np.maximum(at, 0)]
        valid = (at >= 0) & (age <= step * 3 // 2)
        blocks.append(np.where(valid[:, None], part.values[np.maximum(at, 0)], np.nan))
        series.extend(part.series)
    return Metrics(times=main.times, values=np.hstack(blocks), series=tuple(series))
