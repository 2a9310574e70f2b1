"""The built book that the tests of this folder read: where it is, and which pages it has."""

import base64
import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-first-run", "--disable-dev-shm-usage"]
SITE = Path(os.environ.get("LVM_SITE", ROOT / "_build" / "html"))


def pages() -> list[str]:
    """Every page of the built book, by its path."""
    return sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts)


def leads_to(page: str) -> str:
    """The address to which a page sends its reader at once; empty for a page that is read itself."""
    text = (SITE / page).read_text(encoding="utf-8")
    found = re.search(r'http-equiv="refresh" content="0; ?url=([^"]+)"', text, re.I)
    return found[1] if found else ""


def read_pages() -> list[str]:
    """Every page that is read itself."""
    return [page for page in pages() if not leads_to(page)]


def pages_with_figures() -> list[str]:
    """Every page that holds a live figure."""
    return [page for page in pages() if 'data-lvm-live="' in (SITE / page).read_text(encoding="utf-8")]


def side_file(page: str, state: str) -> dict:
    """The traits that a live figure was given by its side file: `state` is its address, relative to the page."""
    text = ((SITE / page).parent / state).resolve().read_text(encoding="utf-8")
    given = json.loads("[" + text[text.index("(") + 1:text.rindex(")")] + "]")[1]
    traits = given["traits"]
    for buffer in given["buffers"]:
        place = traits
        for key in buffer["path"][:-1]:
            place = place[key]
        place[buffer["path"][-1]] = base64.b64decode(buffer["data"])
    return traits
