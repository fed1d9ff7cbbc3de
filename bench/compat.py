"""`schuss bench compat`: the torch drop-in beside torch's Adam, a rule in Python beside idiomatic NumPy."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import schuss

from . import report
from .micro import Contender, interleave, thread_counts

PARTS = ("torch", "python")
MODELS = ((100, 1_000), (1, 1_000_000), (1, 100_000_000))  # tensors, numbers in each
SIZES = (1_000_000, 10_000_000)


class Momentum(schuss.Rule):
    """b <- 0.9 b + g;   w <- w - lr b"""

    slots = ("b",)

    def apply(self, w: Any, g: Any, slots: dict[str, Any], t: int) -> None:
        b = slots["b"]
        b *= 0.9
        b += g
        w -= self.lr * b


class Adam(schuss.Rule):
    """The numbers of schuss.Adam, eps "outside"."""

    slots = ("m", "v")

    def apply(self, w: Any, g: Any, slots: dict[str, Any], t: int) -> None:
        m, v = slots["m"], slots["v"]
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        w -= self.lr / (1 - 0.9**t) * m / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def numpy_momentum(w: Any, g: Any) -> Callable[[], None]:
    """With a new array for each result, as a person writes it."""
    b = np.zeros_like(w)

    def step() -> None:
        nonlocal w, b
        b = 0.9 * b + g
        w = w - 0.01 * b

    return step


def numpy_adam(w: Any, g: Any) -> Callable[[], None]:
    """Likewise."""
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0

    def step() -> None:
        nonlocal w, m, v, t
        t += 1
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        w = w - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)

    return step


def _tensors(count: int, size: int) -> list[Any]:
    import torch

    made = [torch.nn.Parameter(torch.full((size,), 0.5)) for _ in range(count)]
    for p in made:
        p.grad = torch.full((size,), 0.01)
    return made


def _shared_gradients(params: Sequence[Any], count: int, size: int) -> list[Any]:
    """Tensors of their own with the gradients of others: 1e8 numbers need memory."""
    made = _tensors(count, 1)
    for p, q in zip(made, params, strict=True):
        p.grad = None
        p.data = q.data.clone()
        p.grad = q.grad
    return made


def torch_steps(count: int, size: int, threads: int, rounds: int) -> dict[str, float]:
    """Seconds of a step of Adam, interleaved."""
    import torch

    from schuss.compat.torch import Optimizer

    torch.set_num_threads(threads)
    params = _tensors(count, size)
    contenders = [
        Contender(
            "schuss.compat.torch", Optimizer(params, schuss.Adam.like("torch"), threads=threads).step, threads > 1
        ),
        Contender("torch fused", torch.optim.Adam(_shared_gradients(params, count, size), fused=True).step),
    ]
    interleave(contenders, rounds, warm=size < 3_000_000)
    return {c.name: statistics.median(c.samples) for c in contenders}


def python_steps(name: str, n: int, rounds: int) -> dict[str, float]:
    """Seconds of a step of a rule in Python, of the same in NumPy, and of the rule in C++; one thread."""
    rule, theirs, built = {
        "Momentum": (Momentum, numpy_momentum, schuss.Momentum(0.01)),
        "Adam": (Adam, numpy_adam, schuss.Adam(0.01)),
    }[name]
    g = np.full(n, 0.01, np.float32)
    ours = schuss.Optimizer(np.full(n, 0.5, np.float32), rule(0.01), nonfinite="propagate", threads=1)
    kernel = schuss.Optimizer(np.full(n, 0.5, np.float32), built, nonfinite="propagate", threads=1)
    contenders = [
        Contender("rule in Python", lambda: ours.step(g)),
        Contender("numpy", theirs(np.full(n, 0.5, np.float32), g)),
        Contender("rule in C++", lambda: kernel.step(g)),
    ]
    interleave(contenders, rounds, warm=False)
    return {c.name: statistics.median(c.samples) for c in contenders}


def main(out: Path = Path("results"), quick: bool = False, rules: Sequence[str] | None = None) -> list[Path]:
    """Measures, prints and writes; `rules` names parts: torch, python."""
    wrong = set(rules or ()) - set(PARTS)
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {min(wrong)!r}")
    chosen, rounds = list(rules or PARTS), 3 if quick else 9
    found: dict[str, dict[str, float]] = {}
    if "torch" in chosen and find_spec("torch"):
        for count, size in MODELS[: 2 if quick else None]:
            for threads in thread_counts(quick):
                found[f"Adam, {count} x {size:,}, {threads} threads"] = torch_steps(count, size, threads, rounds)
    if "python" in chosen:
        for name in ("Momentum", "Adam"):
            for n in SIZES[:1] if quick else SIZES:
                found[f"{name}, {n:,}"] = python_steps(name, n, rounds)
    table = Table("what", "contender", "ms", "of the first")
    for what, times in found.items():
        first = next(iter(times.values()))
        for name, seconds in times.items():
            table.add_row(what, name, f"{1e3 * seconds:.3f}", f"{seconds / first:.2f}x")
    Console(width=100).print(table)
    out.mkdir(parents=True, exist_ok=True)
    about = report.machine()
    path = out / f"{report.default_name(about)}-compat.json"
    path.write_text(json.dumps({"machine": about, "seconds": found}, indent=1) + "\n")
    return [path]
