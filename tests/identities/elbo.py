"""The equations of the chapter "elbo", each by two independent routes. See gate.py for the form of a test."""

from __future__ import annotations

import functools

import numpy as np
import torch
from gate import AtMost, Equal, Sampled, identity
from scipy import optimize, special, stats
from torch import distributions

from lvm_lib import bounds, quadrature
from lvm_lib.bounds import GaussianQ
from lvm_lib.curve import Curve, QuadraticCurve, tanh_network
from lvm_lib.densities import kl_categorical
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian

normal = stats.multivariate_normal
LOG_2PI = np.log(2 * np.pi)
POINTS = 3


# ---------------------------------------------------------------- models and q, drawn anew for each seed


def linear_model(rng, dimensions=5, latents=2):
    """A PPCA model with loadings that are not orthogonal, and data of its own."""
    model = LinearGaussian(rng.normal(size=(dimensions, latents)), rng.normal(size=dimensions), rng.uniform(0.4, 0.9))
    return model, model.sample(POINTS, rng)[0]


def toy_model(rng):
    """The toy with a clear bend, and data of its own."""
    model = QuadraticCurve(rng.uniform(0.6, 1.4), rng.uniform(0.5, 1.2), rng.uniform(0.6, 1.0))
    return model, model.sample(POINTS, rng)[0]


def some_q(rng, n=POINTS, latents=2):
    """A normal per point, correlated and away from the prior."""
    root = rng.normal(size=(n, latents, latents)) * 0.4
    return GaussianQ(rng.normal(size=(n, latents)) + 0.3, root @ root.swapaxes(1, 2) + 0.3 * np.eye(latents))


def mixture_model(rng, components=3):
    """A mixture in two dimensions, data, and a q over its components that is not the posterior."""
    roots = rng.normal(size=(components, 2, 2)) * 0.5
    model = GaussianMixture(
        rng.dirichlet(np.full(components, 5.0)),
        rng.normal(size=(components, 2)) * 1.5,
        roots @ roots.swapaxes(1, 2) + 0.4 * np.eye(2),
    )
    return model, model.sample(POINTS, rng)[0], rng.dirichlet(np.full(components, 3.0), POINTS)


# ---------------------------------------------------------------- routes that use nothing of the library's models


def expectation(q, f, nodes=40):
    """E_q f(z) by Gauss–Hermite: f takes z (k, n, d) and returns (k, n, ...); exact for polynomials."""
    rule = quadrature.product(*[quadrature.hermite(nodes)] * q.mean.shape[1])
    z = q.mean + np.einsum("nij,kj->kni", np.linalg.cholesky(q.cov), rule.points)
    return np.tensordot(np.exp(rule.log_weights), f(z), axes=1)


def at_each_point(q, log_density):
    """A function of z (k, n, d) from one of (z of one point, its index), by scipy."""
    return lambda z: np.stack([np.reshape(log_density(z[:, i], i), len(z)) for i in range(z.shape[1])], axis=1)


def scipy_log_q(q):
    return at_each_point(q, lambda z, i: normal(q.mean[i], q.cov[i]).logpdf(z))


def joint_covariance(model):
    """Covariance of (x, z) stacked, from x = W z + mean + noise."""
    loadings, latents = model.loadings, model.loadings.shape[1]
    return np.block(
        [[loadings @ loadings.T + model.noise * np.eye(len(loadings)), loadings], [loadings.T, np.eye(latents)]]
    )


def scipy_log_joint(model, x, z):
    """log p(x, z) of the linear model as one normal in D + d dimensions, (n,)."""
    mean = np.concatenate([model.mean, np.zeros(z.shape[1])])
    return np.atleast_1d(normal(mean, joint_covariance(model)).logpdf(np.concatenate([x, z], axis=1)))


def conditioned(model, x):
    """Mean (n, d) and covariance (d, d) of z given x, by the rule for conditioning a normal: D x D, no M."""
    cov, dimensions = joint_covariance(model), x.shape[1]
    gain = np.linalg.solve(cov[:dimensions, :dimensions], cov[:dimensions, dimensions:]).T
    return (x - model.mean) @ gain.T, cov[dimensions:, dimensions:] - gain @ cov[:dimensions, dimensions:]


def scipy_log_posterior(model, x, z):
    mean, cov = conditioned(model, x)
    return np.array([normal(m, cov).logpdf(point) for m, point in zip(mean, z, strict=True)])


def toy_log_px_z(model, x, z):
    """log p(x | z) of the toy by scipy: x (n, 1), z (k, n, 1) gives (k, n)."""
    return stats.norm(model.slope * z + model.bend * z**2 / 2, model.std).logpdf(x)[..., 0]


