"""Live figures 10 and 11 from Python: what they state, what they refuse, and that the library finds the same."""

import numpy as np
import pytest
import torch

from lvm_lib import data
from lvm_lib.figures import PriorFigure, TokensFigure
from lvm_lib.figures.base import FigureError
from lvm_lib.figures.network import unpack
from lvm_lib.figures.token_nets import rebuilt
from lvm_lib.figures.tokens import field_of, read_edits
from lvm_lib.likelihoods import Bernoulli, DiscretisedNormal, Gaussian
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.shipped import shipped_tokens
from lvm_lib.token_priors import UniformPrior, transformer_prior
from lvm_lib.vqvae import conv_vqvae

# ------------------------------------------------------------------ figure 10


def test_without_edits_nothing_moves_and_the_rate_is_m_log_k():
    figure = TokensFigure()
    n = figure.numbers()
    assert n["moved"] == n["outside"] == n["painted"] == 0
    assert figure.rate == pytest.approx(49 * np.log(128)) and TokensFigure.broken(n) == []


@pytest.mark.parametrize("edits", ["24:5", "0:1,48:2", "3:7,10:100,24:0,25:9"])
def test_edits_move_pixels_inside_their_fields_only(edits):
    figure = TokensFigure(image=7, edits=edits)
    n = figure.numbers()
    assert n["moved"] > 0 and n["outside"] == 0 and figure.rate == TokensFigure().rate
    assert all(figure.tokens[place] == code for place, code in read_edits(edits))
    assert (
        TokensFigure.broken(n) == []
        and TokensFigure.recomputed(n, {name: getattr(figure, name) for name in figure.carried}) == n
    )


def test_a_digit_is_decoded_from_its_tokens():
    assert all(TokensFigure(image=image).numbers()["error"] < 0.03 for image in range(20))


@pytest.mark.parametrize(
    "likelihood, white",
    [
        (Bernoulli(), 1.0),
        (Gaussian(0.3), 1.0),
        (Gaussian(30.0), 255.0),
        (DiscretisedNormal(20.0), 255.0),
    ],
    ids=["logits", "up to 1", "up to 255", "grey levels"],
)
def test_a_tokenizer_is_shown_in_the_page_s_pixels_whatever_its_own_are(likelihood, white):
    """A page's pixels run from 0 to 1; centre, unit and sigmoid lie between them and the nets."""
    grey = data.load("digits").test[::20].reshape(50, -1)
    x = torch.tensor(np.round(grey / 255) if white == 1 else grey).float()
    if isinstance(likelihood, Gaussian):
        likelihood.meet(x)
        assert (float(likelihood.unit) > 1) == (white == 255)
    tokenizer = conv_vqvae(VectorQuantizer(8, 4, seed=0), channels=8, likelihood=likelihood, seed=0).eval()
    tokenizer.quantiser.set_(tokenizer.encoder(likelihood.inputs(x)).flatten(0, 1)[::307][:8].detach())
    figure = TokensFigure(tokenizer)
    for at in range(0, 50, 9):
        figure.drawing = (x[at].numpy() / white).reshape(28, 28)
        same = figure.tokens == tokenizer.tokens(x[at : at + 1]).numpy()[0]
        assert same.mean() > 0.9  # weights are rounded, and two codes may be equally near
        expected = tokenizer.decode(torch.tensor(figure.tokens)[None]).detach().numpy()[0] / white
        np.testing.assert_allclose(figure._decoded(figure.tokens), expected, atol=2e-3)


def test_the_field_is_that_of_the_decoder():
    decoder = conv_vqvae(VectorQuantizer(8, 4, seed=0), channels=4, seed=0).decoder
    for place in (0, 6, 24, 48):
        np.testing.assert_array_equal(field_of(place, 7, decoder.reach).reshape(28, 28), decoder.field(place))


def test_a_drawn_image_stands_in_the_place_of_the_picked_one():
    """Nothing of it is painted; it is found again from its text; without it the picked image is back."""
    figure = TokensFigure(image=2, edits="24:5")
    image = np.rot90(data.load("digits").test[77]) / 255
    figure.drawing = image
    assert figure.edits == "" and np.array_equal(figure.drawing, image) and "drawn image" in figure.alt
    with torch.no_grad():
        vectors = torch.nn.Sequential(*_encoder(figure))(torch.tensor(image.reshape(1, 784)))[0].flatten(1).T
        codes = rebuilt(figure.nets, figure.weights)[0].codebook[0].weight
    assert figure.tokens.tolist() == torch.cdist(vectors, codes).argmin(1).tolist()
    n = figure.numbers()
    traits = {name: getattr(figure, name) for name in figure.carried}
    assert n["drawn"] and TokensFigure.broken(n) == [] and n["moved"] == 0 and TokensFigure.recomputed(n, traits) == n
    figure.edits = "24:5,25:6"
    n = figure.numbers()
    assert (
        n["moved"] > 0
        and n["outside"] == 0
        and n["rate"] == pytest.approx(49 * np.log(128))
        and TokensFigure.broken(n) == []
    )
    picture = figure.png()
    figure.drawn = ""
    assert figure.png() != picture and (figure.tokens != TokensFigure(image=3).tokens).any()
    figure.edits = ""
    assert figure.numbers() == TokensFigure(image=2).numbers()


def _encoder(figure):
    return unpack(figure.nets["encoder"], figure.weights).double()


@pytest.mark.parametrize(
    "image", [np.zeros(783), np.full((28, 28), 1.01), np.full((28, 28), -0.1), np.full((28, 28), np.nan), "x"]
)
def test_drawings_that_are_none_are_refused(image):
    with pytest.raises((ValueError, TypeError), match="drawing must"):
        TokensFigure().drawing = image


@pytest.mark.parametrize(
    "traits, message",
    [
        ({"drawn": "AAAA"}, "drawn must be an image of 784"),
        ({"drawn": "<img src=x>"}, "drawn must be an image of 784"),
        ({"edits": "24"}, "place:code pairs"),
        ({"edits": "5:1,4:1"}, "places rising"),
        ({"edits": "49:0"}, "places below 49"),
        ({"edits": "0:128"}, "codes below 128"),
        ({"edits": "<b>"}, "place:code pairs"),
        ({"brush": 128}, "brush must be a whole number from 0 to 127"),
        ({"place": 49}, "place must be a whole number from 0 to 48"),
        ({"image": 20}, "image must be a whole number from 0 to 19"),
    ],
)
def test_states_that_cannot_be_shown_are_refused(traits, message):
    with pytest.raises(FigureError, match=message):
        TokensFigure(**traits)


def test_a_broken_state_is_named():
    n = TokensFigure(edits="24:5").numbers()
    assert TokensFigure.broken({**n, "outside": 3}) == ["an edit changes pixels inside its field only"]
    assert TokensFigure.broken({**n, "painted": 0}) == ["no edit, no change"]


# ------------------------------------------------------------------ figure 11


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
    for figure in (PriorFigure(step=10), TokensFigure(edits="24:5")):
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
