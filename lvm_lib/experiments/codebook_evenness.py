"""How evenly K-means uses 64 centroids on 10,000 points of N(0, I), by dimension.

One K-means++ run of Lloyd's algorithm for each D. "counts, D = 8" is the perplexity of the points' shares of the cells
over K, 1 where all cells hold equally many; "distortion, D = 8" the same of the cells' shares of J.
"""

from __future__ import annotations

import numpy as np

from .. import kmeans

SEEDS = tuple(range(6))
DIMENSIONS, POINTS, CODES = (1, 2, 4, 8, 16), 10_000, 64


def run(dimensions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and distortion of each cell, (64,) each.

    Raises TypeError or ValueError where dimensions or seed cannot be right.
    """
    rng = np.random.default_rng([seed, dimensions])
    x = rng.normal(size=(POINTS, dimensions))
    fitted = kmeans.kmeans(x, CODES, rng)
    apart = kmeans.assign(x, fitted.centroids)
    return fitted.counts, np.bincount(apart.codes, apart.squared_distance, CODES)


def evenness(shares: np.ndarray) -> float:
    """The perplexity of shares (K,), not yet normalised, over K."""
    share = shares[shares > 0] / shares.sum()
    return float(np.exp(-(share * np.log(share)).sum()) / len(shares))


def measure(seed: int) -> dict[str, float]:
    """Evenness of counts and of distortion in every dimension.

    Raises TypeError or ValueError where seed cannot be right.
    """
    found = {}
    for dimensions in DIMENSIONS:
        counts, distortion = run(dimensions, seed)
        found[f"counts, D = {dimensions}"] = evenness(counts)
        found[f"distortion, D = {dimensions}"] = evenness(distortion)
    return found
