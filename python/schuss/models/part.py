"""A part of a model: a row of numbers for every id, beside the slots of the part's rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _cold
from ..rules import SGD, Rule

Array = NDArray[Any]
BLOCK = 1 << 20  # numbers that are looked at together


class Part:
    """`rows` rows [numbers | slot | slot ... | shared], padded; all zeros: a row that was never seen.

    Parameters
    ----------
    rule : Rule
        Trains the rows.
    rows, numbers : int
        Ids, and weights of an id.
    """

    def __init__(self, rule: Rule, rows: int, numbers: int) -> None:
        info = rule.info
        if info["group"] == "array" or rule.kernel in ("eg", "egu", "egpm"):
            raise ValueError(
                f"rule: {type(rule).__name__} does not train rows that start at zero or are seen a few at a time; "
                "use AdaGrad, FTRL or Adam"
            )
        self.rule, self.rows, self.numbers = rule, rows, numbers
        self.used = numbers * (1 + len(info["slots"])) + len(info["shared"])
        self.array: Array = _cold.zeros_like(np.empty((rows, _padded(self.used)), np.float32))

    def start(self, positive: bool) -> list[tuple[float, float]]:
        """Start values of the slots, then of the shared numbers: (a, b) stands for a + b w.

        Weights start at 0, or `positive`; then what a slot of w (FTRL's z) starts at is a line.
        """
        names = [*self.rule.info["slots"], *self.rule.info["shared"]]
        if not positive:
            return [(value, 0.0) for value in self._started(0.0, names)]
        one, two = self._started(1.0, names), self._started(2.0, names)
        return [(2 * a - b, b - a) for a, b in zip(one, two, strict=True)]

    def _started(self, w: float, names: list[str]) -> list[float]:
        values = self.rule.start(np.full((1, 1), w))
        return [float(np.asarray(values.get(name, 0.0)).reshape(-1)[0]) for name in names]

    @property
    def kernel(self) -> tuple[str, int]:
        """What the learner calls."""
        return self.rule.kernel, self.rule.variant

    @property
    def weights(self) -> Array:
        """The weights alone, where they lie."""
        return self.array[:, : self.numbers]

    def seen(self, slots: bool = True) -> Array:
        """Ids of the rows that are not all zero, ascending; `slots=False`: by their weights alone."""
        count = self.used if slots else self.numbers
        found = [first + np.flatnonzero(block[:, :count].any(1)) for first, block in self.blocks()]
        return np.concatenate(found).astype(np.int64)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """All rows in blocks of bounded size, with the number of each block's first."""
        step = max(BLOCK // self.array.shape[1], 1)
        for first in range(0, self.rows, step):
            yield first, self.array[first : first + step]

    def take(self, ids: Array, slots: bool = True) -> Iterator[Array]:
        """Rows by id, without padding, in blocks of bounded size."""
        count = self.used if slots else self.numbers
        step = max(BLOCK // self.array.shape[1], 1)
        for first in range(0, len(ids), step):
            yield np.ascontiguousarray(self.array[ids[first : first + step], :count])


FROZEN = SGD(lr=0.0)  # of a model that was saved without slots


def _padded(numbers: int) -> int:
    """A power of two up to 16 numbers, whole halves of cache lines above."""
    return 1 << (numbers - 1).bit_length() if numbers <= 16 else -(-numbers // 8) * 8
