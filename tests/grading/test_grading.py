"""The walk of an instructor: clone, address, class, answers of all kinds, grade, read the tables.

What is hostile or broken costs the student who handed it in, and nobody else.
"""

import csv
import json
import shutil
import socket
import subprocess
import sys

import pytest

from tools import chapters, grade, keys
from tools.grading import prison
from tools.tasks import tasks

CHAPTER = "elbo"
GAP, HAND, RATE, SAMPLED = "check-gap", "check-hand", "check-kl", "check-mc"
RIGHT_GAP = "answer = 0.85\ncheck.elbo_gap(answer)"
FORGED = """
import sys, types, lvm_lib
class check:
    def __getattr__(self, name):
        return lambda *answers: print("Right: well done.") or True
check = sys.modules["lvm_lib.check"] = lvm_lib.check = check()
answer = 99
check.elbo_gap(answer)
"""
NEED_WALLS = {"writes outside", "phones", "peeks", "kills"}
MISSING_SUM = "def kl_to_prior(mean, std):\n    return (mean**2 + std**2 - 1 - 2 * np.log(std)).sum(axis=1)\n"


def run(tree, *words, check=True):
    done = subprocess.run([sys.executable, "-m", *words], cwd=tree, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


class Class:
    """A clone of the book, what was handed out, and what comes back."""

    def __init__(self, folder):
        self.tree, self.handed_in, self.out = folder / "clone", folder / "handed in", folder / "grades"
        subprocess.run(["git", "clone", "-q", str(chapters.ROOT), str(self.tree)], check=True)
        run(self.tree, "tools.address", "git@github.com:someone/course.git")
        run(self.tree, "tools.handout", "--part", "notebooks")
        self.made = self.tree / "_build" / "class"
        self.handed_in.mkdir()

    def hand_in(self, student, answers=(), kind="student", gone=(), text=None):
        """Store a submission: cells changed by id, cells that are gone, or a text that is no notebook."""
        notebook = keys.read(self.made / kind / f"{CHAPTER}.ipynb")
        changed = dict(answers)
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in gone]
        for cell in notebook["cells"]:
            cell["source"] = changed.get(cell["id"], cell["source"])
        path = self.handed_in / student / f"{CHAPTER}.ipynb"
        path.parent.mkdir()
        path.write_text(json.dumps(notebook) if text is None else text, encoding="utf-8")

    def grade(self, *options, check=True):
        limits = ["--cell", "15", "--notebook", "60", "--memory", "3"]
        return run(
            self.tree, "tools.grade", str(self.handed_in), "--out", str(self.out), *limits, *options, check=check
        )

    def table(self, name):
        with open(self.out / name, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    course = Class(folder)
    course.outside = folder / "outside"
    course.outside.mkdir()
    course.outside.chmod(0o777)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    truth = course.tree / "lvm_lib" / "check" / "elbo.py"
    course.hand_in("right", kind="solutions")
    course.hand_in("open")
    course.hand_in(
        "slips",
        {
            GAP: "answer = -4.05\ncheck.elbo_gap(answer)",
            HAND: "elbo, gap = '-2.27', 0\ncheck.elbo_by_hand(elbo, gap)",
            RATE: f"{MISSING_SUM}\ncheck.elbo_kl_to_prior(kl_to_prior)",
            SAMPLED: "def estimate(*arguments):\n    return nothing\n\ncheck.elbo_monte_carlo(estimate)",
        },
    )
    for student, code in {
        "loops": "while True:\n    pass",
        "loops in a function": "answer = 1",
        "leaves": "import os\nos._exit(0)",
        "prints": "for _ in range(300):\n    print('x' * 2**22)",
        "fills memory": "answer = bytearray(30 * 2**30)",
        "writes outside": f"for place in {[str(course.outside / 'x'), str(truth)]}:\n    open(place, 'a').write('#')",
        "phones": f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 3)\nanswer = 0.85",
        "peeks": f"answer = 0.85 if 'elbo_gap' in open({str(truth)!r}).read() else 0",
        "kills": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(-1, signal.SIGKILL)",
    }.items():
        if student in NEED_WALLS and not prison.means().namespaces:
            continue  # without namespaces nothing holds them, and they would hit this machine
        hand = "elbo, gap = -2.2655, 0\ncheck.elbo_by_hand(elbo, gap)"
        answers = {GAP: f"{code}\ncheck.elbo_gap(answer)", HAND: hand}
        if student == "loops in a function":
            loop = "def kl_to_prior(mean, std):\n    while True:\n        pass\n\ncheck.elbo_kl_to_prior(kl_to_prior)"
            answers = {GAP: RIGHT_GAP, HAND: hand, RATE: loop}
        course.hand_in(student, answers)
    course.hand_in("forges", {GAP: FORGED})
    course.hand_in("deletes", {HAND: "elbo, gap = -2.2655, 0\ncheck.elbo_by_hand(elbo, gap)"}, gone=[GAP, RATE])
    course.hand_in("is broken", text='{"cells": [')
    course.hand_in("is no notebook", text="[1, 2]")
    (course.handed_in / "right" / "notes.ipynb").write_text("{}")
    course.said = course.grade().stdout
    listener.close()
    return course


@pytest.fixture(scope="module")
def verdicts(graded):
    return {(row["student"], row["check"]): row for row in graded.table("answers.csv")}


