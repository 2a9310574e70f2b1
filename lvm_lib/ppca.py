"""The linear-Gaussian latent variable model: probabilistic PCA and factor analysis.

    z ~ N(0, I_d),    x | z ~ N(W z + mean, Psi),    Psi = noise * I (PPCA) or diag(noise) (factor analysis)

Every quantity that a variational autoencoder estimates has a closed form here: the evidence, the posterior, the
ELBO of any Gaussian q, its gap. Three routes stay independent of each other, so that they may check each other:
`evidence` integrates z out (low-rank covariance), `elbo` takes expectations under q, `kl_to_posterior` compares
q with the posterior. Data x is (n, D), latents z are (n, d) or (k, n, d); results are in nats per data point.

Sources: Tipping and Bishop, "Probabilistic principal component analysis", JRSS B 61 (1999); Rubin and Thayer,
"EM algorithms for ML factor analysis", Psychometrika 47 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from . import _checks
from ._checks import refuses_q
from .bounds import ClosedElboTerms, GaussianQ
from .densities import LOG_2PI, entropy_normal_full, kl_normal_full, log_normal_diag, log_normal_lowrank

__all__ = [
    "FactorAnalysisFit",
    "LinearGaussian",
    "factor_analysis_step",
    "fit_factor_analysis",
    "fit_ppca",
]


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    """p(x, z) = N(z; 0, I) N(x; W z + mean, Psi). [elbo-ppca]

    loadings: W, (D, d).  mean: (D,).  noise: a *variance*, a number (PPCA) or one per column, (D,) (factor analysis).
    The arrays are copied and cannot be written to. Raises TypeError or ValueError if shapes disagree, an entry is not
    finite, or the noise is not positive.
    """

    loadings: np.ndarray
    mean: np.ndarray
    noise: float | np.ndarray

    def __post_init__(self) -> None:
        loadings = _checks.real_array("loadings", self.loadings, 2).copy()
        mean = _checks.real_array("mean", self.mean, 1).copy()
        noise = _checks.positive_array("noise", self.noise).copy()
        if mean.shape != loadings.shape[:1]:
            raise ValueError(f"mean must have one entry per row of loadings {loadings.shape}, got shape {mean.shape}")
        if noise.ndim and noise.shape != mean.shape:
            raise ValueError(f"noise must be a number or have shape {mean.shape}, got shape {noise.shape}")
        for array in (loadings, mean, noise):
            array.setflags(write=False)
        object.__setattr__(self, "loadings", loadings)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "noise", noise if noise.ndim else float(noise))

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of x with z integrated out, W W^T + Psi, (D, D)."""
        return self.loadings @ self.loadings.T + np.diag(self._noise_vector)  # (D, d) @ (d, D) + (D, D)

    @property
    def posterior_precision(self) -> np.ndarray:
        """Precision of p(z | x), I + W^T Psi^-1 W, (d, d): the same for every x."""
        return np.eye(self.loadings.shape[1]) + self.loadings.T @ self._scaled_loadings  # (d, d) + (d, D) @ (D, d)

    def decode(self, z: ArrayLike) -> np.ndarray:
        """Mean of the generator, E[x | z] = W z + mean: (..., d) to (..., D).

        Raises TypeError or ValueError where z cannot be right.
        """
        z = _checks.real_array("z", z)
        if z.ndim == 0 or z.shape[-1] != self.loadings.shape[1]:
            raise ValueError(f"z must have d = {self.loadings.shape[1]} entries along its last axis, got {z.shape}")
        return z @ self.loadings.T + self.mean  # (..., d) (d, D) + (D,)

    def log_px_z(self, x: ArrayLike, z: ArrayLike) -> np.ndarray:
        """log p(x | z) = log N(x; W z + mean, Psi): (n,) for z (n, d), (k, n) for z (k, n, d).

        Raises TypeError or ValueError where x or z cannot be right.
        """
        x, z = self._points(x), _checks.real_array("z", z)
        if z.ndim not in (2, 3) or z.shape[-2] != len(x):
            raise ValueError(f"z must have shape (n, d) or (k, n, d) with n = {len(x)} as in x, got {z.shape}")
        if z.ndim == 3:  # one sample at a time: k * n * D numbers at once would be too many for images
            return np.stack([self.log_px_z(x, sample) for sample in z])
        return log_normal_diag(x, self.decode(z), np.sqrt(self.noise))

    def log_joint(self, x: ArrayLike, z: ArrayLike) -> np.ndarray:
        """log p(x, z) = log p(x | z) + log N(z; 0, I): (n,) for z (n, d), (k, n) for z (k, n, d).

        Raises TypeError or ValueError where z cannot be right.
        """
        log_px_z = self.log_px_z(x, z)
        return log_px_z + log_normal_diag(_checks.real_array("z", z), 0.0, 1.0)

    def evidence(self, x: ArrayLike) -> np.ndarray:
        """log p(x) = log N(x; mean, W W^T + Psi), exact, (n,); by the low-rank form, never through ELBO and KL.

        Raises TypeError or ValueError where x cannot be right.
        [elbo-ppca-evidence]
        """
        return log_normal_lowrank(self._points(x), self.mean, self.loadings, self.noise)

    def posterior(self, x: ArrayLike) -> GaussianQ:
        """p(z | x) = N(M^-1 W^T Psi^-1 (x - mean), M^-1), M = I + W^T Psi^-1 W, exact; one covariance for all x.

        Raises TypeError or ValueError where x cannot be right.
        [elbo-ppca-posterior]
        """
        return GaussianQ(self._posterior_mean(self._points(x)), _inverse(self.posterior_precision))

    def reconstruct(self, x: ArrayLike) -> np.ndarray:
        """The generator at the posterior mean, W E[z | x] + mean, (n, D): shrunk towards the mean, by the prior.

        Raises TypeError or ValueError where x cannot be right.
        """
        return self.decode(self._posterior_mean(self._points(x)))

    def sample(self, n: int, rng: np.random.Generator | int) -> tuple[np.ndarray, np.ndarray]:
        """Ancestral sampling: z (n, d) from the prior, then x (n, D) from the generator; returns (x, z).

        Raises TypeError or ValueError where n or rng cannot be right.
        """
        n, generator = _checks.count("n", n), _checks.rng("rng", rng)
        z = generator.standard_normal((n, self.loadings.shape[1]))
        x = self.decode(z) + np.sqrt(self.noise) * generator.standard_normal((n, len(self.mean)))
        return x, z

    def rotate(self, rotation: ArrayLike) -> LinearGaussian:
        """The model with loadings W R, R (d, d) orthogonal: the same p(x), another posterior.

        Raises ValueError if R^T R differs from the identity by more than 1e-8 (or than the rounding of the type that
        came explains).
        """
        given, rotation = rotation, _checks.real_array("rotation", rotation, 2)
        allowed = max(_checks.EXACT, 8 * _checks.precision(given))
        d = self.loadings.shape[1]
        if rotation.shape != (d, d):
            raise ValueError(f"rotation must have shape {(d, d)}, got {rotation.shape}")
        error = np.abs(rotation.T @ rotation - np.eye(d)).max()  # (d, d)
        if error > allowed:
            raise ValueError(f"rotation must be orthogonal, got R^T R off the identity by {error:g}")
        return LinearGaussian(self.loadings @ rotation, self.mean, self.noise)

    def elbo_terms(self, q: GaussianQ, x: ArrayLike) -> ClosedElboTerms[np.ndarray]:
        """The ELBO's terms for a Gaussian q with mean m (n, d) and covariance S (n, d, d), in closed form.

        E_q log p(x | z) = log N(x; W m + mean, Psi) - tr(W^T Psi^-1 W S) / 2
        E_q log p(z)     = log N(m; 0, I) - tr(S) / 2

        Raises TypeError or ValueError where q or x cannot be right.
        [elbo-linear-elbo]
        """
        x = self._points(x)
        self._check_q(q, len(x))
        cov, latents = _distinct(q.cov), self.loadings.shape[1]
        curvature = self.loadings.T @ self._scaled_loadings  # W^T Psi^-1 W, (d, D) @ (D, d)
        reconstruction = self.log_px_z(x, q.mean) - np.einsum("ij,nji->n", curvature, cov) / 2  # a trace each, (n,)
        log_prior = log_normal_diag(q.mean, 0.0, 1.0) - np.einsum("nii->n", cov) / 2  # (n,)
        kl = kl_normal_full(q.mean, cov, np.zeros(latents), np.eye(latents))
        entropy = np.broadcast_to(entropy_normal_full(cov), (len(x),))
        return ClosedElboTerms(
            reconstruction=reconstruction, kl=kl, expected_log_joint=reconstruction + log_prior, entropy=entropy
        )

    def expected_log_joint(self, q: GaussianQ, x: ArrayLike) -> np.ndarray:
        """E_q log p(x, z), (n,), in closed form. Raises TypeError or ValueError where q or x cannot be right."""
        return self.elbo_terms(q, x).expected_log_joint

    def elbo(self, q: GaussianQ, x: ArrayLike) -> np.ndarray:
        """E_q[log p(x, z) - log q(z)], (n,), in closed form: no samples, no evidence, no posterior.

        Raises TypeError or ValueError where q or x cannot be right.
        """
        return self.elbo_terms(q, x).elbo

    def kl_to_posterior(self, q: GaussianQ, x: ArrayLike) -> np.ndarray:
        """KL(q(z) || p(z | x)), (n,): the gap between evidence and ELBO, found without either.

        Raises TypeError or ValueError where q or x cannot be right.
        """
        x = self._points(x)
        self._check_q(q, len(x))
        return kl_normal_full(q.mean, _distinct(q.cov), self._posterior_mean(x), _inverse(self.posterior_precision))

    def best_mean_field(self, x: ArrayLike) -> GaussianQ:
        """The Gaussian q with diagonal covariance that maximises the ELBO. [elbo-mean-field-gap]

        It has the posterior's mean and variances 1 / M_jj, M = I + W^T Psi^-1 W (not the posterior's variances
        (M^-1)_jj, which are larger unless M is diagonal). Its gap is (sum_j log M_jj - log det M) / 2.
        Raises TypeError or ValueError where x cannot be right.
        """
        variances = 1 / np.diag(self.posterior_precision)
        return GaussianQ(self._posterior_mean(self._points(x)), np.diag(variances))

    @property
    def _noise_vector(self) -> np.ndarray:
        return np.broadcast_to(self.noise, self.mean.shape)

    @property
    def _scaled_loadings(self) -> np.ndarray:  # Psi^-1 W, (D, d)
        return self.loadings / self._noise_vector[:, None]  # (D, d) / (D, 1)

    def _posterior_mean(self, x: np.ndarray) -> np.ndarray:
        encoder = linalg.solve(self.posterior_precision, self._scaled_loadings.T, assume_a="pos")  # (d, D)
        return (x - self.mean) @ encoder.T  # (n, D) (D, d)

    def _points(self, x: ArrayLike) -> np.ndarray:
        x = _checks.real_array("x", x, 2)
        if x.shape[1] != len(self.mean):
            raise ValueError(f"x must have D = {len(self.mean)} columns, got shape {x.shape}")
        return x

    def _check_q(self, q: GaussianQ, n: int) -> None:
        if not isinstance(q, GaussianQ):
            raise TypeError(f"q must be a GaussianQ, got {_checks.describe(q)}")
        expected = (n, self.loadings.shape[1])
        if q.mean.shape != expected:
            raise ValueError(f"q must have a mean of shape (n, d) = {expected}, got {q.mean.shape}")


