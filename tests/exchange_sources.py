"""Where the states come from that are moved to schuss and back: optax and Keras themselves, or else their formulas.

A source trains: `start(w)` and `go(w, state, steps)` give weights and the state as the framework has it.
"""

from __future__ import annotations

import importlib.util
import os
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import framework_oracle
import numpy as np

LR = 0.02
Adam = namedtuple("ScaleByAdamState", "count mu nu")
Ams = namedtuple("ScaleByAmsgradState", "count mu nu nu_max")
Lion = namedtuple("ScaleByLionState", "count mu")
Trace = namedtuple("TraceState", "trace")
Rss = namedtuple("ScaleByRssState", "sum_of_squares")
Rms = namedtuple("ScaleByRmsState", "nu")
CountedRms = namedtuple("ScaleByRmsWithCountState", "count nu")
Std = namedtuple("ScaleByRStdDevState", "mu nu")
Delta = namedtuple("ScaleByAdaDeltaState", "e_g e_x")
Adan = namedtuple("ScaleByAdanState", "m v n g t")
Factored = namedtuple("FactoredState", "count v_row v_col v")
Free = namedtuple("ScheduleFreeState", "b1 weight_sum step_count max_lr base_optimizer_state z")
Schedule = namedtuple("ScaleByScheduleState", "count")
Masked = namedtuple("MaskedState", "inner_state")
Empty = namedtuple("EmptyState", "")


def tree(values: list[Any]) -> dict[str, Any]:
    """As jax has it: it sorts the keys of dicts."""
    return {"a": [values[0], values[1]], "b": values[2], "c": values[3]}


def flat(found: Any) -> list[Any]:
    return [np.asarray(x) for x in (*found["a"], found["b"], found["c"])]


class OptaxFormula:
    """`parts`: named tuples in optax' order, or lists of such; `told`: what the formula is told."""

    def __init__(self, rule: str, told: dict[str, Any], parts: Any) -> None:
        self.rule, self.options, self.parts = rule, framework_oracle.options(**told), parts

    def go(self, w: list[Any], state: Any, grads: list[list[Any]], first: int) -> tuple[list[Any], Any]:
        kept = self._read(state, self.parts, [{} for _ in w]) if first else [None] * len(w)
        columns = zip(*grads, strict=True)
        ends = [
            framework_oracle.run("optax", self.rule, x, list(g), lambda _: LR, self.options, s, first)
            for x, g, s in zip(w, columns, kept, strict=True)
        ]
        return [x for x, _ in ends], self._made(self.parts, [s for _, s in ends], first + len(grads))

    def _made(self, part: Any, states: list[Any], steps: int) -> Any:
        if isinstance(part, tuple):
            return tuple(self._made(p, states, steps) for p in part)
        if part is Masked:
            return Masked(Empty())

        def field(name: str) -> Any:
            if name in ("count", "t"):
                return np.int32(steps)
            if name == "step_count":
                return np.int32(steps + 1)
            if name in ("b1", "weight_sum", "max_lr"):
                return np.float64(states[0][name])
            if name == "base_optimizer_state":
                return self._made((CountedRms, Empty, Empty) if "nu" in states[0] else (Empty, Empty), states, steps)
            return tree([s[name] for s in states])

        return part(*(field(name) for name in part._fields))

    def _read(self, state: Any, parts: Any, into: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not hasattr(state, "_fields"):
            for one in state:
                self._read(one, parts, into)
            return into
        for name, value in state._asdict().items():
            if name == "base_optimizer_state":
                self._read(value, parts, into)
            elif isinstance(value, dict):
                for s, x in zip(into, flat(value), strict=True):
                    s[name] = x
            elif name in ("weight_sum", "max_lr"):
                for s in into:
                    s[name] = np.asarray(value)
        return into


class OptaxLive:
    """`make` gives the transformation, of the module optax."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        import jax
        import optax

        jax.config.update("jax_enable_x64", True)
        self.made = make(optax)
        self.update = jax.jit(self.made.update)

    def go(self, w: list[Any], state: Any, grads: list[list[Any]], first: int) -> tuple[list[Any], Any]:
        import optax

        params = tree(w)
        state = self.made.init(params) if first == 0 else state
        for g in grads:
            updates, state = self.update(tree(g), state, params)
            params = optax.apply_updates(params, updates)
        return flat(params), state


class KerasFormula:
    """`order`: the variables' names as Keras makes them: those of a group parameter by parameter."""

    def __init__(self, rule: str, told: dict[str, Any], order: list[tuple[str, ...]]) -> None:
        self.rule, self.options, self.order = rule, framework_oracle.options(**told), order

    def go(self, w: list[Any], variables: Any, grads: list[list[Any]], first: int) -> tuple[list[Any], Any]:
        kept: list[Any] = [None] * len(w)
        if first:
            kept = [{} for _ in w]
            for (i, name), value in zip(self._places(len(w)), variables[2:], strict=True):
                for k in range(len(w)) if name == "u_product" else [i]:
                    kept[k][name] = value
        ends = [
            framework_oracle.run("keras", self.rule, x, list(g), lambda _: LR, self.options, s, first)
            for x, g, s in zip(w, zip(*grads, strict=True), kept, strict=True)
        ]
        slots = [ends[i][1][name] for i, name in self._places(len(w))]
        return [x for x, _ in ends], [np.int64(first + len(grads)), np.float64(LR), *slots]

    def _places(self, count: int) -> list[tuple[int, str]]:
        places = [(i, name) for names in self.order for i in range(count) for name in names if name != "u_product"]
        return places + ([(0, "u_product")] if ("u_product",) in self.order else [])


class KerasLive:
    """`make` gives the optimizer, of the module keras."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        import jax
        import keras

        jax.config.update("jax_enable_x64", True)
        keras.config.set_floatx("float64")
        self.keras, self.make = keras, lambda: make(keras.optimizers)

    def go(self, w: list[Any], variables: Any, grads: list[list[Any]], first: int) -> tuple[list[Any], Any]:
        import jax

        params: Any = [self.keras.Variable(x, dtype="float64") for x in w]
        optimizer = self.make()
        optimizer.build(params)
        if first:
            for variable, value in zip(optimizer.variables, variables, strict=True):
                variable.assign(value)
        update = jax.jit(optimizer.stateless_apply)
        params, own = [p.value for p in params], [v.value for v in optimizer.variables]
        for g in grads:
            params, own = update(own, g, params)
        return [np.array(p) for p in params], [np.array(v) for v in own]


def optax(rule: str, told: dict[str, Any], parts: Any, make: Callable[[Any], Any]) -> Any:
    """optax if it is there, else its formula."""
    return OptaxLive(make) if importlib.util.find_spec("optax") else OptaxFormula(rule, told, parts)


def keras(rule: str, told: dict[str, Any], order: list[tuple[str, ...]], make: Callable[[Any], Any]) -> Any:
    """Keras if it is there, else its formula."""
    return KerasLive(make) if importlib.util.find_spec("keras") else KerasFormula(rule, told, order)
