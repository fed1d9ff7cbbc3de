"""How torch, Keras and optax keep what a rule of schuss keeps: one table of names, and what is not a mere name.

Most slots are the same numbers under another name. Velocities differ: with the rate inside (form "keras") they are
-lr b of torch's; optax' trace behind the rate is minus Keras' momentum in RMSprop, and minus b in LARS. Adafactor's
means of rows and columns have other shapes. `python -m schuss.compat.maps` prints which rules map where, or why not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..rules import Rule
from ..rules.conventions import FRAMEWORKS, convention
from ..rules.frameworks import CONVENTIONS

Array = NDArray[Any]
Shape = tuple[int, ...]


def _of(slots: str, **names: str) -> dict[str, dict[str, str]]:
    """For each framework the names of these slots, in the framework's order."""
    return {framework: dict(zip(slots.split(), text.split(), strict=False)) for framework, text in names.items()}


_VELOCITY = _of("b", torch="momentum_buffer", optax="trace", keras="momentum")
_ADAM = _of(
    "m v x",
    torch="exp_avg exp_avg_sq max_exp_avg_sq",
    optax="mu nu nu_max",
    keras="momentum velocity velocity_hat",
)

# What rule keeps under which name. Slots that a variant lacks are left out.
NAMES: dict[str, dict[str, dict[str, str]]] = {
    "SGD": _of("", torch="", optax="", keras=""),
    "SignSGD": _of("", optax=""),
    **dict.fromkeys(("Momentum", "Nesterov", "SGDW"), _VELOCITY),
    **dict.fromkeys(("Adam", "AdamW", "AMSGrad"), _ADAM),
    **dict.fromkeys(("NAdam", "RAdam", "Yogi", "LAMB"), _ADAM),
    "AdaGrad": _of("s", torch="sum", optax="sum_of_squares", keras="accumulator"),
    "AdaDelta": _of(
        "e d", torch="square_avg acc_delta", optax="e_g e_x", keras="accumulated_grad accumulated_delta_var"
    ),
    "RMSprop": {
        **_of("v a b", torch="square_avg grad_avg momentum_buffer", optax="nu mu trace"),
        **_of("v b a", keras="velocity momentum average_gradient"),
    },
    "AdaMax": _of("m u", torch="exp_avg exp_inf", optax="mu nu", keras="momentum norm"),
    "FTRL": _of("n z", keras="accumulator linear"),
    "AdaBelief": _of("m s", optax="mu nu"),
    "Lion": _of("m", optax="mu", keras="momentum"),
    "Adan": _of("m v n p", optax="m v n g"),
    "LARS": _of("b", optax="trace"),
    "Rprop": _of("p s", torch="prev step_size"),
    "ASGD": _of("a", torch="ax"),
    "Adafactor": _of("r c v", torch="row_var col_var variance", optax="v_row v_col v", keras="r c velocity"),
    "ScheduleFreeSGD": _of("z s", optax="z weight_sum"),
    "ScheduleFreeAdamW": _of("z v s", optax="z nu weight_sum", keras="momentum velocity"),
}
FORM = {"torch": "torch", "optax": "torch", "keras": "keras"}  # of a plain velocity


@dataclass(frozen=True)
class Kept:
    """One slot as a framework keeps it: there = factor * here, in another shape."""

    name: str
    shape: Shape
    factor: float = 1.0

    def here(self, there: Array, like: Array) -> Array:
        """The slot of the framework's numbers."""
        value = there.reshape(like.shape)
        return (value if self.factor == 1 else value / self.factor).astype(like.dtype)

    def there(self, slot: Array) -> Array:
        """The framework's numbers of the slot."""
        return np.array(slot * self.factor, slot.dtype).reshape(self.shape)


