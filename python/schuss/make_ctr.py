"""Click logs with a planted truth: Criteo's layout, Zipf values, a factorization machine behind the labels.

The log of a seed is endless: its rows come in blocks, each a function of (seed, block) alone, so that a part of it, for
training or for a test, is a range of rows. Memory does not grow with rows or values: the weight of a value is looked
up, by a hash, among 65,536 that were drawn once.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NUMERIC, CATEGORICAL, FACTORS = 13, 26, 4
BLOCK = 20_000  # rows
DRAWN = 1 << 16
# Distinct values of the fields of the Criteo challenge of 2014, of which the largest are capped.
CARDINALITY = (
    *(1460, 583, 10_131_227, 2_202_608, 305, 24, 12517, 633, 3, 93145, 5683, 8_351_593, 3194, 27, 14992, 5_461_306, 10),
    *(5652, 2173, 4, 7_046_547, 18, 15, 286_181, 105, 142_572),
)
PAIRS = (13, 14, 17, 18, 20, 21, 24, 26, 30, 35)  # the fields that interact, from 0


@dataclass(frozen=True)
class Rows:
    """A block: integers (-1: missing), ids of categories (-1: missing), the truth's probability, the label drawn."""

    numbers: Array
    categories: Array
    probability: Array
    label: Array


