"""Self-checks of the chapter "The evidence lower bound"."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from .. import _checks, bounds, quadrature
from ..bounds import GaussianQ
from ..curve import QuadraticCurve
from ..densities import LOG_2PI, entropy_normal_diag, kl_normal_diag, kl_normal_full, log_normal, logsumexp
from ..ppca import LinearGaussian
from ._judge import (
    LARGEST,
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
    detached,
    equal,
    guarded,
    judge,
    pieces,
    read,
    safely,
    tell,
    unanswered,
)

__all__ = ["elbo_by_hand", "elbo_gap", "elbo_hard_posterior", "elbo_kl_to_prior", "elbo_mean_field", "elbo_monte_carlo"]


# ---------------------------------------------------------------- exercise 1


@guarded
def elbo_gap(answer: object) -> bool | None:
    """Exercise 1: log p(x) = -3.20 and ELBO = -4.05 nats; the gap is their difference, KL(q || posterior)."""
    return ask(_gap(), answer)


def _gap():
    evidence, elbo = -3.20, -4.05
    gaps = bounds.gap(np.array([evidence]), np.array([elbo]))
    assert isinstance(gaps, np.ndarray)  # two arrays came
    truth = gaps[0]
    slips = {
        "the gap with its sign flipped: it is evidence minus ELBO, and a divergence is never negative": -truth,
        "the sum of evidence and ELBO: subtract the ELBO, mind its sign": evidence + elbo,
        "the sum of evidence and ELBO, with its sign flipped: subtract the ELBO, mind its sign": -evidence - elbo,
        "the ELBO itself, not the gap": elbo,
        "the evidence itself, not the gap": evidence,
        "a ratio of probabilities: the gap is a difference of logarithms, so leave out exp": math.exp(truth),
        "half of it (look for a factor of 2), or exp(-gap): the gap is a difference of logarithms": truth / 2,
    }
    return Exercise("KL(q || posterior) is what the ELBO misses of log p(x).", Number("gap", truth, slips))


# ---------------------------------------------------------------- exercise 2


@guarded
def elbo_by_hand(elbo: object, gap: object) -> bool | None:
    """Exercise 2: z ~ N(0, 1), x | z ~ N(z, 1), x = 2, q = N(1, variance 1/2). ELBO and gap in nats."""
    return ask(_by_hand(), elbo, gap)


def _by_hand():
    model, x, half = LinearGaussian(np.eye(1), np.zeros(1), 1.0), np.array([[2.0]]), 0.5

    def at(variance):
        q = GaussianQ(np.array([[1.0]]), np.array([[[variance]]]))
        return model.elbo_terms(q, x), model.elbo(q, x)[0], model.kl_to_posterior(q, x)[0]

    terms, true_elbo, true_gap = at(half)
    told = (terms.reconstruction, terms.kl, terms.expected_log_joint, terms.entropy)
    reconstruction, kl, energy, entropy = (float(term[0]) for term in told)
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
        "the gap (are the two swapped?)": true_gap,
    }
    of_gap = {
        "the ELBO (are the two swapped?)": true_elbo,
        "the KL to the prior: the gap is the KL to the posterior": kl,
        "a gap with 1/2 taken for the standard deviation of q: it is the variance": at(half**2)[2],
        "a gap with sqrt(1/2), a standard deviation, put where the variance belongs": at(math.sqrt(half))[2],
        "a gap from an evidence of log N(2; 0, 1): x has variance 1 + 1": log_normal(2.0, 0.0, 1.0) - true_elbo,
    }
    return Exercise(
        "q is the posterior, so the gap is zero and the ELBO is log p(x) = log N(2; 0, 2).",
        Number("ELBO", true_elbo, of_elbo),
        Number("gap", true_gap, of_gap, follows=Follows(0, -1.0, evidence)),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def elbo_kl_to_prior(function: object) -> bool | None:
    """Exercise 3: a function of mean, std (n, d) that returns KL(N(mean, diag(std^2)) || N(0, I)), (n,), in nats."""
    rng = np.random.default_rng(0)
    cases = [
        (rng.normal(size=(n, d)), rng.uniform(0.05, 2.5, size=(n, d))) for n, d in ((5, 3), (4, 1), (1, 6), (3, 3))
    ]
    far = 10.0 ** np.array([[-2.0], [0.0], [2.0], [-3.0]])  # rows far apart
    cases.append((far * rng.normal(size=(4, 2)), np.array([[1e-3, 50.0], [0.2, 1.0], [3.0, 0.5], [1e-2, 1e-2]])))
    return ask_function(
        function,
        "your function agrees with the closed form on every row.",
        [(case, _kl_to_prior(*case)) for case in cases],
    )


def _kl_to_prior(mean, std):
    each = kl_normal_diag(mean[..., None], std[..., None])  # (n, d)
    total, d, m2, v, log_std = each.sum(axis=1), mean.shape[1], mean**2, std**2, np.log(std)

    def half_sum(terms):
        return terms.sum(axis=1) / 2

    slips = {
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
        "a KL in which log10 stands for log": half_sum(m2 + v - 1 - 2 * np.log10(std)),
    }
    return Number("KL", total, slips, decimals=None, at=f"mean and std of shape {mean.shape}")


# ---------------------------------------------------------------- exercise 4


@guarded
def elbo_monte_carlo(function: object) -> bool | None:
    """Exercise 4: function(log_joint, mean, std, samples, rng) -> (value, standard error) of a Monte Carlo ELBO.

    log_joint is watched, so that the result is compared with the right one *at the learner's own draws*: no noise
    blurs the judgement. Accepted are the mean of log w, and the mean of log p(x, z) plus the exact entropy of q.
    """
    for mean, std, samples, seed in ((0.4, 0.45, 4000, 1), (0.6, 1.7, 500, 2), (0.3, 0.7, 25, 3)):
        try:
            verdicts = _monte_carlo_verdicts(function, mean, std, samples, seed)
        except Odd as odd:
            verdicts = [Verdict("function", False, str(odd))]
        if not all(verdict.right for verdict in verdicts):
            return tell("", *verdicts)
    return tell("value and standard error are those of your own draws, and the draws come from q.", *verdicts)


def _tensor(values):
    import torch

    return torch.as_tensor(values, dtype=torch.float64)


class _Watched:
    """log p(x, z) of the chapter's toy at x = 0.5, as a function of z of any shape, that keeps what it was asked."""

    model, x = QuadraticCurve(slope=1.0, bend=1.2, std=0.5), 0.5

    def __init__(self):
        self.asked = []
        self.in_torch = False  # whether a tensor is answered by a tensor

    def __call__(self, z):
        tensor = self.in_torch and hasattr(z, "detach")
        z = _checks.real_array("z", detached(z))
        if z.size > LARGEST:
            raise ValueError(f"z must hold at most {LARGEST} draws, got shape {z.shape}")
        self.asked.append(z.ravel().copy())
        return _tensor(self.of(z)) if tensor else self.of(z)

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
    if unanswered(value) and unanswered(error):
        return [Verdict("estimate", None), Verdict("standard error", None)]
    z = log_joint.draws(samples)
    fault = _fault_of_draws(z, mean, std, samples) or _fault_of_rng(function, mean, std, seed)
    if fault:
        return [Verdict("draws", False, fault)]
    joint = log_joint.of(z)
    log_w = joint - log_normal(z, mean, std)
    entropy = entropy_normal_diag([std])  # exact, so joint + entropy is a second way to the same expectation
    if judge(value, Number("estimate", joint.mean() + entropy, decimals=None)).right:
        log_w = joint + entropy
    true_error = log_w.std(ddof=1) / math.sqrt(samples)
    of_value = {**_estimate_slips(joint, z, mean, std), "the standard error (are the two swapped?)": true_error}
    spread = (0.03 if samples < 100 else 0.01) * true_error  # room for a division by n in place of n - 1
    return [
        judge(value, Number("estimate", log_w.mean(), of_value, decimals=None)),
        judge(error, Number("standard error", true_error, _error_slips(log_w, joint), decimals=None, within=spread)),
    ]


