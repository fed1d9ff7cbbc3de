"""`schuss bench solvers`: overhead of an iteration, evaluations on test problems, logistic regression; beside peers."""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import json
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import schuss

from . import micro, report, shared
from .problems import BOUNDED, UNCONSTRAINED

SIZES = (1_000, 10_000, 1_000_000, 10_000_000)
QUICK_SIZES = SIZES[:2]
MEMORY = 10
PARTS = ("overhead", "problems", "logistic")
A9A = shared.DATA / "libsvm/a9a.gz"

Fun = Callable[[Any], tuple[float, Any]]


class Timed:
    """A function that knows how long it took; what a solver took besides is the rest."""

    def __init__(self, fun: Fun) -> None:
        self.fun, self.seconds, self.calls = fun, 0.0, 0

    def __call__(self, x: Any) -> tuple[float, Any]:
        """Value and gradient."""
        begin = time.perf_counter()
        told = self.fun(x)
        self.seconds += time.perf_counter() - begin
        self.calls += 1
        return told


def valley(n: int) -> tuple[Fun, Any]:
    """A convex function whose line searches take one trial nearly always, so that all solvers do the same work."""
    scale = np.linspace(1, 100, n)
    g = np.empty(n)

    def fun(x: Any) -> tuple[float, Any]:
        np.multiply(scale, x, out=g)
        return float(g @ x) / 2, g

    return fun, np.random.default_rng(0).standard_normal(n)


def _ours(fun: Fun, x0: Any, iterations: int, threads: int) -> int:
    return schuss.minimize(fun, x0, gtol=0.0, maxiter=iterations, threads=threads, memory=MEMORY).nit


def _scipy(fun: Fun, x0: Any, iterations: int) -> int:
    from scipy.optimize import minimize

    options = {"maxiter": iterations, "gtol": 0.0, "ftol": 0.0, "maxcor": MEMORY}
    return int(minimize(fun, x0, jac=True, method="L-BFGS-B", options=options).nit)


def _liblbfgs(fun: Fun, x0: Any, iterations: int, l1: float = 0.0, epsilon: float = 0.0) -> tuple[Any, int]:
    from lbfgs import LBFGS  # PyLBFGS

    solver, count = LBFGS(), 0
    solver.m, solver.max_iterations, solver.epsilon = MEMORY, iterations, epsilon
    solver.orthantwise_c = l1
    if l1:
        solver.linesearch = "wolfe"

    def told(x: Any, g: Any) -> float:
        f, own = fun(x)
        g[:] = own
        return f

    def progress(*_: Any) -> int:
        nonlocal count
        count += 1
        return 0

    return solver.minimize(told, np.array(x0), progress), count


def _read_twice(n: int) -> float:
    """Seconds to read the history's vectors twice, by BLAS inner products: the limit."""
    vectors = [np.full(n, float(k)) for k in range(2 * MEMORY)]
    begin = time.perf_counter()
    for _ in range(2):
        for v in vectors:
            np.dot(v, v)
    return time.perf_counter() - begin


def overhead(n: int, threads: Sequence[int], rounds: int) -> dict[str, list[float]]:
    """Seconds besides the function for one iteration, of each solver, interleaved."""
    fun, x0 = valley(n)
    iterations = 30 if n >= 100_000 else 60
    contenders: dict[str, Callable[[Fun], int]] = {
        f"schuss {t}": lambda f, t=t: _ours(f, x0, iterations, t) for t in threads
    }
    contenders["SciPy"] = lambda f: _scipy(f, x0, iterations)
    if importlib.util.find_spec("lbfgs"):
        contenders["liblbfgs"] = lambda f: _liblbfgs(f, x0, iterations)[1]
    samples: dict[str, list[float]] = {name: [] for name in (*contenders, "read twice")}
    for _ in range(rounds):
        for name, call in contenders.items():
            timed = Timed(fun)
            begin = time.perf_counter()
            done = call(timed)
            samples[name].append((time.perf_counter() - begin - timed.seconds) / max(done, 1))
        samples["read twice"].append(_read_twice(n))
    return samples


