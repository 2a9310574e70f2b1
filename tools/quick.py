r"""Quick questions: three before a chapter, asked again after it, and five more; each with three choices or four.

    python -m tools.quick                     name what is wrong, in every chapter
    python -m tools.quick book/elbo.ipynb     write the text of a chapter's two cells from what their metadata says

A text cell holds them in its metadata, the one form for authors; the cell's text, which Jupyter shows, is written from
it, and the page makes forms of it (_ext/answers.py, js/page/parts/quick.js):

    "quick": {"when": "before", "questions": [{
        "name": "elbo_q1", "ask": "You change q and leave the model alone. What moves?",
        "choices": [{"says": "Bound and gap, by opposite amounts", "right": true,
                     "because": "log p(x) contains no q, so what the gap loses the bound wins.",
                     "see": "first-derivation"}, ...]}, ...]}

`says` is what a reader chooses, `because` the one sentence on it (on a wrong choice: which slip it is), `see` the
section that cures it: an anchor of this chapter (`<a id="first-derivation"></a>` above a heading), or of another,
"vae.ipynb#the-objective". All are plain text, without formulas: a form reads well on every screen, and aloud.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tools import keys
from tools.keys import ROOT

BOOK = ROOT / "book"
NUMBERS = {"before": 3, "after": 5}
WITHOUT = ("intro",)  # notebooks that ask nothing
FIELDS = {"name", "ask", "choices"}
CHOICE = {"says", "because", "see"}
NAME = re.compile(r"[a-z]+_q\d+")
PLAIN = re.compile(r"[$`\\<>\n]")  # what would be markup, here or there
LETTERS = "abcd"
BEFORE = "Before you read: what do you expect?"
BEFORE_TEXT = "Guess, and read on. After the chapter the same questions come again, with the answers."
AFTER = "Quick questions"
AFTER_TEXT = "The first three are those from before the chapter; say now what you would answer."
NEEDS = (
    "A script in this page takes your choice, and needs JavaScript. In the chapter's notebook the answers are folded."
)


def block(cell: dict) -> dict | None:
    """What a cell asks, {"when": ..., "questions": [...]}; None where it asks nothing."""
    return cell["metadata"].get("quick") if cell["cell_type"] == "markdown" else None


def blocks(notebook: dict) -> dict[str, list[dict]]:
    """A chapter's questions: {"before": [...], "after": [...]}, without those that it has not."""
    found = [given for cell in notebook["cells"] if (given := block(cell))]
    return {given["when"]: given["questions"] for given in found}


def asked(notebook: dict) -> list[dict]:
    """All questions of a chapter in the order in which they are asked after it: those from before it come first."""
    found = blocks(notebook)
    return found.get("before", []) + found.get("after", [])


def stamp(question: dict) -> str:
    """A digest of what is asked and what is right: an answer to another question is none to this one."""
    choices = [[choice["says"], choice.get("right", False)] for choice in question["choices"]]
    return keys.digest(repr((question["ask"], choices)))[:8]


# ------------------------------------------------------------------ where a choice leads


@cache
def headings(page: str, changed: int) -> dict[str, str]:
    """Anchor -> the heading under it, of a chapter; `changed`, its file's time of change, renews what is remembered."""
    texts = [keys.source(cell) for cell in keys.read(BOOK / page)["cells"] if cell["cell_type"] == "markdown"]
    found: dict[str, str] = {}
    for anchors, heading in re.findall(r'^((?:<a id="[\w-]+"></a>\s*)+)^#+ (.+)$', "\n\n".join(texts), flags=re.M):
        found |= dict.fromkeys(re.findall(r'id="([\w-]+)"', anchors), heading)
    return found


def section(see: str, page: str) -> tuple[str, str, str]:
    """(file, anchor, heading) of where `see`, on a chapter's page, leads. Raises KeyError where it leads nowhere."""
    file, _, anchor = see.rpartition("#")
    path = BOOK / (file or page)
    if not path.exists():
        raise KeyError(see)
    return file, anchor, headings(path.name, path.stat().st_mtime_ns)[anchor]


def words(heading: str) -> str:
    """A heading in plain letters."""
    return re.sub(r"\$([^$]*)\$", lambda found: re.sub(r"[\\{}]", "", found[1]), heading).replace("`", "")


# ------------------------------------------------------------------ in Jupyter: the text of a cell


def text(notebook: dict, when: str, page: str) -> str:
    """The text of a chapter's cell before or after it, as plain Markdown."""
    if when == "before":
        lines = [f"> **{BEFORE}**", ">", f"> {BEFORE_TEXT}", ""]
        return "\n".join([*lines, *listed(blocks(notebook)["before"])]).rstrip("\n")
    questions = asked(notebook)
    lines = [f"## {AFTER}", "", AFTER_TEXT, "", *listed(questions)]
    lines += ['<details class="answers"><summary>Answers</summary>', ""]
    for number, question in enumerate(questions, start=1):
        lines.append(f"**{number}.**")
        lines += [
            f"- ({letter}) {'**Right.** ' if choice.get('right') else ''}{choice['because']} {link(choice, page)}"
            for letter, choice in zip(LETTERS, question["choices"], strict=False)
        ]
        lines.append("")
    return "\n".join([*lines, "</details>"])


def listed(questions: list[dict]) -> list[str]:
    """The lines of questions with their choices."""
    lines = []
    for number, question in enumerate(questions, start=1):
        choices = zip(LETTERS, question["choices"], strict=False)
        lines += [f"**{number}.** {question['ask']}", ""]
        lines += [*(f"- ({letter}) {choice['says']}" for letter, choice in choices), ""]
    return lines


