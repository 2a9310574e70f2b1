"""What is handed in under odd names, or as something else than a notebook, costs nobody and vanishes for nobody."""

import csv
import json
import os
import subprocess
import sys
from typing import ClassVar

import pytest

from tools import chapters, grade, handout, keys
from tools.grading import report
from tools.tasks import tasks

BOOK = {path.stem: keys.read(path) for path in chapters.chapter_paths()}
ASKED = {name: found for name, notebook in BOOK.items() if (found := tasks(notebook))}
LIMITS = {"cell": 15.0, "notebook": 60.0, "memory": 3.0}
LATIN = b"J\xf6rg"  # as an archive from an older Windows is unpacked


@pytest.fixture(scope="module")
def solved():
    return json.dumps(handout.solved(BOOK["elbo"]))


def hand_in(folder, name, text):
    path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def test_a_name_that_is_no_utf8_and_a_pipe_stop_nobody(tmp_path, solved):
    handed, out = tmp_path / "handed", tmp_path / "out"
    hand_in(handed, LATIN + b"/elbo.ipynb", solved)
    hand_in(handed, "two\nlines/elbo.ipynb", solved)
    hand_in(handed, "zip/elbo.zip", "")
    (handed / "zeno").mkdir()
    os.mkfifo(handed / "zeno" / "elbo.ipynb")
    (handed / "linked").symlink_to(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tools.grade", str(handed), "--out", str(out)],
        cwd=chapters.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"Jörg", "two\ufffdlines", "zip", "zeno", "linked"}
    assert rows["Jörg"]["points"] == rows["two\ufffdlines"]["points"] == rows["Jörg"]["of"] == "6"
    assert "no regular file" in rows["zeno"]["note"] and "elbo.zip" in rows["zip"]["note"]
    assert "a link to another folder" in rows["linked"]["note"]
    for student in ("zip", "linked"):
        assert f"not graded: {student}: " in done.stdout
        assert f"<summary>{student}</summary>" in (out / "index.html").read_text(encoding="utf-8")


def test_a_notebook_is_known_by_its_exercises_and_in_any_case(tmp_path, solved):
    hand_in(tmp_path, "anna/Homework 3.ipynb", solved)
    hand_in(tmp_path, "bo/ELBO.IPYNB", solved)
    hand_in(tmp_path, "Carla.ipynb", solved)
    hand_in(tmp_path, "dora/notes.ipynb", '{"cells": []}')
    hand_in(tmp_path, "README.txt", "")
    found, absent, left = grade.submissions(tmp_path, ASKED)
    assert [(one.student, one.chapter) for one in found] == [("Carla", "elbo"), ("anna", "elbo"), ("bo", "elbo")]
    assert list(absent) == ["dora"] and "README.txt: it is no notebook" in left
    for name, notebook in BOOK.items():
        hand_in(tmp_path / "all", f"{name[::-1]}/of someone.ipynb", json.dumps(handout.student(notebook)))
    found = grade.submissions(tmp_path / "all", ASKED).graded
    assert {one.student[::-1]: one.chapter for one in found} == {name: name for name in ASKED}


def test_two_names_that_look_the_same_stay_two_students(tmp_path):
    hand_in(tmp_path, LATIN + b"/elbo.ipynb", "{}")
    hand_in(tmp_path, "Jörg/elbo.ipynb", "{}")
    assert len({one.student for one in grade.submissions(tmp_path, ASKED).graded}) == 2


class Counted:
    """A judge that counts, and judges all as right; of "bad" it raises an error."""

    seen: ClassVar[list[str]] = []

    def judged(self, job):
        self.seen.append(job["file"])
        if "bad" in job["file"]:
            raise RuntimeError("no such luck")
        return {"answers": [{"check": "elbo_gap", "verdict": "right", "said": ""}], "seconds": 0.0, "note": ""}

    def end(self):
        pass


def run(tmp_path, monkeypatch, asked, names):
    monkeypatch.setattr(grade, "Judge", Counted)
    Counted.seen = []
    for name in names:
        hand_in(tmp_path / "handed", f"{name}/elbo.ipynb", "{}")
    found = grade.submissions(tmp_path / "handed", asked).graded
    said = []
    options = {"limits": LIMITS, "full": False, "jobs": 2, "folder": tmp_path / "handed", "say": said.append}
    return grade.grade(found, tmp_path / "out", asked=asked, **options), said


def test_an_error_of_ours_is_that_student_s_note(tmp_path, monkeypatch):
    results, _ = run(tmp_path, monkeypatch, ASKED, ["a bad one", "anna", "bo"])
    notes = {student: result["note"] for (student, _), result in results.items()}
    assert notes == {"a bad one": "not judged (RuntimeError: no such luck)", "anna": "", "bo": ""}


def test_another_exercise_of_the_chapter_makes_a_grade_stale(tmp_path, monkeypatch):
    assert len(run(tmp_path, monkeypatch, ASKED, ["anna"])[0]) == len(Counted.seen) == 1
    run(tmp_path, monkeypatch, ASKED, ["anna"])
    assert not Counted.seen
    changed = [task._replace(source=f"{task.source}\n# asked otherwise") for task in ASKED["elbo"]]
    run(tmp_path, monkeypatch, {**ASKED, "vae": []}, ["anna"])
    assert not Counted.seen, "another chapter's exercises are no matter of this one"
    run(tmp_path, monkeypatch, {**ASKED, "elbo": changed}, ["anna"])
    assert len(Counted.seen) == 1


def test_a_student_without_a_notebook_has_a_row(tmp_path):
    answer = {"check": "elbo_gap", "verdict": "right", "said": ""}
    results = {("anna", "elbo"): {"answers": [answer], "note": ""}}
    asked = {"elbo": ASKED["elbo"][:1]}
    report.write(tmp_path, results, asked, {"elbo_gap": 1.0}, how="", left=[], absent={"zoe": "the folder is empty"})
    assert "zoe,,0,1,the folder is empty" in (tmp_path / "grades.csv").read_text(encoding="utf-8")
