"""Epochs, validation, early stopping, checkpoints, Ctrl-C: everything of `fit` but the learning itself."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import file
from .interrupt import Interrupt
from .losses import checked_labels, losses
from .progress import Progress
from .sources import Data, Source, source_of

if TYPE_CHECKING:
    from .base import Model


def fit(
    model: Model,
    data: Data,
    *,
    format: Any,
    epochs: int,
    valid: Data | None,
    patience: int | None,
    cache: Any,
    progress: bool | None,
    path: str | os.PathLike[str] | None,
    every: int | None,
    strict: bool,
    resume: bool,
) -> Progress:
    """Model.fit: checks, then trains; returns the bar with its counts."""
    for name, value in (("epochs", epochs), ("patience", patience), ("every", every)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
        if value is not None and value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    if patience is not None and valid is None:
        raise ValueError("patience: early stopping needs held-out data; give valid=")
    if every is not None and path is None:
        raise ValueError("every: there is no file for checkpoints; give checkpoint=")
    source = source_of(model, data, format, cache, strict, progress=progress)
    held_out = None if valid is None else source_of(model, valid, format)
    best = None if patience is None else Best(patience)
    if resume:
        saved, rows = model._resume
        if best is not None and saved is not None:
            best.loss = math.inf if saved["loss"] is None else float(saved["loss"])
            best.waited, best.rows = int(saved["waited"]), rows
    else:
        model.position = {"epoch": 0, "examples": 0}
    bar = Progress(progress, epochs, source.size)
    Training(model, source, epochs, held_out, best, bar, path, every).run()
    return bar


@dataclass
class Best:
    """The best validation loss so far, its rows, and how many epochs have not reached it."""

    patience: int
    loss: float = math.inf
    waited: int = 0
    rows: file.Rows = field(default_factory=dict)

    def look(self, model: Model, loss: float) -> bool:
        """Whether it is time to stop."""
        if loss < self.loss:
            self.loss, self.waited, self.rows = loss, 0, file.rows_of(model)
        else:
            self.waited += 1
        return self.waited >= self.patience

    def to_json(self) -> dict[str, Any]:
        return {"loss": None if self.loss == math.inf else self.loss, "waited": self.waited}


@dataclass
class Training:
    """One call of fit."""

    model: Model
    source: Source
    epochs: int
    valid: Source | None
    best: Best | None
    progress: Progress
    path: str | os.PathLike[str] | None
    every: int | None

    def run(self) -> None:
        """Trains to the end; at Ctrl-C or a broken file the model is whole, and saved if it has a path."""
        from ..data import BrokenFile

        model, saved = self.model, self.model.seen
        first = model.seen
        try:
            with Interrupt() as interrupt, self.progress:
                for epoch in range(model.position["epoch"], self.epochs):
                    for batch in self.source.epoch(epoch, model.position["examples"], model.seed):
                        with interrupt.whole():
                            loss, weight = model._learn(batch)
                            model.position["examples"] += len(batch)
                        if not math.isfinite(loss):
                            raise ValueError(
                                f"lr: training diverged, the loss is {loss} after {model.seen} examples; "
                                "give a smaller learning rate, a smaller scale or normalise=True"
                            )
                        self.progress.advance(epoch, len(batch), loss, weight, self.source.counts)
                        if self.every and model.seen - saved >= self.every:
                            self.save()
                            saved = model.seen
                    if model.seen == 0:
                        raise ValueError("data: there are no examples to learn from")
                    with interrupt.whole():
                        stop = self.end_epoch(epoch)
                    if self.path is not None:
                        self.save()
                    if stop:
                        break
        except (KeyboardInterrupt, BrokenFile):
            if self.path is not None and model.seen > first:
                self.save()
            raise
        self.finish()

    def end_epoch(self, epoch: int) -> bool:
        """Validates; whether to stop."""
        model = self.model
        model.position = {"epoch": epoch + 1, "examples": 0}
        loss = None if self.valid is None else mean_loss(model, self.valid)
        model.history.mark(model.seen, loss)
        self.progress.epoch(epoch, loss)
        return loss is not None and self.best is not None and self.best.look(model, loss)

    def finish(self) -> None:
        """Takes the best rows, and saves what came of it."""
        if self.best is not None and self.best.rows and self.best.waited:
            file.put_rows(self.model, self.best.rows)
        self.model._resume = None, {}
        if self.path is not None:
            self.model.save(self.path)

    def save(self) -> None:
        """A checkpoint: the model and what is needed to go on."""
        assert self.path is not None
        best = self.best
        file.save(self.model, self.path, True, best.to_json() if best else None, best.rows if best else {})


def mean_loss(model: Model, source: Source) -> float:
    """Weighted mean loss over all examples of a source."""
    total = weight = 0.0
    for batch in source.epoch():
        labels = checked_labels(model.loss, batch.labels)
        each = losses(model.loss, model._margins(batch), labels)
        total += float(each.sum() if batch.weights is None else each @ batch.weights.astype(float))
        weight += len(batch) if batch.weights is None else float(batch.weights.sum(dtype=float))
    if weight == 0:
        raise ValueError("valid: there are no examples, or their weights are all 0")
    return total / weight
