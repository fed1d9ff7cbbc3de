"""EGDD's gains adapt when the data change.

Four groups of coordinates follow a noisy target. At step 400 the target of the first group jumps, at 800 that of the
third. EGDD multiplies the gain of a coordinate while its gradient keeps its sign and divides it where signs
alternate: each jump raises the gains of the group that has to move, and only those; under noise alone they stay about
where they are.
"""

from __future__ import annotations

import numpy as np

import schuss
from schuss import plot

rng = np.random.default_rng(0)
w, target = np.zeros((4, 10)), np.zeros((4, 10))
opt = schuss.Optimizer(w, schuss.EGDD(lr=0.001, gain_rate=0.02, scale_rate=0.0))
gains, errors = [], []
for step in range(1200):
    if step in (400, 800):
        target[0 if step == 400 else 2] += 8
    opt.step(w - target + rng.normal(0, 1, w.shape))
    gains.append(opt.slots["p"].mean(1))
    errors.append(float(np.mean((w - target) ** 2)))
gains = np.array(gains)
for jump, group in ((400, 0), (800, 2)):
    before, after = gains[jump - 1], gains[jump : jump + 100].max(0)
    others = np.delete(after / before, group).max()
    mine = f"{before[group]:.2f} -> {after[group]:.2f}"
    print(f"group {group + 1} jumps: its mean gain {mine}; others grow {others:.2f} times at most")
    assert after[group] > 4 * before[group] and others < 1.5

figure, (above, below) = plot.canvas(2, 1, height=5)
for k, style in enumerate(("-", "--", "-.", ":")):
    above.plot(gains[:, k], style, linewidth=1.8, label=f"group {k + 1}")
above.set(ylabel="mean gain", title="gains of the four groups")
above.legend(frameon=False, fontsize=9, loc="upper left")
below.plot(errors, linewidth=1.4)
below.set(yscale="log", xlabel="step", ylabel="squared error", title="distance to the target")
plot.save(figure, "egdd_gains.png")
