"""On a phone one finger scrolls the page past every drawing, and the drawing stays as it was."""

import pytest
from built_book import pages_with_figures

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
}
FINGER = 240  # px of one swipe


def swipe(page, x: float, y: float, distance: float) -> float:
    """One finger goes up (distance > 0) or down from (x, y) and rests; the part of its way that the page followed.

    1 where the page scrolled as far as the finger went, or to its end; 0 where the finger was held.
    """
    before, room = page.evaluate(
        """(down) => {
        const end = document.documentElement.scrollHeight - innerHeight;
        return [scrollY, down ? scrollY : end - scrollY];
    }""",
        distance < 0,
    )
    assert room > 30, "the page has no room to scroll"
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *at):
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in at]})

    touch("touchStart", (x, y))
    for share in (0.2, 0.6, 1, 1):
        touch("touchMove", (x, y - distance * share))
    page.wait_for_timeout(60)
    touch("touchMove", (x, y - distance))  # it stayed at its end, so nothing flies on
    touch("touchEnd")
    settled = page.evaluate("""() => new Promise((done) => {
        let last = -1, still = 0;
        const look = () => {
            still = scrollY === last ? still + 1 : 0;
            last = scrollY;
            if (still > 3) done(scrollY); else requestAnimationFrame(look);
        };
        look();
    })""")
    devtools.detach()
    return (settled - before) / (min(room, abs(distance)) * (1 if distance > 0 else -1))


def drawings(page):
    """The drawings of the live figures: those that can be seen and are larger than an icon."""
    return [
        node
        for node in page.locator(".lvm-figure svg, .lvm-figure canvas").element_handles()
        if (box := node.bounding_box()) and box["width"] > 60 and box["height"] > 60
    ]


def free_point(node) -> dict | None:
    """The point of a drawing nearest to its middle that no handle covers: a finger on a handle means the handle."""
    return node.evaluate("""(node) => {
        node.scrollIntoView({ block: "center", behavior: "instant" });
        const box = node.getBoundingClientRect();
        const [cx, cy] = [box.left + box.width / 2, box.top + box.height / 2];
        const points = [];
        for (let i = -4; i <= 4; i++) {
            for (let j = -4; j <= 4; j++) points.push([cx + i * box.width / 10, cy + j * box.height / 10]);
        }
        points.sort((a, b) => Math.hypot(a[0] - cx, a[1] - cy) - Math.hypot(b[0] - cx, b[1] - cy));
        for (const [x, y] of points) {
            const at = document.elementFromPoint(x, y);
            if (at && !at.closest("[role=slider], .lvm-handle")) return { x, y, height: box.height };
        }
        return null;
    }""")


@pytest.mark.parametrize("page", pages_with_figures())
def test_a_finger_scrolls_past_every_drawing(visit, page):
    """On a page of its figures alone, with room to scroll above and below them."""
    seen = visit(None, **PHONE)
    seen.open_bare(page).add_style_tag(content="body { padding-block: 600px; }")
    shown = seen.settle(sweep=False)
    only_a_handle_holds_the_finger(shown)
    nodes = drawings(shown)
    figures = shown.locator(".lvm-figure").count()
    assert len(nodes) >= figures > 0
    for number, node in enumerate(nodes):
        figure = node.evaluate_handle("node => node.closest('.lvm-figure')")
        point = free_point(node)
        assert point, f"drawing {number}: handles cover it, no finger can pass"
        state = figure.evaluate("figure => figure.dataset.numbers")
        up = swipe(shown, point["x"], point["y"], FINGER)
        assert up > 0.5, f"drawing {number}: a finger that goes up takes {up:.0%} of its way with it"
        back = free_point(node)
        down = swipe(shown, back["x"], back["y"], -FINGER)
        assert down > 0.5, f"drawing {number}: a finger that goes down takes {down:.0%} of its way with it"
        after = figure.evaluate("figure => figure.dataset.numbers")
        assert after == state, f"drawing {number}: scrolling changed the figure"


def only_a_handle_holds_the_finger(shown):
    """touch-action: none stands on handles and, where a drawing is drawn upon, on a box that leaves room beside it."""
    wide = shown.evaluate("""() => [...document.querySelectorAll(".lvm-figure *")]
        .filter((node) => ["none", "pan-x"].includes(getComputedStyle(node).touchAction))
        .map((node) => [`${node.localName}.${node.getAttribute("class")}`, node.getBoundingClientRect().width])
        .filter(([, width]) => width > innerWidth * 0.85)""")
    assert wide == []


@pytest.mark.parametrize("trap, scrolls", [("none", False), ("pan-y", True), ("pan-x", False)])
def test_the_swipe_knows_a_trap(browser, trap, scrolls):
    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.set_content(
        "<meta name=viewport content='width=device-width'><div style='height:3000px'>"
        f"<div style='height:800px;touch-action:{trap}'></div></div>"
    )
    moved = swipe(page, 195, 400, FINGER)
    context.close()
    assert (moved > 0.5) == scrolls
