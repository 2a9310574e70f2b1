"""The linear-Gaussian model, against SciPy, torch, scikit-learn, quadrature, sampling, and its own other routes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn.decomposition import PCA, FactorAnalysis

from lvm_lib.bounds import GaussianQ
from lvm_lib.ppca import LinearGaussian, factor_analysis_step, fit_factor_analysis, fit_ppca

maths = settings(deadline=None, derandomize=True, max_examples=50)
EXACT = {"rtol": 1e-8, "atol": 1e-8}


def test_the_old_name_of_latents_is_refused_by_name():
    for fit in (fit_ppca, fit_factor_analysis):
        with pytest.raises(TypeError, match="q is the density; say latents=2"):
            fit(np.eye(5), q=2)


def told(terms):
    """The terms of an ELBO that the model tells."""
    return [term for term in vars(terms).values() if term is not None]


def random_model(seed, dimensions=5, latents=2, kind="ppca"):
    generator = np.random.default_rng(seed)
    noise = generator.uniform(0.2, 2) if kind == "ppca" else generator.uniform(0.2, 2, dimensions)
    return LinearGaussian(generator.normal(size=(dimensions, latents)), generator.normal(size=dimensions), noise)


def random_q(seed, n, latents):
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(n, latents, latents))
    return GaussianQ(generator.normal(size=(n, latents)), factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(latents))


def torch_normal(mean, loadings, noise):
    return torch.distributions.LowRankMultivariateNormal(*(torch.tensor(a.copy()) for a in (mean, loadings, noise)))


def random_rotation(seed, latents):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(latents, latents)))[0]


def correlated_data(n=400, dimensions=6, seed=0):
    """Three factors, unequal noise: neither PPCA nor two-factor analysis fits it exactly."""
    generator = np.random.default_rng(seed)
    loadings = generator.normal(size=(3, dimensions)) * [[3], [2], [1]]
    noise = generator.uniform(0.4, 1.2, dimensions)
    return generator.normal(size=(n, 3)) @ loadings + generator.normal(size=(n, dimensions)) * noise + 5


def factor_data(latents=2, n=500):
    """That many factors (at most two), unequal noise: the maximum lies inside, with every noise well above 0."""
    loadings = np.array([[2, 0], [1.5, 1], [1, -1.5], [0.8, 2], [1, 1], [-1, 1]])[:, :latents]
    return LinearGaussian(loadings, np.arange(6), [1, 0.5, 1.5, 1, 0.8, 2]).sample(n, 2)[0]


def models():
    """Seed, D, d (above D too) and kind."""
    return st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4), st.sampled_from(["ppca", "factors"]))


# ------------------------------------------------------------------ evidence and posterior


@maths
@given(models())
def test_evidence_is_scipys_normal_with_the_full_covariance(shape):
    model = random_model(*shape)
    x, _ = model.sample(5, 1)
    covariance = model.loadings @ model.loadings.T + np.diag(np.broadcast_to(model.noise, shape[1]))
    peer = stats.multivariate_normal(model.mean, covariance)
    np.testing.assert_allclose(model.evidence(x), np.atleast_1d(peer.logpdf(x)), **EXACT)
    np.testing.assert_allclose(model.covariance, covariance, **EXACT)


def test_evidence_agrees_with_torchs_low_rank_normal():
    model = random_model(4, 7, 3, "factors")
    x, _ = model.sample(6, 0)
    peer = torch_normal(model.mean, model.loadings, model.noise)
    np.testing.assert_allclose(model.evidence(x), peer.log_prob(torch.tensor(x)).numpy(), **EXACT)


@pytest.mark.parametrize("kind", ["ppca", "factors"])
def test_evidence_is_the_integral_over_one_latent(kind):
    model = random_model(6, 4, 1, kind)
    x, _ = model.sample(3, 2)
    for point in x:

        def joint(z, point=point):
            log_px_z = stats.norm(model.loadings[:, 0] * z + model.mean, np.sqrt(model.noise)).logpdf(point).sum()
            return np.exp(log_px_z + stats.norm.logpdf(z))

        value, _ = integrate.quad(joint, -12, 12, epsabs=0, epsrel=1e-12, limit=300)
        assert model.evidence([point])[0] == pytest.approx(np.log(value), abs=1e-8)


def test_evidence_and_posterior_moments_are_the_integrals_over_two_latents():
    model = random_model(9, 4, 2, "factors")
    x, _ = model.sample(1, 3)
    axis = np.linspace(-9, 9, 361)
    z = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    spacing = axis[1] - axis[0]
    log_joint = stats.norm(z @ model.loadings.T + model.mean, np.sqrt(model.noise)).logpdf(x).sum(
        axis=1
    ) + stats.norm.logpdf(z).sum(axis=1)
    joint = np.exp(log_joint) * spacing**2
    posterior = model.posterior(x)
    mean = joint @ z / joint.sum()
    assert model.evidence(x)[0] == pytest.approx(np.log(joint.sum()), abs=1e-8)
    np.testing.assert_allclose(posterior.mean[0], mean, atol=1e-8)
    np.testing.assert_allclose(posterior.cov[0], (z - mean).T @ (joint[:, None] * (z - mean)) / joint.sum(), atol=1e-8)


@maths
@given(models())
def test_log_joint_is_prior_plus_likelihood_for_one_latent_or_many(shape):
    model = random_model(*shape)
    x, z = model.sample(4, 2)
    noise = np.diag(np.broadcast_to(model.noise, shape[1]))
    expected = [
        stats.multivariate_normal(model.loadings @ z_n + model.mean, noise).logpdf(x_n)
        + stats.multivariate_normal(np.zeros(shape[2])).logpdf(z_n)
        for x_n, z_n in zip(x, z, strict=True)
    ]
    np.testing.assert_allclose(model.log_joint(x, z), expected, **EXACT)
    many = np.stack([z, 2 * z, z - 1])
    np.testing.assert_allclose(model.log_joint(x, many), [model.log_joint(x, each) for each in many], rtol=1e-12)
    np.testing.assert_allclose(model.log_px_z(x, z), model.log_joint(x, z) - stats.norm.logpdf(z).sum(axis=1), **EXACT)


@maths
@given(models(), st.integers(0, 10**6))
def test_bayes_rule_holds_at_any_latent(shape, seed):
    """log p(x, z) - log p(z | x) = log p(x) whatever z is."""
    model = random_model(*shape)
    x, _ = model.sample(4, 3)
    z = np.random.default_rng(seed).normal(size=(4, shape[2]))
    posterior = model.posterior(x)
    np.testing.assert_allclose(model.log_joint(x, z) - posterior.log_prob(z), model.evidence(x), **EXACT)


def test_the_posterior_is_gaussian_conditioning_of_the_joint():
    """By the block formula on the (d + D) x (d + D) covariance of (z, x): no d x d precision involved."""
    model = random_model(12, 5, 3, "factors")
    x, _ = model.sample(4, 4)
    gain = model.loadings.T @ np.linalg.inv(model.covariance)
    posterior = model.posterior(x)
    np.testing.assert_allclose(posterior.mean, (x - model.mean) @ gain.T, **EXACT)
    for covariance in posterior.cov:
        np.testing.assert_allclose(covariance, np.eye(3) - gain @ model.loadings, **EXACT)
    np.testing.assert_allclose(model.reconstruct(x), model.mean + (x - model.mean) @ gain.T @ model.loadings.T, **EXACT)


# ------------------------------------------------------------------ the exact ELBO


@maths
@given(models(), st.integers(0, 10**6))
def test_evidence_is_elbo_plus_kl_for_any_gaussian_q(shape, seed):
    model = random_model(*shape)
    x, _ = model.sample(4, 4)
    q = random_q(seed, 4, shape[2])
    np.testing.assert_allclose(model.elbo(q, x) + model.kl_to_posterior(q, x), model.evidence(x), **EXACT)
    assert (model.kl_to_posterior(q, x) >= -1e-10).all()


@maths
@given(models(), st.integers(0, 10**6))
def test_the_three_forms_of_the_elbo_are_one(shape, seed):
    model = random_model(*shape)
    x, _ = model.sample(4, 5)
    q = random_q(seed, 4, shape[2])
    terms = model.elbo_terms(q, x)
    np.testing.assert_allclose(terms.reconstruction - terms.kl, terms.expected_log_joint + terms.entropy, **EXACT)
    np.testing.assert_allclose(model.expected_log_joint(q, x) + q.entropy(), model.elbo(q, x), **EXACT)


def test_the_terms_are_expectations_under_q():
    """Gauss-Hermite in both latents, through q's Cholesky factor; exact here, since the integrands are quadratic."""
    model, q = random_model(15, 4, 2, "factors"), random_q(2, 3, 2)
    x, _ = model.sample(3, 6)
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    terms = model.elbo_terms(q, x)
    for n in range(3):
        factor = np.linalg.cholesky(q.cov[n])
        z = np.array([q.mean[n] + factor @ [a, b] for a in nodes for b in nodes])
        w = np.outer(weights, weights).ravel() / (2 * np.pi)
        log_px_z = stats.norm(z @ model.loadings.T + model.mean, np.sqrt(model.noise)).logpdf(x[n]).sum(axis=1)
        log_pz = stats.norm.logpdf(z).sum(axis=1)
        log_qz = stats.multivariate_normal(q.mean[n], q.cov[n]).logpdf(z)
        expected = [w @ log_px_z, w @ (log_qz - log_pz), w @ (log_px_z + log_pz), -w @ log_qz]
        np.testing.assert_allclose([term[n] for term in told(terms)], expected, **EXACT)


