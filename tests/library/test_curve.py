"""The noisy curve, against other quadrature rules, sampling, and closed forms for a line or a parabola."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from lvm_lib.bounds import GaussianQ
from lvm_lib.curve import Curve, QuadraticCurve, TanhNetwork, tanh_network
from lvm_lib.ppca import LinearGaussian
from lvm_lib.quadrature import hermite, line, log_integral, plane

maths = settings(deadline=None, derandomize=True, max_examples=50)
few = settings(deadline=None, derandomize=True, max_examples=20)
EXACT = {"rtol": 1e-8, "atol": 1e-8}


def told(terms):
    """The terms of an ELBO that the model tells."""
    return [term for term in vars(terms).values() if term is not None]


def wavy(std=0.4):
    return Curve(tanh_network(2, 6, 3), std)


def parabolas():
    return st.builds(QuadraticCurve, st.floats(-3, 3), st.floats(-3, 3), st.floats(0.2, 3))


def gaussian_qs(n=3):
    """One Gaussian per data point."""
    means = st.lists(st.floats(-3, 3), min_size=n, max_size=n)
    stds = st.lists(st.floats(0.05, 2), min_size=n, max_size=n)
    return st.builds(lambda m, s: GaussianQ.diagonal(np.array(m)[:, None], np.array(s)[:, None]), means, stds)


def trapezoid_evidence(model, x):
    """log p(x) on a fixed, very fine line, from SciPy's densities alone."""
    z = np.linspace(-14, 14, 20001)
    log_px_z = stats.norm(model.decode(z[:, None]), model.std).logpdf(x[:, None, :]).sum(axis=2)
    values = log_px_z + stats.norm.logpdf(z)
    largest = values.max(axis=1, keepdims=True)
    return np.log(np.exp(values - largest).sum(axis=1) * (z[1] - z[0])) + largest[:, 0]


# ------------------------------------------------------------------ evidence and posterior


@pytest.mark.parametrize("std", [0.4, 1.0, np.array([0.4, 1.5])])
def test_evidence_agrees_with_gauss_hermite_against_the_prior(std):
    """Another rule with other nodes: N(0, 1) sits in its weights, so only the likelihood is summed."""
    model = Curve(lambda z: np.hstack([np.sin(z), z / 2 + z**2 / 6]), std)
    x, _ = model.sample(5, 0)
    rule = hermite(150)
    log_px_z = np.stack([model.log_px_z(x, np.full((5, 1), z)) for z in rule.points[:, 0]], axis=1)
    np.testing.assert_allclose(model.evidence(x), log_integral(log_px_z, rule), **EXACT)


@pytest.mark.parametrize("std", [0.05, 0.4, np.array([0.4, 1.5])])
def test_evidence_of_a_network_curve_agrees_with_gauss_legendre_panels(std):
    """A network's steep units slow Gauss-Hermite down (poles near the real line); many short panels do not mind."""
    model = wavy(std)
    x, _ = model.sample(5, 0)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    z = (np.linspace(-10, 10, 401)[:-1, None] + 0.025 * (nodes + 1)).ravel()
    joint = stats.norm(model.decode(z[:, None]), std).logpdf(x[:, None, :]).sum(axis=2) + stats.norm.logpdf(z)
    np.testing.assert_allclose(model.evidence(x), np.log(np.exp(joint) @ np.tile(0.025 * weights, 400)), **EXACT)


def test_evidence_agrees_with_adaptive_quadrature():
    model = wavy()
    x, _ = model.sample(3, 1)
    for point, evidence in zip(x, model.evidence(x), strict=True):

        def joint(z, point=point):
            return np.exp(stats.norm(model.decode([[z]])[0], model.std).logpdf(point).sum() + stats.norm.logpdf(z))

        value, _ = integrate.quad(joint, -9, 9, epsabs=0, epsrel=1e-11, limit=500)
        assert evidence == pytest.approx(np.log(value), abs=1e-8)


