"""A small canvas for line plots, written as PNG: NumPy and zlib alone."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Colour = tuple[int, int, int]
BLACK: Colour = (30, 30, 30)
# ASCII 32 to 126 of DejaVu Sans (as the licence of Bitstream Vera allows) at 15 pixels: grey levels, from the left.
FONT = Path(__file__).with_name("font.npy")


class Canvas:
    """White, `width` times `height` pixels; x to the right, y down, in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels: Array = np.full((height, width, 3), 255.0)
        self._font: Array = np.load(FONT) / 255.0

    def blend(self, cover: Array, x: int, y: int, colour: Colour) -> None:
        """Lays a colour over the pixels from (x, y) on, as far as each is covered, 0 to 1; within the canvas."""
        part = self.pixels[y : y + cover.shape[0], x : x + cover.shape[1]]
        part += cover[: part.shape[0], : part.shape[1], None] * (np.array(colour) - part)

    def line(self, x: Array, y: Array, colour: Colour, width: float = 2.0) -> None:
        """Through points; one point is a dot. Covers a pixel by its distance from the nearest piece."""
        edge = math.ceil(width)
        left, top = max(int(min(x)) - edge, 0), max(int(min(y)) - edge, 0)
        cover = np.zeros((int(max(y)) + edge + 2 - top, int(max(x)) + edge + 2 - left))
        ends = np.stack([np.asarray(x, float) - left, np.asarray(y, float) - top], 1)
        for a, b in zip(ends, ends[1:] if len(ends) > 1 else ends, strict=False):
            low = np.maximum((np.minimum(a, b) - edge).astype(int), 0)
            high = (np.maximum(a, b) + edge + 2).astype(int)
            at = np.stack(np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1])), -1) - a
            along = np.clip(at @ (b - a) / max((b - a) @ (b - a), 1e-9), 0, 1)
            distance = np.hypot(*np.moveaxis(at - along[..., None] * (b - a), -1, 0))
            part = cover[low[1] : high[1], low[0] : high[0]]
            np.maximum(part, np.clip(width / 2 + 0.5 - distance, 0, 1)[: part.shape[0], : part.shape[1]], out=part)
        self.blend(cover, left, top, colour)

    def dashes(self, x: float, end: float, y: float, colour: Colour) -> None:
        """A dashed line from x to the right."""
        for first in np.arange(x, end, 12):
            self.line(np.array([first, min(first + 7, end)]), np.array([y, y]), colour, 1.5)

    def mask(self, words: str) -> Array:
        """How far each pixel of a line of text is covered."""
        glyphs = [self._font[ord(c) - 32 if " " <= c <= "~" else ord("?") - 32] for c in words]
        widths = [int(np.flatnonzero(g.any(0))[-1]) + 2 if g.any() else 5 for g in glyphs]
        return np.hstack([np.zeros((self._font.shape[1], 0)), *(g[:, :n] for g, n in zip(glyphs, widths, strict=True))])

    def text(self, words: str, x: float, y: float, across: float = 0.0, upright: bool = False) -> None:
        """Beside (x, y): from there on to the right with across = 0, centred with 0.5, to the left with 1."""
        mask = np.rot90(self.mask(words)) if upright else self.mask(words)
        if upright:
            self.blend(mask, int(x), int(y - mask.shape[0] / 2), BLACK)
        else:
            self.blend(mask, int(x - across * mask.shape[1]), int(y - mask.shape[0] / 2), BLACK)

    def png(self) -> bytes:
        """The picture as a PNG file."""

        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        height, width = self.pixels.shape[:2]
        rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each behind the number of its filter, none
        rows[:, 1:] = self.pixels.round().astype(np.uint8).reshape(height, -1)
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body
