"""Newton's method: digits double in each iteration, and a saddle is left."""

from __future__ import annotations

import numpy as np

import schuss

print("sum of exp(x) - 2 x, from (1.5, 0, -0.5): distance to log 2")
schuss.minimize(
    lambda x: (float((np.exp(x) - 2 * x).sum()), np.exp(x) - 2),
    np.array([1.5, 0.0, -0.5]),
    method="newton",
    hess=lambda x: np.diag(np.exp(x)),
    gtol=1e-14,
    callback=lambda r: print(f"  {r.nit}: {np.abs(r.x - np.log(2)).max():.1e}"),
)

print("x^4 / 4 - x^2 / 2 + y^2, from its saddle (0, 0):")
result = schuss.minimize(
    lambda x: (x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2, np.array([x[0] ** 3 - x[0], 2 * x[1]])),
    np.zeros(2),
    method="newton",
    hess=lambda x: np.array([[3 * x[0] ** 2 - 1, 0], [0, 2]]),
)
print(f"  ends at {result.x.round(6)}, value {result.fun:.6f}. {result.message}")
