"""The table of bad input for the exact half: densities, quadrature, bounds, models, data."""

import numpy as np
from bad_input import chance, integers, number, one_of, positive, reals, row, thing, whole, without

from lvm_lib import (
    bounds,
    claims,
    coding,
    counter,
    curve,
    data,
    densities,
    mixture,
    ppca,
    quadrature,
    refine,
    token_coding,
)
from lvm_lib.data import deflated
from lvm_lib.data import images as pictures

X, M = np.array([[0.3, -1.0], [2.0, 0.5], [0.1, 0.2]]), np.array([0.5, -0.5])
S = np.array([[1.0, 0.3], [0.3, 2.0]])
W, LOGITS = np.array([[1.0], [0.5]]), np.array([[0.2, -1.0], [0.4, 2.0]])
BITS, WHOLE = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[3.0, 0.0], [7.0, 2.0]])
P = np.array([0.2, 0.5, 0.3])

# ---------------------------------------------------------------- densities

row(densities.logsumexp, a=reals(X), axis=one_of(-1, 7), weights=reals(np.ones((3, 2)), welcome=["None"]))
row(densities.cholesky_factor, cov=reals(S))
row(densities.log_normal, x=reals(X), mean=reals(M), std=positive(M**2))
row(densities.log_normal_diag, x=reals(X), mean=reals(M), std=positive(M**2))
row(densities.log_normal_full, x=reals(X), mean=reals(M), cov=reals(S))
row(densities.log_normal_lowrank, x=reals(X), mean=reals(M), loadings=reals(W), noise=positive(M**2))
row(densities.log_bernoulli, x=reals(BITS), logits=reals(LOGITS))
row(densities.log_categorical, index=reals([0.0, 1.0]), logits=reals(LOGITS))
row(densities.log_discretised_normal, x=reals(WHOLE), mean=reals(M), std=positive(M**2), levels=whole(8, 2))
row(densities.log_discretised_logistic, x=reals(WHOLE), mean=reals(M), scale=positive(M**2), levels=whole(8, 2))
row(densities.entropy_normal_diag, std=positive(M**2))
row(densities.entropy_normal_full, cov=reals(S))
row(densities.entropy_normal_lowrank, loadings=reals(W), noise=positive(M**2))
row(densities.entropy_bernoulli, probability=reals(P))
row(densities.entropy_categorical, probabilities=reals(P))
row(densities.kl_normal_diag, mean_q=reals(X), std_q=positive(X**2), mean_p=reals(M), std_p=positive(M**2))
row(densities.kl_normal_full, mean_q=reals(X), cov_q=reals(S), mean_p=reals(M), cov_p=reals(np.eye(2)))
row(densities.kl_bernoulli, q=reals(P), p=reals(P[::-1].copy()))
row(densities.kl_categorical, q=reals(P), p=reals(P[::-1].copy()))

# ---------------------------------------------------------------- quadrature

LINE = quadrature.line(-9, 9, 201)
PLANE = quadrature.plane(-9, 9, 41)


def log_bell(points):
    return -0.5 * (points**2).sum(axis=1)


row(quadrature.Grid, points=reals(X), log_weights=reals(X[:, 0]))
row(quadrature.line, low=reals(-1.0), high=reals(1.0), m=whole(5, 2))
row(quadrature.plane, low=reals(-1.0), high=reals([1.0, 2.0]), m=whole(5, 2))
row(quadrature.hermite, m=whole(5), mean=reals(0.5), std=positive(2.0))
row(quadrature.log_integral, log_f_values=reals(log_bell(LINE.points)), grid=thing(LINE))
row(quadrature.normalised, log_f_values=reals(log_bell(LINE.points)), grid=thing(LINE))
row(quadrature.moments, log_f_values=reals(log_bell(LINE.points)), grid=thing(LINE))
row(quadrature.adaptive_line, log_f=thing(log_bell), low=reals(-3.0), high=reals(3.0), tolerance=number(1e-6))
row(quadrature.adaptive_plane, log_f=thing(log_bell), low=reals(-3.0), high=reals(3.0), tolerance=number(1e-6))

BELL, ONE = log_bell(LINE.points), np.array([0.5])

