"""The self-checks of the chapter on the VAE: right answers pass, each slip is named, nothing raises. Truths by hand."""

import math

import numpy as np
import pytest

from lvm_lib import check

RATES = [0.5 * math.log(8), 0.5 * math.log(2), 0.0]
ODD = ["one", float("nan"), {"a": 1}, 1j, object(), np.zeros((2, 2)), True]

PAIRS = {  # check: right answers, and {which wrong answers: what the message says}
    check.vae_linear_rates: (
        (RATES, 4.0),
        [
            (([RATES[0], RATES[1], 0.5 * math.log(0.6)], 4.0), "never negative"),
            (([2 * r for r in RATES], 4.0), "factor 1/2"),
            ((RATES, 0.3), "first latent to die"),
            ((RATES, 2.0), "standard deviation"),
            ((RATES, 5.3), "by itself"),
            ((sum(RATES), 4.0), "one rate per latent"),
            (([0.5 * math.log(v) for v in (4, 1, 0.3)], 4.0), "without sigma^2"),
        ],
    ),
    check.vae_hidden_sigma: (
        (0.5, 392),
        [
            ((1, 392), "2 sigma^2"),
            ((0.5, 784), "2 sigma^2"),
            ((392, 0.5), "swapped"),
            ((0.5, 1 / 1568), "divides"),
            ((math.sqrt(0.5), 392), "its square"),
        ],
    ),
    check.vae_information: (
        (math.log(1000), 7.5 - math.log(1000)),
        [
            ((7.5, 0), "names one image"),
            ((1000, 0.59), "logarithm"),
            ((6.91, -0.59), "never negative"),
            ((0.59, 6.91), "swapped"),
        ],
    ),
}


@pytest.mark.parametrize("function", PAIRS, ids=lambda function: function.__name__)
def test_right_answers_pass_also_rounded(said, function):
    first, second = PAIRS[function][0]
    assert said(function(first, second), True).startswith("Right")
    assert said(function(np.round(first, 2), np.round(second, 2)), True).startswith("Right")
    assert said(function(..., second), None).startswith("Not answered")
    assert said(function(None, ...), None).startswith("Not answered")


@pytest.mark.parametrize(
    "function, wrong, name",
    [(function, wrong, name) for function, (_, slips) in PAIRS.items() for wrong, name in slips],
)
def test_slips_are_named(said, function, wrong, name):
    assert name in said(function(*wrong), False)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("function", PAIRS, ids=lambda function: function.__name__)
def test_odd_answers_are_refused_in_words(said, function, odd):
    first, second = PAIRS[function][0]
    said(function(odd, second), False)
    said(function(first, odd), False)
