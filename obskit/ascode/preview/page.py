"""A dashboard with its data as one HTML file that opens offline and asks the network for nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Template
from markupsafe import Markup

from obskit.ascode.choose import moments
from obskit.ascode.definition import Definition, Model
from obskit.ascode.interpolate import in_prose
from obskit.ascode.preview.chart import HEIGHT, MOST_LINES, WIDTH, Chart, Number, chart, numbers, reduced, time_ticks
from obskit.ascode.preview.data import Line, PanelData, PreviewData, Sent
from obskit.ascode.preview.look import Look, look_of
from obskit.ascode.preview.prose import markup
from obskit.escape import cut, page_template
from obskit.model import stamp, utc

_HERE = Path(__file__).parent
#: Grafana's grid: 24 columns; a row of 30 pixels and the gap of 8 below it.
_COLUMNS, _ROW = 24, 38
#: Pixels of the page's own parts, at the width of a picture; page.css has the same.
_HEAD, _HEADING, _MARGIN, _CHIPS_LINE = 165, 37, 45, 29
_MOST_ROWS, _MOST_CHIPS = 50, 30
_LONGEST_LINE = 2000
_AS_NUMBERS = ("stat", "gauge", "bargauge", "piechart")
_AS_LINES = ("timeseries", "graph", "trend", "barchart")

Kind = Literal["chart", "numbers", "lines", "table", "text", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One panel, ready for the template.

    Attributes:
        key: Its anchor on the page.
        x, y, w, h: On the grid of its section: x and y from 1.
        kind: Which of the following is shown.
        rows: Of a table: the words of its cells, header first.
        left_out: How many lines, numbers or rows are not shown.
    """

    key: str
    title: str
    about: str
    x: int
    y: int
    w: int
    h: int
    kind: Kind
    state: str
    why: str
    sent: tuple[Sent, ...]
    notes: tuple[str, ...]
    chart: Chart | None = None
    numbers: tuple[Number, ...] = ()
    background: bool = False
    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text: Markup | None = None
    left_out: int = 0


@dataclass(slots=True, kw_only=True)
class Section:
    """The panels under one row's heading; "" for those above the first."""

    title: str
    panels: list[PanelData] = field(default_factory=list)
    cells: tuple[Cell, ...] = ()

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return max((cell.y + cell.h - 1 for cell in self.cells), default=0)


def render(definition: Definition, data: PreviewData) -> str:
    """Return the page: which panels have data, then each in its place with its query.

    There is no script in it, it follows the reader's light or dark setting, and its content
    security policy forbids every request. Same input, same bytes.
    """
    sections = _sections(definition, data)
    cells = [cell for section in sections for cell in section.cells]
    wanting = [cell for cell in cells if cell.state in ("empty", "failed", "not_asked")]
    return _template().render(
        definition=definition,
        about=str(definition.model.get("description") or ""),
        data=data,
        sections=sections,
        wanting=wanting[:_MOST_CHIPS],
        more_wanting=max(0, len(wanting) - _MOST_CHIPS),
        counts=_counts(cells),
        ticks=time_ticks(data.window),
        plot=(WIDTH, HEIGHT),
        height=_height(sections, len(wanting[:_MOST_CHIPS]), data),
        style=Markup((_HERE / "page.css").read_text("utf-8")),  # noqa: S704  our own file
    )


_COUNTS = (("with data", "data"), ("without data", "empty"), ("failed", "failed"), ("not asked", "not_asked"))


def _counts(cells: Iterable[Cell]) -> list[tuple[str, int]]:
    """Return how many panels are in which state; those of none are left out, but for the first."""
    states = [cell.state for cell in cells]
    return [(words, states.count(state)) for words, state in _COUNTS if state in states or state == "data"]


@cache
def _template() -> Template:
    names = {"stamp": stamp, "clock": _clock, "cut": cut, "longest": _LONGEST_LINE}
    return page_template(_HERE / "page.html.j2", names)


def _clock(time_ns: int) -> str:
    return utc(time_ns).strftime("%H:%M:%S")


def _height(sections: Iterable[Section], chips: int, data: PreviewData) -> int:
    """Return how high the page is in a picture: rather too high than cut."""
    grids = sum(_HEADING + section.height * _ROW for section in sections)
    chip_lines = math.ceil(chips / 6) + math.ceil(len(data.values) / 6)
    return _HEAD + _CHIPS_LINE * (chip_lines + len(data.notes)) + grids + _MARGIN