def torch_q(q):
    return distributions.MultivariateNormal(torch.tensor(q.mean), torch.tensor(q.cov))


def torch_kl_to_prior(q):
    """KL(q || N(0, I)), (n,)."""
    prior = distributions.MultivariateNormal(torch.zeros(q.mean.shape[1]).double(), torch.eye(q.mean.shape[1]).double())
    return distributions.kl_divergence(torch_q(q), prior).numpy()


# ---------------------------------------------------------------- three ways to write the bound


@identity("elbo-bayes", tolerance=1e-8)
def bayes(rng):
    """Evidence in low-rank form against joint minus conditional of one normal over x and z, at arbitrary z"""
    model, x = linear_model(rng)
    z = rng.normal(size=(POINTS, 2)) * 2
    curve = Curve(tanh_network(2, 4, rng), 0.5)
    seen, _ = curve.sample(POINTS, rng)
    grid = curve.settled_grid(seen)
    places = rng.choice(np.flatnonzero(np.abs(grid.points[:, 0]) < 2), 5)
    at = np.broadcast_to(grid.points[places, None], (5, POINTS, 1))
    return [
        Equal(
            {"log p(x)": model.evidence(x)},
            {"log p(x, z)": scipy_log_joint(model, x, z), "- log p(z | x)": -scipy_log_posterior(model, x, z)},
        ),
        Equal(
            {"log p(x)": np.broadcast_to(curve.evidence(seen), (5, POINTS))},
            {
                "log p(x, z)": curve.log_joint(seen, at),
                "- log p(z | x)": -curve.log_posterior_on(seen, grid)[:, places].T,
            },
        ),
    ]


@identity("elbo-decomposition", tolerance=1e-8)
def decomposition(rng):
    """Low-rank evidence against the ELBO by quadrature over q plus the KL between two normals by torch"""
    model, x = linear_model(rng)
    q = some_q(rng)
    mean, cov = conditioned(model, x)
    posterior = torch_q(GaussianQ(mean, cov))
    to_posterior = distributions.kl_divergence(torch_q(q), posterior).numpy()
    toy, seen = toy_model(rng)
    flat = some_q(rng, latents=1)
    return [
        Equal(
            {"log p(x)": model.evidence(x)},
            {
                "E_q log p(x, z)": expectation(q, lambda z: model.log_joint(x, z)),
                "- E_q log q(z)": -expectation(q, scipy_log_q(q)),
                "KL(q || posterior)": to_posterior,
            },
        ),
        Equal(
            {"log p(x)": toy.evidence(seen)},
            {
                "E_q log p(x, z)": expectation(flat, lambda z: toy.log_joint(seen, z)),
                "- E_q log q(z)": -expectation(flat, scipy_log_q(flat)),
                "KL(q || posterior)": toy.kl_to_posterior(flat, seen),
            },
        ),
    ]


@identity("elbo-data", tolerance=1e-8)
def sum_over_data(rng):
    """The library's bounds of a mixture, added up, against the log mass of all points at once minus one KL

    The points' z are independent under the model and under q, so all of them together are one latent variable with K^n
    values: evidence and divergence are those of that one variable.
    """
    model, x, q = mixture_model(rng)
    joint = np.stack(
        [w * normal(m, c).pdf(x) for w, m, c in zip(model.weights, model.means, model.covariances, strict=True)], axis=1
    )  # p(x_n, z_n = k), (n, K)
    every = functools.reduce(np.multiply.outer, joint).ravel()  # p(all x, all z), (K^n,)
    all_q = functools.reduce(np.multiply.outer, q).ravel()
    together = np.log(every.sum())
    return Equal(
        {"sum of ELBO": model.elbo(q, x).sum()},
        {
            "sum of log p(x_n)": together,
            "- KL of all": -(all_q * (np.log(all_q) - np.log(every) + together)).sum(),
        },
    )


@identity("elbo-jensen", tolerance=1e-7)
def jensen(rng):
    """Evidence on a line against the log of an average weight by Gauss–Hermite; the average of its log lies below"""
    model = QuadraticCurve(rng.uniform(0.6, 1.2), rng.uniform(0.2, 0.4), 1.0)
    x, _ = model.sample(POINTS, rng)
    wide = GaussianQ.diagonal(np.zeros((POINTS, 1)), 1.2)

    def log_w(q, log_joint):
        return lambda z: log_joint(z) - scipy_log_q(q)(z)

    def log_average(q, log_joint):
        return np.log(expectation(q, lambda z: np.exp(log_w(q, log_joint)(z)), nodes=150))

    def toy_joint(z):
        return toy_log_px_z(model, x, z) + stats.norm.logpdf(z)[..., 0]

    line, seen = linear_model(rng, dimensions=3)
    posterior = GaussianQ(*conditioned(line, seen))

    def joint(z):
        return np.stack([scipy_log_joint(line, seen, each) for each in z])

    return [
        Equal({"log p(x)": model.evidence(x)}, {"log E_q w": log_average(wide, toy_joint)}),
        AtMost(
            {"E_q log w": expectation(wide, log_w(wide, toy_joint))},
            {"log E_q w": log_average(wide, toy_joint)},
            equality=Equal(
                {"E_q log w": expectation(posterior, log_w(posterior, joint), nodes=12)},
                {"log p(x)": line.evidence(seen)},
            ),
        ),
    ]


