"""Phrases: pairs of neighbours that come together more often than their counts let expect, joined into one word."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _cold
from .arrays import packed, unpacked
from .corpus import PIECE, Corpus

Array = npt.NDArray[Any]
Pair = tuple[str, str]
NONE = 2**32 - 1  # the number of no word


def learned(
    corpus: Corpus, counter: _cold.WordCount, table: Array | None, min_count: int, threshold: float
) -> list[Pair]:
    """Pairs whose score is above the threshold, the frequent words first."""
    data, offsets, counts = counter.frequent(min_count, 2**62)
    bigrams = _cold.Bigrams(table, PIECE, data, offsets)
    for _ in corpus.read(bigrams, "counting pairs"):
        pass
    first, second, together = bigrams.repeated(min_count)
    expected = counts[first].astype(np.float64) * counts[second]
    chosen = np.flatnonzero((together - min_count).astype(np.float64) * counter.total / expected > threshold)
    words = unpacked(data, offsets)
    return [(words[a], words[b]) for a, b in zip(first[chosen].tolist(), second[chosen].tolist(), strict=True)]


class Joins:
    """The counts of a text after its phrases were joined.

    Parameters
    ----------
    corpus, counter
        The text and the counts of its words.
    table
        That of lower case, or None.
    pairs : list of (str, str)
    """

    def __init__(self, corpus: Corpus, counter: _cold.WordCount, table: Array | None, pairs: list[Pair]) -> None:
        self._counter = counter
        self._change: dict[str, int] = {}
        self.total = 0
        if not pairs:
            return
        parts = {part: i for i, part in enumerate(dict.fromkeys(part for pair in pairs for part in pair))}
        first = np.array([parts[a] for a, _ in pairs], np.uint32)
        second = np.array([parts[b] for _, b in pairs], np.uint32)
        encoder = _cold.Encoder(
            table, PIECE, 1, *packed(list(parts)), 0, first, second, np.full(len(pairs), NONE, np.uint32)
        )
        for _ in corpus.read(encoder, "joining phrases"):
            pass
        for (a, b), n in zip(pairs, encoder.joins().tolist(), strict=True):
            self.total += n
            for word, change in ((a, -n), (b, -n), (f"{a}_{b}", n)):
                self._change[word] = self._change.get(word, 0) + change

    def counts(self, data: Array, offsets: Array) -> Array:
        """Of these words."""
        counts = self._counter.counts(data, offsets)
        if self._change:
            counts += np.array([self._change.get(word, 0) for word in unpacked(data, offsets)], np.int64)
        return counts

    def frequent(self, least: int, most: int) -> tuple[Array, Array, Array]:
        """Bytes, offsets and counts of the frequent words, by falling count, then by bytes."""
        if not self._change:
            return self._counter.frequent(least, most)
        data, offsets, _ = self._counter.frequent(least, 2**62)
        words = list(dict.fromkeys([*unpacked(data, offsets), *self._change]))
        texts = [word.encode() for word in words]
        counts = self.counts(*packed(texts)).tolist()
        kept = sorted((-n, text) for n, text in zip(counts, texts, strict=True) if n >= least)[:most]
        return *packed([text for _, text in kept]), np.array([-n for n, _ in kept], np.int64)
