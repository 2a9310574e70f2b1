"""The equations of the chapter "em_vs_vae", each by two independent routes. See gate.py for the form of a test."""

from __future__ import annotations

import numpy as np
import torch
from gate import AtMost, Equal, identity
from scipy import optimize, special, stats

from lvm_lib import em, map_em, quadrature, trainable_models, variational
from lvm_lib.bounds import GaussianQ
from lvm_lib.landscape import Landscape
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian, fit_ppca

normal = stats.multivariate_normal
LOG_2PI = np.log(2 * np.pi)
POINTS = 12


# ---------------------------------------------------------------- models and q, drawn anew for each seed


def mixture(rng, components=3, dimensions=2):
    roots = rng.normal(size=(components, dimensions, dimensions)) * 0.5
    model = GaussianMixture(
        rng.dirichlet(np.full(components, 5.0)),
        rng.normal(size=(components, dimensions)) * 1.5,
        roots @ roots.swapaxes(1, 2) + 0.4 * np.eye(dimensions),
    )
    return model, model.sample(POINTS, rng)[0], rng.dirichlet(np.full(components, 2.0), POINTS)


def scipy_log_joint(model, x):
    """log p(x, z = k), (n, K), by scipy."""
    return np.stack(
        [
            np.log(weight) + normal(mean, cov).logpdf(x)
            for weight, mean, cov in zip(model.weights, model.means, model.covariances, strict=True)
        ],
        axis=1,
    )


def scipy_evidence(model, x):
    """log p(x), (n,), as the log of a sum of densities."""
    return np.log(np.exp(scipy_log_joint(model, x)).sum(axis=1))


def curve(rng, dimensions=2):
    """A bent curve with so much noise that no posterior is Gaussian, and points around it."""
    model = trainable_models.CurveModel(rng.normal(size=(8, dimensions)), rng.uniform(0.6, 0.8))
    z = torch.tensor(rng.normal(size=POINTS))
    x = model.decode(z).detach().numpy() + 0.7 * rng.normal(size=(POINTS, dimensions))
    return model, x


def phi(model, z):
    """The features of the curve, by hand: (m,) to (m, F)."""
    bumps = np.exp(-0.5 * ((z[:, None] - model.centres.numpy()) / model.width) ** 2)
    return np.column_stack([np.ones_like(z), z, bumps])


def curve_log_joint(model, x, z):
    """log p(x, z) of the curve, (n, m), by scipy."""
    means = phi(model, z) @ model.weights.detach().numpy()
    std = float(model.log_std.detach().exp())
    return stats.norm(means, std).logpdf(x[:, None]).sum(axis=2) + stats.norm.logpdf(z)


# ---------------------------------------------------------------- F and its two steps


@identity("em-f", tolerance=1e-8)
def function(rng):
    """Expectations of scipy's log joint plus scipy's entropy, against evidence minus scipy's relative entropy"""
    model, x, q = mixture(rng)
    joint = scipy_log_joint(model, x)
    evidence = scipy_evidence(model, x)
    posterior = np.exp(joint - evidence[:, None])
    return [
        Equal(
            {"sum E_q log p(x, z)": (q * joint).sum(), "sum H(q)": stats.entropy(q, axis=1).sum()},
            {"sum log p(x)": model.evidence(x).sum(), "- sum KL": -stats.entropy(q, posterior, axis=1).sum()},
        ),
        Equal(
            {"F": em.elbo(model, q, x).sum()},
            {"sum log p(x)": evidence.sum(), "- sum KL": -model.kl_to_posterior(q, x).sum()},
        ),
    ]


@identity("em-e-step", tolerance=1e-8)
def e_step(rng):
    """F at a q that is not the posterior below scipy's evidence; F at the library's E-step equal to it"""
    model, x, q = mixture(rng)
    evidence = scipy_evidence(model, x).sum()
    return AtMost(
        {"F at some q": em.elbo(model, q, x).sum()},
        {"sum log p(x)": evidence},
        Equal({"F at the E-step": em.elbo(model, em.e_step(model, x), x).sum()}, {"sum log p(x)": evidence}),
    )


