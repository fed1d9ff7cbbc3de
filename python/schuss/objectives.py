"""Losses of linear models over sparse batches, in C++ with threads, for `minimize` and the solvers.

    f(x) = sum of w_i loss(z_i, label_i) + l2 / 2 |x|^2,   z_i = sum of value x[id] over row i (+ intercept)

The l2 term is over columns that the batch has; those it has not are never read or written. Sums, not means: l2 here is
1 / C of scikit-learn. Results are the same bits for any number of threads.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from . import _cold, _level
from .settings import check_number, whole
from .threads import check_threads, get_threads

Array = npt.NDArray[Any]


class Objective:
    """What all losses share: the batch, checked once, and the call."""

    _loss: ClassVar[int]

    def __init__(
        self,
        data: Any,
        labels: Any,
        *,
        columns: int | None = None,
        weights: Any = None,
        l2: float = 0.0,
        intercept: bool = False,
        threads: int | None = None,
    ) -> None:
        start, ids, values, own_columns = _parts(data)
        rows = len(start) - 1
        self.columns = own_columns if columns is None else whole("columns", columns, 1, 2**31 - 1)
        if len(ids) and (ids.min() < 0 or ids.max() >= self.columns):
            raise IndexError(f"ids: expected 0 to {self.columns - 1}, got {ids.min()} to {ids.max()}; give columns=")
        check_number("l2", l2, lambda v: 0 <= v < math.inf, "a number >= 0")
        if threads is not None:
            check_threads(threads)
        self._threads = threads
        label, self.classes = self._labels(_numbers("labels", labels, rows))
        weight = None if weights is None else _numbers("weights", weights, rows)
        if weight is not None and (weight < 0).any():
            raise ValueError("weights: expected numbers >= 0, got some below")
        self._shape = (self.columns + bool(intercept),) + (() if self.classes == 1 else (self.classes,))
        self._batch = _cold.Batch(
            _level.table, self._loss, start, ids, values, label, weight,
            self.columns, self.classes, bool(intercept), float(l2),
        )  # fmt: skip
        self._gradient: Array = np.zeros(0)

    def _labels(self, labels: Array) -> tuple[Array, int]:
        return labels, 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of x: (columns,), one more with an intercept, which comes last; with classes (columns, classes)."""
        return self._shape

    @property
    def seen(self) -> int:
        """How many columns the batch has."""
        n: int = self._batch.seen
        return n

    def start(self, dtype: Any = np.float64) -> Array:
        """Zeros of the shape of x."""
        return np.zeros(self._shape, dtype)

    def penalty(self, l1: float) -> Array:
        """An l1 for `minimize` and `OWLQN` that leaves the intercept free: l1 for each column, 0 for the intercept.

        Example
        -------
        >>> import numpy as np, schuss
        >>> fun = schuss.objectives.Squared(np.eye(2), [5, 3], intercept=True)
        >>> fun.penalty(2.0)
        array([2., 2., 0.])
        >>> schuss.minimize(fun, fun.start(), l1=fun.penalty(2.0)).x.round(4)
        array([0., 0., 4.])
        """
        weights = np.full(self._shape, float(l1))
        weights[self.columns :] = 0
        return weights

    def __call__(self, x: Any) -> tuple[float, Array]:
        """Value and gradient at x; the gradient's memory is the objective's own, valid until the next call."""
        a = np.asarray(x)
        if a.dtype not in (np.float32, np.float64):
            raise TypeError(f"x: expected float32 or float64, got {a.dtype}")
        if a.shape != self._shape:
            raise ValueError(f"x: expected shape {self._shape}, got {a.shape}")
        if self._gradient.dtype != a.dtype or self._gradient.shape != a.shape:
            self._gradient = np.zeros(self._shape, a.dtype)
        own = get_threads() if self._threads is None else self._threads
        f = self._batch.evaluate(np.ascontiguousarray(a).reshape(-1), self._gradient.reshape(-1), own)
        return f, self._gradient


class Logistic(Objective):
    """Logistic regression of two classes.

        loss = log(1 + exp(-y z)),   y = -1 or 1

    Parameters
    ----------
    data : scipy.sparse matrix, array, or (indptr, ids, values)
        Rows of examples; values may be None: all are 1. Copied, twice: by rows and by columns.
    labels : array
        Two classes: 0 and 1, or -1 and 1.
    columns : int
        How many columns x has, where not the matrix says it.
    weights : array
        Of the examples, >= 0.
    l2 : float
        Of the l2 term; the intercept has none.
    intercept : bool
        Whether x has one more number, its last, that is added to all scores.
    threads : int or None
        Results do not depend on it.

    Returns
    -------
    `objective(x)` is (f, g).

    Raises
    ------
    TypeError, ValueError, IndexError for data that do not fit.

    Example
    -------
    >>> import numpy as np, schuss
    >>> fun = schuss.objectives.Logistic(np.array([[1.0, 0], [0, 1], [1, 1]]), [1, 0, 1], l2=0.1)
    >>> result = schuss.minimize(fun, fun.start())
    >>> result.success, result.x.round(3)
    (True, array([ 2.514, -0.974]))

    Reference: Fan et al., LIBLINEAR, JMLR 9, 2008.
    Differs from: scikit-learn, which has C = 1 / l2 and lists the intercept apart.
    """

    _loss = 0

    def _labels(self, labels: Array) -> tuple[Array, int]:
        kinds = set(np.unique(labels).tolist())
        if not (kinds <= {0.0, 1.0} or kinds <= {-1.0, 1.0}):
            raise ValueError(f"labels: expected 0 and 1, or -1 and 1, got {sorted(kinds)[:5]}")
        return np.where(labels > 0, 1.0, -1.0), 1


