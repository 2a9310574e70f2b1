"""Self-checks of the chapter "Latent variable models"."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ..densities import LOG_2PI, kl_normal_full, log_normal, logsumexp
from ..mixture import GaussianMixture
from ..ppca import LinearGaussian
from ._judge import (
    Band,
    Choice,
    Exercise,
    Follows,
    Number,
    Odd,
    Verdict,
    ask,
    ask_function,
    call,
    equal,
    guarded,
    pieces,
    read,
    tell,
    unanswered,
)

__all__ = ["lvm_ancestral", "lvm_by_hand", "lvm_hills", "lvm_kl_posterior_prior", "lvm_log_marginal", "lvm_samples"]


# ---------------------------------------------------------------- exercise 1


@guarded
def lvm_samples(log_number: object, power_of_ten: object) -> bool | None:
    """Exercise 1: at KL(posterior || prior) = 30 nats, log of the number of samples, and the exponent of ten."""
    return ask(_samples(), log_number, power_of_ten)


def _samples():
    kl = 30.0
    power = kl / math.log(10)
    of_log = {
        "the number itself, not its logarithm": math.exp(kl),
        "the exponent of ten (are the two swapped?)": power,
        "the logarithm of 30: the number of samples is exp(30), so its logarithm is 30": math.log(kl),
        "the number of bits, 30 / log 2": kl / math.log(2),
    }
    of_power = {
        "the natural logarithm: divide by log 10": kl,
        "the number itself: its exponent of ten is asked": 10.0**13,
        "the number itself, exp(30): its exponent of ten is asked": math.exp(kl),
        "30 times log 10: divide by it": kl * math.log(10),
        "the exponent of two: divide by log 10, not by log 2": kl / math.log(2),
        "the log10 of 30: the number of samples is exp(30)": math.log10(kl),
    }
    return Exercise(
        "K = exp(30), ten million million.",
        Number("log K", kl, of_log, unit="", decimals=1, symbol=True),
        Number("exponent of ten", power, of_power, unit="", decimals=1, follows=Follows(0, 1 / math.log(10))),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def lvm_by_hand(log_evidence: object, probability: object) -> bool | None:
    """Exercise 2: weights (0.7, 0.3), means (0, 2), variance 1, x = 2. log p(x) in nats and p(z = 1 | x)."""
    return ask(_by_hand(), log_evidence, probability)


def _by_hand():
    model, x = GaussianMixture.spherical([0.7, 0.3], [[0.0], [2.0]], 1.0), np.array([[2.0]])
    truth, share = model.evidence(x)[0], model.responsibilities(x)[0, 1]
    joint, given = np.exp(model.log_joint_all(x)[0]), np.exp(model.log_px_z_all(x)[0])
    logs = 0.7 * math.log(given[0]) + 0.3 * math.log(given[1])
    of_log = {
        "p(x) itself: its logarithm is asked": math.exp(truth),
        "the average of the logs: first add the densities, then take the logarithm": logs,
        "a sum without the weights: each density counts by its prior probability": math.log(given.sum()),
        "a sum with equal weights: P(z = 1) is 0.3": math.log(given.mean()),
        "a sum with the weights swapped: z = 1 has weight 0.3": math.log(0.3 * given[0] + 0.7 * given[1]),
        "log p(x, z = 1) alone: z = 0 adds to p(x) too": math.log(joint[1]),
        "log p(x, z = 0) alone: z = 1 adds to p(x) too": math.log(joint[0]),
        "log p(x | z = 1): weigh it, and add z = 0": math.log(given[1]),
        "a value without 1/2 log 2 pi, the normaliser": truth + LOG_2PI / 2,
        "the density at the mean: one Gaussian at the mixture's mean 0.6 is another model": log_normal(2.0, 0.6, 1.0),
        "the probability of z = 1 (are the two swapped?)": share,
    }
    of_share = {
        "p(z = 0 | x) (are the classes swapped?)": 1 - share,
        "the prior: x has been seen": 0.3,
        "a posterior without the prior: weigh the densities by 0.7 and 0.3": given[1] / given.sum(),
        "a posterior with the weights swapped": 0.7 * given[1] / (0.3 * given[0] + 0.7 * given[1]),
        "the joint p(x, z = 1): divide by p(x)": joint[1],
        "p(x | z = 1): multiply by the prior, divide by p(x)": given[1],
        "a logarithm: the probability itself is asked": math.log(share),
        "a percentage: give a number between 0 and 1": 100 * share,
        "log p(x) (are the two swapped?)": truth,
    }
    return Exercise(
        "the two parts of p(x) are 0.038 and 0.120, and the second's share is 0.76.",
        Number("log p(x)", truth, of_log, symbol=True),
        Number("probability", share, of_share, unit=""),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def lvm_ancestral(function: object) -> bool | None:
    """Exercise 3: sample(weights, means, std, n, rng) of a mixture on a line returns x and z, each (n,)."""
    try:
        for seed, weights, means, std in (
            (0, (0.2, 0.5, 0.3), (-3.0, 0.0, 4.0), 0.4),
            (1, (0.9, 0.1), (1.0, 1.5), 2.5),
            (2, (0.25, 0.25, 0.25, 0.25), (0.0, 1e3, -1e3, 5.0), 3.0),
        ):
            fault = _fault_of_sampler(function, np.array(weights), np.array(means), std, seed)
            if fault is None:
                return tell("", Verdict("sample", None))
            if fault:
                return tell("", Verdict("sample", False, fault))
    except Odd as odd:
        return tell("", Verdict("sample", False, str(odd)))
    return tell("z has the weights' frequencies, and x lies around the mean of its own z.", Verdict("sample", True))


def _fault_of_sampler(function, weights, means, std, seed):
    """What is wrong with a sampler, "" if nothing, None if there is none yet: one sample, then its use of rng."""

    def draw(n, seed):
        answer = call(function, weights, means, std, n, np.random.default_rng(seed))
        parts = pieces(answer, ("x", "z"))
        if any(map(unanswered, parts)):
            return None
        return [_row(name, part, n) for name, part in zip(("x", "z"), parts, strict=True)]

    pair = draw(4000, seed)
    if pair is None:
        return None
    x, z = pair
    fault = _fault_of_sample(x, z, weights, means, std)
    if fault:
        return fault
    again, other = draw(4000, seed), draw(4000, seed + 50)
    for name, first, second, third in zip(("x", "z"), pair, again, other, strict=True):
        if not equal(second, first, 1e-9):
            return f"two calls with equal generators gave different {name}: draw from the argument rng"
        if equal(third, first, 0.0):
            return f"two different generators gave the same {name}: draw it from the argument rng, set no seed"
    noise, others = ((of_x - means[np.clip(of_z, 0, len(means) - 1).astype(int)]) / std for of_x, of_z in (pair, other))
    if _met(noise, others) > 0.1:
        return "two different generators gave the same noise to x: draw it from the argument rng, set no seed"
    few = [np.sort(draw(9, seed + 100 + i)[1]) for i in range(12)]
    if all(np.array_equal(few[0], each) for each in few):
        return "each class has the same count in every sample: draw z, do not share it out"
    return ""


def _row(name, part, n):
    """x or z as an array (n,)."""
    part = read(part)
    if part.shape != (n,):
        raise Odd(f"your {name} should have shape ({n},) for n = {n}, but got shape {part.shape}")
    return part


def _fault_of_sample(x, z, weights, means, std):
    """What is wrong with a sample (x, z) of a mixture on a line, or "": classes, frequencies, and x given z."""
    n, count = len(z), len(weights)
    if not (np.isin(z, np.arange(count))).all():
        if np.isin(x, np.arange(count)).all():
            return "your z looks like x (are the two swapped?)"
        return f"your z should hold classes 0 to {count - 1}, but got {z[~np.isin(z, np.arange(count))][0]:g}"
    z = z.astype(int)
    period = next((lag for lag in range(n // 8, 3 * n // 4) if (z[lag:] == z[:-lag]).mean() > 0.999), 0)
    share = np.bincount(z, minlength=count) / n
    if (np.abs(share - weights) > 5 * np.sqrt(weights * (1 - weights) / n)).any():
        uniform = (np.abs(share - 1 / count) < 0.04).all()
        looks = "all classes are equally frequent: draw z with the weights" if uniform else "look at the weights"
        return f"your z has frequencies {np.round(share, 2).tolist()} where the weights are {weights.tolist()}: {looks}"
    if period:
        return f"your z repeats itself after {period} draws: make n draws"
    rest = x - means[z]
    if np.abs(rest).max() > 1e-9 and _met(rest / std) > 0.1:
        return "the noise of your x repeats itself: draw one for each of the n x"
    own = [rest[z == k] for k in range(count)]
    if all(_distance(part, std) <= 2.5 / math.sqrt(len(part)) for part in (rest, *own)):
        return ""
    if np.abs(rest).max() < 1e-9:
        return "your x is the mean of its z, without noise: that is a mean, not a sample"
    slips = {
        "std^2: std is a standard deviation": std**2,
        "the square root of std: std is a standard deviation": math.sqrt(std),
        "1: multiply it by std": 1.0,
    }
    for name, spread in slips.items():
        if _distance(rest, spread) <= 2.5 / math.sqrt(n):
            return f"the noise of your x has the standard deviation {name}"
    if abs(rest.mean()) > 5 * rest.std() / math.sqrt(n) and rest.std() < 2 * std:
        return f"your x does not lie around the mean of its own z: on average it is off by {rest.mean():.2g}"
    return (
        "your x given z does not look like N(means[z], std^2): around the mean of its own z it has standard "
        f"deviation {rest.std():.3g} where std is {std:g}; each x wants its own z, and noise of its own"
    )


def _met(noise, others=None):
    """The share of a sample whose size, sign aside, is met again in the others, or among its own: chance gives 0.01."""
    size, found = np.sort(np.abs(noise)), np.sort(np.abs(noise if others is None else others))
    at = np.searchsorted(found, size - 1e-6)
    upto = np.searchsorted(found, size + 1e-6)
    return (upto - at > (others is None)).mean()


def _distance(sample, spread):
    """Kolmogorov's distance of a sample to N(0, spread^2); it passes 2.5 / sqrt(n) once in 100 000 times."""
    below = ndtr(np.sort(sample) / spread)
    steps = np.arange(len(sample) + 1) / len(sample)
    return max((below - steps[:-1]).max(), (steps[1:] - below).max())


