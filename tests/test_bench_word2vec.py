"""The measurements of word vectors: what is written when, their arithmetic, and that our own tasks run."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package of the source tree."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    for name in [n for n in sys.modules if n == "bench" or n.startswith("bench.")]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("bench")


def part(bench: ModuleType, name: str) -> Any:
    return importlib.import_module(f"{bench.__name__}.{name}")


def printed(table: Table) -> str:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_quality_is_written_after_each_training(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    quality = part(bench, "word2vec_quality")
    trained, written = [], []

    def train(task: dict[str, Any], python: str) -> dict[str, float]:
        trained.append((task["seed"], task["sg"], task["peer"], task.get("mode"), task["lr"], python))
        return {"words/s": 1e6, "EN-MEN-TR-3k": float(task["seed"])}

    monkeypatch.setattr(quality, "train", train)
    pythons = {"schuss": "ours", "gensim": "theirs"}
    quality.measure({"corpus": "text"}, (5,), 3, pythons, lambda rows: written.append(len(rows)))
    assert len(written) == len(trained) == 7 + 2 * 4 and written[:7] == [1, 2, 3, 4, 5, 6, 7]
    assert [t[0] for t in trained] == [0] * 7 + [1] * 4 + [2] * 4  # a stop leaves whole seeds
    assert {t[4] for t in trained if t[2] == "schuss"} == {None}  # our defaults
    assert {(t[1], t[4]) for t in trained if t[2] == "gensim"} == {(True, 0.025), (False, 0.05)}
    assert {(t[2], t[5]) for t in trained} == {("schuss", "ours"), ("gensim", "theirs")}


def test_quality_shows_means_and_the_distance_to_the_best_peer(bench: ModuleType) -> None:
    quality = part(bench, "word2vec_quality")
    rows: list[dict[str, Any]] = []
    for who, scores in {"schuss": (0.25, 0.35), "gensim": (0.32, 0.32), "fasttext": (0.1, 0.2)}.items():
        for score in scores:
            quality.add(rows, "SGNS", 5, who, {"words/s": 2e6, "questions-words": score})
    assert rows[0]["scores"] == {"words/s": [2e6, 2e6], "questions-words": [0.25, 0.35]}
    text = printed(quality.table(rows))
    assert "0.3000" in text and "\x1b[31m-0.0200" in text  # red: below the bar


def test_a_training_of_ours_runs_and_says_its_speed(bench: ModuleType, tmp_path: Path) -> None:
    runs = part(bench, "word2vec_runs")
    corpus = tmp_path / "text"
    corpus.write_text("one two three four\n" * 500)
    task = {"corpus": str(corpus), "out": str(tmp_path / "v.bin"), "dim": 8, "sg": True, "threads": 1, "lr": 0.025}
    found = runs.run({**task, "epochs": 2, "seed": 0, "peer": "schuss"}, sys.executable)
    assert found["words"] == 4000 and found["seconds"] > 0 and (tmp_path / "v.bin").stat().st_size > 4 * 8 * 4
    with pytest.raises(RuntimeError, match="schuss: "):
        runs.run({**task, "corpus": "missing", "epochs": 1, "seed": 0, "peer": "schuss"}, sys.executable)


def test_text_without_the_shared_files_is_made_and_measured(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = part(bench, "text")
    monkeypatch.setattr(text, "NOVELS", tmp_path / "missing")
    monkeypatch.setattr(text, "SIZES", (1, 1))
    monkeypatch.setattr(text.importlib.util, "find_spec", lambda name: None)
    rows = text.measure(tmp_path, True)
    assert {row["text"] for row in rows} == {"made"}
    assert {row["what"] for row in rows} == {"limit: a copy", "Counter", "count", "count, lower", "encode"}
    for row in rows:
        assert (
            len(row["bytes_per_second"]) == len(row["bytes_per_cpu_second"]) == (1 if row["what"] == "Counter" else 3)
        )
        row["bytes_per_second"], row["bytes_per_cpu_second"] = [30e6, 20e6, 40e6], [90e6, 50e6, 300e6]
    shown = printed(text.table(rows))
    assert shown.count("\x1b[31m90") == sum(row["what"] == "count" for row in rows)  # red: below the bar
    grids = part(bench, "summary").grids({"machine": {}, "text": rows})
    assert [grid.title for grid in grids] == ["Text into numbers"] and grids[0].rows[0][1:] == ("30", "90")


def test_unknown_parts_are_refused(bench: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="parts: expected some of speed, text, quality, got 'sped'"):
        part(bench, "word2vec").main(tmp_path, rules=["sped"])
