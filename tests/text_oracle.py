"""Vocabulary, phrases and encoding again, in plain Python: bytes.split, Counter, lists."""

from __future__ import annotations

import codecs
from collections import Counter
from itertools import pairwise

Lines = list[list[str | None]]  # None: a word that is too long


def lines_of(data: bytes, lower: bool) -> tuple[Lines, int]:
    """Words of each line, and how many sequences were no UTF-8."""
    replaced = 0

    def replace(error: UnicodeError) -> tuple[str, int]:
        nonlocal replaced
        replaced += 1
        assert isinstance(error, UnicodeDecodeError)
        return "\ufffd", error.end

    codecs.register_error("schuss-oracle", replace)
    lines: Lines = []
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        lines.append([])
        for word in line.split():
            text = None if len(word) > 4096 else word.decode("utf-8", "schuss-oracle")
            lines[-1].append("".join(c.lower() for c in text) if lower and text is not None else text)
    return lines, replaced


def ranked(counts: Counter[str | None], least: int, most: int | None = None) -> list[tuple[str, int]]:
    kept = [(word, n) for word, n in counts.items() if word is not None and n >= least]
    return sorted(kept, key=lambda pair: (-pair[1], pair[0].encode()))[:most]


def learned(lines: Lines, least: int, threshold: float) -> set[tuple[str, str]]:
    """Pairs of words that are phrases."""
    counts = Counter(word for line in lines for word in line)
    total = sum(counts.values())
    pairs = Counter(pair for line in lines for pair in pairwise(line) if None not in pair)
    return {
        (a, b)
        for (a, b), n in pairs.items()
        if min(counts[a], counts[b]) >= least
        and (n - least) * total / (counts[a] * counts[b]) > threshold
        and n > least
    }


def joined(lines: Lines, phrases: set[tuple[str, str]]) -> Lines:
    """Phrases joined from left to right."""
    found: Lines = []
    for line in lines:
        out: list[str | None] = []
        i = 0
        while i < len(line):
            if line[i : i + 2] and tuple(line[i : i + 2]) in phrases:
                out.append("_".join(line[i : i + 2]))
                i += 2
            else:
                out.append(line[i])
                i += 1
        found.append(out)
    return found


def encoded(lines: Lines, words: list[str], longest: int = 10_000) -> list[list[int]]:
    """Sentences as numbers."""
    ids = {word: i for i, word in enumerate(words)}
    found = []
    for line in lines:
        known = [ids[word] for word in line if word in ids]
        found += [known[i : i + longest] for i in range(0, len(known), longest)]
    return found
