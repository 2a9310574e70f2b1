"""No page fails a rule of WCAG 2.2 A or AA, at rest or after each control was used; what is pressed is large enough."""

import json

import pytest
from built_book import ROOT, WHOLE, pages_with_figures, read_pages

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
FRAMES = """() => new Promise((done) => {
  let left = 4;
  const next = () => (left-- ? requestAnimationFrame(next) : done());
  next();
})"""
# The drawn half of a formula is hidden from readers of the page's text; its MathML half is checked. A page has some
# ten thousand nodes of it, which axe would visit in vain: a box stands in for each, of its size in the first look.
EMPTY_FORMULAS = """() => {
  const drawn = [...document.querySelectorAll(".katex-html")].filter((node) => node.childElementCount);
  const sizes = drawn.map((node) => node.getBoundingClientRect());
  drawn.forEach((node, i) => {
    node.style.cssText = `display:inline-block;width:${sizes[i].width}px;height:${sizes[i].height}px`;
    node.replaceChildren();
  });
}"""
USED = (".lvm-figure", "main details", "header")  # what a reader's hand changes
SLIDER_KEYS = ("Shift+ArrowRight", "ArrowLeft", "End")
CONTROLS = (
    "button, input, select, textarea, summary, [role=slider], [role=radio], [role=checkbox], [role=button], "
    "[tabindex='0']"
)


@pytest.fixture(scope="module")
def axe():
    if not AXE.exists():
        import os

        if os.environ.get("CI"):
            pytest.fail("axe-core is missing (npm ci), and in CI nothing may be skipped")
        pytest.skip("axe-core is missing: npm ci")
    return AXE.read_text(encoding="utf-8")


def check(page, axe: str, *parts) -> list[str]:
    """What breaks a rule in the page as it stands, or in these parts of it, each with the element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    page.evaluate(EMPTY_FORMULAS)
    here = [[part] for part in parts if page.locator(part).count()]
    where = {"include": here or [["html"]], "exclude": [[".katex-html"]]}
    found = page.evaluate(
        f"axe.run({json.dumps(where)}, {{runOnly: {json.dumps(LEVELS)}, resultTypes: ['violations']}})"
    )
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def faults(page, axe: str, *looks, parts=()) -> dict:
    """`check` in each look, a pair of window and theme; only those that fail."""
    found = {}
    page.add_style_tag(content=WHOLE)
    for size, theme in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")  # there the sticky header covers no control
        page.wait_for_timeout(100)
        page.evaluate(FRAMES)  # figures follow width and theme in the next frames, which a busy machine draws late
        found[f"{size['width']} px, {theme}"] = check(page, axe, *parts)
    return {look: broken for look, broken in found.items() if broken}


def use_every_control(page) -> int:
    """Open what can be opened, press each button once, move each slider and choice; returns how many were used."""
    page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    used = 0
    for node in page.locator(".lvm-figure").locator(CONTROLS).element_handles():
        if not node.is_visible() or node.get_attribute("aria-hidden") == "true" or not node.is_enabled():
            continue
        kind = node.get_attribute("type") or node.get_attribute("role") or ""
        tag = node.evaluate("node => node.localName")
        if tag == "select":
            node.select_option(index=node.evaluate("node => node.options.length") - 1)
        elif kind in ("range", "slider"):
            node.focus()
            for key in SLIDER_KEYS:
                node.press(key)
        elif kind in ("radio", "checkbox"):
            node.evaluate("node => node.click()")
        elif tag == "button" or kind == "button":
            node.evaluate("node => node.click()")  # also one that a sticky header covers
        elif tag in ("input", "textarea") and node.is_editable():
            node.fill("0.5")
        used += 1
    if used:
        page.wait_for_timeout(600)  # what a figure says and moves at rest
    return used


class Everywhere:
    """At rest in two of the four looks, so in each theme and each width; in the other two what can be used or opened.

    There every control was used, and all that opens is open.
    """

    def test_no_rule_is_broken(self, visit, axe, page):
        shown = visit(page, "http", viewport=LAPTOP, reduced_motion="reduce").settle()
        assert faults(shown, axe, (LAPTOP, "light"), (PHONE, "dark")) == {}
        assert use_every_control(shown) >= shown.locator(".lvm-figure").count()
        assert faults(shown, axe, (PHONE, "light"), (LAPTOP, "dark"), parts=USED) == {}


@pytest.mark.parametrize("page", read_pages()[::2])  # two classes, so that two processes share the pages
class TestOnePage(Everywhere):
    pass


@pytest.mark.parametrize("page", read_pages()[1::2])
class TestTheOtherPage(Everywhere):
    pass


def small_targets(page) -> list[str]:
    """Controls under 24 px and handles under 44 px: the box that feels, a label's where it wraps its control."""
    return page.evaluate(
        """(controls) => {
        const box = (node) => {
            const wrapped = node.matches("input[type=radio], input[type=checkbox]") && node.closest("label");
            return (wrapped || node).getBoundingClientRect();
        };
        const name = (node) => [node.localName, node.getAttribute("class"),
                                node.getAttribute("aria-label") ?? node.textContent]
            .join(" ").slice(0, 90);
        const small = [];
        for (const node of document.querySelectorAll(controls + ", .lvm-handle")) {
            const scrolls = node.matches("pre, .lvm-formula, table"); // focusable only so that keys can scroll it
            if (scrolls || !node.checkVisibility({ visibilityProperty: true })) continue;
            const { width, height } = box(node);
            const handle = node.matches(".lvm-handle, [role=slider]:not(input)");
            const least = (handle ? 44 : 24) - 0.01;
            if (Math.min(width, height) < least)
                small.push(`${name(node)}: ${width.toFixed(1)} x ${height.toFixed(1)} px`);
            if (handle && getComputedStyle(node).pointerEvents === "none") small.push(`${name(node)}: feels nothing`);
        }
        return small;
    }""",
        CONTROLS,
    )


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("page", read_pages(), scope="module")
def test_targets_are_large_enough(look, page, size):
    shown = look(page, size=tuple(size.values())).page
    shown.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    assert small_targets(shown) == []


