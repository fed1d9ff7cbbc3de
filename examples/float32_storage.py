"""float32 storage with float64 sums goes on where a run in float32 alone ends.

Both store x, g and the pairs in float32, and start at the same point. The one below is L-BFGS from the textbook with
every sum and the value in float32, too: near the minimum neither a lower value nor the slope can be told any more.
"""

from __future__ import annotations

import numpy as np

import schuss

N, GOAL = 200_000, 1e-4
scale = np.linspace(1, 1000, N).astype(np.float32)
start = np.ones(N, np.float32)


def narrow(x: np.ndarray) -> tuple[np.float32, np.ndarray]:
    """sum of scale (sqrt(1 + x^2) - 1), in float32."""
    root = np.sqrt(1 + x * x)
    return (scale * (root - 1)).sum(dtype=np.float32), scale * x / root


def wide(x: np.ndarray) -> tuple[float, np.ndarray]:
    """The same with its sum in float64."""
    long = x.astype(np.float64)
    root = np.sqrt(1 + long * long)
    return float(scale @ (long * long / (root + 1))), (scale * long / root).astype(np.float32)


def pure_float32(x: np.ndarray, most: int = 2000, memory: int = 10) -> tuple[float, int, str]:
    """The largest number of the gradient at the end, evaluations, and why it ended."""
    (f, g), pairs, calls = narrow(x), [], 1
    while calls < most:
        if np.abs(g).max() <= GOAL:
            return float(np.abs(g).max()), calls, "converged"
        q, alphas = g.copy(), []
        for s, y in reversed(pairs):
            alphas.append((s @ q) / (s @ y))
            q -= alphas[-1] * y
        q *= (pairs[-1][0] @ pairs[-1][1]) / (pairs[-1][1] @ pairs[-1][1]) if pairs else 1 / np.sqrt(g @ g)
        for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
            q += (alpha - (y @ q) / (s @ y)) * s
        t, slope = np.float32(1), -(q @ g)
        while True:
            trial = x - t * q
            f_new, g_new = narrow(trial)
            calls += 1
            if f_new < f + np.float32(1e-4) * t * slope:
                break
            t /= 2
            if t < 1e-6:
                return float(np.abs(g).max()), calls, "no lower value along the direction"
        s, y = trial - x, g_new - g
        if s @ y > 0:
            pairs = [*pairs, (s, y)][-memory:]
        x, f, g = trial, f_new, g_new
    return float(np.abs(g).max()), calls, "too many evaluations"


size, calls, why = pure_float32(start)
print(f"float32 alone:             gradient {size:.1e} after {calls} evaluations: {why}")
result = schuss.minimize(wide, start, gtol=GOAL)
print(f"float32 with float64 sums: gradient {np.abs(result.jac).max():.1e} after {result.nfev} evaluations")
print(f"  {result.message} Stored as {result.x.dtype}.")
