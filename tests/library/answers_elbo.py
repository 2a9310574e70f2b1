"""Answers to the exercises of "The evidence lower bound", by hand. See test_answers."""

import math

import numpy as np
import torch
from scipy import stats

LOG2PI = math.log(2 * math.pi)
HAND = -0.5 * math.log(4 * math.pi) - 1  # log N(2; 0, 2), the ELBO of exercise 2
TILT = -0.5 * math.log(0.36)  # the gap of exercise 5
OWN_FORMS: set[str] = set()


# ---------------------------------------------------------------- exercise 3


def kl(mean, std):
    return 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std))


def rate(mean, std):
    return kl(mean, std).sum(axis=1)


def kl_in_torch(mean, std):
    mean, std = torch.as_tensor(mean), torch.as_tensor(std)
    return torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, std), torch.distributions.Normal(0.0 * mean, 1.0)
    ).sum(1)


def half(formula):
    return lambda m, s: 0.5 * formula(m, s).sum(1)


# ---------------------------------------------------------------- exercise 4


def estimator(value=None, error=None, z=None, source=lambda rng: rng, log_q=None):
    """A right Monte Carlo ELBO in which single parts can be replaced."""

    def estimate(log_joint, mean, std, samples, rng):
        eps = source(rng).standard_normal(samples)
        draws = mean + std * eps if z is None else z(mean, std, eps)
        joint = log_joint(draws)
        own = stats.norm.logpdf(draws, mean, std) if log_q is None else log_q(draws, eps, mean, std)
        log_w = joint - own
        return (
            (value or (lambda w, j, s: w.mean()))(log_w, joint, std),
            (error or (lambda w, j: w.std(ddof=1) / math.sqrt(samples)))(log_w, joint),
        )

    return estimate


def one_by_one(log_joint, mean, std, samples, rng):
    draws = [rng.normal(mean, std) for _ in range(samples)]
    log_w = np.array([log_joint(z) - stats.norm.logpdf(z, mean, std) for z in draws])
    return log_w.mean(), log_w.std() / math.sqrt(samples)


def in_torch(log_joint, mean, std, samples, rng):
    z = torch.tensor(rng.normal(mean, std, (samples, 1)), dtype=torch.float32)
    log_w = torch.as_tensor(log_joint(z)) - torch.distributions.Normal(mean, std).log_prob(z)
    return torch.stack([log_w.mean(), log_w.std() / samples**0.5])


def with_log_prob(log_joint, mean, std, samples, rng):
    z = mean + std * torch.tensor(rng.standard_normal(samples))
    log_w = log_joint(z) - torch.distributions.Normal(mean, std).log_prob(z)
    return log_w.mean(), log_w.std() / math.sqrt(samples)


def with_torch_mean(log_joint, mean, std, samples, rng):
    z = mean + std * torch.tensor(rng.standard_normal(samples))
    entropy = torch.distributions.Normal(mean, std).entropy()
    return torch.mean(log_joint(z)) + entropy, torch.std(log_joint(z)) / math.sqrt(samples)


def normal(at, centre, spread):
    return stats.norm.logpdf(at, centre, spread)


