"""`schuss bench word2vec`: words a second and quality beside gensim and fastText, same text, same hyper-parameters;
text into numbers.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from . import micro, report, text, word2vec_quality
from .word2vec_runs import contenders, interpreters, prepare, run

PARTS = ("speed", "text", "quality")
SOME, QUICK = 6_000_000, 1_000_000  # words of the speed's text


def speed(corpus: Path, out: Path, dims: Sequence[int], rounds: int, pythons: dict[str, str]) -> list[dict[str, Any]]:
    """Words a second of training alone; contenders take turns."""
    rows = []
    for sg, dim, threads in itertools.product((True, False), dims, micro.thread_counts(False)):
        samples: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, own in contenders(pythons, sg).items():
                rate = 0.025 if sg else 0.05
                task = {"corpus": str(corpus), "out": str(out), "dim": dim, "sg": sg, "threads": threads, "lr": rate}
                found = run({**task, "epochs": 1, "seed": 0, **own}, pythons[own["peer"]])
                samples.setdefault(name, []).append(found["words"] / found["seconds"])
        rows.append({"kind": "SGNS" if sg else "CBOW", "dim": dim, "threads": threads, "words_per_second": samples})
    return rows


def speed_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Medians; ratios of the same round."""
    table = Table("kind", "dim", "threads", "who", "M words/s", "schuss is", title="training alone")
    for row in rows:
        ours = row["words_per_second"]["schuss"]
        for who, samples in row["words_per_second"].items():
            ratio = statistics.median(a / b for a, b in zip(ours, samples, strict=True))
            of = row["kind"], str(row["dim"]), str(row["threads"])
            table.add_row(*of, who, f"{statistics.median(samples) / 1e6:.3f}", f"{ratio:.2f} x")
    return table


def main(out: Path = Path("results"), quick: bool = False, rules: Sequence[str] | None = None) -> list[Path]:
    """Measures, prints and writes, after each training of quality too; `rules` names parts: speed, text, quality."""
    wrong = set(rules or ()) - set(PARTS)
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {min(wrong)!r}")
    parts = list(rules or PARTS[:2])
    out.mkdir(parents=True, exist_ok=True)
    pythons = interpreters()
    about = report.machine()
    found: dict[str, Any] = {"machine": about, "peers": sorted(pythons)}
    path = out / f"{report.default_name(about)}-word2vec.json"
    console = Console()

    def write(part: str, rows: Any) -> None:
        found[part] = rows
        path.write_text(json.dumps(found, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        vectors = Path(folder, "vectors.bin")
        if "speed" in parts:
            corpus = prepare(out / f"text-{'quick' if quick else 'some'}.txt", QUICK if quick else SOME)
            write("speed", speed(corpus, vectors, (100,) if quick else (100, 300), 1 if quick else 3, pythons))
            console.print(speed_table(found["speed"]))
        if "text" in parts:
            write("text", text.measure(Path(folder), quick))
            console.print(text.table(found["text"]))
        if "quality" in parts:
            corpus = prepare(out / "text-all.txt", None)
            fixed = {"corpus": str(corpus), "out": str(vectors), "dim": 100, "threads": max(micro.thread_counts(False))}
            epochs, seeds = ((1,), 1) if quick else ((1, 5), 3)
            word2vec_quality.measure(fixed, epochs, seeds, pythons, lambda rows: write("quality", rows))
            console.print(word2vec_quality.table(found["quality"]))
    return [path]
