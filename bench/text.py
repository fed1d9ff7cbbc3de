"""Text into numbers: MB/s of counting and encoding, beside a Counter in plain Python and the memory's limit.

    python -m schuss.bench.text [--megabytes 100] [--threads 1,2]

The text is that of `schuss make text`, or, where they lie, the novels of the shared data; uncompressed, read from the
page cache. The limit is a copy of the same bytes by one thread. Medians of five passes, interleaved.
"""

from __future__ import annotations

import argparse
import lzma
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from schuss.make_text import write
from schuss.text import Vocabulary

from .report import machine
from .shared import DATA

NOVELS = DATA / "text" / "english_novels_100.txt.xz"
PASSES = 5


def corpora(folder: Path, megabytes: int) -> dict[str, Path]:
    """Texts of about this size."""
    found = {"made": folder / "made"}
    write(found["made"], megabytes * 195_000, 1)
    if NOVELS.exists():
        found["novels"] = folder / "novels"
        with lzma.open(NOVELS) as file:
            text = file.read()
        found["novels"].write_bytes((text * (megabytes * 10**6 // len(text) + 1))[: megabytes * 10**6])
    return found


def contenders(path: Path, threads: list[int]) -> dict[str, Callable[[], Any]]:
    """What is timed, by name."""
    vocabulary = Vocabulary.count(path)
    data = np.fromfile(path, np.uint8)
    to = np.empty_like(data)

    def counter() -> Counter[str]:
        counts: Counter[str] = Counter()
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                counts.update(line.split())
        return counts

    made: dict[str, Callable[[], Any]] = {"limit: a copy": lambda: np.copyto(to, data), "Python: Counter": counter}
    for n in threads:
        made[f"count, {n}"] = lambda n=n: Vocabulary.count(path, threads=n)  # type: ignore[misc]
        made[f"count, lower, {n}"] = lambda n=n: Vocabulary.count(path, lower=True, threads=n)  # type: ignore[misc]
        made[f"encode, {n}"] = lambda n=n: vocabulary.encode(path, threads=n)  # type: ignore[misc]
    return made


def measured(path: Path, threads: list[int]) -> dict[str, float]:
    """Bytes a second by name."""
    runs = contenders(path, threads)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(PASSES):
        for name, run in runs.items():
            if name.startswith("Python") and seconds[name]:
                continue
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: path.stat().st_size / statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--threads", default="1,2")
    given = parser.parse_args()
    console = Console()
    console.print(", ".join(f"{k} {v}" for k, v in machine().items()), highlight=False)
    table = Table("text", "what, threads", "MB/s", title="text into numbers", title_justify="left")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in corpora(Path(folder), given.megabytes).items():
            for what, speed in measured(path, [int(n) for n in given.threads.split(",")]).items():
                table.add_row(name, what, f"{speed / 1e6:,.0f}")
            table.add_section()
    console.print(table)


if __name__ == "__main__":
    main()
