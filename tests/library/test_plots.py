"""Static figures: the dark picture is the light one with every colour of the palette exchanged, arrows included."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from lvm_lib import plots
from lvm_lib.plots.show import recolour
from lvm_lib.plots.vae_picture import vae_picture

matplotlib.use("agg")


def drawn():
    figure, axis = plots.subplots()
    axis.plot([0, 1], [0, 1], color=plots.colour("q"))
    axis.fill_between([0, 1], [0, 1], color=plots.colour("data"))
    axis.text(0.5, 0.5, "words", color=plots.colour("ink"))
    note = axis.annotate("", xy=(1, 1), xytext=(0, 0), arrowprops={"arrowstyle": "->", "color": plots.colour("muted")})
    axis.annotate("K", (0.2, 0.2), arrowprops={"arrowstyle": "-", "color": "#123456"})
    return figure, axis, note


def test_an_arrow_turns_dark_with_its_figure():
    figure, _, note = drawn()
    assert to_hex(note.arrow_patch.get_edgecolor()) == plots.colour("muted")
    recolour(figure)
    assert to_hex(note.arrow_patch.get_edgecolor()) == plots.colour("muted", dark=True)


def test_no_colour_of_the_light_palette_is_left_and_others_stay():
    figure, axis, _ = drawn()
    recolour(figure)
    pairs = [*plots.palette.SURFACES.values(), *plots.palette.QUANTITIES.values()]
    lights = {light for light, dark in pairs} - {dark for light, dark in pairs}
    patches = [note.arrow_patch for note in axis.texts if getattr(note, "arrow_patch", None)]
    shown = {to_hex(line.get_color()) for line in axis.lines} | {to_hex(text.get_color()) for text in axis.texts}
    shown |= {to_hex(patch.get_edgecolor()) for patch in patches} | {
        to_hex(axis.get_facecolor()),
        to_hex(figure.get_facecolor()),
    }
    assert not shown & lights
    assert "#123456" in shown


def test_a_figure_without_a_description_is_refused():
    figure, *_ = drawn()
    with pytest.raises(ValueError, match="alt must describe the figure"):
        plots.show(figure, alt="a curve")


def pictured():
    figure, axis = plots.subplots(height=4.1)
    vae_picture(axis, np.eye(28), np.full((28, 28), 0.5))
    figure.draw_without_rendering()
    return figure, axis


def test_the_words_of_the_vae_picture_lie_inside_it_and_apart():
    figure, axis = pictured()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) >= 14
    for k, box in enumerate(boxes):
        assert axis.get_window_extent().containsx(box.x0) and axis.get_window_extent().containsx(box.x1)
        assert axis.get_window_extent().containsy(box.y0) and axis.get_window_extent().containsy(box.y1)
        assert not [axis.texts[j].get_text() for j in range(k) if box.overlaps(boxes[j])], axis.texts[k].get_text()
    recolour(figure)
    lights = {light for light, _ in [*plots.palette.SURFACES.values(), *plots.palette.QUANTITIES.values()]}
    assert not {to_hex(text.get_color()) for text in axis.texts} & (lights - {plots.colour("ground", dark=True)})


def test_the_vae_picture_refuses_what_is_no_picture():
    _, axis = plots.subplots()
    with pytest.raises(ValueError, match=r"decoded must be one picture \(h, w\), got shape \(784,\)"):
        vae_picture(axis, np.eye(28), np.zeros(784))
