"""What is handed to a class: notebooks without solutions, others with right answers, a wheel, pages, one README."""

import json
import subprocess
import sys
import zipfile

import nbformat
import pytest

from tools import chapters, folded, handout, keys
from tools.grading import judge
from tools.tasks import tasks

LIMITS = {"cell": 100, "notebook": 400, "memory": 4}
ASKED = [path for path in chapters.chapter_paths() if tasks(keys.read(path))]
NEEDS_TRAINING = {"tok_better_bound"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("class")
    handout.notebooks(out)
    return out


@pytest.mark.parametrize("path", ASKED, ids=lambda path: path.stem)
def test_the_solutions_all_judge_as_right(folder, path):
    job = {"file": str(folder / "solutions" / path.name), "chapter": path.stem, "limits": LIMITS, "full": False}
    for answer in judge.grade(job)["answers"]:
        expected = "training" if answer["check"] in NEEDS_TRAINING else "right"
        assert answer["verdict"] == expected, answer


@pytest.mark.parametrize("path", chapters.chapter_paths(), ids=lambda path: path.stem)
def test_a_student_s_notebook_has_hints_open_answers_and_no_solutions(folder, path):
    text = (folder / "student" / path.name).read_text(encoding="utf-8")
    assert 'class=\\"solution\\"' not in text and "(appendix/" not in text
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    book = keys.read(path)
    assert text.count('class=\\"hint\\"') == path.read_text(encoding="utf-8").count('class=\\"hint\\"')
    assert notebook.cells[0].source == chapters.first_cell() + folded.QUIET, "and no distances"
    cells = {cell.id: cell for cell in notebook.cells}
    for task in tasks(book):
        assert cells[task.cell].source == task.source and "..." in task.source
        graded = cells[f"{task.cell}-graded"]
        assert f"assert check.{task.check}(" in graded.source and graded.metadata.nbgrader.points == 1
        assert "raises-exception" in graded.metadata.tags
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_the_wheel_holds_the_library_and_what_it_reads(tmp_path):
    made = handout.wheel(tmp_path)
    with zipfile.ZipFile(made) as wheel:
        names = wheel.namelist()
    for file in ("lvm_lib/check/elbo.py", "lvm_lib/figures/figure.css", "lvm_lib/data/PROVENANCE.md"):
        assert file in names
    assert not any(name.startswith(("tools", "tests")) for name in names)
    handout.readme(tmp_path, made.name)
    assert f"pip install {made.name}" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_pages_that_show_solutions_are_not_handed_out(tmp_path):
    site = tmp_path / "html"
    (site / "book").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="no built pages"):
        handout.pages(tmp_path / "out", site)
    (site / "index.html").write_text("x")
    (site / "book" / "elbo.html").write_text('<details class="solution">')
    with pytest.raises(RuntimeError, match="show solutions"):
        handout.pages(tmp_path / "out", site)
    (site / "book" / "elbo.html").write_text("<p>hints</p>")
    handout.pages(tmp_path / "out", site)
    assert (tmp_path / "out" / "pages" / "book" / "elbo.html").exists()


def test_handing_out_leaves_the_book_as_it_is(tmp_path):
    path = ASKED[0]
    before = json.dumps(keys.read(path))
    notebook = keys.read(path)
    handout.student(notebook)
    handout.solved(notebook)
    assert json.dumps(notebook) == before


def test_make_names_what_it_needs():
    done = subprocess.run(
        ["make", "-n", "grade", f"VENV={sys.prefix}"], cwd=chapters.ROOT, capture_output=True, text=True
    )
    assert "name a folder" in done.stdout


def test_the_hub_s_environment_has_the_book_s_torch_and_this_library():
    lines = (chapters.ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = (chapters.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "." in lines and next(line for line in lines if line.startswith("torch==")) in pinned
