"""How a panel says that its numbers shall look: unit, thresholds, axis, mappings, legend."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from obskit.ascode.definition import Model
from obskit.ascode.interpolate import Values, in_prose
from obskit.incident.units import humanize
from obskit.model import Unit

#: Grafana's unit -> obskit's, and the factor to it.
_BASE: Mapping[str, tuple[Unit, float]] = {
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "percentunit": ("ratio", 1.0),
    "percent": ("ratio", 0.01),
    "bytes": ("bytes", 1.0),
    "decbytes": ("bytes", 1.0),
    "binBps": ("bytes_per_second", 1.0),
    "Bps": ("bytes_per_second", 1.0),
}
#: Rates of something countable, with what Grafana writes behind the number.
_RATES = {"cps": "c/s", "ops": "ops/s", "reqps": "req/s", "rps": "rd/s", "wps": "wr/s", "iops": "io/s", "eps": "evt/s"}
#: Grafana's custom units: kind -> how number and text are put together; ``count`` is a scaled number.
_CUSTOM = {"count": "{} {}", "suffix": "{}{}", "prefix": "{1}{0}"}
#: Units of Grafana that say nothing beside a number.
BARE = ("", "short", "none", "string", "locale")
#: What each of obskit's units may be shown in; anything else is another quantity.
_SHOWN_IN: Mapping[Unit, frozenset[str]] = {
    "seconds": frozenset({"s", "ms"}),
    "ratio": frozenset({"percentunit"}),
    "bytes": frozenset({"bytes", "decbytes"}),
    "bytes_per_second": frozenset({"binBps", "Bps"}),
    "per_second": frozenset({*_RATES, *BARE, "count:/s"}),
    "count": frozenset({*BARE, "dateTimeAsIso", "bool"}),
}
#: Grafana's colours by hue; shades of one are not told apart.
_HUES = ("red", "orange", "yellow", "green", "blue", "purple")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_LABEL = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From *value* on the colour holds: a CSS colour, made of nothing that the dashboard wrote."""

    value: float
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A panel's field configuration and options, as far as a preview draws them.

    Attributes:
        unit: Grafana's id.
        low, high: Of the axis; NaN where the data decides.
        steps: Thresholds by value; the first begins at minus infinity.
        lines: Whether they are drawn across a chart.
        background: Whether a number's whole panel takes the colour.
        calc: What makes one number of a line.
        mappings: ``(from, to, text, colour)``.
        no_value: What Grafana writes where there is no number.
        stacked: Whether Grafana would stack the lines.
    """

    unit: str
    low: float
    high: float
    steps: tuple[Step, ...]
    lines: bool
    background: bool
    calc: str
    mappings: tuple[tuple[float, float, str, str], ...]
    no_value: str
    stacked: bool

    def words(self, value: float) -> str:
        """Return a value as the panel shows it."""
        mapped = self._mapped(value)
        return mapped[2] if mapped and mapped[2] else words(value, self.unit)

    def colour(self, value: float) -> str:
        """Return the CSS colour that thresholds or mappings give a value; "" where none does."""
        mapped = self._mapped(value)
        if mapped and mapped[3]:
            return mapped[3]
        return next((step.colour for step in reversed(self.steps) if value >= step.value), "")

    def _mapped(self, value: float) -> tuple[float, float, str, str] | None:
        return next((m for m in self.mappings if m[0] <= value <= m[1]), None)


def look_of(panel: Model) -> Look:
    """Read a panel's configuration; what is missing or malformed is as Grafana's default."""
    defaults, options = _dict(_dict(panel.get("fieldConfig")).get("defaults")), _dict(panel.get("options"))
    custom = _dict(defaults.get("custom"))
    low, high = _number(defaults.get("min")), _number(defaults.get("max"))
    style = _dict(custom.get("thresholdsStyle")).get("mode", "off")
    calcs = _dict(options.get("reduceOptions")).get("calcs")
    return Look(
        unit=str(defaults.get("unit") or ""),
        low=low,
        high=high,
        steps=_steps(_dict(defaults.get("thresholds")), low, high),
        lines=style != "off",
        background=str(options.get("colorMode") or "").startswith("background"),
        calc=str(calcs[0]) if isinstance(calcs, list) and calcs else "lastNotNull",
        mappings=tuple(_mappings(defaults.get("mappings"))),
        no_value=str(defaults.get("noValue") or "no data"),
        stacked=_dict(custom.get("stacking")).get("mode", "none") not in ("none", ""),
    )


def words(value: float, unit: str) -> str:
    """Return a value in one of Grafana's units; a unit that is not known is written behind it."""
    if not math.isfinite(value):
        return "no data"
    if unit in _BASE:
        base, factor = _BASE[unit]
        return _time(value * factor) if base == "seconds" else humanize(value * factor, base)
    if unit == "dateTimeAsIso" and abs(value) < 1e14:
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit == "bool":
        return "True" if value else "False"
    number = _short(value)
    kind, colon, text = unit.partition(":")
    if colon and kind in _CUSTOM:
        return _CUSTOM[kind].format(number, text)
    return number if unit in BARE else f"{number} {_RATES.get(unit, unit)}"


