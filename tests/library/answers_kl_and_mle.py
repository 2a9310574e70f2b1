"""Answers to the exercises of "KL divergence and maximum likelihood", by hand. See test_answers."""

import math
from functools import cache

import numpy as np
import torch
from scipy import stats

from lvm_lib import data

LOG2PI = math.log(2 * math.pi)
FORWARD, REVERSE = 0.5 * math.log(16 / 7), 0.125 * math.log(0.25) + 0.875 * math.log(1.75)
NATS = 262.0 - 784 * math.log(255)
BITS = -NATS / 784 / math.log(2)
OWN_FORMS: set[str] = set()


# ---------------------------------------------------------------- exercise 3


def at(x, mean, std):
    """log N of each entry, (n, D)."""
    return stats.norm.logpdf(x, mean, std)


def score(x, mean, std):
    return at(x + 0.5, mean, std).sum(axis=1) - (1 / (24 * std**2)).sum()


def in_torch(x, mean, std):
    return torch.distributions.Normal(mean, std).log_prob(x + 0.5).sum(1) - (1 / (24 * std**2)).sum()


# ---------------------------------------------------------------- exercise 6


@cache
def counts(part):
    """How often each level occurs at each pixel, (784, 256)."""
    x = data.flat(getattr(data.load("digits"), part))
    return np.stack([(x == level).sum(axis=0) for level in range(256)], axis=1)


def logs(shares):
    return np.log(shares / shares.sum(axis=1, keepdims=True))


def spread_out(part, amount=0.1):
    """Shares with `amount` of an image at each level."""
    return logs(counts(part) + amount)


def nearby(counts):
    """The counts of the four pixels around each."""
    padded = np.pad(counts.reshape(28, 28, 256), ((1, 1), (1, 1), (0, 0)))
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return around.reshape(784, 256)


HISTOGRAM = logs(np.tile(counts("train").sum(axis=0, keepdims=True) + 1.0, (784, 1)))


