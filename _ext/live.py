"""Live figures in a page: an element with a still picture, and a side file that brings the figure to life.

A widget's state never stands in the page. It goes to `_figures/<chapter>-<n>.js`, a classic script (the only kind that
a browser loads from file://), which assets/host.js fetches when the figure comes near the window. All of it comes from
a chapter's stored run; nothing is drawn or packed here.
"""

from __future__ import annotations

import base64
import html
import json
import struct

import panels

from tools import chapters, pictures, runs
from tools.keys import ROOT

# The room that a figure takes, by its own width in CSS pixels: a layout's matter, so no stored run hangs on it.
# `python -m tools.room --write` measures it; "chapter/name" stands where a chapter's figure differs from its kind.
ROOM = json.loads((ROOT / "assets" / "room.json").read_text(encoding="utf-8"))
BANDS = {"a": (280, 350), "b": (350, 600), "c": (712, 782), "d": (808, 808), "e": (944, 980)}  # one layout each
WORDS = 0.88  # the size of a title's words on a narrow screen: 13 px high letters
PHONE = "screen and (max-width: 40rem)"  # where a picture's narrow form is shown, and panels are stacked (book.css)
NARROW_DENSITY = 2.5  # pixels of a narrow picture to one of CSS: 240 to the inch, of which each is 96 of CSS
SIDE_FILES = ROOT / "_build" / "side"


def page_notebook(notebook: dict, run: runs.Run, docname: str) -> dict:
    """The notebook as the page shows it, with a run's outputs: live figures and pictures as elements, files beside."""
    page, chapter = json.loads(json.dumps(notebook)), docname.rsplit("/", 1)[-1]
    page["metadata"].pop("widgets", None)
    cells = {cell["id"]: cell for cell in runs.code_cells(page)}
    for cell in cells.values():
        cell["outputs"] = [without_view(output) for output in runs.shown_outputs(cell, run)]
    SIDE_FILES.mkdir(parents=True, exist_ok=True)
    for old in SIDE_FILES.glob(f"{chapter}-*"):
        old.unlink()
    for name, raw in run.files.items():
        (SIDE_FILES / name).write_bytes(raw)
    for entry in run.shown:
        outputs = cells[entry["cell"]]["outputs"] if entry["cell"] in cells else []
        if entry["output"] >= len(outputs):
            continue  # an exercise that a reader has answered otherwise
        outputs[entry["output"]] = shown(entry, outputs[entry["output"]], run, docname)
    return page


def without_view(output: dict) -> dict:
    """An output without the view of a widget: in a notebook that a reader saved, the model that it names is gone."""
    data = {kind: value for kind, value in output.get("data", {}).items() if kind != runs.WIDGET_VIEW}
    return {**output, "data": data} if "data" in output else output


def shown(entry: dict, output: dict, run: runs.Run, docname: str) -> dict:
    """What stands in the page for an output that is more than text."""
    meta = output.get("metadata", {}).get("image/png", {})
    light = picture_of(output)
    depth = docname.count("/")
    if entry["kind"] == "kernel":
        element = kernel_element(docname)
    elif entry["kind"] == "figure":
        if light:
            (SIDE_FILES / f"{entry['id']}.png").write_bytes(light)
        room = ROOM.get(f"{docname.rsplit('/', 1)[-1]}/{entry['name']}") or ROOM.get(entry["name"], entry["room"])
        element = figure_element(entry["id"], entry["name"], light, meta.get("alt", ""), depth, room)
    else:
        narrow = run.files.get(entry["id"] + runs.NARROW)
        forms = {
            "light": light,
            "dark": in_the_dark(light, entry.get("dark")),
            "narrow-light": narrow,
            "narrow-dark": in_the_dark(narrow, entry.get("narrow")),
        }
        element = picture_element(entry["id"], forms, meta["alt"], depth)
    return {**output, "data": {"text/html": element}, "metadata": {}}


def picture_of(output: dict) -> bytes | None:
    """The PNG of an output; None where it has none."""
    text = output.get("data", {}).get("image/png")
    return base64.b64decode("".join(text)) if text else None


def in_the_dark(picture: bytes | None, colours: str | None) -> bytes | None:
    """A stored picture in its colours on a dark ground, which are in base64; None where one of the two is missing."""
    return pictures.recoloured(picture, base64.b64decode(colours)) if picture and colours else None


def size(picture: bytes, density: float = 2) -> str:
    """Attributes of an image element: its size in CSS pixels, of which each is `density` of the picture's long."""
    width, height = struct.unpack(">II", picture[16:24])
    return f'width="{width / density:.0f}" height="{height / density:.0f}"'


def figure_element(identity: str, name: str, picture: bytes | None, alt: str, depth: int, room) -> str:
    """The element that the host script fills: until then, and without JavaScript, a picture.

    room: heights to keep free, by the figure's width; or two, on a phone and in the text column.
    """
    base = "../" * depth + f"_figures/{identity}"
    still = ""
    if picture:
        still = (
            f'<img class="lvm-still" src="{base}.png" {size(picture)} '
            f'alt="{html.escape(alt, quote=True)}" loading="lazy">'
        )
    return (
        f'<div class="lvm-live" id="live-{identity}" style="{kept_free(room)}" '
        f'data-lvm-live="{html.escape(name)}" data-lvm-id="{identity}" data-lvm-state="{base}.js">'
        f'{still}<noscript><p class="lvm-note">This figure computes in the page and needs JavaScript. '
        f"The picture shows its first state.</p></noscript></div>"
    )


