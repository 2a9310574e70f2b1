"""The live figure of the true posterior from the Python side.

Against SciPy, its chain of bounds, its refinement, errors.
"""

import math

import golden_posterior
import numpy as np
import pytest
import torch
import traitlets
from scipy import integrate, optimize

from lvm_lib import data
from lvm_lib.autoencoder import mlp_decoder, mlp_encoder
from lvm_lib.figures import TruePosteriorFigure, one_posterior
from lvm_lib.figures.drawing import written
from lvm_lib.figures.network import unpack
from lvm_lib.figures.posterior import STEPS
from lvm_lib.likelihoods import Gaussian
from lvm_lib.quadrature import line, log_integral, product
from lvm_lib.vae import VAE, GaussianEncoder, mlp_vae


@pytest.fixture(scope="module")
def shown():
    return golden_posterior.figure()


def states(shown):
    carried = {key: getattr(shown, key) for key in shown.carried}
    return [TruePosteriorFigure(**carried, digit=digit, step=step) for digit in range(3) for step in (0, 1, 4, STEPS)]


def log_joint(shown, z):
    """log p(x, z) at one z by torch, for the image that the figure shows."""
    decoder = unpack(shown.nets["decoder"], shown.weights).double()
    x = torch.tensor(
        np.unpackbits(np.frombuffer(shown.pixels, np.uint8).reshape(-1, 98)[shown.digit]), dtype=torch.float64
    )
    p = torch.distributions.Bernoulli(logits=decoder(torch.tensor(np.atleast_2d(z), dtype=torch.float64)))
    return p.log_prob(x).sum(-1).numpy() - 0.5 * (np.atleast_2d(z) ** 2).sum(-1) - math.log(2 * math.pi)


def test_the_evidence_is_what_scipy_integrates(shown):
    low1, high1, _, low2, high2, _ = shown.grids[shown.digit]
    peak = shown.evidence
    found = integrate.cubature(
        lambda z: np.exp(log_joint(shown, z) - peak), [low1, low2], [high1, high2], atol=1e-4, rtol=1e-4
    )
    assert found.status == "converged"
    assert peak + math.log(found.estimate) == pytest.approx(peak, abs=0.02)


def test_the_amortised_bound_is_the_vae_s_elbo(shown):
    """On the grid and without one: 4,000 draws of the encoder's q, within four standard errors."""
    encoder = unpack(shown.nets["encoder"], shown.weights).double()
    x = torch.tensor(np.unpackbits(np.frombuffer(shown.pixels, np.uint8).reshape(-1, 98)[0]), dtype=torch.float64)
    mean, log_std = encoder(x[None])[0].chunk(2)
    z = (
        mean + log_std.exp() * torch.randn(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ).numpy()
    log_q = torch.distributions.Normal(mean, log_std.exp()).log_prob(torch.tensor(z)).sum(-1).numpy()
    values = log_joint(TruePosteriorFigure(**{key: getattr(shown, key) for key in shown.carried}), z) - log_q
    assert abs(values.mean() - shown.amortised) < 4 * values.std() / math.sqrt(len(z)) + 0.01


def test_invariants_hold_in_every_state_and_numbers_are_found_again(shown):
    traits = {key: getattr(shown, key) for key in shown.carried}
    for figure in states(shown):
        n = figure.numbers()
        assert TruePosteriorFigure.broken(n) == []
        assert TruePosteriorFigure.recomputed(n, traits) == n
        assert (figure.evidence, figure.amortised, figure.refined, figure.best) == tuple(
            n[key] for key in ("evidence", "amortised", "refined", "best")
        )


def test_refining_gains_and_ends_where_scipy_s_optimiser_ends(shown):
    for digit in range(3):
        figure = TruePosteriorFigure(**{key: getattr(shown, key) for key in shown.carried}, digit=digit, step=STEPS)
        p = figure._posterior
        start = np.concatenate(p.path[0][:2])
        found = optimize.minimize(
            lambda v, p=p: p.kl(v[:2], v[2:]) - p.evidence,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-5, "fatol": 1e-9, "maxiter": 3000, "maxfev": 3000},
        )
        assert p.best >= -found.fun - 1e-4 and figure.refined > figure.amortised
        assert p.path[-1].elbo == pytest.approx(-found.fun, abs=2e-3)