def test_the_elbo_is_a_mean_over_samples_of_q():
    model, q, draws = random_model(16, 4, 2), random_q(3, 2, 2), 20000
    x, _ = model.sample(2, 7)
    z = q.sample(draws, 0)
    values = model.log_joint(x, z) - q.log_prob(z)
    error = values.std(axis=0) / np.sqrt(draws)
    assert (np.abs(values.mean(axis=0) - model.elbo(q, x)) < 4 * error).all()


@maths
@given(models())
def test_the_exact_posterior_has_no_gap(shape):
    model = random_model(*shape)
    x, _ = model.sample(4, 6)
    q = model.posterior(x)
    np.testing.assert_allclose(model.kl_to_posterior(q, x), 0, atol=1e-9)
    np.testing.assert_allclose(model.elbo(q, x), model.evidence(x), **EXACT)


def test_a_shared_covariance_counts_the_same_as_one_per_point():
    model = random_model(30, 5, 3)
    x, _ = model.sample(6, 0)
    shared = GaussianQ(np.ones((6, 3)), np.diag([1.0, 2.0, 3.0]))
    repeated = GaussianQ(np.ones((6, 3)), np.stack([np.diag([1.0, 2.0, 3.0])] * 6))
    for one, other in zip(*(told(model.elbo_terms(q, x)) for q in (shared, repeated)), strict=True):
        assert one.shape == other.shape == (6,)
        np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(model.kl_to_posterior(shared, x), model.kl_to_posterior(repeated, x), rtol=1e-12)