@refuses_q
def fit_ppca(x: ArrayLike, latents: int, *, noise: float | None = None) -> LinearGaussian:
    """Maximum-likelihood PPCA in closed form (Tipping and Bishop 1999, equations 7 and 8, with R = I).

    With lambda_1 >= ... >= lambda_D the eigenvalues of the covariance (divided by n), U its leading eigenvectors:
        noise = mean of lambda_{d+1} ... lambda_D,    W = U (diag(lambda) - noise I)^(1/2)
    With `noise` given, that variance is kept, and directions with lambda_j <= noise collapse: their column of W is 0.
    Columns of W come by falling variance, the sign such that the entry of largest size is positive.

    x: (n, D).  latents: d, 1 ... D - 1 (D if `noise` is given), and below the rank of the centred data (at most n - 1).
    Raises TypeError or ValueError otherwise, or if `noise` is not positive.
    [em-ppca-maximum]
    """
    x, latents = _checks.real_array("x", x, 2), _checks.count("latents", latents)
    n, dimensions = x.shape
    most = min(n, dimensions) if noise is not None else dimensions - 1
    if latents > most:
        raise ValueError(f"latents must be at most {most} for x of shape {x.shape}, got {latents}")
    if noise is None and n < latents + 2:
        raise ValueError(
            f"x must have at least latents + 2 = {latents + 2} rows (else nothing is left for the noise), got {n}"
        )
    mean, axes, variances, total = _principal_axes(x, latents)
    if noise is None:
        left = total - variances.sum()
        if left <= 1e-12 * total or total == 0:
            raise ValueError(
                f"latents must be smaller than the rank of the centred data (no variance is left), got {latents}"
            )
        noise = left / (dimensions - latents)
    noise = float(_checks.positive_array("noise", noise, 0))
    return LinearGaussian(axes * np.sqrt(np.maximum(variances - noise, 0)), mean, noise)


