"""Bounds on the evidence: the ELBO, importance-weighted bounds, the gap, dequantisation. Arithmetic on two numbers.

Every bound here needs of a model only `log_joint(x, z)`, and of q only `sample(k, rng)` and `log_prob(z)`:

    log w = log p(x, z) - log q(z),   z ~ q          E_q[log w]                = ELBO     <= log p(x)
                                                     E[log mean_k w_k]         = L_K      <= log p(x), rising with K
                                                     log p(x) - ELBO           = KL(q || posterior)

Axes: x (n, D), one q per data point; z (k, n, d): k samples for each of the n points; log w (k, n); results (n,).
Units: nats per data point. Averages over data points are taken by the caller.

A Monte-Carlo number comes as an `Estimate`, with its standard error: it is measurement error, and no part of the gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._checks import EXACT, count, describe, probabilities, real_array, square
from ._checks import rng as generator
from .densities import (
    _log_values,
    _lowrank_axes,
    cholesky_factor,
    entropy_categorical,
    entropy_normal_full,
    log_normal_full,
    log_normal_lowrank,
    logsumexp,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "LatentVariableModel",
    "Inference",
    "GaussianQ",
    "CategoricalQ",
    "GridQ",
    "ElboTerms",
    "ClosedElboTerms",
    "Estimate",
    "elbo",
    "importance_bound",
    "effective_sample_size",
    "gap",
    "dequantised_bound",
    "dequantised_normal",
    "dequantised_normal_lowrank",
]

BLOCK = 2**22  # numbers of x that one call of log_joint may have to broadcast to: 32 MB
Chance = np.random.Generator | int  # where chance comes from: a generator, or the seed of a new one
Array = TypeVar("Array", np.ndarray, "torch.Tensor")


# ---------------------------------------------------------------- what a model and a q offer


class LatentVariableModel(Protocol):
    """p(x, z). A bound asks for `log_joint` alone; the others are there where they are known, exactly.

    x (n, D); z one for each x, or k for each: (n, d) or (k, n, d), for components (n,) or (k, n). Nats per data point.
    """

    def log_joint(self, x: ArrayLike, z: ArrayLike) -> np.ndarray:
        """log p(x, z): (n,), or (k, n) for k samples of z for each x."""
        ...

    def sample(self, n: int, rng: Chance) -> tuple[np.ndarray, np.ndarray]:
        """n draws of (x, z): z from the prior, then x from p(x | z)."""
        ...

    def evidence(self, x: ArrayLike) -> np.ndarray:
        """log p(x), (n,)."""
        ...

    def posterior(self, x: ArrayLike) -> Inference:
        """p(z | x), one distribution for each x."""
        ...


class Inference(Protocol):
    """q(z | x), one distribution over z for each data point."""

    def sample(self, k: int, rng: Chance) -> np.ndarray:
        """k draws for each data point: (k, n, d), for components (k, n)."""
        ...

    def log_prob(self, z: ArrayLike) -> np.ndarray:
        """log q(z | x): (k, n) for k draws for each, (n,) for one each."""
        ...


@dataclass(frozen=True, eq=False)
class GaussianQ:
    """One normal q_i(z) = N(z; mean_i, cov_i) per data point: mean (n, d), cov (n, d, d), or one (d, d) for all.

    Raises ValueError where the shapes do not fit or a covariance is not symmetric positive definite.
    """

    mean: np.ndarray
    cov: np.ndarray
    _factor: np.ndarray = field(init=False, repr=False)  # L, cov = L L^T, (n, d, d)

    def __post_init__(self) -> None:
        mean, cov = real_array("mean", self.mean, 2), real_array("cov", self.cov)
        n, d = mean.shape
        if cov.shape not in ((d, d), (n, d, d)):
            raise ValueError(f"cov must have shape {(n, d, d)} or {(d, d)} for mean {mean.shape}, got {cov.shape}")
        factor = cholesky_factor(cov)
        mean.setflags(write=False)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "cov", np.broadcast_to(cov, (n, d, d)))
        object.__setattr__(self, "_factor", np.broadcast_to(factor, (n, d, d)))

    @classmethod
    def diagonal(cls, mean: ArrayLike, std: ArrayLike) -> GaussianQ:
        """Mean-field q: independent dimensions, mean (n, d) and std > 0 (n, d), (d,) or a scalar.

        Raises TypeError or ValueError where they do not fit.
        """
        mean, variance = real_array("mean", mean, 2), square("std", std)
        try:
            variance = np.broadcast_to(variance, mean.shape)
        except ValueError:
            raise ValueError(f"std must broadcast to mean's shape {mean.shape}, got {variance.shape}") from None
        return cls(mean, variance[..., None] * np.eye(mean.shape[1]))  # (n, d, 1) * (d, d)

    def __len__(self) -> int:
        return len(self.mean)

    def sample(self, k: int, rng: Chance) -> np.ndarray:
        """k samples per data point, z = mean + L eps with eps ~ N(0, I): (k, n, d). rng: Generator or seed.

        Raises TypeError, ValueError.
        """
        k, rng = count("k", k), generator("rng", rng)
        eps = rng.standard_normal((k, *self.mean.shape))
        return self.mean + np.einsum("nij,knj->kni", self._factor, eps)  # L (n, d, d) on eps (k, n, d)

    def log_prob(self, z: ArrayLike) -> np.ndarray:
        """log q_i(z_i): z (k, n, d) gives (k, n); z (n, d) gives (n,). Raises TypeError, ValueError."""
        z = real_array("z", z)
        if z.ndim not in (2, 3) or z.shape[-2:] != self.mean.shape:
            n, d = self.mean.shape
            raise ValueError(f"z must have shape ({n}, {d}) or (k, {n}, {d}), got {z.shape}")
        return log_normal_full(z, self.mean, self.cov)

    def entropy(self) -> np.ndarray:
        """H(q_i), (n,)."""
        return entropy_normal_full(self.cov)


@dataclass(frozen=True, eq=False)
class CategoricalQ:
    """One distribution over K components per data point: log_probs (n, K), whose exponentials sum to 1 in each row.

    `np.asarray(q)` is the table of its probabilities, (n, K), which is what EM calls responsibilities.
    Raises TypeError or ValueError where log_probs are none.
    """

    log_probs: np.ndarray

    def __post_init__(self) -> None:
        log_probs = _log_values("log_probs", self.log_probs).copy()
        if log_probs.ndim != 2:
            raise ValueError(f"log_probs must have shape (n, K), got {log_probs.shape}")
        probs = np.exp(log_probs)
        probabilities("exp(log_probs)", probs, 2, came=self.log_probs)
        sums = probs.sum(axis=1, keepdims=True)
        if np.abs(sums - 1).max() > EXACT:  # rounded in a narrower type
            log_probs -= np.log(sums)  # (n, K) - (n, 1)
        log_probs.setflags(write=False)
        object.__setattr__(self, "log_probs", log_probs)

    @property
    def probs(self) -> np.ndarray:
        """Probabilities, (n, K)."""
        return np.exp(self.log_probs)

    def __len__(self) -> int:
        return len(self.log_probs)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.probs, dtype=dtype)

    def sample(self, k: int, rng: Chance) -> np.ndarray:
        """k components per data point, int64 (k, n). rng: Generator or seed. Raises TypeError, ValueError."""
        k, rng = count("k", k), generator("rng", rng)
        shares = np.cumsum(self.probs, axis=1)  # (n, K)
        height = rng.random((k, len(self))) * shares[:, -1]  # (k, n) * (n,)
        return np.stack([row.searchsorted(u, side="right") for row, u in zip(shares, height.T, strict=True)], axis=1)

    def log_prob(self, z: ArrayLike) -> np.ndarray:
        """log q_i(z_i): (k, n) for components z (k, n), (n,) for (n,). Raises TypeError, ValueError."""
        given, (n, components) = np.asarray(z), self.log_probs.shape
        if given.dtype.kind not in "iu":
            raise TypeError(f"z must hold integers, got {describe(z)} with dtype {given.dtype}")
        if given.ndim not in (1, 2) or given.shape[-1] != n:
            raise ValueError(f"z must have shape ({n},) or (k, {n}), got {given.shape}")
        if given.size == 0 or given.min() < 0 or given.max() >= components:
            raise ValueError(f"z must lie in 0 ... {components - 1}, got {given.tolist()[:10]}")
        return self.log_probs[np.arange(n), given]  # (k, n), or (n,)

    def entropy(self) -> np.ndarray:
        """H(q_i), (n,)."""
        return entropy_categorical(self.probs)


@dataclass(frozen=True, eq=False)
class GridQ:
    """One density on a line per data point, straight between the points of a grid.

    points: (m,), rising.  log_density: (n, m); it need not be normalised: it is made so by the trapezoid rule, which is
    exact for straight pieces. Outside the grid the density is 0.
    Raises TypeError or ValueError where shapes do not fit, or a row is 0 everywhere.
    """

    points: np.ndarray
    log_density: np.ndarray

    def __post_init__(self) -> None:
        points, log_density = real_array("points", self.points, 1).copy(), _log_values("log_density", self.log_density)
        if len(points) < 2 or (np.diff(points) <= 0).any():
            raise ValueError(f"points must be two at least, and rise, got shape {points.shape}")
        if log_density.ndim != 2 or log_density.shape[1] != len(points):
            raise ValueError(f"log_density must have shape (n, {len(points)}) as points has, got {log_density.shape}")
        width = np.diff(points)
        weights = (np.append(width, 0) + np.append(0, width)) / 2  # of the trapezoid rule, (m,)
        total = logsumexp(log_density + np.log(weights), axis=1)  # (n, m) + (m,), to (n,)
        if np.isneginf(total).any():
            raise ValueError("log_density must be above -inf somewhere in every row, got a row of -inf")
        for name, array in (("points", points), ("log_density", log_density - total[:, None])):  # (n, m) - (n, 1)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.log_density)

    def sample(self, k: int, rng: Chance) -> np.ndarray:
        """k draws per data point, (k, n, 1), by the inverse distribution function. Raises TypeError, ValueError."""
        k, rng = count("k", k), generator("rng", rng)
        density, width = np.exp(self.log_density), np.diff(self.points)  # (n, m), (m - 1,)
        mass = np.cumsum((density[:, 1:] + density[:, :-1]) / 2 * width, axis=1)  # to each piece's end, (n, m - 1)
        height, inside = rng.random((k, len(self))) * mass[:, -1], rng.random((k, len(self)))  # (k, n) * (n,)
        piece = np.stack([row.searchsorted(u, side="right") for row, u in zip(mass, height.T, strict=True)], axis=1)
        left, right = (np.take_along_axis(density, piece.T + end, axis=1).T for end in (0, 1))  # (k, n) each
        share = inside * (left + right) / (left + np.sqrt(left**2 + inside * (right**2 - left**2)))
        return (self.points[piece] + share * width[piece])[..., None]  # (k, n, 1)

    def log_prob(self, z: ArrayLike) -> np.ndarray:
        """log q_i(z_i): z (k, n, 1) gives (k, n); z (n, 1) gives (n,); -inf outside the grid.

        Raises TypeError, ValueError.
        """
        z = real_array("z", z)
        if z.ndim not in (2, 3) or z.shape[-2:] != (len(self), 1):
            raise ValueError(f"z must have shape ({len(self)}, 1) or (k, {len(self)}, 1), got {z.shape}")
        at, rows = z[..., 0], np.arange(len(self))  # (k, n), or (n,)
        piece = np.clip(self.points.searchsorted(at, side="right") - 1, 0, len(self.points) - 2)
        share = np.clip((at - self.points[piece]) / np.diff(self.points)[piece], 0, 1)  # of the way to the next point
        with np.errstate(divide="ignore"):
            left = self.log_density[rows, piece] + np.log1p(-share)  # (k, n), or (n,)
            right = self.log_density[rows, piece + 1] + np.log(share)
        outside = (at < self.points[0]) | (at > self.points[-1])
        return np.where(outside, -np.inf, np.logaddexp(left, right))


@dataclass(frozen=True, eq=False)
class ElboTerms(Generic[Array]):
    """The terms of an ELBO, nats per data point, each (n,): elbo = reconstruction - kl.

    Arrays or tensors, as the model computes in. For a q that is one point of a discrete z, kl is -log p(z).
    """

    reconstruction: Array  # E_q log p(x | z); estimated from samples, or exact where the model says so
    kl: Array  # KL(q(z) || p(z))
    kl_per_dimension: Array | None = None  # (n, d), its sum over d is kl; None where the model does not tell it

    @property
    def elbo(self) -> Array:
        """reconstruction - kl, (n,). [elbo-reconstruction]"""
        return self.reconstruction - self.kl


@dataclass(frozen=True, eq=False, kw_only=True)
class ClosedElboTerms(ElboTerms[Array]):
    """The same where all is in closed form: elbo = expected_log_joint + entropy, too. [elbo-energy-entropy]"""

    expected_log_joint: Array  # E_q log p(x, z), minus what physicists call the energy
    entropy: Array  # H(q)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A Monte-Carlo number per data point: value (n,), standard_error (n,).

    Where weights are used, also effective_sample_size (n,). standard_error is None where one draw alone cannot tell it.
    Raises TypeError or ValueError where value, standard_error or effective_sample_size cannot be right.
    """

    value: np.ndarray
    standard_error: np.ndarray | None
    effective_sample_size: np.ndarray | None = None

    def __post_init__(self) -> None:
        value = real_array("value", self.value, 1)
        object.__setattr__(self, "value", value)
        for name in ("standard_error", "effective_sample_size"):
            given = getattr(self, name)
            if given is not None:
                given = real_array(name, given, 1)
                if given.shape != value.shape or (given < 0).any():
                    raise ValueError(
                        f"{name} must be non-negative, of shape {value.shape} as value, got shape "
                        f"{given.shape} with a smallest entry of {given.min():g}"
                    )
                object.__setattr__(self, name, given)


