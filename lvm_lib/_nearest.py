"""The nearest of K codes, searched fast: what K-means and the quantisers have in common, and the book does not teach.

    nearest(x)_n = argmin_k |x_n - c_k|^2 = argmin_k [ |c_k|^2 - 2 x_n c_k ]

No array of n x K x D numbers is built: the score in brackets is one matrix product per block of rows that stays in the
processor's cache. `Search` keeps the answer while the codes move: only those points are compared anew whose code may
have changed, since a bound above the distance to the own code, and one below that to the second nearest, follow the
codes; and only points that changed their code touch the sums of their clusters.

x (n, D), codes c (K, D), indices intp (n,), as NumPy's own are, which have 32 bits in a page; of two equally near
codes the first is taken. Arguments had their checks, and where digits count, x is centred: the products lose some far
away from the origin. Where float32 would lose them all, float64 decides. Sums are kept in float64.

Hamerly (2010), the two bounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    import torch

BLOCK = 2**15  # numbers in one block of scores, and
ROWS = 256  # the fewest rows of one: blocks stay in cache, and are enough of them to keep threads evenly busy
SMALL, NARROW = 2**20, 64  # multiplications and columns of a product up to which BLAS works without packing its input
PIECES = (32, 16)  # rows of one such product: the first that is small. It was up to 1.7 times as fast as one large one
PAYS = 2**25  # multiplications from which handing work to threads costs less than it saves
SINGLE = float(np.finfo(np.float32).eps)
TENSOR_BLOCK = 2**19  # numbers in one block of a tensor's scores: 2 MB in float32
_ASKED = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # the first of a list, as OpenMP reads it
THREADS = int(_ASKED) if _ASKED.isdigit() and int(_ASKED) else os.cpu_count() or 1

Rows = slice | np.ndarray


# ---------------------------------------------------------------- one search


def nearest_two(
    x: np.ndarray, codes: np.ndarray, rows: Rows = slice(None)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """argmin_k of the score |c_k|^2 - 2 x_n c_k, the score there, and the least of all others, for these rows of x.

    Rows go in blocks, so that products stay in cache; blocks of large data go to as many threads as OMP_NUM_THREADS
    says. Returns three arrays (len(rows),).
    """
    n = len(x) if isinstance(rows, slice) else len(rows)
    doubled, norms = np.ascontiguousarray(-2 * codes.T), np.einsum("kd,kd->k", codes, codes)  # (D, K), (K,)
    first, best, second = np.empty(n, dtype=np.intp), np.empty(n, x.dtype), np.empty(n, x.dtype)
    piece = next((size for size in PIECES if len(codes) <= NARROW and size * doubled.size <= SMALL), None)

    def one(block: slice) -> None:
        score = _product(x[block] if isinstance(rows, slice) else x.take(rows[block], axis=0), doubled, piece)
        score += norms  # (rows, K) + (K,)
        np.argmin(score, axis=1, out=first[block])
        each = np.arange(len(score))
        best[block] = score[each, first[block]]  # (rows,)
        score[each, first[block]] = np.inf
        np.min(score, axis=1, out=second[block])

    if piece:
        _in_blocks(one, n, min(BLOCK // len(codes), 16 * BLOCK // x.shape[1]), work=n * doubled.size)
    else:  # a large product has threads of its own
        _in_blocks(one, n, 16 * BLOCK // len(codes), work=0)
    return first, best, second


def nearest_of_tensors(z: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """argmin_k |z_n - e_k|^2 for tensors z (n, d) and e (K, d): int64 (n,), no gradient.

    On the processor numpy finds the least of each row; torch's argmin takes several times as long there. (Products are
    torch's, since threads of `nearest_two` beside torch's would wait for each other in training.)
    """
    z, codes = z.detach(), codes.detach()
    given = z, codes
    centre = codes.mean(0)  # (d,)
    if (centre**2).sum() > 100 * ((codes - centre) ** 2).sum(1).mean():  # far from the origin the products lose digits
        z, codes = z - centre, codes - centre
    norms, indices = (codes**2).sum(1), z.new_empty(len(z)).long()  # (K,), (n,)
    rows = max(1, TENSOR_BLOCK // len(codes))
    for block in (slice(start, start + rows) for start in range(0, len(z), rows)):
        score = norms.addmm(z[block], codes.T, alpha=-2)  # |e_k|^2 - 2 z e_k, (rows, K)
        if z.device.type == "cpu" and score.element_size() >= 4:
            indices.numpy()[block] = np.argmin(score.numpy(), axis=1)
        else:
            indices[block] = score.argmin(1)
    if z.element_size() == 4:
        some = slice(None, None, -(-len(z) // ROWS))  # enough rows to see what size the distances have
        near, own = z[some].cpu().numpy(), codes[indices[some]].cpu().numpy()
        if lost(np.vdot(near - own, near - own), np.vdot(near, near), z.shape[1]):
            return nearest_of_tensors(*(part.double() for part in given))
    return indices


def lost(distances: float, squares: float, d: int) -> bool:
    """Whether the products of float32 decide nothing: sums of |x_n - c|^2 and of |x_n|^2, both n rows of d numbers.

    The distances are then, on average, within some ten times the rounding of |x_n|^2: clumps that are far apart.
    """
    return distances < 32 * d * SINGLE * squares


def squared_distances(x: np.ndarray, codes: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """|x_n - c_{indices_n}|^2 as float64, (n,), from differences.

    Raises ValueError where one is beyond float64.
    """
    result = np.empty(len(x))

    def one(block: slice) -> None:
        difference = x[block] - codes[indices[block]]  # (rows, D)
        result[block] = np.einsum("nd,nd->n", difference, difference, dtype=np.float64)

    _in_blocks(one, len(x), 16 * BLOCK // x.shape[1], work=16 * x.size)
    if not np.isfinite(result.sum()):
        raise ValueError("x must have squared distances from centroids within float64, got numbers beyond 1e154")
    return result


def from_one(x: np.ndarray, norms: np.ndarray, row: np.ndarray) -> np.ndarray:
    """|x_n - row|^2, (n,), by one product; from differences where the product has no digits left: equal rows give 0.

    norms: |x_n|^2, (n,).
    """
    squares = norms - 2 * (x @ row) + row @ row  # (n,) - (n, D) @ (D,) + ()
    close = np.flatnonzero(squares < 8 * x.shape[1] * np.finfo(x.dtype).eps * (norms + row @ row))
    squares[close] = ((x[close] - row) ** 2).sum(axis=1)  # (rows, D) - (D,)
    return squares


def sums_by_code(x: np.ndarray, indices: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum (K, D) in float64 and number (K,) of the points with each of k codes."""
    sums, indices = np.zeros((k, x.shape[1])), indices.astype(np.intp, copy=False)
    for block in np.split(np.arange(len(x)), range(1024, len(x), 1024)):
        _add(x, block, indices[block, None], [1.0], sums)
    return sums, np.bincount(indices, minlength=k)


