"""The equations of the chapter "kl_and_mle", each by two independent routes. See gate.py for the form of a test."""

from __future__ import annotations

import numpy as np
import torch
from gate import AtMost, Equal, Sampled, identity
from scipy import integrate, optimize, stats
from torch import distributions

from lvm_lib import bounds, densities, quadrature
from lvm_lib.mixture import GaussianMixture

normal = stats.multivariate_normal
LOG_2PI = np.log(2 * np.pi)
LINE = quadrature.line(-20, 20, 4001)
X = LINE.points[:, 0]


# ---------------------------------------------------------------- densities, drawn anew for each seed


def mixture(rng, components=3):
    """A mixture on a line, as the library's model and as scipy's log density."""
    weights = rng.dirichlet(np.full(components, 4.0))
    means, stds = rng.normal(size=components) * 1.5, rng.uniform(0.5, 1.2, components)

    def log_density(x):
        parts = [w * stats.norm(m, s).pdf(x) for w, m, s in zip(weights, means, stds, strict=True)]
        return np.log(sum(parts))

    return GaussianMixture.spherical(weights, means[:, None], stds), log_density


def gaussian(rng):
    return rng.normal() * 0.7 + 0.4, rng.uniform(0.8, 1.6)


def covariance(rng, dimensions):
    root = rng.normal(size=(dimensions, dimensions)) * 0.6
    return root @ root.T + 0.4 * np.eye(dimensions)


def quad(f, low=-12.0, high=12.0):
    """An adaptive integral by scipy."""
    return integrate.quad(f, low, high, limit=400, epsabs=1e-12, epsrel=1e-12)[0]


def mean_of(log_p, f):
    """E_p[f] on the line, by the trapezoid rule; log_p and f are values at X."""
    return np.exp(log_p + LINE.log_weights) @ f


def entropy_by_quad(log_density):
    return -quad(lambda x: np.exp(log_density(x)) * log_density(x))


# ---------------------------------------------------------------- the divergence


@identity("kl-definition", tolerance=1e-8)
def definition(rng):
    """E_p[log p] and E_p[log q] by adaptive quadrature against torch's closed KL, and a sum against the library's"""
    (m, s), (mu, c) = gaussian(rng), gaussian(rng)
    p, q = stats.norm(m, s), stats.norm(mu, c)
    by_torch = distributions.kl_divergence(
        *(distributions.Normal(torch.tensor(a, dtype=torch.float64), b) for a, b in ((m, s), (mu, c)))
    ).item()
    a, b = rng.dirichlet(np.full(6, 2.0)), rng.dirichlet(np.full(6, 2.0))
    return [
        Equal(
            {"KL": by_torch},
            {
                "E_p[log p]": quad(lambda x: p.pdf(x) * p.logpdf(x)),
                "- E_p[log q]": -quad(lambda x: p.pdf(x) * q.logpdf(x)),
            },
        ),
        Equal({"KL": densities.kl_categorical(a, b)}, {"E_p[log p]": a @ np.log(a), "- E_p[log q]": -a @ np.log(b)}),
    ]


@identity("kl-nonnegative", tolerance=1e-8)
def nonnegative(rng):
    """-KL by the library against E_p[q / p - 1] by summing; equality where the ratio is 1, to second order"""
    p, q = rng.dirichlet(np.full(5, 2.0)), rng.dirichlet(np.full(5, 2.0))
    short = np.array([*q[:-1] * 0.7, 0.0])  # q also has mass where p has none: the last step of the chain
    p_short = np.array([*p[:-1] / p[:-1].sum(), 0.0])
    same = Equal(
        {"- KL": -densities.kl_categorical(p, p), "one": 1.0}, {"E_p[q/p]": (p * (p / p)).sum()}, zero=("- KL",)
    )
    return [
        AtMost({"- KL": -densities.kl_categorical(p, q)}, {"E_p[q/p]": (p * (q / p)).sum(), "- 1": -1.0}, same),
        AtMost(
            {"integral of q where p > 0": short[p_short > 0].sum(), "- 1": -1.0},
            {"zero": 0.0},
            Equal({"integral of q where p > 0": q[p > 0].sum()}, {"one": 1.0}),
        ),
    ]


