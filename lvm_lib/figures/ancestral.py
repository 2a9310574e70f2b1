"""Live figure 1: ancestral sampling. z from the prior, through a small network, noise added; x piles up under p(x)."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.special import ndtr

from .. import counter
from ..curve import Curve, TanhNetwork
from ..densities import log_normal
from ..plots.palette import colour
from ..quadrature import line
from .base import LiveFigure
from .state import number, whole

__all__ = ["AncestralFigure"]

NETWORK = TanhNetwork(np.array([[2.0, 1.5]]), np.array([0.5, -2.2]), np.array([[1.8], [-0.9]]), np.array([-0.8]))
LINE = 2.47  # P(distance > LINE / sqrt(n)) <= 2 exp(-2 LINE^2) = 1e-5 for every n (Massart 1990)
LATENT = line(-9, 9, 901)
REACH = 1.8  # |g| stays below
SHOWN = 300  # points drawn in the plane
X, BIN = (-4, 4), 0.25
BESIDE = np.array([0.75, 0.45])  # from a mark to the middle of its name, in units of z and x


class AncestralFigure(LiveFigure):
    """z ~ N(0, 1), x = g(z) + std_noise * e, with e ~ N(0, 1) and a network g of two hidden units.

    Traits (set from Python, or by the reader): z, the one that is held; std_noise; seed and count, which draws are
    shown. Draw number i of a seed is always the same (`lvm_lib.counter`), so `samples()` are the points in the page.
    Raises TypeError for a trait that it does not have, ValueError for a value that one cannot have.
    """

    name = "ancestral"
    heights = (949, 836)

    z = number(0.5, -4, 4, link="z", home=0, help="the z that is held")
    std_noise = number(0.3, 0.15, 1, link="s", step=0.05, leap=0.25, help="standard deviation of x given z")
    seed = whole(7, 1, 999, link="r", help="which sequence of draws")
    count = whole(0, 0, 2000, link="n", help="how many draws of it")

    @property
    def model(self) -> Curve:
        """The generator with its noise, as a model of the library."""
        return Curve(NETWORK, self.std_noise)

    def samples(self) -> tuple[np.ndarray, np.ndarray]:
        """The points of the figure: x (n, 1) and z (n, 1), n = count (n = 0 gives empty arrays)."""
        if not self.count:
            return np.empty((0, 1)), np.empty((0, 1))
        z, e = np.split(counter.normals(self.seed, np.arange(self.count)), 2, axis=1)
        return self.model.decode(z) + self.std_noise * e, z

    def below(self, x: ArrayLike) -> np.ndarray:
        """P(X <= x) under the marginal, elementwise, by quadrature over z.

        Raises TypeError or ValueError where x cannot be right.
        """
        g, mass = NETWORK(LATENT.points)[:, 0], np.exp(LATENT.log_weights + log_normal(LATENT.points[:, 0], 0.0, 1.0))
        return ndtr((np.asarray(x)[..., None] - g) / self.std_noise) @ mass

    def numbers(self) -> dict:
        """All quantities of the current state: the Python twin of `numbers` in js/engine/ancestral.js."""
        g, mass = NETWORK(LATENT.points)[:, 0], np.exp(LATENT.log_weights + log_normal(LATENT.points[:, 0], 0.0, 1.0))
        here = float(NETWORK(np.array([[self.z]]))[0, 0])
        step = self.std_noise / 10
        half = math.ceil((REACH + 8 * self.std_noise) / step)
        p = np.exp(self.model.evidence(np.arange(-half, half + 1)[:, None] * step, LATENT))
        hills = (p[1:-1] > 1e-6) & (p[1:-1] > p[:-2]) & (p[1:-1] >= p[2:])
        mean = mass @ g
        return {
            "z": self.z,
            "std_noise": self.std_noise,
            "seed": self.seed,
            "count": self.count,
            "prior": math.exp(log_normal(self.z, 0.0, 1.0)),
            "g": here,
            "density": math.exp(self.model.evidence([[here]], LATENT)[0]),
            "hills": int(hills.sum()),
            "area": float(p.sum() * step),
            "mean": float(mean),
            "std": math.sqrt(mass @ (g - mean) ** 2 + self.std_noise**2),
            **self._of_sample(),
        }

    def _of_sample(self) -> dict:
        keys = ("sample_mean", "sample_std", "last_z", "last_g", "last_noise", "last_x", "distance", "line")
        if not self.count:
            return dict.fromkeys(keys)
        x, z = (array[:, 0] for array in self.samples())
        g, n = float(NETWORK(z[-1:, None])[0, 0]), self.count
        below, steps = self.below(np.sort(x)), np.arange(n + 1) / n
        values = (
            x.mean(),
            x.std(ddof=1) if n > 1 else None,
            z[-1],
            g,
            x[-1] - g,
            x[-1],
            max((below - steps[:-1]).max(), (steps[1:] - below).max()),
            LINE / math.sqrt(n),
        )
        return {key: value if value is None else float(value) for key, value in zip(keys, values, strict=True)}

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: p(x) is a density, and the sample is one of it."""
        n = numbers
        rules = {
            "p(x) integrates to one": abs(n["area"] - 1) < 1e-6,
            "p(x) is positive": n["density"] > 0,
            "p(x) has at least one hill": n["hills"] >= 1,
        }
        if n["count"]:
            rules |= {
                "x = g(z) + noise": abs(n["last_g"] + n["last_noise"] - n["last_x"]) < 1e-9,
                "the sample is as near to p(x) as a sample of p(x) is": 0 < n["distance"] < n["line"],
            }
        return [rule for rule, holds in rules.items() if not holds]

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        near = (
            f"{_samples(self.count)} {'lies' if self.count == 1 else 'lie'} within {n['distance']:.3f} of it"
            if self.count
            else "nothing is sampled yet"
        )
        hills = "one hill" if n["hills"] == 1 else f"{n['hills']} hills"
        return (
            "A bent curve carries z to x. The prior of z, below, has one hill; the marginal p(x), beside it, has "
            f"{hills}; {near}. At z = {self.z:.2f} the curve is at x = {n['g']:.2f}, "
            f"where p(x) = {n['density']:.3f}."
        )

    def picture(self) -> Figure:
        """Plane, prior and marginal: the live figure's picture of the same state."""
        figure = Figure(figsize=(7.2, 4.9), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=[2.3, 1], height_ratios=[2.6, 1])
        plane, side, low = (figure.add_subplot(grid[spot]) for spot in ((0, 0), (0, 1), (1, 0)))
        figure.suptitle(
            "z from the prior, through g, plus noise: x piles up under p(x)", x=0.02, ha="left", weight="bold"
        )
        x, z = self.samples()
        _plane(plane, self, x, z)
        _side(side, self, x)
        _prior(low, self, z)
        for axes in (plane, side, low):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9, colors=colour("muted"))
        return figure