# ---------------------------------------------------------------- a search that is kept while the codes move


class Search:
    """The nearest code of every point, and the sums and counts of the points of each code, while the codes move.

    x: (n, D), centred.  codes: (K, D), of x's dtype.
    indices: intp (n,).  sums: (K, D).  counts: (K,).  Every number is what a search of all points would give.
    """

    def __init__(self, x: np.ndarray, codes: np.ndarray):
        self.x, self.codes = x, codes
        self.squares = np.einsum("nd,nd->n", x, x)  # |x_n|^2
        self.energy = self.squares.sum(dtype=np.float64)
        self.indices, self.upper, self.lower = self._compare(slice(None))
        self.sums, self.counts = sums_by_code(x, self.indices, len(codes))

    def inertia(self) -> float:
        """sum_n |x_n - c_{indices_n}|^2, from the sums:

        sum |x|^2 - 2 sum_k c_k (sum of its points) + count_k |c_k|^2.
        """
        codes = self.codes.astype(np.float64)  # (K, D)
        per_code = self.counts * np.einsum("kd,kd->k", codes, codes) - 2 * np.einsum("kd,kd->k", codes, self.sums)
        return max(0.0, float(self.energy + per_code.sum()))

    def give(self, indices: np.ndarray) -> None:
        """Take these codes for the points, whichever are nearest: those that differ are compared at the next move."""
        self.upper[indices != self.indices] = np.inf
        self.indices = indices
        self.sums, self.counts = sums_by_code(self.x, indices, len(self.codes))

    def fill(self) -> None:
        """Give each code without points the point that is farthest from its own code.

        Only from codes that keep another point, and only at a distance above zero: the inertia falls by that distance
        at least.
        """
        indices, counts = self.indices.copy(), self.counts.copy()
        distances = squared_distances(self.x, self.codes, indices)
        order = iter(np.argsort(-distances, kind="stable"))
        for k in np.flatnonzero(counts == 0):
            point = next((n for n in order if counts[indices[n]] > 1 and distances[n] > 0), None)
            if point is None:  # fewer distinct points than codes: the rest stay empty
                break
            counts[indices[point]] -= 1
            indices[point] = k
            counts[k] = 1
        self.give(indices)

    def move_to(self, codes: np.ndarray) -> int:
        """Move the codes there, and find the nearest of each point; how many points changed their code."""
        own, others = _moves(self.codes, codes)
        self.codes = codes
        self.upper += own[self.indices]  # (n,), from (K,)
        self.lower -= others[self.indices]
        doubtful = np.flatnonzero(self.upper >= self.lower)  # of all others the own code is still the nearest
        before = self.indices[doubtful]
        self.indices[doubtful], self.upper[doubtful], self.lower[doubtful] = self._compare(doubtful)
        changed = self.indices[doubtful] != before
        self._transfer(doubtful[changed], before[changed])
        return int(changed.sum())

    def _compare(self, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Codes of these rows, a bound above the distance to the nearest, and one below that to the second.

        The bounds leave room for the rounding of the products, D eps |x| |c| at most.
        """
        indices, first, second = nearest_two(self.x, self.codes, rows)
        squares = self.squares[rows]  # (rows,)
        longest = np.einsum("kd,kd->k", self.codes, self.codes).max()  # of |c_k|^2, (K,)
        room = 2 * self.x.shape[1] * np.finfo(self.x.dtype).eps * (squares + longest)
        squares = squares.astype(np.float64)
        return indices, np.sqrt(np.maximum(squares + first, 0) + room), np.sqrt(np.maximum(squares + second - room, 0))

    def _transfer(self, moved: np.ndarray, old: np.ndarray) -> None:
        """Take the points `moved` out of the sums of their old codes and add them to their new ones."""
        new, k = self.indices[moved], len(self.codes)
        _add(self.x, moved, np.stack([new, old], axis=1), [1.0, -1.0], self.sums)
        self.counts += np.bincount(new, minlength=k) - np.bincount(old, minlength=k)


def _moves(last: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each code went, (K,), and how far the farthest of the others did, (K,)."""
    own = np.linalg.norm(codes.astype(np.float64) - last, axis=1)  # of (K, D)
    most = int(own.argmax())
    others = np.full(len(own), own[most])
    others[most] = np.delete(own, most).max(initial=0.0)
    return own, others


def _add(x: np.ndarray, rows: np.ndarray, indices: np.ndarray, signs: list[float], sums: np.ndarray) -> None:
    """sums[indices[i, j]] += signs[j] x[rows[i]] for all i and j: a product with a sparse matrix, in float64."""
    n, m = indices.shape
    entries = (np.tile(signs, n), indices.ravel(), np.arange(0, n * m + 1, m))
    sums += sparse.csc_array(entries, shape=(len(sums), n)) @ x.take(rows, axis=0).astype(np.float64)  # (K, n) @ (n, D)


# ---------------------------------------------------------------- blocks and threads


def _in_blocks(one: Callable[[slice], None], n: int, rows: int, work: int) -> None:
    """one(slice) for slices of at most about `rows` rows that cover 0 ... n, as even work for each thread if it pays.

    A block is a whole number of pieces, so that no product depends on the number of threads.
    """
    threads = THREADS if work > PAYS else 1
    parts = threads * max(1, -(-n // (threads * max(rows, ROWS))))
    size = PIECES[0] * max(1, -(-n // (parts * PIECES[0])))
    blocks = [slice(start, start + size) for start in range(0, n, size)]
    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            one(block)
    else:
        list(_pool().map(one, blocks))  # list: an error in a thread is raised here


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work: to start them anew for each product would cost as much as it saves."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="nearest")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of its parent's threads


def _product(block: np.ndarray, matrix: np.ndarray, piece: int | None) -> np.ndarray:
    """block @ matrix, (rows, K), in products of `piece` rows; what is left over, or all where piece is None, in one."""
    if piece is None:
        return block @ matrix  # (rows, D) @ (D, K)
    (width, columns), pieces = matrix.shape, len(block) // piece
    score, whole = np.empty((len(block), columns), dtype=block.dtype), pieces * piece
    # (pieces, piece, D) @ (D, K), and what is left over, (rows - whole, D) @ (D, K)
    np.matmul(block[:whole].reshape(pieces, piece, width), matrix, out=score[:whole].reshape(pieces, piece, columns))
    np.matmul(block[whole:], matrix, out=score[whole:])
    return score
