"""Images as ink on paper: one rule for every picture of digits and clothing, the same as in the live figures.

What is 0 is paper, what is highest is ink: black on the light theme's paper, white on the dark theme's (`lvm-paper` and
`lvm-ink` in figure.css). Paper is a little darker or lighter than the page, and a hairline frames it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from .palette import SURFACES

PAPERS = SURFACES["panel"]  # on a light page, on a dark one
INKS = ("#000000", "#ffffff")  # what js/figures/drawing/ink.js paints, and what the style sheet makes of it in the dark
NAMES = ("ink", "ink on dark paper")
FRAME = "frame"  # what frames are called, so that nobody takes them for marks of a drawing
HAIRLINE = 0.75  # points

for name, shades in zip(NAMES, zip(PAPERS, INKS, strict=True), strict=True):
    if name not in colormaps:
        colormaps.register(LinearSegmentedColormap.from_list(name, shades))


def paint(
    axis: Axes,
    image: np.ndarray,
    boxes: Iterable[tuple[float, float, float, float]],
    *,
    low: float = 0.0,
    high: float = 1.0,
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """Draw an image (h, w): paper at `low` and below, ink at `high` and above, nothing where it is nan.

    boxes: what is framed, (left, top, width, height) in the axis' units; extent: where the image lies, as imshow's.
    """
    axis.imshow(image, cmap=NAMES[0], vmin=low, vmax=high, extent=extent, zorder=2)
    frames = [Rectangle((left, top), wide, tall) for left, top, wide, tall in boxes]
    drawn = PatchCollection(frames, facecolor="none", edgecolor=SURFACES["line"][0], linewidth=HAIRLINE, zorder=2.5)
    drawn.set(gid=FRAME, clip_on=False)
    axis.add_collection(drawn, autolim=False)


def turn(artist: Artist, dark: bool) -> None:
    """Give an artist that draws ink on paper the map of the other theme; others stay."""
    if isinstance(artist, ScalarMappable) and artist.get_cmap().name in NAMES:
        artist.set_cmap(NAMES[dark])
