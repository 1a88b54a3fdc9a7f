"""Masked log messages -> templates: which words of messages that are alike are values.

Messages of one `wording` are one template. Then places are looked at: where messages are equal
but for one word, that word is a value if enough different ones were seen there. All places of
all messages are compared at once: a message without one word is the sum of the hashes of its
other words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from obskit.incident.hashing import mixed
from obskit.incident.masking import MASK, wording

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
#: A message of a key: texts with different keys are never merged.
Keyed = tuple[str, str]

#: A word counts as variable where at least this many values were seen in its place ...
VALUES_OF_A_VARIABLE: Final = 4
#: ... where a word that looks like a name (it has a mask, a path or a dot in it) counts twice, and so
#: does the lack of any.
_WEIGHT_OF_A_NAME: Final = 2
#: ... and where it would rather be no value: a message seldom begins with one, and the names in an error
#: say what failed.
MANY_VALUES: Final = 16
#: Longer messages are not compared word by word; shorter ones have too little in common.
_MOST_WORDS, _FEWEST_WORDS = 60, 3
#: Later passes see places that were hidden behind those of earlier ones.
_PASSES: Final = 12

#: What stands between words; leaders of dots and lines are as long as what they lead from is short.
_BETWEEN: Final = re.compile(r"([\s=()\[\]{}<>\"',;|]|[.*_-]{3,})")
#: In an error each part of a path stands for itself: files of one folder are values, folders are not.
_BETWEEN_IN_ERRORS: Final = re.compile(r"([\s=()\[\]{}<>\"',;|/\\]|[.*_-]{3,})")
_NAME: Final = re.compile(r"^$|\ufdd0|[#/\\@]|[\w#]\.[\w#]|^(?:true|false|[0-9a-f]{5,})$", re.IGNORECASE)
#: Words that say what happened, not to what: participles, methods of requests.
_SAYS_WHAT: Final = re.compile(
    r"\w+(?:ed|ing)[.:!]?|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE", re.IGNORECASE
)
#: Stands for a place that was found to take many values, as long as places are compared.
_VALUE: Final = "\ufdd0"
_STATUS_WORD: Final = re.compile(r"[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mined:
    """Which template each line belongs to.

    Attributes:
        ids: Shape (lines,), int32: position in ``templates``.
        templates: The distinct templates, ascending, so that order of lines does not matter.
    """

    ids: npt.NDArray[np.int32]
    templates: tuple[str, ...]


def group(texts: Sequence[str], apart: Sequence[str] | None = None, *, errors: bool = False) -> Mined:
    """Put masked texts together that say the same.

    Args:
        texts: Masked texts; equal ones may appear more than once.
        apart: One key a text, or None; texts with different keys are never merged.
        errors: Whether the texts tell of errors. What failed is then no value: paths, hosts and classes
            are kept, and a word is a value only where `MANY_VALUES` were seen in its place.

    Returns:
        One template id a text, and the templates (equal ones where only their keys differ).
    """
    pairs = list(zip(apart or [""] * len(texts), texts, strict=True))
    wordings = {pair: (pair[0], wording(pair[1], names=not errors)) for pair in sorted(set(pairs))}
    for _ in range(_PASSES):
        merged = _merge(sorted(set(wordings.values())), errors=errors)
        if not merged:
            break
        wordings = {pair: merged.get(said, said) for pair, said in wordings.items()}
    members: dict[Keyed, list[str]] = defaultdict(list)
    for pair, said in wordings.items():
        members[said].append(pair[1])
    names = {said: (said[0], _name(said[1], alike, errors=errors)) for said, alike in members.items()}
    current = sorted(set(names.values()))
    index = {name: i for i, name in enumerate(current)}
    ids = np.array([index[names[wordings[pair]]] for pair in pairs], np.int32)
    return Mined(ids=ids, templates=tuple(text for _, text in current))


def _name(said: str, alike: Sequence[str], *, errors: bool) -> str:
    """Return a template's text: what all of its messages have in common, or else their wording."""
    between = _BETWEEN_IN_ERRORS if errors else _BETWEEN
    parts = [between.split(text) for text in alike]
    if any(len(p) != len(parts[0]) or p[1::2] != parts[0][1::2] for p in parts):
        return said.replace(_VALUE, MASK)
    return "".join(column[0] if len(set(column)) == 1 else MASK for column in zip(*parts, strict=True))


