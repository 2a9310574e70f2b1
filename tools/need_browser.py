"""Find a Chromium for the tests of the pages; install one in CI, or say what is missing (`make test`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SHELL = "chromium-headless-shell"  # Debian's Chromium without a window of its own: tests take four fifths of the time


def chromium() -> str | None:
    """The path of a Chromium: the variable CHROMIUM, one on the PATH, or Playwright's own; None where there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def for_tests() -> str | None:
    """The Chromium that tests drive: the variable CHROMIUM, the one without a window, or any other."""
    return os.environ.get("CHROMIUM") or shutil.which(SHELL) or chromium()


def install() -> None:
    """Debian's packages where we may install them, Playwright's download otherwise."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        for packages in (["chromium", "fonts-noto-core"], [SHELL]):  # older systems have no such shell, and need none
            subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=False, **quiet)
    if not chromium():
        subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=False)


def main() -> int:
    if os.environ.get("CI") and not (chromium() and shutil.which(SHELL)):
        install()
    if chromium():
        return 0
    print(
        "No Chromium found: the tests of the built pages will be skipped. Install it (apt install chromium, or "
        "`python -m playwright install chromium`), or name one in the variable CHROMIUM.",
        file=sys.stderr,
    )
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
