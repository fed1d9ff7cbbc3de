"""`schuss bench solvers`: overhead of an iteration, evaluations on test problems, logistic regression; beside peers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import schuss
from schuss import _cold, _level

from . import micro, report
from .problems import BOUNDED, UNCONSTRAINED
from .solver_fits import A9A, a9a, fits, made
from .solver_peers import MEMORY, Fun, Traced, Watched, by_liblbfgs, contenders, has, lbfgspp_gaps

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
QUICK_SIZES = SIZES[:2]
PARTS = ("overhead", "problems", "fits")
GTOL = 1e-5


def valley(n: int) -> tuple[Fun, Any]:
    """A convex function whose line searches take one trial nearly always, so that all solvers do the same work."""
    scale = np.linspace(1, 100, n)
    g = np.empty(n)

    def fun(x: Any) -> tuple[float, Any]:
        np.multiply(scale, x, out=g)
        return float(g @ x) / 2, g

    return fun, np.random.default_rng(0).standard_normal(n)


def _read_twice(n: int, threads: int) -> float:
    """Seconds to read the history's vectors twice: the limit."""
    vectors = [np.full(n, float(k)) for k in range(2 * MEMORY)]
    limit = micro.Contender("limit", lambda: _cold.stream(_level.table, vectors, 0, threads))
    limit.calibrate()
    return 2 * limit.time(limit.repeats)


def overhead(n: int, threads: Sequence[int], rounds: int) -> dict[str, list[float]]:
    """Seconds between calls of the function with a full history, the median of a run; all solvers, interleaved."""
    fun, x0 = valley(n)
    # Enough for a full history, not so many that the end of the search is reached, where rounding makes it try again.
    full, iterations = MEMORY + 3, 24 if n >= 1_000_000 else 45
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, call in contenders(threads).items():
            watched = Watched(fun)
            call(watched, x0, iterations)
            samples.setdefault(name, []).append(statistics.median(watched.gaps(full)))
        if gaps := lbfgspp_gaps(x0, iterations):
            samples.setdefault("LBFGSpp", []).append(statistics.median(gaps[full:]))
        for t in threads:
            samples.setdefault(f"reading twice {t}", []).append(_read_twice(n, t))
    return samples


def _until(fun: Any, solve: Any, f: float) -> tuple[int, float, bool, int]:
    """Evaluations, value, whether the gradient came down, and evaluations until a value no higher than f was seen."""
    traced = Traced(fun)
    done = solve(traced)
    low = f + 1e-12 * max(abs(f), 1e-12)
    reached = next((k + 1 for k, value in enumerate(traced.values) if value <= low), len(traced.values))
    return len(traced.values), float(done.fun), bool(done.success), reached


def problems() -> list[dict[str, Any]]:
    """Evaluations and values of the test problems; SciPy with the same gtol and no ftol."""
    from scipy.optimize import minimize

    rows = []
    for p, low, high in [*((p, None, None) for p in UNCONSTRAINED), *BOUNDED]:
        box = None if low is None else list(zip(low, high, strict=True))
        with np.errstate(all="ignore"):
            options = {"gtol": GTOL, "ftol": 0.0}
            theirs = minimize(p, p.start, jac=True, method="L-BFGS-B", bounds=box, options=options)
            ours = _until(
                p,
                lambda f, p=p, low=low, high=high: schuss.minimize(
                    f, p.start, bounds=None if low is None else (low, high)
                ),
                float(theirs.fun),
            )
        row: dict[str, Any] = {"problem": p.name + (" in a box" if box else ""), "minima": () if box else p.minima}
        row |= {"schuss": ours[:3], "to SciPy's value": ours[3]}
        row["SciPy"] = (int(theirs.nfev), float(theirs.fun), bool(theirs.success))
        if box is None and has("lbfgs"):
            traced = Traced(p)
            with np.errstate(all="ignore"):
                by_liblbfgs(traced, p.start, 5000)
            met = traced.met(GTOL)  # it measures |g| / |x|: counted by our measure
            row["liblbfgs"] = (met or len(traced.values), min(traced.values[: met or None]), bool(met))
        rows.append(row)
    return rows


def _show(console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*heads, title=title, width=110)
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table)


