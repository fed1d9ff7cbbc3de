"""Vectors: against loops in plain Python, against gensim and SciPy; their files; bad input."""

from __future__ import annotations

import gzip
import math
import os
import random
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import schuss
from schuss import Vectors
from schuss.cli import app
from schuss.vectors import Analogies, Similarities
from schuss.vectors.evaluation import spearman
from schuss.vectors.picture import plane
from schuss.vectors.search import answers

SHARED = Path(os.environ.get("SCHUSS_SHARED", Path(__file__).parents[2] / "shared")) / "data"


def some(n: int = 60, dim: int = 7, seed: int = 1) -> Vectors:
    rng = np.random.default_rng(seed)
    return Vectors([f"w{i}" for i in range(n)], rng.normal(size=(n, dim)).astype(np.float32))


def cosine(x: Any, y: Any) -> float:
    """In float64, the long way."""
    dot = sum(float(a) * float(b) for a, b in zip(x, y, strict=True))
    lengths = [math.sqrt(sum(float(a) ** 2 for a in z)) for z in (x, y)]
    return dot / math.prod(lengths) if all(lengths) else 0.0


def nearest(v: Vectors, query: Any, out: set[str], n: int, known: int | None = None) -> list[str]:
    scores = [(-cosine(query, row), word) for word, row in zip(v.words[:known], v.matrix, strict=False)]
    return [word for _, word in sorted(scores) if word not in out][:n]


def direction(v: Vectors, word: str) -> list[float]:
    length = math.sqrt(sum(float(a) ** 2 for a in v[word]))
    return [float(a) / length for a in v[word]]


def target(v: Vectors, a: str, b: str, c: str) -> list[float]:
    return [y - x + z for x, y, z in zip(*(direction(v, w) for w in (a, b, c)), strict=True)]


# ---- questions ------------------------------------------------------------------------------------------------------


def test_similarity_is_the_cosine():
    v = some()
    for a, b in [("w0", "w1"), ("w3", "w3"), ("w59", "w0")]:
        assert v.similarity(a, b) == pytest.approx(cosine(v[a], v[b]), abs=1e-12)


@pytest.mark.parametrize("known", [None, 1, 20, 1000], ids=lambda k: f"known-{k}")
@pytest.mark.parametrize("n", [1, 5, 59, 100])
def test_neighbors_are_those_of_a_loop(n, known):
    v = some()
    found = v.neighbors("w7", n, known)
    assert [word for word, _ in found] == nearest(v, v["w7"], {"w7"}, n, known)
    assert [s for _, s in found] == pytest.approx([cosine(v["w7"], v[w]) for w, _ in found], abs=1e-6)


def test_neighbors_of_a_vector_include_every_word():
    v = some()
    assert v.neighbors(v["w7"], 1)[0][0] == "w7"
    assert [w for w, _ in v.neighbors(-v["w7"], 60)][-1] == "w7"


def test_equal_cosines_go_by_place():
    v = Vectors(list("abcd"), np.array([[1, 0], [0, 1], [0, 2], [0, 1]], np.float32))
    assert [w for w, _ in v.neighbors("a", 2)] == ["b", "c"]


def test_a_vector_of_zeros_is_near_to_nothing():
    v = Vectors(list("abc"), np.array([[0, 0], [1, 0], [-1, 0]], np.float32))
    assert v.similarity("a", "b") == 0
    assert v.neighbors("b", 2) == [("a", 0.0), ("c", -1.0)]


@pytest.mark.parametrize("n", [1, 4])
def test_analogy_is_that_of_a_loop(n):
    v = some()
    for a, b, c in [("w1", "w2", "w3"), ("w5", "w5", "w9"), ("w0", "w40", "w0")]:
        found = v.analogy(a, b, c, n)
        assert [w for w, _ in found] == nearest(v, target(v, a, b, c), {a, b, c}, n)
        assert found[0][1] == pytest.approx(cosine(target(v, a, b, c), v[found[0][0]]), abs=1e-5)


