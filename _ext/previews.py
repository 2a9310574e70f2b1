"""What links in the text show before they are followed: formulas, references, terms of the glossary, exercises.

Two parts. Before a page is written, its places get names and its text the links that lack: a row of the glossary is
`term-posterior`, the box of an exercise `exercise-3`; "exercise 3" leads there, and the first mention of each term in a
chapter to the glossary. When all pages are written, what they link to is read from them, as they show it, cleaned of
all but text and formulas, and laid down in one side file for each page that is linked to, `_previews/<page>.js`:

    lvmPreviews("book/elbo", {"equation-elbo-bayes": ["Equation (31)", "Chapter 3, The evidence lower bound", "<div>"]})

assets/bundle/previews.min.js (js/page/previews.js) loads a file when one of its links is first looked at.
"""

from __future__ import annotations

import functools
import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

from docutils import nodes

GLOSSARY = "book/appendix/glossary"
REFERENCES = "book/appendix/references"
LINKED = re.compile(r'<a [^>]*href="[^"]*#(?:equation|exercise|term)-|href="[^"]*references\.html#id\d')
ROW = re.compile(r"^\| ([^|]+?) \| <span lang=", flags=re.M)
EXERCISE = re.compile(r"\b[Ee]xercise (\d+)\b")
# Where a word of the glossary is part of another one, or means what it means elsewhere.
BEFORE = {
    "autoencoder": ("variational ",),
    "baseline": ("its ", "two "),
    "generator": ("counter-based ", "random "),
    "likelihood": ("maximum ", "log "),
    "rate": ("learning ", "error ", "dropout ", "at a ", "four ", "constant ", "on the ", "times the "),
}
BEHIND = {"K-means": r"\+", "evidence": r" (?:that|for|against)\b", "prior": r" (?:to|art)\b", "rate": r" of \w+ing\b"}

# What of a page may stand in a card; nothing else does, neither ids, links, handlers nor addresses.
WORDS = re.compile(r"[\w-]+")
TAGS = set(
    WORDS.findall(
        "p div span em strong i b code sup sub ul ol li dl dt dd svg path line math semantics mrow mi mo mn ms mtext "
        "mspace msup msub msubsup mfrac msqrt mroot mover munder munderover mtable mtr mtd mstyle mpadded mphantom"
    )
)
ATTRIBUTES = set(
    WORDS.findall(
        "class style lang aria-hidden role aria-label d viewbox xmlns width height preserveaspectratio x1 x2 y1 y2 "
        "stroke-width mathvariant stretchy fence separator accent accentunder displaystyle scriptlevel lspace rspace "
        "minsize maxsize linethickness columnalign columnspacing rowspacing rowalign display voffset"
    )
)
SPELT = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}  # the parser makes all letters small
DROPPED = {"annotation", "form", "script", "style", "details", "button", "noscript"}  # with all that is in them


# ------------------------------------------------------------------ names and links, before a page is written


@functools.cache
def terms(text: str) -> dict[str, str]:
    """Each spelling of each term of the glossary, and the name of its row."""
    found = {}
    for row in ROW.findall(text):
        for word in row.split(", "):
            long, _, short = word.partition(" (")
            for spelling in filter(None, (long, short.rstrip(")"))):
                found[spelling] = row_name(row)
    return found


def row_name(term: str) -> str:
    """The name of a term's row: term-evidence-lower-bound-elbo."""
    return "term-" + "-".join(re.findall(r"[a-z0-9]+", term.lower()))


def word(spelling: str) -> str:
    """A spelling as a pattern: at the beginning of a sentence too, and as a plural."""
    first = f"[{spelling[0].upper()}{spelling[0]}]" if spelling[0].islower() else spelling[0]
    plural = r"(?:ies|y)" if re.search(r"[^aeiou]y$", spelling) else re.escape(spelling[-1]) + "s?"
    guarded, behind = "".join(f"(?<!{each})" for each in BEFORE.get(spelling, ())), BEHIND.get(spelling)
    return guarded + first + re.escape(spelling[1:-1]) + plural + (f"(?!{behind})" if behind else "")


def name_places(doctree, docname: str) -> None:
    """Name the rows of the glossary and the boxes of exercises."""
    if docname == GLOSSARY:
        for row in doctree.findall(nodes.row):
            if isinstance(row.parent, nodes.tbody):
                row["ids"].append(row_name(row[0].astext()))
    for box in doctree.findall(nodes.admonition):
        number = EXERCISE.match(box[0].astext()) if "exercise" in box["classes"] else None
        if number:
            box["ids"].append(f"exercise-{number[1]}")


