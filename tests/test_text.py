"""Vocabulary and tokens: against an oracle in plain Python; the same however text is cut; bad input; planted analogies.

Three laws carry most of it: words, counts and sentences are the oracle's; neither chunks nor pieces, threads or files
show in them; what is refused changes nothing.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import text_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from schuss import Vectors
from schuss.cli import app
from schuss.data import BrokenFile
from schuss.make_text import Text, write
from schuss.text import Tokens, Vocabulary, corpus, count, encoding, phrases
from schuss.text.lower import lower_table, lowered

SHARED = Path(os.environ.get("SCHUSS_SHARED", Path(__file__).parents[2] / "shared")) / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("text")


class Cuts(pytest.MonkeyPatch):
    """Chunks and pieces of other sizes."""

    def __init__(self, chunk: int, piece: int) -> None:
        super().__init__()
        self.sizes = chunk, piece

    def __enter__(self) -> None:
        self.setattr(corpus, "CHUNK", self.sizes[0])
        for module in (count, encoding, phrases):
            self.setattr(module, "PIECE", self.sizes[1])

    def __exit__(self, *unused: object) -> None:
        self.undo()


def sentences(tokens: Tokens) -> list[list[int]]:
    return [sentence.tolist() for sentence in tokens]


# ---- against the oracle ---------------------------------------------------------------------------------------------

WORDS = [b"a", b"A", b"to", b"TO", b"sixteen_letters_", b"seventeen_letters", b"seventeen_letterS", b"x" * 33]
WORDS += [b"a\0", b"\0", "é".encode(), "É".encode(), "İ".encode(), "ΣΑΣ".encode(), "ß東京".encode(), "Ⱥ".encode()]
WORDS += [b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"ab\xf0\x9f\x98", b"\xc3\xc3\xa9", b"\xf5a", "\ufffd".encode()]
WORDS += [b"new", b"york", b"new_york", "\ufeff".encode(), b"y" * 4096, b"y" * 4097, b"\xff" * 4097]
WHITE = [b" ", b"  ", b"\n", b"\r\n", b"\t", b"\v\f", b"\n\n", b"\x1c", b"\xc2\x85", b"\xc2\xa0", b""]

texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WHITE)), max_size=60).map(
    lambda parts: b"".join(a + b for a, b in parts)
)


@settings(max_examples=150)
@given(
    data=texts,
    chunk=st.sampled_from([1, 2, 3, 7, 64, 5000, 1 << 22]),
    piece=st.sampled_from([1, 5, 64, 1 << 18]),
    threads=st.sampled_from([1, 2, 7]),
    least=st.sampled_from([1, 2]),
    lower=st.booleans(),
    threshold=st.sampled_from([None, 0.1, 1.5]),
    most=st.sampled_from([None, 3]),
)
def test_the_oracle_however_it_is_cut(folder, data, chunk, piece, threads, least, lower, threshold, most):
    path = folder / "text"
    path.write_bytes(data)
    lines, invalid = oracle.lines_of(data, lower)
    if threshold is not None:
        lines = oracle.joined(lines, oracle.learned(lines, least, threshold))
    expected = oracle.ranked(Counter(word for line in lines for word in line), least, most)
    if len(expected) < 2:
        with pytest.raises(ValueError, match=r"source: an empty corpus|min_count: (one|no) word"):
            Vocabulary.count(path, least, most, threshold, lower)
        return
    with Cuts(chunk, piece):
        v = Vocabulary.count(path, least, most, threshold, lower, threads)
        tokens = v.encode(path, threads=threads)
    assert list(zip(v.words, v.counts.tolist(), strict=True)) == expected
    assert (v.total, v.invalid) == (sum(map(len, lines)), invalid)
    assert sentences(tokens) == [s for s in oracle.encoded(lines, v.words) if s]
    assert (tokens.ids.dtype, tokens.indptr.dtype) == (np.uint32, np.int64)


@settings(max_examples=60)
@given(data=texts, more=texts, lower=st.booleans(), threshold=st.sampled_from([None, 0.1]), least=st.integers(1, 2))
def test_growing_is_the_oracles(folder, data, more, lower, threshold, least):
    data, more = data + b"\nthird third\nthird one two one two\none two", more + b"\none two three three\n"
    (folder / "old").write_bytes(data)
    (folder / "new").write_bytes(more)
    v = Vocabulary.count(folder / "old", 2, None, threshold, lower)
    larger = v.grow(folder / "new", least)
    lines, invalid = oracle.lines_of(more, lower)
    lines = oracle.joined(lines, set(v.phrases))
    counts = Counter(word for line in lines for word in line)
    old = dict(zip(v.words, v.counts.tolist(), strict=True))
    fresh = [(word, n) for word, n in oracle.ranked(counts, least) if word not in old]
    assert larger.words == [*old, *(word for word, _ in fresh)]
    assert larger.counts.tolist() == [n + counts[word] for word, n in old.items()] + [n for _, n in fresh]
    assert larger.total == v.total + sum(map(len, lines))
    assert larger.invalid == v.invalid + invalid
    assert (larger.lower, larger.phrases) == (v.lower, v.phrases)
    assert sentences(larger.encode(folder / "new")) == [s for s in oracle.encoded(lines, larger.words) if s]


@settings(max_examples=40)
@given(st.lists(st.lists(st.text(max_size=6), max_size=8), min_size=1, max_size=30), st.booleans())
def test_lists_of_words_are_words_as_they_are(items, lower):
    items = [*items, ["new york", "\ud800", "new york", "ÀB"], []]
    normal = lowered if lower else str
    words = [[normal(w.encode("utf-8", "surrogatepass").decode("utf-8", "replace")) for w in s if w] for s in items]
    v = Vocabulary.count(items, 1, lower=lower)
    assert list(zip(v.words, v.counts.tolist(), strict=True)) == oracle.ranked(Counter(w for s in words for w in s), 1)
    assert sentences(v.encode(items)) == [[v.index(w) for w in s] for s in words if s]
    assert v.encode(tuple(s) for s in items).ids.tolist() == v.encode(items).ids.tolist()


def test_all_characters_are_lowered_as_python_does():
    text = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and not chr(c).isspace())
    items = [[text[i : i + 20] for i in range(0, len(text), 20)]]
    v = Vocabulary.count(items, 1, lower=True)
    assert set(v.words) == {lowered(word) for word in items[0]}
    assert all(lowered(c) == c.lower() for c in text)
    assert lowered("ΟΔΟΣ") == "οδοσ"
    assert not lower_table().flags.writeable


@settings(max_examples=100)
@given(st.binary(max_size=24).filter(lambda b: b.split() == [b]))
def test_bytes_that_are_no_utf8_become_what_python_makes_of_them(data):
    v = Vocabulary.count(io.BytesIO(b"a b " + data), 1)
    assert set(v.words) == {"a", "b", data.decode("utf-8", "replace")}


def test_words_that_were_lowered_are_not_overwritten_while_others_wait():
    words = [f"É{i:x}" for i in range(5000)] + ["ÀÉ" * 900]
    v = Vocabulary.count(io.BytesIO(" ".join(words).encode()), 1, lower=True)
    assert sorted(v.words) == sorted(word.lower() for word in words)


def test_a_bar_changes_nothing(capsys):
    assert Vocabulary.count(BE, 2, progress=True).words == Vocabulary.count(BE, 2, progress=False).words
    assert "counting words" in capsys.readouterr().err


def test_a_large_vocabulary(folder):
    rng = random.Random(7)
    words = [f"{rng.randrange(40_000):x}" * rng.choice([1, 1, 1, 6]) for _ in range(200_000)]
    (folder / "large").write_text(" ".join(words))
    for threads in (1, 3):
        v = Vocabulary.count(folder / "large", 3, threads=threads)
        assert list(zip(v.words, v.counts.tolist(), strict=True)) == oracle.ranked(Counter(words), 3)
    ids = dict(zip(v.words, range(len(v)), strict=True))
    assert v.encode(folder / "large").ids.tolist() == [ids[w] for w in words if w in ids]


def test_sentences_are_cut_after_ten_thousand_words(folder):
    (folder / "long").write_text("b " + "a x " * 25_000 + "\na a\n" + "a " * 10_000 + "\nb a")
    v = Vocabulary.count(folder / "long", 2, max_vocab=2)
    assert v.words == ["a", "x"]
    with Cuts(1000, 300):
        tokens = v.encode(folder / "long")
    assert np.diff(tokens.indptr).tolist() == [10_000] * 5 + [2, 10_000, 1]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_compressed_files_and_lists_of_files(folder, pack):
    suffix = {"gzip": "gz", "bz2": "bz2", "lzma": "xz"}[pack.__module__]
    (folder / f"one.{suffix}").write_bytes(pack(b"\xef\xbb\xbfto be or"))
    (folder / "two").write_bytes(b"\xef\xbb\xbfnot to be\n")
    v = Vocabulary.count([folder / f"one.{suffix}", str(folder / "two")], 2)
    assert (v.words, v.total) == (["be", "to"], 6)
    assert sentences(v.encode([folder / f"one.{suffix}", folder / "two"])) == [[1, 0], [1, 0]]


def test_zst(folder):
    pyarrow = pytest.importorskip("pyarrow")
    (folder / "one.zst").write_bytes(pyarrow.compress(b"to be or not to be", codec="zstd", asbytes=True))
    assert Vocabulary.count(folder / "one.zst", 2).words == ["be", "to"]


def test_standard_input():
    code = "from schuss.text import Vocabulary; print(Vocabulary.count('-', 2).words)"
    result = subprocess.run([sys.executable, "-c", code], input=b"to be or not to be", capture_output=True, check=True)
    assert result.stdout == b"['be', 'to']\n"


class Again:
    """Sentences that can be iterated over again and again."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


