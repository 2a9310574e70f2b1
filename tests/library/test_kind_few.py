"""Kind "few": one point, one step, one epoch, a last batch of one, one token, one code, as many codes as points, D = 1.

Also kind "32 bit": NumPy's own integers have 32 bits in a page, and products of sizes leave them behind.
"""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from lvm_lib import (
    bounds,
    categorical,
    curve,
    densities,
    em,
    gradients,
    kmeans,
    latent_plane,
    mixture,
    ppca,
    quadrature,
    token_bounds,
    variational,
)
from lvm_lib.autoencoder import mlp_autoencoder
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Bernoulli, DiscretisedNormal, Gaussian
from lvm_lib.quantize import FSQ, VectorQuantizer, nearest, usage
from lvm_lib.single_code import SingleCodeVQVAE, single_code_vqvae
from lvm_lib.token_priors import IndependentPrior, UniformPrior, pixelcnn_prior, training_rows, transformer_prior
from lvm_lib.trainable_models import CurveModel, LinearModel
from lvm_lib.vae import conv_vae, linear_vae, mlp_vae
from lvm_lib.vqvae import conv_vqvae, transformer_vqvae


def bits(n, d, seed=0):
    return (np.random.default_rng(seed).random((n, d)) < 0.4).astype(np.float32)


# ---------------------------------------------------------------- few steps


@pytest.mark.parametrize(
    "n, batch, epochs", [(100, 128, 1), (1, 128, 1), (1, 1, 3), (100, 64, 2), (30, 10, 3), (9, 128, 9)]
)
def test_few_steps_learn_at_the_rate_that_was_asked_for(n, batch, epochs):
    """A cycle of one step would train at a ten-thousandth of the rate; the history says that there was none."""
    model = mlp_vae(2, (8,), 12, seed=0)
    before = [parameter.clone() for parameter in model.parameters()]
    history = fit(model, bits(n, 12), epochs=epochs, batch=batch, seed=0, learning_rate=3e-3)
    assert history.schedule is None
    assert all(record.learning_rate == 3e-3 for record in history.records)
    moved = max(float((now - then).detach().abs().max()) for now, then in zip(model.parameters(), before, strict=True))
    assert moved > 2e-3  # Adam's first step is the rate


def test_enough_steps_take_the_cycle_and_the_history_says_so():
    history = fit(mlp_vae(2, (8,), 12, seed=0), bits(100, 12), epochs=2, batch=10, seed=0)
    assert history.schedule == "one-cycle" and history.records[-1].learning_rate < 1e-4
    assert fit(mlp_vae(2, (8,), 12, seed=0), bits(9, 12), epochs=30, seed=0, schedule=None).schedule is None


class Seen(nn.Module):
    """Remembers the sizes of its batches."""

    def __init__(self):
        super().__init__()
        self.weight, self.sizes = nn.Parameter(torch.ones(1)), []

    def loss(self, x, generator):
        self.sizes.append(len(x))
        return (self.weight * x).pow(2).mean()


@pytest.mark.parametrize(
    "n, batch, sizes",
    [
        (9, 4, [4, 5]),
        (5, 4, [5]),
        (1, 4, [1]),
        (2, 1, [1, 1]),
        (3, 2, [3]),
        (8, 4, [4, 4]),
        (10, 4, [4, 4, 2]),
    ],
)
def test_a_lone_last_row_joins_the_batch_before_it(n, batch, sizes):
    model = Seen()
    fit(model, np.ones((n, 2)), epochs=1, batch=batch, seed=0)
    assert model.sizes == sizes


