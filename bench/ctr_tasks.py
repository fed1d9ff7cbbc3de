"""Speed of the click models and of their peers: one function a task, each called in a process of its own."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .ctr_data import BITS
from .ctr_peers import Bags, Found, Job, csr, scored

BATCH = 4096  # of torch
VW = f"--loss_function logistic -b {BITS} --quiet"


def _model(job: Job, **options: Any) -> Any:
    from schuss.models.kinds import KINDS

    if job["model"] != "lr":
        options["dim"] = job.get("dim", 4)
    return KINDS[job["model"]](BITS, threads=job["threads"], **options)


def _batch(job: Job, name: str = "train") -> Any:
    from schuss.data import Batch, Format, Reader

    return Batch.join(Reader(Path(job["log"]) / f"{name}.tsv", Format("criteo", bits=BITS)))


def _rate(rows: int, begin: float) -> Found:
    return {"rows": rows, "inner": time.perf_counter() - begin}


# ---- from text, one pass: "logloss" is progressive ------------------------------------------------------------------


def text_schuss(job: Job) -> Found:
    """Trains from the log."""
    model = _model(job)
    begin = time.perf_counter()
    model.fit(Path(job["log"]) / "train.tsv", format="criteo")
    found = _rate(model.seen, begin)
    parts = {part.memory.ctypes.data: part.memory.nbytes for part in (model._linear, model._factors) if part}
    return {**found, "logloss": model.history.mean(), "tables MB": sum(parts.values()) / 2**20}


def text_vw(job: Job) -> Found:
    """Trains from its own text; its reading and its learning thread share the CPU if there is one."""
    from vowpalwabbit import Workspace

    begin = time.perf_counter()
    model = Workspace(f"-d {job['log']}/train.vw {VW}")
    examples = model.get_weighted_examples()
    loss = model.get_sum_loss() / examples
    model.finish()
    return {**_rate(round(examples), begin), "logloss": loss}


def text_sklearn(job: Job) -> Found:
    """Reads LIBSVM text, then learns one pass; its loss on the held-out rows, for it has no progressive one."""
    from sklearn.linear_model import SGDClassifier

    begin = time.perf_counter()
    x, y = _svmlight(f"{job['log']}/train.svm")
    model = SGDClassifier(loss="log_loss", max_iter=1, tol=None, shuffle=False, learning_rate="invscaling", eta0=0.1)
    found = _rate(len(y), begin) if model.fit(x, y) else {}
    x, y = _svmlight(f"{job['log']}/test.svm")
    return {**found, "held-out logloss": scored(np.maximum(y, 0), model.decision_function(x))["logloss"]}


def _svmlight(path: str) -> Any:
    from sklearn.datasets import load_svmlight_file

    x, y = load_svmlight_file(path, n_features=(1 << BITS) + 1)
    x.indices, x.indptr = x.indices.astype(np.int32), x.indptr.astype(np.int32)  # which SGDClassifier asks for
    return x, y


def text_torch(job: Job) -> Found:
    """Reads the log by pyarrow, hashes by NumPy, then learns one pass of batches by Adagrad at rate 0.1."""
    import torch

    torch.set_num_threads(job["threads"])
    begin = time.perf_counter()
    batch = _by_arrow(Path(job["log"]) / "train.tsv")
    loss = Bags(job["model"], BITS, job.get("dim", 4)).epoch(batch, BATCH, 0.1)
    return {**_rate(len(batch), begin), "logloss": loss}


def _by_arrow(path: Path) -> Any:
    """The log as a batch, as one would read it without schuss."""
    import pyarrow
    from pyarrow import csv

    from schuss.data import Batch

    names = [f"c{i}" for i in range(40)]
    types = {name: pyarrow.float64() if i < 14 else pyarrow.string() for i, name in enumerate(names)}
    table = csv.read_csv(
        path,
        csv.ReadOptions(column_names=names, use_threads=False),
        csv.ParseOptions(delimiter="\t"),
        csv.ConvertOptions(column_types=types),
    )
    ids = np.empty((len(table), 39), np.uint64)
    for f in range(39):
        column = table.column(f + 1).combine_chunks()
        if f < 13:
            x = np.nan_to_num(column.to_numpy(zero_copy_only=False), nan=-1.0)
            ids[:, f] = np.where(x > 2, np.log(np.maximum(x, 1)) ** 2, x).astype(np.int64) + 1
        else:
            coded = column.fill_null("").dictionary_encode()
            words = np.array([zlib.crc32(word.encode()) for word in coded.dictionary.to_pylist()], np.uint64)
            ids[:, f] = words[coded.indices.to_numpy()]
        ids[:, f] = (ids[:, f] + np.uint64(f + 1) * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    flat = (ids >> np.uint64(64 - BITS)).astype(np.uint32).ravel()
    labels = table.column(0).to_numpy().astype(np.float32)
    n = len(labels)
    return Batch(np.arange(0, 39 * n + 1, 39), flat, None, None, labels, None, np.zeros(n, np.uint8))


# ---- learning alone, from memory ------------------------------------------------------------------------------------


def memory_schuss(job: Job) -> Found:
    """Learns a batch that is in memory, by a new model; the best of three, of one for an FFM."""
    batch, seconds = _batch(job), []
    for _ in range(1 if job["model"] == "ffm" else 3):
        model = _model(job)
        model.partial_fit(batch[:256])  # makes the tables
        begin = time.perf_counter()
        model.partial_fit(batch)
        seconds.append(time.perf_counter() - begin)
    return {"rows": len(batch), "inner": min(seconds), "logloss": model.history.mean()}


def memory_sklearn(job: Job) -> Found:
    """One pass over a matrix that is in memory; the best of three."""
    from sklearn.linear_model import SGDClassifier

    batch, seconds = _batch(job), []
    x = csr(batch, 1 << BITS)
    for _ in range(3):
        model = SGDClassifier(
            loss="log_loss", max_iter=1, tol=None, shuffle=False, learning_rate="invscaling", eta0=0.1
        )
        begin = time.perf_counter()
        model.fit(x, batch.labels)
        seconds.append(time.perf_counter() - begin)
    return {"rows": len(batch), "inner": min(seconds)}


def memory_torch(job: Job) -> Found:
    """One pass over a batch that is in memory."""
    import torch

    torch.set_num_threads(job["threads"])
    batch = _batch(job)
    model = Bags(job["model"], BITS, job.get("dim", 4))
    begin = time.perf_counter()
    loss = model.epoch(batch, BATCH, 0.1)
    return {**_rate(len(batch), begin), "logloss": loss}


# ---- parsing alone, prediction ---------------------------------------------------------------------------------------


def parse_schuss(job: Job) -> Found:
    """Text to batches; the best of three."""
    from schuss.data import Format, Reader

    path, seconds = Path(job["log"]) / "train.tsv", []
    for _ in range(3):
        begin = time.perf_counter()
        rows = sum(len(batch) for batch in Reader(path, Format("criteo", bits=BITS), threads=job["threads"]))
        seconds.append(time.perf_counter() - begin)
    return {"rows": rows, "inner": min(seconds), "MB": path.stat().st_size / 1e6}


def parse_vw(job: Job) -> Found:
    """Its own text, with nothing learned."""
    from vowpalwabbit import Workspace

    begin = time.perf_counter()
    model = Workspace(f"-d {job['log']}/train.vw {VW} --noop")
    rows = round(model.get_weighted_examples())
    model.finish()
    return {**_rate(rows, begin), "MB": (Path(job["log"]) / "train.vw").stat().st_size / 1e6}


def predict_schuss(job: Job) -> Found:
    """Text to scores, thrown away."""
    from schuss.models.scoring import write_scores

    model = _model(job).fit(Path(job["log"]) / "test.tsv", format="criteo")
    begin = time.perf_counter()
    with open(os.devnull, "wb") as nothing:
        counts = write_scores(model, str(Path(job["log"]) / "train.tsv"), None, nothing, False, False)
    return _rate(counts.examples, begin)


def predict_vw(job: Job) -> Found:
    """Text to scores, thrown away."""
    from vowpalwabbit import Workspace

    begin = time.perf_counter()
    model = Workspace(f"-t -d {job['log']}/train.vw {VW} -p {os.devnull}")
    rows = round(model.get_weighted_examples())
    model.finish()
    return _rate(rows, begin)


# ---- quality on log B, by passes, on held-out rows ------------------------------------------------------------------


def quality_schuss(job: Job) -> Found:
    """Passes over the log in memory, shuffled after the first, with default settings."""
    batch, test = _batch(job), _batch(job, "test")
    model, losses = _model(job), []
    for epoch in range(job["passes"]):
        model.fit(batch, epochs=epoch + 1, resume=epoch > 0)
        losses.append(scored(test.labels, model.decision_function(test))["logloss"])
    return {"by pass": losses}


def quality_vw(job: Job) -> Found:
    """One pass, linear or told the 45 pairs of fields that matter."""
    import tempfile

    from vowpalwabbit import Workspace

    spaces = "nopqrstuvwxyzABCDEFGHIJKLM"
    told = [spaces[f - 13] for f in (13, 14, 17, 18, 20, 21, 24, 26, 30, 35)]
    pairs = " ".join(f"-q {a}{b}" for i, a in enumerate(told) for b in told[i + 1 :])
    with tempfile.TemporaryDirectory() as folder:
        how = VW if job["model"] == "lr" else f"{VW.replace(f'-b {BITS}', '-b 24')} {pairs}"
        Workspace(f"-d {job['log']}/train.vw {how} -f {folder}/model").finish()
        Workspace(f"-t -d {job['log']}/test.vw -i {folder}/model -r {folder}/margins --quiet").finish()
        labels = np.load(Path(job["log"]) / "test.y.npy")
        return {"by pass": [scored(labels, np.loadtxt(f"{folder}/margins", usecols=0))["logloss"]]}


def quality_torch(job: Job) -> Found:
    """Passes of batches of 1024 by Adagrad at rate 0.1."""
    batch, test = _batch(job), _batch(job, "test")
    model, losses = Bags(job["model"], BITS, job.get("dim", 4)), []
    for epoch in range(job["passes"]):
        model.epoch(batch, 1024, 0.1, seed=epoch or None)
        losses.append(scored(test.labels, model.margins(test))["logloss"])
    return {"by pass": losses}
