"""Quadrature against closed forms, scipy.integrate and exact moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from lvm_lib import quadrature as quad
from lvm_lib.densities import log_normal, log_normal_full

maths = settings(deadline=None, derandomize=True, max_examples=50)


def close(got, expected, rtol=1e-10, atol=1e-12):
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)


def double_normal_moment(power):
    """E z^power of a standard normal: (power - 1)!! for even powers."""
    return 0 if power % 2 else special.factorial2(power - 1) if power else 1


# ---------------------------------------------------------------- rules


@maths
@given(st.floats(-5, 5), st.floats(0.1, 9), st.integers(2, 60), st.floats(-3, 3), st.floats(-3, 3))
def test_the_trapezoid_is_exact_for_straight_lines_and_equals_numpys_on_any_function(low, width, m, a, b):
    grid = quad.line(low, low + width, m)
    z, weights = grid.points[:, 0], np.exp(grid.log_weights)
    close(weights @ (a + b * z), width * (a + b * (low + width / 2)))
    close(weights @ np.sin(z), np.trapezoid(np.sin(z), z))
    assert grid.points.shape == (m, 1) and z[0] == low and z[-1] == low + width


@maths
@given(st.integers(1, 40), st.floats(-2, 2), st.floats(0.1, 3))
def test_hermite_is_exact_up_to_degree_two_m_minus_one(m, mean, std):
    grid = quad.hermite(m, mean, std)
    standardised = (grid.points[:, 0] - mean) / std
    for power in range(min(2 * m, 24)):
        terms = np.exp(grid.log_weights) * standardised**power
        close(terms.sum(), double_normal_moment(power), atol=1e-11 * max(1, np.abs(terms).sum()))


def test_hermite_is_inexact_at_degree_two_m():
    """So the test above tells an m-point rule from a better one."""
    grid = quad.hermite(3)
    assert abs(np.exp(grid.log_weights) @ grid.points[:, 0] ** 6 - 15) > 1


@pytest.mark.parametrize("m", [1, 10, 100, 200])
def test_hermite_weights_sum_to_one_and_integrate_an_exponential(m):
    grid = quad.hermite(m, 0.4, 0.5)
    close(quad.log_integral(np.zeros(m), grid), 0.0)
    if m >= 10:  # E exp(t z) = exp(t mean + t^2 std^2 / 2)
        close(quad.log_integral(2 * grid.points[:, 0], grid), 2 * 0.4 + 2 * 0.25, rtol=1e-9)


def test_a_plane_is_the_product_of_its_lines_and_reshapes_in_order():
    grid = quad.plane((-1.0, 0.0), (1.0, 3.0), (5, 7))
    points = grid.points.reshape(5, 7, 2)
    close(points[:, 0, 0], np.linspace(-1, 1, 5))
    close(points[0, :, 1], np.linspace(0, 3, 7))
    outer = np.add.outer(quad.line(-1, 1, 5).log_weights, quad.line(0, 3, 7).log_weights)
    close(grid.log_weights.reshape(5, 7), outer)
    assert len(quad.plane(-1, 1, 4)) == 16


def test_a_product_of_hermite_rules_gives_the_moments_of_two_normals():
    grid = quad.product(quad.hermite(5, 1.0, 2.0), quad.hermite(6, -1.0, 0.5))
    weights = np.exp(grid.log_weights)
    close(weights @ (grid.points[:, 0] ** 2 * grid.points[:, 1] ** 4), 5 * (1 + 6 * 0.25 + 3 * 0.0625))


# ---------------------------------------------------------------- integrals


def test_log_integral_agrees_with_scipy_for_a_bent_density_and_keeps_the_batch_axes():
    def log_f(z, slope):
        return -np.cosh(z) + slope * np.tanh(z)

    grid, slopes = quad.line(-8, 8, 401), np.array([[0.0, 1.0], [-2.0, 5.0]])
    got = quad.log_integral(log_f(grid.points[:, 0], slopes[..., None]), grid)
    for index in np.ndindex(2, 2):
        value, _ = integrate.quad(
            lambda z, slope=slopes[index]: math.exp(log_f(z, slope)), -8, 8, epsabs=0, epsrel=1e-13
        )
        close(got[index], math.log(value))


def test_an_integral_stays_finite_where_the_integrand_itself_underflows():
    grid = quad.line(-9, 9, 301)
    close(quad.log_integral(stats.norm.logpdf(grid.points[:, 0]) - 1e5, grid), -1e5)
    assert quad.log_integral(np.full(301, -np.inf), grid) == -np.inf


@maths
@given(st.floats(-2, 2), st.floats(0.2, 2), st.floats(-500, 500))
def test_normalised_forgets_the_constant_and_moments_find_the_normal(mean, std, constant):
    grid = quad.line(-20, 20, 801)
    log_density = quad.normalised(log_normal(grid.points[:, 0], mean, std) + constant, grid)
    close(quad.log_integral(log_density, grid), 0.0, atol=1e-11)
    close(log_density, stats.norm(mean, std).logpdf(grid.points[:, 0]), atol=1e-10)
    got_mean, got_cov = quad.moments(log_density, grid)
    close(got_mean, [mean], atol=1e-10)
    close(got_cov, [[std**2]], rtol=1e-9)


def test_moments_of_a_correlated_plane_per_batch():
    cov = np.array([[1.0, 0.6], [0.6, 0.8]])
    grid = quad.plane(-9, 9, 181)
    values = np.stack([log_normal_full(grid.points, mean, cov) for mean in ([0.5, -1.0], [1.0, 1.0])])
    mean, covariance = quad.moments(values, grid)
    close(mean, [[0.5, -1.0], [1.0, 1.0]], atol=1e-9)
    close(covariance, np.stack([cov, cov]), rtol=1e-8)


def test_a_coarse_fixed_line_is_wrong_where_the_adaptive_one_is_right():
    """A spacing of 0.1 for a standard deviation of 0.03 loses tenths of a nat: why a grid must be checked."""

    def log_f(z):
        return log_normal(z[:, 0], 0.05, 0.03)

    coarse, fine = quad.line(-3, 3, 61), quad.adaptive_line(log_f, -3, 3)
    assert abs(quad.log_integral(log_f(coarse.points), coarse)) > 0.1
    close(quad.log_integral(log_f(fine.points), fine), 0.0)


# ---------------------------------------------------------------- adaptive rules


@maths
@given(st.floats(-1e4, 1e4), st.floats(-5, 4), st.floats(-1e5, 1e5))
def test_adaptive_line_finds_a_normal_anywhere_at_any_width(mean, log_std, constant):
    std = 10.0**log_std

    def log_f(z):
        return log_normal(z[:, 0], mean, std) + constant

    grid = quad.adaptive_line(log_f)
    values = log_f(grid.points)
    close(quad.log_integral(values, grid), constant, rtol=1e-13, atol=1e-9)
    spacing = grid.points[1, 0] - grid.points[0, 0]
    assert spacing <= std / 2 * (1 + 1e-6)
    close(quad.moments(values, grid)[0], [mean], rtol=1e-9, atol=1e-9 * std)


def test_one_adaptive_line_serves_a_batch_with_two_far_peaks_of_different_width():
    def log_f(z):
        z = z[:, 0]
        two_peaks = np.logaddexp(math.log(0.3) + log_normal(z, -4, 0.02), math.log(0.7) + log_normal(z, 5, 1.0))
        return np.stack([two_peaks + 3, log_normal(z, 1.0, 0.05), -np.cosh(z)])

    grid = quad.adaptive_line(log_f)
    close(quad.log_integral(log_f(grid.points), grid), [3, 0, math.log(2 * special.k0(1))], atol=1e-9)


def test_adaptive_line_resolves_a_kinked_but_continuous_density_or_says_that_it_cannot():
    """Laplace: the kink at 0.1 slows the trapezoid to second order; a loose tolerance is met, honestly."""

    def log_f(z):
        return stats.laplace(0.1).logpdf(z[:, 0])

    grid = quad.adaptive_line(log_f, tolerance=1e-6)
    close(quad.log_integral(log_f(grid.points), grid), 0.0, atol=1e-6)


@maths
@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(-1.5, 1), st.floats(-1.5, 1), st.floats(-0.9, 0.9))
def test_adaptive_plane_finds_a_tilted_normal(a, b, log_first, log_second, correlation):
    std = 10.0 ** np.array([log_first, log_second])
    cov = np.outer(std, std) * [[1, correlation], [correlation, 1]]

    def log_f(z):
        return log_normal_full(z, np.array([a, b]), cov) - 7

    grid = quad.adaptive_plane(log_f)
    values = log_f(grid.points)
    close(quad.log_integral(values, grid), -7.0, atol=1e-9)
    mean, covariance = quad.moments(values, grid)
    close(mean, [a, b], rtol=1e-8, atol=1e-8)
    close(covariance, cov, rtol=1e-7, atol=1e-7 * std.min() ** 2)


def test_adaptive_plane_agrees_with_scipy_on_a_banana():
    def log_f(z):
        return log_normal(z[:, 0], 0, 1) + log_normal(z[:, 1], z[:, 0] ** 2 / 2, 0.5) + np.tanh(z[:, 1])

    grid = quad.adaptive_plane(log_f)

    def inner(a):  # z_2 = a^2 / 2 + e / 2 with e standard normal
        return (
            stats.norm.pdf(a)
            * integrate.quad(lambda e: stats.norm.pdf(e) * math.exp(math.tanh(a * a / 2 + e / 2)), -9, 9, epsrel=1e-11)[
                0
            ]
        )

    value, _ = integrate.quad(inner, -9, 9, epsrel=1e-11)
    close(quad.log_integral(log_f(grid.points), grid), math.log(value), atol=1e-9)


# ---------------------------------------------------------------- bad input

GRID = quad.line(0.0, 1.0, 5)
BAD = [
    ("Grid lengths", quad.Grid, (np.ones((3, 1)), np.ones(2)), ValueError, "one length"),
    ("Grid flat points", quad.Grid, (np.ones(3), np.ones(3)), ValueError, "points must have 2 axes"),
    ("Grid infinite", quad.Grid, (np.ones((1, 1)), [-np.inf]), ValueError, "log_weights must be finite"),
    ("line order", quad.line, (1.0, 1.0, 5), ValueError, "low must be below high"),
    ("line one point", quad.line, (0.0, 1.0, 1), ValueError, "m must be at least 2"),
    ("line nan", quad.line, (np.nan, 1.0, 5), ValueError, "low must be finite"),
    ("line vector", quad.line, ([0.0, 1.0], 1.0, 5), ValueError, "low must have 0 axes"),
    ("plane triple", quad.plane, ([0.0, 0.0, 0.0], 1.0, 5), ValueError, "low must be a number or a pair"),
    ("plane m", quad.plane, (0.0, 1.0, 5.0), TypeError, "m must be an integer"),
    ("plane order", quad.plane, ((0.0, 2.0), 1.0, 5), ValueError, "low must be below high"),
    ("product none", quad.product, (), TypeError, "grids must be"),
    ("product type", quad.product, (GRID, 3), TypeError, "grids must be"),
    ("hermite m", quad.hermite, (0,), ValueError, "m must be at least 1"),
    ("hermite many", quad.hermite, (201,), ValueError, "m must be at most 200"),
    ("hermite std", quad.hermite, (5, 0.0, 0.0), ValueError, "std must be positive"),
    ("log_integral length", quad.log_integral, (np.zeros(4), GRID), ValueError, "5 points as their last axis"),
    ("log_integral scalar", quad.log_integral, (0.0, GRID), ValueError, "5 points as their last axis"),
    ("log_integral nan", quad.log_integral, (np.full(5, np.nan), GRID), ValueError, "log_f_values must be finite"),
    ("log_integral grid", quad.log_integral, (np.zeros(5), np.zeros(5)), TypeError, "grid must be a Grid"),
    ("normalised zero", quad.normalised, (np.full(5, -np.inf), GRID), ValueError, "above -inf"),
    ("moments length", quad.moments, (np.zeros((5, 4)), GRID), ValueError, "5 points"),
    ("adaptive_line not callable", quad.adaptive_line, (3,), TypeError, "log_f must be a function"),
    ("adaptive_line order", quad.adaptive_line, (len, 1.0, 0.0), ValueError, "low must be below high"),
    ("adaptive_line flat", quad.adaptive_line, (lambda z: 0 * z[:, 0],), ValueError, "fall off on all sides"),
    ("adaptive_line heavy tail", quad.adaptive_line, (lambda z: -2 * np.log1p(z[:, 0] ** 2),), ValueError, "smooth"),
    ("adaptive_line zero", quad.adaptive_line, (lambda z: z[:, 0] - np.inf,), ValueError, "above -inf somewhere"),
    ("adaptive_line shape", quad.adaptive_line, (lambda z: 0 * z,), ValueError, "points as their last axis"),
    ("adaptive_line nan", quad.adaptive_line, (lambda z: np.nan * z[:, 0],), ValueError, "log_f_values must be finite"),
    ("adaptive_plane corner", quad.adaptive_plane, (len, (0.0, 0.0), (1.0, 0.0)), ValueError, "low must be below high"),
    ("adaptive_plane flat", quad.adaptive_plane, (lambda z: -(z[:, 0] ** 2),), ValueError, "fall off on all sides"),
]


@pytest.mark.parametrize(
    "function, arguments, error, message", [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_bad_input_is_refused_by_name(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan])
def test_a_tolerance_must_be_positive(tolerance):
    with pytest.raises(ValueError, match="tolerance must be"):
        quad.adaptive_line(lambda z: -(z[:, 0] ** 2), tolerance=tolerance)


def test_every_public_name_has_a_bad_input_test():
    assert {case[1].__name__ for case in BAD} == set(quad.__all__)
