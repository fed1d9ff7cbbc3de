"""Follow the regularised leader."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from .base import Array, Rate, Rule, no_decoupled


@dataclass(frozen=True, repr=False)
class FTRL(Rule):
    """FTRL-Proximal: AdaGrad's rates with an l1 ball that makes weights exactly zero; the rule of click models.

    N = n + g^2;   sigma = (N^power - n^power) / lr;   z <- z + g - sigma w;   n <- N

    w <- 0 if |z| <= l1, else -(z - sign(z) l1) / ((beta + n^power) / lr + l2)

    Parameters
    ----------
    lr : float or schedule, default 0.1
        alpha in the paper, (0, inf).
    beta : float, default 1.0
        [0, inf); greater than zero unless l2 or initial_accumulator is.
    l1, l2 : float, default 0.0
        [0, inf).
    power : float, default 0.5
        Exponent of n, (0, 1]. 0.5 is a root; any other costs a logarithm and an exponential.
    initial_accumulator : float, default 0.0
        Where n starts, [0, inf).
    keep_start : bool, default True
        z starts so that a weight which is not zero is kept. False: from 0, so that its first step forgets it.
    weight_decay, maximize
        See :class:`~schuss.Rule`; decay is coupled, ``decoupled=True`` is refused.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: z, n.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.zeros(2)
    >>> opt = schuss.Optimizer(w, schuss.FTRL(lr=0.5, l1=1.0))
    >>> opt.step(np.array([3.0, 0.5]))
    >>> w
    array([-0.25,  0.  ])

    Reference
    ---------
    McMahan et al., "Ad click prediction: a view from the trenches", 2013, Algorithm 1.

    Differs from
    ------------
    TF and Keras have 2 l2 in the denominator, n from 0.1, beta 0, and keep_start False.
    """

    lr: Rate = 0.1
    _: KW_ONLY
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 0.0
    power: float = 0.5
    initial_accumulator: float = 0.0
    keep_start: bool = True

    kernel = "ftrl"
    ranges = {
        "lr": "(0, inf)",
        "beta": "[0, inf)",
        "l1": "[0, inf)",
        "l2": "[0, inf)",
        "power": "(0, 1]",
        "initial_accumulator": "[0, inf)",
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        no_decoupled(self, "use l2")
        if self.beta == self.l2 == self.initial_accumulator == 0:
            raise ValueError(
                "FTRL: beta: expected above 0 where l2 and initial_accumulator are 0, got 0; 0 would divide 0"
            )

    @property
    def variant(self) -> int:
        return int(self.power == 0.5)

    def start(self, w: Array) -> dict[str, Array | float]:
        n = self.initial_accumulator
        if not self.keep_start:
            return {"n": n}
        x = w.astype(np.float64)
        z = -x * ((self.beta + n**self.power) / self.rate(0) + self.l2) - np.sign(x) * self.l1
        return {"z": z, "n": n}
