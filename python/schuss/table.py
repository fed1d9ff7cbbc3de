"""Tables: rows by id, each stored with its slots."""

from __future__ import annotations

import contextlib
import math
import os
import weakref
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _cold, _level, init, table_file
from .gradients import RowGrad
from .rules import Rule
from .settings import check_options, whole

if TYPE_CHECKING:
    from .optimizer import NonFinite, Optimizer

Array = NDArray[Any]
MOST = 2**46  # bytes: address space
DTYPES = {"float32": (4, "float32"), "float64": (8, "float64"), "bfloat16": (2, "uint16"), "float16": (2, "float16")}


class Table:
    """rows x dim numbers addressed by id; each row lies in memory beside the slots that its rule keeps for it.

    Parameters
    ----------
    rows, dim : int
        rows may grow later; dim is the width of a row.
    rule : Rule
        Trains the rows; its slots are part of them. Hyper-parameters may change, the kind of rule not.
    dtype : "float32", "float64", "bfloat16" or "float16", default "float32"
        Of the weights. Slots and arithmetic are float32 for the 16-bit types.
    init : schuss.init.normal(std), uniform(low, high), constant(x), zeros(), or f(rows, seed, first)
        Start values, default normal(0.01). A function fills `rows`, whose first is row number `first`.
    seed : int, default 0
        Of start values and of stochastic rounding.
    sparse : "lazy" or "exact", default "lazy"
        "lazy": a row that has no gradient in a step is left alone, its slots too. "exact": weights and slots are
        those of the dense optimizer, for which an absent row has gradient zero; a row takes the steps it missed, in
        closed form, before it is next looked up, stepped, saved or flushed.
    rounding : "stochastic" or "nearest", default "stochastic"
        How 16-bit weights are stored. Stochastic: unbiased, of (seed, step, row, column) alone.
    path : str or path, optional
        Keeps the table in this file, mapped into memory; it may be larger than memory. An existing file is opened,
        and must have been made with the same dim, dtype and rule. See :meth:`open`.
    nonfinite, clip_norm, clip_value, threads
        As in :class:`~schuss.Optimizer`.

    Returns
    -------
    The table. `weights` and `slots` are views of its memory, never copies.

    Raises
    ------
    TypeError, ValueError, OSError
        For an argument or a file that does not fit; the message names it and the remedy.

    Example
    -------
    >>> import numpy as np, schuss
    >>> t = schuss.Table(1_000_000, 4, schuss.AdaGrad(lr=0.1), init=schuss.init.zeros())
    >>> ids = np.array([7, 3, 7])
    >>> t.update(ids, np.ones((3, 4), np.float32))
    >>> t.lookup(np.array([3, 7, 8]))[:, 0].round(6)
    array([-0.1, -0.1,  0. ], dtype=float32)

    Differs from
    ------------
    torch.nn.Embedding(sparse=True) with SparseAdam, which has lazy steps only and merges duplicates on one core;
    FBGEMM, whose CPU tables have no Adam; both keep slots in arrays of their own, which costs a second cache miss.
    """

    def __init__(
        self,
        rows: int,
        dim: int,
        rule: Rule,
        *,
        dtype: Literal["float32", "float64", "bfloat16", "float16"] = "float32",
        init: Any = None,
        seed: int = 0,
        sparse: Literal["lazy", "exact"] = "lazy",
        rounding: Literal["stochastic", "nearest"] = "stochastic",
        path: str | os.PathLike[str] | None = None,
        nonfinite: NonFinite = "raise",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        threads: int | None = None,
    ) -> None:
        if not isinstance(rule, Rule):
            got = f"the class; use {rule.__name__}(...)" if isinstance(rule, type) else type(rule).__name__
            raise TypeError(f"rule: expected a rule, got {got}")
        self._rows = whole("rows", rows, 0)
        self._dim = whole("dim", dim, 1)
        name = str(getattr(dtype, "__name__", dtype))
        if name not in DTYPES:
            raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
        self._dtype = name
        for name, value, known in (
            ("sparse", sparse, ("lazy", "exact")),
            ("rounding", rounding, ("stochastic", "nearest")),
        ):
            if value not in known:
                raise ValueError(f"{name}: expected {known[0]!r} or {known[1]!r}, got {value!r}")
        self._seed = whole("seed", seed, 0, 2**64 - 1)
        if self._seed >= 2**64:
            raise ValueError(f"seed: expected less than 2**64, got {seed}")
        self._init = _init_of(init)
        self._rule = rule
        self._rounding = rounding
        self._sparse = sparse
        self._options: dict[str, Any] = {
            "nonfinite": nonfinite,
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "threads": threads,
        }
        self._optimizer: weakref.ref[Optimizer] | None = None
        self._own: Optimizer | None = None
        self._opened_at = 0  # steps
        self._path = None if path is None else os.path.abspath(os.fspath(path))
        if sparse == "exact" and (reason := rule.inexact()):
            raise ValueError(f'sparse="exact": {reason}')
        if rule.info["whole"]:
            raise ValueError(
                f"rule: {type(rule).__name__} takes dense gradients only, since it needs sums over all rows at every "
                f"step; use Adam for a table"
            )
        check_options(clip_norm, clip_value, nonfinite, threads)
        self._make()

    @classmethod
    def open(cls, path: str | os.PathLike[str], rule: Rule | None = None, **options: Any) -> Table:
        """Opens a table file as it was made; `rule` may have other hyper-parameters, options are those of Table.

        Raises
        ------
        OSError, ValueError
            If the file is missing, read-only, truncated or no table, has another rule, or was left in the midst of a
            step.
        """
        header = table_file.read(os.fspath(path))
        rule = rule or table_file.rule_of(header, os.fspath(path))
        given = {"dtype": header["dtype"], "seed": header["seed"], "rounding": header["rounding"], **options}
        given.setdefault("init", init.from_json(header["init"]) or _lost)
        return cls(header["rows"], header["dim"], rule, path=path, **given)

    # ---- reading ----------------------------------------------------------------------------------------------

    def lookup(self, ids: Array, out: Array | None = None) -> Array:
        """Rows by id: an array (len(ids), dim), of float32 also for 16-bit tables.

        Parameters
        ----------
        ids : array of int32, int64, uint32 or uint64, shape (k,)
        out : array of that shape and dtype, optional
            Is filled and returned.

        Raises
        ------
        TypeError, ValueError, IndexError
            For ids or `out` of the wrong kind or shape; for an id out of range.
        """
        optimizer, index = self._trainer()
        out = np.empty((_length("ids", ids), self._dim), self._number) if out is None else out
        optimizer._work.lookup(index, ids, None, None, False, out, optimizer._thread_count())
        return out

    def bags(
        self, ids: Array, offsets: Array, weights: Array | None = None, mode: Literal["sum", "mean"] = "sum"
    ) -> Array:
        """Sums (or means) of bags of rows: an array (len(offsets) - 1, dim).

        out[b] = sum over i in offsets[b] .. offsets[b + 1] - 1 of weights[i] * row(ids[i]); "mean" divides by their
        number.

        Parameters
        ----------
        ids : array of whole numbers, shape (k,)
        offsets : array of whole numbers, shape (bags + 1,)
            From 0, ascending, to k.
        weights : array of the table's number type, shape (k,), optional
        mode : "sum" or "mean"

        Example
        -------
        >>> import numpy as np, schuss
        >>> t = schuss.Table(3, 2, schuss.SGD(), init=schuss.init.constant(1.0))
        >>> t.bags(np.array([0, 1, 2]), np.array([0, 2, 3]))[:, 0]
        array([2., 1.], dtype=float32)
        """
        _mode(mode)
        optimizer, index = self._trainer()
        out = np.empty((max(_length("offsets", offsets) - 1, 0), self._dim), self._number)
        optimizer._work.lookup(index, ids, offsets, weights, mode == "mean", out, optimizer._thread_count())
        return out

    @property
    def weights(self) -> Array:
        """The weights as they lie in memory, shape (rows, dim), up to date; bfloat16 shows its bits as uint16.

        FTRL makes a row's weights of its slot z at each step, so what is written here lasts until the row's next one;
        start weights are given by `init`.
        """
        self.flush()
        return self._view(0, DTYPES[self._dtype][1])

    @property
    def slots(self) -> dict[str, Array]:
        """The slots as they lie in memory: (rows, dim) each, (rows,) where a row shares one number."""
        self.flush()
        return self._slot_views()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._rows

    @property
    def dim(self) -> int:
        """Numbers in a row."""
        return self._dim

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dim)."""
        return self._rows, self._dim

    @property
    def dtype(self) -> str:
        """Of the weights."""
        return self._dtype

    @property
    def rule(self) -> Rule:
        """The rule that trains the rows, with its present hyper-parameters."""
        return self._rule

    @property
    def nbytes(self) -> int:
        """Bytes of memory or file."""
        return self._header_bytes + self._rows * self._stride

    @property
    def steps(self) -> int:
        """How many steps the table has taken."""
        return self._trainer()[0].steps

    @property
    def skipped(self) -> int:
        """How many rows were left out for not being finite (nonfinite="skip")."""
        return self._trainer()[0].skipped

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        where = f", path={self._path!r}" if self._path else ""
        return f"Table({self._rows:,} x {self._dim} {self._dtype}, {self._rule!r}, {self.nbytes:,} bytes{where})"

    # ---- training ---------------------------------------------------------------------------------------------

    def update(self, ids: Array, grads: Array) -> None:
        """One step on some rows. A row that is named more than once gets the sum of its gradients, in the order given.

        Parameters
        ----------
        ids : array of int32, int64, uint32 or uint64, shape (k,)
        grads : array of float32 (float64 for float64 tables), shape (k, dim)

        Raises
        ------
        TypeError, ValueError, IndexError
            For ids or gradients of the wrong kind, shape or layout, an id out of range, a gradient that is not
            finite. Then nothing has changed.
        """
        self._solo().step(RowGrad(ids, grads))

    def update_bags(
        self,
        ids: Array,
        offsets: Array,
        grads: Array,
        weights: Array | None = None,
        mode: Literal["sum", "mean"] = "sum",
    ) -> None:
        """One step from the gradients of bags, shape (bags, dim): the other way through :meth:`bags`."""
        _mode(mode)
        for name, array in (("ids", ids), ("offsets", offsets), ("grads", grads)):
            _length(name, array, None if name == "grads" else 1)
        if offsets.dtype.kind not in "iu":
            raise TypeError(f"offsets: expected whole numbers, got {offsets.dtype}")
        if weights is not None:
            _length("weights", weights, None)
            if weights.dtype != self._number:
                raise TypeError(f"weights: expected {self._number}, got {weights.dtype}")
            if weights.shape != ids.shape:
                raise ValueError(f"weights: expected shape {ids.shape}, got {weights.shape}")
        offsets = offsets.astype(np.int64)
        counts = np.diff(offsets)
        if len(offsets) != len(grads) + 1 or offsets[0] != 0 or offsets[-1] != len(ids) or (counts < 0).any():
            raise ValueError(
                f"offsets: expected {len(grads) + 1} borders, from 0 ascending to len(ids) = {len(ids)}, "
                f"got {len(offsets)}"
            )
        values = np.repeat(grads, counts, axis=0)
        if mode == "mean":
            values *= np.repeat(1 / np.maximum(counts, 1), counts)[:, None].astype(values.dtype)
        if weights is not None:
            values *= weights[:, None]
        self.update(ids, values)

    def set(self, **changes: Any) -> None:
        """Changes hyper-parameters of the rule from the next step on, as in ``table.set(lr=0.01)``."""
        self._solo().set(**changes)

    def flush(self) -> None:
        """Brings all rows up to date (exact mode); a mapped table is also what its file says, then."""
        optimizer = self._optimizer() if self._optimizer else self._own
        if optimizer is not None:
            optimizer.flush()

    def sync(self) -> None:
        """Flushes, and waits until a mapped table's file is on the disk."""
        self.flush()
        if self._path:
            self._store.sync(self._path)

    def grow(self, rows: int) -> None:
        """Appends rows: their start values depend on the seed and their number only. Views stay valid, and short.

        Raises
        ------
        ValueError, MemoryError, OSError
            If there are fewer than now, or no room. Then nothing has changed.

        Example
        -------
        >>> import schuss
        >>> t = schuss.Table(2, 3, schuss.SGD(), seed=5)
        >>> t.grow(4)
        >>> bool((t.weights == schuss.Table(4, 3, schuss.SGD(), seed=5).weights).all())
        True
        """
        if whole("rows", rows, 0) < self._rows:
            raise ValueError(f"rows: expected at least the present {self._rows}, got {rows}; a table does not shrink")
        if rows * self._stride >= MOST:
            raise MemoryError(f"rows: {rows} of {self._stride} bytes are beyond any memory")
        before = self._rows
        optimizer, index = self._trainer()
        optimizer.flush()
        self._store.grow(rows, self._path or "")
        self._rows = rows
        try:
            self._fill(before, rows)
        except BaseException:
            self._rows = before
            self._store.grow(before, self._path or "")
            raise
        if self._path:
            table_file.write(self._store, self._text())
        optimizer._grown(index)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes weights and state to one safetensors file: as :meth:`schuss.Optimizer.save`."""
        self._solo().save(path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Reads what :meth:`save` wrote: as :meth:`schuss.Optimizer.load`."""
        self._solo().load(path)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        info = self._rule.info
        size, self._shown = DTYPES[self._dtype]
        self._number = "float64" if self._dtype == "float64" else "float32"
        number = np.dtype(self._number).itemsize
        at = math.ceil(self._dim * size / number) * number
        self._offsets: dict[str, int] = {}
        for name in info["slots"]:
            self._offsets[name] = at
            at += self._dim * number
        for name in info["shared"] if info["group"] == "row" else ():
            self._offsets[name] = at
            at += number
        self._bytes, self._stride = at, _stride(at)
        self._header_bytes = table_file.BYTES if self._path else 0
        old = self._path is not None and os.path.exists(self._path)
        if old:
            self._rows, steps = table_file.check(self._path or "", self._text())
        if self._header_bytes + self._rows * self._stride >= MOST or self._stride >= MOST:
            raise MemoryError(f"rows, dim: {self._rows} x {self._dim} numbers are beyond any memory")
        if self._path and not old:
            table_file.create(self._path, self._text())
        try:
            self._store = _cold.Store(
                self._rows, self._dim, self._stride, self._bytes, self._header_bytes, number == 8,
                ("bfloat16", "float16").index(self._dtype) + 1 if size == 2 else 0, self._rounding == "nearest",
                self._seed, [self._offsets[name] for name in info["slots"]],
                self._offsets[info["shared"][0]] if info["group"] == "row" and info["shared"] else -1, self._path or "",
            )  # fmt: skip
            self._shared = {name: self._one() for name in info["shared"] if info["group"] == "array"}
            if not old:
                self._fill(0, self._rows)
                if self._path:
                    table_file.complete(self._store)
        except BaseException:
            if self._path and not old:
                with contextlib.suppress(OSError):
                    os.unlink(self._path)
            raise
        if old:
            self._opened_at = steps
            self._solo()._work.steps = steps

    def _one(self) -> Array:
        """A number that all rows share; of a mapped table it lies in the file."""
        if not self._path:
            return np.zeros(1, self._number)
        one: Array = self._store.view(self._number, [1], [8], table_file.SHARED)
        return one

    def _text(self) -> dict[str, Any]:
        """What the file says of the table."""
        return {
            "rows": self._rows,
            "dim": self._dim,
            "dtype": self._dtype,
            "stride": self._stride,
            "slots": list(self._offsets),
            "rule": self._rule.to_json(),
            "seed": self._seed,
            "rounding": self._rounding,
            "init": self._init.to_json() if isinstance(self._init, init.Drawn) else None,
        }

    def _fill(self, first: int, last: int) -> None:
        """Start values of rows first .. last - 1, in blocks that stay in the cache."""
        block = max(1, 2**20 // self._dim)
        slots = self._slot_views()
        for at in range(first, last, block):
            end = min(last, at + block)
            rows = init.rows_of(self._init, self._seed, at, end - at, self._dim, self._number)
            self._rule.check(rows, "init")
            self._store.write(_level.table, rows, at, True, self._seed)
            for name, value in self._rule.start(rows).items():
                if name in slots:
                    slots[name][at:end] = value
                else:
                    self._shared[name][...] = value

    def _view(self, offset: int, dtype: str) -> Array:
        item = np.dtype(dtype).itemsize
        strides = [self._stride, item]
        view: Array = self._store.view(dtype, [self._rows, self._dim], strides, self._header_bytes + offset)
        return view

    def _slot_views(self) -> dict[str, Array]:
        views = {name: self._view(self._offsets[name], self._number) for name in self._rule.info["slots"]}
        for name in self._rule.info["shared"]:
            views[name] = (
                self._view(self._offsets[name], self._number)[:, 0] if name in self._offsets else self._shared[name]
            )
        return views

    def _trainer(self) -> tuple[Optimizer, int]:
        """The optimizer that has this table, and its place there; one of its own if there is none yet."""
        optimizer = self._optimizer() if self._optimizer else None
        if optimizer is None:
            optimizer = self._solo()
        return optimizer, optimizer._index_of(self)

    def _solo(self) -> Optimizer:
        from .optimizer import Optimizer

        other = self._optimizer() if self._optimizer else None
        if other is not None and other is not self._own:
            raise ValueError("table: it belongs to an Optimizer; give its gradient to that one's step")
        if self._own is None:
            self._own = Optimizer(self, self._rule, sparse=self._sparse, **self._options)
        return self._own

    def _join(self, optimizer: Optimizer) -> None:
        other = self._optimizer() if self._optimizer else None
        if other is not None and other is self._own and other.steps == self._opened_at and not other._work.waiting:
            other = self._own = None  # it has not trained by itself
        if other is not None and other is not optimizer:
            raise ValueError(
                "params: a table belongs to one Optimizer at a time, and this one has been used with another or by "
                "itself; give it to the Optimizer before its first update"
            )
        self._optimizer = weakref.ref(optimizer)


def _stride(size: int) -> int:
    """Bytes from row to row: the least for which no row touches more cache lines than its size demands."""
    need = math.ceil(size / 64)
    for align in (4, 8, 16, 32, 64):
        stride = math.ceil(size / align) * align
        worst = 64 - math.gcd(stride, 64)  # where in a line a row may start
        if math.ceil((worst + size) / 64) == need:
            return stride
    return need * 64


def _length(name: str, array: object, dims: int | None = 1) -> int:
    """Of an array of ids or borders, before anything is made for it."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(array).__name__}")
    if dims is not None and array.ndim != dims:
        raise ValueError(f"{name}: expected one dimension, got shape {array.shape}")
    return len(array)


def _init_of(given: Any) -> Any:
    if given is None:
        return init.normal(0.01)
    init.check(given)
    return given


def _lost(rows: Array, seed: int, first: int) -> None:
    raise ValueError(
        "init: the file was made with a function, which it cannot hold; give Table.open that init= to grow"
    )


def _mode(mode: object) -> None:
    if mode not in ("sum", "mean"):
        raise ValueError(f"mode: expected 'sum' or 'mean', got {mode!r}")
