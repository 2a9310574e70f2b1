"""The landscape toy: three routes to F, and the two steps as its maxima along each axis."""

import numpy as np
import pytest
from scipy import optimize

from lvm_lib.landscape import Landscape
from lvm_lib.mixture import GaussianMixture

POINTS = np.array([-2.1, -1.4, -0.3, 0.2, 1.1, 1.9, 2.6])


def as_mixture(theta, std):
    return GaussianMixture.spherical([0.5, 0.5], [[theta], [-theta]], std)


@pytest.mark.parametrize("theta_q, theta, std", [(0.7, 1.5, 1.0), (-1.2, 0.4, 0.6), (0.0, 2.0, 1.3), (40.0, -1.0, 1.0)])
def test_it_is_the_bound_of_the_mixture(theta_q, theta, std):
    toy, model = Landscape(POINTS, std), as_mixture(theta, std)
    q = as_mixture(theta_q, std).responsibilities(POINTS[:, None])
    np.testing.assert_allclose(toy.q(theta_q), q[:, 0], atol=1e-12)
    np.testing.assert_allclose(toy.elbo(theta_q, theta), model.elbo(q, POINTS[:, None]).sum(), rtol=1e-10)
    np.testing.assert_allclose(toy.evidence(theta), model.evidence(POINTS[:, None]).sum(), rtol=1e-12)
    np.testing.assert_allclose(toy.evidence(theta) - toy.elbo(theta_q, theta), toy.gap(theta_q, theta), atol=1e-9)


def test_the_steps_maximise_along_their_axis_and_never_lower_it():
    toy = Landscape(POINTS)
    best = optimize.minimize_scalar(lambda t: -toy.elbo(0.7, t), bounds=(-5, 5), method="bounded").x
    assert toy.m_step(0.7) == pytest.approx(best, abs=1e-5)
    best = optimize.minimize_scalar(lambda t: -toy.elbo(t, 0.7), bounds=(-5, 5), method="bounded").x
    assert toy.e_step(0.7) == pytest.approx(best, abs=1e-3)
    path = toy.em_path(-0.4, 0.6, 30)
    assert path.shape == (61, 2)
    assert (np.diff(toy.elbo(*path.T)) >= -1e-12).all()
    np.testing.assert_array_equal(path[1::2, 0], path[1::2, 1])


def test_slopes_are_the_derivatives():
    toy, h = Landscape(POINTS, 0.8), 1e-6
    along_q, along = toy.slopes(0.5, 1.1)
    assert along_q == pytest.approx((toy.elbo(0.5 + h, 1.1) - toy.elbo(0.5 - h, 1.1)) / (2 * h), rel=1e-6)
    assert along == pytest.approx((toy.elbo(0.5, 1.1 + h) - toy.elbo(0.5, 1.1 - h)) / (2 * h), rel=1e-6)
    path = toy.gradient_path(0.3, 0.5, 2000, 0.1)
    assert path[-1] == pytest.approx([toy.m_step(path[-1][1])] * 2, abs=1e-5)


def test_it_broadcasts_is_symmetric_and_flat_at_zero():
    toy, values = Landscape(POINTS), np.linspace(-3, 3, 13)
    plane = toy.elbo(values[None, :], values[:, None])
    assert plane.shape == (13, 13)
    np.testing.assert_allclose(plane, plane[::-1, ::-1])
    assert plane[:, 6] == pytest.approx(toy.elbo(0.0, values))
    assert toy.m_step(0.0) == 0.0
    np.testing.assert_allclose(toy.evidence(values), np.diagonal(plane))
    assert (plane <= toy.evidence(values)[:, None] + 1e-12).all()


@pytest.mark.parametrize(
    "x, std, message",
    [
        ([], 1.0, "x must not be empty"),
        ([[1.0]], 1.0, "x must have 1 axes"),
        ([np.nan], 1.0, "x must be finite"),
        ([1.0], 0.0, "std must be positive"),
    ],
)
def test_bad_input_is_named(x, std, message):
    with pytest.raises(ValueError, match=message):
        Landscape(x, std)
