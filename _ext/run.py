"""Feed the chapters with their stored runs to the parser (run one whose run is stale), and keep no stale page."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import answers
import live
import reading
from sphinx.errors import ExtensionError
from sphinx.util import logging

from tools import address, chapters, folded, keys, plain, runs

log = logging.getLogger(__name__)


def notebook_of(app, docname: str) -> Path | None:
    path = Path(app.env.doc2path(docname))
    return path if path.suffix == ".ipynb" else None


def outdated(app, env, added, changed, removed):
    """Pages to read again although their file is as it was: what they hang on has changed.

    The variable LVM_CHAPTER names the one chapter to bring up to date; the others keep their old key and are read
    by the next whole build.
    """
    only = os.environ.get("LVM_CHAPTER")
    known = env.lvm_keys = getattr(env, "lvm_keys", {})
    notebooks = {name: notebook_of(app, name) for name in env.found_docs - added}
    return [
        name
        for name, path in notebooks.items()
        if path and (not only or name.rsplit("/", 1)[-1] == only) and known.get(name) != page_key(path)
    ]


def page_key(path: Path) -> str:
    """What a chapter's page hangs on beside its own text: its run, what the run hangs on, the settings, its fields.

    The stamps of its exercises stand in the page and in a list beside all pages, which every build writes: a page that
    kept an old stamp would never be counted as answered.
    """
    about = runs.STORED / path.stem / "run.json"
    record = about.read_text(encoding="utf-8") if about.exists() else ""
    docname = path.relative_to(chapters.ROOT).with_suffix("").as_posix()
    links = [chapters.repository(), chapters.colab(docname)]
    settings = [*links, chapters.version(), str(chapters.without_solutions())]
    return keys.digest(record, json.dumps([chapters.parts(path), answers.judged(keys.read(path))]), *settings)


def run_chapter(app, docname: str, source: list[str]) -> None:
    """Hand the parser the notebook with its run's outputs, each live figure as an element of the page."""
    path = notebook_of(app, docname)
    if path is None:
        source[0] = plain.bibliography(source[0])
        return
    only = os.environ.get("LVM_CHAPTER")
    if only and docname.rsplit("/", 1)[-1] != only:  # read for its labels alone, and again by the next whole build
        notebook = address.without_link(keys.read(path))
        for cell in runs.code_cells(notebook):
            cell["outputs"] = []
        source[0] = json.dumps(plain.dressed_notebook(notebook))
        return
    app.env.lvm_keys = {**getattr(app.env, "lvm_keys", {}), docname: page_key(path)}
    try:
        notebook, run = chapters.current(path, say=log.info)
        address.without_link(notebook)
    except runs.DamagedRun as error:
        raise ExtensionError(str(error)) from None  # the message says it all
    app.env.lvm_made = {**getattr(app.env, "lvm_made", {}), docname: run.made}
    if chapters.without_solutions():
        without_solutions(notebook)
    page = live.page_notebook(plain.dressed_notebook(notebook), run, docname)
    source[0] = json.dumps(reading.with_folds(reading.with_tables(answers.with_fields(page, docname))))


def without_solutions(notebook) -> None:
    """Take the folded solutions out of a notebook's text (`make book SOLUTIONS=no`); hints stay."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = folded.without(keys.source(cell), "solution")


def finish(app, error) -> None:
    """Copy the side files of the figures beside the pages."""
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_figures"
    shutil.rmtree(target, ignore_errors=True)
    if live.SIDE_FILES.exists():
        shutil.copytree(live.SIDE_FILES, target)


def one_page(app) -> None:
    """With LVM_CHAPTER, write that page alone: in a fresh clone the others are read, for their labels, and no more."""
    only = os.environ.get("LVM_CHAPTER")
    if not only or app.builder.format != "html":
        return
    write = app.builder.write

    def write_one(build_docnames, updated_docnames, method="update"):
        write([name for name in app.env.found_docs if name.rsplit("/", 1)[-1] == only], [], method)

    app.builder.write = write_one


def setup(app) -> None:
    app.connect("builder-inited", one_page)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", run_chapter)
    app.connect("build-finished", finish)