class Squared(Objective):
    """Least squares (ridge regression with l2).

        loss = (z - label)^2 / 2

    Parameters, Returns, Raises: as `Logistic`; labels are any finite numbers.

    Example
    -------
    >>> import numpy as np, schuss
    >>> fun = schuss.objectives.Squared(np.array([[1.0, 0], [0, 2]]), [1, 4])
    >>> schuss.minimize(fun, fun.start()).x.round(5)
    array([1., 2.])
    """

    _loss = 1


class Poisson(Objective):
    """Poisson regression with the log link.

        loss = exp(z) - label z

    Parameters, Returns, Raises: as `Logistic`; labels are numbers >= 0.

    Example
    -------
    >>> import numpy as np, schuss
    >>> fun = schuss.objectives.Poisson(np.ones((4, 1)), [1, 2, 3, 2])
    >>> np.exp(schuss.minimize(fun, fun.start()).x).round(5)
    array([2.])

    Differs from: scikit-learn's PoissonRegressor, which means over examples.
    """

    _loss = 2

    def _labels(self, labels: Array) -> tuple[Array, int]:
        if (labels < 0).any():
            raise ValueError(f"labels: expected numbers >= 0, got {labels.min()}")
        return labels, 1


class Softmax(Objective):
    """Logistic regression of many classes.

        loss = log(sum of exp(z_c)) - z_label

    Parameters, Returns, Raises: as `Logistic`; labels are whole numbers from 0, x has the shape (columns, classes).

    Example
    -------
    >>> import numpy as np, schuss
    >>> fun = schuss.objectives.Softmax(np.eye(3), [0, 1, 2], l2=0.1)
    >>> schuss.minimize(fun, fun.start()).x.argmax(1)
    array([0, 1, 2])
    """

    _loss = 3

    def _labels(self, labels: Array) -> tuple[Array, int]:
        classes = int(labels.max()) + 1 if len(labels) else 0
        if classes < 2 or (labels < 0).any() or (labels != np.floor(labels)).any():
            raise ValueError("labels: expected whole numbers from 0, of two classes or more")
        return labels, classes


def _parts(data: Any) -> tuple[Array, Array, Array | None, int]:
    if isinstance(data, tuple):
        if len(data) != 3:
            raise ValueError(f"data: expected (indptr, ids, values), got {len(data)} items")
        start, ids, values = data
        width = None
    elif hasattr(data, "tocsr"):
        rows = data.tocsr()
        start, ids, values, width = rows.indptr, rows.indices, rows.data, int(rows.shape[1])
    else:
        dense = np.asarray(data)
        if dense.ndim != 2 or dense.dtype.kind not in "fiub":
            raise TypeError("data: expected a sparse matrix, an array of two dimensions, or (indptr, ids, values)")
        there = dense != 0
        start = np.concatenate([[0], np.cumsum(there.sum(1))])
        ids, values, width = np.nonzero(there)[1], dense[there], dense.shape[1]
    start, ids = (np.ascontiguousarray(a) for a in (start, ids))
    for name, a in (("indptr", start), ("ids", ids)):
        if a.ndim != 1 or a.dtype.kind not in "iu":
            raise TypeError(f"{name}: expected whole numbers in one dimension, got {a.dtype} in {a.ndim}")
    start, ids = start.astype(np.int64), ids.astype(np.int64)
    if len(start) < 2 or start[0] != 0 or start[-1] != len(ids) or (np.diff(start) < 0).any():
        raise ValueError(f"indptr: expected to rise from 0 to {len(ids)}, the number of ids")
    if values is not None:
        values = np.ascontiguousarray(values)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        if values.shape != ids.shape:
            raise ValueError(f"values: expected shape {ids.shape}, got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError("values: expected finite numbers")
        if (values == 1).all():
            values = None
    return start, ids, values, int(ids.max()) + 1 if width is None and len(ids) else width or 1


def _numbers(name: str, given: Any, rows: int) -> Array:
    a = np.asarray(given)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got {a.dtype}")
    if a.shape != (rows,):
        raise ValueError(f"{name}: expected shape {(rows,)}, one for a row, got {a.shape}")
    a = np.ascontiguousarray(a, np.float64)
    if not np.isfinite(a).all():
        raise ValueError(f"{name}: expected finite numbers")
    return a
