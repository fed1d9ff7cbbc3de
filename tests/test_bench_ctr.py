"""The measurements of click models: their arithmetic, and that every task of ours runs on a small log."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from schuss import make_ctr
from schuss.data import Batch, Format, Reader


@pytest.fixture
def bench(monkeypatch):
    """bench.ctr and its companions, from the source tree."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    for name in [n for n in sys.modules if n == "bench" or n.startswith("bench.")]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("bench.ctr")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("A")
    for k, name in enumerate(("train", "test")):
        make_ctr.write(folder / f"{name}.tsv", make_ctr.Log(seed=1, cardinality=20), 2000 * k, 2000)
    return folder


@pytest.mark.parametrize("fields", [None, [0, 1, 2, 40]], ids=["one-namespace", "fields"])
def test_text_for_vw_has_the_same_examples(fields, bench, tmp_path):
    given = Batch.of([0, 2, 4], [3, 5, 3, 9], [1, 0.5, 2, 1], fields, labels=[1, 0], bits=4)
    bench.ctr_data.write_vw(given, tmp_path / "a.vw")
    lines = (tmp_path / "a.vw").read_text().splitlines()
    assert lines == (
        ["1 |f 3:1 5:0.5", "-1 |f 3:2 9:1"] if fields is None else ["1 |a 3:1 |b 5:0.5", "-1 |c 3:2 |O 9:1"]
    )
    assert [len(batch) for batch in Reader(tmp_path / "a.vw", Format("vw"), strict=True)] == [2]


def test_a_tenth_is_held_out_for_stopping(bench):
    batch = Batch.of(range(21), range(20), labels=[0, 1] * 10, bits=5)
    most, tenth = bench.ctr_data.parted(batch)
    assert tenth.ids.tolist() == [9, 19]
    assert sorted([*most.ids.tolist(), 9, 19]) == list(range(20))


def test_a_peer_is_not_taken_from_schuss_itself(bench, tmp_path):
    """Installed, bench lies in schuss: its workers saw schuss/sklearn.py as `sklearn`."""
    source = Path(bench.ctr_peers.__file__)
    assert bench.ctr_peers.root() == source.parents[1]
    inner = tmp_path / "schuss/bench"
    inner.mkdir(parents=True)
    (inner / "ctr_peers.py").write_text(source.read_text())
    code = "import types, sys; p = types.ModuleType('schuss'); p.__path__ = [sys.argv[1]]; sys.modules['schuss'] = p; "
    code += "import schuss.bench.ctr_peers as peers; print(peers.root())"
    done = subprocess.run([sys.executable, "-c", code, str(inner.parent)], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == tmp_path


@pytest.mark.parametrize("part", ["text", "memory", "parse", "predict"])
def test_tasks_run_and_are_told(part, log, bench, monkeypatch):
    monkeypatch.setattr(bench, "SPEED", {**bench.SPEED, part: [("schuss", "fm")]})
    rows = bench.speed(part, log, [1], 2, lambda text: None)
    assert len(rows) == 1
    assert rows[0].get("failed") is None
    assert len(rows[0]["seconds"]) == 2
    assert rows[0]["rows"] == 2000
    said = Console(file=io.StringIO(), width=130)
    bench.show({"cpu": "some"}, rows, said)
    assert bench.TITLES[part].split(":")[0] in said.file.getvalue()


def test_losses_by_pass(log, bench):
    found = bench.ctr_peers.run({"task": "quality_schuss", "model": "lr", "threads": 1, "log": str(log), "passes": 2})
    assert len(found["by pass"]) == 2
    assert 0.4 < found["by pass"][0] < 0.7


def test_a_job_that_fails_says_why(log, bench):
    found = bench.ctr_peers.run({"task": "text_schuss", "model": "deep", "threads": 1, "log": str(log)})
    assert found == {"failed": "KeyError: 'deep'"}


def test_ratios_are_of_the_same_round(bench):
    ours = {"rows": 100, "seconds": [1.0, 10.0, 2.0]}
    theirs = {"rows": 200, "seconds": [6.0, 60.0, 40.0]}
    assert bench.ratio(theirs, ours) == 3.0


def test_the_best_peer_is_of_the_same_class(bench):
    def row(who, model, one, more, **options):
        return {"data": "d", "who": who, "model": model, "one": {"logloss": one}, "more": {"logloss": more}, **options}

    rows = [row("schuss", "fm", 0.5, 0.4), row("vw", "pairs", 0.1, 0.1), row("torch", "fm", 0.6, 0.41, lr=0.1)]
    rows.append(row("torch", "fm", 0.7, 0.39, lr=0.01))
    one, more = bench.best_peers(rows)
    assert (one["best"], round(one["more %"], 1)) == ((0.6, "torch at 0.1"), -16.7)
    assert (more["best"], round(more["more %"], 1)) == ((0.39, "torch at 0.01"), 2.6)


def test_unknown_parts_and_absent_logs_are_refused(bench, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"parts: expected some of text, .*, got 'magic'"):
        bench.main(tmp_path, rules=["magic"])
    monkeypatch.setattr(bench.ctr_data, "TOOL", tmp_path / "none")
    with pytest.raises(ValueError, match="logs: there is no"):
        bench.ctr_data.log(tmp_path, "A")