row(refine.elbo_and_slopes, log_f_values=reals(BELL), grid=thing(LINE), mean=reals(ONE), log_std=reals(-ONE))
row(
    refine.refine,
    log_f_values=reals(BELL),
    grid=thing(LINE),
    mean=reals(ONE),
    std=positive(ONE),
    stride=number(0.5),
    least=number(0.1, welcome=["zero"]),
    steps=whole(3, 0),
    within=reals(np.array([[-2.0, 2.0], [0.1, 3.0]]), welcome=["None"]),
)

# ---------------------------------------------------------------- bounds

LINEAR = ppca.LinearGaussian(W, M, 0.5)
Q = bounds.GaussianQ(np.zeros((3, 1)), np.eye(1))
Z = np.array([[0.5], [-1.0], [0.2]])
CHOICE = bounds.CategoricalQ(np.log(np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.3, 0.6, 0.1]])))
LINED = bounds.GridQ([-1.0, 0.0, 2.0], np.zeros((3, 3)))

row(bounds.GaussianQ, mean=reals(X), cov=reals(S))
row(bounds.GaussianQ.diagonal, mean=reals(X), std=positive(M**2))
row(Q.sample, k=whole(2), rng=chance())
row(Q.log_prob, z=reals(Z))
row(bounds.CategoricalQ, log_probs=reals(CHOICE.log_probs))
row(CHOICE.sample, k=whole(2), rng=chance())
row(CHOICE.log_prob, z=integers([0, 2, 1]))
row(bounds.GridQ, points=reals([-1.0, 0.0, 2.0]), log_density=reals(np.zeros((3, 3))))
row(LINED.sample, k=whole(2), rng=chance())
row(LINED.log_prob, z=reals(Z))
row(
    bounds.Estimate,
    value=reals(M),
    standard_error=reals(M**2, welcome=["None"]),
    effective_sample_size=reals(M**2, welcome=["None"]),
)
row(bounds.elbo, model=thing(LINEAR), q=thing(Q), x=reals(X), samples=whole(3), rng=chance())
row(bounds.importance_bound, model=thing(LINEAR), q=thing(Q), x=reals(X), k=whole(3), rng=chance(), repeats=whole(2))
row(bounds.effective_sample_size, log_weights=reals(X))
row(bounds.gap, evidence=reals(M), bound=reals(M - 1))
row(bounds.dequantised_bound, log_density=thing(log_bell), x=reals(WHOLE), samples=whole(3), rng=chance())
row(bounds.dequantised_normal, x=reals(WHOLE), mean=reals(M), cov=reals(S))
row(bounds.dequantised_normal_lowrank, x=reals(WHOLE), mean=reals(M), loadings=reals(W), noise=positive(M**2))

# ---------------------------------------------------------------- PPCA and factor analysis

CLOUD = np.random.default_rng(0).standard_normal((12, 3)) @ np.array([[2.0, 1, 0], [0, 1, 1], [0, 0, 0.5]])

row(ppca.LinearGaussian, loadings=reals(W), mean=reals(M), noise=positive(0.5))
row(LINEAR.decode, z=reals(Z))
row(LINEAR.log_px_z, x=reals(X), z=reals(Z))
row(LINEAR.log_joint, x=reals(X), z=reals(Z))
row(LINEAR.evidence, x=reals(X))
row(LINEAR.posterior, x=reals(X))
row(LINEAR.reconstruct, x=reals(X))
row(LINEAR.sample, n=whole(2), rng=chance())
row(LINEAR.rotate, rotation=reals([[1.0]]))
row(LINEAR.elbo_terms, q=thing(Q), x=reals(X))
row(LINEAR.expected_log_joint, q=thing(Q), x=reals(X))
row(LINEAR.elbo, q=thing(Q), x=reals(X))
row(LINEAR.kl_to_posterior, q=thing(Q), x=reals(X))
row(LINEAR.best_mean_field, x=reals(X))
row(ppca.fit_ppca, x=reals(CLOUD), latents=whole(1), noise=number(0.1, welcome=["None"]))
row(ppca.factor_analysis_step, model=thing(LINEAR), covariance=reals(S), floor=positive(1e-3))
row(
    ppca.fit_factor_analysis,
    x=reals(CLOUD),
    latents=whole(1),
    iterations=whole(5),
    tolerance=number(1e-6),
    floor=number(1e-6),
)

# ---------------------------------------------------------------- mixture and curve

MIXTURE = mixture.GaussianMixture.spherical(P, np.array([[0.0, 1.0], [2.0, 0.0], [-1.0, -1.0]]), 0.7)
SHARES = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 0.9, 0.1]])
BENT = curve.QuadraticCurve(1.0, 0.8, 0.5)
NET = curve.tanh_network(2, 3, rng=0)
CURVE = curve.Curve(NET, 0.5)

