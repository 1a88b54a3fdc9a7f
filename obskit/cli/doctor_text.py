"""What `obskit doctor` found, as tables and as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from obskit.errors import one_line
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.cli.doctor_command import DoctorReport


def printable(text: str) -> str:
    """Return a text on one line of at most 300 characters, none of which steers a terminal."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:300]


def as_json_text(report: DoctorReport) -> str:
    """Return the report as JSON, without a newline at the end."""
    body = {
        "schema_version": 1,
        "healthy": report.exit_code == 0,
        "sources": [asdict(source) for source in report.sources],
        "settings": {name: dict(row) for name, row in report.configured.items()},
        "service": report.service,
        "variants": {signal: variant for signal, variant in report.spoken.items() if signal and variant},
        "not_seen": [signal for signal, variant in report.spoken.items() if signal and not variant],
        "problems": [one_line(problem) for problem in report.problems],
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def as_text(report: DoctorReport, *, width: int = 100) -> str:
    """Return the report as tables for a terminal, without colour and without a newline at the end."""
    tables = [
        _table(
            "Sources", ("source", "state", "at", "says"), [(s.name, s.state, s.target, s.words) for s in report.sources]
        )
    ]
    set_here = [(n, row["value"], row["from"]) for n, row in report.configured.items() if row["from"] != "default"]
    if set_here:
        tables.append(_table("Settings", ("setting", "value", "from"), set_here))
    unheard = []
    if any(report.spoken) and report.service:
        tables += _signal_tables(report)
    elif report.service and not report.problems:
        why = report.spoken.get("", "Prometheus is not configured")
        unheard = [f"Signals of {printable(report.service)}: {printable(why)}"]
    parts = [_drawn(table, width) for table in tables]
    problems = [clean(str(problem), lines=True) for problem in report.problems]
    return "\n\n".join([*parts, *unheard, *_instrumentation(report), *problems])


def _signal_tables(report: DoctorReport) -> list[Any]:
    from itertools import groupby

    from obskit.catalogue import all_signals

    seen = [(signal, variant) for signal, variant in report.spoken.items() if variant]
    title = f"Signals of {printable(report.service)}"
    tables = [_table(title, ("signal", "spoken as"), seen)]
    signals = all_signals()
    lost = [(signals[name].topic, name) for name, variant in report.spoken.items() if name in signals and not variant]
    rows = [(topic, ", ".join(name for _, name in found)) for topic, found in groupby(sorted(lost), lambda row: row[0])]
    if rows:
        tables.append(_table("Signals that nothing tells of", ("topic", "signals"), rows))
    return tables


def _instrumentation(report: DoctorReport) -> list[str]:
    """Return what to write into obskit.toml, so that dashboards ask for nothing that nobody emits."""
    names = sorted({variant for signal, variant in report.spoken.items() if signal and variant})
    if not names:
        return []
    listed = ", ".join(json.dumps(printable(name), ensure_ascii=False) for name in names)
    words = "Where all services speak as this one, dashboards ask for no other variant with this in obskit.toml:"
    return [f"{words}\n\n[dashboards]\ninstrumentation = [{listed}]"]


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))  # Text: brackets in it are no markup
    return table


def _drawn(table: Any, width: int) -> str:
    from rich.console import Console

    drawn = io.StringIO()
    console = Console(file=drawn, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()).strip("\n")
