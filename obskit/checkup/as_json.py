"""A round as JSON: numbers in base units, times in UTC, null where nothing is known."""

from __future__ import annotations

from typing import Any

from obskit.checkup.words import Report, Round, Row
from obskit.model import stamp

SCHEMA_VERSION = 1


def document(found: Round) -> dict[str, Any]:
    """Return the document of a round.

    Returns:
        ``schema_version``, ``at``, ``state`` (of the worst system), ``systems`` (each: ``name``,
        ``title``, ``state``, ``why``, ``wrong`` and ``well`` rows, ``no_answer``), ``not_seen``,
        ``questions``, ``elapsed_seconds``.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "at": stamp(found.at),
        "state": found.reports[0].state if found.reports else "not seen",
        "systems": [_report(report) for report in found.reports],
        "not_seen": [
            {"source": u.source, "reason": u.reason, "systems": list(u.systems), "questions": u.questions}
            for u in found.unseen
        ],
        "questions": found.asked,
        "elapsed_seconds": round(found.seconds, 3),
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        "name": report.system.name,
        "title": report.system.title,
        "state": report.state,
        "why": report.why,
        "wrong": [_row(row) for row in report.wrong],
        "well": [_row(row) for row in report.well],
        "no_answer": list(report.silent),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "state": row.state,
        "what": row.what,
        "entity": row.entity,
        "signal": row.signal,
        "value": row.value,
        "unit": row.unit,
        "threshold": row.threshold,
        "bad_when": "" if row.threshold is None else "at_most" if row.below else "at_least",
        "reason": row.reason,
        "since": None if row.since is None else stamp(row.since),
        "since_longer": row.longer,
        "yesterday": row.yesterday,
        "last_week": row.last_week,
        "words": row.words,
        "more": row.more,
        "query": row.query,
    }
