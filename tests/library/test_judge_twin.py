"""The page's judge (js/engine/judge.js) and Python's give every answer the same verdict in the same words.

Answers are texts, as a field holds them. They are made from the tables alone by many rules, none of which makes more
than a tenth of them; and those of `answers_<chapter>.py` that are numbers or texts are judged too. Numbers that
are not round are cut short in a page's table, so that no answer here lies exactly on an edge that they make.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import math
import shutil
import subprocess
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from test_answers import TABLES as WRITTEN

from lvm_lib import check
from lvm_lib.check import _judge, without_distances
from tools import exercises

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
JUDGE = Path(__file__).parents[2] / "js" / "tests" / "judge.mjs"
TABLES = {name: table for name in check.__all__ if (table := exercises.table(name))}
FIELDS = [(name, at) for name, table in TABLES.items() for at in range(len(table["parts"]))]

NO_ANSWERS = {
    "words": [
        "one",
        "1 apple",
        "0.85 m",
        "1e",
        "1e5x",
        "1..2",
        "e",
        "pi",
        "e e",
        "2e",
        "0x10",
        "1_000",
        "5!",
        "constructor",
    ],
    "two meanings": [
        "1,234",
        "1,234.5",
        "2½",
        "__proto__(1)",
        "mynp.log(2)",
        "log 2",
        "nan",
        "inf",
        "-inf",
        "Infinity",
    ],
    "no finite value": [
        "1/0",
        "0/0",
        "log(0)",
        "sqrt(-1)",
        "exp(1000)",
        "1/exp(1000)",
        "exp(1000)*0",
        "(-8)^(1/3)",
        "1e999",
        "1e999 - 1e999",
        "1^1e999",
        "(-1)^1e999",
        "0^0",
        "0^-1",
        "1e-400",
        "-0",
    ],
    "brackets": ["(1", "1)", "()", "[]", "[", ")(", "((1)", "2*(1+2", "1 +", "* 3", "[[1, 2], [3]]"],
    "several": ["1;", ";", "1;2;3;4", "1 2", "1, 2", "1,2,3", "[1 2 3]"],
    "several with decimal commas": [
        "1,04, 0,35, 0",
        "[1,04, 0,35, 0]",
        "1,04 0,35 0",
        "1,04 -,35",
        "1,04\u20030,35\u30000",
        "1,5e3, 2",
        "1,2,3, 4",
        "1,234, 0,5",
        "1 ,2 ,3",
        "1.5,2.5, 3",
        "1,5+2,5, 3",
        "log(3), 0,5",
        "١,٥, ٢,٥",
    ],
    "numbers in words of %g": ["1 1e999)", "1 1234567)", "1 1234565)", "1 0.00001234)"],
    "expressions": [
        "--1",
        "+-+2",
        "2^-1",
        "2**3**2",
        "-2^2",
        "log10(1000) + log2(8)",
        "tanh(1)",
        "ln(e)",
        "math.sqrt(2)",
        "np.log(2)",
        "torch.exp(1)",
    ],
    "units alone": ["nats", "%", "5 %", "3 bits per pixel", "2 nats/dim", "3bit", "1 nat nat"],
    "too long, too deep": [
        "9" * 10000,
        "1+" * 150 + "1",
        "(" * 40 + "1" + ")" * 40,
        "(" * 21 + "1" + ")" * 21,
        "-" * 30 + "1",
        "é" * 170,
        "😀" * 170,
        "a  " * 60,
    ],
    "markup and quotes": [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "'); DROP TABLE answers; --",
        'it\'s "both"',
        "it's",
        "back\\slash",
    ],
    "signs that nobody sees": [
        "a\tb\nc\rd",
        "\x00",
        "1\x00",
        "\x1b[31m1",
        "\x1c1\x1f",
        "\x851",
        "\xa01\xa0",
        "\ufeff1",
        "\u200b1",
        "\u202e1",
        "\u2028" * 3,
        " " * 120,
        "\U0010fffe",
    ],
    "other scripts": [
        "０．８５",
        "１２",
        "٣",
        "१२.५",
        "٣,٥",
        "²",
        "x²",
        "Ⅷ",
        "①",
        "−2.5",
        "3 × 4",
        "😀",
        "𝟘.𝟙",
        "𑁦𑁧",
        "İ",
        "ß",
        "é",
        "1e5́",
        "1e5é",
    ],
    "dots": ["…", " ... ", "....", "."],
}


def written(values, form=repr, joint="; ") -> str:
    """A number, or several, as a learner writes them."""
    return joint.join(form(float(value)) for value in np.ravel(values))


def right(table) -> list[str]:
    """A right answer to every part."""

    def of(part):
        if part["kind"] == "number":
            return written(part["truth"], lambda value: f"{value:.6g}")
        return next(
            repr((band["low"] + min(band["high"], 2 * band["low"] + 1)) / 2) for band in part["bands"] if band["right"]
        )

    return [of(part) for part in table["parts"]]


def fraction(value):
    return str(Fraction(value).limit_denominator(999))


def comma(value):
    return f"{value:.4f}".replace(".", ",")


FORMS = {
    "all digits": repr,
    "three decimals": lambda value: f"{value:.3f}",
    "comma": comma,
    "fraction": fraction,
    "power of ten": lambda value: f"{value:.6e}",
    "brackets": lambda value: f"({value!r})*2/2",
    "root": lambda value: f"{'-' if value < 0 else ''}sqrt(({value!r})^2)",
    "exponential": lambda value: f"exp(log({abs(value)!r}))" if value else "log(1)",
    "six digits": lambda value: f" {value:.6g} ",
    "two decimals": lambda value: f"{value:.2f}",
}


def answers():
    """(rule, name of the check, texts) of every answer that is tried."""
    chance = np.random.default_rng(7)
    for name, at in FIELDS:
        table = TABLES[name]
        part, truth = table["parts"][at], table["parts"][at].get("truth", 1.0)

        def row(rule, text, name=name, at=at, table=table):
            given = right(table)
            given[at] = text
            return rule, name, given

        for form, write in FORMS.items():
            yield row(f"right, {form}", written(truth, write))
        for unit in ("nats", "bits", "nat per dim", "bits/pixel", "%"):
            yield row("a unit behind", f"{written(truth)} {unit}")
            yield row("a unit behind", f"{written(np.multiply(truth, math.log(2)))} {unit}")
            yield row("a unit behind", f"{written(np.divide(truth, math.log(2)))} {unit}")
        forms = itertools.cycle(FORMS.items())
        for slip in part.get("slips", []):
            for form, write in itertools.islice(forms, 3):
                yield row(f"slip, {form}", written(slip["value"], write))
        for band in part.get("bands", []):
            yield row("band", repr(band["low"] * (1 + 1e-8)))
            yield row("band", repr((band["low"] + min(band["high"], 2 * band["low"] + 100)) / 2))
        for far in (0.3, 0.9, 1.5, 2.5, 7, 9.9, 11):
            for sign in (-1, 1):
                near = np.asarray(truth) + sign * far * part.get("tolerance", 0.01)
                yield row("near miss", written(near))
        for size in (0.47, 0.97, 1.03, 1.5, 2.1, 3, 4.9, 7, 10.3, 99, 640, 1003, 1e5, 1e300):
            yield row("far off", written(np.asarray(truth) + size * chance.choice([-1, 1])))
        yield row("of another shape", written([*np.ravel(truth), 1.0]))
        yield row("of another shape", written(np.ravel(truth)[:1], joint=", "))
        yield row("of another shape", f"[{written(truth, joint=' ')}]")
        for rule, texts in NO_ANSWERS.items():
            for text in texts:
                yield row(rule, text)
        for empty in ("", "...", "  ", "…"):
            yield row("empty", empty)
            yield "all but one empty", name, [right(table)[at] if n == at else empty for n in range(len(right(table)))]
            yield "all empty but a wrong one", name, ["-777.7" if n == at else empty for n in range(len(right(table)))]
        for _ in range(8):
            value = float(chance.normal() * 10 ** chance.uniform(-3, 4))
            yield row("by chance", repr(value))
        if part.get("follows"):
            earlier, scale, shift = (part["follows"][key] for key in ("part", "scale", "shift"))
            start = table["parts"][earlier]["truth"]
            for off, digits in itertools.product((0, 0.004, 3.3, -40), (1, 2, 5)):
                given = right(table)
                given[earlier] = repr(round(start + off, digits))
                value = scale * round(start + off, digits) + shift
                given[at] = repr(round(math.exp(value) if part["follows"]["exp"] else value, digits))
                yield "follows from an earlier answer", name, given
                given = [*given]
                given[earlier] = ("", "one", "1; 2")[digits % 3]
                yield "follows from an earlier answer", name, given
    for module in WRITTEN.values():
        for name, answer, *_ in module.ROWS:
            given = answer if type(answer) is tuple else (answer,)
            if name in TABLES and len(given) == len(TABLES[name]["parts"]):
                texts = [repr(each) if isinstance(each, (int, float)) else each for each in given]
                texts = ["..." if each is ... else each for each in texts]
                if all(isinstance(each, str) for each in texts):
                    yield "by hand", name, texts


def by_python(name, given):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        verdict = exercises.answered(name, *given)
    return verdict, printed.getvalue().removesuffix("\n")


def by_node(tables, given):
    """What the page's judge says to [name, texts] pairs."""
    asked = json.dumps({"tables": tables, "answers": given})
    done = subprocess.run([NODE, JUDGE], input=asked, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def judged():
    """(rule, name, texts, what JavaScript says) of all answers."""
    rows = list(answers())
    found = by_node(TABLES, [[name, given] for _, name, given in rows])
    return [(*row, said) for row, said in zip(rows, found, strict=True)]


def test_there_are_many_answers_of_many_kinds():
    rows = list(answers())
    assert len(rows) >= 600
    rules = Counter(rule for rule, *_ in rows)
    assert max(rules.values()) <= len(rows) / 10, rules.most_common(3)
    fields = Counter((name, at) for _, name, given in rows for at in range(len(given)))
    assert set(fields) == set(FIELDS) and min(fields.values()) >= 12


@needs_node
@pytest.mark.parametrize("name", TABLES)
def test_the_same_verdict_in_the_same_words(judged, name):
    tried = 0
    for rule, other, given, found in judged:
        if other == name:
            verdict, text = by_python(name, given)
            assert (found["right"], found["said"]) == (verdict, text), (rule, [each[:80] for each in given])
            tried += 1
    assert tried >= 12 * len(TABLES[name]["parts"])


@needs_node
def test_every_slip_is_named(judged):
    """Typed with all its digits, each slip of a table is told by its name; the exceptions follow from another part."""
    for name, at in FIELDS:
        part = TABLES[name]["parts"][at]
        for slip in part.get("slips", []):
            heard = [found["said"] for _, other, given, found in judged if other == name]
            assert any(slip["name"] in text for text in heard), (name, slip["name"])


def near_misses():
    """Every field off by a little and by much, on both sides, the other fields of its exercise right."""
    for name, at in FIELDS:
        parts = TABLES[name]["parts"]
        if any(part["kind"] != "number" for part in parts):
            continue
        for off in (-1e6, -7.0, -0.3, -0.03, 0.03, 0.3, 7.0, 1e6):
            values = [np.ravel(part["truth"]) + (off if place == at else 0) for place, part in enumerate(parts)]
            yield name, ["; ".join(repr(float(value)) for value in row) for row in values]


@needs_node
def test_without_distances_python_and_the_page_tell_a_side_and_no_size(monkeypatch):
    monkeypatch.setattr(_judge, "_how_far", without_distances.side)
    rows = list(near_misses())
    tables = {name: exercises.table(name, False) for name in TABLES}
    found = by_node(tables, [[name, texts] for name, texts in rows])
    told = 0
    for (name, texts), said in zip(rows, found, strict=True):
        assert (said["right"], said["said"]) == by_python(name, texts), (name, texts)
        assert " by " not in said["said"].split("too ")[-1] and "close, but" not in said["said"]
        told += "too high" in said["said"] or "too low" in said["said"]
    assert told > len(rows) / 2


@needs_node
def test_without_distances_a_side_is_told_and_no_size():
    table = exercises.table("elbo_gap", False)
    wrong, found = by_node({"elbo_gap": table}, [["elbo_gap", ["0.5"]], ["elbo_gap", ["0.85"]]])
    assert wrong == {"right": False, "said": "Not yet: your gap is too low.", "parts": [False]}
    assert found["right"] is True
