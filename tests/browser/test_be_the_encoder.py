"""Be the encoder, on a small page: the hand moves q, the lights go on, and Python finds every number again."""

import json
import re

import numpy as np
import pytest
import small_page
from test_figures_hold import differences, settled

from lvm_lib import data
from lvm_lib.figures import BeTheEncoderFigure, TruePosteriorFigure


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Pages in both themes; the second figure takes its weights from the first one's file."""
    shown = BeTheEncoderFigure(images=data.binarised("digits")[[3, 50, 200, 7, 411]])
    carried = {name: getattr(shown, name) for name in shown.carried}
    both = [shown, TruePosteriorFigure(**carried)]
    places = {theme: tmp_path_factory.mktemp(theme) for theme in ("light", "dark")}
    pages = {theme: small_page.written(place, both, theme) for theme, place in places.items()}
    files = [(places["light"] / f"small-{k}.js").read_text(encoding="utf-8") for k in (1, 2)]
    assert '"from":["small-1",' in files[1] and len(files[1]) < len(files[0]) / 3, "the weights stand in one file"
    return pages, carried


@pytest.fixture
def play(visit, small):
    """`play(theme, link, viewport=...)`: the visit, the figure, alive, and what it carries."""
    pages, carried = small
    visits = []

    def go(theme="light", link="", **options):
        seen = visit(None, **options)
        visits.append(seen)
        seen.open(pages[theme].as_uri() + link)
        alive(seen.page)
        return seen, seen.page.locator("[data-figure=encoder]"), carried

    yield go
    assert [(seen.errors, seen.foreign) for seen in visits] == [([], [])] * len(visits)


def alive(page):
    page.wait_for_function(
        "() => { const root = document.querySelector('[data-figure=encoder]');"
        " return root?.dataset.numbers && !root.classList.contains('is-waiting'); }"
    )


def numbers(page, root, carried) -> dict:
    """What the figure states, held to Python."""
    settled(page, root)  # what was asked for is drawn, or is being searched for
    alive(page)
    found = settled(page, root)
    assert BeTheEncoderFigure.broken(found) == []
    assert differences(found, BeTheEncoderFigure.recomputed(found, carried)) == []
    return found


def drag(page, handle, dx, dy):
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()


def test_a_hand_moves_and_widens_q_then_reveals_and_scores(play):
    seen, root, carried = play()
    page = seen.page
    start = numbers(page, root, carried)
    assert start["evidence"] is None and root.locator(".lvm-light").is_hidden()
    drag(page, root.locator(".lvm-handle-plane"), 40, -30)
    moved = numbers(page, root, carried)
    assert moved["mean1"] > start["mean1"] and moved["mean2"] > start["mean2"]
    drag(page, root.locator(".lvm-handle-across"), 25, 0)
    drag(page, root.locator(".lvm-handle-along"), 0, 12)
    shaped = numbers(page, root, carried)
    assert shaped["log_std1"] > moved["log_std1"] and shaped["log_std2"] < moved["log_std2"]
    assert shaped["rate"] != moved["rate"]
    root.get_by_role("button", name="Reveal").click()
    lit = numbers(page, root, carried)
    assert lit["revealed"] and lit["score"] == pytest.approx(lit["yours_short"], abs=1e-2)
    assert lit["evidence"] >= lit["best"] >= lit["elbo"] and root.locator(".lvm-light").is_visible()
    said = root.locator(".lvm-insight").inner_text()
    assert re.search(r"You: .+ nats short in \d+ s, for this image\. The encoder: .+ nats short in \d+ µs", said)
    drag(page, root.locator(".lvm-handle-plane"), 9, 9)
    assert numbers(page, root, carried)["score"] == lit["score"], "an answer stays; the ellipse may be moved"


def wash(root):
    """The colour in which the posterior's density is painted, in its densest grain."""
    return root.locator(".lvm-light").evaluate("""(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let at = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > data[at + 3]) at = i;
        return [...data.slice(at, at + 3)];
    }""")


