"""The bar of a training: epoch, bytes, examples and bytes a second, running loss."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data import Counts, Reader
    from ..text.corpus import Corpus
    from .sources import Source


def _console() -> Any:
    """The error stream, taken for a terminal: only asked for where it is one or the user says so."""
    from rich.console import Console

    return Console(stderr=True, force_terminal=True)


@contextlib.contextmanager
def watching(reader: Reader | Source | Corpus, on: bool | None, what: str) -> Iterator[None]:
    """A bar of the bytes that somebody else lets a reader read."""
    if not (sys.stderr.isatty() if on is None else on):
        yield
        return
    from rich.progress import Progress as Bar

    done = threading.Event()
    with Bar(console=_console(), transient=True) as bar:
        task = bar.add_task(what, total=reader.size)

        def look() -> None:
            while not done.wait(0.1):
                if reader.counts is not None:
                    bar.update(task, completed=reader.counts.bytes)

        thread = threading.Thread(target=look, name="schuss-bar", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class Progress:
    """A bar on the error stream while entered; silent where that is no terminal, unless it is forced.

    Parameters
    ----------
    on : bool or None
        None: where the error stream is a terminal.
    epochs : int
    size : int or None
        Bytes of an epoch on disk, where known.
    """

    def __init__(self, on: bool | None, epochs: int, size: int | None = None) -> None:
        self.on = sys.stderr.isatty() if on is None else on
        self.epochs, self.size = epochs, size
        self.examples = 0
        self.bytes = 0  # plain text, of all epochs
        self.seconds = 0.0
        self.counts: Counts | None = None  # of the last epoch
        self._loss = self._weight = 0.0
        self._before = self._read = 0
        self._bar: Any = None
        self._valid = ""

    def __enter__(self) -> Progress:
        self._started = time.perf_counter()
        if self.on:
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=_console(), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("epoch 1", total=self.size, note="")
        return self

    def __exit__(self, *unused: object) -> None:
        self.seconds = time.perf_counter() - self._started
        if self._bar is not None:
            self._bar.stop()

    def advance(self, epoch: int, examples: int, loss: float, weight: float, counts: Counts | None) -> None:
        """After a batch; sums of its losses and weights, the reader's counts."""
        self.counts = counts
        self.examples += examples
        self._loss += loss
        self._weight += weight
        plain = counts.plain if counts else 0
        self.bytes += max(plain - self._before, 0)
        self._before = plain
        if self._bar is None:
            return
        seconds = max(time.perf_counter() - self._started, 1e-9)
        mean = self._loss / self._weight if self._weight > 0 else float("nan")
        note = f"{self.examples / seconds:,.0f} examples/s"
        if self.bytes:
            note += f", {self.bytes / seconds / 1e6:.0f} MB/s, {self.bytes / 1e6:,.0f} MB"
        note += f", loss {mean:.4f}{self._valid}"
        which = f"epoch {epoch + 1}" + (f" of {self.epochs}" if self.epochs > 1 else "")
        self._bar.update(self._task, description=which, note=note, completed=counts.bytes if counts else 0)

    def epoch(self, epoch: int, valid: float | None) -> None:
        """After an epoch; the running loss starts anew."""
        self._loss = self._weight = 0.0
        self._before = 0
        self._valid = "" if valid is None else f", validation {valid:.4f}"

    def summary(self) -> str:
        """One sentence when all is done."""
        rate = self.examples / max(self.seconds, 1e-9)
        text = f"learned {self.examples:,} examples in {self.seconds:.1f} s: {rate:,.0f} examples/s"
        return text + (f", {self.bytes / max(self.seconds, 1e-9) / 1e6:.0f} MB/s" if self.bytes else "")
