"""Answers to the exercises of "Tokenizers: many one-hots", by hand. See test_answers."""

import math

import numpy as np
import torch
from scipy import stats

NATS = 1024 * math.log(8192)
BITS = 1024 * 13 / 65536
OWN_FORMS: set[str] = set()
ELSEWHERE: set[str] = set()


# ---------------------------------------------------------------- exercise 3


def perplexity(tokens):
    return np.exp(entropy(tokens))


def shares(tokens):
    return np.unique(tokens, return_counts=True)[1] / np.size(tokens)


def entropy(tokens):
    return stats.entropy(shares(tokens))


PERPLEXITY = "tok_perplexity"
ROWS = [
    # 1
    ("tok_rate", (NATS, BITS), True, "M log K as long as nothing is known"),
    ("tok_rate", (9227, 0.2), True, ""),
    ("tok_rate", ("1024*log(8192)", "13/64"), True, ""),
    # 2
    ("tok_levels", (784 * math.log(2), 65536), True, "that of 784 fair coins"),
    ("tok_levels", (543.4, "16**4"), True, ""),
    ("tok_levels", (543.4, math.exp(543.4 / 49)), True, ""),  # from the rounded rate
    ("tok_levels", (543.4, 65499), True, ""),
    ("tok_levels", ("543,43", "exp(543,43/49)"), True, ""),
    ("tok_levels", (500.0, math.exp(500 / 49)), False, "follows from your rate, and comes right when that does"),
    ("tok_levels", (1e9, math.exp(700)), False, "by more than 1,000"),
    ("tok_levels", (203.8, 65536), False, "levels multiply"),
    ("tok_levels", (543.4, 64), False, "the sum of the codebooks"),
    # 3
    (PERPLEXITY, perplexity, True, "codes that do not occur add nothing"),
    (
        PERPLEXITY,
        lambda t: torch.distributions.Categorical(torch.bincount(torch.as_tensor(t).flatten()).double()).perplexity(),
        True,
        "",
    ),
    (PERPLEXITY, lambda t: np.prod(shares(t) ** -shares(t)), True, ""),
    (PERPLEXITY, lambda t: ..., None, "the perplexity"),
    (PERPLEXITY, entropy, False, "the entropy itself"),
    (PERPLEXITY, lambda t: 2 ** entropy(t), False, "2 to the entropy in nats"),
    (PERPLEXITY, lambda t: np.exp(stats.entropy(shares(t), base=2)), False, "exp of the entropy in bits"),
    (PERPLEXITY, lambda t: len(np.unique(t)), False, "the number of codes that occur"),
    (PERPLEXITY, lambda t: 1 / perplexity(t), False, "exp of minus the entropy"),
    (PERPLEXITY, lambda t: 1 / (shares(t) ** 2).sum(), False, "one over the sum of squared shares"),
    (PERPLEXITY, lambda t: np.mean([perplexity(row) for row in np.atleast_2d(t)]), False, "the average over rows"),
    (PERPLEXITY, lambda t: perplexity(t) + 1, False, "too high"),
    (PERPLEXITY, lambda t: np.exp(stats.entropy(np.bincount(t))), False, "raised ValueError"),  # flat tokens only
    (PERPLEXITY, lambda t: 1 / 0, False, "ZeroDivisionError"),
    (PERPLEXITY, 3, False, "a function is asked"),
]
