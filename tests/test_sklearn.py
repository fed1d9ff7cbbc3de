"""The estimators keep scikit-learn's contract, and are the models behind them."""

from __future__ import annotations

import contextlib
import pickle
import unittest
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator

import schuss
from schuss.data import Batch
from schuss.models import FFM, FM, LR
from schuss.sklearn import FFMClassifier, FMClassifier, LRClassifier

CLASSES = (LRClassifier, FMClassifier, FFMClassifier)
CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{getattr(check, 'func', check).__name__}-{k}")
    for kind in CLASSES
    for k, (estimator, check) in enumerate(estimator_checks_generator(kind()))
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_contract(estimator, check):
    # The checks themselves warn; two end early without pandas or where SciPy's array API is off.
    with warnings.catch_warnings(), contextlib.suppress(unittest.SkipTest):
        warnings.simplefilter("ignore")
        check(clone(estimator))


def data(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = np.zeros((n, 12), np.float32)
    a, b = rng.integers(0, 6, n), rng.integers(0, 6, n)
    X[np.arange(n), a] = X[np.arange(n), 6 + b] = 1
    return X, np.where((a + b) % 2, "odd", "even")


@pytest.mark.parametrize("kind", CLASSES)
def test_dense_and_sparse_are_the_same(kind):
    X, y = data()
    dense, sparse = kind(random_state=1).fit(X, y), kind(random_state=1).fit(csr_array(X), y)
    assert (dense.decision_function(X) == sparse.decision_function(csr_array(X))).all()


@pytest.mark.parametrize("kind", CLASSES)
def test_it_is_the_model(kind):
    X, y = data()
    columns = csr_array(X).indices
    fields = columns // 6 if kind is FFMClassifier else None
    options = {"fields": np.arange(12) // 6} if kind is FFMClassifier else {}
    mine = kind(epochs=3, **options).fit(X, y)
    batch = Batch.of(np.arange(len(y) + 1) * 2, columns, None, fields, y == "odd", bits=4)
    model = {LRClassifier: LR, FMClassifier: FM, FFMClassifier: FFM}[kind](4, mode="deterministic").fit(batch, epochs=3)
    assert mine.decision_function(X) == pytest.approx(model.decision_function(batch), abs=0)
    assert mine.predict_proba(X)[:, 1] == pytest.approx(model.predict_proba(batch), abs=1e-7)


def test_interactions_are_learned():
    X, y = data()
    assert FMClassifier().fit(X, y).score(*data(seed=1)) == 1.0
    assert LRClassifier().fit(X, y).score(*data(seed=1)) < 0.7


def test_partial_fit_takes_weights_and_classes():
    X, y = data()
    w = np.where(np.arange(len(y)) % 2, 0.0, 1.0)
    weighted = LRClassifier().partial_fit(X, y, sample_weight=w)
    fewer = LRClassifier().partial_fit(X[::2], y[::2])
    assert weighted.decision_function(X) == pytest.approx(fewer.decision_function(X), abs=1e-6)
    one = LRClassifier().partial_fit(X[y == "odd"], y[y == "odd"], classes=["even", "odd"])
    with pytest.raises(ValueError, match=r"y: expected the classes \['even', 'odd'\], got .*'no'"):
        one.partial_fit(X[:1], np.array(["no"]))


@pytest.mark.parametrize("kind", CLASSES)
def test_pickle(kind):
    X, y = data()
    fitted = kind().fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.decision_function(X) == fitted.decision_function(X)).all()
    assert (again.partial_fit(X, y).decision_function(X) == fitted.partial_fit(X, y).decision_function(X)).all()


def test_grid_search():
    X, y = data()
    search = GridSearchCV(FMClassifier(), {"dim": [2, 8], "rule": [schuss.AdaGrad(lr=r) for r in (1e-6, 0.1)]}, cv=2)
    assert search.fit(X, y).best_params_["rule"] == schuss.AdaGrad(lr=0.1)


def test_fields_must_fit_the_columns():
    with pytest.raises(ValueError, match="fields: expected a whole number >= 0 for each of the 12 columns"):
        FFMClassifier(fields=[0, 1]).fit(*data())
