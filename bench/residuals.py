"""Residuals of the problems of Moré, Garbow and Hillstrom (ACM TOMS 7, 1981), for real and complex x."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def stack(*parts: Any) -> Array:
    return np.array(parts)


def size(z: Array) -> Array:
    """|z| that complex steps go through."""
    return z * np.sign(z.real)


def freudenstein(x: Array) -> Array:
    a, b = x
    return stack(-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b)


def badly_scaled(x: Array) -> Array:
    return stack(1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001)


def beale(x: Array) -> Array:
    i = np.arange(1, 4)
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** i)


def jennrich(x: Array) -> Array:
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def helical(x: Array) -> Array:
    a, b, c = x
    turn = np.arctan(b / a) / (2 * np.pi) + (0.5 if a.real < 0 else 0.0)
    return stack(10 * (c - 10 * turn), 10 * (np.sqrt(a * a + b * b) - 1), c)


_BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(x: Array) -> Array:
    u = np.arange(1.0, 16)
    v = 16 - u
    return _BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


_GAUSS = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989])


def gaussian(x: Array) -> Array:
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - np.concatenate([_GAUSS, _GAUSS[-2::-1]])


_MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872.0]
)


def meyer(x: Array) -> Array:
    t = 45 + 5 * np.arange(1.0, 17)
    return x[0] * np.exp(x[1] / (t + x[2])) - _MEYER


def gulf(x: Array) -> Array:
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-(size(y - x[1]) ** x[2]) / x[0]) - t


def box(x: Array) -> Array:
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def singular(x: Array) -> Array:
    a, b, c, d = x.reshape(-1, 4).T
    return np.concatenate([a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2])


def wood(x: Array) -> Array:
    a, b, c, d = x
    return stack(
        10 * (b - a * a), 1 - a, np.sqrt(90) * (d - c * c), 1 - c, np.sqrt(10) * (b + d - 2), (b - d) / np.sqrt(10)
    )


_KOWALIK = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
_KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik(x: Array) -> Array:
    u = _KOWALIK_U
    return _KOWALIK - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])


def brown_dennis(x: Array) -> Array:
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


_OSBORNE_1 = np.array(
    [
        *(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628),
        *(0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420),
        *(0.414, 0.411, 0.406),
    ]
)


def osborne_1(x: Array) -> Array:
    t = 10.0 * np.arange(33)
    return _OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def biggs(x: Array) -> Array:
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


def osborne_2(x: Array) -> Array:
    t = np.arange(65) / 10
    peaks = sum(x[k] * np.exp(-((t - x[7 + k]) ** 2) * x[4 + k]) for k in (1, 2, 3))
    return _OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + peaks)


def watson(x: Array) -> Array:
    t, j = np.arange(1, 30) / 29, np.arange(1, len(x) + 1)
    powers = t[:, None] ** (j - 1)
    slopes = (j - 1)[1:] * t[:, None] ** (j[1:] - 2)
    return np.concatenate([slopes @ x[1:] - (powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def rosenbrock(x: Array) -> Array:
    return np.concatenate([10 * (x[1::2] - x[0::2] ** 2), 1 - x[0::2]])


def penalty_1(x: Array) -> Array:
    return np.concatenate([np.sqrt(1e-5) * (x - 1), [x @ x - 0.25]])


def penalty_2(x: Array) -> Array:
    n = len(x)
    i = np.arange(2, n + 1)
    y, e = np.exp(i / 10) + np.exp((i - 1) / 10), np.exp(x / 10)
    root = np.sqrt(1e-5)
    last = np.arange(n, 0, -1) @ (x * x) - 1
    return np.concatenate([[x[0] - 0.2], root * (e[1:] + e[:-1] - y), root * (e[1:] - np.exp(-0.1)), [last]])


def variable(x: Array) -> Array:
    sum_ = np.arange(1, len(x) + 1) @ (x - 1)
    return np.concatenate([x - 1, [sum_, sum_**2]])


def trigonometric(x: Array) -> Array:
    n = len(x)
    return n - np.cos(x).sum() + np.arange(1, n + 1) * (1 - np.cos(x)) - np.sin(x)


def almost_linear(x: Array) -> Array:
    return np.concatenate([x[:-1] + x.sum() - (len(x) + 1), [np.prod(x) - 1]])


def grid(n: int) -> tuple[float, Array]:
    return 1 / (n + 1), np.arange(1, n + 1) / (n + 1)


def boundary(x: Array) -> Array:
    h, t = grid(len(x))
    around = np.concatenate([[0], x, [0]])
    return 2 * x - around[:-2] - around[2:] + h * h * (x + t + 1) ** 3 / 2


def integral(x: Array) -> Array:
    h, t = grid(len(x))
    cube = (x + t + 1) ** 3
    left, right = np.cumsum(t * cube), np.cumsum(((1 - t) * cube)[::-1])[::-1]
    after = np.concatenate([right[1:], [0]])
    return x + h * ((1 - t) * left + t * after) / 2


def tridiagonal(x: Array) -> Array:
    around = np.concatenate([[0], x, [0]])
    return (3 - 2 * x) * x - around[:-2] - 2 * around[2:] + 1


def banded(x: Array) -> Array:
    n, term = len(x), x * (1 + x)
    near = [sum(term[j] for j in range(max(0, i - 5), min(n, i + 2)) if j != i) for i in range(n)]
    return x * (2 + 5 * x * x) + 1 - np.array(near)


def full_rank(x: Array) -> Array:
    m = 20
    return np.concatenate([x, np.zeros(m - len(x))]) - 2 / m * x.sum() - 1


def rank_1(x: Array) -> Array:
    return np.arange(1, 21) * (np.arange(1, len(x) + 1) @ x) - 1


def rank_1_zeros(x: Array) -> Array:
    sum_ = np.arange(2, len(x)) @ x[1:-1]
    return np.concatenate([np.arange(0, 19) * sum_ - 1, [-1.0]])


def chebyquad(x: Array) -> Array:
    n, z = len(x), 2 * x - 1
    before, now, rows = np.ones_like(z), z, []
    for i in range(1, n + 1):
        rows.append(now.mean() + (1 / (i * i - 1) if i % 2 == 0 else 0))
        before, now = now, 2 * z * now - before
    return np.array(rows)
