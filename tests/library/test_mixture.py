"""The Gaussian mixture, against SciPy, torch.distributions, scikit-learn, and enumeration."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.mixture import GaussianMixture as SklearnMixture

from lvm_lib.mixture import GaussianMixture

maths = settings(deadline=None, derandomize=True, max_examples=50)
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def random_mixture(seed, components=3, dimensions=2):
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(components, dimensions, dimensions))
    covariances = factors @ factors.swapaxes(1, 2) + 0.3 * np.eye(dimensions)
    return GaussianMixture(
        generator.dirichlet(np.ones(components)), generator.normal(0, 2, (components, dimensions)), covariances
    )


def random_q(seed, n, components):
    return np.random.default_rng(seed).dirichlet(np.ones(components), size=n)


def shapes():
    return st.tuples(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 4))


@maths
@given(shapes())
def test_the_joint_is_the_weight_times_scipys_normal(shape):
    model = random_mixture(*shape)
    x, z = model.sample(7, 1)
    all_components = np.column_stack(
        [
            np.log(w) + stats.multivariate_normal(m, c).logpdf(x)
            for w, m, c in zip(model.weights, model.means, model.covariances, strict=True)
        ]
    )
    np.testing.assert_allclose(model.log_joint_all(x), all_components, **EXACT)
    np.testing.assert_allclose(model.log_joint(x, z), all_components[np.arange(7), z], **EXACT)
    np.testing.assert_allclose(model.log_px_z_all(x) + np.log(model.weights), all_components, **EXACT)


@maths
@given(shapes())
def test_evidence_agrees_with_torch(shape):
    model = random_mixture(*shape)
    x, _ = model.sample(6, 2)
    components = torch.distributions.MultivariateNormal(torch.tensor(model.means), torch.tensor(model.covariances))
    weights = torch.distributions.Categorical(torch.tensor(model.weights))
    peer = torch.distributions.MixtureSameFamily(weights, components)
    np.testing.assert_allclose(model.evidence(x), peer.log_prob(torch.tensor(x)).numpy(), **EXACT)


def test_evidence_and_responsibilities_agree_with_scikit_learn():
    x, _ = random_mixture(5, 3, 4).sample(400, 3)
    peer = SklearnMixture(3, random_state=0, tol=1e-2).fit(x)
    model = GaussianMixture(peer.weights_ / peer.weights_.sum(), peer.means_, peer.covariances_)
    np.testing.assert_allclose(model.evidence(x), peer.score_samples(x), **EXACT)
    np.testing.assert_allclose(model.responsibilities(x), peer.predict_proba(x), rtol=1e-8, atol=1e-12)


def test_the_density_integrates_to_one():
    model = random_mixture(8, 3, 2)
    axis = np.linspace(-25, 25, 501)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert np.exp(model.evidence(points)).sum() * 0.1**2 == pytest.approx(1, abs=1e-9)


@maths
@given(shapes())
def test_the_posterior_is_bayes_rule(shape):
    model = random_mixture(*shape)
    x, _ = model.sample(6, 4)
    joint = np.exp(model.log_joint_all(x))
    np.testing.assert_allclose(
        model.responsibilities(x), joint / joint.sum(axis=1, keepdims=True), rtol=1e-9, atol=1e-300
    )
    np.testing.assert_allclose(
        model.log_responsibilities(x), model.log_joint_all(x) - model.evidence(x)[:, None], atol=1e-8
    )


@maths
@given(shapes(), st.integers(0, 10**6))
def test_evidence_is_elbo_plus_kl_for_any_q(shape, seed):
    model = random_mixture(*shape)
    x, _ = model.sample(6, 5)
    q = random_q(seed, 6, shape[1])
    np.testing.assert_allclose(model.elbo(q, x) + model.kl_to_posterior(q, x), model.evidence(x), **EXACT)
    assert (model.kl_to_posterior(q, x) >= -1e-12).all()


def test_the_elbo_is_the_enumerated_expectation():
    model = random_mixture(11, 3, 2)
    x, _ = model.sample(4, 6)
    q = random_q(0, 4, 3)
    enumerated = sum(q[:, k] * (model.log_joint(x, np.full(4, k)) - np.log(q[:, k])) for k in range(3))
    np.testing.assert_allclose(model.elbo(q, x), enumerated, **EXACT)


def test_the_exact_posterior_closes_the_gap_and_a_one_hot_does_not():
    model = random_mixture(3, 3, 2)
    x, z = model.sample(50, 7)
    np.testing.assert_allclose(model.kl_to_posterior(model.responsibilities(x), x), 0, atol=1e-12)
    one_hot = np.eye(3)[z]
    np.testing.assert_allclose(model.elbo(one_hot, x), model.log_joint(x, z), **EXACT)
    np.testing.assert_allclose(model.kl_to_posterior(one_hot, x), model.evidence(x) - model.log_joint(x, z), **EXACT)
    assert (model.kl_to_posterior(one_hot, x) > 0).all()


def test_responsibilities_far_from_every_component_are_not_zero_over_zero():
    model = GaussianMixture([0.3, 0.7], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    assert np.exp(model.evidence([[100.0]])) == 0  # the density itself underflows
    # log odds of two unit normals: log(0.7 / 0.3) + x - 1/2, here in closed form
    for x in (-100.0, -60.0, 40.0, 300.0):
        odds = model.log_responsibilities([[x]])[0]
        assert odds[1] - odds[0] == pytest.approx(np.log(0.7 / 0.3) + x - 0.5, rel=1e-9)
    very_far = model.responsibilities([[1e9], [-1e30], [1e140]])
    np.testing.assert_allclose(very_far.sum(axis=1), 1, rtol=1e-12)


def test_a_point_beyond_floating_point_raises_instead_of_giving_nan():
    model = random_mixture(0)
    with pytest.raises(ValueError, match="near enough"):
        model.responsibilities([[1e200, 0.0]])
    assert model.evidence([[1e200, 0.0]]) == -np.inf


def test_an_underflowed_responsibility_costs_a_finite_divergence():
    model = GaussianMixture([0.5, 0.5], [[0.0], [100.0]], [[[1.0]], [[1.0]]])
    x, q = np.array([[0.0]]), np.array([[0.5, 0.5]])
    assert model.responsibilities(x)[0, 1] == 0
    assert model.kl_to_posterior(q, x)[0] == pytest.approx(5000 / 2 - np.log(2), rel=1e-12)
    assert model.elbo(q, x)[0] + model.kl_to_posterior(q, x)[0] == pytest.approx(model.evidence(x)[0], rel=1e-9)


def test_a_component_of_weight_zero_changes_nothing_and_may_not_be_used():
    model = random_mixture(2, 2, 2)
    padded = GaussianMixture(
        [*model.weights, 0.0], np.vstack([model.means, [[0, 0]]]), np.concatenate([model.covariances, np.eye(2)[None]])
    )
    x, z = padded.sample(200, 0)
    assert (z < 2).all()
    np.testing.assert_allclose(padded.evidence(x), model.evidence(x), **EXACT)
    assert (padded.responsibilities(x)[:, 2] == 0).all()
    np.testing.assert_allclose(padded.kl_to_posterior(padded.responsibilities(x), x), 0, atol=1e-12)
    q = np.full((200, 3), 1 / 3)
    assert (padded.elbo(q, x) == -np.inf).all() and (padded.kl_to_posterior(q, x) == np.inf).all()


def test_samples_have_the_mixtures_moments():
    model, n = random_mixture(13, 3, 2), 40000
    x, z = model.sample(n, 99)
    assert x.shape == (n, 2) and z.shape == (n,) and z.dtype.kind == "i"
    frequency = np.bincount(z, minlength=3) / n
    assert (np.abs(frequency - model.weights) < 4 * np.sqrt(model.weights * (1 - model.weights) / n)).all()
    for k in range(3):
        part = x[z == k]
        error = np.sqrt(np.diag(model.covariances[k]) / len(part))
        assert (np.abs(part.mean(axis=0) - model.means[k]) < 4 * error).all()
        variances = np.diag(model.covariances[k])
        spread = np.sqrt((np.outer(variances, variances) + model.covariances[k] ** 2) / len(part))
        assert (np.abs(np.cov(part.T) - model.covariances[k]) < 4 * spread).all()


def test_the_labels_of_samples_follow_the_posterior():
    model, n = random_mixture(21, 3, 2), 20000
    x, z = model.sample(n, 5)
    r = model.responsibilities(x)
    for k in range(3):  # E[1(z = k) - r_k] = 0 with variance E[r_k (1 - r_k)]
        error = np.sqrt((r[:, k] * (1 - r[:, k])).mean() / n)
        assert abs(((z == k) - r[:, k]).mean()) < 4 * error


def test_equal_seeds_give_equal_samples_and_a_generator_moves_on():
    model, generator = random_mixture(1), np.random.default_rng(0)
    np.testing.assert_array_equal(model.sample(5, 0)[0], model.sample(5, generator)[0])
    assert not np.array_equal(model.sample(5, generator)[0], model.sample(5, 0)[0])


def test_many_label_samples_at_once_agree_with_one_at_a_time():
    model = random_mixture(4)
    x, _ = model.sample(5, 0)
    z = np.random.default_rng(0).integers(0, 3, (4, 5))
    np.testing.assert_array_equal(model.log_joint(x, z), np.stack([model.log_joint(x, row) for row in z]))


@pytest.mark.parametrize("std", [0.5, np.array([0.5, 2.0])])
def test_a_spherical_mixture_has_isotropic_covariances(std):
    model = GaussianMixture.spherical([0.25, 0.75], [[0, 0, 1], [2, 2, 2]], std)
    x = np.array([[0.3, 1.0, -1.0]])
    each = [
        np.log(w) + stats.norm(m, s).logpdf(x).sum()
        for w, m, s in zip(model.weights, model.means, np.broadcast_to(std, 2), strict=True)
    ]
    np.testing.assert_allclose(model.log_joint_all(x)[0], each, **EXACT)


def test_the_model_keeps_its_own_unwritable_copy():
    means = np.zeros((2, 1))
    model = GaussianMixture([0.5, 0.5], means, np.ones((2, 1, 1)))
    means[:] = 7
    assert (model.means == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        model.means[0] = 1


UNIT = np.stack([np.eye(2)] * 2)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (([0.5, 0.6], np.zeros((2, 2)), UNIT), ValueError, "weights"),
        (([-0.5, 1.5], np.zeros((2, 2)), UNIT), ValueError, "weights"),
        (([np.nan, 1.0], np.zeros((2, 2)), UNIT), ValueError, "weights"),
        (([1.0], np.zeros((2, 2)), UNIT), ValueError, "weights"),
        (([0.5, 0.5], np.zeros(2), UNIT), ValueError, "means"),
        (([0.5, 0.5], [[0, np.inf], [0, 0]], UNIT), ValueError, "means"),
        (([0.5, 0.5], np.zeros((2, 2)), np.eye(2)), ValueError, "covariances"),
        (([0.5, 0.5], np.zeros((2, 2)), UNIT[:1]), ValueError, "covariances"),
        (([0.5, 0.5], np.zeros((2, 2)), -UNIT), ValueError, "covariances"),
        (([0.5, 0.5], np.zeros((2, 2)), 0 * UNIT), ValueError, "covariances"),
        (([0.5, 0.5], np.zeros((2, 2)), np.add(UNIT, [[0, 0.5], [0, 0]])), ValueError, "covariances"),
        (("ab", np.zeros((2, 2)), UNIT), TypeError, "weights"),
        (([0.5, 0.5], None, UNIT), TypeError, "means"),
    ],
)
def test_a_model_that_cannot_be_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        GaussianMixture(*arguments)


X = np.zeros((3, 2))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m: m.evidence(np.zeros((3, 5))), ValueError, "x must have D = 2"),
        (lambda m: m.evidence(np.zeros(2)), ValueError, "x must have 2 axes"),
        (lambda m: m.evidence([[np.nan, 0]]), ValueError, "x must be finite"),
        (lambda m: m.evidence(np.zeros((0, 2))), ValueError, "x must not be empty"),
        (lambda m: m.responsibilities([["a", "b"]]), TypeError, "x"),
        (lambda m: m.log_px_z_all(None), TypeError, "x"),
        (lambda m: m.log_joint(X, [0, 1]), ValueError, "z must have shape"),
        (lambda m: m.log_joint(X, [0, 1, 3]), ValueError, "z must lie in"),
        (lambda m: m.log_joint(X, [0, 1, -1]), ValueError, "z must lie in"),
        (lambda m: m.log_joint(X, [0.0, 1.0, 1.0]), TypeError, "z must hold integers"),
        (lambda m: m.sample(0, 0), ValueError, "n must be at least 1"),
        (lambda m: m.sample(2.0, 0), TypeError, "n must be an integer"),
        (lambda m: m.sample(2, None), TypeError, "rng"),
        (lambda m: m.elbo(np.full((3, 2), 0.5), X), ValueError, "q must have shape"),
        (lambda m: m.elbo(np.ones((3, 3)), X), ValueError, "q must be non-negative"),
        (lambda m: m.kl_to_posterior(np.ones(3) / 3, X), ValueError, "q must have 2 axes"),
        (lambda m: GaussianMixture.spherical([1.0], [[0.0]], 0.0), ValueError, "std must be positive"),
        (lambda m: GaussianMixture.spherical([1.0], [[0.0]], [1.0, 2.0]), ValueError, "std must be a number"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call(random_mixture(0))
