"""EM: each step is the maximum it claims to be, the fast routes equal the reference, bad input is named."""

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture as Peer

from lvm_lib import em
from lvm_lib.bernoulli_mixture import BernoulliMixture
from lvm_lib.bounds import GaussianQ
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian, fit_factor_analysis, fit_ppca


def blobs(rng, n=300, dimensions=3, components=3):
    roots = rng.normal(size=(components, dimensions, dimensions)) * 0.6
    model = GaussianMixture(
        rng.dirichlet(np.full(components, 5.0)),
        rng.normal(size=(components, dimensions)) * 2,
        roots @ roots.swapaxes(1, 2) + 0.3 * np.eye(dimensions),
    )
    return model, model.sample(n, rng)[0]


def nearby(model, rng, size):
    """A model near `model`, with eigenvalues of its covariances scaled, not lowered."""
    weights = model.weights * np.exp(size * rng.normal(size=len(model.weights)))
    turn = np.linalg.qr(np.eye(model.means.shape[1]) + size * rng.normal(size=(model.means.shape[1],) * 2))[0]
    return GaussianMixture(
        weights / weights.sum(),
        model.means + size * rng.normal(size=model.means.shape),
        (1 + size * rng.random()) * turn @ model.covariances @ turn.T,
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_full_m_step_beats_its_neighbours_also_at_the_floor(seed):
    rng = np.random.default_rng(seed)
    _model, x = blobs(rng)
    q = rng.dirichlet(np.ones(3), len(x))
    for floor in (1e-6, 3.0):
        best = em.m_step_gaussian(x, q, floor=floor)
        top = em.elbo(best, q, x).sum()
        for size in (1e-3, 1e-2, 0.1):
            for _ in range(20):
                other = nearby(best, rng, size)
                if np.linalg.eigvalsh(other.covariances).min() >= floor:
                    assert em.elbo(other, q, x).sum() < top


@pytest.mark.parametrize("covariance", em.COVARIANCES)
def test_every_form_of_covariance_climbs_and_keeps_its_form(covariance):
    rng = np.random.default_rng(4)
    _, x = blobs(rng)
    fit = em.fit_mixture(x, 4, seed=1, covariance=covariance, tolerance=1e-10, iterations=300)
    assert (np.diff(fit.trace) > -1e-10).all()
    np.testing.assert_allclose(fit.trace[-1], fit.model.evidence(x).mean(), atol=1e-10)
    covariances = fit.model.covariances
    off = covariances - np.diagonal(covariances, axis1=1, axis2=2)[:, :, None] * np.eye(3)
    if covariance in ("diagonal", "spherical"):
        assert not off.any()
    if covariance == "spherical":
        assert np.ptp(np.diagonal(covariances, axis1=1, axis2=2), axis=1).max() < 1e-15
    if covariance == "tied":
        assert np.ptp(covariances, axis=0).max() == 0


@pytest.mark.parametrize(
    "covariance, kind", list(zip(em.COVARIANCES, ("full", "diag", "spherical", "tied"), strict=True))
)
@pytest.mark.parametrize("dimensions", [2, 12])
def test_same_steps_as_scikit_learn(covariance, kind, dimensions):
    rng = np.random.default_rng(dimensions)
    _, x = blobs(rng, 500, dimensions)
    start = em.start_mixture(x, 3, 0, covariance=covariance)
    precisions = {
        "full": np.linalg.inv(start.covariances),
        "tied": np.linalg.inv(start.covariances[0]),
        "diag": 1 / np.diagonal(start.covariances, axis1=1, axis2=2),
        "spherical": 1 / start.covariances[:, 0, 0],
    }[kind]
    peer = Peer(
        3,
        covariance_type=kind,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
        max_iter=8,
        tol=0,
        reg_covar=0,
    )
    with pytest.warns(match="did not converge"):
        peer.fit(x)
    fit = em.fit_mixture(x, start=start, covariance=covariance, iterations=8, tolerance=0)
    assert fit.trace[-2] == pytest.approx(peer.lower_bound_, abs=1e-9)
    np.testing.assert_allclose(fit.model.means, peer.means_, atol=1e-7)


@pytest.mark.parametrize("dimensions", [1, 2, 8, 9, 20])
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_fast_routes_equal_the_reference(dimensions, offset):
    rng = np.random.default_rng(dimensions)
    model, x = blobs(rng, 400, dimensions)
    moved = GaussianMixture(model.weights, model.means + offset, model.covariances)
    points = em._Points(x + offset)
    np.testing.assert_allclose(points.log_joint(moved), moved.log_joint_all(x + offset), rtol=1e-8, atol=1e-7)
    q = rng.dirichlet(np.ones(3), len(x))
    _, means, covariances = points.moments(q)
    for k in range(3):
        expected = np.cov((x + offset).T, aweights=q[:, k], ddof=0).reshape(dimensions, dimensions)
        np.testing.assert_allclose(covariances[k], expected, atol=1e-8)
        np.testing.assert_allclose(means[k], np.average(x + offset, axis=0, weights=q[:, k]), rtol=1e-12)


def test_a_very_narrow_component_goes_by_the_reference():
    x = np.array([[0.0, 0.0], [1e-7, 0.0], [0.0, 1e-7], [50.0, 20.0], [-50.0, 3.0], [20.0, -7.0]])
    model = GaussianMixture([0.5, 0.5], [[0.0, 0.0], [5.0, 5.0]], [1e-14 * np.eye(2), 900 * np.eye(2)])
    np.testing.assert_allclose(em._Points(x).log_joint(model), model.log_joint_all(x), rtol=1e-9, atol=1e-6)


def test_far_away_responsibilities_are_ratios_not_zero_over_zero():
    model = GaussianMixture.spherical([0.5, 0.5], [[0.0], [1.0]], 1.0)
    q = em.e_step(model, [[1e4]])
    np.testing.assert_allclose(q, [[0.0, 1.0]], atol=1e-12)
    fit = em.fit_mixture([[0.0], [1.0], [1e4]], start=model, iterations=1, tolerance=0)
    assert np.isfinite(fit.trace).all()


@pytest.mark.slow
def test_clipping_climbs_where_the_additive_form_falls():
    worst = {"floor": 0.0, "ridge": 0.0}
    for seed in range(30):
        x = np.random.default_rng(seed).normal(size=(12, 2))
        for name, option in (("floor", {"floor": 0.01}), ("ridge", {"ridge": 0.01})):
            trace = em.fit_mixture(x, 4, seed=seed, iterations=200, tolerance=0, **option).trace
            worst[name] = min(worst[name], np.diff(trace).min())
    assert worst["floor"] > -1e-9
    assert worst["ridge"] < -1e-4


def test_hard_em_climbs_its_bound_and_stays_below_the_evidence():
    _, x = blobs(np.random.default_rng(0))
    fit = em.fit_mixture(x, 3, seed=0, hard=True, tolerance=0, iterations=40)
    assert (np.diff(fit.trace) > -1e-10).all()
    q = em.hard_e_step(fit.model, x)
    assert set(np.unique(q)) == {0.0, 1.0}
    assert em.elbo(fit.model, q, x).mean() == pytest.approx(fit.trace[-1], abs=1e-10)
    assert fit.trace[-1] < fit.model.evidence(x).mean()


def test_a_component_without_points_does_no_harm():
    x = np.random.default_rng(0).normal(size=(20, 2))
    q = np.column_stack([np.ones(20), np.zeros(20)])
    model = em.m_step_gaussian(x, q)
    np.testing.assert_allclose(model.weights, [1, 0])
    np.testing.assert_allclose(model.covariances[1], np.cov(x.T, ddof=0))
    assert np.isfinite(em.elbo(model, q, x)).all()
    ones = (x > 0).astype(float)
    np.testing.assert_allclose(em.m_step_bernoulli(ones, q).probabilities[1], ones.mean(axis=0))


def test_restarts_keep_the_best_and_a_seed_repeats():
    _, x = blobs(np.random.default_rng(1))
    fit = em.fit_mixture(x, 4, seed=3, restarts=5)
    assert fit.restarts.shape == (5,) and fit.trace[-1] == fit.restarts.max() and fit.converged
    np.testing.assert_array_equal(fit.model.means, em.fit_mixture(x, 4, seed=3, restarts=5).model.means)
    assert fit.steps == len(fit.trace) - 1


# ---------------------------------------------------------------- Bernoulli mixture


def binary(rng, n=200):
    model = BernoulliMixture([0.3, 0.7], rng.uniform(0.05, 0.95, size=(2, 12)))
    return model, model.sample(n, rng)[0]


def test_bernoulli_mixture_is_its_definition():
    model, x = binary(np.random.default_rng(0), 5)
    expected = np.stack([stats.bernoulli(p).logpmf(x).sum(axis=1) for p in model.probabilities], axis=1)
    np.testing.assert_allclose(model.log_px_z_all(x), expected)
    everything = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    assert np.exp(model.evidence(everything)).sum() == pytest.approx(1)
    np.testing.assert_allclose(model.elbo(model.posterior(x), x), model.evidence(x))


def test_bernoulli_em_climbs_and_its_m_step_is_the_maximum():
    rng = np.random.default_rng(1)
    _, x = binary(rng)
    fit = em.fit_bernoulli_mixture(x, 3, seed=0, tolerance=0, iterations=60)
    assert (np.diff(fit.trace) > -1e-10).all()
    assert fit.trace[-1] == pytest.approx(fit.model.evidence(x).mean())
    q = rng.dirichlet(np.ones(3), len(x))
    best = em.m_step_bernoulli(x, q, floor=0.4)
    for _ in range(50):
        other = BernoulliMixture(best.weights, np.clip(best.probabilities + 0.02 * rng.normal(size=(3, 12)), 0.4, 0.6))
        assert em.elbo(other, q, x).sum() <= em.elbo(best, q, x).sum()


# ---------------------------------------------------------------- linear-Gaussian models


def test_ppca_by_em_reaches_the_closed_form():
    rng = np.random.default_rng(0)
    x = LinearGaussian(rng.normal(size=(6, 2)) * [3, 1.5], rng.normal(size=6), 0.4).sample(300, rng)[0]
    fit, exact = em.fit_linear(x, 2, seed=1, tolerance=1e-13, iterations=5000), fit_ppca(x, 2)
    assert (np.diff(fit.trace) > -1e-10).all() and fit.converged
    np.testing.assert_allclose(fit.model.covariance, exact.covariance, atol=1e-4)
    assert fit.trace[-1] == pytest.approx(exact.evidence(x).mean(), abs=1e-9)


def test_factor_analysis_by_em_reaches_the_other_implementation():
    rng = np.random.default_rng(2)
    x = LinearGaussian(rng.normal(size=(6, 2)), np.zeros(6), rng.uniform(0.3, 1, 6)).sample(400, rng)[0]
    fit = em.fit_linear(x, 2, seed=0, shared_noise=False, tolerance=1e-12, iterations=5000)
    other = fit_factor_analysis(x, 2, tolerance=1e-12)
    assert fit.trace[-1] == pytest.approx(other.trace[-1], abs=1e-6)


@pytest.mark.parametrize("shared_noise", [True, False])
def test_the_linear_m_step_beats_its_neighbours(shared_noise):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4))
    q = GaussianQ(rng.normal(size=(40, 2)), 0.3 * np.eye(2))
    best = em.m_step_linear(x, q, shared_noise=shared_noise)
    top = em.elbo(best, q, x).sum()
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            noise = best.noise * np.exp(size * rng.normal(size=np.shape(best.noise)))
            other = LinearGaussian(
                best.loadings + size * rng.normal(size=(4, 2)), best.mean + size * rng.normal(size=4), noise
            )
            assert em.elbo(other, q, x).sum() < top


