"""Every exercise whose answer is numbers, from its table alone: right in every form, every slip named, good grammar.

A new exercise is tested here as soon as its chapter lists it in NUMBERS.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from test_answers import GRAMMAR

from lvm_lib import check
from tools import exercises

TABLES = check.tables()
PARTS = [(name, at) for name, table in TABLES.items() for at in range(len(table["parts"]))]
NUMBERS = [(name, at) for name, at in PARTS if TABLES[name]["parts"][at]["kind"] == "number"]
SLIPS = [(name, at, slip["name"]) for name, at in NUMBERS for slip in TABLES[name]["parts"][at]["slips"]]


BOOK = Path(__file__).parents[2] / "book"
WHOLE = r"whole numbers?\b|\bthe number of\b"  # a count is one
PRECISION = {1: r"\bone decimal\b", 2: r"\btwo decimals\b|\btwo for the\b"}


@cache
def asked_in_the_book():
    """{check: the text of its exercise, without hint and solution}, from the notebooks."""
    found = {}
    for path in sorted(BOOK.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for text, cell in pairwise(cells):
            for name in exercises.asked(cell):
                found[name] = "".join(text["source"]).split("<details")[0]
    return found


def right(name):
    """A right answer to every part, as plain numbers."""
    return [part["truth"] if part["kind"] == "number" else middle(part["bands"]) for part in TABLES[name]["parts"]]


def middle(bands):
    band = next(band for band in bands if band["right"])
    return (band["from" if "from" in band else "low"] + band["high"]) / 2


def answer(name, at, value):
    """What the check says to right answers, of which one is replaced."""
    answers = right(name)
    answers[at] = value
    return getattr(check, name)(*answers)


def scalar_forms(number):
    """One number as a learner may hand it in."""
    text = repr(float(number))
    return [
        number,
        np.float64(number),
        np.float32(number),
        np.array(number),
        np.array([number]),
        np.array([[number]]),
        torch.tensor(number),
        torch.tensor(number, dtype=torch.float64, requires_grad=True) * 1.0,
        torch.tensor([number], dtype=torch.float32),
        [number],
        (number,),
        [torch.tensor(number)],
        Fraction(number),
        Decimal(text),
        np.array([Fraction(number)], dtype=object),
        text,
        f" {text} ",
        f"{text}e0" if "e" not in text else text,
        f"({text})*2/2",
        text.replace(".", ","),
        np.array([text]),
    ]


def array_forms(numbers):
    """Several numbers as a learner may hand them in."""
    texts = [repr(float(number)) for number in numbers]
    return [
        list(numbers),
        tuple(numbers),
        np.array(numbers),
        np.array(numbers, dtype=np.float32),
        np.array(numbers)[:, None],
        torch.tensor(numbers),
        torch.tensor(numbers, requires_grad=True),
        [torch.tensor(number) for number in numbers],
        [Fraction(number) for number in numbers],
        texts,
        ", ".join(texts),
        ", ".join(texts).replace(".", ",") if all("." in text for text in texts) else texts,
        " ".join(texts).replace(".", ","),
        "; ".join(texts).replace(".", ","),
        f"[{' '.join(texts)}]",
    ]


def forms(part):
    truth = part["truth"]
    if not part["shape"]:
        return scalar_forms(truth)
    return array_forms(truth) + (scalar_forms(truth[0]) if part["alike"] else [])


def test_every_chapter_has_number_exercises_and_they_are_listed():
    chapters = {table["chapter"] for table in TABLES.values()}
    assert chapters == {module for module in check._WHERE if not module.startswith("_")}
    assert len(TABLES) >= 24 and set(TABLES) < set(check.__all__)
    assert min(sum(table["chapter"] == chapter for table in TABLES.values()) for chapter in chapters) >= 2


def test_the_tables_are_plain_data():
    assert json.loads(json.dumps(TABLES, allow_nan=False)) == TABLES


@pytest.mark.parametrize("name, at", NUMBERS)
def test_a_right_answer_is_right_in_every_form(said, name, at):
    for form in forms(TABLES[name]["parts"][at]):
        assert said(answer(name, at, form), True).startswith("Right: "), repr(form)


@pytest.mark.parametrize("name, at", NUMBERS)
def test_a_rounded_answer_is_right(said, name, at):
    part = TABLES[name]["parts"][at]
    for decimals in range(part["decimals"], part["decimals"] + 3):
        said(answer(name, at, np.round(part["truth"], decimals)), True)
        said(answer(name, at, np.round(np.round(part["truth"], decimals + 1), decimals)), True)  # rounded twice


@pytest.mark.parametrize("name, at", NUMBERS)
def test_two_decimals_are_always_enough(name, at):
    part = TABLES[name]["parts"][at]
    assert part["decimals"] <= 2 and (part["exact"] or part["tolerance"] >= 0.5 * 10.0 ** -part["decimals"])


def following(part, earlier):
    """What follows from an earlier answer."""
    value = part["follows"]["scale"] * earlier + part["follows"]["shift"]
    return math.exp(value) if part["follows"]["exp"] else value


@pytest.mark.parametrize("name, at", NUMBERS)
def test_what_follows_from_a_rounded_right_answer_is_right(said, name, at):
    part = TABLES[name]["parts"][at]
    if part["follows"] is None:
        return
    earlier = TABLES[name]["parts"][part["follows"]["part"]]
    answers = right(name)
    for decimals in range(earlier["decimals"], earlier["decimals"] + 3):
        rounded = round(earlier["truth"], decimals)
        answers[part["follows"]["part"]] = rounded
        answers[at] = round(following(part, rounded), max(2, part["decimals"]))
        said(getattr(check, name)(*answers), True)
    answers[part["follows"]["part"]] = earlier["truth"] + 3.3  # wrong, and what follows from it is told so
    answers[at] = following(part, earlier["truth"] + 3.3)
    if abs(answers[at] - part["truth"]) > part["tolerance"]:
        assert f"from your {earlier['what']}, and comes right when that does" in said(
            getattr(check, name)(*answers), False
        )
    answers[part["follows"]["part"]] = ...
    answers[at] = part["truth"]
    assert said(getattr(check, name)(*answers), None).startswith("Not answered yet: ")


@pytest.mark.parametrize("name, at", NUMBERS)
def test_near_misses_are_wrong(said, name, at):
    part = TABLES[name]["parts"][at]
    off = 1.0 if part["exact"] else 2.5 * part["tolerance"]
    for sign in (-1, 1):
        text = said(answer(name, at, np.asarray(part["truth"]) + sign * off), False)
        if "like" in text:
            continue
        assert ("too low" if sign < 0 else "too high") in text
        assert "give " in text or part["exact"]


@pytest.mark.parametrize("name, at, slip", SLIPS)
def test_no_slip_is_dead(said, name, at, slip):
    part = TABLES[name]["parts"][at]
    value = next(each["value"] for each in part["slips"] if each["name"] == slip)
    text = said(answer(name, at, value), False)
    assert f"your {part['what']} {'look' if part['plural'] else 'looks'} like {slip}" in text
    written = said(answer(name, at, np.round(value, 3) if abs(np.max(value)) < 1e6 else value), False)
    assert slip in written or np.abs(value).max() < 0.01  # a slip need not be typed with all its digits


@pytest.mark.parametrize("name, at", PARTS)
def test_bands_say_what_they_find(said, name, at):
    part = TABLES[name]["parts"][at]
    if part["kind"] == "number":
        return
    for band in part["bands"]:
        inside = (band["low"] + min(band["high"], 2 * band["low"] + 100)) / 2
        text = said(answer(name, at, inside), band["right"])
        assert band["says"] in text
    assert part["outside"] in said(answer(name, at, -7.0), False)
    assert "should be one finite number, but got shape (2,)" in said(answer(name, at, [1.0, 2.0]), False)


@pytest.mark.parametrize("name", [name for name, at in NUMBERS if at == 0])
def test_the_text_of_the_exercise_states_the_precision(name):
    text = asked_in_the_book()[name].lower()
    for part in TABLES[name]["parts"]:
        if part["kind"] == "number":
            wanted = WHOLE if part["exact"] or part["decimals"] == 0 else PRECISION[part["decimals"]]
            assert re.search(wanted, text), (part["what"], text)


ODD = [
    "one",
    "",
    float("nan"),
    math.inf,
    {"a": 1},
    1j,
    object(),
    np.zeros((2, 2)),
    True,
    "1,234",
    "2½",
    b"1",
    [[1], [2, 3]],
]


@pytest.mark.parametrize("name, at", PARTS)
def test_odd_answers_are_refused_in_words(said, name, at):
    for odd in ODD:
        text = said(answer(name, at, odd), None if isinstance(odd, str) and not odd else False)
        assert "but got" in text or "looks like" in text or "Not answered" in text, text


@pytest.mark.parametrize("name", TABLES)
def test_unanswered_parts_are_listed(said, name):
    count = len(TABLES[name]["parts"])
    for empty in (..., None, "", "...", [...], np.array(None)):
        text = said(getattr(check, name)(*[empty] * count), None)
        assert text.startswith("Not answered yet: ")
        assert text.count(" and ") == (count > 1) + sum(" and " in part["what"] for part in TABLES[name]["parts"])


@pytest.mark.parametrize("name, at", NUMBERS)
def test_a_unit_behind_a_number_is_heard(said, name, at):
    part = TABLES[name]["parts"][at]
    if not part["unit"] or part["shape"]:
        return
    other = {"nats": "bits", "bits": "nats"}[part["unit"]]
    factor = math.log(2) if other == "nats" else 1 / math.log(2)
    said(answer(name, at, f"{part['truth']!r} {part['unit']}"), True)
    if part["truth"]:
        assert f"given in {other}, and {part['unit']} are asked" in said(
            answer(name, at, f"{part['truth']!r} {other}"), False
        )
        assert f"right, but given in {other}" in said(answer(name, at, f"{part['truth'] * factor!r} {other}"), False)


@pytest.mark.parametrize("name", TABLES)
def test_messages_are_sentences(capsys, name):
    table = TABLES[name]
    for at, part in enumerate(table["parts"]):
        tried = [each["value"] for each in part.get("slips", [])] + [0.123, 1e9, -1e9, "x", ..., [1.0, 2.0, 3.0]]
        for value in tried:
            answer(name, at, value)
    for line in capsys.readouterr().out.splitlines():
        assert not GRAMMAR.search(line), line
        assert line.endswith(".") and line.count(": ") >= 1
