"""The book is rendered from stored runs.

Nothing is executed for a page, a stale run is never shown in silence, and what is damaged or half-written is named with
the command that renews it.
"""

import json
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from tools import chapters, keys

PICTURE = (
    "import numpy as np\nfrom lvm_lib import plots\nfigure, axis = plots.subplots()\naxis.plot(np.arange(3))\n"
    "plots.show(figure, alt='A straight line that rises to two')"
)
FIGURE = "from lvm_lib.figures import KmeansFigure\nKmeansFigure()"
EXERCISE = "from lvm_lib import check\nanswer = ...\ncheck.elbo_gap(answer)"


@pytest.fixture
def stored_book(ran_book):
    """The small book with a picture and an exercise, its runs stored."""

    def fill(book):
        book.write("intro", f"import lvm_lib.answer\nprint(lvm_lib.answer.VALUE)\n{PICTURE}")
        book.write("second", EXERCISE, tags=["nbval-ignore-output"])

    return ran_book("stored", fill)


@pytest.fixture
def figure_book(ran_book):
    """The small book with a live figure and a panel that needs a kernel, its runs stored."""

    def fill(book):
        book.write("intro", FIGURE, tags=["nbval-ignore-output"])
        book.write("second", "import ipywidgets\nipywidgets.IntSlider()", tags=["nbval-ignore-output"])

    return ran_book("figure", fill)


def chapters_said(book, *words, check=True):
    return book.run(sys.executable, "-m", "tools.chapters", *words, check=check)


def runs_folder(book, name="intro"):
    return book.folder / "book" / "runs" / name


def all_bytes(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(book, name, change):
    """Change the code cell of a chapter as an editor would: its outputs stay."""
    path = book.folder / "book" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells[2])
    nbformat.write(notebook, path)


def test_pages_come_from_the_stored_run_byte_for_byte(stored_book):
    first = stored_book.build()
    assert "running" not in first.stdout and not (stored_book.folder / "_build" / "runs").exists()
    assert "first answer" in stored_book.page()
    one = all_bytes(stored_book.folder / "_build" / "html")
    assert {"_figures/intro-p1-light.png", "_figures/intro-p1-dark.png"} <= set(one)
    stored_book.run(sys.executable, "-c", "import shutil; shutil.rmtree('_build')")
    stored_book.build(OPENBLAS_CORETYPE="Prescott", OMP_NUM_THREADS="1", PYTHONHASHSEED="5")
    assert all_bytes(stored_book.folder / "_build" / "html") == one


def test_a_stale_run_is_run_again_with_the_reason_and_named_by_the_check(stored_book):
    assert chapters_said(stored_book, "--stale").stdout == ""
    (stored_book.folder / "lvm_lib" / "answer.py").write_text("VALUE = 'second answer'\n")
    said = chapters_said(stored_book, "--stale", check=False)
    assert said.returncode == 1 and "make execute CHAPTER=intro" in said.stdout and "second" not in said.stdout
    built = stored_book.build()
    assert "running intro: lvm_lib/answer.py changed" in built.stdout and "running second" not in built.stdout
    assert "second answer" in stored_book.page()
    assert "running" not in stored_book.build().stdout


def test_a_change_that_alters_nothing_compared_keeps_the_record(stored_book):
    before = all_bytes(runs_folder(stored_book))
    notebook = (stored_book.folder / "book" / "intro.ipynb").read_bytes()
    answer = stored_book.folder / "lvm_lib" / "answer.py"
    answer.write_text("# a comment\nVALUE = 'first answer'\n")
    assert chapters_said(stored_book, "--stale").stdout == ""  # comments do not count
    answer.write_text("OTHER = 1\nVALUE = 'first answer'\n")
    assert chapters_said(stored_book, "--stale", check=False).returncode == 1
    assert "kept" in chapters_said(stored_book, "--keep", "intro").stdout
    assert chapters_said(stored_book, "--stale").stdout == ""
    after = all_bytes(runs_folder(stored_book))
    assert before.pop("run.json") != after.pop("run.json") and before == after
    assert (stored_book.folder / "book" / "intro.ipynb").read_bytes() == notebook

    answer.write_text("VALUE = 'second answer'\n")
    refused = chapters_said(stored_book, "--keep", "intro", check=False)
    assert refused.returncode == 1 and "second answer" in refused.stdout
    differing = chapters_said(stored_book, "--check", "intro", check=False)
    assert differing.returncode == 1 and "second answer" in differing.stdout
    assert (stored_book.folder / "book" / "intro.ipynb").read_bytes() == notebook
    assert chapters_said(stored_book, "--stale", check=False).returncode == 1


def test_a_record_without_narrow_pictures_gets_them_where_it_is_kept(stored_book):
    folder, page = runs_folder(stored_book), stored_book.folder / "book" / "intro.ipynb"
    before, notebook = all_bytes(folder), page.read_bytes()
    said = json.loads(before["run.json"])
    assert "intro-p1-narrow-light.png" in before and "crowded" not in said["shown"][0]
    said["files"].pop("intro-p1-narrow-light.png")
    said["shown"][0].pop("narrow")
    (folder / "run.json").write_text(json.dumps(said))
    (folder / "intro-p1-narrow-light.png").unlink()
    assert "kept" in chapters_said(stored_book, "--keep", "intro").stdout
    assert all_bytes(folder) == before and page.read_bytes() == notebook


