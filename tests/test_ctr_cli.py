"""schuss ctr and schuss make ctr as a user types them: files in, files out, one sentence for what is wrong."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import schuss
from schuss import models
from schuss.cli import app
from schuss.data import Format, Reader
from schuss.make_ctr import BLOCK, PAIRS, Log, text, write

SHARED = Path(os.environ.get("SCHUSS_SHARED", Path(__file__).parents[2] / "shared")) / "data"
ROWS = 6000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """train.tsv, test.tsv and the truth's own scores on the latter."""
    made = tmp_path_factory.mktemp("log")
    log = Log(seed=1, cardinality=20)
    write(made / "train.tsv", log, 0, ROWS)
    truth = write(made / "test.tsv", log, ROWS, 1000)
    (made / "truth.json").write_text(json.dumps(truth))
    return made


def run(*arguments, code=0, input=None):
    done = CliRunner().invoke(app, [str(a) for a in arguments], input=input)
    assert done.exit_code == code, done.output + repr(done.exception)
    return done


def train(folder, out, *options, code=0):
    return run("ctr", "train", folder / "train.tsv", "--out", out, "--mode", "deterministic", *options, code=code)


# --- train, predict, evaluate, export


@pytest.mark.parametrize("kind", ["lr", "fm", "ffm"])
def test_train_evaluate_predict(kind, folder, tmp_path):
    out = tmp_path / "model"
    said = train(folder, out, "--model", kind, "--bits", 14, "--epochs", 2, "--valid", folder / "test.tsv").stdout
    assert f"learned {2 * ROWS:,} examples in" in said
    assert "progressive logistic loss 0." in said
    assert ", validation 0." in said
    found = json.loads(run("ctr", "evaluate", out, "--in", folder / "test.tsv", "--json").stdout)
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["logloss"] < found["loss"] < 0.6
    assert 0.6 < found["auc"] < truth["auc"]
    lines = run("ctr", "predict", out, "--in", folder / "test.tsv").stdout.split()
    p = models.load(out).predict_proba(folder / "test.tsv")
    assert np.array(lines, np.float32) == pytest.approx(p, rel=1e-6)
    run("ctr", "predict", out, "--in", folder / "test.tsv", "--out", tmp_path / "scores")
    assert (tmp_path / "scores").read_text().split() == lines


def test_the_command_does_what_the_library_does(folder, tmp_path):
    train(
        folder, tmp_path / "a", "--bits", 12, "--dim", 4, "--rule", "linear=ftrl,factors=adagrad", "--lr", "linear=0.2"
    )
    rule = {"linear": schuss.FTRL(lr=0.2), "factors": "adagrad"}
    model = models.FM(12, dim=4, rule=rule, mode="deterministic").fit(folder / "train.tsv", format="criteo")
    model.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_penalties_reach_the_rules(folder, tmp_path):
    train(folder, tmp_path / "m", "--model", "lr", "--rule", "ftrl", "--lr", "0.3", "--l1", 2, "--l2", 3, "--bits", 10)
    assert models.load(tmp_path / "m").rules == {"linear": schuss.FTRL(lr=0.3, l1=2.0, l2=3.0)}


def test_crosses_are_fields_more(folder, tmp_path):
    train(folder, tmp_path / "m", "--cross", "1,5", "--cross", "14,15", "--bits", 12)
    model = models.load(tmp_path / "m")
    assert model.format == Format("criteo", bits=12, crosses=((1, 5), (14, 15)))
    assert len(model.evaluate(folder / "test.tsv", fields=True).fields) == 41