@dataclass(frozen=True)
class Log:
    """The endless log of a seed.

    logit = b + sum_i w_i + sum_{i<j} <v_i, v_j>, the second sum over the fields that interact

    Parameters
    ----------
    seed : int, default 0
    cardinality : int, default 1_000_000
        Most values of a categorical field; Criteo's own counts where they are smaller.
    pairs : float, default 1.2
        Standard deviation of the logit's pairs; that of its linear part is 1. 0: nothing interacts.
    rate : float, default 0.25
        Mean of the labels.

    Example
    -------
    >>> from schuss.make_ctr import Log
    >>> rows = next(Log(seed=1, cardinality=100).blocks(0, 5))
    >>> rows.numbers.shape, rows.categories.shape, bool((rows.categories < 100).all())
    ((5, 13), (5, 26), True)
    """

    seed: int = 0
    cardinality: int = 1_000_000
    pairs: float = 1.2
    rate: float = 0.25
    _truth: Array = field(init=False, repr=False, compare=False)
    _zipf: Array = field(init=False, repr=False, compare=False)
    _shift: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("seed", self.seed, 0, 2**32 - 1),
            ("cardinality", self.cardinality, 1, 2**31 - 1),
            ("pairs", self.pairs, 0, 100),
            ("rate", self.rate, 0.001, 0.999),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name}: expected {least} to {most}, got {value}")
        rng = np.random.default_rng([self.seed, 0])
        truth = np.empty((DRAWN, 1 + FACTORS), np.float32)
        truth[:, 0] = rng.normal(0, 0.3, DRAWN)
        truth[:, 1:] = rng.normal(0, 1, (DRAWN, FACTORS))
        object.__setattr__(self, "_truth", truth)
        object.__setattr__(self, "_zipf", 1.05 + 0.25 * rng.random(CATEGORICAL))
        object.__setattr__(self, "_shift", self._standard())

    def blocks(self, first: int, rows: int) -> Iterator[Rows]:
        """Rows first, first + 1, ... in blocks."""
        for block in range(first // BLOCK, -(-(first + rows) // BLOCK)):
            low, high = max(first - block * BLOCK, 0), min(first + rows - block * BLOCK, BLOCK)
            made = self._block(block + 1)
            yield Rows(*(part[low:high] for part in (made.numbers, made.categories, made.probability, made.label)))

    def _standard(self) -> Array:
        """Mean and scale of both parts of the logit and its constant, from a block that is no part of the log."""
        linear, pairs = self._parts(*self._values(np.random.default_rng([self.seed, 1, 0]), 4 * BLOCK))
        shift = np.array([linear.mean(), linear.std(), pairs.mean(), pairs.std(), 0.0])
        z = (linear - shift[0]) / shift[1] + self.pairs * (pairs - shift[2]) / shift[3]
        low, high = -20.0, 20.0
        for _ in range(60):
            shift[4] = (low + high) / 2
            too_few = (1 / (1 + np.exp(-z - shift[4]))).mean() < self.rate
            low, high = (shift[4], high) if too_few else (low, shift[4])
        return shift

    def _block(self, block: int) -> Rows:
        rng = np.random.default_rng([self.seed, 1, block])
        numbers, categories = self._values(rng, BLOCK)
        linear, pairs = self._parts(numbers, categories)
        s = self._shift
        z = (linear - s[0]) / s[1] + self.pairs * (pairs - s[2]) / s[3] + s[4]
        probability = 1 / (1 + np.exp(-z))
        return Rows(numbers, categories, probability, rng.random(BLOCK) < probability)

    def _values(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        numbers = np.empty((n, NUMERIC), np.int64)
        for f in range(NUMERIC):
            x = np.floor(np.exp(rng.normal(1 + 0.35 * f, 1.2 + 0.08 * f, n))).astype(np.int64)
            numbers[:, f] = np.where(rng.random(n) < 0.02 + 0.03 * (f % 7), -1, np.minimum(x, 10**9))
        categories = np.empty((n, CATEGORICAL), np.int64)
        for c in range(CATEGORICAL):
            most = min(CARDINALITY[c], self.cardinality)
            e = 1 - self._zipf[c]
            u = rng.random(n)
            rank = (((most + 1.0) ** e - 1) * u + 1) ** (1 / e)  # inverse of the continuous distribution
            value = np.clip(rank.astype(np.int64) - 1, 0, most - 1)
            categories[:, c] = np.where(rng.random(n) < 0.01 * (c % 4), -1, value)
        return numbers, categories

    def _parts(self, numbers: Array, categories: Array) -> tuple[Array, Array]:
        """The linear and the pairwise part of the logit; a number counts by its logarithmic bin."""
        binned = np.where(numbers > 2, (np.log(np.maximum(numbers, 1)) ** 2).astype(np.int64), numbers)
        linear, squares = np.zeros(len(numbers)), np.zeros(len(numbers))
        sums = np.zeros((len(numbers), FACTORS), np.float32)
        for f in range(NUMERIC + CATEGORICAL):
            value = binned[:, f] if f < NUMERIC else categories[:, f - NUMERIC]
            row = mixed(np.uint64(f) << np.uint64(40) ^ value.astype(np.uint64)) & np.uint64(DRAWN - 1)
            linear += self._truth[:, 0].take(row.astype(np.int64))
            if f in PAIRS:
                drawn = self._truth[:, 1:].take(row.astype(np.int64), axis=0)
                sums += drawn
                squares += np.einsum("ij,ij->i", drawn, drawn)
        return linear, ((sums**2).sum(1) - squares) / 2


def mixed(z: Array) -> Array:
    """The finalizer of splitmix64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


BYTES = np.frombuffer(b"".join(b"%02x" % k for k in range(256)), np.uint8).reshape(256, 2)  # in hexadecimal


def text(rows: Rows) -> bytes:
    """Lines of Criteo's layout: label, 13 integers, 26 hexadecimal words of 8 digits; missing values are empty.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.make_ctr import Rows, text
    >>> one = Rows(np.full((1, 13), -1), np.full((1, 26), -1), np.ones(1), np.ones(1))
    >>> text(one) == b"1" + b"\\t" * 39 + b"\\n"
    True
    """
    n = len(rows.label)
    columns = [(rows.label + ord("0")).astype(np.uint8).reshape(n, 1)]
    for f in range(NUMERIC):
        columns.append(_decimal(rows.numbers[:, f]))
    fields = np.arange(NUMERIC, NUMERIC + CATEGORICAL, dtype=np.uint64) << np.uint64(44)
    words = mixed(fields ^ rows.categories.astype(np.uint64) ^ np.uint64(0x9E3779B97F4A7C15)).astype(np.uint32)
    two = words.astype(">u4").view(np.uint8).reshape(n, CATEGORICAL, 4)
    letters = BYTES.take(two, axis=0).reshape(n, CATEGORICAL, 8)
    letters[rows.categories < 0] = 0
    tab = np.full((n, 1), ord("\t"), np.uint8)
    parts: list[Array] = []
    for column in (*columns, *(letters[:, c] for c in range(CATEGORICAL))):
        parts += [column, tab]
    parts[-1] = np.full((n, 1), ord("\n"), np.uint8)
    return np.hstack(parts).tobytes().translate(None, b"\0")


def _decimal(x: Array) -> Array:
    """Digits of whole numbers below 2**32, with 0 in front; nothing but 0 for a negative one."""
    width = len(str(int(x.max(initial=0))))
    out = np.zeros((len(x), width), np.uint8)
    rest = np.maximum(x, 0).astype(np.uint32)
    for k in range(width - 1, -1, -1):
        tens = rest // np.uint32(10)
        digit = (rest - tens * np.uint32(10)).astype(np.uint8) + np.uint8(ord("0"))
        out[:, k] = np.where((rest > 0) | (k == width - 1), digit, 0)
        rest = tens
    out[x < 0] = 0
    return out


OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def write(path: str | os.PathLike[str], log: Log, first: int, rows: int, progress: Any = None) -> dict[str, float]:
    """Writes rows of a log to a file, compressed by its suffix: .gz, .bz2, .xz.

    Parameters
    ----------
    path : path
    log : Log
    first, rows : int
        The range of rows.
    progress : function of the number of rows written, optional

    Returns
    -------
    What the truth itself would score on these rows, the best that is attainable: logloss, auc, and the mean label.

    Raises
    ------
    OSError
        If the file cannot be written.

    Example
    -------
    >>> import tempfile
    >>> from schuss.make_ctr import Log, write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = write(folder + "/log.tsv", Log(cardinality=1000), 0, 1000)
    >>> sorted(truth), 0.3 < truth["logloss"] < 0.6
    (['auc', 'logloss', 'mean label'], True)
    """
    from .models import metrics

    labels: list[Array] = []
    probabilities: list[Array] = []
    name = os.fspath(path)
    file: IO[bytes]
    with OPENERS.get(os.path.splitext(name)[1], open)(name, "wb") as file:
        for block in log.blocks(first, rows):
            file.write(text(block))
            labels.append(block.label.astype(np.uint8))
            probabilities.append(block.probability.astype(np.float32))
            if progress is not None:
                progress(len(block.label))
    y, p = np.concatenate(labels), np.concatenate(probabilities)
    return {"logloss": metrics.logloss(y, p), "auc": metrics.auc(y, p), "mean label": float(y.mean())}


def write_shown(path: str | os.PathLike[str], log: Log, first: int, rows: int) -> list[str]:
    """`write` with a bar on the error stream where that is a terminal; lines to print afterwards."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=rows)
        truth = write(path, log, first, rows, lambda count: bar.advance(task, count))
    return [
        f"{os.fspath(path)}: {rows:,} rows, {os.stat(path).st_size:,} bytes, mean label {truth['mean label']:.4f}",
        f"the truth itself: logloss {truth['logloss']:.5f}, AUC {truth['auc']:.5f}",
    ]