def link(choice: dict, page: str) -> str:
    file, anchor, heading = section(choice["see"], page)
    return f"([{heading}]({file}#{anchor}))"


# ------------------------------------------------------------------ in the page: forms, and what they are judged by


def forms(notebook: dict, when: str, tables: str) -> str:
    """A chapter's questions before or after it as forms, in one block of HTML without an empty line."""
    first = [question["name"] for question in blocks(notebook).get("before", [])]
    questions = asked(notebook) if when == "after" else blocks(notebook)["before"]
    made = "".join(form(question, at, when, question["name"] in first, tables) for at, question in enumerate(questions))
    script = f'<noscript><p class="lvm-note">{NEEDS}</p></noscript>'
    if when == "after":
        return f"## {AFTER}\n\n{AFTER_TEXT}\n\n<div>{made}{script}</div>"
    title = f'<p class="lvm-quick-title"><strong>{BEFORE}</strong> {BEFORE_TEXT}</p>'
    return f'<div class="lvm-quick-box" role="group" aria-label="{BEFORE}">{title}{made}{script}</div>'


def form(question: dict, at: int, when: str, first: bool, tables: str) -> str:
    """The form of one question. first: whether it stands before the chapter too."""
    name, number = question["name"], at + 1
    here = f"{name}-{when}"
    choices = "".join(
        f'<label class="lvm-choice"><input type="radio" name="{here}" value="{place}">'
        f"<span>{html.escape(choice['says'])}</span></label>"
        for place, choice in enumerate(question["choices"])
    )
    act = "Note this guess" if when == "before" else "Check"
    kept = f'data-first="{"yes" if first else ""}" data-stamp="{stamp(question)}" data-title="Quick question {number}"'
    ask = f"<legend>{number}. {html.escape(question['ask'])}</legend>"
    button = f'<button type="submit">{act}<span class="visually-hidden">, question {number}</span></button>'
    return (
        f'<form class="lvm-quick" id="{here}" data-quick="{name}" data-when="{when}" {kept} data-tables="{tables}" '
        f'autocomplete="off" novalidate><fieldset disabled aria-describedby="{here}-verdict">{ask}{choices}{button}'
        f'</fieldset><p class="lvm-verdict" id="{here}-verdict" role="status"></p></form>'
    )


def table(question: dict, page: str, said: Callable[[str], str] = str) -> dict:
    """What the page needs to judge a question: of each choice whether it is right, why, and which section says more.

    said: gives a reason, or a heading, as the page has it.
    """
    rows = []
    for choice in question["choices"]:
        file, anchor, heading = section(choice["see"], page)
        place = f"{file.removesuffix('.ipynb')}.html#{anchor}" if file else f"#{anchor}"
        rows.append([bool(choice.get("right")), said(choice["because"]), place, said(words(heading))])
    return {"choices": rows}


# ------------------------------------------------------------------ the command


def faults(notebook: dict, page: str) -> list[str]:
    """What is wrong with a chapter's questions, in words."""
    said = []
    cells = [cell for cell in notebook["cells"] if block(cell)]
    if [block(cell)["when"] for cell in cells] != list(NUMBERS):
        return [f"{page}: two cells are asked, one with questions before the chapter, then one with those after it"]
    for when, questions in blocks(notebook).items():
        if len(questions) != NUMBERS[when]:
            said.append(f"{page}: {NUMBERS[when]} questions are asked {when} the chapter, not {len(questions)}")
    for question in asked(notebook):
        said += [f"{page}, {question.get('name', 'a question')}: {fault}" for fault in wrong(question, page)]
    if not said:
        said += [
            f"{page}: the text of {cell['id']} is not what its metadata says: python -m tools.quick book/{page}"
            for cell in cells
            if keys.source(cell) != text(notebook, block(cell)["when"], page)
        ]
    return said


def wrong(question: dict, page: str) -> list[str]:
    """What is wrong with one question, in words."""
    if set(question) != FIELDS or not NAME.fullmatch(question["name"]):
        return [f"it has {', '.join(sorted(FIELDS))}, and a name such as elbo_q1"]
    choices, said = question["choices"], []
    if any(set(choice) - {"right"} != CHOICE for choice in choices):
        return [f"each choice has {', '.join(sorted(CHOICE))}, and one of them right"]
    if not 3 <= len(choices) <= len(LETTERS):
        said.append(f"three choices or four are offered, not {len(choices)}")
    if [choice.get("right") for choice in choices if "right" in choice] != [True]:
        said.append("one choice is right, and only one")
    texts = [question["ask"], *(choice[field] for choice in choices for field in ("says", "because"))]
    said += [
        f"plain text is asked, in one line, without formulas: {each[:40]!r}" for each in texts if PLAIN.search(each)
    ]
    if len({choice["says"] for choice in choices}) < len(choices):
        said.append("two choices say the same")
    for choice in choices:
        if not choice["because"].endswith((".", "?")) or choice["because"].count(". "):
            said.append(f"one sentence says why: {choice['because'][:40]!r}")
        try:
            section(choice["see"], page)
        except KeyError:
            said.append(f"{choice['see']} leads to no section")
    return said


def main() -> int:
    import nbformat

    from tools import chapters

    for name in sys.argv[1:]:
        path = Path(name)
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if given := block(cell):
                cell.source = text(notebook, given["when"], path.name)
        chapters.write(path, notebook)
    said = [
        fault
        for path in chapters.chapter_paths()
        if path.stem not in WITHOUT
        for fault in faults(keys.read(path), path.name)
    ]
    print(*said, sep="\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
