"""Cards that show what a link leads to: every such link has one, made of the book, and none is in the way."""

from __future__ import annotations

import gzip
import html
import json
import re
import sys
from urllib.parse import unquote, urljoin

import pytest
from built_book import ROOT, SITE, read_pages
from test_accessibility import LAPTOP, PHONE, check

from tools.budgets import budget

sys.path.insert(0, str(ROOT / "_ext"))
import previews

FILES = sorted((SITE / "_previews").glob("*.js"))
LED = re.compile(r'<a [^>]*href="([^"]*#(?:equation-|exercise-|term-)[^"]*|[^"]*references\.html#id\d+)"')
KNOWN = "a[href*='#equation-'], a[href*='#term-'], a[href*='#exercise-'], a[href*='references.html#id']"
CARD = "#lvm-preview"
PAGE = "book/em_vs_vae.html"
# Each link in turn gets the focus; what is wrong with its card is told.
EACH = """async (known) => {
  const wrong = [];
  const links = [...document.querySelectorAll("main article :is(" + known + "):not(.headerlink)")];
  const card = document.getElementById("lvm-preview");
  for (const link of links) {
    link.closest("details")?.setAttribute("open", "");
    link.scrollIntoView({ block: "center", behavior: "instant" });
    link.focus({ focusVisible: true, preventScroll: true });
    for (let i = 0; i < 200 && card.hidden; i++) await new Promise((done) => setTimeout(done, 10));
    const box = card.getBoundingClientRect();
    const over = [...link.getClientRects()].some((line) => line.top < box.bottom && line.bottom > box.top);
    const out = box.left < 0 || box.right > document.documentElement.clientWidth || box.bottom > innerHeight
      || box.top < document.querySelector(".top").getBoundingClientRect().bottom;
    const cut = card.scrollWidth > card.clientWidth + 1;
    const said = link.getAttribute("aria-describedby") === card.id;
    if (card.hidden || over || out || cut || !said)
      wrong.push([link.textContent, card.hidden && "none", over && "over it", out && "out", cut && "cut"]);
  }
  document.activeElement.blur();
  return [links.length, wrong];
}"""


def cards(file) -> dict:
    """What a side file hands over."""
    text = file.read_text(encoding="utf-8")
    return json.loads("[" + text[text.index("(") + 1 : text.rindex(")")] + "]")[1]


def test_every_such_link_has_a_card():
    missing, seen = [], 0
    for page in read_pages():
        text = (SITE / page).read_text(encoding="utf-8")
        article = re.sub(r'<a class="headerlink"[^>]*>', "", text[text.find("<article>") : text.find("</article>")])
        for address in LED.findall(article):
            there, _, name = urljoin(f"/{page}", unquote(html.unescape(address))).partition("#")
            file = SITE / "_previews" / f"{there.rsplit('/', 1)[-1].removesuffix('.html')}.js"
            seen += 1
            if file not in FILES or name not in cards(file):
                missing.append((page, address))
            assert "previews.min.js" in text, page
    assert missing == []
    assert seen > 500