def test_strings_and_lists_of_an_iterable():
    items = Again("to be  or\nnot", ["to be", "or"], ("to", "be"), iter(["to"]), "be")
    v = Vocabulary.count(items, 1)
    assert dict(zip(v.words, v.counts.tolist(), strict=True)) == {"to": 3, "be": 3, "or": 2, "not": 1, "to be": 1}
    items = Again("to be  or\nnot", ["to be", "or"], ("to", "be"), iter(["to"]), "be")
    found = [[v.words[i] for i in s] for s in v.encode(items)]
    assert found == [["to", "be", "or"], ["not"], ["to be", "or"], ["to", "be"], ["to"], ["be"]]


def test_phrases_of_an_iterable_that_starts_anew():
    items = Again(*["we saw new york", ["in", "new", "york"]] * 3)
    v = Vocabulary.count(items, 2, phrases=1.5)
    assert v.words[0] == "new_york"
    assert v.phrases == [("new", "york"), ("we", "saw")]
    assert v.total == 21 - 6 - 3
    assert v.encode(items).ids.tolist() == [v.index(w) for w in ("we_saw", "new_york", "in", "new_york")] * 3


@pytest.mark.skipif(not (SHARED / "text").is_dir(), reason="no shared data")
def test_a_real_text():
    with lzma.open(SHARED / "text" / "wiki_en_slice.txt.xz") as file:
        data = file.read(3_000_000)
    v = Vocabulary.count(io.BytesIO(data), 5, lower=True)
    lines, _ = oracle.lines_of(data, True)
    assert list(zip(v.words, v.counts.tolist(), strict=True)) == oracle.ranked(
        Counter(word for line in lines for word in line), 5
    )
    assert v.total > 1e5


