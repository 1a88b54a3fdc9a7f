"""What a dashboard's variables stand for: as given, as the dashboard has it, or as Grafana would choose."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence

from obskit.ascode.definition import Definition, Model
from obskit.ascode.interpolate import Value, Values, interpolate
from obskit.errors import SourceError, UsageError
from obskit.model import Window
from obskit.settings_values import nearest

#: What Grafana writes for "all values".
_ALL = ("$__all", "All")
#: Kinds of variables that stand in no query.
_NO_TEXT = ("datasource", "adhoc", "groupby", "system", "switch")
_LABEL_VALUES = re.compile(r"\s*label_values\(\s*(?:(?P<of>.+)\s*,)?\s*(?P<label>[A-Za-z_]\w*)\s*\)\s*", re.DOTALL)
_PATTERN = re.compile(r"/(.*)/[a-z]*", re.DOTALL)
#: Round intervals, in seconds; Grafana takes the nearest.
_ROUND = (
    *(0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400),
)
_DURATION = re.compile(r">?\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

#: Returns the values of a label: ``(selector, label)``.
Labels = Callable[[str, str], Sequence[str]]


def chosen(
    definition: Definition, given: Iterable[tuple[str, str]], labels_of: Labels | None = None
) -> dict[str, Value]:
    """Return what each variable stands for, in the dashboard's order; data sources left out.

    Args:
        definition: Whose variables.
        given: ``(name, value)``; ``All`` and ``$__all`` mean all values.
        labels_of: Asks Prometheus for the values of a label; None when it cannot be asked.

    Raises:
        UsageError: The dashboard has no variable of a given name.
    """
    wanted: dict[str, list[str]] = {}
    for name, value in given:
        wanted.setdefault(name, []).append(value)
    variables = {str(v.get("name") or ""): v for v in definition.variables if v.get("type") not in _NO_TEXT}
    for name in wanted:
        if name not in variables:
            hint = nearest(name, variables, otherwise="" if variables else "it has none")
            raise UsageError(f"{definition.name} has no variable {name!r}", hint=hint)
    values: dict[str, Value] = {}
    for name, variable in variables.items():
        texts = wanted.get(name) or _current(variable)
        values[name] = _value(variable, texts, lambda v=variable: _options(v, values, labels_of))  # type: ignore[misc]
    return values


def builtin(window: Window, interval: float, scrape: float) -> dict[str, Value]:
    """Return Grafana's own variables.

    Args:
        window: The dashboard's.
        interval: Seconds between two points of the panel.
        scrape: Seconds between two scrapes.

    Source: Grafana's Prometheus data source: the rate interval is ``max(interval + scrape, 4 * scrape)``.
    """
    span = round(window.duration.total_seconds())
    rate = max(interval + scrape, 4 * scrape)
    texts = {
        "__interval": _duration(interval),
        "__interval_ms": str(round(interval * 1000)),
        "__rate_interval": _duration(rate),
        "__rate_interval_ms": str(round(rate * 1000)),
        "__auto": _duration(interval),
        "__range": f"{span}s",
        "__range_s": str(span),
        "__range_ms": str(span * 1000),
    }
    return {**{name: Value(texts=(text,)) for name, text in texts.items()}, **moments(window)}


def moments(window: Window) -> dict[str, Value]:
    """Return the window's ends as Grafana's variables hold them: milliseconds since the epoch."""
    ends = {"__from": window.start, "__to": window.end}
    return {name: Value(texts=(str(round(moment.timestamp() * 1000)),)) for name, moment in ends.items()}


def interval_of(panel: Model, target: Model, window: Window, *, scrape: float, width: int) -> float:
    """Return the seconds between two points of a panel's line, as Grafana computes them.

    A point a pixel, rounded to a round interval, and no finer than the panel's or the target's
    least interval, or one scrape.
    """
    grid = panel.get("gridPos")
    columns = grid.get("w") if isinstance(grid, dict) else None
    pixels = width * (columns if isinstance(columns, int) and 0 < columns <= 24 else 24) / 24
    points = panel.get("maxDataPoints")
    points = points if isinstance(points, int | float) and points > 0 else pixels
    exact = window.duration.total_seconds() / points
    rounded = min(_ROUND, key=lambda known: (abs(known - exact), -known))
    least = seconds_of(target.get("interval")) or seconds_of(panel.get("interval")) or scrape
    return max(rounded, least)


def seconds_of(text: object) -> float:
    """Return a duration such as ``1m`` in seconds; 0 for what is none."""
    found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    return float(found[1]) * _SECONDS[found[2]] if found else 0.0


def _duration(seconds: float) -> str:
    return f"{round(seconds)}s" if seconds >= 1 and seconds == round(seconds) else f"{round(seconds * 1000)}ms"


def _current(variable: Model) -> list[str]:
    """Return what the dashboard itself has chosen."""
    current = variable.get("current")
    value = current.get("value") if isinstance(current, dict) else None
    found = value if isinstance(value, list) else [value]
    return [str(text) for text in found if text not in (None, "", [])]


def _value(variable: Model, texts: Sequence[str], options: Callable[[], Sequence[str]]) -> Value:
    if any(text in _ALL for text in texts) and variable.get("includeAll", True):
        return _everything(variable, options())
    if texts:
        return Value(texts=tuple(texts))
    kind = variable.get("type")
    if kind in ("textbox", "constant"):
        return Value(texts=(str(variable.get("query") or ""),))
    found = options()
    if not found or (kind == "query" and variable.get("includeAll")):
        return _everything(variable, found)
    return Value(texts=(found[0],))


def _everything(variable: Model, options: Sequence[str]) -> Value:
    every = str(variable.get("allValue") or "")
    if every or not options:
        return Value(texts=(every or ".*",), pattern=True)
    return Value(texts=tuple(options))


def _options(variable: Model, values: Values, labels_of: Labels | None) -> list[str]:
    """Return what could be chosen."""
    query = variable.get("query")
    text = str(query.get("query") or "") if isinstance(query, dict) else str(query or "")
    if variable.get("type") in ("custom", "interval"):
        parts = (part.strip() for part in re.split(r"(?<!\\),", text))
        return [part.partition(" : ")[2].strip() or part for part in parts if part]
    found = _LABEL_VALUES.fullmatch(text)
    source = variable.get("datasource")
    kind = source.get("type") if isinstance(source, dict) else "prometheus"
    if found is None or labels_of is None or kind != "prometheus":
        return []
    # What cannot be asked now will fail in each panel too, with the server's words.
    with contextlib.suppress(SourceError, UsageError):
        return _filtered(labels_of(interpolate((found["of"] or "").strip(), values), found["label"]), variable)
    return []


def _filtered(options: Iterable[str], variable: Model) -> list[str]:
    """Apply the variable's own regular expression: its first group is what is kept."""
    text = str(variable.get("regex") or "")
    found = _PATTERN.fullmatch(text)
    try:
        pattern = re.compile(found[1] if found else text)
    except re.error:
        return sorted(options)
    matches = (pattern.search(option) for option in options)
    return sorted({(m[1] if m.re.groups else m.string) or "" for m in matches if m})
