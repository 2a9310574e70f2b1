"""No page fails a rule of WCAG 2.2 A or AA, at rest or after each control was used; what is pressed is large enough."""

import json

import pytest
from built_book import read_pages

from tools.reading import WHOLE

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
# A page's code has some five thousand coloured words: one of each colour's class stands for all, in what is shown and
# in what is folded; the others become text of their block.
FEW_WORDS_OF_CODE = """() => {
  const seen = new Set();
  const known = (word) => {
    const around = [word.closest("pre").parentElement, word.closest("details, aside, blockquote, .admonition")];
    const kind = [word, ...around].map((node) => node?.className).join(" | ") + word.checkVisibility();
    return seen.size === seen.add(kind).size;
  };
  const words = [...document.querySelectorAll("pre span[class]")].filter((word) => !word.childElementCount);
  words.filter(known).forEach((word) => word.replaceWith(word.textContent)); // all were seen before one is changed
  document.querySelectorAll("pre").forEach((block) => block.normalize());
}"""
# What is heard of a formula is the same in every look: after one look at those that are not folded away it is text.
HEARD = """() => {
  const heard = [...document.querySelectorAll(".katex-mathml")].filter((node) => node.checkVisibility());
  heard.forEach((node) => { node.textContent = node.textContent; });
}"""
# What in a page's text hangs on its width or theme: colours, sizes, boxes that scroll. The other rules read its HTML.
BY_LOOK = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
CHANGED_BY_LOOK = ("header", "nav", "footer", ".lvm-figure")  # which are held to every rule in each look
USED = (".lvm-figure", "main details", "header")  # what a reader's hand changes
SLIDER_KEYS = ("Shift+ArrowRight", "ArrowLeft", "End")
CONTROLS = (
    "button, input, select, textarea, summary, [role=slider], [role=radio], [role=checkbox], [role=button], "
    "[tabindex='0']"
)


