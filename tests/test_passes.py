"""Rules that need a sum of the whole array before they write: trees of arrays, Adafactor's zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from cases import CASES, gradients, hyper, start
from oracle import ORACLES

import schuss
from schuss.rules import Rule

Array = npt.NDArray[Any]

RULES = {name: rule for name, rule in CASES if rule.info["group"] != "none"}
# Below and above a piece of 16,384 numbers, and more than a thread's cache holds.
SHAPES = [(7,), (300, 16), (20_000,), (90, 100), (0,), (300_000,), (40_003,), (1,)]


def stepped(rule: Rule, shapes: list[tuple[int, ...]], threads: int) -> list[dict[str, bytes]]:
    """Bytes of weights and slots of each array of a tree after three steps."""
    weights = [start(rule, shape, np.float32, seed) for seed, shape in enumerate(shapes)]
    opt = schuss.Optimizer(weights, rule, threads=threads)
    for t in range(3):
        opt.step([gradients(shape, np.float32, 10 * t + shape[0] % 7) for shape in shapes])
    slots: list[dict[str, Array]] = opt.slots
    return [
        {"w": w.tobytes()} | {name: slot.tobytes() for name, slot in of.items()}
        for w, of in zip(weights, slots, strict=True)
    ]


@pytest.mark.parametrize("case", RULES)
def test_a_tree_is_its_arrays(case: str) -> None:
    """Whatever arrays share a step, and however they are dealt out to threads."""
    rule = RULES[case]
    one = stepped(rule, SHAPES, 1)
    for threads in (2, 3):
        assert stepped(rule, SHAPES, threads) == one, f"{threads} threads"
    for k in (1, 5):  # a start depends on the seed, which is the place in the tree
        few = [(1,)] * k + [SHAPES[k]]
        assert stepped(rule, few, 2)[k] == one[k], f"array {k} with others"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", ["square", "clamp"])
def test_adafactor_where_a_row_and_a_column_are_zero(place: str, dtype: str) -> None:
    """The product of their means is 0 in float32; in "clamp" single moments are below their least."""
    rule = schuss.Adafactor(lr=0.1, eps_place=place, eps1=1e-30 if place == "square" else 1e-3)
    w = start(rule, (37, 21), dtype, 1)
    oracle = ORACLES["Adafactor"](hyper(rule), w.copy())
    opt, bound = schuss.Optimizer(w, rule), 2e-5 if dtype == "float32" else 1e-11
    for seed in range(5):
        g = gradients(w.shape, dtype, seed)
        g[5] = g[:, 3] = 0
        opt.step(g)
        oracle.step(g)
        np.testing.assert_allclose(w, oracle.w, rtol=bound, atol=bound)
    assert np.isfinite(w).all()


@pytest.mark.parametrize("shape", [(3, 5000), (5000, 3), (70, 17), (16, 16), (1, 40), (40, 1), (33, 2, 9)])
@pytest.mark.parametrize("place", ["square", "clamp"])
def test_adafactor_shapes(place: str, shape: tuple[int, ...]) -> None:
    rule = schuss.Adafactor(lr=0.1, eps_place=place, eps1=1e-30 if place == "square" else 1e-3, limit=0.5)
    w = start(rule, shape, "float64", 1)
    oracle = ORACLES["Adafactor"](hyper(rule), w.copy())
    opt = schuss.Optimizer(w, rule, threads=2)
    for seed in range(4):
        g = gradients(shape, "float64", seed)
        opt.step(g)
        oracle.step(g)
        np.testing.assert_allclose(w, oracle.w, rtol=1e-11, atol=1e-12)