def test_blocks_do_not_show(monkeypatch):
    v = some(100)
    questions = np.random.default_rng(0).integers(0, 100, (50, 3))
    forms = np.arange(100)
    before = answers(v.matrix, questions, forms).tolist()
    monkeypatch.setattr(schuss.vectors.search, "ROWS", 7)
    monkeypatch.setattr(schuss.vectors.search, "QUERIES", 3)
    assert answers(v.matrix, questions, forms).tolist() == before
    words = [tuple(f"w{i}" for i in q) for q in questions]
    assert before == [int(nearest(v, target(v, *q), set(q), 1)[0][1:]) for q in words]
    assert [w for w, _ in v.neighbors("w1", 5)] == nearest(v, v["w1"], {"w1"}, 5)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Paris", "near spellings: 'paris'"),
        ("pariss", "near spellings: 'paris'"),
        ("apris", "near spellings: 'paris'"),
        ("rom", "near spellings: 'rome'"),
        ("zzz", "no word is spelled nearly so"),
        ("", "no word is spelled nearly so"),
    ],
)
def test_an_unknown_word_is_named_with_near_spellings(word, message):
    v = Vectors(["paris", "rome"], np.eye(2, dtype=np.float32))
    for ask in (v.__getitem__, v.neighbors, v.index, lambda w: v.similarity("rome", w), lambda w: v.analogy(w, w, w)):
        with pytest.raises(KeyError, match=re.escape(f"word: {word!r} is not among the 2 words; {message}")):
            ask(word)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Vectors(["a"], [[1.0]]), TypeError, "matrix: expected a NumPy array, got list"),
        (lambda: Vectors(["a"], np.ones((1, 1))), TypeError, "matrix: expected float32, got float64"),
        (lambda: Vectors([1], np.ones((1, 1), np.float32)), TypeError, "words: expected strings"),
        (lambda: Vectors(["a"], np.ones((2, 1), np.float32)), ValueError, "matrix: expected shape (1, dimensions)"),
        (lambda: Vectors(["a"], np.ones((1, 0), np.float32)), ValueError, "matrix: expected shape (1, dimensions)"),
        (lambda: Vectors(["a", "b", "a"], np.ones((3, 1), np.float32)), ValueError, "words: 'a' comes twice"),
        (lambda: some().neighbors("w1", 0), ValueError, "n: expected at least 1, got 0"),
        (lambda: some().neighbors("w1", 1.5), TypeError, "n: expected a whole number, got float"),
        (lambda: some().neighbors(np.ones(3)), ValueError, "word: expected a word or a vector of 7 numbers"),
        (lambda: some().neighbors(np.full(7, np.nan)), ValueError, "word: expected finite numbers"),
        (lambda: some().analogy("w1", "w2", "w3", restrict_vocab=0), ValueError, "restrict_vocab: expected at least 1"),
        (lambda: some().save("x", "npz"), ValueError, "format: expected one of text, binary, safetensors, got 'npz'"),
        (lambda: some().plot([], "x"), ValueError, "words: expected at least one"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()


# ---- evaluation -----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=40))
def test_spearman_is_scipys(pairs):
    x, y = np.array(pairs, float).T
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert math.isnan(spearman(x, y))


@pytest.mark.parametrize("form", ["{} {} {}\n", "{}\t{}\t{}\r\n", "{},{},{}\n"], ids=["space", "tab", "comma"])
@pytest.mark.parametrize("head", ["", "# a remark\n\n", "word1 word2 score\n"], ids=["bare", "remark", "names"])
def test_pairs_give_spearman(tmp_path, form, head):
    v = some()
    rng = random.Random(3)
    pairs = [(f"w{rng.randrange(70)}", f"w{rng.randrange(70)}", rng.randrange(10)) for _ in range(80)]
    head = head.replace(" ", form[2]) if head.startswith("word1") else head
    (tmp_path / "pairs.txt").write_bytes((head + "".join(form.format(*p) for p in pairs)).encode())
    found = v.evaluate(tmp_path / "pairs.txt")
    known = [(a, b, x) for a, b, x in pairs if a in v and b in v]
    expected = scipy.stats.spearmanr([cosine(v[a], v[b]) for a, b, _ in known], [x for *_, x in known]).statistic
    assert isinstance(found, Similarities)
    assert found.spearman == pytest.approx(expected, abs=1e-9)
    assert (found.name, found.found, found.missing) == ("pairs", len(known), 80 - len(known))
    assert v.evaluate(tmp_path / "pairs.txt", restrict_vocab=10).found < len(known)


def test_no_known_pair_is_no_number(tmp_path):
    (tmp_path / "pairs").write_text("x y 1\n")
    found = some().evaluate(tmp_path / "pairs")
    assert math.isnan(found.spearman)
    assert (found.found, found.missing) == (0, 1)


def questions(seed: int = 5) -> list[tuple[str, list[str]]]:
    rng = random.Random(seed)
    return [(f"part-{k % 3}", [f"w{rng.randrange(62)}" for _ in range(4)]) for k in range(300)]


def oracle(v: Vectors, asked: list[tuple[str, list[str]]], known: int) -> dict[str, list[int]]:
    tally: dict[str, list[int]] = {}
    for section, (a, b, c, d) in asked:
        row = tally.setdefault(section, [0, 0, 0])
        if all(w in v.words[:known] for w in (a, b, c, d)):
            row[0] += nearest(v, target(v, a, b, c), {a, b, c}, 1, known) == [d]
            row[1] += 1
        else:
            row[2] += 1
    return tally


def google(asked: list[tuple[str, list[str]]]) -> str:
    sections = dict.fromkeys(s for s, _ in asked)
    return "".join(f": {s}\n" + "".join(" ".join(q) + "\n" for t, q in asked if t == s) for s in sections)


def solvable(v: Vectors, known: int) -> list[tuple[str, list[str]]]:
    """Random questions, half of which ask for the answer that the loop gives."""
    asked = questions()
    for _, q in asked[::2]:
        if all(w in v.words[:known] for w in q[:3]):
            q[3] = nearest(v, target(v, *q[:3]), set(q[:3]), 1, known)[0]
    return asked


@pytest.mark.parametrize("known", [60, 30])
def test_google_analogies(tmp_path, known):
    v = some()
    asked = solvable(v, known)
    (tmp_path / "q.txt").write_text(google(asked))
    found = v.evaluate(tmp_path / "q.txt", restrict_vocab=known)
    assert isinstance(found, Analogies)
    assert {s.name: [s.correct, s.asked, s.missing] for s in found.sections} == oracle(v, asked, known)
    total = [sum(x) for x in zip(*oracle(v, asked, known).values(), strict=True)]
    assert [found.total.correct, found.total.asked, found.total.missing] == total
    assert found.accuracy == total[0] / total[1] > 0


def test_msr_analogies_are_questions_too(tmp_path):
    v = some()
    asked = solvable(v, 60)
    rows = [",type,word1,word2,word3,target", *(f"{i},{s},{','.join(q)}" for i, (s, q) in enumerate(asked))]
    (tmp_path / "msr.csv").write_text("\n".join(rows))
    found = v.evaluate(tmp_path / "msr.csv")
    assert {s.name: [s.correct, s.asked, s.missing] for s in found.sections} == oracle(v, asked, 60)


def test_plain_questions_have_one_section(tmp_path):
    (tmp_path / "q").write_text("w1 w2 w3 w4\nw1 w2 w3 nothing\n")
    found = some().evaluate(tmp_path / "q")
    assert [(s.name, s.asked, s.missing) for s in found.sections] == [("all", 1, 1)]


def test_ignoring_case_the_first_form_asks(tmp_path):
    rows = np.array([[5, 1], [5, -1], [2, 1], [-1, 9], [2, -1]], np.float32)
    v = Vectors(["King", "QUEEN", "man", "MAN", "Woman"], rows)
    (tmp_path / "q").write_text(": sexes\nMan King Woman Queen\n")
    assert v.evaluate(tmp_path / "q").total.missing == 1
    found = v.evaluate(tmp_path / "q", ignore_case=True)
    assert (found.total.correct, found.total.asked) == (1, 1)
    (tmp_path / "p").write_text("KING MAN 3\nking woman 2\n")
    assert v.evaluate(tmp_path / "p", ignore_case=True).found == 2


@pytest.mark.parametrize("ignore_case", [False, True])
def test_analogies_as_gensim_counts_them(tmp_path, ignore_case):
    v = some(50)
    words = [w.upper() if i % 3 == 0 else w for i, w in enumerate(v.words)]
    words[40:45] = ["W0", "w1", "W2", "w3", "W4"] if not ignore_case else ["w0", "W1", "w2", "W4", "w3"]
    words = [w if words.index(w) == i else f"x{i}" for i, w in enumerate(words)]
    v = Vectors(words, v.matrix)
    peer = KeyedVectors(7)
    peer.add_vectors(words, v.matrix)
    (tmp_path / "q").write_text(google(questions()))
    score, parts = peer.evaluate_word_analogies(str(tmp_path / "q"), case_insensitive=ignore_case)
    found = v.evaluate(tmp_path / "q", ignore_case=ignore_case)
    theirs = [(p["section"], len(p["correct"]), len(p["correct"]) + len(p["incorrect"])) for p in parts[:-1]]
    assert [(s.name, s.correct, s.asked) for s in found.sections] == theirs
    assert found.accuracy == score


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected two words and a number a line, or four words, got nothing"),
        ("a b\n", "got 'a b'"),
        ("a b c\na b d\n", "got 'a b d'"),
        ("a b 1\na b\n", "got 'a b'"),
        (": s\na b c\n", "got 'a b c'"),
        ("\0\1\2", "expected two words"),
    ],
)
def test_a_file_of_neither_kind(tmp_path, text, message):
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        some().evaluate(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        some().evaluate(tmp_path / "none")


@pytest.mark.skipif(not (SHARED / "weval").is_dir(), reason="no shared data")
def test_the_usual_files_are_understood():
    kinds = {"questions": 0, "pairs": 0}
    sizes = {"questions-words": 19_544, "msr-analogy": 8000, "EN-WS-353-ALL": 353, "EN-SIMLEX-999": 999}
    sizes |= {"EN-MEN-TR-3k": 3000, "EN-RG-65": 65, "EN-MC-30": 30, "EN-RW-STANFORD": 2034, "EN-MTurk-771": 771}
    for path in (SHARED / "weval").iterdir():
        kind, found = schuss.vectors.evaluation.read(path)
        kinds[kind] += 1
        assert len(found) == sizes.get(path.stem, len(found))
        assert len(found) > 29
    assert kinds == {"questions": 3, "pairs": 13}


# ---- files ----------------------------------------------------------------------------------------------------------

FORMATS = {"text": "v.txt", "binary": "v.bin", "safetensors": "v"}


def odd_numbers() -> Vectors:
    numbers = [0.1, -0.0, 1e-45, 3.4e38, 1 / 3, 16777217, 1e-20, -5]
    words = ["the", "naïve", "東京", "a_b", "\u00a0x", "1.5", "-", "\ufeff"]
    return Vectors(words, np.array([np.roll(numbers, k) for k in range(8)], np.float32))


@pytest.mark.parametrize("format", FORMATS)
def test_files_give_back_the_bits(tmp_path, format):
    v = odd_numbers()
    v.save(tmp_path / FORMATS[format])
    found = Vectors.load(tmp_path / FORMATS[format])
    assert found.words == v.words
    assert found.matrix.tobytes() == v.matrix.tobytes()
    assert Vectors.load(tmp_path / FORMATS[format], limit=3).words == v.words[:3]
    v.save(tmp_path / "named", format)
    assert (tmp_path / "named").read_bytes() == (tmp_path / FORMATS[format]).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["named", FORMATS[format]])


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_gensim_loads_both_formats(tmp_path, binary):
    v = odd_numbers()
    path = tmp_path / ("v.bin" if binary else "v.txt")
    v.save(path)
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert theirs.index_to_key == v.words
    assert theirs.vectors.tobytes() == v.matrix.tobytes()
    theirs.save_word2vec_format(str(path), binary=binary)
    ours = Vectors.load(path)
    assert ours.words == v.words
    assert ours.matrix.tobytes() == v.matrix.tobytes()


