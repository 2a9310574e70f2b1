"""Rows of the book's closing table that need no token: K-means, the Bernoulli mixture, an autoencoder with a density.

Ruler B: log p(x) of the first 200 test digits in their stored binarisation, nats per image, the digits that
`one_point_price` measures with a better q; all fitted to the stored binarisation of the 9,000 training digits (the
autoencoder to fresh ones). "K-means": 50 means of Lloyd's algorithm, read as pixel probabilities (one image with all
pixels on and one with none added to each cluster), with the clusters' shares as prior; "mixture": EM of 50 Bernoulli
components. Of both, "one point" is the bound with all of q on the component with the largest joint probability, "sum"
the evidence. "AE": two numbers as its code, a Gaussian mixture fitted to the codes of the training digits, and the
evidence by quadrature on a grid of 120 by 120 points; "AE, coarse" on half as many a side.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from .. import quadrature
from ..autoencoder import mlp_autoencoder
from ..bernoulli_mixture import BernoulliMixture
from ..em import fit_bernoulli_mixture, fit_mixture
from ..fit import fit
from ..kmeans import kmeans
from ..mixture import GaussianMixture
from .one_point_price import IMAGES, digits

SEEDS = (0, 1, 2)
COMPONENTS, POINTS = 50, 120


def kmeans_model(seed: int) -> BernoulliMixture:
    """K-means of binary digits, read as a model of them.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    x = digits()[1].double().numpy()
    found = kmeans(x, COMPONENTS, seed, restarts=1)
    counts = np.bincount(found.codes, minlength=COMPONENTS)
    on = np.stack([x[found.codes == k].sum(0) for k in range(COMPONENTS)])
    return BernoulliMixture(counts / counts.sum(), (on + 1) / (counts + 2)[:, None])


def mixture_model(seed: int) -> BernoulliMixture:
    """A Bernoulli mixture by EM.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    found = fit_bernoulli_mixture(digits()[1].double().numpy(), COMPONENTS, seed=seed, iterations=30).model
    assert isinstance(found, BernoulliMixture)
    return found


def both_bounds(model: BernoulliMixture) -> dict[str, float]:
    """The bound of a one-point q, and the evidence."""
    x = digits()[2][:IMAGES].double().numpy()
    return {"one point": model.log_joint_all(x).max(1).mean(), "sum": model.evidence(x).mean()}


def autoencoder(seed: int) -> dict[str, float]:
    """The decoder of an autoencoder under a density that was fitted to its codes: log p(x) by quadrature.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    grey, _, test = digits()
    net = mlp_autoencoder(2, (256, 128), seed=seed)

    def reconstruction(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        logits = net.decoder(net.encoder(x))
        return functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)

    fit(net, grey, epochs=8, seed=seed, loss=reconstruction, binarise_fresh=True)
    with torch.no_grad():
        drawn = torch.bernoulli(grey, generator=torch.Generator().manual_seed(seed))
        codes = net.encode(drawn).double().numpy()
    density = fit_mixture(codes, 20, seed=seed, iterations=60).model
    assert isinstance(density, GaussianMixture)

    def evidence(points: int) -> float:
        grid = quadrature.plane(codes.min(0) - 1, codes.max(0) + 1, points)
        with torch.no_grad():
            logits = net.decoder(torch.tensor(grid.points, dtype=torch.float32))
        off, log_pz = functional.softplus(logits).sum(1), density.evidence(grid.points)
        parts = [quadrature.log_integral((x @ logits.T - off).numpy() + log_pz, grid) for x in test[:IMAGES].split(50)]
        return float(np.concatenate(parts).mean())

    return {"AE: sum": evidence(POINTS), "AE, coarse: sum": evidence(POINTS // 2)}


def measure(seed: int) -> dict[str, float]:
    """All rows from one seed.

    Raises TypeError or ValueError where an argument cannot be right.
    """
    found: dict[str, float] = {}
    for name, make in (("K-means", kmeans_model), ("mixture", mixture_model)):
        found |= {f"{name}: {column}": float(value) for column, value in both_bounds(make(seed)).items()}
    return {**found, **autoencoder(seed)}
