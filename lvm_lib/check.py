"""Self-checks of the exercises: each says what is wrong, not only that something is.

A check prints one short message and returns True (right), False (wrong) or None (not answered yet: `...` or None).
It never raises, whatever the answer is. Numbers are accepted as Python, NumPy or torch numbers, fractions and arrays
of one element, rounded to two decimals or better.

A check is a table. `judge` compares one answer with the truth, which the library computes, and with the values that
typical slips lead to, {what the answer looks like: its value}; `tell` prints the verdicts as one message:

    def my_exercise(gap):
        slips = {"the ELBO itself": elbo}
        return tell("the gap is a divergence.", judge(gap, evidence - elbo, "gap", slips))
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from . import _checks, bounds, data, quadrature
from .bounds import GaussianQ
from .curve import QuadraticCurve
from .densities import (
    entropy_categorical,
    entropy_normal_diag,
    kl_categorical,
    kl_normal_diag,
    kl_normal_full,
    log_discretised_normal,
    log_normal,
    log_normal_full,
    logsumexp,
)
from .mixture import GaussianMixture
from .ppca import LinearGaussian

__all__ = ["Verdict", "judge", "tell",
           "lvm_samples", "lvm_by_hand", "lvm_ancestral", "lvm_log_marginal", "lvm_kl_posterior_prior", "lvm_hills",
           "elbo_gap", "elbo_by_hand", "elbo_kl_to_prior", "elbo_monte_carlo", "elbo_mean_field", "elbo_hard_posterior",
           "kl_by_hand", "kl_pixel_units", "kl_dequantised_score", "kl_flattery", "kl_right_hill", "kl_pixel_table"]

LOG_2PI = math.log(2 * math.pi)
TOLERANCE = 0.005  # an answer rounded to two decimals is right
LARGEST = 10**6    # entries of an answer that are looked at


# ---------------------------------------------------------------- the core: an answer, the truth, the known slips

class Verdict(NamedTuple):
    """One part of an answer: what it is, whether it is right (None: not answered), and a clause that says why."""

    what: str
    right: bool | None
    text: str = ""


def judge(answer, truth, what, slips=None, *, unit="nats", tolerance=TOLERANCE, alike=False) -> Verdict:
    """Compare an answer with the truth, then with the values of known slips.

    truth: a number, or an array (n,) that a learner's function should have returned. what: its name in the message.
    slips: {noun phrase for what the answer looks like: value}, tried in order, before the usual ones (sign, factor
    of 2, and in nats: bits, log10); a slip may have a shape of its own ("not summed over the dimensions").
    tolerance: largest absolute difference that is still right, in every entry. alike: all entries of truth are equal,
    and one number stands for them.
    """
    truth = np.asarray(truth, dtype=np.float64)
    if _unanswered(answer):
        return Verdict(what, None)
    try:
        given = _shaped_like(_read(answer), truth, alike)
    except _Odd as odd:
        return Verdict(what, False, f"your {what} should be {_wanted(truth, alike)}, but got {odd}")
    if _equal(given, truth, tolerance):
        rounded = not _equal(given, truth, 1e-6 * (1 + np.abs(truth)))
        return Verdict(what, True, f"within {tolerance:g}" if rounded else "")
    for name, value in {**(slips or {}), **_usual_slips(truth, unit)}.items():
        value = np.asarray(value, dtype=np.float64)
        if _equal(given, value, min(tolerance, max(0.1 * np.abs(value).max(), 1e-9))):
            return Verdict(what, False, f"your {what} looks like {name}")
    if given.shape != truth.shape:
        return Verdict(what, False, f"your {what} should be {_wanted(truth, alike)}, but got shape {given.shape}")
    return Verdict(what, False, _how_far(given, truth, what, unit, tolerance))


def tell(right, *verdicts) -> bool | None:
    """Print the verdicts as one message; True if all are right, False if one is wrong, else None.

    right: what is said when all are right, a clause that explains.
    """
    wrong = [verdict.text for verdict in verdicts if verdict.right is False]
    unanswered = [f"the {verdict.what}" for verdict in verdicts if verdict.right is None]
    done = [f"your {verdict.what} is right" for verdict in verdicts if verdict.right]
    if not wrong and not unanswered:
        rounding = sorted({verdict.text for verdict in verdicts if verdict.text})
        _print(f"Right{''.join(f' ({text})' for text in rounding)}: {right}")
        return True
    if not wrong:
        _print("; ".join([f"Not answered yet: {' and '.join(unanswered)}", *done]) + ".")
        return None
    missing = [f"still to come: {' and '.join(unanswered)}"] if unanswered else []
    _print(f"Not yet: {'; '.join(done + wrong + missing)}.")
    return False


# ---------------------------------------------------------------- chapter: latent variable models

def lvm_samples(log_number, power_of_ten) -> bool | None:
    """Exercise 1: at KL(posterior || prior) = 30 nats, log of the number of samples, and the power of ten."""
    kl = 30.0
    truth = kl / math.log(10)
    of_log = {"the number itself, not its logarithm": math.exp(kl), "the power of ten: are the two swapped?": truth,
              "the logarithm of 30: the number of samples is exp(30), so its logarithm is 30": math.log(kl),
              "the number of bits, 30 / log 2": kl / math.log(2)}
    of_power = {"the natural logarithm: divide by log 10": kl, "30 times log 10: divide by it": kl * math.log(10),
                "the power of two: divide by log 10, not by log 2": kl / math.log(2),
                "the log10 of 30: the number of samples is exp(30)": math.log10(kl)}
    return tell("K = exp(30), ten million million.",
                judge(log_number, kl, "log K", of_log, unit="", tolerance=0.05),
                judge(power_of_ten, truth, "power of ten", of_power, unit="", tolerance=0.05))


def lvm_by_hand(log_evidence, probability) -> bool | None:
    """Exercise 2: weights (0.7, 0.3), means (0, 2), variance 1, x = 2. log p(x) in nats and p(z = 1 | x)."""
    model, x = GaussianMixture.spherical([0.7, 0.3], [[0.0], [2.0]], 1.0), np.array([[2.0]])
    truth, share = model.evidence(x)[0], model.posterior(x)[0, 1]
    joint, given = np.exp(model.log_joint_all(x)[0]), np.exp(model.log_px_z_all(x)[0])
    of_log = {
        "p(x) itself: its logarithm is asked": math.exp(truth),
        "the average of the logs: first add the densities, then take the logarithm":
            0.7 * math.log(given[0]) + 0.3 * math.log(given[1]),
        "a sum without the weights: each density counts by its prior probability": math.log(given.sum()),
        "a sum with equal weights: P(z = 1) is 0.3": math.log(given.mean()),
        "a sum with the weights swapped: z = 1 has weight 0.3": math.log(0.3 * given[0] + 0.7 * given[1]),
        "log p(x, z = 1) alone: z = 0 adds to p(x) too": math.log(joint[1]),
        "log p(x, z = 0) alone: z = 1 adds to p(x) too": math.log(joint[0]),
        "log p(x | z = 1): weigh it, and add z = 0": math.log(given[1]),
        "a value without 1/2 log 2 pi, the normaliser": truth + LOG_2PI / 2,
        "the density at the mean: one Gaussian at the mixture's mean 0.6 is another model": log_normal(2.0, 0.6, 1.0)}
    of_share = {
        "p(z = 0 | x): are the classes swapped?": 1 - share,
        "the prior: x has been seen": 0.3,
        "a posterior without the prior: weigh the densities by 0.7 and 0.3": given[1] / given.sum(),
        "a posterior with the weights swapped": 0.7 * given[1] / (0.3 * given[0] + 0.7 * given[1]),
        "the joint p(x, z = 1): divide by p(x)": joint[1],
        "p(x | z = 1): multiply by the prior, divide by p(x)": given[1],
        "a logarithm: the probability itself is asked": math.log(share)}
    return tell("the two parts of p(x) are 0.038 and 0.120, and the second's share is 0.76.",
                judge(log_evidence, truth, "log p(x)", of_log),
                judge(probability, share, "probability", of_share, unit=""))


def lvm_ancestral(function) -> bool | None:
    """Exercise 3: sample(weights, means, std, n, rng) of a mixture on a line returns x and z, each (n,)."""
    what = "sample"
    for seed, (weights, means, std) in enumerate([((0.2, 0.5, 0.3), (-3.0, 0.0, 4.0), 0.4),
                                                  ((0.9, 0.1), (1.0, 1.5), 2.5)]):
        weights, means = np.array(weights), np.array(means)
        try:
            pair = _two_of(function, "x and z", weights, means, std, 4000, seed)
            if pair is None:
                return tell("", Verdict(what, None))
            x, z = (_read(part) for part in pair)
            again, other = (_read(_two_of(function, "x and z", weights, means, std, 4000, at)[0])
                            for at in (seed, seed + 50))
            fault = _fault_of_sample(x, z, weights, means, std)
            if fault is None and not _equal(again, x, 1e-9):
                fault = "two calls with equal generators gave different samples: draw from the argument rng"
            if fault is None and _equal(other, x, 0.0):
                fault = ("two different generators gave the same sample: draw from the argument rng, "
                         "do not set a seed yourself")
        except _Odd as odd:
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
                answer = _call(function, values.copy())
            unread = None if _unanswered(answer) else _read(answer)
        except _Odd as odd:
            lost = " exp underflows or overflows there: take the largest value out first" if abs(centre) > 100 else ""
            return tell("", Verdict(what, False, f"at values near {centre:g}: {odd}.{lost}".rstrip(".")))
        truth = logsumexp(values, axis=0) - math.log(k)
        slips = {"the average of the logs: average the densities, then take the logarithm": values.mean(),
                 "the log of a sum: an average divides by K": truth + math.log(k),
                 "the largest value: the other draws count too": values.max(),
                 "the estimate less its largest value: put that back after the logarithm": truth - values.max(),
                 "a density: take the logarithm": math.exp(min(truth, 700.0)),
                 "a sum divided by K^2": truth - math.log(k), "the median": float(np.median(values))}
        if k == 1:  # one draw: log, mean and largest value are the same
            slips = {}
        verdict = judge(answer if unread is None else unread, truth, f"{what} of {k} values near {centre:g}", slips,
                        tolerance=1e-6)
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
            answer = _call(function, w, s, x)
        except _Odd as odd:
            return tell("", Verdict(what, False, str(odd)))

        def half(centre, spread):
            return 0.5 * (spread + centre**2 - 1 - math.log(spread))

        truth, std_for_variance = half(mean, variance), 1 / (1 + w**2 / s)
        reverse = kl_normal_full([0.0], [[1.0]], [mean], [[variance]])
        not_squared = half(std_for_variance * w * x / s, std_for_variance)
        slips = {"KL(prior || posterior): the first argument gives the weights": reverse,
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
                 "the entropy of the posterior, not a divergence": 0.5 * (LOG_2PI + 1 + math.log(variance))}
        verdict = judge(answer, truth, f"KL for w = {w:g}, s = {s:g}, x = {x:g}", slips, tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("your function agrees with the closed form.", Verdict(what, True))


def lvm_hills(noise) -> bool | None:
    """Exercise 6: the smallest noise of the live figure at which p(x) has one hill, to within 0.02."""
    what = "noise"
    truth = _merging_noise()
    verdict = _within(noise, what, (0.15, 1.0))
    if not verdict.right:
        return tell("", verdict)
    given = float(_read(noise).item())
    if abs(given - truth) <= 0.02:
        return tell("there the lower hill has become a shoulder of the higher one.", Verdict(what, True))
    words = ("p(x) still has two hills there" if given < truth
             else "p(x) has one hill there, but so it has at a smaller noise")
    return tell("", Verdict(what, False, words))


def _two_of(function, names, weights, means, std, n, seed):
    """The pair that a learner's sampler returns; None if it is not answered."""
    result = _call(function, weights.copy(), means.copy(), std, n, np.random.default_rng(seed))
    if _unanswered(result):
        return None
    if not isinstance(result, (list, tuple)) or len(result) != 2:
        raise _Odd(f"your function should return two arrays, {names}, but got {_came(result)}")
    return result


