"""Self-checks of the chapter "EM against the VAE, on the same model"."""

from __future__ import annotations

import math

import numpy as np

from .. import em
from ..densities import logsumexp
from ..landscape import Landscape
from ..mixture import GaussianMixture
from ._judge import Odd, Verdict, call, judge, read, tell, unanswered

__all__ = ["em_books", "em_one_step", "em_responsibilities", "em_floor", "em_gaps", "em_trap"]


def em_books(before, after) -> bool | None:
    """Exercise 1: F is -120.0 after an E-step, -117.5 after the M-step, -116.7 after the next E-step."""
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
    }
    return tell(
        "an E-step leaves theta alone and closes the gap, so F is the evidence right after it.",
        judge(before, start, "evidence before", of_before),
        judge(after, closed, "evidence after", of_after),
    )


def em_one_step(responsibility, theta) -> bool | None:
    """Exercise 2: the toy 1/2 N(theta, 1) + 1/2 N(-theta, 1) with points -1 and 2, from theta = 1."""
    toy = Landscape(np.array([-1.0, 2.0]))
    q, moved = float(toy.q(1.0)[1]), float(toy.m_step(1.0))
    of_q = {
        "the responsibility of the component at -theta": 1 - q,
        "1 / (1 + exp(-theta x)): the two exponents differ by 2 theta x": 1 / (1 + math.exp(-2.0)),
        "E_q[z] = tanh(theta x), not the probability": math.tanh(2.0),
        "the responsibility for the point at -1": float(toy.q(1.0)[0]),
    }
    plus = toy.q(1.0)
    of_theta = {
        "the mean of the points weighted by q alone: the component at -theta says something about theta too": float(
            (plus * toy.x).sum() / plus.sum()
        ),
        "a sum over the points: divide by their number": 2 * moved,
        "sum of q x / N: it is E_q[z] = 2 q - 1 that multiplies x": float((plus * toy.x).mean()),
        "a step with tanh(-1) taken as positive: -1 times tanh(-1) is positive, too": float(
            (-math.tanh(1.0) + 2 * math.tanh(2.0)) / 2
        ),
    }
    return tell(
        "theta moves to the mean of x E_q[z].",
        judge(responsibility, q, "responsibility", of_q, unit=""),
        judge(theta, moved, "theta", of_theta, unit=""),
    )


def em_responsibilities(function) -> bool | None:
    """Exercise 3: a function of log_joint (n, K) that returns responsibilities (n, K) and log evidence (n,)."""
    rng = np.random.default_rng(0)
    for shift, n, k in ((0.0, 4, 3), (0.0, 3, 3), (-1e5, 5, 2), (800.0, 2, 4)):
        log_joint = rng.normal(size=(n, k)) * 2 + shift
        if k == 3:
            log_joint[0, 1] = -np.inf
        evidence = logsumexp(log_joint, axis=1)
        q = np.exp(log_joint - evidence[:, None])
        try:
            answer = call(function, log_joint.copy())
            if unanswered(answer):
                return tell("", Verdict("responsibilities", None), Verdict("log evidence", None))
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise Odd("something that is not two arrays")
            with np.errstate(all="ignore"):
                parts = [np.asarray(part, dtype=float) for part in answer]
        except (Odd, TypeError, ValueError) as odd:
            return tell("", Verdict("answer", False, f"your function should return two arrays, but got {odd}"))
        if any(not np.isfinite(part).all() for part in parts):
            why = (
                f"for log joints near {shift:g} it gives nan or infinite: exp under- or overflows, so subtract the "
                "largest "
                "of each row first"
                if shift
                else "a component of log joint -inf should just get responsibility 0"
            )
            return tell("", Verdict("responsibilities", False, why))
        of_q = {
            "an array normalised over the points: each row, a point, sums to 1": np.exp(
                log_joint - logsumexp(log_joint, axis=0)
            )
            if k != 3
            else -q,
            "the log responsibilities: take exp": np.where(np.isfinite(log_joint), log_joint - evidence[:, None], 0.0),
            "terms relative to the largest, not normalised": np.exp(log_joint - log_joint.max(axis=1, keepdims=True)),
        }
        of_evidence = {
            "an evidence without the largest entry: it was subtracted, so add it back": evidence
            - log_joint.max(axis=1),
            "the largest entry alone: the others add to the evidence too": log_joint.max(axis=1),
        }
        verdicts = (
            judge(parts[0], q, "responsibilities", of_q, unit="", tolerance=1e-6),
            judge(parts[1], evidence, "log evidence", of_evidence, tolerance=1e-6 * (1 + abs(shift))),
        )
        if not all(verdict.right for verdict in verdicts):
            return tell("", *verdicts)
    return tell("a ratio of finite logs, however far away the point is.", *verdicts)


