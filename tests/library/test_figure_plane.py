"""The latent plane from the Python side.

Its numbers against the library's own VAE, read-back, errors, the shipped nets.
"""

import json

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from lvm_lib import data
from lvm_lib.autoencoder import AE, mlp_autoencoder
from lvm_lib.figures import LatentPlaneFigure
from lvm_lib.figures.one_plane import REACH
from lvm_lib.likelihoods import Gaussian
from lvm_lib.shipped import NETS, VAES, shipped_vae
from lvm_lib.vae import mlp_vae
from tools.budgets import budget


@pytest.fixture(scope="module")
def vae():
    return shipped_vae()


@pytest.fixture(scope="module")
def pair(vae):
    """The shipped VAE with an autoencoder that nobody trained, in float16: near the models themselves."""
    return LatentPlaneFigure(vae, mlp_autoencoder(2, (16, 8), seed=1, squash=True), precision="float16")


def image(i):
    return data.binarised("digits")[i]


def test_its_numbers_are_those_of_the_vae(vae, pair):
    """Against the unrounded model: the closed KL, the reconstruction by many samples, the decoded mean."""
    for i in (0, 3, 8):
        pair.drawing, x = image(i), torch.tensor(data.flat(image(i)[None]), dtype=torch.float32)
        with torch.no_grad():
            terms, q = vae.elbo_terms(x, 0, samples=4000), vae.q(x)
            decoded = vae.decode(torch.tensor(pair.z[None], dtype=torch.float32))[0].numpy()
        n = pair.numbers()
        assert n["kl"] == pytest.approx(float(terms.kl[0]), abs=0.02)
        assert n["elbo"] == pytest.approx(float(terms.elbo[0]), abs=0.5)  # rounding, quadrature and samples together
        assert np.abs(pair.q[0] - q.mean[0].numpy()).max() < 2e-3 * max(1, float(q.mean.abs().max()))
        assert np.abs(pair.decoded.ravel() - decoded).max() < 2e-3
        assert LatentPlaneFigure.broken(n) == []


def test_five_points_a_side_are_near_a_fine_rule(vae):
    """What the figure says of its quadrature: off by a few hundredths of a nat on average."""
    from lvm_lib.quadrature import hermite, product

    found = {}
    for m in (5, 24):
        grid = product(hermite(m), hermite(m))
        x = torch.tensor(data.flat(data.binarised("digits")[:100]), dtype=torch.float32)
        with torch.no_grad():
            q = vae.q(x)
            z = q.mean[None] + q.base_dist.scale[None] * torch.tensor(grid.points, dtype=torch.float32)[:, None]
            weights = torch.tensor(np.exp(grid.log_weights), dtype=torch.float32)
            found[m] = (weights @ vae.log_px_z(x, z)).numpy()
    off = np.abs(found[5] - found[24])
    assert off.mean() < 0.06 and off.max() < 0.6


def test_the_autoencoder_stands_in_units_of_its_own_gaussian(pair):
    codes = np.frombuffer(pair.codes, "<f4").reshape(2, 1000, 2)[1]
    assert np.abs(codes.mean(0)).max() < 1e-4 and np.abs(np.cov(codes.T) - np.eye(2)).max() < 1e-3
    ae = mlp_autoencoder(2, (16, 8), seed=1, squash=True)
    pair.drawing = image(4)
    x = torch.tensor(data.flat(image(4)[None]), dtype=torch.float32)
    with torch.no_grad():
        assert pair.numbers()["ae_error"] == pytest.approx(float(ae.squared_error(x)[0]), rel=2e-3)
    assert [pair.numbers()[f"ae_code{i}"] for i in (1, 2)] == pytest.approx(codes[4].tolist(), abs=0.02)


def test_what_python_reads_back():
    figure = LatentPlaneFigure()
    assert figure.follow and figure.z == pytest.approx(np.clip(figure.q[0], -REACH, REACH))
    figure.follow, figure.z1, figure.z2 = False, 1.5, -0.5
    assert figure.z.tolist() == [1.5, -0.5] and figure.decoded.shape == (28, 28)
    before = figure.elbo
    figure.drawing = image(7)
    assert (figure.drawing == image(7)).all() and figure.elbo != before
    assert figure.elbo == pytest.approx(figure.reconstruction - figure.kl) and figure.log_px_z < 0
    again = LatentPlaneFigure(**{name: getattr(figure, name) for name in (*figure.carried, *figure.state)})
    assert again.numbers() == figure.numbers()


