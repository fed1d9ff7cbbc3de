"""Words and the rows of a matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..text.near import unknown

Array = npt.NDArray[Any]


class Rows:
    """A row of numbers for each word."""

    def __init__(self, words: Sequence[str], matrix: Array) -> None:
        if not isinstance(matrix, np.ndarray):
            raise TypeError(f"matrix: expected a NumPy array, got {type(matrix).__name__}; use np.asarray(...)")
        if matrix.dtype != np.float32:
            raise TypeError(f'matrix: expected float32, got {matrix.dtype}; use .astype("float32")')
        self.words = list(words)
        if not all(isinstance(word, str) for word in self.words):
            raise TypeError("words: expected strings")
        if matrix.ndim != 2 or len(matrix) != len(self.words) or matrix.shape[1] < 1:
            raise ValueError(f"matrix: expected shape ({len(self.words)}, dimensions), got {matrix.shape}")
        self.matrix = matrix
        self.ids: Mapping[str, int] = {word: i for i, word in enumerate(self.words)}
        if len(self.ids) < len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.ids[word] != i)
            raise ValueError(f"words: {twice!r} comes twice; keep the first")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self.ids

    def __getitem__(self, word: str) -> Array:
        vector: Array = self.matrix[self.index(word)]
        return vector

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} words, {self.dim} dimensions)"

    @property
    def dim(self) -> int:
        """Numbers of a vector."""
        return int(self.matrix.shape[1])

    def index(self, word: str) -> int:
        """The row of a word; a KeyError names near spellings."""
        try:
            return self.ids[word]
        except (KeyError, TypeError):
            raise unknown(word, self.ids) from None
