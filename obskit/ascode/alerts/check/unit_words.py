"""A value brings its own unit.

What it looks for: ``{value}`` followed by a unit or per cent in a summary or description: ``{value} %``,
``{value} seconds``, ``{value}/s``, ``{value} bytes``.

Why: values are written with their unit ("1m 30s", "12.5%", "1.2GiB"). "1m 30s seconds" makes the reader
doubt both.

How to mend it: leave the unit out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem
from obskit.model import Unit

_UNITS: dict[Unit, str] = {
    "seconds": r"s\b|sec\b|seconds?\b|ms\b|milliseconds?\b|minutes?\b|hours?\b",
    "ratio": r"%|per ?cent\b|percent\b",
    "bytes": r"[kKMG]?i?B\b|bytes?\b",
    "bytes_per_second": r"[kKMG]?i?B\b|bytes?\b|/s\b|per second\b|a second\b",
    "per_second": r"/s\b|per second\b|a second\b",
}


def problems(case: Case) -> Iterable[Problem]:
    """Yield each unit that is said twice."""
    for one in case.said:
        unit = _UNITS.get(one.rule.catalogued.unit)
        for field in ("summary", "description") if unit else ():
            found = re.search(rf"\{{value\}}\s*({unit})", getattr(one.rule, field))
            if found:
                yield one.problem(f"its {field} says {found[1]!r} behind a value that brings its unit", field)