@identity("em-m-step", tolerance=1e-6)
def m_step(rng):
    """The library's M-step against numpy's weighted averages and covariances, and against a numerical maximum of F"""
    _, x, q = mixture(rng)
    found = em.m_step_gaussian(x, q)
    claims = [
        Equal({"pi": found.weights}, {"n_k / N": q.mean(axis=0)}),
        Equal({"mu": found.means}, {"average": np.stack([np.average(x, axis=0, weights=w) for w in q.T])}),
        Equal({"Sigma": found.covariances}, {"cov": np.stack([np.cov(x.T, aweights=w, ddof=0) for w in q.T])}),
    ]
    line, q = x[:, :1], q[:, :2] / q[:, :2].sum(axis=1, keepdims=True)

    def minus_f(numbers):
        weights = special.softmax([numbers[0], 0.0])
        log_joint = np.log(weights) + stats.norm(numbers[1:3], np.exp(numbers[3:5])).logpdf(line)
        return -(q * log_joint).sum() - stats.entropy(q, axis=1).sum()

    best = optimize.minimize(minus_f, np.zeros(5), method="BFGS", options={"gtol": 1e-7})
    step = em.m_step_gaussian(line, q)
    return [*claims, Equal({"F at the M-step": em.elbo(step, q, line).sum()}, {"numerical maximum": -best.fun})]


@identity("em-gain", tolerance=1e-8)
def gain(rng):
    """Rise of scipy's evidence against the library's rise of F plus scipy's relative entropy to the new posterior"""
    old, x, _ = mixture(rng)
    q = em.e_step(old, x)
    new = em.m_step_gaussian(x, q, floor=0.05)
    evidence = scipy_evidence(new, x)
    posterior = np.exp(scipy_log_joint(new, x) - evidence[:, None])
    return Equal(
        {"new log p(x)": evidence.sum(), "- old log p(x)": -scipy_evidence(old, x).sum()},
        {
            "gain of F": em.elbo(new, q, x).sum() - em.elbo(old, q, x).sum(),
            "gap": stats.entropy(q, posterior, axis=1).sum(),
        },
    )


@identity("em-rate", tolerance=1e-5)
def rate(rng):
    """Finite differences of the library's EM step at its end against Hessians by torch, for two unknown means"""
    covs, weights = np.array([[[0.8]], [[1.3]]]), np.array([0.45, 0.55])
    x = np.concatenate([rng.normal(-1.0, 0.9, 14), rng.normal(1.2, 1.1, 16)])[:, None]

    def step(means):  # one EM step for the means; weights and variances are known
        q = em.e_step(GaussianMixture(weights, means[:, None], covs), x)
        return em.m_step_gaussian(x, q).means[:, 0]

    means = np.array([-1.0, 1.2])
    for _ in range(300):
        means = step(means)
    h = 1e-5
    moved = np.stack([(step(means + h * e) - step(means - h * e)) / (2 * h) for e in np.eye(2)], axis=1)

    xt, stds = torch.tensor(x), torch.tensor(covs[:, 0, 0]).sqrt()

    def log_joint(at):
        return torch.tensor(weights).log() + torch.distributions.Normal(at, stds).log_prob(xt)

    at = torch.tensor(means)
    q = log_joint(at).softmax(1)
    seen = -torch.autograd.functional.hessian(lambda m: log_joint(m).logsumexp(1).sum(), at)
    complete = -torch.autograd.functional.hessian(lambda m: (q * log_joint(m)).sum(), at)
    return Equal({"dM/dtheta": moved}, {"I": np.eye(2), "- I_c^-1 I_o": -torch.linalg.solve(complete, seen).numpy()})