@pytest.mark.parametrize("model", [wavy(), QuadraticCurve(1.0, 0.7, 0.5)])
def test_evidence_agrees_with_naive_monte_carlo(model):
    x, _ = model.sample(4, 2)
    z = np.random.default_rng(7).standard_normal((200000, 1))
    for point, evidence in zip(x, model.evidence(x), strict=True):
        likelihood = np.exp(stats.norm(model.decode(z), model.std).logpdf(point).sum(axis=1))
        error = likelihood.std() / np.sqrt(len(z))
        assert abs(likelihood.mean() - np.exp(evidence)) < 4 * error
        assert error < 0.05 * np.exp(evidence)  # the check is worth something


@few
@given(parabolas())
def test_evidence_of_a_parabola_on_a_fine_fixed_line(model):
    x, _ = model.sample(4, 3)
    np.testing.assert_allclose(model.evidence(x), trapezoid_evidence(model, x), **EXACT)


def test_both_ways_to_the_distances_agree_in_many_dimensions():
    """A small std in 40 dimensions takes differences, a large one a matrix product; both against SciPy."""
    for std in (1e-3, 0.5):
        model = Curve(tanh_network(40, 5, 1), std)
        x, _z = model.sample(3, 4)
        grid = line(-1, 1, 7)
        expected = stats.norm(model.decode(grid.points), std).logpdf(x[:, None, :]).sum(axis=2) + stats.norm.logpdf(
            grid.points[:, 0]
        )
        np.testing.assert_allclose(model.log_joint_on(x, grid), expected, rtol=1e-10)


def test_no_digits_cancel_where_the_curve_passes_close_by():
    """|x / std|^2 is about 1e13 here, and the distance to the nearest curve point is 1."""
    model, grid = Curve(tanh_network(40, 5, 1), 1e-6), line(-1, 1, 50)
    x = model.decode(grid.points) + 1e-6 / np.sqrt(40)
    nearest = -0.5 - 20 * np.log(2 * np.pi) - 40 * np.log(1e-6) + stats.norm.logpdf(grid.points[:, 0])
    np.testing.assert_allclose(np.diag(model.log_joint_on(x, grid)), nearest, rtol=0, atol=1e-6)


def test_the_density_of_x_integrates_to_one():
    model = wavy(0.5)
    rule = plane(-7, 7, 81)
    grid = model.settled_grid(np.array([[0.0, 0.0], [3.0, -3.0]]))
    assert log_integral(model.evidence(rule.points, grid), rule) == pytest.approx(0, abs=1e-8)


def test_log_joint_is_prior_plus_likelihood_for_one_latent_or_many():
    model = wavy(np.array([0.4, 1.5]))
    x, z = model.sample(4, 5)
    expected = stats.norm(model.decode(z), model.std).logpdf(x).sum(axis=1) + stats.norm.logpdf(z[:, 0])
    np.testing.assert_allclose(model.log_joint(x, z), expected, **EXACT)
    many = np.stack([z, 2 * z, z - 1])
    np.testing.assert_allclose(model.log_joint(x, many), [model.log_joint(x, each) for each in many], rtol=1e-12)
    grid = line(-2, 2, 5)
    columns = [model.log_joint(x, np.full((4, 1), point)) for point in grid.points[:, 0]]
    np.testing.assert_allclose(model.log_joint_on(x, grid), np.stack(columns, axis=1), **EXACT)


def test_the_posterior_integrates_to_one_and_obeys_bayes_rule():
    model = wavy(0.2)
    x, _ = model.sample(6, 6)
    grid = model.settled_grid(x)
    log_posterior = model.log_posterior_on(x, grid)
    np.testing.assert_allclose(np.exp(log_posterior) @ np.exp(grid.log_weights), 1, rtol=1e-10)
    np.testing.assert_allclose(
        model.log_joint_on(x, grid) - log_posterior,
        np.broadcast_to(trapezoid_evidence(model, x)[:, None], log_posterior.shape),
        **EXACT,
    )