def _fault_of_sample(x, z, weights, means, std):
    """What is wrong with a sample (x, z) of a mixture on a line, or None: classes, frequencies, and x given z."""
    n, count = 4000, len(weights)
    for name, part in (("x", x), ("z", z)):
        if part.shape != (n,):
            return f"your {name} should have shape ({n},) for n = {n}, but got shape {part.shape}"
    if not (np.isin(z, np.arange(count))).all():
        swapped = np.isin(x, np.arange(count)).all()
        return ("your z looks like x: are the two swapped?" if swapped
                else f"your z should hold classes 0 to {count - 1}, but got {z[0]:g}")
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
    slips = {"std^2: std is a standard deviation": std**2,
             "the square root of std: std is a standard deviation": math.sqrt(std),
             "1: multiply it by std": 1.0}
    for name, spread in slips.items():
        if distance(0.0, spread) <= 2.5 / math.sqrt(n):
            return f"the noise of your x has the standard deviation {name}"
    if abs(rest.mean()) > 5 * rest.std() / math.sqrt(n):
        return "your x does not lie around the mean of its own z: on average it is off by {:.2g}".format(rest.mean())
    return ("your x given z does not look like N(means[z], std^2): around the mean of its own z it has standard "
            f"deviation {rest.std():.3g} where std is {std:g}; does each x use its own z, and noise of its own?")


