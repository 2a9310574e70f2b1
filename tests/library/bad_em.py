"""The table of bad input for EM: its steps and fits, the Bernoulli mixture, the landscape, and the four ways."""

import copy
import functools

import numpy as np
from bad_input import Argument, chance, integers, number, one_of, positive, reals, row, thing, whole

from lvm_lib import (
    bernoulli_mixture,
    best_q,
    bounds,
    counter,
    curve,
    em,
    landscape,
    map_em,
    mixture,
    ppca,
    trainable_models,
    variational,
    whitened,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((8, 2)) * [2.0, 1.0]
BITS = (RNG.random((8, 3)) < 0.5).astype(float)
SHARES = RNG.dirichlet(np.ones(2), 8)
MIXTURE = mixture.GaussianMixture.spherical([0.4, 0.6], [[0.0, 1.0], [2.0, 0.0]], 0.7)
BERNOULLI = bernoulli_mixture.BernoulliMixture([0.4, 0.6], [[0.2, 0.7, 0.5], [0.6, 0.3, 0.9]])
LINEAR = ppca.LinearGaussian([[1.0], [0.5]], [0.5, -0.5], 0.5)
Q = bounds.GaussianQ(RNG.standard_normal((8, 1)), np.eye(1))


def share(value) -> Argument:
    """A number from 0 on."""
    plain = number(value)
    return plain._replace(refused={name: bad for name, bad in plain.refused.items() if name != "zero"})


# ---------------------------------------------------------------- Bernoulli mixture

row(
    bernoulli_mixture.BernoulliMixture,
    weights=reals(BERNOULLI.weights),
    probabilities=positive(BERNOULLI.probabilities),
)
row(BERNOULLI.log_px_z_all, x=reals(BITS))
row(BERNOULLI.sample, n=whole(4), rng=chance())

# ---------------------------------------------------------------- EM

row(em.e_step, model=thing(MIXTURE), x=reals(X))
row(em.hard_e_step, model=thing(MIXTURE), x=reals(X))
row(em.elbo, model=thing(MIXTURE), q=reals(SHARES), x=reals(X))
row(
    em.m_step_gaussian,
    x=reals(X),
    q=reals(SHARES),
    covariance=one_of("full"),
    floor=number(1e-6, welcome=["None"]),
    ridge=share(0.1),
)
row(em.m_step_bernoulli, x=reals(BITS), q=reals(SHARES), floor=number(1e-3))
row(em.m_step_linear, x=reals(X), q=thing(Q), floor=number(1e-6, welcome=["None"]))
row(
    em.fit_mixture,
    x=reals(X),
    components=whole(2),
    seed=chance(),
    covariance=one_of("full"),
    restarts=whole(2),
    iterations=whole(3),
    tolerance=share(1e-6),
    floor=number(1e-3, welcome=["None"]),
    ridge=share(0.1),
)
row(
    em.fit_bernoulli_mixture,
    x=reals(BITS),
    components=whole(2),
    seed=chance(),
    restarts=whole(2),
    iterations=whole(3),
    tolerance=share(1e-6),
    floor=number(1e-3),
)
row(
    em.fit_linear,
    x=reals(X),
    latents=whole(1),
    seed=chance(),
    restarts=whole(2),
    iterations=whole(3),
    tolerance=share(1e-6),
    floor=number(1e-6, welcome=["None"]),
)
row(
    em.start_mixture,
    x=reals(X),
    components=whole(2),
    rng=chance(),
    covariance=one_of("full"),
    floor=number(1e-3, welcome=["None"]),
)
row(em.start_bernoulli, x=reals(BITS), components=whole(2), rng=chance())

# ---------------------------------------------------------------- landscape

TOY = landscape.Landscape(np.array([1.5, -0.5, 2.0]))

row(landscape.Landscape, x=reals(TOY.x), std=positive(0.5))
row(TOY.q, theta_q=reals(0.5))
row(TOY.elbo, theta_q=reals(0.5), theta=reals([1.0, 2.0]))
row(TOY.evidence, theta=reals([1.0, 2.0]))
row(TOY.gap, theta_q=reals(0.5), theta=reals([1.0, 2.0]))
row(TOY.e_step, theta=reals(0.5))
row(TOY.m_step, theta_q=reals([1.0, 2.0]))
row(TOY.slopes, theta_q=reals(0.5), theta=reals([1.0, 2.0]))
row(TOY.em_path, theta_q=reals(0.5), theta=reals(1.0), steps=whole(2))
row(TOY.gradient_path, theta_q=reals(0.5), theta=reals(1.0), steps=whole(2), rate=number(0.1))

# ---------------------------------------------------------------- a prior, and the best q of a bend

SCALE = np.array([[1.0, 0.2], [0.2, 0.5]])
row(map_em.m_step_map, x=reals(X), q=reals(SHARES), scale=reals(SCALE), freedom=number(4.0))
row(map_em.log_prior, model=thing(MIXTURE), scale=reals(SCALE), freedom=number(4.0))
row(
    map_em.fit_map,
    x=reals(X),
    components=whole(2),
    scale=reals(SCALE),
    freedom=number(4.0),
    seed=chance(),
    restarts=whole(2),
    iterations=whole(3),
)
row(best_q.best_gaussian_elbo, curve=thing(curve.QuadraticCurve(1.0, 0.8, 0.5)), x=reals(X[:3, :1]))

# ---------------------------------------------------------------- four ways to fit one model

LINE = trainable_models.LinearModel([[1.0], [0.5]], [0.5, -0.5], 0.7)
CURVE = trainable_models.CurveModel(RNG.standard_normal((5, 2)), 0.5, grid=51)
MEAN, FACTOR = RNG.standard_normal((8, 1)), np.full((8, 1, 1), 0.5)
MEETING = variational.Amortised(2, 1, seed=0)  # what meets data remembers them
POINTS, ENCODER = variational.PerPoint(8, 1), variational.Amortised(2, 1, (4,), seed=0)
CLIMB = variational.climb("em", LINE, X, X, passes=1)
Z = np.array([0.5, -1.0, 0.2])


def fresh(model, step):
    """A step that works in place, on a copy of the model each time; the copy's parameters."""

    @functools.wraps(getattr(type(model), step))
    def call(**given):
        return list(getattr(copy.deepcopy(model), step)(**given).parameters())

    return call


@functools.wraps(variational.climb)
def climb(**given):
    """A climb without the seconds that it took."""
    return [record._replace(seconds=0.0) for record in variational.climb(**given).records]


row(
    trainable_models.LinearModel,
    loadings=reals(LINE.loadings.detach().numpy()),
    mean=reals([0.5, -0.5]),
    std=number(0.7),
)
row(LINE.evidence, x=reals(X))
row(LINE.elbo, x=reals(X), mean=reals(MEAN), factor=positive(FACTOR))
row(LINE.posterior, x=reals(X))
row(fresh(LINE, "em_step"), x=reals(X))
row(trainable_models.CurveModel, weights=reals(CURVE.weights.detach().numpy()), std=number(0.7), grid=whole(51, 51))
row(CURVE.features, z=reals(Z))
row(CURVE.decode, z=reals(Z))
row(CURVE.log_joint_on_grid, x=reals(X))
row(CURVE.evidence, x=reals(X))
row(CURVE.masses_on_grid, x=reals(X))
row(CURVE.posterior, x=reals(X))
row(CURVE.elbo, x=reals(X), mean=reals(MEAN), factor=positive(FACTOR))
row(CURVE.sampled_elbo, x=reals(X), mean=reals(MEAN), factor=positive(FACTOR), samples=whole(3), generator=chance())
row(fresh(CURVE, "em_step"), x=reals(X))
row(fresh(CURVE, "m_step"), x=reals(X), mean=reals(MEAN), factor=positive(FACTOR))
row(variational.PerPoint, points=whole(8), latents=whole(1))
row(POINTS.q, rows=integers([0, 3]))
row(
    variational.Amortised,
    dimensions=whole(2),
    latents=whole(1),
    hidden=one_of((4,), "ab", None, (0,), 4),
    seed=chance(),
)
row(MEETING.meet, x=reals(X))
row(ENCODER.q, x=reals(X))
row(CLIMB.column, name=one_of("evidence"))
row(
    climb,
    way=one_of("em"),
    model=thing(LINE),
    x=reals(X),
    test=reals(X[:3]),
    passes=whole(2),
    rate=number(0.1),
    batch=whole(4),
    seed=chance(),
    hidden=one_of((4,), "ab", None, (0,), 4),
    marks=one_of([1], "ab", 3, [5], [0.5]),
    search=whole(2),
)
row(whitened.WhitenedCurve, weights=reals(CURVE.weights.detach().numpy()), std=number(0.7), grid=whole(51, 51))
row(whitened.prior_gram, model=thing(CURVE))
row(whitened.whitened, model=thing(CURVE))
row(
    variational.best_gaussian,
    model=thing(CURVE),
    x=reals(X[:3]),
    rounds=whole(2),
    scan=Argument(False, {}),
    begin=one_of(
        (MEAN[:3], FACTOR[:3]),
        "ab",
        3,
        (1, 2),
        (MEAN, FACTOR),
        (MEAN[:3], -FACTOR[:3]),
        (MEAN[:3] * np.nan, FACTOR[:3]),
    ),
)

# ---------------------------------------------------------------- chance

row(counter.categorical, logits=reals(np.log([[0.2, 0.8], [0.5, 0.5]])), u=positive([0.3, 0.7]))