# ---- one hundred megabytes in a line --------------------------------------------------------------------------------

LONG = """
import resource, sys
from schuss.text import Vocabulary
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
v = Vocabulary.count(sys.argv[1], 2, threads=2)
tokens = v.encode(sys.argv[1], cache=sys.argv[1] + ".tokens", threads=2)
print(v.total, len(v), len(tokens), len(tokens.ids), peak() - before)
"""


def test_a_line_of_one_hundred_megabytes_needs_little_memory(folder):
    with open(folder / "line", "wb") as file:
        for _ in range(100):
            file.write(b"z" * 90_000 + b" " + b"one two three four " * 47_000 + b"word ")
    result = subprocess.run([sys.executable, "-c", LONG, folder / "line"], capture_output=True, check=True, text=True)
    total, words, lines, ids, peak = map(int, result.stdout.split())
    assert (total, words, ids) == (100 * (4 * 47_000 + 2), 5, 100 * (4 * 47_000 + 1))
    assert lines == -(-ids // 10_000)
    assert peak < 80_000, "KiB"
    os.unlink(folder / "line")


# ---- the vocabulary -------------------------------------------------------------------------------------------------

BE = [["to", "be", "or", "not", "to", "be"], ["be", "quick"]]


def test_asking_for_words():
    v = Vocabulary.count(BE, 2)
    assert (len(v), list(v), v.index("to"), "to" in v, "or" in v, 3 in v) == (2, ["be", "to"], 1, True, False, False)
    assert v.counts.dtype == np.int64
    with pytest.raises(KeyError, match="word: 'too' is not among the 2 words; near spellings: 'to'"):
        v.index("too")
    with pytest.raises(KeyError, match=re.escape("word: [] is not among the 2 words; no word is spelled nearly so")):
        v.index([])


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("threshold", [None, 0.1])
def test_arrays_give_the_vocabulary_back(lower, threshold):
    items = [["New", "York", "é"], ["New", "York", "new york"]] * 3
    v = Vocabulary.count(items, 1, phrases=threshold, lower=lower)
    same = Vocabulary.from_arrays(v.to_arrays())
    for name in ("words", "total", "invalid", "lower", "phrases"):
        assert getattr(same, name) == getattr(v, name)
    assert same.counts.tolist() == v.counts.tolist()
    assert same.encode(items).ids.tolist() == v.encode(items).ids.tolist()
    assert all(isinstance(a, np.ndarray) and a.dtype.kind in "iu" for a in v.to_arrays().values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": None}, "there is no 'offsets'"),
        ({"counts": np.zeros(3, np.int64)}, "their lengths do not fit together"),
        ({"counts": np.zeros(2)}, "counts: expected one dimension of int64, got float64"),
        ({"offsets": np.array([0, 5, 4])}, "offsets do not fit the bytes"),
        ({"offsets": np.array([1, 2, 4])}, "offsets do not fit the bytes"),
        ({"facts": np.zeros(2, np.int64)}, "their lengths do not fit together"),
    ],
)
def test_arrays_that_do_not_fit(change, message):
    arrays = {**Vocabulary.count(BE, 2).to_arrays(), **change}
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_arrays({k: a for k, a in arrays.items() if a is not None})


