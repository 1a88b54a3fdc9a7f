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

from obskit.incident.grouping import MANY_VALUES
from obskit.incident.hashing import mixed

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

#: More distinct texts than this come from words, not numbers: they are masked harder.
MOST_TEXTS: Final = 20_000
#: Bytes that are worked on at once: enough that calls cost little, few enough to need little memory.
_BLOCK: Final = 1 << 20
#: Blocks whose texts are compared before they are kept: bounds what is held of lines that are alike.
_BLOCKS_AT_ONCE: Final = 8
#: Ends a line.
_END: Final = 0xFF

_OTHER, _LETTER, _HEX, _DIGIT = range(4)
_CLASSES: Final = bytes(
    _DIGIT
    if chr(c).isdigit() and c < 128
    else _HEX
    if chr(c) in "abcdefABCDEF"
    else _LETTER
    if 128 <= c < _END or (chr(c).isalpha() and c < 128)
    else _OTHER
    for c in range(256)
)
_ZEROS: Final = bytes(ord("0") if chr(c) in "0123456789" else c for c in range(256))

_UUID_LENGTH: Final = 36
_UUID_DIGITS: Final = np.setdiff1d(np.arange(_UUID_LENGTH), (8, 13, 18, 23))
_NOWHERE: Final = np.empty(0, np.int64)

#: What may stand right before and after an HTTP status for it to be kept.
_BESIDE_STATUS: Final = np.array([chr(c) in " =:\"',;}])|" or c < 32 or c == _END for c in range(256)])
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
#: What words are made of where rare ones are looked for; and what the rarest texts become.
_IN_WORD: Final = np.array([_CLASSES[c] != _OTHER or chr(c) in "_-.@/+~%$*" for c in range(256)])
_OTHERS: Final = b"(other lines)" + bytes([_END])
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
        codes, texts = _fewer(codes, texts)
    return codes, pc.binary_slice(texts, 0, -1).cast(pa.large_string()).to_pylist()


def _encoded(chunk: pa.Array) -> Iterator[pa.DictionaryArray]:
    """Return a chunk's lines, blanked and encoded, some blocks at a time."""
    filled = pc.fill_null(chunk.cast(pa.large_string()), "").cast(pa.large_binary())
    if not len(filled):
        return
    offsets, _ = _bytes_of(filled)
    # Blocks end where lines end: a word must not be cut in two.
    edges = np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], _BLOCK), side="right") - 1
    edges = np.unique(np.concatenate(([0], edges, [len(filled)])))
    nothing, end = (pa.scalar(b, pa.large_binary()) for b in (b"", bytes([_END])))
    for some in _batches(edges):
        kept = []
        for first, last in some:
            ended = pc.binary_join_element_wise(filled.slice(first, last - first), nothing, end)
            kept.append(_blank(_bytes_of(ended)[1]))
        yield _ended(np.concatenate(kept)).dictionary_encode()


def _bytes_of(array: pa.Array) -> tuple[Ints, Bytes]:
    """Return the offsets of a large_binary array's values, and the bytes from its first value to its last."""
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = array.buffers()[2]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return offsets, raw[offsets[0] : offsets[-1]]


def _ended(raw: Bytes) -> pa.Array:
    """Return bytes as a large_binary array of lines, each with the byte that ends it."""
    where = np.concatenate(([0], np.flatnonzero(raw == _END) + 1))
    return pa.Array.from_buffers(pa.large_binary(), len(where) - 1, [None, pa.py_buffer(where), pa.py_buffer(raw)])


def _batches(edges: Ints) -> Iterator[list[tuple[int, int]]]:
    pairs = list(itertools.pairwise(edges.tolist()))
    for i in range(0, len(pairs), _BLOCKS_AT_ONCE):
        yield pairs[i : i + _BLOCKS_AT_ONCE]


def _blank(raw: Bytes) -> Bytes:
    """Return some lines' bytes, each line ended, with its numbers and ids blanked."""
    data = bytearray(raw)
    kinds = np.frombuffer(data.translate(_CLASSES), np.uint8)
    uuid = _uuids(raw, kinds)
    hidden = _all_between(uuid + 1, uuid + _UUID_LENGTH)
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
        keep[_all_between(first + 1, last)] = False
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