# ---------------------------------------------------------------- bounds from samples of q


def elbo(model: LatentVariableModel, q: Inference, x: ArrayLike, samples: int, rng: Chance) -> Estimate:
    """The evidence lower bound by Monte Carlo, E_q[log p(x, z) - log q(z)] <= log p(x), per data point.

    The mean over `samples` draws is unbiased at any number of them. Its standard error is their standard deviation
    over sqrt(samples): zero when q is the posterior, where every draw gives log p(x); None for a single draw.

    model: offers log_joint(x, z); q: offers sample(k, rng) and log_prob(z); x (n, D); rng: Generator or seed.
    Raises TypeError, ValueError. Kingma & Welling (2014), equation 2.
    [elbo-monte-carlo] [elbo-jensen]
    """
    log_w = _log_weights(model, q, x, count("samples", samples), rng)
    return _average(log_w)


def importance_bound(
    model: LatentVariableModel, q: Inference, x: ArrayLike, k: int, rng: Chance, repeats: int = 1
) -> Estimate:
    """The importance-weighted bound L_K = E[log 1/K sum_k w_k], between ELBO (K = 1) and log p(x), per data point.

    Only its *expectation* rises with K and stays below log p(x); a single draw may fall, or land above. The value is
    the mean over `repeats` draws of log mean_k w, the standard error their standard deviation over sqrt(repeats).
    With repeats = 1 the error is the delta method's, from the spread of that draw's own weights,

        sd(log mean_k w) ~ sd(w) / (mean(w) sqrt(K)) = sqrt((K / ESS - 1) / (K - 1)),

    which is too small where few weights carry the sum (then the effective sample size says so), and None for K = 1.
    A Gaussian posterior's weights have finite variance only if cov_q > cov_posterior / 2.

    effective_sample_size is the mean over repeats. Raises TypeError, ValueError.
    Burda, Grosse & Salakhutdinov (2016), equation 8.
    [elbo-importance] [lvm-importance]
    """
    k, repeats, rng = count("k", k), count("repeats", repeats), generator("rng", rng)
    draws, sizes = [], []
    for _ in range(repeats):
        log_w = _log_weights(model, q, x, k, rng)
        draws.append(logsumexp(log_w, axis=0) - math.log(k))  # (n,)
        sizes.append(effective_sample_size(log_w))
    size = np.mean(sizes, axis=0)
    if repeats == 1 and k > 1:
        return Estimate(draws[0], np.sqrt(np.maximum(k / size - 1, 0) / (k - 1)), size)
    bound = _average(np.array(draws))  # of (repeats, n)
    return Estimate(bound.value, bound.standard_error, size)


