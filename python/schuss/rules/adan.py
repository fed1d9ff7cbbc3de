"""Adan: Nesterov's momentum from differences of gradients."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS
from .base import Rate, Rule


@dataclass(frozen=True, repr=False)
class Adan(Rule):
    """Nesterov's momentum from differences of gradients, with Adam's scaling.
    d = g - p, 0 at the first step;   p <- g;   c1, c2, c3 = 1 - beta^t each

    m <- beta1 m + (1 - beta1) g;   v <- beta2 v + (1 - beta2) d;   n <- beta3 n + (1 - beta3) (g + beta2 d)^2

    w <- (w - lr (m / c1 + beta2 v / c2) / (sqrt(n / c3) + eps)) / (1 + lr weight_decay)

    proximal False:   w <- (1 - lr weight_decay) w - lr (...)

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2, beta3 : float, default 0.98, 0.92 and 0.99
        [0, 1), as in the authors' code: 1 - those of the paper.
    eps : float, default 1e-8
        [1e-30, inf).
    proximal : bool, default True
    weight_decay : float, default 0.0
        [0, inf).
    maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v, n, p. Exact steps: none, since the first
    step without a gradient squares the difference to zero.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.Adan(lr=0.1)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.9, 1.1])

    Reference
    ---------
    Xie et al., "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models", 2022, Algorithm 1.

    Differs from
    ------------
    The paper has no bias correction, its code has. optax.adan: proximal=False. A row that is first met later has p = 0.
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    beta1: float = 0.98
    beta2: float = 0.92
    beta3: float = 0.99
    eps: float = 1e-8
    proximal: bool = True
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "adan"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "beta3": "[0, 1)", "eps": EPS}
    no_exact = "the first step without a gradient squares the difference to zero; use NAdam, or lazy steps"

    @property
    def proximal_decay(self) -> float:
        """The decay that divides."""
        return self.weight_decay if self.proximal else 0.0

    def options(self, step: int) -> list[float]:
        decay, _, *rest = super().options(step)
        return [0.0 if self.proximal else decay, float(not self.proximal), *rest]
