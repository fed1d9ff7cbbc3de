"""Readers, batches, caches: against an oracle in plain Python; the same batches however they are read; bad input.

Three laws carry most of it: batches are those of the oracle, to the bit; neither chunks nor threads, batch sizes or
caches show in them; what cannot be read is counted and named, and changes nothing else.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import itertools
import json
import lzma
import os
import random
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from data_oracle import Oracle, schuss64
from hypothesis import given, settings
from hypothesis import strategies as st

import schuss
from schuss.data import Batch, BrokenFile, CacheReader, Format, Reader, cache

Array = npt.NDArray[Any]
ARRAYS = ("indptr", "ids", "values", "fields", "labels", "weights", "repeats")
SHARED = Path(os.environ.get("SCHUSS_SHARED", Path(__file__).parents[2] / "shared")) / "data"


def arrays(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in ARRAYS}


def same(a: Batch, b: Batch) -> bool:
    """To the bit."""
    pairs = zip(arrays(a).values(), arrays(b).values(), strict=True)
    return all((x is None) == (y is None) and (x is None or _same(x, y)) for x, y in pairs)


def all_same(a: Iterable[Batch], b: Iterable[Batch]) -> bool:
    return all(same(x, y) for x, y in zip(a, b, strict=True))


def _same(x: Array, y: Array) -> bool:
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def read(text: bytes, format: Format, **options: Any) -> tuple[Batch | None, Reader]:
    """All examples of a text as one batch, with its reader."""
    reader = Reader(io.BytesIO(text), format, **{"batch": 2**20, "threads": 1, **options})
    batches = list(reader)
    assert len(batches) <= 1
    return (batches[0] if batches else None), reader


def expected(examples: list[Any], *, fields: bool) -> Batch | None:
    """The oracle's examples as a batch."""
    if not examples:
        return None
    entries = [entry for _, _, some in examples for entry in some]
    values = np.array([v for _, _, v in entries], np.float32)
    weights = np.array([w for _, w, _ in examples], np.float32)
    return Batch(
        np.cumsum([0] + [len(some) for _, _, some in examples], dtype=np.int64),
        np.array([id for id, _, _ in entries], np.uint32),
        values if (values != 1).any() else None,
        np.array([f for _, f, _ in entries], np.uint16) if fields else None,
        np.array([y for y, _, _ in examples], np.float32),
        weights if (weights != 1).any() else None,
        np.array([len({id for id, _, _ in some}) < len(some) for _, _, some in examples], np.uint8),
    )


def check(text: bytes, format: Format, oracle: Oracle) -> Reader:
    """The library reads what the oracle reads."""
    batch, reader = read(text, format)
    examples, malformed = oracle.examples(text)
    want = expected(examples, fields=format.name == "libffm" or bool(format.fields))
    assert (batch is None) == (want is None), (reader.counts, examples)
    if batch is not None and want is not None:
        for name, found in arrays(batch).items():
            np.testing.assert_array_equal(found, getattr(want, name), err_msg=f"{name} of {text[:300]!r}")
        assert same(batch, want)
    assert reader.counts.examples == len(examples)
    assert reader.counts.malformed == len(malformed)
    assert [line for _, line, _ in reader.counts.first] == malformed[:5]
    return reader


def pair(name: str, **options: Any) -> tuple[Format, Oracle]:
    """A format and its oracle."""
    format = Format(name, **options)
    numbers = [
        tuple(format.field_names.index(f) if isinstance(f, str) else f - 1 for f in cross) for cross in format.crosses
    ]
    known = {k: v for k, v in options.items() if k not in ("crosses", "delimiter", "header", "columns")}
    delimiter = options.get("delimiter", ",").encode()
    return format, Oracle(name, **known, columns=format.columns, crosses=tuple(numbers), delimiter=delimiter)


COLUMNS = {
    "id": "ignore",
    "y": "label",
    "price": "numeric",
    "site": "categorical",
    "w": "weight",
    "age": "numeric",
    "app": "categorical",
}
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "criteo": ("criteo", {}),
    "criteo-raw-crosses": ("criteo", {"numeric": "raw", "bits": 10, "seed": 2**64 - 1, "crosses": [(1, 14), (2, 3)]}),
    "criteo-plain": ("criteo", {"numeric": "plain", "bits": 32, "labels": "regression"}),
    "criteo-collisions": ("criteo", {"bits": 6, "crosses": [("C1", "C26")]}),
    "libsvm": ("libsvm", {}),
    "libsvm-hashed": ("libsvm", {"hash": "all", "bits": 5, "labels": "regression"}),
    "libffm": ("libffm", {"bits": 3}),
    "libffm-hashed": ("libffm", {"hash": "all", "bits": 4}),
    "vw": ("vw", {"bits": 8}),
    "vw-columns": ("vw", {"columns": ["b", "a"], "crosses": [("a", "b")], "bits": 7}),
    "csv": ("csv", {"columns": COLUMNS, "header": False}),
    "csv-raw-tabs": ("csv", {"columns": COLUMNS, "header": False, "delimiter": "\t", "numeric": "raw", "bits": 4}),
    "csv-crosses": ("csv", {"columns": COLUMNS, "header": False, "crosses": [("site", "app"), (1, 2)], "seed": 7}),
}
each_format = pytest.mark.parametrize("case", FORMATS)


# --- text that looks like a format, with mistakes


def often(rng: random.Random, usual: str, *odd: str) -> str:
    return usual if rng.random() < 0.97 else rng.choice(odd)


def a_number(rng: random.Random) -> str:
    usual = rng.choice(["1", "0.5", f"{rng.random():.4f}", f"{rng.gauss(0, 100):.6g}", str(rng.randrange(10**6))])
    return often(
        rng, usual, "-0", "1e3", ".5", "5.", "+2", "1e39", "nan", "inf", "x", "", "1e-50", "1.5e", "0x1", "--1"
    )


def a_whole(rng: random.Random) -> str:
    usual = str(rng.choice([0, 1, 2, 3, rng.randrange(5000), rng.randrange(10**9), -1, -2]))
    return often(rng, usual, "", "-", "9" * 18, "9" * 19, "1.0", "-37", "12345678", "+7", " 1")


def a_word(rng: random.Random) -> str:
    usual = f"{rng.randrange(2**32):08x}"
    return rng.choice([usual, usual, "", "a", usual[:5], usual[:7], usual + "9", usual * 2, usual * 3 + "z"])


