"""What only a fresh process shows: imports, float state, forks, levels, threads from the environment, the binaries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import schuss
from schuss import _level

FOLDER = Path(schuss.__file__).parent
MODULES = sorted([*FOLDER.glob("_cold*.so"), *FOLDER.glob("_hot_*.so")])
STEP = """
import numpy as np, schuss
w = np.zeros(300_000, np.float32)
opt = schuss.Optimizer(w, schuss.Adam(), threads=2)
opt.step(np.ones_like(w))
"""


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The code in a Python of its own, which imports this very schuss."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SCHUSS_")}
    path = os.pathsep.join([str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def output(code: str, **env: str) -> str:
    done = run(code, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tool(*command: str) -> str:
    """What a tool of binutils prints; the test is skipped where there is none."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing")
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


# --- imports


@pytest.mark.parametrize("module", ["safetensors", "typer", "rich", "torch", "scipy", "matplotlib"])
def test_import_leaves_out(module: str) -> None:
    assert output(f"import sys, schuss; print({module!r} in sys.modules)") == "False"


def test_import_and_a_step_load_only_numpy_of_third_parties() -> None:
    code = STEP + "import sys\nprint(*sorted({m.partition('.')[0] for m in sys.modules if m in sys.modules}))"
    found = set(output(code).split())
    before = set(output("import numpy, sys\nprint(*sorted({m.partition('.')[0] for m in sys.modules}))").split())
    assert found - before - set(sys.stdlib_module_names) == {"schuss"}


def test_subnormal_numbers_survive() -> None:
    assert output(STEP + "print(float('5e-324') * 1.0 != 0, np.float32(1e-45) * np.float32(1) != 0)") == "True True"


def test_subnormal_numbers_are_trained() -> None:
    code = """
import numpy as np, schuss
w = np.zeros(3)
schuss.Optimizer(w, schuss.SGD(lr=1.0)).step(np.full(3, 5e-324))
print((w == -5e-324).all())
"""
    assert output(code) == "True"


# --- forks


def test_fork_after_a_parallel_step() -> None:
    code = (
        STEP
        + """
import os, signal, sys
child = os.fork()
if child == 0:
    signal.alarm(20)  # its default action ends a child that hangs
    opt.step(np.ones_like(w))
    os._exit(0 if opt.steps == 2 and (w < -0.0015).all() else 3)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
opt.step(np.ones_like(w))
print(status, opt.steps)
"""
    )
    assert output(code) == "0 2"


# --- levels


def test_unknown_level() -> None:
    done = run("import schuss", SCHUSS_LEVEL="v9")
    assert done.returncode != 0
    assert re.search(r"ImportError: schuss: SCHUSS_LEVEL='v9' is no level; use one of v4, v3, v2, plain", done.stderr)


@pytest.mark.parametrize("level", _level.runnable())
def test_level_can_be_forced(level: str) -> None:
    assert output(STEP + "print(schuss.info()['level'], opt.steps)", SCHUSS_LEVEL=level) == f"{level} 1"


@pytest.mark.parametrize("level", [level for level in _level.LEVELS if level not in _level.runnable()])
def test_level_that_does_not_run(level: str) -> None:
    done = run("import schuss", SCHUSS_LEVEL=level)
    assert done.returncode != 0
    assert re.search(r"ImportError: schuss: (this CPU cannot run level|level .* was not built)", done.stderr)


def test_best_level_is_taken() -> None:
    assert output("import schuss; print(schuss.info()['level'])") == _level.runnable()[0]


# --- threads


@pytest.mark.parametrize("threads", ["1", "3", "256"])
def test_threads_of_the_environment(threads: str) -> None:
    code = "import schuss; print(schuss.get_threads(), schuss.info()['threads'])"
    assert output(code, SCHUSS_THREADS=threads) == f"{threads} {threads}"


@pytest.mark.parametrize("threads", ["", "many", "-1", "0", "1.5", "257", "²"])
def test_threads_of_the_environment_refused(threads: str) -> None:
    code = """
import numpy as np, schuss
w = np.zeros(3)
opt = schuss.Optimizer(w, schuss.SGD())
try:
    opt.step(np.ones(3))
except ValueError as error:
    print(error, "|", opt.steps, w.any())
"""
    found = output(code, SCHUSS_THREADS=threads, PYTHONUTF8="1")
    assert re.fullmatch(r".*SCHUSS_THREADS.*expected .* got .*\| 0 False", found), found


def test_set_threads_beats_the_environment() -> None:
    code = "import schuss; schuss.set_threads(2); a = schuss.get_threads(); schuss.set_threads(None)\n"
    assert output(code + "print(a, schuss.get_threads())", SCHUSS_THREADS="5") == "2 5"


# --- binaries


def test_there_are_modules() -> None:
    assert len(MODULES) >= 2


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name.partition(".")[0])
def test_module_exports_its_init_alone(module: Path) -> None:
    symbols = [line.split()[-1] for line in tool("nm", "-D", "--defined-only", str(module)).splitlines() if line]
    assert symbols == ["PyInit_" + module.name.partition(".")[0]]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name.partition(".")[0])
def test_module_needs_no_openmp(module: Path) -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", tool("readelf", "-d", str(module)))
    assert needed
    assert not [name for name in needed if re.search(r"gomp|omp|tbb|blas|mkl", name)]


@pytest.mark.parametrize("module", [path for path in MODULES if "_hot_v4" in path.name], ids=lambda path: "v4")
def test_v4_takes_whole_roots(module: Path) -> None:
    assert re.search(r"vsqrtps.*zmm", tool("objdump", "-d", str(module)))


@pytest.mark.parametrize("module", [path for path in MODULES if "_cold" in path.name], ids=lambda path: "cold")
def test_cold_runs_on_every_cpu(module: Path) -> None:
    assert not re.search(r"%[yz]mm", tool("objdump", "-d", str(module)))
