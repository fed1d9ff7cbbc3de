"""Heun's step: two gradients of the same batch."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from .base import Rate, Rule


@dataclass(frozen=True, repr=False)
class Heun(Rule):
    """Gradient descent by Heun's method: the mean of the gradients here and where Euler's step leads.
    first half:    w <- w - lr g;   p <- g

    second half:   w <- w - lr / 2 (g - p)                     g: of the same batch, at the new w

    Give :meth:`~schuss.Optimizer.step` a function that returns gradients: it is called twice, for both halves. A
    gradient itself takes one half, the first one if an even number was taken before; `steps` counts halves.

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf); a schedule is asked for whole steps.
    weight_decay, maximize, l1, lower, upper
        See :class:`~schuss.Rule`; decay is coupled: part of the slope. l1 and bounds act after each half.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: p. Exact steps: none.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.Heun(lr=0.1))
    >>> opt.step(lambda: w.copy())  # of w^2 / 2
    >>> print(f"{w[0]:.6f}")
    0.905000

    Reference
    ---------
    Heun, "Neue Methoden zur approximativen Integration der Differentialgleichungen", 1900, for w' = -g(w).

    Differs from
    ------------
    No other library has it as an optimizer.
    """

    lr: Rate = 0.01
    _: KW_ONLY
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "heun"
    evaluations: ClassVar[int] = 2
    no_exact = "rows cannot be brought up to date between the two gradients of a batch; use lazy steps"

    def rate(self, step: int) -> float:
        return super().rate(step // 2)
