"""What the inverse Hessian costs: BFGS keeps all of it, L-BFGS ten pairs. A problem of 10,000 variables.

BFGS stores one triangle, 400 MB where the full square is 800 MB; L-BFGS needs 1.6 MB. Both stop after ten iterations.
"""

from __future__ import annotations

import numpy as np

import schuss

N = 10_000
scale = np.linspace(1, 100, N)


def valley(x: np.ndarray) -> tuple[float, np.ndarray]:
    """A smooth convex function."""
    return float(scale @ (np.cosh(x) - 1)), scale * np.sinh(x)


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
