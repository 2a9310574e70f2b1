"""The mixture that is fitted to a model's codes: EM never falls, finds clusters, and agrees with scikit-learn's."""

import numpy as np
import pytest

from lvm_lib._code_density import _step, fit_mixture
from lvm_lib.mixture import GaussianMixture


def clusters(n=600, seed=0):
    true = GaussianMixture([0.5, 0.3, 0.2], [[0, 0], [6, 1], [-3, 7]],
                           [[[1, 0.6], [0.6, 1]], [[0.5, 0], [0, 2]], [[0.3, 0], [0, 0.3]]])
    return true, true.sample(n, seed)[0]


def test_clusters_are_found_and_the_fit_is_no_worse_than_the_truth():
    true, codes = clusters()
    model = fit_mixture(codes, 3, seed=0)
    order = np.argsort(-model.weights)
    np.testing.assert_allclose(model.weights[order], [0.5, 0.3, 0.2], atol=0.07)
    np.testing.assert_allclose(model.means[order], true.means, atol=0.3)
    assert model.evidence(codes).mean() >= true.evidence(codes).mean()


def test_no_step_lowers_the_average_log_density():
    _, codes = clusters(300, 1)
    model = fit_mixture(codes, 5, seed=2, steps=1)
    trace = []
    for _ in range(40):
        trace.append(model.evidence(codes).mean())
        model = _step(model, codes, 1e-4 * codes.var(axis=0).mean())
    assert (np.diff(trace) > -1e-10).all() and trace[-1] > trace[0] + 0.01


def test_it_ends_where_scikit_learn_ends_from_the_same_start():
    sklearn = pytest.importorskip("sklearn.mixture")
    _, codes = clusters()
    start, model = fit_mixture(codes, 3, seed=0, steps=1), fit_mixture(codes, 3, seed=0, steps=400)
    other = sklearn.GaussianMixture(3, weights_init=start.weights, means_init=start.means, reg_covar=0, tol=1e-12,
                                    precisions_init=np.linalg.inv(start.covariances), max_iter=2000).fit(codes)
    assert abs(model.evidence(codes).mean() - other.score(codes)) < 1e-6


def test_the_same_seed_gives_the_same_mixture_and_a_lone_code_no_spike():
    _, codes = clusters(40, 3)
    one, again = fit_mixture(codes, 12, seed=4), fit_mixture(codes, 12, seed=4)
    np.testing.assert_array_equal(one.means, again.means)
    assert np.linalg.eigvalsh(one.covariances).min() >= 0.99e-4 * codes.var(axis=0).mean()


@pytest.mark.parametrize("codes, k, seed, error, message", [
    (np.zeros((5, 2)), 2, 0, ValueError, "vary in every dimension"), (np.eye(3), 3, 0, ValueError, "more than k = 3"),
    (np.full((9, 2), np.nan), 2, 0, ValueError, "codes must be finite"), (np.eye(4), 0, 0, ValueError, "k must be"),
    (np.repeat(np.eye(2), 3, axis=0), 3, 0, ValueError, "at least k = 3 distinct"),
    (np.eye(4), 2, -1, ValueError, "seed must be"), ("codes", 2, 0, TypeError, "codes must be an array")])
def test_bad_arguments_are_named(codes, k, seed, error, message):
    with pytest.raises(error, match=message):
        fit_mixture(codes, k, seed)
