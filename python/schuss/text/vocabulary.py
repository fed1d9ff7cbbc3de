"""Vocabulary: the frequent words of a text, each with a number and a count."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _cold
from .arrays import checked, packed, unpacked
from .corpus import Corpus
from .count import ALL, check_least, check_threshold, check_whole, counted
from .encoding import LONGEST, parts
from .lower import lower_table, lowered
from .near import unknown
from .phrases import Joins, Pair, learned
from .tokens import Tokens, cached, gathered

Array = npt.NDArray[Any]


class Vocabulary:
    """The frequent words of a text: made by `count`, or from arrays by `from_arrays`.

    Attributes
    ----------
    words : list of str
        By falling count, words of equal count by their bytes; those that `grow` added stand behind the others.
    counts : int64 array
    total : int
        Words of the text, those too that are rare.
    invalid : int
        Sequences of bytes that were no UTF-8 and became U+FFFD.
    lower : bool
        Whether text is lowered.
    phrases : list of (str, str)
        Pairs of neighbours that are joined with '_' into one word.

    Example
    -------
    >>> from schuss.text import Vocabulary
    >>> v = Vocabulary.count([["to", "be", "or", "not", "to", "be"], ["be", "quick"]], min_count=2)
    >>> v, v.index("to"), "quick" in v
    (Vocabulary(2 words, of 8 in the text), 1, False)
    """

    def __init__(
        self,
        data: Array,
        offsets: Array,
        counts: Array,
        total: int,
        invalid: int = 0,
        lower: bool = False,
        phrases: list[Pair] | None = None,
    ) -> None:
        self._bytes, self._offsets = data, offsets
        self.counts = counts
        self.total, self.invalid = total, invalid
        self.lower = lower
        self.phrases = phrases or []
        self._words: list[str] | None = None
        self._ids: dict[str, int] | None = None

    @classmethod
    def count(
        cls,
        source: Any,
        min_count: int = 5,
        max_vocab: int | None = None,
        phrases: float | None = None,
        lower: bool = False,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> Vocabulary:
        """Counts the words of a text, in parallel, and keeps the frequent ones.

            word: what stands between ASCII white space
            phrase: (count(ab) - min_count) total / (count(a) count(b)) > threshold

        Parameters
        ----------
        source : path, list of paths, binary file, or iterable
            Files as those of schuss.data: .gz, .bz2, .xz, .zst, "-", globs, URIs; a line is a sentence. Of an
            iterable, each item is a sentence: a list of strings, which are words as they are, or a string to be split.
            A list of strings is one of paths.
        min_count : int, default 5
            Rarer words are left out.
        max_vocab : int, optional
            No more words than so, the most frequent.
        phrases : float, optional
            The score above which two neighbours in a line become one word, joined by '_', from left to right; both
            have to come min_count times. Common values are 10 to 200. Reads the text three times.
        lower : bool, default False
            Lower case, by Python's rules for each character; a capital sigma becomes σ at a word's end too.
        threads : int, optional
            The result does not depend on it.
        progress : bool, optional
            A bar; None: where the error stream is a terminal.

        Returns
        -------
        Vocabulary

        Raises
        ------
        TypeError, ValueError, FileNotFoundError
            For an argument that does not fit; for a text without words, or with fewer than 2 that are frequent.
        OSError
            For a file that cannot be read to its end.

        Example
        -------
        >>> import pathlib, tempfile
        >>> from schuss.text import Vocabulary
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "text").write_text("New York is new\\nin New York\\n")
        ...     Vocabulary.count(folder + "/text", min_count=1, phrases=1.5).words
        ['New_York', 'in', 'is', 'new']

        Reference
        ---------
        Mikolov et al., Distributed Representations of Words and Phrases, NIPS 2013 (phrases).

        Differs from
        ------------
        gensim: counts are exact, nothing is pruned on the way. word2vec.c: no word for the sentence's end; words of
        equal count have an order. A word of more than 4,096 bytes counts as one that no vocabulary has.
        """
        check_least("min_count", min_count)
        if max_vocab is not None:
            check_whole("max_vocab", max_vocab, 2)
        if phrases is not None:
            check_threshold(phrases)
        if not isinstance(lower, bool):
            raise TypeError(f"lower: expected True or False, got {lower!r}")
        corpus = Corpus(source, threads, progress)
        table = lower_table() if lower else None
        counter = counted(corpus, table, phrases is not None)
        pairs: list[Pair] = []
        most = ALL if max_vocab is None else max_vocab
        if phrases is None:
            data, offsets, counts = counter.frequent(min_count, most)
        else:
            pairs = learned(corpus, counter, table, min_count, phrases)
            joins = Joins(corpus, counter, table, pairs)
            data, offsets, counts = joins.frequent(min_count, most)
        if len(counts) < 2:
            raise ValueError(
                f"min_count: {'one word comes' if len(counts) else 'no word comes'} at least {min_count} times in a "
                f"text of {counter.total:,} words, 2 are needed; use a smaller min_count, or more text"
            )
        total = counter.total - (joins.total if phrases is not None else 0)
        return cls(data, offsets, counts, total, counter.invalid, lower, pairs)

    # ---- words ----------------------------------------------------------------------------------------------------

    @property
    def words(self) -> list[str]:
        """All words, in the order of their numbers."""
        if self._words is None:
            self._words = unpacked(self._bytes, self._offsets)
        return self._words

    @property
    def ids(self) -> Mapping[str, int]:
        """The number of each word."""
        if self._ids is None:
            self._ids = {word: i for i, word in enumerate(self.words)}
        return self._ids

    def index(self, word: str) -> int:
        """The number of a word; a KeyError names near spellings.

        Example
        -------
        >>> from schuss.text import Vocabulary
        >>> Vocabulary.count([["to", "be", "to"]], min_count=1).index("be")
        1
        """
        try:
            return self.ids[word]
        except (KeyError, TypeError):
            raise unknown(word, self.ids) from None

    def __len__(self) -> int:
        return len(self.counts)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self.ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} words, of {self.total:,} in the text)"

    def normal(self, word: str) -> str:
        """A word as this vocabulary would have it: in lower case if it was counted so."""
        return lowered(word) if self.lower else word

    # ---- arrays ---------------------------------------------------------------------------------------------------

    def to_arrays(self) -> dict[str, Array]:
        """All of it as arrays by name, to be stored.

        Returns
        -------
        dict of str to array
            words (uint8: their UTF-8), offsets (int64, words + 1), counts (int64), phrases and phrase_offsets (their
            parts one behind the other), facts (int64: total, invalid, lower).

        Example
        -------
        >>> from schuss.text import Vocabulary
        >>> v = Vocabulary.count([["to", "be", "to"]], min_count=1)
        >>> Vocabulary.from_arrays(v.to_arrays()).words
        ['to', 'be']
        """
        phrases, phrase_offsets = packed([part for pair in self.phrases for part in pair])
        return {
            "words": self._bytes,
            "offsets": self._offsets,
            "counts": self.counts,
            "phrases": phrases,
            "phrase_offsets": phrase_offsets,
            "facts": np.array([self.total, self.invalid, self.lower], np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Vocabulary:
        """The vocabulary that gave these arrays; ValueError if they do not fit together. See `to_arrays`."""
        data, offsets, counts, phrases, borders, facts = checked(arrays)
        parts = unpacked(phrases, borders)
        total, invalid, lower = facts.tolist()
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
        return cls(data, offsets, counts, total, invalid, bool(lower), pairs)

    # ---- text -----------------------------------------------------------------------------------------------------

    def grow(
        self, source: Any, min_count: int = 5, threads: int | None = None, progress: bool | None = None
    ) -> Vocabulary:
        """A larger vocabulary: old words keep their numbers, new ones stand behind them, counts are added.

        Parameters
        ----------
        source
            As in `count`; lowered and joined as before, no new phrases are learned.
        min_count : int, default 5
            How often a new word has to come in this text.
        threads, progress
            As in `count`.

        Returns
        -------
        Vocabulary
            New words by falling count.

        Raises
        ------
        Those of `count`, but for the number of words that are left.

        Example
        -------
        >>> from schuss.text import Vocabulary
        >>> v = Vocabulary.count([["to", "be", "to"]], min_count=1)
        >>> larger = v.grow([["be", "quick"]], min_count=1)
        >>> larger.words, larger.counts.tolist()
        (['to', 'be', 'quick'], [2, 2, 1])
        """
        check_least("min_count", min_count)
        corpus = Corpus(source, threads, progress)
        table = lower_table() if self.lower else None
        counter = counted(corpus, table, bool(self.phrases))
        joins = Joins(corpus, counter, table, self.phrases)
        old = self.counts + joins.counts(self._bytes, self._offsets)
        data, offsets, counts = joins.frequent(min_count, ALL)
        fresh = [i for i, word in enumerate(unpacked(data, offsets)) if word not in self.ids]
        added = [bytes(data[offsets[i] : offsets[i + 1]]) for i in fresh]
        more, borders = packed(added)
        return Vocabulary(
            np.concatenate([self._bytes, more]),
            np.concatenate([self._offsets, borders[1:] + len(self._bytes)]),
            np.concatenate([old, counts[fresh]]),
            self.total + counter.total - joins.total,
            self.invalid + counter.invalid,
            self.lower,
            self.phrases,
        )

    def encode(
        self,
        source: Any,
        cache: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> Tokens:
        """A text as numbers of words; rare and unknown words are dropped, then sentences cut after 10,000 words.

        Parameters
        ----------
        source
            As in `count`.
        cache : path, optional
            A file for the result, which is mapped, so that it needs no memory. If the file is there, was made by the
            same vocabulary, and of the same files, by name, size and time of change, then nothing is read. Text that
            is not in local files is always read.
        threads, progress
            As in `count`.

        Returns
        -------
        Tokens

        Raises
        ------
        TypeError, ValueError, OSError
            As in `count`; for a text that has no word of the vocabulary; for a cache that is a file of another kind.

        Example
        -------
        >>> from schuss.text import Vocabulary
        >>> v = Vocabulary.count([["to", "be", "to"]], min_count=1)
        >>> v.encode([["to", "be", "or"], ["not", "to", "be"]]).ids
        array([0, 1, 0, 1], dtype=uint32)
        """
        corpus = Corpus(source, threads, progress)
        if cache is None:
            tokens = gathered(parts(self, corpus))
        else:
            key = {"files": corpus.stamp(), "vocabulary": self._checksum(), "longest": LONGEST}
            tokens = cached(lambda: parts(self, corpus), cache, key)
        return tokens

    def _checksum(self) -> int:
        arrays = self.to_arrays()
        hashed = (arrays["words"], arrays["offsets"], arrays["phrases"], arrays["phrase_offsets"], arrays["facts"][2:])
        return _cold.checksum(b"".join(a.tobytes() for a in hashed))
