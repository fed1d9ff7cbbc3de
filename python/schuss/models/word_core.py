"""A model of words, inside: settings, tables, the learner, pieces of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _cold, _level
from ..rules import SGD, Rule
from ..settings import check_number, whole
from ..threads import check_threads, get_threads
from . import word_choice
from .core import MODES
from .word_rows import WordRows

if TYPE_CHECKING:
    from ..text import Tokens, Vocabulary

Array = NDArray[Any]
PIECE: int = _cold.piece_tokens  # words that are learned at one rate
# Of deterministic mode: words of a part of a round, of which there are eight side by side; gradients that a row takes
# in full, of more that many times their mean.
SUMMED = 16, 16  # any rule: gradients are summed
PLANNED = 32, 32  # where the rule is w -= rate g: rows that one part alone has are stepped at once
MOST_ROWS = 2**31
POWERS = (0.75, 0.6)  # of counts, for negatives, in the same order
RATES = (0.025, 0.075)  # of skip-gram; of CBOW, which has one step of a window's mean where that has one of each word


class WordCore:
    """A model's state, and what a piece of text does to it."""

    def _set(self, **given: Any) -> None:
        for name, usual in (("lr", RATES), ("power", POWERS)):
            if given[name] is None:
                given[name] = usual[given["sg"] is False]  # in files too, so that a fit goes on as it began
        self.settings = given  # for files
        self.dim = whole("dim", given["dim"], 1, 65536)
        self.window = whole("window", given["window"], 1, 1000)
        self.negative = whole("negative", given["negative"], 1, 1000)
        self.min_count = whole("min_count", given["min_count"], 1, 2**62)
        self.epochs = whole("epochs", given["epochs"], 1, 2**31)
        self.buckets = whole("buckets", given["buckets"], 1, MOST_ROWS)
        self.seed = whole("seed", given["seed"], 0, 2**63 - 1)
        self.max_vocab = None if given["max_vocab"] is None else whole("max_vocab", given["max_vocab"], 2, MOST_ROWS)
        share = given["shared_negatives"]
        self.shared_negatives = None if share is None else whole("shared_negatives", share, 1, 2000)
        for name in ("sample", "lr", "min_lr"):
            check_number(name, given[name], lambda x: 0 <= x < math.inf, "a finite number >= 0")
        self.sample, self.lr, self.min_lr = float(given["sample"]), float(given["lr"]), float(given["min_lr"])
        check_number(
            "power", given["power"], lambda x: 0 <= x <= 1, "a number from 0 (all words alike) to 1 (their counts)"
        )
        self.power = float(given["power"])
        if self.min_lr > self.lr:
            raise ValueError(f"min_lr: expected at most lr={self.lr}, got {self.min_lr}")
        for name in ("sg", "hs", "lower"):
            if not isinstance(given[name], bool):
                raise TypeError(f"{name}: expected True or False, got {given[name]!r}")
        self.sg, self.hs, self.lower = given["sg"], given["hs"], given["lower"]
        self.phrases = given["phrases"]
        self.mode = given["mode"]
        if self.mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(map(repr, MODES))}, got {self.mode!r}")
        self.subwords = None if given["subwords"] is None else _lengths(given["subwords"])
        rule = given["rule"]
        if rule is not None and not isinstance(rule, Rule):
            raise TypeError(f"rule: expected a rule such as schuss.RowWiseAdaGrad(lr=0.05), got {rule!r}")
        self.rule = rule
        self.threads = None if given["threads"] is None else check_threads(given["threads"])
        WordRows(self._rule(), 1, self.dim)  # refuses rules that cannot train words
        self.vocabulary: Vocabulary | None = None
        self.seen = 0  # words learned, of all epochs
        self.losses: list[float] = []  # mean loss of a prediction, by epoch
        # Of the fit under way: its epoch and piece, the sums of its epoch, the words of its text.
        self.position: dict[str, Any] = {"epoch": 0, "piece": 0, "loss": 0.0, "predictions": 0, "words": 0}
        self._in: WordRows | None = None
        self._out: WordRows | None = None
        self._groups: tuple[Array, Array] | None = None
        self._choice: Any = None  # the learner's: a table of negatives, or the paths of a tree
        self._learner: Any = None

    def __repr__(self) -> str:
        kind = ("SG" if self.sg else "CBOW") + ("-HS" if self.hs else "")
        words = 0 if self.vocabulary is None else len(self.vocabulary)
        return f"Word2Vec({kind}, dim={self.dim}, window={self.window}; {words} words, {self.seen} seen)"

    # ---- tables -----------------------------------------------------------------------------------------------

    def _rule(self) -> Rule:
        return self.rule or SGD(lr=self.lr)

    def _thread_count(self) -> int:
        return self.threads or get_threads()

    def _vocabulary(self) -> Vocabulary:
        if self.vocabulary is None:
            raise ValueError("model: it has no words yet; call fit first")
        return self.vocabulary

    def _begin(self, vocabulary: Vocabulary) -> None:
        """New rows for a vocabulary."""
        self.vocabulary = vocabulary
        self.seen, self.losses = 0, []
        first = self.buckets if self.subwords else 0
        self._in = WordRows(self._rule(), first + len(vocabulary), self.dim)
        self._in.start(0, len(self._in), 0.5 / self.dim, self.seed, self._thread_count())
        self._out = WordRows(self._rule(), len(vocabulary) - self.hs, self.dim)
        self._out.start(0, len(self._out), 0.0, self.seed, 1)
        self._tell()

    def _grow(self, vocabulary: Vocabulary) -> None:
        """Rows for the words that a vocabulary has gained at its end."""
        before = len(self._vocabulary())
        if self.hs and len(vocabulary) != before:
            raise ValueError(
                f"hs: {len(vocabulary) - before} new words need another tree, whose nodes mean something else; "
                "fit anew, or use negative sampling"
            )
        assert self._in is not None and self._out is not None
        if len(vocabulary) > before:
            old_in, old_out, more = len(self._in), len(self._out), len(vocabulary) - before
            self._in, self._out = self._in.grown(old_in + more), self._out.grown(old_out + more)
            self._in.start(old_in, old_in + more, 0.5 / self.dim, self.seed, self._thread_count())
            self._out.start(old_out, old_out + more, 0.0, self.seed, 1)
        tree = self._choice if self.hs else None
        self.vocabulary = vocabulary
        self._tell(tree)

    def _tell(self, tree: tuple[Array, Array] | None = None) -> None:
        """Makes the learner for the tables and the vocabulary as they are now."""
        vocabulary = self._vocabulary()
        assert self._in is not None and self._out is not None
        counts = vocabulary.counts
        self._groups = word_choice.groups(vocabulary.words, self.subwords, self.buckets) if self.subwords else None
        self._choice = (tree or word_choice.tree(counts)) if self.hs else word_choice.negatives(counts, self.power)
        group_start, group = self._groups or (None, None)
        rule = self._rule()
        self._learner = _cold.WordLearner(
            _level.table,
            (rule.kernel, rule.variant),
            self._in.array,
            self._out.array,
            self.dim,
            not self.sg,
            self.hs,
            self.window,
            self.negative,
            self.shared_negatives or 2 * self.window,
            word_choice.keep_bits(counts, self.sample),
            self._choice,
            group_start,
            group,
            self.seed,
            SUMMED,
            PLANNED,
        )

    # ---- learning ---------------------------------------------------------------------------------------------

    def _rates(self, epoch: int, first: int, count: int, epochs: int, words: int) -> list[float]:
        """The rate of each piece: by how much of all has been learned before it."""
        if self.rule is not None:
            return [self.rule.rate(self.seen + PIECE * k) for k in range(count)]
        done = (epoch * words + PIECE * (first + np.arange(count))) / (epochs * words)
        return list(self.lr - (self.lr - self.min_lr) * done)

    def _learn(self, epoch: int, first: int, count: int, epochs: int, tokens: Tokens) -> tuple[float, int, int]:
        """Pieces first ... first + count - 1 of an epoch: sum of losses, predictions, words."""
        words = len(tokens.ids)
        loss, predictions, _ = self._learner.learn(
            first,
            epoch,
            self._rates(epoch, first, count, epochs, words),
            self._rule().options(self.seen),
            self.seen,
            self._thread_count(),
            self.mode == "hogwild",
        )
        learned = min((first + count) * PIECE, words) - first * PIECE
        self.seen += learned
        return loss, predictions, learned

    # ---- vectors ----------------------------------------------------------------------------------------------

    def _matrix(self) -> Array:
        assert self._in is not None
        if self._groups is None:
            return np.ascontiguousarray(self._in.weights)
        return np.stack([self._mean_rows(i) for i in range(len(self._vocabulary()))])

    def _mean_rows(self, word: int) -> Array:
        assert self._in is not None
        if self._groups is None:
            return np.array(self._in.weights[word])
        start, rows = self._groups
        mean: Array = self._in.weights[rows[start[word] : start[word + 1]]].mean(0, dtype=np.float32)
        return mean

    def _compose(self, word: str) -> Array:
        """The mean of an unknown word's n-grams."""
        assert self._in is not None and self.subwords is not None
        _, rows = _cold.ngrams([word.encode()], *self.subwords, self.buckets)
        if not len(rows):
            raise KeyError(f"{word!r}: too short for n-grams of {self.subwords[0]} characters")
        mean: Array = self._in.weights[rows].mean(0, dtype=np.float32)
        return mean


def _lengths(given: Any) -> tuple[int, int]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise TypeError(f"subwords: expected least and most characters, as in (3, 6), got {given!r}")
    least, most = (whole("subwords", n, 1, 100) for n in given)
    if least > most:
        raise ValueError(f"subwords: expected the lesser number first, got {given!r}")
    return least, most
