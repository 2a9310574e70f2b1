"""The picture of a variational autoencoder: what is computed from what, where the one random draw is, both losses."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from numpy.typing import ArrayLike

from .._checks import real_array
from .palette import colour

__all__ = ["vae_picture"]

WIDE, HIGH = 100.0, 56.0  # of the drawing, in its own units
LINE = 34.0  # the height at which x, z and p(x | z) stand


def vae_picture(axis: Axes, image: ArrayLike, decoded: ArrayLike) -> None:
    """Draw x -> encoder -> (m, log s) -> z = m + s eps -> decoder -> p(x | z), and where rate and distortion come from.

    image: what stands at x, decoded: the probabilities that stand at p(x | z); both (h, w), 0 black and 1 white.
    Solid outlines are computed, the dashed one is drawn at random. Raises ValueError where a picture cannot be right.
    """
    axis.set(xlim=(0, WIDE), ylim=(0, HIGH), aspect="equal")
    axis.set_axis_off()
    for name, picture, left in (("image", image, 1.0), ("decoded", decoded, 84.0)):
        pixels = real_array(name, picture)
        if pixels.ndim != 2:
            raise ValueError(f"{name} must be one picture (h, w), got shape {pixels.shape}")
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, extent=(left, left + 15, LINE - 7.5, LINE + 7.5), zorder=2)
        axis.add_patch(Rectangle((left, LINE - 7.5), 15, 15, fill=False, lw=0.8, edgecolor=colour("line"), zorder=3))
    axis.set(xlim=(0, WIDE), ylim=(0, HIGH))  # an image sets its own

    _net(axis, 21.0, 33.0, 11.0, 5.5, "encoder", r"weights $\phi$", "q")
    _net(axis, 66.0, 78.0, 5.5, 11.0, "decoder", r"weights $\theta$", "model")
    _value(axis, 42.5, LINE + 6.5, "$m$", "q")
    _value(axis, 42.5, LINE - 6.5, r"$\log s$", "q")
    axis.add_patch(Rectangle((37.6, LINE - 11.0), 9.8, 22.0, fill=False, lw=0.9, edgecolor=colour("q")))
    axis.text(42.5, LINE + 13.6, r"$q_\phi(z \mid x)$", ha="center", va="center", fontsize=11, color=colour("q"))
    axis.add_patch(Circle((57, LINE), 5.2, fill=False, lw=1.6, ls=(0, (3, 2)), edgecolor=colour("q")))
    axis.text(57, LINE, "$z$", ha="center", va="center", fontsize=14, color=colour("q"))
    axis.text(57, LINE - 8.4, r"$m + s\,\varepsilon$", ha="center", va="center", fontsize=10, color=colour("q"))
    axis.text(57, HIGH - 4, r"$\varepsilon \sim \mathcal{N}(0, I)$", ha="center", va="center", color=colour("muted"))
    axis.text(8.5, LINE + 13.6, "$x$", ha="center", va="center", fontsize=13, color=colour("data"))
    axis.text(91.5, LINE + 13.6, r"$p_\theta(x \mid z)$", ha="center", va="center", fontsize=12, color=colour("model"))

    ink = colour("muted")
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
        _arrow(axis, start, end, ink)

    _loss(axis, 42.5, "rate", r"$\mathrm{KL}(q_\phi(z \mid x)\,\|\,p(z))$", "gap")
    _loss(axis, 84.0, "distortion", r"$-\log p_\theta(x \mid z)$", "elbo")
    _arrow(axis, (42.5, LINE - 11.4), (42.5, 15.4), colour("gap"))
    _arrow(axis, (91.5, LINE - 8), (91.5, 15.4), colour("elbo"))
    axis.plot([8.5, 8.5, 84.0], [LINE - 8, 2.0, 2.0], color=colour("elbo"), lw=1.2, zorder=1)
    _arrow(axis, (84.0, 2.0), (84.0, 4.8), colour("elbo"))
    axis.text(66.2, 10, "+", ha="center", va="center", fontsize=15, color=colour("ink"))
    axis.text(24.5, 10, r"$-\mathrm{ELBO}\ =$", ha="right", va="center", fontsize=11, color=colour("ink"))


def _net(axis, left, right, half_left, half_right, name, weights, quantity):
    corners = [
        (left, LINE - half_left),
        (left, LINE + half_left),
        (right, LINE + half_right),
        (right, LINE - half_right),
    ]
    axis.add_patch(Polygon(corners, closed=True, fill=False, lw=1.8, edgecolor=colour(quantity)))
    middle = (left + right) / 2
    axis.text(middle, LINE, name, ha="center", va="center", fontsize=10, color=colour(quantity), weight="bold")
    axis.text(middle, LINE + 13.6, weights, ha="center", va="center", fontsize=9.5, color=colour(quantity))


def _value(axis, x, y, name, quantity):
    axis.add_patch(
        FancyBboxPatch(
            (x - 3.4, y - 2.4), 6.8, 4.8, boxstyle="round,pad=0.4", fill=False, lw=1.4, edgecolor=colour(quantity)
        )
    )
    axis.text(x, y, name, ha="center", va="center", fontsize=11, color=colour(quantity))


def _loss(axis, x, name, formula, quantity):
    axis.add_patch(
        FancyBboxPatch(
            (x - 14.6, 5.6), 29.2, 8.8, boxstyle="round,pad=0.5", fill=False, lw=1.2, edgecolor=colour(quantity)
        )
    )
    axis.text(x, 12.0, name, ha="center", va="center", fontsize=9.5, weight="bold", color=colour(quantity))
    axis.text(x, 7.9, formula, ha="center", va="center", fontsize=10, color=colour(quantity))


def _arrow(axis, start, end, ink):
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, lw=1.2, color=ink, shrinkA=0, shrinkB=0)
    )
