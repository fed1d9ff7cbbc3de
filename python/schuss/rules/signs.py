"""Rules that move by the sign of the gradient."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from .base import Array, Rate, Rule


@dataclass(frozen=True, repr=False)
class Lion(Rule):
    """The sign of a blend of momentum and gradient: every weight moves by lr.
    w <- w - lr sign(beta1 m + (1 - beta1) g);   m <- beta2 m + (1 - beta2) g

    Parameters
    ----------
    lr : float or schedule, default 1e-4
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.99
        [0, 1).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`. The paper decays decoupled.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m. Exact steps: yes; a row keeps moving by the
    sign of its m until a gradient turns it.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.Lion(lr=0.1)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.9, 1.1])

    Reference
    ---------
    Chen et al., "Symbolic discovery of optimization algorithms", 2023, Algorithm 2.

    Differs from
    ------------
    optax and the authors decay decoupled (weight_decay 1e-3 in optax); Keras has no decay by default, as here.
    """

    lr: Rate = 1e-4
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.99

    kernel = "lion"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)"}


@dataclass(frozen=True, repr=False)
class Rprop(Rule):
    """Steps by sign alone, with a length for each coordinate that grows while the sign stays; for whole batches.
    g p > 0:   s <- min(s eta_plus, step_max)

    g p < 0:   s <- max(s eta_minus, step_min);   g <- 0

    w <- w - sign(g) s;   p <- g

    Parameters
    ----------
    lr : float or schedule, default 0.01
        The first length, within [step_min, step_max] or set to the nearer; later values of a schedule change nothing
        but decoupled decay and l1.
    eta_minus, eta_plus : float, default 0.5 and 1.2
        (0, 1) and (1, inf).
    step_min, step_max : float, default 1e-6 and 50
        (0, inf), step_min <= step_max.
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: p, the last gradient, and s. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.Rprop(lr=0.1))
    >>> for g in (3.0, 0.2):
    ...     opt.step(np.array([g]))
    >>> print(f"{w[0]:.6f} {opt.slots['s'][0]:.6f}")
    0.780000 0.120000

    Reference
    ---------
    Riedmiller & Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", 1993;
    without weight backtracking, as Igel & Huesken 2000 (iRprop-).

    Differs from
    ------------
    torch.optim.Rprop is the same. optax has it with the same numbers. The paper takes a step back where the sign
    turned.
    """

    lr: Rate = 0.01
    _: KW_ONLY
    eta_minus: float = 0.5
    eta_plus: float = 1.2
    step_min: float = 1e-6
    step_max: float = 50.0

    kernel = "rprop"
    ranges = {"eta_minus": "(0, 1)", "eta_plus": "(1, inf)", "step_min": "(0, inf)", "step_max": "(0, inf)"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_min > self.step_max:
            raise ValueError(f"Rprop: step_min: expected at most step_max={self.step_max!r}, got {self.step_min!r}")

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"s": min(max(self.rate(0), self.step_min), self.step_max)}


@dataclass(frozen=True, repr=False)
class SignSGD(Rule):
    """The sign of the gradient: w <- w - lr sign(g).

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: none. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.ones(2)
    >>> schuss.Optimizer(w, schuss.SignSGD(lr=0.5)).step(np.array([9.0, 0.0]))
    >>> w
    array([0.5, 1. ])

    Reference
    ---------
    Bernstein et al., "signSGD: compressed optimisation for non-convex problems", 2018, Algorithm 1.

    Differs from
    ------------
    optax.sign_sgd: the same.
    """

    lr: Rate = 1e-3

    kernel = "sign_sgd"
