"""Answers to the exercises of "EM against the VAE", by hand. See test_answers."""

import math

import numpy as np
import torch

Q, THETA = 1 / (1 + math.exp(-4)), (math.tanh(1) + 2 * math.tanh(2)) / 2
OWN_FORMS: set[str] = set()


# ---------------------------------------------------------------- exercise 3


def safe(log_joint):
    largest = log_joint.max(axis=1, keepdims=True)
    terms = np.exp(log_joint - largest)
    total = terms.sum(axis=1, keepdims=True)
    return terms / total, (largest + np.log(total))[:, 0]


def naive(log_joint):
    with np.errstate(all="ignore"):
        terms = np.exp(log_joint)
        return terms / terms.sum(axis=1, keepdims=True), np.log(terms.sum(axis=1))


def one_scale(log_joint):
    """Subtracts one largest value for all points: right only where they are about equally far away."""
    with np.errstate(all="ignore"):
        terms = np.exp(log_joint - log_joint.max())
        total = terms.sum(axis=1, keepdims=True)
        return terms / total, (log_joint.max() + np.log(total))[:, 0]


def less(other):
    """Subtracts something else of each row than its largest: right only where a row is not far apart within."""

    def split(log_joint):
        with np.errstate(all="ignore"):
            taken = other(np.where(np.isinf(log_joint), np.nan, log_joint))[:, None]
            terms = np.exp(log_joint - taken)
            total = terms.sum(axis=1, keepdims=True)
            return terms / total, (taken + np.log(total))[:, 0]

    return split


def in_torch(log_joint):
    evidence = log_joint.logsumexp(1)
    return (log_joint - evidence[:, None]).exp().requires_grad_(), evidence.requires_grad_()


def with_indices(log_joint):
    """As torch gives the largest, with its place: NumPy has a number there."""
    largest = log_joint.max(1)[0]
    terms = (log_joint - largest[:, None]).exp()
    return terms / terms.sum(1)[:, None], largest + terms.sum(1).log()


def with_softmax(log_joint):
    log_joint = torch.as_tensor(log_joint)
    return log_joint.softmax(1), log_joint.logsumexp(1)


def wrong(q=None, evidence=None):
    """The right pair, with the responsibilities or the evidence made from (log joint, right part)."""

    def split(log_joint):
        right = safe(log_joint)
        return q(log_joint, right[0]) if q else right[0], evidence(log_joint, right[1]) if evidence else right[1]

    return split


# ---------------------------------------------------------------- exercise 4


def clipped(covariance, floor):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.maximum(values, floor)) @ vectors.T


def clipped_in_torch(covariance, floor):
    values, vectors = torch.linalg.eigh(torch.as_tensor(covariance))
    return vectors @ torch.diag(values.clamp(min=float(floor))) @ vectors.T


def eigenvalues(covariance, floor):
    return np.maximum(np.linalg.eigh(covariance)[0], floor)


