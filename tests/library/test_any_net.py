"""A live figure never raises on a net that the library can train: it takes a coarser grid and says so, rarely."""

import functools

import pytest
import torch

from lvm_lib import data
from lvm_lib.autoencoder import mlp_autoencoder
from lvm_lib.figures import LatentPlaneFigure, PriorFigure, ScrubberFigure, TokensFigure, TruePosteriorFigure
from lvm_lib.fit import fit
from lvm_lib.likelihoods import Gaussian
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.token_priors import IndependentPrior, UniformPrior, pixelcnn_prior, transformer_prior
from lvm_lib.vae import mlp_vae
from lvm_lib.vqvae import conv_vqvae

SEEDS = range(20)
GAINS = (0.0, 1e-3, 2.0, 3.0)  # times the weights of a trained net of three layers: dead, faint, loud, shouting


@functools.cache
def grey():
    return torch.tensor(data.unit(data.flat(data.load("digits").train[:1500])), dtype=torch.float32)


@functools.cache
def trained(seed):
    """A small VAE after three short epochs, and its history with the checkpoints 0 and 3."""
    vae = mlp_vae(2, (16, 8), seed=seed)
    return vae, fit(vae, grey(), epochs=3, seed=seed, learning_rate=7e-3, binarise_fresh=True, checkpoints=(0, 3))


def tokens_of(seed, gain=1.0):
    """A small tokenizer after one epoch, and one prior of each kind over its tokens, their weights times `gain`."""
    net = conv_vqvae(VectorQuantizer(16, 4, seed=seed), channels=4, likelihood=Gaussian(0.1), seed=seed)
    fit(net, grey()[:300], epochs=1, seed=seed)
    tokens = net.tokens(grey()[:300])
    priors = {
        "uniform": UniformPrior(16, 49),
        "independent": IndependentPrior.counted(tokens, 16),
        "PixelCNN": pixelcnn_prior(16, seed=seed, channels=4, layers=1),
        "Transformer": transformer_prior(16, width=8, layers=1, seed=seed),
    }
    return multiplied(net, gain), {name: multiplied(prior, gain) for name, prior in priors.items()}


def multiplied(net, gain):
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(gain)
    return net


def looked_at(figure):
    """The figure computes and speaks; what always holds, holds."""
    numbers = figure.numbers()
    assert figure.broken(numbers) == [], numbers
    assert len(figure.alt) > 40
    return figure


def test_every_figure_shows_nets_of_twenty_seeds_with_at_most_two_fallbacks():
    coarse, thinned = [], []
    for seed in SEEDS:
        vae, history = trained(seed)
        images = data.binarised("digits")[seed::500]  # two of them, others for each seed
        figure = TruePosteriorFigure(vae, images)
        coarse += [(seed, k) for k in range(len(images)) if made_like(figure, digit=k).numbers()["coarse"]]
        looked_at(figure)
        thinned += [seed] * bool(looked_at(ScrubberFigure(vae, history.checkpoints, history.loss)).note)
        looked_at(LatentPlaneFigure(vae, mlp_autoencoder(2, (16, 8), seed=seed)))
        net, priors = tokens_of(seed)
        looked_at(TokensFigure(net))
        looked_at(PriorFigure(net, priors, names=("any",), prior=list(priors)[seed % 4], step=20))
    assert len(coarse) + len(thinned) <= 2, (coarse, thinned)


def made_like(figure, **state):
    return type(figure)(**{name: getattr(figure, name) for name in figure.carried}, **state)


@pytest.mark.parametrize("gain", GAINS)
def test_every_figure_shows_a_net_of_extreme_weights(gain):
    vae, _ = trained(0)
    first = {name: value.clone() for name, value in vae.state_dict().items()}
    loud = multiplied(mlp_vae(2, (16, 8), seed=0), gain)
    loud.load_state_dict({name: gain * value for name, value in first.items()})
    figure = TruePosteriorFigure(loud, data.binarised("digits")[:2])
    for digit in range(2):
        n = looked_at(made_like(figure, digit=digit, step=3)).numbers()
        assert n["points"] <= 6400 and n["coarse"] == ("The grid is coarse" in made_like(figure, digit=digit).alt)
    looked_at(ScrubberFigure(loud, {0: first, 1: loud.state_dict()}))
    looked_at(LatentPlaneFigure(loud, multiplied(mlp_autoencoder(2, (16, 8), seed=0), gain)))
    net, priors = tokens_of(0, gain)
    for drawn in (figure, looked_at(TokensFigure(net))):
        assert drawn.png().startswith(b"\x89PNG")
    looked_at(PriorFigure(net, priors, names=("any",), prior=list(priors)[GAINS.index(gain)], step=20))
