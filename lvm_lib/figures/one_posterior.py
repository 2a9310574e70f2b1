"""The true posterior of one image on a grid, and the search for the best Gaussian there: what two figures share.

`OnePosteriorFigure` carries what `packed` makes: a VAE, images, a grid for each. `posterior_of` is the posterior of one
of its images, `posterior_of_drawn` that of one that a reader drew. js/engine/posterior.js finds the same in the page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike
from torch import nn

from .. import data
from .._checks import describe, real_array
from ..quadrature import line, log_integral, moments, product
from ..refine import Refined, elbo_and_slopes, refine
from ..shipped import shipped_vae
from ..vae import VAE
from .base import FigureError, LiveFigure
from .drawing import PIXELS, read_image
from .network import pack_all, planar_vae, unpack

__all__ = [
    "COARSE",
    "HALF",
    "MOST_DRAWN",
    "OnGrid",
    "OnePosteriorFigure",
    "contours",
    "decoder_of",
    "ellipse",
    "log_joint_of",
    "packed",
    "posterior_of",
    "posterior_of_drawn",
]

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


# ---------------------------------------------------------------- what a figure carries


def packed(
    vae: VAE | None,
    images: ArrayLike | None,
    names: Sequence[str] | None,
    name: str,
    precision: str,
    classes: Sequence[int] | None = None,
) -> dict:
    """The traits that do not change: nets, weights, images, names, grids.

    Where no images are given, the first test image of each of the classes. Raises TypeError or ValueError.
    """
    vae = planar_vae(shipped_vae() if vae is None else vae)
    if images is None:
        stored = data.load(name)
        shown = range(len(stored.names)) if classes is None else classes
        chosen = [int(np.flatnonzero(stored.test_labels == label)[0]) for label in shown]
        images, names = data.binarised(name)[chosen], [stored.names[label] for label in shown]
    pixels = real_array("images", images)
    pixels = pixels.reshape(len(pixels), -1)
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


class OnePosteriorFigure(LiveFigure):
    """A figure of a planar VAE and some images, each with the grid of its posterior; what it shows is its subclass's.

    vae, images, names, data, precision: as for `packed`. Raises FigureError, TypeError or ValueError where an argument
    cannot be right.
    """

    carried = ("nets", "weights", "pixels", "labels", "grids")
    classes: Sequence[int] | None = None  # whose first test images stand there where none are given; None: of all

    nets = traitlets.Dict(help="layers of encoder and decoder").tag(sync=True)
    weights = traitlets.Bytes(help="their rounded weights").tag(sync=True)
    pixels = traitlets.Bytes(help="the images, 98 bytes each").tag(sync=True)
    labels: traitlets.List[str] = traitlets.List(help="what the images are called").tag(sync=True)
    grids: traitlets.List[list] = traitlets.List(
        help="for each image low, high and number of points along both axes"
    ).tag(sync=True)

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
            traits = {**packed(vae, images, names, data, precision, self.classes), **traits}
        super().__init__(**traits)


@lru_cache(maxsize=8)
def _modules(nets: str, weights: bytes) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder with the rounded weights, in float64."""
    layers = json.loads(nets)
    return unpack(layers["encoder"], weights).double(), unpack(layers["decoder"], weights).double()


def decoder_of(nets: str, weights: bytes) -> nn.Module:
    """The decoder with its rounded weights, in float64.

    Raises ValueError where an argument cannot be right.
    """
    return _modules(nets, weights)[1]


