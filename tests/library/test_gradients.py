"""Two gradient estimators, against exact gradients of expectations: a quadratic and a sine under a Gaussian."""

import numpy as np
import pytest
import torch

from lvm_lib.gradients import reparameterised_gradient, score_function_gradient

MEAN, LOG_STD, K = np.array([0.7, -0.4]), np.log([0.5, 1.2]), 200_000
A, B, W = np.array([0.8, -0.3]), np.array([0.5, 1.0]), np.array([2.0, 0.7])


def quadratic(z):
    """E = sum a (m^2 + s^2) + b m + 10: the offset costs the score function dear, and nothing else."""
    return (torch.tensor(A) * z**2 + torch.tensor(B) * z).sum(-1) + 10


def sine(z):
    """E sin(w z) = sin(w m) exp(-w^2 s^2 / 2), summed over dimensions."""
    return torch.sin(torch.tensor(W) * z).sum(-1)


def exact(f):
    std = np.exp(LOG_STD)
    if f is quadratic:
        return 2 * A * MEAN + B, 2 * A * std**2
    shrink = np.exp(-0.5 * (W * std) ** 2)
    return W * np.cos(W * MEAN) * shrink, -((W * std) ** 2) * np.sin(W * MEAN) * shrink


ESTIMATORS = {
    "reparameterised": reparameterised_gradient,
    "score": score_function_gradient,
    "score, fixed baseline": lambda *args: score_function_gradient(*args, baseline=10.0),
    "score, leave one out": lambda *args: score_function_gradient(*args, baseline="leave-one-out"),
}


@pytest.mark.parametrize("f", [quadratic, sine])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_is_unbiased(name, f):
    samples = ESTIMATORS[name](f, MEAN, LOG_STD, K, 0)
    for gradient, truth in zip((part.numpy() for part in samples), exact(f), strict=True):
        error = gradient.std(axis=0) / np.sqrt(K)
        assert gradient.shape == (K, 2)
        assert (abs(gradient.mean(axis=0) - truth) < 5 * error).all()
        assert (error < 0.1).all()  # tight enough to tell a wrong factor of two


def test_leave_one_out_is_unbiased_at_two_samples_where_the_plain_mean_is_not():
    """With two samples a baseline that sees its own sample halves the gradient; this one must not."""
    generator = torch.Generator().manual_seed(1)
    draws = [
        score_function_gradient(quadratic, MEAN, LOG_STD, 2, generator, baseline="leave-one-out").mean.mean(0)
        for _ in range(3000)
    ]
    draws = torch.stack(draws).numpy()
    error = draws.std(axis=0) / np.sqrt(len(draws))
    truth = exact(quadratic)[0]
    assert (abs(draws.mean(axis=0) - truth) < 5 * error).all()
    assert (abs(draws.mean(axis=0) - truth / 2) > 5 * error).any()


def test_variance_of_the_reparameterised_gradient_is_its_closed_form():
    """For a z^2 + b z: f'(z) = 2 a z + b has variance 4 a^2 s^2."""
    gradient = reparameterised_gradient(quadratic, MEAN, LOG_STD, K, 0).mean
    np.testing.assert_allclose(gradient.var(0), 4 * A**2 * np.exp(2 * LOG_STD), rtol=0.02)


def test_variance_of_the_score_gradient_is_its_closed_form():
    """For f constant at c: c eps / std has variance c^2 / std^2, and a baseline of c takes all of it away."""

    def constant(z):
        return torch.full((len(z),), 3.0, dtype=torch.float64)

    gradient = score_function_gradient(constant, MEAN, LOG_STD, K, 0).mean
    np.testing.assert_allclose(gradient.var(0), 9 / np.exp(2 * LOG_STD), rtol=0.02)
    assert (score_function_gradient(constant, MEAN, LOG_STD, 50, 0, baseline=3.0).mean == 0).all()


def test_order_of_variances_on_the_quadratic():
    total = {
        name: sum(g.var(0).sum().item() for g in estimate(quadratic, MEAN, LOG_STD, K, 0))
        for name, estimate in ESTIMATORS.items()
    }
    assert total["reparameterised"] < total["score, leave one out"] < total["score"]


def test_equal_seeds_give_equal_gradients():
    first, second = (score_function_gradient(sine, MEAN, LOG_STD, 5, seed) for seed in (3, 3))
    torch.testing.assert_close(first.mean, second.mean, rtol=0, atol=0)


def test_a_step_function_has_a_score_gradient_and_no_reparameterised_one():
    def step(z):
        return (z[:, 0] > 0).double()

    with pytest.raises(ValueError, match="differentiable"):
        reparameterised_gradient(step, MEAN, LOG_STD, 10, 0)
    gradient = score_function_gradient(step, MEAN, LOG_STD, K, 0).mean[:, 0]
    std = np.exp(LOG_STD[0])
    truth = np.exp(-0.5 * (MEAN[0] / std) ** 2) / (std * np.sqrt(2 * np.pi))  # d/dm Phi(m / s)
    assert abs(gradient.mean() - truth) < 5 * gradient.std() / np.sqrt(K)


def test_bad_arguments_are_named():
    for estimate in (reparameterised_gradient, score_function_gradient):
        with pytest.raises(TypeError, match="f must be a function"):
            estimate(3, MEAN, LOG_STD, 5, 0)
        with pytest.raises(ValueError, match="log_std must have mean's shape"):
            estimate(sine, MEAN, LOG_STD[:1], 5, 0)
        with pytest.raises(ValueError, match="samples must be at least 1"):
            estimate(sine, MEAN, LOG_STD, 0, 0)
        with pytest.raises(TypeError, match="generator must be"):
            estimate(sine, MEAN, LOG_STD, 5, None)
        with pytest.raises(ValueError, match="one number per row"):
            estimate(lambda z: z, MEAN, LOG_STD, 5, 0)
        with pytest.raises(ValueError, match="finite"):
            estimate(lambda z: torch.log(z[:, 0] - 100), MEAN, LOG_STD, 5, 0)
        with pytest.raises(ValueError, match="mean must be finite"):
            estimate(sine, MEAN * np.nan, LOG_STD, 5, 0)
    with pytest.raises(ValueError, match="'leave-one-out'"):
        score_function_gradient(sine, MEAN, LOG_STD, 5, 0, baseline="mean")
    with pytest.raises(ValueError, match="samples must be at least 2"):
        score_function_gradient(sine, MEAN, LOG_STD, 1, 0, baseline="leave-one-out")
