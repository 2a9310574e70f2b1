"""The whole book as one PDF, from the built pages (`make pdf`): _build/latent-variable-models-<version>.pdf.

    python -m tools.pdf                  all pages, in the order of the contents
    python -m tools.pdf elbo notation    these pages alone

The pages' articles are laid into one document, so that references across chapters are links within it, and a headless
Chromium prints it: outline and tags (for screen readers) are the browser's, from the pages' own headings. It is printed
twice, since the first printing tells on which page each chapter begins. What paper changes:

- a live figure is its still picture, with a sentence that says where to touch it;
- hints are left out; solutions stand at the end, each linked with its exercise;
- fields of exercises are lines to write on, and quick questions are answered at the end;
- a formula or a table that is wider than the page is set smaller, and code is wrapped.

Left out: "Your answers", the benchmarks and the status of a build, which are pages about pages.
"""

from __future__ import annotations

import argparse
import posixpath
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from bs4 import BeautifulSoup, Tag

from tools import chapters, keys, quick
from tools.chapters import ROOT
from tools.need_browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "pdf"
LEFT_OUT = {"your_answers", "benchmarks", "status"}
NOT_ON_PAPER = (
    "script, noscript, .headerlink, .copy, .hint, .lvm-only-dark, .lvm-place, .lvm-from-link, .lvm-ask, .lvm-acts, "
    ".lvm-open, .lvm-verdict, details.hide > summary, button"
)
TITLE = "Latent Variable Models"
SUBTITLE = "One bound, read as a code length"
WIDTH = 643  # CSS pixels between the margins of an A4 page: 210 mm less 20 mm on each side
MARGIN = {"top": "20mm", "bottom": "20mm", "left": "20mm", "right": "20mm"}
FOOTER = (
    """<div style="font:8pt serif;width:100%;text-align:center;color:#444"><span class="pageNumber"></span></div>"""
)
STYLE = """
@page{size:A4}
html{font-size:11.5pt}
body{max-width:none}
.pdf-page,.pdf-title,.pdf-contents,.pdf-solutions{break-before:page}
.pdf-title{break-before:auto;padding-top:60mm;text-align:center}
.pdf-title h1{font-size:2.6em;margin-bottom:.3em}
.pdf-contents table{width:100%}
.pdf-contents td{border:0;padding:.25em 0}
.pdf-contents td:last-child{text-align:right;width:4em;font-variant-numeric:tabular-nums}
.pdf-contents .pdf-part td{font-weight:600;padding-top:1em}
.pdf-line{display:inline-block;width:14em;border-bottom:1px solid #000}
.pdf-touch{font-size:.9em;color:#333}
.pdf-solution{margin:1.2em 0}
main,article{max-width:none;padding:0}
a{color:#1a3f7a}
pre{font-size:8.5pt;break-inside:auto}
.cell,.cell_input,.admonition,.lvm-live{break-inside:auto!important}
img{max-width:100%!important;min-width:0!important;height:auto!important}
.output,.cell_output{overflow:visible!important}
.lvm-formula,.output,table{max-width:100%}
"""
# Runs in the page: what is wider than the column is set smaller, and what could not be is told.
FIT = """(width) => {
  const wide = (element) => Math.max(element.scrollWidth, ...[...element.querySelectorAll('.katex-display, table')]
    .map((part) => part.scrollWidth));
  const left = [];
  for (const element of document.querySelectorAll('.lvm-formula, .pdf-page table, .pdf-solutions table')) {
    if (element.parentElement.closest('table')) continue;
    for (let size = 100; size >= 40 && wide(element) > width; size -= 6) element.style.fontSize = `${size}%`;
    if (wide(element) > width) left.push(element.textContent.slice(0, 80));
  }
  return left;
}"""


@dataclass(frozen=True)
class Page:
    """A page of the book: its name, its place below the site, its part of the contents, its article."""

    name: str
    path: str
    part: str
    title: str
    article: Tag
    solutions: list[Tag] = field(default_factory=list)


def listed(toc: dict) -> Iterator[tuple[str, str]]:
    """The parts and files of the contents, in order."""
    yield "", toc["root"]
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            yield part["caption"], chapter["file"]


def read(names: Iterable[str] = (), site: Path = SITE) -> list[Page]:
    """The built pages that go to paper, in the order of the contents; `names` picks some. Raises FileNotFoundError."""
    toc, wanted, found = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")), set(names), []
    for part, file in listed(toc):
        name = posixpath.basename(file)
        if name in LEFT_OUT or (wanted and name not in wanted):
            continue
        built = site / f"{file}.html"
        if not built.exists():
            raise FileNotFoundError(f"{built} is not built: run make book first")
        article = BeautifulSoup(built.read_text(encoding="utf-8"), "html.parser").find("article")
        for late in article.select("noscript.lvm-late"):
            late.unwrap()
        for gone in article.select(NOT_ON_PAPER):
            gone.decompose()
        plain_headings(article)
        found.append(Page(name, f"{file}.html", part, article.find("h1").get_text(" ", strip=True), article))
    if unknown := wanted - {page.name for page in found}:
        raise FileNotFoundError(f"no page of the contents is called {', '.join(sorted(unknown))}")
    return found


