"""Frequent against rare features: AdaGrad and the counter clock on Zipf data.

A linear model whose k-th feature comes with probability ~ 1 / k. Plain SGD has one rate for all; the counter clock
lowers a coordinate's rate with the square root of how often it came, AdaGrad with the root of its summed squared
gradients. So a feature seen for the third time still learns fast, while the most frequent one has calmed down.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

N, STEPS, BATCH = 1000, 2000, 16
chance = 1 / np.arange(1, N + 1)
chance /= chance.sum()
truth = np.random.default_rng(0).normal(0, 1, N)
rules = {"SGD": schuss.SGD(lr=0.1), "CounterClock": schuss.CounterClock(lr=0.5), "AdaGrad": schuss.AdaGrad(lr=0.5)}
figure, axes = plot.canvas(height=3.9)
found = {}
for k, (name, rule) in enumerate(rules.items()):
    rng = np.random.default_rng(1)
    w, seen = np.zeros(N), np.zeros(N, int)
    opt = schuss.Optimizer(w, rule)
    for _ in range(STEPS):
        ids = rng.choice(N, BATCH, p=chance)
        error = w[ids] - truth[ids] + rng.normal(0, 0.5, BATCH)
        opt.step(schuss.CoordGrad(ids, error))  # ids that come twice are summed
        np.add.at(seen, ids, 1)
    rate = plot.effective_rates(opt)[""]
    known = seen > 0
    axes.plot(seen[known], rate[known], ("-", "s", "o")[k], markersize=3, alpha=0.7, label=name)
    often, rare = seen > np.quantile(seen, 0.99), known & (seen < np.quantile(seen, 0.5))
    error = (w - truth) ** 2
    found[name] = error[often].mean(), error[rare].mean(), rate[rare].mean() / rate[often].mean()
    print(
        "{:13} squared error: frequent {:.4f}, rare {:.4f}; rate of rare over frequent {:.1f}".format(
            name, *found[name]
        )
    )
assert found["AdaGrad"][1] < found["SGD"][1] / 2 and found["AdaGrad"][0] < found["SGD"][0]
axes.set(xscale="log", yscale="log", xlabel="how often the feature came", ylabel="effective rate")
axes.legend(frameon=False, fontsize=9.5)
plot.save(figure, "zipf_rates.png")