# ---------------------------------------------------------------- exercise 4


@guarded
def lvm_log_marginal(function: object) -> bool | None:
    """Exercise 4: log of the mean of exp of an array (K,), also where exp underflows."""
    rng = np.random.default_rng(0)
    arrays = [centre + 3 * rng.standard_normal(k) for centre, k in ((-2.0, 5), (-5000.0, 400), (-40.0, 1), (900.0, 50))]
    arrays.append(np.array([-5000.0, -12.5, -3000.0, -13.0]))  # one draw explains all, wherever it stands
    arrays += [np.array([-12.0, -5000.0, -4000.0, -3000.0]), np.array([-4000.0, -5000.0, -3000.0, 800.0])]
    cases = [((values,), _log_marginal(values)) for values in arrays]
    return ask_function(function, "it is log-mean-exp, and survives values near -5000.", cases)


def _log_marginal(values):
    k, top = len(values), values.max()
    truth = logsumexp(values, axis=0) - math.log(k)
    slips = {
        "the average of the logs: average the densities, then take the logarithm": values.mean(),
        "the log of a sum: an average divides by K": truth + math.log(k),
        "the largest value: the other draws count too": top,
        "the estimate less its largest value: put that back after the logarithm": truth - top,
        "a density: take the logarithm": math.exp(min(float(truth), 700.0)),
        "a sum divided by K^2": truth - math.log(k),
        "the median": float(np.median(values)),
    }
    if k == 1:  # one draw: log, mean and largest value are the same
        slips = {}
    if top < -1000:
        small = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 2.0**-52, 1e-20, 1e-30, 1e-50, 1e-100, 1e-200)
        slips |= {
            f"log {each:g}, the small number that you added: take the largest value out instead": math.log(each)
            for each in (*small, 1e-300, 2.0**-1022, 1e-308)
        }
    where = f"{k} {'value' if k == 1 else 'values'} from {values.min():.4g} to {top:.4g}"
    lost = "exp underflows or overflows there, so take the largest value out first"
    return Number("estimate", truth, slips, decimals=None, at=where, lost=lost)


