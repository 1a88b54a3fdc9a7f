"""What differs between rule groups by what they mean: no order of keys, no white space, no ``60s`` for ``1m``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from obskit.ascode.alerts.rule import SECONDS_OF, UNIT
from obskit.ascode.compare import Change
from obskit.escape import clean, cut
from obskit.redact import redact

Document = dict[str, Any]
_Compare = Callable[[Document, Document, str], Iterator[Change]]

_DURATIONS = ("for", "keep_firing_for", "interval", "query_offset", "evaluation_delay")
#: Servers write fractions too, in Go's form: ``1h0m0.5s``. No clock needs more digits.
_PART = re.compile(rf"([0-9]{{1,18}}(?:\.[0-9]{{1,9}})?)({UNIT})")
_DURATION = re.compile(rf"(?:{_PART.pattern})*")
#: White space between these matters; elsewhere one space is as good as a line. What is not closed ends with the text:
#: else each of its quotes would be tried as a beginning.
_QUOTED = re.compile(r'("(?:\\.|[^"\\])*(?:"|\\?\Z)|\'(?:\\.|[^\'\\])*(?:\'|\\?\Z)|`[^`]*(?:`|\Z))', re.DOTALL)
#: What a text of a server or a file may be long: the largest rule file of a real installation is far below.
MOST_CHARACTERS = 4_000_000
_MOST_SHOWN = 2000


def parsed(text: str) -> Any:
    """Return what a YAML text holds; None where it is none.

    A text with aliases is none: a few lines of them stand for gigabytes, and no server writes any.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            return None
        return yaml.load(text, Loader=loader)  # noqa: S506 (both are safe loaders)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def groups_in(text: str) -> tuple[Document, ...] | None:
    """Return the groups of a rule file's text; None where it is no rule file."""
    found = parsed(text)
    groups = found.get("groups") if isinstance(found, dict) else None
    return as_groups(groups)


def as_groups(groups: object) -> tuple[Document, ...] | None:
    """Return rule groups; None where it is no list of them."""
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        return None
    for group in groups:
        rules = group.get("rules")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            return None
    return tuple(groups)


def same(one: Sequence[Document], other: Sequence[Document]) -> bool:
    """Return whether groups mean the same."""
    return [_normal_group(group) for group in one] == [_normal_group(group) for group in other]


def changes(old: Sequence[Document], new: Sequence[Document]) -> tuple[Change, ...]:
    """Return what turns *old* groups into *new*: rules by name, and of each what differs; values are redacted."""
    before, after = _by_name(old, "name"), _by_name(new, "name")
    return tuple(_walk(before, after, "", _group))


def _group(old: Document, new: Document, path: str) -> Iterator[Change]:
    own = [{key: value for key, value in group.items() if key != "rules"} for group in (old, new)]
    yield from _fields(own[0], own[1], path)
    before, after = _rules(old), _rules(new)
    yield from _walk(before, after, f"{path}.", _fields)
    kept = [[name for name in names if name in before and name in after] for names in (before, after)]
    if kept[0] != kept[1]:
        yield Change(path=f"{path}.rules", kind="changed", old=", ".join(kept[0]), new=", ".join(kept[1]))


def _walk(
    before: Mapping[str, Document], after: Mapping[str, Document], prefix: str, inner: _Compare
) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        path = f"{prefix}{name}"
        if name not in before:
            yield Change(path=path, kind="added")
        elif name not in after:
            yield Change(path=path, kind="removed")
        else:
            yield from inner(before[name], after[name], path)


def _fields(old: Document, new: Document, path: str) -> Iterator[Change]:
    for key in sorted({*map(str, old), *map(str, new)}):
        one, other = old.get(key), new.get(key)
        if _normal(key, one) == _normal(key, other):
            continue
        where = f"{path}.{_word(key)}"
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _fields(one, other, where)
        else:
            kind: Any = "added" if one is None else "removed" if other is None else "changed"
            yield Change(path=where, kind=kind, old=_shown(one), new=_shown(other))


def _rules(group: Document) -> dict[str, Document]:
    return _by_name(group.get("rules") or (), "alert", "record")


def _by_name(documents: Sequence[Document], *keys: str) -> dict[str, Document]:
    """Return documents by their names; one that has the name of an earlier is numbered."""
    found: dict[str, Document] = {}
    times: Counter[str] = Counter()
    for document in documents:
        name = _word(next((document[key] for key in keys if key in document), "?"))
        times[name] += 1
        found[name if times[name] == 1 else f"{name} ({times[name]})"] = document
    return found


def _normal_group(group: Document) -> Document:
    found = {str(key): _normal(str(key), value) for key, value in group.items() if key != "rules"}
    rules = [
        {str(k): n for k, v in rule.items() if (n := _normal(str(k), v)) is not None}
        for rule in group.get("rules") or ()
    ]
    return {**{key: value for key, value in found.items() if value is not None}, "rules": rules}


def _normal(key: str, value: object) -> object:
    """Return a value as it is compared; None for what servers leave out, or put in, when it says nothing."""
    if key in _DURATIONS:
        return _seconds(str(value)) or None if value is not None else None
    if key == "expr":
        return _expression(str(value))
    if isinstance(value, dict):
        return {str(k): str(v) for k, v in value.items()} or None
    return value or None


def _seconds(text: str) -> Decimal | str:
    """Return a duration in seconds, units in any order; the text itself where it is none."""
    if not _DURATION.fullmatch(text.strip()):
        return Decimal(0) if text.strip() == "0" else text
    return sum((Decimal(number) * SECONDS_OF[unit] for number, unit in _PART.findall(text)), Decimal(0))


def _expression(text: str) -> str:
    """Return a query with one space where there is white space, but where that is quoted or may end a comment."""
    parts = _QUOTED.split(text.strip())
    if any("#" in part for part in parts[::2]):
        return text.strip()
    return "".join(part if n % 2 else re.sub(r"\s+", " ", part) for n, part in enumerate(parts))


def _shown(value: object) -> object:
    return None if value is None else cut(redact(clean(str(value), lines=True)), _MOST_SHOWN)


def _word(value: object) -> str:
    return cut(clean(str(value)), 80)
