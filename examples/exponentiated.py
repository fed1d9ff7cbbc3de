"""Exponentiated gradient stays positive.

A mixture of four signals is to be found, its weights positive. The data are few and noisy, and SGD follows them below
zero; EGU multiplies, so its weights never leave the positive side; EG keeps their sum at one as well.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

rng = np.random.default_rng(3)
signals = rng.normal(0, 1, (40, 4)) + rng.normal(0, 1.5, (40, 1))
truth = np.array([0.6, 0.3, 0.1, 0.0])
seen = signals @ truth + rng.normal(0, 1, 40)


def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the mean squared error, and its gradient."""
    error = signals @ w - seen
    return float(error @ error) / 80, signals.T @ error / 40


figure, panels = plot.canvas(1, 3, height=3.1, share=True)
for axes, rule in zip(panels, (schuss.SGD(lr=0.05), schuss.EGU(lr=0.2), schuss.EG(lr=0.2)), strict=True):
    path = plot.path_of(loss, rule, np.full(4, 0.25), 60)
    name = type(rule).__name__
    lowest, total = path.min(), path[-1].sum()
    print(f"{name:4} lowest weight {lowest:+.4f}, sum at the end {total:.4f}, loss {loss(path[-1])[0]:.4f}")
    assert (path.min() < 0) == (name == "SGD")
    axes.axhspan(-0.2, 0, color="0.93", zorder=0)
    for k, style in enumerate(("-", "--", "-.", ":")):
        axes.plot(path[:, k], style, linewidth=1.7, label=f"w{k + 1}")
    axes.set(title=name, xlabel="step", ylim=(-0.1, 0.72))
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
plot.save(figure, "exponentiated.png")
