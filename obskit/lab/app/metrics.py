"""What is measured, in the words of OpenTelemetry's semantic conventions, and the answer to a scrape.

With several workers each of them leaves its numbers in files of one folder (`settings.share_metrics`), and
whichever worker is scraped adds them up. Gauges count living workers only. The files are named by the place that a
worker has, not by its process: who takes the place of one that ended counts on in its files, so that there are never
more of them than places, however many workers have ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from .settings import shared_metrics

REGISTRY: Final = CollectorRegistry()


class _Author:
    """Whose files a process writes: its own until it has a place.

    Attributes:
        place: Its number; None before.
    """

    def __init__(self) -> None:
        self.place: int | None = None

    def __call__(self) -> str:
        return str(os.getpid()) if self.place is None else _name(self.place)


def _name(place: int) -> str:
    return f"worker-{place}"


_AUTHOR: Final = _Author()
if shared_metrics():  # before the first metric is made
    values.ValueClass = values.MultiProcessValue(_AUTHOR)  # type: ignore[no-untyped-call]

#: Seconds; the bounds that OpenTelemetry advises for HTTP and databases, finer at the lower end for queries.
_HTTP_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_DATABASE_BOUNDS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

REQUESTS: Final = Histogram(
    "http_server_request_duration_seconds",
    "Time from a request's arrival to the end of its answer.",
    ("http_request_method", "http_route", "http_response_status_code"),
    buckets=_HTTP_BOUNDS,
    registry=REGISTRY,
)
IN_FLIGHT: Final = Gauge(
    "http_server_active_requests",
    "Requests that were begun and not answered yet.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CALLS: Final = Histogram(
    "http_client_request_duration_seconds",
    "Time of calls to other services; without an answer there is no status.",
    ("http_request_method", "server_address", "http_response_status_code", "error_type"),
    buckets=_HTTP_BOUNDS,
    registry=REGISTRY,
)

_POOL: Final = ("db_client_connection_pool_name",)
POOL_CONNECTIONS: Final = Gauge(
    "db_client_connection_count",
    "Connections of the pool, in use or idle.",
    (*_POOL, "db_client_connection_state"),
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
POOL_MAX: Final = Gauge(
    "db_client_connection_max",
    "The most connections that the pool opens.",
    _POOL,
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
POOL_WAITING: Final = Gauge(
    "db_client_connection_pending_requests",
    "Requests that have no connection yet.",
    _POOL,
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
POOL_TIMEOUTS: Final = Counter(
    "db_client_connection_timeouts", "Requests that gave up waiting for a connection.", _POOL, registry=REGISTRY
)
POOL_WAIT: Final = Histogram(
    "db_client_connection_wait_time_seconds",
    "Time to get a connection from the pool.",
    _POOL,
    buckets=_DATABASE_BOUNDS,
    registry=REGISTRY,
)
QUERIES: Final = Histogram(
    "db_client_operation_duration_seconds",
    "Time of database operations.",
    ("db_system_name", "db_operation_name"),
    buckets=_DATABASE_BOUNDS,
    registry=REGISTRY,
)
DATABASE_ERRORS: Final = Counter("db_errors", "Errors of the database client, by kind.", ("type",), registry=REGISTRY)

CACHE: Final = Counter("cache_requests", "Look-ups in the cache.", ("result",), registry=REGISTRY)
ORDERS: Final = Counter("shop_orders", "Orders by what became of them.", ("outcome",), registry=REGISTRY)

THREADS_BUSY: Final = Gauge(
    "worker_threads_busy",
    "Threads that work on requests.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
THREADS_MAX: Final = Gauge(
    "worker_threads_max", "Threads there are for requests.", registry=REGISTRY, multiprocess_mode="livesum"
)
LOOP_LAG: Final = Gauge(
    "python_event_loop_lag_seconds",
    "How late the event loop of the slowest worker is.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
COLLECTIONS: Final = Counter("python_gc_collections", "Garbage collections.", ("generation",), registry=REGISTRY)
BUILD: Final = Gauge(
    "app_build_info",
    "Which program this is; always 1.",
    ("role", "version"),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)


def render(*further: Collector) -> bytes:
    """Return all metrics in Prometheus' text format.

    Args:
        further: Collectors that ask at the moment of the scrape.
    """
    registry = CollectorRegistry()
    folder = shared_metrics()
    registry.register(_All(Path(folder)) if folder else _Own())
    for collector in further:
        registry.register(collector)
    return generate_latest(registry)


class _All(Collector):
    """What all workers have measured, living and dead.

    Args:
        folder: Where they leave it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return it; a file that a worker has only just opened is empty, and cannot be read yet."""
        files = [str(path) for path in self._folder.glob("*.db") if _size(path)]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return metrics


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # of a worker that ended just now
        return 0


class _Own(Collector):
    """What this process alone has measured."""

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return REGISTRY.collect()


def take_place(place: int) -> None:
    """From now on write the files of a place, which is this process's alone; counters go on from where they were."""
    forget(place)
    _AUTHOR.place = place


def forget(place: int) -> None:
    """Take whoever had a place out of the gauges; what it counted stays counted."""
    folder = shared_metrics()
    if folder and Path(folder).is_dir():
        mark_process_dead(_name(place), path=folder)  # type: ignore[no-untyped-call]
