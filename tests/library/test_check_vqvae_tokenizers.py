"""The self-checks of the chapter on tokenizers: right answers pass, each slip is named, nothing raises."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import special, stats

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
    for function in (check.tok_perplexity, check.tok_class_summed_out, check.tok_mask, check.tok_draw):
        said(function(odd), False)
        said(function(lambda *arguments: odd), False)
    said(check.tok_better_bound(-150.0, odd, odd), False)


@pytest.mark.parametrize("function", [check.tok_perplexity, check.tok_class_summed_out, check.tok_mask, check.tok_draw])
def test_no_answer_yet_and_errors(said, function):
    assert said(function(lambda *arguments: ...), None).startswith("Not answered")
    assert said(function(...), None).startswith("Not answered")
    assert "ZeroDivisionError" in said(function(lambda *arguments: 1 / 0), False)


def perplexity(tokens):
    return np.exp(stats.entropy(np.unique(tokens, return_counts=True)[1]))


def test_perplexity(said):
    assert said(check.tok_perplexity(perplexity), True).startswith("Right")


@pytest.mark.parametrize(
    "wrong, name",
    [
        (lambda t: np.log(perplexity(t)), "entropy itself"),
        (lambda t: len(np.unique(t)), "codes that occur"),
        (lambda t: 2 ** np.log(perplexity(t)), "bits and 2"),
        (lambda t: 1 / perplexity(t), "minus the entropy"),
        (lambda t: np.mean([perplexity(row) for row in np.atleast_2d(t)]), "over all tokens"),
        (lambda t: perplexity(t) + 1, "too high"),
    ],
)
def test_wrong_perplexities_are_named(said, wrong, name):
    assert name in said(check.tok_perplexity(wrong), False)


def summed(given):
    return special.logsumexp(given, axis=1) - math.log(given.shape[1])


def test_class_summed_out(said):
    assert said(check.tok_class_summed_out(summed), True).startswith("Right")


@pytest.mark.parametrize(
    "wrong, name",
    [
        (lambda g: special.logsumexp(g, axis=1), "subtract log C"),
        (lambda g: g.mean(axis=1), "mean of the logs"),
        (lambda g: g.max(axis=1), "largest term alone"),
        (lambda g: special.logsumexp(g, axis=0), "second axis"),
        (lambda g: np.log(np.exp(g).mean(axis=1)), "underflows"),
    ],
)
def test_wrong_sums_are_named(said, wrong, name):
    with np.errstate(divide="ignore"):
        assert name in said(check.tok_class_summed_out(wrong), False)


def mask(kernel, centre):
    flat = np.arange(kernel**2) < kernel**2 // 2 + centre
    return flat.reshape(kernel, kernel)


def test_mask(said):
    assert said(check.tok_mask(mask), True).startswith("Right")
    assert said(check.tok_mask(lambda k, c: torch.tensor(mask(k, c)).float()), True).startswith("Right")


@pytest.mark.parametrize(
    "wrong, name",
    [
        (lambda k, c: mask(k, not c), "centre"),
        (lambda k, c: mask(k, c)[::-1], "upside down"),
        (lambda k, c: mask(k, c)[:, ::-1], "left for right"),
        (lambda k, c: mask(k, c).T, "transposed"),
        (lambda k, c: 1 - mask(k, c), "future"),
        (lambda k, c: np.ones((k, k)), "entries"),
        (lambda k, c: mask(k, c).ravel(), "shape"),
    ],
)
def test_wrong_masks_are_named(said, wrong, name):
    assert name in said(check.tok_mask(wrong), False)


def draw(logits, temperature, u):
    p = special.softmax(logits / temperature)
    return int(np.searchsorted(np.cumsum(p), u, side="right"))


def test_draw(said):
    assert said(check.tok_draw(draw), True).startswith("Right")


@pytest.mark.parametrize(
    "wrong, name",
    [
        (lambda x, t, u: draw(x, 1.0, u), "without the temperature"),
        (lambda x, t, u: draw(x, 1 / t, u), "divide"),
        (lambda x, t, u: draw(x, t, u) + 1, "from 0"),
        (lambda x, t, u: int(np.argmax(x)), "u decides"),
        (lambda x, t, u: -1, "another one"),
    ],
)
def test_wrong_draws_are_named(said, wrong, name):
    assert name in said(check.tok_draw(wrong), False)


class Fake:
    """A model whose bound is a given number."""

    def __init__(self, value):
        self.value = value

    def elbo_terms(self, x, prior):
        return SimpleNamespace(elbo=torch.full((len(x),), self.value))

    log_prob = None


def test_a_better_bound_is_asked(said):
    assert "3.5 better" in said(check.tok_better_bound(-150.0, Fake(-146.5), Fake(0)), True)
    assert "3 more are asked" in said(check.tok_better_bound(-150.0, Fake(-149.0), Fake(0)), False)
    assert "below the one" in said(check.tok_better_bound(-150.0, Fake(-160.0), Fake(0)), False)
    assert said(check.tok_better_bound(..., ..., ...), None).startswith("Not answered")
    assert "method elbo_terms" in said(check.tok_better_bound(-150.0, 3, Fake(0)), False)
