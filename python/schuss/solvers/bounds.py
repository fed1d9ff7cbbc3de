"""L-BFGS-B, and bounds as they may be given: two arrays, two numbers, pairs, or SciPy's Bounds."""

from __future__ import annotations

from typing import Any, Self, Unpack

import numpy as np

from .. import _cold
from ..settings import whole
from .base import MOST_MEMORY, Array, Options, Solver, as_start


class LBFGSB(Solver):
    """L-BFGS with bounds on the variables.

        min f(x),   lower <= x <= upper

    Parameters
    ----------
    x0 : array
        Start; moved to the nearest point within the bounds.
    bounds : (lower, upper) or sequence of (low, high)
        Two arrays or numbers that broadcast to x0's shape, or one pair for each number; None stands for no bound.
    memory : int
        Pairs kept, 1 to 100.
    **options
        As for `LBFGS`. gtol is for the projected gradient.

    Returns
    -------
    As `LBFGS`.

    Raises
    ------
    ValueError where a lower bound is above its upper one, or NaN.

    Example
    -------
    >>> import numpy as np, schuss
    >>> s = schuss.LBFGSB(np.zeros(2), (-1, 0.5))
    >>> while not s.done:
    ...     x = s.ask()
    ...     s.tell(((x - [3, -0.2]) ** 2).sum(), 2 * (x - [3, -0.2]))
    >>> s.result().x
    array([ 0.5, -0.2])

    Reference
    ---------
    Byrd, Lu, Nocedal and Zhu, A limited memory algorithm for bound constrained optimization, SIAM J. Sci. Comput. 16,
    1995; Morales and Nocedal, Remark on Algorithm 778, ACM TOMS 38, 2011.

    Differs from
    ------------
    SciPy's L-BFGS-B in float32 storage and in seeing through rounding in f, as `LBFGS` does.
    """

    def __init__(self, x0: Any, bounds: Any, *, memory: int = 10, **options: Unpack[Options]) -> None:
        self._memory = whole("memory", memory, 1, MOST_MEMORY)
        start = as_start(x0)
        self._bounds = as_bounds(bounds, start.shape, start.dtype)
        super().__init__(x0, options, {"memory": memory})

    def _make(self, start: Array) -> Any:
        low, high = self._bounds
        return _cold.lbfgsb(self._table, start, low, high, self._given, self._memory)

    @classmethod
    def _again(cls, x0: Array, own: dict[str, Any], arrays: dict[str, Array], options: Options) -> Self:
        bounds = (arrays["low"].reshape(x0.shape), arrays["high"].reshape(x0.shape))
        return cls(x0, bounds, **own, **options)


def as_bounds(bounds: Any, shape: tuple[int, ...], dtype: Any) -> tuple[Array, Array]:
    """Lower and upper bounds, flat, rounded into the box where the number type is narrower."""
    size = int(np.prod(shape))
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
        pair = [bounds.lb, bounds.ub]
    else:
        pair = list(bounds)
        in_pairs = len(pair) == size and all(isinstance(p, tuple | list | np.ndarray) and len(p) == 2 for p in pair)
        # For two variables a list is read as pairs, a tuple as (lower, upper).
        if in_pairs and (size != 2 or isinstance(bounds, list)):
            pair = [[p[0] for p in pair], [p[1] for p in pair]]
    if len(pair) != 2:
        raise ValueError(f"bounds: expected (lower, upper) or {size} pairs, got {len(pair)} items")
    none = (-np.inf, np.inf)
    ends = []
    for side, (name, given) in enumerate(zip(("lower", "upper"), pair, strict=True)):
        if given is None:
            given = none[side]
        elif isinstance(given, list | tuple):
            given = [none[side] if b is None else b for b in given]
        try:
            wide = np.broadcast_to(np.asarray(given, np.float64), shape).reshape(-1)
        except ValueError:
            raise ValueError(f"bounds: the {name} one does not broadcast to the shape of x0, {shape}") from None
        if np.isnan(wide).any():
            raise ValueError(f"bounds: the {name} one has NaN; use infinities or None for no bound")
        end = wide.astype(dtype)
        over = end < wide if side == 0 else end > wide
        end[over] = np.nextafter(end[over], np.array(-none[side], dtype))
        ends.append(end)
    low, high = ends
    wrong = np.flatnonzero((low > high) | (low == np.inf) | (high == -np.inf))
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(f"bounds: number {i} has none to choose from, lower {low[i]} and upper {high[i]}; widen them")
    return low, high
