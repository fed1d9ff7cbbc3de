"""Word vectors: against a float64 oracle, finite differences, themselves on other threads, bad input."""

from __future__ import annotations

import heapq
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from word2vec_oracle import Draws, Oracle, start

import schuss
from schuss import _cold, _level
from schuss.models import Word2Vec, word_choice, word_core, word_training
from schuss.models.word_core import PIECE
from schuss.text import Vocabulary

WORDS = [f"w{i}" for i in range(30)]


def text_of(sentences: int = 60, seed: int = 0, words: list[str] = WORDS) -> list[list[str]]:
    """Sentences of 1 to 12 words, some words frequent."""
    rng = np.random.default_rng(seed)
    chance = 1 / np.arange(1, len(words) + 1)
    return [list(rng.choice(words, rng.integers(1, 13), p=chance / chance.sum())) for _ in range(sentences)]


def model_of(text: list[list[str]], **options: Any) -> Word2Vec:
    given = {"dim": 20, "window": 3, "min_count": 1, "epochs": 2, "sample": 0.05, "threads": 1, **options}
    return Word2Vec(**given).fit(text)


def oracle_of(model: Word2Vec, text: list[list[str]], rounds: dict[str, int] | None = None) -> Oracle:
    """The float64 model trained as `model` was, example after example or in rounds."""
    words = model.vocabulary
    assert words is not None
    first = model.buckets if model.subwords else 0
    keep = word_choice.keep_bits(words.counts, model.sample)
    v = start(model.seed, first + len(words), model.dim)
    made = Oracle(v, keep, window=model.window, negative=model.negative, seed=model.seed, cbow=not model.sg)
    if model.hs:
        begin, path = word_choice.tree(words.counts)
        made.paths = [[(int(p) >> 1, int(p) & 1) for p in path[begin[i] : begin[i + 1]]] for i in range(len(words))]
    else:
        made.alias = word_choice.negatives(words.counts, model.power)
    if model.subwords:
        begin, rows = word_choice.groups(words.words, model.subwords, model.buckets)
        made.rows_of = [rows[begin[i] : begin[i + 1]].tolist() for i in range(len(words))]
    ids = [[words.index(w) for w in sentence] for sentence in text]
    total = sum(map(len, ids))
    for epoch in range(model.epochs):

        def rate(position: int, epoch: int = epoch) -> float:
            done = (epoch * total + position // PIECE * PIECE) / (model.epochs * total)
            return model.lr - (model.lr - model.min_lr) * done

        made.loss, made.predictions = 0.0, 0
        if rounds:
            made.rounds(ids, epoch, rate, share=model.shared_negatives or 2 * model.window, **rounds)
        else:
            made.epoch(ids, epoch, rate)
    return made


# ---- the algorithm ---------------------------------------------------------------------------------------------------

CLASSICAL = {
    "sg": {"shared_negatives": 1},
    "sg-other-shape": {"shared_negatives": 1, "dim": 3, "window": 1, "negative": 2},
    "sg-many-negatives": {"shared_negatives": 1, "dim": 33, "negative": 15},
    "cbow": {"sg": False},
    "sg-hs": {"hs": True, "shared_negatives": 1},
    "cbow-hs": {"hs": True, "sg": False, "window": 6},
    "sg-subwords": {"shared_negatives": 1, "subwords": (2, 3), "buckets": 50},
    # At larger rates n-grams that all words share grow fast, and rounding with them: to 3e-5 of rows of length 10.
    "cbow-subwords": {"sg": False, "subwords": (1, 4), "buckets": 50, "lr": 0.003, "power": 0.75},
}


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_classical_algorithm_follows_the_oracle(name: str) -> None:
    text = text_of(360)  # two rates an epoch
    model = model_of(text, **CLASSICAL[name])
    oracle = oracle_of(model, text)
    assert model._in is not None and model._out is not None
    np.testing.assert_allclose(model._in.weights, oracle.v, rtol=0, atol=1e-5)
    np.testing.assert_allclose(model._out.weights, oracle.u[: len(model._out)], rtol=0, atol=1e-5)
    assert np.abs(model._out.weights).max() > 0.05 and model.seen > 2 * PIECE
    assert model.losses[-1] == pytest.approx(oracle.loss / oracle.predictions, rel=1e-5)


ROUNDS = {
    "sg": {},
    "sg-pairs": {"shared_negatives": 1},
    "sg-threes": {"shared_negatives": 3, "dim": 3},
    "sg-many-negatives": {"negative": 15, "dim": 33},
    "cbow": {"sg": False},
    "hs": {"hs": True},
    "hs-threes": {"hs": True, "shared_negatives": 3},
    "cbow-hs": {"hs": True, "sg": False, "window": 6},
    "subwords": {"subwords": (2, 3), "buckets": 50},
    "cbow-subwords": {"sg": False, "subwords": (1, 4), "buckets": 50, "lr": 0.005},
}


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("bound", [4, 64])
def test_rounds_follow_the_oracle(name: str, bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that one part alone has are stepped at once, others by what all parts moved them."""
    monkeypatch.setattr(word_core, "PLANNED", (16, bound))
    text = text_of(400, words=[f"w{i}" for i in range(200)])  # some rows are a part's own, some are not
    model = model_of(text, **{"mode": "deterministic", "lr": 0.03, **ROUNDS[name]})
    oracle = oracle_of(model, text, {"part": 16, "most": bound})
    assert model._in is not None and model._out is not None
    np.testing.assert_allclose(model._in.weights, oracle.v, rtol=0, atol=1e-5)
    np.testing.assert_allclose(model._out.weights, oracle.u[: len(model._out)], rtol=0, atol=1e-5)
    assert model.losses[-1] == pytest.approx(oracle.loss / oracle.predictions, rel=1e-5)


def one_round(patch: pytest.MonkeyPatch, most: int = 10**9) -> None:
    """512 words at the same weights in deterministic mode, `most` gradients of a row in full."""
    patch.setattr(word_core, "SUMMED", (64, most))


SUMMED = schuss.SGD(lr=1.0, lower=-1e30)  # no step of it is w -= rate g alone, so that gradients are summed


@pytest.mark.parametrize("options", [{}, {"shared_negatives": 2}, {"sg": False}, {"hs": True}, {"subwords": (2, 3)}],
                         ids=["window", "pairs", "cbow", "hs", "subwords"])  # fmt: skip
def test_the_step_is_the_slope_of_the_loss(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With one round for all words, no bound and rate 1, the deterministic mode moves the rows by the gradient."""
    one_round(monkeypatch)
    text = text_of(20)
    first = {"rule": schuss.SGD(lr=0.2, lower=-1e30)}
    model = model_of(text, mode="deterministic", epochs=1, dim=5, buckets=40, **first, **options)
    vocabulary = model.vocabulary
    assert vocabulary is not None and model._in is not None and model._out is not None
    tokens = vocabulary.encode(text)
    assert len(tokens.ids) <= 512
    model._learner.text(tokens.ids, tokens.indptr)
    before = [model._in.array.copy(), model._out.array.copy()]

    def loss(rate: float = 0.0) -> float:
        return float(model._learner.learn(0, 7, [rate], SUMMED.options(0), 0, 1, False)[0])

    loss(1.0)
    after = [model._in.array.copy(), model._out.array.copy()]
    rng = np.random.default_rng(1)
    for k, table in enumerate((model._in, model._out)):
        undivided = k == 0 and (not model.sg or model.subwords)  # the gradient of a mean goes to each of its rows
        for row, column in zip(rng.integers(0, len(table), 25), rng.integers(0, 5, 25), strict=True):
            model._in.array[:], model._out.array[:] = before
            h = 0.02
            values = []
            for side in (h, -h):
                table.array[row, column] = before[k][row, column] + side
                values.append(loss())
            slope = (values[0] - values[1]) / (2 * h)
            step = before[k][row, column] - after[k][row, column]
            if undivided:
                assert np.sign(step) == np.sign(slope) or abs(slope) < 2e-2
            else:
                assert step == pytest.approx(slope, abs=3e-3, rel=3e-3)


def test_rates_fall_to_the_end() -> None:
    model = Word2Vec(lr=0.1, min_lr=0.02, epochs=2)
    rates = [model._rates(epoch, 0, 5, 2, 5 * PIECE) for epoch in (0, 1)]
    np.testing.assert_allclose(np.concatenate(rates), 0.1 - 0.08 * np.arange(10) / 10)


def test_rates_have_defaults_for_each_kind(tmp_path: Path) -> None:
    assert (Word2Vec().lr, Word2Vec(sg=False).lr, Word2Vec(sg=False, lr=0.02).lr) == (0.025, 0.075, 0.02)
    model = model_of(text_of(), sg=False)
    model.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").settings["lr"] == 0.075  # kept, should the default change


# ---- draws -----------------------------------------------------------------------------------------------------------


def test_words_are_kept_by_their_frequency() -> None:
    counts = np.array([90_000, 900, 100])
    chance = word_choice.keep_bits(counts, 1e-2) / 2**32
    f = counts / counts.sum()
    np.testing.assert_allclose(chance, np.minimum(1, np.sqrt(1e-2 / f) + 1e-2 / f), atol=1e-9)
    found = np.mean([Draws(3, 1, i).kept(int(chance[0] * 2**32)) for i in range(4000)])
    assert found == pytest.approx(chance[0], abs=0.02)


@pytest.mark.parametrize("power", [0, 0.5, 0.75, 1])
def test_negatives_come_in_proportion_to_powers_of_counts(power: float) -> None:
    counts = np.array([1000, 500, 100, 10, 1, 1])
    alias = word_choice.negatives(counts, power)
    n = len(counts)
    share = alias[:, 0] / 2**32 / n
    np.add.at(share, alias[:, 1], (1 - alias[:, 0] / 2**32) / n)
    np.testing.assert_allclose(share, counts**power / (counts**power).sum(), atol=1e-8)
    drawn = np.bincount([Draws(0, 0, i).negative(5, alias) for i in range(6000)], minlength=n) / 6000
    np.testing.assert_allclose(drawn, share, atol=0.02)


@pytest.mark.parametrize("n", [2, 3, 17, 300])
def test_the_tree_is_a_shortest_prefix_code(n: int) -> None:
    counts = np.random.default_rng(n).integers(1, 50, n)
    begin, path = word_choice.tree(counts)
    lengths = np.diff(begin)
    heap = [int(c) for c in counts]
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    assert int(lengths @ counts) == cost
    codes = ["".join(str(p & 1) for p in path[begin[i] : begin[i + 1]]) for i in range(n)]
    ordered = sorted(codes)
    assert not any(b.startswith(a) for a, b in itertools.pairwise(ordered))
    assert int(path.max()) >> 1 == n - 2 and {int(path[b]) >> 1 for b in begin[:-1]} == {n - 2}


def test_ngrams_are_those_of_fasttext() -> None:
    def fnv(text: str) -> int:
        h = 2166136261
        for byte in text.encode():
            h = (h ^ (byte if byte < 128 else byte + 0xFFFFFF00)) * 16777619 % 2**32
        return h

    word = "<häuser>"
    want = [word[i : i + n] for i in range(len(word)) for n in range(3, 7) if i + n <= len(word)]
    begin, rows = _cold.ngrams(["häuser".encode(), b"a"], 3, 6, 1000)
    assert rows[: begin[1]].tolist() == [fnv(gram) % 1000 for gram in want]
    assert rows[begin[1] :].tolist() == [fnv("<a>") % 1000]
    assert len(_cold.ngrams([b"a"], 1, 1, 10)[1]) == 1  # the borders alone are none


# ---- modes, files, growth --------------------------------------------------------------------------------------------

KINDS = {
    "sg": {},
    "cbow": {"sg": False},
    "cbow-rowwise": {"sg": False, "subwords": (2, 3), "buckets": 300, "rule": schuss.RowWiseAdaGrad(lr=0.1)},
    "hs": {"hs": True},
    "subwords": {"subwords": (2, 3), "buckets": 300},
    "adagrad": {"rule": schuss.AdaGrad(lr=0.1)},
    "rowwise": {"rule": schuss.RowWiseAdaGrad(lr=0.1)},
    "adam": {"rule": schuss.Adam(lr=0.01)},
}


def same(a: Word2Vec, b: Word2Vec) -> bool:
    assert a._in is not None and a._out is not None and b._in is not None and b._out is not None
    return bool((a._in.array == b._in.array).all() and (a._out.array == b._out.array).all()) and a.losses == b.losses


@pytest.mark.parametrize("kind", KINDS)
def test_deterministic_bits_do_not_depend_on_threads(kind: str) -> None:
    text = text_of(1500)
    one, two, seven = (model_of(text, mode="deterministic", threads=n, **KINDS[kind]) for n in (1, 2, 7))
    assert same(one, two) and same(one, seven)
    assert one.losses[1] < one.losses[0]


@pytest.mark.parametrize(
    "kind", [{}, {"sg": False}, {"negative": 9}, {"hs": True}, {"subwords": (2, 3), "buckets": 99}]
)
def test_levels_with_fused_products_agree_to_the_bit(kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    for level in set(_level.runnable()) - {"v2"}:
        monkeypatch.setattr(_level, "table", _level.module(level).table)
        trained.append(model_of(text_of(300), mode="deterministic", **kind))
    assert all(same(trained[0], other) for other in trained[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_one_thread_of_hogwild_repeats_and_is_near_the_deterministic_mode(kind: str) -> None:
    text = text_of(1500)
    a, b = (model_of(text, seed=3, **KINDS[kind]) for _ in range(2))
    assert same(a, b)
    other = model_of(text, seed=3, mode="deterministic", **KINDS[kind])
    assert other.losses[-1] == pytest.approx(a.losses[-1], rel=0.1)
    assert not same(a, model_of(text, seed=4, **KINDS[kind]))


def test_draws_do_not_depend_on_how_a_sentence_is_cut() -> None:
    """A sentence over two pieces, in each of which windows reach into the other."""
    text = [list(np.random.default_rng(0).choice(WORDS, PIECE + 500))]
    whole = model_of(text, shared_negatives=1, epochs=1)
    oracle = oracle_of(whole, text)
    assert whole._in is not None
    np.testing.assert_allclose(whole._in.weights, oracle.v, rtol=0, atol=1e-5)


def test_rules_see_the_gradient_and_keep_their_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    one_round(monkeypatch)
    text = text_of(20)
    plain = model_of(text, mode="deterministic", epochs=1, rule=SUMMED)
    other = model_of(text, mode="deterministic", epochs=1, rule=schuss.RowWiseAdaGrad(lr=0.1, initial_accumulator=0.5))
    first = start(0, 30, 20)[: len(plain.vocabulary or [])]
    assert plain._in is not None and other._in is not None
    g = first - plain._in.weights
    s = 0.5 + (g**2).mean(1, keepdims=True)
    rule = other.rule
    assert isinstance(rule, schuss.RowWiseAdaGrad)
    want = first - 0.1 * g / (np.sqrt(s) + rule.eps)
    touched = (g != 0).any(1)
    np.testing.assert_allclose(other._in.weights[touched], want[touched], atol=1e-5)
    np.testing.assert_allclose(other._in.array[touched, other._in.numbers], s[touched, 0], rtol=1e-5)


@pytest.mark.parametrize(
    "options", [{"sg": False}, {"sg": True}, {"sg": True, "window": 1}, {"sg": False, "hs": True}], ids=str
)
def test_steps_at_once_have_the_bits_of_products_and_steps(options: dict[str, Any]) -> None:
    text = text_of()
    bounded = schuss.SGD(lr=0.05, lower=-1e30)  # no step of it is w -= rate g alone
    at_once, apart = (model_of(text, epochs=2, rule=rule, **options) for rule in (schuss.SGD(lr=0.05), bounded))
    assert same(at_once, apart)


def test_of_too_many_gradients_a_row_takes_a_multiple_of_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """CBOW gives a node of the tree one gradient for each centre below it."""
    text = [["a", "b"]] * 30 + [["c", "d"]] * 2
    moved = []
    for most in (10**9, 12, 6):
        one_round(monkeypatch, most)
        options = {"sg": False, "sample": 0, "epochs": 1, "rule": SUMMED, "hs": True}
        model = model_of(text, mode="deterministic", **options)
        assert model._out is not None and model.vocabulary is not None
        moved.append(model._out.weights.copy())  # from zero
    begin, path = word_choice.tree(model.vocabulary.counts)
    times = np.zeros(len(moved[0]))
    for word, count in enumerate(model.vocabulary.counts):
        times[path[begin[word] : begin[word + 1]] >> 1] += count
    assert sorted(times) == [4, 34, 64]
    for most, found in zip((12, 6), moved[1:], strict=True):
        want = moved[0] * np.minimum(1, most / times)[:, None]
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-9)


def test_a_text_of_frequent_words_does_not_diverge() -> None:
    """Gradients of the same weights, unbounded, would overshoot more with each round."""
    for options in ({"sample": 0}, {"sample": 0, "hs": True}, {"sample": 0, "subwords": (1, 3), "buckets": 20}):
        model = model_of(text_of(1500, words=WORDS[:4]), mode="deterministic", epochs=4, lr=0.05, **options)
        assert model.losses[-1] < model.losses[0] < 5


@pytest.mark.parametrize("kind", ["sg", "hs", "subwords", "adam"])
def test_a_fit_that_was_stopped_goes_on_bit_for_bit(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_training, "PIECES", 1)
    text, options = text_of(1500), {"mode": "deterministic", **KINDS[kind]}
    whole = model_of(text, **options)
    calls = 0

    def advance(self: Any, *unused: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 6:  # within the second epoch
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(word_training.WordProgress, "advance", advance)
        part = Word2Vec(**{**whole.settings, "threads": 2})
        with pytest.raises(KeyboardInterrupt):
            part.fit(text, checkpoint=tmp_path / "model")
    again = Word2Vec.load(tmp_path / "model")
    assert again.position["epoch"] == 1 and again.position["piece"] == 1
    assert same(whole, again.fit(text, resume=True)) and again.seen == whole.seen


def test_powers_by_default_and_of_older_files(tmp_path: Path) -> None:
    assert (Word2Vec().power, Word2Vec(sg=False).power, Word2Vec(sg=False, power=0.75).power) == (0.75, 0.6, 0.75)
    model = model_of(text_of(), sg=False, power=0.25)
    model.save(tmp_path / "new")
    assert Word2Vec.load(tmp_path / "new").power == 0.25
    del model.settings["power"]
    model.save(tmp_path / "older")
    assert Word2Vec.load(tmp_path / "older").power == 0.75


def test_a_saved_model_is_the_same_and_another_text_is_refused(tmp_path: Path) -> None:
    text = text_of()
    model = model_of(text, subwords=(2, 3), buckets=100)
    model.save(tmp_path / "model")
    again = Word2Vec.load(tmp_path / "model")
    assert same(model, again) and repr(again) == repr(model)
    assert (again.vectors.matrix == model.vectors.matrix).all() and again.vectors.words == model.vectors.words
    assert (again.vector("w3") == model.vectors["w3"]).all()
    with pytest.raises(ValueError, match="give the same text"):
        again.fit(text[1:], resume=True)


def test_a_vocabulary_grows_behind_the_old_words() -> None:
    model = model_of(text_of(), epochs=1)
    old, words = model.vectors, model.vectors.words
    model.partial_fit([["new", "w1", "fresh"]] * 50, epochs=2)
    grown = model.vectors
    assert grown.words[: len(words)] == words and set(grown.words[len(words) :]) == {"new", "fresh"}
    assert (grown["w1"] != old["w1"]).any() and (grown["w20"] == old["w20"]).all()
    assert np.abs(grown["new"]).max() < 10 and model.vocabulary is not None
    assert model.vocabulary.counts[model.vocabulary.index("new")] == 50


def test_grown_words_have_ngrams_too() -> None:
    model = model_of(text_of(), epochs=1, subwords=(2, 3), buckets=50)
    model.partial_fit([["new", "w1"]] * 50)
    assert model._in is not None and len(model._in) == 50 + len(model.vectors)
    assert np.isfinite(model.vector("never")).all()


def test_sub_words_place_a_word_by_the_mean_of_its_rows() -> None:
    model = model_of(text_of(), subwords=(2, 3), buckets=50)
    assert model._in is not None and model.vocabulary is not None
    _, rows = _cold.ngrams([b"w7"], 2, 3, 50)
    own = 50 + model.vocabulary.index("w7")
    np.testing.assert_allclose(
        model.vectors["w7"], model._in.weights[[own, *rows]].mean(0, dtype=np.float64), atol=1e-6
    )


def test_a_hogwild_fit_of_two_threads_learns_as_much() -> None:
    text = text_of(3000)
    one, two = (model_of(text, threads=n) for n in (1, 2))
    assert two.losses[-1] == pytest.approx(one.losses[-1], rel=0.02)
    assert two.seen == one.seen


def test_schedules_are_asked_with_the_words_seen() -> None:
    asked = []

    def rate(k: int) -> float:
        asked.append(k)
        return 0.01

    model = model_of(text_of(1500), rule=schuss.SGD(lr=rate), epochs=1)
    assert set(asked) >= {0, PIECE, 2 * PIECE} and model.seen > 2 * PIECE


# ---- bad input -------------------------------------------------------------------------------------------------------

BAD = {
    "dim-0": ({"dim": 0}, ValueError, "dim: expected 1 to"),
    "window-0": ({"window": 0}, ValueError, "window: expected 1 to"),
    "negative-0": ({"negative": 0}, ValueError, "negative: expected 1 to"),
    "window-text": ({"window": "5"}, TypeError, "window: expected a whole number"),
    "sample-negative": ({"sample": -1.0}, ValueError, "sample: expected a finite number >= 0"),
    "min_lr-above": ({"min_lr": 0.5}, ValueError, "min_lr: expected at most lr"),
    "power": ({"power": 1.5}, ValueError, "power: expected a number from 0"),
    "mode": ({"mode": "fast"}, ValueError, "mode: expected one of 'hogwild', 'deterministic'"),
    "subwords": ({"subwords": (6, 3)}, ValueError, "subwords: expected the lesser number first"),
    "rule-class": ({"rule": schuss.Adam}, TypeError, "rule: expected a rule such as"),
    "rule-array": ({"rule": schuss.EGDD()}, ValueError, "rule: EGDD does not train rows"),
    "threads": ({"threads": 0}, ValueError, "threads: expected 1 to"),
    "shared": ({"shared_negatives": 0}, ValueError, "shared_negatives: expected 1 to"),
}


@pytest.mark.parametrize("name", BAD)
def test_arguments_that_cannot_be_used_are_refused(name: str) -> None:
    options, error, message = BAD[name]
    with pytest.raises(error, match=message):
        Word2Vec(**options)


def test_texts_that_cannot_be_learned_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="min_count"):
        Word2Vec(min_count=100).fit(text_of())
    with pytest.raises(ValueError):
        Word2Vec().fit([])
    with pytest.raises(OSError):
        Word2Vec().fit(tmp_path / "missing")
    with pytest.raises(ValueError, match="call fit first"):
        assert Word2Vec().vectors
    with pytest.raises(ValueError, match="there is no file"):
        Word2Vec().fit(text_of(), every=5)


def test_hierarchical_softmax_refuses_new_words_and_changes_nothing() -> None:
    model = model_of(text_of(), hs=True)
    before = model.vectors.matrix
    with pytest.raises(ValueError, match="hs: 1 new words need another tree"):
        model.partial_fit([["new", "w1"]] * 20)
    assert (model.vectors.matrix == before).all()
    model.partial_fit([["w2", "w1"]] * 20)
    assert (model.vectors.matrix != before).any()


def test_a_rate_that_diverges_is_an_error() -> None:
    with pytest.raises(ValueError, match="lr: training diverged"):
        model_of(text_of(200), lr=1e30)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Word2Vec.load(tmp_path / "missing")
    (tmp_path / "text").write_text("no model")
    with pytest.raises(ValueError, match="not a safetensors file"):
        Word2Vec.load(tmp_path / "text")
    schuss.Optimizer(np.zeros(3, np.float32), schuss.SGD()).save(tmp_path / "other")
    with pytest.raises(ValueError, match="not a model of words"):
        Word2Vec.load(tmp_path / "other")


def test_unknown_words_are_named() -> None:
    model = model_of(text_of())
    with pytest.raises(KeyError, match="w99"):
        model.vector("w99")


def test_the_learner_checks_what_it_indexes() -> None:
    text = text_of()
    model = model_of(text)
    tokens = Vocabulary.count(text, 1).encode(text)
    with pytest.raises(IndexError, match="ids: expected numbers below 30"):
        model._learner.text(tokens.ids + np.uint32(30), tokens.indptr)
    with pytest.raises(ValueError, match="indptr: expected ascending"):
        model._learner.text(tokens.ids[:3], np.array([0, 4, 3]))
