"""Click models as scikit-learn estimators: binary classifiers for dense and CSR input.

>>> import numpy as np
>>> from schuss.sklearn import FMClassifier
>>> X, y = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0]] * 20), np.array(["no", "yes", "no", "yes"] * 20)
>>> FMClassifier().fit(X, y).predict(X[:2])
array(['no', 'yes'], dtype='<U3')
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .data import Batch
from .models import FFM, FM, LR, Model
from .models.losses import probability

try:
    from scipy.sparse import csr_array
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data
except ImportError as error:
    raise ImportError("schuss.sklearn needs scikit-learn; install the extra: pip install 'schuss[sklearn]'") from error

Array = NDArray[Any]


class _Classifier(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """What the three share; columns are features, X is dense or sparse."""

    @abstractmethod
    def _new(self, bits: int, seed: int) -> Model:
        """The model behind the estimator."""

    def _fields(self, columns: Array) -> Array | None:
        return None

    def fit(self, X: Any, y: Any) -> Self:
        """Learns from scratch, `epochs` times through all examples, shuffled.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, features)
        y : array of two classes, shape (n,)

        Returns
        -------
        The estimator.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
        self._start(np.unique(_binary(y)))
        batch = self._batch(X, y, None)
        self.model_.fit(batch, epochs=self.epochs, progress=False)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learns examples as they come, once.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, features)
        y : array, shape (n,)
        classes : array of the two classes
            Needed by the first call where y has not both.
        sample_weight : array of numbers >= 0, shape (n,), optional

        Returns
        -------
        The estimator.
        """
        first = not hasattr(self, "model_")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32, reset=first)
        if first:
            self._start(np.unique(_binary(y) if classes is None else classes))
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float32)
        self.model_.partial_fit(self._batch(X, y, weights))
        return self

    def decision_function(self, X: Any) -> Array:
        """Margins, float64 (n,); above 0 for the second class."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        return self.model_.decision_function(self._batch(X, None, None)).astype(np.float64)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of both classes, (n, 2)."""
        p = probability(self.decision_function(X)).astype(np.float64)
        return np.stack([1 - p, p], axis=1)

    def predict(self, X: Any) -> Array:
        """The likelier class of each row."""
        margins = self.decision_function(X)
        return np.asarray(self.classes_[(margins > 0).astype(np.int64)])

    def _start(self, classes: Array) -> None:
        if len(classes) != 2:
            raise ValueError(f"y: expected two classes, got {len(classes)} class: {classes[:3].tolist()}")
        self.classes_ = classes
        bits = max(int(self.n_features_in_ - 1).bit_length(), 1)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1)) if self.random_state is not None else 0
        self.model_ = self._new(bits, seed)

    def _batch(self, X: Any, y: Any, weights: Array | None) -> Batch:
        X = csr_array(X)
        labels = None
        if y is not None:
            strangers = np.setdiff1d(y, self.classes_)
            if len(strangers):
                raise ValueError(f"y: expected the classes {self.classes_.tolist()}, got {strangers[0]!r}")
            labels = y == self.classes_[1]
        end = int(X.indptr[-1])
        columns = X.indices[:end]
        fields = self._fields(columns)
        return Batch.of(X.indptr, columns, X.data[:end], fields, labels, weights, bits=self.model_.bits)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        return tags


