"""`schuss bench word2vec`: words a second and quality beside gensim and fastText, same text, same hyper-parameters.

Peers run in processes of their own, by this interpreter or by the one that SCHUSS_PEERS_PYTHON names, if they can be
imported there.
"""

from __future__ import annotations

import itertools
import json
import lzma
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from schuss.make_text import write
from schuss.vectors import Analogies, Vectors

from . import micro, report, shared

PARTS = ("speed", "quality")
TEXTS = ("text/english_novels_100.txt.xz", "text/wiki_en_slice.txt.xz")
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
SOME, QUICK = 6_000_000, 1_000_000  # words of the speed's text
SETS = ("EN-WS-353-ALL.txt", "EN-MEN-TR-3k.txt", "EN-SIMLEX-999.txt", "questions-words.txt")
WORKER = Path(__file__).with_name("word2vec_worker.py")
Task = dict[str, Any]


def lines(path: Path) -> Iterator[str]:
    """Sentences in lower case, letters alone."""
    with lzma.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            words = [] if line.startswith(("<doc", "</doc")) else WORD.findall(line.lower())
            if words:
                yield " ".join(words)


def prepare(path: Path, words: int | None) -> Path:
    """The novels and Wikipedia mixed, a thousand lines of each in turn, or a made text where they are absent."""
    if path.exists():
        return path
    sources = [shared.DATA / name for name in TEXTS]
    if not all(source.exists() for source in sources):
        write(path, words or SOME)
        return path
    live, count = [lines(source) for source in sources], 0
    with open(path, "w") as out:
        while live and (words is None or count < words):
            for source in list(live):
                block = list(itertools.islice(source, 1000))
                if not block:
                    live.remove(source)
                out.writelines(line + "\n" for line in block)
                count += sum(line.count(" ") + 1 for line in block)
    return path


def interpreters() -> dict[str, str]:
    """Of each peer that can be imported, the interpreter that has it."""
    found = {"schuss": sys.executable}
    for peer in ("gensim", "fasttext"):
        for python in (sys.executable, os.environ.get("SCHUSS_PEERS_PYTHON", "")):
            if python and subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode == 0:
                found[peer] = python
    return found


def run(task: Task, python: str) -> dict[str, float]:
    """One training in its own process."""
    done = subprocess.run([python, str(WORKER), json.dumps(task)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{task['peer']}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def contenders(pythons: dict[str, str], sg: bool) -> dict[str, Task]:
    """Who runs: each peer, and schuss in its modes."""
    tasks: dict[str, Task] = {peer: {"peer": peer} for peer in pythons}
    tasks["schuss deterministic"] = {"peer": "schuss", "mode": "deterministic"}
    if sg:
        tasks["schuss classical"] = {"peer": "schuss", "shared_negatives": 1}
    return tasks


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


def quality(
    corpus: Path, out: Path, epochs: Sequence[int], seeds: int, pythons: dict[str, str]
) -> list[dict[str, Any]]:
    """Spearman of similarities and accuracy of analogies in the top 30,000, a mean over seeds."""
    rows = []
    threads = max(micro.thread_counts(False))
    for sg, count in itertools.product((True, False), epochs):
        for name, own in contenders(pythons, sg).items():
            scores: dict[str, list[float]] = {}
            for seed in range(seeds):
                rate = 0.025 if sg else 0.05
                task = {"corpus": str(corpus), "out": str(out), "dim": 100, "sg": sg, "threads": threads, "lr": rate}
                found = run({**task, "epochs": count, "seed": seed, **own}, pythons[own["peer"]])
                scores.setdefault("words/s", []).append(found["words"] / found["seconds"])
                vectors = Vectors.load(out)
                for file in SETS:
                    told = vectors.evaluate(shared.DATA / "weval" / file, 30_000 if "questions" in file else None)
                    score = told.accuracy if isinstance(told, Analogies) else told.spearman
                    scores.setdefault(file.split(".")[0], []).append(score)
            rows.append({"kind": "SGNS" if sg else "CBOW", "epochs": count, "who": name, "scores": scores})
    return rows


def show(console: Console, found: dict[str, Any]) -> None:
    """Tables of what was measured."""
    if "speed" in found:
        table = Table("kind", "dim", "threads", "who", "M words/s", "schuss is", title="training alone")
        for row in found["speed"]:
            ours = row["words_per_second"]["schuss"]
            for who, samples in row["words_per_second"].items():
                ratio = statistics.median(a / b for a, b in zip(ours, samples, strict=True))
                of = row["kind"], str(row["dim"]), str(row["threads"])
                table.add_row(*of, who, f"{statistics.median(samples) / 1e6:.3f}", f"{ratio:.2f} x")
        console.print(table)
    if "quality" in found:
        names = list(found["quality"][0]["scores"])
        table = Table("kind", "epochs", "who", *names, title="quality, mean of seeds")
        for row in found["quality"]:
            means = [statistics.mean(row["scores"][name]) for name in names]
            shown = [f"{m / 1e6:.2f} M" if m > 2 else f"{m:.4f}" for m in means]
            table.add_row(row["kind"], str(row["epochs"]), row["who"], *shown)
        console.print(table)


def main(out: Path = Path("results"), quick: bool = False, rules: Sequence[str] | None = None) -> list[Path]:
    """Measures, prints and writes; `rules` names parts: speed, quality."""
    wrong = set(rules or ()) - set(PARTS)
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {min(wrong)!r}")
    parts = list(rules or PARTS[:1])
    out.mkdir(parents=True, exist_ok=True)
    pythons = interpreters()
    about = report.machine()
    found: dict[str, Any] = {"machine": about, "peers": sorted(pythons)}
    vectors = out / "word2vec.bin"
    if "speed" in parts:
        corpus = prepare(out / f"text-{'quick' if quick else 'some'}.txt", QUICK if quick else SOME)
        found["speed"] = speed(corpus, vectors, (100,) if quick else (100, 300), 1 if quick else 3, pythons)
    if "quality" in parts:
        corpus = prepare(out / "text-all.txt", None)
        found["quality"] = quality(corpus, vectors, (1,) if quick else (1, 5), 1 if quick else 3, pythons)
    vectors.unlink(missing_ok=True)
    show(Console(), found)
    path = out / f"{report.default_name(about)}-word2vec.json"
    path.write_text(json.dumps(found, indent=1) + "\n")
    return [path]
