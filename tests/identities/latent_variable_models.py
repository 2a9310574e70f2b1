"""The equations of the chapter "latent variable models", each by two independent routes. See gate.py for the form."""

from __future__ import annotations

import numpy as np
import torch
from gate import AtMost, Equal, Sampled, identity
from scipy import integrate, special, stats
from torch import distributions

from lvm_lib import bounds, quadrature
from lvm_lib.bounds import GaussianQ
from lvm_lib.curve import Curve, tanh_network
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian

POINTS = 3


# ---------------------------------------------------------------- models, drawn anew for each seed


def linear(rng, dimensions=4, latents=2):
    """A PPCA model with loadings that are not orthogonal, and data of its own."""
    model = LinearGaussian(rng.normal(size=(dimensions, latents)), rng.normal(size=dimensions), rng.uniform(0.6, 1.1))
    return model, model.sample(POINTS, rng)[0]


def mixture(rng, components=3):
    """A mixture in two dimensions with full covariances, and data of its own."""
    roots = rng.normal(size=(components, 2, 2)) * 0.5
    model = GaussianMixture(
        rng.dirichlet(np.full(components, 5.0)),
        rng.normal(size=(components, 2)) * 1.5,
        roots @ roots.swapaxes(1, 2) + 0.4 * np.eye(2),
    )
    return model, model.sample(POINTS, rng)[0]


def noisy_curve(rng, std=0.5):
    """A random network with noise, in the plane, and data of its own."""
    model = Curve(tanh_network(2, 4, rng), std)
    return model, model.sample(POINTS, rng)[0]


# ---------------------------------------------------------------- routes that use nothing of the library's models


def scipy_px_z(model, x, z):
    """log p(x | z) of a linear model or a curve with one noise, by scipy: x (n, D), z (..., n, q) gives (..., n)."""
    std = np.sqrt(model.noise) if isinstance(model, LinearGaussian) else model.std
    return stats.norm(model.decode(z), std).logpdf(x).sum(axis=-1)


def scipy_prior(z):
    return stats.norm.logpdf(z).sum(axis=-1)


def stacked(model):
    """Mean and covariance of (x, z) of a linear model as one normal."""
    loadings, latents = model.loadings, model.loadings.shape[1]
    cov = np.block(
        [[loadings @ loadings.T + model.noise * np.eye(len(loadings)), loadings], [loadings.T, np.eye(latents)]]
    )
    return np.concatenate([model.mean, np.zeros(latents)]), cov


def conditioned(model, x):
    """Mean (n, d) and covariance (d, d) of z given x, by the rule for conditioning a normal."""
    (mean, cov), d = stacked(model), x.shape[1]
    gain = np.linalg.solve(cov[:d, :d], cov[:d, d:]).T
    return (x - mean[:d]) @ gain.T, cov[d:, d:] - gain @ cov[:d, d:]


def components(model, x):
    """pi_k N(x; mu_k, Sigma_k) by scipy, (n, K)."""
    return np.stack(
        [
            weight * stats.multivariate_normal(mean, cov).pdf(x)
            for weight, mean, cov in zip(model.weights, model.means, model.covariances, strict=True)
        ],
        axis=1,
    )


def gauss_hermite(mean, cov, f, nodes=60):
    """E f(z) for z ~ N(mean_i, cov), one i per data point: f takes (k, n, d), returns (k, n)."""
    rule = quadrature.product(*[quadrature.hermite(nodes)] * mean.shape[1])
    z = mean + (rule.points @ np.linalg.cholesky(cov).T)[:, None, :]
    return np.exp(rule.log_weights) @ f(z)


# ---------------------------------------------------------------- joint, marginal, posterior