def log_joint_of(nets: str, weights: bytes, x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """log p(x, z) of one image x (784,) as a function of z (m, 2).

    Raises ValueError where an argument cannot be right.
    """
    return _setting(*_modules(nets, weights), x)[0]


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
        grid = product(*(line(a, b, look) for a, b in zip(low, high, strict=True)))
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
    return [
        max(2 * math.ceil(wide / (spacing * s) / 2) + 1, LEAST_POINTS) for wide, s in zip(high - low, std, strict=True)
    ]


def _within(most, low, high, std):
    """[low1, high1, points1, low2, high2, points2] at the spacing wanted, or at the widest that `most` points allow."""
    spacing, points = SPACING, _points(low, high, std, SPACING)
    while points[0] * points[1] > most:
        spacing *= max(1.02, math.sqrt(points[0] * points[1] / most))
        points = _points(low, high, std, spacing)
    return [float(low[0]), float(high[0]), points[0], float(low[1]), float(high[1]), points[1]]


# ---------------------------------------------------------------- posterior and refinement on one grid


class OnGrid:
    """log p(x, z) on the grid of one image, and the Gaussian q that is refined there.

    Raises ValueError where an argument cannot be right.
    """

    def __init__(
        self,
        log_joint: Callable[[np.ndarray], np.ndarray],
        mean: np.ndarray,
        log_std: np.ndarray,
        box: Sequence[int],
        x: np.ndarray,
    ) -> None:
        self.box = box
        self.lines = line(box[0], box[1], box[2]), line(box[3], box[4], box[5])
        self.grid, self.x = product(*self.lines), x
        self.log_joint = log_joint(self.grid.points)
        self.evidence = float(log_integral(self.log_joint, self.grid))
        self.mean, covariance = moments(self.log_joint, self.grid)
        steps = [own.points[1, 0] - own.points[0, 0] for own in self.lines]
        self.std = np.maximum(np.sqrt(np.diagonal(covariance)), FLOOR * np.array(steps))
        self.spacing = max(step / std for step, std in zip(steps, self.std, strict=True))
        half = product(*(line(own.points[0, 0], own.points[-1, 0], (len(own) + 1) // 2) for own in self.lines))
        every = self.log_joint.reshape(box[2], box[5])[::2, ::2].ravel()
        self.halving = float(log_integral(every, half)) - self.evidence
        self.coarse = bool(self.spacing > HALF or not abs(self.halving) < COARSE)
        self.path = self.climb(mean, np.exp(log_std))
        self.ends = [self.path[-1], self.climb(self.mean, self.std)[-1]]
        self.best = max(end.elbo for end in self.ends)

    @cached_property
    def all_ends(self) -> list[Refined]:
        """Where three climbs end: from the encoder's q, from the posterior's moments, and from its peak."""
        peak = self.grid.points[self.log_joint.argmax()]
        return [*self.ends, self.climb(peak, self.std / 2)[-1]]

    def climb(self, mean: np.ndarray, std: np.ndarray) -> list[Refined]:
        """The way from a Gaussian to the top of its hill.

        Raises ValueError where an argument cannot be right.
        """
        return refine(self.log_joint, self.grid, mean, std, least=LEAST, steps=LAST)

    def kl(self, mean: np.ndarray, log_std: np.ndarray) -> float:
        """KL(q || p(z | x)) on the grid.

        Raises ValueError where an argument cannot be right.
        """
        return -elbo_and_slopes(self.log_joint - self.evidence, self.grid, mean, log_std)[0]


@lru_cache(maxsize=32)
def posterior_of(nets: str, weights: bytes, images: bytes, grids: str, digit: int) -> OnGrid:
    """The posterior of image `digit`; nets and grids as JSON.

    Raises ValueError where an argument cannot be right.
    """
    x = np.unpackbits(np.frombuffer(images, np.uint8).reshape(-1, PIXELS // 8)[digit]).astype(float)
    return OnGrid(*_setting(*_modules(nets, weights), x), json.loads(grids)[digit], x)


@lru_cache(maxsize=32)
def posterior_of_drawn(nets: str, weights: bytes, text: str) -> OnGrid:
    """The posterior of an image that comes as text, on a grid that is found for it; FigureError where there is none.

    Raises ValueError where an argument cannot be right.
    """
    x = read_image(text, "drawn").astype(float)
    setting = _setting(*_modules(nets, weights), x)
    box = _box(*setting, FAR_DRAWN)
    needed = math.prod(_points(*box, SPACING))
    if needed > MOST_DRAWN:
        raise FigureError(
            f"drawn must be an image whose posterior a page can resolve: {MOST_DRAWN} points, this needs {needed}"
        )
    found = OnGrid(*setting, _within(MOST_DRAWN, *box), x)
    if found.coarse:
        raise FigureError(
            f"drawn must be an image whose posterior a page can resolve: with twice the spacing log p(x) moves by "
            f"{abs(found.halving):.3f} nats"
        )
    return found


# ---------------------------------------------------------------- parts of a picture


def contours(axes: Axes, p: OnGrid, shade: str) -> None:
    """Contours of the posterior: for a Gaussian they would stand at 1, 2, 3 and 4 standard deviations.

    Raises ValueError where an argument cannot be right.
    """
    z1, z2 = (own.points[:, 0] for own in p.lines)
    axes.contour(
        z1,
        z2,
        (p.log_joint - p.log_joint.max()).reshape(len(z1), len(z2)).T,
        levels=[-8, -4.5, -2, -0.5],
        colors=shade,
        linestyles="solid",
        linewidths=[0.7, 1.1, 1.5, 2],
    )


def ellipse(axes: Axes, mean: ArrayLike, std: ArrayLike, *, shade: str, style: str, name: str) -> None:
    """A Gaussian as two ellipses, at one and two standard deviations."""
    mean, std = np.asarray(mean), np.asarray(std)
    for k in (1, 2):
        axes.add_patch(
            Ellipse(
                tuple(mean),
                *(2 * k * std),
                fill=False,
                ec=shade,
                ls=style,
                lw=2 if k == 1 else 1,
                label=name if k == 1 else None,
            )
        )
