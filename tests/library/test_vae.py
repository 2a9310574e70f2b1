"""The VAE, against torch.distributions, closed forms, quadrature over z, and PPCA, whose evidence is exact."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from lvm_lib import bounds, quadrature
from lvm_lib.autoencoder import mlp_decoder, mlp_encoder
from lvm_lib.densities import kl_normal_full
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Bernoulli, DiscretisedLogistic, DiscretisedNormal, Gaussian
from lvm_lib.ppca import LinearGaussian, fit_ppca
from lvm_lib.vae import VAE, GaussianEncoder, conv_vae, kl_to_prior, linear_vae, mlp_vae, reparameterise

maths = settings(deadline=None, derandomize=True, max_examples=50)
LIKELIHOODS = [
    Bernoulli(),
    Gaussian(0.5),
    Gaussian(np.linspace(0.2, 1, 6)),
    DiscretisedNormal(30.0),
    DiscretisedLogistic(np.linspace(9, 60, 6)),
]


def small_vae(latents=1, likelihood=None, seed=0):
    """Six pixels, one hidden layer, float64; weights larger than usual, so that the posterior is no normal."""
    model = mlp_vae(latents, (8,), 6, likelihood, seed=seed).double()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(2.5)
    return model


def pixels(likelihood, n=5, seed=0):
    """n points of six pixels, of the kind that the likelihood is for."""
    generator = np.random.default_rng(seed)
    if likelihood is None or isinstance(likelihood, Bernoulli):
        return generator.integers(0, 2, (n, 6)).astype(float)
    if isinstance(likelihood, Gaussian):
        return generator.normal(size=(n, 6))
    return generator.integers(0, 256, (n, 6)).astype(float)


def on_grid(model, x, grid):
    """log p(x, z) at every point of a grid over z: (n, m)."""
    z = torch.tensor(grid.points)[:, None, :].expand(-1, len(x), -1)
    with torch.no_grad():
        return model.log_joint(x, z).T.numpy()


# ------------------------------------------------------------------ the bound and what it bounds


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda part: type(part).__name__)
def test_evidence_is_elbo_plus_gap(likelihood):
    """log p(x) = ELBO + KL(q || posterior), all three by quadrature over z; the ELBO as elbo_terms has it."""
    model, x = small_vae(likelihood=likelihood), pixels(likelihood)
    q = model.q(x)
    grid = quadrature.line(-12, 12, 48001)
    log_joint = on_grid(model, x, grid)
    evidence = quadrature.log_integral(log_joint, grid)
    mean, std = (part.detach().numpy() for part in (q.mean, q.stddev))
    for n in range(len(x)):
        rule = quadrature.line(mean[n, 0] - 12 * std[n, 0], mean[n, 0] + 12 * std[n, 0], 8001)
        z = torch.tensor(rule.points)
        log_q = Normal(q.mean[n, 0], q.stddev[n, 0]).log_prob(z[:, 0]).detach().numpy()
        weight = np.exp(log_q + rule.log_weights)
        with torch.no_grad():
            log_px_z = model.log_px_z(x[n : n + 1], z[:, None, :])[:, 0].numpy()
        log_posterior = on_grid(model, x[n : n + 1], rule)[0] - evidence[n]
        gap = weight @ (log_q - log_posterior)
        elbo = weight @ log_px_z - model.elbo_terms(x, 0).kl[n].item()
        assert gap > 0
        assert elbo + gap == pytest.approx(evidence[n], abs=1e-6)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda part: type(part).__name__)
def test_sampled_elbo_is_the_elbo(likelihood):
    """The average of many one-sample ELBOs is the quadrature of log p(x | z) over q, less the KL."""
    model, x = small_vae(likelihood=likelihood), pixels(likelihood)
    q = model.q(x)
    with torch.no_grad():
        rule = quadrature.hermite(200)
        z = q.mean + q.stddev * torch.tensor(rule.points)[:, None, :]
        expected = np.exp(rule.log_weights) @ model.log_px_z(x, z).numpy()
        draws = torch.stack([model.elbo_terms(x, seed, samples=50).reconstruction for seed in range(100)]).numpy()
        reparameterised = model.log_px_z(x, reparameterise(q, 5000, 1)).numpy()
    for sample in (draws, reparameterised):
        assert (abs(sample.mean(axis=0) - expected) < 5 * sample.std(axis=0) / np.sqrt(len(sample))).all()


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda part: type(part).__name__)
def test_importance_weighted_evidence_is_the_integral(likelihood):
    model, x = small_vae(likelihood=likelihood), pixels(likelihood)
    with torch.no_grad():  # a q that covers the posterior, as weights of finite variance need
        model.encoder.net[-1].weight.mul_(0.1)
        model.encoder.net[-1].bias.copy_(torch.tensor([0.0, 0.3], dtype=torch.float64))
    grid = quadrature.line(-10, 10, 40001)
    exact = quadrature.log_integral(on_grid(model, x, grid), grid)
    estimate = model.evidence(x, 0, samples=20000)
    assert isinstance(estimate, bounds.Estimate)
    assert (abs(estimate.value - exact) < 5 * estimate.standard_error + 1e-12).all()
    assert (estimate.standard_error < 0.1).all()
    assert (estimate.effective_sample_size > 100).all() and (estimate.effective_sample_size <= 20000).all()


def test_evidence_in_two_dimensions():
    model, x = small_vae(latents=2), pixels(None)
    with torch.no_grad():
        model.encoder.net[-1].bias[2:] = 0  # of untrained weights the posterior is wide, and so must q be
    grid = quadrature.plane(-8, 8, 321)
    exact = quadrature.log_integral(on_grid(model, x, grid), grid)
    estimate = model.evidence(x, 0, samples=20000)
    assert (abs(estimate.value - exact) < 5 * estimate.standard_error).all()
    assert (estimate.standard_error < 0.05).all()


def test_evidence_does_not_depend_on_how_the_work_is_cut(monkeypatch):
    """Blocks change the order of the draws, not what they estimate; the weights of a linear model are all equal."""
    model, x, _ = linear_pair("full")
    exact = model.linear_gaussian().evidence(x)
    for block in (1, 50, 2**22):
        monkeypatch.setattr("lvm_lib.vae.BLOCK", block)
        estimate = model.evidence(x[:7], 0, samples=11)
        np.testing.assert_allclose(estimate.value, exact[:7], rtol=1e-10)
        np.testing.assert_allclose(estimate.effective_sample_size, 11, rtol=1e-8)
        np.testing.assert_allclose(estimate.standard_error, 0, atol=1e-6)


def test_its_error_and_effective_size_are_those_of_bounds():
    model, x = small_vae(), pixels(None)
    estimate = model.evidence(x, 3, samples=64)
    with torch.no_grad():
        z = reparameterise(model.q(x), 64, 3)
        log_w = (model.log_joint(x, z) - model.q(x).log_prob(z)).numpy()
    np.testing.assert_allclose(estimate.effective_sample_size, bounds.effective_sample_size(log_w), rtol=1e-9)
    np.testing.assert_allclose(estimate.value, np.log(np.exp(log_w).mean(axis=0)), rtol=1e-10)
    spread = np.exp(log_w).std(axis=0, ddof=1) / np.exp(log_w).mean(axis=0) / 8
    np.testing.assert_allclose(estimate.standard_error, spread, rtol=1e-8)


# ------------------------------------------------------------------ the terms, by torch.distributions


@pytest.mark.parametrize("latents", [1, 2, 16])
def test_kl_is_torchs_and_no_dimension_is_negative(latents):
    model, x = small_vae(latents), pixels(None, n=9)
    terms, q = model.elbo_terms(x, 0), model.q(x)
    prior = Independent(Normal(torch.zeros_like(q.mean), torch.ones_like(q.mean)), 1)
    torch.testing.assert_close(terms.kl, kl_divergence(q, prior), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(terms.kl_per_dimension, kl_divergence(q.base_dist, prior.base_dist))
    torch.testing.assert_close(terms.elbo, terms.reconstruction - terms.kl)
    assert terms.kl_per_dimension.shape == (9, latents) and (terms.kl_per_dimension >= 0).all()


@maths
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_kl_of_a_full_covariance_is_the_numpy_one_by_the_chain_rule(seed, latents):
    generator = np.random.default_rng(seed)
    factor = np.tril(generator.normal(size=(latents, latents)))
    factor[np.diag_indices(latents)] = np.exp(generator.normal(size=latents))
    mean = generator.normal(size=(3, latents))
    q = MultivariateNormal(torch.tensor(mean), scale_tril=torch.tensor(factor).expand(3, -1, -1))
    per_dimension = kl_to_prior(q).numpy()
    whole = kl_normal_full(mean, factor @ factor.T, np.zeros(latents), np.eye(latents))
    np.testing.assert_allclose(per_dimension.sum(axis=-1), whole, rtol=1e-9, atol=1e-9)
    # leading coordinates on their own have the KL that the leading entries sum to: that is the chain rule
    lead = factor[:1, :1]
    np.testing.assert_allclose(
        per_dimension[:, 0], kl_normal_full(mean[:, :1], lead @ lead.T, [0.0], np.eye(1)), rtol=1e-9, atol=1e-9
    )
    assert (per_dimension >= -1e-12).all()


def test_log_px_z_sums_over_pixels_and_log_joint_adds_the_prior():
    model, x = small_vae(2), pixels(None)
    z = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logits = torch.stack([model.decoder(part) for part in z])
    own = torch.distributions.Bernoulli(logits=logits).log_prob(torch.tensor(x).expand(3, 5, 6)).sum(-1)
    torch.testing.assert_close(model.log_px_z(x, z), own)
    torch.testing.assert_close(model.log_joint(x, z), own + Normal(0.0, 1.0).log_prob(z).sum(-1))
    torch.testing.assert_close(model.log_px_z(x, z[0]), own[0])
    torch.testing.assert_close(model.decode(z[0]), torch.sigmoid(logits[0]))


@pytest.mark.parametrize("full", [False, True])
def test_reparameterised_samples_have_the_moments_of_q(full):
    mean = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    if full:
        factor = torch.tensor([[0.5, 0.0], [0.9, 1.5]], dtype=torch.float64)
        q = MultivariateNormal(mean, scale_tril=factor.expand(1, 2, 2))
    else:
        factor = torch.diag(torch.tensor([0.5, 1.5], dtype=torch.float64))
        q = Independent(Normal(mean, factor.diagonal()[None]), 1)
    z = reparameterise(q, 200_000, 0)[:, 0].numpy()
    cov = (factor @ factor.T).numpy()
    np.testing.assert_allclose(z.mean(axis=0), mean[0], atol=5 * 1.8 / np.sqrt(200_000))
    np.testing.assert_allclose(np.cov(z.T), cov, atol=0.05)


def test_the_gradient_of_the_elbo_is_its_slope():
    """With the same draws on both sides, autograd and a central difference agree at every kind of weight."""
    model, x = small_vae(2), pixels(None)
    model.loss(x, 0).backward()
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            flat, slope = parameter.view(-1), parameter.grad.view(-1)[0].item()
            flat[0] += 1e-5
            up = model.loss(x, 0)
            flat[0] -= 2e-5
            down = model.loss(x, 0)
            flat[0] += 1e-5
        assert (up - down).item() / 2e-5 == pytest.approx(slope, rel=1e-5, abs=1e-7), name


# ------------------------------------------------------------------ beta, samples, networks


@maths
@given(st.floats(0.05, 20), st.floats(0.1, 5), st.integers(0, 1000))
def test_beta_is_a_choice_of_noise_for_a_gaussian_vae(beta, std, seed):
    """loss(s, beta) = beta loss(s sqrt(beta), 1) + D (1 - beta) log(s sqrt(2 pi)) - D beta/2 log(beta)."""
    x = pixels(Gaussian(1.0), seed=seed)
    model, other = small_vae(2, Gaussian(std), seed), small_vae(2, Gaussian(std * np.sqrt(beta)), seed)
    with torch.no_grad():
        left, right = model.loss(x, seed, beta=beta).item(), other.loss(x, seed).item()
    constant = 6 * ((1 - beta) * np.log(std * np.sqrt(2 * np.pi)) - 0.5 * beta * np.log(beta))
    assert left == pytest.approx(beta * right + constant, rel=1e-9, abs=1e-9)


def test_loss_is_minus_the_mean_elbo_and_beta_weighs_the_kl():
    model, x = small_vae(2), pixels(None)
    with torch.no_grad():
        terms = model.elbo_terms(x, 4)
        torch.testing.assert_close(model.loss(x, 4), -terms.elbo.mean())
        torch.testing.assert_close(model.loss(x, 4, beta=3), (3 * terms.kl - terms.reconstruction).mean())


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda part: type(part).__name__)
def test_samples_come_from_the_prior_and_the_likelihood(likelihood):
    model = small_vae(2, likelihood)
    with torch.no_grad():
        model.decoder[-1].bias.fill_(0.5)  # about mid-grey: a pixel that is black at every z would tell nothing
        model.decoder[-1].weight.mul_(0.1)
    x, z = model.sample(20_000, 0)
    likelihood.check(x)
    np.testing.assert_allclose(z.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=0.03)
    means, again = model.sample(20_000, 0, mean=True)
    torch.testing.assert_close(z, again, rtol=0, atol=0)
    torch.testing.assert_close(means, model.decode(z).detach())
    noise = (x - means).numpy()
    assert (abs(noise.mean(axis=0)) < 5 * noise.std(axis=0) / np.sqrt(20_000)).all()
    assert (noise.std(axis=0) > 0).all()  # a draw of x is not its mean
    if isinstance(likelihood, Gaussian):
        np.testing.assert_allclose(noise.std(axis=0), np.broadcast_to(likelihood.std.numpy(), 6), rtol=0.03)


@pytest.mark.parametrize("make", [mlp_vae, conv_vae])
def test_networks_have_their_shapes_and_seeds(make):
    model, again = make(3, seed=0), make(3, seed=0)
    x = torch.zeros(4, 784)
    assert model.q(x).batch_shape == (4,) and model.q(x).event_shape == (3,)
    assert model.decode(torch.zeros(4, 3)).shape == (4, 784)
    assert model.px_z(torch.zeros(2, 4, 3)).batch_shape == (2, 4)
    assert model.elbo(x, 0).shape == (4,) and model.elbo(x, 0).dtype == torch.float32
    torch.testing.assert_close(model.elbo(x, 0), again.elbo(x, 0), rtol=0, atol=0)


def test_discretised_vae_sees_pixels_of_order_one():
    model, x = small_vae(2, DiscretisedNormal(30.0)), pixels(DiscretisedNormal(30.0))
    torch.testing.assert_close(model.q(x).mean, model.encoder.net(torch.tensor(x) / 255)[:, :2])


# ------------------------------------------------------------------ the linear VAE: PPCA's evidence is exact


def linear_data(n=400, seed=0):
    """Variances about 9, 4, 1 and 0.25 along unit axes that are not the coordinates' (two of them small)."""
    generator = np.random.default_rng(seed)
    axes = np.linalg.qr(generator.normal(size=(6, 6)))[0]
    return generator.normal(size=(n, 6)) * [3, 2, 1, 0.5, 0.5, 0.5] @ axes + np.arange(6)


