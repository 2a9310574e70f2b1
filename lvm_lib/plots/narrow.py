"""The narrow form of a drawing: laid out anew for a phone's column, in type of the same size as on a wide page.

Shrunk to a phone's width, a drawing of one panel would have letters 5 px high. So it is drawn a second time: the axes
take the whole column, the title is broken into lines, and the legend stands between title and axes, on no data. What is
still not read well is its author's: `crowded` names the words that are cut, or lie on others or on a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from .ink import FRAME

WIDTH = 280 / 96  # inches: the column of a phone that is 320 CSS pixels wide
DPI = 240  # a wider phone shows it a quarter larger, at two pixels to one of CSS
LEAST = 9.0  # points, 12 CSS pixels: smaller type is set in this size
FLATTER = 0.68  # the height of the axes, as a part of the wide figure's
EDGE, GAP = 0.03, 0.08  # inches: around all of it, and between title, legend and axes
TOUCH = 0.14  # so much of the height of a word's box is no ink, above and below


def panel(figure: Figure) -> Axes | None:
    """The panel of a figure that has a narrow form; None where it has several, is narrow, or is a strip of images."""
    axes = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    if len(axes) != 1 or axes[0].name != "rectilinear" or figure.get_size_inches()[0] <= WIDTH:
        return None
    drawn = [*axes[0].lines, *axes[0].patches, *axes[0].collections, *axes[0].texts]
    marks = [mark for mark in drawn if mark.get_gid() != FRAME]
    return None if axes[0].images and not marks else axes[0]


def narrowed(figure: Figure, adjust: Callable[[Axes], object] | None = None) -> list[str]:
    """Lay a drawing of one panel out anew for a phone's column; says which of its words are not read well there.

    adjust: changes what the panel itself wants otherwise there: fewer ticks, a label at another place; the height
    that it gives the figure is that of the axes. Raises ValueError for a figure that has no narrow form.
    """
    axis = panel(figure)
    if axis is None:
        raise ValueError("only a drawing of one panel, wider than a phone's column, has a narrow form")
    figure.set_dpi(DPI)
    figure.set_size_inches(WIDTH, FLATTER * figure.get_figheight())
    engine = ConstrainedLayoutEngine(w_pad=EDGE, h_pad=EDGE)
    figure.set_layout_engine(engine)
    if adjust is not None:
        adjust(axis)
    for text in figure.findobj(Text):
        text.set_fontsize(max(LEAST, text.get_fontsize()))
    tall = _height(axis, figure.get_figheight())
    head = [part for part in (_title(figure, axis), _legend(figure, axis)) if part is not None]
    figure.draw_without_rendering()
    for label, room in ((axis.xaxis.label, axis.bbox.width), (axis.yaxis.label, tall * DPI)):
        label.set_text(broken(label.get_text(), room, _measure(label)))
    _stack(figure, engine, head, axis, tall)
    return crowded(figure)


def broken(text: str, room: float, width: Callable[[str], float]) -> str:
    """`text` in as few lines as fit into `room`, as even as they can be; width: of one line.

    Breaks are at spaces that stand in no formula. A word that is wider than `room` has a line of its own.
    """
    words = re.findall(r"(?:\$[^$]*\$|\S)+", text)
    if not words or width(" ".join(words)) <= room:
        return " ".join(words)

    def filled(limit: float) -> list[str]:
        lines = [words[0]]
        for word in words[1:]:
            longer = f"{lines[-1]} {word}"
            lines[-1:] = [longer] if width(longer) <= limit else [lines[-1], word]
        return lines

    lines = filled(room)
    narrower = [filled(part * room) for part in np.arange(0.5, 1, 0.02)]
    return "\n".join(next((tried for tried in narrower if len(tried) == len(lines)), lines))


def crowded(figure: Figure) -> list[str]:
    """What is not read well in a figure of one panel as it is laid out: words cut, on other words, or on a line."""
    figure.draw_without_rendering()
    boxes = [(text, _ink(text, figure.dpi)) for text in _words(figure)]
    whole = figure.bbox
    found = [
        f"{text.get_text()!r} is cut at the edge"
        for text, box in boxes
        if box.x0 < whole.x0 or box.x1 > whole.x1 or box.y0 < whole.y0 or box.y1 > whole.y1
    ]
    for at, (text, box) in enumerate(boxes):
        found += [f"{text.get_text()!r} lies on {other.get_text()!r}" for other, its in boxes[:at] if box.overlaps(its)]
    for axis in figure.axes:
        paths = [line.get_transform().transform_path(line.get_path()) for line in axis.lines if line.get_visible()]
        for text, box in boxes:
            if text in axis.texts and any(path.intersects_bbox(box, filled=False) for path in paths):
                found.append(f"{text.get_text()!r} lies on a line")
    return found


def _words(figure: Figure) -> Iterator[Text]:
    """All words that are drawn: without those of ticks beyond an axis' end."""
    beyond = {
        label
        for axis in figure.findobj(Axes)
        for one in (axis.xaxis, axis.yaxis)
        for tick in [*one.get_major_ticks(), *one.get_minor_ticks()]
        for label in (tick.label1, tick.label2)
        if not (axis.axison and one.get_visible() and _within(tick.get_loc(), one.get_view_interval()))
    }
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in beyond:
            yield text


