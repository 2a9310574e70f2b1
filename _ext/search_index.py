"""What the page "Search" looks through: one side file, `_search/book.js`, made from the built pages themselves.

Of each section it holds the place, the heading, the text as it is read, the equations and the names of the library
that its code uses; the words are found in the reader's browser (js/engine/search.js). So it says nothing that the
pages do not say, and the same pages give the same bytes. Not in it: numbers that code printed, forms, hints and
solutions, for nobody should meet an answer in a list of results. Sphinx's own search is not built.
"""

from __future__ import annotations

import ast
import html
import json
import re
import shutil
from pathlib import Path

import minus
import page as frame
import symbols

from tools import identities

ROOT = Path(__file__).resolve().parent.parent
TAG = re.compile(r"<!--.*?-->|<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*)>", flags=re.S)
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
SIMPLE = r"<m[ion][^>]*>[^<]*</m[ion]>"  # a power and a fraction in a line of text, where their base is one sign
POWER, OVER = re.compile(rf"<msup>{SIMPLE}"), re.compile(rf"<mfrac>{SIMPLE}")
BELOW = re.compile(rf"<msub>{SIMPLE}|(?<=\w)(?=<sub>\w)")  # an index likewise: q_n, and not qn
BOTH = re.compile(rf"(<msubsup>{SIMPLE})({SIMPLE}|<mrow>.*?</mrow>)(?={SIMPLE})")  # an index and a power: s_j^2
SIGN = re.compile(r"<mo[^>]*>([=≈≠≤≥∝∼→]|&lt;|&gt;)</mo>")
BETWEEN = re.compile(r"(</m(?:i|n|row|su[bp]|subsup|frac)>)<mo[^>]*>([−+])</mo>")  # a sign between two things
NAMED = re.compile(r"<mo>\N{FUNCTION APPLICATION}</mo>(?!<mo[^>]*>[(\[])")  # log p, and KL(
RAISED = re.compile(r"(?<=\w)(?=<sup>[−\dT])")  # 10^−8 in text
VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}
LEFT_OUT = {
    *("script", "style", "noscript", "form", "svg", "nav", "annotation", "summary", "button"),
    *("headerlink", "lvm-kicker", "lvm-open", "lvm-in-notebook", "katex-html", "lvm-formula", "eqno", "lvm-minutes"),
    *("hint", "solution", "lvm-live", "cell_output", "lvm-quick-title", "label", "lvm-report"),
}
BLOCKS = {"p", "li", "tr", "dt", "dd", "caption", "section", "div", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}
CELLS = {"td", "th"}
TITLES = {"section": {"h1", "h2", "h3", "h4", "h5", "h6"}, "tr": {"td"}, "div": {"admonition-title"}}
IMPORT = re.compile(r"^(?:from [\w.]+ )?import (?:\([^)]*\)|.*)$", flags=re.M)  # what is brought in is used below
NAME = re.compile(r"\b[A-Za-z_]\w{2,}\b")


class Section:
    """A section as it is searched: its depth in the page, anchor, heading, text, equations and names."""

    def __init__(self, depth: int, anchor: str, kind: str = "section"):
        self.depth, self.anchor, self.kind = depth, anchor, kind
        self.heading, self.text, self.code = "", "", ""
        self.equations: list[str] = []

    def keep(self, into: str, words: str) -> None:
        if into:
            setattr(self, into, getattr(self, into) + words)


def begins(name: str, given: dict[str, str]) -> bool:
    """Whether an element is found as a place of its own: a section, an exercise, a term or a reference."""
    kinds = given.get("class", "").split()
    return "id" in given and (
        name in {"section", "tr"} or "citation" in kinds or {"exercise", "admonition"} <= {*kinds}
    )


def sections(page: str) -> list[Section]:
    """The sections of a built page in their order, each without those inside it."""
    page = BETWEEN.sub(r"\1 \2 ", SIGN.sub(r" \1 ", BOTH.sub(r"\1_\2^", page)))
    page = RAISED.sub("^", NAMED.sub(" ", page))
    page = BELOW.sub(r"\g<0>_", POWER.sub(r"\g<0>^", OVER.sub(r"\g<0>/", page)))
    start, end = page.find("<article>"), page.find("<footer", page.find("<article>"))
    found = [Section(0, "")]
    inside = found[:]  # the sections around the present place
    stack: list[tuple[str, str, bool]] = []  # open elements: name, where their text goes, whether they are sections
    at, into, cells = start, "text", 0
    for tag in TAG.finditer(page, start, end):
        inside[-1].keep(into, page[at : tag.start()] if into == "code" else re.sub(r"\s+", " ", page[at : tag.start()]))
        at = tag.end()
        closing, name, attributes = tag[1], (tag[2] or "").lower(), tag[3] or ""
        if not name or name in VOID or attributes.endswith("/"):
            continue
        if closing:
            opened = ""
            while stack and opened != name:
                opened, into, own = stack.pop()
                cells -= opened in CELLS
                inside = inside[:-1] if own else inside
            inside[-1].keep(into, boundary(name, cells))
            continue
        given = dict(ATTRIBUTE.findall(attributes))
        own = into != "" and begins(name, given)
        stack.append((name, into, own))
        cells += name in CELLS
        if not into:
            continue
        inside[-1].keep(into, boundary(name, cells))
        if own:
            inside = [*inside, Section(len(inside), given["id"], name)]
            found.append(inside[-1])
        if given.get("id", "").startswith("equation-"):
            inside[-1].equations.append(given["id"].removeprefix("equation-"))
        kinds = {name, *given.get("class", "").split()}
        if kinds & LEFT_OUT:
            into = ""
        elif kinds & TITLES[inside[-1].kind] and not inside[-1].heading:
            into = "heading"
        elif name == "pre":
            into = "code"
    return found


