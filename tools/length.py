"""How long a chapter is: words, open lines of code and minutes, by section, and its limits.

    python -m tools.length                       a line per section of every chapter
    python -m tools.length --write book/elbo.ipynb   write the minutes under the chapter's headings

Counted are the words of the text (a formula in a line is one) and the lines of code that stand open. Apart stay
exercises with their hints, solutions and cells, quick questions (they are answered, in a page by a press each, and
who skips them misses no step of the chapter), folded cells (tag hide-input), the first cell, and displayed formulas
as words. A minute is 200 words, 15 lines of open code or two displayed formulas; a live figure takes three.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import chapters, folded, keys, quick
from tools.budgets import budget

# Chapters that do not keep the limits yet, nor the rules about folded and open code; the list gets shorter.
TO_COME: tuple[str, ...] = ()
WORDS, LINES = budget("chapter", "words"), budget("chapter", "lines")
WORDS_A_MINUTE, LINES_A_MINUTE, FORMULAS_A_MINUTE, MINUTES_A_FIGURE = 200, 15, 2, 3
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell", "setup"}
STATED = re.compile(r"^\*About \d+ minutes?(?: without exercises)?\.\*\n+", flags=re.M)
LIVE = re.compile(r"\b[A-Z]\w+Figure\(")


@dataclass
class Section:
    """A section and what was counted in it; the first one, before any heading of the second level, has the title."""

    heading: str
    words: int = 0
    lines: int = 0
    formulas: int = 0
    figures: int = 0

    @property
    def time(self) -> float:
        """Minutes, as they come."""
        read = self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE + self.formulas / FORMULAS_A_MINUTE
        return read + MINUTES_A_FIGURE * self.figures

    @property
    def minutes(self) -> int:
        return max(1, round(self.time))


def sections(notebook: dict) -> list[Section]:
    """The sections of a notebook, in order; exercises are none."""
    found = [Section("")]
    for cell in notebook["cells"]:
        text = keys.source(cell)
        if quick.block(cell):
            continue
        if cell["cell_type"] == "markdown":
            for piece in re.split(r"^(?=##? )", STATED.sub("", text), flags=re.M):
                heading = re.match(r"##? (.+)", piece)
                if heading and piece.startswith("# "):
                    found[-1].heading = heading[1]
                elif heading:
                    found.append(Section(heading[1]))
                count_text(found[-1], piece)
        elif cell["cell_type"] == "code" and not keys.is_exercise(cell):
            count_code(found[-1], cell, text)
    return [section for section in found if section.heading != "Exercises"]


def count_text(section: Section, text: str) -> None:
    text = folded.without(text)
    text = re.sub(r"^(?:> ?)\*\*Exercise.*(?:\n>.*)*", "", text, flags=re.M)
    text = re.sub(r"^:::+\{admonition\} Exercise.*?^:::+\s*$", "", text, flags=re.S | re.M)
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    section.formulas += len(re.findall(r"^(?:> )?\$\$.*?\$\$", text, flags=re.S | re.M))
    text = re.sub(r"^(?:> )?\$\$.*?\$\$(?: *\([\w-]+\))?", "", text, flags=re.S | re.M)
    text = re.sub(r"\$[^$]+\$", " formula ", text)
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|^:class:.*$", " ", text, flags=re.M)
    section.words += len([word for word in text.split() if re.search(r"\w", word)])


def count_code(section: Section, cell: dict, text: str) -> None:
    if "setup" not in cell["metadata"].get("tags", []):
        section.figures += len(LIVE.findall(text)) if text.rstrip().split("\n")[-1].isidentifier() else 0
    if not FOLDED & set(cell["metadata"].get("tags", [])):
        section.lines += len([line for line in text.splitlines() if line.strip()])


def total(found: list[Section]) -> Section:
    """All sections as one."""
    sums = {name: sum(getattr(part, name) for part in found) for name in ("words", "lines", "formulas", "figures")}
    return Section(found[0].heading, **sums)


def minutes(found: list[Section]) -> int:
    """What the whole chapter takes, to five minutes."""
    return max(5, 5 * round(total(found).time / 5))


def stated(notebook: dict) -> dict:
    """The notebook with the minutes written under its headings, in place."""
    found = sections(notebook)
    times = {part.heading: f"*About {part.minutes} minute{'s' if part.minutes > 1 else ''}.*" for part in found}
    times[found[0].heading] = f"*About {minutes(found)} minutes without exercises.*"

    def with_time(heading: re.Match) -> str:
        return f"{heading[0]}\n\n{times[heading[2]]}" if heading[2] in times else heading[0]

    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(r"^(##?) (.+)$", with_time, STATED.sub("", keys.source(cell)), flags=re.M)
    return notebook


def faults(path: Path) -> list[str]:
    """What is wrong with a chapter's length and its statement, in words."""
    notebook = keys.read(path)
    found = sections(notebook)
    whole, said = total(found), []
    if whole.words > WORDS:
        said.append(f"{path.stem} has {whole.words} words, {WORDS} are allowed")
    if whole.lines > LINES:
        said.append(f"{path.stem} has {whole.lines} lines of open code, {LINES} are allowed")
    texts = [keys.source(cell) for cell in notebook["cells"]]
    if texts != [keys.source(cell) for cell in stated(json.loads(json.dumps(notebook)))["cells"]]:
        said.append(f"{path.stem}: other minutes than it takes: python -m tools.length --write book/{path.name}")
    return said


def main() -> int:
    import nbformat

    if sys.argv[1:2] == ["--write"]:
        for name in sys.argv[2:]:
            notebook = nbformat.read(name, as_version=4)
            stated(notebook)
            chapters.write(Path(name), notebook)
        return 0
    for path in chapters.chapter_paths():
        found = sections(keys.read(path))
        print(f"{path.stem}: about {minutes(found)} minutes{' (to come)' if path.stem in TO_COME else ''}")
        for part in [*found, total(found)]:
            name = "in all" if part is not found[0] and part.heading == found[0].heading else part.heading
            print(f"  {part.words:5d} words {part.lines:4d} lines {part.minutes:3d} min  {name[:60]}")
    said = [fault for path in chapters.chapter_paths() if path.stem not in TO_COME for fault in faults(path)]
    print(*said, sep="\n", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
