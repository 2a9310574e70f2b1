"""Whatever a page depends on, a change in it reaches the page; where nothing changed, nothing is run."""

import re
import sys


def test_a_change_in_the_library_reaches_the_page(built_book):
    small_book = built_book
    assert "first answer" in small_book.page() and "running intro" in small_book.said

    again = small_book.build()
    assert "running" not in again.stdout

    (small_book.folder / "lvm_lib" / "answer.py").write_text("VALUE = 'second answer'\n")
    small_book.build()
    assert "second answer" in small_book.page() and "first answer" not in small_book.page()


def test_a_change_of_a_pin_runs_the_chapters_that_import_it(small_book):
    small_book.write("second", "import numpy\nprint('untouched')")
    small_book.build()
    pins = small_book.folder / "requirements.txt"
    text = pins.read_text()
    pins.write_text(re.sub(r"numpy==.*", "numpy==9.9.9", text))
    built = small_book.build()
    assert "running second: numpy==9.9.9 is pinned now" in built.stdout, built.stdout
    assert "running intro" not in built.stdout
    pins.write_text("# a comment\n" + re.sub(r"sphinx==.*", "sphinx==9.9.9", pins.read_text()))
    assert "running" not in small_book.build().stdout


def test_a_change_of_code_or_text_reaches_the_page_and_runs_one_chapter(built_book):
    small_book = built_book
    small_book.write("second", "print('touched')")
    built = small_book.build()
    assert "touched" in small_book.page("second") and "running intro" not in built.stdout


def test_one_chapter_can_be_rebuilt_alone_and_the_others_are_not_forgotten(built_book):
    small_book = built_book
    (small_book.folder / "lvm_lib" / "answer.py").write_text("VALUE = 'second answer'\n")
    small_book.write("second", "print('touched')")
    alone = small_book.build(LVM_CHAPTER="second")
    assert "running second" in alone.stdout and "running intro" not in alone.stdout
    assert "touched" in small_book.page("second")
    small_book.build()
    assert "second answer" in small_book.page()


def test_an_error_in_a_chapter_fails_the_build(small_book):
    small_book.write("second", "raise ValueError('this must be seen')")
    failed = small_book.build("--keep-going", check=False)
    assert failed.returncode != 0 and "this must be seen" in failed.stdout + failed.stderr


def test_a_formula_that_cannot_be_rendered_fails_the_strict_build(small_book):
    path = small_book.folder / "book" / "second.ipynb"
    path.write_text(path.read_text().replace("x = 1", r"\\nosuchcommand{x}"))
    failed = small_book.build(check=False)
    assert failed.returncode != 0 and "nosuchcommand" in failed.stdout + failed.stderr


def test_two_runs_write_the_same_notebook(small_book):
    small_book.write(
        "second",
        "import numpy as np\nfrom lvm_lib import plots\nfigure, axis = plots.subplots()\n"
        "axis.plot(np.arange(3))\nplots.show(figure, alt='A straight line that rises to two')\nprint(1)\n2",
    )
    path = small_book.folder / "book" / "second.ipynb"
    small_book.run(sys.executable, "-m", "tools.chapters")
    once = path.read_bytes()
    small_book.run(sys.executable, "-m", "tools.chapters", "second")
    assert path.read_bytes() == once and b"image/png" in once


def test_a_student_s_own_cells_survive_execution(small_book):
    small_book.write("second", "mine = 41 + 1\nprint(mine)")
    small_book.run(sys.executable, "-m", "tools.chapters", "second")
    text = (small_book.folder / "book" / "second.ipynb").read_text()
    assert "mine = 41 + 1" in text and "42" in text


def test_an_unknown_chapter_is_named(small_book):
    failed = small_book.run(sys.executable, "-m", "tools.chapters", "nosuch", check=False)
    assert failed.returncode != 0 and "nosuch" in failed.stderr and "intro" in failed.stderr
