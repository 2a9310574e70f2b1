"""The equations of the chapter "vae", each by two independent routes. See gate.py for the form of a test."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from gate import AtMost, Equal, Sampled, identity
from scipy import special, stats
from torch.distributions import Independent, Normal, kl_divergence

from lvm_lib import quadrature
from lvm_lib.autoencoder import AE
from lvm_lib.bounds import GaussianQ
from lvm_lib.gradients import reparameterised_gradient, score_function_gradient
from lvm_lib.likelihoods import Bernoulli, Gaussian
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian, fit_ppca
from lvm_lib.vae import kl_to_prior, linear_vae, mlp_vae, reparameterise

LOG_2PI = np.log(2 * np.pi)
POINTS = 3


# ---------------------------------------------------------------- settings, drawn anew for each seed


def hermite(mean, std, f, nodes=12):
    """E f(z, eps) for z = mean + std eps, mean and std (d,), by Gauss–Hermite: f takes (k, d) twice, gives (k, ...)."""
    rule = quadrature.product(*[quadrature.hermite(nodes)] * len(mean))
    return np.tensordot(np.exp(rule.log_weights), f(mean + std * rule.points, rule.points), axes=1)


def cubic(rng):
    """f(z) = sum_j a_j z_j^3 + b z_1 z_2, and the exact gradient of its expectation by mean and log std."""
    a, b = rng.uniform(0.5, 1.5, 2), rng.uniform(0.5, 1.5)
    mean, std = rng.uniform(0.6, 1.2, 2), rng.uniform(0.5, 0.9, 2)

    def f(z):
        return (torch.as_tensor(a) * z**3).sum(-1) + b * z[..., 0] * z[..., 1]

    by_mean = a * (3 * mean**2 + 3 * std**2) + b * mean[::-1]  # from E z^3 = m^3 + 3 m s^2
    return f, mean, std, by_mean, 6 * a * mean * std**2


def values(f):
    """f as a function of arrays."""
    return lambda z: f(torch.tensor(z)).numpy()


def slope(f, z):
    """f'(z) by automatic differentiation, (k, d)."""
    z = torch.tensor(z, requires_grad=True)
    return torch.autograd.grad(f(z).sum(), z)[0].numpy()


def averages(samples):
    """Means over draws of the library's gradients by mean and log std, and their standard errors."""
    each = torch.cat([samples.mean, samples.log_std], dim=1).numpy()
    return each.mean(axis=0), each.std(axis=0) / np.sqrt(len(each))


def small_vae(std, seed):
    """A Gaussian VAE on five pixels, in float64, and images for it."""
    model = mlp_vae(2, (4,), pixels=5, likelihood=Gaussian(std), seed=seed).double()
    return model, np.random.default_rng(seed).normal(size=(POINTS, 5))


def cloud(rng, n=60):
    """Data whose variances along five turned axes fall from about 8 to about 0.3."""
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    return rng.normal(size=(n, 5)) * np.sqrt([8, 4, 2, 0.7, 0.3]) @ turn + rng.normal(size=5)


def solved(rng):
    """Data, its variances, a noise variance between the third and the fourth, and the optimal linear VAE."""
    x = cloud(rng)
    variances = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    noise = np.sqrt(variances[2] * variances[3])
    model = linear_vae(5, 5, np.sqrt(noise), seed=0).double().copy_(fit_ppca(x, 5, noise=noise))
    with torch.no_grad():
        return x, variances, noise, model, model.q(x), model.exact_elbo_terms(x)


# ---------------------------------------------------------------- the objective, amortisation