def test_the_wash_has_the_colour_of_the_theme_that_the_reader_turns_to(play):
    seen, root, _ = play("light")
    root.get_by_role("button", name="Reveal").click()
    contour = root.locator(".lvm-contour-0")
    painted = {}
    for theme in ("light", "dark", "light"):
        seen.page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        turned = "([root, theme]) => root.dataset.lvmTheme === theme"
        seen.page.wait_for_function(turned, arg=[root.element_handle(), theme])
        seen.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        drawn = [int(part) for part in re.findall(r"\d+", contour.evaluate("node => getComputedStyle(node).stroke"))]
        painted[theme] = wash(root)
        assert np.allclose(painted[theme], drawn, atol=4), f"{theme}: the wash and the contours have two colours"
    assert painted["light"] != painted["dark"]


def test_a_round_of_five_is_played_to_its_end(play):
    """Five answers by hand; the score is what Python finds for each of them alone, added up."""
    seen, root, carried = play()
    page = seen.page
    reveal, following = (root.get_by_role("button", name=name) for name in ("Reveal", "Next image"))
    missed = []
    for k in range(5):
        if k:
            following.click()
        before = numbers(page, root, carried)
        assert (before["answered"], before["revealed"]) == (k, False) and following.is_disabled()
        drag(page, root.locator(".lvm-handle-plane"), 12 * (k - 2), 18 - 9 * k)
        reveal.click()
        lit = numbers(page, root, carried)
        assert lit["answered"] == k + 1
        alone = BeTheEncoderFigure(**carried, **{name: lit[name] for name in BeTheEncoderFigure.state}).numbers()
        missed.append((alone["yours_short"], alone["network_short"]))
    assert lit["score"] == pytest.approx(sum(yours for yours, _ in missed), abs=0.05)
    assert lit["network"] == pytest.approx(sum(net for _, net in missed), abs=0.05)
    assert following.is_disabled() and reveal.is_disabled()
    assert "The round is over" in root.locator(".lvm-insight").inner_text()
    root.get_by_role("button", name="New round").click()
    again = numbers(page, root, carried)
    assert (again["answered"], again["digit"], again["revealed"]) == (0, 0, False)


def test_keys_do_what_a_hand_does_and_the_figure_says_it(play):
    seen, root, carried = play("dark")
    page = seen.page
    start = numbers(page, root, carried)
    centre = root.get_by_role("slider", name="centre of q")
    centre.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    root.get_by_role("slider", name="deviation 1").focus()
    page.keyboard.press("Shift+ArrowLeft")
    now = numbers(page, root, carried)
    assert (now["mean1"], now["mean2"]) == (0.1, 0.5) and now["log_std1"] == start["log_std1"] - 0.5
    root.get_by_role("button", name="Zoom in").press("Enter")
    centre.focus()
    page.keyboard.press("ArrowRight")
    assert numbers(page, root, carried)["mean1"] == pytest.approx(0.15), "a closer window, a shorter step"
    root.get_by_role("button", name="Reveal").press("Enter")
    lit = numbers(page, root, carried)
    spoken = root.locator("[aria-live]")
    for short in ("network_short", "family_short"):  # said, and the address written, once all is at rest
        spoken.filter(has_text=f"{lit[short]:.2f}").wait_for(state="attached")
    page.wait_for_function("() => location.hash.includes('a=')")
    link = "#" + page.url.split("#")[1]
    other, again, _ = play("light", link)
    assert differences(numbers(other.page, again, carried), json.loads(json.dumps(lit))) == []


def test_a_finger_on_a_narrow_phone(play):
    seen, root, carried = play(viewport={"width": 320, "height": 700}, has_touch=True, is_mobile=True)
    page = seen.page
    before = numbers(page, root, carried)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    handle = root.locator(".lvm-handle-plane")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box["width"] >= 44 and box["height"] >= 44
    x, y = box["x"] + 22, box["y"] + 22
    client = page.context.new_cdp_session(page)
    for kind, at in [
        ("touchStart", [(x, y)]),
        ("touchMove", [(x + 15, y)]),
        ("touchMove", [(x + 30, y)]),
        ("touchEnd", []),
    ]:
        points = [{"x": a, "y": b} for a, b in at]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert numbers(page, root, carried)["mean1"] > before["mean1"]


def test_the_second_figure_lives_on_the_weights_of_the_first(play):
    seen, _, carried = play()
    other = seen.page.locator("[data-figure=posterior]")
    other.scroll_into_view_if_needed()
    seen.page.wait_for_function("() => document.querySelector('[data-figure=posterior]')?.dataset.numbers")
    found = settled(seen.page, other)
    assert differences(found, TruePosteriorFigure.recomputed(found, carried)) == []
