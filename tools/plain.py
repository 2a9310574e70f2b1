r"""One text of a chapter, read in two places: in any Jupyter as plain Markdown, in the built page as MyST.

    python -m tools.plain                 name what is not plain yet, in every chapter
    python -m tools.plain book/vae.ipynb  write a chapter's MyST forms as plain ones, its references in today's words,
                                          and fold in JupyterLab what is folded in the page

Chapters are written in the plain form. The build dresses it (`dressed`, for _ext/run.py and tools/identities.py):

    > **Exercise 1. How many?**              an admonition of class exercise; so are "What you can do after this
    >                                        chapter" (goals), "The question" (question) and "The algorithm" (algorithm)
    > ...
    <a id="elbo-bayes"></a>                  the label of the formula under it; its \tag says the same, so that the
    $$ ... \tag{elbo-bayes} $$               formula has a name where nothing numbers it
    [(elbo-bayes)](#elbo-bayes)              a reference to it: {eq}`elbo-bayes`. From another chapter:
    [(kl-mle)](kl_and_mle.ipynb#kl-mle)
    <a id="two-rulers"></a>                  above a heading: the label (two-rulers)=
    [two rulers](#two-rulers)                a link to it
    [the next chapter](elbo.ipynb)           a link to a page
    [[Burda et al., 2016]](appendix/references.md#burda2016importance)     a citation: {cite}`burda2016importance`
    *About 5 minutes.*                       what a section takes (tools/length.py writes it)
"""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path

from tools import keys
from tools.keys import ROOT

BOOK = ROOT / "book"
BOXES = {
    r"What you can do after this chapter": "goals",
    r"The question": "question",
    r"The algorithm": "algorithm",
    r"Exercise \d+\..*": "exercise",
}
NAME = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
PAGE = r"(?:[\w./-]+\.(?:ipynb|md))?"
ANCHOR = rf'<a id="({NAME})"></a>'
CODE = re.compile(r"(^```.*?^```$)", flags=re.S | re.M)
CITED = r"\[\[[^\[\]]+\]\]\([\w./]*references\.md#(\w+)\)"
RAW = {
    "a fence of colons": r"^\s*:{3,}",
    "a MyST role": r"\{(?:eq|cite|cite:\w+|doc|ref|numref|term)\}`",
    "a label in brackets": rf"^\({NAME}\)=\s*$",
    "a label after a formula": rf"\$\$ *\({NAME}\)",
}


# ------------------------------------------------------------------ from plain to MyST, for the page


def dressed(text: str) -> str:
    """A text cell as the build's parser wants it."""
    formula = rf"(?:{ANCHOR}\s*\n)?(\$\$\n(?:(?!\$\$).)*?)\s*\\tag\{{({NAME})\}}\s*\n\$\$"
    text = re.sub(formula, _labelled, boxes(text), flags=re.S)
    text = re.sub(r"^\*(About \d+ minutes?(?: without exercises)?\.)\*$", r"[\1]{.lvm-minutes}", text, flags=re.M)
    text = re.sub(rf"((?:{ANCHOR}\s*)+)\n(?=#)", lambda found: _targets(found[1]), text)
    return outside_code(text, _roles)


def boxes(text: str) -> str:
    """Quotes that begin with one of the titles of BOXES as admonitions."""

    def box(found: re.Match) -> str:
        lines = [re.sub(r"^> ?", "", line) for line in found[0].rstrip("\n").split("\n")]
        title = re.fullmatch(r"\*\*(.+?)\*\*\s*", lines[0])
        kind = title and next((name for words, name in BOXES.items() if re.fullmatch(words, title[1])), None)
        if not kind:
            return found[0]
        body = "\n".join(lines[1:]).strip("\n")
        return f":::{{admonition}} {title[1]}\n:class: {kind}\n{body}\n:::\n"

    return re.sub(r"^>.*(?:\n>.*)*\n?", box, text, flags=re.M)


def _labelled(found: re.Match) -> str:
    return f"{found[2]}\n$$ ({found[3]})"


def _targets(anchors: str) -> str:
    return "".join(f"({name})=\n" for name in re.findall(ANCHOR, anchors))


def _roles(text: str) -> str:
    text = re.sub(rf"\[\(({NAME})\)\]\({PAGE}#\1\)", r"{eq}`\1`", text)
    text = re.sub(rf"{CITED}(?: {CITED})*", lambda found: f"{{cite}}`{','.join(re.findall(CITED, found[0]))}`", text)
    text = re.sub(rf"\[([^\[\]]+)\]\({PAGE}#({NAME})\)", r"{ref}`\1 <\2>`", text)
    return re.sub(r"\[([^\[\]]+)\]\((?!\w+:)([\w./-]+)\.(?:ipynb|md)\)", r"{doc}`\1 <\2>`", text)


def outside_code(text: str, change) -> str:
    """`change` applied to the parts of a text that are no code."""
    parts = CODE.split(text)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def dressed_notebook(notebook: dict) -> dict:
    """A notebook with its text cells dressed, in place; what it gives is what it was given."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = dressed(keys.source(cell))
    return notebook


# ------------------------------------------------------------------ from MyST to plain, once


def plain(text: str, page: str) -> str:
    """A text cell of `page` ("elbo") in the plain form; what is plain already gets today's words."""

    def quote(found: re.Match) -> str:
        return "\n".join(
            f"> {line}".rstrip() for line in [f"**{found[1].strip()}**", "", *found[2].strip().split("\n")]
        )

    kinds = "|".join(BOXES.values())
    text = re.sub(rf"^:::\{{admonition\}} ([^\n]*)\n:class: (?:{kinds})\n(.*?)^:::$", quote, text, flags=re.S | re.M)
    text = re.sub(rf"^\(({NAME})\)=\s*\n", r'<a id="\1"></a>\n\n', text, flags=re.M)

    def named(found: re.Match) -> str:
        return f'<a id="{found[2]}"></a>\n\n$$\n{found[1]}\n\\tag{{{found[2]}}}\n$$'

    text = re.sub(rf"^\$\$\n((?:(?!\$\$).)*?)\n?\$\$ *\(({NAME})\)", named, text, flags=re.S | re.M)
    return outside_code(text, lambda part: _links(part, page))


