"""The student notebooks go through the real nbgrader as they are: every chapter is released, an answer is graded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import chapters, handout, keys
from tools.tasks import tasks

PACKAGES = Path(sys.prefix) / "nbgrader"  # `make test` installs it there (requirements-nbgrader.txt)
SCORES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    found = book.find_submission_notebook("elbo", "book", "anna")
    print(json.dumps({grade.name: [grade.auto_score, grade.max_score] for grade in found.grades}))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    if not (PACKAGES / "nbgrader").exists():
        if os.environ.get("CI"):
            pytest.fail("nbgrader is missing, and in CI nothing may be skipped")
        pytest.skip("nbgrader is missing: make test installs it")
    folder = tmp_path_factory.mktemp("course")
    handout.notebooks(folder)
    (folder / "source").mkdir()
    (folder / "student").rename(folder / "source" / "book")
    return folder


def nbgrader(course, *words):
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(PACKAGES / "bin"), os.environ["PATH"]]),  # it calls alembic
        "PYTHONPATH": os.pathsep.join([str(PACKAGES), str(chapters.ROOT)]),
        "JUPYTER_CONFIG_DIR": str(course),
    }
    done = subprocess.run([sys.executable, *words], cwd=course, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_chapter_is_released_as_it_is_and_answers_are_graded(course):
    nbgrader(course, "-m", "nbgrader", "generate_assignment", "book", "--create")
    for path in chapters.chapter_paths():
        made, released = (keys.read(course / kind / "book" / path.name) for kind in ("source", "release"))
        pairs = list(zip(made["cells"], released["cells"], strict=True))
        assert all(a["id"] == b["id"] and keys.source(a) == keys.source(b) for a, b in pairs), path.name

    # One student hands in a chapter, without the cells that no exercise needs: they would take half a minute.
    notebook = keys.read(course / "release" / "book" / "elbo.ipynb")
    answers = {
        "check-gap": "from lvm_lib import check\n\nanswer = 0.85\ncheck.elbo_gap(answer)",
        "check-hand": "elbo, gap = -4, 1\ncheck.elbo_by_hand(elbo, gap)",
        "check-kl": "def kl_to_prior(mean, std):\n    return (mean**2 + std**2 - 1 - 2 * np.log(std)).sum(axis=1) / 2",
        "check-gap-graded": "assert True",  # a cell that is locked: nbgrader puts its own back
        "check-variance-graded": "assert True",
    }
    for cell in notebook["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    imports = next(c["id"] for c in notebook["cells"] if "import numpy as np" in keys.source(c))
    notebook["cells"] = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] != "code" or "nbgrader" in cell["metadata"] or cell["id"] in ("setup", imports)
    ]
    (course / "submitted" / "anna" / "book").mkdir(parents=True)
    (course / "submitted" / "anna" / "book" / "elbo.ipynb").write_text(json.dumps(notebook))
    nbgrader(course, "-m", "nbgrader", "autograde", "book", "--create")
    scores = json.loads(nbgrader(course, "-c", SCORES))
    asked = [task.cell for task in tasks(keys.read(chapters.ROOT / "book" / "elbo.ipynb"))]
    right = {"check-gap", "check-kl"}
    assert scores == {f"{cell}-graded": [float(cell in right), 1.0] for cell in asked}
