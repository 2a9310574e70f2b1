"""Likelihoods of decoders, against torch.distributions, the NumPy densities of this library, SciPy and enumeration."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lvm_lib.densities import log_bernoulli, log_discretised_logistic, log_discretised_normal
from lvm_lib.likelihoods import Bernoulli, DiscretisedLogistic, DiscretisedNormal, Gaussian

maths = settings(deadline=None, derandomize=True, max_examples=50)
DISCRETISED = [DiscretisedNormal, DiscretisedLogistic]


def tensor(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def reference(kind, x, mean, std):
    """The same mass from the NumPy half, which is tested on its own."""
    if kind is DiscretisedNormal:
        return log_discretised_normal(x, mean, std)
    return log_discretised_logistic(x, mean, std * np.sqrt(3) / np.pi)


def test_bernoulli_is_torchs_and_ours():
    logits, x = 4 * tensor(3, 5, 7), (tensor(5, 7, seed=1) > 0).double()
    value = Bernoulli()(logits).log_prob(x)
    own = torch.distributions.Bernoulli(logits=logits).log_prob(x.expand(3, 5, 7)).sum(-1)
    torch.testing.assert_close(value, own, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(value, log_bernoulli(x.numpy(), logits.numpy()), rtol=1e-12)


@pytest.mark.parametrize("grey", [0.5, 1e-30, 1 + 1e-6, -1.0, 2.0, 255.0])
def test_bernoulli_refuses_grey_pixels(grey):
    Bernoulli().check(torch.tensor([[0.0, 1.0, 1.0]]))
    with pytest.raises(ValueError, match="only 0 and 1"):
        Bernoulli().check(torch.tensor([[0.0, 1.0, grey]]))


@pytest.mark.parametrize("std", [0.1, 3, [0.2, 1.0, 5.0]])
def test_gaussian_has_its_normaliser(std):
    x, mean = tensor(4, 3), tensor(4, 3, seed=1)
    value = Gaussian(std)(mean).log_prob(x)
    np.testing.assert_allclose(value, stats.norm.logpdf(x, mean, np.array(std)).sum(-1), rtol=1e-12)


def test_a_learned_std_reaches_the_root_mean_square_residual():
    """The most likely shared std is the residuals' root mean square, per pixel where it is learned per pixel."""
    residual = tensor(400, 3) * torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    for std, best in ((1.0, residual.pow(2).mean().sqrt()), (torch.ones(3), residual.pow(2).mean(0).sqrt())):
        likelihood = Gaussian(std, learned=True)
        optimiser = torch.optim.LBFGS(
            likelihood.parameters(),
            max_iter=100,
            line_search_fn="strong_wolfe",
            tolerance_change=1e-14,
            tolerance_grad=1e-12,
        )

        def closure(likelihood=likelihood, optimiser=optimiser):
            optimiser.zero_grad()
            loss = -likelihood(torch.zeros(400, 3, dtype=torch.float64)).log_prob(residual).mean()
            loss.backward()
            return loss

        optimiser.step(closure)
        torch.testing.assert_close(likelihood.std.detach(), best, rtol=1e-6, atol=0)
    assert not list(Gaussian(1.0).parameters())  # a fixed one is not trained


@pytest.mark.parametrize("kind", DISCRETISED)
@pytest.mark.parametrize("mean, std", [(0.5, 20.0), (-0.3, 30.0), (1.2, 8.0), (0.5, 0.1), (0.0, 300.0)])
def test_masses_of_all_levels_sum_to_one(kind, mean, std):
    x = torch.arange(256, dtype=torch.float64)[:, None]
    total = kind(std)(torch.full((256, 1), mean, dtype=torch.float64)).log_prob(x).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-12)


@maths
@given(st.sampled_from(DISCRETISED), st.integers(0, 255), st.floats(-1, 2), st.floats(0.05, 500))
def test_a_discretised_mass_is_the_numpy_one_in_the_tails_too(kind, x, output, std):
    outputs = torch.tensor([[output]], dtype=torch.float64)
    value = kind(std)(outputs).log_prob(torch.tensor([[float(x)]], dtype=torch.float64))
    expected = reference(kind, np.array([x]), 255 * np.array([output]), std)
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-11)


