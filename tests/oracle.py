"""Every rule once more, in float64 NumPy, straight from its paper: slow, never clever, and without importing schuss.

Use:
    oracle = ORACLES["Adam"]({"lr": 0.1}, w)
    oracle.step(g)                      # a dense step, at the scheduled lr or at `lr=`
    oracle.step_lazy(ids, values)       # a step of the named rows (or, coords=True, of the named flat coordinates)
    oracle.w, oracle.slots, oracle.t
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from types import EllipsisType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Slots = dict[str, Array]


class Oracle:
    """What all rules share: options, the step count, and the order in which things are applied to g and w."""

    common: ClassVar[dict[str, Any]] = {"maximize": False, "weight_decay": 0.0, "decoupled": False}
    defaults: ClassVar[dict[str, Any]] = {}  # the rule's own fields
    fixed: ClassVar[dict[str, Any]] = {}  # fields that the rule decides and the user cannot name
    per_array: ClassVar[tuple[str, ...]] = ()  # slots of one number for the whole array

    def __init__(self, hyper: dict[str, Any], w: npt.ArrayLike) -> None:
        fields = {**self.common, **self.defaults}
        for name in hyper:
            if name not in fields or name in self.fixed:
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
        self.o = SimpleNamespace(**{**fields, **hyper, **self.fixed})
        self.w: Array = np.array(w, dtype=np.float64, order="C")
        self.t = 0
        self.slots = self.start()

    def start(self) -> Slots:
        return {}

    def update(self, g: Array, lr: float) -> None:
        raise NotImplementedError

    def scheduled_lr(self) -> float:
        """The lr after `t` finished steps."""
        return float(self.o.lr(self.t) if callable(self.o.lr) else self.o.lr)

    def step(self, g: npt.ArrayLike, lr: float | None = None) -> None:
        gradient: Array = np.asarray(g, dtype=np.float64)
        if gradient.shape != self.w.shape:
            raise ValueError(f"g: expected shape {self.w.shape}, got {gradient.shape}")
        if lr is None:
            lr = self.scheduled_lr()
        self.t += 1
        if self.o.maximize:
            gradient = -gradient
        if self.o.weight_decay and self.o.decoupled:
            self.w *= 1 - lr * self.o.weight_decay
        elif self.o.weight_decay:
            gradient = gradient + self.o.weight_decay * self.w
        self.update(gradient, lr)
        # NumPy turns the results of 0-D arithmetic into scalars.
        self.w = np.asarray(self.w)
        self.slots = {name: np.asarray(slot) for name, slot in self.slots.items()}

    def step_lazy(
        self, ids: Iterable[int], values: npt.ArrayLike, lr: float | None = None, coords: bool = False
    ) -> None:
        """One step of the touched rows (flat coordinates) alone, as if they were the whole array."""
        if self.couples_a_group() and (coords or self.w.ndim < 2):
            raise ValueError(f"{type(self).__name__}: a group moves as a whole, so lazy steps need rows of a 2-D array")

        def cut(x: Array) -> Array:
            return x.reshape(-1) if coords else x  # a view: all arrays here are contiguous

        total: dict[int, Array] = {}
        for i, value in zip(ids, np.asarray(values, dtype=np.float64), strict=True):
            if not 0 <= i < len(cut(self.w)):
                raise IndexError(f"ids: {i} is out of range")
            total[int(i)] = total[int(i)] + value if int(i) in total else value
        touched = np.array(list(total), dtype=np.int64)

        part = copy.copy(self)
        part.w = cut(self.w)[touched]
        part.slots = {
            name: slot.copy() if name in self.per_array else cut(slot)[touched] for name, slot in self.slots.items()
        }
        part.step(np.array(list(total.values())).reshape(part.w.shape), lr)

        cut(self.w)[touched] = part.w
        for name, slot in part.slots.items():
            if name in self.per_array:
                self.slots[name] = slot
            else:
                cut(self.slots[name])[touched] = slot
        self.t = part.t

    def zeros(self) -> Array:
        return np.zeros(self.w.shape)

    def couples_a_group(self) -> bool:
        """Whether a number's step depends on the rest of its row."""
        return False

    def groups(self) -> Sequence[int | EllipsisType]:
        """An index for each group: the rows, or the whole of a 1-D (0-D) array."""
        return range(self.w.shape[0]) if self.w.ndim >= 2 else [...]