# ---------------------------------------------------------------- bad input

GOOD = np.random.default_rng(0).normal(size=(10, 2))


@pytest.mark.parametrize(
    "x, arguments, message",
    [
        (
            GOOD,
            {"components": 11},
            r"components must be at most the number of points, got K = 11 for x of shape \(10, 2\)",
        ),
        (GOOD[:1], {"components": 1}, "at least 2 rows"),
        (np.where(GOOD[0, 0] == GOOD, np.nan, GOOD), {"components": 2}, "x must be finite, got 1 NaN"),
        (np.column_stack([GOOD, np.ones(10)]), {"components": 2}, r"no constant column .* got columns \[2\]"),
        (np.repeat(GOOD[:2], 5, axis=0), {"components": 3}, "at least 3 distinct points, got 2"),
        (GOOD, {"components": 2, "covariance": "round"}, "covariance must be one of full, diagonal, spherical, tied"),
        (GOOD, {"components": 2, "floor": 0.0}, "floor must be positive"),
        (GOOD, {"components": 2, "ridge": -1.0}, "ridge must not be negative"),
        (GOOD, {"components": 2, "tolerance": -1.0}, "tolerance must not be negative"),
        (GOOD, {}, "give either a size"),
        (GOOD[0], {"components": 2}, "x must have 2 axes"),
    ],
)
def test_bad_input_of_the_mixture_is_named(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        em.fit_mixture(x, **arguments)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: em.fit_mixture(GOOD, start="points"), TypeError, "start must be a GaussianMixture"),
        (lambda: em.fit_mixture(GOOD[:, :1], start=em.start_mixture(GOOD, 2, 0)), ValueError, "start must have D = 1"),
        (
            lambda: em.fit_bernoulli_mixture((GOOD > 0) * 1.0, start=BernoulliMixture([1.0], [[0.5]])),
            ValueError,
            "start must have D = 2",
        ),
        (lambda: em.fit_linear(GOOD, 2), ValueError, "latents must be below both sides"),
        (lambda: em.fit_bernoulli_mixture(GOOD, 2), ValueError, "only 0 and 1"),
        (lambda: em.fit_bernoulli_mixture((GOOD > 0) * 1.0, 11), ValueError, "at most the number of points"),
        (lambda: em.m_step_gaussian(GOOD, np.ones((10, 2))), ValueError, "q must be non-negative and sum to 1"),
        (lambda: em.m_step_gaussian(GOOD, np.ones((9, 1))), ValueError, "q must have one row per row of x, 10"),
        (lambda: em.m_step_linear(GOOD, np.ones((10, 2))), TypeError, "q must be a GaussianQ"),
        (
            lambda: em.m_step_bernoulli((GOOD > 0) * 1.0, np.ones((10, 1)), floor=0.6),
            ValueError,
            "floor must be below 1/2",
        ),
        (lambda: BernoulliMixture([1.0], [[0.0, 0.5]]), ValueError, "strictly between 0 and 1"),
        (lambda: BernoulliMixture([0.5, 0.5], [[0.5]]), ValueError, "one entry per row of probabilities"),
    ],
)
def test_bad_input_elsewhere_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
