"""Run the chapters: the one place where a notebook is executed, cached and written.

    python -m tools.chapters               run every chapter and write its outputs into book/
    python -m tools.chapters elbo          run one

The book's Sphinx extension asks `executed(path)` for the same runs, so that a chapter is run once for both. A run is
kept under _build/executed and is valid as long as its key is: the chapter's code, the whole library with its data,
the pinned requirements and the Python version. What is written into book/ holds outputs, but no widget state,
no view of a widget that is gone, no timing and no version of this machine.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "_build" / "executed"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
CELL_SECONDS = 300
FIRST_TAGS = ["remove-cell", "setup"]
FIRST_CELL = """\
# Finds the book's library: installed, beside this folder, or (on Colab) fetched once from the book's repository.
import importlib.util, os, pathlib, subprocess, sys

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait sleep: busy machines stay quick

if importlib.util.find_spec("lvm_lib") is None and pathlib.Path("../lvm_lib").is_dir():
    sys.path.insert(0, str(pathlib.Path("..").resolve()))
if importlib.util.find_spec("lvm_lib") is None:
    repository = "{repository}"
    if not repository:
        raise ModuleNotFoundError("lvm_lib is not here, and this copy of the book names no repository to fetch it "
                                  "from: run the chapter from its folder in a copy of the book (`make lab`).")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    f"git+{{repository}}@v{version}", "anywidget", "psygnal"], check=True)
import lvm_lib"""


def settings() -> dict:
    """The book's settings, _config.yml."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def repository() -> str:
    """The repository's address, without a trailing slash; empty while it is not set."""
    return (settings().get("repository", {}).get("url") or "").rstrip("/")


def colab(docname: str) -> str:
    """Where Colab opens a chapter.

    Empty while no address is set, or it is not on GitHub (Colab reads no other host).
    """
    found = re.fullmatch(r"https?://(?:www\.)?github\.com/([^/]+/[^/]+?)(?:\.git)?", repository())
    return f"https://colab.research.google.com/github/{found[1]}/blob/v{version()}/{docname}.ipynb" if found else ""


def version() -> str:
    """The library's version, read without importing it."""
    return re.search(r'__version__ = "(.+?)"', (ROOT / "lvm_lib" / "__init__.py").read_text())[1]


def chapter_paths() -> list[Path]:
    """The notebooks of the book, in the order of _toc.yml."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    names = re.findall(r"^\s*(?:root|-?\s*file):\s*(\S+)", toc, flags=re.M)
    return [path for name in names if (path := ROOT / f"{name}.ipynb").exists()]


def first_cell() -> str:
    """The source of every chapter's first cell."""
    return FIRST_CELL.format(repository=repository(), version=version())


# ------------------------------------------------------------------ keys


