"""The VQ-VAE: shapes, its bound against enumeration, a convolutional decoder is local, what each loss term trains."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from lvm_lib import data
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Bernoulli, DiscretisedNormal, Gaussian
from lvm_lib.quantize import FSQ, VectorQuantizer, usage
from lvm_lib.token_priors import IndependentPrior, UniformPrior
from lvm_lib.vqvae import (
    VQVAE,
    ConvDecoder,
    ConvEncoder,
    TransformerDecoder,
    conv_vqvae,
    parameters,
    transformer_vqvae,
)

MAKERS = [conv_vqvae, transformer_vqvae]


def binary(n=5, pixels=784, seed=0):
    return torch.tensor(np.random.default_rng(seed).integers(0, 2, (n, pixels)), dtype=torch.float32)


def small(make=conv_vqvae, codes=8, side=28, seed=0, likelihood=None, **sizes):
    sizes = sizes or ({"channels": 8} if make is conv_vqvae else {"width": 16, "layers": 1})
    model = make(VectorQuantizer(codes, 4, seed=seed), side=side, likelihood=likelihood, seed=seed, **sizes)
    return model.double().eval()


# ------------------------------------------------------------------ shapes, seeds


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("side", [8, 28])
def test_an_image_becomes_a_grid_of_tokens_and_back(make, side):
    model, x = small(make, side=side), binary(pixels=side**2)
    tokens = model.tokens(x)
    assert tokens.shape == (5, (side // 4) ** 2) and tokens.dtype == torch.int64
    assert tokens.min() >= 0 and tokens.max() < 8
    mean = model.decode(tokens)
    assert mean.shape == (5, side**2) and mean.min() > 0 and mean.max() < 1
    torch.testing.assert_close(model(x), mean)


@pytest.mark.parametrize("make", MAKERS)
def test_every_token_is_the_nearest_code(make):
    model, x = small(make), binary()
    with torch.no_grad():
        vectors = model.encoder(x.double())
    codes = model.quantiser.decode(torch.arange(8))
    nearest = ((vectors[:, :, None] - codes) ** 2).sum(-1).argmin(-1)
    np.testing.assert_array_equal(model.tokens(x), nearest)


@pytest.mark.parametrize("make", MAKERS)
def test_equal_seeds_equal_weights(make):
    one, two, other = (small(make, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_the_default_nets_have_equally_many_weights():
    conv, transformer = (parameters(make(VectorQuantizer(128, 16, seed=0), seed=0)) for make in MAKERS)
    assert abs(conv / transformer - 1) < 0.03


@pytest.mark.parametrize("make", MAKERS)
def test_every_image_has_tokens_of_its_own(make):
    """No layer mixes the images of a batch."""
    model, x = small(make), binary()
    np.testing.assert_array_equal(model.tokens(x)[2:3], model.tokens(x[2:3]))


def test_tokens_do_not_move_the_codebook():
    """Also in training mode, where a forward pass of the quantiser would."""
    model = small().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.tokens(binary())
    assert model.quantiser.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


# ------------------------------------------------------------------ the bound


@pytest.mark.parametrize(
    "likelihood", [Bernoulli(), Gaussian(0.5), DiscretisedNormal(40.0)], ids=lambda part: type(part).__name__
)
def test_the_bound_is_the_evidence_less_what_the_posterior_leaves(likelihood):
    model = small(codes=3, side=8, likelihood=likelihood)
    x = binary(4, 64).double() * (1 if isinstance(likelihood, Bernoulli) else 200)
    grids = torch.tensor(list(itertools.product(range(3), repeat=4)))
    prior = IndependentPrior(np.random.default_rng(0).dirichlet(np.ones(3) * 3, 4))
    with torch.no_grad():
        log_joint = torch.stack(
            [model.log_px_z(x, grid.expand(4, -1)) + prior.log_prob(grid[None]) for grid in grids]
        ).numpy()
        terms = model.elbo_terms(x, prior)
    at = (model.tokens(x) @ torch.tensor([27, 9, 3, 1])).numpy()
    evidence = special.logsumexp(log_joint, axis=0)
    share = np.exp(log_joint[at, np.arange(4)] - evidence)
    np.testing.assert_allclose(terms.elbo, evidence + np.log(share), rtol=1e-10)
    assert (terms.elbo.numpy() <= evidence + 1e-12).all()


def test_the_distortion_is_a_sum_over_pixels_in_nats():
    model, x = small(), binary().double()
    tokens = model.tokens(x)
    by_hand = stats.bernoulli(model.decode(tokens).detach().numpy()).logpmf(x.numpy()).sum(1)
    np.testing.assert_allclose(model.log_px_z(x, tokens).detach(), by_hand, rtol=1e-10)
    terms = model.elbo_terms(x, UniformPrior(8, 49))
    np.testing.assert_allclose(terms.elbo, by_hand - 49 * math.log(8), rtol=1e-10)


# ------------------------------------------------------------------ locality


@pytest.mark.parametrize("token", [0, 6, 24, 30, 48])
def test_an_edit_changes_pixels_inside_its_field_only(token):
    """Exactly: outside not even the last bit of a pixel moves."""
    model = small(codes=16)
    generator = torch.Generator().manual_seed(token)
    tokens = torch.randint(16, (20, 49), generator=generator)
    edited = tokens.clone()
    edited[:, token] = (edited[:, token] + 1 + torch.randint(15, (20,), generator=generator)) % 16
    with torch.no_grad():
        moved = (model.decode(tokens) != model.decode(edited)).any(0).reshape(28, 28).numpy()
    field = model.decoder.field(token)
    assert not moved[~field].any()
    assert moved[field].mean() > 0.95  # and the field is no larger than it need be


def test_the_field_is_smaller_than_the_image_and_is_cut_at_its_edge():
    decoder = ConvDecoder(4)
    assert decoder.reach == 2
    assert decoder.field(24).sum() == 20 * 20 and decoder.field(0).sum() == 12 * 12
    with pytest.raises(ValueError, match=r"token must lie in 0 ... 48"):
        decoder.field(49)


def test_a_transformers_edit_is_not_local():
    model = small(transformer_vqvae, codes=16)
    tokens = torch.zeros(1, 49, dtype=torch.long)
    edited = tokens.clone()
    edited[0, 0] = 5
    with torch.no_grad():
        moved = (model.decode(tokens) != model.decode(edited)).double().mean()
    assert moved > 0.99


# ------------------------------------------------------------------ training


def test_encoder_gradient_passes_the_quantiser_unchanged():
    """Straight-through: d distortion / d encoder output equals d distortion / d codes."""
    model, x = small(), binary().double()
    with torch.no_grad():
        vectors = model.encoder(x)
        codes = model.quantiser.decode(model.tokens(x))
    vectors, codes = vectors.requires_grad_(), codes.requires_grad_()
    through = -model.likelihood(model.decoder(model.quantiser(vectors).codes)).log_prob(x).sum()
    direct = -model.likelihood(model.decoder(codes)).log_prob(x).sum()
    torch.testing.assert_close(torch.autograd.grad(through, vectors), torch.autograd.grad(direct, codes))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("quantiser", [lambda: VectorQuantizer(32, 4, decay=0.9, seed=0), lambda: FSQ([4, 4, 2])])
def test_training_lowers_the_distortion_on_digits(make, quantiser):
    images = data.load("digits")
    train = data.unit(data.flat(images.train[:1500]))
    test = torch.tensor(data.binarised("digits").reshape(-1, 784)[:300].astype(np.float32))
    sizes = {"channels": 16} if make is conv_vqvae else {"width": 24, "layers": 1}
    model = make(quantiser(), seed=0, **sizes)
    fit(model, train, epochs=4, seed=0, binarise_fresh=True, batch=64, learning_rate=5e-3)
    with torch.no_grad():
        tokens = model.tokens(test)
        distortion = -model.log_px_z(test, tokens).mean()
    assert distortion < 190  # the best independent pixels cost 206
    assert usage(tokens, 32).used > 20


# ------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m: m.tokens(binary() * 0.5), ValueError, "only 0 and 1"),
        (lambda m: m.tokens(binary()[0]), ValueError, "x must have 2 axes"),
        (lambda m: m.decode(torch.full((1, 49), 8)), ValueError, "tokens must lie in 0 ... 7"),
        (lambda m: m.decode(torch.zeros(1, 49)), TypeError, "tokens must hold integers"),
        (lambda m: m.log_px_z(binary(), torch.zeros(4, 49, dtype=int)), ValueError, "n = 5 rows"),
        (lambda m: VQVAE("net", m.quantiser, m.decoder, m.likelihood), TypeError, "encoder must be a torch module"),
        (lambda m: VQVAE(m.encoder, m.quantiser, m.decoder, m.likelihood, commitment=-1), ValueError, "commitment"),
        (lambda m: ConvEncoder(4, side=30), ValueError, "multiple of 4"),
        (lambda m: TransformerDecoder(4, width=30), ValueError, "width must be a multiple"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(small())
