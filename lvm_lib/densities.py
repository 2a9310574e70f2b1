"""Log densities, log masses, entropies and divergences in closed form.

Axes: data first, dimensions last. A function either works elementwise (`log_normal` and the two discretised masses) or
sums over the last axis, the D dimensions of one point, and says so. A scalar counts as one dimension.
Units: nats everywhere, and log space throughout: a point far away gets a very negative number, never the log of 0.

A density and a mass are different rulers. `log_normal*` are densities: they may be positive and they change when x is
rescaled. `log_bernoulli`, `log_categorical` and `log_discretised_*` are masses: they are never above zero.

Every argument is checked first: TypeError where it is not numeric, ValueError where its shape or its values cannot be
right (NaN, infinity, a standard deviation of zero, a covariance that is not positive definite).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr

from . import _checks
from ._checks import count, describe, positive_array, real_array

__all__ = [
    "logsumexp",
    "cholesky_factor",
    "log_normal",
    "log_normal_diag",
    "log_normal_full",
    "log_normal_lowrank",
    "log_bernoulli",
    "log_categorical",
    "log_discretised_normal",
    "log_discretised_logistic",
    "entropy_normal_diag",
    "entropy_normal_full",
    "entropy_normal_lowrank",
    "entropy_bernoulli",
    "entropy_categorical",
    "kl_normal_diag",
    "kl_normal_full",
    "kl_bernoulli",
    "kl_categorical",
]

LOG_2PI = math.log(2 * math.pi)


# ---------------------------------------------------------------- sums in log space


def logsumexp(a: ArrayLike, axis: int | tuple[int, ...] | None = -1, weights: ArrayLike | None = None) -> np.ndarray:
    """Log of a (weighted) sum of exponentials: log sum_i w_i exp(a_i), without overflow or underflow.

    The largest term m is taken out first, log sum_i w_i exp(a_i) = m + log sum_i w_i exp(a_i - m), so that the sum
    holds a term of size one. An entry of `a` may be -inf (a term of zero); if all are, so is the result.

    a: array, finite or -inf. axis: the axis (or tuple of axes) that is summed; None sums all.
    weights: non-negative, broadcasts against `a`; None means ones.
    Raises ValueError for NaN, +inf, a negative weight or an axis that `a` does not have.
    """
    a = _log_values("a", a)
    if weights is not None:
        weights = real_array("weights", weights)
        if (weights < 0).any():
            raise ValueError(f"weights must be non-negative, got a smallest entry of {weights.min():g}")
        a, weights = _broadcast(a=a, weights=weights)
        a = np.where(weights > 0, a, -np.inf)  # a term of weight zero may not set the scale
    try:
        largest = a.max(axis=axis, keepdims=True)
    except np.exceptions.AxisError as error:
        raise ValueError(f"axis must be an axis of a, whose shape is {a.shape}, got {axis!r} ({error})") from None
    shift = np.where(np.isneginf(largest), 0.0, largest)
    terms = np.exp(a - shift) if weights is None else weights * np.exp(a - shift)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right answer where every term is zero
        return np.log(terms.sum(axis=axis)) + np.squeeze(shift, axis=axis)


def cholesky_factor(cov: ArrayLike, name: str = "cov") -> np.ndarray:
    """Lower triangular L with L L^T = cov, for one covariance (D, D) or a batch (..., D, D).

    Raises ValueError, under the given `name`, if `cov` is not square, not symmetric or not positive definite.
    """
    given, cov = cov, real_array(name, cov)
    if cov.ndim < 2 or cov.shape[-1] != cov.shape[-2]:
        raise ValueError(f"{name} must be a covariance matrix (..., D, D), got shape {cov.shape}")
    asymmetry = np.abs(cov - cov.swapaxes(-1, -2))
    if asymmetry.any() and (asymmetry > _asymmetry_allowed(given, cov)).any():
        raise ValueError(
            f"{name} must be symmetric, got entries that differ by {asymmetry.max():g} across the diagonal"
        )
    try:
        return np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(cov).min()
        raise ValueError(f"{name} must be positive definite, got a smallest eigenvalue of {smallest:g}") from None


def _asymmetry_allowed(given: ArrayLike, cov: np.ndarray) -> np.ndarray | float:
    """What rounding explains of |C_ij - C_ji|, (..., D, D): a share of sqrt(C_ii C_jj), by the type that came."""
    share = max(_checks.EXACT, 32 * _checks.precision(given))
    std = np.sqrt(np.abs(np.diagonal(cov, axis1=-2, axis2=-1)))
    return share * std[..., :, None] * std[..., None, :]


# ---------------------------------------------------------------- normal densities


def log_normal(x: ArrayLike, mean: ArrayLike, std: ArrayLike) -> np.ndarray:
    """Log density of a normal, elementwise: -(x - mean)^2 / (2 std^2) - log std - log(2 pi) / 2.

    x, mean and std > 0 broadcast against each other; the result has their common shape. Raises ValueError, TypeError.
    """
    x, mean, std = _broadcast(x=real_array("x", x), mean=real_array("mean", mean), std=positive_array("std", std))
    return -0.5 * ((x - mean) / std) ** 2 - np.log(std) - 0.5 * LOG_2PI


def log_normal_diag(x: ArrayLike, mean: ArrayLike, std: ArrayLike) -> np.ndarray:
    """Log density of a normal with independent dimensions: the sum of `log_normal` over the last axis.

    x (..., D); mean and std > 0 broadcast against x: (D,), (..., D) or a scalar. Returns (...).
    Raises ValueError, also where x has one dimension and mean or std have D: that is a slip, not a broadcast.
    """
    x, mean, std = (np.atleast_1d(real_array(n, v)) for n, v in (("x", x), ("mean", mean), ("std", std)))
    _same_dimension("x", x, mean=mean, std=std)
    return log_normal(x, mean, std).sum(axis=-1)


def log_normal_full(x: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> np.ndarray:
    """Log density of a normal with a full covariance C = L L^T (Cholesky).

        log N(x; mean, C) = -1/2 |L^-1 (x - mean)|^2 - sum_d log L_dd - D/2 log(2 pi)

    x and mean (..., D); cov (D, D), or one per point, (..., D, D). Returns (...). Raises ValueError, TypeError.
    """
    x, mean = np.atleast_1d(real_array("x", x)), np.atleast_1d(real_array("mean", mean))
    factor = cholesky_factor(cov)
    _same_dimension("x", x, mean=mean)
    _same_dimension("x", x, exact=True, cov=factor)
    x, mean = _broadcast(x=x, mean=mean)
    white = _whiten(factor, x - mean)
    return -0.5 * (white**2).sum(axis=-1) - _half_log_det(factor) - 0.5 * x.shape[-1] * LOG_2PI


def log_normal_lowrank(x: ArrayLike, mean: ArrayLike, loadings: ArrayLike, noise: ArrayLike) -> np.ndarray:
    """Log density of a normal with covariance C = W W^T + diag(noise), without ever forming the D x D matrix.

    Divide each dimension by its noise standard deviation; what is left of C is I + V V^T with V = W / sqrt(noise).
    With the singular value decomposition V = U S Z^T its eigenvalues are 1 + s_j^2 along the columns u_j of U, and 1
    in every direction at right angles to them. This is Woodbury's identity read along those axes:

        r^T (I + V V^T)^-1 r = |r - U U^T r|^2 + sum_j (u_j . r)^2 / (1 + s_j^2)        (no term is negative)
        log det C            = sum_d log noise_d + sum_j log(1 + s_j^2)

    x and mean (..., D); loadings W (D, d); noise: *variance*, a scalar (PPCA) or (D,) (factor analysis).
    Returns (...). Raises ValueError, TypeError. Tipping & Bishop (1999) give this normal as PPCA's evidence.
    """
    x, mean = np.atleast_1d(real_array("x", x)), np.atleast_1d(real_array("mean", mean))
    noise, axes, stretch = _lowrank_axes(loadings, noise)
    _same_dimension("x", x, mean=mean)
    _same_dimension("x", x, exact=True, loadings=axes.T)
    x, mean = _broadcast(x=x, mean=mean)
    residual = (x - mean) / np.sqrt(noise)  # r  (..., D)
    along = residual @ axes  # u_j . r  (..., d)
    outside = residual - along @ axes.T  # r - U U^T r
    distance = (outside**2).sum(axis=-1) + (along**2 / (1 + stretch)).sum(axis=-1)
    log_det = np.log(noise).sum() + np.log1p(stretch).sum()
    return -0.5 * (distance + log_det + x.shape[-1] * LOG_2PI)


# ---------------------------------------------------------------- masses


def log_bernoulli(x: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Log mass of binary pixels: sum_d [x_d log p_d + (1 - x_d) log(1 - p_d)] with p = sigmoid(logits). [vae-bernoulli]

    Computed as -softplus(-l) where x = 1 and -softplus(l) where x = 0, which loses nothing when p is near 0 or 1.
    x (..., D) holds only 0 and 1: for grey pixels this is not a likelihood, and a ValueError says so.
    logits (..., D). Returns (...), the sum over the last axis.
    """
    x, logits = np.atleast_1d(real_array("x", x)), np.atleast_1d(real_array("logits", logits))
    if not np.isin(x, (0, 1)).all():
        raise ValueError(
            "x must hold only 0 and 1 (binarise grey pixels, or use a likelihood for grey values), "
            f"got values from {x.min():g} to {x.max():g}"
        )
    _same_dimension("x", x, logits=logits)
    x, logits = _broadcast(x=x, logits=logits)
    return -np.logaddexp(0.0, (1 - 2 * x) * logits).sum(axis=-1)


