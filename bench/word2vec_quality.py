"""What word vectors are worth: Spearman of similarities, accuracy of analogies among the 30,000 most frequent words."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

from schuss.vectors import Analogies, Vectors

from . import shared
from .word2vec_runs import Task, contenders, run

SETS = ("EN-WS-353-ALL.txt", "EN-MEN-TR-3k.txt", "EN-SIMLEX-999.txt", "questions-words.txt")
TOP = 30_000
BAR = 0.01  # below the best peer, at most
Row = dict[str, Any]


def scores(vectors: Vectors) -> dict[str, float]:
    """By the name of the set."""
    found = {}
    for file in SETS:
        told = vectors.evaluate(shared.DATA / "weval" / file, TOP if "questions" in file else None)
        found[file.split(".")[0]] = told.accuracy if isinstance(told, Analogies) else told.spearman
    return found


def train(task: Task, python: str) -> dict[str, float]:
    """Scores and words a second of one training."""
    found = run(task, python)
    return {"words/s": found["words"] / found["seconds"], **scores(Vectors.load(task["out"]))}


def add(rows: list[Row], kind: str, epochs: int, who: str, found: dict[str, float]) -> None:
    """Puts another seed's scores to those of the same contender."""
    same = [row for row in rows if (row["kind"], row["epochs"], row["who"]) == (kind, epochs, who)]
    if not same:
        same = [{"kind": kind, "epochs": epochs, "who": who, "scores": {}}]
        rows += same
    for name, score in found.items():
        same[0]["scores"].setdefault(name, []).append(score)


def measure(
    fixed: Task, epochs: Sequence[int], seeds: int, pythons: dict[str, str], write: Callable[[list[Row]], None]
) -> None:
    """All contenders of a seed before the next seed, `write` after each training; modes of ours with one seed.

    Rates are our defaults; those of the original program, 0.025 and for CBOW 0.05, for the peers.
    """
    rows: list[Row] = []
    for seed, sg, count in itertools.product(range(seeds), (True, False), epochs):
        for who, own in contenders(pythons, sg).items():
            if seed > 0 and who != own["peer"]:
                continue
            rate = None if own["peer"] == "schuss" else 0.025 if sg else 0.05
            task = {**fixed, "sg": sg, "lr": rate, "epochs": count, "seed": seed, **own}
            add(rows, "SGNS" if sg else "CBOW", count, who, train(task, pythons[own["peer"]]))
            write(rows)


def table(rows: Sequence[Row]) -> Table:
    """Means over seeds; schuss' distance to the best peer, red where it is below by more than BAR."""
    names = [name for name in rows[0]["scores"] if name != "words/s"]
    made = Table("kind", "epochs", "who", "seeds", *names, title="quality", title_justify="left")
    for (kind, epochs), group in itertools.groupby(
        sorted(rows, key=lambda r: (r["kind"], r["epochs"])), key=lambda r: (r["kind"], r["epochs"])
    ):
        means = {}
        for row in group:
            mean = means[row["who"]] = {name: statistics.mean(all_) for name, all_ in row["scores"].items()}
            seeds = str(len(row["scores"][names[0]]))
            made.add_row(kind, str(epochs), row["who"], seeds, *(f"{mean[name]:.4f}" for name in names))
        peers = [mean for who, mean in means.items() if not who.startswith("schuss")]
        if peers and "schuss" in means:
            apart = [means["schuss"][name] - max(peer[name] for peer in peers) for name in names]
            shown = [f"[red]{x:+.4f}[/red]" if x < -BAR else f"{x:+.4f}" for x in apart]
            made.add_row("", "", "schuss - best peer", "", *shown)
        made.add_section()
    return made
