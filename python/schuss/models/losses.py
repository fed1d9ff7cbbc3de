"""Losses of a margin: what a model minimises, and how a margin becomes a prediction.

logistic   log(1 + exp(-s m))                    s = 2 y - 1, y of 0 and 1
hinge      max(0, 1 - s m)
squared    (m - y)^2 / 2                         y any number
poisson    exp(m) - y m                          y >= 0; the rate is exp(m)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LOSSES = ("logistic", "squared", "hinge", "poisson")
CLASSES = ("logistic", "hinge")  # labels are 0 and 1


def checked_labels(loss: str, labels: Array | None) -> Array:
    """The labels, if there are any and the loss is defined for all of them."""
    if labels is None:
        raise ValueError("labels: the examples have none; give Batch.of(..., labels=...)")
    if loss in CLASSES:
        bad, expected = ~((labels == 0) | (labels == 1)), "0 or 1"
    elif loss == "poisson":
        bad, expected = ~((labels >= 0) & np.isfinite(labels)), "numbers >= 0"
    else:
        bad, expected = ~np.isfinite(labels), "finite numbers"
    if bad.any():
        raise ValueError(f"labels: expected {expected} for the {loss} loss, got {labels[bad][0]:g}")
    return labels


def losses(loss: str, margins: Array, labels: Array) -> Array:
    """The loss of each example, in float64.

    >>> losses("hinge", np.array([0.5, 0.5]), np.array([1, 0]))
    array([0.5, 1.5])
    """
    m, y = margins.astype(np.float64), labels.astype(np.float64)
    if loss == "logistic":
        return np.asarray(np.logaddexp(0, m) - y * m)
    if loss == "squared":
        return np.asarray((m - y) ** 2 / 2)
    if loss == "hinge":
        return np.maximum(0, 1 - (2 * y - 1) * m)
    return np.asarray(np.exp(m) - y * m)


def probability(margins: Array) -> Array:
    """The logistic function, in float32, without overflow.

    >>> probability(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    small = np.exp(-np.abs(margins.astype(np.float64)))
    return np.asarray(np.where(margins >= 0, 1.0, small) / (1 + small)).astype(np.float32)


def prediction(loss: str, margins: Array) -> Array:
    """Classes 0 and 1 for logistic and hinge, the number itself for squared, the rate for poisson.

    >>> prediction("logistic", np.array([-0.1, 0.1]))
    array([0, 1], dtype=uint8)
    """
    if loss in CLASSES:
        return np.asarray(margins > 0).astype(np.uint8)
    return np.exp(margins) if loss == "poisson" else margins
