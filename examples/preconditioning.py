"""What diagonal rates do to a condition number, with Gerschgorin's discs.

Q' = diag(Q)^-1/2 Q diag(Q)^-1/2 has ones on its diagonal. Gerschgorin: every eigenvalue lies in a disc around a
diagonal entry whose radius is the sum of the others in the row. Here the discs of Q are spread over four decades,
those of Q' around 1, and the condition number falls with them. AdaGrad and its kin come near this without knowing Q,
by the size of past gradients.
"""

from __future__ import annotations

import numpy as np

from schuss import plot

rng = np.random.default_rng(4)
n = 8
base = rng.normal(0, 0.09, (n, n))
near = np.eye(n) + (base + base.T) / 2
scale = np.sqrt(np.logspace(0, 4, n))
q = near * np.outer(scale, scale)

after = q / np.sqrt(np.outer(np.diag(q), np.diag(q)))
before_k, after_k = np.linalg.cond(q), np.linalg.cond(after)
print(f"condition number: {before_k:.1f} before, {after_k:.2f} after")
radius = np.abs(after).sum(1) - 1
print(f"discs after: all eigenvalues in [{1 - radius.max():.3f}, {1 + radius.max():.3f}]")
eigenvalues = np.linalg.eigvalsh(after)
assert 1 - radius.max() <= eigenvalues[0] and eigenvalues[-1] <= 1 + radius.max() and after_k < before_k / 1000

figure, panels = plot.canvas(1, 2, height=3.6)
for axes, matrix, title in zip(
    panels, (q, after), (f"Q: condition {before_k:,.0f}", f"Q': condition {after_k:.1f}"), strict=True
):
    middle = np.diag(matrix)
    reach = np.abs(matrix).sum(1) - middle
    rows = np.arange(1, n + 1)
    left = np.maximum(middle - reach, middle.min() / 30)
    axes.hlines(rows, left, middle + reach, color=plot.COLORS[5], linewidth=7, alpha=0.6, label="disc on the real axis")
    axes.plot(middle, rows, "|", color=plot.COLORS[0], markersize=11, label="diagonal entry")
    axes.plot(np.linalg.eigvalsh(matrix), rows, "o", color=plot.COLORS[1], markersize=4.5, label="eigenvalue")
    axes.set(title=title, yticks=rows, ylabel="row" if axes is panels[0] else "")
panels[0].set_xscale("log")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
plot.save(figure, "preconditioning.png")
