"""The live figure of the training scrubber from the Python side: its curve, its parts, its size, errors."""

import golden_scrubber
import numpy as np
import pytest
import torch
import traitlets
from scipy.stats import norm

from lvm_lib.figures import ScrubberFigure, scrubber
from lvm_lib.figures.scrubber import BOUND, SIDE, folded, manifold_points, unfolded


@pytest.fixture(scope="module")
def shown():
    return golden_scrubber.figure()


def at(shown, checkpoint):
    return ScrubberFigure(**{key: getattr(shown, key) for key in shown.carried}, checkpoint=checkpoint)


def test_the_curve_is_the_vae_s_elbo_at_each_checkpoint(shown):
    """Against the unrounded weights and 400 draws of z: int8 and six points per axis cost about 1 % where q is wide."""
    vae, history = golden_scrubber.training()
    kept = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    x = np.unpackbits(np.frombuffer(shown.pixels, np.uint8).reshape(-1, 98), axis=1)[:BOUND]
    for value, epoch in zip(shown.curve, shown.epochs, strict=True):
        vae.load_state_dict(history.checkpoints[epoch])
        with torch.no_grad():
            drawn = -float(vae.elbo(x, 0, samples=400).mean())
        assert value == pytest.approx(drawn, rel=0.012)
    vae.load_state_dict(kept)
    assert shown.curve[0] > shown.curve[1] > shown.curve[2]


def test_invariants_hold_and_numbers_are_found_again(shown):
    traits = {key: getattr(shown, key) for key in shown.carried}
    for k in range(3):
        figure = at(shown, k)
        n = figure.numbers()
        assert ScrubberFigure.broken(n) == [] and ScrubberFigure.recomputed(n, traits) == n
        assert figure.negative_elbo == n["negative_elbo"] == pytest.approx(shown.curve[k], abs=1e-9)
    assert at(shown, 0).numbers()["loss"] is None
    assert at(shown, 2).numbers()["loss"] == golden_scrubber.training()[1].loss[2]


def test_buffers_fold_and_unfold():
    generator = np.random.default_rng(0)
    buffers = [generator.integers(0, 256, 99, dtype=np.uint8).tobytes() for _ in range(5)]
    assert unfolded(folded(buffers), 5) == buffers


def test_the_manifold_stands_on_the_prior_s_quantiles():
    points = manifold_points()
    shares = norm.cdf(points.reshape(SIDE, SIDE, 2))
    assert shares[0, :, 0] == pytest.approx((np.arange(SIDE) + 0.5) / SIDE)
    assert shares[:, 0, 1] == pytest.approx(((np.arange(SIDE) + 0.5) / SIDE)[::-1])


@pytest.mark.parametrize(
    "key, by, said",
    [
        ("curve", 1e-3, "recomputed"),
        ("rate", -500.0, "not negative"),
        ("distortion", 1e-3, "distortion + rate"),
        ("brightness", 2.0, "lies in"),
    ],
)
def test_a_wrong_number_is_noticed(shown, key, by, said):
    numbers = shown.numbers()
    numbers[key] += by
    assert any(said in rule for rule in ScrubberFigure.broken(numbers))


def test_the_picture_and_its_words_follow_the_state(shown):
    first, last = at(shown, 0), at(shown, 2)
    assert first.png() != last.png() and first.alt != last.alt and f"{last.negative_elbo:.1f}" in last.alt


def test_errors_name_what_came_and_what_was_expected(shown):
    vae, history = golden_scrubber.training()
    with pytest.raises(traitlets.TraitError, match="checkpoint must be a whole number from 0 to 2, got int 3"):
        at(shown, 3)
    with pytest.raises(ValueError, match="negative_elbo is read back"):
        shown.negative_elbo = 0.0
    with pytest.raises(ValueError, match="checkpoints must map 2 to 20 epochs to weights"):
        ScrubberFigure(vae, {0: history.checkpoints[0]})
    with pytest.raises(TypeError, match="vae must be a VAE with two latent dimensions"):
        ScrubberFigure(None, history.checkpoints)
    with pytest.raises(TypeError, match="takes vae, checkpoints"):
        ScrubberFigure(vae, history.checkpoints, theta=1)


def test_what_is_too_heavy_for_a_page_is_thinned_and_said(monkeypatch):
    vae, history = golden_scrubber.training()
    whole = golden_scrubber.figure()
    assert whole.note == "" and whole.note not in whole.alt.split(". ")
    monkeypatch.setattr(scrubber, "MOST", 40_000)
    light = ScrubberFigure(vae, history.checkpoints, history.loss)
    assert light.epochs == [0, 3] and light.curve == [whole.curve[0], whole.curve[2]]
    assert light.note.startswith("1 of 3 checkpoints are left out") and light.alt.endswith(light.note)
    monkeypatch.setattr(scrubber, "MOST", 1000)
    heavy = ScrubberFigure(vae, history.checkpoints, history.loss)
    assert heavy.epochs == [0, 3] and "which a page loads slowly" in heavy.alt
    assert ScrubberFigure.broken(light.numbers()) == ScrubberFigure.broken(heavy.numbers()) == []