@identity("elbo-energy-entropy", tolerance=1e-8)
def energy_and_entropy(rng):
    """The library's ELBO (reconstruction minus KL) against E_q log p(x, z) by quadrature plus scipy's entropy"""
    model, x = linear_model(rng)
    q = some_q(rng)

    def joint(z):
        return np.stack([scipy_log_joint(model, x, each) for each in z])

    return Equal(
        {"ELBO": model.elbo(q, x)},
        {
            "E_q log p(x, z)": expectation(q, joint, nodes=12),
            "H(q)": np.array([normal(cov=cov).entropy() for cov in q.cov]),
        },
    )


@identity("elbo-reconstruction", tolerance=1e-8)
def reconstruction_and_prior(rng):
    """E_q[log p(x, z) - log q(z)] by quadrature against a closed-form reconstruction minus torch's KL to the prior"""
    model, x = linear_model(rng)
    q = some_q(rng)
    return Equal(
        {"ELBO": expectation(q, lambda z: model.log_joint(x, z) - scipy_log_q(q)(z))},
        {
            "E_q log p(x | z)": model.elbo_terms(q, x).reconstruction,
            "- KL(q || p(z))": -torch_kl_to_prior(q),
        },
    )


@identity("elbo-evidence-gap", tolerance=1e-8)
def evidence_minus_gap(rng):
    """The toy's closed-form ELBO against its evidence minus the KL to its posterior, both on a grid"""
    model, x = toy_model(rng)
    q = some_q(rng, latents=1)
    return Equal(
        {"ELBO": model.elbo(q, x)},
        {"log p(x)": model.evidence(x), "- KL(q || posterior)": -model.kl_to_posterior(q, x)},
    )


@identity("elbo-three-terms", tolerance=1e-8)
def three_terms(rng):
    """Low-rank evidence against a quadrature of log p(x | z) and torch's divergences to prior and to posterior"""
    model, x = linear_model(rng)
    q = some_q(rng)
    posterior = torch_q(GaussianQ(*conditioned(model, x)))

    def log_px_z(z):
        means = z @ model.loadings.T + model.mean
        return stats.norm(means, np.sqrt(model.noise)).logpdf(x).sum(axis=-1)

    return Equal(
        {"log p(x)": model.evidence(x)},
        {
            "E_q log p(x | z)": expectation(q, log_px_z, nodes=12),
            "- KL(q || p(z))": -torch_kl_to_prior(q),
            "KL(q || posterior)": distributions.kl_divergence(torch_q(q), posterior).numpy(),
        },
    )


@identity("elbo-code-length", tolerance=1e-8)
def code_length(rng):
    """Expected message length, counted over the codes of a mixture one by one, against evidence and KL"""
    model, x, q = mixture_model(rng)
    log_px_z = np.stack([normal(m, c).logpdf(x) for m, c in zip(model.means, model.covariances, strict=True)], axis=1)
    distortion = -(q * log_px_z).sum(axis=1)
    prior_bits, bits_back = -(q * np.log(model.weights)).sum(axis=1), stats.entropy(q, axis=1)
    gap = kl_categorical(q, model.responsibilities(x))
    return [
        Equal(
            {"- log p(x)": -model.evidence(x), "KL(q || posterior)": gap},
            {"E_q[- log p(x | z)]": distortion, "E_q[- log p(z)]": prior_bits, "- H(q)": -bits_back},
        ),
        Equal(
            {"- log p(x)": -model.evidence(x), "KL(q || posterior)": gap},
            {"distortion": distortion, "rate": stats.entropy(q, np.broadcast_to(model.weights, q.shape), axis=1)},
        ),
    ]


# ---------------------------------------------------------------- the toy


