"""Run the chapters that a build needs, feed their outputs to the parser, and keep no stale page."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import live
import status
from sphinx.util import logging

from tools import chapters

SOLUTION = re.compile(r'<details class="solution">.*?</details>\n*', flags=re.S)
log = logging.getLogger(__name__)


def notebook_of(app, docname: str) -> Path | None:
    path = Path(app.env.doc2path(docname))
    return path if path.suffix == ".ipynb" else None


def outdated(app, env, added, changed, removed):
    """Pages to read again although their file is as it was: what they ran on has changed.

    The variable LVM_CHAPTER names the one chapter to bring up to date; the others keep their old key and are read
    by the next whole build.
    """
    only = os.environ.get("LVM_CHAPTER")
    key = page_key()
    keys = env.lvm_keys = getattr(env, "lvm_keys", {})
    return [
        name
        for name in env.found_docs - added
        if notebook_of(app, name) and keys.get(name) != key and (not only or name.rsplit("/", 1)[-1] == only)
    ]


def page_key() -> str:
    """What every page of a notebook depends on beside its own text."""
    return "|".join([chapters.library_key(), chapters.repository(), os.environ.get("LVM_SOLUTIONS", "yes")])


def run_chapter(app, docname: str, source: list[str]) -> None:
    """Hand the parser the executed notebook, with each live figure as an element of the page."""
    path = notebook_of(app, docname)
    if path is None:
        return
    app.env.lvm_keys = {**getattr(app.env, "lvm_keys", {}), docname: page_key()}
    notebook, _ = chapters.executed(path, say=log.info)
    if os.environ.get("LVM_SOLUTIONS", "yes") == "no":
        without_solutions(notebook)
    source[0] = json.dumps(live.page_notebook(notebook, docname))


def without_solutions(notebook) -> None:
    """Take the folded solutions out of a notebook's text (`make book SOLUTIONS=no`); hints stay."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub("", cell.source)


def finish(app, error) -> None:
    """Copy the side files of the figures beside the pages; say how long each chapter took."""
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_figures"
    shutil.rmtree(target, ignore_errors=True)
    if live.SIDE_FILES.exists():
        shutil.copytree(live.SIDE_FILES, target)
    for name, seconds in status.times():
        log.info("%8.1f s  %s", seconds, name)


def setup(app) -> None:
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", run_chapter)
    app.connect("build-finished", finish)