# ---- the cache ------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    (tmp_path / "text").write_text("to be or not to be\nbe quick\n")
    return tmp_path


def test_a_cache_holds_the_same(files):
    v = Vocabulary.count(files / "text", 2)
    mapped = v.encode(files / "text", cache=files / "cache")
    assert sentences(mapped) == sentences(v.encode(files / "text")) == sentences(Tokens.load(files / "cache"))
    assert not mapped.ids.flags.writeable
    assert not mapped.ids.flags.owndata
    assert sorted(p.name for p in files.iterdir()) == ["cache", "text"]


def test_a_cache_is_read_again_while_nothing_has_changed(files):
    v = Vocabulary.count(files / "text", 2)
    v.encode(files / "text", cache=files / "cache")
    before = os.stat(files / "cache").st_ino
    v.encode(files / "text", cache=files / "cache")
    assert os.stat(files / "cache").st_ino == before
    (files / "text").write_text("to to to be be\n")
    assert v.encode(files / "text", cache=files / "cache").ids.tolist() == [1, 1, 1, 0, 0]
    larger = v.grow([["quick"]], 1)
    (files / "text").write_text("quick be\n")
    os.utime(files / "text", ns=(0, 0))
    assert v.encode(files / "text", cache=files / "cache").ids.tolist() == [0]
    assert larger.encode(files / "text", cache=files / "cache").ids.tolist() == [2, 0]


def test_sentences_in_memory_are_never_taken_from_a_cache(files):
    v = Vocabulary.count(BE, 2)
    assert v.encode(BE, cache=files / "cache").ids.tolist() == [1, 0, 1, 0, 0]
    assert v.encode([["to", "to"]], cache=files / "cache").ids.tolist() == [1, 1]


def test_a_cache_that_breaks_off_is_written_again(files):
    v = Vocabulary.count(files / "text", 2)
    expected = sentences(v.encode(files / "text", cache=files / "cache"))
    whole = (files / "cache").read_bytes()
    for size in (10, 40, len(whole) - 1):
        (files / "cache").write_bytes(whole[:size])
        with pytest.raises(ValueError, match="truncated; write it again"):
            Tokens.load(files / "cache")
        assert sentences(v.encode(files / "text", cache=files / "cache")) == expected
    (files / "cache").write_bytes(whole[:20] + b"?" + whole[21:])
    with pytest.raises(ValueError, match="damaged; write it again"):
        Tokens.load(files / "cache")


def test_a_file_of_another_kind_is_not_replaced(files):
    v = Vocabulary.count(files / "text", 2)
    for content in ("my novel", ""):
        (files / "novel").write_text(content)
        with pytest.raises(ValueError, match=r"cache: .*novel: no file of tokens; name another file"):
            v.encode(files / "text", cache=files / "novel")
        assert (files / "novel").read_text() == content