@lru_cache(maxsize=1)
def _merging_noise():
    """The noise at which the live figure's marginal has one hill for the first time, by bisection."""
    from .figures import AncestralFigure

    low, high = 0.15, 1.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if AncestralFigure(std_noise=middle).numbers()["hills"] == 1 else (middle, high)
    return high


# ---------------------------------------------------------------- chapter: the evidence lower bound

def elbo_gap(answer) -> bool | None:
    """Exercise 1: log p(x) = -3.20 and ELBO = -4.05 nats; the gap is their difference, KL(q || posterior)."""
    evidence, elbo = -3.20, -4.05
    truth = bounds.gap(np.array([evidence]), np.array([elbo]))[0]
    slips = {"the gap with its sign flipped: it is evidence minus ELBO, and a divergence is never negative": -truth,
             "the sum of evidence and ELBO: subtract the ELBO, mind its sign": evidence + elbo,
             "the sum of evidence and ELBO, with its sign flipped: subtract the ELBO, mind its sign": -evidence - elbo,
             "the ELBO itself, not the gap": elbo, "the evidence itself, not the gap": evidence,
             "a ratio of probabilities: the gap is a difference of logarithms, so leave out exp": math.exp(truth),
             "half of it (look for a factor of 2), or exp(-gap): the gap is a difference of logarithms": truth / 2}
    return tell("KL(q || posterior) is what the ELBO misses of log p(x).", judge(answer, truth, "gap", slips))


def elbo_by_hand(elbo, gap) -> bool | None:
    """Exercise 2: z ~ N(0, 1), x | z ~ N(z, 1), x = 2, q = N(1, variance 1/2). ELBO and gap in nats."""
    model, x, half = LinearGaussian([[1.0]], [0.0], 1.0), np.array([[2.0]]), 0.5

    def at(variance):
        q = GaussianQ([[1.0]], [[[variance]]])
        return model.elbo_terms(q, x), model.elbo(q, x)[0], model.kl_to_posterior(q, x)[0]

    terms, true_elbo, true_gap = at(half)
    reconstruction, kl, energy, entropy = (float(term[0]) for term in terms)
    evidence = model.evidence(x)[0]
    at_mean = model.log_px_z(x, np.array([[1.0]]))[0]
    reverse = kl_normal_full([0.0], [[1.0]], [1.0], [[half]])
    of_elbo = {
        "an ELBO without log 2 pi: the normaliser of p(x | z), 1/2 log 2 pi, is missing": true_elbo + LOG_2PI / 2,
        "an ELBO that lacks log 2 pi in the joint: both p(x | z) and p(z) have a normaliser": true_elbo + LOG_2PI,
        "an ELBO whose entropy lacks its 1/2 log 2 pi": true_elbo - LOG_2PI / 2,
        "E_q[log p(x, z)] alone: the entropy of q is forgotten": energy,
        "an ELBO with the sign of the entropy flipped": energy - entropy,
        "an ELBO with the sign of the KL flipped: it is subtracted": reconstruction + kl,
        "the reconstruction alone: the KL to the prior is forgotten": reconstruction,
        "minus the KL to the prior: the reconstruction is forgotten": -kl,
        "an ELBO with the KL counted twice: it has a factor 1/2": reconstruction - 2 * kl,
        "an ELBO with the KL the other way round: it is KL(q || prior)": reconstruction - reverse,
        "an ELBO evaluated at the mean of q: E_q[(2 - z)^2] also holds the variance": at_mean - kl,
        "an ELBO with 1/2 taken for the standard deviation of q: it is the variance": at(half**2)[1],
        "an ELBO with the standard deviation of q, sqrt(1/2), put where the variance belongs": at(math.sqrt(half))[1],
        "the gap (are the two swapped?)": true_gap}
    of_gap = {
        "the ELBO (are the two swapped?)": true_elbo,
        "the KL to the prior: the gap is the KL to the posterior": kl,
        "a gap with 1/2 taken for the standard deviation of q: it is the variance": at(half**2)[2],
        "a gap with sqrt(1/2), a standard deviation, put where the variance belongs": at(math.sqrt(half))[2],
        "a gap from an evidence of log N(2; 0, 1): x has variance 1 + 1": log_normal(2.0, 0.0, 1.0) - true_elbo,
        **_consistent("what your ELBO leaves of the evidence, so it comes right when the ELBO does", evidence, elbo)}
    return tell("q is the posterior, so the gap is zero and the ELBO is log p(x) = log N(2; 0, 2).",
                judge(elbo, true_elbo, "ELBO", of_elbo), judge(gap, true_gap, "gap", of_gap))


