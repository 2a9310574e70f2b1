"""The Gaussian mixture: the latent variable model whose z is one of K components.

    z ~ Categorical(weights),    x | z = k ~ N(means_k, covariances_k)

The integral over z is a sum of K terms, so evidence and posterior are exact. All is done in log space: far away
from every component, where each density underflows to 0, responsibilities are still a ratio of finite logs.
Data x is (n, D), components z are integers (n,) or (k, n) in 0 ... K - 1; results are in nats per data point.

Source: Bishop, "Pattern Recognition and Machine Learning" (2006), section 9.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from .bounds import CategoricalQ
from .densities import cholesky_factor, entropy_categorical, log_normal_full, logsumexp

__all__ = ["GaussianMixture", "Mixture"]


class Mixture:
    """What every mixture shares: sums over z. A subclass offers `weights` (K,) and `log_px_z_all(x)` (n, K)."""

    weights: np.ndarray
    if TYPE_CHECKING:

        def log_px_z_all(self, x: ArrayLike) -> np.ndarray:
            """log p(x | z = k) for every k, (n, K)."""

    @property
    def log_weights(self) -> np.ndarray:
        """log p(z = k), (K,); -inf at weight 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.weights)

    def log_joint_all(self, x: ArrayLike) -> np.ndarray:
        """log p(x, z = k) = log weights_k + log p(x | z = k) for every k, (n, K); -inf at weight 0.

        Raises TypeError or ValueError where x cannot be right.
        """
        return self.log_weights + self.log_px_z_all(x)  # (K,) + (n, K)

    def log_joint(self, x: ArrayLike, z: ArrayLike) -> np.ndarray:
        """log p(x, z) for given components: (n,) for z (n,), (k, n) for z (k, n). [lvm-joint]

        Raises TypeError or ValueError where z cannot be right.
        """
        log_joint = self.log_joint_all(x)
        z = self._components(z, len(log_joint))
        return log_joint[np.arange(len(log_joint)), z]

    def evidence(self, x: ArrayLike) -> np.ndarray:
        """log p(x) = log sum_k p(x, z = k), exact, (n,). [lvm-mixture]

        Raises TypeError or ValueError where x cannot be right.
        """
        return logsumexp(self.log_joint_all(x), axis=1)

    def log_responsibilities(self, x: ArrayLike) -> np.ndarray:
        """log p(z = k | x) = log p(x, z = k) - log p(x), (n, K); -inf at weight 0. [em-log-space]

        The largest log p(x, z = k) of a row is taken out first: far away, where log p(x) is so large that its last
        digits stand for whole nats, each row is still a distribution.
        Raises ValueError where x is so far away (beyond 1e150 standard deviations) that log p(x) itself overflows.
        """
        log_joint = self.log_joint_all(x)
        largest = log_joint.max(axis=1, keepdims=True)
        if np.isneginf(largest).any():
            raise ValueError(
                "x must be near enough for a finite log p(x), got -inf for "
                f"{np.isneginf(largest).sum()} of {len(largest)} points"
            )
        relative = log_joint - largest
        return relative - logsumexp(relative, axis=1)[:, None]  # (n, K) - (n, 1)

    def responsibilities(self, x: ArrayLike) -> np.ndarray:
        """p(z = k | x), (n, K); each row sums to 1, however far x is from every component. [lvm-mixture-posterior]

        Raises TypeError or ValueError as `log_responsibilities` does.
        """
        return np.exp(self.log_responsibilities(x))

    def posterior(self, x: ArrayLike) -> CategoricalQ:
        """p(z | x), one distribution over the components for each x: exact. Its table is `responsibilities`.

        Raises TypeError or ValueError as `log_responsibilities` does.
        """
        return CategoricalQ(self.log_responsibilities(x))

    def elbo(self, q: ArrayLike, x: ArrayLike) -> np.ndarray:
        """E_q[log p(x, z)] + H(q) for q (n, K), rows of probabilities: (n,), by enumerating z.

        -inf where q gives mass to a component of weight 0.
        Raises TypeError or ValueError where q cannot be right.
        """
        log_joint = self.log_joint_all(x)
        q = self._responsibilities(q, len(log_joint))
        return (q * np.where(q > 0, log_joint, 0.0)).sum(axis=1) + entropy_categorical(q)

    def kl_to_posterior(self, q: ArrayLike, x: ArrayLike) -> np.ndarray:
        """KL(q(z) || p(z | x)) for q (n, K): the gap between evidence and ELBO, (n,), in log space.

        +inf where q gives mass to a component of weight 0 (but not where a responsibility merely underflows).
        Raises TypeError or ValueError where q cannot be right.
        """
        log_posterior = self.log_responsibilities(x)
        q = self._responsibilities(q, len(log_posterior))
        log_ratio = np.log(np.where(q > 0, q, 1.0)) - np.where(q > 0, log_posterior, 0.0)
        return (q * log_ratio).sum(axis=1)

    def _components(self, z: ArrayLike, n: int) -> np.ndarray:
        given = np.asarray(z)
        if given.dtype.kind not in "iu":
            raise TypeError(f"z must hold integers, got {_checks.describe(z)} with dtype {given.dtype}")
        if given.ndim not in (1, 2) or given.shape[-1] != n:
            raise ValueError(f"z must have shape (n,) or (k, n) with n = {n} as in x, got {given.shape}")
        if given.size == 0 or given.min() < 0 or given.max() >= len(self.weights):
            raise ValueError(f"z must lie in 0 ... {len(self.weights) - 1}, got {given.tolist()[:10]}")
        return given

    def _responsibilities(self, q: ArrayLike, n: int) -> np.ndarray:
        q = _checks.probabilities("q", q, 2)
        if q.shape != (n, len(self.weights)):
            raise ValueError(f"q must have shape (n, K) = {(n, len(self.weights))}, got {q.shape}")
        return q


