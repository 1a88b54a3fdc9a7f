"""A notebook for one incident, as a file: it opens the recording by obskit's public API, and leaves room for notes.

Writing it needs no Jupyter: the format is JSON (nbformat 4.5). It holds no outputs, and the same incident gives the
same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from obskit.incident.report import phrases as say
from obskit.incident.report.markdown import code, escape
from obskit.model import Diagnosis, Telemetry, stamp

#: What users feel of a service, as far as it fits.
_OF_USERS = (
    "http_requests",
    "http_error_ratio",
    "http_latency_p95",
    "alb_target_5xx",
    "alb_elb_5xx",
    "ecs_running_tasks",
)
#: Plots below each other that fit on a screen or two.
_MOST_PLOTS = 6
_FORMAT, _MINOR = 4, 5


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell: its id, what it is, and its text."""

    id: str
    kind: Literal["markdown", "code"]
    text: str


def notebook(diagnosis: Diagnosis, telemetry: Telemetry, *, bundle: str | None) -> str:
    """Return a notebook as text.

    Args:
        diagnosis: Says what is worth looking at first.
        telemetry: What it was made of; only what was seen is plotted.
        bundle: Where the notebook finds the recording, as a path from its own folder; None for the incident that
            ships with obskit.
    """
    cells = [*_opened(diagnosis, bundle), *_judged(diagnosis), *_seen(diagnosis, telemetry), *_asked()]
    document = {
        "cells": [_as_json(cell) for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": _FORMAT,
        "nbformat_minor": _MINOR,
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _as_json(cell: _Cell) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": cell.id,
        "cell_type": cell.kind,
        "metadata": {},
        "source": cell.text.splitlines(keepends=True),
    }
    return body | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def _opened(diagnosis: Diagnosis, bundle: str | None) -> Iterator[_Cell]:
    window = diagnosis.window
    where = f"`obskit.demo()` opens the incident that ships with obskit, {code('obskit.open_bundle')} one of your own."
    where = where if bundle is None else f"It opens {code(bundle)}, seen from this notebook's folder."
    title = (
        f"# Incident of {escape(diagnosis.service)}, {window.start:%Y-%m-%d}",
        escape(say.headline(diagnosis)),
        f"Window: {stamp(window.start)} to {stamp(window.end)}. {where} Run all cells, then change them.",
    )
    yield _Cell("title", "markdown", "\n\n".join(title))
    opening = "obskit.demo()" if bundle is None else f"obskit.open_bundle({bundle!r})"
    whole = window.with_baseline()
    clock = "%H:%M:%S" if whole.start.date() == whole.end.date() else "%m-%d %H:%M:%S"
    yield _Cell("open", "code", f"{_IMPORTS.format(clock=clock)}\n\nincident = {opening}\nincident.diagnosis")


def _judged(diagnosis: Diagnosis) -> Iterator[_Cell]:
    yield _Cell("causes", "markdown", "## Which causes, and how sure\n\nProbabilities are 0 to 1, evidence is in nats.")
    yield _Cell("hypotheses", "code", _HYPOTHESES)
    shown = '["cause", "side", "words", "weight", "pillar", "at"]'
    if not diagnosis.hypotheses:
        yield _Cell("evidence-title", "markdown", "## What was argued for and against each cause")
        yield _Cell("evidence", "code", f"{_EVIDENCE}\nevidence[{shown}]")
        return
    first = diagnosis.hypotheses[0]
    yield _Cell("evidence-title", "markdown", f"## What speaks for and against it: {escape(say.named(first))}")
    chosen = f'of_first = evidence["cause"] == {json.dumps(first.cause)}'
    of_one = shown.replace('"cause", ', "")
    yield _Cell("evidence", "code", f"{_EVIDENCE}\n{chosen}\nevidence.loc[of_first, {of_one}]")
    yield _Cell("queries-title", "markdown", "The queries behind it, to see it again:")
    queries = 'evidence.loc[of_first & (evidence["query"] != ""), "query"].unique()'
    yield _Cell("queries", "code", f'print(*{queries}, sep="\\n\\n")')
    yield _Cell("others-title", "markdown", "The same of all other causes:")
    yield _Cell("others", "code", f"evidence.loc[~of_first, {shown}]")


def _seen(diagnosis: Diagnosis, telemetry: Telemetry) -> Iterator[_Cell]:
    yield _Cell(
        "timeline-title", "markdown", "## Timeline\n\nUTC; `incident.steps.evidence.findings` holds all findings."
    )
    yield _Cell("timeline", "code", _TIMELINE)
    behind, felt = _cited(diagnosis, telemetry), _felt(diagnosis, telemetry)
    if behind:
        yield _Cell("behind-title", "markdown", "## The series behind the first cause")
        yield _Cell("behind", "code", f"incident.plot({json.dumps(behind)})")
        yield _Cell("numbers-title", "markdown", "As numbers; the units stand in `series.attrs`:")
        numbers = f"series = incident.frame({json.dumps(behind[0])}, tasks=True)\nseries.describe().T"
        yield _Cell("numbers", "code", numbers)
    if felt:
        yield _Cell("felt-title", "markdown", "## What users felt")
        yield _Cell("felt", "code", f"incident.plot({json.dumps(felt)})")
    if not behind and not felt:
        yield _Cell("behind-title", "markdown", "## Series\n\nNo series of the service was recorded.")
    yield _Cell("templates-title", "markdown", "## Log templates\n\nLines a minute, calm and troubled.")
    columns = '["change", "before", "after", "service", "level", "example"]'
    yield _Cell("templates", "code", f"incident.templates()[{columns}].round(1)")
    yield _Cell("records-title", "markdown", "The first that were said at level error or above:")
    yield _Cell("records", "code", _RECORDS)
    yield _Cell("events-title", "markdown", "## Events of ECS, deployments and alerts")
    yield _Cell("events", "code", _EVENTS)


def _asked() -> Iterator[_Cell]:
    question = "## What if one pillar had not been there\n\nHow much of the answer hangs on it?"
    yield _Cell("without-title", "markdown", question)
    yield _Cell("without", "code", _WITHOUT)
    yield _Cell("gaps-title", "markdown", "## What was not seen\n\nA gap is not zero.")
    yield _Cell("gaps", "code", "incident.gaps_frame()")
    yield _Cell(
        "notes", "markdown", "## Notes\n\nWhat only people know: who noticed, how, what was tried, what helped."
    )
    yield _Cell("notes-1", "markdown", "")
    yield _Cell("notes-2", "markdown", "")
    yield _Cell("own", "code", "")
    words = "## Draft of the postmortem\n\nThe same as `obskit postmortem` writes: what was measured, and blanks."
    yield _Cell("postmortem-title", "markdown", words)
    yield _Cell("postmortem", "code", "from IPython.display import Markdown\n\nMarkdown(incident.postmortem())")


_IMPORTS = """import pandas as pd

import obskit

pd.set_option("display.max_colwidth", 200)  # words and log lines, not their beginnings
CLOCK = "{clock}"  # how tables write times, all UTC"""

_HYPOTHESES = """causes = incident.hypotheses().round({"probability": 3, "evidence": 1})
causes["onset"] = causes["onset"].dt.strftime(CLOCK).fillna("")
causes[["cause", "title", "probability", "evidence", "service", "task", "onset", "reason", "explained_by"]]"""

_EVIDENCE = """evidence = incident.evidence()
evidence["at"] = evidence["at"].dt.strftime(CLOCK).fillna("")"""

_TIMELINE = """timeline = incident.timeline()
timeline.index = timeline.index.strftime(CLOCK)
timeline["until"] = timeline["until"].dt.strftime(CLOCK).fillna("")
timeline[["pillar", "service", "task", "words", "until"]]"""

_RECORDS = """records = incident.records()
records = records[records["level"].isin(["error", "fatal"])].head(20).astype({"task": "str"})
records.index = records.index.strftime(CLOCK)
records.assign(task=records["task"].str[:12])[["service", "task", "level", "template"]]"""

_EVENTS = """events = incident.events_frame()
events.index = events.index.strftime(CLOCK)
events["task"] = events["task"].str[:12]
events[["kind", "service", "task", "code", "message"]]"""

#: Rows by hand: a notebook uses the public API and defines nothing.
_WITHOUT = """rows = []
for pillar in ("metrics", "logs", "events"):
    diagnosis = incident.without(pillar).diagnosis
    first = diagnosis.hypotheses[0] if diagnosis.hypotheses else None
    rows.append((pillar, diagnosis.verdict, first.title if first else "", first.probability if first else None))
pd.DataFrame(rows, columns=["without", "verdict", "first cause", "probability"]).set_index("without")"""


def _cited(diagnosis: Diagnosis, telemetry: Telemetry) -> list[str]:
    """Return the signals that the first cause argues with and that have samples, in the order of its claims."""
    queries = [c.query for h in diagnosis.hypotheses[:1] for c in h.judgement.claims_for if c.pillar == "metrics"]
    signals = {s.query: s.signal for s in telemetry.metrics.series}
    named = dict.fromkeys(signals[query] for query in queries if query in signals)
    return [signal for signal in named if _has_samples(telemetry, signal)][:_MOST_PLOTS]


def _felt(diagnosis: Diagnosis, telemetry: Telemetry) -> list[str]:
    """Return the signals of what users feel that have samples of the service."""
    return [signal for signal in _OF_USERS if _has_samples(telemetry, signal, diagnosis.service)]


def _has_samples(telemetry: Telemetry, signal: str, service: str = "") -> bool:
    """Say whether a signal has samples, of one service where that is named."""
    metrics = telemetry.metrics
    columns = [i for i, s in enumerate(metrics.series) if s.signal == signal and service in ("", s.service)]
    return bool(np.isfinite(metrics.values[:, columns]).any())
