"""How tall each section of the book is: what a page claims for a section whose layout still waits.

    python -m tools.heights           measure the built book, and list pages that claim too much or too little
    python -m tools.heights --write   measure, and write assets/heights.json; `--write elbo vae`: of these pages

A browser lays out a section when it comes near the window (assets/book.css). Until then the page stands on what is
claimed here, on a phone and in the text column, so that the scroll bar is about right from the start. The numbers need
not be fresh: `tests/browser/test_claimed_heights.py` says when a page is an eighth off.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "assets" / "heights.json"
SITE = ROOT / "_build" / "html"
WINDOWS = (390, 1280)  # CSS pixels: a phone, and a page with its text column
OFF = 1 / 8  # of a page's height
ROUND = 10  # CSS pixels: what changes less is not written anew
TALL = """() => Object.fromEntries([...document.querySelectorAll("main section section")].map(
    (section) => [section.id, Math.round(section.getBoundingClientRect().height)]))"""
CLAIMED = "() => document.documentElement.scrollHeight"


def measured(browser, path: Path) -> tuple[dict[str, list[int]], dict[int, float]]:
    """The height of each of a page's sections in both windows; and by window what the page claims of its height."""
    sections: dict[str, list[int]] = {}
    claims = {}
    for window in WINDOWS:
        page = browser.new_page(viewport={"width": window, "height": 900})
        page.goto(path.as_uri())
        claimed = page.evaluate(CLAIMED)
        page.goto("about:blank")
        page.goto(path.as_uri() + "#laid-out")  # who comes to a place in the page has all of it laid out
        page.evaluate("() => document.fonts.ready.then(() => true)")
        for identity, height in page.evaluate(TALL).items():
            sections.setdefault(identity, []).append(ROUND * round(height / ROUND))
        claims[window] = claimed / page.evaluate(CLAIMED)
        page.close()
    return sections, claims


def main() -> int:
    from playwright.sync_api import sync_playwright

    from tools.need_browser import chromium

    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for path in sorted((SITE / "book").rglob("*.html")):
            if names and path.stem not in names:
                continue
            page = path.relative_to(SITE).with_suffix("").as_posix()
            found[page], claims = measured(browser, path)
            for window, claimed in claims.items():
                if abs(claimed - 1) > OFF:
                    print(f"{page}, window {window}: claims {claimed:.2f} of its height", flush=True)
        browser.close()
    if "--write" in sys.argv[1:]:
        told = dict(sorted(({**known, **found} if names else found).items()))
        pages = (f' "{page}": {json.dumps(sections)}' for page, sections in told.items() if sections)
        FILE.write_text("{\n" + ",\n".join(pages) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
