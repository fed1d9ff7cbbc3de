"""Rates learned while training, one for an array."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS
from .base import Array, Rate, Rule


@dataclass(frozen=True, repr=False)
class Prodigy(Rule):
    """Adam without a rate: the distance d to the solution is estimated and takes its place.
    m <- beta1 m + (1 - beta1) d g;   v <- beta2 v + (1 - beta2) d^2 g^2

    r <- beta3 r + (1 - beta3) lr d^2 <g, x - w>;   s <- beta3 s + (1 - beta3) lr d^2 g        x: the first weights

    w <- (1 - lr d weight_decay) w - lr d m / (sqrt(v) + d eps);   then d <- max(d, r / |s|_1)

    Parameters
    ----------
    lr : float or schedule, default 1.0
        A factor of d, [0, inf); a schedule gives its shape.
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    beta3 : float or None, default None
        [0, 1); None: sqrt(beta2).
    eps : float, default 1e-8
        [1e-30, inf).
    d0 : float, default 1e-6
        Where d starts, (0, inf); below the distance.
    weight_decay : float, default 0.0
        [0, inf), decoupled.
    maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v, s, x; shared slots: d, r, one number an
    array. Dense gradients only, and no tables: r sums over the whole array, and s must know it all.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.full(3, 5.0)
    >>> opt = schuss.Optimizer(w, schuss.Prodigy())
    >>> for _ in range(300):
    ...     opt.step(np.sign(w - 1))  # |w - 1|
    >>> bool(np.abs(w - 1).max() < 0.5), bool(opt.slots["d"] > 0.5)
    (True, True)

    Reference
    ---------
    Mishchenko & Defazio, "Prodigy: an expeditiously adaptive parameter-free learner", 2023, Algorithm 4.

    Differs from
    ------------
    The authors' code estimates one d for all parameters, takes the step with the new d in eps, and has bias
    correction and safeguards as options; optax.contrib.prodigy: the same, bias correction always.
    """

    lr: Rate = 1.0
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    beta3: float | None = None
    eps: float = 1e-8
    d0: float = 1e-6
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "prodigy"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "beta3": "[0, 1)", "eps": EPS, "d0": "(0, inf)"}
    optional = ("beta3",)
    no_exact = "it takes dense gradients only"

    @property
    def memory(self) -> float:
        """The decay of r and s."""
        return self.beta2**0.5 if self.beta3 is None else self.beta3

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"d": self.d0, "x": w}


@dataclass(frozen=True, repr=False)
class Hypergradient(Rule):
    """Gradient descent whose rate a is trained by gradient descent: up while gradients agree with the last ones.
    additive:        a <- a + hyper_rate <g, p>                          p: the last gradient, 0 at first

    multiplicative:  a <- a (1 + hyper_rate <g, p> / (|g| |p|))

    w <- w - a g;   p <- g

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Where a starts, [0, inf); later values of a schedule change nothing but l1.
    hyper_rate : float, default 1e-4
        The rate of the rate, [0, inf). a is not kept from falling below zero.
    multiplicative : bool, default False
    weight_decay, maximize, l1, lower, upper
        See :class:`~schuss.Rule`; decay is coupled, since lr is not the rate.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: p; shared slot: a, one number an array. Sparse
    gradients are lazy: products run over the touched rows or coordinates. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.Hypergradient(lr=0.1, hyper_rate=0.01))
    >>> for _ in range(2):
    ...     opt.step(np.array([2.0]))
    >>> print(f"{opt.slots['a'][0]:.6f} {w[0]:.6f}")
    0.140000 0.520000

    Reference
    ---------
    Baydin et al., "Online learning rate adaptation with hypergradient descent", 2018, Algorithm 4, equation (8).

    Differs from
    ------------
    The authors' code has one rate for a group of parameters, here each array has its own. torch and optax have none.
    """

    lr: Rate = 0.01
    _: KW_ONLY
    hyper_rate: float = 1e-4
    multiplicative: bool = False
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "hypergradient"
    ranges = {"hyper_rate": "[0, inf)"}

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"a": self.rate(0)}