def test_a_folded_curve_has_a_posterior_with_two_peaks():
    """g(z) = z^2 / 2 cannot tell z from -z: the posterior is even, and falls between its two peaks."""
    model = QuadraticCurve(0.0, 1.0, 0.1)
    x = np.array([[2.0]])
    grid = line(-4, 4, 4001)
    log_posterior = model.log_posterior_on(x, grid)[0]
    np.testing.assert_allclose(log_posterior, log_posterior[::-1], atol=1e-8)
    peak = abs(grid.points[log_posterior.argmax(), 0])
    # stationary points: z ((x - z^2 / 2) / std^2 - 1) = 0
    assert peak == pytest.approx(np.sqrt(2 * (2 - 0.01)), abs=0.002)
    assert log_posterior[2000] < log_posterior.max() - 100


def test_a_settled_grid_is_fine_enough_and_a_coarse_one_is_not():
    model = Curve(lambda z: np.hstack([z, z**2]), 0.03)
    x, _ = model.sample(20, 8)
    grid = model.settled_grid(x)
    posterior = np.exp(model.log_posterior_on(x, grid) + grid.log_weights)
    mean = posterior @ grid.points[:, 0]
    std = np.sqrt(posterior @ grid.points[:, 0] ** 2 - mean**2)
    spacing = grid.points[1, 0] - grid.points[0, 0]
    assert spacing <= std.min() / 2
    fine = line(grid.points[0, 0], grid.points[-1, 0], 4 * len(grid))
    np.testing.assert_allclose(model.evidence(x), model.evidence(x, fine), **EXACT)
    assert np.abs(model.evidence(x, line(-8, 8, 161)) - model.evidence(x)).max() > 0.1  # spacing 0.1, std 0.03


def test_a_point_far_from_the_curve_has_a_finite_evidence():
    model = wavy(0.1)
    x = np.array([[100.0, -100.0]])
    np.testing.assert_allclose(model.evidence(x), trapezoid_evidence(model, x), rtol=1e-8)
    far_along = QuadraticCurve(1.0, 0.0, 0.1)  # posterior mean near z = 30
    assert far_along.evidence([[30.0]])[0] == pytest.approx(stats.norm(0, np.sqrt(1.01)).logpdf(30.0), rel=1e-9)


# ------------------------------------------------------------------ the quadratic curve


@maths
@given(parabolas(), gaussian_qs())
def test_the_closed_elbo_is_the_integral_under_q(model, q):
    """Gauss-Hermite with eight nodes is exact up to degree 15; the joint is a quartic in z."""
    x, _ = model.sample(3, 9)
    terms = model.elbo_terms(q, x)
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / np.sqrt(2 * np.pi)
    z = q.mean + np.sqrt(q.cov[:, :, 0]) * nodes  # (n, 8)
    g = model.slope * z + model.bend * z**2 / 2
    log_px_z, log_pz = stats.norm(g, model.std).logpdf(x), stats.norm.logpdf(z)
    log_qz = stats.norm(q.mean, np.sqrt(q.cov[:, :, 0])).logpdf(z)
    np.testing.assert_allclose(terms.reconstruction, log_px_z @ weights, **EXACT)
    np.testing.assert_allclose(terms.kl, (log_qz - log_pz) @ weights, **EXACT)
    np.testing.assert_allclose(terms.expected_log_joint, (log_px_z + log_pz) @ weights, **EXACT)
    np.testing.assert_allclose(terms.entropy, -log_qz @ weights, **EXACT)
    np.testing.assert_allclose(model.elbo(q, x), (log_px_z + log_pz - log_qz) @ weights, **EXACT)


@few
@given(parabolas(), gaussian_qs())
def test_evidence_is_elbo_plus_kl(model, q):
    """Closed form plus quadrature of one density against the other: evidence by SciPy on a third grid."""
    x, _ = model.sample(3, 10)
    gap = model.kl_to_posterior(q, x)
    np.testing.assert_allclose(model.elbo(q, x) + gap, trapezoid_evidence(model, x), **EXACT)
    assert (gap > -1e-9).all()