def effective_sample_size(log_weights: ArrayLike) -> np.ndarray:
    """How many equal weights would be as good: (sum_k w_k)^2 / sum_k w_k^2, from 1 (one carries all) to K (all equal).

    log_weights (k, n), -inf allowed; they need not be normalised. Returns (n,).
    Raises ValueError where all k weights of a data point are zero. Kong (1992).
    [elbo-ess]
    """
    log_weights = _log_values("log_weights", log_weights)
    if log_weights.ndim != 2:
        raise ValueError(f"log_weights must have shape (k, n), got {log_weights.shape}")
    total = logsumexp(log_weights, axis=0)
    if np.isneginf(total).any():
        raise ValueError("log_weights must be above -inf somewhere for every data point, got a column of -inf")
    share = log_weights - total  # log of each weight's share of the sum, (k, n) - (n,)
    return np.exp(-logsumexp(2 * share, axis=0))


def gap(evidence: ArrayLike, bound: ArrayLike | Estimate) -> np.ndarray | Estimate:
    """What a bound misses: log p(x) - bound, per data point. For the ELBO it is KL(q || posterior), never negative.

    evidence (n,), exact. bound: (n,), or an Estimate, which returns an Estimate with the same standard error (one
    that is a little below zero is then noise, not a broken bound). Raises ValueError where the shapes differ.
    [elbo-decomposition] [elbo-evidence-gap]
    """
    evidence = real_array("evidence", evidence)
    value = bound.value if isinstance(bound, Estimate) else real_array("bound", bound)
    if evidence.shape != value.shape:
        raise ValueError(f"evidence and bound must have one shape, got {evidence.shape} and {value.shape}")
    if isinstance(bound, Estimate):
        return Estimate(evidence - value, bound.standard_error, bound.effective_sample_size)
    return evidence - value


