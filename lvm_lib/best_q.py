"""The best Gaussian q for a quadratic curve, point by point, over the whole family: what its ELBO can reach.

The ELBO of a `QuadraticCurve` is a closed form, so a scan over all means and widths is cheap, and no slope can lead to
the lower of two hills. Data x is (n, 1); values are in nats per data point.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from ._best import Best
from .bounds import GaussianQ
from .curve import QuadraticCurve
from .densities import LOG_2PI

__all__ = ["best_gaussian_elbo"]

MEANS, LOG_STDS = np.linspace(-5, 5, 61), np.linspace(-4.0, 0.4, 23)
FINE, ROUNDS = 2e-7, 1000  # where the search ends: its steps, and rounds at the latest


def best_gaussian_elbo(curve: QuadraticCurve, x: ArrayLike) -> tuple[np.ndarray, GaussianQ]:
    """(the highest ELBO of any Gaussian q for each point, (n,); that q). [em-gap-parts]

    First a scan of 61 means by 23 widths, then ever finer looks around the best of them, each accepted only where it
    raises the ELBO. Raises TypeError or ValueError where curve or x cannot be right.
    """
    if not isinstance(curve, QuadraticCurve):
        raise TypeError(f"curve must be a QuadraticCurve, got {_checks.describe(curve)}")
    x = _checks.real_array("x", x, 2)
    if x.shape[1] != 1:
        raise ValueError(f"x must have one column, got shape {x.shape}")
    seen = x[:, 0]
    table = _elbo(curve, seen[:, None, None], MEANS[:, None], LOG_STDS)  # (n, 61, 23)
    row, column = np.unravel_index(table.reshape(len(x), -1).argmax(axis=1), table.shape[1:])
    best = Best(partial(_elbo, curve, seen), MEANS[row], LOG_STDS[column])
    best.search(np.array([MEANS[1] - MEANS[0], LOG_STDS[1] - LOG_STDS[0]]) / 2, FINE, ROUNDS)
    return best.value, GaussianQ(best.mean[:, None], np.exp(2 * best.log_std)[:, None, None])


def _elbo(curve: QuadraticCurve, x: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    """The ELBO of q = N(mean, std^2) by `QuadraticCurve.elbo`'s formula, for arrays that broadcast."""
    v = np.exp(2 * log_std)
    centre = curve.slope * mean + curve.bend * (mean**2 + v) / 2  # E_q g
    spread = (curve.slope + curve.bend * mean) ** 2 * v + (curve.bend * v) ** 2 / 2  # var_q g
    reconstruction = -0.5 * (((x - centre) ** 2 + spread) / curve.std**2 + LOG_2PI) - np.log(curve.std)
    return reconstruction - 0.5 * (mean**2 + v - 1 - 2 * log_std)
