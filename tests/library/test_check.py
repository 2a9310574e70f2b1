"""The self-checks: right answers pass in every sensible form, each slip is named, nothing else passes, nothing raises.

The right answers and the slips are written out here by hand, on paper's formulas, and share nothing with the library.
"""

from __future__ import annotations

import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from lvm_lib import check
from lvm_lib.check._judge import Number
from lvm_lib.check.elbo import _gap_of_best_gaussian

LOG2PI = math.log(2 * math.pi)
HAND = -0.5 * math.log(4 * math.pi) - 1  # log N(2; 0, 2), the ELBO of exercise 2
TILT = -0.5 * math.log(0.36)  # the gap of exercise 5


def forms(number):
    """One number as a learner may hand it in."""
    return [
        number,
        np.float64(number),
        np.float32(number),
        np.array(number),
        np.array([number]),
        np.array([[number]]),
        torch.tensor(number),
        torch.tensor(number, dtype=torch.float64, requires_grad=True),
        torch.tensor([number]),
        [number],
        (number,),
        [torch.tensor(number)],
        Fraction(number),
        Decimal(str(number)),
        np.array([Fraction(number)], dtype=object),
        round(number, 3),
        round(number, 2),
    ]


# ---------------------------------------------------------------- exercise 1


@pytest.mark.parametrize("answer", forms(0.85), ids=repr)
def test_gap_is_right_in_every_form(said, answer):
    assert said(check.elbo_gap(answer), True).startswith("Right")


@pytest.mark.parametrize(
    "answer, name",
    [
        (-0.85, "sign flipped"),
        (-7.25, "sum of evidence and ELBO"),
        (7.25, "sum of evidence and ELBO"),
        (-4.05, "the ELBO itself"),
        (-3.2, "the evidence itself"),
        (math.exp(0.85), "ratio of probabilities"),
        (math.exp(-0.85), "exp(-gap)"),
        (1.7, "factor of 2"),
        (0.425, "factor of 2"),
        (0.85 / math.log(2), "in bits"),
        (0.85 / math.log(10), "log10"),
    ],
)
def test_slips_of_the_gap_are_named(said, answer, name):
    text = said(check.elbo_gap(answer), False)
    assert "looks like" in text and name in text


# ---------------------------------------------------------------- exercise 2


@pytest.mark.parametrize("elbo", forms(HAND), ids=repr)
def test_by_hand_is_right_in_every_form(said, elbo):
    assert "posterior" in said(check.elbo_by_hand(elbo, 0), True)


def by_hand(v, normaliser=0.5 * LOG2PI, kl_factor=1.0, spread=True):
    reconstruction = -normaliser - 0.5 * (1 + v * spread)
    return reconstruction - kl_factor * 0.5 * (v + 1 - 1 - math.log(v))


ENTROPY = 0.5 * (1 + LOG2PI + math.log(0.5))


@pytest.mark.parametrize(
    "elbo, name",
    [
        (by_hand(0.5, normaliser=0), "without log 2 pi"),
        (HAND - ENTROPY, "entropy of q is forgotten"),
        (HAND + LOG2PI, "lacks log 2 pi in the joint"),
        (HAND - LOG2PI / 2, "entropy lacks"),
        (HAND - 2 * ENTROPY, "sign of the entropy"),
        (by_hand(0.5, kl_factor=-1), "sign of the KL"),
        (by_hand(0.5, kl_factor=0), "KL to the prior is forgotten"),
        (by_hand(0.5, kl_factor=2), "factor 1/2"),
        (-0.5 * LOG2PI - 0.75 - 0.5 * (2 + 2 - 1 + math.log(0.5)), "other way round"),
        (by_hand(0.5, spread=False), "at the mean of q"),
        (by_hand(0.25), "1/2 taken for the standard deviation"),
        (by_hand(math.sqrt(0.5)), "where the variance belongs"),
        (-HAND, "sign flipped"),
        (2 * HAND, "factor of 2"),
        (HAND / math.log(2), "in bits"),
        (HAND / math.log(10), "log10"),
        (0.0, "the gap (are the two swapped?)"),
    ],
)
def test_slips_of_the_elbo_are_named(said, elbo, name):
    text = said(check.elbo_by_hand(elbo, 0.0), False)
    assert "your gap is right" in text and "your ELBO looks like" in text and name in text