# ---------------------------------------------------------------- densities on integer data


def dequantised_bound(
    log_density: Callable[[np.ndarray], np.ndarray], x: ArrayLike, samples: int, rng: Chance
) -> Estimate:
    """A density's score on integer data, a lower bound on a log mass, per data point. [kl-dequantised] [kl-mass]

        E_u log p(x + u) <= log P(x),    P(x) = integral over [0, 1)^D of p(x + u) du

    u is uniform, one draw per dimension, so the bin of x is [x, x + 1), of width one: the *mass* P sums to at most
    one over all integer x, and may be compared with a discrete model. Dividing pixels by 255 would change the ruler
    by D log 255 nats. (The bound is on log P(x). log p(x) itself is no bound on anything here.)

    log_density: takes points (n, D), returns (n,). x (n, D): whole numbers. Standard error over `samples` draws,
    None for one. Raises TypeError, ValueError. Theis, van den Oord & Bethge (2016).
    """
    if not callable(log_density):
        raise TypeError(f"log_density must be a function of points (n, D), got {describe(log_density)}")
    x, rng = _whole("x", x), generator("rng", rng)
    draws = [
        real_array("log_density(x + u)", log_density(x + rng.random(x.shape))) for _ in range(count("samples", samples))
    ]
    if draws[0].shape != (len(x),):
        raise ValueError(f"log_density must return one number per point, ({len(x)},), got shape {draws[0].shape}")
    return _average(np.array(draws))


