"""Nearest rows of a matrix, block by block, so that a mapped matrix is never whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ROWS, QUERIES = 16_384, 512


def unit(rows: Array) -> Array:
    """Rows of length 1, those of length 0 as they are."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1).astype(rows.dtype)[:, None])


def blocks(matrix: Array) -> Iterator[tuple[int, Array]]:
    """Unit rows from a first one on."""
    for first in range(0, len(matrix), ROWS):
        yield first, unit(np.ascontiguousarray(matrix[first : first + ROWS]))


def best(matrix: Array, query: Array, out: Sequence[int], n: int) -> tuple[list[int], list[float]]:
    """The n rows of largest cosine with a query, those of `out` left out; of equal ones the first."""
    query = unit(query[None])[0]
    scores = np.concatenate([block @ query for _, block in blocks(matrix)] or [np.empty(0, np.float32)])
    kept = [i for i in out if i < len(scores)]
    scores[kept] = -np.inf
    n = min(n, len(scores) - len(set(kept)))
    if n == 0:
        return [], []
    least = np.partition(scores, len(scores) - n)[len(scores) - n]
    found = np.flatnonzero(scores >= least)
    order = found[np.lexsort((found, -scores[found]))][:n]
    return order.tolist(), scores[order].tolist()


def answers(matrix: Array, questions: Array, forms: Array) -> Array:
    """For rows (a, b, c), the row nearest to b - a + c that is no form of these three; -1 if there is none.

    forms : the word of each row; rows of one word are its forms
    """
    answer = np.full(len(questions), -1, np.int64)
    score = np.full(len(questions), -np.inf, np.float32)
    starts = range(0, len(questions), QUERIES)
    queries = [_offsets(matrix, questions[i : i + QUERIES]) for i in starts]
    asked, out = _forms(questions, forms)
    for first, block in blocks(matrix):
        for start, query in zip(starts, queries, strict=True):
            part = slice(start, start + len(query))
            scores = query @ block.T
            here = slice(*np.searchsorted(asked, [part.start, part.stop]))
            row, column = asked[here] - start, out[here] - first
            within = (column >= 0) & (column < len(block))
            scores[row[within], column[within]] = -np.inf
            found = scores.argmax(1)
            value = scores[np.arange(len(query)), found]
            better = value > score[part]
            answer[part][better] = found[better] + first
            score[part][better] = value[better]
    return answer


def _offsets(matrix: Array, questions: Array) -> Array:
    a, b, c = (unit(matrix[questions[:, k]]) for k in range(3))
    return np.asarray(b - a + c)


def _forms(questions: Array, forms: Array) -> tuple[Array, Array]:
    """Pairs of a question and a row that is a form of one of its words, by question."""
    order = np.argsort(forms, kind="stable")
    words = forms[questions]
    first = np.searchsorted(forms[order], words.ravel(), side="left")
    size = np.searchsorted(forms[order], words.ravel(), side="right") - first
    place = np.repeat(first - np.cumsum(size) + size, size) + np.arange(size.sum())
    return np.repeat(np.arange(words.size) // 3, size), order[place]
