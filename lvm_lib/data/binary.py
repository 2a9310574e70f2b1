"""Black and white images: each pixel is 1 with probability (grey level) / 255.

A Bernoulli likelihood is a distribution on {0, 1}, so it needs binary pixels (Salakhutdinov and Murray 2008 draw them
this way). Two draws of one image differ, and so do the bounds on them: results on test data are comparable only on
one fixed draw. `binarised` gives that draw; `binarise` gives a new one, for training.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from .._checks import rng as generator
from .embedded import known, load
from .images import WHITE, grey_levels, read_only

__all__ = ["binarise", "binarised"]

KEYS = {
    ("digits", "train"): 0x6C766D01,
    ("digits", "test"): 0x6C766D02,  # never change one: every number on
    ("clothing", "train"): 0x6C766D03,
    ("clothing", "test"): 0x6C766D04,
}  # binary test images hangs on them


def binarised(name: str, split: str = "test") -> np.ndarray:
    """The one fixed binarisation of an embedded set: (n, 28, 28) uint8 of 0 and 1, read-only.

    x = 1 where u < (grey level) / 255. The uniform u come from NumPy's Philox counter, whose raw output for a key is
    the same on every machine and in every version, so that the draw needs no file; a test compares its checksum.
    `split` is "train" or "test". Raises ValueError for another name or split.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    return _fixed(known(name), split)


@cache
def _fixed(name: str, split: str) -> np.ndarray:
    return read_only(draw(getattr(load(name), split), KEYS[name, split]))


def draw(pixels: np.ndarray, key: int) -> np.ndarray:
    """The binarisation of uint8 grey levels that belongs to `key`, which alone decides its chance."""
    raw = np.random.Philox(key=key).random_raw(pixels.size).reshape(pixels.shape)
    uniform = (raw >> np.uint64(11)) * 2.0**-53  # the top 53 bits: a float64 in [0, 1), exactly
    return (uniform < pixels / WHITE).astype(np.uint8)


def binarise(images: ArrayLike, rng: np.random.Generator | int) -> np.ndarray:
    """A new binarisation of grey levels 0..255 of any shape: uint8 of 0 and 1, P(x = 1) = (grey level) / 255.

    `rng` is a NumPy generator or an integer seed. Raises ValueError for pixels that are not whole numbers in 0..255
    (as those that are scaled to [0, 1] already), TypeError for a bad `rng`.
    """
    pixels = grey_levels("images", images)
    return (generator("rng", rng).random(pixels.shape) < pixels / WHITE).astype(np.uint8)
