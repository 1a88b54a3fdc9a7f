"""What came of a sweep, for people and for machines. The order is by name, whatever came first."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from obskit.escape import clean, cut
from obskit.fleet.item import Row
from obskit.incident.units import percent
from obskit.model import stamp

#: Raised when a key goes away or changes its meaning; new keys do not raise it.
SCHEMA_VERSION = 1
#: A column of names stays readable beside the others.
_MAX_CELL = 48
#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEAD = ("name", "service", "verdict", "cause", "prob", "culprit", "onset", "s")
KEYS = ("name", "service", "window", "verdict", "cause", "probability", "culprit", "task", "onset", "seconds", "error")


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Return the rows by name."""
    return sorted(rows, key=lambda row: row.name)


def line(row: Row) -> str:
    """Return one row as it comes."""
    if row.error:
        return f"{clean(row.name)}: failed: {clean(row.error)}"
    parts: list[str] = [row.verdict]
    if row.cause:
        parts.append(f"{row.cause} {_percent(row)}")
    if row.culprit:
        parts.append(_culprit(row))
    if row.onset is not None:
        parts.append(f"since {stamp(row.onset)}")
    return f"{clean(row.name)}: {clean(', '.join(parts))}"


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table, then what failed and why, then the counts; nothing in it steers a terminal."""
    ordered = in_order(rows)
    told = [row for row in ordered if not row.error]
    lost = [row for row in ordered if row.error]
    found = [*_table(told)] if told else []
    if lost:
        found += [*([""] if found else []), f"Failed: {len(lost)}"]
        found += [f"  {clean(row.name)}: {clean(row.error)}" for row in lost]
    return [*found, "", *_counts(ordered)]


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the sweep as plain values; what cannot be said is null."""
    ordered = in_order(rows)
    return {
        "schema_version": SCHEMA_VERSION,
        "swept": len(ordered),
        "failed": sum(bool(row.error) for row in ordered),
        "verdicts": dict(sorted(Counter(row.verdict for row in ordered if not row.error).items())),
        "causes": dict(sorted(Counter(row.cause for row in ordered if _named(row)).items())),
        "rows": [values(row) for row in ordered],
    }


def values(row: Row) -> dict[str, Any]:
    """Return one row as plain values: times UTC, shares 0 to 1."""
    window = row.window
    return {
        "name": clean(row.name),
        "service": clean(row.service) or None,
        "window": None if window is None else {"start": stamp(window.start), "end": stamp(window.end)},
        "verdict": row.verdict or None,
        "cause": row.cause or None,
        "probability": None if row.probability is None else round(row.probability, 4),
        "culprit": clean(row.culprit) or None,
        "task": clean(row.task) or None,
        "onset": None if row.onset is None else stamp(row.onset),
        "seconds": round(row.seconds, 3),
        "error": clean(row.error) or None,
    }


def as_csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV with a head; the window as two columns."""
    text = io.StringIO()
    keys = [key for key in KEYS if key != "window"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "service", "start", "end", *keys[2:]])
    for row in in_order(rows):
        held = values(row)
        window = held["window"] or {"start": None, "end": None}
        cells = [held["name"], held["service"], window["start"], window["end"], *(held[key] for key in keys[2:])]
        writer.writerow([_cell(cell) for cell in cells])
    return text.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _named(row: Row) -> bool:
    return row.verdict in ("cause_found", "possible")


def _percent(row: Row) -> str:
    return "" if row.probability is None else percent(row.probability)


def _culprit(row: Row) -> str:
    return f"{row.culprit} task {cut(row.task, 12)}" if row.task else row.culprit


def _table(rows: Sequence[Row]) -> Iterator[str]:
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    right = (_HEAD.index("prob"), _HEAD.index("s"))
    for row in cells:
        padded = (
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(padded).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    return (
        _end(clean(row.name), _MAX_CELL),
        cut(clean(row.service), _MAX_CELL),
        row.verdict,
        row.cause or "-",
        _percent(row) or "-",
        cut(clean(_culprit(row)), _MAX_CELL) or "-",
        "-" if row.onset is None else stamp(row.onset),
        f"{row.seconds:.1f}",
    )


def _end(text: str, length: int) -> str:
    """Return at most so many characters; of a long path its end tells most."""
    return text if len(text) <= length else f"…{text[1 - length :]}"


def _counts(rows: Sequence[Row]) -> Iterator[str]:
    lost = sum(bool(row.error) for row in rows)
    verdicts: Counter[str] = Counter(row.verdict for row in rows if not row.error)
    told = [*(f"{count} {what}" for what, count in _by_count(verdicts)), *([f"{lost} failed"] if lost else [])]
    yield f"{len(rows)} swept: {', '.join(told)}"
    causes = Counter(row.cause for row in rows if _named(row))
    if causes:
        yield f"causes: {', '.join(f'{cause} {count}' for cause, count in _by_count(causes))}"


def _by_count(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
