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

from tools import chapters, pictures, runs
from tools.keys import ROOT

SIDE_FILES = ROOT / "_build" / "side"
NEEDS_KERNEL = "This lab trains a model, so it needs a running kernel."


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
        element = figure_element(entry["id"], entry["name"], light, meta.get("alt", ""), depth, entry["room"])
    else:
        dark = pictures.recoloured(light, base64.b64decode(entry["dark"])) if light and "dark" in entry else None
        element = picture_element(entry["id"], {"light": light, "dark": dark}, meta["alt"], depth)
    return {**output, "data": {"text/html": element}, "metadata": {}}


def picture_of(output: dict) -> bytes | None:
    """The PNG of an output; None where it has none."""
    text = output.get("data", {}).get("image/png")
    return base64.b64decode("".join(text)) if text else None


def size(picture: bytes) -> str:
    """Attributes of an image element: its size in CSS pixels, of which each holds two by two of the picture's."""
    width, height = struct.unpack(">II", picture[16:24])
    return f'width="{width // 2}" height="{height // 2}"'


def figure_element(identity: str, name: str, picture: bytes | None, alt: str, depth: int, room) -> str:
    """The element that the host script fills: until then, and without JavaScript, a picture.

    room: heights to keep free, on a phone and in the text column.
    """
    base = "../" * depth + f"_figures/{identity}"
    still = ""
    if picture:
        still = (
            f'<img class="lvm-still" src="{base}.png" {size(picture)} '
            f'alt="{html.escape(alt, quote=True)}" loading="lazy">'
        )
    narrow, wide = room
    return (
        f'<div class="lvm-live" style="--lvm-narrow:{narrow}px;--lvm-wide:{wide}px" '
        f'data-lvm-live="{html.escape(name)}" data-lvm-id="{identity}" data-lvm-state="{base}.js">'
        f'{still}<noscript><p class="lvm-note">This figure computes in the page and needs JavaScript. '
        f"The picture shows its first state.</p></noscript></div>"
    )


def picture_element(identity: str, drawn: dict[str, bytes | None], alt: str, depth: int) -> str:
    """A static figure as files beside the page: one picture for each theme that there is, one text alternative."""
    themes = {theme: picture for theme, picture in drawn.items() if picture}
    elements = ""
    for theme, picture in themes.items():
        (SIDE_FILES / f"{identity}-{theme}.png").write_bytes(picture)
        only = f" lvm-only-{theme}" if len(themes) > 1 else ""
        elements += (
            f'<img class="lvm-picture{only}" src="{"../" * depth}_figures/{identity}-{theme}.png" '
            f'{size(picture)} alt="{html.escape(alt, quote=True)}" loading="lazy">'
        )
    return f'<div class="lvm-frame">{elements}</div>'


def kernel_element(docname: str) -> str:
    """What stands in the page for controls that only a kernel can bring to life."""
    colab = chapters.colab(docname)
    link = f' <a href="{html.escape(colab)}">Open this chapter in Colab</a>, or' if colab else ""
    return (
        f'<div class="lvm-needs-kernel"><p>{NEEDS_KERNEL}{link or " To use it,"} run <code>make lab</code> in a copy '
        f"of the book and open <code>{html.escape(docname)}.ipynb</code>.</p></div>"
    )
