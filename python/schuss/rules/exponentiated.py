"""Exponentiated gradient: unnormalised, on the simplex, signed."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

import numpy as np

from .base import Array, Rate, Rule, groups, no_decoupled


def check_sign(w: Array, name: str, rule: str) -> None:
    """Raises for a negative weight."""
    if (w < 0).any():
        raise ValueError(f"{name}: {rule} needs weights >= 0, got {w.min()}; use EGPM for weights of both signs")


@dataclass(frozen=True, repr=False)
class EGU(Rule):
    """Unnormalised exponentiated gradient: steps that multiply.

    w <- w exp(-lr g)

    Parameters
    ----------
    lr : float or schedule, default 0.1
        Learning rate, [0, inf).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: none. Weights must start >= 0 and stay so; zero stays zero.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range, or a negative weight.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 2.0])
    >>> schuss.Optimizer(w, schuss.EGU(lr=1.0)).step(np.log([2.0, 4.0]))
    >>> w.round(12)
    array([0.5, 0.5])

    Reference
    ---------
    Kivinen & Warmuth, "Exponentiated gradient versus gradient descent for linear predictors", 1997, section 5 (EGU).

    Differs from
    ------------
    No other library has it.
    """

    lr: Rate = 0.1

    kernel = "egu"

    def check(self, w: Array, name: str) -> None:
        check_sign(w, name, "EGU")


@dataclass(frozen=True, repr=False)
class EG(Rule):
    """Exponentiated gradient on the simplex: weights >= 0 that sum to 1.

    w_i <- w_i exp(-lr g_i) / sum_j w_j exp(-lr g_j)

    Parameters
    ----------
    lr : float or schedule, default 0.1
        Learning rate, [0, inf).
    maximize : bool, default False
        See :class:`~schuss.Rule`; l1, lower and upper would leave the simplex and are refused.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: none. Each axis-0 slice is one simplex; an array of one
    dimension is one. Single coordinates (CoordGrad) have no meaning and are refused.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range, or weights that are not on the simplex.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([0.5, 0.5])
    >>> schuss.Optimizer(w, schuss.EG(lr=1.0)).step(np.log([3.0, 1.0]))
    >>> w.round(12)
    array([0.25, 0.75])

    Reference
    ---------
    Kivinen & Warmuth, "Exponentiated gradient versus gradient descent for linear predictors", 1997, section 4 (EG).

    Differs from
    ------------
    No other library has it. The largest exponent is taken off before exp, so that no gradient overflows.
    """

    lr: Rate = 0.1
    weight_decay: float = dataclasses.field(default=0.0, init=False)
    decoupled: bool = dataclasses.field(default=False, init=False)

    kernel = "eg"
    no_after = "its weights stay on the simplex, which a change after the step would leave; use EGU"

    def check(self, w: Array, name: str) -> None:
        check_sign(w, name, "EG")
        sums = groups(w).sum(axis=1, dtype=np.float64)
        worst = sums[np.argmax(~(np.abs(sums - 1) <= 1e-3))] if w.size else 1.0
        if not abs(worst - 1) <= 1e-3:
            raise ValueError(f"{name}: EG needs weights that sum to 1 in each row, got {worst:.6g}; divide by the sum")


@dataclass(frozen=True, repr=False)
class EGPM(Rule):
    """Exponentiated gradient for weights of both signs (EG+-): a pair of positive numbers, w = p - n.

    total None:   p <- p exp(-lr g);   n <- n exp(lr g)

    total U:      p <- p exp(-lr U g);   n <- n exp(lr U g);   then both times U / (sum p + sum n)

    Parameters
    ----------
    lr : float or schedule, default 0.1
        Learning rate, [0, inf).
    total : float or None, default 1.0
        The 1-norm that weights cannot leave, for each axis-0 slice (an array of one dimension is one). None: no norm.
    spread : float, default 1.0
        Without total: sqrt(p n) at the start, (0, inf). Small values favour sparse weights.
    weight_decay, maximize
        See :class:`~schuss.Rule`; decay is coupled, ``decoupled=True`` is refused, as are l1, lower and upper.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: p, n; they start so that p - n is the array as it is.
    With a total, single coordinates (CoordGrad) have no meaning and are refused.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range, or a 1-norm above total.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.zeros(2)
    >>> opt = schuss.Optimizer(w, schuss.EGPM(lr=1.0, total=2.0))
    >>> opt.step(np.array([-0.5, 0.0]))
    >>> float((opt.slots["p"] + opt.slots["n"]).sum().round(12)), bool(w[0] > 0)
    (2.0, True)

    Reference
    ---------
    Kivinen & Warmuth, "Exponentiated gradient versus gradient descent for linear predictors", 1997, section 4 (EG+-).

    Differs from
    ------------
    No other library has it.
    """

    lr: Rate = 0.1
    _: KW_ONLY
    total: float | None = 1.0
    spread: float = 1.0

    kernel = "egpm"
    no_after = "its weights are computed from p and n, so a change after the step would be lost; use EGU"
    ranges = {"total": "(0, inf)", "spread": "(0, inf)"}
    optional = ("total",)

    def __post_init__(self) -> None:
        super().__post_init__()
        no_decoupled(self, "use coupled decay")

    @property
    def variant(self) -> int:
        return int(self.total is not None)

    def start(self, w: Array) -> dict[str, Array | float]:
        if self.total is None:  # the smaller of the pair from their product: a difference would cancel
            size = np.abs(w.astype(np.float64))
            large = (np.sqrt(size**2 + 4 * self.spread**2) + size) / 2
            small = self.spread**2 / large
            return {"p": np.where(w < 0, small, large), "n": np.where(w < 0, large, small)}
        rows = groups(w).astype(np.float64)
        rest = (self.total - np.abs(rows).sum(axis=1, keepdims=True)) / (2 * max(rows.shape[1], 1))
        p, n = np.maximum(rows, 0) + rest, np.maximum(-rows, 0) + rest
        return {"p": p.reshape(w.shape), "n": n.reshape(w.shape)}

    def check(self, w: Array, name: str) -> None:
        if self.total is None or not w.size:
            return
        norm = float(np.abs(groups(w)).sum(axis=1, dtype=np.float64).max())
        if norm >= self.total:
            raise ValueError(f"{name}: EGPM needs a 1-norm below total={self.total}, got {norm:.6g}; raise total")
