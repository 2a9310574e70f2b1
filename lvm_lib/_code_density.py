"""A Gaussian mixture fitted to codes by a few lines of EM: the density that a model's codes are sampled from.

An autoencoder has no prior, so a density for its codes has to be fitted afterwards; and a fair comparison fits the
same to a VAE's. Each step is exact (responsibilities, then weighted moments), so the average log density never falls;
clipping a covariance's eigenvalues from below is the exact maximum under that constraint.
"""

from __future__ import annotations

import numpy as np

from ._checks import count, real_array
from .mixture import GaussianMixture

__all__ = ["fit_mixture"]

FLOOR = 1e-4  # no component is narrower, as a share of the codes' average variance


def fit_mixture(codes, k: int, seed: int, *, steps: int = 100) -> GaussianMixture:
    """The mixture of k full-covariance Gaussians after `steps` steps of EM on codes (n, q), n > k.

    Starts at k codes drawn far apart (each with probability proportional to its squared distance to those before, as
    in k-means++) with spherical components. Raises TypeError or ValueError where an argument does not fit.
    """
    codes, k, steps = real_array("codes", codes, 2), count("k", k), count("steps", steps)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below
        variance = codes.var(axis=0)
    if len(codes) <= k or not ((np.ptp(codes, axis=0) > 0) & (variance > 0) & np.isfinite(variance)).all():
        raise ValueError(f"codes must be more than k = {k} points that vary in every dimension, with variances within "
                         f"float64, got shape {codes.shape}")
    rng, variance = np.random.default_rng(count("seed", seed, 0)), variance.mean()
    covariances = np.broadcast_to(variance / k * np.eye(codes.shape[1]), (k, *[codes.shape[1]] * 2))
    model = GaussianMixture(np.full(k, 1 / k), _spread_out(codes, k, rng), covariances)
    for _ in range(steps):
        model = _step(model, codes, FLOOR * variance)
    return model


def _spread_out(codes, k, rng):
    """k of the codes, far apart: (k, q)."""
    chosen = [codes[rng.integers(len(codes))]]
    for _ in range(k - 1):
        distance = np.min([((codes - centre) ** 2).sum(axis=1) for centre in chosen], axis=0)
        if not distance.sum() > 0:
            raise ValueError(f"codes must hold at least k = {k} distinct points, got {len(chosen)}")
        chosen.append(codes[rng.choice(len(codes), p=distance / distance.sum())])
    return np.array(chosen)


def _step(model, codes, floor):
    """E: r_nk = p(k | x_n).  M: weights, means and covariances are the moments of the codes, weighted by r."""
    share = model.posterior(codes)                                        # (n, k)
    mass = share.sum(axis=0) + 1e-12                                      # (k,); a dead component keeps its place
    means = (share.T @ codes + 1e-12 * model.means) / mass[:, None]
    covariances = []
    for r, mean, total in zip(share.T, means, mass):
        centred = codes - mean
        values, axes = np.linalg.eigh((r[:, None] * centred).T @ centred / total)
        covariances.append((axes * np.maximum(values, floor)) @ axes.T)
    return GaussianMixture(mass / mass.sum(), means, covariances)
