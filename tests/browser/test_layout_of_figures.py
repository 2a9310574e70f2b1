"""One layout for all figures: the picture and the hand on one screen, at a desk and on a phone; nothing cut at 320."""

from itertools import combinations

import pytest
from built_book import SITE, laid_out, pages_with_figures

from tools import audit

HEADER = 52  # of a page, which stays at the top of the window
LAID_OUT = (
    "ancestral",
    "elbo",
    "em",
    "encoder",
    "front",
    "gradient",
    "kl",
    "kmeans",
    "plane",
    "posterior",
    "prior",
    "scrubber",
    "send",
    "sendtokens",
    "tokens",
    "trainer",
)


def hosts(page):
    """Those of the figures that the kit lays out, with their names."""
    found = [(host.get_attribute("data-lvm-live"), host) for host in page.locator("[data-lvm-live]").all()]
    return [(name, host) for name, host in found if host.locator(".lvm-body").count()]


PLACES = """(host) => {
    const place = (node) => { const { top, bottom, left, right, width, height } = node.getBoundingClientRect();
        return { top, bottom, left, right, width, height }; };
    const picture = [...host.querySelectorAll(".lvm-picture-side :is(svg.lvm-svg, canvas)")]
        .filter((node) => !node.parentElement.closest("svg") && node.getBoundingClientRect().width > 60);
    return { top: Math.min(...picture.map((node) => place(node).top)), hand: place(host.querySelector(".lvm-hand")),
        row: Math.max(...[...host.querySelectorAll(".lvm-hand button, .lvm-hand input")].map((n) => place(n).bottom)),
        figure: place(host.querySelector(".lvm-figure")), page: document.documentElement.scrollWidth };
}"""
TO_THE_TOP = f"""(host) => {{
    const [first] = host.querySelectorAll(".lvm-picture-side :is(svg.lvm-svg, canvas)");
    scrollBy({{ top: first.getBoundingClientRect().top - {HEADER + 4}, behavior: 'instant' }});
}}"""


def test_every_kind_of_figure_is_looked_at():
    names = {
        name
        for page in pages_with_figures()
        for name in LAID_OUT
        if f'data-lvm-live="{name}"' in (SITE / page).read_text(encoding="utf-8")
    }
    assert len(names) >= len(LAID_OUT) - 1  # one may leave the book


@pytest.mark.parametrize("page", pages_with_figures(), scope="module")
def test_picture_and_hand_are_on_one_screen(look, page):
    """From the top of the picture to the end of the first controls: 716 px at 1366 x 768, 792 px on a phone."""
    for width, height in [(1366, 768), (390, 844), (320, 640)]:
        shown = look(page, size=(width, height)).page
        for name, host in hosts(shown):
            host.evaluate(TO_THE_TOP)
            places = host.evaluate(PLACES)
            where = f"{name} at {width} x {height}: {places}"
            assert places["row"] - places["top"] <= height - HEADER, where
            assert places["hand"]["top"] < height and places["row"] <= height, where
            assert places["page"] <= width, where
            assert places["figure"]["left"] >= 0 and places["figure"]["right"] <= width, where


@pytest.mark.parametrize("page", pages_with_figures(), scope="module")
def test_a_figure_breaks_out_where_there_is_room_and_covers_nothing(look, page):
    for width, least in [(1280, 900), (1366, 780), (1920, 900)]:
        shown = look(page, size=(width, 900)).page
        column = shown.evaluate("document.querySelector('main').getBoundingClientRect().width")
        for name, host in hosts(shown):
            places = host.evaluate(PLACES)["figure"]
            assert places["width"] >= least > column, f"{name} at {width}: {places}"
            for aside in shown.locator(".chapters, .sections").all():
                box = aside.bounding_box()
                if box:
                    apart = box["x"] + box["width"] <= places["left"] or box["x"] >= places["right"]
                    assert apart, f"{name} at {width}: {places} and {box}"


CUT = """(host) => {
    const figure = host.querySelector(".lvm-figure").getBoundingClientRect();
    const out = [];
    for (const node of host.querySelectorAll(".lvm-figure :is(button, p, span, label)")) {
        if (node.closest(".lvm-unseen") || !node.getClientRects().length) continue;
        const { left, right } = node.getBoundingClientRect();
        if (left < figure.left - 1 || right > figure.right + 1) out.push(node.textContent);
    }
    for (const node of host.querySelectorAll(".lvm-body :is(button, .lvm-caption)"))
        if (node.scrollWidth > node.clientWidth + 1) out.push(node.textContent);
    for (const text of host.querySelectorAll("svg.lvm-svg text")) {
        const box = text.getBoundingClientRect();
        const around = text.ownerSVGElement.closest("svg.lvm-svg").getBoundingClientRect();
        const seen = text.textContent.trim() && box.width && getComputedStyle(text).visibility === "visible";
        const beside = box.left < around.left - 2 || box.right > around.right + 2;
        if (seen && beside && !text.closest("svg.lvm-clip, .lvm-cloud-svg")) out.push(text.textContent);
    }
    return out;
}"""


@pytest.mark.parametrize("page", pages_with_figures(), scope="module")
def test_no_label_of_a_figure_is_cut(look, page):
    for width in (320, 390, 1280):
        shown = look(page, size=(width, 844)).page
        for name, host in hosts(shown):
            assert host.evaluate(CUT) == [], f"{name} at {width}"


