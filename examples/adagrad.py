"""AdaGrad on a long bowl.

On 0.1 x1² + 2 x2² from (-5, -2), twenty steps. AdaGrad gives each coordinate a rate of its own, so the steep
direction does not hold back the flat one; its rates only fall, so at 0.4 it comes to a stand long before the minimum.
At 2 it is there at once.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot


def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient."""
    return 0.1 * x[0] ** 2 + 2 * x[1] ** 2, np.array([0.2 * x[0], 4 * x[1]])


paths = {}
for lr, end in ((0.4, (-2.382563, -0.158591)), (2.0, (-0.002295, 0.0))):
    rule = schuss.AdaGrad(lr=lr, eps=1e-6, eps_place="inside")
    paths[f"AdaGrad, lr {lr}"] = path = plot.path_of(bowl, rule, (-5, -2), 20)
    print(f"lr {lr}: ends at ({path[-1, 0]:.6f}, {path[-1, 1]:.6f})")
    assert np.allclose(path[-1], end, rtol=0, atol=5e-7)

plot.trace_2d(bowl, paths, (-5, -2), box=(-5.5, 1, -2.4, 1), minimum=(0, 0), path="adagrad.png")
