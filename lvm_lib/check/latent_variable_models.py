"""Self-checks of the chapter "Latent variable models"."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from ..densities import LOG_2PI, kl_normal_full, log_normal, logsumexp
from ..mixture import GaussianMixture
from ..ppca import LinearGaussian
from ._judge import Odd, Verdict, call, came, equal, judge, read, tell, unanswered, within

__all__ = ["lvm_samples", "lvm_by_hand", "lvm_ancestral", "lvm_log_marginal", "lvm_kl_posterior_prior", "lvm_hills"]


def lvm_samples(log_number, power_of_ten) -> bool | None:
    """Exercise 1: at KL(posterior || prior) = 30 nats, log of the number of samples, and the power of ten."""
    kl = 30.0
    truth = kl / math.log(10)
    of_log = {
        "the number itself, not its logarithm": math.exp(kl),
        "the power of ten: are the two swapped?": truth,
        "the logarithm of 30: the number of samples is exp(30), so its logarithm is 30": math.log(kl),
        "the number of bits, 30 / log 2": kl / math.log(2),
    }
    of_power = {
        "the natural logarithm: divide by log 10": kl,
        "30 times log 10: divide by it": kl * math.log(10),
        "the power of two: divide by log 10, not by log 2": kl / math.log(2),
        "the log10 of 30: the number of samples is exp(30)": math.log10(kl),
    }
    return tell(
        "K = exp(30), ten million million.",
        judge(log_number, kl, "log K", of_log, unit="", tolerance=0.05),
        judge(power_of_ten, truth, "power of ten", of_power, unit="", tolerance=0.05),
    )


def lvm_by_hand(log_evidence, probability) -> bool | None:
    """Exercise 2: weights (0.7, 0.3), means (0, 2), variance 1, x = 2. log p(x) in nats and p(z = 1 | x)."""
    model, x = GaussianMixture.spherical([0.7, 0.3], [[0.0], [2.0]], 1.0), np.array([[2.0]])
    truth, share = model.evidence(x)[0], model.responsibilities(x)[0, 1]
    joint, given = np.exp(model.log_joint_all(x)[0]), np.exp(model.log_px_z_all(x)[0])
    of_log = {
        "p(x) itself: its logarithm is asked": math.exp(truth),
        "the average of the logs: first add the densities, then take the logarithm": 0.7 * math.log(given[0])
        + 0.3 * math.log(given[1]),
        "a sum without the weights: each density counts by its prior probability": math.log(given.sum()),
        "a sum with equal weights: P(z = 1) is 0.3": math.log(given.mean()),
        "a sum with the weights swapped: z = 1 has weight 0.3": math.log(0.3 * given[0] + 0.7 * given[1]),
        "log p(x, z = 1) alone: z = 0 adds to p(x) too": math.log(joint[1]),
        "log p(x, z = 0) alone: z = 1 adds to p(x) too": math.log(joint[0]),
        "log p(x | z = 1): weigh it, and add z = 0": math.log(given[1]),
        "a value without 1/2 log 2 pi, the normaliser": truth + LOG_2PI / 2,
        "the density at the mean: one Gaussian at the mixture's mean 0.6 is another model": log_normal(2.0, 0.6, 1.0),
    }
    of_share = {
        "p(z = 0 | x): are the classes swapped?": 1 - share,
        "the prior: x has been seen": 0.3,
        "a posterior without the prior: weigh the densities by 0.7 and 0.3": given[1] / given.sum(),
        "a posterior with the weights swapped": 0.7 * given[1] / (0.3 * given[0] + 0.7 * given[1]),
        "the joint p(x, z = 1): divide by p(x)": joint[1],
        "p(x | z = 1): multiply by the prior, divide by p(x)": given[1],
        "a logarithm: the probability itself is asked": math.log(share),
    }
    return tell(
        "the two parts of p(x) are 0.038 and 0.120, and the second's share is 0.76.",
        judge(log_evidence, truth, "log p(x)", of_log),
        judge(probability, share, "probability", of_share, unit=""),
    )


def lvm_ancestral(function) -> bool | None:
    """Exercise 3: sample(weights, means, std, n, rng) of a mixture on a line returns x and z, each (n,)."""
    what = "sample"
    for seed, (weights, means, std) in enumerate(
        [((0.2, 0.5, 0.3), (-3.0, 0.0, 4.0), 0.4), ((0.9, 0.1), (1.0, 1.5), 2.5)]
    ):
        weights, means = np.array(weights), np.array(means)
        try:
            pair = _two_of(function, "x and z", weights, means, std, 4000, seed)
            if pair is None:
                return tell("", Verdict(what, None))
            x, z = (read(part) for part in pair)
            again, other = (
                read(_two_of(function, "x and z", weights, means, std, 4000, at)[0]) for at in (seed, seed + 50)
            )
            fault = _fault_of_sample(x, z, weights, means, std)
            if fault is None and not equal(again, x, 1e-9):
                fault = "two calls with equal generators gave different samples: draw from the argument rng"
            if fault is None and equal(other, x, 0.0):
                fault = (
                    "two different generators gave the same sample: draw from the argument rng, "
                    "do not set a seed yourself"
                )
        except Odd as odd:
            fault = str(odd)
        if fault:
            return tell("", Verdict(what, False, fault))
    return tell("z has the weights' frequencies, and x lies around the mean of its own z.", Verdict(what, True))


def lvm_log_marginal(function) -> bool | None:
    """Exercise 4: log of the mean of exp of an array (K,), also where exp underflows."""
    rng, what = np.random.default_rng(0), "estimate"
    for centre, k in ((-2.0, 5), (-5000.0, 400), (-40.0, 1), (900.0, 50)):
        values = centre + 3 * rng.standard_normal(k)
        try:
            with np.errstate(all="ignore"):
                answer = call(function, values.copy())
            unread = None if unanswered(answer) else read(answer)
        except Odd as odd:
            lost = " exp underflows or overflows there: take the largest value out first" if abs(centre) > 100 else ""
            return tell("", Verdict(what, False, f"at values near {centre:g}: {odd}.{lost}".rstrip(".")))
        truth = logsumexp(values, axis=0) - math.log(k)
        slips = {
            "the average of the logs: average the densities, then take the logarithm": values.mean(),
            "the log of a sum: an average divides by K": truth + math.log(k),
            "the largest value: the other draws count too": values.max(),
            "the estimate less its largest value: put that back after the logarithm": truth - values.max(),
            "a density: take the logarithm": math.exp(min(truth, 700.0)),
            "a sum divided by K^2": truth - math.log(k),
            "the median": float(np.median(values)),
        }
        if k == 1:  # one draw: log, mean and largest value are the same
            slips = {}
        verdict = judge(
            answer if unread is None else unread, truth, f"{what} of {k} values near {centre:g}", slips, tolerance=1e-6
        )
        if not verdict.right:
            return tell("", verdict)
    return tell("it is log-mean-exp, and survives values near -5000.", Verdict(what, True))


def lvm_kl_posterior_prior(function) -> bool | None:
    """Exercise 5: kl(w, s, x) = KL(p(z | x) || p(z)) for z ~ N(0, 1), x | z ~ N(w z, s^2), in nats."""
    what = "KL"
    for w, s, x in ((1.0, 1.0, 2.0), (0.7, 0.3, -1.2), (2.5, 0.05, 3.0), (1.0, 10.0, 0.5)):
        posterior = LinearGaussian([[w]], [0.0], s**2).posterior(np.array([[x]]))
        mean, variance = posterior.mean[0, 0], posterior.cov[0, 0, 0]
        try:
            answer = call(function, w, s, x)
        except Odd as odd:
            return tell("", Verdict(what, False, str(odd)))

        def half(centre, spread):
            return 0.5 * (spread + centre**2 - 1 - math.log(spread))

        truth, std_for_variance = half(mean, variance), 1 / (1 + w**2 / s)
        reverse = kl_normal_full([0.0], [[1.0]], [mean], [[variance]])
        not_squared = half(std_for_variance * w * x / s, std_for_variance)
        slips = {
            "KL(prior || posterior): the first argument gives the weights": reverse,
            "the divergence with s taken for the variance: square it": not_squared,
            "the divergence without the posterior mean": half(0.0, variance),
            "half the squared mean alone": mean**2 / 2,
            "the divergence without its -1": truth + 0.5,
            "the divergence with the sign of the logarithm flipped": truth + math.log(variance),
            "a divergence with log std in place of log std^2": truth + math.log(variance) / 4,
            "the divergence with the mean not squared": truth + (mean - mean**2) / 2,
            "a divergence with mean x / w, the z that hits x: the prior pulls it to zero": half(x / w, variance),
            "a divergence whose posterior has precision w^2 / s^2: the prior adds 1": half(x / w, s**2 / w**2),
            "a divergence with the posterior's standard deviation for its variance": half(mean, math.sqrt(variance)),
            "the entropy of the posterior, not a divergence": 0.5 * (LOG_2PI + 1 + math.log(variance)),
        }
        verdict = judge(answer, truth, f"KL for w = {w:g}, s = {s:g}, x = {x:g}", slips, tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("your function agrees with the closed form.", Verdict(what, True))


def lvm_hills(noise) -> bool | None:
    """Exercise 6: the smallest noise of the live figure at which p(x) has one hill, to within 0.02."""
    what = "noise"
    truth = _merging_noise()
    verdict = within(noise, what, (0.15, 1.0))
    if not verdict.right:
        return tell("", verdict)
    given = float(read(noise).item())
    if abs(given - truth) <= 0.02:
        return tell("there the lower hill has become a shoulder of the higher one.", Verdict(what, True))
    words = (
        "p(x) still has two hills there"
        if given < truth
        else "p(x) has one hill there, but so it has at a smaller noise"
    )
    return tell("", Verdict(what, False, words))


def _two_of(function, names, weights, means, std, n, seed):
    """The pair that a learner's sampler returns; None if it is not answered."""
    result = call(function, weights.copy(), means.copy(), std, n, np.random.default_rng(seed))
    if unanswered(result):
        return None
    if not isinstance(result, (list, tuple)) or len(result) != 2:
        raise Odd(f"your function should return two arrays, {names}, but got {came(result)}")
    return result


