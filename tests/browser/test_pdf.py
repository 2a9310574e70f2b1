"""The book on paper (tools/pdf.py): printed once from the built pages, and read again."""

import re
from itertools import pairwise

import pypdfium2
import pytest
from built_book import SITE
from pypdf import PdfReader

from tools import pdf
from tools.budgets import budget

TOLD = []  # of each page that is printed
FOOT = 50  # points: the number of a sheet stands lower, its text higher


class Told:
    """What a page calls itself, its sections and its exercises, before it is made ready for paper."""

    def __init__(self, page):
        self.name, self.title = page.name, page.title
        self.sections = [h2.get_text(" ", strip=True) for h2 in page.article.find_all("h2") if not h2.find("em")]
        titles = page.article.select("h3, .exercise > .admonition-title")
        self.headings = self.sections + [title.get_text(" ", strip=True) for title in titles]


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory):
    """The whole book, printed once; the same with two pages, and with numbers in its contents."""
    folder = tmp_path_factory.mktemp("pdf")
    pages = pdf.read(site=SITE)
    TOLD.extend(Told(page) for page in pages)
    pdf.on_paper(pages, SITE)
    source, out = folder / "book.html", folder / "book.pdf"
    source.write_text(pdf.document(pages, {}, SITE), encoding="utf-8")
    left = pdf.print_to(out, source, browser)
    return out, PdfReader(out), left


@pytest.fixture(scope="module")
def sheets(printed):
    """What is written on each page and where, as another program than the one that told its structure finds it."""
    with pypdfium2.PdfDocument(printed[0]) as document:
        yield [page.get_textpage() for page in document]


@pytest.fixture(scope="module")
def text(sheets):
    """The text of each page."""
    return [sheet.get_text_bounded() for sheet in sheets]


def outline(entries, depth=0):
    for entry in entries:
        if isinstance(entry, list):
            yield from outline(entry, depth + 1)
        else:
            yield depth, " ".join(entry.title.split())


def test_the_whole_book_is_there_tagged_and_of_a_size_to_send(printed):
    out, reader, left = printed
    assert out.stat().st_size < budget("print", "bytes")
    assert 150 < len(reader.pages) < 600
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"] and reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.metadata.title == pdf.TITLE
    assert left == [], "these are wider than the page"


def squeezed(title):
    return "".join(title.split())


def test_the_outline_is_that_of_the_book(printed):
    titles = [squeezed(title) for _, title in outline(printed[1].outline)]
    wanted = [squeezed(title) for title in (pdf.TITLE, "Contents", *(page.title for page in TOLD[1:]), "Solutions")]
    at = 0
    for title in wanted:  # each is there, in the book's order; the first heading of a sheet is told twice
        at = next(i for i, told in enumerate(titles[at:], at + 1) if title in told)
    whole = "|".join(titles)
    for page in TOLD:
        assert [section for section in page.sections if squeezed(section) not in whole] == []


def test_every_numbered_equation_is_there(text):
    whole = "\n".join(text)
    numbers = {
        number
        for path in SITE.glob("book/*.html")
        for number in re.findall(r'class="[^"]*eqno[^"]*">\s*\((\d+)\)', path.read_text(encoding="utf-8"))
    }
    assert len(numbers) > 100
    assert not [n for n in numbers if f"({n})" not in whole]


def test_links_of_the_text_lead_to_places_in_the_book(printed):
    reader, inside, lost = printed[1], 0, []
    for page in reader.pages:
        for note in page.get("/Annots", []):
            note = note.get_object()
            if "/Dest" in note:
                inside += 1
                if note["/Dest"] not in reader.named_destinations:
                    lost.append(note["/Dest"])
    assert inside > 1000
    assert not lost


def test_the_contents_say_the_pages_where_chapters_begin(printed, text):
    numbers = pdf.numbers_of(printed[0])
    assert len(numbers) == len(TOLD) + 1
    begin = [numbers[page.name] for page in TOLD]
    assert all(one < two for one, two in pairwise(begin))
    for page in TOLD[1:]:
        first = " ".join(text[numbers[page.name] - 1].split())
        assert page.title.split(",")[0].split(":")[0] in first


def test_hints_stay_closed_and_solutions_stand_at_the_end(printed, text):
    last = pdf.numbers_of(printed[0])["solutions"]
    solutions = sum(path.read_text(encoding="utf-8").count('class="solution"') for path in SITE.glob("book/*.html"))
    links = sum(page.count("Solution, at the end of the book") for page in text[: last - 1])
    assert links == solutions > 20
    assert not [page for page in text if "Show code cell source" in page]


def last_line(sheet):
    """What stands lowest on a sheet, its number left out; the order of a PDF's text is another one."""
    boxes = [sheet.get_rect(number) for number in range(sheet.count_rects())]
    above = [box for box in boxes if box[1] > FOOT]
    if not above:
        return ""
    _, bottom, _, top = min(above, key=lambda box: box[1])
    return sheet.get_text_bounded(bottom=bottom - 1, top=top + 1).strip()


def test_no_sheet_ends_with_a_heading(sheets):
    headings = {squeezed(title) for page in TOLD for title in page.headings}
    ends = [last_line(sheet) for sheet in sheets]
    assert len({end for end in ends if end}) > 100
    alone = [(n, end) for n, end in enumerate(ends, 1) if squeezed(end) in headings or re.match(r"About \d+ min", end)]
    assert not alone


def test_a_page_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="no-such-page"):
        pdf.read(["no-such-page"])
