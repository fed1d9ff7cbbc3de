"""LR, FM and FFM against the float64 oracle; what a fit leaves, saves, resumes and refuses."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import ctr_oracle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schuss
from schuss import _cold, _level, checkpoint, models
from schuss.data import Batch, Format
from schuss.models import FFM, FM, LR, core, learner
from schuss.models import file as model_file
from schuss.models.history import MOST, History
from schuss.models.part import Part

BITS, FIELDS, DIM = 6, 4, 3
KINDS = {"lr": LR, "fm": FM, "ffm": FFM}


def make(kind, **options):
    if kind != "lr":
        options = {
            "dim": DIM,
            "scale": 1.0,
            "rule": {"linear": schuss.AdaGrad(lr=0.1), "factors": schuss.AdaGrad(lr=0.05)},
            **options,
        }
    options = {"rule": schuss.AdaGrad(lr=0.1), **options}
    if kind == "ffm":
        options = {"fields": FIELDS, **options}
    return KINDS[kind](BITS, mode=options.pop("mode", "deterministic"), **options)


def batch_of(n=60, seed=0, values=True, weights=False, loss="logistic", empty=True):
    """Random examples of 0 to 5 entries, some with an id in two fields."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0 if empty else 1, 6, n)
    entries = int(counts.sum())
    ids = rng.integers(0, 1 << BITS, entries)
    fields = rng.integers(0, FIELDS, entries)
    labels = rng.integers(0, 2, n) if loss in ("logistic", "hinge") else rng.integers(0, 4, n)
    return Batch.of(
        np.concatenate([[0], np.cumsum(counts)]),
        ids,
        rng.normal(0, 1, entries) if values else None,
        fields,
        labels,
        rng.random(n) + 0.2 if weights else None,
        bits=BITS,
    )


