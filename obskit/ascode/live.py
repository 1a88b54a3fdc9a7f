"""A live Prometheus, as checks of dashboards ask it: what is there, and what a query costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from obskit.errors import SourceError, UsageError
from obskit.settings import Connection

#: Queries under way at once: a Prometheus runs 20 by default, and people ask it too.
CONCURRENCY = 8
#: After which the checks no longer wait, seconds.
DEADLINE_SECONDS = 120.0
#: Steps of the hour that a query is run over: about what a panel of a dashboard draws.
STEPS = 240
WINDOW_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a range query over the last hour.

    Attributes:
        series: How many the answer has.
        samples: How many samples Prometheus looked at; 0 where it does not say.
        seconds: How long it took, the network included.
        refused: The server's own words where it refused.
    """

    series: int = 0
    samples: int = 0
    seconds: float = 0.0
    refused: str = ""


class LivePrometheus:
    """Asks one server; what it said once is not asked again.

    Args:
        connection: Where it is, and as whom.
        now: The end of the hour, epoch seconds.
        deadline_seconds: After which nothing is waited for.
    """

    def __init__(self, connection: Connection, *, now: float, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        from obskit.sources.http import session_for
        from obskit.sources.http_words import shown

        if not connection.url:
            raise UsageError("no Prometheus is named", hint="--prometheus http://host:9090")
        self._connection = connection
        self._shown = shown(connection.url)
        self._session = session_for(connection, pool=CONCURRENCY)
        self._now = now
        self._deadline = time.monotonic() + deadline_seconds
        self._names: frozenset[str] | None = None
        self._labels: dict[str, frozenset[str]] = {}
        self._ran: dict[str, Ran] = {}

    def metric_names(self) -> frozenset[str]:
        """Return the names of all metrics that it holds.

        Prometheus leaves the hour out of account for what is still in its head block: a metric
        that ended two hours ago may be among them.

        Raises:
            SourceError: It could not be asked.
        """
        if self._names is None:
            self._names = frozenset(self._data("/api/v1/label/__name__/values", self._hour()))
        return self._names

    def labels_of(self, metrics: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return the label names that each metric's series carry.

        Raises:
            SourceError: It could not be asked.
        """
        new = [metric for metric in dict.fromkeys(metrics) if metric not in self._labels]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            found = pool.map(lambda m: self._data("/api/v1/labels", {"match[]": _named(m), **self._hour()}), new)
            self._labels |= {metric: frozenset(labels) for metric, labels in zip(new, found, strict=True)}
        return self._labels

    def run(self, queries: Iterable[str]) -> Mapping[str, Ran]:
        """Run each query over the hour.

        Raises:
            SourceError: It could not be asked. A query that it refuses is no such error.
        """
        new = [query for query in dict.fromkeys(queries) if query not in self._ran]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            self._ran |= dict(zip(new, pool.map(self._run, new), strict=True))
        return self._ran

    def _run(self, query: str) -> Ran:
        step = WINDOW_SECONDS // STEPS
        begun = time.monotonic()
        body = self._fetch(
            "/api/v1/query_range", {"query": query, "step": str(step), "stats": "all", **self._hour()}, query
        )
        seconds = time.monotonic() - begun
        if body.get("status") != "success":
            from obskit.sources.http import server_words

            return Ran(seconds=seconds, refused=server_words(str(body.get("error", "it does not say why"))))
        data = body.get("data") or {}
        samples = ((data.get("stats") or {}).get("samples") or {}).get("totalQueryableSamples", 0)
        return Ran(series=len(data.get("result") or ()), samples=int(samples), seconds=seconds)

    def _data(self, path: str, params: dict[str, str]) -> list[str]:
        body = self._fetch(path, params, params.get("match[]", ""))
        data = body.get("data")
        if body.get("status") != "success" or not isinstance(data, list):
            from obskit.sources.http import server_words

            raise SourceError(
                "Prometheus refused to list what it has",
                where={"at": self._shown + path, "said": server_words(str(body.get("error", "")))},
                hint="run: obskit doctor",
            )
        return [str(item) for item in data]

    def _fetch(self, path: str, params: dict[str, str], query: str) -> dict[str, Any]:
        import orjson

        from obskit.sources.http import fetch, server_words

        status, body = fetch(
            self._session,
            f"{self._connection.url}{path}",
            name="Prometheus",
            deadline=self._deadline,
            timeout=self._connection.timeout_seconds,
            data=params if path.endswith("query_range") else None,
            params=None if path.endswith("query_range") else params,
            query=query,
        )
        try:
            answer = orjson.loads(body)
            if isinstance(answer, dict) and "status" in answer:
                return answer
        except orjson.JSONDecodeError:
            pass
        raise SourceError(
            "what answers is not Prometheus",
            where={"at": self._shown + path, "said": f"{status} {server_words(body)}"},
            hint="correct the address",
        )

    def _hour(self) -> dict[str, str]:
        return {"start": f"{self._now - WINDOW_SECONDS:.3f}", "end": f"{self._now:.3f}"}


def _named(metric: str) -> str:
    from obskit.catalogue import quoted

    return f"{{__name__={quoted(metric)}}}"
