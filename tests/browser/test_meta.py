"""What a page says of itself, and to those who do not see it, in its file.

`test_every_page.py` asks the same of the page as it stands when all its figures live."""

import itertools
import re

import pytest
from bs4 import BeautifulSoup
from built_book import leads_to, pages, parsed, read_pages

PAGES = read_pages()
CHINESE = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
EMPTY_WORDS = re.compile(r"^(figure|image|picture|plot|graph|photo)( \d+)?$|\.(png|jpe?g|svg|gif|webp)$|[/\\]", re.I)
CONTROLS = "button, input:not([type=hidden]), select, textarea, [role=slider], [role=radiogroup], [role=tab], summary"


def name_of(node, page) -> str:
    """The accessible name of a control, by the rules that this book's pages use."""
    if node.get("aria-label"):
        return node["aria-label"].strip()
    by = [page.find(id=name) for name in node.get("aria-labelledby", "").split()]
    labels = [*by, node.find_parent("label"), node.get("id") and page.find("label", attrs={"for": node["id"]})]
    words = " ".join(label.get_text(" ", strip=True) for label in labels if label is not None and label)
    return words or node.get_text(" ", strip=True)


def pictures(page):
    for image in page.find_all("img"):
        words = image.get("alt", "").strip()
        if len(words.split()) < 4 or EMPTY_WORDS.search(words):
            yield f"{image.get('src')}: the text alternative says nothing: {words!r}"
    for drawing in page.find_all(["svg", "canvas"]):
        hidden = drawing.find_parent(attrs={"aria-hidden": "true"}) or drawing.get("aria-hidden") == "true"
        if not hidden and not (drawing.get("aria-label") or drawing.get("aria-labelledby") or drawing.find("title")):
            yield f"a drawing that is neither hidden nor named: {str(drawing)[:80]}"


def headings(page):
    levels = [
        int(node.get("aria-level") or node.name[1:] or 2)
        for node in page.find_all(lambda tag: re.fullmatch(r"h[1-6]", tag.name) or tag.get("role") == "heading")
    ]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} headings of the first level"
    if levels[:1] != [1]:
        yield "the first heading is not the page's own"
    yield from (f"level {there} follows level {here}" for here, there in itertools.pairwise(levels) if there > here + 1)


def languages(page):
    if page.html is None or page.html.get("lang") != "en":
        yield "the page does not say that it is in English"
    for text in page.find_all(string=CHINESE):
        own = next((node["lang"] for node in text.parents if node.get("lang")), "")
        if not own.startswith("zh") and not text.find_parent(["script", "style"]):
            yield f"Chinese without lang=zh: {text.strip()[:40]}"


def head(page):
    if page.title is None or not page.title.get_text(strip=True):
        yield "no title"
    elif re.search(r"[\\$]", page.title.get_text()):
        yield f"TeX in the title: {page.title.get_text()}"
    described = page.find("meta", attrs={"name": "description"})
    words = described.get("content", "") if described else ""
    if not 40 < len(words) <= 170 or re.search(r"[\\$]", words):
        yield f"no plain description of 40 to 170 characters: {words!r}"
    if not page.find("meta", attrs={"name": "viewport"}):
        yield "no viewport"


def landmarks(page):
    if len(page.find_all("main")) != 1:
        yield f"{len(page.find_all('main'))} main landmarks"
    names = [node.get("aria-label") for node in page.find_all("nav")]
    if None in names or len(set(names)) < len(names):
        yield f"navigations are not told apart: {names}"
    skip = page.find("a", class_="skip")
    if skip is None or page.find(id=skip["href"].lstrip("#")) is None:
        yield "no link past the navigation"


def names(page):
    nameless = [node for node in page.select(CONTROLS) if not name_of(node, page)]
    yield from (f"a control without a name: {str(node)[:100]}" for node in nameless)


CHECKS = (pictures, headings, languages, head, landmarks, names)


def faults(page: str | BeautifulSoup) -> list[str]:
    page = BeautifulSoup(page, "html.parser") if isinstance(page, str) else page
    return [fault for part in CHECKS for fault in part(page)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_it_is(page):
    assert faults(parsed(page)) == []


@pytest.mark.parametrize("what", ["title", "meta[name=description]"])
def test_no_two_pages_say_the_same_of_themselves(what):
    said = {}
    for page in PAGES:
        for node in parsed(page).select(what):
            said.setdefault(node.get("content") or node.get_text(), []).append(page)
    assert {words: where for words, where in said.items() if len(where) > 1} == {}


@pytest.mark.parametrize("page", [page for page in pages() if leads_to(page)])
def test_a_page_that_only_leads_on_is_a_page_too(page):
    """It names itself, and holds the way on as a link for those whom it does not lead."""
    door = parsed(page)
    assert door.html.get("lang") == "en" and door.title.get_text(strip=True)
    assert [link["href"] for link in door.find_all("a")] == [leads_to(page)]


GOOD = """<!DOCTYPE html><html lang="en"><head><title>T</title><meta name="viewport" content="width=device-width">
<meta name="description" content="A sentence that is long enough to describe a page."></head><body>
<a class="skip" href="#main">Skip</a><nav aria-label="Chapters"></nav>
<main id="main"><h1>T</h1>{}</main></body></html>"""


@pytest.mark.parametrize(
    "poison, fault",
    [
        ('<img src="a.png">', "says nothing"),
        ('<img src="a.png" alt="figure 3">', "says nothing"),
        ('<img src="a.png" alt="one two three book/_build/a.png">', "says nothing"),
        ("<svg></svg>", "neither hidden nor named"),
        ("<h3>Skipped</h3>", "level 3 follows level 1"),
        ("<h1>Again</h1>", "2 headings"),
        ("<p>变分</p>", "Chinese"),
        ('<p lang="fr">变分</p>', "Chinese"),
        ("<input>", "without a name"),
        ("<button></button>", "without a name"),
        ("<main></main>", "2 main"),
        ("<nav></nav>", "not told apart"),
        ('<nav aria-label="Chapters"></nav>', "not told apart"),
    ],
)
def test_the_checks_catch_what_they_are_for(poison, fault):
    assert faults(GOOD.format("")) == []
    assert any(fault in found for found in faults(GOOD.format(poison)))


@pytest.mark.parametrize(
    "harmless",
    [
        '<img src="a.png" alt="A curve that rises">',
        '<p lang="zh-Hans">变分</p>',
        "<label>Words <input></label>",
        '<span lang="zh"><b>变分</b></span>',
        '<div aria-hidden="true"><svg></svg></div>',
        "<h2>A</h2><h3>B</h3><h2>C</h2>",
    ],
)
def test_and_nothing_else(harmless):
    assert faults(GOOD.format(harmless)) == []