IMAGES = """(host) => {
    const of = ".lvm-screen, .lvm-pixels, .lvm-pad:not(.is-within)";
    const found = [...host.querySelectorAll(of)].filter((node) => node.getClientRects().length);
    return found.map((node) => {
        const { left, right, top, bottom, width } = node.getBoundingClientRect();
        const caption = node.previousElementSibling;
        const row = caption.getBoundingClientRect().bottom;
        return { left, right, top, bottom, width, row, what: caption.innerText };
    });
}"""
WIDTHS = (320, 390, 768, 1280, 1366, 1920)


@pytest.mark.parametrize("page", pages_with_figures(), scope="module")
def test_images_that_are_compared_have_one_size_and_one_top_and_their_captions_one_line(look, page):
    """Those of one figure that stand side by side; one below another they share their left edge."""
    for width in WIDTHS:
        for name, host in hosts(look(page, size=(width, 900)).page):
            images = host.evaluate(IMAGES)
            for one, other in combinations(images, 2):
                where = f"{name} at {width}: {one} and {other}"
                assert one["width"] == pytest.approx(other["width"], abs=1.5), where
                if one["top"] < other["bottom"] and other["top"] < one["bottom"]:
                    assert one["top"] == pytest.approx(other["top"], abs=1), where
                    assert one["row"] == pytest.approx(other["row"], abs=1), where
                elif one["left"] < other["right"] and other["left"] < one["right"]:
                    assert one["left"] == pytest.approx(other["left"], abs=1), where


ROWS = """(host) => [...host.querySelectorAll(".lvm-figure .lvm-buttons")].map((row) => {
    const tops = [...row.querySelectorAll("button:not(.lvm-draw-z)")].filter((node) => node.getClientRects().length)
        .map((node) => node.getBoundingClientRect()).map(({ top, bottom }) => Math.round((top + bottom) / 2));
    const lines = [...new Set(tops)].map((line) => tops.filter((top) => Math.abs(top - line) < 2).length);
    return { lines, words: row.innerText };
})"""


@pytest.mark.parametrize("page", pages_with_figures(), scope="module")
def test_no_button_of_three_and_more_stands_alone(look, page):
    for width in (*WIDTHS, 360, 430, 600):
        for name, host in hosts(look(page, size=(width, 900)).page):
            for row in host.evaluate(ROWS):
                alone = sum(row["lines"]) >= 3 and len(row["lines"]) > 1 and 1 in row["lines"]
                assert not alone, f"{name} at {width}: {row}"


ROOM = """(host) => {
    const kept = getComputedStyle(host, "::before").height;
    return [parseFloat(kept), host.querySelector(".lvm-place").offsetHeight];
}"""


@pytest.mark.parametrize("page", pages_with_figures(), scope="module")
def test_a_page_keeps_the_room_that_a_figure_takes(look, page):
    """What stands below does not move when the figure comes alive: `python -m tools.room --write` measures it anew."""
    for width in (320, 390, 768, 1280, 1366, 1440, 1920):
        shown = look(page, size=(width, 844)).page
        for name, host in hosts(shown):
            kept, taken = host.evaluate(ROOM)
            assert abs(kept - taken) <= 0.06 * taken, f"{name} at {width}: {kept:.0f} kept, {taken} taken"


HANDLE = "[role=slider]:not(input):visible"


@pytest.mark.parametrize("page", ["book/elbo.html", "book/kl_and_mle.html", "book/em_vs_vae.html"])
def test_a_drag_lays_out_its_figure_and_not_the_page(visit, browser, page):
    seen = visit(page)
    shown = seen.settle(sweep=False, figures=1)
    laid_out(shown)
    handle = shown.locator("[data-lvm-live]").first.locator(HANDLE).first
    handle.evaluate("(node) => node.scrollIntoView({block: 'center', behavior: 'instant'})")
    shown.wait_for_timeout(300)
    events = audit.traced_drag(browser, shown, handle, 0.5)
    layouts = [event["args"]["endData"] for event in events if event["name"] == "Layout" and "endData" in event["args"]]
    roots = [root["nodeName"] for layout in layouts for root in layout["layoutRoots"]]
    assert len(layouts) > 5 and not [name for name in roots if name.startswith("#document")]


def test_what_sticks_to_the_window_stands_still_when_a_handle_is_taken_and_let_go(visit):
    shown = visit("book/elbo.html", viewport={"width": 1280, "height": 800}).settle(sweep=False, figures=1)
    host = shown.locator("[data-lvm-live]").first
    panel, handle = host.locator(".lvm-panel"), host.locator(HANDLE).first
    first = panel.bounding_box()["y"] - host.bounding_box()["y"]
    host.evaluate("(node) => scrollBy({top: node.getBoundingClientRect().top + 110, behavior: 'instant'})")
    stuck = panel.bounding_box()
    assert stuck["y"] - host.bounding_box()["y"] > first + 20  # it has come down with the window
    box = handle.bounding_box()
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.mouse.down()
    held = panel.bounding_box()
    shown.mouse.up()
    assert held == pytest.approx(stuck, abs=1) and panel.bounding_box() == pytest.approx(stuck, abs=1)
