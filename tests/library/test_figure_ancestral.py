"""Live figure 1 from the Python side: its draws, its marginal, its distance, against SciPy."""

import math

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from lvm_lib import counter
from lvm_lib.figures import AncestralFigure, by_name
from lvm_lib.figures.ancestral import LINE, NETWORK

BOUNDS = AncestralFigure.bounds()

STATES = st.fixed_dictionaries(
    {
        "z": st.floats(*BOUNDS["z"]),
        "std_noise": st.floats(*BOUNDS["std_noise"]),
        "seed": st.integers(*BOUNDS["seed"]),
        "count": st.integers(0, 300),
    }
)


def g(z):
    return 1.8 * math.tanh(2 * z + 0.5) - 0.9 * math.tanh(1.5 * z - 2.2) - 0.8


def by_scipy(x, noise):
    """p(x) and P(X <= x) by adaptive quadrature."""
    ends = {"points": [-1.5, -0.25, 0.5, 2.0], "limit": 400, "epsabs": 1e-13, "epsrel": 1e-13}
    return (
        quad(lambda z: stats.norm.pdf(z) * stats.norm.pdf(x, g(z), noise), -9, 9, **ends)[0],
        quad(lambda z: stats.norm.pdf(z) * stats.norm.cdf(x, g(z), noise), -9, 9, **ends)[0],
    )


@pytest.mark.parametrize("noise", [0.15, 0.3, 1.0])
def test_the_marginal_agrees_with_scipy(noise):
    for z in (-3.0, -0.4, 0.55, 2.5):
        figure = AncestralFigure(z=z, std_noise=noise)
        density, below = by_scipy(g(z), noise)
        n = figure.numbers()
        assert n["g"] == pytest.approx(g(z), abs=1e-14)
        assert n["density"] == pytest.approx(density, rel=1e-9)
        assert figure.below(g(z)) == pytest.approx(below, abs=1e-10)
    mean = quad(lambda z: stats.norm.pdf(z) * g(z), -9, 9, epsabs=1e-13)[0]
    square = quad(lambda z: stats.norm.pdf(z) * (g(z) ** 2 + noise**2), -9, 9, epsabs=1e-13)[0]
    assert n["mean"] == pytest.approx(mean, abs=1e-10) and n["std"] == pytest.approx(
        math.sqrt(square - mean**2), abs=1e-10
    )


def test_the_generator_is_bent_and_its_marginal_has_two_hills_that_noise_merges():
    z = np.linspace(-6, 6, 4001)[:, None]
    assert np.abs(NETWORK(z)).max() < 1.8, "the table of x counts on it"
    slope = np.diff(NETWORK(z)[:, 0])
    assert (slope > 0).any() and (slope < 0).any()
    assert [AncestralFigure(std_noise=s).numbers()["hills"] for s in (0.15, 0.3, 1.0)] == [2, 2, 1]


@settings(deadline=None, derandomize=True, max_examples=30)
@given(STATES)
def test_what_is_read_back_holds_in_every_state(state):
    figure = AncestralFigure(**state)
    n = figure.numbers()
    assert figure.broken(n) == [] and AncestralFigure.recomputed(n) == n
    x, z = figure.samples()
    assert x.shape == z.shape == (state["count"], 1)
    if state["count"]:
        e = counter.normals(state["seed"], state["count"] - 1)
        assert z[-1, 0] == e[0] and n["last_x"] == pytest.approx(g(e[0]) + state["std_noise"] * e[1], abs=1e-12)
        test = stats.kstest(x[:, 0], lambda v: figure.below(np.asarray(v)))
        assert n["distance"] == pytest.approx(test.statistic, abs=1e-12)
        assert n["line"] == LINE / math.sqrt(state["count"])


def test_the_line_is_crossed_by_one_right_sample_in_a_hundred_thousand():
    assert 2 * math.exp(-2 * LINE**2) == pytest.approx(1e-5, rel=0.02)
    for n in (1, 5, 100, 2000):
        assert stats.kstwo.sf(LINE / math.sqrt(n), n) <= 1.01e-5


def test_a_broken_sampler_or_density_is_named():
    good = AncestralFigure(count=2000).numbers()
    assert AncestralFigure.broken(good) == []
    for change, words in [
        ({"distance": 0.06}, "as near to p(x)"),
        ({"distance": 0.0}, "as near"),
        ({"area": 1.01}, "integrates"),
        ({"density": 0.0}, "positive"),
        ({"hills": 0}, "hill"),
        ({"last_x": 0.0}, "g(z) + noise"),
    ]:
        (said,) = AncestralFigure.broken({**good, **change})
        assert words in said


def test_samples_are_reproducible_and_back_is_exact():
    figure = AncestralFigure(seed=7, count=100)
    x, z = figure.samples()
    figure.count = 250
    assert (figure.samples()[0][:100] == x).all()
    figure.count, figure.std_noise = 100, 0.6
    assert (figure.samples()[1] == z).all() and not (figure.samples()[0] == x).any()
    figure.seed = 8
    assert not (figure.samples()[1] == z).any()


def test_picture_and_words_follow_the_state():
    figure = AncestralFigure()
    before, words = figure.png(), figure.alt
    assert "nothing is sampled" in words and "z = 0.50" in words
    figure.count = 100
    assert figure.png() != before and "100 samples" in figure.alt
    assert by_name("ancestral") is AncestralFigure


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"z": 9}, "z must be a number from -4 to 4"),
        ({"std_noise": 0}, "std_noise must be"),
        ({"count": -1}, "count must be"),
        ({"count": 1.5}, "count must be a whole number from 0 to 2000"),
        ({"seed": True}, "seed must be"),
        ({"seed": 0}, "seed must be"),
        ({"count": 2001}, "count must be"),
        ({"z": float("nan")}, "z must be"),
        ({"seed": "7"}, "seed must be"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(bad, words):
    with pytest.raises(ValueError, match=words):
        AncestralFigure(**bad)
    figure = AncestralFigure()
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(figure, *next(iter(bad.items())))
    with pytest.raises(TypeError, match="takes z, std_noise"):
        AncestralFigure(noise=0.3)