def a_label(rng: random.Random) -> str:
    return often(rng, rng.choice(["0", "1", "-1"]), "2", "+1", "1.0", "", "nan", "x")


def a_line(rng: random.Random, name: str, delimiter: str) -> str:
    if name == "criteo":
        cells = [a_label(rng), *(a_whole(rng) if rng.random() < 0.8 else "" for _ in range(13))]
        cells += [a_word(rng) for _ in range(int(often(rng, "26", "25", "27", "0")))]
        return "\t".join(cells)
    if name in ("libsvm", "libffm"):
        tokens = [a_label(rng)]
        for _ in range(rng.randrange(20)):
            id = often(rng, str(rng.randrange(9)), "", "a", "-1", "99999999", "1048576")
            place = often(rng, f"{rng.randrange(4)}:", "65535:", "65536:", "-1:", ":", "") if name == "libffm" else ""
            tokens.append(often(rng, f"{place}{id}:{a_number(rng)}", "#", "7", "qid:3", "1:2:3:4", "# 9:9 comment"))
        return rng.choice([" ", " ", "  ", "\t"]).join(tokens) + rng.choice(["", "", " "])
    if name == "vw":
        head = a_label(rng) + rng.choice([" ", " ", f" {a_number(rng)} ", " 'tag", " 'tag ", " 2 tag", "", " 1 2 3 "])
        spaces = []
        for _ in range(rng.randrange(4)):
            scale = f":{a_number(rng)}" if rng.random() < 0.2 else ""
            features = [
                a_word(rng)[:3] + (f":{a_number(rng)}" if rng.random() < 0.4 else "") for _ in range(rng.randrange(6))
            ]
            spaces.append(" ".join([rng.choice("abc") + scale if rng.random() < 0.9 else "", *features]))
        return head + "|" + " |".join(spaces)
    cells = [a_word(rng), a_label(rng), a_number(rng), a_word(rng), often(rng, "0.5", "-1", "x"), a_whole(rng)]
    cells.append(rng.choice([a_word(rng), f'"{a_word(rng)}{delimiter}""q"""', '"a"b', '"open', 'un"quoted', '""']))
    return delimiter.join(cells[: int(often(rng, "7", "6"))])


def text_of(case: str, seed: int, lines: int) -> bytes:
    name, options = FORMATS[case]
    rng = random.Random(f"{case} {seed}")
    ends = ["\n"] * 8 + ["\r\n", "\n\n"]
    text = "".join(a_line(rng, name, options.get("delimiter", ",")) + rng.choice(ends) for _ in range(lines))
    return (text if seed % 2 else text.removesuffix("\n")).encode()


@each_format
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_reads_what_the_oracle_reads(case: str, seed: int) -> None:
    name, options = FORMATS[case]
    reader = check(text_of(case, seed, 100), *pair(name, **options))
    assert reader.counts.examples > 10
    assert reader.counts.malformed > 2


