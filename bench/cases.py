"""What is measured for each rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss import rules

from .case import B1, B2, DECAY, EG_LR, EPS, LR, MU, ROW, TWICE, Case, State, Torch
from .later import LATER

Array = NDArray[Any]

__all__ = ["CASES", "EG_LR", "LR", "ROW", "Case", "State", "Torch"]


def sgd(s: State, g: Array) -> None:
    s.w -= LR * g


def sgd_in_place(s: State, g: Array) -> None:
    np.multiply(g, LR, out=s.x)
    s.w -= s.x


def momentum(s: State, g: Array) -> None:
    s.b = MU * s.b + g
    s.w -= LR * s.b


def momentum_in_place(s: State, g: Array) -> None:
    s.b *= MU
    s.b += g
    np.multiply(s.b, LR, out=s.x)
    s.w -= s.x


def nesterov(s: State, g: Array) -> None:
    s.b = MU * s.b + g
    s.w -= LR * (g + MU * s.b)


def nesterov_in_place(s: State, g: Array) -> None:
    s.b *= MU
    s.b += g
    np.multiply(s.b, MU, out=s.x)
    s.x += g
    s.x *= LR
    s.w -= s.x


def sgdw(s: State, g: Array) -> None:
    s.b = MU * s.b + g
    s.w = (1 - LR * DECAY) * s.w - LR * s.b


def sgdw_in_place(s: State, g: Array) -> None:
    s.w *= 1 - LR * DECAY
    momentum_in_place(s, g)


def counter_clock(s: State, g: Array) -> None:
    s.count += g != 0
    s.w -= LR / np.sqrt(s.count + 1) * g


def counter_clock_in_place(s: State, g: Array) -> None:
    np.not_equal(g, 0, out=s.x)
    s.count += s.x
    np.add(s.count, 1, out=s.x)
    np.sqrt(s.x, out=s.x)
    np.divide(g, s.x, out=s.x)
    s.x *= LR
    s.w -= s.x


def adagrad(s: State, g: Array) -> None:
    s.s += g**2
    s.w -= LR * g / (np.sqrt(s.s) + 1e-10)


def adagrad_in_place(s: State, g: Array) -> None:
    np.multiply(g, g, out=s.x)
    s.s += s.x
    np.sqrt(s.s, out=s.x)
    s.x += 1e-10
    np.divide(g, s.x, out=s.x)
    s.x *= LR
    s.w -= s.x


def row_wise(s: State, g: Array) -> None:
    s.s += (g**2).mean(axis=1)
    s.w -= LR * g / (np.sqrt(s.s) + EPS)[:, None]


def row_wise_in_place(s: State, g: Array) -> None:
    np.multiply(g, g, out=s.x)
    s.s += s.x.mean(axis=1)
    rate = np.sqrt(s.s)
    rate += EPS
    np.divide(LR, rate, out=rate)
    np.multiply(g, rate[:, None], out=s.x)
    s.w -= s.x


def adadelta(s: State, g: Array) -> None:
    s.e = 0.95 * s.e + 0.05 * g**2
    u = np.sqrt(s.d + 1e-6) / np.sqrt(s.e + 1e-6) * g
    s.d = 0.95 * s.d + 0.05 * u**2
    s.w -= LR * u


def adadelta_in_place(s: State, g: Array) -> None:
    np.multiply(g, g, out=s.x)
    s.x *= 0.05
    s.e *= 0.95
    s.e += s.x
    np.add(s.d, 1e-6, out=s.x)
    np.add(s.e, 1e-6, out=s.y)
    s.x /= s.y
    np.sqrt(s.x, out=s.x)
    s.x *= g
    np.multiply(s.x, s.x, out=s.y)
    s.y *= 0.05
    s.d *= 0.95
    s.d += s.y
    s.x *= LR
    s.w -= s.x


def rmsprop(s: State, g: Array) -> None:
    s.v = 0.99 * s.v + 0.01 * g**2
    s.w -= LR * g / (np.sqrt(s.v) + EPS)


def rmsprop_in_place(s: State, g: Array) -> None:
    np.multiply(g, g, out=s.x)
    s.x *= 0.01
    s.v *= 0.99
    s.v += s.x
    np.sqrt(s.v, out=s.x)
    s.x += EPS
    np.divide(g, s.x, out=s.x)
    s.x *= LR
    s.w -= s.x


def _adam(s: State, g: Array, amsgrad: bool) -> Array:
    s.t += 1
    s.m = B1 * s.m + (1 - B1) * g
    s.v = B2 * s.v + (1 - B2) * g**2
    m_hat = s.m / (1 - B1**s.t)
    if amsgrad:
        s.x_max = np.maximum(s.x_max, s.v) if s.t > 1 else s.v
    v_hat = (s.x_max if amsgrad else s.v) / (1 - B2**s.t)
    update: Array = LR * m_hat / (np.sqrt(v_hat) + EPS)
    return update


def _adam_in_place(s: State, g: Array, amsgrad: bool) -> None:
    s.t += 1
    s.m *= B1
    np.multiply(g, 1 - B1, out=s.x)
    s.m += s.x
    s.v *= B2
    np.multiply(g, g, out=s.x)
    s.x *= 1 - B2
    s.v += s.x
    if amsgrad:
        if s.t == 1:
            s.x_max = s.v.copy()
        np.maximum(s.x_max, s.v, out=s.x_max)
    np.sqrt(s.x_max if amsgrad else s.v, out=s.x)
    s.x *= 1 / float(np.sqrt(1 - B2**s.t))
    s.x += EPS
    np.divide(s.m, s.x, out=s.x)
    s.x *= LR / (1 - B1**s.t)
    s.w -= s.x


def adam(s: State, g: Array) -> None:
    s.w -= _adam(s, g, False)


def adam_in_place(s: State, g: Array) -> None:
    _adam_in_place(s, g, False)


def adamw(s: State, g: Array) -> None:
    s.w = (1 - LR * DECAY) * s.w - _adam(s, g, False)


def adamw_in_place(s: State, g: Array) -> None:
    s.w *= 1 - LR * DECAY
    _adam_in_place(s, g, False)


def amsgrad(s: State, g: Array) -> None:
    s.w -= _adam(s, g, True)


def amsgrad_in_place(s: State, g: Array) -> None:
    _adam_in_place(s, g, True)


def adamax(s: State, g: Array) -> None:
    s.t += 1
    s.m = B1 * s.m + (1 - B1) * g
    s.u = np.maximum(B2 * s.u, np.abs(g) + EPS)
    s.w -= LR / (1 - B1**s.t) * s.m / s.u


def adamax_in_place(s: State, g: Array) -> None:
    s.t += 1
    s.m *= B1
    np.multiply(g, 1 - B1, out=s.x)
    s.m += s.x
    np.abs(g, out=s.x)
    s.x += EPS
    s.u *= B2
    np.maximum(s.u, s.x, out=s.u)
    np.divide(s.m, s.u, out=s.x)
    s.x *= LR / (1 - B1**s.t)
    s.w -= s.x


def egu(s: State, g: Array) -> None:
    s.w *= np.exp(-EG_LR * g)


def egu_in_place(s: State, g: Array) -> None:
    np.multiply(g, -EG_LR, out=s.x)
    np.exp(s.x, out=s.x)
    s.w *= s.x


def eg(s: State, g: Array) -> None:
    s.w *= np.exp(-EG_LR * g)
    s.w /= s.w.sum()


def eg_in_place(s: State, g: Array) -> None:
    egu_in_place(s, g)
    s.w *= 1 / float(s.w.sum())


def egpm(s: State, g: Array) -> None:
    s.p = s.p * np.exp(-EG_LR * g)
    s.n = s.n * np.exp(EG_LR * g)
    total = s.p.sum() + s.n.sum()
    s.p /= total
    s.n /= total
    s.w[:] = s.p - s.n


def egpm_in_place(s: State, g: Array) -> None:
    np.multiply(g, -EG_LR, out=s.x)
    np.exp(s.x, out=s.x)
    s.p *= s.x
    s.n /= s.x
    scale = 1 / (float(s.p.sum()) + float(s.n.sum()))
    s.p *= scale
    s.n *= scale
    np.subtract(s.p, s.n, out=s.w)


def egdd(s: State, g: Array) -> None:
    along = np.dot(g / (np.linalg.norm(g) + 1e-10), s.h / (np.linalg.norm(s.h) + 1e-10))
    s.s = np.clip(s.s * np.exp(0.001 * along), 0.1, 10.0)
    s.p = np.clip(s.p * np.exp(0.01 * np.sign(g) * np.sign(s.a)), 0.01, 100.0)
    s.h = 0.9 * s.h + EG_LR * s.p * g
    s.a = 0.9 * s.a + 0.1 * g
    s.w -= s.s * s.h


def egdd_in_place(s: State, g: Array) -> None:
    along = float(np.dot(g, s.h)) / ((float(np.linalg.norm(g)) + 1e-10) * (float(np.linalg.norm(s.h)) + 1e-10))
    s.s *= np.exp(0.001 * along)
    np.clip(s.s, 0.1, 10.0, out=s.s)
    np.sign(g, out=s.x)
    np.sign(s.a, out=s.y)
    s.x *= s.y
    s.x *= 0.01
    np.exp(s.x, out=s.x)
    s.p *= s.x
    np.clip(s.p, 0.01, 100.0, out=s.p)
    np.multiply(s.p, g, out=s.x)
    s.x *= EG_LR
    s.h *= 0.9
    s.h += s.x
    np.multiply(g, 0.1, out=s.x)
    s.a *= 0.9
    s.a += s.x
    np.multiply(s.h, s.s, out=s.x)
    s.w -= s.x


def ftrl(s: State, g: Array) -> None:
    n = s.n + g**2
    sigma = (np.sqrt(n) - np.sqrt(s.n)) / 0.1
    s.z += g - sigma * s.w
    s.n = n
    shrunk = -(s.z - np.sign(s.z) * 1e-3) / ((1 + np.sqrt(n)) / 0.1)
    s.w[:] = np.where(np.abs(s.z) <= 1e-3, 0, shrunk)


def ftrl_in_place(s: State, g: Array) -> None:
    np.sqrt(s.n, out=s.x)
    np.multiply(g, g, out=s.y)
    s.n += s.y
    np.sqrt(s.n, out=s.y)
    np.subtract(s.y, s.x, out=s.x)
    s.x *= 10.0
    s.x *= s.w
    np.subtract(g, s.x, out=s.x)
    s.z += s.x
    s.y += 1
    s.y *= -10.0
    np.abs(s.z, out=s.x)
    s.x -= 1e-3
    np.maximum(s.x, 0, out=s.x)
    np.copysign(s.x, s.z, out=s.x)
    np.divide(s.x, s.y, out=s.w)


_SGD = {"lr": LR, "momentum": MU}

CASES: dict[str, Case] = {
    "SGD": Case(rules.SGD(LR), 0, sgd, sgd_in_place, Torch("SGD", {"lr": LR}, True)),
    "Momentum": Case(rules.Momentum(LR), 1, momentum, momentum_in_place, Torch("SGD", _SGD, True)),
    "Nesterov": Case(
        rules.Nesterov(LR),
        1,
        nesterov,
        nesterov_in_place,
        Torch("SGD", {**_SGD, "nesterov": True}, True),
        "torch's foreach form adds the momentum into the caller's gradient, so that it writes one more array",
    ),
    "SGDW": Case(rules.SGDW(LR), 1, sgdw, sgdw_in_place),
    "CounterClock": Case(rules.CounterClock(LR), 1, counter_clock, counter_clock_in_place),
    "AdaGrad": Case(rules.AdaGrad(LR), 1, adagrad, adagrad_in_place, Torch("Adagrad", {"lr": LR}, True)),
    "RowWiseAdaGrad": Case(
        rules.RowWiseAdaGrad(LR), 0, row_wise, row_wise_in_place, note=f"rows of {ROW}; their sums are not counted"
    ),
    "AdaDelta": Case(
        rules.AdaDelta(LR), 2, adadelta, adadelta_in_place, Torch("Adadelta", {"lr": LR, "rho": 0.95, "eps": 1e-6})
    ),
    "RMSprop": Case(rules.RMSprop(LR), 1, rmsprop, rmsprop_in_place, Torch("RMSprop", {"lr": LR})),
    "Adam": Case(rules.Adam(LR), 2, adam, adam_in_place, Torch("Adam", {"lr": LR}, True)),
    "AdamW": Case(rules.AdamW(LR), 2, adamw, adamw_in_place, Torch("AdamW", {"lr": LR}, True)),
    "AMSGrad": Case(rules.AMSGrad(LR), 3, amsgrad, amsgrad_in_place, Torch("Adam", {"lr": LR, "amsgrad": True}, True)),
    "AdaMax": Case(rules.AdaMax(LR), 2, adamax, adamax_in_place, Torch("Adamax", {"lr": LR})),
    "EGU": Case(rules.EGU(EG_LR), 0, egu, egu_in_place),
    "EG": Case(rules.EG(EG_LR), 0, eg, eg_in_place, note=TWICE),
    "EGPM": Case(rules.EGPM(EG_LR), 2, egpm, egpm_in_place, note=TWICE),
    "EGDD": Case(rules.EGDD(EG_LR), 3, egdd, egdd_in_place, note=TWICE),
    "FTRL": Case(rules.FTRL(0.1, l1=1e-3), 2, ftrl, ftrl_in_place),
    **LATER,
}