def test_a_drawn_image_gets_a_grid_of_its_own(shown):
    """Its evidence is what a plain grid over the whole plane finds; the bounds hold; it is found again."""
    traits = {key: getattr(shown, key) for key in shown.carried}
    figure = TruePosteriorFigure(**traits, step=2)
    given, picture = figure.numbers(), figure.png()
    for image in golden_posterior.to_draw():
        figure.drawing = image
        assert (figure.drawing == image).all() and "a drawn image" in figure.alt
        n = figure.numbers()
        assert TruePosteriorFigure.broken(n) == [] and TruePosteriorFigure.recomputed(n, traits) == n
        assert figure.evidence == n["evidence"] and n["refined"] > n["amortised"] and n["spacing"] < 0.5
        decoder = unpack(shown.nets["decoder"], shown.weights).double()
        wide = product(*[line(-9, 9, 331)] * 2)
        x, z = torch.tensor(np.array(image, float).ravel()), torch.tensor(wide.points)
        with torch.no_grad():
            log_px_z = torch.cat(
                [torch.distributions.Bernoulli(logits=decoder(part)).log_prob(x).sum(-1) for part in z.split(20_000)]
            )
        whole = log_integral(log_px_z.numpy() - 0.5 * (wide.points**2).sum(1) - math.log(2 * math.pi), wide)
        assert n["evidence"] == pytest.approx(whole, abs=5e-3)
    assert figure.png() != picture
    figure.drawn = ""
    assert figure.numbers() == given


def test_a_drawing_that_no_grid_resolves_is_refused(shown, monkeypatch):
    monkeypatch.setattr(one_posterior, "MOST_DRAWN", 1000)
    one_posterior.posterior_of_drawn.cache_clear()
    with pytest.raises(traitlets.TraitError, match="drawn must be an image whose posterior a page can resolve"):
        TruePosteriorFigure(**{key: getattr(shown, key) for key in shown.carried}, drawn=written(np.eye(28, dtype=int)))


@pytest.mark.parametrize(
    "key, by, said",
    [
        ("evidence", -1.0, "log p"),
        ("best", -99.0, "best ELBO found"),
        ("refined", -99.0, "amortised"),
        ("kl", 1e-3, "KL"),
        ("spacing", 0.5, "spacing"),
        ("halving", 0.1, "twice the spacing"),
        ("before", 99.0, "no step lowers"),
        ("taken", 99, "asked"),
    ],
)
def test_a_wrong_number_is_noticed(shown, key, by, said):
    numbers = {**states(shown)[1].numbers(), "step": 3}
    numbers[key] += by
    assert any(said in rule for rule in TruePosteriorFigure.broken(numbers))


def test_the_picture_and_its_words_follow_the_state(shown):
    first, other = states(shown)[0], states(shown)[-1]
    assert first.png() != other.png() and first.alt != other.alt and f"{other.evidence:.2f}" in other.alt


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"digit": 3}, "digit must be a whole number from 0 to 2"),
        ({"step": STEPS + 1}, "step must be a whole number"),
        ({"drawn": "<b>"}, "drawn must be a black and white image"),
        ({"drawn": "A" * 130}, "drawn must be a black and white image"),
        ({"step": 1.0}, "step must be a whole number"),
        ({"digit": True}, "digit must be a whole number"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(shown, bad, words):
    with pytest.raises(traitlets.TraitError, match=words):
        TruePosteriorFigure(**{key: getattr(shown, key) for key in shown.carried}, **bad)
    with pytest.raises(ValueError, match="evidence is read back"):
        shown.evidence = 0.0


def test_what_is_no_such_vae_is_refused():
    with pytest.raises(TypeError, match="vae must be a VAE with two latent dimensions"):
        TruePosteriorFigure("vae")
    with pytest.raises(ValueError, match="two latent dimensions and a Bernoulli"):
        TruePosteriorFigure(mlp_vae(3, (8,), seed=0))
    grey = VAE(GaussianEncoder(mlp_encoder(4, (8,))), mlp_decoder(2, (8,)), Gaussian(0.1), 2)
    with pytest.raises(ValueError, match="Bernoulli"):
        TruePosteriorFigure(grey)
    with pytest.raises(ValueError, match="images must be 1 to 20 images of 784 pixels 0 or 1"):
        TruePosteriorFigure(golden_posterior.small_vae(), data.unit(data.load("digits").test[:2]))
    with pytest.raises(ValueError, match="names must name each"):
        TruePosteriorFigure(golden_posterior.small_vae(), data.binarised("digits")[:2], ["one"])
    with pytest.raises(TypeError, match="takes vae, images"):
        TruePosteriorFigure(golden_posterior.small_vae(), theta=1)
