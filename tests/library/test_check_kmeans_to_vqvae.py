"""The self-checks of the chapter on K-means and VQ-VAE: right answers pass, each slip is named, nothing raises."""

import math

import numpy as np
import pytest

from lvm_lib import check

ODD = ["one", float("nan"), [1, 2, 3], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]
RATE = 9 * math.log(2)
TABLES = {  # check: right answers, and {wrong answers: what the message says}
    check.kmeans_rate: (
        (RATE, 49 * RATE),
        {
            (9.0, 49 * RATE): "bits",
            (512, 49 * RATE): "logarithm",
            (RATE, RATE): "of one code",
            (RATE, math.log(49 * 512)): "rates add",
            (-RATE, 49 * RATE): "sign",
        },
    ),
    check.kmeans_round: (
        (1, 8, 34),
        {
            (1, 8, 8.5): "mean over the points",
            (1, 8, 54): "old centroids",
            (1, 8, 27): "this round's codes",
            (1, 8, 10): "squared",
            (1, 8, 8): "end of the algorithm",
            (0, 8, 34): "before the round",
            (1, 5, 34): "before the round",
            (2, 8, 34): "where the algorithm ends",
            (1, 12, 34): "where the algorithm ends",
            (1, 6, 34): "2 is nearer to 0",
        },
    ),
    check.kmeans_step: (
        (12.5, 200),
        {
            (25, 200): "2 of the square",
            (200, 12.5): "over dimensions",
            (0.02, 200): "inverse",
            (12.5, 12.5 / 16): "larger",
        },
    ),
}


@pytest.mark.parametrize("function", TABLES, ids=lambda function: function.__name__)
def test_right_answers_pass_also_rounded(said, function):
    right = TABLES[function][0]
    assert said(function(*right), True).startswith("Right")
    assert said(function(*(round(value, 2) for value in right)), True).startswith("Right")
    assert said(function(..., *right[1:]), None).startswith("Not answered")


@pytest.mark.parametrize(
    "function, wrong, name",
    [(function, wrong, name) for function, (_, slips) in TABLES.items() for wrong, name in slips.items()],
)
def test_slips_are_named(said, function, wrong, name):
    assert name in said(function(*wrong), False)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("function", TABLES, ids=lambda function: function.__name__)
def test_odd_answers_are_refused_in_words(said, function, odd):
    right = TABLES[function][0]
    for place in range(len(right)):
        said(function(*(odd if i == place else value for i, value in enumerate(right))), False)
