"""The lab of the four ways without a front end: one start, four climbs, a table and curves, Stop, errors."""

import ipywidgets
import numpy as np
import pytest

from lvm_lib.labs import FourWays, four_ways_lab
from lvm_lib.variational import WAYS, climb

pytestmark = pytest.mark.slow  # nets are trained, or run in two languages

WAIT = 120


def sets():
    draw = np.random.default_rng(3)
    x = draw.normal(size=(90, 2)) @ draw.normal(size=(2, 4)) + 0.3 * draw.normal(size=(90, 4)) + 1.0
    return {"plane": (x[:60], x[60:])}


def lab(show=None, **settings):
    panel = four_ways_lab(sets(), show)
    for name, value in {"passes": 8, "hidden": 4, **settings}.items():
        panel.controls[name].value = value
    return panel


@pytest.mark.parametrize("model", ["linear", "curve"])
def test_four_ways_from_one_start(model):
    panel = lab(model=model).start().wait(WAIT)
    found = panel.result
    assert isinstance(found, FourWays) and tuple(found.climbs) == WAYS and found.settings["model"] == model
    starts = [run.records[0].evidence for run in found.climbs.values()]
    assert np.ptp(starts) < 1e-12, "the same start"
    rows = {way: values for way, *values in found.table()}
    for evidence, _, objective, _ in rows.values():
        assert objective < evidence + 1e-8
    assert (np.diff(found.climbs["em"].column("evidence")) > -1e-9).all() and rows["em"][0] > starts[0] + 0.1
    table, picture = panel.shown.children
    assert (
        isinstance(table, ipywidgets.HTML) and table.value.count("<tr>") == 5 and f"{rows['em'][0]:.3f}" in table.value
    )
    assert bytes(picture.value).startswith(b"\x89PNG")
    assert panel.status.value.startswith("Done after") and "4 of 4 ways" in panel.status.value


def test_the_settings_reach_the_climb():
    found = lab(show=lambda result: None, latents=1, seed=2, rate=0.01).start().wait(WAIT).result
    start = found.climbs["em"]
    assert start.model.latents == 1 and found.climbs["amortised"].inference.shared is None
    x, test = sets()["plane"]
    again = four_ways_lab({"plane": (x, test)})
    assert again.settings["rate"] == 0.03 and found.settings["rate"] == 0.01
    repeated = climb("em", start.model, x, test, passes=1)
    assert repeated.records[0].evidence == pytest.approx(start.records[-1].evidence, abs=1e-12)


def test_stop_keeps_the_ways_that_have_ended():
    panel = four_ways_lab(sets(), show=lambda found: None)
    heard = iter([False, False, True])
    found = panel._train({**panel.settings, "passes": 4}, lambda *_: None, lambda: next(heard))
    assert tuple(found.climbs) == WAYS[:2]
    assert panel._train(panel.settings, lambda *_: None, lambda: True) is None


@pytest.mark.parametrize(
    "bad, error, words",
    [
        ({}, TypeError, "sets must be a dict"),
        ({"a": np.zeros((3, 2))}, TypeError, "must be a pair"),
        ({"a": (np.zeros((3, 2)), np.zeros((3, 4)))}, ValueError, "same columns"),
        ({"a": (np.zeros(3), np.zeros((3, 4)))}, ValueError, "x of sets.* must have 2 axes"),
    ],
)
def test_bad_sets_are_named(bad, error, words):
    with pytest.raises(error, match=words):
        four_ways_lab(bad)
