"""`schuss bench tables`: the sparse step of tables beside the machine's limit, NumPy, torch and fbgemm."""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.util
import itertools
import json
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import schuss
from schuss import _cold, _level

from . import micro, report
from .cases import CASES, LR

Array = NDArray[Any]
Row = dict[str, Any]
Step = Callable[[], object]

IDS = 65_536  # in a batch
SHAPES = ((10_000_000, 16), (1_000_000, 64))
RULES = ("AdaGrad", "RowWiseAdaGrad", "Adam", "AdamW", "FTRL")  # AdamW only for its exact form
EXPONENT = 1.05
VALUES = 12  # gradients that take turns: with the ids they are larger than the caches
STREAM = 256  # batches of ids: more than the steps after which Adam's drift is over, so that exact mode meets long gaps
DISTINCT = 24  # batches of ids without duplicates
STEPS = 3  # of a sample: the first may find cold caches, as the others may not
ROUNDS = 12
HALVED = 64  # columns of the table that is kept as bfloat16 too
DENSE = 3  # dense steps, which are long
START = 0.01

STYLES = {  # of the plot: colour, marker
    "limit": ("0.55", "|"),
    "schuss": ("#c1272d", "o"),
    "schuss-checked": ("#e58a8d", "o"),
    "schuss exact": ("#7a1519", "D"),
    "schuss lookup + update": ("#c1272d", "P"),
    "fbgemm": ("#009e73", "X"),
    "torch": ("#e69f00", "s"),
    "numpy reduceat": ("#56b4e9", "^"),
    "numpy add.at": ("#0072b2", "v"),
}
BASE = {  # what the others are multiples of, where that is not "schuss"
    "fbgemm": "schuss lookup + update",
    "limit ascending": "schuss ascending",
    "float32": "bfloat16",
}


# ---- streams --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stream:
    """Batches of ids, each with its gradient; the gradients are fewer and take turns."""

    name: str
    batches: list[tuple[Array, Array]]

    @functools.cached_property
    def distinct(self) -> float:
        """Rows of a batch."""
        return statistics.mean(len(np.unique(ids)) for ids, _ in self.batches[:DISTINCT])


def _stream(name: str, batches: Sequence[Array], values: Sequence[Array]) -> Stream:
    return Stream(name, list(zip(batches, itertools.cycle(values), strict=False)))