@pytest.mark.parametrize(
    "gap, name",
    [
        (HAND, "the ELBO (are the two swapped?)"),
        (0.5 * (0.5 - math.log(0.5)), "KL to the prior"),
        (0.5 * (0.5 - 1 - math.log(0.5)), "1/2 taken for the standard deviation"),
        (0.5 * (math.sqrt(2) - 1 - math.log(math.sqrt(2))), "where the variance belongs"),
        (stats.norm.logpdf(2) - HAND, "x has variance 1 + 1"),
    ],
)
def test_slips_of_the_gap_by_hand_are_named(said, gap, name):
    text = said(check.elbo_by_hand(HAND, gap), False)
    assert "your ELBO is right" in text and name in text


def test_a_gap_that_follows_from_a_wrong_elbo_is_seen_as_such(said):
    assert "follows from your ELBO, and comes right when that does" in said(check.elbo_by_hand(-3.0, HAND + 3.0), False)


def test_both_swapped(said):
    text = said(check.elbo_by_hand(0, HAND), False)
    assert "your ELBO looks like the gap (are the two swapped?)" in text and "your gap follows from your ELBO" in text


# ---------------------------------------------------------------- exercise 5


@pytest.mark.parametrize(
    "variance",
    [
        *forms(0.36),
        (0.36, 0.36),
        [0.36, 0.36],
        np.array([0.36, 0.36]),
        np.array([[0.36], [0.36]]),
        torch.tensor([0.36, 0.36]),
        Fraction(9, 25),
    ],
    ids=repr,
)
def test_mean_field_is_right_in_every_form(said, variance):
    assert said(check.elbo_mean_field(variance, TILT), True).startswith("Right")
    assert said(check.elbo_mean_field(variance, 0.51), True).startswith("Right: ")


@pytest.mark.parametrize(
    "variance, name",
    [
        (1, "marginal variance"),
        ((1.0, 1.0), "marginal variance"),
        (1 / 0.36, "precision"),
        (0.6, "standard deviation"),
        (0.1296, "squared"),
        (0.2, "smallest eigenvalue"),
        (1.8, "largest eigenvalue"),
        (0.64, "1 - variance"),
        (TILT, "swapped"),
        (-0.36, "sign flipped"),
        (0.72, "factor of 2"),
        (0.18, "factor of 2"),
    ],
)
def test_slips_of_the_variance_are_named(said, variance, name):
    text = said(check.elbo_mean_field(variance, TILT), False)
    assert "your gap is right" in text and "your variance looks like" in text and name in text


@pytest.mark.parametrize(
    "gap, name",
    [
        (2 * TILT, "factor 1/2"),
        (TILT / 2, "averaged over the two"),
        (-TILT, "sign flipped"),
        (0.36, "swapped"),
        (0.5 * (2 / 0.36 - 2 + math.log(0.36)), "variance 1"),
        (TILT / math.log(2), "in bits"),
        (TILT / math.log(10), "log10"),
        (0.5 * (0.4 / 0.36 - 2 + math.log(0.36) - 2 * math.log(0.2)), "narrowest direction"),
        (0.5 * (1.2 / 0.36 - 2 + math.log(0.36) - 2 * math.log(0.6)), "where the variance belongs"),
    ],
)
def test_slips_of_the_mean_field_gap_are_named(said, gap, name):
    text = said(check.elbo_mean_field(0.36, gap), False)
    assert "your variance is right" in text and name in text


@pytest.mark.parametrize("variance", [(0.36, 1.0), (0.36, 0.36, 0.36), np.eye(2) * 0.36, "0.36 m", True, {0.36}])
def test_other_wrong_variances_are_explained(said, variance):
    assert "your variance" in said(check.elbo_mean_field(variance, TILT), False)


# ---------------------------------------------------------------- exercise 6