def log_categorical(index: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Log mass of one category out of K: l_index - logsumexp(l).

    index (...): integers 0..K-1; logits (..., K), which need not be normalised. Returns (...), index and the leading
    axes of the logits broadcast. Raises ValueError for an index outside 0..K-1.
    """
    logits = np.atleast_1d(real_array("logits", logits))
    index = _integers("index", index, logits.shape[-1])
    log_p = _log_softmax(logits)
    index, _ = _broadcast(index=index, logits=log_p[..., 0])
    log_p = np.broadcast_to(log_p, (*index.shape, logits.shape[-1]))
    return np.take_along_axis(log_p, index[..., None].astype(np.intp), axis=-1)[..., 0]


def log_discretised_normal(x: ArrayLike, mean: ArrayLike, std: ArrayLike, levels: int = 256) -> np.ndarray:
    """Log *mass* of an integer pixel under a normal cut into bins: log[Phi(b) - Phi(a)], elementwise.

    The bin of x is [x - 1/2, x + 1/2]; a and b are its edges in units of std from the mean. The bins of the darkest
    and of the brightest level are open to -inf and +inf, so that the masses of all levels sum to one.

    x: integers 0..levels-1; mean and std > 0, in the same units as x, broadcast. Raises ValueError, TypeError.
    """
    x, mean, std, below, above = _pixel_arguments(x, mean, std, "std", levels)
    low, high, width = (x - 0.5 - mean) / std, (x + 0.5 - mean) / std, 1 / std
    # Phi is accurate on the left only: mirror a bin on the right, Phi(b) - Phi(a) = Phi(-a) - Phi(-b).
    right = low + high > 0
    near, far = np.where(right, -low, high), np.where(right, -high, low)
    log_near, log_far = log_ndtr(near), log_ndtr(far)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = log_near + np.log(-np.expm1(log_far - log_near))
        # A bin far narrower than the curve bends: the difference cancels, so take the curve at the bin's middle,
        # width phi(c) [1 + (c^2 - 1) width^2 / 24], whose next term is below 1e-15.
        centre = (x - mean) / std
        narrow = -0.5 * (centre**2 + LOG_2PI) + np.log(width) + np.log1p((centre**2 - 1) * width**2 / 24)
        inside = np.where(width * np.maximum(1, np.abs(centre)) < 1e-3, narrow, inside)
    inside = np.where(np.isneginf(log_near), -np.inf, inside)  # beyond 1e154 standard deviations the log overflows
    return np.where(below, log_ndtr(high), np.where(above, log_ndtr(-low), inside))


def log_discretised_logistic(x: ArrayLike, mean: ArrayLike, scale: ArrayLike, levels: int = 256) -> np.ndarray:
    """Log *mass* of an integer pixel under a logistic cut into bins: log[sigmoid(b) - sigmoid(a)], elementwise.

    Bins and open edges as in `log_discretised_normal`. The difference has a product form that never cancels:

        sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) [1 - exp(-(b - a))],   b - a = 1 / scale

    x: integers 0..levels-1; mean and scale > 0 in the units of x, broadcast (the standard deviation is
    scale pi / sqrt 3). Raises ValueError, TypeError. Salimans et al. (2017), PixelCNN++, section 2.1.
    """
    x, mean, scale, below, above = _pixel_arguments(x, mean, scale, "scale", levels)
    log_below_high = -np.logaddexp(0.0, -(x + 0.5 - mean) / scale)  # log sigmoid(b)
    log_above_low = -np.logaddexp(0.0, (x - 0.5 - mean) / scale)  # log sigmoid(-a)
    inside = log_below_high + log_above_low + np.log(-np.expm1(-1 / scale))
    return np.where(below, log_below_high, np.where(above, log_above_low, inside))


# ---------------------------------------------------------------- entropies


def entropy_normal_diag(std: ArrayLike) -> np.ndarray:
    """Differential entropy of a normal with independent dimensions: sum_d log std_d + D/2 log(2 pi e).

    std (..., D) > 0. Returns (...). It may be negative: a density narrower than 1/sqrt(2 pi e) has less than 0 nats.
    Raises TypeError or ValueError where std cannot be right.
    """
    std = np.atleast_1d(positive_array("std", std))
    return np.log(std).sum(axis=-1) + 0.5 * std.shape[-1] * (LOG_2PI + 1)


def entropy_normal_full(cov: ArrayLike) -> np.ndarray:
    """Differential entropy of a normal: 1/2 log det C + D/2 log(2 pi e). cov (..., D, D); returns (...).

    Raises TypeError or ValueError where cov cannot be right.
    """
    factor = cholesky_factor(cov)
    return _half_log_det(factor) + 0.5 * factor.shape[-1] * (LOG_2PI + 1)


def entropy_normal_lowrank(loadings: ArrayLike, noise: ArrayLike) -> np.ndarray:
    """Differential entropy of a normal with covariance W W^T + diag(noise): one number.

    loadings W (D, d); noise: variance, scalar or (D,). Raises ValueError, TypeError.
    """
    noise, _, stretch = _lowrank_axes(loadings, noise)
    return 0.5 * (np.log(noise).sum() + np.log1p(stretch).sum() + noise.size * (LOG_2PI + 1))


def entropy_bernoulli(probability: ArrayLike) -> np.ndarray:
    """Entropy of independent binary pixels: -sum_d [p_d log p_d + (1 - p_d) log(1 - p_d)], with 0 log 0 = 0.

    probability (..., D) in [0, 1]. Returns (...), at most D log 2.
    Raises TypeError or ValueError where probability cannot be right.
    """
    p = np.atleast_1d(_unit_interval("probability", probability))
    return -(_x_log_x(p) + _x_log_x(1 - p)).sum(axis=-1)


def entropy_categorical(probabilities: ArrayLike) -> np.ndarray:
    """Entropy of one choice out of K: -sum_k p_k log p_k, with 0 log 0 = 0.

    probabilities (..., K), non-negative and summing to one. Returns (...), at most log K.
    Raises TypeError or ValueError where probabilities cannot be right.
    """
    return -_x_log_x(_distribution("probabilities", probabilities)).sum(axis=-1)


# ---------------------------------------------------------------- Kullback-Leibler divergences, KL(q || p)


def kl_normal_diag(mean_q: ArrayLike, std_q: ArrayLike, mean_p: ArrayLike = 0.0, std_p: ArrayLike = 1.0) -> np.ndarray:
    """KL(q || p) of normals with independent dimensions; by default against the standard normal prior.

        sum_d { log(s_p / s_q) + [s_q^2 + (m_q - m_p)^2] / (2 s_p^2) - 1/2 }

    All (..., D), broadcasting; stds > 0. Returns (...). Kingma & Welling (2014), appendix B.
    Raises TypeError or ValueError where mean_q, std_q, mean_p or std_p cannot be right.
    """
    mean_q, std_q, mean_p, std_p = _broadcast(
        mean_q=np.atleast_1d(real_array("mean_q", mean_q)),
        std_q=positive_array("std_q", std_q),
        mean_p=real_array("mean_p", mean_p),
        std_p=positive_array("std_p", std_p),
    )
    ratio, shift = std_q / std_p, (mean_q - mean_p) / std_p
    return (0.5 * (ratio**2 + shift**2 - 1) - np.log(ratio)).sum(axis=-1)


def kl_normal_full(mean_q: ArrayLike, cov_q: ArrayLike, mean_p: ArrayLike, cov_p: ArrayLike) -> np.ndarray:
    """KL(q || p) of normals with full covariances C_q and C_p = L L^T. [kl-gaussian]

        1/2 { tr(C_p^-1 C_q) + |L^-1 (m_q - m_p)|^2 - D + log det C_p - log det C_q }

    means (..., D); covariances (D, D) or (..., D, D). Returns (...). Raises ValueError, TypeError.
    """
    mean_q, mean_p = np.atleast_1d(real_array("mean_q", mean_q)), np.atleast_1d(real_array("mean_p", mean_p))
    factor_q, factor_p = cholesky_factor(cov_q, "cov_q"), cholesky_factor(cov_p, "cov_p")
    _same_dimension("mean_q", mean_q, exact=True, mean_p=mean_p, cov_q=factor_q, cov_p=factor_p)
    mean_q, mean_p = _broadcast(mean_q=mean_q, mean_p=mean_p)
    trace = (np.linalg.solve(factor_p, factor_q) ** 2).sum(axis=(-1, -2))  # |L_p^-1 L_q|^2 = tr(C_p^-1 C_q)
    shift = (_whiten(factor_p, mean_q - mean_p) ** 2).sum(axis=-1)
    return 0.5 * (trace + shift - mean_q.shape[-1]) + _half_log_det(factor_p) - _half_log_det(factor_q)


def kl_bernoulli(q: ArrayLike, p: ArrayLike) -> np.ndarray:
    """KL(q || p) of independent binary pixels: sum_d of the two-term KL, with 0 log 0 = 0.

    q, p (..., D): probabilities of a one, in [0, 1], broadcasting. Returns (...); +inf where q gives mass to a value
    that p rules out.
    Raises TypeError or ValueError where q or p cannot be right.
    """
    q, p = _broadcast(q=np.atleast_1d(_unit_interval("q", q)), p=_unit_interval("p", p))
    return (_relative(q, p) + _relative(1 - q, 1 - p)).sum(axis=-1)


def kl_categorical(q: ArrayLike, p: ArrayLike) -> np.ndarray:
    """KL(q || p) = sum_k q_k log(q_k / p_k), with 0 log 0 = 0. [kl-definition]

    q, p (..., K), each summing to one. Returns (...); +inf where q gives mass to a category that p rules out.
    Raises TypeError or ValueError where q or p cannot be right.
    """
    q, p = _distribution("q", q), _distribution("p", p)
    _same_dimension("q", q, exact=True, p=p)
    q, p = _broadcast(q=q, p=p)
    return _relative(q, p).sum(axis=-1)


# ---------------------------------------------------------------- the parts that several functions share


def _half_log_det(factor: np.ndarray) -> np.ndarray:
    """1/2 log det C from its Cholesky factor: the sum of the logs of the diagonal."""
    return np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)


def _whiten(factor: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """L^-1 d for every d. Leading axes that only d has become the columns of one solve per L."""
    try:
        batch = np.broadcast_shapes(difference.shape[:-1], factor.shape[:-2])
    except ValueError:
        raise ValueError(
            f"cov must be one matrix (D, D) or one per point, got a batch {factor.shape[:-2]} "
            f"for points {difference.shape[:-1]}"
        ) from None
    difference = np.broadcast_to(difference, (*batch, difference.shape[-1]))
    own = difference.ndim - (factor.ndim - 1)  # number of leading axes that only d has
    columns = np.moveaxis(difference.reshape(-1, *difference.shape[own:]), 0, -1)  # (..., D, points)
    white = np.linalg.solve(factor, columns)
    return np.moveaxis(white, -1, 0).reshape(difference.shape)


def _lowrank_axes(loadings: ArrayLike, noise: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise variances (D,), axes U (D, min(D, d)) and squared singular values s^2 of V = W / sqrt(noise)."""
    loadings, noise = real_array("loadings", loadings, 2), positive_array("noise", noise)
    if noise.shape not in ((), (len(loadings),)):
        raise ValueError(
            f"noise must be a scalar or have shape ({len(loadings)},) as loadings {loadings.shape} do, "
            f"got shape {noise.shape}"
        )
    noise = np.broadcast_to(noise, (len(loadings),))
    axes, singular, _ = np.linalg.svd(loadings / np.sqrt(noise)[:, None], full_matrices=False)  # (D, r), (r,)
    if singular[0] > 1e150:
        raise ValueError(
            f"loadings must be within 1e150 standard deviations of the noise, got a singular value of "
            f"{singular[0]:g} of them"
        )
    return noise, axes, singular**2


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """l_k - logsumexp(l) as (l_k - l_top) - log1p(sum of the others): two terms of one sign, so nothing cancels."""
    top = logits.argmax(axis=-1, keepdims=True)
    below = logits - np.take_along_axis(logits, top, axis=-1)
    others = np.exp(below)
    np.put_along_axis(others, top, 0.0, axis=-1)
    return below - np.log1p(others.sum(axis=-1, keepdims=True))