@identity("vae-objective", tolerance=1e-8)
def objective(rng):
    """The library's terms, exact for a linear decoder, against Gauss–Hermite of scipy's log p(x | z) and torch's KL"""
    x = cloud(rng)
    model = linear_vae(2, 5, rng.uniform(0.5, 0.9), seed=int(rng.integers(1000))).double()
    with torch.no_grad():
        terms, q = model.exact_elbo_terms(x), model.q(x)
        weight, bias, std = model.decoder.weight.numpy(), model.decoder.bias.numpy(), float(model.likelihood.std)
    mean, spread = q.mean.numpy(), q.stddev.numpy()

    def log_px_z(row):
        return lambda z, eps: stats.norm(z @ weight.T + bias, std).logpdf(x[row]).sum(axis=-1)

    fit = np.mean([hermite(mean[row], spread[row], log_px_z(row)) for row in range(len(x))])
    prior = Independent(Normal(torch.zeros(2).double(), 1.0), 1)
    to_prior = kl_divergence(Independent(Normal(torch.tensor(mean), torch.tensor(spread)), 1), prior).mean()
    return Equal(
        {"L": (terms.reconstruction - terms.kl).mean().item()},
        {"E_q log p(x | z)": fit, "- KL(q || p(z))": -to_prior.item()},
    )


@identity("vae-two-gaps", tolerance=1e-8)
def two_gaps(rng):
    """Dense evidence less a Gauss–Hermite ELBO, against both gaps written out for a Gaussian posterior; q* by ELBO"""
    model = LinearGaussian(rng.normal(size=(5, 2)), rng.normal(size=5), rng.uniform(0.4, 0.9))
    x = model.sample(POINTS, rng)[0]
    M, centre = model.posterior_precision, model.posterior(x).mean
    mean, std = centre + rng.normal(size=(POINTS, 2)) * 0.5, rng.uniform(0.2, 0.4, size=2)
    q = GaussianQ.diagonal(mean, std)
    evidence = stats.multivariate_normal(model.mean, model.covariance).logpdf(x)

    def log_ratio(row):
        normal = stats.multivariate_normal
        return lambda z, eps: (
            normal(model.mean, model.noise * np.eye(5)).logpdf(x[row] - z @ model.loadings.T)
            + normal(np.zeros(2)).logpdf(z)
            - normal(mean[row], np.diag(std**2)).logpdf(z)
        )

    elbo = np.array([hermite(mean[row], std, log_ratio(row)) for row in range(POINTS)])
    ratio = np.diag(M) * std**2
    approximation = np.full(POINTS, (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1]) / 2)
    shift = np.einsum("ni,ij,nj->n", mean - centre, M, mean - centre) / 2
    amortisation = shift + (ratio - 1 - np.log(ratio)).sum() / 2
    best = model.elbo(model.best_mean_field(x), x)
    return [
        Equal(
            {"log p": evidence, "- ELBO(q_phi)": -elbo}, {"approximation": approximation, "amortisation": amortisation}
        ),
        AtMost(
            {"ELBO(q_phi)": model.elbo(q, x)},
            {"ELBO(q*)": best},
            equality=Equal({"ELBO(q*)": best}, {"log p": evidence, "- approximation": -approximation}),
        ),
    ]


# ---------------------------------------------------------------- gradients


@identity("vae-reparameterised", tolerance=1e-8, sigmas=4.5)
def reparameterised(rng):
    """Derivatives of a cubic's expectation, found by hand, against Gauss–Hermite of autograd's slope, and draws"""
    f, mean, std, by_mean, by_log_std = cubic(rng)
    through_mean = hermite(mean, std, lambda z, eps: slope(f, z))
    through_std = hermite(mean, std, lambda z, eps: slope(f, z) * std * eps)
    drawn, error = averages(reparameterised_gradient(f, mean, np.log(std), 60_000, int(rng.integers(1000))))
    return [
        Equal({"d E f / dm": by_mean}, {"E f'(z)": through_mean}),
        Equal({"d E f / dlog s": by_log_std}, {"E f'(z) s eps": through_std}),
        Sampled({"average over draws": drawn}, {"d E f": np.r_[by_mean, by_log_std]}, error=error),
    ]


@identity("vae-score-function", tolerance=1e-8, sigmas=4.5)
def score_function(rng):
    """Derivatives of a cubic's expectation, found by hand, against Gauss–Hermite of f times the score, and draws"""
    f, mean, std, by_mean, by_log_std = cubic(rng)
    at = values(f)
    of_mean = hermite(mean, std, lambda z, eps: at(z)[:, None] * eps / std)
    of_std = hermite(mean, std, lambda z, eps: at(z)[:, None] * (eps**2 - 1))
    drawn, error = averages(score_function_gradient(f, mean, np.log(std), 400_000, int(rng.integers(1000))))
    return [
        Equal({"d E f / dm": by_mean}, {"E f eps / s": of_mean}),
        Equal({"d E f / dlog s": by_log_std}, {"E f (eps^2 - 1)": of_std}),
        Sampled({"average over draws": drawn}, {"d E f": np.r_[by_mean, by_log_std]}, error=error),
    ]


