"""Answers to the exercises of "Latent variable models", by hand: (check, answer, verdict, words). See test_answers."""

import math

import numpy as np
import torch
from scipy import stats

LOG2PI = math.log(2 * math.pi)
EVIDENCE, SHARE = -1.84853, 0.75999
OWN_FORMS: set[str] = set()


# ---------------------------------------------------------------- exercise 3


def sample(weights, means, std, n, rng):
    z = rng.choice(len(weights), size=n, p=weights)
    return means[z] + std * rng.standard_normal(n), z


def by_inverse(weights, means, std, n, rng):
    z = np.searchsorted(np.cumsum(weights)[:-1], rng.random(n))
    return rng.normal(means[z], std), z


def changed(z=None, x=None, swap=False, source=None):
    """The right sampler with one thing changed."""

    def other(weights, means, std, n, rng):
        rng = source() if source else rng
        classes = z(weights, n, rng) if z else rng.choice(len(weights), size=n, p=weights)
        points = x(means, classes, std, n, rng) if x else means[classes] + std * rng.standard_normal(n)
        return (classes, points) if swap else (points, classes)

    return other


def shared_out(weights, n, rng):
    """As many of each class as its weight says: no draw."""
    counts = np.round(np.cumsum(weights) * n).astype(int)
    return np.searchsorted(counts, np.arange(n), side="right")


# ---------------------------------------------------------------- exercise 4


def stable(v):
    return v.max() + np.log(np.exp(v - v.max()).mean())


def less(other):
    """Takes out something else than the largest."""
    return lambda v: other(v) + np.log(np.exp(v - other(v)).mean())


def patched(small):
    """The usual patch: a small number inside the logarithm."""
    return lambda v: np.log(np.exp(v).mean() + small)


# ---------------------------------------------------------------- exercise 5


def kl(w, s, x, prior=1.0, power=2, half=0.5):
    variance = 1 / (prior + w**2 / s**power)
    mean = variance * w * x / s**power
    return half * (variance + mean**2 - 1 - np.log(variance))


def with_torch_log(w, s, x):
    """torch.log takes no float."""
    mean, variance = pieces(w, s, x)
    return 0.5 * (variance + mean**2 - 1 - torch.log(variance))


def pieces(w, s, x):
    """Posterior mean and variance."""
    variance = 1 / (1 + w**2 / s**2)
    return variance * w * x / s**2, variance


def of_pieces(formula):
    return lambda w, s, x: formula(*pieces(w, s, x))


def divergence(m, v):
    return 0.5 * (v + m**2 - 1 - np.log(v))