def linear_pair(covariance, rotation=None, noise=None):
    x = linear_data()
    ppca = fit_ppca(x, 3, noise=noise)
    ppca = ppca if rotation is None else ppca.rotate(rotation)
    return linear_vae(3, 6, covariance=covariance, seed=0).double().copy_(ppca), x, ppca


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_at_ppcas_optimum_the_elbo_is_the_evidence(covariance):
    """The columns of W are orthogonal there, so even a diagonal q is the posterior, and nothing is lost."""
    model, x, ppca = linear_pair(covariance)
    with torch.no_grad():
        terms = model.exact_elbo_terms(x)
        sampled = model.log_joint(x, reparameterise(model.q(x), 3, 0)) - model.q(x).log_prob(
            reparameterise(model.q(x), 3, 0)
        )
    np.testing.assert_allclose(terms.elbo, ppca.evidence(x), rtol=1e-8)
    np.testing.assert_allclose(sampled, np.broadcast_to(ppca.evidence(x), (3, 400)), rtol=1e-8)  # at every z
    np.testing.assert_allclose(model.linear_gaussian().evidence(x), ppca.evidence(x), rtol=1e-10)


def test_rotated_columns_cost_a_diagonal_q_the_known_gap():
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    diagonal, x, ppca = linear_pair("diagonal", rotation)
    full, *_ = linear_pair("full", rotation)
    precision = ppca.posterior_precision
    gap = (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1]) / 2
    assert gap > 0.1
    with torch.no_grad():
        lost = ppca.evidence(x) - diagonal.exact_elbo_terms(x).elbo.numpy()
        np.testing.assert_allclose(lost, gap, rtol=1e-7)
        np.testing.assert_allclose(full.exact_elbo_terms(x).elbo, ppca.evidence(x), rtol=1e-8)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("std", [0.7, np.linspace(0.3, 1.2, 6)])
