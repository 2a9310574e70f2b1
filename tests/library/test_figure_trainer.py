"""The live figure that trains a VAE, from the Python side: what it takes, what it gives back, its terms, errors."""

import zlib

import numpy as np
import pytest
import torch
import traitlets

from lvm_lib import data
from lvm_lib.data import deflated as deflated_module
from lvm_lib.data.deflated import deflated
from lvm_lib.figures import TrainerFigure
from lvm_lib.figures.trainer import TEST, flat_of, start_of
from lvm_lib.likelihoods import Gaussian
from lvm_lib.vae import conv_vae, mlp_vae

SMALL = (16, 8)


@pytest.fixture(scope="module")
def vae():
    return mlp_vae(2, SMALL, seed=3)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_its_terms_are_those_of_the_vae(kind):
    vae = mlp_vae(4, SMALL, likelihood=None if kind == "bernoulli" else Gaussian(0.3), seed=3)
    shown = TrainerFigure(vae)
    images = data.binarised("digits") if kind == "bernoulli" else data.unit(data.load("digits").test)
    with torch.no_grad():
        terms = vae.elbo_terms(images[:TEST].reshape(TEST, -1), 0, samples=20)
    n = shown.numbers()
    assert n["rate"] == pytest.approx(float(terms.kl.mean()), rel=2e-3)  # weights are rounded to float16
    assert n["distortion"] == pytest.approx(-float(terms.reconstruction.mean()), rel=5e-3)
    assert n["likelihood"] == kind and n["start"] == "given" and TrainerFigure.broken(n) == []
    assert shown.minus_elbo == n["minus_elbo"]


def test_what_was_trained_comes_back_as_a_torch_module(vae):
    shown = TrainerFigure(vae)
    assert np.abs(flat_of(shown.weights()) - flat_of(vae)).max() < 1e-3
    trained = (flat_of(vae) + 0.01).astype("<f4")
    with shown.hold_trait_notifications():  # as a front end reports it
        shown.own, shown.step = trained.tobytes(), 30
    net = shown.weights()
    assert np.array_equal(flat_of(net), trained) and not net.training and shown.numbers()["step"] == 30
    traits = {name: getattr(shown, name) for name in (*shown.carried, "own")}
    assert TrainerFigure.recomputed(shown.numbers(), traits) == shown.numbers()
    shown.latents = 4  # another net: these weights are none of its own
    assert shown.numbers()["step"] == 0 and shown.weights().latents == 4


def test_a_start_is_its_seed_s_and_a_mute_one_says_nothing():
    assert np.array_equal(start_of(5, 2, "mute", SMALL), start_of(5, 2, "mute", SMALL))
    assert not np.array_equal(start_of(5, 2, "mute", SMALL), start_of(6, 2, "mute", SMALL))
    mute, speaking = (TrainerFigure(start=start).numbers() for start in ("mute", "speaking"))
    assert mute["rate"] < 0.5 < speaking["rate"]


def test_a_drawn_digit_has_the_vae_s_terms_and_stands_in_the_state(vae):
    shown, x = TrainerFigure(vae), data.binarised("digits")[3]
    assert shown.drawing is None and shown.numbers()["own_minus_elbo"] is None
    shown.drawing = x
    n, net = shown.numbers(), shown.weights().double()
    with torch.no_grad():
        mean = net.encoder(torch.tensor(x.reshape(1, -1), dtype=torch.float64)).mean[0]
        terms = net.elbo_terms(torch.tensor(x.reshape(1, -1), dtype=torch.float64), 0, samples=2000)
    assert (shown.drawing == x).all() and (n["own_z1"], n["own_z2"]) == pytest.approx(tuple(mean.tolist()))
    assert n["own_rate"] == pytest.approx(float(terms.kl))
    assert n["own_minus_elbo"] - n["own_rate"] == pytest.approx(-float(terms.reconstruction), rel=0.05)
    traits = {name: getattr(shown, name) for name in shown.carried}
    assert TrainerFigure.recomputed(n, traits) == n and TrainerFigure.broken(n) == []
    with pytest.raises(traitlets.TraitError, match="drawn must be a black and white image"):
        shown.drawn = "AAAA"
    shown.drawing = None
    assert shown.drawn == ""


def test_a_kernel_sends_the_images_that_a_page_loads(vae, monkeypatch):
    sent = []
    shown = TrainerFigure(vae)
    monkeypatch.setattr(shown, "send", lambda content, buffers: sent.append((content, buffers)))
    shown._asked(shown, "images digits", [])
    shown._asked(shown, "images clothing", [])
    shown._asked(shown, "anything", [])
    (content, (packed,)), (other, (clothes, grey, pixels)) = sent
    assert content == {"images": "digits", "parts": ["train"], "scale": 1} and packed == deflated("digits")
    assert other["parts"] == ["train", "grey", "pixels"] and len(other["names"]) == 10
    raw = zlib.decompress(clothes, -15)
    levels = np.frombuffer(raw[10 + int.from_bytes(raw[8:10], "little") :], np.uint8)
    worn = data.load("clothing")
    assert np.abs(17.0 * levels.reshape(4500, 28, 28) - worn.train[:4500]).max() <= 8
    assert np.abs(17.0 * np.frombuffer(zlib.decompress(grey, -15), np.uint8) - worn.test[:500].ravel()).max() <= 8
    assert (np.unpackbits(np.frombuffer(pixels, np.uint8)) == data.binarised("clothing")[:500].ravel()).all()
    assert len(deflated_module.page_script("clothing")) < 1_500_000  # the page's limit is 2.2 MB
    raw = zlib.decompress(packed, -15)
    assert raw[10 + int.from_bytes(raw[8:10], "little") :] == data.load("digits").train.tobytes()


@pytest.mark.parametrize(
    "key, by, said",
    [
        ("rate", 1.0, "distortion + rate"),
        ("rate_least", -9.0, "not negative"),
        ("rate_most", 99.0, "more rate than all"),
    ],
)
def test_a_wrong_number_is_noticed(vae, key, by, said):
    numbers = TrainerFigure(vae).numbers()
    numbers[key] += by
    assert any(said in rule for rule in TrainerFigure.broken(numbers))


def test_errors_name_what_came_and_what_was_expected(vae):
    shown = TrainerFigure(vae)
    with pytest.raises(traitlets.TraitError, match="latents must be one of 2, 4, 8, 16, got int 3"):
        shown.latents = 3
    with pytest.raises(traitlets.TraitError, match="start must be"):
        TrainerFigure().start = "given"
    with pytest.raises(ValueError, match="minus_elbo is read back"):
        shown.minus_elbo = 0.0
    with pytest.raises(TypeError, match="vae must be a VAE, got"):
        TrainerFigure(3)
    for other in (conv_vae(2, 4, seed=1), mlp_vae(3, SMALL, seed=1), mlp_vae(2, (12, 8), seed=1)):
        with pytest.raises(ValueError, match="vae must have linear layers"):
            TrainerFigure(other)
    with pytest.raises(ValueError, match="one with one std"):
        TrainerFigure(mlp_vae(2, SMALL, likelihood=Gaussian(np.full(784, 0.3)), seed=1))
    with pytest.raises(TypeError, match="takes vae, own, step, beta"):
        TrainerFigure(theta=1)


def test_the_picture_and_its_words_follow_the_state(vae):
    first, other = TrainerFigure(vae), TrainerFigure(vae, start="speaking", seed=4)
    assert first.png() != other.png() and f"{first.minus_elbo:.1f}" in first.alt and first.alt != other.alt