@identity("kl-gaussian", tolerance=1e-8)
def of_gaussians(rng):
    """The four terms of the closed form by numpy against torch's KL of two full Gaussians, and against the library's"""
    D = 3
    m, mu, S, C = rng.normal(size=D), rng.normal(size=D), covariance(rng, D), covariance(rng, D)
    inverse = np.linalg.inv(C)
    terms = {
        "trace": np.trace(inverse @ S) / 2,
        "distance": (m - mu) @ inverse @ (m - mu) / 2,
        "- D/2": -D / 2,
        "log det C": np.log(np.linalg.det(C)) / 2,
        "- log det S": -np.log(np.linalg.det(S)) / 2,
    }
    p, q = (distributions.MultivariateNormal(torch.tensor(a), torch.tensor(b)) for a, b in ((m, S), (mu, C)))
    return [
        Equal({"KL": distributions.kl_divergence(p, q).item()}, terms),
        Equal({"KL": densities.kl_normal_full(m, S, mu, C)}, terms),
    ]


@identity("kl-chain", tolerance=1e-8)
def chain(rng):
    """KL of two joint Gaussians at once against the marginal's plus the expected conditional's, by conditioning"""
    m, mu, S, C = rng.normal(size=2), rng.normal(size=2), covariance(rng, 2), covariance(rng, 2)
    first = densities.kl_normal_diag([m[0]], [np.sqrt(S[0, 0])], [mu[0]], [np.sqrt(C[0, 0])])
    slope_p, slope_q = S[1, 0] / S[0, 0], C[1, 0] / C[0, 0]
    std_p, std_q = (np.sqrt(K[1, 1] - K[1, 0] ** 2 / K[0, 0]) for K in (S, C))

    def conditional(x):
        return densities.kl_normal_diag(
            [m[1] + slope_p * (x - m[0])], [std_p], [mu[1] + slope_q * (x - mu[0])], [std_q]
        )

    rule = quadrature.hermite(30, m[0], np.sqrt(S[0, 0]))
    second = np.exp(rule.log_weights) @ np.array([conditional(x) for x in rule.points[:, 0]])
    return Equal(
        {"KL of (x, y)": densities.kl_normal_full(m, S, mu, C)}, {"KL of x": first, "E KL of y given x": second}
    )


@identity("kl-invariance", tolerance=1e-8)
def invariance(rng):
    """KL of x by closed form against KL of y = exp(x) by quadrature of scipy's log-normal densities"""
    (m, s), (mu, c) = gaussian(rng), gaussian(rng)
    p, q = stats.lognorm(s, scale=np.exp(m)), stats.lognorm(c, scale=np.exp(mu))
    of_y = quad(lambda t: p.pdf(np.exp(t)) * (p.logpdf(np.exp(t)) - q.logpdf(np.exp(t))) * np.exp(t))
    return Equal({"KL of y": of_y}, {"KL of x": densities.kl_normal_diag([m], [s], [mu], [c])})


@identity("kl-entropy-scale", tolerance=1e-8)
def entropy_scale(rng):
    """Entropy of y = exp(x) from scipy's log-normal against the entropy of x plus E[log |dy/dx|] = E[x]"""
    m, s = gaussian(rng)
    m = abs(m) + 0.3
    return Equal(
        {"H(y)": float(stats.lognorm(s, scale=np.exp(m)).entropy())},
        {"H(x)": densities.entropy_normal_diag([s]), "E[log |f'|]": quad(lambda x: stats.norm(m, s).pdf(x) * x)},
    )


# ---------------------------------------------------------------- maximum likelihood


@identity("kl-mle", tolerance=1e-8)
def mle(rng):
    """Trapezoid KL of a mixture from a Gaussian, closed-form expected log-likelihood, entropy by adaptive quadrature"""
    model, log_density = mixture(rng)
    mean, std = gaussian(rng)
    log_p = model.evidence(LINE.points)
    centre, square = (
        model.weights @ model.means[:, 0],
        model.weights @ (model.covariances[:, 0, 0] + model.means[:, 0] ** 2),
    )
    expected = -LOG_2PI / 2 - np.log(std) - (square - 2 * mean * centre + mean**2) / (2 * std**2)
    return Equal(
        {"KL": mean_of(log_p, log_p - densities.log_normal(X, mean, std)), "E[log p_theta]": expected},
        {"- H(p_data)": -entropy_by_quad(log_density)},
    )


@identity("kl-moment-matching", tolerance=1e-6)
def moment_matching(rng):
    """Root of the slopes of E[log N] by quadrature against the mixture's moments in closed form"""
    model, log_density = mixture(rng)

    def slopes(parameters):
        mean, log_std = parameters
        r = (X - mean) / np.exp(log_std)
        p = np.exp(log_density(X) + LINE.log_weights)
        return [p @ r / np.exp(log_std), p @ (r**2 - 1)]

    found = optimize.root(slopes, [0.0, 0.5], tol=1e-13).x
    mean = model.weights @ model.means[:, 0]
    within, between = model.weights @ model.covariances[:, 0, 0], model.weights @ (model.means[:, 0] - mean) ** 2
    return [
        Equal({"best mean": found[0]}, {"E[x]": mean}),
        Equal({"best variance": np.exp(2 * found[1])}, {"variance within": within, "variance between": between}),
    ]


