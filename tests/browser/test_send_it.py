"""Send it: a page writes a message, and Python reads the picture from its bytes; all network is blocked.

By mouse, finger and keyboard; in a page of its own, as the book makes its pages.
"""

import base64
import functools
import json
import math
import shutil

import pytest
from built_book import ROOT
from ipywidgets.widgets.widget import _remove_buffers

from conftest import Visit
from lvm_lib import coding
from lvm_lib.figures import SendItFigure, SendTokensFigure
from lvm_lib.figures.base import stylesheet
from tools import runs


@functools.cache
def given(kind=SendItFigure):
    return kind()


def written(folder, kind=SendItFigure):
    """A page of one figure alone, made as the book makes its pages: host script, bundle, side file, style."""
    statics = folder / "_static" / "figures"
    statics.mkdir(parents=True)
    shutil.copy(ROOT / "assets" / "host.js", folder / "_static" / "host.js")
    shutil.copy(ROOT / "lvm_lib" / "figures" / "bundle" / f"{kind.name}.js", statics / f"{kind.name}.js")
    state, paths, buffers = _remove_buffers(given(kind).get_state())
    held = [{"path": at, "data": base64.b64encode(raw).decode()} for at, raw in zip(paths, buffers, strict=True)]
    side = runs.state_file("small-1", kind.name, {"state": state, "buffers": held}, {})
    (folder / "small-1.js").write_text(side, encoding="utf-8")
    page = folder / "index.html"
    page.write_text(
        '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>A small page</title>'
        f'<meta name="viewport" content="width=device-width"><style>{stylesheet()}</style><main>'
        f'<div data-lvm-live="{kind.name}" data-lvm-id="small-1" data-lvm-state="small-1.js"></div></main>'
        '<script src="_static/host.js"></script></html>',
        encoding="utf-8",
    )
    return page


@pytest.fixture(scope="module")
def page_of(browser, tmp_path_factory):
    """A page with the figure, which may reach nothing but its own files."""
    paths = {kind: written(tmp_path_factory.mktemp(kind.name), kind) for kind in (SendItFigure, SendTokensFigure)}
    visits = []

    def go(kind=SendItFigure, **options):
        path = paths[kind]
        seen = Visit(browser, path.parent.as_uri(), **options)
        visits.append(seen)
        seen.open(path.as_uri())
        seen.page.wait_for_selector("[data-numbers]")
        return seen

    yield go
    for seen in visits:
        assert seen.errors == [] and seen.foreign == []
        seen.context.close()


def settled(page, **wanted) -> dict:
    """The figure's numbers once it states those of the state that was asked for."""
    page.wait_for_function(
        "(wanted) => { const n = JSON.parse(document.querySelector('[data-numbers]').dataset.numbers);"
        " return Object.entries(wanted).every(([key, value]) => n[key] === value); }",
        arg=wanted,
    )
    return json.loads(page.locator("[data-numbers]").get_attribute("data-numbers"))


def found_again(n, kind):
    """The figure in the page's state, if what the page states is what Python finds."""
    traits = {key: getattr(given(kind), key) for key in kind.carried}
    assert kind.broken(n) == []
    for key, value in kind.recomputed(n, traits).items():
        assert n[key] == (pytest.approx(value, rel=1e-8, abs=1e-8) if isinstance(value, float) else value), key
    return kind(**traits, **{name: n[name] for name in kind.state})


