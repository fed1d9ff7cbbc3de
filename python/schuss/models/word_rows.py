"""The rows of word vectors: a row of numbers for each word, n-gram or node, beside the slots of a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _cold
from ..rules import Rule

Array = NDArray[Any]
PACK = 16  # floats
BLOCK = 1 << 20  # numbers that are filled together


class WordRows:
    """`rows` rows [w | slot | slot ... | shared]; w and each slot are padded to whole packs.

    Parameters
    ----------
    rule : Rule
        Trains the rows.
    rows, dim : int
        Ids, and numbers of a vector.
    """

    def __init__(self, rule: Rule, rows: int, dim: int) -> None:
        info = rule.info
        if info["group"] == "array" or rule.kernel in ("eg", "egu", "egpm"):
            raise ValueError(
                f"rule: {type(rule).__name__} does not train rows that start around zero or are seen a few at a time; "
                "use SGD, AdaGrad, RowWiseAdaGrad or Adam"
            )
        self.rule, self.dim = rule, dim
        self.numbers = -(-dim // PACK) * PACK
        self.used = self.numbers * (1 + len(info["slots"])) + len(info["shared"])
        self.array: Array = _cold.zeros((rows, -(-self.used // PACK) * PACK))

    def __len__(self) -> int:
        return len(self.array)

    @property
    def weights(self) -> Array:
        """The vectors, where they lie."""
        return self.array[:, : self.dim]

    def start(self, first: int, last: int, scale: float, seed: int, threads: int) -> None:
        """Weights uniform in [-scale, scale), of seed, row and column alone; slots as the rule starts them."""
        step = max(BLOCK // self.numbers, 1)
        for at in range(first, last, step):
            end = min(at + step, last)
            w = np.zeros((end - at, self.dim), np.float32)
            if scale > 0:
                _cold.fill_rows(w, 1, -scale, scale, seed, at, threads)
            block = self.array[at:end]
            block[:, : self.dim] = w
            values = self.rule.start(w)
            for k, name in enumerate(self.rule.info["slots"]):
                place = (1 + k) * self.numbers
                block[:, place : place + self.dim] = values.get(name, 0.0)
            for k, name in enumerate(self.rule.info["shared"]):
                block[:, (1 + len(self.rule.info["slots"])) * self.numbers + k] = values.get(name, 0.0)

    def grown(self, rows: int) -> WordRows:
        """A copy with more rows, zero behind the old ones."""
        other = WordRows(self.rule, rows, self.dim)
        other.array[: len(self)] = self.array
        return other
