"""The headlines of the results: a few pieces of work, each with the peers that did the same."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .summary import Content, best_torch


@dataclass(frozen=True)
class Task:
    """The same work by schuss and by peers: how many times as long they take; below 1 they are faster."""

    name: str
    times: Mapping[str, float]


def tasks(found: Sequence[Content]) -> list[Task]:
    """The headlines: a few pieces of work, each with the peers that did the same; the later file counts."""
    out: dict[str, Task] = {}
    for content in found:
        for row in content.get("kernels", ()):
            top = max(r["threads"] for r in content["kernels"])
            n = max((r["n"] for r in content["kernels"] if r["n"] <= 1e7), default=0)
            if row["rule"] == "Adam" and row["n"] == n and row["threads"] == top:
                results = row["results"]
                times = {"NumPy": results.get("numpy", {}).get("ns"), "torch": best_torch(results)}
                name = f"Adam, {_count(n)} numbers"
                out["dense"] = Task(name, {k: v / results["schuss"]["ns"] for k, v in times.items() if v})
        for row in content.get("tables", ()):
            top = max(r["threads"] for r in content["tables"])
            largest = max(r["rows"] for r in content["tables"])
            if row["stream"] != "zipf" or row["threads"] != top or row["rows"] != largest or row["kind"] == "unique":
                continue
            results, name = row["results"], f"{_count(row['rows'])} rows of {row['dim']}"
            if row["rule"] == "AdaGrad":
                times = {"NumPy": "numpy add.at", "torch": "torch", "FBGEMM": "fbgemm"}
                named = {k: results[v]["x"] for k, v in times.items() if v in results}
                out["sparse"] = Task(f"AdaGrad, sparse, {name}", named)
            if row["rule"] == "Adam" and "dense_ms" in row and "schuss exact" in results:
                times = {"dense steps": row["dense_ms"] / results["schuss exact"]["ms"]}
                out["exact"] = Task(f"Adam, sparse and exact, {name}", times)
        for n, samples in content.get("overhead", {}).items():
            ours = next((s for k, s in sorted(samples.items(), reverse=True) if k.startswith("schuss")), None)
            if ours and float(n) <= 1e6:
                ratio = {
                    k: statistics.median(a / b for a, b in zip(s, ours, strict=True))
                    for k, s in samples.items()
                    if k in ("SciPy", "liblbfgs")
                }
                out["solver"] = Task(f"L-BFGS, an iteration, {_count(float(n))} numbers", ratio)
        for model in ("lr", "fm"):
            rows = [
                r for r in content.get("ctr", ()) if (r["part"], r["model"]) == ("text", model) and r.get("seconds")
            ]
            top = max((r["threads"] for r in rows), default=0)
            rate = {r["who"]: r["rows"] / statistics.median(r["seconds"]) for r in rows if r["threads"] == top}
            named = {"vw": "Vowpal Wabbit", "sklearn": "scikit-learn", "torch": "torch"}
            if "schuss" in rate:
                times = {named.get(who, who): rate["schuss"] / r for who, r in rate.items() if who != "schuss"}
                out[model] = Task(f"{model.upper()}, one pass over a log", times)
        for row in content.get("speed", ()):
            if (
                row["kind"] == "SGNS"
                and row["dim"] == 100
                and row["threads"] == max(r["threads"] for r in content["speed"])
            ):
                ours = row["words_per_second"]["schuss"]
                times = {
                    {"fasttext": "fastText"}.get(who, who): statistics.median(
                        a / b for a, b in zip(ours, s, strict=True)
                    )
                    for who, s in row["words_per_second"].items()
                    if not who.startswith("schuss")
                }
                out["words"] = Task("Word vectors, skip-gram of 100", times)
    order = ("dense", "sparse", "exact", "lr", "fm", "words", "solver")
    return [out[key] for key in order if key in out and out[key].times]


def _count(n: float) -> str:
    return f"{n / 1e6:g} M" if n >= 1e6 else f"{n / 1e3:g} k"
