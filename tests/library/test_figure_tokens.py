"""Live figure 10 from Python: what it states, what it refuses, and that the library finds the same."""

import numpy as np
import pytest
import torch

from lvm_lib import data
from lvm_lib.figures import TokensFigure
from lvm_lib.figures.base import FigureError
from lvm_lib.figures.network import unpack
from lvm_lib.figures.token_nets import rebuilt
from lvm_lib.figures.tokens import field_of, read_edits
from lvm_lib.likelihoods import Bernoulli, DiscretisedNormal, Gaussian
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.vqvae import conv_vqvae


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


def test_the_alternative_text_and_the_picture():
    figure = TokensFigure(edits="24:5")
    assert len(figure.alt.split()) > 20 and len(figure.png()) > 5000 and repr(figure).startswith("<live figure")