@identity("em-exponential", tolerance=1e-8)
def exponential(rng):
    """The library's F against natural parameters times averages; averages of the new model against those under q"""
    model, x, q = mixture(rng)
    precisions = np.linalg.inv(model.covariances)
    log_dets = np.linalg.slogdet(2 * np.pi * model.covariances)[1]
    natural = np.einsum("kij,kj->ki", precisions, model.means)
    constant = np.log(model.weights) - (log_dets + np.einsum("ki,ki->k", natural, model.means)) / 2
    counts, sums = q.sum(axis=0) / POINTS, q.T @ x / POINTS
    squares = np.einsum("nk,ni,nj->kij", q, x, x) / POINTS
    product = constant[:-1] @ counts[:-1] - constant[-1] * counts[:-1].sum()  # 1_{z = K} follows from the others
    product = product + (natural * sums).sum() - (precisions * squares).sum() / 2
    new = em.m_step_gaussian(x, q)
    outer = new.means[:, :, None] * new.means[:, None]
    return [
        Equal(
            {"F / N": em.elbo(model, q, x).mean()},
            {"eta . t": product, "- A": constant[-1], "H(q)": stats.entropy(q, axis=1).mean()},
        ),
        Equal({"E[1]": new.weights}, {"t": counts}),
        Equal({"E[x]": new.weights[:, None] * new.means}, {"t": sums}),
        Equal({"E[x x^T]": new.weights[:, None, None] * (new.covariances + outer)}, {"t": squares}),
    ]


@identity("em-log-space", tolerance=1e-8)
def log_space(rng):
    """The library's responsibilities against the plain ratio of densities, where nothing underflows"""
    model, x, _ = mixture(rng)
    densities = np.exp(scipy_log_joint(model, x))
    return Equal({"q": em.e_step(model, x)}, {"ratio": densities / densities.sum(axis=1, keepdims=True)})


# ---------------------------------------------------------------- mixtures of images


@identity("em-dropped", tolerance=1e-8)
def dropped(rng):
    """The mixture in all dimensions against the mixture along some axes plus a normal across the others"""
    axes = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    inside, outside = axes[:, :2], axes[:, 2:]
    small, centre, noise = mixture(rng)[0], rng.normal(size=5), rng.uniform(0.2, 0.6)
    covariances = inside @ small.covariances @ inside.T + noise * outside @ outside.T
    whole = GaussianMixture(
        small.weights, centre + small.means @ inside.T, (covariances + covariances.swapaxes(1, 2)) / 2
    )
    x = rng.normal(size=(POINTS, 5))
    across = stats.norm(0, np.sqrt(noise)).logpdf((x - centre) @ outside).sum(axis=1)
    return Equal(
        {"log p(x)": scipy_evidence(whole, x)}, {"along": small.evidence((x - centre) @ inside), "across": across}
    )


@identity("em-dequantised", tolerance=1e-8)
def dequantised(rng):
    """The bound by its formula below the log mass by normal cdfs; equal to E_u log p for one component"""
    x = rng.integers(-3, 4, size=6).astype(float)
    means, stds, weights = np.array([-1.0, 1.5]), np.array([1.2, 0.8]), np.array([0.4, 0.6])

    def bound(means, stds, weights):
        terms = np.log(weights) + stats.norm(means, stds).logpdf(x[:, None] + 0.5) - 1 / (24 * stds**2)
        return special.logsumexp(terms, axis=1)

    cells = np.diff(stats.norm(means, stds).cdf(x[:, None, None] + np.array([[0.0], [1.0]])), axis=1)[:, 0]
    u, w = np.polynomial.legendre.leggauss(20)
    average = stats.norm(means[0], stds[0]).logpdf(x[:, None] + (u + 1) / 2) @ w / 2
    return AtMost(
        {"bound": bound(means, stds, weights)},
        {"log P(x)": np.log(cells @ weights)},
        Equal({"bound, one component": bound(means[:1], stds[:1], np.ones(1))}, {"E_u log p(x + u)": average}),
    )


