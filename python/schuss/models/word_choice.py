"""What a model of words decides from the counts of a vocabulary alone: what is kept, drawn and predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _cold

Array = NDArray[Any]


def keep_bits(counts: Array, sample: float) -> Array:
    """Of each word the largest 32 bits with which it is kept: with probability sqrt(t / f) + t / f for frequency f.

    >>> (keep_bits(np.array([99, 1]), 0.01) / 2**32).round(3)
    array([0.111, 1.   ])
    """
    if sample == 0:
        return np.full(len(counts), 2**32 - 1, np.uint32)
    ratio = sample * counts.sum() / counts.astype(np.float64)
    chance = np.minimum(np.sqrt(ratio) + ratio, 1.0)
    bits: Array = np.maximum(np.ceil(chance * 2.0**32) - 1, 0).astype(np.uint32)
    return bits


def negatives(counts: Array, power: float) -> Array:
    """A table to draw words from in proportion to counts ** power: threshold and other word, uint32 (n, 2)."""
    found: Array = _cold.alias_table(counts.astype(np.float64) ** power)
    return found


def tree(counts: Array) -> tuple[Array, Array]:
    """Huffman's tree: where the path of each word starts, and the paths, 2 node + code, from the root.

    >>> tree(np.array([3, 2, 1]))
    (array([0, 1, 3, 5]), array([3, 2, 1, 2, 0], dtype=uint32))
    """
    start, path = _cold.huffman(counts.astype(np.int64))
    return start, path


def groups(words: Sequence[str], lengths: tuple[int, int], buckets: int) -> tuple[Array, Array]:
    """The rows behind each word: its own, after the buckets, then those of its n-grams."""
    start, grams = _cold.ngrams([word.encode() for word in words], *lengths, buckets)
    own = np.arange(len(words), dtype=np.uint32) + np.uint32(buckets)
    return start + np.arange(len(start)), np.insert(grams, start[:-1], own)