RATE, MONTE_CARLO = "elbo_kl_to_prior", "elbo_monte_carlo"
ROWS = [
    # 1, 2, 5
    ("elbo_gap", 0.85, True, "what the ELBO misses"),
    ("elbo_gap", "17/20", True, ""),
    ("elbo_by_hand", (HAND, 0), True, "q is the posterior"),
    ("elbo_by_hand", (-2.27, 0.0), True, ""),
    ("elbo_by_hand", (-3.0, HAND + 3.0), False, "follows from your ELBO, and comes right when that does"),
    ("elbo_mean_field", (0.36, 0.51), True, "one over the diagonal of the precision"),
    ("elbo_mean_field", ([0.36, 0.36], TILT), True, ""),
    # 3
    (RATE, rate, True, "closed form on every row"),
    (RATE, kl_in_torch, True, ""),
    (
        RATE,
        lambda m, s: [sum(kl(a, b) for a, b in zip(*rows, strict=True)) for rows in zip(m, s, strict=True)],
        True,
        "",
    ),
    (RATE, lambda m, s: ..., None, "the KL"),
    (RATE, lambda m, s: kl(m, s).mean(1), False, "averaged over the dimensions: it adds up"),
    (RATE, kl, False, "one KL per entry"),
    (RATE, lambda m, s: kl(m, s).sum(0), False, "a sum over the data points, axis 0"),
    (RATE, lambda m, s: kl(m, s).mean(0), False, "a mean over the data points, axis 0"),
    (RATE, lambda m, s: kl(m, s).sum(), False, "summed over the data points too"),
    (RATE, lambda m, s: rate(m, s).mean(), False, "averaged over the data points"),
    (RATE, lambda m, s: kl(m, s).mean(), False, "averaged over all entries"),
    (RATE, lambda m, s: rate(m, s)[:, None], False, "shape (n, 1)"),
    (RATE, lambda m, s: -rate(m, s), False, "sign flipped"),
    (RATE, lambda m, s: 2 * rate(m, s), False, "the factor 1/2 is missing"),
    (RATE, lambda m, s: rate(m, s) / 2, False, "factor of 2"),
    (RATE, lambda m, s: rate(m, np.sqrt(s)), False, "std taken for the variance"),
    (RATE, lambda m, s: rate(m, s**2), False, "the variance taken for std"),
    (RATE, lambda m, s: rate(m, np.exp(s / 2)), False, "a log variance"),
    (RATE, half(lambda m, s: m**2 + s**2 - 1 - np.log(s)), False, "log std in place of log std^2"),
    (RATE, half(lambda m, s: m**2 + s - 1 - 2 * np.log(s)), False, "std in place of std^2"),
    (RATE, half(lambda m, s: m + s**2 - 1 - 2 * np.log(s)), False, "the mean not squared"),
    (RATE, half(lambda m, s: s**2 - 1 - 2 * np.log(s)), False, "without the mean"),
    (RATE, half(lambda m, s: m**2 + s**2 - 2 * np.log(s)), False, "-1 per dimension"),
    (RATE, half(lambda m, s: m**2 + s**2 - 1 + 2 * np.log(s)), False, "the sign of the logarithm"),
    (RATE, half(lambda m, s: m**2 + s**2 - 1), False, "without its logarithm"),
    (RATE, half(lambda m, s: m**2 + s**2 + LOG2PI), False, "E_q[-log p(z)] alone"),
    (RATE, half(lambda m, s: m**2 / s**2 + 1 / s**2 - 1 + 2 * np.log(s)), False, "the other way round"),
    (RATE, lambda m, s: (kl(m, s) + LOG2PI / 2).sum(1), False, "a log 2 pi too many"),
    (RATE, lambda m, s: (kl(m, s) - LOG2PI / 2).sum(1), False, "a log 2 pi too few"),
    (RATE, lambda m, s: -stats.norm(m, s).entropy().sum(1), False, "minus the entropy"),
    (RATE, half(lambda m, s: m**2 + s**2 - 1 - 2 * np.log2(s)), False, "log2"),
    (RATE, half(lambda m, s: m**2 + s**2 - 1 - 2 * np.log10(s)), False, "log10 stands for log"),
    (RATE, lambda m, s: rate(m, s) / math.log(2), False, "in bits"),
    (RATE, lambda m, s: kl(m, s)[:, :3].sum(1), False, "(mean and std of shape (1, 6))"),  # right for three only
    (RATE, lambda m, s: rate(m, s) if len(m) == 5 else kl(m, s).sum(0), False, "of shape (4, 1)"),
    (RATE, lambda m, s: rate(m, np.maximum(s, 0.05)), False, "of shape (4, 2)"),  # a floor that is no part of it
    (RATE, lambda m, s: rate(m, s + 1e-3), False, "in its worst entry"),
    (RATE, lambda m, s: rate(m, s) + 5e-4, False, "close"),
    (RATE, lambda m, s: rate(m, s) + 30, False, "20 to 50"),
    (RATE, lambda m, s: rate(m, s)[:2], False, "shape (2,)"),
    (RATE, lambda m, s: np.full(len(m), np.nan), False, "nan"),
    (RATE, lambda m: m, False, "TypeError"),
    (RATE, 3.0, False, "a function is asked"),
    # 4
    (MONTE_CARLO, estimator(), True, "the draws come from q"),
    (MONTE_CARLO, one_by_one, True, ""),
    (MONTE_CARLO, in_torch, True, ""),
    (MONTE_CARLO, with_log_prob, True, ""),
    (MONTE_CARLO, with_torch_mean, True, ""),
    (MONTE_CARLO, estimator(error=lambda w, j: w.std(ddof=0) / math.sqrt(len(w))), True, ""),
    (
        MONTE_CARLO,  # with the exact entropy: also an estimate
        estimator(value=lambda w, j, s: j.mean() + stats.norm(0, s).entropy(), error=lambda w, j: stats.sem(j)),
        True,
        "",
    ),
    (MONTE_CARLO, lambda *a: (..., ...), None, "estimate and the standard error"),
    (MONTE_CARLO, estimator(error=lambda w, j: ...), None, "the standard error"),
    (MONTE_CARLO, estimator(value=lambda w, j, s: np.log(np.exp(w).mean())), False, "log of the mean of w: average"),
    (MONTE_CARLO, estimator(value=lambda w, j, s: np.exp(w).mean()), False, "the mean of w: average log w, not w"),
    (
        MONTE_CARLO,
        estimator(value=lambda w, j, s: j.mean(), error=lambda w, j: stats.sem(j)),
        False,
        "the entropy, -log q(z), is forgotten",
    ),
    (MONTE_CARLO, estimator(value=lambda w, j, s: (2 * j - w).mean()), False, "the sign of log q flipped"),
    (MONTE_CARLO, estimator(value=lambda w, j, s: w.sum()), False, "a sum over the draws"),
    (MONTE_CARLO, estimator(value=lambda w, j, s: -w.mean()), False, "sign flipped"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: -(e**2) / 2), False, "lacks its normaliser"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(z, m, s) + LOG2PI / 2), False, "lacks its 1/2 log 2 pi"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(e, 0, 1)), False, "lacks -log std"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(z, m, math.sqrt(s))), False, "std taken for the variance"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(z, m, s**2)), False, "the variance taken for std"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(z, m, s) + 2 * math.log(s)), False, "+log std"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(e, m, s)), False, "at epsilon, not at z"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(m, m, s)), False, "at the mean, not at z"),
    (MONTE_CARLO, estimator(log_q=lambda z, e, m, s: normal(z, 0, 1)), False, "the prior's log density"),
    (MONTE_CARLO, estimator(error=lambda w, j: w.std(ddof=1)), False, "divide it by the square root"),
    (MONTE_CARLO, estimator(error=lambda w, j: w.std(ddof=1) / len(w)), False, "divide by its square root"),
    (MONTE_CARLO, estimator(error=lambda w, j: w.var(ddof=1) / len(w)), False, "the square root is missing"),
    (MONTE_CARLO, estimator(error=lambda w, j: w.var(ddof=1)), False, "the variance of log w"),
    (
        MONTE_CARLO,
        estimator(error=lambda w, j: w.var(ddof=1) / math.sqrt(len(w))),
        False,
        "take the standard deviation",
    ),
    (MONTE_CARLO, estimator(error=lambda w, j: w.std(ddof=1) * math.sqrt(len(w))), False, "times the square root of"),
    (MONTE_CARLO, estimator(error=lambda w, j: stats.sem(j)), False, "of log p(x, z), not of log w"),
    (MONTE_CARLO, estimator(error=lambda w, j: stats.sem(np.exp(w))), False, "of w, not of log w"),
    (MONTE_CARLO, estimator(error=lambda w, j: 1.05 * stats.sem(w)), False, "close"),
    (MONTE_CARLO, lambda *a: estimator()(*a)[::-1], False, "the estimate (are the two swapped?)"),
    (
        MONTE_CARLO,
        estimator(value=lambda w, j, s: w.std(ddof=1) / math.sqrt(len(w))),
        False,
        "the standard error (are the two swapped?)",
    ),
    (MONTE_CARLO, estimator(z=lambda m, s, e: m + s**2 * e), False, "std is squared once too often"),
    (MONTE_CARLO, estimator(z=lambda m, s, e: m + math.sqrt(s) * e), False, "std is taken for the variance"),
    (MONTE_CARLO, estimator(z=lambda m, s, e: m + e), False, "std is forgotten"),
    (MONTE_CARLO, estimator(z=lambda m, s, e: s * e), False, "the mean is forgotten"),
    (MONTE_CARLO, estimator(z=lambda m, s, e: e), False, "the prior N(0, 1), not of q"),
    (
        MONTE_CARLO,
        estimator(z=lambda m, s, e: m + 0 * e),
        False,
        "your draws do not look like draws of q: for mean 0.4",
    ),
    (MONTE_CARLO, estimator(z=lambda m, s, e: m + s * e[: len(e) // 2]), False, "points, where samples = 4000 draws"),
    (MONTE_CARLO, lambda f, m, s, k, rng: (-2.0, 0.1), False, "0 points"),
    (MONTE_CARLO, estimator(source=lambda rng: np.random.default_rng(0)), False, "do not set a seed yourself"),
    (MONTE_CARLO, estimator(source=lambda rng: np.random.default_rng()), False, "draw from the argument rng, not from"),
    (MONTE_CARLO, estimator(source=lambda rng: np.random), False, "np.random or a generator of your own"),
    (MONTE_CARLO, lambda f, m, s, k, rng: f(np.zeros(2 * 10**6)), False, "z must hold at most 1000000 draws"),
    (MONTE_CARLO, lambda f, m, s, k, rng: f(rng.normal(m, s, k)).mean(), False, "two things, the estimate and its"),
    (MONTE_CARLO, estimator(value=lambda w, j, s: np.nan), False, "nan"),
    (MONTE_CARLO, 0.5, False, "a function is asked"),
    # 6
    ("elbo_hard_posterior", (0.5, 1.5), True, "two hills, the larger with"),
    ("elbo_hard_posterior", ("0,5", torch.tensor(1.5)), True, "even the best Gaussian misses"),
    ("elbo_hard_posterior", (..., 1.5), None, "x"),
    ("elbo_hard_posterior", (-1, 1), False, "this posterior has a single hill"),
    ("elbo_hard_posterior", (3.0, 1.5), False, "two hills, the larger with 94 % of the mass"),
    ("elbo_hard_posterior", (-2, -0.5), False, "one hill that counts"),
    ("elbo_hard_posterior", (5, 1.2), False, "between -3 and 4, as far as the figure's slider goes"),
    ("elbo_hard_posterior", (0.5, 3), False, "between -1.5 and 1.5"),
    ("elbo_hard_posterior", (5, ...), False, "still to come: the bend"),
]
