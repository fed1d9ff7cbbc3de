"""Momentum and Nesterov on an ill-conditioned bowl.

x1² / 2 + 25 x2² has condition 50. Plain descent must keep its rate under 2 / 50, so that the steep direction does not
grow, and then creeps along the flat one. Momentum adds up the small steps that agree and cancels those that
alternate; Nesterov looks ahead and swings less.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot


def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient."""
    return x[0] ** 2 / 2 + 25 * x[1] ** 2, np.array([x[0], 50 * x[1]])


rules = {
    "SGD": schuss.SGD(lr=0.02),
    "Momentum": schuss.Momentum(lr=0.02, momentum=0.8),
    "Nesterov": schuss.Nesterov(lr=0.02, momentum=0.8),
}
left = {name: bowl(plot.path_of(bowl, rule, (-10, 1), 30)[-1])[0] for name, rule in rules.items()}
for name, value in left.items():
    print(f"{name:13} value after 30 steps {value:.6f}")
assert left["Nesterov"] < left["Momentum"] < left["SGD"]

plot.trace_2d(bowl, rules, (-10, 1), steps=30, minimum=(0, 0), box=(-10.8, 3.6, -1.5, 1.5), path="momentum.png")