MODELS = {
    "mlp_vae": lambda: mlp_vae(1, (4,), 16, seed=0),
    "mlp_vae, one pixel": lambda: mlp_vae(1, (2,), 1, seed=0),
    "conv_vae, one patch": lambda: conv_vae(1, 2, 4, seed=0),
    "linear_vae": lambda: linear_vae(1, 16, seed=0),
    "autoencoder": lambda: mlp_autoencoder(1, (3,), 16, seed=0),
    "one code for all": lambda: single_code_vqvae(1, 2, (4,), 16, seed=0),
    "grey": lambda: mlp_vae(1, (4,), 16, DiscretisedNormal(3.0, levels=2), seed=0),
    "one token": lambda: conv_vqvae(VectorQuantizer(1, 2, seed=0), 2, 4, seed=0),
    "one token of FSQ": lambda: transformer_vqvae(FSQ([2]), 4, 1, 4, seed=0),
}


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_a_network_learns_from_one_image(name, n):
    model = MODELS[name]()
    pixels = 1 if "one pixel" in name else 16
    history = fit(model, bits(n, pixels), epochs=2, batch=2, seed=0)
    assert np.isfinite(history.loss).all()
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    assert torch.isfinite(model.loss(torch.tensor(bits(1, pixels)), torch.Generator().manual_seed(0)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: pixelcnn_prior(1, 1, seed=0),
        lambda: transformer_prior(1, 1, seed=0),
        lambda: UniformPrior(1, 1),
        lambda: IndependentPrior.counted(np.zeros((1, 1), int), 1),
    ],
)
def test_a_prior_over_one_token_of_one_code_is_certain(make):
    prior = make().eval()
    tokens = np.zeros((1, 1), int)
    np.testing.assert_allclose(prior.log_prob(tokens).detach(), [0.0], atol=1e-7)
    assert prior.sample(1, 0).tokens.tolist() == [[0]]
    assert torch.isfinite(prior.loss(*training_rows(tokens)))


def test_a_prior_trains_on_one_row():
    prior = transformer_prior(3, 2, width=8, heads=2, layers=1, seed=0)
    assert np.isfinite(fit(prior, training_rows([[2, 1]]), epochs=2, seed=0).loss).all()


# ---------------------------------------------------------------- few points, codes, dimensions


