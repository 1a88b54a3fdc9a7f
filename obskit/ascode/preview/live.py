"""Asks a live Prometheus and Loki what a dashboard asks them: each question once, all at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from obskit.ascode.definition import Language
from obskit.ascode.preview.data import MOST_LINES, Line, PreviewAsk
from obskit.errors import ObskitError, SourceError
from obskit.model import FloatMatrix, TimeArray, Window
from obskit.redact import redact
from obskit.settings import Connection
from obskit.sources.http import Params, fetch, server_words, session_for
from obskit.sources.http_words import shown
from obskit.sources.loki_query import LEVEL_LABELS, SERVICE_LABELS, TASK_LABELS
from obskit.sources.prometheus_read import CONCURRENCY, MAX_INTERVALS, Grid
from obskit.sources.promjson import NotAnAnswerError, decode_range

_NAMES: Mapping[Language, str] = {"PromQL": "Prometheus", "LogQL": "Loki"}
_PATHS: Mapping[Language, str] = {"PromQL": "/api/v1/query_range", "LogQL": "/loki/api/v1/query_range"}
#: Seconds between two looks at what has come, so that progress moves.
_TICK = 0.2


@dataclass(frozen=True, slots=True)
class Question:
    """One query to send, on its grid of points."""

    language: Language
    text: str
    start: float
    step: float
    points: int

    @property
    def grid(self) -> Grid:
        """The points in time of its answer."""
        return Grid(self.start, self.step, self.points)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What came: columns, or lines.

    Attributes:
        times: Shape (T,), datetime64[ns], UTC.
        values: Shape (T, N); NaN where there was no sample.
        labels: Length N.
        lines: Newest first, redacted.
        said: What the server said beside it.
    """

    times: TimeArray
    values: FloatMatrix
    labels: tuple[dict[str, str], ...] = ()
    lines: tuple[Line, ...] = ()
    said: str = ""


def question(language: Language, text: str, window: Window, interval: float, *, instant: bool = False) -> Question:
    """Return a query on the grid that Grafana asks for: at multiples of the interval, within the server's limit."""
    start, end = window.start.timestamp(), window.end.timestamp()
    if instant:
        return Question(language, text, end, 1.0, 1)
    step = max(interval, math.ceil((end - start) / MAX_INTERVALS))
    first = math.floor(start / step) * step
    return Question(language, text, first, step, math.floor((end - first) / step) + 1)


