"""A soft batch equals a large batch.

`accumulate=8` takes one step every eight calls, with the mean of their gradients: the same path as batches eight
times as large, in the memory of the small ones. Plain small batches are noisier.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

rng = np.random.default_rng(0)
x = rng.normal(0, 1, (6400, 20))
y = x @ rng.normal(0, 1, 20) + rng.normal(0, 1, 6400)


def run(batch: int, accumulate: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights at the end, and the loss over the examples seen."""
    w = np.zeros(20)
    opt = schuss.Optimizer(w, schuss.Adam(lr=0.1), accumulate=accumulate)
    losses = []
    for first in range(0, len(x), batch):
        part = slice(first, first + batch)
        opt.step(x[part].T @ (x[part] @ w - y[part]) / batch)
        losses.append(np.mean((x @ w - y) ** 2) / 2)
    return w, np.array(losses)


small, large, soft = run(4, 1), run(32, 1), run(4, 8)
apart = np.abs(soft[0] - large[0]).max()
print(f"largest difference of a weight between soft and large batch: {apart:.1e}")
print(f"loss: batch 4 {small[1][-1]:.4f}, batch 32 {large[1][-1]:.4f}, soft batch of 8 x 4 {soft[1][-1]:.4f}")
assert apart < 1e-12

figure, axes = plot.canvas(height=3.8)
axes.plot(np.arange(1, 1601) * 4, small[1], linewidth=1, color=plot.COLORS[5], label="batches of 4")
axes.plot(np.arange(1, 201) * 32, large[1], linewidth=4, color=plot.COLORS[4], label="batches of 32")
axes.plot(np.arange(1, 1601) * 4, soft[1], "--", linewidth=1.5, color="black", label="batches of 4, accumulate=8")
axes.set(xlabel="examples seen", ylabel="loss", yscale="log")
axes.legend(frameon=False, fontsize=9.5)
plot.save(figure, "soft_batch.png")
