"""Each format again, from its documentation, one line after the other, in the simplest Python.

Shares no code with the library, not even the hash. An example is (label, weight, [(id, field, value), ...]).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MASK = 2**64 - 1
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WHOLE = re.compile(rb"[+-]?\d{1,18}")


class Malformed(Exception):
    """A line that is no example."""


# --- schuss64-1


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def fold(a: int, b: int) -> int:
    product = a * b
    return (product >> 64) ^ (product & MASK)


def schuss64(seed: int, place: int, value: bytes) -> int:
    h = mix((mix((seed + 0x9E3779B97F4A7C15) & MASK) + place) & MASK)
    blocks = max(1, math.ceil(len(value) / 16))
    padded = value.ljust(16 * blocks, b"\0")
    for i in range(blocks):
        a = int.from_bytes(padded[16 * i : 16 * i + 8], "little")
        b = int.from_bytes(padded[16 * i + 8 : 16 * i + 16], "little")
        h = fold(h ^ a, b ^ 0xA0761D6478BD642F)
    return fold(h ^ len(value), 0xE7037ED1A0B428DB)


# --- numbers


def finite(x: float) -> float:
    with np.errstate(over="ignore"):
        if not np.isfinite(np.float32(x)):
            raise Malformed("not finite")
    return x


def number(text: bytes) -> float:
    if not NUMBER.fullmatch(text):
        raise Malformed(f"no number: {text!r}")
    return finite(float(text))


def whole(text: bytes) -> int:
    if not WHOLE.fullmatch(text):
        raise Malformed(f"no whole number: {text!r}")
    return int(text)


@dataclass
class Oracle:
    """A format's options, by the names that Format gives them; `columns` are those of the file."""

    name: str
    bits: int = 20
    seed: int = 0
    numeric: str = "log"
    crosses: tuple[tuple[int, int], ...] = ()  # fields from 0
    hash: str = "auto"
    labels: str = "binary"
    columns: tuple[Any, ...] | None = None
    delimiter: bytes = b","
    found: list[Any] = field(default_factory=list)  # of one line: (hash or None, id, field, value)

    def examples(self, text: bytes) -> tuple[list[Any], list[int]]:
        """The examples, and the numbers of the malformed lines."""
        examples, malformed = [], []
        lines = text.split(b"\n")
        for i, line in enumerate(lines[:-1] if lines[-1] == b"" else lines):
            line = line.removesuffix(b"\r")
            if line:
                try:
                    examples.append(self.example(line))
                except Malformed:
                    malformed.append(i + 1)
        return examples, malformed

    def example(self, line: bytes) -> Any:
        self.found = []
        label, weight = {"criteo": self.criteo, "libsvm": self.svm, "libffm": self.svm, "vw": self.vw}.get(
            self.name, self.csv
        )(line)
        features = self.fields()
        for k, (a, b) in enumerate(self.crosses):
            for ha, _, _, va in [f for f in self.found if f[2] == a]:
                for hb, _, _, vb in [f for f in self.found if f[2] == b]:
                    pair = ha.to_bytes(8, "little") + hb.to_bytes(8, "little")
                    self.add(features + k, pair, finite(float(np.float32(va)) * float(np.float32(vb))))
        merged: dict[tuple[int, int], Any] = {}
        with np.errstate(over="ignore"):
            for _, id, place, value in self.found:
                x = np.float32(value)
                merged[id, place] = merged[id, place] + x if (id, place) in merged else x
        if not all(np.isfinite(v) for v in merged.values()):
            raise Malformed("sum is not finite")
        return label, np.float32(weight), [(id, place, v) for (id, place), v in merged.items()]

    def fields(self) -> int:
        if self.name == "criteo":
            return 39
        if self.name == "vw":
            return len(self.columns or ())
        return sum(role in ("numeric", "categorical") for _, role in self.columns or ())

    def add(self, place: int, value: bytes, x: float = 1.0, within: int | None = None) -> None:
        h = schuss64(self.seed, place if within is None else within, value)
        self.found.append((h, h >> (64 - self.bits), place, x))

    def label(self, text: bytes) -> Any:
        x = number(text)
        if self.labels == "binary" and x not in (0, 1, -1):
            raise Malformed("label")
        return np.float32(max(x, 0) if self.labels == "binary" else x)

    def weight(self, text: bytes) -> float:
        x = number(text)
        if x < 0:
            raise Malformed("weight")
        return x

    def quantity(self, place: int, x: float) -> None:
        if self.numeric == "log":
            bin = math.floor(max(x, -(2.0**53))) if x <= 2 else math.floor(math.log(x) ** 2)
            self.add(place, str(bin).encode())
        elif self.numeric == "raw":
            self.add(place, b"x", finite(math.copysign(math.log1p(abs(x)), x)))
        else:
            self.add(place, b"x", finite(x))

    def criteo(self, line: bytes) -> tuple[Any, float]:
        cells = line.split(b"\t")
        if len(cells) != 40:
            raise Malformed("columns")
        label = self.label(cells[0])
        for place, cell in enumerate(cells[1:]):
            if place < 13 and cell:
                self.quantity(place, whole(cell))
            else:
                self.add(place, cell)
        return label, 1.0

    def svm(self, line: bytes) -> tuple[Any, float]:
        tokens = [t for t in re.split(rb"[ \t]+", line) if t]
        if not tokens:
            raise Malformed("no label")
        label = self.label(tokens[0])
        for token in tokens[1:]:
            if token.startswith(b"#"):
                break
            parts = token.split(b":")
            if len(parts) != (3 if self.name == "libffm" else 2):
                raise Malformed("parts")
            place = whole(parts[0]) if self.name == "libffm" else 0
            if not 0 <= place < 65536:
                raise Malformed("field")
            if self.hash == "all":
                if not parts[-2]:
                    raise Malformed("no id")
                id = schuss64(self.seed, 0, parts[-2]) >> (64 - self.bits)
            else:
                id = whole(parts[-2])
            if not 0 <= id < 2**self.bits:
                raise Malformed("id")
            self.found.append((None, id, place, number(parts[-1])))
        return label, 1.0

    def vw(self, line: bytes) -> tuple[Any, float]:
        head, *spaces = line.split(b"|")
        tokens = re.findall(rb"[^ \t]+", head)
        if tokens and (tokens[-1].startswith(b"'") or head[-1:] not in b" \t"):
            tokens = tokens[:-1]
        if not spaces or not 1 <= len(tokens) <= 2 or any(t.startswith(b"'") for t in tokens):
            raise Malformed("prefix")
        label = self.label(tokens[0])
        weight = self.weight(tokens[1]) if len(tokens) == 2 else 1.0
        for space in spaces:
            first = re.match(rb"[^ \t]*", space)[0]  # type: ignore[index]
            name, colon, scale = first.partition(b":")
            by = number(scale) if colon else 1.0
            if self.columns and name.decode("latin-1") not in self.columns:
                continue
            place = self.columns.index(name.decode("latin-1")) if self.columns else 0
            for token in re.findall(rb"[^ \t]+", space[len(first) :]):
                feature, colon, x = token.partition(b":")
                if not feature:
                    raise Malformed("no name")
                value = finite((number(x) if colon else 1.0) * by)
                self.add(place, feature, value, within=schuss64(self.seed, 0, name))
        return label, weight

    def csv(self, line: bytes) -> tuple[Any, float]:
        cells, cell, i = [], b"", 0
        while True:
            if line[i : i + 1] == b'"':
                match = re.compile(rb'"((?:[^"]|"")*)"').match(line, i)
                if not match:
                    raise Malformed("quote")
                cell, i = match[1].replace(b'""', b'"'), match.end()
                if line[i : i + 1] not in (b"", self.delimiter):
                    raise Malformed("behind a quote")
            else:
                end = line.find(self.delimiter, i)
                end = len(line) if end < 0 else end
                cell, i = line[i:end], end
            cells.append(cell)
            if i == len(line):
                break
            i += 1
        assert self.columns is not None
        if len(cells) != len(self.columns):
            raise Malformed("columns")
        label, weight, place = None, 1.0, 0
        for (_, role), cell in zip(self.columns, cells, strict=True):
            if role == "label":
                label = self.label(cell)
            elif role == "weight":
                weight = self.weight(cell)
            elif role == "numeric" and cell:
                self.quantity(place, number_as_double(cell))
            elif role != "ignore":
                self.add(place, cell)
            place += role in ("numeric", "categorical")
        return label, weight


def number_as_double(text: bytes) -> float:
    """As `number`, for one that is not stored as float32 but binned."""
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise Malformed("number")
    return float(text)
