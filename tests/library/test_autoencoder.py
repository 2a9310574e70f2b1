"""The autoencoder and its networks: shapes, the squared error, seeds, and what it shares with a VAE."""

import numpy as np
import pytest
import torch

from lvm_lib.autoencoder import (
    AE,
    conv_autoencoder,
    conv_decoder,
    conv_encoder,
    mlp,
    mlp_autoencoder,
    mlp_decoder,
    mlp_encoder,
    seeded,
)
from lvm_lib.data import load, unit
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Gaussian
from lvm_lib.vae import VAE, GaussianEncoder


def images(n=6, pixels=784, seed=0):
    return torch.rand(n, pixels, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("make", [mlp_autoencoder, conv_autoencoder])
@pytest.mark.parametrize("latents", [1, 2, 16])
def test_codes_and_reconstructions_have_their_shapes(make, latents):
    model = make(latents, seed=0)
    assert model.encode(images()).shape == (6, latents)
    assert model(images()).shape == (6, 784)


@pytest.mark.parametrize("make", [mlp_autoencoder, conv_autoencoder])
def test_every_image_has_a_code_of_its_own(make):
    """No layer mixes the images of a batch: the code of one is the same in any company."""
    model, x = make(2, seed=0).double(), images().double()
    torch.testing.assert_close(model.encode(x)[2:3], model.encode(x[2:3]), rtol=1e-12, atol=1e-12)


def test_the_loss_is_summed_over_pixels_and_averaged_over_images():
    model, x = mlp_autoencoder(2, seed=1).double(), images().double()
    reconstruction = model(x).detach().numpy()
    by_hand = ((x.numpy() - reconstruction) ** 2).sum() / len(x)
    assert model.loss(x).item() == pytest.approx(by_hand, rel=1e-12)
    np.testing.assert_allclose(model.squared_error(x).detach().mean(), by_hand, rtol=1e-12)


def test_a_squashed_reconstruction_is_the_sigmoid_of_the_output():
    model = mlp_autoencoder(2, squash=True, seed=1).double()
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        logits, pixels = model.decoder(z), model.decode(z)
        plain = AE(model.encoder, model.decoder, squash=False).decode(z)
    np.testing.assert_allclose(pixels, 1 / (1 + np.exp(-logits.numpy())), rtol=1e-12)
    np.testing.assert_array_equal(plain, logits)


def test_a_gaussian_vae_without_beta_and_without_spread_has_this_loss():
    """Statement 14: at beta = 0 and encoder std to 0, loss = |x - g(f(x))|^2 / (2 s^2) + D log(s sqrt(2 pi)).

    What beta = 0 leaves out is the rate of so exact a code: -log std of every latent, without end as std falls.
    """
    std, latents, x = 0.3, 2, images(pixels=20).double()
    with seeded(3):
        encoder, decoder = mlp_encoder(2 * latents, (8,), 20).double(), mlp_decoder(latents, (8,), 20).double()
    with torch.no_grad():
        encoder[-1].weight[latents:] = 0
        encoder[-1].bias[latents:] = -30  # exp(-30): beside a mean of any size, nothing
    vae = VAE(GaussianEncoder(encoder), decoder, Gaussian(std), latents)
    with torch.no_grad():
        mean = encoder(x)[:, :latents]
        squared = ((x - decoder(mean)) ** 2).sum(-1).mean()
        reconstruction = vae.log_px_z(x, mean).mean()
    expected = squared.item() / (2 * std**2) + 20 * np.log(std * np.sqrt(2 * np.pi))
    assert -reconstruction.item() == pytest.approx(expected, rel=1e-10)
    with torch.no_grad():
        assert vae.loss(x, 0, beta=0.0).item() == pytest.approx(expected, rel=1e-10)
        rate = vae.elbo_terms(x, 0).kl
    torch.testing.assert_close(rate, latents * (30 - 0.5) + 0.5 * mean.square().sum(-1))


def test_equal_seeds_give_equal_weights_and_leave_torch_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = mlp_autoencoder(2, seed=7), mlp_autoencoder(2, seed=7), mlp_autoencoder(2, seed=8)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    same = [torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(first.encoder[0].weight, other.encoder[0].weight)


def test_a_linear_autoencoder_learns_the_principal_plane():
    """Without hidden layers the best reconstruction is PCA's (Bourlard and Kamp 1988): the same squared error."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(500, 2)) @ generator.normal(size=(2, 6)) + 0.1 * generator.normal(size=(500, 6))
    model = mlp_autoencoder(2, hidden=(), pixels=6, squash=False, seed=0).double()
    fit(model, x, epochs=150, seed=0, learning_rate=0.1)
    centred = x - x.mean(axis=0)
    best = (np.linalg.svd(centred, compute_uv=False)[2:] ** 2).sum() / len(x)
    with torch.no_grad():
        reached = model.loss(x).item()
    assert best <= reached < 1.01 * best


@pytest.mark.parametrize("make", [mlp_autoencoder, conv_autoencoder])
@pytest.mark.slow
def test_training_lowers_the_error_on_images(make):
    x = unit(load("digits").train[:1500]).reshape(1500, 784)
    model = make(2, seed=0)
    with torch.no_grad():
        spread = torch.tensor(x).var(dim=0, correction=0).sum().item()  # the error of answering with the mean image
    fit(model, x, epochs=5, seed=0, batch=50)
    with torch.no_grad():
        assert model.loss(x).item() < 0.95 * spread


@pytest.mark.parametrize(
    "bad, message",
    [
        (np.zeros((3, 5)), None),
        (np.zeros((0, 784)), "empty"),
        (np.full((2, 784), np.nan), "finite"),
        (np.zeros((2, 28, 28)), "2 axes"),
    ],
)
def test_bad_pixels_are_refused(bad, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        mlp_autoencoder(2, seed=0).encode(bad)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="x must be a tensor or array of real numbers"):
        mlp_autoencoder(2, seed=0).encode("pixels")
    with pytest.raises(TypeError, match="encoder must be a torch module"):
        AE(len, mlp((2, 3)))
    with pytest.raises(ValueError, match="sizes must name at least"):
        mlp((3,))
    with pytest.raises(ValueError, match="sizes must be at least 1"):
        mlp((3, 0))
    with pytest.raises(ValueError, match="side must be a multiple of 4"):
        conv_encoder(2, side=30)
    with pytest.raises(TypeError, match="latents must be an integer"):
        conv_decoder(2.0)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        mlp_autoencoder(2, seed=-1)
