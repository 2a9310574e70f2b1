"""Every check against the table of its chapter: which answer gets which verdict, and what is said of it.

`answers_<chapter>.py` holds ROWS, written by hand on paper's formulas: (name of the check, answer, verdict, words of
the message). An answer is what the check is called with, a tuple where it takes several. Rows of exercises whose
answer is numbers come from the check's own tables too (`test_check_numbers` judges those).

From each right function all forms of its result are made: NumPy, torch, lists, single numbers, fractions, in float32
and float64. And nothing that a check can say is dead: each sentence in the source of a chapter's checks is heard in
answer to some row.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import re
from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch
from late import Late

from lvm_lib import check
from lvm_lib.check import _call, _judge, _read, _text
from lvm_lib.check._judge import Number

CHAPTERS = [module for module in check._WHERE if not module.startswith("_")]
TABLES = {chapter: importlib.import_module(f"answers_{chapter}") for chapter in CHAPTERS}
ROWS = [(chapter, at) for chapter in CHAPTERS for at in range(len(TABLES[chapter].ROWS))]
GRAMMAR = re.compile(
    r"\?[.;,]|(?<!\.)(\.\.|\.{4,})(?!\.)|,,|;;|\s[.;,?]|\(\s|[^.]\.\)\.|within 0\.|tolerance|  |"
    r"your (rates|gradients|responsibilities|draws|codes) (is|looks) "
)
SHORTEST = 12  # letters of a sentence; what is shorter is a name or a joint


def row_name(value):
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) else ""


def judged(name, answer):
    """(verdict, what was printed) of a check on an answer, or on a tuple of them."""
    answer = answer.find() if type(answer) is Late else answer
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        verdict = getattr(check, name)(*answer) if type(answer) is tuple else getattr(check, name)(answer)
    return verdict, printed.getvalue()


@cache
def heard(chapter, at):
    name, answer, *_ = TABLES[chapter].ROWS[at]
    return judged(name, answer)


@pytest.mark.parametrize("chapter, at", ROWS, ids=row_name)
def test_each_answer_gets_its_verdict_and_its_words(chapter, at):
    _, _, verdict, words = TABLES[chapter].ROWS[at]
    found, text = heard(chapter, at)
    assert found is verdict, text
    assert words in text
    assert text.startswith({True: "Right: ", False: "Not yet: ", None: "Not answered yet: "}[verdict])
    assert text.count("\n") == 1 and text.endswith(".\n") and len(text) < 900
    assert not GRAMMAR.search(text), text


# ---------------------------------------------------------------- forms of a right function


def each(form):
    """The form of every number of an array, in nested lists."""

    def of(value):
        return [of(part) for part in value] if np.ndim(value) else form(float(value))

    return of


FORMS = {
    "float32": lambda value: np.asarray(value, dtype=np.float32),
    "torch float64": lambda value: torch.tensor(np.asarray(value, dtype=np.float64)),
    "torch float32 with a graph": lambda value: torch.tensor(np.asarray(value, np.float32), requires_grad=True) * 1,
    "lists": lambda value: np.asarray(value).tolist(),
    "lists of tensors": each(torch.tensor),
    "lists of NumPy numbers": each(np.float64),
    "fractions": each(Fraction),
    "decimals": each(lambda number: Decimal(repr(number))),
    "an array of objects": lambda value: np.array(each(Fraction)(value), dtype=object),
    "texts": each(repr),
    "one entry": lambda value: np.atleast_1d(value) if np.ndim(value) == 0 else np.asarray(value),
}


def formed(function, form):
    """The function, whose result (or each part of a tuple of results) comes in another form."""

    def of(*arguments):
        result = function(*arguments)
        return tuple(map(form, result)) if isinstance(result, tuple) else form(result)

    return of


def narrowed(function):
    """The function that computes on float32, as a learner in torch is used to."""

    def of(*arguments):
        return function(
            *(a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == np.float64 else a for a in arguments)
        )

    return of


def first_right(chapter):
    """{check: the first right function of its rows}, but for checks that want one form alone (OWN_FORMS)."""
    found = {}
    for name, answer, verdict, _ in TABLES[chapter].ROWS:
        if verdict is True and callable(answer) and name not in TABLES[chapter].OWN_FORMS:
            found.setdefault(name, answer)
    return found


RIGHT = [(name, function) for chapter in CHAPTERS for name, function in first_right(chapter).items()]


@pytest.mark.parametrize("form", [*FORMS, "computed in float32"])
@pytest.mark.parametrize("name, function", RIGHT, ids=row_name)
def test_a_right_function_is_right_in_every_form(name, function, form):
    other = formed(function, FORMS[form]) if form in FORMS else narrowed(function)
    verdict, text = judged(name, other)
    assert verdict is True, text


# ---------------------------------------------------------------- what can be said


def sentences(module):
    """The pieces of text in a module's code that are long enough to be read, without docstrings."""
    tree = ast.parse(inspect.getsource(module))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value.strip()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and len(node.value.strip()) >= SHORTEST
        and " " in node.value.strip()
    }