def gap_of_best_gaussian(x, bend):
    """The same number by adaptive integration and a general-purpose optimiser, from many starts."""

    def log_joint(z):
        return stats.norm.logpdf(z) + stats.norm.logpdf(x, z + bend * z**2 / 2, 0.5)

    z = np.linspace(-12, 12, 48001)
    evidence = math.log(integrate.simpson(np.exp(log_joint(z)), x=z))
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)

    def minus_elbo(parameters):
        mean, log_std = parameters
        joint = weights @ log_joint(mean + math.exp(log_std) * nodes) / math.sqrt(2 * math.pi)
        return -joint - log_std - 0.5 * (1 + LOG2PI)

    starts = [(mean, log_std) for mean in (-4, -2, -1, -0.5, 0, 0.5, 1, 2) for log_std in (-1.5, -0.5)]
    return evidence + min(optimize.minimize(minus_elbo, start, method="Nelder-Mead", tol=1e-9).fun for start in starts)


@pytest.mark.parametrize(
    "x, bend",
    [
        (0.5, 1.2),
        (0.6, 1.5),
        (-0.6, -1.5),
        (3.0, 1.5),
        (-1.0, 1.2),
        (2.0, 0.5),
        (1.0, 0.0),
        (4.0, -1.5),
        (0.2, 1.1),
        (1.2, 1.4),
    ],
)
def test_hard_posterior_is_judged_by_its_true_gap(said, x, bend):
    found, hills = _gap_of_best_gaussian(x, bend)
    expected = gap_of_best_gaussian(x, bend)
    assert found == pytest.approx(expected, abs=1e-6) and found > -1e-9
    text = said(check.elbo_hard_posterior(x, bend), bool(expected > 0.25))
    assert f"{abs(expected):.3f} nats" in text and hills in text


def test_both_verdicts_occur_and_depend_on_the_gap_alone():
    """Sign symmetry: (x, bend) and (-x, -bend) are mirror images, so they are equally hard."""
    pairs = [(x, bend) for x in np.linspace(-3, 3, 13) for bend in np.linspace(-1.5, 1.5, 7)]
    gaps = np.array([[_gap_of_best_gaussian(*pair)[0], _gap_of_best_gaussian(-pair[0], -pair[1])[0]] for pair in pairs])
    np.testing.assert_allclose(gaps[:, 0], gaps[:, 1], atol=1e-8)
    assert (gaps > -1e-9).all() and (gaps > 0.25).any() and (gaps < 0.25).any()


@pytest.mark.parametrize("x", forms(0.5), ids=repr)
def test_hard_posterior_takes_every_form(said, x):
    assert "two hills" in said(check.elbo_hard_posterior(x, 1.5), True)


@pytest.mark.parametrize(
    "x, bend, words",
    [
        (5, 1.2, "between -3 and 4"),
        (0.5, 3, "between -1.5 and 1.5"),
        (math.nan, 1, "finite"),
        ([1, 2], 1, "finite"),
        ("half", 1.2, "str"),
        (0.5, True, "bool"),
        (-1, 1, "single hill"),
        (5, ..., "still to come: the bend"),
    ],
)
def test_pairs_that_do_not_count_are_explained(said, x, bend, words):
    assert words in said(check.elbo_hard_posterior(x, bend), False)


# ---------------------------------------------------------------- all of them

NUMBER_CHECKS = [
    (check.elbo_gap, 1),
    (check.elbo_by_hand, 2),
    (check.elbo_mean_field, 2),
    (check.elbo_hard_posterior, 2),
]
FUNCTION_CHECKS = [check.elbo_kl_to_prior, check.elbo_monte_carlo]


@pytest.mark.parametrize("empty", [..., None, np.array(...), np.array(None), [...], (None,)], ids=repr)
@pytest.mark.parametrize("function, parts", NUMBER_CHECKS)
def test_an_empty_answer_is_not_answered_yet(said, function, parts, empty):
    assert said(function(*[empty] * parts), None).startswith("Not answered yet: ")


@pytest.mark.parametrize("empty", [..., None, lambda *a: ..., lambda *a: None, lambda *a: (..., ...)])
@pytest.mark.parametrize("function", FUNCTION_CHECKS)
def test_an_empty_function_is_not_answered_yet(said, function, empty):
    assert said(function(empty), None).startswith("Not answered yet: ")


@pytest.mark.parametrize(
    "function, right",
    [(check.elbo_by_hand, (HAND, 0)), (check.elbo_mean_field, (0.36, TILT)), (check.elbo_hard_posterior, (0.5, 1.5))],
)
def test_one_of_two_parts(said, function, right):
    assert said(function(right[0], ...), None).startswith("Not answered yet")
    assert said(function(..., right[1]), None).startswith("Not answered yet")
    assert "still to come" in said(function(77.7, ...), False)


