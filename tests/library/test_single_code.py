"""The VQ-VAE with one code: K images, a mixture's evidence, training, errors."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lvm_lib import kmeans
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Gaussian
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.single_code import SingleCodeVQVAE, single_code_vqvae


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(m, 0.3, (100, 6)) for m in (-2.0, 0.0, 2.0)])


def small(**options):
    return single_code_vqvae(5, 3, (16,), 6, Gaussian(math.sqrt(0.5)), seed=0, **options)


def test_bound_and_evidence_are_those_of_a_mixture_of_its_images(x):
    model = small(start="random").double().eval()
    log_prior = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25]).double().log()
    with torch.no_grad():
        table = -((torch.tensor(x)[:, None] - model.images()) ** 2).sum(-1) - 3 * math.log(math.pi)
        codes = model.encode(x)
        for prior, given in ((torch.full((5,), -math.log(5)).double(), None), (log_prior, log_prior)):
            joint = table + prior
            assert torch.allclose(model.evidence(x, given), joint.logsumexp(1))
            assert torch.allclose(model.elbo(x, given), joint[torch.arange(300), codes])
            assert (model.elbo(x, given) <= model.evidence(x, given)).all()


def test_identity_nets_are_k_means(x):
    start = x[::60]
    quantiser = VectorQuantizer(5, 6, seed=0, decay=0, smoothing=0, revive=0).double().set_(start).train()
    model = SingleCodeVQVAE(nn.Identity(), quantiser, nn.Identity(), Gaussian(1.0).double())
    for _ in range(5):
        model.quantiser(torch.tensor(x))
        start = kmeans.lloyd_step(x, start)
    assert np.abs(model.quantiser.decode(torch.arange(5)).numpy() - start).max() < 1e-12


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_training_lowers_the_error_but_not_below_k_means(x, update):
    model = small(update=update, decay=0.9)

    def error():
        with torch.no_grad():
            drawn = model.images()[model.eval().encode(x)].numpy()
        return ((x - drawn) ** 2).sum()

    model.quantiser.start_from(model.encoder(torch.tensor(x, dtype=torch.float32)))
    before = error()
    fit(model, x, epochs=15, seed=0, batch=50)
    assert kmeans.kmeans(x, 5, 0, restarts=30).inertia * (1 - 1e-5) <= error() < 0.9 * before


def test_bad_input_is_named(x):
    with pytest.raises(TypeError, match="encoder must be a torch module"):
        SingleCodeVQVAE(None, nn.Identity(), nn.Identity(), Gaussian(1.0))
    with pytest.raises(ValueError, match="log_prior must be 5"):
        small(start="random").eval().evidence(x, [0.0, 0.0])
    with pytest.raises(ValueError, match="x must hold only 0 and 1"):
        single_code_vqvae(5, 3, (16,), 6, seed=0).loss(x)
