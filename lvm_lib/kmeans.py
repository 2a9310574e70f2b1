"""K-means: one point of a finite set stands for each data point, and Lloyd's two steps that find good ones.

    J(codes, centroids) = sum_n |x_n - c_{codes_n}|^2

    assign    codes_n = argmin_k |x_n - c_k|^2             J falls or stays, centroids fixed
    update    c_k     = mean of the points with code k     J falls or stays, codes fixed

Data x (n, D), centroids (K, D), codes int64 (n,) in 0 ... K - 1; of two equally near centroids the first is taken.
Computes in float32 where x is float32, in float64 otherwise; sums are kept in float64 either way.

No array of n x K x D numbers is built. |x - c|^2 = |x|^2 - 2 x c + |c|^2, so the nearest centroid needs one matrix
product per block of rows that stays in the processor's cache. After the first round only the points that changed their
code touch the sums, and only those are compared anew whose code may have changed: a bound on the distance to the own
centroid, and one on that to the second nearest, follow the centroids as they move. Data is centred first, since the
products lose digits far away from the origin.

Lloyd (1982); Arthur and Vassilvitskii (2007), K-means++; Hamerly (2010), the two bounds.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse

from . import _checks

__all__ = ["Assignment", "KMeans", "assign", "inertia", "kmeans", "kmeans_plus_plus", "lloyd", "lloyd_step", "update"]

BLOCK = 2**15  # numbers in one block of scores, and
ROWS = 256  # the fewest rows of one: blocks stay in cache, and are enough of them to keep threads evenly busy
SMALL, NARROW = 2**20, 64  # multiplications and columns of a product up to which BLAS works without packing its input
PIECES = (32, 16)  # rows of one such product: the first that is small. It was up to 1.7 times as fast as one large one
PAYS = 2**25  # multiplications from which handing work to threads costs less than it saves
THREADS = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # the first of a list, as OpenMP reads it
THREADS = int(THREADS) if THREADS.isdigit() and int(THREADS) else os.cpu_count() or 1
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
        return np.bincount(self.codes, minlength=len(self.centroids))

    def assign(self, x) -> Assignment:
        """The nearest centroid of other data."""
        return assign(x, self.centroids)


# ---------------------------------------------------------------- the two steps


def assign(x, centroids) -> Assignment:
    """The encoder: codes_n = argmin_k |x_n - c_k|^2, and that distance; the first of equally near ones.

    x: (n, D).  centroids: (K, D).  Raises TypeError or ValueError if they do not fit.
    """
    x, centroids = _points(x), _points(centroids, "centroids")
    _same_width(x, centroids)
    centre = _centre(x)
    codes, _, _ = _nearest(x - centre, centroids - centre)
    return Assignment(codes, _distances(x, centroids, codes))


def update(x, codes, centroids) -> np.ndarray:
    """The decoder's best values, given the codes: c_k = mean of the points with code k, (K, D).

    A cluster without points keeps its row of `centroids`. Raises TypeError or ValueError if the arguments do not fit.
    """
    x, centroids = _points(x), _points(centroids, "centroids")
    _same_width(x, centroids)
    codes = _codes(codes, len(x), len(centroids))
    sums, counts = _sums(x, codes, len(centroids))
    return _means(sums, counts, centroids)


def lloyd_step(x, centroids) -> np.ndarray:
    """One round of Lloyd's algorithm: assign, then update; a cluster without points stays where it is. (K, D)."""
    return update(x, assign(x, centroids).codes, centroids)


def inertia(x, centroids, codes=None) -> float:
    """J = sum_n |x_n - c_{codes_n}|^2, from differences (exact to rounding); with the nearest codes if none are given.

    Raises TypeError or ValueError if the arguments do not fit.
    """
    if codes is None:
        return float(assign(x, centroids).squared_distance.sum())
    x, centroids = _points(x), _points(centroids, "centroids")
    _same_width(x, centroids)
    return float(_distances(x, centroids, _codes(codes, len(x), len(centroids))).sum())


# ---------------------------------------------------------------- the algorithm


