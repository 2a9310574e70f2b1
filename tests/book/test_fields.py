"""The build makes fields of whatever exercises a notebook has: from the cells that call a check, and its table."""

import base64
import json
import math
import os
import re
import subprocess
import sys

import pytest

from tools import exercises
from tools.keys import ROOT

sys.path.insert(0, str(ROOT / "_ext"))
import answers
import downloads
import search_index

BOX = """Words before.

:::{admonition} Exercise 3. The $\\sigma$ of `x`
:class: exercise
A question.
:::

Words after.
"""


def text(source):
    return {"cell_type": "markdown", "id": "text", "metadata": {}, "source": source}


def code(source, said="Not answered yet: the gap.\n"):
    outputs = [{"output_type": "stream", "name": "stdout", "text": said}]
    return {"cell_type": "code", "id": "code", "metadata": {"tags": ["mine"]}, "source": source, "outputs": outputs}


def page(*cells):
    return answers.with_fields({"cells": list(cells)}, "book/elbo")["cells"]


def test_a_table_gives_a_form_in_the_box_of_its_exercise_and_folds_the_cell():
    before, cell = page(text(BOX), code("elbo, gap = ..., ...\ncheck.elbo_by_hand(elbo, gap)"))
    inside = before["source"][: before["source"].rindex(":::")]
    assert inside.count("<form") == 1 and inside.count("<input") == 2 and "Words after." not in inside
    assert 'data-exercise="elbo_by_hand"' in inside and 'data-title="Exercise 3. The sigma of x"' in inside
    assert 'data-tables="../_exercises/elbo.js"' in inside
    assert before["source"].endswith("Words after.\n")
    form = next(line for line in inside.split("\n") if line.startswith("<form"))
    assert form.endswith("</form>")  # in one line: an empty one would end it
    assert {"mine", "hide-input"} <= set(cell["metadata"]["tags"])
    assert cell["outputs"] == []


def test_a_function_keeps_its_cell_open_and_its_box_asks_what_it_gives():
    before, cell = page(text(BOX), code("check.elbo_kl_to_prior(f)"))
    assert "<strong>Predict.</strong> What should it give" in before["source"]
    assert cell["metadata"] == {"tags": ["mine"]} and cell["outputs"] == []


def test_what_is_no_table_keeps_its_cell_and_says_nothing_of_an_answer_that_was_not_given():
    before, cell = page(text(BOX), code("check.elbo_monte_carlo(f)"))
    assert "<form" not in before["source"] and "<code>check.elbo_monte_carlo</code>" in before["source"]
    assert cell["metadata"] == {"tags": ["mine"]} and cell["outputs"] == []
    _, other = page(text(BOX), code("check.no_such_check(1)", "Something else.\n"))
    assert other["outputs"]


def test_a_reader_s_own_verdict_stays():
    _, cell = page(text(BOX), code("check.elbo_gap(0.85)", "Right: so it is.\n"))
    assert cell["outputs"][0]["text"] == "Right: so it is.\n"


def test_an_exercise_without_a_box_has_its_form_before_the_cell():
    bare, cell = page(code("check.elbo_gap(...)"))
    assert bare["source"].startswith("<form") and cell["cell_type"] == "code"
    after, _ = page(text("Just words."), code("check.elbo_gap(...)"))
    assert after["source"].startswith("Just words.\n\n<form")


def test_a_check_that_is_called_twice_has_one_form():
    cells = page(text(BOX), code("check.elbo_gap(...)"), text("More."), code("check.elbo_gap(...)"))
    assert [cell["source"].count("<form") for cell in cells] == [1, 0, 0, 0]


def test_the_side_file_holds_the_tables_encoded():
    script = exercises.side_file("elbo", ["elbo_gap"])
    found = re.fullmatch(r'lvmExercises\("elbo","([\w+/=]+)"\)\n', script)
    assert found, script[:80]
    assert json.loads(base64.b64decode(found[1])) == {"elbo_gap": exercises.table("elbo_gap")}