def test_the_exact_elbo_is_ppcas_and_the_average_of_the_sampled_one(covariance, std):
    model, x = linear_vae(2, 6, std, covariance=covariance, seed=1).double(), linear_data(6)
    with torch.no_grad():
        if covariance == "full":
            model.encoder.below.copy_(torch.tensor([[0.0, 0.0], [0.7, 0.0]]))
        model.encoder.log_std.copy_(torch.tensor([-0.5, 0.2]))
        exact = model.exact_elbo_terms(x)
        draws = model.log_px_z(x, reparameterise(model.q(x), 20000, 0)).numpy()
        factor, mean = model.encoder.factor().numpy(), model.q(x).mean.numpy()
    terms = model.linear_gaussian().elbo_terms(bounds.GaussianQ(mean, factor @ factor.T), x)
    np.testing.assert_allclose(exact.reconstruction, terms.reconstruction, rtol=1e-9)
    np.testing.assert_allclose(exact.kl, terms.kl, rtol=1e-9)
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (abs(draws.mean(axis=0) - exact.reconstruction.numpy()) < 5 * error).all()


@pytest.mark.parametrize(
    "covariance, exact, within", [("diagonal", True, 0.03), ("full", True, 0.003), ("diagonal", False, 0.03)]
)
def test_training_reaches_ppcas_evidence(covariance, exact, within):
    """From random weights, with a learned noise, to `within` nats of the best evidence (the third latent is worth
    half a nat). A diagonal q has to turn its axes to the data's, which is slow."""
    x = linear_data()
    model = linear_vae(3, 6, covariance=covariance, learned=True, seed=2)
    fit(model, x, epochs=250, seed=0, batch=50, learning_rate=0.2, loss=model.exact_loss if exact else None)
    best = fit_ppca(x, 3).evidence(x).mean()
    with torch.no_grad():
        elbo = model.exact_elbo_terms(x).elbo.mean().item()
    evidence = model.linear_gaussian().evidence(x).mean()
    assert elbo <= evidence + 1e-5 and evidence <= best + 1e-5
    assert best - elbo < within


