"""Places panels on Grafana's grid: left to right, row by row, never one over another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Grafana's grid is 24 columns wide; a row of it is 30 pixels high.
COLUMNS = 24
ROW_HEIGHT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a panel asks for, in columns and rows of the grid."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a panel is: the grid position of its upper left corner, and its size."""

    x: int
    y: int
    w: int
    h: int


def place(sizes: Sequence[Size], top: int) -> tuple[list[Place], int]:
    """Place panels in their order below *top*.

    A line is filled until the next panel does not fit; then its panels are stretched to the
    full width, as evenly as the grid allows. A line is as high as
    its highest panel.

    Args:
        sizes: Of the panels, widths 1 to 24.
        top: The first free row.

    Returns:
        The places, and the first free row below them.
    """
    places: list[Place] = []
    for line in _lines(sizes):
        height = max(size.height for size in line)
        widths = _stretched([size.width for size in line])
        x = 0
        for width in widths:
            places.append(Place(x=x, y=top, w=width, h=height))
            x += width
        top += height
    return places, top


def _lines(sizes: Sequence[Size]) -> list[list[Size]]:
    lines: list[list[Size]] = []
    used = COLUMNS
    for size in sizes:
        if used + size.width > COLUMNS:
            lines.append([])
            used = 0
        lines[-1].append(size)
        used += size.width
    return lines


def _stretched(widths: Sequence[int]) -> list[int]:
    """Scale widths to fill the line; columns that do not divide go to the first panels."""
    total = sum(widths)
    wide = [width * COLUMNS // total for width in widths]
    left = COLUMNS - sum(wide)
    return [width + (number < left) for number, width in enumerate(wide)]
