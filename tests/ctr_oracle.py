"""LR, FM and FFM once more: float64, pairs in a double loop, rules from oracle.py; slow, and without importing schuss.

Learner has the constructor and the methods of the compiled learner, so that a test can put one in the other's place.
Rows are rounded only where they are stored, in the arrays it was given (float64 arrays: not at all).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from oracle import ORACLES

Array = npt.NDArray[Any]

# Of each kernel: the oracle's name, its numbers in the order of `options`, its slots. Of those in SHARED a slot is one
# number of a row.
KERNELS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "sgd": ("SGD", ("lr",), ()),
    "adagrad": ("AdaGrad", ("lr", "eps", "lr_decay"), ("s",)),
    "adam": ("Adam", ("lr", "beta1", "beta2", "eps", "hat", "bias_correction"), ("m", "v")),
    "ftrl": ("FTRL", ("lr", "beta", "l1", "l2", "power"), ("z", "n")),
    "row_wise_adagrad": ("RowWiseAdaGrad", ("lr", "eps"), ("s",)),
}
SHARED = ("row_wise_adagrad",)


def loss(kind: str, margin: float, y: float) -> float:
    """Of one example; `y` is 0 or 1 for logistic and hinge."""
    if kind == "logistic":
        return max(margin, 0.0) - y * margin + math.log1p(math.exp(-abs(margin)))
    if kind == "squared":
        return 0.5 * (margin - y) ** 2
    if kind == "hinge":
        return max(0.0, 1 - (2 * y - 1) * margin)
    return math.exp(margin) - y * margin


def slope(kind: str, margin: float, y: float) -> float:
    """d loss / d margin."""
    if kind == "logistic":
        return 1 / (1 + math.exp(-margin)) - y
    if kind == "squared":
        return margin - y
    if kind == "hinge":
        sign = 2 * y - 1
        return -sign if sign * margin < 1 else 0.0
    return math.exp(margin) - y


class Learner:
    """The same life as the compiled learner, in the simplest loops."""

    def __init__(
        self,
        table: Any,
        kind: str,
        bits: int,
        dim: int,
        fields: int,
        linear: Array,
        linear_kernel: tuple[str, int],
        linear_start: Sequence[tuple[float, float]],
        factors: Array | None,
        factors_kernel: tuple[str, int] | None,
        factors_start: Sequence[tuple[float, float]],
        factors_pitch: int,
        loss: str,
        seed: int,
        scale: float,
    ) -> None:
        self.kind, self.bits, self.dim, self.fields = kind, bits, dim, fields
        self.linear, self.linear_kernel, self.linear_start = linear, linear_kernel, linear_start
        self.factors, self.factors_kernel, self.factors_start = factors, factors_kernel, factors_start
        self.loss, self.seed, self.scale = loss, seed, scale
        self.width = dim * fields if kind == "ffm" else dim

    # ---- what a model computes --------------------------------------------------------------------------------

    def vector(self, i: int, field: int) -> Array:
        """v_i, or its part for a field."""
        first = field * self.dim if self.kind == "ffm" else 0
        assert self.factors is not None
        return self.factors[i, first : first + self.dim].astype(np.float64)

    def margin(self, ids: Sequence[int], x: Sequence[float], fields: Sequence[int]) -> float:
        total = float(self.linear[1 << self.bits, 0])
        for i, value in zip(ids, x, strict=True):
            total += float(self.linear[i, 0]) * value
        if self.kind != "lr":
            for a, b in itertools.combinations(range(len(ids)), 2):
                va, vb = self.vector(ids[a], fields[b]), self.vector(ids[b], fields[a])
                total += float(va @ vb) * x[a] * x[b]
        return total

    def gradients(
        self, ids: Sequence[int], x: Sequence[float], fields: Sequence[int]
    ) -> tuple[dict[int, float], dict[int, Array]]:
        """d margin / d w and d margin / d v by id, of an FFM for all fields."""
        linear = {1 << self.bits: 1.0}
        factors: dict[int, Array] = {}
        for i, value in zip(ids, x, strict=True):
            linear[i] = linear.get(i, 0.0) + value
            if self.kind != "lr":
                factors[i] = np.zeros(self.width)
        for a, b in itertools.combinations(range(len(ids) if self.kind != "lr" else 0), 2):
            for me, other in ((a, b), (b, a)):
                first = fields[other] * self.dim if self.kind == "ffm" else 0
                part = self.vector(ids[other], fields[me]) * x[a] * x[b]
                factors[ids[me]][first : first + self.dim] += part
        return linear, factors

    # ---- learning ---------------------------------------------------------------------------------------------

    def learn(
        self,
        indptr: Array,
        ids: Array,
        values: Array | None,
        fields: Array | None,
        labels: Array,
        weights: Array | None,
        repeats: Array,
        linear_options: Sequence[float],
        factors_options: Sequence[float],
        seen: int,
        threads: int,
        hogwild: bool,
        out: Array | None,
    ) -> tuple[float, float]:
        loss_sum = weight_sum = 0.0
        for e in range(len(labels)):
            i, x, f = entries(indptr, ids, values, fields, e)
            self.start(i)
            margin, y = self.margin(i, x, f), float(labels[e])
            weight = 1.0 if weights is None else float(weights[e])
            if out is not None:
                out[e] = margin
            loss_sum += weight * loss(self.loss, margin, y)
            weight_sum += weight
            g = weight * slope(self.loss, margin, y)
            linear, factors = self.gradients(i, x, f)
            for row, part in linear.items():
                step(self.linear[row], 1, self.linear_kernel, linear_options, g * np.array([part]), seen + e)
            for row, parts in factors.items():
                assert self.factors is not None and self.factors_kernel is not None
                step(self.factors[row], self.width, self.factors_kernel, factors_options, g * parts, seen + e)
        return loss_sum, weight_sum

    def start(self, ids: Sequence[int]) -> None:
        """Rows that were never seen get their start values."""
        for row in (1 << self.bits, *ids):
            if not self.linear[row].any():
                self.linear[row, 1 : 1 + len(self.linear_start)] = [value for value, _ in self.linear_start]
        if self.factors is None:
            return
        for row in ids:
            if not self.factors[row].any():
                for column in range(self.width):
                    self.factors[row, column] = self.scale / math.sqrt(self.dim) * drawn(self.seed, row, column)
                w = self.factors[row, : self.width]
                assert self.factors_kernel is not None
                for k, (value, slope) in enumerate(self.factors_start):
                    at = slot_at(k, self.width, self.factors_kernel[0])
                    self.factors[row, at] = value + slope * (w if at.stop - at.start == self.width else 0)

    def score(
        self, indptr: Array, ids: Array, values: Array | None, fields: Array | None, threads: int, out: Array
    ) -> None:
        for e in range(len(indptr) - 1):
            out[e] = self.margin(*entries(indptr, ids, values, fields, e))


def entries(
    indptr: Array, ids: Array, values: Array | None, fields: Array | None, e: int
) -> tuple[list[int], list[float], list[int]]:
    """Ids, values and fields of one example."""
    part = slice(int(indptr[e]), int(indptr[e + 1]))
    i = [int(k) for k in ids[part]]
    x = [1.0] * len(i) if values is None else [float(v) for v in values[part]]
    f = [0] * len(i) if fields is None else [int(k) for k in fields[part]]
    return i, x, f


def mixed(z: int) -> int:
    """The finalizer of splitmix64."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def drawn(seed: int, row: int, column: int) -> float:
    """Start values: uniform in (0, 1), of these three alone."""
    key = mixed((seed + row * 0x9E3779B97F4A7C15) % 2**64)
    z = (key + column * 0x9E3779B9) % 2**32
    z = ((z ^ z >> 16) * 0x85EBCA6B + (key >> 32)) % 2**32
    z = (z ^ z >> 13) * 0xC2B2AE35 % 2**32
    return (((z ^ z >> 16) >> 9) + 0.5) / 2**23


def slot_at(k: int, width: int, kernel: str) -> slice:
    """Where a row keeps its k-th slot."""
    first = (k + 1) * width
    return slice(first, first + (1 if kernel in SHARED else width))


def step(row: Array, width: int, kernel: tuple[str, int], options: Sequence[float], g: Array, steps: int) -> None:
    """One step of a row [w(width) | slot0(width) | ...]."""
    name, names, slots = KERNELS[kernel[0]]
    decay, decoupled, maximize, _, _, _, *own = options
    hyper: dict[str, Any] = dict(zip(names, own, strict=True))
    hyper |= {"weight_decay": decay, "decoupled": bool(decoupled), "maximize": bool(maximize)}
    if name == "Adam":
        hyper["eps_place"] = "hat" if hyper.pop("hat") else "outside"
    oracle = ORACLES[name](hyper, row[:width])
    for k, slot in enumerate(slots):
        oracle.slots[slot] = row[slot_at(k, width, kernel[0])].astype(np.float64)
    oracle.t = steps
    oracle.step(g)
    row[:width] = oracle.w
    for k, slot in enumerate(slots):
        row[slot_at(k, width, kernel[0])] = oracle.slots[slot]
