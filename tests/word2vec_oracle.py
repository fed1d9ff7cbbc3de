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

    def rounds(
        self, text: Sequence[Sequence[int]], epoch: int, rate: object, *, part: int, most: int, share: int
    ) -> None:
        """A pass as deterministic mode makes it for w -= rate g: eight parts of a round begin with the same rows."""
        tokens = [(p, s) for s, sentence in enumerate(text) for p in range(len(sentence))]
        begin = np.cumsum([0, *map(len, text)])
        for first in range(0, len(tokens), 8 * part):
            parts = [tokens[k : k + part] for k in range(first, first + 8 * part, part)]
            blocks = [
                [b for p, s in own for b in self.blocks(text[s], int(begin[s]), p, epoch, share)] for own in parts
            ]
            self.round(blocks, rate(first), most)

    def blocks(self, sentence: Sequence[int], begin: int, place: int, epoch: int, share: int) -> Iterator[tuple]:
        """What the token at a place is learned by: words of its window, `share` at a time, each with outputs."""
        draws = [Draws(self.seed, epoch, begin + i) for i in range(len(sentence))]
        kept = [i for i, w in enumerate(sentence) if draws[i].kept(int(self.keep[w]))]
        if place not in kept:
            return
        at, reach = kept.index(place), draws[place].reach(self.window)
        context = [sentence[i] for j, i in enumerate(kept) if j != at and abs(j - at) <= reach]
        share = len(context) if self.cbow else share
        for k in range(0, len(context), max(share, 1)):
            words = context[k : k + share]
            inputs = [words] if self.cbow else [[w] for w in words]
            rows = [[row for word in one for row in self.rows_of[word]] for one in inputs]
            yield rows, list(self.outputs(sentence[place], draws[place], k // share))

    def round(self, blocks: list[list[tuple]], rate: float, most: int) -> None:
        count: dict[int, int] = {}
        homes: dict[int, set[int]] = {}
        for number, own in enumerate(blocks):
            for _, outputs in own:
                for out, _ in outputs:
                    count[out] = count.get(out, 0) + 1
                    homes.setdefault(out, set()).add(number)
        moves: list[tuple[int, np.ndarray]] = []
        copies: list[dict[int, np.ndarray]] = []
        gradients: dict[int, int] = {}
        for own in blocks:
            v: dict[int, np.ndarray] = {}
            for inputs, outputs in own:
                for rows in inputs:
                    for row in rows:
                        v.setdefault(row, self.v[row].copy())
                        gradients[row] = gradients.get(row, 0) + 1
                x = np.array([np.mean([v[row] for row in rows], axis=0) for rows in inputs])
                ids = [out for out, _ in outputs]
                y, label = self.u[ids], np.array([label for _, label in outputs], float)
                score = x @ y.T
                self.loss += float(np.log1p(np.exp(np.where(label == 1, -score, score))).sum())
                error = 1 / (1 + np.exp(-score)) - label
                self.predictions += len(x)
                for o, out in enumerate(ids):
                    if len(homes[out]) == 1 and ids.count(out) == 1:
                        self.u[out] -= rate * (error[:, o] @ x)
                    else:
                        moves.append((out, -rate * min(1, most / count[out]) * (error[:, o] @ x)))
                for rows, g in zip(inputs, error @ y, strict=True):
                    for row in rows:
                        v[row] = v[row] - rate * g
            copies.append(v)
        for row, n in gradients.items():
            own = [v[row] - self.v[row] for v in copies if row in v]
            self.v[row] += np.sum(own, axis=0) * (min(1, most / n) if len(own) > 1 else 1)
        for out, move in moves:
            self.u[out] += move
