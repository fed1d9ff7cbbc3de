"""Every rule of the package in one picture.

All start at (1.2, 1.6) in a bowl of condition 10 whose minimum is (0.7, 0.3), and take sixty steps with a rate that
suits each. EG and EGPM live on sets of their own (weights that sum to one; a difference of two positive parts), so
the minimum is inside both.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

BEST = np.array([0.7, 0.3])
# fmt: off
RATES = {  # 0.08 for the others
    "SGD": 0.15, "Momentum": 0.03, "Nesterov": 0.03, "SGDW": 0.03, "CounterClock": 0.2, "AdaGrad": 0.5,
    "RowWiseAdaGrad": 0.8, "AdaDelta": 40.0, "RMSprop": 0.03, "EGU": 0.15, "EG": 0.15, "EGPM": 0.01,
    "EGDD": 0.03, "FTRL": 0.5, "Rprop": 0.05, "Lion": 0.05, "LARS": 2.0, "LAMB": 0.05, "Prodigy": 0.5,
    "RAdam": 0.15, "ScheduleFreeAdamW": 0.15,
}
# fmt: on
OPTIONS = {"EGPM": {"total": 4.0}}


def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient."""
    d, scale = x - BEST, np.array([1.0, 10.0])
    return float(scale @ (d * d)) / 2, scale * d


paths = {}
for name, kind in schuss.rules.ALL.items():
    start = (0.1, 0.9) if name == "EG" else (1.2, 1.6)
    rule = kind(lr=RATES.get(name, 0.08), **OPTIONS.get(name, {}))
    paths[name] = path = plot.path_of(bowl, rule, start, 60)
    print(f"{name:16} {bowl(path[0])[0]:8.5f} -> {bowl(path[-1])[0]:.5f}")
    assert bowl(path[-1])[0] < bowl(path[0])[0] / 5, name

box = (-0.1, 1.45, -0.95, 1.8)
plot.trace_2d(bowl, paths, (1.2, 1.6), minimum=BEST, box=box, panels=True, path="all_rules.png")
