"""What a page asks of a reader: little code by height, a figure soon, whole formulas, and a way to find one's place."""

import re

import pytest
from bs4 import BeautifulSoup
from built_book import SITE, laid_out, read_pages

from tools import chapters, reading

CHAPTERS = [f"book/{path.stem}.html" for path in chapters.chapter_paths()]
NUMBERED = [page for page in CHAPTERS if page != "book/intro.html"]
NO_FIGURE = {"every_model_on_its_ruler"}  # it is one table of all models


def parsed(page):
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_is_read_and_not_scrolled_past(browser, page):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.goto((SITE / page).as_uri())
    found = reading.measured(opened)
    opened.close()
    name = page.split("/")[-1].removesuffix(".html")
    assert found["share"] <= reading.CODE_SHARE
    assert found["cut"] == {width: [] for width in reading.WIDTHS}
    if name not in NO_FIGURE:
        assert found["screens"] <= reading.SCREENS


def test_what_teaches_stands_open_and_one_switch_opens_the_rest_here_and_on_the_next_page(visit):
    seen = visit("book/elbo.html", "http")
    shown, switch = seen.page, seen.page.get_by_role("button", name="Show code")
    folds = "document.querySelectorAll('main details.above-input')"
    open_ = f"[...{folds}].filter((fold) => fold.open).length"
    assert shown.evaluate(f"{folds}.length") > 10 and shown.evaluate(open_) == 0
    teaches = shown.locator(".cell.tag_teaches pre").first
    assert teaches.evaluate("(node) => node.checkVisibility() && !node.closest('details')")
    shown.locator("main details.above-input summary").first.press("Enter")  # each cell by itself
    assert shown.evaluate(open_) == 1
    switch.click()
    assert switch.get_attribute("aria-pressed") == "true"
    assert shown.evaluate(open_) == shown.evaluate(f"{folds}.length")
    shown.goto(shown.url.replace("elbo", "every_model_on_its_ruler"))
    assert switch.get_attribute("aria-pressed") == "true" and shown.evaluate(open_) > 0
    switch.click()
    shown.reload()
    assert switch.get_attribute("aria-pressed") == "false" and shown.evaluate(open_) == 0


def test_the_switch_does_its_work_where_nothing_may_be_kept(visit):
    seen = visit("book/elbo.html")
    seen.page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})")
    seen.page.reload()
    seen.page.get_by_role("button", name="Show code").click()
    assert seen.page.evaluate("document.querySelector('main details.above-input').open") and seen.errors == []


PRESENT = """() => {
    const marked = [...document.querySelectorAll("nav a[aria-current=location]")].filter((a) => a.checkVisibility());
    const above = [...document.querySelectorAll("main section section:has(> h2)")]
        .filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    return above.length > 3 && marked.length === 1 && marked[0].hash === `#${above.at(-1).id}`;
}"""


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1400])
def test_the_sections_of_a_chapter_are_at_hand_at_every_width_and_the_present_one_is_marked(visit, width):
    shown = visit("book/elbo.html", viewport={"width": width, "height": 700}).page
    laid_out(shown)
    menu = shown.locator("details.menu summary")
    heads = shown.locator("main section section > h2")
    for at in (4, 9):
        heads.nth(at).evaluate("(head) => head.scrollIntoView({block: 'start', behavior: 'instant'})")
        if menu.is_visible() and not shown.locator("details.menu[open]").count():
            menu.press("Enter")
        shown.wait_for_function(PRESENT)  # of all that is seen, one link, and the right one
    links = shown.locator("nav :is(.lvm-here, .lvm-here ~ *, ul) a[href^='#']:visible:not([aria-current=page])")
    assert links.count() == heads.count()
    way = links.nth(1).get_attribute("href")
    links.nth(1).press("Enter")
    shown.wait_for_function(f"() => document.querySelector('{way}').getBoundingClientRect().top < 200")
    assert not shown.locator("details.menu[open]").count()


@pytest.mark.parametrize("page", NUMBERED)
def test_chapters_are_numbered_in_contents_title_and_on_the_way_on(page):
    number, here = NUMBERED.index(page) + 1, parsed(page)
    assert here.h1.get_text(" ", strip=True).startswith(f"Chapter {number} ")
    assert here.title.get_text().startswith(f"{number}. ")
    for link in here.select("nav.chapters a[aria-current=page], .menu a[aria-current=page]"):
        assert link.get_text().startswith(f"{number} ")
    following = here.select_one(".turn-next small").get_text()
    assert following == (f"Next: chapter {number + 1}" if number < len(NUMBERED) else "Next")


@pytest.mark.parametrize("page", read_pages())
def test_pages_about_the_build_are_reached_from_the_footer_and_stand_in_no_contents(page):
    here = parsed(page)
    behind = ("benchmarks.html", "status.html")
    assert not [link["href"] for link in here.select("nav a[href]") if link["href"].endswith(behind)]
    assert {link.get_text() for link in here.select("footer a[href]")} >= {"Benchmarks", "Status"}