def _show_overhead(console: Console, n: int, samples: dict[str, list[float]]) -> None:
    rows = []
    for name, s in samples.items():
        threads = name.split()[-1]
        base = samples[f"schuss {threads if threads.isdigit() else 1}"]
        ratio = statistics.median(a / b for a, b in zip(s, base, strict=True))
        rows.append((name, f"{1e6 * statistics.median(s):,.1f}", f"{ratio:.2f}"))
    _show(console, f"n = {n:,}: between two calls of the function", ("solver", "µs", "times schuss"), rows)


def _show_problems(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    solvers = [name for name in ("schuss", "SciPy", "liblbfgs") if any(name in r for r in rows)]
    lines: list[tuple[object, ...]] = []
    for r in rows:
        told = [f"{r[k][0]} ({r[k][1]:.6g}{'' if r[k][2] else ', no'})" if k in r else "" for k in solvers]
        lines.append((r["problem"], *told, r["to SciPy's value"]))
    for title, some in (
        ("35 problems", [r for r in rows if r["minima"]]),
        ("boxes", [r for r in rows if not r["minima"]]),
    ):
        sums = [sum(r[k][0] for r in some if k in r) for k in solvers]
        lines.append((title, *sums, sum(r["to SciPy's value"] for r in some)))
    _show(console, "evaluations (value reached)", ("problem", *solvers, "schuss to SciPy's value"), lines)


def _show_fits(console: Console, title: str, found: dict[str, Any]) -> None:
    rows = [
        (name, f"{statistics.median(v['seconds']):.3f}", f"{v['value']:.6f}", f"{v['gradient']:.1e}", v["zeros"])
        for name, v in found.items()
    ]
    _show(console, f"{title}: a whole fit", ("solver", "s", "value", "gradient", "zeros"), rows)


def plot(found: dict[str, Any], path: Path) -> None:
    """Overhead over n, and seconds of the fits, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5))
    sizes = sorted(int(n) for n in found.get("overhead", {}))
    for name in found["overhead"][str(sizes[0])] if sizes else ():
        line = "--" if name.startswith("reading") else "-"
        times = [1e6 * statistics.median(found["overhead"][str(n)][name]) for n in sizes]
        left.plot(sizes, times, line, marker="o", markersize=4, linewidth=2.5 if "schuss" in name else 1.2, label=name)
    left.set(xscale="log", yscale="log", xlabel="n, float64", ylabel="µs between two calls of the function")
    left.grid(True, color="0.9")
    left.legend(fontsize=8)
    bars = [(f"{data}: {name}", statistics.median(v["seconds"]))
            for data, all_of in found.get("fits", {}).items() for name, v in all_of.items()]  # fmt: skip
    names, seconds = zip(*bars[::-1], strict=True) if bars else ((), ())
    right.barh(names, seconds, color=["#c1272d" if "schuss" in name else "0.6" for name in names])
    right.set(xscale="log", xlabel="s, a whole fit")
    right.tick_params(labelsize=8)
    about = found["machine"]
    figure.suptitle(f"{about['cpu']}, {about['cores']} cores, level {about['level']}, {about['date']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(out: Path = Path("results"), quick: bool = False, rules: Sequence[str] | None = None) -> list[Path]:
    """Measures, prints and writes; `rules` names parts: overhead, problems, fits."""
    wrong = set(rules or ()) - set(PARTS)
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {min(wrong)!r}")
    console, parts = Console(width=None if Console().is_terminal else 120), list(rules or PARTS)
    threads = micro.thread_counts(False)
    about = report.machine()
    found: dict[str, Any] = {"machine": about}
    if "overhead" in parts:
        found["overhead"] = {}
        for n in QUICK_SIZES if quick else SIZES:
            samples = found["overhead"][str(n)] = overhead(n, threads, 9 if n < 1_000_000 else 3)
            _show_overhead(console, n, samples)
    if "problems" in parts:
        found["problems"] = problems()
        _show_problems(console, found["problems"])
    if "fits" in parts:
        found["fits"] = {}
        data = {"a9a": a9a} if A9A.exists() else {}
        for name, make in (data if quick else {**data, "200k x 100k": made}).items():
            rounds = 1 if quick or name != "a9a" else 3
            found["fits"][name] = fits(make(), threads, rounds, l1_too=True)
            _show_fits(console, name, found["fits"][name])
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{report.default_name(about)}-solvers.json"
    path.write_text(json.dumps(found, indent=1, default=float))
    paths = [path]
    if has("matplotlib"):
        paths.append(path.with_suffix(".png"))
        plot(found, paths[-1])
    for one in paths:
        console.print(f"wrote {one}", highlight=False)
    return paths