def test_a_cell_that_is_written_otherwise_gets_its_own_picture_where_the_record_is_kept(stored_book):
    folder, page = runs_folder(stored_book), stored_book.folder / "book" / "intro.ipynb"
    before, notebook = all_bytes(folder), page.read_bytes()
    edit(stored_book, "intro", lambda cell: cell.update(source=cell.source.replace("np.arange(3)", "[2, 1, 0, 7]")))
    assert "kept" in chapters_said(stored_book, "--keep", "intro").stdout
    after = all_bytes(folder)
    assert after["intro-p1-narrow-light.png"] != before["intro-p1-narrow-light.png"]
    assert page.read_bytes() != notebook and chapters_said(stored_book, "--stale").stdout == ""
    assert chapters_said(stored_book, "--check", "intro").stdout.startswith("intro: 0 faults, 0 other differences")


@pytest.mark.parametrize(
    "name, damage",
    [
        ("run.json", lambda raw: raw[:100]),
        ("run.json", lambda raw: json.dumps({"files": {}}).encode()),
        ("run.json", lambda raw: None),
        ("intro-1.js", lambda raw: raw[:-20]),
        ("intro-1.js", lambda raw: None),
    ],
)
def test_a_damaged_run_is_named_and_no_page_is_built_without_its_figure(figure_book, name, damage):
    path = runs_folder(figure_book) / name
    raw = damage(path.read_bytes())
    path.unlink() if raw is None else path.write_bytes(raw)
    asked = chapters_said(figure_book, "--stale", check=False)
    for failed in (figure_book.build(check=False), asked):
        said = failed.stdout + failed.stderr
        assert failed.returncode != 0 and f"book/runs/intro/{name}" in said and "make execute CHAPTER=intro" in said
    assert "Traceback" not in asked.stdout + asked.stderr
    assert not (figure_book.folder / "_build" / "html" / "book" / "intro.html").exists()


def test_in_a_fresh_clone_one_chapter_is_one_page_and_the_others_follow(stored_book):
    stored_book.build(LVM_CHAPTER="second")
    pages = stored_book.folder / "_build" / "html" / "book"
    assert (pages / "second.html").exists()
    (pages / "intro.html").unlink(missing_ok=True)  # the first page is written beside any other
    stored_book.build()
    assert "first answer" in stored_book.page()


def test_outputs_that_are_not_the_run_s_are_not_shown(stored_book):
    def forge(cell):
        cell.outputs[0]["text"] = "a better answer\n"

    edit(stored_book, "intro", forge)
    built = stored_book.build()
    assert "running intro: the outputs of its cell 'code' are not those of its stored run" in built.stdout
    assert "first answer" in stored_book.page() and "a better answer" not in stored_book.page()


def test_a_reader_s_answer_runs_nothing_again_and_shows_what_the_reader_saw(stored_book):
    def answered(cell):
        cell.source = cell.source.replace("...", "0.25")

    edit(stored_book, "second", answered)
    assert "running" not in stored_book.build().stdout
    page = stored_book.page("second")
    assert "0.25" in page and "Not answered" not in page  # not run yet: what it said of another answer goes

    def ran(cell):
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="what the reader's kernel said\n")]

    edit(stored_book, "second", ran)
    assert "running" not in stored_book.build().stdout
    assert "what the reader’s kernel said" in stored_book.page("second").replace("'", "’").replace("&#39;", "’")


def test_a_new_exercise_is_stored_where_the_record_is_kept(stored_book):
    path = stored_book.folder / "book" / "second.ipynb"
    notebook = nbformat.read(path, as_version=4)
    exercise = next(cell for cell in notebook.cells if keys.is_exercise(cell))
    before = [cell.get("outputs") for cell in notebook.cells]
    notebook.cells.append(nbformat.v4.new_code_cell(exercise.source, id="another"))
    chapters.write(path, notebook)
    assert "kept" in chapters_said(stored_book, "--keep", "second").stdout
    *others, new = nbformat.read(path, as_version=4).cells
    assert [cell.get("outputs") for cell in others] == before
    assert "Not answered" in new.outputs[0].text
    assert chapters_said(stored_book, "--stale").stdout == ""
    assert "running" not in stored_book.build().stdout
    assert "Not answered" not in stored_book.page("second")  # a page has fields or a fold in its place


def test_an_interrupted_execution_leaves_the_old_run_whole(stored_book):
    started = stored_book.folder / "started"
    code = f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\nprint('new')\ntime.sleep(60)"
    before = all_bytes(runs_folder(stored_book)), all_bytes(runs_folder(stored_book, "second"))
    edit(stored_book, "intro", lambda cell: cell.update(source=code))
    notebook = (stored_book.folder / "book" / "intro.ipynb").read_bytes()
    running = subprocess.Popen(
        [sys.executable, "-m", "tools.chapters", "intro"], cwd=stored_book.folder, stderr=subprocess.DEVNULL
    )
    while not started.exists() and running.poll() is None:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=1200) != 0
    assert (all_bytes(runs_folder(stored_book)), all_bytes(runs_folder(stored_book, "second"))) == before
    assert (stored_book.folder / "book" / "intro.ipynb").read_bytes() == notebook
    assert [path.name for path in runs_folder(stored_book).parent.iterdir() if path.name.startswith(".")] == []


def test_a_live_figure_comes_from_the_run_and_a_lab_says_what_it_needs(figure_book):
    assert "running" not in figure_book.build().stdout
    assert 'data-lvm-state="../_figures/intro-1.js"' in figure_book.page()
    state = figure_book.folder / "_build" / "html" / "_figures" / "intro-1.js"
    assert state.read_bytes() == (runs_folder(figure_book) / "intro-1.js").read_bytes()
    assert "needs a running kernel" in figure_book.page("second")
