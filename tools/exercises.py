"""The exercises that a page can judge: their tables as side files hold them, and what a cell asks for.

A cell asks for an answer by calling a check, `check.elbo_gap(answer)`. Where that check is a table (NUMBERS in its
chapter's module of lvm_lib.check), the page judges the answer too; where it asks for a function, the page asks for a
number that this function gives (lvm_lib/check/predictions.py): _ext/answers.py makes fields of the table's parts,
js/engine/judge.js is Python's judge, and the table goes to a side file `_exercises/<chapter>.js`.

No other list of exercises exists: what is asked stands in the notebooks, what is right in lvm_lib.check.
"""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Callable
from importlib import import_module

from tools import keys

DIGITS = 8  # of a number in a side file that is no round one: what processors may find otherwise lies below
SHORT = 10


def asked(cell: dict) -> list[str]:
    """The checks that a code cell calls, in order, each once."""
    return list(dict.fromkeys(keys.EXERCISE.findall(keys.source(cell)))) if cell["cell_type"] == "code" else []


@functools.cache
def table(name: str, distances: bool = True) -> dict | None:
    """What the page needs of a check whose answer is numbers, or of a function's prediction; None of any other.

    It is what `lvm_lib.check.tables()` gives of it, with `stamp`, which changes when what is asked changes.
    distances: whether a wrong answer is told how far off it is.
    """
    make, question = maker(name)
    if make is None:
        return None
    plain = steady(json.loads(json.dumps(make().plain())))
    if any(len(part.get("shape", ())) > 1 for part in plain["parts"]):
        return None  # no line of text stands for a matrix
    return {**plain, "stamp": stamp(plain), "distances": distances, "question": question}


def maker(name: str) -> tuple:
    """What makes the table of a check, and "" or, where the check asks for a function, a question of what it gives."""
    check = import_module("lvm_lib.check")
    chapter = check._MODULE_OF.get(name)
    own = getattr(import_module(f"lvm_lib.check.{chapter}"), "NUMBERS", {}).get(name) if chapter else None
    of_function = import_module("lvm_lib.check.predictions").PREDICTIONS.get(name, ("", None))
    return (own, "") if own else of_function[::-1]


def answered(name: str, *texts: str) -> bool | None:
    """What Python says to these answers, printed, and whether they are right."""
    if maker(name)[1]:
        return import_module("lvm_lib.check.predictions").predict(name, *texts)
    return getattr(import_module("lvm_lib.check"), name)(*texts)


def steady(value, digits: int = DIGITS):
    """Plain data whose numbers are those that every processor finds.

    A number within rounding of one with ten digits stays as it is: answers are such numbers, and whether one is off by
    exactly 0.5 is the last digit's to say. Others, which come from long sums, are cut short; edges of bands, which come
    from data, to ten digits.
    """
    if isinstance(value, dict):
        return {name: steady(part, SHORT if name == "bands" else digits) for name, part in value.items()}
    if isinstance(value, list):
        return [steady(part, digits) for part in value]
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    near = abs(rounded(value, SHORT) - value) <= 1e-14 * max(abs(value), 1.0)
    return value if near else rounded(value, digits)


def rounded(value, digits: int):
    """Plain data with its numbers in so many significant digits; what a sum leaves of zero is zero."""
    if isinstance(value, dict):
        return {name: rounded(part, digits) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part, digits) for part in value]
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return 0.0 if math.ulp(0.0) < abs(value) < 1e-12 else float(f"{value:.{digits - 1}e}")


def stamp(plain: dict) -> str:
    """A digest of what is asked and what is right, not of the words of a slip: an answer given to it stays one."""
    said = ("kind", "what", "truth", "unit", "shape", "decimals")
    parts = [
        {name: part.get(name) for name in said}
        | {"bands": [[band["low"], band["high"], band["right"]] for band in part.get("bands", [])]}
        for part in plain["parts"]
    ]
    return keys.digest(json.dumps(rounded(parts, 6), sort_keys=True))[:8]


def side_file(
    chapter: str, names: list[str], distances: bool = True, quick: dict | None = None, shown: Callable = dict
) -> str:
    """The side file of a chapter: a classic script that hands its tables over, encoded, so that no eye meets them.

    quick: the tables of its quick questions, by name.  shown: gives an exercise's table its words as a page has them.
    """
    tables = {name: shown(table(name, distances)) for name in names} | (quick or {})
    text = json.dumps(tables, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'lvmExercises("{chapter}","{base64.b64encode(text.encode()).decode()}")\n'
