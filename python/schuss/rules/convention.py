"""One framework's way with one rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Convention:
    """One framework's way with one rule.

    Parameters
    ----------
    name : str
        What the rule is called there.
    values : mapping, default {}
        Its defaults, as fields of the rule. A framework without a default for lr leaves the rule's.
    note : str
        What to mind when numbers are taken over.
    differs : function of the rule, optional
        Why this rule, with the user's changes, is not that framework's; empty if it is.
    only : mapping, default {}
        Fields of the rule that have no other value there: they are the framework's formula.
    """

    name: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    note: str = ""
    differs: Callable[[Any], str] = lambda rule: ""
    only: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def all(self) -> dict[str, Any]:
        """Its formula and its defaults."""
        return {**self.values, **self.only}
