"""What all solvers share: ask for a point, tell its value and gradient, stop, save, resume."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self, TypedDict

import numpy as np
import numpy.typing as npt

from .. import _level, checkpoint
from ..settings import check_number, whole
from ..threads import check_threads, get_threads
from . import result as states
from .result import Result, sentence

Array = npt.NDArray[Any]
LINES = ("more-thuente", "strong-wolfe", "hager-zhang", "armijo")
FORMS = ("auto", "gram", "loop")
MOST_MEMORY = 100


class Options(TypedDict, total=False):
    """Keywords that all solvers take; see `LBFGS`."""

    gtol: float
    ftol: float
    maxiter: int
    maxfun: int
    noise: float
    line_search: str
    c1: float
    c2: float
    threads: int | None


def as_start(x0: Any) -> Array:
    """A copy of the start: float32 stays, all else becomes float64."""
    x = np.asarray(x0)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"x0: expected real numbers, got {x.dtype}")
    if x.size == 0:
        raise ValueError("x0: expected at least one number, got none")
    x = np.array(x, np.float32 if x.dtype == np.float32 else np.float64, order="C")
    if not np.isfinite(x).all():
        raise ValueError("x0: expected finite numbers; replace NaN and infinities")
    return x


def choice(name: str, value: Any, names: tuple[str, ...]) -> int:
    """The place of a name in its list."""
    if value not in names:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, names))}, got {value!r}")
    return names.index(value)


class Solver(ABC):
    """An ask/tell machine: it never calls a function, so f and g may come from anywhere.

    Subclasses set `_solver`, the machine in C++. Two machines may run in two Python threads, one must not be shared.
    """

    _solver: Any

    def __init__(self, x0: Any, options: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        unknown = set(options) - set(Options.__annotations__)
        if unknown:
            known = ", ".join(Options.__annotations__)
            raise TypeError(f"{type(self).__name__}: unknown option {min(unknown)!r}; known are {known}")
        start = as_start(x0)
        self._shape, self._dtype, self._flat = start.shape, start.dtype, start.ndim == 1
        default = 1e-10 if start.dtype == np.float64 else 1e-5
        self._options = {
            "gtol": 1e-5, "ftol": 0.0, "maxiter": 15000, "maxfun": 30000, "noise": default,
            "line_search": "more-thuente", "c1": 1e-4, "c2": 0.9, "threads": None, **options,
        }  # fmt: skip
        o = self._options
        for name in ("gtol", "ftol", "noise"):
            check_number(name, o[name], lambda v: 0 <= v < math.inf, "a number >= 0")
        check_number("c1", o["c1"], lambda v: 0 < v < 0.5, "a number in (0, 1/2)")
        check_number("c2", o["c2"], lambda v: float(o["c1"]) < v < 1, "a number in (c1, 1)")
        if o["threads"] is not None:
            check_threads(o["threads"])
        self._own = dict(own)
        self._fixed: int | None = o["threads"]
        self._stopped: int | None = None
        self._given = (
            float(o["gtol"]), float(o["ftol"]), float(o["noise"]),
            whole("maxiter", o["maxiter"], 0), whole("maxfun", o["maxfun"], 1),
            choice("line_search", o["line_search"], LINES), float(o["c1"]), float(o["c2"]),
        )  # fmt: skip
        self._solver = self._make(start.reshape(-1))

    @abstractmethod
    def _make(self, start: Array) -> Any:
        """The machine in C++."""

    @property
    def _table(self) -> Any:
        return _level.table

    @property
    def _threads(self) -> int:
        return self._fixed or get_threads()

    def ask(self) -> Array:
        """The point whose value and gradient are wanted: the solver's own memory, read-only, valid until told."""
        x: Array = self._solver.ask()
        return x if self._flat else x.reshape(self._shape)

    def tell(self, f: float, g: Any) -> None:
        """The value and the gradient at the point that `ask` gave.

        ValueError if nothing was asked, if the solver is done, for a wrong shape, and if f or g is not finite at the
        start. Later, points where they are not finite make the step shrink and are never adopted.
        """
        if self._stopped is None and self._solver.offer(f, g, self._fixed or get_threads()):
            return
        if not self._solver.asked or self._stopped is not None or self._solver.wants != 0:
            self._refuse("tell", 0)
        gradient = self._gradient("g", g)
        try:
            value = float(f)
        except TypeError:
            raise TypeError(f"f: expected a number, got {type(f).__name__}") from None
        self._solver.tell(value, gradient, self._threads)

    def _refuse(self, call: str, wants: int) -> None:
        if self.done:
            raise ValueError(f"{call}: the solver is done ({self.message}); read result()")
        if wants != self._solver.wants:
            raise ValueError(f"{call}: the solver waits for {WANTS[self._solver.wants]}")
        raise ValueError(f"{call}: nothing was asked; call ask() before each {call}()")

    def _gradient(self, name: str, g: Any) -> Array:
        a = np.asarray(g)
        if self._flat and a.dtype == self._dtype and a.shape == self._shape and a.flags.c_contiguous:
            return a
        if a.dtype.kind not in "fiu":
            raise TypeError(f"{name}: expected real numbers, got {a.dtype}")
        if a.shape != self._shape:
            raise ValueError(f"{name}: expected shape {self._shape}, got {a.shape}")
        return np.ascontiguousarray(a, self._dtype).reshape(-1)

    def stop(self, status: int = states.STOPPED) -> None:
        """Ends the run; `result` holds the best point so far."""
        if self.status == states.RUNNING:
            self._stopped = status

    @property
    def done(self) -> bool:
        """Whether there is nothing more to ask."""
        done: bool = self._stopped is not None or self._solver.done
        return done

    @property
    def status(self) -> int:
        """See `Result.status`."""
        machine: int = self._solver.status
        return self._stopped if machine == states.RUNNING and self._stopped is not None else machine

    @property
    def message(self) -> str:
        """The status in a sentence."""
        o = self._options
        return sentence(self.status, self._solver.size, o["gtol"], o["ftol"], (o["maxiter"], o["maxfun"]))

    @property
    def iterations(self) -> int:
        """Points adopted."""
        n: int = self._solver.iterations
        return n

    @property
    def evaluations(self) -> int:
        """Points told."""
        n: int = self._solver.evaluations
        return n

    def result(self) -> Result:
        """The best point so far, with its value and gradient."""
        s = self._solver
        x, g = (a.reshape(self._shape).copy() for a in (s.x(), s.g()))
        return Result(x, s.f, g, s.iterations, s.evaluations, self.status, self.message)

    def state_dict(self) -> dict[str, Any]:
        """All there is to the solver, also in mid-search: `arrays` by name and a `header` of plain numbers."""
        header = {
            "solver": type(self).__name__,
            "shape": list(self._shape),
            "dtype": str(self._dtype),
            "options": dict(self._options),
            "own": {k: v for k, v in self._own.items() if not isinstance(v, np.ndarray)},
            "numbers": self._solver.numbers(),
            "stopped": self._stopped,
        }
        return {"header": header, "arrays": self._solver.arrays()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on, bit for bit, where `state_dict` was taken. Kind, shape and options must be the same."""
        header = state["header"]
        mine = {k: v for k, v in self.state_dict()["header"].items() if k not in ("numbers", "stopped")}
        for key, value in mine.items():
            if header.get(key) != value:
                raise ValueError(f"state: {key} is {header.get(key)!r}, this solver's is {value!r}; make it alike")
        self._solver.restore(header["numbers"], dict(state["arrays"]))
        self._stopped = header["stopped"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the state to a safetensors file, as a whole or not at all."""
        state = self.state_dict()
        checkpoint.save(path, state["arrays"], state["header"])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A solver that goes on where `save` was called. ValueError if the file is of another kind of solver."""
        arrays, header = checkpoint.load(path)
        if header.get("solver") != cls.__name__:
            raise ValueError(f"{os.fsdecode(path)}: holds {header.get('solver')!r}, not {cls.__name__!r}")
        solver = cls._again(np.zeros(header["shape"], header["dtype"]), header["own"], arrays, header["options"])
        solver.load_state_dict({"header": header, "arrays": arrays})
        return solver

    @classmethod
    def _again(cls, x0: Array, own: dict[str, Any], arrays: dict[str, Array], options: Options) -> Self:
        make: Any = cls
        solver: Self = make(x0, **own, **options)
        return solver


WANTS = ("tell(f, g)", "tell_hessian(h)", "tell_product(hv)")
