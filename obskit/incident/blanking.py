"""Many lines -> few texts: numbers and ids are blanked in the bytes of a whole column.

The only step that sees every line, so it works on whole blocks of bytes. A byte that no UTF-8
text holds ends each line; what is left between two of them is a line's text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from obskit.incident.flood import fewer
from obskit.incident.linebytes import END, Bytes, Ints, all_between, bytes_of, cuts, ended

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]

#: More distinct texts than this come from words, not numbers: they are masked harder.
MOST_TEXTS: Final = 20_000
#: Blocks whose texts are compared before they are kept: bounds what is held of lines that are alike.
_BLOCKS_AT_ONCE: Final = 8

_OTHER, _LETTER, _HEX, _DIGIT = range(4)
_CLASSES: Final = bytes(
    _DIGIT
    if chr(c).isdigit() and c < 128
    else _HEX
    if chr(c) in "abcdefABCDEF"
    else _LETTER
    if 128 <= c < END or (chr(c).isalpha() and c < 128)
    else _OTHER
    for c in range(256)
)
_ZEROS: Final = bytes(ord("0") if chr(c) in "0123456789" else c for c in range(256))

_UUID_LENGTH: Final = 36
_UUID_DIGITS: Final = np.setdiff1d(np.arange(_UUID_LENGTH), (8, 13, 18, 23))
_NOWHERE: Final = np.empty(0, np.int64)

#: What may stand right before and after an HTTP status for it to be kept.
_BESIDE_STATUS: Final = np.array([chr(c) in " =:\"',;}])|" or c < 32 or c == END for c in range(256)])
#: What may stand between a status and the word before it.
_BEFORE_STATUS: Final = np.array([chr(c) in " =:\"'" for c in range(256)])
#: Ends of words before a status: status, code, returned, answered, responded, response, with.
_TAILS: Final = np.array(
    sorted(int.from_bytes(t, "big") for t in (b"atus", b"code", b"rned", b"ered", b"nded", b"onse", b"with")), np.uint32
)
#: Ends of words before the code of an error: errno, sqlstate, code, status, error, ORA-, TNS- ...
_CODE_TAILS: Final = tuple(int.from_bytes(t, "little") for t in (b"rrno", b"tate", b"code", b"atus", b"ora-", b"tns-"))
#: ... and the one that is followed by many other things: only a single sign may stand between.
_ERROR_TAIL: Final = int.from_bytes(b"rror", "little")
#: What may stand between them, and how many of it; how long a code is (SQLSTATE has five signs).
_BEFORE_CODE: Final = np.array([chr(c) in " =:\"'[(-" for c in range(256)])
_MOST_BEFORE_CODE, _LONGEST_CODE = 5, 5
#: A request's target is looked for its last slash this far back.
_LONGEST_TARGET: Final = 400


def coarse(lines: pa.ChunkedArray | pa.Array) -> tuple[Codes, list[str]]:
    """Blank numbers and ids in a whole column and return the distinct texts that are left.

    Args:
        lines: Strings; null counts as "".

    Returns:
        Shape (lines,), the position of each line's text; and the texts, where every run of
        letters and digits that looks like a number or an id has become ``0``. Three digits
        that may be an HTTP status stay.
    """
    chunks = lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]
    parts = [part for chunk in chunks for part in _encoded(chunk)]
    if not parts:
        return np.empty(0, np.int32), []
    whole = pa.chunked_array(parts).unify_dictionaries()
    codes = np.concatenate([part.indices.to_numpy() for part in whole.chunks])
    texts = whole.chunk(0).dictionary
    del parts, whole  # as large as the column where all lines differ
    if len(texts) > MOST_TEXTS:
        codes, texts = fewer(codes, texts, MOST_TEXTS)
    return codes, pc.binary_slice(texts, 0, -1).cast(pa.large_string()).to_pylist()


def _encoded(chunk: pa.Array) -> Iterator[pa.DictionaryArray]:
    """Return a chunk's lines, blanked and encoded, some blocks at a time."""
    filled = pc.fill_null(chunk.cast(pa.large_string()), "").cast(pa.large_binary())
    if not len(filled):
        return
    edges = cuts(bytes_of(filled)[0])
    nothing, end = (pa.scalar(b, pa.large_binary()) for b in (b"", bytes([END])))
    for some in _batches(edges):
        kept = []
        for first, last in some:
            whole = pc.binary_join_element_wise(filled.slice(first, last - first), nothing, end)
            kept.append(_blank(bytes_of(whole)[1]))
        yield ended(np.concatenate(kept)).dictionary_encode()


def _batches(edges: Ints) -> Iterator[list[tuple[int, int]]]:
    pairs = list(itertools.pairwise(edges.tolist()))
    for i in range(0, len(pairs), _BLOCKS_AT_ONCE):
        yield pairs[i : i + _BLOCKS_AT_ONCE]


def _blank(raw: Bytes) -> Bytes:
    """Return some lines' bytes, each line ended, with its numbers and ids blanked."""
    data = bytearray(raw)
    kinds = np.frombuffer(data.translate(_CLASSES), np.uint8)
    uuid = _uuids(raw, kinds)
    hidden = all_between(uuid + 1, uuid + _UUID_LENGTH)
    kinds[hidden], kinds[uuid] = _OTHER, _DIGIT
    digit = kinds == _DIGIT
    if not digit.any():
        return raw
    word = kinds != _OTHER
    start = digit.copy()
    start[1:] &= ~digit[:-1]
    keep = start | ~digit
    keep[hidden] = False
    text = np.frombuffer(data.translate(_ZEROS), np.uint8)
    text[uuid] = ord("0")
    first, last = _whole_words(kinds, digit, word)
    if len(first):
        keep[all_between(first + 1, last)] = False
        text[first], keep[first] = ord("0"), True
    codes = _codes(raw, digit, word)
    text[codes], keep[codes] = raw[codes], True
    status = _statuses(raw, start, digit, word)
    for i in range(3):
        text[status + i], keep[status + i] = raw[status + i], True
    return np.compress(keep, text)