@identity("elbo-toy", tolerance=1e-8)
def toy(rng):
    """The toy's curve and joint against scipy's normals; mean and variance of its evidence against moments of z"""
    model, x = toy_model(rng)
    z = rng.normal(size=(4, POINTS, 1)) * 1.5
    line = quadrature.line(-150.0, 250.0, 4001)
    mass = np.exp(model.evidence(line.points, quadrature.line(-12.0, 12.0, 2001)) + line.log_weights)
    mean = mass @ line.points[:, 0]
    return [
        Equal({"g(z)": model.decode(z)}, {"slope z": model.slope * z, "bend z^2 / 2": model.bend * z * z / 2}),
        Equal(
            {"log p(x, z)": model.log_joint(x, z)},
            {"log p(z)": stats.norm.logpdf(z)[..., 0], "log p(x | z)": toy_log_px_z(model, x, z)},
        ),
        Equal({"E x": mean}, {"bend / 2": model.bend / 2}),
        Equal(
            {"Var x": mass @ (line.points[:, 0] - mean) ** 2},
            {"slope^2": model.slope**2, "bend^2 / 2": model.bend**2 / 2, "s^2": model.std**2},
        ),
    ]


@identity("elbo-toy-reconstruction", tolerance=1e-8)
def toy_reconstruction(rng):
    """E_q log p(x | z) by Gauss–Hermite over scipy's normal against the formula, and against the library"""
    model, x = toy_model(rng)
    q = some_q(rng, latents=1)
    mean, variance = q.mean[:, 0], q.cov[:, 0, 0]
    average = expectation(q, lambda z: toy_log_px_z(model, x, z))
    mean_g = model.slope * mean + model.bend * (mean**2 + variance) / 2
    linear = (model.slope + model.bend * mean) ** 2 * variance
    return [
        Equal(
            {"E_q log p(x | z)": average},
            {
                "- log(2 pi s^2) / 2": np.full(POINTS, -0.5 * np.log(2 * np.pi * model.std**2)),
                "- (x - E_q g)^2 / (2 s^2)": -((x[:, 0] - mean_g) ** 2) / (2 * model.std**2),
                "- linear part of var g": -linear / (2 * model.std**2),
                "- quadratic part of var g": -(model.bend**2) * variance**2 / (4 * model.std**2),
            },
        ),
        Equal({"E_q log p(x | z)": average}, {"library": model.elbo_terms(q, x).reconstruction}),
    ]


# ---------------------------------------------------------------- the linear model


@identity("elbo-ppca", tolerance=1e-8)
def ppca(rng):
    """Prior plus generator by torch's normals against one normal over x and z, and against the library's joint"""
    model, x = linear_model(rng)
    z = rng.normal(size=(POINTS, 2))
    prior = distributions.Normal(torch.zeros(2, dtype=torch.float64), 1.0).log_prob(torch.tensor(z)).sum(-1).numpy()
    generator = distributions.Normal(torch.tensor(z @ model.loadings.T + model.mean), model.noise**0.5)
    terms = {"log p(z)": prior, "log p(x | z)": generator.log_prob(torch.tensor(x)).sum(-1).numpy()}
    return [
        Equal({"log p(x, z)": scipy_log_joint(model, x, z)}, terms),
        Equal({"library": model.log_joint(x, z)}, terms),
    ]


@identity("elbo-ppca-evidence", tolerance=1e-8)
def ppca_evidence(rng):
    """Generator averaged over the prior on a plane, and the library, against a normal with covariance W Wᵀ + σ² I"""
    model, x = linear_model(rng, dimensions=3)
    plane = quadrature.plane(-8.0, 8.0, 201)
    generator = stats.norm(plane.points @ model.loadings.T + model.mean, model.noise**0.5)
    generator = generator.logpdf(x[:, None]).sum(axis=2)
    averaged = quadrature.log_integral(generator + normal(np.zeros(2)).logpdf(plane.points), plane)
    cov, centred = model.loadings @ model.loadings.T + model.noise * np.eye(3), x - model.mean
    terms = {
        "- D log(2 pi) / 2": np.full(POINTS, -1.5 * LOG_2PI),
        "- log det C / 2": np.full(POINTS, -0.5 * np.linalg.slogdet(cov)[1]),
        "- r^T C^-1 r / 2": -0.5 * (centred * np.linalg.solve(cov, centred.T).T).sum(axis=1),
    }
    return [Equal({"log p(x)": averaged}, terms), Equal({"library": model.evidence(x)}, terms)]


@identity("elbo-ppca-posterior", tolerance=1e-8)
def ppca_posterior(rng):
    """Mean and covariance by M against conditioning of one normal over x and z, in D dimensions"""
    model, x = linear_model(rng)
    mean, cov = conditioned(model, x)
    growth = model.loadings.T @ model.loadings / model.noise
    inverse = np.linalg.inv(np.eye(2) + growth)
    posterior = model.posterior(x)
    return [
        Equal({"precision": np.linalg.inv(cov)}, {"I": np.eye(2), "W^T W / s^2": growth}),
        Equal({"mean": mean}, {"M^-1 W^T (x - mu) / s^2": (x - model.mean) @ model.loadings @ inverse / model.noise}),
        Equal({"mean": mean}, {"library": posterior.mean}),
        Equal({"covariance": np.broadcast_to(cov, (POINTS, 2, 2))}, {"library": posterior.cov}),
    ]


