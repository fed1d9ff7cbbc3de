"""The learning curve of a model: progressive loss by interval, validation loss where it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST = 400  # points; then neighbours are merged, so that a curve of any length stays small
FIRST = 10_000  # examples of the first intervals


@dataclass
class Point:
    """`loss`: mean, over `weight`, of each example's loss before it was learned, since the point before."""

    examples: int
    loss: float
    weight: float
    valid: float | None = None


class History(Sequence[Point]):
    """Points in the order of learning.

    >>> h = History()
    >>> h.add(10_000, 6931.0, 10_000.0)
    >>> h.mark(10_000, 0.69)
    >>> h[0]
    Point(examples=10000, loss=0.6931, weight=10000.0, valid=0.69)
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.interval = FIRST
        self._loss = self._weight = 0.0
        self._since = 0

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def add(self, examples: int, loss: float, weight: float) -> None:
        """Sums of a batch; `examples`: all that were ever learned, with the batch."""
        self._loss += loss
        self._weight += weight
        if examples - self._since >= self.interval:
            self._close(examples)

    def mark(self, examples: int, valid: float | None = None) -> None:
        """Ends the interval here, beside a validation loss."""
        if self._weight > 0:
            self._close(examples)
        if self.points and valid is not None:
            self.points[-1].valid = valid

    def mean(self, after: int = 0) -> float:
        """Progressive loss of all examples, or of the intervals that end after the first `after`."""
        points = [p for p in self.points if p.examples > after]
        loss = sum(p.loss * p.weight for p in points) + self._loss
        weight = sum(p.weight for p in points) + self._weight
        return loss / weight if weight > 0 else float("nan")

    def _close(self, examples: int) -> None:
        if self._weight > 0:
            self.points.append(Point(examples, self._loss / self._weight, self._weight))
        self._since, self._loss, self._weight = examples, 0.0, 0.0
        if len(self.points) > MOST:
            self.interval *= 2
            self._merge()

    def _merge(self) -> None:
        """Makes one point of two neighbours, but for those with a validation loss at their border."""
        points, self.points = self.points, []
        while points:
            p = points.pop(0)
            if points and p.valid is None:
                q = points.pop(0)
                weight = p.weight + q.weight
                p = Point(q.examples, (p.loss * p.weight + q.loss * q.weight) / weight, weight, q.valid)
            self.points.append(p)

    def to_json(self) -> dict[str, Any]:
        """All of it, the open interval too."""
        return {
            "interval": self.interval,
            "open": [self._since, self._loss, self._weight],
            "points": [asdict(p) for p in self.points],
        }

    @classmethod
    def from_json(cls, data: Any) -> History:
        """What to_json wrote."""
        made = cls()
        made.interval = int(data["interval"])
        made._since, made._loss, made._weight = int(data["open"][0]), *map(float, data["open"][1:])
        made.points = [Point(**p) for p in data["points"]]
        return made
