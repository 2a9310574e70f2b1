"""The live figure of KL and log-likelihood from the Python side: identities, fits, draws, errors."""

import math

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from lvm_lib.figures import KlFigure
from lvm_lib.figures.kl import DATA, SEEDS, SIZES

BOUNDS = KlFigure.bounds()

STATES = st.fixed_dictionaries(
    {
        "data": st.sampled_from(sorted(DATA)),
        "direction": st.sampled_from(["forward", "reverse"]),
        "mean": st.floats(*BOUNDS["mean"]),
        "std": st.floats(*BOUNDS["std"]),
        "n": st.sampled_from(SIZES),
        "seed": st.integers(0, SEEDS - 1),
    }
)
PARTS = {"two": [(0.6, -1.5, 0.7), (0.4, 1.7, 0.5)], "one": [(1.0, 0.5, 1.2)]}


def log_data(name, x):
    """log p_data by scipy, from the numbers that the class's docstring states."""
    return np.log(sum(weight * stats.norm.pdf(x, mean, std) for weight, mean, std in PARTS[name]))


def by_scipy(name, mean, std):
    """Both divergences, the expected log-likelihood and the entropy by adaptive quadrature."""
    model = stats.norm(mean, std)

    def integral(f, low, high, *points):
        return integrate.quad(f, low, high, points=points, limit=400, epsabs=1e-12, epsrel=1e-12)[0]

    def under_data(f):
        return sum(
            w * integral(lambda e, m=m, s=s: stats.norm.pdf(e) * f(m + s * e), -9, 9, 0.0) for w, m, s in PARTS[name]
        )

    def under_model(f):
        return integral(lambda e: stats.norm.pdf(e) * f(mean + std * e), -9, 9, 0.0)

    return {
        "kl_forward": under_data(lambda x: log_data(name, x) - model.logpdf(x)),
        "kl_reverse": under_model(lambda x: model.logpdf(x) - log_data(name, x)),
        "expected": under_data(model.logpdf),
        "entropy": -under_data(lambda x: log_data(name, x)),
    }


@pytest.mark.parametrize("name", sorted(DATA))
@pytest.mark.parametrize("mean, std", [(0.6, 1.0), (-1.5, 0.4), (2.5, 2.2)])
def test_numbers_agree_with_scipy(name, mean, std):
    found = KlFigure(data=name, mean=mean, std=std).numbers()
    for key, expected in by_scipy(name, mean, std).items():
        assert found[key] == pytest.approx(expected, rel=1e-9, abs=1e-9), key


@settings(deadline=None, derandomize=True, max_examples=50)
@given(STATES)
def test_invariants_hold_in_every_state(state):
    figure = KlFigure(**state)
    n = figure.numbers()
    assert KlFigure.broken(n) == []
    assert n["kl_forward"] + n["expected"] == pytest.approx(-n["entropy"], abs=1e-9)
    draws = figure.draws
    assert n["average"] == pytest.approx(stats.norm(state["mean"], state["std"]).logpdf(draws).mean(), rel=1e-12)
    assert figure.kl == n["kl"] and figure.expected == n["expected"] and figure.average == n["average"]
    assert KlFigure.recomputed(n) == n


@pytest.mark.parametrize(
    "key, by, said",
    [
        ("kl_forward", 1e-3, "= -H"),
        ("expected", -1e-3, "= -H"),
        ("entropy", 1e-3, "= -H"),
        ("average", 1e-3, "N-sample sum"),
        ("wobble", 1e-3, "N-sample sum"),
        ("kl_reverse", 1e-3, "closed forms"),
        ("kl_reverse", -9, "negative"),
        ("kl", 1e-3, "of the direction"),
    ],
)
def test_a_wrong_number_is_noticed(key, by, said):
    numbers = KlFigure(data="one").numbers()
    numbers[key] += by
    assert any(said in rule for rule in KlFigure.broken(numbers))


def test_zero_only_when_equal():
    same = KlFigure(data="one", mean=0.5, std=1.2).numbers()
    assert same["kl_forward"] == pytest.approx(0, abs=1e-12) and same["kl_reverse"] == pytest.approx(0, abs=1e-12)
    claimed = {**KlFigure(data="one", mean=1.5, std=1.2).numbers(), "kl_forward": 0.0, "kl_reverse": 0.0}
    assert "zero only when equal" in KlFigure.broken(claimed)
    assert KlFigure(data="two").fit().kl > 0.3, "no Gaussian equals two hills"


def test_the_forward_fit_has_the_moments_of_the_data():
    figure = KlFigure(mean=3.0, std=0.3).fit()
    mean = 0.6 * -1.5 + 0.4 * 1.7
    variance = 0.6 * (0.49 + (1.5 + mean) ** 2) + 0.4 * (0.25 + (1.7 - mean) ** 2)
    assert figure.mean == pytest.approx(mean, abs=1e-12) and figure.std == pytest.approx(math.sqrt(variance), abs=1e-12)
    least = figure.kl
    for other in [(mean + 0.05, figure.std), (mean, figure.std - 0.05)]:
        assert KlFigure(mean=other[0], std=other[1]).kl > least
    assert KlFigure(data="one", mean=-3.0).fit().kl == pytest.approx(0, abs=1e-12)


