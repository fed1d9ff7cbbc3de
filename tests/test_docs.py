"""Every block of code in the README and in docs/ runs, page by page, in a folder of its own."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import schuss

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("SCHUSS_SHARED", ROOT.parent / "shared"))
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if "made" not in page.parts]
PAGES = [page for page in PAGES if re.search(r"^```(python|pycon|sh)\n", page.read_text(), re.MULTILINE)]
TOO_LONG = ("pip install",)  # shell blocks that .ci/run executes itself


def run_shell(code: str, folder: Path) -> None:
    """The block in bash, where `schuss` is this very schuss."""
    command = folder / "bin" / "schuss"
    if not command.exists():
        command.parent.mkdir()
        command.write_text(f"#!{sys.executable}\nfrom schuss.cli import main\nmain()\n")
        command.chmod(0o755)
    path = os.pathsep.join([str(Path(schuss.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = os.environ | {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": path,
        "SCHUSS_SHARED": str(SHARED),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], cwd=folder, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"


def run_session(code: str, known: dict[str, Any], page: Path) -> None:
    """The prompts of a session print what the page says."""
    test = doctest.DocTestParser().get_doctest(code, known, page.name, str(page), 0)
    report: list[str] = []
    found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append, clear_globs=False)
    assert found.failed == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_of_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"__name__": "__main__"}
    for language, code in re.findall(r"^```(python|pycon|sh)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        if language == "python":
            exec(compile(code, page.name, "exec"), known)
        elif language == "pycon":
            run_session(code, known, page)
        elif page.name not in ("README.md", "CONTRIBUTING.md") and not any(word in code for word in TOO_LONG):
            run_shell(code, tmp_path)


def test_pictures_and_links_exist() -> None:
    """Of the README and of the pages; what is under made/ is written when the site is built."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#|made/)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