@identity("lvm-joint", tolerance=1e-8)
def joint(rng):
    """One normal over x and z, and the library's joint, against prior plus generator by scipy"""
    model, x = linear(rng)
    z = rng.normal(size=(POINTS, 2))
    curve, seen = noisy_curve(rng)
    at = rng.normal(size=(POINTS, 1))
    whole = stats.multivariate_normal(*stacked(model)).logpdf(np.concatenate([x, z], axis=1))
    return [
        Equal({"log p(x, z)": whole}, {"log p(z)": scipy_prior(z), "log p(x | z)": scipy_px_z(model, x, z)}),
        Equal(
            {"log p(x, z)": curve.log_joint(seen, at)},
            {"log p(z)": scipy_prior(at), "log p(x | z)": scipy_px_z(curve, seen, at)},
        ),
    ]


@identity("lvm-marginal", tolerance=1e-8)
def marginal(rng):
    """Low-rank evidence against the log of a Gauss–Hermite average of p(x | z) over the prior; a mixture's by a sum"""
    model, x = linear(rng)
    model = LinearGaussian(0.6 * model.loadings, model.mean, model.noise)
    average = gauss_hermite(np.zeros((POINTS, 2)), np.eye(2), lambda z: np.exp(scipy_px_z(model, x, z)))
    mixed, seen = mixture(rng)
    return [
        Equal({"log p(x)": model.evidence(x)}, {"log E p(x | z)": np.log(average)}),
        Equal({"log p(x)": mixed.evidence(seen)}, {"log E p(x | z)": np.log(components(mixed, seen).sum(axis=1))}),
    ]


@identity("lvm-posterior", tolerance=1e-8)
def posterior(rng):
    """The closed-form posterior against joint minus evidence, both by scipy; the same for a mixture's table"""
    model, x = linear(rng)
    z = rng.normal(size=(POINTS, 2))
    mean, cov = stacked(model)
    of_x = stats.multivariate_normal(mean[:4], cov[:4, :4]).logpdf(x)
    mixed, seen = mixture(rng)
    each = np.log(components(mixed, seen))
    return [
        Equal(
            {"log p(z | x)": model.posterior(x).log_prob(z)},
            {
                "log p(x, z)": stats.multivariate_normal(mean, cov).logpdf(np.concatenate([x, z], axis=1)),
                "- log p(x)": -of_x,
            },
        ),
        Equal(
            {"log p(z | x)": mixed.log_responsibilities(seen)},
            {"log p(x, z)": each, "- log p(x)": np.broadcast_to(-mixed.evidence(seen)[:, None], each.shape)},
        ),
    ]


# ---------------------------------------------------------------- three models


@identity("lvm-mixture", tolerance=1e-8)
def mixture_evidence(rng):
    """The library's log sum against the mixture distribution of torch"""
    model, x = mixture(rng)
    whole = distributions.MixtureSameFamily(
        distributions.Categorical(torch.tensor(model.weights)),
        distributions.MultivariateNormal(torch.tensor(model.means), torch.tensor(model.covariances)),
    )
    return Equal({"log p(x)": model.evidence(x)}, {"log sum": whole.log_prob(torch.tensor(x)).numpy()})


@identity("lvm-mixture-posterior", tolerance=1e-8)
def mixture_posterior(rng):
    """Responsibilities in log space against plain shares of densities by scipy"""
    model, x = mixture(rng)
    parts = components(model, x)
    return Equal({"p(z = k | x)": model.responsibilities(x)}, {"share": parts / parts.sum(axis=1, keepdims=True)})


@identity("lvm-curve-evidence", tolerance=1e-8)
def curve_evidence(rng):
    """The sum over a grid against scipy's adaptive quadrature of the same integral"""
    model, x = noisy_curve(rng)

    def integral(point):
        def f(z):
            return np.exp(scipy_px_z(model, point[None], np.array([[z]]))[0] + stats.norm.logpdf(z))

        return integrate.quad(f, -9, 9, points=np.linspace(-4, 4, 17), limit=400, epsabs=0, epsrel=1e-12)[0]

    grid = quadrature.line(-9, 9, 2401)
    return Equal({"log p(x)": model.evidence(x, grid)}, {"log integral": np.log([integral(point) for point in x])})


