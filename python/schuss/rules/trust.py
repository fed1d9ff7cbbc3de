"""Steps scaled to the norm of the array that they move."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS
from .base import Rate, Rule


@dataclass(frozen=True, repr=False)
class LARS(Rule):
    """Momentum whose step is scaled to the norm of the array's weights.
    ratio = trust |w| / (|g| + weight_decay |w| + eps), or 1 where |w| or the rest is 0

    b <- momentum b + lr ratio (g + weight_decay w);   w <- w - b

    Parameters
    ----------
    lr : float or schedule, default 0.1
        Learning rate, [0, inf).
    momentum : float, default 0.9
        [0, 1).
    trust : float, default 0.001
        [0, inf).
    eps : float, default 0.0
        [0, inf).
    joint : bool, default False
        True: |g + weight_decay w| in place of |g| + weight_decay |w|.
    weight_decay : float, default 0.0
        [0, inf).
    maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: b. Sparse gradients are lazy: norms run over the touched
    rows or coordinates. Exact steps: none, since the ratio needs every row's norm at every step.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([3.0, 4.0])
    >>> schuss.Optimizer(w, schuss.LARS(lr=1.0, trust=0.1)).step(np.array([0.0, 100.0]))
    >>> w
    array([3. , 3.5])

    Reference
    ---------
    You, Gitman & Ginsburg, "Large batch training of convolutional networks", 2017, Algorithm 1.

    Differs from
    ------------
    optax.lars: joint=True, and the norms of whole leaves as here; torch has none.
    """

    lr: Rate = 0.1
    _: KW_ONLY
    momentum: float = 0.9
    trust: float = 0.001
    eps: float = 0.0
    joint: bool = False
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "lars"
    ranges = {"momentum": "[0, 1)", "trust": "[0, inf)", "eps": "[0, inf)"}
    no_exact = "its trust ratio needs the norm of every row at every step; use lazy steps or dense gradients"


@dataclass(frozen=True, repr=False)
class LAMB(Rule):
    """Adam whose step is scaled to the norm of the array's weights.
    m, v, c1, c2 as in Adam;   u = (m / c1) / (sqrt(v / c2) + eps) + weight_decay w

    w <- w - lr |w| / |u| u, the ratio being 1 where a norm is 0

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps : float, default 1e-6
        [1e-30, inf).
    bias_correction : bool, default True
        False: c1 = c2 = 1.
    weight_decay : float, default 0.0
        [0, inf).
    maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v. Sparse gradients are lazy: norms run over the touched
    rows or coordinates. Exact steps: none, since the ratio needs every row's norm at every step.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([3.0, 4.0])
    >>> schuss.Optimizer(w, schuss.LAMB(lr=0.1, eps=1e-12)).step(np.array([7.0, -0.1]))
    >>> w.round(6)
    array([2.646447, 4.353553])

    Reference
    ---------
    You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2020, Algorithm 2.

    Differs from
    ------------
    optax.lamb: the same. Keras: eps 1e-7 and no weight decay. The paper's phi is the identity here.
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-6
    bias_correction: bool = True
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "lamb"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": EPS}
    no_exact = "its trust ratio needs the norm of every row at every step; use lazy steps or dense gradients"
