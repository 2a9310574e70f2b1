"""Stored pictures: one drawing serves both themes, nothing that is seen is lost."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tools import pictures

RNG = np.random.default_rng(0)


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, "PNG")
    return out.getvalue()


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def drawing(ground, ink, accent, grey):
    """A figure as a plot draws it: a ground, soft lines in two colours, a patch of grey levels."""
    h, w = 120, 160
    y, x = np.mgrid[:h, :w]
    cover = np.clip(1.5 - abs(y - 60 - 30 * np.sin(x / 12)), 0, 1)[..., None]
    other = np.clip(1.5 - abs(x - y), 0, 1)[..., None]
    image = np.array(ground) * (1 - cover) + np.array(ink) * cover
    image = image * (1 - other) + np.array(accent) * other
    image[:28, :28] = grey[..., None]
    return image.round()


GREY = np.clip(RNG.normal(120, 80, (28, 28)), 0, 255).round()
LIGHT = drawing((255, 255, 255), (26, 31, 39), (166, 58, 0), GREY)
DARK = drawing((21, 24, 29), (232, 235, 239), (255, 154, 92), GREY)


def test_both_themes_come_from_one_file():
    light, colours = pictures.paired(png(LIGHT), png(DARK))
    dark = pictures.recoloured(light, colours)
    for found, drawn in ((light, LIGHT), (dark, DARK)):
        error = abs(pixels(found) - drawn)
        assert np.sqrt((error**2).mean()) <= 1.5 and np.quantile(error, 0.999) <= 16
        assert tuple(pixels(found)[-1, -1]) == tuple(drawn[-1, -1])  # the ground stays exact
    assert len(light) < len(png(LIGHT)) and len(colours) <= 768


def test_one_picture_keeps_its_look_and_never_grows():
    found = pictures.single(png(LIGHT))
    assert len(found) <= len(png(LIGHT)) and np.sqrt(((pixels(found) - LIGHT) ** 2).mean()) <= 1.5
    clear = png(np.dstack([LIGHT, np.full(LIGHT.shape[:2], 120)]))
    assert pictures.single(clear) == clear


@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_each_pixel_gets_a_colour_that_is_there(k, seed):
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 256, (k, 6), np.uint8)
    image = known[rng.integers(0, k, (9, 11))]
    numbers, colours = pictures.few(image)
    assert numbers.shape == (9, 11) and len(colours) <= 256 and numbers.max() < len(colours)
    there = {tuple(colour) for colour in image.reshape(-1, 6)}
    assert {tuple(colour) for colour in colours} <= there
    if len(there) <= 16:
        assert (colours[numbers] == image).all()


def test_what_is_no_pair_is_refused():
    with pytest.raises(ValueError, match="one size"):
        pictures.paired(png(LIGHT), png(DARK[1:]))
    light, colours = pictures.paired(png(LIGHT), png(DARK))
    with pytest.raises(ValueError, match="colours must be"):
        pictures.recoloured(light, colours[3:])
    with pytest.raises(ValueError, match="must be a PNG"):
        pictures.recoloured(b"GIF89a", colours)
    with pytest.raises(ValueError, match="list of colours"):
        pictures.recoloured(png(LIGHT), colours)
