"""The self-checks of the chapter on KL: right answers pass, each slip is named, nothing raises.

Truths are written by hand.
"""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from lvm_lib import check, data

FORWARD, REVERSE = 0.5 * math.log(16 / 7), 0.125 * math.log(0.25) + 0.875 * math.log(1.75)
NATS = 262.0 - 784 * math.log(255)
BITS = -NATS / 784 / math.log(2)
ODD = ["one", float("nan"), [1, 2, 3], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]


PAIRS = {  # check: right answers, and {wrong answers: what the message says}
    check.kl_by_hand: (
        (FORWARD, REVERSE),
        {
            (REVERSE, FORWARD): "swapped",
            (FORWARD / math.log(2), REVERSE): "bits",
            (-FORWARD, REVERSE): "sign",
            (FORWARD + math.log(2), REVERSE): "cross-entropy",
            (FORWARD, 0.55): "too high",
            (0.28125, REVERSE): "squared",
            ((FORWARD + REVERSE) / 2, REVERSE): "has a direction",
        },
    ),
    check.kl_pixel_units: (
        (NATS, BITS),
        {
            (262.0, BITS): "other units",
            (262.0 + 784 * math.log(255), BITS): "lower",
            (262 - 784 * math.log(256), BITS): "256",
            (NATS, -BITS): "minus",
            (NATS, BITS * math.log(2)): "log 2",
            (-NATS, BITS): "code length",
        },
    ),
    check.kl_flattery: (
        (2 / 7, 203),
        {(0.2, 203): "2 / N", (2 / 7, 200): "three more", (1 / 7, 203): "both count", (2 / 7, 150): "too low"},
    ),
    check.kl_right_hill: (
        (1.673, 0.534),
        {
            (-1.46, 0.75): "left",
            (-0.22, 1.689): "moments",
            (1.7, 0.5): "hill itself",
            (-0.536, 1.431): "broad",
            (1.673, 0.285): "variance",
        },
    ),
}


@pytest.mark.parametrize("function", PAIRS, ids=lambda function: function.__name__)
def test_right_answers_pass_also_rounded(said, function):
    right = PAIRS[function][0]
    assert said(function(*right), True).startswith("Right")
    assert said(function(*(round(value, 2) for value in right)), True).startswith("Right")
    assert said(function(..., right[1]), None).startswith("Not answered")
    assert said(function(None, None), None).startswith("Not answered")


@pytest.mark.parametrize(
    "function, wrong, name",
    [(function, wrong, name) for function, (_, slips) in PAIRS.items() for wrong, name in slips.items()],
)
def test_slips_are_named(said, function, wrong, name):
    assert name in said(function(*wrong), False)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("function", PAIRS, ids=lambda function: function.__name__)
def test_odd_answers_are_refused_in_words(said, function, odd):
    right = PAIRS[function][0]
    said(function(odd, right[1]), False)
    said(function(right[0], odd), False)


@pytest.mark.slow
def test_the_minimum_on_the_right_hill_is_where_scipy_finds_it(said):
    e = np.linspace(-9, 9, 1801)  # of what is analytic and dies out at both ends, the sum of so many points is exact

    def kl(parameters):
        mean, std = parameters[0], math.exp(parameters[1])
        x = mean + std * e
        target = 0.6 * stats.norm.pdf(x, -1.5, 0.7) + 0.4 * stats.norm.pdf(x, 1.7, 0.5)
        return (stats.norm.pdf(e) * (stats.norm.logpdf(x, mean, std) - np.log(target))).sum() * (e[1] - e[0])

    found = optimize.minimize(kl, [1.7, math.log(0.5)], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-11}).x
    assert said(check.kl_right_hill(found[0], math.exp(found[1])), True).startswith("Right")


def table(amount):
    train = data.flat(data.load("digits").train)
    counts = np.stack([(train == level).sum(axis=0) for level in range(256)], axis=1) + amount
    return np.log(counts / counts.sum(axis=1, keepdims=True))


def test_a_table_of_shares_passes_and_its_score_is_stated(said):
    good = table(0.1)
    test = data.flat(data.load("digits").test).astype(int)
    by_hand = np.mean([sum(good[pixel, level] for pixel, level in enumerate(row)) for row in test[:1000]])
    assert f"{by_hand:.1f} nats" in said(check.kl_pixel_table(good), True)