def elbo_kl_to_prior(function) -> bool | None:
    """Exercise 3: a function of mean, std (n, d) that returns KL(N(mean, diag(std^2)) || N(0, I)), (n,), in nats."""
    rng = np.random.default_rng(0)
    for n, d in ((5, 3), (4, 1), (1, 6), (3, 3)):
        mean, std = rng.normal(size=(n, d)), rng.uniform(0.05, 2.5, size=(n, d))
        try:
            answer = _call(function, mean.copy(), std.copy())
        except _Odd as odd:
            return tell("", Verdict("KL", False, str(odd)))
        what = "KL" if _unanswered(answer) else f"KL (mean and std of shape {mean.shape})"
        verdict = judge(answer, kl_normal_diag(mean, std), what, _kl_slips(mean, std), tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("your function agrees with the closed form on every row.", verdict)


def elbo_monte_carlo(function) -> bool | None:
    """Exercise 4: function(log_joint, mean, std, samples, rng) -> (value, standard error) of a Monte Carlo ELBO.

    log_joint is watched, so that the result is compared with the right one *at the learner's own draws*: no noise
    blurs the judgement. Accepted are the mean of log w, and the mean of log p(x, z) plus the exact entropy of q.
    """
    for mean, std, samples, seed in ((0.4, 0.45, 4000, 1), (0.6, 1.7, 500, 2), (0.3, 0.7, 25, 3)):
        try:
            verdicts = _monte_carlo_verdicts(function, mean, std, samples, seed)
        except _Odd as odd:
            verdicts = [Verdict("function", False, str(odd))]
        if not all(verdict.right for verdict in verdicts):
            return tell("", *verdicts)
    return tell("value and standard error are those of your own draws, and the draws come from q.", *verdicts)


def elbo_mean_field(variance, gap) -> bool | None:
    """Exercise 5: best mean-field q for a posterior with covariance [[1, 0.8], [0.8, 1]]: its variance and its gap.

    variance: one number, or one per variable.
    """
    covariance, origin = np.array([[1.0, 0.8], [0.8, 1.0]]), np.zeros(2)
    precision = np.linalg.inv(covariance)
    best = 1 / np.diag(precision)
    true_gap = kl_normal_full(origin, np.diag(best), origin, covariance)
    marginal = np.diag(covariance)
    narrow, wide = (np.full(2, value) for value in np.linalg.eigvalsh(covariance))
    of_variance = {
        "the posterior's own marginal variance: KL(q || p) makes q narrower than that": marginal,
        "the entry of the precision matrix: the variance is one over it": np.diag(precision),
        "the standard deviation: the variance is asked, its square": np.sqrt(best),
        "the variance squared": best**2,
        "the smallest eigenvalue of the covariance: q is narrow, but not that narrow": narrow,
        "the largest eigenvalue of the covariance: q stays inside the posterior": wide,
        "1 - variance, the share that the other variable explains": marginal - best,
        "the gap (are the two swapped?)": np.full(2, true_gap)}
    of_gap = {
        "a gap without the factor 1/2": 2 * true_gap,
        "a gap averaged over the two variables: it is their sum": true_gap / 2,
        "the gap of a q with variance 1, or a divergence the other way round":
            kl_normal_full(origin, np.diag(marginal), origin, covariance),
        "the gap of a q as narrow as the posterior's narrowest direction":
            kl_normal_full(origin, np.diag(narrow), origin, covariance),
        "a gap with the standard deviation put where the variance belongs":
            kl_normal_full(origin, np.diag(np.sqrt(best)), origin, covariance),
        "the variance (are the two swapped?)": best[0]}
    return tell("one over the diagonal of the precision; q stays inside the posterior, and pays for the tilt it lacks.",
                judge(variance, best, "variance", of_variance, unit="", alike=True),
                judge(gap, true_gap, "gap", of_gap))


HARD = 0.25  # nats that even the best Gaussian must miss
X_RANGE, BEND_RANGE = (-3.0, 4.0), (-1.5, 1.5)  # as far as the live figure's sliders go


def elbo_hard_posterior(x, bend) -> bool | None:
    """Exercise 6: an x and a bend of QuadraticCurve(1, bend, 0.5) whose best Gaussian misses more than 0.25 nats."""
    verdicts = [_within(x, "x", X_RANGE), _within(bend, "bend", BEND_RANGE)]
    if not all(verdict.right for verdict in verdicts):
        return tell("", *(verdict for verdict in verdicts if not verdict.right))
    found, hills = _gap_of_best_gaussian(float(_read(x).item()), float(_read(bend).item()))
    reached = f"even the best Gaussian misses {found:.3f} nats"
    if found > HARD:
        return tell(f"{reached} (more than {HARD:g} were asked), and this posterior has {hills}.", *verdicts)
    reached = reached.replace("even the best Gaussian misses", "the best Gaussian misses only")
    return tell("", Verdict("x and bend", False, f"{reached}, and more than {HARD:g} are asked: this posterior "
                                                 f"has {hills}"))


# ---------------------------------------------------------------- chapter: KL divergence and maximum likelihood

def kl_by_hand(forward, reverse) -> bool | None:
    """Exercise 1: p = (1/2, 1/2) and q = (1/4, 3/4); KL(p || q) and KL(q || p) in nats."""
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    of_forward, of_reverse = kl_categorical(p, q), kl_categorical(q, p)
    cross = -(p @ np.log(q))
    slips = {"the cross-entropy -sum p log q: the entropy of p is not taken off": cross,
             "the cross-entropy -sum q log p: the entropy of q is not taken off": -(q @ np.log(p)),
             "the entropy of p": entropy_categorical(p), "the entropy of q": entropy_categorical(q),
             "a sum of log ratios without the weights p": np.log(p / q).sum(),
             "a sum of log ratios without the weights q": np.log(q / p).sum(),
             "a sum of squared differences, not of logarithms": ((p - q) ** 2).sum()}
    return tell("the first argument gives the weights, so the two differ.",
                judge(forward, of_forward, "KL(p || q)",
                      {"KL(q || p): are the two swapped?": of_reverse, **slips}, tolerance=0.001),
                judge(reverse, of_reverse, "KL(q || p)",
                      {"KL(p || q): are the two swapped?": of_forward,
                       "an average with equal weights: here q gives the weights": -of_forward, **slips}, tolerance=0.001))


def kl_pixel_units(nats, bits_per_dim) -> bool | None:
    """Exercise 2: +262.0 nats per image for pixels in [0, 1], D = 784: on ruler G in nats and in bits/dim."""
    reported, dimensions = 262.0, 784
    true_nats = reported - dimensions * math.log(255)
    true_bits = -true_nats / (dimensions * math.log(2))
    of_nats = {
        "the score with 784 log 255 added: a density of x is lower than one of x/255": reported + dimensions * math.log(255),
        "the score with 784 log 256: pixels were divided by 255": reported - dimensions * math.log(256),
        "the score with log 255 once: every one of the 784 pixels was scaled": reported - math.log(255),
        "a code length: the score is asked, minus the length": -true_nats,
        "the reported score: it is in other units": reported}
    of_bits = {
        "bits/dim with a minus sign: it is a length, so take minus the score": -true_bits,
        "nats per dimension: divide by log 2 for bits": true_bits * math.log(2),
        "bits per image: divide by the 784 dimensions": true_bits * dimensions,
        "bits/dim of the reported score: it is in other units": -reported / (dimensions * math.log(2)),
        "the bits/dim of 28 dimensions: an image has 28 x 28": true_bits * 28}
    return tell("784 log 255 nats off the score, then minus that over 784 log 2.",
                judge(nats, true_nats, "score in nats", of_nats, tolerance=0.5),
                judge(bits_per_dim, true_bits, "bits/dim", of_bits, unit=""))


def kl_dequantised_score(function) -> bool | None:
    """Exercise 3: a function of x (n, D), mean and std (D,): E_u[log N(x + u; mean, diag(std^2))], (n,), in nats."""
    rng, what = np.random.default_rng(0), "score"
    for n, d in ((5, 3), (4, 1), (1, 6), (3, 3)):
        x = rng.integers(0, 12, size=(n, d)).astype(float)
        mean, std = rng.uniform(2, 9, size=d), rng.uniform(0.4, 3.0, size=d)
        try:
            answer = _call(function, x.copy(), mean.copy(), std.copy())
        except _Odd as odd:
            return tell("", Verdict(what, False, str(odd)))
        truth = bounds.dequantised_normal(x, mean, np.diag(std**2))
        verdict = judge(answer, truth, f"result for x of shape ({n}, {d})", _score_slips(x, mean, std, truth), tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("your function agrees with the closed form on every row.", Verdict(what, True))


def kl_flattery(nats, draws) -> bool | None:
    """Exercise 4: 2 / (N - 3) nats at N = 10, and the smallest N that brings it to 0.01 or less."""
    truth, needed = 2 / (10 - 3), 203
    of_nats = {"the large-N rule 2 / N: for ten draws use the exact 2 / (N - 3)": 0.2,
               "1 / (N - 3): two parameters are fitted": 1 / 7,
               "2 / (N + 3): mind the sign": 2 / 13,
               "the flattery of all ten draws together: it is asked per draw": 10 * truth,
               "half of it: the training average is too high and the new one too low, both count": 1 / 7}
    of_draws = {"the answer of the large-N rule 2 / N: three more": 200,
                "the N of 1 / (N - 3): two parameters are fitted": 103,
                "2 / 0.01 less 3: add the 3": 197}
    return tell("2 / (N - 3), per draw; two parameters, one nat each, shared by the draws.",
                judge(nats, truth, "flattery", of_nats), judge(draws, needed, "number of draws", of_draws, unit="", tolerance=0.5))


def kl_right_hill(mean, std) -> bool | None:
    """Exercise 5: the local minimum of KL(q || p_data) on the right hill of the toy: mean and standard deviation."""
    found = _reverse_minimum(1.7, 0.5)
    left, broad = _reverse_minimum(-1.5, 0.7), _reverse_minimum(-0.5, 1.4)
    forward = (-0.22, math.sqrt(0.6 * (0.49 + 1.28**2) + 0.4 * (0.25 + 1.92**2)))
    names = {"left-hand minimum: start on the right hill": left, "broad minimum: start narrow, on the right hill": broad,
             "forward fit: the moments of the data": forward, "hill itself: the minimum leans away from it a little": (1.7, 0.5)}
    of_mean, of_std = ({f"that of the {name}": pair[i] for name, pair in names.items()} for i in (0, 1))
    of_std["the variance: the standard deviation is asked, its square root"] = found[1] ** 2
    return tell("almost the hill itself, a little wider; the other hill is given up.",
                judge(mean, found[0], "mean", of_mean, unit="", tolerance=0.0075),
                judge(std, found[1], "standard deviation", of_std, unit="", tolerance=0.0075))


def kl_pixel_table(table) -> bool | None:
    """Exercise 6: log masses (784, 256) of independent pixels, scored on the test digits; better than Gaussians?"""
    what = "table"
    if _unanswered(table):
        return tell("", Verdict(what, None))
    images = data.load("digits")
    train, test = data.flat(images.train), data.flat(images.test)
    try:
        log_mass = _read(table)
        if log_mass.shape != (784, 256):
            raise _Odd(f"shape {log_mass.shape}")
    except _Odd as odd:
        return tell("", Verdict(what, False, f"your table should hold 784 x 256 finite log masses, but got {odd}: "
                                             "an impossible level needs a small mass, not none"))
    total = np.exp(logsumexp(log_mass, axis=1))
    if (np.abs(total - 1) > 1e-6).any():
        looks = " (are these masses, not their logarithms?)" if (log_mass >= 0).all() else ""
        return tell("", Verdict(what, False, f"your table is no log mass: exp of its rows sums to values from "
                                             f"{total.min():.4g} to {total.max():.4g}, and each must be 1{looks}"))

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
    return tell("", Verdict(what, False, f"your table is a mass, and reaches {seen}, but the Gaussians reach {limit:.1f}"))


# ---------------------------------------------------------------- parts of the KL chapter's checks

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
        "a score without log 2 pi: the normaliser of each dimension, 1/2 log 2 pi, is missing": truth + len(std) * LOG_2PI / 2,
        "a score without log std": truth + np.log(std).sum(),
        "a score averaged over the dimensions: it adds up": truth / len(std),
        "one number, averaged over the data points too: keep one score per row": truth.mean(),
        "one number, summed over the data points too: keep one score per row": truth.sum(),
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked": truth[:, None],
        "a code length: the score is asked, minus the length": -truth}


@lru_cache(maxsize=8)
def _reverse_minimum(mean, std):
    """The local minimum of KL(q || p_data) of the chapter's toy downhill of N(mean, std^2): (mean, std)."""
    from .figures import KlFigure

    figure = KlFigure(direction="reverse", mean=mean, std=std).fit()
    return figure.mean, figure.std


# ---------------------------------------------------------------- parts of the ELBO chapter's checks

def _consistent(name, evidence, elbo):
    """The gap that follows from the learner's own ELBO, as a slip, where that ELBO can be read."""
    try:
        return {name: evidence - _read(elbo).item()}
    except (_Odd, ValueError):
        return {}


def _kl_slips(mean, std):
    """What typical slips make of the KL to the prior, for mean and std (n, d)."""
    each = kl_normal_diag(mean[..., None], std[..., None])  # (n, d)
    total, d, m2, v, log_std = each.sum(axis=1), mean.shape[1], mean**2, std**2, np.log(std)

    def half_sum(terms):
        return terms.sum(axis=1) / 2

    return {
        "the KL averaged over the dimensions: it adds up, so sum over axis 1": each.mean(axis=1),
        "one KL per entry: sum over the dimensions, axis 1": each,
        "a sum over the data points, axis 0: sum over the dimensions, axis 1": each.sum(axis=0),
        "a mean over the data points, axis 0: sum over the dimensions, axis 1": each.mean(axis=0),
        "one number, summed over the data points too: keep one KL per row": total.sum(),
        "one number, averaged over the data points: keep one KL per row": total.mean(),
        "one number, averaged over all entries: sum over the dimensions and keep one KL per row": each.mean(),
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked: leave out keepdims": total[:, None],
        "twice the KL: the factor 1/2 is missing": 2 * total,
        "the KL the other way round: it is KL(q || prior)": kl_normal_diag(np.zeros(d), np.ones(d), mean, std),
        "the KL with std taken for the variance: square it": kl_normal_diag(mean, np.sqrt(std)),
        "the KL with the variance taken for std: it is squared once too often": kl_normal_diag(mean, v),
        "the KL with std taken for a log variance": kl_normal_diag(mean, np.exp(std / 2)),
        "the KL with log std in place of log std^2 = 2 log std": half_sum(m2 + v - 1 - log_std),
        "the KL with std in place of std^2": half_sum(m2 + std - 1 - 2 * log_std),
        "the KL with the mean not squared": half_sum(mean + v - 1 - 2 * log_std),
        "the KL without the mean": half_sum(v - 1 - 2 * log_std),
        "the KL without its -1 per dimension": total + d / 2,
        "the KL with the sign of the logarithm flipped": half_sum(m2 + v - 1 + 2 * log_std),
        "the KL without its logarithm: the entropy of q is forgotten": half_sum(m2 + v - 1),
        "E_q[-log p(z)] alone: the entropy of q is forgotten": half_sum(m2 + v + LOG_2PI),
        "minus the entropy of q alone: E_q[log p(z)] is forgotten": -entropy_normal_diag(std),
        "a KL with a log 2 pi too many: the two normalisers cancel": total + d * LOG_2PI / 2,
        "a KL with a log 2 pi too few: the two normalisers cancel": total - d * LOG_2PI / 2,
        "a KL in which log2 (bits) stands for log": half_sum(m2 + v - 1 - 2 * np.log2(std)),
        "a KL in which log10 stands for log": half_sum(m2 + v - 1 - 2 * np.log10(std))}


class _Watched:
    """log p(x, z) of the chapter's toy at x = 0.5, as a function of z of any shape, that keeps what it was asked."""

    model, x = QuadraticCurve(slope=1.0, bend=1.2, std=0.5), 0.5

    def __init__(self):
        self.asked = []

    def __call__(self, z):
        z = _checks.real_array("z", _detached(z))
        if z.size > LARGEST:
            raise ValueError(f"z must hold at most {LARGEST} draws, got shape {z.shape}")
        self.asked.append(z.ravel().copy())
        return self.of(z)

    def of(self, z):
        flat = z.reshape(-1, 1)
        return self.model.log_joint(np.full(flat.shape, self.x), flat).reshape(z.shape)[()]

    def draws(self, samples):
        """All points asked for, or those of one call where later calls only repeated it."""
        if self.asked and all(np.array_equal(self.asked[0], z) for z in self.asked) and len(self.asked[0]) == samples:
            return self.asked[0]
        return np.concatenate(self.asked) if self.asked else np.empty(0)


def _monte_carlo_verdicts(function, mean, std, samples, seed):
    """Verdicts on one run: on the way the draws were made if that is wrong, else on value and standard error."""
    log_joint = _Watched()
    value, error = _run(function, log_joint, mean, std, samples, seed)
    if _unanswered(value) and _unanswered(error):
        return [Verdict("estimate", None), Verdict("standard error", None)]
    z = log_joint.draws(samples)
    fault = _fault_of_draws(z, mean, std, samples) or _fault_of_rng(function, mean, std, seed)
    if fault:
        return [Verdict("draws", False, fault)]
    joint = log_joint.of(z)
    log_w = joint - log_normal(z, mean, std)
    entropy = entropy_normal_diag([std])  # exact, so joint + entropy is a second way to the same expectation
    if judge(value, joint.mean() + entropy, "estimate", tolerance=1e-4).right:
        log_w = joint + entropy
    true_error = log_w.std(ddof=1) / math.sqrt(samples)
    return [judge(value, log_w.mean(), "estimate", {**_estimate_slips(joint, z, mean, std),
                  "the standard error (are the two swapped?)": true_error}, tolerance=1e-4),
            judge(error, true_error, "standard error", _error_slips(log_w, joint, value),
                  tolerance=0.03 * true_error if samples < 100 else 0.01 * true_error)]


def _run(function, log_joint, mean, std, samples, seed):
    """The pair (value, standard error) that the learner's function returns."""
    result = _call(function, log_joint, mean, std, samples, np.random.default_rng(seed))
    if result is None or result is ...:
        return None, None
    try:
        listed = isinstance(result, (list, tuple)) or getattr(result, "shape", None) == (2,)
        pair = [result[i] for i in range(len(result))][:3] if listed else []
    except Exception:  # something that only looks like a pair
        pair = []
    if len(pair) != 2:
        raise _Odd(f"your function should return two things, the estimate and its standard error, "
                   f"but got {_came(result)}")
    return pair


def _fault_of_draws(z, mean, std, samples):
    """What is wrong with the points at which log_joint was asked, or None: Kolmogorov's distance to q."""
    if len(z) != samples:
        return f"log_joint was asked at {len(z)} points, where samples = {samples} draws of z are wanted"

    def distance(centre, spread):
        below = ndtr((np.sort(z) - centre) / spread)
        steps = np.arange(samples + 1) / samples
        return max((below - steps[:-1]).max(), (steps[1:] - below).max())

    limit = 2.5 / math.sqrt(samples)  # draws of q go beyond it once in 100 000 times
    if distance(mean, std) <= limit:
        return None
    slips = {"N(mean, std^4): std is squared once too often": (mean, std**2),
             "N(mean, std): std is taken for the variance": (mean, math.sqrt(std)),
             "N(mean, 1): std is forgotten": (mean, 1.0), "N(0, std^2): the mean is forgotten": (0.0, std),
             "the prior N(0, 1), not of q": (0.0, 1.0)}
    name = min(slips, key=lambda name: distance(*slips[name]))
    if distance(*slips[name]) <= limit:
        return f"your draws look like draws of {name}"
    return (f"your draws do not look like draws of q: for mean {mean:g} and std {std:g} they have mean {z.mean():.3g} "
            f"and std {z.std():.3g}, or another shape")


def _fault_of_rng(function, mean, std, seed):
    """What is wrong with the use of rng, or None: equal generators agree, different generators differ."""
    values = [_run(function, _Watched(), mean, std, 20, number)[0] for number in (seed, seed, seed + 100)]
    try:
        first, again, other = map(_read, values)
    except _Odd:
        return None  # the value itself is at fault, and will be judged
    if not _equal(again, first, 1e-9):
        return ("two calls with equal generators gave different estimates: draw from the argument rng, not from "
                "np.random or a generator of your own")
    if _equal(other, first, 0.0):
        return "two different generators gave the same estimate: draw from the argument rng, do not set a seed yourself"
    return None


def _estimate_slips(joint, z, mean, std):
    """What typical slips make of the Monte Carlo estimate at draws z (k,) with log p(x, z) = joint (k,)."""
    eps, log_std = (z - mean) / std, math.log(std)
    log_w = joint - log_normal(z, mean, std)

    def less(log_q):
        return (joint - log_q).mean()

    return {
        "the mean of log p(x, z) alone: the entropy, -log q(z), is forgotten": joint.mean(),
        "an estimate with the sign of log q flipped: it is subtracted": 2 * joint.mean() - log_w.mean(),
        "log of the mean of w: average log w, not w (that is an importance-weighted bound, too high for an ELBO)":
            logsumexp(log_w, axis=0) - math.log(len(z)),
        "the mean of w: average log w, not w": math.exp(min(logsumexp(log_w, axis=0) - math.log(len(z)), 700.0)),
        "a sum over the draws: take their mean": log_w.sum(),
        "an estimate whose log q lacks its normaliser, -log std - 1/2 log 2 pi": less(-eps**2 / 2),
        "an estimate whose log q lacks its 1/2 log 2 pi": less(-eps**2 / 2 - log_std),
        "an estimate whose log q lacks -log std (that is the density of epsilon, not of z)":
            less(log_normal(eps, 0.0, 1.0)),
        "an estimate whose log q has std taken for the variance": less(log_normal(z, mean, math.sqrt(std))),
        "an estimate whose log q has the variance taken for std": less(log_normal(z, mean, std**2)),
        "an estimate whose log q has +log std: a wide q has a low density":
            less(log_normal(z, mean, std) + 2 * log_std),
        "an estimate with log q at the wrong point: at epsilon, not at z": less(log_normal(eps, mean, std)),
        "an estimate with log q at the wrong point: at the mean, not at z": less(log_normal(mean, mean, std)),
        "an estimate that subtracts the prior's log density, not that of q": less(log_normal(z, 0.0, 1.0))}


def _error_slips(log_w, joint, value):
    """What typical slips make of the standard error of the mean of log_w (k,)."""
    k, std = len(log_w), log_w.std(ddof=1)
    with np.errstate(over="ignore"):
        of_w = np.exp(np.minimum(log_w, 300.0)).std(ddof=1) / math.sqrt(k)
    slips = {
        "the standard deviation of log w: divide it by the square root of the number of samples": std,
        "the standard deviation over the number of samples: divide by its square root": std / k,
        "the squared standard error: the square root is missing": std**2 / k,
        "the variance of log w: a standard error is its square root, over the square root of samples": std**2,
        "the variance over the square root of samples: take the standard deviation": std**2 / math.sqrt(k),
        "the standard deviation times the square root of samples: divide by it": std * math.sqrt(k),
        "the standard error of log p(x, z), not of log w": joint.std(ddof=1) / math.sqrt(k),
        "the standard error of w, not of log w": of_w}
    if not _unanswered(value):
        slips["the estimate (are the two swapped?)"] = log_w.mean()
    return slips


def _within(answer, what, interval):
    """Verdict on a number that may be anything in an interval."""
    if _unanswered(answer):
        return Verdict(what, None)
    try:
        number = _shaped_like(_read(answer), np.zeros(()), False)
        if number.shape:
            raise _Odd(f"shape {number.shape}")
    except _Odd as odd:
        return Verdict(what, False, f"your {what} should be one finite number, but got {odd}")
    low, high = interval
    inside = bool(low <= number <= high)
    return Verdict(what, inside, "" if inside else f"your {what} should lie between {low:g} and {high:g}, as in the "
                                                   f"figure, but got {float(number):.4g}")


def _gap_of_best_gaussian(x, bend):
    """log p(x) - max_q ELBO(q) over all Gaussians, for the toy with slope 1 and std 0.5; and the posterior's hills.

    The best variance v for a mean m solves a quadratic equation, (3 b^2 / 2 s^2) v^2 + (1 + (g'^2 - b r) / s^2) v = 1
    with g' = 1 + b m, r = x - g(m) (the derivative of the ELBO's closed form); means are tried on a fine line, and
    every local maximum is looked at again a thousand times finer.
    """
    model, grid = QuadraticCurve(1.0, bend, 0.5), quadrature.line(-12, 12, 4801)

    def best_elbo(means):  # (m,)
        residual, slope, precision = x - model.decode(means[:, None])[:, 0], 1 + bend * means, model.std**-2
        square, linear = 1.5 * bend**2 * precision, 1 + (slope**2 - bend * residual) * precision
        variance = 2 / (linear + np.sqrt(linear**2 + 4 * square))
        return model.elbo(GaussianQ(means[:, None], variance[:, None, None]), np.full((len(means), 1), x))

    means = np.linspace(-8, 8, 3201)
    peaks = means[_local_maxima(best_elbo(means))]
    elbo = max(best_elbo(np.linspace(mean - 0.005, mean + 0.005, 101)).max() for mean in peaks)
    found = float(model.evidence([[x]], grid)[0] - elbo)
    return found, _hills(model.posterior([[x]], grid)[0], grid)


def _hills(log_posterior, grid):
    """How many maxima a density on a line has (this toy: one or two), and how its mass is shared, in words."""
    tops = _local_maxima(log_posterior)
    if len(tops) < 2:
        return "a single hill"
    valley = tops[0] + int(np.argmin(log_posterior[tops[0]:tops[-1]]))
    left = float(np.exp(log_posterior + grid.log_weights)[:valley].sum())
    share = max(left, 1 - left)
    return f"two hills, the larger with {100 * share:.0f} % of the mass" if share < 0.995 else "one hill that counts"


def _local_maxima(values):
    """Indices of the inner points that lie above their left and not below their right neighbour."""
    return 1 + np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:]))


