"""Rates from sums or averages of squared gradients: AdaGrad, row-wise AdaGrad, AdaDelta."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from .base import Array, Rate, Rule

PLACES = ("outside", "inside")
EPS = "[1e-30, inf)"


@dataclass(frozen=True, repr=False)
class AdaGrad(Rule):
    """A learning rate for each coordinate that falls with the sum of its squared gradients.

    s <- s + g^2;   w <- w - rate g / (sqrt(s) + eps),   rate = lr / (1 + k lr_decay) at step k = 0, 1, ...

    eps_place "inside":   w <- w - rate g / sqrt(s + eps)

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    eps : float, default 1e-10
        [1e-30, inf).
    eps_place : "outside" or "inside", default "outside"
        Of the root.
    initial_accumulator : float, default 0.0
        Where s starts, [0, inf).
    lr_decay : float, default 0.0
        [0, inf).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: s.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    The trajectory printed in Dive into Deep Learning, on 0.1 x1^2 + 2 x2^2:

    >>> import numpy as np, schuss
    >>> x = np.array([-5.0, -2.0])
    >>> opt = schuss.Optimizer(x, schuss.AdaGrad(lr=0.4, eps=1e-6, eps_place="inside"))
    >>> for _ in range(20):
    ...     opt.step(np.array([0.2, 4.0]) * x)
    >>> print(f"{x[0]:.6f} {x[1]:.6f}")
    -2.382563 -0.158591

    Reference
    ---------
    Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.

    Differs from
    ------------
    torch: outside, eps 1e-10, s from 0 (the defaults here). Keras and optax: inside, eps 1e-7, s from 0.1. d2l: inside,
    eps 1e-6, s from 0.
    """

    _: KW_ONLY
    eps: float = 1e-10
    eps_place: str = "outside"
    initial_accumulator: float = 0.0
    lr_decay: float = 0.0

    kernel = "adagrad"
    ranges = {"eps": EPS, "initial_accumulator": "[0, inf)", "lr_decay": "[0, inf)"}
    choices = {"eps_place": PLACES}

    @property
    def variant(self) -> int:
        return PLACES.index(self.eps_place)

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"s": self.initial_accumulator}


@dataclass(frozen=True, repr=False)
class RowWiseAdaGrad(Rule):
    """AdaGrad with one sum for a whole row: a table's state shrinks to one number a row.

    s <- s + mean over the row of g^2;   w <- w - lr g / (sqrt(s) + eps)

    eps_place "inside":   w <- w - lr g / sqrt(s + eps)

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    eps : float, default 1e-8
        [1e-30, inf).
    eps_place : "outside" or "inside", default "outside"
        Of the root.
    initial_accumulator : float, default 0.0
        Where s starts, [0, inf).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Shared slot: s, one number for each axis-0 slice; an array of one
    dimension is one row. Single coordinates (CoordGrad) have no meaning and are refused.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.zeros((2, 2))
    >>> opt = schuss.Optimizer(w, schuss.RowWiseAdaGrad(lr=1.0))
    >>> opt.step(schuss.RowGrad(np.array([1]), np.array([[3.0, 4.0]])))
    >>> opt.slots["s"]
    array([ 0. , 12.5])

    Reference
    ---------
    Gupta et al., "Training with multiresolution data", 2014, idea; Mudigere et al., "Software-hardware co-design for
    fast and scalable training of deep learning recommendation models", 2022, as used.

    Differs from
    ------------
    FBGEMM's EXACT_ROWWISE_ADAGRAD: the same with eps 1e-8 outside.
    """

    _: KW_ONLY
    eps: float = 1e-8
    eps_place: str = "outside"
    initial_accumulator: float = 0.0

    kernel = "row_wise_adagrad"
    ranges = {"eps": EPS, "initial_accumulator": "[0, inf)"}
    choices = {"eps_place": PLACES}

    @property
    def variant(self) -> int:
        return PLACES.index(self.eps_place)

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"s": self.initial_accumulator}


@dataclass(frozen=True, repr=False)
class AdaDelta(Rule):
    """Steps measured in units of earlier steps: no learning rate is needed.

    e <- rho e + (1 - rho) g^2;   u = sqrt(d + eps) / sqrt(e + eps) g;   d <- rho d + (1 - rho) u^2;   w <- w - lr u

    Parameters
    ----------
    lr : float or schedule, default 1.0
        A factor on the step, 1 in the paper, [0, inf).
    rho : float, default 0.95
        [0, 1).
    eps : float, default 1e-6
        [1e-30, inf); the first steps are of the size of its root.
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: e, d.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> schuss.Optimizer(w, schuss.AdaDelta()).step(np.array([1.0]))
    >>> print(f"{w[0]:.6f}")
    0.995528

    Reference
    ---------
    Zeiler, "ADADELTA: an adaptive learning rate method", 2012, Algorithm 1.

    Differs from
    ------------
    torch has rho 0.9 and lr 1; Keras lr 0.001 and eps 1e-7.
    """

    lr: Rate = 1.0
    _: KW_ONLY
    rho: float = 0.95
    eps: float = 1e-6

    kernel = "adadelta"
    ranges = {"rho": "[0, 1)", "eps": EPS}
