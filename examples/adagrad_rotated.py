"""AdaGrad on the same bowl, turned by 45 degrees.

0.1 (x1 + x2)² + 2 (x1 - x2)²: steep and flat are no longer coordinates, and a rate for each coordinate cannot tell
them apart. At 0.4 the flat sum x1 + x2 only goes from -7 to -6.24, while in the upright bowl the flat x1 went from -5
to -2.38. Diagonal rates help where the axes are those of the problem, as they are for sparse features.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot


def turned(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient."""
    along, across = x[0] + x[1], x[0] - x[1]
    return 0.1 * along**2 + 2 * across**2, np.array([0.2 * along + 4 * across, 0.2 * along - 4 * across])


paths = {}
for lr, end in ((0.4, (-3.180865, -3.062780)), (2.0, (-1.054791, -1.046482))):
    rule = schuss.AdaGrad(lr=lr, eps=1e-6, eps_place="inside")
    paths[f"AdaGrad, lr {lr}"] = path = plot.path_of(turned, rule, (-5, -2), 20)
    print(f"lr {lr}: ends at ({path[-1, 0]:.6f}, {path[-1, 1]:.6f})")
    assert np.allclose(path[-1], end, rtol=0, atol=5e-7)

plot.trace_2d(turned, paths, (-5, -2), box=(-5.6, 1, -4.2, 1), minimum=(0, 0), path="adagrad_rotated.png")
