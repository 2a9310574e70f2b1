"""Densities, masses, entropies, divergences: against scipy.stats, torch.distributions and 60-digit arithmetic."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from lvm_lib import densities as d

maths = settings(deadline=None, derandomize=True, max_examples=50)
seeds = st.integers(0, 2**32 - 1)
dims = st.integers(1, 5)


@pytest.fixture(autouse=True, scope="module")
def torch_in_float64():
    """torch as a reference in float64 for this file alone: the default outlives the file otherwise."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def random_cov(rng, *shape, dim):
    root = rng.normal(size=(*shape, dim, dim))
    return root @ root.swapaxes(-1, -2) + 0.1 * np.eye(dim)


def close(got, expected, rtol=1e-10, atol=1e-12):
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol)


# ---------------------------------------------------------------- logsumexp


@maths
@given(seeds, st.sampled_from([0, 1, 2, -1, None, (0, 2)]), st.booleans())
def test_logsumexp_is_scipys(seed, axis, weighted):
    rng = np.random.default_rng(seed)
    a = 300 * rng.normal(size=(3, 4, 5))
    a[rng.random(a.shape) < 0.2] = -np.inf
    weights = rng.random((4, 1)) if weighted else None
    with np.errstate(divide="ignore"):
        expected = special.logsumexp(a, axis=axis, b=weights)
    close(d.logsumexp(a, axis, weights), expected)


@maths
@given(seeds, st.floats(-1e6, 1e6))
def test_logsumexp_moves_with_a_shift_and_survives_huge_values(seed, shift):
    a = np.random.default_rng(seed).normal(size=7)
    close(d.logsumexp(a + shift), d.logsumexp(a) + shift, atol=1e-9)


def test_logsumexp_of_nothing_but_zeros_is_minus_infinity_without_a_warning(recwarn):
    assert d.logsumexp(np.full(3, -np.inf)) == -np.inf
    assert d.logsumexp(np.zeros(3), weights=np.zeros(3)) == -np.inf
    assert not recwarn.list


def test_a_huge_term_of_weight_zero_does_not_swallow_the_others():
    close(d.logsumexp([1000.0, 0.0], weights=[0.0, 2.0]), math.log(2))


# ---------------------------------------------------------------- normal densities


@maths
@given(seeds, dims)
def test_normals_agree_with_scipy_and_torch(seed, dim):
    rng = np.random.default_rng(seed)
    x, mean, std = rng.normal(size=(3, 4, dim)), rng.normal(size=dim), 0.1 + rng.random(dim)
    cov = random_cov(rng, dim=dim)
    close(d.log_normal(x, mean, std), stats.norm(mean, std).logpdf(x))
    independent = torch.distributions.Independent(torch.distributions.Normal(*map(torch.tensor, (mean, std))), 1)
    close(d.log_normal_diag(x, mean, std), independent.log_prob(torch.tensor(x)).numpy())
    multivariate = torch.distributions.MultivariateNormal(torch.tensor(mean), torch.tensor(cov))
    close(d.log_normal_full(x, mean, cov), multivariate.log_prob(torch.tensor(x)).numpy())
    assert d.log_normal_full(x, mean, cov).shape == d.log_normal_diag(x, mean, std).shape == (3, 4)


@maths
@given(seeds, dims)
def test_one_covariance_per_point_is_each_points_own(seed, dim):
    rng = np.random.default_rng(seed)
    covs, means, x = random_cov(rng, 4, dim=dim), rng.normal(size=(4, dim)), rng.normal(size=(3, 4, dim))
    each = np.stack([stats.multivariate_normal(means[i], covs[i]).logpdf(x[:, i]) for i in range(4)], axis=-1)
    close(d.log_normal_full(x, means, covs), each.reshape(3, 4))
    close(d.log_normal_full(x[0], means, covs), each.reshape(3, 4)[0])


