"""The bar of a word model's training: epoch, words a second, rate, running loss."""

from __future__ import annotations

import sys
import time
from typing import Any

from .progress import _console


class WordProgress:
    """A bar on the error stream while entered; silent where that is no terminal, unless it is forced.

    Parameters
    ----------
    on : bool or None
        None: where the error stream is a terminal.
    epochs, words : int
        Passes, and words of each.
    """

    def __init__(self, on: bool | None, epochs: int, words: int) -> None:
        self.on = sys.stderr.isatty() if on is None else on
        self.epochs, self.total = epochs, epochs * words
        self.words = 0  # learned in this run
        self.seconds = 0.0
        self._loss, self._predictions, self._epoch = 0.0, 0, 0
        self._bar: Any = None

    def __enter__(self) -> WordProgress:
        self._started = time.perf_counter()
        if self.on:
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}")
            self._bar = Bar(*columns, TimeRemainingColumn(), console=_console(), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("epoch 1", total=self.total, note="")
        return self

    def __exit__(self, *unused: object) -> None:
        self.seconds = time.perf_counter() - self._started
        if self._bar is not None:
            self._bar.stop()

    def advance(self, epoch: int, words: int, loss: float, predictions: int, rate: float) -> None:
        """After some pieces of an epoch."""
        if epoch != self._epoch:
            self._loss, self._predictions, self._epoch = 0.0, 0, epoch
        self.words += words
        self._loss += loss
        self._predictions += predictions
        if self._bar is None:
            return
        speed = self.words / max(time.perf_counter() - self._started, 1e-9)
        mean = self._loss / max(self._predictions, 1)
        self._bar.update(
            self._task,
            description=f"epoch {epoch + 1} of {self.epochs}",
            note=f"{speed:,.0f} words/s, rate {rate:.4f}, loss {mean:.4f}",
            advance=words,
        )

    def summary(self) -> str:
        """One sentence when all is done."""
        speed = self.words / max(self.seconds, 1e-9)
        return f"learned {self.words:,} words in {self.seconds:.1f} s: {speed:,.0f} words/s"
