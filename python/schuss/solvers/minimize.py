"""One call around the machines: SciPy's shape of arguments, any solver."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from ..settings import check_number
from . import result as states
from .base import Array, Options, Solver, as_start
from .bounds import LBFGSB
from .newton import Newton, NewtonCG
from .quasi import BFGS, LBFGS, OWLQN
from .result import Result

METHODS = ("lbfgs", "lbfgsb", "owlqn", "bfgs", "newton", "newton-cg")


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    jac: bool | Callable[..., Any] = True,
    method: str | None = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    bounds: Any = None,
    l1: Any = 0.0,
    memory: int = 10,
    callback: Callable[[Result], Any] | None = None,
    time_limit: float | None = None,
    **options: Unpack[Options],
) -> Result:
    """Minimizes a smooth function, with bounds or an l1 term where they are given.

        min f(x) + l1 |x|_1,   lower <= x <= upper

    Parameters
    ----------
    fun : callable
        x -> (f, g), or x -> f with `jac` a function. x is read-only memory of the solver: copy it to keep it.
    x0 : array
        Start, of any shape; float32 is stored as float32, all else as float64.
    args : tuple
        Further arguments of all functions.
    jac : True or callable
        True: fun returns (f, g). Else the gradient's own function.
    method : {'lbfgs', 'lbfgsb', 'owlqn', 'bfgs', 'newton', 'newton-cg'} or None
        None chooses: 'lbfgsb' with bounds, 'owlqn' with any l1 > 0, else 'lbfgs'.
    hess : callable
        x -> (n, n), for 'newton'.
    hessp : callable
        (x, v) -> H v, for 'newton-cg'.
    bounds : (lower, upper) or pairs
        As for `LBFGSB`.
    l1 : float or array
        As for `OWLQN`.
    memory : int
        Pairs of the L-BFGS methods.
    callback : callable
        Is given the `Result` so far after each iteration; ends the run by returning True or raising StopIteration.
    time_limit : float
        Seconds after which no evaluation is begun.
    **options
        gtol, ftol, maxiter, maxfun, line_search and the others of `LBFGS`.

    Returns
    -------
    Result
        The best point seen with its f and g, counts, status and a sentence.

    Raises
    ------
    TypeError, ValueError for arguments that do not fit, and where f or g is not finite at the start. What fun raises
    goes through.

    Example
    -------
    >>> import numpy as np, schuss
    >>> rosen = lambda x: ((1 - x[0])**2 + 100 * (x[1] - x[0]**2)**2,
    ...                    np.array([2*(x[0]-1) - 400*x[0]*(x[1] - x[0]**2), 200*(x[1] - x[0]**2)]))
    >>> result = schuss.minimize(rosen, [-1.2, 1.0])
    >>> result.x.round(4), result.success
    (array([1., 1.]), True)

    Reference
    ---------
    See the solvers.

    Differs from
    ------------
    scipy.optimize.minimize: no numerical gradients (`check_grad` compares with them); ftol is 0 by default; the
    result's x, fun and jac always belong together.
    """
    solver = _solver(method, x0, hess, hessp, bounds, l1, memory, options)
    if jac is not True and not callable(jac):
        raise TypeError("jac: expected True (fun returns value and gradient) or a function; none is made numerically")
    if time_limit is not None:
        check_number("time_limit", time_limit, lambda v: v > 0, "a number above 0, or None")
    end = None if time_limit is None else time.monotonic() + time_limit
    seen = 0
    while not solver.done:
        x = solver.ask()
        value, g = _evaluate(fun, jac, x, args)
        solver.tell(value, g)
        if hess is not None or hessp is not None:
            _inform(solver, hess, hessp, args)
        if callback is not None and solver.iterations > seen:
            seen = solver.iterations
            try:
                if callback(solver.result()):
                    solver.stop()
            except StopIteration:
                solver.stop()
        if end is not None and time.monotonic() >= end:
            solver.stop(states.TIME)
    return solver.result()


def _solver(
    method: str | None, x0: Any, hess: Any, hessp: Any, bounds: Any, l1: Any, memory: int, options: Options
) -> Solver:
    penalized = bool(np.any(l1))
    if method is None:
        method = "lbfgsb" if bounds is not None else "owlqn" if penalized else "lbfgs"
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(map(repr, METHODS))}, got {method!r}")
    if (bounds is not None) != (method == "lbfgsb"):
        raise ValueError(
            f"bounds: method {method!r} {'needs' if bounds is None else 'has no'} bounds; 'lbfgsb' has them"
        )
    if penalized and method != "owlqn":
        raise ValueError(f"l1: method {method!r} has no l1 term; use 'owlqn' without bounds")
    if (hess is not None) != (method == "newton"):
        raise ValueError(f"hess: method {method!r} {'needs' if hess is None else 'takes no'} hess; 'newton' takes it")
    if (hessp is not None) != (method == "newton-cg"):
        raise ValueError(
            f"hessp: method {method!r} {'needs' if hessp is None else 'takes no'} hessp; 'newton-cg' takes it"
        )
    if method == "lbfgsb":
        return LBFGSB(x0, bounds, memory=memory, **options)
    if method == "owlqn":
        return OWLQN(x0, l1, memory=memory, **options)
    if method == "lbfgs":
        return LBFGS(x0, memory=memory, **options)
    if method == "bfgs":
        return BFGS(x0, **options)
    return Newton(x0, **options) if method == "newton" else NewtonCG(x0, **options)


def _evaluate(fun: Any, jac: Any, x: Array, args: tuple[Any, ...]) -> tuple[float, Any]:
    if jac is not True:
        return fun(x, *args), jac(x, *args)
    told = fun(x, *args)
    if not isinstance(told, (tuple, list)) or len(told) != 2:
        raise TypeError(f"fun: expected (value, gradient), got {type(told).__name__}; or give jac a function")
    return told[0], told[1]


def _inform(solver: Solver, hess: Any, hessp: Any, args: tuple[Any, ...]) -> None:
    if isinstance(solver, Newton) and solver.wants == "hessian":
        solver.tell_hessian(hess(solver.ask(), *args))
    while isinstance(solver, NewtonCG) and solver.wants == "product":
        solver.tell_product(hessp(solver.x, solver.vector, *args))


def check_grad(fun: Callable[..., Any], x: Any, args: tuple[Any, ...] = (), *, directions: int = 10) -> float:
    """How far the gradient that fun returns is from the differences of its values.

        max over random v, |v| = 1, of |g.v - (f(x + hv) - f(x - hv)) / 2h| / max(|g.v|, |g| / sqrt(n))

    Parameters
    ----------
    fun : callable
        x -> (f, g).
    x : array
        Where to look; not a minimum, where the gradient is rounding alone.
    args : tuple
        Further arguments of fun.
    directions : int
        How many v; the same ones each time.

    Returns
    -------
    float
        About 1e-6 or less where all is well; near 1 or above where f and g contradict each other.

    Raises
    ------
    ValueError where f or g is not finite.

    Example
    -------
    >>> import numpy as np, schuss
    >>> schuss.check_grad(lambda x: (x @ x, 2 * x), np.ones(3)) < 1e-6
    True
    >>> schuss.check_grad(lambda x: (x @ x, x), np.ones(3)) > 0.5
    True

    Reference: Nocedal and Wright, Numerical Optimization, 2006, section 8.1.
    Differs from: scipy.optimize.check_grad: an absolute error, from one-sided differences of all coordinates.
    """
    at = as_start(x).astype(np.float64)
    f, g = _evaluate(fun, True, at.copy(), args)
    g = np.asarray(g, np.float64)
    if g.shape != at.shape:
        raise ValueError(f"g: expected shape {at.shape}, got {g.shape}")
    if not (np.isfinite(f) and np.isfinite(g).all()):
        raise ValueError("fun: expected finite f and g at x; look at another point")
    random = np.random.default_rng(0)
    step = float(np.finfo(np.float64).eps ** (1 / 3) * max(1.0, float(np.linalg.norm(at))))
    worst, usual = 0.0, float(np.linalg.norm(g)) / at.size**0.5
    for _ in range(directions):
        v = random.standard_normal(at.shape)
        v /= np.linalg.norm(v)
        ends = [float(_evaluate(fun, True, at + s * step * v, args)[0]) for s in (1, -1)]
        slope = float((g * v).sum())
        error = abs(slope - (ends[0] - ends[1]) / (2 * step))
        worst = max(worst, error / max(abs(slope), usual, 1e-300))
    return worst
