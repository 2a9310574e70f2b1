"""Draw a static figure and show it, in both themes, with a text alternative."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .._checks import count, real_array
from . import ink
from . import narrow as narrow_form
from .palette import QUANTITIES, SURFACES, colour

DPI = 192  # shown at half this: crisp on dense screens, and 7.2 inches fill the text column
RC = {
    "figure.dpi": DPI / 2,
    "savefig.dpi": DPI,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "image.cmap": ink.NAMES[0],
    "image.interpolation": "nearest",
    "text.color": colour("ink"),
    "axes.labelcolor": colour("ink"),
    "axes.edgecolor": colour("muted"),
    "xtick.color": colour("muted"),
    "ytick.color": colour("muted"),
    "figure.facecolor": colour("ground"),
    "axes.facecolor": colour("ground"),
    "savefig.facecolor": "auto",
    "hatch.linewidth": 0.8,
    "axes.titlepad": 8.0,
}


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = 7.2, height: float = 3.2, **options: bool | str | dict
) -> tuple[Figure, Axes | np.ndarray]:
    """`plt.subplots` in the book's style; width and height in inches (7.2 fills the text column)."""
    import matplotlib.pyplot as plt

    plt.rcParams.update(RC)  # type: ignore[arg-type]  # the stub lists every key
    return plt.subplots(rows, columns, figsize=(width, height), **options)  # type: ignore[arg-type]  # any may come


def images(
    axis: Axes, pictures: ArrayLike, columns: int, *, low: float = 0.0, high: float = 255.0, gap: int = 2
) -> None:
    """Tile pictures (n, h, w) on one axis, row by row, as ink on paper; values outside low, high are clipped.

    low is paper, high is ink. Each picture has a frame, where no gap parts them all have one. Raises ValueError where
    `pictures` is not a non-empty stack of images.
    """
    pictures, columns = real_array("pictures", pictures), count("columns", columns)
    if pictures.ndim != 3:
        raise ValueError(f"pictures must be a non-empty stack (n, h, w), got shape {pictures.shape}")
    n, h, w = pictures.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap), np.nan)
    boxes = []
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        sheet[top : top + h, left : left + w] = picture
        boxes.append((left - 0.5, top - 0.5, w, h))
    ink.paint(axis, sheet, boxes if gap else [(-0.5, -0.5, *sheet.shape[::-1])], low=low, high=high)
    axis.set_axis_off()


def show(figure: Figure, alt: str, narrow: Callable[[Axes], object] | None = None) -> None:
    """Display `figure` as a picture for the light and one for the dark theme, then close it.

    alt: what is to be seen, in a sentence or two, for those who do not see it. A drawing of one panel has a narrow form
    for phones beside it; narrow: what the panel wants otherwise there, a function of its axis. Raises ValueError where
    alt says nothing, and for a function `narrow` of a figure that has no narrow form.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not isinstance(alt, str) or len(alt.split()) < 4:
        raise ValueError(f"alt must describe the figure in a sentence, got {alt!r}")
    (light, dark), small = drawn(figure, narrow)
    plt.close(figure)
    about = {"alt": alt, "dark": dark} | ({"narrow": small} if small else {})
    display({"image/png": light, "text/plain": f"[figure] {alt}"}, metadata={"image/png": about}, raw=True)


def drawn(figure: Figure, narrow: Callable[[Axes], object] | None = None) -> tuple[tuple[str, str], dict]:
    """The light and the dark picture of `figure`; and its narrow form, {} where it has none, which it has from then on.

    The narrow form is {"light", "dark", "crowded": what is not read well in it}. Raises ValueError for a function
    `narrow` of a figure that has none.
    """
    wide = in_both_themes(figure)
    if narrow is None and narrow_form.panel(figure) is None:
        return wide, {}
    faults = narrow_form.narrowed(figure, narrow)
    light, dark = in_both_themes(figure, narrow_form.DPI)
    return wide, {"light": light, "dark": dark, "crowded": faults}


def in_both_themes(figure: Figure, density: int = DPI) -> tuple[str, str]:
    """The figure as PNG bytes in base64, light and dark, `density` pixels to the inch; it is light again afterwards."""
    light = png(figure, density)
    recolour(figure)
    dark = png(figure, density)
    recolour(figure, dark=False)
    return light, dark


def png(figure: Figure, density: int = DPI) -> str:
    """The figure as PNG bytes in base64."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None}, dpi=density)
    return base64.b64encode(buffer.getvalue()).decode()


def recolour(figure: Figure, dark: bool = True) -> None:
    """Turn the light palette's colours in `figure`, and images, into their dark twins, or back; other colours stay."""
    from matplotlib.colors import to_rgb

    pairs = [pair if dark else pair[::-1] for pair in {**QUANTITIES, **SURFACES}.values()]
    twins = [(np.array(to_rgb(before)), np.array(to_rgb(after))) for before, after in pairs]

    def twin(rgba: ArrayLike) -> np.ndarray:
        rows = np.atleast_2d(np.asarray(rgba, dtype=float)).copy()
        for row in rows:
            for before, after in twins:
                if np.abs(row[:3] - before).max() < 2e-3:
                    row[:3] = after
                    break
        return rows

    from matplotlib.colors import to_rgba

    artists = figure.findobj()
    patches = [getattr(artist, "arrow_patch", None) for artist in artists]
    arrows = [patch for patch in patches if patch is not None]
    for artist in artists + arrows:  # `findobj` does not find an annotation's arrow
        ink.turn(artist, dark)
        for part in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
            get, put = getattr(artist, f"get_{part}", None), getattr(artist, f"set_{part}", None)
            if get is None or put is None or (part == "color" and hasattr(artist, "set_facecolor")):
                continue
            value = get()
            if isinstance(value, str) and value in ("none", "auto", "inherit"):
                continue
            if hasattr(value, "__len__") and len(value) == 0:
                continue
            colours = twin([to_rgba(value)] if isinstance(value, str) or np.ndim(value) == 1 else value)
            put(colours if len(colours) > 1 else tuple(colours[0]))