def _links(text: str, page: str) -> str:
    text = re.sub(rf"\{{eq\}}`({NAME})`", lambda found: reference(found[1], page), text)
    text = re.sub(r"\{cite\}`([\w,\s]+)`", lambda f: " ".join(cited(key.strip()) for key in f[1].split(",")), text)
    text = re.sub(CITED, lambda found: cited(found[1]), text)
    text = re.sub(r"\{doc\}`([^<`]+?) ?<([\w/]+)>`", lambda found: f"[{found[1]}]({file_of(found[2])})", text)
    text = re.sub(r"\{doc\}`([\w/]+)`", lambda found: f"[{title(found[1])}]({file_of(found[1])})", text)
    text = re.sub(r"\{ref\}`([^<`]+?) ?<([\w-]+)>`", lambda found: f"[{found[1]}](#{found[2]})", text)
    return re.sub(rf"\]\(({NAME}-{NAME})\)", lambda found: f"](#{found[1]})", text)


def reference(label: str, page: str) -> str:
    """A reference to a formula, from `page`."""
    home = formulas().get(label)
    if home is None:
        raise ValueError(f"no chapter has a formula {label}")
    return f"[({label})]({'' if home == page else home + '.ipynb'}#{label})"


@functools.cache
def formulas() -> dict[str, str]:
    """Label of a formula -> the chapter it stands in."""
    from tools import identities

    return {label.label: label.page.removeprefix("book/") for label in identities.labels()}


def file_of(page: str) -> str:
    """A page's file, as a link from a chapter names it."""
    return next(f"{page}{suffix}" for suffix in (".ipynb", ".md") if (BOOK / f"{page}{suffix}").exists())


def title(page: str) -> str:
    """A page's first heading."""
    from tools import identities

    texts = identities.markdown(BOOK / file_of(page))
    return next(found[1] for text in texts if (found := re.search(r"^# (.+)$", text, flags=re.M)))


# ------------------------------------------------------------------ references


@functools.cache
def entries() -> dict:
    """The entries of references.bib, by key."""
    from pybtex.database import parse_file

    return dict(parse_file(str(ROOT / "references.bib")).entries)


def cited(key: str) -> str:
    """A citation in words, as the page says it: who and when."""
    if key not in entries():
        raise ValueError(f"references.bib has no {key}")
    people = [" ".join([*who.prelast_names, *who.last_names]) for who in entries()[key].persons["author"]]
    who = people[0] if len(people) == 1 else " and ".join(people) if len(people) == 2 else f"{people[0]} et al."
    return f"[[{re.sub(r'[{}]', '', who)}, {entries()[key].fields['year']}]](appendix/references.md#{key})"


def listed() -> str:
    """The list of references in plain Markdown; the build puts its own in its place."""
    from pybtex.plugin import find_plugin

    from . import references

    references.register()
    words = find_plugin("pybtex.backends", "plaintext")()
    formatted = references.Style().format_entries(list(entries().values()))
    return "\n".join(f'- <a id="{entry.key}"></a>{entry.text.render(words)}' for entry in formatted)


def with_references(text: str) -> str:
    """The page of references with the list as it is now."""
    return re.sub(
        r"(?:^- <a id=.*\n?)+|^```\{bibliography\}\n```\n?", lambda _: listed() + "\n", text, count=1, flags=re.M
    )


def bibliography(text: str) -> str:
    """The page of references as the build's parser wants it."""
    return re.sub(r"(?:^- <a id=.*\n?)+", "```{bibliography}\n```\n", text, count=1, flags=re.M)


# ------------------------------------------------------------------ the command


def raw(text: str) -> list[str]:
    """What of a text a plain Jupyter would show as it is written, in words."""
    found = [(what, match[0].strip()) for what, form in RAW.items() for match in re.finditer(form, text, flags=re.M)]
    return [f"{what}: {words}" for what, words in found]


def faults(path: Path) -> list[str]:
    """What of a chapter is not plain, or not in today's words."""
    said = []
    for cell in keys.read(path)["cells"]:
        if cell["cell_type"] == "markdown":
            text = keys.source(cell)
            said += [f"{path.stem}, cell {cell['id']}: {what}" for what in raw(text)]
            if not raw(text) and plain(text, path.stem) != text:
                said.append(f"{path.stem}, cell {cell['id']}: a reference in other words than references.bib has")
    return said


def main() -> int:
    import nbformat

    from tools import chapters

    for name in sys.argv[1:]:
        path = Path(name)
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = plain(cell.source, path.stem)
            elif "hide-input" in cell.metadata.get("tags", []):
                cell.metadata["jupyter"] = {"source_hidden": True}
        chapters.write(path, notebook)
    if sys.argv[1:]:
        page = BOOK / "appendix" / "references.md"
        page.write_text(with_references(page.read_text(encoding="utf-8")), encoding="utf-8")
    said = [fault for path in chapters.chapter_paths() for fault in faults(path)]
    print(*said, sep="\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