@dataclass(frozen=True, eq=False)
class GaussianMixture(Mixture):
    """p(x, z = k) = weights_k N(x; means_k, covariances_k).

    weights: (K,), non-negative, sum 1 (a weight of 0 is allowed).  means: (K, D).  covariances: (K, D, D).
    The arrays are copied and cannot be written to. Raises TypeError or ValueError if shapes disagree, an entry is not
    finite, the weights are no probabilities, or a covariance is not symmetric and positive definite.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def __post_init__(self) -> None:
        weights = _checks.probabilities("weights", self.weights, 1).copy()
        means = _checks.real_array("means", self.means, 2).copy()
        covariances = _checks.real_array("covariances", self.covariances, 3).copy()
        components, dimensions = means.shape
        if len(weights) != components:
            raise ValueError(f"weights must have one entry per row of means {means.shape}, got shape {weights.shape}")
        if covariances.shape != (components, dimensions, dimensions):
            raise ValueError(
                f"covariances must have shape {(components, dimensions, dimensions)}, got {covariances.shape}"
            )
        cholesky_factor(covariances, "covariances")
        for name, array in (("weights", weights), ("means", means), ("covariances", covariances)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def spherical(cls, weights: ArrayLike, means: ArrayLike, std: ArrayLike) -> GaussianMixture:
        """The mixture with covariances std_k^2 I; std is a number (shared) or (K,).

        Raises TypeError or ValueError where means or std cannot be right.
        """
        means, variances = _checks.real_array("means", means, 2), _checks.square("std", std)
        if variances.shape not in ((), means.shape[:1]):
            raise ValueError(f"std must be a number or have shape {means.shape[:1]}, got {variances.shape}")
        variances = np.broadcast_to(variances, means.shape[:1])
        weights = _checks.probabilities("weights", weights, 1)
        return cls(weights, means, variances[:, None, None] * np.eye(means.shape[1]))

    def log_px_z_all(self, x: ArrayLike) -> np.ndarray:
        """log p(x | z = k) = log N(x; means_k, covariances_k) for every k, (n, K).

        Raises TypeError or ValueError where x cannot be right.
        """
        x = self._points(x)
        with np.errstate(over="ignore"):  # a squared distance above 1e308 overflows: the log density is then -inf
            columns = [
                log_normal_full(x, mean, covariance)
                for mean, covariance in zip(self.means, self.covariances, strict=True)
            ]
        return np.stack(columns, axis=1)

    def sample(self, n: int, rng: np.random.Generator | int) -> tuple[np.ndarray, np.ndarray]:
        """Ancestral sampling: z (n,) from the weights, then x (n, D) from component z; returns (x, z). [lvm-ancestral]

        Raises TypeError or ValueError where n or rng cannot be right.
        """
        n, generator = _checks.count("n", n), _checks.rng("rng", rng)
        z = generator.choice(len(self.weights), size=n, p=self.weights / self.weights.sum())
        noise = generator.standard_normal((n, self.means.shape[1]))
        x = np.empty_like(noise)
        for k, factor in enumerate(cholesky_factor(self.covariances)):
            x[z == k] = self.means[k] + noise[z == k] @ factor.T  # (D,) + (n_k, D) @ (D, D)
        return x, z

    def _points(self, x: ArrayLike) -> np.ndarray:
        x = _checks.real_array("x", x, 2)
        if x.shape[1] != self.means.shape[1]:
            raise ValueError(f"x must have D = {self.means.shape[1]} columns, got shape {x.shape}")
        return x