def running(doctree):
    """The texts of a page's paragraphs and lists outside boxes, quotes, tables, headings and links."""
    apart = (nodes.admonition, nodes.block_quote, nodes.table, nodes.reference, nodes.literal, nodes.title)
    for text in list(doctree.findall(nodes.Text)):
        above, node = [], text.parent
        while node is not None:
            above.append(node)
            node = node.parent
        if isinstance(text.parent, (nodes.paragraph, nodes.emphasis, nodes.strong)) and not any(
            isinstance(node, apart) for node in above
        ):
            yield text


def replaced(text: nodes.Text, found: re.Match, address: str, kind: str) -> nodes.Text:
    """Put a link in the place of what was found; what stands behind it is given back."""
    words = text.astext()
    link = nodes.reference("", found[0], refuri=address, internal=True, classes=[kind])
    rest = nodes.Text(words[found.end() :])
    text.parent.replace(text, [nodes.Text(words[: found.start()]), link, rest])
    return rest


def link_exercises(doctree) -> None:
    """Lead from "exercise 3" to the box of that exercise on the same page."""
    boxes = {name for box in doctree.findall(nodes.admonition) for name in box["ids"]}
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, (nodes.paragraph, nodes.emphasis, nodes.strong)) or (
            isinstance(text.parent.parent, nodes.admonition) and text.parent.parent[0] is text.parent
        ):
            continue
        while (found := EXERCISE.search(text.astext())) and f"exercise-{found[1]}" in boxes:
            text = replaced(text, found, f"#exercise-{found[1]}", "lvm-exercise")


def link_terms(doctree, glossary: str, address: str) -> None:
    """Lead from the first mention of each term to its row in the glossary."""
    left = dict(terms(glossary))
    for text in running(doctree):
        while left:
            spellings = sorted(left, key=len, reverse=True)
            either = "|".join(rf"(?P<s{n}>{word(spelling)})" for n, spelling in enumerate(spellings))
            found = re.search(rf"(?<![\w-])(?:{either})(?![\w-])", text.astext())
            if not found:
                break
            name = left[spellings[int(found.lastgroup[1:])]]
            left = {spelling: row for spelling, row in left.items() if row != name}
            text = replaced(text, found, f"{address}#{name}", "lvm-term")


def resolve(app, doctree, docname: str) -> None:
    if app.builder.format != "html":
        return
    name_places(doctree, docname)
    link_exercises(doctree)
    chapter = docname != app.config.root_doc and Path(app.env.doc2path(docname)).suffix == ".ipynb"
    if chapter and GLOSSARY in app.env.found_docs:
        text = Path(app.env.doc2path(GLOSSARY)).read_text(encoding="utf-8")
        link_terms(doctree, text, app.builder.get_relative_uri(docname, GLOSSARY))


# ------------------------------------------------------------------ what the pages show, for the side files


