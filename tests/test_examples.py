"""Every example runs, in a folder of its own, prints its numbers and draws its picture."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
PRINTED = {  # the first two: Dive into Deep Learning, and its exercise
    "adagrad": ["(-2.382563, -0.158591)", "(-0.002295, -0.000000)"],
    "adagrad_rotated": ["(-3.180865, -3.062780)", "(-1.054791, -1.046482)"],
    "lbfgs_rosenbrock": ["L-BFGS: (1.000000, 1.000000)"],
    "memory_of_bfgs": ["BFGS     400.0 MB", "LBFGS      1.6 MB", "square   800.0 MB"],
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed
    for text in PRINTED.get(path.stem, ()):
        assert text in printed
    drawn = re.search(r'"(\w+\.png)"', path.read_text())
    assert [p.name for p in tmp_path.iterdir()] == ([drawn[1]] if drawn else [])
    for picture in tmp_path.iterdir():
        assert picture.name == f"{path.stem}.png"
        assert picture.stat().st_size > 10_000