def test_compressed_files_and_several(folder, tmp_path):
    lines = (folder / "train.tsv").read_bytes().splitlines(keepends=True)
    for k, part in enumerate((lines[:1000], lines[1000:])):
        with gzip.open(tmp_path / f"day_{k}.tsv.gz", "wb") as file:
            file.writelines(part)
    options = "--bits", 12, "--mode", "deterministic"
    run("ctr", "train", tmp_path / "day_0.tsv.gz", tmp_path / "day_1.tsv.gz", "--out", tmp_path / "a", *options)
    run("ctr", "train", tmp_path / "day_*.gz", "--format", "criteo", "--out", tmp_path / "b", *options)
    train(folder, tmp_path / "c", "--bits", 12)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_standard_input_and_output(folder, tmp_path):
    source = str(Path(schuss.__file__).parent.parent)
    command = [sys.executable, "-c", "from schuss.cli import main; main()", "ctr"]
    log = (folder / "train.tsv").read_bytes()
    environment = {**os.environ, "PYTHONPATH": source}

    def piped(*arguments):
        done = subprocess.run([*command, *arguments], input=log, capture_output=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done

    piped("train", "-", "--format", "criteo", "--bits", "12", "--mode", "deterministic", "--out", str(tmp_path / "a"))
    train(folder, tmp_path / "b", "--bits", 12)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    done = piped("predict", str(tmp_path / "a"), "--in", "-")
    assert len(done.stdout.split()) == ROWS
    assert done.stderr == b""


def test_export(folder, tmp_path):
    train(folder, tmp_path / "m", "--bits", 10, "--dim", 2)
    run("ctr", "export", tmp_path / "m", "--out", tmp_path / "m.txt")
    lines = (tmp_path / "m.txt").read_text().splitlines()
    assert lines[0].startswith("bias\t")
    assert all(len(line.split("\t")) == 4 for line in lines[1:])
    run("ctr", "export", tmp_path / "m", "--out", tmp_path / "small", "--small")
    assert (tmp_path / "small").stat().st_size < (tmp_path / "m").stat().st_size
    p = [models.load(tmp_path / name).predict_proba(folder / "test.tsv") for name in ("m", "small")]
    assert (p[0] == p[1]).all()


def test_curve(folder, tmp_path):
    train(folder, tmp_path / "m", "--bits", 10, "--epochs", 3, "--curve", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_report_by_field(folder, tmp_path):
    train(folder, tmp_path / "m", "--bits", 14)
    said = run("ctr", "evaluate", tmp_path / "m", "--in", folder / "test.tsv", "--fields").stdout
    assert said.splitlines()[0] == "examples            1,000"
    assert len(said.splitlines()) > 39


def test_epochs_from_a_cache_are_those_from_text(folder, tmp_path):
    train(folder, tmp_path / "a", "--bits", 12)
    train(folder, tmp_path / "b", "--bits", 12, "--cache", tmp_path / "cache")
    train(folder, tmp_path / "c", "--bits", 12, "--cache", tmp_path / "cache")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_later_epoch_of_a_cache_is_shuffled(folder, tmp_path):
    train(folder, tmp_path / "a", "--bits", 12, "--epochs", 2)
    train(folder, tmp_path / "b", "--bits", 12, "--epochs", 2, "--cache", tmp_path / "cache")
    train(folder, tmp_path / "c", "--bits", 12, "--epochs", 2, "--cache", tmp_path / "cache")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_another_format_makes_the_cache_anew(folder, tmp_path):
    train(folder, tmp_path / "a", "--bits", 12, "--cache", tmp_path / "cache")
    train(folder, tmp_path / "b", "--bits", 13, "--cache", tmp_path / "cache")
    assert models.load(tmp_path / "b").bits == 13


def test_bars_on_a_terminal(folder, tmp_path, capfd):
    model = models.FM(12)
    model.fit(
        folder / "train.tsv",
        format="criteo",
        epochs=2,
        cache=tmp_path / "cache",
        progress=True,
        valid=folder / "test.tsv",
    )
    said = capfd.readouterr()
    assert said.out == ""
    assert "caching" in said.err
    assert "epoch 2 of 2" in said.err
    assert "examples/s" in said.err
    assert ", loss 0." in said.err
    assert ", validation 0." in said.err
    model.fit(folder / "train.tsv", progress=None)
    assert capfd.readouterr() == ("", "")


# --- resuming


def test_resume_with_more_epochs(folder, tmp_path):
    train(folder, tmp_path / "whole", "--bits", 12, "--epochs", 3)
    train(folder, tmp_path / "m", "--bits", 12, "--epochs", 1)
    train(folder, tmp_path / "m", "--bits", 12, "--epochs", 3, "--resume")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "whole").read_bytes()


def test_resume_without_a_file_starts(folder, tmp_path):
    train(folder, tmp_path / "a", "--bits", 12, "--resume")
    train(folder, tmp_path / "b", "--bits", 12)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


INTERRUPTED = """
import os, signal, sys
from schuss.models.core import Core
from schuss.cli import main
learn = Core._learn
def interrupted(self, batch):
    done = learn(self, batch)
    if self.seen >= 1000:
        os.kill(os.getpid(), signal.SIGINT)
        [None for _ in range(1000)]
    return done
Core._learn = interrupted
import schuss.data.reader as reader
reader.Reader.__init__.__kwdefaults__["batch"] = 500
main()
"""


def test_ctrl_c_leaves_the_model_so_far(folder, tmp_path):
    source = str(Path(schuss.__file__).parent.parent)
    out = tmp_path / "m"
    options = ["train", str(folder / "train.tsv"), "--bits", "12", "--mode", "deterministic", "--out"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "ctr", *options, str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
        timeout=60,
    )
    assert done.returncode == 130, done.stderr
    assert (
        done.stderr == f"schuss ctr: stopped; {out} has the model so far: repeat the command with --resume to go on\n"
    )
    assert models.load(out).position == {"epoch": 0, "examples": 1000}
    train(folder, out, "--bits", 12, "--resume")
    train(folder, tmp_path / "whole", "--bits", 12)
    whole, again = models.load(tmp_path / "whole"), models.load(out)
    assert (whole.decision_function(folder / "test.tsv") == again.decision_function(folder / "test.tsv")).all()


# --- bad input: exit code 2 and one sentence


def broken(tmp_path, folder, name):
    """A file with this fault."""
    lines = (folder / "train.tsv").read_bytes().splitlines(keepends=True)[:200]
    path = tmp_path / f"{name}.tsv"
    if name == "empty":
        lines = []
    elif name == "fields":
        lines[3] = b"1\t2\t3\n"
    elif name == "label":
        lines[3] = b"7" + lines[3][1:]
    elif name == "number":
        lines[3] = b"1\tabc" + lines[3][lines[3].index(b"\t", 2) :]
    path.write_bytes(b"".join(lines))
    if name == "gz":
        path = tmp_path / "gz.tsv.gz"
        path.write_bytes(gzip.compress(b"".join(lines))[:-200])
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "data: there are no examples to learn from"),
        ("gz", "truncated"),
    ],
)
def test_unusable_files(name, words, folder, tmp_path):
    done = run("ctr", "train", broken(tmp_path, folder, name), "--out", tmp_path / "m", "--bits", 10, code=2)
    assert words in done.stderr
    assert done.stderr.startswith("schuss ctr: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.output


def test_a_truncated_gz_leaves_what_was_learned(folder, tmp_path):
    run("ctr", "train", broken(tmp_path, folder, "gz"), "--out", tmp_path / "m", "--bits", 10, code=2)
    assert 0 < models.load(tmp_path / "m").seen < 200


@pytest.mark.parametrize("name", ["fields", "label", "number"])
def test_malformed_lines_are_counted_or_stop(name, folder, tmp_path):
    path = broken(tmp_path, folder, name)
    done = run("ctr", "train", path, "--out", tmp_path / "m", "--bits", 10)
    assert "1 of 200 lines were malformed and left out, the first of them:" in done.stderr
    assert f"{path}:4: " in done.stderr
    assert models.load(tmp_path / "m").seen == 199
    done = run("ctr", "train", path, "--out", tmp_path / "m", "--bits", 10, "--strict", code=2)
    assert done.stderr.startswith(f"schuss ctr: {path}:4: ")
    assert done.stderr.count("\n") == 1


def test_ids_beyond_the_bits_are_malformed_and_name_the_remedy(tmp_path):
    (tmp_path / "a.svm").write_text("1 3:1 2000:1\n0 7:1\n")
    done = run("ctr", "train", tmp_path / "a.svm", "--model", "lr", "--bits", 10, "--out", tmp_path / "m")
    assert "1 of 2 lines were malformed" in done.stderr
    assert "bits" in done.stderr


def test_nan_values_are_malformed(tmp_path):
    (tmp_path / "a.svm").write_text("1 3:nan\n0 7:1\n1 4:inf\n")
    done = run("ctr", "train", tmp_path / "a.svm", "--model", "lr", "--bits", 10, "--out", tmp_path / "m")
    assert "2 of 3 lines were malformed" in done.stderr


OPTIONS = {
    "missing-file": (["nowhere.tsv"], "there is no file 'nowhere.tsv'"),
    "glob": (["nowhere*.tsv"], "no file fits 'nowhere*.tsv'"),
    "folder": (["--out", "."], "is a folder; give the name of a file"),
    "no-folder": (["--out", "nowhere/model"], "no such folder"),
    "format": (["--format", "xml"], "name: expected one of criteo, libsvm, libffm, vw, csv, parquet, got 'xml'"),
    "model": (["--model", "deep"], "--model: expected one of lr, fm, ffm, got 'deep'"),
    "rule": (["--rule", "magic"], "rule: expected one of SGD, "),
    "rule-part": (["--rule", "bias=ftrl"], "--rule: expected linear or factors, got 'bias'"),
    "rule-unfit": (["--rule", "egdd"], "rule: EGDD does not train rows that start at zero"),
    "lr": (["--lr", "fast"], "--lr: expected a number, got 'fast'"),
    "lr-range": (["--lr", "-1"], "lr: expected a number in [0, inf), got -1.0"),
    "l1": (["--l1", "1"], "l1: AdaGrad has no l1; use FTRL(l1=...)"),
    "bits": (["--bits", "40"], "bits: expected"),
    "dim": (["--model", "lr", "--dim", "4"], "--dim: a linear model has no factors; use --model fm"),
    "cross": (["--cross", "1"], "--cross: expected two fields as in 1,5, got '1'"),
    "cross-range": (["--cross", "1,77"], "crosses: expected fields 1 to 39, got 77"),
    "mode": (["--mode", "fast"], "mode: expected one of 'hogwild', 'deterministic', got 'fast'"),
    "loss": (["--loss", "zero"], "loss: expected one of 'logistic', 'squared', 'hinge', 'poisson', got 'zero'"),
    "epochs": (["--epochs", "0"], "epochs: expected at least 1, got 0"),
    "patience": (["--patience", "1"], "patience: early stopping needs held-out data; give valid="),
    "threads": (["--threads", "0"], "threads: expected 1 to 256, got 0"),
    "columns": (["--format", "csv"], "columns: csv needs the columns with their roles"),
    "columns-role": (["--format", "csv", "--columns", "a"], "columns: expected name=value, got 'a'"),
}


@pytest.mark.parametrize(("options", "words"), OPTIONS.values(), ids=OPTIONS)
def test_bad_options(options, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [] if options[0].startswith("nowhere") else [folder / "train.tsv"]
    done = run("ctr", "train", *files, "--out", "model", *options, code=2)
    assert words in done.stderr
    assert done.stderr.startswith("schuss ctr: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_models_that_cannot_be_read(command, folder, tmp_path):
    (tmp_path / "text").write_text("no model")
    for name, words in (("text", "truncated, damaged or not a safetensors file"), ("none", "No such file")):
        done = run("ctr", command, tmp_path / name, "--in", folder / "test.tsv", code=2)
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_resume_with_other_options_is_refused(folder, tmp_path):
    train(folder, tmp_path / "m", "--bits", 10)
    for options, words in ((["--bits", 11], "format"), (["--bits", 10, "--lr", 0.3], "rule of linear")):
        done = train(folder, tmp_path / "m", *options, "--resume", code=2)
        assert done.stderr.startswith(f"schuss ctr: --resume: {words}: ")
        assert "repeat those it was made with" in done.stderr


def test_the_old_model_stays_if_training_fails(folder, tmp_path):
    train(folder, tmp_path / "m", "--bits", 10)
    before = (tmp_path / "m").read_bytes()
    run("ctr", "train", broken(tmp_path, folder, "empty"), "--out", tmp_path / "m", "--bits", 10, code=2)
    assert (tmp_path / "m").read_bytes() == before


def test_columns_of_a_table(tmp_path):
    (tmp_path / "a.csv").write_text("id;click;price;site\n1;1;2.5;a\n2;0;7;b\n3;1;;a\n")
    options = "--columns", "click=label,price=numeric,id=ignore", "--bits", 8, "--model", "lr", "--delimiter", ";"
    run("ctr", "train", tmp_path / "a.csv", "--out", tmp_path / "m", *options)
    format = models.load(tmp_path / "m").format
    columns = (("id", "ignore"), ("click", "label"), ("price", "numeric"), ("site", "categorical"))
    assert (format.name, format.columns) == ("csv", columns)
    (tmp_path / "b.csv").write_text("price;site\n2.5;a\n7;b\n")
    assert len(run("ctr", "predict", tmp_path / "m", "--in", tmp_path / "b.csv").stdout.split()) == 2


def test_parquet(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"click": [1, 0] * 50, "site": ["a", "b"] * 50, "price": [0.5, 2.0] * 50})
    parquet.write_table(table, tmp_path / "a.parquet")
    options = "--columns", "click=label,price=numeric", "--bits", 8, "--model", "lr"
    run("ctr", "train", tmp_path / "a.parquet", "--out", tmp_path / "m", *options)
    found = json.loads(run("ctr", "evaluate", tmp_path / "m", "--in", tmp_path / "a.parquet", "--json").stdout)
    assert (found["examples"], found["auc"]) == (100, 1.0)


def test_a_table_without_header(tmp_path):
    (tmp_path / "a.csv").write_text("1,x,a\n0,y,b\n")
    options = "--no-header", "--columns", "click=label,one=categorical,two=categorical", "--bits", 8, "--model", "lr"
    said = run("ctr", "train", tmp_path / "a.csv", "--out", tmp_path / "m", *options).stdout
    assert "learned 2 examples" in said


# --- real files


MOST = {  # logloss and least AUC of each line that the script prints
    "criteo": (0.48, 0.7),
    "libffm": (0.6, 0.5),  # 200 examples
    "libsvm": (0.335, 0.89),
    "libfm": (0.285, 0.93),
    "iPinYou": (0.03, 0.5),
    "vw": (0.33, 0.93),
    "csv": (0.45, 0.68),
    "columns": (0.01, 0.93),
    "parquet": (0.01, 0.93),
    "stdin": (0.08, 0.92),
}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data files are absent")
def test_real_files_of_every_format(tmp_path):
    command = tmp_path / "schuss"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from schuss.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    folders = [str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]]
    source = str(Path(schuss.__file__).parent.parent)
    done = subprocess.run(
        ["bash", str(Path(__file__).parents[1] / "examples/real_files.sh"), str(SHARED.resolve())],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": source, "PATH": os.pathsep.join(folders)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {words[0]: (float(words[2]), float(words[4])) for words in map(str.split, done.stdout.splitlines())}
    assert found.keys() == MOST.keys()
    for name, (loss, auc) in found.items():
        assert loss < MOST[name][0], name
        assert auc > MOST[name][1], name


# --- make ctr


def test_make_ctr_is_what_the_reader_reads(tmp_path):
    said = run("make", "ctr", "--rows", 500, "--seed", 3, "--cardinality", 100, "--out", tmp_path / "log.tsv.gz").stdout
    assert "500 rows" in said
    assert "the truth itself: logloss 0." in said
    reader = Reader(tmp_path / "log.tsv.gz", Format("criteo"), strict=True)
    assert sum(len(batch) for batch in reader) == 500


def test_a_part_of_a_log_is_a_range_of_rows(tmp_path):
    log = Log(seed=5, cardinality=1000)
    n = BLOCK + 300
    whole = b"".join(text(rows) for rows in log.blocks(0, n)).splitlines()
    assert len(whole) == n
    for first, rows in ((0, 7), (BLOCK - 2, 5), (n - 10, 10)):
        assert b"".join(text(r) for r in log.blocks(first, rows)).splitlines() == whole[first : first + rows]


def test_text_is_what_python_would_print():
    rows = next(Log(seed=2, cardinality=1000).blocks(0, 300))
    lines = text(rows).decode().splitlines()
    for k, line in enumerate(lines):
        label, *cells = line.split("\t")
        assert label == str(int(rows.label[k]))
        assert cells[:13] == ["" if x < 0 else str(x) for x in rows.numbers[k]]
        assert ["" if c < 0 else 8 for c in rows.categories[k]] == [len(c) or "" for c in cells[13:]]
        assert all(set(c) <= set("0123456789abcdef") for c in cells[13:])


def test_equal_values_have_equal_words_and_others_not():
    rows = next(Log(seed=2, cardinality=50).blocks(0, 2000))
    cells = [line.split("\t")[14:] for line in text(rows).decode().splitlines()]
    words = {}
    for k, row in enumerate(cells):
        for c, word in enumerate(row):
            assert words.setdefault((c, int(rows.categories[k, c])), word) == word
    assert len(set(words.values()) - {""}) == len([1 for word in words.values() if word])


def test_truth_is_what_it_says(tmp_path):
    rows = next(Log(seed=4, rate=0.1).blocks(0, BLOCK))
    assert rows.label.mean() == pytest.approx(0.1, abs=0.02)
    assert rows.probability.mean() == pytest.approx(rows.label.mean(), abs=0.01)
    calibrated = rows.label[(rows.probability > 0.45) & (rows.probability < 0.55)].mean()
    assert calibrated == pytest.approx(0.5, abs=0.08)


def test_zipf_values_up_to_the_cardinality():
    rows = next(Log(seed=4, cardinality=1_000_000).blocks(0, BLOCK))
    column = rows.categories[:, 2]
    values, counts = np.unique(column[column >= 0], return_counts=True)
    assert values.max() > 100_000
    assert values.max() < 1_000_000
    assert counts.max() > 0.03 * len(column)
    assert len(PAIRS) == 10


def test_interactions_can_be_left_out(tmp_path):
    scores = {pairs: write(tmp_path / "log", Log(seed=1, pairs=pairs), 0, 5000)["auc"] for pairs in (0.0, 2.0)}
    assert scores[2.0] > scores[0.0] + 0.05


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--cardinality", "0"], "cardinality"),
        (["--rate", "2"], "rate: expected 0.001 to 0.999, got 2.0"),
        (["--out", "nowhere/log.tsv"], "nowhere/log.tsv: No such file or directory"),
    ],
    ids=["cardinality", "rate", "out"],
)
def test_make_ctr_refuses(option, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in run("make", "ctr", "--rows", 10, "--out", "log.tsv", *option, code=2).stderr


# --- the demo


def test_demo(tmp_path):
    said = run("demo", "--rows", 20_000, "--out", tmp_path / "demo").stdout
    for words in ("FM, AdaGrad", "LR, FTRL", "the planted truth", "in NumPy", "loaded again, it predicts the same"):
        assert words in said
    assert {p.name for p in (tmp_path / "demo").iterdir()} == {"train.tsv", "test.tsv", "model", "curves.png"}


def test_the_demo_needs_no_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = run("demo", "--rows", 1000, "--out", tmp_path).stdout
    assert "curves.png: the learning curves" in said
    assert "next: schuss ctr evaluate" in said
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_dense_demo_is_still_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "loaded again: the same bits" in run("demo", "dense", "--epochs", 1).stdout
