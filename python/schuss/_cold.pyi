from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def runs(level: str) -> bool: ...
def level(table: Any) -> str: ...
def eigen(table: Any) -> str: ...
def kernels(table: Any) -> list[dict[str, Any]]: ...
def lane(table: Any, which: int, values: _Array, p: float, /) -> _Array: ...
def stream(table: Any, arrays: Sequence[_Array], written: int, threads: int, /) -> float: ...
def zeros_like(a: _Array, /) -> _Array: ...
def zeros(shape: Sequence[int], /) -> _Array: ...
def fill_rows(out: _Array, kind: int, a: float, b: float, seed: int, first: int, threads: int, /) -> None: ...
def visit(table: Any, store: Store, ids: _Array, grads: _Array, threads: int, /) -> None: ...

class Store:
    def __init__(
        self,
        rows: int,
        dim: int,
        stride: int,
        size: int,
        header: int,
        is_double: bool,
        weight: int,
        nearest: bool,
        seed: int,
        slots: Sequence[int],
        shared: int,
        path: str,
        /,
    ) -> None: ...
    @property
    def rows(self) -> int: ...
    def view(self, dtype: str, shape: Sequence[int], strides: Sequence[int], offset: int, /) -> _Array: ...
    def grow(self, rows: int, path: str, /) -> None: ...
    def sync(self, path: str, /) -> None: ...
    def write(self, table: Any, values: _Array, first: int, nearest: bool, key: int, /) -> None: ...

class Work:
    steps: int
    skipped: int
    def __init__(self, table: Any, params: Any, row_grad: type, coord_grad: type) -> None: ...
    @property
    def waiting(self) -> int: ...
    @property
    def norm(self) -> float: ...
    def names(self) -> list[str]: ...
    def exact(self, index: int, on: bool, reason: str, /) -> None: ...
    def flush(self, threads: int, /) -> None: ...
    def settle(self) -> None: ...
    def grown(self, index: int, /) -> None: ...
    def attach_mean(self, index: int, mean: _Array, /) -> None: ...
    def lookup(
        self,
        index: int,
        ids: _Array,
        offsets: _Array | None,
        weights: _Array | None,
        mean: bool,
        out: _Array,
        threads: int,
        /,
    ) -> None: ...
    def bind(self, rules: Sequence[tuple[str, int, _Array]], /) -> None: ...
    def attach(self, index: int, slots: Sequence[_Array], shared: Sequence[_Array], mean: _Array | None, /) -> None: ...
    def configure(
        self, clip_norm: float, clip_value: float, accumulate: int, ema: float, nonfinite: str, /
    ) -> None: ...
    def freeze(self, index: int, frozen: bool, /) -> None: ...
    def step(self, grads: Any, threads: int, /) -> None: ...
    def gathered(self, index: int, /) -> Any: ...
    def restore(self, waiting: int, gathered: Sequence[Any], /) -> None: ...

class Learner:
    def __init__(
        self,
        table: object,
        kind: str,
        bits: int,
        dim: int,
        fields: int,
        linear: _Array,
        linear_kernel: tuple[str, int],
        linear_start: Sequence[float],
        factors: _Array | None,
        factors_kernel: tuple[str, int] | None,
        factors_start: Sequence[float],
        loss: str,
        seed: int,
        scale: float,
        /,
    ) -> None: ...
    def learn(
        self,
        indptr: _Array,
        ids: _Array,
        values: _Array | None,
        fields: _Array | None,
        labels: _Array,
        weights: _Array | None,
        repeats: _Array,
        linear_options: Sequence[float],
        factors_options: Sequence[float],
        seen: int,
        threads: int,
        hogwild: bool,
        out: _Array | None,
        /,
    ) -> tuple[float, float]: ...
    def score(
        self,
        indptr: _Array,
        ids: _Array,
        values: _Array | None,
        fields: _Array | None,
        threads: int,
        out: _Array,
        /,
    ) -> None: ...
