"""Every live figure of every page, under random keys and drags.

What it states is what Python finds, and its invariants hold.

A new figure needs no code here: its class says how its numbers are found again (`recomputed`) and what must hold
(`broken`).
"""

import json
import math
import random

import pytest
from built_book import SITE, WHOLE, pages, side_file

from lvm_lib import figures

WITH_FIGURES = [page for page in pages() if 'data-lvm-live="' in (SITE / page).read_text(encoding="utf-8")]
KEYS = [
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "ArrowDown",
    "Shift+ArrowLeft",
    "Shift+ArrowRight",
    "Home",
    "End",
    "PageUp",
    "PageDown",
    "Enter",
    "Space",
]
TIMES = 12  # of each kind, for each figure
CONTROLS = "button, input, select, [role=slider], [role=radio], [tabindex='0']"


def stated(root) -> dict:
    return json.loads(root.get_attribute("data-numbers"))


def settled(page, root) -> dict:
    """The figure's numbers once it has drawn what was asked for (one frame after the last event)."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return stated(root)


def recomputed(page, root, numbers: dict) -> dict:
    """What Python finds in the state of `numbers`, with the nets that the page's own file carries."""
    cls = figures.by_name(root.get_attribute("data-figure"))
    if not cls.carried:
        return cls.recomputed(numbers)
    state = root.evaluate("node => node.closest('[data-lvm-state]').dataset.lvmState")
    return cls.recomputed(numbers, side_file(page, state))


def differences(found: dict, expected: dict) -> list[str]:
    """Where two sets of numbers differ by more than 1e-6 (relative above 1)."""
    return [
        f"{key}: page {found[key]}, Python {value}"
        for key, value in expected.items()
        if not (
            math.isclose(found[key], value, rel_tol=1e-6, abs_tol=1e-6)
            if isinstance(value, float)
            else found[key] == value
        )
    ]


def press_random_keys(page, root, chance, times):
    for _ in range(times):
        controls = root.locator(CONTROLS)
        control = controls.nth(chance.randrange(controls.count()))
        if control.is_visible() and control.is_enabled():
            control.focus()
            for _ in range(chance.randrange(1, 4)):
                page.keyboard.press(chance.choice(KEYS))
            yield f"keys on {control.evaluate('node => node.outerHTML.slice(0, 80)')}"


def drag_at_random(page, root, chance, times):
    planes = root.locator("svg, canvas")
    for _ in range(times):
        plane = planes.nth(chance.randrange(planes.count()))
        plane.scroll_into_view_if_needed()
        box = plane.bounding_box()
        if not box:
            continue
        handles = root.locator("[role=slider]")
        aimed = handles.count() and chance.random() < 0.8  # the other drags begin anywhere on the plane
        spot = handles.nth(chance.randrange(handles.count())).bounding_box() if aimed else None
        if spot:
            page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
        else:
            page.mouse.move(box["x"] + chance.random() * box["width"], box["y"] + chance.random() * box["height"])
        page.mouse.down()
        page.mouse.move(
            box["x"] + chance.uniform(-0.2, 1.2) * box["width"],
            box["y"] + chance.uniform(-0.2, 1.2) * box["height"],
            steps=5,
        )
        page.mouse.up()
        yield "a drag"