def _within(at: float, ends: tuple[float, float]) -> bool:
    low, high = sorted(ends)
    room = 1e-6 * (high - low)
    return low - room <= at <= high + room


def _ink(text: Text, dpi: float) -> Bbox:
    """The box of a text's letters in pixels, without its arrow."""
    box = Text.get_window_extent(text) if isinstance(text, Annotation) else text.get_window_extent()
    line = TOUCH * float(text.get_fontsize()) / 72 * dpi
    return Bbox.from_extents(box.x0 + 1, box.y0 + line, box.x1 - 1, box.y1 - line)


def _measure(text: Text) -> Callable[[str], float]:
    """The width in pixels that a line would have in the type of `text`, however that is turned."""

    def width(line: str) -> float:
        other = Text(0, 0, line, fontproperties=text.get_fontproperties(), figure=text.get_figure())
        return other.get_window_extent().width

    return width


def _title(figure: Figure, axis: Axes) -> Text | None:
    """The panel's title as a text of the figure, broken into lines; None where there is none."""
    said = [words for place in ("left", "center", "right") if (words := axis.get_title(place))]
    if not said:
        return None
    written = [part for part in axis.get_children() if isinstance(part, Text) and part.get_text() in said]
    words, model = " ".join(said), written[0]
    for one in written:
        one.set_text("")
    title = figure.text(0, 1, words, fontproperties=model.get_fontproperties(), color=model.get_color(), va="top")
    title.set_text(broken(words, (WIDTH - 2 * EDGE) * DPI, _measure(title)))
    title.set_linespacing(1.25)
    return title


def _legend(figure: Figure, axis: Axes) -> Legend | None:
    """The panel's legend as one of the figure, in two columns where they fit; None where there is none."""
    old = axis.get_legend()
    if old is None:
        return None
    handles, labels = axis.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    said = [text.get_text() for text in old.get_texts()]
    parts = {words: known.get(words, seen) for words, seen in zip(said, old.legend_handles, strict=True)}
    signs = {words: sign for words, sign in parts.items() if sign is not None}
    style = {"fontsize": old.get_texts()[0].get_fontsize(), "title": old.get_title().get_text() or None}
    spaces = {"borderaxespad": 0, "borderpad": 0, "handlelength": 2.2, "columnspacing": 1.2, "labelspacing": 0.35}
    old.remove()
    for columns in (2, 1):
        made = figure.legend(list(signs.values()), list(signs), loc="upper left", ncols=columns, **style, **spaces)
        if columns == 1 or made.get_window_extent().width <= (WIDTH - 2 * EDGE) * DPI:
            return made
        made.remove()
    return None


def _height(axis: Axes, usual: float) -> float:
    """The height of the axes in inches: a diagram's follows from its own units."""
    if axis.axison or axis.get_aspect() == "auto":
        return usual
    across, up = np.ptp(axis.get_xlim()), np.ptp(axis.get_ylim())
    return float((WIDTH - 2 * EDGE) * up / across)


def _stack(figure: Figure, engine: ConstrainedLayoutEngine, head: list, axis: Axes, tall: float) -> None:
    """Set the parts of `head` one below the other, and below them the axes, `tall` inches high."""
    heights = [part.get_window_extent().height / DPI for part in head]
    above = sum(height + GAP for height in heights) + EDGE * bool(head)
    around = 2 * EDGE
    for _ in range(3):  # what stands around the axes may change with their height
        total = np.ceil((above + tall + around) * 48) / 48  # whole CSS pixels, by two
        figure.set_size_inches(WIDTH, total)
        engine.set(rect=(0, 0, 1, (total - above) / total))
        figure.draw_without_rendering()
        around = total - above - axis.bbox.height / DPI if axis.axison else around
    top = total - EDGE
    for part, height in zip(head, heights, strict=True):
        at = (EDGE / WIDTH, top / total)
        if isinstance(part, Legend):
            part.set_bbox_to_anchor(at, transform=figure.transFigure)
        else:
            part.set_position(at)
        part.set_in_layout(False)
        top -= height + GAP
