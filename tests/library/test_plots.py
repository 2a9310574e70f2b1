"""Static figures: the dark picture is the light one with every colour of the palette exchanged, arrows included."""

import base64
import io
import re

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from lvm_lib import plots
from lvm_lib.plots import ink, palette
from lvm_lib.plots.numerals import numerals
from lvm_lib.plots.show import in_both_themes, recolour
from lvm_lib.plots.vae_picture import vae_picture
from tools.keys import ROOT

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


def shown(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))


def test_images_are_ink_on_paper_in_both_themes_and_values_beyond_the_ends_are_clipped():
    pictures = np.repeat([[[-9.0]], [[0.0]], [[1.0]], [[9.0]]], 20, axis=1).repeat(20, axis=2)
    figure, axis = plots.subplots(height=1.9)
    plots.images(axis, pictures, columns=4, high=1.0)
    pair = in_both_themes(figure)
    middles = axis.transData.transform([(22 * k + 9.5, 9.5) for k in range(4)]) * 2  # drawn at twice the density
    for dark, picture in enumerate(map(shown, pair)):
        colours = [to_hex(picture[len(picture) - int(y), int(x)] / 255) for x, y in middles]
        paper, full = palette.SURFACES["panel"][dark], ink.INKS[dark]
        assert colours == [paper, paper, full, full]
        between = axis.transData.transform((20.5, 9.5)) * 2
        assert to_hex(picture[len(picture) - int(between[1]), int(between[0])] / 255) == plots.colour(
            "ground", bool(dark)
        )
    assert in_both_themes(figure) == pair  # it is light again


def test_each_image_has_a_frame_and_a_map_of_images_has_one():
    for gap, frames in ((2, 6), (0, 1)):
        _, axis = plots.subplots()
        plots.images(axis, np.zeros((6, 4, 5)), columns=3, gap=gap)
        (frame,) = axis.collections
        assert len(frame.get_paths()) == frames and frame.get_gid() == ink.FRAME
        assert to_hex(frame.get_edgecolor()) == plots.colour("line")


def test_nothing_draws_images_in_another_way():
    """A live figure's paper is that of the still pictures; a map of costs is no image."""
    drawing = [path.name for path in (ROOT / "lvm_lib").rglob("*.py") if ".imshow(" in path.read_text(encoding="utf-8")]
    assert sorted(drawing) == ["ink.py", "prior.py"]
    assert not [path.name for path in (ROOT / "book").glob("*.ipynb") if ".imshow(" in path.read_text(encoding="utf-8")]
    style = (ROOT / "lvm_lib" / "figures" / "figure.css").read_text(encoding="utf-8")
    (papers,) = re.findall(r"([^\n]*\.lvm-paper[^\n]*)\{ background: var\(--lvm-panel\); \}", style)
    assert {".lvm-screen", ".lvm-pixels"} <= set(re.findall(r"\.lvm-\w+", papers)) and palette.SURFACES[
        "panel"
    ] == ink.PAPERS


def test_classes_have_one_hue_each_the_same_in_python_and_in_the_page():
    script = (ROOT / "js" / "kit" / "hues.js").read_text(encoding="utf-8")
    (listed,) = re.findall(r"HUES = \[(.*?)\]", script, re.S)
    assert tuple(re.findall(r'"(#\w+)"', listed)) == palette.CLASSES
    _, axis = plots.subplots()
    numerals(axis, np.arange(8.0).reshape(4, 2), [3, 0, 3, 9], size=5)
    assert [to_hex(group.get_facecolor()[0]) for group in axis.collections] == [palette.CLASSES[k] for k in (0, 3, 9)]
    assert [len(group.get_offsets()) for group in axis.collections] == [1, 2, 1]
