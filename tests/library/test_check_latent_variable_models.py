"""The self-checks of the chapter "latent variable models": right answers pass, each slip is named, nothing raises.

The right answers and the slips are written out here by hand and share nothing with the library.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from lvm_lib import check

LOG2PI = math.log(2 * math.pi)
EVIDENCE, SHARE = -1.84853, 0.75999


# ---------------------------------------------------------------- exercises 1 and 2


@pytest.mark.parametrize("answer", [(30, 13.03), (30.0, 13), (np.array([30]), torch.tensor(13.029)), ("30", 13)])
def test_samples(said, answer):
    said(check.lvm_samples(*answer), True)


@pytest.mark.parametrize(
    "answer, words",
    [
        ((math.exp(30), 13), "number itself"),
        ((13.03, 30), "swapped"),
        ((math.log(30), 13), "logarithm of 30"),
        ((30, 30), "divide by log 10"),
        ((30, 43.28), "exponent of two"),
        ((30, 1.477), "log10 of 30"),
    ],
)
def test_slips_of_the_samples_are_named(said, answer, words):
    assert words in said(check.lvm_samples(*answer), False)


def test_by_hand(said):
    a, b = 0.7 * stats.norm.pdf(2), 0.3 * stats.norm.pdf(0)
    assert math.log(a + b) == pytest.approx(EVIDENCE, abs=1e-4) and b / (a + b) == pytest.approx(SHARE, abs=1e-4)
    said(check.lvm_by_hand(-1.85, 0.76), True)
    said(check.lvm_by_hand(math.log(a + b), torch.tensor(b / (a + b))), True)


@pytest.mark.parametrize(
    "answer, words",
    [
        (0.15748, "p(x) itself"),
        (0.7 * stats.norm.logpdf(2) + 0.3 * stats.norm.logpdf(0), "average of the logs"),
        (math.log(stats.norm.pdf(2) + stats.norm.pdf(0)), "without the weights"),
        (EVIDENCE + LOG2PI / 2, "normaliser"),
        (math.log(0.3 * stats.norm.pdf(2) + 0.7 * stats.norm.pdf(0)), "swapped"),
        (math.log(0.3 * stats.norm.pdf(0)), "z = 1) alone"),
        (-EVIDENCE, "sign flipped"),
        (-3.0, "too low"),
    ],
)
def test_slips_of_the_evidence_are_named(said, answer, words):
    assert words in said(check.lvm_by_hand(answer, SHARE), False)


@pytest.mark.parametrize(
    "answer, words",
    [
        (0.24, "z = 0 | x"),
        (0.3, "the prior"),
        (0.8808, "without the prior"),
        (0.1197, "joint"),
        (0.9452, "weights swapped"),
        (math.log(0.76), "logarithm"),
    ],
)
def test_slips_of_the_probability_are_named(said, answer, words):
    assert words in said(check.lvm_by_hand(EVIDENCE, answer), False)


# ---------------------------------------------------------------- exercise 6


def hills(noise):
    """How many hills p(x) has, by brute force in x and z."""
    z, x = np.linspace(-8, 8, 3201), np.linspace(-5, 5, 4001)
    g = 1.8 * np.tanh(2 * z + 0.5) - 0.9 * np.tanh(1.5 * z - 2.2) - 0.8
    p = stats.norm.pdf(x[:, None], g, noise) @ stats.norm.pdf(z)
    return int(((p[1:-1] > p[:-2]) & (p[1:-1] > p[2:])).sum())


@pytest.mark.slow
def test_hills(said):
    low, high = 0.15, 1.0
    while high - low > 0.002:
        middle = (low + high) / 2
        low, high = (low, middle) if hills(middle) == 1 else (middle, high)
    said(check.lvm_hills(high), True)
    said(check.lvm_hills(high - 0.015), True)
    assert "two hills" in said(check.lvm_hills(high - 0.05), False)
    assert "smaller noise" in said(check.lvm_hills(high + 0.05), False)
    assert "between 0.15 and 1" in said(check.lvm_hills(3), False)
    assert "one finite number" in said(check.lvm_hills("a"), False)


# ---------------------------------------------------------------- all


@pytest.mark.parametrize("empty", [..., None])
@pytest.mark.parametrize(
    "function, parts",
    [
        (check.lvm_samples, 2),
        (check.lvm_by_hand, 2),
        (check.lvm_hills, 1),
        (check.lvm_ancestral, 1),
        (check.lvm_log_marginal, 1),
        (check.lvm_kl_posterior_prior, 1),
    ],
)
def test_an_empty_answer_is_not_answered_yet(said, function, parts, empty):
    assert "Not answered yet" in said(function(*[empty] * parts), None)


@pytest.mark.parametrize("function", [check.lvm_ancestral, check.lvm_log_marginal, check.lvm_kl_posterior_prior])
def test_an_empty_function_is_not_answered_yet(said, function):
    for empty in (lambda *a: ..., lambda *a: None):
        assert "Not answered yet" in said(function(empty), None)


def test_the_chapter_s_empty_sampler_is_not_answered_yet(said):
    assert "Not answered yet" in said(check.lvm_ancestral(lambda *a: (..., ...)), None)
