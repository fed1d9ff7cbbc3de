"""The quasi-Newton solvers: L-BFGS, with an l1 term, and BFGS."""

from __future__ import annotations

from typing import Any, Self, Unpack

import numpy as np

from .. import _cold
from ..settings import check_number, whole
from .base import FORMS, MOST_MEMORY, Array, Options, Solver, as_start, choice


class LBFGS(Solver):
    """L-BFGS: a quasi-Newton method that keeps the last pairs of changes of x and g.

        x <- x - t H g,   H from the last `memory` pairs, t by a line search, s.y > 0

    Parameters
    ----------
    x0 : array
        Start, of any shape; float32 is stored as float32, all else as float64. Copied.
    memory : int
        Pairs kept, 1 to 100. Each costs two arrays of the size of x.
    form : {'auto', 'gram', 'loop'}
        How H g is computed: from inner products of all vectors, in two passes over memory, or by the two-loop
        recursion. 'auto' is 'gram', which was faster at all sizes. Equal but for rounding.
    gtol : float
        Stop when no number of the gradient is above it (1e-5).
    ftol : float
        Stop when a step lowers f by no more than ftol max(|f|, 1); 0, the default, never stops for that.
    maxiter, maxfun : int
        Limits of iterations (15,000) and evaluations (30,000).
    noise : float
        How far f is off by rounding, as a part of |f| (1e-10; 1e-5 for float32). Differences below it are
        replaced by what the slopes say, so that the search goes on where f itself cannot tell.
    line_search : {'more-thuente', 'strong-wolfe', 'hager-zhang', 'armijo'}
        How t is found.
    c1, c2 : float
        Sufficient decrease (1e-4) and curvature (0.9).
    threads : int or None
        For passes over x. Results do not depend on it.

    Returns
    -------
    `ask()` gives the point to evaluate, `tell(f, g)` takes the answer, until `done`; then `result()`.

    Raises
    ------
    TypeError, ValueError for options out of range; ValueError if f or g is not finite at the start.

    Example
    -------
    >>> import numpy as np, schuss
    >>> s = schuss.LBFGS(np.zeros(2), memory=5)
    >>> while not s.done:
    ...     x = s.ask()
    ...     s.tell((x[0] - 1) ** 2 + 10 * (x[1] - 2) ** 2, np.array([2 * (x[0] - 1), 20 * (x[1] - 2)]))
    >>> s.result().x.round(5)
    array([1., 2.])

    Reference
    ---------
    Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical Programming 45, 1989.
    Chen, Wang and Zhou, Large-scale L-BFGS using MapReduce, NIPS 2014 (the Gram form).

    Differs from
    ------------
    SciPy stops where f hardly falls (ftol 2.2e-9) and gives up where rounding hides a decrease; liblbfgs and torch
    measure the gradient by its length, torch has no default line search; none of them can be saved in mid-search.
    """

    def __init__(self, x0: Any, *, memory: int = 10, form: str = "auto", **options: Unpack[Options]) -> None:
        self._memory, self._form = whole("memory", memory, 1, MOST_MEMORY), choice("form", form, FORMS)
        super().__init__(x0, options, {"memory": memory, "form": form})

    def _make(self, start: Array) -> Any:
        return _cold.lbfgs(self._table, start, self._given, self._memory, self._form)

    def step(self, g: Any, common_before: Any = None, common_now: Any = None, *, lr: float = 1.0) -> Array:
        """One stochastic step: x moves by lr times the direction of a mini-batch's gradient; no line search.

            y = common_now - common_before,   x <- x - lr H g

        Parameters
        ----------
        g : array
            The gradient of this batch at `ask()`.
        common_before, common_now : array
            Gradients over the examples this batch has in common with the last one, at the last point and at this one.
            The first step needs none.
        lr : float
            Above 0.

        Returns
        -------
        The new point, the solver's own memory.

        Raises
        ------
        ValueError for a wrong shape, numbers that are not finite, or after `tell`, the other way of use.

        Example
        -------
        >>> import numpy as np, schuss
        >>> s, h = schuss.LBFGS(np.ones(2)), np.array([1.0, 10.0])
        >>> before = s.ask().copy()
        >>> now = s.step(h * before, lr=0.1)
        >>> for _ in range(8):
        ...     here = now.copy()
        ...     now = s.step(h * here, h * before, h * here)
        ...     before = here
        >>> bool(np.abs(now).max() < 1e-6)
        True

        Reference: Berahas, Nocedal and Takáč, A multi-batch L-BFGS method for machine learning, NIPS 2016.
        """
        check_number("lr", lr, lambda v: 0 < v < float("inf"), "a number above 0")
        if self._solver.started:
            raise ValueError("step: this solver has been told values; make another one for mini-batches")
        first = self._solver.iterations == 0
        if not first and (common_before is None or common_now is None):
            raise ValueError("step: expected common_before and common_now after the first step, got None")
        own = self._gradient("g", g)
        before = own if first else self._gradient("common_before", common_before)
        now = own if first else self._gradient("common_now", common_now)
        for name, a in (("g", own), ("common_before", before), ("common_now", now)):
            if not np.isfinite(a).all():
                raise ValueError(f"{name}: expected finite numbers; leave this batch out")
        self._solver.advance(own, before, now, float(lr), self._threads)
        return self.ask()

    def inverse(self, vector: Any) -> Array:
        """H v: the product of the inverse Hessian, as it is known so far, with a vector.

        Example
        -------
        >>> import numpy as np, schuss
        >>> schuss.LBFGS(np.zeros(2)).inverse(np.ones(2))
        array([1., 1.])
        """
        product: Array = self._solver.product(self._gradient("vector", vector), max(self._form, 1))
        return product.reshape(self._shape)


