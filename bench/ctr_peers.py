"""Jobs in processes of their own, and the held-out losses of every contender on the real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Found = dict[str, Any]


def root() -> Path:
    """Where the outermost package of this one lies: beside it schuss.sklearn would be taken for scikit-learn."""
    return Path(__file__).resolve().parents[len((__package__ or "").split("."))]


def run(job: Job, seconds: float = 3600) -> Found:
    """Runs a job in a process of its own; {"failed": why} where it does not end well."""
    path = os.pathsep.join([str(root()), *(p for p in sys.path if p)])
    threads = {name: str(job.get("threads", 1)) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "SCHUSS_THREADS")}
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.ctr_worker", json.dumps(job)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, **threads, "PYTHONPATH": path},
    )
    if done.returncode != 0 or not done.stdout.strip():
        return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def scored(labels: Any, margins: Any) -> Found:
    """Logloss and AUC of margins."""
    import numpy as np

    from schuss.models import metrics
    from schuss.models.losses import losses

    m = np.asarray(margins, np.float64)
    return {"logloss": float(losses("logistic", m, labels).mean()), "auc": float(metrics.auc(labels, m))}


def held_out(job: Job) -> tuple[Any, Any]:
    """The batches of a real file."""
    from .ctr_data import REAL

    return REAL[job["data"]].read()


def csr(batch: Any, columns: int) -> Any:
    """A batch as a matrix of float64, which is what scikit-learn computes with."""
    import numpy as np
    from scipy.sparse import csr_matrix

    values = np.ones(len(batch.ids)) if batch.values is None else batch.values.astype(np.float64)
    made = csr_matrix((values, batch.ids.astype(np.int32), batch.indptr), shape=(len(batch), columns))
    made.sum_duplicates()
    return made


# ---- held-out loss on real files: after one pass; after up to ten, stopped early by every tenth example -------------

PASSES = 10


def real_schuss(job: Job) -> Found:
    """LR, FM or FFM as they come."""
    from schuss.models.kinds import KINDS

    from .ctr_data import parted

    train, test = held_out(job)
    options = {"mode": "deterministic", **job.get("options", {})}
    once = KINDS[job["model"]](**options).fit(train)
    most, tenth = parted(train)
    more = KINDS[job["model"]](**options).fit(most, epochs=PASSES, valid=tenth, patience=1)
    return {name: scored(test.labels, m.decision_function(test)) for name, m in (("one", once), ("more", more))}


def real_vw(job: Job) -> Found:
    """Vowpal Wabbit's default, linear or with all pairs; over several passes it holds out a tenth by itself."""
    import numpy as np
    from vowpalwabbit import Workspace

    from .ctr_data import write_vw

    train, test = held_out(job)
    found: Found = {}
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        write_vw(train, at / "train.vw")
        write_vw(test, at / "test.vw")
        pairs = "-b 20" if job["model"] == "lr" else "-b 24 -q ::" if train.fields is not None else "-b 24 -q ff"
        for name, passes in (("one", ""), ("more", f"--passes {PASSES} -k --cache_file {at}/cache")):
            Workspace(f"-d {at}/train.vw -f {at}/model --loss_function logistic --quiet {pairs} {passes}").finish()
            Workspace(f"-t -d {at}/test.vw -i {at}/model -r {at}/margins --quiet").finish()
            found[name] = scored(test.labels, np.loadtxt(at / "margins", usecols=0))
    return found


def real_sklearn(job: Job) -> Found:
    """SGDClassifier: one pass; passes as it comes, until its training loss settles; with its own early stopping."""
    import warnings

    from sklearn.linear_model import SGDClassifier

    train, test = held_out(job)
    columns = int(max(train.ids.max(), test.ids.max())) + 1
    x, y = csr(train, columns), csr(test, columns)
    ways = {"one": {"max_iter": 1, "tol": None}, "own": {}, "more": {"early_stopping": True}}
    found: Found = {}
    for name, options in ways.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = SGDClassifier(loss="log_loss", random_state=0, **options).fit(x, train.labels)
        found[name] = scored(test.labels, model.decision_function(y))
    return found