def kept_free(room) -> str:
    """The heights to keep free as a style: within each band of widths they follow the width."""
    if not isinstance(room, dict):
        narrow, wide = room
        room = {str(width): narrow if band in "ab" else wide for band, widths in BANDS.items() for width in widths}
    said = []
    for band, (left, right) in BANDS.items():
        low, high = room[str(left)], room[str(right)]
        slope = (high - low) / max(1, right - left)
        said.append(
            f"--lvm-{band}:calc({low}px + {slope:.3g}*(100cqw - {left}px))" if slope else f"--lvm-{band}:{low}px"
        )
    return ";".join(said)


def picture_element(identity: str, drawn: dict[str, bytes | None], alt: str, depth: int) -> str:
    """A static figure as files beside the page: one picture for each theme that there is, one text alternative.

    drawn: the pictures as "light" and "dark", and their narrow forms as "narrow-light" and "narrow-dark".
    """
    for form, picture in drawn.items():
        if picture:
            (SIDE_FILES / f"{identity}-{form}.png").write_bytes(picture)
    file = f"{'../' * depth}_figures/{identity}"
    themes = {theme: picture for theme in ("light", "dark") if (picture := drawn.get(theme))}
    elements = ""
    for theme, picture in themes.items():
        only = f" lvm-only-{theme}" if len(themes) > 1 else ""
        image = (
            f'<img class="lvm-picture{only}" src="{file}-{theme}.png" '
            f'{size(picture)} alt="{html.escape(alt, quote=True)}" loading="lazy">'
        )
        narrow = drawn.get(f"narrow-{theme}")
        if narrow:
            small = f'srcset="{file}-narrow-{theme}.png" {size(narrow, NARROW_DENSITY)}'
            image = f'<picture><source media="{PHONE}" {small}>{image}</picture>'
        elements += image
    has_narrow = any(drawn.get(f"narrow-{theme}") for theme in themes)
    return f'<div class="lvm-frame">{elements}</div>' + ("" if has_narrow else stacked(identity, themes))


def stacked(identity: str, themes: dict[str, bytes]) -> str:
    """The parts of a picture as a narrow screen sets them; empty where it is one panel.

    Panels stand one below the other, strips of images under the words of their titles.
    """
    picture = themes.get("light") or next(iter(themes.values()), None)
    if picture is None:
        return ""
    width, height = struct.unpack(">II", picture[16:24])
    parts = [f'<div class="lvm-panel" style="{shape}"></div>' for shape in panel_shapes(picture, width, height)]
    for line in () if parts else panels.strips(picture):
        if isinstance(line, list):
            words = "".join(f'<div style="{box_shape(box, width, height, WORDS)}"></div>' for box in line)
            parts.append(f'<div class="lvm-words">{words}</div>')
        else:
            parts.append(f'<div class="lvm-panel" style="{box_shape(line, width, height)}"></div>')
    file = f"../_figures/{identity}"  # a style sheet shows it, so its address is read from where that stands
    shown = ""
    for theme in themes:
        only = f' class="lvm-only-{theme}"' if len(themes) > 1 else ""
        shown += f'<div{only} style="--lvm-file:url({file}-{theme}.png)">{"".join(parts)}</div>'
    return f'<div class="lvm-panels" aria-hidden="true">{shown}</div>' if parts else ""


def panel_shapes(picture: bytes, width: int, height: int) -> list[str]:
    """A style for each panel of a picture: which part of its file it shows, and how large."""
    return [
        f"background-size:{100 / part:.2f}% 100%;background-position:{100 * left / (1 - part):.2f}% 0;"
        f"aspect-ratio:{part * width:.0f}/{height};max-width:{0.58 * part * width:.0f}px"
        for left, part in panels.panels(picture)
    ]


def box_shape(box: tuple[int, int, int, int], width: int, height: int, scale: float = 0) -> str:
    """The style of a box of a picture: at `scale` CSS pixels to two of the picture's, or as wide as its column."""
    left, top, wide, high = box
    across, down = 100 * left / max(1, width - wide), 100 * top / max(1, height - high)
    size = f"width:{wide / 2 * scale:.1f}px" if scale else f"max-width:{wide / 2:.0f}px"
    return (
        f"background-size:{100 * width / wide:.2f}% {100 * height / high:.2f}%;"
        f"background-position:{across:.2f}% {down:.2f}%;aspect-ratio:{wide}/{high};{size}"
    )


def kernel_element(docname: str) -> str:
    """What stands in the page for controls that only a kernel can bring to life: one line, with the ways to get one."""
    colab = chapters.colab(docname)
    other = (
        f'<a href="{html.escape(colab)}">in Colab</a>' if colab else "on any Jupyter server that has the book's folder"
    )
    return (
        f'<p class="lvm-needs-kernel">This lab trains a model, so it needs a running kernel: open '
        f"<code>{html.escape(docname)}.ipynb</code> in Jupyter (<code>make lab</code>), or {other}.</p>"
    )
