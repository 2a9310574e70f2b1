"""Reading mode: in a page the code stands folded, but for what teaches; one switch in the header opens it all.

A cell tagged `teaches` stands open, as do results. Two or more lines that claim something of a run (lvm_lib.claims), or
set it beside stored ones (lvm_lib.experiments), become a table, one line a sentence; both say what the two numbers are.
Whole thousands get a comma in tables and in what was printed. Notebooks are not changed: there all code is open.
"""

from __future__ import annotations

import html
import itertools
import re
from decimal import Decimal

from tools import exercises, keys, runs

OPEN = {"teaches"}
HANDLED = {"remove-input", "remove-cell", "hide-cell"}
CLAIM = re.compile(r"(?P<name>.+): (?P<here>.+?) \(claimed: (?P<bound>.+)\)")
BESIDE = re.compile(r"(?P<name>.+): (?P<here>.+?) here; stored (?P<mean>.+) over (?P<runs>\d+) runs")
FORMS = {  # a line's form: caption of a table of such lines, headings of its numbers, a single line as a sentence
    CLAIM: (
        "What this run found{unit}, beside what the text claims. A run on another machine ends a little elsewhere.",
        ("in this run", "the text claims"),
        "{name}: {here} in this run; the text claims {bound}",
    ),
    BESIDE: (
        "This run{unit}, beside the mean of stored runs with other random seeds (± standard error of the mean). "
        "A single run may lie further off.",
        ("in this run", "mean of {runs} stored runs"),
        "{name}: {here} in this run; {mean} is the mean of {runs} stored runs with other random seeds",
    ),
}
ONE = re.compile(r"(?<![\d.,])1$")  # behind which a unit is singular
NUMBER = r"[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
MEASURED = re.compile(rf"(?P<number>{NUMBER}(?: ± {NUMBER})?)(?: (?P<unit>.+))?")
LISTED = re.compile(r"\([\d\s,.]*,[\d\s,.]*\)|\[[^\]<]*\]")  # a shape or a list, which stays as it is
THOUSANDS = re.compile(r"(?<![\w.,:])(\d{4,})(?!\w|,\d)")
TABLE = re.compile(r'<table class="lvm-table"(?: data-stacked)?>.*?</table>', flags=re.S)


def with_folds(notebook: dict) -> dict:
    """A page's notebook with the input of each cell that does not teach folded, in place."""
    for cell in runs.code_cells(notebook):
        tags = cell["metadata"].get("tags", [])
        if set(tags) & (OPEN | HANDLED):
            continue
        lines = len([line for line in keys.source(cell).splitlines() if line.strip()])
        words = f"Code, {lines} line{'s' if lines > 1 else ''}"
        if exercises.asked(cell):
            words = "Answer in a notebook"
        prompts = {"code_prompt_show": words, "code_prompt_hide": words}
        cell["metadata"] = {"mystnb": prompts, **cell["metadata"], "tags": [*dict.fromkeys([*tags, "hide-input"])]}
    return notebook


def with_tables(notebook: dict) -> dict:
    """A page's notebook with its printed claims as tables, and commas in its thousands, in place."""
    for cell in runs.code_cells(notebook):
        cell["outputs"] = [with_commas(piece) for output in cell["outputs"] for piece in tabled(output)]
    return notebook


def with_commas(output: dict) -> dict:
    """An output with commas in the thousands of its printed lines, or of its table."""
    if output.get("output_type") == "stream":
        return {**output, "text": thousands("".join(output["text"]))}
    shown = "".join(output.get("data", {}).get("text/html", ""))
    if not TABLE.search(shown):
        return output
    made = TABLE.sub(lambda found: thousands(found[0]), shown)
    return {**output, "data": {**output["data"], "text/html": made}}


def thousands(text: str) -> str:
    """A text with a comma before every three digits of what is 1,000 or more; shapes and lists stay."""
    pieces, at = [], 0
    for kept in [*LISTED.finditer(text), None]:
        free = text[at : kept.start() if kept else len(text)]
        pieces += [THOUSANDS.sub(lambda found: f"{int(found[1]):,}", free), kept[0] if kept else ""]
        at = kept.end() if kept else at
    return "".join(pieces)


