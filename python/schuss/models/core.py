"""What LR, FM and FFM share, inside: settings, tables, the learner, one batch at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..settings import check_number, whole
from ..threads import check_threads, get_threads
from . import learner, losses
from .history import History
from .part import FROZEN, Part, joined
from .rules import Given, at_rate, rules_of, start_scale

if TYPE_CHECKING:
    from ..data import Batch, Format
    from .file import Rows

Array = NDArray[Any]
Loss = Literal["logistic", "squared", "hinge", "poisson"]
Mode = Literal["hogwild", "deterministic"]
MODES = ("hogwild", "deterministic")


class Options(TypedDict, total=False):
    """Keywords that all models take; see `LR`."""

    rule: Given
    loss: Loss
    l1: float | None
    l2: float | None
    normalise: bool
    threads: int | None
    mode: Mode
    seed: int


DEFAULTS: dict[str, Any] = {
    "rule": None,
    "loss": "logistic",
    "l1": None,
    "l2": None,
    "normalise": False,
    "threads": None,
    "mode": "hogwild",
    "seed": 0,
}


class Core:
    """A model's state, and what a batch does to it."""

    kind: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]

    def _set(self, options: Options, *, bits: int, dim: int, fields: int | None, scale: float | None) -> None:
        unknown = sorted(set(options) - set(Options.__annotations__))
        if unknown:
            raise TypeError(
                f"{type(self).__name__}: got an unexpected argument {unknown[0]!r}; common to all models are "
                f"{', '.join(Options.__annotations__)}; rates belong to rules, as in rule=schuss.AdaGrad(lr=0.05)"
            )
        given = {**DEFAULTS, **options}
        loss, mode, normalise, threads = given["loss"], given["mode"], given["normalise"], given["threads"]
        self.bits = whole("bits", bits, 1, 31)
        self.dim = whole("dim", dim, 0 if self.kind == "lr" else 1, 1024)
        self.fields = None if fields is None else whole("fields", fields, 1, 65535)
        self.rules, self.auto = rules_of(given["rule"], self.kind, self.parts, given["l1"], given["l2"])
        for name, value, known in (("loss", loss, losses.LOSSES), ("mode", mode, MODES)):
            if value not in known:
                raise ValueError(f"{name}: expected one of {', '.join(map(repr, known))}, got {value!r}")
        self.loss, self.mode = loss, mode
        if not isinstance(normalise, bool):
            raise TypeError(f"normalise: expected True or False, got {normalise!r}")
        self.normalise = normalise
        self.threads = None if threads is None else check_threads(threads)
        self.seed = whole("seed", given["seed"], 0, 2**63 - 1)
        if scale is not None:
            check_number("scale", scale, lambda x: 0 <= x < math.inf, "a finite number >= 0, or None")
        self.scale = None if scale is None else float(scale)
        self.format: Format | None = None
        self.history = History()
        self.seen = 0  # examples learned
        self.position: dict[str, int] = {"epoch": 0, "examples": 0}  # of the last fit, where a resumed one goes on
        self.slots = True  # False: saved without them, for prediction alone
        self._linear: Part | None = None
        self._factors: Part | None = None
        self._learner: Any = None
        self._resume: tuple[dict[str, Any] | None, Rows] = (None, {})

    def __repr__(self) -> str:
        dim = "" if self.kind == "lr" else f", dim={self.dim}"
        rules = ", ".join(f"{part}={rule!r}" for part, rule in self.rules.items())
        return f"{type(self).__name__}(bits={self.bits}{dim}, {rules}, loss={self.loss!r}; {self.seen} examples seen)"

    def _learn(self, batch: Batch) -> tuple[float, float]:
        """Sum of weighted losses before learning, sum of weights."""
        if not self.slots:
            raise ValueError("model: it was saved without slots, for prediction alone; save with slots=True to go on")
        self._check(batch)
        labels = losses.checked_labels(self.loss, batch.labels)
        if (self.auto or self.scale is None) and batch.ids.size:
            self._choose(batch)
        made = self._ready(batch)
        hogwild = self.mode == "hogwild"
        loss, weight = made.learn(
            batch.indptr,
            batch.ids,
            self._values(batch),
            batch.fields,
            labels,
            batch.weights,
            batch.repeats,
            self.rules["linear"].options(self.seen),
            self.rules["factors"].options(self.seen) if "factors" in self.rules else [],
            self.seen,
            self._thread_count() if hogwild else 1,
            hogwild,
            None,
        )
        self.seen += len(batch)
        self.history.add(self.seen, loss, weight)
        return float(loss), float(weight)

    def _margins(self, batch: Batch) -> Array:
        self._check(batch)
        out = np.empty(len(batch), np.float32)
        self._ready(batch).score(batch.indptr, batch.ids, self._values(batch), batch.fields, self._thread_count(), out)
        return out

    def _values(self, batch: Batch) -> Array | None:
        """The batch's values, of unit length in each example if the model normalises."""
        if not self.normalise:
            return batch.values
        counts = np.diff(batch.indptr)
        squares: Array
        if batch.values is None:
            squares = counts.astype(np.float64)
        else:
            owner = np.repeat(np.arange(len(batch)), counts)
            squares = np.bincount(owner, batch.values.astype(np.float64) ** 2, len(batch))
        length = np.sqrt(np.where(squares > 0, squares, 1.0))
        values = np.repeat(1 / length, counts)
        return (values if batch.values is None else values * batch.values).astype(np.float32)

    def _check(self, batch: Batch) -> None:
        from ..data import Batch

        if not isinstance(batch, Batch):
            raise TypeError(f"batch: expected a schuss.data.Batch, got {type(batch).__name__}; use Batch.of(...)")
        if self.kind == "ffm" and batch.ids.size and batch.fields is None:
            raise ValueError("batch: an FFM needs the field of every entry; give fields, or use FM")
        if self._learner is None or self.auto or self.scale is None:  # else the learner does, before it learns
            self._check_range(batch)

    def _check_range(self, batch: Batch) -> None:
        if batch.ids.size and int(batch.ids.max()) >> self.bits:
            raise IndexError(
                f"batch: id {batch.ids.max()} needs more than bits={self.bits}; make it with the model's bits"
            )
        if self.kind == "ffm" and self.fields is not None and batch.ids.size:
            most = int(batch.fields.max()) if batch.fields is not None else 0
            if most >= self.fields:
                raise IndexError(
                    f"batch: field {most} is beyond the model's fields={self.fields}; give fields={most + 1}"
                )

    def _choose(self, batch: Batch) -> None:
        """Rates and scale that were left open, from the mean absolute sum of a batch's examples."""
        values = self._values(batch)
        total = len(batch.ids) if values is None else float(np.abs(values).sum(dtype=np.float64))
        size = total / len(batch) or 1.0
        for part in self.auto:
            self.rules[part] = at_rate(self.rules[part], self.kind, part, size)
        if self.scale is None:
            self.scale = start_scale(size)
        self.auto = ()
        self._learner = None

    def _ready(self, batch: Batch | None = None) -> Any:
        """The learner; tables are made when they are first needed, since FFM waits for the number of fields."""
        if self._learner is not None:
            return self._learner
        if self._linear is None:
            if self.kind == "ffm" and self.fields is None:
                fields = None if batch is None else batch.fields
                self.fields = 1 if fields is None or not fields.size else int(fields.max()) + 1
            rules = self.rules if self.slots else dict.fromkeys(self.parts, FROZEN)
            rows = 1 << self.bits
            if self.kind == "fm":
                self._linear, self._factors = joined(rules["linear"], rules["factors"], rows, self.dim)
            else:
                self._linear = Part(rules["linear"], rows + 1, 1)
            if self.kind == "ffm":
                self._factors = Part(rules["factors"], rows, self.dim * (self.fields or 1))
        self._learner = learner.new_learner(
            self.kind,
            self.bits,
            self.dim,
            self.fields or 0,
            self._linear,
            self._factors,
            self.loss,
            self.seed,
            self.scale or 0.0,
        )
        return self._learner

    def _thread_count(self) -> int:
        return self.threads or get_threads()