@identity("vae-baseline", tolerance=1e-8, sigmas=4.5)
def baseline(rng):
    """Gauss–Hermite of f - b times the score against that of f′(z), which knows no b; and leave-one-out draws"""
    f, mean, std, by_mean, by_log_std = cubic(rng)
    at, b = values(f), rng.uniform(5, 9)
    with_b = hermite(mean, std, lambda z, eps: (at(z)[:, None] - b) * eps / std)
    with_b_std = hermite(mean, std, lambda z, eps: (at(z)[:, None] - b) * (eps**2 - 1))
    drawn, error = averages(
        score_function_gradient(f, mean, np.log(std), 400_000, int(rng.integers(1000)), baseline="leave-one-out")
    )
    return [
        Equal({"E (f - b) eps / s": with_b}, {"E f'(z)": hermite(mean, std, lambda z, eps: slope(f, z))}),
        Equal(
            {"E (f - b) (eps^2 - 1)": with_b_std},
            {"E f'(z) s eps": hermite(mean, std, lambda z, eps: slope(f, z) * std * eps)},
        ),
        Sampled({"average with leave-one-out": drawn}, {"d E f": np.r_[by_mean, by_log_std]}, error=error),
    ]


# ---------------------------------------------------------------- the terms of the bound


@identity("vae-kl", tolerance=1e-8)
def closed_form_kl(rng):
    """Gauss–Hermite of log q - log p in two dimensions against the four printed terms, and the library's torch form"""
    mean, std = rng.normal(size=2) + 1, rng.uniform(0.2, 0.7, 2)

    def log_ratio(z, eps):
        return (stats.norm.logpdf(z, mean, std) - stats.norm.logpdf(z)).sum(axis=1)

    by_hermite = hermite(mean, std, log_ratio)
    q = Independent(Normal(torch.tensor(mean)[None], torch.tensor(std)[None]), 1)
    return [
        Equal(
            {"E log q/p": by_hermite},
            {
                "s^2 / 2": (std**2).sum() / 2,
                "m^2 / 2": (mean**2).sum() / 2,
                "- q / 2": -1.0,
                "- log s": -np.log(std).sum(),
            },
        ),
        Equal({"E log q/p": by_hermite}, {"library": kl_to_prior(q).sum().item()}),
    ]


@identity("vae-gaussian", tolerance=1e-8)
def gaussian(rng):
    """Scipy's dense multivariate normal, and the library's likelihood, against squared error and normaliser"""
    x, g, std = rng.normal(size=(POINTS, 5)), rng.normal(size=(POINTS, 5)), rng.uniform(0.5, 0.9)
    dense = np.array(
        [stats.multivariate_normal(mean, std**2 * np.eye(5)).logpdf(row) for row, mean in zip(x, g, strict=True)]
    )
    terms = {
        "- |x - g|^2 / (2 sigma^2)": -((x - g) ** 2).sum(axis=1) / (2 * std**2),
        "- D/2 log(2 pi sigma^2)": np.full(POINTS, -2.5 * np.log(2 * np.pi * std**2)),
    }
    library = Gaussian(std)(torch.tensor(g)).log_prob(torch.tensor(x)).numpy()
    return [Equal({"log p(x | z)": dense}, terms), Equal({"library": library}, terms)]