@few
@given(st.floats(-3, 3), st.floats(0.2, 3), gaussian_qs())
def test_without_bend_it_is_the_linear_gaussian_model(slope, std, q):
    model, linear = QuadraticCurve(slope, 0.0, std), LinearGaussian([[slope]], [0.0], std**2)
    x, z = model.sample(3, 11)
    np.testing.assert_allclose(model.log_joint(x, z), linear.log_joint(x, z), **EXACT)
    np.testing.assert_allclose(model.evidence(x), linear.evidence(x), **EXACT)
    for one, other in zip(told(model.elbo_terms(q, x)), told(linear.elbo_terms(q, x)), strict=True):
        np.testing.assert_allclose(one, other, **EXACT)
    np.testing.assert_allclose(model.kl_to_posterior(q, x), linear.kl_to_posterior(q, x), **EXACT)
    exact, grid = linear.posterior(x), model.settled_grid(x)
    np.testing.assert_allclose(
        model.log_posterior_on(x, grid),
        stats.norm(exact.mean, np.sqrt(exact.cov[:, :, 0])).logpdf(grid.points[:, 0]),
        atol=1e-7,
    )
    np.testing.assert_allclose(model.kl_to_posterior(exact, x), 0, atol=1e-8)


def test_with_a_bend_no_gaussian_closes_the_gap():
    model, x = QuadraticCurve(1.0, 1.5, 0.4), np.array([[1.0]])
    gaps = [
        model.kl_to_posterior(GaussianQ([[m]], [[[s**2]]]), x)[0]
        for m in np.linspace(-3.5, 1.5, 26)
        for s in np.geomspace(0.05, 1.5, 15)
    ]
    assert min(gaps) > 0.05


def test_the_gap_of_a_network_curve_is_evidence_minus_sampled_elbo():
    model, draws = wavy(), 40000
    x, _ = model.sample(3, 12)
    q = GaussianQ.diagonal(np.array([[0.5], [-1.0], [0.0]]), 0.6)
    z = q.sample(draws, 1)
    values = model.log_joint(x, z) - q.log_prob(z)
    error = values.std(axis=0) / np.sqrt(draws)
    assert (np.abs(model.evidence(x) - values.mean(axis=0) - model.kl_to_posterior(q, x)) < 4 * error).all()


def test_a_parabola_is_a_curve():
    parabola = QuadraticCurve(1.2, -0.7, 0.3)
    curve = Curve(lambda z: 1.2 * z - 0.35 * z**2, 0.3)
    x, z = parabola.sample(5, 13)
    same, _ = curve.sample(5, 13)
    np.testing.assert_allclose(x, same, rtol=1e-12)
    np.testing.assert_allclose(parabola.evidence(x), curve.evidence(x), **EXACT)
    np.testing.assert_allclose(parabola.log_joint(x, z), curve.log_joint(x, z), **EXACT)


# ------------------------------------------------------------------ sampling and the network


def test_samples_of_a_parabola_have_its_moments():
    """E[x] = bend / 2, var[x] = slope^2 + bend^2 / 2 + std^2, cov(x, z) = slope."""
    model, n = QuadraticCurve(1.0, 0.8, 0.5), 100000
    x, z = (array[:, 0] for array in model.sample(n, 14))
    variance = 1 + 0.32 + 0.25
    assert abs(x.mean() - 0.4) < 4 * np.sqrt(variance / n)
    products = (x - 0.4) * z
    assert abs(products.mean() - 1.0) < 4 * products.std() / np.sqrt(n)
    squares = (x - 0.4) ** 2
    assert abs(squares.mean() - variance) < 4 * squares.std() / np.sqrt(n)
    assert abs(z.mean()) < 4 / np.sqrt(n) and abs((z**2).mean() - 1) < 4 * np.sqrt(2 / n)


def test_samples_scatter_around_the_curve_with_the_stated_std():
    std, n = np.array([0.2, 0.7]), 50000
    model = wavy(std)
    x, z = model.sample(n, 15)
    residual = (x - model.decode(z)) / std
    assert x.shape == (n, 2) and z.shape == (n, 1)
    assert (np.abs(residual.mean(axis=0)) < 4 / np.sqrt(n)).all()
    assert (np.abs((residual**2).mean(axis=0) - 1) < 4 * np.sqrt(2 / n)).all()


