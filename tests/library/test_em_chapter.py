"""What the chapter on EM asks of the library beside EM: a prior, a whitened basis, the best q of a bend, blocks."""

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from lvm_lib import best_q, em, map_em, trainable_models, variational, whitened
from lvm_lib.curve import QuadraticCurve
from lvm_lib.experiments import four_ways
from lvm_lib.ppca import LinearGaussian, fit_ppca


def test_map_em_never_falls_and_its_prior_is_scipy_s_inverse_wishart():
    x = np.random.default_rng(0).normal(size=(40, 2))
    scale = np.array([[1.0, 0.3], [0.3, 0.8]])
    fit = map_em.fit_map(x, 4, scale, 5.0, seed=1, restarts=2, iterations=60)
    assert np.diff(fit.trace).min() > -1e-9
    priors = [stats.invwishart(5.0, scale).logpdf(cov) for cov in fit.model.covariances]
    other = map_em.m_step_map(x, np.full((40, 4), 0.25), scale, 5.0)
    priors_there = [stats.invwishart(5.0, scale).logpdf(cov) for cov in other.covariances]
    moved = map_em.log_prior(fit.model, scale, 5.0) - map_em.log_prior(other, scale, 5.0)
    assert moved == pytest.approx(sum(priors) - sum(priors_there), abs=1e-8)
    best = (fit.model.evidence(x).mean() + map_em.log_prior(fit.model, scale, 5.0) / 40, fit.trace[-1])
    assert best[0] == pytest.approx(best[1], abs=1e-10)


def test_a_component_without_points_has_the_prior_s_mode():
    x, q = np.random.default_rng(0).normal(size=(5, 2)), np.eye(2)[[0, 0, 0, 0, 0]]
    found = map_em.m_step_map(x, q, 7.0 * np.eye(2), 4.0)
    np.testing.assert_allclose(found.covariances[1], np.eye(2), atol=1e-12)
    with pytest.raises(ValueError, match="scale"):
        map_em.m_step_map(x, q, np.array([[1.0, 2.0], [2.0, 1.0]]), 4.0)


def test_a_whitened_curve_is_the_same_density_in_a_basis_without_correlations():
    rng = np.random.default_rng(2)
    plain = trainable_models.CurveModel(rng.normal(size=(7, 3)), 0.6)
    white = whitened.whitened(plain)
    x = rng.normal(size=(30, 3))
    with torch.no_grad():
        np.testing.assert_allclose(white.evidence(x), plain.evidence(x), atol=1e-9)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    psi = white.features(torch.tensor(nodes)).numpy()
    np.testing.assert_allclose(
        (weights / weights.sum()) @ (psi[:, :, None] * psi[:, None]).reshape(80, -1), np.eye(7).ravel(), atol=1e-5
    )
    steps = [variational.climb("em", model, x, x, passes=5).column("evidence") for model in (plain, white)]
    np.testing.assert_allclose(*steps, atol=1e-8)  # EM does not notice the basis
    searched = variational.climb("per point", white, x, x[:3], passes=1, search=7)
    assert searched.records[-1].test_passes == 7 and isinstance(searched.model, whitened.WhitenedCurve)


def test_the_best_q_of_a_bend_beats_a_search_from_many_starts():
    toy = QuadraticCurve(1.0, 1.3, 0.5)
    x = np.array([[0.5], [-1.0], [2.0]])
    value, q = best_q.best_gaussian_elbo(toy, x)
    np.testing.assert_allclose(toy.elbo(q, x), value, atol=1e-12)
    assert (value <= toy.evidence(x)).all()
    z, weights = np.polynomial.hermite_e.hermegauss(30)
    weights = weights / weights.sum()

    def minus(numbers, point):
        at = numbers[0] + np.exp(numbers[1]) * z
        log_joint = stats.norm.logpdf(at) + stats.norm.logpdf(point, at + 0.65 * at**2, 0.5)
        return -(weights @ log_joint) - stats.norm(0, np.exp(numbers[1])).entropy()

    for n, point in enumerate(x[:, 0]):
        runs = [
            optimize.minimize(minus, (m, s), args=(point,), method="Nelder-Mead", options={"fatol": 1e-12}).fun
            for m in (-3, -1, 0, 1)
            for s in (-1.5, -0.5)
        ]
        assert value[n] == pytest.approx(-min(runs), abs=1e-6)


def test_incremental_em_ends_at_the_closed_form():
    rng = np.random.default_rng(0)
    x = LinearGaussian(rng.normal(size=(6, 2)) * [2, 1], rng.normal(size=6), 0.3).sample(200, rng)[0]
    start = LinearGaussian(0.3 * rng.normal(size=(6, 2)), x.mean(axis=0), 1.0)
    top = fit_ppca(x, 2).evidence(x).mean()
    below = [top - four_ways.incremental(start, x, passes, 5).evidence(x).mean() for passes in (1, 100)]
    assert below[0] > 0.1 and abs(below[1]) < 1e-4
    one_block = four_ways.incremental(start, x, 3, 1)  # is full EM
    full = start
    for _ in range(3):
        full = em.m_step_linear(x, full.posterior(x))
    np.testing.assert_allclose(one_block.covariance, full.covariance, atol=1e-9)
