"""Live figure 11 from Python: what it states, what it refuses, and what the priors that come with the library know."""

import numpy as np
import pytest
import torch

from lvm_lib import data
from lvm_lib.figures import PriorFigure, TokensFigure
from lvm_lib.figures.base import FigureError
from lvm_lib.figures.token_nets import rebuilt
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.shipped import shipped_tokens
from lvm_lib.token_priors import UniformPrior, transformer_prior
from lvm_lib.vqvae import conv_vqvae


@pytest.mark.parametrize("prior", ["uniform", "independent", "PixelCNN", "Transformer"])
def test_the_cost_is_the_sum_of_conditionals_of_the_named_distribution(prior):
    figure = PriorFigure(prior=prior, label=4, seed=11, temperature=0.8, step=30)
    tokens, logs = figure.drawn
    model = rebuilt(*shipped_tokens())[1][prior]
    label = 4 if model.classes else None
    with torch.no_grad():
        whole = model.log_prob(torch.tensor(tokens)[None], label, temperature=0.8).item()
    assert logs.sum() == pytest.approx(whole, rel=1e-10)
    assert figure.nll == pytest.approx(-logs[:30].sum()) and PriorFigure.broken(figure.numbers()) == []


def test_locked_tokens_stay_and_are_not_counted_as_drawn():
    first = PriorFigure(seed=1, step=20)
    prefix = ",".join(map(str, first.drawn[0][:20]))
    later = PriorFigure(seed=2, prefix=prefix, step=49)
    assert (later.drawn[0][:20] == first.drawn[0][:20]).all() and (later.drawn[0] != first.drawn[0]).any()
    n = later.numbers()
    assert n["nll"] == pytest.approx(-later.drawn[1][20:].sum()) and PriorFigure.broken(n) == []
    assert PriorFigure.recomputed(n, {name: getattr(later, name) for name in later.carried}) == n


def test_a_step_lies_behind_the_prefix():
    figure = PriorFigure(step=3)
    figure.prefix = "1,2,3,4,5"
    assert figure.step == 5


def test_the_alternative_text_and_the_picture():
    figure = PriorFigure(step=10)
    assert len(figure.alt.split()) > 20 and len(figure.png()) > 5000 and repr(figure).startswith("<live figure")


@pytest.mark.parametrize(
    "traits, message",
    [
        ({"prior": "best"}, "prior must be one of"),
        ({"label": 10}, "label must be a whole number from 0 to 9"),
        ({"prefix": "1,x"}, "whole numbers"),
        ({"prefix": "128"}, "tokens below 128"),
        ({"step": 50}, "step must be a whole number from 0 to 49"),
        ({"temperature": 0.0}, "temperature must be"),
    ],
)
def test_priors_that_cannot_be_shown_are_refused(traits, message):
    with pytest.raises(FigureError, match=message):
        PriorFigure(**traits)


def test_priors_of_another_tokenizer_are_refused():
    tokenizer = conv_vqvae(VectorQuantizer(16, 4, seed=0), channels=4, seed=0)
    with pytest.raises(ValueError, match="49 tokens of 16 codes"):
        PriorFigure(tokenizer, {"uniform": UniformPrior(128, 49)})
    with pytest.raises(ValueError, match="must know no class or 10"):
        PriorFigure(tokenizer, {"mine": transformer_prior(16, 49, 3, width=8, layers=1, seed=0)})
    assert PriorFigure(tokenizer, {"uniform": UniformPrior(16, 49)}).nll == pytest.approx(49 * np.log(16))


# ------------------------------------------------------------------ what comes with the library


def nearest_digit(pictures):
    """The class of each picture by a fixed classifier.

    The five nearest training digits vote (smallest class on a tie).
    """
    images = data.load("digits")
    train = torch.tensor(data.unit(data.flat(images.train)), dtype=torch.float32)
    found = torch.cdist(pictures.float(), train).topk(5, largest=False).indices
    votes = torch.nn.functional.one_hot(torch.tensor(images.train_labels)[found], 10).sum(1)
    return votes.argmax(1)


def test_the_classifier_knows_real_digits():
    images = data.load("digits")
    test = torch.tensor(data.unit(data.flat(images.test)))
    assert (nearest_digit(test) == torch.tensor(images.test_labels)).double().mean() > 0.93


@pytest.mark.slow
def test_the_shipped_priors_stand_in_the_order_that_their_page_says():
    """Nats per token on test digits, the class summed out: each knows more than the one before."""
    nets = shipped_tokens()
    priors, encoder = rebuilt(*nets)[1], TokensFigure()
    images = data.load("digits")
    tokens = np.stack([_tokens_of(encoder, image) for image in images.test[:200]])
    with torch.no_grad():
        nats = {name: -prior.log_prob(torch.tensor(tokens)).mean().item() / 49 for name, prior in priors.items()}
    assert nats["uniform"] > nats["independent"] + 1 > nats["Transformer"] + 1 > nats["PixelCNN"] + 1
    assert nats["PixelCNN"] < 2.2


def _tokens_of(figure, image):
    """Tokens of an image by the shipped encoder."""
    return TokensFigure(
        nets=figure.nets, weights=figure.weights, images=image.tobytes(), names=figure.names, image=0
    ).tokens


@pytest.mark.slow
def test_a_classifier_asks_for_the_class_alone():
    """Independent shares, which join no stroke, are named as the class asked oftener than samples that cost fewer nats:
    recognition is no ruler, which is why the chapter does not rank priors by it."""
    decoder, priors = rebuilt(*shipped_tokens())
    asked = torch.arange(10).repeat(20)
    with torch.no_grad():
        share = {
            name: (nearest_digit(decoder(torch.tensor(priors[name].sample(200, seed=7, label=asked).tokens))) == asked)
            .double()
            .mean()
            .item()
            for name in ("PixelCNN", "independent")
        }
    assert share["independent"] > 0.7 and share["PixelCNN"] > 0.4
