"""Kind "units": x -> s x + t moves every result as the formula says, and no floor is absolute.

A log density of D numbers moves by -D log s, a mean to s m + t, a standard deviation by s, a variance by s^2; what has
no unit (weights, responsibilities, latents, codes, gaps, steps of an algorithm) stays. s from 1e-6 to 1e6, |t| up to
1e3 s.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lvm_lib import (
    _torch,
    bounds,
    curve,
    densities,
    em,
    kmeans,
    landscape,
    latent_plane,
    map_em,
    mixture,
    ppca,
    quadrature,
    token_bounds,
    variational,
)
from lvm_lib import data as data_sets
from lvm_lib.autoencoder import mlp_autoencoder
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Gaussian
from lvm_lib.quantize import VectorQuantizer, nearest
from lvm_lib.token_priors import UniformPrior
from lvm_lib.trainable_models import CurveModel, LinearModel
from lvm_lib.vae import linear_vae, mlp_vae
from lvm_lib.vqvae import conv_vqvae

SCALES = [(1e-6, 0.0), (1e-6, 1e-3), (1e-4, -0.05), (1e-3, 1.0), (0.3, 40.0), (1.0, -1e3), (255.0, 0.0), (1e6, -1e9)]
scaled = pytest.mark.parametrize("s, t", SCALES)


def data(n=500, d=6, seed=0):
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(d, 2))
    return rng.normal(size=(n, 2)) @ loadings.T + 0.3 * rng.normal(size=(n, d)) + rng.normal(size=d)


def clusters(seed=1, n=400):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [4.0, 1.0], [-2.0, 3.0]])
    return centres[rng.integers(3, size=n)] + rng.normal(size=(n, 2)) * [0.3, 0.6]


def same(got, expected, rtol=1e-6, atol=1e-9):
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)


# ---------------------------------------------------------------- densities


@scaled
def test_log_densities_move_by_the_log_of_the_unit(s, t):
    rng = np.random.default_rng(3)
    x, mean, std, w = rng.normal(size=(7, 3)), rng.normal(size=3), 0.5 + rng.random(3), rng.normal(size=(3, 2))
    cov, log_s = np.cov(rng.normal(size=(9, 3)).T), np.log(s)
    moved, centre = s * x + t, s * mean + t
    tolerance = {"rtol": 1e-9, "atol": 1e-8}  # t = 1e3 s costs three digits of x
    same(densities.log_normal(moved, centre, s * std), densities.log_normal(x, mean, std) - log_s, **tolerance)
    same(
        densities.log_normal_diag(moved, centre, s * std),
        densities.log_normal_diag(x, mean, std) - 3 * log_s,
        **tolerance,
    )
    same(
        densities.log_normal_full(moved, centre, s**2 * cov),
        densities.log_normal_full(x, mean, cov) - 3 * log_s,
        **tolerance,
    )
    same(
        densities.log_normal_lowrank(moved, centre, s * w, s**2 * std**2),
        densities.log_normal_lowrank(x, mean, w, std**2) - 3 * log_s,
        **tolerance,
    )
    same(densities.entropy_normal_diag(s * std), densities.entropy_normal_diag(std) + 3 * log_s)
    same(densities.entropy_normal_full(s**2 * cov), densities.entropy_normal_full(cov) + 3 * log_s)
    same(
        densities.entropy_normal_lowrank(s * w, s**2 * std**2), densities.entropy_normal_lowrank(w, std**2) + 3 * log_s
    )
    other = 1.3 * mean - 0.2
    same(
        densities.kl_normal_diag(centre, s * std, s * other + t, 2 * s * std),
        densities.kl_normal_diag(mean, std, other, 2 * std),
        **tolerance,
    )
    same(
        densities.kl_normal_full(centre, s**2 * cov, s * other + t, 2 * s**2 * cov),
        densities.kl_normal_full(mean, cov, other, 2 * cov),
        **tolerance,
    )


# ---------------------------------------------------------------- quadrature


@scaled
def test_integrals_move_with_the_unit_wherever_the_search_starts(s, t):
    """From the default interval, where the mass is a needle, all of it, or elsewhere; and from one around the mass."""
    around = {"low": t - 8 * s, "high": t + 7 * s}
    for start in ({}, around):
        grid = quadrature.adaptive_line(lambda z: densities.log_normal(z[:, 0], t, s), **start)
        values = densities.log_normal(grid.points[:, 0], t, s)
        mean, covariance = quadrature.moments(values, grid)
        same(quadrature.log_integral(values, grid), 0.0, atol=1e-8)
        same((mean - t) / s, 0.0, atol=1e-6)
        same(covariance / s**2, 1.0, rtol=1e-6)
    rule = quadrature.hermite(20, t, s)
    same(np.exp(quadrature.log_integral(2 * np.log(np.abs((rule.points[:, 0] - t) / s) + 1e-300), rule)), 1.0)
    line, moved = quadrature.line(-3.0, 2.0, 11), quadrature.line(t - 3 * s, t + 2 * s, 11)
    same(moved.log_weights, line.log_weights + np.log(s))
    same((moved.points - t) / s, line.points, atol=1e-9)


@scaled
def test_a_plane_sits_on_its_mass(s, t):
    def log_f(z):
        return densities.log_normal_diag(z, [t, 2 * t], [s, 3 * s])

    grid = quadrature.adaptive_plane(log_f, [t - 9 * s, 2 * t - 20 * s], [t + 7 * s, 2 * t + 30 * s])
    same(quadrature.log_integral(log_f(grid.points), grid), 0.0, atol=1e-8)


# ---------------------------------------------------------------- models


@scaled
def test_a_curve_is_the_same_curve_in_other_units(s, t):
    net = curve.tanh_network(3, 5, 0)
    plain = curve.Curve(net, 0.2)
    moved = curve.Curve(lambda z: s * net(z) + t, 0.2 * s)
    x, _ = plain.sample(12, 1)
    q = bounds.GaussianQ(np.full((12, 1), 0.1), np.array([[0.3]]))
    same(moved.evidence(s * x + t), plain.evidence(x) - 3 * np.log(s), atol=1e-6)
    same(moved.kl_to_posterior(q, s * x + t), plain.kl_to_posterior(q, x), atol=1e-6)
    simple, again = curve.QuadraticCurve(1.0, 0.5, 0.3), curve.QuadraticCurve(s, 0.5 * s, 0.3 * s)
    same(again.elbo(q, s * x[:, :1]), simple.elbo(q, x[:, :1]) - np.log(s), atol=1e-6)
    same(again.evidence(s * x[:, :1]), simple.evidence(x[:, :1]) - np.log(s), atol=1e-6)


@pytest.mark.parametrize("s", [1e-6, 1e-3, 255.0, 1e6])
def test_the_landscape_moves_with_its_unit(s):
    x = np.random.default_rng(0).normal(size=30) + 1
    plain, moved = landscape.Landscape(x, 0.7), landscape.Landscape(s * x, 0.7 * s)
    same(moved.elbo(0.4 * s, 1.1 * s), plain.elbo(0.4, 1.1) - 30 * np.log(s))
    same(moved.evidence(0.4 * s), plain.evidence(0.4) - 30 * np.log(s))
    same(moved.gap(0.4 * s, 1.1 * s), plain.gap(0.4, 1.1))
    same(moved.em_path(0.3 * s, 0.2 * s, 6) / s, plain.em_path(0.3, 0.2, 6))
    same(moved.gradient_path(0.3 * s, 0.2 * s, 6, 0.05 * s**2) / s, plain.gradient_path(0.3, 0.2, 6, 0.05))


@scaled
def test_a_mixture_is_the_same_mixture_in_other_units(s, t):
    x = clusters()
    plain = em.start_mixture(x, 3, 0)
    moved = mixture.GaussianMixture(plain.weights, s * plain.means + t, s**2 * plain.covariances)
    same(moved.evidence(s * x + t), plain.evidence(x) - 2 * np.log(s), atol=1e-7)
    same(moved.posterior(s * x + t), plain.posterior(x), atol=1e-7)


# ---------------------------------------------------------------- fits


@scaled
@pytest.mark.parametrize("covariance", em.COVARIANCES)
@pytest.mark.parametrize("hard", [False, True])
def test_em_of_a_mixture_takes_the_same_steps(s, t, covariance, hard):
    x, options = clusters(), {"seed": 3, "covariance": covariance, "hard": hard}
    plain, moved = em.fit_mixture(x, 3, **options), em.fit_mixture(s * x + t, 3, **options)
    assert moved.converged == plain.converged and abs(moved.steps - plain.steps) <= 1
    same(moved.trace[-1], plain.trace[-1] - 2 * np.log(s), atol=1e-5)
    same(moved.model.weights, plain.model.weights, atol=1e-4)
    same((moved.model.means - t) / s, plain.model.means, rtol=1e-3, atol=1e-3)
    same(moved.model.covariances / s**2, plain.model.covariances, rtol=1e-3, atol=1e-3)
    assert moved.on_floor == plain.on_floor == ()


@scaled
@pytest.mark.parametrize("shared", [True, False])
def test_em_of_a_linear_model_reaches_the_closed_form(s, t, shared):
    x = data()
    plain, moved = (em.fit_linear(y, 2, shared_noise=shared, seed=2) for y in (x, s * x + t))
    assert moved.converged and moved.on_floor == ()
    same(moved.trace[-1], plain.trace[-1] - 6 * np.log(s), atol=1e-5)
    if shared:
        closed = ppca.fit_ppca(s * x + t, 2)
        same(moved.trace[-1], closed.evidence(s * x + t).mean(), atol=1e-5)
        same(moved.model.noise, closed.noise, rtol=1e-3)


@scaled
def test_closed_forms_move(s, t):
    x = data(n=80)
    y = s * x + t
    plain, moved = ppca.fit_ppca(x, 2), ppca.fit_ppca(y, 2)
    same(moved.noise / s**2, plain.noise)
    same(moved.loadings / s, plain.loadings, atol=1e-6)
    same(moved.evidence(y), plain.evidence(x) - 6 * np.log(s), atol=1e-6)
    same(moved.elbo(moved.posterior(y), y), plain.elbo(plain.posterior(x), x) - 6 * np.log(s), atol=1e-6)
    plain, moved = (ppca.fit_factor_analysis(z, 2, iterations=150) for z in (x, y))  # the same steps, settled or not
    same(moved.trace, plain.trace - 6 * np.log(s), atol=1e-6)
    assert moved.on_floor == plain.on_floor


@scaled
def test_single_m_steps_move(s, t):
    x = clusters()
    q = em.e_step(em.start_mixture(x, 3, 0), x)
    for covariance in em.COVARIANCES:
        plain, moved = (em.m_step_gaussian(y, q, covariance=covariance) for y in (x, s * x + t))
        same(moved.covariances / s**2, plain.covariances, atol=1e-7)
        plain, moved = (em.start_mixture(y, 3, 5, covariance=covariance) for y in (x, s * x + t))
        same((moved.means - t) / s, plain.means, atol=1e-7)
        same(moved.covariances / s**2, plain.covariances, atol=1e-7)


@scaled
def test_kmeans_finds_the_same_codes(s, t):
    x = clusters()
    plain, moved = kmeans.kmeans(x, 3, 0, restarts=1), kmeans.kmeans(s * x + t, 3, 0, restarts=1)
    assert np.array_equal(moved.codes, plain.codes) and moved.converged
    same((moved.centroids - t) / s, plain.centroids, atol=1e-7)
    same(moved.inertia / s**2, plain.inertia)
    same(np.array(moved.history) / s**2, plain.history)
    assert np.array_equal(kmeans.assign(s * x + t, moved.centroids).codes, plain.codes)
    same(kmeans.inertia(s * x + t, moved.centroids) / s**2, plain.inertia)


# ---------------------------------------------------------------- floors


@pytest.mark.parametrize("s", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("covariance", em.COVARIANCES)
def test_a_mixture_on_its_floor_says_so_in_every_unit(s, covariance):
    """Two points that coincide draw a component onto them; a plane in three dimensions has no thickness."""
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(60, 2))
    x = s * np.concatenate([flat, [[8.0, 8.0]] * 30])
    model = mixture.GaussianMixture(
        [0.5, 0.5], s * np.array([[0.0, 0.0], [8.0, 8.0]]), np.tile(s**2 * np.eye(2), (2, 1, 1))
    )
    fit = em.fit_mixture(x, start=model, covariance=covariance)
    assert fit.on_floor == (() if covariance == "tied" else (1,))
    floor = 1e-6 * x.var(axis=0)
    if covariance != "tied":
        same(np.diag(fit.model.covariances[1]), floor.mean() if covariance == "spherical" else floor, rtol=1e-5)
    assert (np.diff(fit.trace) > -1e-9).all()


@pytest.mark.parametrize("s", [1e-6, 1.0, 1e6])
def test_a_linear_model_on_its_floor_says_so_in_every_unit(s):
    rng = np.random.default_rng(0)
    x = s * (rng.normal(size=(200, 2)) @ rng.normal(size=(2, 5)) + [0, 0, 1, 2, 0])  # no noise at all
    closed = ppca.fit_ppca(x + s * 1e-3 * rng.normal(size=x.shape), 2)  # its plane: from elsewhere EM creeps to it
    start = ppca.LinearGaussian(closed.loadings, x.mean(axis=0), 0.01 * x.var(axis=0).mean())
    fit = em.fit_linear(x, start=start)
    assert fit.on_floor == (0, 1, 2, 3, 4) and fit.converged
    same(fit.model.noise, 1e-6 * x.var(axis=0).mean(), rtol=1e-5)
    heywood = s * np.column_stack([rng.normal(size=300)] * 2 + [rng.normal(size=(300, 2))])
    fit = ppca.fit_factor_analysis(heywood, 1, iterations=1000)
    assert set(fit.on_floor) == {0, 1}
    assert em.fit_linear(data() * s, 2).on_floor == ()


def test_columns_in_very_different_units_have_floors_of_their_own():
    x = clusters() * [1e-6, 1e6]
    plain, fit = (
        em.fit_mixture(clusters(), 3, seed=3),
        em.fit_mixture(x, start=_stretched(em.start_mixture(clusters(), 3, 3))),
    )
    assert fit.on_floor == ()
    same(fit.trace[-1], plain.trace[-1], atol=0.3)  # log 1e-6 + log 1e6 = 0
    linear = em.fit_linear(data() * 10.0 ** np.arange(-6, 6, 2), 2, shared_noise=False)
    assert linear.on_floor == ()


def _stretched(model):
    scale = np.array([1e-6, 1e6])
    return mixture.GaussianMixture(model.weights, model.means * scale, model.covariances * np.outer(scale, scale))


def test_a_floor_that_is_given_is_a_variance_in_the_units_of_x():
    x = clusters()
    fit = em.fit_mixture(x, 3, seed=3, floor=0.2)
    assert fit.on_floor == (0, 1, 2)
    assert np.linalg.eigvalsh(fit.model.covariances).min() == pytest.approx(0.2)
    assert em.fit_linear(data(), 2, floor=5.0).on_floor == (0, 1, 2, 3, 4, 5)


def test_without_any_variance_a_floor_must_be_given():
    with pytest.raises(ValueError, match="floor must be given"):
        em.m_step_gaussian([[1.0, 2.0]], [[1.0]])
    same(em.m_step_gaussian([[1.0, 2.0]], [[1.0]], floor=0.5).covariances[0], 0.5 * np.eye(2))


@pytest.mark.parametrize("s", [1e-12, 1e-6, 1.0, 1e6])
def test_a_priors_scale_is_judged_by_its_own_size(s):
    x = np.sqrt(s) * clusters(n=9)
    lopsided = s * np.array([[1.0, 0.5], [-0.5, 1.0]])
    with pytest.raises(ValueError, match="scale must be symmetric"):
        map_em.m_step_map(x, np.ones((9, 1)), lopsided, 3.0)
    assert np.isfinite(map_em.m_step_map(x, np.ones((9, 1)), (lopsided + lopsided.T) / 2, 3.0).covariances).all()


@pytest.mark.parametrize("s", [1e-6, 1.0, 29.0])
def test_a_climb_by_em_says_that_it_ended_on_its_floor(s):
    rng = np.random.default_rng(0)
    line = s * rng.normal(size=(40, 1)) @ np.ones((1, 3))  # no noise at all
    for x, floor in ((line, True), (line + 0.1 * s * rng.normal(size=line.shape), False)):
        start = LinearModel(np.full((3, 1), line.std()), np.full(3, x.mean()), 0.5 * s)
        assert variational.climb("em", start, x, x, passes=60).on_floor is floor
        assert variational.climb("evidence", start, x, x, passes=2).on_floor is False


# ---------------------------------------------------------------- networks: units that are no powers of ten

ODD = [
    (0.03, 9.0),
    (0.05, 0.0),
    (0.05, 5.0),
    (0.3, 3.0),
    (1.0, 9.0),
    (3.0, 9.0),
    (5.0, 40.0),
    (20.0, 0.0),
    (29.0, 250.0),
]
odd = pytest.mark.parametrize("s, t", [*ODD, (4e-7, 3e-3), (7e5, -2e9)])


def standard(n=300):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(n, 6))
    return (x - x.mean()) / x.std()


@odd
@pytest.mark.parametrize("least", [0.25, 0.5])
def test_centre_and_unit_are_round_and_leave_data_of_order_one(s, t, least):
    x = torch.tensor(s * standard() + t)
    centre, unit = _torch.round_units(x, least)
    read = (x - centre) / unit
    assert (
        least * (1 - 1e-9) <= read.std(correction=0) <= 10 * least * (1 + 1e-9) and abs(read.mean()) <= 2 * read.std()
    )
    assert math.log10(unit) == pytest.approx(round(math.log10(unit)), abs=1e-12)
    assert 10 * centre / unit == pytest.approx(round(10 * centre / unit), rel=1e-12)


@pytest.mark.parametrize("name", ["digits", "clothing"])
def test_the_books_images_are_read_as_they_are(name):
    grey = data_sets.unit(data_sets.load(name).train)
    assert _torch.round_units(torch.tensor(grey)) == (0.0, 1.0)
    assert _torch.round_units(torch.tensor(grey[:300])) == (0.0, 1.0)


@odd
def test_a_gaussian_vae_learns_as_well_in_any_unit(s, t):
    model = mlp_vae(2, (16,), 6, Gaussian(0.3 * s), seed=0).double()
    history = fit(model, s * standard() + t, epochs=15, batch=20, seed=0)
    assert 4.0 < history.loss[-1] - 6 * math.log(s) < 10.0  # 7.4 at s = 1


@odd
def test_an_autoencoder_learns_as_well_in_any_unit(s, t):
    x = s * standard() + t
    model = mlp_autoencoder(2, (16,), 6, seed=0).double()
    fit(model, x, epochs=15, batch=20, seed=0)
    assert float(model.squared_error(x).mean().detach()) / s**2 < 0.8  # 0.38 at s = 1, of 6


@pytest.mark.parametrize("s, t", [(1e-6, 0.0), (1e-3, 1.0), (1e3, -1e6), (1e6, 0.0)])
def test_an_autoencoder_learns_the_same_at_every_power_of_ten(s, t):
    plain, moved = mlp_autoencoder(2, (16,), 6, seed=0).double(), mlp_autoencoder(2, (16,), 6, seed=0).double()
    losses = [fit(m, x, epochs=5, batch=20, seed=0).loss for m, x in ((plain, standard()), (moved, s * standard() + t))]
    same(*losses[::-1], rtol=1e-5)
    with torch.no_grad():
        same((moved(s * standard() + t) - t) / s, plain(standard()), rtol=1e-3, atol=1e-4)
    squashed = mlp_autoencoder(2, (16,), 6, squash=True, seed=0)
    fit(squashed, s * standard() + t, epochs=1, seed=0)
    assert float(squashed.unit) == 1.0  # a sigmoid's outputs stand for what they are


@odd
def test_a_linear_vae_and_a_tokenizer_learn_in_any_unit(s, t):
    model = linear_vae(2, 6, 0.3 * s, seed=0).double()
    history = fit(model, s * standard() + t, epochs=30, batch=20, seed=0, learning_rate=1e-2, loss=model.exact_loss)
    assert history.loss[-1] - 6 * math.log(s) < 10.0  # 3.5 at s = 1, 89 before training
    x = s * np.random.default_rng(0).normal(size=(100, 16)) + t
    tokenizer = conv_vqvae(VectorQuantizer(4, 2, seed=0), 4, 4, Gaussian(0.3 * s), seed=0).double()
    assert fit(tokenizer, x, epochs=5, batch=20, seed=0).loss[-1] - 16 * math.log(s) < 115.0  # 84 at s = 1


@pytest.mark.parametrize("s, t", [(0.05, 5.0), (20.0, 0.0), (29.0, 250.0)])
@pytest.mark.parametrize("kind", ["linear", "curve"])
@pytest.mark.parametrize("way", variational.WAYS[1:])
def test_the_gradient_ways_climb_in_any_unit(way, kind, s, t):
    rng = np.random.default_rng(0)
    x = s * (rng.normal(size=(60, 1)) @ [[1.0, -0.6, 0.3]] + 0.2 * rng.normal(size=(60, 3))) + t
    if kind == "linear":
        model = LinearModel(s * np.array([[0.5], [0.1], [0.2]]), np.full(3, t), 0.5 * s)
    else:
        weights = s * np.random.default_rng(1).normal(size=(5, 3))
        weights[0] += t
        model = CurveModel(weights, 0.5 * s, grid=101)
    found = variational.climb(way, model, x, x[:20], passes=30, batch=20, seed=0, search=5)
    evidence = found.column("evidence") + 3 * math.log(s)
    assert evidence[-1] > -4.0 and evidence[-1] > evidence[0]  # -1.8 to -2.7 at s = 1


# ---------------------------------------------------------------- a plane of codes, a spread q, a search


class Scaled(nn.Module):
    """A module whose inputs are times `before`, and its outputs times `after`."""

    def __init__(self, part, before=1.0, after=1.0):
        super().__init__()
        self.part, self.before, self.after = part, before, after

    def forward(self, x):
        return self.after * self.part(self.before * x)


@pytest.mark.parametrize("s", [1e-6, 29.0, 1e6])
def test_a_plane_of_codes_may_be_drawn_in_any_unit(s):
    decoder = nn.Linear(2, 20).double()
    x = (torch.rand(3, 20, generator=torch.Generator().manual_seed(0)) < 0.5).double()
    found = [
        latent_plane.evidence(
            Scaled(decoder, 1 / u),
            x,
            {"rho": mixture.GaussianMixture.spherical([1.0], [[0.5 * u, -u]], 0.7 * u)},
            low=-4 * u,
            high=4 * u,
            side=101,
        )["rho"]
        for u in (1.0, s)
    ]
    same(found[1].value, found[0].value)
    same(found[1].halved, found[0].halved)


@pytest.mark.parametrize("s", [1e-6, 29.0, 1e6])
def test_a_spread_q_is_the_same_where_vectors_codes_and_temperature_have_other_units(s):
    x = np.random.default_rng(0).integers(0, 2, (2, 16))
    plain, moved = (conv_vqvae(VectorQuantizer(3, 2, seed=0, start="random"), 4, 4, seed=0).double() for _ in range(2))
    moved.encoder, moved.decoder = Scaled(moved.encoder, after=s), Scaled(moved.decoder, 1 / s)
    moved.quantiser.set_(s * plain.quantiser.codebook)
    prior = UniformPrior(3, 1)
    a, b = (
        token_bounds.spread_bound(m, prior, x, 0, temperature=temperature, samples=8)
        for m, temperature in ((plain, 0.7), (moved, 0.7 * s**2))
    )
    for part, other in zip(a, b, strict=True):
        same(other, part)


@pytest.mark.parametrize("far", [1e3, 1e4])
def test_float32_finds_the_nearest_where_its_products_cannot(far):
    """Clumps far apart, one of them of a single code: no common centre helps."""
    rng = np.random.default_rng(0)
    fine = np.array([[0.0, 0.0], [4.0, 1.0], [-2.0, 3.0]])
    clumps = np.concatenate([fine + far, fine - far])
    x = clumps[rng.integers(6, size=400)] + 0.3 * rng.normal(size=(400, 2))
    for points, codes in ((x, clumps), (x[x[:, 0] > 0], np.concatenate([clumps[:3], [[-far, -far]]]))):
        x32, c32 = points.astype(np.float32), codes.astype(np.float32)
        exact = ((x32[:, None].astype(float) - c32.astype(float)) ** 2).sum(-1).argmin(1)
        assert np.array_equal(kmeans.assign(x32, c32).codes, exact)
        assert np.array_equal(nearest(x32, c32), exact)
        layer = VectorQuantizer(len(codes), 2, seed=0).set_(c32).eval()
        assert np.array_equal(layer(torch.tensor(x32)).indices, exact)
    found, wide = (
        kmeans.kmeans(y, 6, 0, restarts=3) for y in (x.astype(np.float32), x.astype(np.float32).astype(float))
    )
    assert np.array_equal(found.codes, wide.codes) and found.centroids.dtype == np.float32
    same(found.inertia, wide.inertia, rtol=1e-3)
