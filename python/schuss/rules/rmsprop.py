"""RMSprop, plain, centred and with momentum."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS, PLACES
from .base import Rule
from .descent import FORMS


@dataclass(frozen=True, repr=False)
class RMSprop(Rule):
    """Gradients divided by the root of a running average of their squares.

    v <- alpha v + (1 - alpha) g^2;   w <- w - lr g / (sqrt(v) + eps)

    centered:   a <- alpha a + (1 - alpha) g, and v - a^2 in place of v

    eps_place "inside":   sqrt(v + eps)

    momentum > 0, form "torch":   b <- momentum b + g / (...);      w <- w - lr b

    momentum > 0, form "keras":   b <- momentum b + lr g / (...);   w <- w - b

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    alpha : float, default 0.99
        [0, 1).
    eps : float, default 1e-8
        [1e-30, inf).
    eps_place : "outside" or "inside", default "outside"
        Of the root.
    centered : bool, default False
    momentum : float, default 0.0
        [0, 1).
    form : "torch" or "keras", default "torch"
        Whether lr scales the velocity or what enters it.
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: v, then a if centred, then b with momentum.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> schuss.Optimizer(w, schuss.RMSprop(lr=0.01)).step(np.array([5.0]))
    >>> print(f"{w[0]:.6f}")
    0.900000

    Reference
    ---------
    Tieleman & Hinton, Coursera lecture 6e, 2012; centred: Graves, "Generating sequences with recurrent neural
    networks", 2013, equations 38-45.

    Differs from
    ------------
    torch: eps outside; optax and Keras: inside, alpha 0.9. Rounding may leave v - a^2 below zero; here it counts as 0.
    """

    _: KW_ONLY
    alpha: float = 0.99
    eps: float = 1e-8
    eps_place: str = "outside"
    centered: bool = False
    momentum: float = 0.0
    form: str = "torch"

    kernel = "rmsprop"
    ranges = {"alpha": "[0, 1)", "eps": EPS, "momentum": "[0, 1)"}
    choices = {"eps_place": PLACES, "form": FORMS}

    @property
    def variant(self) -> int:
        inertia = 1 + FORMS.index(self.form) if self.momentum > 0 else 0
        return PLACES.index(self.eps_place) + 2 * self.centered + 4 * inertia
