"""On a phone one finger scrolls the page past every drawing, and the drawing stays as it was."""

import pytest
from built_book import pages_with_figures

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2,
         "reduced_motion": "reduce"}
FINGER = 240  # px of one swipe


def swipe(page, x: float, y: float, distance: float) -> float:
    """One finger goes up (distance > 0) or down from (x, y); returns how far the page scrolled."""
    before = page.evaluate("window.scrollY")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.synthesizeScrollGesture", {"x": x, "y": y, "yDistance": -distance, "xDistance": 0, "speed": 1600,
                                                   "gestureSourceType": "touch", "preventFling": True})
    page.wait_for_timeout(80)
    devtools.detach()
    return page.evaluate("window.scrollY") - before


def drawings(page):
    """The drawings of the live figures: those that can be seen and are larger than an icon."""
    return [node for node in page.locator(".lvm-figure svg, .lvm-figure canvas").element_handles()
            if (box := node.bounding_box()) and box["width"] > 60 and box["height"] > 60]


def free_point(node) -> dict | None:
    """The point of a drawing nearest to its middle that no handle covers: a finger on a handle means the handle."""
    return node.evaluate("""(node) => {
        node.scrollIntoView({ block: "center", behavior: "instant" });
        const box = node.getBoundingClientRect();
        const [cx, cy] = [box.left + box.width / 2, box.top + box.height / 2];
        const points = [];
        for (let i = -4; i <= 4; i++) for (let j = -4; j <= 4; j++) points.push([cx + i * box.width / 10, cy + j * box.height / 10]);
        points.sort((a, b) => Math.hypot(a[0] - cx, a[1] - cy) - Math.hypot(b[0] - cx, b[1] - cy));
        for (const [x, y] of points) {
            const at = document.elementFromPoint(x, y);
            if (at && !at.closest("[role=slider], .lvm-handle")) return { x, y, height: box.height };
        }
        return null;
    }""")


@pytest.mark.parametrize("page", pages_with_figures())
def test_a_finger_scrolls_past_every_drawing(visit, page):
    shown = visit(page, "http", **PHONE).settle()
    nodes = drawings(shown)
    figures = shown.locator(".lvm-figure").count()
    assert len(nodes) >= figures > 0
    for number, node in enumerate(nodes):
        figure = node.evaluate_handle("node => node.closest('.lvm-figure')")
        point = free_point(node)
        assert point, f"drawing {number}: handles cover it, no finger can pass"
        state = figure.evaluate("figure => figure.dataset.numbers")
        away = swipe(shown, point["x"], point["y"], FINGER)
        assert away > FINGER / 2, f"drawing {number}: a finger that goes up scrolls {away} px"
        back = free_point(node)
        home = swipe(shown, back["x"], back["y"], -FINGER)
        assert home < -FINGER / 2, f"drawing {number}: a finger that goes down scrolls {home} px"
        assert figure.evaluate("figure => figure.dataset.numbers") == state, f"drawing {number}: scrolling changed the figure"


@pytest.mark.parametrize("page", pages_with_figures())
def test_only_a_handle_holds_the_finger(visit, page):
    """touch-action: none stands on handles and, where a drawing is drawn upon, on a box that leaves room beside it."""
    shown = visit(page, "http", **PHONE).settle()
    wide = shown.evaluate("""() => [...document.querySelectorAll(".lvm-figure *")]
        .filter((node) => ["none", "pan-x"].includes(getComputedStyle(node).touchAction))
        .map((node) => [`${node.localName}.${node.getAttribute("class")}`, node.getBoundingClientRect().width])
        .filter(([, width]) => width > innerWidth * 0.85)""")
    assert wide == []


@pytest.mark.parametrize("trap, scrolls", [("touch-action:none", False), ("touch-action:pan-y", True), ("touch-action:pan-x", False)])
def test_the_swipe_knows_a_trap(browser, trap, scrolls):
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.set_content(f"<meta name=viewport content='width=device-width'><div style='height:3000px'><div style='height:800px;{trap}'></div></div>")
    moved = swipe(page, 195, 400, FINGER)
    context.close()
    assert (moved > FINGER / 2) == scrolls
