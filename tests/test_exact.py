"""Exact mode: a sparse run with catching up equals the dense run that is fed zero gradients for absent rows."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schuss
from schuss.rules import Rule

Array = npt.NDArray[Any]
EXACT = [(name, rule) for name, rule in cases.CASES if not rule.inexact()]
REFUSED = [(name, rule) for name, rule in cases.CASES if rule.inexact()]
LIMIT = {"float32": 1e-5, "float64": 1e-12}


def table_of(w: Array, rule: Rule, **options: Any) -> schuss.Table:
    def init(rows: Array, seed: int, first: int) -> None:
        rows[...] = w[first : first + len(rows)]

    return schuss.Table(*w.shape, rule, dtype=w.dtype.name, init=init, sparse="exact", **options)


def batches(rows: int, dim: int, dtype: str, steps: int, seed: int, most: int = 4, size: float = 1.0) -> Any:
    """Ids with duplicates, the same as a dense gradient; the last row is in the first and the last step only."""
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, rows) ** 1.2
    for step in range(steps):
        ids = rng.choice(rows - 1, size=rng.integers(0, most), p=weight / weight.sum())
        if step in (0, steps - 1):
            ids = np.append(ids, rows - 1)
        values = (size * cases.gradients((len(ids), dim), dtype, int(rng.integers(1 << 30)))).astype(dtype)
        dense = np.zeros((rows, dim), dtype)
        np.add.at(dense, ids, values)
        yield schuss.RowGrad(ids, values), dense


def distance(a: Array, b: Array) -> float:
    """The largest difference, relative to the number or to the root of the mean square."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    size = np.maximum(np.abs(y), np.sqrt(np.mean(y * y)))
    return float(np.max(np.abs(x - y) / np.where(size > 0, size, 1)))


def compare(sparse: schuss.Optimizer, dense: schuss.Optimizer, limit: float) -> None:
    sparse.flush()
    w = sparse.params.weights if isinstance(sparse.params, schuss.Table) else sparse.params
    assert distance(w, dense.params) <= limit
    for name, slot in dense.slots.items():
        assert distance(sparse.slots[name], slot) <= limit, name


@pytest.mark.parametrize("dtype", LIMIT)
@pytest.mark.parametrize("rate", ["constant", "cosine"])
@pytest.mark.parametrize(("name", "rule"), EXACT, ids=[name for name, _ in EXACT])
def test_exact_equals_dense(name: str, rule: Rule, rate: str, dtype: str) -> None:
    steps = 300
    if rate == "cosine":
        rule = rule.replaced(lr=schuss.schedules.Cosine(rule.lr, steps=steps))
    w = cases.start(rule, (40, 5), dtype, 0)
    dense = schuss.Optimizer(w.copy(), rule, ema=0.9)
    sparse = schuss.Optimizer(table_of(w, rule), rule, ema=0.9, sparse="exact")
    for rows, whole in batches(40, 5, dtype, steps, 1):
        dense.step(whole)
        sparse.step(rows)
    compare(sparse, dense, LIMIT[dtype])
    assert distance(sparse.averages, dense.averages) <= LIMIT[dtype]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(EXACT), st.integers(1, 60), st.sampled_from(list(LIMIT)))
def test_exact_equals_dense_for_any_pattern_of_touches(
    seed: int, case: tuple[str, Rule], steps: int, dtype: str
) -> None:
    _, rule = case
    w = cases.start(rule, (12, 17), dtype, seed)
    dense = schuss.Optimizer(w.copy(), rule)
    table = table_of(w, rule)
    rng = np.random.default_rng(seed)
    for rows, whole in batches(12, 17, dtype, steps, seed, most=int(rng.integers(1, 12))):
        dense.step(whole)
        table.update(rows.ids, rows.values)
        if rng.random() < 0.2:  # a lookup brings rows up to date
            ids = rng.integers(0, 12, 3)
            assert distance(table.lookup(ids), dense.params[ids]) <= LIMIT[dtype]
    compare(table._own, dense, LIMIT[dtype])


