"""The types and units that every noun uses, and the one way to write a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Unit = Literal["seconds", "bytes", "ratio", "per_second", "bytes_per_second", "count"]
Direction = Literal["up", "down", "both"]
Pillar = Literal["metrics", "logs", "events"]
PILLARS: tuple[Pillar, ...] = get_args(Pillar)
Verdict = Literal["cause_found", "possible", "no_clear_cause", "calm"]
#: The kinds of evidence that make a service suspect where no cause fits.
Part = Literal["resources", "latency", "errors", "other", "withheld", "waits", "logs", "change", "path"]
FloatMatrix = npt.NDArray[np.float64]
TimeArray = npt.NDArray[np.datetime64]
Labels = tuple[tuple[str, str], ...]

#: The name that a database takes in findings and culprits, whatever its exporter calls it.
DATABASE = "database"

#: What a finding about all lines of a service is about.
LOG_VOLUME = "log volume"


def utc(nanoseconds: int) -> datetime:
    """Return nanoseconds since the epoch as an aware datetime (microsecond resolution)."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)


def nanoseconds(moment: datetime) -> int:
    """Return an aware datetime as nanoseconds since the epoch."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def stamp(moment: datetime) -> str:
    """Return ``2026-01-31T03:12:00Z``: UTC, whole seconds, the one way obskit prints a time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
