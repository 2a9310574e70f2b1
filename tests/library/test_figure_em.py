"""Live figure 8 from the Python side.

Runs of EM against SciPy, the toy, what never falls, what is degenerate, errors.
"""

import itertools
import math

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.mixture import GaussianMixture as Peer

from lvm_lib import data
from lvm_lib.figures import EmFigure, by_name
from lvm_lib.figures.em import FLOOR, MOST, MOVES, TOY
from lvm_lib.figures.em_points import PRESETS

BOUNDS = EmFigure.bounds()

COORDINATES = st.tuples(st.integers(-400, 400), st.integers(-300, 300)).map(lambda p: [p[0] / 100, p[1] / 100])
STATES = st.fixed_dictionaries(
    {
        "points": st.one_of(
            st.sampled_from([list(map(list, p)) for p in PRESETS.values()]), st.lists(COORDINATES, max_size=MOST)
        ),
        "k": st.integers(*BOUNDS["k"]),
        "seed": st.integers(*BOUNDS["seed"]),
        "moves": st.one_of(
            st.integers(0, 30).map(lambda n: "EM" * n), st.text("EM", max_size=30).map(lambda m: "E" + m)
        ),
        "start_q": st.floats(*BOUNDS["start_q"]),
        "start_theta": st.floats(*BOUNDS["start_theta"]),
        "rate": st.floats(*BOUNDS["rate"]),
    }
)


def by_scipy(model, x):
    """The evidence by SciPy's normal density, outside the logarithm's tricks."""
    parts = [
        w * stats.multivariate_normal(m, c).pdf(x)
        for w, m, c in zip(model.weights, model.means, model.covariances, strict=True)
    ]
    return np.log(np.sum(parts, axis=0)).sum()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(STATES)
@pytest.mark.slow
def test_invariants_hold_in_every_state(state):
    figure = EmFigure(**state)
    n = figure.numbers()
    assert EmFigure.broken(n) == [] and EmFigure.recomputed(n) == n
    assert all(math.isfinite(v) for v in n.values() if isinstance(v, float))
    assert (figure.f, figure.evidence, figure.gap) == pytest.approx((n["f"], n["evidence"], n["gap"]), abs=1e-12)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_evidence_is_scipys_and_the_fit_is_scikit_learns(name):
    x = np.array(PRESETS[name])
    figure = EmFigure(points=x, k=2, moves="EM" * 5)
    start, model = figure.start(), figure.run()[-1][2]
    assert figure.evidence == pytest.approx(by_scipy(model, x), rel=1e-9)
    if name == "twins":
        return  # a width at the floor: scikit-learn adds to the diagonal instead
    peer = Peer(
        2,
        max_iter=1,
        tol=0,
        reg_covar=0,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
        warm_start=True,
    )
    for _ in range(5):
        with pytest.warns(match="did not converge"):
            peer.fit(x)
    np.testing.assert_allclose(model.means, peer.means_, atol=1e-8)
    np.testing.assert_allclose(model.covariances, peer.covariances_, atol=1e-8)


def test_back_is_exact_and_a_second_step_of_a_kind_changes_nothing():
    figure = EmFigure()
    before = figure.numbers()
    figure.moves += "E"
    assert figure.numbers() != before
    figure.moves = figure.moves[:-1]
    assert figure.numbers() == before
    twice = EmFigure(moves="EMEE").numbers()
    assert twice["f"] == EmFigure(moves="EME").numbers()["f"]
    assert EmFigure(moves="EMM").numbers()["f"] == EmFigure(moves="EM").numbers()["f"]


def test_each_step_does_what_it_is_for():
    rows = EmFigure(moves="EM" * 6).history()
    assert [row["move"] for row in rows] == ["", *"EM" * 6]
    for before, after in itertools.pairwise(rows):
        if after["move"] == "E":
            assert after["evidence"] == before["evidence"] and after["gap"] == pytest.approx(0, abs=1e-10)
            assert after["f"] - before["f"] == pytest.approx(before["gap"], abs=1e-9)
        else:
            assert after["f"] > before["f"] and after["evidence"] - before["evidence"] > after["f"] - before["f"] - 1e-9


