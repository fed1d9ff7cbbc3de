"""Adafactor: Adam's scaling with a number a row and a number a column."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .base import Array, Rate, Rule


@dataclass(frozen=True, repr=False)
class Adafactor(Rule):
    """Adam's scaling for a matrix from one number a row and one a column; steps relative to the size of the weights.

    b = t^-decay_power;   rho = min(lr, 1 / sqrt(t));   alpha = rho max(eps2, rms(w))

    r_i <- r_i + b (mean_j g_ij^2 - r_i);   c_j <- c_j + b (mean_i g_ij^2 - c_j);   v_ij = r_i c_j / mean(r)

    u = g / sqrt(v);   w <- (1 - lr weight_decay) w - alpha u / max(1, rms(u) / limit)

    one dimension, or factored False:   v <- v + b (g^2 - v)

    eps_place "square": g^2 + eps1 in place of g^2;   "clamp": v >= eps1^2 and mean(r) >= eps1

    Parameters
    ----------
    lr : float or schedule, default 0.01
        The most that rho can be, [0, inf).
    decay_power : float, default 0.8
        [0, inf).
    eps1, eps2 : float, default 1e-30 and 1e-3
        (0, inf) and [0, inf).
    eps_place : "square" or "clamp", default "square"
    limit : float, default 1.0
        Of the root mean square of u, (0, inf).
    relative_step, scale_parameter : bool, default True
        False: rho = lr; alpha = rho.
    factored : bool, default True
    factor_from : float, default 0
        Arrays are factored only if their second-largest dimension is at least this, [0, inf).
    weight_decay : float, default 0.0
        [0, inf), decoupled.
    maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Shared slots: r, one number a row, and c, one a column; arrays of more
    than two dimensions are matrices of their axis-0 slices. Slot of arrays of one dimension and of empty ones: v. Dense
    gradients only, and no tables: columns' means and the sizes of w and u run over all rows.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.ones((2, 3))
    >>> opt = schuss.Optimizer(w, schuss.Adafactor(lr=0.1))
    >>> opt.step(np.outer([1.0, 2.0], [1.0, -1.0, 3.0]))
    >>> w.round(6)
    array([[0.9, 1.1, 0.9],
           [0.9, 1.1, 0.9]])

    Reference
    ---------
    Shazeer & Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018, Algorithms 4 and 5.

    Differs from
    ------------
    No momentum. torch.optim.Adafactor: "clamp", eps1 the type's epsilon, and of more than two dimensions it factors the
    last two, as Keras. Keras: "square". optax: "square", relative_step=False, factor_from=128; of more than two
    dimensions it factors the two largest.
    """

    lr: Rate = 0.01
    _: KW_ONLY
    decay_power: float = 0.8
    eps1: float = 1e-30
    eps2: float = 1e-3
    eps_place: str = "square"
    limit: float = 1.0
    relative_step: bool = True
    scale_parameter: bool = True
    factored: bool = True
    factor_from: float = 0
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "adafactor"
    ranges = {
        "decay_power": "[0, inf)",
        "eps1": "(0, inf)",
        "eps2": "[0, inf)",
        "limit": "(0, inf)",
        "factor_from": "[0, inf)",
    }
    choices = {"eps_place": ("square", "clamp")}
    no_exact = "it takes dense gradients only"

    @property
    def variant(self) -> int:
        return int(self.factored)

    @property
    def clamp(self) -> bool:
        """Whether eps bounds the moment."""
        return self.eps_place == "clamp"

    def fitted(self, w: Array) -> Rule:
        whole = len(w.shape) < 2 or 0 in w.shape or sorted(w.shape)[-2] < self.factor_from
        return self.replaced(factored=False) if self.factored and whole else self

    def shared_sizes(self, w: Array) -> list[int]:
        return [len(w), w.size // max(len(w), 1)] if self.factored else []
