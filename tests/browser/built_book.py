"""The built book that the tests of this folder read: where it is, and which pages it has."""

import base64
import functools
import json
import os
import re
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent.parent
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",  # letters as wide as in a Chromium with a window, whichever of them is driven
    # The last such list counts, so Playwright's own is said again. The WebUI... ones are parts of the browser's own
    # window; they cost each new page more time than the page itself.
    "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIToolbar,TabSearch,PreloadTopChromeWebUI",
]
SEEN = "() => document.documentElement.dataset.deferred === 'seen'"  # once all were laid out
SITE = Path(os.environ.get("LVM_SITE", ROOT / "_build" / "html"))


@functools.cache
def pages() -> list[str]:
    """Every page of the built book, by its path."""
    return sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts)


@functools.cache
def leads_to(page: str) -> str:
    """The address to which a page sends its reader at once; empty for a page that is read itself."""
    text = (SITE / page).read_text(encoding="utf-8")
    found = re.search(r'http-equiv="refresh" content="0; ?url=([^"]+)"', text, re.I)
    return found[1] if found else ""


def read_pages() -> list[str]:
    """Every page that is read itself."""
    return [page for page in pages() if not leads_to(page)]


@functools.cache
def pages_with_figures() -> list[str]:
    """Every page that holds a live figure."""
    return [page for page in pages() if 'data-lvm-live="' in (SITE / page).read_text(encoding="utf-8")]


@functools.cache
def parsed(page: str) -> BeautifulSoup:
    """The tree of a built page, read once in each process: who looks at it changes nothing in it."""
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


@functools.cache
def bare(page: str) -> str:
    """A page of the built book with its live figures, as they were built, and no text: it loads in half the time."""
    html = BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")
    hosts = [host.find_parent(attrs={"data-lvm-state": True}) or host for host in html.select("[data-lvm-live]")]
    html.body.clear()
    html.body.append(html.new_tag("main"))
    for host in hosts:
        html.main.append(host)
    return str(html)


@functools.cache
def side_file(page: str, state: str) -> dict:
    """The traits that a live figure was given by its side file: `state` is its address, relative to the page.

    Read once in each process: who is given them changes nothing in them.
    """
    file = ((SITE / page).parent / state).resolve()

    def said(file):
        text = file.read_text(encoding="utf-8")
        return json.loads("[" + text[text.index("(") + 1 : text.rindex(")")] + "]")[1]

    given = said(file)
    traits = given["traits"]
    for buffer in given["buffers"]:
        place = traits
        for key in buffer["path"][:-1]:
            place = place[key]
        if "from" in buffer:  # an earlier figure's file holds it
            identity, number = buffer["from"]
            buffer = {**buffer, "data": said(file.with_name(f"{identity}.js"))["buffers"][number]["data"]}
        place[buffer["path"][-1]] = base64.b64decode(buffer["data"])
    return traits


ONE = [(0.6, 0.2), (0.5, 0.5), (0.4, 0.85)]  # a stroke of a drawn digit, in parts of the pad's sides


def scribble(page, figure, points, press="mouse"):
    """Draw on the pad of a figure through points given as parts of its sides, by mouse or by finger."""
    pad = figure.locator(".lvm-pad")
    pad.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    box = pad.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    if press == "mouse":
        page.mouse.move(*at[0])
        page.mouse.down()
        for x, y in at[1:]:
            page.mouse.move(x, y, steps=4)
        page.mouse.up()
        return
    devtools = page.context.new_cdp_session(page)
    for kind, points_ in [("touchStart", at[:1]), *(("touchMove", [p]) for p in at[1:]), ("touchEnd", [])]:
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points_]})


def laid_out(page) -> None:
    """Wait until every section was laid out, which begins in a pause after a reader's first scroll."""
    page.evaluate("dispatchEvent(new Event('scroll'))")
    page.wait_for_function(SEEN)