# ------------------------------------------------------------------ from a page to paper


def new(tag: str, text: str = "", **attributes: str) -> Tag:
    """An element with a text."""
    made = BeautifulSoup("", "html.parser").new_tag(tag, attrs={k.rstrip("_"): v for k, v in attributes.items()})
    if text:
        made.string = text
    return made


def plain_headings(article: Tag) -> None:
    """Symbols in headings become text, since an outline has no formulas."""
    for formula in article.select(":is(h1, h2, h3, h4) .math"):
        letters = formula.find("math")
        if annotation := letters and letters.find("annotation"):
            annotation.decompose()
        formula.replace_with(new("em", letters.get_text() if letters else formula.get_text()))


def still(page: Page) -> None:
    """Live figures: their still picture, and where to touch them."""
    for figure in page.article.select(".lvm-live"):
        for gone in figure.find_all(lambda tag: tag.name != "img" and not tag.find("img")):
            gone.decompose()
        if figure.find("img"):
            figure.append(new("p", f"Alive in the built book: open {page.path} to touch it.", class_="pdf-touch"))


def lines(page: Page) -> None:
    """Fields of exercises: a line for each to write on. Quick questions: their choices, with letters."""
    for form in page.article.select("form.lvm-quick"):
        form.insert_before(new("p", form.legend.get_text(" ", strip=True)))
        choices = new("ol", type="a")
        choices.extend(new("li", label.get_text(" ", strip=True)) for label in form.select("label"))
        form.replace_with(choices)
    for form in page.article.select("form"):
        for label in form.select("label"):
            line = new("p", label.get_text(" ", strip=True) + ": ")
            line.append(new("span", class_="pdf-line"))
            form.insert_before(line)
        form.decompose()


def gather(page: Page) -> None:
    """Solutions go to the end; a link stands in their place."""
    for number, solution in enumerate(page.article.select("details.solution"), 1):
        title = solution.find_previous(class_="admonition-title")
        here, there = f"to-{page.name}-{number}", f"solution-{page.name}-{number}"
        if summary := solution.find("summary"):
            summary.decompose()
        body, heading = new("div", class_="pdf-solution", id=there), new("h3")
        name = title.get_text(" ", strip=True) if title else f"Solution {number}"
        heading.append(new("a", name, href=f"#{here}"))
        body.append(heading)
        body.extend(list(solution.contents))
        page.solutions.append(body)
        link = new("p", id=here)
        link.append(new("a", "Solution, at the end of the book", href=f"#{there}"))
        solution.replace_with(link)


def answer_questions(page: Page) -> None:
    """The answers to a chapter's quick questions, with the reason of each, come before its solutions."""
    notebook = (ROOT / page.path).with_suffix(".ipynb")
    asked = quick.asked(keys.read(notebook)) if notebook.exists() else []
    forms = page.article.select('form.lvm-quick[data-when="after"]')
    if not asked or not forms:
        return
    here, there = f"to-{page.name}-0", f"solution-{page.name}-0"
    link, answers = new("p", id=here), new("div", class_="pdf-solution", id=there)
    link.append(new("a", "Answers, at the end of the book", href=f"#{there}"))
    forms[-1].insert_after(link)
    heading, rows = new("h3"), new("ol")
    heading.append(new("a", quick.AFTER, href=f"#{here}"))
    for question in asked:
        place, choice = next((at, one) for at, one in enumerate(question["choices"]) if one.get("right"))
        rows.append(new("li", f"({'abcdefgh'[place]}) {choice['because']}"))
    answers.extend([heading, rows])
    page.solutions.append(answers)


def open_folds(page: Page) -> None:
    """What is folded on the screen stands open on paper."""
    for fold in page.article.select("details"):
        fold.name = "div"
        fold.attrs.pop("open", None)


def bound(page: Page, pages: dict[str, Page], site: Path) -> None:
    """Names are made unique by the page's own, and links lead to places in this document where there are any."""
    parts = [page.article, *page.solutions]
    kept = {s["id"] for s in page.solutions} | {s["id"].replace("solution-", "to-", 1) for s in page.solutions}
    for element in (tag for part in parts for tag in [part, *part.find_all(True)]):
        if (own := element.get("id")) and own not in kept:
            element["id"] = f"{page.name}--{own}"
        for pointing in ("aria-describedby", "aria-labelledby", "for", "headers"):
            element.attrs.pop(pointing, None)
        if source := element.get("src"):
            element["src"] = ((site / page.path).parent / source).resolve().as_uri()
            element.attrs.pop("loading", None)
        href = element.get("href")
        if href is None or href.lstrip("#") in kept or href.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, place = href.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), path)) if path else page.path
        if other := pages.get(path):
            element["href"] = f"#{other.name}--{place}" if place else f"#page-{other.name}"
        else:
            element.name = "span"
            del element["href"]


