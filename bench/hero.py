"""The hero picture: how many times as long as schuss the peers take, drawn from the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schuss import plot

from .headlines import Task

WORDS = {"NumPy": plot.COLORS[4], "torch": plot.COLORS[1], "FBGEMM": plot.COLORS[2], "dense steps": "0.55"}
OTHERS = plot.COLORS[3]


def draw(tasks: Sequence[Task], machine: str, path: Path) -> None:
    """A group of bars for each task, a bar for each peer; a line at 1, which is schuss."""
    bars = sum(len(task.times) for task in tasks)
    figure, axes = plot.canvas(height=1.1 + 0.33 * bars + 0.42 * len(tasks))
    y = 0.0
    most = max(max(task.times.values()) for task in tasks)
    for task in tasks:
        axes.text(1.03, y, task.name, fontsize=10.5, fontweight="bold", color="0.15", va="center")
        y += 0.95
        for peer, times in sorted(task.times.items(), key=lambda item: -item[1]):
            axes.barh(y, times - 1, left=1, height=0.72, color=WORDS.get(peer, OTHERS))
            axes.text(1.03 * max(times, 1), y, f"{peer} {times:.1f}", fontsize=10, va="center", color="0.1")
            y += 0.85
        y += 0.45
    axes.axvline(1, color=plot.COLORS[0], linewidth=3)
    axes.text(1.03, y, "schuss 1", color=plot.COLORS[0], fontsize=11, fontweight="bold", ha="left", va="center")
    low = min(0.8, *(0.9 * t for task in tasks for t in task.times.values()))
    axes.set(xscale="log", xlim=(low, most * 2.3), ylim=(y + 0.5, -0.6), yticks=[])
    axes.set_title("times as long as schuss takes for the same work, logarithmic", fontsize=11)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.grid(False)
    axes.set_xticks([])
    axes.minorticks_off()
    axes.set_xlabel(machine, fontsize=8, color="0.4")
    plot.save(figure, path)
