"""Probabilistic PCA of 10,000 digits, ten latent dimensions, against scikit-learn's PCA.

Fit, then the average evidence.

scikit-learn divides the noise by n - 1, this library by n, the maximum of the likelihood: the evidence differs a
little.
"""

from __future__ import annotations

import numpy as np

from lvm_lib import data
from lvm_lib.ppca import fit_ppca

from .row import Row, within

LATENTS = 10


def digits():
    images = data.load("digits")
    return np.concatenate([data.flat(images.train), data.flat(images.test)]) / 255.0


def ours(target):
    x = digits()
    return lambda: fit_ppca(x, LATENTS).evidence(x).mean()


def theirs(target):
    from sklearn.decomposition import PCA

    x = digits()
    return lambda: PCA(LATENTS).fit(x).score(x)


ROWS = [Row("PPCA, 10,000 x 784", "scikit-learn", "evidence, nats per point", ours, theirs, within(0.05), 1.0)]
