"""The solvers as methods of scipy.optimize.minimize: `minimize(fun, x0, jac=True, method=schuss.scipy.lbfgs)`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .solvers import minimize as _minimize
from .solvers.result import Result


def _plugged(name: str) -> Callable[..., Any]:
    def method(
        fun: Any, x0: Any, args: Any = (), jac: Any = None, hess: Any = None, hessp: Any = None, bounds: Any = None,
        constraints: Any = (), callback: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        try:
            optimize = importlib.import_module("scipy.optimize")
        except ImportError as error:
            raise ImportError("schuss.scipy needs SciPy; pip install scipy") from error
        if constraints is not None and constraints != ():
            raise ValueError(f"constraints: method {name!r} has none; use bounds with schuss.scipy.lbfgsb")
        if not callable(jac):
            raise TypeError("jac: expected True or a function; schuss has no numerical gradients")
        for old, new in (("maxcor", "memory"), ("maxls", None), ("disp", None), ("tol", "gtol")):
            if old in options:
                value = options.pop(old)
                if new:
                    options.setdefault(new, value)
        told = _minimize.minimize(
            fun, x0, args if isinstance(args, tuple) else (args,), jac=jac, method=name,
            hess=hess if name == "newton" else None, hessp=hessp if name == "newton-cg" else None, bounds=bounds,
            callback=None if callback is None else lambda r: callback(_as_scipy(optimize.OptimizeResult, r)), **options,
        )  # fmt: skip
        return _as_scipy(optimize.OptimizeResult, told)

    method.__name__ = method.__qualname__ = name.replace("-", "_")
    method.__doc__ = f"Method {name!r} of `schuss.minimize`, for scipy.optimize.minimize(..., method=this function)."
    return method


def _as_scipy(kind: type, r: Result) -> Any:
    counts = {"nit": r.nit, "nfev": r.nfev, "njev": r.nfev}
    return kind(x=r.x, fun=r.fun, jac=r.jac, **counts, status=r.status, success=r.success, message=r.message)


lbfgs = _plugged("lbfgs")
lbfgsb = _plugged("lbfgsb")
owlqn = _plugged("owlqn")
bfgs = _plugged("bfgs")
newton = _plugged("newton")
newton_cg = _plugged("newton-cg")
