"""Answers that work in Jupyter are judged as they are there; forged ones cost their exercise alone."""

import json

import pytest

from tools import chapters, handout, keys
from tools.grading import judge, slices

BOOK = keys.read(chapters.ROOT / "book" / "elbo.ipynb")
LIMITS = {"cell": 20.0, "notebook": 90.0, "memory": 3.0}
IMPORT = "from lvm_lib import check\n"
HAND = "elbo, gap = -2.2655, 0\ncheck.elbo_by_hand(elbo, gap)"
FORGED = """
import json, os, sys
plain = {"answers": {"tuple": [PART]}, "named": {}, "asked": True, "error": None, "torch": False}
os.write(int(sys.argv[2]), (json.dumps(plain) + "\\n").encode())
answer = 99
check.elbo_gap(answer)"""


def verdicts(tmp_path, answers, before="", *, full=False, limits=LIMITS):
    """{check: (verdict, what is said)} of a notebook with these answers, and a cell more before the first exercise."""
    notebook = handout.student(BOOK)
    place = next(n for n, cell in enumerate(notebook["cells"]) if cell["id"] == "check-gap")
    for cell in notebook["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    if before:
        notebook["cells"].insert(place, {"cell_type": "code", "id": "mine", "metadata": {}, "source": before})
    path = tmp_path / "elbo.ipynb"
    path.write_text(json.dumps(notebook))
    found = judge.grade({"file": str(path), "chapter": "elbo", "limits": limits, "full": full})
    return {answer["check"]: (answer["verdict"], answer["said"]) for answer in found["answers"]}


@pytest.mark.parametrize(
    "code, before",
    [
        ("display(0.85)\nanswer = 0.85", ""),
        ("answer = mine()", "def mine():\n    display('x')\n    return 0.85"),
        ("answer = floor(85.0) / 100", "from math import *"),
        ("%time answer = 0.85", ""),
        ("answer = 0.85\nnp.log?", ""),
        ("%matplotlib inline\nfiles = !ls\nanswer = 0.85", ""),
        ("answer = (12085\n          % 12000) / 100", ""),
        ("answer = mine", "%%time\nmine = 0.85"),
        ("answer = mine[0]", "mine = [0.0]\ndef fill(values):\n    values[0] = 0.85\n\nfill(mine)"),
        ("answer = mine[0]", "mine = []\ndef fill():\n    mine.append(0.85)\n\ndone = fill()"),
        ("answer = mine[-1]", "mine = []\nfor part in (1, 0.85):\n    mine.append(part)"),
        ("answer = mine[1]", "import numpy as np\nmine = np.zeros(2)\nnp.copyto(mine, 0.85)"),
        ("import asyncio\nawait asyncio.sleep(0)\nanswer = 0.85", ""),
    ],
)
def test_what_works_in_jupyter_is_right(tmp_path, code, before):
    found = verdicts(tmp_path, {"check-gap": f"{IMPORT}{code}\ncheck.elbo_gap(answer)"}, before)
    assert found["elbo_gap"] == ("right", found["elbo_gap"][1]), found["elbo_gap"]


@pytest.mark.parametrize(
    "code", ["check.elbo_gap(0.85)\nprint(1 / 0)", "check.elbo_gap(0.85)\nquit()", "check.elbo_gap(answer=0.85)"]
)
def test_what_the_check_was_asked_is_judged(tmp_path, code):
    assert verdicts(tmp_path, {"check-gap": IMPORT + code})["elbo_gap"][0] == "right"


def test_an_error_before_the_check_is_raised(tmp_path):
    found = verdicts(tmp_path, {"check-gap": f"{IMPORT}answer = 0.85\nprint(1 / 0)\ncheck.elbo_gap(answer)"})
    assert found["elbo_gap"][0] == "raised" and "ZeroDivisionError" in found["elbo_gap"][1]


@pytest.mark.parametrize("part", ['{"fraction": [1, 0]}', '{"decimal": "many"}', '{"array": ["float64", [1], "!"]}'])
def test_a_forged_answer_costs_its_exercise(tmp_path, part):
    found = verdicts(tmp_path, {"check-gap": IMPORT + FORGED.replace("PART", part), "check-hand": HAND})
    assert found["elbo_gap"][0] == "raised" and found["elbo_by_hand"][0] == "right"


def test_full_gives_earlier_cells_the_notebook_s_time(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "GROUND", 4.0)
    answer = {"check-gap": f"{IMPORT}answer = mine\ncheck.elbo_gap(answer)"}
    slow = "import time\ndef train():\n    time.sleep(6)\n    return 0.85\n\nmine = train()"
    said = verdicts(tmp_path, answer, slow)["elbo_gap"]
    assert said == ("raised", "What it needs of earlier cells took more than 4 s and was stopped.")
    assert verdicts(tmp_path, answer, slow, full=True)["elbo_gap"][0] == "right"
    short = verdicts(tmp_path, answer, slow, full=True, limits={**LIMITS, "notebook": 4.0})["elbo_gap"]
    assert short[0] == "raised" and "more than 4 s" in short[1]


def test_what_ipython_does_not_understand_stays_as_it_is():
    assert slices.plain("x = (1\n% 2)") == "x = (1\n% 2)" and slices.plain("x = = 1") == "x = = 1"
    assert slices.plain("%%bash\nls") == "get_ipython().run_cell_magic('bash', '', 'ls\\n')"
    assert slices.plain("if True:\n    %time x = 1") == "if True:\n    x = 1"


def test_what_only_draws_is_not_needed():
    cells = ["from lvm_lib import plots", "x = [1]", "plots.show(x)", "print(x)", "display(x)"]
    needed = slices.needed(slices.statements(cells), "print(x)")
    assert [one.code for one in needed] == ["x = [1]"]
