"""Self-checks of the chapter "KL divergence and maximum likelihood"."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .. import bounds, data
from ..densities import LOG_2PI, entropy_categorical, kl_categorical, log_discretised_normal, log_normal, logsumexp
from ._judge import Odd, Verdict, call, judge, read, tell, unanswered

__all__ = ["kl_by_hand", "kl_pixel_units", "kl_dequantised_score", "kl_flattery", "kl_right_hill", "kl_pixel_table"]


def kl_by_hand(forward, reverse) -> bool | None:
    """Exercise 1: p = (1/2, 1/2) and q = (1/4, 3/4); KL(p || q) and KL(q || p) in nats."""
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    of_forward, of_reverse = kl_categorical(p, q), kl_categorical(q, p)
    cross = -(p @ np.log(q))
    slips = {
        "the cross-entropy -sum p log q: the entropy of p is not taken off": cross,
        "the cross-entropy -sum q log p: the entropy of q is not taken off": -(q @ np.log(p)),
        "the entropy of p": entropy_categorical(p),
        "the entropy of q": entropy_categorical(q),
        "a sum of log ratios without the weights p": np.log(p / q).sum(),
        "a sum of log ratios without the weights q": np.log(q / p).sum(),
        "a sum of squared differences, not of logarithms": ((p - q) ** 2).sum(),
    }
    return tell(
        "the first argument gives the weights, so the two differ.",
        judge(
            forward,
            of_forward,
            "KL(p || q)",
            {"KL(q || p): are the two swapped?": of_reverse, **slips},
            tolerance=0.001,
        ),
        judge(
            reverse,
            of_reverse,
            "KL(q || p)",
            {
                "KL(p || q): are the two swapped?": of_forward,
                "an average with equal weights: here q gives the weights": -of_forward,
                **slips,
            },
            tolerance=0.001,
        ),
    )


def kl_pixel_units(nats, bits_per_dim) -> bool | None:
    """Exercise 2: +262.0 nats per image for pixels in [0, 1], D = 784: on ruler G in nats and in bits/dim."""
    reported, dimensions = 262.0, 784
    true_nats = reported - dimensions * math.log(255)
    true_bits = -true_nats / (dimensions * math.log(2))
    of_nats = {
        "the score with 784 log 255 added: a density of x is lower than one of x/255": reported
        + dimensions * math.log(255),
        "the score with 784 log 256: pixels were divided by 255": reported - dimensions * math.log(256),
        "the score with log 255 once: every one of the 784 pixels was scaled": reported - math.log(255),
        "a code length: the score is asked, minus the length": -true_nats,
        "the reported score: it is in other units": reported,
    }
    of_bits = {
        "bits/dim with a minus sign: it is a length, so take minus the score": -true_bits,
        "nats per dimension: divide by log 2 for bits": true_bits * math.log(2),
        "bits per image: divide by the 784 dimensions": true_bits * dimensions,
        "bits/dim of the reported score: it is in other units": -reported / (dimensions * math.log(2)),
        "the bits/dim of 28 dimensions: an image has 28 x 28": true_bits * 28,
    }
    return tell(
        "784 log 255 nats off the score, then minus that over 784 log 2.",
        judge(nats, true_nats, "score in nats", of_nats, tolerance=0.5),
        judge(bits_per_dim, true_bits, "bits/dim", of_bits, unit=""),
    )


def kl_dequantised_score(function) -> bool | None:
    """Exercise 3: a function of x (n, D), mean and std (D,): E_u[log N(x + u; mean, diag(std^2))], (n,), in nats."""
    rng, what = np.random.default_rng(0), "score"
    for n, d in ((5, 3), (4, 1), (1, 6), (3, 3)):
        x = rng.integers(0, 12, size=(n, d)).astype(float)
        mean, std = rng.uniform(2, 9, size=d), rng.uniform(0.4, 3.0, size=d)
        try:
            answer = call(function, x.copy(), mean.copy(), std.copy())
        except Odd as odd:
            return tell("", Verdict(what, False, str(odd)))
        truth = bounds.dequantised_normal(x, mean, np.diag(std**2))
        verdict = judge(
            answer, truth, f"result for x of shape ({n}, {d})", _score_slips(x, mean, std, truth), tolerance=1e-4
        )
        if not verdict.right:
            return tell("", verdict)
    return tell("your function agrees with the closed form on every row.", Verdict(what, True))


def kl_flattery(nats, draws) -> bool | None:
    """Exercise 4: 2 / (N - 3) nats at N = 10, and the smallest N that brings it to 0.01 or less."""
    truth, needed = 2 / (10 - 3), 203
    of_nats = {
        "the large-N rule 2 / N: for ten draws use the exact 2 / (N - 3)": 0.2,
        "1 / (N - 3): two parameters are fitted": 1 / 7,
        "2 / (N + 3): mind the sign": 2 / 13,
        "the flattery of all ten draws together: it is asked per draw": 10 * truth,
        "half of it: the training average is too high and the new one too low, both count": 1 / 7,
    }
    of_draws = {
        "the answer of the large-N rule 2 / N: three more": 200,
        "the N of 1 / (N - 3): two parameters are fitted": 103,
        "2 / 0.01 less 3: add the 3": 197,
    }
    return tell(
        "2 / (N - 3), per draw; two parameters, one nat each, shared by the draws.",
        judge(nats, truth, "flattery", of_nats),
        judge(draws, needed, "number of draws", of_draws, unit="", tolerance=0.5),
    )


def kl_right_hill(mean, std) -> bool | None:
    """Exercise 5: the local minimum of KL(q || p_data) on the right hill of the toy: mean and standard deviation."""
    found = _reverse_minimum(1.7, 0.5)
    left, broad = _reverse_minimum(-1.5, 0.7), _reverse_minimum(-0.5, 1.4)
    forward = (-0.22, math.sqrt(0.6 * (0.49 + 1.28**2) + 0.4 * (0.25 + 1.92**2)))
    names = {
        "left-hand minimum: start on the right hill": left,
        "broad minimum: start narrow, on the right hill": broad,
        "forward fit: the moments of the data": forward,
        "hill itself: the minimum leans away from it a little": (1.7, 0.5),
    }
    of_mean, of_std = ({f"that of the {name}": pair[i] for name, pair in names.items()} for i in (0, 1))
    of_std["the variance: the standard deviation is asked, its square root"] = found[1] ** 2
    return tell(
        "almost the hill itself, a little wider; the other hill is given up.",
        judge(mean, found[0], "mean", of_mean, unit="", tolerance=0.0075),
        judge(std, found[1], "standard deviation", of_std, unit="", tolerance=0.0075),
    )


def kl_pixel_table(table) -> bool | None:
    """Exercise 6: log masses (784, 256) of independent pixels, scored on the test digits; better than Gaussians?"""
    what = "table"
    if unanswered(table):
        return tell("", Verdict(what, None))
    images = data.load("digits")
    train, test = data.flat(images.train), data.flat(images.test)
    try:
        log_mass = read(table)
        if log_mass.shape != (784, 256):
            raise Odd(f"shape {log_mass.shape}")
    except Odd as odd:
        return tell(
            "",
            Verdict(
                what,
                False,
                f"your table should hold 784 x 256 finite log masses, but got {odd}: "
                "an impossible level needs a small mass, not none",
            ),
        )
    total = np.exp(logsumexp(log_mass, axis=1))
    if (np.abs(total - 1) > 1e-6).any():
        looks = " (are these masses, not their logarithms?)" if (log_mass >= 0).all() else ""
        return tell(
            "",
            Verdict(
                what,
                False,
                f"your table is no log mass: exp of its rows sums to values from "
                f"{total.min():.4g} to {total.max():.4g}, and each must be 1{looks}",
            ),
        )

    def average(of, pixels):
        return of[np.arange(784), pixels.astype(int)].sum(axis=1).mean()

    levels = np.arange(256)
    gaussian = log_discretised_normal(levels, train.mean(axis=0)[:, None], np.maximum(train.std(axis=0), 5.0)[:, None])
    reached, limit = average(log_mass, test), average(gaussian, test)
    seen = f"{reached:.1f} nats per test digit, {-reached / (784 * math.log(2)):.3f} bits/dim"
    if reached > limit:
        on_train = average(log_mass, train[:1000])
        gap = " It does much better on training digits: more smoothing may help." if on_train - reached > 20 else ""
        return tell(f"{seen}; the Gaussians reach {limit:.1f}.{gap}", Verdict(what, True))
    return tell(
        "", Verdict(what, False, f"your table is a mass, and reaches {seen}, but the Gaussians reach {limit:.1f}")
    )


def _score_slips(x, mean, std, truth):
    """What typical slips make of the dequantised score, for x (n, D), mean and std (D,), with the right score (n,)."""

    def at(point, spread=std):
        return log_normal(point, mean, spread).sum(axis=1)

    trace = (1 / std**2).sum()
    return {
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
        "a score averaged over the dimensions: it adds up": truth / len(std),
        "one number, averaged over the data points too: keep one score per row": truth.mean(),
        "one number, summed over the data points too: keep one score per row": truth.sum(),
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked": truth[:, None],
        "a code length: the score is asked, minus the length": -truth,
    }


@lru_cache(maxsize=8)
def _reverse_minimum(mean, std):
    """The local minimum of KL(q || p_data) of the chapter's toy downhill of N(mean, std^2): (mean, std)."""
    from ..figures import KlFigure

    figure = KlFigure(direction="reverse", mean=mean, std=std).fit()
    return figure.mean, figure.std