def test_instructors_are_told_of_the_pages_about_the_build():
    links = [link["href"] for link in parsed("book/appendix/instructors.html").select("article a[href]")]
    assert {"benchmarks.html", "status.html"} <= set(links)


def test_without_javascript_the_system_chooses_the_theme_and_no_room_stays_empty_under_a_still(visit):
    seen = visit(
        "book/elbo.html", java_script_enabled=False, color_scheme="dark", viewport={"width": 390, "height": 844}
    )
    ground, ink = seen.page.evaluate(
        "() => ['backgroundColor', 'color'].map((name) => getComputedStyle(document.body)[name])"
    )
    light = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in (ground, ink)]
    assert light[0] < 200 < 500 < light[1]
    empty = seen.page.evaluate("""() => [...document.querySelectorAll("[data-lvm-live]")].map((host) => {
        const ends = [...host.querySelectorAll("img, p")].map((node) => node.getBoundingClientRect().bottom);
        return host.getBoundingClientRect().bottom - Math.max(...ends);
    })""")
    assert empty and max(empty) < 60
    assert not seen.page.locator("[data-theme-switch], [data-code-switch]").first.is_visible()


def test_no_heading_breaks_at_a_hyphen_of_a_word():
    title = parsed("book/vqvae_tokenizers.html").h1
    assert [node.get_text() for node in title.select(".lvm-whole")] == ["one-hots"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_panels_of_a_picture_stand_one_below_the_other_and_each_is_whole(visit, theme):
    seen = visit("book/what_a_vae_optimises.html", viewport={"width": 390, "height": 844}, color_scheme=theme)
    side_by_side = ".lvm-panels:not(:has(.lvm-words))"
    shown = seen.page.evaluate(
        """(those) => [...document.querySelectorAll(those)].map((panels) => ({
        boxes: [...panels.querySelectorAll(".lvm-panel")].filter((panel) => panel.checkVisibility()).map((panel) => {
            const { left, right, top, height } = panel.getBoundingClientRect();
            return { left, right, top, height, file: getComputedStyle(panel).backgroundImage };
        }),
        words: panels.previousElementSibling.querySelectorAll("img[alt]").length,
        stops: panels.previousElementSibling.tabIndex,
    }))""",
        side_by_side,
    )
    assert [len(picture["boxes"]) for picture in shown] == [2, 3]
    for picture in shown:
        tops = [box["top"] for box in picture["boxes"]]
        assert tops == sorted(set(tops)) and picture["words"] > 0 and picture["stops"] == -1
        for box in picture["boxes"]:
            assert 0 <= box["left"] < box["right"] <= 390 and box["height"] > 100 and f"-{theme}.png" in box["file"]


SIDEWAYS = """() => {
    const boxes = ".lvm-frame, .output:has(> table), .table-wrapper, .pst-scrollable-table-container";
    const found = [...document.querySelectorAll(boxes)]
        .filter((node) => node.checkVisibility() && node.scrollWidth > node.clientWidth + 1)
        .map((node) => {
            const { role, tabIndex, ariaLabel, textContent } = node;
            const picture = node.querySelector("img")?.getAttribute("src") ?? null;
            const says = getComputedStyle(node, "::before").content;
            const results = node.matches(".output");
            return { picture, results, role, tabIndex, ariaLabel, says, text: textContent.slice(0, 80) };
        });
    return { found, page: document.documentElement.scrollWidth };
}"""


@pytest.mark.parametrize("page", [*NUMBERED, "book/appendix/benchmarks.html"])
def test_on_a_phone_no_picture_and_no_result_scrolls_sideways_and_what_does_says_so(look, page):
    for width in (320, 390):
        told = look(page, size=(width, 844)).page.evaluate(SIDEWAYS)
        assert told["page"] <= width
        for one in told["found"]:
            assert one["role"] == "region" and one["tabIndex"] == 0 and "scrolls sideways" in one["ariaLabel"], one
            assert "Scrolls sideways" in one["says"], one
            assert not one["results"], f"a table of results scrolls at {width}: {one}"
            assert not one["picture"], f"at {width}: {one}"


STACKED = """() => {
    const rows = [...document.querySelectorAll("main tbody tr")];
    const lines = (node) => new Set([...node.getClientRects()].map((box) => Math.round(box.top))).size;
    return {
        rows: rows.length,
        beside: rows.filter((row) => {
            const boxes = [...row.cells].map((cell) => cell.getBoundingClientRect());
            return boxes.at(-1).top < boxes[0].bottom - 1;
        }).length,
        broken: [...document.querySelectorAll("main td code")].filter((name) => lines(name) > 1)
            .map((name) => name.textContent),
        beyond: [...document.querySelectorAll("main td *")]
            .filter((node) => !node.closest(".katex-mathml") && node.getBoundingClientRect().right > innerWidth)
            .map((node) => node.textContent),
        parts: new Set([...document.querySelectorAll("main table, main tr, main td")].map((node) => node.role)).size,
    };
}"""


@pytest.mark.parametrize("page", ["book/appendix/glossary.html", "book/appendix/notation.html"])
def test_on_a_phone_the_rows_of_a_list_are_stacked_and_a_name_in_code_stays_whole(look, page):
    for width in (320, 390):
        shown = look(page, size=(width, 844)).page
        sideways = shown.evaluate(SIDEWAYS)
        assert sideways["found"] == [] and sideways["page"] <= width
        told = shown.evaluate(STACKED)
        assert told.pop("rows") > 40
        assert told == {"beside": 0, "broken": [], "beyond": [], "parts": 3}


FORMS = """async () => {
    const found = [...document.querySelectorAll(".lvm-frame img")].filter((image) => image.checkVisibility());
    const shown = found.filter((image) => image.parentElement.localName === "picture");
    for (const image of shown) image.loading = "eager";
    const settled = async (image) => {  // decode() gives up where another form is being chosen
        for (let tries = 0; ; tries++) {
            try { return await image.decode(); }
            catch (error) { if (tries === 100) throw error; }
            await new Promise((go) => setTimeout(go, 50));
        }
    };
    await Promise.all(shown.map(settled));
    return shown.map((image) => {
        const { left, right, width, height } = image.getBoundingClientRect();
        const file = image.currentSrc.split("/").at(-1).replace(".png", "");
        const shape = image.naturalWidth / image.naturalHeight / (width / height);
        return { file, left, right, width, shape, source: image.naturalWidth, words: image.alt.length };
    });
}"""


@pytest.mark.parametrize("page", ["book/latent_variable_models.html", "book/vae.html", "book/appendix/benchmarks.html"])
def test_a_picture_of_one_panel_is_shown_in_its_narrow_form_on_a_phone_and_in_no_other_there(visit, page):
    shown = visit(page, viewport={"width": 1280, "height": 900}, color_scheme="light").page
    wide = shown.evaluate(FORMS)
    assert wide and all(re.search(r"(?<!narrow)-light$", one["file"]) and one["source"] == 1382 for one in wide)
    for width in (320, 390, 640):
        shown.set_viewport_size({"width": width, "height": 844})
        for theme in ("light", "dark", "light"):  # the reader's choice holds for it as for the wide one
            if shown.evaluate("document.documentElement.dataset.theme") != theme:
                shown.locator("[data-theme-switch]").click()
            narrow = shown.evaluate(FORMS)
            assert [one["file"] for one in narrow] == [
                one["file"].replace("-light", f"-narrow-{theme}") for one in wide
            ]
            for one in narrow:
                assert 0 <= one["left"] < one["right"] <= width and one["words"] > 20
                assert one["width"] >= 279 and one["source"] == 700 and abs(one["shape"] - 1) < 0.02  # type as drawn


def test_on_paper_a_picture_is_wide(visit):
    shown = visit("book/vae.html", viewport={"width": 390, "height": 844}).page
    assert all("-narrow-" in one["file"] for one in shown.evaluate(FORMS))
    shown.emulate_media(media="print")
    assert not [one["file"] for one in shown.evaluate(FORMS) if "-narrow-" in one["file"]]


class TestTheListOfEquations:
    """Its formulas but the first become elements when they come near; nobody goes without one."""

    PAGE = "book/appendix/identities.html"
    WAITING = "document.querySelectorAll('main noscript.lvm-late').length"
    SEEN = "[...document.querySelectorAll('main .lvm-formula')].filter((node) => node.querySelector('.katex-html'))"

    def test_they_come_with_the_reader(self, visit):
        page = visit(self.PAGE).page
        formulas = page.locator("main .lvm-formula").count()
        assert page.evaluate(self.WAITING) > formulas / 2
        tops = f"{self.SEEN}.map((node) => node.getBoundingClientRect().top)"
        assert [top for top in page.evaluate(tops) if top < 900]  # a first one stands before any script ran
        last = page.locator("main .lvm-formula").last
        last.scroll_into_view_if_needed()
        last.locator(".katex-html").first.wait_for()
        assert page.evaluate(f"{self.SEEN}.length") < formulas  # those passed over are still text

    @pytest.mark.parametrize("way", ["a link to an entry", "no script", "paper"])
    def test_all_are_there(self, visit, way):
        link = "#test-of-vae-elbo" if way == "a link to an entry" else ""
        seen = visit(None, java_script_enabled=way != "no script")
        seen.open((SITE / self.PAGE).as_uri() + link)
        if way == "paper":
            seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        formulas = seen.page.locator("main .lvm-formula")
        assert formulas.count() == formulas.filter(has=seen.page.locator(".katex-html")).count() > 100
