"""A rule is complete when every room knows it: oracle, dataclass, docstring, case, bench, README."""

import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest
from cases import CASES
from oracle import ORACLES

import schuss
from schuss import _cold, _level
from schuss.rules import ALL

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ALL)
def test_oracle(name):
    assert name in ORACLES


@pytest.mark.parametrize("name", ALL)
def test_public_name(name):
    assert getattr(schuss, name) is ALL[name]
    assert name in schuss.__all__


@pytest.mark.parametrize("name", ALL)
def test_docstring(name):
    text = inspect.getdoc(ALL[name])
    sections = ("Parameters", "Returns", "Raises", "Example", "Reference", "Differs from")
    assert all(f"\n{s}\n---" in text for s in sections)
    assert ">>>" in text
    assert "<-" in text, "the formula"
    for field in ALL[name]()._init_fields():
        assert re.search(rf"\b{field}\b", text), field


@pytest.mark.parametrize("name", ALL)
def test_case(name):
    assert any(type(rule).__name__ == name for _, rule in CASES)


@pytest.mark.parametrize("name", ALL)
def test_bench_case(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delitem(sys.modules, "bench", raising=False)
    assert name in importlib.import_module("bench.cases").CASES


@pytest.mark.parametrize("name", ALL)
def test_readme_row(name):
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert rows.count(name) == 1


def test_every_kernel_has_a_rule():
    used = {(rule.kernel, rule.variant) for _, rule in CASES}
    assert used == {(k["name"], k["variant"]) for k in _cold.kernels(_level.table)}


def test_stub_names_what_the_module_has():
    stub = (ROOT / "python/schuss/_cold.pyi").read_text()
    _, *classes = re.split(r"^class (?=\w+:)", stub, flags=re.MULTILINE)
    named = {text.split(":")[0]: text for text in classes}
    functions = set(re.findall(r"^(?:def )?(\w+)[(:] ?", stub, flags=re.MULTILINE)) - {"class"}
    assert functions | set(named) == {n for n in dir(_cold) if not n.startswith("_")}
    for name, text in named.items():
        methods = set(re.findall(r"^    def (\w+)|^    (\w+):", text, flags=re.MULTILINE))
        listed = {a or b for a, b in methods} - {"__init__"}
        assert listed == {n for n in dir(getattr(_cold, name)) if not n.startswith("_")}, name
