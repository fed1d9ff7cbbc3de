"""How good probabilities are: logloss, AUC, normalised entropy, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def logloss(labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean of -log of the probability that was given to what happened.

    - sum_i w_i (y_i log p_i + (1 - y_i) log(1 - p_i)) / sum_i w_i

    Parameters
    ----------
    labels : array of 0 and 1, shape (n,)
    probabilities : array, shape (n,)
        Of label 1, in [0, 1]; 0 and 1 are taken as 1e-15 and 1 - 1e-15.
    weights : array of numbers >= 0, shape (n,), optional
        Default: all 1.

    Returns
    -------
    The loss in nats; 0.6931 is a coin's.

    Raises
    ------
    ValueError
        For arrays of other shapes, labels other than 0 and 1, probabilities outside [0, 1], weights that sum to 0.

    Example
    -------
    >>> from schuss.models import metrics
    >>> print(f"{metrics.logloss([1, 0], [0.8, 0.4]):.4f}")
    0.3670

    Differs from
    ------------
    sklearn.metrics.log_loss cuts off at the precision of the array's type.
    """
    y, p, w = _checked(labels, probabilities, weights, "probabilities")
    _check_probabilities(p)
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return float(-(w @ np.where(y == 1, np.log(p), np.log1p(-p))) / w.sum())


def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The probability that a positive example scores above a negative one: area under the ROC curve, exact.

    sum over pairs of w+ w- ([s+ > s-] + 1/2 [s+ = s-]) / (sum w+ sum w-)

    Parameters
    ----------
    labels : array of 0 and 1, shape (n,)
    scores : array of finite numbers, shape (n,)
        Probabilities or margins: only their order counts; ties count one half.
    weights : array of numbers >= 0, shape (n,), optional
        Default: all 1.

    Returns
    -------
    From 0 to 1; nan where one of the classes is missing.

    Raises
    ------
    ValueError
        For arrays of other shapes, labels other than 0 and 1, scores that are not finite, weights that sum to 0.

    Example
    -------
    >>> from schuss.models import metrics
    >>> metrics.auc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    0.875

    Reference
    ---------
    Fawcett, "An introduction to ROC analysis", 2006, Algorithm 2.

    Differs from
    ------------
    Vowpal Wabbit and xLearn sort into buckets or ignore ties.
    """
    y, s, w = _checked(labels, scores, weights, "scores")
    order = np.argsort(s, kind="stable")
    s, positive, negative = s[order], (w * y)[order], (w * (1 - y))[order]
    first = np.flatnonzero(np.r_[True, s[1:] != s[:-1]])  # of each group of equal scores
    positive, negative = np.add.reduceat(positive, first), np.add.reduceat(negative, first)
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative
    return float(positive @ (below + negative / 2) / pairs) if pairs > 0 else float("nan")


def normalised_entropy(labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The logloss as a part of that of the best constant: 1 is worth nothing, 0 is perfect.

    logloss / -(q log q + (1 - q) log(1 - q)),   q = sum w y / sum w

    Parameters
    ----------
    labels, probabilities, weights
        As in :func:`logloss`.

    Returns
    -------
    The ratio; nan where all labels are equal.

    Raises
    ------
    ValueError
        As in :func:`logloss`.

    Example
    -------
    >>> from schuss.models import metrics
    >>> metrics.normalised_entropy([1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25])
    1.0

    Reference
    ---------
    He et al., "Practical lessons from predicting clicks on ads at Facebook", 2014, section 3.
    """
    y, p, w = _checked(labels, probabilities, weights, "probabilities")
    q = float(w @ y / w.sum())
    if q in (0.0, 1.0):
        return float("nan")
    return logloss(y, p, w) / logloss(y, np.full(len(y), q), w)


@dataclass(frozen=True)
class Calibration:
    """Predicted beside observed: `ratio` over all, and bins of about equal weight by ascending prediction."""

    ratio: float
    predicted: Floats
    observed: Floats
    weight: Floats


def calibration(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None, bins: int = 10
) -> Calibration:
    """How far probabilities can be taken at their word.

    ratio = sum w p / sum w y;   in each bin the means of p and of y

    Parameters
    ----------
    labels, probabilities, weights
        As in :func:`logloss`; labels may be any numbers >= 0 and probabilities any rates >= 0.
    bins : int, default 10
        Of about equal weight; equal probabilities stay together, so that there may be fewer.

    Returns
    -------
    A `Calibration`: ratio (above 1: too much was predicted; nan where nothing was observed) and, for each bin, the
    mean prediction, the mean label and the weight.

    Raises
    ------
    ValueError
        For arrays of other shapes, numbers that are negative or not finite, weights that sum to 0, fewer bins than 1.

    Example
    -------
    >>> from schuss.models import metrics
    >>> c = metrics.calibration([0, 0, 1, 1], [0.2, 0.2, 0.6, 0.8], bins=2)
    >>> print(f"{c.ratio:.2f}", c.predicted.round(2), c.observed)
    0.90 [0.2 0.7] [0. 1.]

    Differs from
    ------------
    sklearn.calibration.calibration_curve, whose bins have equal width unless told otherwise.
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise ValueError(f"bins: expected a whole number >= 1, got {bins!r}")
    y, p, w = _checked(labels, probabilities, weights, "probabilities", classes=False)
    for name, array in (("labels", y), ("probabilities", p)):
        if array.size and array.min() < 0:
            raise ValueError(f"{name}: expected numbers >= 0, got {array.min()}")
    order = np.argsort(p, kind="stable")
    y, p, w = y[order], p[order], w[order]
    before = np.cumsum(w) - w
    first = np.r_[True, p[1:] != p[:-1]]
    before = before[first][np.cumsum(first) - 1]  # of the first of its equals
    which = np.minimum((before / w.sum() * bins).astype(np.int64), bins - 1)
    weight = np.bincount(which, w, bins).astype(np.float64)
    sums_p, sums_y = np.bincount(which, w * p, bins), np.bincount(which, w * y, bins)
    some = weight > 0
    observed = float(w @ y)
    return Calibration(
        float(w @ p) / observed if observed > 0 else float("nan"),
        sums_p[some] / weight[some],
        sums_y[some] / weight[some],
        weight[some],
    )


def _checked(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None, name: str, classes: bool = True
) -> tuple[Floats, Floats, Floats]:
    y, s = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    w: NDArray[Any] = np.ones(y.shape) if weights is None else np.asarray(weights, np.float64)
    if y.ndim != 1:
        raise ValueError(f"labels: expected one dimension, got shape {y.shape}")
    for other, array in ((name, s), ("weights", w)):
        if array.shape != y.shape:
            raise ValueError(f"{other}: expected shape {y.shape} like the labels, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{other}: expected finite numbers, got {array[~np.isfinite(array)][0]}")
    bad = ~((y == 0) | (y == 1)) if classes else ~np.isfinite(y)
    if bad.any():
        raise ValueError(f"labels: expected {'0 or 1' if classes else 'finite numbers'}, got {y[bad][0]:g}")
    if (w < 0).any() or not w.sum() > 0:
        raise ValueError(f"weights: expected numbers >= 0 with a sum above 0, got a sum of {w.sum():g}")
    return y, s, w


def _check_probabilities(p: Floats) -> None:
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"probabilities: expected numbers from 0 to 1, got {p.min():g} to {p.max():g}")
