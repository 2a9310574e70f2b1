"""Each chapter's notebook beside its page, to download; without the solutions where the pages are built without them.

The notebook is the stored one, outputs included. Built with SOLUTIONS=no its folded solutions are gone, and its first
cell makes the checks tell a wrong number its side alone (lvm_lib/check/without_distances.py).
"""

from __future__ import annotations

import html
import json
from pathlib import Path

import answers

from tools import chapters, folded, keys


def link(docname: str, words: str) -> str:
    """A link from a chapter's page to its notebook beside it."""
    name = docname.rsplit("/", 1)[-1]
    return f'<a href="{html.escape(name)}.ipynb" download>{words}</a>'


def write(app, error) -> None:
    """Write the notebooks beside the pages, and remove those of chapters that are gone."""
    if error or app.builder.format != "html":
        return
    out, written = Path(app.outdir), set()
    for page, path in answers.notebooks(app).items():
        notebook = keys.read(path) if answers.distances() else folded.unsolved(keys.read(path))
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
        place = out / f"{page}.ipynb"
        place.write_text(text + "\n", encoding="utf-8")
        written.add(place)
    for place in set(out.rglob("*.ipynb")) - written:
        place.unlink()


def cell_on_colab(docname: str, cell: dict) -> str:
    """The address of a cell of a chapter on Colab, which names cells by their id; "" where no address is set."""
    address = chapters.colab(docname)
    return f"{address}#scrollTo={cell['id']}" if address else ""


def setup(app) -> None:
    app.connect("build-finished", write)
