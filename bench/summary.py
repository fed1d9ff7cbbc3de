"""What the measurements say, as plain tables: for the report, the pages and the README. Reads JSON only."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Grid:
    """A table; the first column names its rows."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def contents(paths: Iterable[Path]) -> list[Content]:
    """The files that are results of this benchmark."""
    found = [json.loads(path.read_text()) for path in sorted(paths)]
    return [c for c in found if isinstance(c, dict) and "machine" in c]


def _big(n: float) -> str:
    return f"{n:.0e}".replace("e+0", "e")


def _x(times: float | None) -> str:
    return "-" if times is None else f"{times:.2f}" if times < 10 else f"{times:.0f}"


def best_torch(results: Mapping[str, Any]) -> Any:
    """The fastest of torch's forms."""
    forms = [r["ns"] for name, r in results.items() if name.startswith("torch")]
    return min(forms) if forms else None


def _kernels(content: Content) -> list[Grid]:
    rows = content["kernels"]
    largest, threads = max(r["n"] for r in rows), max(r["threads"] for r in rows)
    out = []
    for n in sorted({min(1_000_000, largest), largest}):
        body = []
        for row in (r for r in rows if r["n"] == n and r["threads"] == threads):
            results = row["results"]
            ours, torch = results["schuss"]["ns"], best_torch(results)
            numpy = results.get("numpy", {}).get("ns")
            share = f"{results['schuss']['share']:.0%}"
            numbers = (f"{ours:.2f}", f"{results['schuss']['gbs']:.1f}", share)
            body.append((row["rule"], *numbers, _x(torch and torch / ours), _x(numpy and numpy / ours)))
        note = (
            f"{threads} thread{'s' * (threads > 1)}, float32. Limit: the same streams, read and written without "
            "arithmetic. torch: the fastest of its forms; it and NumPy as multiples of schuss' time."
        )
        head = ("rule", "ns/param", "GB/s", "of the limit", "torch x", "NumPy x")
        out.append(Grid(f"One dense step, n = {_big(n)}", note, head, body))
    return out


def limits(content: Content) -> Grid | None:
    """The machine's own streams, by size: what no kernel can beat."""
    rows = [r for r in content.get("kernels", ()) if r["rule"] in ("SGD", "Adam")]
    if not rows:
        return None
    body = []
    for row in rows:
        streams = f"{row['rule']}: {(row['bytes'] // 4 - 1) // 2} read and written, 1 read"
        numbers = (_big(row["n"]), str(row["threads"]), f"{row['results']['limit']['gbs']:.1f}")
        body.append((streams, *numbers))
    return Grid("Limits of this machine", "", ("streams", "n", "threads", "GB/s"), body)


def _tables(content: Content) -> list[Grid]:
    peers = {"torch": "torch x", "numpy add.at": "NumPy x", "schuss exact": "exact x", "fbgemm": "FBGEMM x"}
    body = []
    threads = max(r["threads"] for r in content["tables"])
    for row in content["tables"]:
        results = row["results"]
        if row["kind"] == "unique" or "schuss" not in results or row["threads"] != threads or row["stream"] != "zipf":
            continue
        name = f"{row['rule']}, {row['rows'] / 1e6:g} M x {row['dim']}"
        found = [_x(results[p]["x"]) if p in results else "-" for p in peers]
        body.append((name, f"{results['schuss']['ms']:.1f}", *found))
    note = (
        f"65,536 Zipf ids a step, {threads} thread{'s' * (threads > 1)}. Others as multiples of schuss' time; FBGEMM "
        "with lookup, beside lookup and update. exact: sparse steps that equal the dense optimizer."
    )
    return [Grid("One sparse step of a table", note, ("rule and table", "ms", *peers.values()), body)]


def _solvers(content: Content) -> list[Grid]:
    out = []
    if "overhead" in content:
        names = list(dict.fromkeys(k for samples in content["overhead"].values() for k in samples))
        body = []
        for n, samples in content["overhead"].items():
            cells = [f"{1e6 * statistics.median(samples[k]):,.0f}" if k in samples else "-" for k in names]
            body.append((_big(float(n)), *cells))
        note = "Microseconds besides the function; memory 10, float64. The number behind schuss: threads."
        out.append(Grid("An iteration of L-BFGS", note, ("n", *names), body))
    if "problems" in content:
        names = [k for k in ("schuss", "SciPy", "liblbfgs") if any(k in r for r in content["problems"])]
        for box in (False, True):
            rows = [r for r in content["problems"] if r["problem"].endswith("in a box") == box]
            sums = [str(sum(r[k][0] for r in rows if k in r)) if all(k in r for r in rows) else "-" for k in names]
            lost = [str(sum(not r[k][2] for r in rows if k in r)) for k in names]
            kind = "problems in boxes" if box else "problems of Moré, Garbow and Hillstrom"
            body = [("evaluations", *sums), ("not converged", *lost)]
            if rows:
                out.append(Grid(f"{len(rows)} {kind}", "", ("", *names), body))
    if "logistic" in content:
        body = [
            (name, f"{statistics.median(r['seconds']):.3f}", f"{r['value']:.4f}")
            for name, r in content["logistic"].items()
        ]
        out.append(Grid("a9a, a whole fit", "l2 = 1 or l1 = 1", ("solver", "s", "value reached"), body))
    return out


