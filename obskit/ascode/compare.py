"""What differs between two dashboards, in paths that a person can follow.

Panels are told by their id, queries by their letter, variables, annotations and links by their
name: a panel that moved in the list, or a row that was folded, is no change of what is in it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any, Literal

from obskit.ascode.canonical import canonical, text_of
from obskit.ascode.definition import Model
from obskit.escape import clean, cut
from obskit.redact import redact

Kind = Literal["added", "removed", "changed"]

#: Lists whose elements have a name of their own: the list's key -> the key of the name.
_NAMED = {"panels": "id", "targets": "refId", "list": "name", "links": "title", "properties": "id"}
#: Names of keys and variables whose text is shown to nobody.
_SECRET = re.compile(r"(?i)passw|secret|secure|token|api_?key|credential|authorization")
HIDDEN = "[hidden]"
MOST_LABEL = 60
#: What is shown of a value: characters of a line, lines.
MOST_CHARACTERS = 200
MOST_LINES = 12
#: Longer texts are not compared line by line: that takes time in the square of their lines.
_MOST_COMPARED_LINES = 400
_CONTEXT_CHARACTERS = 40
_SIGNS: dict[Kind, str] = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs; its values are redacted and free of control characters.

    Attributes:
        path: For a person: ``panels[Latency p95].targets[A].expr``.
        kind: Seen from the old dashboard.
        old, new: As JSON has them; None where there is none.
        at: The same path in ids instead of titles, to compare places by.
    """

    path: str
    kind: Kind
    old: object = None
    new: object = None
    at: tuple[str, ...] = field(default=(), repr=False, compare=False)


def differences(old: Model, new: Model) -> tuple[Change, ...]:
    """Return what turns *old* into *new*, noise left out; empty when both mean the same."""
    return tuple(_walk("", _flat(canonical(old)), _flat(canonical(new)), _Place()))


def touch(some: Sequence[Change], others: Sequence[Change]) -> tuple[Change, ...]:
    """Return those of *some* that lie where one of *others* does, above it or below it."""
    places = {other.at for other in others}
    above = {place[:n] for place in places for n in range(len(place) + 1)}
    return tuple(c for c in some if c.at in above or any(c.at[:n] in places for n in range(len(c.at) + 1)))


def render(changes: Sequence[Change], *, indent: str = "") -> list[str]:
    """Return the changes as lines: ``~ path``, then ``- old`` and ``+ new``; long values folded."""
    lines = []
    for change in changes:
        lines.append(f"{_SIGNS[change.kind]} {change.path}")
        lines += [f"  {line}" for line in _values(change)]
    return [indent + line for line in lines]


def as_json(changes: Sequence[Change]) -> list[Model]:
    """Return the changes as plain data: ``path``, ``kind`` and, where there is one, ``old`` and ``new``."""
    return [
        {"path": c.path, "kind": c.kind}
        | ({"old": c.old} if c.kind != "added" else {})
        | ({"new": c.new} if c.kind != "removed" else {})
        for c in changes
    ]


# walking


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: for a person, for comparing, and whether what is there is secret."""

    path: str = ""
    at: tuple[str, ...] = ()
    secret: bool = False

    def key(self, key: str) -> _Place:
        secret = self.secret or bool(_SECRET.search(key))
        shown = _label(key)
        if key == "list" and self.at in (("templating",), ("annotations",)):
            return _Place(self.path, (*self.at, key), secret)
        return _Place(f"{self.path}.{shown}" if self.path else shown, (*self.at, key), secret)

    def element(self, key: str, label: str, *, secret: bool = False) -> _Place:
        return _Place(f"{self.path}[{label}]", (*self.at, f"[{key}]"), self.secret or secret)


def _walk(name: str, old: object, new: object, place: _Place) -> Iterator[Change]:
    """Yield the changes below one place; *name* is the key that holds it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys(), key=str):
            one, other = _opened(old.get(key), new.get(key))
            if not _same(one, other):
                yield from _either(str(key), one, other, place.key(str(key)))
    elif isinstance(old, list) and isinstance(new, list) and _of_dicts(old) and _of_dicts(new):
        yield from _walk_list(name, old, new, place)
    elif not _same(old, new):
        yield _change("changed", old, new, place)


def _same(old: object, new: object) -> bool:
    """Tell whether two values are the same; ``true`` is not 1. Most of a dashboard is, so that this is quick."""
    return old == new and text_of(old) == text_of(new)


def _opened(old: object, new: object) -> tuple[object, object]:
    """Return both, an empty one in the place of a missing object or list of objects: its keys are what changed."""
    for there in (old, new):
        if isinstance(there, dict) or (isinstance(there, list) and _of_dicts(there)):
            empty: object = type(there)()
            return empty if old is None else old, empty if new is None else new
    return old, new


def _either(name: str, old: object, new: object, place: _Place) -> Iterator[Change]:
    if old is None:
        yield _change("added", None, new, place)
    elif new is None:
        yield _change("removed", old, None, place)
    else:
        yield from _walk(name, old, new, place)


