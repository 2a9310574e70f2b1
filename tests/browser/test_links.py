"""Every way that a page offers leads somewhere: inside the built book, to a file and a place that exist."""

import functools
import json
import re
from collections import Counter
from urllib.parse import unquote, urlsplit

import built_book
import pytest
from built_book import ROOT, SITE, pages

from tools import chapters, exercises, keys

PAGES = pages()
ADDRESSES = {
    "a": "href",
    "area": "href",
    "link": "href",
    "img": "src",
    "script": "src",
    "source": "src",
    "iframe": "src",
    "form": "action",
}
LOCAL = re.compile(r"^(localhost|127\.|0\.0\.0\.0|\[?::1|10\.|192\.168\.)")


def parsed(path):
    """The tree of a page of the book, by its file; of another file too, such as a test writes."""
    site = SITE.resolve()
    return built_book.parsed(path.relative_to(site).as_posix() if path.is_relative_to(site) else str(path))


@functools.cache
def places(path) -> frozenset:
    """What a fragment can name in a page."""
    return frozenset(node.get("id") or node.get("name") for node in parsed(path).select("[id], a[name]"))


def addresses(page):
    """Every address in a page: links, sources, a figure's side file."""
    for node in page.find_all(True):
        name = ADDRESSES.get(node.name)
        if name and node.get(name):
            yield node[name].strip()
        for piece in filter(None, node.get("srcset", "").split(",")):
            yield piece.split()[0]
        if node.get("data-lvm-state"):
            yield node["data-lvm-state"]
        if node.get("http-equiv", "").lower() == "refresh":
            yield node["content"].split("=", 1)[1]


def fault(address: str, here, site=SITE) -> str:
    """What is wrong with an address in the page at `here`; empty if nothing is."""
    parts = urlsplit(address)
    if parts.scheme in ("data", "mailto"):
        return ""
    if parts.scheme or parts.netloc:
        if parts.scheme not in ("http", "https"):
            return f"{address}: neither http nor a place in the book"
        if LOCAL.match(parts.netloc) or not re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc):
            return f"{address}: not an address on the net"
        return f"{address}: a space in an address" if re.search(r"\s", address) else ""
    if parts.path.startswith("/"):
        return f"{address}: from the root, and the book may stand in a folder"
    target = (here.parent / unquote(parts.path)).resolve() if parts.path else here
    if not target.is_relative_to(site.resolve()):
        return f"{address}: leads out of the book"
    if not target.is_file():
        return f"{address}: there is no such file"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in places(target):
        return f"{address}: there is no such place in {target.name}"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_every_address_leads_somewhere(page):
    here = (SITE / page).resolve()
    assert sorted({found for address in addresses(parsed(here)) if (found := fault(address, here))}) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_cross_reference_is_resolved(page):
    """An unresolved one stands in the page as plain text with the class of a reference."""
    suspects = parsed((SITE / page).resolve()).select(".xref, .problematic, .system-message, .std-ref, .eqref")
    left = [str(node)[:120] for node in suspects if node.find_parent("a") is None and node.name != "a"]
    assert left == []


@pytest.mark.parametrize("page", PAGES)
def test_a_fragment_names_one_place(page):
    named = Counter(node["id"] for node in parsed((SITE / page).resolve()).select("[id]"))
    assert sorted(name for name, times in named.items() if times > 1) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_local_path_is_in_a_page(page):
    text = (SITE / page).read_text(encoding="utf-8")
    assert re.findall(r"file://\S{0,60}|(?:/home|/root|/Users|/tmp)/\S{0,60}|localhost:\d+", text) == []


def test_style_sheets_name_files_that_exist():
    sheets = list(SITE.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        for address in re.findall(r"url\(['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8")):
            assert fault(address, sheet.resolve()) == "", sheet.name


def test_every_page_of_the_book_is_reached_from_its_start():
    found, ahead = set(), [(SITE / "index.html").resolve()]
    while ahead:
        here = ahead.pop()
        if here in found or here.suffix != ".html":
            continue
        found.add(here)
        for address in addresses(parsed(here)):
            if not urlsplit(address).scheme and urlsplit(address).path and not fault(address, here):
                ahead.append((here.parent / unquote(urlsplit(address).path)).resolve())
    unreached = {page for page in PAGES if (SITE / page).resolve() not in found}
    assert unreached <= {"genindex.html"}


