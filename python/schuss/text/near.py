"""Words spelled nearly as another."""

from __future__ import annotations

from collections.abc import Mapping

LETTERS = "abcdefghijklmnopqrstuvwxyz-_'"


def near(word: str, ids: Mapping[str, int], most: int = 3) -> list[str]:
    """Known words that differ by case or by one letter, the most frequent (least id) first.

    Example
    -------
    >>> near("Pariss", {"paris": 0, "pairs": 1, "rome": 2})
    ['paris']
    """
    forms = {word, word.lower(), word.title(), word.upper(), word.capitalize()}
    edited = set(forms)
    if len(word) <= 50:
        for form in forms:
            edited |= _edited(form, set(LETTERS) | set(form))
    return sorted((w for w in edited if w in ids and w != word), key=lambda w: (w not in forms, ids[w]))[:most]


def unknown(word: object, ids: Mapping[str, int]) -> KeyError:
    """The error that says so, with near spellings."""
    found = near(word, ids) if isinstance(word, str) else []
    remedy = "near spellings: " + ", ".join(map(repr, found)) if found else "no word is spelled nearly so"
    return KeyError(f"word: {word!r} is not among the {len(ids):,} words; {remedy}")


def _edited(word: str, letters: set[str]) -> set[str]:
    """All texts one deletion, exchange, replacement or insertion away."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    return {
        *(a + b[1:] for a, b in cuts if b),
        *(a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1),
        *(a + c + b[1:] for a, b in cuts if b for c in letters),
        *(a + c + b for a, b in cuts for c in letters),
    }