@pytest.mark.parametrize("page", pages_with_figures())
def test_handles_can_be_grasped_where_they_are_drawn(visit, page):
    """A handle's middle is reached by a pointer, unless another handle lies over it."""
    shown = visit(page, viewport=PHONE).settle()
    handles = ".lvm-figure [role=slider]:not(input)"
    covered = shown.evaluate(
        """(handles) => [...document.querySelectorAll(handles)].flatMap((node) => {
        node.scrollIntoView({ block: "center", behavior: "instant" });
        const { left, top, width, height } = node.getBoundingClientRect();
        const at = document.elementFromPoint(left + width / 2, top + height / 2);
        const reached = at && (node.contains(at) || at.closest(".lvm-handle, [role=slider]"));
        const by = `${at?.localName}.${at?.getAttribute("class")}`;
        return reached ? [] : [`${node.getAttribute("aria-label")}: covered by ${by}`];
    })""",
        handles,
    )
    assert covered == []


class TestTheGatesCatchWhatTheyAreFor:
    @pytest.mark.parametrize(
        "poison, rule",
        [
            ("<img src='x.png'>", "image-alt"),
            ("<button></button>", "button-name"),
            ("<input>", "label"),
            ("<p style='color:#ccc;background:#fff'>pale words</p>", "color-contrast"),
            ("<div role='slider' tabindex='0' aria-label='z'></div>", "aria-required-attr"),
            ("<button style='width:12px;height:12px;padding:0'>a</button>" * 2, "target-size"),
        ],
    )
    def test_axe(self, visit, axe, poison, rule):
        shown = visit(read_pages()[0]).page
        shown.evaluate("poison => document.querySelector('main').insertAdjacentHTML('beforeend', poison)", poison)
        assert any(fault.startswith(f"{rule}:") for fault in check(shown, axe))

    @pytest.mark.parametrize(
        "poison",
        [
            "<button style='width:23px;height:40px;padding:0;border:0'>x</button>",
            "<div class='lvm-handle' style='width:44px;height:40px'></div>",
            "<div class='lvm-handle' style='width:44px;height:44px;pointer-events:none'></div>",
        ],
    )
    def test_sizes(self, visit, poison):
        shown = visit(read_pages()[0]).page
        shown.evaluate("poison => document.querySelector('main').insertAdjacentHTML('beforeend', poison)", poison)
        assert len(small_targets(shown)) == 1