@each_format
@given(junk=st.binary(max_size=80), seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_reads_what_the_oracle_reads_of_mutated_text(case: str, junk: bytes, seed: int) -> None:
    name, options = FORMATS[case]
    rng = random.Random(seed)
    text = bytearray(text_of(case, seed % 1000, 4))
    at = rng.randrange(len(text))
    text[at : at + rng.randrange(20)] = junk
    check(bytes(text), *pair(name, **options))


@pytest.mark.parametrize(
    ("file", "name", "options"),
    [
        ("ctr/criteo_lapis.dev.tsv.gz", "criteo", {}),
        ("ctr/libffm_bigdata.tr.txt.gz", "libffm", {}),
        ("ctr/frappe.test.libfm.gz", "libsvm", {}),
        ("libsvm/agaricus.txt.test.gz", "libsvm", {"hash": "all"}),
        ("libsvm/w8a.gz", "libsvm", {}),
        ("libsvm/rcv1_small_test.vw.gz", "vw", {"columns": ["f"]}),
        (
            "movielens/ml-100k.ua.test.gz",
            "csv",
            {
                "columns": {"user": "categorical", "item": "categorical", "rating": "label", "time": "numeric"},
                "header": False,
                "delimiter": "\t",
                "labels": "regression",
            },
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_real_files(file: str, name: str, options: dict[str, Any]) -> None:
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"{path} is missing")
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    reader = check(b"\n".join([*lines[:300], *lines[-20:]]), *pair(name, **options))
    assert reader.counts.malformed == 0
    whole = Reader(path, Format(name, **options))
    assert sum(map(len, whole)) == sum(1 for line in lines if line.strip())
    assert whole.counts.malformed == 0
    assert whole.counts.bytes == whole.size == path.stat().st_size


def test_real_csv_with_header() -> None:
    path = SHARED / "ctr/avazu_lapis.train.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    format = Format.from_file(path, {"click": "label", "id": "ignore"})
    assert format.fields == 22
    assert format.field_names[:3] == ("hour", "C1", "banner_pos")
    header, _, text = gzip.decompress(path.read_bytes()).partition(b"\n")
    lines = text.split(b"\n")[:300]
    check(b"\n".join(lines), format.replaced(header=False), Oracle("csv", columns=format.columns))
    [batch] = Reader(io.BytesIO(header + b"\n" + b"\n".join(lines)), format)
    assert len(batch) == 300
    assert sum(map(len, Reader(path, format))) == 8087


# --- the hash


def test_hash_is_the_documented_one() -> None:
    """Golden ids: a change of one bit would be another hash, under another name."""
    values = [b"", b"a", b"68fd1e64", b"sixteen bytes ok", b"seventeen bytes ok", bytes(range(35, 99)) * 3]
    format = Format("csv", bits=32, seed=5, columns={"y": "label", "v": "categorical"}, header=False, delimiter=";")
    batch, _ = read(b"".join(b"1;" + v.replace(b";", b":") + b"\n" for v in values), format)
    assert batch is not None
    assert batch.ids.tolist() == [schuss64(5, 0, v.replace(b";", b":")) >> 32 for v in values]
    assert batch.ids[:3].tolist() == GOLDEN


GOLDEN = [4258643319, 2738078759, 3455801363]


def test_hash_spreads() -> None:
    """Similar values fall evenly: chi-square over 1024 cells within 5 sigma, whichever bits differ."""
    n, cells = 200_000, 1024
    format = Format("csv", bits=10, columns={"y": "label", "v": "categorical"}, header=False)
    for words in ([f"{i:08x}" for i in range(n)], [f"{i * 4096:08x}" for i in range(n)], [f"u{i}" for i in range(n)]):
        batch, _ = read("".join(f"1,{w}\n" for w in words).encode(), format)
        assert batch is not None
        chi = ((np.bincount(batch.ids, minlength=cells) - n / cells) ** 2).sum() * cells / n
        assert abs(chi - cells) < 5 * np.sqrt(2 * cells)


# --- numbers


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(width=32, allow_infinity=False)))
@settings(max_examples=150)
def test_numbers_are_read_exactly(x: float) -> None:
    format = Format("libsvm", labels="regression")
    texts = [repr(x), f"{x:.17e}", f"{x:.30f}", f"{x:g}"]
    for text in texts:
        value = float(text)
        with np.errstate(over="ignore"):
            fits = bool(np.isfinite(np.float32(value)))
        batch, reader = read(f"0 1:{text}\n".encode(), format)
        assert (batch is not None) == fits, reader.counts
        if batch is not None:
            found = np.ones(1, np.float32) if batch.values is None else batch.values
            assert _same(found, np.array([value], np.float32)), text


# --- neither chunks, threads, batches nor caches show


def batches_of(case: str, size: int, **options: Any) -> list[Batch]:
    name, more = FORMATS[case]
    return list(Reader(io.BytesIO(text_of(case, 1, 50)), Format(name, **more), batch=size, **options))


@each_format
def test_batches_do_not_depend_on_chunks_or_threads(case: str) -> None:
    want = batches_of(case, 4, threads=1)
    assert len(want) > 3
    assert all(len(b) == 4 for b in want[:-1])
    for chunk, threads in [(3, 1), (7, 2), (64, 7), (1000, 7), (4 << 20, 2)]:
        found = batches_of(case, 4, chunk=chunk, threads=threads)
        assert all_same(found, want), (chunk, threads)


@each_format
def test_batches_of_another_size_hold_the_same_examples(case: str) -> None:
    whole = Batch.join(batches_of(case, 10))
    for size in (1, 3, 2**20):
        some = batches_of(case, size)
        assert same(Batch.join(some), whole)
        assert all(same(b, whole[i * size : (i + 1) * size]) for i, b in enumerate(some))


def test_many_pieces() -> None:
    """A text of several pieces and chunks, by one and by seven threads."""
    text = text_of("criteo", 3, 400).replace(b"\n\n", b"\n") * 40
    reader = Reader(io.BytesIO(text), Format("criteo"), threads=1, batch=1000)
    want = list(reader)
    other = Reader(io.BytesIO(text), Format("criteo"), threads=7, batch=1000, chunk=1 << 20)
    assert all_same(other, want)
    assert len(text) > 3 << 20
    assert (reader.counts.lines, reader.counts.malformed) == (other.counts.lines, other.counts.malformed)
    assert reader.counts.first == other.counts.first


@pytest.mark.parametrize("skip", [0, 1, 10, 37, 10**9])
def test_skip(skip: int, tmp_path: Path) -> None:
    text = text_of("libffm", 1, 150)
    reader = Reader(write(tmp_path / "a", text), Format("libffm", bits=3), batch=10)
    whole = Batch.join(reader)
    for found in (list(reader.read(skip)), list(cache(reader, tmp_path / "c", block=7).read(skip))):
        if skip >= len(whole):
            assert found == []
        else:
            assert all(len(b) == 10 for b in found[:-1])
            assert same(Batch.join(found), whole[skip:])


# --- what the reader takes


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


PACKERS: dict[str, Any] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def zstd(data: bytes) -> bytes:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is missing")
    return bytes(pyarrow.compress(data, codec="zstd", asbytes=True))


@pytest.mark.parametrize("suffix", [*PACKERS, ".zst"])
def test_compressed(suffix: str, tmp_path: Path) -> None:
    text = text_of("libsvm", 1, 500)
    want, _ = read(text, Format("libsvm"))
    pack = PACKERS.get(suffix, zstd)
    for data in (pack(text), pack(text[:5000]) + pack(text[5000:])):
        reader = Reader(write(tmp_path / f"a{suffix}", data), Format("libsvm"), batch=2**20, chunk=100)
        [batch] = reader
        assert want is not None
        assert same(batch, want)
        assert (reader.counts.plain, reader.counts.bytes) == (len(text), len(data))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_truncated(suffix: str, tmp_path: Path) -> None:
    """What comes before the break is delivered; the line at the break is not a line."""
    rng = random.Random(0)
    lines = [f"{i % 2} {i}:{rng.random()}\n".encode() for i in range(60_000 if suffix == ".bz2" else 20_000)]
    data = PACKERS.get(suffix, zstd)(b"".join(lines))
    path = write(tmp_path / f"a{suffix}", data[: len(data) * 4 // 5])
    reader = Reader(path, Format("libsvm"), batch=1000)
    seen = []
    with pytest.raises(BrokenFile, match=rf"a{suffix}: truncated.* byte {len(data) * 4 // 5}") as error:
        for batch in reader:
            seen.append(batch)
    assert isinstance(error.value, OSError)
    found = Batch.join(seen)
    assert len(found) == reader.counts.examples > (0 if suffix in (".bz2", ".xz") else 10_000)
    assert reader.counts.malformed == 0
    want, _ = read(b"".join(lines[: len(found)]), Format("libsvm"))
    assert want is not None
    assert same(found, want)


def test_damaged_gz(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"a\.gz: cannot be decompressed around byte 6"):
        list(Reader(write(tmp_path / "a.gz", b"1 2:3\n"), Format("libsvm")))


@pytest.mark.parametrize("suffix", ["", ".gz", ".csv"])
def test_empty_file(suffix: str, tmp_path: Path) -> None:
    format = Format("libsvm") if suffix != ".csv" else Format("csv", columns={"y": "label"})
    reader = Reader(write(tmp_path / f"a{suffix}", b""), format)
    assert list(reader) == []
    assert reader.counts == schuss.data.Counts()


def test_several_files(tmp_path: Path) -> None:
    """Batches go on across files; a last line without its end does not; globs are sorted."""
    texts = [b"1 1:1\n0 2:1", b"1 3:1\nx\n", b"0 4:1\n"]
    paths = [write(tmp_path / f"day_{i}.txt", text) for i, text in enumerate(texts)]
    want, _ = read(b"\n".join(texts), Format("libsvm"))
    for given_ in (paths, str(tmp_path / "day_*.txt"), [paths[0], str(tmp_path / "day_[12].txt")]):
        reader = Reader(given_, Format("libsvm"), batch=4)
        [batch] = reader
        assert want is not None
        assert same(batch, want)
        assert reader.counts.first == [(str(paths[1]), 2, "label: expected a number, got 'x'")]
        assert reader.size == sum(map(len, texts)) == reader.counts.bytes
        assert [len(b) for b in reader] == [4]  # again


def test_stdin() -> None:
    code = (
        "from schuss.data import *; r = Reader('-', Format('libsvm')); "
        "print([b.ids.tolist() for b in r], r.counts.bytes)\n"
        "try: list(r)\nexcept ValueError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=b"1 5:1\n0 6:1 7:1\n",
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(schuss.__file__).parents[1])},
        timeout=60,
    )
    assert done.stdout.decode().splitlines() == [
        "[[5, 6, 7]] 16",
        "<stdin>: a stream can be read only once; use a file, or a cache",
    ], done.stderr.decode()


def test_remote(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is missing")
    path = write(tmp_path / "a.gz", gzip.compress(b"1 5:1\n"))
    [batch] = Reader(f"file://{path}", Format("libsvm"))
    assert batch.ids.tolist() == [5]


@pytest.mark.parametrize("limit", [10, 100])
@pytest.mark.parametrize("chunk", [1, 9, 1000])
def test_long_lines(limit: int, chunk: int) -> None:
    """A line at the limit is read, one byte more is malformed, and neither fills memory nor hides the next line."""
    fits = b"1 " + b" " * (limit - 7) + b"3:1.5"
    text = b"\r\n".join([fits, b"0 4:1", b" " + fits, b"1 5:1", b" " * 50 + fits, b"1 6:1", b" " + fits])
    batch, reader = read(text, Format("libsvm"), longest=limit, chunk=chunk)
    assert batch is not None
    assert batch.ids.tolist() == [3, 4, 5, 6]
    reason = f"longer than {limit} bytes"
    assert [(line, why) for _, line, why in reader.counts.first] == [(3, reason), (5, reason), (7, reason)]


def test_byte_order_mark() -> None:
    for case in ("libsvm", "vw"):
        text = text_of(case, 1, 20)
        want, _ = read(text, Format(case))
        found, _ = read(b"\xef\xbb\xbf" + text, Format(case), chunk=1)
        assert want is not None
        assert found is not None
        assert same(found, want)


class Endless(io.RawIOBase):
    """A file of many lines that never lies in memory."""

    def __init__(self, line: bytes, size: int) -> None:
        self.block, self.left = line * (2**20 // len(line)), size

    def read(self, size: int = -1) -> bytes:
        self.left -= len(self.block)
        return self.block if self.left > 0 else b""


def test_memory_is_bounded() -> None:
    line = b"1" + b"".join(b" %d:0.5" % i for i in range(100)) + b"\n"
    before = 0
    for i, batch in enumerate(Reader(Endless(line, 150 << 20), Format("libsvm"), threads=2)):
        assert len(batch.ids) <= 8192 * 100
        if i == 10:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50 << 10  # KiB


def test_unread_reader_leaves_no_thread() -> None:
    import threading

    batches = iter(Reader(Endless(b"1 1:1\n", 1 << 30), Format("libsvm"), batch=10))
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name == "schuss-read"]


# --- files without labels


def test_unlabelled(tmp_path: Path) -> None:
    """Labels may be there or not; ids are the same."""
    csv = Format("csv", columns={"y": "label", "w": "weight", "x": "numeric", "s": "categorical"})
    cases = [
        (Format("criteo"), b"1" + b"\t7" * 13 + b"\tab" * 26, b"7" + b"\t7" * 12 + b"\tab" * 26),
        (Format("libsvm"), b"1 3:1 4:2", b"3:1 4:2"),
        (Format("libffm"), b"1 1:3:1 4:4:2", b"1:3:1 4:4:2"),
        (Format("vw"), b"1 2 'tag|a b c:2", b"|a b c:2"),
        (csv, b"y,w,x,s\n1,2,3,a", b"s,x\na,3"),
    ]
    for format, with_label, without in cases:
        want, _ = read(with_label, format)
        assert want is not None
        for text in (with_label, without, with_label.replace(b"1", b"no", 1) if format.name != "csv" else without):
            found, reader = read(text, format, labelled=False)
            assert found is not None, (format, text, reader.counts)
            assert found.labels is None
            assert found.weights is None
            order = np.argsort(found.ids)
            assert found.ids[order].tolist() == sorted(want.ids.tolist())


# --- strict, reasons


REASONS: dict[str, tuple[Format, bytes, str]] = {
    "criteo columns": (Format("criteo"), b"1\t2\t3", "expected 40 columns between tabs, got 3"),
    "criteo number": (
        Format("criteo"),
        b"1\tabc" + b"\t" * 38,
        "I1: expected a whole number or nothing, got 'abc'",
    ),
    "label": (Format("libsvm"), b"2 1:1", "label: expected 0, 1 or -1, got '2'; use labels='regression' for numbers"),
    "label nan": (Format("libsvm"), b"nan 1:1", "label: expected a finite number, got 'nan'"),
    "id overflow": (
        Format("libsvm", bits=3),
        b"1 8:1",
        "id: expected 0 to 2**bits - 1 = 7, got 8; use more bits or hash='all'",
    ),
    "nan value": (Format("libsvm"), b"1 3:nan", "value of feature 3: expected a finite number, got 'nan'"),
    "large value": (Format("libsvm"), b"1 3:1e39", "value of feature 3: expected a finite number, got '1e39'"),
    "sum": (Format("libsvm"), b"1 3:3e38 3:3e38", "feature 3: the sum of its values is not finite"),
    "no feature": (Format("libsvm"), b"1 3", "feature: expected id:value, got '3'"),
    "no ffm feature": (Format("libffm"), b"1 3:4", "feature: expected field:id:value, got '3:4'"),
    "ffm field": (Format("libffm"), b"1 65536:1:1", "field: expected 0 to 65535, got 65536; number the fields from 0"),
    "vw bar": (Format("vw"), b"1 2", "expected a bar before the features, got none"),
    "vw label": (Format("vw"), b"|a b", "label: expected one before the bar and a space, got none"),
    "vw weight": (Format("vw"), b"1 -2 |a b", "weight: expected a finite number of at least 0, got '-2'"),
    "vw base": (Format("vw"), b"1 2 3 |a b", "initial prediction: not supported, got '3'; leave it out"),
    "vw value": (Format("vw"), b"1 |a b:x", "value of 'b': expected a number, got 'x'"),
    "csv columns": (
        Format("csv", columns={"y": "label", "x": "numeric"}, header=False),
        b"1,2,3",
        "expected 2 columns, got 3",
    ),
    "csv number": (
        Format("csv", columns={"y": "label", "x": "numeric"}, header=False),
        b"1,two",
        "column 2: number: expected a number, got 'two'",
    ),
    "csv quote": (
        Format("csv", columns={"y": "label", "x": "categorical"}, header=False),
        b'1,"two',
        "column 2: a quote is not closed on its line",
    ),
    "bytes": (
        Format("libsvm"),
        b"\xff\x00" + b"y" * 99,
        r"label: expected a number, got '\xff\x00" + "y" * 38 + "'...",
    ),
}


@pytest.mark.parametrize(("format", "line", "reason"), REASONS.values(), ids=REASONS)
def test_reasons(format: Format, line: bytes, reason: str, tmp_path: Path) -> None:
    _, reader = read(b"\n" + line + b"\n", format)
    assert reader.counts.first == [("<stream>", 2, reason)]
    strict = Reader(write(tmp_path / "a", line), format, strict=True)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{tmp_path}/a:1: {reason}')}$"):
        list(strict)


@pytest.mark.parametrize("chunk", [1, 50, 4 << 20])
@pytest.mark.parametrize("threads", [1, 7])
def test_strict_delivers_what_came_before(chunk: int, threads: int) -> None:
    text = b"1 3:1\n" * 25 + b"broken\n" + b"1 4:1\n" * 25 + b"broken again\n"
    reader = Reader(io.BytesIO(text), Format("libsvm"), strict=True, batch=10, chunk=chunk, threads=threads)
    batches = reader.read()
    assert [len(b) for b in itertools.islice(batches, 3)] == [10, 10, 5]
    with pytest.raises(ValueError, match="<stream>:26: label"):
        next(batches)
    assert (reader.counts.lines, reader.counts.examples, reader.counts.malformed) == (26, 25, 1)


def test_crosses_that_explode_are_malformed() -> None:
    words = " ".join(map(str, range(1100)))
    format = Format("vw", columns=["a", "b"], crosses=[("a", "b")])
    _, reader = read(f"1 |a {words} |b {words}\n1 |a 1 |b 2\n".encode(), format)
    assert (reader.counts.examples, reader.counts.malformed) == (1, 1)
    assert reader.counts.first[0][2] == "crosses: expected at most 1048576 features of an example"


# --- tables


def test_columns_by_name(tmp_path: Path) -> None:
    """The header decides where columns are; others are ignored; ids do not change."""
    format = Format("csv", columns={"y": "label", "s": "categorical", "x": "numeric"}, crosses=[("s", "x")])
    want, _ = read(b"y,s,x\n1,a,5\n", format)
    for text in (b'x,new,"s",y\r\n5,?,a,1\r\n', b"s,y,x,z\na,1,5,\n", b"\xef\xbb\xbfy,x,s\n1,5,a"):
        found, _ = read(text, format, chunk=3)
        assert found is not None
        assert want is not None
        assert sorted(found.ids.tolist()) == sorted(want.ids.tolist())
    for text, words in ((b"y,s\n", "no column 'x'"), (b"y,s,x,x\n", "more than one column 'x'")):
        with pytest.raises(ValueError, match=f"<stream>: {words} in its header; it has y, s, x|y, s"):
            read(text, format)


def test_parquet_is_csv(tmp_path: Path) -> None:
    """A parquet or Arrow file gives the batches of the same table as text."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is missing")
    feather = pytest.importorskip("pyarrow.feather", reason="pyarrow is missing")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing")
    rng = np.random.default_rng(0)
    n = 5000
    columns = {
        "y": rng.integers(0, 2, n).astype(float).tolist(),
        "price": [
            None if u < 0.1 else float(round(x, 3)) for u, x in zip(rng.random(n), rng.normal(0, 50, n), strict=True)
        ],
        "site": [None if u < 0.1 else f"s{i}" for u, i in zip(rng.random(n), rng.integers(0, 50, n), strict=True)],
        "w": rng.integers(1, 4, n).astype(float).tolist(),
        "age": rng.integers(0, 90, n).tolist(),
        "app": rng.integers(0, 9, n).tolist(),
        "left": ["x"] * n,
    }
    columns["y"][7] = 2.0
    columns["y"][8] = None
    columns["w"][9] = -1.0
    columns["price"][10] = float("inf")
    roles = {k: v for k, v in COLUMNS.items() if k != "id"}
    text = io.BytesIO()
    rows = zip(*columns.values(), strict=True)
    text.write((",".join(columns) + "\n").encode())
    text.write("".join(",".join("" if c is None else str(c) for c in row) + "\n" for row in rows).encode())
    format = Format("csv", columns=roles, crosses=[("site", "app")])
    want = list(Reader(io.BytesIO(text.getvalue()), format, batch=700))
    table = pyarrow.table(columns)
    table = table.set_column(2, "site", table["site"].dictionary_encode())
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1234)
    feather.write_feather(table, tmp_path / "a.arrow", chunksize=999)
    for file in ("a.parquet", "a.arrow"):
        for threads in (1, 7):
            reader = Reader(tmp_path / file, format.replaced(name="parquet"), batch=700, threads=threads)
            assert all_same(reader, want)
            assert (reader.counts.lines, reader.counts.malformed) == (n, 4)
            assert [line for _, line, _ in reader.counts.first] == [8, 9, 10, 11]
            assert reader.counts.bytes == reader.size
    assert Format.from_file(tmp_path / "a.parquet", {"y": "label"}, name="parquet").field_names[-1] == "left"
    unlabelled = list(Reader(tmp_path / "a.parquet", format.replaced(name="parquet"), labelled=False))
    assert sum(map(len, unlabelled)) == n - 1  # an infinite price
    data = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(BrokenFile, match=r"b\.parquet: truncated, damaged or no parquet file"):
        list(Reader(write(tmp_path / "b.parquet", data[:-100]), format.replaced(name="parquet")))
    with pytest.raises(ValueError, match=r"column 'left' cannot be numeric"):
        list(Reader(tmp_path / "a.parquet", Format("parquet", columns={"y": "label", "left": "numeric"})))


# --- caches


def examples_of(batches: Iterable[Batch]) -> list[bytes]:
    """Each example as bytes."""
    return [
        b"|".join(b"" if a is None else a.tobytes() for a in arrays(b[i : i + 1]).values())
        for b in batches
        for i in range(len(b))
    ]


@each_format
def test_cache_is_the_reader(case: str, tmp_path: Path) -> None:
    name, options = FORMATS[case]
    reader = Reader(write(tmp_path / "text", text_of(case, 1, 150)), Format(name, **options), batch=10)
    want = list(reader)
    for block in (None, 1, 7, 1000):
        cached = cache(reader, tmp_path / "cache", block=block)
        assert cached.format == reader.format
        assert cached.source == reader.counts
        assert len(cached) == reader.counts.examples
        for _ in range(2):
            assert all_same(cached, want)
        assert same(Batch.join(CacheReader(tmp_path / "cache", batch=13)), Batch.join(want))
        assert cached.counts.examples == len(cached)


def test_cache_of_a_cache(tmp_path: Path) -> None:
    reader = Reader(io.BytesIO(text_of("vw", 1, 50)), Format("vw"), batch=5)
    first = cache(reader, tmp_path / "first")
    second = cache(first, tmp_path / "second", block=3)
    assert all_same(second, first)


def test_shuffle(tmp_path: Path) -> None:
    """Seeds give permutations: each its own, always the same, of all examples."""
    reader = Reader(io.BytesIO(b"".join(b"1 %d:0.5\n" % i for i in range(1000))), Format("libsvm"), batch=64)
    cached = cache(reader, tmp_path / "cache")
    orders = [np.concatenate([b.ids for b in cached.read(shuffle=seed)]).tolist() for seed in (1, 2, 1)]
    assert orders[0] == orders[2] != orders[1]
    assert all(sorted(order) == list(range(1000)) for order in orders)
    assert all(abs(np.corrcoef(order, range(1000))[0, 1]) < 0.6 for order in orders)
    again = CacheReader(tmp_path / "cache", shuffle=2)
    assert np.concatenate([b.ids for b in again]).tolist() == orders[1]
    rest = np.concatenate([b.ids for b in cached.read(300, shuffle=1)]).tolist()
    assert rest == orders[0][300:]
    texts = text_of("csv-raw-tabs", 1, 300)
    rich = cache(
        Reader(io.BytesIO(texts), Format(*FORMATS["csv-raw-tabs"][:1], **FORMATS["csv-raw-tabs"][1])),
        tmp_path / "d",
        block=16,
    )
    assert sorted(examples_of(rich.read(shuffle=5))) == sorted(examples_of(rich.read()))


def test_bad_caches(tmp_path: Path) -> None:
    reader = Reader(io.BytesIO(text_of("libsvm", 1, 150)), Format("libsvm"), batch=10)
    cache(reader, tmp_path / "good")
    data = (tmp_path / "good").read_bytes()
    assert len(data) > 1000

    def refuses(changed: bytes, words: str) -> None:
        with pytest.raises(ValueError, match=f"bad: {words}"):
            list(CacheReader(write(tmp_path / "bad", changed)))

    refuses(b"", "truncated, or no cache of schuss")
    refuses(b"1 2:3\n" * 100, "no cache of schuss")
    refuses(data[:8] + b"\x02" + data[9:], "a cache of version 2, this schuss reads 1; write it again")
    for cut in (20, 100, len(data) // 2, len(data) - 1):
        refuses(data[:cut], "truncated")
    at = data.index(b"\0\0\0\0", 400) + 300  # in the first block
    refuses(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], r"damaged in block \d; write the cache again")
    refuses(data[:-60] + bytes([data[-60] ^ 1]) + data[-59:], "its index is damaged; write the cache again")
    with pytest.raises(FileNotFoundError):
        CacheReader(tmp_path / "none")


def test_full_disk_leaves_the_old_cache(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for the disk."""
    code = """
import io, os, resource, sys
from schuss.data import *
text = b"".join(b"1 %d:0.5\\n" % i for i in range(100_000))
reader = Reader(io.BytesIO(text), Format("libsvm"))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    cache(reader, sys.argv[1])
except OSError as error:
    print(error.errno, error.filename, sorted(os.listdir(os.path.dirname(sys.argv[1]))))
"""
    path = write(tmp_path / "cache", b"old")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(schuss.__file__).parents[1])},
        timeout=60,
    )
    assert done.stdout.strip() == f"{errno.EFBIG} {path} ['cache']", done.stderr
    assert path.read_bytes() == b"old"


