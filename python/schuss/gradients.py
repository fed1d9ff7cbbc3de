"""Sparse gradients: rows of an array, or single coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowGrad:
    """Gradient of some rows (axis-0 slices) of an array; the other rows have none.

    A row may be named more than once: its gradients are summed, in the order given, before the rule sees them.

    Parameters
    ----------
    ids : array of int32, int64, uint32 or uint64, shape (k,)
        Row numbers, 0 <= id < rows.
    values : array of the parameter's dtype, shape (k, *row shape)
        One gradient for each id; shape (k,) where the parameter has one dimension.

    Example
    -------
    >>> import numpy as np, schuss
    >>> table = np.zeros((1000, 4), np.float32)
    >>> opt = schuss.Optimizer(table, schuss.SGD(lr=1.0))
    >>> opt.step(schuss.RowGrad(np.array([7, 3, 7]), np.ones((3, 4), np.float32)))
    >>> table[[3, 7], 0]
    array([-1., -2.], dtype=float32)

    Differs from
    ------------
    torch's sparse COO gradients, where duplicates are summed only after ``coalesce()``.
    """

    __slots__ = ("ids", "values")

    def __init__(self, ids: NDArray[Any], values: NDArray[Any]) -> None:
        self.ids = np.asarray(ids)
        self.values = np.asarray(values)

    def __repr__(self) -> str:
        return f"RowGrad({self.ids.size} ids, values {self.values.shape} {self.values.dtype})"


class CoordGrad:
    """Gradient of scattered coordinates of an array; the others have none.

    Duplicates are summed, in the order given, before the rule sees them.

    Parameters
    ----------
    index : array of int32, int64, uint32 or uint64, shape (k,)
        Flat positions in C order, 0 <= index < size.
    values : array of the parameter's dtype, shape (k,)

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.zeros((2, 3))
    >>> opt = schuss.Optimizer(w, schuss.SGD(lr=1.0))
    >>> opt.step(schuss.CoordGrad(np.array([5]), np.array([2.0])))
    >>> w
    array([[ 0.,  0.,  0.],
           [ 0.,  0., -2.]])

    Differs from
    ------------
    scipy.sparse arrays, which may be given as they are and count as their stored entries.
    """

    __slots__ = ("index", "values")

    def __init__(self, index: NDArray[Any], values: NDArray[Any]) -> None:
        self.index = np.asarray(index)
        self.values = np.asarray(values)

    def __repr__(self) -> str:
        return f"CoordGrad({self.index.size} coordinates, {self.values.dtype})"
