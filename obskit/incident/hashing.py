"""Hashes of columns: what is equal has equal hashes, in every run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]


def mixed(numbers: npt.NDArray[np.integer], places: npt.NDArray[np.integer]) -> Hashes:
    """Return a 64-bit hash of each number at its place, fit to be summed up to a sequence's hash.

    Args:
        numbers: What stands there, below 2**44.
        places: The same shape: where, below 2**20.

    Returns:
        The same shape; the finaliser of SplitMix64 (Steele, Lea and Flood, 2014) spreads them.
    """
    bits = numbers.astype(np.uint64) << np.uint64(20) | places.astype(np.uint64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
