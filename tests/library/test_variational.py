"""Four ways to fit one model: the models against independent routes, each way upwards, the best q of the family."""

import numpy as np
import pytest
import torch
from scipy import optimize

from lvm_lib import trainable_models, variational
from lvm_lib.bounds import GaussianQ
from lvm_lib.curve import Curve
from lvm_lib.ppca import LinearGaussian, fit_ppca


@pytest.fixture(scope="module")
def linear():
    rng = np.random.default_rng(0)
    truth = LinearGaussian(rng.normal(size=(6, 2)) * [2, 1], rng.normal(size=6), 0.5)
    return (
        truth.sample(300, rng)[0],
        truth.sample(60, rng)[0],
        trainable_models.LinearModel(rng.normal(size=(6, 2)) * 0.3, np.zeros(6), 1.5),
    )


@pytest.fixture(scope="module")
def bent():
    rng = np.random.default_rng(1)
    model = trainable_models.CurveModel(rng.normal(size=(8, 3)), 0.4)
    z = torch.tensor(rng.normal(size=150))
    x = model.decode(z).detach().numpy() + 0.4 * rng.normal(size=(150, 3))
    weights = np.zeros((8, 3))
    weights[1] = 0.3
    return model, x, trainable_models.CurveModel(weights, 1.0)


def some_q(n, latents, seed=0):
    rng = np.random.default_rng(seed)
    factor = np.tril(rng.normal(size=(n, latents, latents)) * 0.3)
    factor[:, range(latents), range(latents)] = rng.uniform(0.3, 0.8, size=(n, latents))
    return rng.normal(size=(n, latents)), factor


def test_linear_model_is_the_library_s_linear_gaussian(linear):
    x, _, model = linear
    mean, factor = some_q(len(x), 2)
    exact, xt = model.exact(), torch.tensor(x)
    with torch.no_grad():
        np.testing.assert_allclose(model.evidence(xt), exact.evidence(x), atol=1e-9)
        elbo = model.elbo(xt, torch.tensor(mean), torch.tensor(factor))
    np.testing.assert_allclose(elbo, exact.elbo(GaussianQ(mean, factor @ factor.swapaxes(1, 2)), x), atol=1e-9)


