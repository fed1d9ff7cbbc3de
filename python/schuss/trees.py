"""Trees of parameters: an array, or lists, tuples and dicts of trees. Leaves are numbered in order of appearance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def fill(tree: Any, leaves: Iterator[Any]) -> Any:
    """A tree of the same shape (dicts and lists) with other leaves."""
    if isinstance(tree, dict):
        return {key: fill(value, leaves) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [fill(value, leaves) for value in tree]
    return next(leaves)


def match(tree: Any, other: Any, is_leaf: Callable[[Any], bool]) -> list[Any] | None:
    """The leaves of `other` in the order of `tree`, one for a leaf or a whole branch; None where they do not match."""
    if is_leaf(other):
        return [other] * size(tree)
    if isinstance(tree, dict) and isinstance(other, dict) and set(tree) == set(other):
        parts = [match(tree[key], other[key], is_leaf) for key in tree]
    elif isinstance(tree, list | tuple) and isinstance(other, list | tuple) and len(tree) == len(other):
        parts = [match(a, b, is_leaf) for a, b in zip(tree, other, strict=True)]
    else:
        return None
    found: list[Any] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def leaves(tree: Any) -> list[Any]:
    """All leaves, in order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, list | tuple):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def size(tree: Any) -> int:
    """How many leaves a tree has."""
    if isinstance(tree, dict):
        return sum(size(value) for value in tree.values())
    if isinstance(tree, list | tuple):
        return sum(size(value) for value in tree)
    return 1
