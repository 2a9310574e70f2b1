"""A noisy curve: one-dimensional z through any decoder, exact by quadrature.

    z ~ N(0, 1),    x | z ~ N(g(z), diag(std^2)),    g: a curve in D dimensions

The smallest model with a non-linear generator: evidence and posterior have no formula, but a sum over a fine grid of z
gives both to as many digits as wanted. Data x is (n, D), latents z are (n, 1) or (k, n, 1), a grid has m points;
results are in nats per data point. `QuadraticCurve` also has the ELBO of any Gaussian q in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from . import _checks
from .bounds import ClosedElboTerms, GaussianQ, GridQ
from .densities import LOG_2PI, entropy_normal_full, kl_normal_full, log_normal, log_normal_diag
from .quadrature import Grid, adaptive_line, log_integral, normalised

__all__ = ["Curve", "QuadraticCurve", "TanhNetwork", "tanh_network"]


class _NoisyCurve:
    """What every curve shares. A subclass offers `decode`, `std` and `dimensions`."""

    std: float | np.ndarray
    if TYPE_CHECKING:

        @property
        def dimensions(self) -> int: ...

        def decode(self, z: ArrayLike) -> np.ndarray: ...

    def log_px_z(self, x: ArrayLike, z: ArrayLike) -> np.ndarray:
        """log p(x | z) = log N(x; g(z), diag(std^2)): (n,) for z (n, 1), (k, n) for z (k, n, 1).

        Raises TypeError or ValueError where x or z cannot be right.
        """
        x, z = self._points(x), _checks.real_array("z", z)
        if z.ndim not in (2, 3) or z.shape[-2:] != (len(x), 1):
            raise ValueError(f"z must have shape (n, 1) or (k, n, 1) with n = {len(x)} as in x, got {z.shape}")
        return log_normal_diag(x, self.decode(z), self.std)

    def log_joint(self, x: ArrayLike, z: ArrayLike) -> np.ndarray:
        """log p(x, z) = log p(x | z) + log N(z; 0, 1): (n,) for z (n, 1), (k, n) for z (k, n, 1). [lvm-joint]

        Raises TypeError or ValueError where x or z cannot be right.
        """
        return self.log_px_z(x, z) + log_normal(_checks.real_array("z", z)[..., 0], 0.0, 1.0)

    def log_joint_on(self, x: ArrayLike, grid: Grid) -> np.ndarray:
        """log p(x, z) for every x at every grid point, (n, m).

        Raises TypeError or ValueError where x or grid cannot be right.
        """
        x = self._points(x)
        return self._log_joint_at(x, _latent_grid(grid).points)

    def settled_grid(self, x: ArrayLike, tolerance: float = 1e-9) -> Grid:
        """One line grid for all x, on which log p(x) moves by at most `tolerance` nats when its spacing is halved.

        Its spacing is at most half of every posterior's standard deviation, and at its ends the joint has fallen by
        40 nats (`quadrature.adaptive_line`). Raises ValueError if no such grid has at most 2^17 + 1 points.
        """
        x = self._points(x)
        return _settled(lambda points: self._log_joint_at(x, points), tolerance)

    def evidence(self, x: ArrayLike, grid: Grid | None = None) -> np.ndarray:
        """log p(x) = log integral of p(x | z) N(z; 0, 1) dz, (n,), by quadrature.

        [lvm-curve-evidence] [lvm-infinite-mixture]

        grid: points and weights of an integral over dz (`quadrature.line`), taken as it is: too coarse a grid gives
        wrong nats. None takes `settled_grid(x)`, which is checked by halving.
        Raises TypeError or ValueError where x or grid cannot be right.
        """
        grid = self.settled_grid(x) if grid is None else grid
        return log_integral(self.log_joint_on(x, grid), grid)

    def posterior(self, x: ArrayLike, grid: Grid | None = None) -> GridQ:
        """p(z | x), one density on a line for each x, straight between the grid's points.

        grid: as in `evidence`; None takes `settled_grid(x)`. Raises TypeError or ValueError where x or grid do not fit.
        """
        grid = self.settled_grid(x) if grid is None else grid
        return GridQ(_latent_grid(grid).points[:, 0], self.log_joint_on(x, grid))

    def log_posterior_on(self, x: ArrayLike, grid: Grid) -> np.ndarray:
        """log p(z | x) at the grid's points, (n, m), normalised on that grid (`settled_grid(x)` gives a safe one).

        Raises TypeError or ValueError where x or grid do not fit.
        [elbo-bayes]
        """
        return normalised(self.log_joint_on(x, grid), grid)

    def kl_to_posterior(self, q: GaussianQ, x: ArrayLike, grid: Grid | None = None) -> np.ndarray:
        """KL(q(z) || p(z | x)), (n,), by quadrature, q and posterior normalised on the same grid.

        None takes a grid on which both log p(x) and the mass of q have settled.
        Raises TypeError or ValueError where q, x or grid cannot be right.
        """
        x = self._points(x)
        mean, std = _mean_and_std(q, len(x))

        def log_q_at(points: np.ndarray) -> np.ndarray:
            return log_normal(points[:, 0], mean[:, None], std[:, None])  # (m,) against (n, 1): (n, m)

        if grid is None:
            grid = _settled(lambda points: np.concatenate([self._log_joint_at(x, points), log_q_at(points)]))
        log_qz = normalised(log_q_at(_latent_grid(grid).points), grid)
        log_ratio = log_qz - self.log_posterior_on(x, grid)
        return (np.exp(log_qz + grid.log_weights) * log_ratio).sum(axis=1)

    def sample(self, n: int, rng: np.random.Generator | int) -> tuple[np.ndarray, np.ndarray]:
        """Ancestral sampling: z (n, 1) from the prior, then x (n, D) from the generator; returns (x, z).

        [lvm-ancestral]
        Raises TypeError or ValueError where n or rng cannot be right.
        """
        n, generator = _checks.count("n", n), _checks.rng("rng", rng)
        z = generator.standard_normal((n, 1))
        x = self.decode(z) + self.std * generator.standard_normal((n, self.dimensions))
        return x, z

    def _log_joint_at(self, x: np.ndarray, points: np.ndarray) -> np.ndarray:  # (n, m)
        std = np.broadcast_to(self.std, (self.dimensions,))
        distance = _squared_distances(x / std, self.decode(points) / std)
        return -(distance + points[:, 0] ** 2 + (self.dimensions + 1) * LOG_2PI) / 2 - np.log(std).sum()

    def _points(self, x: ArrayLike) -> np.ndarray:
        x = _checks.real_array("x", x, 2)
        if x.shape[1] != self.dimensions:
            raise ValueError(f"x must have D = {self.dimensions} columns, got shape {x.shape}")
        return x


@dataclass(frozen=True, eq=False)
class Curve(_NoisyCurve):
    """p(x, z) = N(z; 0, 1) N(x; decoder(z), diag(std^2)).

    decoder: a function from (m, 1) to (m, D), row by row.  std: a number or (D,), positive (a standard deviation).
    Raises TypeError or ValueError if the decoder cannot be called, returns another shape or anything not finite, or
    if std does not fit.
    """

    decoder: Callable
    std: float | np.ndarray

    def __post_init__(self) -> None:
        if not callable(self.decoder):
            raise TypeError(f"decoder must be a function from (m, 1) to (m, D), got {_checks.describe(self.decoder)}")
        std = _checks.positive_array("std", self.std).copy()
        dimensions = self.dimensions  # also tries the decoder
        if std.ndim and std.shape != (dimensions,):
            raise ValueError(
                f"std must be a number or have shape ({dimensions},) as the decoder has columns, got shape {std.shape}"
            )
        std.setflags(write=False)
        object.__setattr__(self, "std", std if std.ndim else float(std))

    @property
    def dimensions(self) -> int:
        """Number of columns of the decoder, D."""
        return self.decode(np.zeros((1, 1))).shape[1]

    def decode(self, z: ArrayLike) -> np.ndarray:
        """The curve g(z): (..., 1) to (..., D).

        Raises TypeError or ValueError where z cannot be right.
        """
        z = _latents(z)
        flat = z.reshape(-1, 1)  # (m, 1)
        means = _checks.real_array("decoder(z)", self.decoder(flat), 2)
        if len(means) != len(flat):
            raise ValueError(f"decoder must turn (m, 1) into (m, D), got {means.shape} from {flat.shape}")
        return means.reshape(*z.shape[:-1], means.shape[1])


@dataclass(frozen=True)
class QuadraticCurve(_NoisyCurve):
    """g(z) = slope z + bend z^2 / 2 in one dimension: the simplest bend, with a closed-form ELBO. [elbo-toy]

    With bend = 0 the model is linear-Gaussian and its posterior is Gaussian; with a bend it is not, and no Gaussian q
    closes the gap. slope, bend, std: numbers, std > 0. Raises TypeError or ValueError otherwise.
    """

    slope: float
    bend: float
    std: float

    def __post_init__(self) -> None:
        for name in ("slope", "bend"):
            object.__setattr__(self, name, float(_checks.real_array(name, getattr(self, name), 0)))
        object.__setattr__(self, "std", float(_checks.positive_array("std", self.std, 0)))

    @property
    def dimensions(self) -> int:
        """Number of columns of x: one."""
        return 1

    def decode(self, z: ArrayLike) -> np.ndarray:
        """The curve g(z) = slope z + bend z^2 / 2: (..., 1) to (..., 1).

        Raises TypeError or ValueError where z cannot be right.
        """
        z = _latents(z)
        return self.slope * z + self.bend * z**2 / 2

    def elbo_terms(self, q: GaussianQ, x: ArrayLike) -> ClosedElboTerms[np.ndarray]:
        """The ELBO's terms for q = N(m, v), in closed form: g is a polynomial, so moments up to the fourth suffice.

        E_q g   = slope m + bend (m^2 + v) / 2
        var_q g = (slope + bend m)^2 v + bend^2 v^2 / 2
        E_q log p(x | z) = log N(x; E_q g, std^2) - var_q g / (2 std^2)

        Raises TypeError or ValueError where q or x cannot be right.
        [elbo-toy-reconstruction]
        """
        x = self._points(x)
        mean, q_std = _mean_and_std(q, len(x))
        variance = q_std**2
        mean_g = self.slope * mean + self.bend * (mean**2 + variance) / 2
        variance_g = (self.slope + self.bend * mean) ** 2 * variance + self.bend**2 * variance**2 / 2
        reconstruction = log_normal(x[:, 0], mean_g, self.std) - variance_g / (2 * self.std**2)
        log_prior = log_normal(mean, 0.0, 1.0) - variance / 2
        return ClosedElboTerms(
            reconstruction=reconstruction,
            kl=kl_normal_full(q.mean, q.cov, np.zeros(1), np.eye(1)),
            expected_log_joint=reconstruction + log_prior,
            entropy=entropy_normal_full(q.cov),
        )

    def elbo(self, q: GaussianQ, x: ArrayLike) -> np.ndarray:
        """E_q[log p(x, z) - log q(z)], (n,), in closed form: no samples and no grid.

        Raises TypeError or ValueError where q or x cannot be right.
        """
        return self.elbo_terms(q, x).elbo


@dataclass(frozen=True, eq=False)
class TanhNetwork:
    """A decoder with one hidden layer, g(z) = tanh(z A + a) B + b: (m, 1) to (m, D).

    hidden_weights: A, (1, H).  hidden_bias: a, (H,).  output_weights: B, (H, D).  output_bias: b, (D,).
    Raises TypeError or ValueError if shapes disagree or an entry is not finite.
    """

    hidden_weights: np.ndarray
    hidden_bias: np.ndarray
    output_weights: np.ndarray
    output_bias: np.ndarray

    def __post_init__(self) -> None:
        axes = {"hidden_weights": 2, "hidden_bias": 1, "output_weights": 2, "output_bias": 1}
        for name, ndim in axes.items():
            array = _checks.real_array(name, getattr(self, name), ndim).copy()
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        hidden, dimensions = self.output_weights.shape
        expected = {"hidden_weights": (1, hidden), "hidden_bias": (hidden,), "output_bias": (dimensions,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape} to fit output_weights {self.output_weights.shape}, "
                    f"got {getattr(self, name).shape}"
                )

    def __call__(self, z: ArrayLike) -> np.ndarray:
        """g(z), (m, 1) to (m, D)."""
        return np.tanh(_latents(z) @ self.hidden_weights + self.hidden_bias) @ self.output_weights + self.output_bias


def tanh_network(dimensions: int, hidden: int, rng: np.random.Generator | int, gain: float = 1.5) -> TanhNetwork:
    """A random `TanhNetwork`: slopes and biases N(0, gain^2), outputs N(0, 1 / hidden), no output bias.

    A larger `gain` bends the curve more often. rng: a generator or a seed.
    Raises TypeError or ValueError where dimensions, hidden, rng or gain cannot be right.
    """
    dimensions, hidden = _checks.count("dimensions", dimensions), _checks.count("hidden", hidden)
    gain, generator = float(_checks.positive_array("gain", gain, 0)), _checks.rng("rng", rng)
    return TanhNetwork(
        gain * generator.standard_normal((1, hidden)),
        gain * generator.standard_normal(hidden),
        generator.standard_normal((hidden, dimensions)) / np.sqrt(hidden),
        np.zeros(dimensions),
    )


def _settled(log_values_at: Callable[[np.ndarray], np.ndarray], tolerance: float = 1e-9) -> Grid:
    """One line for all rows of log_values_at(points (m, 1)) -> (rows, m), found and checked by `adaptive_line`."""
    try:
        return adaptive_line(log_values_at, -8.0, 8.0, tolerance=tolerance)
    except ValueError as error:
        raise ValueError(
            f"the integral over z must settle on a grid (is a standard deviation too small, or x too far "
            f"away?): {error}"
        ) from error


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|^2, (n, m): by one matrix product where that loses less than 1e-10, else difference by difference."""
    centre = b.mean(axis=0)
    squares_a, squares_b = ((a - centre) ** 2).sum(axis=1), ((b - centre) ** 2).sum(axis=1)
    if (squares_a.max() + squares_b.max()) * np.finfo(float).eps > 1e-10:
        return cdist(a, b, "sqeuclidean")
    return np.maximum(squares_a[:, None] + squares_b - 2 * (a - centre) @ (b - centre).T, 0)  # (n, 1), (m,), (n, m)


def _latents(z: ArrayLike) -> np.ndarray:
    z = _checks.real_array("z", z)
    if z.ndim < 2 or z.shape[-1] != 1:
        raise ValueError(f"z must have shape (..., m, 1), got {z.shape}")
    return z


def _latent_grid(grid: Grid) -> Grid:
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a quadrature.Grid, got {_checks.describe(grid)}")
    if grid.points.ndim != 2 or grid.points.shape[1] != 1:
        raise ValueError(f"grid must have points of shape (m, 1), got {grid.points.shape}")
    return grid


def _mean_and_std(q: GaussianQ, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation, (n,) each, of a one-dimensional GaussianQ."""
    if not isinstance(q, GaussianQ):
        raise TypeError(f"q must be a GaussianQ, got {_checks.describe(q)}")
    if q.mean.shape != (n, 1):
        raise ValueError(f"q must have a mean of shape (n, 1) = {(n, 1)}, got {q.mean.shape}")
    return q.mean[:, 0], np.sqrt(q.cov[:, 0, 0])
