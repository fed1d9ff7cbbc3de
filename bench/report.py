"""Writes measurements as JSON and as a plot, and prints them as a table."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import schuss

Row = dict[str, Any]
STYLES = {  # of the plot: colour, marker, line
    "limit": ("0.55", "", "--"),
    "schuss": ("#c1272d", "o", "-"),
    "best torch": ("#e69f00", "s", "-"),
    "numpy in-place": ("#56b4e9", "^", "-"),
    "numpy": ("#0072b2", "v", "-"),
}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cache(level: str) -> str:
    """Size of a cache as Linux tells it, "unknown" elsewhere."""
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            if (index / "level").read_text().strip() == level:
                return (index / "size").read_text().strip()
        except OSError:
            continue
    return "unknown"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, str]:
    """What the numbers belong to."""
    found = schuss.info()
    return {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "l2": _cache("2"),
        "l3": _cache("3"),
        "system": f"{platform.system()} {platform.release()}",
        "huge pages": found["huge pages"],
        "level": found["level"],
        "schuss": found["version"],
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "torch": _version("torch"),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def default_name(about: dict[str, str]) -> str:
    """A file name from CPU, cores and level."""
    cpu = re.sub(r"\(R\)|\(TM\)|CPU|Processor|Core", " ", about["cpu"])
    return re.sub(r"[^a-z0-9.]+", "-", f"{cpu} {about['cores']}c {about['level']}".lower()).strip("-")


def best_torch(results: dict[str, Any]) -> str | None:
    """The fastest of torch's forms."""
    forms = [name for name in results if name.startswith("torch")]
    return min(forms, key=lambda name: float(results[name]["ns"])) if forms else None


def series(row: Row) -> dict[str, float]:
    """What the plot shows of a row: ns for a parameter by name."""
    results = row["results"]
    shown = {name: float(results[name]["ns"]) for name in STYLES if name in results}
    torch = best_torch(results)
    if torch is not None:
        shown["best torch"] = float(results[torch]["ns"])
    return shown


def _times(other: float | None, ours: float) -> str:
    if other is None:
        return "-"
    text = f"{other / ours:.2f}"
    return f"[red]{text}[/red]" if other < ours else text


def kernel_table(rows: Sequence[Row]) -> Table:
    """schuss in ns, GB/s and share of the limit; peers as multiples of its time, red where they are faster."""
    table = Table(title="one step; x: times as long as schuss", title_justify="left")
    for name in (
        "rule",
        "n",
        "threads",
        "ns/param",
        "GB/s",
        "of limit",
        "of passes",
        "checked",
        "x NumPy",
        "x in-place",
        "x torch",
    ):
        table.add_column(name, justify="left" if name == "rule" else "right")
    table.add_column("best torch")
    last = ""
    for row in rows:
        results = row["results"]
        ns = {name: float(r["ns"]) for name, r in results.items()}
        ours, torch = ns["schuss"], best_torch(results)
        if last and row["rule"] != last:
            table.add_section()
        last = row["rule"]
        table.add_row(
            row["rule"],
            f"{row['n']:.0e}".replace("e+0", "e"),
            str(row["threads"]),
            f"{ours:.3f}",
            f"{results['schuss']['gbs']:.1f}",
            f"{results['schuss']['share']:.0%}",
            f"{results['schuss']['own share']:.0%}" if "own share" in results["schuss"] else "-",
            f"{ns['schuss-checked']:.3f}",
            _times(ns.get("numpy"), ours),
            _times(ns.get("numpy in-place"), ours),
            _times(ns[torch] if torch else None, ours),
            torch.removeprefix("torch ") if torch else "-",
        )
    return table


def many_table(rows: Sequence[Row]) -> Table:
    """Microseconds for a whole step on small arrays."""
    names = list(dict.fromkeys(name for row in rows for name in row["us"]))
    table = Table(title="whole step on small arrays, in µs", title_justify="left")
    for name in ("rule", "arrays", "threads", *names):
        table.add_column(name, justify="left" if name == "rule" else "right")
    for row in rows:
        values = (f"{row['us'][name]:.1f}" if name in row["us"] else "-" for name in names)
        table.add_row(row["rule"], f"{row['arrays']} x {row['n']:,}", str(row["threads"]), *values)
    return table


