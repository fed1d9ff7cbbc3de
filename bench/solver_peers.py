"""The solvers that `bench/solvers.py` compares, all called in one way: a function, a start, a number of iterations."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import schuss

MEMORY = 10
Fun = Callable[[Any], tuple[float, Any]]
Run = Callable[[Fun, Any, int], object]


class Watched:
    """A function that remembers when it was entered and left: what lies between is the solver's."""

    def __init__(self, fun: Fun) -> None:
        self.fun, self.entered, self.left = fun, [], []  # type: Fun, list[float], list[float]

    def __call__(self, x: Any) -> tuple[float, Any]:
        """Value and gradient."""
        self.entered.append(time.perf_counter())
        told = self.fun(x)
        self.left.append(time.perf_counter())
        return told

    def gaps(self, skip: int) -> list[float]:
        """Seconds between calls, without the first ones, where histories are not full yet."""
        return [b - a for a, b in zip(self.left[skip:-1], self.entered[skip + 1 :], strict=True)]


class Traced:
    """A function that remembers its values and the largest numbers of its gradients, with an l1 term if it has one."""

    def __init__(self, fun: Fun, l1: float = 0.0) -> None:
        self.fun, self.l1, self.values, self.sizes = fun, l1, [], []  # type: Fun, float, list[float], list[float]

    def __call__(self, x: Any) -> tuple[float, Any]:
        """Value and gradient, without the term."""
        f, g = self.fun(x)
        v = np.where(x > 0, g + self.l1, np.where(x < 0, g - self.l1, np.sign(g) * np.maximum(abs(g) - self.l1, 0)))
        self.values.append(f + self.l1 * float(np.abs(x).sum()))
        self.sizes.append(float(np.abs(v).max()))
        return f, g

    def met(self, gtol: float) -> int:
        """How many calls it took; 0 if that was not reached."""
        return next((k + 1 for k, size in enumerate(self.sizes) if size <= gtol), 0)


def has(package: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(package) is not None


def by_schuss(fun: Fun, x0: Any, iterations: int, threads: int) -> object:
    """L-BFGS of this library."""
    return schuss.minimize(fun, x0, gtol=0.0, maxiter=iterations, threads=threads, memory=MEMORY)


def by_scipy(fun: Fun, x0: Any, iterations: int) -> object:
    """L-BFGS-B without bounds."""
    from scipy.optimize import minimize

    options = {"maxiter": iterations, "gtol": 0.0, "ftol": 0.0, "maxcor": MEMORY}
    return minimize(fun, x0, jac=True, method="L-BFGS-B", options=options)


def by_liblbfgs(fun: Fun, x0: Any, iterations: int, l1: float = 0.0, adopted: Callable[[], None] = lambda: None) -> Any:
    """liblbfgs through PyLBFGS; its own measure of the gradient is switched off."""
    from lbfgs import LBFGS, LBFGSError

    solver = LBFGS()
    solver.m, solver.max_iterations, solver.epsilon, solver.orthantwise_c = MEMORY, iterations, 1e-14, l1
    if l1:
        solver.linesearch = "wolfe"

    def told(x: Any, g: Any) -> float:
        f, own = fun(x)
        g[:] = own
        return f

    def progress(*_: Any) -> int:
        adopted()
        return 0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has ended because of max_iterations
        try:
            return solver.minimize(told, np.array(x0), progress)
        except LBFGSError as error:
            return error


def by_torch(fun: Fun, x0: Any, iterations: int, threads: int) -> object:
    """torch.optim.LBFGS with its strong Wolfe search."""
    import torch

    torch.set_num_threads(threads)
    x = torch.nn.Parameter(torch.from_numpy(np.array(x0)))
    x.grad = torch.zeros_like(x)
    optimizer = torch.optim.LBFGS(
        [x], max_iter=iterations, max_eval=10**6, tolerance_grad=0.0, tolerance_change=0.0, history_size=MEMORY,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        f, g = fun(x.detach().numpy())
        assert x.grad is not None
        x.grad.copy_(torch.from_numpy(np.asarray(g)))
        return f

    optimizer.step(closure)  # type: ignore[arg-type]
    return optimizer


@functools.cache
def _lbfgspp() -> Path | None:
    """The program that measures LBFGSpp, compiled once; None where it cannot be."""
    out = Path(tempfile.mkdtemp(prefix="schuss-bench-")) / "lbfgspp"
    source = Path(__file__).with_name("lbfgspp.cpp")
    command = ["g++", "-O3", "-march=native", "-DNDEBUG", "-I/usr/include/eigen3", str(source), "-o", str(out)]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return out


def lbfgspp_gaps(x0: Any, iterations: int) -> list[float] | None:
    """Seconds between calls of the same function, measured within a program of C++; None without LBFGSpp."""
    program = _lbfgspp()
    if program is None:
        return None
    command = [str(program), str(x0.size), str(MEMORY), str(iterations)]
    told = subprocess.run(
        command, input=np.ascontiguousarray(x0, np.float64).tobytes(), capture_output=True, check=True
    )
    return [float(line) for line in told.stdout.split()]


def contenders(threads: Sequence[int]) -> dict[str, Run]:
    """Those that are installed."""
    found: dict[str, Run] = {
        f"schuss {t}": lambda f, x, k, t=t: by_schuss(f, x, k, t)  # type: ignore[misc]
        for t in threads
    }
    found["SciPy"] = by_scipy
    if has("lbfgs"):
        found["liblbfgs"] = by_liblbfgs
    if has("torch"):
        found |= {f"torch {t}": lambda f, x, k, t=t: by_torch(f, x, k, t) for t in threads}  # type: ignore[misc]
    return found