ROWS = [
    # 1, 2, 4, 5
    ("kl_by_hand", (FORWARD, REVERSE), True, "the first argument gives the weights"),
    ("kl_by_hand", (0.41, 0.32), True, ""),
    ("kl_by_hand", (0.4133, "0,316"), True, ""),
    ("kl_by_hand", (REVERSE, FORWARD), False, "swapped?)"),
    ("kl_by_hand", ((FORWARD + REVERSE) / 2, REVERSE), False, "a divergence has a direction"),
    ("kl_pixel_units", (NATS, BITS), True, "784 log 255"),
    ("kl_pixel_units", (round(NATS, 1), round(BITS, 2)), True, ""),
    (
        "kl_pixel_units",
        (262 - 784 * math.log(256), -(262 - 784 * math.log(256)) / 784 / math.log(2)),
        False,
        "follows from your score in nats, and comes right when that does",
    ),
    ("kl_flattery", (2 / 7, 203), True, "2 / (N - 3)"),
    ("kl_flattery", (0.29, 203), True, ""),
    ("kl_right_hill", (1.673, 0.534), True, "almost the hill itself"),
    ("kl_right_hill", (1.67, 0.53), True, ""),
    # 3
    ("kl_dequantised_score", score, True, "closed form on every row"),
    ("kl_dequantised_score", in_torch, True, ""),
    ("kl_dequantised_score", lambda x, m, s: np.array([score(row[None], m, s)[0] for row in x]), True, ""),
    ("kl_dequantised_score", lambda x, m, s: ..., None, "the score"),
    ("kl_dequantised_score", lambda x, m, s: at(x, m, s).sum(1), False, "average over u in [0, 1)"),
    ("kl_dequantised_score", lambda x, m, s: at(x + 0.5, m, s).sum(1), False, "-tr(C^-1) / 24, is missing"),
    ("kl_dequantised_score", lambda x, m, s: score(x - 0.5, m, s), False, "not at the bin's middle"),
    (
        "kl_dequantised_score",
        lambda x, m, s: at(x + 0.5, m, s).sum(1) + (1 / (24 * s**2)).sum(),
        False,
        "the trace term added: it is subtracted",
    ),
    (
        "kl_dequantised_score",
        lambda x, m, s: at(x + 0.5, m, s).sum(1) - (1 / (12 * s**2)).sum(),
        False,
        "tr(C^-1) / 12: the log density has a factor 1/2",
    ),
    ("kl_dequantised_score", lambda x, m, s: at(x + 0.5, m, s).sum(1) - (1 / s).sum() / 24, False, "1 / std in the"),
    ("kl_dequantised_score", lambda x, m, s: at(x + 0.5, m, s).sum(1) - (s**2).sum() / 24, False, "not of its inverse"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s) + len(s) * LOG2PI / 2, False, "without log 2 pi"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s) + np.log(s).sum(), False, "without log std"),
    (
        "kl_dequantised_score",
        lambda x, m, s: at(x + 0.5, m, s) - 1 / (24 * s**2),
        False,
        "one score per entry: sum over the dimensions",
    ),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s) / x.shape[1], False, "averaged over the dimensions"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s).mean(), False, "averaged over the data points too"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s).sum(), False, "summed over the data points too"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s)[:, None], False, "a column of shape (n, 1)"),
    ("kl_dequantised_score", lambda x, m, s: -score(x, m, s), False, "a code length"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s) + 0.5, False, "too high"),
    ("kl_dequantised_score", lambda x, m, s: score(x, m, s) * (x.max(axis=1) < 100), False, "(x of shape (4, 2))"),
    ("kl_dequantised_score", lambda x, m, s: 1 / 0, False, "ZeroDivisionError"),
    ("kl_dequantised_score", 7, False, "a function is asked"),
    # 6
    ("kl_pixel_table", spread_out("train"), True, "and -930 were asked"),
    ("kl_pixel_table", torch.tensor(spread_out("train"), requires_grad=True), True, "bits/dim"),
    ("kl_pixel_table", spread_out("train").astype(np.float32), True, ""),
    ("kl_pixel_table", spread_out("train", 0.3), True, ""),
    ("kl_pixel_table", ..., None, "the table"),
    (
        "kl_pixel_table",
        spread_out("test"),
        False,
        "which grey levels the test digits have: fit it to the training digits alone",
    ),
    ("kl_pixel_table", spread_out("test", 1.0), False, "fit it to the training digits alone"),
    ("kl_pixel_table", logs(counts("train") + counts("test") + 0.1), False, "fit it to the training digits alone"),
    ("kl_pixel_table", logs(counts("train") + 0.2 * counts("test") + 0.1), False, "to the training digits alone"),
    ("kl_pixel_table", logs(counts("train") + 0.03 * counts("test") + 0.1), False, "to the training digits alone"),
    ("kl_pixel_table", logs(counts("train") + 5.0 * (counts("test") > 0) + 0.1), False, "the training digits alone"),
    ("kl_pixel_table", logs(counts("train") + counts("test") * (counts("train") > 0) + 0.1), False, "digits alone"),
    ("kl_pixel_table", 0.9 * spread_out("train") + 0.1 * spread_out("test"), False, "each must be 1"),
    ("kl_pixel_table", logs(counts("train") + 0.1 + 0.1 * nearby(counts("train"))), True, ""),
    ("kl_pixel_table", logs(counts("train") + 0.05 + 30 * counts("train").mean(0) / 9000), True, ""),
    ("kl_pixel_table", spread_out("train", 1.0), False, "a mass, and reaches -933.6 nats"),
    ("kl_pixel_table", HISTOGRAM, False, "a mass, and reaches -1068.8 nats"),
    ("kl_pixel_table", spread_out("train", 1e-9), False, "better on training digits, so smooth it more"),
    ("kl_pixel_table", np.full((784, 256), -math.log(256)), False, "but -930 are asked"),
    ("kl_pixel_table", np.zeros((784, 256)), False, "exp of its rows sums to values from 256 to 256, and each must be"),
    ("kl_pixel_table", np.full((784, 256), 1 / 256), False, "are these masses, not their logarithms?"),
    ("kl_pixel_table", np.zeros((256, 784)), False, "shape (256, 784)"),
    ("kl_pixel_table", np.full((784, 256), -np.inf), False, "an impossible level needs a small mass, not none"),
    ("kl_pixel_table", "table", False, "784 x 256"),
]
