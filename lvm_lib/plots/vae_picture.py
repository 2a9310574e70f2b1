"""The picture of a variational autoencoder: what is computed from what, where the one random draw is, both losses."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from numpy.typing import ArrayLike

from .._checks import real_array
from .ink import paint
from .palette import colour

__all__ = ["vae_picture"]

WIDE, HIGH = 100.0, 56.0  # of the drawing, in its own units
LINE = 34.0  # the height at which x, z and p(x | z) stand
TALL, MIDDLE = 176.0, 44.0  # of the upright drawing, as wide: its height, and where x, z and p(x | z) stand


def vae_picture(axis: Axes, image: ArrayLike, decoded: ArrayLike, upright: bool = False) -> None:
    """Draw x -> encoder -> (m, log s) -> z = m + s eps -> decoder -> p(x | z), and where rate and distortion come from.

    image: what stands at x, decoded: the probabilities that stand at p(x | z); both (h, w), 0 paper and 1 ink.
    upright: from above down, for a phone, instead of from left to right. What the axis held before is gone. Solid
    outlines are computed, the dashed one is drawn at random. Raises ValueError where a picture cannot be right.
    """
    axis.clear()
    axis.set_axis_off()
    seen = {"image": real_array("image", image), "decoded": real_array("decoded", decoded)}
    for name, pixels in seen.items():
        if pixels.ndim != 2:
            raise ValueError(f"{name} must be one picture (h, w), got shape {pixels.shape}")
    (_upright if upright else _lying)(axis, *seen.values())
    axis.set(xlim=(0, WIDE), ylim=(0, TALL if upright else HIGH), aspect="equal")  # an image sets its own


def _lying(axis, image, decoded):
    _image(axis, image, (1.0, LINE - 7.5), 15)
    _image(axis, decoded, (84.0, LINE - 7.5), 15)
    _net(axis, [(21.0, LINE + 11), (33.0, LINE + 5.5), (33.0, LINE - 5.5), (21.0, LINE - 11)], "encoder", "q")
    _net(axis, [(66.0, LINE + 5.5), (78.0, LINE + 11), (78.0, LINE - 11), (66.0, LINE - 5.5)], "decoder", "model")
    _value(axis, (42.5, LINE + 6.5), (6.8, 4.8), "$m$", "q")
    _value(axis, (42.5, LINE - 6.5), (6.8, 4.8), r"$\log s$", "q")
    axis.add_patch(Rectangle((37.6, LINE - 11.0), 9.8, 22.0, fill=False, lw=0.9, edgecolor=colour("q")))
    _draw_of_z(axis, (57, LINE), 5.2)
    names = ((27, 13.6), (72, 13.6), (42.5, 13.6), (57, -8.4), (57, 18), (8.5, 13.6), (91.5, 13.6))
    _names(axis, [(x, LINE + up, "center") for x, up in names])
    for start, end in (
        ((16.6, LINE), (20.6, LINE)),
        ((33.4, LINE + 2), (38.2, LINE + 5)),
        ((33.4, LINE - 2), (38.2, LINE - 5)),
        ((46.6, LINE + 5), (52.4, LINE + 2)),
        ((46.6, LINE - 5), (52.4, LINE - 2)),
        ((57, HIGH - 6.5), (57, LINE + 5.6)),
        ((62.6, LINE), (65.6, LINE)),
        ((78.4, LINE), (83.4, LINE)),
    ):
        _arrow(axis, start, end, colour("muted"))

    _losses(axis, (42.5, 10), (84.0, 10), (29.2, 8.8))
    _arrow(axis, (42.5, LINE - 11.4), (42.5, 15.4), colour("gap"))
    _arrow(axis, (91.5, LINE - 8), (91.5, 15.4), colour("elbo"))
    axis.plot([8.5, 8.5, 84.0], [LINE - 8, 2.0, 2.0], color=colour("elbo"), lw=1.2, zorder=1)
    _arrow(axis, (84.0, 2.0), (84.0, 4.8), colour("elbo"))
    axis.text(66.2, 10, "+", ha="center", va="center", fontsize=15, color=colour("ink"))
    axis.text(24.5, 10, r"$-\mathrm{ELBO}\ =$", ha="right", va="center", fontsize=11, color=colour("ink"))


def _upright(axis, image, decoded):
    _image(axis, image, (MIDDLE - 12, 150), 24)
    _image(axis, decoded, (MIDDLE - 12, 30), 24)
    at = MIDDLE
    _net(axis, [(at - 22, 143), (at + 22, 143), (at + 12, 128), (at - 12, 128)], "encoder", "q")
    _net(axis, [(at - 12, 75), (at + 12, 75), (at + 22, 60), (at - 22, 60)], "decoder", "model")
    _value(axis, (at - 10, 112), (12, 8), "$m$", "q")
    _value(axis, (at + 10, 112), (12, 8), r"$\log s$", "q")
    axis.add_patch(Rectangle((at - 20, 105), 40, 14, fill=False, lw=0.9, edgecolor=colour("q")))
    _draw_of_z(axis, (at, 90), 8)
    names = ((70, 135.5), (70, 67.5), (68, 112), (32, 90), (69, 90), (28, 162), (60, 44))
    sides = ("left", "left", "left", "right", "left", "right", "left")
    _names(axis, [(x, y, side) for (x, y), side in zip(names, sides, strict=True)])
    for start, end in (
        ((at, 149.3), (at, 143.7)),
        ((at - 4, 127.4), (at - 9, 117)),
        ((at + 4, 127.4), (at + 9, 117)),
        ((at - 9, 107), (at - 4, 97.6)),
        ((at + 9, 107), (at + 4, 97.6)),
        ((67.5, 90), (at + 8.7, 90)),
        ((at, 81.4), (at, 75.7)),
        ((at, 59.4), (at, 54.6)),
    ):
        _arrow(axis, start, end, colour("muted"))

    _losses(axis, (23, 9), (77.2, 9), (43.6, 13))
    axis.plot([at - 20.4, 5, 5], [112, 112, 20], color=colour("gap"), lw=1.2)
    _arrow(axis, (5, 22), (5, 16.6), colour("gap"))
    for left, top, right in ((at + 12.6, 162, 98), (at + 12.6, 34, 68)):
        axis.plot([left, right, right], [top, top, 20], color=colour("elbo"), lw=1.2)
        _arrow(axis, (right, 22), (right, 16.6), colour("elbo"))
    axis.text(50.1, 9, "+", ha="center", va="center", fontsize=15, color=colour("ink"))
    axis.text(10, 22.5, r"$-\mathrm{ELBO}\ =$", ha="left", va="center", fontsize=11, color=colour("ink"))


def _names(axis, places):
    """What stands beside the parts: weights of both nets, q, how z is drawn and from what, x and p(x | z)."""
    names = (
        (r"weights $\phi$", 9.5, "q"),
        (r"weights $\theta$", 9.5, "model"),
        (r"$q_\phi(z \mid x)$", 11, "q"),
        (r"$m + s\,\varepsilon$", 10, "q"),
        (r"$\varepsilon \sim \mathcal{N}(0, I)$", 10, "muted"),
        ("$x$", 13, "data"),
        (r"$p_\theta(x \mid z)$", 12, "model"),
    )
    for (x, y, side), (said, size, quantity) in zip(places, names, strict=True):
        axis.text(x, y, said, ha=side, va="center", fontsize=size, color=colour(quantity))


def _image(axis, pixels, corner, side):
    left, low = corner
    paint(axis, pixels, [(left, low, side, side)], extent=(left, left + side, low, low + side))


def _draw_of_z(axis, centre, radius):
    axis.add_patch(Circle(centre, radius, fill=False, lw=1.6, ls=(0, (3, 2)), edgecolor=colour("q")))
    axis.text(*centre, "$z$", ha="center", va="center", fontsize=14, color=colour("q"))


def _net(axis, corners, name, quantity):
    axis.add_patch(Polygon(corners, closed=True, fill=False, lw=1.8, edgecolor=colour(quantity)))
    x, y = (sum(place) / 4 for place in zip(*corners, strict=True))
    axis.text(x, y, name, ha="center", va="center", fontsize=10, color=colour(quantity), weight="bold")


def _value(axis, centre, size, name, quantity):
    axis.add_patch(_box(centre, size, 0.4, lw=1.4, edgecolor=colour(quantity)))
    axis.text(*centre, name, ha="center", va="center", fontsize=11, color=colour(quantity))


def _losses(axis, rate, distortion, size):
    """The two parts of the loss in their boxes."""
    for (x, y), name, formula, quantity in (
        (rate, "rate", r"$\mathrm{KL}(q_\phi(z \mid x)\,\|\,p(z))$", "gap"),
        (distortion, "distortion", r"$-\log p_\theta(x \mid z)$", "elbo"),
    ):
        ink, up = colour(quantity), size[1] / 4.3
        axis.add_patch(_box((x, y), size, 0.5, lw=1.2, edgecolor=ink))
        axis.text(x, y + up, name, ha="center", va="center", fontsize=9.5, weight="bold", color=ink)
        axis.text(x, y - up, formula, ha="center", va="center", fontsize=10, color=ink)


def _box(centre, size, pad, **style):
    corner = (centre[0] - size[0] / 2, centre[1] - size[1] / 2)
    return FancyBboxPatch(corner, size[0], size[1], boxstyle=f"round,pad={pad}", fill=False, **style)


def _arrow(axis, start, end, ink):
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, lw=1.2, color=ink, shrinkA=0, shrinkB=0)
    )
