"""The self-checks of the chapter on EM and the VAE: right answers pass, each slip is named, nothing raises."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from lvm_lib import check

Q, THETA = 1 / (1 + math.exp(-4)), (math.tanh(1) + 2 * math.tanh(2)) / 2
ODD = ["one", float("nan"), [1, 2], {"a": 1}, 1j, object(), np.zeros((2, 2)), True]

PAIRS = {
    check.em_books: (
        (-120.0, -116.7),
        {
            (-117.5, -116.7): "after the first E-step",
            (-120.0, -117.5): "a gap has opened",
            (-116.7, -120.0): "swapped",
            (-120.0, -118.3): "lies above F",
            (-120.0, 2.5): "the gain",
        },
    ),
    check.em_one_step: (
        (Q, THETA),
        {
            (1 - Q, THETA): "-theta",
            (1 / (1 + math.exp(-2)), THETA): "2 theta x",
            (math.tanh(2), THETA): "E_q",
            (Q, 2 * THETA): "divide",
            (Q, (2 * math.tanh(2) - math.tanh(1)) / 2): "positive",
        },
    ),
    check.em_gaps: (
        (0.2, 0.6),
        {
            (0.8, 0.6): "whole gap",
            (0.6, 0.2): "swapped",
            (0.2, 0.8): "misses a part",
            (0.65, 0.6): "measurement",
            (0.2, 0.45): "read with an error",
            (0.2, 0.15): "no part of the gap",
        },
    ),
}


@pytest.mark.parametrize("function", PAIRS)
def test_right_answers_pass_and_slips_are_named(function, capsys):
    right, slips = PAIRS[function]
    assert function(*right) is True and capsys.readouterr().out.startswith("Right")
    assert function(..., ...) is None and "Not answered yet" in capsys.readouterr().out
    for answer, said in slips.items():
        assert function(*answer) is False
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("odd", ODD)
def test_odd_answers_never_raise(odd):
    for function in PAIRS:
        assert function(odd, odd) is False
    for function in (check.em_responsibilities, check.em_floor):
        assert function(odd) is False
        assert function(lambda *arguments: odd) is False
    assert check.em_trap(odd) is False


def test_where_a_wide_q_pulls_theta_is_found_by_a_search_too(said):
    """x = 3 and x = -3, so x^2 is 9 on average. Expectations by quadrature, maxima by a search over mean and theta."""
    z, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()

    def elbo(mean, theta):
        points = mean + z
        joint = stats.norm.logpdf(points) + stats.norm.logpdf(3, theta * points, 1)
        return weights @ joint + stats.norm.entropy()

    best = optimize.minimize(
        lambda at: -elbo(*at), (0.5, 1.0), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12}
    )

    def evidence(theta):
        def joint(z):
            return stats.norm.pdf(z) * stats.norm.pdf(3, theta * z, 1)

        return np.log(integrate.quad(joint, -12, 12, epsabs=1e-13)[0])

    own = optimize.minimize_scalar(lambda theta: -evidence(theta), bounds=(1, 6), method="bounded").x
    gap = evidence(best.x[1]) - elbo(*best.x)
    said(check.em_bias(own**2, best.x[1] ** 2, gap), True)
