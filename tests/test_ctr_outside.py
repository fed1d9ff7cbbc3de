"""schuss ctr as a process that others stop, starve and kill: no traceback, no half-written file, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import schuss
from schuss import models
from schuss.cli import app
from schuss.make_ctr import Log, write

COMMAND = [sys.executable, "-c", "from schuss.cli import main; main()", "ctr"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(schuss.__file__).parent.parent)}
ROWS = 30_000
SAME = ("--bits", "12", "--mode", "deterministic")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "train.tsv"
    write(path, Log(seed=1, cardinality=20), 0, ROWS)
    return path


def start(*arguments, limit=None):
    """A process; `limit`: the most bytes of a file that it may write, as on a disk that is nearly full."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=limited if limit else None,
    )


def run(*arguments, code=0, limit=None):
    """What it says on the error stream, once it has ended with this code."""
    process = start(*arguments, limit=limit)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    return errors


def leftovers(folder, *names):
    return sorted(p.name for p in folder.iterdir() if p.name not in names)


# --- killed, interrupted


def test_kill_9_at_any_moment_and_resume(log, tmp_path):
    out, whole = tmp_path / "model", tmp_path / "whole"
    options = "--model", "fm", "--epochs", "8", *SAME
    run("train", log, "--out", whole, *options)
    rng, killed, seen = np.random.default_rng(0), 0, 0
    for _ in range(5):
        process = start("train", log, "--out", out, "--every", "8000", "--resume", *options)
        before = out.stat().st_mtime_ns if out.exists() else 0
        while process.poll() is None and (not out.exists() or out.stat().st_mtime_ns == before):
            time.sleep(0.005)
        time.sleep(rng.random() * 0.1)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors
        model = models.load(out)
        assert model.seen >= seen
        assert model.seen == model.position["epoch"] * ROWS + model.position["examples"]
        killed, seen = killed + (process.returncode != 0), model.seen
    assert killed >= 2
    run("train", log, "--out", out, "--resume", *options)
    again, once = models.load(out), models.load(whole)
    assert again.seen == once.seen == 8 * ROWS
    assert (again.decision_function(log) == once.decision_function(log)).all()
    assert all(re.fullmatch(r"\.schuss-\w+\.tmp", name) for name in leftovers(tmp_path, "model", "whole"))


def test_ctrl_c_from_outside_keeps_the_model_so_far(log, tmp_path):
    out = tmp_path / "model"
    process = start("train", log, "--out", out, "--every", "8000", "--epochs", "100000", *SAME)
    while process.poll() is None and not out.exists():
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.endswith("repeat the command with --resume to go on\n")
    assert "Traceback" not in errors
    assert models.load(out).seen >= 8000
    assert leftovers(tmp_path, "model") == []


def test_a_reader_that_goes_away(log, tmp_path):
    run("train", log, "--out", tmp_path / "model", *SAME)
    with start("predict", tmp_path / "model", "--in", log) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


# --- a full disk


def test_full_disk_while_a_model_is_written(log, tmp_path):
    out = tmp_path / "model"
    run("train", log, "--out", out, "--model", "lr", *SAME)
    before = out.read_bytes()
    errors = run("train", log, "--out", out, *SAME, code=1, limit=len(before) // 2)
    assert errors == f"schuss ctr: {out}: File too large\n"
    assert out.read_bytes() == before
    assert leftovers(tmp_path, "model") == []


def test_full_disk_while_a_checkpoint_is_written(log, tmp_path):
    out = tmp_path / "model"
    errors = run("train", log, "--out", out, "--every", "8000", *SAME, code=1, limit=10_000)
    assert errors == f"schuss ctr: {out}: File too large\n"
    assert leftovers(tmp_path) == []


def test_full_disk_while_a_cache_is_written(log, tmp_path):
    cache, out = tmp_path / "cache", tmp_path / "model"
    run("train", log, "--out", out, "--cache", cache, *SAME)
    before = cache.read_bytes(), out.read_bytes()
    other = "--bits", "13", "--mode", "deterministic"  # so that the cache must be made anew
    errors = run("train", log, "--out", out, "--cache", cache, *other, code=1, limit=100_000)
    assert errors == f"schuss ctr: {cache}: File too large\n"
    assert (cache.read_bytes(), out.read_bytes()) == before
    assert leftovers(tmp_path, "cache", "model") == []


def test_full_disk_while_scores_are_written(log, tmp_path):
    run("train", log, "--out", tmp_path / "model", "--model", "lr", *SAME)
    (tmp_path / "scores").write_text("old")
    errors = run("predict", tmp_path / "model", "--in", log, "--out", tmp_path / "scores", code=1, limit=20_000)
    assert "File too large" in errors
    assert errors.count("\n") == 1
    assert (tmp_path / "scores").read_text() == "old"
    assert leftovers(tmp_path, "model", "scores") == []


# --- files that are not what they should be


@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
@pytest.mark.parametrize("damage", ["version", "truncated", "text", "empty"])
def test_a_model_that_cannot_be_read(command, damage, log, tmp_path):
    path = tmp_path / "model"
    models.LR(12).fit(log, format="criteo").save(path)
    data = path.read_bytes()
    [size] = struct.unpack("<Q", data[:8])
    outer = json.loads(data[8 : 8 + size])
    inner = json.loads(outer["__metadata__"]["schuss"])
    inner["header"]["version"] = 99
    outer["__metadata__"]["schuss"] = json.dumps(inner)
    text = json.dumps(outer).encode()
    newer = struct.pack("<Q", len(text)) + text + data[8 + size :]
    path.write_bytes({"version": newer, "truncated": data[:-7], "text": b"a model\n", "empty": b""}[damage])
    before = path.read_bytes()
    options = {"train": [log, "--out", path, "--model", "lr", "--bits", 12, "--resume"]}
    given = ["ctr", command, *options.get(command, [path, "--in", log])]
    done = CliRunner().invoke(app, [str(a) for a in given])
    errors = done.stderr
    assert done.exit_code == 2
    assert errors.startswith(f"schuss ctr: {path}: ")
    assert errors.count("\n") == 1
    assert "version 99" in errors if damage == "version" else "truncated, damaged or not" in errors
    assert path.read_bytes() == before


def test_a_truncated_gz_among_good_files(log, tmp_path):
    lines = log.read_bytes().splitlines(keepends=True)
    with gzip.open(tmp_path / "a.tsv.gz", "wb") as file:
        file.writelines(lines[:9000])
    whole = gzip.compress(b"".join(lines[9000:18_000]))
    (tmp_path / "b.tsv.gz").write_bytes(whole[: len(whole) // 2])
    errors = run("train", tmp_path / "a.tsv.gz", tmp_path / "b.tsv.gz", "--out", tmp_path / "m", *SAME, code=2)
    assert f"{tmp_path / 'b.tsv.gz'}: " in errors
    assert "truncated" in errors
    assert 9000 < models.load(tmp_path / "m").seen < 18_000