@identity("em-bernoulli", tolerance=1e-6)
def bernoulli(rng):
    """The library's M-step against averages by numpy, and its F against a numerical maximum"""
    x = (rng.random((30, 3)) < [0.3, 0.5, 0.7]).astype(float)
    q = rng.dirichlet([2.0, 2.0], 30)
    found = em.m_step_bernoulli(x, q)

    def minus_f(logits):
        log_px_z = np.stack(
            [stats.bernoulli(special.expit(row)).logpmf(x).sum(axis=1) for row in logits.reshape(2, 3)], 1
        )
        return -(q * (log_px_z + np.log(q.mean(axis=0)))).sum() - stats.entropy(q, axis=1).sum()

    best = optimize.minimize(minus_f, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    return [
        Equal({"rho": found.probabilities}, {"average": np.stack([np.average(x, axis=0, weights=w) for w in q.T])}),
        Equal({"F at the M-step": em.elbo(found, q, x).sum()}, {"numerical maximum": -best.fun}),
    ]


# ---------------------------------------------------------------- PPCA


def linear_data(rng):
    model = LinearGaussian(rng.normal(size=(4, 2)) * [2.0, 1.0], rng.normal(size=4), 0.3)
    return model, model.sample(60, rng)[0]


@identity("em-ppca", tolerance=1e-6)
def ppca_step(rng):
    """The library's M-step against least squares on a cloud of z with exactly the moments of q"""
    _, x = linear_data(rng)
    root = rng.normal(size=(2, 2)) * 0.3 + 0.5 * np.eye(2)
    q = GaussianQ(rng.normal(size=(60, 2)), root @ root.T)
    found = em.m_step_linear(x, q)
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])  # mean 0, covariance I
    z = (q.mean[:, None] + signs @ root.T).reshape(-1, 2)
    design, seen = np.column_stack([z, np.ones(len(z))]), np.repeat(x, 4, axis=0)
    fitted, *_ = np.linalg.lstsq(design, seen, rcond=None)
    return [
        Equal({"[W, mu]": np.column_stack([found.loadings, found.mean])}, {"least squares": fitted.T}),
        Equal({"sigma^2": found.noise}, {"mean square": ((seen - design @ fitted) ** 2).mean()}),
    ]


@identity("em-ppca-maximum", tolerance=1e-6)
def ppca_maximum(rng):
    """Where EM ends against the eigenvalues of the sample covariance"""
    _, x = linear_data(rng)
    values = np.linalg.eigvalsh(np.cov(x.T, ddof=0))[::-1]
    noise = values[2:].mean()
    end = em.fit_linear(x, 2, seed=0, tolerance=1e-13, iterations=20000).trace[-1]
    return [
        Equal(
            {"EM's end": end},
            {
                "2 pi": -2 * LOG_2PI,
                "kept": -np.log(values[:2]).sum() / 2,
                "noise": -2 * np.log(noise) / 2,
                "D / 2": -2.0,
            },
        ),
        Equal({"closed form": fit_ppca(x, 2).evidence(x).mean()}, {"EM's end": end}),
    ]


# ---------------------------------------------------------------- gradients


def mean_gradient(model, x):
    """Gradient of sum log p(x) with respect to the means, by torch."""
    means = torch.tensor(np.array(model.means), requires_grad=True)
    density = torch.distributions.MultivariateNormal(means, torch.tensor(np.array(model.covariances)))
    log_joint = torch.tensor(np.array(model.weights)).log() + density.log_prob(torch.tensor(x)[:, None])
    log_joint.logsumexp(1).sum().backward()
    return means.grad.numpy()


@identity("em-fisher", tolerance=1e-8)
def fisher(rng):
    """Automatic differentiation of the evidence against responsibilities times scores"""
    model, x, _ = mixture(rng)
    q = em.e_step(model, x)
    scores = np.stack(
        [
            np.linalg.solve(cov, (x - mean).T @ weight)
            for mean, cov, weight in zip(model.means, model.covariances, q.T, strict=True)
        ]
    )
    return Equal({"gradient": mean_gradient(model, x)}, {"scores": scores})


@identity("em-preconditioned", tolerance=1e-8)
def preconditioned(rng):
    """The library's M-step against a step along the gradient that torch gives"""
    model, x, _ = mixture(rng)
    q = em.e_step(model, x)
    step = np.einsum("kij,kj->ki", model.covariances, mean_gradient(model, x)) / q.sum(axis=0)[:, None]
    return Equal({"new mean": em.m_step_gaussian(x, q).means, "- mean": -model.means}, {"scaled gradient": step})


# ---------------------------------------------------------------- the bent model


@identity("em-curve", tolerance=1e-8)
def bent(rng):
    """The model's evidence on its grid against scipy's densities and a grid of its own"""
    model, x = curve(rng)
    grid = quadrature.line(-8.0, 8.0, 2001)
    z = grid.points[:, 0]
    with torch.no_grad():
        evidence = model.evidence(torch.tensor(x)).numpy()
    return Equal(
        {"log p(x)": evidence}, {"integral": special.logsumexp(curve_log_joint(model, x, z) + grid.log_weights, axis=1)}
    )


