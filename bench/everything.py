"""`schuss bench`: all parts, each in a process of its own; one folder of JSON and pictures, one report."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from . import headlines, hero, page, summary
from .peers import everybody

PARTS = {
    "kernels": 60,
    "tables": 90,
    "solvers": 80,
    "ctr": 240,
    "word2vec": 240,
    "compat": 20,
}  # s of a quick run, for the bar
START = "import sys; from schuss.cli import main; sys.argv[0] = 'schuss'; main()"


def parts() -> list[str]:
    """The benchmarks of this version."""
    return [part for part in PARTS if importlib.util.find_spec(f"{__package__}.{part}")]


def run(part: str, out: Path, quick: bool) -> str:
    """Runs one; what went wrong, in a line, or an empty string. Its output is kept in a log beside the results."""
    log = out / f"{part}.log"
    command = [sys.executable, "-u", "-c", START, "bench", part, "--out", str(out), *(["--quick"] if quick else [])]
    with open(log, "wb") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return ""
    last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
    return f"failed ({done.returncode}): {''.join(last)}; see {log}"


def main(out: Path = Path("bench-results"), quick: bool = True, chosen: Sequence[str] | None = None) -> list[Path]:
    """Measures all parts (quick: under 15 minutes), prints the headlines, writes report.html."""
    console = Console()
    wrong = set(chosen or ()) - set(parts())
    if wrong:
        raise ValueError(f"parts: expected some of {', '.join(parts())}, got {min(wrong)!r}")
    todo = [part for part in parts() if not chosen or part in chosen]
    missing = [peer for peer in everybody() if peer.version is None and set(peer.parts) & set(todo)]
    for peer in missing:
        console.print(f"without {peer.name}: {peer.remedy}", highlight=False)
    if (load := os.getloadavg()[0]) > 0.5:
        console.print(f"other work is running (load {load:.1f}): ratios may mean little", highlight=False)
    out.mkdir(parents=True, exist_ok=True)
    before = {p: p.stat().st_mtime_ns for p in out.iterdir()}
    runs = []
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=sum(PARTS[part] for part in todo))
        for part in todo:
            bar.update(task, description=part)
            started = time.perf_counter()
            trouble = run(part, out, quick)
            runs.append((part, time.perf_counter() - started, trouble))
            bar.advance(task, PARTS[part])
    paths = sorted(p for p in out.iterdir() if p.suffix in (".json", ".png") and before.get(p) != p.stat().st_mtime_ns)
    for part, seconds, trouble in runs:
        console.print(f"{part:10}{seconds:6.0f} s  {trouble or 'done'}", highlight=False)
    found = summary.contents(p for p in paths if p.suffix == ".json")
    if not found:
        raise RuntimeError(f"no part has written results; see the logs in {out}")
    tasks = headlines.tasks(found)
    for t in tasks:
        peers = ", ".join(f"{peer} {times:.2f}" for peer, times in t.times.items())
        console.print(f"{t.name}: {peers} times as long as schuss", highlight=False)
    if tasks:
        about = found[0]["machine"]
        try:
            hero.draw(tasks, f"{about['cpu']}, {about['cores']} cores, {about['date']}", out / "hero.png")
            paths.append(out / "hero.png")
        except ImportError as error:
            console.print(f"no pictures: {error}", highlight=False, markup=False)
    report = out / "report.html"
    report.write_text(page.render(paths, runs))
    console.print(f"wrote {report}", highlight=False)
    return [*paths, report]
