"""Answers that are kept for some seconds, in each worker for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from . import metrics

Value = TypeVar("Value")


class TtlCache:
    """A small cache whose entries are forgotten after a time.

    Args:
        seconds: How long an entry is good; 0 keeps nothing.
        most: Entries; beyond, the oldest are forgotten.
        clock: Seconds that never go back.
    """

    def __init__(self, seconds: float, *, most: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._entries: dict[Hashable, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """Return the entry, or what `load` returns; what it raises is kept by nobody.

        Several threads may load the same entry at once: none waits for another's query.
        """
        now = self._clock()
        with self._lock:
            good_until, value = self._entries.get(key, (0.0, None))
        if now < good_until:
            metrics.CACHE.labels("hit").inc()
            return cast("Value", value)
        metrics.CACHE.labels("miss").inc()
        loaded = load()
        if self._seconds:
            with self._lock:
                # Taken out first, so that the order of the dictionary is that of age.
                self._entries.pop(key, None)
                self._entries[key] = (now + self._seconds, loaded)
                while len(self._entries) > self._most:
                    del self._entries[next(iter(self._entries))]
        return loaded

    def forget(self, key: Hashable) -> None:
        """Drop an entry that has become wrong; other workers keep theirs until its time is over."""
        with self._lock:
            self._entries.pop(key, None)
