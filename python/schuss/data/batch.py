"""Batches: blocks of examples as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .. import _cold

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """A block of n examples: rows of a sparse matrix with labels, as arrays that are not to be changed.

    Example i has the entries indptr[i] .. indptr[i + 1] - 1; its score is a function of their ids, values and fields.

    Parameters
    ----------
    indptr : int64, shape (n + 1,)
        Where examples start; from 0.
    ids : uint32, shape (entries,)
        Features, each below 2**bits.
    values : float32, shape (entries,), or None
        None: all are 1; never an array of ones.
    fields : uint16, shape (entries,), or None
        None: features have no fields. Within an example no (id, field) comes twice: their values have been summed.
    labels : float32, shape (n,), or None
        None: unknown.
    weights : float32, shape (n,), or None
        None: all are 1; never an array of ones.
    repeats : uint8, shape (n,)
        1 where an id comes more than once in the example, in different fields.

    Returns
    -------
    The batch. `len(batch)` is n; `batch[a:b]` are some of its examples. Use :meth:`of` for arrays of your own, which
    checks them: this constructor does not.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.data import Batch
    >>> batch = Batch.of([0, 2, 3], [7, 1, 7], labels=[1, 0], bits=3)
    >>> batch
    Batch(2 examples, 3 entries)
    >>> batch[1:].ids
    array([7], dtype=uint32)
    """

    indptr: Array
    ids: Array
    values: Array | None
    fields: Array | None
    labels: Array | None
    weights: Array | None
    repeats: Array

    def __len__(self) -> int:
        return len(self.repeats)

    def __repr__(self) -> str:
        return f"Batch({len(self)} examples, {len(self.ids)} entries)"

    def __getitem__(self, examples: slice) -> Batch:
        if not isinstance(examples, slice):
            raise TypeError(f"batch: expected a slice of examples, got {type(examples).__name__}; use batch[i:i + 1]")
        first, last, step = examples.indices(len(self))
        if step != 1:
            raise ValueError(f"batch: expected a slice with step 1, got {step}")
        last = max(first, last)
        a, b = int(self.indptr[first]), int(self.indptr[last])
        return Batch(
            self.indptr[first : last + 1] - a,
            self.ids[a:b],
            _unless_ones(None if self.values is None else self.values[a:b]),
            None if self.fields is None else self.fields[a:b],
            None if self.labels is None else self.labels[first:last],
            _unless_ones(None if self.weights is None else self.weights[first:last]),
            self.repeats[first:last],
        )

    def taken(self, order: Any) -> Batch:
        """The examples `order[0], order[1], ...`, each number below n.

        Example
        -------
        >>> from schuss.data import Batch
        >>> Batch.of([0, 2, 3], [7, 1, 5], bits=3).taken([1, 0]).ids
        array([5, 7, 1], dtype=uint32)
        """
        rows = _whole("order", order, np.int64, 0, len(self), f"the number of examples, {len(self)}")
        indptr, ids, values, fields = _cold.gather(self.indptr, self.ids, self.values, self.fields, rows)
        return Batch(
            indptr,
            ids,
            _unless_ones(values),
            fields,
            None if self.labels is None else self.labels[rows],
            _unless_ones(None if self.weights is None else self.weights[rows]),
            self.repeats[rows],
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(a.nbytes for f in fields(self) if (a := getattr(self, f.name)) is not None)

    @classmethod
    def of(
        cls,
        indptr: Any,
        ids: Any,
        values: Any = None,
        fields: Any = None,
        labels: Any = None,
        weights: Any = None,
        *,
        bits: int,
    ) -> Self:
        """A batch of arrays of your own, checked; equal (id, field) of an example are merged by summing their values.

        Parameters
        ----------
        indptr, ids, values, fields, labels, weights : arrays or sequences
            As in :class:`Batch`, of any type of number that can be converted without loss of meaning.
        bits : int
            ids must be below 2**bits; 1 to 32.

        Returns
        -------
        The batch; arrays that already have the right type are not copied.

        Raises
        ------
        TypeError, ValueError, IndexError
            For an array of the wrong kind; of the wrong shape or value; for an id out of range. The message names it.

        Example
        -------
        >>> from schuss.data import Batch
        >>> Batch.of([0, 3], [5, 2, 5], [1.0, 2.0, 3.0], bits=3).values
        array([4., 2.], dtype=float32)
        """
        check_bits(bits)
        starts = _whole("indptr", indptr, np.int64, 0, 2**62)
        if len(starts) == 0:
            raise ValueError("indptr: expected n + 1 numbers, got none; an empty batch has [0]")
        index = _whole("ids", ids, np.uint32, 0, 2**bits, f"2**bits = {2**bits}; use more bits or hash the ids")
        if starts[0] != 0 or (np.diff(starts) < 0).any() or starts[-1] != len(index):
            raise ValueError(f"indptr: expected to rise from 0 to len(ids) = {len(index)}, got {_short(starts)}")
        n = len(starts) - 1
        numbers = None if values is None else _real("values", values, len(index))
        places = None if fields is None else _whole("fields", fields, np.uint16, 0, 2**16, "65536")
        if places is not None and len(places) != len(index):
            raise ValueError(f"fields: expected shape ({len(index)},) as ids, got ({len(places)},)")
        weight = None if weights is None else _real("weights", weights, n)
        if weight is not None and (weight < 0).any():
            raise ValueError(f"weights: expected at least 0, got {weight.min()}")
        merged = _cold.merge(starts, index, numbers, places)
        return cls(
            *merged[:2],
            _unless_ones(merged[2]),
            merged[3],
            None if labels is None else _real("labels", labels, n),
            _unless_ones(weight),
            merged[4],
        )

    @classmethod
    def from_csr(cls, matrix: Any, labels: Any = None, weights: Any = None, *, bits: int) -> Self:
        """A batch of a scipy.sparse matrix in CSR form; its columns are the ids.

        Parameters
        ----------
        matrix : scipy.sparse CSR matrix or array, shape (n, columns)
            columns at most 2**bits. Another sparse form is converted by its own `tocsr`.
        labels, weights : arrays, shape (n,), optional
        bits : int

        Raises
        ------
        TypeError, ValueError
            For anything that is not sparse or has too many columns.

        Example
        -------
        >>> import numpy as np, scipy.sparse
        >>> from schuss.data import Batch
        >>> Batch.from_csr(scipy.sparse.csr_array(np.eye(3)), [0, 1, 0], bits=2)
        Batch(3 examples, 3 entries)
        """
        if not hasattr(matrix, "tocsr"):
            raise TypeError(f"matrix: expected a scipy.sparse matrix, got {type(matrix).__name__}; use csr_array(...)")
        csr = matrix.tocsr()
        check_bits(bits)
        if csr.shape[1] > 2**bits:
            raise ValueError(f"matrix: expected at most 2**bits = {2**bits} columns, got {csr.shape[1]}; use more bits")
        end = int(csr.indptr[-1])
        return cls.of(csr.indptr, csr.indices[:end], csr.data[:end], None, labels, weights, bits=bits)

    @classmethod
    def join(cls, batches: Iterable[Batch]) -> Self:
        """One batch of several, in order; all must have fields and labels, or none.

        Example
        -------
        >>> from schuss.data import Batch
        >>> a = Batch.of([0, 1], [7], bits=3)
        >>> Batch.join([a, a]).indptr
        array([0, 1, 2])
        """
        some = list(batches)
        if not some:
            raise ValueError("batches: expected at least one, got none")
        for name in ("fields", "labels"):
            if len({getattr(b, name) is None for b in some}) > 1:
                raise ValueError(f"batches: expected {name} in all of them or in none, got some of each")
        shifts = np.cumsum([0] + [len(b.ids) for b in some])
        indptr = [b.indptr[1:] + shift for b, shift in zip(some, shifts, strict=False)]
        return cls(
            np.concatenate([np.zeros(1, np.int64), *indptr]),
            np.concatenate([b.ids for b in some]),
            _filled([b.values for b in some], [len(b.ids) for b in some]),
            _joined([b.fields for b in some]),
            _joined([b.labels for b in some]),
            _filled([b.weights for b in some], [len(b) for b in some]),
            np.concatenate([b.repeats for b in some]),
        )


def check_bits(bits: int) -> int:
    """The number itself, if it can be one of bits."""
    if isinstance(bits, bool) or not isinstance(bits, int):
        raise TypeError(f"bits: expected a whole number, got {type(bits).__name__}")
    if not 1 <= bits <= 32:
        raise ValueError(f"bits: expected 1 to 32, got {bits}")
    return bits


def _unless_ones(a: Array | None) -> Array | None:
    return None if a is None or bool((a == 1).all()) else a


def _joined(arrays: list[Array | None]) -> Array | None:
    given = [a for a in arrays if a is not None]
    return np.concatenate(given) if given else None


def _filled(arrays: list[Array | None], lengths: list[int]) -> Array | None:
    if all(a is None for a in arrays):
        return None
    filled = [np.ones(n, np.float32) if a is None else a for a, n in zip(arrays, lengths, strict=True)]
    return np.concatenate(filled)


def _flat(name: str, given: Any) -> Array:
    a = np.asarray(given)
    if a.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, got shape {a.shape}; use .ravel()")
    return a


def _whole(name: str, given: Any, dtype: Any, low: int, high: int, limit: str = "") -> Array:
    a = _flat(name, given)
    if a.dtype.kind not in "iu" and a.size:
        raise TypeError(f"{name}: expected whole numbers, got {a.dtype}; use .astype(numpy.{np.dtype(dtype).name})")
    if a.size and (int(a.min()) < low or int(a.max()) >= high):
        bad = int(a.min()) if int(a.min()) < low else int(a.max())
        raise IndexError(f"{name}: expected {low} to below {limit or high}, got {bad}")
    return np.ascontiguousarray(a, dtype)


def _real(name: str, given: Any, n: int) -> Array:
    a = _flat(name, given)
    if a.dtype.kind not in "iufb" and a.size:
        raise TypeError(f"{name}: expected real numbers, got {a.dtype}")
    if len(a) != n:
        raise ValueError(f"{name}: expected shape ({n},), got {a.shape}")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(a, np.float32)
    finite = np.isfinite(numbers)
    if not finite.all():
        at = int(np.argmin(finite))
        raise ValueError(f"{name}: expected finite numbers, got {a[at]} at {at}")
    return numbers


def _short(a: Array) -> str:
    return np.array2string(a, threshold=6)