def _samples(count):
    """How many, in words."""
    return "1 sample" if count == 1 else f"{count:,} samples"


def _plane(axes, figure, x, z):
    at = np.linspace(-4, 4, 401)
    g = NETWORK(at[:, None])[:, 0]
    here = NETWORK(np.array([[figure.z]]))[0, 0]
    axes.fill_between(at, g - figure.std_noise, g + figure.std_noise, color=colour("model"), alpha=0.14, lw=0)
    axes.plot(at, g, color=colour("model"), lw=1.8, label="generator g(z) ± s")
    axes.plot(z[-SHOWN:], x[-SHOWN:], ".", ms=3.5, color=colour("data"), alpha=0.5, label="samples (z, x)")
    axes.plot([figure.z, 4], [here, here], ":", color=colour("muted"), lw=1)
    axes.plot(figure.z, here, "o", ms=8, color=colour("model"))
    lines = [*zip(at, g, strict=True), *((v, here) for v in at if v > figure.z)]
    newest = [(z[-1, 0], x[-1, 0])] if len(x) else []
    for mark in newest:
        axes.plot(*mark, "D", ms=8, color=colour("data"), mec=colour("ground"))
        _named(axes, "newest", mark, [(figure.z, here), *lines], "data")
    _named(axes, "your z", (figure.z, here), [*newest, *lines], "model")
    axes.set(xlim=(-4, 4), ylim=X, ylabel="x")
    axes.tick_params(labelbottom=False)
    axes.legend(fontsize=9, frameon=False, loc="lower right")


def _named(axes, words, point, others, quantity):
    """A name beside a mark, on that side of it where the other marks and the curve are farthest away."""
    others = np.array(others)

    def room(side):
        middle = np.array(point) + np.array(side) * BESIDE
        inside = (abs(middle) < (3.4, 3.7)).all()
        return inside, (((others - middle) / BESIDE) ** 2).sum(axis=1).min()

    across, up = max(product((-1, 1), (1, -1)), key=room)
    axes.annotate(
        words,
        point,
        (9 * across, 7 * up),
        textcoords="offset points",
        ha="right" if across < 0 else "left",
        va="bottom" if up > 0 else "top",
        fontsize=9,
        weight="bold",
        color=colour(quantity),
        bbox={"fc": colour("ground"), "ec": "none", "pad": 0.8, "alpha": 0.8},
    )


def _side(axes, figure, x):
    at = np.linspace(*X, 401)
    if len(x):
        axes.hist(
            x[:, 0],
            np.arange(X[0], X[1] + BIN, BIN),
            weights=np.full(len(x), 1 / (len(x) * BIN)),
            orientation="horizontal",
            color=colour("data"),
            alpha=0.35,
            label=_samples(len(x)),
        )
    axes.plot(
        np.exp(figure.model.evidence(at[:, None], LATENT)), at, color=colour("evidence"), lw=2, label="p(x), exact"
    )
    axes.set(ylim=X, xlim=(0, None), xlabel="density")
    axes.tick_params(labelleft=False)
    axes.legend(fontsize=9, frameon=False, loc="lower right")


def _prior(axes, figure, z):
    at = np.linspace(-4, 4, 401)
    if len(z):
        axes.hist(
            z[:, 0],
            np.arange(-4, 4 + BIN, BIN),
            weights=np.full(len(z), 1 / (len(z) * BIN)),
            color=colour("prior"),
            alpha=0.35,
        )
    axes.plot(at, np.exp(log_normal(at, 0.0, 1.0)), "--", color=colour("prior"), lw=1.6, label="prior p(z)")
    axes.plot(figure.z, 0, "o", ms=8, color=colour("model"), clip_on=False, zorder=5)
    axes.set(xlim=(-4, 4), ylim=(0, None), xlabel="z", ylabel="density")
    axes.legend(fontsize=9, frameon=False, loc="upper right")
