"""Expectation-maximisation: coordinate ascent on one function of two arguments.

    F(q, theta) = sum_n E_{q_n}[log p(x_n, z; theta)] + H(q_n) = sum_n log p(x_n; theta) - KL(q_n || p(z | x_n; theta))

    E-step  q     <- argmax over q     of F(q, theta)    = the posterior under theta: the gap becomes 0
    M-step  theta <- argmax over theta of F(q, theta)    = argmax of the expected log joint

`e_step` and `elbo` serve every model that knows its posterior; each family of models has its own `m_step_...`. All four
are pure functions. `fit_mixture`, `fit_bernoulli_mixture` and `fit_linear` repeat them, with restarts and a trace.
Whatever q is, an exact M-step never lowers F; only if the E-step is exact too, the *evidence* never falls.

Data x is (n, D). q is (n, K), rows of probabilities, for mixtures, and a `GaussianQ` for linear-Gaussian models.
`elbo` is in nats per data point, (n,); traces are its averages over the data.

Sources: Dempster, Laird and Rubin (1977); Neal and Hinton (1998), whose F this is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from . import _checks
from .bernoulli_mixture import BernoulliMixture, binary_points
from .bounds import GaussianQ, Inference, LatentVariableModel, swapped
from .densities import LOG_2PI
from .kmeans import plus_plus_rows
from .mixture import GaussianMixture, Mixture
from .ppca import LinearGaussian

__all__ = [
    "COVARIANCES",
    "EMFit",
    "e_step",
    "elbo",
    "fit_bernoulli_mixture",
    "fit_linear",
    "fit_mixture",
    "hard_e_step",
    "m_step_bernoulli",
    "m_step_gaussian",
    "m_step_linear",
    "start_bernoulli",
    "start_mixture",
]

COVARIANCES = ("full", "diagonal", "spherical", "tied")
FEW = 8  # up to so many dimensions a quadratic form is one product with all squares and cross products
SHARE = 1e-6  # of the data's variance: where the floor is if nobody says otherwise
TOUCHES = 1e-6  # a variance that is nearer to its floor, in units of it, sits on it
BLOCK = 256  # rows whose whitened copies stay in the cache
M = TypeVar("M")  # a model
Q = TypeVar("Q")  # what its M-step reads of q


class EMFit(NamedTuple):
    """What a fit found: the best of its restarts.

    trace: F at the end of each E-step, averaged over the data, (steps + 1,): the first is the start's, the last the
    model's. With exact E-steps it is the average evidence, and never falls; with hard ones it is the bound that they
    climb, at most the evidence.
    converged: whether the last step gained less than the tolerance.  restarts: the last entry of each restart's trace.
    on_floor: what the floor holds up in the model: components of a mixture, columns whose noise it is in a linear one.
    Where it is not empty, the model is the best above that floor, and the evidence would rise with a lower one.
    """

    model: object
    trace: np.ndarray
    converged: bool
    restarts: np.ndarray
    on_floor: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """M-steps taken."""
        return len(self.trace) - 1


# ---------------------------------------------------------------- the two steps, and what they climb


def e_step(model: LatentVariableModel, x: ArrayLike) -> np.ndarray | Inference:
    """q <- p(z | x; theta): the q that maximises F(., theta). [em-e-step]

    Responsibilities (n, K) for a mixture, the table that its M-step reads; for other models their `posterior`, a
    GaussianQ for a linear-Gaussian one. Raises TypeError for a model without a posterior, and what the model raises.
    """
    if isinstance(model, Mixture):
        return model.responsibilities(x)
    return _able(model, "posterior").posterior(x)


def hard_e_step(model: LatentVariableModel, x: ArrayLike) -> np.ndarray:
    """The best *one-hot* q of a mixture: all mass on the largest log p(x, z = k), the first of equals; (n, K).

    It maximises F over one-hot q only, so F still never falls, but a gap stays, and the evidence may fall.
    Raises TypeError where model cannot be right.
    [em-hard]
    """
    log_joint = _able(model, "log_joint_all").log_joint_all(x)
    return np.eye(log_joint.shape[1])[log_joint.argmax(axis=1)]


def elbo(model: LatentVariableModel, q: ArrayLike | Inference, x: ArrayLike) -> np.ndarray:
    """F(q, theta) point by point: E_q[log p(x, z; theta)] + H(q), (n,). [em-f]

    Raises TypeError where model has no `elbo`, and what the model raises where q or x do not fit.
    """
    bound = getattr(model, "elbo", None)
    if not callable(bound):
        came = f"{_checks.describe(model)}{swapped(model, q)}"
        raise TypeError(f"model must be a latent variable model with a method elbo, got {came}")
    return bound(q, x)


def m_step_gaussian(
    x: ArrayLike, q: ArrayLike, *, covariance: str = "full", floor: float | None = None, ridge: float = 0.0
) -> GaussianMixture:
    """The Gaussian mixture that maximises F(q, .), with n_k = sum_n q_nk:

        weights_k = n_k / n,    means_k = sum_n q_nk x_n / n_k,
        S_k = sum_n q_nk (x_n - means_k)(x_n - means_k)^T / n_k

    covariance: "full" S_k; "diagonal" its diagonal; "spherical" the mean of its diagonal, times I; "tied" the average
        sum_k n_k S_k / n, shared.
    floor: variance under which no eigenvalue may fall, in the units of x squared. Clipping there is the exact maximum
        under that constraint. None: a millionth of each column's variance in x (S_k - floor has no negative
        eigenvalue), so that the result moves with the units of x.
    ridge: a constant *added* to the diagonal instead, as scikit-learn's reg_covar is. That is no maximum of F: with it
        the evidence can fall. (The floor still holds.)
    A component without any q keeps the data's mean and covariance: F does not depend on it.
    Raises TypeError or ValueError if q is no (n, K) of probabilities, or an option does not fit.
    [em-m-step]
    """
    x = _data(x)
    q = _responsibilities(q, len(x))
    options = _gaussian_options(covariance, floor, ridge, x)
    return _gaussian(*_Points(x).moments(q), *options)


def m_step_bernoulli(x: ArrayLike, q: ArrayLike, *, floor: float = 1e-3) -> BernoulliMixture:
    """The Bernoulli mixture that maximises F(q, .):

        probabilities_kd = sum_n q_nk x_nd / n_k, kept in [floor, 1 - floor].

    Clipping is the exact maximum under that constraint (F is concave in each probability). floor in (0, 1/2).
    Raises TypeError or ValueError where x, q or floor cannot be right.
    [em-bernoulli]
    """
    x = binary_points(x)
    return _bernoulli(x, _responsibilities(q, len(x)), _half_open("floor", floor))


def m_step_linear(
    x: ArrayLike, q: GaussianQ, *, shared_noise: bool = True, floor: float | None = None
) -> LinearGaussian:
    """The linear-Gaussian model that maximises F(q, .): a regression of x on the unseen z. [em-ppca]

    With u = (z, 1) and its moments under q,    [W, mean] = (sum_n x_n E[u_n]^T) (sum_n E[u_n u_n^T])^-1
    and the noise is the average of E_q (x_d - W_d z - mean_d)^2, over points and columns (`shared_noise`: PPCA), or
    over points for each column (factor analysis); not below the variance `floor` (None: a millionth of the columns').
    Raises TypeError or ValueError where x, q, shared_noise or floor cannot be right.
    """
    x = _data(x)
    lowest = _linear_floor(floor, x, shared_noise)
    if not isinstance(q, GaussianQ) or len(q) != len(x):
        raise TypeError(
            f"q must be a GaussianQ with one distribution per row of x {x.shape}, got {_checks.describe(q)}"
        )
    latents = q.mean.shape[1]
    u = np.column_stack([q.mean, np.ones(len(x))])
    second = u.T @ u  # (d + 1, d + 1)
    second[:latents, :latents] += q.cov.sum(axis=0)
    origin = x.mean(axis=0)
    centred = x - origin  # far from it sums of squares would cancel
    cross = centred.T @ u  # (D, d + 1)
    coefficients = linalg.solve(second, cross.T, assume_a="pos").T  # [W, mean], (D, d + 1)
    noise = ((centred**2).sum(axis=0) - (coefficients * cross).sum(axis=1)) / len(x)
    noise = np.maximum(noise.mean() if shared_noise else noise, lowest)
    return LinearGaussian(coefficients[:, :latents], coefficients[:, latents] + origin, noise)


# ---------------------------------------------------------------- fits: the two steps, again and again


def fit_mixture(
    x: ArrayLike,
    components: int | None = None,
    *,
    seed: int = 0,
    start: GaussianMixture | None = None,
    covariance: str = "full",
    restarts: int = 1,
    iterations: int = 500,
    tolerance: float = 1e-7,
    floor: float | None = None,
    ridge: float = 0.0,
    hard: bool = False,
) -> EMFit:
    """A Gaussian mixture by EM; the best of `restarts` starts by its last F.

    components: K, for starts drawn by `start_mixture` from `seed`; or start: a GaussianMixture to begin with.
    Stops when a step gains less than `tolerance` nats per point, or after `iterations` steps.
    covariance, floor, ridge: as in `m_step_gaussian`.  hard: one-hot E-steps.
    Raises TypeError or ValueError for NaN, fewer points than components, a constant column, or arguments that do not
    fit.
    """
    x = _data(x)
    iterations, tolerance = _checks.count("iterations", iterations), _tolerance(tolerance)
    starts = _starts(
        start,
        components,
        restarts,
        seed,
        GaussianMixture,
        lambda k, rng: start_mixture(x, k, rng, covariance=covariance, floor=floor),
    )
    if start is not None:
        _fits("start", start.means, x)
        _enough("start", len(start.weights), x)
    shape, lowest, ridge = _gaussian_options(covariance, floor, ridge, x)
    points = _Points(x)

    def step(model: GaussianMixture) -> tuple[np.ndarray, float]:
        log_joint = points.log_joint(model)
        return _posterior_and_bound(log_joint, hard)

    def update(q: np.ndarray) -> GaussianMixture:
        return _gaussian(*points.moments(q), shape, lowest, ridge)

    best = _best([_climb(model, step, update, iterations, tolerance) for model in starts])
    assert isinstance(best.model, GaussianMixture)
    return best._replace(on_floor=_indices(_lowest(best.model.covariances, lowest) <= 1 + TOUCHES))


def fit_bernoulli_mixture(
    x: ArrayLike,
    components: int | None = None,
    *,
    seed: int = 0,
    start: BernoulliMixture | None = None,
    restarts: int = 1,
    iterations: int = 200,
    tolerance: float = 1e-4,
    floor: float = 1e-3,
    hard: bool = False,
) -> EMFit:
    """A Bernoulli mixture by EM, as `fit_mixture`; x (n, D) of 0 and 1.

    Raises TypeError or ValueError for arguments that do not fit.
    """
    x, floor = binary_points(x), _half_open("floor", floor)
    iterations, tolerance = _checks.count("iterations", iterations), _tolerance(tolerance)
    starts = _starts(start, components, restarts, seed, BernoulliMixture, lambda k, rng: start_bernoulli(x, k, rng))
    if start is not None:
        _fits("start", start.probabilities, x)

    def step(model: BernoulliMixture) -> tuple[np.ndarray, float]:
        return _posterior_and_bound(model.log_weights + model._log_px_z(x), hard)

    best = _best([_climb(model, step, lambda q: _bernoulli(x, q, floor), iterations, tolerance) for model in starts])
    assert isinstance(best.model, BernoulliMixture)
    p = best.model.probabilities
    return best._replace(on_floor=_indices(((p <= floor) | (p >= 1 - floor)).any(axis=1)))


def fit_linear(
    x: ArrayLike,
    latents: int | None = None,
    *,
    seed: int = 0,
    start: LinearGaussian | None = None,
    shared_noise: bool = True,
    restarts: int = 1,
    iterations: int = 1000,
    tolerance: float = 1e-8,
    floor: float | None = None,
) -> EMFit:
    """PPCA (`shared_noise`) or factor analysis by EM, from random loadings or from `start`; x (n, D).

    PPCA's maximum is known in closed form (`ppca.fit_ppca`); EM reaches it from almost every start, slowly where
    neighbouring eigenvalues are close. Loadings come out up to a rotation. floor: as in `m_step_linear`.
    Raises TypeError or ValueError for arguments that do not fit.
    """
    x = _data(x)
    _not_constant(x)
    lowest = _linear_floor(floor, x, shared_noise)
    iterations, tolerance = _checks.count("iterations", iterations), _tolerance(tolerance)
    if start is None and latents is not None and _checks.count("latents", latents) >= min(x.shape):
        raise ValueError(f"latents must be below both sides of x {x.shape}, got {latents}")
    starts = _starts(
        start, latents, restarts, seed, LinearGaussian, lambda d, rng: _start_linear(x, d, rng, shared_noise)
    )

    def step(model: LinearGaussian) -> tuple[GaussianQ, float]:
        return model.posterior(x), float(model.evidence(x).mean())

    def update(q: GaussianQ) -> LinearGaussian:
        return m_step_linear(x, q, shared_noise=shared_noise, floor=floor)

    best = _best([_climb(model, step, update, iterations, tolerance) for model in starts])
    assert isinstance(best.model, LinearGaussian)
    touching = np.broadcast_to(best.model.noise <= lowest * (1 + TOUCHES), x.shape[1:])
    return best._replace(on_floor=_indices(touching))


# ---------------------------------------------------------------- starts


def start_mixture(
    x: ArrayLike,
    components: int,
    rng: np.random.Generator | int,
    *,
    covariance: str = "full",
    floor: float | None = None,
) -> GaussianMixture:
    """K data points as means, equal weights, and for every component the covariance around the nearest mean.

    The points are those of K-means++ (`kmeans.kmeans_plus_plus`).
    rng: generator or seed. Raises ValueError for fewer points (or fewer distinct ones) than components.
    """
    x, components, rng = _data(x), _checks.count("components", components), _checks.rng("rng", rng)
    _enough("components", components, x)
    covariance, lowest, _ = _gaussian_options(covariance, floor, 0.0, x)
    centred = x - x.mean(axis=0)
    chosen = plus_plus_rows(centred, components, rng)
    means, near = x[chosen], centred[chosen]
    distance = (near**2).sum(axis=1) - 2 * centred @ near.T  # less |x|^2: (K,) - (n, D) @ (D, K)
    residual = x - means[distance.argmin(axis=1)]
    shared = _shape((residual.T @ residual / len(x))[None], "full" if covariance == "tied" else covariance)[0]
    shared = _clip(shared[None], np.maximum(lowest, SHARE * x.var(axis=0).mean()))
    return GaussianMixture(np.full(components, 1 / components), means, np.repeat(shared, components, axis=0))


def start_bernoulli(x: ArrayLike, components: int, rng: np.random.Generator | int) -> BernoulliMixture:
    """K data points, each pulled halfway to the mean image, as probabilities; equal weights. rng: generator or seed.

    Raises TypeError or ValueError where components or rng cannot be right.
    """
    x, components, rng = binary_points(x), _checks.count("components", components), _checks.rng("rng", rng)
    if components > len(x):
        raise ValueError(
            f"components must be at most the number of points, got K = {components} for x of shape {x.shape}"
        )
    chosen = rng.choice(len(x), components, replace=False)
    blurred = 0.25 * x[chosen] + 0.5 * x.mean(axis=0) + 0.125
    return BernoulliMixture(np.full(components, 1 / components), blurred)


def _start_linear(x: np.ndarray, latents: int, rng: np.random.Generator, shared_noise: bool) -> LinearGaussian:
    """Random loadings that explain about half of each column's variance, the rest noise."""
    variance = x.var(axis=0)
    loadings = rng.standard_normal((x.shape[1], latents)) * np.sqrt(variance / (2 * latents))[:, None]
    return LinearGaussian(loadings, x.mean(axis=0), variance.mean() / 2 if shared_noise else variance / 2)


# ---------------------------------------------------------------- the parts that several functions share


class _Points:
    """Data prepared once for many steps: centred, and in few dimensions with all its squares and cross products.

    Then log N(x; m, C) for all points and components is one product of features (1, x_i, x_i x_j) with coefficients,
    and the sums that an M-step needs are one product of q with the same features. Quadratic features lose digits far
    from the origin or for a very narrow component; `log_joint` then goes by Cholesky factors, which are always the
    reference.
    """

    def __init__(self, x: np.ndarray):
        self.origin, self.x = x.mean(axis=0), x - x.mean(axis=0)
        self.few = x.shape[1] <= FEW
        if self.few:
            self.upper = np.triu_indices(x.shape[1])
            squares = self.x[:, self.upper[0]] * self.x[:, self.upper[1]]
            self.features = np.concatenate([np.ones((len(x), 1)), self.x, squares], axis=1)
            self.largest = (self.x**2).sum(axis=1).max()

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is refused where it is used
    def log_joint(self, model: GaussianMixture) -> np.ndarray:
        """log p(x, z = k), (n, K)."""
        factors = np.linalg.cholesky(model.covariances)
        inverses = np.linalg.inv(factors)  # (K, D, D)
        means = model.means - self.origin
        log_norm = model.log_weights - np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        log_norm -= LOG_2PI * means.shape[1] / 2
        if self.few:
            precisions = inverses.swapaxes(1, 2) @ inverses  # L^-T L^-1, (K, D, D)
            steepest = np.trace(precisions, axis1=1, axis2=2).max()
            if steepest * self.largest * np.finfo(float).eps < 1e-10:
                return self._by_features(precisions, means, log_norm)
        return self._by_factors(inverses, means, log_norm)

    def _by_features(self, precisions: np.ndarray, means: np.ndarray, log_norm: np.ndarray) -> np.ndarray:
        linear = np.einsum("kij,kj->ki", precisions, means)  # (K, D)
        twice = np.where(self.upper[0] == self.upper[1], 0.5, 1.0)  # x_i x_j stands for x_j x_i too
        coefficients = np.concatenate(
            [
                (log_norm - (linear * means).sum(axis=1) / 2)[:, None],  # (K, 1)
                linear,
                -twice * precisions[:, self.upper[0], self.upper[1]],
            ],
            axis=1,
        )
        return self.features @ coefficients.T  # (n, F) (F, K)

    def _by_factors(self, inverses: np.ndarray, means: np.ndarray, log_norm: np.ndarray) -> np.ndarray:
        components, dimensions = means.shape
        whiten = inverses.transpose(2, 0, 1).reshape(dimensions, -1)  # all L_k^-1 side by side, (D, K D)
        shift = np.einsum("kij,kj->ki", inverses, means).ravel()  # (K D,)
        log_joint = np.empty((len(self.x), components))
        for rows in range(0, len(self.x), BLOCK):
            white = (self.x[rows : rows + BLOCK] @ whiten - shift).reshape(-1, components, dimensions)  # (m, K, D)
            np.einsum("nkd,nkd->nk", white, white, out=log_joint[rows : rows + BLOCK])  # (m, K)
        return log_norm - log_joint / 2

    def moments(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """n_k (K,), means (K, D) and covariances S_k (K, D, D); where n_k is 0, those of the data."""
        total, dimensions = q.sum(axis=0), self.x.shape[1]
        size = np.where(total > 0, total, 1.0)[:, None]  # (K, 1)
        if self.few:
            sums = (q.T @ self.features) / size  # (K, n) (n, F)
            means, second = sums[:, 1 : dimensions + 1], np.empty((len(total), dimensions, dimensions))
            second[:, self.upper[0], self.upper[1]] = second[:, self.upper[1], self.upper[0]] = sums[
                :, dimensions + 1 :
            ]
            covariances = second - means[:, :, None] * means[:, None, :]  # (K, D, D)
            lost = (means**2 * 1e-7 > np.diagonal(covariances, axis1=1, axis2=2)).any(axis=1)
        else:
            means, covariances = (q.T @ self.x) / size, np.empty((len(total), dimensions, dimensions))
            lost = np.ones(len(total), dtype=bool)
        for k in np.flatnonzero(lost):  # about each mean: no difference of large sums
            apart = (self.x - means[k]) * np.sqrt(q[:, k] / size[k])[:, None]  # (n, D)
            covariances[k] = apart.T @ apart  # (D, n) @ (n, D)
        empty = total == 0
        if empty.any():
            means[empty], covariances[empty] = 0.0, self.x.T @ self.x / len(self.x)
        return total, means + self.origin, covariances


def _gaussian(
    total: np.ndarray,
    means: np.ndarray,
    covariances: np.ndarray,
    covariance: str,
    floor: float | np.ndarray,
    ridge: float,
) -> GaussianMixture:
    weights = total / total.sum()
    if covariance == "tied":
        covariances = np.tensordot(weights, covariances, axes=1)[None]  # (K,) (K, D, D) to (1, D, D)
    covariances = _shape(covariances, covariance)
    if ridge:
        covariances = covariances + ridge * np.eye(means.shape[1])
    return GaussianMixture(
        weights, means, np.broadcast_to(_clip(covariances, floor), (len(means), *covariances.shape[1:]))
    )


def _shape(covariances: np.ndarray, covariance: str) -> np.ndarray:
    """The maximum-likelihood covariances of that form, from the full ones (k, D, D)."""
    if covariance in ("full", "tied"):
        return covariances
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    if covariance == "spherical":
        variances = np.broadcast_to(variances.mean(axis=1, keepdims=True), variances.shape)
    return variances[:, :, None] * np.eye(covariances.shape[1])


def _clip(covariances: np.ndarray, floor: float | np.ndarray) -> np.ndarray:
    """Eigenvalues lifted to `floor` where they are below it; the matrix itself where none is. [em-floor]

    floor: a variance, or one per column, (D,): then of the columns divided by its root, and lifted to 1.
    """
    root = _roots(covariances, floor)
    values, vectors = np.linalg.eigh(covariances / root)
    low = values[:, 0] < 1
    if not low.any():
        return covariances
    lifted = covariances.copy()
    lifted[low] = (vectors[low] * np.maximum(values[low], 1)[:, None, :]) @ vectors[low].swapaxes(1, 2) * root
    return (lifted + lifted.swapaxes(1, 2)) / 2


def _roots(covariances: np.ndarray, floor: float | np.ndarray) -> np.ndarray:
    """sqrt(floor_i floor_j), (D, D)."""
    root = np.sqrt(np.broadcast_to(floor, covariances.shape[-1:]))
    return root[:, None] * root


def _lowest(covariances: np.ndarray, floor: float | np.ndarray) -> np.ndarray:
    """The smallest eigenvalue of each covariance, in units of the floor, (K,)."""
    return np.linalg.eigvalsh(covariances / _roots(covariances, floor))[:, 0]


def _indices(mask: ArrayLike) -> tuple[int, ...]:
    """Where the mask (k,) is true."""
    return tuple(np.flatnonzero(mask).tolist())


def _bernoulli(x: np.ndarray, q: np.ndarray, floor: float) -> BernoulliMixture:
    total = q.sum(axis=0)
    empty = (total == 0)[:, None]
    ones = np.where(empty, x.mean(axis=0), q.T @ x / np.where(empty, 1.0, total[:, None]))  # (K, D)
    return BernoulliMixture(total / total.sum(), np.clip(ones, floor, 1 - floor))


def _posterior_and_bound(log_joint: np.ndarray, hard: bool) -> tuple[np.ndarray, float]:
    """q and F, averaged over the points: the posterior and the evidence, or the best one-hot q and its bound."""
    largest = log_joint.max(axis=1, keepdims=True)
    if not np.isfinite(largest).all():
        raise ValueError(
            "start must leave every point a finite log p(x), got none for "
            f"{(~np.isfinite(largest)).sum()} of {len(largest)} points"
        )
    if hard:
        return np.eye(log_joint.shape[1])[log_joint.argmax(axis=1)], float(largest.mean())
    q = np.exp(log_joint - largest)
    total = q.sum(axis=1, keepdims=True)
    q /= total
    return q, float((largest + np.log(total)).mean())


def _climb(
    model: M, e: Callable[[M], tuple[Q, float]], m: Callable[[Q], M], iterations: int, tolerance: float
) -> tuple[M, np.ndarray, bool]:
    """E and M in turn from `model`: (model, trace, converged). e: model -> (q, F); m: q -> model."""
    q, bound = e(model)
    trace, converged = [bound], False
    while len(trace) <= iterations and not converged:
        model = m(q)
        q, bound = e(model)
        trace.append(bound)
        converged = abs(trace[-1] - trace[-2]) < tolerance
    return model, np.array(trace), converged


def _best(runs: Sequence[tuple[M, np.ndarray, bool]]) -> EMFit:
    restarts = np.array([trace[-1] for _, trace, _ in runs])
    return EMFit(*runs[int(restarts.argmax())], restarts)


def _starts(
    start: M | None,
    size: int | None,
    restarts: int,
    seed: int,
    kind: type[M],
    draw: Callable[[int, np.random.Generator], M],
) -> list[M]:
    """The models to start from: the one given, or `restarts` drawn."""
    if (start is None) == (size is None):
        raise ValueError("give either a size (components or latents) for drawn starts, or a start, not both or neither")
    if start is not None:
        if not isinstance(start, kind):
            raise TypeError(f"start must be a {kind.__name__}, got {_checks.describe(start)}")
        return [start]
    assert size is not None  # one of the two is given
    rng = np.random.default_rng(_checks.count("seed", seed, 0))
    return [draw(size, rng) for _ in range(_checks.count("restarts", restarts))]


def _able(model: object, method: str) -> Any:
    """The model itself, if it has that method."""
    if not callable(getattr(model, method, None)):
        raise TypeError(f"model must be a latent variable model with a method {method}, got {_checks.describe(model)}")
    return model


def _data(x: ArrayLike) -> np.ndarray:
    """x as finite float64 (n, D), not so large that its sum of squares overflows."""
    x = _checks.real_array("x", x, 2)
    with np.errstate(over="ignore"):
        if not np.isfinite((x**2).sum()):
            raise ValueError(f"x must have squares within float64, got entries up to {np.abs(x).max():g}")
    return x


def _responsibilities(q: ArrayLike, n: int) -> np.ndarray:
    q = _checks.probabilities("q", q, 2)
    if len(q) != n:
        raise ValueError(f"q must have one row per row of x, {n}, got shape {q.shape}")
    return q


def _gaussian_options(
    covariance: str, floor: float | None, ridge: float, x: np.ndarray
) -> tuple[str, float | np.ndarray, float]:
    """Checked options: the covariances' form, the floor (one for all where they are spherical), and the ridge."""
    if covariance not in COVARIANCES:
        raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}, got {covariance!r}")
    ridge = float(_checks.real_array("ridge", ridge, 0))
    if ridge < 0:
        raise ValueError(f"ridge must not be negative, got {ridge:g}")
    return covariance, _floor(floor, x, shared=covariance == "spherical"), ridge


def _floor(floor: float | None, x: np.ndarray, shared: bool) -> float | np.ndarray:
    """The variance that was asked for; if none was, SHARE of each column's variance, (D,), or of their average.

    A column that does not vary takes the average's share. Raises ValueError where no column varies.
    """
    if floor is not None:
        return float(_checks.positive_array("floor", floor, 0))
    variances = x.var(axis=0)
    average = variances.mean()
    if not SHARE * average > 0:
        raise ValueError(f"floor must be given where no column of x varies, got None for x of shape {x.shape}")
    return SHARE * (average if shared else np.where(np.ptp(x, axis=0) > 0, variances, average))


def _linear_floor(floor: float | None, x: np.ndarray, shared_noise: bool) -> float | np.ndarray:
    """The floor of a linear model's noise: a number, or one for each column where the noise is."""
    return _floor(floor, x, shared=bool(shared_noise))


def _fits(name: str, parameters: np.ndarray, x: np.ndarray) -> None:
    if parameters.shape[1] != x.shape[1]:
        raise ValueError(f"{name} must have D = {x.shape[1]} as x has, got D = {parameters.shape[1]}")


def _enough(name: str, components: int, x: np.ndarray) -> None:
    if components > len(x):
        raise ValueError(f"{name} must be at most the number of points, got K = {components} for x of shape {x.shape}")
    if len(x) < 2:
        raise ValueError(f"x must have at least 2 rows, got shape {x.shape}")
    _not_constant(x)


def _not_constant(x: np.ndarray) -> None:
    constant = np.flatnonzero((np.ptp(x, axis=0) == 0) | (x.var(axis=0) == 0))  # the variance may underflow
    if len(constant):
        raise ValueError(
            f"x must have no constant column (its variance would be 0), got columns {constant.tolist()[:10]}"
        )


def _tolerance(value: float) -> float:
    value = float(_checks.real_array("tolerance", value, 0))
    if value < 0:
        raise ValueError(f"tolerance must not be negative, got {value:g}")
    return value


def _half_open(name: str, value: float) -> float:
    value = float(_checks.positive_array(name, value, 0))
    if value >= 0.5:
        raise ValueError(f"{name} must be below 1/2, got {value:g}")
    return value