def _ctr(content: Content) -> list[Grid]:
    out = []
    titles = {
        "text": "One pass from text",
        "memory": "Learning alone",
        "parse": "Parsing alone",
        "predict": "Prediction",
    }
    for part, title in titles.items():
        body = []
        for row in content["ctr"]:
            if row["part"] != part or not row.get("seconds"):
                continue
            loss = row.get("logloss", row.get("held-out logloss"))
            speed = row["rows"] / statistics.median(row["seconds"]) / 1e3
            what = f"{row['model'].upper()}, {row['who']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
            told = _number(loss) if isinstance(loss, float) and loss == loss else "-"
            body.append((what, f"{speed:,.0f}", told, f"{row['peak MB']:,.0f}" if "peak MB" in row else "-"))
        head = ("model, who", "k examples/s", "logloss", "peak MB")
        out.append(Grid(f"Click models: {title.lower()}", "39 features an example.", head, body))
    body = []
    for data in dict.fromkeys(r["data"] for r in content["ctr"] if r["part"] == "real"):
        rows = [r for r in content["ctr"] if r.get("data") == data]
        for model in ("lr", "fm", "ffm"):
            losses = [(_lowest(r), r["who"]) for r in rows if r["model"] == model and _lowest(r) is not None]
            ours = [loss for loss, who in losses if who == "schuss"]
            best = min((pair for pair in losses if pair[1] != "schuss"), default=None)
            if ours:
                theirs = (
                    (_number(best[0]), best[1], f"{100 * (ours[0] / best[0] - 1):+.2f} %") if best else ("-", "-", "-")
                )
                body.append((f"{data}, {model.upper()}", _number(ours[0]), *theirs))
    note = "Held-out logloss, the better of one pass and of several; the best peer of the same model class."
    out.append(Grid("Click models: real files", note, ("file, model", "schuss", "best peer", "who", "more"), body))
    return out


def _words(content: Content) -> list[Grid]:
    body = []
    for row in content.get("speed", ()):
        for who, samples in row["words_per_second"].items():
            what = f"{row['kind']}, {row['dim']}, {row['threads']} thread{'s' * (row['threads'] > 1)}, {who}"
            ours = zip(row["words_per_second"]["schuss"], samples, strict=True)
            body.append(
                (what, f"{statistics.median(samples) / 1e3:,.0f}", _x(statistics.median(a / b for a, b in ours)))
            )
    head = ("model, dim, who", "k words/s", "takes x as long")
    out = [Grid("Word vectors: training alone", "Window 5, 5 negatives, sample 1e-3.", head, body)]
    rows = content.get("quality", ())
    sets = list(dict.fromkeys(name for row in rows for name in row["scores"] if name != "words/s"))
    body = []
    for row in rows:
        what = f"{row['kind']}, {row['epochs']} epoch{'s' * (row['epochs'] > 1)}, {row['who']}"
        body.append((what, *(f"{statistics.mean(row['scores'][name]):.3f}" for name in sets)))
    note = "Spearman's correlation with people, accuracy of analogies; means over seeds."
    return [*out, Grid("Word vectors: quality", note, ("model, who", *sets), body)]


def _compat(content: Content) -> list[Grid]:
    found = []
    for peer, title, note in (
        (
            "torch fused",
            "A step in the place of torch's",
            "The drop-in beside torch's fused Adam, ms.",
        ),
        ("numpy", "A rule in Python", "Beside the same in NumPy as a person writes it, one thread, ms."),
    ):
        rows = {what: times for what, times in content["seconds"].items() if peer in times}
        names = list(dict.fromkeys(name for times in rows.values() for name in times))
        body = [
            (what, *(f"{1e3 * times[name]:,.3f}" for name in names), _x(times[peer] / times[names[0]]))
            for what, times in rows.items()
        ]
        found.append(Grid(title, note, ("what", *names, f"{peer} takes"), body))
    return found


def _text(content: Content) -> list[Grid]:
    body = []
    for row in content["text"]:
        what = f"{row['text']}, {row['what']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
        rates = (row["bytes_per_second"], row["bytes_per_cpu_second"])
        body.append((what, *(f"{statistics.median(rate) / 1e6:,.0f}" for rate in rates)))
    note = "Counting words and encoding them, from files in the page cache; medians."
    return [Grid("Text into numbers", note, ("text, what", "MB/s", "MB per CPU second"), body)]


def _lowest(row: Mapping[str, Any]) -> float | None:
    """The better held-out loss of one pass and of several."""
    found = [row[way]["logloss"] for way in ("one", "more", "own") if isinstance(row.get(way), dict)]
    return min(found, default=None)


def _number(x: float) -> str:
    return f"{x:.4f}"


def _plain(key: str, rows: Any) -> list[Grid]:
    """What has no table of its own: a list of records, as it is."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return []
    names = [name for name in rows[0] if all(isinstance(row.get(name, ""), str | int | float) for row in rows)]
    body = [[_cell(row.get(name, "-")) for name in names] for row in rows]
    return [Grid(key.replace("_", " ").capitalize(), "", names, body)]


def _cell(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


KINDS: dict[str, Callable[[Content], list[Grid]]] = {  # by a key of the file
    "kernels": _kernels,
    "tables": _tables,
    "overhead": _solvers,
    "problems": _solvers,
    "logistic": _solvers,
    "ctr": _ctr,
    "speed": _words,
    "quality": _words,
    "text": _text,
    "seconds": _compat,
}
SILENT = ("machine", "small arrays", "peers")


def grids(content: Content) -> list[Grid]:
    """All tables of one file."""
    makers = dict.fromkeys(KINDS[key] for key in KINDS if key in content)
    found = [grid for make in makers for grid in make(content)]
    found += [g for key in content if key not in KINDS and key not in SILENT for g in _plain(key, content[key])]
    return [grid for grid in found if grid.rows]


def markdown(grid: Grid) -> str:
    """A grid as Markdown."""
    rule = "|".join(["---", *["---:"] * (len(grid.head) - 1)])
    lines = [f"| {' | '.join(grid.head)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in grid.rows)]
    return "\n".join(lines) + "\n"