def test_a_refused_text_leaves_the_cache(files):
    v = Vocabulary.count(files / "text", 2)
    v.encode(files / "text", cache=files / "cache")
    before = (files / "cache").read_bytes()
    (files / "other").write_text("nothing known\n")
    (files / "broken.gz").write_bytes(gzip.compress(b"to be " * 1000)[:-12])
    with pytest.raises(ValueError, match="none of its words is among the 2 of the vocabulary"):
        v.encode(files / "other", cache=files / "cache")
    with pytest.raises(BrokenFile, match="truncated"):
        v.encode(files / "broken.gz", cache=files / "cache")
    assert (files / "cache").read_bytes() == before
    assert sorted(p.name for p in files.iterdir()) == ["broken.gz", "cache", "other", "text"]


@pytest.mark.parametrize(
    ("ids", "indptr", "error"),
    [
        ([1, 2], np.array([0, 2]), TypeError),
        (np.zeros(2, np.uint32), np.array([0, 2], np.int32), TypeError),
        (np.zeros(2, np.uint32), np.array([0, 1]), ValueError),
        (np.zeros(2, np.uint32), np.empty(0, np.int64), ValueError),
    ],
)
def test_tokens_that_do_not_fit(ids, indptr, error):
    with pytest.raises(error, match=r"ids|indptr"):
        Tokens(ids, indptr)