def test_a_card_shows_the_formula_of_its_page():
    """The spoken half of each numbered formula, as its page has it and as its card has it."""
    count = 0
    for file in FILES:
        page = SITE / "book" / f"{file.stem}.html"
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        for name, card in cards(file).items():
            if not name.startswith("equation-"):
                continue
            there = text[text.index(f'id="{name}"') :]
            spoken = re.search(r"<math.*?</math>", there, flags=re.S)[0]
            own = re.search(r"<math.*?</math>", card[2], flags=re.S)[0]
            words = [re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", piece, flags=re.S) for piece in (spoken, own)]
            assert words[0] == words[1] != "", name
            number = re.search(r'class="eqno">\((\d+)', there)[1]
            assert card[0] == f"Equation ({number})"
            count += 1
    assert count > 100


def test_nothing_in_a_card_runs_leads_away_or_has_a_name():
    for file in FILES:
        for card in cards(file).values():
            for text in card if isinstance(card, list) else ():
                assert not re.search(r"<(?:script|a|img|iframe|form|input|style|object)\b", text), file.name
                tags = " ".join(re.findall(r"<[^>]*>", text))
                assert not re.search(r"\s(?:on\w+|href|src|id|name|action)=|javascript:|url\(", tags), file.name


@pytest.mark.parametrize(
    "hostile",
    [
        "<p onclick='x()'>a</p>",
        "<script>x()</script><p>a</p>",
        "<p>a</p><img src=x onerror=x()>",
        "<svg onload=x()></svg><p>a</p>",
        '<p style="background:url(//x)">a</p>',
        "<p><a href='javascript:x()'>a</a></p>",
        "<p>a</p><form><input autofocus onfocus=x()></form>",
        "<style>p{}</style><p>a</p><iframe srcdoc='<script>x()</script>'>",
    ],
)
def test_what_is_no_text_is_left_out(hostile):
    shown = previews.clean(hostile)
    assert "<p>a</p>" in shown
    assert not re.search(r"x\(|//x|script|<a|on\w+=", shown)


def test_text_stays_text():
    assert previews.clean("<p>1 &lt; 2 &amp; &lt;b&gt;</p>") == "<p>1 &lt; 2 &amp; &lt;b&gt;</p>"


def test_side_files_are_small():
    sizes = {file.name: len(gzip.compress(file.read_bytes(), mtime=0)) for file in FILES}
    assert max(sizes.values()) <= budget("scripts", "cards"), sizes


@pytest.mark.parametrize(("page", "size"), [(PAGE, {"width": 320, "height": 640}), ("book/vae.html", LAPTOP)])
def test_by_key_each_card_fits_beside_its_link(visit, page, size):
    seen = visit(page, viewport=size)
    seen.page.evaluate("delete document.documentElement.dataset.deferred")
    count, wrong = seen.page.evaluate(EACH, KNOWN)
    assert wrong == []
    assert count > 30
    assert seen.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert seen.errors == [] and seen.foreign == []


def test_by_pointer_and_key(visit, axe):
    """A card comes to who rests on a link, stays for who goes to it, leaves with pointer and focus, and by Escape."""
    seen = visit("book/elbo.html", "http", viewport=LAPTOP)
    page = seen.page
    page.evaluate("delete document.documentElement.dataset.deferred")
    card, link = page.locator(CARD), page.locator(f"main article :is({KNOWN}):not(.headerlink)").first
    assert not [url for url in seen_scripts(page) if "_previews" in url]  # nothing is loaded before
    link.scroll_into_view_if_needed()
    page.mouse.wheel(0, 200)
    page.wait_for_timeout(100)
    for scheme in ("dark", "light"):
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", scheme)
        link.hover()
        card.wait_for(state="visible")
        card.hover()  # within the time that it waits
        page.wait_for_timeout(600)
        assert card.is_visible()
        assert check(page, axe, CARD) == []
        page.mouse.move(2, 2)
        card.wait_for(state="hidden")
    link.hover()
    card.wait_for(state="visible")
    page.keyboard.press("Escape")
    assert card.is_hidden()
    page.mouse.move(2, 2)
    link.evaluate("(link) => link.focus({ focusVisible: true })")
    card.wait_for(state="visible")
    page.mouse.move(200, 2)
    page.wait_for_timeout(600)
    assert card.is_visible()  # it stays as long as the focus does
    page.emulate_media(media="print")
    assert card.is_hidden()
    page.emulate_media(media="screen", forced_colors="active", reduced_motion="reduce")
    edge, ground = card.evaluate(
        "(card) => [getComputedStyle(card).borderTopColor, getComputedStyle(card).backgroundColor]"
    )
    assert edge != ground
    page.keyboard.press("Escape")
    assert card.is_hidden()
    assert link.evaluate("(link) => link === document.activeElement && !link.hasAttribute('aria-describedby')")
    link.evaluate("(link) => { link.blur(); link.focus({ focusVisible: true }); }")
    card.wait_for(state="visible")
    page.keyboard.press("Tab")
    assert link.evaluate("(link) => !link.hasAttribute('aria-describedby')")
    assert seen.errors == [] and seen.foreign == []


def seen_scripts(page) -> list[str]:
    return page.evaluate("[...document.scripts].map((script) => script.src)")


def test_by_finger_the_first_tap_shows_the_second_follows(visit):
    seen = visit("book/elbo.html", viewport=PHONE, has_touch=True, is_mobile=True)
    page = seen.page
    page.evaluate("delete document.documentElement.dataset.deferred")
    card, link = page.locator(CARD), page.locator("main article a[href*='references.html#id']").first
    before = page.url
    link.tap()
    card.wait_for(state="visible")
    assert page.url == before
    assert "Tap the link again" in card.inner_text()
    page.locator("h1").first.tap()
    assert card.is_hidden()
    link.tap()
    card.wait_for(state="visible")
    link.tap()
    page.wait_for_url("**/references.html#id*")


def test_without_its_side_file_a_tap_follows(visit):
    seen = visit("book/elbo.html", "http", viewport=PHONE, has_touch=True, is_mobile=True)
    seen.context.route("**/_previews/**", lambda route: route.abort())
    seen.page.evaluate("delete document.documentElement.dataset.deferred")
    seen.page.locator("main article a[href*='references.html#id']").first.tap()
    seen.page.wait_for_url("**/references.html#id*")