def _run(function, log_joint, mean, std, samples, seed):
    """The pair (value, standard error) that the learner's function returns; raises Odd with what it raised.

    log_joint gives arrays; if that makes the function raise, tensors where tensors came.
    """

    def afresh(*arguments):  # `call` may call it again
        log_joint.asked.clear()
        return function(*arguments)

    def run():
        can = safely(lambda: callable(function), False) and not unanswered(function)
        result = call(afresh if can else function, log_joint, mean, std, samples, np.random.default_rng(seed))
        return pieces(result, ("the estimate", "its standard error"))

    try:
        return run()
    except Odd as odd:
        log_joint.in_torch = True
        try:
            return run()
        except Odd:
            raise odd from None


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
    slips = {
        "N(mean, std^4): std is squared once too often": (mean, std**2),
        "N(mean, std): std is taken for the variance": (mean, math.sqrt(std)),
        "N(mean, 1): std is forgotten": (mean, 1.0),
        "N(0, std^2): the mean is forgotten": (0.0, std),
        "the prior N(0, 1), not of q": (0.0, 1.0),
    }
    name = min(slips, key=lambda name: distance(*slips[name]))
    if distance(*slips[name]) <= limit:
        return f"your draws look like draws of {name}"
    return (
        f"your draws do not look like draws of q: for mean {mean:g} and std {std:g} they have mean {z.mean():.3g} "
        f"and std {z.std():.3g}, or another shape"
    )