class FactorAnalysisFit(NamedTuple):
    """What `fit_factor_analysis` found: the model, and the average log p(x) before each step and at the end."""

    model: LinearGaussian
    trace: np.ndarray  # (steps + 1,), nats per data point, never falls
    converged: bool
    on_floor: tuple[int, ...] = ()  # columns whose noise the floor holds up


def factor_analysis_step(model: LinearGaussian, covariance: ArrayLike, floor: ArrayLike) -> LinearGaussian:
    """One EM step of factor analysis, from the data's second moments alone (Rubin and Thayer 1982).

    E: with B = M^-1 W^T Psi^-1 (the posterior mean is B (x - mean)), averages over the data
       C_zx = B S,    C_zz = M^-1 + B S B^T
    M: W = C_zx^T C_zz^-1,    Psi = max(diag(S - W C_zx), floor)

    covariance: S, (D, D), of the data about `model.mean`.  floor: variance, a number or (D,), under which no noise
    falls; clipping is the exact maximum under that constraint, so the evidence still never falls.
    Raises TypeError or ValueError where model, covariance or floor cannot be right.
    """
    if not isinstance(model, LinearGaussian):
        raise TypeError(f"model must be a LinearGaussian, got {_checks.describe(model)}")
    covariance = _checks.real_array("covariance", covariance, 2)
    floor = _checks.positive_array("floor", floor)
    if covariance.shape != (len(model.mean),) * 2:
        raise ValueError(f"covariance must have shape {(len(model.mean),) * 2}, got {covariance.shape}")
    inverse = _inverse(model.posterior_precision)
    encoder = inverse @ model._scaled_loadings.T  # B, (d, D)
    c_zx = encoder @ covariance  # (d, D)
    c_zz = inverse + c_zx @ encoder.T  # (d, d)
    loadings = linalg.solve(c_zz, c_zx, assume_a="pos").T  # (D, d)
    noise = np.diag(covariance) - np.einsum("dq,qd->d", loadings, c_zx)  # diagonal of S - W C_zx, (D,)
    return LinearGaussian(loadings, model.mean, np.maximum(noise, floor))


