"""The losses over sparse batches against their formulas, differences, SciPy and each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.optimize
from scipy import sparse
from solver_oracle import loss, slope

import schuss
from schuss import objectives

Array = npt.NDArray[Any]
KINDS = ("Logistic", "Squared", "Poisson", "Softmax")


def batch(kind: str, rows: int = 23, columns: int = 9, seed: int = 0, dtype: Any = np.float64) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    dense = (random.standard_normal((rows, columns)) * (random.random((rows, columns)) < 0.4)).astype(dtype)
    dense[:, 3] = 0  # a column never seen
    labels = {
        "Logistic": random.integers(0, 2, rows),
        "Squared": random.standard_normal(rows),
        "Poisson": random.integers(0, 5, rows),
        "Softmax": np.arange(rows) % 3,
    }[kind]
    return dense, labels.astype(np.float64)


@pytest.mark.parametrize("form", ["csr", "dense", "tuple", "float32", "ones"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 7, 8, 9, 23])
def test_value_and_gradient(kind: str, form: str, rows: int) -> None:
    dense, labels = batch(kind, max(rows, 3) if kind == "Softmax" else rows)
    if form == "ones":
        dense = (dense != 0).astype(float)
    if form == "float32":
        dense = dense.astype(np.float32)
    weights = np.random.default_rng(1).random(len(labels))
    rows_ = sparse.csr_array(dense)
    data: Any = dense if form == "dense" else rows_ if form != "tuple" else (rows_.indptr, rows_.indices, rows_.data)
    fun = getattr(objectives, kind)(data, labels, columns=9, weights=weights, l2=0.3)
    x = np.random.default_rng(2).standard_normal(fun.shape) * 0.5
    there = np.flatnonzero((dense != 0).any(0))
    x[np.setdiff1d(np.arange(9), there)] = 0
    f, g = fun(x)
    assert fun.seen == len(there)
    assert f == pytest.approx(loss(kind, dense, labels, weights, 0.3, x), rel=1e-13)
    np.testing.assert_allclose(
        g, slope(lambda z: loss(kind, dense, labels, weights, 0.3, z), x), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_columns_never_seen_are_never_touched(kind: str) -> None:
    dense, labels = batch(kind)
    fun = getattr(objectives, kind)(sparse.csr_array(dense), labels, l2=1.0)
    start = fun.start()
    start[3] = 7
    done = schuss.minimize(fun, start)
    assert done.success
    assert (done.x[3] == 7).all()
    assert (done.jac[3] == 0).all()
    poisoned = start.copy()
    poisoned[3] = np.nan
    assert np.isfinite(fun(poisoned)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_intercept_is_the_last_number_and_not_penalized(kind: str) -> None:
    dense, labels = batch(kind)
    with_one = getattr(objectives, kind)(dense, labels, intercept=True)
    without = getattr(objectives, kind)(np.column_stack([dense, np.ones(len(dense))]), labels)
    x = np.random.default_rng(0).standard_normal(with_one.shape)
    (f, g), (f_too, g_too) = with_one(x), without(x)
    assert f == pytest.approx(f_too, rel=1e-14)
    np.testing.assert_allclose(g, g_too, rtol=1e-12, atol=1e-12)
    penalized = getattr(objectives, kind)(dense, labels, intercept=True, l2=2.0)
    own = x[:-1].copy()
    own[3] = 0
    assert penalized(x)[0] - f == pytest.approx((own**2).sum(), rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(kind: str, dtype: Any) -> None:
    dense, labels = batch(kind, 9000, 40, dtype=dtype)
    x = None
    ends = []
    for threads in (1, 2, 7):
        fun = getattr(objectives, kind)(sparse.csr_array(dense), labels, l2=0.1, intercept=True, threads=threads)
        x = np.random.default_rng(0).standard_normal(fun.shape).astype(dtype) * dtype(0.1)
        f, g = fun(x)
        ends.append((f, g.tobytes()))
    assert ends[0] == ends[1] == ends[2]


def test_logistic_far_from_zero() -> None:
    fun = objectives.Logistic(np.array([[1.0], [-1.0]]), [1, 0])
    for x in (800.0, -800.0, 1e308):
        f, g = fun(np.array([x]))
        assert f == pytest.approx(2 * max(-x, 0), rel=1e-14, abs=1e-300)
        assert g[0] == pytest.approx(0 if x > 0 else -2, abs=1e-300)
    assert np.isnan(fun(np.array([np.nan]))[0])
    z = np.linspace(-40, 40, 2001)
    many = objectives.Logistic(z[:, None], np.ones(2001), weights=None)
    assert many(np.ones(1))[0] == pytest.approx(np.logaddexp(0, -z).sum(), rel=1e-14)


def test_logistic_minimum_equals_scipys() -> None:
    dense, labels = batch("Logistic", 200, 9)
    y = np.where(labels > 0, 1, -1)
    fun = objectives.Logistic(dense, labels, l2=0.5)
    theirs = scipy.optimize.minimize(
        lambda x: np.logaddexp(0, -y * (dense @ x)).sum() + 0.25 * x @ x,
        np.zeros(9),
        method="BFGS",
        options={"gtol": 1e-6},
    )
    mine = schuss.minimize(fun, fun.start(), gtol=1e-8)
    np.testing.assert_allclose(mine.x, theirs.x, atol=1e-5)
    assert mine.fun <= theirs.fun + 1e-10


def test_l1_logistic_has_zeros_where_the_slope_allows_them() -> None:
    dense, labels = batch("Logistic", 200, 9)
    fun = objectives.Logistic(dense, labels)
    done = schuss.minimize(fun, fun.start(), l1=6.0, gtol=1e-8)
    assert done.success
    zero = done.x == 0
    assert 1 < zero.sum() < 9
    assert (np.abs(done.jac[zero]) <= 6).all()
    np.testing.assert_allclose(done.jac[~zero], -6 * np.sign(done.x[~zero]), atol=1e-7)


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (
            lambda: objectives.Logistic(np.eye(2), [1, 2]),
            ValueError,
            "labels: expected 0 and 1, or -1 and 1, got",
        ),
        (lambda: objectives.Logistic(np.eye(2), [1]), ValueError, "labels: expected shape (2,)"),
        (lambda: objectives.Poisson(np.eye(2), [1, -1]), ValueError, "labels: expected numbers >= 0"),
        (lambda: objectives.Softmax(np.eye(2), [0, 0.5]), ValueError, "labels: expected whole numbers"),
        (lambda: objectives.Squared(np.eye(2), [0, np.nan]), ValueError, "labels: expected finite"),
        (lambda: objectives.Squared(np.eye(2), [0, 1], weights=[1, -1]), ValueError, "weights: expected numbers >= 0"),
        (lambda: objectives.Squared(np.eye(2), [0, 1], columns=1), IndexError, "ids: expected 0 to 0, got 0 to 1"),
        (
            lambda: objectives.Squared(([0, 1, 3], [0, 1], None), [0, 1]),
            ValueError,
            "indptr: expected to rise from 0",
        ),
        (lambda: objectives.Squared(([0, 2], [0, 1], [1.0]), [0]), ValueError, "values: expected shape (2,)"),
        (lambda: objectives.Squared(([0.0, 2], [0, 1], None), [0]), TypeError, "indptr: expected whole numbers"),
        (lambda: objectives.Squared(np.eye(2), [0, 1])(np.zeros(3)), ValueError, "x: expected shape (2,), got (3,)"),
        (lambda: objectives.Squared(np.eye(2), [0, 1])(np.zeros(2, int)), TypeError, "x: expected float32 or float64"),
        (lambda: objectives.Squared(np.eye(2), [0, 1], l2=-1), ValueError, "l2: expected a number >= 0"),
    ],
)
def test_refuses(act: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        act()