def tabled(output: dict) -> list[dict]:
    """An output as it is, or in pieces: printed lines, and tables in place of two or more claims of one form."""
    if output.get("output_type") != "stream" or output.get("name") != "stdout":
        return [output]
    pieces: list[dict] = []
    for form, lines in itertools.groupby("".join(output["text"]).splitlines(keepends=True), form_of):
        same = list(lines)
        found = [match for line in same if form and (match := form.fullmatch(line.strip()))]
        if form and len(found) > 1:
            shown = {"text/html": table(form, found), "text/plain": "".join(same)}
            pieces.append({"output_type": "display_data", "metadata": {}, "data": shown})
            continue
        text = sentence(form, found[0]) if form and found else "".join(same)
        if pieces and pieces[-1]["output_type"] == "stream":
            pieces[-1]["text"] += text
        else:
            pieces.append({**output, "text": text})
    return pieces


def form_of(line: str) -> re.Pattern | None:
    """The form that a line has, or None."""
    return next((form for form in FORMS if form.fullmatch(line.strip())), None)


def numbers(match: re.Match) -> tuple[str, str, str]:
    """What a line says: the run's number, the bound or mean beside it, and their unit, which may be empty.

    Both are rounded already, each by what printed it.
    """
    here = MEASURED.fullmatch(match["here"])
    if not here:
        return match["here"], match[3], ""
    mean = MEASURED.fullmatch(match[3]) if match.re is BESIDE else None
    return here["number"], mean["number"] if mean else match[3], here["unit"] or ""


def with_unit(number: str, unit: str) -> str:
    """A number with its unit: at least 1 nat, 2 nats, 3."""
    if not unit:
        return number
    return f"{number} {unit[:-1] if ONE.search(number) and unit.endswith('s') else unit}"


def evened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows of numbers and means with as many decimals each as the row that has fewest, where no error becomes zero."""
    parts = [[number.replace("−", "-") for cell in row for number in cell.split(" ± ")] for row in rows]
    if any("e" in number for row in parts for number in row):
        return rows
    decimals = min(len(number.partition(".")[2]) for row in parts for number in row)
    rounded = [[f"{Decimal(number):.{decimals}f}" for number in row] for row in parts]
    lost = (
        not Decimal(new) and Decimal(old)
        for was, row in zip(parts, rounded, strict=True)
        for old, new in zip(was, row, strict=True)
    )
    if any(lost):
        return rows
    return [(here, " ± ".join(mean)) for here, *mean in rounded]


def sentence(form: re.Pattern, match: re.Match) -> str:
    """A single line of one form, in words that say what its numbers are."""
    here, beside, unit = numbers(match)
    other = "bound" if form is CLAIM else "mean"
    said = {**match.groupdict(), "here": with_unit(here, unit), other: with_unit(beside, unit)}
    return FORMS[form][2].format(**said) + "\n"


def table(form: re.Pattern, found: list[re.Match]) -> str:
    """A table of claims, made like those of lvm_lib.tables; a unit that all rows share stands in the caption.

    Such tables are alike on a narrow screen too: cards, all of them (cards.py).
    """
    caption, names, _ = FORMS[form]
    rows = [(match["name"], *numbers(match)) for match in found]
    units = {unit for *_, unit in rows}
    shared = units.pop() if len(units) == 1 else ""
    if form is BESIDE and len({unit for *_, unit in rows}) == 1:
        pairs = evened([row[1:3] for row in rows])
        rows = [(name, *pair, unit) for (name, *_, unit), pair in zip(rows, pairs, strict=True)]
    counts = {match["runs"] for match in found} if form is BESIDE else {""}
    caption = caption.format(unit=f" ({shared})" if shared else "")
    names = [name.format(runs=counts.copy().pop() if len(counts) == 1 else "the") for name in names]
    heads = ["quantity", *names]
    head = "".join(
        f'<th scope="col" style="text-align:{side}">{html.escape(name, quote=False)}</th>'
        for name, side in zip(heads, ("left", "right", "right"), strict=True)
    )
    body = ""
    for name, here, beside, unit in rows:
        own = "" if shared else unit
        cells = "".join(
            f'<td style="text-align:right">{html.escape(re.sub(r"-(?=[0-9])", "−", with_unit(cell, own)))}</td>'
            for cell in (here, beside)
        )
        body += f'<tr><th scope="row" style="text-align:left">{html.escape(name, quote=False)}</th>{cells}</tr>'
    return (
        f'<table class="lvm-table" data-stacked><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
