"""The two sets of images that come with the library."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from .images import Images

__all__ = ["EMBEDDED", "load"]

DIGITS = tuple("0123456789")
CLOTHING = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
EMBEDDED = {"digits": DIGITS, "clothing": CLOTHING}  # set -> the names of its classes


def load(name: str) -> Images:
    """The embedded set "digits" (of MNIST) or "clothing" (of Fashion-MNIST), read once and then kept.

    train (9000, 28, 28), test (1000, 28, 28): uint8 grey levels 0..255, with int64 labels. Both splits are fixed.
    The digits all come from MNIST's training set, so do not test on them a model that you trained on full MNIST.
    Raises ValueError for another name.
    """
    return _read(known(name))


def known(name: str) -> str:
    """`name` if it is an embedded set; otherwise a ValueError that lists the choices."""
    if not isinstance(name, str) or name not in EMBEDDED:
        raise ValueError(f"name must be one of {', '.join(map(repr, EMBEDDED))}, got {name!r}")
    return name


@cache
def _read(name: str) -> Images:
    with np.load(Path(__file__).with_name(f"{name}.npz")) as stored:
        return Images(**{key: stored[key] for key in stored.files}, names=EMBEDDED[name])