def test_sentences_by_number():
    tokens = Vocabulary.count(BE, 2).encode(BE)
    assert tokens[-1].tolist() == tokens[1].tolist() == [0]
    with pytest.raises(IndexError, match="sentence: expected -2 to 1, got 2"):
        tokens[2]


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: Vocabulary.count([]), ValueError, "source: an empty corpus"),
        (lambda: Vocabulary.count(io.BytesIO(b"")), ValueError, "source: an empty corpus"),
        (lambda: Vocabulary.count(io.BytesIO(b" \n\t\r\n")), ValueError, "source: an empty corpus"),
        (lambda: Vocabulary.count([[], [""]]), ValueError, "source: an empty corpus"),
        (lambda: Vocabulary.count(BE, 4), ValueError, "min_count: no word comes at least 4 times in a text of 8 words"),
        (
            lambda: Vocabulary.count(BE, 3),
            ValueError,
            "min_count: one word comes at least 3 times in a text of 8 words",
        ),
        (lambda: Vocabulary.count(BE, 0), ValueError, "min_count: expected at least 1, got 0"),
        (lambda: Vocabulary.count(BE, 1.5), TypeError, "min_count: expected a whole number, got float"),
        (lambda: Vocabulary.count(BE, True), TypeError, "min_count: expected a whole number, got bool"),
        (lambda: Vocabulary.count(BE, 1, 1), ValueError, "max_vocab: expected at least 2, got 1"),
        (lambda: Vocabulary.count(BE, 1, "many"), TypeError, "max_vocab: expected a whole number, got str"),
        (
            lambda: Vocabulary.count(BE, 1, phrases=0),
            ValueError,
            "phrases: expected a threshold above 0, or None, got 0",
        ),
        (lambda: Vocabulary.count(BE, 1, phrases=float("nan")), ValueError, "phrases: expected a threshold above 0"),
        (lambda: Vocabulary.count(BE, 1, phrases=True), TypeError, "phrases: expected a threshold"),
        (
            lambda: Vocabulary.count(iter(BE), 1, phrases=1),
            ValueError,
            "source: phrases need to read it more than once",
        ),
        (lambda: Vocabulary.count("-", 1, phrases=1), ValueError, "source: phrases need to read it more than once"),
        (lambda: Vocabulary.count(BE, 1, lower=1), TypeError, "lower: expected True or False, got 1"),
        (lambda: Vocabulary.count(BE, 1, threads=0), ValueError, "threads: expected 1 to 256, got 0"),
        (lambda: Vocabulary.count(BE, 1, progress="x"), TypeError, "progress: expected True, False or None, got 'x'"),
        (lambda: Vocabulary.count(7), TypeError, "source: expected paths or an iterable of sentences"),
        (
            lambda: Vocabulary.count([1, 2]),
            TypeError,
            "source: expected sentences, lists of strings, got int as sentence 0",
        ),
        (lambda: Vocabulary.count([["a"], b"b"]), TypeError, "source: expected sentences, lists of strings, got bytes"),
        (lambda: Vocabulary.count([["a"], ["b", 7]]), TypeError, "tokens that are strings, got int in sentence 1"),
        (lambda: Vocabulary.count("none.txt"), FileNotFoundError, "source: there is no file 'none.txt'"),
        (lambda: Vocabulary.count(["a b", "c"]), FileNotFoundError, "for sentences in memory give lists of strings"),
        (lambda: Vocabulary.count("/"), IsADirectoryError, "source: '/' is a folder"),
        (lambda: Vocabulary.count(BE, 2).grow([[]]), ValueError, "source: an empty corpus"),
        (lambda: Vocabulary.count(BE, 2).grow(BE, 0), ValueError, "min_count: expected at least 1, got 0"),
        (lambda: Vocabulary.count(BE, 2).encode([["x"]]), ValueError, "none of its words is among the 2"),
    ],
)
def test_bad_input(ask, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ask()


def test_a_file_that_breaks_off(files):
    (files / "broken.gz").write_bytes(gzip.compress(b"to be " * 1000)[:-12])
    with pytest.raises(BrokenFile, match=r"broken.gz: truncated"):
        Vocabulary.count(files / "broken.gz")


# ---- planted analogies ----------------------------------------------------------------------------------------------


def ppmi(tokens: Tokens, rows: int, n: int, window: int = 5, negative: int = 3) -> Any:
    """The first words' positive mutual information with each word, shifted (Levy & Goldberg 2014: what SGNS learns)."""
    sentence = np.repeat(np.arange(len(tokens)), np.diff(tokens.indptr))
    ids = tokens.ids.astype(np.int64)
    together = np.zeros(rows * n)
    for k in range(1, window + 1):
        near = np.flatnonzero(sentence[k:] == sentence[:-k])
        for word, context in ((ids[near], ids[near + k]), (ids[near + k], ids[near])):
            together += np.bincount((word * n + context)[word < rows], minlength=rows * n)
    together = together.reshape(rows, n)
    expected = together.sum(1)[:, None] * np.bincount(ids, minlength=n) / len(ids)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(together / expected / negative), 0).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_analogies_are_found(tmp_path, seed):
    write(tmp_path / "text", 400_000, seed, tmp_path / "questions")
    planted = [word for pairs in Text(seed).sections.values() for pair in pairs for word in pair]
    v = Vocabulary.count(tmp_path / "text", 5)
    assert set(planted) <= set(v.words)
    order = np.argsort([word not in planted for word in v.words], kind="stable")
    place = np.empty(len(v), np.uint32)
    place[order] = np.arange(len(v))
    tokens = v.encode(tmp_path / "text")
    vectors = ppmi(Tokens(place[tokens.ids], tokens.indptr), len(planted), len(v))
    found = Vectors([v.words[i] for i in order[: len(planted)]], vectors).evaluate(tmp_path / "questions")
    assert found.total.missing == 0
    assert all(section.accuracy > 0.95 for section in found.sections), found.sections


def test_a_text_is_that_of_its_seed(tmp_path):
    write(tmp_path / "text", 20_000, 1)
    assert hashlib.sha256((tmp_path / "text").read_bytes()).hexdigest()[:16] == "5f3455831c0c9605"
    write(tmp_path / "more.gz", 30_000, 1)
    assert (
        gzip.decompress((tmp_path / "more.gz").read_bytes()).split()[:20_000]
        == (tmp_path / "text").read_bytes().split()
    )
    write(tmp_path / "other", 20_000, 2)
    assert (tmp_path / "other").read_bytes() != (tmp_path / "text").read_bytes()


def test_command_line_makes_text(tmp_path):
    words = ["make", "text", "--words", "1000", "--seed", "3", "--out", str(tmp_path / "t")]
    result = CliRunner().invoke(app, [*words, "--questions", str(tmp_path / "q")])
    assert result.exit_code == 0, result.output
    assert "1,000 words" in result.output
    assert (tmp_path / "q").read_text().startswith(": capitals\nfrance paris japan tokyo\n")
    result = CliRunner().invoke(app, [*words[:-1], str(tmp_path / "none" / "t")])
    assert result.exit_code == 2
    assert "schuss make:" in result.output


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True])
def test_seeds_that_are_none(seed):
    with pytest.raises((ValueError, TypeError), match="seed: expected"):
        Text(seed)
