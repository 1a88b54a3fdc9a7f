"""The nouns of obskit. Frozen values; this package imports nothing else of obskit.

How a value shows and plots itself stands in ``obskit.analysis``, which is looked up when that is asked for.
Times are UTC. Arrays of times are ``datetime64[ns]``; single times are aware ``datetime``s.
Units are base units: ``seconds``, ``bytes``, ``ratio`` (0 to 1), ``per_second``,
``bytes_per_second``, ``count``.
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
    Contribution,
    Culprit,
    Diagnosis,
    Finding,
    Hypothesis,
    Judgement,
    LogTemplate,
    NextQuery,
    Step,
    Suspect,
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
    PILLARS,
    Direction,
    FloatMatrix,
    Labels,
    Part,
    Pillar,
    TimeArray,
    Unit,
    Verdict,
    nanoseconds,
    stamp,
    utc,
)

__all__ = [
    "DATABASE",
    "LOG_VOLUME",
    "PILLARS",
    "Claim",
    "Contribution",
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
    "Part",
    "Pillar",
    "Series",
    "Service",
    "Signal",
    "Step",
    "Suspect",
    "Telemetry",
    "Threshold",
    "TimeArray",
    "Unit",
    "Variant",
    "Verdict",
    "Window",
    "nanoseconds",
    "stamp",
    "utc",
]
