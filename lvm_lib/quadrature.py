"""Integrals over one or two latent dimensions, to the last digits: the route to an evidence that needs no bound.

A rule is a `Grid`: points z_i and log weights log w_i, so that an integral becomes a sum, and stays in log space:

    log integral f(z) dz  ~  log sum_i w_i f(z_i) = logsumexp_i [log w_i + log f(z_i)]

`line` and `plane` are trapezoid rules. For a smooth f that has died out at both ends they converge faster than any
power of the spacing, because every correction of the Euler-Maclaurin formula sits at the ends. `hermite` integrates
against a normal and is exact for polynomials. `adaptive_line` and `adaptive_plane` look for the mass of f first and
then halve the spacing until the answer stands still.

Axes: points (m, d), log weights (m,); values on a grid have the grid as their *last* axis, (..., m). Units: nats.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ._checks import count, describe, positive_array, real_array
from .densities import _log_values, logsumexp

__all__ = [
    "Grid",
    "line",
    "plane",
    "product",
    "hermite",
    "log_integral",
    "normalised",
    "moments",
    "adaptive_line",
    "adaptive_plane",
]

NEGLIGIBLE = 40.0  # nats below the peak: exp(-40) is 4e-18 of it, less than float64 can add to one


@dataclass(frozen=True, eq=False)
class Grid:
    """A quadrature rule: points (m, d) and log_weights (m,), with integral f dz ~ sum_i exp(log_weights_i) f(z_i).

    Raises ValueError where the shapes do not fit or a value is not finite.
    """

    points: np.ndarray
    log_weights: np.ndarray

    def __post_init__(self) -> None:
        points, log_weights = real_array("points", self.points, 2), real_array("log_weights", self.log_weights, 1)
        if len(points) != len(log_weights):
            raise ValueError(f"points and log_weights must have one length, got {points.shape} and {log_weights.shape}")
        for name, array in (("points", points), ("log_weights", log_weights)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.points)


# ---------------------------------------------------------------- rules


def line(low: float, high: float, m: int) -> Grid:
    """Trapezoid rule on [low, high] with m >= 2 points: the weight is the spacing, and half of it at both ends.

    Its error for a smooth f that is negligible at both ends falls faster than any power of the spacing.
    Raises TypeError or ValueError where low, high or m cannot be right.
    """
    low, high = _interval(low, high)
    m = count("m", m, 2)
    log_weights = np.full(m, math.log((high - low) / (m - 1)))
    log_weights[[0, -1]] -= math.log(2)
    return Grid(np.linspace(low, high, m)[:, None], log_weights)  # (m, 1), (m,)


def product(*grids: Grid) -> Grid:
    """The rule on the product space: every combination of points, weights multiplied.

    The first grid's coordinates come first and vary slowest: values of `product(a, b)` reshape to (len(a), len(b)).
    Raises TypeError where grids cannot be right.
    """
    if not grids or not all(isinstance(grid, Grid) for grid in grids):
        raise TypeError(f"grids must be one or more Grid, got {', '.join(map(describe, grids)) or 'none'}")
    index = np.indices([len(grid) for grid in grids]).reshape(len(grids), -1)  # (number of grids, m)
    points = np.concatenate([grid.points[i] for grid, i in zip(grids, index, strict=True)], axis=1)  # (m, d)
    return Grid(points, functools.reduce(np.add, [grid.log_weights[i] for grid, i in zip(grids, index, strict=True)]))


def plane(low: ArrayLike, high: ArrayLike, m: int) -> Grid:
    """Trapezoid rule on a rectangle: `product(line, line)`, m x m points; values reshape to (m, m).

    low and high: a scalar for both axes, or one number per axis; m: an integer, or one per axis.
    Raises TypeError or ValueError where low, high or m cannot be right.
    """
    low, high = _pair("low", low), _pair("high", high)
    m_first, m_second = m if isinstance(m, (tuple, list)) and len(m) == 2 else (m, m)
    return product(line(low[0], high[0], m_first), line(low[1], high[1], m_second))


def hermite(m: int, mean: ArrayLike = 0.0, std: ArrayLike = 1.0) -> Grid:
    """Gauss-Hermite rule against a normal: integral f(z) N(z; mean, std^2) dz = sum_i w_i f(z_i).

    Exact for polynomials f up to degree 2 m - 1. The density is inside the weights, which sum to one: pass log f
    alone to `log_integral`. m from 1 to 200 (beyond, weights fall below what float64 can hold); std > 0.
    Raises TypeError or ValueError where m, mean or std cannot be right.
    """
    m = count("m", m)
    mean, std = real_array("mean", mean, 0), positive_array("std", std, 0)
    if m > 200:
        raise ValueError(f"m must be at most 200, got {m}: use a trapezoid rule instead")
    nodes, weights = np.polynomial.hermite_e.hermegauss(m)  # against exp(-x^2 / 2), the probabilists' convention
    return Grid((mean + std * nodes)[:, None], np.log(weights) - 0.5 * math.log(2 * math.pi))


# ---------------------------------------------------------------- integrals on a rule


def log_integral(log_f_values: ArrayLike, grid: Grid) -> np.ndarray:
    """log integral f(z) dz, from log f at the grid's points. [lvm-marginal]

    log_f_values (..., m), -inf allowed. Returns (...), -inf where f is zero on the whole grid.
    Raises ValueError where the last axis is not the grid's.
    """
    return logsumexp(_on_grid(log_f_values, grid) + grid.log_weights, axis=-1)  # (..., m) + (m,)


def normalised(log_f_values: ArrayLike, grid: Grid) -> np.ndarray:
    """The log *density* proportional to f: log f - log integral f, so that the grid integrates it to one.

    With log f = log p(x, z) this is the posterior log p(z | x). log_f_values (..., m); returns (..., m).
    Raises ValueError where f is zero on the whole grid, for then there is nothing to normalise.
    [lvm-posterior]
    """
    log_f_values = _on_grid(log_f_values, grid)
    total = log_integral(log_f_values, grid)
    if np.isneginf(total).any():
        raise ValueError("log_f_values must be above -inf somewhere on the grid, got a row of -inf")
    return log_f_values - total[..., None]  # (..., m) - (..., 1)


def moments(log_f_values: ArrayLike, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Mean (..., d) and covariance (..., d, d) of the density proportional to f.

    Raises TypeError or ValueError where log_f_values or grid cannot be right.
    """
    mass = np.exp(normalised(log_f_values, grid) + grid.log_weights)  # (..., m) + (m,); it sums to one
    mean = mass @ grid.points  # (..., m) @ (m, d)
    centred = grid.points - mean[..., None, :]  # (m, d) - (..., 1, d)
    return mean, np.einsum("...m,...mi,...mj->...ij", mass, centred, centred)  # (..., d, d)


