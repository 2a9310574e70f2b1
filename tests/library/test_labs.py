"""Labs without a front end: a click trains, Stop stops, what was trained is shown, and what fails is said."""

import threading

import ipywidgets
import pytest
import torch

from lvm_lib import data
from lvm_lib.figures import LatentPlaneFigure
from lvm_lib.labs import Lab, Trained, vae_lab

pytestmark = pytest.mark.slow  # nets are trained, or run in two languages

WAIT = 60


def counting(settings, progress, stopped):
    """A training of settings["steps"] steps that needs no model."""
    for step in range(settings["steps"]):
        if stopped():
            return step
        progress((step + 1) / settings["steps"], f"step {step + 1}")
    return settings["steps"]


def lab(train=counting, show=lambda result: None, steps=5):
    return Lab({"steps": ipywidgets.IntText(steps, description="steps")}, train, show)


def held():
    """A training that waits for Stop, and the event that says that it has begun."""
    begun = threading.Event()

    def train(settings, progress, stopped):
        progress(0.25, "a quarter")
        begun.set()
        while not stopped():
            threading.Event().wait(0.005)
        return "half a model"

    return train, begun


def test_a_click_trains_with_the_settings_of_that_moment_and_shows_the_result():
    panel = lab(show=lambda result: ipywidgets.Label(f"trained {result}"))
    assert panel.result is None and panel.stop_button.disabled and not panel.train_button.disabled
    panel.controls["steps"].value = 7
    panel.train_button.click()
    panel.wait(WAIT)
    assert panel.result == 7 and panel.shown.value == "trained 7" and panel.place.children == (panel.shown,)
    assert panel.bar.value == 1.0 and panel.bar.bar_style == "success" and panel.status.value.startswith("Done after")
    assert panel.status.value.endswith("step 7")
    assert not panel.running and panel.stop_button.disabled and not panel.controls["steps"].disabled


def test_stop_keeps_what_was_trained_and_a_second_training_starts_afresh():
    train, begun = held()
    panel = lab(train, show=ipywidgets.Label)
    panel.train_button.click()
    assert begun.wait(WAIT) and panel.running
    assert panel.train_button.disabled and panel.controls["steps"].disabled and not panel.stop_button.disabled
    first = panel._thread
    assert panel.start()._thread is first, "while one runs no other begins"
    panel.stop_button.click()
    panel.wait(WAIT)
    assert panel.result == "half a model" and panel.shown.value == "half a model"
    assert panel.status.value.startswith("Stopped after") and panel.bar.value == 0.25
    begun.clear()
    panel.train_button.click()
    assert begun.wait(WAIT) and panel.running, "an old Stop stops no new training"
    panel.stop().wait(WAIT)


def test_what_fails_is_said_and_the_panel_can_be_used_again():
    def train(settings, progress, stopped):
        if settings["steps"] < 0:
            raise ValueError("steps must not be negative")
        return settings["steps"]

    panel = lab(train, steps=-1)
    panel.train_button.click()
    with pytest.raises(ValueError, match="must not be negative"):
        panel.wait(WAIT)
    assert panel.status.value == "ValueError: steps must not be negative" and panel.bar.bar_style == "danger"
    assert not panel.train_button.disabled and panel.stop_button.disabled
    panel.controls["steps"].value = 3
    panel.start().wait(WAIT)
    assert panel.result == 3 and panel.error is None

    broken = lab(show=lambda result: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.start().wait(WAIT)
    assert "ZeroDivisionError" in broken.status.value


def test_a_training_without_a_result_shows_nothing_and_any_object_can_be_shown():
    panel = lab(lambda settings, progress, stopped: None, show=lambda result: pytest.fail("nothing to show"))
    panel.start().wait(WAIT)
    assert panel.shown is None and panel.place.children == ()
    text = lab(show=lambda result: {"steps": result})
    text.start().wait(WAIT)
    (output,) = text.place.children
    assert output.outputs[0]["data"]["text/plain"] == "{'steps': 5}"


def test_waiting_in_vain_is_an_error():
    train, _begun = held()
    panel = lab(train).start()
    with pytest.raises(TimeoutError, match=r"had not ended after 0.01 s"):
        panel.wait(0.01)
    panel.stop().wait(WAIT)


def test_its_text_holds_no_address_and_says_what_it_needs():
    assert repr(lab()) == repr(lab()) == "<lab: training; it needs a running kernel>"


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (([], counting, print), TypeError, "controls must be a dict"),
        (({}, counting, print), TypeError, "controls must be"),
        (({"a": 3}, counting, print), TypeError, r"controls\['a'\] must be a widget with a value, got int 3"),
        (({"a": ipywidgets.HBox()}, counting, print), TypeError, "must be a widget with a value"),
        (({"a": ipywidgets.IntText()}, None, print), TypeError, "train must be a function"),
        (({"a": ipywidgets.IntText()}, counting, "plot"), TypeError, "show must be a function"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(arguments, error, words):
    with pytest.raises(error, match=words):
        Lab(*arguments)


@pytest.fixture
def few(monkeypatch):
    """256 training images instead of 9,000: the lab is the same, the training short."""
    whole = data.load("clothing")
    small = data.Images(whole.train[:256], whole.test, whole.train_labels[:256], whole.test_labels, whole.names)
    monkeypatch.setattr(data, "load", lambda name: small)


def test_the_lab_of_the_vae_trains_what_was_chosen(few):
    panel = vae_lab(lambda trained: ipywidgets.Label(f"{trained.model.latents}"), hidden=(16, 8))
    for name, value in {"data": "clothing", "latents": 4, "beta": 2.0, "epochs": 2}.items():
        panel.controls[name].value = value
    trained = panel.start().wait(WAIT).result
    assert isinstance(trained, Trained) and trained.settings == panel.settings and panel.shown.value == "4"
    assert len(trained.history.records) == 2 and not trained.model.training
    x = data.binarised("clothing").reshape(1000, -1)
    with torch.no_grad():
        terms = trained.model.elbo_terms(x, 0, samples=16)
    assert trained.test_elbo == pytest.approx(float(terms.elbo.mean()), rel=1e-6)
    assert f"{trained.test_elbo:.1f} nats" in panel.status.value and "β = 2 in training" in panel.status.value


def test_the_lab_of_the_vae_stops_after_an_epoch(few):
    panel = vae_lab(lambda trained: None, hidden=(16, 8))
    panel.controls["epochs"].value = 60
    first = threading.Event()
    panel.status.observe(lambda change: change["new"].startswith("Epoch") and (first.set(), panel._stop.set()), "value")
    panel.start()
    panel.wait(WAIT)
    assert first.is_set() and len(panel.result.history.records) == 1


@pytest.mark.parametrize("latents, kind", [(2, LatentPlaneFigure), (8, ipywidgets.Image)])
def test_what_is_shown_unless_told_otherwise(few, latents, kind):
    panel = vae_lab(hidden=(16, 8))
    panel.controls["latents"].value, panel.controls["epochs"].value = latents, 1
    assert isinstance(panel.start().wait(WAIT).shown, kind) and panel.place.children == (panel.shown,)


def test_equal_settings_give_equal_models(few):
    worth = []
    for _ in range(2):
        panel = vae_lab(lambda trained: None, hidden=(16, 8))
        panel.controls["epochs"].value = 1
        worth.append(panel.start().wait(WAIT).result.test_elbo)
    assert worth[0] == worth[1]
