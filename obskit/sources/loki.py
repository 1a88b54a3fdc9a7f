"""Loki: counts of lines as metrics, and the lines themselves within a budget."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from obskit.catalogue.logs import SIGNALS
from obskit.errors import SourceError
from obskit.model import Gap, Logs, Metrics, Series, Telemetry, Window, nanoseconds, stamp, utc
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.loki_lines import Counts, Fetched, Portion, blind_plan, fetch_portion, plan
from obskit.sources.loki_query import (
    CLUSTER_LABELS,
    INTERESTING,
    SERVICE_LABELS,
    TASK_LABELS,
    CountGrid,
    Scope,
    grid_for,
    logql_string,
    matchers,
)
from obskit.sources.loki_read import CONCURRENCY, LokiClient, SeriesLimitError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LokiSource", "logql_string"]

#: What is counted on the server, by signal; "interesting" is for the choice of lines only.
_SIGNALS = {signal.id: signal.variants[0].query for signal in SIGNALS}
#: Beside the signals: how many lines are worth fetching first.
_COUNTED = {**_SIGNALS, "interesting": f"sum by ($service) (rate($selector {INTERESTING}[$rate]))"}
#: Time kept back for putting the answer together, seconds and as a share of what is left.
_MARGIN_SECONDS, _MARGIN_SHARE = 0.5, 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the server counted: the scope it was possible for, rows and query by signal, and what failed."""

    scope: Scope
    rows: Mapping[str, Counts]
    queries: Mapping[str, str]
    gaps: tuple[Gap, ...] = ()


