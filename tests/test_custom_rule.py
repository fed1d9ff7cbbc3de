"""examples/custom_rule: built with CMake against the headers, loaded, and compared with its formula."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import gradients

import schuss

EXAMPLE = Path(__file__).parent.parent / "examples" / "custom_rule"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The example's Python file, over its module, built without much optimization."""
    build = tmp_path_factory.mktemp("signum")
    python_path = os.pathsep.join([str(Path(schuss.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    for command in (
        ["cmake", "-S", str(EXAMPLE), "-B", str(build), f"-DPython_EXECUTABLE={sys.executable}",
         "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1"],
        ["cmake", "--build", str(build)],
    ):  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": python_path}
        )
        assert done.returncode == 0, done.stdout + done.stderr
    sys.path[:0] = [str(build), str(EXAMPLE)]
    try:
        yield importlib.import_module("signum_rule")
    finally:
        del sys.path[:2]


def signum(w: Any, grads: list[Any], lr: float, beta: float) -> Any:
    m = np.zeros_like(w)
    for g in grads:
        m = beta * m + (1 - beta) * g
        w = w - lr * np.sign(m)
    return w


def test_span_rows_and_coords(example: Any) -> None:
    grads = [gradients((40, 9), "float64", step) for step in range(5)]
    start = gradients((40, 9), "float64", 99)
    want = signum(start, grads, 0.03, 0.8)
    dense, rows, coords = start.copy(), start.copy(), start.copy()
    opts = [schuss.Optimizer(w, example.Signum(lr=0.03, beta=0.8)) for w in (dense, rows, coords)]
    for g in grads:
        opts[0].step(g)
        opts[1].step(schuss.RowGrad(np.arange(39, -1, -1), np.ascontiguousarray(g[::-1])))
        opts[2].step(schuss.CoordGrad(np.arange(360), g.ravel()))
    for w in (dense, rows, coords):
        np.testing.assert_allclose(w, want, rtol=0, atol=1e-12)


def test_table_state_and_short_rows(example: Any) -> None:
    table = schuss.Table(50, 4, example.Signum(lr=0.5, beta=0.0), init=schuss.init.zeros())
    table.update(np.array([1, 7, 1]), np.ones((3, 4), np.float32))
    assert table.lookup(np.array([1, 7, 8]))[:, 0].tolist() == [-0.5, -0.5, 0.0]
    w = np.zeros(3)
    opt = schuss.Optimizer(w, example.Signum())
    opt.step(np.ones(3))
    fresh = schuss.Optimizer(np.zeros(3), example.Signum(lr=1.0))
    fresh.load_state_dict(opt.state_dict())
    assert fresh.rule == opt.rule == example.Signum()


def test_refuses_exact_steps(example: Any) -> None:
    with pytest.raises(ValueError, match=r"Signum moves rows without a gradient by a sign"):
        schuss.Table(3, 2, example.Signum(), sparse="exact")


def test_numbers_are_checked_and_names_kept_apart(example: Any) -> None:
    with pytest.raises(ValueError, match=r"Signum: beta: expected a number in \[0, 1\), got 1"):
        example.Signum(beta=1.0)
    import signum as module

    assert schuss.load_rules(module) == ["signum"]


def test_refuses_what_is_no_module_of_rules() -> None:
    for module in (SimpleNamespace(), ModuleType("empty"), schuss):
        with pytest.raises(TypeError, match=r"module: .* has no 'kernels'"):
            schuss.load_rules(module)
    from schuss import _level

    with pytest.raises(TypeError, match=r"is no table of rules"):
        schuss.load_rules(SimpleNamespace(kernels=_level.table))

    class Unknown(schuss.Rule):
        kernel = "nowhere"

    with pytest.raises(ValueError, match=r"Unknown: no kernel 'nowhere'.*load_rules"):
        schuss.Optimizer(np.ones(2), Unknown())
