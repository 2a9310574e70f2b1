"""A page of nothing but live figures, made as the book makes its own: host script, bundles, side files, styles."""

import base64
import shutil
from pathlib import Path

from built_book import ROOT
from ipywidgets.widgets.widget import _remove_buffers

from lvm_lib.figures import LiveFigure
from lvm_lib.figures.base import stylesheet
from tools import runs


def written(folder: Path, shown: list[LiveFigure], theme: str = "light") -> Path:
    """Write a page that shows these figures, in this order, to `folder`; its address."""
    statics = folder / "_static" / "figures"
    statics.mkdir(parents=True)
    shutil.copy(ROOT / "assets" / "host.js", folder / "_static" / "host.js")
    held, hosts = {}, ""
    for number, figure in enumerate(shown, 1):
        identity, name = f"small-{number}", figure.name
        shutil.copy(ROOT / "lvm_lib" / "figures" / "bundle" / f"{name}.js", statics / f"{name}.js")
        state, paths, buffers = _remove_buffers(figure.get_state())
        model = {
            "state": state,
            "buffers": [
                {"path": path, "data": base64.b64encode(raw).decode()} for path, raw in zip(paths, buffers, strict=True)
            ],
        }
        (folder / f"{identity}.js").write_text(runs.state_file(identity, name, model, held), encoding="utf-8")
        hosts += f'<div data-lvm-live="{name}" data-lvm-id="{identity}" data-lvm-state="{identity}.js"></div>'
    page = folder / "index.html"
    page.write_text(
        f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>A small page</title>'
        f'<meta name="viewport" content="width=device-width"><style>{stylesheet()}</style><main>{hosts}</main>'
        '<script src="_static/host.js"></script></html>',
        encoding="utf-8",
    )
    return page
