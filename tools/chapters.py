"""Run the chapters: the one place where a notebook is executed and written.

    python -m tools.chapters               run every chapter: outputs into book/, the rest of the run into book/runs/
    python -m tools.chapters elbo          run one
    python -m tools.chapters --keep elbo   after a change that alters nothing that is compared: run it, keep what is
                                           stored, and renew only what the stored run hangs on
    python -m tools.chapters --check       run them and list how they differ from what is stored; write nothing
    python -m tools.chapters --stale       run nothing; name the chapters whose stored run is stale, and why

The book is rendered from stored runs (tools/runs.py): a build executes a chapter only where its run is stale, says why,
and keeps that run under _build/runs. What is written into book/ holds outputs, but no widget state, no view of a widget
that is gone, no timing and no version of this machine.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import json
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version as installed
from pathlib import Path

import nbformat
import yaml

from tools import keys, runs
from tools.keys import ROOT

PYTHON = platform.python_version()
VERSIONS = ("jupyter-book", "torch", "numpy", "scipy", "matplotlib", "anywidget", "ipywidgets")  # named with a run
LOADED = "import sys; print(*(name for name in sys.modules if name.split('.')[0] == 'lvm_lib'))"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
CELL_SECONDS = 1800  # of a cell, at most: room for a machine ten times slower, and an end to a hang
FIRST_TAGS = ["remove-cell", "setup"]
FIRST_CELL = """\
# Finds the book's library: installed, beside this folder, or (on Colab) fetched once from the book's repository.
import importlib.util, os, pathlib, shutil, subprocess, sys

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait sleep: busy machines stay quick

if importlib.util.find_spec("lvm_lib") is None and pathlib.Path("../lvm_lib").is_dir():
    sys.path.insert(0, str(pathlib.Path("..").resolve()))
if importlib.util.find_spec("lvm_lib") is None:
    repository = "{repository}"
    if not repository:
        raise ModuleNotFoundError("lvm_lib is not here, and this copy of the book names no repository to fetch it "
                                  "from: run the chapter from its folder in a copy of the book (`make lab`), or "
                                  "install the wheel that you got with it (`pip install lvm_lib-...whl`).")
    if shutil.which("git") is None:
        raise ModuleNotFoundError(f"lvm_lib is not here, and without git it cannot be fetched from {{repository}}.")
    print(f"Fetching the book's library from {{repository}}; torch and numpy stay as they are ...")
    asked = subprocess.run(["git", "ls-remote", "--exit-code", repository, "refs/tags/v{version}"], text=True,
                           capture_output=True, env={{**os.environ, "GIT_TERMINAL_PROMPT": "0"}})
    if asked.returncode not in (0, 2):  # 2: reached, but no such tag
        raise ModuleNotFoundError(f"{{repository}} cannot be reached: is there a network, and is the repository "
                                  f"public? A private one needs the wheel. ({{asked.stderr.strip()[-300:]}})")
    if asked.returncode == 2:
        print("It has no tag v{version} yet: the newest state of its branch is taken.")
    source = f"git+{{repository}}" + ("@v{version}" if asked.returncode == 0 else "")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", source, "anywidget", "psygnal"],
                          text=True, capture_output=True)
    if done.returncode:
        raise ModuleNotFoundError(f"{{source}} could not be installed: {{done.stderr.strip()[-300:]}}")
    print("Done: lvm_lib, anywidget and psygnal are installed.")
import lvm_lib

if lvm_lib.__version__ != "{version}":
    print(f"This chapter is of version {version}, the installed lvm_lib of {{lvm_lib.__version__}}: "
          "run `pip uninstall lvm_lib`, restart the kernel, and run this cell again.")"""


def settings() -> dict:
    """The book's settings, _config.yml."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def own_address() -> str:
    """The address that the settings name, in its one form; "" while it is not set.

    Raises ValueError where it is not understood.
    """
    from tools.address import understood

    return understood(str((settings().get("repository") or {}).get("url") or ""))


def repository() -> str:
    """The address that pages link to: that of the workflow that builds them, by LVM_REPOSITORY, or the settings'."""
    from tools.address import understood

    return understood(os.environ.get("LVM_REPOSITORY", "")) or own_address()