@refuses_q
def fit_factor_analysis(
    x: ArrayLike, latents: int, *, iterations: int = 5000, tolerance: float = 1e-9, floor: float = 1e-6
) -> FactorAnalysisFit:
    """Factor analysis by EM, started from PPCA on the standardised columns; no chance is involved.

    Stops when a step raises the average evidence by less than `tolerance` nats, or after `iterations` steps
    (`converged` is then False). EM is slow where a noise is much smaller than its column's variance.
    floor: the noise of a column is kept at or above this share of the column's variance (Heywood cases end there).
    x: (n, D) with n >= d + 2, no constant column.  latents: d, 1 ... D - 1.  Raises TypeError or ValueError otherwise.
    """
    x, latents = _checks.real_array("x", x, 2), _checks.count("latents", latents)
    iterations = _checks.count("iterations", iterations)
    tolerance = float(_checks.positive_array("tolerance", tolerance, 0))
    floor = float(_checks.positive_array("floor", floor, 0))
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    if len(constant):
        raise ValueError(f"x must have no constant column (its noise would be 0), got columns {constant.tolist()}")
    mean, std = x.mean(axis=0), x.std(axis=0)
    standardised = (x - mean) / std
    start = fit_ppca(standardised, latents)
    covariance = standardised.T @ standardised / len(x)  # (D, n) @ (n, D)
    model = LinearGaussian(start.loadings, np.zeros_like(mean), np.full_like(mean, max(start.noise, floor)))
    trace, converged = [_average_evidence(model, covariance)], False
    while len(trace) <= iterations and not converged:
        model = factor_analysis_step(model, covariance, floor)
        trace.append(_average_evidence(model, covariance))
        converged = trace[-1] - trace[-2] < tolerance
    fitted = LinearGaussian(model.loadings * std[:, None], mean, model.noise * std**2)
    held = tuple(np.flatnonzero(model.noise <= floor * (1 + 1e-6)).tolist())
    return FactorAnalysisFit(fitted, np.array(trace) - np.log(std).sum(), bool(converged), held)


