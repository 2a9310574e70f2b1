"""K-means: one point of a finite set stands for each data point, and Lloyd's two steps that find good ones.

    J(codes, centroids) = sum_n |x_n - c_{codes_n}|^2

    assign    codes_n = argmin_k |x_n - c_k|^2             J falls or stays, centroids fixed
    update    c_k     = mean of the points with code k     J falls or stays, codes fixed

Data x (n, D), centroids (K, D), codes int64 (n,) in 0 ... K - 1; of two equally near centroids the first is taken.
Computes in float32 where x is float32 and that holds the distances, in float64 otherwise. How the nearest centroid is
found fast stands in `lvm_lib._nearest`; it changes no result.

Lloyd (1982); Arthur and Vassilvitskii (2007), K-means++.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from ._checks import clusters, codes_of, points, same_width
from ._nearest import Search, from_one, lost, nearest_two, squared_distances, sums_by_code

__all__ = ["Assignment", "KMeans", "assign", "inertia", "kmeans", "kmeans_plus_plus", "lloyd", "lloyd_step", "update"]

EMPTY = ("farthest", "keep")


@dataclass(frozen=True, eq=False)
class Assignment:
    """codes: int64 (n,), the nearest centroid of each point.  squared_distance: (n,), |x_n - c_{codes_n}|^2 >= 0."""

    codes: np.ndarray
    squared_distance: np.ndarray


@dataclass(frozen=True, eq=False)
class KMeans:
    """What Lloyd's algorithm ended with.

    centroids: (K, D).  codes: int64 (n,), the nearest of them.  inertia: J, the *sum* of squared distances.
    history: J after each assignment, the first one of the start; it never rises.
    converged: whether the codes came to rest, so that neither step can improve J (a local minimum, seldom the best).
    emptied: (iteration, k) for every cluster that lost all its points, and was handled as `lloyd` says.
    """

    centroids: np.ndarray
    codes: np.ndarray
    inertia: float
    history: tuple[float, ...]
    converged: bool
    emptied: tuple[tuple[int, int], ...] = ()

    @property
    def iterations(self) -> int:
        """How often the centroids were updated."""
        return len(self.history) - 1

    @property
    def counts(self) -> np.ndarray:
        """Points per cluster, (K,)."""
        return np.bincount(self.codes.astype(np.intp, copy=False), minlength=len(self.centroids))

    def assign(self, x: ArrayLike) -> Assignment:
        """The nearest centroid of other data. Raises TypeError or ValueError where x cannot be right."""
        return assign(x, self.centroids)


# ---------------------------------------------------------------- the two steps


def assign(x: ArrayLike, centroids: ArrayLike) -> Assignment:
    """The encoder: codes_n = argmin_k |x_n - c_k|^2, and that distance; the first of equally near ones.

    x: (n, D).  centroids: (K, D).  Raises TypeError or ValueError if they do not fit.
    """
    x, centroids = points("x", x), points("centroids", centroids)
    same_width(x, centroids)
    centre = _centre(x)
    codes, least, _ = nearest_two(x - centre, centroids - centre)
    distances = squared_distances(x, centroids, codes)
    total = float(distances.sum())
    if x.dtype == np.float32 and lost(total, total - float(least.sum(dtype=np.float64)), x.shape[1]):
        return assign(x.astype(np.float64), centroids.astype(np.float64))
    return Assignment(codes.astype(np.int64, copy=False), distances)


def update(x: ArrayLike, codes: ArrayLike, centroids: ArrayLike) -> np.ndarray:
    """The decoder's best values, given the codes: c_k = mean of the points with code k, (K, D).

    A cluster without points keeps its row of `centroids`. Raises TypeError or ValueError if the arguments do not fit.
    """
    x, centroids = points("x", x), points("centroids", centroids)
    same_width(x, centroids)
    codes = codes_of(codes, len(x), len(centroids))
    return _means(*sums_by_code(x, codes, len(centroids)), centroids)


def lloyd_step(x: ArrayLike, centroids: ArrayLike) -> np.ndarray:
    """One round of Lloyd's algorithm: assign, then update; a cluster without points stays where it is. (K, D).

    Raises TypeError or ValueError where x or centroids cannot be right.
    """
    return update(x, assign(x, centroids).codes, centroids)


def inertia(x: ArrayLike, centroids: ArrayLike, codes: ArrayLike | None = None) -> float:
    """J = sum_n |x_n - c_{codes_n}|^2, from differences (exact to rounding); with the nearest codes if none are given.

    Raises TypeError or ValueError if the arguments do not fit.
    [kmeans-objective]
    """
    if codes is None:
        return float(assign(x, centroids).squared_distance.sum())
    x, centroids = points("x", x), points("centroids", centroids)
    same_width(x, centroids)
    return float(squared_distances(x, centroids, codes_of(codes, len(x), len(centroids))).sum())


# ---------------------------------------------------------------- the algorithm


def lloyd(x: ArrayLike, centroids: ArrayLike, *, iterations: int = 300, empty: str = "farthest") -> KMeans:
    """Lloyd's algorithm from given centroids, until no point changes its code, or `iterations` updates are done.

    x: (n, D).  centroids: (K, D), K <= n.
    empty: a cluster that lost its last point takes over the point "farthest" from its own centroid (which lowers J),
        or is told to "keep" its place, as the formulas say. Both are reported in `emptied`.
    Raises TypeError or ValueError if the arguments do not fit.
    """
    x, start = points("x", x), points("centroids", centroids).copy()
    same_width(x, start)
    iterations = _checks.count("iterations", iterations)
    if empty not in EMPTY:
        raise ValueError(f"empty must be one of {EMPTY}, got {empty!r}")
    if len(start) > len(x):
        raise ValueError(f"centroids must be no more than the {len(x)} points, got {len(start)}")
    centre = _centre(x)
    return _lloyd(x - centre, start.astype(x.dtype) - centre, centre, iterations, empty)


def kmeans(
    x: ArrayLike, k: int, rng: np.random.Generator | int, *, restarts: int = 10, iterations: int = 300
) -> KMeans:
    """The best of `restarts` runs of Lloyd's algorithm, each from its own K-means++ start: the lowest inertia.

    Nobody knows the global optimum of real data: the best of many restarts is an upper bound of it.
    rng: numpy Generator or seed.  Raises TypeError or ValueError if the arguments do not fit.
    """
    x, rng = points("x", x), _checks.rng("rng", rng)
    restarts, iterations = _checks.count("restarts", restarts), _checks.count("iterations", iterations)
    k = clusters(k, x)
    centre = _centre(x)
    centred = x - centre
    starts = (centred[plus_plus_rows(centred, k, rng)] for _ in range(restarts))
    runs = (_lloyd(centred, start, centre, iterations, "farthest") for start in starts)
    return min(runs, key=lambda run: run.inertia)


def kmeans_plus_plus(x: ArrayLike, k: int, rng: np.random.Generator | int) -> np.ndarray:
    """A start, (K, D): k rows of x, far from each other.

    The first at random, each next with probability in proportion to its squared distance from the nearest one chosen
    before.

    Raises TypeError, or ValueError for bad arguments and for data with fewer than k distinct points.
    """
    x, rng = points("x", x), _checks.rng("rng", rng)
    return x[plus_plus_rows(x - _centre(x), clusters(k, x), rng)].copy()


# ---------------------------------------------------------------- inside: arguments had their checks, x is centred


def _lloyd(x: np.ndarray, centroids: np.ndarray, centre: np.ndarray, iterations: int, empty: str) -> KMeans:
    """Assign and update in turn; x and centroids less `centre`, which the result has back."""
    start, found = centroids, Search(x, centroids)  # assign
    history, emptied, rest = [found.inertia()], [], False
    for iteration in range(1, iterations + 1):
        if not found.counts.all():
            emptied += [(iteration, int(k)) for k in np.flatnonzero(found.counts == 0)]
            if empty == "farthest":
                found.fill()
        moved = found.move_to(_means(found.sums, found.counts, found.codes))  # update, and assign
        history.append(found.inertia())
        if moved == 0:
            rest = True
            break
    final = (found.codes + centre).astype(centre.dtype)
    total = float(squared_distances(x, found.codes, found.indices).sum())
    if x.dtype == np.float32 and lost(total, found.energy, x.shape[1]):
        return _lloyd(x.astype(np.float64), start.astype(np.float64), centre, iterations, empty)
    return KMeans(
        final, found.indices.astype(np.int64, copy=False), total, (*history[:-1], total), rest, tuple(emptied)
    )


def _means(sums: np.ndarray, counts: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Sums over counts, (K, D); where no point is, the row of `centroids`."""
    full = counts > 0
    means = centroids.copy()
    means[full] = sums[full] / counts[full, None]
    return means


def plus_plus_rows(x: np.ndarray, k: int, rng: np.random.Generator) -> list[int]:
    """The rows of centred x (n, D) that K-means++ chooses, k of them.

    Raises ValueError for fewer than k distinct rows.
    """
    norms = np.einsum("nd,nd->n", x, x)  # |x_n|^2, (n,)
    chosen, nearest = [int(rng.integers(len(x)))], np.full(len(x), np.inf)
    for _ in range(k - 1):
        np.minimum(nearest, from_one(x, norms, x[chosen[-1]]), out=nearest)
        total = np.cumsum(nearest)
        step = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        if total[-1] <= 0 or step >= len(x):
            raise ValueError(f"x must hold at least {k} distinct points, got {len(chosen)}")
        chosen.append(step)
    return chosen


def _centre(x: np.ndarray) -> np.ndarray:
    return x.mean(axis=0, dtype=np.float64).astype(x.dtype)
