"""The distributions over z that `posterior` returns: draws follow log_prob, and bounds take every model and every q."""

import numpy as np
import pytest
from scipy import integrate, stats

from lvm_lib import bounds, em
from lvm_lib.bounds import CategoricalQ, GridQ
from lvm_lib.curve import Curve, QuadraticCurve, tanh_network
from lvm_lib.mixture import GaussianMixture
from lvm_lib.ppca import LinearGaussian
from lvm_lib.trainable_models import CurveModel, LinearModel

SHARES = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.05, 0.05, 0.9]])
MIXTURE = GaussianMixture.spherical([0.3, 0.7], [[0.0, 1.0], [2.0, 0.0]], 0.7)


def categorical():
    with np.errstate(divide="ignore"):
        return CategoricalQ(np.log(SHARES))


def test_a_categorical_is_its_table_and_its_draws_follow_it():
    q = categorical()
    assert len(q) == 3 and np.array_equal(np.asarray(q), np.exp(q.log_probs))
    z = q.sample(20_000, 0)
    assert z.shape == (20_000, 3)
    shares = np.stack([np.bincount(column, minlength=3) / len(z) for column in z.T])
    np.testing.assert_allclose(shares, SHARES, atol=4 * 0.5 / np.sqrt(len(z)))
    assert (shares[1] == [1, 0, 0]).all()  # what has no mass is never drawn
    assert np.array_equal(q.log_prob(z[:5]), q.log_probs[np.arange(3), z[:5]])
    assert q.log_prob(z[0]).shape == (3,)
    np.testing.assert_allclose(q.entropy(), [stats.entropy(row) for row in SHARES], atol=1e-12)


def uneven():
    points = np.array([-2.0, -1.5, 0.0, 0.5, 3.0])
    return GridQ(points, np.log([[1.0, 2.0, 0.5, 4.0, 0.1], [3.0, 1.0, 1.0, 2.0, 2.0]]))


def test_a_density_on_a_grid_integrates_to_one_and_is_straight_between_points():
    q = uneven()
    for row in range(2):

        def density(z, row=row):
            return np.exp(q.log_prob(np.full((2, 1), z))[row])

        pieces = zip(q.points, q.points[1:], strict=False)
        assert sum(integrate.quad(density, *piece)[0] for piece in pieces) == pytest.approx(1, abs=1e-10)
        middle = (density(-2.0) + density(-1.5)) / 2
        assert density(-1.75) == pytest.approx(middle, rel=1e-12)
    assert np.isneginf(q.log_prob([[-2.1], [3.1]])).all()
    assert np.isfinite(q.log_prob([[-2.0], [3.0]])).all()  # the ends belong to it


def test_draws_from_a_grid_follow_its_density():
    q = uneven()
    z = q.sample(4_000, 1)[..., 0]
    for row in range(2):
        height = np.exp(q.log_density[row])
        pieces = (height[1:] + height[:-1]) / 2 * np.diff(q.points)
        at = np.linspace(-2, 3, 2001)
        cdf = integrate.cumulative_trapezoid(np.interp(at, q.points, height), at, initial=0)
        assert pieces.sum() == pytest.approx(1)
        assert stats.kstest(z[:, row], lambda points, cdf=cdf, at=at: np.interp(points, at, cdf)).pvalue > 1e-3


@pytest.mark.parametrize(
    "model",
    [
        MIXTURE,
        LinearGaussian([[1.0], [0.5]], [0.0, 1.0], 0.4),
        QuadraticCurve(1.0, 0.8, 0.5),
        Curve(tanh_network(2, 4, rng=0), 0.5),
    ],
    ids=["mixture", "linear", "quadratic", "net"],
)
def test_every_model_s_posterior_closes_the_gap(model):
    """E_q[log p(x, z) - log q(z)] at q = posterior is log p(x), draw by draw, whatever the model."""
    x = model.sample(6, 0)[0]
    q = model.posterior(x)
    bound = bounds.elbo(model, q, x, 50, rng=1)
    np.testing.assert_allclose(bound.value, model.evidence(x), atol=2e-3)
    assert bound.standard_error.max() < 1e-3
    assert type(em.e_step(model, x)) is (np.ndarray if model is MIXTURE else type(q))


def test_trainable_models_return_distributions_too():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3))
    linear = LinearModel(rng.normal(size=(3, 2)), np.zeros(3), 0.7)
    np.testing.assert_array_equal(linear.posterior(x).mean, linear.exact().posterior(x).mean)
    curve = CurveModel(rng.normal(size=(7, 3)), 0.8)
    q, masses = curve.posterior(x), curve.masses_on_grid(x).detach().numpy()
    np.testing.assert_allclose(np.exp(q.log_density + curve.log_weights.numpy()), masses, atol=1e-12)


def test_the_two_elbos_take_one_order_and_name_the_other():
    x = MIXTURE.sample(4, 0)[0]
    q = MIXTURE.responsibilities(x)
    np.testing.assert_allclose(em.elbo(MIXTURE, q, x), MIXTURE.evidence(x))
    np.testing.assert_array_equal(em.elbo(MIXTURE, q, x), em.elbo(MIXTURE, MIXTURE.posterior(x), x))
    with pytest.raises(TypeError, match="the order is model, q, x"):
        em.elbo(q, MIXTURE, x)
    with pytest.raises(TypeError, match="the order is model, q, x"):
        bounds.elbo(MIXTURE.posterior(x), MIXTURE, x, 10, rng=0)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: CategoricalQ(np.zeros(3)), ValueError, r"log_probs must have shape \(n, K\)"),
        (lambda: CategoricalQ(np.zeros((2, 3))), ValueError, "sum to 1"),
        (lambda: CategoricalQ([["a"]]), TypeError, "log_probs"),
        (lambda: categorical().log_prob([0.0, 1.0, 2.0]), TypeError, "z must hold integers"),
        (lambda: categorical().log_prob([0, 1]), ValueError, "z must have shape"),
        (lambda: categorical().log_prob([0, 1, 3]), ValueError, "z must lie in 0 ... 2"),
        (lambda: GridQ([0.0], np.zeros((2, 1))), ValueError, "points must be two at least"),
        (lambda: GridQ([1.0, 0.0], np.zeros((2, 2))), ValueError, "and rise"),
        (lambda: GridQ([0.0, 1.0], np.zeros((2, 3))), ValueError, "log_density must have shape"),
        (lambda: GridQ([0.0, 1.0], np.full((1, 2), -np.inf)), ValueError, "above -inf somewhere"),
        (lambda: uneven().log_prob(np.zeros((3, 1))), ValueError, "z must have shape"),
        (lambda: uneven().sample(0, 0), ValueError, "k must be at least 1"),
    ],
)
def test_what_is_no_distribution_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()
