"""`schuss bench ctr`: click models beside Vowpal Wabbit, scikit-learn and torch, every run in a process of its own."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from . import ctr_data, ctr_peers, micro, report

Row = dict[str, Any]
Task = tuple[str, str]  # contender, model
PEERS = {"vw": "vowpalwabbit", "sklearn": "sklearn", "torch": "torch"}
SLOW = ("sklearn", "torch")
SPEED: dict[str, list[Task]] = {  # the first one is ours and what the others are compared with
    "text": [
        *(("schuss", m) for m in ("lr", "fm", "ffm")),
        *(("vw", "lr"), ("sklearn", "lr"), ("torch", "lr"), ("torch", "fm")),
    ],
    "memory": [*(("schuss", m) for m in ("lr", "fm", "ffm")), ("sklearn", "lr"), ("torch", "lr"), ("torch", "fm")],
    "parse": [("schuss", "lr"), ("vw", "lr")],
    "predict": [*(("schuss", m) for m in ("lr", "fm", "ffm")), ("vw", "lr")],
}
QUALITY: list[tuple[str, str, int]] = [  # contender, model, passes
    *(("schuss", "lr", 1), ("schuss", "fm", 3), ("schuss", "ffm", 5)),
    *(("vw", "lr", 1), ("vw", "pairs", 1), ("torch", "fm", 3)),
]
PARTS = (*SPEED, "quality", "real")
TITLES = {
    "text": "one pass from text: whole process; logloss is progressive (sklearn's: held out)",
    "memory": "learning alone, examples in memory",
    "parse": "text to examples, nothing learned",
    "predict": "text to scores",
}
# Of peers without wheels, seen on such a machine with 1 M rows of log A: thousand examples a second, one thread.
SEEN = {
    "text": {"xLearn lr": 196, "xLearn fm": 172, "xLearn ffm": 86, "libffm ffm": 83},
    "memory": {"xLearn lr": 2400, "xLearn fm": 1100, "xLearn ffm": 207, "libffm ffm": 172},
}


def there(contender: str) -> bool:
    """Whether it is installed."""
    return contender not in PEERS or util.find_spec(PEERS[contender]) is not None


# ---- measuring ------------------------------------------------------------------------------------------------------


def speed(part: str, log: Path, threads: Sequence[int], rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Rounds in which every contender runs once, slow ones in the first alone; seconds of each run."""
    rows: dict[tuple[str, str, int], Row] = {}
    for k in range(rounds):
        for count in threads:
            for who, model in SPEED[part]:
                if not there(who) or (k > 0 and who in SLOW) or (count > 1 and who == "sklearn"):
                    continue
                say(f"{part}: round {k + 1} of {rounds}, {who} {model}, {count} threads")
                found = ctr_peers.run({"task": f"{part}_{who}", "model": model, "threads": count, "log": str(log)})
                row = rows.setdefault(
                    (who, model, count),
                    {**found, "part": part, "who": who, "model": model, "threads": count, "seconds": []},
                )
                if "failed" not in found:
                    row["seconds"].append(found["seconds" if part == "text" else "inner"])
    return list(rows.values())


def quality(log: Path, threads: int, say: Callable[[str], None]) -> list[Row]:
    """Held-out logloss on log B by pass."""
    rows = []
    for who, model, passes in QUALITY:
        if there(who):
            say(f"quality: {who} {model}")
            job = {"task": f"quality_{who}", "model": model, "threads": threads, "log": str(log), "passes": passes}
            rows.append({"part": "quality", "who": who, "model": model, **ctr_peers.run(job)})
    return rows


def real(names: Sequence[str], say: Callable[[str], None]) -> list[Row]:
    """Held-out losses on the real files."""
    rows = []
    for name in names:
        models = ["lr", "fm", "ffm"] if ctr_data.REAL[name].fields else ["lr", "fm"]
        jobs: list[tuple[str, str, dict[str, Any]]] = [("schuss", model, {}) for model in models]
        jobs += [("vw", "lr", {}), ("vw", "pairs", {}), ("sklearn", "lr", {})]
        jobs += [("torch", model, {"lr": rate}) for model in ("lr", "fm") for rate in (0.01, 0.1)]
        for who, model, options in jobs:
            if there(who):
                say(f"real: {name}, {who} {model}")
                job = {"task": f"real_{who}", "data": name, "model": model, "threads": 2, **options}
                rows.append({"part": "real", "data": name, "who": who, "model": model, **options, **ctr_peers.run(job)})
    return rows


