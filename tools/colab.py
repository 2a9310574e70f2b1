"""Run chapters as a student's copy on Colab does.

Alone in an empty folder, no library beside them, torch already there.

    python -m tools.colab                  every chapter, in an imitation of Colab made from this Python's packages
    python -m tools.colab elbo             one
    python -m tools.colab --here           with the Python that runs this, as it is (on Colab's own image)

The first cell has to find that `lvm_lib` is missing and install it, from a git repository made for the purpose out of
the committed tree and tagged as a release is. The imitation has a `google.colab` that can be imported and no `lvm_lib`.
What an exercise's cell holds is run as it stands, so that a reader's answers count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import nbformat

from tools.chapters import CELL_SECONDS, FIRST_CELL, ROOT, chapter_paths, version

FAKE = {
    "google/__init__.py": "",
    "google/colab/__init__.py": "",
    "google/colab/output.py": "def enable_custom_widget_manager():\n    pass\n",
}


def released(folder: Path) -> str:
    """The address of a repository that holds the committed tree, tagged with the library's version."""
    target = folder / "book.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(ROOT), str(target)], check=True)
    subprocess.run(
        ["git", "tag", "--force", f"v{version()}", "HEAD"], cwd=target, check=True, stdout=subprocess.DEVNULL
    )
    return f"file://{target}"


def imitation(folder: Path) -> Path:
    """A Python of its own that sees this one's packages, and no lvm_lib; the path of its interpreter."""
    venv.create(folder / "colab", with_pip=True, symlinks=True)
    python = folder / "colab" / "bin" / "python"
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    packages = Path(nbformat.__file__).parent.parent
    (site / "already-there.pth").write_text(f"{packages}\n", encoding="utf-8")
    for name, text in FAKE.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return python


def as_opened(path: Path, folder: Path, address: str) -> Path:
    """A copy of a chapter as Colab opens it: its outputs gone, its first cell naming the address."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = FIRST_CELL.format(repository=address, version=version())
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.name
    nbformat.write(notebook, copy)
    return copy


RUN = """
import json, sys
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
path, kernel = sys.argv[1:3]
notebook = nbformat.read(path, as_version=4)
client = NotebookClient(notebook, timeout=int(sys.argv[4]), kernel_name=kernel,
                        resources={"metadata": {"path": sys.argv[3]}})
try:
    client.execute()
except CellExecutionError as error:
    sys.exit(str(error)[-3000:])
nbformat.write(notebook, path)
"""


def run(path: Path, python: Path) -> None:
    """Execute a copy top to bottom with a kernel of `python`; raises RuntimeError with the first error."""
    kernels = path.parent / "share" / "jupyter" / "kernels" / "colab"
    kernels.mkdir(parents=True, exist_ok=True)
    (kernels / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "language": "python",
                "display_name": "Colab",
            }
        ),
        encoding="utf-8",
    )
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment["JUPYTER_PATH"] = str(path.parent / "share" / "jupyter")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), "colab", str(path.parent), str(CELL_SECONDS)],
        env=environment,
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-3000:])


def main() -> int:
    parser = argparse.ArgumentParser(description="Run chapters as a student's copy on Colab does.")
    parser.add_argument("chapters", nargs="*", help="names such as elbo; all of them if none is given")
    parser.add_argument("--here", action="store_true", help="with this Python as it is, not an imitation")
    arguments = parser.parse_args()
    paths = [path for path in chapter_paths() if not arguments.chapters or path.stem in arguments.chapters]
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        address = released(folder)
        python = Path(sys.executable) if arguments.here else imitation(folder)
        for path in paths:
            start = time.perf_counter()
            try:
                run(as_opened(path, folder / path.stem, address), python)
                print(f"{path.stem}: runs ({time.perf_counter() - start:.0f} s)", flush=True)
            except RuntimeError as error:
                failed += 1
                print(f"{path.stem}: FAILS\n{error}", flush=True)
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