def _uuids(raw: Bytes, kinds: Bytes) -> Ints:
    """Return where UUIDs start: 8, 4, 4, 4 and 12 hexadecimal digits that stand alone."""
    if len(raw) <= _UUID_LENGTH:
        return _NOWHERE
    dash = (raw == ord("-"))[: len(raw) - _UUID_LENGTH + 23]
    at = np.flatnonzero(dash[8:-15] & dash[13:-10] & dash[18:-5] & dash[23:])
    if not len(at):
        return _NOWHERE
    inside = (kinds[at[:, None] + _UUID_DIGITS] >= _HEX).all(axis=1)
    alone = ((kinds[at - 1] == _OTHER) | (at == 0)) & (kinds[at + _UUID_LENGTH] == _OTHER)
    found: Ints = at[inside & alone]
    return found


def _whole_words(kinds: Bytes, digit: Flags, word: Flags) -> tuple[Ints, Ints]:
    """Return where words of both letters and digits that are numbers or ids start and end."""
    inside = word[:-1] & word[1:]
    turns = np.flatnonzero(inside & (digit[:-1] ^ digit[1:]))  # a letter beside a digit
    if not len(turns):
        return turns, turns
    edges = np.flatnonzero(word[:-1] ^ word[1:]) + 1
    edges = np.concatenate((np.zeros(int(word[0]), np.int64), edges))
    starts, ends = edges[0::2], edges[1::2]
    of = np.searchsorted(starts, turns, side="right") - 1
    news = np.flatnonzero(np.concatenate(([True], of[1:] != of[:-1])))
    turned = np.concatenate((news[1:], [len(of)])) - news
    first, last = starts[of[news]], ends[of[news]]
    length, leads = last - first, digit[first]
    runs = (turned + 1 + leads) // 2
    whole = leads | ((runs >= 2) & (length >= 5))
    doubtful = np.flatnonzero(~whole & (length >= 6))
    if len(doubtful):
        size = length[doubtful]
        letters = kinds[all_between(first[doubtful], last[doubtful])] == _LETTER
        whole[doubtful] = ~np.logical_or.reduceat(letters, np.cumsum(size) - size)
    return first[whole], last[whole]


def _statuses(raw: Bytes, start: Flags, digit: Flags, word: Flags) -> Ints:
    """Return where numbers of three digits stand that may be HTTP statuses."""
    found = start[1:-3] & digit[2:-2] & digit[3:-1] & ~(word[:-4] | word[4:])
    three = np.flatnonzero(found) + 1
    at: Ints = three[
        (raw[three] >= ord("1"))
        & (raw[three] <= ord("5"))
        & _BESIDE_STATUS[raw[three - 1]]
        & _BESIDE_STATUS[raw[three + 3]]
    ]
    if not len(at):
        return at
    before = at - 1
    for _ in range(4):
        before = before - _BEFORE_STATUS[raw[before]]
    tail = np.zeros(len(at), np.uint32)
    for i in (3, 2, 1, 0):
        tail = tail << np.uint32(8) | (raw[before - i] | np.uint8(0x20))
    kept = _TAILS[np.searchsorted(_TAILS[:-1], tail)] == tail
    # Or the word before the number has a slash: a path, or the version of HTTP.
    left = np.flatnonzero(~kept & (raw[before] != END))
    before = before[left]
    for _ in range(_LONGEST_TARGET):
        if not len(left):
            break
        here = raw[before]
        kept[left[here == ord("/")]] = True
        on = (here != ord("/")) & (here != ord(" ")) & (here != END)
        left, before = left[on], before[on] - 1
    statuses: Ints = at[kept]
    return statuses


def _codes(raw: Bytes, digit: Flags, word: Flags) -> Ints:
    """Return the places of short words with a digit that may be codes of errors."""
    low = raw | np.uint8(0x20)
    low = np.concatenate((low, np.zeros(-len(low) % 4 + 4, np.uint8)))
    found, lone = [_NOWHERE], [_NOWHERE]
    for shift in range(4):
        four = low[shift : len(low) - 4 + shift].view("<u4")
        hit = four == _CODE_TAILS[0]
        for tail in _CODE_TAILS[1:]:
            hit |= four == tail
        found.append(np.flatnonzero(hit) * 4 + shift + 4)
        lone.append(np.flatnonzero(four == _ERROR_TAIL) * 4 + shift + 4)
    alone = np.concatenate(lone)
    at, last = np.concatenate(found), len(raw) - 1  # raw ends with the end of a line, which is in no word
    at, alone = at[at <= last], alone[alone < last]
    for _ in range(_MOST_BEFORE_CODE):
        at = at + _BEFORE_CODE[raw[at]]
    alone = alone[(raw[alone] == ord(" ")) | (raw[alone] == ord("="))] + 1
    first = np.concatenate((at, alone))
    first = np.unique(first[word[first] & ~word[first - 1]])
    ends, some = first.copy(), np.zeros(len(first), bool)
    for _ in range(_LONGEST_CODE):
        some |= digit[ends]
        ends += word[ends]
    short = some & ~word[ends]
    return all_between(first[short], ends[short])
