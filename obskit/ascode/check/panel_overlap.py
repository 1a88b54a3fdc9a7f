"""No two panels lie over each other, and none leaves the grid.

What it looks for: a panel without a place; one that is wider than the grid's 24 columns, reaches
over its right edge, stands at a negative place, or has no width or height; two panels that share
a cell. Panels of a collapsed row are compared with each other.

Why: Grafana moves what overlaps, each version in another way. The panel that the runbook calls
"top left" is then somewhere else, and one half covered shows half a number.

How to mend it: let `obskit.ascode.board` place the panels; or correct ``gridPos``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from obskit.ascode.check import Case
from obskit.ascode.check._shape import listed, mapping
from obskit.ascode.definition import Definition, Model, Problem

#: Columns of Grafana's grid.
_COLUMNS = 24

_Box = tuple[int, int, int, int]


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel that is off the grid, and each pair that overlaps."""
    for definition in case.definitions:
        found = listed(definition.model.get("panels"))
        yield from _of(definition, found)
        for row in found:
            yield from _of(definition, listed(row.get("panels")))


def _of(definition: Definition, panels: Sequence[Model]) -> Iterator[Problem]:
    boxes: list[tuple[Model, _Box]] = []
    for panel in panels:
        box = _box(panel)
        if box is None:
            yield definition.problem("the panel has no place on the grid", panel=panel, hint="set gridPos")
        elif box[0] < 0 or box[1] < 0 or box[2] < 1 or box[3] < 1 or box[0] + box[2] > _COLUMNS:
            x, y, width, height = box
            yield definition.problem(
                f"the panel leaves the grid: x={x} y={y} w={width} h={height}",
                panel=panel,
                hint=f"keep x + w within {_COLUMNS}, nothing negative, w and h at least 1",
            )
        else:
            boxes.append((panel, box))
    for (one, a), (other, b) in combinations(boxes, 2):
        if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]:
            yield definition.problem(f"the panel overlaps {one.get('title') or one.get('id')!r}", panel=other)


def _box(panel: Model) -> _Box | None:
    # Grafana leaves x and y out where they are 0.
    place = {"x": 0, "y": 0, **mapping(panel, "gridPos")}
    found = [value for key in "xywh" if isinstance(value := place.get(key), int) and not isinstance(value, bool)]
    return (found[0], found[1], found[2], found[3]) if len(found) == 4 else None
