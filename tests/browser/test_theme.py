"""The theme: the system's at first, then the reader's choice, by key or pointer, on every page; and pictures follow."""

import re

import pytest
from built_book import SITE, parsed, read_pages

PAGES = read_pages()
THEME = "document.documentElement.dataset.theme"
GROUND = "getComputedStyle(document.body).backgroundColor"
SWITCH = "[data-theme-switch]"


def luminance(colour: str) -> float:
    return sum(float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]) / 765


@pytest.mark.parametrize("page", PAGES)
def test_a_page_follows_the_system_then_the_switch_and_pictures_and_figures_follow_it(visit, page):
    """At first it is the system's theme, dark or light; one of two twins is seen; live figures follow the switch."""
    seen = visit(page, color_scheme="dark")
    follows(seen.page, "dark")
    seen.page.emulate_media(color_scheme="light")
    seen.page.reload()
    follows(seen.page, "light")
    shown = seen.settle()
    one_of_two_twins_is_seen(shown, "light")
    shown.click(SWITCH)
    shown.wait_for_timeout(50)
    one_of_two_twins_is_seen(shown, "dark")
    grounds = shown.evaluate(
        "[...document.querySelectorAll('.lvm-figure')].map((node) => getComputedStyle(node).backgroundColor)"
    )
    assert all(luminance(ground) < 0.5 for ground in grounds)


def follows(shown, system):
    assert shown.evaluate(THEME) == system
    assert (luminance(shown.evaluate(GROUND)) < 0.5) == (system == "dark")
    assert shown.get_attribute(SWITCH, "aria-pressed") == str(system == "dark").lower()


def one_of_two_twins_is_seen(shown, theme):
    """A static picture has a twin for the other theme, with the same words; one of the two is drawn, never both."""
    pairs = shown.evaluate("""() => {
        const seen = (node) => node.checkVisibility();
        const light = [...document.querySelectorAll("img.lvm-only-light")];
        const dark = [...document.querySelectorAll("img.lvm-only-dark")];
        return { counts: [light.length, dark.length],
                 light: light.map(seen), dark: dark.map(seen),
                 same: light.every((node, i) => node.alt === dark[i]?.alt && node.src !== dark[i]?.src) };
    }""")
    assert pairs["counts"][0] == pairs["counts"][1] and pairs["same"]
    assert pairs[theme] == [True] * len(pairs[theme])
    assert pairs["dark" if theme == "light" else "light"] == [False] * len(pairs[theme])


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
    """The choice is read by a script in the head, for which the page waits, before any style sheet: no page flashes."""
    for page in PAGES:
        html = (SITE / page).read_text(encoding="utf-8")
        script = re.search(r'<script src="[^"]*_static/first\.js[^>]*>', html)
        assert script and not re.search("defer|async|type=", script[0])
        assert script.start() < html.index('rel="stylesheet"')
    assert "lvm-theme" in (SITE / "_static" / "first.js").read_text(encoding="utf-8")


def test_a_page_that_may_store_nothing_still_switches(visit):
    seen = visit(PAGES[0], "http", color_scheme="light")
    seen.page.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no') } })"
    )
    seen.page.reload()
    seen.page.click(SWITCH)
    assert seen.page.evaluate(THEME) == "dark" and seen.errors == []


@pytest.mark.parametrize("page", PAGES)
def test_every_static_picture_has_its_twin(page):
    """A picture of the book's own is one of twins, or the still of a live figure, which has a ground of its own."""
    kinds = [set(image.get("class", [])) for image in parsed(page).select("main img")]
    assert all(kind & {"lvm-only-light", "lvm-only-dark", "lvm-still"} for kind in kinds), kinds
