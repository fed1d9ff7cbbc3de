"""Agreement with people: word similarity by Spearman's correlation, analogies by the share of right answers."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .search import answers, unit

Array = npt.NDArray[Any]
Pair = tuple[str, str, float]
Question = tuple[str, str, str, str]


@dataclass(frozen=True, repr=False)
class Similarities:
    """Spearman's correlation of cosines and people's scores, nan for less than two pairs; pairs found and missing."""

    name: str
    spearman: float
    found: int
    missing: int

    def __repr__(self) -> str:
        return f"Similarities({self.summary()})"

    def summary(self) -> str:
        """A line."""
        return f"{self.name}: spearman {self.spearman:.4f}, {self.found:,} pairs, {self.missing:,} missing"


@dataclass(frozen=True)
class Section:
    """Questions of one kind: right answers, questions asked, questions with an unknown word."""

    name: str
    correct: int
    asked: int
    missing: int

    @property
    def accuracy(self) -> float:
        """Right answers for each one asked; nan where none was."""
        return self.correct / self.asked if self.asked else math.nan


@dataclass(frozen=True, repr=False)
class Analogies:
    """Sections of questions, and all of them together."""

    name: str
    sections: list[Section]

    @property
    def total(self) -> Section:
        """All sections as one."""
        parts = ([getattr(s, name) for s in self.sections] for name in ("correct", "asked", "missing"))
        return Section("total", *(sum(part) for part in parts))

    @property
    def accuracy(self) -> float:
        """That of all questions."""
        return self.total.accuracy

    def __repr__(self) -> str:
        t = self.total
        return f"Analogies({self.name}: accuracy {t.accuracy:.4f}, {t.correct:,} of {t.asked:,}, {t.missing:,} missing)"


def evaluate(
    words: Sequence[str], matrix: Array, path: str | os.PathLike[str], known: int, ignore_case: bool
) -> Similarities | Analogies:
    """The file's kind of agreement, among the first `known` words."""
    kind, content = read(path)
    fold = str.lower if ignore_case else str
    folded = [fold(word) for word in words[:known]]
    ids = {word: i for i, word in reversed(list(enumerate(folded)))}  # reversed, so that the first form stays
    name = Path(os.fsdecode(path)).stem
    if kind == "pairs":
        return _similarities(name, [(fold(a), fold(b), x) for a, b, x in content], ids, matrix)
    asked = [(section, tuple(ids.get(fold(w), -1) for w in question)) for section, question in content]
    forms = np.array([ids[word] for word in folded], np.int64)
    return _analogies(name, asked, forms, matrix[:known])


def _similarities(name: str, pairs: list[Pair], ids: dict[str, int], matrix: Array) -> Similarities:
    found = [(ids[a], ids[b], x) for a, b, x in pairs if a in ids and b in ids]
    left = unit(matrix[[a for a, _, _ in found]].astype(np.float64)) if found else np.empty((0, 1))
    right = unit(matrix[[b for _, b, _ in found]].astype(np.float64)) if found else np.empty((0, 1))
    cosines = np.einsum("ij,ij->i", left, right)
    return Similarities(name, spearman(cosines, np.array([x for *_, x in found])), len(found), len(pairs) - len(found))


def _analogies(name: str, questions: list[tuple[str, Any]], forms: Array, matrix: Array) -> Analogies:
    asked = np.array([q for _, q in questions if min(q) >= 0], np.int64).reshape(-1, 4)
    found = answers(matrix, asked[:, :3], forms)
    right = iter(((found >= 0) & (forms[found] == asked[:, 3])).tolist())
    tally: dict[str, list[int]] = {}
    for section, question in questions:
        row = tally.setdefault(section, [0, 0, 0])
        if min(question) < 0:
            row[2] += 1
        else:
            row[0] += next(right)
            row[1] += 1
    return Analogies(name, [Section(section, *row) for section, row in tally.items()])


def spearman(x: Array, y: Array) -> float:
    """Pearson's correlation of ranks, equal numbers sharing the mean of theirs; nan where it is not defined.

    Example
    -------
    >>> import numpy as np
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    if len(x) < 2:
        return math.nan
    a, b = (ranks(z) - (len(z) + 1) / 2 for z in (x, y))
    scale = math.sqrt((a @ a) * (b @ b))
    return float(a @ b) / scale if scale > 0 else math.nan


def ranks(x: Array) -> Array:
    """Ranks from 1, equal numbers sharing the mean of theirs."""
    _, group, size = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(size)
    return (last - (size - 1) / 2)[group]


# ---- files --------------------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> tuple[str, list[Any]]:
    """'pairs' with (word, word, score), or 'questions' with (section, four words)."""
    name = os.fsdecode(path)
    lines = Path(name).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    lines = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    rows = [_cells(line) for line in lines]
    kind = (
        "questions" if any(line.startswith(":") or len(row) in (4, 6) for line, row in _first(lines, rows)) else "pairs"
    )
    found = _questions(lines, rows) if kind == "questions" else [_pair(row) for row in rows]
    bad = next((i for i, item in enumerate(found) if item is None), None)
    if bad == 0 and kind == "pairs" and len(found) > 1:  # names of columns
        found, bad = found[1:], next((i for i, item in enumerate(found) if item is None and i > 0), None)
    if bad is not None or not found:
        line = repr(lines[bad][:80]) if bad is not None else "nothing"
        raise ValueError(f"{name}: expected two words and a number a line, or four words, got {line}")
    return kind, [item for item in found if item is not SECTION]


SECTION = object()


def _first(lines: list[str], rows: list[list[str]]) -> list[tuple[str, list[str]]]:
    return list(zip(lines[:2], rows[:2], strict=True))


def _cells(line: str) -> list[str]:
    if "," in line and not line.startswith(":"):
        return [cell.strip() for cell in next(csv.reader([line]))]
    return line.split("\t") if line.count("\t") >= 2 else line.split()


def _pair(row: list[str]) -> Pair | None:
    if len(row) != 3 or not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", row[2].strip(), re.IGNORECASE):
        return None
    return row[0].strip(), row[1].strip(), float(row[2])


def _questions(lines: list[str], rows: list[list[str]]) -> list[Any]:
    section = "all"
    columns: list[int] | None = None
    found: list[Any] = []
    for line, row in zip(lines, rows, strict=True):
        if line.startswith(":"):
            section = line[1:].strip()
            found.append(SECTION)
        elif {"word1", "word2", "word3", "target"} <= set(row):
            columns = [row.index(name) for name in ("word1", "word2", "word3", "target", "type") if name in row]
            found.append(SECTION)
        elif columns is not None and len(row) > max(columns):
            found.append((row[columns[4]] if len(columns) > 4 else section, tuple(row[i] for i in columns[:4])))
        else:
            found.append((section, tuple(row)) if len(row) == 4 and columns is None else None)
    return found