@pytest.mark.parametrize("format", ["text", "binary"])
def test_compressed_files(tmp_path, format):
    some().save(tmp_path / "v", format)
    (tmp_path / "v.gz").write_bytes(gzip.compress((tmp_path / "v").read_bytes()))
    assert (Vectors.load(tmp_path / "v.gz").matrix == some().matrix).all()


@pytest.mark.parametrize("text", ["a 1 2.5\nb -3 4e-1\n", "\ufeffa 1 2.5\r\nb -3 .4", "2 2\na 1 2.5 \nb -3 .4 \n"])
def test_text_as_others_write_it(tmp_path, text):
    (tmp_path / "v").write_bytes(text.encode())
    v = Vectors.load(tmp_path / "v")
    assert v.words == ["a", "b"]
    assert (v.matrix == np.array([[1, 2.5], [-3, 0.4]], np.float32)).all()


def test_one_dimension_and_a_word_that_is_a_number(tmp_path):
    v = Vectors(["7", "8"], np.array([[0.25], [0.5]], np.float32))
    for format in FORMATS:
        v.save(tmp_path / "v", format)
        found = Vectors.load(tmp_path / "v")
        assert (found.words, found.matrix.tolist()) == (v.words, v.matrix.tolist()), format


def test_of_a_word_that_comes_twice_the_first_stays(tmp_path):
    (tmp_path / "v").write_text("3 1\na 1\nb 2\na 3\n")
    v = Vectors.load(tmp_path / "v")
    assert (v.words, v.matrix.tolist()) == (["a", "b"], [[1], [2]])