class Live:
    """A Prometheus and a Loki, as far as each is configured."""

    def __init__(self, ask: PreviewAsk) -> None:
        self._connections = {"PromQL": ask.prometheus, "LogQL": ask.loki}
        self._sessions = {k: session_for(c, pool=CONCURRENCY) for k, c in self._connections.items() if c.url}
        self._deadline = ask.deadline

    def can(self, language: Language) -> bool:
        """Return whether there is a server for this language."""
        return language in self._sessions

    @property
    def source(self) -> str:
        """Who is asked, without the name and password that an address may hold."""
        return " and ".join(f"{_NAMES[k]} at {_shown(self._connections[k])}" for k in _NAMES if self.can(k))

    def label_values(self, selector: str, label: str, window: Window) -> list[str]:
        """Return the values of a label of Prometheus' series, sorted.

        Raises:
            SourceError: They could not be had.
        """
        params = {"start": f"{window.start.timestamp():.3f}", "end": f"{window.end.timestamp():.3f}"}
        path = f"/api/v1/label/{label}/values"
        status, body = self._fetch("PromQL", path, f"values of {label}", params=params | _matching(selector))
        found = _json(body) if status == 200 else None
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, list):
            raise SourceError("Prometheus refused", where={"query": selector, "said": f"{status} {_said(body)}"})
        return sorted(str(text) for text in data)

    def answers(
        self, questions: Sequence[Question], progress: Callable[[int, int], None]
    ) -> dict[Question, Answer | ObskitError]:
        """Send all at once; an error takes the place of what was refused or is late.

        Args:
            questions: Each once, and only what `can` be asked.
            progress: Told how many of them are done.
        """
        pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="obskit-preview")
        futures = {pool.submit(self._answer, one): one for one in questions}
        open_ones: set[Future[Answer]] = set(futures)
        told = 0
        while open_ones and (left := self._deadline - time.monotonic()) > 0:
            open_ones = wait(open_ones, timeout=min(left, _TICK)).not_done
            if len(futures) - len(open_ones) > told:
                told = len(futures) - len(open_ones)
                progress(told, len(futures))
        pool.shutdown(wait=False, cancel_futures=True)
        return {one: _outcome(future, one) for future, one in futures.items()}

    def _answer(self, one: Question) -> Answer:
        end = one.start + one.step * (one.points - 1)
        data = {"query": one.text, "step": f"{one.step:g}"}
        if one.language == "LogQL":
            # The end of a range of lines does not belong to it, and Grafana shows the newest.
            data |= {"start": str(round(one.start * 1e9)), "end": str(round(end * 1e9) + 1)}
            data |= {"limit": str(MOST_LINES), "direction": "backward"}
        else:
            data |= {"start": f"{one.start:.3f}", "end": f"{end:.3f}"}
        status, body = self._fetch(one.language, _PATHS[one.language], one.text, data=data)
        name = _NAMES[one.language]
        if status != 200:
            raise SourceError(f"{name} refused the query", where={"query": one.text, "said": f"{status} {_said(body)}"})
        if one.language == "LogQL" and (streams := _streams(body)) is not None:
            return Answer(times=one.grid.times[:0], values=np.empty((0, 0)), lines=_lines(streams))
        try:
            found = decode_range(body, one.start, one.step, one.points)
        except NotAnAnswerError as error:
            where = {"query": one.text, "said": _said(body)}
            raise SourceError(f"{name}'s answer cannot be read: {error}", where=where) from error
        said = [*found.warnings, *(["native histograms were passed over"] if found.histograms else [])]
        return Answer(
            times=one.grid.times, values=found.values, labels=found.labels, said=server_words("; ".join(said))
        )

    def _fetch(
        self, language: Language, path: str, query: str, *, params: Params | None = None, data: Params | None = None
    ) -> tuple[int, bytes]:
        connection = self._connections[language]
        return fetch(
            self._sessions[language],
            connection.url.rstrip("/") + path,
            name=_NAMES[language],
            deadline=self._deadline,
            timeout=connection.timeout_seconds,
            params=params,
            data=data,
            query=query,
        )


def _outcome(future: Future[Answer], one: Question) -> Answer | ObskitError:
    if not future.done() or future.cancelled():
        return SourceError(f"{_NAMES[one.language]} did not answer before the deadline")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, ObskitError):
        return error
    raise error


def _shown(connection: Connection) -> str:
    return shown(connection.url).partition("?")[0]


def _matching(selector: str) -> dict[str, str]:
    return {"match[]": selector} if selector else {}


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _said(body: bytes) -> str:
    """Return a server's own words: the error of its JSON, or the beginning of its text."""
    found = _json(body)
    if isinstance(found, dict) and found.get("error"):
        return server_words(f"{found.get('errorType', '')}: {found['error']}".removeprefix(": "))
    return server_words(body)


def _streams(body: bytes) -> list[Any] | None:
    """Return the streams of an answer; None when it is none of lines."""
    found = _json(body)
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, dict) or data.get("resultType") != "streams" or not isinstance(data.get("result"), list):
        return None
    return list(data["result"])


def _lines(streams: Iterable[Any]) -> tuple[Line, ...]:
    found: list[Line] = []
    try:
        for stream in streams:
            labels = {str(k): str(v) for k, v in stream["stream"].items()}
            source = " ".join(filter(None, (_first(labels, SERVICE_LABELS), _first(labels, TASK_LABELS)[-12:])))
            level = _first(labels, LEVEL_LABELS).lower()
            found += [Line(time_ns=int(v[0]), source=source, level=level, text=str(v[1])) for v in stream["values"]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise SourceError("what answers is not Loki", where={"said": "lines that are no streams"}) from error
    newest = sorted(found, key=lambda line: (-line.time_ns, line.source, line.text))[:MOST_LINES]
    return tuple(Line(time_ns=n.time_ns, source=n.source, level=n.level, text=redact(n.text)) for n in newest)


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
