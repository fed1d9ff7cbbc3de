"""Word vectors again, in float64 and the simplest loops, from Mikolov et al. 2013; draws as in word_draws.hpp."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

MASK = 2**64 - 1


def mixed(z: int) -> int:
    """The finalizer of splitmix64 (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def draw(seed: int, row: int, column: int) -> int:
    own = mixed((seed + row * 0x9E3779B97F4A7C15) & MASK)
    return mixed((own + column * 0xD1342543DE82EF95 + 1) & MASK)


class Draws:
    """What chance decides about the token at a position of an epoch."""

    def __init__(self, seed: int, epoch: int, position: int) -> None:
        key = mixed(draw(seed, epoch, -1))
        self.own = mixed((key + position * 0x9E3779B97F4A7C15) & MASK)

    def kept(self, keep: int) -> bool:
        return self.own >> 32 <= keep

    def reach(self, window: int) -> int:
        return 1 + ((self.own & 0xFFFFFFFF) * window >> 32)

    def negative(self, k: int, alias: np.ndarray) -> int:
        bits = mixed((self.own + k * 0xD1342543DE82EF95 + 1) & MASK)
        word = (bits >> 32) * len(alias) >> 32
        return word if bits & 0xFFFFFFFF <= alias[word, 0] else int(alias[word, 1])


def start(seed: int, rows: int, dim: int) -> np.ndarray:
    """Start values: uniform in [-1/2, 1/2) / dim."""
    scale = 0.5 / dim
    bits = np.array([[draw(seed, i, j) >> 11 for j in range(dim)] for i in range(rows)], np.float64)
    return (-scale + 2 * scale * (bits + 0.5) * 2.0**-53).astype(np.float32).astype(np.float64)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


class Oracle:
    """One model; `outputs(word, draws, pair)` gives the outputs of a prediction with their labels."""

    def __init__(self, v: np.ndarray, keep: np.ndarray, *, window: int, negative: int, seed: int, cbow: bool) -> None:
        self.v, self.keep, self.window, self.negative = v, keep, window, negative
        self.seed, self.cbow = seed, cbow
        self.alias: np.ndarray | None = None
        self.paths: list[list[tuple[int, int]]] = []  # of each word: node, code
        self.rows_of = [[i] for i in range(len(keep))]  # of each word: its rows of v
        self.u = np.zeros((len(keep), v.shape[1]))
        self.loss, self.predictions = 0.0, 0

    def epoch(self, text: Sequence[Sequence[int]], epoch: int, rate: object) -> None:
        """Passes over the text; rate(position) is the learning rate at a token."""
        at = 0
        for sentence in text:
            places = [at + i for i in range(len(sentence))]
            at += len(sentence)
            draws = {p: Draws(self.seed, epoch, p) for p in places}
            kept = [(p, w) for p, w in zip(places, sentence, strict=True) if draws[p].kept(int(self.keep[w]))]
            for i, (p, centre) in enumerate(kept):
                reach = draws[p].reach(self.window)
                context = [w for j, (_, w) in enumerate(kept) if j != i and abs(j - i) <= reach]
                blocks = [context] if self.cbow else [[w] for w in context]
                for pair, block in enumerate(b for b in blocks if b):
                    self.predict(block, list(self.outputs(centre, draws[p], pair)), rate(p))

    def outputs(self, centre: int, draws: Draws, pair: int) -> Iterator[tuple[int, int]]:
        if self.alias is None:
            yield from ((node, 1 - code) for node, code in self.paths[centre])
            return
        yield centre, 1
        for k in range(self.negative):
            other = draws.negative(pair * self.negative + k, self.alias)
            if other != centre:
                yield other, 0

    def predict(self, block: list[int], outputs: list[tuple[int, int]], rate: float) -> None:
        """One prediction and its step: as word2vec.c does it, one output after the other."""
        rows = [row for word in block for row in self.rows_of[word]]
        h = np.mean([self.v[row] for row in rows], axis=0)
        g = np.zeros_like(h)
        for out, label in outputs:
            x = float(h @ self.u[out])
            self.loss += math.log1p(math.exp(-x if label else x))
            error = sigmoid(x) - label
            g += error * self.u[out]
            self.u[out] -= rate * error * h
        for row in rows:
            self.v[row] -= rate * g
        self.predictions += 1