def test_a_page_s_state_is_recomputed_from_what_it_carries(pair):
    pair.drawing, pair.follow = image(2), True
    traits = {name: getattr(pair, name) for name in pair.carried}
    assert LatentPlaneFigure.recomputed(json.loads(json.dumps(pair.numbers())), traits) == pair.numbers()


@pytest.mark.parametrize(
    "change, rule",
    [
        ({"elbo": -1.0}, "sum to the ELBO"),
        ({"kl": 99.0}, "closed form"),
        ({"log_px_z": 1.0}, "log mass"),
        ({"brightness": 1.5}, "lies in"),
        ({"z1": 5.0}, "on the plane"),
        ({"follow": True, "z2": 3.9}, "follows the mean"),
    ],
)
def test_a_broken_invariant_is_named(change, rule):
    assert any(rule in words for words in LatentPlaneFigure.broken({**LatentPlaneFigure().numbers(), **change}))


def test_several_vaes_and_their_choice():
    figure = LatentPlaneFigure({"β = 1": shipped_vae(), "β = 4": shipped_vae(4)}, net="β = 4")
    four = figure.elbo
    figure.net = "β = 1"
    assert figure.elbo != four
    with pytest.raises(traitlets.TraitError, match="net must be 'β = 1' or 'β = 4'"):
        figure.net = "β = 2"


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((mlp_autoencoder(2, (8,), seed=0),), TypeError, "vae must be a VAE"),
        ((mlp_vae(3, (8,), seed=0),), ValueError, "two latent dimensions"),
        ((mlp_vae(2, (8,), likelihood=Gaussian(1.0), seed=0),), ValueError, "Bernoulli likelihood, got 2 and Gaussian"),
        (({"ae": mlp_vae(2, (8,), seed=0)},), ValueError, "other than 'ae'"),
        (({},), ValueError, "at least one model"),
        ((None, mlp_vae(2, (8,), seed=0)), TypeError, "ae must be an AE"),
        ((None, mlp_autoencoder(3, (8,), seed=0)), ValueError, "ae must have 2 latent dimensions, got 3"),
        ((None, AE(nn.Linear(784, 2), nn.Sequential(nn.Linear(2, 784), nn.Softmax(-1)))), TypeError, "got Softmax"),
    ],
)
def test_models_that_do_not_fit_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        LatentPlaneFigure(*arguments)


def test_wrong_states_are_named():
    figure = LatentPlaneFigure()
    with pytest.raises(TypeError, match=r"LatentPlaneFigure takes vae, ae, .* got beta"):
        LatentPlaneFigure(beta=2)
    with pytest.raises(traitlets.TraitError, match="z1 must be a number from -4 to 4"):
        figure.z1 = 4.5
    with pytest.raises(traitlets.TraitError, match="elbo is read back"):
        figure.elbo = 0.0


# ---- the nets that come with the library


@pytest.mark.parametrize("beta, least", [(1, -153.0), (0.25, -153.0), (4, -156.0)])
def test_the_shipped_nets_are_small_and_good(beta, least):
    assert (NETS / f"{VAES[beta]}.safetensors").stat().st_size < budget("repository", "net")
    x = torch.tensor(data.flat(data.binarised("digits")), dtype=torch.float32)
    with torch.no_grad():
        assert float(shipped_vae(beta).elbo_terms(x, 0, samples=5).elbo.mean()) > least


def test_another_beta_is_named():
    with pytest.raises(ValueError, match=r"beta must be one of 0.25, 1, 4, got int 2"):
        shipped_vae(2)


def test_rounding_for_the_page_costs_less_than_two_hundredths_of_a_nat(vae):
    """What the page says of its weights: the average ELBO of the test digits hardly moves."""
    from lvm_lib.figures.network import pack_all, unpack
    from lvm_lib.vae import VAE, GaussianEncoder

    nets, weights = pack_all({"encoder": vae.encoder, "decoder": vae.decoder}, "mixed")
    rounded = VAE(
        GaussianEncoder(unpack(nets["encoder"], weights)), unpack(nets["decoder"], weights), vae.likelihood, 2
    )
    x = torch.tensor(data.flat(data.binarised("digits")), dtype=torch.float32)
    with torch.no_grad():
        before, after = (float(model.elbo_terms(x, 0, samples=20).elbo.mean()) for model in (vae, rounded))
    assert abs(before - after) < 0.02


def test_training_makes_such_nets_again():
    """One epoch of what tools/train_nets.py does: the seed decides, and the bound is on its way."""
    from tools.train_nets import bound_on_test, trained

    one, other = trained(1, epochs=1), trained(1, epochs=1)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert -215 < bound_on_test(one) < -165
