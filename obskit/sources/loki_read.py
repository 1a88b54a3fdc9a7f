"""Speaks Loki's HTTP API and turns its answers into columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from obskit.errors import SourceError, UsageError
from obskit.settings import Connection
from obskit.sources.http import fetch, server_words, session_for
from obskit.sources.loki_query import LEVEL_LABELS, SERVICE_LABELS, TASK_LABELS, CountGrid
from obskit.sources.prometheus_read import Grid
from obskit.sources.promjson import NotAnAnswerError, RangeAnswer, decode_range

if TYPE_CHECKING:
    import pyarrow as pa

#: Lines a request: Loki's default ``max_entries_limit_per_query``. A server with a lower one says so.
PAGE_LINES = 5000
#: Requests under way at once; Loki splits each again by time and shard on its own.
CONCURRENCY = 8
_LIMIT = re.compile(r"max_entries_limit_per_query \((\d+) > (\d+)\)")
_HINTS = {
    401: "is a tenant asked for (X-Scope-OrgID), or a token? set Loki's tenant",
    403: "may this tenant, or this token, read logs?",
    404: "correct OBSKIT_LOKI_URL: the base address, without /loki/api",
    429: "Loki limits its readers: a shorter window, or later",
}


#: Of an answer of lines, before the first of them.
_STREAMS = re.compile(rb'"resultType"\s*:\s*"streams"')
_HEAD_BYTES = 4096


class SeriesLimitError(SourceError):
    """A count has more series than Loki gives in one answer."""


class _PageLimitError(SourceError):
    """A page was longer than this server allows."""


class LokiClient:
    """One Loki as one tenant; every method raises `SourceError` when it cannot answer.

    Attributes:
        page: Lines that one request may ask for.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session = session_for(connection, pool=CONCURRENCY)
        self._url = connection.url.rstrip("/")
        self.page = PAGE_LINES

    def ready(self, deadline: float) -> str:
        """Return "" when the server answers queries, else why it does not."""
        try:
            status, body = self._fetch("/ready", deadline, params={})
            if status == 200 and body.strip() == b"ready":
                return ""
            # Gateways and hosted Lokis serve queries only; a starting one answers queries before it is ready.
            self.labels({}, deadline)
        except SourceError as error:
            said = error.where.get("said", "")
            return f"{error.what}: {said}" if said else error.what
        return "" if status in (200, 404) else f"{status} {_said(body)}"

    def labels(self, span: Mapping[str, str], deadline: float) -> list[str]:
        """Return the names of the labels in a span of time (``start``, ``end``, ``query``)."""
        return self._texts("/loki/api/v1/labels", span, deadline)

    def values(self, label: str, span: Mapping[str, str], deadline: float) -> list[str]:
        """Return the values of one label."""
        return self._texts(f"/loki/api/v1/label/{label}/values", span, deadline)

    def series(self, selector: str, span: Mapping[str, str], deadline: float) -> list[dict[str, str]]:
        """Return the label sets of the streams that a selector matches."""
        where = {key: value for key, value in span.items() if key != "query"}
        answer = self._json("/loki/api/v1/series", deadline, query=selector, params={**where, "match[]": selector})
        try:
            return [dict(row) for row in answer or ()]
        except (TypeError, ValueError) as error:
            raise self._not_loki(b"series without labels", selector) from error

    def counts(self, query: str, label: str, grid: CountGrid, deadline: float) -> dict[str, npt.NDArray[np.int64]]:
        """Return how many lines each bucket of the grid holds, by the value of *label*.

        Args:
            query: A ``rate`` over one step, summed by *label*.
            label: Whose values the answer is keyed by.
            grid: Its buckets are the rows of the answer; those without a point hold 0.
            deadline: ``time.monotonic()``.
        """
        # One step more than the grid: some versions leave out the lines at the very end of a range.
        end = int(grid.edges[-1]) + grid.step * 1_000_000_000
        data = {"query": query, "start": str(grid.edges[1]), "end": str(end), "step": f"{grid.step}s"}
        answer = self._json("/loki/api/v1/query_range", deadline, query=query, data=data)
        try:
            if answer["resultType"] != "matrix":
                raise ValueError("no matrix")
            rows = [(str(row["metric"].get(label, "")), _points(row["values"], grid)) for row in answer["result"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._not_loki(b"a count that is no matrix", query) from error
        return {name: counts for name, counts in rows if name}

    def lines(self, query: str, label: str, start: int, end: int, limit: int, deadline: float) -> tuple[pa.Table, int]:
        """Return the first lines of ``[start, end)`` (nanoseconds) as columns, and how many were asked for.

        Args:
            query: A log query.
            label: Which label names the service; "" for whichever does, stream by stream.
            start, end: Nanoseconds.
            limit: How many lines are wanted; a limit that the server finds too high is lowered, and remembered.
            deadline: ``time.monotonic()``.
        """
        limit = min(limit, self.page)
        data = {"query": query, "start": str(start), "end": str(end), "limit": str(limit), "direction": "forward"}
        try:
            answer = self._json("/loki/api/v1/query_range", deadline, query=query, data=data)
        except _PageLimitError as error:
            self.page = min(self.page, int(error.where["allowed"]))
            return self.lines(query, label, start, end, limit, deadline)
        try:
            if answer["resultType"] == "matrix":
                raise UsageError("this query answers with numbers, not with lines", where={"query": query})
            if answer["resultType"] != "streams":
                raise ValueError("no streams")
            return _table(answer["result"], label), limit
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise self._not_loki(b"lines that are no streams", query) from error

    def matrix(self, query: str, grid: Grid, deadline: float) -> RangeAnswer:
        """Return what a metric query answers on a grid.

        Args:
            query: LogQL; of a log query the answer is lines, which are refused.
            grid: Where the answer's points lie.
            deadline: ``time.monotonic()``.

        Raises:
            UsageError: It is a log query.
        """
        end = grid.start + grid.step * (grid.points - 1)
        edges = {"start": str(round(grid.start * 1e9)), "end": str(round(end * 1e9))}
        data = {"query": query, **edges, "step": grid.step_text}
        status, body = self._fetch("/loki/api/v1/query_range", deadline, query=query, data=data)
        if status != 200:
            raise self._refused(status, body, query)
        if _STREAMS.search(body, 0, _HEAD_BYTES):
            raise UsageError("this query answers with lines, not with numbers", where={"query": query})
        try:
            return decode_range(body, grid.start, grid.step, grid.points)
        except NotAnAnswerError as error:
            raise self._not_loki(body, query) from error

    def _texts(self, path: str, span: Mapping[str, str], deadline: float) -> list[str]:
        # An empty list comes as {"status":"success"} alone.
        answer = self._json(path, deadline, query=path.removeprefix("/loki/api/v1/"), params=span)
        if not isinstance(answer, list | None):
            raise self._not_loki(b"no list", path)
        return [str(text) for text in answer or ()]

    def _fetch(
        self,
        path: str,
        deadline: float,
        *,
        query: str = "",
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        return fetch(
            self._session,
            self._url + path,
            name="Loki",
            deadline=deadline,
            timeout=self._connection.timeout_seconds,
            params=params,
            data=data,
            query=query,
        )

    def _json(
        self,
        path: str,
        deadline: float,
        *,
        query: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the ``data`` of an answer, None where there is none."""
        status, body = self._fetch(path, deadline, query=query, params=params, data=data)
        if status != 200:
            raise self._refused(status, body, query)
        try:
            answer = orjson.loads(body)
            if answer["status"] != "success":
                raise KeyError("status")
            return answer.get("data")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise self._not_loki(body, query) from error

    def _refused(self, status: int, body: bytes, query: str) -> SourceError:
        """Word an error status; Loki's own words are plain text."""
        said = _said(body)
        where = {"at": self._url, "query": query, "said": f"{status} {said}"}
        if "maximum number of series" in said:
            return SeriesLimitError("Loki holds too many services for one count", where=where, hint="set the cluster")
        if (found := _LIMIT.search(said)) and 0 < int(found[2]) < int(found[1]):
            return _PageLimitError("a page was too long", where={**where, "allowed": found[2]})
        if 300 <= status < 400:
            return SourceError(
                "Loki sent us elsewhere", where=where, hint="is a login page in front of it? set a token"
            )
        return SourceError("Loki refused a query", where=where, hint=_HINTS.get(status, "run: obskit doctor"))

    def _not_loki(self, body: bytes, query: str) -> SourceError:
        cut = body[:1] == b"{" and body[-1:] != b"}"
        return SourceError(
            "Loki's answer was cut short" if cut else "what answers is not Loki",
            where={"at": self._url, "query": query, "said": _said(body)},
            hint="is something between obskit and Loki?" if cut else "correct OBSKIT_LOKI_URL",
        )


def _said(body: bytes) -> str:
    """Return the beginning of a text on one line, without control characters."""
    return server_words(body, 200)


def _points(values: Sequence[Sequence[object]], grid: CountGrid) -> npt.NDArray[np.int64]:
    """Put rates on the grid, as numbers of lines."""
    counts = np.zeros(len(grid.edges) - 1, np.int64)
    points = np.array(values, np.float64).reshape(-1, 2)
    rows = np.rint(points[:, 0] - grid.edges[1] / 1e9).astype(np.int64) // grid.step
    known = (rows >= 0) & (rows < len(counts)) & np.isfinite(points[:, 1])
    counts[rows[known]] = np.rint(points[known, 1] * grid.step).astype(np.int64)
    return counts


def _table(streams: Sequence[Mapping[str, Any]], label: str) -> pa.Table:
    """Return one page as ``time_ns``, ``service``, ``task``, ``level``, ``line``: labels are read once a stream.

    Structured metadata comes folded into the labels: then a stream is a set of lines that share it.
    """
    import pyarrow as pa

    pairs = list(chain.from_iterable(s["values"] for s in streams))
    index = np.repeat(np.arange(len(streams), dtype=np.int32), [len(s["values"]) for s in streams])
    labels = [s["stream"] for s in streams]

    def column(texts: list[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(texts, pa.string())).dictionary_decode()

    return pa.table(
        {
            "time_ns": pa.array(list(map(itemgetter(0), pairs)), pa.string()).cast(pa.int64()),
            "service": column([_service(row, label) for row in labels]),
            "task": column([_task(row) for row in labels]),
            "level": column([_level(row) for row in labels]),
            "line": pa.array(list(map(itemgetter(1), pairs)), pa.string()),
        }
    )


def _service(labels: Mapping[str, str], label: str) -> str:
    names = (label,) if label else SERVICE_LABELS
    return next((labels[name] for name in names if labels.get(name)), "")


def _task(labels: Mapping[str, str]) -> str:
    """Return the task of a stream: of an ARN its last part, as ECS' events call it."""
    found = next((labels[name] for name in TASK_LABELS if labels.get(name)), "")
    return found.rsplit("/", 1)[-1] if found.startswith("arn:") else found


def _level(labels: Mapping[str, str]) -> str:
    found = next((labels[name] for name in LEVEL_LABELS if labels.get(name)), "").lower()
    return "" if found == "unknown" else found  # Loki's word for "none was found"