class OWLQN(Solver):
    """L-BFGS for an l1 term, which has no gradient at zero: many numbers of the answer are exactly zero.

        min f(x) + sum of l1_i |x_i|

    Parameters
    ----------
    x0 : array
        Start; zeros are the best one for sparse answers.
    l1 : float or array
        Weight of the term, >= 0; an array that broadcasts to x0's shape weighs each number. Where it is 0, for an
        intercept (`objectives.Logistic.penalty` makes it so), a number is free of the term.
    memory : int
        Pairs kept, 1 to 100.
    form : {'auto', 'gram', 'loop'}
        As for `LBFGS`.
    **options
        As for `LBFGS`; the line search is backtracking always. f and g are told without the l1 term, gtol is for the
        subgradient of least norm.

    Returns
    -------
    As `LBFGS`; `result().fun` includes the l1 term.

    Raises
    ------
    TypeError, ValueError for l1 below 0 or of another shape.

    Example
    -------
    >>> import numpy as np, schuss
    >>> s = schuss.OWLQN(np.zeros(3), 1.0)
    >>> while not s.done:
    ...     x = s.ask()
    ...     s.tell(((x - [3, 0.2, -1]) ** 2).sum(), 2 * (x - [3, 0.2, -1]))
    >>> s.result().x.round(6)
    array([ 2.5,  0. , -0.5])
    >>> fun = lambda x: (((x - [3, 0.2, -1]) ** 2).sum(), 2 * (x - [3, 0.2, -1]))
    >>> schuss.minimize(fun, np.zeros(3), l1=[1, 0, 1]).x.round(6)
    array([ 2.5,  0.2, -0.5])

    Reference
    ---------
    Andrew and Gao, Scalable training of L1-regularized log-linear models, ICML 2007.

    Differs from
    ------------
    The paper and liblbfgs drop every part of a direction that disagrees in sign with the subgradient; here only where
    x is zero, which takes a tenth of the evaluations on a9a. liblbfgs leaves out
    numbers before and after a range.
    """

    def __init__(self, x0: Any, l1: Any, *, memory: int = 10, form: str = "auto", **options: Unpack[Options]) -> None:
        start = as_start(x0)
        self._l1 = as_l1(l1, start.shape, start.dtype)
        self._memory, self._form = whole("memory", memory, 1, MOST_MEMORY), choice("form", form, FORMS)
        super().__init__(x0, options, {"l1": self._l1, "memory": memory, "form": form})

    def _make(self, start: Array) -> Any:
        one = isinstance(self._l1, float)
        given = (self._l1, None) if one else (1.0, self._l1)
        return _cold.owlqn(self._table, start, self._given, self._memory, self._form, *given)

    @classmethod
    def _again(cls, x0: Array, own: dict[str, Any], arrays: dict[str, Array], options: Options) -> Self:
        l1 = own["l1"] if "l1" in own else arrays["l1"].reshape(x0.shape)
        return cls(x0, **{**own, "l1": l1}, **options)


def as_l1(l1: Any, shape: tuple[int, ...], dtype: Any) -> float | Array:
    """A number, or an array of numbers, one for each of x, flat."""
    if np.ndim(l1) == 0:
        check_number("l1", l1, lambda v: 0 <= v < float("inf"), "a number >= 0")
        return float(l1)
    a = np.asarray(l1)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"l1: expected real numbers, got {a.dtype}")
    if not ((a >= 0) & (a < np.inf)).all():
        raise ValueError("l1: expected numbers >= 0; 0 where a number is free of the term")
    try:
        return np.ascontiguousarray(np.broadcast_to(a, shape), dtype).reshape(-1)
    except ValueError:
        raise ValueError(f"l1: expected a number or an array of x0's shape {shape}, got {a.shape}") from None


class BFGS(Solver):
    """BFGS with the whole inverse Hessian, n (n + 1) / 2 numbers: for up to some thousand variables.

        H <- H + (1 + y.Hy / s.y) s s' / s.y - (H y s' + s y'H) / s.y

    Parameters
    ----------
    x0 : array
        Start.
    **options
        As for `LBFGS`.

    Returns
    -------
    As `LBFGS`.

    Raises
    ------
    As `LBFGS`.

    Example
    -------
    >>> import numpy as np, schuss
    >>> s = schuss.BFGS(np.array([-1.2, 1.0]))
    >>> while not s.done:
    ...     x, y = s.ask()
    ...     d = y - x * x
    ...     s.tell((1 - x) ** 2 + 100 * d**2, np.array([2 * (x - 1) - 400 * x * d, 200 * d]))
    >>> s.result().x.round(5)
    array([1., 1.])

    Reference
    ---------
    Nocedal and Wright, Numerical Optimization, 2006, Algorithm 6.1.

    Differs from
    ------------
    SciPy keeps the full square and updates it with two matrix products.
    """

    def __init__(self, x0: Any, **options: Unpack[Options]) -> None:
        super().__init__(x0, options, {})

    def _make(self, start: Array) -> Any:
        return _cold.bfgs(self._table, start, self._given)
