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
PACK, LONG = 16, 48  # numbers


class Part:
    """`rows` rows [numbers | slot | slot ... | shared], padded; all zeros: a row that was never seen.

    From one slot to the next are `pitch` numbers: long rows are whole packs, so that none lies across two cache lines.
    Files have no padding.

    Parameters
    ----------
    rule : Rule
        Trains the rows.
    rows, numbers : int
        Ids, and weights of an id.
    inside : tuple of ndarray and int, optional
        An array whose rows have room for these, and from which of their numbers on. Default: an array of its own.
    """

    def __init__(self, rule: Rule, rows: int, numbers: int, inside: tuple[Array, int] | None = None) -> None:
        info = rule.info
        if rule.evaluations > 1:
            raise ValueError(
                f"rule: {type(rule).__name__} takes {rule.evaluations} gradients of a batch, an example is seen once; "
                "use AdaGrad, FTRL or Adam"
            )
        if info["group"] == "array" or rule.kernel in ("eg", "egu", "egpm"):
            raise ValueError(
                f"rule: {type(rule).__name__} does not train rows that start at zero or are seen a few at a time; "
                "use AdaGrad, FTRL or Adam"
            )
        self.rule, self.rows, self.numbers = rule, rows, numbers
        self.used = used(rule, numbers)
        self.pitch = numbers if numbers < LONG else -(-numbers // PACK) * PACK
        self.offset = 0
        if inside is None:
            width = _padded(self.used + (self.pitch - numbers) * (1 + len(info["slots"])))
            self.memory: Array = _cold.zeros((rows, width))
            self.array: Array = self.memory
        else:
            memory, self.offset = inside
            self.memory = memory[:rows]
            self.array = self.memory[:, self.offset : self.offset + self.used]

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
        count = self.array.shape[1] if slots else self.numbers
        found = [first + np.flatnonzero(block[:, :count].any(1)) for first, block in self.blocks()]
        return np.concatenate(found).astype(np.int64)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """All rows in blocks of bounded size, with the number of each block's first."""
        step = max(BLOCK // self.array.shape[1], 1)
        for first in range(0, self.rows, step):
            yield first, self.array[first : first + step]

    def take(self, ids: Array, slots: bool = True) -> Iterator[Array]:
        """Rows by id, without padding, in blocks of bounded size."""
        step = max(BLOCK // self.array.shape[1], 1)
        for first in range(0, len(ids), step):
            rows = self.array[ids[first : first + step]]
            yield np.ascontiguousarray(rows[:, self.columns] if slots else rows[:, : self.numbers])

    def put(self, ids: Array, rows: Array) -> None:
        """Makes these the rows of some ids: with their slots, without padding."""
        width = self.array.shape[1]
        values = np.zeros((len(ids), width), np.float32)
        for k, (value, _) in enumerate(self.start(positive=False)[: len(self.rule.info["slots"])]):
            values[:, (1 + k) * self.pitch : (2 + k) * self.pitch] = value
        values[:, self.columns] = rows
        self.array[ids] = values

    @property
    def columns(self) -> Array | slice:
        """Where the numbers of a row lie in the array."""
        if self.pitch == self.numbers:
            return slice(0, self.used)
        components = 1 + len(self.rule.info["slots"])
        own = (np.arange(components)[:, None] * self.pitch + np.arange(self.numbers)).reshape(-1)
        return np.concatenate([own, components * self.pitch + np.arange(len(self.rule.info["shared"]))])


FROZEN = SGD(lr=0.0)  # of a model that was saved without slots


def used(rule: Rule, numbers: int) -> int:
    """Numbers of a row with its slots."""
    return numbers * (1 + len(rule.info["slots"])) + len(rule.info["shared"])


def joined(linear: Rule, factors: Rule, rows: int, numbers: int) -> tuple[Part, Part]:
    """An FM's parts, its bias behind the linear ones: on one cache line for each id where both fit, else apart."""
    both = used(factors, numbers) + used(linear, 1)
    if both > PACK:
        return Part(linear, rows + 1, 1), Part(factors, rows, numbers)
    memory = _cold.zeros((rows + 1, _padded(both)))
    return Part(linear, rows + 1, 1, (memory, used(factors, numbers))), Part(factors, rows, numbers, (memory, 0))


def _padded(numbers: int) -> int:
    """A power of two up to 16 numbers, whole halves of cache lines above, of long rows whole lines."""
    if numbers <= PACK:
        return 1 << (numbers - 1).bit_length()
    line = PACK if numbers >= LONG else PACK // 2
    return -(-numbers // line) * line
