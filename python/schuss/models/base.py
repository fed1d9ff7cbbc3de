"""What LR, FM and FFM share, outside: fit, score, evaluate, save."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from . import losses
from .core import Core

if TYPE_CHECKING:
    from ..data import Batch, Format
    from .report import Report
    from .sources import Data

Array = NDArray[Any]


class Model(Core):
    """Base of the click models; use :class:`LR`, :class:`FM` or :class:`FFM`."""

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

    # ---- what a model says ------------------------------------------------------------------------------------

    def scores(self, data: Data, format: str | Format | None = None, strict: bool = False) -> Iterator[Array]:
        """Margins, float32, batch by batch: the way to score files larger than memory. Arguments as in `fit`."""
        from .sources import source_of

        for batch in source_of(self, data, format, strict=strict, labelled=False).epoch():
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
        self,
        data: Data,
        format: str | Format | None = None,
        *,
        bins: int = 10,
        fields: bool = False,
        progress: bool | None = False,
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
        progress : bool or None, default False
            A bar on the error stream; None: where that is a terminal.

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

        return report(self, source_of(self, data, format), bins, fields, progress)

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

        return cast(Self, file.load(path, {cls.kind: cls}))

    def __getstate__(self) -> dict[str, Any]:
        from . import file

        return {"header": file.header(self, self.slots), "threads": self.threads, "rows": file.rows_of(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from . import file

        file.set_header(self, state["header"], "pickle")
        self.threads = state["threads"]
        file.put_rows(self, state["rows"])

    def export_text(self, path: str | os.PathLike[str]) -> None:
        """Writes the weights as text: `bias w`, then for each id with a weight `id w v1 v2 ...`, tab-separated.

        FFM has dim numbers for field 0, then dim for field 1, and so on. Numbers have nine digits, enough to read
        them back exactly.
        """
        from .export import export_text

        export_text(self, path)