@identity("elbo-linear-elbo", tolerance=1e-8)
def linear_elbo(rng):
    """E_q[log p(x, z) - log q(z)] by quadrature over scipy's normals against the formula, and against the library"""
    model, x = linear_model(rng)
    q = some_q(rng)
    average = expectation(
        q, lambda z: np.stack([scipy_log_joint(model, x, each) for each in z]) - scipy_log_q(q)(z), nodes=12
    )
    residual, inner = x - q.mean @ model.loadings.T - model.mean, model.loadings.T @ model.loadings
    terms = {
        "- D log(2 pi s^2) / 2": np.full(POINTS, -2.5 * np.log(2 * np.pi * model.noise)),
        "- |x - W m - mu|^2 / (2 s^2)": -(residual**2).sum(axis=1) / (2 * model.noise),
        "- tr(W^T W S) / (2 s^2)": -np.einsum("ij,nji->n", inner, q.cov) / (2 * model.noise),
        "- |m|^2 / 2": -(q.mean**2).sum(axis=1) / 2,
        "- tr S / 2": -np.trace(q.cov, axis1=1, axis2=2) / 2,
        "log det S / 2": np.linalg.slogdet(q.cov)[1] / 2,
        "q / 2": np.full(POINTS, 1.0),
    }
    return [Equal({"ELBO": average}, terms), Equal({"library": model.elbo(q, x)}, terms)]


@identity("elbo-mean-field-gap", tolerance=1e-7)
def mean_field_gap(rng):
    """The smallest KL and largest ELBO that a search over means and variances finds, against the determinant formula"""
    model, x = linear_model(rng, dimensions=4)
    mean, cov = conditioned(model, x)

    def least(loss):  # over two means and two log standard deviations
        return optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6}).fun

    def kl(at, i):
        q = distributions.MultivariateNormal(torch.tensor(at[:2]), torch.diag(torch.tensor(np.exp(2 * at[2:]))))
        posterior = distributions.MultivariateNormal(torch.tensor(mean[i]), torch.tensor(cov))
        return float(distributions.kl_divergence(q, posterior))

    def elbo(at, i):
        return model.elbo(GaussianQ.diagonal(at[None, :2], np.exp(at[2:])), x[i : i + 1])[0]

    precision = np.eye(2) + model.loadings.T @ model.loadings / model.noise
    terms = {
        "sum_j log M_jj / 2": np.full(POINTS, np.log(np.diag(precision)).sum() / 2),
        "- log det M / 2": np.full(POINTS, -np.linalg.slogdet(precision)[1] / 2),
    }
    return [
        Equal({"least KL found": np.array([least(lambda at, i=i: kl(at, i)) for i in range(POINTS)])}, terms),
        Equal(
            {
                "log p(x)": model.evidence(x),
                "- best ELBO found": np.array([least(lambda at, i=i: -elbo(at, i)) for i in range(POINTS)]),
            },
            terms,
        ),
        Equal({"KL of the library's best": model.kl_to_posterior(model.best_mean_field(x), x)}, terms),
    ]


# ---------------------------------------------------------------- estimates


class DiscreteQ:
    """A categorical q over a mixture's components, in the form that `bounds` asks for."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def sample(self, k, rng):
        edges = self.probabilities.cumsum(axis=1)[:, :-1]
        return (rng.random((k, len(edges), 1)) > edges).sum(axis=2)

    def log_prob(self, z):
        return np.log(np.take_along_axis(self.probabilities, z.T, axis=1)).T


@identity("elbo-monte-carlo", tolerance=1e-8, sigmas=4)
def monte_carlo(rng):
    """The mean over all samples of size two, and the library's estimates, against the exact ELBO and Var log w"""
    mixture, seen, probabilities = mixture_model(rng)
    log_w = mixture.log_joint_all(seen) - np.log(probabilities)
    pairs = (log_w[:, :, None] + log_w[:, None]) / 2
    chance = probabilities[:, :, None] * probabilities[:, None]
    elbo = mixture.evidence(seen) - kl_categorical(probabilities, mixture.responsibilities(seen))
    mean = (chance * pairs).sum(axis=(1, 2))
    spread = (chance * (pairs - mean[:, None, None]) ** 2).sum(axis=(1, 2))
    second = (probabilities * log_w**2).sum(axis=1)

    model, x = toy_model(rng)
    q = GaussianQ.diagonal(rng.normal(size=(POINTS, 1)) / 2, 0.6)
    exact, samples = model.elbo_terms(q, x), 200_000
    estimate = bounds.elbo(model, q, x, samples, rng)

    def squared(z):
        log_w = toy_log_px_z(model, x, z) + stats.norm.logpdf(z)[..., 0] - scipy_log_q(q)(z)
        return (log_w - exact.reconstruction + exact.kl) ** 2

    variance, fourth = expectation(q, squared), expectation(q, lambda z: squared(z) ** 2)
    return [
        Equal({"mean of all averages": mean}, {"ELBO": elbo}),
        Equal({"variance of all averages": spread}, {"E (log w)^2 / L": second / 2, "- ELBO^2 / L": -(elbo**2) / 2}),
        Sampled(
            {"estimate": estimate.value},
            {"reconstruction": exact.reconstruction, "- KL": -exact.kl},
            error=np.sqrt(variance / samples),
        ),
        Sampled(
            {"L x squared standard error": estimate.standard_error**2 * samples},
            {"Var log w": variance},
            error=np.sqrt((fourth - variance**2) / samples),
        ),
    ]


