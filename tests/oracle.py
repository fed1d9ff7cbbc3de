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

    common: ClassVar[dict[str, Any]] = {
        "maximize": False,
        "weight_decay": 0.0,
        "decoupled": False,
        "l1": 0.0,
        "lower": None,
        "upper": None,
    }
    defaults: ClassVar[dict[str, Any]] = {}  # the rule's own fields
    fixed: ClassVar[dict[str, Any]] = {}  # fields that the rule decides and the user cannot name
    own: ClassVar[tuple[str, ...]] = ()  # options that the rule's formula has itself
    dense_only: ClassVar[bool] = False
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
        if "weight_decay" in self.own:
            pass
        elif self.o.weight_decay and self.o.decoupled:
            self.w *= 1 - lr * self.o.weight_decay
        elif self.o.weight_decay:
            gradient = gradient + self.o.weight_decay * self.w
        self.update(gradient, lr)
        if self.o.l1 and "l1" not in self.own:
            self.w = np.sign(self.w) * np.maximum(np.abs(self.w) - lr * self.o.l1, 0)
        if self.o.lower is not None or self.o.upper is not None:
            self.w = np.clip(self.w, self.o.lower, self.o.upper)
        # NumPy turns the results of 0-D arithmetic into scalars.
        self.w = np.asarray(self.w)
        self.slots = {name: np.asarray(slot) for name, slot in self.slots.items()}

    def step_lazy(
        self, ids: Iterable[int], values: npt.ArrayLike, lr: float | None = None, coords: bool = False
    ) -> None:
        """One step of the touched rows (flat coordinates) alone, as if they were the whole array."""
        if self.dense_only:
            raise ValueError(f"{type(self).__name__}: sums over the whole array need a dense gradient")
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

    own: ClassVar = ("l1",)
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


