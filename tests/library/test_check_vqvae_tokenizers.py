"""The self-checks of the chapter on tokenizers: right answers pass, each slip is named, nothing raises."""

import importlib
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import special, stats

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
        (lambda x, t, u: -1, "too low"),
    ],
)
def test_wrong_draws_are_named(said, wrong, name):
    assert name in said(check.tok_draw(wrong), False)


def one_scale(given):
    """Takes out one largest value for all rows: right only where the rows are near each other."""
    with np.errstate(divide="ignore"):
        return given.max() + np.log(np.exp(given - given.max()).mean(axis=1))


def unsafe_draw(logits, temperature, u):
    with np.errstate(all="ignore"):
        weights = np.exp(logits / temperature)
        return int((np.cumsum(weights) / weights.sum() <= u).sum())


def test_one_scale_is_not_enough(said):
    assert "in each row" not in said(check.tok_class_summed_out(one_scale), False)
    assert "largest term of each row" in said(check.tok_class_summed_out(one_scale), False)
    assert "exp overflows" in said(check.tok_draw(unsafe_draw), False)


@pytest.mark.parametrize(
    "function, right",
    [
        (
            check.tok_perplexity,
            lambda t: torch.exp(torch.distributions.Categorical(t.flatten().bincount() / t.numel()).entropy()),
        ),
        (check.tok_class_summed_out, lambda g: g.logsumexp(1) - math.log(g.shape[1])),
        (check.tok_draw, lambda x, t, u: (x.div(t).softmax(0).cumsum(0) <= u).sum()),
    ],
)
def test_torch_in_a_learner_s_function(said, function, right):
    assert said(function(right), True).startswith("Right")


class Model(torch.nn.Module):
    """Tokens are which quarters of the image have ink; pixels have one share of ink for each such token."""

    def __init__(self, gain=1.0):
        super().__init__()
        x = torch.tensor(data.binarised("digits", "train").reshape(9000, 784)).float()
        tokens = self.tokens(x)
        self.ink = torch.stack([x[tokens[:, 0] == k].mean(0) * 0.98 + 0.01 for k in (0, 1)])
        self.gain = gain

    def tokens(self, x):
        return (x.view(-1, 28, 28)[:, 10:18, 12:16].sum((1, 2)) > 12).long()[:, None].expand(-1, 3)

    def px_z(self, tokens):
        return torch.distributions.Bernoulli(logits=self.gain * self.ink[tokens[:, 0]].logit())


class Prior:
    """A chain: the first token has even chances, and each other one is the one before, with probability 0.999."""

    classes = 0

    def conditionals(self, tokens, label):
        before = torch.nn.functional.one_hot(tokens[:, :-1], 2) * 0.998 + 0.001
        first = torch.full((len(tokens), 1, 2), 0.5)
        return torch.cat([first, before], 1).log()


class Unnormalised(Prior):
    def conditionals(self, tokens, label):
        return super().conditionals(tokens, label) + 1


class Oracle(Prior):
    def conditionals(self, tokens, label):
        return (torch.nn.functional.one_hot(tokens, 2) * 0.998 + 0.001).log()


class Liar(Model):
    """Says of itself that it is perfect."""

    def elbo_terms(self, x, prior):
        return SimpleNamespace(elbo=torch.zeros(len(x)))


class Remembers(Model):
    """A decoder that looks at the images whose tokens were asked for last."""

    def tokens(self, x):
        self.last = x
        return super().tokens(x)

    def px_z(self, tokens):
        return torch.distributions.Bernoulli(logits=20 * (2 * self.last - 1))


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
    assert "3 more are asked" in said(check.tok_better_bound(value - 1, Model(), Prior()), False)
    assert "below the one" in said(check.tok_better_bound(value + 10, Model(), Prior()), False)
    assert "10.0 below the one" in said(check.tok_better_bound(value + 10, Liar(), Prior()), False)
    assert "sum to values" in said(check.tok_better_bound(value - 5, Model(), Unnormalised()), False)
    assert "looks ahead" in said(check.tok_better_bound(value - 5, Model(), Oracle()), False)
    assert "below the one" in said(check.tok_better_bound(value - 5, Remembers(), Prior()), False)


def test_a_better_bound_wants_its_parts(said):
    assert said(check.tok_better_bound(..., ..., ...), None).startswith("Not answered")
    assert "method tokens" in said(check.tok_better_bound(-122.0, 3, Prior()), False)
    assert "method conditionals" in said(check.tok_better_bound(-122.0, Model(), 3), False)
    assert "near -122 nats, but got -500" in said(check.tok_better_bound(-500.0, Model(), Prior()), False)
    assert "near -122 nats, but got" in said(check.tok_better_bound("much", Model(), Prior()), False)
