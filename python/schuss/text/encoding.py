"""Text as numbers of the words of a vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _cold
from .arrays import packed
from .corpus import PIECE, Corpus
from .lower import lower_table

if TYPE_CHECKING:
    from .vocabulary import Vocabulary

Array = npt.NDArray[Any]
LONGEST = 10_000  # words of a sentence


def parts(vocabulary: Vocabulary, corpus: Corpus) -> Iterator[tuple[Array, Array]]:
    """Numbers of words and ends of sentences, as they are read; ValueError if there are none in the end."""
    encoder = encoder_of(vocabulary)
    n = 0
    for _ in corpus.read(encoder, "reading words"):
        ids, ends = encoder.take()
        n += len(ids)
        yield ids, ends
    if n == 0:
        raise ValueError(
            f"source: none of its words is among the {len(vocabulary):,} of the vocabulary; "
            "is it the same language and case?"
        )


def encoder_of(vocabulary: Vocabulary) -> _cold.Encoder:
    """What turns text into numbers; parts of phrases that are no words of their own stand behind the words."""
    arrays = vocabulary.to_arrays()
    data, offsets = arrays["words"], arrays["offsets"]
    ids = {word.encode(): i for word, i in vocabulary.ids.items()} if vocabulary.phrases else {}
    pairs = [(a.encode(), b.encode()) for a, b in vocabulary.phrases]
    for part in sorted({part for pair in pairs for part in pair if part not in ids}):
        ids[part] = len(ids)
    more, borders = packed(list(ids)[len(vocabulary) :])
    joined = [ids.get(a + b"_" + b, len(ids)) for a, b in pairs]
    return _cold.Encoder(
        lower_table() if vocabulary.lower else None,
        PIECE,
        LONGEST,
        np.concatenate([data, more]),
        np.concatenate([offsets, borders[1:] + len(data)]),
        len(vocabulary),
        np.array([ids[a] for a, _ in pairs], np.uint32),
        np.array([ids[b] for _, b in pairs], np.uint32),
        np.array(joined, np.uint32),
    )