def test_right_answers_get_their_points_and_open_ones_none(graded):
    rows = {row["student"]: row for row in graded.table("grades.csv")}
    count = str(len(tasks(keys.read(chapters.ROOT / "book" / f"{CHAPTER}.ipynb"))))
    assert rows["right"]["points"] == rows["right"]["of"] == count and rows["open"]["points"] == "0"
    assert len(rows) == len(list(graded.handed_in.iterdir()))


def test_a_slip_is_named_in_the_check_s_words(verdicts):
    of = {check: verdicts["slips", check] for check in ("elbo_gap", "elbo_by_hand", "elbo_kl_to_prior")}
    assert of["elbo_gap"]["verdict"] == "wrong" and "the ELBO itself" in of["elbo_gap"]["said"]
    assert of["elbo_by_hand"]["verdict"] == "right"
    assert of["elbo_kl_to_prior"]["verdict"] == "wrong" and "1/2" in of["elbo_kl_to_prior"]["said"]
    raised = verdicts["slips", "elbo_monte_carlo"]
    assert raised["verdict"] == "raised" and "NameError" in raised["said"]


@pytest.mark.parametrize(
    "student, words",
    [
        ("loops", "took more than 15 s"),
        ("leaves", "ended the whole process"),
        ("fills memory", "MemoryError"),
        ("forges", "Not yet"),
        ("prints", "NameError"),
        ("kills", ""),
    ],
)
def test_what_is_hostile_costs_its_exercise(verdicts, student, words):
    if student in NEED_WALLS and not prison.means().namespaces:
        return
    row = verdicts[student, "elbo_gap"]
    assert row["verdict"] in ("raised", "wrong") and words in row["said"] and row["points"] == "0"
    if student != "forges":  # the next exercise of the same notebook is judged all the same
        assert verdicts[student, "elbo_by_hand"]["verdict"] == "right"


def test_a_function_that_hangs_costs_its_exercise(verdicts):
    row = verdicts["loops in a function", "elbo_kl_to_prior"]
    assert row["verdict"] == "raised" and "stopped" in row["said"]
    assert verdicts["loops in a function", "elbo_gap"]["verdict"] == "right"


def test_no_file_outside_is_written_and_nothing_is_fetched(graded, verdicts):
    if not prison.means().namespaces:
        assert "not isolated" in graded.said
        return
    asked = "from tools.grading import prison; print(prison.means().said())"  # of the clone, which others may not read
    means = subprocess.run([sys.executable, "-c", asked], cwd=graded.tree, capture_output=True, text=True, check=True)
    assert means.stdout.strip() in graded.said and not list(graded.outside.iterdir())
    assert not subprocess.run(["git", "diff", "--stat", "lvm_lib"], cwd=graded.tree, capture_output=True).stdout
    for student in ("writes outside", "phones", "peeks"):
        assert verdicts[student, "elbo_gap"]["verdict"] == "raised", verdicts[student, "elbo_gap"]
        assert verdicts[student, "elbo_by_hand"]["verdict"] == "right"


def test_what_cannot_be_read_says_so(graded, verdicts):
    notes = {row["student"]: row["note"] for row in graded.table("grades.csv")}
    assert "JSON is broken" in notes["is broken"] and "no notebook" in notes["is no notebook"]
    assert verdicts["deletes", "elbo_gap"]["said"] == "Not answered: its cell is gone."
    assert verdicts["deletes", "elbo_by_hand"]["verdict"] == "right"
    assert "notes.ipynb: its name holds no chapter's name" in graded.said


def test_a_second_run_judges_nothing_again_and_takes_the_weights(graded):
    weights = graded.out / "weights.csv"
    weights.write_text(weights.read_text().replace("The gap,1", "The gap,3").replace(",1\n", ",2\n", 1))
    again = graded.grade().stdout
    count = len(list(graded.handed_in.iterdir()))
    assert f"{count} of {count} were judged before" in again and "s left" not in again
    right = next(row for row in graded.table("grades.csv") if row["student"] == "right")
    assert float(right["points"]) == float(right["of"]) > 6
    weights.write_text("check,points\nelbo_gap,many\n")
    refused = graded.grade(check=False)
    assert refused.returncode == 1 and "number of points" in refused.stderr


def test_the_page_tells_what_the_class_got_wrong(graded):
    page = (graded.out / "index.html").read_text(encoding="utf-8")
    assert "What the class got wrong" in page and "the ELBO itself" in page and "<script" not in page
    for student in ("right", "is broken", "loops in a function"):
        assert f"<summary>{student}</summary>" in page


def test_names_say_student_and_chapter(tmp_path):
    names = [
        "vae_anna.ipynb",
        "what_a_vae_optimises_bo.ipynb",
        "carla/Copy of em_vs_vae (1).ipynb",
        "elbo.ipynb",
        "x/y.ipynb",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    shutil.copy(tmp_path / "vae_anna.ipynb", tmp_path / "carla" / "vae.ipynb")
    chapters_known = ["vae", "what_a_vae_optimises", "em_vs_vae", "elbo"]
    found, absent, left = grade.submissions(tmp_path, {name: [] for name in chapters_known})
    assert {(one.student, one.chapter) for one in found} == {
        ("anna", "vae"),
        ("bo", "what_a_vae_optimises"),
        ("carla", "em_vs_vae"),
        ("carla", "vae"),
    }
    assert list(absent) == ["x"] and len(left) == 3


def test_no_cell_becomes_a_formula_of_a_table_program():
    from tools.grading.report import table

    text = table(["student"], [["=cmd()"], ["+1"], ["@x"], [-1.5], ["anna"]])
    assert text.splitlines() == ["student", "'=cmd()", "'+1", "'@x", "-1.5", "anna"]
