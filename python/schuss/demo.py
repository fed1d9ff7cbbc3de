"""The demo: logistic regression on data with a planted truth, by any rule, beside the same update in NumPy."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .optimizer import Optimizer
from .rules import ALL, Rule

if TYPE_CHECKING:
    from rich.console import Console

Floats = NDArray[np.float32]


@dataclasses.dataclass
class Data:
    """Examples whose labels were drawn from a known model, so that the best attainable loss is known too."""

    x: Floats
    y: Floats
    truth: Floats

    @classmethod
    def make(cls, rows: int, truth: Floats, seed: int) -> Data:
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((rows, len(truth)), np.float32)
        return cls(x, (rng.random(rows, np.float32) < probability(x @ truth)).astype(np.float32), truth)

    def loss(self, w: Floats, bias: float = 0.0) -> float:
        """Mean logistic loss."""
        score = (self.x @ w + bias).astype(np.float64)
        return float(np.mean(np.logaddexp(0, score) - self.y * score))

    def batches(self, size: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
        order = np.random.default_rng(seed).permutation(len(self.y))
        for at in range(0, len(order), size):
            rows = order[at : at + size]
            yield self.x[rows], self.y[rows]


def probability(score: Floats) -> Floats:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-score)), dtype=np.float32)


# Rates that suit the demo's data where the rule's default does not.
RATES = {"SGD": 0.3, "Momentum": 0.05, "Nesterov": 0.05, "SGDW": 0.05, "CounterClock": 3.0, "AdaGrad": 0.1}
RATES |= {"RowWiseAdaGrad": 0.1, "AdaDelta": 30.0, "Adam": 0.01, "AdamW": 0.01, "AMSGrad": 0.01, "EGDD": 0.05}
RATES |= {"EGPM": 0.02, "FTRL": 0.5}
SIMPLEX = ("EG", "EGU")  # rules for positive weights: not for this model


def rule_for(name: str, lr: float | None) -> Rule:
    """A rule of the demo by its name."""
    if name not in ALL or name in SIMPLEX:
        raise ValueError(f"rule: expected one of {', '.join(r for r in ALL if r not in SIMPLEX)}, got {name!r}")
    options: dict[str, Any] = {"total": 100.0} if name == "EGPM" else {}
    return ALL[name](RATES.get(name, 0.01) if lr is None else lr, **options)


def run(name: str, lr: float | None, epochs: int, out: Path, seed: int) -> None:
    """Trains, prints, saves and loads again."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    console = Console()
    rule = rule_for(name, lr)
    truth = np.random.default_rng(seed).normal(0, 3 / np.sqrt(200), 200).astype(np.float32)
    train, test = Data.make(100_000, truth, seed + 1), Data.make(20_000, truth, seed + 2)
    model = {"w": np.zeros(200, np.float32), "b": np.zeros(1, np.float32)}
    opt = Optimizer(model, rule)
    console.print(f"{rule!r}\nlogistic regression, 100,000 examples of 200 features, batches of 100")
    columns = (*Progress.get_default_columns()[:2], TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    started = time.perf_counter()
    spent = 0.0
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("training", total=epochs * 1000, note="")
        for epoch in range(epochs):
            for x, y in train.batches(100, seed + epoch):
                error = (probability(x @ model["w"] + model["b"]) - y) / len(y)
                grads = {"w": error @ x, "b": error.sum(keepdims=True)}
                before = time.perf_counter()
                opt.step(grads)
                spent += time.perf_counter() - before
                progress.advance(bar)
            loss = test.loss(model["w"], float(model["b"][0]))
            progress.update(bar, note=f"test loss {loss:.4f}")
            console.print(f"epoch {epoch + 1}: test loss {loss:.4f} (best attainable {test.loss(truth):.4f})")
    total = time.perf_counter() - started
    console.print(f"{total:.1f} s in all; {spent / opt.steps * 1e6:.1f} microseconds for each of {opt.steps} steps")
    compare(console)
    opt.save(out)
    again = Optimizer({"w": np.zeros(200, np.float32), "b": np.zeros(1, np.float32)}, rule)
    again.load(out)
    same = all((again.params[k] == model[k]).all() for k in model)
    console.print(
        f"saved to {out} ({out.stat().st_size:,} bytes), loaded again: {'the same bits' if same else 'DIFFERS'}"
    )


def compare(console: Console) -> None:
    """Adam on a million numbers, beside the update people write in NumPy."""
    n, rounds = 1_000_000, 15
    g = np.full(n, 0.01, np.float32)
    w = np.ones(n, np.float32)
    opt = Optimizer(w, ALL["Adam"]())
    x, m, v = np.ones(n, np.float32), np.zeros(n, np.float32), np.zeros(n, np.float32)
    ours, theirs = [], []
    for t in range(1, rounds + 1):
        start = time.perf_counter()
        opt.step(g)
        middle = time.perf_counter()
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        x = x - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    mine, numpy = sorted(ours)[rounds // 2], sorted(theirs)[rounds // 2]
    console.print(
        f"Adam on 1,000,000 numbers: schuss {mine * 1e3:.2f} ms, NumPy {numpy * 1e3:.2f} ms: {numpy / mine:.0f}x"
    )