def test_a_mapped_matrix_is_the_file(tmp_path):
    some(500, 30).save(tmp_path / "v")
    v = Vectors.load(tmp_path / "v", mmap=True, limit=400)
    assert not v.matrix.flags.writeable
    assert not v.matrix.flags.owndata
    assert v.matrix.tobytes() == some(500, 30).matrix[:400].tobytes()
    assert v.neighbors("w1") == Vectors.load(tmp_path / "v", limit=400).neighbors("w1")
    with pytest.raises(ValueError, match="read-only"):
        v.matrix[0, 0] = 1


@pytest.mark.parametrize("format", ["text", "binary"])
def test_rows_between_words_cannot_be_mapped(tmp_path, format):
    some().save(tmp_path / "v", format)
    with pytest.raises(ValueError, match=r"mmap: .* cannot be mapped; load it and save it as safetensors"):
        Vectors.load(tmp_path / "v", mmap=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty, no vectors"),
        (b"hello\n", "no file of vectors"),
        (b"3 2\na 1 2\n", "truncated: 1 of 3 words"),
        (b"2 2\na 1 2\nb 1\n", "vector 2: expected a word and 2 numbers"),
        (b"2 2\na 1 2\nb 1 x\n", "vector 2: expected a word and 2 numbers"),
        (b"2 0\na\n", "0 dimensions"),
        (b"2 2\na \0\0\x80\x3f\0\0\x80\x3fb \0\0", "truncated: 1 of 2 words"),
        (b"9999999999999 2\na \0\0\x80\x3f\0\0\x80\x3f", "truncated: 1 of 9,999,999,999,999 words"),
        (struct.pack("<Q", 8) + b"{       ", "truncated, damaged or not a safetensors file"),
    ],
)
def test_files_that_are_no_vectors(tmp_path, content, message):
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        Vectors.load(tmp_path / "v")


