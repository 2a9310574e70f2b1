"""Black and white images as a figure carries them, and as a PNG file."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from .. import data
from .._checks import describe, real_array
from .drawing import PIXELS, SIDE

MOST = 20  # images that a figure carries


def chosen(images: ArrayLike | None) -> np.ndarray:
    """Images (k, 784) of 0 and 1 for a figure to carry; None: the first stored test image of each digit.

    Raises TypeError or ValueError where they cannot be right.
    """
    if images is None:
        labels = data.load("digits").test_labels
        images = data.binarised("digits")[[int(np.flatnonzero(labels == label)[0]) for label in range(10)]]
    array = real_array("images", images)
    pixels = array.reshape(len(array), -1)
    if pixels.shape[1] != PIXELS or not np.isin(pixels, (0, 1)).all() or not 1 <= len(pixels) <= MOST:
        raise ValueError(f"images must be 1 to {MOST} images of {PIXELS} pixels 0 or 1, got {describe(array)}")
    return pixels


def packed(pixels: np.ndarray) -> dict[str, object]:
    """What a figure carries of them: their bits, and the lengths of their PNG files."""
    return {
        "pixels": np.packbits(pixels.astype(np.uint8), axis=1).tobytes(),
        "files": [len(png_of(image)) for image in pixels],
    }


def images_of(pixels: bytes) -> np.ndarray:
    """Images (k, 784) of 0 and 1 from their bits, 98 bytes each."""
    return np.unpackbits(np.frombuffer(pixels, np.uint8).reshape(-1, PIXELS // 8), axis=1)


def png_of(image: np.ndarray) -> bytes:
    """An image (784,) as a PNG file with one bit for each pixel, as small as Pillow makes it."""
    out = io.BytesIO()
    Image.fromarray((255 * image.reshape(SIDE, SIDE)).astype(np.uint8)).convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()