@identity("kl-sample", tolerance=1e-8)
def sample(rng):
    """KL by quadrature plus scipy's average over draws against -H plus (average - expectation) by torch and moments"""
    model, log_density = mixture(rng)
    mean, std = gaussian(rng)
    draws = model.sample(7, rng)[0][:, 0]
    log_p = model.evidence(LINE.points)
    by_torch = (
        distributions.Normal(torch.tensor(mean, dtype=torch.float64), std).log_prob(torch.tensor(draws)).mean().item()
    )
    centre, square = (
        model.weights @ model.means[:, 0],
        model.weights @ (model.covariances[:, 0, 0] + model.means[:, 0] ** 2),
    )
    expected = -LOG_2PI / 2 - np.log(std) - (square - 2 * mean * centre + mean**2) / (2 * std**2)
    return Equal(
        {
            "KL": mean_of(log_p, log_p - stats.norm(mean, std).logpdf(X)),
            "average": stats.norm(mean, std).logpdf(draws).mean(),
        },
        {"- H(p_data)": -entropy_by_quad(log_density), "average (right)": by_torch, "- expectation": -expected},
    )


@identity("kl-optimism", sigmas=4.5)
def optimism(rng):
    """Average less expected log-likelihood over 100,000 fits to N draws against 2 / (N - 3)"""
    claims = []
    for n in (9, 16):
        mean, std = gaussian(rng)
        draws = rng.normal(mean, std, (100_000, n))
        m, s = draws.mean(axis=1), draws.std(axis=1)
        average = stats.norm.logpdf(draws, m[:, None], s[:, None]).mean(axis=1)
        expected = -LOG_2PI / 2 - np.log(s) - (std**2 + (mean - m) ** 2) / (2 * s**2)
        flattery = average - expected
        claims.append(
            Sampled(
                {"average - expectation": flattery.mean()},
                {"2 / (N - 3)": 2 / (n - 3)},
                error=flattery.std() / np.sqrt(len(flattery)),
            )
        )
    return claims


@identity("kl-empirical", tolerance=1e-8)
def empirical(rng):
    """The library's KL of observed shares against their scipy entropy and torch's average log mass over the data"""
    model, data = rng.dirichlet(np.full(4, 3.0)), rng.integers(0, 4, 37)
    shares = np.bincount(data, minlength=4) / len(data)
    log_mass = distributions.Categorical(torch.tensor(model)).log_prob(torch.tensor(data)).mean().item()
    return Equal(
        {"KL": densities.kl_categorical(shares, model)}, {"- H": -stats.entropy(shares), "- average log P": -log_mass}
    )


# ---------------------------------------------------------------- codes and masses


@identity("kl-code", tolerance=1e-8)
def code(rng):
    """Expected length of all words of three symbols, enumerated, against thrice scipy's entropy and relative entropy"""
    p, q = rng.dirichlet(np.full(4, 3.0)), rng.dirichlet(np.full(4, 3.0))
    words = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)
    length = p[words].prod(axis=1) @ -np.log(q[words].prod(axis=1))
    return Equal({"expected length": length}, {"entropy": 3 * stats.entropy(p), "KL": 3 * stats.entropy(p, q)})


@identity("kl-mass", tolerance=1e-8)
def mass(rng):
    """Mass of a box of a Gaussian by Gauss–Legendre over u against scipy's cdf; the sum over all pixels is 1"""
    mean, cov = rng.normal(size=2) + 3.0, covariance(rng, 2)
    pixel, (u, weights) = np.array([3.0, 2.0]), unit_square(40)
    by_u = weights @ np.exp(densities.log_normal_full(pixel + u, mean, cov))
    (m, s), levels = gaussian(rng), np.arange(-40, 41)
    nodes, w = unit_interval(40)
    every = np.exp(densities.log_normal(levels[:, None] + nodes, m, s)) @ w
    return [
        Equal({"P(x)": by_u}, {"box by the cdf": box_by_scipy(pixel, mean, cov)}),
        Equal({"sum of P": every.sum()}, {"one": 1.0}),
    ]