def lloyd(x, centroids, *, iterations: int = 300, empty: str = "farthest") -> KMeans:
    """Lloyd's algorithm from given centroids, until no point changes its code, or `iterations` updates are done.

    x: (n, D).  centroids: (K, D), K <= n.
    empty: a cluster that lost its last point takes over the point "farthest" from its own centroid (which lowers J),
        or is told to "keep" its place, as the formulas say. Both are reported in `emptied`.
    Raises TypeError or ValueError if the arguments do not fit.
    """
    x, centroids = _points(x), _points(centroids, "centroids").copy()
    _same_width(x, centroids)
    iterations = _checks.count("iterations", iterations)
    if empty not in EMPTY:
        raise ValueError(f"empty must be one of {EMPTY}, got {empty!r}")
    if len(centroids) > len(x):
        raise ValueError(f"centroids must be no more than the {len(x)} points, got {len(centroids)}")
    centre = _centre(x)
    return _lloyd(x - centre, centroids.astype(x.dtype) - centre, centre, iterations, empty)


def kmeans(x, k: int, rng, *, restarts: int = 10, iterations: int = 300) -> KMeans:
    """The best of `restarts` runs of Lloyd's algorithm, each from its own K-means++ start: the lowest inertia.

    Nobody knows the global optimum of real data: the best of many restarts is an upper bound of it.
    rng: numpy Generator or seed.  Raises TypeError or ValueError if the arguments do not fit.
    """
    x, rng = _points(x), _checks.rng("rng", rng)
    restarts, iterations = _checks.count("restarts", restarts), _checks.count("iterations", iterations)
    k = _clusters(k, x)
    centre = _centre(x)
    x = x - centre
    norms = np.einsum("nd,nd->n", x, x)
    runs = (_lloyd(x, x[_plus_plus(x, norms, k, rng)], centre, iterations, "farthest") for _ in range(restarts))
    return min(runs, key=lambda run: run.inertia)


def kmeans_plus_plus(x, k: int, rng) -> np.ndarray:
    """A start, (K, D): k rows of x, the first at random, each next with probability in proportion to its squared
    distance from the nearest one chosen before.

    Raises TypeError, or ValueError for bad arguments and for data with fewer than k distinct points.
    """
    x, rng = _points(x), _checks.rng("rng", rng)
    k, centred = _clusters(k, x), x - _centre(x)
    return x[_plus_plus(centred, np.einsum("nd,nd->n", centred, centred), k, rng)].copy()


# ---------------------------------------------------------------- inside: arguments had their checks, x is centred


def _lloyd(x, centroids, centre, iterations, empty) -> KMeans:
    squares = np.einsum("nd,nd->n", x, x)
    energy = squares.sum(dtype=np.float64)
    codes, upper, lower = _bounded(x, squares, centroids)
    sums, counts = _sums(x, codes, len(centroids))
    history, emptied, rest = [_inertia(energy, sums, counts, centroids)], [], False
    for iteration in range(1, iterations + 1):
        if not counts.all():
            emptied += [(iteration, int(k)) for k in np.flatnonzero(counts == 0)]
            if empty == "farthest":
                taken = _take_farthest(x, centroids, codes, counts)
                upper[taken != codes] = np.inf
                codes = taken
                sums, counts = _sums(x, codes, len(centroids))
        last, centroids = centroids, _means(sums, counts, centroids)
        own, others = _moves(last, centroids)
        upper += own[codes]
        lower -= others[codes]
        near = np.flatnonzero(
            upper >= lower
        )  # of all others the code is certain: their own centroid is still the nearest
        before = codes[near]
        codes[near], upper[near], lower[near] = _bounded(x, squares, centroids, near)
        changed = codes[near] != before
        moved = near[changed]
        _move(x, moved, before[changed], codes[moved], sums, counts)
        history.append(_inertia(energy, sums, counts, centroids))
        if len(moved) == 0:
            rest = True
            break
    final = (centroids + centre).astype(x.dtype)
    total = float(_distances(x, centroids, codes).sum())
    return KMeans(final, codes, total, (*history[:-1], total), rest, tuple(emptied))


def _inertia(energy, sums, counts, centroids):
    """J of the codes whose sums and counts these are: sum |x|^2 - 2 sum_k c_k (sum of its points) + sum_k count |c_k|^2."""
    centroids = centroids.astype(np.float64)
    per_cluster = counts * np.einsum("kd,kd->k", centroids, centroids) - 2 * np.einsum("kd,kd->k", centroids, sums)
    return max(0.0, float(energy + per_cluster.sum()))


