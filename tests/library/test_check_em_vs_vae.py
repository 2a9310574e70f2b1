"""The self-checks of the chapter on EM and the VAE: right answers pass, each slip is named, nothing raises."""

import math

import numpy as np
import pytest
import torch

from lvm_lib import check

Q, THETA = 1 / (1 + math.exp(-4)), (math.tanh(1) + 2 * math.tanh(2)) / 2
ODD = ["one", float("nan"), [1, 2], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]

PAIRS = {
    check.em_books: (
        (-120.0, -116.7),
        {
            (-117.5, -116.7): "after the first E-step",
            (-120.0, -117.5): "a gap has opened",
            (-116.7, -120.0): "swapped",
            (-120.0, -118.3): "lies above F",
            (-120.0, 2.5): "the gain",
        },
    ),
    check.em_one_step: (
        (Q, THETA),
        {
            (1 - Q, THETA): "-theta",
            (1 / (1 + math.exp(-2)), THETA): "2 theta x",
            (math.tanh(2), THETA): "E_q",
            (Q, 2 * THETA): "divide",
            (Q, (2 * math.tanh(2) - math.tanh(1)) / 2): "positive",
        },
    ),
    check.em_gaps: (
        (0.2, 0.6),
        {
            (0.8, 0.6): "whole gap",
            (0.6, 0.2): "swapped",
            (0.2, 0.8): "misses a part",
            (0.65, 0.6): "measurement",
            (0.2, 0.45): "read with an error",
            (0.2, 0.15): "no part of the gap",
        },
    ),
}


@pytest.mark.parametrize("function", PAIRS)
def test_right_answers_pass_and_slips_are_named(function, capsys):
    right, slips = PAIRS[function]
    assert function(*right) is True and capsys.readouterr().out.startswith("Right")
    assert function(..., ...) is None and "Not answered yet" in capsys.readouterr().out
    for answer, said in slips.items():
        assert function(*answer) is False
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("odd", ODD)
def test_odd_answers_never_raise(odd):
    for function in PAIRS:
        assert function(odd, odd) is False
    for function in (check.em_responsibilities, check.em_floor):
        assert function(odd) is False
        assert function(lambda *arguments: odd) is False
    assert check.em_trap(odd) is False


def safe(log_joint):
    largest = log_joint.max(axis=1, keepdims=True)
    terms = np.exp(log_joint - largest)
    total = terms.sum(axis=1, keepdims=True)
    return terms / total, (largest + np.log(total))[:, 0]


def naive(log_joint):
    with np.errstate(all="ignore"):
        terms = np.exp(log_joint)
        return terms / terms.sum(axis=1, keepdims=True), np.log(terms.sum(axis=1))


def by_column(log_joint):
    terms = np.exp(log_joint)
    return terms / terms.sum(axis=0), safe(log_joint)[1]


@pytest.mark.parametrize(
    "function, verdict, said",
    [
        (safe, True, "finite logs"),
        (naive, False, "subtract the largest"),
        (..., None, "Not answered yet"),
        (lambda a: (..., ...), None, "Not answered yet"),
        (by_column, False, "responsibilities"),
        (lambda a: (safe(a)[0], safe(a)[1] - a.max(axis=1)), False, "add it back"),
        (lambda a: safe(a)[0], False, "two things"),
        (lambda a: a.nothing, False, "AttributeError"),
    ],
)
def test_responsibilities(function, verdict, said, capsys):
    assert check.em_responsibilities(function) is verdict
    assert said in capsys.readouterr().out


def one_scale(log_joint):
    """Subtracts one largest value for all points: right only where they are about equally far away."""
    with np.errstate(all="ignore"):
        terms = np.exp(log_joint - log_joint.max())
        total = terms.sum(axis=1, keepdims=True)
        return terms / total, (log_joint.max() + np.log(total))[:, 0]


def in_torch(log_joint):
    evidence = log_joint.logsumexp(1)
    return (log_joint - evidence[:, None]).exp().requires_grad_(), evidence.requires_grad_()


