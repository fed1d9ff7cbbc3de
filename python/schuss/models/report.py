"""What an evaluation finds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .losses import CLASSES, checked_labels, losses, prediction, probability
from .progress import watching

if TYPE_CHECKING:
    from ..data import Batch
    from .base import Model
    from .sources import Source

Array = NDArray[Any]


@dataclass(frozen=True)
class Field:
    """One field of the examples.

    entries: how many; unknown: the part of them whose id was never learned; loss_without: mean loss if the field's
    entries are left out, so that what it is worth is `loss_without` less the report's loss.
    """

    field: int
    entries: int
    unknown: float
    loss_without: float


@dataclass(frozen=True)
class Report:
    """An evaluation; printable.

    Attributes
    ----------
    examples : int
    weight : float
        Sum of the weights, the number of examples where there are none.
    loss : float
        Weighted mean of the model's loss; the logloss for logistic models.
    mean_label, mean_prediction : float
    auc, normalised_entropy : float or None
        Of logistic models, the AUC also of hinge; nan where one of the classes is missing.
    calibration : schuss.models.metrics.Calibration or None
        Of logistic and poisson models.
    fields : tuple of Field
        Where asked for.
    """

    name: str
    examples: int
    weight: float
    loss: float
    mean_label: float
    mean_prediction: float
    auc: float | None = None
    normalised_entropy: float | None = None
    calibration: metrics.Calibration | None = None
    fields: tuple[Field, ...] = ()

    def __str__(self) -> str:
        lines = [f"examples            {self.examples:,}"]
        lines.append(f"{'logloss' if self.name == 'logistic' else self.name + ' loss':20}{self.loss:.5f}")
        if self.auc is not None:
            lines.append(f"AUC                 {self.auc:.5f}")
        if self.normalised_entropy is not None:
            lines.append(f"normalised entropy  {self.normalised_entropy:.5f}")
        lines.append(f"mean label          {self.mean_label:.5f}")
        lines.append(f"mean prediction     {self.mean_prediction:.5f}")
        if self.calibration is not None:
            lines.append(f"calibration         {self.calibration.ratio:.4f} (predicted / observed)")
            lines.append("  predicted  observed      weight")
            bins = zip(self.calibration.predicted, self.calibration.observed, self.calibration.weight, strict=True)
            lines += [f"  {p:9.5f} {o:9.5f} {w:11,.0f}" for p, o, w in bins]
        if self.fields:
            lines.append("  field     entries  unknown  loss without")
            lines += [f"  {f.field:5} {f.entries:11,} {f.unknown:8.4f} {f.loss_without:13.5f}" for f in self.fields]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        data = dataclasses.asdict(self)
        if self.calibration is not None:
            data["calibration"] |= {
                name: getattr(self.calibration, name).tolist() for name in ("predicted", "observed", "weight")
            }
        return data


def report(model: Model, source: Source, bins: int, fields: bool, progress: bool | None) -> Report:
    """Scores all examples of a source; keeps two numbers of each, for the AUC is exact."""
    margins: list[Array] = []
    labels: list[Array] = []
    weights: list[Array] = []
    ones = True
    by_field = _Fields(model) if fields else None
    with watching(source, progress, "scoring"):
        for batch in source.epoch():
            margins.append(model._margins(batch))
            labels.append(checked_labels(model.loss, batch.labels))
            weights.append(np.ones(len(batch), np.float32) if batch.weights is None else batch.weights)
            ones = ones and batch.weights is None
            if by_field is not None:
                by_field.add(batch)
    if not margins:
        raise ValueError("data: there are no examples to evaluate")
    m, y, w = np.concatenate(margins), np.concatenate(labels), np.concatenate(weights).astype(np.float64)
    if not w.sum() > 0:
        raise ValueError("data: the weights of all examples are 0")
    each = losses(model.loss, m, y)
    p = probability(m) if model.loss == "logistic" else prediction(model.loss, m)
    classes = model.loss in CLASSES
    logistic = model.loss == "logistic"
    given = None if ones else w
    return Report(
        model.loss,
        len(y),
        float(w.sum()),
        float(w @ each / w.sum()),
        float(w @ y / w.sum()),
        float(w @ p / w.sum()),
        metrics.auc(y, m, given) if classes else None,
        metrics.normalised_entropy(y, p, given) if logistic else None,
        metrics.calibration(y, p, given, bins) if logistic or model.loss == "poisson" else None,
        by_field.found() if by_field is not None else (),
    )


class _Fields:
    """Sums by field, over batches."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.entries: dict[int, int] = {}
        self.unknown: dict[int, int] = {}
        self.loss: dict[int, float] = {}  # without the field, less the loss with it
        self.total = self.weight = 0.0

    def add(self, batch: Batch) -> None:
        fields = batch.fields
        if fields is None:
            raise ValueError("fields: the examples have none; give a format with fields, or fields=False")
        model = self.model
        model._ready(batch)
        assert model._linear is not None
        w = np.ones(len(batch)) if batch.weights is None else batch.weights.astype(np.float64)
        labels = checked_labels(model.loss, batch.labels)
        whole = losses(model.loss, model._margins(batch), labels)
        self.total += float(w @ whole)
        self.weight += float(w.sum())
        new = np.flatnonzero(~model._linear.array[batch.ids].any(1))
        for f in np.unique(fields).tolist():
            mine = np.flatnonzero(fields == f)
            self.entries[f] = self.entries.get(f, 0) + len(mine)
            self.unknown[f] = self.unknown.get(f, 0) + len(np.intersect1d(new, mine, assume_unique=True))
            without = losses(model.loss, model._margins(without_field(batch, f)), labels)
            self.loss[f] = self.loss.get(f, 0.0) + float(w @ (without - whole))

    def found(self) -> tuple[Field, ...]:
        return tuple(
            Field(f, n, self.unknown[f] / n, (self.total + self.loss[f]) / self.weight)
            for f, n in sorted(self.entries.items())
        )


def without_field(batch: Batch, field: int) -> Batch:
    """The batch without the entries of a field."""
    assert batch.fields is not None
    keep = batch.fields != field
    indptr = np.concatenate([[0], np.cumsum(keep)])[batch.indptr]
    return dataclasses.replace(
        batch,
        indptr=indptr.astype(np.int64),
        ids=batch.ids[keep],
        values=None if batch.values is None else batch.values[keep],
        fields=batch.fields[keep],
    )
