"""Images as texts: black and white, and grey; there and back, one text for one image, and what is none."""

import base64

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_lib import data
from lvm_lib.figures.drawing import PIXELS, read_grey, read_image, written, written_grey


def test_black_and_white_images_as_text():
    image = data.binarised("digits")[0]
    text = written(image)
    assert len(text) == 131 and (read_image(text) == image.ravel()).all()
    for bad in ("", text[1:], text + "A", text[:-1] + "B", text[:-1] + "=", None, 7):
        with pytest.raises(traitlets.TraitError, match="x must be a black and white image"):
            read_image(bad)
    with pytest.raises(ValueError, match="784 pixels, each 0 or 1"):
        written(np.full(PIXELS, 0.5))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 300)), min_size=1, max_size=40))
def test_grey_images_as_text_come_back(runs):
    levels = np.resize(np.repeat(*np.array(runs).T), PIXELS)
    text = written_grey(levels)
    assert len(text) <= 1568 and (read_grey(text) == levels).all()
    assert written_grey(levels.reshape(28, 28).astype(float)) == text


def test_stored_digits_make_short_texts():
    lengths = [len(written_grey(image)) for image in data.load("digits").test[:200]]
    assert np.mean(lengths) < 350 and max(lengths) < 600


def in_base64(*values) -> str:
    return base64.urlsafe_b64encode(bytes(values)).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        "<b>",
        None,
        7,
        "é",
        in_base64(0, 254, 0, 255, 0, 255, 0, 20),
        in_base64(0, 255, 0, 255, 0, 255, 0, 0, 0, 19),
        in_base64(0, 255, 0, 255, 0, 255, 0, 18),
        in_base64(0, 255, 0, 255, 0, 255, 0, 19, 1),
        in_base64(0, 255, 0, 255, 0, 255, 0),
        in_base64(0, 255, 0, 255, 0, 255, 0, 19) + "=",
    ],
)
def test_what_is_no_grey_image_is_refused(text):
    with pytest.raises(traitlets.TraitError, match="drawn must be an image of 784 grey levels"):
        read_grey(text)


@pytest.mark.parametrize(
    "levels",
    [
        np.zeros(783),
        np.full(PIXELS, 256),
        np.full(PIXELS, -1),
        np.full(PIXELS, 0.5),
        np.full(PIXELS, np.nan),
        ["a"] * PIXELS,
        None,
    ],
)
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(ValueError, match="784 whole numbers from 0 to 255"):
        written_grey(levels)
