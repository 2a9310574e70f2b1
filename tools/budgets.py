"""The book's budgets, of `budgets.toml` beside this file: `budget("chapter", "words")`."""

from __future__ import annotations

import functools
from pathlib import Path

import tomllib

FILE = Path(__file__).with_name("budgets.toml")


@functools.cache
def budgets() -> dict[str, dict[str, float]]:
    """{part: {what: how much}}."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def budget(part: str, what: str) -> float:
    """How much of something is allowed. Raises KeyError where no such budget is written."""
    return budgets()[part][what]