class LokiSource:
    """Asks one Loki for the lines of a service and of its neighbours.

    Args:
        connection: Where it is, and as whom (``tenant``) it is asked.
        max_lines: The most lines that one answer may hold. Beyond it lines are sampled:
            two thirds for the service that suffers, the rest shared by its neighbours.
        selector: Matchers that every query gets, such as ``{env="prod"}``.
    """

    name = "loki"

    def __init__(self, connection: Connection, *, max_lines: int = 60_000, selector: str = "") -> None:
        self._client = LokiClient(connection)
        self._max_lines = max_lines
        self._extra = matchers(selector)

    def ready(self, deadline: float) -> str:
        """Return "" when Loki answers, else the reason why it does not.

        Args:
            deadline: ``time.monotonic()`` at which the answer must be there.
        """
        return self._client.ready(deadline)

    def counted(self, ask: Ask) -> Telemetry:
        """Return ``log_lines``, ``log_errors`` and ``log_timeouts`` a second, and no lines; else as `answer`."""
        scope, facts = self._scope(ask, ask.deadline)
        if isinstance(scope, Gap):
            return Telemetry(gaps=(scope,), facts={"loki.known": "false", **facts})
        grid = grid_for(ask.window)
        counted = self._count(scope, grid, ask, ask.deadline)
        gaps = tuple(gap for gap in counted.gaps if gap.query not in counted.rows)  # that nothing was written is no gap
        return Telemetry(metrics=_metrics(counted, grid), gaps=gaps, facts={"loki.known": "true", **facts})

    def answer(self, ask: Ask) -> Telemetry:
        """Return ``log_lines``, ``log_errors`` and ``log_timeouts`` a second, and the lines.

        Raises:
            SourceError: The names of the labels could not be had: nothing is known then.
        """
        deadline = ask.deadline - min(_MARGIN_SECONDS, _MARGIN_SHARE * max(0.0, ask.deadline - time.monotonic()))
        scope, facts = self._scope(ask, deadline)
        if isinstance(scope, Gap):
            return Telemetry(gaps=(scope,), facts={"loki.known": "false", **facts})
        grid = grid_for(ask.window)
        counted = self._count(scope, grid, ask, deadline)
        logs, gaps, more = self._lines(counted, grid, ask, deadline)
        return Telemetry(
            metrics=_metrics(counted, grid),
            logs=logs,
            gaps=(*counted.gaps, *gaps),
            facts={"loki.known": "true", **facts, "loki.step_seconds": str(grid.step), **more},
        )

    # whose lines

    def _scope(self, ask: Ask, deadline: float) -> tuple[Scope | Gap, dict[str, str]]:
        """Find the label that names the service, and the cluster that it runs in."""
        span = _span(ask.window)
        if self._extra:
            span["query"] = "{" + self._extra + "}"
        present = self._client.labels(span, deadline)
        candidates = [label for label in SERVICE_LABELS if label in present]
        answers = _together(
            [lambda label=label: self._client.values(label, span, deadline) for label in candidates],  # type: ignore[misc]
            deadline,
        )
        values = {label: found for label, found in zip(candidates, answers, strict=True) if isinstance(found, list)}
        if candidates and not values:
            raise next(error for error in answers if isinstance(error, SourceError))
        label = next((label for label, names in values.items() if ask.service.name in names), "")
        if not label:
            return _unknown(ask, present, values), {}
        scope = Scope(service_label=label, extra=self._extra)
        rows = self._client.series(scope.selector([ask.service.name]), span, deadline)
        return self._in_cluster(ask, scope, rows)

    def _in_cluster(
        self, ask: Ask, scope: Scope, rows: Sequence[Mapping[str, str]]
    ) -> tuple[Scope | Gap, dict[str, str]]:
        """Restrict the scope to the cluster asked for, or to the only one that there is."""
        name, wanted = ask.service.name, ask.service.cluster
        label = next((c for c in CLUSTER_LABELS if any(row.get(c) for row in rows)), "")
        clusters = sorted({row[label] for row in rows if row.get(label)}) if label else []
        facts = {"loki.service_label": scope.service_label, "loki.clusters": ",".join(clusters)}
        if wanted and clusters and wanted not in clusters:
            reason = f"no lines of {name} in cluster {wanted!r}; it logs in {', '.join(clusters)}"
            return _gap("log lines", reason), facts
        if not wanted and len(clusters) > 1:
            reason = f"{name} logs in {len(clusters)} clusters ({', '.join(clusters)}): say which with --cluster"
            return _gap("log lines", reason), facts
        cluster = (wanted or clusters[0]) if clusters else ""
        facts |= {
            "loki.cluster_label": label,
            "loki.cluster": cluster,
            "loki.task_label": next((t for t in TASK_LABELS if any(row.get(t) for row in rows)), ""),
        }
        return replace(scope, cluster_label=label, cluster=cluster), facts

    # how many

    def _count(self, scope: Scope, grid: CountGrid, ask: Ask, deadline: float) -> _Counted:
        """Count on the server; where there are too many services, those of the ask only."""
        queries = {signal: scope.fill(query, grid.step) for signal, query in _COUNTED.items()}
        answers = _together(
            [
                lambda query=query: self._client.counts(query, scope.service_label, grid, deadline)  # type: ignore[misc]
                for query in queries.values()
            ],
            deadline,
        )
        if any(isinstance(answer, SeriesLimitError) for answer in answers) and not scope.only:
            narrow = scope.narrowed((ask.service.name, *ask.service.depends_on))
            counted = self._count(narrow, grid, ask, deadline)
            words = "too many services to count: only the service and what it is configured to depend on were asked for"
            return replace(counted, gaps=(*counted.gaps, _gap("lines of neighbours", words, partial=True)))
        rows = {signal: a for signal, a in zip(queries, answers, strict=True) if not isinstance(a, SourceError)}
        gaps = [
            _gap("which lines to fetch" if signal == "interesting" else signal, _words(answer))
            for signal, answer in zip(queries, answers, strict=True)
            if isinstance(answer, SourceError)
        ]
        if "log_lines" in rows and ask.service.name not in rows["log_lines"]:
            gaps.append(_gap("log_lines", f"no line of {ask.service.name} in the window"))
        return _Counted(scope, rows, queries, tuple(gaps))

    # which

    def _lines(
        self, counted: _Counted, grid: CountGrid, ask: Ask, deadline: float
    ) -> tuple[Logs, list[Gap], dict[str, str]]:
        """Fetch what the plan says, concurrently; what is late or refused becomes a gap."""
        scope, service, counts = counted.scope, ask.service.name, counted.rows.get("log_lines")
        if counts is None:
            portions = blind_plan(scope, grid, service, self._max_lines)
        else:
            portions = plan(scope, grid, service, counts, counted.rows.get("interesting"), self._max_lines)
        answers = _together(
            [
                lambda portion=portion: fetch_portion(self._client, scope.service_label, portion, deadline)  # type: ignore[misc]
                for portion in portions
            ],
            deadline,
        )
        fetched = [
            Fetched(portion, error=answer) if isinstance(answer, SourceError) else answer
            for portion, answer in zip(portions, answers, strict=True)
        ]
        held = 0 if counts is None else int(sum(rows.sum() for rows in counts.values()))
        sampled = counts is None or any(f.portion.want < f.portion.held for f in fetched) or held > self._max_lines
        facts = {"loki.sampled": str(sampled).lower(), "loki.lines": str(held) if counts is not None else ""}
        return _logs(fetched, ask.window), _losses(fetched), facts


def _span(window: Window) -> dict[str, str]:
    return {"start": str(nanoseconds(window.start)), "end": str(nanoseconds(window.end))}


def _gap(query: str, reason: str, *, partial: bool = False) -> Gap:
    return Gap(source="loki", query=query, reason=reason, partial=partial)


def _words(error: SourceError) -> str:
    """Return an error for a gap: what happened, and what the server said."""
    said = error.where.get("said", "")
    return f"{error.what}: {said}" if said else error.what


