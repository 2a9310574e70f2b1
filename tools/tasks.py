"""The exercises of a notebook as tasks: which check judges them, of what, and in which cell.

Handing out and grading read them here. Like `tools/exercises.py` it keeps no list: all is read in the book's notebook.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from tools import keys
from tools.folded import folded

TITLE = re.compile(r"^> \*\*Exercise (\d+)\. (.+?)\*\*", re.M)


class Task(NamedTuple):
    """An exercise: its check, the cell that asks for it, its number and title, the check's arguments, its code."""

    check: str
    cell: str
    number: int
    title: str
    arguments: tuple[str, ...]
    source: str
    solution: str  # the code of the printed solution, or ""


def tasks(notebook: dict) -> list[Task]:
    """The exercises of a notebook of the book, in order."""
    found = []
    title, solution = (0, ""), ""
    for cell in notebook["cells"]:
        text = keys.source(cell)
        if cell["cell_type"] == "markdown":
            if match := TITLE.search(text):
                title = int(match[1]), match[2]
            solution = next((part.code() or "" for part in folded(text) if part.kind == "solution"), solution)
        elif keys.is_exercise(cell):
            name, arguments = call_of(text)
            found.append(Task(name, cell["id"], *title, arguments, text, solution))
            solution = ""
    return found


def call_of(text: str) -> tuple[str, tuple[str, ...]]:
    """(name of the check, its arguments as code) of the last call of a check in a cell's text."""
    calls = [statement.value for statement in ast.parse(text).body if checked(statement)]
    return calls[-1].func.attr, tuple(ast.unparse(argument) for argument in calls[-1].args)


def checked(statement: ast.stmt) -> bool:
    """Whether a statement is `check.name(...)`, its result kept or not."""
    value = getattr(statement, "value", None)
    return (
        isinstance(statement, (ast.Expr, ast.Assign))
        and isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and isinstance(value.func.value, ast.Name)
        and value.func.value.id == "check"
    )