@pytest.mark.parametrize("n, k, d", [(1, 1, 1), (1, 1, 3), (4, 4, 1), (5, 5, 2), (7, 1, 1)])
def test_kmeans_of_few(n, k, d):
    x = np.random.default_rng(0).normal(size=(n, d))
    for dtype in (np.float32, np.float64):
        found = kmeans.kmeans(x.astype(dtype), k, 0, restarts=2)
        assert found.converged and found.counts.sum() == n and found.codes.dtype == np.int64
        if k == n:
            assert found.inertia < 1e-9 and sorted(found.codes) == list(range(n))
        else:
            np.testing.assert_allclose(found.centroids[0], x.mean(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n, k, d", [(2, 1, 1), (2, 2, 1), (3, 3, 2), (5, 1, 4)])
def test_em_of_few(n, k, d):
    x = np.random.default_rng(0).normal(size=(n, d))
    fit = em.fit_mixture(x, k, iterations=50)
    assert np.isfinite(fit.trace).all() and (np.diff(fit.trace) > -1e-9).all()
    if k == 1 and n > d:
        np.testing.assert_allclose(fit.model.covariances[0], np.cov(x.T, bias=True).reshape(d, d), rtol=1e-6)
    if k == n:
        assert fit.on_floor == tuple(range(k))
    b = em.fit_bernoulli_mixture(bits(n, d), k, iterations=20)
    assert np.isfinite(b.trace).all()


def test_exact_models_of_one_point_in_one_dimension():
    x = np.array([[0.7]])
    assert mixture.GaussianMixture([1.0], [[0.7]], [[[1.0]]]).posterior(x).probs.tolist() == [[1.0]]
    model = ppca.LinearGaussian([[2.0]], [0.1], 0.5)
    q = model.posterior(x)
    np.testing.assert_allclose(model.elbo(q, x), model.evidence(x))
    assert bounds.importance_bound(model, q, x, 1, 0).standard_error is None
    np.testing.assert_allclose(bounds.elbo(model, q, x, 1, 0).value, model.evidence(x))
    assert curve.QuadraticCurve(1.0, 0.0, 0.5).evidence(x).shape == (1,)
    assert len(quadrature.hermite(1)) == 1 and len(quadrature.line(0, 1, 2)) == 2
    assert densities.entropy_categorical([1.0]) == 0.0 and densities.log_categorical(0, [3.0]) == 0.0


def test_one_category_and_one_sample():
    f = lambda y: y.sum(1)  # noqa: E731  # short, and used once
    for call in (categorical.choice_score_function_gradient, categorical.straight_through_gradient):
        assert call(f, torch.zeros(1), 1, 0).tolist() == [[0.0]]
    assert categorical.gumbel_softmax(torch.zeros(1), 0.5, 1, 0).tolist() == [[1.0]]
    assert categorical.gumbel_softmax_gradient(f, torch.zeros(1), 0.5, 1, 0).tolist() == [[0.0]]
    assert gradients.score_function_gradient(lambda z: z.sum(1), [0.0], [0.0], 1, 0).mean.shape == (1, 1)


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_one_code_follows_one_row(update):
    layer = VectorQuantizer(1, 1, update=update, seed=0).train()
    found = layer(torch.tensor([[3.0]]))
    assert found.codes.tolist() == [[3.0]] and found.indices.tolist() == [0] and found.losses.codebook.item() == 0.0
    assert layer.batch_usage().perplexity == 1.0
    with pytest.raises(ValueError, match="at least 4 rows"):
        VectorQuantizer(4, 2, seed=0).train()(torch.zeros(1, 2))


# ---------------------------------------------------------------- units of networks and quantisers


@pytest.mark.parametrize("s, t", [(1e-6, 0.0), (1e-6, 1e-3), (1e3, 0.0), (1e3, 1e6), (1e6, 0.0)])
def test_a_gaussian_vae_learns_the_same_in_other_units(s, t):
    """Powers of ten of one data set are read alike: the same losses, less D log s, to the rounding of the data."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(200, 6))
    x = (x - x.mean()) / x.std()
    losses = []
    for scale, shift in ((1.0, 0.0), (s, t)):
        model = mlp_vae(2, (16,), 6, Gaussian(0.3 * scale, learned=True), seed=0).double()
        history = fit(model, scale * x + shift, epochs=8, batch=20, seed=0)
        losses.append(history.loss[-1] - 6 * math.log(scale))
        evidence = model.evidence(scale * x[:5] + shift, 0, samples=50).value + 6 * math.log(scale)
        losses.append(evidence.mean())
    np.testing.assert_allclose(losses[2:], losses[:2], rtol=1e-4, atol=1e-3)


def test_grey_levels_under_a_gaussian_are_learned():
    """Grey levels 0..255 and a std of 30 of them: as well as the same pixels in [0, 1] with 30 / 255."""
    rng = np.random.default_rng(0)
    x = np.clip(80 * rng.normal(size=(300, 1)) * rng.random(50) + 120 + 20 * rng.normal(size=(300, 50)), 0, 255).round()
    grey = fit(mlp_vae(2, (16,), 50, Gaussian(30.0), seed=0), x, epochs=20, seed=0, batch=32)
    unit = fit(mlp_vae(2, (16,), 50, Gaussian(30 / 255), seed=0), x / 255, epochs=20, seed=0, batch=32)
    assert abs(grey.loss[-1] - (unit.loss[-1] + 50 * math.log(255))) < 0.05 * grey.loss[-1]


@pytest.mark.parametrize("s, t", [(1.0, 0.0), (1e-6, 0.0), (255.0, 1e5), (1e6, 0.0)])
def test_a_linear_vae_keeps_its_two_sides_together_in_any_unit(s, t):
    rng = np.random.default_rng(0)
    x = s * (rng.normal(size=(60, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(60, 5))) + t
    model = linear_vae(2, 5, 0.3 * s, covariance="full", seed=0).double()
    fit(model, x, epochs=2, batch=20, seed=0)
    exact = model.linear_gaussian()
    closed = ppca.fit_ppca(x, 2, noise=(0.3 * s) ** 2)
    with torch.no_grad():
        np.testing.assert_allclose(model.decode(torch.ones(1, 2)), exact.decode(np.ones((1, 2))), rtol=1e-9)
        model.copy_(closed)
        np.testing.assert_allclose(model.exact_elbo_terms(x).elbo, closed.evidence(x), rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("log_std", [200.0, 60.0, 20.0, -30.0, -60.0, -120.0])
def test_a_shared_posterior_thrown_far_away_is_still_a_number(covariance, log_std, dtype):
    model = linear_vae(2, 3, 0.3, covariance=covariance, seed=0).to(dtype)
    with torch.no_grad():
        model.encoder.log_std.fill_(log_std)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    for terms in (model.elbo_terms(x, 0), model.exact_elbo_terms(x)):
        assert all(torch.isfinite(part).all() for part in (terms.reconstruction, terms.kl)) and (terms.kl > 0).all()
        model.zero_grad()
        (-terms.elbo.mean()).backward()
        slope = model.encoder.log_std.grad
        assert torch.isfinite(slope).all() and (torch.sign(slope) == math.copysign(1, log_std)).all()  # it leads back


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("log_std", [200.0, 60.0, 20.0, -30.0, -60.0, -120.0])
def test_a_posterior_thrown_far_away_is_still_a_number(dtype, log_std):
    model = mlp_vae(2, (4,), 3, Gaussian(0.01), seed=0).to(dtype)
    with torch.no_grad():
        model.encoder.net[-1].bias[2:] = log_std
    terms = model.elbo_terms(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), 0)
    assert (
        all(torch.isfinite(part).all() for part in (terms.reconstruction, terms.kl, terms.elbo))
        and (terms.kl > 0).all()
    )
    (-terms.elbo.mean()).backward()
    slope = model.encoder.net[-1].bias.grad[2:]
    assert torch.isfinite(slope).all() and (torch.sign(slope) == math.copysign(1, log_std)).all()  # it leads back


def test_a_loss_that_runs_away_stops_with_advice():
    class Away(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.calls = nn.Parameter(torch.ones(1)), 0

        def loss(self, x, generator):
            self.calls += 1
            return self.weight.sum() * 0 + 10.0**self.calls

    with pytest.raises(FloatingPointError, match=r"from 10 at the start.*learning_rate below.*data of order one"):
        fit(Away(), np.ones((20, 1)), epochs=10, batch=10, seed=0)


@pytest.mark.parametrize("s, t", [(1e-6, 0.0), (1.0, 1e3), (1e6, -1e9), (255.0, 0.0)])
def test_a_quantiser_finds_the_same_codes_in_other_units(s, t):
    rng = np.random.default_rng(0)
    z, codes = rng.normal(size=(400, 4)), rng.normal(size=(9, 4))
    exact = ((z[:, None] - codes) ** 2).sum(-1)
    plain = torch.tensor(exact.argmin(1))
    sure = torch.tensor(np.sort(exact)[:, 1] - exact.min(1) > 0.02)  # float32 holds x to 1e-4 at t = 1e3 s
    moved, places = (torch.tensor(s * part + t, dtype=torch.float32) for part in (z, codes))
    assert torch.equal(nearest(moved, places)[sure], plain[sure]) and sure.sum() > 380
    layer, other = (VectorQuantizer(9, 4, decay=0.5, revive=0.1, seed=0).double().train() for _ in range(2))
    for rows in np.split(z, 4):
        a, b = layer(torch.tensor(rows)), other(torch.tensor(s * rows + t))
        assert torch.equal(a.indices, b.indices)
    np.testing.assert_allclose((other.codebook.numpy() - t) / s, layer.codebook.numpy(), atol=1e-6)
    np.testing.assert_allclose(float(b.losses.commitment) / s**2, float(a.losses.commitment), rtol=1e-6)


# ---------------------------------------------------------------- 32 bit, and products of sizes


@pytest.fixture
def thirty_two(monkeypatch):
    """NumPy as it is in a page: its own integers have 32 bits, and what asks for them takes no others."""
    bincount, argmin = np.bincount, np.argmin

    def strict_bincount(x, *args, **options):
        if np.asarray(x).dtype != np.int32:
            raise TypeError(f"Cannot cast array data from {np.asarray(x).dtype} to dtype('int32') according to 'safe'")
        return bincount(x, *args, **options)

    def strict_argmin(a, axis=None, out=None, **options):
        if out is None:
            return argmin(a, axis=axis, **options)
        if out.dtype != np.int32:
            raise TypeError("output array has the wrong type")
        out[...] = argmin(a, axis=axis, **options)
        return out

    monkeypatch.setattr(np, "intp", np.int32)
    monkeypatch.setattr(np, "bincount", strict_bincount)
    monkeypatch.setattr(np, "argmin", strict_argmin)


def test_the_discrete_half_runs_where_numpy_has_32_bits(thirty_two):
    x = np.random.default_rng(0).normal(size=(60, 2))
    found = kmeans.kmeans(x, 3, 0)
    assert found.counts.sum() == 60 and found.codes.dtype == np.int64
    assert kmeans.lloyd(x, x[:3], empty="keep").converged
    assert kmeans.assign(x, x[:3]).codes.dtype == np.int64
    kmeans.update(x, found.codes, found.centroids)
    kmeans.lloyd_step(x.astype(np.float32), x[:4].astype(np.float32))
    assert np.isfinite(em.fit_mixture(x, 2, iterations=5).trace).all()
    densities.log_categorical([0, 1], [[0.1, 0.2], [0.3, 0.4]])
    assert VectorQuantizer(3, 2, seed=0).train()(torch.tensor(x)).indices.dtype == torch.int64


@pytest.mark.parametrize("levels", [[5, 5, 5], [1000] * 6, [2] * 62, [8, 7, 6, 5], [2**24, 2**24]])
def test_indices_of_a_grid_are_exact_however_large_it_is(levels):
    layer = FSQ(levels).double()
    assert layer.size == math.prod(levels)
    last = torch.tensor([0, layer.size - 1, layer.size // 3])
    expected = [[index // math.prod(levels[:i]) % level for i, level in enumerate(levels)] for index in last.tolist()]
    codes = layer.decode(last)
    np.testing.assert_allclose((codes + 1) / 2 * (torch.tensor(levels) - 1), expected, rtol=1e-12)
    back = layer(torch.atanh(codes.clamp(-1 + 1e-15, 1 - 1e-15)))
    assert back.indices.tolist() == last.tolist()


@pytest.mark.parametrize(
    "levels, words", [([2] * 63, "product below 2"), ([10] * 19, "product below 2"), ([2**25], "2.24 each")]
)
def test_a_grid_beyond_int64_is_refused_by_name(levels, words):
    with pytest.raises(ValueError, match=f"levels must .*{words}"):
        FSQ(levels)


def test_a_count_of_every_code_has_a_limit_that_is_told():
    with pytest.raises(ValueError, match="size must be at most"):
        usage([0, 1], 2**40)


@pytest.mark.parametrize("levels", [[1000] * 6, [2] * 62, [8] * 6])
def test_a_uniform_prior_over_a_grid_of_any_size_costs_its_logarithm(levels):
    layer = FSQ(levels)
    prior, tokens = UniformPrior(layer.size, 4), [[1, 2, 3, layer.size - 1]]
    np.testing.assert_allclose(prior.log_prob(tokens), -4 * math.log(layer.size), rtol=1e-14)
    model = conv_vqvae(layer, 4, 8, seed=0).eval()
    terms = model.elbo_terms(torch.zeros(1, 64), prior)
    np.testing.assert_allclose(terms.kl, 4 * math.log(layer.size), rtol=1e-6)
    for wrong in ([[1, 2, 3]], [[1, 2, 3, layer.size - 1 + 1]] if layer.size < 2**60 else [[-1, 0, 0, 0]]):
        with pytest.raises(ValueError, match="tokens must"):
            prior.log_prob(wrong)
    with pytest.raises(ValueError, match="temperature must"):
        prior.log_prob(tokens, temperature=0.0)
    with pytest.raises(ValueError, match="label must be None"):
        prior.log_prob(tokens, 0)


@pytest.mark.parametrize("codes, places, classes", [(1, 1, 0), (7, 3, 0), (7, 3, 4), (512, 49, 0)])
def test_a_uniform_priors_short_way_is_the_long_one(codes, places, classes):
    prior, tokens = UniformPrior(codes, places, classes), np.arange(2 * places).reshape(2, -1) % codes
    table = prior.conditionals(tokens, 0 if classes else None, temperature=0.7)
    long = table.gather(2, torch.tensor(tokens)[:, :, None]).sum((1, 2))
    for label in (None, 0, [0, 1]) if classes else (None,):
        np.testing.assert_allclose(prior.log_prob(tokens, label, temperature=0.7), long, rtol=1e-14, atol=1e-14)


def test_tables_of_every_code_have_a_limit_that_is_told():
    huge = FSQ([1000] * 6)
    tokens, picture = np.array([[1, 2, 3, 10**17]]), torch.zeros(1, 64)
    with pytest.raises(ValueError, match=r"codes must be at most 67108864 for a table of 4 rows"):
        IndependentPrior.counted(tokens, huge.size)
    with pytest.raises(ValueError, match=r"codes must be at most 67108864 for a table of 4 rows"):
        UniformPrior(huge.size, 4).conditionals(tokens)
    with pytest.raises(ValueError, match=r"model must have few enough codes"):
        token_bounds.spread_log_q(conv_vqvae(huge, 4, 8, seed=0), picture, 1.0)
    with pytest.raises(ValueError, match=r"quantiser must have at most 2\^24 codes"):
        SingleCodeVQVAE(nn.Linear(64, 6), huge, nn.Linear(6, 64), Bernoulli()).evidence(picture)


def test_a_spread_q_over_one_code_wastes_nothing():
    model = conv_vqvae(VectorQuantizer(1, 2, seed=0, start="random"), 4, 4, seed=0).double().eval()
    x, prior = torch.zeros(1, 16), UniformPrior(1, 1)
    bound = token_bounds.spread_bound(model, prior, x, 0, temperature=1.0, samples=2)
    exact = model.elbo_terms(x, prior).elbo
    np.testing.assert_allclose(bound.value, exact)
    np.testing.assert_allclose(bound.elbo, exact)
    np.testing.assert_allclose(bound.effective_size, [2.0])


@pytest.mark.parametrize("n", [1, 2])
def test_a_plane_of_three_lines_and_pictures_of_one_pixel(n):
    decoder, x = nn.Linear(2, 1).double(), torch.ones(n, 1)
    rho = mixture.GaussianMixture.spherical([1.0], [[0.0, 0.0]], 1.0)
    found = latent_plane.evidence(decoder, x, {"rho": rho}, low=-1, high=1, side=3)["rho"]
    for side, value in ((3, found.value), (2, found.halved)):
        grid = quadrature.plane(-1, 1, side)
        log_px = latent_plane.log_px_at(decoder, grid.points, x).numpy()
        expected = [quadrature.log_integral(row + rho.evidence(grid.points), grid) for row in log_px]
        np.testing.assert_allclose(value, expected)
    gaps = latent_plane.gaps(mlp_vae(2, (2,), 1, seed=0), x[:1])
    assert -1e-6 < gaps.approximation < 0.01 and gaps.amortisation > -1e-9


def test_a_large_seed_is_a_seed():
    layer = VectorQuantizer(2, 1, seed=2**62).train()
    assert layer(torch.tensor([[0.0], [1.0]])).indices.shape == (2,)


def test_tokens_of_a_half_precision_model_keep_their_digits():
    prior = transformer_prior(301, 2, width=8, heads=2, layers=1, seed=0).bfloat16()
    assert np.isfinite(fit(prior, training_rows([[257, 300]]), epochs=1, seed=0).loss).all()
    likelihood = Bernoulli()
    assert likelihood(torch.zeros(1, 2, dtype=torch.bfloat16)).log_prob(torch.ones(1, 2)).dtype == torch.float32


# ---------------------------------------------------------------- four ways to fit one model, in other units


@cache
def hill(way, kind, s):
    """The evidence and the objective along a climb on data times s, each plus what the unit took off it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 1)) @ [[1.0, -0.6, 0.3]] + 0.2 * rng.normal(size=(60, 3))
    if kind == "linear":
        model = LinearModel(s * np.array([[0.5], [0.1], [0.2]]), np.zeros(3), 0.5 * s)
    else:
        model = CurveModel(s * np.random.default_rng(1).normal(size=(5, 3)), 0.5 * s, grid=101)
    found = variational.climb(way, model, s * x, s * x[:20], passes=4, batch=20, seed=0)
    return np.array([found.column(name) + 3 * math.log(s) for name in ("evidence", "objective_test")])