# ---------------------------------------------------------------- rules that find the mass themselves


def adaptive_line(
    log_f: Callable[[np.ndarray], np.ndarray], low: float = -10.0, high: float = 10.0, *, tolerance: float = 1e-9
) -> Grid:
    """A trapezoid line that sits on the mass of f, checked by halving.

    1. Zoom: keep what lies within 40 nats of the peak, with one point to spare on either side; widen a side that the
       mass still touches; repeat. Even a peak that falls between two points is found, for its log rises towards it.
    2. Halve the spacing until, twice in a row, log integral f moves by at most `tolerance` nats (or by rounding, if
       log f is so large that this is more) and the spacing is at most half the standard deviation of f.

    log_f: takes points (m, 1), returns log f there, (..., m): a whole batch of densities gets one line that serves
    all. low, high: where the search starts; the result may lie outside. f must be smooth: at a jump halving may
    agree by chance. Raises ValueError if f has no mass on [low, high], does not fall off, or has not settled after
    2^17 points (a kink, a heavy tail).
    """
    low, high = _interval(low, high)
    return _adaptive(log_f, np.array([low]), np.array([high]), tolerance, look=129, most=2**17 + 1)


def adaptive_plane(
    log_f: Callable[[np.ndarray], np.ndarray],
    low: ArrayLike = -10.0,
    high: ArrayLike = 10.0,
    *,
    tolerance: float = 1e-9,
) -> Grid:
    """A trapezoid plane that sits on the mass of f, checked by halving as `adaptive_line` is.

    log_f: takes points (m, 2), returns (..., m). low, high: a scalar or one number per axis, where the search starts.
    Raises ValueError as `adaptive_line` does; it gives up after 1025 x 1025 points.
    """
    corners = [_interval(*edge) for edge in zip(_pair("low", low), _pair("high", high), strict=True)]
    lows, highs = np.array(corners).T  # (d,) each
    return _adaptive(log_f, lows, highs, tolerance, look=33, most=1025)


