"""The Gaussian nearest to a density: q refined on a grid, by natural gradient.

    ELBO(q) = E_q[log f(z) - log q(z)],    q = N(mean, diag(std^2))

With log f = log p(x, z) this is the ELBO of one x; with f a density it is -KL(q || f). Where no formula gives the best
q, it is climbed to. A step follows the slopes times the inverse Fisher information of q, which is 1 along mean / std
and 1/2 along log std: it is the same step in whatever units z is measured. It is halved until the ELBO rises.

A climb ends on the hill where it began; `refine` from several starts finds the highest of several hills.
q is normalised on the same grid as everything else, so that no rounding of an integral lifts an ELBO above log f's own
integral. The twin in JavaScript is js/engine/refine.js.

Axes: a grid of m points (m, d), log f at them (m,), mean and std of q (d,). Units: nats.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._checks import count, describe, positive_array, real_array, real_number
from .quadrature import Grid, _on_grid, log_integral

__all__ = ["Refined", "elbo_and_slopes", "refine"]

HALVINGS = 25  # of one step

Ends = tuple[tuple[float, float], tuple[float, float]]


class Refined(NamedTuple):
    """Where a climb stands: mean and log std of q, (d,) each, and its ELBO."""

    mean: np.ndarray
    log_std: np.ndarray
    elbo: float


def elbo_and_slopes(
    log_f_values: ArrayLike, grid: Grid, mean: ArrayLike, log_std: ArrayLike
) -> tuple[float, np.ndarray, np.ndarray]:
    """The ELBO of q = N(mean, diag(std^2)) on the grid; its slopes by mean / std and by log std, each (d,).

    Raises TypeError or ValueError where log_f_values, mean or log_std do not fit the grid.
    """
    log_f = _on_grid(log_f_values, grid)
    if log_f.ndim != 1:
        raise ValueError(f"log_f_values must have shape (m,), one density, got {log_f.shape}")
    mean, log_std = _numbers("mean", mean, grid), _numbers("log_std", log_std, grid)
    with np.errstate(over="ignore", invalid="ignore"):
        r = (grid.points - mean) * np.exp(-log_std)  # (m, d)
        raw = -0.5 * (r**2).sum(1)  # (m,)
    if not np.isfinite(raw).all():
        raise ValueError("mean and log_std must be of the grid's size, got a q whose log density overflows there")
    log_q = raw - log_integral(raw, grid)
    mass = np.exp(log_q + grid.log_weights)  # (m,), sums to one
    gain = np.where(mass > 0, log_f - log_q, 0.0)  # log f may be -inf where q has no mass
    elbo = mass @ gain
    weighted = mass * (gain - elbo)
    return float(elbo), weighted @ r, weighted @ r**2


def refine(
    log_f_values: ArrayLike,
    grid: Grid,
    mean: ArrayLike,
    std: ArrayLike,
    *,
    stride: float = 0.5,
    least: float = 0.0,
    steps: int = 200,
    within: Ends | None = None,
) -> list[Refined]:
    """The climb from q = N(mean, diag(std^2)) to the top of its hill: where it stood at first, and after each step.

    stride: no step is longer than so many standard deviations of q; a short one leaps over no valley. least: the rise,
    in nats, that counts as one; the climb ends where no step has it, or after `steps`. within: ((low, high) of the
    means, (low, high) of the stds), ends that q is kept between.
    Raises TypeError or ValueError where an argument cannot be right.
    """
    mean, std = _numbers("mean", mean, grid), _numbers("std", positive_array("std", std), grid)
    stride, least = real_number("stride", stride, positive=True), real_number("least", least)
    steps, (means, log_stds) = count("steps", steps, 0), _ends(within)
    here, (elbo, by_mean, by_log_std) = (mean, np.log(std)), elbo_and_slopes(log_f_values, grid, mean, np.log(std))
    path = [Refined(*here, elbo)]
    while len(path) <= steps:
        far = max(np.abs(by_mean).max(), np.abs(by_log_std).max() / 2)
        size = min(1.0, stride / far) if far > 0 else 1.0
        for _ in range(HALVINGS):
            to = (
                np.clip(here[0] + size * np.exp(here[1]) * by_mean, *means),
                np.clip(here[1] + 0.5 * size * by_log_std, *log_stds),
            )
            there = elbo_and_slopes(log_f_values, grid, *to)
            if there[0] > elbo + least:
                break
            size /= 2
        else:
            return path
        here, (elbo, by_mean, by_log_std) = to, there
        path.append(Refined(*here, elbo))
    return path


def _numbers(name: str, value: ArrayLike, grid: Grid) -> np.ndarray:
    """One number per axis of the grid, (d,)."""
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a Grid, got {describe(grid)}")
    array = real_array(name, value, 1)
    if array.shape != grid.points.shape[1:]:
        raise ValueError(f"{name} must have one number per axis, {grid.points.shape[1]}, got shape {array.shape}")
    return array


def _ends(within: Ends | None) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the means and of the log stds."""
    if within is None:
        return np.array([-np.inf, np.inf]), np.array([-np.inf, np.inf])
    ends = real_array("within", within)
    if ends.shape != (2, 2) or (ends[:, 0] >= ends[:, 1]).any() or ends[1, 0] <= 0:
        raise ValueError(f"within must be ((low, high), (low, high)), stds above 0, got {within!r}")
    return ends[0], np.log(ends[1])
