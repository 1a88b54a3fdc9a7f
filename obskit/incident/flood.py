"""Too many distinct texts -> few enough: their rare words are blanked, and no more of them than that needs.

A million lines that all differ in their words must cost no more memory than a few times their bytes, so words
are counted by a hash, in a table of fixed size, and no word is kept by itself.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from obskit.incident.distinct import distinct
from obskit.incident.grouping import MANY_VALUES
from obskit.incident.hashing import mixed
from obskit.incident.linebytes import END, Bytes, Ints, all_between, bytes_of, cuts, ended

Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.uint32]

#: What words are made of.
_IN_WORD: Final = np.array([chr(c).isalnum() if c < 128 else c != END for c in range(256)])
_IN_WORD[np.frombuffer(b"_-.@/+~%$*", np.uint8)] = True
#: Places of the table in which words are counted. Of two that share one, the rarer looks as frequent as both: among
#: 100,000 words one in eighty, and what it costs is a rare word that stays.
_SLOTS: Final = 1 << 23
#: What the rarest texts become.
_OTHERS: Final = b"(other lines)" + bytes([END])


class _Tokens(NamedTuple):
    """The words of some texts, and what stands between them.

    Attributes:
        slot: Shape (tokens,): where each is counted; what is no word lies beyond all words.
        edges: Shape (tokens + 1,): where each begins in the texts' bytes.
        starts: Shape (texts + 1,): the first token of each text.
    """

    slot: Codes
    edges: Ints
    starts: Ints


def fewer(codes: Codes, texts: pa.Array, most: int) -> tuple[Codes, pa.Array]:
    """Bring too many distinct texts down.

    A word that is rare among so many texts is a value where many texts are alike without it; a text
    that has few like it is left as it is: it may be the one that matters. What is still too much
    then differs in other signs than words, and is lumped together, the rarest first.

    Args:
        codes: Shape (lines,): the position of each line's text.
        texts: Distinct large_binary texts, each with its end.
        most: How many may be left.

    Returns:
        The same of the texts that are left.
    """
    offsets, _ = bytes_of(texts)
    blocks = list(pairwise(cuts(offsets).tolist()))
    slots, starts, counts = [], [], np.zeros(2 * _SLOTS, np.uint32)
    for first, last in blocks:
        tokens = _tokens(texts.slice(first, last - first))
        np.add.at(counts, tokens.slot, np.uint32(1))
        slots.append(tokens.slot)
        starts.append(tokens.starts.astype(np.int32))
    counts[_SLOTS:] = np.iinfo(np.uint32).max  # what stands between words is never rare
    least = 1
    sample = again = np.empty(0, np.int64)
    alone = np.ones(len(texts), bool)
    while least < 2 * len(texts) and not 0 < len(sample) <= most:
        least *= 2
        hashes = [_hashes(slot, start, counts, least) for slot, start in zip(slots, starts, strict=True)]
        _, again, size = np.unique(np.concatenate(hashes), return_inverse=True, return_counts=True)
        del hashes
        alone = size[again] < MANY_VALUES
        own = np.where(alone, len(size) + np.arange(len(texts)), again)
        _, sample, again, _ = distinct(own)
    del slots, starts
    codes = again.astype(np.int32)[codes]
    texts = _blanked(texts.take(pa.array(sample)), alone[sample], counts, least)
    return _lumped(codes, texts, most) if len(texts) > most else (codes, texts)


def _tokens(texts: pa.Array) -> _Tokens:
    offsets, raw = bytes_of(texts)
    inside = _IN_WORD[raw]
    edges = np.flatnonzero((inside[1:] != inside[:-1]) | (raw[:-1] == END)) + 1
    edges = np.concatenate(([0], edges, [len(raw)]))
    sizes = np.diff(edges)
    within = np.arange(len(raw)) - np.repeat(edges[:-1], sizes)
    slot = (np.add.reduceat(mixed(raw, within), edges[:-1]) & np.uint64(_SLOTS - 1)).astype(np.int32)
    slot[~inside[edges[:-1]]] += _SLOTS
    return _Tokens(slot, edges, np.searchsorted(edges, offsets - offsets[0]))


def _hashes(slot: Codes, starts: Codes, counts: Counts, least: int) -> npt.NDArray[np.uint64]:
    """Return a hash of each text of a block as it is when what was counted less often than *least* is blank."""
    kept = np.where(counts[slot] < least, 2 * _SLOTS, slot)
    sizes = np.diff(starts)
    places = np.arange(len(slot)) - np.repeat(starts[:-1], sizes)
    hashes: npt.NDArray[np.uint64] = np.add.reduceat(mixed(kept, places), starts[:-1])
    return hashes


def _blanked(texts: pa.Array, alone: npt.NDArray[np.bool_], counts: Counts, least: int) -> pa.Array:
    """Return texts with ``0`` in place of each rare word, but for those that are to be left alone."""
    parts: list[Bytes] = []
    for first, last in pairwise(cuts(bytes_of(texts)[0]).tolist()):
        some = texts.slice(first, last - first)
        slot, edges, starts = _tokens(some)
        rare = (counts[slot] < least) & ~np.repeat(alone[first:last], np.diff(starts))
        raw = bytes_of(some)[1].copy()
        keep = np.ones(len(raw), bool)
        keep[all_between(edges[:-1][rare] + 1, edges[1:][rare])] = False
        raw[edges[:-1][rare]] = ord("0")
        parts.append(raw[keep])
    return ended(np.concatenate(parts))


def _lumped(codes: Codes, texts: pa.Array, most: int) -> tuple[Codes, pa.Array]:
    """Return the most frequent texts, and one for all others."""
    lines = np.bincount(codes, minlength=len(texts))
    by_name = pc.sort_indices(texts).to_numpy()  # among equally rare ones not the one that came first
    keep = np.ones(len(texts), bool)
    keep[by_name[np.argsort(-lines[by_name], kind="stable")][most - 1 :]] = False
    lumped = pc.if_else(pa.array(keep), texts, pa.scalar(_OTHERS, pa.large_binary())).dictionary_encode()
    return lumped.indices.to_numpy()[codes], lumped.dictionary
