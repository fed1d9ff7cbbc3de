"""Quasi-Newton methods again, in float64 NumPy and the simplest loops, from the papers; and functions to minimize."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def inverse_hessian(pairs: list[tuple[Array, Array]], n: int) -> Array:
    """The explicit inverse BFGS matrix: gamma I, then every pair's update (Nocedal & Wright 2006, eq. 7.16)."""
    if not pairs:
        return np.eye(n)
    s, y = pairs[-1]
    h = s @ y / (y @ y) * np.eye(n)
    for s, y in pairs:
        rho = 1 / (y @ s)
        v = np.eye(n) - rho * np.outer(y, s)
        h = v.T @ h @ v + rho * np.outer(s, s)
    return h


def rosenbrock(x: Array) -> tuple[float, Array]:
    """Of pairs of variables."""
    a, b = x[0::2], x[1::2]
    r = b - a * a
    g = np.empty_like(x)
    g[0::2], g[1::2] = 2 * (a - 1) - 400 * a * r, 200 * r
    return float((1 - a) @ (1 - a) + 100 * r @ r), g


def quadratic(n: int, condition: float, seed: int = 0) -> tuple[Array, Array]:
    """A matrix of that condition with the largest eigenvalue 1, and a right side."""
    random = np.random.default_rng(seed)
    q = np.linalg.qr(random.standard_normal((n, n)))[0]
    return (q * np.logspace(-np.log10(condition), 0, n)) @ q.T, random.standard_normal(n)


def slope(fun: Any, x: Array) -> Array:
    """The gradient of an analytic function by complex steps, exact to rounding."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        z = x.astype(np.complex128)
        z[i] += 1e-100j
        g[i] = fun(z).imag / 1e-100
    return g


def loss(kind: str, dense: Array, labels: Array, weights: Array, l2: float, x: Array) -> Any:
    """The losses of schuss.objectives, from their formulas."""
    z = dense @ x
    if kind == "Softmax":
        each = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), labels.astype(int)]
    else:
        each = {
            "Logistic": lambda: np.log1p(np.exp(-np.where(labels > 0, 1, -1) * z)),
            "Squared": lambda: (z - labels) ** 2 / 2,
            "Poisson": lambda: np.exp(z) - labels * z,
        }[kind]()
    return weights @ each + l2 / 2 * (x**2).sum()
