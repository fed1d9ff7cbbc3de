"""Metrics against scikit-learn's definitions, written again as loops over pairs and examples."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss.models import metrics


def data(n=200, seed=0, ties=True):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    if ties:
        p = p.round(1)
    return (rng.random(n) < p).astype(float), p, rng.random(n) + 0.1


def slow_auc(y, s, w):
    total = pairs = 0.0
    for i, j in itertools.product(range(len(y)), repeat=2):
        if y[i] == 1 and y[j] == 0:
            pairs += w[i] * w[j]
            total += w[i] * w[j] * ((s[i] > s[j]) + 0.5 * (s[i] == s[j]))
    return total / pairs


def slow_logloss(y, p, w):
    total = 0.0
    for yi, pi, wi in zip(y, p, w, strict=True):
        pi = min(max(pi, 1e-15), 1 - 1e-15)
        total -= wi * (yi * math.log(pi) + (1 - yi) * math.log(1 - pi))
    return total / sum(w)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
class TestAgainstLoops:
    def test_auc(self, ties, weighted):
        y, p, w = data(ties=ties)
        expected = slow_auc(y, p, w if weighted else np.ones(len(y)))
        assert metrics.auc(y, p, w if weighted else None) == pytest.approx(expected, rel=1e-12)

    def test_logloss(self, ties, weighted):
        y, p, w = data(ties=ties)
        expected = slow_logloss(y, p, w if weighted else np.ones(len(y)))
        assert metrics.logloss(y, p, w if weighted else None) == pytest.approx(expected, rel=1e-12)

    def test_normalised_entropy(self, ties, weighted):
        y, p, w = data(ties=ties)
        w = w if weighted else np.ones(len(y))
        q = sum(w * y) / sum(w)
        entropy = -(q * math.log(q) + (1 - q) * math.log(1 - q))
        assert metrics.normalised_entropy(y, p, w) == pytest.approx(slow_logloss(y, p, w) / entropy, rel=1e-12)

    def test_calibration(self, ties, weighted):
        y, p, w = data(ties=ties)
        w = w if weighted else np.ones(len(y))
        got = metrics.calibration(y, p, w, bins=7)
        assert got.ratio == pytest.approx(sum(w * p) / sum(w * y), rel=1e-12)
        bins: dict[int, list[int]] = {}
        for i in range(len(y)):
            below = sum(w[j] for j in range(len(y)) if p[j] < p[i])
            bins.setdefault(min(int(below / sum(w) * 7), 6), []).append(i)
        parts = [bins[b] for b in sorted(bins)]
        assert got.weight == pytest.approx([sum(w[k]) for k in parts])
        assert got.predicted == pytest.approx([sum(w[k] * p[k]) / sum(w[k]) for k in parts])
        assert got.observed == pytest.approx([sum(w[k] * y[k]) / sum(w[k]) for k in parts])


# Each case: a function, its arguments, what it returns.
KNOWN = [
    ("auc-perfect", metrics.auc, ([0, 0, 1, 1], [-3.0, -2.0, 0.5, 9.0]), 1.0),
    ("auc-reversed", metrics.auc, ([1, 0], [0.1, 0.2]), 0.0),
    ("auc-all-equal", metrics.auc, ([1, 0, 1], [0.5, 0.5, 0.5]), 0.5),
    ("auc-sklearn-example", metrics.auc, ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 0.75),
    ("logloss-sklearn-example", metrics.logloss, ([1, 0, 0, 1], [0.9, 0.1, 0.2, 0.65]), 0.21616187468057912),
    ("logloss-coin", metrics.logloss, ([1, 0], [0.5, 0.5]), math.log(2)),
    ("logloss-sure-and-wrong", metrics.logloss, ([1], [0.0]), -math.log(1e-15)),
    ("entropy-of-the-mean", metrics.normalised_entropy, ([1, 1, 0], [2 / 3] * 3), 1.0),
]


@pytest.mark.parametrize(("function", "arguments", "expected"), [c[1:] for c in KNOWN], ids=[c[0] for c in KNOWN])
def test_known_value(function, arguments, expected):
    assert function(*arguments) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]], ids=["no-positive", "no-negative"])
def test_one_class_has_no_auc_and_no_entropy(labels):
    assert math.isnan(metrics.auc(labels, [0.1, 0.2]))
    assert math.isnan(metrics.normalised_entropy(labels, [0.1, 0.2]))


def test_nothing_observed_has_no_ratio():
    assert math.isnan(metrics.calibration([0, 0], [0.1, 0.2]).ratio)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(1, 3)), min_size=2, max_size=30))
def test_a_weight_is_a_repetition(rows):
    y, s, w = (np.array(column) for column in zip(*rows, strict=True))
    if 0 < y.sum() < len(y):
        assert metrics.auc(y, s, w) == pytest.approx(metrics.auc(np.repeat(y, w), np.repeat(s, w)), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=2, max_size=30))
def test_auc_knows_order_alone(rows):
    y, s = (np.array(column) for column in zip(*rows, strict=True))
    if 0 < y.sum() < len(y):
        assert metrics.auc(y, s) == metrics.auc(y, np.exp(s / 3.0))
        assert metrics.auc(y, s) + metrics.auc(y, -s) == pytest.approx(1.0)


def test_large_counts_do_not_overflow():
    n = 300_000
    y = np.zeros(n, np.uint8)
    y[n // 2 :] = 1
    assert metrics.auc(y, np.arange(n, dtype=np.float32)) == 1.0


BAD = [
    ("label", metrics.auc, ([0, 2], [0.1, 0.2]), "labels: expected 0 or 1, got 2"),
    ("nan-label", metrics.auc, ([0, np.nan], [0.1, 0.2]), "labels: expected 0 or 1, got nan"),
    ("score", metrics.auc, ([0, 1], [np.nan, 0.2]), "scores: expected finite numbers, got nan"),
    ("probability", metrics.logloss, ([0, 1], [0.1, 1.2]), "probabilities: expected numbers from 0 to 1, got 0.1 to 1"),
    ("shape", metrics.logloss, ([0, 1], [0.1]), r"probabilities: expected shape \(2,\) like the labels, got \(1,\)"),
    ("weights", metrics.logloss, ([0, 1], [0.1, 0.2], [1.0]), r"weights: expected shape \(2,\)"),
    ("no-weight", metrics.logloss, ([0, 1], [0.1, 0.2], [0, 0]), "weights: expected numbers >= 0 with a sum above 0"),
    ("nothing", metrics.auc, ([], []), "weights: expected numbers >= 0 with a sum above 0, got a sum of 0"),
    ("dimensions", metrics.auc, ([[0, 1]], [0.1]), "labels: expected one dimension"),
    ("bins", metrics.calibration, ([0, 1], [0.1, 0.2], None, 0), "bins: expected a whole number >= 1, got 0"),
    ("negative-rate", metrics.calibration, ([0, 1], [-0.1, 0.2]), "probabilities: expected numbers >= 0, got -0.1"),
]


@pytest.mark.parametrize(("function", "arguments", "words"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_refused(function, arguments, words):
    with pytest.raises(ValueError, match=words):
        function(*arguments)
