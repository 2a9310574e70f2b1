"""The tokens of a drawn digit: drawn by mouse and by finger, edited by keyboard, linked to, taken back.

Python finds the same.
"""

import numpy as np
import pytest
from built_book import ONE, pages_with_figures, scribble, side_file
from test_figures_hold import differences, recomputed, settled

from lvm_lib.figures import PriorFigure, TokensFigure
from lvm_lib.figures.drawing import read_grey

PAGE = "book/vqvae_tokenizers.html"
SEVEN = [(0.2, 0.2), (0.8, 0.2), (0.5, 0.85)]


def figure(page):
    return page.locator("[data-figure=tokens]").first


def numbers(page) -> dict:
    return settled(page, figure(page))


def true(page) -> dict:
    """The numbers of the figure, held to Python and to the invariants."""
    found = numbers(page)
    assert TokensFigure.broken(found) == [] and differences(found, recomputed(PAGE, figure(page), found)) == []
    return found


def test_the_page_of_this_test_has_the_figure():
    assert PAGE in pages_with_figures()


def test_a_drawing_is_normalised_encoded_and_painted_over(shown):
    before = true(shown)
    scribble(shown, figure(shown), SEVEN)
    drawn = true(shown)
    ink = read_grey(drawn["drawn"]).reshape(28, 28) / 255
    rows = np.flatnonzero((ink > 0.5).any(1))
    assert 18 <= rows[-1] - rows[0] + 1 <= 21, "20 pixels tall, wherever it was drawn"
    assert drawn["tokens"] != before["tokens"] and drawn["painted"] == drawn["moved"] == 0
    assert drawn["error"] < 0.04 < (ink**2).mean(), "what is decoded is what was drawn"
    brush = figure(shown).get_by_role("slider", name="Place of the brush")
    brush.focus()
    for key in ("ArrowRight", "ArrowUp", "Space"):
        shown.keyboard.press(key)
    painted = true(shown)
    assert (
        painted["drawn"] == drawn["drawn"]
        and painted["painted"] == 1
        and painted["moved"] > 0
        and painted["outside"] == 0
    )
    assert painted["rate"] == before["rate"]
    figure(shown).get_by_role("button", name="Undo").click()
    assert true(shown)["tokens"] == drawn["tokens"]


def test_escape_takes_a_stroke_back_with_what_was_painted(shown):
    brush = figure(shown).get_by_role("slider", name="Place of the brush")
    brush.focus()
    shown.keyboard.press("Space")
    before = numbers(shown)
    assert before["painted"] == 1
    box = figure(shown).locator(".lvm-pad").bounding_box()
    shown.mouse.move(box["x"] + 20, box["y"] + 20)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 90, box["y"] + 90, steps=5)
    assert numbers(shown)["drawn"] and numbers(shown)["painted"] == 0
    shown.keyboard.press("Escape")
    shown.mouse.up()
    assert numbers(shown) == before
    assert figure(shown).get_by_role("button", name="Undo").is_enabled()


def test_pixels_by_keyboard_change_that_pixel_alone(shown):
    before = true(shown)
    traits = side_file(PAGE, figure(shown).evaluate("node => node.closest('[data-lvm-state]').dataset.lvmState"))
    picked = np.frombuffer(traits["images"], np.uint8).reshape(-1, 784)[before["image"]]
    figure(shown).locator(".lvm-pixels").focus()
    for key in ("ArrowUp", "Shift+ArrowLeft", "Space"):
        shown.keyboard.press(key)
    edited = read_grey(true(shown)["drawn"])
    assert np.flatnonzero(edited != picked).tolist() == [13 * 28 + 9] and edited[13 * 28 + 9] == 255 * (
        picked[13 * 28 + 9] < 128
    )
    assert "row 14, column 10" in figure(shown).locator("[aria-live]").text_content()
    figure(shown).get_by_role("button", name="test image: 7").click()
    assert true(shown)["drawn"] == "" and true(shown)["image"] == 14
    figure(shown).get_by_role("button", name="Clear").click()
    assert not read_grey(true(shown)["drawn"]).any()
    figure(shown).get_by_role("button", name="Reset").click()
    assert true(shown) == before


def test_a_link_holds_the_drawing(visit, shown):
    scribble(shown, figure(shown), SEVEN)
    figure(shown).get_by_role("slider", name="Place of the brush").focus()
    shown.keyboard.press("Space")
    sent = true(shown)
    shown.wait_for_function("() => location.hash.includes('tokens:')")
    shown.wait_for_timeout(600)  # the address follows at rest
    other = visit(None)
    other.open(shown.url)
    assert numbers(other.settle(sweep=False)) == sent and other.errors == []


def test_a_finger_scrolls_past_the_pad_and_draws_once_asked(visit):
    seen = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = seen.settle(sweep=False)
    before = numbers(page)
    scribble(page, figure(page), ONE, "touch")
    assert numbers(page) == before
    draw = figure(page).get_by_role("button", name="Draw", exact=True)
    draw.tap()
    page.wait_for_timeout(300)
    panel = figure(page).locator(".lvm-pixels").bounding_box()
    assert panel["width"] > 300 and panel["x"] >= 0 and panel["x"] + panel["width"] <= 390, (
        "the pad is as wide as the screen"
    )
    scribble(page, figure(page), ONE, "touch")
    assert true(page)["drawn"] != before["drawn"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert seen.errors == []


PRIORS = "book/priors_over_tokens.html"


def test_a_token_that_a_reader_sets_is_priced_under_the_prior(visit):
    """Python finds the same price; the prior's own wish is the cheapest, and a stranger code costs more."""
    page = visit(PRIORS).settle(sweep=False)
    prior = page.locator("[data-figure=prior]").first

    def held():
        found = settled(page, prior)
        assert PriorFigure.broken(found) == [] and differences(found, recomputed(PRIORS, prior, found)) == []
        return found

    prior.get_by_role("slider", name="tokens drawn").last.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    before = held()
    step = before["step"]
    assert 0 < step < 49 and before["prefix"] == ""
    prior.locator("button.lvm-next").first.click()
    wished = held()
    assert wished["step"] == step + 1 and len(wished["prefix"].split(",")) == step + 1
    prior.get_by_role("button", name="Unlock").click()
    prior.get_by_role("button", name="Back", exact=True).click()
    assert held()["step"] == step
    prior.locator(".lvm-palette-ink").click(position={"x": 100, "y": 100})
    strange = held()
    assert strange["step"] == step + 1 and strange["of_prefix"] >= wished["of_prefix"] > 0


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_tokens_and_patches_are_24_pixels_and_more(visit, width):
    for address in (PAGE, PRIORS):
        page = visit(address, viewport={"width": width, "height": 844}).settle(sweep=False)
        host = page.locator("[data-figure=tokens], [data-figure=prior]").first
        host.scroll_into_view_if_needed()
        grid = host.locator(".lvm-token-grid").bounding_box()
        assert grid["width"] / 7 >= 24, (address, width, grid)
        mark = host.locator(".lvm-palette-mark").bounding_box()
        assert mark["width"] >= 24 and mark["height"] >= 24, (address, width, mark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
