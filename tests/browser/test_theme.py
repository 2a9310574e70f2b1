"""The theme: the system's at first, then the reader's choice, by key or pointer, on every page; and pictures follow."""

import pytest
from built_book import SITE, read_pages

PAGES = read_pages()
THEME = "document.documentElement.dataset.theme"
GROUND = "getComputedStyle(document.body).backgroundColor"
SWITCH = "[data-theme-switch]"


def luminance(colour: str) -> float:
    return sum(float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]) / 765


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_follows_the_system_at_first(visit, page, system):
    shown = visit(page, color_scheme=system).page
    assert shown.evaluate(THEME) == system
    assert (luminance(shown.evaluate(GROUND)) < 0.5) == (system == "dark")
    assert shown.get_attribute(SWITCH, "aria-pressed") == str(system == "dark").lower()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_key_switches_and_the_choice_outlasts_the_page(visit, key):
    seen = visit(PAGES[0], "http", color_scheme="light")
    shown = seen.page
    for _ in range(12):
        shown.keyboard.press("Tab")
        if shown.evaluate(f"document.activeElement.matches('{SWITCH}')"):
            break
    reached = shown.evaluate(f"document.activeElement.matches('{SWITCH}')")
    assert reached, "the switch is not among the first stops of the keyboard"
    shown.keyboard.press(key)
    assert shown.evaluate(THEME) == "dark" and shown.get_attribute(SWITCH, "aria-pressed") == "true"
    shown.reload()
    assert shown.evaluate(THEME) == "dark"
    elsewhere = seen.context.new_page()
    elsewhere.goto(shown.url.replace(PAGES[0], PAGES[-1]))
    assert elsewhere.evaluate(THEME) == "dark"
    shown.press(SWITCH, key)
    assert shown.evaluate(THEME) == "light"


def test_the_theme_is_there_before_the_first_paint(visit):
    """The choice is read by a script in the head, so that no page flashes: it stands before any style sheet."""
    for page in PAGES:
        html = (SITE / page).read_text(encoding="utf-8")
        assert 0 < html.index("localStorage") < html.index('rel="stylesheet"')


def test_a_page_that_may_store_nothing_still_switches(visit):
    seen = visit(PAGES[0], "http", color_scheme="light")
    seen.page.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no') } })"
    )
    seen.page.reload()
    seen.page.click(SWITCH)
    assert seen.page.evaluate(THEME) == "dark" and seen.errors == []


@pytest.mark.parametrize("page", PAGES)
def test_one_of_two_twins_is_seen(visit, page):
    """A static picture has a twin for the other theme, with the same words; one of the two is drawn, never both."""
    shown = visit(page, color_scheme="light").settle()
    for theme in ("light", "dark"):
        shown.evaluate(f"{THEME} = '{theme}'")
        pairs = shown.evaluate("""() => {
            const seen = (node) => node.checkVisibility();
            const light = [...document.querySelectorAll(".lvm-only-light")];
            const dark = [...document.querySelectorAll(".lvm-only-dark")];
            return { counts: [light.length, dark.length],
                     light: light.map(seen), dark: dark.map(seen),
                     same: light.every((node, i) => node.alt === dark[i]?.alt && node.src !== dark[i]?.src) };
        }""")
        assert pairs["counts"][0] == pairs["counts"][1] and pairs["same"]
        assert pairs[theme] == [True] * len(pairs[theme])
        assert pairs["dark" if theme == "light" else "light"] == [False] * len(pairs[theme])


@pytest.mark.parametrize("page", PAGES)
def test_every_static_picture_has_its_twin(page):
    """A picture of the book's own is one of twins, or the still of a live figure, which has a ground of its own."""
    from bs4 import BeautifulSoup

    html = BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")
    kinds = [set(image.get("class", [])) for image in html.select("main img")]
    assert all(kind & {"lvm-only-light", "lvm-only-dark", "lvm-still"} for kind in kinds), kinds


@pytest.mark.parametrize("page", PAGES)
def test_live_figures_follow_the_switch(visit, page):
    shown = visit(page, color_scheme="light").settle()
    shown.click(SWITCH)
    shown.wait_for_timeout(50)
    grounds = shown.evaluate(
        "[...document.querySelectorAll('.lvm-figure')].map((node) => getComputedStyle(node).backgroundColor)"
    )
    assert all(luminance(ground) < 0.5 for ground in grounds)