def gradients(dim: int) -> list[Array]:
    """Normal numbers of spread 0.01."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal((IDS, dim), np.float32) * np.float32(0.01) for _ in range(VALUES)]


def duplicates(rows: int, values: Sequence[Array], count: int) -> list[Stream]:
    """Uniform ids, and ids whose k-th most frequent comes with probability k^-1.05, scattered over the table."""
    rng = np.random.default_rng(2)
    total = np.cumsum(np.arange(1, rows + 1, dtype=np.float64) ** -EXPONENT)
    total /= total[-1]
    place = rng.permutation(rows)
    uniform = [rng.integers(0, rows, IDS) for _ in range(count)]
    zipf = [place[np.searchsorted(total, rng.random(IDS), side="right")] for _ in range(count)]
    return [_stream("uniform", uniform, values), _stream("zipf", zipf, values)]


def unique(rows: int, values: Sequence[Array]) -> tuple[Stream, Stream]:
    """Ids that differ within a batch, in random order and ascending."""
    rng = np.random.default_rng(3)
    batches: list[Array] = []
    while len(batches) < DISTINCT:
        batches += list(rng.permutation(rows)[: rows // IDS * IDS].reshape(-1, IDS))
    quarter = DISTINCT // 4  # so that a round's samples on the same table have rows of their own
    ascending = [np.sort(b) for b in batches[quarter:DISTINCT] + batches[:quarter]]
    return _stream("unique", batches[:DISTINCT], values), _stream("unique", ascending, values)


# ---- contenders -----------------------------------------------------------------------------------------------------

Bind = Callable[[Stream], Step]  # prepares what a contender needs of a stream; each call then takes the next batch


@dataclass(frozen=True)
class Actor:
    """One that trains a table of its own. calm: its threads need cores on which another library may still spin."""

    name: str
    bind: Bind
    calm: bool = False


def _turns(batches: Sequence[Any], first: int = 0) -> Iterator[Any]:
    return itertools.islice(itertools.cycle(batches), first, None)


def _trained(
    rows: int,
    dim: int,
    rule: str,
    sparse: Literal["lazy", "exact"] = "lazy",
    nonfinite: Literal["raise", "propagate"] = "propagate",
    dtype: Literal["float32", "bfloat16"] = "float32",
) -> schuss.Optimizer:
    """A table with the optimizer that Table.update would make for it."""
    table = schuss.Table(rows, dim, CASES[rule].rule, dtype=dtype, init=schuss.init.constant(START))
    return schuss.Optimizer(table, CASES[rule].rule, sparse=sparse, nonfinite=nonfinite)


def _update(opt: schuss.Optimizer) -> Bind:
    def bind(stream: Stream) -> Step:
        turns = _turns(stream.batches)
        return lambda: opt.step(schuss.RowGrad(*next(turns)))

    return bind


def _exact(opt: schuss.Optimizer) -> Bind:
    """First the whole stream untimed: later every row that comes again has missed steps, as in a long training."""

    def bind(stream: Stream) -> Step:
        step = _update(opt)(stream)
        for _ in stream.batches:
            step()
        return step

    return bind


def _lookup_update(opt: schuss.Optimizer) -> Bind:
    def bind(stream: Stream) -> Step:
        turns = _turns(stream.batches, len(stream.batches) // 3)

        def step() -> None:
            ids, g = next(turns)
            opt.params.lookup(ids)
            opt.step(schuss.RowGrad(ids, g))

        return step

    return bind


def _limit(opt: schuss.Optimizer) -> Bind:
    """Each row of a batch once, in random order, read and written with its slots. Half a turn away from the update, so
    that neither finds the other's rows in a cache."""

    visit: Any = _cold.visit  # type: ignore[attr-defined,unused-ignore]

    def bind(stream: Stream) -> Step:
        rng = np.random.default_rng(4)
        once = stream.batches[:DISTINCT]
        if stream.name != "unique":
            once = [(rng.permutation(np.unique(ids)), g) for ids, g in once]
        turns = _turns(once, len(once) // 2)

        def step() -> None:
            ids, g = next(turns)
            visit(_level.table, opt.params._store, ids, g, schuss.get_threads())

        return step

    return bind


def _numpy(rows: int, dim: int, total: Callable[[Array, Array], tuple[Array, Array]]) -> Bind:
    """AdaGrad on the sums that `total` makes of duplicates."""
    w, s = np.full((rows, dim), START, np.float32), np.full((rows, dim), START, np.float32)

    def bind(stream: Stream) -> Step:
        turns = _turns(stream.batches)

        def step() -> None:
            ids, g = total(*next(turns))
            state = s[ids] + g * g
            s[ids] = state
            w[ids] -= LR * g / (np.sqrt(state) + 1e-10)

        return step

    return bind


def add_at(ids: Array, g: Array) -> tuple[Array, Array]:
    """Sums of duplicates as a person writes them."""
    found, place = np.unique(ids, return_inverse=True)
    total = np.zeros((len(found), g.shape[1]), g.dtype)
    np.add.at(total, place, g)
    return found, total


def reduceat(ids: Array, g: Array) -> tuple[Array, Array]:
    """The same sums from sorted ids."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return ordered[first], np.add.reduceat(g[order], first, axis=0)


def _torch(rows: int, dim: int, name: str) -> Bind:
    import torch

    invariants: Any = torch.sparse.check_sparse_tensor_invariants
    invariants.disable()  # torch's default, which it warns of unless it is asked for
    weight = torch.nn.Parameter(torch.full((rows, dim), START))
    optimizer: Any = getattr(torch.optim, name)([weight], lr=LR)

    def coo(ids: Array, g: Array) -> Any:
        return torch.sparse_coo_tensor(
            torch.from_numpy(ids)[None], torch.from_numpy(g), weight.shape, check_invariants=False
        )

    weight.grad = coo(np.zeros(1, np.int64), np.zeros((1, dim), np.float32))
    optimizer.step()
    for value in optimizer.state[weight].values():
        if getattr(value, "shape", None) == weight.shape:
            value.fill_(START)  # else the steps that are timed would be the first to touch its pages

    def bind(stream: Stream) -> Step:
        turns = _turns([coo(ids, g) for ids, g in stream.batches])

        def step() -> None:
            weight.grad = next(turns)
            optimizer.step()

        return step

    return bind


def _fbgemm(rows: int, dim: int, name: str) -> Bind:
    """Forward and backward, which takes the step; a bag for each id."""
    import torch

    parts, ops = _fbgemm_modules()
    host = (rows, dim, parts.EmbeddingLocation.HOST, ops.ComputeDevice.CPU)
    embedding = ops.SplitTableBatchedEmbeddingBagsCodegen(
        [host], optimizer=getattr(ops.OptimType, name), learning_rate=LR, eps=1e-10, pooling_mode=parts.PoolingMode.SUM
    )
    offsets = torch.arange(IDS + 1)
    with torch.no_grad():
        for weight in embedding.split_embedding_weights():
            weight.fill_(START)
        for state in itertools.chain(*embedding.split_optimizer_states()):
            state.fill_(START)

    def bind(stream: Stream) -> Step:
        turns = _turns([(torch.from_numpy(ids), torch.from_numpy(g)) for ids, g in stream.batches])

        def step() -> None:
            ids, g = next(turns)
            embedding(ids, offsets).backward(g)

        return step

    return bind


@functools.cache
def _fbgemm_modules() -> Any:
    """Its two modules; ImportError if it is not there or does not fit the torch that is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of kernels for other devices
        try:
            stem = "fbgemm_gpu.split_table_batched_embeddings_ops"
            return importlib.import_module(f"{stem}_common"), importlib.import_module(f"{stem}_training")
        except (OSError, RuntimeError, AttributeError) as error:
            raise ImportError(f"fbgemm_gpu: {error}") from error


def has_fbgemm() -> bool:
    """Whether fbgemm is installed and works."""
    try:
        _fbgemm_modules()
    except ImportError:
        return False
    return True


def _ours(rows: int, dim: int, rule: str) -> list[Actor]:
    """schuss and its limit, which shares the table. The peers do not look for NaN: their ratios are to "propagate"."""
    opt = _trained(rows, dim, rule)
    found = [Actor("schuss", _update(opt), True)]
    if rule != "AdamW":
        found.insert(0, Actor("limit", _limit(opt), True))
        found.append(Actor("schuss-checked", _update(_trained(rows, dim, rule, nonfinite="raise")), True))
    if rule in ("Adam", "AdamW"):
        found.append(Actor("schuss exact", _exact(_trained(rows, dim, rule, sparse="exact")), True))
    if rule in ("AdaGrad", "RowWiseAdaGrad"):
        found.append(Actor("schuss lookup + update", _lookup_update(opt), True))
    return found


def _peers(rows: int, dim: int, rule: str) -> list[Actor]:
    found = []
    if rule == "AdaGrad":
        found += [
            Actor("numpy add.at", _numpy(rows, dim, add_at)),
            Actor("numpy reduceat", _numpy(rows, dim, reduceat)),
        ]
    optimizer = {"AdaGrad": "Adagrad", "Adam": "SparseAdam"}.get(rule)
    if optimizer and micro.has_torch():
        found.append(Actor("torch", _torch(rows, dim, optimizer)))
    optimizer = {"AdaGrad": "EXACT_ADAGRAD", "RowWiseAdaGrad": "EXACT_ROWWISE_ADAGRAD"}.get(rule)
    if optimizer and has_fbgemm():
        found.append(Actor("fbgemm", _fbgemm(rows, dim, optimizer)))
    return found


def _fits(rows: int, dim: int, rule: str) -> bool:
    """Whether the peers' tables, and what they allocate on the way, fit into the memory that schuss left."""
    return 4.0 * rows * dim * (1 + CASES[rule].slots) * (5 if rule == "AdaGrad" else 2) < micro._free_memory()


# ---- measuring ------------------------------------------------------------------------------------------------------


def _sample(step: Step) -> Step:
    def call() -> None:
        for _ in range(STEPS):
            step()

    return call


def _timed(bound: Sequence[tuple[Actor, Step]], threads: int, rounds: int) -> dict[str, Any]:
    """Interleaved; ms for a step, and x: the median of ratios to the base in the same round."""
    schuss.set_threads(threads)
    micro._set_torch_threads(threads)
    found = [micro.Contender(a.name, _sample(step), a.calm and threads > 1) for a, step in bound]
    micro.interleave(found, rounds, warm=False)
    samples = {one.name: [s / STEPS * 1e3 for s in one.samples] for one in found}
    return {
        name: {
            "ms": _short(statistics.median(ms)),
            "ms_low": _short(min(ms)),
            "ms_high": _short(max(ms)),
            "x": _short(
                statistics.median(a / b for a, b in zip(ms, samples[BASE.get(name, "schuss")], strict=True))
                if BASE.get(name, "schuss") in samples
                else 1.0
            ),
        }
        for name, ms in samples.items()
    }


def _short(x: float) -> float:
    return float(f"{x:.5g}")


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    shapes: Sequence[tuple[int, int]]
    rules: Sequence[str]
    threads: Sequence[int]
    rounds: int
    stream: int
    progress: micro.Progress

    def row(self, kind: str, rows: int, dim: int, rule: str, stream: Stream, threads: int) -> Row:
        """What all rows of the report have."""
        self.progress(f"{rows:,} x {dim}, {rule}, {stream.name}, {threads} thread{'s' * (threads > 1)}")
        return {
            "kind": kind,
            "rows": rows,
            "dim": dim,
            "rule": rule,
            "stream": stream.name,
            "threads": threads,
            "rounds": self.rounds,
            "ids": IDS,
            "distinct": _short(stream.distinct),
        }


def measure_steps(
    plan: Plan, rows: int, dim: int, rule: str, values: Sequence[Array], streams: list[Stream]
) -> list[Row]:
    """All of one rule on one size of table; its tables are alive together."""
    plan.progress(f"{rows:,} x {dim}, {rule}, tables")
    schuss.set_threads(max(plan.threads))
    micro._set_torch_threads(max(plan.threads))
    actors = _ours(rows, dim, rule)
    found = []
    if rule != "AdamW":
        by_name = {a.name: a for a in actors}
        scattered, ascending = unique(rows, values)
        pairs = [(n, n, scattered) for n in ("limit", "schuss", "schuss-checked")]
        pairs += [(f"{n} ascending", n, ascending) for n in ("limit", "schuss")]
        # No peers here, so nothing spins and nobody needs calm.
        bound = [(Actor(name, by_name[n].bind), by_name[n].bind(stream)) for name, n, stream in pairs]
        for threads in plan.threads:
            row = plan.row("unique", rows, dim, rule, scattered, threads)
            found.append({**row, "results": _timed(bound, threads, plan.rounds)})
    note = "" if _fits(rows, dim, rule) else "no peers: too little memory"
    if not note:
        actors += _peers(rows, dim, rule)
    for stream in streams:
        plan.progress(f"{rows:,} x {dim}, {rule}, {stream.name}")
        schuss.set_threads(max(plan.threads))
        bound = [(a, a.bind(stream)) for a in actors]
        for threads in plan.threads:
            row = plan.row("step", rows, dim, rule, stream, threads)
            found.append({**row, "note": note, "results": _timed(bound, threads, plan.rounds)})
    return found


def measure_dense(plan: Plan, rows: int, dim: int, rule: str) -> dict[int, float]:
    """ms of the dense step on an array of the table's size, by the number of threads."""
    plan.progress(f"{rows:,} x {dim}, dense {rule}")
    w, g = np.full((rows, dim), START, np.float32), np.full((rows, dim), START, np.float32)
    opt = schuss.Optimizer(w, CASES[rule].rule, nonfinite="propagate")
    found = {}
    for threads in plan.threads:
        schuss.set_threads(threads)
        one = micro.Contender("dense", lambda: opt.step(g))
        micro.interleave([one], DENSE, warm=False)
        found[threads] = _short(statistics.median(one.samples) * 1e3)
    return found


def measure_halves(plan: Plan, rows: int, dim: int, values: Sequence[Array], streams: list[Stream]) -> list[Row]:
    """Tables of bfloat16 against float32, row-wise AdaGrad; x of float32 is the gain in rows per second."""
    rule = "RowWiseAdaGrad"
    plan.progress(f"{rows:,} x {dim}, {rule}, bfloat16")
    schuss.set_threads(max(plan.threads))
    halves: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
    actors = [Actor(dtype, _update(_trained(rows, dim, rule, dtype=dtype))) for dtype in halves]
    found = []
    for stream in (unique(rows, values)[0], *streams):
        bound = [(a, a.bind(stream)) for a in actors]
        for threads in plan.threads:
            row = plan.row("bfloat16", rows, dim, rule, stream, threads)
            found.append({**row, "results": _timed(bound, threads, plan.rounds)})
    return found


def run(plan: Plan) -> list[Row]:
    """Measures everything, one table size after the other."""
    found: list[Row] = []
    try:
        for rows, dim in plan.shapes:
            plan.progress(f"{rows:,} x {dim}, ids and gradients")
            values = gradients(dim)
            streams = duplicates(rows, values, plan.stream)
            for rule in plan.rules:
                steps = measure_steps(plan, rows, dim, rule, values, streams)
                gc.collect()
                if rule in ("Adam", "AdamW"):
                    dense = measure_dense(plan, rows, dim, rule)
                    gc.collect()
                    steps = [r | {"dense_ms": dense[r["threads"]]} if r["kind"] == "step" else r for r in steps]
                found += steps
            if dim == HALVED and "RowWiseAdaGrad" in plan.rules:
                found += measure_halves(plan, rows, dim, values, streams)
                gc.collect()
    finally:
        schuss.set_threads(None)
    return found


# ---- report ---------------------------------------------------------------------------------------------------------


PEERING = {"numpy add.at", "numpy reduceat", "torch", "fbgemm"}

Cell = Callable[[Row], str]
Columns = Sequence[tuple[str, Cell]]


def _ms(name: str) -> Cell:
    return lambda row: f"{row['results'][name]['ms']:.2f}" if name in row["results"] else "-"


def _x(name: str) -> Cell:
    return lambda row: report._times(row["results"][name]["x"], 1.0) if name in row["results"] else "-"


def _share(name: str) -> Cell:
    return lambda row: f"{row['results'][name]['x']:.0%}" if name in row["results"] else "-"


def _speed(name: str) -> Cell:
    """Million ids a second."""
    return lambda row: f"{row['ids'] / row['results'][name]['ms'] / 1e3:.1f}"


PLACE: Columns = (
    ("table", lambda row: f"{row['rows']:.0e} x {row['dim']}".replace("e+0", "e")),
    ("rule", lambda row: row["rule"]),
    ("ids", lambda row: row["stream"]),
    ("threads", lambda row: str(row["threads"])),
)
DIFFER: Columns = (
    ("ms", _ms("schuss")),
    ("Mids/s", _speed("schuss")),
    ("of limit", _share("limit")),
    ("ascending: ms", _ms("schuss ascending")),
    ("of limit", _share("limit ascending")),
    ("checked: ms", _ms("schuss-checked")),
)
WHOLE: Columns = (
    ("ms", _ms("schuss")),
    ("Mids/s", _speed("schuss")),
    ("rows", lambda row: f"{row['distinct']:,.0f}"),
    ("of limit", _share("limit")),
    ("checked: ms", _ms("schuss-checked")),
)
PEERS: Columns = (
    ("ms", _ms("schuss")),
    ("x add.at", _x("numpy add.at")),
    ("x reduceat", _x("numpy reduceat")),
    ("x torch", _x("torch")),
    ("with lookup: ms", _ms("schuss lookup + update")),
    ("x fbgemm", _x("fbgemm")),
)
EXACT: Columns = (
    ("lazy: ms", _ms("schuss")),
    ("exact: ms", _ms("schuss exact")),
    ("exact / lazy", lambda row: f"{row['results']['schuss exact']['x']:.2f}"),
    ("dense: ms", lambda row: f"{row['dense_ms']:.0f}"),
    ("dense / exact", lambda row: f"{row['dense_ms'] / row['results']['schuss exact']['ms']:.1f}"),
)
HALVES: Columns = (
    ("float32: ms", _ms("float32")),
    ("bfloat16: ms", _ms("bfloat16")),
    ("Mids/s", _speed("bfloat16")),
    ("x rows/s", _x("float32")),
)


def _grid(title: str, rows: Sequence[Row], columns: Columns) -> Table:
    columns = (*PLACE, *columns)
    table = Table(title=title, title_justify="left")
    for k, (name, _) in enumerate(columns):
        table.add_column(name, justify="left" if k < len(PLACE) - 1 else "right")
    for before, row in zip((None, *rows), rows, strict=False):
        if before and any(before[part] != row[part] for part in ("rows", "rule")):
            table.add_section()
        table.add_row(*(cell(row) for _, cell in columns))
    return table


def grids(rows: Sequence[Row]) -> list[Table]:
    """What is printed: ids that differ, whole steps, exact mode, bfloat16; those of them that were measured."""
    steps = [row for row in rows if row["kind"] == "step"]
    found = (
        (f"update of {IDS:,} rows that differ", [row for row in rows if row["kind"] == "unique"], DIFFER),
        (
            f"whole step on {IDS:,} ids with duplicates",
            [row for row in steps if "limit" in row["results"]],
            WHOLE,
        ),
        (
            "whole step; x: times as long as schuss, fbgemm: as schuss with lookup",
            [row for row in steps if PEERING & row["results"].keys()],
            PEERS,
        ),
        (
            "exact mode, which ends where the dense optimizer does",
            [row for row in steps if "schuss exact" in row["results"]],
            EXACT,
        ),
        ("bfloat16 against float32", [row for row in rows if row["kind"] == "bfloat16"], HALVES),
    )
    return [_grid(title, some, columns) for title, some, columns in found if some]


def show(about: dict[str, str], rows: Sequence[Row], console: Console | None = None) -> None:
    """Prints machine, tables and notes."""
    console = console or Console(width=None if Console().is_terminal else 120)
    console.print(", ".join(f"{k} {v}" for k, v in about.items()), highlight=False)
    for table in grids(rows):
        console.print(table)
    for note in dict.fromkeys(f"{r['rows']:,} x {r['dim']}, {r['rule']}: {r['note']}" for r in rows if r.get("note")):
        console.print(note, highlight=False)


def plot(about: dict[str, str], rows: Sequence[Row], path: Path) -> None:
    """ms of a whole step on Zipf ids: a panel for each table and rule, a line for each contender."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = [row for row in rows if row["kind"] == "step" and row["stream"] == "zipf" and row["rule"] != "AdamW"]
    if not rows:
        return
    shapes = list(dict.fromkeys((row["rows"], row["dim"]) for row in rows))
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    threads = sorted({row["threads"] for row in rows})
    order = [name for name in STYLES if any(name in row["results"] for row in rows)]
    figure, grid = plt.subplots(
        len(rules),
        len(shapes),
        figsize=(2.6 * len(shapes) + 1.8, 2.1 * len(rules) + 1.4),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for (rule, shape), axes in zip(itertools.product(rules, shapes), grid.flat, strict=True):
        for row in rows:
            if (row["rows"], row["dim"], row["rule"]) != (*shape, rule):
                continue
            for name, result in row["results"].items():
                colour, marker = STYLES[name]
                filled = row["threads"] == threads[-1]
                axes.plot(
                    result["ms"],
                    order.index(name),
                    marker,
                    color=colour,
                    markerfacecolor=colour if filled else "none",
                    markersize=10 if marker == "|" and filled else 6,
                )
        axes.set(xscale="log", yticks=range(len(order)), yticklabels=order, ylim=(len(order) - 0.5, -0.5))
        axes.set_title(f"{rule}, {shape[0]:,} x {shape[1]}", fontsize=9)
        axes.grid(True, which="major", color="0.9", linewidth=0.6)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("ms for a step", fontsize=8)
    hollow = f"filled: {threads[-1]} threads, hollow: {threads[0]}" if len(threads) > 1 else f"threads: {threads[0]}"
    figure.suptitle(
        f"One sparse step, {IDS:,} ids, Zipf({EXPONENT}), float32; {hollow}\n"
        f"{about['cpu']}, {about['cores']} cores, L3 {about['l3']}, level {about['level']}\n"
        f"numpy {about['numpy']}, torch {about['torch']}, fbgemm {about['fbgemm']}; {about['date']}",
        fontsize=10,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write(out: Path, name: str, about: dict[str, str], rows: Sequence[Row]) -> list[Path]:
    """Writes NAME.json, and with matplotlib NAME.png; returns the paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{name}.json", out / f"{name}.png"]
    paths[0].write_text(json.dumps({"machine": about, "tables": list(rows)}, indent=1) + "\n")
    try:
        plot(about, rows, paths[1])
    except ImportError:
        Console().print("no plot: matplotlib is not installed; pip install 'schuss\\[plot]'")
    return [path for path in paths if path.exists()]


def main(
    out: Path = Path("results"),
    quick: bool = False,
    rules: Sequence[str] | None = None,
    name: str | None = None,
) -> list[Path]:
    """Measures, prints and writes; quick: a tenth of the rows, a third of the rounds, the most threads only."""
    chosen = list(rules) if rules else list(RULES)
    unknown = [rule for rule in chosen if rule not in RULES]
    if unknown:
        raise ValueError(f"rules: {unknown[0]!r} is not one of {', '.join(RULES)}")
    console = Console(stderr=True)
    threads = micro.thread_counts(quick)
    with console.status("starting") as status:
        rows = run(
            Plan(
                [(n // 10, dim) for n, dim in SHAPES] if quick else SHAPES,
                chosen,
                threads,
                ROUNDS // 3 if quick else ROUNDS,
                STREAM // 4 if quick else STREAM,
                lambda text: status.update(text),
            )
        )
    about = report.machine() | {"fbgemm": report._version("fbgemm-gpu-cpu") if has_fbgemm() else "not in use"}
    show(about, rows)
    paths = write(out, name or report.default_name(about) + "-tables" + ("-quick" if quick else ""), about, rows)
    for path in paths:
        console.print(f"wrote {path}", highlight=False)
    return paths