@functools.cache
def tagged() -> bool:
    """Whether this copy has the tag of its version."""
    try:
        done = subprocess.run(["git", "tag", "--list", f"v{version()}"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and bool(done.stdout.strip())


def on_colab(address: str, docname: str, ref: str = "HEAD") -> str:
    """Where Colab opens a chapter of a repository; "" for one that is not on GitHub (Colab reads no other host).

    HEAD is the newest state of the branch that the repository calls its main one.
    """
    path = address.removeprefix("https://github.com/")
    found = address.startswith("https://github.com/")
    return f"https://colab.research.google.com/github/{path}/blob/{ref}/{docname}.ipynb" if found else ""


def colab(docname: str) -> str:
    """Where Colab opens a chapter: at the tag of this version, or on the branch while there is none.

    Empty while no address is set, for one that is not on GitHub, where the chapter's first cell names another, and in
    pages without solutions: it would open the chapter with them.
    """
    from tools.address import named

    address, path = repository(), ROOT / f"{docname}.ipynb"
    if without_solutions() or not address or not path.exists() or named(keys.read(path)) != address:
        return ""
    return on_colab(address, docname, f"v{version()}" if tagged() else "HEAD")


def unaddressed(docname: str) -> bool:
    """Whether a chapter would have a link to Colab if its first cell named the repository."""
    return bool(on_colab(repository(), docname)) and not colab(docname) and not without_solutions()


def without_solutions() -> bool:
    """Whether pages are built for a class, SOLUTIONS=no."""
    return os.environ.get("LVM_SOLUTIONS", "yes") == "no"


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
    return FIRST_CELL.format(repository=own_address(), version=version())


# ------------------------------------------------------------------ running


def parts(path: Path) -> dict[str, str]:
    """What the run of the chapter at `path` hangs on now."""
    return keys.parts(keys.read(path), package=library())


@functools.cache
def library() -> keys.Package:
    """The library as it stands when it is first asked for."""
    return keys.Package(ROOT)


def stored_run(path: Path) -> runs.Run | None:
    """The run that is stored for a chapter; None where there is none. Raises runs.DamagedRun where it is not whole."""
    return runs.load(runs.STORED / path.stem)


def stale(path: Path) -> list[str]:
    """Why the stored run of a chapter does not hold any more, in words; [] where it does."""
    return runs.stale(stored_run(path), keys.read(path), parts(path))


def current(path: Path, *, say=print):
    """(notebook as a dict, run): the chapter at `path` and a run that holds for it.

    That is the stored one; where that is stale, one that an earlier build kept; else the chapter is executed now, and
    `say` is told why. Raises runs.DamagedRun, and nbclient's CellExecutionError where a cell fails.
    """
    notebook, now, folder = keys.read(path), parts(path), runs.KEPT / path.stem
    stored = stored_run(path)
    why = runs.stale(stored, notebook, now)
    if stored is not None and not why:
        return notebook, stored
    try:
        run = runs.load(folder)
    except runs.DamagedRun:
        run = None
    if run is None or not run.outputs or keys.changes(run.parts, now):
        why = why if stored is not None or run is None else keys.changes(run.parts, now)
        say(f"running {path.stem}: {'; '.join(why[:3])}{f'; and {len(why) - 3} more' if len(why) > 3 else ''}")
        run = execute(path)
        say(f"        {path.stem}: {run.made['seconds']:.0f} s")
        runs.save(folder, run, outputs=True)
    return notebook, run


def execute(path: Path) -> runs.Run:
    """Run a chapter in a clean kernel. Raises nbclient's CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    cells, widgets, loaded = run_cells(notebook, path.parent)
    seconds = round(time.perf_counter() - start, 1)
    unseen = loaded - seen(notebook)
    if unseen:
        raise RuntimeError(
            f"{path.stem} loaded {', '.join(sorted(unseen))}, which tools/keys.py does not find by reading"
        )
    made = {"seconds": seconds, "versions": {name: installed(name) for name in VERSIONS}, "python": PYTHON}
    return runs.made(path.stem, cells, widgets, parts=parts(path), with_=made)


def seen(notebook) -> set[str]:
    """The library's modules that a chapter's code, exercises included, reaches by reading."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    named = library().reached_by([node for text in code for node in ast.walk(keys.parsed(text))])
    return library().closure({library().name, *named})


def run_cells(notebook, folder: Path):
    """(code cells with outputs, the widgets' states, the library's modules that were loaded), from one clean kernel."""
    from nbclient import NotebookClient

    environment = {"PYTHONHASHSEED": "0", "OMP_WAIT_POLICY": "PASSIVE"}  # waiting threads sleep; see CONTRIBUTING.md
    os.environ.update({name: os.environ.get(name, value) for name, value in environment.items()})
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    running = copy.deepcopy(notebook)
    for cell in running.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    running.metadata.pop("widgets", None)
    running.cells.append(nbformat.v4.new_code_cell(LOADED))
    client = NotebookClient(
        running,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    loaded = set(running.cells.pop().outputs[0].text.split())
    cells = json.loads(json.dumps([cell for cell in running.cells if cell.cell_type == "code"]))
    for cell in cells:
        cell["outputs"] = joined_streams(cell["outputs"])
    states = running.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    return cells, states, loaded


def joined_streams(outputs: list) -> list:
    """The outputs with neighbouring pieces of one stream joined: how they arrive is chance."""
    joined: list = []
    for output in outputs:
        if output["output_type"] == "stream" and joined and joined[-1].get("name") == output["name"]:
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined


# ------------------------------------------------------------------ writing


def stored(notebook):
    """The notebook as it is kept in book/: nothing of this run or machine in its metadata."""
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
    return clean


def with_outputs(notebook, run: runs.Run):
    """A copy of `notebook` with a run's outputs, its cells numbered in order."""
    filled = copy.deepcopy(notebook)
    code = [cell for cell in filled.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.from_dict(renumbered(output, number)) for output in run.outputs[cell.id]]
    return filled


def renumbered(output: dict, number: int) -> dict:
    return {**output, "execution_count": number} if output["output_type"] == "execute_result" else output


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


# ------------------------------------------------------------------ commands


def renew(path: Path) -> None:
    """Run a chapter and store the run: outputs in the notebook, the rest beside it. An interrupt leaves the old run."""
    with_first_cell(path)
    run = execute(path)
    notebook = stored(with_outputs(nbformat.read(path, as_version=4), run))
    runs.save(runs.STORED / path.stem, run, then=lambda: write(path, notebook))
    print(f"{path.stem}: stored, {run.made['seconds']:.0f} s", *runs.crowded(run), sep="\n  ", flush=True)


def keep(path: Path) -> bool:
    """Run a chapter; where nothing that is compared differs, keep what is stored and renew what it hangs on.

    An exercise that the stored run did not have yet is stored as it came out now, and so is the state of a live figure
    that can do more than the stored one, or begins elsewhere; the picture of a cell that is written otherwise; and the
    narrow form of a picture that had none, or one of another size.
    """
    with_first_cell(path)
    notebook, run = keys.read(path), stored_run(path)
    if run is None:
        print(f"{path.stem}: it has no stored run to keep: make execute CHAPTER={path.stem}", flush=True)
        return False
    fresh = execute(path)
    faults, _ = runs.differences(notebook, run, fresh, traits=False)
    if faults:
        print(f"{path.stem}: not kept, `make execute CHAPTER={path.stem}` renews it:", *faults, sep="\n  ", flush=True)
        return False
    for entry, new in zip(run.shown, fresh.shown, strict=True):
        entry.update({name: value for name, value in new.items() if name == "room"})
    run.parts = fresh.parts
    new = fresh.cells.keys() - run.cells.keys()
    for at, entry in enumerate(run.shown):
        rewritten = fresh.cells[entry["cell"]][0] != run.cells.get(entry["cell"], [""])[0]
        if entry["kind"] != "picture":
            continue
        if rewritten or runs.narrow_shape(run, at) != runs.narrow_shape(fresh, at):
            runs.with_fresh_picture(run, fresh, at, wide=rewritten)
        new |= {entry["cell"]} if rewritten else set()
    for entry in (entry for entry in run.shown if entry["kind"] == "figure"):
        file = f"{entry['id']}.js"
        state = runs.with_fresh_state(run.files[file], fresh.files[file], entry["name"])
        if state != run.files[file]:
            run.files[file], new = state, new | {entry["cell"]}
    said = {**run.cells, **{name: fresh.cells[name] for name in new}}
    run.cells = {name: [source, said[name][1]] for name, (source, _) in fresh.cells.items()}
    run.outputs = {
        cell["id"]: fresh.outputs[cell["id"]] if cell["id"] in new else cell["outputs"]
        for cell in runs.code_cells(notebook)
    }
    filled = stored(with_outputs(nbformat.read(path, as_version=4), run))
    runs.save(runs.STORED / path.stem, run, then=lambda: write(path, filled) if new else None)
    print(f"{path.stem}: kept, its key renewed", *runs.crowded(run), sep="\n  ", flush=True)
    return True


def check(path: Path) -> bool:
    """Run a chapter and say how it differs from what is stored; whether all that is compared is equal."""
    run = stored_run(path)
    if run is None:
        print(f"{path.stem}: it has no stored run", flush=True)
        return False
    faults, drift = runs.differences(keys.read(path), run, execute(path))
    print(f"{path.stem}: {len(faults)} faults, {len(drift)} other differences", *faults, *drift, sep="\n  ", flush=True)
    return not faults


def say_stale(path: Path) -> bool:
    """Say why a stored run does not hold any more; whether it does."""
    try:
        why = stale(path)
    except runs.DamagedRun as error:
        print(error, flush=True)
        return False
    if why:
        print(f"{path.stem}: its stored run is stale:", *why, sep="\n  ")
        print(
            f"  make execute CHAPTER={path.stem} renews it; with KEEP=yes only its key, where nothing compared changed"
        )
    return not why


def main() -> int:
    parser = argparse.ArgumentParser(description="Run chapters and store their runs.")
    parser.add_argument("chapters", nargs="*", help="names such as elbo; all of them if none is given")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--keep", action="store_true", help="keep what is stored where nothing compared differs")
    how.add_argument("--check", action="store_true", help="list differences, write nothing")
    how.add_argument("--stale", action="store_true", help="run nothing, name stale runs")
    arguments = parser.parse_args()
    paths = chapter_paths()
    unknown = set(arguments.chapters) - {path.stem for path in paths}
    if unknown:
        parser.error(f"no such chapter: {', '.join(sorted(unknown))}; there are {', '.join(p.stem for p in paths)}")
    act = keep if arguments.keep else check if arguments.check else say_stale if arguments.stale else renew
    chosen = [path for path in paths if not arguments.chapters or path.stem in arguments.chapters]
    return 1 if [path for path in chosen if act(path) is False] else 0


if __name__ == "__main__":
    sys.exit(main())
