"""Bounds against closed forms. The model is linear-Gaussian and lives in this file, on scipy: an independent route."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lvm_lib import bounds

maths = settings(deadline=None, derandomize=True, max_examples=50)


def close(got, expected, rtol=1e-10, atol=1e-11):
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)


@dataclass
class Linear:
    """z ~ N(0, I), x | z ~ N(A z + b, s^2 I); evidence, posterior and exact ELBO by textbook matrix algebra."""

    A: np.ndarray
    b: np.ndarray
    s: float

    def log_joint(self, x, z):
        return stats.norm.logpdf(z).sum(-1) + stats.norm.logpdf(x, z @ self.A.T + self.b, self.s).sum(-1)

    def evidence(self, x):
        return stats.multivariate_normal(self.b, self.A @ self.A.T + self.s**2 * np.eye(len(self.b))).logpdf(x)

    def posterior(self, x):
        cov = np.linalg.inv(np.eye(self.A.shape[1]) + self.A.T @ self.A / self.s**2)
        return bounds.GaussianQ((x - self.b) @ self.A @ cov / self.s**2, cov)

    def elbo(self, q, x):
        """E_q log p(x, z) + H(q): the log joint at the mean, less half the trace of its curvature times cov_q."""
        curvature = np.eye(self.A.shape[1]) + self.A.T @ self.A / self.s**2
        energy = self.log_joint(x, q.mean) - 0.5 * np.einsum("ij,nji->n", curvature, q.cov)
        return energy + np.array([stats.multivariate_normal(np.zeros(len(c)), c).entropy() for c in q.cov])


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(3)
    return Linear(rng.normal(size=(5, 2)), rng.normal(size=5), 0.8)


@pytest.fixture(scope="module")
def x(model):
    rng = np.random.default_rng(4)
    return rng.normal(size=(6, 2)) @ model.A.T + model.b + model.s * rng.normal(size=(6, 5))


@pytest.fixture(scope="module")
def loose_q(model, x):
    """Off the posterior in mean and shape, wide enough that its weights have finite variance."""
    exact = model.posterior(x)
    tilt = np.array([[1.6, 0.2], [0.0, 1.3]])
    return bounds.GaussianQ(exact.mean + 0.15, tilt @ exact.cov @ tilt.T)


# ---------------------------------------------------------------- GaussianQ


@maths
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_gaussian_q_is_scipys_normal_per_data_point(seed, dim):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, dim, dim))
    q = bounds.GaussianQ(rng.normal(size=(3, dim)), root @ root.swapaxes(-1, -2) + 0.1 * np.eye(dim))
    z = rng.normal(size=(7, 3, dim))
    normals = [stats.multivariate_normal(mean, cov) for mean, cov in zip(q.mean, q.cov, strict=True)]
    close(q.log_prob(z), np.stack([n.logpdf(z[:, i]).reshape(7) for i, n in enumerate(normals)], axis=1))
    close(q.log_prob(z[0]), q.log_prob(z)[0])
    close(q.entropy(), [n.entropy() for n in normals])


def test_samples_have_the_mean_and_covariance_they_should(loose_q):
    k = 200_000
    z = loose_q.sample(k, 0)
    assert z.shape == (k, 6, 2)
    for i in range(6):
        error = np.sqrt(np.diag(loose_q.cov[i]) / k)
        assert (np.abs(z[:, i].mean(0) - loose_q.mean[i]) < 4.5 * error).all()
        scale = np.sqrt(np.outer(np.diag(loose_q.cov[i]), np.diag(loose_q.cov[i])))
        assert (np.abs(np.cov(z[:, i].T) - loose_q.cov[i]) < 4.5 * math.sqrt(2 / k) * scale).all()
        assert abs(np.corrcoef(z[:, i, 0], z[:, (i + 1) % 6, 0])[0, 1]) < 4.5 / math.sqrt(k)  # points independent


def test_equal_seeds_give_equal_samples_and_a_generator_moves_on(loose_q):
    rng = np.random.default_rng(1)
    first = loose_q.sample(3, rng)
    assert (first == loose_q.sample(3, 1)).all()
    assert (first != loose_q.sample(3, rng)).any()


def test_one_shared_covariance_serves_all_points_and_diagonal_is_mean_field():
    mean, std = np.arange(6.0).reshape(3, 2), np.array([0.5, 2.0])
    shared, diagonal = bounds.GaussianQ(mean, np.diag(std**2)), bounds.GaussianQ.diagonal(mean, std)
    assert shared.cov.shape == (3, 2, 2) and len(shared) == 3
    close(shared.cov, diagonal.cov)
    z = np.ones((3, 2))
    close(diagonal.log_prob(z), stats.norm(mean, std).logpdf(z).sum(-1))


# ---------------------------------------------------------------- ELBO


def test_elbo_agrees_with_its_closed_form_within_four_standard_errors(model, loose_q, x):
    estimate = bounds.elbo(model, loose_q, x, 20_000, 0)
    exact = model.elbo(loose_q, x)
    assert (np.abs(estimate.value - exact) < 4 * estimate.standard_error).all()
    assert (estimate.standard_error < 0.03).all()  # so that four of them tell a wrong constant


def test_the_standard_error_is_the_spread_over_repeats(model, loose_q, x):
    """200 repeats: their standard deviation is known to 5 %, so 20 % is four of its own standard errors."""
    rng = np.random.default_rng(5)
    repeats = [bounds.elbo(model, loose_q, x, 400, rng) for _ in range(200)]
    spread = np.std([r.value for r in repeats], axis=0, ddof=1)
    told = np.sqrt(np.mean([r.standard_error**2 for r in repeats], axis=0))
    close(told, spread, rtol=0.2)
    z_scores = (np.mean([r.value for r in repeats], axis=0) - model.elbo(loose_q, x)) / (spread / math.sqrt(200))
    assert (np.abs(z_scores) < 4).all()  # unbiased


def test_at_the_posterior_every_draw_is_the_evidence(model, x):
    q = model.posterior(x)
    estimate = bounds.elbo(model, q, x, 50, 0)
    close(estimate.value, model.evidence(x))
    assert (estimate.standard_error < 1e-12).all()
    close(bounds.gap(model.evidence(x), model.elbo(q, x)), 0, atol=1e-11)


def test_the_gap_is_the_divergence_from_the_posterior(model, loose_q, x):
    exact, cov = model.posterior(x), loose_q.cov
    inverse = np.linalg.inv(exact.cov)
    shift = loose_q.mean - exact.mean
    kl = 0.5 * (
        np.einsum("nij,nji->n", inverse, cov)
        + np.einsum("ni,nij,nj->n", shift, inverse, shift)
        - 2
        + np.log(np.linalg.det(exact.cov) / np.linalg.det(cov))
    )
    close(bounds.gap(model.evidence(x), model.elbo(loose_q, x)), kl)
    measured = bounds.gap(model.evidence(x), bounds.elbo(model, loose_q, x, 20_000, 1))
    assert (np.abs(measured.value - kl) < 4 * measured.standard_error).all()


def test_one_draw_tells_no_error(model, loose_q, x):
    assert bounds.elbo(model, loose_q, x, 1, 0).standard_error is None
    assert bounds.importance_bound(model, loose_q, x, 1, 0).standard_error is None


def test_drawing_in_blocks_changes_nothing(model, loose_q, x, monkeypatch):
    whole = bounds.elbo(model, loose_q, x, 100, 7)
    monkeypatch.setattr(bounds, "BLOCK", 7 * x.size)
    blocks = bounds.elbo(model, loose_q, x, 100, 7)
    close(blocks.value, whole.value, rtol=1e-14)
    close(blocks.standard_error, whole.standard_error, rtol=1e-12)


# ---------------------------------------------------------------- importance weighting


@pytest.mark.slow
def test_importance_bound_of_one_sample_is_the_elbo(model, loose_q, x):
    estimate = bounds.importance_bound(model, loose_q, x, 1, 0, repeats=5000)
    assert (np.abs(estimate.value - model.elbo(loose_q, x)) < 4 * estimate.standard_error).all()
    close(estimate.effective_sample_size, 1)


@pytest.mark.slow
def test_importance_bound_rises_with_k_and_stays_below_the_evidence(model, loose_q, x):
    """In expectation: each doubling of K moves up by more than four joint standard errors, averaged over points."""
    evidence, levels = model.evidence(x).mean(), []
    for k in (1, 2, 4, 8, 16):
        estimate = bounds.importance_bound(model, loose_q, x, k, k, repeats=2000)
        levels.append((estimate.value.mean(), np.sqrt((estimate.standard_error**2).sum()) / len(x)))
    for (low, low_error), (high, high_error) in itertools.pairwise(levels):
        assert high - low > 4 * math.hypot(low_error, high_error)
    for level, error in levels:
        assert level < evidence - 4 * error


def test_many_samples_close_the_gap(model, loose_q, x):
    estimate = bounds.importance_bound(model, loose_q, x, 50_000, 2)
    assert (np.abs(estimate.value - model.evidence(x)) < 4 * estimate.standard_error).all()
    assert (estimate.standard_error < 0.01).all()


def test_the_delta_error_of_one_draw_is_the_spread_over_repeats(model, loose_q, x):
    rng = np.random.default_rng(6)
    single = [bounds.importance_bound(model, loose_q, x, 2000, rng) for _ in range(200)]
    spread = np.std([s.value for s in single], axis=0, ddof=1)
    close(np.sqrt(np.mean([s.standard_error**2 for s in single], axis=0)), spread, rtol=0.2)


@pytest.mark.slow
def test_repeats_shrink_the_error_by_their_root(model, loose_q, x):
    few = bounds.importance_bound(model, loose_q, x, 10, 0, repeats=600)
    many = bounds.importance_bound(model, loose_q, x, 10, 1, repeats=5400)
    close(few.standard_error / many.standard_error, 3, rtol=0.15)


def test_effective_sample_size_is_k_at_the_posterior_and_less_elsewhere(model, loose_q, x):
    exact = bounds.importance_bound(model, model.posterior(x), x, 64, 0)
    close(exact.effective_sample_size, 64)
    close(exact.value, model.evidence(x))
    assert (exact.standard_error < 1e-6).all()
    loose = bounds.importance_bound(model, loose_q, x, 64, 0).effective_sample_size
    assert ((loose > 1) & (loose < 60)).all()


@maths
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(-1e4, 1e4))
def test_effective_sample_size_is_its_definition_at_any_scale(seed, k, shift):
    log_w = 3 * np.random.default_rng(seed).normal(size=(k, 4))
    w = np.exp(log_w)
    size = bounds.effective_sample_size(log_w + shift)
    close(size, w.sum(0) ** 2 / (w**2).sum(0), rtol=1e-9)
    assert ((size >= 1 - 1e-9) & (size <= k * (1 + 1e-9))).all()


def test_effective_sample_size_counts_the_weights_that_are_not_zero():
    log_w = np.array([[0.0, 5.0], [0.0, -np.inf], [-np.inf, -np.inf]])
    close(bounds.effective_sample_size(log_w), [2, 1])


def test_any_q_and_any_model_that_keep_the_contract_will_do(x):
    """A uniform q and a model that is not Gaussian: z on [0, 1], x | z ~ Laplace(z). ELBO by quadrature."""

    class Uniform:
        def sample(self, k, rng):
            return np.random.default_rng(rng).random((k, len(x), 1))

        def log_prob(self, z):
            return np.zeros(z.shape[:2])

    class Model:
        def log_joint(self, x, z):
            return stats.laplace.logpdf(x, z).sum(-1)

    z = (np.arange(4000) + 0.5) / 4000
    exact = np.array([stats.laplace.logpdf(row, z[:, None]).sum(1).mean() for row in x])
    estimate = bounds.elbo(Model(), Uniform(), x, 5000, np.random.default_rng(0))
    assert (np.abs(estimate.value - exact) < 4 * estimate.standard_error + 1e-6).all()


# ---------------------------------------------------------------- integer data


@maths
@given(st.integers(-4, 4), st.floats(-3, 3), st.floats(0.15, 20))
def test_the_dequantised_normal_is_below_the_log_mass_and_equals_quadrature(pixel, mean, std):
    got = bounds.dequantised_normal([[pixel]], [mean], [[std**2]])[0]
    normal = stats.norm(mean, std)
    mirrored = (2 * mean - pixel - 1, 2 * mean - pixel)  # the same bin's mass, where the cdf is accurate
    low, high = (pixel, pixel + 1) if pixel < mean else mirrored
    assert got < math.log(normal.cdf(high) - normal.cdf(low))
    nodes, weights = np.polynomial.legendre.leggauss(4)  # exact: the log density is quadratic
    close(got, weights / 2 @ normal.logpdf(pixel + 0.5 + nodes / 2))


def test_the_dequantised_bound_is_tight_for_a_wide_density_and_a_point_density_is_no_bound():
    wide = stats.norm(3, 50)
    bound = bounds.dequantised_normal([[3]], [3.0], [[2500.0]])[0]
    log_mass = math.log(wide.cdf(4) - wide.cdf(3))
    assert 0 < log_mass - bound < 1e-7
    narrow = stats.norm(3, 0.1)
    assert narrow.logpdf(3) > math.log(narrow.cdf(4) - narrow.cdf(3)) + 2  # log p(x) is above log P(x)


def test_masses_that_the_bound_implies_never_sum_above_one():
    pixels = np.arange(-40, 41)[:, None]
    for std in (0.2, 0.5, 1.0, 5.0):
        total = np.exp(bounds.dequantised_normal(pixels, [0.3], [[std**2]])).sum()
        assert total < 1 + 1e-12
    assert total > 0.99


@maths
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_lowrank_and_full_dequantised_normals_agree(seed, dim, rank, shared):
    rng = np.random.default_rng(seed)
    x, mean, loadings = rng.integers(0, 9, size=(4, dim)), 4 + rng.normal(size=dim), rng.normal(size=(dim, rank))
    noise = 0.7 if shared else 0.2 + rng.random(dim)
    cov = loadings @ loadings.T + np.diag(np.broadcast_to(noise, dim))
    expected = stats.multivariate_normal(mean, cov).logpdf(x + 0.5) - np.trace(np.linalg.inv(cov)) / 24
    close(bounds.dequantised_normal(x, mean, cov), np.atleast_1d(expected), rtol=1e-9)
    close(bounds.dequantised_normal_lowrank(x, mean, loadings, noise), np.atleast_1d(expected), rtol=1e-9)


def test_sampling_the_dequantised_bound_agrees_with_its_closed_form():
    rng = np.random.default_rng(8)
    root = rng.normal(size=(3, 3))
    mean, cov, x = np.array([2.0, 3.0, 5.0]), root @ root.T + 0.3 * np.eye(3), rng.integers(0, 8, size=(5, 3))
    estimate = bounds.dequantised_bound(stats.multivariate_normal(mean, cov).logpdf, x, 20_000, 0)
    exact = bounds.dequantised_normal(x, mean, cov)
    assert (np.abs(estimate.value - exact) < 4 * estimate.standard_error).all()
    assert (estimate.standard_error < 0.01 * np.abs(exact)).all()
    repeats = np.array(
        [
            bounds.dequantised_bound(stats.multivariate_normal(mean, cov).logpdf, x, 50, seed).value
            for seed in range(200)
        ]
    )
    close(repeats.std(axis=0, ddof=1), estimate.standard_error * 20, rtol=0.2)  # sqrt(20000 / 50) = 20


# ---------------------------------------------------------------- bad input

Q = bounds.GaussianQ(np.zeros((3, 2)), np.eye(2))
X, MODEL = np.zeros((3, 5)), Linear(np.ones((5, 2)), np.zeros(5), 1.0)


class Wrong:
    """A model whose log_joint returns what it is told to."""

    def __init__(self, value):
        self.value = value

    def log_joint(self, x, z):
        return self.value


BAD = [
    ("GaussianQ", "flat mean", bounds.GaussianQ, (np.zeros(2), np.eye(2)), ValueError, "mean must have 2 axes"),
    (
        "GaussianQ",
        "size",
        bounds.GaussianQ,
        (np.zeros((3, 2)), np.eye(3)),
        ValueError,
        r"cov must have shape \(3, 2, 2\)",
    ),
    (
        "GaussianQ",
        "indefinite",
        bounds.GaussianQ,
        (np.zeros((3, 2)), -np.eye(2)),
        ValueError,
        "cov must be positive def",
    ),
    ("GaussianQ", "nan", bounds.GaussianQ, (np.full((3, 2), np.nan), np.eye(2)), ValueError, "mean must be finite"),
    ("GaussianQ", "diagonal", bounds.GaussianQ.diagonal, (np.zeros((3, 2)), 0.0), ValueError, "std must be positive"),
    (
        "GaussianQ",
        "diagonal size",
        bounds.GaussianQ.diagonal,
        (np.zeros((3, 2)), np.ones(3)),
        ValueError,
        "std must broad",
    ),
    ("GaussianQ", "k", Q.sample, (0, 0), ValueError, "k must be at least 1"),
    ("GaussianQ", "seed", Q.sample, (1, None), TypeError, "rng must be"),
    ("GaussianQ", "z", Q.log_prob, (np.zeros((4, 2)),), ValueError, r"z must have shape \(3, 2\) or \(k, 3, 2\)"),
    ("Estimate", "axes", bounds.Estimate, (1.0, None), ValueError, "value must have 1 axes"),
    (
        "Estimate",
        "sizes",
        bounds.Estimate,
        (np.ones(2), np.ones(3)),
        ValueError,
        "standard_error must be non-negative, of",
    ),
    (
        "Estimate",
        "negative",
        bounds.Estimate,
        (np.ones(2), -np.ones(2)),
        ValueError,
        "standard_error must be non-negative",
    ),
    ("Estimate", "nan", bounds.Estimate, (np.array([np.nan]), None), ValueError, "value must be finite"),
    ("elbo", "model", bounds.elbo, (3, Q, X, 2, 0), TypeError, "model must offer log_joint"),
    ("elbo", "q", bounds.elbo, (MODEL, np.zeros((3, 2)), X, 2, 0), TypeError, "q must offer sample"),
    (
        "elbo",
        "number of q",
        bounds.elbo,
        (MODEL, Q, X[:2], 2, 0),
        ValueError,
        "q must hold one distribution per data point",
    ),
    ("elbo", "x", bounds.elbo, (MODEL, Q, X[0], 2, 0), ValueError, "x must have 2 axes"),
    ("elbo", "x nan", bounds.elbo, (MODEL, Q, X + np.nan, 2, 0), ValueError, "x must be finite"),
    ("elbo", "samples", bounds.elbo, (MODEL, Q, X, 0, 0), ValueError, "samples must be at least 1"),
    ("elbo", "samples type", bounds.elbo, (MODEL, Q, X, 2.0, 0), TypeError, "samples must be an integer"),
    ("elbo", "rng", bounds.elbo, (MODEL, Q, X, 2, "seed"), TypeError, "rng must be"),
    ("elbo", "joint shape", bounds.elbo, (Wrong(np.zeros(3)), Q, X, 2, 0), ValueError, r"log_joint.* shape \(2, 3\)"),
    ("elbo", "joint nan", bounds.elbo, (Wrong(np.full((2, 3), np.nan)), Q, X, 2, 0), ValueError, "log_joint.*finite"),
    ("importance_bound", "k", bounds.importance_bound, (MODEL, Q, X, 0, 0), ValueError, "k must be at least 1"),
    (
        "importance_bound",
        "repeats",
        bounds.importance_bound,
        (MODEL, Q, X, 2, 0, 0),
        ValueError,
        "repeats must be at least",
    ),
    ("importance_bound", "rng", bounds.importance_bound, (MODEL, Q, X, 2, -1), TypeError, "rng must be"),
    ("importance_bound", "model", bounds.importance_bound, (None, Q, X, 2, 0), TypeError, "model must offer"),
    ("effective_sample_size", "axes", bounds.effective_sample_size, (np.zeros(3),), ValueError, r"shape \(k, n\)"),
    (
        "effective_sample_size",
        "zero",
        bounds.effective_sample_size,
        (np.full((3, 1), -np.inf),),
        ValueError,
        "column of -inf",
    ),
    (
        "effective_sample_size",
        "nan",
        bounds.effective_sample_size,
        (np.full((3, 1), np.nan),),
        ValueError,
        "must be finite",
    ),
    (
        "gap",
        "shapes",
        bounds.gap,
        (np.zeros(3), np.zeros((3, 1))),
        ValueError,
        "evidence and bound must have one shape",
    ),
    ("gap", "nan", bounds.gap, (np.zeros(1), np.array([np.nan])), ValueError, "bound must be finite"),
    (
        "dequantised_bound",
        "density",
        bounds.dequantised_bound,
        (3, X, 2, 0),
        TypeError,
        "log_density must be a function",
    ),
    (
        "dequantised_bound",
        "grey",
        bounds.dequantised_bound,
        (len, X + 0.5, 2, 0),
        ValueError,
        "x must hold whole numbers",
    ),
    (
        "dequantised_bound",
        "samples",
        bounds.dequantised_bound,
        (len, X, 0, 0),
        ValueError,
        "samples must be at least 1",
    ),
    (
        "dequantised_bound",
        "shape",
        bounds.dequantised_bound,
        (lambda x: x, X, 2, 0),
        ValueError,
        "one number per point",
    ),
    (
        "dequantised_normal",
        "grey",
        bounds.dequantised_normal,
        (X / 3 + 0.1, 0.0, np.eye(5)),
        ValueError,
        "whole numbers",
    ),
    (
        "dequantised_normal",
        "cov",
        bounds.dequantised_normal,
        (X, 0.0, -np.eye(5)),
        ValueError,
        "cov must be positive def",
    ),
    ("dequantised_normal", "flat", bounds.dequantised_normal, (X[0], 0.0, np.eye(5)), ValueError, "x must have 2 axes"),
    (
        "dequantised_normal_lowrank",
        "noise",
        bounds.dequantised_normal_lowrank,
        (X, 0.0, np.ones((5, 1)), 0.0),
        ValueError,
        "noise must be positive",
    ),
    (
        "dequantised_normal_lowrank",
        "grey",
        bounds.dequantised_normal_lowrank,
        (X + 0.1, 0.0, np.ones((5, 1)), 1.0),
        ValueError,
        "whole numbers",
    ),
]


@pytest.mark.parametrize(
    "function, arguments, error, message", [case[2:] for case in BAD], ids=[f"{case[0]} {case[1]}" for case in BAD]
)
def test_bad_input_is_refused_by_name(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)


def test_every_public_name_has_a_bad_input_test():
    elsewhere = {"CategoricalQ", "GridQ"}  # test_distributions.py
    told = {
        "ClosedElboTerms",
        "ElboTerms",
        "Inference",
        "LatentVariableModel",
    }  # what comes back, and what others offer
    assert {case[0] for case in BAD} == set(bounds.__all__) - elsewhere - told
