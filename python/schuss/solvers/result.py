"""What a solver returns, and what its status means in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt

RUNNING: Final = -1
GRADIENT, VALUE, ITERATIONS, EVALUATIONS, SEARCH, UNBOUNDED, STOPPED, TIME = range(8)


@dataclass(frozen=True)
class Result:
    """The best point a solver has seen, with the value and the gradient that belong to it.

        fun = f(x), jac = f'(x): always of this very x

    Parameters
    ----------
    x : array
        The point, in the shape and number type of the start; a copy.
    fun : float
        The value there; with an l1 term, that included.
    jac : array
        The gradient there (of the smooth part); a copy.
    nit, nfev : int
        Iterations, and evaluations of value and gradient.
    status : int
        0 gradient small, 1 value hardly falls, 2 iterations, 3 evaluations, 4 line search failed, 5 unbounded below,
        6 stopped by the callback, 7 time; -1 still running.
    message : str
        The same in a sentence.

    Example
    -------
    >>> import numpy as np, schuss
    >>> result = schuss.minimize(lambda x: (x @ x, 2 * x), np.ones(3))
    >>> result.success, result.nit, result.fun
    (True, 2, 0.0)
    """

    x: npt.NDArray[Any]
    fun: float
    jac: npt.NDArray[Any]
    nit: int
    nfev: int
    status: int
    message: str

    @property
    def success(self) -> bool:
        """Whether a minimum was found, as far as gtol and ftol ask for it."""
        return self.status in (GRADIENT, VALUE)


def sentence(status: int, size: float, gtol: float, ftol: float, most: tuple[int, int]) -> str:
    """What a status says."""
    return {
        RUNNING: f"Still running: the gradient's largest number is {size:.3g}, gtol is {gtol:.3g}.",
        GRADIENT: f"Converged: the gradient's largest number, {size:.3g}, is not above gtol = {gtol:.3g}.",
        VALUE: f"Converged: the last step lowered the value by no more than ftol = {ftol:.3g} of it.",
        ITERATIONS: f"Not converged in maxiter = {most[0]} iterations: the gradient's largest number is {size:.3g}.",
        EVALUATIONS: f"Not converged in maxfun = {most[1]} evaluations: the gradient's largest number is {size:.3g}.",
        SEARCH: (
            f"Not converged: no lower value was found along the last direction; the gradient's largest number is "
            f"{size:.3g}. Either rounding in the value hides a decrease, or the gradient contradicts it: "
            "schuss.check_grad(fun, x) tells."
        ),
        UNBOUNDED: "The value seems to have no lower bound: it is below -1e300.",
        STOPPED: f"Stopped by the callback: the gradient's largest number is {size:.3g}.",
        TIME: f"Not converged within the time limit: the gradient's largest number is {size:.3g}.",
    }[status]