def test_directions_below_the_noise_collapse_and_the_others_cost_half_a_log_ratio():
    """At noise variance 2, of the variances (about 9, 4, 1, ...) two are above: two latents live, the third is dead."""
    x, variance = linear_data(), 2.0
    model = linear_vae(3, 6, np.sqrt(variance), seed=1)
    fit(model, x, epochs=1000, seed=0, batch=400, learning_rate=0.1, loss=model.exact_loss)
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1][:3]
    expected = np.maximum(0.5 * np.log(eigenvalues / variance), 0)
    assert (expected > 0).sum() == 2
    with torch.no_grad():
        rate = np.sort(model.exact_elbo_terms(x).kl_per_dimension.mean(0).numpy())[::-1]
        q = model.q(x)
    np.testing.assert_allclose(rate, expected, atol=0.01)
    dead = model.exact_elbo_terms(x).kl_per_dimension.mean(0).argmin()
    assert q.mean[:, dead].square().mean().sqrt() < 0.05  # over the data: no single mean is held to a tolerance
    np.testing.assert_allclose(q.stddev[:, dead], 1, atol=0.01)
    aggregate = np.cov(q.mean.numpy().T, bias=True) + np.diag(q.variance.mean(0))
    np.testing.assert_allclose(aggregate, np.eye(3), atol=0.02)