def kept(rule: Rule, framework: str, step: int, shape: Shape) -> dict[str, Kept]:
    """For each slot of the rule how the framework keeps it, in the framework's order.

    Raises
    ------
    ValueError
        Where no exact map exists; says why.
    """
    found = convention(type(rule), framework)
    if why := found.differs(rule) or _unlike(rule, framework, shape):
        raise ValueError(f"opt: {rule!r} has no exact map to {framework}'s {found.name}: {why}")
    names = dict(NAMES[type(rule).__name__][framework])
    info = rule.info
    if type(rule).__name__ == "Adafactor" and framework == "optax" and len(shape) == 2 and shape[0] > shape[1]:
        names |= {"r": "v_col", "c": "v_row"}  # a row is what runs along the largest dimension there
    return {
        slot: Kept(name, _shape(rule, slot, framework, shape), _factor(rule, slot, framework, step))
        for slot, name in names.items()
        if slot in info["slots"] or slot in info["shared"]
    }


def made_here(rule: Rule, framework: str, step: int) -> dict[str, float]:
    """Slots that the framework need not keep, since they follow from the step."""
    if type(rule).__name__ == "ScheduleFreeAdamW" and framework == "keras":
        return {"s": float(step)}  # every step weighs 1
    return {}


def made_there(rule: Rule, framework: str, slots: dict[str, Array]) -> dict[str, Array]:
    """What the framework keeps beside, though it follows from the slots."""
    if type(rule).__name__ == "Adafactor" and framework == "keras" and "r" in slots:
        r, c = slots["r"], slots["c"]
        mean = r.mean() or 1
        return {"velocity": np.outer(r / mean, c).astype(r.dtype)}
    return {}


def momenta(rule: Any, steps: int) -> float:
    """NAdam's product of momenta, which frameworks keep and schuss makes of the step."""
    t = np.arange(1, steps + 1)
    return float(np.prod(rule.beta1 * (1 - 0.5 * 0.96 ** (t * rule.momentum_decay))))


def check_momenta(rule: Any, steps: int, product: Any, what: str) -> None:
    """Raises unless a framework's product of momenta is that of so many steps with these numbers."""
    want, got = momenta(rule, steps), float(product)
    if not abs(want - got) <= 1e-5:
        raise ValueError(
            f"{what}: expected {want:.6g}, the product of {steps} momenta of {rule!r}, got {got:.6g}; schuss makes it "
            f"of the step, so a run whose beta1 or momentum_decay changed does not map"
        )


def _unlike(rule: Rule, framework: str, shape: Shape) -> str:
    """Why an array of this shape is kept otherwise; empty if it is not."""
    if type(rule).__name__ != "Adafactor" or len(shape) < 2:
        return ""
    if "r" not in rule.info["shared"]:
        return "" if framework == "optax" else f"{framework} factors every array of two or more dimensions"
    if len(shape) == 2:
        return ""
    theirs = "the two largest dimensions" if framework == "optax" else "the last two dimensions, slice by slice"
    return f"{framework} factors {theirs}, schuss the matrix of an array's axis-0 slices; an array has shape {shape}"


def _shape(rule: Rule, slot: str, framework: str, shape: Shape) -> Shape:
    if slot not in rule.info["shared"]:
        return shape
    if type(rule).__name__ == "Adafactor":
        rows, columns = shape
        if framework == "torch":
            return (rows, 1) if slot == "r" else (1, columns)
        return (rows,) if slot == "r" else (columns,)
    return ()  # one number for all parameters