def check(page, axe: str, *parts, rules=LEVELS) -> list[str]:
    """What breaks a rule in the page as it stands, or in these parts of it, each with the element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    page.evaluate(EMPTY_FORMULAS)
    page.evaluate(FEW_WORDS_OF_CODE)
    here = [[part] for part in parts if page.locator(part).count()]
    if parts and not here:
        return []
    where = {"include": here or [["html"]], "exclude": [[".katex-html"]]}
    found = page.evaluate(
        f"axe.run({json.dumps(where)}, {{runOnly: {json.dumps(rules)}, resultTypes: ['violations']}})"
    )
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


# A strip of controls sticks to the lower edge of the window. While its figure lies below the window, the strip stands
# at the figure's upper end, over what nobody sees; axe would take it for a neighbour. (test_layout_of_figures.py looks
# at strips where they are seen.)
AT_REST = ".lvm-figure .lvm-hand{position:static!important}"


def faults(page, axe: str, *looks, parts=()) -> dict:
    """`check` in each look, a pair of window and theme; only those that fail.

    Of the whole page every rule in the first look; in the others those that hang on the look, and all in its controls.
    """
    found = {}
    page.add_style_tag(content=WHOLE)
    page.add_style_tag(content=AT_REST)
    for size, theme in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")  # there the sticky header covers no control
        page.wait_for_timeout(100)
        page.evaluate(FRAMES)  # figures follow width and theme in the next frames, which a busy machine draws late
        if parts or not found:
            broken = check(page, axe, *parts)
            page.evaluate(HEARD)
        else:
            broken = check(page, axe, rules=BY_LOOK) + check(page, axe, *CHANGED_BY_LOOK)
        found[f"{size['width']} px, {theme}"] = broken
    return {look: broken for look, broken in found.items() if broken}


def use_every_control(page) -> int:
    """Open what can be opened, press each button once, move each slider and choice; returns how many were used."""
    page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    used = 0
    for node in page.locator(".lvm-figure").locator(CONTROLS).element_handles():
        kind = node.evaluate(USE)
        if kind == "slider":
            for key in SLIDER_KEYS:
                page.keyboard.press(key)
        elif kind == "text":
            node.fill("0.5")
        used += bool(kind)
    if used:
        page.wait_for_timeout(600)  # what a figure says and moves at rest
    return used


# Use a control, unless it is hidden or disabled; the kinds that are returned with work left: "slider", "text".
USE = """(node) => {
    const { localName: tag, type } = node, kind = type || node.getAttribute("role") || "";
    if (!node.checkVisibility({ visibilityProperty: true }) || !node.getClientRects().length) return "";
    if (node.getAttribute("aria-hidden") === "true" || node.disabled) return "";
    if (tag === "select") {
        node.selectedIndex = node.options.length - 1;
        for (const event of ["input", "change"]) node.dispatchEvent(new Event(event, { bubbles: true }));
        return "choice";
    }
    if (kind === "range" || kind === "slider" || node.getAttribute("role") === "slider") {
        node.focus();
        return "slider";
    }
    if (kind === "radio" || kind === "checkbox" || tag === "button" || kind === "button") {
        node.click(); // also one that a sticky header covers
        return "pressed";
    }
    return (tag === "input" || tag === "textarea") && !node.readOnly ? "text" : "looked at";
}"""


class Everywhere:
    """At rest in two of the four looks, so in each theme and each width; in the other two what can be used or opened.

    There every control was used, and all that opens is open.
    """

    def test_no_rule_is_broken_and_targets_can_be_hit(self, visit, axe, page):
        shown = visit(page, "http", viewport=PHONE, reduced_motion="reduce").settle()
        assert covered_handles(shown) == []
        assert targets_that_are_small(shown) == []
        assert faults(shown, axe, (PHONE, "dark"), (LAPTOP, "light")) == {}
        assert targets_that_are_small(shown) == []
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


def targets_that_are_small(page) -> list[str]:
    """`small_targets` with all open that opens; then as it was."""
    page.evaluate("""() => {
        window.openedHere = [...document.querySelectorAll("details:not([open])")];
        window.openedHere.forEach((node) => { node.open = true; });
    }""")
    found = small_targets(page)
    page.evaluate("window.openedHere.forEach((node) => { node.open = false; })")
    return found


def covered_handles(page) -> list[str]:
    """Handles whose middle a pointer does not reach, unless another handle lies over it."""
    return page.evaluate(
        """(handles) => [...document.querySelectorAll(handles)].flatMap((node) => {
        node.scrollIntoView({ block: "center", behavior: "instant" });
        const { left, top, width, height } = node.getBoundingClientRect();
        const at = document.elementFromPoint(left + width / 2, top + height / 2);
        const reached = at && (node.contains(at) || at.closest(".lvm-handle, [role=slider]"));
        const by = `${at?.localName}.${at?.getAttribute("class")}`;
        return reached ? [] : [`${node.getAttribute("aria-label")}: covered by ${by}`];
    })""",
        ".lvm-figure [role=slider]:not(input)",
    )


class TestTheGatesCatchWhatTheyAreFor:
    def test_axe(self, visit, axe):
        shown = visit(None).page
        shown.set_content("<!doctype html><html lang='en'><title>A page</title><main><h1>A page</h1></main></html>")
        assert check(shown, axe) == []
        for poison, rule in [
            ("<img src='x.png'>", "image-alt"),
            ("<button></button>", "button-name"),
            ("<input>", "label"),
            ("<p style='color:#ccc;background:#fff'>pale words</p>", "color-contrast"),
            ("<div role='slider' tabindex='0' aria-label='z'></div>", "aria-required-attr"),
            ("<button style='width:12px;height:12px;padding:0'>a</button>" * 2, "target-size"),
            ("<pre><span class='k'>def</span> <span class='k2' style='color:#eee'>pale</span></pre>", "color-contrast"),
        ]:
            assert rule in broken_by(shown, poison, axe)

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


def broken_by(page, poison, axe) -> set[str]:
    """The rules that a piece of HTML breaks, which is taken away again."""
    page.evaluate(
        "poison => document.querySelector('main').insertAdjacentHTML('beforeend', `<section>${poison}</section>`)",
        poison,
    )
    found = check(page, axe)
    page.evaluate("document.querySelector('main').lastElementChild.remove()")
    return {fault.partition(":")[0] for fault in found}