def _adaptive(
    log_f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, tolerance: float, look: int, most: int
) -> Grid:
    """Zoom on the mass with `look` points per axis, then halve the spacing until the integral stands still twice."""
    if not callable(log_f):
        raise TypeError(f"log_f must be a function of points (m, d), got {describe(log_f)}")
    tolerance = float(positive_array("tolerance", tolerance, 0))
    low, high = _zoom(log_f, low, high, look)
    m, before, agreements = 33, np.array(np.inf), 0
    while m <= most:
        grid = _box(low, high, m)
        values = _on_grid(log_f(grid.points), grid)
        now = log_integral(values, grid)
        rounding = 16 * np.finfo(float).eps * np.abs(now)
        same = (np.abs(now - before) <= np.maximum(tolerance, rounding)).all()
        agreements = agreements + 1 if same else 0
        if agreements >= 2 and _fine_enough(values, grid, (high - low) / (m - 1)):
            return grid
        m, before = 2 * m - 1, now  # every old point stays, one new one between each two
    raise ValueError(
        f"log_f must be smooth and fall off quickly, got an integral that has not settled to "
        f"{tolerance:g} nats with {(m + 1) // 2} points per axis on {low} to {high}"
    )


def _fine_enough(values: np.ndarray, grid: Grid, spacing: np.ndarray) -> bool:
    """Whether the spacing is at most half the standard deviation of every density, along every axis."""
    _, covariance = moments(values, grid)
    std = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))  # (..., d)
    return bool((spacing <= std / 2).all())  # (d,) against (..., d)


def _zoom(
    log_f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, m: int, rounds: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """The smallest box, to a factor of two, that holds all points within NEGLIGIBLE nats of the peak of each f.

    While the mass touches a side, that side moves out by the box's width; then the box shrinks around the mass.
    """
    for _ in range(rounds):
        grid = _box(low, high, m)
        values = _on_grid(log_f(grid.points), grid)
        peak = values.max(axis=-1, keepdims=True)  # (..., 1)
        if np.isneginf(peak).any():
            raise ValueError(f"log_f must be above -inf somewhere between {low} and {high}, got -inf everywhere")
        near = (values > peak - NEGLIGIBLE).reshape(-1, *[m] * len(low)).any(axis=0)  # an axis of m for each dimension
        first, last = _extent(near)
        if (first == 0).any() or (last == m - 1).any():
            low, high = np.where(first == 0, 2 * low - high, low), np.where(last == m - 1, 2 * high - low, high)
            continue
        spacing, width = (high - low) / (m - 1), high - low
        low, high = low + (first - 1) * spacing, low + (last + 1) * spacing
        if (high - low > 0.5 * width).all():
            return low, high
    raise ValueError(f"log_f must fall off on all sides, got mass up to the edge of the box {low} to {high}")


def _extent(near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last index of a True along each axis."""
    hits = np.argwhere(near)  # (hits, d)
    return hits.min(axis=0), hits.max(axis=0)


def _box(low: np.ndarray, high: np.ndarray, m: int) -> Grid:
    """The trapezoid rule on a box, m points per axis."""
    return product(*(line(a, b, m) for a, b in zip(low, high, strict=True)))


# ---------------------------------------------------------------- checks


def _interval(low: float, high: float) -> tuple[float, float]:
    low, high = float(real_array("low", low, 0)), float(real_array("high", high, 0))
    if not low < high:
        raise ValueError(f"low must be below high, got low {low:g} and high {high:g}")
    return low, high


def _pair(name: str, value: ArrayLike) -> np.ndarray:
    """One number per axis of a plane, from a scalar or a pair."""
    array = real_array(name, value)
    if array.shape not in ((), (2,)):
        raise ValueError(f"{name} must be a number or a pair, got shape {array.shape}")
    return np.broadcast_to(array, 2)


def _on_grid(log_f_values: ArrayLike, grid: Grid) -> np.ndarray:
    """Log values (..., m) whose last axis is the grid's."""
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a Grid, got {describe(grid)}")
    values = _log_values("log_f_values", log_f_values)
    if values.ndim == 0 or values.shape[-1] != len(grid):
        raise ValueError(
            f"log_f_values must have the grid's {len(grid)} points as their last axis, got shape {values.shape}"
        )
    return values
