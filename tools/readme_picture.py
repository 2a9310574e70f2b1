"""Make the README's picture, assets/readme.png: the live figure of the front page, as the built page draws it.

    make book && python -m tools.readme_picture

Needs a Chromium (tools/need_browser.py says which). What is taken is the figure's upper part in its first state, in the
light theme: the image, the map of what each place of z decodes to, a mean and a sample there, and what they cost.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from tools.need_browser import chromium

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "assets" / "readme.png"
PAGE, FIGURE = "book/intro.html", '[data-lvm-live="front"]'
LAST = ".lvm-latent"  # the map: where it ends, the picture does
MARGIN, COLOURS, LARGEST = 8, 128, 200_000  # CSS pixels, colours of the file, bytes


def screenshot() -> bytes:
    """The figure's upper part as PNG, three pixels to two CSS pixels."""
    from playwright.sync_api import sync_playwright

    from tools import audit

    server, address = audit.served(audit.SITE)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=audit.BROWSER)
            page = browser.new_page(
                viewport={"width": 1280, "height": 1000}, device_scale_factor=1.5, color_scheme="light"
            )
            page.goto(address + PAGE)
            figure = page.locator(FIGURE).first
            figure.scroll_into_view_if_needed()
            page.wait_for_function(f"document.querySelector('{FIGURE}').dataset.lvmStatus === 'alive'")
            page.wait_for_timeout(500)
            box = figure.bounding_box()
            low = figure.locator(LAST).first.bounding_box()
            clip = {**box, "height": low["y"] + low["height"] + MARGIN - box["y"]}
            picture = page.screenshot(clip=clip)
            browser.close()
    finally:
        server.shutdown()
    return picture


def reduced(picture: bytes) -> bytes:
    """The same picture in few colours."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(
        COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> int:
    from tools import audit

    if not chromium() or not (audit.SITE / PAGE).exists():
        print("a Chromium and the built book are needed: make book, then see tools/need_browser.py", file=sys.stderr)
        return 2
    picture = reduced(screenshot())
    if len(picture) > LARGEST:
        print(f"the picture has {len(picture)} bytes; at most {LARGEST} may be", file=sys.stderr)
        return 1
    TARGET.write_bytes(picture)
    print(f"{TARGET.relative_to(ROOT)}: {len(picture)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
