"""The optimizer around the rules: trees, schedules, clipping, accumulation, averages, freezing, state, threads."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import clip_by_norm
from scipy import sparse

import schuss
from schuss import CoordGrad, Optimizer, RowGrad, rules, schedules

Array = npt.NDArray[Any]
NAN, INF = float("nan"), float("inf")
few = settings(max_examples=30, deadline=None, derandomize=True, database=None)


def sgd(w: Any, lr: float = 1.0, **options: Any) -> Optimizer:
    return Optimizer(w, schuss.SGD(lr=lr), **options)


def random(seed: int, *shape: int, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def same(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def snapshot(opt: Optimizer) -> list[Any]:
    """All there is to an optimizer, to the last bit."""
    state = opt.state_dict()
    arrays = {k: (str(a.dtype), a.shape, a.tobytes()) for k, a in state["arrays"].items()}
    return [[w.tobytes() for w in opt._leaves], json.dumps(state["header"], sort_keys=True), arrays]


# --- trees


def test_one_array() -> None:
    w = np.zeros(3)
    opt = sgd(w)
    opt.step(np.array([1.0, 2.0, 3.0]))
    assert opt.params is w
    assert w.tolist() == [-1, -2, -3]
    assert (opt.slots, opt.steps, opt.rule) == ({}, 1, schuss.SGD(lr=1.0))


def test_lists_and_tuples() -> None:
    w = [np.zeros(2), (np.zeros(1), [np.zeros(3)])]
    opt = Optimizer(w, schuss.Momentum(lr=1.0))
    opt.step((np.ones(2), [np.ones(1), (np.full(3, 2.0),)]))  # a list may stand for a tuple and the other way round
    assert [w[0].tolist(), w[1][0].tolist(), w[1][1][0].tolist()] == [[-1, -1], [-1], [-2, -2, -2]]
    assert opt.slots[1][1][0]["b"].tolist() == [2, 2, 2]


def test_nested_dicts_in_any_order() -> None:
    w = {"a": {"x": np.zeros(1), "y": np.zeros(2)}, "b": np.zeros(3)}
    opt = sgd(w)
    opt.step({"b": np.full(3, 3.0), "a": {"y": np.full(2, 2.0), "x": np.full(1, 1.0)}})
    assert (w["a"]["x"] == -1).all()
    assert (w["a"]["y"] == -2).all()
    assert (w["b"] == -3).all()
    assert opt._names == ["a/x", "a/y", "b"]


def test_mixed_dtypes() -> None:
    w = {"f": np.ones((2, 2), np.float32), "d": np.ones(3)}
    opt = Optimizer(w, schuss.Adam(lr=0.1))
    opt.step({"f": np.ones((2, 2), np.float32), "d": np.ones(3)})
    for name, kind in (("f", np.float32), ("d", np.float64)):
        alone = np.ones_like(w[name])
        Optimizer(alone, schuss.Adam(lr=0.1)).step(np.ones_like(alone))
        assert same(w[name], alone)
        assert opt.slots[name]["m"].dtype == kind


def test_rules_by_structure() -> None:
    w = {"a": [np.zeros(1), np.zeros(1)], "b": np.zeros(1)}
    opt = Optimizer(w, {"a": schuss.SGD(lr=1.0), "b": schuss.SGD(lr=2.0)})  # one rule for the branch a
    opt.step({"a": [np.ones(1), np.ones(1)], "b": np.ones(1)})
    assert [w["a"][0][0], w["a"][1][0], w["b"][0]] == [-1, -1, -2]
    assert opt.rule == {"a": [schuss.SGD(lr=1.0)] * 2, "b": schuss.SGD(lr=2.0)}


def test_rules_by_pattern_first_that_fits() -> None:
    w = {"embed": {"w": np.zeros(1), "b": np.zeros(1)}, "out": np.zeros(1)}
    opt = Optimizer(w, {"*/b": schuss.SGD(lr=3.0), "embed/*": schuss.SGD(lr=2.0), "*": schuss.SGD(lr=1.0)})
    opt.step({"embed": {"w": np.ones(1), "b": np.ones(1)}, "out": np.ones(1)})
    assert [w["embed"]["w"][0], w["embed"]["b"][0], w["out"][0]] == [-2, -3, -1]


def test_no_gradient() -> None:
    w = {"a": np.zeros(2), "b": [np.zeros(2), np.zeros(2)]}
    opt = Optimizer(w, schuss.Adam())
    opt.step({"a": None, "b": [None, np.ones(2)]})
    opt.step({"a": None, "b": None})  # a whole branch
    assert not w["a"].any()
    assert not w["b"][0].any()
    assert w["b"][1].all()
    opt.step(None)
    assert opt.steps == 3


@pytest.mark.parametrize("name", rules.ALL)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), ()], ids=str)
def test_empty_and_0d(name: str, shape: tuple[int, ...]) -> None:
    w = np.full(shape, 1.0 if name == "EG" else 0.5)
    opt = Optimizer(w, rules.ALL[name](), ema=0.5, clip_norm=10.0)
    for _ in range(2):
        opt.step(np.ones(shape))
    assert opt.steps == 2
    if shape == ():
        flat = np.full(1, 1.0 if name == "EG" else 0.5)
        other = Optimizer(flat, rules.ALL[name](), ema=0.5, clip_norm=10.0)
        for _ in range(2):
            other.step(np.ones(1))
        assert w.tobytes() == flat.tobytes()
        assert opt.averages.shape == ()


def test_empty_sparse_gradients() -> None:
    w = {"t": np.ones((3, 2)), "v": np.ones(3), "e": np.ones((0, 2))}
    none = np.array([], np.int64)
    opt = Optimizer(w, schuss.Adam(), ema=0.9, clip_norm=1.0)
    opt.step(
        {"t": RowGrad(none, np.ones((0, 2))), "v": CoordGrad(none, np.ones(0)), "e": RowGrad(none, np.ones((0, 2)))}
    )
    assert opt.steps == 1
    assert (w["t"] == 1).all()
    assert (w["v"] == 1).all()


# --- schedules

SCHEDULES: dict[str, Callable[[int], float]] = {
    "Constant": schedules.Constant(0.1),
    "Step": schedules.Step(0.1, factor=0.5, every=2),
    "Exponential": schedules.Exponential(0.1, factor=0.9),
    "Polynomial": schedules.Polynomial(0.1, end=0.01, steps=4),
    "InverseSqrt": schedules.InverseSqrt(0.1, warmup=2),
    "Cosine": schedules.Cosine(0.1, steps=5),
    "WarmUp": schedules.WarmUp(schedules.Exponential(0.1, factor=0.5), steps=3),
    "Join": schedules.Join([schedules.Constant(0.1), schedules.Constant(0.2)], boundaries=[3]),
    "function": lambda k: 0.1 / (k + 1),
    "NumPy": lambda k: np.float32(0.5) ** k,
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_schedules_are_live(schedule: Callable[[int], float]) -> None:
    w, want = np.zeros(2), 0.0
    opt = Optimizer(w, schuss.SGD(lr=schedule))
    for k in range(6):
        opt.step(np.ones(2))
        want -= float(schedule(k))
        assert (w == want).all()


def test_schedule_counts_steps_not_calls() -> None:
    seen: list[int] = []

    def schedule(k: int) -> float:
        seen.append(k)
        return 1.0

    opt = Optimizer(np.zeros(1), schuss.SGD(lr=schedule), accumulate=2)
    for _ in range(6):
        opt.step(np.ones(1))
    assert max(seen) == 2
    assert opt.params[0] == -3


def test_set_counts_from_the_next_step() -> None:
    w = {"a": np.zeros(1), "b": np.zeros(1)}
    opt = sgd(w)
    grads = {"a": np.ones(1), "b": np.ones(1)}
    opt.step(grads)
    opt.set("a", lr=0.5)
    opt.step(grads)
    assert [w["a"][0], w["b"][0]] == [-1.5, -2]
    opt.set(lr=lambda k: float(k))
    opt.step(grads)
    assert [w["a"][0], w["b"][0]] == [-3.5, -4]
    opt.set(lr=0.25)
    opt.step(grads)
    assert [w["a"][0], w["b"][0]] == [-3.75, -4.25]
    assert opt.rule == schuss.SGD(lr=0.25)


# --- clipping


@pytest.mark.parametrize("limit", [0.5, 3.0, 1e6])
@pytest.mark.parametrize("nonfinite", ["raise", "skip", "propagate"])
def test_clip_norm(limit: float, nonfinite: Any) -> None:
    """The norm of all leaves together, taken after duplicates are merged."""
    w = {"a": np.zeros((2, 3)), "t": np.zeros((5, 2)), "c": np.zeros(7)}
    a, t, c = random(1, 2, 3), random(2, 4, 2), random(3, 3)
    merged_t, merged_c = np.zeros((5, 2)), np.zeros(7)
    np.add.at(merged_t, [1, 3, 1, 1], t)
    np.add.at(merged_c, [6, 6, 0], c)
    opt = sgd(w, clip_norm=limit, nonfinite=nonfinite)
    opt.step({"a": a, "t": RowGrad([1, 3, 1, 1], t), "c": CoordGrad([6, 6, 0], c)})
    all_of_it = [a, merged_t, merged_c]
    for mine, want in zip(w.values(), clip_by_norm(all_of_it, limit), strict=True):
        np.testing.assert_allclose(mine, -want, rtol=1e-13)
    assert math.isclose(opt.norm, math.sqrt(sum((g**2).sum() for g in all_of_it)), rel_tol=1e-14)


def test_clip_norm_of_the_mean_and_of_many() -> None:
    w, g = np.zeros(100_000), random(0, 2, 100_000)
    opt = sgd(w, clip_norm=2.0, accumulate=2, threads=2)
    for part in g:
        opt.step(part)
    np.testing.assert_allclose(w, -clip_by_norm([g.mean(axis=0)], 2.0)[0], rtol=1e-12)


def test_clip_value() -> None:
    w = {"a": np.zeros(4), "t": np.zeros((3, 2)), "c": np.zeros(3)}
    t = np.array([[0.4, 9.0], [0.4, -4.0], [-9.0, 0.1]])
    opt = sgd(w, clip_value=0.5)
    opt.step(
        {"a": np.array([-2, -0.25, 0.25, 2]), "t": RowGrad([1, 1, 2], t), "c": CoordGrad([2, 2], np.array([0.3, 0.4]))}
    )
    assert w["a"].tolist() == [0.5, 0.25, -0.25, -0.5]
    assert w["t"].tolist() == [[0, 0], [-0.5, -0.5], [0.5, -0.1]]  # of the sums
    assert w["c"].tolist() == [0, 0, -0.5]


def test_clip_value_before_clip_norm() -> None:
    w = np.zeros(2)
    opt = sgd(w, clip_value=1.0, clip_norm=0.5)
    opt.step(np.array([100.0, 0.0]))
    assert w.tolist() == [-0.5, 0]
    assert opt.norm == 1.0


# --- accumulation

SOFT: dict[str, schuss.Rule] = {
    "SGD": schuss.SGD(lr=0.1),
    "Adam": schuss.Adam(lr=0.1),
    "AdaGrad": schuss.AdaGrad(lr=0.1),
}


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("rule", SOFT.values(), ids=SOFT)
def test_accumulated_is_one_step_on_the_mean(rule: schuss.Rule, n: int) -> None:
    def start() -> dict[str, Array]:
        return {"a": random(9, 3, 2), "t": random(8, 6, 2), "c": random(7, 9)}

    soft, hard = Optimizer(start(), rule, accumulate=n), Optimizer(start(), rule)
    r = np.random.default_rng(n)
    for step in range(3):
        parts = [
            (
                r.standard_normal((3, 2)),
                r.integers(0, 6, 4),
                r.standard_normal((4, 2)),
                r.integers(0, 9, 3),
                r.random(3),
            )
            for _ in range(n)
        ]
        before = [w.copy() for w in soft._leaves]
        for k, (a, ids, t, index, c) in enumerate(parts):
            assert all(same(w, old) for w, old in zip(soft._leaves, before, strict=True)), k
            soft.step({"a": a, "t": RowGrad(ids, t), "c": CoordGrad(index, c)})
        a, ids, t, index, c = (list(x) for x in zip(*parts, strict=True))
        hard.step(
            {
                "a": np.mean(a, axis=0),
                "t": RowGrad(np.concatenate(ids), np.concatenate(t) / n),
                "c": CoordGrad(np.concatenate(index), np.concatenate(c) / n),
            }
        )
        assert soft.steps == hard.steps == step + 1
        for mine, want in zip(soft._leaves, hard._leaves, strict=True):
            np.testing.assert_allclose(mine, want, rtol=1e-11, atol=1e-13)


def test_accumulated_with_gaps() -> None:
    """None counts as a gradient of zeros."""
    w = [np.zeros(1), np.zeros(1)]
    opt = sgd(w, accumulate=2)
    opt.step([np.ones(1), None])
    opt.step([None, None])
    assert [x[0] for x in w] == [-0.5, 0]
    opt.step([None, np.ones(1)])
    opt.step([None, np.ones(1)])
    assert [x[0] for x in w] == [-0.5, -1]


# --- averages


def test_ema_dense() -> None:
    w = np.zeros(3)
    opt = sgd(w, ema=0.75)
    want = w.copy()
    for _ in range(4):
        opt.step(np.array([1.0, 2.0, 3.0]))
        want = 0.75 * want + 0.25 * w
        np.testing.assert_allclose(opt.averages, want, rtol=1e-15)


def test_ema_moves_touched_rows_alone() -> None:
    w = {"t": random(0, 5, 3), "c": random(1, 6)}
    opt = sgd(w, ema=0.5)
    start = {k: v.copy() for k, v in w.items()}
    assert same(opt.averages["t"], start["t"])
    opt.step({"t": RowGrad([1, 3, 1], np.ones((3, 3))), "c": CoordGrad([4], np.ones(1))})
    for name, touched in (("t", [1, 3]), ("c", [4])):
        others = np.delete(np.arange(len(w[name])), touched)
        assert same(opt.averages[name][others], start[name][others])
        np.testing.assert_allclose(opt.averages[name][touched], (start[name] + w[name])[touched] / 2, rtol=1e-15)
        assert not same(w[name][touched], start[name][touched])


# --- freezing


def test_freeze_and_unfreeze() -> None:
    w = {"a": np.zeros(1), "b": np.zeros(1)}
    opt = Optimizer(w, schuss.Momentum(lr=1.0), ema=0.5)
    grads = {"a": np.ones(1), "b": np.ones(1)}
    opt.freeze("a")
    opt.step(grads)
    opt.step({"a": np.array([NAN]), "b": np.ones(1)})  # its gradient is not even looked at
    assert w["a"][0] == 0
    assert opt.slots["a"]["b"][0] == 0
    assert opt.averages["a"][0] == 0
    assert w["b"][0] < 0
    opt.unfreeze()
    opt.step(grads)
    assert w["a"][0] == -1


@pytest.mark.parametrize("grads", [np.ones((3, 2)), RowGrad([1], np.ones((1, 2)))], ids=["dense", "rows"])
def test_freeze_while_accumulating(grads: Any) -> None:
    w = np.zeros((3, 2))
    opt = sgd(w, accumulate=2)
    opt.step(grads)
    opt.freeze()
    opt.step(grads)
    assert opt.steps == 1
    assert not w.any()


# --- numbers that are not finite


def test_skip() -> None:
    w = {"a": np.zeros(2), "t": np.zeros((4, 2)), "c": np.zeros(5), "d": np.zeros(2)}
    opt = sgd(w, nonfinite="skip")
    opt.step(
        {
            "a": np.array([1.0, NAN]),
            "t": RowGrad([2, 0, 2, 3], np.array([[1, 1], [1, 1], [INF, 1], [1, 1.0]])),
            "c": CoordGrad([4, 1, 4, 0], np.array([1, -INF, 1.0, NAN])),
            "d": np.ones(2),
        }
    )
    assert opt.skipped == 1 + 1 + 2
    assert opt.steps == 1
    assert w["a"].tolist() == [0, 0]
    assert w["t"].tolist() == [[-1, -1], [0, 0], [0, 0], [-1, -1]]
    assert w["c"].tolist() == [0, 0, 0, 0, -2]
    assert w["d"].tolist() == [-1, -1]


@pytest.mark.parametrize("threads", [1, 2])
def test_skip_many(threads: int) -> None:
    n = 40_000
    w, g = {"a": np.zeros(n), "t": np.zeros((n, 2))}, np.ones((n, 2))
    bad = np.array([0, 1, 9_000, n - 1])
    g[bad, 1] = NAN
    big = np.ones(n)
    big[[5, 30_000]] = INF
    opt = sgd(w, nonfinite="skip", clip_norm=1e9, threads=threads)
    opt.step({"a": big, "t": RowGrad(np.arange(n)[::-1].copy(), g[::-1].copy())})
    assert opt.skipped == 1 + len(bad)
    assert not w["a"].any()
    assert np.flatnonzero(w["t"][:, 0] == 0).tolist() == bad.tolist()
    assert math.isclose(opt.norm, math.sqrt(2 * (n - len(bad))))


def test_skip_while_accumulating() -> None:
    w = np.zeros(2)
    opt = sgd(w, nonfinite="skip", accumulate=2)
    opt.step(np.array([NAN, 1.0]))
    opt.step(np.array([1.0, 1.0]))
    assert w.tolist() == [-0.5, -0.5]
    assert (opt.skipped, opt.steps) == (1, 1)


def test_propagate() -> None:
    w = {"a": np.zeros(2), "t": np.zeros((2, 2))}
    opt = sgd(w, nonfinite="propagate")
    opt.step({"a": np.array([1.0, NAN]), "t": RowGrad([1], np.array([[INF, 1.0]]))})
    np.testing.assert_array_equal(w["a"], [-1, NAN])
    np.testing.assert_array_equal(w["t"], [[0, 0], [-INF, -1]])
    assert opt.skipped == 0


# --- scipy.sparse


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("form", ["csr_array", "csc_array", "coo_array", "csr_matrix", "coo_matrix", "lil_array"])
def test_scipy_equals_dense(form: str, index: Any) -> None:
    g = np.where(random(1, 40, 30) > 1, random(2, 40, 30), 0)
    a = getattr(sparse, form)(g)
    for name in ("indices", "indptr"):
        if hasattr(a, name):
            setattr(a, name, getattr(a, name).astype(index))
    w, dense = np.ones((40, 30)), np.ones((40, 30))
    sgd(w, 0.1).step(a)
    sgd(dense, 0.1).step(g)
    assert same(w, dense)


def test_scipy_is_lazy_and_sums_duplicates() -> None:
    w = np.zeros((2, 3))
    opt = Optimizer(w, schuss.Momentum(lr=1.0))
    opt.step(sparse.coo_array((np.array([1.0, 2.0, 4.0]), ([0, 1, 0], [2, 0, 2])), shape=(2, 3)))
    assert w.tolist() == [[0, 0, -5], [-2, 0, 0]]
    opt.step(sparse.csr_array((2, 3)))
    assert w.tolist() == [[0, 0, -5], [-2, 0, 0]]  # momentum moves stored entries alone


def test_scipy_1d_and_3d() -> None:
    for shape in ((6,), (2, 3, 4)):
        g = np.zeros(shape)
        g.flat[[1, -1]] = 1, 2
        w = np.zeros(shape)
        sgd(w).step(sparse.coo_array(g))
        assert same(w, 0.0 - g), shape


# --- state


def weights(name: str, seed: int) -> dict[str, Array]:
    """What every rule can train: on the simplex, or positive and small."""
    r = np.random.default_rng(seed)
    w = {"t": r.uniform(0.01, 0.09, (6, 4)).astype(np.float32), "b": r.uniform(0.01, 0.09, 7)}
    if name == "EG":
        w = {k: (v / v.sum(axis=-1, keepdims=True)).astype(v.dtype) for k, v in w.items()}
    return w


def gradients(kind: str, seed: int) -> dict[str, Any]:
    r = np.random.default_rng(seed)
    b = r.standard_normal(7)
    if kind == "rows":
        return {"t": RowGrad(r.integers(0, 6, 4), r.standard_normal((4, 4)).astype(np.float32)), "b": b}
    if kind == "coords":
        t = CoordGrad(r.integers(0, 24, 9), r.standard_normal(9).astype(np.float32))
        return {"t": t, "b": RowGrad(r.integers(0, 7, 3), b[:3].copy())}
    return {"t": r.standard_normal((6, 4)).astype(np.float32), "b": b}


RESUME = [
    (name, kind)
    for name, rule in rules.ALL.items()
    for kind in ("dense", "rows", "coords")
    if (kind != "coords" or rule().info["group"] != "row") and (kind == "dense" or not rule().info["whole"])
]


@pytest.mark.parametrize("way", ["save", "state_dict"])
@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(("name", "kind"), RESUME, ids=["-".join(x) for x in RESUME])
def test_resume_bit_for_bit(name: str, kind: str, accumulate: int, way: str, tmp_path: Path) -> None:
    """N calls, a state, N more in a fresh optimizer, are 2N calls; N = 5 stops in the middle of a window of 3."""
    options: dict[str, Any] = {"accumulate": accumulate, "ema": 0.9, "clip_norm": 3.0}
    whole, first, fresh = (Optimizer(weights(name, seed), rules.ALL[name](), **options) for seed in (1, 1, 2))
    for k in range(10):
        whole.step(gradients(kind, k))
    for k in range(5):
        first.step(gradients(kind, k))
    assert first.state_dict()["header"]["waiting"] == 5 % accumulate
    if way == "save":
        first.save(tmp_path / "state")
        fresh.load(tmp_path / "state")
    else:
        fresh.load_state_dict(first.state_dict())
        for w, old in zip(fresh._leaves, first._leaves, strict=True):
            w[...] = old
    assert snapshot(fresh) == snapshot(first)
    for k in range(5, 10):
        fresh.step(gradients(kind, k))
    assert snapshot(fresh) == snapshot(whole)
    assert fresh.steps == 10 // accumulate


def test_resume_with_all_that_can_be_set(tmp_path: Path) -> None:
    def make(seed: int, **options: Any) -> Optimizer:
        return Optimizer(weights("Adam", seed), {"t": schuss.Adam(), "b": schuss.Momentum(lr=mine)}, ema=0.5, **options)

    def mine(k: int) -> float:
        return 0.1 / (k + 1)

    def change(opt: Optimizer) -> None:
        opt.set("t", lr=schedules.Cosine(0.1, steps=20), beta1=0.8)

    whole, first = make(1, clip_value=0.7, nonfinite="skip"), make(1, clip_value=0.7, nonfinite="skip")
    for opt in (whole, first):
        change(opt)
        opt.freeze("b")
        opt.step({"t": np.full((6, 4), NAN, np.float32), "b": np.ones(7)})
    for k in range(8):
        whole.step(gradients("rows", k))
    for k in range(4):
        first.step(gradients("rows", k))
    first.save(tmp_path / "state")
    fresh = make(2)  # clip_value, nonfinite, schedule and frozen come from the file, the function from here
    fresh.load(tmp_path / "state")
    assert fresh.skipped == 1
    for k in range(4, 8):
        fresh.step(gradients("rows", k))
    assert snapshot(fresh) == snapshot(whole)
    assert fresh.rule["t"] == schuss.Adam(lr=schedules.Cosine(0.1, steps=20), beta1=0.8)
    for opt in (fresh, whole):
        opt.unfreeze()
        opt.step(gradients("rows", 9))
    assert snapshot(fresh) == snapshot(whole)


def test_state_is_a_copy() -> None:
    opt = Optimizer(np.zeros(3), schuss.Adam())
    opt.step(np.ones(3))
    state = opt.state_dict()
    before = {k: a.copy() for k, a in state["arrays"].items()}
    json.dumps(state["header"])
    opt.step(np.ones(3))
    assert all(same(state["arrays"][k], a) for k, a in before.items())


def adam(params: Any = None, rule: Any = None, **options: Any) -> Optimizer:
    return Optimizer({"w": np.ones((2, 3))} if params is None else params, rule or schuss.Adam(), **options)


def decay(k: int) -> float:
    return 0.1


LOADS: dict[str, tuple[Callable[[], Optimizer], Callable[[], Optimizer], str]] = {
    "other name": (adam, lambda: adam({"v": np.ones((2, 3))}), r"'w'|'v'"),
    "one more": (adam, lambda: adam({"w": np.ones((2, 3)), "v": np.ones(1)}), r"'v'"),
    "one less": (lambda: adam({"w": np.ones((2, 3)), "v": np.ones(1)}), adam, r"'v'"),
    "shape": (adam, lambda: adam({"w": np.ones((3, 2))}), r"w.*\(2, 3\).*\(3, 2\)"),
    "dtype": (adam, lambda: adam({"w": np.ones((2, 3), np.float32)}), r"w.*float64.*float32"),
    "rule": (adam, lambda: adam(rule=schuss.AdaMax()), r"parameter 'w' was trained with Adam, here it has AdaMax"),
    "slots": (lambda: adam(rule=schuss.Adam(amsgrad=True)), adam, r"keeps other slots than"),
    "ema on": (lambda: adam(ema=0.5), adam, r"made with ema=0\.5, this optimizer with ema=None"),
    "ema off": (adam, lambda: adam(ema=0.5), r"made with ema=None, this optimizer with ema=0\.5"),
    "function": (lambda: adam(rule=schuss.Adam(lr=decay)), adam, r"was the function .*decay.*make this optimizer with"),
}


@pytest.mark.parametrize("way", ["save", "state_dict"])
@pytest.mark.parametrize(("one", "other", "words"), LOADS.values(), ids=LOADS)
def test_refusals_of_load(
    one: Callable[[], Optimizer], other: Callable[[], Optimizer], words: str, way: str, tmp_path: Path
) -> None:
    source, target = one(), other()
    source.step({name: np.ones_like(w) for name, w in source.params.items()})
    grads = {name: np.ones_like(w) for name, w in target.params.items()}
    target.step(grads)
    source.save(tmp_path / "state")
    before = snapshot(target)
    with pytest.raises(ValueError, match=words):
        target.load(tmp_path / "state") if way == "save" else target.load_state_dict(source.state_dict())
    assert snapshot(target) == before
    target.step(grads)
    assert target.steps == 2


def test_truncated_file(tmp_path: Path) -> None:
    path, opt = tmp_path / "state", adam()
    opt.step({"w": np.ones((2, 3))})
    opt.save(path)
    before, whole = snapshot(opt), path.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"truncated|damaged"):
            opt.load(path)
        assert snapshot(opt) == before
    with pytest.raises(FileNotFoundError):
        opt.load(tmp_path / "none")
    assert snapshot(opt) == before


def broken(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def act(state: dict[str, Any]) -> None:
        for key in path[:-1]:
            state = state[key]
        if value is None:
            del state[path[-1]]
        else:
            state[path[-1]] = value

    return act


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "no header": broken("header", value=None),
    "no arrays": broken("arrays", value=None),
    "kind": broken("header", "kind", value="table"),
    "slot missing": broken("arrays", "slots:t:m", value=None),
    "slot shape": broken("arrays", "slots:t:m", value=np.zeros(3, np.float32)),
    "slot dtype": broken("arrays", "slots:t:m", value=np.zeros((6, 4))),
    "average missing": broken("arrays", "ema:t", value=None),
    "sum shape": broken("arrays", "sum:b", value=np.zeros(3)),
    "sum dtype": broken("arrays", "sum:b", value=np.zeros(7, np.float32)),
    "ids beyond the rows": broken("arrays", "sum:t:rows.ids", value=np.array([0, 1, 2, 6])),
    "ids negative": broken("arrays", "sum:t:rows.ids", value=np.array([0, 1, 2, -1])),
    "ids dtype": broken("arrays", "sum:t:rows.ids", value=np.zeros(4, np.int32)),
    "ids of another number": broken("arrays", "sum:t:rows.ids", value=np.zeros(3, np.int64)),
    "rows without values": broken("arrays", "sum:t:rows.values", value=None),
    "rows of another width": broken("arrays", "sum:t:rows.values", value=np.zeros((4, 3), np.float32)),
    "rows of another dtype": broken("arrays", "sum:t:rows.values", value=np.zeros((4, 4))),
    "hyper-parameter": broken("header", "rules", "t", "beta1", value=2.0),
    "field": broken("header", "rules", "t", "nonsense", value=2.0),
    "clip_norm": broken("header", "config", "clip_norm", value=-1.0),
    "steps": broken("header", "steps", value="many"),
    "steps missing": broken("header", "steps", value=None),
    "steps negative": broken("header", "steps", value=-1),
    "waiting": broken("header", "waiting", value="some"),
    "waiting too much": broken("header", "waiting", value=3),
    "frozen": broken("header", "frozen", value=["nobody"]),
}


@pytest.mark.parametrize("act", BROKEN.values(), ids=BROKEN)
def test_damaged_states(act: Callable[[dict[str, Any]], None]) -> None:
    """Whatever is wrong with a state: an error, and nothing changed."""

    def make(seed: int) -> Optimizer:
        opt = Optimizer(weights("Adam", seed), schuss.Adam(), accumulate=3, ema=0.9)
        for k in range(4 + seed):
            opt.step(gradients("rows", k))
        return opt

    opt, state = make(1), make(0).state_dict()
    assert len(state["arrays"]["sum:t:rows.ids"]) == 4
    before = snapshot(opt)
    act(state)
    with pytest.raises((TypeError, ValueError, IndexError)):
        opt.load_state_dict(state)
    assert snapshot(opt) == before


# --- Python threads


def test_two_optimizers_in_two_threads() -> None:
    def train(seed: int) -> bytes:
        w = random(seed, 100_000, dtype=np.float32)
        opt = Optimizer(w, schuss.Adam(), threads=2)
        g = random(seed + 10, 100_000, dtype=np.float32)
        table = RowGrad(np.arange(0, 100_000, 3), g[::3].copy())
        for _ in range(20):
            opt.step(g)
            opt.step(table)
        return w.tobytes() + opt.slots["v"].tobytes()

    alone = [train(0), train(1)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(train, [0, 1])) == alone


@pytest.mark.parametrize("size", [8, 100_000])
def test_one_optimizer_in_four_threads(size: int) -> None:
    w = np.zeros(size, np.float32)
    opt = sgd(w, threads=2)

    def train(seed: int) -> None:
        g = np.ones(size, np.float32)
        for _ in range(50):
            opt.step(g)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(train, range(4)))
    assert opt.steps == 200
    assert (w == -200).all()


# --- properties

IDS = st.lists(st.integers(0, 9), min_size=1, max_size=30)
RULES = st.sampled_from(
    [schuss.SGD(lr=0.1), schuss.Adam(lr=0.1), schuss.AdaGrad(lr=0.1), schuss.RowWiseAdaGrad(lr=0.1)]
)


def train_rows(rule: schuss.Rule, *grads: RowGrad) -> tuple[Array, list[Array]]:
    w = random(0, 10, 5, dtype=np.float32)
    opt = Optimizer(w, rule)
    for g in grads:
        opt.step(g)
    return w, list(opt.slots.values())


def bits(found: tuple[Array, list[Array]]) -> list[bytes]:
    return [found[0].tobytes(), *(slot.tobytes() for slot in found[1])]


@few
@given(RULES, IDS)
def test_duplicates_equal_rows_summed_before(rule: schuss.Rule, ids: list[int]) -> None:
    g = random(len(ids), len(ids), 5, dtype=np.float32)
    total: dict[int, Array] = {}
    for i, row in zip(ids, g, strict=True):
        total[i] = total[i] + row if i in total else row
    summed = RowGrad(list(total), np.array(list(total.values())))
    assert bits(train_rows(rule, RowGrad(ids, g))) == bits(train_rows(rule, summed))


@few
@given(RULES, st.permutations(range(10)), st.integers(1, 10))
def test_order_of_distinct_rows_is_nothing(rule: schuss.Rule, order: list[int], n: int) -> None:
    ids, g = np.array(order[:n]), random(1, 10, 5, dtype=np.float32)
    there = RowGrad(ids, g[ids])
    sorted_ids = np.sort(ids)
    assert bits(train_rows(rule, there)) == bits(train_rows(rule, RowGrad(sorted_ids, g[sorted_ids])))


@few
@given(RULES, IDS)
def test_rows_that_are_not_named_keep_their_bytes(rule: schuss.Rule, ids: list[int]) -> None:
    others = np.setdiff1d(np.arange(10), ids)
    first = RowGrad(np.arange(10), random(3, 10, 5, dtype=np.float32))
    before, slots_before = train_rows(rule, first)
    after, slots_after = train_rows(rule, first, RowGrad(ids, random(4, len(ids), 5, dtype=np.float32)))
    assert same(after[others], before[others])
    assert all(same(b[others], a[others]) for a, b in zip(slots_before, slots_after, strict=True))
    assert not same(after, before)
