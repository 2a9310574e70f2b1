"""The built book in a Chromium that may reach nothing but it, over http and from file://."""

from __future__ import annotations

import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from built_book import ARGUMENTS, SITE, leads_to
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from tools.need_browser import chromium

SWEEP = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (let top = 0; top < document.documentElement.scrollHeight; top += 700) { // it grows: sections are laid out late
    window.scrollTo({ top, behavior: "instant" });
    await drawn();
  }
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def address():
    """The book over http, on this machine only."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium, and in CI nothing may be skipped")
        pytest.skip("no Chromium on this machine: see tools/need_browser.py")
    if not (SITE / "index.html").exists():
        pytest.fail(f"the book is not built: run `make book` first (no {SITE / 'index.html'})")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


class Visit:
    """One page in a window of its own; notes every request to another host, console error and exception."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.foreign, self.errors = [], []
        self.context.route("**/*", functools.partial(self.gate, address))
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def gate(self, address, route):
        url = route.request.url
        if url.startswith((address, "file://", "data:", "blob:")):
            return route.continue_()
        self.foreign.append(url)
        return route.abort()

    def open(self, url):
        self.page.goto(url)
        return self.page

    def settle(self, sweep=True, figures=None):
        """Scroll through the whole page, so that every section is laid out once, then to each figure until it lives.

        A busy machine leaves out frames, and a figure that was near the window in none of those drawn was never near.
        Without `sweep` only figures are looked at, and only the first so many: for tests that ask about nothing else.
        """
        if sweep:
            self.page.evaluate(SWEEP)
        for host in self.page.locator("[data-lvm-live]").all()[:figures]:
            host.evaluate("(host) => host.scrollIntoView({block: 'center', behavior: 'instant'})")
            try:
                self.page.wait_for_function("(host) => host.dataset.lvmStatus", arg=host.element_handle())
            except PlaywrightTimeout as error:
                name = host.get_attribute("data-lvm-live")
                raise AssertionError(
                    f"the figure {name!r} neither lives nor says why not; errors: {self.errors}"
                ) from error
        self.page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
        return self.page


def opened(browser, address, page, scheme="file", **options) -> Visit:
    """A page of the book in a window of its own, behind whatever leads on to it."""
    seen = Visit(browser, address, **options)
    seen.open(address + page if scheme == "http" else (SITE / page).as_uri())
    if leads_to(page):
        seen.page.wait_for_url(f"**/{leads_to(page)}")
    return seen


@pytest.fixture
def visit(browser, address):
    """`visit("book/elbo.html", "http", viewport=...)` opens a page and returns its Visit."""
    visits = []

    def go(page, scheme="file", **options):
        visits.append(opened(browser, address, page, scheme, **options))
        return visits[-1]

    yield go
    for seen in visits:
        seen.context.close()


@pytest.fixture(scope="module")
def look(browser, address):
    """`look("book/elbo.html")`: a page, settled, shared by the tests of a module that only look at it.

    The last page stays open until another is asked for, so pages are a parameter of the module's scope, and pytest
    puts the tests of one page side by side. Whoever looks leaves the page as it was found: windows may change, the
    state of a figure not.
    """
    last = {}

    def go(page, scheme="file", size=(1280, 900)):
        if (page, scheme) not in last:
            for seen in last.values():
                seen.context.close()
            last.clear()
            last[page, scheme] = opened(browser, address, page, scheme)
            last[page, scheme].settle()
        seen = last[page, scheme]
        wanted = {"width": size[0], "height": size[1]}
        if seen.page.viewport_size != wanted:
            seen.page.set_viewport_size(wanted)
            seen.page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
            seen.page.wait_for_timeout(150)  # figures follow the width in the next frames
        return seen

    yield go
    for seen in last.values():
        seen.context.close()


@pytest.fixture
def shown(visit, request):
    """The page of a module's PAGE, settled.

    Whatever a test does to it causes no error and no request to another host.
    """
    seen = visit(request.module.PAGE)
    seen.settle()
    yield seen.page
    assert seen.errors == [] and seen.foreign == []