class LRClassifier(_Classifier):
    """Logistic regression by AdaGrad, one example at a time.

    Parameters
    ----------
    rule, l1, l2, normalise, threads, mode
        As in :class:`schuss.models.LR`; mode is "deterministic" unless told otherwise.
    epochs : int, default 10
    random_state : int, RandomState or None
        Of shuffling and start values; None is a fixed seed, too.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.sklearn import LRClassifier
    >>> X, y = np.array([[0.0], [1.0]] * 50), np.array([0, 1] * 50)
    >>> LRClassifier().fit(X, y).score(X, y)
    1.0

    Differs from
    ------------
    sklearn.linear_model.LogisticRegression, which goes to the optimum; SGDClassifier, which has no AdaGrad.
    """

    def __init__(
        self,
        rule: Any = None,
        *,
        l1: float | None = None,
        l2: float | None = None,
        normalise: bool = False,
        epochs: int = 10,
        threads: int | None = None,
        mode: str = "deterministic",
        random_state: Any = None,
    ) -> None:
        self.rule = rule
        self.l1 = l1
        self.l2 = l2
        self.normalise = normalise
        self.epochs = epochs
        self.threads = threads
        self.mode = mode
        self.random_state = random_state

    def _options(self) -> dict[str, Any]:
        names = ("rule", "l1", "l2", "normalise", "threads", "mode")
        return {name: getattr(self, name) for name in names}

    def _new(self, bits: int, seed: int) -> Model:
        return LR(bits, seed=seed, **self._options())


class FMClassifier(LRClassifier):
    """Factorization machine.

    Parameters
    ----------
    dim, scale
        As in :class:`schuss.models.FM`.
    rule, l1, l2, normalise, epochs, threads, mode, random_state
        As in :class:`LRClassifier`.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.sklearn import FMClassifier
    >>> X = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]] * 50)
    >>> y = np.array([1, 0, 0, 1] * 50)
    >>> FMClassifier().fit(X, y).score(X, y)
    1.0
    """

    def __init__(
        self,
        dim: int = 8,
        *,
        rule: Any = None,
        scale: float | None = None,
        l1: float | None = None,
        l2: float | None = None,
        normalise: bool = False,
        epochs: int = 10,
        threads: int | None = None,
        mode: str = "deterministic",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            rule,
            l1=l1,
            l2=l2,
            normalise=normalise,
            epochs=epochs,
            threads=threads,
            mode=mode,
            random_state=random_state,
        )
        self.dim = dim
        self.scale = scale

    def _new(self, bits: int, seed: int) -> Model:
        return FM(bits, dim=self.dim, scale=self.scale, seed=seed, **self._options())


class FFMClassifier(FMClassifier):
    """Field-aware factorization machine.

    Parameters
    ----------
    dim : int, default 4
    fields : array of whole numbers, shape (features,), optional
        The field of each column; default: each column is a field of its own.
    rule, scale, l1, l2, normalise, epochs, threads, mode, random_state
        As in :class:`FMClassifier`.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.sklearn import FFMClassifier
    >>> X = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]] * 50)
    >>> y = np.array([1, 0, 0, 1] * 50)
    >>> FFMClassifier(fields=[0, 0, 1, 1]).fit(X, y).score(X, y)
    1.0
    """

    def __init__(
        self,
        dim: int = 4,
        *,
        fields: Any = None,
        rule: Any = None,
        scale: float | None = None,
        l1: float | None = None,
        l2: float | None = None,
        normalise: bool = False,
        epochs: int = 10,
        threads: int | None = None,
        mode: str = "deterministic",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            dim,
            rule=rule,
            scale=scale,
            l1=l1,
            l2=l2,
            normalise=normalise,
            epochs=epochs,
            threads=threads,
            mode=mode,
            random_state=random_state,
        )
        self.fields = fields

    def _new(self, bits: int, seed: int) -> Model:
        count = self.n_features_in_ if self.fields is None else int(np.max(self._checked_fields())) + 1
        return FFM(bits, dim=self.dim, fields=count, scale=self.scale, seed=seed, **self._options())

    def _fields(self, columns: Array) -> Array:
        return columns if self.fields is None else self._checked_fields()[columns]

    def _checked_fields(self) -> Array:
        fields = np.asarray(self.fields)
        if fields.shape != (self.n_features_in_,) or fields.dtype.kind not in "iu" or fields.min() < 0:
            raise ValueError(f"fields: expected a whole number >= 0 for each of the {self.n_features_in_} columns")
        return fields


def _binary(y: Array) -> Array:
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    return y