@pytest.mark.parametrize("dtype", LIMIT)
@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-7, 1e-4])
@pytest.mark.parametrize(
    "rule",
    [
        schuss.AdamW(lr=1e-2),
        schuss.Adam(lr=1e-2, eps_place="hat"),
        schuss.AMSGrad(lr=1e-2),
        schuss.AdaMax(lr=1e-2),
        schuss.AdaMax(lr=1e-2, eps_place="outside"),
        schuss.Adam(lr=1e-2, beta1=0.95, beta2=0.9),  # the drift grows while v fades
        schuss.Adam(lr=1e-2, beta1=0.5, beta2=0.6),
    ],
    ids=["adamw", "hat", "amsgrad", "adamax-max", "adamax-outside", "slow-m", "fast"],
)
def test_drift_is_exact_where_eps_is_as_large_as_the_gradient(rule: Rule, size: float, dtype: str) -> None:
    w = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    dense, table = schuss.Optimizer(w.copy(), rule), table_of(w, rule)
    for rows, whole in batches(20, 3, dtype, 150, 2, size=size):
        dense.step(whole)
        table.update(rows.ids, rows.values)
    moved, expected = table.weights - w, dense.params - w
    assert distance(table.weights, dense.params) <= LIMIT[dtype]
    if dtype == "float64":  # in float32 a small move is lost in the weight's own rounding
        assert distance(moved, expected) <= 1e-9


def test_a_gap_longer_than_the_history() -> None:
    rule = schuss.AdamW(lr=1e-3, weight_decay=1e-2)
    w = np.random.default_rng(0).normal(size=(3, 4))
    dense, table = schuss.Optimizer(w.copy(), rule), table_of(w, rule)
    g = np.ones((3, 4))
    for step in range(9000):
        row = 0 if step in (0, 8999) else 1
        table.update(np.array([row]), g[:1])
        whole = np.zeros((3, 4))
        whole[row] = 1
        dense.step(whole)
    compare(table._own, dense, 1e-12)


@pytest.mark.parametrize("kind", ["rows", "flat"])
def test_arrays_are_exact_too(kind: str) -> None:
    rule = schuss.Momentum(lr=0.05, weight_decay=0.1)
    w = np.random.default_rng(0).normal(size=(30, 4) if kind == "rows" else 30)
    dense, sparse = schuss.Optimizer(w.copy(), rule), schuss.Optimizer(w.copy(), rule, sparse="exact")
    rng = np.random.default_rng(1)
    for step in range(200):
        ids = rng.integers(0, 30, 3)
        values = rng.normal(size=(3, *w.shape[1:]))
        whole = np.zeros_like(w)
        np.add.at(whole, ids, values)
        if step % 50 == 20:  # a dense gradient touches all rows
            sparse.step(whole)
        else:
            sparse.step(schuss.RowGrad(ids, values) if kind == "rows" else schuss.CoordGrad(ids, values))
        dense.step(whole)
    compare(sparse, dense, 1e-12)


def test_no_gradient_is_no_step() -> None:
    """None leaves a parameter alone, as a dense optimizer does; its rows owe nothing for it."""
    rule = schuss.Momentum(lr=0.1)
    w = np.ones((3, 2))
    dense, sparse = schuss.Optimizer(w.copy(), rule), schuss.Optimizer(w.copy(), rule, sparse="exact")
    one = schuss.RowGrad(np.array([1]), np.ones((1, 2)))
    whole = np.array([[0, 0], [1, 1], [0, 0]], float)
    for rows, g in [(one, whole), (None, None), (one, whole), (None, None)]:
        sparse.step(rows)
        dense.step(g)
    compare(sparse, dense, 1e-14)


def test_clipping_and_accumulation_are_those_of_the_dense_run() -> None:
    rule = schuss.AdamW(lr=0.01, weight_decay=0.1)
    w = np.random.default_rng(0).normal(size=(20, 3))
    options = {"clip_norm": 1.5, "clip_value": 0.7, "accumulate": 3}
    dense = schuss.Optimizer(w.copy(), rule, **options)
    sparse = schuss.Optimizer(table_of(w, rule), rule, sparse="exact", **options)
    for rows, whole in batches(20, 3, "float64", 120, 5, most=6):
        dense.step(whole)
        sparse.step(rows)
        assert sparse.steps == dense.steps
    compare(sparse, dense, 1e-12)


