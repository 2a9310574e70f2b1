"""The self-checks of the chapter on tokenizers: right answers pass, each slip is named, nothing raises."""

import importlib
import math

import numpy as np
import pytest
import torch
from answers_vqvae_tokenizers import Liar, Model, Prior

from lvm_lib import check, data

NATS = 1024 * math.log(8192)
BITS = 1024 * 13 / 65536
ODD = ["one", float("nan"), [1, 2, 3], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]


def test_rate(said):
    assert said(check.tok_rate(NATS, BITS), True).startswith("Right")
    assert said(check.tok_rate(round(NATS), round(BITS, 3)), True).startswith("Right")
    assert said(check.tok_rate(..., BITS), None).startswith("Not answered")


@pytest.mark.parametrize(
    "nats, bits, name",
    [
        (math.log(8192), BITS, "one token"),
        (32 * math.log(8192), BITS, "32 x 32 places"),
        (1024 * 8192, BITS, "logarithm"),
        (8192 * math.log(1024), BITS, "K log M"),
        (NATS / math.log(2), BITS, "bits"),
        (-NATS, BITS, "sign"),
        (NATS, BITS * math.log(2), "nats per pixel"),
        (NATS, 13.0, "bits per token"),
        (NATS, 13312, "whole image"),
        (NATS, BITS / 3, "colours"),
    ],
)
def test_slips_of_the_rate_are_named(said, nats, bits, name):
    assert name in said(check.tok_rate(nats, bits), False)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_odd_answers_are_refused_in_words(said, odd):
    said(check.tok_rate(odd, BITS), False)
    for function in (check.tok_perplexity, check.tok_class_summed_out, check.tok_mask, check.tok_draw):
        said(function(odd), False)
        said(function(lambda *arguments: odd), False)
    said(check.tok_better_bound(-150.0, odd, odd), False)


@pytest.mark.parametrize("function", [check.tok_perplexity, check.tok_class_summed_out, check.tok_mask, check.tok_draw])
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
    module = importlib.import_module("lvm_lib.check.vqvae_tokenizers")
    value = by_hand(Model())
    monkeypatch.setattr(module, "CHAPTER", (value - 50, value + 50))
    assert f"your bound is {value:.1f} nats, 3.5 better" in said(
        check.tok_better_bound(value - 3.5, Model(), Prior()), True
    )
    assert "1.0 above the one to beat, and 3 more are asked" in said(
        check.tok_better_bound(value - 1, Model(), Prior()), False
    )
    assert "10.0 below the one" in said(check.tok_better_bound(value + 10, Liar(), Prior()), False)
