"""Every live figure of every page, under random keys and drags.

What it states is what Python finds, and its invariants hold.

A new figure needs no code here: its class says how its numbers are found again (`recomputed`) and what must hold
(`broken`).
"""

import json
import math
import operator
import random
import re

import pytest
from built_book import SITE, pages_with_figures, side_file

from lvm_lib import figures
from tools.reading import WHOLE

WITH_FIGURES = pages_with_figures()
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
    """The figure's numbers once it has drawn what was asked for (one frame after the last event), and waits no more."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_function(
        "(node) => node.dataset.waits !== 'yes' && !node.classList.contains('is-waiting')", arg=root.element_handle()
    )
    return stated(root)


def recomputed(page, root, numbers: dict) -> dict:
    """What Python finds in the state of `numbers`, with the nets that the page's own file carries."""
    cls = figures.by_name(root.get_attribute("data-figure"))
    if not cls.carried:
        return cls.recomputed(numbers)
    state = root.evaluate("node => node.closest('[data-lvm-state]').dataset.lvmState")
    own = root.evaluate("(node, step) => node.lvmOwn?.(step) ?? ''", numbers.get("step", 0))  # trained in the page
    return cls.recomputed(numbers, {**side_file(page, state), "own": bytes.fromhex(own)})


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


SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def read(page, root) -> tuple[dict, tuple]:
    """A settled figure's numbers, and the facts and words of its sentence, at one moment: a training goes on."""
    settled(page, root)
    said, *line = root.evaluate("""(node) => {
        const line = node.querySelector(".lvm-insight");
        return [node.dataset.numbers, line?.dataset.facts ?? "", line?.innerText ?? ""];
    }""")
    return json.loads(said), tuple(line)


def told_wrongly(line: tuple, numbers: dict) -> list[str]:
    """What the sentence of a state says and `numbers` do not: its facts, and digits that are none of its facts."""
    told, words = line
    facts = dict(fact.split("=") for fact in told.split())
    wrong = []
    for of, shown in facts.items():
        name, digits = of.rsplit(":", 1)
        first, sign, second = re.fullmatch(r"(\w+)(?:([-+*/])(\w+))?", name).groups()
        value, *others = (numbers[one] if one in numbers else float(one) for one in (first, second) if one)
        value = SIGNS[sign](value, *others) if sign else value
        if not abs(float(shown.replace("−", "-")) - value) <= 0.5000001 * 10 ** -int(digits):
            wrong.append(f"{of} is {value}, the figure says {shown}")
    said = re.findall(r"\d+\.\d+", words)
    return wrong + [number for number in said if number not in {shown.lstrip("−") for shown in facts.values()}]


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
    planes = root.locator("svg:visible, canvas:visible")
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


def true_under(act, visit, page):
    """What the figures of a page state under `act` is what Python finds, and their invariants hold."""
    seen = visit(None)
    seen.open_bare(page)
    seen.settle(sweep=False)
    for index in range(seen.page.locator("[data-figure]").count()):
        root = seen.page.locator("[data-figure]").nth(index)
        cls = figures.by_name(root.get_attribute("data-figure"))
        chance = random.Random(f"{page} {index}")
        for what in act(seen.page, root, chance, TIMES):
            numbers, line = read(seen.page, root)
            assert cls.broken(numbers) == [], what
            found = recomputed(page, root, numbers)
            assert differences(numbers, found) == [], what
            assert told_wrongly(line, {**numbers, **found}) == [], what
    assert seen.errors == [] and seen.foreign == []


@pytest.mark.parametrize("page", WITH_FIGURES)
class TestKeys:  # each a class of its own, so that two processes share them
    def test_numbers_are_true_and_invariants_hold(self, visit, page):
        true_under(press_random_keys, visit, page)


@pytest.mark.parametrize("page", WITH_FIGURES)
class TestDrags:
    def test_numbers_are_true_and_invariants_hold(self, visit, page):
        true_under(drag_at_random, visit, page)


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_one_draw_per_frame_words_for_the_numbers_and_a_height_that_is_held(visit, page):
    """In one window, from the figure as it opens: three things that a hand finds."""
    seen = visit(None)
    seen.open_bare(page)
    seen.settle(sweep=False)
    a_burst_is_drawn_once(seen)
    the_live_region_states_the_numbers(seen)
    a_figure_in_hand_keeps_its_height_and_lets_it_go(seen)