@pytest.mark.parametrize(
    "function, truth",
    [
        (check.elbo_gap, 0.85),
        (lambda a: check.elbo_by_hand(a, 0), HAND),
        (lambda a: check.elbo_by_hand(HAND, a), 0.0),
        (lambda a: check.elbo_mean_field(a, TILT), 0.36),
        (lambda a: check.elbo_mean_field(0.36, a), TILT),
    ],
)
def test_the_tolerance_is_what_it_says(capsys, function, truth):
    for off in (0.0049, -0.0049):
        assert function(truth + off) is True
        assert "0.00" not in capsys.readouterr().out
    for off in (0.0111, -0.0111):
        assert function(truth + off) is False
        assert "give two decimals or better" in capsys.readouterr().out


@settings(deadline=None, derandomize=True, max_examples=100)
@given(off=st.floats(-1e4, 1e4, allow_nan=False).filter(lambda off: abs(off) > 0.0061))
def test_no_wrong_number_passes_and_the_message_steers_without_telling(off):
    truth = 3.21987
    verdict = check.judge(truth + off, Number("number", truth, unit=""))
    assert verdict.right is False and "3.2" not in verdict.text
    if "looks like" in verdict.text:
        return
    assert ("too high" if off > 0 else "too low") in verdict.text
    words = [word.strip(":").replace(",", "") for word in verdict.text.split()]
    numbers = [float(word) for word in words if word.replace(".", "").isdigit()]
    if "close" in verdict.text:
        assert abs(off) <= 0.06 * (1 + 1e-9) and not numbers
    elif "more than" in verdict.text:
        assert abs(off) >= numbers[0]
    else:
        low, high = numbers
        assert low * (1 - 1e-9) <= abs(off) <= high * (1 + 1e-9) and high <= 2.6 * low


def test_judge_prefers_the_truth_then_the_named_slips_then_the_usual_ones():
    slips = {"the truth, misnamed": 1.0, "a doubled thing": 2.0}
    assert check.judge(1.0, Number("number", 1.0, slips)).right is True
    assert "a doubled thing" in check.judge(2.0, Number("number", 1.0, slips)).text
    assert "factor of 2" in check.judge(2.0, Number("number", 1.0)).text
    assert "bits" not in check.judge(1 / math.log(2), Number("number", 1.0, unit="")).text


def test_tell_joins_verdicts(said):
    right, wrong = check.Verdict("a", True), check.Verdict("b", False, "your b is odd")
    empty = check.Verdict("c", None)
    assert said(check.tell("of course.", right, right), True) == "Right: of course."
    assert said(check.tell("", right, wrong), False) == "Not yet: your a is right; your b is odd."
    assert said(check.tell("", right, empty), None) == "Not answered yet: the c; your a is right."
    assert said(check.tell("", wrong, empty), False) == "Not yet: your b is odd; still to come: the c."


class Hostile:
    """Every way of being looked at raises, except its type."""

    def __getattribute__(self, name):
        raise RuntimeError("go away")

    def _refuse(self, *arguments, **keywords):
        raise RuntimeError("go\naway \ud800")

    __float__ = __array__ = __len__ = __iter__ = __repr__ = __str__ = __eq__ = __bool__ = __index__ = _refuse
    __hash__ = None


class HostileList(list):
    __iter__ = __len__ = __getitem__ = Hostile._refuse


class HostileText(str):
    __repr__ = __str__ = __len__ = Hostile._refuse


class HostileError(Exception):
    __str__ = Hostile._refuse


def ring():
    items = []
    items.append(items)
    return items


def boxed(thing):
    box = np.empty(1, dtype=object)
    box[0] = thing
    return box


