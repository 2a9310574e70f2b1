"""The counted generator: published vectors, SciPy's quantiles, and what one asks of any generator."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lvm_lib import counter

WORD = 2**32 - 1


@pytest.mark.parametrize(
    "block, key, expected",
    [  # from the authors' Random123, file kat_vectors
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((WORD,) * 4, (WORD,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_words(block, key, expected):
    found = counter.philox(block, key)
    assert found.dtype == np.uint32
    assert " ".join(f"{int(word):08x}" for word in found) == expected


def test_a_draw_depends_on_its_number_alone():
    many = counter.words(7, np.arange(1000))
    assert many.shape == (1000, 4)
    assert (counter.words(7, 999) == many[999]).all() and (counter.words(7, [[5], [6]])[:, 0] == many[5:7]).all()
    assert (counter.words(7, np.arange(1000)[::-1]) == many[::-1]).all()
    assert (counter.words(7, WORD) == counter.philox((WORD, 0, 0, 0), (7, 0))).all()


def test_seeds_streams_and_numbers_give_other_draws():
    draws = np.concatenate([counter.words(seed, np.arange(500), stream) for seed in (0, 1, 2) for stream in (0, 1)])
    assert len(np.unique(draws, axis=0)) == len(draws)


def test_uniforms_are_the_middles_of_bins():
    u = counter.uniforms(3, np.arange(10_000))
    k = u * 2.0**52 - 0.5
    assert u.shape == (10_000, 2) and (k == np.floor(k)).all() and k.min() >= 0 and k.max() < 2**52
    assert ((1 - u) * 2.0**52 - 0.5 == 2.0**52 - 1 - k).all(), "the mirror image is on the same bins, exactly"
    word = counter.words(3, np.arange(10_000)).astype(object)
    high, low = word[:, :2], word[:, 2:]
    assert (k.astype(object) == (high >> 6) * 2**26 + (low >> 6)).all()


@pytest.mark.parametrize("seed", [0, 7, WORD])
def test_draws_are_uniform_normal_and_independent(seed):
    u, z = counter.uniforms(seed, np.arange(20_000)), counter.normals(seed, np.arange(20_000))
    for column in (0, 1):
        assert stats.kstest(u[:, column], "uniform").pvalue > 1e-4
        assert stats.kstest(z[:, column], "norm").pvalue > 1e-4
        assert abs(np.corrcoef(z[:-1, column], z[1:, column])[0, 1]) < 4 / np.sqrt(20_000)
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / np.sqrt(20_000)
    assert abs(np.corrcoef(z.T**2)[0, 1]) < 4 / np.sqrt(20_000)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.floats(1e-300, 1 - 1e-15) | st.floats(1e-17, 1e-3) | st.floats(0.07, 0.08))
def test_quantiles_agree_with_scipy_and_with_the_standard_library(u):
    found = counter.normal_quantile(u)
    assert found == pytest.approx(stats.norm.ppf(u), rel=2e-15, abs=1e-16)
    assert found == pytest.approx(statistics.NormalDist().inv_cdf(u), rel=1e-14, abs=1e-16)


def test_quantiles_are_odd_and_rise():
    u = np.sort(counter.uniforms(1, np.arange(2000)).ravel())
    z = counter.normal_quantile(u)
    assert (np.diff(z) > 0).all() and counter.normal_quantile(0.5) == 0
    assert (counter.normal_quantile(1 - u) == -z).all()
    assert np.isfinite(counter.normal_quantile([2.0**-53, 1 - 2.0**-53])).all()


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: counter.normal_quantile([0.5, 1.0]), ValueError, "u must lie strictly between 0 and 1"),
        (lambda: counter.normal_quantile(0.0), ValueError, "u must lie strictly"),
        (lambda: counter.normal_quantile(float("nan")), ValueError, "u must be finite"),
        (lambda: counter.words(-1, 0), ValueError, "seed must lie from 0 to 2\\^32 - 1, got from -1"),
        (lambda: counter.words(0, 2**32), ValueError, "index must lie"),
        (lambda: counter.words(0.5, 0), TypeError, "seed must hold whole numbers .* float 0.5"),
        (lambda: counter.words([1, 2], 0), ValueError, "seed must be one whole number"),
        (lambda: counter.words(True, 0), TypeError, "seed must hold whole numbers"),
        (lambda: counter.words(0, []), TypeError, "index must hold"),
        (lambda: counter.philox([1, 2, 3], [0, 0]), ValueError, "counter must have 4 entries"),
        (lambda: counter.philox([1, 2, 3, 4], 0), ValueError, "key must have 2 entries"),
        (lambda: counter.categorical([[0.0, 1.0]] * 3, [0.5, 0.5]), ValueError, "u must broadcast"),
    ],
)
def test_errors_name_what_came(call, error, words):
    with pytest.raises(error, match=words):
        call()
