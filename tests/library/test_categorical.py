"""Gradients through a choice: the truth by autograd, means and standard errors of the estimators, errors."""

import pytest
import torch

from lvm_lib import categorical

LOGITS = torch.tensor([0.3, -1.0, 0.8, 0.1], dtype=torch.float64)
MIX = torch.tensor([[1.0, 0.2], [0.0, -1.0], [2.0, 0.5], [-0.5, 1.5]], dtype=torch.float64)
DRAWS = 40_000


def curved(y):
    return ((y @ MIX - 1.5) ** 2).sum(-1)


def straight(y):
    return y @ MIX[:, 0]


def distance(samples, truth):
    """Largest difference of the mean from the truth, in standard errors."""
    error = samples.std(0) / len(samples) ** 0.5
    return float(((samples.mean(0) - truth).abs() / error).max())


@pytest.mark.parametrize("f", [curved, straight])
def test_enumeration_is_the_gradient_of_the_expectation(f):
    logits = LOGITS.clone().requires_grad_()
    (logits.softmax(0) @ f(torch.eye(4, dtype=torch.float64))).backward()
    assert torch.allclose(categorical.enumerated_gradient(f, LOGITS), logits.grad, atol=1e-12)


@pytest.mark.parametrize("baseline", [0.0, 2.5, "leave-one-out"])
def test_the_score_function_is_unbiased(baseline):
    truth = categorical.enumerated_gradient(curved, LOGITS)
    samples = categorical.choice_score_function_gradient(curved, LOGITS, DRAWS, 0, baseline=baseline)
    assert samples.shape == (DRAWS, 4) and distance(samples, truth) < 4.5


def test_a_baseline_quiets():
    plain, quiet = (
        categorical.choice_score_function_gradient(curved, LOGITS, DRAWS, 0, baseline=b).var(0).sum()
        for b in (0.0, "leave-one-out")
    )
    assert quiet < 0.7 * plain


def test_straight_through_is_right_where_f_is_linear_and_wrong_elsewhere():
    linear = categorical.straight_through_gradient(straight, LOGITS, DRAWS, 1)
    assert torch.allclose(linear.mean(0), categorical.enumerated_gradient(straight, LOGITS), atol=1e-12)
    bent = categorical.straight_through_gradient(curved, LOGITS, DRAWS, 1)
    assert distance(bent, categorical.enumerated_gradient(curved, LOGITS)) > 10


def test_gumbel_softmax_loses_bias_and_gains_spread_as_it_hardens():
    truth = categorical.enumerated_gradient(curved, LOGITS)
    warm, cold = (categorical.gumbel_softmax_gradient(curved, LOGITS, t, DRAWS, 2) for t in (2.0, 0.1))
    assert (cold.mean(0) - truth).norm() < 0.5 * (warm.mean(0) - truth).norm()
    assert cold.var(0).sum() > 2 * warm.var(0).sum()


def test_the_gradient_is_that_of_the_relaxed_loss():
    logits = LOGITS.clone().requires_grad_()
    y = categorical.gumbel_softmax(logits, 0.7, 500, 3)
    curved(y).mean().backward()
    samples = categorical.gumbel_softmax_gradient(curved, LOGITS, 0.7, 500, 3)
    assert torch.allclose(samples.mean(0), logits.grad, atol=1e-10)


def test_the_largest_of_perturbed_logits_is_a_draw_from_q():
    picked = categorical.gumbel_softmax(LOGITS, 5.0, DRAWS, 4).argmax(1)
    q = LOGITS.softmax(0)
    share = torch.bincount(picked, minlength=4) / DRAWS
    assert ((share - q).abs() < 4.5 * (q * (1 - q) / DRAWS).sqrt()).all()


def test_hard_asks_f_at_corners_only():
    seen = []

    def watched(y):
        seen.append(y.detach().clone())
        return curved(y)

    categorical.gumbel_softmax_gradient(watched, LOGITS, 0.5, 50, 0, hard=True)
    categorical.straight_through_gradient(watched, LOGITS, 50, 0)
    categorical.choice_score_function_gradient(watched, LOGITS, 50, 0)
    assert all(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all() for y in seen)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: categorical.enumerated_gradient(3, LOGITS), TypeError, "f must be a function"),
        (lambda: categorical.enumerated_gradient(lambda y: y, LOGITS), ValueError, "one number per row"),
        (lambda: categorical.enumerated_gradient(lambda y: curved(y) / 0, LOGITS), ValueError, "finite"),
        (
            lambda: categorical.straight_through_gradient(lambda y: curved(y).detach(), LOGITS, 5, 0),
            ValueError,
            "differentiable",
        ),
        (lambda: categorical.gumbel_softmax(LOGITS, 0.0, 5, 0), ValueError, "temperature"),
        (
            lambda: categorical.choice_score_function_gradient(curved, LOGITS, 1, 0, baseline="leave-one-out"),
            ValueError,
            "samples",
        ),
        (
            lambda: categorical.choice_score_function_gradient(curved, LOGITS, 5, 0, baseline="mean"),
            ValueError,
            "baseline",
        ),
        (lambda: categorical.enumerated_gradient(curved, LOGITS[None]), ValueError, "logits must have 1 axes"),
        (lambda: categorical.choice_score_function_gradient(curved, LOGITS, 5, "a"), TypeError, "generator"),
    ],
)
def test_bad_input_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()