@identity("em-gap-parts", tolerance=1e-6)
def gap_parts(rng):
    """KL of an encoder's q to the posterior on a grid, against approximation plus amortisation from ELBOs"""
    model, x = curve(rng)
    xt = torch.tensor(x)
    grid = quadrature.line(-9.0, 9.0, 4001)
    z = grid.points[:, 0]
    with torch.no_grad():
        best = variational.best_gaussian(model, xt)
        evidence, top = model.evidence(xt).numpy(), model.elbo(xt, *best).numpy()
    q = best[0] + 0.15 * torch.tensor(rng.normal(size=(POINTS, 1))), 1.2 * best[1]
    log_joint = curve_log_joint(model, x, z)
    log_posterior = log_joint - special.logsumexp(log_joint + grid.log_weights, axis=1)[:, None]
    log_q = stats.norm(q[0].numpy(), q[1].numpy()[:, :, 0]).logpdf(z)
    mass = np.exp(log_q + grid.log_weights)
    own = (mass * (log_joint - log_q)).sum(axis=1)
    return Equal(
        {"KL(q || posterior)": (mass * (log_q - log_posterior)).sum(axis=1).sum()},
        {"approximation": (evidence - top).sum(), "amortisation": (top - own).sum()},
    )


@identity("em-bias", tolerance=2e-5)
def bias(rng):
    """Slope of the evidence in σ against the slope of the gap, where the ELBO over q and σ is highest"""
    model, x = curve(rng)
    xt = torch.tensor(x)

    found = []  # the best q so far: the next one climbs from there, and the top's is looked for anew

    def at(log_std, anew=False):
        with torch.no_grad():
            model.log_std.fill_(float(log_std))
            scan = anew or not found
            best = variational.best_gaussian(model, xt, found[-1] if found else None, rounds=200, scan=scan)
            found.append(best)
            return float(model.evidence(xt).sum()), float(model.elbo(xt, *best).sum()), best

    start = float(model.log_std.detach())
    top = optimize.minimize_scalar(
        lambda s: -at(s)[1], bounds=(start - 1.5, start + 1.5), method="bounded", options={"xatol": 1e-9}
    ).x
    h = 1e-4
    best = at(top, anew=True)[2]

    def gap(log_std):  # at the q that is best at the top: KL on a grid
        with torch.no_grad():
            model.log_std.fill_(float(log_std))
        grid = quadrature.line(-9.0, 9.0, 4001)
        z = grid.points[:, 0]
        joint = curve_log_joint(model, x, z)
        log_q = stats.norm(best[0].numpy(), best[1].numpy()[:, :, 0]).logpdf(z)
        posterior = joint - special.logsumexp(joint + grid.log_weights, axis=1)[:, None]
        return (np.exp(log_q + grid.log_weights) * (log_q - posterior)).sum()

    slope = (at(top + h)[0] - at(top - h)[0]) / (2 * h)
    return Equal({"slope of the evidence": slope}, {"slope of the gap": (gap(top + h) - gap(top - h)) / (2 * h)})


# ---------------------------------------------------------------- the landscape, and the roads to K-means


@identity("em-landscape", tolerance=1e-8)
def landscape(rng):
    """The library's F against expectations of scipy's densities under the responsibilities for θ′"""
    x, theta_q, theta = rng.normal(size=9) * 2, rng.uniform(0.3, 1.5), rng.uniform(0.5, 2.0)
    ends = np.stack([stats.norm(sign * theta_q).logpdf(x) for sign in (1, -1)], axis=1)
    q = special.softmax(ends, axis=1)
    squares = -(x**2).sum() / 2 - len(x) * np.log(2) - len(x) / 2 * LOG_2PI
    log_joint = np.stack([stats.norm(sign * theta).logpdf(x) for sign in (1, -1)], axis=1) - np.log(2)
    by_hand = (q * log_joint).sum() + stats.entropy(q, axis=1).sum()
    return [
        Equal({"F": Landscape(x).elbo(theta_q, theta)}, {"expectations": by_hand}),
        Equal(
            {"F": by_hand},
            {
                "C": squares,
                "- N theta^2 / 2": -len(x) * theta**2 / 2,
                "tanh": (theta * x * np.tanh(theta_q * x)).sum(),
                "H(q)": stats.entropy(q, axis=1).sum(),
            },
        ),
    ]


