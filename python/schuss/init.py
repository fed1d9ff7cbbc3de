"""Start values of tables: functions of (seed, row) alone, so that a row is the same whatever was made before it."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _cold
from .threads import get_threads

Array = NDArray[Any]
Init = Callable[[Array, int, int], None]


@dataclass(frozen=True)
class Drawn:
    """Random or constant start values; call it with an array of rows to fill, the seed and the first row's number."""

    kind: str
    a: float
    b: float

    def __call__(self, rows: Array, seed: int, first: int) -> None:
        if self.kind == "constant":
            rows[...] = self.a
        else:
            _cold.fill_rows(rows, int(self.kind == "uniform"), self.a, self.b, seed, first, get_threads())

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "a": self.a, "b": self.b}


def normal(std: float = 0.01, mean: float = 0.0) -> Drawn:
    """Normal numbers of this standard deviation (Box & Muller 1958).

    >>> import schuss
    >>> t = schuss.Table(1000, 4, schuss.SGD(), init=schuss.init.normal(0.5))
    >>> bool(0.45 < t.weights.std() < 0.55)
    True
    """
    return Drawn("normal", _finite("mean", mean), _finite("std", std, least=0.0))


def uniform(low: float = -0.01, high: float = 0.01) -> Drawn:
    """Uniform numbers from low to high.

    >>> import schuss
    >>> t = schuss.Table(10, 4, schuss.SGD(), init=schuss.init.uniform(1.0, 2.0))
    >>> bool((t.weights >= 1).all() and (t.weights < 2.001).all())
    True
    """
    if not _finite("low", low) <= _finite("high", high):
        raise ValueError(f"high: expected at least low={low}, got {high}")
    return Drawn("uniform", float(low), float(high))


def constant(value: float) -> Drawn:
    """The same number everywhere.

    >>> import schuss
    >>> schuss.Table(1, 2, schuss.SGD(), init=schuss.init.constant(3)).weights
    array([[3., 3.]], dtype=float32)
    """
    return Drawn("constant", _finite("value", value), 0.0)


def zeros() -> Drawn:
    """Zeros, the start of linear models.

    >>> import schuss
    >>> schuss.Table(1, 2, schuss.SGD(), init=schuss.init.zeros()).weights
    array([[0., 0.]], dtype=float32)
    """
    return constant(0.0)


def from_json(data: Any) -> Drawn | None:
    """What to_json wrote; None for a user's own function."""
    return Drawn(data["kind"], data["a"], data["b"]) if data else None


def check(init: Any) -> None:
    """Raises unless it can fill rows."""
    if not callable(init):
        raise TypeError(
            f"init: expected schuss.init.normal(...) or a function f(rows, seed, first) that fills rows, "
            f"got {type(init).__name__}"
        )


def _finite(name: str, value: object, least: float = -math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    if not math.isfinite(float(value)) or float(value) < least:
        raise ValueError(f"{name}: expected a finite number{'' if least < 0 else ' >= 0'}, got {value!r}")
    return float(value)


def rows_of(init: Init, seed: int, first: int, count: int, dim: int, dtype: Any) -> Array:
    """Start values of rows first, first + 1, ... as an array."""
    rows = np.empty((count, dim), dtype)
    init(rows, seed, first)
    return rows
