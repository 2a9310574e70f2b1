"""The reader trains a VAE in a page without network, over file and http; Python finds its terms in its weights."""

import base64
import json
import sys

import pytest
from test_figures_hold import differences

from lvm_lib.figures import TrainerFigure
from lvm_lib.vae import mlp_vae
from tools import runs
from tools.keys import ROOT

sys.path.insert(0, str(ROOT / "_ext"))
import live
import page as book_page


@pytest.fixture(scope="session")
def small_page(tmp_path_factory):
    """A page with nothing but the trainer: its folder, and the traits of its side file."""
    folder = tmp_path_factory.mktemp("trainer")
    figures = folder / "_static" / "figures"
    figures.mkdir(parents=True)
    (folder / "_figures").mkdir()
    (folder / "_static" / "lvm.css").write_text(book_page.style(), encoding="utf-8")
    (folder / "_static" / "host.js").write_bytes((ROOT / "assets" / "host.js").read_bytes())
    (figures / "trainer.js").write_bytes((ROOT / "lvm_lib" / "figures" / "bundle" / "trainer.js").read_bytes())
    for name in ("digits", "clothing"):
        (figures / f"{name}-images.js").write_text(book_page.training_images(name), encoding="utf-8")
    figure = TrainerFigure(mlp_vae(2, (128, 64), seed=3))
    state, _, buffers = runs_state(figure)
    model = {"state": state, "buffers": buffers}
    (folder / "_figures" / "t-1.js").write_text(runs.state_file("t-1", "trainer", model, {}), encoding="utf-8")
    element = live.figure_element("t-1", "trainer", None, "", 0, TrainerFigure.heights)
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>t</title><link rel="stylesheet" href="_static/lvm.css"><body style="margin:8px">{element}'
        '<script src="_static/host.js"></script></body></html>',
        encoding="utf-8",
    )
    return folder, {name: getattr(figure, name) for name in figure.carried}


def runs_state(figure):
    """A figure's state as a stored run gets it: traits, and its buffers in base64."""
    from ipywidgets.widgets.widget import _remove_buffers

    state, paths, buffers = _remove_buffers(figure.get_state())
    encoded = [
        {"path": path, "data": base64.b64encode(bytes(data)).decode()}
        for path, data in zip(paths, buffers, strict=True)
    ]
    return state, paths, encoded


@pytest.fixture
def trainer(beside, small_page):
    """`trainer("file")` opens the page; nothing that it does may reach another host, or cause an error."""
    seen = []
    with beside(small_page[0]) as opened:

        def go(scheme="file", **options):
            seen.append(opened("index.html", scheme, **options))
            seen[-1].page.wait_for_selector("[data-lvm-status=alive] [data-numbers]")
            return seen[-1].page

        yield go
        for visit in seen:
            assert visit.errors == [] and visit.foreign == []


def figure(page):
    return page.locator("[data-figure=trainer]")


def press(page, name):
    figure(page).get_by_role("button", name=name, exact=True).click()


def numbers(page) -> dict:
    return json.loads(figure(page).get_attribute("data-numbers"))


def wait(page, condition):
    page.wait_for_function(
        "() => { const root = document.querySelector('[data-figure=trainer]');"
        f"const n = JSON.parse(root.dataset.numbers); return {condition}; }}",
        timeout=120_000,
    )