SPLIT, FLOOR, TRAP = "em_responsibilities", "em_floor", "em_trap"
ROWS = [
    # 1, 2, 5
    ("em_books", (-120.0, -116.7), True, "closes the gap"),
    ("em_one_step", (Q, THETA), True, "the mean of x E_q[z]"),
    ("em_one_step", (0.98, 1.34), True, ""),
    ("em_one_step", (0.98, 1.35), True, ""),
    ("em_gaps", (0.2, 0.6), True, "the sample only measures"),
    ("em_gaps", (0.2, 0.45), False, "an error, and no part of the gap"),
    ("em_gaps", (0.65, 0.6), False, "that is a measurement"),
    ("em_gaps", (0.6, 0.2), False, "swapped?)"),
    # 3
    (SPLIT, safe, True, "a ratio of finite logs"),
    (SPLIT, in_torch, True, ""),
    (SPLIT, with_softmax, True, ""),
    (SPLIT, with_indices, True, ""),
    (SPLIT, ..., None, "responsibilities"),
    (SPLIT, lambda a: (..., ...), None, "responsibilities and the log evidence"),
    (SPLIT, naive, False, "subtract the largest of each row first"),
    (SPLIT, one_scale, False, "subtract the largest of each row first"),
    (SPLIT, less(lambda a: a[:, 0]), False, "subtract the largest of each row first"),
    (SPLIT, less(lambda a: a[:, -1]), False, "subtract the largest of each row first"),
    (SPLIT, less(lambda a: np.nanmean(a, axis=1)), False, "subtract the largest of each row first"),
    (SPLIT, less(lambda a: np.nanmedian(a, axis=1)), False, "subtract the largest of each row first"),
    (SPLIT, less(lambda a: np.nanmin(a, axis=1)), False, "subtract the largest of each row first"),
    (SPLIT, wrong(q=lambda a, q: np.log(q)), False, "the log responsibilities: take exp"),
    (SPLIT, wrong(q=lambda a, q: -q), False, "the responsibilities with the sign flipped"),
    (SPLIT, wrong(q=lambda a, q: np.exp(a) / np.exp(a).sum(axis=0)), False, "normalised over the points: each row"),
    (SPLIT, wrong(q=lambda a, q: q / q.max(axis=1, keepdims=True)), False, "not normalised"),
    (SPLIT, wrong(q=lambda a, q: q.argmax(axis=1)), False, "shape (4,)"),
    (SPLIT, wrong(evidence=lambda a, e: e - a.max(axis=1)), False, "it was subtracted, so add it back"),
    (SPLIT, wrong(evidence=lambda a, e: a.max(axis=1)), False, "the largest entry alone"),
    (SPLIT, wrong(evidence=lambda a, e: e[:, None]), False, "a column of shape (n, 1)"),
    (SPLIT, wrong(evidence=lambda a, e: e - math.log(a.shape[1])), False, "an average over the components"),
    (SPLIT, wrong(evidence=lambda a, e: e.sum()), False, "the evidence of all points together"),
    (SPLIT, lambda a: safe(np.where(np.isinf(a), np.nan, a)), False, "just gets responsibility 0"),
    (SPLIT, lambda a: safe(a)[0], False, "two things, responsibilities and log evidence"),
    (SPLIT, lambda a: a.nothing, False, "AttributeError"),
    # 4
    (FLOOR, clipped, True, "max(value, floor)"),
    (FLOOR, clipped_in_torch, True, ""),
    (
        FLOOR,
        lambda s, f: (
            torch.linalg.eigh(s).eigenvectors
            @ (torch.linalg.eigh(s).eigenvalues.clamp(min=f)[:, None] * torch.linalg.eigh(s).eigenvectors.T)
        ),
        True,
        "",
    ),
    (FLOOR, lambda s, f: ..., None, "the covariance"),
    (FLOOR, lambda s, f: s + f * np.eye(len(s)), False, "the additive form: it prevents collapse"),
    (FLOOR, lambda s, f: np.maximum(s, f), False, "a floor under every entry of the matrix"),
    (FLOOR, lambda s, f: s + np.diag(np.maximum(f - np.diag(s), 0)), False, "a floor on the diagonal alone"),
    (FLOOR, lambda s, f: s, False, "S itself"),
    (
        FLOOR,
        lambda s, f: np.linalg.eigh(s)[1].T * eigenvalues(s, f) @ np.linalg.eigh(s)[1],
        False,
        "V^T max(L, floor) V",
    ),
    (FLOOR, eigenvalues, False, "the eigenvalues alone: turn them back"),
    (FLOOR, lambda s, f: np.diag(eigenvalues(s, f)), False, "a diagonal matrix of the eigenvalues"),
    (FLOOR, lambda s, f: clipped(s, f) if len(s) < 4 else s[:2], False, "shape (2, 4)"),
    (FLOOR, lambda s, f: clipped(s, max(f, 1e-3)), False, "too high"),  # right at floors of order one alone
    (FLOOR, 3, False, "a function is asked"),
    # 6
    ("em_bias", (8, 2, 0.45), True, "held too wide"),
    ("em_bias", (8, 2, "(2 - log(3))/2"), True, ""),
    ("em_bias", (9, 2, 0.45), False, "take the noise off"),
    ("em_bias", (8, 8, 0.45), False, "theta^2 of the evidence"),
    ("em_bias", (8, 2, 2.9), False, "at the theta of the evidence"),
    ("em_bias", (8, 2, 0.22), False, "KL(posterior || q)"),
    # 7
    (TRAP, ((-10.1, -9.9, 5.0),), True, "no further step will help"),
    (TRAP, "9.9; 10,1; -5", True, "nats per point below the best"),
    (TRAP, torch.tensor([100.0, 200.0, 300.0]), True, ""),
    (TRAP, np.array([[-10.1], [-9.9], [5.0]]), True, ""),
    (TRAP, ..., None, "the start"),
    (TRAP, ((-10, 0, 10),), False, "0.00 nats per point below the best: every group gets a mean"),
    (TRAP, ((-0.1, 0.1, 10.0),), False, "let two means share an outer group"),  # two in the middle do not stay there
    (
        TRAP,
        ((1.0, 1.0, 2.0),),
        False,
        "should be three different finite numbers, but got 3 numbers, 2 of them different",
    ),
    (TRAP, ((1.0, 2.0),), False, "2 numbers, 2 of them different"),
    (TRAP, 5.0, False, "1 number, 1 of them different"),
    (TRAP, ((1e200, -1e200, 5e199),), False, "is far from all points: stay within -1000 and 1000"),
    (TRAP, ((1.0, math.nan, 2.0),), False, "three different finite numbers"),
    # 8
    ("em_speed", (0.9**10, 0.9**20), True, "one digit of theta takes 22 steps"),
    ("em_speed", ("0.9^10", 0.12), True, ""),
    ("em_speed", (0.9, 0.12), False, "the factor of one step"),
    ("em_speed", (0.35, 0.35), False, "square it"),
    ("em_speed", (0.12, 0.35), False, "swapped?)"),
    ("em_speed", (0.35, ...), None, "the factor of the shortfall"),
    # 9
    ("em_budget", (189000, 216050, 81), True, "paid for once"),
    ("em_budget", (144000, 216050, 81), False, "new digits are searched too"),
    ("em_budget", (63000, 216050, 81), False, "each is 3 units"),
    ("em_budget", (189000, 216150, 81), False, "an encoder's pass is 1 unit"),
    ("em_budget", (189000, 216050, 80), False, "per point is still cheaper"),
    ("em_budget", (189000, 216050, 240), False, "without their cost of 3"),
    ("em_budget", (189000, 216050, ...), None, "the number of new digits"),
]
