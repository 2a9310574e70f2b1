"""Self-checks of the chapter "EM against the VAE, on the same model"."""

from __future__ import annotations

import math

import numpy as np

from .. import em
from ..densities import logsumexp
from ..landscape import Landscape
from ..mixture import GaussianMixture
from ._judge import Exercise, Follows, Number, Odd, Verdict, ask, ask_function, guarded, read, tell, unanswered

__all__ = [
    "em_bias",
    "em_books",
    "em_budget",
    "em_floor",
    "em_gaps",
    "em_one_step",
    "em_responsibilities",
    "em_speed",
    "em_trap",
]


# ---------------------------------------------------------------- exercise 1


@guarded
def em_books(before: object, after: object) -> bool | None:
    """Exercise 1: F is -120.0 after an E-step, -117.5 after the M-step, -116.7 after the next E-step."""
    return ask(_books(), before, after)


def _books():
    start, raised, closed = -120.0, -117.5, -116.7
    of_before = {
        "F after the M-step: the evidence before it is F after the first E-step, where the gap is zero": raised,
        "the evidence after the M-step (are the two swapped?)": closed,
    }
    of_after = {
        "F after the M-step: there q is the old posterior, and a gap has opened": raised,
        "the evidence before the M-step (are the two swapped?)": start,
        "F after the M-step less the gap: the evidence lies above F": raised - (closed - raised),
        "the gain of the M-step, not the evidence": raised - start,
        "the gap that the M-step opened, not the evidence": closed - raised,
    }
    return Exercise(
        "an E-step leaves theta alone and closes the gap, so F is the evidence right after it.",
        Number("evidence before", start, of_before),
        Number("evidence after", closed, of_after),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def em_one_step(responsibility: object, theta: object) -> bool | None:
    """Exercise 2: the toy 1/2 N(theta, 1) + 1/2 N(-theta, 1) with points -1 and 2, from theta = 1."""
    return ask(_one_step(), responsibility, theta)


def _one_step():
    toy = Landscape(np.array([-1.0, 2.0]))
    plus, moved = toy.q(1.0), float(toy.m_step(1.0))
    q = float(plus[1])
    of_q = {
        "the responsibility of the component at -theta": 1 - q,
        "1 / (1 + exp(-theta x)): the two exponents differ by 2 theta x": 1 / (1 + math.exp(-2.0)),
        "E_q[z] = tanh(theta x), not the probability": math.tanh(2.0),
        "the responsibility for the point at -1": float(plus[0]),
        "a percentage: give a number between 0 and 1": 100 * q,
    }
    of_theta = {
        "the mean of the points weighted by q alone: the component at -theta says something about theta too": float(
            (plus * toy.x).sum() / plus.sum()
        ),
        "a sum over the points: divide by their number": 2 * moved,
        "sum of q x / N: it is E_q[z] = 2 q - 1 that multiplies x": float((plus * toy.x).mean()),
        "a step with tanh(-1) taken as positive: -1 times tanh(-1) is positive, too": float(
            (-math.tanh(1.0) + 2 * math.tanh(2.0)) / 2
        ),
        "the share of the point x = 2 alone: the point at -1 counts too": math.tanh(2.0),
    }
    return Exercise(
        "theta moves to the mean of x E_q[z].",
        Number("responsibility", q, of_q, unit=""),
        Number("theta", moved, of_theta, unit="", symbol=True, follows=Follows(0, 2.0, (math.tanh(1.0) - 2.0) / 2)),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def em_responsibilities(function: object) -> bool | None:
    """Exercise 3: a function of log_joint (n, K) that returns responsibilities (n, K) and log evidence (n,)."""
    rng = np.random.default_rng(0)

    def sixteenths(n, k, shift):  # so that float32 holds them, too
        return np.round(32 * rng.normal(size=(n, k))) / 16 + shift

    weightless = sixteenths(3, 3, 0.0)
    weightless[0, 1] = -np.inf
    rows_apart = sixteenths(4, 3, np.array([[0.0], [-1e5], [-2e3], [700.0]]))
    cases = [sixteenths(4, 2, 0.0), sixteenths(3, 3, 0.0), weightless, sixteenths(5, 2, -1e5), sixteenths(2, 4, 800.0)]
    cases += [rows_apart, np.array([[0.0, -1.0], [-1e5, -1e5 - 1.0]]), np.array([[-3.5]])]
    cases += [np.array([[-1e5, 0.0], [0.0, -1e5]])]  # and far apart within a row, the largest at any place
    cases += [np.array([[-2000.0, -10.0, -1999.0], [-9.0, -1500.0, -1e5], [-1e5, -2000.0, 700.0]])]
    return ask_function(
        function, "a ratio of finite logs, however far away the point is.", [((case,), _split(case)) for case in cases]
    )


def _split(log_joint):
    n, k = log_joint.shape
    evidence = logsumexp(log_joint, axis=1)
    q, top = np.exp(log_joint - evidence[:, None]), log_joint.max(axis=1)
    of_q = {
        "an array normalised over the points: each row, a point, sums to 1": np.exp(
            log_joint - logsumexp(log_joint, axis=0)
        ),
        "terms relative to the largest, not normalised": np.exp(log_joint - top[:, None]),
        "the responsibilities with the sign flipped": -q,
    }
    if np.isfinite(log_joint).all():
        of_q["the log responsibilities: take exp"] = log_joint - evidence[:, None]
    of_evidence = {
        "an evidence without the largest entry: it was subtracted, so add it back": evidence - top,
        "the largest entry alone: the others add to the evidence too": top,
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked": evidence[:, None],
        "an average over the components: the weights are in the joint already": evidence - math.log(k),
        "the evidence of all points together: keep one per row": evidence.sum(),
    }
    at = f"log joint of shape {log_joint.shape}, largest of each row from {top.min():.4g} to {top.max():.4g}"
    lost = "exp under- or overflows there, so subtract the largest of each row first"
    if not np.isfinite(log_joint).all():
        lost = "a component of log joint -inf just gets responsibility 0, so take no log and no difference of it"
    elif n == 1:
        of_q, of_evidence = {}, {}
    return (
        Number("responsibilities", q, of_q, unit="", decimals=None, plural=True, at=at, lost=lost),
        Number("log evidence", evidence, of_evidence, decimals=None, at=at, lost=lost),
    )


# ---------------------------------------------------------------- exercise 4


@guarded
def em_floor(function: object) -> bool | None:
    """Exercise 4: floored(S, floor), the best covariance whose eigenvalues are at least `floor`."""
    rng = np.random.default_rng(1)
    cases = []
    for dimensions, floor, scale in ((3, 0.5, 1.0), (2, 0.3, 1.0), (4, 3e-7, 1e-6), (1, 0.5, 0.2), (3, 500.0, 1000.0)):
        root = rng.normal(size=(dimensions, dimensions))
        covariance = scale * root @ np.diag(np.linspace(0.01, 1, dimensions)) @ root.T
        cases.append(((covariance, floor), _floored(covariance, floor)))
    return ask_function(
        function, "each eigenvalue is on its own, and its best value under the constraint is max(value, floor).", cases
    )


def _floored(covariance, floor):
    d = len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    slips = {
        "S + floor I, the additive form: it prevents collapse, but it is no maximum": covariance + floor * np.eye(d),
        "a floor under every entry of the matrix: it belongs under the eigenvalues": np.maximum(covariance, floor),
        "a floor on the diagonal alone: a thin direction may be oblique": covariance
        + np.diag(np.maximum(floor - np.diag(covariance), 0)),
        "S itself: some eigenvalues lie below the floor": covariance,
        "V^T max(L, floor) V: eigh returns eigenvectors as columns": (vectors.T * np.maximum(values, floor)) @ vectors,
        "the eigenvalues alone: turn them back, V max(L, floor) V^T": np.maximum(values, floor),
        "a diagonal matrix of the eigenvalues: turn it back, V max(L, floor) V^T": np.diag(np.maximum(values, floor)),
    }
    if d == 1:  # there all of them agree
        slips = {}
    truth = (vectors * np.maximum(values, floor)) @ vectors.T
    at, within = f"S {d} x {d}, floor {floor:g}", 1e-5 * float(np.abs(truth).max())  # as exact as float32, at any scale
    return Number("covariance", truth, slips, unit="", decimals=None, at=at, within=within)


# ---------------------------------------------------------------- exercise 5


@guarded
def em_gaps(approximation: object, amortisation: object) -> bool | None:
    """Exercise 5: evidence -10.0, best ELBO -10.2, the encoder's -10.8, sampled -10.65 with standard error 0.2."""
    return ask(_gaps(), approximation, amortisation)


def _gaps():
    evidence, best, own, sampled = -10.0, -10.2, -10.8, -10.65
    whole = "the whole gap of the encoder: "
    of_approximation = {
        whole + "take out what a better q of the same family would win": evidence - own,
        "the amortisation gap (are the two swapped?)": best - own,
        "a gap from the sampled value: that is a measurement": evidence - sampled,
    }
    of_amortisation = {
        whole + "the best Gaussian misses a part of it too": evidence - own,
        "the approximation gap (are the two swapped?)": evidence - best,
        "a gap from the sampled value: it is the ELBO of -10.8 read with an error, and no part of the gap": best
        - sampled,
        "the error of the sample: Monte Carlo is no part of the gap": sampled - own,
    }
    return Exercise(
        "family first, then what the shared encoder adds; the sample only measures.",
        Number("approximation gap", evidence - best, of_approximation),
        Number("amortisation gap", best - own, of_amortisation),
    )


# ---------------------------------------------------------------- exercise 6


@guarded
def em_bias(of_evidence: object, of_elbo: object, gap: object) -> bool | None:
    """Exercise 6: z ~ N(0, 1), x | z ~ N(theta z, 1), x^2 = 9 on average, q of variance 1: theta^2 twice, the gap."""
    return ask(_bias(), of_evidence, of_elbo, gap)


def _bias():
    square = 9.0  # of x, on average
    total = math.sqrt(square)  # 1 + theta^2 where the ELBO is largest
    gap = (total - 1 - math.log(total)) / 2
    of_evidence = {
        "the average of x^2, which is 1 + theta^2: take the noise off": square,
        "1 + the average of x^2: the noise is taken off": square + 1,
        "theta: its square is asked": math.sqrt(square - 1),
        "theta^2 of the ELBO (are the two swapped?)": total - 1,
    }
    of_elbo = {
        "theta^2 of the evidence: there 1 / (1 + theta^2) is not the variance 1 that q has": square - 1,
        "1 + theta^2: take the noise off": total,
        "theta: its square is asked": math.sqrt(total - 1),
        "0, where q fits exactly: the bound also wants x explained": 0.0,
    }
    of_gap = {
        "the gap at the theta of the evidence: it is asked where the ELBO is largest": (square - 1 - math.log(square))
        / 2,
        "KL(posterior || q): the gap is KL(q || posterior)": (1 / total - 1 + math.log(total)) / 2,
        "a gap without its logarithm": (total - 1) / 2,
        "a gap without its -1": gap + 0.5,
        "zero: the means agree, and the variances 1 and 1 / (1 + theta^2) do not": 0.0,
    }
    return Exercise(
        "a q that is held too wide pulls theta to where posteriors are wide.",
        Number("theta^2 of the evidence", square - 1, of_evidence, unit="", symbol=True),
        Number("theta^2 of the ELBO", total - 1, of_elbo, unit="", symbol=True),
        Number("gap", gap, of_gap),
    )


# ---------------------------------------------------------------- exercise 7

TRAPPED = 0.3  # nats per point that a trap must cost


@guarded
def em_trap(means: object) -> bool | None:
    """Exercise 7: three starting means from which EM ends at least 0.3 nats per point below the best."""
    if unanswered(means):
        return tell("", Verdict("start", None))
    try:
        given = read(means).ravel()
        different = len(np.unique(given))
        if given.size != 3 or different != 3:
            raise Odd(f"{given.size} {'number' if given.size == 1 else 'numbers'}, {different} of them different")
    except Odd as odd:
        return tell("", Verdict("start", False, f"your start should be three different finite numbers, but got {odd}"))
    if np.abs(given).max() > 1000:
        return tell("", Verdict("start", False, "your start is far from all points: stay within -1000 and 1000"))
    lost = _end([-10.0, 0.0, 10.0]) - _end(given)
    if lost >= TRAPPED:
        return tell(
            f"EM ends {lost:.2f} nats per point below the best, and no further step will help.", Verdict("start", True)
        )
    text = (
        f"from your start EM ends {max(lost, 0):.2f} nats per point below the best: every group gets a mean; let two "
        "means share an outer group, and the third stand nearer to both other groups than they do"
    )
    return tell("", Verdict("start", False, text))


def _end(start):
    """Log-likelihood per point where EM ends, on three groups of twenty points with standard deviation 0.3."""
    x = np.random.default_rng(0).normal(size=60)[:, None] * 0.3 + np.repeat([-10.0, 0.0, 10.0], 20)[:, None]
    begin = GaussianMixture.spherical(np.full(3, 1 / 3), np.asarray(start, dtype=float)[:, None], 1.0)
    return em.fit_mixture(x, start=begin, floor=0.01, iterations=300, tolerance=1e-8).trace[-1]


# ---------------------------------------------------------------- exercise 8


@guarded
def em_speed(of_theta: object, of_shortfall: object) -> bool | None:
    """Exercise 8: 90 % of the information is missing; factors of ten steps, for theta's error and the evidence's."""
    return ask(_speed(), of_theta, of_shortfall)


def _speed():
    missing, steps = 0.9, 10
    error = missing**steps
    of_theta = {
        "a factor with what is seen, 10 %, in place of what is missing": (1 - missing) ** steps,
        "the factor of one step: ten of them multiply": missing,
        "what is lost of the error, not what is left": 1 - error,
        "the factor of the evidence's shortfall (are the two swapped?)": error**2,
    }
    of_shortfall = {
        "the factor of theta's error: near the top the evidence is a parabola, so square it": error,
        "the root of theta's factor: near the top the evidence is a parabola, so square it": math.sqrt(error),
        "twice the factor of theta's error: near the top the evidence is a parabola, so square it": 2 * error,
        "what is lost of the shortfall, not what is left": 1 - error**2,
    }
    return Exercise(
        "one digit of theta takes 22 steps, one of the evidence 11.",
        Number("factor of theta", error, of_theta, unit=""),
        Number("factor of the shortfall", error**2, of_shortfall, unit=""),
    )


# ---------------------------------------------------------------- exercise 9


@guarded
def em_budget(per_point: object, amortised: object, from_digits: object) -> bool | None:
    """Exercise 9: 3,000 digits, 16 passes against 24; a step costs 3, an encoder's pass 1; 50 new digits, 300 steps."""
    return ask(_budget(), per_point, amortised, from_digits)


def _budget():
    digits, new, step, forward, search = 3000, 50, 3, 1, 300
    trained, encoded = 16 * digits * step, 24 * digits * step
    own, shared = trained + new * search * step, encoded + new * forward
    first = math.ceil((encoded - trained) / (search * step - forward))
    of_own = {
        "the cost of training alone: new digits are searched too": trained,
        "the cost of new digits alone: training costs too": new * search * step,
        "a cost in gradient steps: each is 3 units": own // step,
        "the cost of the amortised way (are the two swapped?)": shared,
        "a cost with one step per new digit: it takes 300": trained + new * step,
    }
    of_shared = {
        "the cost of training alone: new digits take an encoder's pass each": encoded,
        "the cost per point (are the two swapped?)": own,
        "a cost with a gradient step per new digit: an encoder's pass is 1 unit": encoded + new * step,
        "a cost with 300 steps per new digit: an encoder needs none": encoded + new * search * step,
    }
    of_first = {
        "a number at which per point is still cheaper, by less than one digit's search": first - 1,
        "the difference of training divided by 300 steps, without their cost of 3": (encoded - trained) // search,
    }
    return Exercise(
        "an encoder is paid for once, a search with each new digit.",
        Number("cost per point", own, of_own, unit="", exact=True),
        Number("cost of the amortised way", shared, of_shared, unit="", exact=True),
        Number("number of new digits", first, of_first, unit="", exact=True),
    )


NUMBERS = {
    "em_books": _books,
    "em_one_step": _one_step,
    "em_gaps": _gaps,
    "em_bias": _bias,
    "em_speed": _speed,
    "em_budget": _budget,
}
