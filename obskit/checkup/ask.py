"""Asks Prometheus and Loki: single numbers and stretches of them, under one deadline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

import numpy as np

from obskit.checkup.judge import Floats
from obskit.errors import ObskitError, SourceError
from obskit.model import Labels
from obskit.settings import Connection, Settings

T = TypeVar("T")

#: Questions under way at once: a Prometheus runs 20 by default, and people ask it too.
CONCURRENCY = 8
#: An answer about every series of a large fleet is some MiB; beyond this somebody is lying.
MAX_ANSWER_BYTES = 32 * 1024 * 1024

_PATHS: Mapping[str, str] = {"Prometheus": "/api/v1", "Loki": "/loki/api/v1"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One series' value: its labels without the metric's name, sorted."""

    labels: Labels
    value: float


class Server:
    """One Prometheus or Loki; both answer metric queries in the same shape.

    Args:
        name: Which of the two.
        connection: Where it is, and as whom.
        deadline: ``time.monotonic()`` after which nothing is waited for.
    """

    def __init__(self, name: Literal["Prometheus", "Loki"], connection: Connection, deadline: float) -> None:
        from obskit.sources.http import session_for
        from obskit.sources.http_words import shown

        self.name, self.deadline = name, deadline
        self._connection = connection
        self._base = connection.url.rstrip("/") + _PATHS[name]
        self._shown = shown(self._base)
        self._session = session_for(connection, pool=CONCURRENCY)

    def now(self, query: str, at: float) -> tuple[Reading, ...]:
        """Return what a query answers at a moment (epoch seconds), sorted by labels; what is no number is left out.

        Raises:
            SourceError: It could not be asked, or refused.
        """
        found = self._result("query", {"query": query, "time": f"{at:.3f}"}, query)
        try:
            readings = [Reading(_labels(row["metric"]), float(row["value"][1])) for row in found]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise self._unreadable(query) from error
        return tuple(sorted((r for r in readings if math.isfinite(r.value)), key=lambda r: r.labels))

    def stretch(self, query: str, start: float, end: float, step: float) -> Mapping[Labels, tuple[Floats, Floats]]:
        """Return times (epoch seconds) and values of each series between two moments.

        Raises:
            SourceError: It could not be asked, or refused.
        """
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        found = self._result("query_range", asked, query)
        try:
            return {
                _labels(row["metric"]): (
                    np.array([float(at) for at, _ in row["values"]]),
                    np.array([float(value) for _, value in row["values"]]),
                )
                for row in found
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._unreadable(query) from error

    def _result(self, path: str, asked: Mapping[str, str], query: str) -> list[Any]:
        import orjson

        from obskit.sources.http import fetch, server_words

        status, body = fetch(
            self._session,
            f"{self._base}/{path}",
            name=self.name,
            deadline=self.deadline,
            timeout=self._connection.timeout_seconds,
            data=asked,
            query=query,
            max_bytes=MAX_ANSWER_BYTES,
        )
        where = {"at": self._shown, "query": query}
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if status != 200:
            said = answer.get("error") if isinstance(answer, dict) else None
            words = server_words(str(said) if said else body)
            raise SourceError(f"{self.name} refused a query", where={**where, "said": f"{status} {words}".rstrip()})
        data = answer.get("data") if isinstance(answer, dict) else None
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(result, list):
            raise SourceError(f"what answers is not {self.name}", where={**where, "said": server_words(body)})
        return result

    def _unreadable(self, query: str) -> SourceError:
        return SourceError(f"{self.name}'s answer cannot be read", where={"at": self._shown, "query": query})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whom a round can ask, and until when.

    Attributes:
        settings: Label names, Grafana's and AWS' configuration.
        at: When the round is made, UTC.
        deadline: ``time.monotonic()``.
        prometheus, loki: None where they are not configured.
        metrics: Names of the metrics that Prometheus holds.
    """

    settings: Settings
    at: datetime
    deadline: float
    prometheus: Server | None = None
    loki: Server | None = None
    metrics: frozenset[str] = frozenset()

    @property
    def epoch(self) -> float:
        """When the round is made, epoch seconds."""
        return self.at.timestamp()


def connected(settings: Settings, at: datetime, deadline: float) -> Access:
    """Return the access that the settings give; nothing is asked yet.

    Raises:
        SettingsError: A connection cannot be used.
    """
    return Access(
        settings=settings,
        at=at,
        deadline=deadline,
        prometheus=Server("Prometheus", settings.prometheus, deadline) if settings.prometheus.url else None,
        loki=Server("Loki", settings.loki, deadline) if settings.loki.url else None,
    )


def each(work: Sequence[Callable[[], T]], tell: Callable[[int], None]) -> list[T | Exception]:
    """Do everything, eight at once, and return what each brought: its answer, or what it failed with.

    Args:
        work: Each keeps the deadline itself.
        tell: Is told how many are done.

    Raises:
        Exception: What is neither an `ObskitError` nor an `AwsFailure`: a bug.
    """
    from obskit.sources.aws_client import AwsFailure

    def one(task: Callable[[], T]) -> T | Exception:
        try:
            return task()
        except (ObskitError, AwsFailure) as error:
            return error

    found: list[T | Exception] = []
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for brought in pool.map(one, work):
            found.append(brought)
            tell(len(found))
    return found


def why(error: Exception) -> str:
    """Return an error on one line: what went wrong and what the other side said, without a secret."""
    from obskit.escape import clean, cut
    from obskit.redact import redact

    said = error.where.get("said", "") if isinstance(error, ObskitError) else ""
    what = error.what if isinstance(error, ObskitError) else str(error)
    return cut(clean(redact(f"{what}: {said}" if said else what)), 240)


def _labels(metric: Mapping[str, str]) -> Labels:
    return tuple(sorted((str(k), str(v)) for k, v in metric.items() if k != "__name__"))
