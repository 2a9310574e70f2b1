"""What students and instructors are told where they would stumble."""

import json
import os
import subprocess

import yaml

from lvm_lib.labs import tokens_lab
from tools import address, chapters, handout, keys

ADDRESS = "https://github.com/someone/course"


def test_no_notebook_that_is_handed_out_leads_to_the_solutions(tmp_path):
    for path in chapters.chapter_paths():
        docname = path.relative_to(chapters.ROOT).with_suffix("").as_posix()
        notebook = address.addressed(keys.read(path), ADDRESS, docname)
        assert chapters.on_colab(ADDRESS, docname) in json.dumps(notebook)
        for make in (handout.student, handout.solved):
            made = make(notebook)
            assert "colab.research" not in json.dumps(made) and address.named(made) == ADDRESS


def test_the_students_page_names_no_link_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "own_address", lambda: ADDRESS)
    handout.readme(tmp_path, "lvm_lib-0-py3-none-any.whl")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "upload a notebook" in text and "has a link to Colab" not in text and "as a comment" in text


def test_an_exercise_that_asks_for_a_sentence_says_where_to_write_it():
    cells = {cell["id"]: keys.source(cell) for cell in handout.student(keys.read(_elbo()))["cells"]}
    assert "as a comment" in cells["text-exercise-6"].split("<details")[0]
    assert sum("as a comment" in text for text in cells.values()) == 1


def test_a_figure_that_waits_for_its_cell_says_so():
    cells = {cell["id"]: keys.source(cell) for cell in keys.read(_elbo())["cells"]}
    assert "run all cells first" in cells["text-live"]


def _elbo():
    return chapters.ROOT / "book" / "elbo.ipynb"


def test_stopped_before_the_prior_the_lab_says_what_is_missing():
    lab = tokens_lab(lambda trained: None, channels=4)
    lab.train_button.click()
    lab.stop()
    lab.wait(300)
    assert lab.result is None and lab.status.value.startswith("Stopped")
    assert "only a prior draws" in lab.status.value and "Press Train" in lab.status.value


def test_published_pages_can_leave_the_solutions_out():
    text = (chapters.ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["env"] == {"SOLUTIONS": "yes"}
    command = ["make", "-n", "--no-print-directory", "--eval=said:; @echo $(LVM_SOLUTIONS)", "said"]
    above = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")  # of a make that runs this test
    environment = {**{name: value for name, value in os.environ.items() if name not in above}, "SOLUTIONS": "no"}
    done = subprocess.run(command, cwd=chapters.ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "echo no\n", "make takes it from the environment"
