"""A rule in C++ outside the package, used from Python:

cmake -S examples/custom_rule -B build-signum && cmake --build build-signum
PYTHONPATH=build-signum python examples/custom_rule/signum_rule.py
"""

from dataclasses import dataclass

import numpy as np
import signum  # what CMake has built

import schuss

schuss.load_rules(signum)


@dataclass(frozen=True)
class Signum(schuss.Rule):
    """m <- beta m + (1 - beta) g;   w <- w - lr sign(m)"""

    beta: float = 0.9

    kernel = "signum"
    ranges = {"beta": "[0, 1)"}

    def inexact(self) -> str:
        return 'Signum moves rows without a gradient by a sign, which has no closed form; use sparse="lazy"'


if __name__ == "__main__":
    w = np.array([1.0, -2.0, 0.5])
    opt = schuss.Optimizer(w, Signum(lr=0.1))
    for _ in range(10):
        opt.step(2 * w)
    print(opt.rule, w.round(6), opt.slots["m"].round(6))

    table = schuss.Table(1000, 8, Signum(lr=0.01))
    table.update(np.array([3, 7]), np.ones((2, 8), np.float32))
    print(table)