def _merge(texts: Sequence[Keyed], *, errors: bool) -> dict[Keyed, Keyed]:
    """Return the new wording of each text that has siblings which differ in one word that is a value."""
    signs = _BETWEEN_IN_ERRORS if errors else _BETWEEN
    split = [(keyed, signs.split(keyed[1])) for keyed in texts]
    split = [(keyed, parts) for keyed, parts in split if len(parts) < 2 * _MOST_WORDS]
    split = [(keyed, parts) for keyed, parts in split if sum(map(bool, parts[::2])) >= 2]
    if len(split) < 2:
        return {}
    shapes, codes = dict[Keyed, int](), dict[str, int]()
    forms = [(keyed[0], "".join(parts[1::2])) for keyed, parts in split]
    shape = np.array([shapes.setdefault(form, len(shapes)) for form in forms])
    code = np.array([codes.setdefault(word, len(codes)) for _, parts in split for word in parts[::2]])
    length = np.array([(len(parts) + 1) // 2 for _, parts in split])
    between = np.array([codes.setdefault(mark, len(codes)) for _, parts in split for mark in ("", *parts[1::2])])
    words = list(codes)
    values = _values(words, code, shape, length, between == codes.get("=", -1), errors=errors)
    owner = np.repeat(np.arange(len(split)), length)
    place = np.arange(len(code)) - np.repeat(np.cumsum(length) - length, length)
    variable = values if errors else values | _seen_elsewhere(words, code, between, values)
    for i, at in zip(owner[variable].tolist(), place[variable].tolist(), strict=True):
        split[i][1][2 * at] = _VALUE
    _spread(split, shape.tolist())
    renamed = {keyed: (keyed[0], "".join(parts)) for keyed, parts in split}
    return {old: new for old, new in renamed.items() if old != new}


def _spread(split: Sequence[tuple[Keyed, list[str]]], shape: Sequence[int]) -> None:
    """Put a value where a text of the same shape, equal but for places of values, has one."""
    alike: dict[tuple[object, ...], list[list[str]]] = defaultdict(list)
    for (_, parts), form in zip(split, shape, strict=True):
        alike[(form,)].append(parts)
    for _ in range(2):  # texts that agree but for their own places of values, not for all of the shape's
        closer: dict[tuple[object, ...], list[list[str]]] = defaultdict(list)
        for key, members in alike.items():
            places = {i for parts in members for i in range(0, len(parts), 2) if parts[i] == _VALUE}
            if places:
                for parts in members:
                    rest = ("" if i in places and not _STATUS_WORD.fullmatch(w) else w for i, w in enumerate(parts))
                    closer[(*key, *rest)].append(parts)
        alike = closer
    for members in alike.values():
        for i in {i for parts in members for i in range(0, len(parts), 2) if parts[i] == _VALUE}:
            for parts in members:
                parts[i] = _VALUE if not _STATUS_WORD.fullmatch(parts[i]) else parts[i]


def _values(words: Sequence[str], code: Ints, shape: Ints, length: Ints, keyed: Flags, *, errors: bool) -> Flags:
    """Say of each word of each text whether it is a value; at most one word a text is.

    Args:
        words: The distinct words.
        code: Shape (all words of all texts,): position in ``words``.
        shape: Shape (texts,): equal where texts have the same words' number and the same signs between them.
        length: Shape (texts,): how many words each has.
        keyed: Shape (all words of all texts,): whether the word stands after "=".
        errors: Whether every place needs `MANY_VALUES`, whatever its words look like.
    """
    starts = np.cumsum(length) - length
    owner = np.repeat(np.arange(len(length)), length)
    place = np.arange(len(code)) - starts[owner]
    hashes = mixed(code, place)
    rest = np.add.reduceat(hashes, starts)[owner] - hashes + mixed(shape[owner] + len(words), place)
    _, family = np.unique(rest, return_inverse=True)
    name = np.array([bool(_NAME.search(word)) for word in words])[code]
    says = np.array([bool(_SAYS_WHAT.fullmatch(word)) for word in words])[code]
    status = np.array([bool(_STATUS_WORD.fullmatch(word)) for word in words])[code]
    masked = np.array([MASK in word or word == _VALUE for word in words])[code]
    name &= masked | (place > 0)  # a message may begin with the name of a class or of a setting
    weight = np.where(status, 0, np.where(name, _WEIGHT_OF_A_NAME, 1)) + (masked & keyed)
    weight = np.where(errors, ~status, weight)
    weight[np.array([word == _VALUE for word in words])[code]] = MANY_VALUES if errors else VALUES_OF_A_VARIABLE
    filled = np.array([bool(word) for word in words])[code]
    short = (np.add.reduceat(filled, starts, dtype=np.int64) < _FEWEST_WORDS)[owner]
    many = errors | np.where(place == 0, short | ~name, short & ~name)
    need = np.where(many, MANY_VALUES, VALUES_OF_A_VARIABLE)
    need = _largest(family, need)

    def enough(among: Flags) -> Flags:
        total = np.bincount(family, np.where(among, weight, 0))
        saying = np.bincount(family, among & says)
        several = np.bincount(family, among) > 1
        values: Flags = ((total >= need) & several & (2 * saying < total))[family] & among & ~status
        return values

    good = enough(np.ones(len(code), bool))
    # Each text goes with its largest family; a family that is left by too many is none.
    size = np.bincount(family)[family]
    entries = np.flatnonzero(good)
    entries = entries[np.lexsort((place[entries], -size[entries], owner[entries]))]
    chosen = np.zeros(len(code), bool)
    chosen[entries[np.unique(owner[entries], return_index=True)[1]]] = True
    return enough(chosen)


def _largest(family: Ints, numbers: Ints) -> Ints:
    """Return the largest number of each family."""
    found = np.zeros(int(family.max()) + 1, np.int64)
    np.maximum.at(found, family, numbers)
    return found


def _seen_elsewhere(words: Sequence[str], code: Ints, between: Ints, values: Flags) -> Flags:
    """Say of each word whether it was found to be a value after the same word in another text.

    Args:
        words: The distinct words, and the signs between them.
        code: Shape (all words of all texts,): position in ``words``.
        between: The same shape: the sign before the word; "" where a text begins.
        values: The same shape: whether it was found to be a value.
    """
    plain = np.array([word.isalpha() and not _SAYS_WHAT.fullmatch(word) for word in words])
    sign = np.array([bool(word) for word in words])
    before = np.concatenate(([0], code[:-1]))
    context = (before * len(words) + between) * len(words) + code
    may: Flags = sign[between] & plain[code] & plain[before]
    return may & np.isin(context, context[values & may])
