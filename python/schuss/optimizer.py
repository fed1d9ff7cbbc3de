"""The optimizer: binds parameters to rules, owns the slots and the step count, applies gradients in place."""

from __future__ import annotations

import fnmatch
import math
import os
import threading
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _cold, _level, checkpoint, schedules, trees
from .gradients import CoordGrad, RowGrad
from .rules import Rule, python
from .settings import check_options
from .table import Table
from .threads import check_threads, get_threads

Array = NDArray[Any]
NonFinite = Literal["raise", "skip", "propagate"]


class Optimizer:
    """Trains arrays in place: one step of a rule for each call, for the whole tree of parameters at once.

    w <- rule(w, slots, g), for every array of the tree, in one call into C++.

    Parameters
    ----------
    params : array or Table, or list, tuple or dict of such, nested
        float32 or float64, C-contiguous, writable, each with memory of its own. They are changed where they lie and
        never copied. A :class:`~schuss.Table` has slots of its own: its rule here must keep the same.
    rule : Rule, or the same tree with rules in place of arrays or branches, or {name pattern: Rule}
        Names are the keys joined by "/", as in "embed/weights"; patterns are those of fnmatch, the first that fits
        counts.
    sparse : "lazy" or "exact", default "lazy"
        What happens to rows that are absent from a sparse gradient. "lazy": their weights and slots stay untouched.
        "exact": what the dense optimizer does to them, for which their gradient is zero. They take the steps they
        missed, in closed form, before they are next touched, looked up, saved or flushed; call :meth:`flush` before you
        read an array.
    clip_norm : float or None
        Scales all gradients so that their common 2-norm is at most this; duplicates are merged first.
    clip_value : float or None
        Cuts each number of the gradients to [-clip_value, clip_value]; before the norm is taken.
    accumulate : int, default 1
        One step every so many calls, with the mean of their gradients ("soft batch").
    ema : float or None
        Keeps averages <- ema averages + (1 - ema) w, updated wherever w is.
    nonfinite : "raise", "skip" or "propagate", default "raise"
        What NaN or infinity in a gradient does: an error and nothing changed (at the price of reading the gradients
        twice); that array, row or coordinate left alone and counted in `skipped`; or let in.
    threads : int or None
        How many threads a step may use; None: :func:`schuss.get_threads`. Results do not depend on it.

    Returns
    -------
    The optimizer. `params`, `slots` and `averages` are trees like the parameters.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind, shape or value; the message names it and the remedy.

    Example
    -------
    >>> import numpy as np, schuss
    >>> model = {"w": np.ones((2, 2)), "b": np.zeros(2)}
    >>> opt = schuss.Optimizer(model, {"w": schuss.Adam(lr=0.1), "b": schuss.SGD(lr=0.5)}, clip_norm=10.0)
    >>> opt.step({"w": np.ones((2, 2)), "b": np.array([1.0, -1.0])})
    >>> model["w"].round(6), model["b"]
    (array([[0.9, 0.9],
           [0.9, 0.9]]), array([-0.5,  0.5]))

    Differs from
    ------------
    torch.optim, where gradients hang on the parameters and groups are lists: here gradients are an argument and
    parameters have names. clip_norm has no 1e-6 in its denominator.
    """

    def __init__(
        self,
        params: Any,
        rule: Any,
        *,
        sparse: Literal["lazy", "exact"] = "lazy",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        ema: float | None = None,
        nonfinite: NonFinite = "raise",
        threads: int | None = None,
    ) -> None:
        if sparse not in ("lazy", "exact"):
            raise ValueError(f"sparse: expected 'lazy' or 'exact', got {sparse!r}")
        self._exact = sparse == "exact"
        self._threads = None if threads is None else check_threads(threads)
        self._params = params
        self._python: python.Blocks | None = None
        self._python_lock = threading.Lock()
        self._work = _cold.Work(_level.table, params, RowGrad, CoordGrad)
        self._names: list[str] = self._work.names()
        self._leaves: list[Any] = trees.leaves(params)
        self._numbers = [str(_number(w)) for w in self._leaves]
        self._frozen: set[str] = set()
        self._config: dict[str, Any]
        self._ema: float | None
        self._configure(clip_norm, clip_value, accumulate, ema, nonfinite)
        rules = self._match_rules(rule)
        for name, w, r in zip(self._names, self._leaves, rules, strict=True):
            what = f"parameter '{name}'" if name else "parameter"
            if isinstance(w, Table):
                _check_table(w, r, what, self._exact, ema)
            else:
                r.check(w, what)
            if r.kernel == "python":
                python.check(r, str(_number(w)), what)
        for w in self._leaves:
            if isinstance(w, Table):
                w._join(self)
        self._slots = [
            w._slot_views() if isinstance(w, Table) else _make_slots(w, r)
            for w, r in zip(self._leaves, rules, strict=True)
        ]
        self._means = [_copy_like(w) if ema is not None else None for w in self._leaves]
        self._bind(rules, 0)
        for index, (slots, r) in enumerate(zip(self._slots, rules, strict=True)):
            own, shared = r.info["slots"], r.info["shared"]
            self._work.attach(index, [slots[k] for k in own], [slots[k] for k in shared], self._means[index])
            self._work.exact(index, self._exact, r.inexact())
        opened = {w._opened_at for w in self._leaves if isinstance(w, Table) and w._path}
        if len(opened) > 1:
            raise ValueError(f"params: their table files have taken different numbers of steps, {sorted(opened)}")
        self._work.steps = opened.pop() if opened else 0

    # ---- training ---------------------------------------------------------------------------------------------

    def step(self, grads: Any) -> None:
        """Takes one step, in place; with `accumulate=n`, every n-th call does.

        Parameters
        ----------
        grads : a tree like the parameters
            A leaf is an array of the parameter's shape and dtype, :class:`RowGrad`, :class:`CoordGrad`, a scipy.sparse
            array, or None for no gradient. Gradients are read and never changed.

        Raises
        ------
        TypeError, ValueError, IndexError
            For a gradient of the wrong kind, shape or layout, a non-finite one, an id out of range. Then nothing has
            changed, neither parameters nor slots nor the step count.

        Example
        -------
        >>> import numpy as np, schuss
        >>> w = np.zeros(3, np.float32)
        >>> opt = schuss.Optimizer(w, schuss.SGD(lr=1.0), accumulate=2)
        >>> opt.step(np.array([1, 0, 0], np.float32))
        >>> opt.step(np.array([0, 1, 0], np.float32))
        >>> w
        array([-0.5, -0.5,  0. ], dtype=float32)
        """
        if self._scheduled:
            for options, r in self._scheduled:
                options[3] = r.rate(self._work.steps)
        if self._python is None:
            self._work.step(grads, self._thread_count())
            return
        with self._python_lock:
            self._work.step(grads, self._thread_count())
            self._step_python()

    def set(self, pattern: str = "*", **changes: Any) -> None:
        """Changes hyper-parameters of the rules from the next step on.

        Parameters
        ----------
        pattern : str, default "*"
            Which parameters, by name (fnmatch).
        **changes
            Fields of the rules, as in ``opt.set("embed/*", lr=0.01)``.

        Raises
        ------
        TypeError, ValueError
            For a field the rule lacks, a value outside its range, or one that would need other slots.

        Example
        -------
        >>> import numpy as np, schuss
        >>> opt = schuss.Optimizer(np.zeros(3), schuss.SGD(lr=1.0))
        >>> opt.set(lr=0.1)
        >>> opt.rule
        SGD(lr=0.1)
        """
        rules = list(self._rules)
        for i in self._select(pattern):
            rules[i] = self._rules[i].replaced(**changes)
            if self._exact and isinstance(self._leaves[i], Table) and (reason := rules[i].inexact()):
                raise ValueError(f'{changes}: sparse="exact": {reason}')
            if rules[i].info != self._rules[i].info and rules[i].info["slots"] != self._rules[i].info["slots"]:
                raise ValueError(
                    f"{changes}: {rules[i]!r} keeps other slots than {self._rules[i]!r}; make a new Optimizer for it"
                )
        self._bind(rules, self.steps)

    def freeze(self, pattern: str = "*") -> None:
        """Leaves the parameters whose names fit the pattern alone; their gradients are ignored."""
        self._freeze(pattern, True)

    def unfreeze(self, pattern: str = "*") -> None:
        """Trains them again."""
        self._freeze(pattern, False)

    def flush(self) -> None:
        """Brings every row up to date with the steps it was absent from. Lazy rows owe nothing.

        Example
        -------
        >>> import numpy as np, schuss
        >>> w = np.ones((3, 1))
        >>> opt = schuss.Optimizer(w, schuss.SGD(lr=0.5, weight_decay=1.0), sparse="exact")
        >>> opt.step(schuss.RowGrad(np.array([0]), np.zeros((1, 1))))
        >>> w.T  # rows 1 and 2 have missed the decay
        array([[0.5, 1. , 1. ]])
        >>> opt.flush()
        >>> w.T
        array([[0.5, 0.5, 0.5]])
        """
        self._work.flush(self._thread_count())

    # ---- what there is ----------------------------------------------------------------------------------------

    @property
    def params(self) -> Any:
        """The parameters, as they were given."""
        return self._params

    @property
    def slots(self) -> Any:
        """A tree like the parameters, with a dict of slots for each: the arrays themselves."""
        self.flush()
        return trees.fill(self._params, iter(self._slots))

    @property
    def averages(self) -> Any:
        """A tree like the parameters with their running averages (`ema`): the arrays themselves."""
        if self._ema is None:
            raise ValueError("averages: none are kept; make the Optimizer with ema=0.999")
        self.flush()
        return trees.fill(self._params, iter(self._means))

    @property
    def rule(self) -> Any:
        """The rule, where there is one for all, else a tree like the parameters."""
        first = self._rules[0]
        return first if all(r == first for r in self._rules) else trees.fill(self._params, iter(self._rules))

    @property
    def steps(self) -> int:
        """How many steps have been taken."""
        return int(self._work.steps)

    @property
    def skipped(self) -> int:
        """How many arrays, rows and coordinates were left out for not being finite (nonfinite="skip")."""
        return int(self._work.skipped)

    @property
    def norm(self) -> float:
        """The 2-norm of the last step's gradients before they were clipped; measured where `clip_norm` is set."""
        return float(self._work.norm)

    def __repr__(self) -> str:
        size = sum(math.prod(w.shape) for w in self._leaves)
        rules = ", ".join(dict.fromkeys(repr(r) for r in self._rules))
        tables = sum(isinstance(w, Table) for w in self._leaves)
        kinds = [f"{len(self._leaves) - tables} arrays"] * (tables < len(self._leaves)) + [f"{tables} tables"] * (
            tables > 0
        )
        return f"Optimizer({', '.join(kinds)}, {size:,} parameters, {rules}, {self.steps} steps)"

    # ---- state ------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on bit for bit, as plain data: {"header": ..., "arrays": {name: copy}}.

        The parameters themselves are not in it; :meth:`save` keeps them too.
        """
        self.flush()
        return {"header": self._header(), "arrays": {k: v.copy() for k, v in self._arrays().items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state: slots, counts and hyper-parameters are those of the state.

        Raises
        ------
        TypeError, ValueError
            If the state has other parameters, shapes, dtypes, rules or averages than this optimizer. Then nothing has
            changed.
        """
        if not isinstance(state, Mapping) or not {"header", "arrays"} <= set(state):
            raise TypeError("state: expected what state_dict() returned, a dict with 'header' and 'arrays'")
        header, arrays = state["header"], state["arrays"]
        _check_header(header, self._names)
        rules = self._checked_rules(header)
        gathered = self._checked_arrays(header, arrays)
        config = dict(header["config"])
        before = self._config
        self._configure(**config)
        try:
            self._bind(rules, header["steps"])
        except Exception:
            self._configure(**before)
            raise
        for key, mine in self._own_arrays().items():
            mine[...] = arrays[key]
        self._work.settle()
        self._work.steps = header["steps"]
        self._work.skipped = header["skipped"]
        self._work.restore(header["waiting"], gathered)
        self._freeze("*", False)
        for name in header["frozen"]:
            self._freeze(name, True, exact=True)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes parameters and state to one safetensors file: to a temporary file first, synced, then renamed.

        Example
        -------
        >>> import numpy as np, schuss, tempfile, pathlib
        >>> w = np.ones(3)
        >>> opt = schuss.Optimizer(w, schuss.Adam())
        >>> opt.step(np.ones(3))
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "state.safetensors"
        >>> opt.save(path)
        >>> fresh = schuss.Optimizer(np.zeros(3), schuss.Adam())
        >>> fresh.load(path)
        >>> bool((fresh.params == w).all()), fresh.steps
        (True, 1)
        """
        self.flush()
        weights = {_key("params", name): _weights(w) for name, w in zip(self._names, self._leaves, strict=True)}
        checkpoint.save(path, {**weights, **self._arrays()}, self._header())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Reads what :meth:`save` wrote, into the parameters and the state; refused as in :meth:`load_state_dict`."""
        arrays, header = checkpoint.load(path)
        weights = [arrays.pop(_key("params", name), None) for name in self._names]
        own = [_weights(w) for w in self._leaves]
        for name, w, new in zip(self._names, own, weights, strict=True):
            if new is None:
                raise ValueError(f"{os.fspath(path)}: parameter '{name}' is missing; the file has other parameters")
            if new.shape != w.shape or new.dtype != w.dtype:
                raise ValueError(
                    f"{os.fspath(path)}: parameter '{name}': the file has {new.dtype} {new.shape}, "
                    f"the optimizer {w.dtype} {w.shape}"
                )
        self.load_state_dict({"header": header, "arrays": arrays})
        for w, new in zip(own, weights, strict=True):
            w[...] = new

    # ---- inside -----------------------------------------------------------------------------------------------

    def _step_python(self) -> None:
        """The second half of a step, where it has blocks whose rules are written in Python."""
        if self._python is not None and self._python.step(self._work, self._rules, self._numbers, self.steps + 1):
            self._work.finish(self._thread_count())

    def _thread_count(self) -> int:
        return self._threads or get_threads()

    def _index_of(self, table: Table) -> int:
        return next(i for i, w in enumerate(self._leaves) if w is table)

    def _grown(self, index: int) -> None:
        """A table has more rows now."""
        table = self._leaves[index]
        self._work.grown(index)
        self._slots[index] = table._slot_views()
        before = self._means[index]
        if before is not None:
            mean = _copy_like(table)
            mean[: len(before)] = before
            self._means[index] = mean
            self._work.attach_mean(index, mean)

    def _configure(
        self,
        clip_norm: float | None,
        clip_value: float | None,
        accumulate: int,
        ema: float | None,
        nonfinite: NonFinite,
    ) -> None:
        check_options(clip_norm, clip_value, nonfinite, None, accumulate, ema)
        self._config = {
            "clip_norm": None if clip_norm is None else float(clip_norm),
            "clip_value": None if clip_value is None else float(clip_value),
            "accumulate": int(accumulate),
            "ema": None if ema is None else float(ema),
            "nonfinite": nonfinite,
        }
        self._ema = ema
        self._work.configure(
            math.inf if clip_norm is None else clip_norm,
            math.inf if clip_value is None else clip_value,
            accumulate,
            0.0 if ema is None else ema,
            nonfinite,
        )

    def _match_rules(self, rule: Any) -> list[Rule]:
        if isinstance(rule, type) and issubclass(rule, Rule):
            raise TypeError(f"rule: expected a rule, got the class; use {rule.__name__}(...)")
        found = trees.match(self._params, rule, lambda r: isinstance(r, Rule))
        if found is not None:
            return found
        if not isinstance(rule, dict):
            raise TypeError(f"rule: expected a Rule, or a tree of rules like the parameters, got {type(rule).__name__}")
        return self._match_patterns(rule)

    def _match_patterns(self, patterns: dict[Any, Any]) -> list[Rule]:
        for pattern, rule in patterns.items():
            if not isinstance(pattern, str) or not isinstance(rule, Rule):
                raise TypeError(f"rule: expected name patterns with rules, got {pattern!r}: {type(rule).__name__}")
            if not any(fnmatch.fnmatchcase(name, pattern) for name in self._names):
                raise ValueError(
                    f"rule: pattern {pattern!r} fits no parameter; their names are {', '.join(self._names)}"
                )
        rules = []
        for name in self._names:
            fitting = [rule for pattern, rule in patterns.items() if fnmatch.fnmatchcase(name, pattern)]
            if not fitting:
                raise ValueError(f"rule: no pattern fits parameter '{name}'; add one such as '*'")
            rules.append(fitting[0])
        return rules

    def _bind(self, rules: list[Rule], step: int) -> None:
        """Hands the rules' numbers to C++; equal rules share one array of them, which a schedule writes to."""
        distinct: list[Rule] = []
        options: list[Array] = []
        bindings = []
        for r in rules:
            if r not in distinct:
                distinct.append(r)
                options.append(np.array(r.options(step), dtype=np.float64))
            bindings.append((r.kernel, r.variant, options[distinct.index(r)]))
        self._work.bind(bindings)
        self._rules = rules
        for w, r in zip(self._leaves, rules, strict=True):
            if isinstance(w, Table):
                w._rule = r
        if self._python is None and any(r.kernel == "python" for r in rules):
            self._python = python.Blocks()
        self._scheduled = [(o, r) for o, r in zip(options, distinct, strict=True) if callable(r.lr)]

    def _select(self, pattern: str) -> list[int]:
        found = [i for i, name in enumerate(self._names) if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise ValueError(f"pattern: {pattern!r} fits no parameter; their names are {', '.join(self._names)}")
        return found

    def _freeze(self, pattern: str, frozen: bool, exact: bool = False) -> None:
        for i in [self._names.index(pattern)] if exact else self._select(pattern):
            self._work.freeze(i, frozen)
            (self._frozen.add if frozen else self._frozen.discard)(self._names[i])

    def _header(self) -> dict[str, Any]:
        return {
            "kind": "optimizer",
            "steps": self.steps,
            "skipped": self.skipped,
            "waiting": int(self._work.waiting),
            "frozen": sorted(self._frozen),
            "config": self._config,
            "rules": {name: r.to_json() for name, r in zip(self._names, self._rules, strict=True)},
        }

    def _own_arrays(self) -> dict[str, Array]:
        """Slots and averages by name: the arrays themselves."""
        arrays: dict[str, Array] = {}
        for name, slots, mean in zip(self._names, self._slots, self._means, strict=True):
            arrays |= {_key("slots", name, slot): a for slot, a in slots.items()}
            if mean is not None:
                arrays[_key("ema", name)] = mean
        return arrays

    def _arrays(self) -> dict[str, Array]:
        arrays = self._own_arrays()
        for index, name in enumerate(self._names):
            gathered = self._work.gathered(index)
            if isinstance(gathered, tuple):
                ids, values, coords = gathered
                kind = "coords" if coords else "rows"
                arrays |= {_key("sum", name, f"{kind}.ids"): ids, _key("sum", name, f"{kind}.values"): values}
            elif gathered is not None:
                arrays[_key("sum", name)] = gathered
        return arrays

    def _checked_rules(self, header: Mapping[str, Any]) -> list[Rule]:
        theirs = header["rules"]
        if set(theirs) != set(self._names):
            raise ValueError(
                f"state: parameters differ; only in the state: {sorted(set(theirs) - set(self._names))}, "
                f"only here: {sorted(set(self._names) - set(theirs))}"
            )
        if (header["config"]["ema"] is None) != (self._ema is None):
            raise ValueError(f"state: made with ema={header['config']['ema']}, this optimizer with ema={self._ema}")
        return [_from_state(mine, theirs[name], name) for name, mine in zip(self._names, self._rules, strict=True)]

    def _checked_arrays(self, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> list[Any]:
        for key, mine in self._own_arrays().items():
            if key not in arrays:
                raise ValueError(f"state: array '{key}' is missing; the state is incomplete")
            new = arrays[key]
            if new.shape != mine.shape or new.dtype != mine.dtype:
                raise ValueError(
                    f"state: '{key}': the state has {new.dtype} {new.shape}, this optimizer {mine.dtype} {mine.shape}"
                )
        gathered: list[Any] = []
        for name, w in zip(self._names, self._leaves, strict=True):
            found: Any = arrays.get(_key("sum", name))
            for kind in ("rows", "coords"):
                ids = arrays.get(_key("sum", name, f"{kind}.ids"))
                if ids is not None:
                    values = arrays.get(_key("sum", name, f"{kind}.values"))
                    _check_gathered(name, w, ids, values, kind == "coords")
                    found = (np.ascontiguousarray(ids), np.ascontiguousarray(values), kind == "coords")
            if isinstance(found, np.ndarray) and (found.shape != w.shape or found.dtype != _number(w)):
                raise ValueError(f"state: the accumulated gradient of '{name}' has {found.dtype} {found.shape}")
            gathered.append(np.ascontiguousarray(found) if isinstance(found, np.ndarray) else found)
        return gathered


def _check_header(header: Mapping[str, Any], names: list[str]) -> None:
    """Raises unless the plain part of a state makes sense for parameters of these names."""
    if header.get("kind") != "optimizer":
        raise ValueError(f"state: expected that of an optimizer, got {header.get('kind')!r}")
    parts = ("steps", "skipped", "waiting", "frozen", "config", "rules")
    missing = [part for part in parts if part not in header]
    if missing:
        raise ValueError(f"state: '{missing[0]}' is missing from its header; the state is incomplete")
    for part in ("steps", "skipped", "waiting"):
        value = header[part]
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"state: {part}: expected a whole number >= 0, got {value!r}")
    if header["waiting"] >= header["config"]["accumulate"]:
        raise ValueError(f"state: waiting: expected less than accumulate, got {header['waiting']}")
    strangers = sorted(set(header["frozen"]) - set(names))
    if strangers:
        raise ValueError(f"state: frozen: '{strangers[0]}' is no parameter; their names are {', '.join(names)}")


def _check_gathered(name: str, w: Any, ids: Array, values: Array | None, coords: bool) -> None:
    """Raises unless accumulated rows or coordinates fit their parameter: C++ takes them as they are."""
    what = f"state: the accumulated gradient of '{name}'"
    flat = coords or len(w.shape) <= 1
    bound = math.prod(w.shape) if flat else len(w)
    width = 1 if flat else math.prod(w.shape[1:])
    if ids.dtype != np.int64 or ids.ndim != 1:
        raise ValueError(f"{what}: expected int64 ids of one dimension, got {ids.dtype} {ids.shape}")
    if ids.size and not (ids.min() >= 0 and ids.max() < bound):
        raise ValueError(f"{what}: expected ids from 0 to {bound - 1}, got {ids.min()} to {ids.max()}")
    if values is None:
        raise ValueError(f"{what}: its values are missing; the state is incomplete")
    if values.dtype != _number(w) or values.shape != (ids.size, width):
        raise ValueError(f"{what}: expected {_number(w)} {(ids.size, width)}, got {values.dtype} {values.shape}")


def _key(kind: str, name: str, slot: str = "") -> str:
    """The name of an array in a state; the last part never holds a '/'."""
    return f"{kind}:{name}" + (f":{slot}" if slot else "")


def _copy_like(w: Any) -> Array:
    if isinstance(w, Table):
        return np.array(_weights(w), order="C")
    copy: Array = _cold.zeros_like(w)
    copy[...] = w
    return copy


def _weights(w: Any) -> Array:
    """The numbers of a parameter, where they lie."""
    return w._view(0, w._shown) if isinstance(w, Table) else w


def _number(w: Any) -> np.dtype[Any]:
    """Of a parameter's gradient."""
    return np.dtype(w._number) if isinstance(w, Table) else w.dtype


def _check_table(table: Table, rule: Rule, what: str, exact: bool, ema: float | None) -> None:
    mine, theirs = table.rule.info, rule.info
    if any(mine[part] != theirs[part] for part in ("slots", "shared", "group")):
        raise ValueError(
            f"rule: {what} is a table made for {table.rule!r}; {rule!r} keeps other slots; give a fitting one by name, "
            f"as in {{'{what.split(chr(39))[1] if chr(39) in what else '*'}': table.rule, '*': ...}}"
        )
    if exact and (reason := rule.inexact()):
        raise ValueError(f'{what}: sparse="exact": {reason}')
    if table._sparse == "exact" and not exact:
        raise ValueError(f'sparse: {what} is a table made for exact steps; give the Optimizer sparse="exact" too')
    if ema is not None and table.dtype in ("bfloat16", "float16"):
        raise ValueError(f"ema: {what} is a table of {table.dtype}; averages need float32 or float64 weights")


def _make_slots(w: Array, rule: Rule) -> dict[str, Array]:
    """Slots at their start values; one number a group for the shared ones."""
    slots: dict[str, Array] = {name: _cold.zeros_like(w) for name in rule.info["slots"]}
    groups = len(w) if rule.info["group"] == "row" and w.ndim > 1 else 1
    slots |= {name: np.zeros(groups, w.dtype) for name in rule.info["shared"]}
    for name, value in rule.start(w).items():
        slots[name][...] = value
    return slots


def _from_state(mine: Rule, theirs: Mapping[str, Any], name: str) -> Rule:
    """This optimizer's rule with the numbers of the state; refused if it is another rule."""
    if theirs["rule"] != type(mine).__name__:
        raise ValueError(f"state: parameter '{name}' was trained with {theirs['rule']}, here it has {mine!r}")
    changes = {k: v for k, v in theirs.items() if k != "rule"}
    if isinstance(changes.get("lr"), dict):
        saved = changes["lr"]
        if saved.get("schedule") != "callable":
            changes["lr"] = schedules.from_json(saved)
        elif callable(mine.lr):
            changes["lr"] = mine.lr
        else:
            raise ValueError(
                f"state: parameter '{name}': its learning rate was the function {saved.get('name')}, which a state "
                f"cannot hold; make this optimizer with that function as lr"
            )
    new = mine.replaced(**changes)
    if new.info["slots"] != mine.info["slots"]:
        raise ValueError(f"state: parameter '{name}' was trained with {new!r}, which keeps other slots than {mine!r}")
    return new
