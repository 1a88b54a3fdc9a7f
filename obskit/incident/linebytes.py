"""A column of texts as bytes: each text with a byte at its end that no UTF-8 text holds."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

#: Ends a text.
END: Final = 0xFF
#: Bytes that are worked on at once: enough that calls cost little, few enough to need little memory.
BLOCK: Final = 1 << 20


def bytes_of(array: pa.Array) -> tuple[Ints, Bytes]:
    """Return the offsets of a large_binary array's values, and the bytes from its first value to its last."""
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = array.buffers()[2]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return offsets, raw[offsets[0] : offsets[-1]]


def ended(raw: Bytes) -> pa.Array:
    """Return bytes as a large_binary array of texts, each with the byte that ends it."""
    where = np.concatenate(([0], np.flatnonzero(raw == END) + 1))
    return pa.Array.from_buffers(pa.large_binary(), len(where) - 1, [None, pa.py_buffer(where), pa.py_buffer(raw)])


def cuts(offsets: Ints) -> Ints:
    """Return where a column is cut into blocks, as positions of texts: a block ends where a text does.

    Args:
        offsets: Shape (texts + 1,): where each text's bytes begin.
    """
    edges = np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], BLOCK), side="right") - 1
    return np.unique(np.concatenate(([0], edges, [len(offsets) - 1])))


def all_between(first: Ints, last: Ints) -> Ints:
    """Return all places from each first to each last (exclusive), one after the other."""
    lengths = last - first
    ends = np.cumsum(lengths)
    places: Ints = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(first - (ends - lengths), lengths)
    return places