@identity("lvm-infinite-mixture", tolerance=1e-7)
def infinite_mixture(rng):
    """Evidence on a grid against a mixture of many equally likely Gaussians along the curve, at midpoints of the prior

    The z that stand for it are those in the middle of equal shares of the prior; the error falls as their number.
    """
    model, x = noisy_curve(rng, std=1.0)

    def finite(components):
        z = stats.norm.ppf((np.arange(components) + 0.5) / components)[:, None, None]  # (K, 1, 1)
        return special.logsumexp(scipy_px_z(model, x, np.broadcast_to(z, (components, POINTS, 1))), axis=0) - np.log(
            components
        )

    return Equal({"log p(x)": model.evidence(x)}, {"log of the mixture": finite(400_000)})


@identity("lvm-ancestral", tolerance=1e-8, sigmas=4.5)
def ancestral(rng):
    """Var x by integrating x xᵀ p(x) over the plane against Var g over z plus s² I; and the spread of samples"""
    model, _ = noisy_curve(rng, std=0.6)
    z = quadrature.line(-9, 9, 1201)
    mass, g = np.exp(z.log_weights + stats.norm.logpdf(z.points[:, 0])), model.decode(z.points)
    of_g = np.einsum("i,ij,ik->jk", mass, g - mass @ g, g - mass @ g)
    low, high = g.min(axis=0) - 7 * 0.6, g.max(axis=0) + 7 * 0.6
    plane = quadrature.plane(low, high, 61)
    weight = np.exp(plane.log_weights + model.evidence(plane.points, quadrature.line(-9, 9, 301)))
    away = plane.points - weight @ plane.points
    bent = Curve(tanh_network(2, 8, rng, gain=2.5), 0.4)
    g_of_bent = bent.decode(z.points)
    x, _ = bent.sample(400_000, rng)
    square = ((x - mass @ g_of_bent) ** 2).sum(axis=1)
    return [
        Equal({"Var x": np.einsum("i,ij,ik->jk", weight, away, away)}, {"Var g": of_g, "s^2 I": 0.6**2 * np.eye(2)}),
        Sampled(
            {"spread of samples": square.mean()},
            {"tr Var g": mass @ ((g_of_bent - mass @ g_of_bent) ** 2).sum(axis=1), "D s^2": 2 * 0.4**2},
            error=square.std() / np.sqrt(len(square)),
        ),
    ]


# ---------------------------------------------------------------- the marginal from samples


@identity("lvm-naive", tolerance=1e-8)
def naive(rng):
    """The library's weights with q = prior against a plain average of scipy's densities at the same draws"""
    model, x = linear(rng)
    prior = GaussianQ(np.zeros((POINTS, 2)), np.eye(2))
    z = prior.sample(50, 5)
    return Equal(
        {"log estimate": bounds.importance_bound(model, prior, x, 50, 5).value},
        {"log average": np.log(np.exp(scipy_px_z(model, x, z)).mean(axis=0))},
    )


@identity("lvm-importance", tolerance=1e-7)
def importance(rng):
    """Low-rank evidence against the log of an average weight under a wide q, by Gauss–Hermite and scipy"""
    model, x = linear(rng)
    mean, cov = conditioned(model, x)
    mean, cov = mean + 0.1, 1.4 * cov

    def weight(z):
        log_q = np.stack([stats.multivariate_normal(mean[i], cov).logpdf(z[:, i]) for i in range(POINTS)], axis=1)
        return np.exp(scipy_px_z(model, x, z) + scipy_prior(z) - log_q)

    return Equal({"log p(x)": model.evidence(x)}, {"log E_q w": np.log(gauss_hermite(mean, cov, weight))})


