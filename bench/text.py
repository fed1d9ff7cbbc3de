"""Text into numbers: MB/s of counting and encoding, beside a Counter in plain Python, gensim and the memory's limit.

The text is that of `schuss make text`, and, where they lie, the novels of the shared data; uncompressed, read from the
page cache. The limit is a copy of the same bytes by one thread. Contenders take turns; those in Python run once. Beside
the clock's seconds stand those of the processor, of all threads: they hardly depend on what else the machine does.
"""

from __future__ import annotations

import importlib.util
import lzma
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from schuss.make_text import write
from schuss.text import Vocabulary

from .micro import thread_counts
from .shared import DATA

NOVELS = DATA / "text" / "english_novels_100.txt.xz"
SIZES = (100, 20)  # MB: in full, quick
PASSES = (5, 3)
BAR = 100e6  # bytes that a core counts in a second, at least
ONCE = ("Counter", "gensim")
Row = dict[str, Any]


def corpora(folder: Path, megabytes: int) -> dict[str, Path]:
    """Texts of about this size."""
    found = {"made": folder / "made"}
    write(found["made"], megabytes * 195_000, 1)
    if NOVELS.exists():
        found["novels"] = folder / "novels"
        with lzma.open(NOVELS) as file:
            text = file.read(megabytes * 10**6)
        found["novels"].write_bytes((text * (megabytes * 10**6 // len(text) + 1))[: megabytes * 10**6])
    return found


def counter(path: Path) -> None:
    """Counts in plain Python."""
    counts: Counter[str] = Counter()
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            counts.update(line.split())


def gensim(path: Path) -> None:
    """Counts as gensim does, by one thread."""
    from gensim.models import Word2Vec

    Word2Vec(min_count=5).build_vocab(corpus_file=str(path))


def contenders(path: Path) -> dict[tuple[str, int], Callable[[], Any]]:
    """What is timed, by name and threads."""
    vocabulary = Vocabulary.count(path)
    data = np.fromfile(path, np.uint8)
    to = np.empty_like(data)
    made: dict[tuple[str, int], Callable[[], Any]] = {
        ("limit: a copy", 1): partial(np.copyto, to, data),
        ("Counter", 1): partial(counter, path),
    }
    if importlib.util.find_spec("gensim"):
        made["gensim", 1] = partial(gensim, path)
    for n in thread_counts(False):
        made["count", n] = partial(Vocabulary.count, path, threads=n)
        made["count, lower", n] = partial(Vocabulary.count, path, lower=True, threads=n)
        made["encode", n] = partial(vocabulary.encode, path, threads=n)
    return made


def measure(folder: Path, quick: bool) -> list[Row]:
    """Bytes a second of each text and contender."""
    rows = []
    for text, path in corpora(folder, SIZES[quick]).items():
        runs = contenders(path)
        speeds: dict[tuple[str, int], list[float]] = {name: [] for name in runs}
        cores: dict[tuple[str, int], list[float]] = {name: [] for name in runs}
        for turn in range(PASSES[quick]):
            for name, run in runs.items():
                if name[0] in ONCE and turn > 0:
                    continue
                start, used = time.perf_counter(), time.process_time()
                run()
                speeds[name].append(path.stat().st_size / (time.perf_counter() - start))
                cores[name].append(path.stat().st_size / (time.process_time() - used))
        for (what, threads), samples in speeds.items():
            row = {"text": text, "what": what, "threads": threads, "bytes_per_second": samples}
            rows.append({**row, "bytes_per_cpu_second": cores[what, threads]})
        path.unlink()
    return rows


def table(rows: Sequence[Row]) -> Table:
    """Medians; red where a core counts less than BAR."""
    made = Table(
        "text", "what", "threads", "MB/s", "MB per CPU second", title="text into numbers", title_justify="left"
    )
    for row in rows:
        one = statistics.median(row["bytes_per_cpu_second"])
        shown = f"{one / 1e6:,.0f}"
        shown = f"[red]{shown}[/red]" if row["what"] == "count" and one < BAR else shown
        speed = statistics.median(row["bytes_per_second"])
        made.add_row(row["text"], row["what"], str(row["threads"]), f"{speed / 1e6:,.0f}", shown)
    return made