def real_torch(job: Job) -> Found:
    """LR or FM of embeddings, Adagrad, batches of 512; the rate is torch's own or the one that is given."""
    from .ctr_data import parted

    train, test = held_out(job)
    once = Bags(job["model"], 20, 8)
    once.epoch(train, 512, job.get("lr"))
    found = {"one": scored(test.labels, once.margins(test))}
    most, tenth = parted(train)
    model, best = Bags(job["model"], 20, 8), float("inf")
    for epoch in range(PASSES):
        model.epoch(most, 512, job.get("lr"), seed=epoch)
        loss = scored(tenth.labels, model.margins(tenth))["logloss"]
        if loss >= best:
            break
        best, found["more"] = loss, scored(test.labels, model.margins(test))
    return found


class Bags:
    """LR or FM in torch, sparse gradients: an EmbeddingBag for weights, an Embedding for factors."""

    def __init__(self, kind: str, bits: int, dim: int) -> None:
        import torch
        from torch import nn

        torch.manual_seed(0)
        self.torch = torch
        self.bias = torch.zeros(1, requires_grad=True)
        self.linear = nn.EmbeddingBag(1 << bits, 1, mode="sum", sparse=True)
        nn.init.zeros_(self.linear.weight)
        self.factors = nn.Embedding(1 << bits, dim, sparse=True) if kind == "fm" else None
        if self.factors is not None:
            nn.init.normal_(self.factors.weight, 0, 0.01)
        self.rule: Any = None

    def forward(self, batch: Any) -> Any:
        """Margins of a batch, as a tensor."""
        import numpy as np

        torch, n = self.torch, len(batch)
        ids, starts = torch.from_numpy(batch.ids.astype(np.int64)), torch.from_numpy(batch.indptr[:-1].copy())
        values = None if batch.values is None else torch.from_numpy(batch.values.copy())
        margin = self.bias + self.linear(ids, starts, values).squeeze(1)
        if self.factors is None:
            return margin
        terms = self.factors(ids) if values is None else self.factors(ids) * values[:, None]
        counts = np.diff(batch.indptr)
        if (counts == counts[0]).all():
            total = terms.view(n, int(counts[0]), -1).sum(1)
            own = terms.square().view(n, int(counts[0]), -1).sum((1, 2))
        else:
            owner = torch.from_numpy(np.repeat(np.arange(n), counts))
            total = torch.zeros(n, terms.shape[1]).index_add(0, owner, terms)
            own = torch.zeros(n).index_add(0, owner, terms.square().sum(1))
        return margin + 0.5 * (total.square().sum(1) - own)

    def epoch(self, batch: Any, size: int, rate: float | None, seed: int | None = None) -> float:
        """Learns all examples, in their order or shuffled, by torch's Adagrad; the mean loss before learning each."""
        import numpy as np

        torch = self.torch
        if self.rule is None:
            tables = [self.bias, *self.linear.parameters(), *(self.factors.parameters() if self.factors else ())]
            self.rule = torch.optim.Adagrad(tables, **({} if rate is None else {"lr": rate}))
        if seed is not None:
            batch = batch.taken(np.random.default_rng(seed).permutation(len(batch)))
        total = 0.0
        for first in range(0, len(batch), size):
            some = batch[first : first + size]
            self.rule.zero_grad()
            labels = torch.from_numpy(some.labels.copy())
            loss = torch.nn.functional.binary_cross_entropy_with_logits(self.forward(some), labels, reduction="sum")
            (loss / len(some)).backward()
            self.rule.step()
            total += float(loss.detach())
        return total / len(batch)

    def margins(self, batch: Any) -> Any:
        """Margins of a batch, as an array."""
        with self.torch.no_grad():
            return self.forward(batch).numpy()


def task_of(name: str) -> Callable[[Job], Found]:
    """The function of a task: a real one here, the others in ctr_tasks."""
    from . import ctr_tasks

    return globals()[name] if name.startswith("real_") else getattr(ctr_tasks, name)  # type: ignore[no-any-return]