class SGD(Oracle):
    """Robbins & Monro 1951, equation (8)."""

    defaults: ClassVar = {"lr": 0.01}

    def update(self, g: Array, lr: float) -> None:
        self.w -= lr * g


class Momentum(Oracle):
    """Polyak 1964, the heavy ball; in the notation of Sutskever, Martens, Dahl, Hinton 2013, equations (1)-(2).

    torch form: lr outside the buffer (torch.optim.SGD, with its dampening that skips the first step).
    keras form: lr inside the buffer, as in Sutskever et al.; the two part only when lr changes.
    """

    defaults: ClassVar = {"lr": 0.01, "momentum": 0.9, "dampening": 0.0, "form": "torch"}

    def start(self) -> Slots:
        return {"b": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        new = g if self.t == 1 else (1 - o.dampening) * g
        if o.form == "torch":
            s["b"] = o.momentum * s["b"] + new
            self.w -= lr * s["b"]
        else:
            s["b"] = o.momentum * s["b"] - lr * new
            self.w += s["b"]


class Nesterov(Oracle):
    """Nesterov 1983; Sutskever, Martens, Dahl, Hinton 2013, equations (3)-(4), with w standing at the look-ahead point
    (Bengio, Boulanger-Lewandowski, Pascanu 2013, equation (7)).
    """

    defaults: ClassVar = {"lr": 0.01, "momentum": 0.9, "form": "torch"}

    def start(self) -> Slots:
        return {"b": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        if o.form == "torch":
            s["b"] = o.momentum * s["b"] + g
            self.w -= lr * (g + o.momentum * s["b"])
        else:
            s["b"] = o.momentum * s["b"] - lr * g
            self.w += o.momentum * s["b"] - lr * g


class SGDW(Momentum):
    """Loshchilov & Hutter 2019, Algorithm 1.

    Differs from the paper: decay is multiplied by the whole lr, not by the schedule.
    """

    defaults: ClassVar = {"lr": 0.01, "momentum": 0.9, "dampening": 0.0, "form": "torch", "weight_decay": 0.01}
    fixed: ClassVar = {"decoupled": True}


class CounterClock(Oracle):
    """Zhang, Lipton, Li, Smola, Dive into Deep Learning, section 12.7.1: lr / sqrt(s(i, t) + c), where s(i, t) counts
    the gradients of coordinate i that were not zero.
    """

    defaults: ClassVar = {"lr": 0.1, "c": 1.0}

    def start(self) -> Slots:
        return {"count": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        s = self.slots
        s["count"] = s["count"] + (g != 0)
        self.w -= lr / np.sqrt(s["count"] + self.o.c) * g


class AdaGrad(Oracle):
    """Duchi, Hazan, Singer 2011, Figure 1, diagonal, without projection; the paper's delta is eps outside the root.

    lr_decay is torch.optim.Adagrad's, not the paper's.
    """

    defaults: ClassVar = {"lr": 0.01, "eps": 1e-10, "eps_place": "outside", "initial_accumulator": 0.0, "lr_decay": 0.0}

    def start(self) -> Slots:
        return {"s": self.zeros() + self.o.initial_accumulator}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["s"] = s["s"] + g**2
        rate = lr / (1 + (self.t - 1) * o.lr_decay)
        if o.eps_place == "outside":
            self.w -= rate * g / (np.sqrt(s["s"]) + o.eps)
        else:
            self.w -= rate * g / np.sqrt(s["s"] + o.eps)


class RowWiseAdaGrad(Oracle):
    """Mudigere et al. 2022 (Software-hardware co-design ... of recommendation models), row-wise AdaGrad: one moment
    for each embedding row.
    """

    defaults: ClassVar = {"lr": 0.01, "eps": 1e-8, "eps_place": "outside", "initial_accumulator": 0.0}

    def start(self) -> Slots:
        return {"s": np.zeros(len(self.groups())) + self.o.initial_accumulator}

    def couples_a_group(self) -> bool:
        return True

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots["s"]
        for k, row in enumerate(self.groups()):
            s[k] += np.sum(g[row] ** 2) / max(g[row].size, 1)  # an empty row adds nothing
            if o.eps_place == "outside":
                self.w[row] -= lr * g[row] / (np.sqrt(s[k]) + o.eps)
            else:
                self.w[row] -= lr * g[row] / np.sqrt(s[k] + o.eps)


class AdaDelta(Oracle):
    """Zeiler 2012, Algorithm 1; lr is torch's addition (1 in the paper)."""

    defaults: ClassVar = {"lr": 1.0, "rho": 0.95, "eps": 1e-6}

    def start(self) -> Slots:
        return {"e": self.zeros(), "d": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["e"] = o.rho * s["e"] + (1 - o.rho) * g**2
        u = np.sqrt(s["d"] + o.eps) / np.sqrt(s["e"] + o.eps) * g
        s["d"] = o.rho * s["d"] + (1 - o.rho) * u**2
        self.w -= lr * u


class RMSprop(Oracle):
    """Tieleman & Hinton 2012, Lecture 6e; centered and with momentum as in Graves 2013, equations (38)-(41)."""

    defaults: ClassVar = {
        "lr": 0.01,
        "alpha": 0.99,
        "eps": 1e-8,
        "eps_place": "outside",
        "centered": False,
        "momentum": 0.0,
        "form": "torch",
    }

    def start(self) -> Slots:
        slots = {"v": self.zeros()}
        if self.o.centered:
            slots["a"] = self.zeros()
        if self.o.momentum > 0:
            slots["b"] = self.zeros()
        return slots

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["v"] = o.alpha * s["v"] + (1 - o.alpha) * g**2
        q = s["v"]
        if o.centered:
            s["a"] = o.alpha * s["a"] + (1 - o.alpha) * g
            q = np.maximum(s["v"] - s["a"] ** 2, 0)  # a variance, but for rounding
        r = np.sqrt(q) + o.eps if o.eps_place == "outside" else np.sqrt(q + o.eps)
        if o.momentum == 0:
            self.w -= lr * g / r
        elif o.form == "torch":
            s["b"] = o.momentum * s["b"] + g / r
            self.w -= lr * s["b"]
        else:
            s["b"] = o.momentum * s["b"] + lr * g / r
            self.w -= s["b"]


class Adam(Oracle):
    """Kingma & Ba 2015, Algorithm 1; eps_place="hat" is the reordering at the end of its section 2.

    amsgrad: Reddi, Kale, Kumar 2018, Algorithm 2.
    """

    defaults: ClassVar = {
        "lr": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-8,
        "eps_place": "outside",
        "bias_correction": True,
        "amsgrad": False,
    }

    def start(self) -> Slots:
        slots = {"m": self.zeros(), "v": self.zeros()}
        if self.o.amsgrad:
            slots["x"] = self.zeros()
        return slots

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * g**2
        v = s["v"]
        if o.amsgrad:
            v = s["x"] = np.maximum(s["x"], s["v"])
        c1 = 1 - o.beta1**self.t if o.bias_correction else 1.0
        c2 = 1 - o.beta2**self.t if o.bias_correction else 1.0
        if o.eps_place == "outside":
            self.w -= lr * (s["m"] / c1) / (np.sqrt(v / c2) + o.eps)
        else:
            self.w -= lr * np.sqrt(c2) / c1 * s["m"] / (np.sqrt(v) + o.eps)


class AdamW(Adam):
    """Loshchilov & Hutter 2019, Algorithm 2; decay is multiplied by the whole lr (torch), not by the schedule alone."""

    defaults: ClassVar = {**Adam.defaults, "weight_decay": 0.01}
    fixed: ClassVar = {"decoupled": True}


class AMSGrad(Adam):
    """Reddi, Kale, Kumar 2018, Algorithm 2; the paper has neither bias correction nor eps, torch has both."""

    fixed: ClassVar = {"amsgrad": True}


class AdaMax(Oracle):
    """Kingma & Ba 2015, Algorithm 2; eps (absent there) inside the max as in torch, or added outside as in Keras."""

    defaults: ClassVar = {"lr": 2e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "eps_place": "max"}

    def start(self) -> Slots:
        return {"m": self.zeros(), "u": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        c1 = 1 - o.beta1**self.t
        if o.eps_place == "max":
            s["u"] = np.maximum(o.beta2 * s["u"], np.abs(g) + o.eps)
            self.w -= lr / c1 * s["m"] / s["u"]
        else:
            s["u"] = np.maximum(o.beta2 * s["u"], np.abs(g))
            self.w -= lr / c1 * s["m"] / (s["u"] + o.eps)


class EGU(Oracle):
    """Kivinen & Warmuth 1997, the unnormalised exponentiated gradient (EGU); weights >= 0."""

    defaults: ClassVar = {"lr": 0.1}

    def update(self, g: Array, lr: float) -> None:
        self.w *= np.exp(-lr * g)


class EG(Oracle):
    """Kivinen & Warmuth 1997, the exponentiated gradient (EG); each group stays on the simplex."""

    defaults: ClassVar = {"lr": 0.1}

    def couples_a_group(self) -> bool:
        return True

    def update(self, g: Array, lr: float) -> None:
        for row in self.groups():
            grown = self.w[row] * np.exp(-lr * g[row])
            self.w[row] = grown / np.sum(grown)


class EGPM(Oracle):
    """Kivinen & Warmuth 1997, EG with positive and negative weights (EG+-); total=None is its unnormalised form."""

    defaults: ClassVar = {"lr": 0.1, "total": 1.0, "spread": 1.0}

    def start(self) -> Slots:
        o, w = self.o, self.w
        if o.decoupled:
            raise ValueError("EGPM: decoupled decay has no place in w, which is made of p and n")
        if o.total is None:
            root = np.sqrt(w**2 + 4 * o.spread**2)
            return {"p": np.asarray((root + w) / 2), "n": np.asarray((root - w) / 2)}
        p, n = self.zeros(), self.zeros()
        for row in self.groups():
            rest = o.total - np.sum(np.abs(w[row]))
            if rest < 0:
                raise ValueError(f"EGPM: the absolute weights of a group sum to more than total={o.total}")
            r = rest / (2 * max(w[row].size, 1))
            p[row] = np.maximum(w[row], 0) + r
            n[row] = np.maximum(-w[row], 0) + r
        return {"p": p, "n": n}

    def couples_a_group(self) -> bool:
        return self.o.total is not None

    def update(self, g: Array, lr: float) -> None:
        total, p, n = self.o.total, self.slots["p"], self.slots["n"]
        if total is None:
            p *= np.exp(-lr * g)
            n *= np.exp(lr * g)
        else:
            for row in self.groups():
                p[row] *= np.exp(-lr * total * g[row])
                n[row] *= np.exp(lr * total * g[row])
                scale = total / (np.sum(p[row]) + np.sum(n[row])) if g[row].size else 1.0
                p[row] *= scale
                n[row] *= scale
        self.w = p - n


class EGDD(Oracle):
    """Amid, Anil, Fifty, Warmuth 2022 (Step-size adaptation using exponentiated gradient updates): heavy ball, with a
    gain p for each coordinate and a scale s for the array, both trained by exponentiated gradient.
    """

    defaults: ClassVar = {
        "lr": 0.1,
        "momentum": 0.9,
        "beta": 0.9,
        "gain_rate": 0.01,
        "scale_rate": 0.001,
        "gain_min": 0.01,
        "gain_max": 100.0,
        "scale_min": 0.1,
        "scale_max": 10.0,
        "signs": True,
        "directions": True,
    }
    per_array: ClassVar = ("s",)

    def start(self) -> Slots:
        return {"h": self.zeros(), "a": self.zeros(), "p": self.zeros() + 1, "s": np.ones(1)}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots

        # Both gains look at the past: h and a are those of the step before.
        along = np.sum(g * s["h"])
        if o.directions:
            along = along / ((np.sqrt(np.sum(g**2)) + 1e-10) * (np.sqrt(np.sum(s["h"] ** 2)) + 1e-10))
        s["s"] = np.clip(s["s"] * np.exp(o.scale_rate * along), o.scale_min, o.scale_max)
        product = g * s["a"] / (1 - o.beta ** max(self.t - 1, 1))
        agreement = np.sign(g) * np.sign(s["a"]) if o.signs else product
        s["p"] = np.clip(s["p"] * np.exp(o.gain_rate * agreement), o.gain_min, o.gain_max)

        s["h"] = o.momentum * s["h"] + lr * s["p"] * g
        s["a"] = o.beta * s["a"] + (1 - o.beta) * g
        self.w -= s["s"][0] * s["h"]


class FTRL(Oracle):
    """McMahan et al. 2013 (Ad click prediction: a view from the trenches), Algorithm 1, FTRL-Proximal.

    Beyond the paper: the root may be another power, n may start above zero, and z starts so that it yields w, unless
    keep_start is off.
    """

    defaults: ClassVar = {
        "lr": 0.1,
        "beta": 1.0,
        "l1": 0.0,
        "l2": 0.0,
        "power": 0.5,
        "initial_accumulator": 0.0,
        "keep_start": True,
    }

    def start(self) -> Slots:
        o, w = self.o, self.w
        if o.decoupled:
            raise ValueError("FTRL: decoupled decay has no place in w, which is made of z and n")
        n = self.zeros() + o.initial_accumulator
        z = -w * ((o.beta + n**o.power) / self.scheduled_lr() + o.l2) - np.sign(w) * o.l1
        return {"z": np.asarray(z) if o.keep_start else self.zeros(), "n": n}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        n = s["n"] + g**2
        sigma = (n**o.power - s["n"] ** o.power) / lr
        s["z"] = s["z"] + g - sigma * self.w
        s["n"] = n
        self.w = self.zeros()
        for i, z in np.ndenumerate(s["z"]):
            if abs(z) > o.l1:
                self.w[i] = -(z - np.sign(z) * o.l1) / ((o.beta + n[i] ** o.power) / lr + o.l2)


ORACLES: dict[str, type[Oracle]] = {
    rule.__name__: rule
    for rule in (
        SGD,
        Momentum,
        Nesterov,
        SGDW,
        CounterClock,
        AdaGrad,
        RowWiseAdaGrad,
        AdaDelta,
        RMSprop,
        Adam,
        AdamW,
        AMSGrad,
        AdaMax,
        EGU,
        EG,
        EGPM,
        EGDD,
        FTRL,
    )
}


def clip_by_norm(grads: Sequence[npt.ArrayLike], limit: float) -> list[Array]:
    """The gradients, scaled together by limit/norm if the norm of all their numbers exceeds the limit."""
    arrays = [np.asarray(g, dtype=np.float64) for g in grads]
    norm = np.sqrt(sum(np.sum(g**2) for g in arrays))
    return [g * (limit / norm) if norm > limit else g.copy() for g in arrays]