@identity("vae-beta-sigma", tolerance=1e-8)
def one_dial(rng):
    """The library's loss at (σ, β) against scipy's normal at σ times the root of β, its KL and bracket"""
    std, beta, seed = rng.uniform(0.5, 0.8), rng.uniform(2, 4), int(rng.integers(1000))
    model, x = small_vae(std, seed)
    with torch.no_grad():
        left = model.loss(x, seed, beta=beta).item()
        q = model.q(x)
        decoded = model.decoder(reparameterise(q, 1, seed)[0]).numpy()
    kl = stats.norm.logpdf  # by its integral, one latent at a time
    rates = (
        sum(
            hermite(np.array([m]), np.array([s]), lambda z, eps, m=m, s=s: (kl(z, m, s) - kl(z)).sum(axis=1))
            for m, s in zip(q.mean.numpy().ravel(), q.stddev.numpy().ravel(), strict=True)
        )
        / POINTS
    )
    wide = -stats.norm.logpdf(x, decoded, std * np.sqrt(beta)).sum(axis=1).mean()
    return Equal(
        {"L(sigma, beta)": left},
        {
            "beta (- log p)": beta * wide,
            "beta KL": beta * rates,
            "D/2 (1 - beta) log(2 pi sigma^2)": 2.5 * (1 - beta) * np.log(2 * np.pi * std**2),
            "- D/2 beta log beta": -2.5 * beta * np.log(beta),
        },
    )


@identity("vae-ae-limit", tolerance=1e-8)
def autoencoder_limit(rng):
    """A VAE's loss at β = 0 and s_φ = 1e-12 against the autoencoder made of the same networks"""
    std, seed = rng.uniform(0.5, 0.8), int(rng.integers(1000))
    model, x = small_vae(std, seed)
    last = model.encoder.net[-1]
    with torch.no_grad():
        last.weight[2:], last.bias[2:] = 0.0, np.log(1e-12)
        loss = model.loss(x, seed, beta=0.0).item()

        class Mean(torch.nn.Module):
            def forward(self, x):
                return model.encoder.net(x)[:, :2]

        error = AE(Mean(), model.decoder)
        error.anchor = torch.nn.Parameter(torch.zeros(1).double())
        squared = error.squared_error(x).mean().item()
    return Equal(
        {"lim L(sigma, 0)": loss},
        {
            "|x - g(m)|^2 / (2 sigma^2)": squared / (2 * std**2),
            "D/2 log(2 pi sigma^2)": 2.5 * np.log(2 * np.pi * std**2),
        },
    )


@identity("vae-bernoulli", tolerance=1e-8)
def bernoulli(rng):
    """Scipy's Bernoulli masses against the printed terms; the library's masses of all 2^4 images sum to one"""
    logits, x = rng.normal(size=(POINTS, 4)) + 0.5, rng.integers(0, 2, (POINTS, 4))
    x[:, 0] = 1
    masses = stats.bernoulli(special.expit(logits)).logpmf(x).sum(axis=1)
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)), dtype=torch.float64)
    pixels = Bernoulli()(torch.tensor(logits)[:, None])
    return [
        Equal(
            {"log P(x | z)": masses},
            {"x l": (x * logits).sum(axis=1), "- log(1 + e^l)": -np.log1p(np.exp(logits)).sum(axis=1)},
        ),
        Equal({"sum of all masses": pixels.log_prob(every).exp().sum(1).numpy()}, {"1": np.ones(POINTS)}),
    ]


# ---------------------------------------------------------------- the linear VAE


@identity("vae-linear-rate", tolerance=1e-8)
def linear_rate(rng):
    """Average closed-form KL of the optimal linear VAE against half a log ratio; other weights have a lower ELBO"""
    x, variances, noise, _model, _q, terms = solved(rng)
    rate = np.maximum(0, 0.5 * np.log(variances / noise))
    alive, dead = variances[:3], variances[3:]
    other = linear_vae(5, 5, np.sqrt(noise), seed=int(rng.integers(1000))).double()
    optimum = terms.elbo.mean().item()
    with torch.no_grad():
        worse = other.exact_elbo_terms(x).elbo.mean().item()
    return [
        Equal({"R_j": terms.kl_per_dimension.mean(0).numpy()}, {"1/2 max(0, log lambda / sigma^2)": rate}),
        AtMost(
            {"ELBO of other weights": worse},
            {"ELBO at the optimum": optimum},
            equality=Equal(
                {"ELBO at the optimum": optimum},
                {
                    "log det": -(np.log(alive).sum() + 2 * np.log(noise)) / 2,
                    "trace": -(3 + dead.sum() / noise) / 2,
                    "D log 2 pi": -2.5 * LOG_2PI,
                },
            ),
        ),
    ]