def check(n):
    """What the page states is what Python finds, and the picture is in the page's bytes."""
    shown = found_again(n, SendItFigure)
    stack = coding.Stack.of(bytes.fromhex(n["bytes"]))
    assert (shown.codec.receive(stack) == shown.picture_sent.ravel()).all()
    left = 8 * len(stack.to_bytes())
    assert left == n["first"]  # the first bits are what is left, and nothing else
    net = 8 * (len(n["bytes"]) // 2) - left
    assert abs(net * math.log(2) - n["length"]) < 18 * math.log(2)  # bytes go by words of 16 bits


def test_a_message_is_sent_and_decoded(page_of):
    page = page_of().page
    check(settled(page, digit=2))
    mark = page.locator(".lvm-check summary")
    assert "not yet decoded" in mark.inner_text() and "✓" not in mark.inner_text()
    page.get_by_role("button", name="Decode").click()
    n = settled(page, opened="yes")
    assert "✓" in mark.inner_text() and "decoded = sent" in mark.inner_text()
    assert page.get_by_role("img", name="784 of 784 pixels as sent").count() == 1
    assert n["same"] == 784 and n["returned"] == 1
    page.get_by_role("radio", name="7").check()
    check(settled(page, digit=7, opened="no"))
    page.get_by_role("button", name="One-point q").click()
    n = settled(page, width=0)
    assert n["back"] == 0
    check(n)


def test_the_width_of_q_follows_mouse_keys_and_link(page_of):
    page = page_of().page
    before = settled(page, width=1)
    handle = page.get_by_role("slider", name="width of q, a factor")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=5)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('[data-figure]').dataset.numbers.includes('\"width\":3')")
    wide = json.loads(page.locator("[data-numbers]").get_attribute("data-numbers"))
    assert wide["back"] > before["back"]
    check(wide)
    handle.focus()
    page.keyboard.press("Home")
    assert settled(page, width=1)["bytes"] == before["bytes"]
    page.keyboard.press("Shift+ArrowRight")
    n = settled(page, width=1.5)
    check(n)
    page.wait_for_function("() => location.hash.includes('w=1.5')")
    said = page.locator("[aria-live]").first.text_content()
    assert f"{n['length']:.2f} nats" in said and f"{n['minus_elbo']:.2f}" in said


def test_a_finger_widens_q_at_320_pixels(page_of):
    page = page_of(viewport={"width": 320, "height": 700}, has_touch=True, is_mobile=True).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    handle = page.get_by_role("slider", name="width of q, a factor")
    handle.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = page.context.new_cdp_session(page)
    for kind, at in [("touchStart", x), ("touchMove", x + 10), ("touchMove", x + 20), ("touchEnd", None)]:
        points = [] if at is None else [{"x": at, "y": y}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function("() => document.querySelector('[data-figure]').dataset.numbers.includes('\"width\":2')")
    check(json.loads(page.locator("[data-numbers]").get_attribute("data-numbers")))


# ---------------------------------------------------------------- by way of tokens


def check_tokens(n):
    """The picture is in the page's bytes, and nothing else is."""
    shown = found_again(n, SendTokensFigure)
    stack = coding.Stack.of(bytes.fromhex(n["bytes"]))
    assert (shown.codec.receive(stack).x == shown.picture_sent.ravel()).all()
    assert (stack.words, stack.state) == ([], coding.LOW)


def test_a_message_by_way_of_tokens_is_sent_decoded_and_exchanged(page_of):
    page = page_of(SendTokensFigure, viewport={"width": 1280, "height": 900}).page
    first = settled(page, digit=2, rank=1)
    assert "not yet decoded" in page.locator(".lvm-check summary").inner_text()
    page.get_by_role("button", name="Decode").click()
    assert settled(page, opened="yes")["same"] == 784
    assert page.get_by_role("img", name="784 of 784 pixels as sent").count() == 1
    page.get_by_role("radio", name="counted").check()
    n = settled(page, prior="counted", opened="no")
    assert n["z"] < first["z"] and n["x"] == first["x"]
    check_tokens(n)
    handle = page.get_by_role("slider", name="Place of the token")
    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    settled(page, place=16)
    page.get_by_role("slider", name="nearest code here").press("ArrowRight")
    n = settled(page, place=16, rank=2)
    assert n["tokens"] != first["tokens"]
    check_tokens(n)
    page.wait_for_function("() => location.hash.includes('k=2')")
    said = page.locator("[aria-live]").first.text_content()
    assert f"{n['length']:.2f} nats" in said and "none come back" in said
    page.get_by_role("radio", name="7").check()
    check_tokens(settled(page, digit=7, rank=1))


def test_a_finger_chooses_a_token_at_320_pixels_in_the_dark(page_of):
    options = {"viewport": {"width": 320, "height": 700}, "has_touch": True, "is_mobile": True}
    page = page_of(SendTokensFigure, **options).page
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    grid = page.locator("svg.lvm-token-grid")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.64, box["y"] + box["height"] * 0.36)
    check_tokens(settled(page, place=2 * 7 + 4))
