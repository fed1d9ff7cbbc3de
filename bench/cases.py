"""What is measured for each rule: the rule, its streams, and the same step as NumPy and torch have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss import rules
from schuss.rules import Rule

Array = NDArray[Any]
ROW = 64


class State(SimpleNamespace):
    """What a NumPy step works on: w, the slots by name, t, and two scratch arrays x and y for the in-place form."""


Step = Callable[[State, Array], None]


@dataclass(frozen=True)
class Torch:
    """An optimizer of torch.optim with its options; fused: whether that form exists on CPUs."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    fused: bool = False

    def make(self, params: list[Any], variant: str) -> Any:
        """The optimizer in the form "for-loop", "foreach" or "fused"."""
        import torch

        forms: dict[str, dict[str, Any]] = {
            "for-loop": {"foreach": False},
            "foreach": {"foreach": True},
            "fused": {"fused": True},
        }
        return getattr(torch.optim, self.name)(params, **self.options, **forms[variant])

    @property
    def variants(self) -> list[str]:
        """The forms that exist."""
        return ["for-loop", "foreach", *(["fused"] if self.fused else [])]


@dataclass(frozen=True)
class Case:
    """One rule with its peers; slots counts those of the weight's size, so 1 + slots streams are written."""

    rule: Rule
    slots: int
    numpy: Step
    in_place: Step
    torch: Torch | None = None
    note: str = ""

    @property
    def written(self) -> int:
        """Streams that are written (and read)."""
        return 1 + self.slots

    @property
    def bytes(self) -> int:
        """The least that one step must move for one float32 parameter."""
        return 4 * (1 + 2 * self.written)

    def shape(self, n: int) -> tuple[int, ...]:
        """The array's shape for about n parameters."""
        return (max(1, n // ROW), ROW) if isinstance(self.rule, rules.RowWiseAdaGrad) else (n,)

    def weights(self, n: int) -> Array:
        """Start weights that the rule accepts."""
        shape = self.shape(n)
        size = int(np.prod(shape))
        value = {rules.EG: 1 / size, rules.EGPM: 0.5 / size}.get(type(self.rule), 0.5)
        return np.full(shape, value, np.float32)

    def gradient(self, n: int, seed: int = 0) -> Array:
        """Normal numbers of spread 0.01."""
        g = np.random.default_rng(seed).standard_normal(self.shape(n), dtype=np.float32)
        g *= np.float32(0.01)
        return g

    def state(self, w: Array) -> State:
        """What the NumPy steps need, slots at their start."""
        s = State(w=w, t=0, x=np.ones_like(w), y=np.ones_like(w))
        start = self.rule.start(w)
        for name in self.rule.info["slots"]:
            slot = np.empty_like(w)
            slot[...] = start.get(name, 0.0)
            setattr(s, name, slot)
        groups = len(w) if self.rule.info["group"] == "row" and w.ndim > 1 else 1
        for name in self.rule.info["shared"]:
            setattr(s, name, np.full(groups, start.get(name, 0.0), w.dtype))
        return s


# The same gradient is applied thousands of times: rates are so small that no weight leaves the normal floats. That of
# the exponentiated rules is as large as that allows, since exp of nearly nothing meets subnormal numbers too.
LR, EG_LR, DECAY = 1e-4, 1e-2, 0.01
MU, B1, B2, EPS = 0.9, 0.9, 0.999, 1e-8


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


TWICE = "reads its gradient and slots twice; the bytes are those of one pass"
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
}