def library_key() -> str:
    """A digest of all that a chapter's outputs depend on beside its own code.

    Of a live figure its traits, not its script.
    """
    digest = hashlib.sha256(f"{sys.version_info[:3]}".encode())
    files = [
        path
        for path in (ROOT / "lvm_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".md", ".pyc", ".js", ".css"}
    ]
    for path in [ROOT / "requirements.txt", *sorted(files)]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def chapter_key(notebook, library: str) -> str:
    """A digest of the library and of a chapter's code cells with their tags."""
    code = [[cell.source, sorted(cell.metadata.get("tags", []))] for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps([library, code]).encode()).hexdigest()


# ------------------------------------------------------------------ running


def executed(path: Path, *, force: bool = False, say=print):
    """The notebook at `path` with fresh outputs and widget state, run only if no valid run is kept.

    Returns (notebook, seconds). Text, metadata and attachments are the file's own; outputs are the run's.
    Raises nbclient's CellExecutionError where a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    key = chapter_key(notebook, library_key())
    kept = CACHE / f"{path.stem}.json"
    if not force and kept.exists():
        run = kept_run(kept)
        if run.get("key") == key:
            return with_outputs(notebook, run), run["seconds"]
    say(f"running {path.stem} ...")
    start = time.perf_counter()
    outputs, widgets = run_cells(notebook, path.parent)
    seconds = time.perf_counter() - start
    run = {"key": key, "seconds": round(seconds, 1), "outputs": outputs, "widgets": widgets}
    CACHE.mkdir(parents=True, exist_ok=True)
    write_whole(kept, json.dumps(run))
    say(f"        {path.stem}: {seconds:.0f} s")
    return with_outputs(notebook, run), run["seconds"]


def kept_run(path: Path) -> dict:
    """A run that was kept, or nothing if its file is damaged: then the chapter is run again."""
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return run if isinstance(run, dict) else {}


def run_cells(notebook, folder: Path):
    """Outputs per code cell and the widgets' state, from one run in a clean kernel."""
    from nbclient import NotebookClient

    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ.setdefault("PYTHONHASHSEED", "0")
    running = copy.deepcopy(notebook)
    for cell in running.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    running.metadata.pop("widgets", None)
    NotebookClient(
        running,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    outputs = [joined_streams(cell.outputs) for cell in running.cells if cell.cell_type == "code"]
    return outputs, running.metadata.get("widgets", {}).get(WIDGET_STATE, {"state": {}})


def joined_streams(outputs: list) -> list:
    """The outputs with neighbouring pieces of one stream joined: how they arrive is chance."""
    joined: list = []
    for output in outputs:
        output = json.loads(json.dumps(output))
        if output["output_type"] == "stream" and joined and joined[-1].get("name") == output["name"]:
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def with_outputs(notebook, run: dict):
    """A copy of `notebook` with a run's outputs and widget state."""
    filled = copy.deepcopy(notebook)
    code = [cell for cell in filled.cells if cell.cell_type == "code"]
    for number, (cell, outputs) in enumerate(zip(code, run["outputs"], strict=True), start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.from_dict(renumbered(output, number)) for output in outputs]
    filled.metadata["widgets"] = {WIDGET_STATE: run["widgets"]}
    return filled


def renumbered(output: dict, number: int) -> dict:
    return {**output, "execution_count": number} if output["output_type"] == "execute_result" else output


# ------------------------------------------------------------------ writing


def stored(notebook):
    """The notebook as it is kept in book/: outputs, but nothing of this run or machine."""
    clean = copy.deepcopy(notebook)
    clean.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **{
                name: value
                for name, value in notebook.metadata.items()
                if name not in {"kernelspec", "language_info", "widgets"}
            },
        }
    )
    for cell in clean.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if WIDGET_VIEW in output.get("data", {}):  # the model it names dies with the kernel; the picture stays
                del output["data"][WIDGET_VIEW]
            output.get("metadata", {}).get("image/png", {}).pop("dark", None)  # drawn anew for the page
    return clean


def write(path: Path, notebook) -> None:
    """Write `notebook` to `path`, in one move and in one layout."""
    nbformat.validate(notebook)
    write_whole(path, json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write all of `text` to `path`, or leave what is there: on a full disk, or where two write at once."""
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def with_first_cell(path: Path) -> None:
    """Give the chapter at `path` the one first cell; all else stays as its author left it."""
    notebook = nbformat.read(path, as_version=4)
    cell = notebook.cells[0] if notebook.cells else None
    if cell is None or "setup" not in cell.metadata.get("tags", []):
        cell = nbformat.v4.new_code_cell(id="setup")
        notebook.cells.insert(0, cell)
    if cell.source != first_cell() or cell.metadata.get("tags") != FIRST_TAGS:
        cell.source, cell.metadata["tags"] = first_cell(), list(FIRST_TAGS)
        write(path, notebook)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run chapters and write their outputs into book/.")
    parser.add_argument("chapters", nargs="*", help="names such as elbo; all of them if none is given")
    names = parser.parse_args().chapters
    paths = chapter_paths()
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        parser.error(f"no such chapter: {', '.join(sorted(unknown))}; there are {', '.join(p.stem for p in paths)}")
    for path in paths:
        if not names or path.stem in names:
            with_first_cell(path)
            notebook, _ = executed(path, force=True)
            write(path, stored(notebook))


if __name__ == "__main__":
    main()