# ---------------------------------------------------------------- reading what came

class _Odd(Exception):
    """An answer that is no answer; its text says what came."""


def _unanswered(answer):
    """Whether an answer is still `...` or None, or holds one of them."""
    if answer is None or answer is ...:
        return True
    try:
        if isinstance(answer, np.ndarray) and answer.dtype == object and 0 < answer.size <= LARGEST:
            answer = answer.ravel().tolist()
        return isinstance(answer, (list, tuple)) and any(part is None or part is ... for part in answer)
    except Exception:  # a hostile answer is not an empty one
        return False


def _read(answer):
    """An answer as a finite float64 array; raises _Odd, with what came, if it is none."""
    try:
        with np.errstate(all="ignore"):
            array = _numeric(answer)
    except Exception:
        raise _Odd(_came(answer)) from None
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise _Odd(f"{float(array.item())}" if array.size == 1 else f"{bad} nan or infinite of {array.size} entries")
    return array


def _numeric(answer):
    if _entries(answer) > LARGEST:
        raise ValueError
    if isinstance(answer, (list, tuple)):
        answer = [_detached(part) for part in answer]
    array = np.asarray(_detached(answer))
    if array.size == 0 or isinstance(answer, (str, bytes, bytearray, memoryview)):
        raise ValueError
    if array.dtype == object:  # fractions, decimals, integers beyond 64 bits
        array = np.array([_real(part) for part in array.ravel()]).reshape(array.shape)
    if array.dtype.kind not in "fiu":
        raise TypeError
    return np.array(array, dtype=np.float64)


