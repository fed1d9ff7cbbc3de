"""Newton's method: with a Hessian, with products of it, and for roots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from .. import _cold
from ..settings import check_number, whole
from .base import Array, Options, Solver, as_start


class Newton(Solver):
    """Newton's method: quadratic convergence from near, no stop at saddles.

        x <- x - t (H + shift I)^-1 g,   shift = 0 where H is positive definite

    Parameters
    ----------
    x0 : array
        Start. The Hessian has n^2 numbers.
    **options
        As for `LBFGS`.

    Returns
    -------
    As `LBFGS`; where `wants` is 'hessian', `tell_hessian(h)` is expected before the next `ask()`.

    Raises
    ------
    ValueError for a Hessian of a wrong shape, not symmetric or not finite.

    Example
    -------
    >>> import numpy as np, schuss
    >>> s = schuss.Newton(np.array([0.0, 1.0]))  # the gradient there points to the saddle at (0, 0)
    >>> while not s.done:
    ...     x, y = s.ask()
    ...     s.tell(x**4 / 4 - x**2 / 2 + y**2, np.array([x**3 - x, 2 * y]))
    ...     if s.wants == "hessian":
    ...         x, y = s.ask()
    ...         s.tell_hessian(np.array([[3 * x**2 - 1, 0], [0, 2]]))
    >>> np.abs(s.result().x).round(4)
    array([1., 0.])

    Reference
    ---------
    Nocedal and Wright, Numerical Optimization, 2006, Algorithm 3.3 (the shift); directions of negative curvature as in
    Moré and Sorensen, Mathematical Programming 16, 1979.

    Differs from
    ------------
    SciPy's Newton methods stop at a stationary point of any kind.
    """

    def __init__(self, x0: Any, **options: Unpack[Options]) -> None:
        super().__init__(x0, options, {})

    def _make(self, start: Array) -> Any:
        return _cold.newton(self._table, start, self._given)

    @property
    def wants(self) -> str:
        """'value' or 'hessian': what the solver is to be told next, both at `ask()`."""
        return ("value", "hessian")[self._solver.wants] if not self.done else "nothing"

    def ask(self) -> Array:
        """The point whose value and gradient, or whose Hessian, are wanted."""
        if self._solver.wants == 1 and not self.done:
            x: Array = self._solver.x()
            return x.reshape(self._shape)
        return super().ask()

    def tell_hessian(self, h: Any) -> None:
        """The Hessian at the point adopted last, which `ask` gives."""
        if self.done or self._solver.wants != 1:
            self._refuse("tell_hessian", 1)
        n = int(np.prod(self._shape))
        a = np.asarray(h)
        if a.dtype.kind not in "fiu":
            raise TypeError(f"hessian: expected real numbers, got {a.dtype}")
        if a.size != n * n:
            raise ValueError(f"hessian: expected shape {(n, n)}, got {a.shape}")
        a = np.ascontiguousarray(a, np.float64).reshape(n, n)
        if not np.allclose(a, a.T, rtol=1e-6, atol=1e-8 * float(np.abs(a).max())):
            raise ValueError("hessian: expected a symmetric matrix; use (h + h.T) / 2")
        self._solver.tell_hessian(a, self._threads)


class NewtonCG(Solver):
    """Newton's method in a trust region, for which products of the Hessian with vectors suffice.

        p = argmin g.p + p.Hp / 2,   |p| <= radius, by conjugate gradients

    Parameters
    ----------
    x0 : array
        Start.
    **options
        As for `LBFGS`; there is no line search.

    Returns
    -------
    As `LBFGS`; where `wants` is 'product', `tell_product(hv)` is expected: the Hessian at `x` times `vector`.

    Raises
    ------
    ValueError for a product of a wrong shape or not finite.

    Example
    -------
    >>> import numpy as np, schuss
    >>> h, s = np.array([1.0, 100.0]), schuss.NewtonCG(np.ones(2))
    >>> while not s.done:
    ...     if s.wants == "product":
    ...         s.tell_product(h * s.vector)
    ...     else:
    ...         x = s.ask()
    ...         s.tell(0.5 * (h * x * x).sum(), h * x)
    >>> bool(np.abs(s.result().x).max() < 1e-5)
    True

    Reference
    ---------
    Steihaug, The conjugate gradient method and trust regions in large scale optimization, SIAM J. Numer.
    Anal. 20, 1983.

    Differs from
    ------------
    SciPy's 'trust-ncg' needs callbacks; its 'Newton-CG' has a line search in the place of the region.
    """

    def __init__(self, x0: Any, **options: Unpack[Options]) -> None:
        super().__init__(x0, options, {})

    def _make(self, start: Array) -> Any:
        return _cold.newton_cg(self._table, start, self._given)

    @property
    def wants(self) -> str:
        """'value' at `ask()`, or 'product' of the Hessian at `x` with `vector`."""
        return ("value", "", "product")[self._solver.wants] if not self.done else "nothing"

    @property
    def x(self) -> Array:
        """The point adopted last."""
        x: Array = self._solver.x()
        return x.reshape(self._shape)

    @property
    def vector(self) -> Array:
        """The vector to be multiplied."""
        v: Array = self._solver.direction()
        return v.reshape(self._shape)

    def tell_product(self, hv: Any) -> None:
        """The Hessian at `x` times `vector`."""
        if self.done or self._solver.wants != 2:
            self._refuse("tell_product", 2)
        self._solver.tell_product(self._gradient("product", hv), self._threads)


@dataclass(frozen=True)
class Root:
    """What `newton_root` returns: x, F there, iterations nit, evaluations nfev, success and a sentence."""

    x: Any
    fun: Any
    nit: int
    nfev: int
    success: bool
    message: str


def newton_root(fun: Callable[[Any], tuple[Any, Any]], x0: Any, *, tol: float = 1e-10, maxiter: int = 100) -> Root:
    """A root of n functions of n variables, or of one of one, by Newton's method with step halving.

        x <- x - t J^-1 F,   t halved until |F| falls

    Parameters
    ----------
    fun : callable
        x -> (F, J): the values and the Jacobian; for a number, two numbers.
    x0 : float or array of shape (n,)
        Start.
    tol : float
        Stop when no |F_i| is above it.
    maxiter : int
        Most iterations.

    Returns
    -------
    Root

    Raises
    ------
    ValueError if F and J do not fit x0 or are not finite at the start.

    Example
    -------
    >>> import schuss
    >>> schuss.newton_root(lambda x: (x * x - 2, 2 * x), 1.0).x  # doctest: +ELLIPSIS
    1.41421356237...

    Reference
    ---------
    Dennis and Schnabel, Numerical Methods for Unconstrained Optimization and Nonlinear Equations, 1983, section 6.5.

    Differs from
    ------------
    scipy.optimize.newton takes full steps only and treats arrays as independent scalar problems.
    """
    check_number("tol", tol, lambda v: v >= 0, "a number >= 0")
    whole("maxiter", maxiter, 0)
    single = np.ndim(x0) == 0
    x = as_start(x0).astype(np.float64).reshape(-1)
    n = len(x)
    evaluations = 0

    def look(at: Array) -> tuple[Array, Array]:
        nonlocal evaluations
        evaluations += 1
        f, j = fun(float(at[0]) if single else at.copy())
        f, j = np.asarray(f, np.float64).reshape(-1), np.asarray(j, np.float64)
        if f.shape != (n,) or j.size != n * n:
            raise ValueError(f"fun: expected {n} values and a Jacobian of {n} x {n}, got {f.shape} and {j.shape}")
        return f, j.reshape(n, n)

    def give(k: int, good: bool, message: str) -> Root:
        return Root(float(x[0]) if single else x, float(f[0]) if single else f, k, evaluations, good, message)

    f, j = look(x)
    if not (np.isfinite(f).all() and np.isfinite(j).all()):
        raise ValueError("fun: expected finite values and derivatives at x0; start where they are")
    for k in range(maxiter + 1):
        size = float(np.abs(f).max())
        if size <= tol:
            return give(k, True, f"Converged: the largest |F|, {size:.3g}, is not above tol = {tol:.3g}.")
        if k == maxiter:
            break
        p = np.linalg.lstsq(j, -f, rcond=None)[0]  # the shortest step where J is singular
        t, length = 1.0, float(np.linalg.norm(f))
        while True:
            f_new, j_new = look(x + t * p)
            finite = np.isfinite(f_new).all() and np.isfinite(j_new).all()
            if finite and float(np.linalg.norm(f_new)) <= (1 - 1e-4 * t) * length:
                break
            t /= 2
            if t < 1e-12:
                return give(
                    k, False, f"No root: |F| does not fall along Newton's direction any more; it is {size:.3g}."
                )
        x, f, j = x + t * p, f_new, j_new
    return give(maxiter, False, f"Not converged after maxiter = {maxiter} iterations: the largest |F| is {size:.3g}.")
