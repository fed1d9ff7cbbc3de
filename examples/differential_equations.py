"""Optimizers as discretised differential equations.

Gradient descent is Euler's method for the flow x' = -g(x), with the rate as its step. A Heun step asks for a second
gradient and errs by lr³ rather than lr². Momentum discretises the damped motion x'' + a x' + g(x) = 0 (h = sqrt(lr),
momentum = 1 - a h). RMSprop divides by the size of the gradient, as error control does: no coordinate moves much more
than lr in a step, however steep. The lines are SciPy's solutions to 1e-10.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

import schuss
from schuss import plot

START, LR, DAMPING = np.array([-2.0, 1.5]), 0.06, 1.2


def gradient(x: np.ndarray) -> np.ndarray:
    """Of x1² / 2 + 4 x2² + sin(x1 + x2)."""
    return np.array([x[0], 8 * x[1]]) + np.cos(x[0] + x[1])


def value(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient."""
    return x[0] ** 2 / 2 + 4 * x[1] ** 2 + np.sin(x[0] + x[1]), gradient(x)


def heun(lr: float, steps: int) -> np.ndarray:
    """p~ = p - lr g(p); p <- p - lr (g(p) + g(p~)) / 2, on the same batch twice."""
    x, points = START.copy(), [START.copy()]
    for _ in range(steps):
        trial = x.copy()
        schuss.Optimizer(trial, schuss.SGD(lr=lr)).step(gradient(x))
        schuss.Optimizer(x, schuss.SGD(lr=lr)).step((gradient(x) + gradient(trial)) / 2)
        points.append(x.copy())
    return np.array(points)


def solve(field, start, until: float):
    """An accurate solution."""
    return solve_ivp(lambda t, y: field(y), (0, until), start, rtol=1e-10, atol=1e-12, dense_output=True).sol


flow = solve(lambda x: -gradient(x), START, 3.0)
motion = solve(lambda y: np.concatenate([y[2:], -DAMPING * y[2:] - gradient(y[:2])]), [*START, 0, 0], 12.0)
h = np.sqrt(LR)
euler = plot.path_of(value, schuss.SGD(lr=LR), START, 40)
errors = {}
for rate in (LR, LR / 2):
    count = round(1.2 / rate)
    ends = plot.path_of(value, schuss.SGD(lr=rate), START, count)[-1], heun(rate, count)[-1]
    errors[rate] = [float(np.linalg.norm(end - flow(1.2))) for end in ends]
    print(f"lr {rate:.2f}: distance to the flow at time 1.2: Euler {errors[rate][0]:.1e}, Heun {errors[rate][1]:.1e}")
ratio = np.array(errors[LR]) / errors[LR / 2]
print(f"half the rate: Euler's error falls {ratio[0]:.1f} times, Heun's {ratio[1]:.1f} times")
assert 1.7 < ratio[0] < 2.6 and 3.4 < ratio[1] < 6.5
ball = plot.path_of(value, schuss.Momentum(lr=LR, momentum=1 - DAMPING * h), START, 40)
steep = [
    np.abs(np.diff(plot.path_of(value, r, 8 * START, 40), axis=0)).max()
    for r in (schuss.SGD(lr=LR), schuss.RMSprop(lr=LR, alpha=0.9))
]
print(f"largest move of a coordinate from a start eight times as far: SGD {steep[0]:.2f}, RMSprop {steep[1]:.2f}")

figure, panels = plot.canvas(1, 2, height=3.7)
for axes, exact, until, title in (
    (panels[0], flow, 2.4, "the gradient flow"),
    (panels[1], motion, 40 * h, "the damped motion"),
):
    line = exact(np.linspace(0, until, 400))
    axes.plot(line[0], line[1], color="0.35", linewidth=1.6, label="exact")
    axes.set(title=title, xlabel="x1", ylabel="x2" if axes is panels[0] else "")
panels[0].plot(*euler.T, "o", markersize=3.6, label="SGD = Euler")
panels[0].plot(*heun(LR, 40).T, "D", markersize=3.2, label="Heun")
panels[0].plot(
    *plot.path_of(value, schuss.RMSprop(lr=LR, alpha=0.9), START, 40).T, "^", markersize=3.4, label="RMSprop"
)
panels[1].plot(*ball.T, "o", markersize=3.6, label="Momentum")
for axes in panels:
    axes.locator_params(nbins=5)
    axes.legend(frameon=False, fontsize=8.5)
plot.save(figure, "differential_equations.png")
