"""The still picture's bars of cost, as js/kit/costbar.js draws the live ones: from 0 nats to the left, on one axis."""

from __future__ import annotations

from matplotlib.axes import Axes

from ..plots.palette import colour

__all__ = ["LEFT", "RIGHT", "cost_bar"]

LEFT, RIGHT = -12, 1  # nats, the ends of the axis, which no state moves


def cost_bar(axes: Axes, row: float, value: float, total: float, *, solid: str, ink: str) -> None:
    """From 0 to the total solid, from there on the KL hatched, to the value: a line of that ink with its number.

    What goes on beyond the axis has an arrow. Raises KeyError for a name that the palette lacks.
    """
    axes.barh(row, total, height=0.62, color=colour(solid), alpha=0.5)
    axes.barh(row, value - total, left=total, height=0.62, fc="white", ec=colour("gap"), hatch="////")
    axes.plot([value, value], [row - 0.4, row + 0.4], color=colour(ink), lw=3, solid_capstyle="butt")
    for end, mark, beyond in ((LEFT, "<", min(value, total) < LEFT), (RIGHT, ">", max(value, total) > RIGHT)):
        if beyond:
            axes.plot(end, row, marker=mark, color=colour("ink"), clip_on=False, zorder=5)
    far = value < LEFT + 1.5
    axes.annotate(
        f"{value:.2f}".replace("-", "−"),
        (min(max(value, LEFT), RIGHT), row),
        (10 if far else -6, 0),
        textcoords="offset points",
        ha="left" if far else "right",
        va="center",
        fontsize=9,
        bbox={"fc": "white", "ec": "none", "pad": 1.5},
    )
    axes.axvline(0, color=colour("muted"), lw=0.8)
    axes.set_xlim(LEFT, RIGHT)
