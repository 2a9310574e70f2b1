"""Pages need no script inside them, and live under a strict Content-Security-Policy.

Each test of this folder that opens a page over http gets it with that policy (conftest.py), and a breach is an error
that every one of them would notice: here is shown that they would.
"""

import urllib.request
from html.parser import HTMLParser

import pytest
from built_book import SITE, pages

from conftest import POLICY

DATA = {"application/json", "application/ld+json"}  # held by a page, not run
WORKER = """() => new Promise((done, failed) => {
    const text = "postMessage(Boolean(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))))";
    const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = () => failed(new Error("no worker"));
})"""


class Inline(HTMLParser):
    """What a page would run of its own: scripts without an address, handlers in attributes, javascript: links."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "script" and "src" not in given and given.get("type") not in DATA:
            self.found.append("a script")
        self.found += [name for name in given if name.startswith("on")]
        self.found += [name for name, value in given.items() if (value or "").strip().lower().startswith("javascript:")]


@pytest.mark.parametrize("page", pages())
def test_no_page_holds_a_script_of_its_own(page):
    reader = Inline()
    reader.feed((SITE / page).read_text(encoding="utf-8"))
    assert reader.found == []


def test_a_breach_of_the_policy_would_be_noticed(beside, tmp_path):
    (tmp_path / "index.html").write_text(
        '<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,"><p onclick="0">text</p>'
        "<script>window.ran = true</script></html>"
    )
    with beside(tmp_path) as go:
        seen = go("index.html", "http")
        assert not seen.page.evaluate("Boolean(window.ran)")
        assert {"policy: script-src-elem", "policy: script-src-attr"} <= set(seen.errors)


def test_the_policy_is_sent_and_a_worker_from_a_blob_may_assemble_its_products(visit, address):
    with urllib.request.urlopen(f"{address}search.html") as answer:
        assert answer.headers["Content-Security-Policy"] == POLICY
    seen = visit("search.html", "http")
    assert seen.page.evaluate(WORKER) is True
    assert seen.errors == [] and seen.foreign == []
