"""Learned step sizes."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from .base import Array, Rate, Rule


@dataclass(frozen=True, repr=False)
class EGDD(Rule):
    """Momentum whose gains and scale are learned by exponentiated gradient (meta-learned step sizes).

    s <- clip(s exp(scale_rate <g / |g|, h / |h|>), scale_min, scale_max)            one s for the array, with the old h

    p <- clip(p exp(gain_rate sign(g) sign(a)), gain_min, gain_max)                  with the old a

    h <- momentum h + lr p g;   a <- beta a + (1 - beta) g;   w <- w - s h

    signs False:       exp(gain_rate g a / (1 - beta^max(t - 1, 1)))

    directions False:  the raw inner product <g, h>

    Parameters
    ----------
    lr : float or schedule, default 0.1
        Learning rate, [0, inf).
    momentum, beta : float, default 0.9
        [0, 1).
    gain_rate, scale_rate : float, default 0.01 and 0.001
        How fast gains and scale move, [0, inf).
    gain_min, gain_max : float, default 0.01 and 100
    scale_min, scale_max : float, default 0.1 and 10
        (0, inf); gains and scale start at 1.
    signs, directions : bool, default True
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: h, a, p; shared slot: s, one number an array. Sparse gradients
    are lazy: inner product and norms run over the touched rows or coordinates.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    The golden values of the authors' own test:

    >>> import numpy as np, schuss
    >>> w = np.array([0.5, 1.0])
    >>> opt = schuss.Optimizer(w, schuss.EGDD(lr=0.1, momentum=0.9, beta=0.1))
    >>> for g in ([0.1, -0.5], [-1.0, -1.5]):
    ...     opt.step(np.array(g))
    >>> w.round(5), opt.slots["p"].round(5), opt.slots["s"].round(6)
    (array([0.58007, 1.24665]), array([0.99005, 1.01005]), array([1.000707]))

    Reference
    ---------
    Amid, Anil, Fifty & Warmuth, "Step-size adaptation using exponentiated gradient updates", 2022.

    Differs from
    ------------
    The authors' code (lingvo), which ignores sparse gradients; otherwise the same.
    """

    lr: Rate = 0.1
    _: KW_ONLY
    momentum: float = 0.9
    beta: float = 0.9
    gain_rate: float = 0.01
    scale_rate: float = 0.001
    gain_min: float = 0.01
    gain_max: float = 100.0
    scale_min: float = 0.1
    scale_max: float = 10.0
    signs: bool = True
    directions: bool = True

    kernel = "egdd"
    ranges = {
        "momentum": "[0, 1)",
        "beta": "[0, 1)",
        "gain_rate": "[0, inf)",
        "scale_rate": "[0, inf)",
        "gain_min": "(0, 1]",
        "gain_max": "[1, inf)",
        "scale_min": "(0, 1]",
        "scale_max": "[1, inf)",
    }

    @property
    def variant(self) -> int:
        return int(self.signs)

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"p": 1.0, "s": 1.0}