@pytest.mark.parametrize("act", [press_random_keys, drag_at_random])
@pytest.mark.parametrize("page", WITH_FIGURES)
def test_numbers_are_true_and_invariants_hold(visit, page, act):
    seen = visit(page)
    seen.settle(sweep=False)
    for index in range(seen.page.locator("[data-figure]").count()):
        root = seen.page.locator("[data-figure]").nth(index)
        cls = figures.by_name(root.get_attribute("data-figure"))
        chance = random.Random(f"{page} {index}")
        for what in act(seen.page, root, chance, TIMES):
            numbers = settled(seen.page, root)
            assert cls.broken(numbers) == [], what
            assert differences(numbers, recomputed(page, root, numbers)) == [], what
    assert seen.errors == [] and seen.foreign == []


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_the_live_region_states_the_numbers(visit, page):
    """After a move and a rest the figure speaks, and what it says are its numbers, to the digits it says."""
    seen = visit(page)
    seen.settle(sweep=False, figures=1)
    root = seen.page.locator("[data-figure]").first
    slider = root.locator("[role=slider], input[type=range]").first
    slider.focus()
    for _ in range(3):
        seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_timeout(900)
    spoken = " ".join(root.locator("[aria-live]").all_inner_texts() + root.locator("[aria-live]").all_text_contents())
    numbers = stated(root)
    values = {
        f"{value:.{digits}f}".replace("-", "−")
        for value in numbers.values()
        if isinstance(value, float)
        for digits in (2, 3)
    }
    assert sum(value in spoken.replace("-", "−") for value in values) >= 2, spoken


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_one_draw_per_frame(visit, page):
    """A burst of input events in one frame is drawn once."""
    seen = visit(page)
    seen.settle(sweep=False, figures=1)
    root = seen.page.locator("[data-figure]").first
    draws = root.evaluate("""async (root) => {
        const slider = root.querySelector("input[type=range]");
        const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        await frame();
        const before = Number(root.dataset.draws);
        for (let i = 0; i < 20; i++) {
            slider.value = String(Number(slider.min) + (Number(slider.max) - Number(slider.min)) * (i + 1) / 30);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
        }
        await frame();
        return Number(root.dataset.draws) - before; }""")
    assert draws == 1


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_a_finger_moves_a_handle(visit, page):
    seen = visit(page, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    seen.settle(sweep=False, figures=1)
    root = seen.page.locator("[data-figure]").first
    handle = root.locator("[role=slider]").first
    handle.scroll_into_view_if_needed()
    seen.page.wait_for_timeout(200)
    box, before = handle.bounding_box(), stated(root)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    client = seen.page.context.new_cdp_session(seen.page)
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        client.send(
            "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 6 * step, "y": y + 2 * step}]}
        )
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    after = settled(seen.page, root)
    assert after != before
    cls = figures.by_name(root.get_attribute("data-figure"))
    assert cls.broken(after) == [] and differences(after, recomputed(page, root, after)) == []


@pytest.mark.parametrize("page", WITH_FIGURES)
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_keeps_the_figure_s_room_free(visit, page, width):
    """Before it lives a figure takes about the room that it will take: what stands below does not jump."""
    seen = visit(page, viewport={"width": width, "height": 850})
    measure = (
        "() => [...document.querySelectorAll('[data-lvm-live]')].map((host) => host.getBoundingClientRect().height)"
    )
    seen.page.add_style_tag(content=WHOLE)
    before = seen.page.evaluate(measure)
    after = seen.settle(sweep=False).evaluate(measure)
    for kept, taken in zip(before, after, strict=True):
        assert abs(taken - kept) < 0.1 * taken


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_a_figure_in_hand_keeps_its_height_and_lets_it_go(visit, page):
    seen = visit(page)
    seen.settle(sweep=False)
    handle = seen.page.locator("[data-figure] [role=slider]:not(input)").first
    root = handle.locator("xpath=ancestor::*[@data-figure]")
    handle.scroll_into_view_if_needed()
    seen.page.wait_for_timeout(200)
    measure = "node => [node.getBoundingClientRect().height, node.style.height, node.classList.contains('is-held')]"
    free, style, held = root.evaluate(measure)
    assert (style, held) == ("", False)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen.page.mouse.move(x, y)
    seen.page.mouse.down()
    seen.page.mouse.move(x + 25, y + 5, steps=4)
    height, style, held = root.evaluate(measure)
    assert held and style.endswith("px") and height == pytest.approx(free, abs=0.1)
    seen.page.mouse.up()
    assert root.evaluate(measure)[1:] == ["", False]