# ------------------------------------------------------------------ bad input


def test_grey_pixels_are_refused_by_a_bernoulli_vae_wherever_they_come_in():
    model, grey = small_vae(2), np.full((2, 6), 0.5)
    for use in (
        model.q,
        lambda x: model.elbo(x, 0),
        lambda x: model.loss(x, 0),
        lambda x: model.evidence(x, 0),
        lambda x: model.log_px_z(x, np.zeros((2, 2))),
    ):
        with pytest.raises(ValueError, match=r"only 0 and 1 .*binarise_fresh"):
            use(grey)


@pytest.mark.parametrize(
    "x, error, message",
    [
        (np.full((2, 6), np.nan), ValueError, "x must be finite, got 12"),
        (np.full((2, 6), np.inf), ValueError, "x must be finite"),
        (np.zeros((0, 6)), ValueError, "x must not be empty"),
        (np.zeros(6), ValueError, "x must have 2 axes"),
        (np.zeros((2, 3, 2)), ValueError, "x must have 2 axes"),
        ("pixels", TypeError, "x must be a tensor or array of real numbers"),
        (None, TypeError, "x must be a tensor or array of real numbers"),
        (np.zeros((2, 6), complex), TypeError, "x must be a tensor or array of real numbers"),
    ],
)
def test_bad_pixels_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        small_vae().elbo(x, 0)