def weight_setting(rng):
    """One latent dimension, one data point, and a q wider than the posterior: weights w / p(x) on a line of z."""
    model, x = linear_model(rng, dimensions=2, latents=1)
    mean, cov = conditioned(model, x[:1])
    return model, x[:1], GaussianQ(mean + 0.3 * np.sqrt(cov), cov * 1.6)


def exact_bound(log_ratio, chance, k):
    """E log mean of k weights, exactly, from log weights on the points of q and the points' chances.

    log a = integral over t of [exp(-t) - exp(-a t)] / t, so that with phi(t) = E exp(-t w) and t = exp(s)
    E log mean_k w = integral over s of exp(-exp(s)) - phi(exp(s) / k)^k. No sampling, for any k.
    """
    s = np.linspace(-25.0, 60.0, 1701)
    log_phi = np.array([special.logsumexp(-np.exp(at - np.log(k) + log_ratio), b=chance) for at in s])
    return float(np.sum(np.exp(-np.exp(s)) - np.exp(k * log_phi)) * (s[1] - s[0]))


def on_line(model, q, x, log_p, points=1201):
    """log [w / p(x)] and the chances of q on a line of z."""
    mean, std = q.mean[0, 0], q.cov[0, 0, 0] ** 0.5
    line = quadrature.line(mean - 9 * std, mean + 9 * std, points)
    log_q = stats.norm(mean, std).logpdf(line.points[:, 0])
    log_joint = scipy_log_joint(model, np.repeat(x, points, axis=0), line.points)
    chance = np.exp(log_q + line.log_weights)
    return log_joint - log_q - log_p, chance / chance.sum()


@identity("elbo-importance", tolerance=1e-8)
def importance(rng):
    """L_K by an integral of the weights' Laplace transform: rises with K, below the evidence, equal at the posterior"""
    model, x, q = weight_setting(rng)
    log_p = model.evidence(x)[0]
    ratio, chance = on_line(model, q, x, log_p)
    bound = functools.cache(lambda k: log_p + exact_bound(ratio, chance, k))
    coarse, few = on_line(model, q, x, 0.0, points=401)
    pairs = few @ (np.logaddexp(coarse[:, None], coarse) - np.log(2)) @ few
    sizes = (1, 2, 4, 8, 16, 32)
    posterior = GaussianQ(*conditioned(model, x))
    flat = Equal(
        {"L_5 of the posterior": log_p + exact_bound(*on_line(model, posterior, x, log_p), 5)},
        {
            "log p(x)": scipy_log_joint(model, x, posterior.mean)[0]
            - normal(posterior.mean[0], posterior.cov[0]).logpdf(posterior.mean[0])
        },
    )
    return [
        Equal(
            {"L_1": bound(1)},
            {
                "reconstruction": model.elbo_terms(q, x).reconstruction[0],
                "- KL(q || p(z))": -model.elbo_terms(q, x).kl[0],
            },
        ),
        Equal({"L_2": bound(2)}, {"E log mean of all pairs": pairs}),
        AtMost({"L_K": [bound(k) for k in sizes]}, {"L_2K": [bound(2 * k) for k in sizes]}, equality=flat),
        AtMost({"L_64": bound(64)}, {"log p(x)": log_p}, equality=flat),
    ]


