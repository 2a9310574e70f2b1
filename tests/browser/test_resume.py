"""How long it takes and where one was: minutes in every list, the last place offered and never forced, the way on."""

import json
import re
import sys

import pytest
from bs4 import BeautifulSoup
from built_book import ROOT, SITE
from test_accessibility import PHONE, check

from tools import chapters, keys, length

sys.path.insert(0, str(ROOT / "_ext"))
import drawings
import front

CHAPTERS = [path for path in chapters.chapter_paths() if path.stem != "intro"]
NO_TIME = ("Exercises", "Quick questions")  # they are answered, not read
PAGE = "book/elbo.html"
REFUSES = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})"


@pytest.fixture(scope="module")
def parsed():
    return {
        path.stem: BeautifulSoup((SITE / "book" / f"{path.stem}.html").read_text(encoding="utf-8"), "html.parser")
        for path in CHAPTERS
    }


def test_every_section_says_its_minutes_under_its_heading_and_in_the_list(parsed):
    for path in CHAPTERS:
        page, found = parsed[path.stem], length.sections(keys.read(path))
        lists = {link["href"]: link.select_one(".lvm-time") for link in page.select("nav.sections a")}
        heads = page.select("main section section > h2")
        timed = [head for head in heads if (line := head.find_next_sibling()) and line.select_one(".lvm-minutes")]
        assert [f"About {part.minutes} minute{'s' if part.minutes > 1 else ''}." for part in found[1:]] == [
            head.find_next_sibling().get_text() for head in timed
        ]
        for head in heads:
            listed = lists[f"#{head.parent['id']}"]
            if head in timed:
                minutes = re.search(r"\d+", head.find_next_sibling().get_text())[0]
                assert listed.get_text() == f"{minutes} min"
            else:
                assert listed is None
                assert head.get_text().startswith(NO_TIME), head.get_text()


def test_the_contents_say_each_chapters_minutes(parsed):
    want = [f"{length.minutes(length.sections(keys.read(path)))} min" for path in CHAPTERS]
    for page in parsed.values():
        links = [number.parent for number in page.select("nav.chapters .lvm-number")]
        assert [link.select_one(".lvm-time").get_text() for link in links] == want


def test_every_card_of_a_chapter_has_a_drawing_that_says_nothing():
    cards = BeautifulSoup((SITE / "book" / "intro.html").read_text(encoding="utf-8"), "html.parser")
    assert list(drawings.DRAWINGS) == [path.stem for path in CHAPTERS]
    for card in cards.select(".chapter-cards li"):
        (drawn,) = card.select("svg")
        assert drawn["aria-hidden"] == "true" and drawn.get_text() == "" and len(str(drawn)) < 2000
    assert not cards.select(".figure-cards svg")


def test_the_way_on_asks_the_front_pages_question(parsed):
    cards = BeautifulSoup((SITE / "book" / "intro.html").read_text(encoding="utf-8"), "html.parser")
    asked = {}
    for card in cards.select(".chapter-cards li"):
        name = card.a["href"].removesuffix(".html")
        for part in card.select("a, .lvm-minutes"):
            part.extract()
        asked[name] = " ".join(card.get_text().split())
    assert list(asked) == [path.stem for path in CHAPTERS] == list(front.questions())
    for at, path in enumerate(CHAPTERS):
        for side, there in (("prev", at - 1), ("next", at + 1)):
            shown = parsed[path.stem].select_one(f".turn-{side} .turn-asks")
            if 0 <= there < len(CHAPTERS):
                assert " ".join(shown.get_text().split()) == asked[CHAPTERS[there].stem]
            else:
                assert shown is None


def kept(page) -> dict:
    return json.loads(page.evaluate("localStorage.getItem('lvm-answers') ?? '{}'"))


def test_the_last_place_is_asked_for_kept_offered_and_forgotten(visit, axe):
    seen = visit(PAGE, "http", viewport=PHONE)
    page = seen.page
    page.evaluate("delete document.documentElement.dataset.deferred")
    heads = page.locator("main section section > h2")
    name = heads.nth(2).evaluate("(head) => head.parentElement.id")
    words = heads.nth(2).evaluate("(head) => head.firstChild.textContent.trim()")
    remember = page.locator(".lvm-remember")
    heads.nth(2).evaluate("(head) => head.scrollIntoView({ behavior: 'instant' })")
    page.wait_for_timeout(2500)
    assert kept(page) == {}  # nothing before it was asked
    assert page.locator(".lvm-continue").count() == 0
    remember.get_by_role("button", name="Remember", exact=True).click()
    assert "Remembered" in remember.inner_text()
    heads.nth(2).evaluate("(head) => head.scrollIntoView({ behavior: 'instant' })")
    page.wait_for_function("(name) => localStorage.getItem('lvm-answers').includes(name)", arg=f'"id":"{name}"')

    page.goto(page.url.replace("elbo.html", "intro.html"))
    line = page.locator(".lvm-continue")
    assert line.locator("a").inner_text() == f"3 The evidence lower bound, {words}"
    assert page.evaluate("scrollY") == 0
    assert check(page, axe, ".lvm-continue") == []
    line.locator("a").click()
    page.wait_for_url(f"**/elbo.html#{name}")
    page.goto(page.url.split("#")[0].replace("elbo", "kl_and_mle"))
    assert line.count() == 0  # another chapter, not begun
    page.goto(page.url.replace("kl_and_mle", "elbo"))
    assert line.locator("a").inner_text() == words
    assert page.evaluate("scrollY") == 0
    assert page.locator(".lvm-remember").count() == 0
    line.get_by_role("button", name="Dismiss").click()
    assert line.count() == 0
    page.goto(page.url.replace("elbo", "intro"))
    assert line.count() == 0

    page.evaluate(
        """() => localStorage.setItem("lvm-answers", JSON.stringify({ version: 1, keep: true, exercises: {},
        places: { "book/elbo": { id: "", words: "", when: "2026-01-01" } } }))"""
    )
    page.reload()
    assert line.locator("a").inner_text() == "4 The variational autoencoder"  # after a chapter's end the next
    page.goto(page.url.replace("intro", "appendix/your_answers"))
    page.get_by_role("button", name="Erase all").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    assert kept(page) == {}
    assert seen.errors == [] and seen.foreign == []


def test_a_no_at_the_foot_is_a_no_to_answers_too_and_a_refusing_browser_is_not_asked(visit):
    seen = visit(PAGE)
    seen.page.locator(".lvm-remember").get_by_role("button", name="Do not remember").click()
    assert kept(seen.page) == {"version": 1, "keep": False, "exercises": {}}
    seen.page.reload()
    assert seen.page.locator(".lvm-remember").count() == 0
    seen.page.add_init_script(REFUSES)
    seen.page.reload()
    assert seen.page.locator(".lvm-remember, .lvm-continue").count() == 0
    assert seen.errors == []
