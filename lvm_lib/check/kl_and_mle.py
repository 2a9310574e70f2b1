"""Self-checks of the chapter "KL divergence and maximum likelihood"."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .. import bounds, data
from ..densities import LOG_2PI, entropy_categorical, kl_categorical, log_normal, logsumexp
from ._judge import (
    Exercise,
    Follows,
    Number,
    Odd,
    Verdict,
    ask,
    ask_function,
    guarded,
    read,
    tell,
    unanswered,
)

__all__ = ["kl_by_hand", "kl_dequantised_score", "kl_flattery", "kl_pixel_table", "kl_pixel_units", "kl_right_hill"]


# ---------------------------------------------------------------- exercise 1


@guarded
def kl_by_hand(forward: object, reverse: object) -> bool | None:
    """Exercise 1: p = (1/2, 1/2) and q = (1/8, 7/8); KL(p || q) and KL(q || p) in nats."""
    return ask(_by_hand(), forward, reverse)


def _by_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.125, 0.875])
    of_forward, of_reverse = kl_categorical(p, q), kl_categorical(q, p)
    slips = {
        "the average of KL(p || q) and KL(q || p): a divergence has a direction": (of_forward + of_reverse) / 2,
        "the cross-entropy -sum p log q: the entropy of p is not taken off": -(p @ np.log(q)),
        "log 2, the entropy of p": entropy_categorical(p),
        "the entropy of q": entropy_categorical(q),
        "a sum of log ratios without the weights p": np.log(p / q).sum(),
        "a sum of log ratios without the weights q": np.log(q / p).sum(),
        "a sum of squared differences, not of logarithms": ((p - q) ** 2).sum(),
    }
    of_q = {"an average with equal weights: here q gives the weights": -of_forward}
    return Exercise(
        "the first argument gives the weights, so the two differ.",
        Number("KL(p || q)", of_forward, {"KL(q || p) (are the two swapped?)": of_reverse, **slips}, symbol=True),
        Number(
            "KL(q || p)", of_reverse, {"KL(p || q) (are the two swapped?)": of_forward, **of_q, **slips}, symbol=True
        ),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def kl_pixel_units(nats: object, bits_per_dim: object) -> bool | None:
    """Exercise 2: +262.0 nats per image for pixels in [0, 1], D = 784: on ruler G in nats and in bits/dim."""
    return ask(_pixel_units(), nats, bits_per_dim)


def _pixel_units():
    reported, dimensions = 262.0, 784
    nats = reported - dimensions * math.log(255)
    bits = -nats / (dimensions * math.log(2))
    of_nats = {
        "the score with 784 log 255 added: a density of x is lower than one of x/255": 2 * reported - nats,
        "the score with 784 log 256: pixels were divided by 255": reported - dimensions * math.log(256),
        "the score with log 255 once: every one of the 784 pixels was scaled": reported - math.log(255),
        "a code length: the score is asked, minus the length": -nats,
        "the reported score: it is in other units": reported,
        "784 log 255 alone, with a minus sign: it is taken off the score": nats - reported,
    }
    of_bits = {
        "bits/dim with a minus sign: it is a length, so take minus the score": -bits,
        "nats per dimension: divide by log 2 for bits": bits * math.log(2),
        "bits per image: divide by the 784 dimensions": bits * dimensions,
        "bits/dim of the reported score: it is in other units": -reported / (dimensions * math.log(2)),
        "the bits/dim of 28 dimensions: an image has 28 x 28": bits * 28,
    }
    return Exercise(
        "784 log 255 nats off the score, then minus that over 784 log 2.",
        Number("score in nats", nats, of_nats, decimals=1),
        Number("number of bits/dim", bits, of_bits, unit="bits", follows=Follows(0, -1 / (dimensions * math.log(2)))),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def kl_dequantised_score(function: object) -> bool | None:
    """Exercise 3: a function of x (n, D), mean and std (D,): E_u[log N(x + u; mean, diag(std^2))], (n,), in nats."""
    rng = np.random.default_rng(0)
    cases = []
    for n, d, spread in ((5, 3, 1.0), (4, 1, 1.0), (1, 6, 1.0), (3, 3, 1.0), (4, 2, 100.0)):
        x, mean = rng.integers(0, 12, size=(n, d)).astype(float), rng.uniform(2, 9, size=d)
        x[0] *= spread  # one row may lie far out
        cases.append((x, mean, rng.uniform(0.4, 3.0, size=d)))
    return ask_function(
        function, "your function agrees with the closed form on every row.", [(case, _score(*case)) for case in cases]
    )


def _score(x, mean, std):
    def at(point, spread=std):
        return log_normal(point, mean, spread).sum(axis=1)

    truth, trace = bounds.dequantised_normal(x, mean, np.diag(std**2)), (1 / std**2).sum()
    each = log_normal(x + 0.5, mean, std) - 1 / (24 * std**2)
    slips = {
        "the density at the pixel, log p(x): average over u in [0, 1)": at(x),
        "the density at the bin's middle: the trace term, -tr(C^-1) / 24, is missing": at(x + 0.5),
        "a score at the pixel, not at the bin's middle x + 1/2": at(x) - trace / 24,
        "a score with the trace term added: it is subtracted": at(x + 0.5) + trace / 24,
        "a score with tr(C^-1) / 12: the log density has a factor 1/2": at(x + 0.5) - trace / 12,
        "a score with 1 / std in the trace: the inverse of C holds 1 / std^2": at(x + 0.5) - (1 / std).sum() / 24,
        "a score with the trace of C, not of its inverse": at(x + 0.5) - (std**2).sum() / 24,
        "a score without log 2 pi: the normaliser of each dimension, 1/2 log 2 pi, is missing": truth
        + len(std) * LOG_2PI / 2,
        "a score without log std": truth + np.log(std).sum(),
        "one score per entry: sum over the dimensions, axis 1": each,
        "a score averaged over the dimensions: it adds up": truth / len(std),
        "one number, averaged over the data points too: keep one score per row": truth.mean(),
        "one number, summed over the data points too: keep one score per row": truth.sum(),
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked": truth[:, None],
        "a code length: the score is asked, minus the length": -truth,
    }
    return Number("score", truth, slips, decimals=None, at=f"x of shape {x.shape}")


# ---------------------------------------------------------------- exercise 4


@guarded
def kl_flattery(nats: object, draws: object) -> bool | None:
    """Exercise 4: 2 / (N - 3) nats at N = 10, and the smallest N that brings it to 0.01 or less."""
    return ask(_flattery(), nats, draws)


def _flattery():
    truth, needed = 2 / (10 - 3), 203
    of_nats = {
        "the large-N rule 2 / N: for ten draws use the exact 2 / (N - 3)": 0.2,
        "1 / (N - 3), half of it: the training average is too high and the new one too low, both count": truth / 2,
        "2 / (N + 3): mind the sign": 2 / 13,
        "the flattery of all ten draws together: it is asked per draw": 10 * truth,
    }
    of_draws = {
        "the answer of the large-N rule 2 / N: three more": 200,
        "the N of 1 / (N - 3): two parameters are fitted": 103,
        "2 / 0.01 less 3: add the 3": 197,
        "one draw too many: 0.01 itself is allowed": 204,
    }
    return Exercise(
        "2 / (N - 3), per draw; two parameters, one nat each, shared by the draws.",
        Number("flattery", truth, of_nats),
        Number("number of draws", needed, of_draws, unit="", exact=True),
    )


# ---------------------------------------------------------------- exercise 5


@guarded
def kl_right_hill(mean: object, std: object) -> bool | None:
    """Exercise 5: the local minimum of KL(q || p_data) on the right hill of the toy: mean and standard deviation."""
    return ask(_right_hill(), mean, std)


def _right_hill():
    found = _reverse_minimum(1.7, 0.5)
    moments = (-0.22, math.sqrt(0.6 * (0.49 + 1.28**2) + 0.4 * (0.25 + 1.92**2)))
    names = {
        "left-hand minimum: start on the right hill": _reverse_minimum(-1.5, 0.7),
        "broad minimum: start narrow, on the right hill": _reverse_minimum(-0.5, 1.4),
        "forward fit: the moments of the data": moments,
        "hill itself: the minimum leans away from it a little": (1.7, 0.5),
    }
    of_mean, of_std = ({f"that of the {name}": pair[i] for name, pair in names.items()} for i in (0, 1))
    of_mean["the standard deviation (are the two swapped?)"] = found[1]
    of_std["the variance: the standard deviation is asked, its square root"] = found[1] ** 2
    of_std["the mean (are the two swapped?)"] = found[0]
    return Exercise(
        "almost the hill itself, a little wider; the other hill is given up.",
        Number("mean", found[0], of_mean, unit=""),
        Number("standard deviation", found[1], of_std, unit=""),
    )


@lru_cache(maxsize=8)
def _reverse_minimum(mean, std):
    """The local minimum of KL(q || p_data) of the chapter's toy downhill of N(mean, std^2): (mean, std).

    To five decimals: about a minimum the KL is flat, and what comes after them is each processor's own.
    """
    from ..figures import KlFigure

    figure = KlFigure(direction="reverse", mean=mean, std=std).fit()
    return round(figure.mean, 5), round(figure.std, 5)


# ---------------------------------------------------------------- exercise 6

BAR = -930.0  # nats per test digit; Laplace's rule with one count reaches -933.6, one histogram for all pixels -1068.8


@guarded
def kl_pixel_table(table: object) -> bool | None:
    """Exercise 6: log masses (784, 256) of independent pixels, fitted to training digits; -930 nats on test or more."""
    if unanswered(table):
        return tell("", Verdict("table", None))
    try:
        log_mass = read(table)
        if log_mass.shape != (784, 256):
            raise Odd(f"shape {log_mass.shape}")
    except Odd as odd:
        why = "an impossible level needs a small mass, not none"
        fault = f"your table should hold 784 x 256 finite log masses, but got {odd}: {why}"
        return tell("", Verdict("table", False, fault))
    reached, fault = _score_of_table(log_mass)
    if fault:
        return tell("", Verdict("table", False, fault))
    return tell(f"{_in_words(reached)}, and {BAR:g} were asked.", Verdict("table", True))


def _score_of_table(log_mass):
    """(average score on the test digits, what is wrong with the table or "")."""
    total = np.exp(logsumexp(log_mass, axis=1))
    if (np.abs(total - 1) > 1e-4).any():
        looks = " (are these masses, not their logarithms?)" if (log_mass >= 0).all() else ""
        sums = f"exp of its rows sums to values from {total.min():.4g} to {total.max():.4g}"
        return 0.0, f"your table is no log mass: {sums}, and each must be 1{looks}"
    log_mass = log_mass - np.log(total)[:, None]
    images = data.load("digits")
    train, test = data.flat(images.train).astype(int), data.flat(images.test).astype(int)
    on_train, on_test = (log_mass[np.arange(784), x].sum(axis=1).mean() for x in (train, test))
    if _knows(log_mass, test, train):
        return on_test, "your table knows which grey levels the test digits have: fit it to the training digits alone"
    if on_test < BAR:
        gap = "; it does much better on training digits, so smooth it more" if on_train - on_test > 20 else ""
        return on_test, f"your table is a mass, and reaches {_in_words(on_test)}, but {BAR:g} are asked{gap}"
    return on_test, ""


def _knows(log_mass, test, train):
    """Whether a table knows which grey levels the test digits have, where the training digits say nothing of it.

    Looked at are levels that so many training digits have at a pixel (none, or one to three), and whose two neighbours
    no digit has there. How far such a level stands out from its neighbours may depend on the level. From training
    digits alone it cannot depend on whether a test digit has it, but for chance.
    """
    in_test, in_train = _counts(test), _counts(train)
    never = in_test + in_train == 0
    alone, in_test, in_train = never[:, :-2] & never[:, 2:], in_test[:, 1:-1] > 0, in_train[:, 1:-1]
    out = log_mass[:, 1:-1] - (log_mass[:, :-2] + log_mass[:, 2:]) / 2
    for counts in ((0,), (1, 2, 3)):
        more = [out[:0, 0]]
        for count in counts:
            known, unknown = (alone & (in_train == count) & seen for seen in (in_test, ~in_test))
            enough = unknown.sum(axis=0) >= 5
            usual = np.where(unknown, out, 0.0).sum(axis=0) / np.maximum(unknown.sum(axis=0), 1)
            more.append((out - usual)[known & enough])
        found = np.concatenate(more)
        if found.mean() > 0.05 + 5 * found.std() / math.sqrt(len(found)):
            return True
    return False


def _counts(x):
    """How many digits have which level at which pixel: (784, 256)."""
    return np.bincount((x + 256 * np.arange(784)).ravel(), minlength=784 * 256).reshape(784, 256)


def _in_words(score):
    return f"{score:.1f} nats per test digit, {-score / (784 * math.log(2)):.3f} bits/dim"


NUMBERS = {
    "kl_by_hand": _by_hand,
    "kl_pixel_units": _pixel_units,
    "kl_flattery": _flattery,
    "kl_right_hill": _right_hill,
}
