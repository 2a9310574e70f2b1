"""The self-checks of the chapter on tokenizers: right answers pass, each slip is named, nothing raises."""

import math

import numpy as np
import pytest

from lvm_lib import check

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
    said(check.tok_perplexity(odd), False)
    said(check.tok_perplexity(lambda *arguments: odd), False)


@pytest.mark.parametrize("function", [check.tok_perplexity])
def test_no_answer_yet_and_errors(said, function):
    assert said(function(lambda *arguments: ...), None).startswith("Not answered")
    assert said(function(...), None).startswith("Not answered")
    assert "ZeroDivisionError" in said(function(lambda *arguments: 1 / 0), False)
