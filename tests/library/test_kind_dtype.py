"""Kind "dtype": the same numbers in another type give the same answer, to that type's rounding, all over the library.

The table of every public call (`bad_*.py`) is gone through: each of its arrays, rounded to what a type can hold, is
given in that type and in float64. No call may tell the two apart, and none may refuse a type for its rounding.
"""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_input import ROWS, numbers_in, outcome

from lvm_lib import (
    _checks,
    bernoulli_mixture,
    bounds,
    densities,
    em,
    kmeans,
    mixture,
    ppca,
    quantize,
    token_coding,
    token_priors,
)
from lvm_lib.autoencoder import mlp_autoencoder
from lvm_lib.fit import fit
from lvm_lib.likelihoods import DiscretisedNormal, Gaussian
from lvm_lib.single_code import single_code_vqvae
from lvm_lib.vae import mlp_vae
from lvm_lib.vqvae import conv_vqvae

for table in sorted(Path(__file__).parent.glob("bad_*.py")):
    importlib.import_module(table.stem)

NARROW = {
    "float32 array": np.float32,
    "float32 tensor": torch.float32,
    "float16 array": np.float16,
    "bfloat16 tensor": torch.bfloat16,
    "float64 tensor": torch.float64,
    "int64 array": np.int64,
    "int64 tensor": torch.int64,
    "int32 array": np.int32,
    "uint8 array": np.uint8,
}
CALLS = sorted(
    (key, name)
    for key, entry in ROWS.items()
    for name, argument in entry.arguments.items()
    if isinstance(argument.value, (np.ndarray, list, torch.Tensor))
    and name != "marks"  # a list of counts, no array
    and np.asarray(argument.value).dtype.kind in "fiu"
)


def guises(value, kind):
    """The value in a type, and the same (rounded) numbers in the type that the table has."""
    array = np.asarray(value)
    if kind in (np.int64, np.int32, np.uint8, torch.int64):
        array = np.abs(array.round()) if kind is np.uint8 else array.round()
    if isinstance(kind, torch.dtype):
        narrow = torch.tensor(array).to(kind)
        wide = narrow.double().numpy()
    else:
        narrow = array.astype(kind)
        wide = narrow.astype(np.float64)
    return narrow, torch.tensor(wide) if isinstance(value, torch.Tensor) else wide.astype(array.dtype)


@pytest.mark.parametrize("key, name", CALLS, ids=lambda part: str(part))
def test_a_type_changes_nothing_but_its_rounding(key, name):
    entry = ROWS[key]
    value, told_apart = entry.arguments[name].value, []
    whole = np.asarray(value).dtype.kind in "iu"
    for what, kind in NARROW.items():
        if whole and "int" not in what:
            continue  # floats where integers are asked for: another kind of mistake
        narrow, wide = guises(value, kind)
        here, there = outcome(entry, **{name: narrow}), outcome(entry, **{name: wide})
        if isinstance(here, Exception) and isinstance(there, Exception):
            assert isinstance(here, (TypeError, ValueError))
            if "int" not in what:  # the table's own values, to a type's rounding: no reason to refuse them
                told_apart.append(f"{what}: both refused, {here!r}"[:300])
        elif "where rounding explains" in str(there):
            assert not isinstance(here, Exception)  # a sum that the narrow type explains, and float64 does not
        elif isinstance(here, Exception) or isinstance(there, Exception):
            told_apart.append(f"{what}: {here!r} against {there!r}"[:300])
        elif not alike(here, there, half="float16" in what):
            told_apart.append(f"{what}: {numbers_in(here)} against {numbers_in(there)}"[:400])
    assert told_apart == []


def alike(here, there, half):
    """To the rounding of the type that the answer has: some calls answer in that of their data."""
    for a, b in zip(numbers_in(here), numbers_in(there), strict=True):
        tolerance = 1e-2 if half and a.dtype != np.float64 else 2e-5
        if a.shape != b.shape or not np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True):
            return False
    return True


# ---------------------------------------------------------------- probabilities: what came is taken by its own rounding


def softmax(dtype, *shape, seed=0):
    logits = 4 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return logits.to(dtype).softmax(-1)