def _fault_of_sample(x, z, weights, means, std):
    """What is wrong with a sample (x, z) of a mixture on a line, or None: classes, frequencies, and x given z."""
    n, count = 4000, len(weights)
    for name, part in (("x", x), ("z", z)):
        if part.shape != (n,):
            return f"your {name} should have shape ({n},) for n = {n}, but got shape {part.shape}"
    if not (np.isin(z, np.arange(count))).all():
        swapped = np.isin(x, np.arange(count)).all()
        return (
            "your z looks like x: are the two swapped?"
            if swapped
            else f"your z should hold classes 0 to {count - 1}, but got {z[0]:g}"
        )
    share = np.bincount(z.astype(int), minlength=count) / n
    if (np.abs(share - weights) > 5 * np.sqrt(weights * (1 - weights) / n)).any():
        uniform = (np.abs(share - 1 / count) < 0.04).all()
        looks = "all classes are equally frequent: draw z with the weights" if uniform else "look at the weights"
        return f"your z has frequencies {np.round(share, 2).tolist()} where the weights are {weights.tolist()}: {looks}"
    rest = np.sort(x - means[z.astype(int)])

    def distance(centre, spread):
        below = ndtr((rest - centre) / spread)
        steps = np.arange(n + 1) / n
        return max((below - steps[:-1]).max(), (steps[1:] - below).max())

    if distance(0.0, std) <= 2.5 / math.sqrt(n):
        return None
    if np.abs(rest).max() < 1e-9:
        return "your x is the mean of its z, without noise: that is a mean, not a sample"
    slips = {
        "std^2: std is a standard deviation": std**2,
        "the square root of std: std is a standard deviation": math.sqrt(std),
        "1: multiply it by std": 1.0,
    }
    for name, spread in slips.items():
        if distance(0.0, spread) <= 2.5 / math.sqrt(n):
            return f"the noise of your x has the standard deviation {name}"
    if abs(rest.mean()) > 5 * rest.std() / math.sqrt(n):
        return f"your x does not lie around the mean of its own z: on average it is off by {rest.mean():.2g}"
    return (
        "your x given z does not look like N(means[z], std^2): around the mean of its own z it has standard "
        f"deviation {rest.std():.3g} where std is {std:g}; does each x use its own z, and noise of its own?"
    )


@lru_cache(maxsize=1)
def _merging_noise():
    """The noise at which the live figure's marginal has one hill for the first time, by bisection."""
    from ..figures import AncestralFigure

    low, high = 0.15, 1.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if AncestralFigure(std_noise=middle).numbers()["hills"] == 1 else (middle, high)
    return high
