"""What holds on every page of the built book, over http and from file://, with every other host unreachable."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from built_book import SITE, leads_to, pages
from test_meta import faults

from tools.reading import WHOLE

PAGES = pages()
SCHEMES = ("http", "file")  # the tests after it look at the page from its file, which is open then


def in_view(page, element) -> None:
    """Scroll there, and let the page lay out the section: off the window it is not rendered."""
    for _ in range(2):  # sections above get their true height on the way, and move the element
        element.scroll_into_view_if_needed()
        page.wait_for_timeout(300)


def test_there_are_pages():
    assert {"index.html", "book/intro.html", "book/elbo.html"} <= set(PAGES)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("page", PAGES, scope="module")
def test_nothing_foreign_no_error_and_every_figure_alive(look, page, scheme):
    seen = look(page, scheme)
    statuses = seen.page.evaluate(
        "[...document.querySelectorAll('[data-lvm-live]')].map((host) => host.dataset.lvmStatus)"
    )
    assert seen.foreign == []
    assert seen.errors == []
    assert all(status == "alive" for status in statuses), statuses


@pytest.mark.parametrize("page", PAGES, scope="module")
def test_formulas_are_rendered(look, page):
    """Each formula is typeset, its font is there, and no TeX is left in the text."""
    seen = look(page)
    found = seen.page.evaluate("""async () => {
        await document.fonts.ready;
        const body = document.querySelector("main")?.cloneNode(true);
        body?.querySelectorAll(".katex, pre, code, .lvm-live").forEach((node) => node.remove());
        const formulas = [...document.querySelectorAll(".math")];
        return { bare: formulas.filter((node) => !node.querySelector(".katex .katex-html")).length,
                 flat: formulas.filter((node) => node.checkVisibility()
                                                 && node.getBoundingClientRect().width === 0).length,
                 errors: document.querySelectorAll(".katex-error").length, text: body?.textContent ?? "",
                 fonts: formulas.length === 0 || document.fonts.check('16px KaTeX_Main') };
    }""")
    assert found["bare"] == found["flat"] == found["errors"] == 0 and found["fonts"]
    for sign in ("$$", "\\frac", "\\log", "\\(", "\\begin{", "{eq}", "{cite", "{doc}", "{ref}"):
        assert sign not in found["text"]


PARTS = {"mover": 2, "munder": 2, "munderover": 3, "msub": 2, "msup": 2, "msubsup": 3, "mfrac": 2, "mroot": 2}


@pytest.mark.parametrize("page", PAGES)
def test_what_is_read_aloud_of_formulas_is_valid(page):
    """Each element of MathML has as many parts as it needs. Firefox shows an error where one has more."""
    for formula in re.findall(r"<math .*?</math>", (SITE / page).read_text(encoding="utf-8"), flags=re.S):
        for element in ElementTree.fromstring(formula).iter():
            needed = PARTS.get(element.tag.rpartition("}")[2])
            assert needed in (None, len(element)), formula


@pytest.mark.parametrize("page", PAGES, scope="module")
def test_no_widget_output_is_silently_dead(look, page):
    """Every widget is a live figure with a control and a spoken text, or a sentence that says what it needs."""
    seen = look(page)
    found = seen.page.evaluate("""() => ({
        left: document.querySelectorAll("script[type*='jupyter.widget']").length,
        figures: [...document.querySelectorAll("[data-figure]")].map((root) => ({
            name: root.dataset.figure,
            controls: [...root.querySelectorAll("button, input, select, [role=slider], [role=radio]")]
                .filter((node) => node.tabIndex >= 0 && !node.disabled).length,
            live: [...root.querySelectorAll("[aria-live]")].map((node) => node.textContent).join(" "),
            numbers: root.dataset.numbers ?? "" })),
        hosts: document.querySelectorAll("[data-lvm-live]").length,
        kernels: [...document.querySelectorAll(".lvm-needs-kernel")].map((node) => node.textContent) })""")
    assert found["left"] == 0
    assert len(found["figures"]) == found["hosts"]
    for figure in found["figures"]:
        assert figure["controls"] > 0 and figure["numbers"], figure
    assert all("kernel" in sentence for sentence in found["kernels"])


WITHOUT_FORMULAS = """() => {
    const page = document.documentElement.cloneNode(true);
    page.querySelectorAll(".katex").forEach((node) => node.remove());
    return page.outerHTML;
}"""


@pytest.mark.parametrize("page", [page for page in PAGES if not leads_to(page)], scope="module")
def test_a_page_says_what_it_is_when_its_figures_live(look, page):
    """Its formulas are left out: they stand as in the file, and are most of it."""
    assert faults(look(page).page.evaluate(WITHOUT_FORMULAS)) == []


LOST = """async () => {
    await document.fonts.ready;
    const inline = [...document.querySelectorAll("main .math")].filter((node) => node.localName === "span");
    return inline.flatMap((node) => {
        const next = node.nextSibling;
        if (next?.nodeType !== Node.TEXT_NODE || !/^[.,;:!?)]/.test(next.data)) return [];
        const sign = document.createRange();
        sign.setStart(next, 0);
        sign.setEnd(next, 1);
        const bases = [...node.querySelectorAll(".katex-base")].at(-1)?.getClientRects() ?? [];
        const last = [...bases].at(-1), box = sign.getBoundingClientRect();
        return last && box.width && box.top > last.bottom ? [node.parentElement.textContent.slice(0, 60)] : [];
    });
}"""


@pytest.mark.parametrize("page", PAGES, scope="module")
def test_at_each_width_nothing_sticks_out_and_no_line_begins_with_the_punctuation_after_a_formula(look, page):
    """No page is wider than its window; a full stop stands on the line of the formula that it ends."""
    look(page).page.add_style_tag(content=WHOLE)  # what is off the window clips what is too wide
    for width in (1280, 390, 320):
        shown = look(page, size=(width, 900)).page
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.evaluate(LOST) == [], f"at {width} px"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if 'data-lvm-live="' in (SITE / page).read_text(encoding="utf-8")]
)
class TestPagesWithFigures:
    def test_without_javascript_a_picture_and_a_sentence_stand_there(self, visit, page):
        seen = visit(page, java_script_enabled=False)
        host = seen.page.locator("[data-lvm-live]").first
        in_view(seen.page, host)
        assert host.locator("img").is_visible()
        assert len(host.locator("img").get_attribute("alt").split()) > 5
        sentence = host.locator("p.lvm-note")
        in_view(seen.page, sentence)
        assert sentence.is_visible() and sentence.bounding_box()["height"] > 10
        assert "JavaScript" in sentence.text_content()

    def test_a_damaged_side_file_is_said_in_the_page(self, visit, page):
        """Whether it is missing, corrupt or holds something else: in every figure's place, with its picture."""
        seen, bodies = visit(None), [None, "lvmFigureState(", "0;"]

        def answer(route):
            if bodies[0] is None:
                return route.abort()
            return route.fulfill(body=bodies[0], content_type="text/javascript")

        seen.context.route("**/_figures/*.js", answer)
        while bodies:
            seen.open_bare(page)
            seen.settle(sweep=False)
            hosts = seen.page.locator("[data-lvm-live]").count()
            notes = seen.page.locator(".lvm-failed")
            assert notes.count() == hosts > 0
            assert all(note.is_visible() and "could not start" in note.text_content() for note in notes.all()), bodies[
                0
            ]
            assert seen.page.locator("[data-lvm-live] img").first.is_visible()
            bodies.pop(0)