@pytest.mark.parametrize(
    "function",
    [
        in_torch,
        lambda a: [part.tolist() for part in safe(a)],
        lambda a: tuple(torch.tensor(part, dtype=torch.float32, requires_grad=True) for part in safe(a)),
        lambda a: safe(a.astype(np.float32)),
    ],
)
def test_responsibilities_in_other_forms(function, said):
    said(check.em_responsibilities(function), True)


@pytest.mark.parametrize(
    "function, words",
    [
        (one_scale, "subtract the largest of each row first"),
        (lambda a: (np.log(safe(a)[0]), safe(a)[1]), "the log responsibilities: take exp"),
        (lambda a: (-safe(a)[0], safe(a)[1]), "with the sign flipped"),
        (lambda a: (np.exp(a) / np.exp(a).sum(axis=0), safe(a)[1]), "normalised over the points"),
        (lambda a: (safe(a)[0], safe(a)[1][:, None]), "a column of shape (n, 1)"),
        (lambda a: (np.exp(a - a.max(axis=1, keepdims=True)), safe(a)[1]), "not normalised"),
        (lambda a: (safe(a)[0], a.max(axis=1)), "the largest entry alone"),
        (lambda a: (safe(a)[0], safe(a)[1] - math.log(a.shape[1])), "an average over the components"),
        (lambda a: (safe(a)[0], safe(a)[1].sum()), "the evidence of all points together"),
        (lambda a: safe(np.where(np.isinf(a), np.nan, a)), "just gets responsibility 0"),
    ],
)
def test_slips_of_the_responsibilities_are_named(function, words, said):
    text = said(check.em_responsibilities(function), False)
    assert words in text and "your responsibilities is" not in text


def clipped(covariance, floor):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.maximum(values, floor)) @ vectors.T


@pytest.mark.parametrize(
    "function, verdict, said",
    [
        (clipped, True, "max(value, floor)"),
        (..., None, "Not answered yet"),
        (lambda s, f: ..., None, "Not answered yet"),
        (lambda s, f: s + f * np.eye(len(s)), False, "additive"),
        (lambda s, f: np.maximum(s, f), False, "every entry"),
        (lambda s, f: s, False, "S itself"),
        (lambda s, f: s + np.diag(np.maximum(f - np.diag(s), 0)), False, "diagonal alone"),
        (
            lambda s, f: np.linalg.eigh(s)[1].T * np.maximum(np.linalg.eigh(s)[0], f) @ np.linalg.eigh(s)[1],
            False,
            "V^T",
        ),
        (lambda s, f: np.maximum(np.linalg.eigh(s)[0], f), False, "the eigenvalues alone"),
        (lambda s, f: np.diag(np.maximum(np.linalg.eigh(s)[0], f)), False, "diagonal matrix of the eigenvalues"),
        (lambda s, f: clipped(s.astype(np.float32), np.float32(f)), True, "max(value, floor)"),
        (lambda s, f: torch.tensor(clipped(s, f)).float().requires_grad_(), True, "max(value, floor)"),
        (lambda s, f: clipped(s, f) if len(s) < 4 else s[:2], False, "shape (2, 4)"),
    ],
)
def test_floor(function, verdict, said, capsys):
    assert check.em_floor(function) is verdict
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "means, verdict, said",
    [
        ((-10.1, -9.9, 5.0), True, "no further step"),
        ((-10, 0, 10), False, "share an outer group"),
        (..., None, "Not answered yet"),
        ((1.0, 1.0, 2.0), False, "different"),
        ((1.0, 2.0), False, "2 numbers, 2 of them different"),
        (5.0, False, "1 number, 1 of them different"),
        ((-0.1, 0.1, 10.0), False, "share an outer group"),
        ("9.9; 10,1; -5", True, "no further step"),
        (torch.tensor([100.0, 200.0, 300.0]), True, "no further step"),
        ((1e200, -1e200, 5e199), False, "stay within -1000 and 1000"),
    ],
)
def test_trap(means, verdict, said, capsys):
    import re

    assert check.em_trap(means) is verdict
    assert re.search(said, capsys.readouterr().out)