def _x_log_x(x: np.ndarray) -> np.ndarray:
    """x log x, and 0 at x = 0."""
    return x * np.log(np.where(x > 0, x, 1.0))


def _relative(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """q log(q / p), 0 where q = 0, +inf where only p = 0."""
    with np.errstate(divide="ignore"):
        return np.where(q > 0, q * (np.log(np.where(q > 0, q, 1.0)) - np.log(np.where(q > 0, p, 1.0))), 0.0)


def _log_values(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as float64 in which -inf, the log of zero, is allowed; NaN and +inf are not."""
    array = _checks.float_array(name, value)
    real_array(name, np.where(np.isneginf(array), 0.0, array))
    return array


def _distribution(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as probabilities (..., K) that sum to one along an axis that exists."""
    return _checks.probabilities(name, value)


def _unit_interval(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as an array of numbers in [0, 1]; what rounding pushed over the edge is put back."""
    array = real_array(name, value)
    over = max(-array.min(), array.max() - 1)
    if over <= 0:
        return array
    if over > 4 * _checks.precision(value):
        raise ValueError(f"{name} must lie in [0, 1], got values from {array.min():g} to {array.max():g}")
    return np.clip(array, 0.0, 1.0)


def _integers(name: str, value: ArrayLike, levels: int) -> np.ndarray:
    """`value` as int64 in 0..levels-1; a float array of whole numbers is welcome."""
    array = real_array(name, value)
    if (array != np.round(array)).any() or array.min() < 0 or array.max() > levels - 1:
        raise ValueError(
            f"{name} must hold integers from 0 to {levels - 1}, got {describe(value)} "
            f"with values from {array.min():g} to {array.max():g}"
        )
    return array.astype(np.int64)


def _pixel_arguments(
    x: ArrayLike, mean: ArrayLike, spread: ArrayLike, spread_name: str, levels: int
) -> tuple[np.ndarray, ...]:
    """Checked and broadcast arguments of a discretised mass, and where the darkest and brightest levels are."""
    levels = count("levels", levels, 2)
    x = _integers("x", x, levels)
    x, mean, spread = _broadcast(
        **{"x": x, "mean": real_array("mean", mean), spread_name: positive_array(spread_name, spread)}
    )
    return x, mean, spread, x == 0, x == levels - 1


def _broadcast(**arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The arrays brought to one shape; a ValueError names them and their shapes where that is impossible."""
    try:
        return np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise ValueError(f"{', '.join(arrays)} must broadcast to one shape, got {shapes}") from None


def _same_dimension(name: str, array: np.ndarray, *, exact: bool = False, **others: np.ndarray) -> None:
    """Refuse a last axis that differs from that of `array`; one entry, shared by all dimensions, unless `exact`."""
    dimension = array.shape[-1]
    for other, value in others.items():
        if value.shape[-1] != dimension and (exact or value.shape[-1] != 1):
            raise ValueError(
                f"{other} must have {dimension} dimensions as {name} has (shape {array.shape}), got {value.shape[-1]}"
            )