@maths
@given(st.sampled_from(DISCRETISED), st.integers(0, 255), st.floats(-1, 2), st.floats(0.05, 500))
def test_a_float32_mass_and_its_gradients_are_finite_and_right(kind, x, output, std):
    outputs = torch.tensor([[output]], requires_grad=True)
    likelihood = kind(std, learned=True)
    value = likelihood(outputs).log_prob(torch.tensor([[float(x)]]))
    value.backward()
    mean = 255 * np.array([float(np.float32(output))])
    expected = reference(kind, np.array([x]), mean, std)
    np.testing.assert_allclose(value.item(), expected[0], rtol=2e-4, atol=2e-4)
    assert torch.isfinite(outputs.grad).all() and torch.isfinite(likelihood.log_std.grad).all()


@pytest.mark.parametrize("kind", DISCRETISED)
@pytest.mark.parametrize(
    "x, output, std",
    [(0, 0.1, 20.0), (255, 0.9, 9.0), (100, 0.4, 3.0), (7, 0.5, 400.0), (200, 0.1, 5.0), (90, 0.4, 0.5)],
)
def test_gradients_of_a_discretised_mass_are_its_slopes(kind, x, output, std):
    x = torch.tensor([[float(x)]], dtype=torch.float64)
    outputs = torch.tensor([[output]], dtype=torch.float64, requires_grad=True)
    likelihood = kind(std, learned=True)
    assert torch.autograd.gradcheck(lambda o, s: likelihood(o).log_prob(x), (outputs, likelihood.log_std), atol=1e-5)


@pytest.mark.parametrize("kind", DISCRETISED)
def test_samples_and_mean_of_a_discretised_pixel_are_those_of_its_masses(kind):
    outputs = torch.tensor([0.02, 0.5, 1.05], dtype=torch.float64)
    pixels = kind(20.0)(outputs)
    levels = torch.arange(256, dtype=torch.float64)
    masses = torch.stack(
        [kind(20.0)(outputs[d, None].expand(256, 1)).log_prob(levels[:, None]).exp() for d in range(3)]
    )
    torch.testing.assert_close(pixels.mean, masses @ levels, rtol=1e-10, atol=1e-10)
    x = pixels.sample((20000,), generator=torch.Generator().manual_seed(0))
    assert torch.equal(x, x.round()) and x.min() >= 0 and x.max() <= 255
    for d in range(3):
        counts = torch.bincount(x[:, d].long(), minlength=256).double().numpy()
        expected = 20000 * masses[d].numpy()
        often = expected > 10
        observed, ideal = np.append(counts[often], counts[~often].sum()), expected[often]
        ideal = np.append(ideal, 20000 - ideal.sum())
        assert stats.chisquare(observed, ideal).pvalue > 1e-4


@pytest.mark.parametrize("kind", DISCRETISED)
@pytest.mark.parametrize("bad", [0.5, -1.0, 256.0])
def test_discretised_likelihoods_refuse_what_is_no_grey_level(kind, bad):
    kind(1.0).check(torch.tensor([[0.0, 255.0]]))
    with pytest.raises(ValueError, match=r"whole grey levels 0..255"):
        kind(1.0).check(torch.tensor([[0.0, bad]]))


@pytest.mark.parametrize("kind", [Gaussian, *DISCRETISED])
@pytest.mark.parametrize(
    "std, error",
    [
        (0, ValueError),
        (-1.0, ValueError),
        (float("nan"), ValueError),
        (np.ones((2, 2)), ValueError),
        ("wide", TypeError),
        (None, TypeError),
    ],
)
def test_a_std_that_is_none_is_refused(kind, std, error):
    with pytest.raises(error, match="std must"):
        kind(std)


def test_levels_must_be_a_number_of_levels():
    with pytest.raises(ValueError, match="levels must be at least 2"):
        DiscretisedNormal(1.0, levels=1)