def _entries(answer):
    """How many numbers an answer holds, counted without copying any."""
    if isinstance(answer, (list, tuple)):
        return len(answer) if len(answer) > LARGEST else sum(map(_entries, answer))
    if hasattr(answer, "shape"):
        return math.prod(answer.shape)
    return len(answer) if hasattr(answer, "__len__") else 1


def _real(part):
    if isinstance(part, (str, bytes, bytearray, bool, np.bool_, complex)):
        raise TypeError
    return float(part)


def _detached(value):
    """A torch tensor without its graph, on the CPU; anything else as it is. Does not need torch."""
    return value.detach().cpu() if hasattr(value, "detach") and hasattr(value, "cpu") else value


def _shaped_like(given, truth, alike):
    """`given` in the shape of truth where only axes of length one differ, or one number stands for all."""
    if truth.ndim == 0 and given.size == 1:
        return given.reshape(())
    if alike and (given.size == 1 or given.shape in (truth.shape, (1, *truth.shape), (*truth.shape, 1))):
        return np.broadcast_to(given.ravel(), truth.shape)
    return given


def _call(function, *arguments):
    """What a learner's function returns (`...` if there is no function yet); raises _Odd with what it raised."""
    if function is None or function is ...:
        return ...
    try:
        usable = callable(function)
    except Exception:
        usable = False
    if not usable:
        raise _Odd(f"a function is asked, but got {_came(function)}")
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise _Odd(f"your function raised {_safely(lambda: type(error).__name__)}: "
                   f"{_safely(lambda: str(error))}".rstrip(": .")) from None


