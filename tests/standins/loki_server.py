"""A Loki to push a test's lines to, and to ask through obskit: a stand-in or a real one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

from obskit.model import Service, Telemetry, Window, utc
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.loki import LokiSource

SECOND = 1_000_000_000
#: Ten minutes, a while ago: a real Loki takes neither old lines nor such from the future.
START = int(time.time()) // 600 * 600 - 1800
WINDOW = Window(start=utc(START * SECOND), end=utc((START + 600) * SECOND))

Row = tuple[float, str]


@dataclass(frozen=True)
class Server:
    """A Loki to test against, and a cluster name that nobody else uses."""

    url: str
    cluster: str

    def push(self, labels: Mapping[str, str], rows: Sequence[Row], metadata: Mapping[str, str] | None = None) -> None:
        """Push lines, ``(seconds after START, line)``, to one stream of this test's cluster."""
        extra = [dict(metadata)] if metadata else []
        values = [[str(START * SECOND + round(at * SECOND)), line, *extra] for at, line in rows]
        body = {"streams": [{"stream": {"cluster": self.cluster, **labels}, "values": values}]}
        requests.post(f"{self.url}/loki/api/v1/push", json=body, timeout=10).raise_for_status()

    def ask(
        self, service: str = "shop-api", *, max_lines: int = 60_000, cluster: str | None = None, seconds: float = 20
    ) -> Telemetry:
        """Ask for a service of this test's cluster."""
        source = LokiSource(Connection(url=self.url, timeout_seconds=10), max_lines=max_lines)
        whom = Service(name=service, cluster=self.cluster if cluster is None else cluster)
        return source.answer(Ask(service=whom, window=WINDOW, deadline=time.monotonic() + seconds))


def column(answer: Telemetry, signal: str, service: str) -> list[float]:
    """Return one column of the metrics as numbers of lines a bucket."""
    found = [i for i, s in enumerate(answer.metrics.series) if (s.signal, s.service) == (signal, service)]
    assert len(found) == 1
    return [round(float(value), 6) for value in answer.metrics.values[:, found[0]] * 10]


def reasons(answer: Telemetry) -> str:
    """Return all gaps as one text."""
    return "\n".join(f"{gap.query}: {gap.reason}" for gap in answer.gaps)


def some(number: int, words: str, *, start: float = 0.0, end: float = 600.0) -> list[Row]:
    """Return rows that lie evenly in a stretch."""
    step = (end - start) / number
    return [(start + (i + 0.5) * step, f"{words} {i}") for i in range(number)]