@identity("elbo-importance", sigmas=4)
def importance_sampled(rng):
    """The library's estimate of L_K for the toy, averaged over many repeats, against the integral"""
    model, x = toy_model(rng)
    log_p, copies, repeats = model.evidence(x[:1])[0], 500, 200
    line = quadrature.line(-12.0, 12.0, 2001)
    log_q = stats.norm(0.2, 1.3).logpdf(line.points[:, 0])
    log_joint = (toy_log_px_z(model, x[:1], line.points[:, None]) + stats.norm.logpdf(line.points))[:, 0]
    q, chance = GaussianQ(np.full((copies, 1), 0.2), np.full((1, 1), 1.3**2)), np.exp(log_q + line.log_weights)
    claims = []
    for k in (2, 4):
        estimate = bounds.importance_bound(model, q, np.repeat(x[:1], copies, axis=0), k, rng, repeats)
        error = np.sqrt((estimate.standard_error**2).sum()) / copies
        claims.append(
            Sampled(
                {"estimate": estimate.value.mean(), "- log p(x)": -log_p},
                {"E log mean w / p(x)": exact_bound(log_joint - log_q - log_p, chance, k)},
                error=error,
            )
        )
    return claims


def limit(f, k):
    """The limit of f(k) for large k, from f at k, 2k, 4k, 8k: errors in 1/k, 1/k^2 and 1/k^3 are eliminated."""
    values = np.array([f(k), f(2 * k), f(4 * k), f(8 * k)])
    for order in (1, 2, 3):
        values = (2**order * values[1:] - values[:-1]) / (2**order - 1)
    return values[0]


@identity("elbo-importance-bias", tolerance=1e-6)
def importance_bias(rng):
    """K times the exact gap, extrapolated to large K, against Var w / (2 p²) by direct summation"""
    mixture, x, probabilities = mixture_model(rng, components=2)
    p, q = np.exp(mixture.evidence(x)), probabilities
    w = np.exp(mixture.log_joint_all(x)) / q

    def scaled_gap(k):  # all counts of the first component among k draws
        counts = np.arange(k + 1)
        return [
            k * (stats.binom(k, first).pmf(counts) @ np.log(total / ((counts * a + (k - counts) * b) / k)))
            for first, (a, b), total in zip(q[:, 0], w, p, strict=True)
        ]

    model, seen, normal_q = weight_setting(rng)
    ratio, chance = on_line(model, normal_q, seen, model.evidence(seen)[0])
    return [
        Equal(
            {"lim K (log p(x) - L_K)": limit(lambda k: np.array(scaled_gap(k)), 500)},
            {"E w^2 / (2 p^2)": (q * w**2).sum(axis=1) / (2 * p**2), "- 1/2": np.full(POINTS, -0.5)},
        ),
        Equal(
            {"lim K (log p(x) - L_K)": limit(lambda k: -k * exact_bound(ratio, chance, k), 100)},
            {"E w^2 / (2 p^2)": chance @ np.exp(2 * ratio) / 2, "- 1/2": -0.5},
        ),
    ]


@identity("elbo-ess", tolerance=1e-8, sigmas=4)
def effective_sample_size(rng):
    """The library's log-space form against the sums, the coefficient of variation, and K p² / E[w²] for many draws"""
    log_w = rng.normal(size=(40, POINTS)) - 3
    w = np.exp(log_w)
    size_of = bounds.effective_sample_size
    size = size_of(log_w)
    model, x, q = weight_setting(rng)
    ratio, chance = on_line(model, q, x, model.evidence(x)[0])
    draws = 100_000
    inverse = 1 / size_of(rng.choice(ratio, (draws, 1), p=chance))[0]
    one, two = np.exp(ratio), chance @ np.exp(2 * ratio)
    error = np.sqrt(chance @ (one**2 - 2 * two * one + two) ** 2 / draws)  # delta method for E w^2 / (E w)^2, E w = 1
    return [
        Equal({"ESS": size}, {"(sum w)^2 / sum w^2": w.sum(axis=0) ** 2 / (w**2).sum(axis=0)}),
        AtMost(
            {"ESS": size},
            {"K": np.full(POINTS, 40.0)},
            equality=Equal({"ESS of equal weights": size_of(np.full((40, 1), -700.0))}, {"K": [40.0]}),
        ),
        AtMost(
            {"1": np.ones(POINTS)},
            {"ESS": size},
            equality=Equal({"1": [1.0]}, {"ESS of one weight": size_of(800.0 * np.eye(40)[:, :1])}),
        ),
        Equal(
            {"K / ESS": 40 / size}, {"1": np.ones(POINTS), "squared coefficient of variation": stats.variation(w) ** 2}
        ),
        Sampled({"K / ESS": draws * inverse}, {"E w^2 / p^2": two}, error=error),
    ]


# ---------------------------------------------------------------- gradients


def parameters(model):
    """W, mu and log s^2 as torch leaves."""
    return [
        torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for value in (model.loadings, model.mean, np.log(model.noise))
    ]


def gradients(value, theta):
    return [gradient.numpy() for gradient in torch.autograd.grad(value, theta)]


