"""Speaks Prometheus' HTTP API: its indexes, and ranges on one grid.

The connection is prometheus-api-client's; the answers are decoded by `obskit.sources.promjson`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from obskit.errors import SourceError
from obskit.model import TimeArray, Window
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.http import Params, fetch, server_words, session_for
from obskit.sources.promjson import NotAnAnswerError, RangeAnswer, decode_range

#: (end - start) / step beyond which Prometheus refuses with "exceeded maximum resolution".
MAX_INTERVALS = 11_000
#: Points a series that an investigation needs at most; the step is chosen to stay below.
WANTED_POINTS = 720
#: Queries under way at once: Prometheus itself runs 20 (--query.max-concurrency).
CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class Grid:
    """The points in time that every answer is put on: start and step in seconds, number of points."""

    start: float
    step: float
    points: int

    @property
    def times(self) -> TimeArray:
        """Return shape (T,), datetime64[ns], UTC."""
        seconds = self.start + self.step * np.arange(self.points)
        times: TimeArray = np.rint(seconds * 1e3).astype("datetime64[ms]").astype("datetime64[ns]")
        return times

    @property
    def step_text(self) -> str:
        """The step as it is sent: seconds, with the milliseconds that servers count in."""
        return f"{self.step:.3f}".rstrip("0").rstrip(".")


def grid_for(window: Window, scrape_interval: float) -> Grid:
    """Return the finest grid that is worth asking for: whole scrapes, at most `WANTED_POINTS`."""
    seconds = window.duration.total_seconds()
    step = scrape_interval * max(1, math.ceil(seconds / scrape_interval / WANTED_POINTS))
    start = math.floor(window.start.timestamp() / step) * step
    return Grid(start, step, math.floor((window.end.timestamp() - start) / step) + 1)


class PrometheusClient:
    """One Prometheus; every method raises `SourceError` when it cannot answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session = session_for(connection, pool=CONCURRENCY)
        self._url = self._client_url()

    def _client_url(self) -> str:
        from prometheus_api_client import PrometheusConnect
        from urllib3.util import Retry

        client = PrometheusConnect(
            url=self._connection.url,
            session=self._session,
            retry=Retry(total=0),  # `fetch` retries, within the deadline
            timeout=self._connection.timeout_seconds,
            method="POST",
        )
        return str(client.url).rstrip("/")

    def _get(self, path: str, ask: Ask, *, query: str, data: Params | None) -> bytes:
        """Send a request (POST with *data*, GET without) and return its body; a bad status is a `SourceError`."""
        status, body = fetch(
            self._session,
            f"{self._url}{path}",
            name="Prometheus",
            deadline=ask.deadline,
            timeout=self._connection.timeout_seconds,
            data=data,
            query=query,
        )
        if status != 200:
            raise SourceError(
                "Prometheus refused a query",
                where={"query": query, "window": str(ask.window), "said": f"{status} {_said(body)}"},
                hint="run: obskit doctor",
            )
        return body

    def json(self, path: str, ask: Ask, *, query: str, data: Params | None) -> Any:
        """Return the ``data`` of an answer: a list of what the index holds, or a query's result."""
        body = self._get(path, ask, query=query, data=data)
        try:
            answer = orjson.loads(body)
            held = answer["data"] if answer["status"] == "success" else None
            if not isinstance(held, (list, dict)):
                raise TypeError("data")
            return held
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise SourceError(
                "what answers is not Prometheus",
                where={"at": self._url + path, "said": _said(body)},
                hint="correct OBSKIT_PROMETHEUS_URL",
            ) from error

    def matrix(self, ask: Ask, query: str, grid: Grid) -> RangeAnswer:
        """Ask for one range, in as many pieces as the server's limit on points demands.

        Args:
            ask: Its deadline holds.
            query: PromQL.
            grid: Where the answer's points lie.
        """
        pieces = [
            (grid.start + grid.step * first, min(MAX_INTERVALS, grid.points - first))
            for first in range(0, grid.points, MAX_INTERVALS)
        ]
        answers = [self._piece(ask, query, Grid(start, grid.step, points)) for start, points in pieces]
        return answers[0] if len(answers) == 1 else _joined(answers)

    def _piece(self, ask: Ask, query: str, grid: Grid) -> RangeAnswer:
        end = grid.start + grid.step * (grid.points - 1)
        data = {"query": query, "start": f"{grid.start:.3f}", "end": f"{end:.3f}", "step": grid.step_text}
        body = self._get("/api/v1/query_range", ask, query=query, data=data)
        try:
            return decode_range(body, grid.start, grid.step, grid.points)
        except NotAnAnswerError as error:
            raise SourceError(
                f"Prometheus' answer cannot be read: {error}", where={"query": query, "said": _said(body)}
            ) from error


def _joined(answers: Sequence[RangeAnswer]) -> RangeAnswer:
    """Put the pieces of one range together; a series may be missing in some."""
    keys = list(dict.fromkeys(tuple(sorted(labels.items())) for a in answers for labels in a.labels))
    position = {key: i for i, key in enumerate(keys)}
    blocks = []
    for answer in answers:
        block = np.full((len(answer.values), len(keys)), np.nan)
        block[:, [position[tuple(sorted(labels.items()))] for labels in answer.labels]] = answer.values
        blocks.append(block)
    warnings = tuple(dict.fromkeys(w for a in answers for w in a.warnings))
    return RangeAnswer(tuple(dict(k) for k in keys), np.vstack(blocks), warnings, max(a.histograms for a in answers))


def _said(body: bytes) -> str:
    """Return the server's own words: the error of its JSON, or the beginning of its text."""
    try:
        answer = orjson.loads(body)
        return server_words(f"{answer['errorType']}: {answer['error']}")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return server_words(body)
