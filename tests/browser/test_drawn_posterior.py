"""The true posterior of a drawn digit: its grid is found in the page, Python finds the same.

Keyboard, Escape, link, a phone.
"""

from built_book import ONE, scribble
from test_figures_hold import differences, recomputed, settled

from lvm_lib.figures import TruePosteriorFigure
from lvm_lib.figures.drawing import read_image

PAGE = "book/what_a_vae_optimises.html"


def figure(page):
    return page.locator("[data-figure=posterior]").first


def numbers(page) -> dict:
    """The figure's numbers, held to Python, once no posterior is being searched."""
    page.wait_for_timeout(100)
    page.wait_for_function("() => !document.querySelector('[data-figure=posterior]').classList.contains('is-waiting')")
    found = settled(page, figure(page))
    assert TruePosteriorFigure.broken(found) == [] and differences(found, recomputed(PAGE, figure(page), found)) == []
    return found


def test_a_drawn_digit_gets_its_posterior_and_is_refined(shown):
    before = numbers(shown)
    scribble(shown, figure(shown), ONE)
    drawn = numbers(shown)
    assert drawn["drawn"] and drawn["step"] == 0 and drawn["evidence"] != before["evidence"] and drawn["spacing"] < 0.5
    for _ in range(3):
        figure(shown).get_by_role("button", name="Step", exact=True).click()
    refined = numbers(shown)
    assert (
        refined["drawn"] == drawn["drawn"]
        and refined["refined"] > drawn["refined"]
        and refined["evidence"] == drawn["evidence"]
    )
    figure(shown).get_by_role("radio", name="4").click()
    assert numbers(shown)["drawn"] == "" and numbers(shown)["digit"] == 4
    figure(shown).get_by_role("button", name="Reset").click()
    assert numbers(shown) == before


def test_a_stroke_that_is_taken_back_changes_nothing(shown):
    before = numbers(shown)
    pad = figure(shown).locator(".lvm-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    shown.mouse.move(box["x"] + 20, box["y"] + 20)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 90, box["y"] + 90, steps=5)
    shown.keyboard.press("Escape")
    shown.mouse.up()
    assert numbers(shown) == before


def test_pixels_by_keyboard_and_a_link(visit, shown):
    figure(shown).locator(".lvm-pixels").focus()
    for key in ("ArrowUp", "ArrowLeft", "Space"):
        shown.keyboard.press(key)
    once = numbers(shown)
    shown.keyboard.press("Space")
    twice = numbers(shown)
    assert [
        i for i, (a, b) in enumerate(zip(read_image(once["drawn"]), read_image(twice["drawn"]), strict=True)) if a != b
    ] == [13 * 28 + 13]
    shown.wait_for_function("(drawn) => location.hash.includes(`x=${drawn}`)", arg=twice["drawn"])
    assert "posterior:" in shown.url
    other = visit(None)
    other.open(shown.url)
    assert numbers(other.settle(sweep=False)) == twice and other.errors == []


def test_a_finger_draws_on_a_phone(visit):
    seen = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = seen.settle(sweep=False)
    before = numbers(page)
    figure(page).get_by_role("button", name="Draw", exact=True).tap()
    page.wait_for_timeout(300)
    scribble(page, figure(page), ONE, "touch")
    assert numbers(page)["drawn"] != before["drawn"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and seen.errors == []
