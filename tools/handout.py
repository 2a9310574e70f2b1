"""What an instructor hands to a class, under `_build/class` (`make class`).

student/elbo.ipynb     a chapter without its solutions: hints stay, answers are `...`, each exercise is followed by
                       one cell with an assert, which nbgrader grades
solutions/elbo.ipynb   the same chapter with its solutions, and answers filled in that all judge as right
pages/                 the built book, without solutions
lvm_lib-....whl        the library, for `pip install`
README.md              one page for students

python -m tools.handout          all of it, from the pages that `make class` has built
python -m tools.handout --part notebooks   the notebooks alone
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tools import address, chapters, folded, keys
from tools.chapters import ROOT
from tools.tasks import TITLE, Task, tasks

OUT = ROOT / "_build" / "class"
SITE = ROOT / "_build" / "html"
# Of exercises whose check is no table and whose solution is no code: an answer as the printed solution has it.
BY_HAND = {"elbo_hard_posterior": "0.5, 1.5", "em_trap": "[-10.1, -9.9, 5.0]"}
README = """\
# {title}: notebooks for your course

- **Read**: open `pages/index.html` in a browser. No network is needed; every figure is alive.
- **Work**: the chapters are in `student/`, one notebook each. Run the cells from the top. An exercise is a cell with
  `...`: put your answer there and run it. Its check says what is wrong with an answer, not only that it is wrong, and
  you may try as often as you like. The cell below it belongs to the grading: leave it as it is. It stops with an
  AssertionError until the answer is right, and the cells below it run all the same.
- **Install** (Python 3.10 or newer), in a folder of its own:

      python3 -m venv book
      book/bin/python -m pip install --extra-index-url https://download.pytorch.org/whl/cpu {wheel} jupyterlab
      book/bin/jupyter lab student

  On Windows write `py -m venv book` in the first line and `book\\Scripts` in place of `book/bin`. On a Jupyter server
  of your institution `pip install {wheel}` is enough.{colab}
- **Hand in** the notebook, under the name that it has. Do not delete cells, nor copy exercises into other ones.
  Answers are read where they stand, and run without a network, within a minute for a chapter. A sentence that an
  exercise asks for goes into its cell, as a comment.

Version {version}. Text and code: MIT licence.
"""
# Uploaded, since a link to the repository would open the chapter with its solutions.
COLAB = (
    "\n- **Nothing to install**: upload a notebook of `student/` to Colab (*File, Upload notebook*); its first cell "
    "fetches the\n  library."
)
SENTENCE = ">\n> Write the sentence as a comment (`# ...`) into the cell below; your teacher reads it there."


# ------------------------------------------------------------------ notebooks


def student(notebook: dict) -> dict:
    """A chapter as it is handed out: no solutions, distances or outputs, answers open, graded cells for nbgrader."""
    return _handed_out(folded.unsolved(copy.deepcopy(notebook)), {})


def solved(notebook: dict) -> dict:
    """A chapter with its solutions, and its exercises answered; no link to the book's own copy of it."""
    return _handed_out(
        address.without_link(copy.deepcopy(notebook)), {task.cell: answered(task) for task in tasks(notebook)}
    )


def _handed_out(notebook: dict, answers: dict[str, str]) -> dict:
    asked = {task.cell: task for task in tasks(notebook)}
    cells = []
    for cell in notebook["cells"]:
        text = keys.source(cell)
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(r"\]\(appendix/(\w+)\.md", r"](../pages/book/appendix/\1.html", _asks(text))
        elif cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        cells.append(cell)
        if cell["id"] in asked:
            cell["source"] = answers.get(cell["id"], text)
            cell["metadata"]["nbgrader"] = _nbgrader(cell["id"], graded=False)
            cells.append(_asserted(asked[cell["id"]]))
    notebook["cells"] = cells
    return notebook


def _asks(text: str) -> str:
    """An exercise's text; where it asks for a sentence, with where to write that."""
    lines = text.split("\n")
    quoted = [number for number, line in enumerate(lines) if line.startswith(">")]
    if not TITLE.search(text) or "in a sentence" not in " ".join(lines[number] for number in quoted):
        return text
    return "\n".join([*lines[: quoted[-1] + 1], SENTENCE, *lines[quoted[-1] + 1 :]])


def _asserted(task: Task) -> dict:
    """The cell that nbgrader grades. It raises where an answer is not right; the cells after it run all the same."""
    call = f"check.{task.check}({', '.join(task.arguments)})"
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"{task.cell}-graded",
        "metadata": {
            "nbgrader": {**_nbgrader(f"{task.cell}-graded", graded=True), "points": 1},
            "tags": ["raises-exception"],
        },
        "outputs": [],
        "source": f"# Grading: leave this cell as it is.\nfrom lvm_lib import check\n\nassert {call} is True",
    }