def dequantised_normal(x: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> np.ndarray:
    """The dequantised bound of a normal, in closed form. [kl-dequantised-gaussian]

        E_u log N(x + u; mean, C) = log N(x + 1/2; mean, C) - tr(C^-1) / 24

    The log density is quadratic and u has mean 1/2 and variance 1/12 in each dimension; that is all it takes.
    x (n, D): whole numbers; mean (D,); cov (D, D), or per point. Returns (n,), at most log P(x).
    Raises TypeError or ValueError where they do not fit.
    """
    x = _whole("x", x)
    factor = cholesky_factor(cov)
    at_middle = log_normal_full(x + 0.5, mean, cov)
    inverse = np.linalg.solve(factor, np.eye(factor.shape[-1]))  # tr(C^-1) = |L^-1|^2
    return at_middle - (inverse**2).sum(axis=(-1, -2)) / 24  # (n,) - (), or (n,) where cov is (n, D, D)


def dequantised_normal_lowrank(x: ArrayLike, mean: ArrayLike, loadings: ArrayLike, noise: ArrayLike) -> np.ndarray:
    """`dequantised_normal` for C = W W^T + diag(noise): PPCA (scalar noise variance) and factor analysis (D,).

        tr(C^-1) = sum_d (1 / noise_d) [1 - sum_j u_dj^2 s_j^2 / (1 + s_j^2)]

    with the axes u_j and squared singular values s_j^2 of W / sqrt(noise), as in `log_normal_lowrank`.
    x (n, D): whole numbers; loadings W (D, d). Returns (n,). Raises ValueError, TypeError.
    """
    x = _whole("x", x)
    at_middle = log_normal_lowrank(x + 0.5, mean, loadings, noise)
    noise, axes, stretch = _lowrank_axes(loadings, noise)
    explained = axes**2 @ (stretch / (1 + stretch))  # (D, d) @ (d,): the share of its precision that W takes away
    return at_middle - ((1 - explained) / noise).sum() / 24


# ---------------------------------------------------------------- the parts that several functions share


def _log_weights(
    model: LatentVariableModel, q: Inference, x: ArrayLike, k: int, rng: np.random.Generator | int
) -> np.ndarray:
    """log w = log p(x, z) - log q(z) for k draws of z ~ q per data point: (k, n).

    Drawn in blocks, so that log_joint never has to hold more than BLOCK numbers; the result does not depend on it.
    """
    if not callable(getattr(model, "log_joint", None)):
        raise TypeError(f"model must offer log_joint(x, z), got {describe(model)}{swapped(model, q)}")
    if not all(callable(getattr(q, name, None)) for name in ("sample", "log_prob")):
        raise TypeError(f"q must offer sample(k, rng) and log_prob(z), got {describe(q)}")
    x, rng = real_array("x", x, 2), generator("rng", rng)
    if isinstance(q, Sized) and len(q) != len(x):
        raise ValueError(f"q must hold one distribution per data point, got {len(q)} for x of shape {x.shape}")
    block, blocks = max(1, BLOCK // x.size), []
    for draws in (min(block, k - start) for start in range(0, k, block)):
        z = q.sample(draws, rng)  # (draws, n, d)
        log_p = real_array("model.log_joint(x, z)", model.log_joint(x, z))
        log_q = real_array("q.log_prob(z)", q.log_prob(z))
        for name, values in (("model.log_joint(x, z)", log_p), ("q.log_prob(z)", log_q)):
            if values.shape != (draws, len(x)):
                raise ValueError(f"{name} must have shape {(draws, len(x))} for z {np.shape(z)}, got {values.shape}")
        blocks.append(log_p - log_q)  # (draws, n)
    return np.concatenate(blocks)


def swapped(model: object, q: object) -> str:
    """A hint for an error, where model and q came in each other's place."""
    return " (the order is model, q, x)" if callable(getattr(q, "log_joint", None)) else ""


def _average(draws: np.ndarray) -> Estimate:
    """Mean of independent draws (k, n), with its standard error: their standard deviation over sqrt(k)."""
    k = len(draws)
    return Estimate(draws.mean(axis=0), draws.std(axis=0, ddof=1) / math.sqrt(k) if k > 1 else None)


def _whole(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as float64 data (n, D) of whole numbers."""
    array = real_array(name, value, 2)
    if (array != np.round(array)).any():
        worst = array[array != np.round(array)][0]
        raise ValueError(f"{name} must hold whole numbers (pixels before any rescaling), got for example {worst:g}")
    return array