def clicks(n=2000, seed=0, vocabulary=8):
    """Labels that follow from whether two features agree, and a little from one of them."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, vocabulary, (n, FIELDS)) + np.arange(FIELDS) * vocabulary
    agree = (ids[:, 0] % 2) == (ids[:, 1] % 2)
    labels = rng.random(n) < np.where(agree, 0.85, 0.15) * np.where(ids[:, 2] % 4 < 1, 0.8, 1.0)
    fields = np.tile(np.arange(FIELDS), n)
    return Batch.of(np.arange(n + 1) * FIELDS, ids.ravel(), None, fields, labels, bits=BITS)


def tables(model):
    return {name: part.array[:, part.columns].copy() for name, part in model_file.parts(model).items()}


def same(a, b):
    x, y = tables(a), tables(b)
    return x.keys() == y.keys() and all(x[name].tobytes() == y[name].tobytes() for name in x)


def with_oracle(model):
    """The model on tables that are the same, with the oracle as its learner."""
    twin = type(model).__new__(type(model))
    twin.__dict__ |= model.__dict__
    twin.history = History()
    for name, part in model_file.parts(model).items():
        copy = Part(part.rule, part.rows, part.numbers)
        copy.array, copy.pitch = part.array[:, part.columns].copy(), part.numbers
        setattr(twin, f"_{name}", copy)
    factors = twin._factors
    twin._learner = ctr_oracle.Learner(
        None,
        model.kind,
        model.bits,
        model.dim,
        model.fields or 0,
        twin._linear.array,
        twin._linear.kernel,
        twin._linear.start(positive=False),
        factors.array if factors else None,
        factors.kernel if factors else None,
        factors.start(positive=model.scale > 0) if factors else [],
        factors.pitch if factors else 0,
        model.loss,
        model.seed,
        model.scale,
    )
    return twin


def started(model, seed=1):
    """The model with every row begun, so that none takes start values of its own."""
    rng = np.random.default_rng(seed)
    for part in model_file.parts(model).values():
        rows = np.zeros((part.rows, part.used), np.float32)
        rows[:, : part.numbers] = rng.normal(0, 0.3, (part.rows, part.numbers))
        for k, (start, _) in enumerate(part.start(positive=False)):
            rows[:, (k + 1) * part.numbers : (k + 2) * part.numbers] = start + (0.5 if start else 0.0)
        part.put(np.arange(part.rows), rows)
    return model


RULES = {
    "sgd": schuss.SGD(lr=0.05),
    "adagrad": schuss.AdaGrad(lr=0.1, initial_accumulator=0.1),
    "ftrl": schuss.FTRL(lr=0.1, l1=0.05, l2=0.1),
    "adam": schuss.Adam(lr=0.02),
    "row_wise_adagrad": schuss.RowWiseAdaGrad(lr=0.1, initial_accumulator=0.1),
    "row_wise_adagrad_decayed": schuss.RowWiseAdaGrad(lr=0.1, initial_accumulator=0.1, weight_decay=0.1),
    "adagrad_decayed": schuss.AdaGrad(lr=0.1, initial_accumulator=0.1, weight_decay=0.1, decoupled=True, maximize=True),
}


# --- the oracle itself


@pytest.mark.parametrize("loss", ["logistic", "squared", "hinge", "poisson"])
@pytest.mark.parametrize("kind", KINDS)
def test_oracle_gradient_is_that_of_finite_differences(kind, loss):
    rng = np.random.default_rng(3)
    linear = np.concatenate([rng.normal(0, 0.3, ((1 << BITS) + 1, 1)), np.zeros(((1 << BITS) + 1, 1))], 1)
    numbers = DIM * FIELDS if kind == "ffm" else DIM
    factors = None if kind == "lr" else rng.normal(0, 0.3, (1 << BITS, numbers))
    start = (["sgd", 0], [])
    oracle = ctr_oracle.Learner(None, kind, BITS, DIM, FIELDS, linear, *start, factors, *start, numbers, loss, 0, 1.0)
    ids, x, fields, y = [3, 9, 3, 20], [0.5, -1.2, 2.0, 0.7], [0, 1, 2, 1], 1.0
    by_id, by_row = oracle.gradients(ids, x, fields)
    g = ctr_oracle.slope(loss, oracle.margin(ids, x, fields), y)

    def difference(array, at):
        def loss_at(step):
            array[at] += step
            value = ctr_oracle.loss(loss, oracle.margin(ids, x, fields), y)
            array[at] -= step
            return value

        return (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6

    for i, part in by_id.items():
        assert g * part == pytest.approx(difference(linear, (i, 0)), abs=1e-7)
    for i, part in by_row.items():
        for k in range(numbers):
            assert g * part[k] == pytest.approx(difference(factors, (i, k)), abs=1e-7)


# --- the compiled learner beside it


@pytest.mark.parametrize("values", [False, True], ids=["ones", "values"])
@pytest.mark.parametrize("kind", KINDS)
def test_margins(kind, values):
    model = started(make(kind))
    batch = batch_of(values=values)
    assert model.decision_function(batch) == pytest.approx(with_oracle(model).decision_function(batch), abs=2e-5)


@pytest.mark.parametrize("loss", ["logistic", "squared", "hinge", "poisson"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_learning(kind, rule, loss):
    model = started(make(kind, rule=RULES[rule], loss=loss))
    for part in model_file.parts(model).values():
        part.array[:, : part.numbers] *= 0.3
    oracle = with_oracle(model)
    batch = batch_of(20, loss=loss, weights=True)
    found, expected = model._learn(batch), oracle._learn(batch)
    assert found == pytest.approx(expected, rel=1e-4)
    for name, array in tables(model).items():
        assert array == pytest.approx(tables(oracle)[name], abs=3e-4), name


@pytest.mark.skipif(len(_level.runnable()) < 2, reason="one level was built")
@pytest.mark.parametrize("values", [False, True], ids=["ones", "values"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dim", [4, 5, 8])
@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_levels_agree_to_the_bit(kind, dim, rule, values, monkeypatch):
    trained = []
    for level in _level.runnable():
        monkeypatch.setattr(_level, "table", _level.module(level).table)
        model = make(kind, dim=dim, rule=RULES[rule], seed=3, **({"fields": 24} if kind == "ffm" else {}))
        trained.append(model.partial_fit(ascending(40, values=values)))
    assert all(same(trained[0], other) for other in trained[1:])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_learning_from_nothing(kind, rule):
    model = make(kind, rule=RULES[rule], seed=7)
    oracle = with_oracle(model)
    batch = clicks(60)
    assert model._learn(batch) == pytest.approx(oracle._learn(batch), rel=1e-4)
    for name, array in tables(model).items():
        assert array == pytest.approx(tables(oracle)[name], abs=1e-3), name
    assert model.decision_function(batch) == pytest.approx(oracle.decision_function(batch), abs=3e-3)


def ascending(n=12, fields=24, values=True, seed=0):
    """Examples whose fields come in order, most of them, some all of them, in runs of any length."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(rng.random(fields) < share) for share in rng.choice([0.0, 0.3, 0.8, 0.95, 1.0], n)]
    entries = sum(map(len, rows))
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    x = rng.normal(0, 1, entries) if values else None
    return Batch.of(
        indptr, rng.integers(0, 1 << BITS, entries), x, np.concatenate(rows), rng.integers(0, 2, n), bits=BITS
    )