def test_the_samples_histogram_is_the_evidence():
    model, n = QuadraticCurve(0.5, 1.0, 0.4), 50000
    x, _ = model.sample(n, 16)
    edges = np.linspace(-1.5, 4, 23)
    counts, _ = np.histogram(x, edges)
    fine = np.linspace(edges[0], edges[-1], 22 * 40 + 1)
    density = np.exp(model.evidence(fine[:, None]))
    mass = np.array([integrate.simpson(density[40 * i : 40 * i + 41], fine[40 * i : 40 * i + 41]) for i in range(22)])
    assert (np.abs(counts / n - mass) < 4.5 * np.sqrt(mass / n)).all()


def test_equal_seeds_give_equal_samples_and_a_generator_moves_on():
    model, generator = wavy(), np.random.default_rng(0)
    np.testing.assert_array_equal(model.sample(5, 0)[0], model.sample(5, generator)[0])
    assert not np.array_equal(model.sample(5, generator)[0], model.sample(5, 0)[0])


def test_the_network_is_torchs_network():
    network = tanh_network(3, 7, 0)
    peer = torch.nn.Sequential(torch.nn.Linear(1, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3)).double()
    values = (network.hidden_weights.T, network.hidden_bias, network.output_weights.T, network.output_bias)
    for parameter, value in zip(peer.parameters(), values, strict=True):
        parameter.data = torch.tensor(value.copy())
    z = np.linspace(-3, 3, 11)[:, None]
    np.testing.assert_allclose(network(z), peer(torch.tensor(z)).detach().numpy(), rtol=1e-12, atol=1e-12)


def test_the_network_follows_its_seed_and_its_gain():
    np.testing.assert_array_equal(tanh_network(2, 4, 5).hidden_weights, tanh_network(2, 4, 5).hidden_weights)
    assert not np.array_equal(tanh_network(2, 4, 5).hidden_weights, tanh_network(2, 4, 6).hidden_weights)
    np.testing.assert_allclose(tanh_network(2, 4, 5, gain=3).hidden_bias, 2 * tanh_network(2, 4, 5).hidden_bias)
    wide = tanh_network(1, 100000, 0)
    assert wide.hidden_weights.std() == pytest.approx(1.5, rel=0.01)
    assert (wide.output_weights**2).sum() == pytest.approx(1, rel=0.02)


def test_decode_keeps_leading_axes():
    for model in (wavy(), QuadraticCurve(1.0, 2.0, 0.1)):
        z = np.random.default_rng(0).normal(size=(3, 4, 1))
        one_by_one = np.stack([model.decode(part) for part in z])
        np.testing.assert_allclose(model.decode(z), one_by_one, rtol=1e-12, atol=1e-14)
    assert QuadraticCurve(1.0, 2.0, 0.1).decode([[3.0]])[0, 0] == 12


# ------------------------------------------------------------------ refusals

NETWORK = [np.ones((1, 3)), np.ones(3), np.ones((3, 2)), np.ones(2)]


@pytest.mark.parametrize(
    "build, error, message",
    [
        (lambda: Curve(3.0, 1.0), TypeError, "decoder must be a function"),
        (lambda: Curve(lambda z: z[:, 0], 1.0), ValueError, r"decoder\(z\) must have 2 axes"),
        (lambda: Curve(lambda z: np.zeros((7, 2)), 1.0), ValueError, "decoder must turn"),
        (lambda: Curve(lambda z: z * np.nan, 1.0), ValueError, r"decoder\(z\) must be finite"),
        (lambda: Curve(lambda z: z, 0.0), ValueError, "std must be positive"),
        (lambda: Curve(lambda z: z, [1.0, 1.0]), ValueError, "std must be a number or"),
        (lambda: Curve(lambda z: z, "wide"), TypeError, "std"),
        (lambda: QuadraticCurve(np.nan, 0.0, 1.0), ValueError, "slope must be finite"),
        (lambda: QuadraticCurve(1.0, [1.0], 1.0), ValueError, "bend must have 0 axes"),
        (lambda: QuadraticCurve(1.0, None, 1.0), TypeError, "bend"),
        (lambda: QuadraticCurve(1.0, 0.0, -1.0), ValueError, "std must be positive"),
        (lambda: TanhNetwork(np.ones((2, 3)), *NETWORK[1:]), ValueError, "hidden_weights must have shape"),
        (lambda: TanhNetwork(NETWORK[0], np.ones(4), *NETWORK[2:]), ValueError, "hidden_bias must have shape"),
        (lambda: TanhNetwork(*NETWORK[:3], np.ones(3)), ValueError, "output_bias must have shape"),
        (lambda: TanhNetwork(*NETWORK[:2], np.ones(3), NETWORK[3]), ValueError, "output_weights must have 2 axes"),
        (lambda: TanhNetwork(*NETWORK[:3], [np.inf, 0]), ValueError, "output_bias must be finite"),
        (lambda: tanh_network(0, 3, 0), ValueError, "dimensions must be at least 1"),
        (lambda: tanh_network(2, 1.5, 0), TypeError, "hidden must be an integer"),
        (lambda: tanh_network(2, 3, None), TypeError, "rng"),
        (lambda: tanh_network(2, 3, 0, gain=0), ValueError, "gain must be positive"),
        (lambda: tanh_network(2, 3, 0)(np.zeros(4)), ValueError, "z must have shape"),
    ],
)
def test_a_model_that_cannot_be_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


