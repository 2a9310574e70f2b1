"""The narrow form of a drawing: laid out for a phone's column, its words whole, apart, and not on a line."""

import base64
import io

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from lvm_lib import plots
from lvm_lib.plots import narrow
from lvm_lib.plots.show import drawn, png, recolour
from lvm_lib.plots.vae_picture import vae_picture

matplotlib.use("agg")
TITLE = "One curve is the other, shifted by the entropy of the data, at every point of it"


def curves(height=3.4):
    figure, axis = plots.subplots(height=height)
    axis.plot([-3, 3], [0, 1], color=plots.colour("q"), label="expected log-likelihood")
    axis.plot([-3, 3], [1, 2], "--", color=plots.colour("gap"), label="minus the KL of data and model")
    axis.set(title=TITLE, xlabel="the mean of the model, in units of what it is measured in", ylabel="nats")
    axis.legend(fontsize=8, loc="upper left", ncols=2)
    return figure, axis


def size(figure):
    return figure.get_size_inches()


def test_a_title_is_broken_into_as_few_and_even_lines_as_fit():
    assert narrow.broken("one two", 7, len) == "one two"
    assert narrow.broken("one two three four", 12, len) == "one two\nthree four"
    assert narrow.broken("aaaa bb cc dddd", 10, len) == "aaaa bb\ncc dddd"
    assert narrow.broken("an unbreakablylongword", 8, len) == "an\nunbreakablylongword"
    assert narrow.broken(r"rate $a + b$ more", 8, len) == "rate\n$a + b$\nmore"
    assert narrow.broken("was\nbroken  before", 99, len) == "was broken before"
    assert narrow.broken("", 9, len) == ""


def test_the_legend_stands_between_the_title_and_the_axes_and_all_is_in_the_column():
    figure, axis = curves()
    assert narrow.narrowed(figure) == []
    assert size(figure)[0] == pytest.approx(narrow.WIDTH)
    assert axis.get_legend() is None and axis.get_title(loc="left") == ""
    title, (legend,) = figure.texts[0], figure.legends
    assert title.get_text().replace("\n", " ") == TITLE and 2 <= title.get_text().count("\n") + 1 <= 3
    boxes = [part.get_window_extent() for part in (title, legend, axis)]
    assert boxes[0].y0 > boxes[1].y1 > boxes[1].y0 > boxes[2].y1
    assert boxes[0].y1 <= figure.bbox.y1
    assert [text.get_text() for text in legend.get_texts()] == axis.get_legend_handles_labels()[1]
    assert axis.bbox.height / narrow.DPI == pytest.approx(narrow.FLATTER * 3.4, abs=0.05)
    assert axis.xaxis.label.get_text().count("\n") == 1
    words = [text for text in figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in words) >= narrow.LEAST


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda axis: axis.text(2, 0.2, "words that go far").set_in_layout(False), "'words that go far' is cut"),
        (lambda axis: axis.set_xticks([0, 0.1], ["the first", "the second"]), "'the second' lies on 'the first'"),
        (lambda axis: axis.text(0, 0.5, "on the curve", ha="center", va="center"), "'on the curve' lies on a line"),
    ],
)
def test_it_is_said_which_words_are_cut_or_lie_on_others_or_on_a_line(spoil, said):
    figure, _ = curves()
    assert [fault for fault in narrow.narrowed(figure, spoil) if said in fault]


def test_ticks_beyond_the_axis_are_no_words_of_it():
    figure, axis = curves()
    axis.set_xticks([-3, 0, 3, 3.05, 3.1], ["a", "b", "c", "far away", "and further"])
    axis.set_xlim(-3.2, 3.01)
    assert narrow.narrowed(figure) == []


def test_several_panels_a_strip_of_images_and_a_small_drawing_have_no_narrow_form():
    two, _ = plots.subplots(1, 2)
    strip, axis = plots.subplots(height=1.4)
    plots.images(axis, np.zeros((4, 8, 8)), columns=4)
    axis.set_title("four images")
    small, _ = plots.subplots(width=2.5)
    for figure in (two, strip, small):
        assert narrow.panel(figure) is None and drawn(figure)[1] == {}
        with pytest.raises(ValueError, match="only a drawing of one panel"):
            drawn(figure, lambda axis: None)


def test_a_colour_bar_is_no_panel():
    figure, axis = plots.subplots()
    figure.colorbar(axis.scatter([0, 1], [0, 1], c=[0.0, 1.0]))
    assert narrow.panel(figure) is axis


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")).astype(int)


def test_both_themes_have_one_size_and_what_an_author_adjusts_is_drawn_in_both():
    moved = []

    def adjust(axis):
        moved.append(axis.text(-2, 0.6, "a word", color=plots.colour("ink")))

    figure, _ = curves()
    (light, dark), small = drawn(figure, adjust)
    assert small["crowded"] == [] and len(moved) == 1
    wide, narrow_light, narrow_dark = pixels(light), pixels(small["light"]), pixels(small["dark"])
    assert wide.shape == pixels(dark).shape and wide.shape[1] == 1382
    assert narrow_light.shape == narrow_dark.shape and narrow_light.shape[1] == 700
    assert (narrow_light[0, 0] == 255).all() and (narrow_dark[0, 0] < 40).all()
    again, _ = curves()
    assert narrow.narrowed(again, adjust) == []
    assert (pixels(png(again, narrow.DPI)) == narrow_light).all()  # the way over the dark colours left no trace


def test_a_figure_turned_dark_and_back_is_as_it_was():
    figure, _ = curves()
    before = png(figure)
    recolour(figure)
    assert png(figure) != before
    recolour(figure, dark=False)
    assert png(figure) == before


def test_the_vae_picture_stands_upright_on_a_phone():
    figure, axis = plots.subplots(height=4.1)
    seen = np.eye(28), np.full((28, 28), 0.5)
    vae_picture(axis, *seen)
    before = {text.get_text() for text in axis.texts}
    assert narrow.narrowed(figure, lambda axis: vae_picture(axis, *seen, upright=True)) == []
    assert {text.get_text() for text in axis.texts} == before and len(axis.images) == 2
    wide, high = size(figure)
    assert 1.6 < high / wide < 1.9


def test_what_is_shown_carries_its_narrow_form(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, metadata, raw: shown.append((data, metadata)))
    plots.show(curves()[0], alt="Two straight lines that rise")
    ((data, about),) = shown
    assert set(data) == {"image/png", "text/plain"}  # one picture, wherever no page is dressed
    assert set(about["image/png"]["narrow"]) == {"light", "dark", "crowded"}
