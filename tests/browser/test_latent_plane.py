"""The latent plane on the landing page: drawn upon, picked, edited by keyboard, walked; and read in Python."""

import numpy as np
import pytest
from built_book import ONE, scribble, side_file
from test_figures_hold import settled

from lvm_lib.figures import LatentPlaneFigure
from lvm_lib.figures.drawing import read_image

PAGE = "book/intro.html"


def figure(page):
    return page.locator("[data-figure=plane]").first


def numbers(page) -> dict:
    return settled(page, figure(page))


def test_a_drawing_is_normalised_and_encoded(shown):
    """The image is 20 pixels tall wherever it was drawn; Python finds the same q and ELBO for it.

    A 1 lies among ones.
    """
    before = numbers(shown)
    scribble(shown, figure(shown), ONE)
    after = numbers(shown)
    assert after["x"] != before["x"] and after["follow"]
    rows = np.flatnonzero(read_image(after["x"]).reshape(28, 28).any(1))
    assert 18 <= rows[-1] - rows[0] + 1 <= 21
    state = figure(shown).evaluate("node => node.closest('[data-lvm-state]').dataset.lvmState")
    traits = side_file(PAGE, state)
    found = LatentPlaneFigure.recomputed(after, traits)
    assert found["elbo"] == pytest.approx(after["elbo"], abs=1e-8) and found["mean1"] == pytest.approx(
        after["mean1"], abs=1e-9
    )
    codes = np.frombuffer(traits["codes"], "<f4").reshape(-1, 2)
    near = np.linalg.norm(codes - [after["mean1"], after["mean2"]], axis=1).argsort()[:15]
    assert np.bincount(np.frombuffer(traits["labels"], np.uint8)[near]).argmax() == 1


def test_escape_takes_a_stroke_back(shown):
    before = numbers(shown)
    box = figure(shown).locator(".lvm-pad").bounding_box()
    shown.mouse.move(box["x"] + 20, box["y"] + 20)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 90, box["y"] + 90, steps=5)
    assert numbers(shown)["x"] != before["x"]
    shown.keyboard.press("Escape")
    assert numbers(shown) == before
    shown.mouse.up()


def test_a_stored_image_and_pixels_by_keyboard(shown):
    figure(shown).get_by_role("button", name="test image: 7").click()
    seven = numbers(shown)
    figure(shown).get_by_role("button", name="test image: 7").click()
    assert numbers(shown)["x"] != seven["x"], "pressed again, the next of the class"
    pixels = figure(shown).locator(".lvm-pixels")
    pixels.focus()
    before = read_image(numbers(shown)["x"])
    for key in ("ArrowUp", "ArrowLeft", "Space"):
        shown.keyboard.press(key)
    changed = np.flatnonzero(read_image(numbers(shown)["x"]) != before)
    assert changed.tolist() == [13 * 28 + 13]
    assert "row 14, column 14" in figure(shown).locator("[aria-live]").text_content()
    shown.keyboard.press("Space")
    assert (read_image(numbers(shown)["x"]) == before).all()


def test_a_path_is_walked_and_back_is_exact(shown):
    def press(name):
        figure(shown).get_by_role("button", name=name, exact=True).click()
        return numbers(shown)

    start = press("Step")
    assert start["step"] == 1 and not start["follow"]
    there = [press("Step") for _ in range(3)]
    back = [press("Back") for _ in range(3)]
    assert back == [there[1], there[0], start]
    at = press("A = z")
    assert (at["a1"], at["a2"]) == (start["z1"], start["z2"])


def test_play_reaches_the_end_and_reduced_motion_steps(visit):
    seen = visit(PAGE, reduced_motion="reduce")
    page = seen.settle()
    figure(page).get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(400)
    assert numbers(page)["step"] == 1
    seen = visit(PAGE)
    page = seen.settle()
    slider = figure(page).locator("input[type=range]")
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    figure(page).get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("JSON.parse(document.querySelector('[data-figure=plane]').dataset.numbers).step === 40")
    end = numbers(page)
    assert (end["z1"], end["z2"]) == pytest.approx((end["b1"], end["b2"]))


def test_the_background_is_painted_once_and_changes_no_number(shown):
    before = numbers(shown)
    figure(shown).get_by_role("button", name="Decodes").click()
    shown.wait_for_function("document.querySelector('[data-figure=plane] [data-tiles=painted]')")
    assert numbers(shown) == before
    ink = (
        figure(shown)
        .locator(".lvm-tiles")
        .evaluate(
            "node => node.getContext('2d').getImageData(0, 0, node.width, node.height).data"
            ".filter((v, i) => i % 4 === 3 && v > 128).length"
        )
    )
    assert ink > 5000


def test_a_finger_draws_only_after_draw_was_pressed(visit):
    seen = visit(PAGE, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = seen.settle()
    before = numbers(page)
    scribble(page, figure(page), ONE, "touch")
    assert numbers(page)["x"] == before["x"]
    figure(page).get_by_role("button", name="Draw", exact=True).tap()
    page.wait_for_timeout(300)
    scribble(page, figure(page), ONE, "touch")
    assert numbers(page)["x"] != before["x"]
    assert seen.errors == []
