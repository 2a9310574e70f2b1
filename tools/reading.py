"""What the built pages ask of a reader's eye: code by height, screens to the first live figure, formulas that are cut.

    python -m tools.reading                  every chapter of the built book
    python -m tools.reading elbo vae         these

Measured in a browser, on the page as it is delivered: how much of its height at 1,280 px is code and printed output,
how many screens of 1,280 x 900 stand before the first live figure, and which displayed formulas are wider than their
column at 320 to 1,280 px. `tests/browser/test_reading.py` holds the limits.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = (320, 390, 768, 1280)
CODE_SHARE, SCREENS = 0.20, 5  # at most so much code and output by height, and so many screens before a figure
WHOLE = "main section{content-visibility:visible!important}"  # every section laid out, near the window or not

# Height that code and printed output take, without tables, pictures and figures, which are what a reader came for.
HEIGHTS = """() => {
    const tall = (node) => {
        const { marginTop, marginBottom } = getComputedStyle(node);
        return node.getBoundingClientRect().height + parseFloat(marginTop) + parseFloat(marginBottom);
    };
    const read = "main .cell_input, main .cell details.hide, main .cell_output > .output:has(pre), main pre";
    const parts = [...document.querySelectorAll(read)].filter((node) => !node.parentElement.closest(read));
    const code = parts.map(tall).reduce((sum, height) => sum + height, 0);
    const article = document.querySelector("main article").getBoundingClientRect();
    const figure = document.querySelector("[data-lvm-live]");
    return {
        share: code / article.height,
        height: article.height,
        screens: figure ? (figure.getBoundingClientRect().top + scrollY) / 900 : null,
    };
}"""
CUT = """() => [...document.querySelectorAll("main .lvm-formula")]
    .map((node) => ({
        over: node.scrollWidth - node.clientWidth,
        label: (node.closest(".math")?.id ?? "").replace("equation-", ""),
        text: node.querySelector("annotation")?.textContent ?? "",
    }))
    .filter(({ over }) => over > 1)"""


def measured(page) -> dict:
    """What an open page asks, at 1,280 px; and at every width the formulas that are cut."""
    page.add_style_tag(content=WHOLE)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    found = page.evaluate(HEIGHTS)
    found["cut"] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found["cut"][width] = page.evaluate(CUT)
    return found


def main() -> int:
    from playwright.sync_api import sync_playwright

    from tools.chapters import chapter_paths
    from tools.need_browser import chromium

    site = ROOT / "_build" / "html" / "book"
    names = sys.argv[1:] or [path.stem for path in chapter_paths()]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name in names:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto((site / f"{name}.html").as_uri())
            found = measured(page)
            screens = "no" if found["screens"] is None else f"{found['screens']:.1f} screens to the first"
            print(f"{name}: {found['share']:.0%} code and output of {found['height']:.0f} px, {screens} live figure")
            for width, formulas in found["cut"].items():
                print(f"  {width} px: {len(formulas)} formulas cut")
                for formula in formulas:
                    print(f"    {formula['over']:4d} px  {formula['label']}  {' '.join(formula['text'].split())[:150]}")
            page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
