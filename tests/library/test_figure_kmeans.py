"""Live figure 9 from the Python side: Lloyd's moves, soft EM, the limit, usage, what never rises, errors."""

import math

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_lib import kmeans
from lvm_lib.figures import KmeansFigure, by_name
from lvm_lib.figures.kmeans import SETS, X, Y, scattered
from lvm_lib.mixture import GaussianMixture

BOUNDS = KmeansFigure.bounds()

STATES = st.fixed_dictionaries(
    {
        "data": st.sampled_from(sorted(SETS)),
        "sigma": st.one_of(st.just(0.0), st.floats(0.001, 0.1), st.floats(*BOUNDS["sigma"])),
        "codes": st.lists(st.tuples(st.floats(*X), st.floats(*Y)).map(list), min_size=1, max_size=8),
        "steps": st.integers(*BOUNDS["steps"]),
        "seed": st.integers(*BOUNDS["seed"]),
    }
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(STATES)
@pytest.mark.slow
def test_invariants_hold_in_every_state(state):
    figure = KmeansFigure(**state)
    n = figure.numbers()
    assert KmeansFigure.broken(n) == [] and KmeansFigure.recomputed(n) == n
    assert all(math.isfinite(v) for v in n.values() if isinstance(v, float))
    assert (figure.distortion, figure.energy, figure.perplexity) == pytest.approx(
        (n["distortion"], n["energy"], n["perplexity"]), abs=1e-12
    )


@pytest.mark.parametrize("data", sorted(SETS))
def test_at_zero_the_moves_are_lloyds(data):
    for seed in range(1, 6):
        figure = KmeansFigure(data=data, sigma=0, codes=scattered(seed, 4), steps=12)
        codes = np.array(figure.codes)
        for found in figure.run()[1:]:
            codes = kmeans.lloyd_step(figure.points, codes)
            np.testing.assert_allclose(found, codes, atol=1e-12)
        assert figure.distortion * len(figure.points) == pytest.approx(kmeans.inertia(figure.points, codes), rel=1e-12)


def test_above_zero_the_energy_is_the_bound_of_a_spherical_mixture():
    figure = KmeansFigure(sigma=0.8, steps=3)
    codes, k, s2 = figure.run()[-1], len(figure.codes), 0.8**2
    model = GaussianMixture.spherical(np.full(k, 1 / k), codes, 0.8)
    bound = model.elbo(model.posterior(figure.points), figure.points).mean()
    assert figure.energy == pytest.approx(-2 * s2 * (bound + math.log(2 * math.pi * s2)), abs=1e-10)
    assert -2 * s2 * (model.evidence(figure.points).mean() + math.log(2 * math.pi * s2)) == pytest.approx(
        figure.energy, abs=1e-10
    )


def test_sigma_to_zero_gives_one_hots_and_the_distortion():
    codes = [[1.9, 0.2], [-1.7, 0.8], [-0.4, -1.2]]
    energies, firmness = [], []
    for sigma in (1.5, 0.7, 0.3, 0.1, 0.02, 0.004, 0.0):
        n = KmeansFigure(codes=codes, sigma=sigma, steps=0).numbers()
        energies.append(n["energy"] - n["distortion"])
        firmness.append(n["firm"])
    assert firmness == sorted(firmness) and firmness[-1] == 1 and firmness[-2] > 1 - 1e-6 and firmness[0] < 0.6
    assert energies[-1] == pytest.approx(0, abs=1e-12) and 0 < energies[-2] < 1e-4
    path = [KmeansFigure(codes=codes, sigma=s, steps=8).run()[-1] for s in (0.002, 0.0)]
    np.testing.assert_allclose(path[0], path[1], atol=1e-9)


def test_back_is_exact_and_a_drag_begins_anew():
    figure = KmeansFigure(steps=4)
    here = figure.numbers()
    figure.steps = 5
    assert figure.numbers()["energy"] <= here["energy"]
    figure.steps = 4
    assert figure.numbers() == here
    standing = KmeansFigure(codes=figure.run()[-1], steps=0).numbers()
    assert standing["energy"] == pytest.approx(here["energy"], abs=1e-14)


def test_a_far_code_is_dead_and_stays_where_it_is():
    figure = KmeansFigure(sigma=0, codes=[[0, 0], [-4, 3], [2, 0]], steps=10)
    n = figure.numbers()
    assert n["dead"] == 1 and n["count2"] == 0 and (n["x2"], n["y2"]) == (-4, 3)
    assert n["perplexity"] <= 2 + 1e-12


def test_even_use_is_no_law():
    """The crowded cloud and the sparse one: the best of many starts leaves the counts uneven."""
    best = min(
        (KmeansFigure(data="uneven", sigma=0, codes=scattered(seed, 2), steps=40) for seed in range(1, 30)),
        key=lambda figure: figure.energy,
    ).numbers()
    assert sorted((best["count1"], best["count2"])) == [8, 40] and best["perplexity"] < 1.6


@pytest.mark.parametrize(
    "change, words",
    [
        ({"largest_rise": 1e-3}, "raises the energy"),
        ({"largest_distortion_rise": 1e-3}, "raises the distortion"),
        ({"firm": 0.9}, "one-hot"),
        ({"rate": 9.0}, "log K"),
        ({"perplexity": 9.0}, "perplexity"),
        ({"energy": 9.0}, "rate = energy"),
        ({"held1": 0.5}, "held once"),
        ({"dead": 3}, "all codes"),
        ({"distortion": 9.0}, "cheapest"),
    ],
)
def test_a_wrong_number_is_noticed(change, words):
    good = KmeansFigure(sigma=0).numbers()
    assert KmeansFigure.broken(good) == []
    assert any(words in rule for rule in KmeansFigure.broken({**good, **change}))


def test_picture_and_words_follow_the_state():
    figure = KmeansFigure()
    before, words = figure.png(), figure.alt
    figure.sigma = 0.0
    assert figure.png() != before and figure.alt != words and "K-means" in figure.alt
    assert by_name("kmeans") is KmeansFigure


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"data": "x"}, "data must be one of 'digits', 'clouds', 'uneven'"),
        ({"sigma": 2}, "sigma must be a number from 0 to 1.5"),
        ({"codes": [[9, 0]]}, "codes must lie in"),
        ({"codes": []}, r"codes must have shape \(K, 2\)"),
        ({"codes": [[0, 0]] * 9}, "K from 1 to 8"),
        ({"codes": "x"}, "codes must be numbers"),
        ({"steps": 41}, "steps must be a whole number from 0 to 40"),
        ({"seed": 1.0}, "seed must be"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(bad, words):
    with pytest.raises(ValueError, match=words):
        KmeansFigure(**bad)
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(KmeansFigure(), *next(iter(bad.items())))


def test_what_is_read_back_cannot_be_set():
    with pytest.raises(ValueError, match="energy is read back"):
        KmeansFigure().energy = 0.0
    with pytest.raises(TypeError, match="KmeansFigure takes data, codes"):
        KmeansFigure(k=3)
