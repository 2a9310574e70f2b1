"""The latent plane on the landing page: drawn upon, picked, edited by keyboard, walked; and read in Python."""

import numpy as np
import pytest
from built_book import ONE, scribble, side_file
from test_accessibility import FRAMES
from test_figures_hold import settled

from lvm_lib.figures import FrontFigure
from lvm_lib.figures.drawing import read_image

PAGE = "book/intro.html"


def figure(page):
    return page.locator("[data-figure=front]").first


def numbers(page) -> dict:
    return settled(page, figure(page))


def test_a_drawing_is_normalised_and_encoded(shown):
    """The image is 20 pixels tall wherever it was drawn; Python finds the same q and ELBO for it.

    A 1 lies among ones.
    """
    before = numbers(shown)
    assert before["ground"] == "pictures" and before["follow"], "the map, and z where q is"
    scribble(shown, figure(shown), ONE)
    after = numbers(shown)
    assert after["x"] != before["x"] and after["follow"]
    rows = np.flatnonzero(read_image(after["x"]).reshape(28, 28).any(1))
    assert 18 <= rows[-1] - rows[0] + 1 <= 21
    state = figure(shown).evaluate("node => node.closest('[data-lvm-state]').dataset.lvmState")
    traits = side_file(PAGE, state)
    found = FrontFigure.recomputed(after, traits)
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


def test_a_click_turns_one_pixel_and_a_stroke_none_beside_it(shown):
    box = figure(shown).locator(".lvm-pixels").bounding_box()
    before = read_image(numbers(shown)["x"])
    shown.mouse.click(box["x"] + box["width"] * 3.5 / 28, box["y"] + box["height"] * 2.5 / 28)
    turned = read_image(numbers(shown)["x"])
    assert np.flatnonzero(turned != before).tolist() == [2 * 28 + 3]
    scribble(shown, figure(shown), ONE)
    drawn = read_image(numbers(shown)["x"]).reshape(28, 28)
    assert drawn[:3].sum() == 0 and drawn.sum() > 20, "a drawing begins on an empty page"


def test_three_beats_draw_z_show_its_mean_and_toss_its_coins(visit):
    """Python draws the same z and tosses the same coins; who wishes for less motion takes the beats one by one."""
    page = visit(PAGE, reduced_motion="reduce").settle(sweep=False)
    before = numbers(page)
    button = figure(page).locator(".lvm-draw-z")

    def inked():
        def seen(of):
            return (
                figure(page)
                .locator(f".lvm-side-{of} .lvm-screen canvas")
                .evaluate("node => getComputedStyle(node).opacity !== '0'")
            )

        return seen("out"), seen("sample")

    assert inked() == (True, True) and button.text_content() == "Draw a z"
    button.click()
    z = numbers(page)
    assert inked() == (False, False) and button.text_content() == "Show its mean"
    assert (z["z1"], z["z2"]) == (z["drawn1"], z["drawn2"]) and z["chance"] == before["chance"] + 1
    assert not z["follow"] and z["elbo"] == before["elbo"], "the ELBO belongs to x"
    button.click()
    assert inked() == (True, False)
    button.click()
    assert inked() == (True, True) and numbers(page) == z
    state = figure(page).evaluate("node => node.closest('[data-lvm-state]').dataset.lvmState")
    found = FrontFigure.recomputed(z, side_file(PAGE, state))
    assert found["sample_ink"] == z["sample_ink"] > 0 and found["sample_checksum"] == pytest.approx(
        z["sample_checksum"], abs=1e-9
    )


def test_the_beats_follow_one_another_and_a_hand_ends_them(shown):
    figure(shown).get_by_role("button", name="Draw a z").click()
    assert "is-beat-1" in figure(shown).get_attribute("class")
    shown.wait_for_selector("[data-figure=front].is-beat-2")
    shown.wait_for_selector("[data-figure=front]:not(.is-beat-2)")
    plane, ring = figure(shown).locator(".lvm-plane-svg").first, figure(shown).locator(".lvm-handle-plane")
    for hand in (
        drag,
        lambda page, ring: plane.click(position={"x": 5, "y": 5}),
        lambda page, ring: ring.press("Home"),
    ):
        figure(shown).get_by_role("button", name="Draw a z").click()
        shown.evaluate(FRAMES)
        hand(shown, ring)
        assert "is-beat" not in figure(shown).get_attribute("class")