def users(q):
    """Every public function that takes probabilities, on q (n, K) in any type."""
    n, k = q.shape
    x = np.random.default_rng(1).normal(size=(n, 2))
    bits = (x > 0).astype(float)
    means, covariances = x[:k] if n >= k else np.random.default_rng(2).normal(size=(k, 2)), np.eye(2)[None].repeat(k, 0)
    model = mixture.GaussianMixture(np.full(k, 1 / k), means, covariances)
    half = np.full((k, 2), 0.4)
    other = softmax(torch.float64, n, k, seed=3)
    return {
        "m_step_gaussian": lambda q: em.m_step_gaussian(x, q, floor=1e-3).means,
        "m_step_bernoulli": lambda q: em.m_step_bernoulli(bits, q).probabilities,
        "entropy_categorical": densities.entropy_categorical,
        "kl_categorical, q": lambda q: densities.kl_categorical(q, other),
        "kl_categorical, p": lambda q: densities.kl_categorical(other, q),
        "GaussianMixture": lambda q: mixture.GaussianMixture(q[0], means, covariances).evidence(x),
        "BernoulliMixture": lambda q: bernoulli_mixture.BernoulliMixture(q[0], half).evidence(bits),
        "Mixture.elbo": lambda q: model.elbo(q, x),
        "Mixture.kl_to_posterior": lambda q: model.kl_to_posterior(q, x),
        "em.elbo": lambda q: em.elbo(model, q, x),
        "whole_shares": lambda q: token_coding.whole_shares(q) / token_coding.WHOLE,
        "IndependentPrior": lambda q: token_priors.IndependentPrior(q).log_prob(torch.zeros(1, n, dtype=torch.long)),
    }


