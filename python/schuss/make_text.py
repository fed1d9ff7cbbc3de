"""Text with planted analogies: words whose neighbours come from their topic and from their role.

A sentence is about one word (topic, role): "paris" is the topic of France in the role of a capital. Around it stand
words of the topic, words of the role, and others by Zipf's law, in any order. What a word means, to whoever learns it
from its neighbours, is then a topic plus a role, so that paris - france + japan is tokyo. The text of a seed is endless
and made of blocks, each a function of (seed, block) alone; random numbers are those of splitmix64, so that they do not
depend on NumPy's version.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .make_ctr import OPENERS, mixed

Array = NDArray[Any]

# Sections: pairs of words, each of the first role and of the second.
PAIRS = {
    "capitals": """france paris japan tokyo italy rome spain madrid germany berlin russia moscow china beijing egypt
        cairo greece athens norway oslo sweden stockholm finland helsinki poland warsaw austria vienna hungary budapest
        ireland dublin portugal lisbon england london canada ottawa cuba havana iraq baghdad iran tehran peru lima
        chile santiago kenya nairobi ghana accra turkey ankara thailand bangkok vietnam hanoi nepal kathmandu""",
    "plurals": """cat cats dog dogs bird birds horse horses cow cows car cars road roads river rivers tree trees house
        houses city cities baby babies child children mouse mice hand hands eye eyes lemon lemons apple apples onion
        onions chair chairs table tables book books letter letters ship ships cloud clouds stone stones tower towers
        bridge bridges garden gardens window windows king kings rat rats goat goats machine machines engine engines""",
    "family": """man woman boy girl father mother son daughter brother sister uncle aunt husband wife nephew niece
        grandfather grandmother groom bride prince princess actor actress waiter waitress""",
    "past-tense": """walk walked talk talked play played jump jumped paint painted dance danced listen listened cook
        cooked climb climbed swim swam sing sang write wrote draw drew run ran fly flew see saw say said go went
        take took give gave know knew sell sold think thought fight fought""",
}
TOPIC, ROLE, FILLERS = 8, 10, 4000  # words of a topic, of a role, and others
SENTENCES = 4096  # of a block
OF_TOPIC, OF_ROLE = 3, 4  # words of a sentence
FEWEST, MOST = 1, 6  # others of a sentence
CONSONANTS, VOWELS = "bdfgjklmnprstvz", "aeiou"


class Text:
    """The endless text of a seed.

    Parameters
    ----------
    seed : int, default 0

    Example
    -------
    >>> from schuss.make_text import Text
    >>> sentence = next(Text(seed=1).sentences())
    >>> 9 <= len(sentence) <= 14, sentence == next(Text(seed=1).sentences())
    (True, True)
    """

    def __init__(self, seed: int = 0) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise TypeError(f"seed: expected a whole number, got {type(seed).__name__}")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed: expected 0 to {2**32 - 1}, got {seed}")
        self.seed = seed
        self.sections = {name: list(zip(*[iter(text.split())] * 2, strict=True)) for name, text in PAIRS.items()}
        self._pairs = [pair for pairs in self.sections.values() for pair in pairs]
        self._section = np.repeat(np.arange(len(self.sections)), [len(pairs) for pairs in self.sections.values()])
        planted = [word for pair in self._pairs for word in pair]
        rest = FILLERS + TOPIC * len(self._pairs) + ROLE * 2 * len(self.sections)
        made = _made(rest, set(planted))
        self._words = np.array([*planted, *made], object)
        self._topics = len(planted) + FILLERS
        self._roles = self._topics + TOPIC * len(self._pairs)
        self._zipf = _cumulated(1 / (np.arange(FILLERS) + 2.7))
        rank = np.concatenate([np.arange(len(pairs)) for pairs in self.sections.values()])
        self._common = _cumulated(1 / (rank + 50.0))

    def sentences(self) -> Iterator[list[str]]:
        """One after the other, without end."""
        for block in range(2**32):
            yield from self._block(block)

    def questions(self) -> list[str]:
        """Lines of a file of analogies in Google's format: each pair of a section beside each other one."""
        lines: list[str] = []
        for name, pairs in self.sections.items():
            lines.append(f": {name}")
            lines += [" ".join((*one, *other)) for one in pairs for other in pairs if one != other]
        return lines

    def _block(self, block: int) -> list[list[str]]:
        draw = _Draws(self.seed, block)
        n = SENTENCES
        pair = _drawn(self._common, draw(n))
        role = (draw(n) * 2).astype(np.int64)
        topics = (draw(n, OF_TOPIC) * TOPIC).astype(np.int64) + (self._topics + pair * TOPIC)[:, None]
        kind = 2 * self._section[pair] + role
        roles = (draw(n, OF_ROLE) * ROLE).astype(np.int64) + (self._roles + kind * ROLE)[:, None]
        others = 2 * len(self._pairs) + _drawn(self._zipf, draw(n, MOST))
        ids = np.hstack([(2 * pair + role)[:, None], topics, roles, others])
        length = 1 + OF_TOPIC + OF_ROLE + FEWEST + (draw(n) * (MOST - FEWEST + 1)).astype(np.int64)
        order = draw(n, ids.shape[1])
        order[np.arange(ids.shape[1]) >= length[:, None]] = 2  # behind the sentence's end
        ids = np.take_along_axis(ids, np.argsort(order, 1, kind="stable"), 1)
        words = self._words[ids].tolist()
        return [row[:some] for row, some in zip(words, length.tolist(), strict=True)]


