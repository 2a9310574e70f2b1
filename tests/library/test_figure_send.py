"""The live figure of a message from the Python side: its invariants, its bytes, its bound, PNG files, errors."""

import io
import math

import golden_send
import numpy as np
import pytest
import torch
from PIL import Image

from lvm_lib import coding
from lvm_lib.figures import SendItFigure
from lvm_lib.figures.bits import images_of, png_of
from lvm_lib.shipped import shipped_vae
from lvm_lib.vae import conv_vae


def test_invariants_hold_in_every_state_and_numbers_are_found_again():
    carried = {key: getattr(golden_send.figure(), key) for key in SendItFigure.carried}
    for state in golden_send.STATES:
        shown = golden_send.at(**state)
        n = shown.numbers()
        assert SendItFigure.broken(n) == []
        assert SendItFigure.recomputed(n, carried) == n
        assert (shown.length, shown.minus_elbo, shown.mean) == (n["length"], n["minus_elbo"], n["mean"])
        assert SendItFigure.broken({**n, "same": 783}) and SendItFigure.broken({**n, "back": n["back"] + 0.1})


def test_the_picture_is_in_the_bytes_alone():
    for state in golden_send.STATES:
        shown = golden_send.at(**state)
        assert (shown.codec.receive(coding.Stack.of(shown.message)) == shown.picture_sent.ravel()).all()


def test_the_bound_is_the_vae_s_and_the_chain_keeps_to_it():
    """-ELBO against 4,000 draws of the library's VAE, with unrounded weights; the chain within its own error."""
    shown, vae = golden_send.at(digit=2), shipped_vae()
    x = torch.tensor(shown.picture_sent.reshape(1, -1), dtype=torch.float32)
    with torch.no_grad():
        expected = -float(vae.elbo(x, samples=4000, generator=0)[0])
    assert shown.minus_elbo == pytest.approx(expected, abs=0.5)  # int8 weights move it by some tenths
    n = shown.numbers()
    assert abs(n["mean"] - n["minus_elbo"]) < 5 * n["error"] + 0.01 * n["minus_elbo"]


def test_one_point_pays_for_each_bit_of_precision():
    lengths = [golden_send.at(width=0.0, bits=bits) for bits in (10, 12, 14)]
    rates = [shown.numbers()["rate"] for shown in lengths]
    assert np.diff(rates) == pytest.approx(4 * math.log(2))
    assert all(shown.numbers()["back"] == 0 for shown in lengths)


def test_the_file_beside_it_is_a_png_with_one_bit_for_a_pixel():
    shown = golden_send.figure()
    for image, size in zip(images_of(shown.pixels), shown.files, strict=True):
        written = png_of(image)
        with Image.open(io.BytesIO(written)) as opened:
            assert opened.mode == "1" and (np.asarray(opened).ravel() == image).all()
        assert abs(len(written) - size) <= 8  # another zlib may find other blocks
        assert written[24] == 1  # bit depth, in the header of the file


def test_what_cannot_be_sent_is_refused():
    with pytest.raises(TypeError, match="vae must be a VAE"):
        SendItFigure("vae")
    with pytest.raises(TypeError, match="encoder must be linear layers with a ReLU"):
        SendItFigure(conv_vae(2, seed=0))
    with pytest.raises(ValueError, match="images must be 1 to 20 images"):
        SendItFigure(images=np.full((1, 784), 0.5))
    with pytest.raises(TypeError, match="SendItFigure takes vae"):
        SendItFigure(beta=1)
