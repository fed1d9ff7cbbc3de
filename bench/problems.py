"""The unconstrained test problems of Moré, Garbow and Hillstrom (ACM TOMS 7, 1981), and ten with bounds.

Each is a sum of squares of residuals; its gradient is 2 J'r with the Jacobian by complex steps, exact to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

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


def _stack(*parts: Any) -> Array:
    return np.array(parts)


def _size(z: Array) -> Array:
    """|z| that complex steps go through."""
    return z * np.sign(z.real)


def _freudenstein(x: Array) -> Array:
    a, b = x
    return _stack(-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b)


def _badly_scaled(x: Array) -> Array:
    return _stack(1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001)


def _beale(x: Array) -> Array:
    i = np.arange(1, 4)
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** i)


def _jennrich(x: Array) -> Array:
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def _helical(x: Array) -> Array:
    a, b, c = x
    turn = np.arctan(b / a) / (2 * np.pi) + (0.5 if a.real < 0 else 0.0)
    return _stack(10 * (c - 10 * turn), 10 * (np.sqrt(a * a + b * b) - 1), c)


_BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def _bard(x: Array) -> Array:
    u = np.arange(1.0, 16)
    v = 16 - u
    return _BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


_GAUSS = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989])


def _gaussian(x: Array) -> Array:
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - np.concatenate([_GAUSS, _GAUSS[-2::-1]])


_MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872.0]
)


def _meyer(x: Array) -> Array:
    t = 45 + 5 * np.arange(1.0, 17)
    return x[0] * np.exp(x[1] / (t + x[2])) - _MEYER


def _gulf(x: Array) -> Array:
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-(_size(y - x[1]) ** x[2]) / x[0]) - t


def _box(x: Array) -> Array:
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def _singular(x: Array) -> Array:
    a, b, c, d = x.reshape(-1, 4).T
    return np.concatenate([a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2])


def _wood(x: Array) -> Array:
    a, b, c, d = x
    return _stack(
        10 * (b - a * a), 1 - a, np.sqrt(90) * (d - c * c), 1 - c, np.sqrt(10) * (b + d - 2), (b - d) / np.sqrt(10)
    )


_KOWALIK = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
_KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def _kowalik(x: Array) -> Array:
    u = _KOWALIK_U
    return _KOWALIK - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])


def _brown_dennis(x: Array) -> Array:
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


_OSBORNE_1 = np.array(
    [
        *(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628),
        *(0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420),
        *(0.414, 0.411, 0.406),
    ]
)


def _osborne_1(x: Array) -> Array:
    t = 10.0 * np.arange(33)
    return _OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def _biggs(x: Array) -> Array:
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


_OSBORNE_2 = np.array(
    [
        *(1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616),
        *(0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495),
        *(0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672),
        *(0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581),
        *(0.428, 0.292, 0.162, 0.098, 0.054),
    ]
)


def _osborne_2(x: Array) -> Array:
    t = np.arange(65) / 10
    peaks = sum(x[k] * np.exp(-((t - x[7 + k]) ** 2) * x[4 + k]) for k in (1, 2, 3))
    return _OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + peaks)


def _watson(x: Array) -> Array:
    t, j = np.arange(1, 30) / 29, np.arange(1, len(x) + 1)
    powers = t[:, None] ** (j - 1)
    slopes = (j - 1)[1:] * t[:, None] ** (j[1:] - 2)
    return np.concatenate([slopes @ x[1:] - (powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def _rosenbrock(x: Array) -> Array:
    return np.concatenate([10 * (x[1::2] - x[0::2] ** 2), 1 - x[0::2]])


def _penalty_1(x: Array) -> Array:
    return np.concatenate([np.sqrt(1e-5) * (x - 1), [x @ x - 0.25]])


def _penalty_2(x: Array) -> Array:
    n = len(x)
    i = np.arange(2, n + 1)
    y, e = np.exp(i / 10) + np.exp((i - 1) / 10), np.exp(x / 10)
    root = np.sqrt(1e-5)
    last = np.arange(n, 0, -1) @ (x * x) - 1
    return np.concatenate([[x[0] - 0.2], root * (e[1:] + e[:-1] - y), root * (e[1:] - np.exp(-0.1)), [last]])


def _variable(x: Array) -> Array:
    sum_ = np.arange(1, len(x) + 1) @ (x - 1)
    return np.concatenate([x - 1, [sum_, sum_**2]])


def _trigonometric(x: Array) -> Array:
    n = len(x)
    return n - np.cos(x).sum() + np.arange(1, n + 1) * (1 - np.cos(x)) - np.sin(x)


def _almost_linear(x: Array) -> Array:
    return np.concatenate([x[:-1] + x.sum() - (len(x) + 1), [np.prod(x) - 1]])


def _grid(n: int) -> tuple[float, Array]:
    return 1 / (n + 1), np.arange(1, n + 1) / (n + 1)


def _boundary(x: Array) -> Array:
    h, t = _grid(len(x))
    around = np.concatenate([[0], x, [0]])
    return 2 * x - around[:-2] - around[2:] + h * h * (x + t + 1) ** 3 / 2


def _integral(x: Array) -> Array:
    h, t = _grid(len(x))
    cube = (x + t + 1) ** 3
    left, right = np.cumsum(t * cube), np.cumsum(((1 - t) * cube)[::-1])[::-1]
    after = np.concatenate([right[1:], [0]])
    return x + h * ((1 - t) * left + t * after) / 2


def _tridiagonal(x: Array) -> Array:
    around = np.concatenate([[0], x, [0]])
    return (3 - 2 * x) * x - around[:-2] - 2 * around[2:] + 1


def _banded(x: Array) -> Array:
    n, term = len(x), x * (1 + x)
    near = [sum(term[j] for j in range(max(0, i - 5), min(n, i + 2)) if j != i) for i in range(n)]
    return x * (2 + 5 * x * x) + 1 - np.array(near)


def _full_rank(x: Array) -> Array:
    m = 20
    return np.concatenate([x, np.zeros(m - len(x))]) - 2 / m * x.sum() - 1


def _rank_1(x: Array) -> Array:
    return np.arange(1, 21) * (np.arange(1, len(x) + 1) @ x) - 1


def _rank_1_zeros(x: Array) -> Array:
    sum_ = np.arange(2, len(x)) @ x[1:-1]
    return np.concatenate([np.arange(0, 19) * sum_ - 1, [-1.0]])


def _chebyquad(x: Array) -> Array:
    n, z = len(x), 2 * x - 1
    before, now, rows = np.ones_like(z), z, []
    for i in range(1, n + 1):
        rows.append(now.mean() + (1 / (i * i - 1) if i % 2 == 0 else 0))
        before, now = now, 2 * z * now - before
    return np.array(rows)


def _p(number: int, name: str, residuals: Callable[[Array], Array], start: Any, *minima: float) -> Problem:
    return Problem(number, name, residuals, np.array(start, np.float64), minima)


UNCONSTRAINED = [
    _p(1, "Rosenbrock", _rosenbrock, [-1.2, 1], 0),
    _p(2, "Freudenstein and Roth", _freudenstein, [0.5, -2], 0, 48.9842),
    _p(3, "Powell badly scaled", _badly_scaled, [0, 1], 0),
    _p(4, "Brown badly scaled", lambda x: _stack(x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2), [1, 1], 0),
    _p(5, "Beale", _beale, [1, 1], 0),
    _p(6, "Jennrich and Sampson", _jennrich, [0.3, 0.4], 124.362),
    _p(7, "Helical valley", _helical, [-1, 0, 0], 0),
    _p(8, "Bard", _bard, [1, 1, 1], 8.21487e-3, 17.4286),
    _p(9, "Gaussian", _gaussian, [0.4, 1, 0], 1.12793e-8),
    _p(10, "Meyer", _meyer, [0.02, 4000, 250], 87.9458),
    _p(11, "Gulf research", _gulf, [5, 2.5, 0.15], 0),
    _p(12, "Box", _box, [0, 10, 20], 0),
    _p(13, "Powell singular", _singular, [3, -1, 0, 1], 0),
    _p(14, "Wood", _wood, [-3, -1, -3, -1], 0),
    _p(15, "Kowalik and Osborne", _kowalik, [0.25, 0.39, 0.415, 0.39], 3.07505e-4),
    _p(16, "Brown and Dennis", _brown_dennis, [25, 5, -5, -1], 85822.2),
    _p(17, "Osborne 1", _osborne_1, [0.5, 1.5, -1, 0.01, 0.02], 5.46489e-5),
    _p(18, "Biggs EXP6", _biggs, [1, 2, 1, 1, 1, 1], 5.65565e-3, 0),
    _p(19, "Osborne 2", _osborne_2, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], 4.01377e-2),
    _p(20, "Watson", _watson, np.zeros(6), 2.28767e-3),
    _p(21, "Extended Rosenbrock", _rosenbrock, np.tile([-1.2, 1], 50), 0),
    _p(22, "Extended Powell singular", _singular, np.tile([3, -1, 0, 1], 25), 0),
    _p(23, "Penalty I", _penalty_1, np.arange(1, 11), 7.08765e-5),
    _p(24, "Penalty II", _penalty_2, np.full(10, 0.5), 2.93660e-4),
    _p(25, "Variably dimensioned", _variable, 1 - np.arange(1, 11) / 10, 0),
    _p(26, "Trigonometric", _trigonometric, np.full(10, 0.1), 0, 2.79506e-5),
    _p(27, "Brown almost linear", _almost_linear, np.full(10, 0.5), 0, 1),
    _p(28, "Discrete boundary value", _boundary, _grid(10)[1] * (_grid(10)[1] - 1), 0),
    _p(29, "Discrete integral equation", _integral, _grid(10)[1] * (_grid(10)[1] - 1), 0),
    _p(30, "Broyden tridiagonal", _tridiagonal, -np.ones(10), 0),
    _p(31, "Broyden banded", _banded, -np.ones(10), 0),
    _p(32, "Linear, full rank", _full_rank, np.ones(10), 10),
    _p(33, "Linear, rank 1", _rank_1, np.ones(10), 20 * 19 / (2 * 41)),
    _p(34, "Linear, rank 1, zero columns", _rank_1_zeros, np.ones(10), (400 + 60 - 6) / (2 * 37)),
    _p(35, "Chebyquad", _chebyquad, np.arange(1, 9) / 9, 3.51687e-3),
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