def _average_evidence(model: LinearGaussian, covariance: np.ndarray) -> float:
    """Average of log p(x) over data with that covariance about model.mean: -(log det 2 pi C + tr C^-1 S) / 2."""
    precision, scaled = model.posterior_precision, model._scaled_loadings
    log_det = np.linalg.slogdet(precision)[1] + np.log(model._noise_vector).sum()
    trace = (np.diag(covariance) / model._noise_vector).sum()
    trace -= np.trace(linalg.solve(precision, scaled.T @ covariance @ scaled, assume_a="pos"))
    return float(-(len(model.mean) * LOG_2PI + log_det + trace) / 2)


def _principal_axes(x: np.ndarray, latents: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Mean (D,), leading eigenvectors (D, d) and eigenvalues (d,) of the covariance of x, and its trace."""
    n, dimensions = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    if np.abs(centred).max() > 1e150:
        raise ValueError(
            f"x must have squares within float64, got entries up to {np.abs(centred).max():g} off the mean"
        )
    if n < dimensions:
        _, singular, rows = np.linalg.svd(centred, full_matrices=False)
        variances, axes, total = singular[:latents] ** 2 / n, rows[:latents].T, (singular**2).sum() / n
    else:
        covariance = centred.T @ centred / n  # (D, n) @ (n, D)
        variances, axes = linalg.eigh(covariance, subset_by_index=[dimensions - latents, dimensions - 1])
        variances, axes, total = variances[::-1], axes[:, ::-1], np.trace(covariance)
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(latents)]
    return mean, axes * np.where(largest < 0, -1.0, 1.0), np.maximum(variances, 0), float(total)


def _inverse(precision: np.ndarray) -> np.ndarray:
    """Inverse of a symmetric positive definite matrix, exactly symmetric."""
    inverse = linalg.cho_solve(linalg.cho_factor(precision), np.eye(len(precision)))
    return (inverse + inverse.T) / 2


def _distinct(covariances: np.ndarray) -> np.ndarray:
    """Covariances (n, d, d) as (1, d, d) where one is merely repeated: a factorisation each would be wasted."""
    return covariances[:1] if covariances.strides[0] == 0 else covariances
