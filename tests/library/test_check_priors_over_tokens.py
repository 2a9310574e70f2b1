"""The self-checks of the chapter on priors over tokens: right answers pass, each slip is named, nothing raises."""

import importlib
import math

import numpy as np
import pytest
import torch
from answers_priors_over_tokens import Liar, Model, Prior

from lvm_lib import check, data

ODD = ["one", float("nan"), [1, 2, 3], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]
FUNCTIONS = [check.tok_class_summed_out, check.tok_mask, check.tok_draw]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_odd_answers_are_refused_in_words(said, odd):
    for function in FUNCTIONS:
        said(function(odd), False)
        said(function(lambda *arguments: odd), False)
    said(check.tok_better_bound(-150.0, odd, odd), False)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_answer_yet_and_errors(said, function):
    assert said(function(lambda *arguments: ...), None).startswith("Not answered")
    assert said(function(...), None).startswith("Not answered")
    assert "ZeroDivisionError" in said(function(lambda *arguments: 1 / 0), False)


def by_hand(model):
    x = torch.tensor(data.binarised("digits").reshape(1000, 784)).double()
    p = model.ink[model.tokens(x)[:, 0]].double()
    return float((x * p.log() + (1 - x) * (1 - p).log()).sum(1).mean() + math.log(0.5) + 2 * math.log(0.999))


def test_the_bound_is_computed_and_not_believed(said, monkeypatch):
    """Every model here is far from good, so the chapter's place is moved to where they are."""
    module = importlib.import_module("lvm_lib.check.priors_over_tokens")
    value = by_hand(Model())
    monkeypatch.setattr(module, "CHAPTER", (value - 50, value + 50))
    assert f"your bound is {value:.1f} nats, 3.5 better" in said(
        check.tok_better_bound(value - 3.5, Model(), Prior()), True
    )
    assert "1.0 above the one to beat, and 3 more are asked" in said(
        check.tok_better_bound(value - 1, Model(), Prior()), False
    )
    assert "10.0 below the one" in said(check.tok_better_bound(value + 10, Liar(), Prior()), False)
