"""MAP-EM: EM with a prior on the covariances of a mixture, the other cure of singularities beside a floor.

    maximise  sum_n log p(x_n; theta) + sum_k log IW(Sigma_k),
    log IW(Sigma) = -(freedom + D + 1)/2 log det Sigma - tr(scale Sigma^-1)/2 + constant     (inverse Wishart)

The E-step is EM's. The M-step adds `scale` to the scatter of each component and `freedom + D + 1` to its count, so that
no covariance can vanish. The sum above never falls; the evidence alone may. Data x is (n, D); units: nats.

Source: Fraley and Raftery, "Bayesian regularization for normal mixture estimation and model-based clustering" (2007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from .densities import cholesky_factor, logsumexp
from .em import _data, start_mixture
from .mixture import GaussianMixture

__all__ = ["MapFit", "fit_map", "log_prior", "m_step_map"]


class MapFit(NamedTuple):
    """model, and trace: evidence + log prior per data point after each E-step, which never falls."""

    model: GaussianMixture
    trace: np.ndarray


def m_step_map(x: ArrayLike, q: ArrayLike, scale: ArrayLike, freedom: float) -> GaussianMixture:
    """The mixture that maximises F(q, .) + log prior: Sigma_k = (n_k S_k + scale) / (n_k + freedom + D + 1). [em-map]

    weights and means as without a prior; S_k the weighted covariance. q: (n, K).  scale: (D, D), symmetric with
    positive eigenvalues.  freedom: > 0. A component without any q gets the data's mean and the prior's mode.
    Raises TypeError or ValueError where an argument does not fit.
    """
    x = _data(x)
    q = _checks.probabilities("q", q)
    if q.ndim != 2 or len(q) != len(x):
        raise ValueError(f"q must have shape (n, K) with n = {len(x)} as in x, got {q.shape}")
    scale, freedom = _prior(scale, freedom, x.shape[1])
    counts = q.sum(axis=0)  # (K,)
    means = np.where(counts[:, None] > 0, q.T @ x / np.maximum(counts, 1e-300)[:, None], x.mean(axis=0))  # (K, D)
    apart = x[:, None] - means  # (n, K, D)
    scatter = np.einsum("nk,nki,nkj->kij", q, apart, apart)  # n_k S_k
    covariances = (scatter + scale) / (counts + freedom + x.shape[1] + 1)[:, None, None]
    return GaussianMixture(counts / len(x), means, covariances)


def log_prior(model: GaussianMixture, scale: ArrayLike, freedom: float) -> float:
    """sum_k log IW(Sigma_k), without its constant.

    Raises TypeError or ValueError where an argument does not fit.
    """
    if not isinstance(model, GaussianMixture):
        raise TypeError(f"model must be a GaussianMixture, got {_checks.describe(model)}")
    dimensions = model.means.shape[1]
    scale, freedom = _prior(scale, freedom, dimensions)
    log_dets = np.linalg.slogdet(model.covariances)[1]  # (K,)
    traces = np.trace(np.linalg.solve(model.covariances, scale[None]), axis1=1, axis2=2)
    return float((-(freedom + dimensions + 1) * log_dets - traces).sum() / 2)


def fit_map(
    x: ArrayLike,
    components: int,
    scale: ArrayLike,
    freedom: float,
    *,
    seed: int = 0,
    restarts: int = 1,
    iterations: int = 200,
) -> MapFit:
    """A Gaussian mixture by MAP-EM, the best of `restarts` starts drawn from `seed` by `em.start_mixture`.

    Raises TypeError or ValueError where an argument does not fit.
    """
    x = _data(x)
    scale, freedom = _prior(scale, freedom, x.shape[1])
    iterations, restarts = _checks.count("iterations", iterations), _checks.count("restarts", restarts)
    rng, runs = _checks.rng("seed", seed), []
    for _ in range(restarts):
        model, trace = start_mixture(x, components, rng), []
        while True:
            log_joint = model.log_joint_all(x)  # (n, K)
            evidence = logsumexp(log_joint, axis=1)
            trace.append(evidence.mean() + log_prior(model, scale, freedom) / len(x))
            if len(trace) > iterations:
                break
            model = m_step_map(x, np.exp(log_joint - evidence[:, None]), scale, freedom)
        runs.append(MapFit(model, np.array(trace)))
    return max(runs, key=lambda run: float(run.trace[-1]))


def _prior(scale: ArrayLike, freedom: float, dimensions: int) -> tuple[np.ndarray, float]:
    """The prior's two parameters, checked."""
    given, scale = scale, _checks.real_array("scale", scale, 2)
    if scale.shape != (dimensions, dimensions):
        raise ValueError(f"scale must be symmetric of shape ({dimensions}, {dimensions}), got shape {scale.shape}")
    cholesky_factor(given, "scale")
    return scale, float(_checks.positive_array("freedom", freedom, 0))