X, GRID = np.zeros((3, 1)), line(-8, 8, 101)
Q = GaussianQ(np.zeros((3, 1)), np.eye(1))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m: m.evidence(np.zeros((3, 2))), ValueError, "x must have D = 1"),
        (lambda m: m.evidence(np.zeros(3)), ValueError, "x must have 2 axes"),
        (lambda m: m.evidence([[np.nan]]), ValueError, "x must be finite"),
        (lambda m: m.evidence(np.zeros((0, 1)), GRID), ValueError, "x must not be empty"),
        (lambda m: m.evidence("x", GRID), TypeError, "x must be an array"),
        (lambda m: m.evidence(X, np.linspace(-8, 8, 9)), TypeError, "grid must be a quadrature.Grid"),
        (lambda m: m.evidence(X, plane(-1, 1, 3)), ValueError, "grid must have points of shape"),
        (lambda m: m.log_posterior_on(X, None), TypeError, "grid must be a quadrature.Grid"),
        (lambda m: m.kl_to_posterior(Q, X, 3), TypeError, "grid must be a quadrature.Grid"),
        (lambda m: m.kl_to_posterior(X, X), TypeError, "q must be a GaussianQ"),
        (lambda m: m.kl_to_posterior(Q, X[:2]), ValueError, "q must have a mean of shape"),
        (lambda m: m.elbo(GaussianQ(np.zeros((3, 2)), np.eye(2)), X), ValueError, "q must have a mean of shape"),
        (lambda m: m.elbo_terms(None, X), TypeError, "q must be a GaussianQ"),
        (lambda m: m.elbo(Q, [[np.inf]] * 3), ValueError, "x must be finite"),
        (lambda m: m.log_joint(X, np.zeros(3)), ValueError, "z must have shape"),
        (lambda m: m.log_px_z(X, np.zeros((2, 1))), ValueError, "z must have shape"),
        (lambda m: m.log_joint(X, np.full((3, 1), np.inf)), ValueError, "z must be finite"),
        (lambda m: m.decode(1.0), ValueError, "z must have shape"),
        (lambda m: m.sample(0, 0), ValueError, "n must be at least 1"),
        (lambda m: m.sample(1, "seed"), TypeError, "rng"),
        (lambda m: m.settled_grid(X, tolerance=0), ValueError, "tolerance must be positive"),
        (lambda m: QuadraticCurve(1.0, 0.0, 1e-9).settled_grid([[0.0], [1.0]]), ValueError, "must settle on a grid"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call(QuadraticCurve(1.0, 0.5, 0.4))


def test_a_grid_that_cuts_the_mass_is_taken_as_it_is():
    """A caller's grid is used, not repaired: the numbers are those of the truncated integral."""
    model, grid = QuadraticCurve(1.0, 0.0, 0.5), line(0, 1, 2001)
    posterior = stats.norm(0.8 * 0.5, np.sqrt(0.2))
    inside = posterior.cdf(1) - posterior.cdf(0)
    expected = model.evidence([[0.5]])[0] + np.log(inside)
    assert model.evidence([[0.5]], grid)[0] == pytest.approx(expected, abs=1e-6)
