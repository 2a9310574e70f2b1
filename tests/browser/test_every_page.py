"""What holds on every page of the built book, over http and from file://, with every other host unreachable."""

import pytest
from built_book import SITE, WHOLE, pages

PAGES = pages()
SCHEMES = ("file", "http")


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


@pytest.mark.parametrize("page", PAGES, scope="module")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_the_window(look, page, width):
    seen = look(page, size=(width, 900))
    seen.page.add_style_tag(content=WHOLE)  # what is off the window clips what is too wide
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


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

    @pytest.mark.parametrize("damage", ["missing", "corrupt", "unknown"])
    def test_a_damaged_side_file_is_said_in_the_page(self, visit, page, damage):
        seen = visit("book/intro.html")
        body = {"missing": None, "corrupt": "lvmFigureState(", "unknown": "0;"}[damage]
        seen.page.context.route(
            "**/_figures/*.js",
            lambda route: route.abort() if body is None else route.fulfill(body=body, content_type="text/javascript"),
        )
        seen.open((SITE / page).as_uri())
        seen.settle(sweep=False)
        note = seen.page.locator(".lvm-failed").first
        in_view(seen.page, note)
        assert "could not start" in note.text_content()
        assert seen.page.locator("[data-lvm-live] img").first.is_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", PAGES, scope="module")
def test_no_line_begins_with_the_punctuation_after_a_formula(look, page, width):
    """A full stop stands on the line of the formula that it ends."""
    seen = look(page, size=(width, 900))
    seen.page.add_style_tag(content=WHOLE)
    lost = seen.page.evaluate("""async () => {
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
    }""")
    assert lost == []
