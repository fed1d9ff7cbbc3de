"""What the click models are measured on: real files as batches, and the logs A and B in every peer's own text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schuss.data import Batch, Format, Reader

from . import shared

TOOL = shared.DATA.parent / "tools/make_ctr_log.py"
LOGS = {  # what the tool is told; B has the pairs that a linear model cannot see
    "A": ["--train", "400000"],
    "B": "--train 500000 --seed 11 --pairstd 1.2 --pairfields 13,14,17,18,20,21,24,26,30,35".split(),
}
QUICK = ["--train", "100000", "--test", "20000"]
BITS = 20
AVAZU = (
    "id click hour C1 banner_pos site_id site_domain site_category app_id app_domain app_category device_id device_ip "
    "device_model device_type device_conn_type C14 C15 C16 C17 C18 C19 C20 C21"
).split()


@dataclass(frozen=True)
class Real:
    """A pair of files: read() gives examples to learn and held-out ones; `fields`: whether examples have fields."""

    read: Callable[[], tuple[Batch, Batch]]
    needs: tuple[str, ...]
    fields: bool = False

    @property
    def there(self) -> bool:
        """Whether the files are."""
        return all((shared.DATA / name).exists() for name in self.needs)


def log(folder: Path, name: str, quick: bool = False) -> Path:
    """The folder of a log: train and test as .tsv, .vw, .svm and .ffm; made if it is not there.

    Raises
    ------
    ValueError
        If it is not there and neither is the tool that makes it.
    """
    found = folder / (f"{name}-quick" if quick else name)
    if not (found / "test.svm").exists():
        if not TOOL.exists():
            raise ValueError(f"logs: there is no {found}, and {TOOL}, which makes it, is absent too")
        options = [*LOGS[name], *(QUICK if quick else []), "--out", str(found)]
        subprocess.run([sys.executable, str(TOOL), *options], check=True)
    return found


def whole(paths: list[str], format: Format) -> Batch:
    """All examples of files as one batch."""
    return Batch.join(Reader([shared.DATA / path for path in paths], format))


def _pair(train: str, test: list[str], format: Format, other: Format | None = None, fields: bool = False) -> Real:
    """Files that are already a training and a test set."""
    return Real(lambda: (whole([train], format), whole(test, other or format)), (train, *test), fields)


def _split(path: str, format: Format, held: Callable[[Any], Any], fields: bool = False, shuffled: bool = False) -> Real:
    """One file, of which some rows are held out; the others shuffled if the file is sorted."""

    def read() -> tuple[Batch, Batch]:
        rows = whole([path], format)
        out = held(np.arange(len(rows)))
        learned = np.flatnonzero(~out)
        if shuffled:
            learned = np.random.default_rng(0).permutation(learned)
        return rows.taken(learned), rows.taken(np.flatnonzero(out))

    return Real(read, (path,), fields)


def _csv(names: list[str], label: str, ignored: set[str], header: bool = True) -> Format:
    roles = {n: "ignore" if n in ignored else "label" if n == label else "categorical" for n in names}
    return Format("csv", columns=roles, header=header)


_avazu = [_csv(AVAZU, "click", {"id"}, header) for header in (True, False)]
_clicks = ["..ip", "app", "device", "os", "channel", "click_time", "attributed_time", "is_attributed"]
_ads = _csv(_clicks, "is_attributed", {"click_time", "attributed_time"})

REAL: dict[str, Real] = {
    "Criteo": _pair(
        "ctr/criteo_lapis.train.tsv.gz",
        ["ctr/criteo_lapis.dev.tsv.gz", "ctr/criteo_lapis.test.tsv.gz"],
        Format("criteo"),
        fields=True,
    ),
    "Avazu": _pair(
        "ctr/avazu_lapis.train.csv.gz",
        ["ctr/avazu_lapis.dev.csv.gz", "ctr/avazu_lapis.test.csv.gz"],
        *_avazu,
        fields=True,
    ),
    "iPinYou": _pair("ctr/ipinyou_deepctr.train.fm.txt.gz", ["ctr/ipinyou_deepctr.test.fm.txt.gz"], Format("libsvm")),
    "Frappe": _pair("ctr/frappe.validation.libfm.gz", ["ctr/frappe.test.libfm.gz"], Format("libsvm")),
    "TalkingData": _split("ctr/talkingdata_train_sample_100k.csv.gz", _ads, lambda i: i >= 60_000, fields=True),
    "a9a": _pair("libsvm/a9a.gz", ["libsvm/a9a.t.gz"], Format("libsvm")),
    "w8a": _split("libsvm/w8a.gz", Format("libsvm"), lambda i: i % 5 == 4, shuffled=True),
    "rcv1": _pair("libsvm/rcv1_small.vw.gz", ["libsvm/rcv1_small_test.vw.gz"], Format("vw")),
}


def parted(batch: Batch) -> tuple[Batch, Batch]:
    """All but every tenth example, and these, for early stopping."""
    tenth = np.arange(len(batch)) % 10 == 9
    return batch.taken(np.flatnonzero(~tenth)), batch.taken(np.flatnonzero(tenth))


def write_vw(batch: Batch, path: Path) -> None:
    """A batch in Vowpal Wabbit's text: a namespace for each field, or the one namespace f."""
    names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    labels = np.zeros(len(batch)) if batch.labels is None else batch.labels
    with open(path, "w", encoding="ascii") as file:
        for k, label in enumerate(labels):
            a, b = batch.indptr[k : k + 2]
            ids = batch.ids[a:b].tolist()
            words = [str(i) for i in ids]
            if batch.values is not None:
                words = [f"{i}:{x:.7g}" for i, x in zip(ids, batch.values[a:b].tolist(), strict=True)]
            start = "1 " if label else "-1 "
            if batch.fields is None:
                file.write(f"{start}|f {' '.join(words)}\n")
            else:
                spaces = (f"|{names[f]} {w}" for f, w in zip(batch.fields[a:b].tolist(), words, strict=True))
                file.write(start + " ".join(spaces) + "\n")
