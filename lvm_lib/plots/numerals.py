"""Codes of images as numerals, each in the hue of its class: the Python twin of `numerals` in js/kit/hues.js."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from .palette import CLASSES


def numerals(axis: Axes, codes: np.ndarray, labels: Sequence[int] | np.ndarray, size: float = 5.5) -> None:
    """Draw each label at its code (n, 2), `size` points high; the numeral says the class, the hue helps."""
    classes = np.asarray(labels)
    for label in np.unique(classes):
        at = codes[classes == label]
        axis.scatter(
            at[:, 0], at[:, 1], s=size**2, marker=rf"$\mathbf{{{label}}}$", color=CLASSES[label % len(CLASSES)], lw=0
        )
