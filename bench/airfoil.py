"""Seconds for an epoch of a small regression, where the cost of a call is all: AdaGrad, batches of 10."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import schuss

from . import shared

DATA = shared.DATA / "regression/airfoil_self_noise.dat"
LR, EPS, BATCH = 0.1, 1e-10, 10
Array = NDArray[Any]
Epoch = Callable[[], float]


def load(path: Path = DATA) -> tuple[Array, Array, str]:
    """Standardised features, targets and where they come from; made up in the same shape if the file is absent."""
    if path.exists():
        table = np.array([line.split() for line in path.read_text().splitlines() if line[:1].isdigit()], np.float64)
        source = path.name
    else:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((1503, 5))
        table = np.column_stack([x, x @ rng.standard_normal(5) + 0.5 * rng.standard_normal(1503)])
        source = "synthetic"
    table = ((table - table.mean(0)) / table.std(0)).astype(np.float32)
    table = table[np.random.default_rng(1).permutation(len(table))]
    return np.ascontiguousarray(table[:1500, :-1]), np.ascontiguousarray(table[:1500, -1]), source


def _gradients(x: Array, y: Array, w: Array, b: Array) -> tuple[Array, Array, float]:
    error = x @ w + b - y
    return error @ x / np.float32(len(y)), error.mean(keepdims=True), float(error @ error) / 2


def with_schuss(x: Array, y: Array) -> Epoch:
    """An epoch with schuss.AdaGrad; returns the mean loss."""
    w, b = np.zeros(x.shape[1], np.float32), np.zeros(1, np.float32)
    opt = schuss.Optimizer([w, b], schuss.AdaGrad(lr=LR, eps=EPS))

    def epoch() -> float:
        loss = 0.0
        for k in range(0, len(y), BATCH):
            dw, db, part = _gradients(x[k : k + BATCH], y[k : k + BATCH], w, b)
            opt.step([dw, db])
            loss += part
        return loss / len(y)

    return epoch


def with_numpy(x: Array, y: Array) -> Epoch:
    """The same epoch with AdaGrad in plain NumPy."""
    w, b = np.zeros(x.shape[1], np.float32), np.zeros(1, np.float32)
    params, sums = [w, b], [np.zeros_like(w), np.zeros_like(b)]

    def epoch() -> float:
        loss = 0.0
        for k in range(0, len(y), BATCH):
            dw, db, part = _gradients(x[k : k + BATCH], y[k : k + BATCH], w, b)
            for p, s, g in zip(params, sums, (dw, db), strict=True):
                s += g**2
                p -= LR * g / (np.sqrt(s) + EPS)
            loss += part
        return loss / len(y)

    return epoch


def without(x: Array, y: Array) -> Epoch:
    """The gradients alone: what both share."""
    w, b = np.zeros(x.shape[1], np.float32), np.zeros(1, np.float32)

    def epoch() -> float:
        parts = (_gradients(x[k : k + BATCH], y[k : k + BATCH], w, b)[2] for k in range(0, len(y), BATCH))
        return sum(parts) / len(y)

    return epoch


def main(epochs: int = 51, show: Callable[[str], object] = print) -> dict[str, float]:
    """Runs the epochs in turns, prints and returns the medians in seconds."""
    x, y, source = load()
    runs = {"gradients alone": without(x, y), "numpy": with_numpy(x, y), "schuss": with_schuss(x, y)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    losses = {}
    for _ in range(epochs):
        for name, epoch in runs.items():
            begin = time.perf_counter()
            losses[name] = epoch()
            times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(t) for name, t in times.items()}
    show(f"airfoil regression ({source}), AdaGrad, batch {BATCH}, {len(y)} examples, {epochs} epochs")
    for name, seconds in medians.items():
        show(f"  {name:16} {seconds * 1e3:7.3f} ms an epoch   loss {losses[name]:.6f}")
    return medians


if __name__ == "__main__":
    main()
