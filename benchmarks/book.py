"""Building the book: from its stored runs, again, with one chapter's code changed, and with every chapter run. Seconds.

It is built in a copy of this folder by the environment that `make book` made, which installs nothing and does not touch
the copy that you read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from tools import chapters, runs

from .row import Limit, Reading, sized

CHANGED = "elbo"  # the chapter whose code is changed
LEFT_OUT = shutil.ignore_patterns(
    "_build", ".venv*", "node_modules", ".git", "__pycache__", ".pytest_cache", ".hypothesis"
)
COLD, WARM, ONE = (
    "the whole book, from its stored runs",
    "again, nothing changed",
    f"again, the code of one chapter ({CHANGED}) changed",
)
ALL, LONGEST = "all chapters", "the longest chapter"
BUILD = "from jupyter_book.cli.main import main; main()"


def python() -> str:
    """The Python of the book's own environment, or this one."""
    found = [
        path
        for path in (chapters.ROOT / ".venv" / "bin" / "python", chapters.ROOT / ".venv" / "Scripts" / "python.exe")
        if path.exists()
    ]
    return str(found[0]) if found else sys.executable


def built(folder: Path) -> float:
    """Seconds of one strict build in `folder`; raises RuntimeError where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [python(), "-c", BUILD, "build", ".", "-n", "-W", "--keep-going", "--quiet"],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the book does not build:\n{(done.stdout + done.stderr)[-3000:]}")
    return time.perf_counter() - start


def seconds_of(folder: Path) -> dict[str, float]:
    """Each chapter's seconds in the build in `folder`, in the order of the book."""
    kept = {path.stem: folder / "_build" / "runs" / path.stem for path in chapters.chapter_paths()}
    return {name: run.made["seconds"] for name, path in kept.items() if (run := runs.load(path))}


def touch(folder: Path) -> None:
    """Change the code of one chapter, not what it does."""
    path = folder / "book" / f"{CHANGED}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    last.source += "\nchanged = True"
    chapters.write(path, notebook)


def reduced(folder: Path) -> None:
    """A book of two pages, to try this out."""
    toc = f"format: jb-book\nroot: book/intro\nchapters:\n  - file: book/{CHANGED}\n"
    (folder / "_toc.yml").write_text(toc, encoding="utf-8")
    for name in {path.stem for path in (folder / "book").glob("*.ipynb")} - {"intro", CHANGED}:
        (folder / "book" / f"{name}.ipynb").unlink()
    for path in (folder / "book").glob("*.ipynb"):  # a title and the code, without links to pages that are gone
        notebook = nbformat.read(path, as_version=4)
        title = nbformat.v4.new_markdown_cell(f"# {path.stem}", id="title")
        notebook.cells = [title, *(cell for cell in notebook.cells if cell.cell_type == "code")]
        chapters.write(path, notebook)


def read() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "book"
        shutil.copytree(chapters.ROOT, folder, ignore=LEFT_OUT)
        if sized(False, True):
            reduced(folder)
            (folder / "book" / "runs").mkdir(exist_ok=True)
        cold = built(folder)
        warm = built(folder)
        touch(folder)
        one = built(folder)
        shutil.rmtree(folder / "book" / "runs")
        built(folder)  # no run is stored now: every chapter is executed
        each = seconds_of(folder)
        return {
            COLD: cold,
            WARM: warm,
            ONE: one,
            ALL: sum(each.values()),
            LONGEST: max(each.values()),
            **each,
        }


ROWS = [
    Reading(
        "the book's build",
        "What is built",
        "s",
        read,
        {ALL: Limit(ALL, "below", 360), LONGEST: Limit(LONGEST, "below", 100)},
    )
]