def _sections(definition: Definition, data: PreviewData) -> list[Section]:
    """Cut the dashboard at its rows, in Grafana's order; what a collapsed row hides is shown."""
    held = {id(panel.panel): panel for panel in data.panels}
    top = [p for p in definition.model.get("panels") or () if isinstance(p, dict)]
    sections = [Section(title="")]
    for panel in sorted(top, key=lambda p: (_grid(p)[1], _grid(p)[0])):
        if panel.get("type") != "row":
            sections[-1].panels.append(held[id(panel)])
            continue
        sections.append(Section(title=in_prose(str(panel.get("title") or ""), data.values)))
        inner = [p for p in panel.get("panels") or () if isinstance(p, dict)]
        sections[-1].panels += [held[id(p)] for p in inner]
        if inner:  # what follows a collapsed row does not belong to it
            sections.append(Section(title=""))
    number = 0
    for section in sections:
        above = min((_grid(p.panel)[1] for p in section.panels), default=0)
        section.cells = tuple(
            _cell(panel, f"p{number + n}", above, data) for n, panel in enumerate(section.panels, start=1)
        )
        number += len(section.panels)
    return [section for section in sections if section.cells or section.title]


def _grid(panel: Model) -> tuple[int, int, int, int]:
    """Return x, y, w, h, within the grid whatever the panel says."""
    found = panel.get("gridPos")
    place = found if isinstance(found, dict) else {}
    x, y, w, h = (_int(place.get(key), default) for key, default in (("x", 0), ("y", 0), ("w", 12), ("h", 8)))
    x = min(max(x, 0), _COLUMNS - 1)
    return x, min(max(y, 0), 10_000), min(max(w, 1), _COLUMNS - x), min(max(h, 1), 100)


def _int(found: object, default: int) -> int:
    return found if isinstance(found, int) else default


def _cell(panel: PanelData, key: str, above: int, data: PreviewData) -> Cell:
    model, look = panel.panel, look_of(panel.panel)
    x, y, w, h = _grid(model)
    shown = _shown(panel, look, data)
    notes = [*panel.notes, *_notes(model, look)] if panel.state == "data" else list(panel.notes)
    return Cell(
        key=key,
        title=in_prose(str(model.get("title") or ""), data.values),
        about=in_prose(str(model.get("description") or ""), data.values),
        x=x + 1,
        y=y - above + 1,
        w=w,
        h=h,
        # Without a number there is nothing to draw, whatever came.
        state="empty" if panel.state == "data" and shown["kind"] == "nothing" else panel.state,
        why=panel.why or "no data",
        sent=panel.sent,
        notes=tuple(notes),
        **shown,
    )


def _shown(panel: PanelData, look: Look, data: PreviewData) -> dict[str, Any]:
    """Return the fields of a cell that hold what it shows."""
    kind = str(panel.panel.get("type") or "")
    if panel.state == "plain":
        options = panel.panel.get("options")
        content = options.get("content") if isinstance(options, dict) else ""
        return {"kind": "text", "text": markup(in_prose(str(content or ""), {**data.values, **moments(data.window)}))}
    if panel.state != "data":
        return {"kind": "nothing"}
    if panel.lines:
        return {"kind": "lines", "lines": panel.lines}
    if kind == "table":
        rows = _table(panel, look)
        return {"kind": "table", "rows": rows[: _MOST_ROWS + 1], "left_out": max(0, len(rows) - 1 - _MOST_ROWS)}
    if kind in _AS_NUMBERS:
        found = numbers(panel.frames, look, data.window)
        left_out = max(0, len(found) - MOST_LINES)
        background = look.background
        return {"kind": "numbers", "numbers": found[:MOST_LINES], "left_out": left_out, "background": background}
    drawn = chart(panel.frames, look, data.window)
    return {"kind": "chart" if drawn else "nothing", "chart": drawn, "left_out": drawn.left_out if drawn else 0}


def _table(panel: PanelData, look: Look) -> tuple[tuple[str, ...], ...]:
    """Return the last number of each series beside its labels, header first."""
    names = sorted({name for frame in panel.frames for labels in frame.labels for name in labels})
    rows = [
        (*(labels.get(name, "") for name in names), look.words(reduced(frame.values[:, column], "lastNotNull")))
        for frame in panel.frames
        for column, labels in enumerate(frame.labels)
    ]
    return ((*names, "Value"), *rows)


def _notes(model: Model, look: Look) -> Iterable[str]:
    kind = str(model.get("type") or "")
    if look.stacked:
        yield "Grafana stacks these lines; here each is drawn by itself."
    if kind not in (*_AS_NUMBERS, *_AS_LINES, "table", "logs"):
        yield f"Grafana draws a {kind or 'nameless'} panel; here it is drawn as lines."
    if model.get("repeat"):
        yield f"Grafana repeats this panel for each value of {model['repeat']}."
