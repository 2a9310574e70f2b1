"""The solutions that the chapters print: those that are functions pass the check of the cell below them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lvm_lib import check
from tools.folded import folded

BOOK = Path(__file__).resolve().parents[2] / "book"


def solutions():
    """(check, name of the function, code) of every printed solution that defines a function."""
    for path in sorted(BOOK.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for text, cell in pairwise(cells):
            code = next((one.code() for one in folded("".join(text["source"])) if one.kind == "solution"), None)
            called = re.search(r"check\.(\w+)\((\w+)\)", "".join(cell["source"]))
            if code and called and f"def {called[2]}(" in code:
                yield called[1], called[2], code


@pytest.mark.parametrize(
    "name, function, code", list(solutions()), ids=lambda value: value if value.isidentifier() else ""
)
def test_a_printed_solution_is_right(said, name, function, code):
    scope = {"np": np}
    if "torch." in code:
        import torch

        scope["torch"] = torch
    exec(code, scope)
    assert said(getattr(check, name)(scope[function]), True).startswith("Right")


def test_every_exercise_on_a_function_prints_one():
    assert len(list(solutions())) == 15