@maths
@given(seeds, st.integers(1, 6), st.integers(1, 6), st.booleans(), st.floats(-8, 3))
def test_lowrank_is_the_full_normal_it_stands_for(seed, dim, rank, shared, log_noise):
    """Also for q > D, and for noise down to 1e-8 of the loadings' scale."""
    rng = np.random.default_rng(seed)
    loadings, mean, x = rng.normal(size=(dim, rank)), rng.normal(size=dim), rng.normal(size=(3, 2, dim))
    noise = 10.0**log_noise * (1.0 if shared else 0.5 + rng.random(dim))
    torch_normal = torch.distributions.LowRankMultivariateNormal(
        torch.tensor(mean), torch.tensor(loadings), torch.tensor(np.broadcast_to(noise, dim).copy())
    )
    expected = torch_normal.log_prob(torch.tensor(x)).numpy()
    sizes = np.linalg.eigvalsh(loadings @ loadings.T + np.diag(np.broadcast_to(noise, dim)))
    condition = sizes[-1] / np.min(noise)  # torch subtracts numbers as large as |x|^2 / noise
    close(d.log_normal_lowrank(x, mean, loadings, noise), expected, rtol=1e-12 * condition + 1e-9)
    close(d.entropy_normal_lowrank(loadings, noise), torch_normal.entropy().numpy(), rtol=1e-8, atol=1e-8)


def test_lowrank_keeps_its_digits_where_the_subtraction_form_of_woodbury_cancels():
    """C = c^2 1 1^T + s I: along 1 the exact quadratic form is |x|^2 / (s + D c^2)."""
    dim, c, s = 100, 1e6, 1e-6
    x = np.ones(dim)
    exact = -0.5 * (dim / (s + dim * c**2) + (dim - 1) * math.log(s) + math.log(s + dim * c**2) + dim * d.LOG_2PI)
    close(d.log_normal_lowrank(x, 0.0, np.full((dim, 1), c), s), exact, rtol=1e-12)


def test_lowrank_handles_an_image_sized_dimension():
    rng = np.random.default_rng(0)
    x, loadings = rng.normal(size=(5, 784)), rng.normal(size=(784, 16))
    full = d.log_normal_full(x, np.zeros(784), loadings @ loadings.T + 0.3 * np.eye(784))
    close(d.log_normal_lowrank(x, np.zeros(784), loadings, 0.3), full)


def test_a_density_integrates_to_one():
    value, _ = integrate.quad(lambda x: math.exp(d.log_normal(x, 0.3, 0.7)), -8, 8, epsabs=1e-13)
    close(value, 1.0)


# ---------------------------------------------------------------- masses


@maths
@given(seeds, dims)
def test_bernoulli_and_categorical_agree_with_torch(seed, dim):
    rng = np.random.default_rng(seed)
    logits, pixels = 20 * rng.normal(size=(4, dim)), rng.integers(0, 2, size=(3, 4, dim))
    expected = torch.distributions.Bernoulli(logits=torch.tensor(logits)).log_prob(torch.tensor(1.0 * pixels)).sum(-1)
    close(d.log_bernoulli(pixels, logits), expected.numpy(), rtol=1e-12)
    index = rng.integers(0, dim, size=(3, 4))
    expected = torch.distributions.Categorical(logits=torch.tensor(logits)).log_prob(torch.tensor(index))
    close(d.log_categorical(index, logits), expected.numpy(), atol=1e-10)
    close(d.log_categorical(np.arange(dim), logits[0]), special.log_softmax(logits[0]), atol=1e-10)


def test_bernoulli_is_exact_where_the_probability_rounds_to_one():
    assert d.log_bernoulli([0.0], [800.0]) == -800
    close(d.log_bernoulli([1.0], [40.0]), -math.exp(-40), rtol=1e-12, atol=0)


@maths
@given(st.floats(-600, 900), st.floats(-2, 9), st.sampled_from([2, 16, 256]))
def test_discretised_masses_sum_to_one(mean, log_spread, levels):
    x = np.arange(levels)
    for mass in (d.log_discretised_normal, d.log_discretised_logistic):
        log_p = mass(x, mean, 10.0**log_spread, levels=levels)
        assert (log_p <= 0).all()
        close(special.logsumexp(log_p), 0.0, atol=1e-10)


def exact_log_mass(cdf, x, mean, spread):
    """log [cdf(b) - cdf(a)] in 60 digits, on the side of the curve where both cdfs are small."""
    with mpmath.workdps(60):
        low, high = ((mpmath.mpf(edge) - mpmath.mpf(mean)) / mpmath.mpf(spread) for edge in (x - 0.5, x + 0.5))
        if low + high > 0:
            low, high = -high, -low
        return float(mpmath.log(cdf(high) - cdf(low)))


@maths
@given(st.integers(1, 254), st.floats(-1e4, 1e4), st.floats(-2, 9))
def test_discretised_normal_equals_a_sixty_digit_difference(x, mean, log_std):
    expected = exact_log_mass(mpmath.ncdf, x, mean, 10.0**log_std)
    close(d.log_discretised_normal(x, mean, 10.0**log_std), expected, rtol=1e-11, atol=1e-11)