def show(about: dict[str, str], rows: Sequence[Row], small: Sequence[Row], console: Console | None = None) -> None:
    """Prints machine, tables and notes."""
    console = console or Console(width=None if Console().is_terminal else 132)
    console.print(", ".join(f"{k} {v}" for k, v in about.items()), highlight=False)
    console.print(kernel_table(rows))
    for rule, note in {row["rule"]: row["note"] for row in rows if row["note"]}.items():
        console.print(f"{rule}: {note}", highlight=False)
    if small:
        console.print(many_table(small))


def plot(about: dict[str, str], rows: Sequence[Row], threads: int, path: Path) -> None:
    """One panel for each rule: ns for a parameter over n, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = [row for row in rows if row["threads"] == threads]
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    across = min(3, len(rules))
    down = -(-len(rules) // across)
    figure, grid = plt.subplots(
        down, across, figsize=(2.1 * across + 0.6, 1.9 * down + 1.5), sharex=True, sharey=True, squeeze=False
    )
    handles: dict[str, Any] = {}
    for k, axes in enumerate(grid.flat):
        if k >= len(rules):
            axes.set_visible(False)
            continue
        mine = [row for row in rows if row["rule"] == rules[k]]
        for name, (colour, marker, line) in reversed(STYLES.items()):
            points = [(row["n"], series(row)[name]) for row in mine if name in series(row)]
            if points:
                x, y = zip(*points, strict=True)
                (handles[name],) = axes.plot(
                    x, y, line, color=colour, marker=marker, markersize=4, linewidth=1.4, label=name
                )
        axes.set(xscale="log", yscale="log", title=rules[k])
        axes.grid(True, which="major", color="0.9", linewidth=0.6)
        axes.title.set_fontsize(10)
        axes.tick_params(labelsize=8, labelbottom=k + across >= len(rules))
        if k + across >= len(rules):
            axes.set_xlabel("parameters n", fontsize=8)
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    order = [name for name in STYLES if name in handles]
    figure.suptitle(
        f"One step, ns for a parameter over n (float32), {threads} thread{'s' * (threads > 1)}\n"
        f"{about['cpu']}, {about['cores']} cores, L3 {about['l3']}, level {about['level']}\n"
        f"numpy {about['numpy']}, torch {about['torch']}; {about['date']}",
        fontsize=10,
    )
    figure.supylabel("ns / parameter", fontsize=9)
    figure.legend([handles[name] for name in order], order, loc="lower center", ncols=3, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0.005, 0.5 / figure.get_figheight(), 1, 1))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write(out: Path, name: str, about: dict[str, str], rows: Sequence[Row], small: Sequence[Row]) -> list[Path]:
    """Writes NAME.json, and with matplotlib NAME-1-thread.png and so on; returns the paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{name}.json"]
    rounded = json.loads(json.dumps([*rows, *small]), parse_float=lambda text: float(f"{float(text):.5g}"))
    content = {"machine": about, "kernels": rounded[: len(rows)], "small arrays": rounded[len(rows) :]}
    paths[0].write_text(json.dumps(content, indent=1) + "\n")
    for threads in sorted({row["threads"] for row in rows}):
        path = out / f"{name}-{threads}-thread{'s' * (threads > 1)}.png"
        try:
            plot(about, rows, threads, path)
        except ImportError:
            Console().print("no plot: matplotlib is not installed; pip install 'schuss\\[plot]'")
            break
        paths.append(path)
    return paths


def load(path: Path) -> tuple[dict[str, str], list[Row], list[Row]]:
    """What :func:`write` wrote: machine, kernels, small arrays."""
    content = json.loads(path.read_text())
    return content["machine"], content["kernels"], content["small arrays"]
