"""Docstrings are written to be read as text; this makes valid reStructuredText of them."""

from __future__ import annotations

import re
from typing import Any


def prepare(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Formulas (lines with an arrow) become literal lines; * and | stand for themselves; doctests are left alone."""
    done: list[str] = []
    literal = False  # inside a block after '::'
    for k, line in enumerate(lines):
        if line == "Returns" and lines[k + 1 : k + 2] == ["-------"]:
            line = "Gives"  # prose: the section of the name would take its first words for a type
        if literal and line and not line.startswith(" "):
            literal = False
        example = line.lstrip().startswith((">>>", "...")) or (k > 0 and _in_example(lines, k))
        if literal or example or line.startswith(("|", "    |")) or ":class:" in line or ":func:" in line:
            done.append(line)
        elif re.match(r"\S.*(<-| <= )", line):
            done += [*([""] if not done or not done[-1].startswith("| ``") else []), f"| ``{line}``"]
            if k + 1 < len(lines) and lines[k + 1] and not re.match(r"\S.*(<-| <= )", lines[k + 1]):
                done.append("")
        else:
            done.append(re.sub(r"(?<![`\\])([*|])(?![`])", r"\\\1", line))
        literal = literal or line.rstrip().endswith("::")
    lines[:] = done


def _in_example(lines: list[str], k: int) -> bool:
    """Whether a line is the output of a doctest: no empty line since a prompt."""
    while k >= 0 and lines[k].strip():
        if lines[k].lstrip().startswith(">>>"):
            return True
        k -= 1
    return False
