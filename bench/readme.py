"""`python -m bench.readme` in the checkout writes the README's table of speed and docs/hero.png from bench/results."""

from __future__ import annotations

import re
from pathlib import Path

from . import headlines, hero, summary

ROOT = Path(__file__).resolve().parent.parent
MARKS = ("<!-- written by bench/readme.py -->\n", "<!-- end -->\n")


def block(results: Path = ROOT / "bench/results") -> str:
    """The part of the README between the marks."""
    tasks = headlines.tasks(summary.contents(results.glob("*.json")))
    peers = list(dict.fromkeys(peer for task in tasks for peer in task.times))
    rows = [(t.name, *(f"{t.times[p]:.1f}" if p in t.times else "" for p in peers)) for t in tasks]
    return summary.markdown(summary.Grid("", "", ("times as long as schuss", *peers), rows))


def machine(results: Path = ROOT / "bench/results") -> str:
    """One line on where the numbers are from."""
    about = summary.contents(results.glob("*.json"))[0]["machine"]
    name = re.sub(r"\(R\)|\(TM\)|Processor ", "", about["cpu"]).replace("  ", " ")
    return f"{name}, {about['cores']} cores, level {about['level']}, NumPy {about['numpy']}, torch {about['torch']}"


def main() -> None:
    """Rewrites both."""
    path = ROOT / "README.md"
    before, after = path.read_text().split(MARKS[0])
    path.write_text(before + MARKS[0] + block() + MARKS[1] + after.split(MARKS[1])[1])
    tasks = headlines.tasks(summary.contents((ROOT / "bench/results").glob("*.json")))
    hero.draw(tasks, machine(), ROOT / "docs/hero.png")


if __name__ == "__main__":
    main()