def same_unit(panel: Model, unit: Unit) -> bool:
    """Return whether a panel shows a quantity of this base unit, so that recorded numbers fit it."""
    return look_of(panel).unit in _SHOWN_IN[unit]


def legend(form: str, labels: Mapping[str, str], values: Values) -> str:
    """Return a legend with ``{{label}}`` and ``$variables`` filled in; "" where the form leaves it open."""
    if form in ("", "__auto"):
        return ""
    # A label's own text is not looked through for variables.
    parts = _LABEL.split(form)
    filled = (labels.get(part, "") if i % 2 else in_prose(part, values) for i, part in enumerate(parts))
    return " ".join("".join(filled).split())


def css_colour(name: object) -> str:
    """Return a safe CSS colour for one of Grafana's: a hue of the page, or six hexadecimal digits; "" for others."""
    text = str(name or "")
    if _HEX.fullmatch(text):
        return text
    hue = text.rpartition("-")[2]
    return f"var(--{hue})" if hue in _HUES else ""


def _time(seconds: float) -> str:
    """Return seconds, and from a minute on the next larger units, as Grafana does."""
    size = abs(seconds)
    for least, name in ((86_400.0, "days"), (3600.0, "hours"), (60.0, "min")):
        if size >= least:
            return f"{humanize(seconds / least, '')} {name}"
    return humanize(seconds * 1e6, "") + " µs" if 0 < size < 1e-3 else humanize(seconds, "seconds")


def _short(value: float) -> str:
    for least, name in ((1e12, " Tri"), (1e9, " Bil"), (1e6, " Mil"), (1e3, " K")):
        if abs(value) >= least:
            return humanize(value / least, "") + name
    return humanize(value, "")


def _dict(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _number(found: object) -> float:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else math.nan


def _steps(thresholds: Mapping[str, Any], low: float, high: float) -> tuple[Step, ...]:
    found = thresholds.get("steps")
    percent = thresholds.get("mode") == "percentage"
    bottom, top = (0.0 if math.isnan(low) else low), (100.0 if math.isnan(high) else high)
    steps = []
    for number, step in enumerate(found if isinstance(found, list) else ()):
        value = _number(_dict(step).get("value"))
        if percent and math.isfinite(value):
            value = bottom + (top - bottom) * value / 100
        if math.isfinite(value) or number == 0:
            start = value if math.isfinite(value) else -math.inf
            steps.append(Step(value=start, colour=css_colour(_dict(step).get("color"))))
    return tuple(sorted(steps, key=lambda step: step.value))


def _mappings(found: object) -> list[tuple[float, float, str, str]]:
    """Return mappings of single values and of ranges; those of texts and of nothing are passed over."""
    mappings = []
    for mapping in found if isinstance(found, list) else ():
        options = _dict(_dict(mapping).get("options"))
        if _dict(mapping).get("type") == "value":
            for key, result in options.items():
                try:
                    value = float(key)
                except ValueError:
                    continue
                mappings.append((value, value, *_result(result)))
        elif _dict(mapping).get("type") == "range":
            low, high = _number(options.get("from")), _number(options.get("to"))
            bounds = (-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)
            mappings.append((*bounds, *_result(options.get("result"))))
    return mappings


def _result(found: object) -> tuple[str, str]:
    result = _dict(found)
    return str(result.get("text") or ""), css_colour(result.get("color"))