@pytest.mark.parametrize("s", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("kind", ["linear", "curve"])
@pytest.mark.parametrize("way", variational.WAYS)
def test_each_way_climbs_the_same_hill_in_other_units(way, kind, s):
    assert np.isfinite(hill(way, kind, s)).all()
    np.testing.assert_allclose(hill(way, kind, s), hill(way, kind, 1.0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("s", [1e-6, 1.0, 1e6])
def test_a_noise_floor_of_an_em_way_is_a_share_of_the_data(s):
    line = np.random.default_rng(0).normal(size=(40, 1))
    x = s * line @ np.ones((1, 3))  # no noise at all
    model = LinearModel(s * np.full((3, 1), line.std()), np.full(3, x.mean()), 0.5 * s)
    for _ in range(40):
        model.em_step(x)
    assert 0.5e-9 < math.exp(2 * float(model.log_std.detach())) / x.var() < 2e-9


@pytest.mark.parametrize("way", variational.WAYS)
def test_a_way_of_one_step_and_one_point_is_walked(way):
    model = LinearModel([[0.5], [0.1]], [0.0, 0.0], 0.5)
    found = variational.climb(
        way, model, [[1.0, 2.0]] if way != "em" else [[1.0, 2.0], [0.0, 1.0]], [[0.5, 0.5]], passes=1
    )
    assert np.isfinite(found.column("evidence")).all()
    if way != "em":
        assert float((found.model.log_std - model.log_std).abs().detach()) == pytest.approx(
            1e-2, rel=1e-3
        )  # Adam's step
