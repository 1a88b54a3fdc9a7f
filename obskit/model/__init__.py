"""The nouns of obskit. Frozen values; this package imports nothing else of obskit.

Times are UTC. Arrays of times are ``datetime64[ns]``; single times are aware ``datetime``s.
Units are base units: ``seconds``, ``bytes``, ``ratio`` (0 to 1), ``per_second``, ``count``.
A NaN means "no sample"; nothing is ever filled with zero.
"""

from __future__ import annotations

from obskit.model.asked import (
    Service,
    Signal,
    Threshold,
    Variant,
    Window,
)
from obskit.model.judged import (
    Claim,
    Culprit,
    Diagnosis,
    Finding,
    Hypothesis,
    Judgement,
    LogTemplate,
    NextQuery,
    Step,
)
from obskit.model.seen import (
    Event,
    Gap,
    Logs,
    Metrics,
    Series,
    Telemetry,
)
from obskit.model.words import (
    DATABASE,
    LOG_VOLUME,
    Direction,
    FloatMatrix,
    Labels,
    Pillar,
    TimeArray,
    Unit,
    nanoseconds,
    stamp,
    utc,
)

__all__ = [
    "DATABASE",
    "LOG_VOLUME",
    "Claim",
    "Culprit",
    "Diagnosis",
    "Direction",
    "Event",
    "Finding",
    "FloatMatrix",
    "Gap",
    "Hypothesis",
    "Judgement",
    "Labels",
    "LogTemplate",
    "Logs",
    "Metrics",
    "NextQuery",
    "Pillar",
    "Series",
    "Service",
    "Signal",
    "Step",
    "Telemetry",
    "Threshold",
    "TimeArray",
    "Unit",
    "Variant",
    "Window",
    "nanoseconds",
    "stamp",
    "utc",
]
