"""Static figures: the dark picture is the light one with every colour of the palette exchanged, arrows included."""

import matplotlib
import pytest
from matplotlib.colors import to_hex

from lvm_lib import plots
from lvm_lib.plots.show import recolour

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
