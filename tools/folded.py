"""What a chapter's text folds away: hints and solutions, as `<details>` of a class.

    <details class="solution"><summary>Solution</summary>

    Markdown, with formulas and code

    </details>

Pages, handouts, the length of sections and the tests read them here. `<details>` inside a fence of code is code.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tools import keys

OPENS = re.compile(r'<details(?: class="([\w-]+)")?[^>]*>(?:<summary>(.*?)</summary>)?')
CLOSES = "</details>"
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*[ \t]*$", flags=re.S | re.M)


class Folded(NamedTuple):
    """One folded part: its class ("" without one), the words that stand open, its text, and where it stands."""

    kind: str
    summary: str
    text: str
    start: int
    end: int

    def code(self) -> str | None:
        """What stands in its first fence of Python, or None."""
        found = re.search(r"^```python\n(.*?)^```", self.text, flags=re.S | re.M)
        return found[1] if found else None


def folded(text: str) -> list[Folded]:
    """The folded parts of a text, in order.

    Raises ValueError where one is not closed, or stands in another: then a page would fold what it should show.
    """
    fences = [match.span() for match in FENCE.finditer(text)]
    found: list[Folded] = []
    for opened in OPENS.finditer(text):
        if any(start <= opened.start() < end for start, end in fences):
            continue
        if found and opened.start() < found[-1].end:
            raise ValueError(f"a folded part stands in another: {text[opened.start() :][:60]!r}")
        close = _close(text, opened.end(), fences)
        if close < 0:
            raise ValueError(f"a folded part is not closed: {text[opened.start() :][:60]!r}")
        inner = text[opened.end() : close].strip("\n")
        found.append(Folded(opened[1] or "", opened[2] or "", inner, opened.start(), close + len(CLOSES)))
    return found


def _close(text: str, start: int, fences: list[tuple[int, int]]) -> int:
    """Where the part that begins at `start` ends, or -1."""
    place = text.find(CLOSES, start)
    while place >= 0 and any(low <= place < high for low, high in fences):
        place = text.find(CLOSES, place + 1)
    return place


def without(text: str, kind: str | None = None) -> str:
    """The text without its folded parts of that class, or without any."""
    for part in reversed(folded(text)):
        if kind in (None, part.kind):
            text = text[: part.start] + text[part.end :].lstrip("\n")
    return text


QUIET = """

from lvm_lib.check import without_distances

without_distances.begin()  # a wrong number is told its side, and not how far off it is"""


def unsolved(notebook: dict) -> dict:
    """A chapter's notebook as students get it, in place: no solutions nor a link to them, checks without distances."""
    from tools import address

    address.without_link(notebook)
    for cell in notebook["cells"]:
        text = keys.source(cell)
        if cell["cell_type"] == "markdown":
            cell["source"] = without(text, "solution")
        elif "setup" in cell["metadata"].get("tags", []):
            cell["source"] = text + QUIET
    return notebook
