"""What a page asks of a function (lvm_lib/check/predictions.py) is what the chapter's own printed solution gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lvm_lib import check
from lvm_lib.check.predictions import PREDICTIONS, predict
from tools import chapters, exercises, folded, keys

# The inputs that the question names, and the numbers asked of what the function returns.
INPUTS = {
    "lvm_log_marginal": lambda f: [f(np.log([0.1, 0.5]))],
    "kl_dequantised_score": lambda f: f(np.array([[3.0]]), np.array([2.0]), np.array([1.0])),
    "elbo_kl_to_prior": lambda f: f(np.array([[0.5, 1.0]]), np.array([[1.0, 2.0]])),
    "vae_elbo": lambda f: f(np.array([[1.0, 0.0]]), np.zeros((1, 2)), np.ones((1, 1)), np.zeros((1, 1))),
    "vae_score_gradients": lambda f: [f(np.array([1.0, 3.0]), np.array([1.0, -1.0]), 0.25)],
    "em_responsibilities": lambda f: [part.ravel()[0] for part in f(np.log([[0.3, 0.1]]))],
    "em_floor": lambda f: f(np.array([[2.0, 1.0], [1.0, 2.0]]), 2.0)[0],
    "tok_perplexity": lambda f: [f(np.array([1, 1, 2, 3]))],
    "tok_class_summed_out": lambda f: f(np.log([[0.2, 0.4]])),
    "tok_mask": lambda f: [np.sum(f(3, False)), np.sum(f(3, True))],
    "tok_draw": lambda f: [f(np.log([0.25, 0.5, 0.25]), 1.0, 0.8)],
}


def solution(name):
    """The function that a chapter prints as the solution of an exercise."""
    for path in chapters.chapter_paths():
        text = ""
        for cell in keys.read(path)["cells"]:
            if cell["cell_type"] == "markdown":
                text = keys.source(cell)
            elif name in exercises.asked(cell):
                code = next(part.code() for part in folded.folded(text) if part.kind == "solution")
                space = {"np": np, "math": math}
                exec(code, space)
                return [value for value in space.values() if callable(value)][-1]
    raise AssertionError(f"no chapter asks for {name}")


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_printed_solution_gives_what_is_asked(said, name):
    question, _ = PREDICTIONS[name]
    given = [np.asarray(part, dtype=float) for part in INPUTS[name](solution(name))]
    assert question.endswith("?")
    assert said(predict(name, *given), True).startswith("Right: ")
    assert said(predict(name, *[...] * len(given)), None).startswith("Not answered yet: ")


def test_each_prediction_belongs_to_a_check_that_asks_for_a_function():
    assert set(PREDICTIONS) <= set(check.__all__) - set(check.tables())
    assert exercises.table("elbo_kl_to_prior")["question"] and not exercises.table("elbo_gap")["question"]


def test_a_name_without_a_prediction_is_told(said):
    assert "could not be judged" in said(predict("elbo_gap", 1.0), False)