@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_a_section_lands_on_it(visit, page):
    """Sections are laid out as they come near, so where they stand is not known before."""
    shown = visit(page).page
    for link in [node.get_attribute("href") for node in shown.locator("nav.sections a").element_handles()]:
        shown.evaluate("link => document.querySelector(`nav.sections a[href='${link}']`).click()", link)
        top = shown.evaluate(
            """(link) => new Promise((done) => {
            let last = -1, still = 0;
            const look = () => {
                still = scrollY === last ? still + 1 : 0;
                last = scrollY;
                if (still < 15) return requestAnimationFrame(look);
                const end = scrollY > document.documentElement.scrollHeight - innerHeight - 2;
                const { top } = document.querySelector(link).getBoundingClientRect();
                done(end && top > 0 && top < innerHeight ? 0 : top);
            };
            look();
        })""",
            link,
        )
        assert -2 <= top < 200, f"{link}: its section stands {top:.0f} px below the window's top"


MOVED = [
    (f"book/{page}.html", anchor, f"book/{place.partition('#')[0]}.html", place.partition("#")[2] or anchor)
    for page, places in json.loads((ROOT / "book" / "moved.json").read_text(encoding="utf-8")).items()
    for anchor, place in places.items()
]


@pytest.mark.parametrize("page", sorted({page for page, *_ in MOVED}))
def test_old_addresses_of_moved_sections_are_known_to_their_old_page(page):
    known = json.loads(parsed(SITE / page).select_one("#moved").string)
    for old, anchor, new_page, new in MOVED:
        if old == page:
            assert fault(known[anchor], SITE / page) == "" and known[anchor].endswith(f"#{new}")
            assert (SITE / page).parent / known[anchor].partition("#")[0] == SITE / new_page


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_an_old_address_lands_on_the_section_where_it_is_now(visit, scheme):
    old, anchor, new_page, new = MOVED[0]
    shown = visit(old, scheme).page
    address = f"{shown.url}#{anchor}"
    shown.goto("about:blank")
    shown.goto(address)
    shown.wait_for_url(f"**/{new_page}#{new}")
    shown.wait_for_function(f"() => Math.abs(document.getElementById({new!r}).getBoundingClientRect().top) < 300")


@pytest.mark.parametrize(
    "address, words",
    [
        ("gone.html", "no such file"),
        ("page.html#gone", "no such place"),
        ("#gone", "no such place"),
        ("../../x", "leads out"),
        ("/page.html", "from the root"),
        ("http://localhost:8000/", "not an address"),
        ("https://127.0.0.1/x", "not an address"),
        ("file:///home/me/x", "neither http"),
        ("https:///x", "neither|not an address"),
        ("https://example.org/a b", "a space"),
        ("javascript:void(0)", "neither http"),
    ],
)
def test_the_check_catches_what_it_is_for(tmp_path, address, words):
    (tmp_path / "page.html").write_text('<p id="here">Text</p>')
    assert re.search(words, fault(address, tmp_path / "page.html", tmp_path))
    for sound in ("page.html", "page.html#here", "#here", "https://example.org/a?b=c#d", "mailto:me@example.org"):
        assert fault(sound, tmp_path / "page.html", tmp_path) == ""


def test_each_chapter_hands_out_its_notebook():
    """A link below its title, to the stored notebook in the same folder; every exercise names its cell."""
    for path in chapters.chapter_paths():
        place = (SITE / path.relative_to(ROOT)).with_suffix(".html")
        page = parsed(place)
        assert page.select_one(f'.lvm-open a[download][href="{path.name}"]'), path.stem
        assert place.with_suffix(".ipynb").read_bytes() == path.read_bytes()
        asked = {name for cell in keys.read(path)["cells"] for name in exercises.asked(cell)}
        said = " ".join(line.get_text() for line in page.select(".lvm-in-notebook"))
        assert asked == set(re.findall(r"check\.(\w+)", said)), path.stem