class NAdam(Oracle):
    """Dozat 2016, section 3.1: mu_t = beta1 (1 - 0.5 * 0.96^(t psi)), as torch.optim.NAdam has it."""

    defaults: ClassVar = {"lr": 2e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "momentum_decay": 4e-3}

    def start(self) -> Slots:
        return {"m": self.zeros(), "v": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        mu = [o.beta1 * (1 - 0.5 * 0.96 ** (i * o.momentum_decay)) for i in range(1, self.t + 2)]
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * g**2
        m = (1 - mu[-2]) * g / (1 - np.prod(mu[:-1])) + mu[-1] * s["m"] / (1 - np.prod(mu))
        self.w -= lr * m / (np.sqrt(s["v"] / (1 - o.beta2**self.t)) + o.eps)


class RAdam(Oracle):
    """Liu et al. 2020, Algorithm 2; rectified from rho > 5 (torch, optax), not 4; the paper has no eps."""

    defaults: ClassVar = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "eps_place": "hat"}

    def start(self) -> Slots:
        return {"m": self.zeros(), "v": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s, t = self.o, self.slots, self.t
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * g**2
        m = s["m"] / (1 - o.beta1**t)
        most = 2 / (1 - o.beta2) - 1
        rho = most - 2 * t * o.beta2**t / (1 - o.beta2**t)
        if rho <= 5:
            self.w -= lr * m
            return
        r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
        c2 = np.sqrt(1 - o.beta2**t)
        length = c2 / (np.sqrt(s["v"]) + o.eps) if o.eps_place == "hat" else 1 / (np.sqrt(s["v"]) / c2 + o.eps)
        self.w -= lr * m * r * length


class Yogi(Oracle):
    """Zaheer, Reddi, Sachan, Kale, Kumar 2018, Algorithm 2; bias_correction and the start of v are optax's."""

    defaults: ClassVar = {
        "lr": 1e-2,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-3,
        "bias_correction": False,
        "initial_accumulator": 1e-6,
        "initial_momentum": 0.0,
    }

    def start(self) -> Slots:
        return {"m": self.zeros() + self.o.initial_momentum, "v": self.zeros() + self.o.initial_accumulator}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["v"] = s["v"] - (1 - o.beta2) * np.sign(s["v"] - g**2) * g**2
        c1, c2 = (1 - o.beta1**self.t, 1 - o.beta2**self.t) if o.bias_correction else (1.0, 1.0)
        self.w -= lr * (s["m"] / c1) / (np.sqrt(s["v"] / c2) + o.eps)


class AdaBelief(Oracle):
    """Zhuang et al. 2020, Algorithm 2, with two names for its eps."""

    defaults: ClassVar = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-16, "eps_inside": 1e-16}

    def start(self) -> Slots:
        return {"m": self.zeros(), "s": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["s"] = o.beta2 * s["s"] + (1 - o.beta2) * (g - s["m"]) ** 2 + o.eps_inside
        self.w -= lr * (s["m"] / (1 - o.beta1**self.t)) / (np.sqrt(s["s"] / (1 - o.beta2**self.t)) + o.eps)


class Lion(Oracle):
    """Chen et al. 2023, Algorithm 2."""

    defaults: ClassVar = {"lr": 1e-4, "beta1": 0.9, "beta2": 0.99}

    def start(self) -> Slots:
        return {"m": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        self.w -= lr * np.sign(o.beta1 * s["m"] + (1 - o.beta1) * g)
        s["m"] = o.beta2 * s["m"] + (1 - o.beta2) * g


class Rprop(Oracle):
    """Riedmiller & Braun 1993 as iRprop- (Igel & Huesken 2000): no weight backtracking; torch.optim.Rprop."""

    defaults: ClassVar = {"lr": 0.01, "eta_minus": 0.5, "eta_plus": 1.2, "step_min": 1e-6, "step_max": 50.0}

    def start(self) -> Slots:
        first = np.clip(self.scheduled_lr(), self.o.step_min, self.o.step_max)
        return {"p": self.zeros(), "s": self.zeros() + first}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        agreed = np.sign(g) * np.sign(s["p"])
        factor = np.where(agreed > 0, o.eta_plus, np.where(agreed < 0, o.eta_minus, 1.0))
        s["s"] = np.clip(s["s"] * factor, o.step_min, o.step_max)
        s["p"] = np.where(agreed < 0, 0.0, g)
        self.w -= np.sign(s["p"]) * s["s"]


class ASGD(Oracle):
    """Polyak & Juditsky 1992, rates of Xu 2011; torch.optim.ASGD. The average starts at the weights."""

    defaults: ClassVar = {"lr": 0.01, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6}

    def start(self) -> Slots:
        return {"a": self.w.copy()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        eta = lr / (1 + o.lambd * lr * (self.t - 1)) ** o.alpha
        self.w = (1 - o.lambd * eta) * self.w - eta * g
        s["a"] = s["a"] + (self.w - s["a"]) / max(1, self.t - 1 - o.t0)


class Adan(Oracle):
    """Xie et al. 2022, Algorithm 1, 1 - beta for the paper's betas; bias correction of the authors' code."""

    own: ClassVar = ("weight_decay",)
    defaults: ClassVar = {
        "lr": 1e-3,
        "beta1": 0.98,
        "beta2": 0.92,
        "beta3": 0.99,
        "eps": 1e-8,
        "proximal": True,
    }

    def start(self) -> Slots:
        return {name: self.zeros() for name in ("m", "v", "n", "p")}

    def update(self, g: Array, lr: float) -> None:
        o, s, t = self.o, self.slots, self.t
        d = g - s["p"] if t > 1 else self.zeros()
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * d
        s["n"] = o.beta3 * s["n"] + (1 - o.beta3) * (g + o.beta2 * d) ** 2
        s["p"] = g
        u = s["m"] / (1 - o.beta1**t) + o.beta2 * s["v"] / (1 - o.beta2**t)
        u = lr * u / (np.sqrt(s["n"] / (1 - o.beta3**t)) + o.eps)
        if o.proximal:
            self.w = (self.w - u) / (1 + lr * o.weight_decay)
        else:
            self.w = (1 - lr * o.weight_decay) * self.w - u


class Heun(Oracle):
    """Heun 1900: p = w - lr g(w);  w - lr / 2 (g(w) + g(p)), which is p - lr / 2 (g(p) - g(w)). Odd steps make p."""

    defaults: ClassVar = {"lr": 0.01}

    def start(self) -> Slots:
        return {"p": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        if self.t % 2 == 1:
            self.w -= lr * g
            self.slots["p"] = g
        else:
            self.w -= lr / 2 * (g - self.slots["p"])


class LARS(Oracle):
    """You, Gitman, Ginsburg 2017, Algorithm 1; joint is optax's norm."""

    own: ClassVar = ("weight_decay",)
    defaults: ClassVar = {"lr": 0.1, "momentum": 0.9, "trust": 0.001, "eps": 0.0, "joint": False}

    def start(self) -> Slots:
        return {"b": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        u = g + o.weight_decay * self.w
        size, of_w = np.sqrt(np.sum(u**2)), np.sqrt(np.sum(self.w**2))
        if not o.joint:
            size = np.sqrt(np.sum(g**2)) + o.weight_decay * of_w
        ratio = o.trust * of_w / (size + o.eps) if of_w > 0 and size > 0 else 1.0
        s["b"] = o.momentum * s["b"] + lr * ratio * u
        self.w -= s["b"]


class LAMB(Oracle):
    """You et al. 2020, Algorithm 2, phi(z) = z."""

    own: ClassVar = ("weight_decay",)
    defaults: ClassVar = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-6, "bias_correction": True}

    def start(self) -> Slots:
        return {"m": self.zeros(), "v": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * g**2
        c1, c2 = (1 - o.beta1**self.t, 1 - o.beta2**self.t) if o.bias_correction else (1.0, 1.0)
        u = (s["m"] / c1) / (np.sqrt(s["v"] / c2) + o.eps) + o.weight_decay * self.w
        of_w, of_u = np.sqrt(np.sum(self.w**2)), np.sqrt(np.sum(u**2))
        self.w -= lr * (of_w / of_u if of_w > 0 and of_u > 0 else 1.0) * u


class ScheduleFreeSGD(Oracle):
    """Defazio et al. 2024, equations (3)-(5), with x kept: w is y, and x is made of y and z where it is needed."""

    defaults: ClassVar = {"lr": 1.0, "beta": 0.9, "power": 0.0, "lr_power": 2.0}
    per_array: ClassVar = ("s",)

    def start(self) -> Slots:
        return {"z": self.w.copy(), "s": np.zeros(1)}

    def blend(self, u: Array, lr: float, beta: float) -> None:
        s = self.slots
        weight = self.t**self.o.power * lr**self.o.lr_power
        s["s"] = s["s"] + weight
        c = weight / s["s"][0] if s["s"][0] > 0 else 0.0
        x = self.w + (1 - 1 / beta) * (s["z"] - self.w)
        s["z"] = s["z"] - lr * u
        x = (1 - c) * x + c * s["z"]
        self.w = (1 - beta) * s["z"] + beta * x

    def update(self, g: Array, lr: float) -> None:
        self.blend(g, lr, self.o.beta)


class ScheduleFreeAdamW(ScheduleFreeSGD):
    """Defazio et al. 2024, Algorithm 1, bias correction and weights of the average as in the authors' code."""

    own: ClassVar = ("weight_decay",)
    defaults: ClassVar = {"lr": 2.5e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "power": 0.0, "lr_power": 2.0}

    def start(self) -> Slots:
        return {"z": self.w.copy(), "v": self.zeros(), "s": np.zeros(1)}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * g**2
        u = g / (np.sqrt(s["v"] / (1 - o.beta2**self.t)) + o.eps) + o.weight_decay * self.w
        self.blend(u, lr, o.beta1)


class Prodigy(Oracle):
    """Mishchenko & Defazio 2023, Algorithm 4; decoupled decay by lr d as in the authors' code."""

    own: ClassVar = ("weight_decay",)
    defaults: ClassVar = {"lr": 1.0, "beta1": 0.9, "beta2": 0.999, "beta3": None, "eps": 1e-8, "d0": 1e-6}
    dense_only: ClassVar = True

    def start(self) -> Slots:
        slots = {"m": self.zeros(), "v": self.zeros(), "s": self.zeros(), "x": self.w.copy()}
        return slots | {"d": np.full(1, self.o.d0), "r": np.zeros(1)}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        b3 = np.sqrt(o.beta2) if o.beta3 is None else o.beta3
        d = s["d"][0]
        s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * d * g
        s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * d**2 * g**2
        s["r"] = b3 * s["r"] + (1 - b3) * lr * d**2 * np.sum(g * (s["x"] - self.w))
        s["s"] = b3 * s["s"] + (1 - b3) * lr * d**2 * g
        self.w = (1 - lr * d * o.weight_decay) * self.w - lr * d * s["m"] / (np.sqrt(s["v"]) + d * o.eps)
        norm = np.sum(np.abs(s["s"]))
        s["d"] = np.maximum(s["d"], s["r"] / norm) if norm > 0 else s["d"]


class Hypergradient(Oracle):
    """Baydin, Cornish, Rubio, Schmidt, Wood 2018, Algorithm 4 (SGD-HD) and equation (8) (multiplicative)."""

    defaults: ClassVar = {"lr": 0.01, "hyper_rate": 1e-4, "multiplicative": False}
    per_array: ClassVar = ("a",)

    def start(self) -> Slots:
        return {"p": self.zeros(), "a": np.full(1, self.scheduled_lr())}

    def update(self, g: Array, lr: float) -> None:
        o, s = self.o, self.slots
        along, size = np.sum(g * s["p"]), np.sqrt(np.sum(g**2)) * np.sqrt(np.sum(s["p"] ** 2))
        if not o.multiplicative:
            s["a"] = s["a"] + o.hyper_rate * along
        elif size > 0:
            s["a"] = s["a"] * (1 + o.hyper_rate * along / size)
        self.w -= s["a"][0] * g
        s["p"] = g


class Adafactor(Oracle):
    """Shazeer & Stern 2018, Algorithms 4 and 5, without momentum; eps_place="clamp" is torch.optim.Adafactor's."""

    dense_only: ClassVar = True
    own: ClassVar = ("weight_decay",)
    defaults: ClassVar = {
        "lr": 0.01,
        "decay_power": 0.8,
        "eps1": 1e-30,
        "eps2": 1e-3,
        "eps_place": "square",
        "limit": 1.0,
        "relative_step": True,
        "scale_parameter": True,
        "factored": True,
        "factor_from": 0,
    }

    def start(self) -> Slots:
        large = self.w.ndim >= 2 and self.w.size and sorted(self.w.shape)[-2] >= self.o.factor_from
        if self.o.factored and large:
            return {"r": np.zeros(self.w.shape[0]), "c": np.zeros(self.w[0].size)}
        return {"v": self.zeros()}

    def update(self, g: Array, lr: float) -> None:
        if g.size == 0:
            return
        o, s = self.o, self.slots
        clamp, b = o.eps_place == "clamp", self.t**-o.decay_power
        square = g**2 + (0 if clamp else o.eps1)
        if "v" in s:
            v = s["v"] = s["v"] + b * (square - s["v"])
        else:
            square = square.reshape(len(g), -1)
            s["r"] = s["r"] + b * (square.mean(axis=1) - s["r"])
            s["c"] = s["c"] + b * (square.mean(axis=0) - s["c"])
            v = np.outer(s["r"], s["c"]) / max(s["r"].mean(), o.eps1 if clamp else 0.0)
            v = v.reshape(g.shape)
        u = g / np.sqrt(np.maximum(v, o.eps1**2 if clamp else 0.0))
        rho = min(lr, self.t**-0.5) if o.relative_step else lr
        alpha = rho * max(o.eps2, np.sqrt(np.mean(self.w**2))) if o.scale_parameter else rho
        self.w = (1 - lr * o.weight_decay) * self.w - alpha * u / max(1.0, np.sqrt(np.mean(u**2)) / o.limit)


class SignSGD(Oracle):
    """Bernstein et al. 2018, Algorithm 1."""

    defaults: ClassVar = {"lr": 1e-3}

    def update(self, g: Array, lr: float) -> None:
        self.w -= lr * np.sign(g)


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
        NAdam,
        RAdam,
        Yogi,
        AdaBelief,
        Lion,
        Rprop,
        ASGD,
        ScheduleFreeSGD,
        ScheduleFreeAdamW,
        LARS,
        LAMB,
        Prodigy,
        Hypergradient,
        Adan,
        Heun,
        Adafactor,
        SignSGD,
    )
}


def clip_by_norm(grads: Sequence[npt.ArrayLike], limit: float) -> list[Array]:
    """The gradients, scaled together by limit/norm if the norm of all their numbers exceeds the limit."""
    arrays = [np.asarray(g, dtype=np.float64) for g in grads]
    norm = np.sqrt(sum(np.sum(g**2) for g in arrays))
    return [g * (limit / norm) if norm > limit else g.copy() for g in arrays]