def test_the_reverse_fit_is_the_local_minimum_of_its_valley():
    ends = {}
    for mean, std in [(-1.5, 0.6), (1.7, 0.4), (-0.5, 1.5), (1.5, 0.6)]:
        figure = KlFigure(direction="reverse", mean=mean, std=std).fit()
        ends[round(figure.mean, 2)] = figure.kl

        def loss(parameters):
            model = stats.norm(parameters[0], math.exp(parameters[1]))
            return integrate.fixed_quad(
                lambda e: stats.norm.pdf(e) * (model.logpdf(z := model.mean() + model.std() * e) - log_data("two", z)),
                -9,
                9,
                n=300,
            )[0]

        found = optimize.minimize(
            loss,
            [figure.mean, math.log(figure.std)],
            method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-9, "maxfev": 60},
        )
        assert found.fun == pytest.approx(figure.kl, abs=1e-6)
    assert sorted(ends) == [-1.46, -0.54, 1.67] and min(ends, key=ends.get) == -1.46


def test_the_fit_to_draws_flatters_itself():
    figure = KlFigure(n=10, seed=4).fit_draws()
    assert figure.mean == pytest.approx(figure.draws.mean()) and figure.std == pytest.approx(figure.draws.std())
    best = KlFigure(n=10, seed=4).fit()
    assert figure.average > best.average and figure.kl > best.kl
    assert KlFigure(n=1).fit_draws().std == BOUNDS["std"][0]


@pytest.mark.parametrize("name", sorted(DATA))
def test_draws_follow_the_data_density(name):
    draws = np.concatenate([KlFigure(data=name, n=1000, seed=seed).draws for seed in range(40)])

    def cdf(x):
        return sum(weight * stats.norm.cdf(x, mean, std) for weight, mean, std in PARTS[name])

    assert stats.kstest(draws, cdf).pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.02
    few = KlFigure(data=name, n=5, seed=3).draws
    assert (few == KlFigure(data=name, n=1000, seed=3).draws[:5]).all() and (
        few != KlFigure(data=name, n=5, seed=4).draws
    ).all()


def test_the_standard_error_is_that_of_the_average():
    wobbles = np.array([KlFigure(n=50, seed=seed).numbers()["wobble"] for seed in range(400)])
    assert wobbles.std() == pytest.approx(KlFigure(n=50).numbers()["error"], rel=0.12)
    assert abs(wobbles.mean()) < 4 * wobbles.std() / 20


def test_the_picture_and_its_words_follow_the_state():
    figure = KlFigure()
    before, words = figure.png(), figure.alt
    figure.direction = "reverse"
    assert figure.png() != before and figure.alt != words and "from model to data" in figure.alt
    assert f"{figure.kl:.3f}" in figure.alt and f"{figure.expected:.3f}" in figure.alt


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"mean": 9}, "mean must be a number from -4 to 4"),
        ({"std": float("nan")}, "std must be .*nan"),
        ({"std": 0}, "std must be"),
        ({"data": "three"}, "data must be 'two' or 'one'"),
        ({"direction": "up"}, "direction must be 'forward' or 'reverse'"),
        ({"n": 3}, "n must be one of 1, 2, 5"),
        ({"n": 20.0}, "n must be one of"),
        ({"n": True}, "n must be one of"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(bad, words):
    with pytest.raises(ValueError, match=words):
        KlFigure(**bad)
    figure = KlFigure()
    before = figure.numbers()
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(figure, *next(iter(bad.items())))
    assert figure.numbers() == before


def test_what_is_read_back_cannot_be_set_and_a_front_end_may_report_it():
    figure = KlFigure()
    with pytest.raises(ValueError, match="kl is read back"):
        figure.kl = 0.0
    figure.set_state({"mean": 1.0, "std": 0.5, "n": 50})
    assert figure.kl == KlFigure(mean=1.0, std=0.5).kl and len(figure.draws) == 50
    with pytest.raises(TypeError, match="takes data, direction"):
        KlFigure(theta=1.0)


@pytest.mark.slow
def test_the_toys_reverse_kl_has_three_local_minima_and_every_start_ends_at_one():
    """What the chapter shows from three starts: no other minimum on a fine grid, and 15 more starts find no other."""

    def reverse(state):
        return KlFigure(direction="reverse", mean=state[0], std=math.exp(state[1])).numbers()["kl_reverse"]

    means, log_stds = np.linspace(-3.5, 3.5, 29), np.log(np.geomspace(0.25, 2.9, 19))
    surface = np.array([[reverse((m, s)) for m in means] for s in log_stds])
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    around = [surface[1 + i : 18 + i, 1 + j : 28 + j] for i, j in steps]
    hollows = np.argwhere(np.all(surface[1:-1, 1:-1] < around, axis=0)) + 1
    ends = {
        tuple(round(value, 2) for value in (figure.mean, figure.std))
        for mean in np.linspace(-3, 3, 5)
        for std in (0.3, 0.9, 2.5)
        for figure in [KlFigure(direction="reverse", mean=mean, std=std).fit()]
    }
    assert ends == {(-1.46, 0.75), (1.67, 0.53), (-0.54, 1.43)} and len(hollows) == 3


def test_a_fit_to_five_draws_usually_looks_better_than_it_is():
    """As the chapter says: in about three draws of four the average beats the expectation, not in all."""
    ahead = [
        figure.average > figure.expected
        for seed in range(0, SEEDS, 4)
        for figure in [KlFigure(n=5, seed=seed).fit_draws()]
    ]
    assert 0.7 < np.mean(ahead) < 0.84