# ---------------------------------------------------------------- saying it

def _equal(given, value, tolerance):
    """Same shape, and no entry further apart than the tolerance (with room for rounding in its last digit)."""
    with np.errstate(over="ignore"):
        return given.shape == value.shape and bool((np.abs(given - value) <= tolerance * (1 + 1e-9)).all())


def _usual_slips(truth, unit):
    slips = {"the right size with the sign flipped": -truth,
             "twice what it should be: look for a factor of 2": 2 * truth,
             "half of what it should be: look for a factor of 2": truth / 2}
    if unit == "nats":
        slips["the value in bits: one nat is 1 / log 2 bits, so use the natural logarithm"] = truth / math.log(2)
        slips["a value with log10 in place of the natural logarithm"] = truth / math.log(10)
    return slips


def _wanted(truth, alike):
    if truth.ndim == 0:
        return "one finite number"
    return (f"one finite number, or {truth.size} of them" if alike
            else f"finite numbers, one per row, of shape {truth.shape}")


def _how_far(given, truth, what, unit, tolerance):
    """How far off a wrong answer is, to a factor of about two: enough to steer by, too little to copy."""
    with np.errstate(over="ignore"):
        differences = np.atleast_1d(given - truth)
    worst = differences[np.argmax(np.abs(differences))]
    side = "too high" if worst > 0 else "too low"
    where = " in its worst entry" if differences.size > 1 else ""
    off, unit = abs(worst), f" {unit}" if unit else ""
    if off <= 10 * tolerance:
        return (f"your {what} is close, but {side}{where} by less than {10 * tolerance:.2g}{unit}: "
                f"give it to within {tolerance:.2g}")
    if off >= 1000:
        return f"your {what} is {side}{where}, by more than 1000{unit}"
    base = 10.0 ** math.floor(math.log10(off))
    low, high = next(pair for pair in ((1, 2), (2, 5), (5, 11)) if off < pair[1] * base)
    return f"your {what} is {side}{where}, by {low * base:g} to {min(high, 10) * base:g}{unit}"


def _came(value):
    """A short account of what came, whatever it is."""
    def account():
        if type(value) in (list, tuple):
            return f"{type(value).__name__} of length {len(value)}"
        return _checks.describe(value)

    return _safely(account, instead=_safely(lambda: type(value).__name__, instead="something unreadable"))


def _safely(text, instead="..."):
    """One short printable line of text(), or `instead` if it raises."""
    try:
        line = " ".join(str(text()).split())
        line = line.encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception:
        return instead
    return line if len(line) <= 160 else f"{line[:157]}..."


def _print(message):
    try:
        print(message)
    except UnicodeEncodeError:  # a terminal without Unicode
        print(message.encode("ascii", "backslashreplace").decode("ascii"))
