"""Live figures in a page: an element with a still picture, and a side file that brings the figure to life.

A widget's state never stands in the page. It goes to `_figures/<chapter>-<n>.js`, a classic script (the only kind that
a browser loads from file://), which assets/host.js fetches when the figure comes near the window.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import struct

import nbformat
from PIL import Image

from lvm_lib.figures import by_name
from tools import chapters
from tools.chapters import CACHE, WIDGET_STATE, WIDGET_VIEW

SIDE_FILES = CACHE / "figures"
HIDDEN_TRAITS = (
    "_esm",
    "_css",
    "_dom_classes",
    "_model_module",
    "_model_module_version",
    "_model_name",
    "_view_module",
    "_view_module_version",
    "_view_name",
    "_view_count",
    "_anywidget_id",
    "layout",
    "tabbable",
    "tooltip",
)
NEEDS_KERNEL = "This lab trains a model, so it needs a running kernel."


def page_notebook(notebook, docname: str):
    """The notebook as the page shows it.

    Widget views replaced by live figures, or by a sentence that says what they need.
    """
    page = nbformat.from_dict(json.loads(json.dumps(notebook)))
    models = page.metadata.pop("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    chapter, figures, pictures = docname.rsplit("/", 1)[-1], 0, 0
    SIDE_FILES.mkdir(parents=True, exist_ok=True)
    for old in SIDE_FILES.glob(f"{chapter}-*"):
        old.unlink()
    for cell in page.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if WIDGET_VIEW not in data:
                if "alt" in output.get("metadata", {}).get("image/png", {}):
                    pictures += 1
                    shown = picture_element(f"{chapter}-p{pictures}", output, docname.count("/"))
                    output["data"], output["metadata"] = {"text/html": shown}, {}
                continue
            model = models.get(data[WIDGET_VIEW]["model_id"], {})
            name = figure_name(model.get("state", {}))
            if name:
                figures += 1
                identity = f"{chapter}-{figures}"
                alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                write_side_files(identity, name, model, data.get("image/png"))
                room = model["state"].get("room") or by_name(name).heights
                shown = figure_element(identity, name, data.get("image/png"), alt, docname.count("/"), room)
            else:
                shown = kernel_element(docname)
            output["data"] = {"text/html": shown}
            output["metadata"] = {}
    return page


def figure_name(state: dict) -> str:
    """The name of one of the book's live figures, from the last line of its module; empty for any other widget."""
    last = re.search(r"export default lvm_(\w+)\.default;\s*$", state.get("_esm") or "")
    return last[1] if last else ""


def write_side_files(identity: str, name: str, model: dict, picture: str | None) -> None:
    """The figure's traits (buffers in base64) as a script, and its still picture."""
    traits = {key: value for key, value in model["state"].items() if key not in HIDDEN_TRAITS}
    buffers = [{"path": item["path"], "data": item["data"]} for item in model.get("buffers", [])]
    state = json.dumps(
        {"figure": name, "traits": traits, "buffers": buffers},
        ensure_ascii=True,
        allow_nan=False,
        separators=(",", ":"),
    )
    (SIDE_FILES / f"{identity}.js").write_text(f"lvmFigureState({json.dumps(identity)},{state});\n", encoding="utf-8")
    if picture:
        (SIDE_FILES / f"{identity}.png").write_bytes(lighter(base64.b64decode(picture)))


def lighter(picture: bytes) -> bytes:
    """The same PNG in 256 colours, where that is smaller.

    A still is loaded beside its figure, and seen until that lives.
    """
    with Image.open(io.BytesIO(picture)) as image:
        if image.convert("RGBA").getextrema()[3][0] < 255:
            return picture
        found = io.BytesIO()
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(found, "PNG", optimize=True)
    return min(picture, found.getvalue(), key=len)


def figure_element(identity: str, name: str, picture: str | None, alt: str, depth: int, room) -> str:
    """The element that the host script fills: until then, and without JavaScript, a picture.

    room: heights to keep free, on a phone and in the text column.
    """
    base = "../" * depth + f"_figures/{identity}"
    still = ""
    if picture:
        width, height = struct.unpack(">II", base64.b64decode(picture)[16:24])
        still = (
            f'<img class="lvm-still" src="{base}.png" width="{width // 2}" height="{height // 2}" '
            f'alt="{html.escape(alt, quote=True)}" loading="lazy">'
        )
    narrow, wide = room
    return (
        f'<div class="lvm-live" style="--lvm-narrow:{narrow}px;--lvm-wide:{wide}px" '
        f'data-lvm-live="{html.escape(name)}" data-lvm-id="{identity}" data-lvm-state="{base}.js">'
        f'{still}<noscript><p class="lvm-note">This figure computes in the page and needs JavaScript. '
        f"The picture shows its first state.</p></noscript></div>"
    )


def picture_element(identity: str, output: dict, depth: int) -> str:
    """A static figure as files beside the page: one picture for each theme, one text alternative."""
    meta = output["metadata"]["image/png"]
    themes = {"light": output["data"]["image/png"], **({"dark": meta["dark"]} if "dark" in meta else {})}
    shown = ""
    for theme, picture in themes.items():
        raw = base64.b64decode(picture)
        (SIDE_FILES / f"{identity}-{theme}.png").write_bytes(raw)
        width, height = struct.unpack(">II", raw[16:24])
        only = f" lvm-only-{theme}" if len(themes) > 1 else ""
        shown += (
            f'<img class="lvm-picture{only}" src="{"../" * depth}_figures/{identity}-{theme}.png" width="{width // 2}" '
            f'height="{height // 2}" alt="{html.escape(meta["alt"], quote=True)}" loading="lazy">'
        )
    return f'<div class="lvm-frame">{shown}</div>'


def kernel_element(docname: str) -> str:
    """What stands in the page for controls that only a kernel can bring to life."""
    colab = chapters.colab(docname)
    link = f' <a href="{html.escape(colab)}">Open this chapter in Colab</a>, or' if colab else ""
    return (
        f'<div class="lvm-needs-kernel"><p>{NEEDS_KERNEL}{link or " To use it,"} run <code>make lab</code> in a copy '
        "of "
        f"the book and open <code>{html.escape(docname)}.ipynb</code>.</p></div>"
    )
