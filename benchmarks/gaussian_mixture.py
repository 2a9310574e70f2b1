"""Gaussian mixture by EM against scikit-learn: same data, same start, same number of steps, full covariances."""

from __future__ import annotations

import numpy as np

from lvm_lib import data, em

from .row import Row, sized, within

COMPONENTS, STEPS = 10, sized(20, 3)


def digits_in(dimensions):
    """All 10,000 digits in the leading principal axes, each pixel in units of 100 grey levels."""
    images = data.load("digits")
    x = np.concatenate([data.flat(images.train), data.flat(images.test)]) / 100.0
    x = x - x.mean(axis=0)
    _, vectors = np.linalg.eigh(x.T @ x)
    return np.ascontiguousarray(x @ vectors[:, ::-1][:, :dimensions])


def ours(dimensions):
    def prepare(target):
        x = digits_in(dimensions)
        start = em.start_mixture(x, COMPONENTS, 0)

        def run():
            fit = em.fit_mixture(x, start=start, iterations=STEPS, tolerance=0, floor=1e-6)
            return fit.trace[-2]  # scikit-learn reports the bound before its last M-step

        return run

    return prepare


def theirs(dimensions):
    def prepare(target):
        from sklearn.mixture import GaussianMixture

        x = digits_in(dimensions)
        start = em.start_mixture(x, COMPONENTS, 0)
        options = {
            "weights_init": start.weights,
            "means_init": start.means,
            "precisions_init": np.linalg.inv(start.covariances),
            "init_params": "random",
        }

        def run():
            return GaussianMixture(COMPONENTS, max_iter=STEPS, tol=0, reg_covar=0, **options).fit(x).lower_bound_

        return run

    return prepare


ROWS = [
    Row(
        f"Gaussian mixture, 10,000 x {dimensions}",
        "scikit-learn",
        "bound, nats per point",
        ours(dimensions),
        theirs(dimensions),
        within(1e-6),
        aim,
        repeats=repeats,
    )
    for dimensions, aim, repeats in ((50, 0.8, 3), (2, 0.3, 5))
]
