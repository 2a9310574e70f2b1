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


# ---------------------------------------------------------------- exercise 3


def right(weights, means, std, n, rng):
    z = rng.choice(len(weights), size=n, p=weights)
    return means[z] + std * rng.standard_normal(n), z


def by_inverse(weights, means, std, n, rng):
    z = np.searchsorted(np.cumsum(weights), rng.random(n))
    return torch.tensor(rng.normal(means[z], std)), z.tolist()


@pytest.mark.parametrize("function", [right, by_inverse])
def test_ancestral(said, function):
    said(check.lvm_ancestral(function), True)


def changed(z=None, x=None, swap=False, source=None):
    """The right sampler with one thing changed."""

    def sample(weights, means, std, n, rng):
        rng = source() if source else rng
        classes = z(weights, n, rng) if z else rng.choice(len(weights), size=n, p=weights)
        points = x(means, classes, std, n, rng) if x else means[classes] + std * rng.standard_normal(n)
        return (classes, points) if swap else (points, classes)

    return sample


@pytest.mark.parametrize(
    "function, words",
    [
        (changed(z=lambda w, n, rng: rng.integers(len(w), size=n)), "equally frequent"),
        (changed(z=lambda w, n, rng: rng.choice(len(w), size=n, p=w[::-1])), "look at the weights"),
        (changed(x=lambda m, z, s, n, rng: m[z]), "without noise"),
        (changed(x=lambda m, z, s, n, rng: m[z] + s**2 * rng.standard_normal(n)), "std^2"),
        (changed(x=lambda m, z, s, n, rng: m[z] + math.sqrt(s) * rng.standard_normal(n)), "square root of std"),
        (changed(x=lambda m, z, s, n, rng: m[z] + rng.standard_normal(n)), "multiply it by std"),
        (changed(x=lambda m, z, s, n, rng: m[z] + s * rng.random(n)), "own z"),
        (changed(x=lambda m, z, s, n, rng: m[rng.permutation(z)] + s * rng.standard_normal(n)), "own z"),
        (changed(x=lambda m, z, s, n, rng: m[z] + s * rng.standard_normal()), "own z"),
        (changed(swap=True), "swapped"),
        (changed(source=np.random.default_rng), "equal generators"),
        (changed(source=lambda: np.random.default_rng(0)), "different generators"),
        (lambda w, m, s, n, rng: right(w, m, s, n, rng)[0], "two things, x and z"),
        (lambda *a: (np.zeros((4000, 1)), np.zeros(4000)), "shape (4000, 1)"),
        (lambda *a: 1 / 0, "ZeroDivisionError"),
        (lambda w, m, s, n, rng: (np.full(n, 0.2), np.full(n, 0.5)), "classes 0 to"),
        (3, "a function is asked"),
    ],
)
def test_slips_of_the_sampler_are_named(said, function, words):
    assert words in said(check.lvm_ancestral(function), False)


# ---------------------------------------------------------------- exercise 4


def stable(v):
    return v.max() + np.log(np.exp(v - v.max()).mean())


@pytest.mark.parametrize(
    "function",
    [
        stable,
        lambda v: torch.logsumexp(torch.tensor(v), 0) - math.log(len(v)),
        lambda v: np.logaddexp.reduce(v) - np.log(v.size),
    ],
)
def test_log_marginal(said, function):
    said(check.lvm_log_marginal(function), True)


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda v: v.mean(), "average of the logs"),
        (lambda v: np.log(np.exp(v).mean()), "largest value out first"),
        (lambda v: stable(v) + np.log(len(v)), "average divides by K"),
        (lambda v: v.max(), "largest value"),
        (lambda v: np.log(np.exp(v - v.max()).mean()), "put that back"),
        (lambda v: np.exp(stable(v)), "take the logarithm"),
        (lambda v: v, "one finite number"),
        (lambda v: 1 / 0, "ZeroDivisionError"),
        (lambda v: "x", "one finite number"),
    ],
)
def test_slips_of_the_log_marginal_are_named(said, function, words):
    text = said(check.lvm_log_marginal(function), False)
    assert words in text or "array" in text or "str" in text


# ---------------------------------------------------------------- exercise 5


def kl(w, s, x, prior=1.0, power=2):
    variance = 1 / (prior + w**2 / s**power)
    mean = variance * w * x / s**power
    return 0.5 * (variance + mean**2 - 1 - np.log(variance))


def test_kl(said):
    said(check.lvm_kl_posterior_prior(kl), True)
    said(check.lvm_kl_posterior_prior(lambda w, s, x: torch.tensor(kl(w, s, x))), True)


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda w, s, x: kl(w, s, x) + 0.5, "without its -1"),
        (lambda w, s, x: kl(w, s, 0.0), "without the posterior mean"),
        (lambda w, s, x: -kl(w, s, x), "sign"),
        (lambda w, s, x: 2 * kl(w, s, x), "factor of 2"),
        (lambda w, s, x: kl(w, s, x, prior=0.0), "prior adds 1"),
        (lambda w, s, x: kl(w, s, x) / math.log(2), "bits"),
        (lambda w, s, x: 0.5 * (1 / (1 + w**2 / s**2) + (x / w) ** 2 - 1 + np.log(1 + w**2 / s**2)), "prior pulls"),
    ],
)
def test_slips_of_the_kl_are_named(said, function, words):
    assert words in said(check.lvm_kl_posterior_prior(function), False)


def test_a_variance_for_a_standard_deviation_is_seen_where_it_matters(said):
    assert "square it" in said(check.lvm_kl_posterior_prior(lambda w, s, x: kl(w, s, x, power=1)), False)


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
