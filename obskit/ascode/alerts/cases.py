"""Tests of alerts: which series make one fire, and which leave it quiet.

A file ``alerts/tests/TOPIC.tests.py`` defines ``TESTS``. `around` is the usual one: said how a
value of the signal looks in series, it stands for tests just beyond and just within the
threshold, before and after the holding time, and without any series. They are run by
``promtool test rules``, in its own format; see `obskit.ascode.alerts.promtool`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from obskit.ascode.alerts.rule import number

SUFFIX = ".tests.py"
#: How often series have a sample in tests; rules are evaluated as often as those that are built.
INTERVAL_SECONDS = 15
#: Samples that a series of a test has by default: eight hours.
SAMPLES = 8 * 3600 // INTERVAL_SECONDS

Series = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test, or with *drive* the tests around a threshold.

    Attributes:
        alert: Its name.
        expect: ``fires`` or ``quiet``; ``around`` for both.
        why: What the test shows.
        series: Series in promtool's notation: ``{'up{service="shop"}': "1x100"}``.
        at: When it is looked at, after the first sample.
        labels: Labels that the firing alert has.
        drive: From a value of the signal to the series that give it.
        bad, good, far: Values of the signal just beyond, just within and far beyond the
            threshold, where those that are derived do not fit.
    """

    alert: str
    expect: Literal["fires", "quiet", "around"]
    why: str = ""
    series: Series = field(default_factory=dict)
    at: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    drive: Callable[[float], Series] | None = None
    bad: float | None = None
    good: float | None = None
    far: float | None = None


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """One file of tests."""

    name: str
    path: Path
    source: str
    cases: tuple[Case, ...]


def around(
    alert: str,
    drive: Callable[[float], Series],
    *,
    labels: Mapping[str, str] | None = None,
    bad: float | None = None,
    good: float | None = None,
    far: float | None = None,
) -> Case:
    """Return the usual tests of an alert.

    Args:
        alert: Its name.
        drive: From a value of the rule's signal to series in promtool's notation that give it.
        labels: Labels that the firing alert must have.
        bad, good: Values just beyond and just within the threshold; by default 5 % off it.
        far: A value far beyond it, that a rate shows within a minute; by default twenty times it.
    """
    found = tuple(sorted((labels or {}).items()))
    return Case(alert=alert, expect="around", drive=drive, labels=found, bad=bad, good=good, far=far)


def fires(alert: str, series: Series, *, at: str, why: str, labels: Mapping[str, str] | None = None) -> Case:
    """Return a test that the alert fires at a time."""
    return Case(
        alert=alert, expect="fires", series=series, at=at, why=why, labels=tuple(sorted((labels or {}).items()))
    )


def quiet(alert: str, series: Series, *, at: str, why: str) -> Case:
    """Return a test that the alert does not fire at a time."""
    return Case(alert=alert, expect="quiet", series=series, at=at, why=why)


def steady(value: float) -> str:
    """Return a gauge that stays as it is, in promtool's notation."""
    return f"{number(value)}x{SAMPLES}"


def counting(per_second: float) -> str:
    """Return a counter that grows by so much a second, in promtool's notation."""
    return f"0+{number(per_second * INTERVAL_SECONDS)}x{SAMPLES}"


def changing(start: float, per_second: float) -> str:
    """Return a gauge that moves by so much a second from a start, in promtool's notation."""
    step = per_second * INTERVAL_SECONDS
    return f"{number(start)}{'-' if step < 0 else '+'}{number(abs(step))}x{SAMPLES}"
