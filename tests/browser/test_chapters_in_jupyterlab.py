"""Every chapter, opened in a JupyterLab that knows no MyST: no formula red, no markup raw, and links that lead on."""

import json
import re
import shutil

import pytest
from built_book import ROOT
from lab_server import SECONDS, serving

from tools import chapters

CHAPTERS = chapters.chapter_paths()
RED = """() => [...document.querySelectorAll('.jp-MarkdownOutput mjx-container')].filter(box =>
    box.querySelector('mjx-merror, [data-mjx-error]') ||
    [...box.querySelectorAll('*')].some(part => getComputedStyle(part).color === 'rgb(255, 0, 0)')
).map(box => box.textContent)"""
RAW = [r"\$\$", r":::", r"\{(eq|cite|doc|ref)\}", r"^\([a-z-]+\)=", r"\]\(", r"\\(begin|frac|log)\b", r"\*\*", r"<a id"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab in a copy of the book's folder that renders all cells at once, and starts no kernel."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("runs"))
    settings = folder / ".jupyterlab_settings_dir" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    wish = {"windowingMode": "none", "kernelStatus": {}, "autoStartDefaultKernel": False}
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps(wish))
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def window(browser):
    with browser.new_context(viewport={"width": 1400, "height": 1000}) as window:
        window.set_default_timeout(1000 * SECONDS)
        yield window


def opened(window, lab, path):
    """The page of a chapter, its text cells rendered."""
    page = window.new_page()
    page.goto(f"{lab}/doc/tree/book/{path.name}")
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown"]
    page.wait_for_function(
        f"document.querySelectorAll('.jp-MarkdownCell.jp-mod-rendered .jp-MarkdownOutput').length === {len(cells)}"
    )
    formulas = sum("$" in "".join(cell["source"]) for cell in cells)
    page.wait_for_function(
        "count => [...document.querySelectorAll('.jp-MarkdownOutput')]"
        ".filter(cell => cell.querySelector('mjx-container')).length === count",
        arg=formulas,
    )
    return page


@pytest.mark.slow
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_nothing_is_red_or_raw(window, lab, path):
    page = opened(window, lab, path)
    assert page.evaluate(RED) == []
    shown = page.locator(".jp-MarkdownOutput").evaluate_all(
        """cells => cells.map(cell => {
            const bare = cell.cloneNode(true);
            for (const part of bare.querySelectorAll('mjx-container, code, pre')) part.remove();
            return bare.textContent;
        })"""
    )
    found = [match[0] for text in shown for sign in RAW for match in re.finditer(sign, text, flags=re.M)]
    assert found == []
    tags = page.locator(".jp-MarkdownOutput mjx-labels").count()
    named = sum("\\tag{" in text for text in re.findall(r"\$\$.*?\$\$", path.read_text(encoding="utf-8"), flags=re.S))
    assert tags == named  # each formula shows its name
    page.close()


@pytest.mark.slow
def test_a_reference_scrolls_and_a_link_opens_the_next_chapter(window, lab):
    page = opened(window, lab, ROOT / "book" / "elbo.ipynb")
    last = page.locator(".jp-MarkdownOutput a[href$='#elbo-decomposition']").last
    last.scroll_into_view_if_needed()
    last.click()
    anchor = page.locator(".jp-MarkdownOutput a[id='elbo-decomposition'], [data-jupyter-id='elbo-decomposition']").first
    page.wait_for_function(
        "place => { const top = place.getBoundingClientRect().top; return top > -50 && top < innerHeight }",
        arg=anchor.element_handle(),
    )
    page.locator(".jp-MarkdownOutput a[href*='kl_and_mle.ipynb']").first.click()
    page.wait_for_selector(".jp-Document:visible h1:has-text('KL divergence')")
    page.close()


@pytest.mark.slow
def test_what_is_red_or_raw_is_found(window, lab, tmp_path):
    """The signs above see a macro that nobody defines and a role that nobody knows."""
    page = opened(window, lab, ROOT / "book" / "elbo.ipynb")
    cell = page.locator(".jp-MarkdownCell").nth(1)
    cell.dblclick()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("$\\KL(q)$ and {eq}`elbo-bayes`")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("document.querySelector('.jp-MarkdownCell:nth-of-type(n) .jp-MarkdownOutput') !== null")
    page.wait_for_function(f"({RED})().length > 0")
    assert "{eq}" in page.locator(".jp-MarkdownOutput").nth(1).inner_text()
    page.close(run_before_unload=False)
