"""Reading mode: in a page the code stands folded, but for what teaches; one switch in the header opens it all.

A cell tagged `teaches` stands open, as do results. Two or more lines that claim something of a run (lvm_lib.claims), or
set it beside stored ones (lvm_lib.experiments), become a table. Notebooks are not changed: there all code is open.
"""

from __future__ import annotations

import html
import itertools
import re

from tools import exercises, keys, runs

OPEN = {"teaches"}
HANDLED = {"remove-input", "remove-cell", "hide-cell"}
CLAIMS = {  # a line's form: caption and headings of a table of such lines
    re.compile(r"(.+): (.+?) \(claimed: (.+)\)"): (
        "What this run found, and what is claimed of it",
        "this run",
        "claimed",
    ),
    re.compile(r"(.+): (.+?) here; stored (.+)"): ("This run beside the stored ones", "this run", "stored"),
}


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
    """A page's notebook with its printed claims as tables, in place."""
    for cell in runs.code_cells(notebook):
        cell["outputs"] = [piece for output in cell["outputs"] for piece in tabled(output)]
    return notebook


def tabled(output: dict) -> list[dict]:
    """An output as it is, or in pieces: printed lines, and tables in place of two or more claims of one form."""
    if output.get("output_type") != "stream" or output.get("name") != "stdout":
        return [output]
    pieces: list[dict] = []
    for form, lines in itertools.groupby("".join(output["text"]).splitlines(keepends=True), form_of):
        same = list(lines)
        if form and len(same) > 1:
            shown = {
                "text/html": table(form, [form.fullmatch(line.strip()) for line in same]),
                "text/plain": "".join(same),
            }
            pieces.append({"output_type": "display_data", "metadata": {}, "data": shown})
        elif pieces and pieces[-1]["output_type"] == "stream":
            pieces[-1]["text"] += "".join(same)
        else:
            pieces.append({**output, "text": "".join(same)})
    return pieces


def form_of(line: str) -> re.Pattern | None:
    """The form of CLAIMS that a line has, or None."""
    return next((form for form in CLAIMS if form.fullmatch(line.strip())), None)


def table(form: re.Pattern, found: list) -> str:
    """A table of claims, made like those of lvm_lib.tables."""
    caption, *heads = CLAIMS[form]
    head = "".join(
        f'<th scope="col" style="text-align:{side}">{name}</th>'
        for name, side in zip(("what", *heads), ("left", "right", "right"), strict=True)
    )
    body = ""
    for name, here, said in (match.groups() for match in found):
        numbers = "".join(
            f'<td style="text-align:right">{html.escape(re.sub(r"-(?=[0-9])", "−", cell))}</td>'
            for cell in (here, said)
        )
        body += f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>{numbers}</tr>'
    return (
        f'<table class="lvm-table"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