def _fault_of_rng(function, mean, std, seed):
    """What is wrong with the use of rng, or None: equal generators agree, different generators differ."""
    values = [_run(function, _Watched(), mean, std, 20, number)[0] for number in (seed, seed, seed + 100)]
    try:
        first, again, other = map(read, values)
    except Odd:
        return None  # the value itself is at fault, and will be judged
    if not equal(again, first, 1e-9):
        return (
            "two calls with equal generators gave different estimates: draw from the argument rng, not from "
            "np.random or a generator of your own"
        )
    if equal(other, first, 0.0):
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
        "log of the mean of w: average log w, not w (that is an importance-weighted bound, no ELBO)": logsumexp(
            log_w, axis=0
        )
        - math.log(len(z)),
        "the mean of w: average log w, not w": math.exp(min(float(logsumexp(log_w, axis=0)) - math.log(len(z)), 700.0)),
        "a sum over the draws: take their mean": log_w.sum(),
        "an estimate whose log q lacks its normaliser, -log std - 1/2 log 2 pi": less(-(eps**2) / 2),
        "an estimate whose log q lacks its 1/2 log 2 pi": less(-(eps**2) / 2 - log_std),
        "an estimate whose log q lacks -log std (that is the density of epsilon, not of z)": less(
            log_normal(eps, 0.0, 1.0)
        ),
        "an estimate whose log q has std taken for the variance": less(log_normal(z, mean, math.sqrt(std))),
        "an estimate whose log q has the variance taken for std": less(log_normal(z, mean, std**2)),
        "an estimate whose log q has +log std: a wide q has a low density": less(
            log_normal(z, mean, std) + 2 * log_std
        ),
        "an estimate with log q at the wrong point: at epsilon, not at z": less(log_normal(eps, mean, std)),
        "an estimate with log q at the wrong point: at the mean, not at z": less(log_normal(mean, mean, std)),
        "an estimate that subtracts the prior's log density, not that of q": less(log_normal(z, 0.0, 1.0)),
    }


def _error_slips(log_w, joint):
    """What typical slips make of the standard error of the mean of log_w (k,)."""
    k, std = len(log_w), log_w.std(ddof=1)
    with np.errstate(over="ignore"):
        of_w = np.exp(np.minimum(log_w, 300.0)).std(ddof=1) / math.sqrt(k)
    return {
        "the standard deviation of log w: divide it by the square root of the number of samples": std,
        "the standard deviation over the number of samples: divide by its square root": std / k,
        "the squared standard error: the square root is missing": std**2 / k,
        "the variance of log w: a standard error is its square root, over the square root of samples": std**2,
        "the variance over the square root of samples: take the standard deviation": std**2 / math.sqrt(k),
        "the standard deviation times the square root of samples: divide by it": std * math.sqrt(k),
        "the standard error of log p(x, z), not of log w": joint.std(ddof=1) / math.sqrt(k),
        "the standard error of w, not of log w": of_w,
        "the estimate (are the two swapped?)": log_w.mean(),
    }


# ---------------------------------------------------------------- exercise 5


@guarded
def elbo_mean_field(variance: object, gap: object) -> bool | None:
    """Exercise 5: best mean-field q for a posterior with covariance [[1, 0.8], [0.8, 1]]: its variance and its gap.

    variance: one number, or one per variable.
    """
    return ask(_mean_field(), variance, gap)


