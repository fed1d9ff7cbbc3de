"""The models: LR, FM, FFM."""

from __future__ import annotations

from typing import Any, Unpack

from .base import Model
from .core import Options


class LR(Model):
    """A linear model; with the logistic loss, logistic regression.

    margin = b + sum_i w_i x_i

    Parameters
    ----------
    bits : int, default 20
        2**bits ids, 1 to 31.
    rule : Rule, name of one, or dict with "linear", default "AdaGrad"
        Trains the weights and the bias. "AdaGrad" and "FTRL" by name get their rate from the first batch: 2 and 4,
        divided by the mean sum of an example's absolute values, which is the number of its features if values are 1.
    loss : "logistic", "squared", "hinge" or "poisson", default "logistic"
        Of the margin; see `schuss.models.losses`.
    l1, l2 : float, optional
        Penalties: FTRL's own; l2 is weight decay of the touched rows for the other rules, which have no l1.
    normalise : bool, default False
        Scale the values of each example to unit length.
    threads : int, optional
        Default: schuss.get_threads().
    mode : "hogwild" or "deterministic", default "hogwild"
        "hogwild": threads update the same tables without locks, so that results differ a little from run to run.
        "deterministic": one example after the other: the same bits for any number of threads.
    seed : int, default 0
        Of shuffling.

    Returns
    -------
    A model to `fit`.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.data import Batch
    >>> from schuss.models import LR
    >>> batch = Batch.of(np.array([0, 1, 2]), np.array([3, 7], np.uint32), labels=np.array([0, 1]), bits=4)
    >>> model = LR(bits=4, mode="deterministic").fit(batch, epochs=2)
    >>> model.predict_proba(batch).round(2)
    array([0.08, 0.91], dtype=float32)

    Reference
    ---------
    McMahan et al., "Ad click prediction: a view from the trenches", 2013.

    Differs from
    ------------
    Vowpal Wabbit's default, whose rates also take the features' scales into account.
    """

    kind = "lr"
    parts = ("linear",)

    def __init__(self, bits: int = 20, **options: Unpack[Options]) -> None:
        self._set(options, bits=bits, dim=0, fields=None, scale=0.0)


class FM(Model):
    """Factorization machine: every pair of features interacts through a product of their factors.

    margin = b + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j,   in O(dim n) for n features

    Parameters
    ----------
    bits : int, default 20
        2**bits ids, 1 to 31.
    dim : int, default 8
        Factors of an id.
    rule : Rule, name of one, or dict with "linear" and "factors", default "AdaGrad"
        As in :class:`LR`; a dict may leave a part out. By name, factors have initial_accumulator 0.1 and rate 1 for
        AdaGrad, rate 2 for FTRL, divided likewise.
    scale : float, optional
        Factors start uniformly between 0 and scale / sqrt(dim); default: 2 divided by the same sum, at most 1.
    loss, l1, l2, normalise, threads, mode, seed
        As in :class:`LR`; the seed is also that of the start values.

    Returns
    -------
    A model to `fit`.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or outside its range.

    Example
    -------
    Clicks where two features agree, which no linear model can tell:

    >>> import numpy as np
    >>> from schuss.data import Batch
    >>> from schuss.models import FM
    >>> ids = np.array([0, 2, 0, 3, 1, 2, 1, 3], np.uint32)
    >>> batch = Batch.of(np.arange(0, 9, 2), ids, labels=np.array([1, 0, 0, 1]), bits=2)
    >>> FM(bits=2, mode="deterministic").fit(batch, epochs=200).predict(batch)
    array([1, 0, 0, 1], dtype=uint8)

    Reference
    ---------
    Rendle, "Factorization machines", 2010.

    Differs from
    ------------
    xLearn, which scales rows to unit length unless told not to; libFM, which starts factors from a normal of 0.1.
    """

    kind = "fm"
    parts = ("linear", "factors")

    def __init__(self, bits: int = 20, *, dim: int = 8, scale: float | None = None, **options: Unpack[Options]) -> None:
        self._set(options, bits=bits, dim=dim, fields=None, scale=scale)


class FFM(Model):
    """Field-aware factorization machine: an id has factors of its own for each field that it meets.

    margin = b + sum_i w_i x_i + sum_{i<j} <v_{i, f_j}, v_{j, f_i}> x_i x_j

    Parameters
    ----------
    bits : int, default 20
        2**bits ids, 1 to 31.
    dim : int, default 4
        Factors for each field; 4 and 8 are the fastest for their size.
    fields : int, optional
        How many there are; default: what the format or the first batch tells.
    rule
        As in :class:`FM`, but factors have RowWiseAdaGrad by default, one sum for all factors of an id: half the memory
        of AdaGrad, about the same loss. By name, both have initial_accumulator 1, rate 2 and weight_decay 0.002.
    scale, loss, l1, l2, normalise, threads, mode, seed
        As in :class:`FM`.

    Returns
    -------
    A model to `fit`. Its tables have 2**bits * fields * dim numbers and the slots of the rule, as far as touched.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np
    >>> from schuss.data import Batch
    >>> from schuss.models import FFM
    >>> ids, fields = np.array([0, 2, 0, 3, 1, 2, 1, 3], np.uint32), np.array([0, 1] * 4, np.uint16)
    >>> batch = Batch.of(np.arange(0, 9, 2), ids, fields=fields, labels=np.array([1, 0, 0, 1]), bits=2)
    >>> FFM(bits=2, fields=2, mode="deterministic").fit(batch, epochs=200).predict(batch)
    array([1, 0, 0, 1], dtype=uint8)

    Reference
    ---------
    Juan et al., "Field-aware factorization machines for CTR prediction", 2016.

    Differs from
    ------------
    libffm, which has no linear part and no bias, keeps a sum for each number of a factor, as
    `rule={"factors": "AdaGrad"}` does, and scales rows to unit length unless told not to.
    """

    kind = "ffm"
    parts = ("linear", "factors")

    def __init__(
        self,
        bits: int = 20,
        *,
        dim: int = 4,
        fields: int | None = None,
        scale: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._set(options, bits=bits, dim=dim, fields=fields, scale=scale)


KINDS: dict[str, Any] = {kind.kind: kind for kind in (LR, FM, FFM)}
