"""The unconstrained test problems of Moré, Garbow and Hillstrom (ACM TOMS 7, 1981), and ten with bounds.

Each is a sum of squares of residuals; its gradient is 2 J'r with the Jacobian by complex steps, exact to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import residuals

Array = npt.NDArray[Any]
STEP = 1e-100


@dataclass(frozen=True)
class Problem:
    """f = sum of squares of `residuals`; the minima of the paper, where it has some."""

    number: int
    name: str
    residuals: Callable[[Array], Array]
    start: Array
    minima: tuple[float, ...]

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Value and gradient."""
        with np.errstate(all="ignore"):
            r = self.residuals(np.asarray(x, np.float64))
            jacobian = np.empty((len(r), len(x)))
            for i in range(len(x)):
                z = np.asarray(x, np.complex128)
                z[i] += STEP * 1j
                jacobian[:, i] = self.residuals(z).imag / STEP
            return float(r @ r), 2 * (jacobian.T @ r)


def _p(number: int, name: str, residuals: Callable[[Array], Array], start: Any, *minima: float) -> Problem:
    return Problem(number, name, residuals, np.array(start, np.float64), minima)


UNCONSTRAINED = [
    _p(1, "Rosenbrock", residuals.rosenbrock, [-1.2, 1], 0),
    _p(2, "Freudenstein and Roth", residuals.freudenstein, [0.5, -2], 0, 48.9842),
    _p(3, "Powell badly scaled", residuals.badly_scaled, [0, 1], 0),
    _p(4, "Brown badly scaled", lambda x: residuals.stack(x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2), [1, 1], 0),
    _p(5, "Beale", residuals.beale, [1, 1], 0),
    _p(6, "Jennrich and Sampson", residuals.jennrich, [0.3, 0.4], 124.362),
    _p(7, "Helical valley", residuals.helical, [-1, 0, 0], 0),
    _p(8, "Bard", residuals.bard, [1, 1, 1], 8.21487e-3, 17.4286),
    _p(9, "Gaussian", residuals.gaussian, [0.4, 1, 0], 1.12793e-8),
    _p(10, "Meyer", residuals.meyer, [0.02, 4000, 250], 87.9458),
    _p(11, "Gulf research", residuals.gulf, [5, 2.5, 0.15], 0),
    _p(12, "Box", residuals.box, [0, 10, 20], 0),
    _p(13, "Powell singular", residuals.singular, [3, -1, 0, 1], 0),
    _p(14, "Wood", residuals.wood, [-3, -1, -3, -1], 0),
    _p(15, "Kowalik and Osborne", residuals.kowalik, [0.25, 0.39, 0.415, 0.39], 3.07505e-4),
    _p(16, "Brown and Dennis", residuals.brown_dennis, [25, 5, -5, -1], 85822.2),
    _p(17, "Osborne 1", residuals.osborne_1, [0.5, 1.5, -1, 0.01, 0.02], 5.46489e-5),
    _p(18, "Biggs EXP6", residuals.biggs, [1, 2, 1, 1, 1, 1], 5.65565e-3, 0),
    _p(19, "Osborne 2", residuals.osborne_2, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], 4.01377e-2),
    _p(20, "Watson", residuals.watson, np.zeros(6), 2.28767e-3),
    _p(21, "Extended Rosenbrock", residuals.rosenbrock, np.tile([-1.2, 1], 50), 0),
    _p(22, "Extended Powell singular", residuals.singular, np.tile([3, -1, 0, 1], 25), 0),
    _p(23, "Penalty I", residuals.penalty_1, np.arange(1, 11), 7.08765e-5),
    _p(24, "Penalty II", residuals.penalty_2, np.full(10, 0.5), 2.93660e-4),
    _p(25, "Variably dimensioned", residuals.variable, 1 - np.arange(1, 11) / 10, 0),
    _p(26, "Trigonometric", residuals.trigonometric, np.full(10, 0.1), 0, 2.79506e-5),
    _p(27, "Brown almost linear", residuals.almost_linear, np.full(10, 0.5), 0, 1),
    _p(28, "Discrete boundary value", residuals.boundary, residuals.grid(10)[1] * (residuals.grid(10)[1] - 1), 0),
    _p(29, "Discrete integral equation", residuals.integral, residuals.grid(10)[1] * (residuals.grid(10)[1] - 1), 0),
    _p(30, "Broyden tridiagonal", residuals.tridiagonal, -np.ones(10), 0),
    _p(31, "Broyden banded", residuals.banded, -np.ones(10), 0),
    _p(32, "Linear, full rank", residuals.full_rank, np.ones(10), 10),
    _p(33, "Linear, rank 1", residuals.rank_1, np.ones(10), 20 * 19 / (2 * 41)),
    _p(34, "Linear, rank 1, zero columns", residuals.rank_1_zeros, np.ones(10), (400 + 60 - 6) / (2 * 37)),
    _p(35, "Chebyquad", residuals.chebyquad, np.arange(1, 9) / 9, 3.51687e-3),
]

# Boxes that cut the way to the minimum off, or hold it on their border.
_BOXES: dict[int, tuple[Any, Any]] = {
    1: ([-2, -1], [0.5, 2]),
    5: ([0.6, 0.5], [10, 100]),
    7: ([-100, -1, -1], [0.8, 1, 1]),
    12: ([0, 5, 0], [2, 9.5, 20]),
    14: ([-100, -100, -100, -100], [0, 10, 100, 100]),
    16: ([-10, 0, -100, -20], [100, 15, 0, 0.2]),
    18: ([0, 0, 0, 1, 0, 0], [2, 8, 1, 7, 5, 5]),
    20: ([-0.015, -1, -1, -1, -1, -1], [1, 1, 0.2, 1, 1, 0.99]),
    21: ([-50] * 100, [0.5, 2] * 50),
    25: ([0] * 10, [10, 20, 30, 40, 50, 60, 70, 80, 90, 0.5]),
}
BOUNDED = [
    (p, np.array(_BOXES[p.number][0], float), np.array(_BOXES[p.number][1], float))
    for p in UNCONSTRAINED
    if p.number in _BOXES
]