def _unknown(ask: Ask, present: Sequence[str], values: Mapping[str, Sequence[str]]) -> Gap:
    """Say that no label names the service, and which names come near."""
    if not present:
        return _gap("labels", "Loki holds no lines in the window")
    if not values:
        return _gap("labels", f"no label names services: looked for {', '.join(SERVICE_LABELS)}")
    names = sorted({name for found in values.values() for name in found})
    near = difflib.get_close_matches(ask.service.name, names, n=3, cutoff=0.5)
    reason = f"no lines of a service named {ask.service.name!r}" + (f"; near: {', '.join(near)}" if near else "")
    return _gap("log lines", reason)


def _together(work: Sequence[Callable[[], T]], deadline: float) -> list[T | SourceError]:
    """Do all of it concurrently; what fails, or is not done at the deadline, is an error in its place."""
    pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="obskit-loki")
    futures = [pool.submit(one) for one in work]
    # Each keeps the deadline by itself; a moment more, so that what it has at the deadline is not lost.
    wait(futures, timeout=max(0.0, deadline - time.monotonic()) + 0.05)
    pool.shutdown(wait=False, cancel_futures=True)
    return list(map(_outcome, futures))


def _outcome(future: Future[T]) -> T | SourceError:
    if not future.done() or future.cancelled():
        return SourceError("Loki did not answer in time")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, SourceError):
        return error
    raise error


def _metrics(counted: _Counted, grid: CountGrid) -> Metrics:
    """Return a column a signal and service: NaN until the service's first line, from there on a count.

    Before a service has said anything its silence is no zero: it, or its log, may be younger
    than the window.
    """
    seen = counted.rows.get("log_lines")
    inside, times = grid.inside, grid.times
    if not seen or not len(times):
        return Metrics.empty()
    silent = np.zeros(len(inside), np.int64)
    columns, series = [], []
    for signal in _SIGNALS:
        if signal not in counted.rows:
            continue  # refused: its gap says so, and zeros would not be true
        for service in sorted(seen):
            begun = np.maximum.accumulate(seen[service] > 0)[inside]
            rates = counted.rows[signal].get(service, silent)[inside] / grid.step
            columns.append(np.where(begun, rates, np.nan))
            series.append(Series(signal=signal, unit="per_second", service=service, query=counted.queries[signal]))
    return Metrics(times=times, values=np.column_stack(columns), series=tuple(series))


def _logs(fetched: Sequence[Fetched], window: Window) -> Logs:
    """Put all pages into one table, weighted, by time, without what lies outside the window."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables: list[pa.Table] = [
        page.append_column("weight", pa.array(np.full(page.num_rows, part.weight)))
        for part in fetched
        for page in part.pages
    ]
    if not tables:
        return Logs.empty()
    table = pa.concat_tables(tables)
    at = table.column("time_ns")
    inside = pc.and_(pc.greater_equal(at, nanoseconds(window.start)), pc.less(at, nanoseconds(window.end)))
    table = table.filter(inside)
    order = np.argsort(table.column("time_ns").to_numpy(), kind="stable")
    return Logs(table=table.take(pa.array(order)).combine_chunks())


def lines_of(client: LokiClient, query: str, window: Window, limit: int, deadline: float) -> Logs:
    """Return the first lines of a window that a log query finds.

    Args:
        client: Whom to ask.
        query: A whole log query.
        window: From its start up to, without, its end.
        limit: The most lines.
        deadline: ``time.monotonic()``.

    Raises:
        SourceError: Not all of them could be had.
        UsageError: The query is one of numbers.
    """
    whole = Portion(query, nanoseconds(window.start), nanoseconds(window.end), limit, 0)
    fetched = fetch_portion(client, "", whole, deadline)
    if fetched.error is not None:
        raise fetched.error
    return _logs([fetched], window)


def _losses(fetched: Sequence[Fetched]) -> list[Gap]:
    """Say what was counted but did not come, once a reason."""
    reasons: dict[str, list[Fetched]] = {}
    for part in fetched:
        if part.error is not None or part.lost:
            why = _words(part.error) if part.error else "more lines share one instant than one request may return"
            reasons.setdefault(why, []).append(part)
    some = any(part.lines for part in fetched)
    return [
        _gap(_where(parts), f"{_missing(parts, len(fetched))}: {why}", partial=some) for why, parts in reasons.items()
    ]


def _where(parts: Sequence[Fetched]) -> str:
    start, end = min(p.portion.start for p in parts), max(p.portion.end for p in parts)
    return f"log lines {stamp(utc(start))} to {stamp(utc(end))}"


def _missing(parts: Sequence[Fetched], of: int) -> str:
    lost = sum(part.lost for part in parts)
    return f"{lost} lines in {len(parts)} of {of} time slices could not be fetched"