def test_the_floor_is_felt_and_said_where_points_lie_at_one_place():
    x = [[1.0, 1.0]] * 5 + [[-2.0, 0.5], [-1.0, -1.0], [-1.5, 1.5], [-2.5, -0.5]]
    for seed in range(1, 6):
        n = EmFigure(points=x, k=2, seed=seed, moves="EM" * 20).numbers()
        assert n["at_floor"] >= 1 and EmFigure.broken(n) == []
        assert min(n["minor1"], n["minor2"]) == pytest.approx(FLOOR**0.5, abs=1e-9)
    for points, k in [([], 3), ([[0.5, 0.5]], 5), ([[0.5, 0.5]] * 60, 4), ([[0.0, y / 10] for y in range(9)], 3)]:
        n = EmFigure(points=points, k=k, moves="EM" * 30).numbers()
        assert EmFigure.broken(n) == [] and all(math.isfinite(v) for v in n.values() if isinstance(v, float))


def test_the_digits_are_digits():
    """The preset's points are made again from the embedded images."""
    digits = data.load("digits")
    x = data.unit(digits.train).reshape(len(digits.train), -1)
    _eigenvalues, directions = np.linalg.eigh(np.cov(x, rowvar=False))
    directions = directions[:, ::-1][:, :2]
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), [0, 1]])
    scores = (x - x.mean(axis=0)) @ directions / 2
    found = np.concatenate([scores[digits.train_labels == digit][:15] for digit in (0, 1, 7)])
    np.testing.assert_allclose(found, PRESETS["digits"], atol=0.0051)


def test_the_toy_moves_with_the_same_steps():
    figure = EmFigure(moves="EMEM", start_q=-1.6, start_theta=0.5, rate=0.2)
    path = figure.toy_path()
    np.testing.assert_allclose(path, TOY.em_path(-1.6, 0.5, 2))
    np.testing.assert_allclose(figure.gradient_path(), TOY.gradient_path(-1.6, 0.5, 4, 0.2))
    far = EmFigure(moves="EM" * 30, start_q=-1.6, start_theta=0.5, rate=0.4).numbers()
    assert far["toy_theta"] > 1.5 and far["gradient_theta"] < -1.5, "EM forgets theta', the gradient follows it"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"f": -100.0}, "evidence = F + gap"),
        ({"least_rise": -1e-3}, "F never falls on"),
        ({"least_evidence": -1e-3}, "evidence never"),
        ({"gap_after_e": 1e-6}, "after an E-step the gap"),
        ({"minor1": 0.1}, "floor"),
        ({"weight1": 0.9}, "sum to one"),
        ({"toy_gap": 0.5}, "toy's evidence"),
        ({"toy_least_rise": -1e-3}, "toy's F"),
        ({"toy_off_diagonal": 0.1}, "diagonal"),
    ],
)
def test_a_wrong_number_is_noticed(change, words):
    good = EmFigure().numbers()
    assert EmFigure.broken(good) == []
    assert any(words in rule for rule in EmFigure.broken({**good, **change}))


def test_picture_and_words_follow_the_state():
    figure = EmFigure()
    before, words = figure.png(), figure.alt
    figure.moves = ""
    assert figure.png() != before and figure.alt != words and "after 0 half steps" in figure.alt
    assert by_name("em") is EmFigure
    figure.points = []
    assert figure.png() and figure.evidence == 0.0
    assert "no points" in figure.alt and "Gaussians" not in figure.alt and "evidence" not in figure.alt


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"points": [[9, 0]]}, "points must lie in"),
        ({"points": [[0, float("nan")]]}, "points must lie in"),
        ({"points": [1, 2]}, r"points must have shape \(n, 2\)"),
        ({"points": [[0, 0]] * 61}, "n up to 60"),
        ({"points": "x"}, "points must be"),
        ({"k": 0}, "k must be a whole number from 1 to 5"),
        ({"k": 2.0}, "k must be"),
        ({"seed": True}, "seed must be"),
        ({"moves": "M"}, "an E first"),
        ({"moves": "EX"}, "letters E or M"),
        ({"moves": "E" * (MOVES + 1)}, "up to 60"),
        ({"rate": 0}, "rate must be a number from 0.02"),
        ({"start_q": 4}, "start_q must be"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(bad, words):
    with pytest.raises(ValueError, match=words):
        EmFigure(**bad)
    figure = EmFigure()
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(figure, *next(iter(bad.items())))


def test_what_is_read_back_cannot_be_set():
    with pytest.raises(ValueError, match="evidence is read back"):
        EmFigure().evidence = 0.0
    with pytest.raises(TypeError, match="EmFigure takes points, k"):
        EmFigure(theta=1.0)