def _nbgrader(name: str, graded: bool) -> dict:
    return {
        "grade": graded,
        "grade_id": name,
        "locked": graded,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


# ------------------------------------------------------------------ answers


def answered(task: Task) -> str:
    """The source of an exercise's cell with a right answer: the printed solution's code, or the check's own numbers."""
    lines = task.source.splitlines()
    opened = next(part for part in ast.parse(task.source).body if open_(part))
    answer = task.solution.strip("\n") if task.solution else _assigned(opened, task)
    kept = lines[: opened.lineno - 1], lines[opened.end_lineno :]
    if "check." in answer:  # a solution that calls the check itself
        kept = kept[0], []
    return "\n".join([*kept[0], answer, *kept[1]])


def open_(statement: ast.stmt) -> bool:
    """Whether a statement holds the `...` of an answer."""
    return any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(statement))


def _assigned(opened: ast.stmt, task: Task) -> str:
    assert isinstance(opened, ast.Assign), task.check
    return f"{ast.unparse(opened.targets[0]).strip('()')} = {values(task)}"


def values(task: Task) -> str:
    """Right numbers for an exercise, as code: the table's truths, or the middle of a band."""
    if task.check in BY_HAND:
        return BY_HAND[task.check]
    table = import_module(f"lvm_lib.check.{_module(task.check)}").NUMBERS[task.check]()
    return ", ".join(_number(part) for part in table.plain()["parts"])


@functools.cache
def _module(check: str) -> str:
    return import_module("lvm_lib.check")._MODULE_OF[check]


def _number(part: dict) -> str:
    if part["kind"] == "choice":
        band = next(band for band in part["bands"] if band["right"])
        return f"{(band['low'] + band['high']) / 2:.6g}"
    return repr(_rounded(part["truth"]))


def _rounded(value):
    """Plain numbers to ten digits, whole ones without a point."""
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    value = 0 if abs(value) < 1e-12 else value  # what rounding leaves of zero
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.10g}")


# ------------------------------------------------------------------ the folder


def notebooks(out: Path = OUT, paths: list[Path] | None = None) -> None:
    """Write both kinds of notebooks. A chapter without exercises is handed out as it is."""
    for kind, make in (("student", student), ("solutions", solved)):
        (out / kind).mkdir(parents=True, exist_ok=True)
        for path in paths or chapters.chapter_paths():
            text = json.dumps(make(keys.read(path)), indent=1, ensure_ascii=False) + "\n"
            chapters.write_whole(out / kind / path.name, text)


def wheel(out: Path = OUT) -> Path:
    """Make the library's wheel. Raises RuntimeError where it cannot be made."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:  # a copy, so that nothing is left in the tree
        tree = Path(folder)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, tree)
        shutil.copytree(ROOT / "lvm_lib", tree / "lvm_lib", ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tree / "made"), str(tree)]
        os.environ.setdefault("SOURCE_DATE_EPOCH", "1577836800")  # a build's hour is no part of the wheel
        done = subprocess.run([*command, "--no-build-isolation"], capture_output=True, text=True)
        if done.returncode:  # no setuptools here: let pip fetch one
            done = subprocess.run(command, capture_output=True, text=True)
        made = sorted((tree / "made").glob("*.whl"))
        if done.returncode or len(made) != 1:
            raise RuntimeError(f"the wheel could not be made: {done.stderr.strip()[-500:]}")
        for old in out.glob("lvm_lib-*.whl"):
            old.unlink()
        return Path(shutil.copy(made[0], out))


def readme(out: Path, wheel_name: str) -> None:
    """Write the page for students."""
    title = chapters.settings()["title"]
    colab = COLAB if chapters.on_colab(chapters.own_address(), "book/intro") else ""
    text = README.format(title=title, wheel=wheel_name, version=chapters.version(), colab=colab)
    (out / "README.md").write_text(text, encoding="utf-8")


def pages(out: Path = OUT, site: Path = SITE) -> None:
    """Copy the built pages. Raises RuntimeError where there are none, or where they show solutions."""
    if not (site / "index.html").exists():
        raise RuntimeError("there are no built pages: make class builds them")
    if any('class="solution"' in page.read_text(encoding="utf-8") for page in site.glob("book/*.html")):
        raise RuntimeError("the built pages show solutions: make class builds them without")
    shutil.rmtree(out / "pages", ignore_errors=True)
    shutil.copytree(site, out / "pages")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write what is handed to a class.")
    parser.add_argument("--part", choices=["all", "notebooks"], default="all")
    part = parser.parse_args().part
    try:
        shutil.rmtree(OUT, ignore_errors=True)
        notebooks(OUT)
        if part == "all":
            readme(OUT, wheel(OUT).name)
            pages(OUT)
    except RuntimeError as error:
        print(f"Not finished: {error}.", file=sys.stderr)
        return 1
    print(f"For your class: {OUT}. Hand out student/ (or one notebook of it), pages/, the wheel and README.md;")
    print("solutions/ is yours. make grade FOLDER=... grades what comes back.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