def _factor(rule: Rule, slot: str, framework: str, step: int) -> float:
    if slot != "b":
        return 1.0
    kind, form = type(rule).__name__, getattr(rule, "form", "torch")
    if kind == "LARS":
        return -1.0
    if kind == "RMSprop":  # both frameworks' forms with the rate inside step by w -= b; optax' trace has the sign of w
        theirs = "torch" if framework == "torch" else "keras"
        sign = -1.0 if framework == "optax" else 1.0
    else:  # the form with the rate inside steps by w += b
        theirs, sign = FORM[framework], 1.0
    if form == theirs:
        return sign
    if callable(rule.lr):
        raise ValueError(
            f"opt: form {form!r} with a schedule is not {framework}'s form {theirs!r} with it: the velocities hold "
            f"different rates; make the rule with form={theirs!r}"
        )
    lr = rule.rate(step)
    if lr == 0:
        raise ValueError(f"opt: at lr 0 a velocity of form {form!r} does not map to form {theirs!r}")
    inside = lr if kind == "RMSprop" else -lr  # b with the rate inside = inside * b with it outside
    return sign * (1 / inside if form == "keras" else inside)


def same_convention(rule: Rule, framework: str) -> None:
    """Raises unless the rule is the framework's own, but for the form of its velocity, which is converted."""
    found = convention(type(rule), framework)
    if why := found.differs(rule):
        raise ValueError(f"opt: {rule!r} has no exact map to {framework}'s {found.name}: {why}")
    if rule.maximize:
        raise ValueError(f"opt: {framework} has no maximize, unlike {rule!r}; negate the gradients and leave it out")
    if not getattr(rule, "bias_correction", True) and not (framework == "optax" and rule.info["slots"][-1] == "x"):
        raise ValueError(f"opt: {rule!r} would not go on as {framework} did, which corrects for the start at zero")
    for field, want in found.only.items():
        if field == "decoupled" and (rule.weight_decay == 0 or field not in rule._init_fields()):
            continue
        if field == "proximal" and rule.weight_decay == 0:
            continue
        if getattr(rule, field) != want:
            raise ValueError(
                f"opt: {rule!r} would not go on as {framework} did, which has {field}={want!r}; make the optimizer "
                f"with schuss.{type(rule).__name__}.like({framework!r}, ...)"
            )


# ---- the table -------------------------------------------------------------------------------------------------------

TWEAKS: tuple[dict[str, Any], ...] = (
    {"weight_decay": 0.1},
    {"lr": lambda step: 0.1},
    {"weight_decay": 0.1, "lr": lambda step: 0.1},
    {"amsgrad": True},
)


def markdown() -> str:
    """A row a rule: whether its state maps to and from each framework, under which conditions, or why it does not."""
    from ..rules import ALL

    frameworks = [f for f in FRAMEWORKS if f != "paper"]
    lines = ["| rule | " + " | ".join(frameworks) + " |", "|---|" + "---|" * len(frameworks)]
    for name, rule in ALL.items():
        lines.append(f"| `{name}` | {' | '.join(_cell(rule, framework) for framework in frameworks)} |")
    return "\n".join(lines)


def _cell(kind: type[Rule], framework: str) -> str:
    found = CONVENTIONS[kind.__name__].get(framework)
    if found is None:
        return "-"
    if why := found.differs(kind()):
        return f"{'not with the defaults' if framework in NAMES.get(kind.__name__, {}) else 'no'}: {why}"
    formula = [f"{field}={value!r}" for field, value in found.only.items() if field != "decoupled"]
    if "decoupled" in found.only:
        formula.append("decay decoupled" if found.only["decoupled"] else "decay coupled")
    first = f"yes: {', '.join(formula)}" if formula else "yes"
    return "; ".join([first, *(f"but {why}" for why in _refused(kind, framework, found.differs))])


def _refused(kind: type[Rule], framework: str, differs: Callable[[Any], str]) -> list[str]:
    """Why the rule is refused with some of its options and arrays."""
    rule = kind()
    tweaked = [rule.replaced(**tweak) for tweak in TWEAKS if set(tweak) <= set(rule._init_fields())]
    reasons = list(dict.fromkeys(why for t in tweaked if (why := differs(t))))
    if kind.__name__ == "Adafactor":
        reasons.append(_unlike(rule, framework, (2, 3, 4)).partition(";")[0])
    return reasons


if __name__ == "__main__":
    print(markdown())