HOSTILE = [
    Hostile(),
    [Hostile()],
    (Hostile(), Hostile()),
    HostileList([1, 2]),
    HostileText("x"),
    Hostile,
    ring(),
    boxed(Hostile()),
    [..., Hostile()],
    10**400,
    10**5000,
    -(10**400),
    0,
    -1e308,
    math.inf,
    -math.inf,
    math.nan,
    Decimal("NaN"),
    1j,
    np.complex64(0.85),
    True,
    np.True_,
    np.array([True]),
    "0.85 m",
    b"0.85",
    np.array(["0.87 or so"]),
    "\ud800",
    "x" * 10**6,
    np.datetime64("2020-01-01"),
    np.timedelta64(1),
    [],
    (),
    {},
    set(),
    {0.85},
    {"a": 1},
    [[1], [2, 3]],
    np.empty(0),
    np.ones((2, 3, 4)),
    torch.tensor(1j),
    torch.ones(0),
    torch.ones(2, 2).to_sparse(),
    object(),
    math,
    len,
    type,
    range(10**12),
    np.broadcast_to(np.float64(1), (10**9,)),
    iter([1]),
    (i for i in (1, 2)),
]


@pytest.mark.parametrize("index", range(len(HOSTILE)))
def test_hostile_answers_never_raise_and_never_pass(capsys, index):
    thing = HOSTILE[index]

    def raising(*arguments):
        raise HostileError("\ud800") if index % 2 else ValueError("a\nlong " + "text " * 1000)

    calls = [(function, [thing] * parts) for function, parts in NUMBER_CHECKS]
    calls += [
        (function, [answer])
        for function in FUNCTION_CHECKS
        for answer in (thing, lambda *a: thing, lambda *a: (thing, thing), raising)
    ]
    for function, answers in calls:
        result = function(*answers)
        text = capsys.readouterr().out
        assert result is False or (result is None and text.startswith("Not answered yet")), text
        assert text.count("\n") == 1 and len(text) < 900


anything = st.recursive(
    st.one_of(
        st.none(),
        st.just(...),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.complex_numbers(),
        st.text(),
        st.binary(),
        st.fractions(),
        st.decimals(),
        st.dates(),
        st.builds(object),
        st.builds(lambda: Hostile()),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.frozensets(st.integers(), max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=2),
    ),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(first=anything, second=anything)
def test_arbitrary_objects_never_raise(first, second):
    calls = [(function, (first, second)[:parts]) for function, parts in NUMBER_CHECKS]
    calls += [
        (function, (answer,))
        for function in FUNCTION_CHECKS
        for answer in (first, lambda *a: first, lambda *a: (first, second))
    ]
    for function, answers in calls:
        assert function(*answers) in (True, False, None)


def test_every_public_name_exists_and_every_check_returns_a_plain_bool():
    assert all(hasattr(check, name) and getattr(check, name).__doc__ for name in check.__all__)
    assert type(check.elbo_gap(np.float64(0.85))) is bool and type(check.elbo_hard_posterior(0.5, 1.5)) is bool


def modules_after(code):
    """The chapter modules of checks that a fresh process has loaded after some code."""
    code += "; import sys; print(sorted(m[14:] for m in sys.modules if m.startswith('lvm_lib.check.')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True)
    return run.stdout.splitlines()[-1]


def test_a_chapter_loads_the_checks_of_no_other():
    assert modules_after("from lvm_lib import check; dir(check)") == "[]"
    assert (
        modules_after("from lvm_lib import check; check.elbo_gap(1)")
        == "['_call', '_judge', '_limits', '_read', '_text', 'elbo']"
    )
    assert (
        modules_after("import lvm_lib.check; lvm_lib.check.em_vs_vae")
        == "['_call', '_judge', '_limits', '_read', '_text', 'em_vs_vae']"
    )


def test_the_table_of_names_is_what_the_chapters_offer():
    star = {}
    exec("from lvm_lib.check import *", star)
    assert set(check.__all__) <= set(star) and set(check.__all__) <= set(dir(check))
    assert len(set(check.__all__)) == len(check.__all__) >= 51
    for module, names in check._WHERE.items():
        offered = getattr(getattr(check, module), "__all__", None)
        assert offered is None or set(names) <= set(offered)
    with pytest.raises(AttributeError, match="no attribute 'elbo_nothing'"):
        _ = check.elbo_nothing


def test_import_loads_neither_torch_nor_matplotlib():
    code = "import sys, lvm_lib.check; print([m for m in ('torch', 'matplotlib', 'anywidget') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True)
    assert run.stdout.strip() == "[]"