def em_floor(function) -> bool | None:
    """Exercise 4: floored(S, floor), the best covariance whose eigenvalues are at least `floor`."""
    rng = np.random.default_rng(1)
    for dimensions, floor in ((3, 0.5), (2, 0.3), (4, 1e-6)):
        root = rng.normal(size=(dimensions, dimensions))
        covariance = root @ np.diag(np.linspace(0.01, 1, dimensions)) @ root.T
        values, vectors = np.linalg.eigh(covariance)
        truth = (vectors * np.maximum(values, floor)) @ vectors.T
        slips = {
            "S + floor I, the additive form: it prevents collapse, but it is no maximum": covariance
            + floor * np.eye(dimensions),
            "a floor under every entry of the matrix: it belongs under the eigenvalues": np.maximum(covariance, floor),
            "a floor on the diagonal alone: a thin direction may be oblique": covariance
            + np.diag(np.maximum(floor - np.diag(covariance), 0)),
            "S itself: some eigenvalues lie below the floor": covariance,
            "V^T max(L, floor) V: eigh returns eigenvectors as columns": (vectors.T * np.maximum(values, floor))
            @ vectors,
        }
        try:
            answer = call(function, covariance.copy(), floor)
        except Odd as odd:
            return tell("", Verdict("covariance", False, f"your function should return a matrix, but {odd}"))
        verdict = judge(answer, truth, "covariance", slips, unit="", tolerance=1e-7)
        if not verdict.right:
            return tell("", verdict)
    return tell("each eigenvalue is on its own, and its best value under the constraint is max(value, floor).", verdict)


def em_gaps(approximation, amortisation) -> bool | None:
    """Exercise 5: evidence -10.0, best ELBO -10.3, the encoder's -10.8, sampled -10.6 with standard error 0.2."""
    evidence, best, own, sampled = -10.0, -10.3, -10.8, -10.6
    of_approximation = {
        "the whole gap of the encoder: take out what a better q of the same family would win": evidence - own,
        "the amortisation gap (are the two swapped?)": best - own,
        "a gap from the sampled value: that is a measurement": evidence - sampled,
    }
    of_amortisation = {
        "the whole gap of the encoder: the best Gaussian misses a part of it too": evidence - own,
        "the approximation gap (are the two swapped?)": evidence - best,
        "a gap from the sampled value: it is the ELBO of -10.8 read with an error, and no part of the gap": best
        - sampled,
        "the error of the sample: Monte Carlo is no part of the gap": sampled - own,
    }
    return tell(
        "family first, then what the shared encoder adds; the sample only measures.",
        judge(approximation, evidence - best, "approximation gap", of_approximation),
        judge(amortisation, best - own, "amortisation gap", of_amortisation),
    )


def em_trap(means) -> bool | None:
    """Exercise 6: three starting means from which EM ends at least 0.3 nats per point below the best."""
    what = "three means"
    if unanswered(means):
        return tell("", Verdict(what, None))
    try:
        given = np.unique(read(means).ravel())
        if given.size != 3 or read(means).size != 3:
            raise Odd(f"{read(means).size} numbers, {given.size} of them different")
    except Odd as odd:
        return tell("", Verdict(what, False, f"your start should be three different finite numbers, but got {odd}"))
    x = np.random.default_rng(0).normal(size=60)[:, None] * 0.3 + np.repeat([-10.0, 0.0, 10.0], 20)[:, None]

    def end(start):
        begin = GaussianMixture.spherical(np.full(3, 1 / 3), np.asarray(start, dtype=float)[:, None], 1.0)
        return em.fit_mixture(x, start=begin, floor=0.01, iterations=300, tolerance=1e-8).trace[-1]

    try:
        lost = end([-10.0, 0.0, 10.0]) - end(given)
    except ValueError:
        return tell(
            "", Verdict(what, False, "your start is so far away that no density is left: stay within -1000 and 1000")
        )
    if lost >= 0.3:
        return tell(
            f"EM ends {lost:.2f} nats per point below the best, and no further step will help.", Verdict(what, True)
        )
    return tell(
        "",
        Verdict(
            what,
            False,
            f"from your start EM loses only {max(lost, 0):.2f} nats per point: let two means share one group",
        ),
    )
