"""Integrals over a plane of codes, for decoders of black and white pixels: evidence, posterior and gaps by quadrature.

With two latents no bound is needed: a grid over z does the integral, whoever trained the decoder and whatever density
the codes have. `evidence` integrates for many images at once, a block of grid points at a time; `gaps` looks at the
posterior of one image on a grid of its own, and finds the best diagonal Gaussian there.

Axes: images x (n, D) of 0 and 1, codes z (m, 2), results (n,). Units: nats per image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from ._checks import count, describe
from ._torch import TensorLike, real_tensor
from .autoencoder import weight
from .densities import LOG_2PI
from .likelihoods import Bernoulli
from .quadrature import Grid, line, log_integral, moments, plane, product
from .refine import Refined, elbo_and_slopes, refine
from .vae import VAE

__all__ = ["Density", "Gaps", "PlaneEvidence", "evidence", "gaps", "log_px_at"]

BLOCK = 8000  # grid points that are decoded at once
NEAR = 20.0  # nats below the posterior's peak that a grid of its own still holds
WIDE = 5.0  # standard deviations of q that it holds on either side
SPACING = 0.4  # of its points, in standard deviations of the posterior
LEAST, MOST = 33, 257  # points along an axis
LOOKS = 20  # grids of the search for the posterior's mass
TINY = 1e-290  # a share of a block's integral below which its terms may have run below the least number


class Density(Protocol):
    """A density of codes: `evidence(z)` gives its logarithm at points (m, 2), as a GaussianMixture does."""

    def evidence(self, x: ArrayLike) -> np.ndarray:
        """Log density, (m,)."""


class PlaneEvidence(NamedTuple):
    """log P(x) under one density of codes, and what it is when every second grid line is left out; (n,) each."""

    value: np.ndarray
    halved: np.ndarray


def log_px_at(decoder: nn.Module, z: TensorLike, x: TensorLike) -> torch.Tensor:
    """log P(x | z) of every image at every code, (n, m), in float64: decoder(z) are logits of independent pixels.

    Raises TypeError or ValueError where decoder, z or x cannot be right.
    """
    decoder, x = _decoder(decoder), _images(x, decoder)
    return _log_px(decoder, real_tensor("z", z, 2, like=x), x)


def evidence(
    decoder: nn.Module, x: TensorLike, densities: Mapping[str, Density], *, low: ArrayLike, high: ArrayLike, side: int
) -> dict[str, PlaneEvidence]:
    """log P(x) = log of the integral of P(x | z) rho(z) dz for each density rho of codes, by a trapezoid rule.

    low, high: the plane's corners, a number for both axes or one per axis.  side: grid lines along each axis, odd.
    Nothing is kept of a block of points but its share of the integrals. [vae-code-evidence]
    Raises TypeError or ValueError where an argument cannot be right.
    """
    decoder, x = _decoder(decoder), _images(x, decoder)
    if not isinstance(densities, Mapping) or not densities:
        raise TypeError(f"densities must be a mapping from names to densities, got {describe(densities)}")
    side = count("side", side, 3)
    if side % 2 == 0:
        raise ValueError(f"side must be odd, so that every second grid line can be left out, got {side}")
    grid = plane(low, high, side)
    coarse = plane(low, high, side // 2 + 1)
    log_rho = np.stack([rho.evidence(grid.points) for rho in densities.values()])  # (k, m)
    kept = np.zeros((side, side), dtype=bool)
    kept[::2, ::2] = True
    few = np.full(len(grid), -np.inf)
    few[kept.ravel()] = coarse.log_weights
    weights = torch.tensor(np.concatenate([log_rho + grid.log_weights, log_rho + few]))  # (2 k, m)
    total = torch.full((len(x), len(weights)), -math.inf, dtype=torch.float64)
    codes = torch.tensor(grid.points, dtype=x.dtype)
    blocks, small = list(zip(codes.split(BLOCK), weights.split(BLOCK, 1), strict=True)), []
    for block, (points, log_w) in enumerate(blocks):
        log_px = _log_px(decoder, points, x)  # (n, block)
        most = log_px.max(1, keepdim=True).values
        top = log_w.max(1, keepdim=True).values.clamp(min=-1e300)  # a density may be 0 in all of a block
        share = (log_px - most).exp() @ (log_w - top).exp().T  # (n, 2 k): a sum over the block's points
        if (share < TINY).any():  # where one factor peaks the other is next to nothing
            small.append((block, torch.where(share < TINY, most + top.T + math.log(BLOCK), -math.inf)))
            share = torch.where(share < TINY, 0.0, share)
        total = torch.logaddexp(total, share.log() + most + top.T)
    for block, bound in small:
        if (bound > total - 40).any():  # it may matter: term by term
            points, log_w = blocks[block]
            log_px = _log_px(decoder, points, x)
            exact = torch.stack([(log_px + row).logsumexp(1) for row in log_w], dim=1)  # (n, 2 k)
            total = torch.logaddexp(total, torch.where(bound > -math.inf, exact, -math.inf))
    fine, halved = total.numpy().T.reshape(2, len(densities), len(x))
    return {name: PlaneEvidence(fine[k], halved[k]) for k, name in enumerate(densities)}


class Gaps(NamedTuple):
    """The true posterior of one image, and both gaps of the encoder's q.

    grid, log_joint: the posterior's grid, and log p(x, z) there.  evidence: log p(x).  amortised, best: the encoder's q
    and the best diagonal Gaussian that was found, each with its mean, log std and ELBO.  turned: the ELBO of the best
    Gaussian that is diagonal in the posterior's own axes.
    """

    grid: Grid
    log_joint: np.ndarray
    evidence: float
    amortised: Refined
    best: Refined
    turned: float

    @property
    def approximation(self) -> float:
        """log p(x) - ELBO(q*), nats: the price of the family."""
        return self.evidence - self.best.elbo

    @property
    def amortisation(self) -> float:
        """ELBO(q*) - ELBO(q), nats: the price of the network."""
        return self.best.elbo - self.amortised.elbo


def gaps(vae: VAE, x: TensorLike) -> Gaps:
    """Posterior and gaps of one image x (1, D) under a VAE of two latents and black and white pixels.

    q* is the best of three climbs: from the encoder's q, from the posterior's moments, and from its peak. From one
    start alone a local optimum would make the approximation gap look too large. [vae-two-gaps]
    Raises TypeError or ValueError where vae or x cannot be right.
    """
    if not isinstance(vae, VAE) or vae.latents != 2 or not isinstance(vae.likelihood, Bernoulli):
        raise TypeError(f"vae must be a VAE of two latents and black and white pixels, got {describe(vae)}")
    image = _images(x, vae.decoder)
    if len(image) != 1:
        raise ValueError(f"x must hold one image, shape (1, D), got {tuple(image.shape)}")
    with torch.no_grad():
        q = vae.q(image)
    mean, std = q.mean[0].double().numpy(), q.stddev[0].double().numpy()

    def joint(grid: Grid) -> np.ndarray:
        log_px = _log_px(vae.decoder, torch.tensor(grid.points, dtype=image.dtype), image)[0].numpy()
        return log_px - 0.5 * (grid.points**2).sum(1) - LOG_2PI

    grid = _own_grid(joint, mean, std)
    log_joint = joint(grid)
    centre, covariance = moments(log_joint, grid)
    wide = np.sqrt(np.diagonal(covariance))
    starts = ((mean, std), (centre, wide), (grid.points[log_joint.argmax()], wide / 2))
    climbs = [refine(log_joint, grid, *start)[-1] for start in starts]
    amortised = Refined(mean, np.log(std), elbo_and_slopes(log_joint, grid, mean, np.log(std))[0])
    values, axes = np.linalg.eigh(covariance)
    turned = Grid(grid.points @ axes, grid.log_weights)
    own = refine(log_joint, turned, centre @ axes, np.sqrt(values))[-1].elbo
    best = max(climbs, key=lambda climb: climb.elbo)
    log_p = float(log_integral(log_joint, grid))
    return Gaps(grid, log_joint, log_p, amortised, best, max(own, best.elbo))


def _own_grid(joint: Callable[[Grid], np.ndarray], mean: np.ndarray, std: np.ndarray) -> Grid:
    """A grid that holds the posterior's mass and q, its spacing at most SPACING of the posterior's std if MOST allows.

    The search begins at +-6 and narrows until the mass fills its box.
    """
    low, high = np.full(2, -6.0), np.full(2, 6.0)
    for look in (97, *[LEAST] * LOOKS):
        grid = product(*(line(a, b, look) for a, b in zip(low, high, strict=True)))
        values = joint(grid)
        near = grid.points[values > values.max() - NEAR]
        step, before = (high - low) / (look - 1), high - low
        low, high = near.min(0) - step, near.max(0) + step
        if (high - low > 0.8 * before).all():
            break
    spread = np.maximum(np.sqrt(np.diagonal(moments(values, grid)[1])), step / 10)
    low, high = np.minimum(low, mean - WIDE * std), np.maximum(high, mean + WIDE * std)
    points = [min(MOST, max(LEAST, 1 + math.ceil(width))) for width in (high - low) / (SPACING * spread)]
    return product(*(line(a, b, m) for a, b, m in zip(low, high, points, strict=True)))


@torch.no_grad()
def _log_px(decoder: nn.Module, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log P(x | z), (n, m), float64."""
    blocks = []
    for part in z.split(BLOCK):
        logits = decoder(part)
        blocks.append((x @ logits.T).double() - nn.functional.softplus(logits).sum(1).double())
    return torch.cat(blocks, dim=1)


def _decoder(decoder: nn.Module) -> nn.Module:
    if not isinstance(decoder, nn.Module):
        raise TypeError(f"decoder must be a torch module, got {describe(decoder)}")
    return decoder


def _images(x: TensorLike, decoder: nn.Module) -> torch.Tensor:
    """Images of 0 and 1, (n, D), in the decoder's dtype."""
    images = real_tensor("x", x, 2, like=weight(decoder))
    Bernoulli().check(images)
    return images