def numbers_said(chapter):
    """What the checks of number exercises say to each slip, and to a number of each band, in their tables."""
    for name, table in check.tables().items():
        if table["chapter"] != chapter:
            continue
        right = [part["truth"] if part["kind"] == "number" else inside(part["bands"]) for part in table["parts"]]
        yield judged(name, tuple(right))[1]
        for at, part in enumerate(table["parts"]):
            wrong = [slip["value"] for slip in part.get("slips", ())] + [-1e7, 1e7]
            wrong += [(band["low"] + min(band["high"], band["low"] + 100)) / 2 for band in part.get("bands", ())]
            for value in wrong:
                yield judged(name, (*right[:at], value, *right[at + 1 :]))[1]


def inside(bands):
    band = next(band for band in bands if band["right"])
    return (band["low"] + band["high"]) / 2


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_sentence_of_a_check_is_dead(chapter):
    said = [heard(chapter, at)[1] for at in range(len(TABLES[chapter].ROWS))] + list(numbers_said(chapter))
    everything = "\n".join(said)
    assert [text for text in sorted(sentences(getattr(check, chapter))) if text not in everything] == []


class Nameless(type):
    """A kind of class that does not say its name."""

    @property
    def __name__(cls):
        raise RuntimeError


class Unreadable(metaclass=Nameless):
    """Nothing can be said of it."""

    def __getattribute__(self, name):
        raise RuntimeError

    __repr__ = __str__ = __len__ = None


async def later(*arguments):
    return 0.0


ANY = [  # what is said whatever the exercise is
    ("elbo_gap", 0.85 / np.log(10), "a value with log10 in place of the natural logarithm"),
    ("elbo_gap", 0.88, "close, but too high: give two decimals or better"),
    ("elbo_by_hand", (-3.0, 0.73), "your gap follows from your ELBO, and comes right when that does"),
    ("elbo_gap", "1,234", "1,234, which may mean two things: write 1.234 or 1234"),
    ("elbo_gap", "2½", "a fraction in one sign: write 1/2"),
    ("elbo_gap", "log 5", "a text in which log wants brackets"),
    ("elbo_gap", "3 * (", "a text that ends too early"),
    ("elbo_gap", "1/0", "a text that has no finite value"),
    ("elbo_gap", "1+" * 150 + "1", "a text that is too long"),
    ("elbo_gap", "2*(1+2", "a text with an open bracket"),
    ("elbo_gap", "(" * 40 + "1" + ")" * 40, "a text with too many brackets"),
    ("elbo_gap", "0.85 m", "a text that is no number ('m' is not"),
    ("elbo_gap", "1.23 bits", "right, but given in bits, and nats are asked"),
    ("elbo_gap", [0.85, 0.85], "should be one finite number, but got shape (2,)"),
    ("elbo_gap", Late(Unreadable), "something unreadable"),
    ("elbo_mean_field", ("wide", 0.51), "one finite number, or 2 of them"),
    ("lvm_samples", (30.3, 13.03), "close, but too high: give one decimal or better"),
    ("tok_rate", (9230, 0.2), "close, but too high: give a whole number"),
    ("kl_flattery", (0.29, 203.4), "too high: a whole number is asked"),
    ("kl_flattery", (0.29, 20300), "by more than 1,000"),
    ("vae_score_gradients", later, "your function is a coroutine: write def, not async def"),
    ("vae_score_gradients", 3, "a function is asked, but got"),
    ("vae_score_gradients", lambda v, e, s: v.gone, "(and with torch tensors AttributeError"),
    ("vae_score_gradients", lambda v, e, s: sorted, "should be finite numbers of shape (6,)"),
    ("em_responsibilities", lambda a: a, "should return two things, responsibilities and log evidence, but got"),
    ("em_gaps", (..., 0.9), "still to come: the approximation gap"),
]


@pytest.mark.parametrize("at", range(len(ANY)))
def test_what_is_said_whatever_the_exercise_is(at):
    name, answer, words = ANY[at]
    verdict, text = judged(name, answer)
    assert verdict is False
    assert words in text
    assert not GRAMMAR.search(text), text


def test_no_sentence_of_the_judge_is_dead():
    said = [judged(name, answer)[1] for name, answer, _ in ANY] + list(numbers_said("em_vs_vae"))
    said += [heard("em_vs_vae", at)[1] for at in range(len(TABLES["em_vs_vae"].ROWS))]
    said.append(check.judge(np.log(2), Number("rate", 1.0, unit="bits")).text)
    everything = "\n".join(said)
    for module in (_judge, _call, _read, _text):
        assert [text for text in sorted(sentences(module)) if text not in everything] == []


def test_every_check_has_rows_of_every_verdict():
    for chapter in CHAPTERS:
        for name in check._WHERE[chapter]:
            verdicts = {verdict for row, _, verdict, _ in TABLES[chapter].ROWS if row == name}
            wanted = {False, None} if name in getattr(TABLES[chapter], "ELSEWHERE", ()) else {True, False, None}
            assert verdicts == wanted or name in check.tables(), (name, verdicts)