def _walk_list(name: str, old: list[Model], new: list[Model], place: _Place) -> Iterator[Change]:
    by_key, others = _keyed(name, old), _keyed(name, new)
    labels = _labels(name, others) | _labels(name, by_key)
    for key in by_key | others:
        one, other = by_key.get(key), others.get(key)
        if _same(one, other):
            continue
        secret = name == "list" and bool(_SECRET.search(key))
        yield from _either("", one, other, place.element(key, labels[key], secret=secret))
    before, after = ([key for key in keys if key in by_key and key in others] for keys in (by_key, others))
    if before != after and name != "panels":  # where panels stand is said by their gridPos
        yield _change("changed", [labels[k] for k in before], [labels[k] for k in after], place.key("order"))


def _keyed(name: str, elements: list[Model]) -> dict[str, Model]:
    """Return the elements by what tells them apart: a name, else where they stand."""
    found: dict[str, Model] = {}
    times: dict[str, Iterator[int]] = {}
    for number, element in enumerate(elements):
        own = element.get(_NAMED[name]) if name in _NAMED else None
        key = str(number if own is None and name != "panels" else own or element.get("title") or "")
        # Counting goes on where it stopped: from the start each time, 20,000 of one name would take minutes.
        names = times.setdefault(key, count(2))
        free = key
        while free in found:
            free = f"{key} ({next(names)})"
        found[free] = element
    return found


def _labels(name: str, elements: dict[str, Model]) -> dict[str, str]:
    """Return what a person calls each: a panel by its title, together with its id where two share it."""
    if name != "panels":
        return {key: _label(key) for key in elements}
    titles = {key: str(panel.get("title") or "") for key, panel in elements.items()}
    shared = Counter(titles.values())
    return {
        key: _label(title) if title and shared[title] == 1 else _label(f"{title} #{key}".strip())
        for key, title in titles.items()
    }


def _flat(model: Model) -> Model:
    """Return the dashboard with the panels of folded rows beside the others, the rows listing their ids."""
    panels: list[Model] = []
    for panel in model.get("panels", []):
        found = panel.get("panels")
        inside = found if isinstance(found, list) and _of_dicts(found) else []
        panels += [{**panel, "panels": [p.get("id", p.get("title")) for p in inside]} if inside else panel, *inside]
    return {**model, "panels": panels}


def _of_dicts(value: list[Any]) -> bool:
    return all(isinstance(element, dict) for element in value)


# showing


def _change(kind: Kind, old: object, new: object, place: _Place) -> Change:
    shown = (_shown(value, secret=place.secret) for value in (old, new))
    return Change(path=place.path, kind=kind, old=next(shown), new=next(shown), at=place.at)


def _shown(value: object, *, secret: bool) -> object:
    """Return a value without secrets and control characters."""
    if isinstance(value, dict):
        hidden = secret or bool(_SECRET.search(str(value.get("name") or "")))
        return {
            clean(str(k)): _shown(v, secret=k not in ("name", "type") and (hidden or bool(_SECRET.search(str(k)))))
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_shown(inner, secret=secret) for inner in value]
    if isinstance(value, str):
        return HIDDEN if secret and value else clean(redact(value), lines=True)
    return value


def _label(text: str) -> str:
    return cut(clean(redact(text)), MOST_LABEL)


def _values(change: Change) -> list[str]:
    if change.kind == "added":
        return _folded("+", change.new)
    if change.kind == "removed":
        return _folded("-", change.old)
    old, new = _as_text(change.old), _as_text(change.new)
    if old == new:
        return ["(what differs is not shown)"]
    if "\n" in old or "\n" in new:
        return _by_line(old.splitlines(), new.splitlines())
    start = _first_difference(old, new) if max(len(old), len(new)) > MOST_CHARACTERS else 0
    return [f"{sign} {_window(text, start)}" for sign, text in (("-", old), ("+", new))]


def _folded(sign: str, value: object) -> list[str]:
    lines = _as_text(value).splitlines()
    shown = [f"{sign} {_window(line, 0)}" for line in lines[:MOST_LINES]]
    return [*shown, f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else shown


def _by_line(old: list[str], new: list[str]) -> list[str]:
    compared = difflib.unified_diff(old[:_MOST_COMPARED_LINES], new[:_MOST_COMPARED_LINES], n=1, lineterm="")
    lines = [line for line in islice(compared, 2, None) if not line.startswith("@@")]
    shown = [f"{line[:1]} {_window(line[1:], _around(lines, at))}" for at, line in enumerate(lines[:MOST_LINES])]
    more = len(lines) > MOST_LINES or max(len(old), len(new)) > _MOST_COMPARED_LINES
    return [*shown, "… more lines differ"] if more else shown


def _around(lines: list[str], at: int) -> int:
    """Return where a line differs from the one that it takes the place of, or that takes its place."""
    sign = lines[at][:1]
    pair = lines[at + 1 : at + 2] if sign == "-" else lines[at - 1 : at] if sign == "+" and at else []
    other = next((line for line in pair if line[:1] in "-+" and line[:1] != sign), None)
    if other is None or max(len(lines[at]), len(other)) <= MOST_CHARACTERS:
        return 0
    return _first_difference(lines[at][1:], other[1:])


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _first_difference(old: str, new: str) -> int:
    shorter = min(len(old), len(new))
    return next((n for n in range(shorter) if old[n] != new[n]), shorter)


def _window(text: str, around: int) -> str:
    """Return the part of a long text that begins a little before a place."""
    start = min(max(around - _CONTEXT_CHARACTERS, 0), len(text))
    return ("…" if start else "") + cut(text[start:], MOST_CHARACTERS)
