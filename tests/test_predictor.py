"""The predictor in C++: the example program, built as a user builds it, beside predict_proba; damaged files refused."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import schuss
from schuss import make_ctr, models
from schuss.data import Batch, Format

ROOT = Path(__file__).parents[1]
SOURCE = str(Path(schuss.__file__).parent.parent)
COLUMNS = {"click": "label", "price": "numeric", "site": "categorical", "id": "ignore", "ad": "categorical"}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The example program, by its CMakeLists.txt."""
    build = tmp_path_factory.mktemp("build")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    environment = {"PYTHONPATH": SOURCE, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    options = [f"-DPython_EXECUTABLE={sys.executable}", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1"]
    configure = ["cmake", *generator, *options, "-S", str(ROOT / "examples/predict"), "-B", str(build)]
    for command in (configure, ["cmake", "--build", str(build)]):
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "predict"


def scored(program, model, log: bytes):
    return subprocess.run([str(program), str(model)], input=log, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def criteo(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "train.tsv"
    make_ctr.write(path, make_ctr.Log(seed=1, cardinality=20), 0, 3000)
    return path


def text_of(name: str) -> bytes:
    """Some hundred lines of a format: values and weights of all kinds, ids that come twice, missing ones."""
    rng = np.random.default_rng(3)
    lines = []
    if name == "csv":
        lines.append("id,ad,price,site,click")
    for k in range(300):
        label, x, y = int(rng.random() < 0.4), round(float(rng.normal()), 4), int(rng.integers(0, 30))
        if name == "libsvm":
            lines.append(f"{label} 3:{x} {y + 10}:1 {y + 10}:0.5 7:2 # end")
        elif name == "libffm":
            lines.append(f"{label} 0:{y}:1 1:{y}:{x} 2:{y + 5}:0.5 1:3:1 1:3:1")
        elif name == "vw":
            lines.append(f"{2 * label - 1} 2.0 'tag{k}|user:0.5 age:{x} u{y} |ad a{y % 7}:2 |none n")
        else:
            price = "" if k % 9 == 0 else 100 * x
            lines.append(f'{k},"a,""{y}""",{price},site-of-a-long-name-{y % 5},{label}')
    return ("\n".join(lines) + "\n").encode()


FORMATS = {
    "criteo-raw": Format("criteo", bits=12, numeric="raw", seed=2**64 - 1),
    "criteo-crosses": Format("criteo", bits=14, crosses=((1, "C2"), ("C3", 30))),
    "libsvm": Format("libsvm", bits=10),
    "libsvm-hashed": Format("libsvm", bits=10, hash="all", seed=5),
    "libffm": Format("libffm", bits=10),
    "vw": Format("vw", bits=10),
    "vw-namespaces": Format("vw", bits=10, columns=("ad", "user"), crosses=(("ad", "user"),)),
    "csv": Format("csv", bits=10, columns=COLUMNS),
    "csv-plain": Format("csv", bits=10, columns=COLUMNS, numeric="plain", crosses=(("price", "site"),)),
}


@pytest.mark.parametrize("kind", ["lr", "fm", "ffm"])
def test_scores_of_criteo(kind, program, criteo, tmp_path):
    model = models.kinds.KINDS[kind](12, threads=1).fit(criteo, format="criteo", epochs=2)
    for slots in (True, False):
        model.save(tmp_path / "model", slots=slots)
        done = scored(program, tmp_path / "model", criteo.read_bytes())
        assert done.stderr == b""
        assert np.array(done.stdout.split(), float) == pytest.approx(model.predict_proba(criteo), abs=1e-6)


@pytest.mark.parametrize("kind", ["lr", "fm", "ffm"])
@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_scores_of_each_format(format, kind, program, criteo, tmp_path):
    if kind == "ffm" and format.fields == 0:
        kind = "fm"  # an ffm needs fields
    path = criteo
    if format.name != "criteo":
        path = tmp_path / "log"
        path.write_bytes(text_of(format.name))
    model = models.kinds.KINDS[kind](format.bits, threads=1, normalise="raw" in format.numeric).fit(path, format=format)
    model.save(tmp_path / "model")
    done = scored(program, tmp_path / "model", path.read_bytes())
    assert done.stderr == b""
    assert np.array(done.stdout.split(), float) == pytest.approx(model.predict_proba(path), abs=1e-6)


@pytest.mark.parametrize("loss", ["logistic", "squared", "hinge", "poisson"])
def test_link_of_each_loss(loss, program, tmp_path):
    (tmp_path / "log").write_bytes(text_of("libffm"))
    model = models.FM(10, loss=loss, threads=1).fit(tmp_path / "log", format=Format("libffm", bits=10), epochs=3)
    model.save(tmp_path / "model")
    found = np.array(scored(program, tmp_path / "model", text_of("libffm")).stdout.split(), float)
    expected = model.predict_proba(tmp_path / "log") if loss == "logistic" else model.predict(tmp_path / "log")
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_labels_may_be_missing_and_line_ends_of_windows(program, criteo, tmp_path):
    models.LR(12, threads=1).fit(criteo, format="criteo").save(tmp_path / "model")
    lines = criteo.read_bytes().splitlines()[:100]
    expected = scored(program, tmp_path / "model", b"\n".join(lines)).stdout
    assert len(expected.split()) == 100
    assert scored(program, tmp_path / "model", b"\r\n".join(line[2:] for line in lines)).stdout == expected


def test_malformed_lines_are_told_as_python_tells_them(program, criteo, tmp_path):
    models.LR(12, threads=1).fit(criteo, format="criteo").save(tmp_path / "model")
    first, *rest = criteo.read_bytes().splitlines()[:3]
    done = scored(program, tmp_path / "model", b"\n".join([first, b"1\t2", b"", *rest]))
    assert len(done.stdout.split()) == 3
    assert done.stderr == b"line 2: expected 40 columns between tabs, got 2\n"


def test_a_missing_column_is_told(program, tmp_path):
    (tmp_path / "log").write_bytes(text_of("csv"))
    models.LR(10, threads=1).fit(tmp_path / "log", format=FORMATS["csv"]).save(tmp_path / "model")
    done = scored(program, tmp_path / "model", b"site,ad\na,b\n")
    assert (done.returncode, done.stderr) == (1, b"predict: no column 'price'\n")


# --- files that are refused


def rewritten(change):
    """A file whose inner header is changed."""

    def write(data: bytes) -> bytes:
        [size] = struct.unpack("<Q", data[:8])
        outer = json.loads(data[8 : 8 + size])
        inner = json.loads(outer["__metadata__"]["schuss"])
        change(outer, inner)
        if "__metadata__" in outer:
            outer["__metadata__"]["schuss"] = json.dumps(inner)
        text = json.dumps(outer).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + size :]

    return write


def first_ids(data: bytes) -> bytes:
    """The first two ids change places."""
    [size] = struct.unpack("<Q", data[:8])
    at = 8 + size + json.loads(data[8 : 8 + size])["linear.ids"]["data_offsets"][0]
    return data[:at] + data[at + 8 : at + 16] + data[at : at + 8] + data[at + 16 :]


DAMAGED = {
    "empty": (lambda d: b"", "truncated, or not a safetensors file"),
    "text": (lambda d: b"model of mine, not yours\n", "truncated, or not a safetensors file"),
    "half-a-header": (lambda d: d[:100], "truncated, or not a safetensors file"),
    "truncated": (lambda d: d[:-1], "truncated: 'factors.rows' ends behind the file"),
    "json": (lambda d: d[:8] + b"[" + d[9:], "expected"),
    "nested": (lambda d: struct.pack("<Q", 5000) + b"[" * 5000, "expected fewer levels"),
    "foreign": (rewritten(lambda o, i: o.pop("__metadata__")), "a safetensors file, but not one of schuss"),
    "newer": (rewritten(lambda o, i: i.update(format=2)), "in format 2; this predictor reads 1"),
    "kind": (rewritten(lambda o, i: i["header"].update(kind="table")), "not a click model"),
    "version": (rewritten(lambda o, i: i["header"].update(version=7)), "a model of version 7"),
    "model": (rewritten(lambda o, i: i["header"].update(model="deep")), "unknown model 'deep'"),
    "bits": (rewritten(lambda o, i: i["header"].update(bits=99)), "bits: expected 1 to 31, got 99"),
    "loss": (rewritten(lambda o, i: i["header"].pop("loss")), "'loss' is missing"),
    "hash": (rewritten(lambda o, i: i["header"]["format"].update(function="other")), "hash 'other' is unknown"),
    "cross": (rewritten(lambda o, i: i["header"]["format"].update(crosses=[[1, 99]])), "expected 1 to 39, got 99"),
    "tensor": (rewritten(lambda o, i: o.pop("factors.rows")), "'factors.rows' is missing"),
    "dtype": (rewritten(lambda o, i: o["linear.rows"].update(dtype="F64")), "'linear.rows': expected F32"),
    "shape": (rewritten(lambda o, i: o["linear.ids"].update(shape=[3])), "its size is not that of its shape"),
    "huge": (rewritten(lambda o, i: o["linear.rows"].update(shape=[2**39, 2**39])), "its size is not that"),
    "offsets": (rewritten(lambda o, i: o["linear.ids"].update(data_offsets=[-8, 0])), "expected 0 to"),
    "order": (first_ids, "'linear.ids': expected ascending numbers"),
}


@pytest.fixture(scope="module")
def whole(criteo, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    models.FM(12, threads=1).fit(criteo, format="criteo").save(path)
    return path.read_bytes()


@pytest.mark.parametrize(("damage", "words"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused(damage, words, whole, program, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(damage(whole))
    done = scored(program, path, b"")
    assert done.returncode == 1, done
    assert done.stderr.decode().startswith(f"predict: {path}: ")
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_every_shorter_file_is_refused(whole, program, tmp_path):
    path = tmp_path / "model"
    for size in np.random.default_rng(0).integers(0, len(whole), 30):
        path.write_bytes(whole[:size])
        assert scored(program, path, b"").returncode == 1


def test_missing_file_folder_and_a_model_of_arrays(program, tmp_path):
    for path, words in ((tmp_path / "none", "cannot be opened"), (tmp_path, "is a folder")):
        assert scored(program, path, b"").stderr.decode() == f"predict: {path}: {words}\n"
    models.LR(2).fit(Batch.of([0, 1], [3], labels=[1], bits=2)).save(tmp_path / "model")
    assert b"was not trained on lines of text" in scored(program, tmp_path / "model", b"").stderr