def the_live_region_states_the_numbers(seen):
    """After a move and a rest the figure speaks, and what it says are its numbers, to the digits it says."""
    root = seen.page.locator("[data-figure]").first
    slider = root.locator("[role=slider], input[type=range]").first
    slider.focus()
    for _ in range(3):
        seen.page.keyboard.press("ArrowRight")
    for _ in range(40):  # it speaks once all is at rest, which takes its time on a busy machine
        seen.page.wait_for_timeout(250)
        regions = root.locator("[aria-live]")
        spoken = " ".join(regions.all_inner_texts() + regions.all_text_contents()).replace("-", "−")
        values = {
            f"{value:.{digits}f}".replace("-", "−")
            for value in stated(root).values()
            if isinstance(value, float)
            for digits in (2, 3)
        }
        if sum(value in spoken for value in values) >= 2:
            return
    raise AssertionError(f"of the figure's numbers it says less than two: {spoken}")


def a_burst_is_drawn_once(seen):
    """A burst of input events in one frame is drawn once."""
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
    seen = visit(None, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    seen.open_bare(page)
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
def test_the_page_keeps_the_figure_s_room_free(visit, page):
    """Before it lives a figure takes about the room that it will take: what stands below does not jump."""
    seen = visit(None)
    measure = (
        "() => [...document.querySelectorAll('[data-lvm-live]')].map((host) => host.getBoundingClientRect().height)"
    )
    for width in (390, 1280):
        seen.page.set_viewport_size({"width": width, "height": 850})
        seen.open((SITE / page).as_uri())
        seen.page.add_style_tag(content=WHOLE)
        before = seen.page.evaluate(measure)
        after = seen.settle(sweep=False).evaluate(measure)
        for kept, taken in zip(before, after, strict=True):
            assert abs(taken - kept) < 0.1 * taken, f"at {width} px"


def a_figure_in_hand_keeps_its_height_and_lets_it_go(seen):
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


SABOTAGED = [
    (page, cls.name)
    for cls in figures.every()
    if "wrong" in cls.state
    for page in WITH_FIGURES
    if f'data-lvm-live="{cls.name}"' in (SITE / page).read_text(encoding="utf-8")
]


@pytest.mark.parametrize("page, name", SABOTAGED)
def test_what_goes_wrong_breaks_the_invariant_where_the_reader_sees_it(visit, page, name):
    """Each mistake by its switch: its numbers are Python's, the mark shows the break, it is named; and back."""
    seen = visit(None)
    seen.open_bare(page)
    host = seen.page.locator(f'[data-lvm-live="{name}"]').first
    host.evaluate("(host) => host.scrollIntoView({block: 'center', behavior: 'instant'})")
    seen.page.wait_for_function("(host) => host.dataset.lvmStatus", arg=host.element_handle())
    root, cls = host.locator(".lvm-figure"), figures.by_name(name)
    if name == "kmeans":  # where it opens, at sigma = 0, there is no rate to forget, and a run has to rise
        for _ in range(8):
            root.get_by_role("button", name="Step", exact=True).click()
        root.locator(".lvm-hand input[type=range]").press("Shift+ArrowRight")
    root.locator(".lvm-wrong > summary").click()
    choices = root.locator(".lvm-wrong input[type=radio]")
    texts = set()
    for number in [*range(1, choices.count()), 0]:
        choices.nth(number).check()
        numbers, line = read(seen.page, root)
        assert numbers["wrong"] == cls.class_traits()["wrong"].choices[number]
        found = recomputed(page, root, numbers)
        assert cls.broken(numbers) == [] and differences(numbers, found) == []
        assert told_wrongly(line, {**numbers, **found}) == []
        mark = root.locator(".lvm-check:not(.lvm-wrong) .lvm-check-mark").inner_text()
        assert mark == ("✗" if number and abs(numbers["off"]) > 1e-6 else mark)
        texts.add(root.locator(".lvm-wrong-told").inner_text())
    assert mark == "✓" and len(texts) == choices.count()
    seen.page.wait_for_timeout(700)
    assert ";w=0" in seen.page.evaluate("decodeURIComponent(location.hash)")
