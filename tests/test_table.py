"""Tables that take lazy steps: against NumPy, plain arrays and torch; growth, rounding, files, and every refusal.

Three laws carry most of it: a table is a plain array with its slots beside it; a 16-bit table is a float32 table whose
touched rows are rounded after each step; a mapped table is one in memory.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import math
import os
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from cases import CASES, gradients, start
from conftest import kernels_of
from oracle import clip_by_norm
from scipy import stats

import schuss
from schuss import CoordGrad, Optimizer, RowGrad, Table, _level, init, schedules
from schuss.rules import Rule

torch.set_num_threads(1)

Array = npt.NDArray[Any]
F = np.float32
NAN, INF = float("nan"), float("inf")
RULES = dict(CASES)
LEVELS = _level.runnable()
DIMS = [1, 3, 8, 16, 17, 64, 100]
DTYPES = ["float32", "float64", "bfloat16", "float16"]
HALVES = ["bfloat16", "float16"]
KINDS = ["int32", "int64", "uint32", "uint64"]
SIGMAS = 4.0

each_case = pytest.mark.parametrize("case", [name for name, rule in CASES if not rule.info["whole"]])
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_half = pytest.mark.parametrize("dtype", HALVES)
each_level = pytest.mark.parametrize("level", LEVELS)


def number(dtype: str) -> Any:
    """What a table of this dtype computes with."""
    return np.float64 if dtype == "float64" else F


def named(value: Any) -> str | None:
    """The id of a rule among parameters."""
    return type(value).__name__ if isinstance(value, Rule) else None


def taken_from(values: Array) -> Callable[[Array, int, int], None]:
    """An init whose row i is row i of these values."""

    def fill(rows: Array, seed: int, first: int) -> None:
        rows[...] = values[first : first + len(rows)]

    return fill


def widened(stored: Array, dtype: str) -> Array:
    """Stored weights, or 16-bit ones as their bits, as the numbers they mean."""
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << 16).view(F)
    return (stored.view(np.float16) if dtype == "float16" else stored).astype(number(dtype))


def numbers(t: Table) -> Array:
    return widened(t.weights, t.dtype)


def same(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def bits(t: Table) -> dict[str, bytes]:
    """Weights and slots to the last bit."""
    return {"w": t.weights.tobytes()} | {name: slot.tobytes() for name, slot in t.slots.items()}


def snapshot(t: Table) -> list[Any]:
    return [bits(t), t.shape, t.steps, t.skipped, repr(t.rule)]


def batch(seed: int, rows: int, k: int, dim: int, dtype: str = "float32") -> tuple[Array, Array]:
    """Ids, many of them twice and more, and their gradients."""
    return np.random.default_rng(seed).integers(rows, size=k), gradients((k, dim), number(dtype), seed)


def train(t: Table, steps: int, seed: int = 0, rows: int | None = None, k: int = 12) -> None:
    for step in range(steps):
        t.update(*batch(1000 * seed + step, rows or len(t), k, t.dim, t.dtype))


def sgd(rows: int = 4, dim: int = 3, **options: Any) -> Table:
    """Weights that are minus the sum of all gradients."""
    return Table(rows, dim, schuss.SGD(lr=1.0), **{"init": init.zeros(), **options})


def ones(*shape: int) -> Array:
    return np.ones(shape, F)


def output(code: str, *arguments: object, timeout: float = 20) -> str:
    """What the code prints in a Python of its own, which imports this very schuss; it must end well."""
    path = os.pathsep.join([str(Path(schuss.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"exit {done.returncode} after {done.stdout!r}: {done.stderr}"
    return done.stdout.strip()


# --- rounding in NumPy: what the formulas are, whatever computes them


def nearest(x: Array, dtype: str) -> Array:
    """float32 to the bits of the nearest 16-bit number, ties to even."""
    if dtype == "float16":
        with np.errstate(over="ignore"):
            return x.astype(np.float16).view(np.uint16)
    u = x.view(np.uint32)
    return np.where(np.isnan(x), u >> 16 | 0x40, (u + 0x7FFF + (u >> 16 & 1)) >> 16).astype(np.uint16)


def draws(seed: int, step: int, rows: Array, dim: int) -> Array:
    """The 32 random bits of (seed, step, row, column), shape (rows, dim)."""
    z = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64((seed * 0xD1342543DE82EF95 + step * 0xAF251AF3B0F025B5) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    low, high = z.astype(np.uint32)[:, None], (z >> np.uint64(32)).astype(np.uint32)[:, None]
    x = np.arange(dim, dtype=np.uint32) * np.uint32(0x9E3779B9) + low
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D) ^ high
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def stochastic(x: Array, dtype: str, random: Array) -> Array:
    """float32 to the bits of a neighbouring 16-bit number: up if the remainder and the random number carry."""
    u = x.view(np.uint32)
    if dtype == "bfloat16":
        return ((u + (random >> 16)) >> 16).astype(np.uint16)
    a = u & 0x7FFFFFFF
    normal = np.minimum(((a + (random >> 19)) >> 13).astype(np.int64) - (112 << 10), 0x7BFF)
    tiny = np.floor(np.abs(x) * F(2**24) + (random >> 19).astype(F) / F(2**13))
    return (np.where(np.abs(x) < 2**-14, tiny, normal).astype(np.uint32) | (u >> 16 & 0x8000)).astype(np.uint16)


# --- rows by id, against NumPy


@each_dtype
@pytest.mark.parametrize("dim", DIMS)
def test_lookup(dim: int, dtype: str) -> None:
    """A lookup is the weights, indexed, by ids of every kind."""
    t = Table(20, dim, schuss.Adam(), dtype=dtype, init=init.normal(1.0))
    for kind, ids in product(KINDS, ([], [19], [0, 19, 3, 3, 0], list(range(20)) * 3)):
        index = np.array(ids, kind)
        want = numbers(t)[index.astype(int)]
        found = t.lookup(index)
        assert found.shape == (len(ids), dim)
        assert same(found, want)
        out = np.full_like(want, NAN)
        assert t.lookup(index, out=out) is out
        assert same(out, want)
    assert np.unique(numbers(t)).size > 10


BAGS = np.array([0, 2, 2, 3, 7, 11])  # two, none, one, four, four


def small(seed: int, *shape: int, dtype: str = "float32") -> Array:
    """Whole numbers so small that all types hold their sums and quarters exactly."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(number(dtype))


@each_dtype
@pytest.mark.parametrize("dim", DIMS)
def test_bags(dim: int, dtype: str) -> None:
    """Sums and means of bags, weighted or not; whole numbers, so that every order of adding is exact."""
    first = small(1, 9, dim, dtype=dtype)
    t = Table(9, dim, schuss.AdaGrad(), dtype=dtype, init=taken_from(first))
    index = np.random.default_rng(2).integers(9, size=11)
    for kind, weights in product(KINDS, (None, small(3, 11, dtype=dtype))):
        ids = index.astype(kind)
        rows = first[index] * (1 if weights is None else weights[:, None])
        sums = np.array([rows[a:b].sum(axis=0) for a, b in pairwise(BAGS)], number(dtype))
        counts = np.maximum(np.diff(BAGS), 1)[:, None].astype(number(dtype))
        assert same(t.bags(ids, BAGS.astype(kind), weights) + 0, sums + 0)
        assert same(t.bags(ids, BAGS.astype(kind), weights, mode="mean") + 0, sums / counts + 0)
    assert t.bags(ids[:0], np.array([0])).shape == (0, dim)
    assert not t.bags(ids[:0], np.array([0, 0, 0]), mode="mean").any()  # a mean of nothing is zero


@each_dtype
@pytest.mark.parametrize("dim", DIMS)
def test_bags_add_in_the_order_given(dim: int, dtype: str) -> None:
    t = Table(50, dim, schuss.SGD(), dtype=dtype, init=init.normal(1.0))
    ids = np.random.default_rng(0).integers(50, size=40)
    want = np.zeros(dim, number(dtype))
    for row in numbers(t)[ids]:
        want = want + row
    assert same(t.bags(ids, np.array([0, 40]))[0], want)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_of_fractions(mode: Any) -> None:
    t = Table(50, 17, schuss.SGD(), dtype="float64", init=init.normal(1.0))
    rng = np.random.default_rng(0)
    ids, weights = rng.integers(50, size=300), rng.standard_normal(300)
    offsets = np.concatenate([[0], np.sort(rng.integers(0, 301, 40)), [300]])
    terms = t.weights[ids] * weights[:, None]
    want = np.array([math.fsum(terms[a:b, j]) for a, b in pairwise(offsets) for j in range(17)])
    want = want.reshape(-1, 17) / (np.maximum(np.diff(offsets), 1)[:, None] if mode == "mean" else 1)
    np.testing.assert_allclose(t.bags(ids, offsets, weights, mode=mode), want, rtol=0, atol=1e-13)


@each_dtype
@pytest.mark.parametrize("dim", DIMS)
def test_update(dim: int, dtype: str) -> None:
    """A step takes away the sums of each row's gradients and leaves the other rows alone."""
    want = small(1, 30, dim, dtype=dtype)
    t = sgd(30, dim, dtype=dtype, init=taken_from(want))
    for step, (k, kind) in enumerate(product((0, 1, 15, 16, 33), KINDS)):
        ids, g = np.random.default_rng(step).integers(20, size=k), small(step, k, dim, dtype=dtype)
        t.update(ids.astype(kind), g)
        np.subtract.at(want, ids, g)
        assert (numbers(t) == want).all(), (k, kind)
    assert t.steps == 20


