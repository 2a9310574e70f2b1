"""Integrals over a plane of codes: the same as by other routes, whatever the blocks; and gaps that add up."""

import numpy as np
import pytest
import torch

from lvm_lib import latent_plane, quadrature
from lvm_lib.autoencoder import mlp_decoder
from lvm_lib.likelihoods import Gaussian
from lvm_lib.mixture import GaussianMixture
from lvm_lib.vae import mlp_vae

UNIT = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
TWO = GaussianMixture(np.array([0.3, 0.7]), np.array([[1.0, -1.0], [-0.5, 0.8]]), 0.4 * np.eye(2)[None].repeat(2, 0))
X = torch.tensor([[0, 1, 1, 0, 1.0], [1, 0, 0, 1, 1], [1, 1, 1, 1, 0]], dtype=torch.float64)


@pytest.fixture
def vae():
    model = mlp_vae(2, (6,), 5, seed=3).double()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter *= 4  # posteriors with a shape
    return model


def test_log_px_at_is_the_models_own(vae):
    z = torch.tensor([[0.3, -1.0], [2.0, 0.1]], dtype=torch.float64)
    found = latent_plane.log_px_at(vae.decoder, z, X)
    assert found.shape == (3, 2)
    for m in range(2):
        assert torch.allclose(found[:, m], vae.log_px_z(X, z[m].expand(3, 2)), atol=1e-12)


def test_evidence_is_that_of_the_whole_grid_at_once_for_every_density(vae, monkeypatch):
    rhos = {"unit": UNIT, "two": TWO}
    found = latent_plane.evidence(vae.decoder, X, rhos, low=-8.0, high=8.0, side=201)
    for name, rho in rhos.items():

        def joint(z, rho=rho):
            return latent_plane.log_px_at(vae.decoder, z, X).numpy() + rho.evidence(z)

        by_side = {}
        for side in (101, 201, 401):
            grid = quadrature.plane(-8.0, 8.0, side)
            by_side[side] = quadrature.log_integral(joint(grid.points), grid)
        assert np.abs(found[name].value - by_side[201]).max() < 1e-10
        assert np.abs(found[name].halved - by_side[101]).max() < 1e-10
        assert np.abs(found[name].value - by_side[401]).max() < 1e-3
    monkeypatch.setattr(latent_plane, "BLOCK", 777)
    again = latent_plane.evidence(vae.decoder, X, rhos, low=-8.0, high=8.0, side=201)
    assert np.abs(again["two"].value - found["two"].value).max() < 1e-10


def test_the_gaps_add_up_and_none_is_negative(vae):
    exact = latent_plane.evidence(vae.decoder, X, {"unit": UNIT}, low=-8.0, high=8.0, side=401)["unit"].value
    for n in range(3):
        gap = latent_plane.gaps(vae, X[n : n + 1])
        assert gap.evidence == pytest.approx(exact[n], abs=0.02)  # wide, with kinks: its grid is coarse
        assert gap.approximation >= 0 and gap.amortisation >= 0
        assert gap.approximation + gap.amortisation == pytest.approx(gap.evidence - gap.amortised.elbo, abs=1e-12)
        assert gap.best.elbo <= gap.turned <= gap.evidence
        sampled = vae.elbo(X[n : n + 1], 0, samples=20_000).item()
        assert gap.amortised.elbo == pytest.approx(sampled, abs=0.05)


def test_what_is_no_such_vae_or_image_is_named(vae):
    with pytest.raises(TypeError, match="vae must be"):
        latent_plane.gaps(mlp_vae(2, (4,), 5, likelihood=Gaussian(0.5), seed=0), X[:1])
    with pytest.raises(TypeError, match="vae must be"):
        latent_plane.gaps(mlp_vae(3, (4,), 5, seed=0), X[:1])
    with pytest.raises(ValueError, match="x must hold one image"):
        latent_plane.gaps(vae, X)
    with pytest.raises(ValueError, match="side must be odd"):
        latent_plane.evidence(mlp_decoder(2, (4,), 5).double(), X, {"unit": UNIT}, low=-5.0, high=5.0, side=10)
