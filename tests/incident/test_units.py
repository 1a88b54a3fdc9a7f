"""Rules of how numbers are said."""

from __future__ import annotations

import math

import pytest

from obskit.incident.units import humanize, percent
from obskit.model import Unit


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (4.824, "seconds", "4.82 s"),
        (0.1, "seconds", "0.1 s"),
        (0.0123, "seconds", "12.3 ms"),
        (0.0, "seconds", "0 s"),
        (512.0, "bytes", "512 B"),
        (1536.0, "bytes", "1.5 KiB"),
        (1.5 * 1024**3, "bytes", "1.5 GiB"),
        (0.934, "ratio", "93.4 %"),
        (1.0, "ratio", "100 %"),
        (12.34, "per_second", "12.3/s"),
        (1234.0, "count", "1234"),
        (7.0, "count", "7"),
        (-0.25, "seconds", "-0.25 s"),
        (-1e-12, "ratio", "0 %"),
        (math.nan, "seconds", "no data"),
        (math.inf, "count", "no data"),
    ],
)
def test_a_number_has_three_digits_and_its_unit(value: float, unit: Unit, said: str) -> None:
    """Milliseconds below a tenth of a second, binary prefixes, percent; no exponent, no signed zero."""
    assert humanize(value, unit) == said


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (0.004, "<1 %"), (0.934, "93 %"), (0.999, "99 %"), (1.0, "100 %"), (float("nan"), "? %")],
)
def test_a_share_is_neither_nothing_nor_certain_by_rounding(share: float, words: str) -> None:
    """A small share is not 0 %, and only all is 100 %."""
    assert words == percent(share)