@pytest.mark.parametrize("kind", KINDS)
@each_dtype
@pytest.mark.parametrize(("mode", "weighted"), [("sum", False), ("sum", True), ("mean", False), ("mean", True)])
def test_update_bags(mode: Any, weighted: bool, dtype: str, kind: str) -> None:
    """Each row of a bag gets the bag's gradient times its weight; divided by the bag's size for means."""
    t, want = sgd(9, 5, dtype=dtype), np.zeros((9, 5), number(dtype))
    ids, g = np.random.default_rng(2).integers(9, size=11), 4 * small(1, 5, 5, dtype=dtype)
    weights = small(3, 11, dtype=dtype) if weighted else None
    before = g.copy()
    t.update_bags(ids.astype(kind), BAGS.astype(kind), g, weights, mode=mode)
    for bag, (a, b) in enumerate(pairwise(BAGS)):
        for i in range(a, b):
            want[ids[i]] -= g[bag] * (1 if weights is None else weights[i]) / (b - a if mode == "mean" else 1)
    assert (numbers(t) == want).all()
    assert want.any()
    assert same(g, before)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_update_bags_is_the_transpose_of_bags(mode: Any) -> None:
    """<bags(V), G> = <V, update of G>."""
    rng = np.random.default_rng(0)
    v, g, ids, weights = (
        rng.normal(size=(30, 7)),
        rng.normal(size=(12, 7)),
        rng.integers(30, size=50),
        rng.normal(size=50),
    )
    offsets = np.concatenate([[0], np.sort(rng.integers(0, 51, 11)), [50]])
    forth = (sgd(30, 7, dtype="float64", init=taken_from(v)).bags(ids, offsets, weights, mode=mode) * g).sum()
    t = sgd(30, 7, dtype="float64")
    t.update_bags(ids, offsets, g, weights, mode=mode)
    assert math.isclose(-(t.weights * v).sum(), forth, rel_tol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_level
@each_case
def test_a_table_is_an_array_with_its_slots_beside_it(case: str, level: str, dtype: str) -> None:
    """Every rule, bit for bit: rows of a table, trained at any level, and of a plain array, trained at the best one."""
    rule = RULES[case]
    for dim in (3, 16, 17):
        w = start(rule, (11, dim), dtype, 1)
        opt = Optimizer(w, rule)
        with kernels_of(level):
            t = Table(11, dim, rule, dtype=dtype, init=taken_from(start(rule, (11, dim), dtype, 1)))
            for seed in range(3):
                ids, g = batch(seed, 11, 20, dim, dtype)
                opt.step(RowGrad(ids, g))
                t.update(ids, g)
        assert bits(t) == {"w": w.tobytes()} | {name: slot.tobytes() for name, slot in opt.slots.items()}
        assert {name: slot.shape for name, slot in t.slots.items()} == {name: s.shape for name, s in opt.slots.items()}


@each_half
@each_level
@each_case
def test_a_16_bit_table_is_a_float32_one_rounded_at_each_step(case: str, level: str, dtype: str) -> None:
    """Every rule, bit for bit, at every level: the random bits are those of `draws`, on every machine."""
    rule, rows, dim, seed = RULES[case], 11, 21, 12345
    first = start(rule, (rows, dim), F, 1)
    w = first.copy()
    opt = Optimizer(w, rule)  # slots start from weights not yet rounded
    w[...] = widened(nearest(w, dtype), dtype)
    with kernels_of(level):
        t = Table(rows, dim, rule, dtype=dtype, seed=seed, init=taken_from(first))
        for step in range(3):
            ids, g = batch(step, rows, 9, dim)
            t.update(ids, g)
            opt.step(RowGrad(ids, g))
            touched = np.unique(ids)
            assert len(touched) < rows
            w[touched] = widened(stochastic(w[touched], dtype, draws(seed, step, touched, dim)), dtype)
    assert same(numbers(t), w)
    assert {k: v.tobytes() for k, v in t.slots.items()} == {k: v.tobytes() for k, v in opt.slots.items()}


@pytest.mark.parametrize(
    "rule", [schuss.SGD(), schuss.AdaGrad(), schuss.Adam(amsgrad=True), schuss.RowWiseAdaGrad()], ids=named
)
@each_dtype
@pytest.mark.parametrize("dim", DIMS)
def test_a_row_lies_beside_its_slots_in_the_fewest_cache_lines(dim: int, dtype: str, rule: Rule) -> None:
    t = Table(200, dim, rule, dtype=dtype)
    parts = [t.weights, *t.slots.values()]
    assert {x.strides[0] for x in parts} == {t.weights.strides[0]}
    first = t.weights.ctypes.data + t.weights.strides[0] * np.arange(200)
    ends = [x.ctypes.data - t.weights.ctypes.data + x[0].nbytes for x in parts]
    last = first + max(ends) - 1
    assert t.weights.ctypes.data % 64 == 0
    assert max(ends) <= t.weights.strides[0]
    assert ((last // 64 - first // 64 + 1) == math.ceil(max(ends) / 64)).all()
    assert t.nbytes == 200 * t.weights.strides[0]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(parts) for b in parts[:i])


def test_what_a_table_says_of_itself() -> None:
    t = Table(1200, 3, schuss.SGD(lr=0.5), dtype="bfloat16")
    assert (t.rows, t.dim, t.shape, len(t), t.dtype, t.steps, t.skipped) == (1200, 3, (1200, 3), 1200, "bfloat16", 0, 0)
    assert repr(t).startswith("Table(1,200 x 3 bfloat16, SGD(lr=0.5), ")
    assert (t.weights.dtype, Table(1, 1, schuss.SGD(), dtype="float16").weights.dtype) == (np.uint16, np.float16)
    t.weights[7] = 0x3F80  # views, not copies
    assert t.lookup(np.array([7])).tolist() == [[1, 1, 1]]
    t.set(lr=0.25)
    assert t.rule == schuss.SGD(lr=0.25)


def test_empty_tables_and_empty_batches(tmp_path: Path) -> None:
    none = np.array([], np.int64)
    for t in (sgd(0), sgd(0, path=tmp_path / "table"), sgd(4)):
        t.update(none, ones(0, 3))
        assert t.steps == 1
        assert t.lookup(none).shape == (0, 3)
        assert not t.weights.any()
        t.grow(6)
        t.update(np.array([5]), ones(1, 3))
        assert t.weights[:, 0].tolist() == [0, 0, 0, 0, 0, -1]
    assert Table.open(tmp_path / "table").shape == (6, 3)


def test_schedules_and_hyper_parameters_are_live() -> None:
    t = Table(2, 1, schuss.SGD(lr=lambda k: float(k + 1)), init=init.zeros())
    for _ in range(3):
        t.update(np.array([1]), ones(1, 1))
    assert t.weights.tolist() == [[0], [-6]]
    t.set(lr=0.5)
    t.update(np.array([1]), ones(1, 1))
    assert t.weights.tolist() == [[0], [-6.5]]


# --- duplicates, threads, order


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dim", DIMS)
def test_duplicates_equal_rows_summed_before(dim: int, dtype: str) -> None:
    """One after the other, in the order given, to the last bit."""
    ids, g = batch(dim, 7, 200, dim, dtype)
    total: dict[int, Array] = {}
    for i, row in zip(ids.tolist(), g, strict=True):
        total[i] = total[i] + row if i in total else row
    twice, once = (Table(7, dim, schuss.Adam(lr=0.1), dtype=dtype) for _ in range(2))
    twice.update(ids, g)
    once.update(np.array(list(total)), np.array(list(total.values())))
    assert bits(twice) == bits(once)
    plain = sgd(7, dim, dtype=dtype)
    plain.update(ids, g)
    assert same(plain.weights[list(total)] + 0, 0 - np.array(list(total.values())))


def zipf(seed: int, rows: int, k: int) -> Array:
    return np.random.default_rng(seed).zipf(1.2, k) % rows


BIG = 30_000, 16, 40_000  # rows, dim, ids: 640,000 numbers in 40 pieces, which threads share


@pytest.mark.parametrize(
    ("dtype", "rule"),
    [
        ("float32", schuss.AdaGrad(lr=0.1)),
        ("float32", schuss.RowWiseAdaGrad(lr=0.1)),
        ("float64", schuss.EGDD()),
        ("bfloat16", schuss.Adam(lr=0.1)),
        ("float16", schuss.RowWiseAdaGrad(lr=0.1)),
    ],
    ids=named,
)
def test_threads_agree_to_the_bit(dtype: str, rule: Rule) -> None:
    rows, dim, k = BIG
    batches = [(zipf(seed, rows, k), gradients((k, dim), number(dtype), seed)) for seed in range(2)]
    ends = []
    for threads in (1, 2, 7):
        t = Table(rows, dim, rule, dtype=dtype, threads=threads, clip_norm=100.0)
        for ids, g in batches:
            t.update(ids, g)
        looks = [t.lookup(ids), t.bags(ids, np.arange(0, k + 1, 8)), t.bags(ids, np.array([0, k]), mode="mean")]
        ends.append((bits(t), [x.tobytes() for x in looks]))
    assert ends[0] == ends[1] == ends[2]


def test_a_large_batch_is_summed_in_the_order_given() -> None:
    rows, dim, k = BIG
    ids, g, want = zipf(1, rows, k), gradients((k, dim), F, 1), np.zeros((rows, dim), F)
    np.add.at(want, ids, g)  # one after the other
    t = sgd(rows, dim, threads=2)
    t.update(ids, g)
    assert same(t.weights + 0, 0 - want)


@each_dtype
@pytest.mark.parametrize("k", [60, 20_000])
def test_the_order_of_distinct_rows_is_nothing(k: int, dtype: str) -> None:
    rng = np.random.default_rng(k)
    ids, g = rng.permutation(2 * k)[:k], gradients((k, 8), number(dtype), k)
    order = rng.permutation(k)
    ends = []
    for way in (np.arange(k), order, np.argsort(ids)):
        t = Table(2 * k, 8, schuss.Adam(lr=0.1), dtype=dtype, threads=2)
        t.update(ids[way], g[way])
        ends.append(bits(t))
    assert ends[0] == ends[1] == ends[2]


def test_one_table_in_four_python_threads() -> None:
    t = sgd(1000, 16, threads=2)

    def work(seed: int) -> bool:
        whole = True
        for _ in range(20):
            t.update(np.arange(1000), ones(1000, 16))
            found = t.lookup(np.arange(1000))
            whole &= bool((found == found[0, 0]).all())  # no step is seen by half
        return whole

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4
    assert (t.weights == -80).all()
    assert t.steps == 80


# --- torch


@pytest.mark.parametrize(
    ("rule", "theirs", "options"),
    [
        (schuss.Adam(lr=0.01, eps_place="hat"), torch.optim.SparseAdam, {"lr": 0.01}),
        (schuss.Adam(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-3, eps_place="hat"), torch.optim.SparseAdam,
         {"lr": 0.03, "betas": (0.8, 0.9), "eps": 1e-3}),
        (schuss.AdaGrad(lr=0.1), torch.optim.Adagrad, {"lr": 0.1}),
        (schuss.AdaGrad(lr=0.1, lr_decay=0.02, initial_accumulator=0.2), torch.optim.Adagrad,
         {"lr": 0.1, "lr_decay": 0.02, "initial_accumulator_value": 0.2}),
    ],
    ids=["SparseAdam", "SparseAdam-eps", "Adagrad", "Adagrad-decay"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")  # torch's own tensors
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-12)])
def test_torch(
    rule: Rule, theirs: type[torch.optim.Optimizer], options: dict[str, Any], dtype: str, rtol: float
) -> None:
    """A hundred steps with duplicates, and rows that are absent from most."""
    w = start(rule, (60, 7), dtype, 1)
    t = Table(60, 7, rule, dtype=dtype, init=taken_from(w))
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = theirs([parameter], **options)
    for seed in range(100):
        ids, g = batch(seed, 60, 25, 7, dtype)
        t.update(ids, g)
        parameter.grad = torch.sparse_coo_tensor(
            torch.tensor(ids[None]), torch.tensor(g), w.shape, check_invariants=True
        )
        optimizer.step()
    found = parameter.detach().numpy()
    np.testing.assert_allclose(t.weights, found, rtol=0, atol=rtol * np.abs(found).max())
    assert np.abs(found - w).max() > 0.1


# --- growth


@pytest.fixture(params=["memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path | None]:
    """Where the next table is to be: None is in memory."""
    paths = iter(range(100))
    return lambda: tmp_path / f"table{next(paths)}" if request.param == "file" else None


GROWING = [
    schuss.SGD(lr=0.1),
    schuss.AdaGrad(lr=0.1, initial_accumulator=0.3),
    schuss.RowWiseAdaGrad(lr=0.1, initial_accumulator=0.2),
    schuss.Adam(lr=0.1),
    schuss.FTRL(lr=0.3, l1=0.4),
    schuss.EGDD(lr=0.05, gain_rate=0.1, scale_rate=0.1),
]


@each_dtype
@pytest.mark.parametrize("rule", GROWING, ids=named)
def test_grown_equals_larger_from_the_start(rule: Rule, dtype: str, place: Callable[[], Path | None]) -> None:
    """Trained before, between and after: weights and slots bit for bit."""
    options: dict[str, Any] = {"dtype": dtype, "seed": 3, "init": init.uniform(-1, 1)}
    grown, large = Table(7, 17, rule, path=place(), **options), Table(90, 17, rule, path=place(), **options)
    for rows, after in ((7, 8), (8, 90), (90, 90)):
        for t in (grown, large):
            train(t, 3, seed=rows, rows=rows)
        grown.grow(after)
        assert grown.shape == (after, 17)
        assert all(len(slot) in (after, 1) for slot in grown.slots.values())
    for t in (grown, large):
        train(t, 3, seed=4)
    assert bits(grown) == bits(large)


def test_views_taken_before_growth_stay_valid(place: Callable[[], Path | None]) -> None:
    t = Table(10, 16, schuss.AdaGrad(lr=1.0), init=init.zeros(), path=place())
    w, s = t.weights, t.slots["s"]
    t.grow(200_000)  # well beyond a huge page
    t.update(np.array([3, 199_999]), 2 * ones(2, 16))
    assert w.shape == (10, 16)
    assert (w.ctypes.data, s.ctypes.data) == (t.weights.ctypes.data, t.slots["s"].ctypes.data)
    assert (w[3] == -1).all()
    assert (s[3] == 4).all()
    assert (t.weights[199_999] == -1).all()
    assert np.count_nonzero(t.weights) == 32
    del t
    gc.collect(1)
    assert (w[3] == -1).all()  # the view keeps the memory


def test_appended_rows_are_the_tables_own_memory() -> None:
    """Neither results nor gradients may lie in them."""
    t = sgd(4, 16)
    t.update(np.array([1]), ones(1, 16))
    t.grow(1000)
    with pytest.raises(ValueError, match=r"out: shares memory"):
        t.lookup(np.array([1, 2]), out=t.weights[900:902])
    with pytest.raises(ValueError, match=r"gradient: shares memory"):
        t.update(np.array([1, 2]), t.weights[900:902])


def test_growth_without_new_rows_changes_nothing(place: Callable[[], Path | None]) -> None:
    t = Table(10, 3, schuss.Adam(), path=place())
    train(t, 2)
    before = snapshot(t)
    t.grow(10)
    assert snapshot(t) == before


def test_shrinking_is_refused(place: Callable[[], Path | None]) -> None:
    t = Table(10, 3, schuss.Adam(), path=place())
    train(t, 2)
    before = snapshot(t)
    with pytest.raises(ValueError, match=r"rows: expected at least the present 10, got 9; a table does not shrink"):
        t.grow(9)
    for rows, error in ((-1, ValueError), (11.0, TypeError), ("11", TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match=r"rows: expected"):
            t.grow(rows)
    assert snapshot(t) == before


def test_growth_beyond_all_memory_is_refused() -> None:
    t = Table(10, 3, schuss.Adam())
    train(t, 2)
    before = snapshot(t)
    with pytest.raises(MemoryError):
        t.grow(10**14)
    assert snapshot(t) == before
    train(t, 1)
    assert t.steps == 3


def test_growth_whose_start_values_fail_changes_nothing(place: Callable[[], Path | None]) -> None:
    def fill(rows: Array, seed: int, first: int) -> None:
        if first >= 5 and not healed:
            raise RuntimeError("no values")
        rows[...] = first

    healed: list[bool] = []
    path = place()
    t, control = (Table(5, 3, schuss.Adam(), init=fill, path=p) for p in (path, None))
    before = snapshot(t)
    with pytest.raises(RuntimeError, match="no values"):
        t.grow(9)
    assert snapshot(t) == before
    assert len(t.weights) == 5
    with pytest.raises(IndexError):
        t.lookup(np.array([5]))
    healed.append(True)
    for x in (t, control):
        train(x, 2)
        x.grow(9)
        train(x, 2)
    assert snapshot(t) == snapshot(control)


def test_growth_with_averages() -> None:
    """The averages of new rows are their start values; those of old rows go on."""
    t = Table(4, 3, schuss.SGD(lr=0.5), dtype="float64", seed=2)
    opt = Optimizer({"t": t}, schuss.SGD(lr=0.5), ema=0.75)
    want = t.weights.copy()

    def step(seed: int) -> None:
        ids, g = batch(seed, len(t), 5, 3, "float64")
        opt.step({"t": RowGrad(ids, g)})
        touched = np.unique(ids)
        want[touched] = 0.75 * want[touched] + 0.25 * t.weights[touched]
        np.testing.assert_allclose(opt.averages["t"], want, rtol=1e-14)

    for rows in (4, 4, 9, 70, 70):
        t.grow(rows)
        fresh = Table(rows, 3, schuss.SGD(), dtype="float64", seed=2).weights
        want = np.concatenate([want, fresh[len(want) :]])
        np.testing.assert_allclose(opt.averages["t"], want, rtol=1e-14)
        step(rows)


def test_growth_while_rows_are_gathered() -> None:
    t = sgd(4, 2)
    opt = Optimizer(t, t.rule, accumulate=2)
    opt.step(RowGrad(np.array([3, 1]), ones(2, 2)))
    t.grow(9)
    opt.step(RowGrad(np.array([8, 1]), ones(2, 2)))
    assert t.weights[:, 0].tolist() == [0, -1, 0, -0.5, 0, 0, 0, 0, -0.5]


def test_dense_gradients_reach_rows_that_were_appended() -> None:
    t = sgd(4, 2)
    opt = Optimizer(t, t.rule)
    opt.step(ones(4, 2))
    t.grow(8)
    opt.step(ones(8, 2))
    assert t.weights[:, 0].tolist() == [-2] * 4 + [-1] * 4


def test_dense_gradients_are_gathered_after_growth() -> None:
    """In a process of its own, which a sum kept at its old size would kill."""
    code = """
import numpy as np, schuss
t = schuss.Table(4, 3, schuss.SGD(lr=1.0), init=schuss.init.zeros())
opt = schuss.Optimizer(t, t.rule, accumulate=2)
for rows in (4, 1000, 5000):
    t.grow(rows)
    for _ in range(2):
        opt.step(np.ones((rows, 3), np.float32))
print(*np.unique(t.weights[:4]), *np.unique(t.weights[4:1000]), *np.unique(t.weights[1000:]))
opt.step(np.ones((5000, 3), np.float32))
t.grow(9000)  # in the midst of a window
opt.step(np.ones((9000, 3), np.float32))
print(*np.unique(t.weights[:4]), *np.unique(t.weights[1000:5000]), *np.unique(t.weights[5000:]))
"""
    assert output(code).splitlines() == ["-3.0 -2.0 -1.0", "-4.0 -2.0 -0.5"]


# --- start values

INITS: dict[str, Any] = {
    "normal": init.normal(0.5, mean=0.25),
    "uniform": init.uniform(-1.0, 3.0),
    "constant": init.constant(2.5),
    "zeros": init.zeros(),
}


@pytest.mark.parametrize("kind", INITS)
@each_dtype
def test_a_start_row_depends_on_seed_and_row_alone(dtype: str, kind: str) -> None:
    """Whatever the number of rows, the rule, what was made before, and the block it was made in."""
    rows, dim = 40_000, 32  # a block has 32,768 rows
    large = Table(rows, dim, schuss.SGD(), dtype=dtype, init=INITS[kind], seed=7).weights
    assert same(Table(100, dim, schuss.Adam(), dtype=dtype, init=INITS[kind], seed=7).weights, large[:100].copy())
    for first in (0, 1, 32_767, 39_990):
        alone = np.empty((10, dim), number(dtype))
        INITS[kind](alone, 7, first)
        stored = large[first : first + 10]
        wanted = nearest(alone, dtype).view(stored.dtype) if dtype in HALVES else alone
        assert same(stored.copy(), wanted)


def test_different_seeds_differ() -> None:
    for kind in ("normal", "uniform"):
        tables = [
            Table(500, 4, schuss.SGD(), init=INITS[kind], seed=seed).weights for seed in (0, 1, 2, 2**32, 2**64 - 1)
        ]
        assert np.unique(np.stack(tables)).size > 0.99 * 5 * 500 * 4
    assert same(*(Table(500, 4, schuss.SGD(), seed=5).weights for _ in range(2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments_of_start_values(dtype: str) -> None:
    """A million numbers: mean, deviation and distribution; nothing from column to column, row to row, seed to seed."""
    n = 10**6
    x = Table(n // 16, 16, schuss.SGD(), dtype=dtype, init=init.normal(0.5, mean=0.25)).weights.astype(float)
    z = (x - 0.25) / 0.5
    assert abs(z.mean()) < SIGMAS / math.sqrt(n)
    assert abs((z**2).mean() - 1) < SIGMAS * math.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < SIGMAS * math.sqrt(96 / n)
    assert stats.kstest(z.ravel()[:200_000], "norm").pvalue > 1e-3
    u = Table(n // 16, 16, schuss.SGD(), dtype=dtype, init=init.uniform(-1.0, 3.0)).weights.astype(float)
    assert (u.min() >= -1) & (u.max() <= 3)
    assert abs(u.mean() - 1) < SIGMAS * 4 / math.sqrt(12 * n)
    assert abs(((u - 1) ** 2).mean() - 4 / 3) < SIGMAS * 4 / 3 * math.sqrt(0.8 / n)
    assert stats.kstest(u.ravel()[:200_000], "uniform", (-1, 4)).pvalue > 1e-3
    other = Table(n // 16, 16, schuss.SGD(), dtype=dtype, init=init.normal(0.5, mean=0.25), seed=1).weights
    for a, b in ((z[:, 1:], z[:, :-1]), (z[1:], z[:-1]), (z, (other - 0.25) / 0.5)):
        assert abs((a * b).mean()) < SIGMAS / math.sqrt(a.size)


def test_start_values_are_normal_by_default() -> None:
    w = Table(10_000, 10, schuss.SGD()).weights
    assert abs(w.std() / 0.01 - 1) < SIGMAS / math.sqrt(2 * w.size)
    assert same(w, Table(10_000, 10, schuss.SGD(), init=init.normal(0.01), seed=0).weights)


@each_dtype
def test_constant_start_values(dtype: str) -> None:
    assert (numbers(Table(50, 3, schuss.SGD(), dtype=dtype, init=init.constant(-1.5))) == -1.5).all()
    assert not Table(50, 3, schuss.SGD(), dtype=dtype, init=init.zeros()).weights.any()


@each_dtype
def test_a_users_start_values(dtype: str) -> None:
    """The function sees every row once, in order, with its number and the seed."""
    seen: list[tuple[int, int]] = []

    def fill(rows: Array, seed: int, first: int) -> None:
        assert (rows.dtype, rows.shape[1], seed) == (number(dtype), 64, 11)
        seen.append((first, len(rows)))
        rows[...] = ((first + np.arange(len(rows))) % 128)[:, None]

    t = Table(40_000, 64, schuss.SGD(), dtype=dtype, init=fill, seed=11)
    t.grow(40_100)
    assert (numbers(t) == (np.arange(40_100) % 128)[:, None]).all()
    assert [first for first, _ in seen] == np.cumsum([0, *(n for _, n in seen)])[:-1].tolist()
    assert sum(n for _, n in seen) == 40_100


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: init.normal(-1.0), ValueError, r"std: expected a finite number >= 0, got -1\.0"),
        (lambda: init.normal("1"), TypeError, r"std: expected a number, got str"),
        (lambda: init.normal(1.0, mean=INF), ValueError, r"mean: expected a finite number, got inf"),
        (lambda: init.uniform(2.0, 1.0), ValueError, r"high: expected at least low=2\.0, got 1\.0"),
        (lambda: init.uniform(NAN, 1.0), ValueError, r"low: expected a finite number, got nan"),
        (lambda: init.constant(NAN), ValueError, r"value: expected a finite number, got nan"),
        (lambda: init.constant(True), TypeError, r"value: expected a number, got bool"),
    ],
    ids=["std", "std kind", "mean", "high", "low", "value", "value kind"],
)
def test_start_values_that_make_no_sense(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


# --- rounding


def floats(seed: int) -> Array:
    """Float32 of all sizes and signs, with those at every border."""
    rng = np.random.default_rng(seed)
    random = rng.integers(0, 2**32, 300_000, dtype=np.uint32).view(F)
    scaled = (rng.standard_normal(300_000) * 10.0 ** rng.uniform(-9, 6, 300_000)).astype(F)
    borders = [65504, 65519.996, 65520, 65536, 2**-14, 2**-24, 2**-25, 3 * 2**-26, 3.4028233e38, 0, 1e-45, INF, NAN]
    beside = [np.nextafter(np.array(borders, F), F(way)) for way in (0, 3.4028235e38)]
    steps = np.concatenate([np.array(borders, F), *beside])
    return np.concatenate([random, scaled, steps, -steps])


def every_half(dtype: str) -> Array:
    return widened(np.arange(65536, dtype=np.uint16), dtype)


def halfway(dtype: str) -> Array:
    """The numbers between any two neighbours, and those beside them: where ties are decided."""
    finite = np.sort(every_half(dtype)[np.isfinite(every_half(dtype))].astype(float))
    middle = ((finite[1:] + finite[:-1]) / 2).astype(F)
    return np.concatenate([middle, np.nextafter(middle, F(0)), np.nextafter(middle, F(INF))])


def assert_stored(t: Table, wanted: Array) -> None:
    """NaN is NaN, whatever its bits."""
    found = t.weights.view(np.uint16).ravel()[: len(wanted)]
    nan = np.isnan(widened(wanted, t.dtype))
    assert (np.isnan(numbers(t).ravel()[: len(wanted)]) == nan).all()
    assert (found[~nan] == wanted[~nan]).all()


@each_level
@each_half
def test_rounding_to_nearest(dtype: str, level: str) -> None:
    """As NumPy casts to float16, and by the formula for bfloat16: every half, every tie, floats of all sizes.

    Start values, and what a step from zero makes of them; a step has no minus zero, and no NaN or infinity but its own.
    """
    x = np.concatenate([every_half(dtype), halfway(dtype), floats(1)])
    x = np.concatenate([x, np.zeros(-len(x) % 16, F)]).reshape(-1, 16)
    with kernels_of(level):
        t = Table(len(x), 16, schuss.SGD(), dtype=dtype, init=taken_from(x))
    assert_stored(t, nearest(x.ravel(), dtype))
    with kernels_of(level):
        t = sgd(len(x), 16, dtype=dtype, rounding="nearest", nonfinite="propagate")
        t.update(np.arange(len(x)), -x)
    assert_stored(t, nearest(np.where(x == 0, F(0), x).ravel(), dtype))


@each_half
def test_lookups_widen_every_half_exactly(dtype: str) -> None:
    t = Table(4096, 16, schuss.SGD(), dtype=dtype)
    t.weights.view(np.uint16)[...] = np.arange(65536, dtype=np.uint16).reshape(4096, 16)
    np.testing.assert_array_equal(t.lookup(np.arange(4096)).ravel(), every_half(dtype))


@each_level
@each_half
def test_stochastic_rounding_takes_a_neighbour(dtype: str, level: str) -> None:
    """One of the two numbers around the exact one; the largest instead of infinity where float16 overflows."""
    x = np.concatenate([halfway(dtype), floats(2)])
    x = x[np.isfinite(x) & (np.abs(x) < 3.3e38)]
    x = x[: len(x) // 16 * 16].reshape(-1, 16)
    with kernels_of(level):
        t = sgd(len(x), 16, dtype=dtype)
        t.update(np.arange(len(x)), -x)
    exact, found = x.ravel().astype(float), numbers(t).ravel().astype(float)
    all_of_them = np.unique(every_half(dtype)[np.isfinite(every_half(dtype))].astype(float))
    below = all_of_them[np.maximum(np.searchsorted(all_of_them, exact, "right") - 1, 0)]
    above = all_of_them[np.minimum(np.searchsorted(all_of_them, exact, "left"), len(all_of_them) - 1)]
    assert ((found == below) | (found == above)).all()
    between = below < above
    assert 0.3 < (found == above)[between].mean() < 0.7


# What a step leaves, as start and change: exact sums in float32. The last number is the distance of the neighbours.
EXACT: dict[str, tuple[str, float, float, float]] = {
    "bfloat16 above 1": ("bfloat16", 1.0, 0.3125 * 2**-7, 2**-7),
    "bfloat16 rarely": ("bfloat16", 1.0, 2**-7 / 128, 2**-7),
    "bfloat16 negative": ("bfloat16", -1.0, -0.3125 * 2**-7, 2**-7),
    "bfloat16 small": ("bfloat16", 2.0**-20, 0.8125 * 2**-27, 2**-27),
    "bfloat16 towards zero": ("bfloat16", 1.5, -0.25 * 2**-7, 2**-7),
    "float16 above 1": ("float16", 1.0, 0.3125 * 2**-10, 2**-10),
    "float16 rarely": ("float16", 1.0, 2**-10 / 128, 2**-10),
    "float16 negative": ("float16", -1.0, -0.3125 * 2**-10, 2**-10),
    "float16 below the largest": ("float16", 65472.0, 20.0, 32.0),
    "float16 smallest normal": ("float16", 2.0**-14, 0.3125 * 2**-24, 2**-24),
    "float16 subnormal": ("float16", 5 * 2.0**-24, 0.3125 * 2**-24, 2**-24),
    "float16 subnormal, negative": ("float16", -5 * 2.0**-24, -0.3125 * 2**-24, 2**-24),
    "float16 largest subnormal": ("float16", 1023 * 2.0**-24, 0.3125 * 2**-24, 2**-24),
    "float16 between zero and the smallest": ("float16", 0.0, 0.3125 * 2**-24, 2**-24),
    "float16 far below the smallest": ("float16", 0.0, 2.0**-34, 2**-24),
}
MILLION = 62_500, 16


def spread(error: Array, chance: float) -> float:
    """How many standard errors the mean of roundings is off; `error` in units of the distance of the neighbours."""
    return abs(error.mean()) / math.sqrt(chance * (1 - chance) / error.size)


@pytest.mark.parametrize(("dtype", "first", "change", "gap"), EXACT.values(), ids=EXACT)
def test_stochastic_rounding_is_unbiased(dtype: str, first: float, change: float, gap: float) -> None:
    """A million draws of many rows in one step, and many of one row in many steps: within 4 standard errors."""
    assert F(first) + F(change) == first + change
    chance = (abs(first + change) / gap) % 1
    t = sgd(*MILLION, dtype=dtype, init=init.constant(first), seed=1)
    t.update(np.arange(MILLION[0]), np.full(MILLION, -change, F))
    error = (numbers(t).astype(float) - (first + change)) / gap
    assert set(np.unique(np.abs(error))) <= {chance, 1 - chance}
    assert spread(error, chance) < SIGMAS
    t = sgd(1, 500, dtype=dtype, init=init.constant(first), seed=2)
    stored, errors = t.weights.copy(), []
    for _ in range(400):
        t.weights[...] = stored
        t.update(np.array([0]), np.full((1, 500), -change, F))
        errors.append((numbers(t).astype(float) - (first + change)) / gap)
    assert spread(np.array(errors), chance) < SIGMAS


@each_half
def test_random_bits_of_rows_columns_steps_and_seeds_are_independent(dtype: str) -> None:
    """Correlations of a million draws with those of the next column, row, step and seed, within 4 standard errors."""
    gap = 2.0**-7 if dtype == "bfloat16" else 2.0**-10

    def signs(seed: int, step: int) -> Array:
        t = sgd(*MILLION, dtype=dtype, init=init.constant(1.0), seed=seed)
        for _ in range(step):
            t.update(np.array([], np.int64), ones(0, 16))
        t.update(np.arange(MILLION[0]), np.full(MILLION, -gap / 2, F))
        return np.sign(numbers(t).astype(float) - (1 + gap / 2))

    a = signs(1, 0)
    assert set(np.unique(a)) == {-1, 1}
    for x, y in ((a[:, 1:], a[:, :-1]), (a[:, 8:], a[:, :-8]), (a[1:], a[:-1]), (a, signs(1, 1)), (a, signs(2, 0))):
        assert abs((x * y).mean()) < SIGMAS / math.sqrt(x.size)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("bfloat16", 1.0), ("bfloat16", -(2.0**-100)), ("float16", 1.0), ("float16", -65504.0), ("float16", 2.0**-14),
     ("float16", 3 * 2.0**-24), ("float16", 700 * 2.0**-24), ("float16", 1023 * 2.0**-24), ("float16", 0.0)],
    ids=str,
)  # fmt: skip
def test_numbers_that_are_exact_stay(dtype: str, value: float) -> None:
    """A million draws: none of them moves a number that needs no rounding."""
    t = sgd(*MILLION, dtype=dtype, init=init.constant(value))
    assert (numbers(t) == value).all()
    t.update(np.arange(MILLION[0]), np.zeros(MILLION, F))
    assert np.count_nonzero(numbers(t) != value) == 0


@each_half
def test_rounding_is_a_function_of_seed_step_row_and_column(dtype: str) -> None:
    """Neither of the other rows, the table's size, its width, the batch's order, nor what was done before."""

    def trained(rows: int, dim: int, ids: list[int], seed: int = 5, steps: int = 3) -> Array:
        t = sgd(rows, dim, dtype=dtype, seed=seed, init=init.constant(1.0))
        for step in range(steps):
            values = -(0.001 + 0.01 * np.random.default_rng(step).random((1, 100)).astype(F))
            t.update(np.array(ids), np.repeat(values[:, :dim], len(ids), axis=0))
        return numbers(t)

    alone = trained(8, 17, [3])[3]
    assert same(trained(8, 17, [3])[3], alone)  # the same seed, the same numbers
    assert same(trained(8, 17, [7, 3, 0])[3], alone)
    assert same(trained(500, 17, [3])[3], alone)
    assert same(trained(8, 100, [3])[3, :17], alone)
    assert not same(trained(8, 17, [3], seed=6)[3], alone)
    assert not same(trained(8, 17, [3, 4])[4], alone)


def factorise(dtype: str, rounding: Any) -> list[float]:
    """Losses of a matrix factorisation whose steps are below half the distance of bfloat16 numbers."""
    rng = np.random.default_rng(0)
    n, m, k = 40, 30, 4
    u, v = rng.normal(size=(n, k)), rng.normal(size=(m, k))
    target = (u @ v.T / 2 + 0.3 * rng.normal(size=(n, m))).astype(F)
    rule = schuss.SGD(lr=3e-4)
    model = {
        name: Table(size, k, rule, dtype=dtype, rounding=rounding, seed=seed, init=init.normal(0.3))
        for seed, (name, size) in enumerate({"u": n, "v": m}.items())
    }
    opt, losses = Optimizer(model, rule), []
    for _ in range(2500):
        u, v = model["u"].lookup(np.arange(n)), model["v"].lookup(np.arange(m))
        error = u @ v.T - target
        losses.append(float((error**2).mean()))
        opt.step({"u": RowGrad(np.arange(n), error @ v), "v": RowGrad(np.arange(m), error.T @ u)})
    return losses


def test_stochastic_rounding_trains_where_rounding_to_nearest_stalls() -> None:
    exact = factorise("float32", "nearest")
    random, stuck = factorise("bfloat16", "stochastic"), factorise("bfloat16", "nearest")
    assert exact[-1] < 0.1 * exact[0]
    assert abs(random[-1] / exact[-1] - 1) < 0.01
    assert stuck[-1] > 2 * exact[-1]
    assert abs(stuck[-1] / stuck[-500] - 1) < 0.01  # it moves no more


# --- the optimizer: tables and arrays side by side


def model(dtype: str = "float32", seed: int = 1) -> dict[str, Any]:
    """Two tables and an array, whatever the seed of their start values; the seed of rounding is the same."""
    return {
        "user": Table(50, 8, schuss.Adam(), dtype=dtype, init=taken_from(gradients((500, 8), number(dtype), seed))),
        "deep": [
            gradients((6, 5), F, seed + 1),
            Table(20, 3, schuss.RowWiseAdaGrad(), init=init.normal(1.0), seed=seed),
        ],
    }


MODEL_RULES = {"user": schuss.Adam(lr=0.1), "deep/0": schuss.Momentum(lr=0.1), "deep/1": schuss.RowWiseAdaGrad(lr=0.1)}


def grads_of(m: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        "user": RowGrad(*batch(seed, len(m["user"]), 30, 8, m["user"].dtype)),
        "deep": [gradients((6, 5), F, seed), RowGrad(*batch(seed + 500, 20, 12, 3))],
    }


def everything(opt: Optimizer) -> list[Any]:
    """Parameters and state of an optimizer to the last bit."""
    state = opt.state_dict()
    weights = [w.weights.tobytes() if isinstance(w, Table) else w.tobytes() for w in opt._leaves]
    arrays = {k: (str(a.dtype), a.shape, a.tobytes()) for k, a in state["arrays"].items()}
    return [weights, json.dumps(state["header"], sort_keys=True), arrays]


@each_dtype
def test_one_step_of_tables_and_arrays(dtype: str) -> None:
    """A step of all is a step of each alone."""
    m, alone = model(dtype), model(dtype)
    opt = Optimizer(m, MODEL_RULES)
    array = Optimizer(alone["deep"][0], MODEL_RULES["deep/0"])
    for name, table in (("user", alone["user"]), ("deep/1", alone["deep"][1])):
        table.set(lr=MODEL_RULES[name].lr)
    for seed in range(4):
        g = grads_of(m, seed)
        opt.step(g)
        alone["user"].update(g["user"].ids, g["user"].values)
        array.step(g["deep"][0])
        alone["deep"][1].update(g["deep"][1].ids, g["deep"][1].values)
    assert bits(m["user"]) == bits(alone["user"])
    assert bits(m["deep"][1]) == bits(alone["deep"][1])
    assert same(m["deep"][0], alone["deep"][0])
    assert (opt.steps, m["user"].steps, m["deep"][1].steps) == (4, 4, 4)
    assert opt.slots["user"]["m"].ctypes.data == m["user"].slots["m"].ctypes.data
    assert repr(opt).startswith("Optimizer(1 arrays, 2 tables, 490 parameters, Adam(")


@pytest.mark.parametrize("limit", [0.5, 3.0, 1e6])
@each_dtype
def test_clip_norm(dtype: str, limit: float) -> None:
    """The norm of all gradients together, taken after duplicates are merged."""
    rng = np.random.default_rng(0)
    m = {"t": sgd(9, 5, dtype=dtype, rounding="nearest"), "a": np.zeros((2, 3)), "s": sgd(7, 2, dtype="float64")}
    opt = Optimizer(m, schuss.SGD(lr=1.0), clip_norm=limit)
    (ids, g), (more, h), a = batch(1, 9, 40, 5, dtype), batch(2, 7, 30, 2, "float64"), rng.normal(size=(2, 3))
    merged, merged_s = np.zeros((9, 5)), np.zeros((7, 2))
    np.add.at(merged, ids, g)
    np.add.at(merged_s, more, h)
    opt.step({"t": RowGrad(ids, g), "a": a, "s": RowGrad(more, h)})
    clipped = clip_by_norm([merged, a, merged_s], limit)
    rtol = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-3, "bfloat16": 8e-3}[dtype]  # half a distance for 16 bits
    for mine, want, near in zip((numbers(m["t"]), m["a"], m["s"].weights), clipped, (rtol, 1e-6, 1e-6), strict=True):
        np.testing.assert_allclose(mine, -want, rtol=near, atol=near * np.abs(want).max())
    assert math.isclose(opt.norm, math.sqrt(sum((x**2).sum() for x in (merged, a, merged_s))), rel_tol=1e-6)


def test_a_table_clips_by_itself() -> None:
    t = sgd(3, 2, dtype="float64", clip_norm=1.0)
    t.update(np.array([1, 1]), np.array([[1.0, 4], [2, 0]]))
    np.testing.assert_allclose(t.weights, [[0, 0], [-0.6, -0.8], [0, 0]], rtol=1e-15)
    t = sgd(3, 2, clip_value=0.5)
    t.update(np.array([1, 1, 2]), np.array([[0.25, 4], [0.125, 0], [-1, 0]], F))
    assert t.weights.tolist() == [[0, 0], [-0.375, -0.5], [0.5, 0]]


@pytest.mark.parametrize("n", [2, 3])
def test_accumulated_is_one_step_on_the_mean(n: int) -> None:
    def make() -> dict[str, Any]:
        first = np.random.default_rng(7).normal(size=(30, 5))
        return {"t": Table(30, 5, schuss.Adam(), dtype="float64", init=taken_from(first)), "a": np.ones(4)}

    soft, hard = Optimizer(make(), schuss.Adam(lr=0.1), accumulate=n), Optimizer(make(), schuss.Adam(lr=0.1))
    for step in range(3):
        parts = [(*batch(10 * step + k, 30, 12, 5, "float64"), gradients(4, float, step + k)) for k in range(n)]
        for k, (ids, g, a) in enumerate(parts):
            assert soft.steps == step, k
            soft.step({"t": RowGrad(ids, g), "a": a})
        all_ids, all_g, all_a = (list(x) for x in zip(*parts, strict=True))
        rows = RowGrad(np.concatenate(all_ids), np.concatenate(all_g) / n)
        hard.step({"t": rows, "a": np.mean(all_a, axis=0)})
        assert soft.steps == hard.steps == step + 1
        for name in ("m", "v"):
            np.testing.assert_allclose(soft.slots["t"][name], hard.slots["t"][name], rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(soft.params["t"].weights, hard.params["t"].weights, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(soft.params["a"], hard.params["a"], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_averages_of_touched_rows(dtype: str) -> None:
    t = Table(12, 5, schuss.Adam(), dtype=dtype, init=init.normal(1.0))
    opt = Optimizer({"t": t}, schuss.Adam(lr=0.1), ema=0.75)
    want = t.weights.astype(float)
    assert same(opt.averages["t"], np.ascontiguousarray(t.weights))
    for seed in range(5):
        ids, g = batch(seed, 12, 5, 5, dtype)
        opt.step({"t": RowGrad(ids, g)})
        touched = np.unique(ids)
        want[touched] = 0.75 * want[touched] + 0.25 * t.weights[touched]
    np.testing.assert_allclose(opt.averages["t"], want, rtol=1e-6 if dtype == "float32" else 1e-14)
    assert np.abs(want - t.weights).max() > 0.01


@each_half
def test_averages_of_16_bit_tables_are_refused(dtype: str) -> None:
    m = {"t": sgd(dtype=dtype)}
    with pytest.raises(
        ValueError, match=rf"ema: parameter 't' is a table of {dtype}; averages need float32 or float64"
    ):
        Optimizer(m, schuss.SGD(), ema=0.9)
    Optimizer(m, schuss.SGD())


@each_dtype
def test_dense_gradients(dtype: str) -> None:
    """A dense step is one of all rows."""
    dense, rows = (Table(40, 17, schuss.Adam(lr=0.1), dtype=dtype, init=init.normal(1.0)) for _ in range(2))
    opt = Optimizer(dense, dense.rule)
    for seed in range(3):
        g = gradients((40, 17), number(dtype), seed)
        opt.step(g)
        rows.update(np.arange(40), g)
    assert bits(dense) == bits(rows)


def test_frozen_tables_stay() -> None:
    m = model()
    opt = Optimizer(m, MODEL_RULES)
    opt.step(grads_of(m, 0))
    before, others = bits(m["user"]), bits(m["deep"][1])
    opt.freeze("user")
    opt.step(grads_of(m, 1))
    assert bits(m["user"]) == before
    assert bits(m["deep"][1]) != others
    opt.unfreeze("user")
    opt.step(grads_of(m, 2))
    assert bits(m["user"]) != before


def test_rules_of_tables_change_by_name() -> None:
    m = model()
    opt = Optimizer(m, MODEL_RULES)
    opt.set("user", lr=schedules.Constant(0.5), beta1=0.5)
    assert m["user"].rule == schuss.Adam(lr=schedules.Constant(0.5), beta1=0.5)
    alone = model()["user"]
    alone.set(lr=0.5, beta1=0.5)
    g = grads_of(m, 0)
    opt.step(g)
    alone.update(g["user"].ids, g["user"].values)
    assert bits(m["user"]) == bits(alone)
    with pytest.raises(ValueError, match=r"keeps other slots than .*; make a new Optimizer"):
        opt.set("user", amsgrad=True)


@pytest.mark.parametrize("way", ["save", "state_dict"])
@pytest.mark.parametrize("accumulate", [1, 3])
@each_dtype
def test_resume_bit_for_bit(dtype: str, accumulate: int, way: str, tmp_path: Path) -> None:
    """Five calls, a state, and five more in a fresh optimizer, are ten; 5 stops in the midst of a window of 3."""
    options: dict[str, Any] = {"accumulate": accumulate, "clip_norm": 3.0}
    if dtype not in HALVES:
        options["ema"] = 0.9
    whole, first, fresh = (Optimizer(model(dtype, seed), MODEL_RULES, **options) for seed in (1, 1, 2))
    assert everything(fresh) != everything(first)
    for k in range(10):
        whole.step(grads_of(whole.params, k))
    for k in range(5):
        first.step(grads_of(first.params, k))
    if way == "save":
        first.save(tmp_path / "state")
        fresh.load(tmp_path / "state")
    else:
        fresh.load_state_dict(first.state_dict())
        for w, old in zip(fresh._leaves, first._leaves, strict=True):
            target, source = (x.weights if isinstance(x, Table) else x for x in (w, old))
            target[...] = source
    assert everything(fresh) == everything(first)
    for k in range(5, 10):
        fresh.step(grads_of(fresh.params, k))
    assert everything(fresh) == everything(whole)
    assert fresh.steps == 10 // accumulate


@each_dtype
def test_dense_sums_in_a_state(dtype: str) -> None:
    """A state taken in the midst of a window of dense gradients."""

    def make() -> Optimizer:
        return Optimizer({"t": Table(9, 5, schuss.Adam(), dtype=dtype)}, schuss.Adam(lr=0.1), accumulate=2)

    whole, first, fresh = make(), make(), make()
    g = [{"t": gradients((9, 5), number(dtype), k)} for k in range(2)]
    whole.step(g[0])
    whole.step(g[1])
    first.step(g[0])
    fresh.load_state_dict(first.state_dict())
    assert everything(fresh) == everything(first)
    fresh.step(g[1])
    assert everything(fresh) == everything(whole)


@each_dtype
def test_a_table_saves_itself(dtype: str, tmp_path: Path) -> None:
    whole, first, fresh = (Table(20, 5, schuss.Adam(lr=0.1), dtype=dtype) for _ in range(3))
    train(whole, 4)
    train(whole, 4, seed=1)
    train(first, 4)
    first.save(tmp_path / "state")
    train(fresh, 1)
    fresh.load(tmp_path / "state")
    assert snapshot(fresh) == snapshot(first)
    train(fresh, 4, seed=1)
    assert snapshot(fresh) == snapshot(whole)


LOADS: dict[str, tuple[dict[str, Any], str]] = {
    "rows": ({"rows": 21}, r"'': the file has float32 \(20, 5\), the optimizer float32 \(21, 5\)"),
    "dim": ({"dim": 6}, r"the file has float32 \(20, 5\), the optimizer float32 \(20, 6\)"),
    "float64": ({"dtype": "float64"}, r"the file has float32 \(20, 5\), the optimizer float64 \(20, 5\)"),
    "float16": ({"dtype": "float16"}, r"the file has float32 \(20, 5\), the optimizer float16 \(20, 5\)"),
    "rule": ({"rule": schuss.AdaMax()}, r"was trained with Adam, here it has AdaMax"),
    "slots": ({"rule": schuss.Adam(amsgrad=True)}, r"keeps other slots than"),
}


@pytest.mark.parametrize(("changes", "words"), LOADS.values(), ids=LOADS)
def test_states_of_other_tables_are_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    t = Table(20, 5, schuss.Adam())
    train(t, 2)
    t.save(tmp_path / "state")
    other = Table(**{"rows": 20, "dim": 5, "rule": schuss.Adam(), **changes})
    train(other, 1)
    before = snapshot(other)
    with pytest.raises(ValueError, match=words):
        other.load(tmp_path / "state")
    assert snapshot(other) == before


def test_a_table_belongs_to_one_optimizer() -> None:
    t, spare = sgd(), sgd()
    opt = Optimizer({"t": t}, t.rule)
    with pytest.raises(ValueError, match=r"a table belongs to one Optimizer at a time"):
        Optimizer({"spare": spare, "t": t}, t.rule)
    for act in (lambda: t.update(np.array([1]), ones(1, 3)), lambda: t.set(lr=0.5), lambda: t.save("nowhere")):
        with pytest.raises(ValueError, match=r"it belongs to an Optimizer; give its gradient to that one's step"):
            act()
    opt.step({"t": RowGrad(np.array([1]), ones(1, 3))})
    assert t.lookup(np.array([1])).tolist() == [[-1, -1, -1]]
    assert Optimizer(spare, spare.rule).steps == 0  # the refusal left it free
    del opt
    gc.collect(1)
    other = Optimizer([t], t.rule)
    other.step([RowGrad(np.array([1]), ones(1, 3))])
    assert t.weights[:, 0].tolist() == [0, -2, 0, 0]


def test_a_table_that_has_been_used_alone_is_refused() -> None:
    t = sgd()
    t.update(np.array([1]), ones(1, 3))
    with pytest.raises(ValueError, match=r"has been used with another or by itself; give it to the Optimizer before"):
        Optimizer({"t": t}, t.rule)
    t.update(np.array([1]), ones(1, 3))
    assert t.weights[1].tolist() == [-2, -2, -2]


def test_a_table_twice_is_refused() -> None:
    t = sgd()
    with pytest.raises(ValueError, match=r"params: 'a' and 'b' share memory"):
        Optimizer({"a": t, "b": t}, t.rule)


@pytest.mark.parametrize("order", [("table", "view"), ("view", "table")], ids="-".join)
def test_a_view_of_a_table_beside_it_is_refused(order: tuple[str, str]) -> None:
    t = sgd(4, 16)
    assert t.weights.flags.c_contiguous
    params = {"table": t, "view": t.weights}
    with pytest.raises(ValueError, match=r"params: '\w+' and '\w+' share memory"):
        Optimizer({name: params[name] for name in order}, t.rule)


def test_a_rule_with_other_slots_is_refused() -> None:
    m = {"t": sgd(), "a": np.zeros(3)}
    with pytest.raises(
        ValueError, match=r"parameter 't' is a table made for SGD\(lr=1\.0\); Adam\(.*\) keeps other slots"
    ):
        Optimizer(m, schuss.Adam())
    opt = Optimizer(m, {"t": schuss.SGD(lr=0.5), "*": schuss.Adam()})
    assert m["t"].rule == schuss.SGD(lr=0.5)
    opt.step({"t": RowGrad(np.array([0]), ones(1, 3)), "a": np.ones(3)})
    assert m["t"].weights[0].tolist() == [-0.5] * 3


@each_dtype
@pytest.mark.parametrize("case", [name for name, rule in CASES if rule.info["whole"]])
def test_a_rule_of_dense_gradients_only_is_refused(case: str, dtype: str, place: Callable[[], Path | None]) -> None:
    name, path = type(RULES[case]).__name__, place()
    words = rf"^rule: {name} takes dense gradients only, since it needs sums over all rows at every step; use Adam"
    with pytest.raises(ValueError, match=words):
        Table(4, 3, RULES[case], dtype=dtype, path=path)
    assert path is None or not path.exists()


@pytest.mark.parametrize("rows", [0, 4])
@pytest.mark.parametrize("case", [name for name, rule in CASES if rule.info["whole"]])
def test_a_table_beside_a_rule_of_dense_gradients_only_is_refused(case: str, rows: int) -> None:
    with pytest.raises(ValueError, match=r"parameter 't' is a table made for SGD.*keeps other slots; give a fitting"):
        Optimizer({"t": sgd(rows), "a": np.zeros(3, F)}, RULES[case])


def test_single_coordinates_of_a_table_are_refused() -> None:
    t = sgd()
    opt = Optimizer({"t": t}, t.rule)
    with pytest.raises(TypeError, match=r"gradient of 't': a table has rows, not single coordinates; give RowGrad"):
        opt.step({"t": CoordGrad(np.array([1]), np.ones(1, F))})
    assert not t.weights.any()


# --- mapped files


def steps_in(path: Path) -> int:
    return int(struct.unpack_from("<q", path.read_bytes()[:4096], 64)[0])


def patch(path: Path, at: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


@contextlib.contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file may grow beyond this size: EFBIG, since Python ignores SIGXFSZ. A stand-in for a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@each_dtype
@pytest.mark.parametrize("rule", GROWING, ids=named)
def test_a_mapped_table_is_one_in_memory(rule: Rule, dtype: str, tmp_path: Path) -> None:
    """Trained, closed, opened, trained, grown, closed, opened and trained: bit for bit, steps and slots too."""
    path, options = tmp_path / "table", {"dtype": dtype, "seed": 9, "init": init.normal(1.0)}
    memory, mapped = Table(30, 17, rule, **options), Table(30, 17, rule, path=path, **options)
    assert bits(mapped) == bits(memory)
    for t in (memory, mapped):
        train(t, 3, seed=1)
    del mapped, t
    gc.collect(1)
    mapped = Table.open(path)
    assert (repr(mapped.rule), mapped.dtype, mapped.shape, mapped.steps) == (repr(rule), dtype, (30, 17), 3)
    assert bits(mapped) == bits(memory)
    for t in (memory, mapped):
        train(t, 2, seed=2)
        t.grow(500)
        train(t, 2, seed=3)
    del mapped, t
    gc.collect(1)
    mapped = Table(500, 17, rule, path=path, **options)
    assert mapped.steps == memory.steps == 7
    for t in (memory, mapped):
        train(t, 2, seed=4)
        t.grow(600)
    assert bits(mapped) == bits(memory)


def test_a_mapped_table_outlives_its_process(tmp_path: Path) -> None:
    """Nobody closes it: the process ends at once."""
    code = """
import os, sys
import numpy as np, schuss
t = schuss.Table(100, 4, schuss.AdaGrad(lr=0.1), path=sys.argv[1], seed=3)
for k in range(3):
    t.update(np.array([k, 99]), np.ones((2, 4), np.float32))
os._exit(0)
"""
    output(code, tmp_path / "table")
    t, control = Table.open(tmp_path / "table"), Table(100, 4, schuss.AdaGrad(lr=0.1), seed=3)
    for k in range(3):
        control.update(np.array([k, 99]), ones(2, 4))
    assert snapshot(t) == snapshot(control)


def test_a_synced_file_is_the_table(tmp_path: Path) -> None:
    """Read as the header's text describes it."""
    t = Table(6, 3, schuss.AdaGrad(lr=0.5), path=tmp_path / "table")
    train(t, 2)
    t.sync()
    data = (tmp_path / "table").read_bytes()
    (length,) = struct.unpack_from("<q", data, 128)
    header = json.loads(data[136 : 136 + length])
    rows = np.frombuffer(data, np.uint8, 6 * header["stride"], 4096).reshape(6, -1)
    assert (header["rows"], header["dim"], header["dtype"], header["slots"]) == (6, 3, "float32", ["s"])
    assert same(rows[:, :12].copy().view(F), t.weights.copy())
    assert same(rows[:, 12:24].copy().view(F), t.slots["s"].copy())
    assert struct.unpack_from("<qqq", data, 64) == (2, 0, 0)


def test_a_file_is_opened_with_other_hyper_parameters(tmp_path: Path) -> None:
    rule = schuss.Adam(lr=schedules.Cosine(0.1, steps=20), beta1=0.8)
    Table(4, 3, rule, path=tmp_path / "table")
    assert repr(Table.open(tmp_path / "table").rule) == repr(rule)
    t = Table.open(str(tmp_path / "table"), schuss.Adam(lr=0.5), threads=1, clip_norm=1.0)
    assert t.rule == schuss.Adam(lr=0.5)
    Table(4, 3, schuss.SGD(lr=lambda k: 0.1), path=tmp_path / "function")
    with pytest.raises(ValueError, match=r"its learning rate was a function, which a file cannot hold; give rule="):
        Table.open(tmp_path / "function")
    assert Table.open(tmp_path / "function", schuss.SGD(lr=0.2)).rule == schuss.SGD(lr=0.2)


def test_a_refused_step_leaves_the_file_in_order(tmp_path: Path) -> None:
    t = Table(4, 3, schuss.AdaGrad(), path=tmp_path / "table")
    t.update(np.array([1]), ones(1, 3))
    before = bits(t)
    for ids, g in (([1], NAN), ([4], 1)):
        with pytest.raises((ValueError, IndexError)):
            t.update(np.array(ids), g * ones(1, 3))
    del t
    gc.collect(1)
    t = Table.open(tmp_path / "table")
    assert bits(t) == before
    assert t.steps == 1


def test_an_opened_table_joins_an_optimizer(tmp_path: Path) -> None:
    """Its state beside it, training goes on bit for bit."""
    path, state = tmp_path / "table", tmp_path / "state"

    def make(t: Table) -> Optimizer:
        return Optimizer({"t": t, "a": np.ones(3)}, {"t": schuss.Adam(lr=0.1), "a": schuss.Momentum(lr=0.1)})

    def go(opt: Optimizer, seed: int) -> None:
        opt.step({"t": RowGrad(*batch(seed, 30, 9, 5)), "a": gradients(3, float, seed)})

    first, control = make(Table(30, 5, schuss.Adam(), path=path)), make(Table(30, 5, schuss.Adam()))
    for seed in range(3):
        go(first, seed)
        go(control, seed)
    first.save(state)
    del first
    gc.collect(1)
    again = make(Table.open(path))
    again.load(state)
    for seed in range(3, 6):
        go(again, seed)
        go(control, seed)
    assert everything(again) == everything(control)


def test_an_opened_table_goes_on_counting_in_an_optimizer(tmp_path: Path) -> None:
    """Without a state beside it: bias correction hangs on the steps that its file tells."""
    first, control = Table(9, 3, schuss.Adam(), path=tmp_path / "table"), Table(9, 3, schuss.Adam())
    for t in (first, control):
        train(t, 5)
    del first, t
    gc.collect(1)
    opt = Optimizer({"t": Table.open(tmp_path / "table")}, schuss.Adam())
    assert opt.steps == 5
    ids, g = batch(7, 9, 12, 3)
    opt.step({"t": RowGrad(ids, g)})
    control.update(ids, g)
    assert bits(opt.params["t"]) == bits(control)
    assert steps_in(tmp_path / "table") == 6


def test_what_is_loaded_into_a_mapped_table_is_in_its_file(tmp_path: Path) -> None:
    """Rows, slots and the number of steps, on which bias correction hangs."""
    t, control = Table(9, 3, schuss.Adam(), path=tmp_path / "table"), Table(9, 3, schuss.Adam())
    train(control, 5)
    control.save(tmp_path / "state")
    t.load(tmp_path / "state")
    t.sync()
    del t
    gc.collect(1)
    t = Table.open(tmp_path / "table")
    assert bits(t) == bits(control)
    assert t.steps == 5
    assert steps_in(tmp_path / "table") == 5


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "dim": ({"dim": 6}, r"dim: the file has 5, this table 6"),
    "dtype": ({"dtype": "float64"}, r"dtype: the file has 'float32', this table 'float64'"),
    "16 bits": ({"dtype": "bfloat16"}, r"dtype: the file has 'float32', this table 'bfloat16'"),
    "rows": ({"rows": 21}, r"rows: the file has 20, this table 21; use Table.open"),
    "rule of the same slots": ({"rule": schuss.AdamW()}, r"rule: the file has Adam, this table AdamW"),
    "rule of other slots": ({"rule": schuss.AdaGrad()}, r"rule: the file has Adam, this table AdaGrad"),
    "slots": ({"rule": schuss.Adam(amsgrad=True)}, r"slots: the file has \['m', 'v'\], this table \['m', 'v', 'x'\]"),
    "rounding": ({"rounding": "nearest"}, r"rounding: the file has 'stochastic', this table 'nearest'"),
}


@pytest.mark.parametrize(("changes", "words"), OTHERS.values(), ids=OTHERS)
def test_files_of_other_tables_are_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    """With both values, and the file as it was."""
    path, own = tmp_path / "table", {"rows": 20, "dim": 5, "rule": schuss.Adam()}
    Table(**own, path=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=words) as caught:
        Table(**{**own, **changes}, path=path)
    assert str(path) in str(caught.value)
    if not {"rows", "dim"} & set(changes):
        with pytest.raises(ValueError, match=words):
            Table.open(path, **changes)
    assert path.read_bytes() == before
    assert Table.open(path).shape == (20, 5)


def refused(path: Path, error: type[Exception], words: str) -> None:
    """By both ways to open it; the file stays as it was."""
    before = path.read_bytes() if path.is_file() else None
    for act in (lambda: Table.open(path), lambda: Table(20, 5, schuss.Adam(), path=path)):
        with pytest.raises(error, match=words) as caught:
            act()
        assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A trained table."""
    t = Table(20, 5, schuss.Adam(), path=tmp_path / "table")
    train(t, 2)
    return tmp_path / "table"


@pytest.mark.parametrize("size", [0, 10, 4095, 4096, 4096 + 20 * 64 - 1])
def test_truncated_files_are_refused(file: Path, size: int) -> None:
    assert Table.open(file).nbytes == 4096 + 20 * 64
    os.truncate(file, size)
    refused(file, ValueError, "truncated")


GARBAGE: dict[str, Callable[[Path], Any]] = {
    "other bytes": lambda path: path.write_bytes(np.random.default_rng(0).bytes(10_000)),
    "zeros": lambda path: path.write_bytes(bytes(10_000)),
    "text": lambda path: path.write_text("a table\n" * 2000),
    "no length": lambda path: patch(path, 128, struct.pack("<q", 0)),
    "a length beyond the header": lambda path: patch(path, 128, struct.pack("<q", 2**40)),
    "a negative length": lambda path: patch(path, 128, struct.pack("<q", -5)),
    "no JSON": lambda path: patch(path, 136, b"\xff\xfe{]"),
    "a list": lambda path: patch(path, 128, struct.pack("<q", 2) + b"[]"),
    "an empty description": lambda path: patch(path, 128, struct.pack("<q", 2) + b"{}"),
    "rows alone": lambda path: patch(path, 128, struct.pack("<q", 11) + b'{"rows": 1}'),
    "rows that are no number": lambda path: patch(path, 128, struct.pack("<q", 28) + b'{"rows": "1", "stride": 64 }'),
    "rows below none": lambda path: patch(path, 128, struct.pack("<q", 28) + b'{"rows": -20, "stride": 64 }'),
}


@pytest.mark.parametrize("act", GARBAGE.values(), ids=GARBAGE)
def test_files_that_are_no_tables_are_refused(file: Path, act: Callable[[Path], Any]) -> None:
    act(file)
    refused(file, ValueError, "truncated, or no schuss table|header of this table is damaged")


def test_a_checkpoint_is_no_table_file(tmp_path: Path) -> None:
    Table(20, 5, schuss.Adam()).save(tmp_path / "state")
    refused(tmp_path / "state", ValueError, "truncated, or no schuss table")


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, IsADirectoryError, "directory")
    with pytest.raises(FileNotFoundError, match="missing"):
        Table.open(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="missing"):
        Table(20, 5, schuss.Adam(), path=tmp_path / "missing" / "table")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_nothing_is_refused_and_stays(tmp_path: Path) -> None:
    """What the table did not make it does not take away."""
    link = tmp_path / "table"
    link.symlink_to(tmp_path / "nothing")
    with pytest.raises(OSError, match="table"):
        Table(20, 5, schuss.Adam(), path=link)
    assert link.is_symlink()
    assert not link.exists()


def test_read_only_files_are_refused(file: Path) -> None:
    """Whoever asks: root may write to them all the same."""
    file.chmod(0o444)
    refused(file, PermissionError, "read-only: a table is trained where it lies; use chmod")
    file.chmod(0o644)
    assert Table.open(file).steps == 2


def test_a_file_left_in_the_midst_of_a_step_is_refused(file: Path) -> None:
    patch(file, 72, struct.pack("<q", 1))
    refused(file, ValueError, "step 3 was broken off, so that some rows have it and some not; go on from a copy")


def test_a_file_whose_rows_owe_steps_is_refused(file: Path) -> None:
    patch(file, 80, struct.pack("<q", 2))
    refused(file, ValueError, r"rows still owe steps .*; call flush\(\) or sync\(\) before it ends")


def test_a_file_without_all_start_values_is_refused(file: Path) -> None:
    patch(file, 40, b"\0")
    refused(file, ValueError, "its start values were never finished; delete it")


def test_a_table_whose_start_values_fail_leaves_no_file(tmp_path: Path) -> None:
    def fill(rows: Array, seed: int, first: int) -> None:
        raise RuntimeError("no values")

    with pytest.raises(RuntimeError, match="no values"):
        Table(20, 5, schuss.Adam(), init=fill, path=tmp_path / "table")
    with pytest.raises(ValueError, match=r"init: EG needs weights that sum to 1"):
        Table(20, 5, schuss.EG(), init=init.zeros(), path=tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


def test_a_rule_too_long_for_the_header_leaves_no_file(tmp_path: Path) -> None:
    rates = schedules.Join([schedules.Constant(0.1)] * 200, boundaries=list(range(1, 200)))
    with pytest.raises(ValueError, match=r"rule: its description is too long for a table file"):
        Table(20, 5, schuss.SGD(lr=rates), path=tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 1000, 4096, 100_000], ids=["nothing", "half a header", "the header", "some rows"])
def test_a_full_disk_while_a_file_is_made(room: int, tmp_path: Path) -> None:
    """The system's error with the file's name, and no file; with room it works."""
    with file_limit(room), pytest.raises(OSError, match="table") as caught:
        Table(10_000, 16, schuss.Adam(), path=tmp_path / "table")
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []
    assert Table(10_000, 16, schuss.Adam(), path=tmp_path / "table").rows == 10_000


def test_a_full_disk_while_a_file_grows(tmp_path: Path) -> None:
    """The system's error; the table, its file and its further training as if nothing had been asked."""
    path, rule = tmp_path / "table", schuss.Adam(lr=0.1)
    t, control = Table(1000, 16, rule, path=path), Table(1000, 16, rule)
    for x in (t, control):
        train(x, 2)
    before, size = path.read_bytes(), path.stat().st_size
    with file_limit(size + 100_000), pytest.raises(OSError, match="table") as caught:
        t.grow(100_000)
    assert caught.value.errno == errno.EFBIG
    assert (t.rows, path.stat().st_size) == (1000, size)
    assert path.read_bytes() == before
    for x in (t, control):
        train(x, 2, seed=1)
        x.grow(5000)
        train(x, 2, seed=2)
    assert snapshot(t) == snapshot(control)
    del t, x
    gc.collect(1)
    assert snapshot(Table.open(path)) == snapshot(control)


BIG_FILE = """
import resource, sys
import numpy as np, schuss

# RLIMIT_AS will not do: a mapped file takes as much address space as it has bytes. RLIMIT_DATA counts memory that is
# private and writable, which no file can take back.
resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
path, rows, dim, rule, zeros = sys.argv[1], 1 << 20, 512, schuss.Adam(lr=0.1), schuss.init.zeros()
try:
    schuss.Table(rows, dim, rule, init=zeros)
except MemoryError:
    print("refused in memory")
t = schuss.Table(rows, dim, rule, init=zeros, path=path)
print(t.nbytes >= 6 << 30, t.weights.shape)
rng = np.random.default_rng(0)
touched = np.unique(rng.integers(rows, size=100))
for k in range(3):
    t.update(touched, np.ones((len(touched), dim), np.float32))
del t
t = schuss.Table.open(path)
found = t.lookup(np.array([touched[0], touched[-1], touched[0] + 1]))
print(t.steps, found.round(5).min(axis=1), found.round(5).max(axis=1))
"""


def test_a_table_of_6_gib_in_a_process_of_2_gib(tmp_path: Path) -> None:
    """What is refused in memory is trained in a file. Takes 5 to 30 s, most of it the disk's."""
    folders = [tmp_path, Path("/var/tmp"), Path.cwd()]
    folder = next((f for f in folders if f.is_dir() and shutil.disk_usage(f).free > 8 << 30), None)
    if folder is None:
        pytest.skip("no folder with 8 GiB to spare")
    path = folder / f"schuss-test-{os.getpid()}-table"
    try:
        printed = output(BIG_FILE, path, timeout=240).splitlines()
    finally:
        path.unlink(missing_ok=True)
    assert printed == ["refused in memory", "True (1048576, 512)", "3 [-0.3 -0.3  0. ] [-0.3 -0.3  0. ]"]


# --- numbers that are not finite


@each_dtype
@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("at", [(0, 0), (2, 4), (6, 16)], ids=str)
def test_a_row_that_is_not_finite_is_refused_by_its_place(at: tuple[int, int], value: float, dtype: str) -> None:
    t = Table(20, 17, schuss.Adam(), dtype=dtype, init=init.normal(1.0))
    train(t, 1)
    before = snapshot(t)
    g = np.ones((7, 17), number(dtype))
    g[at] = value
    with pytest.raises(ValueError, match=rf"gradient: {value} at index \({at[0]}, {at[1]}\); nothing was changed"):
        t.update(np.array([3, 19, 0, 3, 7, 0, 8]), g)
    assert snapshot(t) == before


@each_dtype
def test_rows_that_are_not_finite_are_skipped_and_counted(dtype: str) -> None:
    """A row with a bad gradient stays as it is, slots too; one with two counts once; the rest takes the step."""
    t, clean = (Table(20, 17, schuss.Adam(lr=0.1), dtype=dtype, nonfinite="skip") for _ in range(2))
    before = t.weights.copy()
    ids, g = np.array([3, 19, 0, 3, 7, 0, 8, 8]), gradients((8, 17), number(dtype), 0)
    g[[0, 5, 6, 7], [1, 16, 0, 3]] = NAN, INF, -INF, NAN
    t.update(ids, g)
    clean.update(ids[[1, 4]], g[[1, 4]])
    assert (t.skipped, t.steps, clean.skipped) == (3, 1, 0)
    assert bits(t) == bits(clean)
    assert (t.weights[[3, 0, 8]] == before[[3, 0, 8]]).all()
    assert (t.weights[[19, 7]] != before[[19, 7]]).any(axis=1).all()
    t.update(ids[:1], g[:1])
    assert (t.skipped, t.steps) == (4, 2)


def test_many_rows_are_skipped_by_many_threads() -> None:
    n = 40_000
    bad, g = np.array([0, 1, 9_000, n - 1]), ones(n, 2)
    g[bad, 1] = NAN
    t = sgd(n, 2, nonfinite="skip", threads=2, clip_norm=1e9)
    t.update(np.arange(n)[::-1].copy(), g[::-1].copy())
    assert t.skipped == 4
    assert np.flatnonzero(t.weights[:, 0] == 0).tolist() == bad.tolist()


@each_dtype
def test_numbers_that_are_not_finite_propagate(dtype: str) -> None:
    t = sgd(3, 2, dtype=dtype, nonfinite="propagate")
    t.update(np.array([2, 1]), np.array([[NAN, 1], [1, INF]], number(dtype)))
    np.testing.assert_array_equal(numbers(t), [[0, 0], [-1, -INF], [NAN, -1]])
    assert t.skipped == 0


# --- bad input

IDS, OFF = np.array([3, 1]), np.array([0, 1, 2])
G, ONE = ones(2, 16), np.array([0, 3])
Call = Callable[[Table], Any]


def read_only(a: Array) -> Array:
    a.flags.writeable = False
    return a


def by_ids(ids: Array) -> dict[str, Call]:
    """All that takes ids."""
    k = len(ids)
    return {
        "lookup": lambda t: t.lookup(ids),
        "bags": lambda t: t.bags(ids, np.array([0, k])),
        "update": lambda t: t.update(ids, ones(k, 16)),
        "update_bags": lambda t: t.update_bags(ids, np.array([0, k]), ones(1, 16)),
    }


KINDS_OF_IDS: dict[str, tuple[Array, type[Exception], str]] = {
    "float ids": (IDS * 1.0, TypeError, r"ids: expected int32, int64, uint32 or uint64, got float64"),
    "int16 ids": (IDS.astype("i2"), TypeError, r"ids: expected int32.*, got int16"),
    "bool ids": (IDS > 2, TypeError, r"ids: expected int32.*, got bool"),
    "2-D ids": (np.array([[3], [1]]), ValueError, r"ids: expected one dimension, got shape \(2, 1\)"),
    "ids with strides": (np.arange(4)[::2], ValueError, r"ids: expected a C-contiguous array"),
    "ids of another byte order": (IDS.astype(">i8"), TypeError, r"ids: .*byte order"),
}
for kind in KINDS:
    for value in (4, np.iinfo(kind).max, *((-1, np.iinfo(kind).min) if kind[0] == "i" else ())):
        words = rf"id.* {value} at position 1 .*out of range; expected 0 to 3"
        KINDS_OF_IDS[f"{kind} id {value}"] = np.array([0, value, 1], kind), IndexError, words

CALLS: dict[str, tuple[Call, type[Exception], str]] = {
    f"{name} of {label}": (act, error, words)
    for label, (ids, error, words) in KINDS_OF_IDS.items()
    for name, act in by_ids(ids).items()
}
CALLS |= {
    "lookup of a list": (lambda t: t.lookup([1, 2]), TypeError, r"ids: expected a NumPy array, got list"),
    "lookup of a number": (lambda t: t.lookup(1), TypeError, r"ids"),
    "lookup of a 0-D array": (lambda t: t.lookup(np.array(1)), ValueError, r"ids: expected one dimension"),
    "update of a list of floats": (lambda t: t.update([1.0, 2.0], G), TypeError, r"ids: expected.*float64"),
    # out
    "out of another shape": (lambda t: t.lookup(IDS, ones(3, 16)), ValueError, r"out: .*\(2, 16\), got \(3, 16\)"),
    "out of another dtype": (lambda t: t.lookup(IDS, np.ones((2, 16))), TypeError, r"out: expected float32"),
    "out with strides": (lambda t: t.lookup(IDS, ones(2, 32)[:, ::2]), ValueError, r"out: expected a C-contiguous"),
    "out read-only": (lambda t: t.lookup(IDS, read_only(ones(2, 16))), ValueError, r"out: expected a writable array"),
    "out a list": (lambda t: t.lookup(IDS, [1]), TypeError, r"out: expected a NumPy array, got list"),
    "out in the table": (lambda t: t.lookup(IDS, t.weights[:2]), ValueError, r"out: shares memory with parameter"),
    # bags
    "offsets not from 0": (lambda t: t.bags(IDS, np.array([1, 2])), ValueError, r"offsets: .* from 0 ascending"),
    "offsets not to the end": (lambda t: t.bags(IDS, np.array([0, 1])), ValueError, r"offsets: .*len\(ids\) = 2"),
    "offsets beyond the end": (lambda t: t.bags(IDS, ONE), ValueError, r"offsets: .*len\(ids\) = 2"),
    "offsets that descend": (lambda t: t.bags(IDS, np.array([0, 2, 1, 2])), ValueError, r"offsets: .*ascending"),
    "offsets below zero": (lambda t: t.bags(IDS, np.array([0, -1, 2])), ValueError, r"offsets: .*ascending"),
    "no offsets": (lambda t: t.bags(IDS[:0], IDS[:0]), ValueError, r"offsets: "),
    "offsets of floats": (lambda t: t.bags(IDS, OFF * 1.0), TypeError, r"offsets: expected int32.*float64"),
    "offsets 2-D": (lambda t: t.bags(IDS, OFF[None]), ValueError, r"offsets: expected one dimension"),
    "offsets a list": (lambda t: t.bags(IDS, [0, 2]), TypeError, r"offsets: expected a NumPy array, got list"),
    "offsets a number": (lambda t: t.bags(IDS, 2), TypeError, r"offsets"),
    "weights of another length": (lambda t: t.bags(IDS, OFF, ones(3)), ValueError, r"weights: .*\(2,\), got \(3,\)"),
    "weights of another dtype": (lambda t: t.bags(IDS, OFF, np.ones(2)), TypeError, r"weights: expected float32"),
    "weights a list": (lambda t: t.bags(IDS, OFF, [1, 1]), TypeError, r"weights: expected a NumPy array, got list"),
    "mode of bags": (lambda t: t.bags(IDS, OFF, mode="max"), ValueError, r"mode: expected 'sum' or 'mean', got 'max'"),
    # gradients
    "rows too wide": (lambda t: t.update(IDS, ones(2, 17)), ValueError, r"values: .*\(2, 16\), got \(2, 17\)"),
    "too few rows": (lambda t: t.update(IDS, ones(1, 16)), ValueError, r"values: .*\(2, 16\), got \(1, 16\)"),
    "rows laid flat": (lambda t: t.update(IDS, ones(32)), ValueError, r"values: .*\(2, 16\), got \(32,\)"),
    "gradients float64": (
        lambda t: t.update(IDS, np.ones((2, 16))),
        TypeError,
        r"values: expected float32, got float64",
    ),
    "gradients float16": (lambda t: t.update(IDS, G.astype("f2")), TypeError, r"values: expected.*got float16"),
    "gradients int": (lambda t: t.update(IDS, G.astype(int)), TypeError, r"values: expected float32, got int64"),
    "gradients with strides": (lambda t: t.update(IDS, ones(2, 32)[:, ::2]), ValueError, r"values: .*C-contiguous"),
    "gradients in columns": (lambda t: t.update(IDS, np.asfortranarray(G)), ValueError, r"values: .*C-contiguous"),
    "gradients in the table": (lambda t: t.update(IDS, t.weights[:2]), ValueError, r"gradient: shares memory with"),
    # gradients of bags
    "mode of update_bags": (lambda t: t.update_bags(IDS, OFF, G, mode="max"), ValueError, r"mode: expected 'sum' or"),
    "borders not from 0": (lambda t: t.update_bags(IDS, OFF + 1, G), ValueError, r"offsets: .*from 0 ascending"),
    "borders too few": (lambda t: t.update_bags(IDS, OFF[:2], G[:1]), ValueError, r"offsets: .*len\(ids\) = 2"),
    "borders too many": (lambda t: t.update_bags(IDS, np.array([0, 1, 1, 2]), G), ValueError, r"offsets: expected 3"),
    "borders that descend": (lambda t: t.update_bags(IDS, np.array([0, 3, 2]), G), ValueError, r"offsets: .*ascending"),
    "borders of floats": (lambda t: t.update_bags(IDS, OFF * 1.0, G), TypeError, r"offsets"),
    "borders 2-D": (lambda t: t.update_bags(IDS, OFF[None], G[:1]), ValueError, r"offsets"),
    "no borders": (lambda t: t.update_bags(IDS[:0], IDS[:0], G[:0]), ValueError, r"offsets"),
    "bags too wide": (lambda t: t.update_bags(IDS, OFF, ones(2, 17)), ValueError, r"\(2, 16\), got \(2, 17\)"),
    "bags float64": (lambda t: t.update_bags(IDS, OFF, np.ones((2, 16))), TypeError, r"expected float32, got float64"),
    "factors float64": (lambda t: t.update_bags(IDS, OFF, G, np.ones(2)), TypeError, r"weights: expected float32"),
    "factors too many": (lambda t: t.update_bags(IDS, OFF, G, ones(3)), ValueError, r"weights: expected shape"),
    "factors too few": (lambda t: t.update_bags(IDS, OFF, G, ones(1)), ValueError, r"weights: expected shape"),
    "factors 2-D": (lambda t: t.update_bags(IDS, OFF, G, ones(2, 1)), ValueError, r"weights: expected shape"),
    "bags NaN": (lambda t: t.update_bags(IDS, OFF, G * F(NAN)), ValueError, r"gradient: nan at index \(0, 0\)"),
    # the rest
    "unknown hyper-parameter": (lambda t: t.set(nonsense=1), TypeError, r"SGD has no 'nonsense'"),
    "hyper-parameter out of range": (lambda t: t.set(lr=-1), ValueError, r"SGD: lr: expected a number in \[0, inf\)"),
}


@pytest.mark.parametrize(("act", "error", "words"), CALLS.values(), ids=CALLS)
def test_bad_calls_change_nothing(act: Callable[[Table], Any], error: type[Exception], words: str) -> None:
    t = Table(4, 16, schuss.SGD(lr=1.0), init=init.normal(1.0))
    assert t.weights.flags.c_contiguous
    t.update(IDS, G)
    before = snapshot(t)
    with pytest.raises(error, match=words):
        act(t)
    assert snapshot(t) == before
    t.update(IDS, G)
    assert t.steps == 2


ARGUMENTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    **{
        f"{name} {value!r}": ({name: value}, error, rf"{name}: expected")
        for name, wrong, kinds in (
            ("rows", (-1,), (1.0, "4", None, True, [4])),
            ("dim", (0, -1), (1.5, "4", None, True)),
            ("dtype", ("float128", "int8", "f4", None, int, np.int32, np.dtype("complex64")), ()),
            ("init", (), (3, "normal", np.zeros((4, 3)))),
            ("seed", (-1, 2**64), (1.0, "1", None, True)),
            ("sparse", ("dense", "", None, True), ()),
            ("rounding", ("up", None, False), ()),
            ("nonfinite", ("ignore", None), ()),
            ("clip_norm", (0, -1.0, NAN), ("1", True)),
            ("clip_value", (0, -1.0, INF), ("1", True)),
            ("threads", (0, -1, 257), (1.5, "2", True)),
        )
        for error, values in ((ValueError, wrong), (TypeError, kinds))
        for value in values
    },
    "rule a class": ({"rule": schuss.Adam}, TypeError, r"rule: expected a rule, got the class; use Adam\(\.\.\.\)"),
    "rule a name": ({"rule": "adam"}, TypeError, r"rule: expected a rule, got str"),
    "path a number": ({"path": 1.5}, TypeError, r"(?i)path"),
    "weights off the simplex": (
        {"rule": schuss.EG(), "init": init.constant(0.5)},
        ValueError,
        r"init: EG needs weights that sum to 1 in each row, got 1.5",
    ),
    "weights below zero": ({"rule": schuss.EGU()}, ValueError, r"init: EGU needs weights >= 0"),
}


@pytest.mark.parametrize(("arguments", "error", "words"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Table(**{"rows": 4, "dim": 3, "rule": schuss.SGD(), **arguments})


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.dtype("float16")], ids=str)
def test_dtypes_of_numpy_are_taken(dtype: Any) -> None:
    assert Table(4, 3, schuss.SGD(), dtype=dtype).weights.dtype == dtype


BEYOND = {
    "rows": ["rows=10**15", "rows=2**57", "rows=2**60", "rows=2**62", "rows=2**64 - 1", "rows=2**70"],
    "dim": ["dim=10**15", "dim=2**60", "dim=2**62", "dim=2**64 - 1", "dim=2**70"],
    "growth": ["10**15", "2**57", "2**60", "2**62", "2**64 - 1", "2**70"],
}


@pytest.mark.parametrize("way", BEYOND)
def test_tables_beyond_all_memory_are_refused(way: str) -> None:
    """In a process of its own, which a size that overflows would kill; the last printed one did."""
    code = """
import sys
import numpy as np, schuss
t = schuss.Table(4, 64, schuss.SGD())
for size in sys.argv[2:]:
    print(size, end=" ", flush=True)
    try:
        if sys.argv[1] == "growth":
            t.grow(eval(size))
        else:
            schuss.Table(**{"rows": 4, "dim": 64, "rule": t.rule, **eval(f"dict({size})")})
    except (MemoryError, ValueError, OverflowError) as error:
        print("refused")
assert t.lookup(np.arange(4)).any()
"""
    assert output(code, way, *BEYOND[way], timeout=10).splitlines() == [f"{size} refused" for size in BEYOND[way]]