def _liblbfgs_problem(fun: Fun) -> tuple[int, float, bool]:
    """Evaluations, lowest value, and whether the largest number of the gradient came down to 1e-5."""
    from lbfgs import LBFGSError

    timed, values, sizes = Timed(fun), [], []

    def told(x: Any) -> tuple[float, Any]:
        f, g = timed(x)
        values.append(f)
        sizes.append(float(np.abs(g).max()))
        return f, g

    # It measures |g| / |x|: the count is that of the first evaluation where ours and SciPy's measure is met.
    with contextlib.suppress(LBFGSError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _liblbfgs(told, fun.start, 5000, epsilon=1e-14)  # type: ignore[attr-defined]
    met = next((k + 1 for k, size in enumerate(sizes) if size <= 1e-5), 0)
    return met or timed.calls, min(values[: met or None]), bool(met)


def problems() -> list[dict[str, Any]]:
    """Evaluations and values of the test problems, beside SciPy's with the same gtol and no ftol."""
    from scipy.optimize import minimize

    rows = []
    for p, low, high in [*((p, None, None) for p in UNCONSTRAINED), *BOUNDED]:
        box = None if low is None else list(zip(low, high, strict=True))
        ours = schuss.minimize(p, p.start, bounds=None if low is None else (low, high))
        with np.errstate(all="ignore"):
            options = {"gtol": 1e-5, "ftol": 0.0}
            theirs = minimize(p, p.start, jac=True, method="L-BFGS-B", bounds=box, options=options)
        row: dict[str, Any] = {"problem": p.name + (" in a box" if box else ""), "minima": () if box else p.minima}
        row["schuss"] = (ours.nfev, ours.fun, ours.success)
        row["SciPy"] = (int(theirs.nfev), float(theirs.fun), bool(theirs.success))
        if box is None and importlib.util.find_spec("lbfgs"):
            row["liblbfgs"] = _liblbfgs_problem(p)
        rows.append(row)
    return rows


def a9a() -> tuple[Any, Any]:
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


def logistic(threads: Sequence[int], rounds: int) -> dict[str, Any]:
    """Seconds of whole fits to a gradient of 1e-3, l2 = 1, and of l1 = 1 fits; evaluations beside them."""
    x, y = a9a()

    def by_numpy(w: Any) -> tuple[float, Any]:
        z = y * (x @ w)
        return float(np.logaddexp(0, -z).sum() + w @ w / 2), x.T @ (-y / (1 + np.exp(z))) + w

    def plain(w: Any) -> tuple[float, Any]:
        z = y * (x @ w)
        return float(np.logaddexp(0, -z).sum()), x.T @ (-y / (1 + np.exp(z)))

    def ours(t: int, **how: float) -> float:
        fun = schuss.objectives.Logistic(x, y, l2=how.get("l2", 0.0), threads=t)
        return schuss.minimize(fun, fun.start(), l1=how.get("l1", 0.0), gtol=1e-3, threads=t).fun

    def by_scipy() -> float:
        from scipy.optimize import minimize

        options = {"gtol": 1e-3, "ftol": 0.0}
        return float(minimize(by_numpy, np.zeros(123), jac=True, method="L-BFGS-B", options=options).fun)

    def by_sklearn() -> float:
        from sklearn.linear_model import LogisticRegression

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-3 / len(y), max_iter=2000).fit(x, y)
        return by_numpy(model.coef_[0])[0]

    contenders: dict[str, Callable[[], float]] = {f"schuss l2 {t}": lambda t=t: ours(t, l2=1.0) for t in threads}
    contenders["SciPy l2"] = by_scipy
    if importlib.util.find_spec("sklearn"):
        contenders["sklearn l2"] = by_sklearn
    contenders |= {f"schuss l1 {t}": lambda t=t: ours(t, l1=1.0) for t in threads}
    if importlib.util.find_spec("lbfgs"):

        def by_liblbfgs() -> float:
            w = _liblbfgs(plain, np.zeros(123), 100000, 1.0, 1e-6)[0]
            return plain(w)[0] + float(np.abs(w).sum())

        contenders["liblbfgs l1"] = by_liblbfgs
    found: dict[str, Any] = {name: {"seconds": [], "value": 0.0} for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            begin = time.perf_counter()
            found[name]["value"] = call()
            found[name]["seconds"].append(time.perf_counter() - begin)
    return found


def _show(console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*heads, title=title, width=100)
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table)


def main(out: Path = Path("results"), quick: bool = False, rules: Sequence[str] | None = None) -> list[Path]:
    """Measures, prints and writes; `rules` names parts: overhead, problems, logistic."""
    wrong = set(rules or ()) - set(PARTS)
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {min(wrong)!r}")
    console, parts = Console(), list(rules or PARTS)
    threads = micro.thread_counts(False)
    about = report.machine()
    found: dict[str, Any] = {"machine": about}
    if "overhead" in parts:
        found["overhead"] = {}
        for n in QUICK_SIZES if quick else SIZES:
            samples = overhead(n, threads, 3 if quick or n > 1e6 else 5)
            found["overhead"][str(n)] = samples
            base = samples[f"schuss {threads[0]}"]
            rows = [
                (
                    name,
                    f"{1e6 * statistics.median(s):.1f}",
                    f"{statistics.median(a / b for a, b in zip(s, base, strict=True)):.2f}",
                )
                for name, s in samples.items()
            ]
            _show(console, f"n = {n:,}: an iteration besides the function", ("solver", "µs", "times schuss 1"), rows)
    if "problems" in parts:
        found["problems"] = problems()
        heads = ("schuss", "SciPy", "liblbfgs")
        lines = []
        for r in found["problems"]:
            told = [r[k] for k in heads if k in r]
            lines.append((r["problem"], *(f"{n} ({f:.6g}{'' if good else ', no'})" for n, f, good in told)))
        totals = [sum(r.get(k, (0,))[0] for r in found["problems"]) for k in heads]
        _show(console, "evaluations (value reached)", ("problem", *heads), [*lines, ("all", *totals)])
    if "logistic" in parts and A9A.exists():
        found["logistic"] = logistic(threads, 1 if quick else 3)
        fits = [
            (k, f"{statistics.median(v['seconds']):.3f}", f"{v['value']:.6f}") for k, v in found["logistic"].items()
        ]
        _show(console, "a9a: a whole fit", ("solver", "s", "value"), fits)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{report.default_name(about)}-solvers.json"
    path.write_text(json.dumps(found, indent=1, default=float))
    console.print(f"wrote {path}", highlight=False)
    return [path]
