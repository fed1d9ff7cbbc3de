"""What the options of `schuss ctr train` say: formats, rules, models."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from .data import Format
from .models import Model, load
from .models.file import SETTINGS
from .models.kinds import KINDS
from .models.rules import PARTS, rule_named, usual
from .models.sources import guessed
from .rules import Rule


def format_of(
    files: list[str],
    name: str | None,
    bits: int,
    seed: int,
    loss: str,
    numeric: str,
    cross: list[str],
    columns: str | None,
    rest: str,
    delimiter: str,
    header: bool,
) -> Format:
    """The format of --format, --bits, --seed, --numeric, --cross and what describes tables."""
    name = name or guessed(files)
    crosses = []
    for text in cross:
        fields = [int(part) if part.strip().isdecimal() else part.strip() for part in text.split(",")]
        if len(fields) != 2:
            raise ValueError(f"--cross: expected two fields as in 1,5, got {text!r}")
        crosses.append((fields[0], fields[1]))
    labels = "regression" if loss in ("squared", "poisson") else "binary"
    options: dict[str, Any] = {"bits": bits, "seed": seed, "numeric": numeric, "crosses": crosses, "labels": labels}
    options |= {"delimiter": delimiter, "header": header}
    if columns is None:
        return Format(name, **options)
    if name == "vw":
        return Format(name, columns=tuple(part.strip() for part in columns.split(",")), **options)
    roles: dict[str, Any] = dict(_pair("--columns", part) for part in columns.split(","))
    first = sorted(glob.glob(files[0])) or files
    if name in ("csv", "parquet") and header and os.path.exists(first[0]):
        return Format.from_file(first[0], roles, rest=rest, name=name, **options)  # type: ignore[arg-type]
    return Format(name, columns=tuple(roles.items()), **options)


def rules_of(model: str, rule: str | None, lr: str | None) -> dict[str, Rule | str]:
    """A rule or its name for each part, of --rule and --lr."""
    parts = PARTS if model != "lr" else PARTS[:1]
    names = _by_part("--rule", rule, parts)
    rates = _by_part("--lr", lr, parts)
    found: dict[str, Rule | str] = {}
    for part in parts:
        try:
            rate = None if rates.get(part) is None else float(rates[part])
        except ValueError:
            raise ValueError(f"--lr: expected a number, got {rates[part]!r}") from None
        name = names.get(part, usual(model, part))
        found[part] = name if rate is None else rule_named(name, model, part, rate)
    return found


def _by_part(option: str, text: str | None, parts: tuple[str, ...]) -> dict[str, str]:
    """'ftrl' for all parts, or 'linear=ftrl,factors=adagrad'."""
    if text is None:
        return {}
    if "=" not in text:
        return dict.fromkeys(parts, text)
    found = dict(_pair(option, part) for part in text.split(","))
    for part in found:
        if part not in parts:
            raise ValueError(f"{option}: expected {' or '.join(parts)}, got {part!r}")
    return found


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{option}: expected name=value, got {text!r}")
    return name.strip(), value.strip()


def model_of(
    kind: str,
    bits: int,
    dim: int | None,
    rules: dict[str, Rule | str],
    loss: str,
    l1: float | None,
    l2: float | None,
    scale: float | None,
    normalise: bool,
    threads: int | None,
    mode: str,
    seed: int,
) -> Model:
    """A new model."""
    if kind not in KINDS:
        raise ValueError(f"--model: expected one of {', '.join(KINDS)}, got {kind!r}")
    options: dict[str, Any] = {"rule": rules, "loss": loss, "l1": l1, "l2": l2, "normalise": normalise}
    options |= {"threads": threads, "mode": mode, "seed": seed}
    for name, value in (("dim", dim), ("scale", scale)):
        if value is not None and kind == "lr":
            raise ValueError(f"--{name}: a linear model has no factors; use --model fm")
        if value is not None:
            options[name] = value
    made: Model = KINDS[kind](bits, **options)
    return made


def resumed(fresh: Model, format: Format, path: Path) -> Model:
    """The model of the file, if these options would make the same."""
    found = load(path)
    pairs: list[tuple[str, Any, Any]] = [("model", found.kind, fresh.kind), ("format", found.format, format)]
    for name in SETTINGS:
        mine = getattr(fresh, name)
        if mine is not None:  # else it follows from the data
            pairs.append((name, getattr(found, name), mine))
    for part, rule in found.rules.items():
        mine = fresh.rules.get(part)
        if part in fresh.auto and isinstance(mine, type(rule)):
            mine = mine.replaced(lr=rule.lr)
        pairs.append((f"rule of {part}", rule, mine))
    for name, theirs, mine in pairs:
        if theirs != mine:
            raise ValueError(
                f"--resume: {name}: {path} has {theirs!r}, these options {mine!r}; repeat those it was made with"
            )
    found.threads = fresh.threads
    return found
