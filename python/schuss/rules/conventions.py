"""Where torch, Keras, optax and the papers disagree: what each calls a rule, its conventions and its defaults.

`python -m schuss.rules.conventions` prints the differences as a table in Markdown.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from .convention import Convention
from .frameworks import CONVENTIONS, NO_EPS

if TYPE_CHECKING:
    from .base import Rule

FRAMEWORKS = ("torch", "keras", "optax", "paper")


def convention(rule: type[Rule], framework: str) -> Convention:
    """The framework's way with a rule.

    Raises
    ------
    ValueError
        For a framework that is not known or lacks the rule; names those that have it.

    Example
    -------
    >>> import schuss
    >>> convention(schuss.AdaMax, "keras").only["eps_place"]
    'outside'
    """
    known = CONVENTIONS.get(rule.__name__, {})
    if framework in known:
        return known[framework]
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework: expected one of {', '.join(map(repr, FRAMEWORKS))}, got {framework!r}")
    have = ", ".join(map(repr, known)) or "none of them"
    raise ValueError(
        f"framework: {framework!r} has no {rule.__name__}; {have} {'have' if len(known) > 1 else 'has'} it"
    )


def markdown() -> str:
    """The differences: a row for every option in which the frameworks differ, or differ from the default here."""
    from . import ALL

    lines = ["| rule | | schuss | " + " | ".join(FRAMEWORKS) + " |", "|---|---|---|" + "---|" * len(FRAMEWORKS)]
    for name, rule in ALL.items():
        known = CONVENTIONS.get(name, {})
        names = [known[f].name if f in known else "-" for f in FRAMEWORKS]
        lines.append(f"| `{name}` | called | | {' | '.join(names)} |")
        default = {f.name: f.default for f in dataclasses.fields(rule)}
        fields = dict.fromkeys(field for f in known.values() for field in f.all)
        for field in fields:
            cells = [_cell(known.get(f), field, default[field]) for f in FRAMEWORKS]
            if any(cell not in ("", "-", _text(default[field])) for cell in cells):
                lines.append(f"| | {field} | {_text(default[field])} | {' | '.join(cells)} |")
        for framework, c in known.items():
            if c.note:
                lines.append(f"| | *{framework}: {c.note}* | | | | | |")
            if why := c.differs(rule()):
                lines.append(f"| | *{framework} is refused: {why}* | | | | | |")
    return "\n".join(lines)


def _cell(c: Convention | None, field: str, default: object) -> str:
    if c is None:
        return ""
    if field == "lr" and field not in c.all:
        return "-"
    return _text(c.all.get(field, default))


def _text(value: object) -> str:
    return "none" if value == NO_EPS else f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(markdown())