@identity("em-hard", tolerance=1e-8)
def hard(rng):
    """The library's F at its hard E-step against the formula with J from all distances"""
    x, means, sigma = rng.normal(size=(POINTS, 2)) * 2, rng.normal(size=(3, 2)) * 2, rng.uniform(0.4, 1.5)
    model = GaussianMixture.spherical(np.full(3, 1 / 3), means, sigma)
    cost = sum(min(float(((point - mean) ** 2).sum()) for mean in means) for point in x)
    best = em.elbo(model, em.hard_e_step(model, x), x).sum()
    by_choice = scipy_log_joint(model, x).max(axis=1).sum()
    right = {
        "- J / (2 sigma^2)": -cost / (2 * sigma**2),
        "- N log K": -POINTS * np.log(3),
        "normaliser": -POINTS * np.log(2 * np.pi * sigma**2),
    }
    return [Equal({"max F": best}, right), Equal({"best of all one-hot q": by_choice}, right)]


@identity("em-soft", tolerance=1e-6)
def soft(rng):
    """Evidence and responsibilities at a tiny σ against distances and the nearest mean"""
    means = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]) + rng.normal(size=(3, 2)) * 0.1
    x, sigma = means[rng.integers(3, size=POINTS)] + rng.normal(size=(POINTS, 2)) * 0.4, 1e-5
    model = GaussianMixture.spherical(np.full(3, 1 / 3), means, sigma)
    distance = ((x[:, None] - means) ** 2).sum(axis=2)
    nearest = np.eye(3)[distance.argmin(axis=1)]
    scaled = -2 * sigma**2 * (model.evidence(x) + np.log(2 * np.pi * sigma**2)).sum()
    return [
        Equal({"responsibilities": em.e_step(model, x)}, {"nearest": nearest}),
        Equal({"scaled evidence": scaled}, {"J": distance.min(axis=1).sum()}),
    ]


@identity("em-floor", tolerance=1e-6)
def floor(rng):
    """The M-step's covariance by clipped eigenvalues against a numerical maximum over covariances εI + L Lᵀ"""
    x = rng.normal(size=(POINTS, 2)) * [1.5, 0.2] @ np.linalg.qr(rng.normal(size=(2, 2)))[0]
    least, q = 0.3, np.ones((POINTS, 1))
    found = em.m_step_gaussian(x, q, floor=least)

    def minus_f(numbers):
        factor = np.array([[numbers[0], 0.0], [numbers[1], numbers[2]]])
        return -normal(x.mean(axis=0), least * np.eye(2) + factor @ factor.T).logpdf(x).sum()

    runs = [optimize.minimize(minus_f, rng.normal(size=3), method="BFGS", options={"gtol": 1e-8}) for _ in range(4)]
    return Equal(
        {"F at the clipped covariance": em.elbo(found, q, x).sum()}, {"numerical maximum": -min(r.fun for r in runs)}
    )


@identity("em-map", tolerance=1e-6)
def prior(rng):
    """The library's M-step against a numerical maximum of expected log density plus scipy's inverse Wishart"""
    x, q = rng.normal(size=(POINTS, 2)) * [1.5, 0.4], np.ones((POINTS, 1))
    scale, freedom = np.array([[1.0, 0.3], [0.3, 0.6]]), 5.0
    found = map_em.m_step_map(x, q, scale, freedom)

    def minus(numbers):
        factor = np.array([[np.exp(numbers[0]), 0.0], [numbers[1], np.exp(numbers[2])]])
        cov = factor @ factor.T
        return -normal(x.mean(axis=0), cov).logpdf(x).sum() - stats.invwishart(freedom, scale).logpdf(cov)

    best = optimize.minimize(minus, np.zeros(3), method="BFGS", options={"gtol": 1e-9})
    factor = np.array([[np.exp(best.x[0]), 0.0], [best.x[1], np.exp(best.x[2])]])
    return Equal({"Sigma": found.covariances[0]}, {"numerical maximum": factor @ factor.T})
