"""The live figure of the two gradient estimators from the Python side.

Unbiased, near the truth in every state, errors.
"""

import math

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from lvm_lib.figures.gradient import FUNCTIONS, SEEDS, SIZES, WITHIN, GradientFigure, expectation, gradient
from lvm_lib.gradients import reparameterised_gradient, score_function_gradient

BOUNDS = GradientFigure.bounds()

STATES = st.fixed_dictionaries(
    {
        "f": st.sampled_from(FUNCTIONS),
        "mean": st.floats(*BOUNDS["mean"]),
        "std": st.floats(*BOUNDS["std"]),
        "n": st.sampled_from(SIZES),
        "seed": st.integers(0, SEEDS - 1),
        "baseline": st.booleans(),
    }
)


def f_by_scipy(name, z):
    """f by scipy, from the numbers that the class's docstring states."""
    return np.cos(6 * z) if name == "wave" else stats.norm.logpdf(z) + stats.norm.logpdf(1.0, z + 0.3 * z**2, 0.7)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("mean, std", [(-0.4, 0.6), (1.7, 0.15), (-2.0, 1.5)])
def test_expectation_and_gradient_agree_with_quadrature(name, mean, std):
    def value(mean, std):
        return integrate.quad(
            lambda e: stats.norm.pdf(e) * f_by_scipy(name, mean + std * e),
            -10,
            10,
            limit=400,
            epsabs=1e-13,
            epsrel=1e-13,
        )[0]

    step = 1e-4
    by_differences = (
        (value(mean + step, std) - value(mean - step, std)) / (2 * step),
        (value(mean, std * math.exp(step)) - value(mean, std * math.exp(-step))) / (2 * step),
    )
    assert expectation(name, mean, std) == pytest.approx(value(mean, std), abs=1e-9)
    assert gradient(name, mean, std) == pytest.approx(by_differences, rel=1e-5, abs=1e-5)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(STATES)
def test_invariants_hold_in_every_state(state):
    figure = GradientFigure(**state)
    n = figure.numbers()
    assert GradientFigure.broken(n) == []
    assert GradientFigure.recomputed(n) == n
    assert figure.ratio_mean == n["ratio_mean"] and figure.ratio_log_std == n["ratio_log_std"]


@pytest.mark.slow
def test_every_seed_and_size_stays_within_the_stated_standard_errors():
    """All seeds and sizes, on a mesh over the plane of q, with and without baseline."""
    mesh = [(mean, std) for mean in np.linspace(*BOUNDS["mean"], 9) for std in np.geomspace(*BOUNDS["std"], 6)]
    sizes, farthest = np.array(SIZES), 0.0
    for name in FUNCTIONS:
        for baseline in (False, True):
            figure = GradientFigure(f=name, baseline=baseline, n=SIZES[-1])
            for mean, std in mesh:
                figure.set_trait("mean", float(mean))
                figure.set_trait("std", float(std))
                exact = GradientFigure(f=name, mean=mean, std=std, baseline=baseline, n=SIZES[-1]).numbers()
                for key, values in figure.samples(EVERY).items():  # (seeds, draws)
                    averages = np.cumsum(values, axis=1)[:, sizes - 1] / sizes
                    errors = exact[f"{key}_error"] * np.sqrt(SIZES[-1] / sizes)
                    farthest = max(farthest, float((np.abs(averages - exact["exact_" + key[3:]]) / errors).max()))
    assert 3 < farthest < WITHIN - 0.25, farthest


EVERY = np.stack([GradientFigure(seed=seed, n=SIZES[-1]).eps for seed in range(SEEDS)])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("baseline", [False, True])
def test_one_sample_is_what_the_library_s_estimators_give(name, baseline):
    """The same formulas as lvm_lib.gradients: equal mean and variance over many draws, and equal draw by draw."""
    figure = GradientFigure(f=name, mean=0.3, std=0.8, baseline=baseline)

    def f(z):
        z = z[:, 0]
        if name == "wave":
            return torch.cos(6 * z)
        return -0.5 * z**2 - 0.5 * ((1 - z - 0.3 * z**2) / 0.7) ** 2 - math.log(2 * math.pi * 0.7)

    mean, log_std = torch.tensor([0.3], dtype=torch.float64), torch.tensor([math.log(0.8)], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    eps = torch.randn((50, 1), generator=generator, dtype=torch.float64)[:, 0].numpy()
    own = figure.samples(eps)
    by_path = reparameterised_gradient(f, mean, log_std, 50, 0)
    b = expectation(name, 0.3, 0.8) if baseline else 0.0
    by_score = score_function_gradient(f, mean, log_std, 50, 0, baseline=b)
    for way, found in (("re", by_path), ("sf", by_score)):
        assert own[f"{way}_mean"] == pytest.approx(found.mean[:, 0].numpy(), rel=1e-9, abs=1e-9)
        assert own[f"{way}_log_std"] == pytest.approx(found.log_std[:, 0].numpy(), rel=1e-9, abs=1e-9)


def test_neither_way_always_wins():
    """On the smooth log joint the path has the smaller variance, on the fast wave the score.

    A baseline helps the score.
    """
    smooth, fast = GradientFigure(f="joint"), GradientFigure(f="wave")
    assert smooth.ratio_mean > 2 and smooth.ratio_log_std > 2 and fast.ratio_mean < 0.5
    assert GradientFigure(f="joint", baseline=True).ratio_mean < smooth.ratio_mean


@pytest.mark.parametrize(
    "key, by, said",
    [
        ("exact_mean", 1e-3, "expectation"),
        ("exact_log_std", 1e-3, "expectation"),
        ("re_mean", 50.0, "standard errors"),
        ("sf_log_std", 500.0, "standard errors"),
        ("away", 1e-3, "farthest"),
        ("ratio_mean", 1e-3, "along mean"),
        ("ratio_log_std", 1e-3, "along log_std"),
    ],
)
def test_a_wrong_number_is_noticed(key, by, said):
    numbers = GradientFigure().numbers()
    numbers[key] += by
    assert any(said in rule for rule in GradientFigure.broken(numbers))


def test_the_picture_and_its_words_follow_the_state():
    figure = GradientFigure()
    before, words = figure.png(), figure.alt
    figure.f = "wave"
    assert figure.png() != before and figure.alt != words and "cos(6 z)" in figure.alt


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"mean": 3}, "mean must be a number from -2 to 2"),
        ({"std": float("nan")}, "std must be .*nan"),
        ({"f": "sine"}, "f must be 'joint' or 'wave'"),
        ({"n": 3}, "n must be one of 1, 2, 5"),
        ({"n": 20.0}, "n must be one of"),
        ({"seed": SEEDS}, "seed must be a whole number from 0 to 99"),
        ({"seed": True}, "seed must be a whole number"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(bad, words):
    with pytest.raises(ValueError, match=words):
        GradientFigure(**bad)
    figure = GradientFigure()
    before = figure.numbers()
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(figure, *next(iter(bad.items())))
    assert figure.numbers() == before


def test_what_is_read_back_cannot_be_set_and_a_front_end_may_report_it():
    figure = GradientFigure()
    with pytest.raises(ValueError, match="ratio_mean is read back"):
        figure.ratio_mean = 1.0
    figure.set_state({"mean": 1.0, "std": 0.5, "n": 50, "baseline": True})
    assert figure.ratio_mean == GradientFigure(mean=1.0, std=0.5, baseline=True).ratio_mean and len(figure.eps) == 50
    with pytest.raises(TypeError, match="takes f, mean"):
        GradientFigure(theta=1.0)
