"""Fields in a page for the exercises that it can judge, and the side files with their tables.

A cell that calls a check whose answer is numbers gives a form in the box of its exercise, drawn here, so that nothing
moves when its script comes; the cell itself is folded. assets/bundle/answers.min.js (js/page/answers.js) brings the
forms to life, and loads the chapter's tables, `_exercises/<chapter>.js`, when one of them comes near. The side file
`_exercises/all.js` lists every exercise of the book, for the contents list and the page "Your answers".

Quick questions (tools/quick.py) become forms of the same kind; the cell's own text is for Jupyter.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import minus
import reading
import symbols

from tools import chapters, exercises, keys, plain, quick

BOX = re.compile(r"^:::\{admonition\} (?P<title>[^\n]*)\n:class: exercise\n.*?^:::$", flags=re.S | re.M)
WORDS = {"right", "what", "name", "says", "outside"}  # of a table, what is read
UNANSWERED = "Not answered yet: "
PROMPTS = {"code_prompt_show": "The same in a notebook", "code_prompt_hide": "The same in a notebook"}
NEEDS = "Your answer is judged by a script in this page, and needs JavaScript. In a notebook, the cell below judges it."


def distances() -> bool:
    """Whether wrong answers are told how far off they are: not where the solutions are left out."""
    return not chapters.without_solutions()


def judged(notebook: dict) -> list[dict]:
    """The exercises of a notebook that its page can judge, in order: name, title, stamp and names of the parts."""
    found, title = [], ""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            title = ([title] + [box["title"] for box in BOX.finditer(plain.boxes(keys.source(cell)))])[-1]
        for name in exercises.asked(cell):
            table = exercises.table(name, distances())
            if table and name not in [each["name"] for each in found]:
                parts = [part["what"] for part in table["parts"]]
                found.append({"name": name, "title": spelt(title) or name, "stamp": table["stamp"], "parts": parts})
    return found


def spelt(title: str) -> str:
    """A title in plain letters: a formula by the names of its signs."""
    return symbols.spelt(re.sub(r"\$([^$]*)\$", lambda found: re.sub(r"[\\{}]", "", found[1]), title).replace("`", ""))


def words(text: str) -> str:
    """Words of a table, which a script shows, with the signs that the build gives a page's text."""
    return html.unescape(reading.thousands(symbols.plain(minus.signed(html.escape(text, quote=False)))))


def shown(part, name: str = ""):
    """A table, or a part of one with its name, with its words as they are shown."""
    if isinstance(part, dict):
        return {name: shown(each, name) for name, each in part.items()}
    if isinstance(part, list):
        return [shown(each) for each in part]
    return words(part) if name in WORDS and isinstance(part, str) else part


def with_fields(notebook: dict, docname: str) -> dict:
    """A page's notebook with a form for each exercise that the page can judge, in place; what is given is what came."""
    known = {each["name"]: each for each in judged(notebook)}
    asks = {given["when"]: quick.forms(notebook, given["when"], tables(docname)) for given in quick_cells(notebook)}
    cells: list[dict] = []
    for cell in notebook["cells"]:
        if given := quick.block(cell):
            cell["source"] = asks[given["when"]]
        names = exercises.asked(cell)
        if names:
            cell["outputs"] = [output for output in cell["outputs"] if not unanswered(output)]
        forms = "".join(form(known.pop(name), docname) for name in names if name in known)
        if forms:
            fold = not any(exercises.maker(name)[1] for name in names)  # where a function is asked, its cell stays open
            tags = cell["metadata"].get("tags", [])
            if fold:
                cell["metadata"] = {**cell["metadata"], "tags": [*tags, "hide-input"], "mystnb": PROMPTS}
        if names:
            inside = f"{forms}\n{in_notebook(names, cell, docname)}".strip("\n")
            if cells and cells[-1]["cell_type"] == "markdown":
                cells[-1]["source"] = into_box(keys.source(cells[-1]), inside)
            else:
                cells.append({"cell_type": "markdown", "id": f"answer-{names[0]}", "metadata": {}, "source": inside})
        cells.append(cell)
    notebook["cells"] = cells
    return notebook


def in_notebook(names: list[str], cell: dict, docname: str) -> str:
    """A line on where the exercise stands in a notebook: in the one beside the page, and on Colab at its cell."""
    import downloads

    calls = " and ".join(f"<code>check.{name}</code>" for name in names)
    file = downloads.link(docname, f"{docname.rsplit('/', 1)[-1]}.ipynb")
    colab = downloads.cell_on_colab(docname, cell)
    there = f', or <a href="{html.escape(colab)}">that cell on Colab</a>' if colab else ""
    return f'<p class="lvm-in-notebook">In a notebook: the cell with {calls} in {file}{there}.</p>'


