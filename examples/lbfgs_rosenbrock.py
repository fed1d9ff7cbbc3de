"""L-BFGS on Rosenbrock's valley, beside Adam.

(1 - x1)² + 100 (x2 - x1²)² from (-1.2, 1). L-BFGS learns the valley's curvature from pairs of steps and gradient
changes and is at the minimum after some forty evaluations; Adam at its best rate (of seven from 0.01 to 1) still
walks along the valley after 200.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot


def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient."""
    a, b = 1 - x[0], x[1] - x[0] ** 2
    return a * a + 100 * b * b, np.array([-2 * a - 400 * x[0] * b, 200 * b])


path = [np.array([-1.2, 1.0])]
result = schuss.minimize(rosenbrock, path[0], callback=lambda r: path.append(r.x.copy()))
adam = plot.path_of(rosenbrock, schuss.Adam(lr=1.0), (-1.2, 1.0), 200)
print(f"L-BFGS: ({result.x[0]:.6f}, {result.x[1]:.6f}) after {result.nit} iterations, {result.nfev} evaluations")
print(f"Adam:   ({adam[-1, 0]:.6f}, {adam[-1, 1]:.6f}) after 200 gradients")
assert result.success and np.allclose(result.x, 1, atol=1e-5) and rosenbrock(adam[-1])[0] > 1e-4

paths = {"L-BFGS": np.array(path), "Adam, every fifth step": adam[::5]}
plot.trace_2d(rosenbrock, paths, (-1.2, 1), box=(-1.6, 1.5, -0.6, 1.9), minimum=(1, 1), path="lbfgs_rosenbrock.png")