ROWS = [
    # 1
    ("lvm_samples", (30, 13.03), True, "ten million million"),
    ("lvm_samples", ("30", "30/log(10)"), True, ""),
    ("lvm_samples", (30.0, 13), True, ""),
    ("lvm_samples", (30, 1e13), False, "the number itself: its exponent of ten is asked"),
    ("lvm_samples", (math.exp(30), 13), False, "the number itself, not its logarithm"),
    ("lvm_samples", (13.03, 30), False, "swapped?)"),
    ("lvm_samples", (..., ...), None, "log K and the exponent of ten"),
    # 2
    ("lvm_by_hand", (-1.85, 0.76), True, "0.038"),
    ("lvm_by_hand", (EVIDENCE, SHARE), True, ""),
    ("lvm_by_hand", (EVIDENCE, 76), False, "percentage"),
    ("lvm_by_hand", (EVIDENCE, "76 %"), True, ""),
    ("lvm_by_hand", (0.15748, SHARE), False, "p(x) itself"),
    ("lvm_by_hand", (..., SHARE), None, "log p(x)"),
    # 3
    ("lvm_ancestral", sample, True, "z has the weights' frequencies"),
    ("lvm_ancestral", by_inverse, True, ""),
    ("lvm_ancestral", ..., None, "sample"),
    ("lvm_ancestral", lambda *a: (..., ...), None, "sample"),
    ("lvm_ancestral", changed(z=shared_out), False, "two different generators gave the same z"),
    (
        "lvm_ancestral",
        changed(z=lambda w, n, rng: rng.permutation(shared_out(w, n, rng))),
        False,
        "the same count in every sample: draw z, do not share it out",
    ),
    ("lvm_ancestral", changed(z=lambda w, n, rng: rng.integers(len(w), size=n)), False, "equally frequent"),
    ("lvm_ancestral", changed(z=lambda w, n, rng: rng.choice(len(w), size=n, p=w[::-1])), False, "look at the weights"),
    ("lvm_ancestral", changed(x=lambda m, z, s, n, rng: m[z]), False, "without noise"),
    ("lvm_ancestral", changed(x=lambda m, z, s, n, rng: m[z] + s**2 * rng.standard_normal(n)), False, "std^2"),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[z] + math.sqrt(s) * rng.standard_normal(n)),
        False,
        "the square root of std",
    ),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[z] + rng.standard_normal(n)),
        False,
        "1: multiply it by std",
    ),
    ("lvm_ancestral", changed(x=lambda m, z, s, n, rng: m[z] + s * rng.random(n)), False, "on average it is off by"),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[rng.permutation(z)] + s * rng.standard_normal(n)),
        False,
        "each x wants its own z",
    ),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[z] + s * rng.standard_normal()),
        False,
        "the noise of your x repeats itself",
    ),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[z] + s * np.resize(rng.standard_normal(n // 2 + 1), n)),
        False,
        "the noise of your x repeats itself",
    ),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[z] + s * np.resize([[1], [-1]] * rng.standard_normal(n // 2 + 1), n)),
        False,
        "the noise of your x repeats itself",
    ),
    (
        "lvm_ancestral",
        changed(z=lambda w, n, rng: np.resize(rng.choice(len(w), size=n // 2 + 1, p=w), n)),
        False,
        "your z repeats itself after 2001 draws",
    ),
    (
        "lvm_ancestral",
        changed(x=lambda m, z, s, n, rng: m[z] + s * np.random.default_rng(0).standard_normal(n)),
        False,
        "two different generators gave the same noise to x",
    ),
    ("lvm_ancestral", changed(z=lambda w, n, rng: np.sort(rng.choice(len(w), size=n, p=w))), True, ""),
    ("lvm_ancestral", changed(swap=True), False, "your z looks like x (are the two swapped?)"),
    ("lvm_ancestral", changed(source=np.random.default_rng), False, "equal generators gave different x"),
    (
        "lvm_ancestral",
        changed(source=lambda: np.random.default_rng(0)),
        False,
        "two different generators gave the same",
    ),
    ("lvm_ancestral", lambda w, m, s, n, rng: sample(w, m, s, n, rng)[0], False, "two things, x and z"),
    (
        "lvm_ancestral",
        lambda *a: (np.zeros((4000, 1)), np.zeros(4000)),
        False,
        "should have shape (4000,) for n = 4000",
    ),
    ("lvm_ancestral", lambda w, m, s, n, rng: (np.full(n, 0.2), np.full(n, 0.5)), False, "should hold classes 0 to 2"),
    ("lvm_ancestral", lambda *a: 1 / 0, False, "ZeroDivisionError"),
    ("lvm_ancestral", 3, False, "a function is asked"),
    # 4
    ("lvm_log_marginal", stable, True, "log-mean-exp"),
    ("lvm_log_marginal", lambda v: np.logaddexp.reduce(v) - np.log(v.size), True, ""),
    ("lvm_log_marginal", lambda v: torch.logsumexp(torch.as_tensor(v), 0) - math.log(len(v)), True, ""),
    ("lvm_log_marginal", lambda v: v.logsumexp(0) - math.log(len(v)), True, ""),
    ("lvm_log_marginal", lambda v: v.max(0)[0] + (v - v.max(0)[0]).exp().mean().log(), True, ""),
    ("lvm_log_marginal", less(lambda v: v[0]), False, "take the largest value out first"),
    ("lvm_log_marginal", less(lambda v: v[-1]), False, "take the largest value out first"),
    ("lvm_log_marginal", less(np.mean), False, "take the largest value out first"),
    ("lvm_log_marginal", less(np.median), False, "take the largest value out first"),
    ("lvm_log_marginal", less(np.min), False, "take the largest value out first"),
    ("lvm_log_marginal", lambda v: ..., None, "the estimate"),
    ("lvm_log_marginal", lambda v: v.mean(), False, "average of the logs"),
    ("lvm_log_marginal", lambda v: np.log(np.exp(v).mean()), False, "take the largest value out first"),
    ("lvm_log_marginal", patched(1e-300), False, "log 1e-300, the small number that you added"),
    ("lvm_log_marginal", patched(1e-10), False, "log 1e-10, the small number that you added"),
    ("lvm_log_marginal", lambda v: stable(v) + np.log(len(v)), False, "an average divides by K"),
    ("lvm_log_marginal", lambda v: stable(v) - np.log(len(v)), False, "a sum divided by K^2"),
    ("lvm_log_marginal", lambda v: v.max(), False, "the largest value: the other draws count too"),
    ("lvm_log_marginal", lambda v: np.median(v), False, "the median"),
    ("lvm_log_marginal", lambda v: np.log(np.exp(v - v.max()).mean()), False, "put that back after the logarithm"),
    ("lvm_log_marginal", lambda v: np.exp(stable(v)), False, "a density: take the logarithm"),
    ("lvm_log_marginal", lambda v: stable(v) if v.max() > -1000 else -5000.0, False, "(400 values from"),
    ("lvm_log_marginal", lambda v: v, False, "one finite number"),
    ("lvm_log_marginal", lambda v: "x", False, "one finite number"),
    # 5
    ("lvm_kl_posterior_prior", kl, True, "closed form"),
    ("lvm_kl_posterior_prior", lambda w, s, x: np.vectorize(kl)(w, s, x), True, ""),
    ("lvm_kl_posterior_prior", lambda w, s, x: torch.as_tensor(kl(w, s, x)), True, ""),
    ("lvm_kl_posterior_prior", with_torch_log, True, ""),
    ("lvm_kl_posterior_prior", lambda w, s, x: None, None, "KL"),
    (
        "lvm_kl_posterior_prior",
        of_pieces(lambda m, v: 0.5 * (1 / v + m**2 / v - 1 + np.log(v))),
        False,
        "KL(prior || posterior)",
    ),
    ("lvm_kl_posterior_prior", lambda w, s, x: kl(w, s, x, power=1), False, "s taken for the variance: square it"),
    ("lvm_kl_posterior_prior", lambda w, s, x: kl(w, s, 0.0 * x), False, "without the posterior mean"),
    ("lvm_kl_posterior_prior", of_pieces(lambda m, v: m**2 / 2), False, "half the squared mean alone"),
    ("lvm_kl_posterior_prior", lambda w, s, x: kl(w, s, x) + 0.5, False, "without its -1"),
    (
        "lvm_kl_posterior_prior",
        of_pieces(lambda m, v: 0.5 * (v + m**2 - 1 + np.log(v))),
        False,
        "the sign of the logarithm flipped",
    ),
    (
        "lvm_kl_posterior_prior",
        of_pieces(lambda m, v: 0.5 * (v + m**2 - 1 - np.log(np.sqrt(v)))),
        False,
        "log std in place of log std^2",
    ),
    ("lvm_kl_posterior_prior", of_pieces(lambda m, v: 0.5 * (v + m - 1 - np.log(v))), False, "the mean not squared"),
    (
        "lvm_kl_posterior_prior",
        lambda w, s, x: divergence(x / w, pieces(w, s, x)[1]),
        False,
        "the prior pulls it to zero",
    ),
    ("lvm_kl_posterior_prior", lambda w, s, x: kl(w, s, x, prior=0.0), False, "the prior adds 1"),
    (
        "lvm_kl_posterior_prior",
        of_pieces(lambda m, v: divergence(m, np.sqrt(v))),
        False,
        "standard deviation for its variance",
    ),
    ("lvm_kl_posterior_prior", of_pieces(lambda m, v: stats.norm(0, np.sqrt(v)).entropy()), False, "the entropy of"),
    ("lvm_kl_posterior_prior", lambda w, s, x: np.sum(kl(w, s, x)), False, "a sum over the array"),
    ("lvm_kl_posterior_prior", lambda w, s, x: np.mean(kl(w, s, x)), False, "an average over the array"),
    ("lvm_kl_posterior_prior", lambda w, s, x: kl(w, s, x) if np.ndim(w) < 2 else 0 * w, False, "w, s and x of shape"),
    ("lvm_kl_posterior_prior", lambda w, s, x: -kl(w, s, x), False, "the sign flipped"),
    ("lvm_kl_posterior_prior", lambda w, s, x: 2 * kl(w, s, x), False, "factor of 2"),
    ("lvm_kl_posterior_prior", lambda w, s, x: kl(w, s, x) / math.log(2), False, "bits"),
    # 6
    ("lvm_hills", "a", False, "one finite number"),
    ("lvm_hills", 0.3, False, "still has two hills"),
    ("lvm_hills", 3, False, "lie between 0.15 and 1"),
    ("lvm_hills", ..., None, "the noise"),
]