class Cleaner(HTMLParser):
    """Writes again what of a piece of a page may stand in a card: tags of TAGS, attributes of ATTRIBUTES, text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.inside = 0

    def handle_starttag(self, tag, attributes):
        if tag in DROPPED or self.inside:
            self.inside += tag in DROPPED
        elif tag in TAGS:
            kept = "".join(
                f' {SPELT.get(name, name)}="{html.escape(value or "")}"'
                for name, value in attributes
                if name in ATTRIBUTES and not re.search(r"url\(|expression|@import|\\", value or "")
            )
            self.parts.append(f"<{tag}{kept}>")

    def handle_endtag(self, tag):
        if tag in DROPPED:
            self.inside -= 1
        elif tag in TAGS and not self.inside:
            self.parts.append(f"</{tag}>")

    def handle_startendtag(self, tag, attributes):
        if tag not in DROPPED:
            self.handle_starttag(tag, attributes)
            self.handle_endtag(tag)

    def handle_data(self, data):
        if not self.inside:
            self.parts.append(html.escape(data, quote=False))


def clean(piece: str) -> str:
    """A piece of a page without all that is neither text nor formula."""
    cleaner = Cleaner()
    cleaner.feed(piece)
    cleaner.close()
    return re.sub(r"\n+", "\n", "".join(cleaner.parts)).strip()


def inner(page: str, start: int, tag: str) -> str:
    """What stands in the element whose opening tag ends at `start`."""
    depth = 1
    for found in re.compile(rf"<(/?){tag}\b[^>]*>").finditer(page, start):
        depth += -1 if found[1] else 1
        if depth == 0:
            return page[start : found.start()]
    raise ValueError(f"an element {tag} without an end")


def equations(page: str) -> dict[str, tuple[str, str]]:
    """The numbered formulas of a page: name -> heading, formula, its rows one by one where it has several."""
    found = {}
    for match in re.finditer(r'<div class="math [^"]*" id="(equation-[\w-]+)">', page):
        whole = inner(page, match.end(), "div")
        number = re.search(r'<span class="eqno">\((\d+)\)', whole)
        formula = re.search(r'<div class="lvm-formula"[^>]*>', whole)
        if not number or not formula:
            continue
        shown = inner(whole, formula.end(), "div")
        if narrow := re.search(r'<div class="lvm-narrow"[^>]*>', shown):
            spoken = re.search(r'<span class="katex-mathml">.*?</math></span>', shown, flags=re.S)
            rows = inner(shown, narrow.end(), "div")
            shown = f'<span class="katex">{spoken[0] if spoken else ""}</span><div aria-hidden="true">{rows}</div>'
        found[match[1]] = f"Equation ({number[1]})", f'<div class="lvm-formula">{shown}</div>'
    return found


def exercises(page: str) -> dict[str, tuple[str, str] | str]:
    """The exercises of a page; the name of a field leads to the exercise that it answers."""
    found: dict[str, tuple[str, str] | str] = {}
    for match in re.finditer(r'<div class="exercise admonition" id="(exercise-\d+)">', page):
        whole = inner(page, match.end(), "div")
        title, text = re.match(r'\s*<p class="admonition-title">(.*?)</p>(.*)', whole, flags=re.S).groups()
        fields = re.findall(r'<input id="(\w+-0)"', text)
        text = re.sub(r'<p class="lvm-in-notebook">.*?</p>', "", text, flags=re.S)
        found[match[1]] = title, text
        found |= dict.fromkeys(fields, match[1])
    return found


def rows(page: str) -> dict[str, tuple[str, str]]:
    """The terms of the glossary, each with its Chinese name."""
    found = {}
    for match in re.finditer(r'<tr [^>]*id="(term-[\w-]+)"[^>]*>(.*?)</tr>', page, flags=re.S):
        term, chinese, meaning = re.findall(r"<td\b[^>]*>(.*?)</td>", match[2], flags=re.S)
        found[match[1]] = f"{unwrapped(term)} {unwrapped(chinese)}", meaning
    return found


def unwrapped(cell: str) -> str:
    return re.sub(r"</?p>", "", cell).strip()


def references(page: str) -> dict[str, tuple[str, str]]:
    """The references, by the names that citations lead to."""
    found = {}
    for match in re.finditer(r'<div class="citation" id="(id\d+)"[^>]*>', page):
        whole = inner(page, match.end(), "div")
        found[match[1]] = "Reference", whole[whole.index("<p>") :]  # without its short name
    return found


def previews(docname: str, page: str) -> dict[str, tuple[str, str] | str]:
    """Everything on a page that a card may show."""
    if docname == GLOSSARY:
        return rows(page)
    return references(page) if docname == REFERENCES else {**equations(page), **exercises(page)}


def side_file(docname: str, where: str, found: dict) -> str:
    """The side file of a page: a script that hands over what its cards show."""
    cards = {
        name: card if isinstance(card, str) else [clean(card[0]), where, clean(card[1])] for name, card in found.items()
    }
    text = json.dumps(cards, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f'lvmPreviews("{docname}",{text})\n'


def side_files(app, error) -> None:
    """Write the side files of all pages that a card may show something of."""
    if error or app.builder.format != "html":
        return
    import page as frame

    out, numbers = Path(app.outdir), frame.chapter_numbers(app)
    shutil.rmtree(out / "_previews", ignore_errors=True)
    for docname in sorted(app.env.found_docs):
        file = out / f"{docname}.html"
        found = previews(docname, file.read_text(encoding="utf-8")) if file.exists() else {}
        if found:
            title = app.env.titles[docname].astext()
            where = html.escape(f"Chapter {numbers[docname]}, {title}" if docname in numbers else "")
            target = out / "_previews" / f"{docname.rsplit('/', 1)[-1]}.js"
            target.parent.mkdir(exist_ok=True)
            target.write_text(side_file(docname, where, found), encoding="utf-8")


def fill(app, pagename, templatename, context, doctree) -> None:
    shown = LINKED.search(context.get("body") or "") or "data-your-answers" in (context.get("body") or "")
    context["lvm_previews"] = bool(shown)


def setup(app) -> None:
    app.connect("doctree-resolved", resolve, priority=400)  # before formulas take in the signs beside them
    app.connect("html-page-context", fill, priority=960)
    app.connect("build-finished", side_files)