def _all_between(first: Ints, last: Ints) -> Ints:
    """Return all places from each first to each last (exclusive), one after the other."""
    lengths = last - first
    ends = np.cumsum(lengths)
    places: Ints = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(first - (ends - lengths), lengths)
    return places


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
        letters = kinds[_all_between(first[doubtful], last[doubtful])] == _LETTER
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
    left = np.flatnonzero(~kept & (raw[before] != _END))
    before = before[left]
    for _ in range(_LONGEST_TARGET):
        if not len(left):
            break
        here = raw[before]
        kept[left[here == ord("/")]] = True
        on = (here != ord("/")) & (here != ord(" ")) & (here != _END)
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
    return _all_between(first[short], ends[short])


# -- where that is not enough -------------------------------------------------------------------


def _fewer(codes: Codes, texts: pa.Array) -> tuple[Codes, pa.Array]:
    """Bring too many distinct texts down: blank their rarest words, and no more than that needs.

    A word that is rare among so many texts is a value where many texts are alike without it; a text
    that has few like it is left as it is: it may be the one that matters. What is still too much
    then differs in other signs than words, and is lumped together, the rarest first.
    """
    tokens, starts = _tokens(texts)
    token, known = tokens.indices.to_numpy(), tokens.dictionary
    sizes = np.diff(starts, append=len(token))
    offsets, raw = _bytes_of(known)
    word, counts = _IN_WORD[raw[offsets[:-1]]], np.bincount(token, minlength=len(known))
    least = 1
    sample = again = np.empty(0, np.int64)
    alone = np.ones(len(texts), bool)
    while least < 2 * len(texts) and not 0 < len(sample) <= MOST_TEXTS:
        least *= 2
        kept = np.where(word & (counts < least), len(known), np.arange(len(known)))
        hashes = [
            np.add.reduceat(mixed(kept[token[starts[i] : end]], _all_between(np.zeros_like(size), size)), at)
            for i in range(0, len(starts), MOST_TEXTS)
            for size in (sizes[i : i + MOST_TEXTS],)
            for at, end in ((starts[i : i + MOST_TEXTS] - starts[i], starts[i] + size.sum()),)
        ]
        _, again, size = np.unique(np.concatenate(hashes), return_inverse=True, return_counts=True)
        alone = size[again] < MANY_VALUES
        own = np.where(alone, len(size) + np.arange(len(texts)), again)
        _, sample, again = np.unique(own, return_index=True, return_inverse=True)
    zero = pa.scalar(b"0", pa.large_binary())
    # Words as they are, and after them as the texts have them that are not left alone.
    both = pa.chunked_array([known, pc.if_else(pa.array(word & (counts < least)), zero, known)])
    at = token[_all_between(starts[sample], starts[sample] + sizes[sample])]
    pieces = both.take(pa.array(at + len(known) * np.repeat(~alone[sample], sizes[sample]))).combine_chunks()
    codes, texts = again.astype(np.int32)[codes], _ended(_bytes_of(pieces)[1])
    if len(texts) > MOST_TEXTS:
        lines = np.bincount(codes, minlength=len(texts))
        by_name = pc.sort_indices(texts).to_numpy()  # among equally rare ones not the one that came first
        keep = np.ones(len(texts), bool)
        keep[by_name[np.argsort(-lines[by_name], kind="stable")][MOST_TEXTS - 1 :]] = False
        lumped = pc.if_else(pa.array(keep), texts, pa.scalar(_OTHERS, pa.large_binary())).dictionary_encode()
        codes, texts = lumped.indices.to_numpy()[codes], lumped.dictionary
    return codes, texts


def _tokens(texts: pa.Array) -> tuple[pa.DictionaryArray, Ints]:
    """Return the words of all texts and what stands between them, and where each text's begin."""
    parts, starts, total = [], [], 0
    for i in range(0, len(texts), MOST_TEXTS):
        offsets, raw = _bytes_of(texts.slice(i, MOST_TEXTS))
        inside = _IN_WORD[raw]
        edges = np.flatnonzero((inside[1:] != inside[:-1]) | (raw[:-1] == _END)) + 1
        edges = np.concatenate(([0], edges, [len(raw)]))
        starts.append(np.searchsorted(edges, offsets[:-1] - offsets[0]) + total)
        total += len(edges) - 1
        buffers = [None, pa.py_buffer(edges), pa.py_buffer(raw)]
        parts.append(pa.Array.from_buffers(pa.large_binary(), len(edges) - 1, buffers).dictionary_encode())
    whole = pa.chunked_array(parts).unify_dictionaries()
    token = pa.array(np.concatenate([part.indices.to_numpy() for part in whole.chunks]))
    return pa.DictionaryArray.from_arrays(token, whole.chunk(0).dictionary), np.concatenate(starts)