# ---- telling --------------------------------------------------------------------------------------------------------


def ratio(row: Row, base: Row) -> float:
    """How many times as long as the base, for each example: the median over the rounds."""
    pairs = zip(row["seconds"], base["seconds"], strict=False)
    return statistics.median([(s / row["rows"]) / (b / base["rows"]) for s, b in pairs])


def speed_table(part: str, rows: Sequence[Row]) -> Table:
    """A line for each contender, model and number of threads."""
    table = Table(title=TITLES[part], title_justify="left")
    for head in ("model", "threads", "who", "seconds", "k examples/s", "MB/s", "times schuss", "logloss", "peak MB"):
        table.add_column(head, justify="left" if head in ("model", "who") else "right")
    bases = {(r["model"], r["threads"]): r for r in rows if r["who"] == "schuss" and r["seconds"]}
    for row in sorted(rows, key=lambda r: (("lr", "fm", "ffm").index(r["model"]), r["threads"])):
        about = row["model"], str(row["threads"]), row["who"]
        base = bases.get((row["model"], row["threads"]))
        if not row["seconds"]:
            table.add_row(*about, row["failed"], *[""] * 5)
            continue
        seconds = statistics.median(row["seconds"])
        loss = row.get("logloss", row.get("held-out logloss"))
        table.add_row(
            *about,
            f"{seconds:.2f}",
            f"{row['rows'] / seconds / 1e3:,.0f}",
            f"{row['MB'] / seconds:,.0f}" if "MB" in row else "",
            f"{ratio(row, base):.2f}" if base else "",
            "" if loss is None or math.isnan(loss) else f"{loss:.4f}",
            f"{row['peak MB']:,.0f}",
        )
    for name, rate in SEEN.get(part, {}).items():
        table.add_row(name.split()[1], "1", f"{name.split()[0]}, seen earlier", "", f"{rate:,}", *[""] * 4)
    return table


def quality_table(rows: Sequence[Row]) -> Table:
    """Held-out logloss of each pass."""
    table = Table("who", "model", "logloss after pass 1, 2, ...", title="log B, whose pairs of fields interact")
    for row in rows:
        losses = row.get("by pass")
        told = row.get("failed", "") if losses is None else ", ".join(f"{loss:.4f}" for loss in losses)
        table.add_row(row["who"], row["model"], told)
    return table


def best_peers(rows: Sequence[Row]) -> list[Row]:
    """For each file, model class and way of stopping: ours and the best peer of that class."""
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        for model in ("lr", "fm", "ffm"):
            mine = [r for r in rows if (r["data"], r["who"], r["model"]) == (data, "schuss", model)]
            theirs = [r for r in rows if r["data"] == data and r["who"] != "schuss" and r["model"] == model]
            for way in ("one", "more"):
                if not mine or "failed" in mine[0]:
                    continue
                found = [(r[w]["logloss"], who_of(r)) for r in theirs for w in (way, "own") if w in r]
                if way == "one":
                    found = [(r["one"]["logloss"], who_of(r)) for r in theirs if "one" in r]
                best = min(found, default=(math.nan, "none"))
                ours = mine[0][way]["logloss"]
                more = 100 * (ours / best[0] - 1)
                lines.append({"data": data, "model": model, "way": way, "schuss": ours, "best": best, "more %": more})
    return lines


def who_of(row: Row) -> str:
    """The contender, with the rate where it is not the only one."""
    return f"{row['who']} at {row['lr']}" if "lr" in row else str(row["who"])