def test_broken_input_leaves_the_old_cache(tmp_path: Path) -> None:
    path = write(tmp_path / "cache", b"old")
    with pytest.raises(ValueError, match="label"):
        cache(Reader(io.BytesIO(b"1 1:1\nx\n"), Format("libsvm"), strict=True), path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["cache"]


# --- batches of one's own


def dense(batch: Batch, bits: int) -> Array:
    out = np.zeros((len(batch), 2**bits))
    rows = np.repeat(np.arange(len(batch)), np.diff(batch.indptr))
    np.add.at(out, (rows, batch.ids), 1 if batch.values is None else batch.values)
    return out


@st.composite
def ragged(draw: Any) -> tuple[list[int], list[int], list[float] | None, list[int] | None]:
    lengths = draw(st.lists(st.integers(0, 6), max_size=6))
    n = sum(lengths)
    ids = draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))
    values = draw(st.none() | st.lists(st.sampled_from([1.0, 2.0, -0.5]), min_size=n, max_size=n))
    fields = draw(st.none() | st.lists(st.integers(0, 2), min_size=n, max_size=n))
    return list(itertools.accumulate(lengths, initial=0)), ids, values, fields


@given(ragged())
def test_of_merges(case: tuple[list[int], list[int], list[float] | None, list[int] | None]) -> None:
    indptr, ids, values, fields = case
    batch = Batch.of(indptr, ids, values, fields, bits=3)
    examples = []
    for a, b in itertools.pairwise(indptr):
        some: dict[tuple[int, int], Any] = {}
        for k in range(a, b):
            key = (ids[k], 0 if fields is None else fields[k])
            some[key] = some.get(key, np.float32(0)) + np.float32(1 if values is None else values[k])  # none is -0
        examples.append((0, 1, [(id, f, v) for (id, f), v in some.items()]))
    want = expected(examples, fields=fields is not None)
    assert len(batch) == len(examples)
    if want is not None:
        for name in ("indptr", "ids", "values", "fields", "repeats"):
            np.testing.assert_array_equal(getattr(batch, name), getattr(want, name), err_msg=name)


