"""The live figure of the ELBO from Python: what never moves, what is exact, what it refuses."""

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_lib.figures import ElboFigure

STATES = st.fixed_dictionaries({key: st.floats(*bounds) for key, bounds in ElboFigure.bounds().items()})


def test_the_picture_and_its_words_follow_the_state():
    figure = ElboFigure()
    before, words = figure.png(), figure.alt
    figure.mean = 1.5
    assert figure.png() != before and figure.alt != words
    assert f"{figure.elbo:.3f}" in figure.alt and f"{figure.evidence:.3f}" in figure.alt and "x = 0.50" in figure.alt


@settings(deadline=None, derandomize=True, max_examples=40)
@given(STATES)
def test_the_bar_never_moves_while_only_q_moves(state):
    figure = ElboFigure(**state)
    evidence = figure.evidence
    assert figure.elbo + figure.kl == pytest.approx(evidence, abs=1e-9)
    assert figure.kl >= -1e-10
    figure.mean, figure.std = -state["mean"], 0.5
    assert figure.evidence == evidence
    assert figure.elbo + figure.kl == pytest.approx(evidence, abs=1e-9)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(STATES)
def test_an_exact_q_has_no_gap_and_all_splits_agree(state):
    figure = ElboFigure(**state, kind="exact")
    n = figure.numbers()
    assert n["kl"] == pytest.approx(0, abs=1e-9) and n["elbo"] == pytest.approx(n["evidence"], abs=1e-9)
    assert n["reconstruction"] - n["kl_prior"] == pytest.approx(n["elbo"], abs=1e-9)
    assert n["energy"] + n["entropy"] == pytest.approx(n["elbo"], abs=1e-9)
    assert figure.mean == pytest.approx(n["mean"], abs=1e-12) and figure.std == pytest.approx(n["std"], abs=1e-12)


def test_without_a_bend_the_best_gaussian_is_exact_and_with_one_a_gap_remains():
    straight = ElboFigure(bend=0.0, x=1.3).best_gaussian()
    assert straight.kl == pytest.approx(0, abs=1e-9)
    assert straight.mean == pytest.approx(1.3 / 1.25, abs=1e-5)
    assert straight.std == pytest.approx(np.sqrt(0.2), abs=1e-5)
    bent = ElboFigure(bend=1.2, x=0.5).best_gaussian()
    assert 0.05 < bent.kl < ElboFigure(bend=1.2, x=0.5).kl
    assert bent.evidence == ElboFigure(bend=1.2, x=0.5).evidence


def test_shaping_an_exact_q_makes_it_gaussian_again():
    figure = ElboFigure(kind="exact")
    std = figure.std
    figure.mean = 1.0
    assert (figure.kind, figure.mean, figure.std) == ("gaussian", 1.0, std) and figure.kl > 0.1


def test_a_front_end_writes_states_and_python_reads_the_numbers():
    figure = ElboFigure()
    figure.set_state({"x": 1.0, "mean": 0.8, "std": 0.3})
    assert figure.elbo == ElboFigure(x=1.0, mean=0.8, std=0.3).elbo
    exact = ElboFigure(x=1.0, kind="exact")
    figure.set_state(
        {
            "kind": "exact",
            "mean": exact.mean,
            "std": exact.std,
            "evidence": exact.evidence,
            "elbo": exact.elbo,
            "kl": 0.0,
        }
    )
    assert figure.kind == "exact" and figure.elbo == pytest.approx(figure.evidence, abs=1e-9)


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"x": 9}, "x must be a number from -3 to 4"),
        ({"std": float("nan")}, "std must be .*nan"),
        ({"std": 0}, "std must be"),
        ({"mean": "1"}, "mean must be"),
        ({"bend": None}, "bend must be"),
        ({"slope": float("inf")}, "slope must be"),
        ({"kind": "other"}, "kind must be 'gaussian' or 'exact'"),
    ],
)
def test_errors_name_what_came_and_what_was_expected(bad, words):
    with pytest.raises(ValueError, match=words):
        ElboFigure(**bad)
    figure = ElboFigure()
    before = figure.numbers()
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(figure, *next(iter(bad.items())))
    assert figure.numbers() == before


def test_what_is_read_back_cannot_be_set():
    figure = ElboFigure()
    with pytest.raises(ValueError, match="elbo is read back"):
        figure.elbo = 0.0
    assert figure.elbo == ElboFigure().elbo
    with pytest.raises(TypeError, match="takes x, slope"):
        ElboFigure(theta=1.0)