def real_table(rows: Sequence[Row]) -> Table:
    """Ours beside the best peer of the class, and Vowpal Wabbit's pairs, which are another class."""
    table = Table(title="real files, held-out logloss", title_justify="left")
    for head in ("data", "model", "passes", "schuss", "best peer", "its logloss", "more than it", "vw, all pairs"):
        table.add_column(head, justify="right" if head in ("schuss", "its logloss", "more than it") else "left")
    for line in best_peers(rows):
        pairs = [r for r in rows if (r["data"], r["who"], r["model"]) == (line["data"], "vw", "pairs") if "one" in r]
        told = f"{pairs[0][line['way']]['logloss']:.5f}" if pairs and line["model"] != "lr" else ""
        alone = math.isnan(line["best"][0])
        table.add_row(
            line["data"],
            line["model"],
            "one" if line["way"] == "one" else "up to ten",
            f"{line['schuss']:.5f}",
            line["best"][1],
            "" if alone else f"{line['best'][0]:.5f}",
            "" if alone else f"{line['more %']:+.2f} %",
            told,
        )
    return table


def show(about: dict[str, str], rows: Sequence[Row], console: Console | None = None) -> None:
    """Prints machine and tables."""
    console = console or Console(width=None if Console().is_terminal else 130)
    console.print(", ".join(f"{k} {v}" for k, v in about.items()), highlight=False)
    for part in SPEED:
        some = [row for row in rows if row["part"] == part]
        if some:
            console.print(speed_table(part, some))
    for name, table in (("quality", quality_table), ("real", real_table)):
        some = [row for row in rows if row["part"] == name]
        if some:
            console.print(table(some))


def plot(about: dict[str, str], rows: Sequence[Row], path: Path) -> None:
    """Thousand examples a second: a panel from text and one from memory, a bar for each contender."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    colours = {"schuss": "#c1272d", "vw": "#0072b2", "sklearn": "#56b4e9", "torch": "#e69f00"}
    for axes, part in zip(panels, ("text", "memory"), strict=True):
        bars = [r for r in rows if r["part"] == part and r["seconds"]]
        rates = [
            (f"{r['model']}, {r['who']}, {r['threads']}", r["rows"] / statistics.median(r["seconds"]) / 1e3, r["who"])
            for r in sorted(bars, key=lambda r: (("lr", "fm", "ffm").index(r["model"]), r["threads"]))
        ]
        axes.barh([n for n, _, _ in rates], [x for _, x, _ in rates], color=[colours[w] for _, _, w in rates])
        for k, (_, rate, _) in enumerate(rates):
            axes.text(rate, k, f" {rate:,.0f}", va="center", fontsize=8)
        axes.set(xscale="log", xlabel="thousand examples a second", title=TITLES[part].split(":")[0])
        axes.invert_yaxis()
        axes.margins(x=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Log A, 39 features; model, who, threads\n{about['cpu']}, {about['date']}", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(
    out: Path = Path("results"),
    quick: bool = False,
    rules: Sequence[str] | None = None,
    logs: Path | None = None,
    name: str | None = None,
) -> list[Path]:
    """Measures, prints and writes; `rules` names parts, `logs` a folder that keeps the logs from run to run."""
    parts = list(rules or PARTS)
    wrong = set(parts) - set(PARTS)
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {min(wrong)!r}")
    console, threads = Console(stderr=True), micro.thread_counts(quick)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary, console.status("making logs") as status:
        folder = logs or Path(temporary)
        for part in parts:
            if part in SPEED:
                log = ctr_data.log(folder, "A", quick)
                rows += speed(part, log, threads, 1 if quick else 3, status.update)
            elif part == "quality":
                rows += quality(ctr_data.log(folder, "B", quick), max(threads), status.update)
            else:
                names = [n for n, files in ctr_data.REAL.items() if files.there]
                rows += real(names[:2] if quick else names, status.update)
    versions = {who: report._version(package) for who, package in PEERS.items() if package != "sklearn"}
    about = report.machine() | versions | {"sklearn": report._version("scikit-learn")}
    show(about, rows)
    out.mkdir(parents=True, exist_ok=True)
    stem = name or report.default_name(about) + "-ctr" + ("-quick" if quick else "")
    paths = [out / f"{stem}.json"]
    paths[0].write_text(json.dumps({"machine": about, "ctr": rows}, indent=1) + "\n")
    if {"text", "memory"} <= set(parts):
        try:
            plot(about, rows, out / f"{stem}.png")
            paths.append(out / f"{stem}.png")
        except ImportError:
            console.print("no plot: matplotlib is not installed; pip install 'schuss\\[plot]'")
    for path in paths:
        console.print(f"wrote {path}", highlight=False)
    return paths