def test_many_equal_ids() -> None:
    """More than the quick look can tell apart."""
    ids = np.tile(np.arange(1000), 3)
    batch = Batch.of([0, 3000], ids, bits=10)
    assert batch.ids.tolist() == list(range(1000))
    assert batch.values is not None
    assert (batch.values == 3).all()
    apart = Batch.of([0, 3000], ids, None, np.repeat([0, 1, 2], 1000), bits=10)
    assert (len(apart.ids), apart.repeats.tolist()) == (3000, [1])


def test_from_csr() -> None:
    from scipy import sparse

    rng = np.random.default_rng(0)
    matrix = sparse.random(20, 8, 0.4, format="csr", random_state=rng)
    batch = Batch.from_csr(matrix, rng.integers(0, 2, 20), bits=3)
    np.testing.assert_array_equal(dense(batch, 3), matrix.toarray().astype(np.float32))
    np.testing.assert_array_equal(dense(Batch.from_csr(matrix.tocsc(), bits=3), 3), dense(batch, 3))
    np.testing.assert_array_equal(dense(Batch.from_csr(matrix[5:9], bits=3), 3), dense(batch[5:9], 3))
    with pytest.raises(ValueError, match=r"matrix: expected at most 2\*\*bits = 4 columns, got 8"):
        Batch.from_csr(matrix, bits=2)
    with pytest.raises(TypeError, match=r"matrix: expected a scipy.sparse matrix, got ndarray"):
        Batch.from_csr(matrix.toarray(), bits=3)