@identity("lvm-kl-posterior-prior", tolerance=1e-8)
def kl_posterior_prior(rng):
    """KL between two normals by torch against Gauss–Hermite averages of scipy's log posterior and log prior"""
    model, x = linear(rng)
    mean, cov = conditioned(model, x)
    to_prior = distributions.kl_divergence(
        distributions.MultivariateNormal(torch.tensor(mean), torch.tensor(cov).expand(POINTS, 2, 2)),
        distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)),
    ).numpy()

    def log_posterior(z):
        return np.stack([stats.multivariate_normal(mean[i], cov).logpdf(z[:, i]) for i in range(POINTS)], axis=1)

    formula = 0.5 * (np.trace(cov) + (mean**2).sum(axis=1) - 2 - np.linalg.slogdet(cov)[1])
    averages = {
        "E log p(z | x)": gauss_hermite(mean, cov, log_posterior),
        "- E log p(z)": -gauss_hermite(mean, cov, scipy_prior),
    }
    return [Equal({"KL(posterior || prior)": to_prior}, averages), Equal({"by the text's formula": formula}, averages)]


def gentle(rng, loading=None):
    """A linear model with one latent number whose generator leaves much to the noise, and data of its own."""
    loading = rng.uniform(0.5, 0.8) if loading is None else loading
    model = LinearGaussian([[loading]], [rng.normal()], rng.uniform(0.8, 1.2))
    return model, model.sample(POINTS, rng)[0]


def over_two_draws(model, x, f, nodes=60):
    """E f(p_1, p_2) over two independent draws from the prior, p_k = p(x | z_k): (n,), by Gauss–Hermite."""
    rule = quadrature.hermite(nodes)
    p = np.exp(scipy_px_z(model, x, np.broadcast_to(rule.points[:, None, :], (nodes, len(x), 1))))  # (nodes, n)
    mass = np.exp(rule.log_weights)
    return np.einsum("i,j,ijn->n", mass, mass, f(p[:, None], p[None]))


@identity("lvm-naive-bias", tolerance=1e-7)
def naive_bias(rng):
    """The estimate of two draws averaged over all pairs, before and after the logarithm, against the exact evidence"""
    model, x = gentle(rng)
    flat, seen = gentle(rng, loading=0.0)  # z says nothing: every draw is right, and so is its logarithm

    def of_logs(model, x):
        return over_two_draws(model, x, lambda p, q: np.log((p + q) / 2))

    return [
        Equal(
            {"log E estimate": np.log(over_two_draws(model, x, lambda p, q: (p + q) / 2))},
            {"log p(x)": model.evidence(x)},
        ),
        AtMost(
            {"E log estimate": of_logs(model, x)},
            {"log p(x)": model.evidence(x)},
            Equal({"E log estimate": of_logs(flat, seen)}, {"log p(x)": flat.evidence(seen)}),
        ),
    ]


@identity("lvm-naive-variance", tolerance=1e-7)
def naive_variance(rng):
    """Variance of the two-draw estimate over all pairs against the posterior's average of posterior over prior"""
    model, x = gentle(rng)
    flat, seen = gentle(rng, loading=0.0)
    z, count = quadrature.line(-12, 12, 2401), 2

    def relative_variance(model, x):
        square = over_two_draws(model, x, lambda p, q: ((p + q) / 2) ** 2)
        return square / np.exp(2 * model.evidence(x)) - 1

    def overlap_and_kl(model, x):
        mean, cov = conditioned(model, x)
        log_post = stats.norm(mean, np.sqrt(cov[0, 0])).logpdf(z.points[:, 0])  # (n, m)
        mass, log_ratio = np.exp(log_post + z.log_weights), log_post - stats.norm.logpdf(z.points[:, 0])
        return (mass * np.exp(log_ratio)).sum(axis=1), (mass * log_ratio).sum(axis=1)

    def least(model, x):
        kl = overlap_and_kl(model, x)[1]
        return {"exp KL / K": np.exp(kl) / count, "- 1/K": np.full(POINTS, -1 / count)}

    return [
        Equal(
            {"Var / p(x)^2": relative_variance(model, x)},
            {"E ratio / K": overlap_and_kl(model, x)[0] / count, "- 1/K": np.full(POINTS, -1 / count)},
        ),
        AtMost(
            least(model, x),
            {"Var / p(x)^2": relative_variance(model, x)},
            Equal(least(flat, seen), {"Var / p(x)^2": relative_variance(flat, seen)}, zero=("Var / p(x)^2",)),
        ),
    ]
