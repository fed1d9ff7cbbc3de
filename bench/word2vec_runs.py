"""Texts for word vectors, and one training of a peer or of schuss in a process of its own.

Peers run by this interpreter or by the one that SCHUSS_PEERS_PYTHON names, if they can be imported there.
"""

from __future__ import annotations

import itertools
import json
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schuss.make_text import write

from . import shared

TEXTS = ("text/english_novels_100.txt.xz", "text/wiki_en_slice.txt.xz")
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
MADE = 6_000_000  # words of a text that is made where those are absent
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
        write(path, words or MADE)
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


def contenders(pythons: dict[str, str], sg: bool) -> dict[str, Task]:
    """Who runs: each peer, and schuss in its modes."""
    tasks: dict[str, Task] = {peer: {"peer": peer} for peer in pythons}
    tasks["schuss deterministic"] = {"peer": "schuss", "mode": "deterministic"}
    if sg:
        tasks["schuss classical"] = {"peer": "schuss", "shared_negatives": 1}
    return tasks


def run(task: Task, python: str) -> dict[str, float]:
    """Trains; the vectors go to the task's file `out`."""
    done = subprocess.run([python, str(WORKER), json.dumps(task)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{task['peer']}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