def test_curve_model_is_the_library_s_curve(bent):
    model, x, _ = bent
    std, xt = float(model.log_std.detach().exp()), torch.tensor(x)
    curve = Curve(lambda z: model.decode(torch.tensor(z[:, 0])).detach().numpy(), std)
    mean, factor = some_q(len(x), 1)
    with torch.no_grad():
        np.testing.assert_allclose(model.evidence(xt), curve.evidence(x), atol=1e-7)
        q = torch.tensor(mean), torch.tensor(factor)
        gap = model.evidence(xt) - model.elbo(xt, *q)
        draws = model.sampled_elbo(xt, *q, 4000, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(gap, curve.kl_to_posterior(GaussianQ(mean, factor**2), x), atol=1e-5)
    error = draws.std(1) / 4000**0.5
    assert ((draws.mean(1) - (model.evidence(xt) - gap).detach()).abs() < 5 * error).all()


def test_em_steps_never_lower_the_evidence(linear, bent):
    for x, start in ((linear[0], linear[2]), (bent[1], bent[2])):
        run = variational.climb("em", start, x, x[:20], passes=40, marks=range(1, 41))
        assert (np.diff(run.column("evidence")) > -1e-9).all()
        assert np.array_equal(run.column("evidence"), run.column("objective"))


def test_the_curve_s_m_step_is_a_maximum(bent):
    _, x, start = bent
    xt = torch.tensor(x)
    model = variational.climb("em", start, x, x, passes=3).model
    with torch.no_grad():
        masses = model.masses_on_grid(xt)
        model.em_step(xt)

    def expected(weights, log_std):
        squares = ((xt[:, None] - model.grid_features @ weights) ** 2).sum(2)
        return float(-(masses * squares).sum() / 2 * np.exp(-2 * log_std) - xt.numel() * log_std)

    weights, log_std = model.weights.detach(), float(model.log_std.detach())
    rng = np.random.default_rng(0)
    for _ in range(30):
        moved = weights + 0.01 * torch.tensor(rng.normal(size=tuple(weights.shape)))
        assert expected(moved, log_std + 0.01 * rng.normal()) < expected(weights, log_std)


def test_em_with_gaussian_q_climbs_the_elbo(bent):
    """Coordinate ascent with a restricted E-step: the ELBO never falls (the evidence may)."""
    model, x, _ = bent
    model, xt = variational.climb("em", model, x[:40], x[:40], passes=1).model, torch.tensor(x[:40])
    q, trace = variational.best_gaussian(model, xt), []
    for _ in range(5):
        with torch.no_grad():
            trace.append(float(model.elbo(xt, *q).sum()))
            model.m_step(xt, *q)
            trace.append(float(model.elbo(xt, *q).sum()))
        q = variational.best_gaussian(model, xt, begin=q, scan=False)
    assert (np.diff(trace) > -1e-9).all() and trace[1] > trace[0]


@pytest.mark.parametrize("way", variational.WAYS)
def test_every_way_reaches_the_closed_form(linear, way):
    x, test, start = linear
    before = start.loadings.detach().clone()
    run = variational.climb(way, start, x, test, passes=150, rate=0.03, batch=50)
    end, top = run.records[-1], fit_ppca(x, 2).evidence(x).mean()
    assert -1e-9 < top - end.evidence < 0.02
    assert -1e-9 < end.evidence - end.objective < 0.02
    assert end.objective_test <= end.evidence_test + 1e-9
    assert torch.equal(before, start.loadings)
    assert end.test_passes == (variational.INFER if way == "per point" else 1)


def test_a_run_repeats_and_begins_where_the_others_do(linear):
    x, test, start = linear
    runs = [variational.climb(way, start, x, test, passes=2, seed=3) for way in ("amortised", "amortised", "per point")]
    assert runs[0].records[-1].objective == runs[1].records[-1].objective
    assert len({run.records[0].evidence for run in runs}) == 1
    assert runs[0].records[0].objective == pytest.approx(runs[2].records[0].objective)


def test_best_gaussian_is_the_global_optimum(bent):
    model, x, _ = bent
    x = x[:6]
    xt = torch.tensor(x)
    with torch.no_grad():
        best = model.elbo(xt, *variational.best_gaussian(model, x))
        for i in range(len(x)):

            def minus(numbers, i=i):
                q = torch.full((1, 1), numbers[0]).double(), torch.full((1, 1, 1), np.exp(numbers[1])).double()
                return -float(model.elbo(xt[i : i + 1], *q))

            found = min(
                optimize.minimize(minus, [mean, -1.0], method="Nelder-Mead").fun for mean in np.linspace(-3, 3, 7)
            )
            assert -found <= float(best[i]) + 1e-6
        q = torch.zeros(6, 1).double(), torch.ones(6, 1, 1).double()
        assert (model.elbo(xt, *variational.best_gaussian(model, x, begin=q)) >= model.elbo(xt, *q)).all()


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"way": "vae"}, ValueError, "way must be one of em, evidence, per point, amortised"),
        ({"model": "ppca"}, TypeError, "model must be a LinearModel or a CurveModel"),
        ({"passes": 0}, ValueError, "passes must be at least 1"),
        ({"rate": 0.0}, ValueError, "rate must be a positive"),
        ({"marks": [9]}, ValueError, "marks must lie in 0 ... 2"),
        ({"x": [[np.nan] * 6]}, ValueError, "x must be finite"),
    ],
)
def test_bad_input_is_named(linear, arguments, error, message):
    x, test, start = linear
    given = {"way": "em", "model": start, "x": x, "test": test, "passes": 2, **arguments}
    with pytest.raises(error, match=message):
        variational.climb(given.pop("way"), given.pop("model"), given.pop("x"), given.pop("test"), **given)


def test_bad_models_are_named():
    with pytest.raises(ValueError, match="mean must have one entry per row"):
        trainable_models.LinearModel(np.ones((3, 2)), np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="at least 4 rows"):
        trainable_models.CurveModel(np.ones((3, 2)), 1.0)
    with pytest.raises(TypeError, match="model must be a CurveModel"):
        variational.best_gaussian(None, np.ones((2, 2)))
