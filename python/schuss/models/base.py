"""What LR, FM and FFM share: settings, tables, one batch at a time."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..rules import Rule
from ..settings import check_number
from ..threads import check_threads, get_threads
from . import learner, losses
from .history import History
from .part import FROZEN, Part
from .rules import rules_of

if TYPE_CHECKING:
    from ..data import Batch, Format
    from .file import Rows
    from .report import Report
    from .sources import Data

Array = NDArray[Any]
Loss = Literal["logistic", "squared", "hinge", "poisson"]
Mode = Literal["hogwild", "deterministic"]
MODES = ("hogwild", "deterministic")


class Model:
    """Base of the click models; use :class:`LR`, :class:`FM` or :class:`FFM`."""

    kind: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]

    def _set(
        self,
        *,
        bits: int,
        dim: int,
        fields: int | None,
        rule: Rule | Mapping[str, Rule] | None,
        loss: str,
        l1: float | None,
        l2: float | None,
        normalise: bool,
        threads: int | None,
        mode: str,
        seed: int,
        scale: float,
    ) -> None:
        self.bits = _whole("bits", bits, 1, 31)
        self.dim = _whole("dim", dim, 0 if self.kind == "lr" else 1, 1024)
        self.fields = None if fields is None else _whole("fields", fields, 1, 65535)
        self.rules = rules_of(rule, self.parts, l1, l2)
        for name, value, known in (("loss", loss, losses.LOSSES), ("mode", mode, MODES)):
            if value not in known:
                raise ValueError(f"{name}: expected one of {', '.join(map(repr, known))}, got {value!r}")
        self.loss, self.mode = loss, mode
        if not isinstance(normalise, bool):
            raise TypeError(f"normalise: expected True or False, got {normalise!r}")
        self.normalise = normalise
        self.threads = None if threads is None else check_threads(threads)
        self.seed = _whole("seed", seed, 0, 2**63 - 1)
        check_number("scale", scale, lambda x: 0 <= x < float("inf"), "a finite number >= 0")
        self.scale = float(scale)
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

    # ---- training ---------------------------------------------------------------------------------------------

    def fit(
        self,
        data: Data,
        *,
        format: str | Format | None = None,
        epochs: int = 1,
        valid: Data | None = None,
        patience: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int | None = None,
        strict: bool = False,
        resume: bool = False,
    ) -> Self:
        """Learns all examples of files, a reader or a batch, as they come, `epochs` times.

        Parameters
        ----------
        data : path, list of paths, schuss.data.Reader, CacheReader, Batch, or an iterable of batches
        format : str or schuss.data.Format, optional
            Of files; default: the model's (of its first files), else what their names tell. The model keeps it.
        epochs : int, default 1
            The first goes through the data in their order; later ones are shuffled if they come from a cache or memory.
        valid : as data, optional
            Held out; its mean loss is taken after each epoch.
        patience : int, optional
            Stop after so many epochs in a row that are no better than the best validation loss; the best epoch's
            weights are kept. Needs `valid`, and memory for a second copy of the rows in use.
        cache : path, optional
            Parsed examples are kept here and later epochs read them at memory speed. One that is newer than the files
            and of the same format is used as it is.
        progress : bool, optional
            A bar on the error stream; default: where that is a terminal.
        checkpoint : path, optional
            The model is saved here every `every` examples, after each epoch, at the end and at Ctrl-C, replacing the
            file as a whole.
        every : int, optional
            Examples between checkpoints.
        strict : bool, default False
            Stop at the first malformed line instead of counting it.
        resume : bool, default False
            Go on where the fit that wrote this model stopped, with the same data and epochs: bit for bit in
            deterministic mode.

        Returns
        -------
        The model; `history` has the progressive loss by interval and the validation losses.

        Raises
        ------
        TypeError, ValueError, IndexError
            For arguments and data that cannot be used, for no data at all, and if the loss stops being finite.
        OSError
            If a file cannot be read or written.
        KeyboardInterrupt
            At Ctrl-C, after the checkpoint has been written; the model is as after a batch.

        Example
        -------
        >>> import numpy as np, schuss
        >>> from schuss.data import Batch
        >>> from schuss.models import LR
        >>> batch = Batch.of(np.array([0, 1, 2]), np.array([3, 7], np.uint32), labels=np.array([0, 1]), bits=4)
        >>> LR(bits=4).fit(batch, epochs=10).predict(batch)
        array([0, 1], dtype=uint8)
        """
        from .training import fit

        fit(
            self,
            data,
            format=format,
            epochs=epochs,
            valid=valid,
            patience=patience,
            cache=cache,
            progress=progress,
            path=checkpoint,
            every=every,
            strict=strict,
            resume=resume,
        )
        return self

    # ---- one batch --------------------------------------------------------------------------------------------

    def partial_fit(self, batch: Batch) -> Self:
        """Learns the examples of a batch, in their order.

        Parameters
        ----------
        batch : schuss.data.Batch

        Returns
        -------
        The model. Each example's loss before it was learned has gone into `history`.

        Raises
        ------
        TypeError, ValueError, IndexError
            For anything but a batch, labels that the loss is not defined for, ids of more than `bits`, fields beyond
            the model's; nothing is learned then.
        """
        self._learn(batch)
        return self

    def _learn(self, batch: Batch) -> tuple[float, float]:
        """Sum of weighted losses before learning, sum of weights."""
        if not self.slots:
            raise ValueError("model: it was saved without slots, for prediction alone; save with slots=True to go on")
        self._check(batch)
        losses.check_labels(self.loss, batch.labels)
        made = self._ready(batch)
        hogwild = self.mode == "hogwild"
        loss, weight = made.learn(
            batch.indptr,
            batch.ids,
            self._values(batch),
            batch.fields,
            batch.labels,
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
        self._ready(batch).score(
            batch.indptr, batch.ids, self._values(batch), batch.fields, self._thread_count(), out
        )
        return out

    def _values(self, batch: Batch) -> Array | None:
        """The batch's values, of unit length in each example if the model normalises."""
        if not self.normalise:
            return batch.values
        counts = np.diff(batch.indptr)
        if batch.values is None:
            squares = counts.astype(np.float64)
        else:
            owner = np.repeat(np.arange(len(batch)), counts)
            squares = np.bincount(owner, batch.values.astype(np.float64) ** 2, len(batch))
        length = np.sqrt(np.where(squares > 0, squares, 1.0))
        values = np.repeat(1 / length, counts)
        return (values if batch.values is None else values * batch.values).astype(np.float32)

    # ---- what a model says ------------------------------------------------------------------------------------

    def scores(self, data: Data, format: str | Format | None = None, strict: bool = False) -> Iterator[Array]:
        """Margins, float32, batch by batch: the way to score files larger than memory. Arguments as in `fit`."""
        from .sources import source_of

        for batch in source_of(self, data, format, strict=strict).epoch(0):
            yield self._margins(batch)

    def decision_function(self, data: Data, format: str | Format | None = None) -> Array:
        """Margins of all examples, float32 (n,). `data` and `format` as in `fit`."""
        found = list(self.scores(data, format))
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def predict_proba(self, data: Data, format: str | Format | None = None) -> Array:
        """Probabilities of label 1, 1 / (1 + exp(-margin)), float32 (n,); logistic models alone have them."""
        if self.loss != "logistic":
            raise ValueError(f"predict_proba: the {self.loss} loss gives no probabilities; use predict")
        return losses.probability(self.decision_function(data, format))

    def predict(self, data: Data, format: str | Format | None = None) -> Array:
        """Classes 0 and 1 for logistic and hinge, numbers for squared, rates for poisson; shape (n,)."""
        return losses.prediction(self.loss, self.decision_function(data, format))

    def evaluate(
        self, data: Data, format: str | Format | None = None, *, bins: int = 10, fields: bool = False
    ) -> Report:
        """Loss, AUC, normalised entropy, calibration of labelled data.

        Parameters
        ----------
        data, format
            As in `fit`. Five numbers of each example are kept while it runs.
        bins : int, default 10
            Of the calibration.
        fields : bool, default False
            Also a line for each field, which costs a pass over the examples for each.

        Returns
        -------
        A :class:`~schuss.models.Report`.

        Raises
        ------
        ValueError
            If there are no examples.
        """
        from .report import report
        from .sources import source_of

        return report(self, source_of(self, data, format), bins, fields)

    # ---- files ------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], *, slots: bool = True) -> None:
        """Writes the model as safetensors, rows that are all zero left out; the file is replaced whole or not at all.

        Parameters
        ----------
        path : path
        slots : bool, default True
            False: weights alone, a small file that predicts but cannot be trained further.

        Raises
        ------
        OSError
            If the file cannot be written; the old one is as it was.
        """
        from . import file

        file.save(self, path, slots, *self._resume)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads what `save` or a checkpoint wrote; truncated and foreign files and other versions are a ValueError."""
        from . import file

        model: Self = file.load(path, {cls.kind: cls})
        return model

    def export_text(self, path: str | os.PathLike[str]) -> None:
        """Writes the weights as text: `bias w`, then for each id with a weight `id w v1 v2 ...`, tab-separated.

        FFM has dim numbers for field 0, then dim for field 1, and so on. Numbers have nine digits, enough to read
        them back exactly.
        """
        from .export import export_text

        export_text(self, path)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _check(self, batch: Batch) -> None:
        from ..data import Batch

        if not isinstance(batch, Batch):
            raise TypeError(f"batch: expected a schuss.data.Batch, got {type(batch).__name__}; use Batch.of(...)")
        if batch.ids.size and int(batch.ids.max()) >> self.bits:
            raise IndexError(f"batch: id {batch.ids.max()} needs more than bits={self.bits}; make it with the model's bits")
        if self.kind == "ffm" and batch.ids.size:
            if batch.fields is None:
                raise ValueError("batch: an FFM needs the field of every entry; give fields, or use FM")
            most = int(batch.fields.max())
            if self.fields is not None and most >= self.fields:
                raise IndexError(f"batch: field {most} is beyond the model's fields={self.fields}; give fields={most + 1}")

    def _ready(self, batch: Batch | None = None) -> Any:
        """The learner; its tables are made when they are first needed, since FFM waits for the number of fields."""
        if self._learner is not None:
            return self._learner
        if self.kind == "ffm" and self.fields is None:
            some = batch is not None and batch.fields is not None and batch.ids.size > 0
            self.fields = int(batch.fields.max()) + 1 if some else 1  # type: ignore[union-attr]
        rules = self.rules if self.slots else dict.fromkeys(self.parts, FROZEN)
        self._linear = Part(rules["linear"], (1 << self.bits) + 1, 1)
        if "factors" in self.parts:
            self._factors = Part(rules["factors"], 1 << self.bits, self.dim * (self.fields or 1))
        self._learner = learner.new_learner(
            self.kind, self.bits, self.dim, self.fields or 0, self._linear, self._factors, self.loss, self.seed, self.scale
        )
        return self._learner

    def _thread_count(self) -> int:
        return self.threads or get_threads()


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if not least <= int(value) <= most:
        raise ValueError(f"{name}: expected {least} to {most}, got {value}")
    return int(value)