def boundary(name: str, cells: int) -> str:
    """What stands between an element and its neighbours where only their words are read; `cells`: in a table's cell."""
    if name in BLOCKS and not cells:
        return "\n"
    return " · " if name in CELLS else " " if name in BLOCKS or name == "br" else ""


def read(text: str) -> str:
    """A text as it is read: blocks a line each, one space between words, cells of a row apart by a dot."""
    text = html.unescape(text).replace("\u2061", " ").replace("\u00ad", "").replace("\u200b", "")
    lines = (" ".join(line.split()) for line in text.split("\n"))
    lines = (re.sub(r"(?: ?· ?)+", " · ", line).strip(" ·") for line in lines)
    lines = (re.sub(r"(?<=[(\[]) | (?=[)\],;:!?]|\.(?![\w.]))", "", line) for line in lines)
    return "\n".join(line for line in lines if line)


def library() -> set[str]:
    """The names of the library's modules and of what they define for others, methods too."""
    names = set()
    for path in (ROOT / "lvm_lib").rglob("*.py"):
        names.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.add(node.name)
    return {name for name in names if not name.startswith("_") and len(name) > 2}


def offered() -> list[tuple[str, str, str, list[str]]]:
    """What the library offers by its modules' `__all__`: module, name, docstring, its own methods' names."""
    found = []
    for path in sorted((ROOT / "lvm_lib").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = {
            name.value
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
            for name in ast.walk(node.value)
            if isinstance(name, ast.Constant)
        }
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in public:
                methods = [below.name for below in node.body if isinstance(below, ast.FunctionDef)]
                methods = [name for name in methods if isinstance(node, ast.ClassDef) and not name.startswith("_")]
                found.append((path.stem, node.name, ast.get_docstring(node) or "", methods))
    return found


def of_library(pages: list[dict]) -> dict:
    """The library's functions and classes as a page, which has no address of its own.

    Each leads to the equation that it computes, or else to the first section whose code uses it.
    """
    equations, uses = {}, {}
    for page in sorted(pages, key=lambda page: not page["number"]):
        for _, anchor, _, _, labels, names in (section + [""] * (6 - len(section)) for section in page["sections"]):
            equations |= {label: f"{page['page']}#equation-{label}" for label in labels.split()}
            uses = dict.fromkeys(names.split(), f"{page['page']}#{anchor}") | uses
    sections = []
    for module, name, says, methods in offered():
        computed = [equations[label] for label in identities.MARK.findall(says) if label in equations]
        place = (computed or [uses.get(name) or uses.get(module, "")])[0]
        line = identities.MARK.sub("", " ".join(says.split("\n\n")[0].split())).replace(" .", ".").strip()
        line = symbols.spelt(minus.signed(line))
        sections.append([1, place, name, f"lvm_lib.{module}: {line}", "", " ".join(methods)])
    return {"page": "", "title": "The library", "number": 0, "behind": False, "sections": sections}


def entry(section: Section, names: set[str]) -> list:
    """A section as the side file holds it; what is empty at its end is left out."""
    used = sorted(names & set(NAME.findall(IMPORT.sub("", html.unescape(re.sub("<[^>]+>", "", section.code))))))
    whole = [
        section.depth,
        section.anchor,
        read(section.heading).replace("\n", " "),
        read(section.text),
        " ".join(section.equations),
        " ".join(used),
    ]
    while len(whole) > 3 and not whole[-1]:
        whole.pop()
    return whole


def side_file(app, error) -> None:
    """Write the index beside the pages; take away what Sphinx's search left in the folder of an older build."""
    if error or app.builder.format != "html":
        return
    out, names, numbers = Path(app.outdir), library(), frame.chapter_numbers(app)
    listed = []
    order = [app.config.root_doc]
    for name in order:
        order += [below for below in app.env.toctree_includes.get(name, []) if below not in order]
    for name in order:
        path = out / app.builder.get_target_uri(name)
        if not path.exists():
            continue  # not built yet: one chapter was asked for
        found = [entry(section, names) for section in sections(path.read_text(encoding="utf-8"))]
        listed.append(
            {
                "page": app.builder.get_target_uri(name),
                "title": app.env.titles[name].astext(),
                "number": numbers.get(name, 0),
                "behind": name in frame.BEHIND or name.endswith("identities"),
                "sections": [section for section in found if section[2] or len(section) > 3],
            }
        )
    listed.append(of_library(listed))
    folder = out / "_search"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    (folder / "book.js").write_text(f"lvmSearchBook={text}\n", encoding="utf-8")
    (out / "searchindex.js").unlink(missing_ok=True)


def own_search(app) -> None:
    """Have Sphinx gather no words: its index knows neither Chinese words nor sections."""
    if app.builder.format == "html":
        app.builder.search = False


def search_page(app):
    yield "search", {}, "search.html"


def setup(app) -> None:
    app.connect("builder-inited", own_search)
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", side_file, priority=900)  # when the pages are as readers get them