def test_a_table_is_not_vectors(tmp_path):
    schuss.checkpoint.save(tmp_path / "v", {"a": np.zeros(2)}, {"kind": "else"})
    with pytest.raises(ValueError, match="but not of vectors"):
        Vectors.load(tmp_path / "v")


@pytest.mark.parametrize("word", ["", "new york", "a\tb", "a\nb"])
@pytest.mark.parametrize("format", ["text", "binary"])
def test_white_space_is_for_safetensors_alone(tmp_path, format, word):
    v = Vectors([word, "x"], np.eye(2, dtype=np.float32))
    (tmp_path / "v").write_text("before")
    with pytest.raises(ValueError, match="white space; use safetensors"):
        v.save(tmp_path / "v", format)
    assert (tmp_path / "v").read_text() == "before"
    if word:
        v.save(tmp_path / "v", "safetensors")
        assert Vectors.load(tmp_path / "v").words == v.words


def test_a_file_that_cannot_be_written_names_itself(tmp_path):
    with pytest.raises(OSError, match="none/v"):
        some().save(tmp_path / "none" / "v.txt")


# ---- pictures -------------------------------------------------------------------------------------------------------


def test_the_plane_keeps_what_differs_most():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(40, 6)) * [5, 3, 0.1, 0.1, 0.1, 0.1]
    points = plane(rows)
    values = np.sort(np.linalg.eigvalsh(np.cov(rows.T)))[::-1]
    assert np.var(points, axis=0, ddof=1) == pytest.approx(values[:2])
    assert abs(points.mean(0)).max() < 1e-12
    assert (points[np.abs(points).argmax(0), [0, 1]] > 0).all()