@pytest.mark.parametrize("values", [False, True], ids=["ones", "values"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dim", [1, 2, 4, 5, 8, 16])
@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_every_width_of_a_row(kind, dim, rule, values):
    rule = {"linear": RULES[rule], "factors": RULES[rule]}
    model = started(make(kind, dim=dim, rule=rule, **({"fields": 24} if kind == "ffm" else {})))
    for part in model_file.parts(model).values():
        part.array[:, : part.numbers] *= 0.1
    oracle = with_oracle(model)
    batch = ascending(values=values)
    assert model.decision_function(batch) == pytest.approx(oracle.decision_function(batch), abs=1e-5)
    assert model._learn(batch) == pytest.approx(oracle._learn(batch), rel=1e-4)
    for name, array in tables(model).items():
        assert array == pytest.approx(tables(oracle)[name], abs=3e-4), name


@pytest.mark.parametrize(("dim", "shared"), [(1, True), (4, True), (7, True), (8, False)])
def test_an_fms_rows_share_a_cache_line_where_they_fit(dim, shared):
    model = make("fm", dim=dim)
    model._learn(batch_of())
    linear, factors = model._linear.array, model._factors.array
    at = [a.__array_interface__["data"][0] for a in (factors, linear)]
    assert (at[0] < at[1] < at[0] + 64) == shared
    assert linear.shape[0] == (1 << BITS) + 1
    if shared:
        assert 64 % factors.strides[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_tables_begin_on_a_cache_line(kind):
    """Was: where NumPy's memory begins, 16 bytes into one, so that every second row of an FM lay across two."""
    model = make(kind)
    model._learn(batch_of())
    for part in model_file.parts(model).values():
        assert part.memory.__array_interface__["data"][0] % 64 == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dim", [1, 2, 4])
def test_rows_on_one_line_learn_as_rows_apart(dim, rule, monkeypatch):
    rule = {"linear": RULES["ftrl"], "factors": RULES[rule]}
    together, apart = make("fm", dim=dim, rule=rule), make("fm", dim=dim, rule=rule)
    batches = [batch_of(seed=1), clicks(300), batch_of(seed=2, values=False)]
    for batch in batches:
        together._learn(batch)

    def two(linear, factors, rows, numbers):
        return Part(linear, rows + 1, 1), Part(factors, rows, numbers)

    monkeypatch.setattr(core, "joined", two)
    for batch in batches:
        apart._learn(batch)
    assert apart._linear.offset == 0 < together._linear.offset
    assert same(together, apart)


@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_start_values_are_of_the_seed_and_the_row_alone(kind):
    first, second, other = make(kind), make(kind), make(kind, seed=1)
    batch = clicks(50)
    rule = {"linear": schuss.SGD(lr=0.0), "factors": schuss.SGD(lr=0.0)}
    for model, order in ((first, batch), (second, Batch.join([batch[25:], batch[:25]])), (other, batch)):
        model.rules = rule
        model.partial_fit(order)
    assert same(first, second)
    assert not same(first, other)
    rows = first._factors.weights[np.unique(batch.ids)]
    assert rows.std() > 0.01
    assert np.abs(rows).max() <= 5.0 / np.sqrt(DIM)
    unseen = np.setdiff1d(np.arange(1 << BITS), batch.ids)
    assert not first._factors.array[unseen].any()


@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_ftrl_keeps_the_start_values_of_factors(kind):
    """Was: z started at 0, so the first step threw a row's start values away, and no factor ever learned."""
    rule = {"linear": schuss.FTRL(lr=0.1), "factors": schuss.FTRL(lr=1e-6, l1=0.1, l2=0.5)}
    model = make(kind, rule=rule, seed=3)
    still = make(kind, rule={"linear": schuss.SGD(lr=0.1), "factors": schuss.SGD(lr=0.0)}, seed=3)
    batch = clicks(50)
    model._learn(batch), still._learn(batch)
    w, start = model._factors.weights, still._factors.weights
    assert np.abs(start).sum() > 10
    assert w == pytest.approx(start, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_progressive_loss_is_that_before_learning(kind):
    model, twin, batch = started(make(kind)), started(make(kind)), clicks(40)
    losses = []
    for k in range(len(batch)):
        margin = model.decision_function(batch[k : k + 1]).astype(float)
        losses.append((np.logaddexp(0, margin) - batch.labels[k] * margin)[0])
        model.partial_fit(batch[k : k + 1])
    assert twin.fit(batch).history.mean() == pytest.approx(np.mean(losses), rel=1e-5)


# --- modes and borders


@pytest.mark.parametrize("kind", KINDS)
def test_deterministic_bits_know_no_threads(kind):
    batch = clicks()
    runs = [make(kind, threads=n).fit(batch, epochs=2) for n in (1, 2, 7)]
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])


@pytest.mark.parametrize("kind", KINDS)
def test_borders_of_batches_do_not_matter(kind):
    batch = batch_of(60)
    whole, parts = make(kind).partial_fit(batch), make(kind)
    for first, last in ((0, 1), (1, 17), (17, 17), (17, 60)):
        parts.partial_fit(batch[first:last])
    assert same(whole, parts)
    assert whole.seen == parts.seen == 60


@pytest.mark.parametrize("kind", KINDS)
def test_hogwild_learns_as_well(kind):
    batch, held = clicks(), clicks(1000, seed=1)
    free = make(kind, mode="hogwild", threads=2).fit(batch, epochs=10).evaluate(held).loss  # settled: order counts less
    assert free == pytest.approx(make(kind).fit(batch, epochs=10).evaluate(held).loss, abs=0.02)


def test_fm_and_ffm_see_what_lr_cannot():
    batch, held = clicks(), clicks(1000, seed=1)
    auc = {kind: make(kind).fit(batch, epochs=5).evaluate(held).auc for kind in KINDS}
    assert auc["lr"] < 0.65
    assert min(auc["fm"], auc["ffm"]) > 0.78


def test_predictions_of_each_loss():
    margins = make("lr").fit(clicks(50)).decision_function(clicks(50))
    p = make("lr").fit(clicks(50)).predict_proba(clicks(50))
    assert p == pytest.approx(1 / (1 + np.exp(-margins.astype(float))), rel=1e-6)
    assert make("lr").fit(clicks(50)).predict(clicks(50)).tolist() == (margins > 0).astype(int).tolist()
    batch = batch_of(50, loss="poisson")
    model = make("lr", loss="poisson", rule=schuss.AdaGrad(lr=0.01)).fit(batch)
    assert model.predict(batch) == pytest.approx(np.exp(model.decision_function(batch)))
    with pytest.raises(ValueError, match="predict_proba: the poisson loss gives no probabilities; use predict"):
        model.predict_proba(batch)


def test_normalise_scales_each_example_to_unit_length():
    batch = batch_of()
    long = Batch.of(batch.indptr, batch.ids, batch.values * 7, batch.fields, batch.labels, bits=BITS)
    owner = np.repeat(np.arange(len(batch)), np.diff(batch.indptr))
    length = np.array([np.sqrt((batch.values[owner == k] ** 2).sum()) for k in range(len(batch))])
    unit = Batch.of(batch.indptr, batch.ids, batch.values / length[owner], batch.fields, batch.labels, bits=BITS)
    model = started(make("fm", normalise=True))
    plain = started(make("fm"))
    assert model.decision_function(batch) == pytest.approx(plain.decision_function(unit), abs=1e-5)
    assert model.decision_function(long) == pytest.approx(plain.decision_function(unit), abs=1e-5)
    ones = batch_of(values=False)
    scaled = np.repeat(1 / np.sqrt(np.maximum(np.diff(ones.indptr), 1)), np.diff(ones.indptr))
    unit = Batch.of(ones.indptr, ones.ids, scaled, ones.fields, bits=BITS)
    merged = Batch.of(ones.indptr, ones.ids, None, ones.fields, bits=BITS)
    if merged.values is None:
        assert model.decision_function(merged) == pytest.approx(plain.decision_function(unit), abs=1e-5)


def test_weights_of_an_example_count():
    batch = clicks(200)
    weights = np.where(np.arange(200) % 2, 1.0, 0.0)
    heavy = Batch.of(batch.indptr, batch.ids, None, batch.fields, batch.labels, weights, bits=BITS)
    odd = Batch.join([batch[k : k + 1] for k in range(1, 200, 2)])
    a, b = make("lr").fit(heavy), make("lr").fit(odd)
    assert a.decision_function(batch) == pytest.approx(b.decision_function(batch), abs=1e-6)
    assert a.evaluate(heavy).loss == pytest.approx(a.evaluate(odd).loss)


# --- rates that follow from the data


def test_rates_follow_from_the_first_batch():
    few, many = clicks(50), batch_of(50)
    model = FM(BITS, rule={"factors": "ftrl"}, mode="deterministic").partial_fit(few)
    assert model.rules == {"linear": schuss.AdaGrad(lr=0.5), "factors": schuss.FTRL(lr=0.5)}
    assert model.scale == 0.5
    assert model.partial_fit(many).rules["linear"].lr == 0.5
    size = np.abs(many.values).sum() / 50
    assert LR(BITS).partial_fit(many).rules["linear"].lr == pytest.approx(2 / size, rel=0.05)
    assert LR(BITS, normalise=True).partial_fit(few).rules["linear"].lr == 1.0


@pytest.mark.parametrize(
    ("kind", "rule", "factors"),
    [
        ("fm", None, schuss.AdaGrad(lr=0.25, initial_accumulator=0.1)),
        ("ffm", None, schuss.RowWiseAdaGrad(lr=0.5, initial_accumulator=1.0, weight_decay=0.002)),
        ("ffm", "adagrad", schuss.AdaGrad(lr=0.5, initial_accumulator=1.0, weight_decay=0.002)),
    ],
)
def test_factors_have_numbers_of_their_own(kind, rule, factors):
    rules = KINDS[kind](BITS, rule=rule).partial_fit(clicks(50)).rules
    assert rules == {"linear": schuss.AdaGrad(lr=0.5), "factors": factors}


def test_given_rates_stay():
    rule = {"linear": schuss.FTRL(lr=0.3), "factors": "Adam"}
    model = FM(BITS, rule=rule, scale=0.2).partial_fit(clicks(50))
    assert model.rules == {"linear": schuss.FTRL(lr=0.3), "factors": schuss.Adam()}
    assert model.scale == 0.2


def test_open_rates_survive_a_file(tmp_path):
    FM(BITS, mode="deterministic").save(tmp_path / "new")
    again = models.load(tmp_path / "new").partial_fit(clicks(50))
    assert same(again, FM(BITS, mode="deterministic").partial_fit(clicks(50)))


# --- history, validation, stopping


def test_history_has_examples_and_losses():
    batch = clicks(2000)
    model = make("fm").fit(batch, epochs=3, valid=clicks(300, seed=1))
    assert [p.examples for p in model.history] == [2000, 4000, 6000]
    assert [p.weight for p in model.history] == [2000, 2000, 2000]
    assert model.history[-1].valid == pytest.approx(model.evaluate(clicks(300, seed=1)).loss)
    assert model.seen == 6000


@given(st.lists(st.tuples(st.integers(1, 30_000), st.floats(0, 5), st.booleans()), max_size=60))
def test_history_keeps_the_mean(batches):
    history, examples, total, weight = History(), 0, 0.0, 0.0
    for count, loss, mark in batches:
        examples, total, weight = examples + count, total + loss * count, weight + count
        history.add(examples, loss * count, float(count))
        if mark:
            history.mark(examples, loss)
    again = History.from_json(json.loads(json.dumps(history.to_json())))
    assert again.to_json() == history.to_json()
    if weight:
        assert history.mean() == pytest.approx(total / weight)


def test_history_stays_small():
    history = History()
    for k in range(1, 5000):
        history.add(k * 10_000, 10_000.0 * k, 10_000.0)
    assert len(history) <= MOST
    assert history.mean() == pytest.approx(2500)
    assert [p.examples for p in history] == sorted(p.examples for p in history)


def test_early_stopping_keeps_the_best_epoch():
    batch, held = clicks(150), clicks(1000, seed=1)
    rule = schuss.AdaGrad(lr=1.0)
    model = make("fm", rule=rule).fit(batch, epochs=40, valid=held, patience=2)
    losses = [p.valid for p in model.history if p.valid is not None]
    assert len(losses) < 40
    assert losses.index(min(losses)) == len(losses) - 3
    assert model.evaluate(held).loss == pytest.approx(min(losses))
    best = make("fm", rule=rule).fit(batch, epochs=losses.index(min(losses)) + 1)
    assert same(model, best)


def test_epochs_of_a_batch_are_shuffled_after_the_first():
    batch = clicks(300)
    order = _cold.permutation(300, 1)
    assert sorted(order.tolist()) == list(range(300))
    model = make("lr").fit(batch, epochs=2)
    by_hand = make("lr").partial_fit(batch)
    by_hand.partial_fit(Batch.join([batch[k : k + 1] for k in order]))
    assert same(model, by_hand)


# --- files


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_save_and_load_go_on_bit_for_bit(kind, rule, tmp_path):
    batch = clicks(300)
    whole = make(kind, rule=RULES[rule]).partial_fit(batch[:150]).partial_fit(batch[150:])
    half = make(kind, rule=RULES[rule]).partial_fit(batch[:150])
    half.save(tmp_path / "model")
    again = KINDS[kind].load(tmp_path / "model").partial_fit(batch[150:])
    assert same(whole, again)
    assert again.history.to_json() == whole.history.to_json()
    assert (again.rules, again.seen) == (whole.rules, 300)
    whole.save(tmp_path / "a")
    again.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_slots_predicts_and_no_more(kind, tmp_path):
    model = make(kind, rule=schuss.FTRL(lr=0.1, l1=2.0)).fit(clicks(300))
    model.save(tmp_path / "large")
    model.save(tmp_path / "small", slots=False)
    small = models.load(tmp_path / "small")
    assert (small.decision_function(clicks(50)) == model.decision_function(clicks(50))).all()
    assert (tmp_path / "small").stat().st_size < (tmp_path / "large").stat().st_size
    with pytest.raises(ValueError, match="saved without slots, for prediction alone"):
        small.partial_fit(clicks(50))
    small.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "small").read_bytes()


def test_zeros_of_l1_make_a_small_file(tmp_path):
    for name, l1 in (("dense", 0.0), ("sparse", 30.0)):
        make("lr", rule=schuss.FTRL(lr=0.1, l1=l1)).fit(clicks(500)).save(tmp_path / name, slots=False)
    rows = {n: len(checkpoint.load(tmp_path / n)[0]["linear.ids"]) for n in ("dense", "sparse")}
    assert rows["sparse"] < rows["dense"] / 4


def test_only_rows_that_were_seen_are_saved(tmp_path):
    batch = clicks(20)
    make("fm").fit(batch).save(tmp_path / "model")
    arrays, header = checkpoint.load(tmp_path / "model")
    seen = np.unique(batch.ids).tolist()
    assert arrays["linear.ids"].tolist() == [*seen, 1 << BITS]
    assert arrays["factors.ids"].tolist() == seen
    assert arrays["factors.rows"].shape == (len(seen), 2 * DIM)
    assert header["kind"] == "ctr"
    assert (header["version"], header["model"], header["bits"], header["dim"]) == (1, "fm", BITS, DIM)


def test_settings_survive(tmp_path):
    rule = {"linear": schuss.FTRL(lr=schuss.schedules.Cosine(0.1, steps=100)), "factors": schuss.Adam()}
    model = make("ffm", rule=rule, loss="squared", normalise=True, seed=3, l2=0.5)
    model.format = Format("libffm", bits=BITS, seed=9, labels="regression")
    model.fit(batch_of(loss="squared"))
    model.save(tmp_path / "model")
    again = models.load(tmp_path / "model")
    for name in (*model_file.SETTINGS, "rules", "format", "seen", "position"):
        assert getattr(again, name) == getattr(model, name), name
    assert again.rules["linear"].l2 == again.rules["factors"].weight_decay == 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_text_has_every_weight(kind, tmp_path):
    model = make(kind).fit(clicks(100))
    model.export_text(tmp_path / "weights.txt")
    first, *lines = (tmp_path / "weights.txt").read_text().splitlines()
    assert np.float32(first.split("\t")[1]) == model._linear.array[1 << BITS, 0]
    assert [int(line.split("\t")[0]) for line in lines] == np.unique(clicks(100).ids).tolist()
    for line in lines:
        i, w, *v = line.split("\t")
        assert np.float32(w) == model._linear.array[int(i), 0]
        if kind != "lr":
            assert np.array(v, np.float32).tolist() == model._factors.weights[int(i)].tolist()


def test_truncated_files_are_refused(tmp_path):
    make("fm").fit(clicks(50)).save(tmp_path / "model")
    whole = (tmp_path / "model").read_bytes()
    for size in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cut: truncated, damaged or not a safetensors file"):
            models.load(tmp_path / "cut")


CHANGES = {
    "version": ({"version": 2}, "a model file of version 2, written by schuss .*; this schuss reads version 1"),
    "kind": ({"kind": "optimizer"}, "holds 'optimizer', not a click model"),
    "model": ({"model": "deep"}, "holds the model 'deep'; use schuss.models.load"),
    "setting": ({"loss": "zero-one"}, "the header of this model is damaged .*loss: expected one of"),
    "missing": ({"rules": {}}, "the header of this model is damaged"),
    "rule": ({"rules": {"linear": {"rule": "Magic"}, "factors": {"rule": "SGD"}}}, "'Magic' is unknown"),
    "history": ({"history": 7}, "the header of this model is damaged"),
    "width": ({"dim": 2}, "'factors': expected rows of 4 float32, got F32"),
    "bits": ({"bits": 3}, "'linear.ids': expected ascending ids below 9; the file is damaged"),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_other_files_are_refused(change, words, tmp_path):
    make("fm").fit(clicks(50)).save(tmp_path / "model")
    arrays, header = checkpoint.load(tmp_path / "model")
    checkpoint.save(tmp_path / "other", arrays, {**header, **change})
    with pytest.raises(ValueError, match=words):
        models.load(tmp_path / "other")


def test_load_of_another_kind_names_the_remedy(tmp_path):
    make("fm").fit(clicks(50)).save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"holds the model 'fm'; use schuss\.models\.load, which takes any"):
        LR.load(tmp_path / "model")


def test_a_full_disk_leaves_the_old_model(tmp_path, monkeypatch):
    model = make("fm").fit(clicks(50))
    model.save(tmp_path / "model")
    before = (tmp_path / "model").read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_sync", full)
    with pytest.raises(OSError, match="No space left"):
        model.partial_fit(clicks(50)).save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


# --- checkpoints and resuming


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", [1, 3, 5, 8])
def test_resume_is_the_uninterrupted_run(kind, stop, tmp_path, monkeypatch):
    monkeypatch.setattr("schuss.models.sources.SLICE", 100)
    batch, held = clicks(350), clicks(100, seed=1)
    options = {"epochs": 3, "valid": held, "patience": 5}
    whole = make(kind).fit(batch, checkpoint=tmp_path / "whole", **options)

    class Stop(Exception):
        pass

    saves = []
    save = model_file.save

    def stopping(*arguments):
        save(*arguments)
        saves.append(arguments)
        if len(saves) == stop:
            raise Stop

    monkeypatch.setattr(model_file, "save", stopping)
    with pytest.raises(Stop):
        make(kind).fit(batch, checkpoint=tmp_path / "model", every=100, **options)
    monkeypatch.setattr(model_file, "save", save)
    again = models.load(tmp_path / "model")
    assert 0 < again.seen < 1050
    again.fit(batch, checkpoint=tmp_path / "model", resume=True, **options)
    assert same(whole, again)
    assert (tmp_path / "model").read_bytes() == (tmp_path / "whole").read_bytes()


def test_interrupt_saves_what_was_learned(tmp_path, monkeypatch):
    monkeypatch.setattr("schuss.models.sources.SLICE", 50)
    batch = clicks(400)
    model = make("fm")
    learn = model._learn

    def interrupted(part):
        done = learn(part)
        if model.seen == 150:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0)
        return done

    monkeypatch.setattr(model, "_learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(batch, checkpoint=tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert (again.seen, again.position) == (150, {"epoch": 0, "examples": 150})
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert same(again.fit(batch, resume=True), make("fm").fit(batch))


KILLED = """
import sys
sys.path.insert(0, {tests!r})
import test_models as t
from schuss.models import sources
sources.SLICE = 500
t.make({kind!r}).fit(t.clicks(20_000), epochs=200, checkpoint={path!r}, every=500)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_kill_9_leaves_a_model_that_goes_on(kind, tmp_path, monkeypatch):
    path = tmp_path / "model"
    code = KILLED.format(tests=str(Path(__file__).parent), kind=kind, path=str(path))
    source = str(Path(schuss.__file__).parent.parent)
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(3):
        path.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": source}, stderr=subprocess.PIPE
        )
        for _ in range(400):
            if path.exists() or process.poll() is not None:
                break
            time.sleep(0.02)
        time.sleep(rng.random() * 0.2)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
        model = models.load(path)
        seen.append(model.seen)
        assert model.seen == model.position["epoch"] * 20_000 + model.position["examples"]
        monkeypatch.setattr("schuss.models.sources.SLICE", 500)
        epochs = model.position["epoch"] + 1
        assert same(
            model.fit(clicks(20_000), epochs=epochs, resume=True), make(kind).fit(clicks(20_000), epochs=epochs)
        )
    assert min(seen) > 0


# --- what is refused

REFUSED = {
    "bits-kind": (lambda: LR(20.0), TypeError, "bits: expected a whole number, got float"),
    "bits": (lambda: LR(0), ValueError, "bits: expected 1 to 31, got 0"),
    "dim": (lambda: FM(4, dim=0), ValueError, "dim: expected 1 to 1024, got 0"),
    "fields": (lambda: FFM(4, fields=0), ValueError, "fields: expected 1 to 65535, got 0"),
    "loss": (
        lambda: LR(loss="log"),
        ValueError,
        "loss: expected one of 'logistic', 'squared', 'hinge', 'poisson', got",
    ),
    "mode": (lambda: LR(mode="fast"), ValueError, "mode: expected one of 'hogwild', 'deterministic', got 'fast'"),
    "scale": (lambda: FM(scale=-1.0), ValueError, "scale: expected a finite number >= 0, or None, got -1.0"),
    "seed": (lambda: FM(seed=-1), ValueError, "seed: expected 0 to"),
    "threads": (lambda: FM(threads=0), ValueError, "threads: expected 1 to 256, got 0"),
    "normalise": (lambda: FM(normalise=1), TypeError, "normalise: expected True or False, got 1"),
    "rule-class": (
        lambda: FM(rule=schuss.FTRL),
        TypeError,
        r"rule: expected a rule, its name, or a dict .* the class; use FTRL",
    ),
    "rule-part": (
        lambda: LR(rule={"factors": schuss.SGD()}),
        ValueError,
        "rule: expected rules for linear, got one for",
    ),
    "rule-kind": (
        lambda: FM(rule={"linear": 0.1}),
        TypeError,
        "rule: expected a rule, its name, or a dict .* got float",
    ),
    "rule-egdd": (
        lambda: FM(4, rule=schuss.EGDD())._ready(),
        ValueError,
        "rule: EGDD does not train rows that start at",
    ),
    "l1": (lambda: FM(l1=0.1), ValueError, r"l1: AdaGrad has no l1 of a model; use FTRL\(l1=...\)"),
    "l2": (lambda: FM(l2=-0.1), ValueError, "l2: expected a finite number >= 0, or None, got -0.1"),
    "epochs": (lambda: make("lr").fit(clicks(9), epochs=0), ValueError, "epochs: expected at least 1, got 0"),
    "epochs-kind": (lambda: make("lr").fit(clicks(9), epochs=1.5), TypeError, "epochs: expected a whole number"),
    "patience": (
        lambda: make("lr").fit(clicks(9), patience=1),
        ValueError,
        "patience: early stopping needs held-out data",
    ),
    "every": (lambda: make("lr").fit(clicks(9), every=5), ValueError, "every: there is no file for checkpoints"),
    "data": (lambda: make("lr").fit(7), TypeError, "data: expected paths, a Reader or a Batch, got int"),
    "arrays": (
        lambda: make("lr").fit(np.eye(2)),
        TypeError,
        r"batch: expected a schuss.data.Batch, got ndarray; use Batch.of",
    ),
    "nothing": (lambda: make("lr").fit(clicks(0)), ValueError, "data: there are no examples to learn from"),
    "label": (
        lambda: make("lr").partial_fit(Batch.of([0, 1], [3], labels=[2], bits=BITS)),
        ValueError,
        "labels: expected 0 or 1 for the logistic loss, got 2",
    ),
    "rate": (
        lambda: make("lr", loss="poisson").partial_fit(Batch.of([0, 1], [3], labels=[-1], bits=BITS)),
        ValueError,
        "labels: expected numbers >= 0 for the poisson loss, got -1",
    ),
    "no-label": (
        lambda: make("lr").partial_fit(Batch.of([0, 1], [3], bits=BITS)),
        ValueError,
        "labels: the examples have none",
    ),
    "id": (
        lambda: make("lr").decision_function(Batch.of([0, 1], [64], bits=7)),
        IndexError,
        "batch: id 64 needs more than bits=6; make it with the model's bits",
    ),
    "field": (
        lambda: make("ffm").partial_fit(Batch.of([0, 1], [3], None, [FIELDS], [1], bits=BITS)),
        IndexError,
        "batch: field 4 is beyond the model's fields=4; give fields=5",
    ),
    "no-field": (
        lambda: make("ffm").partial_fit(Batch.of([0, 1], [3], labels=[1], bits=BITS)),
        ValueError,
        "batch: an FFM needs the field of every entry; give fields, or use FM",
    ),
    "format-bits": (
        lambda: make("lr").fit(__file__, format=Format("libsvm", bits=9)),
        ValueError,
        "format: made with bits=9, the model with bits=6; give both the same",
    ),
    "format-unknown": (lambda: make("lr").fit(__file__), ValueError, "format: cannot tell it from the name"),
    "valid-empty": (lambda: make("lr").fit(clicks(9), valid=clicks(0)), ValueError, "valid: there are no examples"),
    "evaluate-empty": (lambda: make("lr").evaluate(clicks(0)), ValueError, "data: there are no examples to evaluate"),
}


@pytest.mark.parametrize(("call", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_refused_batch_changes_nothing():
    model = make("fm").fit(clicks(50))
    before, seen = tables(model), model.seen
    for bad in (Batch.of([0, 1, 2], [3, 4], labels=[1, 3], bits=BITS), Batch.of([0, 1], [70], labels=[1], bits=7)):
        with pytest.raises((ValueError, IndexError)):
            model.partial_fit(bad)
    assert model.seen == seen
    assert all((array == before[name]).all() for name, array in tables(model).items())


@pytest.mark.parametrize(
    ("kind", "ids", "fields", "words"),
    [
        *((kind, [3, 64], [0, 1], "batch: id 64 needs more than bits=6") for kind in KINDS),
        ("ffm", [3, 5], [1, 4], "batch: field 4 is beyond the model's fields=4; give fields=5"),
    ],
)
@pytest.mark.parametrize("call", ["partial_fit", "decision_function"])
def test_a_later_batch_is_refused_as_the_first_is(call, kind, ids, fields, words):
    model = make(kind).partial_fit(batch_of(20))
    before, seen = pickle.dumps(model), model.seen
    with pytest.raises(IndexError, match=words):
        getattr(model, call)(Batch.of([0, 1, 2], ids, None, fields, labels=[0, 1], bits=8))
    assert pickle.dumps(model) == before
    assert model.seen == seen


def test_divergence_is_told_and_not_saved(tmp_path):
    model = make("lr", loss="squared", rule=schuss.SGD(lr=1e6))
    with pytest.raises(
        ValueError, match=r"lr: training diverged, the loss is (inf|nan) after .* a smaller learning rate"
    ):
        model.fit(batch_of(500, loss="squared"), epochs=5, checkpoint=tmp_path / "model")
    assert not (tmp_path / "model").exists() or models.load(tmp_path / "model")


# --- evaluation


def test_report_beside_the_oracle():
    model = make("fm").fit(clicks(500))
    held = clicks(200, seed=1)
    p = 1 / (1 + np.exp(-with_oracle(model).decision_function(held).astype(float)))
    y = held.labels
    found = model.evaluate(held, fields=True)
    assert found.loss == pytest.approx(-np.log(np.where(y == 1, p, 1 - p)).mean(), rel=1e-5)
    wins = [(a > b) + 0.5 * (a == b) for a in p[y == 1] for b in p[y == 0]]
    assert found.auc == pytest.approx(np.mean(wins), abs=1e-4)
    assert found.mean_prediction == pytest.approx(p.mean(), rel=1e-5)
    assert found.calibration.ratio == pytest.approx(p.mean() / y.mean(), rel=1e-5)
    assert "AUC" in str(found)
    assert json.loads(json.dumps(found.to_json()))["auc"] == found.auc


@pytest.mark.parametrize("kind", KINDS)
def test_report_of_each_field(kind):
    model = make(kind).fit(clicks(300, vocabulary=4))
    held = clicks(150, seed=1)
    found = model.evaluate(held, fields=True).fields
    oracle = with_oracle(model)
    assert [f.field for f in found] == list(range(FIELDS))
    ids = held.ids.reshape(-1, FIELDS)
    for f in range(FIELDS):
        keep = [k for k in range(FIELDS) if k != f]
        fields = np.tile(keep, len(ids))
        rest = Batch.of(np.arange(len(ids) + 1) * 3, ids[:, keep].ravel(), None, fields, held.labels, bits=BITS)
        assert found[f].loss_without == pytest.approx(oracle.evaluate(rest).loss, rel=1e-4)
        known = np.isin(ids[:, f], clicks(300, vocabulary=4).ids)
        assert (found[f].entries, found[f].unknown) == (150, pytest.approx(1 - known.mean()))


def test_hinge_and_squared_reports_have_what_makes_sense():
    hinge = make("lr", loss="hinge").fit(clicks(200)).evaluate(clicks(100))
    assert hinge.auc is not None
    assert hinge.calibration is None
    squared = make("lr", loss="squared").fit(clicks(200)).evaluate(clicks(100))
    assert squared.auc is None
    assert squared.calibration is None


def test_learner_is_made_in_one_place(monkeypatch):
    made = []

    def new_learner(*arguments):
        made.append(arguments)
        return original(*arguments)

    original = learner.new_learner
    monkeypatch.setattr(learner, "new_learner", new_learner)
    make("fm").fit(clicks(20))
    assert len(made) == 1