def test_slices() -> None:
    batch = Batch.of([0, 2, 2, 5, 6], [1, 2, 3, 4, 5, 6], [1, 1, 2, 1, 1, 1], labels=[0, 1, 0, 1], bits=3)
    for a, b in itertools.combinations(range(5), 2):
        some = batch[a:b]
        assert len(some) == b - a
        np.testing.assert_array_equal(dense(some, 3), dense(batch, 3)[a:b])
        assert some.indptr[0] == 0
    assert batch[3:].values is None  # all of them are 1
    assert len(batch[2:1]) == 0
    assert same(Batch.join([batch[:1], batch[1:3], batch[3:]]), batch)
    with pytest.raises(TypeError, match=r"batch: expected a slice of examples, got int; use batch\[i:i \+ 1\]"):
        batch[0]  # type: ignore[index]
    with pytest.raises(ValueError, match="step 1"):
        batch[::2]
    with pytest.raises(ValueError, match="expected at least one"):
        Batch.join([])


def test_batches_that_were_not_checked() -> None:
    batch = Batch.of([0, 2], [1, 2], [1, 2], bits=3)
    for name, found in (("values", np.ones(2)), ("ids", [1, 2]), ("ids", np.arange(4, dtype=np.uint32)[::2])):
        other = Batch(**{**arrays(batch), name: found})
        with pytest.raises((TypeError, ValueError), match=f"{name}: expected"):
            other.taken([0])