# ------------------------------------------------------------------ rotation and mean field


@maths
@given(models(), st.integers(0, 10**6))
def test_rotation_changes_the_posterior_but_not_the_evidence(shape, seed):
    model = random_model(*shape)
    x, _ = model.sample(4, 7)
    rotation = random_rotation(seed, shape[2])
    turned = model.rotate(rotation)
    np.testing.assert_allclose(turned.evidence(x), model.evidence(x), **EXACT)
    np.testing.assert_allclose(turned.posterior(x).mean, model.posterior(x).mean @ rotation, **EXACT)
    np.testing.assert_allclose(turned.reconstruct(x), model.reconstruct(x), **EXACT)


def test_mean_field_is_exact_for_the_closed_form_and_not_once_it_is_rotated():
    x = correlated_data()
    model = fit_ppca(x, 3)
    np.testing.assert_allclose(model.elbo(model.best_mean_field(x), x), model.evidence(x), **EXACT)
    turned = model.rotate(random_rotation(2, 3))
    gap = turned.evidence(x) - turned.elbo(turned.best_mean_field(x), x)
    assert (gap > 0.1).all()
    m = np.eye(3) + turned.loadings.T @ turned.loadings / turned.noise
    np.testing.assert_allclose(gap, (np.log(np.diag(m)).sum() - np.linalg.slogdet(m)[1]) / 2, **EXACT)