row(mixture.GaussianMixture, weights=reals(P), means=reals(MIXTURE.means), covariances=reals(MIXTURE.covariances))
row(mixture.GaussianMixture.spherical, weights=reals(P), means=reals(MIXTURE.means), std=positive(0.7))
row(MIXTURE.log_px_z_all, x=reals(X))
row(MIXTURE.log_joint_all, x=reals(X))
row(MIXTURE.log_joint, x=reals(X), z=integers([0, 2, 1]))
row(MIXTURE.evidence, x=reals(X))
row(MIXTURE.log_responsibilities, x=reals(X))
row(MIXTURE.responsibilities, x=reals(X))
row(MIXTURE.posterior, x=reals(X))
row(MIXTURE.sample, n=whole(4), rng=chance())
row(MIXTURE.elbo, q=reals(SHARES), x=reals(X))
row(MIXTURE.kl_to_posterior, q=reals(SHARES), x=reals(X))

row(curve.Curve, decoder=thing(NET), std=positive(0.5))
row(CURVE.decode, z=reals(Z))
row(CURVE.log_px_z, x=reals(X), z=reals(Z))
row(CURVE.log_joint, x=reals(X), z=reals(Z))
row(CURVE.log_joint_on, x=reals(X), grid=thing(LINE))
row(CURVE.settled_grid, x=reals(X), tolerance=number(1e-6))
row(CURVE.evidence, x=reals(X))
row(CURVE.posterior, x=reals(X))
row(CURVE.log_posterior_on, x=reals(X), grid=thing(LINE))
row(CURVE.kl_to_posterior, q=thing(Q), x=reals(X))
row(CURVE.sample, n=whole(2), rng=chance())
row(curve.QuadraticCurve, slope=reals(1.0), bend=reals(0.5), std=positive(0.5))
row(BENT.decode, z=reals(Z))
row(BENT.elbo_terms, q=thing(Q), x=reals(Z))
row(BENT.elbo, q=thing(Q), x=reals(Z))
row(
    curve.TanhNetwork,
    hidden_weights=reals([[1.0, 2.0]]),
    hidden_bias=reals(M),
    output_weights=reals(S),
    output_bias=reals(M),
)
row(curve.tanh_network, dimensions=whole(2), hidden=whole(3), rng=chance(), gain=number(1.5))

# ---------------------------------------------------------------- chance and data

row(counter.words, seed=chance(3), index=integers([0, 1]), stream=chance(1))
row(counter.uniforms, seed=chance(3), index=integers([0, 1]), stream=chance(1))
row(counter.normals, seed=chance(3), index=integers([0, 1]), stream=chance(1))
row(counter.normal_quantile, u=reals([0.2, 0.5]))
row(counter.philox, counter=integers([[0, 1, 2, 3]]), key=integers([1, 2]))
row(coding.exact_exp, x=reals([0.2, -3.5]))
row(coding.exact_cdf, x=reals([0.2, -3.5]))
row(token_coding.whole_shares, probabilities=reals([[0.25, 0.75], [0.5, 0.5]]))
row(data.load, name=one_of("digits"))
row(data.binarised, name=one_of("digits"), split=one_of("test"))
row(deflated.deflated, name=one_of("digits"), split=one_of("test"))
row(deflated.page_script, name=one_of("digits"))
row(deflated.beside, name=one_of("digits"))
row(data.binarise, images=reals([[0.0, 255.0], [255.0, 0.0]]), rng=chance())
row(pictures.flat, images=reals([[[0.0, 255.0], [3.0, 8.0]]]))
row(pictures.unit, images=reals([[0.0, 255.0], [3.0, 8.0]]))

# ---------------------------------------------------------------- claims


def one_line(value):
    plain = thing(value)
    return plain._replace(refused={**without(plain.refused, ["a word"]), "two lines": "two\nlines"})


# A value that does not hold, NaN among them, is an AssertionError: test_claims.py.
row(
    claims.holds,
    name=one_line("a number"),
    value=reals(2.0, welcome=["NaN", "infinity"])._replace(doubtful={}),
    at_least=reals(1.0, welcome=["None"])._replace(doubtful={}),
    at_most=reals(3.0, welcome=["None"])._replace(doubtful={}),
    unit=one_line("nats"),
)
