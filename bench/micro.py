"""Times one step of each rule: the machine's limit, schuss, NumPy and torch, interleaved in one run."""

from __future__ import annotations

import importlib.util
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import schuss
from schuss import _cold, _level

from .cases import CASES, Case

SIZES = (1_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
QUICK_SIZES = SIZES[:3]
CACHED = 3_000_000  # below this, samples are warm: an untimed call goes before each
SAMPLE = 200e-6  # seconds that a sample takes at least
CALM = 0.002  # seconds after which another library's threads have stopped to spin
MEMORY = 12e9

Progress = Callable[[str], None]


@dataclass
class Contender:
    """One thing that is timed; calm: sleep first, since its own threads need the cores."""

    name: str
    call: Callable[[], object]
    calm: bool = False
    repeats: int = 1
    samples: list[float] = field(default_factory=list)

    def time(self, repeats: int) -> float:
        """Seconds for one call."""
        begin = time.perf_counter()
        for _ in range(repeats):
            self.call()
        return (time.perf_counter() - begin) / repeats

    def calibrate(self) -> None:
        """Warms up and finds how many calls make a sample long enough."""
        self.call()
        once = self.time(1)
        once = self.time(max(1, min(10, int(SAMPLE / once)))) if once < SAMPLE else once
        self.repeats = max(1, min(10_000, math.ceil(SAMPLE / once)))

    def sample(self, warm: bool) -> None:
        """Takes one sample."""
        if self.calm:
            time.sleep(CALM)
        if warm:
            self.call()
        self.samples.append(self.time(self.repeats))


def thread_counts(quick: bool) -> tuple[int, ...]:
    """One and two, as far as this process may; quick: the most only."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    counts = tuple(sorted({1, min(2, cores)}))
    return counts[-1:] if quick else counts


def rounds_for(n: int, quick: bool = False) -> int:
    """How many rounds a size gets."""
    full = 25 if n < CACHED / 3 else 15 if n < CACHED else 5 if n < 3e7 else 3
    return max(3, full // 3) if quick else full


def has_torch() -> bool:
    """Whether torch is installed."""
    return importlib.util.find_spec("torch") is not None


def interleave(contenders: list[Contender], rounds: int, warm: bool) -> None:
    """Each round times every contender once; the first to go changes from round to round."""
    for one in contenders:
        one.calibrate()
    for k in range(rounds):
        turn = k % len(contenders)
        for one in contenders[turn:] + contenders[:turn]:
            one.sample(warm)


def _limit(w: Any, passes: Sequence[tuple[str, str]], threads: int) -> Callable[[], object]:
    """As many streams as the rule has. They are filled: pages never written to are all one page of zeros."""
    arrays = {name: _cold.zeros_like(w) for name in sorted({name for one in passes for name in "".join(one)})}
    for a in arrays.values():
        a[...] = 0.01
    streams = [([arrays[name] for name in written + read], len(written)) for written, read in passes]

    def run() -> None:
        for given, written in streams:
            _cold.stream(_level.table, given, written, threads)

    return run


def _one_pass(case: Case) -> tuple[tuple[str, str], ...]:
    """Every stream once."""
    names = "abcdefghijkl"
    return ((names[: case.written], names[case.written : case.written + case.read]),)


def _schuss(case: Case, w: Any, g: Any, threads: int, nonfinite: Any) -> Callable[[], object]:
    opt = schuss.Optimizer(w, case.rule, nonfinite=nonfinite, threads=threads)
    return lambda: opt.step(g)


def _torch(case: Case, weights: list[Any], grads: list[Any], variant: str) -> Callable[[], object]:
    import torch

    assert case.torch is not None
    params = [torch.nn.Parameter(torch.tensor(w)) for w in weights]
    for p, g in zip(params, grads, strict=True):
        p.grad = torch.tensor(g)  # a copy, since nesterov with foreach changes it
    step: Callable[[], object] = case.torch.make(params, variant).step
    return step


def _set_torch_threads(threads: int) -> None:
    if has_torch():
        import torch

        torch.set_num_threads(threads)


def _free_memory() -> float:
    """Bytes that may be used for arrays."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        free = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) / 2
    return min(MEMORY, 0.8 * free)


def _peak(case: Case, n: int) -> float:
    """Bytes of all contenders' arrays at once, with what NumPy and torch allocate on the way."""
    forms = len(case.torch.variants) if case.torch is not None and has_torch() else 0
    own = 2 + 2 * (case.written + case.read) + 2 * case.slots
    return 4.0 * n * (own + 2 * (case.written + 2) + 6 + forms * (case.written + 1) + 3 * bool(forms))


def contenders(case: Case, n: int, threads: int) -> list[Contender]:
    """All that do the case's step on n numbers; only the limit and schuss where memory does not suffice."""
    g = case.gradient(n)
    w = case.weights(n)
    calm = threads > 1
    found = [
        Contender("limit", _limit(w, _one_pass(case), threads), calm),
        Contender("schuss", _schuss(case, w, g, threads, "propagate"), calm),
        Contender("schuss-checked", _schuss(case, case.weights(n), g, threads, "raise"), calm),
    ]
    if case.passes:
        found.append(Contender("limit of its passes", _limit(w, case.passes, threads), calm))
    if _peak(case, n) > _free_memory():
        return found
    for name, step in (("numpy", case.numpy), ("numpy in-place", case.in_place)):
        if step is None:
            continue
        state = case.state(case.weights(n))
        found.append(Contender(name, lambda step=step, state=state: step(state, g)))  # type: ignore[misc]
    if case.torch is not None and has_torch():
        for variant in case.torch.variants:
            found.append(Contender(f"torch {variant}", _torch(case, [case.weights(n)], [g], variant)))
    return found


def measure(rule: str, n: int, threads: int, rounds: int) -> dict[str, Any]:
    """One row of the table: medians in ns for a parameter, GB/s, and the median of paired shares of the limit."""
    case = CASES[rule]
    size = int(np.prod(case.shape(n)))
    _set_torch_threads(threads)
    found = contenders(case, n, threads)
    interleave(found, rounds, n < CACHED)
    limit = found[0].samples
    results = {}
    for one in found:
        ns = [s / size * 1e9 for s in one.samples]
        middle = statistics.median(ns)
        results[one.name] = {
            "ns": middle,
            "ns_low": min(ns),
            "ns_high": max(ns),
            "gbs": case.bytes / middle,
            "share": statistics.median(a / b for a, b in zip(limit, one.samples, strict=True)),
        }
    if case.passes:
        own = next(one for one in found if one.name == "limit of its passes")
        results["schuss"]["own share"] = statistics.median(
            a / b for a, b in zip(own.samples, found[1].samples, strict=True)
        )
    return {
        "rule": rule,
        "n": n,
        "size": size,
        "threads": threads,
        "rounds": rounds,
        "bytes": case.bytes,
        "note": case.note,
        "results": results,
    }


def run(
    rules: Sequence[str] = tuple(CASES),
    sizes: Sequence[int] = SIZES,
    threads: Sequence[int] = (1, 2),
    rounds: int | None = None,
    quick: bool = False,
    progress: Progress = lambda text: None,
) -> list[dict[str, Any]]:
    """Measures every rule at every size with every number of threads; rounds None: more where steps are short."""
    unknown = [r for r in rules if r not in CASES]
    if unknown:
        raise ValueError(f"rules: {unknown[0]!r} is not one of {', '.join(CASES)}")
    rows = []
    for rule in rules:
        for n in sizes:
            for k in threads:
                progress(f"{rule}, n = {n:,}, {k} thread{'s' * (k > 1)}")
                rows.append(measure(rule, n, k, rounds or rounds_for(n, quick)))
    return rows


def many(
    rules: Sequence[str] = ("SGD", "AdaGrad", "Adam"),
    counts: Sequence[int] = (1, 100),
    n: int = 1000,
    threads: Sequence[int] = (1, 2),
    rounds: int = 25,
    progress: Progress = lambda text: None,
) -> list[dict[str, Any]]:
    """Microseconds for a whole step on few and on many small arrays, where calls count and not bandwidth."""
    rows = []
    for rule in rules:
        case = CASES[rule]
        for count in counts:
            for k in threads:
                progress(f"{rule}, {count} arrays of {n:,}, {k} thread{'s' * (k > 1)}")
                _set_torch_threads(k)
                grads = [case.gradient(n, seed) for seed in range(count)]
                found = []
                for name, nonfinite in (("schuss", "propagate"), ("schuss-checked", "raise")):
                    opt = schuss.Optimizer(
                        [case.weights(n) for _ in grads],
                        case.rule,
                        nonfinite=nonfinite,  # type: ignore[arg-type]
                        threads=k,
                    )
                    found.append(Contender(name, lambda opt=opt, grads=grads: opt.step(grads), k > 1))  # type: ignore[misc]
                if case.torch is not None and has_torch():
                    for variant in case.torch.variants:
                        call = _torch(case, [case.weights(n) for _ in grads], grads, variant)
                        found.append(Contender(f"torch {variant}", call))
                interleave(found, rounds, warm=True)
                us = {one.name: statistics.median(one.samples) * 1e6 for one in found}
                rows.append({"rule": rule, "arrays": count, "n": n, "threads": k, "us": us})
    return rows
