"""Numbers as a person reads them: three significant digits and always a unit."""

from __future__ import annotations

import math
from typing import Literal

from obskit.model import Unit


def _digits(value: float) -> str:
    """Return three significant digits without an exponent; what rounds to zero has no sign."""
    if abs(value) < 5e-10:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(places, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def humanize(value: float, unit: Unit | Literal[""]) -> str:
    """Return the value with its unit: ``4.82 s``, ``12 ms``, ``1.5 GiB``, ``93 %``, ``3 MiB/s``.

    Args:
        value: In the base unit; NaN gives "no data".
        unit: One of the base units, or "" for a bare number.
    """
    if not math.isfinite(value):
        return "no data"
    if unit == "seconds":
        return f"{_digits(value * 1000)} ms" if 0 < abs(value) < 0.1 else f"{_digits(value)} s"
    if unit == "bytes":
        power = 0 if abs(value) < 1024 else min(4, int(math.log(abs(value), 1024)))
        return f"{_digits(value / 1024**power)} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
    if unit == "bytes_per_second":
        return f"{humanize(value, 'bytes')}/s"
    if unit == "ratio":
        return f"{_digits(value * 100)} %"
    return f"{_digits(value)}/s" if unit == "per_second" else _digits(value)


def percent(share: float) -> str:
    """Return ``93 %``; below one percent ``<1 %``, and never ``100 %`` for less than all."""
    if not math.isfinite(share):
        return "? %"
    if 0 < share < 0.01:
        return "<1 %"
    return f"{math.floor(share * 100) if share > 0.99 else round(share * 100)} %"