@pytest.mark.parametrize("k", [1, 2, 3, 10, 300])
@pytest.mark.parametrize("form", ["tensor", "array", "widened"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_rows_of_a_softmax_are_probabilities_in_every_type(dtype, form, k):
    q = softmax(dtype, 5, k)
    exact = q.double() / q.double().sum(-1, keepdim=True)
    if form == "array" and dtype != torch.bfloat16:
        q = q.numpy()
    elif form == "widened":
        q = q.double().numpy()  # narrow numbers that came in float64
    for name, call in users(exact).items():
        if dtype in (torch.float16, torch.bfloat16) and name == "IndependentPrior":
            continue  # a share may underflow to 0 there, which that prior refuses for its own reason
        got, expected = call(q), call(exact.numpy())
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("k", [1, 2, 10, 300])
@pytest.mark.parametrize("form", ["tensor", "array", "widened"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_rows_of_a_log_softmax_are_log_probabilities_in_every_type(dtype, form, k):
    log_q = 4 * torch.randn(5, k, generator=torch.Generator().manual_seed(0))
    log_q = log_q.to(dtype).log_softmax(-1)
    exact = log_q.double().log_softmax(-1)
    if form == "widened":
        log_q = log_q.double()
    if form != "tensor" and log_q.dtype != torch.bfloat16:
        log_q = log_q.numpy()
    np.testing.assert_allclose(bounds.CategoricalQ(log_q).log_probs, exact, rtol=1e-6, atol=1e-6)
    model = single_code_vqvae(k, 2, (4,), 3, seed=0, start="random").double().eval()
    x = torch.ones(2, 3)
    got, expected = (model.evidence(x, row).detach() for row in (log_q[0], exact[0]))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-4)  # what is off by less than 1e-4 stays as it came
    with pytest.raises(ValueError, match="off by up to"):
        bounds.CategoricalQ(exact + 0.1)


# ---------------------------------------------------------------- whole numbers, and arrays as they are found

WHOLE = [np.uint8, np.int8, np.uint16, np.int16, ">i4", np.uint32, np.uint64]
WHOLE += [torch.uint8, torch.int8, torch.uint16, torch.int16, torch.int32, torch.uint32, torch.uint64]


@pytest.mark.parametrize("codes", [100, 128, 200, 256, 300, 70000])
@pytest.mark.parametrize("kind", WHOLE, ids=str)
def test_tokens_of_every_whole_type_are_the_same_tokens(kind, codes):
    """Also where the number of codes is beyond the type."""
    tokens = np.array([[1, 99], [0, 64]])
    given = torch.tensor(tokens).to(kind) if isinstance(kind, torch.dtype) else tokens.astype(kind)
    assert quantize.usage(given, codes).counts.nonzero()[:, 0].tolist() == [0, 1, 64, 99]
    layer = quantize.VectorQuantizer(codes, 1, seed=0)
    assert torch.equal(layer.decode(given), layer.decode(tokens))
    assert quantize.FSQ([codes]).decode(given)[..., 0].argmax() == 1
    assert torch.equal(token_priors.training_rows(given)[0], torch.tensor(tokens))
    prior = token_priors.UniformPrior(codes, 2)
    assert torch.equal(prior.log_prob(given), prior.log_prob(tokens))
    counted = token_priors.IndependentPrior.counted(given, codes, given[:, 1] * 0, classes=1000 if codes < 200 else 2)
    assert torch.isfinite(counted.log_prob(given, 0)).all()
    for size in (50, 99):
        with pytest.raises(ValueError, match=rf"must lie in 0 ... {size - 1}, got 0 ... 99"):
            quantize.usage(given, size)


def test_numbers_beyond_int64_are_refused_with_what_came():
    with pytest.raises(ValueError, match=r"got up to 9223372036854775808"):
        quantize.usage(np.array([2**63], np.uint64), 5)


FOUND = {
    "rows backwards": lambda x: x[::-1],
    "columns backwards": lambda x: x[:, ::-1],
    "big-endian float32": lambda x: x.astype(">f4"),
    "big-endian float64": lambda x: x.astype(">f8"),
    "long double": lambda x: x.astype(np.longdouble),
    "columns first": np.asfortranarray,
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "one row for all": lambda x: np.broadcast_to(x[:1], x.shape),
    "inside records": lambda x: np.rec.fromarrays([x, np.zeros(x.shape, np.int8)], names="x, y")["x"],
    "every second": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "unsigned 16": lambda x: (x > 0.5).astype(np.uint16),
    "big-endian whole": lambda x: (x > 0.5).astype(">i2"),
    "bits": lambda x: (x > 0.5)[::-1],
}


@pytest.mark.parametrize("name", FOUND)
def test_arrays_are_taken_as_they_are_found(name):
    found = FOUND[name](np.random.default_rng(0).random((40, 6)))
    wide = np.array(found, dtype=np.float64, order="C")
    net = mlp_vae(1, (4,), 6, Gaussian(1.0), seed=0).double().eval()
    for call in (
        lambda x: net.elbo(x, 0).detach(),
        lambda x: mlp_autoencoder(1, (4,), 6, seed=0).double().squared_error(x).detach(),
        lambda x: quantize.nearest(x, x[:3]),
        lambda x: fit(mlp_vae(1, (4,), 6, Gaussian(1.0), seed=0).double(), x, epochs=1, seed=0).loss,
        lambda x: ppca.fit_ppca(x + np.arange(240).reshape(40, 6) % 7, 1).noise,
        lambda x: kmeans.assign(x, x[:3]).codes,
    ):
        np.testing.assert_allclose(call(found), call(wide), rtol=1e-9)


# ---------------------------------------------------------------- half precision: indices and grey levels are whole


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("levels", [[2], [300], [1000], [8, 7, 5]])
def test_indices_of_a_grid_are_right_in_every_type(levels, dtype):
    layer = quantize.FSQ(levels).to(dtype)
    codes = layer.decode(torch.arange(layer.size))
    exact = quantize.FSQ(levels).double().decode(torch.arange(layer.size))
    assert codes.dtype == dtype
    torch.testing.assert_close(codes.double(), exact, rtol=0, atol=torch.finfo(dtype).eps)
    far = layer(torch.full((2, len(levels)), 20.0, dtype=dtype) * torch.tensor([[1], [-1]]))
    assert far.indices.tolist() == [layer.size - 1, 0] and far.codes.dtype == dtype
    single = quantize.FSQ(levels).decode(torch.arange(layer.size))
    assert torch.equal(layer.float().decode(torch.arange(layer.size)), single)  # nothing was lost on the way


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_grey_levels_keep_their_digits_in_a_half_precision_model(dtype):
    x = torch.tensor([[509.0, 511.0, 513.0, 515.0, 511.0, 513.0]])
    likelihood = DiscretisedNormal(3.0, levels=1024)
    vae, code = mlp_vae(2, (4,), 6, likelihood, seed=0), single_code_vqvae(1, 2, (4,), 6, likelihood, seed=0)
    with torch.no_grad():
        for decoder in (vae.decoder, code.decoder):
            for parameter in decoder.parameters():
                parameter.zero_()
            decoder[-1].bias.fill_(0.5)
    values = []
    for kind in (torch.float64, dtype):
        values.append((vae.to(kind).log_px_z(x, torch.zeros(1, 2)).item(), code.to(kind).log_px_z_all(x).item()))
    np.testing.assert_allclose(values[1], values[0], atol=0.05)  # the std itself is rounded
    assert torch.isfinite(vae.elbo(x, 0)).all() and vae.q(x).mean.dtype == dtype
    tokens = conv_vqvae(quantize.FSQ([5]), 4, 4, likelihood, seed=0).to(dtype).eval()
    assert torch.isfinite(tokens.elbo_terms(torch.full((2, 16), 1023.0), token_priors.UniformPrior(5, 1)).elbo).all()


@pytest.mark.parametrize("k", [2, 3, 7, 1000])
def test_equal_weights_in_float32(k):
    weights = np.full(k, 1 / k, np.float32)
    model = mixture.GaussianMixture(weights, np.arange(k, dtype=np.float32)[:, None], np.ones((k, 1, 1), np.float32))
    assert abs(model.weights.sum() - 1) < 1e-14
    x, _ = model.sample(10, 0)
    assert np.isfinite(model.evidence(x)).all()


@pytest.mark.parametrize("dtype, off", [(np.float64, 1e-7), (np.float32, 1e-5), (np.float16, 0.02)])
def test_what_is_off_by_more_than_rounding_is_refused_and_the_deviation_told(dtype, off):
    wrong = np.array([0.3, 0.7 + off], dtype)
    for call in (densities.entropy_categorical, lambda q: em.m_step_gaussian([[0.0], [1.0]], [q, q])):
        with pytest.raises(ValueError, match=r"off by up to .* where rounding explains") as caught:
            call(wrong)
        assert f"{float(np.abs(wrong.astype(float).sum() - 1)):.2g}" in str(caught.value)


def test_a_tensor_with_a_gradient_is_named_not_stripped():
    x = torch.zeros(3, 2, requires_grad=True)
    with pytest.raises(TypeError, match=r"x must be without gradient here \(pass x.detach\(\)\)"):
        densities.log_normal(x, 0.0, 1.0)
    assert np.array_equal(densities.log_normal(x.detach(), 0.0, 1.0), densities.log_normal(np.zeros((3, 2)), 0.0, 1.0))


# ---------------------------------------------------------------- covariances, rotations


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("seed", range(4))
def test_a_float32_covariance_may_be_as_lopsided_as_rounding_makes_it(seed, scale):
    rng = np.random.default_rng(seed)
    x = (scale * rng.normal(size=(50, 6)) * [1, 10, 1e-2, 1, 1, 3]).astype(np.float32)
    loops = np.array([[(x[:, i] * x[:, j]).sum(dtype=np.float32) / 50 for j in range(6)] for i in range(6)], np.float32)
    loops *= 1 + np.triu(np.full((6, 6), 2 * np.finfo(np.float32).eps), 1).astype(np.float32)  # summed in another order
    assert not np.array_equal(loops, loops.T)
    wide = (loops.astype(float) + loops.T.astype(float)) / 2
    np.testing.assert_allclose(
        densities.log_normal_full(x, 0.0 * x[0], loops), densities.log_normal_full(x, 0 * x[0], wide), rtol=1e-4
    )
    mixture.GaussianMixture([1.0], np.zeros((1, 6)), loops[None])
    with pytest.raises(ValueError, match="symmetric"):
        densities.cholesky_factor(loops.astype(float) * (1 + 1e-7 * np.triu(rng.random((6, 6)), 1)))


def test_a_covariance_is_judged_entry_by_entry():
    """A small block beside a large one must be symmetric too: a share of sqrt(C_ii C_jj), not of the largest entry."""
    cov = np.diag([1e10, 1.0, 1.0])
    cov[1, 2] = 0.5
    with pytest.raises(ValueError, match="symmetric"):
        densities.cholesky_factor(cov)


@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_a_float32_rotation_is_a_rotation(d):
    rotation = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))[0]
    model = ppca.LinearGaussian(np.random.default_rng(0).normal(size=(d + 2, d)), np.zeros(d + 2), 0.3)
    got, expected = model.rotate(rotation.astype(np.float32)), model.rotate(rotation)
    np.testing.assert_allclose(got.loadings, expected.loadings, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="orthogonal"):
        model.rotate(rotation + 1e-5 * np.eye(d))


@pytest.mark.parametrize("value, eps", [
    (np.float32([0.1]), 2.0**-23), (np.float64([0.1]), 2.0**-52), (np.float16([0.1]), 2.0**-10), ([1, 2], 2.0**-52),
    (torch.tensor([0.1]), 2.0**-23), (torch.tensor([0.1], dtype=torch.bfloat16), 2.0**-7),
    (torch.tensor([0.1], dtype=torch.float64), 2.0**-52), (np.float32([0.1]).astype(float), 2.0**-23),
])  # fmt: skip  # a table, one kind to a line
def test_precision_is_that_of_the_type_that_came(value, eps):
    assert _checks.precision(value) == eps


# ---------------------------------------------------------------- edges of an interval


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_probability_one_rounding_above_one_is_one(dtype):
    p = np.array([0.5, 1.0], dtype) + np.array([0, np.finfo(dtype).eps], dtype)
    assert densities.entropy_bernoulli(p) == densities.entropy_bernoulli([0.5, 1.0])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        densities.entropy_bernoulli(p + dtype(20 * np.finfo(dtype).eps))