def test_the_side_file_s_words_are_shown_with_the_signs_of_a_page_and_its_numbers_stay():
    plain = {"right": "KL(q || p) of 1000 images' codes, theta^2 - 1", "stamp": "7e5", "parts": [
        {"what": "sigma", "truth": -1.5, "unit": "nats", "slips": [{"name": "Jensen's 28 x 28, -H", "value": [1000]}],
         "bands": [{"low": -1, "right": True, "says": "E_q >= 1"}], "outside": "lie within -1000 and 1000"}
    ]}  # fmt: skip  # the two line by line
    shown = {"right": "KL(q ∥ p) of 1,000 images’ codes, θ² − 1", "stamp": "7e5", "parts": [
        {"what": "σ", "truth": -1.5, "unit": "nats",
         "slips": [{"name": "Jensen’s 28\u00a0×\u00a028, −H", "value": [1000]}],
         "bands": [{"low": -1, "right": True, "says": "E_q ≥ 1"}], "outside": "lie within −1,000 and 1,000"}
    ]}  # fmt: skip  # the two line by line
    assert answers.shown(plain) == shown
    assert answers.shown(exercises.table("elbo_gap"))["right"].startswith("KL(q ∥ posterior) is what")


def test_a_stamp_changes_with_what_is_right_and_not_with_the_words_of_a_slip():
    plain = exercises.table("elbo_gap")
    other = json.loads(json.dumps(plain))
    other["parts"][0]["slips"][0]["name"] = "other words"
    other["right"] = "other words"
    assert exercises.stamp(other) == exercises.stamp(plain) == plain["stamp"]
    other["parts"][0]["truth"] = 0.86
    assert exercises.stamp(other) != plain["stamp"]


def test_a_table_is_the_same_to_the_last_digit_on_every_machine():
    assert exercises.steady({"bands": [0.67046832547123]}) == {"bands": [0.6704683255]}
    assert exercises.steady([0.1 + 0.7, math.nextafter(1.0, 2.0)]) == [0.1 + 0.7, math.nextafter(1.0, 2.0)]
    assert exercises.steady(1 / 3) == 0.33333333
    code = (
        "import json; from tools import exercises; from lvm_lib import check; "
        "names = [name for name in check.__all__ if exercises.maker(name)[0]]; "
        "print(json.dumps({name: exercises.maker(name)[0]().plain() for name in names})); "
        "print(exercises.side_file('all', [name for name in names if exercises.table(name)]))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **({"OPENBLAS_CORETYPE": kind} if kind else {})},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n", 1)
        for kind in ("Prescott", "Haswell", "")
    ]
    first, *others = (list(numbers(json.loads(tables))) for tables, _ in said)
    assert len(first) > 500
    for other in others:  # what is cut short is the same on each only because what is cut differs by far less
        assert other == pytest.approx(first, rel=1e-12, abs=1e-12)
    assert len({side_file for _, side_file in said}) == 1


def numbers(plain):
    """Every number of plain data, in order."""
    if isinstance(plain, dict):
        plain = plain.values()
    if isinstance(plain, (int, float)):
        yield plain
    elif not isinstance(plain, str):
        for part in plain or ():
            yield from numbers(part)


@pytest.mark.parametrize("wanted, told", [("yes", True), ("no", False)])
def test_without_solutions_no_distance_is_told(monkeypatch, wanted, told):
    monkeypatch.setenv("LVM_SOLUTIONS", wanted)
    assert answers.distances() is told
    assert exercises.table("elbo_gap", answers.distances())["distances"] is told


def test_an_exercise_says_where_it_stands_in_a_notebook_and_links_its_cell_on_colab(monkeypatch):
    before, _ = page(text(BOX), code("check.elbo_gap(...)"))
    assert '<code>check.elbo_gap</code> in <a href="elbo.ipynb" download>elbo.ipynb</a>.' in before["source"]
    assert "colab" not in before["source"].lower()
    monkeypatch.setattr(downloads.chapters, "colab", lambda docname: f"https://colab.example/{docname}.ipynb")
    before, _ = page(text(BOX), code("check.elbo_gap(...)"))
    assert '<a href="https://colab.example/book/elbo.ipynb#scrollTo=code">that cell on Colab</a>' in before["source"]


def test_the_search_reads_dots_in_place_of_an_answer_as_a_word():
    assert (
        search_index.read("replace ... by it ; near .github , or ( so ) .")
        == "replace ... by it; near .github, or (so)."
    )