def torch_evidence(theta, x):
    """log p(x), summed over the points, by torch's low-rank normal."""
    loadings, mean, log_noise = theta
    noise = log_noise.exp().expand(len(mean))
    return distributions.LowRankMultivariateNormal(mean, loadings, noise).log_prob(torch.tensor(x)).sum()


def averaged_derivatives(model, q, x):
    """E_q of the derivatives of log p(x, z) by W, mu and log s^2, summed over points, term by term; found by hand."""

    def average(f):
        return expectation(q, lambda z: f(x - z @ model.loadings.T - model.mean, z), nodes=8).sum(axis=0)

    return {
        "W": {"E r z^T / s^2": average(lambda r, z: r[..., :, None] * z[..., None, :]) / model.noise},
        "mu": {"E r / s^2": average(lambda r, z: r) / model.noise},
        "log s^2": {
            "E |r|^2 / (2 s^2)": average(lambda r, z: (r**2).sum(-1)) / (2 * model.noise),
            "- n D / 2": -x.size / 2,
        },
    }


@identity("elbo-fisher", tolerance=1e-8)
def fisher(rng):
    """Automatic derivatives of the evidence against the posterior average of hand-written derivatives of the joint"""
    model, x = linear_model(rng)
    by_hand = averaged_derivatives(model, GaussianQ(*conditioned(model, x)), x)
    automatic = gradients(torch_evidence(theta := parameters(model), x), theta)

    curve, seen = toy_model(rng)
    slope, bend, log_std = (
        torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for value in (curve.slope, curve.bend, np.log(curve.std))
    )
    grid = curve.settled_grid(seen)
    points = torch.tensor(grid.points[:, 0])
    generator = distributions.Normal(slope * points + bend * points**2 / 2, log_std.exp())
    prior = distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0).log_prob(points)
    log_joint = generator.log_prob(torch.tensor(seen)) + prior
    evidence = torch.logsumexp(log_joint + torch.tensor(grid.log_weights), dim=1).sum()
    by_slope, by_bend, by_std = gradients(evidence, (slope, bend, log_std))
    z, mass = grid.points[:, 0], np.exp(curve.log_posterior_on(seen, grid) + grid.log_weights)
    residual = (seen - curve.decode(grid.points)[:, 0]) / curve.std
    return [
        *(
            Equal({f"d log p / d{name}": value}, terms)
            for value, (name, terms) in zip(automatic, by_hand.items(), strict=True)
        ),
        Equal({"d log p / dslope": by_slope}, {"E r z / s^2": (mass * residual * z).sum() / curve.std}),
        Equal({"d log p / dbend": by_bend}, {"E r z^2 / (2 s^2)": (mass * residual * z**2).sum() / (2 * curve.std)}),
        Equal({"d log p / dlog s": by_std}, {"E r^2 / s^2": (mass * residual**2).sum(), "- n": -POINTS}),
    ]


@identity("elbo-gradient", tolerance=1e-8)
def gradient_of_the_bound(rng):
    """Automatic derivatives of the closed-form ELBO against E_q of those by hand, and against evidence minus KL"""
    model, x = linear_model(rng)
    claims = []
    for q, at_posterior in ((GaussianQ(*conditioned(model, x)), True), (some_q(rng), False)):
        loadings, mean, log_noise = theta = parameters(model)
        m, cov = torch.tensor(q.mean), torch.tensor(q.cov)
        spread = torch.einsum("ij,nji->n", loadings.T @ loadings, cov) / (2 * log_noise.exp())
        generator = distributions.Normal(m @ loadings.T + mean, (log_noise / 2).exp()).log_prob(torch.tensor(x)).sum(-1)
        precision = torch.eye(2, dtype=torch.float64) + loadings.T @ loadings / log_noise.exp()
        centre = torch.linalg.solve(precision, loadings.T @ (torch.tensor(x) - mean).T / log_noise.exp()).T
        gap = distributions.kl_divergence(
            torch_q(q), distributions.MultivariateNormal(centre, precision_matrix=precision.expand(POINTS, 2, 2))
        ).sum()
        of_elbo = gradients((generator - spread).sum(), theta)  # the KL to the prior does not depend on theta
        of_evidence, of_gap = gradients(torch_evidence(theta, x), theta), gradients(gap, theta)
        by_hand = averaged_derivatives(model, q, x)
        for name, bound, evidence, rest in zip(by_hand, of_elbo, of_evidence, of_gap, strict=True):
            zero = (f"- d KL / d{name}",) if at_posterior else ()
            claims += [
                Equal({f"d ELBO / d{name}": bound}, by_hand[name]),
                Equal(
                    {f"d ELBO / d{name}": bound},
                    {f"d log p / d{name}": evidence, f"- d KL / d{name}": -rest},
                    zero=zero,
                ),
            ]
    return claims
