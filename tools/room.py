"""The room that each live figure takes, by its own width: what a page keeps free until the figure lives.

    python -m tools.room           measure the built book, and list where the room kept differs from what is taken
    python -m tools.room --write   measure, and write assets/room.json; `--write elbo vae`: of these pages

Measured in a browser at the ends of each band of widths that has one layout (`BANDS` in _ext/live.py). A kind of figure
has the room of its largest one; a chapter's figure that takes less by more than a line has an entry of its own.
`tests/browser/test_layout_of_figures.py` holds what is kept to what is taken.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.reading import WHOLE

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "assets" / "room.json"
WINDOWS = (320, 390, 640, 768, 1366, 1440, 1280, 1920)  # their figures are 280, 350, 600, 712, 782, 808, 944, 980 wide
LINE = 20  # CSS pixels

TAKEN = """(host) => ({
    name: host.dataset.lvmLive,
    width: Math.round(host.getBoundingClientRect().width),
    kept: parseFloat(getComputedStyle(host, "::before").height),
    taken: Math.ceil(host.querySelector(".lvm-place").getBoundingClientRect().height),
})"""


def measured(page) -> list[dict]:
    """Of each figure of an open page its name, its width, the room that is kept and what it takes."""
    page.add_style_tag(content=WHOLE)
    found = []
    for host in page.locator("[data-lvm-live]").all():
        host.evaluate("(node) => node.scrollIntoView({block: 'center', behavior: 'instant'})")
        page.wait_for_function("(node) => node.dataset.lvmStatus", arg=host.element_handle(), timeout=60_000)
        page.wait_for_timeout(400)  # what a figure computes in its first frames
        found.append(host.evaluate(TAKEN))
    return found


def room(taken: dict[str, dict[str, dict[int, int]]]) -> dict:
    """The contents of the file, of what was taken by chapter, figure and width."""
    kinds: dict[str, dict[str, int]] = {}
    for figures in taken.values():
        for name, heights in figures.items():
            for width, height in heights.items():
                kind = kinds.setdefault(name, {})
                kind[str(width)] = max(height, kind.get(str(width), 0))
    own = {
        f"{chapter}/{name}": {str(width): height for width, height in heights.items()}
        for chapter, figures in taken.items()
        for name, heights in figures.items()
        if any(kinds[name][str(width)] - height > LINE for width, height in heights.items())
    }
    return dict(sorted((kinds | own).items()))


def main() -> int:
    from playwright.sync_api import sync_playwright

    from tools.need_browser import chromium

    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    taken: dict[str, dict[str, dict[int, int]]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for path in sorted((ROOT / "_build" / "html" / "book").glob("*.html")):
            if (names and path.stem not in names) or "data-lvm-live" not in path.read_text(encoding="utf-8"):
                continue
            for window in WINDOWS:
                page = browser.new_page(viewport={"width": window, "height": 900})
                page.goto(path.as_uri())
                for figure in measured(page):
                    widths = taken.setdefault(path.stem, {}).setdefault(figure["name"], {})
                    widths[figure["width"]] = max(figure["taken"], widths.get(figure["width"], 0))
                    if abs(figure["taken"] - figure["kept"]) > LINE:
                        print(
                            f"{path.stem}, {figure['name']}, window {window}: kept {figure['kept']:.0f}, "
                            f"taken {figure['taken']}",
                            flush=True,
                        )
                page.close()
        browser.close()
    if "--write" in sys.argv[1:]:
        found = room(taken)
        if names:
            known = json.loads(FILE.read_text(encoding="utf-8"))
            own = {f"{chapter}/{name}": name for chapter, figures in taken.items() for name in figures}
            found = known | {key if key in known else name: found[name] for key, name in own.items()}
        FILE.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
