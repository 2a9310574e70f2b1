"""Live figure 6: the true posterior of a two-dimensional VAE on a grid, against the encoder's ellipse."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike
from torch import nn

from .. import data
from .._checks import describe, real_array
from ..plots.palette import colour
from ..quadrature import line, log_integral, moments, product
from ..refine import elbo_and_slopes, refine
from ..shipped import shipped_vae
from ..vae import VAE
from .base import FigureError, LiveFigure
from .drawing import PIXELS, SIDE, read_image, written
from .network import pack_all, planar_vae, unpack
from .state import found, text, whole

__all__ = ["TruePosteriorFigure"]

STEPS = 30  # refinement steps that a reader may take
LAST = 200  # steps after which the search for the best Gaussian ends at the latest
LEAST = 1e-7  # nats, the smallest rise that counts as one
NEAR = 18.0  # nats below the peak that the grid still holds: beyond, there is about 1e-8 of the mass
WIDE = 5.5  # standard deviations of the encoder's q that the grid holds on either side
SPACING = 0.4  # of the grid, in standard deviations of the posterior, where MOST points allow it
LEAST_POINTS = 33  # along an axis
MOST = 6400  # points of a grid that a page can decode in about a second
MOST_DRAWN = 20_000  # of one for a drawn image, for which a reader waits
FAR_DRAWN = 9.0  # where its search begins: an image unlike any digit may be explained far out
HALF = 0.5  # posterior standard deviations: a wider spacing is called coarse
COARSE = 0.05  # nats by which log p(x) must not move when the spacing doubles
FLOOR = 1e-3  # spacings: what counts as the posterior's standard deviation where one point holds all


COARSE_WORDS = (
    " The grid is coarse: its {points} points stand {spacing:.2g} posterior standard deviations apart, so these "
    "numbers are those of the grid, not of the integrals."
)


class TruePosteriorFigure(LiveFigure):
    """p(z | x) of a VAE by quadrature with its decoder, the encoder's q, and what refining q for this one x gains.

    vae: a VAE with two latent dimensions, 784 binary pixels, a Bernoulli likelihood, layers that a page can run; None:
        the small one that comes with the library.
    images: black and white images (k, 784) or (k, 28, 28), k <= 20, between which the reader chooses; None: the first
        stored test image of each class. names: what each is called. data: "digits" or "clothing": whose test images.
    precision: of the weights in the page, "mixed", "int8" or "float16", as lvm_lib.figures.network explains.
    Each image gets its grid when the figure is made: it holds all within 18 nats of the posterior's peak and 5.5
    standard deviations of q, its spacing is at most 0.4 posterior standard deviations; how much log p(x) moves when
    every second point is left out is among the numbers. Where that takes more than 6,400 points, the spacing grows
    until 6,400 do; beyond half a posterior standard deviation the grid is `coarse`, and the figure says so. An image
    that a reader draws gets its grid in the page by the same search, with at most 20,000 points; FigureError where
    they are too few.

    Traits (set from Python, or by the reader): digit (which image), drawn (a black and white image that stands in its
    place, as text, see `drawing`; "" where the given one stands), step (refinement steps, 0 to 30: natural-gradient
    steps on the ELBO over that grid, which start at the encoder's q and are taken only if the ELBO rises).
    Read back, in nats: evidence, amortised, refined, best (of two searches for the best q of the family).
    """

    name = "posterior"
    heights = (1140, 815)
    carried = ("nets", "weights", "pixels", "labels", "grids")

    nets = traitlets.Dict(help="layers of encoder and decoder").tag(sync=True)
    weights = traitlets.Bytes(help="their rounded weights").tag(sync=True)
    pixels = traitlets.Bytes(help="the images, 98 bytes each").tag(sync=True)
    labels: traitlets.List[str] = traitlets.List(help="what the images are called").tag(sync=True)
    grids: traitlets.List[list] = traitlets.List(
        help="for each image low, high and number of points along both axes"
    ).tag(sync=True)

    digit = whole(0, 0, lambda figure: len(figure.grids) - 1, link="d", help="which image")
    drawn = text("", read=lambda figure, value: figure._resolved(value), link="x", help="a drawn image in its place")
    step = whole(0, 0, STEPS, link="k", home=0, leap=5, help="refinement steps")
    evidence = found("log p(x), nats")
    amortised = found("ELBO of the encoder's q, nats")
    refined = found("ELBO after the steps, nats")
    best = found("the largest ELBO found, nats")

    def __init__(
        self,
        vae: VAE | None = None,
        images: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        *,
        data: str = "digits",
        precision: str = "mixed",
        **traits: object,
    ):
        self._known_traits(traits, "vae", "images", "names", "data", "precision")
        if not set(self.carried) <= set(traits):
            traits = {**_carried(shipped_vae() if vae is None else vae, images, names, data, precision), **traits}
        super().__init__(**traits)

    @property
    def q(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q after the steps, each (2,)."""
        mean, log_std, _ = self._path[min(self.step, len(self._path) - 1)]
        return mean, np.exp(log_std)

    @property
    def drawing(self) -> np.ndarray:
        """The black and white image whose posterior is shown, (28, 28), of 0 and 1; set, it is drawn."""
        return self._posterior.x.reshape(SIDE, SIDE)

    @drawing.setter
    def drawing(self, image: ArrayLike) -> None:
        self.drawn = written(image)

    @property
    def _posterior(self):
        if self.drawn:
            return _posterior_of_drawn(json.dumps(self.nets), self.weights, self.drawn)
        return _posterior(json.dumps(self.nets), self.weights, self.pixels, json.dumps(self.grids), self.digit)

    @property
    def _path(self):
        return self._posterior.path

    def numbers(self) -> dict:
        """All numbers of the current state: the Python twin of `numbers` in js/engine/posterior.js."""
        p, (mean, std) = self._posterior, self.q
        taken = min(self.step, len(p.path) - 1)
        refined, before = p.path[taken].elbo, p.path[max(taken - 1, 0)].elbo
        found = {
            "evidence": p.evidence,
            "amortised": p.path[0].elbo,
            "before": before,
            "refined": refined,
            "best": p.best,
            "kl": p.kl(mean, np.log(std)),
            "mean1": mean[0],
            "mean2": mean[1],
            "std1": std[0],
            "std2": std[1],
            "posterior_mean1": p.mean[0],
            "posterior_mean2": p.mean[1],
            "posterior_std1": p.std[0],
            "posterior_std2": p.std[1],
            "spacing": p.spacing,
            "halving": p.halving,
        }
        return {
            "digit": self.digit,
            "drawn": self.drawn,
            "step": self.step,
            "taken": taken,
            "points": len(p.grid),
            "coarse": p.coarse,
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state: the chain of bounds, the gap as a KL, steps that never fall, a fine grid."""
        n = numbers
        rules = {
            "log p(x) >= best ELBO found": n["evidence"] >= n["best"] - 1e-9,
            "best ELBO found >= refined ELBO": n["best"] >= n["refined"] - 1e-9,
            "refined ELBO >= amortised ELBO": n["refined"] >= n["amortised"] - 1e-12,
            "no step lowers the ELBO": n["refined"] >= n["before"] - 1e-12,
            "refined ELBO + KL = log p(x)": abs(n["refined"] + n["kl"] - n["evidence"])
            < 1e-6 + 1e-12 * abs(n["refined"]),
            "the grid's spacing is at most half the posterior's standard deviation, or it is called coarse": n["coarse"]
            or n["spacing"] <= HALF,
            "a grid of twice the spacing finds the same log p(x), or it is called coarse": n["coarse"]
            or abs(n["halving"]) < COARSE,
            "no more steps were taken than asked for": n["taken"] <= n["step"],
        }
        return [rule for rule, holds in rules.items() if not holds]

    def _resolved(self, drawn):
        """`drawn`, "" or an image as text; raises FigureError if no grid resolves its posterior."""
        if drawn:
            _posterior_of_drawn(json.dumps(self.nets), self.weights, drawn)
        return drawn

    # ---- static

    @property
    def _called(self) -> str:
        return "a drawn image" if self.drawn else f"a {self.labels[self.digit]}"

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"The true posterior of z for {self._called}, as contours, and q as an ellipse after "
            f"{n['taken']} refinement steps. log p(x) = {n['evidence']:.2f} nats, the ELBO of the encoder's q is "
            f"{n['amortised']:.2f}, that of the refined q {n['refined']:.2f}, the best found {n['best']:.2f}."
            + COARSE_WORDS.format(**n)
            * n["coarse"]
        )

    def picture(self) -> Figure:
        """Contours and ellipses on the left, the image on the right, the chain of bounds below."""
        n, p = self.numbers(), self._posterior
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        parts = figure.subplot_mosaic([["plane", "x"], ["bar", "bar"]], height_ratios=[5, 1.2], width_ratios=[2.2, 1])
        title = "The encoder's ellipse, the true posterior, and what refining gains"
        figure.suptitle(title, x=0.02, ha="left", weight="bold")
        _plane(parts["plane"], p, self.q)
        parts["x"].imshow(self.drawing, cmap="gray")
        parts["x"].set_title(f"x: {self._called}", fontsize=10, loc="left")
        parts["x"].set_axis_off()
        _bar(parts["bar"], n)
        return figure


# ---------------------------------------------------------------- what a figure carries


def _carried(vae, images, names, name, precision) -> dict:
    """The traits that do not change: nets, weights, images, names, grids."""
    planar_vae(vae)
    if images is None:
        stored = data.load(name)
        chosen = [int(np.flatnonzero(stored.test_labels == label)[0]) for label in range(len(stored.names))]
        images, names = data.binarised(name)[chosen], stored.names
    pixels = real_array("images", images).reshape(len(images), -1)
    if pixels.shape[1] != PIXELS or not np.isin(pixels, (0, 1)).all() or not 1 <= len(pixels) <= 20:
        raise ValueError(f"images must be 1 to 20 images of {PIXELS} pixels 0 or 1, got {describe(np.asarray(images))}")
    names = [str(i + 1) for i in range(len(pixels))] if names is None else [str(name) for name in names]
    if len(names) != len(pixels):
        raise ValueError(f"names must name each of the {len(pixels)} images, got {len(names)}")
    nets, weights = pack_all({"encoder": vae.encoder, "decoder": vae.decoder}, precision)
    encoder, decoder = _modules(json.dumps(nets), weights)
    grids = [_within(MOST, *_box(*_setting(encoder, decoder, x))) for x in pixels]
    return {
        "nets": nets,
        "weights": weights,
        "pixels": np.packbits(pixels.astype(np.uint8), axis=1).tobytes(),
        "labels": names,
        "grids": grids,
    }


@lru_cache(maxsize=8)
def _modules(nets: str, weights: bytes) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder with the rounded weights, in float64."""
    layers = json.loads(nets)
    return unpack(layers["encoder"], weights).double(), unpack(layers["decoder"], weights).double()


@torch.no_grad()
def _setting(
    encoder: nn.Module, decoder: nn.Module, x: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray, np.ndarray]:
    """log p(x, z) as a function of z (m, 2), and the encoder's q: mean and log std, each (2,)."""
    image = torch.tensor(x, dtype=torch.float64)
    mean, log_std = encoder(image[None])[0].chunk(2)

    @torch.no_grad()
    def log_joint(z):
        logits = decoder(torch.tensor(z))
        inside = logits @ image - torch.nn.functional.softplus(logits, threshold=40).sum(1)
        return inside.numpy() - 0.5 * (z**2).sum(1) - math.log(2 * math.pi)

    return log_joint, mean.numpy(), log_std.numpy()


def _box(log_joint, mean, log_std, far=6.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low and high ends of a grid that holds the posterior and q, and the posterior's std, each (2,).

    The twin of `gridOf` in js/engine/posterior.js. The search begins at +-far.
    """
    low, high = np.full(2, -far), np.full(2, far)
    for look in (97, *[33] * 20):
        grid = product(*(line(a, b, look) for a, b in zip(low, high)))
        values = log_joint(grid.points)
        near = grid.points[values > values.max() - NEAR]
        step = (high - low) / (look - 1)
        before, low, high = high - low, near.min(0) - step, near.max(0) + step
        if (high - low > 0.8 * before).all():
            break
    _, covariance = moments(values, grid)
    std = np.maximum(np.sqrt(np.diagonal(covariance)), FLOOR * step)
    return np.minimum(low, mean - WIDE * np.exp(log_std)), np.maximum(high, mean + WIDE * np.exp(log_std)), std


def _points(low, high, std, spacing) -> list[int]:
    """How many points along each axis, an odd number, that stand at most `spacing` standard deviations apart."""
    return [max(2 * math.ceil(wide / (spacing * s) / 2) + 1, LEAST_POINTS) for wide, s in zip(high - low, std)]


def _within(most, low, high, std) -> list[float]:
    """[low1, high1, points1, low2, high2, points2] at the spacing wanted, or at the widest that `most` points allow."""
    spacing, points = SPACING, _points(low, high, std, SPACING)
    while points[0] * points[1] > most:
        spacing *= max(1.02, math.sqrt(points[0] * points[1] / most))
        points = _points(low, high, std, spacing)
    return [float(low[0]), float(high[0]), points[0], float(low[1]), float(high[1]), points[1]]


# ---------------------------------------------------------------- posterior and refinement on one grid


class _OnGrid:
    """log p(x, z) on the grid of one image, and the Gaussian q that is refined there."""

    def __init__(self, log_joint, mean, log_std, box, x):
        self.box = box
        self.lines = line(box[0], box[1], box[2]), line(box[3], box[4], box[5])
        self.grid, self.x = product(*self.lines), x
        self.log_joint = log_joint(self.grid.points)
        self.evidence = float(log_integral(self.log_joint, self.grid))
        self.mean, covariance = moments(self.log_joint, self.grid)
        steps = [own.points[1, 0] - own.points[0, 0] for own in self.lines]
        self.std = np.maximum(np.sqrt(np.diagonal(covariance)), FLOOR * np.array(steps))
        self.spacing = max(step / std for step, std in zip(steps, self.std))
        half = product(*(line(own.points[0, 0], own.points[-1, 0], (len(own) + 1) // 2) for own in self.lines))
        every = self.log_joint.reshape(box[2], box[5])[::2, ::2].ravel()
        self.halving = float(log_integral(every, half)) - self.evidence
        self.coarse = bool(self.spacing > HALF or not abs(self.halving) < COARSE)
        self.path = self._climb(mean, np.exp(log_std))
        self.best = max(self.path[-1].elbo, self._climb(self.mean, self.std)[-1].elbo)

    def _climb(self, mean, std):
        return refine(self.log_joint, self.grid, mean, std, least=LEAST, steps=LAST)

    def kl(self, mean, log_std) -> float:
        """KL(q || p(z | x)) on the grid."""
        return -elbo_and_slopes(self.log_joint - self.evidence, self.grid, mean, log_std)[0]


@lru_cache(maxsize=32)
def _posterior(nets, weights, images, grids, digit) -> _OnGrid:
    x = np.unpackbits(np.frombuffer(images, np.uint8).reshape(-1, PIXELS // 8)[digit]).astype(float)
    return _OnGrid(*_setting(*_modules(nets, weights), x), json.loads(grids)[digit], x)


@lru_cache(maxsize=32)
def _posterior_of_drawn(nets, weights, text) -> _OnGrid:
    """The posterior of an image that comes as text, on a grid that is found for it; FigureError where there is none."""
    x = read_image(text, "drawn").astype(float)
    setting = _setting(*_modules(nets, weights), x)
    box = _box(*setting, FAR_DRAWN)
    needed = math.prod(_points(*box, SPACING))
    if needed > MOST_DRAWN:
        raise FigureError(
            f"drawn must be an image whose posterior a page can resolve: {MOST_DRAWN} points, this needs {needed}"
        )
    found = _OnGrid(*setting, _within(MOST_DRAWN, *box), x)
    if found.coarse:
        raise FigureError(
            f"drawn must be an image whose posterior a page can resolve: with twice the spacing log p(x) moves by "
            f"{abs(found.halving):.3f} nats"
        )
    return found


# ---------------------------------------------------------------- the picture


def _plane(axes, p, q):
    z1, z2 = (own.points[:, 0] for own in p.lines)
    drop = (p.log_joint - p.log_joint.max()).reshape(len(z1), len(z2)).T
    axes.contour(
        z1,
        z2,
        drop,
        levels=[-8, -4.5, -2, -0.5],
        colors=colour("posterior"),
        linestyles="solid",
        linewidths=[0.7, 1.1, 1.5, 2],
    )
    for (mean, std), style, name in (
        ((p.path[0].mean, np.exp(p.path[0].log_std)), "--", "encoder's q"),
        (q, "-", "refined q"),
    ):
        for k in (1, 2):
            axes.add_patch(
                Ellipse(
                    mean,
                    2 * k * std[0],
                    2 * k * std[1],
                    fill=False,
                    ec=colour("q"),
                    ls=style,
                    lw=2 if k == 1 else 1,
                    label=name if k == 1 else None,
                )
            )
    axes.plot([], [], color=colour("posterior"), label="p(z | x)")
    axes.set(xlim=(z1[0], z1[-1]), ylim=(z2[0], z2[-1]), xlabel="z₁", ylabel="z₂")
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.98), borderaxespad=0)


def _bar(axes, n):
    parts = (
        ("won by refining", n["amortised"], n["refined"], "elbo", None),
        ("amortisation left", n["refined"], n["best"], "q", "////"),
        ("approximation", n["best"], n["evidence"], "gap", "xxxx"),
    )
    for name, low, high, quantity, hatch in parts:
        axes.barh(
            0,
            high - low,
            left=low,
            height=0.7,
            fc="white" if hatch else colour(quantity),
            ec=colour(quantity),
            hatch=hatch,
            label=f"{name} {high - low:.2f}",
        )
    axes.axvline(n["evidence"], color=colour("evidence"), lw=2.5)
    axes.set(yticks=[], ylim=(-0.6, 0.6), xlabel="nats; the axis begins at the encoder's ELBO")
    title = f"log p(x) = {n['evidence']:.2f}, encoder's ELBO {n['amortised']:.2f} nats".replace("-", "−")
    axes.set_title(title, fontsize=10, loc="left")
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.6))
    axes.spines[["top", "right", "left"]].set_visible(False)