# ---------------------------------------------------------------- exercise 5


@guarded
def lvm_kl_posterior_prior(function: object) -> bool | None:
    """Exercise 5: kl(w, s, x) = KL(p(z | x) || p(z)) for z ~ N(0, 1), x | z ~ N(w z, s^2), in nats; also of arrays."""
    rng = np.random.default_rng(0)
    cases: list[tuple[ArrayLike, ...]] = [(1.0, 1.0, 2.0), (0.7, 0.3, -1.2), (2.5, 0.05, 3.0), (1.0, 10.0, 0.5)]
    cases.append((1.5, 0.5, rng.normal(size=5)))
    cases.append((rng.uniform(0.5, 2, 4), rng.uniform(0.1, 3, 4), rng.normal(size=4)))
    cases.append((rng.uniform(0.5, 2, (2, 3)), 10.0 ** rng.uniform(-1, 1, (2, 3)), 30 * rng.normal(size=(2, 3))))
    return ask_function(
        function, "your function agrees with the closed form.", [(case, _kl_posterior_prior(*case)) for case in cases]
    )


def _kl_posterior_prior(w, s, x):
    def posterior(w, s, x):
        q = LinearGaussian(np.array([[w]]), np.zeros(1), s**2).posterior(np.array([[x]]))
        return q.mean[0, 0], q.cov[0, 0, 0]

    def half(centre, spread):
        return 0.5 * (spread + centre**2 - 1 - np.log(spread))

    mean, variance = np.vectorize(posterior)(w, s, x)
    std_for_variance = 1 / (1 + w**2 / s)
    truth = half(mean, variance)
    reverse = np.vectorize(lambda m, v: kl_normal_full([0.0], [[1.0]], [m], [[v]]))(mean, variance)
    slips = {
        "KL(prior || posterior): the first argument gives the weights": reverse,
        "the divergence with s taken for the variance: square it": half(std_for_variance * w * x / s, std_for_variance),
        "the divergence without the posterior mean": half(0.0, variance),
        "half the squared mean alone": mean**2 / 2,
        "the divergence without its -1": truth + 0.5,
        "the divergence with the sign of the logarithm flipped": truth + np.log(variance),
        "a divergence with log std in place of log std^2": truth + np.log(variance) / 4,
        "the divergence with the mean not squared": truth + (mean - mean**2) / 2,
        "a divergence with mean x / w, the z that hits x: the prior pulls it to zero": half(x / w, variance),
        "a divergence whose posterior has precision w^2 / s^2: the prior adds 1": half(x / w, s**2 / w**2),
        "a divergence with the posterior's standard deviation for its variance": half(mean, np.sqrt(variance)),
        "the entropy of the posterior, not a divergence": 0.5 * (LOG_2PI + 1 + np.log(variance)),
        "a sum over the array: give one divergence per entry": truth.sum(),
        "an average over the array: give one divergence per entry": truth.mean(),
    }
    if not truth.shape:
        return Number("KL", truth, slips, decimals=None, symbol=True, at=f"w = {w:g}, s = {s:g}, x = {x:g}")
    arrays = "x" if not np.shape(w) else "w, s and x"
    return Number("KL", truth, slips, decimals=None, symbol=True, at=f"{arrays} of shape {truth.shape}")


# ---------------------------------------------------------------- exercise 6


@guarded
def lvm_hills(noise: object) -> bool | None:
    """Exercise 6: the smallest noise of the live figure at which p(x) has one hill, to within 0.02."""
    return ask(_hills(), noise)


def _hills():
    low, high, truth = 0.15, 1.0, _merging_noise()
    bands = (
        Band(low, truth - 0.02, False, "p(x) still has two hills there"),
        Band(truth - 0.02, truth + 0.02, True, ""),
        Band(truth + 0.02, math.nextafter(high, 2), False, "p(x) has one hill there, but so it has at a smaller noise"),
    )
    outside = f"lie between {low:g} and {high:g}, as far as the figure's slider goes"
    return Exercise("there the lower hill has become a shoulder of the higher one.", Choice("noise", bands, outside))


@lru_cache(maxsize=1)
def _merging_noise():
    """The noise at which the live figure's marginal has one hill for the first time, by bisection."""
    from ..figures import AncestralFigure

    low, high = 0.15, 1.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if AncestralFigure(std_noise=middle).numbers()["hills"] == 1 else (middle, high)
    return high


NUMBERS = {"lvm_samples": _samples, "lvm_by_hand": _by_hand, "lvm_hills": _hills}
