"""What values look like below a notebook's cell: small tables, everything escaped, no scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from obskit.drawing import Plot, paths
from obskit.escape import clean, cut
from obskit.incident.report.phrases import VERDICTS, clock
from obskit.incident.units import humanize, percent
from obskit.model import Claim, Diagnosis, FloatMatrix, Logs, Metrics, Signal, TimeArray, Window, stamp, utc

if TYPE_CHECKING:
    from obskit.analysis.incident import Incident

_ROWS, _LINES, _CLAIMS, _HYPOTHESES, _FINDINGS = 20, 10, 3, 5, 15
_LONGEST, _LONGEST_LINE = 90, 160
#: A sparkline's room, in pixels.
_SPARK_WIDTH, _SPARK_HEIGHT, _SPARK_POINTS = 120, 22, 120

_CELL = '<{0} style="text-align:left">{1}</{0}>'

_Row = Sequence[str]


def metrics_html(metrics: Metrics) -> str:
    """Return a row a series: name, unit, first, last, lowest, highest sample, and its course."""
    count, points = len(metrics.series), len(metrics.times)
    head = f"<b>{count} series</b> of {points} points"
    if points:
        first, last = (int(metrics.times[i].astype("datetime64[ns]").astype(np.int64)) for i in (0, -1))
        head += f", {stamp(utc(first))} to {stamp(utc(last))}"
    shown = metrics.where(range(min(count, _ROWS)))
    rows = [
        (_text(one.name), _text(one.unit), *(humanize(value, one.unit) for value in numbers), spark)
        for one, numbers, spark in zip(
            shown.series, _summaries(shown.values), _sparks(shown.times, shown.values), strict=True
        )
    ]
    return _box(
        head, _table(("series", "unit", "first", "last", "min", "max", ""), rows), _more(count, _ROWS, "series")
    )


def signals_html(signals: Mapping[str, Signal]) -> str:
    """Return a row a signal: id, title, unit, topic."""
    rows = [(_text(name), _text(one.title), one.unit, _text(one.topic)) for name, one in signals.items()]
    shown = _table(("signal", "what it is", "unit", "topic"), rows[:_ROWS])
    return _box(f"<b>{_number(len(rows), 'signal')}</b>", shown, _more(len(rows), _ROWS, "signals"))


def logs_html(logs: Logs) -> str:
    """Return how many lines each service wrote at each level, and the first of them."""
    head = f"<b>{len(logs)} log lines</b>"
    if not len(logs):
        return _box(head)
    counts = logs.table.group_by(["service", "level"], use_threads=False).aggregate([("line", "count")]).to_pylist()
    counts.sort(key=lambda row: (-row["line_count"], row["service"], row["level"]))
    by_level = [(_text(r["service"]), _text(r["level"]), str(r["line_count"])) for r in counts[:_LINES]]
    first = logs.table.slice(0, _LINES).to_pylist()
    lines = [
        (
            clock(utc(r["time_ns"])),
            _text(r["service"]),
            _text(r["task"][:12]),
            _text(r["level"]),
            _text(r["line"], _LONGEST_LINE),
        )
        for r in first
    ]
    return _box(
        head,
        _table(("service", "level", "lines"), by_level),
        _more(len(counts), _LINES, "kinds"),
        _table(("time (UTC)", "service", "task", "level", "line"), lines),
        _more(len(logs), _LINES, "lines"),
    )


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """Return verdict, hypotheses with what speaks for the first of them, the timeline, and what was not seen."""
    head = f"<b>{VERDICTS[diagnosis.verdict]}</b>: {_text(diagnosis.summary, _LONGEST_LINE)}"
    when = f"window {diagnosis.window}" + (f", onset {stamp(diagnosis.onset)}" if diagnosis.onset else "")
    rows = [
        (
            percent(h.probability),
            _text(h.title),
            _text(h.judgement.service),
            _text(h.judgement.task[:12]),
            clock(h.judgement.onset),
        )
        for h in diagnosis.hypotheses[:_HYPOTHESES]
    ]
    if rows:
        rows.append((percent(diagnosis.unknown_probability), "<i>something else</i>", "", "", ""))
    claims: list[_Row] = []
    steps: list[str] = []
    if diagnosis.hypotheses:
        first = diagnosis.hypotheses[0]
        claims = [_claim("for", c) for c in first.judgement.claims_for[:_CLAIMS]]
        claims += [_claim("against", c) for c in first.judgement.claims_against[:_CLAIMS]]
        steps = [_text(step.words, _LONGEST_LINE) for step in first.next_steps]
    blind = f"<br>{len(diagnosis.gaps)} gaps, {len(diagnosis.not_judged)} causes not judged"
    return _box(
        f"{head}<br>{when}{blind if diagnosis.gaps or diagnosis.not_judged else ''}",
        _table(("probability", "cause", "service", "task", "onset (UTC)"), rows),
        _table(("", "evidence of the first", "nats"), claims),
        f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>" if steps else "",
        _timeline(diagnosis),
    )


def diagnosis_line(diagnosis: Diagnosis) -> str:
    """Return whom it is about, the verdict and its likeliest cause, on one line."""
    first = "".join(f": {h.cause} {percent(h.probability)}" for h in diagnosis.hypotheses[:1])
    head = f"{cut(clean(diagnosis.service), _LONGEST)}, {diagnosis.window}"
    return f"<Diagnosis of {head}: {diagnosis.verdict}{cut(clean(first), _LONGEST)}>"


def incident_html(incident: Incident) -> str:
    """Return what was seen of an incident; its diagnosis once that was asked for."""
    seen = incident.telemetry
    head = f"<b>incident of {_text(incident.service.name)}</b>, {incident.window}"
    rows = [
        ("metrics", f"{len(seen.metrics.series)} series of {len(seen.metrics.times)} points"),
        ("logs", f"{len(seen.logs)} lines"),
        ("events", str(len(seen.events))),
    ]
    gaps = [(_text(g.source), _text(g.query), _text(g.reason, _LONGEST_LINE)) for g in seen.gaps[:_LINES]]
    told = diagnosis_html(incident.diagnosis) if "diagnosis" in vars(incident) else ""
    return _box(
        head,
        _table(("seen", ""), rows),
        _table(("gap", "of", "why"), gaps),
        _more(len(seen.gaps), _LINES, "gaps"),
        told,
    )


def _timeline(diagnosis: Diagnosis) -> str:
    found = diagnosis.timeline
    rows = [
        (clock(f.onset), _text(f.pillar), _text(f.service), _text(f.task[:12]), _text(f.words, _LONGEST_LINE))
        for f in found[:_FINDINGS]
    ]
    if not rows:
        return ""
    table = _table(("onset (UTC)", "pillar", "service", "task", "finding"), rows)
    return f"<details><summary>timeline</summary>{table}{_more(len(found), _FINDINGS, 'findings')}</details>"


def _claim(side: Literal["for", "against"], claim: Claim) -> _Row:
    return (side, _text(claim.words, _LONGEST_LINE), f"{claim.weight:+.1f}")


def _summaries(values: FloatMatrix) -> FloatMatrix:
    """Return shape (N, 4): first, last, lowest, highest sample of each column; NaN where there is none."""
    if not values.size:
        return np.full((values.shape[1], 4), np.nan)
    present: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values))
    columns = np.arange(values.shape[1])
    first, last = present.argmax(axis=0), len(values) - 1 - present[::-1].argmax(axis=0)
    lowest = np.where(present, values, np.inf).min(axis=0)
    highest = np.where(present, values, -np.inf).max(axis=0)
    found = np.column_stack([values[first, columns], values[last, columns], lowest, highest])
    seen = np.any(present, axis=0, keepdims=True).T
    return np.where(seen, found, np.nan)


def _sparks(times: TimeArray, values: FloatMatrix) -> list[str]:
    """Return a small line a column, without axes."""
    if len(times) < 2:
        return [""] * values.shape[1]
    start, end = (utc(int(times[i].astype("datetime64[ns]").astype(np.int64))) for i in (0, -1))
    room = Plot(width=_SPARK_WIDTH, height=_SPARK_HEIGHT, points=_SPARK_POINTS)
    return [_spark(times, values[:, [column]], start, end, room) for column in range(values.shape[1])]


def _spark(times: TimeArray, column: FloatMatrix, start: datetime, end: datetime, room: Plot) -> str:
    present = np.isfinite(column)
    if not present.any():
        return ""
    most = float(np.abs(column[present]).max())
    scaled = np.where(present, column, np.nan) / (most or 1.0)  # what a source says may be as large as numbers can be
    low, high = float(np.nanmin(scaled)), float(np.nanmax(scaled))
    if not high > low:
        low, high = low - 1, high + 1
    (line,) = paths(times, scaled, Window(start=start, end=end), (low, high), room)
    size = f'width="{room.width}" height="{room.height + 2}" viewBox="0 -1 {room.width} {room.height + 2}"'
    return f'<svg {size}><path d="{line}" fill="none" stroke="currentColor" stroke-linecap="round"/></svg>'


def _text(text: str, longest: int = _LONGEST) -> str:
    """Return a text of others as HTML: nothing in it steers a terminal, turns the reading order or is markup."""
    return escape(cut(clean(text), longest))


def _table(heads: _Row, rows: Iterable[_Row]) -> str:
    """Return rows that are HTML already; nothing where there are none."""
    body = "".join("<tr>" + "".join(_CELL.format("td", cell) for cell in row) + "</tr>" for row in rows)
    head = "".join(_CELL.format("th", cell) for cell in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _more(count: int, shown: int, what: str) -> str:
    return f"<div>and {count - shown} more {what}</div>" if count > shown else ""


def _box(*parts: str) -> str:
    return f"<div>{''.join(f'<div>{part}</div>' for part in parts if part)}</div>"
