"""What a set of images is, and the two ways in which a model takes its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .._checks import describe, real_array

__all__ = ["Images", "flat", "unit"]

WHITE = 255  # the highest grey level; 0 is the background


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled grey images, split into training and test set.

    train (n, h, w) and test (m, h, w): uint8 grey levels 0..255; train_labels (n,) and test_labels (m,): int64
    indices into `names`. All arrays are read-only, since callers share them: copy before you write.
    Raises TypeError for pixels that are not uint8, ValueError for shapes or labels that do not fit together.
    """

    train: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        for split in ("train", "test"):
            pixels, labels = _fitting(split, getattr(self, split), getattr(self, f"{split}_labels"), len(self.names))
            object.__setattr__(self, split, pixels)
            object.__setattr__(self, f"{split}_labels", labels)
        if self.train.shape[1:] != self.test.shape[1:]:
            raise ValueError(
                f"train and test must hold images of one size, got {self.train.shape[1:]} and {self.test.shape[1:]}"
            )

    def __repr__(self) -> str:
        height, width = self.train.shape[1:]
        return (
            f"Images({len(self.train)} train, {len(self.test)} test, {height} x {width} pixels, "
            f"{len(self.names)} classes)"
        )


def _fitting(split: str, pixels: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels and int64 labels of one split, checked against each other, as read-only views."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        kind = f"dtype {pixels.dtype}" if isinstance(pixels, np.ndarray) else describe(pixels)
        raise TypeError(f"{split} must be a uint8 array of grey levels 0..255, got {kind}")
    if pixels.ndim != 3 or pixels.size == 0:
        raise ValueError(f"{split} must have shape (n, h, w) and not be empty, got shape {pixels.shape}")
    given = np.asarray(labels)
    if given.dtype.kind not in "iu" or given.shape != pixels.shape[:1]:
        raise ValueError(
            f"{split}_labels must be {len(pixels)} integers, one per image, "
            f"got dtype {given.dtype}, shape {given.shape}"
        )
    if given.min() < 0 or given.max() >= classes:
        raise ValueError(f"{split}_labels must lie in 0..{classes - 1}, got {given.min()}..{given.max()}")
    return read_only(pixels), read_only(given.astype(np.int64))


def read_only(array: np.ndarray) -> np.ndarray:
    """A view of `array` that cannot be written to; the owner's flag stays as it was."""
    view = array.view()
    view.flags.writeable = False
    return view


def grey_levels(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as an array of whole numbers 0..255 of any numeric type; ValueError or TypeError otherwise."""
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.size:
        return value  # in range by its type, and spared a copy eight times its size
    array = real_array(name, value)
    if array.min() < 0 or array.max() > WHITE or (array != np.rint(array)).any():
        raise ValueError(
            f"{name} must hold whole grey levels 0..{WHITE}, "
            f"got values from {array.min():g} to {array.max():g}; are they scaled already?"
        )
    return array


def flat(images: ArrayLike) -> np.ndarray:
    """Images (n, h, w) as rows (n, h w), row by row from the top: float64, unit grey levels 0..255 (no scaling).

    Log densities of these rows are per grey level; bins have width 1. Raises ValueError or TypeError for anything
    that is not an array of whole grey levels with three axes.
    """
    pixels = grey_levels("images", images)
    if pixels.ndim != 3:
        raise ValueError(f"images must have shape (n, h, w), got shape {pixels.shape}")
    return pixels.reshape(len(pixels), -1).astype(np.float64)


def unit(images: ArrayLike) -> np.ndarray:
    """Grey levels 0..255 of any shape as float64 in [0, 1]: x / 255; the shape stays.

    A density of the scaled D pixels is higher than that of the grey levels by D log 255 nats: add -D log 255 before
    you compare the two. Raises ValueError or TypeError for anything that is not an array of whole grey levels.
    """
    return grey_levels("images", images) / np.float64(WHITE)
