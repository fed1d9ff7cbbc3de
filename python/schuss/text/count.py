"""All words of a text, and what counting may be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _cold
from .corpus import PIECE, Corpus

Array = npt.NDArray[Any]
ALL = 2**62  # words or counts: more than there are


def counted(corpus: Corpus, table: Array | None, again: bool) -> _cold.WordCount:
    """All words of a text."""
    if again and corpus.once:
        raise ValueError(
            "source: phrases need to read it more than once, which a stream or an iterator does not allow; "
            "use a file, or a list of sentences"
        )
    counter = _cold.WordCount(table, PIECE)
    for _ in corpus.read(counter, "counting words"):
        pass
    if counter.total == 0:
        raise ValueError("source: an empty corpus: there is no word in it; is it the right file?")
    return counter


def check_least(name: str, value: int) -> None:
    check_whole(name, value, 1)


def check_whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if not least <= value < ALL:
        raise ValueError(f"{name}: expected at least {least}, got {value}")


def check_threshold(value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)):
        raise TypeError(f"phrases: expected a threshold, a number above 0, or None, got {type(value).__name__}")
    if not 0 < value < float("inf"):
        raise ValueError(f"phrases: expected a threshold above 0, or None, got {value}")