@identity("vae-linear-aggregate", tolerance=1e-8)
def linear_aggregate(rng):
    """Moments of the encoder's own q over the data, by sums, against zero and the identity"""
    _, _, _, _, q, _ = solved(rng)
    mean, variance = q.mean.numpy(), q.variance.numpy()
    mean_square = mean.T @ mean / len(mean)
    return [
        Equal({"average m m^T": mean_square, "S": np.diag(variance[0])}, {"I": np.eye(5)}),
        Equal({"1 + average m": 1 + mean.mean(axis=0)}, {"1": np.ones(5)}),
    ]


@identity("vae-water-filling", tolerance=1e-8)
def water_filling(rng):
    """Rate and squared error of the optimal linear VAE, from its q and its W, against the water level's sums"""
    x, variances, noise, model, q, terms = solved(rng)
    with torch.no_grad():
        W = model.decoder.weight.numpy()
        residual = ((x - model.decoder(q.mean).numpy()) ** 2).sum(axis=1).mean()
        spread = np.trace(W.T @ W @ np.diag(q.variance[0].numpy()))
    return [
        Equal(
            {"R": terms.kl.mean().item()}, {"sum of 1/2 log(lambda / noise)": 0.5 * np.log(variances[:3] / noise).sum()}
        ),
        Equal(
            {"error at the mean": residual, "tr W^T W S": spread},
            {"living: water level": 3 * noise, "dead: their variance": variances[3:].sum()},
        ),
    ]


# ---------------------------------------------------------------- distributions of codes


@identity("vae-rate-split", tolerance=1e-8)
def rate_split(rng):
    """Average closed-form KL of four Gaussians against two integrals by quadrature; far apart, I_q is log 4"""
    grid, n = quadrature.line(-60, 60, 40_001), 4
    z = grid.points[:, 0]

    def parts(mean, std):
        log_q = stats.norm.logpdf(z, mean[:, None], std[:, None])  # (n, m)
        log_average = special.logsumexp(log_q, axis=0) - np.log(n)
        weight = np.exp(log_q + grid.log_weights)
        information = (weight * (log_q - log_average)).sum(axis=1).mean()
        return information, (weight.mean(axis=0) * (log_average - stats.norm.logpdf(z))).sum()

    mean, std = rng.normal(size=n) * 1.5, rng.uniform(0.2, 0.8, n)
    information, misfit = parts(mean, std)
    average = (0.5 * (std**2 + mean**2 - 1) - np.log(std)).mean()
    apart = parts(np.array([-15.0, -5.0, 5.0, 15.0]), std * 0.3)[0]
    return [
        Equal({"average KL": average}, {"I_q": information, "KL(q(z) || p)": misfit}),
        AtMost(
            {"I_q": information}, {"log N": np.log(n)}, equality=Equal({"I_q far apart": apart}, {"log N": np.log(n)})
        ),
    ]


@identity("vae-code-evidence", tolerance=1e-8)
def code_evidence(rng):
    """Quadrature over the plane of codes against the closed form for a linear decoder: a mixture of dense normals"""
    W, b, std = rng.normal(size=(4, 2)), rng.normal(size=4), rng.uniform(0.5, 0.9)
    root = rng.normal(size=(3, 2, 2)) * 0.4
    rho = GaussianMixture(
        rng.dirichlet(np.full(3, 5.0)), rng.normal(size=(3, 2)), root @ root.swapaxes(1, 2) + 0.2 * np.eye(2)
    )
    x = rho.sample(POINTS, rng)[0] @ W.T + b + std * rng.normal(size=(POINTS, 4))
    noise = std**2 * np.eye(4)
    closed = special.logsumexp(
        [
            np.log(weight) + stats.multivariate_normal(W @ mean + b, W @ cov @ W.T + noise).logpdf(x)
            for weight, mean, cov in zip(rho.weights, rho.means, rho.covariances, strict=True)
        ],
        axis=0,
    )

    def log_joint(z):
        return stats.norm.logpdf(x[:, None], z @ W.T + b, std).sum(axis=-1) + rho.evidence(z)

    grid = quadrature.adaptive_plane(log_joint, tolerance=1e-10)
    return Equal({"log P(x)": closed}, {"log of the integral": quadrature.log_integral(log_joint(grid.points), grid)})