@pytest.mark.parametrize("words", ["w1", ["w1", "w2", "w1"]], ids=["one", "some"])
@pytest.mark.parametrize("neighbors", [0, 3])
def test_a_picture_is_drawn(tmp_path, words, neighbors):
    some().plot(words, tmp_path / "p.png", neighbors)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


# ---- command line ---------------------------------------------------------------------------------------------------


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["w2v", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def kings(tmp_path):
    rows = np.array([[5, 1], [5, -1], [2, 1], [2, -1]], np.float32)
    Vectors(["king", "queen", "man", "woman"], rows).save(tmp_path / "v")
    (tmp_path / "q").write_text(": sexes\nman king woman queen\n: else\nx y z u\n")
    (tmp_path / "p").write_text("man king 3\nman woman 1\n")
    return tmp_path


def test_command_line(kings):
    assert run("neighbors", kings / "v", "king", "-n", 1) == "0.9648  man\n"
    assert run("neighbors", kings / "v", "king", "man", "-n", 1) == "king:\n0.9648  man\nman:\n0.9648  king\n"
    assert run("analogy", kings / "v", "man", "king", "woman", "-n", 1).split()[1] == "queen"
    text = run("evaluate", kings / "v", kings / "q", kings / "p")
    assert "100.00%       1 of      1, 1 missing  total" in text
    assert "      -       0 of      0, 1 missing  else" in text
    assert "p: spearman 1.0000, 2 pairs, 0 missing" in text
    assert "4 words, 2 dimensions" in run("export", kings / "v", "--out", kings / "v.txt")
    assert run("neighbors", kings / "v.txt", "king", "-n", 1) == "0.9648  man\n"
    run("export", kings / "v.txt", "--out", kings / "two", "--format", "binary", "--limit", 2)
    assert Vectors.load(kings / "two").words == ["king", "queen"]
    run("picture", kings / "v", "king", "--out", kings / "p.png", "--neighbors", 2)
    assert (kings / "p.png").read_bytes().startswith(b"\x89PNG")


def test_command_line_says_what_is_wrong(kings):
    assert "schuss w2v: word: 'kin' is not among the 4 words; near spellings: 'king'" in run(
        "neighbors", kings / "v", "kin", code=2
    )
    assert "No such file" in run("neighbors", kings / "none", "kin", code=2)
    assert "no file of vectors" in run("evaluate", kings / "q", kings / "q", code=2)