def test_bad_arguments_are_named():
    model, x = small_vae(2), pixels(None)
    with pytest.raises(ValueError, match=r"z must have shape \(n, 2\) or \(k, n, 2\)"):
        model.decode(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="n = 5 as in x"):
        model.log_px_z(x, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="z must be finite"):
        model.log_joint(x, np.full((5, 2), np.nan))
    for generator in (None, 0.5, -1, True, np.random.default_rng(0)):
        with pytest.raises(TypeError, match=r"generator must be a torch.Generator or a seed"):
            model.elbo(x, generator)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        model.elbo(x, 0, samples=0)
    with pytest.raises(ValueError, match="samples must be at least 2"):
        model.evidence(x, 0, samples=1)
    with pytest.raises(ValueError, match="beta must be at least 0"):
        model.loss(x, 0, beta=-1)
    with pytest.raises(ValueError, match="n must be at least 1"):
        model.sample(0, 0)
    with pytest.raises(TypeError, match="likelihood must be a torch module"):
        VAE(GaussianEncoder(mlp_encoder(4, (), 6)), mlp_decoder(2, (), 6), "bernoulli", 2)
    with pytest.raises(ValueError, match="covariance must be 'diagonal' or 'full'"):
        linear_vae(2, 6, covariance="round", seed=0)
    with pytest.raises(ValueError, match="loadings of shape"):
        linear_vae(2, 6, seed=0).copy_(LinearGaussian(np.ones((5, 2)), np.zeros(5), 1.0))
    with pytest.raises(ValueError, match="one noise for all pixels"):
        linear_vae(2, 6, seed=0).copy_(LinearGaussian(np.ones((6, 2)), np.zeros(6), np.ones(6)))
    with pytest.raises(TypeError, match="model must be a LinearGaussian"):
        linear_vae(2, 6, seed=0).copy_(model)