def quick_cells(notebook: dict) -> list[dict]:
    """What the cells with quick questions ask."""
    return [given for cell in notebook["cells"] if (given := quick.block(cell))]


def tables(docname: str) -> str:
    """The address of a page's side file, from the page."""
    return "../" * docname.count("/") + f"_exercises/{docname.rsplit('/', 1)[-1]}.js"


def unanswered(output: dict) -> bool:
    """Whether an output only says that nothing was answered: in a page that is no news."""
    return "".join(output.get("text", "")).startswith(UNANSWERED)


def into_box(text: str, forms: str) -> str:
    """The text of a cell with the forms at the end of its last exercise's box; behind the text where it has none."""
    boxes = list(BOX.finditer(text))
    end = boxes[-1].end() - len(":::") if boxes else len(text)
    return f"{text[:end].rstrip()}\n\n{forms}\n\n{text[end:]}"


def form(exercise: dict, docname: str) -> str:
    """The form of one exercise, without an empty line, since that would end it in Markdown."""
    name, title = exercise["name"], html.escape(exercise["title"], quote=True)
    table = exercises.table(name, distances())
    assert table is not None  # it stands among those that can be judged
    question = table["question"]
    ask = f'<p class="lvm-predict"><strong>Predict.</strong> {html.escape(question)}</p>' if question else ""
    fields = "".join(field(name, at, part) for at, part in enumerate(table["parts"]))
    return (
        f'<form class="lvm-answer" data-exercise="{name}" data-stamp="{exercise["stamp"]}" data-title="{title}" '
        f'data-tables="{tables(docname)}" autocomplete="off" novalidate><fieldset disabled>'
        f'<legend class="visually-hidden">Your answer to {title}</legend>{ask}{fields}'
        f'<button type="submit">Check<span class="visually-hidden"> your answer to {title}</span></button></fieldset>'
        f'<p class="lvm-verdict" id="{name}-verdict" role="status"></p>'
        f'<noscript><p class="lvm-note">{NEEDS}</p></noscript></form>'
    )


def field(name: str, at: int, part: dict) -> str:
    """A label, with the unit and how many numbers are asked, and a field."""
    what = html.escape(part["what"])
    word = re.match(r"[a-z]+\b(?!\^)", what)  # a symbol keeps its case
    label = f"<span>{what[:1].upper() + what[1:] if word and not part['symbol'] else what}</span>"
    wants = []
    if part.get("unit") and not re.search(rf"\b{re.escape(part['unit'])}\b", part["what"]):
        wants.append(f"in {part['unit']}")
    if part.get("exact"):
        wants.append("a whole number")
    if part.get("shape"):
        count = part["shape"][0]
        shape = "; ".join(["1.5", "2", "0.5", "3"][:count])
        wants.append(f"one number, or {count} of them" if part["alike"] else f"{count} numbers, as in {shape}")
    unit = f' <span class="lvm-unit">{", ".join(wants)}</span>' if wants else ""
    identity = f"{name}-{at}"
    return (
        f'<p class="lvm-field"><label for="{identity}">{label}{unit}</label><input id="{identity}" type="text" '
        f'autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="{name}-verdict"></p>'
    )


def notebooks(app) -> dict[str, Path]:
    """The book's notebooks in the order of its contents, by their page."""
    order = [app.config.root_doc]
    for page in order:
        order += [name for name in app.env.toctree_includes.get(page, []) if name not in order]
    found = {name: Path(app.env.doc2path(name)) for name in order}
    return {name: path for name, path in found.items() if path.suffix == ".ipynb"}


def side_files(app, error) -> None:
    """Write the tables of each chapter, and the list of all, beside the pages."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_exercises"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    listed = []
    for page, path in notebooks(app).items():
        notebook = keys.read(path)
        chapter, found, asked = page.rsplit("/", 1)[-1], judged(notebook), quick.asked(notebook)
        if found or asked:
            by_name = {question["name"]: quick.table(question, path.name, words) for question in asked}
            text = exercises.side_file(chapter, [each["name"] for each in found], distances(), by_name, shown)
            (folder / f"{chapter}.js").write_text(text, encoding="utf-8")
            title = app.env.titles[page].astext()
            short = [{"name": question["name"], "stamp": quick.stamp(question)} for question in asked]
            listed.append(
                {"chapter": chapter, "page": f"{page}.html", "title": title, "exercises": found, "quick": short}
            )
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    (folder / "all.js").write_text(f"lvmExerciseList={text}\n", encoding="utf-8")


def setup(app) -> None:
    app.connect("build-finished", side_files)
