"""The nearest Gaussian: against closed forms, differences, and the scan of `variational`, which follows no slope."""

import itertools
import math

import numpy as np
import pytest
import torch

from lvm_lib import refine, variational
from lvm_lib.densities import kl_normal_full, log_normal, log_normal_full
from lvm_lib.quadrature import line, log_integral, product
from lvm_lib.trainable_models import CurveModel

GRID = line(-12, 12, 1201)


def two_hills(z):
    return np.logaddexp(math.log(0.6) + log_normal(z, -1.5, 0.7), math.log(0.4) + log_normal(z, 1.7, 0.5))


def test_of_a_tilted_gaussian_it_is_the_best_mean_field():
    """Mean of the target, one over the diagonal of its precision; what is missed is the KL between Gaussians."""
    mean, covariance = np.array([0.7, -0.4]), np.array([[1.0, 0.8], [0.8, 1.5]])
    grid = product(line(-7, 8, 121), line(-8, 8, 141))
    end = refine.refine(log_normal_full(grid.points, mean, covariance), grid, [-1, 1], [1.0, 0.6])[-1]
    variance = 1 / np.diag(np.linalg.inv(covariance))
    np.testing.assert_allclose(end.mean, mean, atol=1e-5)
    np.testing.assert_allclose(np.exp(2 * end.log_std), variance, atol=1e-5)
    assert -end.elbo == pytest.approx(kl_normal_full(mean, np.diag(variance), mean, covariance), abs=1e-9)


def test_slopes_are_the_differences_of_the_elbo():
    grid, generator = product(line(-7, 7, 71), line(-6, 6, 61)), np.random.default_rng(0)
    log_f = two_hills(grid.points[:, 0]) - 0.1 * grid.points[:, 1] ** 4
    for _ in range(3):
        mean, log_std = generator.normal(size=2), generator.uniform(-1, 0, size=2)

        def elbo(mean, log_std):
            return refine.elbo_and_slopes(log_f, grid, mean, log_std)[0]

        _, by_mean, by_log_std = refine.elbo_and_slopes(log_f, grid, mean, log_std)
        for axis, d in enumerate(np.eye(2) * 1e-5):
            along = (elbo(mean + d * np.exp(log_std), log_std) - elbo(mean - d * np.exp(log_std), log_std)) / 2e-5
            widening = (elbo(mean, log_std + d) - elbo(mean, log_std - d)) / 2e-5
            assert along == pytest.approx(by_mean[axis], rel=1e-5, abs=1e-6)
            assert widening == pytest.approx(by_log_std[axis], rel=1e-5, abs=1e-6)


def test_every_step_rises_stays_short_and_below_the_integral():
    path = refine.refine(two_hills(GRID.points[:, 0]), GRID, [-4.0], [0.2], stride=0.1, steps=400)
    assert (np.diff([each.elbo for each in path]) > 0).all() and path[-1].elbo < log_integral(
        two_hills(GRID.points[:, 0]), GRID
    )
    for one, other in itertools.pairwise(path):
        assert abs(other.mean - one.mean)[0] <= 0.1001 * np.exp(one.log_std[0])
        assert abs(other.log_std - one.log_std)[0] <= 0.1001


def test_a_climb_ends_on_the_hill_where_it_began_or_at_the_ends_given():
    log_p = two_hills(GRID.points[:, 0])
    ends = [float(refine.refine(log_p, GRID, [start], [0.5], stride=0.1)[-1].mean[0]) for start in (-1.6, 1.6)]
    assert ends[0] == pytest.approx(-1.5, abs=0.2) and ends[1] == pytest.approx(1.7, abs=0.2)
    kept = refine.refine(log_p, GRID, [0.5], [1.0], within=((-1, 1), (0.9, 2)))[-1]
    assert -1 <= kept.mean[0] <= 1 and 0.9 - 1e-12 <= np.exp(kept.log_std[0]) <= 2 + 1e-12
    begun = refine.refine(log_p, GRID, [0.5], [1.0], steps=0)
    assert len(begun) == 1 and begun[0].mean == [0.5]


def test_it_ends_where_the_scan_of_every_gaussian_ends():
    """Two routes to the best q of a curve's posterior: climbs along slopes, and looks at q after q."""
    weights = torch.tensor([[0.2, 0.0], [1.0, -0.5], [0.8, 0.3], [-0.6, 1.0], [0.4, -0.9]]).double()
    model, x = CurveModel(weights, 0.4, grid=961), torch.tensor([[0.5, 0.1], [1.5, -0.4], [-0.6, 0.3]]).double()
    grid, starts = line(-6, 6, 961), np.linspace(-3, 3, 7)
    with torch.no_grad():
        scanned = model.elbo(x, *variational.best_gaussian(model, x, rounds=200)).numpy()
        rows = model.log_joint_on_grid(x).numpy()
    for log_joint, highest in zip(rows, scanned, strict=True):
        ends = [refine.refine(log_joint, grid, [mean], [0.4])[-1].elbo for mean in starts]
        assert max(ends) == pytest.approx(highest, abs=1e-6)


def test_what_does_not_fit_is_refused_by_name():
    log_p = two_hills(GRID.points[:, 0])
    for change, words in [
        ({"log_f_values": log_p[None]}, r"log_f_values must have shape \(m,\)"),
        ({"mean": [0.0, 0.0]}, "mean must have one number per axis, 1"),
        ({"std": [-1.0]}, "std must be positive"),
        ({"within": ((1, -1), (0.1, 1))}, "within must be"),
    ]:
        given = {"log_f_values": log_p, "grid": GRID, "mean": [0.0], "std": [1.0], **change}
        with pytest.raises(ValueError, match=words):
            refine.refine(**given)