class _Draws:
    """Numbers in [0, 1) of (seed, block), one after the other."""

    def __init__(self, seed: int, block: int) -> None:
        self._start = mixed(np.array([seed << 32 | block], np.uint64) + np.uint64(0x9E3779B97F4A7C15))
        self._count = 0

    def __call__(self, *shape: int) -> Array:
        n = int(np.prod(shape))
        counter = np.arange(self._count, self._count + n, dtype=np.uint64)
        self._count += n
        bits = mixed(self._start + counter * np.uint64(0x9E3779B97F4A7C15))
        return ((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def _cumulated(weights: Array) -> Array:
    total = np.cumsum(weights)
    return np.asarray(total / total[-1])


def _drawn(cumulated: Array, u: Array) -> Array:
    return np.searchsorted(cumulated, u, side="right")


def _made(n: int, taken: set[str]) -> list[str]:
    """n words of two and three syllables that are none of these."""
    syllables = [c + v for c in CONSONANTS for v in VOWELS]
    some = len(syllables)
    found: list[str] = []
    i = 0
    while len(found) < n:
        code = i * 5059 % some**2 if i < some**2 else i  # 5059: without factors of the number of syllables
        word = ""
        for _ in range(2 if i < some**2 else 3):
            word, code = syllables[code % some] + word, code // some
        i += 1
        if word not in taken:
            found.append(word)
    return found


def write(
    path: str | os.PathLike[str],
    words: int,
    seed: int = 0,
    questions: str | os.PathLike[str] | None = None,
    progress: Any = None,
) -> int:
    """Writes a text of so many words, a sentence a line, compressed by the suffix: .gz, .bz2, .xz.

    Parameters
    ----------
    path : path
    words : int
    seed : int, default 0
    questions : path, optional
        Where the analogies go, in Google's format.
    progress : function of the number of words written, optional

    Returns
    -------
    The number of sentences.

    Raises
    ------
    ValueError
        For less than one word.
    OSError
        If a file cannot be written.

    Example
    -------
    >>> import pathlib, tempfile
    >>> from schuss.make_text import write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = write(folder + "/text", 1000, seed=1, questions=folder + "/questions")
    ...     lines = pathlib.Path(folder, "text").read_text().splitlines()
    ...     print(pathlib.Path(folder, "questions").read_text()[:46])
    : capitals
    france paris japan tokyo
    france par
    >>> n == len(lines), sum(len(line.split()) for line in lines)
    (True, 1000)
    """
    if words < 1:
        raise ValueError(f"words: expected at least 1, got {words}")
    text = Text(seed)
    name = os.fspath(path)
    left, lines = words, 0
    file: IO[bytes]
    with OPENERS.get(os.path.splitext(name)[1], open)(name, "wb") as file:
        for sentence in text.sentences():
            some = sentence[:left]
            file.write((" ".join(some) + "\n").encode())
            left, lines = left - len(some), lines + 1
            if progress is not None:
                progress(len(some))
            if left == 0:
                break
    if questions is not None:
        with open(questions, "w", encoding="utf-8") as out:
            out.write("\n".join(text.questions()) + "\n")
    return lines


def write_shown(
    path: str | os.PathLike[str], words: int, seed: int = 0, questions: str | os.PathLike[str] | None = None
) -> list[str]:
    """`write` with a bar on the error stream where that is a terminal; lines to print afterwards."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("words", total=words)
        lines = write(path, words, seed, questions, lambda count: bar.advance(task, count))
    said = [f"{os.fspath(path)}: {words:,} words, {lines:,} sentences, {os.stat(path).st_size:,} bytes"]
    if questions is not None:
        said.append(f"{os.fspath(questions)}: {sum(not q.startswith(':') for q in Text(seed).questions()):,} analogies")
    return said