def drag(page, ring):
    """A short way, by the mouse."""
    box = ring.bounding_box()
    page.mouse.move(box["x"] + 22, box["y"] + 22)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 30)
    page.mouse.up()


def test_the_empty_page_beats_the_picture_that_stood_there(shown):
    """The riddle of the front page: its number."""
    before = numbers(shown)["elbo"]
    figure(shown).get_by_role("button", name="Clear").click()
    assert round(numbers(shown)["elbo"] - before) == 47


def test_keys_that_come_within_one_frame_all_count(shown):
    """Whoever holds a key down, on a fast keyboard or a slow screen, loses no step."""
    handle = figure(shown).locator(".lvm-handle-plane")
    handle.press("Home")
    handle.evaluate("""(node) => {
        for (const key of ["ArrowRight", "ArrowRight", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowDown"])
            node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }""")
    shown.wait_for_function("(node) => JSON.parse(node.dataset.numbers).z1 !== 0", arg=figure(shown).element_handle())
    assert (numbers(shown)["z1"], numbers(shown)["z2"]) == (0.3, -0.1)


def test_ring_and_spot_are_both_seen_at_first_and_the_ring_is_whole_in_a_corner(shown):
    place = figure(shown).locator(".lvm-handle-plane i").bounding_box()
    spot = figure(shown).locator(".lvm-q-disc").bounding_box()
    assert place["width"] - 8 > spot["width"] > 4 and place["height"] - 8 > spot["height"] > 4
    figure(shown).locator(".lvm-handle-plane").focus()
    for key in [*["Shift+ArrowRight"] * 32, *["Shift+ArrowUp"] * 32]:
        shown.keyboard.press(key)
    assert (numbers(shown)["z1"], numbers(shown)["z2"]) == (4, 4)
    figure(shown).locator(".lvm-handle-plane").evaluate("node => node.scrollIntoView({block: 'center'})")
    ring = figure(shown).locator(".lvm-handle-plane i").bounding_box()
    for x, y in ((ring["x"] + ring["width"] - 2, ring["y"] + 16), (ring["x"] + 16, ring["y"] + 2)):
        hit = shown.evaluate("([x, y]) => !!document.elementFromPoint(x, y)?.closest('.lvm-handle-plane')", [x, y])
        assert hit, "nothing cuts the ring"


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
    said = figure(shown).locator("[aria-live]").text_content()  # at once: at rest it says what the image is worth
    changed = np.flatnonzero(read_image(numbers(shown)["x"]) != before)
    assert changed.tolist() == [13 * 28 + 13]
    assert "row 14, column 14" in said
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
    at = press("Set A here")
    assert (at["a1"], at["a2"]) == (start["z1"], start["z2"])


def test_play_reaches_the_end_and_reduced_motion_steps(visit):
    seen = visit(PAGE, reduced_motion="reduce")
    page = seen.settle(sweep=False)
    figure(page).get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(400)
    assert numbers(page)["step"] == 1
    seen = visit(PAGE)
    page = seen.settle(sweep=False)
    slider = figure(page).locator("input[type=range]")
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    figure(page).get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(
        "() => JSON.parse(document.querySelector('[data-figure=front]').dataset.numbers).step === 40"
    )
    end = numbers(page)
    assert (end["z1"], end["z2"]) == pytest.approx((end["b1"], end["b2"]))


def test_the_background_is_painted_once_and_changes_no_number(shown):
    before = numbers(shown)
    shown.wait_for_function("() => document.querySelector('[data-figure=front] [data-tiles=painted]')")
    figure(shown).get_by_role("radio", name="codes of test images").check()
    figure(shown).get_by_role("radio", name="pictures decoded there").check()
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
    page = seen.settle(sweep=False)
    before = numbers(page)
    scribble(page, figure(page), ONE, "touch")
    assert numbers(page)["x"] == before["x"]
    figure(page).get_by_role("button", name="Draw", exact=True).tap()
    page.wait_for_timeout(300)
    scribble(page, figure(page), ONE, "touch")
    assert numbers(page)["x"] != before["x"]
    assert seen.errors == []