def test_mean_field_leaves_a_gap_for_factor_analysis():
    x = factor_data()
    model = fit_factor_analysis(x, 2, tolerance=1e-6).model.rotate(random_rotation(1, 2))
    assert (model.evidence(x) - model.elbo(model.best_mean_field(x), x) > 1e-3).all()


@maths
@given(models(), st.integers(0, 10**6), st.floats(1e-3, 1.0))
def test_no_other_diagonal_q_beats_the_best_mean_field(shape, seed, size):
    model = random_model(*shape)
    x, _ = model.sample(3, 8)
    best, generator = model.best_mean_field(x), np.random.default_rng(seed)
    np.testing.assert_array_equal(best.cov[0], np.diag(np.diag(best.cov[0])))
    std = np.sqrt(np.diagonal(best.cov, axis1=1, axis2=2)) * np.exp(size * generator.normal(size=best.mean.shape))
    other = GaussianQ.diagonal(best.mean + size * generator.normal(size=best.mean.shape), std)
    assert (model.elbo(other, x) < model.elbo(best, x)).all()


def test_the_best_mean_field_is_what_torch_climbs_to():
    model = random_model(20, 5, 3)
    x, _ = model.sample(1, 9)
    loadings, offset = torch.tensor(model.loadings), torch.tensor(x[0] - model.mean)
    mean, log_std = (torch.zeros(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimiser = torch.optim.LBFGS([mean, log_std], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16)

    def loss():
        optimiser.zero_grad()
        variance = torch.exp(2 * log_std)
        fit = ((offset - loadings @ mean) ** 2).sum() + (loadings**2 @ variance).sum()
        value = fit / (2 * model.noise) + (mean @ mean + variance.sum()) / 2 - log_std.sum()
        value.backward()
        return value

    optimiser.step(loss)
    best = model.best_mean_field(x)
    np.testing.assert_allclose(best.mean[0], mean.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(np.diag(best.cov[0]), np.exp(2 * log_std.detach().numpy()), rtol=1e-6)


# ------------------------------------------------------------------ fitting PPCA


@pytest.mark.parametrize("latents", [1, 2, 4])
def test_fit_agrees_with_scikit_learn_once_its_n_minus_1_is_undone(latents):
    """scikit-learn divides the covariance by N - 1, so its model's covariance is N / (N - 1) times ours."""
    x = correlated_data()
    n, peer, model = len(x), PCA(latents, svd_solver="full").fit(x), fit_ppca(x, latents)
    np.testing.assert_allclose(model.covariance, peer.get_covariance() * (n - 1) / n, **EXACT)
    assert model.noise == pytest.approx(peer.noise_variance_ * (n - 1) / n, rel=1e-10)
    same = LinearGaussian(model.loadings * np.sqrt(n / (n - 1)), model.mean, model.noise * n / (n - 1))
    np.testing.assert_allclose(same.evidence(x), peer.score_samples(x), **EXACT)
    assert model.evidence(x).mean() > peer.score(x)  # ours is the maximum-likelihood one


def test_the_fit_is_the_formula_of_tipping_and_bishop():
    x = correlated_data()
    eigenvalues, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    model = fit_ppca(x, 2)
    assert model.noise == pytest.approx(eigenvalues[2:].mean(), rel=1e-10)
    expected = vectors[:, :2] * np.sqrt(eigenvalues[:2] - model.noise)
    np.testing.assert_allclose(np.abs(model.loadings), np.abs(expected), **EXACT)
    assert (model.loadings[np.abs(model.loadings).argmax(axis=0), [0, 1]] > 0).all()
    # equation 8 of the paper: the likelihood at its maximum
    best = -(6 * np.log(2 * np.pi) + np.log(eigenvalues[:2]).sum() + 4 * np.log(model.noise) + 6) / 2
    assert model.evidence(x).mean() == pytest.approx(best, rel=1e-10)


def test_no_nearby_model_has_a_higher_likelihood():
    x, generator = correlated_data(), np.random.default_rng(0)
    model = fit_ppca(x, 2)
    best = model.evidence(x).mean()
    for size in (1e-3, 1e-2, 1e-1):
        for _ in range(10):
            other = LinearGaussian(
                model.loadings + size * generator.normal(size=(6, 2)),
                model.mean + size * generator.normal(size=6),
                model.noise * np.exp(size * generator.normal()),
            )
            assert other.evidence(x).mean() < best


def test_the_wide_and_the_tall_route_agree():
    """With fewer rows than columns the fit takes an SVD: padding with repeated rows changes nothing but the route."""
    x = correlated_data(8, 12)
    wide, tall = fit_ppca(x, 3), fit_ppca(np.tile(x, (3, 1)), 3)
    np.testing.assert_allclose(wide.loadings, tall.loadings, **EXACT)
    np.testing.assert_allclose(wide.mean, tall.mean, **EXACT)
    assert wide.noise == pytest.approx(tall.noise, rel=1e-9)


def test_constant_columns_are_no_trouble_for_ppca():
    x = np.column_stack([correlated_data(), np.full(400, 3.0)])
    model = fit_ppca(x, 2)
    np.testing.assert_allclose(model.loadings[6], 0, atol=1e-10)
    assert np.isfinite(model.evidence(x)).all()


def test_aggregate_posterior_is_the_prior_and_the_rate_is_half_the_log_ratios():
    """At fixed noise: directions with lambda <= noise collapse, the others cost log(lambda / noise) / 2 on average."""
    x = correlated_data()
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    noise = (eigenvalues[1] + eigenvalues[2]) / 2  # two directions live, two collapse
    model = fit_ppca(x, 4, noise=noise)
    assert model.noise == noise
    np.testing.assert_array_equal(model.loadings[:, 2:], 0)
    q = model.posterior(x)
    np.testing.assert_allclose(np.cov(q.mean.T, bias=True) + q.cov[0], np.eye(4), atol=1e-8)
    np.testing.assert_allclose(q.mean.mean(axis=0), 0, atol=1e-10)
    rate = model.elbo_terms(q, x).kl.mean()
    assert rate == pytest.approx(np.log(eigenvalues[:2] / noise).sum() / 2, rel=1e-8)


def test_a_fit_at_fixed_noise_is_the_best_at_that_noise():
    x, generator = correlated_data(), np.random.default_rng(1)
    model = fit_ppca(x, 2, noise=3.0)
    for _ in range(20):
        other = LinearGaussian(model.loadings + 0.02 * generator.normal(size=(6, 2)), model.mean, 3.0)
        assert other.evidence(x).mean() < model.evidence(x).mean()
    assert fit_ppca(x, 6, noise=0.01).loadings.shape == (6, 6)  # d = D is fine: nothing is left to average


# ------------------------------------------------------------------ factor analysis


@pytest.mark.parametrize("latents", [1, 2])
def test_factor_analysis_agrees_with_scikit_learn(latents):
    x = factor_data(latents)
    peer = FactorAnalysis(latents, svd_method="lapack", tol=1e-10, max_iter=5000).fit(x)
    fit = fit_factor_analysis(x, latents, tolerance=1e-12)
    assert fit.converged
    assert fit.model.evidence(x).mean() == pytest.approx(peer.score(x), abs=1e-8)
    np.testing.assert_allclose(fit.model.covariance, peer.get_covariance(), atol=1e-4)
    np.testing.assert_allclose(fit.model.noise, peer.noise_variance_, atol=1e-4)
    # and at scikit-learn's own parameters the evidence is scikit-learn's
    same = LinearGaussian(peer.components_.T, peer.mean_, peer.noise_variance_)
    np.testing.assert_allclose(same.evidence(x), peer.score_samples(x), **EXACT)


def test_em_never_lowers_the_evidence_and_its_trace_is_the_evidence():
    x = factor_data()
    fit = fit_factor_analysis(x, 2, iterations=20)
    assert len(fit.trace) == 21 and not fit.converged
    assert (np.diff(fit.trace) > -1e-12).all() and fit.trace[-1] > fit.trace[0] + 1e-3
    assert fit.trace[-1] == pytest.approx(fit.model.evidence(x).mean(), rel=1e-10)


def test_a_step_is_monotone_from_any_start_and_also_at_the_floor():
    x = correlated_data()
    covariance, generator = np.cov(x.T, bias=True), np.random.default_rng(3)
    for floor in (1e-6, 2.0):
        model = LinearGaussian(generator.normal(size=(6, 2)), x.mean(axis=0), np.full(6, 3.0))
        before = model.evidence(x).mean()
        for _ in range(30):
            model = factor_analysis_step(model, covariance, floor)
            after = model.evidence(x).mean()
            assert after >= before - 1e-10
            before = after
        assert (model.noise >= floor).all()
    assert (model.noise == 2.0).any()  # the higher floor was reached


def test_a_step_raises_the_expected_log_joint_to_its_maximum():
    """M-step by another route: regress x on posterior means, point by point, then compare with perturbations."""
    x, generator = correlated_data(50), np.random.default_rng(4)
    model = LinearGaussian(generator.normal(size=(6, 2)), x.mean(axis=0), np.full(6, 2.0))
    q = model.posterior(x)
    after = factor_analysis_step(model, np.cov(x.T, bias=True), 1e-9)
    best = after.expected_log_joint(q, x).mean()
    for size in (1e-3, 1e-2, 1e-1):
        for _ in range(10):
            other = LinearGaussian(
                after.loadings + size * generator.normal(size=(6, 2)),
                after.mean,
                after.noise * np.exp(size * generator.normal(size=6)),
            )
            assert other.expected_log_joint(q, x).mean() < best


def test_factor_analysis_does_not_mind_units_and_ppca_does():
    x, units = factor_data(), np.array([1, 10, 0.1, 3, 100, 0.01])
    plain, scaled = fit_factor_analysis(x, 2), fit_factor_analysis(x * units, 2)
    np.testing.assert_allclose(scaled.model.covariance, plain.model.covariance * np.outer(units, units), rtol=1e-6)
    np.testing.assert_allclose(scaled.trace, plain.trace - np.log(units).sum(), atol=1e-8)
    lost = fit_ppca(x * units, 2).evidence(x * units).mean() + np.log(units).sum() - fit_ppca(x, 2).evidence(x).mean()
    assert abs(lost) > 1


def test_a_heywood_case_ends_at_the_floor():
    generator = np.random.default_rng(5)
    z = generator.normal(size=300)
    noise = generator.normal(size=(2, 300))
    x = np.column_stack([z, z + 0.5 * noise[0], z + noise[1]])  # no noise in the first column
    fit = fit_factor_analysis(x, 1, floor=0.05)
    assert fit.converged
    assert fit.model.noise[0] == pytest.approx(0.05 * x[:, 0].var(), rel=1e-9)
    assert np.isfinite(fit.trace).all() and (np.diff(fit.trace) > -1e-12).all()


# ------------------------------------------------------------------ sampling


@pytest.mark.parametrize("kind", ["ppca", "factors"])
def test_samples_have_the_models_moments(kind):
    model, n = random_model(40, 4, 2, kind), 40000
    x, z = model.sample(n, 17)
    assert x.shape == (n, 4) and z.shape == (n, 2)
    joint = np.column_stack([z, x])
    mean = np.concatenate([np.zeros(2), model.mean])
    covariance = np.block([[np.eye(2), model.loadings.T], [model.loadings, model.covariance]])
    variances = np.diag(covariance)
    assert (np.abs(joint.mean(axis=0) - mean) < 4.5 * np.sqrt(variances / n)).all()
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / n)
    assert (np.abs(np.cov(joint.T) - covariance) < 4.5 * error).all()


def test_the_average_evidence_of_samples_is_minus_the_entropy():
    model, n = random_model(41, 5, 2), 20000
    values = model.evidence(model.sample(n, 3)[0])
    entropy = stats.multivariate_normal(model.mean, model.covariance).entropy()
    assert abs(values.mean() + entropy) < 4 * values.std() / np.sqrt(n)


def test_equal_seeds_give_equal_samples_and_a_generator_moves_on():
    model, generator = random_model(1), np.random.default_rng(0)
    np.testing.assert_array_equal(model.sample(5, 0)[0], model.sample(5, generator)[0])
    assert not np.array_equal(model.sample(5, generator)[0], model.sample(5, 0)[0])


# ------------------------------------------------------------------ extremes and refusals


def test_tiny_noise_and_many_dimensions_stay_accurate():
    generator = np.random.default_rng(6)
    model = LinearGaussian(generator.normal(size=(200, 3)), np.zeros(200), 1e-4)
    x, _ = model.sample(4, 0)
    peer = torch_normal(model.mean, model.loadings, np.full(200, 1e-4))
    np.testing.assert_allclose(model.evidence(x), peer.log_prob(torch.tensor(x)).numpy(), rtol=1e-7)
    q = random_q(0, 4, 3)
    np.testing.assert_allclose(model.elbo(q, x) + model.kl_to_posterior(q, x), model.evidence(x), rtol=1e-8, atol=1e-4)
    np.testing.assert_allclose(model.elbo(model.posterior(x), x), model.evidence(x), rtol=1e-9)


def test_the_model_keeps_its_own_unwritable_copy():
    loadings = np.zeros((3, 1))
    model = LinearGaussian(loadings, np.zeros(3), 1.0)
    loadings[:] = 7
    assert (model.loadings == 0).all() and isinstance(model.noise, float)
    with pytest.raises(ValueError, match="read-only"):
        model.loadings[0] = 1


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((np.zeros(3), np.zeros(3), 1.0), ValueError, "loadings must have 2 axes"),
        ((np.zeros((3, 0)), np.zeros(3), 1.0), ValueError, "loadings must not be empty"),
        ((np.full((3, 1), np.nan), np.zeros(3), 1.0), ValueError, "loadings must be finite"),
        ((np.zeros((3, 1)), np.zeros(2), 1.0), ValueError, "mean must have one entry"),
        ((np.zeros((3, 1)), np.zeros(3), 0.0), ValueError, "noise must be positive"),
        ((np.zeros((3, 1)), np.zeros(3), -1.0), ValueError, "noise must be positive"),
        ((np.zeros((3, 1)), np.zeros(3), np.ones(2)), ValueError, "noise must be a number or"),
        ((np.zeros((3, 1)), np.zeros(3), np.eye(3) + 1), ValueError, "noise must be a number or"),
        ((np.zeros((3, 1)), np.zeros(3), "one"), TypeError, "noise"),
    ],
)
def test_a_model_that_cannot_be_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        LinearGaussian(*arguments)


