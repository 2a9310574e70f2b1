"""K-means on 10,000 digits in float32, against scikit-learn's Lloyd from the same start: seconds per iteration.

Both run to rest from the same K-means++ start. What is timed is the whole fit; it is divided by the number of
assignments, which each side reports. Quality is the inertia that was reached.
"""

from __future__ import annotations

import time
import warnings
from functools import partial

import numpy as np

from lvm_lib import data, kmeans

from .row import Measured, Row, at_most, sized


def digits():
    images = data.load("digits")
    return (
        np.concatenate([data.unit(images.train), data.unit(images.test)])
        .reshape(-1, 784)
        .astype(np.float32)[: sized(None, 1000)]
    )


def ours(k, target):
    x = digits()
    start = kmeans.kmeans_plus_plus(x, k, 0)

    def run():
        begin = time.perf_counter()
        done = kmeans.lloyd(x, start)
        return Measured(done.inertia, (time.perf_counter() - begin) / (done.iterations + 1))

    return run


def theirs(k, target):
    from sklearn.cluster import KMeans

    x = digits()
    start = kmeans.kmeans_plus_plus(x, k, 0)

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where the start is given and n_init is not 1
            begin = time.perf_counter()
            done = KMeans(k, init=start, n_init=1, algorithm="lloyd", tol=0, max_iter=300).fit(x)
            return Measured(float(done.inertia_), (time.perf_counter() - begin) / done.n_iter_)

    return run


ROWS = [
    Row(
        f"K-means per iteration, 10,000 x 784, K = {k}",
        "scikit-learn",
        "inertia",
        partial(ours, k),
        partial(theirs, k),
        at_most(1.0),
        1.0,
    )
    for k in (10, 64)
]