def held(page, small_page) -> dict:
    """The numbers of the page as it stands, which Python finds again in the page's own weights."""
    found = numbers(page)
    own = figure(page).evaluate("(root, step) => root.lvmOwn(step)", found["step"])
    assert TrainerFigure.broken(found) == []
    again = TrainerFigure.recomputed(found, {**small_page[1], "own": bytes.fromhex(own)})
    assert differences(found, again) == []
    return found


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_two_hundred_steps_are_trained_and_python_finds_the_terms_in_the_weights(trainer, small_page, scheme):
    page = trainer(scheme)
    given = held(page, small_page)
    assert given["start"] == "given" and given["step"] == 0
    press(page, "New seed")
    wait(page, "n.start === 'speaking' && n.step === 0")
    start = held(page, small_page)
    press(page, "Train")
    wait(page, "n.step >= 200")
    press(page, "Pause")
    figure(page).get_by_role("button", name="Train", exact=True).wait_for()
    trained = held(page, small_page)
    assert trained["minus_elbo"] < 200 < start["minus_elbo"] and trained["rate"] > 1
    press(page, "Back")
    wait(page, f"n.step < {trained['step']}")
    earlier = held(page, small_page)
    press(page, "Step")
    wait(page, f"n.step === {earlier['step'] + 1}")
    onwards = held(page, small_page)
    press(page, "Back")
    wait(page, f"n.step === {earlier['step']}")
    assert numbers(page) == earlier
    press(page, "Step")
    wait(page, f"n.step === {earlier['step'] + 1}")
    assert numbers(page) == onwards  # the same step again, to the last bit


def slide(page, label, key):
    figure(page).get_by_label(label, exact=True).focus()
    page.keyboard.press(key)


def test_a_rate_that_explodes_stops_by_itself_and_offers_the_last_good_state(trainer, small_page):
    page = trainer()
    slide(page, "learning rate", "End")
    press(page, "Train")
    alert = figure(page).get_by_role("alert")
    alert.get_by_text("stopped by itself at step").wait_for(timeout=60_000)
    alert.get_by_role("button").click()
    alert.wait_for(state="hidden")
    assert held(page, small_page)["log_rate"] == 1
    slide(page, "latents", "ArrowRight")  # another net begins anew
    wait(page, "n.latents === 4 && n.step === 0")
    assert held(page, small_page)["rate_least"] < numbers(page)["rate_most"]


def test_a_large_beta_asks_for_a_prediction_and_a_hidden_page_pauses(trainer, small_page):
    page = trainer()
    slide(page, "β", "End")
    press(page, "Train")
    question = figure(page).get_by_role("group", name="Predict first")
    assert "What will it do" in question.inner_text() and numbers(page)["step"] == 0
    question.get_by_role("button", name="It will fall").click()
    wait(page, "n.step >= 20")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange")); }""")
    figure(page).get_by_role("button", name="Train", exact=True).wait_for()
    paused = held(page, small_page)
    page.wait_for_timeout(300)
    assert numbers(page) == paused and paused["beta"] == 16
    press(page, "Train")  # asked once
    wait(page, "n.step >= 200")
    assert question.inner_text().startswith(("Right", "Not so"))


def test_a_drawn_digit_is_followed_through_the_plane_and_dropped(trainer, small_page):
    page = trainer()
    assert held(page, small_page)["own_minus_elbo"] is None
    pad = figure(page).get_by_role("application")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    wait(page, "n.drawn && n.own_rate > 0 && root.dataset.waits === 'no'")
    page.wait_for_timeout(300)  # the drawing has settled in its box
    drawn = held(page, small_page)
    told = figure(page).locator(".lvm-trainer-told")
    assert f"{drawn['own_minus_elbo']:.1f} nats" in told.inner_text().replace("\N{MINUS SIGN}", "-")
    ring = figure(page).locator(".lvm-trainer-own-code")
    before = ring.get_attribute("cx")
    press(page, "Train")
    wait(page, "n.step >= 30")
    press(page, "Pause")
    figure(page).get_by_role("button", name="Train", exact=True).wait_for()
    moved = held(page, small_page)
    assert moved["drawn"] == drawn["drawn"] and moved["own_z1"] != drawn["own_z1"]
    assert ring.get_attribute("cx") != before
    press(page, "Back")
    wait(page, f"n.step < {moved['step']}")
    held(page, small_page)
    pad.focus()
    page.keyboard.press("Space")  # one pixel, by keyboard
    wait(page, f"n.drawn !== '{moved['drawn']}'")
    held(page, small_page)
    page.wait_for_function("() => location.hash.includes('x=')")
    press(page, "Clear")
    wait(page, "n.drawn === ''")
    assert held(page, small_page)["own_minus_elbo"] is None and not ring.is_visible()


