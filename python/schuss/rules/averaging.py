"""Rules whose model stands at an average of their weights."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS
from .base import Array, Rate, Rule


@dataclass(frozen=True, repr=False)
class ASGD(Rule):
    """Gradient descent with a falling rate, and an average of the weights from step t0 on.
    eta = lr / (1 + lambd lr (t - 1))^alpha;   w <- (1 - lambd eta) w - eta g

    a <- a + (w - a) / max(1, t - 1 - t0)

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    lambd : float, default 1e-4
        Decay of weights and rate, [0, inf).
    alpha : float, default 0.75
        [0, inf).
    t0 : float, default 1e6
        Steps before the average begins, [0, inf); until then a = w.
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: a, where the model is to be
    evaluated (:meth:`~schuss.Optimizer.eval_params`). Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.ASGD(lr=0.1, lambd=0.0, t0=0.0))
    >>> for _ in range(3):
    ...     opt.step(np.array([1.0]))
    >>> w.round(6), opt.eval_params().round(6)
    (array([0.7]), array([0.75]))

    Reference
    ---------
    Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992; rates of Xu 2011 as in
    Bottou's code.

    Differs from
    ------------
    torch.optim.ASGD: the same; with a schedule its eta follows a step later.
    """

    lr: Rate = 0.01
    _: KW_ONLY
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6

    kernel = "asgd"
    ranges = {"lambd": "[0, inf)", "alpha": "[0, inf)", "t0": "[0, inf)"}

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"a": w}

    def evaluated(self, w: Array, slots: dict[str, Array]) -> Array:
        return slots["a"]


@dataclass(frozen=True, repr=False)
class ScheduleFreeSGD(Rule):
    """Gradient descent that needs no falling rate: gradients at a blend of the running point and its average.
    c = t^power lr^lr_power / their sum so far;   y: the weights;   x = y + (1 - 1 / beta) (z - y)

    y <- (1 - c) y + c z - lr (1 - beta (1 - c)) g;   z <- z - lr g

    Parameters
    ----------
    lr : float or schedule, default 1.0
        Learning rate, [0, inf); a warm-up is all a schedule is for.
    beta : float, default 0.9
        The share of x in y, (0, 1).
    power : float, default 0.0
        r: later steps weigh t^r in the average, [0, inf).
    lr_power : float, default 2.0
        p: steps weigh lr^p, so that those of a warm-up count little, [0, inf).
    weight_decay, maximize
        See :class:`~schuss.Rule`; decay is coupled, at y; l1, lower and upper are refused.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: z; shared slot: s, the sum of the averages'
    weights, one number an array. The weights hold y, where gradients are to be taken; the model is to be evaluated
    at x: :meth:`~schuss.Optimizer.eval_params`. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.ScheduleFreeSGD(lr=0.5))
    >>> for _ in range(2):
    ...     opt.step(w.copy())
    >>> w.round(6), opt.eval_params().round(6)
    (array([0.3625]), array([0.375]))

    Reference
    ---------
    Defazio et al., "The road less scheduled", 2024, equations (3)-(5); in place as in the authors' code.

    Differs from
    ------------
    The authors' code and optax weigh by the largest lr so far, which is the same unless lr falls; their warm-up is
    an option.
    """

    lr: Rate = 1.0
    _: KW_ONLY
    beta: float = 0.9
    power: float = 0.0
    lr_power: float = 2.0
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "schedule_free_sgd"
    ranges = {"beta": "(0, 1)", "power": "[0, inf)", "lr_power": "[0, inf)"}
    no_after = "its weights are a blend of z and x, which a change after the step would break; use SGD or AdamW"

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"z": w}

    def evaluated(self, w: Array, slots: dict[str, Array]) -> Array:
        return evaluation_point(w, slots["z"], self.beta)


@dataclass(frozen=True, repr=False)
class ScheduleFreeAdamW(Rule):
    """AdamW that needs no falling rate: gradients at a blend of the running point and its average.
    v <- beta2 v + (1 - beta2) g^2;   u = g / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay y

    c = t^power lr^lr_power / their sum so far;   y: the weights;   x = y + (1 - 1 / beta1) (z - y)

    y <- (1 - c) y + c z - lr (1 - beta1 (1 - c)) u;   z <- z - lr u

    Parameters
    ----------
    lr : float or schedule, default 2.5e-3
        Learning rate, [0, inf); a warm-up is all a schedule is for.
    beta1 : float, default 0.9
        The share of x in y, (0, 1).
    beta2 : float, default 0.999
        [0, 1).
    eps : float, default 1e-8
        [1e-30, inf).
    power : float, default 0.0
        r: later steps weigh t^r in the average, [0, inf).
    lr_power : float, default 2.0
        p: steps weigh lr^p, so that those of a warm-up count little, [0, inf).
    weight_decay : float, default 0.0
        [0, inf).
    maximize
        See :class:`~schuss.Rule`; l1, lower and upper are refused.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: z, v; shared slot: s, the sum of the averages'
    weights, one number an array. The weights hold y, where gradients are to be taken; the model is to be evaluated
    at x: :meth:`~schuss.Optimizer.eval_params`. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.ScheduleFreeAdamW(lr=0.1))
    >>> opt.step(np.array([3.0]))
    >>> with opt.evaluating():
    ...     print(w.round(6))
    [0.9]

    Reference
    ---------
    Defazio et al., "The road less scheduled", 2024, Algorithm 1; in place as in the authors' code.

    Differs from
    ------------
    The paper has sqrt(1 - beta2^t) in the rate, hence in the weights of the average too; the authors' code weighs
    by the largest lr so far, which is the same as here unless lr falls. Keras weighs all steps alike (lr_power=0).
    """

    lr: Rate = 2.5e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    power: float = 0.0
    lr_power: float = 2.0
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "schedule_free_adamw"
    ranges = {"beta1": "(0, 1)", "beta2": "[0, 1)", "eps": EPS, "power": "[0, inf)", "lr_power": "[0, inf)"}
    no_after = "its weights are a blend of z and x, which a change after the step would break; use SGD or AdamW"

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"z": w}

    def evaluated(self, w: Array, slots: dict[str, Array]) -> Array:
        return evaluation_point(w, slots["z"], self.beta1)


def evaluation_point(y: Array, z: Array, beta: float) -> Array:
    """x, where y = (1 - beta) z + beta x."""
    x: Array = y + y.dtype.type(1 - 1 / beta) * (z - y)
    return x