def _mean_field():
    r, origin = 0.8, np.zeros(2)
    covariance = np.array([[1.0, r], [r, 1.0]])
    best = np.full(2, 1 - r**2)  # one over the diagonal of the precision; eigenvalues below: 1 - r and 1 + r
    true_gap = kl_normal_full(origin, np.diag(best), origin, covariance)
    marginal = np.diag(covariance)
    narrow, wide = np.full(2, 1 - r), np.full(2, 1 + r)
    of_variance = {
        "the posterior's own marginal variance: KL(q || p) makes q narrower than that": marginal,
        "the entry of the precision matrix: the variance is one over it": 1 / best,
        "the standard deviation: the variance is asked, its square": np.sqrt(best),
        "the variance squared": best**2,
        "the smallest eigenvalue of the covariance: q is narrow, but not that narrow": narrow,
        "the largest eigenvalue of the covariance: q stays inside the posterior": wide,
        "1 - variance, the share that the other variable explains": marginal - best,
        "the gap (are the two swapped?)": np.full(2, true_gap),
    }
    of_gap = {
        "a gap without the factor 1/2": 2 * true_gap,
        "a gap averaged over the two variables: it is their sum": true_gap / 2,
        "the gap of a q with variance 1, or a divergence the other way round": kl_normal_full(
            origin, np.diag(marginal), origin, covariance
        ),
        "the gap of a q as narrow as the posterior's narrowest direction": kl_normal_full(
            origin, np.diag(narrow), origin, covariance
        ),
        "a gap with the standard deviation put where the variance belongs": kl_normal_full(
            origin, np.diag(np.sqrt(best)), origin, covariance
        ),
        "the variance (are the two swapped?)": best[0],
    }
    return Exercise(
        "one over the diagonal of the precision; q stays inside the posterior, and pays for the tilt it lacks.",
        Number("variance", best, of_variance, unit="", alike=True),
        Number("gap", true_gap, of_gap),
    )


# ---------------------------------------------------------------- exercise 6

HARD = 0.25  # nats that even the best Gaussian must miss
X_RANGE, BEND_RANGE = (-3.0, 4.0), (-1.5, 1.5)  # as far as the live figure's sliders go


@guarded
def elbo_hard_posterior(x: object, bend: object) -> bool | None:
    """Exercise 6: an x and a bend of QuadraticCurve(1, bend, 0.5) whose best Gaussian misses more than 0.25 nats."""
    verdicts = [judge(x, _slider("x", X_RANGE)), judge(bend, _slider("bend", BEND_RANGE))]
    if not all(verdict.right for verdict in verdicts):
        return tell("", *(verdict for verdict in verdicts if not verdict.right))
    found, hills = _gap_of_best_gaussian(float(read(x).item()), float(read(bend).item()))
    reached = f"even the best Gaussian misses {found:.3f} nats"
    if found > HARD:
        return tell(f"{reached} (more than {HARD:g} were asked), and this posterior has {hills}.", *verdicts)
    reached = reached.replace("even the best Gaussian misses", "the best Gaussian misses only")
    return tell(
        "", Verdict("x and bend", False, f"{reached}, and more than {HARD:g} are asked: this posterior has {hills}")
    )


def _slider(what, ends):
    """One number anywhere on a slider of the live figure."""
    bands = (Band(ends[0], math.nextafter(ends[1], math.inf), True, ""),)
    return Choice(
        what, bands, f"lie between {ends[0]:g} and {ends[1]:g}, as far as the figure's slider goes", symbol=what == "x"
    )


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
    return found, _hills(model.log_posterior_on([[x]], grid)[0], grid)


def _hills(log_posterior, grid):
    """How many maxima a density on a line has (this toy: one or two), and how its mass is shared, in words."""
    tops = _local_maxima(log_posterior)
    if len(tops) < 2:
        return "a single hill"
    valley = tops[0] + int(np.argmin(log_posterior[tops[0] : tops[-1]]))
    left = float(np.exp(log_posterior + grid.log_weights)[:valley].sum())
    share = max(left, 1 - left)
    return f"two hills, the larger with {100 * share:.0f} % of the mass" if share < 0.995 else "one hill that counts"


def _local_maxima(values):
    """Indices of the inner points that lie above their left and not below their right neighbour."""
    return 1 + np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:]))


NUMBERS = {"elbo_gap": _gap, "elbo_by_hand": _by_hand, "elbo_mean_field": _mean_field}