BAD_ARRAYS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no starts": ({"indptr": []}, ValueError, r"indptr: expected n \+ 1 numbers"),
    "starts fall": ({"indptr": [0, 2, 1, 3]}, ValueError, r"indptr: expected to rise from 0 to len\(ids\) = 3"),
    "starts end early": ({"indptr": [0, 2]}, ValueError, r"indptr: expected to rise"),
    "starts start late": ({"indptr": [1, 3]}, ValueError, r"indptr: expected to rise"),
    "starts negative": ({"indptr": [-1, 3]}, IndexError, r"indptr: expected 0"),
    "float ids": ({"ids": [1.0, 2.0, 3.0]}, TypeError, r"ids: expected whole numbers, got float64; use .astype"),
    "large id": ({"ids": [1, 8, 2]}, IndexError, r"ids: expected 0 to below 2\*\*bits = 8; use more bits.*, got 8"),
    "negative id": ({"ids": [1, -1, 2]}, IndexError, r"ids: .* got -1"),
    "matrix": ({"ids": [[1, 2, 3]]}, ValueError, r"ids: expected one dimension, got shape \(1, 3\)"),
    "few values": ({"values": [1, 2]}, ValueError, r"values: expected shape \(3,\), got \(2,\)"),
    "nan value": ({"values": [1, np.nan, 2]}, ValueError, r"values: expected finite numbers, got nan at 1"),
    "large value": ({"values": [1, 1e39, 2]}, ValueError, r"values: expected finite numbers, got 1e\+39 at 1"),
    "text values": ({"values": ["a", "b", "c"]}, TypeError, r"values: expected real numbers"),
    "few fields": ({"fields": [1, 2]}, ValueError, r"fields: expected shape \(3,\) as ids, got \(2,\)"),
    "large field": ({"fields": [1, 2, 65536]}, IndexError, r"fields: .* got 65536"),
    "labels": ({"labels": [1]}, ValueError, r"labels: expected shape \(2,\), got \(1,\)"),
    "nan label": ({"labels": [1, np.nan]}, ValueError, r"labels: expected finite"),
    "negative weight": ({"weights": [1, -1]}, ValueError, r"weights: expected at least 0, got -1"),
    "sum": ({"ids": [1, 1, 1], "values": [3e38, 3e38, 1]}, ValueError, r"values: the sum for an id of example 0"),
    "bits": ({"bits": 33}, ValueError, r"bits: expected 1 to 32, got 33"),
    "bits text": ({"bits": "3"}, TypeError, r"bits: expected a whole number, got str"),
}


