"""What is told is what was measured: the README's table, the report, the peers."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = sorted((ROOT / "bench/results").glob("*.json"))


@pytest.fixture
def bench(monkeypatch):
    """Modules of bench/, by name."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delitem(sys.modules, "bench", raising=False)
    return lambda name: importlib.import_module(f"bench.{name}")


def test_readme_table_is_from_the_results(bench):
    readme = bench("readme")
    text = (ROOT / "README.md").read_text()
    assert text.split(readme.MARKS[0])[1].split(readme.MARKS[1])[0] == readme.block(), "run python -m bench.readme"


def test_headlines_are_ratios_of_the_file(bench):
    times = {"schuss": 2.0, "numpy": 9.0, "torch foreach": 8.0, "torch fused": 3.0}
    row = {"rule": "Adam", "n": 1000, "threads": 2, "bytes": 28, "results": {k: {"ns": v} for k, v in times.items()}}
    overhead = {"schuss 1": [1.0, 2.0], "schuss 2": [1.0, 1.0], "SciPy": [4.0, 6.0], "read twice": [1.0, 1.0]}
    content = {"machine": {}, "kernels": [row], "overhead": {"1000": overhead}}
    found = {task.name: dict(task.times) for task in bench("headlines").tasks([content])}
    assert found == {
        "Adam, 1 k numbers": {"NumPy": 4.5, "torch": 1.5},
        "L-BFGS, an iteration, 1 k numbers": {"SciPy": 5.0},
    }


def test_click_models_and_records_have_tables(bench):
    speed = {"part": "text", "model": "lr", "threads": 2, "rows": 1000, "peak MB": 90.0}
    real = {"part": "real", "data": "frappe", "model": "lr"}
    rows = [
        {**speed, "who": "schuss", "seconds": [0.5, 0.7, 0.6], "logloss": 0.51},
        {**speed, "who": "vw", "seconds": [3.0], "logloss": 0.52},
        {**real, "who": "schuss", "one": {"logloss": 0.4}, "more": {"logloss": 0.3}},
        {**real, "who": "vw", "one": {"logloss": 0.25}},
    ]
    content = {"machine": {}, "ctr": rows, "words": [{"who": "gensim", "words/s": 305000, "loss": 0.25}]}
    found = {grid.title: [list(row) for row in grid.rows] for grid in bench("summary").grids(content)}
    assert found["Click models: one pass from text"][0] == ["LR, schuss, 2 threads", "2", "0.5100", "90"]
    assert found["Click models: real files"] == [["frappe, LR", "0.3000", "0.2500", "vw", "+20.00 %"]]
    assert found["Words"] == [["gensim", "305,000", "0.25"]]
    (task,) = bench("headlines").tasks([content])
    assert task.times == pytest.approx({"Vowpal Wabbit": 5.0})


def test_word_vectors_have_tables(bench):
    speed = {"schuss": [2e6, 1.5e6], "gensim": [5e5, 5e5], "schuss classical": [4e5, 4e5]}
    content = {
        "machine": {},
        "peers": ["gensim"],
        "speed": [{"kind": "SGNS", "dim": 100, "threads": 2, "words_per_second": speed}],
        "quality": [{"kind": "CBOW", "epochs": 1, "who": "gensim", "scores": {"words/s": [1.0], "MEN": [0.5, 0.7]}}],
    }
    found = {grid.title: [list(row) for row in grid.rows] for grid in bench("summary").grids(content)}
    assert found["Word vectors: training alone"][1] == ["SGNS, 100, 2 threads, gensim", "500", "3.50"]
    assert found["Word vectors: quality"] == [["CBOW, 1 epoch, gensim", "0.600"]]
    (task,) = bench("headlines").tasks([content])
    assert task.times == pytest.approx({"gensim": 3.5})


def test_report_stands_alone(bench, tmp_path):
    (tmp_path / "machine.json").write_text(RESULTS[0].read_text())
    pictures = sorted((ROOT / "bench/results").glob("*.png"))[:1]
    text = bench("page").render([tmp_path / "machine.json", *pictures], [("ctr", 3.0, "failed (1): <no disk>")])
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "&lt;no disk&gt;" in text
    about = json.loads(RESULTS[0].read_text())["machine"]
    assert about["l3"] in text
    for anchor in re.findall(r'href="#([^"]+)"', text):
        assert f'id="{anchor}"' in text
    for peer in bench("peers").everybody():
        assert peer.name in text


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_has_tables(bench, path):
    grids = bench("summary").grids(json.loads(path.read_text()))
    assert grids
    for grid in grids:
        assert {len(row) for row in grid.rows} == {len(grid.head)}


def test_report_without_results_is_refused(bench, tmp_path):
    with pytest.raises(ValueError, match="expected at least one JSON file"):
        bench("page").render([])


def test_a_part_that_fails_is_named(bench, tmp_path, monkeypatch):
    everything = bench("everything")
    monkeypatch.setattr(everything, "START", "print('fine so far'); raise SystemExit('no memory')")
    trouble = everything.run("kernels", tmp_path, True)
    assert trouble.startswith("failed (1): no memory")
    with pytest.raises(ValueError, match="parts: expected some of"):
        everything.main(tmp_path, chosen=["nothing"])


def test_peers_are_one_file_each(bench):
    peers = bench("peers").everybody()
    assert len(peers) == len(list((ROOT / "bench/peers").glob("[!_]*.py"))) == len({p.name for p in peers})
    assert all(p.settings and p.parts and p.remedy for p in peers)