def test_new_rows_owe_nothing() -> None:
    rule = schuss.AdamW(lr=0.01, weight_decay=0.1)
    table = schuss.Table(10, 3, rule, dtype="float64", seed=3, sparse="exact")
    fresh = schuss.Table(14, 3, rule, dtype="float64", seed=3, sparse="exact").weights[10:].copy()
    for rows, _ in batches(10, 3, "float64", 30, 4):
        table.update(rows.ids, rows.values)
    table.grow(14)
    assert (table.lookup(np.arange(10, 14)) == fresh).all()
    table.update(np.array([0]), np.zeros((1, 3)))
    assert np.allclose(table.lookup(np.arange(10, 14)), fresh * (1 - 0.01 * 0.1), rtol=1e-14)


@pytest.mark.parametrize(
    "rule", [schuss.AdamW(lr=0.01), schuss.EGDD(lr=0.01), schuss.Momentum(weight_decay=0.1)], ids=repr
)
def test_bits_do_not_depend_on_threads(rule: Rule) -> None:
    w = np.random.default_rng(0).normal(size=(20000, 16)).astype(np.float32)
    results = []
    for threads in (1, 2, 7):
        table = table_of(w, rule, threads=threads)
        rng = np.random.default_rng(1)
        for _ in range(12):
            ids = np.minimum(rng.zipf(1.3, 6000), 20000) - 1
            table.update(ids, rng.normal(size=(6000, 16)).astype(np.float32))
        results.append([table.weights.tobytes(), *(s.tobytes() for s in table.slots.values())])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("rule", [schuss.AdamW(lr=0.01), schuss.EGDD(lr=0.01), schuss.FTRL(lr=0.1)], ids=repr)
def test_resuming_a_saved_run_gives_the_same_bits(rule: Rule, tmp_path: Any) -> None:
    w = np.random.default_rng(0).normal(size=(40, 5))
    through, resumed = table_of(w, rule), table_of(w, rule)
    data = list(batches(40, 5, "float64", 60, 7))
    for rows, _ in data[:30]:
        through.update(rows.ids, rows.values)
    through.save(tmp_path / "half")
    resumed.load(tmp_path / "half")
    for rows, _ in data[30:]:
        through.update(rows.ids, rows.values)
        resumed.update(rows.ids, rows.values)
    assert through.weights.tobytes() == resumed.weights.tobytes()
    assert all(through.slots[k].tobytes() == resumed.slots[k].tobytes() for k in through.slots)


@pytest.mark.parametrize(("name", "rule"), REFUSED, ids=[name for name, _ in REFUSED])
def test_a_rule_without_an_exact_form_says_why(name: str, rule: Rule) -> None:
    w = cases.start(rule, (4, 3), "float64", 0)
    assert rule.no_exact or "no exact form with coupled weight decay" in rule.inexact()
    with pytest.raises(ValueError, match="no exact form"):
        table_of(w, rule)
    before = w.copy()
    opt = schuss.Optimizer(w, rule, sparse="exact")
    opt.step(np.zeros_like(w))  # dense steps are exact by themselves
    before = w.copy()
    reason = "sparse gradients have no meaning" if rule.info["whole"] else "no exact form"
    with pytest.raises(TypeError if rule.info["whole"] else ValueError, match=reason):
        opt.step(schuss.RowGrad(np.array([0]), np.ones((1, 3))))
    assert (w == before).all()


def test_rules_and_kernels_agree_on_what_is_exact() -> None:
    for name, rule in cases.CASES:
        assert bool(rule.no_exact) != rule.info["exact"], name


def test_coordinates_of_a_matrix_are_refused() -> None:
    opt = schuss.Optimizer(np.zeros((2, 3)), schuss.SGD(), sparse="exact")
    with pytest.raises(TypeError, match="keeps time by rows"):
        opt.step(schuss.CoordGrad(np.array([5]), np.array([2.0])))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bit_tables_follow_the_dense_run(dtype: str) -> None:
    """Their weights are rounded more often than not, so they follow within their own precision."""
    rule = schuss.AdamW(lr=0.01, weight_decay=0.1)
    w = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)

    def init(rows: Array, seed: int, first: int) -> None:
        rows[...] = w[first : first + len(rows)]

    table = schuss.Table(40, 5, rule, dtype=dtype, init=init, sparse="exact")  # type: ignore[arg-type]
    dense = schuss.Optimizer(w.copy(), rule)
    for rows, whole in batches(40, 5, "float32", 200, 1):
        dense.step(whole)
        table.update(rows.ids, rows.values)
    assert distance(table.lookup(np.arange(40)), dense.params) <= (0.05 if dtype == "bfloat16" else 0.01)
    assert distance(table.slots["v"], dense.slots["v"]) <= 1e-5
