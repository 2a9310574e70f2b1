"""The parts of a static picture, so that a narrow screen can set them anew: panels, titles, strips of images.

Such a picture is drawn once, for a wide page (one of a single panel twice: lvm_lib/plots/narrow.py). Where a column of
nothing separates its panels, a narrow page shows the same file once for each panel, cut by style alone: nothing is
drawn or stored twice. Strips of images keep their size in the column, long ones in two halves; the words of their
titles are cut out and set like words, since at the width of a phone a title would be 7 px high.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

GUTTER = 5  # CSS pixels of nothing between two panels, at least
LABEL = 24  # CSS pixels: what is narrower is an axis' label, and belongs to what follows
IMAGES = 0.35  # a picture with more ink than this is a strip of images, whose titles stand above several
TITLE = 22  # CSS pixels: what is not higher is a line of words above a strip of images
SPACE = 3.5  # CSS pixels of nothing between two words of a title, at least
LONG = 10  # a strip with more images than this is cut in two, if it has at most two rows
SOLID = 0.8  # of a strip's images, at least so much differs from the ground
NARROWEST = 140  # CSS pixels of a panel: what is narrower (a colour bar, an axis) goes with its nearer neighbour


def panels(picture: bytes) -> list[tuple[float, float]]:
    """Left edge and width of each panel as parts of the picture's width, from left to right; empty where it is one."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"), dtype=int)
    inked_at = abs(pixels - pixels[0, 0]) > 2
    empty = ~inked_at.any(axis=0)
    inked = np.flatnonzero(~empty)
    if not len(inked) or inked_at.mean() > IMAGES:
        return []
    breaks = np.flatnonzero(np.diff(inked) > 2 * GUTTER)  # two pixels of the picture to one of CSS
    starts, ends = inked[[0, *(breaks + 1)]], inked[[*breaks, -1]] + 1
    found = [list(edges) for edges in zip(starts.tolist(), ends.tolist(), strict=True)]
    while len(found) > 1 and min(end - start for start, end in found) < 2 * NARROWEST:
        at = min(range(len(found)), key=lambda k: found[k][1] - found[k][0])
        before = found[at][0] - found[at - 1][1] if at else np.inf
        behind = found[at + 1][0] - found[at][1] if at + 1 < len(found) else np.inf
        is_label = found[at][1] - found[at][0] < 2 * LABEL
        left = at - 1 if before <= behind and not (is_label and behind < np.inf) else at
        found[left : left + 2] = [[found[left][0], found[left + 1][1]]]
    width = pixels.shape[1]
    room = GUTTER
    cut = [
        (max(0, start - room) / width, (min(width, end + room) - max(0, start - room)) / width) for start, end in found
    ]
    return cut if 2 <= len(cut) <= 4 else []


def runs(there: np.ndarray, apart: float = 0) -> list[tuple[int, int]]:
    """Where a row of yes and no says yes: (start, end) of each run, gaps up to `apart` not counted."""
    at = np.flatnonzero(there)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > max(1, apart))
    starts, ends = at[[0, *(breaks + 1)]], at[[*breaks, -1]] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def strips(picture: bytes) -> list[list[tuple[int, int, int, int]] | tuple[int, int, int, int]]:
    """The lines of a picture of titled strips of images, from the top; empty for any other picture.

    A title is a list of its words, a strip a box; boxes are (left, top, width, height) in the picture's pixels.
    """
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"), dtype=int)
    inked = abs(pixels - pixels[0, 0]) > 2
    if inked.mean() <= IMAGES:
        return []
    lines: list = []
    for top, end in runs(inked.any(axis=1)):
        if end - top <= 2 * TITLE:
            words = runs(inked[top:end].any(axis=0), 2 * SPACE)
            lines.append([(left, top, right - left, end - top) for left, right in words])
        elif lines and isinstance(lines[-1], tuple):  # the next row of the same strip
            lines[-1] = (lines[-1][0], end, lines[-1][2] + 1)
        else:
            lines.append((top, end, 1))
    found: list = []
    for line in lines:
        if isinstance(line, list):
            found.append(line)
            continue
        top, end, rows = line
        images = runs(inked[top:end].any(axis=0))
        if np.mean([inked[top:end, left:right].mean() for left, right in images]) < SOLID:
            return []
        middle = len(images) // 2
        halves = [images[:middle], images[middle:]] if len(images) > LONG and rows <= 2 else [images]
        found += [(half[0][0], top, half[-1][1] - half[0][0], end - top) for half in halves]
    return found
