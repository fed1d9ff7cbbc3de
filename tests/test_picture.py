"""Learning curves as PNG, decoded by another library and looked at pixel by pixel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.image import imread

from schuss.models.history import History
from schuss.plot.bare import BOTTOM, COLOURS, LEFT, RIGHT, TOP, curves, ticks
from schuss.plot.picture import Canvas


def history(*losses, valid=None):
    made = History()
    for k, loss in enumerate(losses):
        made.add(10_000 * (k + 1), 1e4 * loss, 1e4)
    if valid is not None:
        made.mark(10_000 * len(losses), valid)
    return made


def pixels(path):
    return (imread(path)[..., :3] * 255).round().astype(int)


def near(found, colour):
    return (np.abs(found - np.array(colour)).sum(-1) < 6).any()


def test_curves_lie_where_their_numbers_say(tmp_path):
    curves({"a": history(0.5, 0.5, 0.5, 0.5, valid=0.4), "b": history(0.3, 0.3)}, tmp_path / "c.png", {"best": 0.2})
    found = pixels(tmp_path / "c.png")

    def row(loss):  # losses from 0.2 to 0.5, with a twentieth of them around
        return int(BOTTOM - (BOTTOM - TOP) * (loss - 0.185) / 0.33)

    middle = (LEFT + RIGHT) // 2 - 60  # left of the legend and of the end of b
    assert near(found[row(0.5) - 2 : row(0.5) + 3, middle], COLOURS[0])
    assert near(found[row(0.3) - 2 : row(0.3) + 3, middle], COLOURS[1])
    assert not near(found[row(0.3) - 2 : row(0.3) + 3, middle + 100], COLOURS[1])
    assert near(found[row(0.4), RIGHT - 3 : RIGHT + 1], COLOURS[0]), "the dot of the validation loss"
    assert near(found[row(0.2) - 2 : row(0.2) + 3, LEFT : LEFT + 30].reshape(-1, 3), (30, 30, 30))


@pytest.mark.parametrize(
    "histories",
    [
        {},
        {"empty": History()},
        {"one": history(0.5)},
        {"lost": history(0.5, float("nan"))},
        {"umläut \n": history(1, 2)},
    ],
    ids=["none", "empty", "one-point", "nan", "names"],
)
def test_any_history_makes_a_picture(histories, tmp_path):
    curves(histories, tmp_path / "c.png")
    assert pixels(tmp_path / "c.png").shape == (560, 900, 3)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.41, 0.4103), (-3, 1e9), (0, 7)])
def test_ticks_are_round_and_within(low, high):
    found = ticks(low, high)
    assert 4 <= len(found) <= 10
    assert low <= found[0] <= found[-1] <= high * (1 + 1e-9)
    assert all(float(f"{(b - a):.1g}") == pytest.approx(b - a) for a, b in itertools.pairwise(found))


def test_a_thin_line_covers_what_it_crosses():
    canvas = Canvas(20, 20)
    canvas.line(np.array([2, 17]), np.array([10, 10]), (0, 0, 0), 1)
    assert (canvas.pixels[10, 3:17] == 0).all()
    assert (canvas.pixels[8] == 255).all()


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "c.png"
    curves({"a": history(0.5, 0.4)}, path)
    before = path.read_bytes()
    monkeypatch.setattr(Canvas, "png", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        curves({"a": history(0.3)}, path)
    assert [p.name for p in tmp_path.iterdir()] == ["c.png"]
    assert path.read_bytes() == before
