"""Whole fits of sparse logistic regressions to one gradient norm, for `bench/solvers.py`."""

from __future__ import annotations

import gzip
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import schuss

from . import shared
from .solver_peers import Traced, by_liblbfgs, has

A9A = shared.DATA / "libsvm/a9a.gz"
GTOL = 1e-3
MOST = 8000, 300  # iterations that liblbfgs may take with an l1 term, on a9a and on the large problem
Data = tuple[Any, Any]


def a9a() -> Data:
    """The Adult data, as a sparse matrix and labels -1 and 1."""
    from scipy.sparse import csr_matrix

    start, ids, labels = [0], [], []
    with gzip.open(A9A, "rt") as file:
        for line in file:
            label, *pairs = line.split()
            labels.append(float(label))
            ids += [int(p.split(":")[0]) - 1 for p in pairs]
            start.append(len(ids))
    y = np.where(np.array(labels) > 0, 1.0, -1.0)
    return csr_matrix((np.ones(len(ids)), ids, start), shape=(len(y), 123)), y


def made(rows: int = 200_000, columns: int = 100_000, each: int = 30) -> Data:
    """Rows of normal numbers in columns of which few are frequent and most are rare; labels of a sparse model."""
    from scipy.sparse import csr_matrix

    random = np.random.default_rng(0)
    ids = np.minimum(random.pareto(0.7, rows * each) * 3, columns - 1).astype(np.int64)
    x = csr_matrix((random.standard_normal(len(ids)), ids, np.arange(rows + 1) * each), shape=(rows, columns))
    x.sum_duplicates()
    w = random.standard_normal(columns) * (random.random(columns) < 0.3)
    return x, np.where(x @ w + random.standard_normal(rows) > 0, 1.0, -1.0)


def by_numpy(data: Data, l2: float) -> Callable[[Any], tuple[float, Any]]:
    """The loss as a user of SciPy writes it."""
    x, y = data
    turned = x.T.tocsr()

    def fun(w: Any) -> tuple[float, Any]:
        z = y * (x @ w)
        return float(np.logaddexp(0, -z).sum() + l2 / 2 * (w @ w)), turned @ (-y / (1 + np.exp(z))) + l2 * w

    return fun


def fits(data: Data, threads: Sequence[int], rounds: int, l1_too: bool) -> dict[str, Any]:
    """Seconds, value and gradient of each solver, l2 = 1, then l1 = 1; with the making of the loss."""
    from scipy.optimize import minimize

    x, y = data
    smooth = by_numpy(data, 1.0)

    def ours(t: int, l1: float, l2: float) -> Any:
        fun = schuss.objectives.Logistic(x, y, l2=l2, threads=t)
        return schuss.minimize(fun, fun.start(), l1=l1, gtol=GTOL, threads=t).x

    def scipys() -> Any:
        fun = by_numpy(data, 1.0)
        options = {"gtol": GTOL, "ftol": 0.0, "maxiter": 15000, "maxfun": 30000}
        return minimize(fun, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options=options).x

    def sklearns() -> Any:
        from sklearn.linear_model import LogisticRegression

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=1.0, fit_intercept=False, tol=GTOL / len(y), max_iter=15000)
            return model.fit(x, y).coef_[0]

    calls: dict[str, Callable[[], Any]] = {f"schuss l2 {t}": lambda t=t: ours(t, 0.0, 1.0) for t in threads}
    calls["SciPy l2"] = scipys
    if has("sklearn"):
        calls["scikit-learn l2"] = sklearns
    calls |= {f"schuss l1 {t}": lambda t=t: ours(t, 1.0, 0.0) for t in threads}
    if l1_too and has("lbfgs"):
        plain = schuss.objectives.Logistic(x, y, threads=1)  # ours: with NumPy's it would take longer still
        needed = _iterations(plain, MOST[x.shape[1] > 1000])
        calls["liblbfgs l1, our loss"] = lambda: by_liblbfgs(plain, plain.start(), needed, 1.0)
    found: dict[str, Any] = {name: {"seconds": []} for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            w = call()
            found[name]["seconds"].append(time.perf_counter() - begin)
            l1 = float("l1" in name)
            traced = Traced(by_numpy(data, 0.0) if l1 else smooth, l1)
            traced(np.asarray(w))
            found[name] |= {"value": traced.values[0], "gradient": traced.sizes[0], "zeros": int((w == 0).sum())}
    return found


def _iterations(fun: Any, most: int) -> int:
    """How many of liblbfgs's iterations bring the subgradient down, or the most; it is then timed unwatched."""
    traced, sizes = Traced(fun, 1.0), []  # type: ignore[var-annotated]
    by_liblbfgs(traced, fun.start(), most, 1.0, lambda: sizes.append(traced.sizes[-1]))
    return next((k + 1 for k, size in enumerate(sizes) if size <= GTOL), most)
