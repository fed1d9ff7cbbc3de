"""Where lazy ends and where dense ends.

A table under Zipf ids, AdamW. A lazy step leaves absent rows alone: their weights do not decay and their moments do
not fade, so a rare row keeps what the dense optimizer would have taken from it. In exact mode a row takes the steps
it missed, in closed form, before it is looked up or touched: it ends where the dense run ends, to rounding, at sparse
cost.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

ROWS, STEPS = 2000, 1500
chance = 1 / np.arange(1, ROWS + 1)
rng = np.random.default_rng(0)
batches = [np.unique(rng.choice(ROWS, 32, p=chance / chance.sum())) for _ in range(STEPS)]
target = rng.normal(0, 1, (ROWS, 1))
rule = schuss.AdamW(lr=0.01, weight_decay=0.05)

dense = np.ones((ROWS, 1))
opt = schuss.Optimizer(dense, rule)
for ids in batches:
    gradient = np.zeros_like(dense)
    gradient[ids] = dense[ids] - target[ids]
    opt.step(gradient)

ends = {}
for mode in ("lazy", "exact"):
    table = schuss.Table(ROWS, 1, rule, dtype="float64", init=schuss.init.constant(1.0), sparse=mode)
    for ids in batches:
        table.update(ids, table.lookup(ids) - target[ids])
    ends[mode] = table.lookup(np.arange(ROWS))
apart = {mode: np.abs(end - dense).max() for mode, end in ends.items()}
print(f"largest distance to the dense run: lazy {apart['lazy']:.2g}, exact {apart['exact']:.2g}")
assert apart["exact"] < 1e-12 and apart["lazy"] > 0.1

figure, axes = plot.canvas(height=4.2)
labels = {"lazy": f"lazy: up to {apart['lazy']:.2f} apart", "exact": "exact: equal to rounding"}
for mode, marker, color in (("lazy", "o", plot.COLORS[1]), ("exact", ".", plot.COLORS[0])):
    axes.plot(dense, ends[mode], marker, markersize=3.5, alpha=0.6, color=color, label=labels[mode])
axes.set(xlabel="weight where the dense run ends", ylabel="weight where the sparse run ends")
axes.legend(frameon=False, fontsize=9.5, markerscale=2)
plot.save(figure, "lazy_exact.png")
