"""The demo: a click log with a planted truth; FM and LR from its file, beside the truth and the update in NumPy."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from numpy.typing import NDArray

from . import make_ctr
from .models.losses import checked_labels

if TYPE_CHECKING:
    from .data import Batch
    from .models import Model

Array = NDArray[Any]
VALUES = 200  # of a field: few enough to be learned from half a million rows


def run(rows: int, threads: int | None, seed: int, out: Path) -> None:
    """Makes, trains, prints, saves, loads, predicts, draws."""
    from rich.console import Console
    from rich.table import Table

    from .data import Format, Reader
    from .models import FM, LR, load
    from .plot.bare import curves
    from .threads import get_threads

    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    train, test = out / "train.tsv", out / "test.tsv"
    log = make_ctr.Log(seed, cardinality=VALUES)
    typer.echo(f"a log of {rows:,} clicks: 39 fields of up to {VALUES} values, a truth in which fields interact")
    started = time.perf_counter()
    make_ctr.write_shown(train, log, 0, rows)
    truth = make_ctr.write(test, log, rows, max(rows // 5, 1000))
    size = train.stat().st_size / 1e6
    typer.echo(f"{train}: {size:.0f} MB, made in {time.perf_counter() - started:.1f} s")

    models: dict[str, tuple[Model, int]] = {
        "FM, AdaGrad": (FM(dim=8, threads=threads), 2),
        "LR, FTRL": (LR(rule="FTRL", threads=threads), 1),
    }
    table = Table("model", "passes", "logloss", "AUC", "seconds", "examples/s")
    for name, (model, epochs) in models.items():
        started = time.perf_counter()
        model.fit(train, format="criteo", epochs=epochs)
        seconds = time.perf_counter() - started
        found = model.evaluate(test)
        speed = f"{seconds:.1f}", f"{rows * epochs / seconds:,.0f}"
        table.add_row(name, str(epochs), f"{found.loss:.4f}", f"{found.auc:.4f}", *speed)
    table.add_row("the planted truth", "", f"{truth['logloss']:.4f}", f"{truth['auc']:.4f}", "", "")
    console.print(table)
    typer.echo(
        f"from text, {threads or get_threads()} threads; scored on {max(rows // 5, 1000):,} rows that were held out"
    )

    batch = next(iter(Reader(test, Format("criteo"))))
    compare(batch)
    fm, path = models["FM, AdaGrad"][0], out / "model"
    fm.save(path)
    again = load(path)
    same = (again.predict_proba(batch) == fm.predict_proba(batch)).all()
    typer.echo(f"{path}: {path.stat().st_size:,} bytes; loaded again, it predicts {'the same' if same else 'OTHERS'}")
    histories = {name: model.history for name, (model, _) in models.items()}
    curves(histories, out / "curves.png", {"planted truth": truth["logloss"]})
    typer.echo(f"{out / 'curves.png'}: the learning curves")
    typer.echo(f"next: schuss ctr evaluate {path} --in {test}")


def compare(batch: Batch) -> None:
    """FM's update in the learner, one thread, and as one writes it in NumPy, example by example."""
    from .models import FM

    model = FM(dim=8, threads=1, mode="deterministic")
    model.partial_fit(batch)
    started = time.perf_counter()
    model.partial_fit(batch)
    ours = len(batch) / (time.perf_counter() - started)
    few = batch[: min(len(batch), 3000)]
    started = time.perf_counter()
    in_numpy(few, 20, 8)
    theirs = len(few) / (time.perf_counter() - started)
    typer.echo(
        f"learning alone, one thread: {ours:,.0f} examples/s, in NumPy {theirs:,.0f}: {ours / theirs:.0f} times as many"
    )


def in_numpy(batch: Batch, bits: int, dim: int, lr: float = 0.05, eps: float = 1e-10) -> None:
    """An FM with AdaGrad, as one writes it in NumPy."""
    w, n = np.zeros(1 << bits, np.float32), np.zeros(1 << bits, np.float32)
    v = np.random.default_rng(0).random((1 << bits, dim), np.float32) / np.float32(math.sqrt(dim))
    s = np.zeros((1 << bits, dim), np.float32)
    labels = checked_labels("logistic", batch.labels)
    for k in range(len(batch)):
        i = batch.ids[batch.indptr[k] : batch.indptr[k + 1]]
        rows = v[i]
        total = rows.sum(0)
        margin = w[i].sum() + 0.5 * (total @ total - (rows * rows).sum())
        error = 1 / (1 + math.exp(-margin)) - labels[k] if margin > -500 else -labels[k]
        n[i] += error * error
        w[i] -= lr * error / (np.sqrt(n[i]) + eps)
        g = error * (total - rows)
        s[i] += g * g
        v[i] -= lr * g / (np.sqrt(s[i]) + eps)