def _bounded(x, squares, centroids, rows=slice(None)):
    """Codes of these rows of x, a bound above their distance to the nearest centroid, and one below that to the second.

    squares: |x_n|^2. The bounds leave room for the rounding of the products, D eps |x| |c| at most.
    """
    codes, first, second = _nearest(x, centroids, rows)
    squares = squares[rows]
    longest = np.einsum("kd,kd->k", centroids, centroids).max()
    room = 2 * x.shape[1] * np.finfo(x.dtype).eps * (squares + longest)
    squares = squares.astype(np.float64)
    return codes, np.sqrt(np.maximum(squares + first, 0) + room), np.sqrt(np.maximum(squares + second - room, 0))


def _moves(last, centroids):
    """How far each centroid went, (K,), and how far the farthest of the others did, (K,)."""
    own = np.linalg.norm(centroids.astype(np.float64) - last, axis=1)
    most = int(own.argmax())
    others = np.full(len(own), own[most])
    others[most] = np.delete(own, most).max(initial=0.0)
    return own, others


def _nearest(x, centroids, rows=slice(None)):
    """argmin_k of the score |c_k|^2 - 2 x_n c_k, the score there, and the least of all other scores, of these rows of x.

    Arguments had their checks. Rows go in blocks, so that products stay in cache; blocks of large data go to as many
    threads as OMP_NUM_THREADS says.
    """
    n = len(x) if isinstance(rows, slice) else len(rows)
    doubled, norms = np.ascontiguousarray(-2 * centroids.T), np.einsum("kd,kd->k", centroids, centroids)
    codes, best, second = np.empty(n, dtype=np.int64), np.empty(n, x.dtype), np.empty(n, x.dtype)
    piece = next((rows for rows in PIECES if len(centroids) <= NARROW and rows * doubled.size <= SMALL), None)

    def one(block):
        score = _product(x[block] if isinstance(rows, slice) else x.take(rows[block], axis=0), doubled, piece)
        score += norms
        np.argmin(score, axis=1, out=codes[block])
        each = np.arange(len(score))
        best[block] = score[each, codes[block]]
        score[each, codes[block]] = np.inf
        np.min(score, axis=1, out=second[block])

    if piece:
        _in_blocks(one, n, min(BLOCK // len(centroids), 16 * BLOCK // x.shape[1]), work=n * doubled.size)
    else:  # a large product has threads of its own
        _in_blocks(one, n, 16 * BLOCK // len(centroids), work=0)
    return codes, best, second


def _in_blocks(one, n, rows, work):
    """one(slice) for slices of at most about `rows` rows that cover 0 ... n, as even work for each thread if it pays.

    A block is a whole number of pieces, so that no product depends on the number of threads.
    """
    threads = THREADS if work > PAYS else 1
    blocks = threads * max(1, -(-n // (threads * max(rows, ROWS))))
    size = PIECES[0] * max(1, -(-n // (blocks * PIECES[0])))
    blocks = [slice(start, start + size) for start in range(0, n, size)]
    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            one(block)
    else:
        list(_pool().map(one, blocks))  # list: an error in a thread is raised here


@cache
def _pool():
    """Threads that wait for work: to start them anew for each product would cost as much as it saves."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="kmeans")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of its parent's threads


def _product(block, matrix, piece):
    """block @ matrix, (rows, K), in products of `piece` rows; what is left over, or all where piece is None, in one."""
    if piece is None:
        return block @ matrix
    (width, columns), pieces = matrix.shape, len(block) // piece
    score, whole = np.empty((len(block), columns), dtype=block.dtype), pieces * piece
    np.matmul(block[:whole].reshape(pieces, piece, width), matrix, out=score[:whole].reshape(pieces, piece, columns))
    np.matmul(block[whole:], matrix, out=score[whole:])
    return score


def _distances(x, centroids, codes):
    """|x_n - c_{codes_n}|^2 as float64, (n,), from differences."""
    result = np.empty(len(x))

    def one(block):
        difference = x[block] - centroids[codes[block]]
        result[block] = np.einsum("nd,nd->n", difference, difference, dtype=np.float64)

    _in_blocks(one, len(x), 16 * BLOCK // x.shape[1], work=16 * x.size)
    if not np.isfinite(result.sum()):
        raise ValueError("x must have squared distances from centroids within float64, got numbers beyond 1e154")
    return result


def _sums(x, codes, k):
    """Sum (K, D) in float64 and number (K,) of the points with each code."""
    sums = np.zeros((k, x.shape[1]))
    for block in np.split(np.arange(len(x)), range(1024, len(x), 1024)):
        _add(x, block, codes[block, None], [1.0], sums)
    return sums, np.bincount(codes, minlength=k)


def _move(x, moved, old, new, sums, counts):
    """Take the points `moved` out of the sums of their old codes and add them to their new ones, in place."""
    _add(x, moved, np.stack([new, old], axis=1), [1.0, -1.0], sums)
    counts += np.bincount(new, minlength=len(sums)) - np.bincount(old, minlength=len(sums))


def _add(x, rows, codes, signs, sums):
    """sums[codes[i, j]] += signs[j] x[rows[i]] for all i and j: a product with a sparse matrix, in float64."""
    n, m = codes.shape
    entries = (np.tile(signs, n), codes.ravel(), np.arange(0, n * m + 1, m))
    sums += sparse.csc_array(entries, shape=(len(sums), n)) @ x.take(rows, axis=0).astype(np.float64)


def _means(sums, counts, centroids):
    """Sums over counts, (K, D); where no point is, the row of `centroids`."""
    full = counts > 0
    means = centroids.copy()
    means[full] = sums[full] / counts[full, None]
    return means


def _take_farthest(x, centroids, codes, counts):
    """New codes, in which each empty cluster has taken over the point farthest from its centroid.

    Only from clusters that keep another point, and only at a distance above zero: J falls by that distance at least.
    """
    codes, counts = codes.copy(), counts.copy()
    distances = _distances(x, centroids, codes)
    order = iter(np.argsort(-distances, kind="stable"))
    for k in np.flatnonzero(counts == 0):
        point = next((n for n in order if counts[codes[n]] > 1 and distances[n] > 0), None)
        if point is None:  # fewer distinct points than clusters: the rest stay empty
            break
        counts[codes[point]] -= 1
        codes[point] = k
        counts[k] = 1
    return codes


def _plus_plus(x, norms, k, rng):
    """The rows that K-means++ chooses, (k,)."""
    chosen = [int(rng.integers(len(x)))]
    nearest = np.full(len(x), np.inf)
    for _ in range(k - 1):
        last = x[chosen[-1]]
        np.minimum(nearest, norms - 2 * (x @ last) + last @ last, out=nearest)
        nearest[chosen[-1]] = 0.0
        total = np.cumsum(np.maximum(nearest, 0.0))
        step = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        if total[-1] <= 0 or step >= len(x):
            raise ValueError(f"x must hold at least k = {k} distinct points, got {len(chosen)}")
        chosen.append(step)
    return chosen


# ---------------------------------------------------------------- checks


def _points(value, name="x"):
    """`value` (n, D) as a finite array: float32 stays, everything else becomes float64."""
    if isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim == 2 and value.size:
        if not np.isfinite(value.sum()) and not np.isfinite(value).all():
            raise ValueError(f"{name} must be finite, got {int((~np.isfinite(value)).sum())} NaN or infinite entries")
        return np.ascontiguousarray(value)
    return np.ascontiguousarray(_checks.real_array(name, value, 2))


def _same_width(x, centroids):
    if x.shape[1] != centroids.shape[1]:
        raise ValueError(f"centroids must have D = {x.shape[1]} columns as x has, got shape {centroids.shape}")


def _codes(value, n, k):
    try:
        codes = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise TypeError(f"codes must hold integers, got {_checks.describe(value)} ({error})") from None
    if codes.dtype.kind not in "iu":
        raise TypeError(f"codes must hold integers, got {_checks.describe(value)} with dtype {codes.dtype}")
    if codes.shape != (n,) or codes.min() < 0 or codes.max() >= k:
        raise ValueError(
            f"codes must be {n} integers in 0 ... {k - 1}, got shape {codes.shape}"
            + (f" from {codes.min()} to {codes.max()}" if codes.size else "")
        )
    return codes.astype(np.int64)


def _clusters(k, x):
    k = _checks.count("k", k)
    if k > len(x):
        raise ValueError(f"k must be no more than the {len(x)} points, got {k}")
    return k


def _centre(x):
    return x.mean(axis=0, dtype=np.float64).astype(x.dtype)