@maths
@given(st.integers(1, 254), st.floats(-1e4, 1e4), st.floats(-2, 9))
def test_discretised_logistic_equals_a_sixty_digit_difference(x, mean, log_scale):
    expected = exact_log_mass(lambda t: 1 / (1 + mpmath.exp(-t)), x, mean, 10.0**log_scale)
    close(d.log_discretised_logistic(x, mean, 10.0**log_scale), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("mass", [d.log_discretised_normal, d.log_discretised_logistic])
def test_both_tails_of_a_discretised_mass_are_mirror_images(mass):
    x = np.arange(256)
    for mean, spread in [(60.0, 0.01), (10.0, 3.0), (-4000.0, 1.0), (127.5, 1e5)]:
        log_p = mass(x, mean, spread)
        assert np.isfinite(log_p).all()
        close(log_p, mass(255 - x, 255 - mean, spread))


def test_the_narrow_and_the_wide_branch_of_the_discretised_normal_meet():
    """The branches change over at std = 1000: there the log mass moves by its slope, (c^2 - 1) d log std, alone."""
    std = 1000 * np.array([1 - 1e-9, 1 + 1e-9])
    for mean in (100.0, -300.0):
        below, above = d.log_discretised_normal(101, mean, std)
        slope = ((101 - mean) / 1000) ** 2 - 1
        close(above - below, slope * math.log(std[1] / std[0]), atol=2e-12)


def test_discretised_mass_of_an_impossible_pixel_is_never_nan():
    assert d.log_discretised_normal(5, 200.0, 1e-200) == -np.inf
    assert d.log_discretised_normal(200, 200.0, 1e-200) == 0
    assert d.log_discretised_logistic(5, 200.0, 1e-300) < -1e300


# ---------------------------------------------------------------- entropies and divergences


@maths
@given(seeds, dims)
def test_entropies_agree_with_torch(seed, dim):
    rng = np.random.default_rng(seed)
    std, cov, p = 0.01 + rng.random((4, dim)), random_cov(rng, 4, dim=dim), rng.random((4, dim))
    share = rng.dirichlet(np.full(dim, 0.3), size=4)
    zero = torch.zeros(4, dim)
    close(d.entropy_normal_diag(std), torch.distributions.Normal(zero, torch.tensor(std)).entropy().sum(-1).numpy())
    close(d.entropy_normal_full(cov), torch.distributions.MultivariateNormal(zero, torch.tensor(cov)).entropy().numpy())
    close(d.entropy_bernoulli(p), torch.distributions.Bernoulli(torch.tensor(p)).entropy().sum(-1).numpy())
    close(d.entropy_categorical(share), stats.entropy(share, axis=-1))


def test_entropies_at_their_ends():
    assert d.entropy_bernoulli([0.0, 1.0]) == 0
    close(d.entropy_bernoulli(0.5), math.log(2))
    assert d.entropy_categorical([0.0, 1.0, 0.0]) == 0
    close(d.entropy_categorical(np.full(8, 1 / 8)), math.log(8))
    assert d.entropy_normal_diag(0.01) < 0  # a differential entropy may be negative


@maths
@given(seeds, dims)
def test_divergences_agree_with_torch_and_are_not_negative(seed, dim):
    rng = np.random.default_rng(seed)
    (mq, mp), (sq, sp) = rng.normal(size=(2, 4, dim)), 0.1 + rng.random((2, 4, dim))
    (cq, cp), (bq, bp) = random_cov(rng, 2, 4, dim=dim), rng.random((2, 4, dim))
    share_q, share_p = rng.dirichlet(np.ones(dim), size=(2, 4))
    D, t = torch.distributions, torch.tensor
    pairs = [
        (d.kl_normal_diag(mq, sq, mp, sp), D.kl_divergence(D.Normal(t(mq), t(sq)), D.Normal(t(mp), t(sp))).sum(-1)),
        (d.kl_normal_diag(mq, sq), D.kl_divergence(D.Normal(t(mq), t(sq)), D.Normal(0.0, 1.0)).sum(-1)),
        (
            d.kl_normal_full(mq, cq, mp, cp),
            D.kl_divergence(D.MultivariateNormal(t(mq), t(cq)), D.MultivariateNormal(t(mp), t(cp))),
        ),
        (d.kl_bernoulli(bq, bp), D.kl_divergence(D.Bernoulli(t(bq)), D.Bernoulli(t(bp))).sum(-1)),
        (d.kl_categorical(share_q, share_p), stats.entropy(share_q, share_p, axis=-1)),
    ]
    for got, expected in pairs:
        close(got, np.asarray(expected), rtol=1e-9)
        assert got.shape == (4,) and (got >= -1e-14).all()


def test_a_divergence_from_itself_is_zero_and_from_the_impossible_infinite():
    cov = random_cov(np.random.default_rng(1), dim=3)
    close(d.kl_normal_full(np.ones(3), cov, np.ones(3), cov), 0.0)
    assert d.kl_normal_diag([1.0, 2.0], [0.5, 3.0], [1.0, 2.0], [0.5, 3.0]) == 0
    assert d.kl_categorical([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]) == 0
    assert d.kl_categorical([0.5, 0.5], [1.0, 0.0]) == np.inf
    close(d.kl_categorical([1.0, 0.0], [0.5, 0.5]), math.log(2))
    assert d.kl_bernoulli(0.5, 1.0) == d.kl_bernoulli(0.5, 0.0) == np.inf
    assert d.kl_bernoulli([0.0, 1.0], [0.0, 1.0]) == 0


@maths
@given(seeds)
def test_the_full_forms_reduce_to_the_diagonal_ones(seed):
    rng = np.random.default_rng(seed)
    x, (mq, mp), (sq, sp) = rng.normal(size=3), rng.normal(size=(2, 3)), 0.1 + rng.random((2, 3))
    close(d.log_normal_full(x, mq, np.diag(sq**2)), d.log_normal_diag(x, mq, sq))
    close(d.entropy_normal_full(np.diag(sq**2)), d.entropy_normal_diag(sq))
    close(d.kl_normal_full(mq, np.diag(sq**2), mp, np.diag(sp**2)), d.kl_normal_diag(mq, sq, mp, sp))


def test_cholesky_factor_rebuilds_its_covariance():
    covs = random_cov(np.random.default_rng(2), 4, dim=3)
    factor = d.cholesky_factor(covs)
    close(factor @ factor.swapaxes(-1, -2), covs)
    assert (factor == np.tril(factor)).all()


# ---------------------------------------------------------------- bad input

EYE, NAN = np.eye(2), np.array([np.nan, 0.0])
BAD = [
    ("logsumexp nan", d.logsumexp, (NAN,), ValueError, "a must be finite"),
    ("logsumexp +inf", d.logsumexp, ([np.inf],), ValueError, "a must be finite"),
    ("logsumexp text", d.logsumexp, ("no",), TypeError, "a must"),
    ("logsumexp axis", d.logsumexp, (np.zeros(2), 3), ValueError, "axis"),
    ("logsumexp weights", d.logsumexp, (np.zeros(2), 0, [1.0, -1.0]), ValueError, "weights must be non-negative"),
    ("logsumexp shapes", d.logsumexp, (np.zeros(2), 0, np.ones(3)), ValueError, "a, weights must broadcast"),
    ("cholesky vector", d.cholesky_factor, (np.ones(2),), ValueError, "covariance matrix"),
    ("cholesky oblong", d.cholesky_factor, (np.ones((2, 3)),), ValueError, "covariance matrix"),
    ("cholesky asymmetric", d.cholesky_factor, ([[1.0, 0.5], [0.0, 1.0]],), ValueError, "symmetric"),
    ("cholesky indefinite", d.cholesky_factor, ([[1.0, 2.0], [2.0, 1.0]],), ValueError, "positive definite.*-1"),
    ("normal std 0", d.log_normal, (0.0, 0.0, 0.0), ValueError, "std must be positive"),
    ("normal nan", d.log_normal, (NAN, 0.0, 1.0), ValueError, "x must be finite"),
    ("normal shapes", d.log_normal, (np.ones(2), np.ones(3), 1.0), ValueError, r"x \(2,\), mean \(3,\)"),
    ("normal empty", d.log_normal, (np.ones((0, 2)), 0.0, 1.0), ValueError, "x must not be empty"),
    ("diag stretch", d.log_normal_diag, (np.ones((5, 1)), np.ones(3), 1.0), ValueError, "mean must have 1 dimensions"),
    ("diag negative", d.log_normal_diag, (np.ones(2), 0.0, -1.0), ValueError, "std must be positive"),
    ("full size", d.log_normal_full, (np.ones(3), 0.0, EYE), ValueError, "cov must have 3 dimensions"),
    ("full batch", d.log_normal_full, (np.ones((3, 2)), 0.0, np.stack([EYE] * 2)), ValueError, "one per point"),
    ("full singular", d.log_normal_full, (np.ones(2), 0.0, np.zeros((2, 2))), ValueError, "positive definite"),
    ("lowrank noise", d.log_normal_lowrank, (np.ones(2), 0.0, EYE, 0.0), ValueError, "noise must be positive"),
    (
        "lowrank noise size",
        d.log_normal_lowrank,
        (np.ones(2), 0.0, EYE, np.ones(3)),
        ValueError,
        "noise must be a scalar",
    ),
    ("lowrank size", d.log_normal_lowrank, (np.ones(3), 0.0, EYE, 1.0), ValueError, "loadings must have 3"),
    ("lowrank axes", d.log_normal_lowrank, (np.ones(2), 0.0, np.ones(2), 1.0), ValueError, "loadings must have 2 axes"),
    ("bernoulli grey", d.log_bernoulli, ([0.5], [0.0]), ValueError, "x must hold only 0 and 1"),
    ("bernoulli size", d.log_bernoulli, ([[0.0]], [0.0, 1.0]), ValueError, "logits must have 1"),
    ("bernoulli inf", d.log_bernoulli, ([0.0], [np.inf]), ValueError, "logits must be finite"),
    ("categorical index", d.log_categorical, (3, np.zeros(3)), ValueError, "index must hold integers from 0 to 2"),
    ("categorical negative", d.log_categorical, (-1, np.zeros(3)), ValueError, "index must hold"),
    ("categorical half", d.log_categorical, (0.5, np.zeros(3)), ValueError, "index must hold"),
    ("categorical shapes", d.log_categorical, ([0, 1], np.zeros((3, 4))), ValueError, "index, logits must broadcast"),
    ("pixel 256", d.log_discretised_normal, (256, 0.0, 1.0), ValueError, "x must hold integers from 0 to 255"),
    ("pixel grey", d.log_discretised_logistic, (0.3, 0.0, 1.0), ValueError, "x must hold integers"),
    ("pixel std", d.log_discretised_normal, (3, 0.0, 0.0), ValueError, "std must be positive"),
    ("pixel scale", d.log_discretised_logistic, (3, 0.0, -2.0), ValueError, "scale must be positive"),
    ("pixel levels", d.log_discretised_normal, (0, 0.0, 1.0, 1), ValueError, "levels must be at least 2"),
    ("pixel levels type", d.log_discretised_logistic, (0, 0.0, 1.0, 2.0), TypeError, "levels must be an integer"),
    ("entropy std", d.entropy_normal_diag, ([1.0, 0.0],), ValueError, "std must be positive"),
    ("entropy cov", d.entropy_normal_full, (-EYE,), ValueError, "cov must be positive definite"),
    ("entropy lowrank", d.entropy_normal_lowrank, (EYE, -1.0), ValueError, "noise must be positive"),
    ("entropy bernoulli", d.entropy_bernoulli, (1.1,), ValueError, r"probability must lie in \[0, 1\]"),
    (
        "entropy categorical",
        d.entropy_categorical,
        ([0.5, 0.6],),
        ValueError,
        "probabilities must be non-negative and sum",
    ),
    ("kl std", d.kl_normal_diag, (0.0, 0.0), ValueError, "std_q must be positive"),
    ("kl prior std", d.kl_normal_diag, (0.0, 1.0, 0.0, -1.0), ValueError, "std_p must be positive"),
    ("kl full", d.kl_normal_full, (np.ones(2), EYE, np.ones(2), -EYE), ValueError, "cov_p must be positive definite"),
    ("kl full size", d.kl_normal_full, (np.ones(2), EYE, np.ones(2), np.eye(3)), ValueError, "cov_p must have 2"),
    ("kl bernoulli", d.kl_bernoulli, (0.5, -0.1), ValueError, "p must lie"),
    ("kl categorical", d.kl_categorical, ([0.5, 0.5], [0.5, 0.4]), ValueError, "p must be non-negative and sum"),
    ("kl categorical size", d.kl_categorical, ([1.0], [0.5, 0.5]), ValueError, "p must have 1"),
]


@pytest.mark.parametrize(
    "function, arguments, error, message", [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_bad_input_is_refused_by_name(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)


def test_every_public_function_has_a_bad_input_test():
    assert {case[1].__name__ for case in BAD} == set(d.__all__)