@pytest.mark.parametrize(("change", "error", "words"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_of_refuses(change: dict[str, Any], error: type[Exception], words: str) -> None:
    usual: dict[str, Any] = {"indptr": [0, 2, 3], "ids": [1, 2, 3], "bits": 3}
    assert len(Batch.of(**usual)) == 2
    with pytest.raises(error, match=words):
        Batch.of(**{**usual, **change})


# --- formats


@each_format
def test_json(case: str) -> None:
    name, options = FORMATS[case]
    format = Format(name, **options)
    data = json.loads(json.dumps(format.to_json()))
    assert Format.from_json(data) == format
    assert hash(Format.from_json(data)) == hash(format)
    assert data["function"] == "schuss64-1"


BAD_FORMATS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "name": ({"name": "tsv"}, ValueError, r"name: expected one of criteo, .*, got 'tsv'"),
    "numeric": ({"numeric": "bins"}, ValueError, r"numeric: expected one of log, raw, plain, got 'bins'"),
    "labels": ({"labels": "multi"}, ValueError, r"labels: expected one of"),
    "hash": ({"hash": "none"}, ValueError, r"hash: expected one of"),
    "bits": ({"bits": 0}, ValueError, r"bits: expected 1 to 32, got 0"),
    "seed": ({"seed": -1}, ValueError, r"seed: expected 0 to 2\*\*64 - 1, got -1"),
    "seed text": ({"seed": "x"}, TypeError, r"seed: expected a whole number, got str"),
    "cross": ({"crosses": [(1, 40)]}, ValueError, r"crosses: expected fields 1 to 39, got 40"),
    "cross zero": ({"crosses": [(0, 1)]}, ValueError, r"crosses: expected fields 1 to 39, got 0"),
    "cross name": ({"crosses": [("C1", "C27")]}, ValueError, r"crosses: there is no field 'C27'; there are I1, "),
    "cross itself": ({"crosses": [(1, "I1")]}, ValueError, r"crosses: expected two different fields, got \(1, 'I1'\)"),
    "cross of three": ({"crosses": [(1, 2, 3)]}, TypeError, r"crosses: expected pairs of fields, got \(1, 2, 3\)"),
    "cross text": ({"crosses": "1,2"}, TypeError, r"crosses: expected pairs of fields, got '1,2'"),
    "cross of libsvm": (
        {"name": "libsvm", "crosses": [(1, 2)]},
        ValueError,
        r"crosses: libsvm has no named fields to cross",
    ),
    "cross of vw": ({"name": "vw", "crosses": [(1, 2)]}, ValueError, r"list the namespaces with columns="),
    "no columns": (
        {"name": "csv"},
        ValueError,
        r"columns: csv needs the columns with their roles; see Format.from_file",
    ),
    "columns of criteo": ({"columns": ["a"]}, ValueError, r"columns: criteo has none to choose"),
    "role": ({"name": "csv", "columns": {"a": "text"}}, ValueError, r"columns: 'a': expected one of the roles label,"),
    "names alone": ({"name": "csv", "columns": ["abc"]}, TypeError, r"columns: expected \{name: role\}"),
    "two labels": (
        {"name": "csv", "columns": {"a": "label", "b": "label"}},
        ValueError,
        r"columns: expected at most one label, got \['a', 'b'\]",
    ),
    "twice": ({"name": "vw", "columns": ["a", "a"]}, ValueError, r"columns: 'a' is there twice"),
    "delimiter": ({"delimiter": ",,"}, ValueError, r"delimiter: expected one ASCII character, got ',,'"),
    "quote": ({"delimiter": '"'}, ValueError, r"delimiter: '\"' is a quote or a line end"),
    "header": ({"header": 1}, TypeError, r"header: expected True or False, got 1"),
}


@pytest.mark.parametrize(("options", "error", "words"), BAD_FORMATS.values(), ids=BAD_FORMATS)
def test_format_refuses(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Format(**{"name": "criteo", **options})


def test_json_refuses() -> None:
    good = Format("criteo").to_json()
    with pytest.raises(ValueError, match=r"expected the hash schuss64-1, got 'md5'"):
        Format.from_json({**good, "function": "md5"})
    with pytest.raises(ValueError, match=r"unknown option 'later'"):
        Format.from_json({**good, "later": 1})


BAD_READERS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "format": ({"format": "criteo"}, TypeError, r'format: expected a Format, got str; use Format\("criteo"\)'),
    "no file": ({"paths": "/no/file"}, FileNotFoundError, r"paths: there is no file '/no/file'"),
    "no match": ({"paths": "/no/*.gz"}, FileNotFoundError, r"paths: no file fits '/no/\*\.gz'"),
    "no paths": ({"paths": []}, ValueError, r"paths: expected at least one, got an empty list"),
    "number": ({"paths": 3}, TypeError, r"paths: expected paths or binary files, got int"),
    "numbers": ({"paths": [3]}, TypeError, r"paths: expected a path or a binary file, got int"),
    "folder": ({"paths": "/tmp"}, IsADirectoryError, r"paths: '/tmp' is a folder; use '/tmp/\*'"),
    "batch": ({"batch": 0}, ValueError, r"batch: expected 1 to 2147483648, got 0"),
    "batch text": ({"batch": "8"}, TypeError, r"batch: expected a whole number, got str"),
    "chunk": ({"chunk": 0}, ValueError, r"chunk: expected 1 to"),
    "threads": ({"threads": 0}, ValueError, r"threads: expected 1 to 256, got 0"),
    "strict": ({"strict": 1}, TypeError, r"strict: expected True or False, got 1"),
    "no label": (
        {"format": Format("csv", columns={"x": "numeric"})},
        ValueError,
        r"format: no column has the role label; name it in columns, or use labelled=False",
    ),
}


@pytest.mark.parametrize(("options", "error", "words"), BAD_READERS.values(), ids=BAD_READERS)
def test_reader_refuses(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Reader(**{"paths": io.BytesIO(), "format": Format("libsvm"), **options})


def test_text_file_is_refused() -> None:
    with pytest.raises(TypeError, match=r"paths: expected a binary file, which reads bytes, got str; open it 'rb'"):
        list(Reader(io.StringIO("1 2:3\n"), Format("libsvm")))


def test_errors_of_the_file_come_through() -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(Reader(Failing(), Format("libsvm")))
