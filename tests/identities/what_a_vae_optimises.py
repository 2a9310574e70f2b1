"""The new equations of the chapter "what_a_vae_optimises"; those that came from "vae" are tested in vae.py."""

from __future__ import annotations

import numpy as np
from gate import AtMost, Equal, identity
from scipy import special, stats

from lvm_lib import quadrature
from lvm_lib.bounds import GaussianQ
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian

POINTS = 3


@identity("vae-beta-bound", tolerance=1e-8)
def bound_for_larger_beta(rng):
    """The library's weighed terms under its ELBO, and that under scipy's dense evidence"""
    model = LinearGaussian(rng.normal(size=(5, 2)), rng.normal(size=5), rng.uniform(0.4, 0.9))
    x, beta = model.sample(POINTS, rng)[0], rng.uniform(1.5, 3)
    posterior = model.posterior(x)
    q = GaussianQ.diagonal(posterior.mean + rng.normal(size=(POINTS, 2)), rng.uniform(0.2, 0.4, size=2))
    terms, at_posterior = model.elbo_terms(q, x), model.elbo_terms(posterior, x)
    evidence = stats.multivariate_normal(model.mean, model.covariance).logpdf(x)
    elbo = {"expected log joint": terms.expected_log_joint, "entropy": terms.entropy}
    tight = Equal(
        {"reconstruction": at_posterior.reconstruction, "- KL to the prior": -at_posterior.kl},
        {"log p(x)": evidence},
    )
    same = Equal({"reconstruction": terms.reconstruction, "- 1 x KL": -terms.kl}, elbo)
    return [
        AtMost({"reconstruction": terms.reconstruction, "- beta KL": -beta * terms.kl}, elbo, equality=same),
        AtMost(elbo, {"log p(x)": evidence}, equality=tight),
    ]


@identity("vae-prior-gain", tolerance=1e-8)
def prior_gain(rng):
    """Rise of the average ELBO, each q by Gauss–Hermite, against two divergences of the aggregate by trapezoids"""
    n, grid = 4, quadrature.line(-40, 40, 40_001)
    mean, std = rng.normal(size=n) * 1.5, rng.uniform(0.3, 0.8, n)
    rho = GaussianMixture(
        rng.dirichlet(np.full(3, 5.0)), rng.normal(size=(3, 1)) * 1.5, rng.uniform(0.8, 1.6, 3)[:, None, None]
    )
    rows = [quadrature.hermite(100, m, s) for m, s in zip(mean, std, strict=True)]
    with_rho = np.mean([np.exp(row.log_weights) @ rho.evidence(row.points) for row in rows])
    with_p = np.mean([np.exp(row.log_weights) @ stats.norm.logpdf(row.points[:, 0]) for row in rows])

    z = grid.points[:, 0]
    log_q = special.logsumexp(stats.norm.logpdf(z, mean[:, None], std[:, None]), axis=0) - np.log(n)
    weight = np.exp(log_q + grid.log_weights)
    parts = rho.log_weights[:, None] + stats.norm.logpdf(z, rho.means, np.sqrt(rho.covariances[:, 0]))
    log_rho = special.logsumexp(parts, axis=0)
    return Equal(
        {"average E_q log rho": with_rho, "- average E_q log p": -with_p},
        {
            "KL(q(z) || p)": weight @ (log_q - stats.norm.logpdf(z)),
            "- KL(q(z) || rho)": -(weight @ (log_q - log_rho)),
        },
    )
