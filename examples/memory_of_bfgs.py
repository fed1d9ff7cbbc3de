"""What the inverse Hessian costs: BFGS keeps all of it, L-BFGS ten pairs.

A problem of 10,000 variables. BFGS stores one triangle, 400 MB where the full square is 800 MB; L-BFGS needs 1.6 MB.
Both stop after ten iterations. The picture has the same for any number of variables; dots are the states of real
solvers.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

N = 10_000
scale = np.linspace(1, 100, N)


def valley(x: np.ndarray) -> tuple[float, np.ndarray]:
    """A smooth convex function."""
    return float(scale[: len(x)] @ (np.cosh(x) - 1)), scale[: len(x)] * np.sinh(x)


start = np.random.default_rng(0).standard_normal(N)
for name, solver, numbers in (
    ("BFGS", schuss.BFGS(start, maxiter=10), N * (N + 1) / 2),
    ("LBFGS", schuss.LBFGS(start, maxiter=10), 2 * 10 * N),
):
    while not solver.done:
        solver.tell(*valley(solver.ask()))
    result = solver.result()
    print(f"{name:6}{8 * numbers / 1e6:8.1f} MB  value {result.fun:.6g} after {result.nfev} evaluations")
print(f"{'square':6}{8 * N * N / 1e6:8.1f} MB")

n = np.logspace(1, 6, 60)
figure, axes = plot.canvas(height=3.9)
axes.loglog(n, 8 * n * n, ":", color="0.45", label="full square")
axes.loglog(n, 4 * n * (n + 1), "-", color=plot.COLORS[1], label="BFGS, one triangle")
axes.loglog(n, 160 * n, "-", color=plot.COLORS[0], label="L-BFGS, ten pairs")
for kind, color in ((schuss.BFGS, plot.COLORS[1]), (schuss.LBFGS, plot.COLORS[0])):
    for few in (30, 100, 300, 1000):
        solver = kind(start[:few], maxiter=12)
        while not solver.done:
            solver.tell(*valley(solver.ask()))
        axes.plot(few, sum(np.asarray(a).nbytes for a in solver.state_dict()["arrays"].values()), "o", color=color)
axes.axhline(16e9, color="0.6", linewidth=1)
axes.text(12, 22e9, "16 GB", fontsize=9, color="0.35")
axes.set(xlabel="variables", ylabel="bytes")
axes.legend(frameon=False, fontsize=9.5, loc="lower right")
plot.save(figure, "memory_of_bfgs.png")
