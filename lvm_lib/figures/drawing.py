"""Images that a reader draws, as texts that stand in a trait and in a link: the Python twin of js/engine/drawing.js.

Black and white: 98 bytes, the first pixel in the highest bit.  Grey: a byte for each pixel, 0 (white) to 255 (black),
but a run of white pixels in two, 0 and its length (1 to 255).  Both in base64 for addresses, and one text for one
image.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import ArrayLike

from .._checks import describe
from .base import FigureError

__all__ = ["CENTRE", "PIXELS", "SIDE", "written", "read_image", "written_grey", "read_grey"]

SIDE, PIXELS = 28, 784
CENTRE = 406  # the pixel in row 14, column 14


def written(image: ArrayLike) -> str:
    """A black and white image of 784 pixels, 0 or 1, as text: 98 bytes in base64. Raises ValueError for another."""
    pixels = np.asarray(image)
    if pixels.size != PIXELS or not np.isin(pixels, (0, 1)).all():
        raise ValueError(f"image must hold 784 pixels, each 0 or 1, got {describe(image)}")
    return _in_base64(np.packbits(pixels.ravel().astype(np.uint8)).tobytes())


def read_image(text: str, name: str = "x") -> np.ndarray:
    """The 784 pixels of such a text; raises FigureError, which calls it `name`, if it is none."""
    raw = _bytes_of(text)
    if len(raw) != PIXELS // 8 or written(np.unpackbits(np.frombuffer(raw, np.uint8))) != text:
        raise FigureError(f"{name} must be a black and white image as text, 98 bytes in base64, got {describe(text)}")
    return np.unpackbits(np.frombuffer(raw, np.uint8))


def written_grey(levels: ArrayLike) -> str:
    """An image of 784 grey levels, whole numbers 0 (white) to 255 (black), as text. Raises ValueError for another."""
    values = np.asarray(levels)
    if values.size != PIXELS or values.dtype.kind not in "iuf" or not np.isin(values, np.arange(256)).all():
        raise ValueError(f"levels must hold 784 whole numbers from 0 to 255, got {describe(levels)}")
    out, run = bytearray(), 0
    for level in [*values.ravel().astype(int).tolist(), None]:
        if run and (level != 0 or run == 255):
            out += bytes((0, run))
            run = 0
        if level == 0:
            run += 1
        elif level is not None:
            out.append(level)
    return _in_base64(bytes(out))


def read_grey(text: str) -> np.ndarray:
    """The 784 levels of such a text; raises FigureError if it is none."""
    levels: list[int] = []
    raw, at = _bytes_of(text), 0
    while at < len(raw) and len(levels) < PIXELS:
        if raw[at]:
            levels.append(raw[at])
        else:
            at += 1
            levels += [0] * (raw[at] if at < len(raw) else 0)
        at += 1
    if len(levels) != PIXELS or written_grey(levels) != text:
        raise FigureError(f"drawn must be an image of 784 grey levels as text in base64, got {describe(text)}")
    return np.array(levels, np.uint8)


def _in_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _bytes_of(text: str) -> bytes:
    """The bytes that a text in base64 holds; none if it is no such text."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, TypeError):
        return b""