def box_by_scipy(corner, mean, cov):
    """Mass of [corner, corner + 1) of a normal in two dimensions: condition on the first, integrate over it."""
    slope, rest = cov[1, 0] / cov[0, 0], np.sqrt(cov[1, 1] - cov[1, 0] ** 2 / cov[0, 0])

    def inner(a):
        of_b = stats.norm(mean[1] + slope * (a - mean[0]), rest)
        return stats.norm(mean[0], np.sqrt(cov[0, 0])).pdf(a) * (of_b.cdf(corner[1] + 1) - of_b.cdf(corner[1]))

    return quad(inner, corner[0], corner[0] + 1)


def unit_interval(m):
    """Gauss–Legendre nodes and weights on [0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(m)
    return nodes / 2 + 0.5, weights / 2


def unit_square(m):
    nodes, weights = unit_interval(m)
    return np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2), np.outer(weights, weights).ravel()


@identity("kl-dequantised", tolerance=1e-8)
def dequantised(rng):
    """E_u[log p(x + u)] by quadrature below the log mass by scipy's cdf; equality for a density flat in the bin"""
    mean, std = rng.uniform(2, 4), rng.uniform(0.4, 0.8)
    pixel, (u, weights) = 3.0, unit_interval(40)
    p = stats.norm(mean, std)
    height = rng.uniform(0.2, 0.8)
    flat = stats.uniform(2.0, 1 / height)  # covers the bin [3, 4) for every height below 1/2
    flat = flat if 1 / height >= 2 else stats.uniform(3.0, 1 / height)
    same = Equal(
        {"E log p": weights @ flat.logpdf(pixel + u)}, {"log P": np.log(flat.cdf(pixel + 1) - flat.cdf(pixel))}
    )
    return AtMost({"E log p": weights @ p.logpdf(pixel + u)}, {"log P": np.log(p.cdf(pixel + 1) - p.cdf(pixel))}, same)


@identity("kl-dequantised-gaussian", tolerance=1e-8)
def dequantised_gaussian(rng):
    """Gauss–Legendre average of scipy's log density over the bin against log density at the middle less the trace"""
    mean, cov = rng.normal(size=2) + 3.0, covariance(rng, 2)
    pixel, (u, weights) = np.array([[3.0, 2.0]]), unit_square(5)
    average = weights @ normal(mean, cov).logpdf(pixel + u)
    terms = {
        "log N at the middle": normal(mean, cov).logpdf(pixel[0] + 0.5),
        "- trace / 24": -np.trace(np.linalg.inv(cov)) / 24,
    }
    return [
        Equal({"E log N": average}, terms),
        Equal({"E log N": bounds.dequantised_normal(pixel, mean, cov)[0]}, terms),
    ]


@identity("kl-pixel-scale", tolerance=1e-8)
def pixel_scale(rng):
    """Log density of x/255 with mean and covariance scaled, by scipy, against that of x plus D log 255"""
    D = 3
    mean, cov, x = rng.uniform(50, 200, D), 900 * covariance(rng, D), rng.integers(0, 256, D)
    return Equal(
        {"log p_y": normal(mean / 255, cov / 255**2).logpdf(x / 255)},
        {"log p_x": densities.log_normal_full(x, mean, cov), "D log 255": D * np.log(255)},
    )


@identity("kl-bits-per-dim", tolerance=1e-8)
def bits_per_dim(rng):
    """Mean over pixels of -log2 of their masses by scipy's cdf against -log P(x) / (D log 2) by the library"""
    x, mean, std = rng.integers(1, 255, 6), rng.uniform(80, 170, 6), rng.uniform(30, 60, 6)
    masses = stats.norm.cdf(x + 0.5, mean, std) - stats.norm.cdf(x - 0.5, mean, std)
    return Equal(
        {"bits per dimension": -np.log2(masses).mean()},
        {"- log P / (D log 2)": -densities.log_discretised_normal(x, mean, std).sum() / (6 * np.log(2))},
    )


# ---------------------------------------------------------------- the other direction


@identity("kl-reverse", tolerance=1e-8)
def reverse(rng):
    """Trapezoid KL of a Gaussian from a mixture against closed entropy and E_q[log p] by adaptive quadrature"""
    model, log_density = mixture(rng)
    mean, std = gaussian(rng)
    log_q = stats.norm(mean, std).logpdf(X)
    cross = quad(lambda x: stats.norm(mean, std).pdf(x) * log_density(x))
    return Equal(
        {"KL": mean_of(log_q, log_q - model.evidence(LINE.points))},
        {"- H(p_theta)": -densities.entropy_normal_diag([std]), "- E[log p_data]": -cross},
    )
