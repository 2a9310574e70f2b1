"""Kind "gradients in the tail": wherever a mass or a density is computed, values and slopes against mpmath, far out."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_lib import categorical, densities, landscape, latent_plane, quadrature, token_bounds, token_priors
from lvm_lib.likelihoods import Bernoulli, DiscretisedLogistic, DiscretisedNormal, Gaussian
from lvm_lib.mixture import GaussianMixture
from lvm_lib.quantize import VectorQuantizer
from lvm_lib.vqvae import conv_vqvae

mpmath.mp.dps = 60
maths = settings(deadline=None, derandomize=True, max_examples=60)
mpf = mpmath.mpf
SINGLE, DOUBLE = torch.float32, torch.float64


def above_normal(z):
    return mpmath.erfc(z / mpmath.sqrt(2)) / 2


def above_logistic(z):
    z = z * mpmath.pi / mpmath.sqrt(3)
    return 1 / (1 + mpmath.exp(z))


def bell_normal(z):
    return mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)


def bell_logistic(z):
    scale = mpmath.sqrt(3) / mpmath.pi
    return above_logistic(z) * above_logistic(-z) / scale


CURVES = {DiscretisedNormal: (above_normal, bell_normal), DiscretisedLogistic: (above_logistic, bell_logistic)}


def exact(kind, x, mean, std, levels=256):
    """log P(x) and its slopes along mean and log std, from the definition, with 60 digits."""
    above, bell = CURVES[kind]
    mean, std = mpf(mean), mpf(std)
    a, b = (mpf(x) - mpf(1) / 2 - mean) / std, (mpf(x) + mpf(1) / 2 - mean) / std
    if x == 0:
        mass, at_a, at_b = above(-b), mpf(0), bell(b)
    elif x == levels - 1:
        mass, at_a, at_b = above(a), bell(a), mpf(0)
    else:
        mass = above(a) - above(b) if a + b > 0 else above(-b) - above(-a)
        at_a, at_b = bell(a), bell(b)
    along_mean, along_log_std = (at_a - at_b) / std / mass, (at_a * a - at_b * b) / mass
    return float(mpmath.log(mass)), float(along_mean), float(along_log_std)


def computed(kind, x, output, std, dtype):
    """The same by torch: (value, slope along the mean, slope along log std), and the mean that outputs stand for."""
    likelihood, outputs = kind(std, learned=True), torch.tensor([[output]], dtype=dtype, requires_grad=True)
    value = likelihood(outputs).log_prob(torch.tensor([[float(x)]], dtype=dtype))
    value.backward()
    mean = 255 * float(outputs.detach().double())
    return (value.item(), outputs.grad.item() / 255, likelihood.log_std.grad.item()), mean, likelihood.std.item()


FAR = [(250, 5.0), (255, 127.5), (0, 127.5), (255, -1e4), (0, 1e4), (17, -300.0), (128, 127.0), (128, 128.0), (1, 0.0)]
STDS = [1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 30.0, 300.0, 1e5]


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("kind", CURVES)
@pytest.mark.parametrize("std", STDS)
@pytest.mark.parametrize("x, mean", FAR)
def test_a_discretised_mass_and_its_slopes_far_out(kind, dtype, std, x, mean):
    got, mean, std = computed(kind, x, mean / 255, std, dtype)
    rtol = 2e-6 if dtype == SINGLE else 1e-9
    expected = exact(kind, x, mean, std)
    np.testing.assert_allclose(got[0], expected[0], rtol=rtol, atol=rtol)
    np.testing.assert_allclose(got[1:], expected[1:], rtol=rtol, atol=1e-11)


@maths
@given(
    st.sampled_from([*CURVES]),
    st.sampled_from([SINGLE, DOUBLE]),
    st.integers(0, 255),
    st.floats(-3, 4),
    st.floats(-3, 4),
)
def test_a_discretised_mass_and_its_slopes_anywhere(kind, dtype, x, output, log_std):
    got, mean, std = computed(kind, x, output, 10.0**log_std, dtype)
    np.testing.assert_allclose(got, exact(kind, x, mean, std), rtol=3e-6 if dtype == SINGLE else 1e-8, atol=1e-9)


@maths
@given(st.sampled_from([*CURVES]), st.integers(0, 255), st.floats(-1000, 1000), st.floats(-3, 4))
def test_the_numpy_mass_is_the_same_number(kind, x, mean, log_std):
    std = 10.0**log_std
    if kind is DiscretisedNormal:
        got = densities.log_discretised_normal(x, mean, std)
    else:
        got = densities.log_discretised_logistic(x, mean, std * math.sqrt(3) / math.pi)
    np.testing.assert_allclose(got, exact(kind, x, mean, std)[0], rtol=1e-9, atol=1e-11)


def test_slopes_of_slopes_are_there_too():
    x = torch.tensor([[250.0, 0.0, 255.0, 3.0]], dtype=DOUBLE)
    outputs = torch.tensor([[0.3, 0.1, 0.9, 0.5]], dtype=DOUBLE, requires_grad=True)
    for kind in CURVES:
        assert torch.autograd.gradgradcheck(lambda o, kind=kind: kind(20.0)(o).log_prob(x), (outputs,))


@pytest.mark.parametrize("levels", [2, 3, 16, 1024])
@pytest.mark.parametrize("kind", CURVES)
def test_other_numbers_of_levels_and_float32_masses_sum_to_one(kind, levels):
    x = torch.arange(levels, dtype=SINGLE)[:, None]
    total = kind(1.3, levels=levels)(torch.full((levels, 1), 0.4)).log_prob(x).double().exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-6)


# ---------------------------------------------------------------- binary pixels

LOGITS = [-1e4, -745.0, -100.0, -30.0, -17.0, -1.0, 0.0, 1.0, 17.0, 30.0, 60.0, 80.0, 1e4]


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("x", [0, 1])
@pytest.mark.parametrize("logit", LOGITS)
def test_binary_pixels_far_out(dtype, x, logit):
    outputs = torch.tensor([[logit]], dtype=dtype, requires_grad=True)
    value = Bernoulli()(outputs).log_prob(torch.tensor([[float(x)]], dtype=dtype))
    value.backward()
    signed = mpf(logit) * (2 * x - 1)
    log_p = float(-mpmath.log1p(mpmath.exp(-signed)))
    slope = float((2 * x - 1) / (1 + mpmath.exp(signed)))
    tiny, rtol = torch.finfo(dtype).tiny, 8 * torch.finfo(dtype).eps
    np.testing.assert_allclose(value.item(), log_p, rtol=rtol, atol=tiny)
    np.testing.assert_allclose(outputs.grad.item(), slope, rtol=rtol, atol=tiny)
    np.testing.assert_allclose(densities.log_bernoulli([x], [logit]), log_p, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize(
    "logits", [[0.0, 40.0], [0.0, 800.0, -3.0], [5.0, -1e4, 5.0], [700.0, -700.0, 0.0, 1.0], [3.0]]
)
def test_a_category_far_out(logits):
    top = max(map(mpf, logits))
    for k in range(len(logits)):
        others = sum(mpmath.exp(mpf(v) - mpf(logits[k])) for j, v in enumerate(logits) if j != k)
        expected = (
            float(-mpmath.log1p(others))
            if mpf(logits[k]) == top
            else float(mpf(logits[k]) - top - mpmath.log(sum(mpmath.exp(mpf(v) - top) for v in logits)))
        )
        got = densities.log_categorical(k, logits)
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-300)


# ---------------------------------------------------------------- densities


@pytest.mark.parametrize("x, mean, std", [(1e6, -3.0, 1e-3), (250.0, 5.0, 0.01), (1e-6, 0.0, 1e-8), (1e4, 0.0, 30.0)])
def test_a_gaussian_and_its_slopes_far_out(x, mean, std):
    likelihood, outputs = Gaussian(std, learned=True), torch.tensor([[mean]], requires_grad=True)
    pixel = torch.tensor([[x]])
    value = likelihood(outputs).log_prob(pixel)
    value.backward()
    z = (mpf(pixel.item()) - mpf(outputs.item())) / mpf(likelihood.std.item())
    std = mpf(likelihood.std.item())
    expected = -z * z / 2 - mpmath.log(std) - mpmath.log(2 * mpmath.pi) / 2
    got = (value.item(), outputs.grad.item(), likelihood.log_std.grad.item())
    np.testing.assert_allclose(got, [float(expected), float(z / std), float(z * z - 1)], rtol=2e-6)
    np.testing.assert_allclose(
        densities.log_normal(pixel.item(), outputs.item(), likelihood.std.item()), float(expected)
    )


# ---------------------------------------------------------------- choices

CHOICES = [[50.0, 0.0], [0.0, 40.0, 39.0], [-200.0, 3.0, 400.0], [0.0, 0.0, -80.0], [1.0, 2.0, 3.0]]


def choice(logits):
    top = max(logits)
    weights = [mpmath.exp(mpf(v) - top) for v in logits]
    return [w / sum(weights) for w in weights]


@pytest.mark.parametrize("logits", CHOICES)
def test_the_gradient_of_a_choice_that_is_nearly_made(logits):
    """q_k sum_j q_j (f_k - f_j): also where q is 1 to the last digit, so that f_k - E f would cancel to 0."""
    f, q = [mpf(3) / (k + 2) for k in range(len(logits))], choice(logits)
    expected = [float(q[k] * sum(q[j] * (f[k] - f[j]) for j in range(len(f)))) for k in range(len(f))]
    values = torch.tensor([float(value) for value in f], dtype=DOUBLE)
    got = categorical.enumerated_gradient(lambda y: y @ values, torch.tensor(logits, dtype=DOUBLE))
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=0)
    through = categorical.straight_through_gradient(lambda y: y @ values, torch.tensor(logits, dtype=DOUBLE), 3, 0)
    np.testing.assert_allclose(through, np.tile(expected, (3, 1)), rtol=1e-9, atol=0)  # exact where f is linear


@pytest.mark.parametrize("logits", CHOICES)
def test_the_score_of_a_choice_that_is_nearly_made(logits):
    q = choice(logits)
    got = categorical.choice_score_function_gradient(lambda y: y.sum(1), torch.tensor(logits, dtype=DOUBLE), 5, 0)
    for row in got.tolist():
        drawn = int(np.argmax(row))
        expected = [
            float(sum(q[j] for j in range(len(q)) if j != k)) if k == drawn else -float(q[k]) for k in range(len(q))
        ]
        np.testing.assert_allclose(row, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 1.0, 50.0])
@pytest.mark.parametrize("logits", CHOICES)
def test_relaxed_choices_are_torchs_and_finite_far_out(logits, temperature, hard):
    values = torch.tensor([1.0, -2.0, 0.5][: len(logits)], dtype=DOUBLE)
    logits = torch.tensor(logits, dtype=DOUBLE)
    got = categorical.gumbel_softmax_gradient(lambda y: y @ values, logits, temperature, 7, 3, hard=hard)
    rows = logits.clone().requires_grad_()
    y = categorical.gumbel_softmax(rows, temperature, 7, 3)
    assert torch.isfinite(y).all() and torch.isfinite(got).all()
    each = torch.stack([torch.autograd.grad(row @ values, rows, retain_graph=True)[0] for row in y])
    torch.testing.assert_close(got, each, rtol=1e-9, atol=1e-13)


class Fixed(token_priors.TokenPrior):
    """A prior whose logits are given, (M, K)."""

    def __init__(self, logits):
        super().__init__(logits.shape[1], len(logits))
        self.table = torch.nn.Parameter(logits)

    def _logits(self, tokens, labels):
        return self.table.expand(len(tokens), *self.table.shape)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("logits", [*CHOICES, [20.0, 0.0], [0.0, 20.0, -5.0, 19.0], [7.0]])
def test_the_slope_of_a_token_that_is_nearly_certain(logits, temperature, dtype):
    q = choice([mpf(v) / mpf(temperature) for v in logits])
    for token in range(len(logits)):
        prior = Fixed(torch.tensor([logits, logits], dtype=dtype))
        value = prior.log_prob([[token, token]], temperature=temperature)
        value.backward()
        others = sum(q[j] for j in range(len(q)) if j != token)
        expected = [float((others if k == token else -q[k]) / mpf(temperature)) for k in range(len(q))]
        rtol = 1e-4 if dtype == SINGLE else 1e-10
        np.testing.assert_allclose(prior.table.grad[0], expected, rtol=rtol, atol=torch.finfo(dtype).tiny)
        np.testing.assert_allclose(value.item(), float(2 * mpmath.log(q[token])), rtol=rtol, atol=1e-6)


def test_the_slopes_of_a_choice_are_right_for_any_weights_and_twice():
    logits = torch.tensor([[1.0, 0.3, -2.0], [9.0, 0.0, 1.0]], dtype=DOUBLE, requires_grad=True)
    prior = Fixed(torch.zeros(2, 3, dtype=DOUBLE))
    prior._logits = lambda tokens, labels: logits[None].expand(len(tokens), -1, -1)

    def table(_):
        return prior.conditionals([[0, 1]])

    assert torch.autograd.gradcheck(table, (logits,)) and torch.autograd.gradgradcheck(table, (logits,))


# ---------------------------------------------------------------- two components, far apart


@pytest.mark.parametrize("x", [0.3, 5.0, 20.0, -20.0, 300.0])
@pytest.mark.parametrize("theta_q, theta", [(1.0, 2.0), (1.25, 2.5), (-0.7, 1.5), (2.0, -3.0)])
def test_the_landscapes_slope_and_gap_far_out(x, theta_q, theta):
    flat = landscape.Landscape([x], 1.0)
    x, theta_q, theta = mpf(x), mpf(theta_q), mpf(theta)
    slope = (theta - theta_q) * x**2 / mpmath.cosh(theta_q * x) ** 2
    np.testing.assert_allclose(flat.slopes(float(theta_q), float(theta))[0], float(slope), rtol=1e-9, atol=1e-300)
    with mpmath.workdps(2000):  # q / p is 1 to hundreds of digits
        q, p = (1 / (1 + mpmath.exp(-2 * t * x)) for t in (theta_q, theta))
        kl = q * mpmath.log(q / p) + (1 - q) * mpmath.log((1 - q) / (1 - p))
    np.testing.assert_allclose(flat.gap(float(theta_q), float(theta)), float(kl), rtol=1e-9, atol=1e-300)


# ---------------------------------------------------------------- a plane of codes, a spread q


@pytest.mark.parametrize("std", [1.0, 0.1, 0.05, 0.02, 0.005])
@pytest.mark.parametrize("steep", [1.0, 60.0])
def test_a_narrow_density_of_codes_and_a_steep_decoder(std, steep):
    """Where one of the two factors peaks, the other is far below the least number that there is."""
    decoder = torch.nn.Linear(2, 784).double()
    with torch.no_grad():
        decoder.weight.copy_(steep * torch.randn(784, 2, generator=torch.Generator().manual_seed(1)).double() / 30)
    x = (torch.rand(3, 784, generator=torch.Generator().manual_seed(0)) < 0.5).double()
    rho = GaussianMixture.spherical([1.0], [[2.0, 2.0]], std)
    found = latent_plane.evidence(decoder, x, {"rho": rho}, low=-4, high=4, side=201)["rho"]
    for side, value in ((201, found.value), (101, found.halved)):
        grid = quadrature.plane(-4, 4, side)
        log_px = latent_plane.log_px_at(decoder, grid.points, x).numpy()
        expected = [quadrature.log_integral(row + rho.evidence(grid.points), grid) for row in log_px]
        np.testing.assert_allclose(value, expected, rtol=1e-9)


class Box:
    """A density that is 0 outside a square."""

    def evidence(self, z):
        return np.where((np.abs(z) <= 0.5).all(1), 0.0, -np.inf)


def test_a_density_of_codes_may_be_0_over_whole_blocks():
    decoder, x = torch.nn.Linear(2, 9).double(), torch.ones(1, 9).double()
    found = latent_plane.evidence(decoder, x, {"box": Box()}, low=-4, high=4, side=161)["box"]
    grid = quadrature.plane(-0.5, 0.5, 21)
    log_px = latent_plane.log_px_at(decoder, grid.points, x).numpy()[0]
    assert found.value[0] == pytest.approx(quadrature.log_integral(log_px, grid), abs=0.2)  # the box's edge is a step


@pytest.mark.parametrize("temperature", [1e-12, 1e-6, 1.0, 1e6, 1e300])
def test_a_spread_q_is_one_code_or_all_of_them_at_the_ends(temperature):
    model = conv_vqvae(VectorQuantizer(3, 2, seed=0, start="random"), 4, 4, seed=0).double().eval()
    x, prior = torch.zeros(2, 16), token_priors.UniformPrior(3, 1)
    log_q = token_bounds.spread_log_q(model, x, temperature)
    np.testing.assert_allclose(log_q.exp().sum(-1), 1.0)
    if temperature < 1e-5:
        assert torch.equal(log_q.argmax(-1), model.tokens(x)) and log_q.max() == 0.0
        expected = model.elbo_terms(x, prior).elbo
    elif temperature > 1e5:
        np.testing.assert_allclose(log_q, -math.log(3), atol=1e-5)
        every = torch.stack([model.log_px_z(x, torch.full((2, 1), k)) for k in range(3)])
        expected = every.logsumexp(0) - math.log(3)
    bound = token_bounds.spread_bound(model, prior, x, 0, temperature=temperature, samples=4000)
    assert all(torch.isfinite(part).all() for part in bound)
    if temperature != 1.0:
        np.testing.assert_allclose(bound.value, expected.detach(), atol=0.05)