X, Q = np.zeros((3, 5)), GaussianQ(np.zeros((3, 2)), np.eye(2))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m: m.evidence(np.zeros((3, 4))), ValueError, "x must have D = 5"),
        (lambda m: m.evidence(np.zeros(5)), ValueError, "x must have 2 axes"),
        (lambda m: m.evidence(np.full((1, 5), np.inf)), ValueError, "x must be finite"),
        (lambda m: m.posterior(np.zeros((0, 5))), ValueError, "x must not be empty"),
        (lambda m: m.posterior("x"), TypeError, "x must be an array"),
        (lambda m: m.reconstruct(np.zeros((3, 4))), ValueError, "x must have D = 5"),
        (lambda m: m.best_mean_field(np.zeros((3, 4))), ValueError, "x must have D = 5"),
        (lambda m: m.decode(np.zeros((3, 3))), ValueError, "z must have d = 2"),
        (lambda m: m.decode(0.0), ValueError, "z must have d = 2"),
        (lambda m: m.log_joint(X, np.zeros((2, 2))), ValueError, "z must have shape"),
        (lambda m: m.log_px_z(X, np.zeros(2)), ValueError, "z must have shape"),
        (lambda m: m.log_joint(X, np.zeros((3, 4))), ValueError, "z must have d = 2"),
        (lambda m: m.log_joint(X, np.full((3, 2), np.nan)), ValueError, "z must be finite"),
        (lambda m: m.sample(0, 0), ValueError, "n must be at least 1"),
        (lambda m: m.sample(3, -1), TypeError, "rng"),
        (lambda m: m.rotate(np.eye(3)), ValueError, "rotation must have shape"),
        (lambda m: m.rotate(2 * np.eye(2)), ValueError, "rotation must be orthogonal"),
        (lambda m: m.elbo(X, X), TypeError, "q must be a GaussianQ"),
        (lambda m: m.elbo_terms(Q, X[:2]), ValueError, "q must have a mean of shape"),
        (lambda m: m.expected_log_joint(GaussianQ(np.zeros((3, 1)), np.eye(1)), X), ValueError, "q must have a mean"),
        (lambda m: m.kl_to_posterior(None, X), TypeError, "q must be a GaussianQ"),
        (lambda m: factor_analysis_step(m, np.eye(4), 0.1), ValueError, "covariance must have shape"),
        (lambda m: factor_analysis_step(m, np.eye(5), 0.0), ValueError, "floor must be positive"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call(random_model(0))


def line_in(dimensions, n=20):
    """Points on a straight line: rank one after centring."""
    return np.outer(np.random.default_rng(0).normal(size=n), np.arange(1, dimensions + 1)) + 2


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: fit_ppca(correlated_data(3, 6), 2), ValueError, "x must have at least latents . 2 = 4 rows"),
        (lambda: fit_ppca(correlated_data(), 6), ValueError, "latents must be at most 5"),
        (lambda: fit_ppca(correlated_data(), 7, noise=1.0), ValueError, "latents must be at most 6"),
        (lambda: fit_ppca(correlated_data(), 0), ValueError, "latents must be at least 1"),
        (lambda: fit_ppca(correlated_data(), 2.0), TypeError, "latents must be an integer"),
        (lambda: fit_ppca(line_in(4), 1), ValueError, "latents must be smaller than the rank"),
        (lambda: fit_ppca(line_in(4), 2), ValueError, "latents must be smaller than the rank"),
        (lambda: fit_ppca(line_in(30, 10), 1), ValueError, "latents must be smaller than the rank"),
        (lambda: fit_ppca(np.ones((9, 4)), 1), ValueError, "latents must be smaller than the rank"),
        (lambda: fit_ppca(np.full((9, 4), np.nan), 1), ValueError, "x must be finite"),
        (lambda: fit_ppca(np.ones(9), 1), ValueError, "x must have 2 axes"),
        (lambda: fit_ppca(correlated_data(), 2, noise=-1.0), ValueError, "noise must be positive"),
        (lambda: fit_ppca(correlated_data(), 2, noise=np.ones(6)), ValueError, "noise must have 0 axes"),
        (
            lambda: fit_factor_analysis(np.column_stack([correlated_data(), np.ones(400)]), 2),
            ValueError,
            r"columns \[6\]",
        ),
        (lambda: fit_factor_analysis(correlated_data(3, 6), 2), ValueError, "x must have at least"),
        (lambda: fit_factor_analysis(correlated_data(), 6), ValueError, "latents must be at most 5"),
        (lambda: fit_factor_analysis(line_in(4), 1), ValueError, "latents must be smaller than the rank"),
        (lambda: fit_factor_analysis(np.full((9, 4), np.inf), 1), ValueError, "x must be finite"),
        (lambda: fit_factor_analysis(correlated_data(), 2, floor=0.0), ValueError, "floor must be positive"),
        (lambda: fit_factor_analysis(correlated_data(), 2, tolerance=-1), ValueError, "tolerance must be positive"),
        (lambda: fit_factor_analysis(correlated_data(), 2, iterations=0), ValueError, "iterations must be at least 1"),
    ],
)
def test_fits_that_cannot_be_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