def on_paper(pages: list[Page], site: Path = SITE) -> None:
    """All that changes between the screen and paper."""
    by_path = {page.path: page for page in pages}
    for page in pages:
        still(page)
        answer_questions(page)
        lines(page)
        gather(page)
        open_folds(page)
        bound(page, by_path, site)


def contents(pages: list[Page], numbers: dict[str, int]) -> Tag:
    """The contents, with the number of the page where each begins."""
    made, table, part = new("section", class_="pdf-contents"), new("table"), ""
    made.append(new("h1", "Contents"))
    ends = [("solutions", "Solutions", "")] if any(page.solutions for page in pages) else []
    for name, title, of in [*((page.name, page.title, page.part) for page in pages), *ends]:
        if of != part and of:
            row = new("tr", class_="pdf-part")
            row.extend([new("td", of), new("td")])
            table.append(row)
        part, row, cell = of, new("tr"), new("td")
        cell.append(new("a", title, href=f"#page-{name}"))
        row.extend([cell, new("td", str(numbers.get(name, "")))])
        table.append(row)
    made.append(table)
    return made


def document(pages: list[Page], numbers: dict[str, int], site: Path = SITE) -> str:
    """One HTML document of all pages; pictures, styles and fonts are those of the site."""
    body = new("main")
    title = new("section", class_="pdf-title")
    title.extend([new("h1", TITLE), new("p", SUBTITLE), new("p", f"Version {chapters.version()}")])
    body.extend([title, contents(pages, numbers)])
    for page in pages:
        section = new("section", class_="pdf-page", id=f"page-{page.name}")
        section.extend(list(page.article.contents))
        body.append(section)
    if any(page.solutions for page in pages):
        section = new("section", class_="pdf-solutions", id="page-solutions")
        section.append(new("h1", "Solutions"))
        for page in (page for page in pages if page.solutions):
            section.extend([new("h2", page.title), *page.solutions])
        body.append(section)
    address = (site.resolve() / "_static" / "lvm.css").as_uri()
    link = f'<link rel="stylesheet" href="{address}">'
    head = f'<meta charset="utf-8"><title>{TITLE}</title>{link}<style>{STYLE}</style>'
    html = '<html lang="en" data-theme="light" data-from="file">'
    return f"<!DOCTYPE html>{html}<head>{head}</head><body>{body}</body></html>"


# ------------------------------------------------------------------ printing


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A headless Chromium. Raises RuntimeError where there is none."""
    from playwright.sync_api import sync_playwright

    if not chromium():
        raise RuntimeError("no Chromium found: install one, or name it in the variable CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        yield browser
        browser.close()


def print_to(file: Path, source: Path, browser: Browser) -> list[str]:
    """Print an HTML file; what could not be made to fit the column is told, by its first words."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 900})
    page.set_default_timeout(300_000)
    page.emulate_media(media="print", color_scheme="light")
    page.goto(source.as_uri())
    page.evaluate("Promise.all([...document.fonts].map((face) => face.load().catch(() => 0)))")
    left = page.evaluate(FIT, WIDTH)
    page.pdf(
        path=file,
        format="A4",
        margin=MARGIN,
        print_background=True,
        outline=True,
        tagged=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
    )
    page.close()
    return left


def numbers_of(file: Path) -> dict[str, int]:
    """The page on which each page of the book begins, by the places that its contents' links lead to."""
    from pypdf import PdfReader

    reader, found = PdfReader(file), {}
    for name, place in reader.named_destinations.items():
        name = name.lstrip("/")
        number = reader.get_destination_page_number(place)
        if name.startswith("page-") and number is not None:
            found[name.removeprefix("page-")] = number + 1
    return found


def make(names: Iterable[str] = (), out: Path | None = None, site: Path = SITE) -> Path:
    """Write the PDF and say where it is. Raises RuntimeError where no browser is found or the numbers do not settle."""
    OUT.mkdir(parents=True, exist_ok=True)
    source, out = OUT / "book.html", out or ROOT / "_build" / f"latent-variable-models-{chapters.version()}.pdf"
    pages, numbers = read(names, site), dict[str, int]()
    on_paper(pages, site)
    text, unnumbered = document(pages, numbers, site), str(contents(pages, numbers))
    with a_browser() as browser:
        for _ in range(3):
            source.write_text(text.replace(unnumbered, str(contents(pages, numbers)), 1), encoding="utf-8")
            left = print_to(out, source, browser)
            if (settled := numbers_of(out)) == numbers:
                break
            numbers = settled
        else:
            raise RuntimeError("the page numbers of the contents do not settle")
    for text in left:
        print(f"wider than the page: {text!r}", file=sys.stderr)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description="The book as one PDF, from its built pages.")
    parser.add_argument("pages", nargs="*", help="names such as elbo; all if none is given")
    print(make(parser.parse_args().pages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