def test_clothing_comes_when_it_is_chosen_and_is_trained_on(trainer, small_page):
    page = trainer()
    asked = []
    page.on("request", lambda request: asked.append(request.url.split("/")[-1]))
    held(page, small_page)
    figure(page).get_by_role("radio", name="clothing").check()
    wait(page, "n.data === 'clothing' && n.step === 0 && n.start === 'speaking'")
    start = held(page, small_page)
    assert "clothing-images.js" in asked and "digits-images.js" not in asked
    assert figure(page).get_by_text("0 T-shirt/top, 1 Trouser").is_visible()
    press(page, "Train")
    wait(page, "n.step >= 30")
    press(page, "Pause")
    figure(page).get_by_role("button", name="Train", exact=True).wait_for()
    assert held(page, small_page)["minus_elbo"] < start["minus_elbo"] - 50
    assert "of 4,500 images" in figure(page).locator(".lvm-wait").inner_text()
    figure(page).get_by_role("radio", name="Gaussian").check()
    wait(page, "n.likelihood === 'gaussian' && n.step === 0")
    held(page, small_page)


def test_a_phone_takes_a_part_of_the_images_and_says_so(trainer, small_page):
    page = trainer("http", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    press(page, "Train")
    wait(page, "n.step >= 10 && n.images === 1500")
    press(page, "Pause")
    figure(page).get_by_role("button", name="Train", exact=True).wait_for()
    assert "1,500 of the 9,000" in figure(page).get_by_role("alert").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    held(page, small_page)


@pytest.mark.parametrize("scheme", ["file", "http"])  # over http no text may be run as a script, but a blob
def test_without_a_worker_a_sentence_and_the_given_net_stand_there(trainer, small_page, scheme):
    page = trainer(scheme)
    before = held(page, small_page)
    page.add_init_script("window.Worker = undefined")
    page.reload()
    page.wait_for_selector("[data-lvm-status=alive] [data-numbers]")
    assert "no Worker" in figure(page).get_by_role("alert").inner_text()
    figure(page).get_by_role("application").focus()
    page.keyboard.press("Space")  # what a drawn image gives is still computed, by the same script
    wait(page, "n.drawn !== '' && n.own_rate >= 0")
    held(page, small_page)
    press(page, "Clear")
    wait(page, "n.drawn === ''")
    assert figure(page).get_by_role("button", name="Train", exact=True).is_disabled()
    assert held(page, small_page) == before


def test_without_a_worker_the_recorded_run_stands_in_place_of_the_readers(visit):
    seen = visit(None)
    seen.page.add_init_script("window.Worker = undefined")
    seen.open_bare("book/vae.html")
    seen.settle(sweep=False)
    own = seen.page.locator("[data-lvm-live=trainer]")
    assert "stands below" in own.get_by_role("alert").inner_text()
    recorded = seen.page.locator("[data-lvm-live=trainer] + [data-lvm-live=scrubber]")
    recorded.scroll_into_view_if_needed()
    seen.page.wait_for_function("(host) => host.dataset.lvmStatus === 'alive'", arg=recorded.element_handle())
    at = "(host) => JSON.parse(host.querySelector('[data-numbers]').dataset.numbers).checkpoint"
    first = recorded.evaluate(at)
    recorded.get_by_role("slider").first.press("Home")
    recorded.get_by_role("slider").first.press("ArrowRight")
    seen.page.wait_for_function(f"(host) => ({at})(host) !== {first}", arg=recorded.element_handle())
    assert seen.errors == [] and seen.foreign == []
