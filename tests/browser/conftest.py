"""The built book in a Chromium that may reach nothing but it, over http and from file://."""

from __future__ import annotations

import functools
import os
import re
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from built_book import ARGUMENTS, ROOT, SITE, bare, leads_to
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from tools.need_browser import for_tests

SWEEP = """() => {
  const later = (done) => setTimeout(done, 1000); // a window that the browser draws no more gets no frame
  const drawn = () => Promise.race([
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))), new Promise(later)]);
  const sweep = async () => {
    for (let top = 0; top < document.documentElement.scrollHeight;) { // it grows: sections are laid out late
      window.scrollTo({ top, behavior: "instant" });
      await drawn();
      top += Math.max(1.5 * innerHeight, 300); // sections as far beyond the window are laid out with what is in it;
    } // a window that has no size yet must not stop it
  };
  window.swept = false;
  sweep().then(() => { window.swept = true; });
}"""
SWEPT = 180_000  # ms: fifty times what the longest page takes on two busy cores

ARRIVED = """(host) => {
  if (host.dataset.lvmStatus) return true;
  host.scrollIntoView({ block: "center", behavior: "instant" });
  return false;
}"""


AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


# What a strict server may send with each page: the book runs under it, so each test over http asks for it.
POLICY = (
    "default-src 'self'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
)
TELL = "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`))"


class Quiet(SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def over_http(folder):
    """The address of a folder over http, on this machine only."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.fixture(scope="session")
def address():
    """The book over http."""
    with over_http(SITE) as place:
        yield place


@pytest.fixture(scope="session")
def beside(browser):
    """`beside(folder)`: pages of another folder, as `visit` opens those of the book: go("index.html", "http")."""

    @contextmanager
    def at(folder):
        with over_http(folder) as place:
            visits = []

            def go(page, scheme="file", **options):
                visits.append(Visit(browser, place, **options))
                visits[-1].open(place + page if scheme == "http" else (folder / page).as_uri())
                return visits[-1]

            yield go
            for seen in visits:
                seen.context.close()

    return at


@pytest.fixture(scope="session")
def browser():
    path = for_tests()
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


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for broken rules of accessibility."""
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("axe-core is missing (npm ci), and in CI nothing may be skipped")
        pytest.skip("axe-core is missing: npm ci")
    return AXE.read_text(encoding="utf-8")


class Visit:
    """One page in a window of its own; notes every request to another host, console error and exception."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.foreign, self.errors = [], []
        own = "|".join(map(re.escape, (address, "file://", "data:", "blob:")))
        self.context.route(re.compile(f"^(?!{own})"), self.gate)  # own requests make no way through Python
        self.context.add_init_script(TELL)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def gate(self, route):
        self.foreign.append(route.request.url)
        return route.abort()

    def open(self, url):
        self.page.goto(url)
        return self.page

    def open_bare(self, page, hash_=""):
        """Open a page of the book without its text: its live figures alone, at their own address."""
        url = (SITE / page).as_uri()
        self.page.goto("about:blank")  # else another fragment of the same page loads nothing
        self.context.unroute(url + "*")
        self.context.route(url + "*", lambda route: route.fulfill(body=bare(page), content_type="text/html"))
        return self.open(url + hash_)

    def settle(self, sweep=True, figures=None):
        """Scroll through the whole page, so that every section is laid out once, then to each figure until it lives.

        A busy machine leaves out frames, and a figure that was near the window in none of those drawn was never near.
        A page that a link opened holds the place of that link for a second: it is asked again until the figure came.
        Without `sweep` only figures are looked at, and only the first so many: for tests that ask about nothing else.
        """
        if sweep:
            self.page.evaluate(SWEEP)
            self.page.wait_for_function("() => window.swept", polling=50, timeout=SWEPT)
        for host in self.page.locator("[data-lvm-live]").all()[:figures]:
            try:
                self.page.wait_for_function(ARRIVED, arg=host.element_handle(), polling=50)
            except PlaywrightTimeout as error:
                name = host.get_attribute("data-lvm-live")
                raise AssertionError(
                    f"the figure {name!r} neither lives nor says why not; errors: {self.errors}"
                ) from error
        self.page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
        return self.page


def opened(browser, address, page, scheme="file", **options) -> Visit:
    """A page of the book in a window of its own, behind whatever leads on to it; None: a window without a page yet."""
    seen = Visit(browser, address, **options)
    if page is None:
        return seen
    seen.open(address + page if scheme == "http" else (SITE / page).as_uri())
    if leads_to(page):
        seen.page.wait_for_url(f"**/{leads_to(page)}")
    return seen


@pytest.fixture
def visit(browser, address):
    """`visit("book/elbo.html", "http", viewport=...)` opens a page and returns its Visit; `visit(None)` a window."""
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
    """The live figures of a module's PAGE, settled, without its text.

    Whatever a test does to it causes no error and no request to another host.
    """
    seen = visit(None)
    seen.open_bare(request.module.PAGE)
    seen.settle(sweep=False)
    yield seen.page
    assert seen.errors == [] and seen.foreign == []
